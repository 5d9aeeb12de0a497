"""usherctl migrate: an installation of 0.3.0, and older ones, become what a fresh one is; functions alone can change;
several may run it at once. On databases of their own in the stack's cluster."""

import os
import re
import subprocess
import threading
import urllib.parse

import psycopg2
import stack as stacks
from case import Case
from waiting import run, wait_for_end

OLD = os.path.join(stacks.ROOT, "tests", "cases", "sql", "0.3.0")

# Everything that makes a schema what it is, but for names of databases and moments: rows of texts.
CATALOGUE = {
    "columns": """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attacl::text, a.attcompression::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'usher'::regnamespace AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'i')""",
    "tables": """SELECT c.relname, c.relkind, c.relowner::regrole::text, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, c.reloptions,
        (SELECT array_agg(x ORDER BY x) FROM unnest(c.relacl::text[]) x) FROM pg_class c WHERE c.relnamespace = 'usher'::regnamespace""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'usher'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'usher'::regnamespace",
    "policies": "SELECT tablename, policyname, permissive, array(SELECT unnest(roles)::text ORDER BY 1), cmd, qual, with_check FROM pg_policies WHERE schemaname = 'usher'",
    "functions": """SELECT p.oid::regprocedure::text, pg_get_function_result(p.oid), pg_get_functiondef(p.oid), p.proowner::regrole::text,
        (SELECT array_agg(x ORDER BY x) FROM unnest(p.proacl::text[]) x) FROM pg_proc p WHERE p.pronamespace = 'usher'::regnamespace""",
    "schemas": """SELECT n.nspname, n.nspowner::regrole::text, (SELECT array_agg(x ORDER BY x) FROM unnest(n.nspacl::text[]) x)
        FROM pg_namespace n WHERE n.nspname LIKE 'usher%%'""",
    "migrations": "SELECT number, name FROM migrations",
    "applied": "SELECT hash, version FROM applied_functions",
}
HOW_MANY_FUNCTIONS = 69


class Database:
    """One of the stack's cluster, dropped at the end."""

    def __init__(self, stack, name, owner=None):
        self.stack, self.name, self.owner = stack, name, owner
        parts = urllib.parse.urlsplit(stack.env["USHER_PG"])._replace(path="/" + name)
        self.admin("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
        if owner:
            parts = parts._replace(netloc="%s:secret@%s" % (owner, parts.netloc.rpartition("@")[2]))
            self.admin("DROP ROLE IF EXISTS %s" % owner)
            self.admin("CREATE ROLE %s LOGIN CREATEROLE PASSWORD 'secret'" % owner)
            # From PostgreSQL 16 on CREATEROLE is no right over roles that somebody else has made (ops/README.md).
            if stack.connection.server_version >= 160000:
                self.admin("GRANT usher_owner, usher_gate, usher_ingest, usher_worker TO %s WITH ADMIN TRUE, INHERIT FALSE, SET FALSE" % owner)
        self.uri = urllib.parse.urlunsplit(parts)
        self.admin("CREATE DATABASE %s OWNER %s" % (name, owner or "DEFAULT"))

    def admin(self, command):
        connection = psycopg2.connect(self.stack.env["USHER_PG"])
        connection.autocommit = True
        with connection.cursor() as c:
            c.execute(command)
        connection.close()

    def drop(self):
        self.admin("DROP DATABASE %s WITH (FORCE)" % self.name)
        if self.owner:
            self.admin("DROP ROLE %s" % self.owner)

    def sql(self, command, *values):
        connection = psycopg2.connect(self.uri, options="-c search_path=usher")
        try:
            with connection, connection.cursor() as c:
                c.execute(command, values or None)
                return c.fetchall() if c.description else []
        finally:
            connection.close()

    def ctl(self, *words):
        env = {**os.environ, **self.stack.env, "USHER_PG": self.uri}
        return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), *words], env=env, capture_output=True,
                   text=True)

    def migrate(self):
        done = self.ctl("migrate")
        if done.returncode:
            raise stacks.ToolError(["migrate"], done.returncode, done.stdout, done.stderr)
        return done.stdout

    def install(self, upto):
        """As 0.3.0 and those before it did, when their newest migration had that number."""
        self.sql(
            "CREATE SCHEMA usher; CREATE TABLE usher.migrations (number int NOT NULL, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())")
        for file in sorted(os.listdir(OLD)):
            number = int(file[:4])
            if number <= upto:
                with open(os.path.join(OLD, file)) as f:
                    self.sql(f.read())
                self.sql("INSERT INTO migrations (number, name) VALUES (%s, %s)", number, file[:-len(".sql")])

    def catalogue(self):
        return {what: sorted(map(str, self.sql(query.replace("%%", "%")))) for what, query in CATALOGUE.items()}

    def oids(self):
        return dict(self.sql(
            "SELECT p.oid::regprocedure::text, p.oid FROM pg_proc p WHERE p.pronamespace = 'usher'::regnamespace"))


class Migrate(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fresh = Database(cls.stack, "migrate_fresh")
        cls.told = cls.fresh.migrate()
        cls.want = cls.fresh.catalogue()
        cls.made = [cls.fresh]

    @classmethod
    def tearDownClass(cls):
        for database in cls.made:
            database.drop()
        super().tearDownClass()

    def database(self, name, owner=None):
        self.made.append(Database(self.stack, "migrate_" + name, owner))
        return self.made[-1]

    def same(self, got, want):
        for what in want:
            self.assertEqual(got[what], want[what], what)

    def test_a_fresh_one_is_whole(self):
        self.assertEqual(len(self.want["functions"]), HOW_MANY_FUNCTIONS)
        self.assertGreater(len(self.want["tables"]), 40)
        self.assertIn("the database is at %04d" % len(self.want["migrations"]), self.told)
        self.assertEqual(len(self.want["applied"]), 1)
        self.assertEqual([s for s in self.want["schemas"] if "usher_next" in s], [])
        self.assertIn("the newest", self.fresh.ctl("status").stdout)

    def test_what_was_installed_before_becomes_the_same(self):
        """Its functions stood in the migrations, some under other parameters (gate_admit, key_revoke_now)."""
        for upto in (1, 2, 3, 4):
            with self.subTest(upto=upto):
                old = self.database("old_%d" % upto)
                old.install(upto)
                self.assertIn("NOT the newest", old.ctl("status").stdout)
                before = old.oids()
                self.assertIn("gate_admit(bytea[],integer[])" if upto == 1
                              else "gate_admit(bytea[],integer[],boolean[])", before)
                told = old.migrate()
                self.assertIn("usherctl migrate finish", told)
                self.assertNotIn("finish", old.ctl("migrate", "finish").stdout)
                self.assertIn("%d applied" % (len(self.want["migrations"]) - upto), told)
                self.same(old.catalogue(), self.want)
                after = old.oids()
                kept = [f for f in before if f in after and before[f] == after[f]]
                self.assertGreater(len(kept), 3)  # replaced, not dropped: whoever has prepared a call of it goes on
                if upto == 4:
                    self.assertEqual(set(before) - set(kept), {"gate_admit(bytea[],integer[],boolean[])"})

    def test_again_changes_nothing(self):
        again = self.database("again")
        again.migrate()
        before = again.sql("SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = 'usher'::regnamespace ORDER BY 1")
        self.assertIn("0 applied", again.migrate())
        self.assertEqual(again.sql(
            "SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = 'usher'::regnamespace ORDER BY 1"), before)

    def test_functions_alone(self):
        """Another text, other parameters, another result, one too many, other rights, one too few: all are put
        right, in the place of the old ones where that can be."""
        d = self.database("functions")
        d.migrate()
        before = d.oids()
        d.sql("UPDATE applied_functions SET hash = 'of an older one'")
        self.assertIn("OTHER functions: run usherctl migrate", d.ctl("status").stdout)
        d.sql(
            "CREATE OR REPLACE FUNCTION workspace_name_free(v_name text) RETURNS boolean LANGUAGE sql AS 'SELECT false'")
        d.sql(
            "CREATE FUNCTION key_revoke_now(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false'; ALTER FUNCTION key_revoke_now(uuid, uuid) OWNER TO usher_gate")
        d.sql(
            "DROP FUNCTION command_prune; CREATE FUNCTION command_prune(v_before timestamptz, v_limit int) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
              "ALTER FUNCTION command_prune OWNER TO usher_gate")
        d.sql(
            "CREATE FUNCTION not_wanted_any_more() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION not_wanted_any_more OWNER TO usher_gate")
        d.sql("CREATE FUNCTION of_the_operator() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        d.sql("GRANT EXECUTE ON FUNCTION service_secret TO usher_worker, PUBLIC")
        d.sql("DROP FUNCTION signing_key_set")
        self.assertIn("0 applied", d.migrate())
        self.assertEqual(d.sql("SELECT of_the_operator()"), [(1,)])  # not ours: stays
        d.sql("DROP FUNCTION of_the_operator")
        self.same(d.catalogue(), self.want)
        after = d.oids()
        changed = {f for f in before if before[f] != after[f]}
        self.assertEqual({re.sub(r"\(.*", "", f) for f in changed}, {"command_prune", "signing_key_set"})

    def test_a_function_that_fails_leaves_all_as_it_was(self):
        d = self.database("fails")
        d.migrate()
        d.sql("UPDATE applied_functions SET hash = 'of an older one'")
        d.sql("ALTER TABLE signing_keys RENAME TO gone")  # a function's text speaks of it
        before = d.catalogue()
        run = d.ctl("migrate")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("signing_keys", run.stderr)
        self.same(d.catalogue(), before)
        d.sql("ALTER TABLE gone RENAME TO signing_keys")
        d.migrate()
        self.same(d.catalogue(), self.want)

    def test_a_newer_program_s_are_left_alone(self):
        d = self.database("newer")
        d.migrate()
        d.sql("UPDATE applied_functions SET hash = 'of a newer one', version = '99.10.0'")
        d.sql(
            "CREATE FUNCTION of_the_newer_one() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION of_the_newer_one OWNER TO usher_gate")
        self.assertIn("0 applied", d.migrate())
        self.assertEqual(d.sql("SELECT of_the_newer_one()"), [(1,)])
        self.assertIn("the newest", d.ctl("status").stdout)
        d.sql(
            "INSERT INTO migrations (number, name) VALUES (99, 'newer'); UPDATE applied_functions SET version = '0.0.1'")
        d.migrate()
        self.assertEqual(d.sql("SELECT of_the_newer_one()"), [(1,)])
        self.assertIn("NEWER than this usherctl", d.ctl("status").stdout)

    def test_by_an_owner_who_is_no_superuser(self):
        """The database's owner, who may create roles; fresh and from 0.3.0, and functions alone."""
        for name, upto in (("op_fresh", 0), ("op_old", 4)):
            with self.subTest(name):
                d = self.database(name, "usher_test_" + name)
                if upto:
                    d.install(upto)
                d.migrate()
                self.assertIn("finished\":true", d.ctl("migrate", "finish", "--json").stdout)
                d.sql("UPDATE applied_functions SET hash = 'of an older one'")
                d.migrate()
                self.same(d.catalogue(), {what: self.want[what] for what in ("columns", "indexes", "policies",
                                                                             "constraints", "functions", "applied")})

    def test_whoever_works_on_the_tables_is_not_held_up(self):
        """It gives way to a transaction that stays open, again and again, and is through when that has ended."""
        d = self.database("busy")
        d.install(4)
        holds = psycopg2.connect(d.uri, options="-c search_path=usher")
        with holds.cursor() as c:
            c.execute("SELECT count(*) FROM workspaces")
        env = {**os.environ, **self.stack.env, "USHER_PG": d.uri}
        process = subprocess.Popen([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "migrate", "--log-level", "warn"],
                                   env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        tries = 0
        for line in process.stderr:
            if "event=migrate-waits" not in line:
                continue
            tries += 1
            self.assertEqual(d.sql("SELECT count(*) FROM workspaces"), [(0,)])
            if tries == 2:
                holds.rollback()
        process.stderr.close()
        holds.close()
        self.assertEqual(wait_for_end(process, "usherctl"), 0)
        self.assertGreaterEqual(tries, 2)
        d.ctl("migrate", "finish")
        self.same(d.catalogue(), self.want)

    def test_several_at_once(self):
        d = self.database("many")
        d.install(4)
        runs = []
        threads = [threading.Thread(target=lambda: runs.append(d.ctl("migrate"))) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([r.returncode for r in runs], [0] * 6, [r.stderr for r in runs])
        self.assertEqual(sorted(int(r.stdout.split()[0]) for r in runs), [0] * 5 + [len(self.want["migrations"]) - 4])
        d.ctl("migrate", "finish")
        self.same(d.catalogue(), self.want)
