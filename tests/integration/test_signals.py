"""Streams of signals (OpenID SSF 1.0): how they are made, seen, changed and verified. The classes are the modules of
the OpenID conformance suite's plan for transmitters, openid-ssf-transmitter-test-plan, each named in the test that does
what it does; the receiver is built on PyJWT (support/signals.py)."""

import json
import os
import subprocess
import threading
import urllib.parse

import signals
from signalcase import ALL, SCOPES, Signals
from signals import DISABLED, ENABLED, POLL, PUSH, UPDATED, VERIFICATION, Transmitter, event_of, refusal
from stack import ToolError, free_port

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Metadata(Signals):
    def test_openid_ssf_transmitter_metadata(self):
        """Required and optional members, and that no list is empty; per workspace too (SG01)."""
        for path in ("", "/w/" + self.ws.id, "/w/" + self.ws.name):
            m = self.transmitter(None, path).metadata
            self.assertEqual((m["spec_version"], m["issuer"]), ("1_0", self.stack.url + path))
            self.assertEqual(m["delivery_methods_supported"], [PUSH, POLL])
            self.assertEqual(m["default_subjects"], "ALL")
            self.assertIn({"spec_urn": "urn:ietf:rfc:6749"}, m["authorization_schemes"])
            for name in ("configuration_endpoint", "status_endpoint", "verification_endpoint", "add_subject_endpoint",
                         "remove_subject_endpoint"):
                self.assertTrue(m[name].startswith(self.stack.url + path + "/ssf/"), m[name])
            self.assertFalse([k for k, v in m.items() if v == [] or v is None])

    def test_the_keys(self):
        """An EC key and an RSA key of 2048 bits of each program, by their thumbprints (SG13)."""
        keys = self.ssf.client.get("/.well-known/jwks.json").json["keys"]
        self.assertEqual({k["kty"] for k in keys}, {"EC", "RSA"})
        for k in keys:
            self.assertFalse({"d", "p", "q"} & set(k))
            if k["kty"] == "RSA":
                self.assertEqual((k["alg"], k["use"]), ("RS256", "sig"))
                self.assertGreaterEqual(len(k["n"]), 342)


class Keys(Signals):
    """An ingest of its own, which stands behind a proxy that speaks https, and has a key of its own."""

    def ingest(self, n, key):
        name = "keys-%d-%d" % (os.getpid(), n)
        url = self.stack.extra_ingest(name, free_port(), "--public-url https://usher.example.com --signing-key-rsa " + key)
        self.addCleanup(self.stack.local, "stop", "ingest-" + name)
        made = Transmitter(url, self.token)
        self.addCleanup(made.close)
        return made

    def pem(self, n):
        path = os.path.join(self.stack.run_dir, "signing-rsa-%d-%d.pem" % (os.getpid(), n))
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path],
                       check=True, capture_output=True)
        os.chmod(path, 0o600)
        return path

    def token_of(self, ssf, stream, state):
        self.verify(stream, ssf, state=state)
        self.wait_until(lambda: self.polled(stream, ssf)[0], "the verification")
        answer = self.expect(ssf.poll(stream, returnImmediately=True), 200).json["sets"]
        self.expect(ssf.poll(stream, maxEvents=0, ack=list(answer)), 200)
        return next(iter(answer.values()))

    def test_addresses_are_https_and_old_tokens_verify(self):
        """SG01: all of the metadata. SG13: what was signed before the key was changed is verified by what is published
        afterwards, also by another ingest, and the new key is another one."""
        first = self.ingest(1, self.pem(1))
        for path in ("", "/w/" + self.ws.id):
            addresses = [v for k, v in first.client.get("/.well-known/ssf-configuration" + path).json.items()
                         if k == "issuer" or k.endswith(("_endpoint", "_uri"))]
            self.assertEqual({a.startswith("https://usher.example.com/") or a == "https://usher.example.com" for a in addresses},
                             {True}, addresses)
            self.assertEqual(len(addresses), 7)
        stream = self.stream(first, events=[])
        self.assertTrue(stream["delivery"]["endpoint_url"].startswith("https://usher.example.com/ssf/poll/"), stream)
        old = self.token_of(first, stream, "old")
        second = self.ingest(2, self.pem(2))
        new = self.token_of(second, stream, "new")
        kids = [signals.jwt.get_unverified_header(t)["kid"] for t in (old, new)]
        self.assertNotEqual(*kids)
        for ssf in (self.ssf, second):  # the key of a program that has just begun stands in the table at once
            self.wait_until(lambda s=ssf: set(kids) <= set(s.keys()), "both keys to be shown")
            for token, state in ((old, "old"), (new, "new")):
                self.assertEqual(ssf.judged(token, stream)["events"], {VERIFICATION: {"state": state}})


class Streams(Signals):
    def test_openid_ssf_transmitter_stream_control_happy_path(self):
        """SG02."""
        made = self.pushed(description="first")
        uid = made["stream_id"]
        self.assertEqual((made["iss"], made["aud"], made["description"]), (self.stack.url, self.key, "first"))
        self.assertEqual((made["events_requested"], set(made["events_delivered"])), (ALL, set(ALL)))
        self.assertEqual(made["delivery"], {"method": PUSH, "endpoint_url": self.receiver.url("/push")})
        self.assertEqual(self.expect(self.ssf.read(uid), 200).json, made)
        self.assertEqual(self.expect(self.ssf.read(), 200).json, [made])
        changed = self.expect(self.ssf.update(uid, description="second", iss=made["iss"], aud=made["aud"]), 200).json
        self.assertEqual(changed, {**made, "description": "second"})
        fewer = self.expect(self.ssf.update(uid, events_requested=[DISABLED, "urn:nobody:knows"]), 200).json
        self.assertEqual((fewer["events_requested"], fewer["events_delivered"]), ([DISABLED, "urn:nobody:knows"], [DISABLED]))
        whole = self.expect(self.ssf.replace(uid, events_requested=[ENABLED], delivery=made["delivery"]), 200).json
        self.assertNotIn("description", whole)
        self.assertEqual((whole["events_delivered"], whole["delivery"]), ([ENABLED], made["delivery"]))
        self.assertEqual(self.expect(self.ssf.status(uid), 200).json, {"stream_id": uid, "status": "enabled"})
        for status in ("paused", "disabled", "enabled"):
            shown = self.expect(self.ssf.set_status(uid, status, reason="a test"), 200).json
            self.assertEqual(shown, {"stream_id": uid, "status": status, "reason": "a test"})
        self.expect(self.ssf.delete(uid), 204)
        self.expect(self.ssf.read(uid), 404)
        self.assertEqual(self.expect(self.ssf.read(), 200).json, [])
        actions = [c["action"] for c in self.followers.changes(self.ws.id) if c["action"].startswith("delivery")]
        self.assertEqual(actions, ["delivery.created"] + ["delivery.changed"] * 4 + ["delivery.disabled", "delivery.changed",
                                                                                     "delivery.deleted"])

    def test_openid_ssf_transmitter_stream_control_error_create_stream_with_broken_input(self):
        for body in ({"delivery": {"method": "urn:nobody:knows"}}, {"delivery": {"method": PUSH}},
                     {"delivery": {"method": PUSH, "endpoint_url": "ftp://a.example"}}, {"events_requested": "all"},
                     {"delivery": "push"}, {"subject_format": "phone"}, {"signing_alg": "none"},
                     {"delivery": {"method": PUSH, "endpoint_url": "https://a.example/", "authorization_header": "a\nb"}}):
            with self.subTest(body):
                refused = self.expect(self.ssf.create(**body), 400)
                self.assertEqual(refused.json["type"], "urn:usher:problem:invalid-value")
        for raw in (b"{", b"[]", b"nothing"):
            self.expect(self.ssf.call("POST", "configuration_endpoint", raw=raw), 400)

    def test_openid_ssf_transmitter_stream_control_error_create_stream_with_invalid_token(self):
        """And of each other call; none is made. A token in the query counts for nothing."""
        stranger = self.transmitter("ush_" + "x" * 49)
        uid = self.stream()["stream_id"]
        for answer in (stranger.create(), stranger.read(uid), stranger.read(), stranger.update(uid), stranger.replace(uid),
                       stranger.delete(uid), stranger.status(uid), stranger.set_status(uid, "paused"), stranger.verify(uid),
                       stranger.add(uid, {"format": "email", "email": "a@b.example"})):
            self.assertEqual(answer.status, 401, answer)
            self.assertIn('error="invalid_token"', answer.headers["www-authenticate"])
        nobody = self.transmitter(None)
        for answer in (nobody.read(uid), nobody.call("GET", "configuration_endpoint", query="?access_token=" + self.token)):
            self.assertEqual((answer.status, answer.headers["www-authenticate"][:6]), (401, "Bearer"))

    def test_openid_ssf_transmitter_stream_control_error_create_stream_with_read_only_token(self):
        reader = self.transmitter(self.ws.key("reader", "api:users:read")[0])
        self.assertIn("insufficient_scope", self.expect(reader.create(), 403).headers["www-authenticate"])
        self.assertEqual(self.expect(reader.read(), 200).json, [])
        self.expect(self.transmitter(self.ws.key("rooms", "api:rooms:write")[0]).read(), 403)

    def test_openid_ssf_transmitter_stream_control_create_stream_without_delivery(self):
        """Means poll, by a URL of its own; a second stream is another one."""
        one, two = self.stream(), self.stream()
        self.assertEqual((one["delivery"]["method"], two["delivery"]["method"]), (POLL, POLL))
        self.assertNotEqual(one["delivery"]["endpoint_url"], two["delivery"]["endpoint_url"])

    def test_openid_ssf_transmitter_stream_control_error_unknown_stream(self):
        """Read, update, replace, delete, status, verification, subjects: 404, and 400 without any."""
        for uid in (UNKNOWN, "nothing"):
            for answer in (self.ssf.read(uid), self.ssf.update(uid), self.ssf.replace(uid), self.ssf.delete(uid),
                           self.ssf.status(uid), self.ssf.set_status(uid, "paused"), self.ssf.verify(uid, state="x"),
                           self.ssf.add(uid, {"format": "email", "email": "a@b.example"}),
                           self.ssf.remove(uid, {"format": "email", "email": "a@b.example"})):
                self.assertEqual((answer.status, answer.json["type"]), (404, "urn:usher:problem:not-found"), answer)
        for answer in (self.ssf.status(""), self.ssf.call("PATCH", "configuration_endpoint", {}),
                       self.ssf.call("POST", "verification_endpoint", {"state": "x"})):
            self.assertEqual(answer.status, 400)

    def test_openid_ssf_transmitter_stream_control_error_update_and_replace_with_broken_input(self):
        made = self.stream()
        uid = made["stream_id"]
        for body in ({"aud": "https://else.example"}, {"iss": "https://else.example"}, {"events_supported": []},
                     {"delivery": {"method": "x"}}, {"description": 7}):
            for answer in (self.ssf.update(uid, **body), self.ssf.replace(uid, **body)):
                self.assertEqual(answer.status, 400, (body, answer))
        for answer in (self.ssf.set_status(uid, "asleep"), self.ssf.set_status(uid, None), self.ssf.verify(uid, state=1),
                       self.ssf.add(uid, "ana"), self.ssf.add(uid, {"email": "a@b.example"})):
            self.assertEqual(answer.status, 400, answer)
        self.assertEqual(self.ssf.read(uid).json, made)

    def test_another_receiver_sees_nothing(self):
        """Each key has its own streams; so has each workspace, whose name in the path must be the token's (SG03)."""
        uid = self.stream()["stream_id"]
        other = self.transmitter(self.ws.key("other", SCOPES)[0])
        self.assertEqual(other.read().json, [])
        for answer in (other.read(uid), other.update(uid, description="x"), other.delete(uid), other.verify(uid)):
            self.assertEqual(answer.status, 404)
        elsewhere = self.stack.workspace("elsewhere")
        self.addCleanup(elsewhere.client.close)
        self.expect(self.transmitter(self.token, "/w/" + elsewhere.id).read(), 404)
        mine = self.transmitter(self.token, "/w/" + self.ws.name)
        self.assertEqual(self.stream(mine)["iss"], self.stack.url + "/w/" + self.ws.name)

    def test_oauth_client_credentials(self):
        """The token of a client is as good as its key: it sees the same streams (SG14)."""
        uid = self.stream()["stream_id"]
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": self.key,
                                       "client_secret": self.token}).encode()
        answer = self.ssf.client.request("POST", "/oauth2/token", form, {
            "Content-Type": "application/x-www-form-urlencoded", "Authorization": None})
        short = self.transmitter(self.expect(answer, 200).json["access_token"])
        self.assertEqual(self.expect(short.read(uid), 200).json["stream_id"], uid)

    def test_administrators(self):
        """See streams among the endpoints, and may stop and delete them, and nothing more."""
        uid = self.pushed()["stream_id"]
        shown = self.stack.ctl("delivery", "show", uid)["delivery"]
        self.assertEqual((shown["id"], shown["receiver"], shown["state"]), (uid, self.key, "enabled"))
        self.stack.ctl("delivery", "set", uid, state="paused")
        self.assertEqual(self.ssf.status(uid).json["status"], "paused")
        with self.assertRaises(ToolError):
            self.stack.ctl("delivery", "set", uid, endpoint="https://else.example/")
        with self.assertRaises(ToolError):
            self.stack.ctl("delivery", "rotate", uid)
        self.stack.ctl("delivery", "revoke", uid)
        self.expect(self.ssf.read(uid), 404)


class Subjects(Signals):
    def test_openid_ssf_transmitter_subjects(self):
        """All are in a stream, until one is removed; who is not known can be added and removed just so (SG07)."""
        stream = self.stream(events=[DISABLED])
        uid = stream["stream_id"]
        people = {n: self.user(n + "@example.com") for n in ("ana", "bo", "cleo", "dan")}
        named = {"ana": {"format": "email", "email": "Ana@example.com"}, "bo": {"format": "scim", "uri": "/Users/" + people["bo"]},
                 "cleo": {"format": "iss_sub", "iss": stream["iss"], "sub": people["cleo"]}}
        for subject in list(named.values()) + [{"format": "email", "email": "nobody@example.com"}]:
            answer = self.expect(self.ssf.remove(uid, subject), 204)
        self.assertEqual(answer.body, b"")
        answer = self.expect(self.ssf.add(uid, named["bo"]), 200)
        self.assertEqual((answer.body, answer.headers["cache-control"]), (b"", "no-store"))
        self.expect(self.ssf.add(uid, {"format": "email", "email": "nobody@example.com"}), 200)
        for user in people.values():
            self.set_active(user, False)
        came = self.polled_until(2, stream)
        self.assertEqual({c["sub_id"]["email"] for c in came}, {"bo@example.com", "dan@example.com"})


class Verification(Signals):
    def test_openid_ssf_transmitter_stream_verification_push(self):
        """SG06."""
        stream = self.pushed(header="Bearer open sesame")
        self.verify(stream, state="a state")
        claims = self.tokens(1, stream)[0]
        self.assertEqual(claims["events"], {VERIFICATION: {"state": "a state"}})
        self.assertEqual(claims["sub_id"], {"format": "opaque", "id": stream["stream_id"]})
        headers, token = self.receiver.all()[0]
        self.assertEqual({k: headers[k] for k in ("Content-Type", "Accept", "Authorization")},
                         {"Content-Type": "application/secevent+jwt", "Accept": "application/json",
                          "Authorization": "Bearer open sesame"})
        self.assertNotIn("open sesame", json.dumps(self.ssf.read(stream["stream_id"]).json))
        self.assertNotIn("sesame", str(self.stack.sql("SELECT doc::text || secrets FROM deliveries WHERE id = %s",
                                                      stream["stream_id"])))

    def test_openid_ssf_transmitter_stream_verification_push_without_authorization_header(self):
        stream = self.pushed()
        self.verify(stream)
        self.assertEqual(self.tokens(1, stream)[0]["events"], {VERIFICATION: {}})
        self.assertNotIn("Authorization", self.receiver.all()[0][0])

    def test_openid_ssf_transmitter_stream_verification_poll(self):
        """Poll only, poll and acknowledge, acknowledge only (SG09)."""
        stream = self.stream()
        self.verify(stream, state="one")
        first = self.polled_until(1, stream)[0]
        self.assertEqual(first["events"], {VERIFICATION: {"state": "one"}})
        self.assertEqual(self.polled(stream)[0], [first])  # nothing was acknowledged: the same again
        self.verify(stream, state="two")
        self.wait_until(lambda: self.kinds(self.polled(stream)[0]) == [VERIFICATION] * 2, "the second")
        left, more = self.polled(stream, ack=[first["jti"], "nobody knows this"])
        self.assertEqual(([c["events"] for c in left], more), ([{VERIFICATION: {"state": "two"}}], False))
        done = self.expect(self.ssf.poll(stream, maxEvents=0, ack=[left[0]["jti"]]), 200).json
        self.assertEqual(done["sets"], {})
        self.assertEqual(self.polled(stream), ([], False))

    def test_openid_ssf_transmitter_stream_verification_long_poll(self):
        """It is answered when there is something (SG10)."""
        stream, got = self.stream(), []
        other = self.transmitter(self.token)
        thread = threading.Thread(target=lambda: got.append(other.poll(stream)))
        thread.start()
        self.wait_until(lambda: self.waiting_polls() >= 1, "a poll that waits")
        self.verify(stream, state="late")
        self.wait_until(lambda: got, "the answer of a long poll")
        thread.join()
        sets = self.expect(got[0], 200).json["sets"]
        self.assertEqual([self.ssf.judged(t, stream)["events"] for t in sets.values()], [{VERIFICATION: {"state": "late"}}])

    def waiting_polls(self):
        text = self.ssf.client.get("/metrics").body.decode()
        return int(next(line.split()[1] for line in text.split("\n") if line.startswith("usher_polls ")))

    def test_openid_ssf_transmitter_stream_verification_set_errs(self):
        stream = self.stream()
        self.verify(stream)
        jti = self.polled_until(1, stream)[0]["jti"]
        answer = self.expect(self.ssf.poll(stream, maxEvents=0, setErrs={jti: {"err": "invalid_key", "description": "?"}}), 200)
        self.assertEqual(answer.json, {"sets": {}, "moreAvailable": False})
        self.assertEqual(self.polled(stream), ([], False))
        shown = self.attempts(stream)
        self.assertEqual([a["message"] for a in shown], [jti])
        self.assertIn("invalid_key", shown[0]["error"])

    def test_openid_ssf_transmitter_stream_verification_errors(self):
        stream = self.stream()
        self.verify(stream)
        refused = [self.ssf.verify(stream["stream_id"]) for _ in range(3)]
        self.assertTrue(all(a.status in (204, 429) for a in refused), refused)
        self.expect(self.ssf.call("POST", "verification_endpoint", raw=b"{"), 400)

    def test_what_a_stream_may_hold(self):
        """64 events that are asked for, 256 subjects that are removed; one more is refused by the limit's name, and the
        stream stays as it was."""
        names = ["urn:example:event:%d" % i for i in range(65)]
        answer = self.expect(self.ssf.create(events_requested=names), 400)
        self.assertIn("64", answer.json["detail"])
        stream = self.stream(events=names[:64])
        self.assertEqual((len(stream["events_requested"]), stream["events_delivered"]), (64, []))

        def subject(i):
            return {"format": "email", "email": "p%d@example.com" % i}
        for i in range(256):
            self.expect(self.ssf.remove(stream["stream_id"], subject(i)), 204)
        refused = self.ssf.remove(stream["stream_id"], subject(256))
        self.expect(refused, 403)
        self.assertIn("256", refused.json["detail"])
        self.expect(self.ssf.add(stream["stream_id"], subject(0)), 200)
        self.expect(self.ssf.remove(stream["stream_id"], subject(256)), 204)

    def test_openid_ssf_transmitter_poll_errors(self):
        """The poll's URL asks for a token as all others do."""
        stream = self.stream()
        for token, error in ((None, "Bearer"), ("ush_" + "x" * 49, 'error="invalid_token"')):
            answer = self.transmitter(token).poll(stream)
            self.assertEqual(answer.status, 401)
            self.assertIn(error, answer.headers["www-authenticate"])
        self.expect(self.transmitter(self.ws.key("other", SCOPES)[0]).poll(stream), 404)
        for body in ({"ack": "x"}, {"maxEvents": -1}, {"maxEvents": "1"}, {"returnImmediately": 1}, {"setErrs": []}):
            self.expect(self.ssf.poll(stream, **body), 400)
        pushed = self.pushed()
        path = urllib.parse.urlsplit(stream["delivery"]["endpoint_url"]).path.replace(stream["stream_id"], pushed["stream_id"])
        self.expect(self.ssf.call("POST", path, {}), 409)

    def test_polls_of_one_key_are_bounded(self):
        """The ninth that waits is refused, and the others are answered all the same."""
        stream, answers = self.stream(), []
        clients = [self.transmitter(self.token) for _ in range(9)]
        threads = [threading.Thread(target=lambda c=c: answers.append(c.poll(stream))) for c in clients]
        for thread in threads:
            thread.start()
        self.wait_until(lambda: answers, "a refusal")
        self.assertEqual([a.status for a in answers], [429])
        self.verify(stream)
        self.wait_until(lambda: len(answers) == 9, "all answers")
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(a.status for a in answers), [200] * 8 + [429])


class Status(Signals):
    def test_openid_ssf_transmitter_stream_status_paused(self):
        """Nothing comes, also of what another stream has long got; afterwards all of it, in order (SG04)."""
        held, running = self.pushed(), self.pushed(path="/running")
        self.expect(self.ssf.set_status(held["stream_id"], "paused"), 200)
        self.verify(held, state="held")
        self.verify(running, state="running")
        user = self.user("ana@example.com")
        self.set_active(user, False)
        self.tokens(5, running, "/running")
        self.assertEqual(self.receiver.all(), [])
        self.expect(self.ssf.set_status(held["stream_id"], "enabled"), 200)
        came = self.tokens(6, held)
        self.assertEqual(came[0]["events"], {VERIFICATION: {"state": "held"}})
        self.assertEqual([event_of(c) for c in came[1:]],
                         [event_of(c) for c in self.tokens(6, running, "/running") if event_of(c) != VERIFICATION])

    def test_openid_ssf_transmitter_stream_status_disabled(self):
        """What happens meanwhile is never told; what happens afterwards is."""
        for stream, came in ((self.pushed(events=[DISABLED]), lambda: [signals.jwt.decode(
                t, options={"verify_signature": False}) for _, t in self.receiver.all()]),):
            running = self.pushed(path="/running", events=[DISABLED])
            self.expect(self.ssf.set_status(stream["stream_id"], "disabled"), 200)
            self.verify(stream, state="dropped")
            self.set_active(self.user("ana@example.com"), False)
            self.tokens(1, running, "/running")
            self.assertEqual(came(), [])
            self.expect(self.ssf.set_status(stream["stream_id"], "enabled"), 200)
            self.verify(stream, state="after")
            self.tokens(1, stream)
            self.set_active(self.user("bo@example.com"), False)
            self.tokens(2, stream)
            self.assertEqual([c["events"] for c in came()], [{VERIFICATION: {"state": "after"}}, {DISABLED: {}}])

    def test_a_paused_poll(self):
        stream = self.stream(events=[DISABLED])
        self.expect(self.ssf.set_status(stream["stream_id"], "paused"), 200)
        self.verify(stream, state="held")
        self.assertEqual(self.polled(stream), ([], False))
        self.expect(self.ssf.set_status(stream["stream_id"], "enabled"), 200)
        self.assertEqual(self.polled_until(1, stream)[0]["events"], {VERIFICATION: {"state": "held"}})


class Updated(Signals):
    """Status that somebody else than the receiver has set (SSF 1.0 section 8.1.5, SG05)."""

    def administrator_sets(self, stream, **flags):
        self.stack.ctl("delivery", "set", stream["stream_id"], **flags)

    def judge(self, claims, stream, **members):
        self.assertEqual((claims["events"], claims["sub_id"]),
                         ({UPDATED: members}, {"format": "opaque", "id": stream["stream_id"]}))

    def test_an_administrator_pauses_a_push(self):
        """The receiver hears of it and of nothing else, until he hears that it goes on."""
        stream = self.pushed(events=[DISABLED])
        self.administrator_sets(stream, state="paused")
        self.judge(self.tokens(1, stream)[0], stream, status="paused")
        self.set_active(self.user("ana@example.com"), False)
        self.verify(stream, state="held")
        self.administrator_sets(stream, state="enabled")
        came = self.tokens(4, stream)[1:]
        self.assertEqual(self.kinds(came), sorted([UPDATED, VERIFICATION, DISABLED]))
        self.judge(next(c for c in came if event_of(c) == UPDATED), stream, status="enabled")
        self.wait_until(lambda: (lambda d: d["delivered"] == d["newest"])(self.shown(stream)), "all of them done")
        self.assertEqual(len(self.receiver.all()), 4)

    def test_an_administrator_disables_a_poll(self):
        """Whoever polls gets it, behind what is held and no longer told."""
        stream = self.stream(events=[DISABLED])
        self.set_active(self.user("ana@example.com"), False)
        self.polled_until(1, stream)
        self.administrator_sets(stream, state="disabled")
        came = self.polled_until(1, stream)
        self.judge(came[0], stream, status="disabled")
        self.assertEqual(self.polled(stream), (came, False))  # until it is acknowledged
        self.assertEqual(self.polled(stream, ack=[came[0]["jti"]]), ([], False))

    def test_a_receiver_who_sets_it_himself(self):
        """Knows of it."""
        stream = self.pushed(events=[])
        for status in ("paused", "disabled", "enabled"):
            self.expect(self.ssf.set_status(stream["stream_id"], status), 200)
        self.verify(stream)
        self.assertEqual(self.kinds(self.tokens(1, stream)), [VERIFICATION])
