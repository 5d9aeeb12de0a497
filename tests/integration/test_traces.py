"""Traces: what a collector of OpenTelemetry gets. On a stack of its own, whose collector is a program of the test; the
messages are judged by OpenTelemetry's own definition, too."""

import json
import os
import subprocess

import pinned
import proxied
import stack as stacks
from case import Case
from receiver import Receiver
from scimhttp import GROUP, USER, patch_op

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PATH = "/v1/traces"
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
# Reads messages, a line each, into protobuf's type. Its JSON has bytes in base64; OTLP's has ids in hex.
JUDGE = """
import base64, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
n = 0
for line in sys.stdin:
    message = json.loads(line)
    for resource in message["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    read = json_format.ParseDict(message, ExportTraceServiceRequest())
    for scope in read.resource_spans[0].scope_spans:
        for span in scope.spans:
            assert len(span.trace_id) == 16 and len(span.span_id) == 8 and len(span.parent_span_id) in (0, 8)
            n += 1
print(n)
"""


class Traces(Case):
    @classmethod
    def setUpClass(cls):
        cls.collector = Receiver()
        cls.addClassCleanup(cls.collector.close)
        flags = "--trace-endpoint %s --trace-header X-Tenant:usher" % cls.collector.url(PATH)
        cls.deliver = os.environ["WORKER_ARGS"]
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-traces", INGEST_ARGS=flags,
                                     WORKER_ARGS=flags + " " + cls.deliver)
        cls.stack.start()
        cls.ws = cls.stack.workspace("traces")
        cls.http = cls.ws.client

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    def messages(self):
        return [m.json for m in self.collector.of(PATH)]

    def spans(self, **due):
        """All that have come; as dicts with their attributes and the service's name among them."""
        found = []
        for message in self.messages():
            for resource in message["resourceSpans"]:
                service = resource["resource"]["attributes"][0]["value"]["stringValue"]
                for span in resource["scopeSpans"][0]["spans"]:
                    told = {a["key"]: a["value"].get("stringValue", a["value"].get("intValue")) for a in span["attributes"]}
                    found.append(dict(told, **{k: v for k, v in span.items() if k != "attributes"}, service=service))
        return [s for s in found if all(s.get(k) == v for k, v in due.items())]

    def three(self, **due):
        self.wait_until(lambda: len(self.spans(**due)) >= 3, "three spans")
        by_kind = {s["kind"]: s for s in self.spans(**due)}
        self.assertEqual(sorted(by_kind), [SERVER, PRODUCER, CONSUMER])
        return by_kind[SERVER], by_kind[CONSUMER], by_kind[PRODUCER]

    def test_a_change_goes_on_in_the_clients_trace(self):
        header = {"traceparent": "00-%s-%s-01" % (TRACE, SPAN)}
        answer = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "traced"}, headers=header), 201)
        server, process, send = self.three(traceId=TRACE)
        self.assertEqual((server["service"], process["service"], send["service"]),
                         ("usher-ingest", "usher-worker", "usher-worker"))
        self.assertEqual(server["parentSpanId"], SPAN)
        self.assertEqual({process["parentSpanId"], send["parentSpanId"]}, {server["spanId"]})
        self.assertEqual((process["name"], process["usher.command"], process["usher.outcome"]),
                         ("process usher.commands", "user.create", "applied"))
        self.assertEqual((server["http.request.method"], server["url.path"], server["http.response.status_code"]),
                         ("POST", "/scim/v2/Users", "201"))
        self.assertEqual(server["usher.workspace"], self.ws.id)
        self.assertEqual({server["usher.txn"], process["usher.txn"], send["usher.txn"]}, {server["usher.txn"]})
        for span in (server, process, send):
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
            self.assertNotIn("status", span)
        self.assertLessEqual(int(server["startTimeUnixNano"]), int(process["startTimeUnixNano"]))
        self.assertTrue(answer.json["id"])
        self.assertTrue(all(m.headers["x-tenant"] == "usher" for m in self.collector.of(PATH)))

    def test_a_request_without_one_begins_a_trace(self):
        user = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "own"}), 201).json["id"]
        self.expect(self.http.patch("/Users/" + user, patch_op({"op": "replace", "path": "title", "value": "x"})), 200)
        path = "/scim/v2/Users/" + user
        self.wait_until(lambda: self.spans(**{"url.path": path}), "the span of the PATCH")
        server, process, _ = self.three(traceId=self.spans(**{"url.path": path})[0]["traceId"])
        self.assertNotIn("parentSpanId", server)
        self.assertEqual(process["usher.command"], "user.patch")

    def test_what_is_not_wanted(self):
        header = {"traceparent": "00-%s-%s-00" % (TRACE[::-1], SPAN)}
        self.expect(self.http.get("/Users?count=0", headers=header), 200)
        self.expect(self.http.get("/Users?startIndex=1&count=0"), 200)
        self.wait_until(lambda: self.spans(kind=SERVER, **{"url.path": "/scim/v2/Users"}), "a later span")
        self.assertEqual(self.spans(traceId=TRACE[::-1]), [])
        self.assertEqual([s for s in self.spans() if s.get("url.path") in ("/healthz", "/readyz", "/metrics")], [])

    def endpoint(self, receiver, path):
        made = self.stack.ctl("delivery", "create", workspace=self.ws.id, name=path.strip("/"), endpoint=receiver.url(path))
        self.addCleanup(self.stack.ctl, "delivery", "revoke", made["delivery"]["id"])
        return made["delivery"]["id"]

    def test_a_delivery_goes_on_in_the_trace_of_its_request(self):
        """Each attempt is a span: the first has failed, the second went well. Where the message goes stands in none."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        trace = TRACE[:16] + "d" * 16
        receiver.answers["/hook-secret"] = lambda n: 500 if n == 0 else 200
        endpoint = self.endpoint(receiver, "/hook-secret")
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "delivered"},
                                   headers={"traceparent": "00-%s-%s-01" % (trace, SPAN)}), 201)
        self.wait_until(lambda: len(self.spans(traceId=trace, kind=CLIENT)) >= 2, "a span of each attempt")
        server, = self.spans(traceId=trace, kind=SERVER)
        spans = sorted(self.spans(traceId=trace, kind=CLIENT), key=lambda s: int(s["startTimeUnixNano"]))
        first, second = spans
        for span in spans:
            self.assertEqual((span["service"], span["name"], span["parentSpanId"]), ("usher-worker", "deliver", server["spanId"]))
            self.assertEqual((span["http.request.method"], span["usher.workspace"], span["usher.endpoint"]),
                             ("POST", self.ws.id, endpoint))
            self.assertEqual((span["usher.event"], span["usher.event_type"]),
                             (receiver.of("/hook-secret")[0].id, receiver.of("/hook-secret")[0].type))
            self.assertRegex(span["server.address"], r"^127\.0\.0\.1:\d+$")
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
        self.assertEqual((first["http.response.status_code"], first["usher.attempt"], first["status"]["code"]), ("500", "1", 2))
        self.assertEqual((second["http.response.status_code"], second["usher.attempt"]), ("200", "2"))
        self.assertNotIn("status", second)
        self.assertNotIn("hook-secret", str(self.spans(traceId=trace)))
        self.assertNotIn("traceparent", receiver.of("/hook-secret")[0].headers)  # what is inside stays inside

    def test_the_deliveries_of_one_request_have_a_bound(self):
        """A PUT of a room, with 120 people and so as many messages: a hundred attempts have spans."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        trace = TRACE[:16] + "b" * 16
        people = [self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "many%d" % i},
                                             headers={"traceparent": "00-%s-%s-00" % (TRACE, SPAN)}), 201).json["id"] for i in range(120)]
        self.endpoint(receiver, "/many")
        self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "many", "members": [{"value": p} for p in people]},
                                   headers={"traceparent": "00-%s-%s-01" % (trace, SPAN)}), 201)
        self.wait_until(lambda: len([m for m in receiver.of("/many") if m.type == "usher.member.added"]) >= 120, "the messages")
        self.wait_until(lambda: len(self.spans(traceId=trace, kind=CLIENT)) >= 100, "a hundred spans")
        self.expect(self.http.get("/Users?count=0"), 200)
        latest = len(self.spans(kind=SERVER, **{"url.path": "/scim/v2/Users"}))
        self.wait_until(lambda: len(self.spans(kind=SERVER, **{"url.path": "/scim/v2/Users"})) >= latest, "a later span")
        self.assertEqual(len(self.spans(traceId=trace, kind=CLIENT)), 100)

    def test_what_is_not_traced_has_no_spans_of_deliveries(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        trace = TRACE[:16] + "e" * 16
        self.endpoint(receiver, "/silent")
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "silent"},
                                   headers={"traceparent": "00-%s-%s-00" % (trace, SPAN)}), 201)
        self.wait_until(lambda: receiver.of("/silent"), "the message")
        before = len(self.spans())
        self.expect(self.http.get("/Users?count=0"), 200)
        self.wait_until(lambda: len(self.spans()) > before, "a later span")
        self.assertEqual(self.spans(traceId=trace), [])

    def test_opentelemetrys_own_definition(self):
        self.expect(self.http.get("/Users/" + "0" * 8), 404)
        self.wait_until(lambda: self.spans(**{"http.response.status_code": "404"}), "a span")
        lines = "".join(json.dumps(m) + "\n" for m in self.messages())
        done = subprocess.run([os.path.join(pinned.python("otlp"), "python"), "-c", JUDGE], input=lines, text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr[-1500:])
        self.assertEqual(int(done.stdout), len([s for m in self.messages() for r in m["resourceSpans"]
                                                for s in r["scopeSpans"][0]["spans"]]))

    def test_nobody_waits_for_a_collector_that_refuses(self):
        dropped = lambda: proxied.metric(self.stack.url, "usher_ingest_trace_dropped_total")  # noqa: E731
        before = dropped()
        self.collector.answers[PATH] = lambda n: 503
        try:
            self.expect(self.http.get("/Users?count=0"), 200)
            self.wait_until(lambda: dropped() > before, "a span to be dropped")
        finally:
            del self.collector.answers[PATH]
        self.expect(self.http.get("/Users?count=1"), 200)
        with open(os.path.join(self.stack.run_dir, "log", "ingest.log")) as log:
            told = log.read()
        self.assertEqual(told.count("event=traces-not-sent"), 1, told[-1000:])
        self.assertIn("status=503", told)

    def test_settings_that_cannot_be_right(self):
        for flag, words in (("--trace-endpoint=collector:4318", "trace-endpoint is no http or https URL"),
                            ("--trace-header=secret", "trace-header is not of the form"),
                            ("--trace-percent=101", "trace-percent")):
            for program in ("ingest", "worker"):
                done = subprocess.run([os.path.join(self.stack.env["USHER_BIN"], "usher-" + program), "--config",
                                       os.path.join(self.stack.run_dir, "conf", program), "--check-config", flag],
                                      capture_output=True, text=True)
                self.assertIn(done.returncode, (1, 2), done)
                self.assertIn(words, done.stderr)
                self.assertNotIn("--trace-header=secret", done.stderr)
