-- Forgets the assertions of the day before yesterday (days_keep). None is good for longer than some hours.
CREATE OR REPLACE FUNCTION assertion_prune(v_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
BEGIN
    RETURN days_keep('assertions', 'txn', 'at', now() - interval '24 hours', v_limit);
END $$;

ALTER FUNCTION assertion_prune OWNER TO usher_owner;
REVOKE ALL ON FUNCTION assertion_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION assertion_prune TO usher_worker;
