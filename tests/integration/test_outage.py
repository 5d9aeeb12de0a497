"""Outages that pass: what is answered while the worker or the broker stands still, and that the answer stays true
when it goes on."""

import contextlib
import os
import signal
import threading
import time

import psycopg2

import proxied
import stack as stacks
from case import BUSY, Case
from frozen import Frozen
from scimhttp import USER, in_flight, statuses
from waiting import let_time_pass, wait_until

DEADLINE = 4.0  # seconds, the ingest's default


def body(name):
    return {"schemas": [USER], "userName": name}


class Outage(Case):
    @contextlib.contextmanager
    def standing_still(self, program):
        """Between SIGSTOP and SIGCONT; gives a function that ends it early."""
        over = threading.Event()

        def go_on():
            if not over.is_set():
                over.set()
                self.stack.signal(program, signal.SIGCONT)

        self.stack.signal(program, signal.SIGSTOP)
        try:
            yield go_on
        finally:
            go_on()

    def created(self, ws, name):
        """How often the audit stream says that a user of this name was created."""
        return sum(c["action"] == "user.created" and c["target"]["name"] == name for c in self.followers.changes(ws.id))

    def back(self, ws):
        """Waits until writes go through again."""
        self.wait_until(lambda: ws.client.post("/Users", body("back-%f" % time.monotonic())).status == 201,
                        "writes to work again")

    def revoked(self, ws, key):
        query = "SELECT revoked IS NOT NULL FROM keys WHERE workspace_id = %s AND id = %s"
        return self.stack.sql(query, ws.id, key) == [(True,)]

    def timed(self, call):
        began = time.monotonic()
        return call(), time.monotonic() - began


class Deadline(Outage):
    def test_a_worker_that_stands_still(self):
        """At the deadline 503 with Retry-After, and it is the truth: the command is never applied, the name is free
        for the retry."""
        ws = self.stack.workspace("still")
        with self.standing_still("WORKER"):
            answer, took = self.timed(lambda: ws.client.post("/Users", body("late")))
            self.expect(answer, 503)
            self.assertTrue(DEADLINE - 0.3 < took < DEADLINE + BUSY, took)
            self.expect(ws.client.get("/Users?count=1"), 200)  # reads need no worker
        self.back(ws)
        self.assertEqual(ws.client.find("/Users", 'userName eq "late"').json["totalResults"], 0)
        self.assertEqual(self.created(ws, "late"), 0)
        self.expect(ws.client.post("/Users", body("late")), 201)
        self.assertEqual(self.created(ws, "late"), 1)

    def test_replies_at_the_deadline(self):
        """The worker goes on just when the first command has run out: whoever wins each race, the answer says what
        happened."""
        ws = self.stack.workspace("race")
        with self.standing_still("WORKER") as go_on:
            began = time.monotonic()

            def create(i):
                def job(c):
                    let_time_pass(began + i * 0.01 - time.monotonic(),
                                  "the deadlines must not be all at the same moment")
                    answer = c.post("/Users", body("race%d" % i))
                    if answer.status == 503:
                        go_on()
                    return answer
                return job

            results = in_flight(48, [create(i) for i in range(48)], ws.client)
        self.assertLessEqual(set(statuses(results)), {201, 503}, statuses(results))
        self.assertEqual(set(statuses(results)), {201, 503}, "no race took place: %s" % statuses(results))
        self.back(ws)
        there = {name
                 for (name,
                      ) in self.stack.sql(
                          "SELECT user_name FROM users WHERE workspace_id = %s AND user_name LIKE 'race%%'", ws.id)}
        self.assertEqual(there, {"race%d" % i for i, r in enumerate(results) if r.status == 201})
        told = [c["target"]["name"] for c in self.followers.changes(ws.id) if c["action"] == "user.created"
                and c["target"]["name"].startswith("race")]
        self.assertEqual(sorted(told), sorted(there))


class Revocation(Outage):
    def test_commands_that_wait_under_a_key_revoked_meanwhile(self):
        """Promise 4: what stands in the log already is refused too."""
        ws = self.stack.workspace("revoke-queued")
        token, key = ws.key("queued")
        answers = []
        with self.standing_still("WORKER") as go_on:
            writers = [threading.Thread(target=lambda i=i: answers.append(
                ws.open(token).post("/Users", body("queued%d" % i)))) for i in range(3)]
            published = proxied.metric(self.stack.url, "usher_pending_commands")
            for w in writers:
                w.start()
            self.wait_until(lambda: proxied.metric(self.stack.url, "usher_pending_commands") >= published + 3,
                            "three commands to be in the log")
            revoker = threading.Thread(target=self.stack.ctl, args=("key", "revoke", key))
            revoker.start()
            self.wait_until(lambda: self.revoked(ws, key), "the revocation")
            go_on()
            for t in writers + [revoker]:
                t.join()
        self.assertEqual(statuses(answers), {401: 3})
        self.assertEqual(ws.counts()["users"], 0)
        refused = [c for c in self.followers.changes(ws.id) if c["action"] == "command.refused"]
        self.assertEqual([(c["actor"]["id"], c["outcome"]) for c in refused], [(key, "refused")] * 3)


class StandsStill(Outage):
    """A program that is frozen between two statements of a transaction. PostgreSQL bounds statements that run and
    transactions that are idle; this is neither, and its locks would stay for as long as it is frozen."""

    def uri(self, part):
        with open(os.path.join(self.stack.run_dir, "conf", part)) as f:
            return next(line.split("=", 1)[1].strip() for line in f if line.startswith("pg ="))

    def frozen(self, part, *statements, take=True):
        session = Frozen(self.uri(part), "usher-" + part, statements, take)
        self.addCleanup(session.close)
        return session

    def ended(self, between, untaken):
        """The statement of the programs, with other bounds."""
        with open(os.path.join(stacks.ROOT, "build", "gen", "sql", "stalled.sql")) as f:
            text = f.read().replace("%", "%%").replace("$1", "%(between)s").replace("$2", "%(untaken)s")
        with contextlib.closing(psycopg2.connect(self.uri("worker"))) as connection, connection.cursor() as c:
            c.execute(text, {"between": between, "untaken": untaken})
            return [name for name, in c.fetchall()]

    def over(self, session):
        wait_until(session.ended, "the session to be ended")  # usher's logs go on meanwhile: they are no progress

    def logged(self, part):
        """By one of those that run: which of them comes first is not decided."""
        folder, found = os.path.join(self.stack.run_dir, "log"), ""
        for name in sorted(os.listdir(folder)):
            if name.startswith(part):
                with open(os.path.join(folder, name), errors="replace") as f:
                    found += f.read()
        return "event=stalled-session-ended app=\"usher-%s\"" % part in found

    def test_a_worker_that_holds_a_workspace(self):
        """Others take over its partitions, and must not wait for the rows that it holds."""
        ws = self.stack.workspace("held")
        session = self.frozen(
            "worker", "SELECT set_config('usher.workspace', '{%s}', true)" % ws.id,
            "SELECT workspace_id FROM workspaces WHERE workspace_id = '%s' FOR NO KEY UPDATE" % ws.id)
        answer = self.expect(ws.client.post("/Users", body("meanwhile")), 503)
        self.assertNotIn("othing was changed", answer.json["detail"])  # it cannot be known: the row is held
        self.over(session)
        self.back(ws)
        self.assertTrue(self.logged("worker"))
        self.assertEqual(self.created(ws, "meanwhile"), ws.client.find("/Users", 'userName eq "meanwhile"').json["totalResults"])

    def test_an_ingest_too(self):
        session = self.frozen("ingest", "SELECT set_config('usher.test', '', true)")
        self.over(session)
        self.assertTrue(self.logged("ingest"))

    def test_one_that_does_not_take_its_rows(self):
        """It may be a long statement that is well, so it has longer than any of them may run."""
        session = self.frozen("worker", "SELECT repeat('x', 1000) FROM generate_series(1, 100000)", take=False)
        self.wait_until(lambda: self.stack.sql(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'usher-worker' AND wait_event = 'ClientWrite'"
            " AND state_change < now() - interval '1 second'"), "PostgreSQL to wait for who takes the rows")
        self.assertEqual(self.ended(1, 75), [])
        self.assertEqual(self.ended(1, 1), ["usher-worker"])
        self.over(session)


class Broker(Outage):
    def test_no_answer_without_its_audit_record(self):
        """Promise 5: while the log stands still even a read gets 503, and a second record takes back the first, so
        that the stream agrees with what was answered."""
        ws = self.stack.workspace("audit-wait")
        self.expect(ws.client.get("/Users?count=0"), 200)
        with self.standing_still("BROKER"):
            answer, took = self.timed(lambda: ws.client.get("/Users?count=3"))
            self.expect(answer, 503)
            self.assertTrue(DEADLINE - 0.3 < took < DEADLINE + BUSY, took)  # the record has as long as the request
        self.back(ws)
        def both(records):
            return len([r for r in records if "count=3" in (r["query"] or "")]) >= 2

        asked = self.followers.requests(ws.id, both, "both records")
        first, second = [r for r in asked if "count=3" in (r["query"] or "")]
        self.assertEqual((first["status"], second["status"], second["supersedes"]), (200, 503, first["n"]))
        self.assertEqual(first["txn"], second["txn"])

    def test_a_write_that_the_log_did_not_take_in_time(self):
        """503 at the deadline; the command may reach the log later, and is then dead."""
        ws = self.stack.workspace("log-late")
        with self.standing_still("BROKER"):
            answer, took = self.timed(lambda: ws.client.post("/Users", body("unlogged")))
            self.expect(answer, 503)
            self.assertLess(took, DEADLINE + BUSY)
        self.back(ws)
        self.assertEqual(ws.client.find("/Users", 'userName eq "unlogged"').json["totalResults"], 0)
        self.assertEqual(self.created(ws, "unlogged"), 0)
        self.expect(ws.client.post("/Users", body("unlogged")), 201)

    def test_revocation_works_while_the_log_is_down(self):
        """Promise 4: it is written to PostgreSQL at once, and told in the stream when that is possible."""
        ws = self.stack.workspace("revoke-down")
        token, key = ws.key("doomed")
        revoker = threading.Thread(target=self.revoke, args=(key,))
        with self.standing_still("BROKER"):
            revoker.start()
            self.wait_until(lambda: self.revoked(ws, key), "the key to be revoked in PostgreSQL")
        revoker.join()
        self.back(ws)
        self.expect(ws.open(token).get("/Users"), 401)
        self.wait_until(lambda: any(c["action"] == "key.revoked" and c["target"]["id"] == key
                                    for c in self.followers.changes(ws.id)),
                        "key.revoked in the stream")

    def revoke(self, key):
        try:
            self.stack.ctl("key", "revoke", key)
        except Exception as told:  # noqa: BLE001 - it may say that the audit is late
            print("        (usherctl key revoke with the log down: %s)" % str(told).strip().splitlines()[-1][:200])
