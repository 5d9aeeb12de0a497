"""Members of rooms, one request each, and their lists with the number that they are true at."""

from apicase import NOBODY, ApiCase
from scimhttp import in_flight, patch_op, statuses


class Members(ApiCase):
    def at(self, room, user):
        return "/rooms/%s/members/%s" % (room["id"], user["id"])

    def listed(self, room, api=None):
        return self.ok((api or self.api).get("/rooms/%s/members" % room["id"]))

    def test_put_and_delete(self):
        u, room = self.make_user("m1", displayName="M"), self.make_room("M1")
        added = self.api.put(self.at(room, u))
        member = self.ok(added, 201)
        self.assertEqual(set(member), {"user", "userName", "displayName", "transmit", "since"})
        self.assertEqual((member["user"], member["userName"], member["displayName"], member["transmit"]),
                         (u["id"], "m1", "M", True))
        self.assertEqual(added.headers["location"], self.stack.url + "/api/v1" + self.at(room, u))
        self.assertEqual(self.ok(self.api.put(self.at(room, u))), member)
        self.assertEqual(self.listed(room)["items"], [member])
        self.assertEqual(self.api.delete(self.at(room, u)).status, 204)
        self.problem(self.api.delete(self.at(room, u)), 404, "not-found")
        self.assertEqual(self.listed(room)["items"], [])

    def test_transmit(self):
        """Without it: the workspace's default for a new member, what was for another; SCIM never overwrites it."""
        u, room = self.make_user("m2"), self.make_room("M2")
        path = self.at(room, u)

        def put(body, status=200):
            return lambda: self.assertEqual(self.ok(self.api.put(path, body), status)["transmit"], due)
        due = False
        self.assertEqual(self.events_after(put({"transmit": False}, 201)), [("member.added", u["id"], False)])
        self.assertEqual(self.events_after(put(None)), [])
        self.assertEqual(self.events_after(put({})), [])
        self.assertEqual(self.events_after(put({"transmit": None})), [])
        due = True
        self.assertEqual(self.events_after(put({"transmit": True})), [("member.transmit_changed", u["id"], True)])
        due = False
        self.assertEqual(self.events_after(put({"transmit": False})), [("member.transmit_changed", u["id"], False)])
        add = patch_op({"op": "add", "path": "members", "value": [{"value": u["id"]}]})
        self.assertEqual(self.events_after(lambda: self.expect(self.http.patch("/Groups/" + room["id"], add), 204)), [])
        self.assertFalse(self.listed(room)["items"][0]["transmit"])
        self.assertEqual(self.events_after(lambda: self.api.delete(path)), [("member.removed", u["id"], False)])
        ws = self.stack.workspace("mute", default_transmit="false")
        api = self.open_api(ws)
        r, v = self.make_room("r", api), self.make_user("v", api)
        self.assertFalse(self.ok(api.put(self.at(r, v)), 201)["transmit"])
        api.close()

    def test_an_inactive_user_is_held(self):
        u, room = self.make_user("m3", active=False), self.make_room("M3")
        self.assertTrue(self.ok(self.api.put(self.at(room, u), {"transmit": False}), 201)["held"])
        self.assertTrue(self.ok(self.api.put(self.at(room, u)))["held"])
        self.assertEqual(self.listed(room)["items"], [])
        self.ok(self.api.post("/users/%s/reactivate" % u["id"]))
        self.assertEqual([(m["user"], m["transmit"]) for m in self.listed(room)["items"]], [(u["id"], False)])

    def test_pages_and_seq(self):
        ws = self.stack.workspace("seq")
        api = self.open_api(ws)
        room = self.make_room("Seq", api)
        users = sorted(self.make_user("s%d" % i, api)["id"] for i in range(7))
        for u in users:
            self.ok(api.put("/rooms/%s/members/%s" % (room["id"], u)), 201)
        whole = self.listed(room, api)
        self.assertEqual((whole["room"], [m["user"] for m in whole["items"]], whole["next"]),
                         (room["id"], users, None))
        self.assertEqual((whole["epoch"], whole["seq"]), (1, ws.counts()["membership_seq"]))
        self.assertEqual([m["user"] for m in api.pages("/rooms/%s/members" % room["id"], limit=3)], users)
        # a page says the number that it is true at itself
        first = self.ok(api.get("/rooms/%s/members?limit=3" % room["id"]))
        self.assertEqual(api.delete("/rooms/%s/members/%s" % (room["id"], users[6])).status, 204)
        rest = self.ok(api.get("/rooms/%s/members?limit=200&cursor=%s" % (room["id"], first["next"])))
        self.assertEqual((first["seq"], rest["seq"], [m["user"] for m in rest["items"]]),
                         (whole["seq"], whole["seq"] + 1, users[3:6]))
        other = self.make_room("Other", api)
        self.problem(api.get("/rooms/%s/members?cursor=%s" % (other["id"], first["next"])), 400, "invalid-cursor")
        self.assertEqual(self.listed(other, api)["items"], [])
        api.close()

    def test_a_snapshot_and_the_events_behind_it_are_the_truth(self):
        """stream-contract: the list with its seq, then every event with a greater one, gives the room as it is,
        whenever the list was read."""
        ws = self.stack.workspace("snapshot")
        api = self.open_api(ws)
        room, users = self.make_room("Snap", api), [self.make_user("p%d" % i, api)["id"] for i in range(12)]
        path = "/rooms/%s/members" % room["id"]

        def change(i):
            def job(c):
                got = c.put("%s/%s" % (path, users[i % 12]),
                            {"transmit": i % 2 == 0}) if i % 3 else c.delete("%s/%s" % (path, users[i % 12]))
                return got if got.status in (200, 201, 204, 404) else self.fail(repr(got))
            return job
        jobs = []
        for i in range(90):
            jobs.append(change(i))
            if i % 6 == 0:
                jobs.append(lambda c: c.get(path))
        got = in_flight(6, jobs, api)
        self.assertLessEqual(set(statuses(got)), {200, 201, 204, 404})
        events = [e for e in self.followers.events(ws.id) if e["room"]["id"] == room["id"]]
        now = {m["user"]: m["transmit"] for m in self.listed(room, api)["items"]}
        snapshots = [g.json for g in got if g.body and "seq" in g.json]
        self.assertEqual(len(snapshots), 15)
        for s in snapshots:
            state = {m["user"]: m["transmit"] for m in s["items"]}
            for e in events:
                if e["seq"] > s["seq"] and "user" in e:
                    if e["type"] == "usher.member.removed":
                        self.assertIn(e["user"]["id"], state)
                        del state[e["user"]["id"]]
                    else:
                        self.assertEqual(e["user"]["id"] in state, e["type"] == "usher.member.transmit_changed")
                        state[e["user"]["id"]] = e["transmit"]
            self.assertEqual(state, now, "from %d" % s["seq"])
        api.close()

    def test_of_another_workspace(self):
        ws = self.stack.workspace("strangers")
        api = self.open_api(ws)
        room, u = self.make_room("Ours"), self.make_user("ours")
        theirs, v = self.make_room("Ours", api), self.make_user("ours", api)
        for r, who in ((room, v), (theirs, u), (room, u)):
            self.problem(api.put(self.at(r, who)), 404, "not-found")
            self.problem(api.delete(self.at(r, who)), 404, "not-found")
        self.problem(api.get("/rooms/%s/members" % room["id"]), 404, "not-found")
        self.problem(api.get("/users/%s/rooms" % u["id"]), 404, "not-found")
        api.close()

    def test_many_at_once(self):
        room, u = self.make_room("Rush"), self.make_user("rush")
        got = in_flight(8, [lambda c: c.put(self.at(room, u))] * 24, self.api)
        self.assertEqual(statuses(got), {201: 1, 200: 23})
        got = in_flight(8, [lambda c: c.delete(self.at(room, u))] * 8, self.api)
        self.assertEqual(statuses(got), {204: 1, 404: 7})

    def test_nobody(self):
        room = self.make_room("Empty")
        self.problem(self.api.put("/rooms/%s/members/%s" % (room["id"], NOBODY)), 404, "not-found")
        self.problem(self.api.get("/rooms/%s/members" % NOBODY), 404, "not-found")
