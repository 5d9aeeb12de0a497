"""Prefer: respond-async (RFC 7240, RFC 9967; rules Q): what is answered at once, what stands at the Location, what
usher.events tells, also after everything was killed. Stops the worker now and then, so it runs alone."""

import base64
import contextlib
import hashlib
import hmac
import json
import signal
import time
import urllib.request
import uuid

import contract
import jws
import stream
from case import Case
from scimhttp import ERROR, GROUP, SCIM_TYPE, USER, patch_op
from waiting import SILENCE, let_time_pass

ASYNC = {"Prefer": "respond-async"}
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
NOBODY = "0190b3f2-0000-7000-8000-00000000dead"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


class Async(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bare = cls.ws.open(check=False, prefix="")

    @classmethod
    def tearDownClass(cls):
        cls.bare.close()
        super().tearDownClass()

    def bare_client(self, *args, **kw):
        """For whatever stands at a Location: no SCIM answer, and the path as it is given there."""
        client = self.ws.open(*args, check=False, prefix="", **kw)
        self.addCleanup(client.close)
        return client

    def keys(self):
        with urllib.request.urlopen(self.stack.url + "/.well-known/jwks.json", timeout=SILENCE) as answer:
            return jws.KeySet(json.loads(answer.read())["keys"])

    def accepted(self, answer):
        """Q3: 202 without body, and all that it must say. Gives (txn, path of the Location)."""
        self.assertEqual((answer.status, answer.body), (202, b""), repr(answer))
        h = answer.headers
        self.assertRegex(h["set-txn"], "^%s$" % UUID)
        self.assertEqual(h["preference-applied"], "respond-async")
        self.assertNotIn("content-type", h)
        self.assertTrue(h["location"].startswith(self.stack.url + "/scim/v2/AsyncResults/" + h["set-txn"]),
                        h["location"])
        return h["set-txn"], h["location"][len(self.stack.url):]

    def ask(self, path, client=None):
        return (client or self.bare).request("GET", path)

    def outcome(self, answer, client=None):
        """Waits for what stands at the Location of a 202; gives (verified claims, payload)."""
        txn, path = self.accepted(answer)
        last = []
        self.wait_until(lambda: last.append(self.ask(path, client)) or last[-1].status != 202, "the outcome")
        self.assertEqual((last[-1].status, last[-1].headers["content-type"]), (200, "application/secevent+jwt"),
                         repr(last[-1]))
        claims = self.keys().verify(last[-1].body.decode())
        self.assertEqual((claims["txn"], list(claims["events"])), (txn, [stream.ASYNC]))
        return claims, claims["events"][stream.ASYNC]

    def streamed(self, ws, txn):
        """The outcomes of a txn on usher.events: claims."""
        records = [r for r in self.followers.tokens(ws.id) if r.headers["ce_type"] == stream.ASYNC
                   and r.value["txn"] == txn]
        return [r.value for r in records]

    @contextlib.contextmanager
    def worker_stands_still(self):
        self.stack.signal("WORKER", signal.SIGSTOP)
        try:
            yield
        finally:
            self.stack.signal("WORKER", signal.SIGCONT)


class Single(Async):
    def test_every_method(self):
        """Q2, Q3, Q5: what the answer would have been is in the token at the Location, and its claims are on usher.events, with the
        request's txn."""
        at = self.stack.url + "/scim/v2"
        made = self.http.post("/Users", {"schemas": [USER], "userName": "async-1", "externalId": "x-1"}, headers=ASYNC)
        claims, payload = self.outcome(made)
        uri = claims["sub_id"]["uri"]
        self.assertRegex(uri, "^/Users/%s$" % UUID)
        self.assertEqual(claims["sub_id"].get("externalId"), "x-1")
        self.assertEqual(payload, {"method": "POST", "status": "201", "version": 'W/"1"', "location": at + uri})
        steps = (("PUT", {"schemas": [USER], "userName": "async-1", "title": "t"}, "200", 'W/"2"'),
                 ("PATCH", patch_op({"op": "replace", "path": "active", "value": False}), "200", 'W/"3"'),
                 ("DELETE", None, "204", None))
        for method, body, status, version in steps:
            claims, payload = self.outcome(self.http.request(method, uri, body, headers=ASYNC))
            want = {"method": method, "status": status, "version": version, "location": at + uri}
            self.assertEqual((claims["sub_id"]["uri"], payload), (uri, {k: v for k, v in want.items() if v}))
            # The same claims in both places, jti and all.
            self.assertEqual(self.streamed(self.ws, claims["txn"]), [claims])
        kinds = [stream.event_of(r)[0] for r in self.followers.tokens(self.ws.id) if r.value["txn"] == claims["txn"]]
        self.assertEqual(kinds, [stream.PROV + "delete", stream.ASYNC])
        self.assertEqual(self.http.get(uri).status, 404)

    def test_the_signature(self):
        """K3, K4: the outcome is signed when it is asked for, with a published key, and the claims are those of
        usher.events, byte for byte; a forged token does not verify."""
        answer = self.http.post("/Users", {"schemas": [USER], "userName": "signed"}, headers=ASYNC)
        txn, path = self.accepted(answer)
        claims, _ = self.outcome(answer)
        tokens = [self.ask(path).body.decode() for _ in range(2)]
        record, = [r for r in self.followers.tokens(self.ws.id) if r.value["txn"] == txn
                   and r.headers["ce_type"] == stream.ASYNC]
        for token in tokens:
            self.assertEqual(self.keys().verify(token), claims)
            header, payload, signature = token.split(".")
            self.assertEqual(jws.parts(token)[0]["typ"], "secevent+jwt")
            self.assertEqual(jws.unbase64(payload).decode(), record.text)
            other = payload[:-8] + ("A" if payload[-8] != "A" else "B") + payload[-7:]
            with self.assertRaises(jws.TokenError):
                self.keys().verify(".".join((header, other, signature)))
            with self.assertRaises(jws.TokenError):
                jws.KeySet([]).verify(token)

    def test_a_room(self):
        """Q5: a room's PATCH says 204, as it would have been answered."""
        u = self.user("async-member")["id"]
        claims, _ = self.outcome(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "Async"}, headers=ASYNC))
        uri = claims["sub_id"]["uri"]
        _, payload = self.outcome(self.http.patch(uri, patch_op({"op": "add", "path": "members",
                                                                 "value": [{"value": u}]}), headers=ASYNC))
        self.assertEqual((payload["status"], payload["version"]), ("204", 'W/"2"'))
        self.assertEqual(self.members(uri[len("/Groups/"):]), {u})

    def test_what_the_worker_refuses(self):
        """Q5, Q10a: a refusal is an outcome: status not 2xx, the SCIM error in `response`; a create that failed is
        about the collection."""
        self.user("taken")
        claims, payload = self.outcome(self.http.post("/Users", {"schemas": [USER], "userName": "TAKEN"},
                                                      headers=ASYNC))
        self.assertEqual(claims["sub_id"], {"format": "scim", "uri": "/Users"})
        self.assertEqual((payload["method"], payload["status"], "location" in payload, "version" in payload),
                         ("POST", "409", False, False))
        error = payload["response"]
        self.assertEqual((error["schemas"], error["status"], error["scimType"]), ([ERROR], "409", "uniqueness"))
        self.assertIn("TAKEN", error["detail"])
        u = self.user("old")
        claims, payload = self.outcome(self.http.put("/Users/" + u["id"], {"schemas": [USER], "userName": "x"},
                                                     headers={**ASYNC, "If-Match": 'W/"7"'}))
        self.assertEqual((claims["sub_id"]["uri"], payload["status"], payload["location"]),
                         ("/Users/" + u["id"], "412", self.stack.url + "/scim/v2/Users/" + u["id"]))

    def test_known_failures_are_answered_at_once(self):
        """Q8: no 202 for what the ingest knows to be wrong."""
        u = self.user("known")["id"]
        before = len(self.followers.tokens(self.ws.id))
        reader = self.ws.open(self.ws.key("reader", "scim:users:read")[0])
        nobody = self.ws.open("ush_" + "0" * 49)
        self.addCleanup(reader.close)
        self.addCleanup(nobody.close)
        body = {"schemas": [USER], "userName": "n"}
        for answer, status, scim_type in (
                (self.http.post("/Users", {"schemas": [USER]}, headers=ASYNC), 400, "invalidValue"),
                (self.http.post("/Users", b"{", headers=ASYNC), 400, "invalidSyntax"),
                (self.http.patch("/Users/" + u, patch_op({"op": "replace", "path": "nonsense", "value": 1}),
                                 headers=ASYNC), 400, "invalidPath"),
                (self.http.put("/Users/" + NOBODY, body, headers=ASYNC), 404, None),
                (self.http.patch("/Users/" + NOBODY, patch_op({"op": "add", "path": "title", "value": "t"}),
                                 headers=ASYNC), 404, None),
                (self.http.delete("/Users/" + NOBODY, headers=ASYNC), 404, None),
                (reader.post("/Users", body, headers=ASYNC), 403, None),
                (nobody.post("/Users", body, headers=ASYNC), 401, None)):
            self.expect(answer, status, scim_type)
            self.assertNotIn("set-txn", answer.headers)
        self.assertEqual(len(self.followers.tokens(self.ws.id)), before)

    def test_never_unasked(self):
        """Q1, Q9: without respond-async always the outcome; reads and other preferences do not make it so. Names in
        any letter case, in a list of several."""
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "sync-1"}), 201)
        for prefer in ("wait=5", "return=representation", "respond-asynchronously", "x=\"respond-async\"", ""):
            u = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "sync-%s" % prefer},
                                           headers={"Prefer": prefer}), 201).json["id"]
        self.expect(self.http.get("/Users/" + u, headers=ASYNC), 200)
        self.expect(self.http.post("/Users/.search",
                                   {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]},
                                   headers=ASYNC), 200)
        self.outcome(self.http.post("/Users", {"schemas": [USER], "userName": "case"},
                                    headers={"Prefer": "handling=lenient, RESPOND-Async"}))

    def test_wait(self):
        """Q2: with wait=N the ordinary answer if it comes in time, else 202; the outcome is told either way."""
        answer = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "waited"},
                                            headers={"Prefer": "respond-async, wait=4"}), 201)
        self.assertEqual(answer.json["userName"], "waited")
        self.assertNotIn("set-txn", answer.headers)
        outcomes = [r for r in self.followers.tokens(self.ws.id) if stream.event_of(r)[0] == stream.ASYNC
                    and r.value["sub_id"]["uri"].endswith(answer.json["id"])]
        self.assertEqual([stream.event_of(r)[1]["status"] for r in outcomes], ["201"])
        with self.worker_stands_still():
            began = time.monotonic()
            late = self.http.post("/Users", {"schemas": [USER], "userName": "waited-2"},
                                  headers={"Prefer": "respond-async, wait=1"})
            self.accepted(late)
            self.assertGreater(time.monotonic() - began, 0.9)
        self.assertEqual(self.outcome(late)[1]["status"], "201")

    def test_pending_then_done(self):
        """Q3, Q4: accepted means that Kafka has it: 202 with Retry-After while nobody has decided, however long that
        takes; then the outcome."""
        with self.worker_stands_still():
            answer = self.http.post("/Users", {"schemas": [USER], "userName": "patient"}, headers=ASYNC)
            _, path = self.accepted(answer)
            pending = self.ask(path)
            self.assertEqual((pending.status, pending.body, pending.headers["retry-after"]), (202, b"", "1"))
            self.assertNotIn("content-type", pending.headers)
            let_time_pass(5,
                          "four seconds are the deadline of those who wait for an answer; this outcome may come later")
            self.assertEqual(self.ask(path).status, 202)
            self.assertEqual(self.http.find("/Users", 'userName eq "patient"').json["totalResults"], 0)
        self.assertEqual(self.outcome(answer)[1]["status"], "201")
        self.assertEqual(self.http.find("/Users", 'userName eq "patient"').json["totalResults"], 1)


class Location(Async):
    def handle(self, txn, workspace=None, operations=0):
        """The address as the service seals it, made from the secret in its database."""
        secret = bytes(self.stack.sql("SELECT value FROM secrets WHERE name = 'seal'")[0][0])
        mac = hmac.new(secret, ("async|%s|%s|%d" % (workspace or self.ws.id, txn, operations)).encode(),
                       hashlib.sha256).digest()[:16]
        return "/scim/v2/AsyncResults/%s.%s%s" % (txn, "%d." % operations if operations else "",
                                                  base64.urlsafe_b64encode(mac).rstrip(b"=").decode())

    def test_the_seal(self):
        """Q4: 404 for what was never promised: forged, cut, of another workspace, of no asynchronous request."""
        answer = self.http.post("/Users", {"schemas": [USER], "userName": "sealed"}, headers=ASYNC)
        self.outcome(answer)
        txn, path = self.accepted(answer)
        self.assertEqual(path, self.handle(txn))
        other = self.bare_client(self.stack.workspace("other").token)
        self.assertEqual(self.ask(path, other).status, 404)
        self.assertEqual(self.ask("/w/%s%s" % (self.ws.id, path)).status, 200)
        for wrong in (path[:-1], path[:-2] + ("AA" if path[-2:] != "AA" else "BB"), path + "A",
                      self.handle(txn).rsplit(".", 1)[0], "/scim/v2/AsyncResults/" + txn,
                      "/scim/v2/AsyncResults/x", "/scim/v2/AsyncResults/%s." % txn, path.replace(".", ".1."),
                      self.handle(txn, operations=1).replace(".1.", ".2."),
                      self.handle(NOBODY, NOBODY)):
            self.assertEqual(self.ask(wrong).status, 404, wrong)
        nobody = self.bare_client()
        nobody.token = None
        self.assertEqual(self.ask(path, nobody).status, 401)

    def test_who_may_ask(self):
        """Any key of the workspace that could have written; nobody else (Q4: authentication)."""
        answer = self.http.post("/Users", {"schemas": [USER], "userName": "whose"}, headers=ASYNC)
        self.outcome(answer)
        _, path = self.accepted(answer)
        for scopes, status in (("scim:users:write", 200), ("scim:rooms:write", 200),
                               ("scim:users:read,scim:rooms:read", 403)):
            client = self.bare_client(self.ws.key("k-" + scopes[:16], scopes)[0])
            self.assertEqual(self.ask(path, client).status, status, scopes)
        self.assertEqual(self.bare.request("POST", path, b"{}").status, 405)
        self.assertEqual(self.bare.request("HEAD", path).status, 200)

    def test_after_retention(self):
        """Q4: 410 for outcomes that are no longer kept; pending for one that might still come; 404 for a synchronous
        request's."""
        old = "%012x" % (int(time.time() * 1000) - 10 * 86400 * 1000)
        gone = "%s-%s-7000-8000-000000000001" % (old[:8], old[8:])
        self.expectation(self.ask(self.handle(gone)), 410)
        self.expectation(self.ask(self.handle(gone, operations=3)), 410)
        fresh = uuid.UUID(int=(int(time.time() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)
        self.assertEqual(self.ask(self.handle(str(fresh))).status, 202)
        self.user("plain")
        txn = next(c["txn"] for c in self.followers.changes(self.ws.id) if c["action"] == "user.created"
                   and c["target"]["name"] == "plain")
        self.expectation(self.ask(self.handle(txn)), 404)

    def expectation(self, answer, status):
        self.assertEqual((answer.status, answer.headers["content-type"], answer.json["status"]),
                         (status, SCIM_TYPE, str(status)), repr(answer))

    def test_after_everything_was_killed(self):
        """Q3, Q4, Q11a: what was accepted is done, once, and found at its Location by whoever serves next."""
        self.stack.signal("WORKER", signal.SIGSTOP)
        answers = [self.http.post("/Users", {"schemas": [USER], "userName": "survivor-%d" % i}, headers=ASYNC)
                   for i in range(5)]
        for answer in answers:
            self.accepted(answer)
        self.stack.signal("INGEST")
        self.stack.signal("WORKER")
        self.wait_until(lambda: not self.stack.alive("INGEST") and not self.stack.alive("WORKER"),
                        "the programs to end")
        self.stack.start()
        for client in (self.http, self.bare):
            client.close()
        for i, answer in enumerate(answers):
            claims, payload = self.outcome(answer)
            self.assertEqual(payload["status"], "201")
            found = self.http.find("/Users", 'userName eq "survivor-%d"' % i).json["Resources"]
            self.assertEqual([("/Users/" + u["id"]) for u in found], [claims["sub_id"]["uri"]])
            if self.real:  # (the trial broker may tell things twice after a kill)
                self.assertEqual(self.streamed(self.ws, claims["txn"]), [claims])


class Bulk(Async):
    def bulk(self, operations, client=None, **more):
        return (client or self.http).post("/Bulk", {"schemas": [BULK], "Operations": operations, **more}, headers=ASYNC)

    def result(self, answer):
        """The response at the Location of an asynchronous Bulk."""
        _, path = self.accepted(answer)
        last = []
        self.wait_until(lambda: last.append(self.ask(path)) or last[-1].status != 202, "the outcome")
        self.assertEqual((last[-1].status, last[-1].headers["content-type"]), (200, SCIM_TYPE), repr(last[-1]))
        self.assertEqual(last[-1].json["schemas"], [BULK_RESPONSE])
        return last[-1].json["Operations"]

    def test_an_outcome_for_each_operation(self):
        """Q6, Q10a, Z6: exactly one event for each, txn = Set-Txn:index from 0 in the order of the request, also for
        what is refused here or there."""
        ws = self.ws
        self.user("bulk-taken")
        answer = self.bulk([
            {"method": "POST", "path": "/Groups", "bulkId": "room",
             "data": {"schemas": [GROUP], "displayName": "Bulk", "members": [{"value": "bulkId:ana"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "ana", "data": {"schemas": [USER], "userName": "bulk-ana"}},
            {"method": "POST", "path": "/Users", "bulkId": "dup",
             "data": {"schemas": [USER], "userName": "BULK-TAKEN"}},
            {"method": "POST", "path": "/Users", "bulkId": "bad", "data": {"schemas": [USER]}},
            {"method": "DELETE", "path": "/Users/" + NOBODY},
            {"method": "PATCH", "path": "/Users/bulkId:ana",
             "data": patch_op({"op": "add", "path": "title", "value": "t"})},
            {"method": "POST", "path": "/Nonsense", "bulkId": "where", "data": {}},
        ])
        results = self.result(answer)
        self.assertEqual([(r["method"], r.get("bulkId"), r["status"]) for r in results],
                         [("POST", "room", "201"), ("POST", "ana", "201"), ("POST", "dup", "409"),
                          ("POST", "bad", "400"), ("DELETE", None, "404"), ("PATCH", None, "200"),
                          ("POST", "where", results[6]["status"])])
        self.assertRegex(results[6]["status"], "^4")
        for r in results:
            self.assertEqual("response" in r, not r["status"].startswith("2"))
            self.assertEqual("location" in r, r["status"].startswith("2") or r["method"] != "POST")
        txn = answer.headers["set-txn"]
        outcomes = [r for r in self.followers.tokens(ws.id) if stream.event_of(r)[0] == stream.ASYNC
                    and r.value["txn"].startswith(txn)]
        by_txn = {r.value["txn"]: r.value for r in outcomes}
        self.assertEqual(len(outcomes), 7)
        self.assertEqual([by_txn["%s:%d" % (txn, i)]["events"][stream.ASYNC] for i in range(7)], results)
        self.assertEqual([by_txn["%s:%d" % (txn, i)]["sub_id"]["uri"] for i in (2, 3, 6)],
                         ["/Users", "/Users", "/Bulk"])
        ana, room = results[1]["location"].rsplit("/", 1)[1], results[0]["location"].rsplit("/", 1)[1]
        self.assertEqual(self.members(room), {ana})
        told = {stream.event_of(r)[0]: r.value["txn"] for r in self.followers.tokens(ws.id)
                if r.value["sub_id"]["uri"] == "/Users/" + ana and r.value["txn"].startswith(txn)
                and stream.event_of(r)[0] != stream.ASYNC}
        self.assertEqual(told, {stream.PROV + "create:notice": txn + ":1", stream.PROV + "patch:notice": txn + ":5"})

    def test_pending_as_a_whole(self):
        """Q4: 202 until the last operation is decided."""
        with self.worker_stands_still():
            answer = self.bulk([{"method": "POST", "path": "/Users", "bulkId": str(i),
                                 "data": {"schemas": [USER], "userName": "wait-%d" % i}} for i in range(20)])
            _, path = self.accepted(answer)
            self.assertEqual(self.ask(path).status, 202)
        self.assertEqual([r["status"] for r in self.result(answer)], ["201"] * 20)
        self.assertEqual([r["bulkId"] for r in self.result(answer)], [str(i) for i in range(20)])

    def test_what_is_no_bulk_is_refused_at_once(self):
        """Q8."""
        self.expect(self.http.post("/Bulk", {"schemas": [BULK], "Operations": "x"}, headers=ASYNC), 400,
                    "invalidSyntax")


class Discovery(Async):
    def test_it_is_announced(self):
        """D4: securityEvents of ServiceProviderConfig names what is really sent (RFC 9967 section 4). Only who asks
        for it gets it: clients that know RFC 7643 alone refuse it."""
        self.assertNotIn("securityEvents", self.expect(self.http.get("/ServiceProviderConfig"), 200).json)
        row = self.expect(self.http.get("/ServiceProviderConfig?attributes=securityEvents"), 200).json["securityEvents"]
        self.assertEqual(row["asyncRequest"], "request")
        self.assertEqual(set(row["eventUris"]), {t for t, (topic, _) in contract.TYPES.items()
                                                 if topic == stream.EVENTS})


if __name__ == "__main__":
    import unittest
    unittest.main()
