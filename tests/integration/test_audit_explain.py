"""How the database finds what is searched for in the archive: with an index, or by reading a bounded part of it, the days
that are asked for and of them this workspace's records. With the very statements that the ingest sends, under row-level
security. On a stack of its own, without an archive that would add to it."""

import datetime
import os
import urllib.parse
import uuid

import stack as stacks
from case import Case
from openapi import ApiClient
from plans import PlanLog, read, rows_of, scans, shown
from records import KEY, RARE, fill_day

DAYS, A_DAY = 6, 200       # tables; requests of the workspace in each, and as many changes
OTHERS, OF_OTHERS = 20, 900  # others have nearly all
ALL, LIMIT = 2 * DAYS * A_DAY, 10
HANDFUL = 3 * DAYS + 12    # a look into each table, in up to three steps back
REFUSED = DAYS * A_DAY // 20 + 1
NONE, SEEN_ONCE = KEY % 9, "198.51.100.7"

# (what is asked, how many rows may be read to show a page of it). The rare key, the rare address, the rare action and the
# one 503 are of the first day.
INDEXED = (
    ("", LIMIT), ("key=" + KEY % 3, LIMIT), ("key=" + RARE, 2), ("actor=" + RARE, 2), ("key=" + NONE, 0),
    ("target={user}", 1), ("target=" + NONE, 0), ("subject={user}", 1), ("subject=" + NONE, 0), ("txn={txn}", 4),
    ("txn=" + NONE, 0), ("status=4xx", LIMIT), ("status=429", REFUSED), ("limited=true", REFUSED),
    ("status=409", REFUSED), ("status=503", 1), ("kind=requests&status=503", 1), ("status=5xx", 1), ("action=key.created", 1), ("action=room.deleted", 0),
    ("kind=changes&action=user.deleted", 1), ("kind=requests", 3 * LIMIT),
    ("status=200", 3 * LIMIT), ("action=member.added", 12 * LIMIT), ("action=seat.taken", 4 * LIMIT), ("method=POST", 4 * LIMIT),
    ("path=/scim/v2/Users", 4 * LIMIT), ("path=/scim/v2/Users*", 3 * LIMIT), ("source=203.0.113.2", 12 * LIMIT),
)
# No index has these, and they were seen once or never: the days that are asked for are looked through.
LOOKED_THROUGH = ("source=" + SEEN_ONCE, "source=192.0.2.1",
                  "method=DELETE", "status=3xx", "path=/scim/v2/Groups/x", "path=/scim/v2/Groups*")
STATEMENTS = (  # of build/gen/sql/audit.sql: (name, parameters behind the workspace, rows)
    ("leaf", "2::smallint, 77::bigint", 1), ("by_seq", "1::smallint, 78::bigint, %(event)s", 1), ("by_txn", "%(txn)s::uuid", 4),
    ("why", "%(user)s::uuid, %(user)s::uuid", 6), ("verify_leaves", "2::smallint, 100::bigint, 200::bigint", 100),
)


class Searches(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-audit-explain",
                                     WORKER_ARGS=stacks.APPLY_ALONE, INGEST_ARGS="--gate-threads=1 --list-threads=1")
        cls.stack.start()
        cls.ws = str(uuid.uuid4())
        cls.stack.sql("INSERT INTO workspaces (workspace_id, name) VALUES (%s, 'filled')", cls.ws)
        midnight = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        cls.days = [midnight - datetime.timedelta(DAYS - n) for n in range(DAYS)]
        cls.tables = [fill_day(cls.sql, day, n, A_DAY, OF_OTHERS, OTHERS, cls.ws, KEY % 3) for n, day in enumerate(cls.days)]
        for table in cls.tables:
            cls.sql("ALTER TABLE %s SET (autovacuum_enabled = off)" % table)
        cls.sql("UPDATE audit_leaf SET actor_id = %(rare)s WHERE workspace_id = %(w)s AND n = 17", w=cls.ws, rare=RARE)
        # A change of the second day, whom it was about, and its request.
        cls.user, cls.txn, cls.event = cls.sql(
            "SELECT target_id::text, txn::text, event FROM audit_leaf WHERE workspace_id = %(w)s AND tree = 1 AND n = %(n)s",
            w=cls.ws, n=A_DAY + 40)[0]
        cls.log = PlanLog(cls.stack)
        other = cls.stack.workspace("owners")
        made = cls.stack.ctl("owner", "create", "--workspace", other.id, "--name", "Olga")
        cls.stack.sql("UPDATE owners SET workspace_id = %s WHERE id = %s", cls.ws, made["owner"]["id"])
        other.client.close()
        cls.owner = ApiClient(cls.stack.url, made["token"], "/api/v1/admin")
        cls.anew()

    @classmethod
    def tearDownClass(cls):
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    @classmethod
    def sql(cls, query, **values):
        with cls.stack.connection.cursor() as c:
            c.execute(query, values or None)
            rows = c.fetchall() if c.description else []
        cls.stack.connection.commit()
        return rows

    @classmethod
    def anew(cls):
        """New connections, with no plans of before."""
        cls.log.new_connections()
        for _ in range(20):
            if cls.owner.get("/audit?limit=1").status == 200:
                return

    def search(self, query):
        """(items of a page, rows that it took, tables that were read, plans). A slow machine ends a page early, and the
        next one goes on: both together are one."""
        items, rows, tables, plans, cursor = [], 0, set(), [], ""
        while True:
            self.log.begin()
            answer = self.owner.get("/audit?limit=%d&%s%s" % (LIMIT - len(items), query, cursor))
            self.assertEqual(answer.status, 200, answer.body)
            found = [p for p in self.log.since() if "FROM audit_leaf l " in p["Query Text"]]
            self.assertGreater(len(found), 0, "no plan was seen")
            for plan in found:
                rows += read(plan)[0]
                tables |= {n["Relation Name"] for n in scans(plan)}
            plans += found
            items += answer.json["items"]
            if answer.json["next"] is None or len(items) == LIMIT:
                return items, rows, tables, plans
            cursor = "&cursor=" + urllib.parse.quote(answer.json["next"])

    def told(self, query):
        return query.format(user=self.user, txn=self.txn)

    def check(self, query, most, allowed):
        """It reads so many rows at most, and no other tables than these."""
        items, rows, tables, plans = self.search(self.told(query))
        seen = "%s: %d rows, %s" % (query, rows, [shown(p) for p in plans])
        self.assertLessEqual(rows, most, seen)
        self.assertEqual(tables - set(allowed) - {"audit_leaf_rest"}, set(), seen)  # where any time may be, and nothing is
        return items, plans

    def nothing_is_read(self, query):
        self.log.begin()
        answer = self.owner.get("/audit?limit=%d&%s" % (LIMIT, self.told(query)))
        self.assertEqual((answer.status, answer.json), (200, {"items": [], "next": None}))
        self.assertEqual([p["Query Text"] for p in self.log.since() if "FROM audit_leaf l " in p["Query Text"]], [])

    def span(self, first, behind):
        """Days, by their numbers, as parameters."""
        stamp = [(self.days[0] + datetime.timedelta(n)).strftime("%Y-%m-%dT%H:%M:%SZ") for n in (first, behind)]
        return "&from=%s&to=%s" % tuple(stamp)

    def fields(self, phase):
        day, two = self.tables[1:2], self.tables[1:3]
        for query, most in INDEXED:
            with self.subTest("%s: %s" % (phase, query)):
                items, _ = self.check(query, most + HANDFUL, self.tables)
                self.assertEqual(len(items) > 0, NONE not in query and most > 0)
                self.check(query + self.span(1, 2), most + HANDFUL, day)
                self.check(query + self.span(1, 3), most + HANDFUL, two)
                self.nothing_is_read(query + self.span(40, 41))
                self.nothing_is_read(query + self.span(2, 2))
        for query in LOOKED_THROUGH:
            with self.subTest("%s: %s" % (phase, query)):
                # of this workspace all, and nothing of the others, who have most
                items, plans = self.check(query, ALL + HANDFUL, self.tables)
                self.assertEqual(len(items), 1 if SEEN_ONCE in query else 0)
                self.assertEqual([n["Relation Name"] for p in plans for n in scans(p) if n["Node Type"] == "Seq Scan"], [])
                self.check(query + self.span(1, 2), 2 * A_DAY + HANDFUL, day)
                self.check(query + self.span(1, 3), 4 * A_DAY + HANDFUL, two)
                self.nothing_is_read(query + self.span(40, 41))
                self.nothing_is_read(query + self.span(2, 2))

    def test_each_field_with_and_without_a_span(self):
        self.fields("without statistics")
        self.sql("ANALYZE audit_leaf")
        for table in self.tables:
            self.sql("ANALYZE " + table)
        self.anew()
        self.fields("with statistics")
        # The measure measures: what is not there is looked for in all that the workspace has.
        _, rows, tables, _ = self.search("source=192.0.2.1")
        self.assertGreaterEqual(rows, ALL)
        self.assertGreaterEqual(tables, set(self.tables))

    def test_a_newest_page_reads_the_newest_day(self):
        """The days before are not even looked at, however many there are."""
        items, rows, tables, plans = self.search("from=%s" % self.days[0].strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.assertEqual(len(items), LIMIT)
        self.assertEqual({item["record"]["time"][:10] for item in items}, {self.days[-1].strftime("%Y-%m-%d")})
        for plan in plans:
            for scan in scans(plan):
                if scan["Relation Name"] == self.tables[0]:
                    self.assertLessEqual(rows_of(scan), 1, shown(plan))

    def test_records_by_their_numbers(self):
        """What proofs, verify and why ask."""
        with open(os.path.join(stacks.ROOT, "build", "gen", "sql", "audit.sql")) as f:
            texts = dict(part.split("\n", 1) for part in f.read().split("-- name: ")[1:])
        values = {"user": self.user, "txn": self.txn, "event": "%s/audit/78" % self.ws}
        with self.stack.connection.cursor() as c:
            c.execute("SET LOCAL ROLE usher_ingest")
            c.execute("SET LOCAL enable_seqscan = off")  # as the connections of the programs are
            c.execute("SELECT set_config('usher.workspace', %s, true)", ["{%s}" % self.ws])
            for name, given, most in STATEMENTS:
                with self.subTest(name):
                    c.execute("PREPARE explained AS " + texts[name])
                    c.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE explained (%(w)s::uuid, " + given + ")",
                              {"w": self.ws, **values})
                    plan = c.fetchall()[0][0][0]
                    c.execute("DEALLOCATE explained")
                    rows, bad = read(plan)
                    self.assertEqual(bad, [], shown(plan))
                    self.assertLessEqual(rows, most + HANDFUL, shown(plan))
                    self.assertGreater(sum(n["Actual Rows"] for n in scans(plan)), 0, "it finds something")
        self.stack.connection.rollback()
