"""Usher-Dry-Run: the worker decides the change against the state as it is and says what it would have come to; nothing
is applied, nothing emitted, and it is on record as tried."""

import jsonschema

from apicase import ApiCase
from apihttp import ApiClient
from openapi import DOCUMENT
from scimhttp import GROUP, USER, patch_op

DRY = {"Usher-Dry-Run": "yes"}
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SCHEMA = "urn:usher:params:scim:api:messages:2.0:DryRun"


def post(path, bulk_id, **data):
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": {"schemas": [USER if path == "/Users" else GROUP], **data}}


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

    def bulk(self, *ops, **more):
        self.scim.check = False
        return self.scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": list(ops), **more}, headers=DRY)

    def test_a_bulk_whose_operations_build_upon_each_other(self):
        told = self.tried(self.bulk(
            post("/Groups", "room", displayName="New", members=[{"value": "bulkId:new"}, {"value": self.ana}]),
            post("/Users", "new", userName="new@dry.example"),
            {"method": "PATCH", "path": "/Users/bulkId:new", "data": patch_op({"op": "replace", "path": "active", "value": False})},
            {"method": "DELETE", "path": "/Users/" + self.ben}),
            user_created=1, seat_taken=1, room_created=1, member_added=2, user_deactivated=1, seat_freed=2, member_removed=1,
            user_deleted=1)
        self.assertEqual((told["schemas"], told["seats"]), ([SCHEMA], {"before": 2, "after": 1, "limit": 5}))
        self.assertEqual([(o["method"], o["path"], o["bulkId"], o["applies"], o["error"]) for o in told["operations"]],
                         [("POST", "/Groups", "room", True, None), ("POST", "/Users", "new", True, None),
                          ("PATCH", "/Users/bulkId:new", None, True, None), ("DELETE", "/Users/" + self.ben, None, True, None)])
        self.assertEqual(told["operations"][0]["counts"], {"room.created": 1, "member.added": 2})
        tried = [c for c in self.followers.changes(self.work.id) if c["action"] == "command.tried"]
        self.assertEqual([c["txn"] for c in tried], [told["txn"]] * 4)
        def of_bulk(rs):
            return [r for r in rs if r.get("bulk") == told["txn"]]
        requests = of_bulk(self.followers.requests(self.work.id, lambda rs: len(of_bulk(rs)) == 4, "a record of each operation"))
        self.assertEqual([r["status"] for r in requests], [200] * 4)
        self.assertEqual(self.own.get("/operations/" + told["txn"]).json["status"], "tried")

    def test_a_bulk_of_which_some_is_refused(self):
        told = self.tried(self.bulk(
            post("/Users", "a", userName="ana@dry.example"), post("/Users", "b", userName=""),
            post("/Groups", "c", displayName="C", members=[{"value": "bulkId:a"}]), post("/Users", "d", userName="d@dry.example"),
            {"method": "DELETE", "path": "/Users/0197a6c2-51d4-7c3e-9f0a-2b1d6c1e7a10"}), False, user_created=1, seat_taken=1)
        self.assertEqual([o["applies"] for o in told["operations"]], [False, False, False, True, False])
        self.assertEqual([o["error"]["code"] for o in told["operations"] if o["error"]],
                         ["uniqueness", "invalid-value", "conflict", "not-found"])

    def test_a_bulk_that_stops(self):
        told = self.tried(self.bulk(
            post("/Users", "a", userName="new@dry.example"), post("/Users", "b", userName="NEW@dry.example"),
            post("/Users", "c", userName="c@dry.example"), failOnErrors=1), False, user_created=1, seat_taken=1)
        self.assertEqual([(o["applies"], o["stopped"]) for o in told["operations"]], [(True, False), (False, False), (False, True)])
        self.assertEqual(len([c for c in self.followers.changes(self.work.id) if c["action"] == "command.tried"]), 2)

    def test_a_bulk_that_would_go_over_seats_and_guard(self):
        told = self.tried(self.bulk(*[post("/Users", str(i), userName="s%d@dry.example" % i) for i in range(5)]), False,
                          user_created=3, seat_taken=3)
        self.assertEqual([o["error"] and o["error"]["code"] for o in told["operations"]], [None] * 3 + ["seats"] * 2)
        self.assertEqual(told["seats"], {"before": 2, "after": 5, "limit": 5})
        self.work.set(guard_mode="refuse", guard_share="1", guard_min="1")
        self.before = self.state()
        told = self.tried(self.bulk(*[{"method": "DELETE", "path": "/Users/" + u} for u in (self.ana, self.ben)]), False,
                          user_deleted=1, seat_freed=1, member_removed=1, guard_tripped=1)
        self.assertEqual([o["error"] and o["error"]["code"] for o in told["operations"]], [None, "guard"])

    def test_a_bulk_is_bounded(self):
        """What one transaction may have; the rest is told not to be tried. And what is large is tried alone."""
        rooms = [self.room("R%d" % i, [self.ana, self.ben], self.scim)["id"] for i in range(2)]
        self.stack.sql("INSERT INTO users (workspace_id, id, user_name, user_name_key, doc, search, active, seat, version, created, modified, managed) "
                       "SELECT workspace_id, gen_random_uuid(), 'x' || n, 'x' || n, doc, search, true, false, 1, created, modified, managed "
                       "FROM users, generate_series(1, 700) n WHERE id=%s RETURNING 1", self.ben)
        everybody = [r[0] for r in self.stack.sql("SELECT id::text FROM users WHERE workspace_id=%s", self.work.id)]
        self.before = self.state()
        members = [{"value": u} for u in everybody]
        add = [post("/Groups", "g%d" % i, displayName="G%d" % i, members=members) for i in range(6)]
        told = self.bulk(*add).json
        self.assertEqual([o["applies"] for o in told["operations"]], [True] * 3 + [False] * 3)
        self.assertEqual(told["operations"][5]["error"]["code"], "too-large", told["operations"][5])
        self.assertEqual(self.state(), self.before)
        many = [{"value": u} for u in everybody * 2 + ["x%d" % i for i in range(900)]]
        told = self.bulk({"method": "PUT", "path": "/Groups/" + rooms[0], "data": {"schemas": [GROUP], "displayName": "R0", "members": many}},
                         {"method": "DELETE", "path": "/Groups/" + rooms[1]}).json
        self.assertEqual([(o["applies"], (o["error"] or {}).get("code")) for o in told["operations"]],
                         [(False, "too-large"), (True, None)], told)

    def test_a_bulk_of_a_thousand(self):
        self.work.set(seats="none")
        self.before = self.state()
        ops = [post("/Users", str(i), userName="u%d@dry.example" % i) for i in range(999)]
        ops.append(post("/Groups", "all", displayName="All", members=[{"value": "bulkId:%d" % i} for i in range(500)]))
        self.tried(self.bulk(*ops), user_created=999, seat_taken=999, room_created=1, member_added=500)

    def test_an_import(self):
        users = [{"userName": "i1@dry.example"}, {"userName": "ana@dry.example"}, {"shoeSize": 4}, {"userName": "i2@dry.example"}]
        told = self.tried(self.own.post("/users/import", {"users": users}, headers=DRY), False, user_created=2, seat_taken=2)
        self.assertEqual([o["applies"] for o in told["operations"]], [True, False, False, True])
        jsonschema.validate(told, {"$ref": "#/components/schemas/DryRun", **DOCUMENT})

    def test_what_cannot_be_tried(self):
        self.assertEqual(self.bulk().status, 400)
        self.assertEqual(self.own.post("/users/import", {"users": []}, headers=DRY).status, 400)
        self.assertEqual(self.own.post("/users", {"userName": "y"}, headers={"Usher-Dry-Run": "perhaps"}).status, 400)
        owner = self.stack.ctl("owner", "create", "--workspace", self.work.id, "--name", "Olga")["token"]
        admin = ApiClient(self.stack.url, owner, check=False, prefix="/api/v1/admin")
        self.assertEqual(admin.request("DELETE", "/keys/" + self.work.key_id, headers=DRY).status, 501)
        self.assertEqual(self.own.get("/users?limit=1", headers=DRY).status, 200)
        self.assertEqual(self.state(), self.before)
        no = self.own.post("/users", {"userName": "z@dry.example"}, headers={"Usher-Dry-Run": "no"})
        self.assertEqual(no.status, 201)
