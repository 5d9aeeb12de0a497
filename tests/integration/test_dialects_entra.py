"""Microsoft Entra ID: what its provisioning service sends (default dialect and the flag aadOptscim062020), row by
row; where the entra dialect allows more than the RFC, also what a key of dialect rfc answers."""

import urllib.parse

from dialects import NOBODY, Idp
from scimhttp import ENTERPRISE, GROUP, ROLE, USER, in_flight, plain, statuses

MANAGER = ENTERPRISE + ":manager"


class LookUps(Idp):
    idp = dialect = "entra"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ines = cls.http.post("/Users", dict(cls.bodies["create user"], externalId="Ext-A",
                                                userName="ines.falk@nordwind.example",
                                                emails=[{"primary": True, "type": "work",
                                                         "value": "Ines.Falk@nordwind.example"},
                                                        {"type": "home", "value": "ines@home.example"}])).json["id"]
        cls.omar = cls.http.post("/Users", {"schemas": [USER, ENTERPRISE], "userName": "omar@nordwind.example",
                                            "externalId": "Ext-B", ENTERPRISE: {"manager": cls.ines}}).json["id"]
        cls.room = cls.http.post("/Groups", {"schemas": [GROUP], "displayName": "Room Berlin-3",
                                             "members": [{"value": cls.ines}]}).json["id"]

    def test_Q01_by_user_name(self):
        self.assertEqual(self.found("/Users", 'userName eq "ines.falk@nordwind.example"'), [self.ines])
        self.assertEqual(self.found("/Users", 'userName eq "nobody@nordwind.example"'), [])

    def test_Q02_by_external_id_in_exact_case(self):
        self.assertEqual(self.found("/Users", 'externalId eq "Ext-A"'), [self.ines])
        self.assertEqual(self.found("/Users", 'externalId eq "ext-a"'), [])

    def test_Q03_by_work_address(self):
        """F14: an element that is both of type work and of that value, in any letter case; in any dialect."""
        for client in (self.http, self.under("rfc"), self.under("okta")):
            self.assertEqual(self.found("/Users", 'emails[type eq "work"].value eq "ines.falk@NORDWIND.example"',
                                        client), [self.ines])
            self.assertEqual(self.found("/Users", 'emails[type eq "work"].value eq "ines@home.example"', client), [])
            self.assertEqual(self.found("/Users", 'emails[type eq "home"].value eq "ines@home.example"', client),
                             [self.ines])

    def test_Q04_group_without_members(self):
        """J4: neither returned by the look-up nor by the GET that follows it."""
        answer = self.say('GET /Groups?excludedAttributes=members&filter=displayName eq "Room Berlin-3"').json
        self.assertEqual([(g["id"], g["displayName"], "members" in g) for g in answer["Resources"]],
                         [(self.room, "Room Berlin-3", False)])
        one = self.expect(self.say("GET /Groups/%s?excludedAttributes=members" % self.room), 200).json
        self.assertEqual((one["id"], "members" in one), (self.room, False))
        self.assertEqual(self.members(self.room), {self.ines})
        self.assertEqual(self.say(
            'GET /Groups?excludedAttributes=members&filter=displayName eq "No such room"').json["totalResults"], 0)

    def test_Q05_reference_probes(self):
        """F6: a complex attribute named without sub-attribute means its value; attributes=id gives the id alone."""
        for path, text, found in (("/Users", 'id eq "%s" and manager eq "%s"' % (self.omar, self.ines), [self.omar]),
                                  ("/Users", 'id eq "%s" and manager eq "%s"' % (self.omar, self.omar), []),
                                  ("/Users", 'id eq "%s" and manager eq "%s"' % (self.ines, self.omar), []),
                                  ("/Users", 'id eq "%s" and %s eq "%s"' % (self.omar, MANAGER, self.ines),
                                   [self.omar]),
                                  ("/Groups", 'id eq "%s" and members eq "%s"' % (self.room, self.ines), [self.room]),
                                  ("/Groups", 'id eq "%s" and members eq "%s"' % (self.room, self.omar), []),
                                  ("/Groups", 'id eq "%s" and members eq "%s"' % (self.room, NOBODY), [])):
            for client in (self.http, self.under("rfc")):
                self.assertEqual(self.found(path, text, client, attributes="id"), found, text)
        shown = self.http.find("/Users", 'id eq "%s" and manager eq "%s"' % (self.omar, self.ines),
                               attributes="id").json["Resources"]
        self.assertEqual([set(u) for u in shown], [{"id", "schemas"}])

    def test_Q06_upper_case(self):
        self.assertEqual(self.found("/Users", 'userName eq "INES.FALK@NORDWIND.EXAMPLE"'), [self.ines])

    def test_Q07_random_guid(self):
        """Rule 0.4: the connection test; a 404 here would put the job into quarantine."""
        for attribute in ("userName", "externalId", "id", 'emails[type eq "work"].value'):
            answer = self.expect(self.say('GET /Users?filter=%s eq "7f0e5cbf-6f04-4c69-8d5e-1a0f5a3b5a11"' % attribute),
                                 200).json
            self.assertEqual((answer["totalResults"], answer["Resources"]), (0, []))
        self.assertEqual(self.found("/Groups", 'displayName eq "7f0e5cbf-6f04-4c69-8d5e-1a0f5a3b5a11"'), [])

    def test_Q47_unquoted_values_for_entra_alone(self):
        for text, found in (("externalId eq Ext-A", [self.ines]),
                            ("userName eq ines.falk@nordwind.example", [self.ines]),
                            ("name.FamilyName eq Falk", [self.ines]),
                            ("DisplayName eq Ines and externalId eq Ext-A", [])):
            self.assertEqual(self.found("/Users", text), found, text)
            for dialect in ("rfc", "okta"):
                self.expect(self.under(dialect).find("/Users", text), 400, "invalidFilter")
        # Dates in Microsoft's samples stand bare, too.
        self.assertEqual(set(self.found("/Users", "meta.Created gt 2020-01-01T00:00:00Z")) >= {
            self.ines, self.omar}, True)
        self.assertEqual(self.found("/Users", "meta.created gt 2999-01-01T00:00:00Z"), [])

    def test_Q37_schemas_name_every_mapped_attribute(self):
        """D8: what Entra's mapping page offers by default is all there."""
        schemas = {s["id"]: {a["name"]: a for a in s["attributes"]}
                   for s in self.expect(self.say("GET /Schemas"), 200).json["Resources"]}
        user = schemas[USER]
        self.assertLessEqual({"userName", "active", "displayName", "title", "emails", "preferredLanguage", "name",
                              "addresses", "phoneNumbers", "externalId", "roles"}
                             - {"externalId"}, set(user))
        for name, subs in (("name", {"givenName", "familyName", "formatted"}), ("emails", {"value", "type", "primary"}),
                           ("phoneNumbers", {"value", "type"}),
                           ("addresses", {"formatted", "streetAddress", "locality", "region", "postalCode", "country",
                                          "type"})):
            self.assertLessEqual(subs, {s["name"] for s in user[name]["subAttributes"]}, name)
        self.assertIn("work", next(s for s in user["emails"]["subAttributes"]
                                   if s["name"] == "type")["canonicalValues"])
        self.assertLessEqual({"employeeNumber", "department", "manager", "costCenter", "division", "organization"},
                             set(schemas[ENTERPRISE]))
        self.assertLessEqual({"displayName", "members"}, set(schemas[GROUP]))
        self.assertEqual(self.expect(self.say("GET /Schemas/" + GROUP), 200).json["id"], GROUP)


class Users(Idp):
    idp = dialect = "entra"

    def test_Q23_create_with_nulls_and_empty_lists(self):
        with self.told() as told:
            made = self.new(mail="q23@entra.example", ext="q23")
        self.assertEqual({k: v for k, v in plain(made).items() if k not in ("id", "meta", "schemas")},
                         {"externalId": "q23", "userName": "q23@entra.example", "active": True,
                          "displayName": "Ines Falk",
                          "emails": [{"primary": True, "type": "work", "value": "q23@entra.example"}],
                          "name": {"formatted": "Ines Falk", "familyName": "Falk", "givenName": "Ines"}})
        self.assertEqual(self.get(made), made)
        self.assertEqual((told.actions, told.seats, told.events), (["user.created"], [("user.created", "taken")], []))

    def test_Q08_capitalised_operations_of_one_update(self):
        """The whole body of the document in one go, P1; each attribute as it must be afterwards."""
        made = self.new()
        with self.told() as told:
            self.expect(self.say("PATCH /Users/" + made["id"], "update"), 200)
        now = self.get(made)
        self.assertEqual((now["active"], now["emails"], now["addresses"]),
                         (False, [{"primary": True, "type": "work", "value": "ines@nordwind.example"}],
                                                                           [{"type": "work", "locality": "Kiel",
                                                                             "country": "DE"}]))
        self.assertEqual(now[ENTERPRISE], {"department": "Ops", "manager": {"value": "u-4711"}})
        self.assertEqual(now["name"], made["name"])
        self.assertEqual((sorted(told.actions), told.events), (["user.deactivated", "user.updated"], []))
        self.assertEqual(told.seats, [("user.deactivated", "freed")])
        # The same body under rfc: the operations' letters do not matter, nor does any of the adds.
        other = self.new()
        self.expect(self.say("PATCH /Users/" + other["id"], "update", self.under("rfc")), 200)
        self.assertEqual(self.get(other)["addresses"], now["addresses"])

    def test_Q09_active_as_text(self):
        """Any letter case, in every dialect; any other text is 400 and changes nothing."""
        made = self.new()
        for text, active in (("False", False), ("True", True), ("false", False), ("TRUE", True), ("fAlSe", False)):
            for client in (self.http, self.under("rfc"), self.under("okta")):
                self.assertEqual(self.expect(self.say("PATCH /Users/" + made["id"], "active", client, text=text),
                                             200).json["active"], active)
                self.assertIs(self.get(made)["active"], active)
        for text in ("No", "0", "Inactive", " false", "falsch"):
            self.unchanged("/Users/" + made["id"], lambda t=text: self.say("PATCH /Users/" + made["id"], "active",
                                                                           text=t), 400, "invalidValue")

    def test_active_as_boolean(self):
        """Rule 0.11."""
        made = self.new()
        for name, active in (("disable by boolean", False), ("enable by boolean", True)):
            self.expect(self.say("PATCH /Users/" + made["id"], name), 200)
            self.assertIs(self.get(made)["active"], active)

    def test_Q10_Q12_flag_without_path_dotted_and_urn_keys(self):
        """P30: each key is a path of its own; what is not named stays."""
        made = self.new()
        for client in (self.http, self.under("rfc")):
            self.expect(self.say("PATCH /Users/" + made["id"], "flag: update", client), 200)
        now = self.get(made)
        self.assertEqual((now["displayName"], now["name"], now[ENTERPRISE]),
                         ("I. Falk", {"formatted": "Ines Falk", "familyName": "Falk-Lind", "givenName": "Ines M."},
                          {"employeeNumber": "E-19"}))
        self.assertEqual(now["emails"], [{"primary": True, "type": "work", "value": "i.falk@nordwind.example"}])
        self.assertEqual((now["externalId"], now["userName"]), (made["externalId"], made["userName"]))

    def test_Q13_filtered_sub_attribute_without_match(self):
        """P15, P36, Z5: add makes the element in any dialect; replace does for entra and is noTarget for the others.
        Other elements survive."""
        made = self.new()
        self.expect(self.say("PATCH /Users/" + made["id"], "upsert by add"), 200)
        # Stored as it came.
        self.assertEqual(self.get(made)["phoneNumbers"], [{"type": "mobile", "value": "+49 (431) 55-01 "}])
        for dialect in ("rfc", "okta"):
            self.unchanged("/Users/" + made["id"],
                           lambda d=dialect: self.say("PATCH /Users/" + made["id"], "upsert by replace", self.under(d)),
                           400, "noTarget")
        self.expect(self.say("PATCH /Users/" + made["id"], "upsert by replace"), 200)
        self.assertEqual(self.get(made)["phoneNumbers"], [{"type": "mobile", "value": "+49 (431) 55-01 "},
                                                          {"type": "work", "value": "+49 431 7"}])
        self.expect(self.say("PATCH /Users/" + made["id"], "upsert by replace"), 200)  # now it is there: no second one
        self.assertEqual(len(self.get(made)["phoneNumbers"]), 2)
        other = self.new()
        self.expect(self.say("PATCH /Users/" + other["id"], "upsert by add", self.under("rfc")), 200)
        self.assertEqual(self.get(other)["phoneNumbers"], [{"type": "mobile", "value": "+49 (431) 55-01 "}])

    def test_Q14_adds_with_one_filter_make_one_element(self):
        made = self.new()
        for _ in range(2):
            self.expect(self.say("PATCH /Users/" + made["id"], "five adds with one filter"), 200)
            self.assertEqual(self.get(made)["addresses"],
                             [{"type": "work", "streetAddress": "Hafen 1", "locality": "Kiel", "region": "SH",
                               "postalCode": "24103", "country": "DE"}])

    def test_Q24_empty_text_and_null_clear(self):
        """P37: 200 and gone, in any dialect; once more changes nothing. An element without value is none. What is
        required is refused."""
        for client in (self.http, self.under("rfc")):
            made = self.new()
            place = "/Users/" + made["id"]
            for path in ("displayName", "name.formatted", "externalId"):
                for _ in range(2):
                    answer = self.expect(self.say("PATCH " + place, "clear", client, path=path), 200).json
            self.assertEqual((set(made) - set(answer), answer["name"]),
                             ({"displayName", "externalId"}, {"familyName": "Falk", "givenName": "Ines"}))
            self.expect(self.say("PATCH " + place, "clear", client, path='emails[type eq "work"].value'), 200)
            self.assertNotIn("emails", self.get(made))
            self.expect(self.say("PATCH " + place, "display name", client, text="back"), 200)
            self.expect(self.say("PATCH " + place, "clear by null", client), 200)
            self.assertNotIn("displayName", self.get(made))
            self.unchanged(place, lambda: self.say("PATCH " + place, "clear", client, path="userName"), 400,
                           "invalidValue")
        version = self.get(made)["meta"]["version"]
        # For entra not even a missing element is an error.
        self.expect(self.say("PATCH " + place, "clear", path='emails[type eq "work"].value'), 200)
        self.assertEqual(self.get(made)["meta"]["version"], version)

    def test_Q25_manager_as_text_array_and_nothing(self):
        """Whatever the shape that comes, the shape that goes out is the object."""
        boss, other = self.new()["id"], self.new()["id"]
        made = self.new("create user with a manager as text", manager=boss)
        self.assertEqual(made[ENTERPRISE], {"employeeNumber": "E-4", "department": "Ops", "manager": {"value": boss}})
        self.assertEqual(self.get(made), made)
        for name, names, due in (("manager", {"op": "Replace", "manager": other}, {"value": other}),
                                 ("manager", {"op": "Add", "manager": boss}, {"value": boss}),
                                 ("manager as an array", {"manager": other}, {"value": other}),
                                 ("clear", {"path": MANAGER}, None),
                                 ("clear", {"path": MANAGER}, None),
                                 ("manager", {"op": "Add", "manager": boss}, {"value": boss})):
            for client in (self.http, self.under("rfc")):
                self.expect(self.say("PATCH /Users/" + made["id"], name, client, **names), 200)
            now = self.get(made)[ENTERPRISE].get("manager")
            self.assertEqual({"value": now["value"]} if now else None, due, (name, names))

    def test_roles_are_kept_verbatim(self):
        made = self.new()
        role = '{"id":"06b07648-ecfe-589f-9d2f-6325724a46ee","value":"25","displayName":"Role1234"}'
        for _ in range(2):
            self.expect(self.say("PATCH /Users/" + made["id"], "role as a document"), 200)
            self.assertEqual(self.get(made)["roles"], [{"value": role}])

    def test_Q28_extra_schema_is_ignored(self):
        """S6: on groups (Microsoft's own URN) and users; not repeated in the answer."""
        room = self.expect(self.say("POST /Groups", "create group", ext="q28", room="Room Q28"), 201).json
        self.assertEqual((room["schemas"], room["externalId"], room["displayName"]), ([GROUP], "q28", "Room Q28"))
        self.assertEqual(self.get(room, "Groups"), room)
        body = dict(self.body("create user", ext="q28", mail="q28@entra.example"),
                    schemas=[USER, "urn:ietf:params:scim:schemas:extension:CustomExtension:2.0:User"])
        self.assertEqual(self.expect(self.under("rfc").post("/Users", body), 201).json["schemas"], [USER, ROLE])

    def test_Q44_empty_operations(self):
        """Entra's old validator sends them; tolerated for it alone, and nothing happens."""
        made = self.new()
        room = self.expect(self.say("POST /Groups", "create group", ext="q44", room="Room Q44"), 201).json
        with self.told() as told:
            self.assertEqual(self.expect(self.say("PATCH /Users/" + made["id"], "nothing"), 200).json, made)
            self.expect(self.say("PATCH /Groups/" + room["id"], "nothing"), 204)
        self.assertEqual((told.events, told.changes), ([], []))
        self.assertEqual(self.get(room, "Groups"), room)
        for dialect in ("rfc", "okta"):
            self.unchanged("/Users/" + made["id"], lambda d=dialect: self.say("PATCH /Users/" + made["id"], "nothing",
                                                                              self.under(d)), 400, "invalidSyntax")

    def test_Q30_Q45_disable_restore_purge(self):
        """Scope loss, reassignment with the same id, deletion after a second deactivation; the name is free
        afterwards."""
        made = self.new()
        room = self.room("Room of " + made["id"], [made["id"]])["id"]
        with self.told() as told:
            self.expect(self.say("PATCH /Users/" + made["id"], "active", text="False"), 200)
        self.assertEqual(told.events, [("member.removed", made["id"], room, "user_deactivated")])
        # The disabled are found and shown.
        self.assertEqual(self.found("/Users", 'userName eq "%s"' % made["userName"]), [made["id"]])
        self.assertIs(self.get(made)["active"], False)
        self.assertEqual(self.members(room), set())
        with self.told() as told:
            self.expect(self.say("PATCH /Users/" + made["id"], "active", text="True"), 200)
        self.assertEqual(told.events, [("member.added", made["id"], room, "user_reactivated")])
        self.assertEqual(self.get(made)["id"], made["id"])
        self.assertEqual(self.members(room), {made["id"]})
        self.expect(self.say("PATCH /Users/" + made["id"], "active", text="False"), 200)
        with self.told() as told:
            self.assertEqual(self.expect(self.say("DELETE /Users/" + made["id"]), 204).body, b"")
        # The events went out with the deactivation.
        self.assertEqual((told.events, told.actions[-1]), ([], "user.deleted"))
        self.expect(self.say("GET /Users/" + made["id"]), 404)
        again = self.new(mail=made["userName"], ext=made["externalId"])
        self.assertNotEqual(again["id"], made["id"])
        self.assertEqual(self.members(room), set())

    def test_Q32_repeated_create(self):
        """Rule 0.3: 409 at once, one resource; also where the first answer was lost and the two race."""
        made = self.new(mail="q32@entra.example", ext="q32")
        with self.told() as told:
            answer = self.expect(self.say("POST /Users", "create user", mail="Q32@entra.example", ext="q32"), 409,
                                 "uniqueness")
        self.assertIn("userName", answer.json["detail"])
        self.assertEqual(told.actions, ["command.refused"])
        race = in_flight(4, [lambda c: c.post("/Users", self.body("create user", mail="race@entra.example",
                                                                  ext="race"))] * 4, self.http)
        self.assertEqual(statuses(race), {201: 1, 409: 3})
        for mail in (made["userName"], "race@entra.example"):
            self.assertEqual(len(self.found("/Users", 'userName eq "%s"' % mail)), 1)


class Rooms(Idp):
    idp = dialect = "entra"

    def setUp(self):
        n = self.number()
        self.a, self.b, self.c = (self.new()["id"] for _ in range(3))
        self.group = self.expect(self.say("POST /Groups", "create group", ext="g%d" % n, room="Room %d" % n), 201).json
        self.place = "/Groups/" + self.group["id"]

    def event(self, what, user):
        return ("member." + what, user, self.group["id"], "scim")

    def test_Q22_nulls_beside_members(self):
        with self.told() as told:
            self.expect(self.say("PATCH " + self.place, "members in", a=self.a, b=self.b), 204)
        self.assertEqual(told.events, [self.event("added", self.a), self.event("added", self.b)])
        shown = self.http.get(self.place).json["members"]
        self.assertEqual({m["value"]: m["$ref"] for m in shown},
                         {u: "%s/scim/v2/Users/%s" % (self.stack.url, u) for u in (self.a, self.b)})

    def test_Q15_removed_by_list(self):
        """P27: those listed, never all; whoever is not in does no harm. So under every dialect."""
        for dialect in ("entra", "rfc", "okta"):
            client = self.http if dialect == "entra" else self.under(dialect)
            self.say("PATCH " + self.place, "members in", a=self.a, b=self.b)
            self.say("PATCH " + self.place, "member in", a=self.c)
            with self.told() as told:
                self.expect(self.say("PATCH " + self.place, "members out", client, a=self.a, b=NOBODY), 204)
            self.assertEqual(told.events, [self.event("removed", self.a)])
            self.assertEqual(self.members(self.group["id"]), {self.b, self.c})

    def test_Q16_removed_by_filter(self):
        """The flag's shape; P26: once more is done, without event."""
        self.say("PATCH " + self.place, "members in", a=self.a, b=self.b)
        for due in ([self.event("removed", self.a)], []):
            with self.told() as told:
                self.expect(self.say("PATCH " + self.place, "flag: member out", a=self.a), 204)
            self.assertEqual(told.events, due)
            self.assertEqual(self.members(self.group["id"]), {self.b})

    def test_Q34_added_again(self):
        for due in ([self.event("added", self.a)], []):
            with self.told() as told:
                self.expect(self.say("PATCH " + self.place, "member in", a=self.a), 204)
            self.assertEqual(told.events, due)

    def test_member_as_plain_text(self):
        self.expect(self.say("PATCH " + self.place, "member in as text", a=self.a), 204)
        self.assertEqual(self.members(self.group["id"]), {self.a})

    def test_Q35_unknown_member_is_named_and_nothing_applied(self):
        """Rule 0.8: strict for entra and rfc; okta takes the known ones (its own suite)."""
        answers = []
        for client in (self.http, self.under("rfc")):
            self.unchanged(self.place,
                           lambda c=client: answers.append(self.say("PATCH " + self.place, "members in", c, a=self.a,
                                                                    b=NOBODY)) or answers[-1], 400, "invalidValue")
        for a in answers:
            self.assertIn(NOBODY, a.json["detail"])

    def test_Q33_parallel_patches(self):
        """Entra's jobs and provision-on-demand at once: nothing is lost, one event each."""
        users = [self.new()["id"] for _ in range(24)]
        patch = [self.body("member in", a=u) for u in users]
        with self.told() as told:
            done = in_flight(8, [lambda c, p=p: c.patch(self.place, p) for p in patch], self.http)
        self.assertEqual(statuses(done), {204: 24})
        self.assertEqual(self.members(self.group["id"]), set(users))
        self.assertEqual(sorted(told.events), sorted(self.event("added", u) for u in users))

    def test_rename_leaves_members_alone(self):
        """Rule 0.7, P38: with path and without."""
        self.say("PATCH " + self.place, "members in", a=self.a, b=self.b)
        for name, to in (("rename group", "Renamed %s" % self.a),
                         ("rename group without path", "Renamed again %s" % self.a)):
            with self.told() as told:
                self.expect(self.say("PATCH " + self.place, name, room=to), 204)
            self.assertEqual(told.events, [("room.renamed", None, self.group["id"], "scim")])
            self.assertEqual((self.http.get(self.place).json["displayName"], self.members(self.group["id"])),
                             (to, {self.a, self.b}))

    def test_display_name_is_unique(self):
        self.expect(self.say("POST /Groups", "create group", ext="other", room=self.group["displayName"].upper()), 409,
                    "uniqueness")
        other = self.expect(self.say("POST /Groups", "create group", ext="other", room="Other of %s" % self.a),
                            201).json
        self.expect(self.say("PATCH /Groups/" + other["id"], "rename group", room=self.group["displayName"]), 409,
                    "uniqueness")
        self.assertEqual(self.get(other, "Groups"), other)


class Wire(Idp):
    idp = dialect = "entra"

    def test_Q40_every_answer_is_scim_json(self):
        """Rule 0.9, T3: an answer of another type ends the validator's whole run; check_answer looks at each."""
        made = self.new()
        for accept in ("application/scim+json", "application/json", "*/*", "text/html", None):
            for method, path in (("GET", "/Users/" + made["id"]), ("GET", "/Users"), ("GET", "/Users/" + NOBODY),
                                 ("GET", "/Nothing"), ("GET", "/ServiceProviderConfig"),
                                 ("GET", "/Users?filter=x"), ("PUT", "/Users"), ("POST", "/Users")):
                answer = self.http.request(method, path, b"{" if method == "POST" else None, headers={"Accept": accept})
                self.assertEqual(answer.headers["content-type"], "application/scim+json", (accept, method, path))
        stranger = self.ws.open("wrong", headers=self.headers)
        self.assertEqual(self.expect(stranger.get("/Users"), 401).headers["content-type"], "application/scim+json")

    def test_Q42_429_comes_late_and_with_retry_after(self):
        """25 requests a second for a minute pass where the limit says so (it is per key); beyond, 429 tells when to
        come back."""
        ws = self.stack.workspace("entra-rate", dialect="entra", rate=40)
        client = ws.open(headers=self.headers)
        seen = [client.get("/Users?count=0") for _ in range(45)]
        self.assertEqual([a.status for a in seen], [200] * 40 + [429] * 5)
        for a in seen[40:]:
            self.assertTrue(1 <= int(a.headers["retry-after"]) <= 61)
        client.close()

    def test_Q43_bad_credentials(self):
        """T5, X6: what puts the job into quarantine at once must look like what it is."""
        for token in ("wrong", self.ws.token + "x", "eyJhbGciOiJub25lIn0.e30."):
            answer = self.expect(self.ws.open(token, headers=self.headers).get("/Users?filter=" + urllib.parse.quote(
                'userName eq "x"')), 401)
            self.assertEqual(answer.json["status"], "401")
            self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"))
