"""Rooms of the Management API."""

from apicase import NOBODY, ApiCase


class Rooms(ApiCase):
    def test_created_read_renamed_deleted(self):
        u = self.make_user("lodger")
        made = self.api.post("/rooms", {"displayName": "Hall", "externalId": "r-1", "members": [u["id"]]})
        room = self.ok(made, 201)
        self.assertEqual((room["displayName"], room["externalId"], room["version"]), ("Hall", "r-1", 1))
        self.assertEqual(set(room), {"id", "displayName", "externalId", "managed", "version", "created", "modified"})
        self.assertEqual(made.headers["location"], "%s/api/v1/rooms/%s" % (self.stack.url, room["id"]))
        self.assertEqual(self.ok(self.api.get("/rooms/" + room["id"])), room)
        self.assertEqual(self.members(room["id"]), {u["id"]})
        self.problem(self.api.patch("/rooms/" + room["id"], {"displayName": "x"}, headers={"If-Match": 'W/"7"'}), 412,
                     "precondition")
        got = self.ok(self.api.patch("/rooms/" + room["id"], {"displayName": "Great Hall", "externalId": None}))
        self.assertEqual((got["displayName"], got["version"], "externalId" in got), ("Great Hall", 2, False))
        self.assertEqual(self.members(room["id"]), {u["id"]})
        self.assertEqual(self.api.delete("/rooms/" + room["id"]).status, 204)
        for method in ("GET", "PATCH", "DELETE"):
            self.problem(self.api.request(method, "/rooms/" + room["id"], {} if method == "PATCH" else None), 404,
                         "not-found")
        self.problem(self.api.get("/rooms/%s/members" % room["id"]), 404, "not-found")

    def test_names_are_unique_where_the_workspace_says_so(self):
        self.make_room("One")
        self.problem(self.api.post("/rooms", {"displayName": "ONE"}), 409, "uniqueness", "displayName")
        ws = self.stack.workspace("twins", unique_rooms="false")
        api = self.open_api(ws)
        self.assertNotEqual(self.make_room("One", api)["id"], self.make_room("One", api)["id"])
        api.close()

    def test_unknown_members_make_no_room(self):
        self.problem(self.api.post("/rooms", {"displayName": "Haunted", "members": [NOBODY]}), 400, "invalid-value")
        self.assertEqual(self.api.pages("/rooms", displayName="Haunted"), [])

    def test_lists(self):
        ws = self.stack.workspace("rooms")
        api = self.open_api(ws)
        ids = [self.make_room("r%d" % i, api, externalId="e%d" % (i % 2))["id"] for i in range(7)]
        self.assertEqual([r["id"] for r in api.pages("/rooms", limit=3)], ids)
        self.assertEqual([r["displayName"] for r in api.pages("/rooms", externalId="e1")], ["r1", "r3", "r5"])
        self.assertEqual([r["displayName"] for r in api.pages("/rooms", displayName="R4")], ["r4"])
        self.assertEqual(len(api.pages("/rooms", filter='displayName sw "r"', userName="ignored here")), 7)
        api.close()
