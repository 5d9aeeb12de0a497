-- For metrics: endpoints whose last attempt has failed, those that are disabled, and messages that wait for endpoints that are enabled.
CREATE OR REPLACE FUNCTION delivery_state()
RETURNS TABLE (failing bigint, disabled bigint, waiting bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT count(*) FILTER (WHERE p.failures > 0 AND d.doc->>'state' = 'enabled'), count(*) FILTER (WHERE d.doc->>'state' = 'disabled'),
           coalesce(sum(h.newest - p.cursor) FILTER (WHERE d.doc->>'state' = 'enabled'), 0)::bigint
    FROM delivery_progress p
    JOIN deliveries d ON d.workspace_id = p.workspace_id AND d.id = p.id
    JOIN delivery_heads h ON h.workspace_id = p.workspace_id
$$;

ALTER FUNCTION delivery_state OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_state FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_state TO usher_worker;
