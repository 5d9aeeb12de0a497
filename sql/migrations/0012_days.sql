-- Tables that end: outcomes of commands, counts of Bulks and answers to repeated requests are partitioned by the time in their txn
-- (UUIDv7), and forgotten by DROP (functions/days_keep.sql). The keys stay what they were: a txn's time decides its partition, so it
-- is unique as before, and a look-up by workspace and txn goes to one partition. What there is becomes the first partition, which
-- ends in two days; its rows are read once for that.
--
-- Serving roles reach partitions through their table alone: no partition grants them anything.
DO $$
DECLARE
    t record;
    g record;
    v_first text;
    v_ends uuid := rpad(lpad(to_hex((extract(epoch FROM date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '2 days')
                                     * 1000)::bigint), 12, '0'), 32, '0')::uuid;
BEGIN
    FOR t IN SELECT * FROM (VALUES ('command_log', 'txn', 'workspace_id, txn'), ('bulk_failures', 'bulk', 'workspace_id, bulk'),
                                   ('idempotency', 'txn', 'workspace_id, key_id, idem_key, txn')) AS x (name, txn, key) LOOP
        v_first := t.name || '_first';
        EXECUTE format('ALTER TABLE %I RENAME TO %I', t.name, v_first);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', v_first, t.name || '_pkey');
        EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%s)', v_first, t.key);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION, PRIMARY KEY (%s)) PARTITION BY RANGE (%I)',
                       t.name, v_first, t.key, t.txn);
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', t.name || '_rest', t.name);

        -- who may do what, as it was
        FOR g IN SELECT a.grantee::regrole AS grantee, a.privilege_type AS what FROM pg_class c, aclexplode(c.relacl) a
                 WHERE c.oid = v_first::regclass AND a.grantee <> c.relowner LOOP
            EXECUTE format('GRANT %s ON %I TO %s', g.what, t.name, g.grantee);
            EXECUTE format('REVOKE %s ON %I FROM %s', g.what, v_first, g.grantee);
        END LOOP;
        FOR g IN SELECT a.grantee::regrole AS grantee, a.privilege_type AS what, c.attname FROM pg_attribute c, aclexplode(c.attacl) a
                 WHERE c.attrelid = v_first::regclass LOOP
            EXECUTE format('GRANT %s (%I) ON %I TO %s', g.what, g.attname, t.name, g.grantee);
            EXECUTE format('REVOKE %s (%I) ON %I FROM %s', g.what, g.attname, v_first, g.grantee);
        END LOOP;
        EXECUTE format('DROP POLICY tenant ON %I', v_first);
        EXECUTE format('DROP POLICY gate ON %I', v_first);
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t.name);
        EXECUTE format('CREATE POLICY gate ON %I TO usher_gate USING (true) WITH CHECK (true)', t.name);

        -- what is there; nothing hides from the one who moves it
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', v_first);
        EXECUTE format('WITH r AS (DELETE FROM %I WHERE %I >= %L RETURNING *) INSERT INTO %I SELECT * FROM r',
                       v_first, t.txn, v_ends, t.name || '_rest');
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', t.name, v_first, v_ends);
        FOR g IN SELECT unnest(ARRAY[v_first, t.name || '_rest', t.name]) AS name LOOP
            EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', g.name);
            EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', g.name);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', g.name);
        END LOOP;
    END LOOP;
END $$;
DROP INDEX idempotency_by_age;
