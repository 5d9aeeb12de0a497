-- Takes endpoints that have something to send and are due, so that no other process delivers to them for v_seconds, and gives all that is
-- needed to do it. Of one workspace no more than v_each are held at a time, by whomever, so that its dead receivers leave room for those of
-- others. v_workspaces NULL: of all, else of these.
CREATE OR REPLACE FUNCTION delivery_claim(v_holder text, v_workspaces uuid[], v_limit int, v_each int, v_seconds int)
RETURNS TABLE (workspace_id uuid, id uuid, doc text, secrets text, cursor bigint, newest bigint, turn bigint, version bigint,
               failures int, failing_since bigint, asked bigint, is_due boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH due AS (
        SELECT p.workspace_id, p.id, p.next_try,
               row_number() OVER (PARTITION BY p.workspace_id ORDER BY p.next_try, p.id)
               + (SELECT count(*) FROM delivery_progress z WHERE z.workspace_id = p.workspace_id AND z.held_until > now()) AS nth
        FROM delivery_progress p
        JOIN delivery_heads h ON h.workspace_id = p.workspace_id
        JOIN deliveries d ON d.workspace_id = p.workspace_id AND d.id = p.id
        WHERE (v_workspaces IS NULL OR p.workspace_id = ANY (v_workspaces))
          AND p.held_until <= now()
          AND d.doc->'stream'->>'method' IS DISTINCT FROM 'urn:ietf:rfc:8936' -- whoever polls comes by himself
          AND (p.asked <> '{}' OR (d.doc->>'state' = 'enabled' AND p.cursor < h.newest AND p.next_try <= now()))
    ), chosen AS (
        SELECT p.workspace_id, p.id FROM delivery_progress p
        JOIN due USING (workspace_id, id)
        WHERE due.nth <= v_each AND p.held_until <= now()
        ORDER BY due.next_try, p.id LIMIT v_limit FOR UPDATE OF p SKIP LOCKED
    )
    UPDATE delivery_progress p SET holder = v_holder, held_until = now() + make_interval(secs => v_seconds)
    FROM chosen c
    JOIN deliveries d ON d.workspace_id = c.workspace_id AND d.id = c.id
    JOIN delivery_heads h ON h.workspace_id = c.workspace_id
    WHERE p.workspace_id = c.workspace_id AND p.id = c.id
    RETURNING p.workspace_id, p.id, d.doc::text, d.secrets, p.cursor, h.newest, p.turn, p.version, p.failures,
              coalesce(micros(p.failing_since), 0), p.asked[1],
              d.doc->>'state' = 'enabled' AND p.cursor < h.newest AND p.next_try <= now();
END $$;

ALTER FUNCTION delivery_claim OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_claim FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_claim TO usher_worker;
