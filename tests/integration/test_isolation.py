"""Promise 7: a tenant sees only itself. Two workspaces that look alike, and each endpoint of SCIM, the Management
API and the admin API tried under the credentials of one with what belongs to the other: 404 or one's own, nothing
else. The endpoints of the API come from the OpenAPI document, so that a new one is tried too."""

import json
import urllib.parse
import uuid

from case import Case
from openapi import ApiClient, operations, problem
from scimhttp import GROUP, USER, Client, patch_op

WORDS = {"id": "user", "room": "room", "user": "user", "key": "key", "txn": "txn"}


class Tenant:
    """A workspace with two users, a room with a member, a second key, an owner; all names as in every other one."""

    def __init__(self, case, name):
        self.ws = case.stack.workspace(name)
        self.scim = self.ws.client
        self.api = ApiClient(case.stack.url, self.ws.token)
        owner = case.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "Olga")
        self.admin, self.owner = ApiClient(case.stack.url, owner["token"], "/api/v1/admin"), owner["owner"]["id"]
        self.admin.patch("/workspace", {"guardMode": "hold", "guardShare": 90})
        made = self.api.post("/users", {"userName": "ana@example.com", "externalId": "4711", "displayName": "Ana"})
        self.user, self.txn = made.json["id"], made.headers["usher-txn"]
        self.other = self.api.post("/users", {"userName": "ben@example.com", "externalId": "4712"}).json["id"]
        self.room = self.api.post("/rooms", {"displayName": "Dispatch", "externalId": "r1",
                                             "members": [self.user]}).json["id"]
        gone = self.api.post("/users", {"userName": "gone@example.com"}).json["id"]
        self.api.delete("/users/" + gone)  # the guard has counted something
        self.key_token, self.key = self.ws.key("second")
        self.stream = ApiClient(case.stack.url, self.ws.token, "").post("/ssf/streams", {}).json["stream_id"]
        self.ids = {self.ws.id, self.user, self.other, self.room, self.txn, self.key, self.ws.key_id, self.owner, gone,
                    self.stream}

    def state(self, case):
        """All that a stranger might have changed."""
        rows = [case.stack.sql(q, self.ws.id) for q in (
            "SELECT id, doc::text, active, version FROM users WHERE workspace_id=%s ORDER BY id",
            "SELECT id, doc::text, version FROM rooms WHERE workspace_id=%s ORDER BY id",
            "SELECT room_id, user_id, transmit, held FROM members WHERE workspace_id=%s ORDER BY 1, 2",
            "SELECT id, encode(token_hash, 'hex'), revoked, old_until FROM keys WHERE workspace_id=%s ORDER BY id",
            "SELECT id, revoked FROM owners WHERE workspace_id=%s ORDER BY id",
            "SELECT seats_used, membership_seq, audit_seq, events_seq, name FROM workspaces WHERE workspace_id=%s",
            "SELECT key_id, kind, slots, tripped FROM guard_windows WHERE workspace_id=%s ORDER BY 1, 2",
            "SELECT user_id, times FROM logins WHERE workspace_id=%s ORDER BY 1")]
        return repr(rows)


class Isolation(Case):
    def setUp(self):
        self.a, self.b = Tenant(self, "left"), Tenant(self, "right")
        self.before = self.a.state(self)

    def tearDown(self):
        self.assertEqual(self.a.state(self), self.before, "the other workspace is as it was")

    def nothing_of_a(self, answer):
        found = [i for i in self.a.ids if i in answer.body.decode() or any(i in v for _, v in answer.header_list)]
        self.assertEqual(found, [], answer)

    # ---- the Management API and the admin API, by the document

    def path_with(self, path, of):
        thing = "key" if "/keys/" in path else "owner" if "/owners/" in path else "room" if path.startswith(
            "/api/v1/rooms/{id}") else None
        for name, what in WORDS.items():
            word = thing or what if name == "id" else what
            path = path.replace("{%s}" % name, of.owner if word == "owner" else getattr(of, word))
        for name, value in (("workspace", of.ws.id), ("seq", "1"), ("instance", "other-1"), ("n", "1"),
                            ("stream", of.stream)):
            path = path.replace("{%s}" % name, value)
        return path

    def client_of(self, path, tenant):
        return ApiClient(self.stack.url, tenant.admin.token if path.startswith("/api/v1/admin")
                         else tenant.ws.token, "")

    def body_of(self, operation):
        content = operation.get("requestBody", {}).get("content", {})
        return next(iter(content.values()))["example"] if content else None

    def test_every_address_of_the_other_is_nothing(self):
        tried = 0
        # Reads first: a refused change is on record, and from then on `why` has that to tell.
        for method, path, operation in sorted(operations(), key=lambda o: o[0] != "GET"):
            if "{" not in path:
                continue
            tried += 1
            with self.subTest(door="%s %s" % (method, path)):
                answer = self.client_of(path, self.b).request(method, self.path_with(path, self.a),
                                                              self.body_of(operation))
                self.assertEqual((answer.status, problem(answer)), (404, "not-found"), answer)
        self.assertGreater(tried, 15)

    def test_lists_and_writes_without_an_address_show_ones_own(self):
        """Also those that are looked for by what both have."""
        for method, path, operation in operations():
            if "{" in path or path == "/oauth2/token" or path.endswith(("/docs", "/openapi.json")):
                continue
            with self.subTest(door="%s %s" % (method, path)):
                body = self.body_of(operation)
                if path == "/api/v1/rooms" and method == "POST":
                    body = {"displayName": "Control"}
                if path.endswith("/setup-links"):
                    body = {"key": self.b.key}
                if "stream_id" in (body or ()):
                    body = {**body, "stream_id": self.b.stream}
                if path.endswith("/changes"):
                    path += "?follow=false"  # or it would not end
                answer = self.client_of(path, self.b).request(method, path, body)
                self.assertNotIn(answer.status, (401, 404), answer)
                self.nothing_of_a(answer)
        for query in ("userName=ana@example.com", "externalId=4711",
                      "filter=" + urllib.parse.quote('userName eq "ana@example.com"'),
                      "filter=" + urllib.parse.quote('id eq "%s"' % self.a.user)):
            found = [u["id"] for u in self.b.api.get("/users?" + query).json["items"]]
            self.assertEqual(found, [] if "id%20eq" in query else [self.b.user], query)
        self.assertEqual([r["id"] for r in self.b.api.get("/rooms?displayName=Dispatch").json["items"]], [self.b.room])

    def test_ids_of_the_other_in_bodies(self):
        api = self.b.api
        for answer in (api.post("/logins", {"user": self.a.user}),
                       api.put("/rooms/%s/members/%s" % (self.b.room, self.a.user), {}),
                       api.put("/rooms/%s/members/%s" % (self.a.room, self.b.user), {}),
                       api.delete("/rooms/%s/members/%s" % (self.b.room, self.a.user))):
            self.assertEqual(answer.status, 404, answer)
        self.assertEqual(api.post("/rooms", {"displayName": "Mixed",
                                             "members": [self.b.user, self.a.user]}).status, 400)
        self.assertEqual(api.post("/logins", {"userName": "ana@example.com"}).json["user"], self.b.user)
        self.assertEqual([m["user"] for m in api.get("/rooms/%s/members" % self.b.room).json["items"]], [self.b.user])

    def test_streams_of_the_other(self):
        """Named in a body or in a query: they are not there. (The one in the address is tried above.)"""
        tried = 0
        for method, path, operation in operations():
            body = self.body_of(operation)
            if not path.startswith("/ssf/") or "{" in path or (body is not None and "stream_id" not in body):
                continue
            tried += 1
            with self.subTest(door="%s %s" % (method, path)):
                answer = self.client_of(path, self.b).request(
                    method, path if body else path + "?stream_id=" + self.a.stream,
                    {**body, "stream_id": self.a.stream} if body else None)
                self.assertEqual((answer.status, problem(answer)), (404, "not-found"), answer)
        self.assertEqual(tried, 9)

    def test_cursors_of_the_other(self):
        for path in ("/users?limit=1", "/activity?limit=1"):
            cursor = self.a.api.get(path).json["next"]
            self.assertIsNotNone(cursor, path)
            answer = self.b.api.get(path + "&cursor=" + cursor)
            self.assertEqual((answer.status, problem(answer)), (400, "invalid-cursor"), answer)
        cursor = self.a.admin.get("/keys?limit=1").json["next"]
        self.assertEqual(self.b.admin.get("/keys?limit=1&cursor=" + cursor).status, 400)
        cursor = self.a.scim.get("/Users?count=1&cursor=").json["nextCursor"]
        self.expect(self.b.scim.get("/Users?count=1&cursor=" + cursor), 400, "invalidCursor")

    def test_idempotency_keys_of_the_other(self):
        """The same key, the same request: each has an effect of its own."""
        headers, body = {"Idempotency-Key": str(uuid.uuid4())}, {"userName": "same@example.com"}
        first = self.a.api.post("/users", body, headers=headers)
        self.before = self.a.state(self)
        second = self.b.api.post("/users", body, headers=headers)
        self.assertEqual((first.status, second.status), (201, 201))
        self.assertNotEqual(first.json["id"], second.json["id"])
        self.assertEqual(self.b.api.post("/users", {"userName": "another@example.com"}, headers=headers).status, 422)
        self.assertEqual(self.a.api.post("/users", body, headers=headers).json["id"], first.json["id"])

    # ---- SCIM

    def test_scim_addresses_of_the_other(self):
        self.before = self.a.state(self)
        user = {"schemas": [USER], "userName": "taken@over.example"}
        room = {"schemas": [GROUP], "displayName": "Taken over"}
        change = patch_op({"op": "replace", "path": "displayName", "value": "x"})
        for prefix in ("/scim/v2", "/w/%s/scim/v2" % self.b.ws.id,
                       "/w/%s/scim/v2" % urllib.parse.quote(self.b.ws.name)):
            client = Client(self.stack.url, self.b.ws.token, prefix)
            for path, body in (("/Users/" + self.a.user, user), ("/Groups/" + self.a.room, room)):
                for method, given in (("GET", None), ("PUT", body), ("PATCH", change), ("DELETE", None)):
                    with self.subTest(door="%s %s%s" % (method, prefix, path)):
                        self.expect(client.request(method, path, given), 404)

    def test_the_workspace_of_the_url(self):
        """N1: the other's address under one's own key is nothing at all, whatever stands behind it."""
        for name in (self.a.ws.id, self.a.ws.id.upper(), urllib.parse.quote(self.a.ws.name), str(uuid.uuid4()),
                     "nothing"):
            client = Client(self.stack.url, self.b.ws.token, "/w/%s/scim/v2" % name)
            for path in ("/Users", "/Groups", "/Users/" + self.a.user, "/Users/" + self.b.user,
                         "/ServiceProviderConfig", "/Schemas", "/AsyncResults/x", ""):
                self.expect(client.get(path), 404)
            self.expect(client.post("/Users", {"schemas": [USER], "userName": "x@y.example"}), 404)
            self.expect(client.post("/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                                              "Operations": []}), 404)

    def test_scim_lists_and_searches(self):
        search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                  "filter": 'userName eq "ana@example.com" or displayName eq "Dispatch"'}
        for answer in (self.b.scim.get("/Users"), self.b.scim.get("/Groups"), self.b.scim.get("/"),
                       self.b.scim.post("/.search", search), self.b.scim.find("/Users", 'externalId eq "4711"'),
                       self.b.scim.find("/Users", 'groups.value eq "%s"' % self.b.room),
                       self.b.scim.find("/Groups", 'members.value eq "%s"' % self.b.user)):
            self.expect(answer, 200)
            self.nothing_of_a(answer)
            self.assertGreater(answer.json["totalResults"], 0)
        for path, text in (("/Users", 'id eq "%s"' % self.a.user), ("/Users", 'groups.value eq "%s"' % self.a.room),
                           ("/Groups", 'members.value eq "%s"' % self.a.user)):
            self.assertEqual(self.expect(self.b.scim.find(path, text), 200).json["totalResults"], 0, text)

    def test_members_of_the_other(self):
        add = patch_op({"op": "add", "path": "members", "value": [{"value": self.a.other}]})
        self.expect(self.b.scim.patch("/Groups/" + self.b.room, add), 400, "invalidValue")
        put = {"schemas": [GROUP], "displayName": "Dispatch", "members": [{"value": self.a.user}]}
        self.expect(self.b.scim.put("/Groups/" + self.b.room, put), 400, "invalidValue")
        self.assertEqual(self.members(self.b.room, self.b.scim), {self.b.user})

    def test_bulk_on_the_other(self):
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "DELETE", "path": "/Users/" + self.a.user},
            {"method": "PATCH", "path": "/Groups/" + self.a.room,
             "data": patch_op({"op": "remove", "path": "members"})},
            {"method": "PUT", "path": "/Users/" + self.a.other,
             "data": {"schemas": [USER], "userName": "x@y.example"}}]}
        answer = self.expect(self.b.scim.post("/Bulk", body), 200)
        self.assertEqual([o["status"] for o in answer.json["Operations"]], ["404"] * 3, answer)

    def test_outcomes_of_the_other(self):
        accepted = self.a.scim.post("/Users", {"schemas": [USER], "userName": "async@example.com"},
                                    headers={"Prefer": "respond-async"})
        self.expect(accepted, 202)
        path = urllib.parse.urlsplit(accepted.headers["location"]).path.removeprefix("/scim/v2")
        outcome = Client(self.stack.url, self.a.ws.token, check=False)  # (a token, not SCIM's JSON)
        self.wait_until(lambda: outcome.get(path).status == 200, "the outcome")
        self.before = self.a.state(self)
        self.expect(self.b.scim.get(path), 404)
        self.assertEqual(self.b.api.get("/operations/" + accepted.headers["set-txn"]).status, 404)

    # ---- credentials

    def test_a_client_of_one_with_the_secret_of_the_other(self):
        client = Client(self.stack.url, None, "", check=False)
        for who, secret in ((self.a.ws.key_id, self.b.ws.token), (self.b.ws.key_id, self.a.key_token)):
            form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": who,
                                           "client_secret": secret})
            answer = client.post("/oauth2/token", form.encode(),
                                 headers={"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual((answer.status, json.loads(answer.body)["error"]), (401, "invalid_client"))
        self.expect(self.a.ws.open(self.a.key_token).get("/Users?count=0"), 200)
