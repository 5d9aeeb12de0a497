"""Rate units are leased by an ingest while a credential is far from its limit, and counted one by one near it. So the count
stays exact, a row changes a few times a second, and an old snapshot, which keeps every version of it, costs no request
anything. On a stack of its own: an ingest is killed here, and a transaction stands open."""

import os
import re
import time

import psycopg2

import stack as stacks
from case import Case
from scimhttp import GROUP, USER, in_flight, patch_op, statuses
from waiting import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WIDE = 8
# Buffers that a look-up by index takes at most: three of the index, and the pages of one generation.
FEW = 6


def get(client):
    return client.get("/Users?count=0")


class RatesCase(Case):
    worker = stacks.APPLY_ALONE

    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-rates", WORKER_ARGS=cls.worker)
        cls.stack.start()

    @classmethod
    def tearDownClass(cls):
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    def row(self, ws, columns="total, leased, changes"):
        rows = self.stack.sql("SELECT %s FROM key_rates WHERE workspace_id = %%s AND key_id = %%s" % columns, ws.id,
                              ws.key_id)
        self.assertEqual(len(rows), 1)
        return rows[0]

    def ended(self, ws):
        """Waits until all leases have ended; gives what has been counted."""
        wait_until(lambda: self.row(ws)[1] == 0, "all leases to end")
        return self.row(ws)[0]

    def buffers(self, query, *values):
        """That a look-up takes, of table and index, as gate and worker ask (GATE_OPTIONS, LOOP_OPTIONS), with
        statistics."""
        self.stack.sql("ANALYZE key_rates, workspaces, users, rooms, members")
        connection = psycopg2.connect(self.stack.env["USHER_PG"], options="-c search_path=usher -c enable_seqscan=off "
                                      "-c enable_sort=off")
        try:
            with connection.cursor() as c:
                c.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query, values)
                plan = c.fetchone()[0][0]["Plan"]
                return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        finally:
            connection.close()


class Leases(RatesCase):
    def test_a_busy_key_changes_its_row_a_few_times_a_second(self):
        ws = self.stack.workspace("busy", rate=1000000)
        began = time.monotonic()
        self.assertEqual(statuses(in_flight(WIDE, [get] * 2000, ws.client)), {200: 2000})
        changes, seconds = self.row(ws)[2], time.monotonic() - began
        # A lease and its end are a change each, four times a second, and the first ones are small.
        self.assertLess(changes, 40 + 10 * seconds)
        self.assertLess(changes, 1000)

    def test_what_is_not_used_comes_back(self):
        """Each request is counted once, whoever counted it first; and the next one is told so."""
        ws = self.stack.workspace("back", rate=10000)
        for batch in (300, 1, 40):
            began = time.monotonic()
            before = self.ended(ws) if batch != 300 else 0
            self.assertEqual(statuses(in_flight(WIDE, [get] * batch, ws.client)), {200: batch})
            self.assertEqual(self.ended(ws), before + batch)
            self.assertLess(time.monotonic() - began, 15, "too slow to say anything about a window of 60 s")
        self.assertRegex(get(ws.client).headers["ratelimit"], r'^"default";r=%d;t=\d+$' % (10000 - 342))

    def test_what_is_left_is_told_while_units_are_leased(self):
        ws = self.stack.workspace("told", rate=10000)
        left = [int(re.search(r";r=(\d+);", get(ws.client).headers["ratelimit"]).group(1)) for _ in range(200)]
        self.assertEqual(left, list(range(9999, 9799, -1)))
        self.assertLess(self.row(ws)[2], 200)  # it was leased

    def test_small_limits_are_counted_one_by_one(self):
        ws = self.stack.workspace("small", rate=60)
        seen = statuses(in_flight(WIDE, [get] * 70, ws.client))
        self.assertEqual(seen, {200: 60, 429: 10})
        self.assertEqual(self.row(ws)[:2], (60, 0))

    def test_a_bulk_takes_what_others_give_back(self):
        """All of its units or none, also where some of them are leased at that moment."""
        ws = self.stack.workspace("bulk", rate=1000)
        operations = [{"method": "DELETE", "path": "/Users/0190c5a4-0000-7000-8000-000000000000"}] * 500
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        self.assertEqual(statuses(in_flight(WIDE, [get] * 499, ws.client)), {200: 499})
        self.expect(ws.client.post("/Bulk", body), 200)
        self.assertEqual(self.ended(ws), 999)
        self.assertEqual([get(ws.client).status for _ in range(2)], [200, 429])


class TwoIngests(RatesCase):
    def setUp(self):
        super().setUp()
        self.urls = [self.stack.url, self.stack.extra_ingest("two", stacks.free_port())]

    def test_no_unit_is_lost_between_them(self):
        """One of two ingests has leased units and hears nothing more; the other may give out all the rest, to the
        last."""
        for n in (100, 250, 520):
            ws = self.stack.workspace("between", rate=600)
            first, second = (ws.open(url=url) for url in self.urls)
            self.assertEqual(statuses(in_flight(WIDE, [get] * n, second)), {200: n})
            self.assertEqual(statuses(in_flight(WIDE, [get] * (601 - n), first)), {200: 600 - n, 429: 1})

    def test_an_ingest_that_dies_has_used_up_what_it_had_leased(self):
        """Never more than the limit; and no more is lost than one lease."""
        ws = self.stack.workspace("dies", rate=600)
        self.assertEqual(statuses(in_flight(WIDE, [get] * 200, ws.open(url=self.urls[1]))), {200: 200})
        self.stack.signal("INGEST_TWO")
        leased = self.row(ws)[1]
        passed = statuses(in_flight(WIDE, [get] * 440, ws.client))
        self.assertEqual(sum(passed.values()), 440)
        self.assertLessEqual(passed[200], 400)
        self.assertGreaterEqual(passed[200], 400 - leased)
        self.assertLessEqual(leased, 600 // 16)
        self.assertEqual(get(ws.client).status, 429)


class OldSnapshot(RatesCase):
    REQUESTS = 20000

    def test_an_old_snapshot_costs_no_read_anything(self):
        ws = self.stack.workspace("snapshot", rate=100000000)
        look = ("SELECT total FROM key_rates WHERE workspace_id = %s AND key_id = %s ORDER BY generation DESC LIMIT 1",
                ws.id, ws.key_id)
        self.expect(get(ws.client), 200)
        old = psycopg2.connect(self.stack.env["USHER_PG"])
        try:
            old.set_session(isolation_level="REPEATABLE READ")
            old.cursor().execute("SELECT count(*) FROM usher.users")
            before = self.buffers(*look)
            seen = statuses(in_flight(WIDE, [get] * self.REQUESTS, ws.client))
            self.assertEqual(seen, {200: self.REQUESTS})
            self.assertLessEqual(before, FEW)
            self.assertLessEqual(self.buffers(*look), FEW)
        finally:
            old.close()

    def test_nor_any_write(self):
        """The row of a workspace changes with every batch, and each request reads it."""
        ws = self.stack.workspace("writes")
        look = ("SELECT audit_seq, changes FROM workspaces WHERE workspace_id = %s ORDER BY generation DESC LIMIT 1", ws.id)

        def create(number):
            return lambda c: c.post("/Users", {"schemas": [USER], "userName": "u%d" % number})

        self.expect(create(0)(ws.client), 201)
        old = psycopg2.connect(self.stack.env["USHER_PG"])
        try:
            old.set_session(isolation_level="REPEATABLE READ")
            old.cursor().execute("SELECT count(*) FROM usher.users")
            jobs = [create(number) for number in range(1, 801)]
            self.assertEqual(statuses(in_flight(2, jobs, ws.client)), {201: 800})
            self.assertGreater(self.stack.sql(*look)[0][1], 200)
            self.assertLessEqual(self.buffers(*look), FEW)
            # Whoever locks the row for a deadline or a revocation finds it as well.
            self.assertLessEqual(self.buffers(look[0] + " FOR NO KEY UPDATE", ws.id), FEW + 2)
        finally:
            old.close()

    def test_nor_where_each_unit_is_counted(self):
        """Near its limit a key's row changes with every batch. 5,000 changes, as many as the limit allows in an hour."""
        ws = self.stack.workspace("near", rate=1000000)
        self.expect(get(ws.client), 200)
        old = psycopg2.connect(self.stack.env["USHER_PG"])
        try:
            old.set_session(isolation_level="REPEATABLE READ")
            old.cursor().execute("SELECT count(*) FROM usher.users")
            for _ in range(5000):
                self.stack.sql("SELECT gate_take(%s, %s, 1000000, 1, false, 0, 0, 0, 0)", ws.id, ws.key_id)
            self.assertGreater(self.row(ws)[0], 4000)
            self.assertLessEqual(self.buffers("SELECT total FROM key_rates WHERE workspace_id = %s AND key_id = %s "
                                              "ORDER BY generation DESC LIMIT 1", ws.id, ws.key_id), FEW)
        finally:
            old.close()


class OldSnapshotOfRows(RatesCase):
    """Rows of users and rooms that are changed 2,000 times under an open snapshot: the first of them by requests, so that
    it is the worker who moves the generation, the rest as the worker writes them."""

    CHANGES, BY_REQUESTS = 2000, 80
    # What one change writes: the row, and an entry in each of the indexes.
    CHANGE = 60
    GO_ON = """DO $$ BEGIN FOR i IN 1 .. %d LOOP
        UPDATE %s SET version = version + 1, modified = clock_timestamp(), generation = (version + 1) / 16
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM %s WHERE workspace_id = '%s' AND id = '%s'
                                ORDER BY generation DESC LIMIT 1));
        END LOOP; END $$"""

    def row_of(self, table, ws, key):
        return self.stack.sql("SELECT version, generation FROM %s WHERE workspace_id = %%s AND id = %%s" % table, ws.id, key)

    def flat(self, table, ws, key, change):
        """change(n): the n-th request that changes the row."""
        look = ("SELECT doc, version FROM %s WHERE workspace_id = %%s AND id = %%s ORDER BY generation DESC LIMIT 1" % table,
                ws.id, key)
        for n in range(self.BY_REQUESTS):
            self.assertIn(change(n).status, (200, 204))
        version, generation = self.row_of(table, ws, key)[0]
        self.assertGreater(version, self.BY_REQUESTS)
        self.assertEqual(generation, version // 16)
        self.stack.sql(self.GO_ON % (self.CHANGES - self.BY_REQUESTS, table, table, ws.id, key))
        self.assertGreater(self.row_of(table, ws, key)[0][0], self.CHANGES)
        self.assertLessEqual(self.buffers(*look), FEW)
        self.assertLessEqual(self.buffers(
            "INSERT INTO {0} SELECT * FROM {0} WHERE workspace_id = %s AND id = %s AND generation = "
            "(SELECT generation FROM {0} WHERE workspace_id = %s AND id = %s ORDER BY generation DESC LIMIT 1) "
            "ON CONFLICT (workspace_id, id, generation) DO UPDATE SET version = {0}.version + 1, modified = now()"
            .format(table), ws.id, key, ws.id, key), self.CHANGE)
        self.assertIn(change(self.BY_REQUESTS).status, (200, 204))
        version, generation = self.row_of(table, ws, key)[0]
        self.assertEqual(generation, version // 16)

    def test_nor_of_a_user_or_a_room(self):
        ws = self.stack.workspace("rows", rate=1000000)
        c = ws.client
        user = self.expect(c.post("/Users", {"schemas": [USER], "userName": "hot"}), 201).json["id"]
        room = self.expect(c.post("/Groups", {"schemas": [GROUP], "displayName": "hot"}), 201).json["id"]
        old = psycopg2.connect(self.stack.env["USHER_PG"])

        def retitle(n):
            return c.patch("/Users/" + user, patch_op({"op": "replace", "path": "title", "value": "t%d" % n}))

        def come_or_go(n):
            member = [{"value": user}]
            return c.patch("/Groups/" + room, patch_op({"op": "add" if n % 2 == 0 else "remove", "path": "members",
                                                        "value": member}))

        try:
            old.set_session(isolation_level="REPEATABLE READ")
            old.cursor().execute("SELECT count(*) FROM usher.users")
            self.flat("users", ws, user, retitle)
            self.flat("rooms", ws, room, come_or_go)
            by_name = ("SELECT id FROM users WHERE workspace_id = %s AND user_name_key = %s "
                       "ORDER BY generation DESC LIMIT 1", ws.id, "hot")
            self.assertLessEqual(self.buffers(*by_name), FEW)
            self.assertEqual(self.expect(c.get("/Users/" + user), 200).json["title"], "t%d" % self.BY_REQUESTS)
            self.expect(c.delete("/Groups/" + room), 204)
            self.expect(c.delete("/Users/" + user), 204)
            self.assertEqual(self.row_of("users", ws, user) + self.row_of("rooms", ws, room), [])
        finally:
            old.close()


class OldSnapshotOfTheArchive(RatesCase):
    """What the archive changes with every batch: the first times by requests, so that it is the archive who moves the
    generation, the rest as it writes them."""

    worker = ""
    CHANGES, BY_REQUESTS = 2000, 40
    GO_ON = """DO $$ BEGIN FOR i IN 1 .. %d LOOP
        UPDATE %s SET changes = changes + 1, generation = (changes + 1) / 16
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM %s WHERE %s ORDER BY generation DESC LIMIT 1));
        END LOOP; END $$"""
    # What one change writes: the row, and an entry in each of the indexes.
    CHANGE = 40

    def statement(self, name, *values):
        """Buffers that a statement of sql/statements/archive.sql takes, which is undone. Lists are arrays. Once before, so
        that plans are made and the catalogue is known."""
        values = ['{"%s"}' % '","'.join(map(str, v)) if isinstance(v, list) else v for v in values]
        text = re.search(r"-- name: %s\n(.*?)(?=\n-- name: |\Z)" % name, self.text, re.S).group(1)
        connection = psycopg2.connect(self.stack.env["USHER_PG"], options="-c search_path=usher -c enable_seqscan=off "
                                      "-c enable_sort=off")
        try:
            with connection.cursor() as c:
                c.execute("PREPARE one AS " + text)
                for _ in range(2):
                    c.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE one (%s)" % ", ".join(["%s"] * len(values)), values)
                plan = c.fetchone()[0][0]["Plan"]
                return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        finally:
            connection.close()

    def test_nor_of_what_the_archive_writes(self):
        with open(os.path.join(ROOT, "build", "gen", "sql", "archive.sql")) as f:
            self.text = f.read()
        ws = self.stack.workspace("archived", rate=1000000)
        self.expect(get(ws.client), 200)
        (partition,), = wait_until(lambda: self.stack.sql("SELECT partition FROM audit_tree WHERE workspace_id = %s AND tree = 2",
                                                          ws.id), "the archive")
        rows = {"audit_offset": "partition = %d" % partition,
                "audit_tree": "workspace_id = '%s' AND tree = 2" % ws.id,
                "activity_day": "workspace_id = '%s' AND key_id = '%s'" % (ws.id, ws.key_id),
                "activity_hour": "workspace_id = '%s' AND key_id = '%s'" % (ws.id, ws.key_id),
                "activity_source": "workspace_id = '%s' AND key_id = '%s'" % (ws.id, ws.key_id)}

        def changes(table):
            found = self.stack.sql("SELECT changes, generation FROM %s WHERE %s" % (table, rows[table]))
            for many, generation in found:
                self.assertEqual(generation, many // 16)
            return max(many for many, _ in found)

        old = psycopg2.connect(self.stack.env["USHER_PG"])
        try:
            old.set_session(isolation_level="REPEATABLE READ")
            old.cursor().execute("SELECT count(*) FROM usher.users")
            for _ in range(self.BY_REQUESTS):
                before = changes("audit_offset")
                self.expect(get(ws.client), 200)
                wait_until(lambda: changes("audit_offset") > before, "the archive")
            for table, where in rows.items():
                self.assertGreater(changes(table), 16)
                self.stack.sql(self.GO_ON % (self.CHANGES, table, table, where))
            self.stack.sql("ANALYZE " + ", ".join(rows))
            self.assertLessEqual(self.statement("lock", [partition]), FEW)
            self.assertLessEqual(self.statement("heads", [ws.id]), 2 * FEW)
            self.assertLessEqual(self.statement("move", [partition], [1]), self.CHANGE)
            at, latency = int(time.time()) // 86400 * 86400000000, "{%s}" % ",".join(["0"] * 20)
            one = [[ws.id], [ws.key_id], [at], *([[1]] * 9), [latency], *([[1]] * 5)]
            self.assertLessEqual(self.statement("activity_day", *one), self.CHANGE)
            self.assertLessEqual(self.statement("sources", [ws.id], [ws.key_id], ["127.0.0.1"], [1], [1], [1]), self.CHANGE)
            self.assertLessEqual(self.statement("unsigned", [partition], 0, 10), 2 * FEW)
            self.expect(get(ws.client), 200)
        finally:
            old.close()
