-- Foreign keys look a parent up once for each row. The entries of a document are written by the
-- transaction that writes the document, and vectors by one that has locked the knowledge base's row, so
-- there is nothing to find out; and the look-up was dear: while PostgreSQL has no statistics of a new
-- table it may read all documents of a tenant for each entry, and each edit of a draft leaves one more
-- version of its knowledge base's row to walk past. What the keys also did, to remove what belongs to a
-- removed row, is done once for all rows.
ALTER TABLE entries DROP CONSTRAINT entries_tenant_copy_fkey;
ALTER TABLE vectors DROP CONSTRAINT vectors_tenant_base_fkey;

CREATE FUNCTION remove_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM entries e USING removed r WHERE e.tenant = r.tenant AND e.copy = r.copy;
    RETURN NULL;
END
$$;
CREATE FUNCTION remove_vectors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM vectors v USING removed r WHERE v.tenant = r.tenant AND v.base = r.number;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION remove_entries, remove_vectors FROM PUBLIC;

CREATE TRIGGER remove_entries AFTER DELETE ON documents
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION remove_entries();
CREATE TRIGGER remove_vectors AFTER DELETE ON knowledge_bases
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION remove_vectors();
