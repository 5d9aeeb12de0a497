"""Wrong tokens of one source are slowed down; nobody else is."""

import os
import socket
import subprocess
import threading
import time

import proxied
import stream
from case import Case
from scimhttp import Client, raw
from stack import free_port
from test_keys import unknown_token
from waiting import let_time_pass, wait_for_end


class Throttle(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = proxied.url(cls.stack)

    def timed(self, token, address):
        client = Client(self.url, token, headers=proxied.came_from(address))
        began = time.monotonic()
        status = client.get("/Users?count=0").status
        client.close()
        return status, time.monotonic() - began

    def test_each_wrong_token_waits_longer(self):
        """X1: guessing is slow from the sixth on. What counts is that it waits at least so long."""
        due = [0, 0, 0, 0, 0, 0.1, 0.2, 0.4, 0.8]
        seen = [self.timed(unknown_token(), "192.0.2.200") for _ in due]
        self.assertEqual([s for s, _ in seen], [401] * len(due))
        for (_, took), least in zip(seen, due):
            self.assertGreaterEqual(took, least)

    def test_malformed_ones_count_too(self):
        seen = [self.timed("ush_nothing", "192.0.2.201") for _ in range(7)]
        self.assertGreaterEqual(seen[5][1], 0.1)
        self.assertGreaterEqual(seen[6][1], 0.2)

    def test_the_right_token_of_that_source_and_others_do_not_wait(self):
        """Many wrong ones are held back at once; others are answered meanwhile, before them."""
        for _ in range(9):
            self.timed("x", "192.0.2.202")
        ended = []
        wrong = [threading.Thread(target=lambda: ended.append(("wrong", self.timed("x", "192.0.2.202")[0],
                                                               time.monotonic()))) for _ in range(30)]
        for t in wrong:
            t.start()
        for address in ("192.0.2.202", "192.0.2.203"):
            self.assertEqual(self.timed(self.ws.token, address)[0], 200)
            ended.append(("right", 200, time.monotonic()))
        self.assertEqual(self.timed("x", "192.0.2.203")[0], 401)
        for t in wrong:
            t.join()
        self.assertEqual([w for w, _, _ in sorted(ended, key=lambda e: e[2])][:2], ["right"] * 2)
        self.assertEqual(sum(1 for w, s, _ in ended if (w, s) == ("wrong", 401)), 30)

    def test_a_revoked_key_is_no_guess(self):
        token, key = self.ws.key("gone")
        self.stack.ctl("key", "revoke", key)
        seen = [self.timed(token, "192.0.2.204") for _ in range(12)]
        self.assertEqual([s for s, _ in seen], [401] * 12)
        self.assertLess(min(took for _, took in seen[-3:]), 1.6)  # guesses would wait 1.6 s and longer by now

    def test_who_leaves_while_held_leaves_nothing(self):
        """Clients that close while their answers wait: the ingest goes on, and every request is on record."""
        for _ in range(9):
            self.timed("x", "192.0.2.205")
        client = Client(self.url, "x", headers=proxied.came_from("192.0.2.205"))
        wire = client.encode("GET", "/Users?count=0")
        for _ in range(20):
            with socket.create_connection((client.host, client.port), 5) as s:
                s.sendall(wire)
                let_time_pass(0.01, "some leave before their request is read and some after")

        def from_there(records):
            return [r for r in stream.requests_of(records)
                    if (r.value.get("sourceIp"), r.value["status"]) == ("192.0.2.205", 401)]

        self.followers.audit.wait(lambda rs: len(from_there(rs)) >= 29, "29 records from that source")
        self.assertEqual(self.timed(self.ws.token, "192.0.2.205")[0], 200)


class Limit(Case):
    """What a source may send without a good credential: 60 in 10 s."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = cls.stack.extra_ingest("limited", free_port(), "--max-unauthorized-per-source 60 --trusted-proxies "
                                         "127.0.0.1/32")

    def client(self, address, token=None):
        return Client(self.url, token, headers=proxied.came_from(address), check=False)

    def until_refused(self, ask):
        """Asks until the answer is 429; gives the statuses before it, and the answer. On a slow machine it may take
        more than one period until 60 come in one; far more than a test takes is a failure."""
        before = []
        while len(before) < 3000:
            answer = ask(len(before))
            if answer.status == 429:
                return before, answer
            before.append(answer.status)
        self.fail("never refused")

    def test_over_the_limit_few_unknown_tokens_are_looked_up(self):
        """The limit comes first: a flood of well-formed tokens costs the database nothing. A good token from there
        goes on, also one that was never seen."""
        source = "198.51.100.71"
        bad, wrong = self.client(source), [self.client(source, unknown_token()) for _ in range(60)]
        self.until_refused(lambda n: bad.get("/Users"))
        asked = proxied.metric(self.url, "usher_gate_admit_seconds_count")
        began = time.monotonic()
        statuses = [c.get("/Users").status for c in wrong]
        if time.monotonic() - began < 9 and set(statuses) == {429}:
            self.assertLessEqual(proxied.metric(self.url, "usher_gate_admit_seconds_count") - asked, 20)
        self.assertIn(429, statuses)
        self.assertEqual(self.client(source, self.ws.token).get("/Users?count=0").status in (200, 429), True)
        known = self.client("198.51.100.72", self.ws.token)
        self.assertEqual(known.get("/Users?count=0").status, 200)
        again = self.client(source, self.ws.token)
        self.until_refused(lambda n: bad.get("/Users"))
        for c in wrong:
            c.get("/Users")
        self.assertEqual([again.get("/Users?count=0").status for _ in range(3)], [200] * 3)

    def records_of(self, source, enough):
        return self.followers.audit.wait(lambda rs: enough([r.value for r in stream.requests_of(rs)
                                                            if r.value["sourceIp"] == source]),
                                         "the records of " + source)

    def test_the_61st_and_who_is_not_meant(self):
        source, began = "198.51.100.61", time.monotonic()
        bad, good, other = self.client(source), self.client(source, self.ws.token), self.client("198.51.100.62")
        before, answer = self.until_refused(lambda n: bad.get("/Users"))
        self.assertEqual(set(before), {401})
        self.assertGreaterEqual(len(before), 60)
        if time.monotonic() - began < 10:
            self.assertEqual(len(before), 60)
        self.assertTrue(1 <= int(answer.headers["retry-after"]) <= 10, answer)
        self.assertEqual((answer.headers["content-type"], answer.json["status"]), ("application/scim+json", "429"))
        self.assertNotIn("ratelimit", answer.headers)
        # A good credential from there goes on, and nobody else pays.
        self.assertEqual([good.get("/Users?count=0").status for _ in range(5)], [200] * 5)
        self.assertEqual(other.get("/Users").status, 401)
        more = [bad.get("/Users").status for _ in range(20)]
        let_time_pass(int(answer.headers["retry-after"]), "Retry-After says when a further request is answered")
        self.assertEqual(bad.get("/Users").status, 401)
        refused, shown = 1 + more.count(429), len(before) + more.count(401) + 1

        def whole(values):
            return sum(v.get("requests", 0) for v in values) >= refused and \
                sum(1 for v in values if v["status"] == 401) >= shown

        values = [r.value for r in stream.requests_of(self.records_of(source, whole)) if r.value["sourceIp"] == source]
        self.assertEqual(sum(v.get("requests", 0) for v in values), refused)
        self.assertEqual(sum(1 for v in values if v["status"] == 401), shown)
        # None of its own; and few for many.
        groups = [v for v in values if v["status"] == 429]
        self.assertTrue(all("requests" in v and v["workspace"] is None for v in groups), groups)
        self.assertLessEqual(len(groups), 2)
        self.assertGreaterEqual(proxied.metric(self.url, "usher_unauthorized_over_limit_total"), refused)

    def test_of_any_kind(self):
        """Dead tokens, paths that are none, HTTP that is none. (Wrong tokens are held back before it comes to that.)"""
        token, key = self.ws.key("dead")
        self.stack.ctl("key", "revoke", key)
        dead, nobody = self.client("198.51.100.71", token), self.client("198.51.100.73")
        nobodys = Client(self.url, None, prefix="", headers=proxied.came_from("198.51.100.72"), check=False)
        self.assertEqual(set(self.until_refused(lambda n: dead.get("/Users"))[0]), {401})
        self.assertEqual(set(self.until_refused(lambda n: nobodys.get("/no/such/path"))[0]), {404})
        wire = (b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.73\r\nX: a\r\n b\r\n\r\n")
        self.assertEqual(set(self.until_refused(lambda n: raw(nobody.host, nobody.port, wire)[0])[0]), {400})

    def test_a_64_of_ipv6_is_one_source(self):
        before, _ = self.until_refused(lambda n: self.client("2001:db8:61:1::%x" % (n + 1)).get("/Users"))
        self.assertEqual(set(before), {401})
        self.assertEqual(self.client("2001:db8:61:2::1").get("/Users").status, 401)
        self.records_of("2001:db8:61:1::", lambda vs: any(v.get("requests") for v in vs))


class Stop(Case):
    def test_what_is_held_is_answered_when_the_ingest_stops(self):
        """An orderly end waits for nobody's punishment: every answer goes out, on record, and the process ends well."""
        port, log = free_port(), open(os.path.join(self.stack.run_dir, "log", "ingest-held.log"), "ab")
        process = subprocess.Popen([os.path.join(self.stack.env["USHER_BIN"], "usher-ingest"), "--config",
                                    os.path.join(self.stack.run_dir, "conf", "ingest"),
                                    "--listen", "127.0.0.1:%d" % port], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log)
        log.close()
        url, answers = "http://127.0.0.1:%d" % port, []

        def ready():
            try:
                return Client(url, prefix="", check=False).get("/readyz").status == 200
            except OSError:
                return False

        def guess():
            answers.append(Client(url, "x").get("/Users").status)

        try:
            self.wait_until(ready, "the ingest to be ready")
            for _ in range(10):
                guess()
            answers.clear()
            threads = [threading.Thread(target=guess) for _ in range(20)]
            for t in threads:
                t.start()
            self.wait_until(lambda: proxied.metric(url, "usher_in_flight_requests") >= 20, "twenty to be held")
        finally:
            process.terminate()
        for t in threads:
            t.join()
        self.assertEqual(answers, [401] * 20)
        self.assertEqual(wait_for_end(process, "the ingest"), 0)
