-- Revisions, vectors apart from the texts, terms counted by revision, and tenants kept apart by the
-- database itself. What is there becomes revision 1 of its knowledge base, live.
--
-- A row belongs to the revisions `since` <= r < `until`. The draft is the revision after the newest
-- one, so publishing moves a pointer and copies nothing, and an older revision costs only what
-- differs from its successor.

ALTER TABLE knowledge_bases
    -- Short key of the rows below, which may be millions.
    ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY,
    -- Revision that the draft becomes.
    ADD COLUMN draft bigint NOT NULL DEFAULT 1,
    -- Revision that searches find; null: nothing was published.
    ADD COLUMN live bigint,
    -- Grows with every edit of the draft, so that what was tested is what is published.
    ADD COLUMN edits bigint NOT NULL DEFAULT 0,
    -- `edits` as of the newest revision: equal, nothing was edited since.
    ADD COLUMN published_edits bigint NOT NULL DEFAULT 0,
    -- `edits` of which `terms` knows.
    ADD COLUMN counted_edits bigint NOT NULL DEFAULT 0,
    -- Share of the test questions that has to pass.
    ADD COLUMN required_share double precision NOT NULL DEFAULT 0.9,
    -- Whether its vectors have an index of their own; small ones are compared one by one.
    ADD COLUMN dense_index boolean NOT NULL DEFAULT false,
    ADD UNIQUE (tenant, number);

ALTER TABLE requests ADD COLUMN result bigint;

ALTER TABLE documents RENAME TO old_documents;
ALTER TABLE faqs RENAME TO old_faqs;
ALTER TABLE entries RENAME TO old_entries;
ALTER TABLE terms RENAME TO old_terms;
ALTER INDEX documents_by_path RENAME TO old_documents_by_path;
DROP INDEX entries_by_document, entries_by_lexeme, entries_by_vector, entries_by_question,
    entries_by_signature, entries_without_vector;

-- One row for each content that a document had in some revision.
CREATE TABLE documents (
    tenant        text        NOT NULL,
    copy          bigint      GENERATED ALWAYS AS IDENTITY,
    base          bigint      NOT NULL,
    id            text        NOT NULL,
    since         bigint      NOT NULL,
    until         bigint      NOT NULL DEFAULT 9223372036854775807,
    path          text        NOT NULL COLLATE "C",
    title         text        NOT NULL,
    -- NFC; every span refers to it.
    content       text        NOT NULL,
    language      text        NOT NULL,
    -- SHA-256 of the file.
    revision      text        NOT NULL,
    -- Revision, way of reading, metadata and validity; the same value changes nothing.
    reading       text        NOT NULL,
    passage_count integer     NOT NULL,
    faq_count     integer     NOT NULL,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    valid_from    timestamptz,
    valid_until   timestamptz,
    import_time   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, copy),
    UNIQUE (tenant, base, id, since),
    FOREIGN KEY (tenant, base) REFERENCES knowledge_bases (tenant, number) ON DELETE CASCADE
);
CREATE INDEX documents_by_path ON documents (tenant, base, path);

CREATE TABLE faqs (
    tenant      text    NOT NULL,
    copy        bigint  NOT NULL,
    -- Place in the file, from 0.
    place       integer NOT NULL,
    faq_id      text    NOT NULL,
    language    text    NOT NULL,
    question    text    NOT NULL,
    answer      text    NOT NULL,
    tags        text[]  NOT NULL,
    PRIMARY KEY (tenant, copy, place),
    FOREIGN KEY (tenant, copy) REFERENCES documents ON DELETE CASCADE
);

-- What is searched: passages, wordings of FAQ questions, and FAQs as a whole.
CREATE TABLE entries (
    tenant         text     NOT NULL,
    id             bigint   GENERATED ALWAYS AS IDENTITY,
    base           bigint   NOT NULL,
    copy           bigint   NOT NULL,
    -- Those of the document's copy.
    since          bigint   NOT NULL,
    until          bigint   NOT NULL DEFAULT 9223372036854775807,
    -- The FAQ's place in its file; null for a passage.
    faq            integer,
    heading        text     NOT NULL,
    content        text     NOT NULL,
    -- Half open, in code points of the document's content.
    span_start     integer  NOT NULL,
    span_end       integer  NOT NULL,
    language       text     NOT NULL,
    -- The document's metadata as `key=value`, an FAQ's tags as `tag=...`.
    labels         text[]   NOT NULL DEFAULT '{}',
    valid_from     timestamptz,
    valid_until    timestamptz,
    -- Explicit lexemes without positions, each behind the number of its knowledge base: the lists of
    -- the index are a knowledge base's own, however many share the table.
    lexemes        tsvector NOT NULL,
    -- SHA-256 of the folded question and of its content; null where the entry is no question.
    question_hash  bytea,
    signature_hash bytea,
    -- Key of its vector.
    text_hash      bytea    NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, copy) REFERENCES documents ON DELETE CASCADE
);
CREATE INDEX entries_by_copy ON entries (tenant, copy);
CREATE INDEX entries_by_text ON entries (tenant, base, text_hash);
CREATE INDEX entries_by_lexeme ON entries USING gin (lexemes);
CREATE INDEX entries_by_question ON entries (tenant, base, question_hash)
    WHERE question_hash IS NOT NULL;
CREATE INDEX entries_by_signature ON entries (tenant, base, signature_hash)
    WHERE signature_hash IS NOT NULL;

-- One for each text of a knowledge base, whatever documents and revisions say it. Half precision
-- keeps a cosine to three digits in half of the memory.
CREATE TABLE vectors (
    tenant    text   NOT NULL,
    base      bigint NOT NULL,
    text_hash bytea  NOT NULL,
    -- Those that came first get their vector first.
    place     bigint GENERATED ALWAYS AS IDENTITY,
    -- Null until the embedding service has answered.
    embedding halfvec(384),
    PRIMARY KEY (tenant, base, text_hash),
    FOREIGN KEY (tenant, base) REFERENCES knowledge_bases (tenant, number) ON DELETE CASCADE
);
-- Inside the row: comparing all of a knowledge base must not look each up elsewhere.
ALTER TABLE vectors ALTER COLUMN embedding SET STORAGE PLAIN;
-- The backlog of the embedding service; empty when all is done.
CREATE INDEX vectors_waiting ON vectors (place) WHERE embedding IS NULL;

-- In how many entries a term occurs, as changes by revision: those up to r add up to the count in r.
-- The empty term counts the entries themselves.
CREATE TABLE terms (
    tenant   text    NOT NULL,
    base     bigint  NOT NULL,
    term     text    NOT NULL COLLATE "C",
    revision bigint  NOT NULL,
    change   integer NOT NULL,
    PRIMARY KEY (tenant, base, term, revision),
    FOREIGN KEY (tenant, base) REFERENCES knowledge_bases (tenant, number) ON DELETE CASCADE
);

CREATE TABLE revisions (
    tenant         text        NOT NULL,
    base           bigint      NOT NULL,
    number         bigint      NOT NULL,
    description    text        NOT NULL,
    publisher      text        NOT NULL,
    document_count bigint      NOT NULL,
    entry_count    bigint      NOT NULL,
    -- Of the test questions; null: there were none.
    passed_share   double precision,
    create_time    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, base, number),
    FOREIGN KEY (tenant, base) REFERENCES knowledge_bases (tenant, number) ON DELETE CASCADE
);

-- The company's own words, which are found whole.
CREATE TABLE dictionary (
    tenant text   NOT NULL,
    base   bigint NOT NULL,
    -- As the owner wrote it.
    word   text   NOT NULL COLLATE "C",
    since  bigint NOT NULL,
    until  bigint NOT NULL DEFAULT 9223372036854775807,
    PRIMARY KEY (tenant, base, word, since),
    FOREIGN KEY (tenant, base) REFERENCES knowledge_bases (tenant, number) ON DELETE CASCADE
);

-- What publishing asks.
CREATE TABLE test_questions (
    tenant    text    NOT NULL,
    base      bigint  NOT NULL,
    place     integer NOT NULL,
    question  text    NOT NULL,
    -- Paths; empty: nothing answers it.
    documents text[]  NOT NULL,
    within    integer NOT NULL,
    PRIMARY KEY (tenant, base, place),
    FOREIGN KEY (tenant, base) REFERENCES knowledge_bases (tenant, number) ON DELETE CASCADE
);

-- What is there, as revision 1.
UPDATE knowledge_bases b SET live = 1, draft = 2 WHERE EXISTS (
    SELECT FROM old_documents d WHERE (d.tenant, d.knowledge_base) = (b.tenant, b.id));
INSERT INTO documents (tenant, base, id, since, path, title, content, language, revision, reading,
    passage_count, faq_count, import_time)
SELECT d.tenant, b.number, d.id, 1, d.path, d.title, d.content, d.language, d.revision, d.reading,
    d.passage_count, d.faq_count, d.import_time
FROM old_documents d JOIN knowledge_bases b ON (b.tenant, b.id) = (d.tenant, d.knowledge_base);
INSERT INTO faqs SELECT f.tenant, d.copy, f.place, f.faq_id, f.language, f.question, f.answer, f.tags
FROM old_faqs f JOIN knowledge_bases b ON (b.tenant, b.id) = (f.tenant, f.knowledge_base)
JOIN documents d ON (d.tenant, d.base, d.id) = (f.tenant, b.number, f.document);
INSERT INTO entries (tenant, base, copy, since, faq, heading, content, span_start, span_end, language,
    lexemes, question_hash, signature_hash, text_hash)
SELECT e.tenant, b.number, d.copy, 1, e.faq, e.heading, e.content, e.span_start, e.span_end,
    e.language,
    array_to_tsvector(ARRAY(SELECT b.number || ':' || word.lexeme FROM unnest(e.lexemes) AS word)),
    e.question_hash, e.signature_hash,
    sha256(convert_to(
        CASE WHEN e.question_hash IS NULL THEN 'passage:' ELSE 'query:' END
        || CASE WHEN e.heading = '' THEN e.content ELSE e.heading || E'\n' || e.content END, 'UTF8'))
FROM old_entries e JOIN knowledge_bases b ON (b.tenant, b.id) = (e.tenant, e.knowledge_base)
JOIN documents d ON (d.tenant, d.base, d.id) = (e.tenant, b.number, e.document);
-- Vectors are made anew: a question's is now that of a question.
INSERT INTO vectors (tenant, base, text_hash) SELECT DISTINCT tenant, base, text_hash FROM entries;
UPDATE knowledge_bases SET embedding_model = NULL;
INSERT INTO terms SELECT t.tenant, b.number, t.term, 1, t.entry_count
FROM old_terms t JOIN knowledge_bases b ON (b.tenant, b.id) = (t.tenant, t.knowledge_base);
INSERT INTO terms SELECT tenant, base, '', 1, count(*) FROM entries GROUP BY tenant, base;
INSERT INTO revisions (tenant, base, number, description, publisher, document_count, entry_count)
SELECT d.tenant, d.base, 1, 'what was there before there were revisions', '', count(*),
    (SELECT count(*) FROM entries e WHERE (e.tenant, e.base) = (d.tenant, d.base))
FROM documents d GROUP BY d.tenant, d.base;
ALTER TABLE knowledge_bases DROP COLUMN entry_count;
DROP TABLE old_terms, old_entries, old_faqs, old_documents;

-- Requests are served under a role that owns nothing: it sees the rows of one tenant, whatever a
-- statement asks for. `kefu.tenant` names it; unset, no row is seen.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kefu_knowledge_tenant') THEN
        BEGIN
            CREATE ROLE kefu_knowledge_tenant NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database was faster
            WHEN insufficient_privilege THEN RAISE EXCEPTION
                'an administrator has to run: CREATE ROLE kefu_knowledge_tenant NOLOGIN; GRANT kefu_knowledge_tenant TO %', current_user;
        END;
    END IF;
    IF NOT pg_has_role('kefu_knowledge_tenant', 'MEMBER') THEN
        EXECUTE format('GRANT kefu_knowledge_tenant TO %I', current_user);
    END IF;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['knowledge_bases', 'documents', 'faqs', 'entries', 'vectors', 'terms',
        'revisions', 'dictionary', 'test_questions', 'requests']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_tenant ON %I TO kefu_knowledge_tenant'
            ' USING (tenant = current_setting(''kefu.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO kefu_knowledge_tenant', name);
    END LOOP;
END $$;

-- Which knowledge base's texts have waited longest for their vectors; names alone cross tenants.
CREATE FUNCTION longest_waiting() RETURNS TABLE (tenant text, base bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT v.tenant, v.base FROM vectors v WHERE v.embedding IS NULL ORDER BY v.place LIMIT 1
$$;

-- Ids of the entries that say most of what is asked for. The policy of `entries` would keep the index
-- of lexemes from being used, since PostgreSQL does not trust the operator `@@` to keep what it sees
-- to itself; so this looks as the owner, for the tenant of the session alone, and returns ids, which
-- are then read under the policy.
CREATE FUNCTION matching_entries(
    wanted_base bigint,
    wanted_revision bigint,
    -- What leads to entries, each with its weight; the most entries that each may lead to, and the most
    -- to return.
    leads tsquery[], weights double precision[], budget integer, most integer,
    wanted_time timestamptz,
    -- A list of lists of labels, one of each of which an entry must have; null: any entry will do.
    filters jsonb
) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
BEGIN
    -- Nothing but the index of lexemes is to be used, whatever the planner makes of a limit, so the
    -- other columns stand in expressions that no index has.
    RETURN QUERY
    SELECT led.id FROM unnest(leads, weights) AS lead (query, weight) CROSS JOIN LATERAL (
        SELECT e.id FROM entries e
        WHERE e.lexemes @@ lead.query
        AND e.tenant || '' = current_setting('kefu.tenant') AND e.base + 0 = wanted_base
        AND e.since <= wanted_revision AND wanted_revision < e.until
        AND (e.valid_from IS NULL OR e.valid_from <= wanted_time)
        AND (e.valid_until IS NULL OR wanted_time < e.valid_until)
        AND (filters IS NULL OR NOT EXISTS (
            SELECT FROM jsonb_array_elements(filters) f
            WHERE NOT e.labels && ARRAY(SELECT jsonb_array_elements_text(f))))
        LIMIT budget
    ) led
    GROUP BY led.id ORDER BY sum(lead.weight) DESC, led.id LIMIT most;
END $$;

-- New entries wait in a list until they are sorted into the index of lexemes, which makes imports four
-- times faster; every search reads that list. So what is published is sorted in, which only the owner
-- of an index may do.
CREATE FUNCTION sort_in_lexemes() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gin_clean_pending_list('entries_by_lexeme')
$$;
REVOKE ALL ON FUNCTION longest_waiting, matching_entries, sort_in_lexemes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION longest_waiting, matching_entries, sort_in_lexemes
    TO kefu_knowledge_tenant;
