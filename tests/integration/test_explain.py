"""How the database finds what identity providers look up, at 100,000 users: by an index, reading a handful of rows,
with the very statements that the ingest sends (PostgreSQL's auto_explain writes their plans into its log), under
row-level security, prepared. Plans must hold where they were made while the tables were empty, without statistics,
and with them. On a stack of its own."""

import json
import os
import re
import urllib.parse

import stack as stacks
from case import Case
from waiting import let_time_pass

USERS, ROOMS, DEVICES, OF_ROOM = 100000, 2000, 20000, 50  # each user is in one room
HANDFUL = 12
REPLANNED = 11  # seconds after which a connection plans anew what it has prepared
LOG = re.compile(r"^\S+ \S+ \S+ \[\d+\] (?:usher_ingest@\S+ )?LOG:  duration: .* plan:$")
SCHEMAS = os.path.join(stacks.ROOT, "tests", "cases", "schemas", "good")


def uuid(kind, n):
    return "0190c5a4-%04d-7000-8000-%012x" % (kind, n)


FILL = (
    """INSERT INTO users (workspace_id, id, user_name, user_name_key, external_id, display_name, display_name_key, active, seat, managed, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'U' || i || '@x', 'u' || i || '@x', 'e' || i, 'Name ' || i, 'name ' || i, true, false, true,
              json_build_object('schemas', json_build_array('urn:ietf:params:scim:schemas:core:2.0:User'), 'userName', 'U' || i || '@x', 'title', 'T' || i,
                                'emails', json_build_array(json_build_object('value', 'M' || i || '@x', 'type', 'work'))),
              jsonb_build_object('username', 'u' || i || '@x', 'title', 't' || i, 'emails', jsonb_build_array(jsonb_build_object('value', 'm' || i || '@x', 'type', 'work'))), 1, now(), now()
       FROM generate_series(1, %(users)s) i""",
    """INSERT INTO resource_keys SELECT %(w)s, 'User', 'emails.value', 'm' || i || '@x', ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, false FROM generate_series(1, %(users)s) i""",
    """INSERT INTO rooms (workspace_id, id, display_name, display_name_key, external_id, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0002-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Room ' || i, 'room ' || i, 'r' || i,
              json_build_object('schemas', json_build_array('urn:ietf:params:scim:schemas:core:2.0:Group'), 'displayName', 'Room ' || i), jsonb_build_object('displayname', 'room ' || i), 1, now(), now()
       FROM generate_series(1, %(rooms)s) i""",
    """INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
       SELECT %(w)s, ('0190c5a4-0002-7000-8000-' || lpad(to_hex((i - 1) / %(of_room)s + 1), 12, '0'))::uuid, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, true, false
       FROM generate_series(1, %(users)s) i""",
    """INSERT INTO resources (workspace_id, id, type, external_id, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0003-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Device', 'd' || i,
              json_build_object('schemas', json_build_array('urn:example:params:scim:schemas:2.0:Device'), 'deviceName', 'D' || i, 'serial', 'S' || i, 'port', i),
              jsonb_build_object('devicename', 'd' || i, 'serial', 'S' || i, 'callsign', 'c' || i, 'port', i), 1, now(), now()
       FROM generate_series(1, %(devices)s) i""",
    """INSERT INTO resource_keys SELECT %(w)s, 'Device', k.path, k.key, ('0190c5a4-0003-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, k.uniq
       FROM generate_series(1, %(devices)s) i, LATERAL (VALUES ('serial', 'S' || i, true), ('callSign', 'c' || i, false), ('port', i::text, true)) AS k (path, key, uniq)""",
)

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
                                     INGEST_ARGS="--gate-threads=1")
        cls.stack.start()
        cls.ws = cls.stack.workspace("explain")
        cls.http = cls.ws.client
        for t in ("users", "rooms", "members", "resources", "resource_keys"):
            cls.stack.sql("ALTER TABLE %s SET (autovacuum_enabled = off)" % t)
        for name, value in (("session_preload_libraries", "auto_explain"), ("auto_explain.log_min_duration", "0"),
                            ("auto_explain.log_analyze", "on"), ("auto_explain.log_timing", "off"),
                            ("auto_explain.log_format", "json"), ("auto_explain.log_triggers", "off")):
            cls.stack.sql("LOAD 'auto_explain'") if name.startswith("auto") else None
            cls.stack.sql("ALTER ROLE usher_ingest SET %s = '%s'" % (name, value))
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
        cls.stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'usher_ingest'")
        for _ in range(20):
            if cls.http.get("/Users?count=0").status == 200:
                return

    def plans(self, path, **q):
        """The answer, and the plans of the statements on resources that it took."""
        log = os.path.join(self.stack.run_dir, "log", "postgres.log")
        begin = os.path.getsize(log)
        answer = self.expect(self.http.get(path + ("?" + urllib.parse.urlencode(q) if q else "")), 200).json
        with open(log, encoding="utf-8", errors="replace") as f:
            f.seek(begin)
            lines = f.read().splitlines()
        found, at = [], None
        for line in lines + ["end"]:
            if line.startswith("\t") and at is not None:
                at.append(line)
                continue
            if at:
                found.append(json.loads("".join(at)))
            at = [] if LOG.match(line) else None
        # (The ingest also counts the functions of the schema from time to time, whether or not somebody asks.)
        return answer, [p for p in found if "applied_functions" not in p["Query Text"] and
                        re.search(r"FROM \(?(SELECT|users|rooms|resources|unnest)|count\(\*\)", p["Query Text"])]

    def nodes(self, node):
        yield node
        for child in node.get("Plans", []):
            yield from self.nodes(child)

    def read(self, plan):
        """Rows that it took from tables, whether they were wanted or not; and the ways that are no index."""
        rows, bad = 0, []
        for n in self.nodes(plan["Plan"]):
            if "Relation Name" in n:
                rows += (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)
                         + n.get("Rows Removed by Index Recheck", 0)) * n["Actual Loops"]
                if n["Node Type"] == "Seq Scan" and n["Actual Loops"] > 0:
                    bad.append(n["Relation Name"])
        return rows, bad

    def shown(self, plan):
        return " / ".join("%s %s %s*%s" % (n["Node Type"], n.get("Index Name", n["Relation Name"]), n["Actual Rows"]
                                           + n.get("Rows Removed by Filter", 0), n["Actual Loops"])
                          for n in self.nodes(plan["Plan"]) if "Relation Name" in n)

    def look_up_all(self, phase, filled):
        for path, text, count in LOOKUPS:
            with self.subTest("%s: %s?%s" % (phase, path, text)):
                page, plans = self.plans(path, filter=text.replace("{base}", self.stack.url + "/scim/v2"))
                self.assertEqual(page["totalResults"], count if filled else 0)
                self.assertEqual(len(plans), 1, "one statement")
                rows, bad = self.read(plans[0])
                self.assertEqual(bad, [])
                # the room that is found is shown with its members, each of which is two rows
                self.assertLessEqual(rows, HANDFUL + (2 * OF_ROOM if page["totalResults"]
                                                      and (path == "/Groups" or G in text) else 0),
                                     self.shown(plans[0]))
        for path in ("/Users/" + U, "/Groups/" + G + "?excludedAttributes=members", "/Devices/" + D) if filled else ():
            with self.subTest("%s: %s" % (phase, path)):
                _, plans = self.plans(path)
                rows, bad = self.read(plans[0])
                self.assertEqual((len(plans), bad), (1, []))
                self.assertLessEqual(rows, HANDFUL)

    def pages(self, phase):
        with self.subTest("%s: pages" % phase):
            page, plans = self.plans("/Users", count=5)
            self.assertLessEqual(self.read(plans[0])[0], 6 * 3)  # each with his room; the total is asked apart
            cursor = self.http.get("/Users?cursor=&count=200").json["nextCursor"]
            for _ in range(3):
                page, plans = self.plans("/Users", cursor=cursor, count=200)
                cursor = page["nextCursor"]
                self.assertEqual(len(plans), 1)  # the total is known
                self.assertLessEqual(self.read(plans[0])[0], 201 * 3)
            page, plans = self.plans("/Users", count=5, startIndex=301, attributes="id")
            self.assertLessEqual(self.read(plans[0])[0], 306)
            for path in ("/Devices", "/Groups"):
                page, plans = self.plans(path, cursor="", count=5, attributes="id")
                for _ in range(2):
                    page, plans = self.plans(path, cursor=page["nextCursor"], count=5, attributes="id")
                    self.assertEqual(len(plans), 1)
                    self.assertLessEqual(self.read(plans[0])[0], 6)
            page, plans = self.plans("", cursor="", count=5, attributes="id")
            page, plans = self.plans("", cursor=page["nextCursor"], count=5, attributes="id")
            self.assertEqual(len(plans), 1)
            self.assertLessEqual(self.read(plans[0])[0], 3 * 6 + 6)  # of each type, then the six

    def test_look_ups_use_an_index(self):
        """F: userName, externalId, id, emails.value, displayName, members.value and what else is looked up."""
        self.look_up_all("on empty tables", False)  # and so prepared
        for statement in FILL:
            self.fill(statement)
        let_time_pass(REPLANNED, "a connection plans anew only then what it has prepared")
        self.http.get("/Users?count=0")
        self.look_up_all("as prepared on empty tables", True)
        self.anew()
        self.look_up_all("without statistics", True)
        self.pages("without statistics")
        self.stack.sql("ANALYZE users, rooms, members, resources, resource_keys")
        self.anew()
        self.look_up_all("with statistics", True)
        self.pages("with statistics")
        # The measure measures: what no index has reads everything.
        page, plans = self.plans("/Users", filter='title eq "T70000"')
        self.assertEqual(page["totalResults"], 1)
        self.assertGreaterEqual(self.read(plans[0])[0], USERS)

    def fill(self, statement):
        with self.stack.connection.cursor() as c:
            c.execute(statement, {"w": self.ws.id, "users": USERS, "rooms": ROOMS, "devices": DEVICES,
                                  "of_room": OF_ROOM})
        self.stack.connection.commit()

