"""What real clients do at the door, and what administrators get wrong there: parameters given twice, paths in other
letter cases, coded bodies, targets in absolute form, tokens that were badly copied, wrong URLs."""

import gzip
import json
import os
import urllib.parse

import proxied
from apihttp import ApiClient as Api
from case import Case
from scimhttp import SCIM_TYPE, USER, Client, patch_op, raw

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def wire(method, target, token, *lines, body=b"", host="usher.example"):
    """The exact bytes of a request, behind which the connection closes."""
    head = ["%s %s HTTP/1.1" % (method, target), "Authorization: Bearer " + token, "Connection: close"]
    head += ["Host: " + host] if host is not None else []
    head += ["Content-Length: %d" % len(body)] if body else []
    return "\r\n".join(head + list(lines) + ["", ""]).encode() + body


class Habits(Case):
    def ask(self, bytes_):
        return raw(self.stack.host, self.stack.port, bytes_)[0]

    def owner(self):
        return self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "Olga")["token"]


class Nothing(Habits):
    """T3: 204 needs no content type, but a widespread client takes one without for a failure."""

    def test_every_204_of_scim_names_its_type(self):
        user, room = self.user("nothing"), self.room("Nothing")
        rename = patch_op({"op": "replace", "path": "displayName", "value": "Nothing at all"})
        for answer in (self.http.patch("/Groups/" + room["id"], rename),
                       self.http.patch("/Users/" + user["id"], rename, headers={"Prefer": "return=minimal"}),
                       self.http.request("OPTIONS", "/Users"), self.http.delete("/Groups/" + room["id"]),
                       self.http.delete("/Users/" + user["id"])):
            self.expect(answer, 204)
            self.assertEqual(answer.headers["content-type"], SCIM_TYPE)
            self.assertEqual(answer.body, b"")

    def test_others_have_none(self):
        """Of the Management API; a 202, whose outcome comes later; and a 304."""
        api, user = Api(self.stack.url, self.ws.token), self.user("nothing else")
        other = self.user("nothing later")
        later = self.http.patch("/Users/" + other["id"], patch_op({"op": "replace", "path": "title", "value": "x"}),
                                headers={"Prefer": "respond-async"})
        self.expect(later, 202)
        got = self.expect(self.http.get("/Users/" + user["id"]), 200)
        same = self.http.get("/Users/" + user["id"], headers={"If-None-Match": got.headers["etag"]})
        self.expect(same, 304)
        gone = api.delete("/users/" + user["id"])
        self.assertEqual(gone.status, 204)
        for answer in (later, same, gone):
            self.assertNotIn("content-type", answer.headers)


class Twice(Habits):
    """T7: a parameter that is given twice."""

    def test_lists_of_attributes_are_joined(self):
        made = self.user("twice", displayName="Twice", title="T", nickName="N")
        for path in ("/Users/%s?" % made["id"], "/Users?filter=userName%20eq%20%22twice%22&"):
            answer = self.expect(self.http.get(path + "attributes=displayName&attributes=title"), 200).json
            shown = answer["Resources"][0] if "Resources" in answer else answer
            self.assertEqual(set(shown) - {"schemas", "id", "meta"}, {"displayName", "title"})
            answer = self.expect(self.http.get(path + "excludedAttributes=title&excludedAttributes=displayName"
                                               "&excludedAttributes="), 200).json
            shown = answer["Resources"][0] if "Resources" in answer else answer
            self.assertEqual({"displayName", "title", "nickName"} & set(shown), {"nickName"})
        written = self.http.put("/Users/%s?attributes=title&attributes=nickName" % made["id"],
                                {"schemas": [USER], "userName": "twice", "title": "T2", "nickName": "N2"})
        self.assertEqual(set(self.expect(written, 200).json) - {"schemas", "id", "meta"}, {"title", "nickName"})

    def test_any_other_is_refused_by_name(self):
        for name in ("filter", "count", "startIndex", "sortBy", "sortOrder", "cursor"):
            for values in (("1", "2"), ("1", "1"), ("", "")):
                with self.subTest("%s %r" % (name, values)):
                    answer = self.expect(self.http.get("/Users?%s=%s&%s=%s" % (name, values[0], name, values[1])), 400,
                                         "invalidValue")
                    self.assertEqual(answer.json["detail"], "The parameter %s is given twice" % name)
        self.expect(self.http.post("/Users?filter=1&filter=2", {"schemas": [USER], "userName": "never"}), 400,
                    "invalidValue")
        self.expect(self.http.get("/Schemas?count=1&count=1"), 400, "invalidValue")
        self.assertEqual(self.expect(self.http.find("/Users", 'userName eq "never"'), 200).json["totalResults"], 0)

    def test_so_it_is_in_the_other_interfaces(self):
        api, admin = Api(self.stack.url, self.ws.token), Api(self.stack.url, self.owner())
        for client, path, name in ((api, "/users", "limit"), (api, "/rooms", "filter"), (api, "/users", "userName"),
                                   (api, "/activity", "cursor"), (api, "/rooms", "displayName"),
                                   (admin, "/admin/keys", "limit"), (admin, "/admin/owners", "cursor")):
            with self.subTest("%s %s" % (path, name)):
                answer = client.get("%s?%s=1&%s=2" % (path, name, name))
                self.assertEqual(answer.status, 400, answer)
                self.assertEqual(answer.json["type"], "urn:usher:problem:invalid-value")
                self.assertEqual(answer.json["errors"], [{"path": name}])
        form = b"grant_type=client_credentials&scope=scim:users:read&scope=scim:users:read"
        answer = self.ask(wire("POST", "/oauth2/token", "x", "Content-Type: application/x-www-form-urlencoded",
                               body=form))
        self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_request"))
        self.assertEqual(answer.json["error_description"], "A parameter is given twice")

    def test_every_parameter_of_the_documents_is_known(self):
        """What the OpenAPI document lists is refused when it comes twice."""
        document = self.ask(wire("GET", "/api/v1/openapi.json", self.ws.token)).json
        api, found = Api(self.stack.url, self.ws.token), set()

        def look(part):
            if isinstance(part, dict):
                if part.get("in") == "query":
                    found.add(part["name"])
                part = list(part.values())
            for one in part if isinstance(part, list) else []:
                look(one)

        look(document)
        self.assertLessEqual({"limit", "cursor", "filter", "userName"}, found)
        for name in found:
            self.assertEqual(api.get("/users?%s=1&%s=1" % (name, name)).status, 400, name)

    def test_what_nobody_knows_is_ignored(self):
        """T7: however often it comes."""
        self.expect(self.http.get("/Users?count=0&x=1&x=2&_=3&_=4"), 200)


class LetterCase(Habits):
    """T7: the paths of SCIM's collections in any letter case; those of the Management API as they are written."""

    def spellings(self, path):
        return (path, path.lower(), path.upper(), path.swapcase())

    def test_every_collection_in_any_case(self):
        user, room = self.user("letters"), self.room("Letters")
        for prefix in ("/scim/v2", "/w/%s/scim/v2" % self.ws.id):
            client = self.ws.client.again()
            client.prefix = prefix
            for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Users", "/Groups",
                         "/Schemas/" + USER, "/ResourceTypes/User", "/ResourceTypes/Group"):
                for spelling in self.spellings(path):
                    with self.subTest(prefix + spelling):
                        self.expect(client.get(spelling), 200)
            for spelling in self.spellings("/Me"):
                self.expect(client.get(spelling), 501)
            for where in ("", "/Users", "/Groups"):
                for spelling in self.spellings(where + "/.search"):
                    with self.subTest(prefix + spelling):
                        self.expect(client.post(spelling, {"schemas": [SEARCH], "count": 1}), 200)
            for n, spelling in enumerate(self.spellings("/Bulk")):
                body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
                    {"method": "POST", "path": "/%s" % ("USERS", "users")[n % 2], "bulkId": "b",
                     "data": {"schemas": [USER], "userName": "letters%s%d" % (prefix[1], n)}}]}
                done = self.expect(client.post(spelling, body), 200).json["Operations"]
                self.assertEqual(done[0]["status"], "201", done)
                self.assertIn("/Users/", done[0]["location"])
            client.close()
        for path, made in (("/uSERS/", user), ("/groups/", room)):
            got = self.expect(self.http.get(path + made["id"]), 200)
            self.assertEqual(got.json["meta"]["location"], made["meta"]["location"])
        self.expect(self.http.delete("/GROUPS/" + room["id"]), 204)

    def test_base_paths_and_the_management_api_are_exact(self):
        api = Api(self.stack.url, self.ws.token)
        for path in ("/SCIM/v2/Users", "/scim/V2/Users", "/W/%s/scim/v2/Users" % self.ws.id, "/API/v1/users"):
            self.assertEqual(self.ask(wire("GET", path, self.ws.token)).status, 404, path)
        for path in ("/Users", "/ROOMS", "/Workspace"):
            self.assertEqual(api.get(path).status, 404, path)


class Coded(Habits):
    """T2: a body with a content coding (RFC 9110 sections 8.4, 12.5.3 and 15.5.16)."""

    def test_a_coded_body_is_refused_and_the_coding_named(self):
        body = gzip.compress(json.dumps({"schemas": [USER], "userName": "coded"}).encode())
        for coding in ("gzip", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"):
            for method, path in (("POST", "/Users"), ("PUT", "/Users/x"), ("PATCH", "/Groups/x"), ("POST", "/Bulk"),
                                 ("POST", "/.search")):
                with self.subTest("%s %s %s" % (coding, method, path)):
                    answer = self.expect(self.http.request(method, path, body, {"Content-Encoding": coding}), 415)
                    self.assertIn("Content-Encoding: " + coding, answer.json["detail"])
                    self.assertEqual(answer.headers["accept-encoding"], "identity")
                    self.assertNotIn("accept", answer.headers)
        self.assertEqual(self.expect(self.http.find("/Users", 'userName eq "coded"'), 200).json["totalResults"], 0)

    def test_so_it_is_in_the_other_interfaces(self):
        body = gzip.compress(b"{}")
        for path, token, kind in (("/api/v1/users", self.ws.token, "application/json"),
                                  ("/api/v1/users/import", self.ws.token, "application/json"),
                                  ("/api/v1/admin/keys", self.owner(), "application/json"),
                                  ("/oauth2/token", "x", "application/x-www-form-urlencoded")):
            answer = self.ask(wire("POST", path, token, "Content-Type: " + kind, "Content-Encoding: gzip", body=body))
            self.assertEqual((answer.status, answer.headers.get("accept-encoding")), (415, "identity"), answer)
            self.assertIn("Content-Encoding: gzip", json.dumps(answer.json))

    def test_nobody_without_a_credential_is_told(self):
        answer = self.ask(wire("POST", "/scim/v2/Users", "nonsense", "Content-Type: " + SCIM_TYPE,
                               "Content-Encoding: gzip", body=b"x"))
        self.assertEqual(answer.status, 401)

    def test_no_coding_at_all_is_no_reason(self):
        for n, coding in enumerate(("", "identity", "Identity", "identity, identity", ",")):
            made = self.http.request("POST", "/Users", {"schemas": [USER], "userName": "uncoded%d" % n},
                                     {"Content-Encoding": coding})
            self.expect(made, 201)
        self.expect(self.http.get("/Users?count=0", headers={"Content-Encoding": "gzip"}), 200)

    def test_a_wrong_type_is_told_what_is_taken(self):
        """RFC 9110 section 12.5.1: Accept in an answer."""
        answer = self.expect(self.http.request("POST", "/Users", b"x", {"Content-Type": "text/xml"}), 415)
        self.assertEqual(answer.headers["accept"], "application/scim+json, application/json")
        self.assertNotIn("accept-encoding", answer.headers)


class Absolute(Habits):
    """T6: a target in absolute form says which address is meant (RFC 9112 section 3.2.2), whatever Host says."""

    def create(self, target, name, *lines, host="usher.example"):
        body = json.dumps({"schemas": [USER], "userName": name}).encode()
        answer = self.ask(wire("POST", target, self.ws.token, "Content-Type: " + SCIM_TYPE, *lines, body=body,
                               host=host))
        self.assertEqual(answer.status, 201, answer)
        return answer

    def test_addresses_are_built_from_the_target(self):
        for n, (origin, host) in enumerate((("http://other.example", "usher.example"),
                                            ("http://other.example:8080", "usher.example:8080"),
                                            ("http://OTHER.example", "other.example"),
                                            ("http://[2001:db8::1]:81", "x"), ("https://front.example", "inside"))):
            for prefix in ("/scim/v2", "/w/%s/scim/v2" % self.ws.id):
                with self.subTest(origin + prefix):
                    answer = self.create(origin + prefix + "/Users", "absolute%d%s" % (n, prefix[1]), host=host)
                    base = "%s%s/Users/%s" % (origin, prefix, answer.json["id"])
                    self.assertEqual(answer.headers["location"], base)
                    self.assertEqual(answer.headers["content-location"], base)
                    self.assertEqual(answer.json["meta"]["location"], base)

    def test_in_lists_discovery_and_documents(self):
        self.create("/scim/v2/Users", "in lists")
        origin, get = "http://other.example:99", lambda path: self.ask(wire("GET", "http://other.example:99" + path,
                                                                            self.ws.token)).json
        listed = get("/scim/v2/Users?count=1&filter=" + urllib.parse.quote('userName eq "in lists"'))["Resources"][0]
        self.assertTrue(listed["meta"]["location"].startswith(origin + "/scim/v2/Users/"), listed)
        self.assertTrue(get("/scim/v2/ServiceProviderConfig")["meta"]["location"].startswith(origin + "/scim/v2/"))
        self.assertEqual(get("/api/v1/openapi.json")["servers"][0]["url"], "/")
        body = b'{"userName":"over the api"}'
        made = self.ask(wire("POST", origin + "/api/v1/users", self.ws.token, "Content-Type: application/json",
                             body=body))
        self.assertTrue(made.headers["location"].startswith(origin + "/api/v1/users/"), made)

    def test_a_host_header_must_be_there_and_be_one(self):
        """RFC 9112 section 3.2, also where it counts for nothing."""
        for host, status in (("a/b", 400), ("", 400), (None, 400), ("anything.example", 200)):
            answer = self.ask(wire("GET", "http://other.example/scim/v2/Users?count=0", self.ws.token, host=host))
            self.assertEqual(answer.status, status, host)
        for target in ("http:///scim/v2/Users", "http://a@b/scim/v2/Users", "http://a b/scim/v2/Users"):
            self.assertEqual(self.ask(wire("GET", target, self.ws.token)).status, 400, target)


class Tokens(Habits):
    """T5: what is wrong with a token is said by name, and no part of it is told."""

    sources = 0

    def refused(self, authorization, status=401, path="/Users?count=0", prefix="/scim/v2"):
        """From an address of its own: wrong tokens of one address are answered later and later."""
        Tokens.sources += 1
        client = Client(proxied.url(self.stack), headers={"Authorization": authorization,
                                                          **proxied.came_from("198.51.100.%d" % Tokens.sources)},
                        prefix=prefix, check=False)
        answer = client.get(path)
        client.close()
        self.assertEqual(answer.status, status, answer)
        return answer.json["detail"]

    def test_each_mistake_by_its_name(self):
        good = self.ws.token
        turned = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]
        swapped = next(good[:i] + good[i + 1] + good[i] + good[i + 2:] for i in range(4, 52) if good[i] != good[i + 1])
        for authorization, due in (
                ("Bearer Bearer " + good, "the word Bearer stands twice"),
                ("Bearer bearer: " + good, "the word Bearer stands twice"),
                ('Bearer "%s"' % good, "quotation marks"), ("Bearer '%s'" % good, "quotation marks"),
                ("Bearer \u201c%s\u201d" % good, "quotation marks"), ("Bearer <%s>" % good, "brackets"),
                ("Bearer " + good[:-6], "it is cut: it has 47 characters of 53"),
                ("Bearer " + good[:12], "it is cut: it has 12 characters of 53"),
                ("Bearer " + good + "x", "it is too long: it has 54 characters instead of 53"),
                ("Bearer " + good + good, "it stands there twice"),
                ("Bearer " + turned, "it is mistyped"), ("Bearer " + swapped, "it is mistyped"),
                ("Bearer %s %s" % (good[:9], good[9:]), "a blank in it"),
                ("Bearer %s\t%s" % (good[:9], good[9:]), "a blank in it"),
                ("Bearer " + good[:12] + "\u2026", "a character that no token has"),
                ("Bearer " + good + ",", "a character that no token has"),
                ("Bearer eyJhbGciOiJub25lIn0.e30.", "does not begin with ush_"),
                ("Bearer ust_x", "it is cut: it has 5 characters of 80"),
                (good, "does not begin with the word Bearer"), ("Token " + good, "does not begin with the word Bearer"),
                ("Bearer:" + good, "One blank must stand"), ("Basic " + good, "the scheme Basic"),
                ("Bearer", "no token behind the word Bearer"), (None, "no Authorization header")):
            with self.subTest(authorization):
                detail = self.refused(authorization)
                self.assertIn(due, detail)
                self.assertFalse([i for i in range(4, 48) if good[i:i + 6] in detail], detail)

    def test_so_it_is_for_client_secrets(self):
        good = self.ws.token
        for secret, due in ((good[:-6], "it is cut: it has 47 characters of 53"), ('"%s"' % good, "quotation marks"),
                            ("Bearer " + good, "the word Bearer stands twice")):
            form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": self.ws.key_id,
                                           "client_secret": secret}).encode()
            answer = self.ask(wire("POST", "/oauth2/token", "", "Content-Type: application/x-www-form-urlencoded",
                                   body=form).replace(b"Authorization: Bearer \r\n", b""))
            self.assertEqual((answer.status, answer.json["error"]), (401, "invalid_client"), answer)
            self.assertIn(due, answer.json["error_description"])

    def test_a_good_token_at_the_wrong_door(self):
        """Of an owner at SCIM, of a key at the admin API, of another workspace's address; each says what it is."""
        owner, other = self.owner(), self.stack.workspace("habitsother")
        self.assertIn("here an API key is needed", self.refused("Bearer " + owner, 403))
        self.assertIn("not an API key", self.refused("Bearer " + self.ws.token, 403, "/keys", "/api/v1/admin"))
        for name in (other.id, other.name, "nobody-has-this-name"):
            detail = self.refused("Bearer " + self.ws.token, 404, "/Users?count=0", "/w/%s/scim/v2" % name)
            self.assertIn("the workspace that it names is not that of the token", detail)

    def test_no_log_has_a_part_of_a_token(self):
        """X2."""
        part = self.ws.token[12:40]
        folder = os.path.join(self.stack.run_dir, "log")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), errors="replace") as f:
                self.assertNotIn(part, f.read(), name)
        self.assertFalse([r for r in self.followers.audit.snapshot() if r.value and part in str(r.value)])


class Places(Habits):
    """D9: a wrong path is answered with the base URL and the nearest path."""

    def lost(self, path, status=404, token=None):
        answer = self.ask(wire("GET", path, token or self.ws.token, host="usher.example"))
        self.assertEqual(answer.status, status, answer)
        return answer.json["detail"]

    def test_the_nearest_path_and_the_base_url(self):
        ws = "/w/" + self.ws.id
        for path, near, base in (("/scim/v2/User", "/scim/v2/Users", "/scim/v2"),
                                 ("/scim/v2/Goups/1", "/scim/v2/Groups/1", "/scim/v2"),
                                 ("/scim/v2/scim/v2/Users", "/scim/v2/Users", "/scim/v2"),
                                 ("/scim/v2//Users", "/scim/v2/Users", "/scim/v2"),
                                 ("/Users", "/scim/v2/Users", "/scim/v2"),
                                 ("/SCIM/v2/Users", "/scim/v2/Users", "/scim/v2"),
                                 ("/scim/Users", "/scim/v2/Users", "/scim/v2"),
                                 (ws + "/scim/v2/Schema", ws + "/scim/v2/Schemas", ws + "/scim/v2"),
                                 ("/api/v1/user", "/api/v1/users", "/api/v1"),
                                 ("/api/rooms", "/api/v1/rooms", "/api/v1")):
            with self.subTest(path):
                detail = self.lost(path)
                self.assertIn("did you mean %s?" % near, detail)
                self.assertTrue(detail.endswith(" is http://usher.example" + base), detail)
        self.assertIn("did you mean /api/v1/admin/keys?", self.lost("/api/v1/admin/key", token=self.owner()))

    def test_where_nothing_is_near_the_base_url_alone(self):
        for path, base in (("/scim/v2/Nothing", "/scim/v2"), ("/api/v1/nothing", "/api/v1"), ("/a/b/c", "/scim/v2")):
            detail = self.lost(path)
            self.assertNotIn("did you mean", detail)
            self.assertTrue(detail.endswith(" is http://usher.example" + base), detail)

    def test_another_version(self):
        answer = self.ask(wire("GET", "/scim/v1/Users", self.ws.token))
        self.assertEqual((answer.status, answer.json["scimType"]), (400, "invalidVers"))
        self.assertIn("did you mean /scim/v2/Users?", answer.json["detail"])

    def test_who_has_no_credential_is_told_what_stands_in_the_documents(self):
        self.assertIn("did you mean /scim/v2/Users?", self.lost("/Users", token="nonsense"))
        self.lost("/scim/v2/User", 401, "nonsense")


class Limits(Habits):
    """X5: a limit says its number, and how much was sent."""

    def refused(self, status, method, path, body, *due):
        answer = self.http.request(method, path, body)
        self.assertEqual(answer.status, status, answer)
        for number in due:
            self.assertIn(str(number), answer.json["detail"])

    def test_of_values(self):
        user, room = self.user("limits"), self.room("Limits")

        def new(**more):
            return {"schemas": [USER], "userName": "limits too", **more}

        photo = {"type": "photo", "value": "data:image/png;base64," + "A" * 700000}
        self.refused(400, "POST", "/Users", new(photos=[photo]), "photos", 700022, 65536)
        self.refused(400, "PATCH", "/Users/" + user["id"],
                     patch_op({"op": "add", "path": "photos", "value": [photo]}), "photos", 700022, 65536)
        self.refused(400, "POST", "/Users", new(displayName="x" * 70000), "displayName", 70000)
        self.refused(400, "POST", "/Users", new(userName="x" * 5000), "userName", 5000)
        self.refused(400, "PATCH", "/Groups/" + room["id"],
                     patch_op({"op": "add", "path": "members", "value": [{"value": "x" * 70000}]}), 70000)

    def test_of_queries_and_heads(self):
        self.refused(400, "GET", "/Users?filter=" + "a" * 12000, None, 12000)
        self.refused(400, "GET", "/Users?" + "&".join("p%d=1" % i for i in range(70)), None, 70, 64)
        self.refused(414, "GET", "/Users?x=" + "a" * 20000, None, 16384)
        answer = self.http.get("/Users", headers={"X-Long": "a" * 20000})
        self.assertEqual(answer.status, 431)
        self.assertIn("16384", answer.json["detail"])

    def test_of_bodies(self):
        size = 9 * 1024 * 1024
        for path in ("/scim/v2/Users", "/api/v1/users"):
            answer = self.ask(wire("POST", path, self.ws.token, "Content-Type: application/json",
                                   "Content-Length: %d" % size))
            self.assertEqual(answer.status, 413, answer)
            self.assertIn(str(size), answer.json["detail"])
            self.assertIn("8388608", answer.json["detail"])
        answer = self.ask(wire("POST", "/scim/v2/Bulk", self.ws.token, "Content-Type: application/scim+json",
                               "Content-Length: 2000000"))
        self.assertEqual(answer.status, 413)
        self.assertIn("maxPayloadSize (1048576 bytes); it has 2000000 bytes", answer.json["detail"])
