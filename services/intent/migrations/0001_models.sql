-- Model versions, which of them is live, the trainings that made them, and vectors of utterances.
-- Everything is keyed by tenant first.

-- One row a version, for good; what it takes to answer with it only as long as it may be wanted.
CREATE TABLE models (
    tenant          text             NOT NULL,
    -- Sorts by time, so it alone orders a list and pages it; "C" compares bytes.
    id              text COLLATE "C" NOT NULL,
    data_hash       text             NOT NULL,
    embedding_model text             NOT NULL,
    -- Name, type, description, counts and a few utterances of each intent.
    intents         jsonb            NOT NULL,
    utterance_count integer          NOT NULL,
    -- The figures of its cross-validation.
    quality         jsonb            NOT NULL,
    train_seconds   float8           NOT NULL,
    create_time     timestamptz      NOT NULL DEFAULT now(),
    -- The model itself and, compressed, what it said of each utterance while it had not seen it.
    -- Both null once the version is too old to come back.
    artefact        bytea,
    judged          bytea,
    PRIMARY KEY (tenant, id)
);
-- Neither gets smaller by PostgreSQL's own compression, which would only cost time.
ALTER TABLE models ALTER COLUMN artefact SET STORAGE EXTERNAL;
ALTER TABLE models ALTER COLUMN judged SET STORAGE EXTERNAL;

-- A stack: each activation knows the one that it took the place of, so that going back twice goes
-- further back.
CREATE TABLE activations (
    tenant      text        NOT NULL,
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    model       text        NOT NULL,
    parent      bigint,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, model) REFERENCES models,
    FOREIGN KEY (tenant, parent) REFERENCES activations
);

-- The top of each tenant's stack. Every replica reads this table once a second: it stays small.
CREATE TABLE live_models (
    tenant     text   PRIMARY KEY,
    activation bigint NOT NULL,
    model      text   NOT NULL,
    FOREIGN KEY (tenant, activation) REFERENCES activations
);

-- What a request_id did to the stack, so that a repeat gets the first result.
CREATE TABLE model_requests (
    tenant      text        NOT NULL,
    request_id  uuid        NOT NULL,
    subject     text        NOT NULL,
    model       text        NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);

CREATE TABLE operations (
    tenant      text             NOT NULL,
    id          text COLLATE "C" NOT NULL,
    method      text             NOT NULL,
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
-- One training of a tenant at a time; also what is looked through for stale heartbeats.
CREATE UNIQUE INDEX operations_unfinished ON operations (tenant) WHERE end_time IS NULL;

-- Vectors of training utterances, so that training again embeds only what is new.
CREATE TABLE vectors (
    tenant          text        NOT NULL,
    embedding_model text        NOT NULL,
    -- SHA-256 of the text in UTF-8.
    text_hash       bytea       NOT NULL,
    -- Little-endian float32, L2-normalised.
    vector          bytea       NOT NULL,
    create_time     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, embedding_model, text_hash)
);
