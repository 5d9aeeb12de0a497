"""Usher-Dry-Run: the worker decides the change against the state as it is and says what it would have come to; nothing
is applied, nothing emitted, and it is on record as tried."""

import jsonschema

from apicase import ApiCase
from apihttp import ApiClient
from openapi import DOCUMENT
from scimhttp import GROUP, USER, patch_op

DRY = {"Usher-Dry-Run": "yes"}
SCHEMA = "urn:usher:params:scim:api:messages:2.0:DryRun"


class DryRun(ApiCase):
    def setUp(self):
        self.work = self.stack.workspace("dry", seats=5)
        self.scim, self.own = self.work.client, ApiClient(self.stack.url, self.work.token, check=False)
        self.ana, self.ben = (self.user(name + "@dry.example", self.scim)["id"] for name in ("ana", "ben"))
        self.room_id = self.room("Dispatch", [self.ana], self.scim)["id"]
        self.before = self.state()

    def state(self):
        """All that a change would move; the audit's number is not among it."""
        wid = self.work.id
        return repr([self.stack.sql(q, wid) for q in (
            "SELECT id, doc::text, active, version FROM users WHERE workspace_id=%s ORDER BY id",
            "SELECT id, doc::text, version FROM rooms WHERE workspace_id=%s ORDER BY id",
            "SELECT room_id, user_id, transmit, held FROM members WHERE workspace_id=%s ORDER BY 1, 2",
            "SELECT key_id, kind, slots, tripped FROM guard_windows WHERE workspace_id=%s ORDER BY 1, 2",
            "SELECT seats_used, membership_seq, events_seq FROM workspaces WHERE workspace_id=%s")])

    def tried(self, answer, applies=True, **counts):
        self.assertEqual((answer.status, answer.headers.get("usher-dry-run")), (200, "yes"), answer)
        told = answer.json
        self.assertEqual((told["dryRun"], told["applies"]), (True, applies), told)
        self.assertEqual(told["counts"], {k.replace("_", ".", 1): v for k, v in counts.items()}, told)
        self.assertEqual(self.state(), self.before, "nothing was changed")
        return told

    def try_scim(self, method, path, body=None):
        self.scim.check = False
        return self.scim.request(method, path, body, headers=DRY)

    def test_a_user(self):
        made = self.tried(self.try_scim("POST", "/Users", {"schemas": [USER], "userName": "new@dry.example"}),
                          user_created=1, seat_taken=1)
        self.assertEqual((made["schemas"], made["seats"]), ([SCHEMA], {"before": 2, "after": 3, "limit": 5}))
        self.assertEqual(made["changes"][0]["target"]["name"], "new@dry.example")
        gone = self.tried(self.try_scim("PATCH", "/Users/" + self.ana, patch_op({"op": "replace", "path": "active", "value": False})),
                          user_deactivated=1, seat_freed=1, member_removed=1)
        self.assertEqual(gone["seats"]["after"], 1)
        self.assertEqual([c["subject"]["id"] for c in gone["changes"] if c["action"] == "member.removed"], [self.ana])
        self.tried(self.try_scim("DELETE", "/Users/" + self.ben), user_deleted=1, seat_freed=1)
        same = {"schemas": [USER], "userName": "ana@dry.example"}
        self.tried(self.try_scim("PUT", "/Users/" + self.ana, same))

    def test_a_room(self):
        self.tried(self.try_scim("POST", "/Groups", {"schemas": [GROUP], "displayName": "New", "members": [
            {"value": self.ana}, {"value": self.ben}]}), room_created=1, member_added=2)
        self.tried(self.try_scim("PATCH", "/Groups/" + self.room_id, patch_op({"op": "add", "path": "members", "value": [
            {"value": self.ben}]})), member_added=1)
        self.tried(self.try_scim("DELETE", "/Groups/" + self.room_id), room_deleted=1, member_removed=1)

    def test_the_management_api(self):
        self.tried(self.own.put("/rooms/%s/members/%s" % (self.room_id, self.ben), {}, headers=DRY), member_added=1)
        self.tried(self.own.post("/users/%s/deactivate" % self.ben, {}, headers=DRY), user_deactivated=1, seat_freed=1)
        told = self.tried(self.own.post("/users", {"userName": "x@dry.example"}, headers=DRY), user_created=1, seat_taken=1)
        self.assertNotIn("schemas", told)
        jsonschema.validate(told, {"$ref": "#/components/schemas/DryRun", **DOCUMENT})
        operation = self.own.get("/operations/" + told["txn"]).json
        self.assertEqual(operation["status"], "tried", operation)

    def test_what_would_be_refused(self):
        duplicate = self.tried(self.try_scim("POST", "/Users", {"schemas": [USER], "userName": "ANA@dry.example"}), False)
        self.assertEqual(duplicate["error"]["code"], "uniqueness")
        unknown = "0197a6c2-51d4-7c3e-9f0a-2b1d6c1e7a10"
        told = self.tried(self.try_scim("PATCH", "/Groups/" + self.room_id, patch_op(
            {"op": "add", "path": "members", "value": [{"value": unknown}]})), False)
        self.assertEqual((told["error"]["code"], unknown in told["error"]["detail"]), ("invalid-value", True))
        self.assertEqual(self.try_scim("POST", "/Users", {"schemas": [USER]}).status, 400)
        self.assertEqual(self.try_scim("DELETE", "/Users/" + unknown).status, 404)

    def test_a_guard_that_would_trip(self):
        self.work.set(guard_mode="refuse", guard_share="1", guard_min="0")
        self.before = self.state()
        told = self.try_scim("DELETE", "/Users/" + self.ana).json
        self.assertEqual((told["applies"], told["error"]["code"]), (False, "guard"), told)
        self.assertEqual(self.state(), self.before)

    def test_on_record_and_nothing_emitted(self):
        self.try_scim("POST", "/Users", {"schemas": [USER], "userName": "new@dry.example"})
        self.try_scim("DELETE", "/Groups/" + self.room_id)
        seen = len(self.followers.events(self.work.id))
        records = [c for c in self.followers.changes(self.work.id) if c["action"] == "command.tried"]
        self.assertEqual([(c["outcome"], c["reason"], {x["path"]: x["to"] for x in c["changes"]}) for c in records],
                         [("refused", "dry_run", {"user.created": 1, "seat.taken": 1}),
                          ("refused", "dry_run", {"room.deleted": 1, "member.removed": 1})])
        self.assertEqual(records[1]["target"]["id"], self.room_id)
        self.assertEqual(len(self.followers.events(self.work.id)), seen)
        made = self.expect(self.scim.post("/Users", {"schemas": [USER], "userName": "new@dry.example"}), 201)
        self.assertEqual(made.json["userName"], "new@dry.example")

    def test_a_large_room(self):
        """Looked up in steps; decided, and not carried out."""
        people = [self.user("p%d@dry.example" % i, self.scim, active=False)["id"] for i in range(3)]
        self.stack.sql("INSERT INTO users (workspace_id, id, user_name, user_name_key, doc, search, active, seat, version, created, modified, managed) "
                       "SELECT workspace_id, gen_random_uuid(), 'x' || n, 'x' || n, doc, search, false, false, 1, created, modified, managed "
                       "FROM users, generate_series(1, 1200) n WHERE id=%s RETURNING 1", people[0])
        everybody = [r[0] for r in self.stack.sql("SELECT id::text FROM users WHERE workspace_id=%s", self.work.id)]
        self.before = self.state()
        answer = self.try_scim("PUT", "/Groups/" + self.room_id, {"schemas": [GROUP], "displayName": "Dispatch", "members": [
            {"value": u} for u in everybody]})
        self.assertEqual((answer.status, answer.json["applies"], answer.json["large"]), (200, True, True), answer)
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM slices WHERE workspace_id=%s", self.work.id), [(0,)])

    def test_what_cannot_be_tried(self):
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
        self.assertEqual(self.try_scim("POST", "/Bulk", bulk).status, 501)
        self.assertEqual(self.own.post("/users/import", {"users": []}, headers=DRY).status, 501)
        self.assertEqual(self.own.post("/users", {"userName": "y"}, headers={"Usher-Dry-Run": "perhaps"}).status, 400)
        owner = self.stack.ctl("owner", "create", "--workspace", self.work.id, "--name", "Olga")["token"]
        admin = ApiClient(self.stack.url, owner, check=False, prefix="/api/v1/admin")
        self.assertEqual(admin.request("DELETE", "/keys/" + self.work.key_id, headers=DRY).status, 501)
        self.assertEqual(self.own.get("/users?limit=1", headers=DRY).status, 200)
        self.assertEqual(self.state(), self.before)
        no = self.own.post("/users", {"userName": "z@dry.example"}, headers={"Usher-Dry-Run": "no"})
        self.assertEqual(no.status, 201)
