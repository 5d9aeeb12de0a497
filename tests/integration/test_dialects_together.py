"""What follows from all identity providers together (rule 0.1 to rule 0.13), each for keys of every dialect in one
workspace, as tenants with several providers have it."""

import json
import re

from dialects import NOBODY, OFF, ON, Idp
from scimhttp import ENTERPRISE, GROUP, LIST, ROLE, USER, check_answer, in_flight, patch_op, plain, statuses

DIALECTS = ("rfc", "entra", "okta")


def add(*users):
    return patch_op({"op": "add", "path": "members", "value": [{"value": u} for u in users]})


def out(*users):
    return patch_op({"op": "remove", "path": "members", "value": [{"value": u} for u in users]})


class Together(Idp):
    idp, dialect = "directories", "rfc"

    def clients(self):
        return {d: self.under(d) for d in DIALECTS}

    def user_of(self, client, **more):
        return self.expect(client.post("/Users", {"schemas": [USER], "userName": "t%d@together.example" % self.number(),
                                                  **more}), 201).json

    def room_of(self, client, users=()):
        body = {"schemas": [GROUP], "displayName": "Together %d" % self.number(),
                "members": [{"value": u} for u in users]}
        return self.expect(client.post("/Groups", body), 201).json

    def test_rule_0_1_synchronous(self):
        """Rule 0.1: 201 with the id and the whole resource, 200, 204: never a 202 or an empty 201, also for a Prefer
        that is none of ours (Q9)."""
        for d, client in self.clients().items():
            with self.subTest(d):
                for headers in ({}, {"Prefer": "return=minimal"}, {"Prefer": "handling=lenient"}):
                    answer = client.post("/Users",
                                         {"schemas": [USER], "userName": "s%d@together.example" % self.number()},
                                         headers=headers)
                    made = self.expect(answer, 201).json
                    self.assertTrue(made["id"] and made["meta"]["location"])
                    self.assertIn(client.patch("/Users/" + made["id"], ON, headers=headers).status, (200, 204))
                    self.expect(client.delete("/Users/" + made["id"], headers=headers), 204)

    def test_rule_0_2_read_your_writes(self):
        """Rule 0.2: found by id and by every matching attribute at once, under any key; a PUT or PATCH right after
        is no 404."""
        for d, client in self.clients().items():
            n = self.number()
            made = self.user_of(client, externalId="ryw-%d" % n,
                                emails=[{"value": "ryw%d@together.example" % n, "type": "work"}])
            for reader in self.clients().values():
                self.assertEqual(reader.get("/Users/" + made["id"]).json, made)
                for text in ('userName eq "%s"' % made["userName"], 'externalId eq "ryw-%d"' % n,
                             'emails[type eq "work"].value eq "ryw%d@together.example"' % n,
                             'emails.value eq "ryw%d@together.example"' % n, 'id eq "%s"' % made["id"]):
                    self.assertEqual(self.found("/Users", text, reader), [made["id"]], (d, text))
            self.expect(client.put("/Users/" + made["id"], {"schemas": [USER], "userName": made["userName"],
                                                            "title": "A"}), 200)
            self.expect(client.patch("/Users/" + made["id"],
                                     patch_op({"op": "replace", "path": "title", "value": "B"})), 200)
            room = self.room_of(client, [made["id"]])
            self.assertEqual(self.found("/Groups", 'members.value eq "%s"' % made["id"]), [room["id"]])

    def test_rule_0_3_duplicate(self):
        """Rule 0.3, Z3: 409 with uniqueness, for users and for groups, whoever made the first."""
        for client in self.clients().values():
            made, room = self.user_of(client), self.room_of(client)
            for other in self.clients().values():
                self.expect(other.post("/Users", {"schemas": [USER], "userName": made["userName"].upper()}), 409,
                            "uniqueness")
                self.expect(other.post("/Groups", {"schemas": [GROUP], "displayName": room["displayName"].upper()}),
                            409, "uniqueness")

    def test_rule_0_4_no_hit(self):
        """Rule 0.4, C4."""
        for client in self.clients().values():
            for path, text in (("/Users", 'userName eq "nobody"'), ("/Users", 'id eq "%s"' % NOBODY),
                               ("/Users", 'id eq "nonsense"'), ("/Groups", 'displayName eq "nothing"'),
                               ("/Groups", 'members.value eq "%s"' % NOBODY), ("/Groups", 'members eq "nonsense"')):
                answer = self.expect(client.find(path, text), 200).json
                self.assertEqual((answer["schemas"], answer["totalResults"], answer["Resources"]), ([LIST], 0, []))

    def test_rule_0_5_deltas(self):
        """Rule 0.5: providers of all dialects write one room at once; nothing of anyone is lost."""
        users = [self.user_of(self.http)["id"] for _ in range(18)]
        room = self.room_of(self.http, users[:6])["id"]
        jobs = [lambda c, u=u: c.patch("/Groups/" + room, add(u))
                for u in users[6:]] + [lambda c, u=u: c.patch("/Groups/" + room, out(u)) for u in users[:6]]
        jobs += [lambda c, i=i: c.patch("/Groups/" + room,
                                        patch_op({"op": "replace", "path": "externalId", "value": "x%d" % i}))
                 for i in range(6)]
        with self.told() as told:
            self.assertEqual(statuses(in_flight(9, jobs[::3] + jobs[1::3] + jobs[2::3], list(self.clients().values()))),
                             {204: 24})
        self.assertEqual(self.members(room), set(users[6:]))
        self.assertEqual(sorted(e[:2] for e in told.events),
                         sorted([("member.added", u) for u in users[6:]] + [("member.removed", u) for u in users[:6]]))

    def test_rule_0_6_idempotent(self):
        """Rule 0.6, P14, P26: adding who is in, removing who is out: success, no event, the version stays."""
        for client in self.clients().values():
            inside, outside = (self.user_of(client)["id"] for _ in range(2))
            room = self.room_of(client, [inside])
            with self.told() as told:
                for body in (add(inside), out(outside), out(NOBODY),
                             patch_op({"op": "remove", "path": 'members[value eq "%s"]' % outside}),
                             patch_op({"op": "add", "value": {"members": [{"value": inside}]}})):
                    self.expect(client.patch("/Groups/" + room["id"], body), 204)
            self.assertEqual((told.events, told.changes, self.get(room, "Groups")), ([], [], room))

    def test_rule_0_7_remove_all_is_never_guessed(self):
        """Rule 0.7, P38: bodies that name no member leave all of them, and what was not understood is 400."""
        for d, client in self.clients().items():
            users = [self.user_of(client)["id"] for _ in range(2)]
            room = self.room_of(client, users)
            place = "/Groups/" + room["id"]
            for value, status in (({"displayName": room["displayName"]}, 204),
                                  ({"displayName": room["displayName"], "externalId": "e"}, 204),
                                  ({"member": []}, 400), ({"users": []}, 400), ({"members": 7}, 400)):
                self.assertEqual(client.patch(place, patch_op({"op": "replace", "value": value})).status, status,
                                 (d, value))
                self.assertEqual(self.members(room["id"]), set(users), (d, value))
            for op in ({"op": "remove", "path": "member"}, {"op": "remove", "path": "members", "value": {}},
                       {"op": "remove", "path": "members", "value": [{"id": users[0]}]},
                       {"op": "remove", "path": "members", "value": [None]}, {"op": "delete", "path": "members"},
                       {"op": "remove", "path": "members[]"},
                       {"op": "replace", "path": "members", "value": ""},
                       {"op": "replace", "path": "members", "value": 0}, {"op": "replace", "path": "members"},
                       {"op": "remove", "path": "members", "value": ""}, {"op": "remove", "path": "members[value eq]"}):
                self.assertEqual(client.patch(place, patch_op(op)).status, 400, (d, op))
                self.assertEqual(self.members(room["id"]), set(users), (d, op))

    def test_rule_0_8_unknown_members(self):
        """Rule 0.8, Q35: named and nothing applied, or (okta) the known applied and the unknown audited; never
        cleared first."""
        for d, client in self.clients().items():
            old, new = (self.user_of(client)["id"] for _ in range(2))
            room = self.room_of(client, [old])
            requests = ((add(new, NOBODY), {old, new}),
                        (patch_op({"op": "replace", "path": "members",
                                   "value": [{"value": NOBODY}, {"value": new}]}), {new}))
            for body, okta in requests:
                if d == "okta":
                    with self.told() as told:
                        self.expect(client.patch("/Groups/" + room["id"], body), 204)
                    self.assertEqual((self.members(room["id"]), told.actions.count("command.refused")), (okta, 1))
                else:
                    answers = []
                    self.unchanged("/Groups/" + room["id"],
                                   lambda: answers.append(client.patch("/Groups/" + room["id"], body)) or answers[0],
                                   400, "invalidValue")
                    self.assertIn(NOBODY, answers[0].json["detail"])

    def test_rule_0_9_form_of_answers(self):
        """Rule 0.9, Z4: check_answer has looked at all of these; numbers are numbers, status is a string and the
        status."""
        for client in self.clients().values():
            for method, path, body in (("GET", "/Users?count=1", None), ("GET", "/Users/x", None),
                                       ("POST", "/Users", {}), ("PATCH", "/Users", {}), ("GET", "/x", None),
                                       ("GET", "/Users?filter=(", None), ("GET", "/Schemas?filter=id%20pr", None),
                                       ("POST", "/Users", {"schemas": [USER], "userName": 1})):
                answer = client.request(method, path, body)
                self.assertEqual(check_answer(answer), [])
                if answer.status >= 400:
                    self.assertEqual(answer.json["status"], str(answer.status))
                else:
                    self.assertTrue(all(type(answer.json[n]) is int
                                        for n in ("totalResults", "startIndex", "itemsPerPage")))

    def test_rule_0_10_ids(self):
        """Rule 0.10: opaque, URL-safe, without bulkId, whatever the client asks for."""
        for client in self.clients().values():
            for made in (self.user_of(client, id="bulkId:1"), self.room_of(client)):
                self.assertRegex(made["id"], r"^[0-9a-f-]{36}$")
                self.assertNotIn("bulkid", made["id"].lower())
                self.assertTrue(made["meta"]["location"].endswith("/" + made["id"]))

    def test_rule_0_11_active_in_four_encodings(self):
        """Rule 0.11, Q09, Q10: boolean or string, by path or in an object, by PATCH or PUT; readable while inactive;
        memberships come back."""
        for d, client in self.clients().items():
            made = self.user_of(client)
            room = self.room_of(client, [made["id"]])["id"]
            put = {"schemas": [USER], "userName": made["userName"]}

            def ways(active, put=put):
                for value in (active, str(active)):
                    yield "PATCH", patch_op({"op": "replace", "path": "active", "value": value})
                    yield "PATCH", patch_op({"op": "replace", "value": {"active": value}})
                    yield "PUT", dict(put, active=value)

            for off, on in zip(ways(False), ways(True)):
                self.expect(client.request(off[0], "/Users/" + made["id"], off[1]), 200)
                self.assertEqual((self.get(made)["active"], self.members(room)), (False, set()), (d, off))
                self.assertEqual(self.found("/Users", 'userName eq "%s" and active eq false' % made["userName"],
                                            client), [made["id"]])
                self.expect(client.request(on[0], "/Users/" + made["id"], on[1]), 200)
                self.assertEqual((self.get(made)["active"], self.members(room)), (True, {made["id"]}), (d, on))

    def test_rule_0_12_seats(self):
        """Rule 0.12, E2: 403 with a detail on creation and on reactivation, never on deactivation or deletion."""
        for d in DIALECTS:
            ws = self.stack.workspace("seats-" + d, dialect=d, seats=1)
            first = self.user_of(ws.client)
            refused = self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "second"}), 403).json
            self.assertRegex(refused["detail"], r"1.*1")
            second = self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "second", "active": False}),
                                 201).json
            self.expect(ws.client.patch("/Users/" + second["id"], ON), 403)
            self.expect(ws.client.put("/Users/" + second["id"],
                                      {"schemas": [USER], "userName": "second", "active": True}), 403)
            self.assertIs(ws.client.get("/Users/" + second["id"]).json["active"], False)
            self.expect(ws.client.patch("/Users/" + second["id"], OFF), 200)
            self.expect(ws.client.patch("/Users/" + first["id"], OFF), 200)
            self.expect(ws.client.patch("/Users/" + second["id"], ON), 200)
            self.expect(ws.client.delete("/Users/" + second["id"]), 204)
            self.assertEqual(ws.counts()["seats"], 0)
            ws.client.close()

    def test_rule_0_13_ignored(self):
        """Rule 0.13, Q28: id, meta, groups, unknown members and extra URNs on POST and PUT; an equal id in a
        path-less PATCH."""
        for client in self.clients().values():
            extra = {"id": "mine", "meta": {"created": "2001-01-01T00:00:00Z", "location": "x", "version": "1",
                                            "resourceType": "Robot"}, "groups": [{"value": NOBODY}],
                     "shoeSize": 44, "urn:example:params:other": {"a": 1},
                     "schemas": [USER, "urn:example:params:other"]}
            made = self.expect(client.post("/Users", {"userName": "i%d@together.example" % self.number(), **extra}),
                               201).json
            self.assertEqual(set(made), {"schemas", "id", "userName", "active", "meta", ROLE})
            self.assertEqual((made["schemas"], made["meta"]["resourceType"], made["id"] != "mine"),
                             ([USER, ROLE], "User", True))
            self.assertEqual(self.expect(client.put("/Users/" + made["id"], {"userName": made["userName"], **extra}),
                                         200).json, made)
            self.expect(client.patch("/Users/" + made["id"],
                                     patch_op({"op": "replace", "value": {"id": made["id"], "title": "T"}})), 200)
            self.unchanged("/Users/" + made["id"],
                           lambda: client.patch("/Users/" + made["id"],
                                                patch_op({"op": "replace", "value": {"id": NOBODY}})), 400,
                           "mutability")

    def test_values_are_stored_as_they_came(self):
        """No reformatting of numbers, addresses, time zones; whatever the dialect."""
        for client in self.clients().values():
            body = {"schemas": [USER, ENTERPRISE], "userName": "V %d" % self.number(), "timezone": "Europe/Nowhere",
                    "locale": "xx_YY", "profileUrl": "not a url", "nickName": " n ",
                    "phoneNumbers": [{"value": "+49 (0)431/55-01 ext. 7", "type": "work"}],
                    "emails": [{"value": "Not An Address", "type": "Odd"}],
                    ENTERPRISE: {"costCenter": "0077", "employeeNumber": "007"}}
            made = self.expect(client.post("/Users", body), 201).json
            self.assertEqual({k: v for k, v in plain(self.get(made)).items()
                              if k not in ("id", "meta", "active")}, body)

    def test_nothing_of_a_url_in_logs(self):
        """X2: names stand in the filters of all providers; the programs' logs and the request records have none of
        them."""
        name = "very-private-%d@together.example" % self.number()
        for client in self.clients().values():
            self.expect(client.find("/Users", 'userName eq "%s"' % name), 200)
            self.expect(client.find("/Users", 'userName eq "%s" and (' % name), 400, "invalidFilter")
        requests = self.followers.requests(self.ws.id, lambda rs: sum(1 for r in rs if r.get("query")) >= 6,
                                           "request records")
        self.assertNotIn("very-private", json.dumps(requests))
        self.assertIsNone(re.search("very-private", self.logs()))

    def logs(self):
        text = ""
        for program in ("ingest", "worker"):
            with open("%s/log/%s.log" % (self.stack.run_dir, program), errors="replace") as f:
                text += f.read()
        self.assertIn(self.ws.id[:8], text + self.ws.id[:8])
        return text
