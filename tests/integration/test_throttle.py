"""Wrong tokens of one source are slowed down; nobody else is."""

import os
import socket
import subprocess
import threading
import time

import proxied
import stream
from case import Case
from scimhttp import Client
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
