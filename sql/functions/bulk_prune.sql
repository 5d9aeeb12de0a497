-- Forgets how many commands of each Bulk were refused, of Bulks before v_before. Gives the number of those forgotten.
CREATE OR REPLACE FUNCTION bulk_prune(v_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    WITH gone AS (DELETE FROM bulk_failures WHERE at < v_before RETURNING 1) SELECT count(*) FROM gone
$$;

ALTER FUNCTION bulk_prune OWNER TO usher_gate;
REVOKE ALL ON FUNCTION bulk_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION bulk_prune TO usher_worker;
