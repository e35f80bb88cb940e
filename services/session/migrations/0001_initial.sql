-- Conversations and their turns. The live context stands in Redis too; this copy can rebuild it.

CREATE TABLE sessions (
    tenant            text        NOT NULL,
    session           text        NOT NULL,
    -- Who made it: a repeat of the same request returns the row, another request is refused.
    create_request_id uuid        NOT NULL,
    create_digest     bytea       NOT NULL,
    closed            boolean     NOT NULL DEFAULT false,
    profile           jsonb       NOT NULL DEFAULT '{}',
    context           jsonb       NOT NULL,
    turn_count        integer     NOT NULL DEFAULT 0,
    ttl_seconds       integer     NOT NULL,
    create_time       timestamptz NOT NULL DEFAULT now(),
    update_time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, session),
    UNIQUE (tenant, create_request_id)
);
CREATE INDEX sessions_by_time ON sessions (tenant, create_time DESC, session DESC);

CREATE TABLE turns (
    tenant     text    NOT NULL,
    session    text    NOT NULL,
    turn_index integer NOT NULL,
    turn       text    NOT NULL,
    request_id uuid    NOT NULL,
    digest     bytea   NOT NULL,
    -- kefu.session.v1.Turn, and its TurnEvents but the last, as they were streamed.
    result     bytea   NOT NULL,
    events     bytea[] NOT NULL,
    PRIMARY KEY (tenant, session, turn_index),
    UNIQUE (tenant, session, request_id),
    UNIQUE (tenant, session, turn),
    FOREIGN KEY (tenant, session) REFERENCES sessions
);
