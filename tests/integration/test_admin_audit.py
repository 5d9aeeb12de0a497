"""GET /api/v1/admin/audit and GET /api/v1/rooms/{room}/members/{user}/why. The archive's rows are made by the tests; the
owner of another workspace is moved to the one that has them, so that no record of the log belongs to it."""

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
                            ("limited=true", limited), ("action=seat.taken", MANY // 2), ("source=203.0.113.7", 3),
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
