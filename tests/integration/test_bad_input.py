"""Bad input of any kind gets the right SCIM error and leaves nothing behind: no row, no seat, no event, no number of
a sequence."""

import copy
import json
import socket
import time
from random import Random

import proxied
from case import BUSY, Case
from scimhttp import ENTERPRISE, GROUP, LIST, PATCH_OP, ROLE, USER, Reader, check_answer, patch_op, raw
from waiting import SILENCE, wait_until

U, G, P = [USER], [GROUP], [PATCH_OP]


def nested(depth):
    return b'{"schemas":["%s"],"userName":"deep","name":' % USER.encode() + b'{"formatted":' * depth + b'"x"' + b"}" * depth + b"}"


def user(**more):
    return {"schemas": U, "userName": "bad@bad.example", **more}


def ops(*operations):
    return patch_op(*operations)


# name, method, path, body (bytes: as they are), status, scimType, further headers. {u} a user, {g} a room, {m} a user
# who is a member of it.
CASES = [
    # ---- not JSON, or not an object
    ("empty body", "POST", "/Users", b"", 400, "invalidSyntax"),
    ("not JSON", "POST", "/Users", b"userName=x", 400, "invalidSyntax"),
    ("cut off", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"x"', 400, "invalidSyntax"),
    ("something behind", "POST", "/Users", json.dumps(user()).encode() + b"}", 400, "invalidSyntax"),
    ("two documents", "POST", "/Users", json.dumps(user()).encode() * 2, 400, "invalidSyntax"),
    ("an array", "POST", "/Users", [user()], 400, "invalidSyntax"),
    ("a string", "POST", "/Users", b'"x"', 400, "invalidSyntax"),
    ("null", "POST", "/Users", b"null", 400, "invalidSyntax"),
    ("single quotes", "POST", "/Users", b"{'userName':'x'}", 400, "invalidSyntax"),
    ("trailing comma", "POST", "/Users", b'{"userName":"x",}', 400, "invalidSyntax"),
    ("not a number", "POST", "/Users", b'{"schemas":["x"],"userName":NaN}', 400, "invalidSyntax"),
    ("invalid UTF-8", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"\xff\xfe"}', 400,
     "invalidSyntax"),
    ("lone surrogate", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"\\ud800"}', 400,
     "invalidSyntax"),
    ("NUL escaped", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"a\\u0000b"}', 400,
     "invalidSyntax"),
    ("NUL raw", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"a\x00b"}', 400, "invalidSyntax"),
    ("byte order mark", "POST", "/Users", b"\xef\xbb\xbf" + json.dumps(user()).encode(), 400, "invalidSyntax"),
    ("UTF-16", "POST", "/Users", json.dumps(user()).encode("utf-16"), 400, "invalidSyntax"),
    ("member twice", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"a","userName":"b"}', 400,
     "invalidSyntax"),
    ("member twice in other letters", "POST", "/Users", b'{"schemas":["' + USER.encode()
     + b'"],"userName":"a","USERNAME":"b"}', 400, "invalidSyntax"),
    ("number beyond range", "POST", "/Users", b'{"schemas":["' + USER.encode() + b'"],"userName":"a","x":1e999}', 400,
     "invalidSyntax"),
    ("integer beyond range", "POST", "/Users", b'{"schemas":["' + USER.encode()
     + b'"],"userName":"a","x":99999999999999999999}', 400, "invalidSyntax"),
    ("too deep", "POST", "/Users", nested(40), 400, "invalidSyntax"),
    ("far too deep", "POST", "/Users", nested(100000), 400, "invalidSyntax"),
    ("brackets only", "POST", "/Users", b"[" * 100000, 400, "invalidSyntax"),
    ("too many elements", "POST", "/Users", b'{"schemas":[' + b'{},' * 1000000 + b'{}]}', 400, "invalidSyntax"),
    # ---- too large
    ("too large", "POST", "/Users", b" " * (9 * 1024 * 1024), 413, None),
    ("target too long", "GET", "/Users?filter=" + "a" * 20000, None, 414, None),
    ("user name too long", "POST", "/Users", user(userName="x" * 5000), 400, "invalidValue"),
    # ---- the schema
    ("schemas of numbers", "POST", "/Users", {"schemas": [7], "userName": "x"}, 400, "invalidSyntax"),
    ("schemas no list", "POST", "/Users", {"schemas": 7, "userName": "x"}, 400, "invalidSyntax"),
    ("schemas of another kind", "POST", "/Users", {"schemas": G, "userName": "x"}, 400, "invalidSyntax"),
    ("schemas of version 1", "POST", "/Users", {"schemas": ["urn:scim:schemas:core:1.0"], "userName": "x"}, 400,
     "invalidSyntax"),
    ("no user name", "POST", "/Users", {"schemas": U}, 400, "invalidValue"),
    ("user name null", "POST", "/Users", user(userName=None), 400, "invalidValue"),
    ("user name empty", "POST", "/Users", user(userName=""), 400, "invalidValue"),
    ("user name a number", "POST", "/Users", user(userName=7), 400, "invalidValue"),
    ("user name an object", "POST", "/Users", user(userName={"a": 1}), 400, "invalidValue"),
    ("user name a list", "POST", "/Users", user(userName=["a", "b"]), 400, "invalidValue"),
    ("active a word", "POST", "/Users", user(active="yes"), 400, "invalidValue"),
    ("active a number", "POST", "/Users", user(active=1), 400, "invalidValue"),
    ("name a string", "POST", "/Users", user(name="Ana"), 400, "invalidValue"),
    ("sub-attribute of a wrong type", "POST", "/Users", user(name={"givenName": 7}), 400, "invalidValue"),
    ("e-mails a number", "POST", "/Users", user(emails=7), 400, "invalidValue"),
    ("e-mail value an object", "POST", "/Users", user(emails=[{"value": {"a": "b"}}]), 400, "invalidValue"),
    ("e-mail primary a word", "POST", "/Users", user(emails=[{"value": "a", "primary": "maybe"}]), 400, "invalidValue"),
    ("two primaries", "POST", "/Users", user(emails=[{"value": "a", "primary": True}, {"value": "b", "primary": True}]),
     400, "invalidValue"),
    ("extension no object", "POST", "/Users", {**user(), "schemas": [USER, ENTERPRISE], ENTERPRISE: "x"}, 400,
     "invalidValue"),
    ("extension attribute of a wrong type", "POST", "/Users",
     {**user(), "schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": 7}}, 400, "invalidValue"),
    ("room without name", "POST", "/Groups", {"schemas": G}, 400, "invalidValue"),
    ("room name empty", "POST", "/Groups", {"schemas": G, "displayName": ""}, 400, "invalidValue"),
    ("members no list", "POST", "/Groups", {"schemas": G, "displayName": "Bad", "members": 7}, 400, "invalidValue"),
    ("member without value", "POST", "/Groups", {"schemas": G, "displayName": "Bad", "members": [{"display": "x"}]},
     400, "invalidValue"),
    ("member a number", "POST", "/Groups", {"schemas": G, "displayName": "Bad", "members": [{"value": 7}]}, 400,
     "invalidValue"),
    ("member no id", "POST", "/Groups", {"schemas": G, "displayName": "Bad", "members": [{"value": "nonsense"}]}, 400,
     "invalidValue", {}, True),
    ("member of type Group", "POST", "/Groups", {"schemas": G, "displayName": "Bad",
                                                 "members": [{"value": "{u}", "type": "Group"}]}, 400, "invalidValue"),
    ("put without user name", "PUT", "/Users/{u}", {"schemas": U}, 400, "invalidValue"),
    ("put of another kind", "PUT", "/Users/{u}", {"schemas": G, "displayName": "x"}, 400, "invalidSyntax"),
    ("put room without name", "PUT", "/Groups/{g}", {"schemas": G, "members": []}, 400, "invalidValue"),
    ("put of a patch", "PUT", "/Users/{u}", ops({"op": "add", "path": "title", "value": "x"}), 400, "invalidSyntax"),
    # ---- PATCH
    ("patch of a user", "PATCH", "/Users/{u}", user(), 400, "invalidSyntax"),
    ("patch of another kind", "PATCH", "/Users/{u}", {"schemas": U,
                                                      "Operations": [{"op": "add", "path": "title", "value": "x"}]},
     400, "invalidSyntax"),
    ("patch without operations", "PATCH", "/Users/{u}", {"schemas": P}, 400, "invalidSyntax"),
    ("operations empty", "PATCH", "/Users/{u}", ops(), 400, "invalidSyntax"),
    ("operations no list", "PATCH", "/Users/{u}", {"schemas": P, "Operations": {"op": "add"}}, 400, "invalidSyntax"),
    ("operation no object", "PATCH", "/Users/{u}", {"schemas": P, "Operations": ["add"]}, 400, "invalidSyntax"),
    ("no op", "PATCH", "/Users/{u}", ops({"path": "title", "value": "x"}), 400, "invalidSyntax"),
    ("unknown op", "PATCH", "/Users/{u}", ops({"op": "move", "path": "title", "value": "x"}), 400, "invalidSyntax"),
    ("op a number", "PATCH", "/Users/{u}", ops({"op": 1, "path": "title", "value": "x"}), 400, "invalidSyntax"),
    ("path a number", "PATCH", "/Users/{u}", ops({"op": "add", "path": 7, "value": "x"}), 400, "invalidPath"),
    ("path empty", "PATCH", "/Users/{u}", ops({"op": "add", "path": "", "value": "x"}), 400, "invalidPath"),
    ("path unknown", "PATCH", "/Users/{u}", ops({"op": "add", "path": "shoeSize", "value": "x"}), 400, "invalidPath"),
    ("path with unknown sub-attribute", "PATCH", "/Users/{u}",
     ops({"op": "add", "path": "name.shoeSize", "value": "x"}), 400, "invalidPath"),
    ("path half", "PATCH", "/Users/{u}", ops({"op": "add", "path": "emails[", "value": "x"}), 400,
     ("invalidPath", "invalidFilter")),
    ("path with a bad filter", "PATCH", "/Users/{u}",
     ops({"op": "add", "path": 'emails[type is "x"].value', "value": "x"}), 400, "invalidFilter"),
    ("value path on a simple attribute", "PATCH", "/Users/{u}",
     ops({"op": "add", "path": 'title[value eq "x"]', "value": "x"}), 400, ("invalidPath", "invalidFilter")),
    ("dot too many", "PATCH", "/Users/{u}", ops({"op": "add", "path": "name.givenName.x", "value": "x"}), 400,
     "invalidPath"),
    ("add without value", "PATCH", "/Users/{u}", ops({"op": "add", "path": "title"}), 400, "invalidValue"),
    ("add without path, no object", "PATCH", "/Users/{u}", ops({"op": "add", "value": "x"}), 400,
     ("invalidSyntax", "invalidValue")),
    ("remove without path", "PATCH", "/Users/{u}", ops({"op": "remove"}), 400, "noTarget"),
    ("remove of user name", "PATCH", "/Users/{u}", ops({"op": "remove", "path": "userName"}), 400, "mutability"),
    ("user name emptied", "PATCH", "/Users/{u}", ops({"op": "replace", "path": "userName", "value": ""}), 400,
     ("invalidValue", "mutability")),
    ("id changed", "PATCH", "/Users/{u}", ops({"op": "replace", "path": "id", "value": "x"}), 400, "mutability"),
    ("meta changed", "PATCH", "/Users/{u}", ops({"op": "replace", "path": "meta.created", "value": "x"}), 400,
     "mutability"),
    ("groups changed", "PATCH", "/Users/{u}", ops({"op": "add", "path": "groups", "value": [{"value": "{g}"}]}), 400,
     "mutability"),
    ("active a word", "PATCH", "/Users/{u}", ops({"op": "replace", "path": "active", "value": "perhaps"}), 400,
     "invalidValue"),
    ("title an object", "PATCH", "/Users/{u}", ops({"op": "replace", "path": "title", "value": {"a": 1}}), 400,
     "invalidValue"),
    ("replace where nothing matches", "PATCH", "/Users/{u}",
     ops({"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"}), 400, "noTarget", {}, True),
    ("remove where nothing matches", "PATCH", "/Users/{u}", ops({"op": "remove", "path": 'emails[type eq "work"]'}),
     400, "noTarget", {}, True),
    ("good operation before a bad one", "PATCH", "/Users/{u}",
     ops({"op": "add", "path": "title", "value": "x"}, {"op": "add", "path": "shoeSize", "value": "x"}), 400,
     "invalidPath"),
    ("unknown key beside members", "PATCH", "/Groups/{g}", ops({"op": "replace", "value": {"shoeSize": 7}}), 400,
     "invalidPath"),
    ("members of nonsense", "PATCH", "/Groups/{g}",
     ops({"op": "add", "path": "members", "value": [{"value": "nonsense"}]}), 400, "invalidValue", {}, True),
    ("members an unknown id", "PATCH", "/Groups/{g}",
     ops({"op": "add", "path": "members", "value": [{"value": "0190b3f2-0000-7000-8000-000000000000"}]}), 400,
     "invalidValue", {}, True),
    ("members removed by nonsense", "PATCH", "/Groups/{g}",
     ops({"op": "remove", "path": "members", "value": [{"user": "{m}"}]}), 400, "invalidValue"),
    ("members removed by a bad filter", "PATCH", "/Groups/{g}", ops({"op": "remove", "path": 'members[shoe eq "x"]'}),
     400, ("invalidFilter", "invalidPath")),
    ("members replaced by a word", "PATCH", "/Groups/{g}",
     ops({"op": "replace", "path": "members", "value": "nonsense"}), 400, "invalidValue", {}, True),
    ("room name removed", "PATCH", "/Groups/{g}", ops({"op": "remove", "path": "displayName"}), 400, "mutability"),
    # ---- ids, paths, methods, media types
    ("unknown path", "GET", "/Nonsense", None, 404, None),
    ("too many segments", "GET", "/Users/{u}/name", None, 404, None),
    ("patch of a collection", "PATCH", "/Users", ops({"op": "add", "path": "title", "value": "x"}), 405, None),
    ("delete of a collection", "DELETE", "/Users", None, 405, None),
    ("put of a collection", "PUT", "/Groups", {"schemas": G, "displayName": "x"}, 405, None),
    ("post to a resource", "POST", "/Users/{u}", user(), 405, None),
    ("unknown method", "BREW", "/Users", None, 405, None),
    ("delete of the schemas", "DELETE", "/Schemas", None, 405, None),
    ("form", "POST", "/Users", b"userName=x", 415, None, {"Content-Type": "application/x-www-form-urlencoded"}),
    ("XML", "POST", "/Users", b"<user/>", 415, None, {"Content-Type": "application/xml"}),
    ("text", "PATCH", "/Users/{u}", ops({"op": "add", "path": "title", "value": "x"}), 415, None,
     {"Content-Type": "text/plain"}),
    ("no media type", "POST", "/Users", user(), 415, None, {"Content-Type": None}),
    ("media type of nonsense", "POST", "/Users", user(), 415, None, {"Content-Type": "application"}),
    ("compressed", "POST", "/Users", user(), 415, None, {"Content-Encoding": "gzip"}),
    ("both projections", "POST", "/Users?attributes=userName&excludedAttributes=name", user(), 400, "invalidValue"),
    ("broken escape in the query", "GET", "/Users?filter=%zz", None, 400, None),
    ("a Bulk without operations", "POST", "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                                                    "Operations": []}, 400, "invalidSyntax"),
]


class BadInput(Case):
    flags = {"seats": 50}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        make = cls.http
        cls.u = make.post("/Users", {"schemas": U, "userName": "good@bad.example"}).json["id"]
        cls.m = make.post("/Users", {"schemas": U, "userName": "member@bad.example"}).json["id"]
        cls.g = make.post("/Groups", {"schemas": G, "displayName": "Good", "members": [{"value": cls.m}]}).json["id"]

    def fill(self, thing):
        if isinstance(thing, bytes) or thing is None:
            return thing
        text = json.dumps(thing)
        for name in "ugm":
            text = text.replace("{%s}" % name, getattr(self, name))
        return json.loads(text)

    def picture(self):
        return [self.http.get(p).json for p in ("/Users/" + self.u, "/Groups/" + self.g)]

    def test_table(self):
        """Each case: status, scimType, a SCIM error as body; nothing is left behind. (A refusal that only the worker
        can know is a change record.)"""
        before, picture = self.ws.counts(), self.picture()
        for name, method, path, body, status, scim_type, *more in CASES:
            with self.subTest(name):
                headers, by_worker = (more + [{}])[0] if more else {}, len(more) > 1
                answer = self.http.again().request(method, self.fill(path), self.fill(body), headers=headers)
                self.assertEqual(answer.status, status, repr(answer))
                allowed = scim_type if isinstance(scim_type, tuple) else (scim_type,)
                self.assertIn(answer.json.get("scimType"), allowed, repr(answer))
                was, before = before, self.ws.counts()
                if by_worker:
                    was["audit_seq"] = before["audit_seq"]
                self.assertEqual(before, was)
        self.assertEqual(self.picture(), picture)

    def test_unknown_attributes_are_ignored_on_create_and_put(self):
        """Extra members and schemas that nobody knows do no harm and are not stored (rule 0.13)."""
        body = {"schemas": [USER, "urn:example:params:other"], "userName": "extra@bad.example", "shoeSize": 44,
                "urn:example:params:other": {"a": 1},
                "name": {"givenName": "E", "shoe": 1}, "id": "mine", "meta": {"version": "mine"}}
        made = self.expect(self.http.post("/Users", body), 201).json
        self.assertEqual((made["schemas"], made["name"]), ([USER, ROLE], {"givenName": "E"}))
        self.assertFalse({"shoeSize", "urn:example:params:other"} & set(made))
        self.assertNotEqual(made["id"], "mine")
        self.expect(self.http.put("/Users/" + made["id"], dict(body, userName="extra@bad.example")), 200)
        self.expect(self.http.delete("/Users/" + made["id"]), 204)

    def test_media_types_that_are_fine(self):
        for i, kind in enumerate(("application/scim+json", "application/json", "application/scim+json; charset=utf-8",
                                  "application/json;charset=UTF-8", "Application/SCIM+JSON")):
            made = self.expect(self.http.post("/Users", user(userName="type%d@bad.example" % i),
                                              headers={"Content-Type": kind}), 201).json
            self.expect(self.http.delete("/Users/" + made["id"]), 204)
        for accept in ("text/html", "*/*", "application/json", "image/png;q=0.3", None):
            self.expect(self.http.get("/Users/" + self.u, headers={"Accept": accept}), 200)

    def test_missing_schemas_are_tolerated(self):
        """Okta's group push leaves them out; the endpoint says what it is."""
        made = self.expect(self.http.post("/Groups", {"displayName": "No schemas", "members": []}), 201).json
        self.assertEqual(made["schemas"], G)
        self.expect(self.http.delete("/Groups/" + made["id"]), 204)

    def test_largest_allowed_body(self):
        """Just under the limit it is read whole (and found to be good)."""
        made = self.expect(self.http.post("/Users", json.dumps(user(userName="large@bad.example")).encode()
                                          + b" " * (8 * 1024 * 1024 - 500)), 201).json
        self.expect(self.http.delete("/Users/" + made["id"]), 204)


class Mutations(Case):
    """Good requests with something in them replaced by something odd, the same ones in every run: whatever they are,
    they are answered at once, with a status below 500, and what they say is true."""

    ODD = (None, True, 0, -1, 1.5, 2**63 - 1, "", " ", "\u00e9\U0001f600", "x" * 3000, "False", [], {}, [[]], [None],
           [{}], {"value": None}, {"value": "x"},
           [{"value": "0190b3f2-0000-7000-8000-000000000000"}], "urn:ietf:params:scim:schemas:core:2.0:User",
           'members[value eq "x"]',
           "members.value", 'emails[type eq "work"]', "meta", "id", "groups", "schemas", "$ref", "a.b.c", '"', "\\",
           "%00", "';--", "add", "remove", "replace")

    def bodies(self):
        """(method, path, body) that are fine as they are."""
        element = {"value": "a@x.example", "type": "work", "primary": True}
        full = {"schemas": [USER, ENTERPRISE], "userName": "mutant", "externalId": "m", "active": True,
                "displayName": "M", "title": "T", "emails": [element],
                "name": {"givenName": "G", "familyName": "F"}, "addresses": [{"type": "work", "locality": "K"}],
                "roles": [{"value": "r"}],
                ENTERPRISE: {"department": "D", "manager": {"value": "m"}}}
        room = {"schemas": G, "displayName": "Mutant", "externalId": "m",
                "members": [{"value": self.u, "display": "u", "type": "User"}]}
        changes = ops({"op": "replace", "path": "title", "value": "U"},
                      {"op": "add", "path": 'emails[type eq "home"].value', "value": "h@x.example"},
                      {"op": "add", "value": {"nickName": "N", "name": {"middleName": "X"}}},
                      {"op": "remove", "path": 'emails[type eq "home"]'})
        members = ops({"op": "add", "path": "members", "value": [{"value": self.u}]},
                      {"op": "remove", "path": 'members[value eq "%s"]' % self.u},
                      {"op": "replace", "value": {"displayName": "Mutant room"}},
                      {"op": "replace", "path": "members", "value": [{"value": self.u}]})
        return [("POST", "/Users", full), ("PUT", "/Users/" + self.u, dict(full, userName="target")),
                ("POST", "/Groups", room), ("PUT", "/Groups/" + self.g, room),
                ("PATCH", "/Users/" + self.u, changes), ("PATCH", "/Groups/" + self.g, members)]

    def places(self, thing, path=()):
        yield path
        for key, value in thing.items() if isinstance(thing,
                                                      dict) else enumerate(thing) if isinstance(thing, list) else ():
            yield from self.places(value, path + (key,))

    def mutated(self, thing, random):
        """A copy with one or two places replaced, removed, or named otherwise."""
        thing = json.loads(json.dumps(thing))
        for _ in range(random.choice((1, 1, 2))):
            *way, last = random.choice([p for p in self.places(thing) if p] or [("schemas",)])
            at = thing
            for step in way:
                at = at[step]
            what = random.random()
            if what < 0.15:
                del at[last]
            elif what < 0.3 and isinstance(at, dict):
                at[random.choice((str(last).upper(), str(random.choice(self.ODD)), str(last) + "x"))] = at.pop(last)
            else:
                at[last] = copy.deepcopy(random.choice(self.ODD))
        return thing

    def test_mutated_bodies(self):
        random = Random(20261122)
        self.u, self.g = self.user("target")["id"], self.room("Mutant room")["id"]
        seen = {}
        for number in range(600):
            method, path, body = random.choice(self.bodies())
            body = self.mutated(body, random)
            answer = self.http.request(method, path, body)
            self.assertLess(answer.status, 500, "%d: %s %s %s: %r" % (number, method, path, json.dumps(body)[:1500],
                                                                      answer))
            seen[answer.status] = seen.get(answer.status, 0) + 1
            if answer.status == 201:
                self.assertEqual(self.http.get(path + "/" + answer.json["id"]).json, answer.json)  # answered is stored
                self.expect(self.http.delete(path + "/" + answer.json["id"]), 204)
            elif answer.status == 200:
                self.assertEqual(self.http.get(path).json, answer.json)
        # Else they prove nothing.
        self.assertTrue(min(seen.get(200, 0), seen.get(201, 0), seen.get(400, 0)) > 20 and seen.get(204), seen)

    def test_mutated_filters(self):
        random = Random(7)
        good = ('userName eq "target"', 'externalId eq "m" and displayName eq "M"', 'id eq "%s"' % ("0" * 36),
                'emails[type eq "work"].value eq "a"',
                'name.givenName eq "G"', 'active eq true', 'meta.created gt "2026-01-01T00:00:00Z"',
                'members.value eq "x"', "title pr")
        seen = {}
        for _ in range(300):
            text = random.choice(good)
            for _ in range(random.choice((1, 2, 3))):
                at = random.randrange(len(text) + 1)
                text = text[:at] + random.choice((" ", '"', "(", ")", "[", "]", ".", "x", "\\", "not ", " or ",
                                                  "\u00e9", "", "'", "\n", ":", "$",
                                                  "%")) + text[at + random.choice((0, 1)):]
            answer = self.http.find(random.choice(("/Users", "/Groups")), text)
            self.assertIn(answer.status, (200, 400), "%r: %r" % (text, answer))
            seen[answer.status] = seen.get(answer.status, 0) + 1
        self.assertGreater(min(seen.values()), 10, seen)


class Credentials(Case):
    def attempt(self, authorization, path="/Users", method="GET", body=None, source="198.51.100.1"):
        """Through the proxy: who comes with several bad tokens from one address is slowed down (test_throttle)."""
        client = self.ws.open(url=proxied.url(self.stack), headers=proxied.came_from(source))
        client.token = None
        return client.request(method, path, body, headers={"Authorization": authorization} if authorization is not None
                              else {})

    def test_bad_tokens(self):
        token = self.ws.token
        before = self.ws.counts()
        for number, authorization in enumerate((None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic " + token,
                                                token, "Bearer " + token[:-1], "Bearer " + token + "x",
                                                "Bearer " + token.upper(), "Bearer  x " + token,
                                                "Bearer " + token.replace("ush_", "usx_"), "Bearer ush_" + "0" * 49,
                                                "Bearer " + token[:-1] + ("0" if token[-1] != "0" else "1"),
                                                "Bearer " + "x" * 5000)):
            with self.subTest(str(authorization)[:30]):
                source = "198.51.100.%d" % (10 + number)
                for path in ("/Users", "/Users/nonsense", "/ServiceProviderConfig", "/Me", "/Nonsense"):
                    self.expect(self.attempt(authorization, path, source=source), 401)
                self.expect(self.attempt(authorization, "/Users", "POST", user(), source), 401)
        self.assertEqual(self.ws.counts(), before)
        self.expect(self.attempt("bearer " + token), 200)  # the scheme's name in any letters

    def test_token_in_the_query_is_none(self):
        """X1."""
        self.expect(self.attempt(None, "/Users?access_token=" + self.ws.token), 401)

    def test_each_door_wants_its_scope(self):
        made, room = self.user("scope@cred.example")["id"], self.room("Scope")["id"]
        doors = [("scim:users:read", "GET", "/Users", None), ("scim:users:read", "GET", "/Users/" + made, None),
                 ("scim:rooms:read", "GET", "/Groups", None), ("scim:rooms:read", "GET", "/Groups/" + room, None),
                 ("scim:users:write", "POST", "/Users", {"schemas": U, "userName": "scope2@cred.example"}),
                 ("scim:users:write", "PATCH", "/Users/" + made,
                  patch_op({"op": "add", "path": "title", "value": "x"})),
                 ("scim:users:write", "PUT", "/Users/" + made, {"schemas": U, "userName": "scope@cred.example"}),
                 ("scim:rooms:write", "POST", "/Groups", {"schemas": G, "displayName": "Scope 2"}),
                 ("scim:rooms:write", "PATCH", "/Groups/" + room,
                  patch_op({"op": "add", "path": "members", "value": [{"value": made}]})),
                 ("scim:rooms:write", "PUT", "/Groups/" + room, {"schemas": G, "displayName": "Scope"}),
                 ("scim:rooms:write", "DELETE", "/Groups/" + room, None),
                 ("scim:users:write", "DELETE", "/Users/" + made, None)]
        scopes = ["scim:users:read", "scim:users:write", "scim:rooms:read", "scim:rooms:write"]
        clients = {s: self.ws.open(self.ws.key(s,
                                               s + ",api:users:read,api:users:write,api:rooms:read,api:rooms:write")[0])
                   for s in scopes}
        before = self.ws.counts()
        for scope, method, path, body in doors:
            for other in scopes:
                if other != scope:
                    self.expect(clients[other].request(method, path, body), 403)
        self.assertEqual(self.ws.counts(), before)
        for scope, method, path, body in doors:
            answer = clients[scope].request(method, path, body)
            self.assertLess(answer.status, 300, "%s %s: %r" % (method, path, answer))
        for client in clients.values():  # discovery is open to every key (D10)
            self.expect(client.get("/Schemas"), 200)


class Http(Case):
    """Bodies and connections; what HTTP itself has traps for is in test_http_edges.py."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auth = "Authorization: Bearer %s\r\n" % cls.ws.token
        cls.host_line = "Host: %s:%d\r\n" % (cls.stack.host, cls.stack.port)

    def send(self, wire, answers=1):
        return raw(self.stack.host, self.stack.port, wire if isinstance(wire, bytes) else wire.encode(), answers)

    def head(self, line, *headers):
        return line + "\r\n" + "".join(h + "\r\n" for h in headers) + self.auth

    def test_chunked_body_is_read(self):
        wire = self.head("POST /scim/v2/Users HTTP/1.1", self.host_line.strip(), "Content-Type: application/scim+json",
                         "Transfer-Encoding: chunked")
        body = json.dumps(user(userName="chunked@tricks.example"))
        half = len(body) // 2
        wire += "\r\n" + "".join("%x\r\n%s\r\n" % (len(part), part)
                                 for part in (body[:half], body[half:])) + "0\r\n\r\n"
        answers = self.send(wire)
        self.assertEqual([a.status for a in answers], [201], answers)

    def test_pipelined_requests_are_answered_in_order(self):
        one = self.head("GET /scim/v2/Users?count=0 HTTP/1.1", self.host_line.strip()) + "\r\n"
        two = self.head("GET /scim/v2/Nonsense HTTP/1.1", self.host_line.strip()) + "\r\n"
        answers = self.send(one + two + one, 3)
        self.assertEqual([a.status for a in answers], [200, 404, 200])

    def test_expect_continue(self):
        wire = self.head("POST /scim/v2/Users HTTP/1.1", self.host_line.strip(), "Content-Type: application/scim+json",
                         "Content-Length: 9999999", "Expect: 100-continue")
        answers = self.send(wire + "\r\n")
        self.assertEqual([a.status for a in answers], [413],
                         "too large by its own word: refused before the body is sent")

    def test_too_large_by_chunks(self):
        """No Content-Length to look at: the bytes are counted."""
        head = self.head("POST /scim/v2/Users HTTP/1.1", self.host_line.strip(), "Content-Type: application/scim+json",
                         "Transfer-Encoding: chunked") + "\r\n"
        chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
        with socket.create_connection((self.stack.host, self.stack.port), 10) as sock:
            try:
                sock.sendall(head.encode() + chunk * 12 + b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = Reader(sock).answer()
        self.assertEqual((answer.status, check_answer(answer)), (413, []))

    def test_headers_that_never_end(self):
        """A byte now and then keeps no connection alive: within 10 s (and a little) the header must be whole."""
        began = time.monotonic()
        with socket.create_connection((self.stack.host, self.stack.port), SILENCE) as sock:
            sock.sendall(b"GET /scim/v2/Users HTTP/1.1\r\nX-Slow: ")
            sock.settimeout(0.5)

            def closed():
                try:
                    sock.sendall(b"a")
                    return sock.recv(1) == b""
                except socket.timeout:
                    return False
                except (BrokenPipeError, ConnectionResetError):
                    return True

            wait_until(closed, "the connection to be closed")
        took = time.monotonic() - began
        self.assertTrue(5 < took < 10 + BUSY, "closed after %.1f s" % took)
