"""How the database finds what identity providers look up, at 100,000 users: by an index, reading a handful of rows,
with the very statements that the ingest sends (PostgreSQL's auto_explain writes their plans into its log), under
row-level security, prepared. Plans must hold where they were made while the tables were empty, without statistics,
and with them. On a stack of its own."""

import os
import re
import urllib.parse

import stack as stacks
from case import Case
from crowd import DEVICES, FILL, FILL_LARGE, FILL_MANY, LARGE, MANY, OF_ROOM, USERS, fill, uuid
from plans import PlanLog, nodes, read, shown
from waiting import let_time_pass

HANDFUL = 12
REPLANNED = 11  # seconds after which a connection plans anew what it has prepared
LATELY, CHANGED = "2031-01-01T00:00:00Z", 20  # so many of each type have changed since then
CHANGES = ["""UPDATE %s t SET modified = '2031-01-02'::timestamptz + x.n * interval '1 second'
               FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM %s WHERE workspace_id = %%(w)s ORDER BY id
                     OFFSET 100 LIMIT 20) x WHERE t.workspace_id = %%(w)s AND t.id = x.id""" % (t, t)
           for t in ("users", "rooms", "resources")]
SCHEMAS = os.path.join(stacks.ROOT, "tests", "cases", "schemas", "good")

# (path, filter, how many it finds); of user 70,000, room 1,400 (his) and device 700.
U, G, D = uuid(1, 70000), uuid(2, 1400), uuid(3, 700)
LOOKUPS = (
    ("/Users", 'userName eq "u70000@X"', 1), ("/Users", 'externalId eq "e70000"', 1), ("/Users", 'id eq "%s"' % U, 1),
    ("/Users", 'emails.value eq "M70000@x"', 1), ("/Users", 'emails eq "m70000@x"', 1),
    ("/Users", 'emails[type eq "work" and value eq "m70000@x"]', 1),
    ("/Users", 'emails[type eq "work"].value eq "m70000@x"', 1), ("/Users", 'displayName eq "NAME 70000"', 1),
    ("/Users", 'meta.location eq "{base}/Users/%s"' % U, 1), ("/Users", 'userName eq "u70000@x" and active eq true', 1),
    ("/Users", 'userName eq "none"', 0), ("/Users", 'emails.value eq "none"', 0),
    ("/Users", 'emails[type eq "home" and value eq "m70000@x"]', 0),
    ("/Users", 'active eq true and emails.value eq "m70000@x" and title co "7"', 1),
    ("/Groups", 'displayName eq "room 1400"', 1), ("/Groups", 'externalId eq "r1400"', 1),
    ("/Groups", 'id eq "%s"' % G, 1), ("/Groups", 'members.value eq "%s"' % U, 1),
    ("/Groups", 'members eq "%s"' % U, 1),
    ("/Groups", 'members[value eq "%s"]' % U, 1), ("/Groups", 'id eq "%s" and members[value eq "%s"]' % (G, U), 1),
    ("/Groups", 'members.value eq "%s"' % D, 0),
    ("/Devices", 'serial eq "S700"', 1), ("/Devices", 'callSign eq "C700"', 1), ("/Devices", "port eq 700", 1),
    ("/Devices", 'externalId eq "d700"', 1), ("/Devices", 'id eq "%s"' % D, 1),
    ("", 'userName eq "u70000@x"', 1), ("", 'externalId eq "d700"', 1), ("", 'id eq "%s"' % G, 1),
    ("", 'emails.value eq "m70000@x" or serial eq "S700"', 2),
)


class Plans(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-explain", SCHEMA_DIR=SCHEMAS,
                                     INGEST_ARGS="--gate-threads=1 --list-threads=1", WORKER_ARGS=stacks.APPLY_ALONE)
        cls.stack.start()
        cls.ws = cls.stack.workspace("explain")
        cls.http = cls.ws.client
        for t in ("users", "rooms", "members", "resources", "resource_keys"):
            cls.stack.sql("ALTER TABLE %s SET (autovacuum_enabled = off)" % t)
        cls.log = PlanLog(cls.stack)
        cls.anew()

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    @classmethod
    def anew(cls):
        """New connections of the ingest: nothing is prepared."""
        cls.log.new_connections()
        for _ in range(20):
            if cls.http.get("/Users?count=0").status == 200:
                return

    def plans(self, path, **q):
        """The answer, and the plans of the statements on resources that it took. On a slow machine a statement takes longer
        than a gate thread may, and a list thread asks it once more: that is one."""
        self.log.begin()
        answer = self.expect(self.http.get(path + ("?" + urllib.parse.urlencode(q) if q else "")), 200).json
        # (The ingest also looks at the functions and the keys of the schema from time to time, whether or not somebody asks,
        # and whether the keys of lists are alive.)
        found = [p for p in self.log.since() if not re.search("applied_functions|pg_index|a.key_id", p["Query Text"]) and
                 re.search(r"FROM \(?(SELECT|users|rooms|resources|unnest)|count\(\*\)", p["Query Text"])]
        return answer, list({p["Query Text"]: p for p in found}.values())

    def look_up_all(self, phase, filled):
        for path, text, count in LOOKUPS:
            with self.subTest("%s: %s?%s" % (phase, path, text)):
                page, plans = self.plans(path, filter=text.replace("{base}", self.stack.url + "/scim/v2"))
                self.assertEqual(page["totalResults"], count if filled else 0)
                self.assertEqual(len(plans), 1, "one statement")
                rows, bad = read(plans[0])
                self.assertEqual(bad, [])
                # the room that is found is shown with its members, each of which is two rows
                self.assertLessEqual(rows, HANDFUL + (2 * OF_ROOM if page["totalResults"]
                                                      and (path == "/Groups" or G in text) else 0),
                                     shown(plans[0]))
        for path in ("/Users/" + U, "/Groups/" + G + "?excludedAttributes=members", "/Devices/" + D) if filled else ():
            with self.subTest("%s: %s" % (phase, path)):
                _, plans = self.plans(path)
                rows, bad = read(plans[0])
                self.assertEqual((len(plans), bad), (1, []))
                self.assertLessEqual(rows, HANDFUL)

    def pages(self, phase):
        with self.subTest("%s: pages" % phase):
            page, plans = self.plans("/Users", count=5)
            self.assertLessEqual(read(plans[0])[0], 6 * 3)  # each with his room; the total is asked apart
            cursor = self.http.get("/Users?cursor=&count=200").json["nextCursor"]
            for _ in range(3):
                page, plans = self.plans("/Users", cursor=cursor, count=200)
                cursor = page["nextCursor"]
                self.assertEqual(len(plans), 1)  # the total is known
                self.assertLessEqual(read(plans[0])[0], 201 * 3)
            page, plans = self.plans("/Users", count=5, startIndex=301, attributes="id")
            self.assertLessEqual(read(plans[0])[0], 306 + 6)  # the 306 in the index
            for path in ("/Devices", "/Groups"):
                page, plans = self.plans(path, cursor="", count=5, attributes="id")
                for _ in range(2):
                    page, plans = self.plans(path, cursor=page["nextCursor"], count=5, attributes="id")
                    self.assertEqual(len(plans), 1)
                    self.assertLessEqual(read(plans[0])[0], 6)
            page, plans = self.plans("", cursor="", count=5, attributes="id")
            page, plans = self.plans("", cursor=page["nextCursor"], count=5, attributes="id")
            self.assertEqual(len(plans), 1)
            self.assertLessEqual(read(plans[0])[0], 3 * 6 + 6)  # of each type, then the six

    def reads(self, path, most, **q):
        """The page, of which everything together has read no more rows than that."""
        page, plans = self.plans(path, **q)
        rows = 0
        for plan in plans:
            took, bad = read(plan)
            rows += took
            self.assertEqual(bad, [])
        self.assertLessEqual(rows, most, [shown(plan) for plan in plans])
        return page

    def asked_again(self, phase):
        """What clients ask for again and again. Each page of it costs what it shows; the total of a filter is counted
        in an index, once."""
        with self.subTest("%s: what has changed" % phase):
            for path in ("/Users", "/Groups", "/Devices"):
                since = {"filter": 'meta.lastModified gt "%s"' % LATELY, "count": 5, "attributes": "id"}
                page = self.reads(path, 5 * CHANGED + HANDFUL, **since)
                self.assertEqual(page["totalResults"], CHANGED)
                order = {**since, "sortBy": "meta.lastModified", "cursor": ""}
                page = self.reads(path, CHANGED + 2 * 6, **order)
                seen = [r["id"] for r in page["Resources"]]
                while "nextCursor" in page:
                    page = self.reads(path, 2 * 6, **{**order, "cursor": page["nextCursor"]})
                    seen += [r["id"] for r in page["Resources"]]
                self.assertEqual((len(seen), len(set(seen))), (CHANGED, CHANGED))
                newest = self.reads(path, HANDFUL + (DEVICES if path == "/Devices" else 0), sortBy="meta.lastModified",
                                    sortOrder="descending", count=5, attributes="id")
                self.assertEqual([r["id"] for r in newest["Resources"]], seen[:-6:-1])
        with self.subTest("%s: rooms of a user in many" % phase):
            mine = {"filter": 'members eq "%s"' % uuid(1, USERS), "attributes": "id"}
            page = self.reads("/Groups", 2 * 6 + MANY + 1, count=5, **mine)
            self.assertEqual(page["totalResults"], MANY + 1)
            page = self.reads("/Groups", 9001 + 2 * 6 + MANY + 1, count=5, startIndex=9001, **mine)
            self.assertEqual(page["Resources"][0]["id"], uuid(4, 9000))
            page = self.reads("/Groups", 2 * 6 + MANY + 1, count=5, cursor="", **mine)
            page = self.reads("/Groups", 2 * 6, count=5, **{**mine, "cursor": page["nextCursor"]})
            self.assertEqual(len(page["Resources"]), 5)
        with self.subTest("%s: deep in a list" % phase):
            page, plans = self.plans("/Users", startIndex=90000, count=5, attributes="id")
            self.assertEqual(page["Resources"][0]["id"], uuid(1, 90000))
            in_index = [n for p in plans for n in nodes(p["Plan"]) if n["Node Type"] == "Index Only Scan"]
            self.assertEqual([n["Actual Rows"] for n in in_index if n["Relation Name"] == "users"], [90005])
            rows = sum(n["Actual Rows"] * n["Actual Loops"] for p in plans for n in nodes(p["Plan"])
                       if "Relation Name" in n and n["Node Type"] != "Index Only Scan")
            self.assertLessEqual(rows, HANDFUL, "documents of rows that are passed over")
        with self.subTest("%s: names that begin so" % phase):
            page = self.reads("/Users", 2 * 11 + HANDFUL, filter='userName sw "U7000"', attributes="id")
            self.assertEqual(page["totalResults"], 11)  # u7000, u70000 … u70009

    def memberships(self, phase):
        """GM07: a page of memberships costs what it shows, from whichever side, and the next one the same."""
        hall, guest = uuid(4, 1), uuid(1, USERS)
        one = self.reads("/GroupMemberships", HANDFUL, filter='group.value eq "%s" and member.value eq "%s"' % (G, U))
        self.assertEqual(one["totalResults"], 1)
        self.reads("/GroupMemberships/" + one["Resources"][0]["id"], HANDFUL)
        self.reads("/GroupMemberships", HANDFUL, filter='id eq "%s"' % one["Resources"][0]["id"])
        for text, total in (('group.value eq "%s"' % hall, LARGE), ('member.value eq "%s"' % guest, MANY + 1),
                            (None, USERS + MANY + LARGE - 1)):
            with self.subTest("%s: memberships, %s" % (phase, text)):
                asked = {"count": 200, **({"filter": text} if text else {})}
                page = self.reads("/GroupMemberships", 3 * 201 + total, cursor="", **asked)
                self.assertEqual(page["totalResults"], total)
                for _ in range(12):
                    page = self.reads("/GroupMemberships", 3 * 201, **{**asked, "cursor": page["nextCursor"]})
                self.assertEqual(len(page["Resources"]), 200)
                self.reads("/GroupMemberships", 3 * 201, **{**asked, "cursor": page["previousCursor"]})

    def test_look_ups_use_an_index(self):
        """F: userName, externalId, id, emails.value, displayName, members.value and what else is looked up."""
        self.look_up_all("on empty tables", False)  # and so prepared
        fill(self.stack, self.ws.id, *FILL, *FILL_MANY, *CHANGES)
        let_time_pass(REPLANNED, "a connection plans anew only then what it has prepared")
        self.http.get("/Users?count=0")
        self.look_up_all("as prepared on empty tables", True)
        self.anew()
        self.look_up_all("without statistics", True)
        self.pages("without statistics")
        self.asked_again("without statistics")
        self.stack.sql("ANALYZE users, rooms, members, resources, resource_keys")
        self.anew()
        self.look_up_all("with statistics", True)
        self.pages("with statistics")
        self.asked_again("with statistics")
        fill(self.stack, self.ws.id, FILL_LARGE[-1])
        self.memberships("with statistics of before")
        self.stack.sql("ANALYZE members")
        self.anew()
        self.memberships("with statistics")
        # The measure measures: what no index has reads everything.
        page, plans = self.plans("/Users", filter='title eq "T70000"')
        self.assertEqual(page["totalResults"], 1)
        self.assertGreaterEqual(max(read(p)[0] for p in plans), USERS, [shown(p) for p in plans])
