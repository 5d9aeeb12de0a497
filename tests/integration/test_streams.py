"""The streams as a whole, after all the other suites have written: the contract holds for every record that was ever
seen."""

import json
import socket

import case
import stream
from apihttp import ApiClient
from case import Case
from scimhttp import USER, in_flight, patch_op


class Contract(Case):
    def test_1_everything_verifies(self):
        """Sequence numbers, headers, partitions, fold = SQL = usher.rooms, audit = events, request numbers, and on a
        real broker both ways of reading; each record against its JSON Schema."""
        partitions = int(self.stack.env.get("USHER_PARTITIONS", "12"))
        self.none_wrong(stream.verify(self.stack.kafka, self.stack.connection, partitions, uncommitted=self.real,
                                      contract=case.contract_faults, read=None if self.real else self.followers.whole))

    def test_2_the_schemas_are_there(self):
        self.assertIsNotNone(case.contract, "tests/support/contract.py cannot be imported")
        seen = {r.headers["ce_type"] for r in stream.read_topic(self.stack.kafka, stream.MEMBERSHIP)}
        self.assertGreaterEqual(seen, {"usher.member.added", "usher.member.removed", "usher.room.created"})

    def test_3_a_schema_refuses_what_is_wrong(self):
        """The validation is no rubber stamp."""
        room = self.room("Schema")["id"]
        record = next(r for r in self.followers.membership.wait(lambda rs: any(r.key == room for r in rs))
                      if r.key == room)
        self.assertEqual(case.contract_faults(record), [])
        for damage in ({"seq": "7"}, {"type": "usher.room.painted"}, {"txn": 7}, {"room": {"id": room}},
                       {"time": "yesterday"}):
            self.assertTrue(case.contract_faults(record._replace(value={**record.value, **damage})), damage)
        for gone in ("workspace", "seq", "time", "txn", "room", "type"):
            self.assertTrue(case.contract_faults(record._replace(value={k: v for k, v in record.value.items()
                                                                        if k != gone})), gone)

    def test_4_nobody_elses_topic_was_touched(self):
        self.assertEqual(stream.read_topic(self.stack.kafka, stream.DEADLETTER), [])


class Compaction(Case):
    def test_snapshot_then_follow(self):
        """What the contract tells a new reader to do: read usher.rooms to its end, remember the highest seq, follow
        usher.membership."""
        users = [self.user("snap%d" % i)["id"] for i in range(4)]
        room = self.room("Snapshot", users[:2])["id"]
        doomed = self.room("Doomed", users)["id"]
        self.expect(self.http.delete("/Groups/" + doomed), 204)
        self.followers.settle(self.ws.id)
        snapshot = stream.of_workspace(stream.read_topic(self.stack.kafka, stream.ROOMS), self.ws.id)
        state, wrong = stream.rooms_view(snapshot)
        self.none_wrong(wrong)
        highest = max(stream.seq_of(r) for r in snapshot)
        self.assertEqual(state[self.ws.id], {room: {"name": "Snapshot", "members": {u: True for u in users[:2]}}})
        self.expect(self.http.patch("/Groups/" + room,
                                    patch_op({"op": "add", "path": "members", "value": [{"value": users[2]}]},
                                                                {"op": "remove",
                                                                 "path": 'members[value eq "%s"]' % users[0]})), 204)
        later = [e for e in self.followers.events(self.ws.id) if e["seq"] > highest]
        self.assertEqual([e["seq"] for e in later], [highest + 1, highest + 2])
        members = state[self.ws.id][room]["members"]
        for e in later:
            if e["type"] == "usher.member.added":
                members[e["user"]["id"]] = e["transmit"]
            else:
                del members[e["user"]["id"]]
        self.assertEqual(set(members), self.members(room))
        tombstones = [r for r in snapshot if r.value is None]
        self.assertEqual({r.key.split("/")[1] for r in tombstones}, {doomed})
        for r in tombstones:  # a tombstone has the number and the names too
            self.assertTrue(r.headers["usher-seq"].isdigit())
            self.assertEqual(r.headers["ce_source"], "/w/" + self.ws.id)


class Audit(Case):
    def test_each_request_has_one_record_before_its_answer_leaves(self):
        """Promise 5, also for what is refused: the record is in the log as soon as the answer is here. (A
        read_committed reader sees it as soon as the worker's transaction, which may stand open before it, has
        ended.)"""
        ws = self.stack.workspace("audit")
        calls = [("GET", "/Users", None, 200), ("POST", "/Users", {"schemas": [USER], "userName": "a"}, 201),
                 ("POST", "/Users", {"schemas": [USER], "userName": "A"}, 409), ("GET", "/Users/nonsense", None, 404),
                 ("POST", "/Users", b"{", 400), ("PATCH", "/Users", {}, 405),
                 ("GET", "/ServiceProviderConfig", None, 200)]
        partition = stream.murmur2(ws.id.encode()) % int(self.stack.env.get("USHER_PARTITIONS", "12"))
        before = stream.end_offsets(self.stack.kafka, stream.AUDIT, stream.UNCOMMITTED, partition)[partition]
        for i, (method, path, body, status) in enumerate(calls, 1):
            self.expect(ws.client.request(method, path, body), status,
                        {409: "uniqueness", 400: "invalidSyntax"}.get(status))
            # No waiting: what a new reader finds at once.
            records = stream.read_topic(self.stack.kafka, stream.AUDIT, stream.UNCOMMITTED, partition, before)
            have = [r.value for r in stream.requests_of(records) if r.value["workspace"] == ws.id]
            self.assertEqual([(v["method"], v["status"]) for v in have], [(m, s) for m, _, _, s in calls[:i]])
        numbers = [v["n"] for v in have]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual([v["scimType"] for v in have], [None, None, "uniqueness", None, "invalidSyntax", None, None])

    def test_requests_of_nobody(self):
        """Unknown credential: workspace null, in the partition of the nil UUID."""
        client = self.ws.open()
        client.token = None
        self.expect(client.get("/Users?count=77", headers={"User-Agent": "nobody-at-all"}), 401)
        mine = self.followers.audit.wait(lambda rs: any(r.value.get("userAgent") == "nobody-at-all" for r in rs))
        r = next(r for r in mine if r.value.get("userAgent") == "nobody-at-all")
        self.assertEqual((r.value["workspace"], r.value["key"], r.value["status"], r.key),
                         (None, None, 401, stream.NIL))
        self.assertEqual(r.partition,
                         stream.murmur2(stream.NIL.encode()) % int(self.stack.env.get("USHER_PARTITIONS", "12")))

    def _record(self, agent, workspace=None):
        """The request record of what that agent has sent."""
        def mine(records):
            return [r.value for r in stream.requests_of(records) if r.value["userAgent"] == agent]

        return mine(self.followers.audit.wait(lambda rs: mine(rs), "the record of " + agent, workspace))[0]

    def test_a_request_says_what_it_was_about_and_what_it_was_told(self):
        """Workspace by name, room and user of the path, and the error as the client had it: of SCIM, of the
        Management API, of a refusal by the worker, and of an answer that is repeated."""
        user = self.user("about")["id"]
        room = self.room("About", [user])["id"]
        member = "/api/v1/rooms/%s/members/%s" % (room, user)
        nobody = "01905c4b-0000-7334-9556-778899aabbcc"
        calls = [  # method, path, body, headers; status, room, user, code of the error
            ("GET", "/scim/v2/Users/" + user.upper(), None, {}, 200, None, user, None),
            ("PATCH", "/scim/v2/Groups/" + room, b"{", {}, 400, room, None, "INVALID_SYNTAX"),
            ("POST", "/scim/v2/Users", {"schemas": [USER], "userName": "ABOUT"}, {}, 409, None, None, "UNIQUENESS"),
            ("DELETE", "/scim/v2/Users/" + nobody, None, {}, 404, None, nobody, "NOT_FOUND"),
            ("POST", "/scim/v2/Groups/" + room, {}, {}, 405, room, None, "METHOD"),
            ("PUT", member, {"transmit": False}, {}, 200, room, user, None),
            ("PUT", member.replace(user, nobody), {}, {"Idempotency-Key": "about-1"}, 404, room, nobody, "NOT_FOUND"),
            ("PUT", member.replace(user, nobody), {}, {"Idempotency-Key": "about-1"}, 404, room, nobody, "NOT_FOUND"),
            ("POST", "/api/v1/users/%s/deactivate" % user, {}, {}, 200, None, user, None),
        ]
        api = ApiClient(self.stack.url, self.ws.token)
        self.addCleanup(api.close)
        for i, (method, path, body, headers, status, room_id, user_id, code) in enumerate(calls):
            agent = "about-%d" % i
            client = api if path.startswith(api.prefix) else self.http
            answer = client.request(method, path[len(client.prefix):], body, {"User-Agent": agent, **headers})
            self.assertEqual(answer.status, status, (path, answer))
            told = self._record(agent, self.ws.id)
            self.assertEqual((told["workspaceName"], told.get("room"), told.get("user")),
                             (self.ws.name, room_id, user_id), path)
            self.assertEqual(told["error"], code and {"code": code, "detail": answer.json["detail"]}, path)
            self.assertNotIn("prefix", told)

    def test_an_unknown_token_is_shown_by_its_prefix_alone(self):
        """No more than lists show of a token, and nothing of what may be another service's secret (X1)."""
        good = self.ws.token
        unknown = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]
        for i, (token, prefix) in enumerate(((unknown, good[:12]), (good[:30], good[:12]), (good[:9], None),
                                             ("eyJhbGciOiJub25lIn0.e30.c2VjcmV0", None), ("Bearer " + good, None))):
            agent = "prefix-%d" % i
            client = self.ws.open(token=token)
            answer = self.expect(client.get("/Users", headers={"User-Agent": agent}), 401)
            client.close()
            told = self._record(agent)
            self.assertEqual((told["workspace"], told["workspaceName"], told.get("prefix")), (None, None, prefix))
            self.assertEqual(told["error"], {"code": "UNAUTHORIZED", "detail": answer.json["detail"]})
            self.assertNotIn(token[3:], json.dumps(told))

    def test_a_token_in_the_wrong_place_is_cut(self):
        """Whoever puts a token where a name belongs reads it in the answer; nobody reads it in the audit."""
        token = self.ws.token
        client = self.ws.open()
        self.addCleanup(client.close)
        for path, status in (("/Users?filter=" + token + "%20eq%20%22x%22&sortBy=" + token, 400),
                             ("/Users/" + token, 404), ("/" + token, 404)):
            agent = "token in %d" % len(path)
            answer = self.expect(client.get(path, headers={"User-Agent": agent}), status,
                                 "invalidFilter" if status == 400 else None)
            told = self._record(agent, self.ws.id)
            self.assertEqual(told["error"]["detail"], answer.json["detail"].replace(token, token[:12]))
            self.assertIn(token[:12], json.dumps(told))
            self.assertNotIn(token[13:], json.dumps(told))

    def test_numbers_for_sdks_of_cloudevents(self):
        """ce_sequence and usher-seq say the same on every numbered record, tombstones too; the epoch stands beside."""
        room = self.room("Numbered", [self.user("numbered")["id"]])["id"]
        self.expect(self.http.delete("/Groups/" + room), 204)
        self.followers.settle(self.ws.id)
        for topic in (self.followers.membership, self.followers.rooms, self.followers.audit, self.followers.scim):
            records = topic.snapshot(self.ws.id)
            self.assertTrue(records)
            for r in records:
                self.assertEqual(r.headers["ce_sequence"], r.headers["usher-seq"])
                request = r.headers["ce_type"] == "usher.audit.request"
                self.assertEqual(r.headers.get("usher-epoch"), None if request else "1")
        gone = [r for r in self.followers.rooms.snapshot(self.ws.id) if r.value is None]
        self.assertEqual([r.headers["ce_sequence"] for r in gone][-2:],
                         [str(e["seq"]) for e in self.followers.events(self.ws.id)][-2:])

    def test_no_secrets_and_no_personal_data_of_filters(self):
        """X2: the query's shape is kept, the compared values are not."""
        self.expect(self.http.find("/Users",
                                   'userName eq "very-private@person.example" and externalId eq "private-2"'), 200)
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "sec@x.example",
                                              "password": "Geh-eim-9"}), 201)
        audit = self.followers.audit.wait(lambda rs: any("externalId" in str(r.value.get("query")) for r in rs),
                                          "the search", self.ws.id)
        text = json.dumps([r.value for r in audit])
        for secret in (self.ws.token, self.ws.token[4:30], "Bearer", "very-private", "private-2", "Geh-eim-9"):
            self.assertNotIn(secret, text)
        self.assertIn("userName eq", text)

    def test_every_action_is_told(self):
        """One workspace's life; each action with actor, target and outcome."""
        ws = self.stack.workspace("actions", seats=2)
        _, key = ws.key("extra")
        self.stack.ctl("key", "revoke", key)
        ws.set(rate=5000)
        a = self.user("a", ws.client)["id"]
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "A"}), 409, "uniqueness")
        b = self.user("b", ws.client)["id"]
        room = self.room("R", [a], ws.client)["id"]
        off, on = ({"op": "replace", "path": "active", "value": v} for v in (False, True))
        for path, op in (("/Users/" + a, {"op": "add", "path": "title", "value": "t"}),
                         ("/Groups/" + room, {"op": "replace", "path": "displayName", "value": "S"}),
                         ("/Groups/" + room, {"op": "add", "path": "members", "value": [{"value": b}]}),
                         ("/Users/" + b, off), ("/Users/" + b, on),
                         ("/Groups/" + room, {"op": "remove", "path": 'members[value eq "%s"]' % b})):
            self.assertIn(ws.client.patch(path, patch_op(op)).status, (200, 204))
        # Four creates at once with no seat left: those that pass the early check are refused by the worker.
        in_flight(4, [lambda c, i=i: c.post("/Users", {"schemas": [USER], "userName": "s%d" % i}) for i in range(4)],
                  ws.client)
        self.expect(ws.client.delete("/Groups/" + room), 204)
        self.expect(ws.client.delete("/Users/" + b), 204)
        changes = self.followers.changes(ws.id)
        actions = [c["action"] for c in changes]
        for action in ("key.created", "key.revoked", "settings.changed", "user.created",
                       "command.refused", "room.created", "member.added", "user.updated",
                       "room.renamed", "user.deactivated", "member.removed", "user.reactivated",
                       "room.deleted", "user.deleted"):
            self.assertIn(action, actions)
        self.assertEqual([c["seq"] for c in changes], list(range(1, len(changes) + 1)))
        # Each stands in the record of what took or freed it, and in no other.
        self.assertEqual([(c["action"], c["seat"]) for c in changes if (c["target"] or {}).get("id") == b and "seat" in c],
                         [("user.created", "taken"), ("user.deactivated", "freed"), ("user.reactivated", "taken"),
                          ("user.deleted", "freed")])
        self.assertEqual([a for a in actions if a in ("seat.taken", "seat.freed")], [])
        by_key = [c for c in changes if c["action"].startswith(("user.", "room.", "member."))]
        self.assertEqual({(c["actor"]["kind"], c["actor"]["id"]) for c in by_key}, {("key", ws.key_id)})
        self.assertEqual({c["actor"]["kind"] for c in changes if c["action"] in ("key.created", "settings.changed")},
                         {"operator"})
        self.assertEqual({c["actor"].get("host") for c in changes if c["actor"]["kind"] == "operator"},
                         {socket.gethostname()})
        refused = next(c for c in changes if c["action"] == "command.refused")
        self.assertEqual(refused["outcome"], "refused")
        self.assertTrue(refused["reason"])
        title = next(c for c in changes if c["action"] == "user.updated")
        self.assertEqual(title["changes"], [{"path": "title", "op": "add", "from": None, "to": "t"}])

    def test_traceparent_travels(self):
        """W3C trace context from the request to the events of its change."""
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        made = self.expect(self.http.post("/Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                                                      "displayName": "Traced"},
                                          headers={"traceparent": trace}), 201).json
        event = next(r for r in self.followers.membership.wait(lambda rs: any(r.key == made["id"] for r in rs))
                     if r.key == made["id"])
        self.assertEqual(event.headers.get("traceparent", "")[:35], trace[:35])
