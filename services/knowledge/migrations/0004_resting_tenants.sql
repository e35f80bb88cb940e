-- Which knowledge base's texts have waited longest for their vectors, but for those of tenants that may
-- have none now: names alone cross tenants. `longest_waiting()` stays for replicas of the release before.
CREATE FUNCTION longest_waiting(resting text[]) RETURNS TABLE (tenant text, base bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT v.tenant, v.base FROM vectors v
    WHERE v.embedding IS NULL AND v.tenant <> ALL (resting) ORDER BY v.place LIMIT 1
$$;
REVOKE ALL ON FUNCTION longest_waiting(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION longest_waiting(text[]) TO kefu_knowledge_tenant;
