-- Begins a poll of a stream: what is known of it, and nobody else polls it until the end of the transaction. No row: there is no such stream, or
-- its receiver's key is dead.
CREATE OR REPLACE FUNCTION delivery_poll(v_workspace uuid, v_id uuid, v_key uuid)
RETURNS TABLE (doc text, cursor bigint, newest bigint, turn bigint, version bigint, done text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT d.doc::text, p.cursor, h.newest, p.turn, p.version, array_to_json(p.done)::text
    FROM delivery_progress p
    JOIN deliveries d ON d.workspace_id = p.workspace_id AND d.id = p.id
    JOIN delivery_heads h ON h.workspace_id = p.workspace_id
    WHERE p.workspace_id = v_workspace AND p.id = v_id AND d.doc->'stream'->>'receiver' = v_key::text
    FOR UPDATE OF p
$$;

ALTER FUNCTION delivery_poll OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_poll FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_poll TO usher_ingest;
