"""The admin API: what owners and administrators may do, and that it is done, at once and on record."""

import datetime
import json
import threading
import uuid

from case import Case
from openapi import MERGE, ApiClient, problem
from scimhttp import USER
from stack import ALL_SCOPES
from waiting import let_time_pass

SCOPES = ALL_SCOPES.split(",")


def ahead(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


class AdminCase(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner_token, cls.owner_id = cls.credential(cls.ws, "Olga")
        cls.owner = cls.admin(cls.owner_token)
        cls.administrator = cls.admin(cls.credential(cls.ws, "Adam", "administrator")[0])

    @classmethod
    def credential(cls, ws, name, role="owner"):
        made = cls.stack.ctl("owner", "create", "--workspace", ws.id, "--name", name, "--role", role)
        return made["token"], made["owner"]["id"]

    @classmethod
    def admin(cls, token, url=None):
        return ApiClient(url or cls.stack.url, token, "/api/v1/admin")

    def api(self, token):
        return ApiClient(self.stack.url, token)

    def fresh(self, **flags):
        """A workspace of its own with an owner."""
        ws = self.stack.workspace("admin", **flags)
        token, oid = self.credential(ws, "Olga")
        return ws, self.admin(token), oid

    def is_problem(self, answer, status, kind, path=None):
        self.assertEqual((answer.status, problem(answer)), (status, kind), answer)
        if path is not None:
            self.assertEqual([e["path"] for e in answer.json.get("errors", [])], [path], answer)
        return answer

    def key(self, name, *scopes, client=None, **more):
        answer = (client or self.owner).post("/keys", {"name": name, "scopes": list(scopes or ["api:users:read"]),
                                                       **more})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["token"], answer.json["key"]["id"]

    def actions(self, ws, *about):
        """(action, actor kind, actor id) of the audit's changes about these ids, in order."""
        return [(c["action"], c["actor"]["kind"], c["actor"]["id"]) for c in self.followers.changes(ws)
                if c["target"]["id"] in about]


class Kinds(AdminCase):
    def test_one_kind_of_credential_opens_nothing_of_the_other(self):
        for token in (self.ws.token, self.ws.key("again")[0]):
            self.is_problem(self.admin(token).get("/workspace"), 403, "forbidden")
            self.is_problem(self.admin(token).post("/keys", {"name": "mine", "scopes": SCOPES}), 403, "forbidden")
        for client in (self.owner, self.administrator):
            self.is_problem(self.api(client.token).get("/users"), 403, "forbidden")
            self.is_problem(self.api(client.token).post("/rooms", {"displayName": "x"}), 403, "forbidden")
            scim = self.ws.open(client.token)
            self.expect(scim.get("/Users"), 403)
            self.expect(scim.post("/Users", {"schemas": [USER], "userName": "o@x.example"}), 403)
            self.expect(scim.get("/ServiceProviderConfig"), 403)

    def test_without_or_with_a_wrong_credential(self):
        self.is_problem(self.admin(None).get("/keys"), 401, "unauthorized")
        self.is_problem(self.admin("uso_" + "0" * 49).get("/keys"), 401, "unauthorized")

    def test_administrators_do_everything_but_owners(self):
        a = self.administrator
        for path in ("/workspace", "/keys", "/seats", "/guards"):
            self.assertEqual(a.get(path).status, 200)
        token, key = self.key("by an administrator", client=a)
        self.assertEqual(a.post("/keys/%s/rotate" % key, None).status, 200)
        self.assertEqual(a.delete("/keys/" + key).status, 204)
        self.assertEqual(a.patch("/workspace", {"guardMin": 11}).status, 200)
        for method, path, body in (("GET", "/owners", None),
                                   ("POST", "/owners", {"name": "x", "role": "administrator"}),
                                   ("GET", "/owners/" + self.owner_id, None),
                                   ("DELETE", "/owners/" + self.owner_id, None)):
            self.is_problem(a.request(method, path, body), 403, "forbidden")
        self.assertEqual(self.owner.get("/owners").status, 200)

    def test_nothing_there(self):
        self.is_problem(self.owner.get("/nothing"), 404, "not-found")
        self.is_problem(self.owner.put("/keys", {}), 405, "method")


class Settings(AdminCase):
    def test_all_are_shown_and_can_be_set(self):
        ws, owner, oid = self.fresh()
        before = owner.get("/workspace").json
        self.assertEqual((before["id"], before["name"], before["seatsUsed"], before["seats"]),
                         (ws.id, ws.name, 0, None))
        change = {"seats": 25, "rate": 700, "seatMode": "on_first_login", "defaultRole": "editor",
                  "defaultTransmit": False, "requireEmail": True, "linkByEmail": True, "restoreRooms": False,
                  "uniqueRooms": False, "requireSso": True, "ssoReady": True, "managedLock": True,
                  "strictness": "strict", "passwords": False,
                  "events": "off", "guardMode": "hold", "guardShare": 30, "guardWindow": 120, "guardMin": 3, "auditDays": 30}
        self.assertEqual(set(before) - {"id", "name", "seatsUsed", "created"}, set(change))
        self.assertEqual({n for n in change if change[n] == before[n]}, set(), "each is changed")
        after = owner.patch("/workspace", change, headers={"Content-Type": MERGE})
        self.assertEqual(after.status, 200, after)
        self.assertEqual(after.json, {**before, **change})
        self.assertEqual(owner.get("/workspace").json, after.json)
        told = [c for c in self.followers.changes(ws.id) if c["action"] == "settings.changed"]
        self.assertEqual(len(told), 1)
        self.assertEqual((told[0]["actor"]["kind"], told[0]["actor"]["id"], told[0]["txn"]),
                         ("owner", oid, after.headers["usher-txn"]))
        self.assertEqual({c["path"]: c["to"] for c in told[0]["changes"]}, change)

    def test_what_was_read_can_be_sent_back_and_null_is_no_limit(self):
        ws, owner, _ = self.fresh(seats=3)
        shown = owner.get("/workspace").json
        self.assertEqual(owner.patch("/workspace", shown).json, shown)
        self.assertEqual(owner.patch("/workspace", {}).json, shown)
        self.assertEqual(owner.patch("/workspace", {"seats": None}).json, {**shown, "seats": None})
        self.assertEqual(owner.patch("/workspace", {"id": str(uuid.uuid4()), "seatsUsed": 99, "created": "x"}).json,
                         {**shown, "seats": None})

    def test_bad_values_change_nothing(self):
        ws, owner, _ = self.fresh()
        before, counts = owner.get("/workspace").json, ws.counts()
        for name, value in (("seats", -1), ("seats", "many"), ("rate", 0), ("rate", None), ("seatMode", "never"),
                            ("requireEmail", "true"), ("strictness", None), ("guardShare", 101),
                            ("guardWindow", 59), ("nonsense", 1), ("name", ""), ("name", "a/b"), ("name", 5)):
            with self.subTest(name=name, value=value):
                self.is_problem(owner.patch("/workspace", {"defaultRole": "editor", name: value}), 400,
                                "invalid-value", name)
        self.is_problem(owner.patch("/workspace", []), 400, "invalid-syntax")
        self.is_problem(owner.patch("/workspace", b"{"), 400, "invalid-syntax")
        self.is_problem(owner.patch("/workspace", b"{}", headers={"Content-Type": "text/plain"}), 415, "media-type")
        self.assertEqual(owner.get("/workspace").json, before)
        self.assertEqual(ws.counts(), counts)

    def test_a_name_that_is_taken(self):
        ws, owner, _ = self.fresh()
        self.is_problem(owner.patch("/workspace", {"name": self.ws.name}), 409, "uniqueness", "name")
        self.assertEqual(owner.patch("/workspace", {"name": ws.name + " new"}).json["name"], ws.name + " new")

    def test_seats_are_told(self):
        ws, owner, _ = self.fresh(seats=2)
        self.assertEqual(owner.get("/seats").json, {"mode": "on_provision", "used": 0, "limit": 2})
        self.user("one@seats.example", ws.client)
        self.assertEqual(owner.get("/seats").json, {"mode": "on_provision", "used": 1, "limit": 2})
        self.assertEqual(owner.patch("/workspace", {"seats": 0}).json["seatsUsed"], 1)  # nobody is thrown out
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "two@seats.example"}), 403)


class Keys(AdminCase):
    def test_made_shown_once_and_good(self):
        until = ahead(3600)
        body = {"name": "Entra", "scopes": ["scim:users:write", "api:users:read", "scim:users:read"], "expires": until,
                "networks": ["127.0.0.0/8", "2001:db8::/32"], "dialect": "entra", "rate": 1500}
        answer = self.owner.post("/keys", body)
        self.assertEqual(answer.status, 201, answer)
        token, key = answer.json["token"], answer.json["key"]
        self.assertEqual(answer.headers["location"], "%s/api/v1/admin/keys/%s" % (self.stack.url, key["id"]))
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertTrue(token.startswith(key["prefix"]) and key["prefix"].startswith("ush_")
                        and len(key["prefix"]) == 12, key)
        self.assertEqual(key["scopes"], ["scim:users:read", "scim:users:write", "api:users:read"])
        self.assertEqual({n: key[n] for n in ("name", "networks", "dialect", "rate", "createdBy", "oldTokenUntil",
                                              "revoked", "revokedBy", "lastUsed")},
                         {"name": "Entra", "networks": ["127.0.0.0/8", "2001:db8::/32"], "dialect": "entra",
                          "rate": 1500, "createdBy": "Olga", "oldTokenUntil": None, "revoked": None,
                          "revokedBy": None, "lastUsed": None})
        self.assertEqual(key["expires"], until.replace("Z", ".000000Z"))
        self.assertEqual(self.owner.get("/keys/" + key["id"]).json, key)
        self.assertNotIn(token, json.dumps(self.owner.get("/keys").json))
        self.expect(self.ws.open(token).get("/Users?count=0"), 200)
        self.assertEqual(self.api(token).get("/users?limit=1").headers["ratelimit-policy"], '"default";q=1500;w=60')
        self.assertIsNotNone(self.owner.get("/keys/" + key["id"]).json["lastUsed"])
        self.assertEqual(self.actions(self.ws.id, key["id"]), [("key.created", "owner", self.owner_id)])
        for record in self.followers.audit.snapshot():
            self.assertNotIn(token, json.dumps(record.value), "a token is never on record")

    def test_bad_bodies_make_nothing(self):
        count = len(self.owner.get("/keys?limit=200").json["items"])
        good = {"name": "k", "scopes": ["api:users:read"]}
        for path, bad in (("name", {"scopes": SCOPES}), ("name", {**good, "name": " x"}),
                          ("name", {**good, "name": "x" * 121}), ("name", {**good, "name": str(uuid.uuid4())}),
                          ("scopes", {"name": "k"}),
                          ("scopes", {**good, "scopes": []}), ("scopes", {**good, "scopes": ["admin"]}),
                          ("scopes", {**good, "scopes": "api:users:read"}), ("scopes", {**good, "scopes": [7]}),
                          ("expires", {**good, "expires": ahead(-5)}), ("expires", {**good, "expires": "tomorrow"}),
                          ("expires", {**good, "expires": 5}), ("networks", {**good, "networks": []}),
                          ("networks", {**good, "networks": ["10.1.2.3/8"]}),
                          ("networks", {**good, "networks": "10.0.0.0/8"}),
                          ("networks", {**good, "networks": ["0.0.0.0/0"] * 65}),
                          ("dialect", {**good, "dialect": "french"}), ("dialect", {**good, "dialect": None}),
                          ("rate", {**good, "rate": 0}), ("rate", {**good, "rate": 1.5}),
                          ("secret", {**good, "secret": "x"})):
            with self.subTest(body=bad):
                self.is_problem(self.owner.post("/keys", bad), 400, "invalid-value", path)
        self.is_problem(self.owner.post("/keys", None), 415, "media-type")
        self.assertEqual(len(self.owner.get("/keys?limit=200").json["items"]), count)

    def test_pages(self):
        ws, owner, _ = self.fresh()
        made = [ws.key_id] + [self.key("k%d" % i, client=owner)[1] for i in range(6)]
        seen, path = [], "/keys?limit=3"
        while path:
            page = owner.get(path).json
            self.assertLessEqual(len(page["items"]), 3)
            seen += [k["id"] for k in page["items"]]
            path = "/keys?limit=3&cursor=" + page["next"] if page["next"] else None
        self.assertEqual(seen, made)
        self.assertIsNone(owner.get("/keys?limit=7").json["next"])
        self.is_problem(owner.get("/keys?limit=0"), 400, "invalid-value", "limit")
        self.is_problem(owner.get("/keys?cursor=nonsense"), 400, "invalid-cursor")

    def test_rotation(self):
        token, key = self.key("rotated", "scim:users:read")
        answer = self.owner.post("/keys/%s/rotate" % key, None)
        self.assertEqual((answer.status, answer.json["key"]["id"], answer.json["key"]["oldTokenUntil"]),
                         (200, key, None), answer)
        second = answer.json["token"]
        self.expect(self.ws.open(token).get("/Users?count=0"), 401)
        self.expect(self.ws.open(second).get("/Users?count=0"), 200)
        answer = self.owner.post("/keys/%s/rotate" % key, {"overlapSeconds": 60})
        self.assertIsNotNone(answer.json["key"]["oldTokenUntil"])
        third = answer.json["token"]
        for good in (second, third):
            self.expect(self.ws.open(good).get("/Users?count=0"), 200)
        self.owner.post("/keys/%s/rotate" % key, {"overlapSeconds": 1})
        let_time_pass(1.2, "the overlap of a second")
        for dead in (second, third):
            self.expect(self.ws.open(dead).get("/Users?count=0"), 401)
        self.assertIsNone(self.owner.get("/keys/" + key).json["oldTokenUntil"])
        for bad in ({"overlapSeconds": -1}, {"overlapSeconds": "1"}, {"overlapSeconds": 2592001}, {"overlap": 1}):
            self.is_problem(self.owner.post("/keys/%s/rotate" % key, bad), 400, "invalid-value")
        self.is_problem(self.owner.post("/keys/%s/rotate" % uuid.uuid4(), None), 404, "not-found")
        self.assertEqual([a for a, _, _ in self.actions(self.ws.id, key)], ["key.created"] + ["key.rotated"] * 3)

    def test_revocation(self):
        token, key = self.key("to be revoked", "scim:users:read", "scim:users:write")
        client = self.ws.open(token)
        self.expect(client.get("/Users?count=0"), 200)
        self.assertEqual(self.owner.delete("/keys/" + key).status, 204)
        self.expect(client.get("/Users?count=0"), 401)
        shown = self.owner.get("/keys/" + key).json
        self.assertEqual(shown["revokedBy"], "Olga")
        self.assertIsNotNone(shown["revoked"])
        self.assertEqual(self.owner.delete("/keys/" + key).status, 204)  # once more does no harm
        self.assertEqual(self.owner.get("/keys/" + key).json["revoked"], shown["revoked"])
        self.is_problem(self.owner.post("/keys/%s/rotate" % key, None), 409, "conflict")
        for unknown in (uuid.uuid4(), "nonsense"):
            self.is_problem(self.owner.delete("/keys/%s" % unknown), 404, "not-found")
            self.is_problem(self.owner.get("/keys/%s" % unknown), 404, "not-found")
        told = self.actions(self.ws.id, key)
        self.assertEqual(told[:2], [("key.created", "owner", self.owner_id), ("key.revoked", "owner", self.owner_id)])


class Repeated(AdminCase):
    """Idempotency-Key where the answer holds a token, which is nowhere kept."""

    def again(self):
        return {"Idempotency-Key": str(uuid.uuid4())}

    def no_token_is_kept(self, ws, *tokens):
        kept = repr(self.stack.sql("SELECT headers::text, content FROM idempotency WHERE workspace_id=%s",
                                   ws.id)) + repr(self.stack.sql(
                                       "SELECT outcome::text FROM command_log WHERE workspace_id=%s", ws.id))
        for token in tokens:
            self.assertNotIn(token, kept)

    def test_a_key_is_made_once_and_its_token_told_once(self):
        ws, owner, oid = self.fresh()
        headers, body = self.again(), {"name": "once", "scopes": ["scim:users:read"]}
        first = owner.post("/keys", body, headers=headers)
        self.assertEqual(first.status, 201, first)
        second = owner.post("/keys", body, headers=headers)
        self.is_problem(second, 409, "conflict")
        self.assertIn(first.json["key"]["id"], second.json["detail"])
        self.assertEqual(second.headers["usher-txn"], first.headers["usher-txn"])
        self.assertEqual([k["name"] for k in owner.get("/keys").json["items"]], ["main", "once"])
        self.expect(ws.open(first.json["token"]).get("/Users?count=0"), 200)
        self.is_problem(owner.post("/keys", {**body, "name": "twice"}, headers=headers), 422, "key-reused")
        self.no_token_is_kept(ws, first.json["token"])
        self.assertEqual(self.actions(ws.id, first.json["key"]["id"]), [("key.created", "owner", oid)])

    def test_a_key_is_rotated_once(self):
        ws, owner, _ = self.fresh()
        token, key = self.key("r", "scim:users:read", client=owner)
        headers = self.again()
        first = owner.post("/keys/%s/rotate" % key, {"overlapSeconds": 60}, headers=headers)
        second = owner.post("/keys/%s/rotate" % key, {"overlapSeconds": 60}, headers=headers)
        self.is_problem(second, 409, "conflict")
        for good in (token, first.json["token"]):
            self.expect(ws.open(good).get("/Users?count=0"), 200)
        self.assertEqual([a for a, _, _ in self.actions(ws.id, key)], ["key.created", "key.rotated"])
        self.no_token_is_kept(ws, token, first.json["token"])

    def test_an_owner_is_made_once(self):
        ws, owner, _ = self.fresh()
        headers, body = self.again(), {"name": "Sam", "role": "administrator"}
        first = owner.post("/owners", body, headers=headers)
        self.is_problem(owner.post("/owners", body, headers=headers), 409, "conflict")
        self.assertEqual([o["name"] for o in owner.get("/owners").json["items"]], ["Olga", "Sam"])
        self.no_token_is_kept(ws, first.json["token"])

    def test_the_rest_is_answered_as_before(self):
        ws, owner, _ = self.fresh()
        headers = self.again()
        first = owner.patch("/workspace", {"seats": 5}, headers=headers)
        owner.patch("/workspace", {"seats": 6})
        second = owner.patch("/workspace", {"seats": 5}, headers=headers)
        self.assertEqual((second.status, second.json), (200, first.json))
        self.assertEqual(owner.get("/workspace").json["seats"], 6)
        headers = self.again()
        for _ in range(2):
            self.assertEqual(owner.delete("/keys/" + ws.key_id, headers=headers).status, 204)


class Owners(AdminCase):
    def make(self, owner, name, role, **more):
        answer = owner.post("/owners", {"name": name, "role": role, **more})
        self.assertEqual(answer.status, 201, answer)
        return answer

    def test_made_and_good(self):
        ws, owner, oid = self.fresh()
        answer = self.make(owner, "Ida", "administrator", expires=ahead(3600))
        made = answer.json["owner"]
        self.assertEqual((made["name"], made["role"], made["createdBy"], made["revoked"]),
                         ("Ida", "administrator", "Olga", None))
        self.assertTrue(answer.json["token"].startswith(made["prefix"]))
        self.assertEqual(answer.headers["location"], "%s/api/v1/admin/owners/%s" % (self.stack.url, made["id"]))
        self.assertEqual(owner.get("/owners/" + made["id"]).json, made)
        self.assertEqual(self.admin(answer.json["token"]).get("/workspace").json["id"], ws.id)
        self.assertEqual([o["id"] for o in owner.get("/owners").json["items"]], [oid, made["id"]])
        self.assertEqual(self.actions(ws.id, made["id"]), [("owner.created", "owner", oid)])
        for path, bad in (("name", {"role": "owner"}), ("role", {"name": "x"}), ("role", {"name": "x", "role": "king"}),
                          ("expires", {"name": "x", "role": "owner", "expires": "2001-01-01T00:00:00Z"}),
                          ("scopes", {"name": "x", "role": "owner", "scopes": SCOPES})):
            self.is_problem(owner.post("/owners", bad), 400, "invalid-value", path)

    def test_revoked_at_once_and_the_last_owner_stays(self):
        ws, owner, oid = self.fresh()
        second = self.make(owner, "Sam", "owner").json
        other = self.admin(second["token"])
        self.assertEqual(other.get("/workspace").status, 200)
        self.assertEqual(owner.delete("/owners/" + second["owner"]["id"]).status, 204)
        self.is_problem(other.get("/workspace"), 401, "unauthorized")
        self.make(owner, "Ida", "administrator")
        self.is_problem(owner.delete("/owners/" + oid), 409, "conflict")
        self.assertEqual(owner.get("/workspace").status, 200)
        self.make(owner, "soon gone", "owner", expires=ahead(1))
        let_time_pass(1.2, "the owner's second")
        self.is_problem(owner.delete("/owners/" + oid), 409, "conflict")  # one that has expired does not count
        self.is_problem(owner.delete("/owners/%s" % uuid.uuid4()), 404, "not-found")

    def test_an_owner_may_leave_if_another_stays(self):
        ws, owner, oid = self.fresh()
        other = self.admin(self.make(owner, "Sam", "owner").json["token"])
        self.assertEqual(owner.delete("/owners/" + oid).status, 204)
        self.is_problem(owner.get("/workspace"), 401, "unauthorized")
        self.assertEqual(other.get("/owners/" + oid).json["revokedBy"], "Olga")
        self.assertEqual(self.actions(ws.id, oid)[-1], ("owner.revoked", "owner", oid))

    def test_two_owners_who_revoke_each_other(self):
        """One of the two must be left, whoever was first."""
        for _ in range(5):
            ws, owner, oid = self.fresh()
            made = self.make(owner, "Sam", "owner").json
            other = self.admin(made["token"])
            answers, start = {}, threading.Barrier(2)

            def revoke(client, target):
                start.wait()
                answers[target] = client.delete("/owners/" + target).status

            threads = [threading.Thread(target=revoke, args=a) for a in ((owner, made["owner"]["id"]), (other, oid))]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(self.stack.sql("SELECT count(*) FROM owners WHERE workspace_id=%s AND revoked IS NULL",
                                            ws.id)[0][0], 1, answers)
            self.assertEqual(sorted(answers.values())[0], 204, answers)


class Guards(AdminCase):
    def test_counted_held_released(self):
        ws, owner, oid = self.fresh()
        owner.patch("/workspace", {"guardMode": "hold", "guardShare": 50, "guardMin": 1})
        users = [self.user("g%d@guard.example" % i, ws.client)["id"] for i in range(4)]
        self.assertEqual(owner.get("/guards").json, {"items": [], "next": None})
        for u in users[:2]:
            self.expect(ws.client.delete("/Users/" + u), 204)
        item = {"key": {"id": ws.key_id, "name": "main"}, "users": {"removed": 2, "base": 4, "tripped": None},
                "members": None}
        self.assertEqual(owner.get("/guards").json, {"items": [item], "next": None})
        self.expect(ws.client.delete("/Users/" + users[2]), 403)
        held = owner.get("/guards").json["items"][0]["users"]
        self.assertIsNotNone(held["tripped"])
        self.assertEqual(owner.post("/guards/%s/release" % ws.key_id, None).status, 204)
        self.expect(ws.client.delete("/Users/" + users[2]), 204)
        self.assertEqual(owner.get("/guards").json["items"][0]["users"]["tripped"], None)
        self.assertEqual([a for a, kind, _ in self.actions(ws.id, ws.key_id) if a.startswith("guard.")],
                         ["guard.tripped", "guard.released"])
        self.assertIn(("guard.released", "owner", oid), self.actions(ws.id, ws.key_id))
        self.is_problem(owner.post("/guards/%s/release" % uuid.uuid4(), None), 404, "not-found")


class Document(AdminCase):
    def test_for_everybody(self):
        nobody = self.api(None)
        document = nobody.get("/openapi.json")
        self.assertEqual(document.json["servers"], [{"url": "/"}])
        self.assertEqual(document.json["openapi"], "3.1.0")
        page = nobody.get("/docs")
        self.assertIn("default-src 'none'", page.headers["content-security-policy"])
        self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(nobody.request("HEAD", "/docs").headers["content-length"], str(len(page.body)))
        self.assertEqual(self.api("ush_nonsense").get("/openapi.json").status, 200)
        self.is_problem(self.api(self.ws.token).post("/docs", {}), 405, "method")

    def test_the_host_is_the_clients_word(self):
        """What a client calls us does not stand in the document, which others may get from a cache."""
        for host in ("usher.example:8443", "elsewhere.example", "[::1]:1"):
            document = self.api(None).get("/openapi.json", headers={"Host": host})
            self.assertEqual(document.json["servers"], [{"url": "/"}])
            self.assertNotIn(host, document.body.decode())
