-- Imports as operations, and what became of each of their files.

CREATE TABLE operations (
    tenant      text             NOT NULL,
    id          text COLLATE "C" NOT NULL,
    method      text             NOT NULL,
    -- Name of the knowledge base.
    subject     text             NOT NULL,
    request_id  uuid             NOT NULL,
    fingerprint bytea            NOT NULL,
    state       text             NOT NULL,
    stage       text             NOT NULL DEFAULT '',
    progress    float8           NOT NULL DEFAULT 0,
    result      text             NOT NULL DEFAULT '',
    problem     text             NOT NULL DEFAULT '',
    reason      text             NOT NULL DEFAULT '',
    trace_id    text             NOT NULL,
    -- Renewed by the process that does the work; one that is old has no such process any more.
    heartbeat   timestamptz      NOT NULL DEFAULT now(),
    create_time timestamptz      NOT NULL DEFAULT now(),
    -- Set once: whoever sets it first has decided how the operation ended.
    end_time    timestamptz,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, request_id)
);
-- One import into a knowledge base at a time; also what is looked through for stale heartbeats.
CREATE UNIQUE INDEX operations_unfinished ON operations (tenant, subject) WHERE end_time IS NULL;

CREATE TABLE import_results (
    tenant        text             NOT NULL,
    operation     text COLLATE "C" NOT NULL,
    -- In the order of the upload, from 0.
    place         integer          NOT NULL,
    path          text             NOT NULL,
    outcome       text             NOT NULL DEFAULT 'pending',
    -- Id of the document; empty where there is none.
    document      text             NOT NULL DEFAULT '',
    passage_count integer          NOT NULL DEFAULT 0,
    faq_count     integer          NOT NULL DEFAULT 0,
    problem       text             NOT NULL DEFAULT '',
    notes         text[]           NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, operation, place),
    FOREIGN KEY (tenant, operation) REFERENCES operations ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['operations', 'import_results']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_tenant ON %I TO kefu_knowledge_tenant'
            ' USING (tenant = current_setting(''kefu.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO kefu_knowledge_tenant', name);
    END LOOP;
END $$;
