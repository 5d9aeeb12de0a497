-- What has come of attempts, one a row: moves cursors, sets the next try, frees endpoints or keeps them for v_seconds more, and writes the
-- attempts down. Gives for each whether it may go on with what it has in hand: not where another process holds the endpoint meanwhile, or a
-- command has changed it. A cursor that a command has set meanwhile is not moved.
-- v_waits: microseconds until the next try; 0: at once.  v_attempts: an array of objects (sql/ask/delivery.c); null: there was no attempt.
CREATE OR REPLACE FUNCTION delivery_settle(v_holder text, v_seconds int, v_workspaces uuid[], v_ids uuid[], v_turns bigint[], v_versions bigint[],
                                           v_cursors bigint[], v_waits bigint[], v_failed int[], v_lost bigint[], v_answered bigint[],
                                           v_frees boolean[], v_attempts jsonb)
RETURNS TABLE (id uuid, on_with boolean, newest bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH given AS (
        SELECT x.*, v_attempts->(x.nth::int - 1) AS attempt
        FROM unnest(v_workspaces, v_ids, v_turns, v_versions, v_cursors, v_waits, v_failed, v_lost, v_answered, v_frees)
             WITH ORDINALITY AS x (w, i, turn, version, cursor, wait, failed, lost, answered, frees, nth)
    ), moved AS (
        UPDATE delivery_progress p
        SET cursor = CASE WHEN p.turn = g.turn THEN greatest(p.cursor, g.cursor) ELSE p.cursor END,
            next_try = CASE WHEN p.version <> g.version OR g.failed < 0 THEN p.next_try
                            WHEN g.failed = 1 THEN now() + make_interval(secs => g.wait / 1e6) ELSE now() END,
            failures = CASE g.failed WHEN 1 THEN p.failures + 1 WHEN 0 THEN 0 ELSE p.failures END,
            failing_since = CASE g.failed WHEN 1 THEN coalesce(p.failing_since, now()) WHEN 0 THEN NULL ELSE p.failing_since END,
            succeeded = CASE g.failed WHEN 0 THEN now() ELSE p.succeeded END,
            lost = p.lost + g.lost,
            attempts = p.attempts + CASE WHEN g.attempt <> 'null'::jsonb THEN 1 ELSE 0 END,
            asked = CASE WHEN g.answered >= 0 AND p.asked[1] = g.answered THEN p.asked[2:] ELSE p.asked END,
            holder = CASE WHEN g.frees OR p.version <> g.version THEN NULL ELSE v_holder END,
            held_until = CASE WHEN g.frees OR p.version <> g.version THEN '-infinity' ELSE now() + make_interval(secs => v_seconds) END
        FROM given g
        WHERE p.workspace_id = g.w AND p.id = g.i AND p.holder = v_holder
        RETURNING p.workspace_id, p.id, p.attempts, g.attempt, p.version = g.version AND NOT g.frees AS goes, p.next_try, g.failed
    ), written AS (
        INSERT INTO delivery_attempts AS a (workspace_id, id, slot, n, at, number, event, type, status, error, answer, duration_us, next_try)
        SELECT m.workspace_id, m.id, m.attempts % 100, m.attempts, from_micros((m.attempt->>'at')::bigint), (m.attempt->>'number')::bigint,
               m.attempt->>'event', m.attempt->>'type', (m.attempt->>'status')::int, m.attempt->>'error', m.attempt->>'answer',
               (m.attempt->>'duration')::bigint, CASE WHEN m.failed = 1 THEN m.next_try END
        FROM moved m WHERE m.attempt <> 'null'::jsonb
        ON CONFLICT ON CONSTRAINT delivery_attempts_pkey DO UPDATE
        SET n = EXCLUDED.n, at = EXCLUDED.at, number = EXCLUDED.number, event = EXCLUDED.event, type = EXCLUDED.type,
            status = EXCLUDED.status, error = EXCLUDED.error, answer = EXCLUDED.answer, duration_us = EXCLUDED.duration_us,
            next_try = EXCLUDED.next_try
    )
    SELECT m.id, m.goes, h.newest FROM moved m JOIN delivery_heads h ON h.workspace_id = m.workspace_id;
END $$;

ALTER FUNCTION delivery_settle OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_settle FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_settle TO usher_worker;
