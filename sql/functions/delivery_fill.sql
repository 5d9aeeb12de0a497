-- Notes the addresses of users of a workspace that has its first stream, v_most at a time; gives how many were looked at, 0: nothing is left.
-- What a record has noted since then (delivery_about) stays: the address of now may be one whose change is still to be told.
CREATE OR REPLACE FUNCTION delivery_fill(v_most int) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_workspace uuid;
    v_after uuid;
    v_since timestamptz;
    v_last uuid;
    v_n int;
BEGIN
    SELECT h.workspace_id, h.filled, h.fills_since INTO v_workspace, v_after, v_since FROM delivery_heads h WHERE h.filled IS NOT NULL
    LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    WITH these AS (
        SELECT z.id, z.doc FROM users z WHERE z.workspace_id = v_workspace AND z.id > v_after ORDER BY z.id LIMIT v_most
    ), noted AS (
        INSERT INTO delivery_subjects AS s (workspace_id, id, email)
        SELECT v_workspace, t.id, delivery_email(t.doc) FROM these t WHERE delivery_email(t.doc) IS NOT NULL
        ON CONFLICT (workspace_id, id) DO UPDATE SET email = EXCLUDED.email, noted = clock_timestamp() WHERE s.noted < v_since
    )
    SELECT count(*), (array_agg(t.id ORDER BY t.id DESC))[1] INTO v_n, v_last FROM these t;
    UPDATE delivery_heads h SET filled = v_last WHERE h.workspace_id = v_workspace;
    RETURN v_n;
END $$;

ALTER FUNCTION delivery_fill OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_fill FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_fill TO usher_worker;
