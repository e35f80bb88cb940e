-- Tickets, and the requests that made and changed them.

CREATE TABLE desk_tickets (
    tenant          text             NOT NULL,
    -- Sorts by time of opening, so it alone orders a list and pages it; "C" compares bytes.
    ticket_id       text COLLATE "C" NOT NULL,
    session         text             NOT NULL,
    reason          text             NOT NULL,
    summary         text             NOT NULL,
    language_code   text             NOT NULL,
    slots           jsonb            NOT NULL,
    sentiment_trend float8[]         NOT NULL,
    status          text             NOT NULL,
    priority        text             NOT NULL,
    assignee        text             NOT NULL,
    create_time     timestamptz      NOT NULL,
    update_time     timestamptz      NOT NULL,
    revision        bigint           NOT NULL,
    PRIMARY KEY (tenant, ticket_id)
);

CREATE INDEX desk_tickets_by_session ON desk_tickets (tenant, session, ticket_id);
CREATE INDEX desk_tickets_by_status ON desk_tickets (tenant, status, ticket_id);

-- What each request_id led to: a repeat gets the first result, also when the ticket has changed
-- since. What a ticket is about never changes and is not stored a second time.
CREATE TABLE desk_requests (
    tenant      text             NOT NULL,
    request_id  uuid             NOT NULL,
    fingerprint bytea            NOT NULL,
    ticket_id   text COLLATE "C" NOT NULL,
    created     boolean          NOT NULL,
    status      text             NOT NULL,
    priority    text             NOT NULL,
    assignee    text             NOT NULL,
    update_time timestamptz      NOT NULL,
    revision    bigint           NOT NULL,
    PRIMARY KEY (tenant, request_id),
    FOREIGN KEY (tenant, ticket_id) REFERENCES desk_tickets ON DELETE CASCADE
);
CREATE INDEX desk_requests_by_ticket ON desk_requests (tenant, ticket_id);
