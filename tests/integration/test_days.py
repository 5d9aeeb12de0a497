"""Tables that end: outcomes of commands, counts of Bulks and answers to repeated requests are partitioned by the time in
their txn, made ahead, and forgotten by DROP. On databases of their own, in which time passes as the test says."""

import datetime
import json
import os
import time
import uuid

import psycopg2

from case import Case
from test_migrate import Database

DAY = datetime.timedelta(days=1)
KEEP = 8 * DAY
TABLES = (("command_log", "txn", "at"), ("bulk_failures", "bulk", "at"), ("idempotency", "txn", "created"))
SERVING = ("usher_ingest", "usher_worker")


def txn(at):
    """A UUIDv7 of that moment."""
    ms = int(at.timestamp() * 1000)
    return str(uuid.UUID(int=(ms << 80) | (0x7 << 76) | (0x2 << 62) | uuid.uuid4().int & ((1 << 62) - 1)))


class Copy(Database):
    """Of another one."""

    def __init__(self, other, name):
        super().__init__(other.stack, name)
        self.admin("DROP DATABASE %s" % name)
        self.admin("CREATE DATABASE %s TEMPLATE %s" % (name, other.name))


class Days(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = Database(cls.stack, "days_%d" % os.getpid())
        cls.whole.migrate()
        cls.now = datetime.datetime.now(datetime.timezone.utc)
        cls.tenant = str(uuid.uuid4())

    @classmethod
    def tearDownClass(cls):
        cls.whole.drop()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.db = Copy(self.whole, self.whole.name + "_test")
        for table, _, _ in TABLES:
            self.keep(self.now, table)  # as a worker does when it starts

    def tearDown(self):
        self.db.drop()
        super().tearDown()

    def keep(self, now, table="command_log"):
        """Gives how much is gone."""
        name, key, at = next(t for t in TABLES if t[0] == table)
        return self.db.sql("SELECT days_keep(%s, %s, %s, %s, 5000, %s)", name, key, at, now - KEEP, now)[0][0]

    def partitions(self, table="command_log"):
        return {name: at for name, at in self.db.sql("SELECT name, txn_time(upper) FROM partition_bounds(%s)", table)}

    def claim(self, t, workspace=None):
        self.db.sql("INSERT INTO command_log (workspace_id, txn, type, outcome) VALUES (%s, %s, 'user.create', '{}')",
                    workspace or self.tenant, t)

    def where(self, t):
        return [row[0] for row in self.db.sql("SELECT tableoid::regclass::text FROM command_log WHERE txn = %s", t)]

    def known(self, t):
        return self.db.sql("SELECT known FROM command_outcome(%s, %s)", self.tenant, t)[0][0]

    def as_role(self, role, query):
        connection = psycopg2.connect(self.db.uri, options="-c search_path=usher")
        try:
            with connection.cursor() as c:
                c.execute("SET ROLE " + role)
                c.execute("SELECT set_config('usher.workspace', %s, true)", ("{%s}" % self.tenant,))
                c.execute(query)
                return c.fetchall()
        finally:
            connection.close()

    # ---- made ahead, and dropped

    def test_days_are_made_ahead(self):
        for table, _, _ in TABLES:
            ends = max(self.partitions(table).values())
            self.assertGreaterEqual(ends, self.now + 3 * DAY)
            self.assertLess(ends, self.now + 5 * DAY)
            self.assertEqual(self.keep(self.now, table), 0)  # again: nothing to do

    def test_the_worker_does_it(self):
        for table, _, _ in TABLES:
            self.wait_until(lambda: len(self.stack.sql("SELECT name FROM partition_bounds(%s)", table)) >= 2,  # noqa: B023
                            "the worker to make days of " + table)

    def test_a_month_goes_by(self):
        now, gone, most = self.now, 0, 0
        while now < self.now + 30 * DAY:
            now += DAY
            t = txn(now)
            self.claim(t)
            gone += self.keep(now)
            self.assertEqual(len(self.where(t)), 1)
            self.assertNotIn("command_log_rest", self.where(t))
            most = max(most, len(self.partitions()))
        self.assertGreater(gone, 15)
        self.assertLess(most, 16)
        left = self.db.sql("SELECT min(txn_time(txn)), count(*) FROM command_log WHERE txn_time(txn) > %s", self.now)[0]
        self.assertGreaterEqual(left[0], now - KEEP - DAY)
        self.assertGreaterEqual(left[1], 8)

    def test_years_are_kept_in_few(self):
        """outcome-hours may be ten years."""
        self.db.sql("SELECT days_keep('bulk_failures', 'bulk', 'at', %s, 5000, %s)", self.now - 3650 * DAY,
                    self.now + 3 * DAY)
        ends = sorted(self.partitions("bulk_failures").values())
        self.assertGreater(ends[-1] - ends[-2], 100 * DAY)

    def test_it_is_one_drop_whatever_there_was(self):
        """100,000 workspaces, each with an outcome that is to be forgotten."""
        day = self.now + 100 * DAY
        self.keep(day)
        self.db.sql("""INSERT INTO command_log (workspace_id, txn, type) SELECT gen_random_uuid(), txn_floor(%s), 'x'
                       FROM generate_series(1, 100000)""", day + DAY)
        began = time.monotonic()
        self.assertEqual(self.db.sql("SELECT days_keep('command_log', 'txn', 'at', %s, 5000, %s)", day + 2 * DAY,
                                     day + 2 * DAY)[0][0], 2)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.db.sql("SELECT count(*) FROM command_log WHERE type = 'x'"), [(0,)])

    def test_who_reads_holds_nobody_up(self):
        """A dump, or a forgotten session: what cannot be dropped now goes the next time."""
        day = self.now + 200 * DAY
        self.keep(day)
        reader = psycopg2.connect(self.db.uri)
        try:
            reader.cursor().execute("SELECT count(*) FROM usher.command_log")
            began = time.monotonic()
            self.db.sql("SELECT command_prune(%s, 5000)", day + 10 * DAY)
            self.assertLess(time.monotonic() - began, 10)
            self.assertGreater(len(self.partitions()), 2)
        finally:
            reader.close()
        self.assertGreater(self.db.sql("SELECT command_prune(%s, 5000)", day + 10 * DAY)[0][0], 2)

    # ---- a txn stands once, and is found, wherever its time is

    def test_a_look_up_goes_to_one_partition(self):
        self.claim(txn(self.now))
        for query in ("SELECT outcome FROM command_log WHERE workspace_id = $1 AND txn = $2",
                      "SELECT c.outcome FROM unnest(ARRAY[$1], ARRAY[$2]) AS a (w, t) CROSS JOIN LATERAL "
                      "(SELECT * FROM command_log t WHERE t.workspace_id = a.w AND t.txn = a.t OFFSET 0) c"):
            connection = psycopg2.connect(self.db.uri, options="-c search_path=usher -c enable_seqscan=off "
                                          "-c plan_cache_mode=force_generic_plan")
            with connection.cursor() as c:
                c.execute("PREPARE look_up (uuid, uuid) AS " + query)
                c.execute("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE look_up (%s, %s)", (self.tenant, txn(self.now)))
                plan = c.fetchone()[0]
            connection.close()
            read = [n["Relation Name"] for n in self.nodes(plan[0]["Plan"])
                    if "Relation Name" in n and n["Actual Loops"] > 0]
            self.assertEqual(read, ["command_log_first"], json.dumps(plan))

    def nodes(self, node):
        yield node
        for child in node.get("Plans", []):
            yield from self.nodes(child)

    def test_an_odd_time(self):
        """A clock that is days ahead, one that stands in the past, one that is mad: claimed once, found, and forgotten as
        long after it was written as any other."""
        far = self.now + 300 * DAY
        self.keep(far)
        for at in (datetime.datetime(1970, 1, 2, tzinfo=datetime.timezone.utc), far - 250 * DAY, far + 20 * DAY,
                   datetime.datetime(2400, 1, 1, tzinfo=datetime.timezone.utc)):
            with self.subTest(at):
                t = txn(at)
                self.claim(t)
                self.db.sql("UPDATE command_log SET at = %s WHERE txn = %s", far, t)
                with self.assertRaises(psycopg2.errors.UniqueViolation):
                    self.claim(t)
                self.assertTrue(self.known(t))
                self.assertEqual(self.db.sql("SELECT won FROM command_cancel(%s, %s)", self.tenant, t), [(False,)])
        self.keep(far)
        rest = self.db.sql("SELECT count(*) FROM command_log_rest")[0][0]
        self.assertGreater(rest, 1)
        self.db.sql("UPDATE command_log_rest SET at = %s", far - KEEP - DAY)
        self.assertEqual(self.keep(far), rest)

    def test_who_was_early_moves_when_the_day_comes(self):
        far = self.now + 400 * DAY
        self.keep(far)
        t = txn(far + 6 * DAY)
        self.claim(t)
        self.assertEqual(self.where(t), ["command_log_rest"])
        self.keep(far + 4 * DAY)
        self.assertEqual(len(self.where(t)), 1)
        self.assertNotEqual(self.where(t), ["command_log_rest"])
        with self.assertRaises(psycopg2.errors.UniqueViolation):
            self.claim(t)
        self.assertTrue(self.known(t))

    # ---- a client's key stands once, also over midnight

    def repeat(self, connection, t, idem="k"):
        with connection.cursor() as c:
            c.execute("SELECT verdict, txn::text FROM idempotency_claim(%s, %s, %s, %s, %s, 60)",
                      (self.tenant, self.tenant, idem, b"f" * 32, t))
            return c.fetchone()

    def test_a_request_is_repeated_after_midnight(self):
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        before, after = txn(midnight - datetime.timedelta(seconds=1)), txn(midnight + datetime.timedelta(seconds=1))
        connection = psycopg2.connect(self.db.uri, options="-c search_path=usher")
        try:
            self.assertEqual(self.repeat(connection, before), ("fresh", before))
            connection.commit()
            self.assertEqual(self.repeat(connection, after), ("running", before))
            with connection.cursor() as c:
                c.execute("SELECT * FROM idempotency_store(%s, %s, 'k', %s, 201, '{}', 'made')",
                          (self.tenant, self.tenant, before))
            self.assertEqual(self.repeat(connection, after), ("answered", before))
            connection.commit()
        finally:
            connection.close()
        self.assertEqual(self.db.sql("SELECT count(*) FROM idempotency WHERE idem_key = 'k'"), [(1,)])

    def test_two_at_the_same_moment(self):
        """The second waits for the first, whatever partitions their txns belong to."""
        first, second = (psycopg2.connect(self.db.uri, options="-c search_path=usher -c lock_timeout=300ms")
                         for _ in range(2))
        try:
            early = txn(self.now - DAY)
            self.assertEqual(self.repeat(first, early, "both"), ("fresh", early))
            with self.assertRaises(psycopg2.errors.LockNotAvailable):
                self.repeat(second, txn(self.now), "both")
            second.rollback()
            first.commit()
            self.assertEqual(self.repeat(second, txn(self.now), "both"), ("running", early))
        finally:
            first.close()
            second.close()

    # ---- rights

    def test_partitions_grant_nobody_anything(self):
        self.claim(txn(self.now))
        self.claim(txn(self.now), str(uuid.uuid4()))
        self.assertGreater(len(self.as_role("usher_worker", "SELECT * FROM command_log")), 0)
        self.assertEqual(self.as_role("usher_worker", "SELECT * FROM command_log WHERE workspace_id <> '%s'" % self.tenant),
                         [])
        for table, _, _ in TABLES:
            for name in [*self.partitions(table), table + "_rest"]:
                for role in (*SERVING, "usher_gate"):
                    with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=(name, role)):
                        self.as_role(role, "SELECT * FROM " + name)
