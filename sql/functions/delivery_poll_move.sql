-- Ends a poll: moves the cursor behind what is done, and keeps what is done above it. What the receiver could not take is written down as attempts.
-- v_errors: an array of {"number","event","type","error"}.
CREATE OR REPLACE FUNCTION delivery_poll_move(v_workspace uuid, v_id uuid, v_cursor bigint, v_done text[], v_lost bigint, v_errors jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_last bigint;
BEGIN
    UPDATE delivery_progress p
    SET succeeded = CASE WHEN v_cursor > p.cursor THEN now() ELSE p.succeeded END, cursor = greatest(p.cursor, v_cursor), done = v_done,
        lost = p.lost + v_lost, attempts = p.attempts + jsonb_array_length(v_errors)
    WHERE p.workspace_id = v_workspace AND p.id = v_id
    RETURNING p.attempts INTO v_last;
    INSERT INTO delivery_attempts AS a (workspace_id, id, slot, n, at, number, event, type, status, error, answer, duration_us, next_try)
    SELECT v_workspace, v_id, g.n % 100, g.n, now(), (g.e->>'number')::bigint, g.e->>'event', g.e->>'type', 200, g.e->>'error', NULL, 0, NULL
    FROM (SELECT e, v_last - jsonb_array_length(v_errors) + nth AS n
          FROM jsonb_array_elements(v_errors) WITH ORDINALITY AS x (e, nth) ORDER BY nth DESC LIMIT 100) g
    ON CONFLICT ON CONSTRAINT delivery_attempts_pkey DO UPDATE
    SET n = EXCLUDED.n, at = EXCLUDED.at, number = EXCLUDED.number, event = EXCLUDED.event, type = EXCLUDED.type,
        status = EXCLUDED.status, error = EXCLUDED.error, answer = EXCLUDED.answer, duration_us = EXCLUDED.duration_us,
        next_try = EXCLUDED.next_try;
END $$;

ALTER FUNCTION delivery_poll_move OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_poll_move FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_poll_move TO usher_ingest;
