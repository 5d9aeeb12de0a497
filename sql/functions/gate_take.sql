-- Takes rate units of one credential; for gate_admit and gate_give_back alone, whose rights and search path it has.
--
-- Buckets of 250 ms; the window is the newest bucket and the 240 before it, so that no 60 s ever hold more than the limit.
-- All units are granted or none where v_whole says so. remaining: what is left afterwards. reset: seconds until the oldest
-- unit leaves the window. retry_after: seconds until one unit is free, or all where v_whole says so.
--
-- Leases. An ingest whose credential is busy wants v_want units beyond, to give them out by itself for 250 ms; so the row
-- changes a few times a second, not with every batch. It gets at most a sixteenth of what is left, and nothing where that
-- is less than 4: near the limit each unit is counted here. Leased units count at once, in the bucket in which the lease
-- ends, so that they stay in the window as long as the last of them. A lease of v_ended units ends with this call (0: none
-- does): v_back of them were not used, and leave v_ended_bucket again. An ingest that dies has used up what it had leased.
--
-- wait_ms: not 0 where units are missing that may come back with a lease. Nobody is refused yet; the ingest asks again. A
-- lease that has not ended a second after its time belongs to an ingest that died.
--
-- The newest generation of the row is looked up, not the row: see sql/migrations/0007_counters.sql.
CREATE OR REPLACE FUNCTION gate_take(v_workspace uuid, v_key uuid, v_limit int, v_units int, v_whole boolean, v_want int,
    v_ended int, v_back int, v_ended_bucket bigint,
    OUT granted int, OUT remaining int, OUT reset int, OUT retry_after int, OUT lease int, OUT lease_bucket bigint, OUT wait_ms int)
LANGUAGE plpgsql AS $$
DECLARE
    r record;
    v_slots int[];
    v_oldest bigint;
    v_total bigint;
    v_leased bigint;
    v_until bigint;
    v_now_us bigint;
    v_bucket bigint;
    v_give bigint;
    v_need bigint;
    v_slot int; -- (loops count in int, bucket numbers are beyond that)
BEGIN
    granted := 0; retry_after := 1; lease := 0; wait_ms := 0;
    IF v_units = 0 AND v_ended = 0 THEN -- it is leased already, or not to be counted
        SELECT x.oldest, x.total INTO v_oldest, v_total FROM key_rates x
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key ORDER BY x.generation DESC LIMIT 1;
        v_now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
        remaining := greatest(v_limit - coalesce(v_total, 0), 0);
        reset := greatest(ceil(((greatest(v_oldest, v_now_us / 250000 - 240) + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
        RETURN;
    END IF;
    SELECT x.generation, x.changes, x.head, x.oldest, x.total, x.leased, x.leased_until, x.last_used, x.slots INTO r FROM key_rates x
    WHERE x.workspace_id = v_workspace AND x.key_id = v_key ORDER BY x.generation DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN -- no key keeps a second row out, so one looks again after the other
        PERFORM pg_advisory_xact_lock(7001, hashtext(v_key::text));
        INSERT INTO key_rates (workspace_id, key_id, head, slots, total, last_used)
        SELECT v_workspace, v_key, 0, array_fill(0, ARRAY[256]), 0, clock_timestamp()
        WHERE NOT EXISTS (SELECT FROM key_rates x WHERE x.workspace_id = v_workspace AND x.key_id = v_key);
        SELECT x.generation, x.changes, x.head, x.oldest, x.total, x.leased, x.leased_until, x.last_used, x.slots INTO r FROM key_rates x
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key ORDER BY x.generation DESC LIMIT 1 FOR UPDATE;
    END IF;
    v_slots := r.slots; v_oldest := r.oldest; v_total := r.total; v_leased := r.leased; v_until := r.leased_until;

    -- The window goes on. The clock is read after the lock: buckets never go back.
    v_now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    v_bucket := greatest(v_now_us / 250000 + CASE WHEN v_want > 0 THEN 1 ELSE 0 END, r.head);
    IF v_bucket - r.head > 240 THEN
        v_slots := array_fill(0, ARRAY[256]);
        v_total := 0;
    ELSE
        FOR i IN 1 .. (v_bucket - r.head)::int LOOP -- each step forward lets one bucket out
            v_slot := ((r.head + i - 241) & 255) + 1;
            v_total := v_total - v_slots[v_slot];
            v_slots[v_slot] := 0;
        END LOOP;
    END IF;

    v_leased := CASE WHEN v_now_us > v_until + 1000000 THEN 0 ELSE greatest(v_leased - v_ended, 0) END;
    IF v_back > 0 AND v_ended_bucket > v_bucket - 241 THEN
        v_slot := (v_ended_bucket & 255) + 1;
        v_give := least(v_back, v_slots[v_slot]);
        v_slots[v_slot] := v_slots[v_slot] - v_give::int;
        v_total := v_total - v_give;
    END IF;

    v_give := greatest(least(v_units::bigint, v_limit - v_total), 0);
    IF v_whole AND v_give < v_units THEN
        v_give := 0;
    END IF;
    granted := v_give::int;
    IF v_want > 0 AND granted = v_units THEN
        lease := least(v_want, (v_limit - v_total - v_give) / 16);
        IF lease < 4 THEN
            lease := 0;
        ELSE
            lease_bucket := v_bucket;
            v_leased := v_leased + lease;
            v_until := greatest(v_until, v_now_us + 250000);
        END IF;
    END IF;
    v_total := v_total + v_give + lease;
    v_slot := (v_bucket & 255) + 1;
    v_slots[v_slot] := v_slots[v_slot] + v_give::int + lease;
    v_oldest := CASE WHEN v_total = 0 THEN v_bucket ELSE greatest(v_oldest, v_bucket - 240) END;
    WHILE v_oldest < v_bucket AND v_slots[(v_oldest & 255)::int + 1] = 0 LOOP -- no bucket is passed twice
        v_oldest := v_oldest + 1;
    END LOOP;
    remaining := greatest(v_limit - v_total, 0)::int;
    reset := greatest(ceil(((v_oldest + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
    IF v_give < v_units THEN
        v_need := greatest(v_total - v_limit + CASE WHEN v_whole THEN v_units ELSE 1 END, 1); -- units that must leave before enough are free
        wait_ms := CASE WHEN v_leased >= v_need THEN 20 ELSE 0 END;
        FOR i IN (v_oldest - v_bucket)::int .. 0 LOOP
            v_need := v_need - v_slots[((v_bucket + i) & 255) + 1];
            IF v_need <= 0 THEN
                retry_after := greatest(ceil(((v_bucket + i + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
                EXIT;
            END IF;
        END LOOP;
    END IF;
    IF v_give > 0 OR lease > 0 OR v_ended > 0 OR r.last_used < clock_timestamp() - interval '1 second' THEN
        UPDATE key_rates x SET generation = (r.changes + 1) / 8, changes = r.changes + 1, head = v_bucket, oldest = v_oldest,
            total = v_total, leased = v_leased, leased_until = v_until, last_used = clock_timestamp(), slots = v_slots
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.generation = r.generation;
    END IF;
END $$;

ALTER FUNCTION gate_take OWNER TO usher_gate;
REVOKE ALL ON FUNCTION gate_take FROM PUBLIC, usher_ingest, usher_worker;
