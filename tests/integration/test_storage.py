"""What the database itself guarantees: keys that begin with the tenant, serving roles that own nothing, rows that
stay in their workspace."""

import psycopg2

from case import Case
from scimhttp import USER
from waiting import wait_until

SERVING = ("usher_ingest", "usher_worker")
# The service's own: no tenant's data, so nothing to distribute; serving roles reach them through functions alone.
SERVICE = {"signing_keys", "secrets", "worker_slots", "log_gaps", "migrations", "applied_functions",
           "partitions", "marks", "outbox", "audit_keys", "audit_offset", "delivery_offset", "new_epochs"}
TENANTS = ("workspaces", "users", "rooms", "members", "keys", "command_log", "resources", "resource_keys",
           "bulk_failures", "audit_leaf", "audit_hashes", "audit_tree", "audit_due", "audit_aside", "audit_gap",
           "audit_checkpoint", "activity_minute", "activity_hour", "activity_day", "activity_source",
           "sign_in", "deliveries", "delivery_log", "delivery_heads", "delivery_progress", "delivery_attempts",
           "delivery_subjects")


def is_service(table):
    """The outbox has a table a day."""
    return table in SERVICE or table.startswith("outbox_")


class Catalogue(Case):
    def test_every_key_begins_with_workspace_id(self):
        """So that the tables distribute by tenant without a schema change: primary, unique and foreign keys, and
        unique indexes."""
        constraints = self.stack.sql("""
            SELECT c.conname, c.conrelid::regclass::text, c.contype,
                   (SELECT attname FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = c.conkey[1]),
                   (SELECT attname FROM pg_attribute WHERE attrelid = c.confrelid AND attnum = c.confkey[1])
            FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
            WHERE n.nspname = 'usher' AND c.contype IN ('p', 'u', 'f')""")
        self.assertGreaterEqual(len(constraints), 8)
        for name, table, kind, first, foreign in constraints:
            if is_service(table):
                continue
            self.assertEqual(first, "workspace_id", "%s of %s" % (name, table))
            if kind == "f":
                self.assertEqual(foreign, "workspace_id", "%s of %s" % (name, table))
        indexes = self.stack.sql("""
            SELECT i.indexrelid::regclass::text, a.attname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
            WHERE n.nspname = 'usher' AND i.indisunique""")
        self.assertTrue(indexes)
        for index, first, table in indexes:
            if not is_service(table):
                self.assertEqual(first, "workspace_id", index)

    def test_the_service_s_own_tables_hold_no_tenant(self):
        """So that they may stand outside; and nobody who serves reads the secret but by the function that is made
        for it: the ingest seals cursors with it, the worker opens the secrets of endpoints."""
        columns = self.stack.sql(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'usher'")
        self.assertEqual({t for t, _ in columns if (t, "workspace_id") not in columns and not t.startswith("outbox_")},
                         SERVICE)
        for table in ("signing_keys", "secrets"):
            for role in SERVING:
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                    self.assertFalse(self.stack.sql("SELECT has_table_privilege(%s, %s, %s)", role, "usher." + table,
                                                    right)[0][0], (table, role, right))
        self.assertEqual(
            self.stack.sql("SELECT has_function_privilege('usher_worker', 'usher.service_secret(text)', 'EXECUTE'),"
                                        " has_function_privilege('usher_ingest', 'usher.service_secret(text)', 'EXECUTE')"), [(True, True)])
        self.assertEqual(self.stack.sql("SELECT count(*) FROM secrets WHERE length(value) >= 32"), [(1,)])

    def test_every_table_of_tenants_has_forced_row_level_security(self):
        tables = self.stack.sql("""
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                   EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'usher' AND c.relkind IN ('r', 'p')""")
        self.assertGreaterEqual({t for t, _, _, tenants in tables if tenants},
                                set(TENANTS))
        for table, enabled, forced, _ in tables:
            self.assertTrue((enabled and forced) or table in ("migrations", "applied_functions"), table)
        policies = self.stack.sql(
            "SELECT tablename, policyname, roles::text[], cmd, qual, with_check FROM pg_policies WHERE schemaname = 'usher'")
        for table, name, roles, command, using, check in policies:
            if set(roles) & set(SERVING) and not is_service(table):
                self.assertIsNotNone(using, (table, name))
                self.assertIn("usher.workspace", using, (table, name))
                if command in ("ALL", "INSERT", "UPDATE"):
                    self.assertIn("usher.workspace", check or "", (table, name))

    def test_policies_read_the_workspaces_once(self):
        """A statement makes the array of workspaces once. A policy that makes it for each row costs more than the row."""
        for table, role in self.stack.sql(
                "SELECT tablename, unnest(roles)::text FROM pg_policies WHERE schemaname = 'usher' AND qual LIKE '%%usher.workspace%%'"):
            if not self.stack.sql("SELECT has_table_privilege(%s, %s, 'SELECT')", role, "usher." + table)[0][0]:
                continue
            plan = self.stack.sql("SET LOCAL ROLE %s; EXPLAIN SELECT * FROM usher.%s" % (role, table))
            filters = [line for line, in plan if "workspace_id = ANY" in line]
            self.assertTrue(filters, (table, role))
            self.assertEqual([line for line in filters if "::uuid[]" in line], [], (table, role))

    def test_serving_roles_own_nothing_and_are_nobody(self):
        for name, *powers in self.stack.sql(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = ANY(%s)",
                                            list(SERVING)):
            self.assertEqual(powers, [False] * 5, name)
        owned = self.stack.sql("""SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY(%s)
            UNION ALL SELECT p.proname FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE r.rolname = ANY(%s)
            UNION ALL SELECT n.nspname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE r.rolname = ANY(%s)""",
                               list(SERVING), list(SERVING), list(SERVING))
        self.assertEqual(owned, [])
        member_of = self.stack.sql("""SELECT m.rolname, g.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
            JOIN pg_roles g ON g.oid = a.roleid WHERE m.rolname = ANY(%s)""", list(SERVING))
        self.assertEqual(member_of, [])
        self.assertEqual(
            self.stack.sql(
                "SELECT rolname FROM pg_roles WHERE rolname IN ('usher_owner', 'usher_gate') AND (rolsuper OR rolbypassrls OR rolcanlogin)"), [])

    def test_functions_that_see_more_are_fenced(self):
        """SECURITY DEFINER functions fix their search path and are not for everybody."""
        for name, config, acl in self.stack.sql("""SELECT p.proname, p.proconfig, p.proacl::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'usher' AND p.prosecdef"""):
            self.assertTrue(any(c.startswith("search_path=") for c in config or []), name)
            self.assertFalse(acl is None or acl.startswith("{=X") or ",=X" in acl, "%s: %s" % (name, acl))

    def test_no_token_is_stored(self):
        hashes = self.stack.sql("SELECT count(*), count(DISTINCT token_hash) FROM keys WHERE workspace_id = %s",
                                self.ws.id)[0]
        self.assertEqual(hashes[0], hashes[1])
        self.assertEqual(self.stack.sql(
            "SELECT count(*) FROM command_log WHERE coalesce(event, '') || coalesce(outcome::text, '') LIKE %s",
                                        "%" + self.ws.token[4:] + "%"), [(0,)])
        self.assertEqual(self.stack.sql(
            "SELECT count(*) FROM outbox WHERE position(convert_to(%s, 'UTF8') IN records) > 0", self.ws.token[4:]), [(0,)])
        self.assertGreater(self.stack.sql("SELECT count(*) FROM outbox")[0][0], 0)


class Outbox(Case):
    """A table a day, which goes when all of it is emitted. On a partition that no worker has."""

    PARTITION = 900

    def tearDown(self):
        for table in ("outbox", "marks", "partitions"):
            self.stack.sql("DELETE FROM %s WHERE partition = %d" % (table, self.PARTITION))

    def tables(self):
        return {name for (name,) in self.stack.sql(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox'::regclass")}

    def turn(self):
        """As a worker does it."""
        connection = psycopg2.connect(self.stack.env["USHER_PG"], options="-c search_path=usher")
        try:
            with connection, connection.cursor() as c:
                c.execute("SET ROLE usher_worker")
                c.execute("SELECT outbox_days()")
                return c.fetchone()[0]
        finally:
            connection.close()

    def mark(self, number):
        self.stack.sql("INSERT INTO marks VALUES (%s, %s, '{}') ON CONFLICT (partition) DO UPDATE SET mark = EXCLUDED.mark",
                       self.PARTITION, number)

    def test_a_day_goes_when_all_of_it_is_emitted(self):
        self.stack.sql("CREATE TABLE outbox_20200101 (LIKE outbox INCLUDING ALL); ALTER TABLE outbox_20200101 OWNER TO usher_owner;"
                       "ALTER TABLE outbox ATTACH PARTITION outbox_20200101 FOR VALUES FROM ('2020-01-01 UTC') TO ('2020-01-02 UTC')")
        self.stack.sql("INSERT INTO partitions VALUES (%s, 1)", self.PARTITION)
        for number, day in ((1, "2019-12-31"), (2, "2020-01-01"), (3, "2020-01-01")):
            self.stack.sql("INSERT INTO outbox VALUES (%s, %s, %s, 'x')", self.PARTITION, number, day + " 12:00 UTC")
        rest = "SELECT number FROM outbox_rest WHERE partition = %s"
        self.turn()
        self.assertIn("outbox_20200101", self.tables())
        self.mark(2)
        self.turn()
        self.assertIn("outbox_20200101", self.tables())
        self.assertEqual(self.stack.sql(rest, self.PARTITION), [])  # where no day's table stood; emitted too
        self.mark(3)
        wait_until(lambda: self.turn() or "outbox_20200101" not in self.tables(), "the day to go", silence=30)
        self.assertNotIn("outbox_20200101", self.tables())

    def test_the_tables_of_the_next_days_are_there(self):
        self.turn()
        days = self.stack.sql("SELECT 'outbox_' || to_char((now() AT TIME ZONE 'UTC')::date + n, 'YYYYMMDD') FROM generate_series(1, 2) n")
        self.assertLessEqual({name for (name,) in days}, self.tables())

    def test_another_day_s_first_row_finds_its_table(self):
        self.turn()
        self.stack.sql("INSERT INTO outbox VALUES (%s, 1, now() + interval '1 day', 'x')", self.PARTITION)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM outbox_rest WHERE partition = %s", self.PARTITION), [(0,)])


class RowLevelSecurity(Case):
    """As the roles that serve, with a WHERE forgotten."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.stack.workspace("rls-b")
        for ws in (cls.ws, cls.other):
            for i in range(3):
                assert ws.client.post("/Users", {"schemas": [USER], "userName": "u%d" % i,
                                                 "emails": [{"value": "u%d@x.example" % i}]}).status == 201
            # Rows of tables that only an operator's types and a Bulk fill.
            cls.stack.sql(
                "INSERT INTO resources VALUES (%s, gen_random_uuid(), 'Thing', NULL, '{}', '{}', 1, now(), now())", ws.id)
            cls.stack.sql("INSERT INTO bulk_failures VALUES (%s, gen_random_uuid(), 1)", ws.id)

    @classmethod
    def tearDownClass(cls):
        cls.stack.sql("DELETE FROM resources WHERE type = 'Thing'")
        super().tearDownClass()

    def as_role(self, role, context, query):
        connection = psycopg2.connect(self.stack.env["USHER_PG"], options="-c search_path=usher")
        try:
            with connection.cursor() as c:
                c.execute("SET ROLE " + role)
                if context is not None:
                    c.execute("SELECT set_config('usher.workspace', %s, true)", (context,))
                c.execute(query)
                return c.fetchall() if c.description else c.rowcount
        finally:
            connection.rollback()
            connection.close()

    def tables(self, role):
        return [t for t in TENANTS
                if self.stack.sql("SELECT has_table_privilege(%s, %s, 'SELECT')", role, "usher." + t)[0][0]]

    def test_only_the_own_workspace_shows(self):
        for role in SERVING:
            self.assertIn("users", self.tables(role))
            for table in self.tables(role):
                for ws in (self.ws, self.other):
                    seen = {r[0] for r in self.as_role(role, "{%s}" % ws.id,
                                                       "SELECT workspace_id::text FROM %s" % table)}
                    self.assertLessEqual(seen, {ws.id}, (role, table))
            self.assertEqual(len(self.as_role(role, "{%s}" % self.ws.id, "SELECT * FROM users")), 3)
            self.assertEqual(len(self.as_role(role, "{%s}" % self.ws.id, "SELECT * FROM resource_keys")), 3)
            self.assertEqual(len(self.as_role(role, "{%s}" % self.ws.id, "SELECT * FROM resources")), 1)

    def test_nothing_shows_without_context(self):
        for role in SERVING:
            for table in self.tables(role):
                for context in (None, "", "{}"):
                    self.assertEqual(self.as_role(role, context, "SELECT * FROM %s" % table), [],
                                     (role, table, context))

    def test_the_ingest_writes_nothing(self):
        for statement in ("DELETE FROM users", "UPDATE users SET active = false", "INSERT INTO rooms DEFAULT VALUES",
                          "DELETE FROM resources", "UPDATE resource_keys SET key = 'x'", "SELECT * FROM bulk_failures",
                          "SELECT * FROM secrets", "UPDATE workspaces SET seats_limit = 1000000",
                          "SELECT * FROM keys", "TRUNCATE users", "DROP TABLE users"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=statement):
                self.as_role("usher_ingest", "{%s}" % self.ws.id, statement)

    def test_the_archive_is_only_added_to(self):
        """Nobody who serves changes or removes a record, a hash or a signed head. What was put aside goes when it stands
        in a tree."""
        for table in ("audit_leaf", "audit_hashes", "audit_checkpoint", "audit_aside", "audit_gap"):
            for statement in ("DELETE FROM %s", "UPDATE %s SET workspace_id = workspace_id", "TRUNCATE %s"):
                for role in SERVING:
                    if (table, statement, role) == ("audit_aside", "DELETE FROM %s", "usher_worker"):
                        continue
                    with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=(role, statement % table)):
                        self.as_role(role, "{%s}" % self.ws.id, statement % table)

    def test_the_worker_cannot_write_into_another_workspace(self):
        self.assertEqual(self.as_role("usher_worker", "{%s}" % self.ws.id,
                                      "UPDATE users SET version = version WHERE workspace_id = '%s'" % self.other.id), 0)
        self.assertEqual(self.as_role("usher_worker", "{%s}" % self.ws.id,
                                      "DELETE FROM users WHERE workspace_id = '%s'" % self.other.id), 0)
        for table in ("users", "resources", "resource_keys", "bulk_failures"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=table):
                self.as_role("usher_worker", "{%s}" % self.ws.id,
                             "UPDATE %s SET workspace_id = '%s'" % (table, self.other.id))

    def test_one_unique_value_has_one_holder(self):
        """What the worker decides, the index makes sure of: no two resources of a type with one unique value, in one
        workspace."""
        row = "INSERT INTO resource_keys VALUES ('%s', 'Thing', 'serial', 'S-1', gen_random_uuid(), true)"
        with self.assertRaises(psycopg2.errors.UniqueViolation):
            self.as_role("usher_worker", "{%s}" % self.ws.id, ";".join([row % self.ws.id] * 2))
        self.assertEqual(self.as_role("usher_worker", "{%s,%s}" % (self.ws.id, self.other.id),
                                      ";".join(row % w.id for w in (self.ws, self.other))), 1)
