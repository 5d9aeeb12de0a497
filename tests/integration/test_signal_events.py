"""What streams of signals carry (OpenID SSF 1.0): the events of openid-ssf-transmitter-caep-test-plan of the OpenID
conformance suite, receivers that answer badly, and the script of the documents."""

import os
import subprocess
import threading

import signals
from scimhttp import patch_op
from signalcase import Signals
from signals import CHANGED, DISABLED, ENABLED, PURGED, REVOKED, SCIM, UPDATED, PushReceiver, event_of, refusal
from stack import ROOT


class Events(Signals):
    """openid-ssf-transmitter-caep-interop: each event by push and by poll, with its envelope and its signature."""

    def is_known_as(self, email):
        """An address is known from the time on at which the event is taken out of the topic."""
        self.wait_until(lambda: self.stack.sql("SELECT count(*) FROM delivery_subjects WHERE workspace_id = %s AND email = %s",
                                               self.ws.id, email)[0][0], "that the user is known as " + email)

    def life(self):
        """Everything that happens to a user. Gives its id."""
        ana = self.user("ana", emails=[{"value": "ana@example.com", "primary": True}])
        self.is_known_as("ana@example.com")
        self.set_active(ana, False)
        self.set_active(ana, True)
        self.wait_until(lambda: self.stack.sql("SELECT count(*) FROM delivery_log WHERE workspace_id = %s AND type = %s",
                                               self.ws.id, SCIM + "activate")[0][0], "that it is active again")
        self.expect(self.ws.client.patch("/Users/" + ana, patch_op(
            {"op": "replace", "path": 'emails[value eq "ana@example.com"].value', "value": "ana@else.example"})), 200)
        self.is_known_as("ana@else.example")
        self.expect(self.ws.client.delete("/Users/" + ana), 204)
        return ana

    def judge(self, came, stream, ana, subject):
        by_kind = {}
        for c in came:
            by_kind.setdefault(event_of(c), []).append(c)
        self.assertEqual({k: len(v) for k, v in by_kind.items()}, {
            DISABLED: 1, ENABLED: 1, PURGED: 1, CHANGED: 1, REVOKED: 2, SCIM + "create:notice": 1,
            SCIM + "patch:notice": 3, SCIM + "deactivate": 1, SCIM + "activate": 1, SCIM + "delete": 1})
        one = {k: v[0] for k, v in by_kind.items()}
        self.assertEqual(one[SCIM + "deactivate"]["sub_id"]["uri"], "/Users/" + ana)
        self.assertEqual({one[k]["txn"] for k in (DISABLED, SCIM + "deactivate")}, {by_kind[REVOKED][0]["txn"]})
        self.assertEqual({one[k]["txn"] for k in (PURGED, SCIM + "delete")}, {by_kind[REVOKED][1]["txn"]})
        self.assertIn(one[DISABLED]["txn"], {c["txn"] for c in by_kind[SCIM + "patch:notice"]})
        self.assertEqual(len({c["jti"] for c in came}), len(came))
        for kind, email in ((DISABLED, "ana@example.com"), (ENABLED, "ana@example.com"), (PURGED, "ana@else.example")):
            self.assertEqual(one[kind]["sub_id"], subject(email), kind)
        self.assertEqual((one[CHANGED]["sub_id"], one[CHANGED]["events"][CHANGED]),
                         ({"format": "email", "email": "ana@example.com"}, {"new-value": "ana@else.example"}))

    def test_openid_ssf_transmitter_caep_interop_push(self):
        """SG12."""
        stream = self.pushed(subject_format="email", signing_alg="RS256")
        ana = self.life()
        self.judge(self.tokens(13, stream), stream, ana, lambda email: {"format": "email", "email": email})

    def test_openid_ssf_transmitter_caep_interop_poll(self):
        """With another subject, another signature and an audience of its own."""
        stream = self.stream(subject_format="iss_sub", signing_alg="ES256", aud=["https://receiver.example/", "second"])
        self.assertEqual(stream["aud"], ["https://receiver.example/", "second"])
        ana = self.life()
        came = self.polled_until(13, stream)
        self.judge(came, stream, ana, lambda email: {"format": "iss_sub", "iss": stream["iss"], "sub": ana})

    def test_only_what_was_asked_for(self):
        stream = self.stream(events=[REVOKED])
        self.life()
        self.assertEqual(self.kinds(self.polled_until(2, stream)), [REVOKED] * 2)
        nothing = self.stream(events=[])
        self.assertEqual(nothing["events_delivered"], [])

    def test_a_user_who_was_there_before(self):
        """His address is known too, when it changes and when he is deleted."""
        ana = self.user("ana", emails=[{"value": "ana@example.com"}])
        bo = self.user("bo@example.com")
        stream = self.stream(events=[CHANGED, PURGED])
        self.wait_until(lambda: self.stack.sql("SELECT count(*) FROM delivery_subjects WHERE workspace_id = %s",
                                               self.ws.id)[0][0] == 2, "the addresses of those who are there")
        self.expect(self.ws.client.patch("/Users/" + ana, patch_op(
            {"op": "replace", "path": "emails", "value": [{"value": "ana@else.example"}]})), 200)
        self.expect(self.ws.client.delete("/Users/" + bo), 204)
        came = self.polled_until(2, stream)
        self.assertEqual([(event_of(c), c["sub_id"]["email"]) for c in came],
                         [(CHANGED, "ana@example.com"), (PURGED, "bo@example.com")])

    def test_a_change_that_is_still_to_be_told(self):
        """What is noted of those who were there before a workspace's first stream leaves alone what a record has noted
        since: an address that has changed already may be one whose change nobody has been told yet."""
        ana = self.user("ana@example.com")

        def noted_as(when):
            self.stack.sql("INSERT INTO delivery_subjects VALUES (%s, %s, 'before@example.com', now() + %s::interval) "
                           "ON CONFLICT (workspace_id, id) DO UPDATE SET email = EXCLUDED.email, noted = EXCLUDED.noted",
                           self.ws.id, ana, when)
            self.stack.sql("INSERT INTO delivery_heads (workspace_id, filled, fills_since) VALUES (%s, %s, now()) ON CONFLICT "
                           "(workspace_id) DO UPDATE SET filled = EXCLUDED.filled, fills_since = EXCLUDED.fills_since",
                           self.ws.id, "0" * 32)
            self.wait_until(lambda: self.stack.sql("SELECT filled FROM delivery_heads WHERE workspace_id = %s",
                                                   self.ws.id)[0][0] is None, "the addresses to be noted")
            return self.stack.sql("SELECT email FROM delivery_subjects WHERE id = %s", ana)

        self.assertEqual(noted_as("-1 hour"), [("ana@example.com",)])
        self.assertEqual(noted_as("1 hour"), [("before@example.com",)])


class Faults(Signals):
    def people(self, n, prefix="p"):
        return [self.user("%s%d@example.com" % (prefix, i)) for i in range(n)]

    def test_a_receiver_that_answers_badly(self):
        """500, a 400 that says nothing, a key that it does not know: again, with the same jti. A 400 that says why: the
        next token. Nothing is lost, and none comes a second time but for that (SG08)."""
        answers = [500, 400, refusal("invalid_key"), 202, refusal("invalid_request", "never"), 202]
        self.receiver.answer = lambda n, token: answers[n] if n < len(answers) else 202
        stream = self.pushed(events=[DISABLED])
        for user in self.people(3):
            self.set_active(user, False)
        claims = self.tokens(6, stream)
        jtis = [c["jti"] for c in claims]
        self.assertEqual(len(set(jtis[:4])), 1)
        self.assertEqual(len(set(jtis)), 3)
        self.wait_until(lambda: (lambda d: d["delivered"] == d["newest"])(
            self.shown(stream)), "all of them done")
        self.assertEqual(len(self.receiver.all()), 6)
        seen = list(reversed(self.attempts(stream)))
        self.assertEqual([a["status"] for a in seen], [500, 400, 400, 202, 400, 202])
        self.assertIn("never", seen[4]["error"])
        self.assertEqual([a["message"] for a in seen], jtis)

    def test_a_receiver_that_is_slow_and_one_that_is_away(self):
        """One token after the other, none lost; what was broken off comes again with its jti."""
        self.receiver.answer = lambda n, token: None if n == 0 else 202
        stream = self.pushed(events=[DISABLED])
        users = self.people(3)
        self.set_active(users[0], False)
        self.tokens(2, stream)
        port = self.receiver.port
        self.receiver.close()
        self.set_active(users[1], False)
        self.wait_until(lambda: self.shown(stream)["failures"] > 0, "a failure")
        before, self.receiver = self.receiver, PushReceiver(port)
        self.addCleanup(self.receiver.close)
        self.set_active(users[2], False)
        self.tokens(2, stream)
        jtis = [signals.jwt.decode(t, options={"verify_signature": False})["jti"]
                for r in (before, self.receiver) for _, t in r.all()]
        self.assertEqual(len(set(jtis)), 3)
        self.assertEqual(jtis[0], jtis[1])

    def test_a_receiver_that_fails_for_days(self):
        """Its stream is paused, not disabled: nothing is lost when it comes back."""
        self.receiver.answer = lambda n, token: 503
        stream = self.pushed(events=[DISABLED])
        self.set_active(self.user("ana@example.com"), False)
        self.wait_until(lambda: self.ssf.status(stream["stream_id"]).json["status"] == "paused", "a pause")
        self.assertEqual(self.ssf.status(stream["stream_id"]).json["reason"], "failing")
        self.wait_until(lambda: event_of(self.tokens(1, stream)[-1]) == UPDATED, "that it is told, or that this is tried")
        self.assertEqual(self.tokens(1, stream)[-1]["events"], {UPDATED: {"status": "paused", "reason": "failing"}})
        self.receiver.answer = None
        tried = len(self.receiver.all())
        self.expect(self.ssf.set_status(stream["stream_id"], "enabled"), 200)
        came = self.tokens(tried + 1, stream)
        self.assertEqual(event_of(came[-1]), DISABLED)
        self.assertEqual(len({c["jti"] for c in came}), 2)

    def test_polls_whose_acknowledgements_are_lost(self):
        """The same tokens again, until each is acknowledged; in pieces, out of order, and never one that is done (SG11)."""
        stream = self.stream(events=[DISABLED, REVOKED])
        for user in self.people(5):
            self.set_active(user, False)
        first = [c["jti"] for c in self.polled_until(10, stream)]
        got = set()
        for turn in range(40):
            claims, more = self.polled(stream, maxEvents=3)
            jtis = [c["jti"] for c in claims]
            if not jtis:
                break
            self.assertLessEqual(len(jtis), 3)
            self.assertFalse(got & set(jtis), "a token that is done came again")
            if turn % 2:  # else the acknowledgement is lost
                self.expect(self.ssf.poll(stream, maxEvents=0, ack=jtis[::-1][:2]), 200)
                got |= set(jtis[::-1][:2])
        self.assertEqual((got, self.polled(stream)), (set(first), ([], False)))
        self.assertEqual(self.stack.sql("SELECT done FROM delivery_progress WHERE id = %s", stream["stream_id"]), [([],)])

    def test_many_more_than_one_answer_holds(self):
        stream = self.stream(events=[DISABLED])
        for user in self.people(12):
            self.set_active(user, False)
        self.polled_until(12, stream)
        seen, acks = [], []
        for _ in range(12):
            claims, more = self.polled(stream, maxEvents=5, ack=acks)
            acks = [c["jti"] for c in claims]
            seen += acks
            if not more:
                break
        self.assertEqual((len(seen), len(set(seen))), (12, 12))


class Documents(Signals):
    def test_receive_signals_in_ten_minutes(self):
        """The script of ops/delivery.md, as it stands there."""
        with open(os.path.join(ROOT, "ops", "delivery.md")) as f:
            section = f.read().partition("## Streams of signals")[2].partition("\n## ")[0]
        lines_of_code = section[section.index("    import os"):].splitlines()
        script = "\n".join(line[4:] for line in lines_of_code if not line or line.startswith("    ")).partition("\n\n\n")[0]
        lines = []
        program = subprocess.Popen(["/usr/bin/python3", "-c", script], stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, USHER_TOKEN=self.ws.token, USHER_URL=self.stack.url))
        reader = threading.Thread(target=lambda: lines.extend(program.stdout))
        reader.start()
        try:
            self.wait_until(lambda: any("it works" in line for line in lines), "the verification")
            user = self.user("ana@example.com")
            self.set_active(user, False)
            self.wait_until(lambda: len(lines) == 4, "three events")
        finally:
            program.kill()
            program.wait()
            reader.join()
            program.stdout.close()
        self.assertIn("'email': 'ana@example.com'", lines[2])
        self.assertEqual(len({line.split()[0] for line in lines[2:]}), 1)
