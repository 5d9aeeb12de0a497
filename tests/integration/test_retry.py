"""Retry-After and RateLimit tell the truth (Q42). It waits as it is told, a minute, so it has a process of its own."""

import time

from case import Case
from scimhttp import in_flight
from waiting import let_time_pass


class Retry(Case):
    def test_retry_after(self):
        """Waits as it is told: three seconds before that it is still refused, then it passes. The window is 60 s, so
        this is the longest test."""
        ws = self.stack.workspace("retry", rate=5)
        began = time.monotonic()
        self.assertEqual([ws.client.get("/Users?count=0").status for _ in range(5)], [200] * 5)
        refused = self.expect(ws.client.get("/Users?count=0"), 429)
        wait = int(refused.headers["retry-after"])
        self.assertEqual(refused.headers["ratelimit"], '"default";r=0;t=%d' % wait)
        self.assertLessEqual(wait, 60)
        let_time_pass(wait - 3, "Retry-After says so, less three seconds")
        if time.monotonic() - began < 56:
            self.expect(ws.client.get("/Users?count=0"), 429)
        let_time_pass(3.05, "the rest of Retry-After")
        passed = self.expect(ws.client.get("/Users?count=0"), 200)
        self.assertRegex(passed.headers["ratelimit"], r'^"default";r=[0-4];t=\d+$')

    def test_never_over_the_window(self):
        """Units are counted in quarters of a second, and leased ones a quarter later; nobody is told more than 60 s
        for that, and who waits as he is told gets through. At many moments of a quarter, with leases and without."""
        keys, due = [self.ws.key("window %d" % n, rate=(3, 120)[n % 2]) for n in range(12)], []
        for n, (token, _) in enumerate(keys):
            client, rate = self.ws.open(token), (3, 120)[n % 2]
            let_time_pass(0.037 * n, "another part of a quarter of a second")
            answers = in_flight(min(rate, 8), [lambda c: c.get("/Users?count=0")] * rate, client)
            refused = self.expect(client.get("/Users?count=0"), 429)
            told = time.monotonic()
            self.assertEqual({a.status for a in answers}, {200})
            for answer in answers + [refused]:
                self.assertLessEqual(int(answer.headers["ratelimit"].rpartition("t=")[2]), 60)
            wait = int(refused.headers["retry-after"])
            self.assertLessEqual(wait, 60)
            self.assertIn("try again in %d s" % wait, refused.json["detail"])
            self.assertEqual(refused.headers["ratelimit"], '"default";r=0;t=%d' % wait)
            due.append((told + wait, client))
        for at, client in due:
            let_time_pass(max(at - time.monotonic(), 0), "Retry-After says so")
            self.expect(client.get("/Users?count=0"), 200)
