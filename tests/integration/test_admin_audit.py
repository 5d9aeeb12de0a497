"""GET /api/v1/admin/audit and GET /api/v1/rooms/{room}/members/{user}/why. The archive's rows are made by the tests; the
owner of another workspace is moved to the one that has them, so that no record of the log belongs to it."""

import datetime
import json
import os
import tempfile
import uuid

import archive
from case import Case
from openapi import ApiClient
from waiting import run

MANY = 600


class Audit(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.filled = str(uuid.uuid4())
        cls.stack.sql("INSERT INTO usher.workspaces (workspace_id, name) VALUES (%s, %s)", cls.filled, "filled-" + cls.filled[:8])
        cls.key = archive.fill(cls.stack.env["USHER_PG"], cls.filled, MANY)
        cls.owner = cls.client_of("owner")
        cls.administrator = cls.client_of("administrator")

    @classmethod
    def client_of(cls, role):
        made = cls.stack.ctl("owner", "create", "--workspace", cls.ws.id, "--name", role + uuid.uuid4().hex[:6], "--role", role)
        cls.stack.sql("UPDATE usher.owners SET workspace_id = %s WHERE id = %s", cls.filled, made["owner"]["id"])
        return ApiClient(cls.stack.url, made["token"], "/api/v1/admin")

    def page(self, query):
        answer = self.owner.get("/audit" + query)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def all(self, query):
        """All pages; gives the items."""
        found, cursor = [], ""
        while True:
            page = self.page("?%s%s" % (query, cursor))
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = "&cursor=" + page["next"]

    def test_each_field(self):
        limited = 1 + (MANY - 1) // 97
        for query, many in (("kind=changes", MANY), ("kind=requests&status=429", limited), ("status=4xx&key=0188e9d0-5566-7778-899a-abbccddeeff0", limited),
                            ("limited=true", limited), ("action=seat.taken", 3 * MANY // 4), ("action=seat.freed", 0), ("source=203.0.113.7", 3),
                            ("target=01905c4b-1122-7334-9556-000000000010", 1), ("path=/scim/*&method=POST", MANY),
                            ("txn=0193a1c2-4d5e-7f60-8a9b-000000000032", 4), ("to=2001-01-01T00:00:00Z", 0),
                            ("actor=0188e9d0-5566-7778-899a-abbccddeeff0&kind=changes", MANY)):
            found = self.all("limit=200&" + query)
            self.assertEqual(len(found), many, query)
            self.assertEqual(len({(f["tree"], f["index"]) for f in found}), many, query)
        self.assertEqual([f["index"] for f in self.all("kind=changes&limit=7&to=2100-01-01T00:00:00Z")], list(range(MANY))[::-1])

    def test_wrong_parameters(self):
        for query in ("colour=red", "status=abc", "actor=x", "from=x", "limit=0", "limit=201", "limited=no", "cursor=x"):
            self.assertEqual(self.owner.get("/audit?" + query).status, 400, query)
        cursor = self.page("?kind=changes&limit=2")["next"]
        self.assertEqual(self.owner.get("/audit?kind=requests&limit=2&cursor=" + cursor).status, 400, "of another search")

    def test_owners_alone(self):
        self.assertEqual(self.administrator.get("/audit").status, 403)
        self.assertEqual(ApiClient(self.stack.url, self.ws.token, "/api/v1/admin").get("/audit").status, 403)

    def test_another_workspace_sees_nothing_of_it(self):
        made = self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "O" + uuid.uuid4().hex[:6])
        found = ApiClient(self.stack.url, made["token"], "/api/v1/admin").get("/audit?limit=200").json["items"]
        self.assertEqual([f for f in found if f["record"]["workspace"] != self.ws.id], [])

    def check(self, proof, key):
        """usherctl audit check, without database and network."""
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(proof)
            f.flush()
            return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "audit", "check", f.name, "--key", key],
                       env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)

    def test_a_proof_of_one_record(self):
        answer = self.owner.get("/audit/proof/%s/audit/7" % self.filled)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"))
        done = self.check(answer.body.decode(), self.key)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["seq"], 7)
        self.assertEqual(self.owner.get("/audit/proof/fill-1/98").status, 200)
        for what, status, said in ((self.filled + "/audit/99999", 404, "has no record"), ("nonsense", 400, "is no id"),
                                   ("0193a1c2-4d5e-7f60-8a9b-000000000032", 409, "4 records"),
                                   (self.ws.id + "/audit/1", 404, "has no record")):
            answer = self.owner.get("/audit/proof/" + what)
            self.assertEqual(answer.status, status, what)
            self.assertIn(said, answer.json["detail"])
        self.assertEqual(self.administrator.get("/audit/proof/fill-1/98").status, 403)

    def test_the_newest_heads(self):
        ws = self.stack.workspace("heads")
        made = self.stack.ctl("owner", "create", "--workspace", ws.id, "--name", "Olga", "--role", "administrator")
        owner = ApiClient(self.stack.url, made["token"], "/api/v1/admin")
        self.wait_until(lambda: len(owner.get("/checkpoints").json["checkpoints"]) == 2, "two heads")
        for head in owner.get("/checkpoints").json["checkpoints"]:
            self.assertEqual(head["origin"], "usher/audit/%s/%s" % (ws.id, head["tree"]))
            self.assertEqual(head["note"].split("\n")[:2], [head["origin"], str(head["size"])])
            self.assertTrue(any(k.startswith(head["origin"] + "+") for k in head["keys"]), head)
            self.assertEqual(self.stack.sql("SELECT note FROM audit_checkpoint WHERE workspace_id = %s AND tree = %s AND size = %s",
                                            ws.id, archive.TREES[head["tree"]], head["size"]), [(head["note"],)])

    def test_why_of_nobody(self):
        api = ApiClient(self.stack.url, self.ws.token)
        self.assertEqual(api.get("/rooms/%s/members/%s/why" % (uuid.uuid4(), uuid.uuid4())).status, 404)
        self.assertEqual(api.get("/rooms/x/members/y/why").status, 404)

    def test_why_of_a_member(self):
        """The state is there at once; the record of it, when the archive has it."""
        api = ApiClient(self.stack.url, self.ws.token)
        user = api.post("/users", {"userName": "why-%s@example.com" % uuid.uuid4().hex[:8]}).json["id"]
        room = api.post("/rooms", {"displayName": "Why " + uuid.uuid4().hex[:8]}).json["id"]
        path = "/rooms/%s/members/%s" % (room, user)
        self.assertEqual(api.put(path, {"transmit": True}).status, 201)
        said = api.get(path + "/why")
        self.assertEqual(said.status, 200, said.body)
        self.assertEqual((said.json["member"], said.json["held"], said.json["roomExists"], said.json["userExists"]),
                         (True, False, True, True))
        self.assertIsNotNone(said.json["since"])


class Spans(Case):
    """from is in it, to is not, to the microsecond; whatever days and tables lie between."""

    # Of the changes of a workspace: the edges of days, and a midnight long ago, whose days have no tables.
    TIMES = ("{3}T23:59:59.999999Z", "{4}T00:00:00Z", "{0}T00:00:00Z", "{0}T23:59:59.999999Z", "{1}T00:00:00Z",
             "{1}T00:00:00.000001Z", "{1}T12:00:00Z", "{2}T00:00:00Z")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.filled = str(uuid.uuid4())
        # Without numbers: nothing of it is in the streams, and their judge holds the two against each other.
        cls.stack.sql("INSERT INTO usher.workspaces (workspace_id, name) VALUES (%s, %s)", cls.filled, "spans-" + cls.filled[:8])
        today = datetime.datetime.now(datetime.timezone.utc).date()
        cls.days = [(today - datetime.timedelta(n)).isoformat() for n in (5, 4, 3, 301, 300)]
        cls.times = [t.format(*cls.days) for t in cls.TIMES]
        for day in cls.days[:3]:
            cls.stack.sql("SELECT usher.audit_day(%s::date)", day)
        for n, at in enumerate(cls.times):
            record = {"kind": "change", "workspace": cls.filled, "epoch": 1, "seq": n + 1, "time": at, "action": "user.updated"}
            cls.stack.sql("INSERT INTO usher.audit_leaf (workspace_id, tree, n, at, bytes, event, epoch, seq, action)"
                          " VALUES (%s, 1, %s, %s, convert_to(%s, 'UTF8'), %s, 1, %s, 'user.updated')", cls.filled, n, at,
                          json.dumps(record), "%s/audit/%d" % (cls.filled, n + 1), n + 1)
        made = cls.stack.ctl("owner", "create", "--workspace", cls.ws.id, "--name", "Olga")
        cls.stack.sql("UPDATE usher.owners SET workspace_id = %s WHERE id = %s", cls.filled, made["owner"]["id"])
        cls.owner = ApiClient(cls.stack.url, made["token"], "/api/v1/admin")

    def found(self, span, limit=100):
        """Places of the changes in a span, over all pages, the newest first."""
        places, cursor = [], ""
        while True:
            answer = self.owner.get("/audit?kind=changes&action=user.updated&limit=%d&%s%s" % (limit, span, cursor))
            self.assertEqual(answer.status, 200, answer.body)
            places += [item["index"] for item in answer.json["items"]]
            if answer.json["next"] is None:
                return places
            cursor = "&cursor=" + answer.json["next"]

    def of(self, first, behind):
        return list(range(first, behind))[::-1]

    def test_the_edges(self):
        """Between each two of the times: the first is in it, the second is not."""
        for first, since in enumerate(self.times):
            self.assertEqual(self.found("from=" + since), self.of(first, len(self.times)), since)
            self.assertEqual(self.found("to=" + since), self.of(0, first), since)
            for behind, until in enumerate(self.times):
                span = "from=%s&to=%s" % (since, until)
                self.assertEqual(self.found(span), self.of(first, behind), span)
        for limit in (1, 2):  # the pages of a span go on over midnight
            self.assertEqual(self.found("from=%s&to=%s" % (self.times[1], self.times[6]), limit), self.of(1, 6))

    def test_a_microsecond_beside_the_edge(self):
        day, before = self.days[1], self.days[0]
        self.assertEqual(self.found("from=%sT00:00:00.000001Z&to=%sT00:00:00.000002Z" % (day, day)), [5])
        self.assertEqual(self.found("from=%sT23:59:59.999999Z&to=%sT00:00:00Z" % (before, day)), [3])
        self.assertEqual(self.found("from=%sT23:59:59.999998Z&to=%sT23:59:59.999999Z" % (before, before)), [])

    def test_nothing_in_it(self):
        """An empty span, one that ends before it begins, and times at which nothing was."""
        day = self.days[1]
        for span in ("from=%sT00:00:00Z&to=%sT00:00:00Z" % (day, day), "from=%sT12:00:00Z&to=%sT00:00:00Z" % (day, day),
                     "from=1990-01-01T00:00:00Z&to=1995-01-01T00:00:00Z", "from=2100-01-01T00:00:00Z", "to=1971-01-01T00:00:00Z",
                     "from=%sT13:00:00Z&to=%sT14:00:00Z" % (day, day)):
            self.assertEqual(self.found(span), [], span)

    def test_other_time_zones(self):
        """The same moments, written otherwise."""
        day, before = self.days[1], self.days[0]
        self.assertEqual(self.found("from=%sT02:00:00%%2B02:00&to=%sT10:00:00-02:00" % (day, day)), [5, 4])
        self.assertEqual(self.found("from=%sT22:30:00-01:30&to=%sT00:00:00.5Z" % (before, day)), [5, 4])

    def test_what_is_no_time(self):
        for value in ("", "yesterday", self.days[0], "%sT25:00:00Z" % self.days[0], "2026-13-01T00:00:00Z"):
            for name in ("from", "to"):
                answer = self.owner.get("/audit?%s=%s" % (name, value))
                self.assertEqual((answer.status, answer.json["errors"][0]["path"]), (400, name), (value, answer.body))

    def test_the_tool_takes_the_same(self):
        """And goes on by itself where a page ends."""
        flags = {"kind": "changes", "from": self.times[2], "to": self.times[5], "action": "user.updated"}
        found = self.stack.ctl("audit", "search", "--workspace", self.filled, **flags)["records"]
        self.assertEqual([r["index"] for r in found], self.of(2, 5))
