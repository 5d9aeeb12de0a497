"""usher.events: the claims of security event tokens of what happens to SCIM resources (RFC 8417, RFC 9967; rules K
and Y), as a reader of Kafka sees them; and /.well-known/jwks.json."""

import base64
import json
import urllib.request

import jws
import stream
from case import Case
from scimhttp import ENTERPRISE, GROUP, ROLE, USER, Client, patch_op
from stack import ToolError
from waiting import SILENCE

PROV = stream.PROV
SECRET = "Ab-very-Secret-9!"
OFF = patch_op({"op": "replace", "path": "active", "value": False})
ON = patch_op({"op": "replace", "path": "active", "value": True})


class Events(Case):
    """Helpers. Each test has a workspace of its own, so that it can name all events that there are."""

    def workspace(self, **flags):
        ws = self.stack.workspace(**flags)
        self.addCleanup(ws.client.close)
        return ws

    def told(self, ws):
        """[(type without prefix, uri, payload)] of all events of a workspace, numbered without gap."""
        records = self.followers.tokens(ws.id)
        self.none_wrong(stream.check_sequence(records, stream.EVENTS) + stream.check_headers(records))
        found = []
        for r in records:
            kind, payload = stream.event_of(r)
            found.append((kind[len("urn:ietf:params:scim:event:"):], r.value["sub_id"]["uri"], payload))
        return found

    def key_set(self):
        with urllib.request.urlopen(self.stack.url + "/.well-known/jwks.json", timeout=SILENCE) as answer:
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/jwk-set+json"))
            return json.loads(answer.read())


class Notice(Events):
    """How every workspace begins (Y5)."""

    def test_a_users_life(self):
        """Y1, Y2, Y3: what happened, to whom, which attributes, which version; one event each, the switch of
        `active` one of its own."""
        ws = self.workspace()
        http = ws.client
        u = self.expect(http.post("/Users", {"schemas": [USER, ENTERPRISE], "userName": "ana@x.example",
                                             "externalId": "7", "name": {"familyName": "Lund"},
                                             "password": SECRET, ENTERPRISE: {"department": "Sales"}}), 201).json
        uri = "/Users/" + u["id"]
        self.expect(http.patch(uri, patch_op({"op": "add", "path": "title", "value": "Dr"},
                                             {"op": "replace", "path": "name.familyName", "value": "Berg"})), 200)
        self.expect(http.put(uri, {"schemas": [USER], "userName": "ana@y.example", "externalId": "7"}), 200)
        self.expect(http.patch(uri, OFF), 200)
        self.expect(http.patch(uri, ON), 200)
        self.expect(http.delete(uri), 204)
        told = self.told(ws)
        department = ENTERPRISE + ":department"
        self.assertEqual([(kind, where) for kind, where, _ in told],
                         [(kind, uri) for kind in ("prov:create:notice", "prov:patch:notice", "prov:put:notice",
                                                   "prov:patch:notice", "prov:deactivate",
                                                   "prov:patch:notice", "prov:activate", "prov:delete")])
        payloads = [payload for _, _, payload in told]
        self.assertEqual(set(payloads[0]["attributes"]), {"externalId", "userName", "name.familyName", "active",
                                                          department, ROLE + ":editor"})
        self.assertEqual(set(payloads[1]["attributes"]), {"title", "name.familyName"})
        self.assertEqual(set(payloads[2]["attributes"]), {"userName", "title", "name.familyName", department})
        self.assertEqual(payloads[3]["attributes"], ["active"])
        self.assertEqual([p.get("version") for p in payloads], ['W/"1"', 'W/"2"', 'W/"3"', 'W/"4"', None, 'W/"5"',
                                                                None, None])
        self.assertEqual([payloads[i] for i in (4, 6, 7)], [{}, {}, {}])
        for r in self.followers.tokens(ws.id):
            self.assertEqual(r.value["sub_id"], {"format": "scim", "uri": uri, "externalId": "7"})
            self.assertNotIn("data", stream.event_of(r)[1])

    def test_the_claims(self):
        """K1, K3, K5, Y1: iss, aud, iat, jti and txn; no sub, no exp; plain JSON without a signature; jti and number
        are one."""
        ws = self.workspace()
        one, two = (self.user("u%d" % i, ws.client)["id"] for i in range(2))
        records = self.followers.tokens(ws.id)
        self.assertEqual([r.value["sub_id"]["uri"] for r in records], ["/Users/" + one, "/Users/" + two])
        for n, r in enumerate(records, 1):
            claims = json.loads(r.text)
            self.assertEqual(set(claims), {"iss", "aud", "iat", "jti", "txn", "sub_id", "events"})
            self.assertEqual(claims["iss"], self.stack.url)
            self.assertEqual(claims["aud"], [ws.id])
            self.assertEqual((claims["jti"], r.headers["usher-seq"], r.headers["ce_id"]),
                             ("%s/events/%d" % (ws.id, n), str(n), "%s/events/%d" % (ws.id, n)))
            self.assertEqual(len(claims["events"]), 1)
            self.assertEqual((r.key, r.headers["content-type"], claims["txn"]),
                             (ws.id, "application/json", r.headers["usher-txn"]))
        self.assertEqual(len({r.value["txn"] for r in records}), 2)

    def test_one_transaction_one_txn(self):
        """K2, K5: several tokens of one request share its txn and differ in jti."""
        ws = self.workspace()
        self.expect(ws.client.patch("/Users/" + self.user("u", ws.client)["id"], OFF), 200)
        patched, switched = self.followers.tokens(ws.id)[1:]
        self.assertEqual(patched.value["txn"], switched.value["txn"])
        self.assertNotEqual(patched.value["jti"], switched.value["jti"])

    def test_membership_is_a_patch_of_the_group(self):
        """Y4, Y7: no membership event; what follows from a user's deactivation is told by that alone."""
        ws = self.workspace()
        users = [self.user("m%d" % i, ws.client)["id"] for i in range(3)]
        room = self.room("R", users[:1], ws.client)["id"]
        uri, member = "/Groups/" + room, [{"value": u} for u in users]
        self.expect(ws.client.patch(uri, patch_op({"op": "add", "path": "members", "value": member[1:]})), 204)
        self.expect(ws.client.patch(uri, patch_op({"op": "remove", "path": 'members[value eq "%s"]' % users[1]},
                                                  {"op": "replace", "path": "displayName", "value": "S"})), 204)
        self.expect(ws.client.put(uri, {"schemas": [GROUP], "displayName": "S", "members": member}), 200)
        self.expect(ws.client.patch("/Users/" + users[0], OFF), 200)
        self.expect(ws.client.patch("/Users/" + users[0], ON), 200)
        self.expect(ws.client.delete("/Users/" + users[1]), 204)
        self.expect(ws.client.delete(uri), 204)
        told = self.told(ws)
        self.assertEqual([(kind, payload.get("attributes"), payload.get("version")) for kind, where, payload in told
                          if where == uri],
                         [("prov:create:notice", ["displayName", "members"], 'W/"1"'),
                          ("prov:patch:notice", ["members"], 'W/"2"'),
                          ("prov:patch:notice", ["displayName", "members"], 'W/"3"'),
                          ("prov:put:notice", ["members"], 'W/"4"'), ("prov:delete", None, None)])
        self.assertEqual([kind for kind, where, _ in told if where != uri][3:],
                         ["prov:patch:notice", "prov:deactivate", "prov:patch:notice", "prov:activate", "prov:delete"])

    def test_a_late_reader_finds_all(self):
        """Y8: events stay for those who come later or lost what they had: from the beginning again, the same tokens."""
        ws = self.workspace()
        for i in range(3):
            self.user("late-%d" % i, ws.client)
        before = self.followers.tokens(ws.id)
        self.assertEqual(len(before), 3)
        self.assertEqual([r.text for r in stream.of_workspace(stream.read_topic(self.stack.kafka, stream.EVENTS),
                                                              ws.id)], [r.text for r in before])

    def test_nothing_happened_nothing_is_told(self):
        """No-ops, reads and refusals."""
        ws = self.workspace()
        u = self.user("same", ws.client, title="t")["id"]
        room = self.room("R", [u], ws.client)["id"]
        before = len(self.told(ws))
        self.expect(ws.client.patch("/Users/" + u, patch_op({"op": "replace", "path": "title", "value": "t"})), 200)
        self.expect(ws.client.patch("/Users/" + u,
                                    patch_op({"op": "replace", "path": "password", "value": SECRET})), 200)
        self.expect(ws.client.put("/Users/" + u, {"schemas": [USER], "userName": "same", "title": "t"}), 200)
        self.expect(ws.client.patch("/Groups/" + room,
                                    patch_op({"op": "add", "path": "members", "value": [{"value": u}]})), 204)
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "SAME"}), 409, "uniqueness")
        self.expect(ws.client.patch("/Users/" + u, patch_op({"op": "replace", "path": "nonsense", "value": 1})), 400,
                    "invalidPath")
        self.expect(ws.client.get("/Users"), 200)
        self.assertEqual(len(self.told(ws)), before)

    def test_a_held_member_is_none(self):
        """An inactive user who is added to a room is not shown as a member: nothing to tell."""
        ws = self.workspace()
        u = self.user("idle", ws.client, active=False)["id"]
        room = self.room("R", None, ws.client)["id"]
        self.expect(ws.client.patch("/Groups/" + room,
                                    patch_op({"op": "add", "path": "members", "value": [{"value": u}]})), 204)
        self.assertEqual([kind for kind, _, _ in self.told(ws)], ["prov:create:notice", "prov:create:notice"])


class Full(Events):
    """For replication inside one administrative domain (Y5)."""

    def test_what_full_events_carry(self):
        """Y3, Y4, Z6: a create the representation, put and patch the body; exactly one of data and attributes."""
        ws = self.workspace(events="full")
        http = ws.client
        u = self.expect(http.post("/Users", {"schemas": [USER], "userName": "ana",
                                             "emails": [{"value": "a@x.example", "type": "work", "primary": True}]}),
                        201).json
        room = self.expect(http.post("/Groups", {"schemas": [GROUP], "displayName": "R",
                                                 "members": [{"value": u["id"]}]}), 201).json
        uri, at = "/Users/" + u["id"], "/Groups/" + room["id"]
        self.expect(http.put(uri, {"schemas": [USER], "userName": "ana", "title": "t"}), 200)
        self.expect(http.patch(uri, patch_op({"op": "add", "path": "title", "value": "u"},
                                             {"op": "remove", "path": "nickName"})), 200)
        self.expect(http.patch(at, patch_op({"op": "remove", "path": "members", "value": [{"value": u["id"]}]})), 204)
        self.expect(http.put(at, {"schemas": [GROUP], "displayName": "S", "members": [{"value": u["id"]}]}), 200)
        self.expect(http.delete(at), 204)
        told = self.told(ws)
        self.assertEqual([kind for kind, _, _ in told], ["prov:create:full", "prov:create:full", "prov:put:full",
                                                         "prov:patch:full", "prov:patch:full",
                                                         "prov:put:full", "prov:delete"])
        data = [payload.get("data") for _, _, payload in told]
        self.assertFalse(any("attributes" in payload for _, _, payload in told))
        self.assertEqual((data[0]["id"], data[0]["userName"], data[0]["emails"], data[0]["active"]),
                         (u["id"], "ana", u["emails"], True))
        self.assertEqual((data[0]["meta"]["version"], data[0]["meta"]["created"]),
                         (u["meta"]["version"], u["meta"]["created"]))
        self.assertEqual((data[1]["id"], data[1]["members"]), (room["id"], [{"value": u["id"]}]))
        self.assertEqual(data[2], {"schemas": [USER], "userName": "ana", "title": "t"})
        self.assertEqual(data[3]["Operations"], [{"op": "add", "path": "title", "value": "u"},
                                                 {"op": "remove", "path": "nickName"}])
        self.assertEqual(data[4]["Operations"], [{"op": "remove", "path": "members", "value": [{"value": u["id"]}]}])
        self.assertEqual((data[5]["displayName"], data[5]["members"]), ("S", [{"value": u["id"]}]))

    def test_no_password_anywhere(self):
        """X3, Y4: in no form, in no event, whatever way it came."""
        ws = self.workspace(events="full")
        http = ws.client
        uri = "/Users/" + self.user("u", http, password=SECRET)["id"]
        self.expect(http.put(uri, {"schemas": [USER], "userName": "v", "password": SECRET}), 200)
        self.expect(http.patch(uri, patch_op({"op": "replace", "path": "password", "value": SECRET},
                                             {"op": "replace", "path": "userName", "value": "w"})), 200)
        self.expect(http.patch(uri, patch_op({"op": "replace", "value": {"password": SECRET, "userName": "x"}})), 200)
        told = self.told(ws)
        self.assertEqual(len(told), 4)
        text = json.dumps(told)
        self.assertNotIn(SECRET, text)
        self.assertNotIn("password", text)

    def test_too_much_for_a_message(self):
        """Y7: large operations are not repeated; the receiver is told what changed. (A resource may be smaller than
        what is done to it.)"""
        ws = self.workspace(events="full")
        uri = "/Users/" + self.user("big", ws.client)["id"]
        certificates = [{"value": base64.b64encode(b"%07500d" % i).decode()} for i in range(40)]
        self.expect(ws.client.patch(uri, patch_op(
            {"op": "replace", "path": "x509Certificates", "value": certificates[:20]},
            {"op": "replace", "path": "x509Certificates", "value": certificates[20:]})), 200)
        _, (kind, _, payload) = self.told(ws)
        self.assertEqual(kind, "prov:patch:notice")
        self.assertEqual(payload["attributes"], ["x509Certificates"])


class Settings(Events):
    def test_off_and_on_again(self):
        """Nothing is told while off; numbers go on where they were."""
        ws = self.workspace(events="off")
        self.user("a", ws.client)
        self.assertEqual(self.told(ws), [])
        ws.set(events="notice")
        b = self.user("b", ws.client)["id"]
        ws.set(events="full")
        c = self.user("c", ws.client)["id"]
        self.assertEqual([(kind, uri) for kind, uri, _ in self.told(ws)],
                         [("prov:create:notice", "/Users/" + b), ("prov:create:full", "/Users/" + c)])
        switches = [ch["changes"] for ch in self.followers.changes(ws.id) if ch["action"] == "settings.changed"]
        self.assertEqual(switches, [[{"path": "events", "op": "replace", "from": "off", "to": "notice"}],
                                    [{"path": "events", "op": "replace", "from": "notice", "to": "full"}]])

    def test_nonsense_is_refused(self):
        ws = self.workspace()
        with self.assertRaises(ToolError):
            ws.set(events="loud")

    def test_another_workspaces_events_are_apart(self):
        """N: each counts for itself, and is the audience of its own."""
        one, two = self.workspace(), self.workspace()
        self.user("a", one.client)
        self.user("b", two.client)
        for ws in (one, two):
            records = self.followers.tokens(ws.id)
            self.assertEqual([(r.value["aud"], r.headers["usher-seq"]) for r in records], [([ws.id], "1")])


class Keys(Events):
    def test_the_key_set(self):
        """Y6: public keys alone, without credentials, by their thumbprints; HEAD too, nothing else."""
        found = self.key_set()
        self.assertEqual(set(found), {"keys"})
        self.assertGreaterEqual(len(found["keys"]), 1)
        for k in found["keys"]:
            self.assertEqual(set(k), ({"n", "e"} if k["kty"] == "RSA" else {"crv", "x", "y"}) | {"kty", "use", "alg", "kid"})
        jws.KeySet(found["keys"])
        client = Client(self.stack.url, prefix="", check=False)
        self.addCleanup(client.close)
        self.assertEqual(client.request("HEAD", "/.well-known/jwks.json").status, 200)
        self.assertEqual(client.post("/.well-known/jwks.json", {}).status, 405)


if __name__ == "__main__":
    import unittest
    unittest.main()
