-- The contexts of messages that have one, by their place in the arrays: for spans of attempts to deliver them. Asked only where traces are on.
CREATE OR REPLACE FUNCTION delivery_traces(v_workspaces uuid[], v_numbers bigint[]) RETURNS TABLE (nth bigint, traceparent text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT x.nth, l.traceparent FROM unnest(v_workspaces, v_numbers) WITH ORDINALITY AS x (w, number, nth)
    JOIN delivery_log l ON l.workspace_id = x.w AND l.number = x.number
    WHERE l.traceparent IS NOT NULL
$$;

ALTER FUNCTION delivery_traces OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_traces FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_traces TO usher_worker;
