"""The unit tests' case data over HTTP: what holds for the functions of schemas/ must hold for the whole way through
log, worker and SQL. Each case of PATCH, filter, POST and PUT bodies as a client would send it, and a GET afterwards.
(The names of the cases, tests/cases/, say which rules they prove.)"""

import glob
import json
import os
import urllib.parse

from case import Case
from scimhttp import ENTERPRISE, GROUP, ROLE, USER, patch_op, plain

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases")
URNS = {"User": USER, "Group": GROUP}
PLACES = {"User": "/Users", "Group": "/Groups"}


def cases(*path):
    for name in sorted(glob.glob(os.path.join(CASES, *path))):
        with open(name, encoding="utf-8") as f:
            yield os.path.splitext(os.path.basename(name))[0], json.load(f)


def built_in(c):
    """Is the case about the types that every usher has? (An operator's own are read from a folder at start;
    test_custom has such.)"""
    return c.get("type", "User") in URNS and "urn:example:params:scim:schemas:" not in json.dumps(c)


def camel(code):
    """INVALID_PATH -> invalidPath, as scimType has it."""
    first, *others = code.lower().split("_")
    return first + "".join(w.capitalize() for w in others)


def content(resource):
    """What a client gave: without what the server adds."""
    return {k: v for k, v in resource.items() if k not in ("id", "meta", "schemas", "groups")}


class Replayed(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clients = {d: cls.ws.open(cls.ws.key(d, dialect=d)[0]) for d in ("rfc", "entra", "okta")}

    @classmethod
    def tearDownClass(cls):
        for c in cls.clients.values():
            c.close()
        super().tearDownClass()

    def clear(self):
        """Nothing of one case stands in the way of the next."""
        for place in PLACES.values():
            for r in self.http.get(place).json["Resources"]:
                self.expect(self.http.delete("%s/%s" % (place, r["id"])), 204)

    def create(self, kind, doc):
        name = "userName" if kind == "User" else "displayName"
        return self.expect(self.http.post(PLACES[kind], {"schemas": [URNS[kind]], name: "x", **doc}), 201).json


class Patches(Replayed):
    def test_every_patch_case(self):
        """Each case: created, patched under its dialect, read back; a refusal changes nothing (P2)."""
        done = 0
        for file, group in cases("patch", "*.json"):
            for c in group:
                kind = c.get("type", "User")
                if built_in(c) and "deltas" not in c and self.possible(c):
                    with self.subTest(c["name"]):
                        self.one(kind, c)
                        done += 1
        self.assertGreater(done, 120)
        self.clear()

    def possible(self, c):
        """Not every document of the unit tests could have been created: readOnly attributes and names that are no
        schema's are left to them."""
        return "0190c5a4-0000-7000-8000-00000000000a" not in json.dumps(c).lower() and "groups" not in c.get("doc", {})

    def one(self, kind, c):
        self.clear()
        made = self.create(kind, c.get("doc", {}))
        place = "%s/%s" % (PLACES[kind], made["id"])
        answer = self.clients[c.get("dialect", "rfc")].patch(place, c.get("body", patch_op(*c.get("ops", []))))
        now = self.http.get(place).json
        if "error" in c:
            self.assertEqual((answer.status, answer.json.get("scimType")), (400, camel(c["error"])), answer)
            self.assertEqual(now, made)
            return
        self.assertEqual(answer.status, 200 if kind == "User" else 204, answer)
        if kind == "User":
            self.assertEqual(answer.json, now)
        want = dict(c.get("want", c.get("doc", {})))
        # What the creation gave besides: active, the name where the case has none.
        for name, value in content(made).items():
            if name not in c.get("doc", {}):
                want.setdefault(name, value)
        self.assertEqual(content(now), want)
        # P8.
        self.assertEqual(now["meta"]["version"] == made["meta"]["version"], content(now) == content(made), c["name"])


class Filters(Replayed):
    def find(self, text, one):
        found = self.expect(self.http.find("/Users", '(%s) and id eq "%s"' % (text, one["id"])), 200).json
        return found["totalResults"] == 1

    def test_every_filter_that_matches_or_not(self):
        """F2 to F13: SQL selects what filter_match says, one resource and each filter; and so does the filter by
        itself."""
        for _, c in cases("filter", "match", "user.json"):
            doc = {k: v for k, v in c["doc"].items() if k != "schemas"}
            one = self.expect(self.http.post("/Users", {"schemas": [USER, ENTERPRISE], **doc}), 201).json
            other = self.user("someone.else@match.example")
            for due, texts in ((True, c["true"]), (False, c["false"])):
                for text in texts:
                    if '""' in text and text.startswith("title"):
                        continue  # of a document with an empty title; over HTTP "" is nothing and not stored (S4)
                    if ROLE not in doc and ("editor" in text or ROLE in text):
                        continue  # of a document without role; over HTTP everybody has one
                    with self.subTest(text):
                        self.assertIs(self.find(text, one), due)
                        listed = self.expect(self.http.find("/Users", text), 200).json
                        self.assertIs(one["id"] in [r["id"] for r in listed["Resources"]], due)
                        negated = self.expect(self.http.find("/Users", "not (%s)" % text), 200).json  # no third truth
                        self.assertEqual(sorted(r["id"] for r in listed["Resources"] + negated["Resources"]),
                                         sorted([one["id"], other["id"]]))
        self.clear()

    def test_every_filter_of_the_grammar_is_answered(self):
        """F1, F14, F15: as written and in the canonical form: the same resources."""
        ana = self.user("ana", title="a", emails=[{"value": "a@b", "type": "work"}], nickName="x")
        for _, group in cases("filter", "valid", "grammar.json"):
            for c in group:
                if built_in(c) and not c.get("element"):
                    with self.subTest(c["name"]):
                        place = PLACES[c.get("type", "User")]
                        a = self.clients[c.get("dialect", "rfc")].find(place, c["filter"])
                        b = self.http.find(place, c["canonical"])
                        self.assertEqual((a.status, b.status), (200, 200), (a, b))
                        self.assertEqual(a.json, b.json)
        self.assertEqual(self.http.find("/Users", 'userName eq "ana"').json["Resources"], [ana])
        self.clear()

    def test_every_bad_filter_is_refused(self):
        """F5, F8, F9, F16: 400 invalidFilter, never a list. The text is in no answer's way: percent-encoded whatever
        it holds."""
        done = 0
        for _, group in cases("filter", "invalid", "grammar.json"):
            for c in group:
                if built_in(c) and not c.get("element"):
                    with self.subTest(c["name"]):
                        path = PLACES[c.get("type", "User")] + "?filter=" + urllib.parse.quote(
                            c["filter"].encode("utf-8", "surrogatepass"))
                        answer = self.clients[c.get("dialect", "rfc")].get(path)
                        self.assertEqual((answer.status, answer.json.get("scimType")), (400, "invalidFilter"), answer)
                        done += 1
        self.assertGreater(done, 40)

    def test_the_same_filters_in_value_paths_of_patch(self):
        """P4, F7: a filter in brackets picks the same elements whoever evaluates it."""
        emails = [{"type": "work", "value": "Ana@a.example", "primary": True},
                  {"type": "home", "value": "ana@b.example"}, {"value": "third@c.example"}]
        for text in ('type eq "WORK"', 'type ne "work"', "not (type pr)", 'value co "EXAMPLE" and not (type eq "home")',
                     "primary eq true", "primary ne true",
                     'type eq "work" or type eq "home"', 'value ew "b.example"', 'type eq null and value sw "third"',
                     'value eq "nothing"'):
            with self.subTest(text):
                self.clear()
                made = self.user("ana", emails=emails)
                matching = [e for e in emails if self.matches(e, text)]
                found = self.http.find("/Users", "emails[%s]" % text).json["totalResults"]
                self.assertEqual(found, 1 if matching else 0)
                answer = self.http.patch("/Users/" + made["id"],
                                         patch_op({"op": "remove", "path": "emails[%s]" % text}))
                self.assertEqual(answer.status, 200 if matching else 400)
                self.assertEqual(self.http.get("/Users/" + made["id"]).json.get("emails", []),
                                 [e for e in emails if e not in matching])
        self.clear()

    def matches(self, element, text):
        """Which elements the filters above mean, said by hand."""
        kind, value = element.get("type"), element["value"].lower()
        return {'type eq "WORK"': kind == "work", 'type ne "work"': kind != "work", "not (type pr)": kind is None,
                'value co "EXAMPLE" and not (type eq "home")': kind != "home",
                "primary eq true": element.get("primary", False),
                "primary ne true": not element.get("primary", False),
                'type eq "work" or type eq "home"': kind is not None,
                'value ew "b.example"': value == "ana@b.example", 'type eq null and value sw "third"': kind is None,
                'value eq "nothing"': False}[text]


class Bodies(Replayed):
    def test_every_good_body(self):
        """POST, then the same as PUT: what the case says is stored is shown (S1 to S8, C1, C5); the PUT changes
        nothing."""
        done = 0
        for name, c in cases("resource", "valid", "*.json"):
            kind, body = c.get("type", "User"), c["body"]
            if not built_in(c) or "members" in body or "Members" in body:
                continue
            with self.subTest(name):
                self.clear()
                client = self.clients[c.get("dialect", "rfc")]
                made = self.expect(client.post(PLACES[kind], body), 201).json
                due = content(c["doc"])
                if kind == "User":
                    due.setdefault("active", True)
                due.pop("members", None)
                told = made if ROLE in due else plain(made)
                shown = content(told)
                shown.pop("members", None)
                self.assertEqual(shown, due)
                self.assertEqual(told["schemas"], c["doc"]["schemas"])
                place = "%s/%s" % (PLACES[kind], made["id"])
                self.assertEqual(self.expect(client.put(place, body), 200).json, made)
                self.assertEqual(self.http.get(place).json, made)
                done += 1
        self.assertGreater(done, 20)
        self.clear()

    def test_every_bad_body(self):
        """POST and PUT alike: 400 with the case's scimType, a detail, nothing stored (C2)."""
        self.clear()
        there = {"User": self.user("there"), "Group": self.room("There")}
        before, done = self.ws.counts(), 0
        for name, c in cases("resource", "invalid", "*.json"):
            kind = c.get("type", "User")
            if not built_in(c):
                continue
            for method, place in (("POST", PLACES[kind]), ("PUT", "%s/%s" % (PLACES[kind], there[kind]["id"]))):
                with self.subTest("%s %s" % (method, name)):
                    answer = self.clients[c.get("dialect", "rfc")].request(method, place, c["body"])
                    self.assertEqual((answer.status, answer.json.get("scimType")), (400, camel(c["code"])), answer)
                    done += 1
        self.assertGreater(done, 80)
        self.assertEqual(self.ws.counts(), before)
        for kind, resource in there.items():
            self.assertEqual(self.http.get("%s/%s" % (PLACES[kind], resource["id"])).json, resource)
