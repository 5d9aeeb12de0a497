-- Forgets the answers of the day before yesterday (days_keep). Those of the last 24 hours are given again; what is older and
-- still there is not.
CREATE OR REPLACE FUNCTION idempotency_prune(v_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
BEGIN
    RETURN days_keep('idempotency', 'txn', 'created', now() - interval '24 hours', v_limit);
END $$;

ALTER FUNCTION idempotency_prune OWNER TO usher_owner;
REVOKE ALL ON FUNCTION idempotency_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION idempotency_prune TO usher_worker;
