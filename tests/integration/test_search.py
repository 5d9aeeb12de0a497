""".search and queries over all types: the same as lists (J5), with what is searched for kept out of URLs and records
(X2); unknown attributes (F9), scopes by type."""

import json
import threading
import urllib.parse
import uuid

from case import Case
from scimhttp import ENTERPRISE, GROUP, LIST, USER

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


class Search(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users, cls.rooms = [], []
        for i in range(9):
            made = cls.http.post("/Users", {"schemas": [USER, ENTERPRISE], "userName": "s%d@search.example" % i,
                                            "displayName": "Name %d" % (i % 3), "title": "T%d" % (i % 2),
                                            "externalId": "x-%d" % i, ENTERPRISE: {"department": "D%d" % (i % 4)}})
            assert made.status == 201, made
            cls.users.append(made.json)
        for i in range(4):
            made = cls.http.post("/Groups", {"schemas": [GROUP], "displayName": "Name %d" % i, "externalId": "x-%d" % i,
                                             "members": [{"value": u["id"]} for u in cls.users[i:i + 2]]})
            assert made.status == 201, made
            cls.rooms.append(made.json)

    def search(self, path, client=None, **members):
        return (client or self.http).post(path, {"schemas": [SEARCH], **members})

    def found(self, path, client=None, **members):
        page = self.expect(self.search(path, client, **members), 200).json
        self.assertEqual(page["schemas"], [LIST])
        return page

    def ids(self, page):
        return [r["id"] for r in page["Resources"]]

    def test_J5_the_same_as_a_list(self):
        """Everything that a query can say, at all three places."""
        for path, q in (("/Users", {}), ("/Users", {"filter": 'title eq "T1"'}),
                        ("/Users", {"filter": "title pr", "sortBy": "displayName", "sortOrder": "descending",
                                    "startIndex": 3, "count": 4}),
                        ("/Users", {"attributes": "userName,name"}), ("/Users", {"excludedAttributes": "title,groups"}),
                        ("/Groups", {"filter": 'members.value eq "%s"' % self.users[1]["id"]}),
                        ("/Groups", {"sortBy": "displayName", "excludedAttributes": "members"}),
                        ("", {"filter": 'displayName eq "Name 1"'}),
                        ("", {"sortBy": "displayName", "startIndex": 2, "count": 5}),
                        ("", {"count": 0}), ("/Users", {"count": 3, "cursor": ""})):
            listed = self.expect(self.http.get("%s?%s" % (path, urllib.parse.urlencode(q))), 200).json
            body = {k: v.split(",") if "ttributes" in k else v for k, v in q.items()}
            searched = self.found(path + "/.search", **body)
            for answer in (listed, searched):
                answer.pop("nextCursor", None)
            self.assertEqual(searched, listed, (path, q))

    def test_J5_trailing_matters(self):
        # S1: names in any letter case.
        self.assertEqual(self.found("/Users/.search", **{"Filter": 'title eq "T0"', "COUNT": 2})["itemsPerPage"], 2)
        self.assertEqual(self.found("/Users/.search", filter=None, count=None, nonsense={"x": 1},
                                    attributes=[])["totalResults"], 9)
        # The body alone says what is asked.
        ignored = self.expect(self.http.post("/Users/.search?filter=nonsense&count=1", {"schemas": [SEARCH]}), 200).json
        self.assertEqual(ignored["itemsPerPage"], 9)
        prefixed = self.ws.open(prefix="/w/%s/scim/v2" % self.ws.id)
        self.assertEqual(self.found("/.search", prefixed)["totalResults"], 13)

    def test_J5_bodies_that_are_none(self):
        for body, scim_type in (({"schemas": None}, "invalidSyntax"), ({"schemas": []}, "invalidSyntax"),
                                ({"schemas": [LIST]}, "invalidSyntax"), ([], "invalidSyntax"), (b"{", "invalidSyntax"),
                                (b"", "invalidSyntax"),
                                ({"schemas": [SEARCH], "filter": 1}, "invalidSyntax"),
                                ({"schemas": [SEARCH], "attributes": {}}, "invalidSyntax"),
                                ({"schemas": [SEARCH], "attributes": [1]}, "invalidSyntax"),
                                ({"schemas": [SEARCH], "count": "one"}, "invalidValue"),
                                ({"schemas": [SEARCH], "startIndex": 1.5}, "invalidValue"),
                                ({"schemas": [SEARCH], "filter": "title zz 1"}, "invalidFilter"),
                                ({"schemas": [SEARCH], "filter": ""}, "invalidFilter"),
                                ({"schemas": [SEARCH], "sortBy": "nonsense"}, "invalidValue"),
                                ({"schemas": [SEARCH], "sortOrder": "up"}, "invalidValue"),
                                ({"schemas": [SEARCH], "attributes": ["id"], "excludedAttributes": ["name"]},
                                 "invalidValue"),
                                (b'{"schemas":["%s"],"count":1,"Count":2}' % SEARCH.encode(), "invalidSyntax")):
            for path in ("/.search", "/Users/.search", "/Groups/.search"):
                self.expect(self.http.post(path, body), 400, scim_type)
        self.expect(self.http.post("/.search", {"schemas": [SEARCH]}, headers={"Content-Type": "text/plain"}), 415)

    def test_methods(self):
        for path in ("/.search", "/Users/.search", "/Groups/.search"):
            for method in ("GET", "PUT", "PATCH", "DELETE"):
                self.assertEqual(self.expect(self.http.request(method, path), 405).headers["allow"], "POST, OPTIONS")
        self.assertEqual(self.expect(self.http.post("", {"schemas": [SEARCH]}), 405).headers["allow"],
                         "GET, HEAD, OPTIONS")
        for path in ("", "/"):
            self.assertEqual(self.expect(self.http.get(path), 200).json["totalResults"], 13)

    def test_F9_attributes_that_a_type_has_not(self):
        """At the root they have no value there; what no type has is a mistake."""
        u, g = [r["id"] for r in self.users], [r["id"] for r in self.rooms]
        both = sorted(u + g)
        for text, expected in (('userName eq "s3@search.example"', [u[3]]), ('userName pr', sorted(u)),
                               ('not (userName pr)', sorted(g)),
                               ('userName ne "s3@search.example"', [x for x in both if x != u[3]]),
                               ('members.value eq "%s"' % u[0], [g[0]]), ('members[value eq "%s"]' % u[8], []),
                               ('userName eq "s0@search.example" or members pr', sorted([u[0]] + g)),
                               ('externalId eq "x-2"', sorted([u[2], g[2]])),
                               ('meta.resourceType eq "Group"', sorted(g)), ('displayName eq "name 3"', [g[3]]),
                               ("userName eq null", sorted(g)),
                               ('%s:department eq "D1"' % ENTERPRISE, [u[1], u[5]]),
                               ('schemas eq "%s"' % GROUP, sorted(g)),
                               ('id eq "%s" or id eq "%s"' % (u[0], g[0]), sorted([u[0], g[0]])),
                               ('groups.value eq "%s"' % g[1], sorted(u[1:3])), ('emails[type eq "work"]', [])):
            with self.subTest("F9 " + text):
                self.assertEqual(self.ids(self.found("/.search", filter=text)), expected)
                self.assertEqual(self.ids(self.expect(self.http.find("", text), 200).json), expected)
        for text in ('nonsense eq "x"', 'userName eq "x" or nonsense pr', 'emails[nonsense eq "x"]', 'name.nonsense pr',
                     'password eq "x"'):
            self.expect(self.search("/.search", filter=text), 400, "invalidFilter")
        # One type alone: a mistake.
        self.expect(self.search("/Groups/.search", filter='userName eq "x"'), 400, "invalidFilter")

    def test_J2_projection_by_type(self):
        page = self.found("/.search", attributes=["userName", "members.value", "nonsense"], count=200)
        for r in page["Resources"]:
            self.assertEqual(set(r), {"schemas", "id", "userName"} if r["id"] in [u["id"] for u in self.users]
                             else {"schemas", "id", "members"})
        for r in self.found("/.search", excludedAttributes=["meta", "members"])["Resources"]:
            self.assertFalse({"meta", "members"} & set(r))

    def test_scopes_of_each_type(self):
        """What the key may not read is not there; 403 only where it may read nothing."""
        for scopes, total in (("scim:users:read", 9), ("scim:rooms:read", 4), ("scim:users:read,scim:rooms:read", 13),
                              ("scim:rooms:read,scim:users:write", 4)):
            client = self.ws.open(self.ws.key("root " + scopes, scopes=scopes)[0])
            self.assertEqual(self.found("/.search", client)["totalResults"], total)
            self.assertEqual(self.expect(client.get("/?count=0"), 200).json["totalResults"], total)
            client.close()
        users = self.ws.open(self.ws.key("users", scopes="scim:users:read")[0])
        self.expect(self.search("/Groups/.search", users), 403)
        self.expect(self.search("/.search", users, filter="members pr"), 400, "invalidFilter")
        self.expect(self.search("/Users/.search", users), 200)
        writer = self.ws.open(self.ws.key("writer", scopes="scim:users:write,scim:rooms:write,api:users:read")[0])
        for answer in (self.search("/.search", writer), writer.get("/"), self.search("/Users/.search", writer)):
            self.assertIn("insufficient_scope", self.expect(answer, 403).headers["www-authenticate"])
        self.expect(self.search("/.search", self.ws.open("wrong")), 401)

    def test_nothing_of_others(self):
        other = self.stack.workspace("search-other")
        self.assertEqual(self.found("/.search", other.client)["totalResults"], 0)
        self.assertEqual(self.found("/.search", other.client,
                                    filter='id eq "%s"' % self.users[0]["id"])["totalResults"], 0)

    def test_X2_masked_on_record(self):
        """The record of a search shows its shape as that of a list does, and no value."""
        ws = self.stack.workspace("search-masked")
        ws.client.get("/Users?" + urllib.parse.urlencode({"filter": 'userName eq "secret-a"', "count": 3}))
        self.expect(ws.client.post("/Users/.search", {"schemas": [SEARCH], "filter": 'userName eq "secret-b"',
                                                      "count": 3}), 200)
        self.expect(ws.client.post("/.search",
                                   {"schemas": [SEARCH], "filter": 'userName eq "secret-c" or externalId co "secret-d"',
                                    "sortBy": "userName", "cursor": ""}), 200)

        mine = self.followers.requests(ws.id, lambda rs: len(rs) >= 3, "three requests on record")
        self.assertEqual([r["query"] for r in mine], ['filter=userName eq "?"&count=3',
                                                      'filter=userName eq "?"&count=3',
                                                      'filter=userName eq "?" or externalId co "?"&sortBy=userName&cursor='])
        self.assertNotIn("secret", json.dumps(mine))


class LookUps(Case):
    """By userName, as every identity provider looks: many at once go to PostgreSQL together."""

    def test_each_gets_its_own(self):
        """Found in any letter case, found by several at once, not found; with groups and without."""
        mark = uuid.uuid4().hex[:12]
        ids = [self.http.post("/Users", {"schemas": [USER], "userName": "Look%d-%s" % (n, mark)}).json["id"]
               for n in range(6)]
        room = self.http.post("/Groups", {"schemas": [GROUP], "displayName": "look " + mark,
                                          "members": [{"value": i} for i in ids[:3]]}).json["id"]
        wrong = []

        def look(first):
            client = self.ws.open()
            for k in range(30):
                n, shows = (first + k) % 8, k % 2 == 0
                name = ("look%d-%s" if k % 3 else "LOOK%d-%s") % (n, mark)
                q = {"filter": 'userName eq "%s"' % name}
                if not shows:
                    q["excludedAttributes"] = "groups"
                found = client.get("/Users?" + urllib.parse.urlencode(q)).json
                rows = [(r["id"], [g["value"] for g in r.get("groups", [])]) for r in found["Resources"]]
                wanted = [(ids[n], [room] if shows and n < 3 else [])] if n < 6 else []
                if rows != wanted or found["totalResults"] != len(wanted) or found["itemsPerPage"] != len(wanted):
                    wrong.append((name, shows, found))
            client.close()

        threads = [threading.Thread(target=look, args=(n,)) for n in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong[:2], [])
