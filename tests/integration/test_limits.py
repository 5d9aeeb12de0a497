"""Rates (Q42), expiry, revocation, seats: what a key and a workspace may."""

import datetime
import re
import time
import urllib.parse

import stream
from case import Case
from scimhttp import GROUP, USER, in_flight, patch_op, statuses
from waiting import let_time_pass_until


def body(name, **more):
    return {"schemas": [USER], "userName": name, **more}


class Rate(Case):
    def test_the_limit_is_exact_and_retry_after_is_true(self):
        ws = self.stack.workspace("rate", rate=20)
        seen = [ws.client.get("/Users?count=0") for _ in range(25)]
        self.assertEqual([a.status for a in seen], [200] * 20 + [429] * 5)
        wait = int(seen[-1].headers["retry-after"])
        self.assertTrue(1 <= wait <= 60, wait)
        before = ws.counts()
        self.expect(ws.client.post("/Users", body("refused@rate.example")), 429)
        self.assertEqual(ws.counts(), before)
        self.refused_are_flagged(ws, 6)

    def refused_are_flagged(self, ws, count):
        """The stream tells them apart."""
        def flagged(requests):
            return [r["status"] for r in requests if r.get("rateLimited")]

        requests = self.followers.requests(ws.id, lambda rs: len(flagged(rs)) >= count, "rate-limited requests")
        self.assertEqual(flagged(requests), [429] * count)

    def test_600_then_429_and_a_retry_that_succeeds(self):
        """The default, with 16 in flight: of 640 exactly 600, and after Retry-After the next one passes."""
        ws = self.stack.workspace("rate600", rate=600)
        began = time.monotonic()
        results = in_flight(16, [lambda c: c.get("/Users?count=0")] * 640, ws.client)
        took = time.monotonic() - began
        self.assertLess(took, 55, "too slow to say anything about a window of 60 s")
        self.assertEqual(statuses(results), {200: 600, 429: 40})

    def test_what_is_left_is_told(self):
        """RateLimit and RateLimit-Policy on every answer of an admitted request, whatever it is; Retry-After is when
        the oldest unit leaves the window."""
        ws = self.stack.workspace("ratetold", rate=9)
        weak = ws.open(ws.key("weak", "scim:users:read", rate=2)[0])
        made = ws.client.post("/Users", body("told"))
        seen = [made, ws.client.get("/Users/" + made.json["id"]), ws.client.get("/Users/none"),
                ws.client.post("/Users", body("told")), ws.client.post("/Users", {"no": "user"}),
                ws.client.get("/Nothing"), ws.client.request("OPTIONS", "/Users"),
                ws.client.get("/Users/" + made.json["id"], headers={"If-None-Match": made.headers["etag"]}),
                ws.client.delete("/Users/" + made.json["id"]), ws.client.get("/Users")]
        self.assertEqual([a.status for a in seen], [201, 200, 404, 409, 400, 404, 204, 304, 204, 429])
        for n, answer in enumerate(seen):
            self.assertEqual(answer.headers.get("ratelimit-policy"), '"default";q=9;w=60', answer)
            left = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.headers.get("ratelimit", ""))
            self.assertTrue(left, answer.header_list)
            self.assertEqual(int(left.group(1)), max(0, 8 - n))
            self.assertTrue(1 <= int(left.group(2)) <= 60)
        self.assertEqual(seen[-1].headers["retry-after"], left.group(2))
        refused = self.expect(weak.post("/Users", body("weak")), 403)
        self.assertEqual((refused.headers["ratelimit-policy"], refused.headers["ratelimit"][:13]),
                         ('"default";q=2;w=60', '"default";r=1'))
        nobody = ws.open("ush_nothing").get("/Users")
        self.assertNotIn("ratelimit", nobody.headers)

    def test_a_key_s_own_rate_goes_before_the_workspace_s(self):
        """The preset for Entra ID: 25 requests a second."""
        ws = self.stack.workspace("rateown", rate=2)
        entra = ws.open(ws.key("entra", rate=1500, dialect="entra")[0])
        self.assertEqual([entra.get("/Users?count=0").status for _ in range(5)], [200] * 5)
        self.assertEqual(entra.get("/Users?count=0").headers["ratelimit-policy"], '"default";q=1500;w=60')
        self.assertEqual([ws.client.get("/Users?count=0").status for _ in range(3)], [200] * 2 + [429])

    def test_each_key_has_its_own_count(self):
        ws = self.stack.workspace("ratekeys", rate=3)
        second = ws.open(ws.key("second")[0])
        self.assertEqual([ws.client.get("/Users?count=0").status for _ in range(4)], [200] * 3 + [429])
        self.assertEqual([second.get("/Users?count=0").status for _ in range(4)], [200] * 3 + [429])


class Keys(Case):
    def test_revoked_is_dead_on_the_next_request(self):
        """Promise 4."""
        token, key = self.ws.key("short-lived")
        client = self.ws.open(token)
        self.expect(client.get("/Users?count=0"), 200)
        self.stack.ctl("key", "revoke", key)
        self.expect(client.get("/Users?count=0"), 401)
        self.expect(client.post("/Users", body("dead@keys.example")), 401)
        self.expect(self.http.get("/Users?count=0"), 200)  # another key of the same workspace lives on
        self.assertIn("key.revoked", [c["action"] for c in self.followers.changes(self.ws.id)])

    def test_no_change_after_the_revocation(self):
        """Writers run while their key is revoked: nothing that was applied under it stands in the log behind the
        revocation."""
        token, key = self.ws.key("busy")
        client, done = self.ws.open(token), []

        def create(i):
            def job(c):
                if i == 40:
                    self.stack.ctl("key", "revoke", key)
                a = c.post("/Users", body("busy%d@keys.example" % i))
                done.append(a.status)
                return a
            return job

        count = statuses(in_flight(8, [create(i) for i in range(120)], client))
        self.assertLessEqual(set(count), {201, 401, 403}, count)
        self.assertGreater(count.get(401, 0), 0)
        changes = self.followers.changes(self.ws.id)
        revoked = next(i for i, c in enumerate(changes) if c["action"] == "key.revoked" and c["target"]["id"] == key)
        later = [c for c in changes[revoked + 1:] if c["actor"].get("id") == key and c["outcome"] == "applied"]
        self.assertEqual(later, [])
        created = [c for c in changes if c["action"] == "user.created" and c["actor"].get("id") == key]
        self.assertEqual(len(created), count.get(201, 0))

    def test_expired(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
        token, _ = self.ws.key("expiring", expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
        client = self.ws.open(token)
        self.expect(client.get("/Users?count=0"), 200)
        let_time_pass_until(soon, "the key lives until then")
        self.expect(client.get("/Users?count=0"), 401)

    def test_list_shows_no_token(self):
        listed = str(self.stack.ctl("key", "list", "--workspace", self.ws.id))
        self.assertIn(self.ws.key_id, listed)
        self.assertNotIn(self.ws.token, listed)


class Seats(Case):
    def seats(self, ws):
        return ws.counts()["seats"]

    def test_fifty_at_once_with_ten_left(self):
        """Promise 3: exactly ten, whatever the race."""
        ws = self.stack.workspace("seats50", seats=13)
        for i in range(3):
            self.expect(ws.client.post("/Users", body("first%d" % i)), 201)
        results = in_flight(50, [lambda c, i=i: c.post("/Users", body("race%d" % i)) for i in range(50)], ws.client)
        self.assertEqual(statuses(results), {201: 10, 403: 40})
        self.assertEqual(ws.counts()["users"], 13)
        self.assertEqual(self.seats(ws), 13)
        refusal = next(r for r in results if r.status == 403).json["detail"]
        self.assertRegex(refusal, r"13.*13")  # used and limit
        changes = self.followers.changes(ws.id)
        self.assertEqual(sum(stream.seats_by(c) for c in changes), 13)
        self.assertEqual(sum(c["action"] == "user.created" for c in changes), 13)

    def test_reactivation_needs_a_seat(self):
        ws = self.stack.workspace("seats2", seats=2)
        a = ws.client.post("/Users", body("a")).json["id"]
        b = ws.client.post("/Users", body("b")).json["id"]
        self.expect(ws.client.post("/Users", body("c")), 403)
        # C2, Q32: a duplicate is one with no seat left too.
        self.expect(ws.client.post("/Users", body("A")), 409, "uniqueness")
        inactive = self.expect(ws.client.post("/Users", body("c", active=False)), 201).json["id"]  # Q29: takes none
        self.assertEqual(self.seats(ws), 2)
        on = patch_op({"op": "replace", "path": "active", "value": True})
        off = patch_op({"op": "replace", "path": "active", "value": False})
        self.expect(ws.client.patch("/Users/" + inactive, on), 403)
        self.expect(ws.client.put("/Users/" + inactive, body("c", active=True)), 403)
        self.assertFalse(ws.client.get("/Users/" + inactive).json["active"])
        self.expect(ws.client.patch("/Users/" + a, off), 200)  # frees one
        self.assertEqual(self.seats(ws), 1)
        self.expect(ws.client.patch("/Users/" + inactive, on), 200)
        self.expect(ws.client.patch("/Users/" + a, on), 403)
        # Holds his seat.
        self.expect(ws.client.patch("/Users/" + b, patch_op({"op": "replace", "path": "title", "value": "x"})), 200)
        self.expect(ws.client.delete("/Users/" + b), 204)  # frees one
        self.expect(ws.client.patch("/Users/" + a, on), 200)
        self.assertEqual(self.seats(ws), 2)
        # (The early refusals of the ingest never reached the log; whatever did balances.)
        self.assertEqual(sum(stream.seats_by(c) for c in self.followers.changes(ws.id)), 2)

    def test_reactivations_at_once(self):
        ws = self.stack.workspace("seatsre", seats=8)
        users = [ws.client.post("/Users", body("u%d" % i, active=False)).json["id"] for i in range(20)]
        on = patch_op({"op": "replace", "path": "active", "value": True})
        results = in_flight(20, [lambda c, u=u: c.patch("/Users/" + u, on) for u in users], ws.client)
        self.assertEqual(statuses(results), {200: 8, 403: 12})
        self.assertEqual(self.seats(ws), 8)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM users WHERE workspace_id=%s AND active", ws.id), [(8,)])

    def test_raising_and_lowering_the_limit(self):
        ws = self.stack.workspace("seatsset", seats=1)
        self.expect(ws.client.post("/Users", body("a")), 201)
        self.expect(ws.client.post("/Users", body("b")), 403)
        ws.set(seats=2)
        b = self.expect(ws.client.post("/Users", body("b")), 201).json["id"]
        ws.set(seats=1)  # nobody is thrown out, nobody comes in
        self.expect(ws.client.post("/Users", body("c")), 403)
        self.expect(ws.client.delete("/Users/" + b), 204)
        self.expect(ws.client.post("/Users", body("c")), 403)
        self.assertIn("settings.changed", [c["action"] for c in self.followers.changes(ws.id)])


class Settings(Case):
    def test_where_seats_are_taken_at_first_login_creation_takes_none(self):
        ws = self.stack.workspace("jit", seats=1, seat_mode="on_first_login")
        for name in "abc":
            self.expect(ws.client.post("/Users", body(name)), 201)
        self.assertEqual(ws.counts()["seats"], 0)

    def test_user_name_must_be_an_e_mail_where_the_workspace_says_so(self):
        ws = self.stack.workspace("email")
        ws.set(require_email="true")
        self.expect(ws.client.post("/Users", body("no mail")), 400, "invalidValue")
        self.expect(ws.client.post("/Users", body("ana@mail.example")), 201)

    def test_room_names_may_repeat_where_the_workspace_says_so(self):
        ws = self.stack.workspace("rooms")
        ws.set(unique_rooms="false")
        for _ in range(2):
            self.expect(ws.client.post("/Groups", {"schemas": [GROUP], "displayName": "Same"}), 201)
        self.assertEqual(ws.client.get("/Groups?filter="
                                       + urllib.parse.quote('displayName eq "same"')).json["totalResults"], 2)
