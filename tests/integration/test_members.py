"""Membership: what many clients at once, whole lists, unknown and inactive users do to a room, seen in the room, in
SQL and in the events."""

from case import Case
from scimhttp import GROUP, USER, in_flight, patch_op, statuses

OFF = patch_op({"op": "replace", "path": "active", "value": False})
ON = patch_op({"op": "replace", "path": "active", "value": True})
NOBODY = "0190b3f2-0000-7000-8000-00000000dead"


def add(*users):
    return patch_op({"op": "add", "path": "members", "value": [{"value": u} for u in users]})


def remove(*users):
    return patch_op({"op": "remove", "path": "members", "value": [{"value": u} for u in users]})


def put(name, users):
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": u} for u in users]}


class Concurrency(Case):
    urls = None  # test_two spreads over several ingests

    def clients(self, ws=None):
        return [(ws or self.ws).open(url=u) for u in self.urls or [self.stack.url]]

    def many_users(self, ws, count, prefix):
        made = in_flight(16, [lambda c, i=i: c.post("/Users", {"schemas": [USER], "userName": "%s%d" % (prefix, i)})
                              for i in range(count)], self.clients(ws))
        self.assertEqual(statuses(made), {201: count})
        return [m.json["id"] for m in made]

    def test_100_single_adds_to_one_room_16_in_flight(self):
        users = self.many_users(self.ws, 100, "one")
        room = self.room("One at a time")["id"]
        results = in_flight(16, [lambda c, u=u: c.patch("/Groups/" + room, add(u)) for u in users], self.clients())
        self.assertEqual(statuses(results), {204: 100})
        self.assertEqual(self.members(room), set(users))
        events = [e for e in self.followers.events(self.ws.id) if e["room"]["id"] == room
                  and e["type"] == "usher.member.added"]
        self.assertEqual(sorted(e["user"]["id"] for e in events), sorted(users))
        # and out again, while others come in
        results = in_flight(16, [lambda c, u=u: c.patch("/Groups/" + room, remove(u)) for u in users[:50]] +
                            [lambda c, u=u: c.patch("/Groups/" + room, add(u)) for u in users[50:]], self.clients())
        self.assertEqual(statuses(results), {204: 100})
        self.assertEqual(self.members(room), set(users[50:]))

    def test_the_same_member_added_by_many_is_one_event(self):
        """Q33, Q34."""
        user, room = self.user("wanted")["id"], self.room("Wanted")["id"]
        self.assertEqual(statuses(in_flight(12, [lambda c: c.patch("/Groups/" + room, add(user))] * 24,
                                            self.clients())), {204: 24})
        self.assertEqual(self.members(room), {user})
        self.assertEqual([e["type"] for e in self.followers.events(self.ws.id) if e["room"]["id"] == room],
                         ["usher.room.created", "usher.member.added"])

    def test_eight_creates_of_one_name(self):
        results = in_flight(8,
                            [lambda c, i=i: c.post("/Users",
                                                   {"schemas": [USER],
                                                    "userName": ["Rush@hour.example", "rush@HOUR.example"][i % 2]})
                                for i in range(8)], self.clients())
        self.assertEqual(statuses(results), {201: 1, 409: 7})
        self.assertEqual({r.json["scimType"] for r in results if r.status == 409}, {"uniqueness"})
        self.assertEqual(self.http.find("/Users", 'userName eq "rush@hour.example"').json["totalResults"], 1)

    def test_eight_creates_of_one_room(self):
        results = in_flight(8, [lambda c: c.post("/Groups", {"schemas": [GROUP], "displayName": "Rush"})] * 8,
                            self.clients())
        self.assertEqual(statuses(results), {201: 1, 409: 7})

    def test_deactivation_against_adds(self):
        """Whatever order they fall in: an inactive user is nowhere a member, and the events say the same as the
        rows."""
        user = self.user("between")["id"]
        rooms = [self.room("Between %d" % i)["id"] for i in range(20)]
        jobs = [lambda c, r=r: c.patch("/Groups/" + r, add(user)) for r in rooms]
        jobs.insert(10, lambda c: c.patch("/Users/" + user, OFF))
        self.assertEqual(set(statuses(in_flight(8, jobs, self.clients()))), {204, 200})
        self.assertEqual([self.members(r) for r in rooms], [set()] * 20)
        self.assertNotIn("groups", self.http.get("/Users/" + user).json)
        at_last = {}
        for e in self.followers.events(self.ws.id):
            if e.get("user", {}).get("id") == user:
                at_last[e["room"]["id"]] = e["type"]
        self.assertLessEqual(set(at_last.values()), {"usher.member.removed"})
        self.expect(self.http.patch("/Users/" + user, ON), 200)
        self.assertEqual([self.members(r) for r in rooms], [{user}] * 20)

    def test_deletion_against_adds(self):
        user = self.user("leaving")["id"]
        rooms = [self.room("Leaving %d" % i)["id"] for i in range(12)]
        jobs = [lambda c, r=r: c.patch("/Groups/" + r, add(user)) for r in rooms]
        jobs.insert(6, lambda c: c.delete("/Users/" + user))
        results = in_flight(6, jobs, self.clients())
        # Once gone, it is an unknown member.
        self.assertLessEqual(set(statuses(results)), {204, 400}, statuses(results))
        self.assertEqual([self.members(r) for r in rooms], [set()] * 12)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM members WHERE workspace_id=%s AND user_id=%s", self.ws.id,
                                        user), [(0,)])

    def test_read_your_writes(self):
        """What was answered is there for every reader at once, on every ingest."""
        clients = self.clients()
        for i in range(10):
            made = self.expect(clients[i % len(clients)].post("/Users", {"schemas": [USER], "userName": "ryw%d" % i}),
                               201).json
            for reader in clients:
                self.expect(reader.get("/Users/" + made["id"]), 200)
                self.assertEqual(reader.find("/Users", 'userName eq "RYW%d"' % i).json["totalResults"], 1)
            title = self.expect(clients[(i + 1) % len(clients)].patch("/Users/" + made["id"], patch_op(
                {"op": "add", "path": "title", "value": str(i)})), 200)
            self.assertEqual(title.json["title"], str(i))
            self.assertEqual(clients[i % len(clients)].get("/Users/" + made["id"]).json["title"], str(i))


class Lists(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = [cls.http.post("/Users", {"schemas": [USER], "userName": "list%d" % i}).json["id"]
                     for i in range(30)]

    def events_of(self, act):
        """What act() adds to the events of the workspace: [(type, user)]."""
        before = len(self.followers.events(self.ws.id))
        act()
        return [(e["type"].rsplit(".", 1)[1], e.get("user", {}).get("id"))
                for e in self.followers.events(self.ws.id)[before:]]

    def test_put_of_many_with_one_change_is_one_event(self):
        """Promise 6: a PUT or PATCH costs what it changes."""
        u = self.users
        room = self.room("Many", u[:29])["id"]
        self.assertEqual(self.events_of(lambda: self.expect(self.http.put("/Groups/" + room, put("Many", u)), 200)),
                         [("added", u[29])])
        self.assertEqual(self.events_of(lambda: self.expect(self.http.put("/Groups/" + room, put("Many", u[1:])), 200)),
                         [("removed", u[0])])
        self.assertEqual(self.events_of(lambda: self.expect(self.http.put("/Groups/" + room, put("Many", u[1:])),
                                                            200)), [])
        self.assertEqual(self.events_of(lambda: self.expect(self.http.put("/Groups/" + room, put("More", u[1:])), 200)),
                         [("renamed", None)])
        full = patch_op({"op": "replace", "path": "members", "value": [{"value": x} for x in u[2:] + u[:1]]})
        self.assertEqual(sorted(self.events_of(lambda: self.expect(self.http.patch("/Groups/" + room, full), 204))),
                         sorted([("removed", u[1]), ("added", u[0])]))
        self.assertEqual(self.members(room), set(u[2:] + u[:1]))

    def test_remove_all_only_where_it_is_asked(self):
        """P22, P27, Q17, P38."""
        u = self.users[:4]
        room = self.room("All", u)["id"]
        self.assertEqual(self.events_of(lambda: self.expect(self.http.patch("/Groups/" + room, remove(u[0])), 204)),
                         [("removed", u[0])])
        for odd in ({"op": "remove", "path": "members", "value": []},
                    {"op": "remove", "path": "members", "value": [{}]},
                    {"op": "remove", "path": "members", "value": "x"},
                    {"op": "remove", "path": "members", "value": [{"display": "x"}]}):
            answer = self.http.patch("/Groups/" + room, patch_op(odd))
            self.assertIn(answer.status, (204, 400), odd)
            self.assertEqual(self.members(room), set(u[1:]), odd)
        self.assertEqual(sorted(self.events_of(lambda: self.expect(
            self.http.patch("/Groups/" + room, patch_op({"op": "remove", "path": "members"})), 204))),
                         sorted(("removed", x) for x in u[1:]))
        self.expect(self.http.patch("/Groups/" + room, add(*u)), 204)
        # Keycloak's way to empty.
        self.expect(self.http.patch("/Groups/" + room,
                                    patch_op({"op": "remove", "path": "members", "value": None})), 204)
        self.assertEqual(self.members(room), set())

    def test_other_filters_than_value(self):
        u = self.users[:3]
        room = self.room("Filters", u)["id"]
        gone = patch_op({"op": "remove", "path": 'members[value eq "%s" or value eq "%s"]' % (u[0], u[2])})
        self.assertEqual(sorted(self.events_of(lambda: self.expect(self.http.patch("/Groups/" + room, gone), 204))),
                         sorted([("removed", u[0]), ("removed", u[2])]))

    def test_one_request_in_order(self):
        """P2: each operation works on the result of the one before; only the difference is told."""
        u = self.users[:4]
        room = self.room("Order", u[:2])["id"]
        both = patch_op({"op": "remove", "path": "members"},
                        {"op": "add", "path": "members", "value": [{"value": u[1]}, {"value": u[2]}]},
                        {"op": "add", "path": "members", "value": [{"value": u[3]}]},
                        {"op": "remove", "path": 'members[value eq "%s"]' % u[2]})
        events = self.events_of(lambda: self.expect(self.http.patch("/Groups/" + room, both), 204))
        self.assertEqual(self.members(room), {u[1], u[3]})
        self.assertIn(("removed", u[0]), events)
        self.assertIn(("added", u[3]), events)

    def test_repeated_ids_count_once(self):
        u = self.users
        room = self.room("Twice", [u[0], u[0], u[0].upper()])["id"]
        self.assertEqual(self.members(room), {u[0]})
        self.assertEqual(self.events_of(lambda: self.expect(self.http.patch("/Groups/" + room, add(u[1], u[1])), 204)),
                         [("added", u[1])])

    def test_unknown_members(self):
        """Decided point: named and refused whole; under okta the known ones go in."""
        room = self.room("Unknown")["id"]
        refused = self.expect(self.http.patch("/Groups/" + room, add(self.users[0], NOBODY)), 400, "invalidValue")
        self.assertIn(NOBODY, refused.json["detail"])
        self.assertNotIn(self.users[0], refused.json["detail"])
        self.assertEqual(self.members(room), set())
        self.expect(self.http.put("/Groups/" + room, put("Unknown", [NOBODY])), 400, "invalidValue")
        self.expect(self.http.post("/Groups", put("Unknown 2", [NOBODY])), 400, "invalidValue")
        self.expect(self.http.patch("/Groups/" + room, remove(NOBODY)), 204)  # removing who is not there is done
        okta = self.ws.open(self.ws.key("okta", dialect="okta")[0])
        self.expect(okta.patch("/Groups/" + room, add(self.users[0], NOBODY)), 204)
        self.assertEqual(self.members(room), {self.users[0]})
        self.expect(okta.put("/Groups/" + room, put("Unknown", [NOBODY, self.users[1]])), 200)
        self.assertEqual(self.members(room), {self.users[1]})
        self.assertIn(NOBODY, str([c for c in self.followers.changes(self.ws.id) if c["target"]
                                   and c["target"]["id"] == room]))


class Inactive(Case):
    def test_held_and_restored(self):
        """Decided points: an inactive user's adds are held, never a 400 for the whole push; reactivation brings them
        and what he had before."""
        ben, ana = self.user("ben@held.example")["id"], self.user("ana@held.example")["id"]
        before, during, left = (self.room("Held %d" % i, m)["id"] for i, m in enumerate(([ana, ben], [], [ana])))
        self.expect(self.http.patch("/Users/" + ana, OFF), 200)
        self.assertEqual(self.members(before), {ben})
        self.expect(self.http.patch("/Groups/" + during, add(ben, ana)), 204)
        self.expect(self.http.patch("/Groups/" + during, add(ana)), 204)
        self.expect(self.http.patch("/Groups/" + left, remove(ana)), 204)  # taken off while held
        self.assertEqual(self.members(during), {ben})
        self.assertNotIn("groups", self.http.get("/Users/" + ana).json)
        self.assertEqual(self.http.find("/Groups", 'members.value eq "%s"' % ana).json["totalResults"], 0)
        self.expect(self.http.patch("/Users/" + ana, ON), 200)
        self.assertEqual({g["value"] for g in self.http.get("/Users/" + ana).json["groups"]}, {before, during})
        told = [(e["type"].rsplit(".", 1)[1], e["room"]["id"], e["reason"]) for e in self.followers.events(self.ws.id)
                if e.get("user", {}).get("id") == ana]
        self.assertEqual(told[:4], [("added", before, "scim"), ("added", left, "scim")] + told[2:4])
        self.assertEqual(sorted(told[2:4]), sorted(("removed", r, "user_deactivated") for r in (before, left)))
        self.assertEqual(sorted(told[4:]), sorted(("added", r, "user_reactivated") for r in (before, during)))
        held = [c for c in self.followers.changes(self.ws.id) if c["action"] == "member.held"]
        self.assertEqual([(c["target"]["id"], c["subject"]["id"]) for c in held], [(during, ana)])

    def test_rooms_stay_lost_where_the_workspace_says_so(self):
        ws = self.stack.workspace("norestore")
        ws.set(restore_rooms="false")
        user = self.user("u", ws.client)["id"]
        room = self.room("R", [user], ws.client)["id"]
        self.expect(ws.client.patch("/Users/" + user, OFF), 200)
        self.expect(ws.client.patch("/Users/" + user, ON), 200)
        self.assertEqual(self.members(room, ws.client), set())

    def test_put_of_a_held_member_keeps_it_held(self):
        """Okta's wizard PUTs the list that it knows; who is inactive in it stays held and comes back."""
        ana, ben = self.user("ana@put.example")["id"], self.user("ben@put.example")["id"]
        room = self.room("Put held", [ana, ben])["id"]
        self.expect(self.http.patch("/Users/" + ana, OFF), 200)
        self.expect(self.http.put("/Groups/" + room, put("Put held", [ana, ben])), 200)
        self.assertEqual(self.members(room), {ben})
        self.expect(self.http.patch("/Users/" + ana, ON), 200)
        self.assertEqual(self.members(room), {ana, ben})
        self.expect(self.http.patch("/Users/" + ana, OFF), 200)
        self.expect(self.http.put("/Groups/" + room, put("Put held", [ben])), 200)  # the list as it is shown
        self.expect(self.http.patch("/Users/" + ana, ON), 200)
        self.assertEqual(self.members(room), {ana, ben})
        self.expect(self.http.patch("/Users/" + ana, OFF), 200)
        self.expect(self.http.put("/Groups/" + room, put("Put held", [])), 200)  # all: off for good
        self.expect(self.http.patch("/Users/" + ana, ON), 200)
        self.assertEqual(self.members(room), set())

    def test_deactivation_empties_many_rooms_in_one_go(self):
        """One event per room, one transaction: all under one txn and with numbers in a row."""
        user = self.user("busy@rooms.example")["id"]
        rooms = {self.room("Busy %d" % i, [user])["id"] for i in range(25)}
        self.expect(self.http.patch("/Users/" + user, OFF), 200)
        out = [e for e in self.followers.events(self.ws.id) if e.get("user", {}).get("id") == user
               and e["type"] == "usher.member.removed"]
        self.assertEqual({e["room"]["id"] for e in out}, rooms)
        self.assertEqual(len(out), 25)
        self.assertEqual(len({e["txn"] for e in out}), 1)
        self.assertEqual([e["seq"] for e in out], list(range(out[0]["seq"], out[0]["seq"] + 25)))


class Rooms(Case):
    def test_deletion_tells_each_member_then_the_room(self):
        users = [self.user("del%d" % i)["id"] for i in range(3)]
        room = self.room("Doomed", users)["id"]
        self.expect(self.http.delete("/Groups/" + room), 204)
        events = [(e["type"], e.get("user", {}).get("id"), e["reason"]) for e in self.followers.events(self.ws.id)
                  if e["room"]["id"] == room][4:]
        self.assertEqual(sorted(events[:3]), sorted(("usher.member.removed", u, "room_deleted") for u in users))
        self.assertEqual(events[3][0], "usher.room.deleted")
        self.assertEqual(self.stack.sql("SELECT count(*) FROM members WHERE workspace_id=%s AND room_id=%s", self.ws.id,
                                        room), [(0,)])

    def test_deletion_forgets_held_members_too(self):
        user = self.user("heldroom")["id"]
        room = self.room("Held and doomed", [user])["id"]
        self.expect(self.http.patch("/Users/" + user, OFF), 200)
        self.expect(self.http.delete("/Groups/" + room), 204)
        self.expect(self.http.patch("/Users/" + user, ON), 200)
        self.assertNotIn("groups", self.http.get("/Users/" + user).json)
