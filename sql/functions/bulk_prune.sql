-- Forgets how many commands of each Bulk were refused, of Bulks before v_before (days_keep).
CREATE OR REPLACE FUNCTION bulk_prune(v_before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
BEGIN
    RETURN days_keep('bulk_failures', 'bulk', 'at', v_before, 5000);
END $$;

ALTER FUNCTION bulk_prune OWNER TO usher_owner;
REVOKE ALL ON FUNCTION bulk_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION bulk_prune TO usher_worker;
