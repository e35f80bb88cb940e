-- The draft of each tenant's training data, and what customers said that the model was unsure of.

CREATE TABLE drafts (
    tenant            text    PRIMARY KEY,
    -- Whether models are trained without the intents that every tenant has.
    omit_base_intents boolean NOT NULL
);

CREATE TABLE draft_intents (
    tenant      text             NOT NULL,
    -- "C" compares bytes: a list pages by it, and it never changes with the system's collation.
    intent      text COLLATE "C" NOT NULL,
    type        text             NOT NULL,
    description text             NOT NULL,
    PRIMARY KEY (tenant, intent)
);

CREATE TABLE draft_utterances (
    tenant   text             NOT NULL,
    -- SHA-256 of what is left of the text when case, script, width and signs are taken away: two
    -- utterances that say the same are one row, under one intent.
    key      bytea            NOT NULL,
    -- 'unknown' for an example of what fits none, which has no row in draft_intents.
    intent   text COLLATE "C" NOT NULL,
    language text             NOT NULL,
    text     text             NOT NULL,
    -- In the order in which they came, for lists.
    place    bigint           GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX draft_utterances_by_intent ON draft_utterances (tenant, intent, place);

CREATE TABLE draft_entity_types (
    tenant       text    NOT NULL,
    entity_type  text    NOT NULL,
    pattern      text    NOT NULL,
    -- [[value, [word, ...]], ...] in the author's order.
    value_words  jsonb   NOT NULL,
    fuzzy        boolean NOT NULL,
    description  text    NOT NULL,
    -- Of two types that fit the same words the one that came first counts.
    place        bigint  GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, entity_type)
);

-- What customers said that the live model was unsure of, personal data replaced. Rows live for 30
-- days after they were last met.
CREATE TABLE uncertain_utterances (
    tenant          text        NOT NULL,
    key             bytea       NOT NULL,
    -- The key of the utterance that began the cluster; it may be gone while others of it are there.
    cluster         bytea       NOT NULL,
    text            text        NOT NULL,
    language        text        NOT NULL,
    -- What it is about: words, and pairs of Chinese characters.
    terms           text[]      NOT NULL,
    -- [[intent, type, confidence], ...], most likely first.
    candidates      jsonb       NOT NULL,
    -- In thousandths: how unsure the model was when it met the utterance last.
    doubt           integer     NOT NULL,
    count           integer     NOT NULL,
    -- float16 values, with the embedding model that made them; empty where none came.
    vector          bytea       NOT NULL,
    embedding_model text        NOT NULL,
    last_time       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);
CREATE INDEX uncertain_utterances_by_cluster ON uncertain_utterances (tenant, cluster);
CREATE INDEX uncertain_utterances_by_time ON uncertain_utterances (last_time);

-- Utterances that a person has judged; they are not shown again. Hashes, no text.
CREATE TABLE settled_utterances (
    tenant text  NOT NULL,
    key    bytea NOT NULL,
    PRIMARY KEY (tenant, key)
);

-- What each request_id of ResolveUncertain led to: a repeat gets the first result.
CREATE TABLE uncertain_requests (
    tenant      text        NOT NULL,
    request_id  uuid        NOT NULL,
    fingerprint bytea       NOT NULL,
    -- The utterance that the draft got; all empty where the cluster was dismissed.
    intent      text        NOT NULL,
    language    text        NOT NULL,
    text        text        NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);
CREATE INDEX uncertain_requests_by_time ON uncertain_requests (create_time);
