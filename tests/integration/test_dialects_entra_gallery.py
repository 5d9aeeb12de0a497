"""The tests by which Microsoft admits an application to Entra's gallery (the 25 of August 2026, those that a server
answers), the older web validator's habits, and requests of the published reference collections that are unlike
anything else."""

from dialects import NOBODY, Idp, timed
from scimhttp import ENTERPRISE, GROUP, LIST, ROLE, USER, patch_op

MANAGER = ENTERPRISE + ":manager"


class Engine(Idp):
    """What the provisioning engine does: look-up, create or GET and PATCH, look-up again."""

    idp = dialect = "entra"

    def provisioned(self, **names):
        """Look-up without hit, then the create."""
        n = self.number()
        names = {"ext": "gallery-%d" % n, "mail": "gallery%d@entra.example" % n, **names}
        self.assertEqual(self.found("/Users", 'externalId eq "%s"' % names["ext"]), [])
        made = self.new(**names)
        self.assertEqual(self.found("/Users", 'externalId eq "%s"' % names["ext"]), [made["id"]])  # rule 0.2: at once
        return made

    def test_create_user_and_update_user(self):
        made = self.provisioned()
        self.expect(self.say("PATCH /Users/" + made["id"], "display name", text="Ines F."), 200)
        self.assertEqual(self.get(made)["displayName"], "Ines F.")

    def test_disable_and_restore_user(self):
        """Restore after unassignment: the same id; Q45."""
        made = self.provisioned()
        for body, active in (("disable by boolean", False), ("enable by boolean", True), ("disable by boolean", False),
                             ("enable by boolean", True)):
            self.assertEqual(self.found("/Users", 'userName eq "%s"' % made["userName"]), [made["id"]])
            self.expect(self.say("PATCH /Users/" + made["id"], body), 200)
            self.assertIs(self.get(made)["active"], active)

    def test_restore_user_that_is_gone(self):
        """Deleted meanwhile: the look-up finds nothing, and the create makes another one of the same name."""
        made = self.provisioned()
        self.expect(self.say("DELETE /Users/" + made["id"]), 204)
        self.expect(self.say("PATCH /Users/" + made["id"], "enable by boolean"), 404)
        again = self.provisioned(mail=made["userName"], ext=made["externalId"])
        self.assertNotEqual(again["id"], made["id"])

    def test_delete_user(self):
        """Q30, C7, rule 0.4."""
        made = self.provisioned()
        self.expect(self.say("DELETE /Users/" + made["id"]), 204)
        for line, name in (("GET", None), ("DELETE", None), ("PATCH", "enable by boolean"), ("PUT", "create user")):
            names = {"ext": "x", "mail": made["userName"]} if line == "PUT" else {}
            self.expect(self.say("%s /Users/%s" % (line, made["id"]), name, **names), 404)
        self.assertEqual(self.found("/Users", 'userName eq "%s"' % made["userName"]), [])

    def test_user_update_manager(self):
        """Set, changed, removed; GET after each."""
        first, second, made = (self.provisioned() for _ in range(3))
        for manager in (first["id"], second["id"]):
            self.expect(self.say("PATCH /Users/" + made["id"], "manager", op="Add", manager=manager), 200)
            self.assertEqual(self.get(made)[ENTERPRISE]["manager"]["value"], manager)
            self.assertEqual(self.found("/Users", 'id eq "%s" and manager eq "%s"' % (made["id"], manager),
                                        attributes="id"), [made["id"]])
        self.expect(self.http.patch("/Users/" + made["id"], patch_op({"op": "Remove", "path": MANAGER})), 200)
        self.assertNotIn("manager", self.get(made).get(ENTERPRISE, {}))
        self.assertNotIn(ENTERPRISE, self.get(made)["schemas"])

    def test_provision_on_demand_mixes_both_dialects(self):
        """The flag does not hold there, so one tenant sends both in one minute."""
        made = self.provisioned()
        self.expect(self.say("PATCH /Users/" + made["id"], "update"), 200)
        self.expect(self.say("PATCH /Users/" + made["id"], "flag: update"), 200)
        now = self.get(made)
        self.assertEqual((now["active"], now["displayName"], now[ENTERPRISE]["department"],
                          now[ENTERPRISE]["employeeNumber"]), (True, "I. Falk", "Ops", "E-19"))
        self.assertEqual([e["value"] for e in now["emails"]], ["i.falk@nordwind.example"])

    def test_groups(self):
        """Create, update, add and remove member, delete and restore; group PATCH answers 204 without a member list."""
        user = self.provisioned()["id"]
        self.assertEqual(self.found("/Groups", 'displayName eq "Gallery"', excludedAttributes="members"), [])
        group = self.expect(self.say("POST /Groups", "create group", ext="gallery-g", room="Gallery"), 201).json
        place = "/Groups/" + group["id"]
        self.assertEqual(self.found("/Groups", 'externalId eq "gallery-g"', excludedAttributes="members"),
                         [group["id"]])
        for name, names, members in (("rename group", {"room": "Gallery 2"}, set()), ("member in", {"a": user}, {user}),
                                     ("flag: member out", {"a": user}, set()),
                                     ("member in", {"a": user}, {user})):
            answer = self.expect(self.say("PATCH " + place, name, **names), 204)
            self.assertEqual((answer.body, self.members(group["id"])), (b"", members))
        self.assertEqual(self.get(group, "Groups")["displayName"], "Gallery 2")
        self.expect(self.say("DELETE " + place), 204)
        self.expect(self.say("GET " + place), 404)
        self.assertNotIn("groups", self.get(user))
        again = self.expect(self.say("POST /Groups", "create group", ext="gallery-g", room="Gallery 2"), 201).json
        self.assertNotEqual(again["id"], group["id"])


class Direct(Idp):
    """The requests that the gallery's tests send themselves."""

    idp = dialect = "entra"

    def test_schema_discoverability(self):
        """D5, D8, Q37."""
        listed = self.expect(self.say("GET /Schemas"), 200).json
        self.assertEqual((listed["schemas"], listed["totalResults"]), ([LIST], len(listed["Resources"])))
        by_id = {s["id"]: s for s in listed["Resources"]}
        self.assertLessEqual({USER, GROUP, ENTERPRISE}, set(by_id))
        emails = next(a for a in by_id[USER]["attributes"] if a["name"] == "emails")
        self.assertEqual((emails["multiValued"], emails["type"]), (True, "complex"))
        self.assertLessEqual({"value", "type", "primary"}, {s["name"] for s in emails["subAttributes"]})

    def test_null_update(self):
        """SCIM_Null_Update: an optional attribute set to nothing, read back as not there; Q24."""
        for body in ("clear by null", "clear"):
            made = self.new()
            self.expect(self.say("PATCH /Users/" + made["id"], body, path="displayName"), 200)
            now = self.get(made)
            self.assertNotIn("displayName", now)
            self.assertEqual({k: v for k, v in made.items() if k not in ("displayName", "meta")},
                             {k: v for k, v in now.items() if k != "meta"})

    def test_user_create_and_update(self):
        made = self.new()
        self.assertTrue(made["id"] and made["userName"] and made["displayName"])
        self.assertEqual(made["meta"]["resourceType"], "User")
        updated = self.expect(self.say("PATCH /Users/" + made["id"], "display name", text="Renamed"), 200).json
        self.assertEqual(self.get(made), updated)  # at once, and the same

    def test_group_create_and_update(self):
        group = self.expect(self.say("POST /Groups", "create group", ext="direct", room="Direct"), 201).json
        self.assertEqual((group["displayName"], group["meta"]["resourceType"]), ("Direct", "Group"))
        self.expect(self.say("PATCH /Groups/" + group["id"], "rename group", room="Direct 2"), 204)
        self.assertEqual(self.get(group, "Groups")["displayName"], "Direct 2")

    def test_user_pagination(self):
        """startIndex 1, 6, 11 … with count 5: startIndex told as asked, at least two pages, each user once. G2, G3."""
        ws = self.stack.workspace("entra-pages", dialect="entra")
        client = ws.open(headers=self.headers)
        made = [self.new(client=client)["id"] for _ in range(12)]
        seen = []
        for start, due in ((1, 5), (6, 5), (11, 2), (16, 0)):
            page = self.expect(client.get("/Users?startIndex=%d&count=5" % start), 200).json
            self.assertEqual((page["startIndex"], page["itemsPerPage"], len(page["Resources"]), page["totalResults"]),
                             (start, due, due, 12))
            self.assertTrue(all(type(page[n]) is int for n in ("startIndex", "itemsPerPage", "totalResults")))
            seen += [u["id"] for u in page["Resources"]]
        self.assertEqual(seen, made)
        for i in range(6):
            self.expect(self.say("POST /Groups", "create group", client, ext="p%d" % i, room="Page %d" % i), 201)
        pages = [self.expect(client.get("/Groups?startIndex=%d&count=5" % s), 200).json for s in (1, 6)]
        self.assertEqual([len(p["Resources"]) for p in pages], [5, 1])
        client.close()

    def test_update_manager(self):
        """SCIM_Update_Manager: Add, Replace, Replace with nothing; GET after each shows the object form. Q25."""
        first, second, made = (self.new() for _ in range(3))
        for op, manager, due in (("Add", first["id"], first["id"]), ("Replace", second["id"], second["id"]),
                                 ("Replace", "", None)):
            self.expect(self.say("PATCH /Users/" + made["id"], "manager", op=op, manager=manager), 200)
            now = self.get(made).get(ENTERPRISE, {}).get("manager")
            self.assertEqual(now and now["value"], due)
            self.assertNotIsInstance(now, str)

    def test_answers_in_time(self):
        """Q41: nothing documented for Entra; far below the shortest known (Keycloak's 5 s)."""
        for line, name in (("GET /Users?filter=userName eq \"x\"", None), ("POST /Users", "create user"),
                           ("GET /Groups", None)):
            _, took = timed(lambda: self.say(line, name, ext="fast", mail="fast@entra.example"))
            self.assertLess(took, 5)


class Validator(Idp):
    """The older web validator: reported oddities."""

    idp = dialect = "entra"

    def test_empty_operations_before_the_group_tests(self):
        """Q44."""
        group = self.expect(self.say("POST /Groups", "create group", ext="v", room="Validator"), 201).json
        self.expect(self.say("PATCH /Groups/" + group["id"], "nothing"), 204)
        self.assertEqual(self.get(group, "Groups"), group)

    def test_a_disabled_user_shows_active_false(self):
        """In GET and in the look-up: never gone, never without the attribute. Rule 0.11."""
        made = self.new()
        self.expect(self.say("PATCH /Users/" + made["id"], "active", text="False"), 200)
        self.assertIs(self.get(made)["active"], False)
        shown = self.http.find("/Users", 'userName eq "%s"' % made["userName"]).json["Resources"]
        self.assertEqual([(u["id"], u["active"]) for u in shown], [(made["id"], False)])

    def test_removal_of_what_is_required(self):
        """P25: refused, and nothing lost."""
        made = self.new()
        self.unchanged("/Users/" + made["id"],
                       lambda: self.http.patch("/Users/" + made["id"], patch_op({"op": "Remove", "path": "userName"})),
                       400, "mutability")

    def test_published_schema_is_lean(self):
        """It makes tests of everything that /Schemas tells: only what is done is told, so each simple attribute can
        be written and read."""
        schemas = self.say("GET /Schemas/" + USER).json["attributes"]
        made = self.new()
        for a in schemas:
            if a["type"] == "string" and not a["multiValued"] and a["mutability"] == "readWrite" and a["name"] != "userName":
                self.expect(self.http.patch("/Users/" + made["id"],
                                            patch_op({"op": "Replace", "path": a["name"], "value": "de-DE"})), 200)
                self.assertEqual(self.get(made)[a["name"]], "de-DE", a["name"])


class Collections(Idp):
    """Shapes of Microsoft's published request collections."""

    idp = dialect = "entra"

    def test_capitalised_member_names(self):
        """S1: UserName, Active, Primary, in any dialect; shown in the schema's letters."""
        for n, client in enumerate((self.http, self.under("rfc"))):
            made = self.new("collection: user", client=client, mail="cap%d@entra.example" % n)
            self.assertEqual((made["userName"], made["active"], made["displayName"]),
                             ("cap%d@entra.example" % n, True, "lennay"))
            self.assertEqual(made["emails"], [{"primary": True, "type": "work", "value": "cap%d@entra.example" % n},
                                              {"type": "home", "value": "home-cap%d@entra.example" % n}])
            self.assertEqual(made["schemas"], [USER, ROLE])
            self.assertEqual(self.get(made), made)

    def test_filters_of_the_collection(self):
        made = self.new("collection: user", mail="coll@entra.example", ext="coll")
        for text in ('name.FamilyName eq "ryan" and userName eq "coll@entra.example"',
                     'emails.Value eq "COLL@entra.example"',
                     'emails[Type eq "home"].Value eq "home-coll@entra.example"',
                     'userName eq "coll@entra.example" and Active eq true',
                     'userName eq "coll@entra.example" and active eq "True"',
                     'DisplayName eq "LENNAY" and externalId eq "coll"',
                     'userName sw "coll@" and emails.value ew "entra.example"', 'not (externalId ne "coll")'):
            self.assertEqual(self.found("/Users", text), [made["id"]], text)

    def test_put_of_the_collection(self):
        """A full PUT with capitals; C5."""
        made = self.new("collection: user", mail="put@entra.example", ext="put")
        body = dict(self.body("collection: user", mail="put@entra.example", ext="put"), DisplayName="Changed",
                    id=made["id"])
        del body["emails"]
        put = self.expect(self.http.put("/Users/" + made["id"], body), 200).json
        self.assertEqual((put["displayName"], "emails" in put), ("Changed", False))
        self.assertEqual(self.get(made), put)

    def test_members_in_a_group_create(self):
        user = self.new()["id"]
        made = self.expect(self.http.post("/Groups", {"schemas": [GROUP], "externalId": "mg",
                                                      "displayName": "With member",
                                                      "members": [{"$ref": None, "value": user}]}), 201).json
        self.assertEqual([m["value"] for m in made["members"]], [user])
        self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "With nobody",
                                               "members": [{"value": NOBODY}]}), 400, "invalidValue")
        self.assertEqual(self.found("/Groups", 'displayName eq "With nobody"'), [])
