"""Sorting (G1): every kind of attribute, in both directions, with a filter, in pages by index and by cursor: against
the same order made here."""

import random
import unicodedata
import urllib.parse

from case import Case
from scimhttp import ENTERPRISE, GROUP, USER, patch_op

USHER = "urn:ietf:params:scim:schemas:extension:usher:2.0:User"
WORDS = ("alpha", "Alpha", "beta", "Ärger", "ärger", "zoë", "Zoe", "ß", "SS", "10", "9", "_", "日本", "ﬁn", "fin", "Ω",
         "~", "a b", "a-b", "𝄞", "x" * 300 + "b", "x" * 300 + "a")


def fold(text):
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def first(values, part="value"):
    """The primary one, else the first."""
    chosen = next((v for v in values if v.get("primary")), values[0] if values else {})
    return chosen.get(part)


# What an attribute is sorted by; None = no value.
USERS = {
    "userName": lambda u: fold(u["userName"]), "USERNAME": lambda u: fold(u["userName"]),
    "title": lambda u: "title" in u and fold(u["title"]) or None,
    "displayName": lambda u: "displayName" in u and fold(u["displayName"]) or None,
    "name.familyName": lambda u: fold(u["name"]["familyName"]) if "name" in u else None,
    "externalId": lambda u: u.get("externalId"), "profileUrl": lambda u: u.get("profileUrl"), "id": lambda u: u["id"],
    "active": lambda u: u.get("active"),
    "emails": lambda u: first(u.get("emails", [])) and fold(first(u["emails"])),
    "emails.value": lambda u: first(u.get("emails", [])) and fold(first(u["emails"])),
    "emails.type": lambda u: first(u.get("emails", []), "type"),
    "emails.primary": lambda u: first(u.get("emails", []), "primary"),
    # What stands behind a point tells groups.
    "meta.created": lambda u: u["meta"]["created"], "meta.lastModified": lambda u: u["meta"]["lastModified"],
    "meta.version": lambda u: u["meta"]["version"].strip('W/"').split(".")[0],
   
    "meta.location": lambda u: u["meta"]["location"], "meta.resourceType": lambda u: "User",
    "schemas": lambda u: u["schemas"][0],
    ENTERPRISE + ":department": lambda u: fold(u[ENTERPRISE]["department"]) if "department" in u.get(ENTERPRISE, {})
    else None,
    "department": lambda u: fold(u[ENTERPRISE]["department"]) if "department" in u.get(ENTERPRISE, {}) else None,
    ENTERPRISE + ":manager": lambda u: fold(u[ENTERPRISE]["manager"]["value"]) if "manager" in u.get(ENTERPRISE, {})
    else None,
    USHER + ":editor": lambda u: u.get(USHER, {}).get("editor"), USER + ":nickName": lambda u: fold(u["nickName"])
    if "nickName" in u else None,
    "groups": lambda u: min((g["value"] for g in u.get("groups", [])), default=None), "groups.type": lambda u: "direct"
    if u.get("groups") else None,
}
ROOMS = {"displayName": lambda g: fold(g["displayName"]),
         "members": lambda g: min((m["value"] for m in g["members"]), default=None),
         "externalId": lambda g: g.get("externalId"),
         "members.value": lambda g: min((m["value"] for m in g["members"]), default=None),
         "meta.created": lambda g: g["meta"]["created"]}


class Sort(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(20261122)
        pick = rng.choice
        bodies = []
        for i in range(44):
            body = {"schemas": [USER, ENTERPRISE, USHER], "userName": "%s-%d" % (pick(WORDS)[:20], i),
                    "active": pick((True, False))}
            for name in ("title", "displayName", "nickName", "externalId"):
                if rng.random() < 0.7:
                    body[name] = pick(WORDS)
            if rng.random() < 0.6:
                body["name"] = {"familyName": pick(WORDS)}
            if rng.random() < 0.5:
                body["profileUrl"] = "https://x.example/" + pick(("A", "a", "b", "B"))
            if rng.random() < 0.7:
                body["emails"] = [{"value": "%s%d@x.example" % (pick("ABCabc"), n), "type": t}
                                  for n, t in enumerate(rng.sample(("work", "home", "other"), rng.randint(1, 3)))]
                if rng.random() < 0.5:
                    pick(body["emails"])["primary"] = True
            if rng.random() < 0.5:
                body[ENTERPRISE] = {"department": pick(WORDS), "manager": {"value": "M-%d" % rng.randint(0, 5)}}
            if rng.random() < 0.5:
                body[USHER] = {"editor": pick((True, False))}
            bodies.append(body)
        made = [cls.http.post("/Users", b) for b in bodies]
        assert all(m.status == 201 for m in made), [m for m in made if m.status != 201]
        ids = [m.json["id"] for m in made]
        for i in range(8):
            room = {"schemas": [GROUP], "displayName": "%s %d" % (WORDS[(i * 5) % len(WORDS)][:10], i),
                    "members": [{"value": u} for u in rng.sample(ids, rng.randint(0, 5))]}
            if i % 2:
                room["externalId"] = pick(("r", "R", "s"))
            assert cls.http.post("/Groups", room).status == 201
        for u in rng.sample(ids, 9):  # other versions and times
            assert cls.http.patch("/Users/" + u,
                                  patch_op({"op": "replace", "path": "locale", "value": "de"})).status == 200
        cls.users = cls.whole("/Users")
        cls.rooms = cls.whole("/Groups")

    @classmethod
    def whole(cls, path):
        return cls.http.get(path + "?count=200").json["Resources"]

    def ids(self, path, **q):
        page = self.expect(self.http.get(path + "?" + urllib.parse.urlencode(q)), 200).json
        return [r["id"] for r in page["Resources"]], page

    @staticmethod
    def ordered(resources, key, descending=False):
        """No value last, and where values are the same the order of creation; descending is the exact reverse."""
        kept = lambda v: v[:256] if isinstance(v, str) else v  # noqa: E731 - so much of a text counts
        rows = sorted(((key(r) is None, kept(key(r)) if key(r) is not None else 0, r["id"]) for r in resources))
        return [r[2] for r in (reversed(rows) if descending else rows)]

    def test_G1_every_attribute_in_both_directions(self):
        for path, resources, keys in (("/Users", self.users, USERS), ("/Groups", self.rooms, ROOMS)):
            for by, key in keys.items():
                for order in ("ascending", "descending"):
                    with self.subTest("G1 %s %s %s" % (path, by, order)):
                        self.assertEqual(self.ids(path, sortBy=by, sortOrder=order, count=200)[0],
                                         self.ordered(resources, key, order == "descending"))

    def test_G1_shown_names_of_the_other_side(self):
        """groups.display and members.display: of the first one in the order of ids."""
        names = {u["id"]: fold(u.get("displayName", u["userName"])) for u in self.users}
        rooms = {g["id"]: fold(g["displayName"]) for g in self.rooms}
        self.assertEqual(self.ids("/Groups", sortBy="members.display")[0],
                         self.ordered(self.rooms, lambda g: names[min(m["value"] for m in g["members"])] if g["members"]
                                      else None))
        self.assertEqual(self.ids("/Users", sortBy="groups.display")[0],
                         self.ordered(self.users, lambda u: rooms[min(g["value"] for g in u["groups"])]
                                      if u.get("groups") else None))

    def test_G1_with_filter_and_pages(self):
        for by in ("title", "emails", "active", "meta.created"):
            for order in ("ascending", "descending"):
                due = self.ordered([u for u in self.users if u["active"] and "title" in u], USERS[by],
                                   order == "descending")
                asked = {"sortBy": by, "sortOrder": order, "filter": "active eq true and title pr"}
                by_index = []
                for start in range(1, len(due) + 4, 3):
                    ids, page = self.ids("/Users", startIndex=start, count=3, **asked)
                    self.assertEqual((page["totalResults"], page["itemsPerPage"], page["startIndex"]),
                                     (len(due), len(ids), start))
                    by_index += ids
                self.assertEqual(by_index, due)
                by_cursor, cursor = [], ""
                while cursor is not None:
                    ids, page = self.ids("/Users", cursor=cursor, count=3, **asked)
                    self.assertEqual(page["totalResults"], len(due))
                    by_cursor, cursor = by_cursor + ids, page.get("nextCursor")
                self.assertEqual(by_cursor, due)

    def test_G1_over_all_types(self):
        """At the root: one order over both; a type without the attribute has no value of it."""
        both = self.users + self.rooms
        name = lambda r: fold(r["displayName"]) if "displayName" in r else None  # noqa: E731
        for order in ("ascending", "descending"):
            self.assertEqual(self.ids("", sortBy="displayName", sortOrder=order, count=200)[0],
                             self.ordered(both, name, order == "descending"))
            self.assertEqual(self.ids("", sortBy="title", sortOrder=order, count=200)[0],
                             self.ordered(both, USERS["title"], order == "descending"))
        self.assertEqual(self.ids("", count=200)[0], sorted(r["id"] for r in both))

    def test_G1_what_cannot_be_sorted_by(self):
        for by in ("nonsense", "name", "name.nonsense", "password", ENTERPRISE, "urn:x:y", "emails[type eq \"work\"]",
                   "emails.", "user name", "x" * 5000):
            self.expect(self.http.get("/Users?" + urllib.parse.urlencode({"sortBy": by})), 400, "invalidValue")
        for order in ("up", "ascending descending", "1"):
            self.expect(self.http.get("/Users?sortBy=title&sortOrder=%s" % urllib.parse.quote(order)), 400,
                        "invalidValue")
        self.expect(self.http.get("/Users?sortBy=&sortOrder=DESCENDING"), 200)
        self.expect(self.http.get("/?sortBy=nonsense"), 400, "invalidValue")

    def test_D2_it_is_announced(self):
        self.assertEqual(self.http.get("/ServiceProviderConfig").json["sort"], {"supported": True})

    def test_G1_projection_does_not_matter(self):
        self.assertEqual(self.ids("/Users", sortBy="title", attributes="userName", count=200)[0],
                         self.ordered(self.users, USERS["title"]))
        self.assertEqual(self.ids("/Groups", sortBy="members", excludedAttributes="members")[0],
                         self.ordered(self.rooms, ROOMS["members"]))
