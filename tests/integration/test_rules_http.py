"""Transport, discovery, tenants and credentials as the rules have them (T, D, E, N, W, X), at the wire."""

import json
import urllib.parse

import stream
from case import Case
from scimhttp import ENTERPRISE, ERROR, GROUP, LIST, USER, check_answer, in_flight, patch_op, statuses

CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
DISCOVERY = ("/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/Schemas/" + USER)


class Media(Case):
    def test_T2_both_media_types_in_utf_8(self):
        """With charset, in any letter case, with odd white space; text beyond ASCII arrives as it was sent."""
        for n, kind in enumerate(("application/scim+json", "application/json", "application/scim+json; charset=utf-8",
                                  "application/json;charset=UTF-8",
                                  'application/scim+json; charset="utf-8"', "APPLICATION/JSON",
                                  "application/scim+json ; charset=utf-8")):
            name = "zoë-%d-Ж-𝄞@media.example" % n
            made = self.expect(self.http.post("/Users",
                                              json.dumps({"schemas": [USER], "userName": name},
                                                         ensure_ascii=False).encode(), headers={"Content-Type": kind}),
                               201).json
            self.assertEqual(made["userName"], name)
            self.assertEqual([u["id"] for u in self.http.find("/Users", 'userName eq "%s"' % name).json["Resources"]],
                             [made["id"]])
        latin = '{"schemas":["%s"],"userName":"zoë"}' % USER
        self.expect(self.http.post("/Users", latin.encode("latin-1")), 400, "invalidSyntax")

    def test_T3_T4_accept_says_nothing(self):
        """Whatever is asked for, scim+json is what comes, for every kind of answer; never a 406."""
        made = self.user("accept@media.example")
        for accept in (None, "*/*", "application/json", "application/scim+json;q=0.1, text/html", "text/html",
                       "image/png", "nonsense", ""):
            for method, path, body, status in (("GET", "/Users/" + made["id"], None, 200), ("GET", "/Users", None, 200),
                                               ("GET", "/Users/none", None, 404), ("GET", "/none", None, 404),
                                               ("POST", "/Users", {"schemas": [USER]}, 400),
                                               ("PATCH", "/Users", {}, 405), ("GET", "/Schemas", None, 200),
                                               ("POST", "/Users",
                                                {"schemas": [USER], "userName": "ACCEPT@media.example"}, 409)):
                answer = self.http.request(method, path, body, headers={"Accept": accept})
                self.assertEqual((answer.status, answer.headers["content-type"]), (status, "application/scim+json"),
                                 (accept, method, path))
        self.assertEqual(self.expect(self.ws.open("none").get("/Users", headers={"Accept": "text/html"}),
                                     401).headers["content-type"], "application/scim+json")

    def test_T4_other_content_is_415(self):
        made = self.user("fine@media.example")
        before = self.ws.counts()
        body = {"schemas": [USER], "userName": "no@media.example"}
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/scim",
                     "application/jsonx", "multipart/form-data; boundary=x", "", "application/json/x"):
            for method, path in (("POST", "/Users"), ("PUT", "/Users/" + made["id"]), ("PATCH", "/Users/" + made["id"]),
                                 ("POST", "/Groups")):
                answer = self.http.request(method, path, body, headers={"Content-Type": kind})
                self.assertEqual(self.expect(answer, 415).json["schemas"], [ERROR])
        self.assertEqual((self.ws.counts(), self.http.get("/Users/" + made["id"]).json), (before, made))

    def test_T5_X6_who_one_is_and_what_one_may(self):
        """No, bad and foreign credentials: 401 with the schemes named; a good key without the scope: 403, which says
        what is missing (RFC 6750)."""
        made = self.user("scope@media.example")
        for authorization in (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz",
                              "Bearer " + self.ws.token[:-1], "Token " + self.ws.token, self.ws.token):
            client = self.ws.open()
            client.token = None
            answer = self.expect(client.get("/Users", headers={"Authorization": authorization}), 401)
            self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"), authorization)
            client.close()
        lower = self.ws.open()
        lower.token = None
        # The scheme's name has no letter case.
        self.expect(lower.get("/Users", headers={"Authorization": "bearer " + self.ws.token}), 200)
        lower.close()
        reader = self.ws.open(self.ws.key("reader", scopes="scim:users:read")[0])
        self.expect(reader.get("/Users/" + made["id"]), 200)
        for method, path, body in (("POST", "/Users", {"schemas": [USER], "userName": "x"}),
                                   ("PUT", "/Users/" + made["id"], {"schemas": [USER], "userName": "x"}),
                                   ("PATCH", "/Users/" + made["id"],
                                    patch_op({"op": "replace", "path": "title", "value": "x"})),
                                   ("DELETE", "/Users/" + made["id"], None),
                                   ("GET", "/Groups", None),
                                   ("POST", "/Groups", {"schemas": [GROUP], "displayName": "x"})):
            answer = self.expect(reader.request(method, path, body), 403)
            self.assertIn('error="insufficient_scope"', answer.headers["www-authenticate"])
        self.assertEqual(self.http.get("/Users/" + made["id"]).json, made)

    def test_T6_location(self):
        """On 201 of both types, under both prefixes; what it names can be fetched, and says the same in
        Content-Location."""
        for prefix in ("/scim/v2", "/w/%s/scim/v2" % self.ws.id):
            client = self.ws.open(prefix=prefix)
            for path, body in (("/Users", {"schemas": [USER], "userName": "loc%d@media.example" % len(prefix)}),
                               ("/Groups", {"schemas": [GROUP], "displayName": "Loc %d" % len(prefix)})):
                made = self.expect(client.post(path, body), 201)
                self.assertEqual(made.headers["location"], made.json["meta"]["location"])
                location = urllib.parse.urlsplit(made.headers["location"])
                self.assertTrue(location.scheme and location.netloc)
                got = self.expect(self.ws.open(prefix="").get(location.path), 200)
                self.assertEqual(got.json["id"], made.json["id"])
                self.assertEqual(got.headers["content-location"], got.json["meta"]["location"])
            client.close()

    def test_T7_tolerance_of_urls(self):
        made = self.user("tolerant@media.example")
        for path in ("/Users/", "/Users?foo=bar", "/Users/?foo",
                     "/Users?filter=userName%20eq%20%22tolerant%40media.example%22&x=1&x=2",
                     "/Users?filter=userName+eq+%22tolerant@media.example%22",
                     "/Users?Filter=userName+eq+%22tolerant@media.example%22"):
            answer = self.expect(self.http.get(path), 200).json
            self.assertIn(made["id"], [r["id"] for r in answer["Resources"]], path)
        self.expect(self.http.get("/%55sers/" + made["id"]), 200)
        self.expect(self.http.post("/Users/?why=not", {"schemas": [USER], "userName": "slash@media.example"}), 201)

    def test_T8_methods_are_not_overridden(self):
        made = self.user("override@media.example")
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            self.expect(self.http.get("/Users/" + made["id"], headers={name: "DELETE"}), 200)
            self.expect(self.http.post("/Users/" + made["id"], {"schemas": [USER], "userName": "x"},
                                       headers={name: "PUT"}), 405)
        self.expect(self.http.get("/Users/%s?_method=DELETE" % made["id"]), 200)
        self.assertEqual(self.http.get("/Users/" + made["id"]).json, made)


class Methods(Case):
    def test_C3_head_is_get_without_body(self):
        """The same status and headers, for resources, lists, discovery and what is not there; the connection goes
        on."""
        made = self.user("head@methods.example")
        for path in ("/Users/" + made["id"], "/Users", "/Users?count=0", "/Groups", "/Schemas",
                     "/ServiceProviderConfig", "/ResourceTypes/User", "/Users/none", "/nothing", "/Users?filter=x"):
            client = self.ws.open(check=False)
            get, head = client.get(path), client.request("HEAD", path)
            self.assertEqual((head.status, head.body), (get.status, b""), path)
            for name in ("content-type", "etag", "content-location", "content-length"):
                self.assertEqual(head.headers.get(name), get.headers.get(name), (path, name))
            self.assertEqual(client.get(path).status, get.status)
            client.close()

    def test_C9_D9_options_and_allow(self):
        """OPTIONS says with 204 what 405 says for every method that is not among them; none of those does anything."""
        made, room = self.user("options@methods.example"), self.room("Options")
        client = self.ws.open(check=False)
        before = self.ws.counts()
        for path in ("/Users", "/Groups", "/Users/" + made["id"], "/Groups/" + room["id"], "/Schemas",
                     "/Schemas/" + USER, "/ResourceTypes", "/ServiceProviderConfig", "/Bulk", "/.search",
                     "/Users/.search"):
            answer = client.request("OPTIONS", path)
            self.assertEqual((answer.status, answer.body), (204, b""), path)
            allowed = {m.strip() for m in answer.headers["allow"].split(",")}
            self.assertIn("OPTIONS", allowed)
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW"} - allowed:
                refused = client.request(method, path, None if method in ("GET", "HEAD", "DELETE")
                                         else {"schemas": [USER], "userName": "x"})
                self.assertEqual((refused.status, {m.strip() for m in refused.headers["allow"].split(",")}),
                                 (405, allowed), (method, path))
        self.assertEqual(client.request("OPTIONS", "/nothing").status, 404)
        self.assertEqual(client.request("OPTIONS", "/Me").status, 501)
        self.assertEqual(self.ws.counts(), before)
        client.close()

    def test_V1_V2_etag_and_304(self):
        """The header is meta.version; a GET that has it already is 304 without body; * and lists too; another one
        gets the whole."""
        made = self.user("etag@methods.example")
        place, version = "/Users/" + made["id"], made["meta"]["version"]
        self.assertEqual(self.http.get(place).headers["etag"], version)
        for value, status in ((version, 304), ("*", 304), ('W/"none", ' + version, 304), (version[2:], 304),
                              ('W/"none"', 200), ("", 200)):
            answer = self.http.get(place, headers={"If-None-Match": value})
            self.assertEqual((answer.status, bool(answer.body)), (status, status == 200), value)
        self.expect(self.http.patch(place, patch_op({"op": "replace", "path": "title", "value": "T"})), 200)
        self.assertEqual(self.http.get(place, headers={"If-None-Match": version}).status, 200)


class Discovery(Case):
    def test_D1_versions(self):
        """The version of the URL is served or refused."""
        for prefix, status, scim_type in (("/scim/v2", 200, None), ("/scim/v1", 400, "invalidVers"),
                                          ("/scim/v3", 400, "invalidVers"),
                                          ("/w/%s/scim/v1" % self.ws.id, 400, "invalidVers")):
            for path in ("/Users", "/ServiceProviderConfig"):
                self.expect(self.ws.open(prefix=prefix).get(path), status, scim_type)

    def test_D2_config_says_what_is_true(self):
        config = self.expect(self.http.get("/ServiceProviderConfig"), 200).json
        self.assertEqual(config["schemas"], [CONFIG])
        for name, members in (("patch", {"supported"}), ("bulk", {"supported", "maxOperations", "maxPayloadSize"}),
                              ("filter", {"supported", "maxResults"}),
                              ("changePassword", {"supported"}), ("sort", {"supported"}), ("etag", {"supported"})):
            self.assertEqual(set(config[name]), members)
            self.assertTrue(all(type(v) is (bool if m == "supported" else int) for m, v in config[name].items()))
        for scheme in config["authenticationSchemes"]:
            self.assertIn(scheme["type"], ("oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"))
            self.assertTrue(scheme["name"] and scheme["description"])
        self.assertNotIn("Resources", config)
        self.assertNotIn(None, config.values())

    def test_D5_lists_and_single_ones(self):
        for path, key in (("/Schemas", "id"), ("/ResourceTypes", "name")):
            listed = self.expect(self.http.get(path), 200).json
            self.assertEqual((listed["schemas"], listed["totalResults"], listed["itemsPerPage"], listed["startIndex"]),
                             ([LIST], len(listed["Resources"]), len(listed["Resources"]), 1))
            for one in listed["Resources"]:
                self.assertEqual(self.expect(self.http.get("%s/%s" % (path, one[key])), 200).json, one)
                self.assertTrue(one["meta"]["location"].endswith("%s/%s" % (path, one[key])))
            for unknown in ("none", "urn:ietf:params:scim:schemas:core:2.0:Robot", "%20"):
                self.expect(self.http.get("%s/%s" % (path, unknown)), 404)

    def test_D6_no_queries_there(self):
        for path in ("/Schemas", "/ResourceTypes"):
            whole = self.http.get(path).json
            for query in ("startIndex=2", "count=1", "sortBy=id&sortOrder=descending", "count=0"):
                self.assertEqual(self.expect(self.http.get("%s?%s" % (path, query)), 200).json["Resources"],
                                 whole["Resources"], query)
            self.expect(self.http.find(path, 'id eq "x"'), 403)
        self.expect(self.http.find("/ServiceProviderConfig", 'id eq "x"'), 200)

    def test_D7_resource_types(self):
        types = {t["name"]: t for t in self.http.get("/ResourceTypes").json["Resources"]}
        self.assertEqual((types["User"]["endpoint"], types["User"]["schema"]), ("/Users", USER))
        self.assertEqual((types["Group"]["endpoint"], types["Group"]["schema"]), ("/Groups", GROUP))
        self.assertIn({"schema": ENTERPRISE, "required": False}, types["User"]["schemaExtensions"])
        schemas = {s["id"] for s in self.http.get("/Schemas").json["Resources"]}
        for t in types.values():
            self.assertEqual(t["schemas"], ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"])
            self.assertIsInstance(t["endpoint"], str)  # Z7: exactly one
            self.assertLessEqual({t["schema"]} | {e["schema"] for e in t.get("schemaExtensions", [])}, schemas)
            self.expect(self.http.get(t["endpoint"] + "?count=0"), 200)

    def test_D8_Z1_Z2_Z7_schemas(self):
        """All characteristics, exact spelling, no null; displayName of a room required, a manager's parts not;
        referenceTypes a list."""
        by_id = {s["id"]: s for s in self.http.get("/Schemas").json["Resources"]}
        for s in by_id.values():
            self.assertTrue(s["name"] and s["description"])
            for a in self.flat(s["attributes"]):
                self.assertFalse({"name", "type", "multiValued", "description", "required", "mutability",
                                  "returned"} - set(a), a)
                self.assertIn(a["type"], ("string", "boolean", "decimal", "integer", "dateTime", "binary", "reference",
                                          "complex"))
                self.assertIn(a["mutability"], ("readOnly", "readWrite", "immutable", "writeOnly"))
                self.assertIn(a["returned"], ("always", "never", "default", "request"))
                if a["type"] != "complex":
                    self.assertIn(a["uniqueness"], ("none", "server", "global"))
                    self.assertIsInstance(a["caseExact"], bool)
                else:
                    self.assertTrue(a["subAttributes"])
                if a["type"] == "reference":
                    self.assertTrue(a["referenceTypes"] and isinstance(a["referenceTypes"], list))
                self.assertNotIn(None, a.values())
        attribute = {(urn, a["name"]): a for urn, s in by_id.items() for a in s["attributes"]}
        self.assertEqual((attribute[USER, "userName"]["required"], attribute[USER, "userName"]["uniqueness"],
                          attribute[USER, "userName"]["caseExact"]), (True, "server", False))
        self.assertEqual((attribute[USER, "password"]["mutability"], attribute[USER, "password"]["returned"]),
                         ("writeOnly", "never"))
        self.assertTrue(attribute[GROUP, "displayName"]["required"])
        self.assertFalse(any(s["required"] for s in attribute[ENTERPRISE, "manager"]["subAttributes"]))
        self.assertEqual({s["name"]: s["mutability"] for s in attribute[GROUP, "members"]["subAttributes"]}["value"],
                         "immutable")
        self.assertEqual(attribute[USER, "groups"]["mutability"], "readOnly")

    def flat(self, attributes):
        for a in attributes:
            yield a
            yield from self.flat(a.get("subAttributes", []))

    def test_D9_other_methods(self):
        """405 with Allow, which names GET; W1: /Me is 501 for every method."""
        for path in DISCOVERY:
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                answer = self.expect(self.http.request(method, path, None if method == "DELETE"
                                                       else {"schemas": [USER]}), 405)
                self.assertIn("GET", answer.headers["allow"])
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            self.expect(self.http.request(method, "/Me", None if method in ("GET", "DELETE")
                                          else {"schemas": [USER]}), 501)

    def test_D10_any_key_may_read_it(self):
        for scope in ("scim:users:read", "scim:users:write", "scim:rooms:read", "scim:rooms:write"):
            client = self.ws.open(self.ws.key("only " + scope, scopes=scope)[0])
            for path in DISCOVERY:
                self.expect(client.get(path), 200)
            client.close()
        self.expect(self.ws.open("wrong").get("/Schemas"), 401)


class Errors(Case):
    def test_E1_Z4_each_status(self):
        """The same form for each: schemas, a status that is a string and the status, one detail, a scimType that
        fits."""
        made = self.user("e1@errors.example")
        place = "/Users/" + made["id"]
        cases = ((("GET", "/Users/none", None), 404, None), (("GET", "/none", None), 404, None),
                 (("PATCH", "/Users", {}), 405, None), (("GET", "/Users?filter=x", None), 400, "invalidFilter"),
                 (("GET", "/Users?count=x", None), 400, "invalidValue"),
                 (("POST", "/Users", b"{"), 400, "invalidSyntax"),
                 (("POST", "/Users", {"schemas": [USER]}), 400, "invalidValue"),
                 (("POST", "/Users", {"schemas": [USER], "userName": "E1@errors.example"}), 409, "uniqueness"),
                 (("GET", "/Schemas?filter=id%20pr", None), 403, None),
                 (("PATCH", place, patch_op({"op": "add", "path": "shoe", "value": 1})), 400, "invalidPath"),
                 (("PATCH", place, patch_op({"op": "remove"})), 400, "noTarget"),
                 (("PATCH", place, patch_op({"op": "replace", "path": "id", "value": "x"})), 400, "mutability"),
                 (("GET", "/Me", None), 501, None),
                 (("PATCH", place, patch_op({"op": "replace", "path": 'emails[x]', "value": "x"})), 400,
                  "invalidFilter"), (("POST", "/Users", b" " * 9000000), 413, None))
        for (method, path, body), status, scim_type in cases:
            answer = self.expect(self.http.request(method, path, body), status, scim_type)
            self.assertEqual(check_answer(answer), [])
            self.assertEqual((answer.json["schemas"], answer.json["status"], type(answer.json["detail"])),
                             ([ERROR], str(status), str))

    def test_E2_no_seat(self):
        """403 with used and limit; also in a PUT and a PATCH that reactivate; never for what needs none."""
        ws = self.stack.workspace("e2", seats=1)
        first = self.user("a", ws.client)
        idle = self.user("b", ws.client, active=False)
        on = patch_op({"op": "add", "value": {"active": "true"}})
        for answer in (ws.client.post("/Users", {"schemas": [USER], "userName": "c"}),
                       ws.client.patch("/Users/" + idle["id"], on),
                       ws.client.put("/Users/" + idle["id"], {"schemas": [USER], "userName": "b", "active": True})):
            self.assertRegex(self.expect(answer, 403).json["detail"], "1.*1")
        for answer in (ws.client.patch("/Users/" + idle["id"],
                                       patch_op({"op": "replace", "path": "title", "value": "T"})),
                       ws.client.patch("/Users/" + first["id"], on)):
            self.expect(answer, 200)
        self.expect(ws.client.delete("/Users/" + first["id"]), 204)
        self.expect(ws.client.patch("/Users/" + idle["id"], on), 200)
        ws.client.close()


class Tenants(Case):
    def test_N1_the_credential_says_which(self):
        """A URL that names another workspace, or none there is, is 404 for everything; one's own by id or name is
        fine."""
        other = self.stack.workspace("n1")
        made = self.user("n1@tenants.example")
        for prefix in ("/w/%s/scim/v2" % self.ws.id, "/w/%s/scim/v2" % self.ws.name):
            self.assertEqual(self.expect(self.ws.open(prefix=prefix).get("/Users/" + made["id"]), 200).json["id"],
                             made["id"])
        for name in (other.id, other.name, "nobody", "0190b3f2-0000-7000-8000-000000000000"):
            client = self.ws.open(prefix="/w/%s/scim/v2" % name)
            for method, path, body in (("GET", "/Users", None), ("GET", "/Users/" + made["id"], None),
                                       ("POST", "/Users", {"schemas": [USER], "userName": "lost"}),
                                       ("DELETE", "/Users/" + made["id"], None), ("GET", "/Schemas", None)):
                self.expect(client.request(method, path, body), 404)
            client.close()
        self.assertEqual(other.counts()["users"], 0)

    def test_N2_names_and_ids(self):
        """userName, externalId and displayName per tenant; ids of others are 404 in paths, unknown in members, no
        hit in filters."""
        other = self.stack.workspace("n2")
        made = [(self.user("same@n2.example", c, externalId="X"), self.room("Same", client=c))
                for c in (self.http, other.client)]
        (mine, _), (theirs, their_room) = made
        for place in ("/Users/" + theirs["id"], "/Groups/" + their_room["id"]):
            self.expect(self.http.get(place), 404)
            self.expect(self.http.delete(place), 404)
        self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "With them",
                                               "members": [{"value": theirs["id"]}]}), 400, "invalidValue")
        for text in ('userName eq "same@n2.example"', 'externalId eq "X"',
                     'id eq "%s" or id eq "%s"' % (mine["id"], theirs["id"])):
            self.assertEqual([u["id"] for u in self.http.find("/Users", text).json["Resources"]], [mine["id"]])
        self.assertNotEqual(mine["id"], theirs["id"])
        other.client.close()


class Secrets(Case):
    def test_X1_tokens_in_the_header_alone(self):
        """Not in the URI, not in a body; stored as a hash; dead once revoked."""
        bare = self.ws.open()
        bare.token = None
        self.expect(bare.get("/Users?access_token=" + self.ws.token), 401)
        self.expect(bare.post("/Users", ("access_token=" + self.ws.token).encode(),
                              headers={"Content-Type": "application/x-www-form-urlencoded"}), 401)
        bare.close()
        rows = repr(self.stack.sql("SELECT k::text FROM keys k WHERE workspace_id=%s", self.ws.id))
        self.assertIn(self.ws.key_id, rows)
        self.assertNotIn(self.ws.token, rows)
        token, key = self.ws.key("soon gone")
        self.expect(self.ws.open(token).get("/Users?count=0"), 200)
        self.stack.ctl("key", "revoke", key)
        self.expect(self.ws.open(token).get("/Users?count=0"), 401)

    def test_X3_Q48_passwords_are_nowhere(self):
        """Neither shown nor compared, in no row, no log, no record of any topic, the commands included."""
        secrets = ["Pass-%d-Wort-geheim" % i for i in range(4)]
        made = self.user("x3@secrets.example", password=secrets[0])
        place = "/Users/" + made["id"]
        shown = [made, self.expect(self.http.put(place, {"schemas": [USER], "userName": "x3@secrets.example",
                                                         "password": secrets[1]}), 200).json,
                 self.expect(self.http.patch(place, patch_op({"op": "replace", "path": "password",
                                                              "value": secrets[2]})), 200).json,
                 self.expect(self.http.patch(place,
                                             patch_op({"op": "add", "value": {"password": secrets[3], "title": "T"}})),
                             200).json,
                 self.http.get(place + "?attributes=password,userName").json,
                 self.http.get("/Users?attributes=password").json, self.http.get(place).json]
        self.assertNotIn("password", repr(shown))
        for text in ('password eq "%s"' % secrets[0], "password pr", 'password sw "P"',
                     'userName pr and not (password eq "x")'):
            self.expect(self.http.find("/Users", text), 400, "invalidFilter")
        self.followers.settle(self.ws.id)
        everything = repr(self.stack.sql("SELECT u::text FROM users u WHERE workspace_id=%s", self.ws.id)) + repr(
            self.stack.sql("SELECT c::text FROM command_log c WHERE workspace_id=%s", self.ws.id))
        for follower in (self.followers.audit, self.followers.membership, self.followers.rooms):
            everything += repr([(r.headers, r.value) for r in follower.snapshot(self.ws.id)])
        commands = stream.Follower(self.stack.kafka, "usher.commands")
        try:
            commands.wait(lambda rs: sum(1 for r in rs if made["id"] in repr(r.value)) >= 4, "the user's commands",
                          self.ws.id)
            everything += repr([r.value for r in commands.snapshot()])
        finally:
            commands.close()
        for program in ("ingest", "worker"):
            with open("%s/log/%s.log" % (self.stack.run_dir, program), errors="replace") as f:
                everything += f.read()
        self.assertIn("x3@secrets.example", everything)
        for secret in secrets:
            self.assertNotIn(secret, everything)

    def test_X4_user_names_are_compared_prepared(self):
        """Width, letter case and composition are one name; what differs for the eye differs."""
        for n, (one, same) in enumerate((("Ångström", "ÅNGSTRÖM"), ("Ａｄａ", "ada"), ("STRASSE", "straße"),
                                         ("ﬁnn", "FINN"))):
            made = self.user("%s-%d" % (one, n))
            self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "%s-%d" % (same, n)}), 409,
                        "uniqueness")
            self.assertEqual([u["id"]
                              for u in self.http.find("/Users", 'userName eq "%s-%d"' % (same, n)).json["Resources"]],
                             [made["id"]])
        self.user("angstrom-0")
        self.user("a.da-1")

    def test_X5_limits_of_input(self):
        """Size, depth, strings, members given twice, NUL, bad UTF-8: 400 invalidSyntax (413 where too large), and
        the next request is fine."""
        head = b'{"schemas":["%s"],"userName":"x5",' % USER.encode()
        for body, status, scim_type in ((head + b'"userName":"y"}', 400, "invalidSyntax"),
                                        (head + b'"title":"a\\u0000"}', 400, "invalidSyntax"),
                                        (head + b'"title":"\xff"}', 400, "invalidSyntax"),
                                        (head + b'"x":' + b"[" * 200 + b"]" * 200 + b"}", 400, "invalidSyntax"),
                                        (head + b'"title":"' + b"a" * 70000 + b'"}', 400, "invalidValue"),
                                        (b" " * 9000000, 413, None)):
            self.expect(self.http.again().post("/Users", body), status, scim_type)
        self.assertEqual(self.http.find("/Users", 'userName eq "x5"').json["totalResults"], 0)

    def test_X6_a_revoked_key_among_many_requests(self):
        """401 from the moment on, for each of many connections; the other key goes on."""
        token, key = self.ws.key("busy")
        clients = [self.ws.open(token), self.ws.open(token)]
        self.assertEqual(statuses(in_flight(4, [lambda c: c.get("/Users?count=0")] * 8, clients)), {200: 8})
        self.stack.ctl("key", "revoke", key)
        self.assertEqual(statuses(in_flight(4, [lambda c: c.get("/Users?count=0")] * 8, clients)), {401: 8})
        self.expect(self.http.get("/Users?count=0"), 200)
