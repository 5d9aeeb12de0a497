"""JumpCloud, Google Workspace, OneLogin and Rippling. Their connectors are generic: keys of dialect rfc (and where a
tolerance is asked for, of all three)."""

from dialects import ON, Idp
from scimhttp import ENTERPRISE, GROUP, ROLE, USER, in_flight, patch_op, plain, statuses


class JumpCloud(Idp):
    idp, dialect = "directories", "rfc"

    def test_Q30_connection_test(self):
        """Lists, then a test user and a test group of a domain that is nobody's, changed, and both deleted again:
        nothing is left."""
        for path in ("/Users", "/Groups"):
            self.expect(self.say("GET " + path), 200)
        before = self.ws.counts()
        user = self.new("jumpcloud test user", mail="jumpcloud-test-8f2@unverified.invalid")
        group = self.expect(self.say("POST /Groups", "jumpcloud test group", room="JumpCloud test group 8f2"), 201).json
        self.expect(self.say("PATCH /Groups/" + group["id"], "jumpcloud member in", a=user["id"]), 204)
        self.expect(self.say("DELETE /Groups/" + group["id"]), 204)
        self.expect(self.say("DELETE /Users/" + user["id"]), 204)
        self.expect(self.say("GET /Users/" + user["id"]), 404)
        self.expect(self.say("GET /Groups/" + group["id"]), 404)
        after = self.ws.counts()
        self.assertEqual([after[n] for n in ("users", "rooms", "members", "seats")],
                         [before[n] for n in ("users", "rooms", "members", "seats")])
        # The next test of the connection passes, too.
        self.new("jumpcloud test user", mail="jumpcloud-test-8f2@unverified.invalid")

    def test_connection_test_without_a_seat(self):
        """Rule 0.12: with no seat left it is told so in the very answer, and nothing is left behind."""
        ws = self.stack.workspace("jumpcloud-full", seats=0)
        client = ws.open(headers=self.headers)
        refused = self.expect(self.say("POST /Users", "jumpcloud test user", client,
                                       mail="test@unverified.invalid"), 403)
        self.assertRegex(refused.json["detail"], "0")
        self.assertEqual((ws.counts()["users"], ws.counts()["seats"]), (0, 0))
        self.expect(self.say("POST /Groups", "jumpcloud test group", client, room="Test"), 201)
        client.close()

    def test_one_replace_per_attribute(self):
        made = self.new("jumpcloud test user")
        with self.told() as told:
            self.expect(self.say("PATCH /Users/" + made["id"], "jumpcloud update"), 200)
        now = self.get(made)
        self.assertEqual((now["name"], now["active"], now["emails"]),
                         ({"givenName": "Lio", "familyName": "Test"}, False, made["emails"]))
        self.assertEqual(sorted(told.actions), ["user.deactivated", "user.updated"])
        self.assertEqual(told.seats, [("user.deactivated", "freed")])
        self.expect(self.say("PATCH /Users/" + made["id"], "jumpcloud activate"), 200)
        self.assertIs(self.get(made)["active"], True)

    def test_update_by_put(self):
        """Common in practice; rule 0.11: off and on by PUT keep the rooms."""
        made = self.new("jumpcloud test user")
        room = self.room("JC put", [made["id"]])["id"]
        for active, members in ((False, set()), (True, {made["id"]})):
            put = self.expect(self.say("PUT /Users/" + made["id"], "jumpcloud put", id=made["id"],
                                       mail=made["userName"], active=active), 200).json
            self.assertEqual((put["active"], put["name"]["givenName"], self.members(room)), (active, "Lio", members))

    def test_Q15_Q34_members(self):
        """Adds repeated, removals by a value list: one event for each change, success always. Rule 0.6, P27."""
        a, b = (self.new("jumpcloud test user")["id"] for _ in range(2))
        group = self.room("JC members", [b])["id"]
        for body, due, members in (("jumpcloud member in", [("member.added", a, group, "scim")], {a, b}),
                                   ("jumpcloud member in", [], {a, b}),
                                   ("jumpcloud member out", [("member.removed", a, group, "scim")], {b}),
                                   ("jumpcloud member out", [], {b})):
            with self.told() as told:
                self.expect(self.say("PATCH /Groups/" + group, body, a=a), 204)
            self.assertEqual((told.events, self.members(group)), (due, members))

    def test_Q33_parallel(self):
        """Adds and removals of different members at once."""
        users = [self.new("jumpcloud test user")["id"] for _ in range(20)]
        group = self.room("JC parallel", users[:10])["id"]
        jobs = [lambda c, u=u: c.patch("/Groups/" + group, self.body("jumpcloud member out", a=u)) for u in users[:10]]
        jobs += [lambda c, u=u: c.patch("/Groups/" + group, self.body("jumpcloud member in", a=u)) for u in users[10:]]
        self.assertEqual(statuses(in_flight(8, jobs[::2] + jobs[1::2], self.http)), {204: 20})
        self.assertEqual(self.members(group), set(users[10:]))

    def test_no_schema_extensions(self):
        self.assertEqual(self.new("jumpcloud test user")["schemas"], [USER, ROLE])  # ours, which it passes over


class Google(Idp):
    idp, dialect = "directories", "rfc"

    def test_probe(self):
        answer = self.expect(self.say("GET /Users?count=1"), 200).json
        self.assertTrue(all(type(answer[n]) is int for n in ("totalResults", "itemsPerPage", "startIndex")))

    def test_Q27_Q29_created_inactive_without_e_mails(self):
        """Stored inactive, no seat; the mail-shaped userName is the address."""
        ws = self.stack.workspace("google", seats=1)
        client = ws.open(headers=self.headers)
        made = [self.new("google user", client=client, mail="tam%d@lake.example" % i, ext="118004%d" % i)
                for i in range(2)]
        for m in made:
            now = self.expect(client.get("/Users/" + m["id"]), 200).json
            self.assertEqual((now, now["active"], "emails" in now), (m, False, False))
        self.assertEqual((ws.counts()["users"], ws.counts()["seats"]), (2, 0))
        self.assertEqual(self.found("/Users", 'externalId eq "1180041"', client), [made[1]["id"]])
        self.expect(client.patch("/Users/" + made[0]["id"], ON), 200)
        self.expect(client.patch("/Users/" + made[1]["id"], ON), 403)  # rule 0.12: reactivation takes a seat
        self.assertIs(client.get("/Users/" + made[1]["id"]).json["active"], False)
        self.assertEqual(ws.counts()["seats"], 1)
        client.close()

    def test_user_name_is_the_address_where_one_is_asked_for(self):
        """Q27: a workspace that wants e-mail addresses as user names takes Google's users, which have no emails."""
        ws = self.stack.workspace("google-mail")
        ws.set(require_email="true")
        client = ws.open(headers=self.headers)
        made = self.new("google user active", client=client, mail="tam@lake.example", ext="1180042")
        self.assertEqual(made["userName"], "tam@lake.example")
        self.expect(self.say("POST /Users", "google user active", client, mail="tam", ext="7"), 400, "invalidValue")
        client.close()

    def test_suspended_late(self):
        """The suspension comes with a full PUT at the next sync; Q31: the seat is free."""
        made = self.new("google user active", mail="late@lake.example", ext="late")
        seats = self.ws.counts()["seats"]
        self.expect(self.say("PUT /Users/" + made["id"], "google user", mail="late@lake.example", ext="late"), 200)
        self.assertEqual((self.get(made)["active"], self.ws.counts()["seats"]), (False, seats - 1))


class OneLogin(Idp):
    idp, dialect = "directories", "rfc"

    def test_Q38_probe_on_save(self):
        config = self.expect(self.say("GET /ServiceProviderConfig"), 200).json
        self.assertEqual(config["schemas"], ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"])
        self.assertTrue(config["patch"]["supported"] and config["filter"]["supported"])

    def test_Q27_empty_texts_and_a_manager_that_says_nothing(self):
        """What the template has no data for: empty strings are nothing, and so is a manager of an empty id and a
        blank name."""
        made = self.new("onelogin user", mail="r.vale")
        self.assertEqual({k: v for k, v in plain(made).items() if k not in ("id", "meta")},
                         {"schemas": [USER], "userName": "r.vale", "name": {"familyName": "Vale", "givenName": "Rin"},
                          "emails": [{"value": "r.vale@moor.example"}], "active": True})
        self.assertEqual(self.get(made), made)

    def test_Q26_a_list_given_as_an_object(self):
        """Wrapped; in POST, PUT and PATCH, in every dialect."""
        for client in (self.http, self.under("entra"), self.under("okta")):
            made = self.new("onelogin user, e-mail as object", client=client)
            due = ([{"value": made["userName"], "type": "work", "primary": True}],
                   [{"value": "+353 1 44", "type": "work"}])
            self.assertEqual((made["emails"], made["phoneNumbers"]), due)
            self.assertFalse({"title", "nickName"} & set(made))
            put = self.expect(self.say("PUT /Users/" + made["id"], "onelogin user, e-mail as object", client,
                                       mail=made["userName"]), 200).json
            self.assertEqual(put, made)
            self.expect(client.patch("/Users/" + made["id"],
                                     patch_op({"op": "replace", "path": "emails",
                                               "value": {"value": "new@moor.example", "type": "work"}})), 200)
            self.assertEqual(self.get(made)["emails"], [{"value": "new@moor.example", "type": "work"}])

    def test_Q28_schema_of_1_x(self):
        """400, the detail names the right URN, nothing is made; beside the right one it is ignored."""
        before = self.ws.counts()
        answer = self.expect(self.say("POST /Users", "onelogin 1.x", mail="old@moor.example"), 400, "invalidSyntax")
        self.assertIn(USER, answer.json["detail"])
        self.assertEqual(self.ws.counts(), before)
        body = dict(self.body("onelogin 1.x", mail="both@moor.example"), schemas=["urn:scim:schemas:core:1.0", USER])
        self.assertEqual(self.expect(self.http.post("/Users", body), 201).json["schemas"], [USER, ROLE])

    def test_Q27_e_mails_without_primary_and_type(self):
        made = self.new("onelogin e-mails only")
        self.assertEqual(made["emails"], [{"value": "a@moor.example"}, {"value": "b@moor.example"}])
        for address in ("a@moor.example", "B@MOOR.example"):
            self.assertEqual(self.found("/Users", 'emails.value eq "%s"' % address), [made["id"]])
            self.assertEqual(self.found("/Users", 'emails[type eq "work"].value eq "%s"' % address), [])

    def test_Q30_deprovisioned_by_deletion(self):
        made = self.new("onelogin user", mail="gone@moor.example")
        self.expect(self.say("DELETE /Users/" + made["id"]), 204)
        self.expect(self.say("GET /Users/" + made["id"]), 404)
        self.assertNotEqual(self.new("onelogin user", mail="gone@moor.example")["id"], made["id"])


class Rippling(Idp):
    idp, dialect = "directories", "rfc"

    def test_Q38_connection_test(self):
        self.expect(self.say("GET /ServiceProviderConfig"), 200)

    def test_Q31_employment(self):
        """Hired with the enterprise attributes; terminated by PATCH; never deleted: the seat is free, the person
        stays."""
        boss = self.new("rippling user", manager="")
        self.assertNotIn("manager", boss[ENTERPRISE])
        made = self.new("rippling user", manager=boss["id"])
        self.assertEqual(made[ENTERPRISE], {"employeeNumber": "R-77", "department": "Control room",
                                            "manager": {"value": boss["id"]}})
        self.assertEqual(made["schemas"], [USER, ENTERPRISE, ROLE])
        self.assertEqual(self.found("/Users",
                                    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "r-77"'), [boss["id"], made["id"]])
        room, seats = self.room("Control", [made["id"]])["id"], self.ws.counts()["seats"]
        with self.told() as told:
            self.expect(self.say("PATCH /Users/" + made["id"], "rippling termination"), 200)
        self.assertEqual(told.events, [("member.removed", made["id"], room, "user_deactivated")])
        self.assertEqual((self.get(made)["active"], self.ws.counts()["seats"]), (False, seats - 1))
        self.assertEqual(self.get(made)[ENTERPRISE], made[ENTERPRISE])

    def test_Q27_only_e_mails_may_be_filled(self):
        """The address in emails alone, the userName something else: accepted, and the address is what is looked up."""
        body = {"schemas": [USER], "userName": "R-78", "emails": [{"value": "r78@haas.example"}], "active": True}
        made = self.expect(self.http.post("/Users", body), 201).json
        self.assertEqual((made["userName"], made["emails"]), ("R-78", body["emails"]))
        self.assertEqual(self.found("/Users", 'emails.value eq "R78@haas.example"'), [made["id"]])

    def test_groups_need_no_members(self):
        self.assertEqual(self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "Rippling"}),
                                     201).json["schemas"], [GROUP])
