"""Retry-After and RateLimit tell the truth (Q42). It waits as it is told, a minute, so it has a process of its own."""

import time

from case import Case
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
        self.assertLessEqual(wait, 61)
        let_time_pass(wait - 3, "Retry-After says so, less three seconds")
        if time.monotonic() - began < 56:
            self.expect(ws.client.get("/Users?count=0"), 429)
        let_time_pass(3.05, "the rest of Retry-After")
        passed = self.expect(ws.client.get("/Users?count=0"), 200)
        self.assertRegex(passed.headers["ratelimit"], r'^"default";r=[0-4];t=\d+$')
