"""The data model, create, read, replace, delete, PATCH and projection as the rules have them (S, C, P, J, V, Z),
through the whole way and read back."""

from case import Case
from scimhttp import ENTERPRISE, GROUP, LIST, ROLE, USER, patch_op, plain

NOBODY = "0190b3f2-0000-7000-8000-00000000dead"


class Data(Case):
    def same(self, resource, kind="Users"):
        self.assertEqual(self.expect(self.http.get("/%s/%s" % (kind, resource["id"])), 200).json, resource)

    def test_S1_names_in_any_letter_case(self):
        """Members, extension URNs, filters, paths, projections; shown as the schema spells them."""
        made = self.expect(self.http.post("/Users", {"SCHEMAS": [USER.upper()], "UserNAME": "s1",
                                                     "NAME": {"GIVENname": "G"},
                                                     "Emails": [{"VALUE": "s1@x.example", "TYPE": "work"}],
                                                     ENTERPRISE.upper(): {"DEPARTMENT": "D"}}), 201).json
        self.assertEqual((made["userName"], made["name"], made["emails"], made[ENTERPRISE]),
                         ("s1", {"givenName": "G"}, [{"value": "s1@x.example", "type": "work"}], {"department": "D"}))
        self.assertEqual(made["schemas"], [USER, ENTERPRISE, ROLE])
        place = "/Users/" + made["id"]
        patched = self.expect(self.http.patch(place, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                                      "operations": [
            {"OP": "REPLACE", "PATH": "NAME.FAMILYNAME", "VALUE": "F"},
            {"op": "add", "path": ENTERPRISE.lower() + ":Division", "value": "V"}]}), 200).json
        self.assertEqual((patched["name"], patched[ENTERPRISE]),
                         ({"givenName": "G", "familyName": "F"}, {"department": "D", "division": "V"}))
        self.assertEqual(self.http.find("/Users",
                                        'NAME.familyname EQ "f" AND %s:DIVISION eq "v"' % ENTERPRISE.upper()).json["totalResults"], 1)
        self.assertEqual(self.http.get(place + "?attributes=NAME.givenNAME").json["name"], {"givenName": "G"})

    def test_S3_types_take_their_values_alone(self):
        for body in ({"active": "yes"}, {"active": 1}, {"title": 5}, {"title": True}, {"name": "x"}, {"name": ["x"]},
                     {"emails": [{"value": 5}]}, {"emails": [{"primary": "maybe"}]},
                     {"x509Certificates": [{"value": "not base64!"}]}, {"nickName": {"a": 1}}, {"emails": [["x"]]},
                     {ENTERPRISE: "x"}, {ENTERPRISE: {"manager": 5}}):
            self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "s3", **body}), 400, "invalidValue")
        made = self.user("s3", active="FALSE", x509Certificates=[{"value": "QUJD"}], profileUrl="https://x.example/",
                         title="")
        self.assertEqual((made["active"], made["x509Certificates"], made["profileUrl"], "title" in made),
                         (False, [{"value": "QUJD"}], "https://x.example/", False))

    def test_S4_three_ways_to_say_nothing(self):
        """null, [] and absence: one state in answers, filters (F12) and versions (P8)."""
        texts = [self.user("s4-%d" % n, **more)
                 for n, more in enumerate(({}, {"emails": []}, {"emails": None, "title": None}, {"name": {}},
                                           {"name": {"givenName": None}}, {"emails": [None]},
                                                                          {"emails": [{}]}, {ENTERPRISE: {}},
                                           {ENTERPRISE: None}))]
        for made in texts:
            self.assertEqual(set(made), {"schemas", "id", "userName", "active", "meta", ROLE}, made)
            self.assertEqual(made["schemas"], [USER, ROLE])
        for text in ("not (emails pr)", "emails eq null", "title eq null", "not (name pr)", "not (%s pr)" % ENTERPRISE,
                     'title ne "x"', 'not (title eq "x")'):
            found = self.http.find("/Users", 'userName sw "s4-" and (%s)' % text).json
            self.assertEqual(found["totalResults"], len(texts), text)
        put = self.expect(self.http.put("/Users/" + texts[0]["id"],
                                        {"schemas": [USER], "userName": "s4-0", "emails": [], "title": None,
                                         "name": {"formatted": ""}}), 200).json
        self.assertEqual(put, texts[0])

    def test_S5_one_primary_and_no_pair_twice(self):
        made = self.user("s5", emails=[{"value": "a", "type": "work"}, {"value": "a", "type": "work"},
                                       {"value": "a", "type": "home"}, {"value": "b", "type": "work", "primary": True}])
        self.assertEqual(made["emails"], [{"value": "a", "type": "work"}, {"value": "a", "type": "home"},
                                          {"value": "b", "type": "work", "primary": True}])
        self.same(made)
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "s5b",
                                              "emails": [{"value": "a", "primary": True},
                                                         {"value": "b", "primary": "true"}]}), 400, "invalidValue")

    def test_S6_schemas(self):
        for schemas in ([], None, [ENTERPRISE], [GROUP], ["urn:x"], 5, [5], USER + "x"):
            answer = self.http.post("/Users", {"schemas": schemas, "userName": "s6"})
            self.assertEqual((answer.status, answer.json["scimType"]), (400, "invalidSyntax"), schemas)
        self.expect(self.http.post("/Groups", {"schemas": [USER], "displayName": "s6"}), 400, "invalidSyntax")
        made = self.user("s6", schemas=[USER, ENTERPRISE, "urn:x"])
        self.assertEqual(made["schemas"], [USER, ROLE])  # an extension without data is not in use
        for answer in (self.http.get("/Users?attributes=userName&count=1"), self.http.get("/Users?count=0")):
            self.assertEqual(answer.json["schemas"], [LIST])
            for r in answer.json["Resources"]:
                self.assertIn(USER, r["schemas"])

    def test_S7_extension_comes_and_goes(self):
        made = self.user("s7", **{ENTERPRISE: {"department": "D"}})  # not listed in schemas: implied
        self.assertEqual(made["schemas"], [USER, ENTERPRISE, ROLE])
        place = "/Users/" + made["id"]
        for op, schemas, shown in (({"op": "remove", "path": ENTERPRISE + ":department"}, [USER, ROLE], None),
                                   ({"op": "add", "path": "costCenter", "value": "7"}, [USER, ENTERPRISE, ROLE],
                                    {"costCenter": "7"}),
                                   ({"op": "add", "value": {ENTERPRISE: {"division": "V"}}}, [USER, ENTERPRISE, ROLE],
                                    {"costCenter": "7", "division": "V"}),
                                   ({"op": "remove", "path": ENTERPRISE}, [USER, ROLE], None),
                                   ({"op": "add", "value": {ROLE: {"editor": True}}}, [USER, ROLE], None)):
            now = self.expect(self.http.patch(place, patch_op(op)), 200).json
            self.assertEqual((now["schemas"], now.get(ENTERPRISE)), (schemas, shown), op)
            self.same(now)

    def test_S8_characteristics(self):
        """readOnly: ignored in POST and PUT, refused in PATCH; writeOnly: never returned; always returned; unique."""
        made = self.user("s8", id=NOBODY, groups=[{"value": NOBODY}],
                         meta={"version": "x", "created": "1999-01-01T00:00:00Z"}, password="p")
        self.assertFalse({"groups", "password"} & set(made))
        self.assertTrue(made["id"] != NOBODY and made["meta"]["created"] > "2000")
        put = self.expect(self.http.put("/Users/" + made["id"], {"schemas": [USER], "id": NOBODY, "userName": "s8",
                                                                 "groups": [], "meta": None}), 200).json
        self.assertEqual(put, made)
        for path in ("id", "meta", "meta.version", "groups", "groups.value", 'groups[value eq "x"]',
                     "meta.lastModified"):
            self.expect(self.http.patch("/Users/" + made["id"],
                                        patch_op({"op": "replace", "path": path, "value": "x"})), 400, "mutability")
        self.assertLessEqual({"id", "schemas"}, set(self.http.get("/Users/%s?attributes=title" % made["id"]).json))
        self.assertLessEqual({"id", "schemas"},
                             set(self.http.get("/Users/%s?excludedAttributes=id,schemas,userName" % made["id"]).json))
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "S8"}), 409, "uniqueness")

    def test_S9_rooms_do_not_nest(self):
        inner = self.room("Inner")["id"]
        for member in ({"value": inner, "type": "Group"}, {"value": NOBODY, "type": "group"}, {"value": inner}):
            self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "Outer", "members": [member]}),
                        400, "invalidValue")
            self.expect(self.http.patch("/Groups/" + inner,
                                        patch_op({"op": "add", "path": "members", "value": [member]})), 400,
                        "invalidValue")
        self.assertEqual(self.http.find("/Groups", 'displayName eq "Outer"').json["totalResults"], 0)

    def test_Z1_Z2_required_or_not(self):
        self.expect(self.http.post("/Groups", {"schemas": [GROUP]}), 400, "invalidValue")
        for manager in ({"value": "m"}, {"$ref": "http://x/Users/m"}, {"displayName": "M"}):
            made = self.user("z2-%s" % len(str(manager)), **{ENTERPRISE: {"manager": manager}})
            self.same(made)


class Lifecycle(Case):
    def test_C1_created(self):
        a = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "c1", "title": "T"}), 201)
        made = a.json
        self.assertEqual(a.headers["location"], made["meta"]["location"])
        self.assertEqual((made["title"], made["active"], made["meta"]["resourceType"], made["meta"]["created"]),
                         ("T", True, "User", made["meta"]["lastModified"]))
        self.assertEqual((a.headers["etag"], made["meta"]["version"][:3]), (made["meta"]["version"], 'W/"'))  # V1
        room = self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "C1",
                                                      "members": [{"value": made["id"], "display": "mine",
                                                                   "$ref": "http://x/"}]}), 201).json
        self.assertEqual(room["members"], [{"value": made["id"], "type": "User", "$ref": made["meta"]["location"]}])
        self.assertEqual(self.http.get("/Groups/%s?attributes=members.display" % room["id"]).json["members"],
                         [{"display": "c1"}])

    def test_C2_Z3_which_error(self):
        self.user("c2")
        for body, status, scim_type in (({"schemas": [USER], "userName": "C2"}, 409, "uniqueness"),
                                        ({"schemas": [USER]}, 400, "invalidValue"),
                                        ({"schemas": [USER], "userName": 5}, 400, "invalidValue"),
                                        ([], 400, "invalidSyntax"),
                                        ({"schemas": "x", "userName": "y"}, 400, "invalidSyntax")):
            self.expect(self.http.post("/Users", body), status, scim_type)

    def test_C3_by_id(self):
        made, room = self.user("c3"), self.room("C3")
        for place, resource in (("/Users/" + made["id"], made), ("/Groups/" + room["id"], room)):
            answer = self.expect(self.http.get(place), 200)
            self.assertEqual((answer.json, answer.headers["etag"]), (resource, resource["meta"]["version"]))
        for place in ("/Users/" + room["id"], "/Groups/" + made["id"], "/Users/" + NOBODY, "/Users/c3",
                      "/Users/" + made["id"] + "x"):
            self.expect(self.http.get(place), 404)

    def test_C4_lists(self):
        for path in ("/Users", "/Groups", "/Users?count=0", "/Users?startIndex=999"):
            got = self.expect(self.http.get(path), 200).json
            self.assertEqual(got["schemas"], [LIST])
            self.assertTrue(all(type(got[n]) is int for n in ("totalResults", "startIndex", "itemsPerPage")))
            self.assertEqual(got["itemsPerPage"], len(got["Resources"]))

    def test_C5_C6_Z5_put(self):
        """Omitted: cleared, but for active, password, externalId and members; null and [] clear; readOnly ignored;
        never creates."""
        full = {"externalId": "X", "active": False, "title": "T", "emails": [{"value": "a@x.example"}],
                "name": {"givenName": "G", "familyName": "F"}, ENTERPRISE: {"department": "D"}}
        made = self.user("c5", **full)
        place = "/Users/" + made["id"]
        now = self.expect(self.http.put(place, {"schemas": [USER], "userName": "c5", "name": {"givenName": "H"}}),
                          200).json
        self.assertEqual({k: v for k, v in plain(now).items() if k not in ("id", "meta", "schemas")},
                         {"userName": "c5", "externalId": "X", "active": False, "name": {"givenName": "H"}})
        self.assertEqual((now["schemas"], now["meta"]["created"]), ([USER, ROLE], made["meta"]["created"]))
        self.assertEqual(self.http.get(place).json, now)
        self.expect(self.http.put(place, {"schemas": [USER], "title": "no name"}), 400, "invalidValue")
        self.expect(self.http.put("/Users/" + NOBODY, {"schemas": [USER], "userName": "c5-never"}), 404)
        self.assertEqual((self.http.get(place).json,
                          self.http.find("/Users", 'userName eq "c5-never"').json["totalResults"]), (now, 0))
        room = self.room("C6", [made["id"], self.user("c6")["id"]], externalId="R")
        members = self.members(room["id"])
        put = self.expect(self.http.put("/Groups/" + room["id"], {"schemas": [GROUP], "displayName": "C6"}), 200).json
        self.assertEqual((put["externalId"], self.members(room["id"])), ("R", members))
        for empty in ([], None):
            self.expect(self.http.put("/Groups/" + room["id"],
                                      {"schemas": [GROUP], "displayName": "C6", "members": empty}), 200)
            self.assertEqual(self.members(room["id"]), set())

    def test_C7_deleted(self):
        made = self.user("c7", externalId="C7")
        room = self.room("C7", [made["id"]])["id"]
        place = "/Users/" + made["id"]
        self.assertEqual(self.expect(self.http.delete(place), 204).body, b"")
        for method, body in (("GET", None), ("PUT", {"schemas": [USER], "userName": "c7"}),
                             ("PATCH", patch_op({"op": "remove", "path": "title"})), ("DELETE", None)):
            self.expect(self.http.request(method, place, body), 404)
        for path, text in (("/Users", 'userName eq "c7"'), ("/Users", 'externalId eq "C7"'),
                           ("/Users", 'id eq "%s"' % made["id"]), ("/Groups", 'members.value eq "%s"' % made["id"])):
            self.assertEqual(self.http.find(path, text).json["totalResults"], 0)
        self.assertEqual(self.members(room), set())
        self.assertNotEqual(self.user("c7")["id"], made["id"])

    def test_C8_J2_projection_of_writes(self):
        """POST, PUT and PATCH show what was asked for; what is stored is whole."""
        body = {"schemas": [USER, ENTERPRISE], "userName": "c8", "title": "T",
                "name": {"givenName": "G", "familyName": "F"}, ENTERPRISE: {"department": "D"}}
        made = self.expect(self.http.post("/Users?attributes=name.givenName", body), 201)
        self.assertEqual((set(made.json), made.json["name"]), ({"id", "schemas", "name"}, {"givenName": "G"}))
        self.assertTrue(made.headers["location"].endswith(made.json["id"]))
        place = "/Users/" + made.json["id"]
        whole = self.http.get(place).json
        self.assertEqual({k: v for k, v in plain(whole).items() if k not in ("id", "meta", "active")}, body)
        put = self.expect(self.http.put(place + "?excludedAttributes=name,%s" % ENTERPRISE, dict(body, title="U")),
                          200).json
        self.assertEqual((set(whole) - set(put), put["title"]), ({"name", ENTERPRISE}, "U"))
        patched = self.expect(self.http.patch(place + "?attributes=%s:department" % ENTERPRISE,
                                              patch_op({"op": "replace", "path": "title", "value": "V"})), 200).json
        self.assertEqual((set(patched), patched[ENTERPRISE]), ({"id", "schemas", ENTERPRISE}, {"department": "D"}))
        self.assertEqual(self.http.get(place).json["title"], "V")
        room = self.expect(self.http.post("/Groups?excludedAttributes=members",
                                          {"schemas": [GROUP], "displayName": "C8",
                                           "members": [{"value": made.json["id"]}]}), 201).json
        self.assertNotIn("members", room)
        self.assertEqual(self.members(room["id"]), {made.json["id"]})

    def test_C9_collections(self):
        before = self.ws.counts()
        for place, body in (("/Users", {"schemas": [USER], "userName": "c9"}),
                            ("/Groups", {"schemas": [GROUP], "displayName": "c9"})):
            for method in ("PUT", "PATCH", "DELETE"):
                answer = self.expect(self.http.request(method, place, None if method == "DELETE" else body), 405)
                self.assertLessEqual({"GET", "POST"}, {m.strip() for m in answer.headers["allow"].split(",")})
        self.assertEqual(self.ws.counts(), before)

    def test_J1_J2_J3_projection_of_reads(self):
        made = self.user("j", title="T", emails=[{"value": "a", "type": "work"}, {"value": "b"}])
        place = "/Users/" + made["id"]
        self.expect(self.http.get(place + "?attributes=title&excludedAttributes=name"), 400, "invalidValue")
        for query, due in (("attributes=title,nothing", {"title"}), ("attributes=nothing", set()),
                           ("attributes=emails.value", {"emails"}),
                           ("attributes=%20title%20,%20meta.version", {"title", "meta"}),
                           ("excludedAttributes=title,nothing,meta", {"userName", "active", "emails", ROLE}),
                           ("attributes=", None), ("attributes=password", set())):
            got = self.expect(self.http.get("%s?%s" % (place, query)), 200).json
            self.assertEqual(set(got) - {"id", "schemas"}, {"userName", "active", "title", "emails", "meta", ROLE}
                             if due is None else due, query)
        self.assertEqual(self.http.get(place + "?attributes=emails.value").json["emails"],
                         [{"value": "a"}, {"value": "b"}])
        self.assertEqual(self.http.get(place + "?excludedAttributes=emails.value").json["emails"], [{"type": "work"}])


class Patch(Case):
    def patched(self, made, *operations):
        answer = self.expect(self.http.patch("/Users/" + made["id"], patch_op(*operations)), 200).json
        self.assertEqual(self.http.get("/Users/" + made["id"]).json, answer)
        return answer

    def test_P1_envelope(self):
        made = self.user("p1")
        place, good = "/Users/" + made["id"], {"op": "replace", "path": "title", "value": "x"}
        message = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        for body in ({"Operations": [good], "schemas": []}, {"Operations": [good], "schemas": [USER]},
                     {"schemas": [message]}, {"schemas": [message], "Operations": []},
                     {"schemas": [message], "Operations": good}, {"schemas": [message], "Operations": ["x"]},
                     {"schemas": [message], "Operations": [{"path": "title", "value": "x"}]},
                     {"schemas": [message], "Operations": [dict(good, op="set")]},
                     {"schemas": [message], "Operations": [dict(good, op=["add"])]}):
            self.expect(self.http.patch(place, body), 400, "invalidSyntax")
        self.assertEqual(self.http.get(place).json, made)
        self.assertEqual(self.expect(self.http.patch(place,
                                                     {"schemas": [message], "operations": [dict(good, op="rePlace")]}),
                                     200).json["title"], "x")

    def test_P2_P3_in_order_all_or_nothing(self):
        made = self.user("p2")
        now = self.patched(made, {"op": "add", "path": "title", "value": "a"},
                           {"op": "add", "path": "emails", "value": [{"value": "e", "type": "work"}]},
                           {"op": "replace", "path": 'emails[type eq "work"].value', "value": "f"},
                           {"op": "remove", "path": "title"}, {"op": "add", "path": "nickName", "value": "n"})
        self.assertEqual((now["emails"], now["nickName"], "title" in now),
                         ([{"value": "f", "type": "work"}], "n", False))
        for bad, scim_type in (({"op": "remove", "path": "userName"}, "mutability"),
                               ({"op": "remove", "path": 'emails[type eq "home"]'}, "noTarget"),
                               ({"op": "add", "path": "x", "value": 1}, "invalidPath")):
            self.expect(self.http.patch("/Users/" + made["id"],
                                        patch_op({"op": "add", "path": "title", "value": "z"}, bad)), 400, scim_type)
            self.assertEqual(self.http.get("/Users/" + made["id"]).json, now)
        self.assertEqual(set(self.expect(self.http.patch("/Users/%s?attributes=title" % made["id"],
                                                         patch_op({"op": "add", "path": "title", "value": "b"})),
                                         200).json), {"id", "schemas", "title"})

    def test_P4_P5_paths(self):
        made = self.user("p4")
        for path, value, look in (("title", "a", ("title",)), (USER + ":title", "b", ("title",)),
                                  (USER.upper() + ":TITLE", "c", ("title",)),
                                  ("name.familyName", "d", ("name", "familyName")),
                                  (USER + ":name.givenName", "e", ("name", "givenName")),
                                  (ENTERPRISE + ":department", "f", (ENTERPRISE, "department")),
                                  (ENTERPRISE + ":manager.value", "g", (ENTERPRISE, "manager", "value")),
                                  (ENTERPRISE, {"division": "h"}, (ENTERPRISE, "division"))):
            at = self.patched(made, {"op": "add", "path": path, "value": value})
            for name in look:
                at = at[name]
            self.assertEqual(at, value if isinstance(value, str) else "h")
        for path in ("urn:x:title", ENTERPRISE + ":shoe", ENTERPRISE + ".department", USER + ":", "name..familyName",
                     ".title", "title.", "emails[type eq \"x\"", "emails]", "emails[type eq \"x\"]value"):
            answer = self.http.patch("/Users/" + made["id"], patch_op({"op": "add", "path": path, "value": "x"}))
            self.assertEqual(answer.status, 400, path)
            self.assertIn(answer.json["scimType"], ("invalidPath", "invalidFilter"), path)

    def test_P6_P20_P25_P37_errors(self):
        made = self.user("p6", title="T")
        self.user("p6-taken")
        for op, status, scim_type in (({"op": "add", "path": "shoe", "value": 1}, 400, "invalidPath"),
                                      ({"op": "add", "path": "emails[shoe eq 1]", "value": {}}, 400, "invalidFilter"),
                                      ({"op": "replace", "path": "id", "value": "x"}, 400, "mutability"),
                                      ({"op": "replace", "path": "title", "value": 5}, 400, "invalidValue"),
                                      ({"op": "replace", "path": "userName", "value": "P6-TAKEN"}, 409, "uniqueness"),
                                      ({"op": "remove"}, 400, "noTarget"),
                                      ({"op": "remove", "path": "userName"}, 400, "mutability"),
                                      ({"op": "remove", "path": "id"}, 400, "mutability"),
                                      ({"op": "remove", "path": "groups"}, 400, "mutability"),
                                      ({"op": "add", "path": "title"}, 400, "invalidValue"),
                                      ({"op": "replace"}, 400, None),
                                      ({"op": "replace", "path": "userName", "value": None}, 400, "invalidValue")):
            answer = self.http.patch("/Users/" + made["id"], patch_op(op))
            self.assertEqual(answer.status, status, op)
            if scim_type:
                self.assertEqual(answer.json["scimType"], scim_type, op)
            self.assertEqual(self.http.get("/Users/" + made["id"]).json, made, op)
        self.assertNotIn("title", self.patched(made, {"op": "replace", "path": "title", "value": None}))

    def test_P7_P11_P12_P13_P14_add(self):
        made = self.user("p7", name={"givenName": "G"}, emails=[{"value": "a", "type": "work", "primary": True}])
        for op, look, due in (({"path": "title", "value": "A"}, "title", "A"),
                              ({"path": "title", "value": "B"}, "title", "B"),
                              ({"path": "name", "value": {"familyName": "F"}}, "name",
                               {"givenName": "G", "familyName": "F"}),
                              ({"path": "emails", "value": [{"value": "b"}]}, "emails",
                               [{"value": "a", "type": "work", "primary": True}, {"value": "b"}]),
                              ({"path": "emails", "value": [{"value": "b"}, {"value": "a", "type": "work"}]}, "emails",
                               [{"value": "a", "type": "work", "primary": True}, {"value": "b"}]),
                              ({"path": "emails", "value": [{"value": "c", "primary": True}]}, "emails",
                               [{"value": "a", "type": "work"}, {"value": "b"}, {"value": "c", "primary": True}])):
            got = self.patched(made, {"op": "add", **op})[look]
            self.assertEqual([{k: v for k, v in e.items() if v is not False} for e in got] if isinstance(got, list)
                             else got, due, op)

    def test_P8_nothing_changes(self):
        """Success; version and lastModified stay; nothing is told."""
        made = self.user("p8", title="T", emails=[{"value": "a", "type": "work"}], name={"givenName": "G"})
        before = self.ws.counts()
        for op in ({"op": "add", "path": "title", "value": "T"},
                   {"op": "replace", "path": "name", "value": {"givenName": "G"}},
                   {"op": "add", "path": "emails", "value": [{"value": "a", "type": "work"}]},
                   {"op": "replace", "path": 'emails[type eq "work"].value', "value": "a"},
                   {"op": "remove", "path": "nickName"}, {"op": "replace", "value": {"active": True}},
                   {"op": "remove", "path": "phoneNumbers"}, {"op": "replace", "path": "nickName", "value": ""},
                   {"op": "add", "value": {}}):
            self.assertEqual(self.patched(made, op), made, op)
        # There and back.
        self.assertEqual(self.patched(made, {"op": "replace", "path": "title", "value": "U"},
                                      {"op": "replace", "path": "title", "value": "T"}), made)
        self.assertEqual(self.ws.counts(), before)

    def test_P10_P30_without_path(self):
        made = self.user("p10", title="T", emails=[{"value": "a"}], **{ENTERPRISE: {"department": "D"}})
        now = self.patched(made, {"op": "add", "value": {"nickName": "N", "emails": [{"value": "b"}],
                                                         ENTERPRISE: {"division": "V"}}})
        self.assertEqual((now["title"], now["nickName"], now["emails"], now[ENTERPRISE]),
                         ("T", "N", [{"value": "a"}, {"value": "b"}], {"department": "D", "division": "V"}))
        now = self.patched(made, {"op": "replace", "value": {"emails": [{"value": "c"}], ENTERPRISE + ":division": "W",
                                                             "name.givenName": "G"}})
        self.assertEqual((now["emails"], now[ENTERPRISE], now["name"], now["title"]),
                         ([{"value": "c"}], {"department": "D", "division": "W"}, {"givenName": "G"}, "T"))

    def test_P15_P23_P24_P26_P34_P35_P36_filtered(self):
        """Z5."""
        two = [{"value": "a", "type": "work", "display": "A"}, {"value": "b", "type": "work"},
               {"value": "c", "type": "home"}]
        for op, due in (({"op": "add", "path": 'emails[type eq "work"].display', "value": "X"},
                         [dict(two[0], display="X"), dict(two[1], display="X"), two[2]]),
                        ({"op": "add", "path": 'emails[value eq "c"]', "value": {"display": "Y"}},
                         two[:2] + [dict(two[2], display="Y")]),
                        ({"op": "add", "path": 'emails[type eq "other"].value', "value": "d"},
                         two + [{"type": "other", "value": "d"}]),
                        ({"op": "remove", "path": 'emails[type eq "work"]'}, two[2:]),
                        ({"op": "remove", "path": 'emails[value pr]'}, []),
                        ({"op": "remove", "path": 'emails[type eq "work"].display'}, [{"value": "a", "type": "work"}]
                         + two[1:]), ({"op": "remove", "path": 'emails[type eq "other"]'}, "noTarget"),
                        ({"op": "replace", "path": 'emails[value eq "b"]', "value": {"value": "n"}},
                         [two[0], {"value": "n"}, two[2]]),
                        ({"op": "replace", "path": 'emails[type eq "work"].display', "value": "Z"},
                         [dict(two[0], display="Z"), dict(two[1], display="Z"), two[2]]),
                        ({"op": "replace", "path": 'emails[type eq "other"].value', "value": "n"}, "noTarget")):
            with self.subTest(str(op)):
                made = self.user("p15", emails=two)
                if due == "noTarget":
                    self.expect(self.http.patch("/Users/" + made["id"], patch_op(op)), 400, due)
                    due = two
                else:
                    self.patched(made, op)
                self.assertEqual(self.http.get("/Users/" + made["id"]).json.get("emails", []), due)
                self.expect(self.http.delete("/Users/" + made["id"]), 204)

    def test_P21_P22_P31_P32_P33(self):
        made = self.user("p21", title="T", name={"givenName": "G", "familyName": "F"},
                         emails=[{"value": "a"}, {"value": "b"}])
        for op, look, due in (({"op": "remove", "path": "title"}, "title", None),
                              ({"op": "remove", "path": "name.givenName"}, "name", {"familyName": "F"}),
                              ({"op": "replace", "path": "title", "value": "U"}, "title", "U"),
                              ({"op": "replace", "path": "name", "value": {"givenName": "H"}}, "name",
                               {"givenName": "H", "familyName": "F"}),
                              ({"op": "replace", "path": "emails", "value": [{"value": "c"}]}, "emails",
                               [{"value": "c"}]),
                              ({"op": "replace", "path": "emails", "value": []}, "emails", None),
                              ({"op": "add", "path": "emails", "value": [{"value": "d"}]}, "emails", [{"value": "d"}]),
                              ({"op": "remove", "path": "emails"}, "emails", None),
                              ({"op": "remove", "path": "name"}, "name", None)):
            self.assertEqual(self.patched(made, op).get(look), due, op)
