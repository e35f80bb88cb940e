-- Everything is keyed by tenant and knowledge base first, so that tables can be partitioned by
-- tenant without touching a statement.

-- Needs an administrator once, unless the extension is there already or is trusted.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE knowledge_bases (
    tenant          text        NOT NULL,
    id              text        NOT NULL,
    display_name    text        NOT NULL,
    -- Grows with every change of the content, in the transaction that changes it.
    version         bigint      NOT NULL DEFAULT 1,
    -- Rows in `entries`; with `terms` it says how rare a word is.
    entry_count     bigint      NOT NULL DEFAULT 0,
    -- Model of all vectors of this knowledge base; vectors of different models are never compared.
    embedding_model text,
    create_time     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE documents (
    tenant         text        NOT NULL,
    knowledge_base text        NOT NULL,
    id             text        NOT NULL,
    path           text        NOT NULL COLLATE "C",
    title          text        NOT NULL,
    -- NFC; every span refers to it.
    content        text        NOT NULL,
    language       text        NOT NULL,
    revision       text        NOT NULL,
    -- Revision and way of reading; an import with the same value changes nothing.
    reading        text        NOT NULL,
    passage_count  integer     NOT NULL,
    faq_count      integer     NOT NULL,
    import_time    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, knowledge_base, id),
    FOREIGN KEY (tenant, knowledge_base) REFERENCES knowledge_bases ON DELETE CASCADE
);
CREATE INDEX documents_by_path ON documents (tenant, knowledge_base, path);

CREATE TABLE faqs (
    tenant         text    NOT NULL,
    knowledge_base text    NOT NULL,
    document       text    NOT NULL,
    -- Place in the file, from 0.
    place          integer NOT NULL,
    faq_id         text    NOT NULL,
    language       text    NOT NULL,
    question       text    NOT NULL,
    answer         text    NOT NULL,
    tags           text[]  NOT NULL,
    PRIMARY KEY (tenant, knowledge_base, document, place),
    FOREIGN KEY (tenant, knowledge_base, document) REFERENCES documents ON DELETE CASCADE
);

-- What is searched: passages, wordings of FAQ questions, and FAQs as a whole.
CREATE TABLE entries (
    id             bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant         text    NOT NULL,
    knowledge_base text    NOT NULL,
    document       text    NOT NULL,
    -- The FAQ's place in its file; null for a passage.
    faq            integer,
    heading        text    NOT NULL,
    content        text    NOT NULL,
    -- Half open, in code points of the document's content.
    span_start     integer NOT NULL,
    span_end       integer NOT NULL,
    language       text    NOT NULL,
    -- Explicit lexemes without positions; no text search parser or dictionary is involved.
    lexemes        tsvector NOT NULL,
    -- SHA-256 of the folded question and of its content; null where the entry is no question.
    question_hash  bytea,
    signature_hash bytea,
    -- Null until the embedding service has answered.
    embedding      vector(384),
    FOREIGN KEY (tenant, knowledge_base, document) REFERENCES documents ON DELETE CASCADE
);
CREATE INDEX entries_by_document ON entries (tenant, knowledge_base, document);
CREATE INDEX entries_by_lexeme ON entries USING gin (lexemes);
CREATE INDEX entries_by_vector ON entries USING hnsw (embedding vector_cosine_ops);
CREATE INDEX entries_by_question ON entries (tenant, knowledge_base, question_hash)
    WHERE question_hash IS NOT NULL;
CREATE INDEX entries_by_signature ON entries (tenant, knowledge_base, signature_hash)
    WHERE signature_hash IS NOT NULL;
-- The backlog of the embedding service; empty when all is done.
CREATE INDEX entries_without_vector ON entries (id)
    WHERE embedding IS NULL;

-- In how many entries a term occurs: how rare it is, hence how much it says.
CREATE TABLE terms (
    tenant         text    NOT NULL,
    knowledge_base text    NOT NULL,
    term           text    NOT NULL COLLATE "C",
    entry_count    integer NOT NULL,
    PRIMARY KEY (tenant, knowledge_base, term),
    FOREIGN KEY (tenant, knowledge_base) REFERENCES knowledge_bases ON DELETE CASCADE
);

-- What a request_id was used for, so that a repeat gets the first result.
CREATE TABLE requests (
    tenant      text        NOT NULL,
    request_id  uuid        NOT NULL,
    subject     text        NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, request_id)
);
