-- Resources of types that an operator defines, look-ups by attribute values, SCIM events, and what Bulk and cursors need.

-- Resources of all types but users and rooms. The type is the resource type's name.
CREATE TABLE resources (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    type         text NOT NULL,
    external_id  text,
    doc          json NOT NULL,
    search       jsonb NOT NULL,
    version      bigint NOT NULL,
    created      timestamptz NOT NULL,
    modified     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX resources_by_type ON resources (workspace_id, type, id);
CREATE INDEX resources_by_external_id ON resources (workspace_id, external_id, type) WHERE external_id IS NOT NULL;

-- Values by which resources of any type are looked up, or which must be unique (attr.lookup, attr.uniqueness), folded as in `search`. Plain text, because row-level
-- security lets only leakproof comparisons near an index, and those of jsonb are not.
CREATE TABLE resource_keys (
    workspace_id uuid NOT NULL,
    type         text NOT NULL,           -- the resource type's name
    path         text NOT NULL,           -- "emails.value"
    key          text NOT NULL,
    resource_id  uuid NOT NULL,
    is_unique    boolean NOT NULL,
    PRIMARY KEY (workspace_id, type, path, key, resource_id)
);
CREATE UNIQUE INDEX resource_keys_unique ON resource_keys (workspace_id, type, path, key) WHERE is_unique;

INSERT INTO resource_keys
SELECT DISTINCT u.workspace_id, 'User', 'emails.value', e.v->>'value', u.id, false
FROM users u CROSS JOIN LATERAL jsonb_array_elements(u.search->'emails') AS e (v)
WHERE jsonb_typeof(u.search->'emails') = 'array' AND e.v->>'value' <> '';

-- SCIM events (usher.events): a stream with numbers of its own.
ALTER TABLE workspaces
    ADD COLUMN events_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN events_mode text NOT NULL DEFAULT 'notice' CHECK (events_mode IN ('notice', 'full', 'off'));

-- Public keys of whoever signs or has signed events, as JSON Web Keys: what /.well-known/jwks.json shows. No tenant's data.
CREATE TABLE signing_keys (
    kid     text PRIMARY KEY,
    jwk     json NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);

-- How many commands of a Bulk with failOnErrors were refused: at its limit the rest is not applied.
CREATE TABLE bulk_failures (
    workspace_id uuid NOT NULL,
    bulk         uuid NOT NULL,           -- the Bulk's txn
    failures     int NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, bulk)
);

-- The service's own secret: what cursors and addresses of outcomes are sealed with. One row, the same for all instances, through restarts.
CREATE TABLE secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL CHECK (length(value) >= 32)
);
INSERT INTO secrets VALUES ('seal', sha256(decode(replace(gen_random_uuid()::text || gen_random_uuid() || gen_random_uuid(), '-', ''), 'hex')));

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['resources', 'resource_keys', 'bulk_failures'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['signing_keys', 'secrets'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY gate ON %I TO usher_gate USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

GRANT SELECT ON resources, resource_keys TO usher_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON resources, resource_keys, bulk_failures TO usher_worker;
GRANT SELECT ON secrets TO usher_gate;
GRANT SELECT, INSERT ON signing_keys TO usher_gate;

CREATE FUNCTION service_secret(v_name text) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT s.value FROM secrets s WHERE s.name = v_name
$$;

CREATE FUNCTION signing_key_register(v_kid text, v_jwk text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    INSERT INTO signing_keys (kid, jwk) VALUES (v_kid, v_jwk::json) ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION signing_key_set() RETURNS TABLE (jwk text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT k.jwk::text FROM signing_keys k ORDER BY k.created, k.kid
$$;

-- Outcome and records of several commands of one workspace, for those who ask later (a Bulk's operations, an asynchronous request). In the order of the ids.
CREATE FUNCTION command_outcomes(v_workspace uuid, v_txns uuid[])
RETURNS TABLE (n int, known boolean, outcome text, records text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT a.n::int, c.txn IS NOT NULL, c.outcome::text, c.records
    FROM unnest(v_txns) WITH ORDINALITY AS a (txn, n)
    LEFT JOIN LATERAL (SELECT * FROM command_log x WHERE x.workspace_id = v_workspace AND x.txn = a.txn OFFSET 0) c ON true
    ORDER BY a.n
$$;

CREATE FUNCTION bulk_prune(v_before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    WITH gone AS (DELETE FROM bulk_failures WHERE at < v_before RETURNING 1) SELECT count(*) FROM gone
$$;

-- As before, but all or nothing where whole says so: the operations of a Bulk. retry_after is then the time until all of its units are free.
DROP FUNCTION gate_admit(bytea[], int[]);
CREATE FUNCTION gate_admit(hashes bytea[], units int[], whole boolean[] DEFAULT NULL)
RETURNS TABLE (n int, workspace_id uuid, workspace_name text, key_id uuid, key_name text, scopes text, dialect text, state text,
               granted int, rate_limit int, retry_after int, seats_used bigint, seats_limit bigint, require_email boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    k record;
    v_head bigint;
    v_slots int[];
    v_total bigint;
    v_now_us bigint;
    v_bucket bigint;
    v_give bigint;
    v_need bigint;
    v_slot int; -- (loops count in int, bucket numbers are beyond that)
BEGIN
    FOR k IN
        SELECT a.n::int AS n, units[a.n] AS units, coalesce(whole[a.n], false) AS whole, y.workspace_id, y.id, y.name, y.scopes, y.dialect, y.expires, y.revoked,
               coalesce(y.rate_limit, w.rate_limit) AS rate_limit, w.name AS workspace_name, w.seats_used, w.require_email,
               CASE WHEN w.seat_mode = 'on_provision' THEN w.seats_limit END AS seats_limit -- else creation takes no seat: nothing to refuse early
        FROM unnest(hashes) WITH ORDINALITY AS a (hash, n)
        CROSS JOIN LATERAL (SELECT * FROM keys x WHERE x.token_hash = a.hash OFFSET 0) y -- OFFSET 0: by index, whatever the statistics say
        CROSS JOIN LATERAL (SELECT * FROM workspaces x WHERE x.workspace_id = y.workspace_id OFFSET 0) w
        ORDER BY y.workspace_id, y.id
    LOOP
        n := k.n; workspace_id := k.workspace_id; workspace_name := k.workspace_name; key_id := k.id; key_name := k.name;
        scopes := array_to_string(k.scopes, ' '); dialect := k.dialect; rate_limit := k.rate_limit;
        seats_used := k.seats_used; seats_limit := k.seats_limit; require_email := k.require_email;
        granted := 0; retry_after := 1; state := 'ok';
        IF k.revoked IS NOT NULL OR k.expires <= clock_timestamp() THEN
            state := CASE WHEN k.revoked IS NOT NULL THEN 'revoked' ELSE 'expired' END;
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT x.head, x.slots, x.total INTO v_head, v_slots, v_total
        FROM key_rates x WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO key_rates VALUES (k.workspace_id, k.id, 0, array_fill(0, ARRAY[256]), 0, clock_timestamp())
            ON CONFLICT DO NOTHING;
            SELECT x.head, x.slots, x.total INTO v_head, v_slots, v_total
            FROM key_rates x WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id FOR UPDATE;
        END IF;
        v_now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint; -- read after the lock: buckets never go back
        v_bucket := greatest(v_now_us / 250000, v_head);
        IF v_bucket - v_head > 240 THEN
            v_slots := array_fill(0, ARRAY[256]);
            v_total := 0;
        ELSE
            FOR i IN 1 .. (v_bucket - v_head)::int LOOP -- each step forward lets one bucket out
                v_slot := ((v_head + i - 241) & 255) + 1;
                v_total := v_total - v_slots[v_slot];
                v_slots[v_slot] := 0;
            END LOOP;
        END IF;
        v_give := greatest(least(k.units::bigint, k.rate_limit - v_total), 0);
        IF k.whole AND v_give < k.units THEN
            v_give := 0;
        END IF;
        v_total := v_total + v_give;
        v_slot := (v_bucket & 255) + 1;
        v_slots[v_slot] := v_slots[v_slot] + v_give::int;
        IF v_give < k.units THEN
            v_need := greatest(v_total - k.rate_limit + CASE WHEN k.whole THEN k.units ELSE 1 END, 1); -- units that must leave before enough are free
            FOR i IN -240 .. 0 LOOP
                v_need := v_need - v_slots[((v_bucket + i) & 255) + 1];
                IF v_need <= 0 THEN
                    retry_after := greatest(ceil(((v_bucket + i + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
                    EXIT;
                END IF;
            END LOOP;
        END IF;
        UPDATE key_rates x SET head = v_bucket, slots = v_slots, total = v_total, last_used = clock_timestamp()
        WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id;
        granted := v_give::int;
        RETURN NEXT;
    END LOOP;
END $$;

-- command_cancel for many at once. The workspaces are locked in the order of their ids, as workers do.
CREATE FUNCTION command_cancel_many(v_workspaces uuid[], v_txns uuid[])
RETURNS TABLE (n int, won boolean, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = ANY (v_workspaces) ORDER BY w.workspace_id FOR NO KEY UPDATE;
    INSERT INTO command_log (workspace_id, txn, type)
    SELECT a.workspace, a.txn, 'cancelled' FROM unnest(v_workspaces, v_txns) AS a (workspace, txn) ORDER BY a.workspace, a.txn
    ON CONFLICT DO NOTHING;
    RETURN QUERY
    SELECT a.n::int, c.outcome IS NULL, c.outcome::text
    FROM unnest(v_workspaces, v_txns) WITH ORDINALITY AS a (workspace, txn, n)
    CROSS JOIN LATERAL (SELECT * FROM command_log x WHERE x.workspace_id = a.workspace AND x.txn = a.txn OFFSET 0) c;
END $$;

CREATE POLICY gate ON bulk_failures TO usher_gate USING (true) WITH CHECK (true);
GRANT SELECT, DELETE ON bulk_failures TO usher_gate;

GRANT CREATE ON SCHEMA usher TO usher_gate;
DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['service_secret(text)', 'signing_key_register(text, text)', 'signing_key_set()', 'command_outcomes(uuid, uuid[])',
                             'bulk_prune(timestamptz)', 'gate_admit(bytea[], int[], boolean[])', 'command_cancel_many(uuid[], uuid[])'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO usher_gate', f);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA usher FROM usher_gate;
GRANT EXECUTE ON FUNCTION service_secret(text), signing_key_register(text, text), signing_key_set(), command_outcomes(uuid, uuid[]),
    gate_admit(bytea[], int[], boolean[]), command_cancel_many(uuid[], uuid[]) TO usher_ingest;
GRANT EXECUTE ON FUNCTION signing_key_register(text, text), bulk_prune(timestamptz) TO usher_worker;
