"""Okta: the spec test of twelve steps and the CRUD test, then what catalogue apps (OIN) and apps of the integration
wizard (AIW) send, row by row."""

import json

from dialects import NOBODY, Idp, timed
from scimhttp import ERROR, GROUP, LIST, ROLE, USER, in_flight, patch_op, statuses

JSON = {"Content-Type": "application/json"}


class SpecTest(Idp):
    """Okta's own test, what each step asserts, in a workspace of its own. (Its waits of 5 and 10 s are left out:
    read-your-writes holds at once.)"""

    idp = dialect = "okta"

    def test_twelve_steps(self):
        self.new("spec user", mail="first@spec.example")
        one = self.expect(self.say("GET /Users?count=1&startIndex=1"), 200).json  # step 1
        self.assertEqual((one["schemas"], one["totalResults"], one["itemsPerPage"], one["startIndex"]),
                         ([LIST], self.ws.counts()["users"], 1, 1))
        self.assertTrue(all(type(one[n]) is int for n in ("totalResults", "itemsPerPage", "startIndex")))
        shown = one["Resources"][0]
        self.assertTrue(shown["id"] and shown["name"]["familyName"] and shown["name"]["givenName"] and shown["userName"]
                        and shown["emails"][0]["value"])
        self.assertIs(shown["active"], True)
        self.assertEqual(self.expect(self.say("GET /Users/" + shown["id"]), 200).json, shown)  # step 2
        for step in ("3", "5"):  # Q01, rule 0.4
            none = self.expect(self.say('GET /Users?filter=userName eq "nobody-%s@spec.example"' % step), 200).json
            self.assertEqual((none["schemas"], none["totalResults"], none["Resources"]), ([LIST], 0, []))
        missing = self.expect(self.say("GET /Users/010101001010101011001010101011"), 404).json  # steps 4 and 12
        self.assertEqual((missing["schemas"], missing["status"]), ([ERROR], "404"))
        self.assertTrue(missing["detail"])
        body = json.dumps(self.body("spec user", mail="sixth@spec.example")).encode()
        made = self.expect(self.http.post("/Users", body, headers=JSON), 201).json  # step 6, Q39
        self.assertEqual((made["active"], made["name"], made["schemas"]),
                         (True, {"givenName": "Tuva", "familyName": "Lie"}, [USER, ROLE]))
        self.assertEqual(self.expect(self.say("GET /Users/" + made["id"]), 200).json, made)  # step 7, rule 0.2
        twice = self.expect(self.http.post("/Users", body, headers=JSON), 409, "uniqueness").json  # step 8, Q32
        self.assertTrue(twice["detail"])
        # Step 9, Q06.
        self.assertEqual(self.found("/Users", 'userName eq "SIXTH@SPEC.EXAMPLE"', startIndex=1, count=100),
                         [made["id"]])
        self.assertEqual(self.expect(self.say("GET /Groups"), 200).json["schemas"], [LIST])  # step 10
        # Step 11, Q43.
        refused = self.expect(self.ws.open("wrong", headers=self.headers).find("/Users", 'userName eq "x"',
                                                                               startIndex=1, count=100), 401)
        self.assertEqual((refused.json["schemas"], refused.json["status"]), ([ERROR], "401"))
        self.assertTrue(refused.json["detail"] and refused.headers["www-authenticate"])


class CrudTest(Idp):
    idp = dialect = "okta"

    def test_crud(self):
        """Created, changed, deactivated, reactivated, unassigned: after each step what the CRUD test expects to
        read."""
        made = self.new()
        names = {"id": made["id"], "mail": made["userName"], "ext": made["externalId"]}
        self.expect(self.say("GET /Users/" + made["id"]), 200)
        self.expect(self.say("PUT /Users/" + made["id"], "put user", family="Ora-Lie", **names), 200)
        self.assertEqual(self.get(made)["name"]["familyName"], "Ora-Lie")
        for body, active in (("deactivate", False), ("activate", True), ("deactivate", False)):
            self.expect(self.say("PATCH /Users/" + made["id"], body), 200)
            self.assertIs(self.get(made)["active"], active)
        self.assertEqual(self.found("/Users", 'userName eq "%s"' % made["userName"]), [made["id"]])

    def test_open_extension_with_put_patch_and_group_steps(self):
        made = self.new()
        group = self.expect(self.say("POST /Groups", "create group", room="Extension"), 201).json
        self.assertEqual((group["schemas"], group["displayName"]), ([GROUP], "Extension"))
        self.expect(self.say("PATCH /Groups/" + group["id"], "member in", a=made["id"]), 204)
        self.assertEqual([m["value"] for m in self.get(group, "Groups")["members"]], [made["id"]])
        self.expect(self.say("DELETE /Groups/" + group["id"]), 204)
        self.expect(self.say("GET /Groups/" + group["id"]), 404)
        self.expect(self.say("PATCH /Groups/" + group["id"], "member in", a=made["id"]), 404)


class Users(Idp):
    idp = dialect = "okta"

    def names(self, made):
        return {"id": made["id"], "mail": made["userName"], "ext": made["externalId"]}

    def test_Q01_Q06_look_up_as_sent(self):
        made = self.new()
        for name in (made["userName"], made["userName"].upper()):
            answer = self.expect(self.say('GET /Users?filter=userName eq "%s"&startIndex=1&count=100' % name), 200).json
            self.assertEqual((answer["totalResults"], answer["Resources"][0]), (1, made))

    def test_Q23_Q48_create_with_empty_groups_and_password(self):
        """The whole user comes back, without what is readOnly or secret; the password stands nowhere."""
        with self.told() as told:
            answer = self.say("POST /Users", "create user", mail="q48@okta.example", ext="00u48")
        made = self.expect(answer, 201).json
        self.assertEqual({k: v for k, v in made.items() if k not in ("id", "meta", "schemas")},
                         {"userName": "q48@okta.example", "name": {"givenName": "Mika", "familyName": "Ora"},
                          "emails": [{"primary": True, "value": "q48@okta.example", "type": "work"}],
                          "displayName": "Mika Ora", "locale": "nb-NO", "externalId": "00u48", "active": True,
                          ROLE: {"editor": False}})
        self.assertEqual((told.actions, told.seats), (["user.created"], [("user.created", "taken")]))
        for name, body in (("PATCH", "password"), ("PUT", "put password")):
            with self.told() as told:
                after = self.expect(self.say("%s /Users/%s" % (name, made["id"]), body,
                                             **(self.names(made) if name == "PUT" else {})), 200)
            self.assertEqual((after.json, told.changes), (made, []))
        self.nowhere("Xy7-tmp", "Zq9-new")

    def nowhere(self, *secrets):
        """X3: neither in rows (outcomes, documents) nor in what readers of the streams see, nor in the log of
        commands."""
        rows = self.stack.sql("SELECT doc::text, search::text FROM users WHERE workspace_id=%s", self.ws.id)
        outcomes = self.stack.sql("SELECT c::text FROM command_log c WHERE workspace_id=%s", self.ws.id)
        self.followers.settle(self.ws.id)
        records = [r for f in (self.followers.membership, self.followers.audit, self.followers.rooms)
                   for r in f.snapshot(self.ws.id)]
        text = repr(rows) + repr(outcomes) + repr([(r.headers, r.value) for r in records])
        self.assertIn("q48@okta.example", text)  # else nothing was looked at
        for secret in secrets:
            self.assertNotIn(secret, text)

    def test_Q20_full_put_with_read_only_attributes(self):
        """GET, then PUT of it all; id, meta and groups in the body change nothing. C5, rule 0.13."""
        made = self.new()
        room = self.room("Put %s" % made["id"], [made["id"]])["id"]
        with self.told() as told:
            put = self.expect(self.say("PUT /Users/" + made["id"], "put user", family="Lie", **self.names(made)),
                              200).json
        self.assertEqual(told.changes, [("user.updated", made["id"], None, ["name.familyName"])])
        self.assertEqual((put["id"], put["meta"]["created"], put["meta"]["location"]),
                         (made["id"], made["meta"]["created"], made["meta"]["location"]))
        self.assertEqual([g["value"] for g in put["groups"]], [room])
        with self.told() as told:
            self.assertEqual(self.expect(self.say("PUT /Users/" + made["id"], "put user", family="Lie",
                                                  **self.names(made)), 200).json, put)
        self.assertEqual((told.changes, told.events), ([], []))

    def test_Q10_Q31_deactivated_never_deleted(self):
        """The seat is free again, and the user stays readable; in a workspace of one seat the next one fits.
        Rule 0.12."""
        ws = self.stack.workspace("okta-seat", dialect="okta", seats=1)
        client = ws.open(headers=self.headers)
        for n in range(3):
            made = self.new(client=client)
            self.assertEqual(ws.counts()["seats"], 1)
            self.expect(self.say("POST /Users", "create user", client, mail="late@okta.example", ext="late"), 403)
            now = self.expect(self.say("PATCH /Users/" + made["id"], "deactivate", client), 200).json
            self.assertEqual({k: v for k, v in made.items() if k not in ("active", "meta")},
                             {k: v for k, v in now.items() if k not in ("active", "meta")})
            self.assertEqual((now["active"], ws.counts()["seats"], ws.counts()["users"]), (False, 0, n + 1))
        self.assertEqual(len(self.found("/Users", "active eq false", client)), 3)
        client.close()

    def test_Q45_reassigned(self):
        """OIN by PATCH, AIW by PUT: same id, same rooms."""
        made = self.new()
        room = self.room("Back %s" % made["id"], [made["id"]])["id"]
        for off, on, names in (("deactivate", "activate", {}),
                               ("put user inactive", "put user", dict(self.names(made), family="Ora"))):
            method = "PATCH" if not names else "PUT"
            with self.told() as told:
                self.expect(self.say("%s /Users/%s" % (method, made["id"]), off, **names), 200)
                self.assertEqual(self.members(room), set())
                self.expect(self.say("%s /Users/%s" % (method, made["id"]), on, **names), 200)
            self.assertEqual(told.events, [("member.removed", made["id"], room, "user_deactivated"),
                                           ("member.added", made["id"], room, "user_reactivated")])
            self.assertEqual((self.members(room), self.get(made)["active"]), ({made["id"]}, True))

    def test_Q32_existing_is_409_with_detail(self):
        self.new("spec user", mail="q32@okta.example")
        self.unchanged_users(lambda: self.say("POST /Users", "spec user", mail="Q32@Okta.Example"), 409)

    def unchanged_users(self, act, status):
        before = self.ws.counts()
        self.assertTrue(self.expect(act(), status, "uniqueness").json["detail"])
        self.assertEqual({k: v for k, v in self.ws.counts().items() if k != "audit_seq"},
                         {k: v for k, v in before.items() if k != "audit_seq"})

    def test_Q36_import(self):
        """Pages of 100 until totalResults; each user once; the same order each time; integers. G3. Whoever asks for
        more gets a page of 200 (G11)."""
        ws = self.stack.workspace("okta-import", dialect="okta")
        client = ws.open(headers=self.headers)
        made = in_flight(8, [lambda c, i=i: c.post("/Users", self.body("spec user", mail="import%d@okta.example" % i))
                             for i in range(230)], client)
        self.assertEqual(statuses(made), {201: 230})
        walks = []
        for _ in range(2):
            seen, start, total = [], 1, 1
            while start <= total:
                page = self.expect(self.say("GET /Users?startIndex=%d&count=100" % start, client=client), 200).json
                total = page["totalResults"]
                self.assertEqual((page["startIndex"], page["itemsPerPage"], type(total)),
                                 (start, len(page["Resources"]), int))
                seen += [u["id"] for u in page["Resources"]]
                start += 100
            walks.append(seen)
        self.assertEqual(walks[0], walks[1])
        self.assertEqual(sorted(walks[0]), sorted(m.json["id"] for m in made))
        large = self.expect(self.say("GET /Users?startIndex=1&count=1000", client=client), 200).json
        self.assertEqual((large["itemsPerPage"], [u["id"] for u in large["Resources"]], large["totalResults"]),
                         (200, walks[0][:200], 230))
        client.close()

    def test_Q39_application_json(self):
        for kind in ("application/json", "application/json; charset=utf-8", "application/scim+json; charset=utf-8"):
            body = json.dumps(self.body("spec user", mail="q39-%d@okta.example" % self.number())).encode()
            made = self.expect(self.http.post("/Users", body, headers={"Content-Type": kind}), 201).json
            self.assertEqual(self.get(made), made)

    def test_Q41_Q42_in_time_and_told_when_to_come_back(self):
        """Far under 60 s of silence; the 429's Retry-After is true: the retry passes."""
        ws = self.stack.workspace("okta-rate", dialect="okta", rate=5)
        client = ws.open(headers=self.headers)
        seen = [timed(lambda: client.get("/Users?count=0")) for _ in range(8)]
        self.assertEqual([a.status for a, _ in seen], [200] * 5 + [429] * 3)
        self.assertLess(max(took for _, took in seen), 5)
        self.assertTrue(all(a.headers["retry-after"].isdigit() for a, _ in seen[5:]))
        client.close()

    def test_Q47_Q44_strict_like_the_rfc(self):
        made = self.new()
        self.expect(self.say("GET /Users?filter=userName eq %s" % made["userName"]), 400, "invalidFilter")
        self.unchanged("/Users/" + made["id"], lambda: self.http.patch("/Users/" + made["id"], patch_op()), 400,
                       "invalidSyntax")


class Groups(Idp):
    idp = dialect = "okta"

    def setUp(self):
        self.a, self.b, self.c = (self.new()["id"] for _ in range(3))
        self.name = "Room Oslo-%d" % self.number()
        self.group = self.expect(self.say("POST /Groups", "create group", room=self.name), 201).json
        self.place = "/Groups/" + self.group["id"]

    def event(self, what, user):
        return ("member." + what, user, self.group["id"], "scim")

    def test_create_without_schemas(self):
        self.assertEqual((self.group["schemas"], self.group["displayName"], self.group.get("members", [])),
                         ([GROUP], self.name, []))
        self.assertEqual(self.get(self.group, "Groups"), self.group)

    def test_Q21_rename_repeated_with_the_id_inside(self):
        """Around each membership update: version and events stay; another id is refused."""
        self.expect(self.say("PATCH " + self.place, "member in", a=self.a), 204)
        before = self.get(self.group, "Groups")
        with self.told() as told:
            for _ in range(3):
                self.expect(self.say("PATCH " + self.place, "rename", id=self.group["id"], room=self.name), 204)
        self.assertEqual((told.events, told.changes, self.get(self.group, "Groups")), ([], [], before))
        for dialect in ("rfc", "entra"):
            self.expect(self.say("PATCH " + self.place, "rename", self.under(dialect), id=self.group["id"],
                                 room=self.name), 204)
        self.unchanged(self.place, lambda: self.say("PATCH " + self.place, "rename", id=self.a, room="Stolen"), 400,
                       "mutability")
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "rename", id=self.group["id"], room=self.name + " B"), 204)
        self.assertEqual(told.events, [("room.renamed", None, self.group["id"], "scim")])
        self.assertEqual(self.members(self.group["id"]), {self.a})

    def test_Q16_one_out_one_in(self):
        self.expect(self.say("PATCH " + self.place, "member in", a=self.a), 204)
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "one out, one in", a=self.a, b=self.b), 204)
        self.assertEqual(told.events, [self.event("removed", self.a), self.event("added", self.b)])
        with self.told() as told:  # Okta repeats it: the one is out, the other in
            self.expect(self.say("PATCH " + self.place, "one out, one in", a=self.a, b=self.b), 204)
        self.assertEqual((told.events, self.members(self.group["id"])), ([], {self.b}))

    def test_Q18_full_push_is_a_delta(self):
        """Only the difference is told; the same list again tells nothing. P33."""
        self.say("PATCH " + self.place, "member in", a=self.c)
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "full push", a=self.a, b=self.c), 204)
        self.assertEqual(told.events, [self.event("added", self.a)])
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "full push", a=self.a, b=self.b), 204)
        self.assertEqual(sorted(told.events), sorted([self.event("added", self.b), self.event("removed", self.c)]))
        before = self.get(self.group, "Groups")
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "full push", a=self.b, b=self.a), 204)
        self.assertEqual((told.events, self.get(self.group, "Groups")["meta"]), ([], before["meta"]))

    def test_Q19_Q22_AIW_put(self):
        """GET, then the full group; 200 with body; display null is nothing; members left out stay, [] empties. C6."""
        put = {"id": self.group["id"], "room": self.name}
        shown = self.expect(self.say("PUT " + self.place, "put group", a=self.a, b=self.b, **put), 200).json
        self.assertEqual(({m["value"] for m in shown["members"]}, shown),
                         ({self.a, self.b}, self.get(self.group, "Groups")))
        with self.told() as told:
            self.expect(self.say("PUT " + self.place, "put group", a=self.b, b=self.c, **put), 200)
        self.assertEqual(sorted(told.events), sorted([self.event("removed", self.a), self.event("added", self.c)]))
        body = self.body("put group empty", **put)
        del body["members"]
        self.expect(self.http.put(self.place, body), 200)
        self.assertEqual(self.members(self.group["id"]), {self.b, self.c})
        with self.told() as told:
            self.expect(self.say("PUT " + self.place, "put group of one", a=self.b, id=self.group["id"], room=self.name
                                 + " B"), 200)
        self.assertEqual(sorted(e[0] for e in told.events), ["member.removed", "room.renamed"])
        with self.told() as told:
            self.expect(self.say("PUT " + self.place, "put group empty", id=self.group["id"], room=self.name
                                 + " B"), 200)
        self.assertEqual((told.events, self.members(self.group["id"])), ([self.event("removed", self.b)], set()))

    def test_Q35_unknown_member_does_not_stop_the_push(self):
        """Rule 0.8: known ones go in, the unknown one is told in the audit; under rfc and entra all is refused and
        the id named."""
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "full push", a=self.a, b=NOBODY), 204)
        self.assertEqual((told.events, self.members(self.group["id"])), ([self.event("added", self.a)], {self.a}))
        self.assertIn(("command.refused", self.group["id"], NOBODY), [c[:3] for c in told.changes])
        with self.told() as told:
            self.expect(self.say("PUT " + self.place, "put group", a=NOBODY, b=self.b, id=self.group["id"],
                                 room=self.name), 200)
        self.assertEqual(self.members(self.group["id"]), {self.b})  # never cleared for what was not found
        made = self.expect(self.say("POST /Groups", "create group with schemas", room=self.name + " C", a=NOBODY),
                           201).json
        self.assertEqual(self.members(made["id"]), set())
        for dialect in ("rfc", "entra"):
            self.unchanged(self.place, lambda d=dialect: self.say("PATCH " + self.place, "full push", self.under(d),
                                                                  a=self.a, b=NOBODY), 400, "invalidValue")

    def test_Q35_a_list_of_which_nobody_is_known_changes_nothing(self):
        """It says nothing that could be done, least of all that the room is to be empty (rules 0.7, 0.8)."""
        self.expect(self.say("PATCH " + self.place, "member in", a=self.a), 204)
        for method, name, values in (("PATCH ", "full push", {"a": NOBODY, "b": NOBODY}),
                                     ("PATCH ", "member in", {"a": NOBODY}),
                                     ("PUT ", "put group of one",
                                      {"a": NOBODY, "id": self.group["id"], "room": self.name})):
            with self.subTest(name):
                self.unchanged(self.place, lambda m=method, n=name, v=values: self.say(m + self.place, n, **v), 400,
                               "invalidValue")
        self.assertEqual(self.members(self.group["id"]), {self.a})

    def test_Q33_concurrent_membership(self):
        """Renames and adds of many workers at once: none lost, each told once, and the room is renamed not once.
        Rule 0.5."""
        users = [self.new()["id"] for _ in range(16)]
        bodies = [self.body("member in", a=u) for u in users]
        rename = self.body("rename", id=self.group["id"], room=self.name)
        jobs = [lambda c, b=b: c.patch(self.place, b) for pair in zip(bodies, [rename] * 16) for b in pair]
        with self.told() as told:
            self.assertEqual(statuses(in_flight(8, jobs, self.http)), {204: 32})
        self.assertEqual(self.members(self.group["id"]), set(users))
        self.assertEqual(sorted(told.events), sorted(self.event("added", u) for u in users))

    def test_unlink_with_delete(self):
        self.say("PATCH " + self.place, "member in", a=self.a)
        with self.told() as told:
            self.expect(self.say("DELETE " + self.place), 204)
        self.assertEqual(told.events, [("member.removed", self.a, self.group["id"], "room_deleted"),
                                       ("room.deleted", None, self.group["id"], "scim")])
        self.assertNotIn("groups", self.get(self.a))
