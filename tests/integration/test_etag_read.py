"""What stands around a read: entity tags (V1, V2), HEAD, OPTIONS and 405 (D9), Content-Location (T6), addresses
(T7), the public URL."""

import os
import urllib.parse

import stack as stacks
from case import Case
from scimhttp import GROUP, USER, patch_op, raw


class Reads(Case):
    def test_V1_V2_if_none_match(self):
        """304 without a body where the client has it, by weak comparison; else the resource."""
        for made in (self.user("etag@read.example", title="T"), self.room("Etag")):
            path = urllib.parse.urlsplit(made["meta"]["location"]).path.removeprefix("/scim/v2")
            whole = self.expect(self.http.get(path), 200)
            tag = whole.headers["etag"]
            self.assertEqual(tag, made["meta"]["version"])
            self.assertRegex(tag, r'^W/"\d+"$')
            for has in (tag, tag[2:], "*", '"x", ' + tag, tag + ',"y"', ' W/"77" ,%s ' % tag, "  *  "):
                for method in ("GET", "HEAD"):
                    got = self.http.request(method, path, headers={"If-None-Match": has})
                    self.assertEqual((got.status, got.body), (304, b""), (has, method))
                    self.assertEqual(got.headers["etag"], tag)
                    self.assertEqual(got.headers["content-location"], made["meta"]["location"])
                    self.assertNotIn("content-type", got.headers)
                    self.assertIn(got.headers.get("content-length"), (None, str(len(whole.body))))  # RFC 9110, 8.6
            for has in ('W/"77"', '"77"', "nonsense", tag.strip('W/"'), '"*"', "", 'W/"%s"' % ("9" * 40),
                        "w/" + tag[2:]):
                self.assertEqual(self.expect(self.http.get(path, headers={"If-None-Match": has}), 200).json, whole.json)
            self.assertEqual(self.http.get(path + "?attributes=title", headers={"If-None-Match": tag}).status, 304)
            body = {"op": "replace", "path": "externalId", "value": "new"}
            self.expect(self.http.patch(path + "?attributes=id", patch_op(body)), 200)
            changed = self.expect(self.http.get(path, headers={"If-None-Match": tag}), 200)
            self.assertNotEqual(changed.headers["etag"], tag)
            self.assertEqual(self.http.get(path, headers={"If-None-Match": changed.headers["etag"]}).status, 304)
        self.expect(self.http.get("/Users/0190b3f2-0000-7000-8000-000000000000", headers={"If-None-Match": "*"}), 404)
        self.expect(self.http.get("/Users", headers={"If-None-Match": "*"}), 200)  # a list has no tag

    def test_V2_groups_of_a_user(self):
        """A user's groups change without the user: whoever has others is not told "not modified"; and a change by
        that tag is about the user alone."""
        made, room = self.user("grouped@read.example"), self.room("Etag of groups")
        path = "/Users/" + made["id"]
        alone = made["meta"]["version"]
        self.expect(self.http.patch("/Groups/" + room["id"],
                                    patch_op({"op": "add", "path": "members", "value": [{"value": made["id"]}]})), 204)
        within = self.expect(self.http.get(path, headers={"If-None-Match": alone}), 200)
        tag = within.headers["etag"]
        self.assertRegex(tag, r'^W/"\d+\.[0-9a-f]{8}"$')
        self.assertEqual(tag, within.json["meta"]["version"])
        self.assertEqual(self.http.get(path, headers={"If-None-Match": tag}).status, 304)
        self.assertEqual(self.http.get(path + "?excludedAttributes=groups",
                                       headers={"If-None-Match": alone}).status, 304)
        changed = self.expect(self.http.patch(path, patch_op({"op": "replace", "path": "title", "value": "T"}),
                                              headers={"If-Match": tag}), 200)
        self.expect(self.http.patch(path, patch_op({"op": "replace", "path": "title", "value": "U"}),
                                    headers={"If-Match": tag}), 412)
        self.assertEqual(self.http.get(path, headers={"If-None-Match": changed.headers["etag"]}).status, 304)
        self.expect(self.http.patch("/Groups/" + room["id"], patch_op({"op": "remove", "path": "members"})), 204)
        self.expect(self.http.get(path, headers={"If-None-Match": changed.headers["etag"]}), 200)

    def test_V2_several_lines(self):
        made = self.user("lines@read.example")
        wire = "GET /scim/v2/Users/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIf-None-Match: \"x\"\r\nIf-None-Match: %s\r\n\r\n" % (made["id"], self.ws.token, made["meta"]["version"])
        answers = raw(self.stack.host, self.stack.port, wire.encode())
        self.assertEqual(answers[0].status, 304)

    def test_HEAD(self):
        made = self.user("head@read.example")
        for path in ("/Users/" + made["id"], "/Users", "/Users?count=1&cursor=", "/", "/ServiceProviderConfig",
                     "/Schemas", "/Users/none"):
            got, head = self.http.get(path), self.ws.open(check=False).request("HEAD", path)
            self.assertEqual((head.status, head.body), (got.status, b""))
            for name in ("content-type", "etag",
                         "content-location") + (() if "cursor" in path else ("content-length",)):
                self.assertEqual(head.headers.get(name), got.headers.get(name), (path, name))

    def test_OPTIONS(self):
        """204 with what is allowed, for who has a key; the methods named are those that are not 405."""
        made = self.user("options@read.example")
        for path, allow in (("", "GET, HEAD, OPTIONS"), ("/Users", "GET, HEAD, POST, OPTIONS"),
                            ("/Groups", "GET, HEAD, POST, OPTIONS"),
                            ("/Users/" + made["id"], "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
                            ("/Groups/none", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
                            ("/.search", "POST, OPTIONS"), ("/Users/.search", "POST, OPTIONS"),
                            ("/Schemas", "GET, HEAD, OPTIONS"), ("/Bulk", "POST, OPTIONS")):
            got = self.expect(self.http.request("OPTIONS", path), 204)
            self.assertEqual((got.headers["allow"], got.body), (allow, b""))
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
                answer = self.ws.open(check=False).request(method, path, headers={"If-Match": '"0"'})
                self.assertEqual(answer.status == 405, method not in allow.split(", "), (method, path, answer))
                if answer.status == 405:
                    self.assertEqual(answer.headers["allow"], allow)
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):  # W1
            self.assertEqual(self.ws.open(check=False).request(method, "/Me").status, 501)
        self.expect(self.ws.open("wrong").request("OPTIONS", "/Users"), 401)
        self.expect(self.http.request("OPTIONS", "/none"), 404)
        only = self.ws.open(self.ws.key("only", scopes="scim:rooms:read")[0])
        self.expect(only.request("OPTIONS", "/Users"), 204)

    def test_T6_content_location(self):
        """On every answer that is one resource, equal to meta.location; not on lists."""
        created = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "cl@read.example"}), 201)
        path = "/Users/" + created.json["id"]
        put = self.http.put(path, {"schemas": [USER], "userName": "cl@read.example", "title": "x"})
        patched = self.http.patch(path, patch_op({"op": "replace", "path": "title", "value": "y"}))
        for answer in (created, put, patched, self.http.get(path), self.http.get(path + "?attributes=meta")):
            self.assertEqual(answer.headers["content-location"], answer.json["meta"]["location"])
        for other in ("/Users", "/", "/Schemas", "/Users/none"):
            self.assertNotIn("content-location", self.http.get(other).headers)
        self.assertIn("content-location", self.http.get(path + "?excludedAttributes=meta").headers)

    def test_T7_percent_encoding(self):
        made = self.user("percent@read.example")
        encoded = "".join("%%%02x" % ord(c) for c in made["id"])
        for path in ("/%55sers/" + made["id"], "/Users/" + encoded, "/%75sers/" + made["id"].upper(),
                     "/USERS/" + encoded.upper()):
            self.assertEqual(self.expect(self.http.get(path), 200).json["id"], made["id"])
        self.expect(self.http.get("/Schemas/" + urllib.parse.quote(USER, safe="")), 200)
        self.expect(self.http.get("/%53chemas"), 200)
        self.expect(self.http.get("/Users?filter=%75serName%20eq%20%22percent%40read.example%22"), 200)
        for path in ("/Users/%", "/Users/%zz", "/Users/%ff", "/Users/%00", "/%ff"):
            self.assertIn(self.http.get(path).status, (400, 404), path)


class PublicUrl(Case):
    """An ingest behind a proxy, on a stack of its own: all addresses begin with public-url."""

    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-public",
                                     INGEST_ARGS="--public-url=https://scim.example.org/tenant/",
                                     WORKER_ARGS=stacks.APPLY_ALONE)
        cls.stack.start()
        cls.ws = cls.stack.workspace("public")
        cls.http = cls.ws.client

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    def test_T6_addresses(self):
        base = "https://scim.example.org/tenant"
        for prefix in ("/scim/v2", "/w/%s/scim/v2" % self.ws.id):
            client = self.ws.open(prefix=prefix)
            made = self.expect(client.post("/Users",
                                           {"schemas": [USER], "userName": "u%d@public.example" % len(prefix)}), 201)
            self.assertEqual(made.json["meta"]["location"], "%s%s/Users/%s" % (base, prefix, made.json["id"]))
            self.assertEqual((made.headers["location"], made.headers["content-location"]),
                             (made.json["meta"]["location"],) * 2)
            room = self.expect(client.post("/Groups", {"schemas": [GROUP], "displayName": "R%d" % len(prefix),
                                                       "members": [{"value": made.json["id"]}]}), 201).json
            self.assertEqual(room["members"][0]["$ref"], made.json["meta"]["location"])
            self.assertEqual(client.get("/Users/" + made.json["id"]).json["groups"][0]["$ref"],
                             room["meta"]["location"])
            for text in ('meta.location eq "%s"' % made.json["meta"]["location"],
                         'groups.$ref eq "%s"' % room["meta"]["location"]):
                self.assertEqual([u["id"] for u in client.find("/Users", text).json["Resources"]], [made.json["id"]])
            self.assertEqual(client.find("/Users",
                                         'meta.location eq "http://127.0.0.1/scim/v2/Users/%s"' % made.json["id"]).json["totalResults"], 0)
            self.assertTrue(client.get("/Schemas/" + USER).json["meta"]["location"].startswith(base + prefix))
            client.close()
