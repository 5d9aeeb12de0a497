"""Idempotency-Key: a write that is sent again has no second effect and gets the same answer, on every ingest, and
through kill -9 at every step of the way."""

import hashlib
import re
import signal
import threading

from apicase import ApiCase
from apihttp import ApiClient
from scimhttp import Broken, in_flight, statuses
from stack import free_port

KEEPS = ("content-type", "location", "etag", "usher-txn")


def key(text):
    return {"Idempotency-Key": '"%s"' % text}


def same(a, b):
    """Status, body and headers of two answers."""
    return (a.status, a.body, {n: a.headers.get(n) for n in KEEPS}) == (b.status, b.body,
                                                                        {n: b.headers.get(n) for n in KEEPS})


class Twice(ApiCase):
    def twice(self, method, path, body=None, status=200, api=None):
        """The second answer is the first one, and nothing has happened in between."""
        self.number = getattr(self, "number", 0) + 1
        headers = key("%s %d" % (self.id(), self.number))
        first = (api or self.api).request(method, path, body, headers=headers)
        self.assertEqual(first.status, status, repr(first))
        before = self.ws.counts()
        second = (api or self.api).request(method, path, body, headers=headers)
        self.assertTrue(same(first, second), "%s %s\n%r %r\n%r %r" % (method, path, first, first.headers, second,
                                                                      second.headers))
        self.assertEqual(self.ws.counts(), before)
        return first

    def test_every_write(self):
        user = self.twice("POST", "/users", {"userName": "twice"}, 201).json
        room = self.twice("POST", "/rooms", {"displayName": "Twice", "members": [user["id"]]}, 201).json
        other = self.twice("POST", "/users", {"userName": "twice other"}, 201).json
        member = "/rooms/%s/members/%s" % (room["id"], other["id"])
        self.twice("PUT", member, {"transmit": False}, 201)
        self.twice("PUT", member, {"transmit": True}, 200)
        self.twice("DELETE", member, None, 204)
        self.twice("DELETE", member, None, 404)
        self.twice("PATCH", "/users/" + user["id"], {"displayName": "T"})
        self.twice("PATCH", "/rooms/" + room["id"], {"displayName": "Thrice"})
        self.twice("POST", "/users/%s/deactivate" % user["id"])
        self.twice("POST", "/users/%s/reactivate" % user["id"])
        self.assertTrue(self.twice("POST", "/logins", {"user": user["id"]}).json["first"])
        self.twice("POST", "/users/import", {"users": [{"userName": "imported"}, {"userName": "twice"}]})
        self.twice("POST", "/users", {"userName": "TWICE"}, 409)
        self.twice("POST", "/users", {"colour": 1}, 400)
        self.twice("DELETE", "/rooms/" + room["id"], None, 204)
        self.twice("DELETE", "/users/" + user["id"], None, 204)

    def test_the_answer_of_then(self):
        """What happened since does not show."""
        first = self.api.post("/users", {"userName": "then"}, headers=key("then"))
        self.assertEqual(self.api.delete("/users/" + first.json["id"]).status, 204)
        self.assertTrue(same(self.api.post("/users", {"userName": "then"}, headers=key("then")), first))
        self.problem(self.api.get("/users/" + first.json["id"]), 404, "not-found")

    def test_another_request_under_the_key(self):
        made = self.api.post("/users", {"userName": "one"}, headers=key("reused"))
        for method, path, body in (("POST", "/users", {"userName": "two"}), ("POST", "/users?x=1", {"userName": "one"}),
                                   ("POST", "/rooms", {"userName": "one"}), ("POST", "/users", {"userName": "one "}),
                                   ("DELETE", "/users/" + made.json["id"], None)):
            self.problem(self.api.request(method, path, body, headers=key("reused")), 422, "key-reused")
        self.assertEqual(self.ok(self.api.get("/users/" + made.json["id"]))["version"], 1)

    def test_keys_belong_to_credentials(self):
        """Another key, another workspace: the same text says nothing there."""
        ws = self.stack.workspace("elsewhere")
        first = self.ok(self.api.post("/users", {"userName": "owned"}, headers=key("owned")), 201)
        other, there = self.open_api(token=self.ws.key("second")[0]), self.open_api(ws)
        self.problem(other.post("/users", {"userName": "owned"}, headers=key("owned")), 409, "uniqueness")
        self.assertNotEqual(self.ok(there.post("/users", {"userName": "owned"}, headers=key("owned")), 201)["id"],
                            first["id"])
        other.close(), there.close()

    def test_the_header(self):
        made = self.api.post("/users", {"userName": "header"},
                             headers={"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"})
        again = self.api.post("/users", {"userName": "header"},
                              headers={"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'})
        self.assertTrue(same(made, again))
        for bad in ("", '""', '"', '"a', 'a b', 'a,b', '"a", "b"', '"a\\b"', "\u00e4", '"' + "x" * 256 + '"', "x" * 256,
                    '"a";p=1'):
            got = self.api.post("/users", {"userName": "never"},
                                headers={"Idempotency-Key": bad.encode("latin-1").decode("latin-1")})
            self.problem(got, 400, "bad-request")
        self.assertEqual(self.api.pages("/users", userName="never"), [])
        for good in ('"a\\"b\\\\"', '"' + "x" * 255 + '"'):
            self.ok(self.api.post("/logins", {"userName": "header"}, headers={"Idempotency-Key": good}))
        self.ok(self.api.get("/users", headers={"Idempotency-Key": ""}))  # reads need none

    def test_of_yesterday(self):
        first = self.ok(self.api.post("/users", {"userName": "old"}, headers=key("old")), 201)
        self.stack.sql(
            "UPDATE idempotency SET created = now() - interval '25 hours' WHERE workspace_id=%s AND idem_key='old'",
            self.ws.id)
        self.problem(self.api.post("/users", {"userName": "old"}, headers=key("old")), 409, "uniqueness")
        self.assertEqual(self.stack.sql("SELECT count(*) FROM idempotency WHERE workspace_id=%s AND idem_key='old'",
                                        self.ws.id), [(1,)])
        self.assertEqual(self.ok(self.api.get("/users/" + first["id"])), first)

    def test_the_last_seat(self):
        """Who took it and asks again is not told that there is none."""
        ws = self.stack.workspace("seat", seats=1)
        api = self.open_api(ws)
        first = api.post("/users", {"userName": "s"}, headers=key("s"))
        self.assertEqual(first.status, 201)
        self.assertTrue(same(api.post("/users", {"userName": "s"}, headers=key("s")), first))
        self.problem(api.post("/users", {"userName": "t"}, headers=key("t")), 403, "seats")
        api.close()


class Together(ApiCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.stack.extra_ingest("idempotent", free_port())

    def test_many_at_once_on_two_ingests(self):
        """One effect; everybody hears the one answer, or that it is being done."""
        clients = [self.open_api(), self.open_api(url=self.second)]
        for n in range(6):
            job = lambda c, n=n: c.post("/users", {"userName": "at once %d" % n},
                                        headers=key("at once %d" % n))  # noqa: E731
            got = in_flight(12, [job] * 24, clients)
            self.assertLessEqual(set(statuses(got)), {201, 409}, statuses(got))
            self.assertEqual({g.json["type"] for g in got
                              if g.status == 409} - {"urn:usher:problem:in-progress"}, set())
            made = [g for g in got if g.status == 201]
            self.assertTrue(made and all(same(g, made[0]) for g in made))
            self.assertTrue(all(same(c.post("/users", {"userName": "at once %d" % n}, headers=key("at once %d" % n)),
                                     made[0]) for c in clients))
        created = [c for c in self.followers.changes(self.ws.id) if c["action"] == "user.created"]
        self.assertEqual(len(created), 6)
        self.assertEqual(len({c["target"]["id"] for c in created}), 6)

    def test_different_keys_do_not_wait_for_each_other(self):
        clients = [self.open_api(), self.open_api(url=self.second)]
        got = in_flight(12, [lambda c, i=i: c.post("/rooms", {"displayName": "room %d" % i},
                                                   headers=key("room %d" % (i % 40))) for i in range(40)] * 2, clients)
        self.assertLessEqual(set(statuses(got)), {201, 409}, statuses(got))
        self.assertEqual(len(self.api.pages("/rooms")), 40)

    def test_while_the_first_is_under_way(self):
        """A worker that stands still: the second one is told 409; when the first is cancelled, the key is free
        again."""
        answers = []
        client = self.open_api()
        self.stack.signal("WORKER", signal.SIGSTOP)
        try:
            first = threading.Thread(target=lambda: answers.append(client.post("/users", {"userName": "slow"},
                                                                               headers=key("slow"))))
            first.start()
            kept = "SELECT 1 FROM idempotency WHERE workspace_id=%s AND idem_key='slow'"
            self.wait_until(lambda: self.stack.sql(kept, self.ws.id), "the first request's key")
            got = self.problem(self.api.post("/users", {"userName": "slow"}, headers=key("slow")), 409, "in-progress")
            self.assertTrue(got.headers["retry-after"].isdigit())
            self.problem(self.api.post("/users", {"userName": "other"}, headers=key("slow")), 422, "key-reused")
            first.join()
            self.problem(answers[0], 503, "deadline")
            self.assertEqual(self.stack.sql(
                "SELECT count(*) FROM idempotency WHERE workspace_id=%s AND idem_key='slow'", self.ws.id), [(0,)])
        finally:
            self.stack.signal("WORKER", signal.SIGCONT)
        self.wait_until(lambda: self.api.post("/users", {"userName": "slow"}, headers=key("slow")).status == 201,
                        "the retry to be done")
        self.assertEqual(len(self.api.pages("/users", userName="slow")), 1)


class Killed(ApiCase):
    """kill -9 of the ingest at a step of the way; the client asks another one again."""

    def killed(self, point, method, path, body, name):
        url = self.stack.extra_ingest("doomed-" + re.sub("[^a-z]", "-", name), free_port(),
                                      failpoint="%s=kill@1" % point)
        doomed = ApiClient(url, self.ws.token, check=False)
        with self.assertRaises((Broken, ConnectionError)):
            doomed.request(method, path, body, headers=key(name))
        doomed.close()

    def again(self, method, path, body, name):
        """Until it is no longer being done."""
        def done():
            got = self.api.request(method, path, body, headers=key(name))
            return None if got.status == 409 and got.json["type"] == "urn:usher:problem:in-progress" else got

        return self.wait_until(done, "%s to be no longer in progress" % name)

    def created(self, action, name):
        return [c["target"]["id"] for c in self.followers.changes(self.ws.id) if c["action"] == action
                and c["target"]["name"] == name]

    def test_at_every_step(self):
        for point in ("ingest.before_publish", "ingest.after_publish", "ingest.before_answer", "ingest.after_audit"):
            with self.subTest(point):
                name = point.split(".")[1]
                self.killed(point, "POST", "/users", {"userName": name}, name)
                got = self.again("POST", "/users", {"userName": name}, name)
                self.assertEqual(got.status, 201, repr(got))
                self.assertEqual(self.created("user.created", name), [got.json["id"]])
                self.assertTrue(got.headers["location"].endswith("/users/" + got.json["id"]))
                self.assertEqual(self.ok(self.api.get("/users/" + got.json["id"])), got.json)
                self.assertTrue(same(self.again("POST", "/users", {"userName": name}, name), got))

    def test_a_removal(self):
        user, room = self.make_user("kicked"), self.make_room("Kicked", members=None)
        path = "/rooms/%s/members/%s" % (room["id"], user["id"])
        self.ok(self.api.put(path), 201)
        self.killed("ingest.before_answer", "DELETE", path, None, "kicked")
        self.assertEqual(self.again("DELETE", path, None, "kicked").status, 204)
        self.killed("ingest.before_answer", "DELETE", "/users/" + user["id"], None, "kicked out")
        self.assertEqual(self.again("DELETE", "/users/" + user["id"], None, "kicked out").status, 204)

    def test_a_refusal_stays_one(self):
        self.make_user("refused")
        self.killed("ingest.before_answer", "POST", "/users", {"userName": "REFUSED"}, "refused")
        self.problem(self.again("POST", "/users", {"userName": "REFUSED"}, "refused"), 409, "uniqueness")

    def test_the_row_says_no_more_than_it_must(self):
        """A fingerprint, not the request."""
        body = b'{"userName":"private"}'
        self.ok(self.api.post("/users", body, headers=key("private")), 201)
        row = self.stack.sql("SELECT fingerprint FROM idempotency WHERE workspace_id=%s AND idem_key='private'",
                             self.ws.id)[0]
        self.assertEqual(bytes(row[0]), hashlib.sha256(b"POST\0/api/v1/users\0\0" + body + b"\0").digest())
