-- Ends leases of rate units (gate_take): gives back what was not used of them.
CREATE OR REPLACE FUNCTION gate_give_back(workspaces uuid[], keys uuid[], ended int[], backs int[], buckets bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_one record;
BEGIN
    FOR v_one IN SELECT * FROM unnest(workspaces, keys, ended, backs, buckets) AS a (workspace, key, ended, back, bucket)
                 ORDER BY a.workspace, a.key LOOP -- in the order of gate_admit
        PERFORM gate_take(v_one.workspace, v_one.key, 1, 0, false, 0, v_one.ended, v_one.back, v_one.bucket);
    END LOOP;
END $$;

ALTER FUNCTION gate_give_back OWNER TO usher_gate;
REVOKE ALL ON FUNCTION gate_give_back FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION gate_give_back TO usher_ingest;
