"""Seats in both modes, by every way in. What must hold always: the count is the number of users with a seat; no way
in goes over the limit, at no time of the history."""

import random

import doors
from case import Case
from doors import change
from scimhttp import USER, Client, in_flight, statuses
from test_two import second_ingest


class Seats(Case):
    def place(self, **flags):
        ws = self.stack.workspace("seats", **flags)
        api = doors.api(ws)
        for client in (ws.client, api):
            self.addCleanup(client.close)
        return ws, ws.client, api

    def holds(self, ws, used, limit=None):
        """Count, users and history agree, now; and the history never went over the limit."""
        have, users, _ = doors.seats(ws)
        history = doors.seat_history(self.followers.changes(ws.id))
        self.assertEqual((have, users, history[-1] if history else 0), (used,) * 3)
        if limit is not None:
            self.assertLessEqual(max(history, default=0), limit)

    def active(self, http, uid, active):
        return http.patch("/Users/" + uid, change(("replace", "active", active)))

    def test_on_provision(self):
        ws, http, api = self.place(seats=2)
        a, b = (self.user(n, http)["id"] for n in "ab")
        self.user("off", http, active=False)  # takes none
        refused = self.expect(http.post("/Users", {"schemas": [USER], "userName": "c"}), 403).json["detail"]
        self.assertIn("2 of 2", refused)
        problem = api.post("/users", {"userName": "c"})
        self.assertEqual(problem.status, 403)
        self.assertIn("2 of 2", problem.json["detail"])
        self.expect(self.active(http, a, False), 200)
        self.holds(ws, 1, 2)
        c = self.user("c", http)["id"]
        self.expect(self.active(http, a, True), 403)  # reactivation too
        self.assertEqual(api.post("/users/%s/reactivate" % a, None).status, 403)
        self.assertIs(self.expect(http.get("/Users/" + a), 200).json["active"], False)
        self.expect(http.delete("/Users/" + c), 204)
        self.assertEqual(api.post("/users/%s/reactivate" % a, None).status, 200)
        self.holds(ws, 2, 2)
        self.assertEqual(api.request("DELETE", "/users/" + b).status, 204)
        self.holds(ws, 1, 2)
        # (creates were refused early)
        self.assertEqual([v["reason"] for v in self.followers.changes(ws.id)
                          if v["action"] == "seat.refused"].count("seats"), 2)

    def test_on_first_login(self):
        ws, http, api = self.place(seats=1, seat_mode="on_first_login")
        a = self.user("a@x.example", http, externalId="ext-a")["id"]
        b = self.user("b", http)["id"]
        self.holds(ws, 0, 1)
        version = http.get("/Users/" + a).json["meta"]["version"]
        first = api.post("/logins", {"user": a})
        self.assertIn(first.status, (200, 201, 204), first)
        self.holds(ws, 1, 1)
        # Later ones only note the time.
        for name, value in (("user", a), ("userName", "A@x.example"), ("externalId", "ext-a")):
            self.assertEqual(api.post("/logins", {name: value}).status, first.status)
        self.assertEqual(http.get("/Users/" + a).json["meta"]["version"], version)
        self.assertEqual(self.stack.sql(
            "SELECT times, last_at > first_at FROM logins WHERE workspace_id=%s AND user_id=%s", ws.id, a), [(4, True)])
        self.assertEqual([(v["action"], v.get("seat")) for v in self.followers.changes(ws.id)
                          if (v["target"] or {}).get("id") == a], [("user.created", None), ("user.login", "taken")])
        refused = api.post("/logins", {"userName": "b"})
        self.assertEqual(refused.status, 403)
        self.assertIn("1 of 1", refused.json["detail"])
        # Nothing happened.
        self.assertEqual(self.stack.sql("SELECT count(*) FROM logins WHERE workspace_id=%s AND user_id=%s", ws.id,
                                        b)[0][0], 0)
        self.expect(self.active(http, b, False), 200)
        self.assertEqual(api.post("/logins", {"user": b}).status, 403)  # deactivated
        for nobody in ({"user": "00000000-0000-7000-8000-00000000dead"}, {"userName": "nobody"},
                       {"externalId": "none"}):
            self.assertEqual(api.post("/logins", nobody).status, 404)
        self.expect(self.active(http, a, False), 200)
        self.holds(ws, 0, 1)
        self.expect(self.active(http, b, True), 200)  # never logged in: takes none
        self.assertEqual(api.post("/logins", {"user": b}).status, first.status)
        # Who has logged in takes one again.
        self.assertIn("1 of 1", self.expect(self.active(http, a, True), 403).json["detail"])
        self.expect(http.delete("/Users/" + b), 204)
        self.expect(self.active(http, a, True), 200)
        self.holds(ws, 1, 1)
        self.expect(http.delete("/Users/" + a), 204)
        self.holds(ws, 0, 1)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM logins WHERE workspace_id=%s", ws.id)[0][0], 0)

    def test_limit_raised_and_lowered(self):
        ws, http, api = self.place(seats=3)
        ids = [self.user("u%d" % i, http)["id"] for i in range(3)]
        ws.set(seats=1)
        self.holds(ws, 3)  # nobody is thrown out …
        self.expect(http.post("/Users", {"schemas": [USER], "userName": "new"}), 403)  # … nobody let in …
        for uid in ids[:2]:
            self.expect(self.active(http, uid, False), 200)
            self.expect(self.active(http, uid, True), 403)
        self.holds(ws, 1)
        ws.set(seats=2)
        self.expect(self.active(http, ids[0], True), 200)
        ws.set(seats="none")
        self.expect(self.active(http, ids[1], True), 200)
        self.user("new", http)
        self.holds(ws, 4)
        ws.set(seats=0)
        # Who is in may change otherwise.
        self.expect(http.patch("/Users/" + ids[0], change(("replace", "title", "T"))), 200)
        self.expect(http.post("/Users", {"schemas": [USER], "userName": "x"}), 403)

    def test_mode_changed(self):
        """Everybody's seat at once, told by one record; the count goes on from there."""
        ws, http, api = self.place(seats=3)
        ids = [self.user("m%d" % i, http)["id"] for i in range(3)]
        self.user("off", http, active=False)
        self.assertLess(api.post("/logins", {"user": ids[0]}).status, 300)
        ws.set(seat_mode="on_first_login")
        self.holds(ws, 1)
        self.assertLess(api.post("/logins", {"user": ids[1]}).status, 300)
        self.user("m3", http)
        self.holds(ws, 2)
        ws.set(seats=2)
        self.assertEqual(api.post("/logins", {"user": ids[2]}).status, 403)
        ws.set(seat_mode="on_provision")  # more than the limit: nobody is thrown out
        self.holds(ws, 4)
        self.expect(http.post("/Users", {"schemas": [USER], "userName": "x"}), 403)
        self.expect(http.delete("/Users/" + ids[0]), 204)
        self.holds(ws, 3)
        told = [v["changes"] for v in self.followers.changes(ws.id) if v["action"] == "seats.recounted"]
        self.assertEqual([(c[0]["path"], c[0]["from"], c[0]["to"]) for c in told],
                         [("seatsUsed", 3, 1), ("seatsUsed", 2, 4)])

    def test_shown(self):
        ws, http, api = self.place(seats=5)
        self.user("a", http)
        shown = next(w for w in self.stack.ctl("workspace", "list")["workspaces"] if w["id"] == ws.id)
        self.assertEqual((shown["seats"], shown["seatsUsed"], shown["seatMode"]), (5, 1, "on_provision"))
        self.assertEqual(api.get("/seats").status, 200)
        self.assertIn(1, api.get("/seats").json.values())
        self.assertIn(5, api.get("/seats").json.values())


class Races(Seats):
    """Two ingests and two workers; create, reactivate, link and first login mixed, by both interfaces. Judged from
    the stream: never above the limit."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.urls = [cls.stack.url, second_ingest(cls.stack)]

    def storm(self, ws, limit, seed, jobs_of):
        clients = [Client(url, ws.token, check=False) for url in self.urls]
        jobs = jobs_of(random.Random(seed))
        results = in_flight(16, jobs, clients)
        for r in results:
            self.assertIn(getattr(r, "status", r), (200, 201, 204, 403, 404, 409), r)
        for c in clients:
            c.close()
        used = doors.seats(ws)[0]
        self.assertLessEqual(used, limit)
        self.holds(ws, used, limit)
        return results

    @staticmethod
    def login(http, uid):
        prefix, http.prefix = http.prefix, "/api/v1"
        try:
            return http.post("/logins", {"user": uid}, headers=doors.JSON)
        finally:
            http.prefix = prefix

    def mixed(self, rng, ws, ids, mails):
        jobs = []
        for i in range(160):
            uid = rng.choice(ids)
            jobs.append(rng.choice((
                lambda c, i=i: c.post("/Users", {"schemas": [USER], "userName": "race-%d" % i}),
                lambda c, u=uid: c.patch("/Users/" + u, change(("replace", "active", False))),
                lambda c, u=uid: c.patch("/Users/" + u, change(("replace", "active", True))),
                lambda c, u=uid: self.login(c, u),
                lambda c, u=uid: c.delete("/Users/" + u) if rng.random() < 0.1
                else c.patch("/Users/" + u, change(("replace", "active", False))),
                lambda c, i=i, m=rng.choice(mails): c.post("/Users", {"schemas": [USER], "userName": "link-%d" % i,
                                                                      "emails": [{"value": m, "primary": True}]}),
            )))
        return jobs

    def test_mixed(self):
        for mode in ("on_provision", "on_first_login"):
            for seed in (1, 2, 3):
                with self.subTest(mode, seed=seed):
                    ws, http, api = self.place(seats=8, seat_mode=mode, link_by_email="true")
                    ids = [self.user("old-%d" % i, http, active=False)["id"] for i in range(20)]
                    mails = ["m%d@x.example" % i for i in range(10)]
                    for m in mails:
                        self.assertEqual(api.post("/users", {"userName": m, "active": False}).status, 201)
                    results = self.storm(ws, 8, seed, lambda rng: self.mixed(rng, ws, ids, mails))
                    self.assertIn(403, statuses(results))  # the limit was in the way
                    linked = [v["target"]["id"] for v in self.followers.changes(ws.id) if v["action"] == "user.linked"]
                    self.assertTrue(linked)
                    self.assertEqual(len(linked), len(set(linked)), "an account was taken over twice")

    def test_one_seat_many_first_logins(self):
        ws, http, api = self.place(seats=1, seat_mode="on_first_login")
        ids = [self.user("l%d" % i, http)["id"] for i in range(24)]
        results = self.storm(ws, 1, 0, lambda rng: [lambda c, u=u: self.login(c, u) for u in ids])
        self.assertEqual(sorted(statuses(results).values()), [1, 23])
        self.holds(ws, 1, 1)

    def test_one_seat_many_reactivations(self):
        ws, http, api = self.place(seats=1)
        ids = [self.user("r%d" % i, http, active=False)["id"] for i in range(24)]
        results = self.storm(ws, 1, 0, lambda rng: [lambda c, u=u: self.active(c, u, True) for u in ids])
        self.assertEqual(statuses(results), {200: 1, 403: 23})
