"""Strictness `interop`: the interoperability profile, clause by clause (schemas/PROFILES.md); and workspaces without
passwords."""

import base64
import json
import uuid

import doors
from case import Case
from doors import change
from scimhttp import ENTERPRISE, GROUP, ROLE, SCIM_TYPE, USER
from stack import ToolError

ACME = "urn:example:params:scim:schemas:extension:acme:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PLAIN = {"Content-Type": "application/json"}


class Interop(Case):
    """Clause AL08."""

    flags = {"strictness": "interop", "seats": 2000}

    def name(self):
        return uuid.uuid4().hex[:12] + "@interop.example"

    def bulk(self, client, *operations):
        """The operations' answers."""
        body = {"schemas": [BULK], "Operations": list(operations)}
        return self.expect(client.post("/Bulk", body), 200).json["Operations"]

    def refused_everywhere(self, body, scim_type="invalidSyntax", client=None):
        """POST and PUT, alone and in a Bulk; and nothing comes of it."""
        client = client or self.http
        place = "/Users/" + self.user(self.name(), client)["id"]
        before, whole = client.get(place).json, {"schemas": [USER], "userName": self.name(), **body}
        self.expect(client.post("/Users", whole), 400, scim_type)
        self.expect(client.put(place, whole), 400, scim_type)
        for done in self.bulk(client, {"method": "POST", "path": "/Users", "bulkId": "b", "data": whole},
                              {"method": "PUT", "path": place, "data": whole}):
            self.assertEqual((done["status"], done["response"]["scimType"]), ("400", scim_type), body)
        self.assertEqual(client.get(place).json, before)

    def patch_refused(self, place, step, scim_type, client=None):
        """A PATCH of one step, alone and in a Bulk."""
        client = client or self.http
        before = client.get(place).json
        self.expect(client.patch(place, change(step)), 400, scim_type)
        done = self.bulk(client, {"method": "PATCH", "path": place, "data": change(step)})[0]
        self.assertEqual((done["status"], done["response"]["scimType"]), ("400", scim_type), step)
        self.assertEqual(client.get(place).json, before)

    def patched(self, place, *steps):
        return self.expect(self.http.patch(place, change(*steps)), 200).json


class Discovery(Interop):
    def config(self, ws):
        return self.expect(ws.client.get("/ServiceProviderConfig"), 200).json

    def test_IO01_said_there_and_only_there(self):
        """From the next request on after a change, through both doors."""
        self.assertIs(self.config(self.ws)["interopProfileConformant"], True)
        ws = self.stack.workspace("profile")
        admin = doors.admin(ws)
        for strictness in ("standard", "strict", "interop", "standard"):
            self.expect(admin.patch("/workspace", {"strictness": strictness}), 200)
            self.assertEqual(self.config(ws).get("interopProfileConformant"), True if strictness == "interop" else None)
        ws.set(strictness="interop")
        self.assertIs(self.config(ws)["interopProfileConformant"], True)
        admin.close()

    def test_IO02_IO04_IO09_documents(self):
        types = self.expect(self.http.get("/ResourceTypes"), 200).json["Resources"]
        self.assertTrue({"User", "Group"} <= {t["name"] for t in types})
        self.assertEqual(len({t["endpoint"] for t in types}), len(types))
        for t in types:
            self.assertEqual(t["id"], t["name"])
            self.assertEqual(self.expect(self.http.get("/ResourceTypes/" + t["id"]), 200).json, t)
            self.expect(self.http.get(t["endpoint"] + "?count=0"), 200)
        self.expect(self.http.get("/Schemas"), 200)

    def test_IO09_resources_are_addressed_by_id(self):
        made = self.user(self.name())
        self.assertTrue(made["meta"]["location"].endswith("/Users/" + made["id"]))
        self.expect(self.http.get("/Users/" + made["userName"]), 404)
        self.expect(self.http.get("/Groups/" + made["id"]), 404)

    def sample(self, attribute):
        """A value that a schema says an attribute can have."""
        kind, name = attribute["type"], attribute["name"]
        if kind == "complex":
            parts = {s["name"]: self.sample(s) for s in attribute["subAttributes"] if s["mutability"] != "readOnly"}
            return [parts] if attribute["multiValued"] else parts
        value = {"boolean": True, "integer": 3, "decimal": 1.5, "dateTime": "2026-11-30T00:00:00Z",
                 "binary": base64.b64encode(b"certificate").decode(),
                 "reference": "https://interop.example/x"}.get(kind, (attribute.get("canonicalValues") or [name])[0])
        return [value] if attribute["multiValued"] else value

    def test_IO03_what_is_listed_is_there_and_nothing_else(self):
        """Each attribute of the schemas of users is taken, kept and shown; each schema that a type names is listed."""
        schemas = {s["id"]: s for s in self.expect(self.http.get("/Schemas"), 200).json["Resources"]}
        types = self.http.get("/ResourceTypes").json["Resources"]
        named = {t["schema"] for t in types} | {e["schema"] for t in types for e in t.get("schemaExtensions", [])}
        self.assertEqual(named, set(schemas))
        for urn in named:
            self.assertEqual(self.expect(self.http.get("/Schemas/" + urn), 200).json, schemas[urn])
        core = {a["name"]: self.sample(a) for a in schemas[USER]["attributes"] if a["mutability"] != "readOnly"}
        core.update(userName=self.name(), schemas=[USER, ENTERPRISE, ROLE])
        for urn in (ENTERPRISE, ROLE):
            core[urn] = {a["name"]: self.sample(a) for a in schemas[urn]["attributes"]}
        shown = self.expect(self.http.post("/Users", core), 201).json
        self.assertEqual({k: shown.get(k) for k in core if k != "schemas"},
                         {k: v for k, v in core.items() if k != "schemas"})
        self.assertEqual(set(shown), set(core) | {"id", "meta"})

    def test_IO08_canonical_values_of_each_type(self):
        seen = []
        for schema in self.http.get("/Schemas").json["Resources"]:
            for attribute in schema["attributes"]:
                for sub in attribute.get("subAttributes", []):
                    if attribute["multiValued"] and sub["name"] == "type":
                        seen.append(attribute["name"])
                        self.assertTrue(sub.get("canonicalValues"), attribute["name"])
        self.assertTrue({"emails", "phoneNumbers", "ims", "addresses", "photos", "roles", "entitlements", "groups",
                         "x509Certificates", "members"} <= set(seen))


class Bodies(Interop):
    def test_IO07_what_is_not_defined(self):
        for body in ({"shoeSize": 9}, {"shoeSize": None}, {"name": {"nick": "x"}}, {"emails": [{"valeu": "a@b.example"}]},
                     {ENTERPRISE: {"floor": 3}}, {ACME: {"x": 1}}, {"schemas": [USER, ACME]}, {"schemas": [USER, GROUP]},
                     {"name.givenName": "A"}, {USER + ":title": "x"}, {"department": "Sales"}):
            with self.subTest(body):
                self.refused_everywhere(body)
        room = {"schemas": [GROUP], "displayName": self.name()}
        self.expect(self.http.post("/Groups", {**room, "color": "red"}), 400, "invalidSyntax")
        self.expect(self.http.post("/Groups", {**room, "members": [{"value": "x", "since": "x"}]}), 400, "invalidSyntax")
        place = "/Users/" + self.user(self.name())["id"]
        for step in (("add", "shoeSize", 9), ("replace", "name.nick", "x"), ("remove", "shoeSize"),
                     ("add", ACME + ":x", 1), ("add", ACME, {"x": 1}), ("add", ENTERPRISE + ":floor", 3),
                     ("add", ENTERPRISE, {"floor": 3}), ("add", "name", {"nick": "x"}),
                     ("add", 'emails[type eq "work"].valeu', "x"), ("add", "emails", [{"valeu": "x"}]),
                     ("add", "schemas", [ACME])):
            with self.subTest(step):
                self.patch_refused(place, step, "invalidSyntax")

    def test_IO10_content_types(self):
        """Of bodies that come and of all that is answered (check_answer judges each answer of this suite)."""
        made = self.user(self.name())
        place = "/Users/" + made["id"]
        requests = (("POST", "/Users", {"schemas": [USER], "userName": self.name()}),
                    ("PUT", place, {"schemas": [USER], "userName": made["userName"]}),
                    ("PATCH", place, change(("replace", "title", "x"))),
                    ("POST", "/Users/.search", {"filter": "userName pr", "count": 0}),
                    ("POST", "/Bulk", {"schemas": [BULK], "Operations": [{"method": "DELETE", "path": place}]}))
        for method, path, body in requests:
            for content in ("application/json", "application/json; charset=utf-8", "text/plain", None):
                answer = self.http.request(method, path, body, headers={"Content-Type": content})
                self.assertEqual((answer.status, answer.headers["content-type"]), (415, SCIM_TYPE), (path, content))
        self.assertEqual(self.http.get(place).json, made)
        for method, path, body in requests:
            answer = self.http.request(method, path, body, headers={"Content-Type": "application/scim+json;charset=UTF-8"})
            self.assertEqual((answer.status // 100, answer.headers["content-type"]), (2, SCIM_TYPE), path)
        api = doors.api(self.ws)  # the Management API is no SCIM
        self.assertEqual(api.post("/users", {"userName": self.name()}).status, 201)
        api.close()

    def test_IO24_conflicts(self):
        first, second = self.user(self.name()), self.user(self.name())
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": first["userName"].upper()}), 409,
                    "uniqueness")
        self.expect(self.http.patch("/Users/" + second["id"], change(("replace", "userName", first["userName"]))), 409,
                    "uniqueness")

    def test_IO23_conditional_requests_may_be_left_out(self):
        made = self.user(self.name())
        place = "/Users/" + made["id"]
        self.patched(place, ("replace", "title", "x"))
        self.expect(self.http.put(place, {"schemas": [USER], "userName": made["userName"]}), 200)
        self.expect(self.http.delete(place), 204)


class LetterCase(Interop):
    def found(self, text):
        return [r["id"] for r in self.expect(self.http.find("/Users", text), 200).json["Resources"]]

    def test_IO05_IO06_filters_and_uniqueness_agree(self):
        tag = uuid.uuid4().hex[:8]
        one = self.user("JSmith-%s@interop.example" % tag, externalId="ABC-" + tag)
        other = self.user("other-%s@interop.example" % tag, externalId="abc-" + tag)  # another value
        self.assertEqual(self.found('userName eq "jsmith-%s@INTEROP.example"' % tag), [one["id"]])
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "jSMITH-%s@interop.example" % tag}), 409,
                    "uniqueness")
        self.assertEqual(self.found('externalId eq "ABC-%s"' % tag), [one["id"]])
        self.assertEqual(self.found('externalId eq "abc-%s"' % tag), [other["id"]])
        self.assertEqual(self.found('externalId eq "aBC-%s"' % tag), [])
        self.assertEqual(self.found('id eq "%s"' % one["id"]), [one["id"]])
        self.assertEqual(self.found('id eq "%s"' % one["id"].upper()), [])
        for method in ("GET", "DELETE"):
            self.expect(self.http.request(method, "/Users/" + one["id"].upper()), 404)
        self.expect(self.http.get("/Users/" + one["id"]), 200)


class Lists(Interop):
    def test_IO11_IO12_filters(self):
        made = self.user(self.name(), externalId=self.name())
        text = 'userName eq "%s" and externalId eq "%s"'
        found = self.expect(self.http.find("/Users", text % (made["userName"], made["externalId"])), 200).json
        self.assertEqual([r["id"] for r in found["Resources"]], [made["id"]])
        self.assertEqual(self.expect(self.http.find("/Users", text % (made["userName"], "x")), 200).json["totalResults"], 0)
        for path, text in (("/Users", 'shoeSize eq "x"'), ("/Users", 'name.nick eq "x"'),
                           ("/Users", 'emails[valeu eq "x"]'), ("/Users", ACME + ':x eq "x"'),
                           ("/Users", 'userName eq "x" and shoeSize eq "x"'), ("/Groups", 'userName eq "x"')):
            self.expect(self.http.find(path, text), 400, "invalidFilter")

    def test_IO13_pages(self):
        ws = self.stack.workspace("interop-pages", strictness="interop", seats="none")
        self.bulk(ws.client, *[{"method": "POST", "path": "/Users", "bulkId": str(n), "data": {
            "schemas": [USER], "userName": "u%03d@pages.example" % n}} for n in range(250)])
        for query, due in (("", 100), ("?count=100", 100), ("?count=150", 150), ("?count=100000", 200)):
            page = self.expect(ws.client.get("/Users" + query), 200).json
            self.assertEqual((len(page["Resources"]), page["itemsPerPage"], page["totalResults"]), (due, due, 250))
        seen, cursor = set(), ""
        while cursor is not None:
            page = self.expect(ws.client.get("/Users?count=100&cursor=" + cursor), 200).json
            seen |= {r["id"] for r in page["Resources"]}
            cursor = page.get("nextCursor")
        self.assertEqual(len(seen), 250)


class Patches(Interop):
    def made(self, **more):
        made = self.user(self.name(), **more)
        return made, "/Users/" + made["id"]

    def test_IO15_each_operation_needs_a_path(self):
        _, place = self.made()
        for step in (("replace", None, {"title": "x"}), ("add", None, {"title": "x"}), ("remove", None)):
            self.patch_refused(place, step, "invalidSyntax")
        self.expect(self.http.patch(place, {"schemas": change()["schemas"], "Operations": [
            {"op": "replace", "path": "title", "value": "x"}, {"op": "replace", "path": None, "value": {"title": "y"}}]}),
            400, "invalidSyntax")
        self.assertNotIn("title", self.http.get(place).json)

    def test_IO14_IO16_add_and_replace_of_single_values(self):
        made, place = self.made()
        for n, path in enumerate(("title", "displayName", "name.givenName", ENTERPRISE + ":department", "active")):
            for op in ("add", "replace", "add"):
                value = (op == "add") if path == "active" else "%s %d" % (op, n)
                shown = self.patched(place, (op, path, value))
                at = shown.get(ENTERPRISE, {}) if path.startswith(ENTERPRISE) else shown.get("name", {}) if "." in path else shown
                self.assertEqual(at.get(path.split(":")[-1].split(".")[-1]), value, (op, path))

    def test_IO17_complex_values(self):
        """And only here: elsewhere what is not given stays (rule P32)."""
        _, place = self.made(name={"givenName": "A", "familyName": "F", "formatted": "A F"})
        self.assertEqual(self.patched(place, ("add", "name", {"givenName": "B"}))["name"],
                         {"givenName": "B", "familyName": "F", "formatted": "A F"})
        self.assertEqual(self.patched(place, ("replace", "name", {"givenName": "C", "middleName": "M"}))["name"],
                         {"givenName": "C", "middleName": "M"})
        self.assertEqual(self.patched(place, ("replace", "name.familyName", "G"))["name"],
                         {"givenName": "C", "middleName": "M", "familyName": "G"})
        self.assertNotIn("name", self.patched(place, ("replace", "name", {})))
        done = self.bulk(self.http, {"method": "PATCH", "path": place, "data": change(("add", "name", {"givenName": "A", "familyName": "F"}))},
                         {"method": "PATCH", "path": place, "data": change(("replace", "name", {"givenName": "D"}))})
        self.assertEqual([d["status"] for d in done], ["200", "200"])
        self.assertEqual(self.http.get(place).json["name"], {"givenName": "D"})
        manager = self.user(self.name())["id"]
        self.patched(place, ("replace", ENTERPRISE + ":manager", {"value": manager, "$ref": "../Users/" + manager}))
        self.assertEqual(self.patched(place, ("replace", ENTERPRISE + ":manager", {"value": manager}))[ENTERPRISE]["manager"],
                         {"value": manager})
        standard = self.stack.workspace("interop-not")
        user = self.user("n", standard.client, name={"givenName": "A", "familyName": "F"})
        shown = standard.client.patch("/Users/" + user["id"], change(("replace", "name", {"givenName": "B"}))).json
        self.assertEqual(shown["name"], {"givenName": "B", "familyName": "F"})

    def test_IO17_a_merge_patch_merges_all_the_same(self):
        """The Management API speaks RFC 7396."""
        made, place = self.made(name={"givenName": "A", "familyName": "F"})
        api = doors.api(self.ws)
        self.assertEqual(api.patch("/users/" + made["id"], {"name": {"givenName": "B"}}).status, 200)
        api.close()
        self.assertEqual(self.http.get(place).json["name"], {"givenName": "B", "familyName": "F"})

    def test_IO18_lists(self):
        work, home = {"value": "w@a.example", "type": "work"}, {"value": "h@a.example", "type": "home"}
        _, place = self.made(emails=[work])
        self.assertEqual(self.patched(place, ("add", "emails", [home]))["emails"], [work, home])
        other = {"value": "o@a.example", "type": "other"}
        self.assertEqual(self.patched(place, ("replace", "emails", [other]))["emails"], [other])
        room = "/Groups/" + self.room(self.name())["id"]
        users = [self.user(self.name())["id"] for _ in range(3)]
        for step, due in ((("add", "members", [{"value": users[0]}, {"value": users[1]}]), users[:2]),
                          (("add", "members", [{"value": users[2]}]), users),
                          (("replace", "members", [{"value": users[1]}]), users[1:2]),
                          (("remove", 'members[value eq "%s"]' % users[1]), [])):
            self.expect(self.http.patch(room, change(step)), 204)
            self.assertEqual(self.members(room[len("/Groups/"):]), set(due))

    def test_IO19_a_filter_and_no_sub_attribute(self):
        work, home = {"value": "w@a.example", "type": "work"}, {"value": "h@a.example", "type": "home"}
        _, place = self.made(emails=[work, home])
        for op in ("add", "replace"):
            self.patch_refused(place, (op, 'emails[type eq "work"]', {"value": "x@a.example"}), "invalidPath")
        shown = self.patched(place, ("replace", 'emails[type eq "work"].value', "x@a.example"))
        self.assertEqual(shown["emails"], [{"value": "x@a.example", "type": "work"}, home])
        self.assertEqual(self.patched(place, ("remove", 'emails[type eq "work"]'))["emails"], [home])
        room, user = "/Groups/" + self.room(self.name())["id"], self.user(self.name())["id"]
        self.expect(self.http.patch(room, change(("add", 'members[value eq "%s"]' % user, {"value": user}))), 400,
                    "invalidPath")

    def test_IO20_a_filter_that_matches_several(self):
        two = [{"value": "a@a.example", "type": "work"}, {"value": "b@a.example", "type": "work"}]
        _, place = self.made(emails=two)
        for op in ("add", "replace"):
            self.patch_refused(place, (op, 'emails[type eq "work"].display', "x"), "invalidFilter")
        self.patch_refused(place, ("remove", 'emails[type eq "work"].type'), "invalidFilter")
        shown = self.patched(place, ("replace", 'emails[type eq "work" and value eq "a@a.example"].display', "x"))
        self.assertEqual([e.get("display") for e in shown["emails"]], ["x", None])
        standard = self.stack.workspace("interop-several")
        user = self.user("n", standard.client, emails=two)
        self.expect(standard.client.patch("/Users/" + user["id"], change(("replace", 'emails[type eq "work"].display', "x"))), 200)

    def test_IO21_IO22_life_and_death(self):
        made, place = self.made()
        self.assertIs(self.patched(place, ("replace", "active", False))["active"], False)
        self.assertEqual(self.http.find("/Users", 'id eq "%s"' % made["id"]).json["totalResults"], 1)
        self.assertIs(self.patched(place, ("replace", "active", True))["active"], True)
        self.expect(self.http.delete(place), 204)
        for method, body in (("GET", None), ("PUT", {"schemas": [USER], "userName": made["userName"]}),
                             ("PATCH", change(("replace", "active", True))), ("DELETE", None)):
            self.expect(self.http.request(method, place, body), 404)
        self.assertEqual(self.http.find("/Users", 'userName eq "%s"' % made["userName"]).json["totalResults"], 0)
        self.assertNotEqual(self.user(made["userName"])["id"], made["id"])


class Rate(Interop):
    def test_AL11_the_preset(self):
        """25 requests a second are 1,500 in any 60 s, of a workspace or of a key."""
        ws = self.stack.workspace("ipsie", rate="ipsie")
        self.assertEqual(self.http.get("/Users?count=0").headers["ratelimit-policy"], '"default";q=100000;w=60')
        for client in (ws.client, self.ws.open(self.ws.key("ipsie", rate="ipsie")[0])):
            answers = [self.expect(client.get("/Users?count=0"), 200) for _ in range(50)]
            self.assertEqual(answers[-1].headers["ratelimit-policy"], '"default";q=1500;w=60')
            client.close()
        for text in ("IPSIE", "ipsie2", ""):
            with self.assertRaises(ToolError):
                ws.set(rate=text)


class Passwords(Interop):
    """Clause AL23: no attribute `password` where the setting says so, whatever the strictness."""

    def attributes(self, client):
        shown = self.expect(client.get("/Schemas/" + USER), 200).json["attributes"]
        return {a["name"] for a in shown}

    def none(self, client, path_type):
        self.assertNotIn("password", self.attributes(client))
        self.assertNotIn("password", json.dumps(client.get("/Schemas").json))
        for body in ({"password": "s3cret"}, {"PASSWORD": "s3cret"}, {"password": None}):
            self.refused_everywhere(body, client=client)
        place = "/Users/" + self.user(self.name(), client)["id"]
        for step in (("add", "password", "s3cret"), ("replace", "PassWord", "s3cret"), ("remove", "password"),
                     ("replace", USER + ":password", "s3cret")):
            self.patch_refused(place, step, path_type, client)
        self.expect(client.find("/Users", 'password eq "s3cret"'), 400, "invalidFilter")
        self.expect(client.find("/Users", "password pr"), 400, "invalidFilter")

    def test_made_with_the_profile(self):
        self.none(self.http, "invalidSyntax")
        self.assertIs(self.expect(doors.admin(self.ws).get("/workspace"), 200).json["passwords"], False)
        created = [v for v in self.followers.changes(self.ws.id) if v["action"] == "workspace.created"][0]
        self.assertIn({"path": "passwords", "op": "add", "from": None, "to": False}, created["changes"])

    def test_by_the_setting_alone(self):
        """Under `standard` a PATCH without path and a member that is a path are ways to it, too."""
        ws = self.stack.workspace("no-passwords", passwords="false")
        self.none(ws.client, "invalidPath")
        place = "/Users/" + self.user(self.name(), ws.client)["id"]
        self.refused_everywhere({USER + ":password": "s3cret"}, client=ws.client)
        self.patch_refused(place, ("replace", None, {"title": "x", "password": "s3cret"}), "invalidPath", ws.client)
        ws.set(passwords="true")
        self.assertIn("password", self.attributes(ws.client))
        self.expect(ws.client.patch(place, change(("replace", "password", "s3cret"))), 200)
        self.user(self.name(), ws.client, password="s3cret")

    def test_the_profile_with_passwords_where_somebody_says_so(self):
        ws = self.stack.workspace("interop-passwords", strictness="interop", passwords="true")
        self.assertIn("password", self.attributes(ws.client))
        made = self.user(self.name(), ws.client, password="s3cret")
        self.assertNotIn("password", made)
        later = self.stack.workspace("interop-later")
        later.set(strictness="interop")  # a change of one setting changes no other
        self.assertIn("password", self.attributes(later.client))
