-- What is known of the users that records are about, in workspaces that have streams: {"email":…,"was":…}, the address now and the one before,
-- where it is another one since the last record. Keeps it for the next time; of a user who is deleted it is all that is left.
-- v_users: NULL where a record is about something else. v_types: of the records.
CREATE OR REPLACE FUNCTION delivery_about(v_workspaces uuid[], v_users uuid[], v_types text[])
RETURNS TABLE (nth bigint, about text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    x record;
    v_now text;
    v_was text;
    v_there boolean;
BEGIN
    FOR x IN WITH streams AS MATERIALIZED (
                 SELECT DISTINCT d.workspace_id FROM deliveries d WHERE d.workspace_id = ANY (v_workspaces) AND d.doc->'stream' IS NOT NULL
             )
             SELECT g.w, g.u, g.type, g.n FROM unnest(v_workspaces, v_users, v_types) WITH ORDINALITY AS g (w, u, type, n)
             JOIN streams s ON s.workspace_id = g.w
             WHERE g.u IS NOT NULL ORDER BY g.n LOOP
        SELECT s.email INTO v_was FROM delivery_subjects s WHERE s.workspace_id = x.w AND s.id = x.u;
        SELECT delivery_email(z.doc) INTO v_now FROM users z WHERE z.workspace_id = x.w AND z.id = x.u ORDER BY z.generation DESC LIMIT 1;
        v_there := FOUND;
        nth := x.n;
        IF NOT v_there THEN
            about := json_build_object('email', v_was);
            DELETE FROM delivery_subjects s WHERE s.workspace_id = x.w AND s.id = x.u AND x.type LIKE '%:delete';
        ELSE
            about := json_build_object('email', v_now, 'was', CASE WHEN v_was IS DISTINCT FROM v_now THEN v_was END);
            IF v_now IS NULL THEN
                DELETE FROM delivery_subjects s WHERE s.workspace_id = x.w AND s.id = x.u;
            ELSIF v_was IS DISTINCT FROM v_now THEN
                INSERT INTO delivery_subjects (workspace_id, id, email) VALUES (x.w, x.u, v_now)
                ON CONFLICT ON CONSTRAINT delivery_subjects_pkey DO UPDATE SET email = EXCLUDED.email, noted = clock_timestamp();
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

ALTER FUNCTION delivery_about OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_about FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_about TO usher_worker;
