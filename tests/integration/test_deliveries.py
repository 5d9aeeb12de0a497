"""Events over HTTP: webhooks, to receivers that answer well, badly, slowly or not at all."""

import os
import re
import subprocess
import sys
import threading

import contract
import doors
import pinned
import proxied
import stream
from case import BUSY, Case
from receiver import Receiver, verified_by_others
from scimhttp import GROUP, USER, patch_op
from stack import ROOT, ToolError, free_port
from waiting import let_time_pass, run

sys.path.append(os.path.join(ROOT, "tests", "bench"))
from endpoints import Endpoints  # noqa: E402

REMOVED, ADDED = "usher.member.removed", "usher.member.added"
HEAD = "usher.audit.checkpoint"


class Deliveries(Case):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.ws = self.stack.workspace("deliver")
        self.admin = doors.admin(self.ws, "administrator")
        self.addCleanup(self.admin.close)
        self.addCleanup(self.ws.client.close)

    # ---- what the tests do

    def endpoint(self, path="/a", ws=None, **flags):
        """Gives (id, secret or public key)."""
        made = self.stack.ctl("delivery", "create", workspace=(ws or self.ws).id, name="d" + path.strip("/"),
                              endpoint=self.receiver.url(path), **flags)
        self.addCleanup(self.forget, made["delivery"]["id"])
        return made["delivery"]["id"], made["secret"] or made["delivery"]["publicKey"]

    def forget(self, uid):
        try:
            self.stack.ctl("delivery", "revoke", uid)
        except ToolError as gone:
            self.assertIn("there is no delivery", gone.err)

    def user(self, name, ws=None):
        return self.expect((ws or self.ws).client.post("/Users", {"schemas": [USER], "userName": name}), 201).json["id"]

    def room(self, name, *members):
        return self.expect(self.ws.client.post("/Groups", {"schemas": [GROUP], "displayName": name, "members": [
            {"value": m} for m in members]}), 201).json["id"]

    def deactivate(self, user):
        self.expect(self.ws.client.patch("/Users/" + user, patch_op({"op": "replace", "path": "active", "value": False})),
                    200)

    def messages(self, n, path="/a", what="messages"):
        self.wait_until(lambda: len(self.receiver.of(path)) >= n, "%d %s" % (n, what))
        return self.receiver.of(path)

    def shown(self, uid):
        return self.expect(self.admin.get("/deliveries/" + uid), 200).json

    def attempts(self, uid):
        return self.expect(self.admin.get("/deliveries/%s/attempts" % uid), 200).json["items"]

    def settled(self, uid, **members):
        """Waits until it is shown so."""
        self.wait_until(lambda: all(self.shown(uid)[k] == v for k, v in members.items()), "%s" % members)
        return self.shown(uid)

    def caught_up(self, uid):
        self.wait_until(lambda: (lambda d: d["delivered"] == d["newest"] > 0)(self.shown(uid)), "all of them delivered")

    # ---- tests

    def test_each_change_once_and_in_order(self):
        """What the streams have, in the order of each stream, signed so that other people's libraries take it."""
        uid, secret = self.endpoint()
        ana, bo = self.user("ana"), self.user("bo")
        self.room("one", ana, bo)
        self.room("two", ana)
        self.deactivate(ana)
        membership, tokens = self.followers.events(self.ws.id), self.followers.tokens(self.ws.id)
        came = self.messages(len(membership) + len(tokens))
        self.caught_up(uid)
        self.assertEqual(len(self.receiver.of("/a")), len(membership) + len(tokens))
        self.assertEqual([m.json["data"] for m in came if "/membership/" in m.id], membership)
        self.assertEqual([m.json["data"] for m in came if "/events/" in m.id], [t.value for t in tokens])
        self.assertEqual([m.type for m in came if "/events/" in m.id], [t.headers["ce_type"] for t in tokens])
        for m in came:
            self.assertTrue(m.is_signed_with(secret), m.headers)
            self.assertEqual((m.headers["content-type"], "." in m.id), ("application/json", False))
        self.assertEqual(verified_by_others(secret, came), {"python": len(came), "node": len(came)})
        self.assertEqual(self.attempts(uid)[0]["status"], 200)
        self.assertEqual(len(self.attempts(uid)), len(came))

    def test_only_what_is_wanted(self):
        uid, _ = self.endpoint(events="usher.member.*,usher.room.deleted")
        ana = self.user("ana")
        room = self.room("one", ana)
        self.expect(self.ws.client.delete("/Groups/" + room), 204)
        self.messages(3)
        self.caught_up(uid)
        self.assertEqual([m.type for m in self.receiver.of("/a")], [ADDED, REMOVED, "usher.room.deleted"])

    def test_checkpoints_of_the_audit(self):
        """Each signed head of the workspace, to the endpoint that names the type; to no other, whatever that one wants.
        The text is the one on the topic; it comes again when it fails, and once more when it is asked for."""
        self.receiver.answers["/heads"] = lambda n: 500 if n == 0 else 200
        uid, secret = self.endpoint("/heads", events=HEAD)
        for n, events in enumerate((None, "*", "usher.*", "usher.audit.*", "usher.audit.checkpoints")):
            self.endpoint("/other%d" % n, events=events)
        self.user("ana")
        self.wait_until(lambda: {m.json["data"]["tree"] for m in self.receiver.of("/heads")} == {"changes", "requests"},
                        "a head of each tree")
        self.user("bo")  # the trees grow, and so there are further heads
        self.messages(len(self.receiver.of("/heads")) + 1, "/heads", "heads")
        self.settled(uid, failures=0)
        came = self.receiver.of("/heads")
        self.assertEqual(came[0].id, came[1].id, "the one that failed comes again")
        self.assertEqual(came[0].body, came[1].body)
        self.assertEqual(len({m.id for m in came}), len(came) - 1)
        for tree in ("changes", "requests"):
            sizes = [m.json["data"]["size"] for m in came[1:] if m.json["data"]["tree"] == tree]
            self.assertEqual(sizes, sorted(set(sizes)), "in order, each once")
        for m in came:
            data = m.json["data"]
            self.assertEqual((m.type, m.is_signed_with(secret)), (HEAD, True))
            self.assertEqual(m.id, "%s/%s/%d" % (self.ws.id, data["tree"], data["size"]))
            self.assertEqual(contract.schema_faults("webhook-checkpoint", data), [])
            # It is published first, and stored then.
            self.wait_until(lambda: self.stack.sql(
                "SELECT note FROM audit_checkpoint WHERE workspace_id = %s AND tree = %s AND size = %s",
                self.ws.id, {"changes": 1, "requests": 2}[data["tree"]], data["size"]) == [(data["note"],)], "the same text")
            self.assertEqual(data["note"].split("\n")[:3], [data["origin"], str(data["size"]), data["root"]])
        number = self.attempts(uid)[-1]["number"]
        self.expect(self.admin.post("/deliveries/%s/replay" % uid, {"number": number}), 204)
        self.wait_until(lambda: [m.id for m in self.receiver.of("/heads")].count(came[0].id) == 3, "the first one, once more")
        self.wait_until(lambda: all(len(self.receiver.of("/other%d" % n)) > 0 for n in (0, 1)), "what the others want")
        for n in range(5):
            self.assertNotIn(HEAD, [m.type for m in self.receiver.of("/other%d" % n)])

    def test_heads_that_nobody_names_are_not_kept(self):
        """The log of a workspace does not grow by them, and so its numbers do not."""
        uid, _ = self.endpoint()
        self.user("ana")
        heads = self.wait_until(lambda: [r for r in stream.read_topic(self.stack.kafka, "usher.checkpoints")
                                         if r.key.startswith(self.ws.id)], "a head")
        self.wait_until(lambda: self.stack.sql("SELECT 1 FROM delivery_offset WHERE topic = 'usher.checkpoints' AND partition = %s"
                                               " AND next > %s", heads[-1].partition, heads[-1].offset), "that it was read")
        sent = len(self.followers.tokens(self.ws.id)) + len(self.followers.events(self.ws.id))
        self.settled(uid, newest=sent, delivered=sent)
        self.assertEqual(self.stack.sql("SELECT 1 FROM delivery_log WHERE workspace_id = %s AND type = %s", self.ws.id, HEAD), [])

    def test_a_receiver_that_fails(self):
        """The message comes again with its id, whatever the answer was; what is behind it waits, and its order stays."""
        self.receiver.answers["/a"] = lambda n: (
            500, 400, (429, {"Retry-After": "1"}, b"slowly, please"), (302, {"Location": "/b"}, b""), 202)[min(n, 4)]
        uid, _ = self.endpoint(events="urn:ietf:params:scim:event:*")
        for name in ("a", "b", "c"):
            self.user(name)
        came = self.messages(7)
        self.caught_up(uid)
        ids = [m.id for m in came]
        self.assertEqual(len(set(ids[:5])), 1)
        self.assertEqual(len({m.body for m in came[:5]}), 1)
        self.assertEqual(ids[4:], ["%s/events/%d" % (self.ws.id, n) for n in (1, 2, 3)])
        self.assertEqual(self.receiver.of("/b"), [])
        seen = list(reversed(self.attempts(uid)))
        self.assertEqual([a["status"] for a in seen], [500, 400, 429, 302, 202, 202, 202])
        self.assertEqual((seen[2]["answer"], seen[3]["error"]), ("slowly, please", "redirects are not followed"))
        self.assertEqual([a["nextTry"] is not None for a in seen], [True] * 4 + [False] * 3)
        self.assertEqual((self.shown(uid)["failures"], self.shown(uid)["failingSince"]), (0, None))

    def test_a_large_answer(self):
        """Is read up to a bound, and shown up to a smaller one."""
        self.receiver.answers["/a"] = lambda n: (200, {}, b"x\x00y" * 100000)
        uid, _ = self.endpoint()
        self.user("ana")
        self.caught_up(uid)
        self.assertEqual(self.attempts(uid)[0]["answer"], ("x?y" * 100)[:256])

    def test_gone(self):
        self.receiver.answers["/a"] = lambda n: 410
        uid, _ = self.endpoint()
        self.user("ana")
        self.settled(uid, state="disabled", reason="gone")
        self.said_so(uid, "gone")
        self.assertEqual(len(self.receiver.of("/a")), 1)

    def said_so(self, uid, reason):
        told = [c for c in self.followers.changes(self.ws.id) if c["action"] == "delivery.disabled"]
        self.assertEqual([(c["target"]["id"], c["reason"], c["actor"]["name"]) for c in told],
                         [(uid, reason, "usher-worker")])

    def test_failing_for_days(self):
        """Is disabled, and loses nothing by it."""
        self.receiver.answers["/a"] = lambda n: 503
        uid, _ = self.endpoint(events="urn:ietf:params:scim:event:*")
        self.user("ana")
        self.settled(uid, state="disabled", reason="failing")
        self.said_so(uid, "failing")
        self.user("bo")
        self.receiver.answers["/a"] = lambda n: 200
        tried = len(self.receiver.of("/a"))
        self.expect(self.admin.patch("/deliveries/" + uid, {"state": "enabled"}), 200)
        self.messages(tried + 2)
        self.caught_up(uid)
        self.assertEqual([m.id[-1] for m in self.receiver.of("/a")[tried:]], ["1", "2"])
        self.assertIsNone(self.shown(uid)["reason"])

    def test_paused_and_once_more(self):
        uid, _ = self.endpoint(state="paused")
        for name in ("a", "b", "c"):
            self.user(name)
        self.wait_until(lambda: self.shown(uid)["newest"] == 3, "three messages")
        self.expect(self.admin.post("/deliveries/%s/test" % uid, None), 204)
        self.assertEqual(self.messages(1)[0].type, "usher.delivery.trial")
        self.expect(self.admin.patch("/deliveries/" + uid, {"state": "enabled"}), 200)
        first = [m.id for m in self.messages(4)[1:]]
        self.assertEqual(first, ["%s/events/%d" % (self.ws.id, n) for n in (1, 2, 3)])
        self.expect(self.admin.post("/deliveries/%s/replay" % uid, {"since": "2020-01-01T00:00:00Z"}), 204)
        self.assertEqual([m.id for m in self.messages(7)[4:]], first)
        self.expect(self.admin.post("/deliveries/%s/replay" % uid, {"after": 2}), 204)
        self.assertEqual([m.id for m in self.messages(8)[7:]], first[2:])
        self.expect(self.admin.post("/deliveries/%s/replay" % uid, {"number": 1}), 204)
        self.assertEqual([m.id for m in self.messages(9)[8:]], first[:1])
        self.expect(self.admin.post("/deliveries/%s/replay" % uid, {"number": 999}), 204)
        self.wait_until(lambda: self.attempts(uid)[0]["number"] == 999, "the answer to what is not there")
        self.assertEqual(self.attempts(uid)[0]["error"], "the log does not keep this message any more")
        self.caught_up(uid)
        self.assertEqual(len(self.receiver.of("/a")), 9)

    def test_rotation(self):
        """For a while each message is signed with both secrets, then with the new one alone."""
        uid, old = self.endpoint()
        new = self.expect(self.admin.post("/deliveries/%s/rotate" % uid, {"overlapSeconds": 6}), 200).json["secret"]
        self.user("a")
        both = self.messages(1)[0]
        self.assertEqual((len(both.signatures()), both.is_signed_with(old), both.is_signed_with(new)), (2, True, True))
        self.assertEqual(verified_by_others(old, [both]), {"python": 1, "node": 1})
        let_time_pass(7, "the overlap of a rotation")
        self.user("b")
        alone = self.messages(2)[1]
        self.assertEqual((len(alone.signatures()), alone.is_signed_with(old), alone.is_signed_with(new)),
                         (1, False, True))
        self.assertIsNone(self.shown(uid)["oldSecretUntil"])

    def test_a_key_pair(self):
        uid, key = self.endpoint(signature="ed25519")
        self.assertEqual(self.shown(uid)["publicKey"], key)
        self.user("a")
        message = self.messages(1)[0]
        self.assertEqual([v for v, _ in message.signatures()], ["v1a"])
        self.assertTrue(message.is_signed_with(key))

    def test_the_admin_api(self):
        given = {"name": "App", "url": self.receiver.url("/a"), "events": ["usher.member.*"]}
        made = self.expect(self.admin.post("/deliveries", given), 201)
        shown = made.json["delivery"]
        self.addCleanup(self.forget, shown["id"])
        self.assertTrue(made.json["secret"].startswith(shown["prefix"]))
        self.assertEqual({k: shown[k] for k in given}, given)
        self.assertTrue(made.headers["location"].endswith("/api/v1/admin/deliveries/" + shown["id"]))
        self.assertEqual(self.expect(self.admin.get("/deliveries"), 200).json["items"], [shown])
        self.assertNotIn(made.json["secret"], self.stack.sql("SELECT doc::text || secrets FROM deliveries WHERE id=%s",
                                                             shown["id"])[0][0])
        for body, path in (({"name": "x"}, "url"), ({**given, "url": "ftp://a.example/"}, "url"),
                           ({**given, "url": "https://u:p@a.example/"}, "url"), ({**given, "events": []}, "events"),
                           ({**given, "events": ["*x"]}, "events"), ({**given, "signature": "none"}, "signature"),
                           ({**given, "state": "disabled"}, "state"), ({**given, "secret": "x"}, "secret")):
            with self.subTest(body):
                answer = self.admin.post("/deliveries", body)
                self.assertEqual((answer.status, answer.json["errors"][0]["path"]), (400, path), answer)
        changed = self.expect(self.admin.patch("/deliveries/" + shown["id"], {"events": None, "state": "paused"}), 200)
        self.assertEqual((changed.json["events"], changed.json["state"]), (None, "paused"))
        other = doors.admin(self.stack.workspace("elsewhere"))
        self.addCleanup(other.close)
        self.assertEqual(other.get("/deliveries/" + shown["id"]).status, 404)
        self.assertEqual(other.patch("/deliveries/" + shown["id"], {"state": "enabled"}).status, 404)
        self.expect(self.admin.delete("/deliveries/" + shown["id"]), 204)
        self.assertEqual(self.admin.get("/deliveries/" + shown["id"]).status, 404)
        self.assertEqual([c["action"] for c in self.followers.changes(self.ws.id) if "delivery" in c["action"]],
                         ["delivery.created", "delivery.changed", "delivery.deleted"])

    def test_addresses_inside(self):
        """Are not connected to, whoever asks; the owner learns nothing of what is there."""
        for n, host in enumerate(("10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:192.168.0.1]", "0x0a000001")):
            uid = self.stack.ctl("delivery", "create", workspace=self.ws.id, name="in%d" % n,
                                 endpoint="http://%s:1/x" % host)["delivery"]["id"]
            self.addCleanup(self.forget, uid)
            self.expect(self.admin.post("/deliveries/%s/test" % uid, None), 204)
            self.wait_until(lambda: self.attempts(uid), "an attempt")
            self.assertEqual((self.attempts(uid)[0]["status"], self.attempts(uid)[0]["error"]),
                             (0, "the address is not a public one"), host)

    def test_one_that_is_late(self):
        """Is named before the log forgets what it is to get: in the log, the metrics, and where it is shown."""
        uid, _ = self.endpoint(state="paused")
        self.user("ana")
        self.wait_until(lambda: self.shown(uid)["newest"] == 1, "a message")
        self.assertIsNotNone(self.shown(uid)["waitingSince"])
        self.assertEqual(self.late(uid), (0, 0))
        self.stack.sql("UPDATE delivery_log SET taken = now() - interval '4 days' WHERE workspace_id = %s", self.ws.id)
        self.wait_until(lambda: self.late(uid) == (1, 1), "that it is late")
        self.assertIn("the next one waits since %s" % self.shown(uid)["waitingSince"][:10], subprocess.run(
            [os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "delivery", "show", uid], text=True, check=True,
            capture_output=True, env=dict(os.environ, **self.stack.env)).stdout)
        self.expect(self.admin.patch("/deliveries/" + uid, {"state": "enabled"}), 200)
        self.caught_up(uid)
        self.assertIsNone(self.shown(uid)["waitingSince"])
        self.wait_until(lambda: self.late(uid) == (0, 1), "that nobody is late")

    def late(self, uid):
        """(how many there are, how often this one was named)"""
        with open(os.path.join(self.stack.run_dir, "log", "worker.log"), errors="replace") as f:
            named = sum("event=deliver-endpoint-late" in line and uid in line for line in f)
        return int(proxied.metric(self.stack.env["USHER_URL_WORKER"], "usher_deliver_late_endpoints")), named

    def test_a_neighbour_with_dead_endpoints(self):
        """A hundred that never answer hold up nobody; and there are no more than max-deliveries."""
        dead, self.receiver.answers["/dead"] = self.stack.workspace("dead"), lambda n: None
        self.addCleanup(dead.client.close)
        made = [self.stack.ctl("delivery", "create", workspace=dead.id, name="dead%d" % n,
                               endpoint=self.receiver.url("/dead"))["delivery"]["id"] for n in range(100)]
        uid, _ = self.endpoint()
        self.user("x", dead)
        self.messages(20, "/dead", "dead endpoints under way")
        for n in range(5):
            self.user("a%d" % n)
            self.messages(n + 1)
        self.caught_up(uid)
        waited = [self.stack.sql("SELECT extract(epoch FROM a.at - l.at) FROM delivery_attempts a JOIN delivery_log l"
                                 " ON l.workspace_id = a.workspace_id AND l.number = a.number WHERE a.id = %s", uid)]
        self.assertLess(max(float(row[0]) for row in waited[0]), 1 + BUSY)
        for more in range(100, 120):
            self.stack.ctl("delivery", "create", workspace=dead.id, name="dead%d" % more, endpoint=self.receiver.url("/dead"))
        with self.assertRaises(ToolError) as refused:
            self.stack.ctl("delivery", "create", workspace=dead.id, name="one more", endpoint=self.receiver.url("/dead"))
        self.assertIn("max-deliveries", refused.exception.err)
        self.stack.sql("DELETE FROM deliveries WHERE workspace_id = %s", dead.id)
        self.assertEqual(len(made), 100)

    def test_many_endpoints_some_of_them_dead(self):
        """tests/bench/deliveries in short, without its times: what comes one by one, and what has waited."""
        many = Endpoints(self.stack, 24, 6, 2)
        self.addCleanup(many.close)
        many.make_changes(12)
        self.came_to(many)
        ids = [row[0] for w in many.workspaces for row in self.stack.sql("SELECT id FROM deliveries WHERE workspace_id = %s", w.id)]
        for state in ("paused", "enabled"):
            for uid in ids:
                self.stack.ctl("delivery", "set", uid, state=state)
            if state == "paused":
                many.make_changes(30, threads=2)
        self.came_to(many)
        self.assertEqual(many.judge(many.receivers.ask("take"), many.changes), [])

    def came_to(self, many):
        self.wait_until(lambda: many.receivers.count() >= many.due(many.changes), "all messages of many endpoints")


class InTenMinutes(Case):
    """ops/delivery.md, "In ten minutes", as it stands there; another port."""

    @staticmethod
    def blocks():
        """The code of each step but the first, which starts a stack."""
        with open(os.path.join(ROOT, "ops", "delivery.md")) as f:
            section = f.read().partition("## In ten minutes\n")[2].partition("\n## ")[0]
        found = re.findall(r"(?:^       .*\n(?:\n(?=       ))?)+", section, re.M)
        return ["\n".join(line[7:] for line in block.splitlines()) + "\n" for block in found][1:]

    def shell(self, text):
        done = run(["bash", "-euo", "pipefail", "-c", text], env=dict(os.environ, **self.stack.env), capture_output=True,
                   text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_receive_events_in_ten_minutes(self):
        create, receiver, change = self.blocks()
        port = str(free_port())
        made = self.shell(create.replace("9000", port))
        self.addCleanup(self.stack.ctl, "delivery", "revoke", "app", workspace="demo")
        secret = re.search(r"whsec_\S+", made)[0]
        lines = []
        program = subprocess.Popen([os.path.join(pinned.python("standardwebhooks"), "python"), "-u", "-c",
                                    receiver.replace("9000", port), secret], stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.DEVNULL)
        reader = threading.Thread(target=lambda: lines.extend(program.stdout))
        reader.start()
        try:
            self.shell(change)
            self.wait_until(lambda: lines, "an event at the receiver")
            self.wait_until(lambda: ": 204, " in self.shell("$USHER_BIN/usherctl delivery attempts app"), "the attempt")
        finally:
            program.kill()
            program.wait()
            reader.join()
            program.stdout.close()
        self.assertIn("urn:ietf:params:scim:event:prov:create", lines[0])
