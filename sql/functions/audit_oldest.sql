-- Where the oldest day's table begins, in microseconds since 1970: nobody needs to look further back. 0: the workspace has records that
-- stand in audit_leaf_rest, where any time may be.
CREATE OR REPLACE FUNCTION audit_oldest(v_workspace uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_first text;
BEGIN
    IF EXISTS (SELECT FROM audit_leaf_rest r WHERE r.workspace_id = v_workspace) THEN
        RETURN 0;
    END IF;
    SELECT min(c.relname) INTO v_first FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'audit_leaf'::regclass AND c.relname ~ '^audit_leaf_[0-9]{8}$';
    RETURN coalesce(micros(to_date(right(v_first, 8), 'YYYYMMDD')::timestamptz), 0);
END $$;

ALTER FUNCTION audit_oldest OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_oldest FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_oldest TO usher_ingest;
