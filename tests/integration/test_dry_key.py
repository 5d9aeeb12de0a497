"""A key in dry-run mode: an identity provider gets through its synchronisation, nothing is changed, and the sum says what
it would have done."""

import urllib.parse

import jsonschema

from apicase import ApiCase
from apihttp import ApiClient
from match import fill
from openapi import DOCUMENT
from scimhttp import GROUP, USER, check_answer, patch_op
from session import load

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class DryKey(ApiCase):
    def setUp(self):
        self.work = self.stack.workspace("drykey", seats=3, dialect=getattr(self, "spoken", None))
        self.scim = self.work.client
        self.scim.check = False
        owner = self.stack.ctl("owner", "create", "--workspace", self.work.id, "--name", "Olga")["token"]
        self.admin = ApiClient(self.stack.url, owner, check=False, prefix="/api/v1/admin")

    def mode(self, dry):
        key = self.expect(self.admin.patch("/keys/" + self.work.key_id, {"dryRun": dry}), 200).json
        self.assertEqual((key["dryRun"], key["dryRunSince"] is not None), (dry, dry))
        return key

    def state(self):
        return repr([self.stack.sql(q, self.work.id) for q in (
            "SELECT id, doc::text, active, version FROM users WHERE workspace_id=%s ORDER BY id",
            "SELECT id, doc::text, version FROM rooms WHERE workspace_id=%s ORDER BY id",
            "SELECT room_id, user_id, transmit, held FROM members WHERE workspace_id=%s ORDER BY 1, 2",
            "SELECT seats_used, membership_seq, events_seq FROM workspaces WHERE workspace_id=%s")])

    def summed_up(self, enough, **counts):
        """Requests and changes come into the archive by ways of their own."""
        def look():
            found = self.expect(self.admin.get("/keys/%s/dry-run" % self.work.key_id), 200).json
            jsonschema.validate(found, {"$ref": "#/components/schemas/KeyDryRun", **DOCUMENT})
            there = all(found["counts"].get(k.replace("_", ".", 1), 0) >= n for k, n in counts.items())
            return found if found["requests"] >= enough and there else None
        return self.wait_until(look, "the archive has %d changes that were tried" % enough)

    def quiet(self, answer, status):
        self.assertEqual((answer.status, answer.headers.get("usher-dry-run")), (status, "yes"), answer)
        return answer

    def test_a_user_and_a_room_that_are_not_there(self):
        ana = self.user("ana@dry.example", self.scim)
        self.mode(True)
        before = self.state()
        new = self.quiet(self.scim.post("/Users", {"schemas": [USER], "userName": "new@dry.example", "displayName": "New"}), 201)
        self.assertEqual((new.json["userName"], new.json["displayName"], new.json["active"], new.json["id"][14]),
                         ("new@dry.example", "New", True, "8"))
        self.assertEqual(check_answer(new), [])
        room = self.quiet(self.scim.post("/Groups", {"schemas": [GROUP], "displayName": "Radio", "members": [
            {"value": new.json["id"]}, {"value": ana["id"]}]}), 201)
        self.assertEqual(room.json["displayName"], "Radio")
        both = [{"value": new.json["id"]}, {"value": ana["id"]}]
        self.quiet(self.scim.patch("/Groups/" + room.json["id"], patch_op({"op": "add", "path": "members", "value": both})), 204)
        self.quiet(self.scim.patch("/Groups/" + room.json["id"], patch_op(
            {"op": "remove", "path": 'members[value eq "%s"]' % new.json["id"]})), 204)
        off = self.quiet(self.scim.patch("/Users/" + new.json["id"], patch_op({"op": "replace", "path": "active", "value": False})), 200)
        self.assertIs(off.json["active"], False)
        self.assertIs(self.quiet(self.scim.patch("/Users/" + ana["id"], patch_op(
            {"op": "replace", "path": "active", "value": False})), 200).json["active"], False)
        self.quiet(self.scim.request("DELETE", "/Users/" + new.json["id"]), 204)
        self.quiet(self.scim.post("/Users", {"schemas": [USER], "userName": "ANA@dry.example"}), 409)
        self.quiet(self.scim.request("DELETE", "/Users/0197a6c2-51d4-7c3e-9f0a-2b1d6c1e7a10"), 404)
        self.assertEqual(self.scim.get("/Users/" + new.json["id"]).status, 404)
        self.assertEqual(self.scim.get("/Users/" + ana["id"]).json["active"], True)
        search = self.scim.post("/Users/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                                                   "filter": 'userName eq "new@dry.example"'})
        self.assertEqual((search.status, search.json["totalResults"], search.headers.get("usher-dry-run")), (200, 0, None))
        self.assertEqual(self.state(), before)
        found = self.summed_up(9, user_deleted=1)
        self.assertEqual(found["counts"], {"user.created": 1, "seat.taken": 1, "room.created": 1, "member.added": 4,
                                           "user.deactivated": 2, "seat.freed": 3, "user.deleted": 1})
        self.assertEqual((found["requests"], found["refused"], found["seats"]), (9, 2, {"used": 1, "needed": -1, "limit": 3}))
        self.assertEqual(sorted((r["status"], r["count"]) for r in found["refusals"]), [(404, 1), (409, 1)])
        self.mode(False)
        self.assertEqual(self.admin.get("/keys/%s/dry-run" % self.work.key_id).json, {"dryRun": False, "since": None})
        self.assertEqual(self.expect(self.scim.post("/Users", {"schemas": [USER], "userName": "new@dry.example"}), 201).json["id"][14], "7")

    def test_more_than_there_are_seats(self):
        self.mode(True)
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": str(i), "data": {"schemas": [USER], "userName": "b%d@dry.example" % i}}
            for i in range(4)]}
        answer = self.quiet(self.scim.post("/Bulk", bulk), 200)
        self.assertEqual([o["status"] for o in answer.json["Operations"]], ["201"] * 3 + ["403"], answer.json)
        for i in range(5):
            self.quiet(self.scim.post("/Users", {"schemas": [USER], "userName": "u%d@dry.example" % i}), 201)
        found = self.summed_up(9, user_created=8)
        self.assertEqual((found["seats"], found["refused"]), ({"used": 0, "needed": 8, "limit": 3}, 1))

    def test_how_it_is_switched(self):
        made = self.stack.ctl("key", "create", "--workspace", self.work.id, "--name", "Tool", "--scopes", "all", "--dry-run", "yes")
        tool = ApiClient(self.stack.url, made["token"], check=False)
        told = self.expect(tool.post("/users", {"userName": "x@dry.example"}), 200).json
        self.assertEqual((told["dryRun"], told["counts"]), (True, {"user.created": 1, "seat.taken": 1}))
        self.assertEqual(self.expect(tool.post("/users", {"userName": "x@dry.example"}, headers={"Usher-Dry-Run": "no"}), 200).json["dryRun"], True)
        keys = self.stack.ctl("key", "list", "--workspace", self.work.id)["keys"]
        self.assertEqual([k["name"] for k in keys if k["dryRunSince"]], ["Tool"])
        self.stack.ctl("key", "set", made["key"]["id"], "--dry-run", "no")
        self.expect(tool.post("/users", {"userName": "x@dry.example"}), 201)
        self.assertEqual(self.admin.patch("/keys/" + made["key"]["id"], {"dryRun": "yes"}).status, 400)
        changed = [c["changes"] for c in self.followers.changes(self.work.id) if c["action"] == "key.changed"]
        self.assertEqual(changed, [[{"path": "dryRun", "op": "replace", "from": True, "to": False}]])
        new = self.expect(self.admin.post("/keys", {"name": "New", "scopes": ["scim:users:read"], "dryRun": True}), 201).json["key"]
        self.assertEqual(new["dryRun"], True)


class Cycle(DryKey):
    """A recorded session with a key in dry-run mode."""

    test_a_user_and_a_room_that_are_not_there = test_more_than_there_are_seats = test_how_it_is_switched = None

    def play(self, name):
        session, names = load(name), {"base": self.stack.url + "/scim/v2", "workspace": self.work.id, "key": self.work.key_id}
        names.update(session.get("names", {}))
        wrong, made, writes = [], [], 0
        for step in session["steps"]:
            request = fill(step["request"], names)
            method, path = request["line"].split(" ", 1)
            got = self.scim.request(method, urllib.parse.quote(path, safe="/?=&%+,:$"), request.get("body"),
                                    headers=dict(session.get("headers", {}), **request.get("headers", {})))
            if method in WRITES and not path.endswith("/.search"):
                writes += 1
                if got.headers.get("usher-dry-run") != "yes" or (got.status >= 300 and got.status != step["answer"]["status"]):
                    wrong.append("%s: %s" % (step["step"], got))
            if "new" in step and got.status == 201:
                names[step["new"]] = got.json["id"]
            if got.status == 201:
                made.append(path.split("?")[0])
        self.none_wrong(wrong)
        return writes, made

    def whole_cycle(self, name):
        self.mode(True)
        before = self.state()
        writes, made = self.play(name)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM users WHERE workspace_id=%s", self.work.id), [(0,)])
        found = self.summed_up(writes, user_created=made.count("/Users"), room_created=made.count("/Groups"))
        self.assertEqual((found["requests"], found["counts"]["user.created"], found["counts"].get("room.created", 0)),
                         (writes, made.count("/Users"), made.count("/Groups")))
        self.assertEqual(found["seats"]["needed"], found["counts"]["seat.taken"] - found["counts"].get("seat.freed", 0))


class Entra(Cycle):
    spoken = "entra"

    def test_a_whole_cycle(self):
        self.whole_cycle("entra")


class Okta(Cycle):
    spoken = "okta"

    def test_a_whole_cycle(self):
        self.whole_cycle("okta")
