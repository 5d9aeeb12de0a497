-- Forgets the outcomes of commands whose txns are older than v_before, by dropping their days (days_keep). They must be older
-- than anything that usher.commands still holds: a command that came again after its row had gone would be applied again.
CREATE OR REPLACE FUNCTION command_prune(v_before timestamptz, v_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
BEGIN
    RETURN days_keep('command_log', 'txn', 'at', v_before, v_limit);
END $$;

ALTER FUNCTION command_prune OWNER TO usher_owner;
REVOKE ALL ON FUNCTION command_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_prune TO usher_worker;
