"""Promise 4 under load: after the answer to the revoke nothing is accepted under the key, on no ingest, and nothing
applied; what was queued is refused by the worker."""

import os
import signal
import threading
import time

import proxied
from case import Case
from scimhttp import USER
from waiting import let_time_pass


class Revocation(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.urls = [cls.stack.url, proxied.url(cls.stack)]

    def hammer(self, client, mark, results, stop):
        """Writes until it is told to stop. Each result: (when it was sent, status, userName)."""
        n = 0
        while not stop.is_set() and n < 4000:
            name = "%s-%d" % (mark, n)
            began = time.monotonic()
            results.append((began, client.post("/Users", {"schemas": [USER], "userName": name}).status, name))
            n += 1
            if results[-1][1] == 401:
                let_time_pass(0.005, "who is refused comes again, but not without end")
        client.close()

    def test_nothing_after_the_answer(self):
        token, key = self.ws.key("under load")
        stop, results = threading.Event(), [[] for _ in range(8)]
        threads = [threading.Thread(target=self.hammer, args=(self.ws.open(token, url=self.urls[i % 2]), "w%d" % i,
                                                              results[i], stop)) for i in range(8)]
        for t in threads:
            t.start()
        self.wait_until(lambda: all(len(r) >= 5 for r in results), "the writers to be under way")
        self.stack.ctl("key", "revoke", key)
        answered = time.monotonic()
        self.wait_until(lambda: all(len([r for r in one if r[0] > answered]) >= 20 for one in results), "later writes")
        stop.set()
        for t in threads:
            t.join()
        everything = [r for one in results for r in one]
        late = [r for r in everything if r[0] > answered]
        self.assertGreater(len(late), 20)
        self.assertEqual({s for _, s, _ in late}, {401}, "accepted after the revoke was answered")
        self.assertLessEqual({s for _, s, _ in everything}, {201, 401, 403})
        self.the_stream_agrees(key, everything)

    def the_stream_agrees(self, key, everything):
        """What was answered 201 is what was applied, and all of it stands before the revocation."""
        changes = self.followers.changes(self.ws.id)
        revoked = next(i for i, c in enumerate(changes) if c["action"] == "key.revoked" and c["target"]["id"] == key)
        of_key = [(i, c) for i, c in enumerate(changes) if c["actor"].get("id") == key]
        self.assertEqual([c for i, c in of_key if i > revoked and c["outcome"] == "applied"], [])
        created = {c["target"]["name"] for _, c in of_key if c["action"] == "user.created"}
        self.assertEqual(created, {name for _, status, name in everything if status == 201})
        there = {row[0] for row in self.stack.sql("SELECT user_name FROM users WHERE workspace_id=%s", self.ws.id)}
        self.assertEqual({name for _, _, name in everything} & there, created)

    def test_what_was_queued_is_refused_by_the_worker(self):
        """The worker stands still while commands are accepted into the log and their key is revoked in PostgreSQL;
        when it goes on it refuses them."""
        ws = self.stack.workspace("queued")
        token, key = ws.key("queued")
        results = [None] * 6
        workers = [n for n in self.stack.env if n == "USHER_PID_WORKER" or n.startswith("USHER_PID_WORKER_")]

        def post(i):
            client = ws.open(token, url=self.urls[i % 2])
            results[i] = client.post("/Users", {"schemas": [USER], "userName": "q%d" % i})
            client.close()

        threads = [threading.Thread(target=post, args=(i,)) for i in range(6)]
        for name in workers:
            self.stack.signal(name.removeprefix("USHER_PID_"), signal.SIGSTOP)
        try:
            published = [proxied.metric(u, "usher_pending_commands") for u in self.urls]
            for t in threads:
                t.start()
            self.wait_until(lambda: sum(proxied.metric(u, "usher_pending_commands")
                                        for u in self.urls) >= sum(published) + 6,
                            "six commands to be in the log")
            self.stack.sql("SELECT usher.key_revoke_now(%s, %s, 'test')", ws.id, key)
        finally:
            for name in workers:
                os.kill(int(self.stack.env[name]), signal.SIGCONT)
        for t in threads:
            t.join()
        # (503: the worker came back after the deadline; nothing happened then either.)
        self.assertLessEqual({r.status for r in results}, {401, 403, 503}, results)
        self.assertTrue(any(r.status in (401, 403) for r in results), results)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM users WHERE workspace_id=%s", ws.id), [(0,)])
        self.assertEqual([c for c in self.followers.changes(ws.id) if c["actor"].get("id") == key
                          and c["outcome"] == "applied"], [])
        self.stack.ctl("key", "revoke", key)
