-- Has no workspace this name? Names are unique in the installation although no key says so, because keys begin with
-- workspace_id: the worker asks under an advisory lock, which it holds until the end of its transaction.
CREATE OR REPLACE FUNCTION workspace_name_free(v_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7000, hashtext(v_name));
    RETURN NOT EXISTS (SELECT FROM workspaces w WHERE w.name = v_name);
END $$;

ALTER FUNCTION workspace_name_free OWNER TO usher_gate;
REVOKE ALL ON FUNCTION workspace_name_free FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION workspace_name_free TO usher_worker;
