"""The guard against mass changes: one key may deactivate, delete or take out of rooms only so many within a window."""

import time

import doors
from case import Case
from doors import change
from scimhttp import in_flight, statuses


class Guard(Case):
    def place(self, users=20, **flags):
        ws = self.stack.workspace("guard", **{"guard_mode": "refuse", "guard_share": 20, "guard_min": 2, **flags})
        self.addCleanup(ws.client.close)
        ids = [self.user("u%02d" % i, ws.client)["id"] for i in range(users)]
        return ws, ws.client, ids

    def off(self, http, uid):
        return http.patch("/Users/" + uid, change(("replace", "active", False)))

    def guarded(self, answer, *words):
        self.assertEqual(answer.status, 403, answer)
        for word in words:
            self.assertIn(word, answer.json["detail"])

    def listed(self, ws):
        return {(g["key"], g["kind"]): g for g in self.stack.ctl("guard", "list", workspace=ws.id)["guards"]}

    def actions(self, ws, *which):
        return [v["action"] for v in self.followers.changes(ws.id) if v["action"] in which]

    def test_refuse(self):
        """4 of 20 go, the fifth is refused and stays; what is no removal goes on."""
        ws, http, ids = self.place()
        self.expect(self.off(http, ids[0]), 200)
        self.expect(self.off(http, ids[0]), 200)  # nothing changes: counts as nothing
        self.expect(http.delete("/Users/" + ids[1]), 204)
        self.expect(self.off(http, ids[2]), 200)
        self.expect(http.delete("/Users/" + ids[3]), 204)
        self.guarded(self.off(http, ids[4]), "5 users", "4 of 20", "3600 seconds", "guard release")
        self.guarded(http.delete("/Users/" + ids[4]), "5 users")
        self.assertIs(self.expect(http.get("/Users/" + ids[4]), 200).json["active"], True)
        self.expect(http.patch("/Users/" + ids[4], change(("replace", "title", "T"))), 200)
        self.expect(http.patch("/Users/" + ids[0], change(("replace", "active", True))), 200)
        self.assertEqual(self.actions(ws, "guard.tripped", "command.refused"),
                         ["guard.tripped", "command.refused", "command.refused"])
        guard = self.listed(ws)[ws.key_id, "users"]
        self.assertEqual((guard["removed"], guard["base"], bool(guard["tripped"])), (4, 20, True))

    def test_each_key_for_itself_and_operators_not_at_all(self):
        ws, http, ids = self.place()
        other, _ = ws.key("other")
        second = ws.open(other)
        self.addCleanup(second.close)
        for uid in ids[:4]:
            self.expect(self.off(http, uid), 200)
        self.guarded(self.off(http, ids[4]))
        self.expect(self.off(second, ids[4]), 200)

    def test_least(self):
        """So many are let through whatever share they are."""
        ws, http, ids = self.place(users=3, guard_min=2, guard_share=1)
        for uid in ids[:2]:
            self.expect(self.off(http, uid), 200)
        self.guarded(self.off(http, ids[2]), "2 of 3")

    def test_off(self):
        ws, http, ids = self.place(users=4, guard_mode="off")
        for uid in ids:
            self.expect(http.delete("/Users/" + uid), 204)
        self.assertEqual(self.listed(ws), {})

    def test_a_request_is_whole(self):
        """One that alone is too much is refused whole: a PUT, a PATCH, a deletion of a room. Smaller ones go on."""
        ws, http, ids = self.place(guard_min=0)
        rid = self.room("R", ids[:10], http)["id"]
        self.room("S", ids[10:], http)
        before = self.members(rid, http)
        for attempt in (lambda: http.put("/Groups/" + rid, {"displayName": "R", "members": [{"value": ids[0]}]}),
                        lambda: http.put("/Groups/" + rid, {"displayName": "R", "members": []}),
                        lambda: http.patch("/Groups/" + rid, change(("remove", "members"))),
                        lambda: http.patch("/Groups/" + rid,
                                           change(("remove", "members", [{"value": i} for i in ids[:5]]))),
                        lambda: http.patch("/Groups/" + rid,
                                           change(*(("remove", 'members[value eq "%s"]' % i) for i in ids[:5]))),
                        lambda: http.delete("/Groups/" + rid)):
            self.guarded(attempt(), "members", "4 of 20")
            self.assertEqual(self.members(rid, http), before)
        twice = change(("remove", "members", [{"value": i} for i in ids[:4]]),
                       ("remove", "members", [{"value": i} for i in ids[:4]]))
        self.expect(http.patch("/Groups/" + rid, twice), 204)  # each counts once
        self.guarded(http.patch("/Groups/" + rid, change(("remove", "members", [{"value": ids[5]}]))), "5 members")
        self.assertEqual(self.members(rid, http), set(ids[4:10]))
        # Is none: nothing is removed.
        self.expect(http.patch("/Groups/" + rid, change(("remove", "members", [{"value": ids[0]}]))), 204)
        self.expect(http.patch("/Groups/" + rid, change(("add", "members", [{"value": ids[0]}]))), 204)
        self.expect(self.off(http, ids[19]), 200)  # users are counted apart; his leaving of rooms follows from it
        api = doors.api(ws)
        self.addCleanup(api.close)
        # The same key through the other interface.
        self.assertEqual(api.request("DELETE", "/rooms/%s/members/%s" % (rid, ids[6])).status, 403)

    def test_hold(self):
        """Tripped, all removals of the key are refused until they are released, by the tool or by the admin API."""
        ws, http, ids = self.place(guard_mode="hold")
        owner = doors.admin(ws, "administrator")
        self.addCleanup(owner.close)
        rid = self.room("R", ids, http)["id"]
        for release in (lambda: self.stack.ctl("guard", "release", ws.key_id),
                        lambda: self.assertLess(owner.post("/guards/%s/release" % ws.key_id, None).status, 300)):
            left = [u["id"] for u in http.get("/Users?count=200").json["Resources"] if u["active"]]
            gone = 0
            while http.delete("/Users/" + left[gone]).status == 204:
                gone += 1
            # Of 20, and of 16 of whom one has gone since the release.
            self.assertEqual(gone, 4 if len(left) == 20 else 2)
            self.guarded(http.delete("/Users/" + left[-1]), "held")
            self.guarded(http.delete("/Users/" + left[-1]), "held", "guard release " + ws.key_id)
            self.guarded(http.patch("/Groups/" + rid, change(("remove", "members", [{"value": left[-1]}]))), "held")
            self.expect(http.patch("/Users/" + left[-1], change(("replace", "title", "T"))), 200)
            self.assertTrue(self.listed(ws)[ws.key_id, "users"]["tripped"])
            release()
            self.assertFalse(self.listed(ws)[ws.key_id, "users"]["tripped"])
            self.expect(http.delete("/Users/" + left[-1]), 204)
        self.assertEqual(self.actions(ws, "guard.tripped", "guard.released"), ["guard.tripped", "guard.released"] * 2)

    def test_the_window_slides(self):
        """A window of a minute, in 16 parts: what was removed first may be removed again when its part has left."""
        ws, http, ids = self.place(guard_window=60)
        for uid in ids[:4]:
            self.expect(self.off(http, uid), 200)
        began = time.monotonic()
        self.guarded(self.off(http, ids[4]))
        # As if half a window had passed.
        self.stack.sql(
            "UPDATE guard_windows SET head = head - 8, base_at = base_at - 8, slots = slots[9:16] || slots[1:8] WHERE workspace_id=%s", ws.id)
        self.guarded(self.off(http, ids[4]))
        self.stack.sql(
            "UPDATE guard_windows SET head = head - 9, base_at = base_at - 9, slots = slots[10:16] || slots[1:9] WHERE workspace_id=%s", ws.id)
        self.expect(self.off(http, ids[4]), 200)
        guard = self.listed(ws)[ws.key_id, "users"]
        self.assertEqual((guard["removed"], guard["base"], guard["tripped"]), (1, 16, None))
        self.assertLess(time.monotonic() - began, 50, "too slow to prove anything")

    def test_many_at_once(self):
        """Over many connections exactly as many as are allowed."""
        ws, http, ids = self.place(users=40)
        results = in_flight(20, [lambda c, u=u: c.delete("/Users/" + u) for u in ids], http)
        self.assertEqual(statuses(results), {204: 8, 403: 32})
        self.assertEqual(ws.counts()["users"], 32)
        self.assertEqual(self.actions(ws, "guard.tripped"), ["guard.tripped"])

    def test_release_of_nobody(self):
        ws, http, ids = self.place(users=1)
        self.stack.ctl("guard", "release", ws.key_id)  # nothing to do
        with self.assertRaises(Exception):
            self.stack.ctl("guard", "release", "00000000-0000-7000-8000-00000000dead", workspace=ws.id)
        self.assertEqual(self.actions(ws, "guard.released"), [])
