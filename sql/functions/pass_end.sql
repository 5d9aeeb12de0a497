-- Ends passes of a workspace: the one with the id v_id, or with v_id NULL all of v_owner but v_keep. v_owner NULL: of any owner.
-- Gives how many of them were there, ended before or not.
CREATE OR REPLACE FUNCTION pass_end(v_workspace uuid, v_id uuid, v_owner uuid, v_keep uuid) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_n int;
BEGIN
    UPDATE passes p SET ended = coalesce(p.ended, clock_timestamp())
    WHERE p.workspace_id = v_workspace AND (v_id IS NULL OR p.id = v_id) AND (v_owner IS NULL OR p.owner_id = v_owner)
      AND (v_keep IS NULL OR p.id <> v_keep) AND (v_id IS NOT NULL OR p.ended IS NULL);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    RETURN v_n;
END $$;

ALTER FUNCTION pass_end OWNER TO usher_gate;
REVOKE ALL ON FUNCTION pass_end FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION pass_end TO usher_ingest;
