-- The pass with this hash, for gate_admit and gate_see alone, whose rights and search path it has. They call it where no key
-- and no owner has the hash. The pass is as good as its owner, and a set-up's as its key. `expires` is the end of the pass, or
-- the time at which it had been idle for too long. It moves `seen` once a minute at most, so that a busy session writes no row
-- with every request.
CREATE OR REPLACE FUNCTION pass_find(v_hash bytea,
    OUT workspace_id uuid, OUT owner_id uuid, OUT owner_name text, OUT role text, OUT expires timestamptz, OUT revoked timestamptz,
    OUT pass text, OUT pass_id uuid, OUT pass_key uuid, OUT pass_guide text)
RETURNS SETOF record
LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    v_seen timestamptz;
    v_idle interval;
BEGIN
    SELECT p.workspace_id, o.id, o.name, o.role, least(o.expires, p.expires), coalesce(o.revoked, k.revoked, p.ended), p.kind, p.id, p.key_id, p.dialect, p.seen, p.idle
    INTO workspace_id, owner_id, owner_name, role, expires, revoked, pass, pass_id, pass_key, pass_guide, v_seen, v_idle
    FROM passes p
    JOIN owners o ON o.workspace_id = p.workspace_id AND o.id = p.owner_id
    LEFT JOIN keys k ON k.workspace_id = p.workspace_id AND k.id = p.key_id
    WHERE p.token_hash = v_hash LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF v_seen + v_idle <= clock_timestamp() THEN
        expires := least(expires, v_seen + v_idle);
    ELSIF v_idle IS NOT NULL AND revoked IS NULL AND v_seen < clock_timestamp() - least(interval '1 minute', v_idle / 10) THEN
        UPDATE passes p SET seen = clock_timestamp() WHERE p.workspace_id = pass_find.workspace_id AND p.id = pass_id;
    END IF;
    IF pass LIKE 'setup%' THEN
        owner_name := left(owner_name, 100) || ' (set-up link)';
        role := 'administrator';
    END IF;
    RETURN NEXT;
END $$;

ALTER FUNCTION pass_find OWNER TO usher_gate;
REVOKE ALL ON FUNCTION pass_find FROM PUBLIC, usher_ingest, usher_worker;
