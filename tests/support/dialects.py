"""What the suites of identity providers share: the provider's headers and bodies (tests/cases/dialects/*.json), and
what a request leaves behind."""

import json
import os
import time
import urllib.parse

from case import Case
from match import fill
from scimhttp import USER, patch_op

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases", "dialects")
NOBODY = "7b1c9a40-0000-4000-8000-00000000dead"
OFF, ON = (patch_op({"op": "replace", "value": {"active": a}}) for a in (False, True))


def load(idp):
    with open(os.path.join(CASES, idp + ".json"), encoding="utf-8") as f:
        return json.load(f)


def _filled(value, names):
    if isinstance(value, dict):
        return {fill(k, names): _filled(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, names) for v in value]
    if isinstance(value, str) and value[:2] == "${" and names.get(value[2:-1]) is not None:
        return names[value[2:-1]]
    return fill(value, names)


class Told:
    """What the streams said between two moments: events as (what, user, room, reason), changes as (action, target,
    subject, [paths]), seats as (action, what became of the seat)."""

    def __init__(self, test):
        self.test, self.events, self.changes, self.seats = test, [], [], []

    def __enter__(self):
        self.before = self._all()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            events, changes = (all_[len(before):] for all_, before in zip(self._all(), self.before))
            self.events = [(e["type"].split(".", 1)[1], e.get("user", {}).get("id"), e["room"]["id"], e["reason"])
                           for e in events]
            self.changes = [(c["action"], (c["target"] or {}).get("id"), (c["subject"] or {}).get("id"),
                             [p["path"] for p in c.get("changes") or []]) for c in changes]
            self.seats = [(c["action"], c["seat"]) for c in changes if "seat" in c]

    def _all(self):
        return self.test.followers.events(self.test.ws.id), self.test.followers.changes(self.test.ws.id)

    @property
    def actions(self):
        return [c[0] for c in self.changes]


class Idp(Case):
    """A suite of one identity provider: self.http sends its headers under a key of its dialect; say() sends one of
    its bodies."""

    idp = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data = load(cls.idp)
        cls.bodies, cls.headers = data["bodies"], data.get("headers", {})
        cls.http = cls.ws.open(headers=cls.headers)
        cls._others, cls._numbers = {}, 0

    @classmethod
    def tearDownClass(cls):
        for c in cls._others.values():
            c.close()
        super().tearDownClass()

    def under(self, dialect):
        """The same provider's client with a key of another dialect of the same workspace."""
        if dialect not in self._others:
            self._others[dialect] = self.ws.open(self.ws.key("other-" + dialect, dialect=dialect)[0],
                                                 headers=self.headers)
        return self._others[dialect]

    def told(self):
        return Told(self)

    def number(self):
        type(self)._numbers += 1
        return self._numbers

    def body(self, name, **names):
        """One of the provider's bodies with its places filled; a place that is a whole value can become any value."""
        return _filled(self.bodies[name], names)

    def say(self, line, name=None, client=None, **names):
        """One request as the provider sends it: "POST /Users" with one of its bodies; members of it are filled from
        names."""
        method, path = line.split(" ", 1)
        body = None if name is None else json.dumps(self.body(name, **names), separators=(",", ":"),
                                                    ensure_ascii=False).encode()
        return (client or self.http).request(method, urllib.parse.quote(path, safe="/?=&%+,:$"), body)

    # ---- what tests need again and again

    def new(self, name="create user", status=201, client=None, **names):
        """A user created as the provider creates one; gives the answer's body."""
        n = self.number()
        names = {"ext": "ext-%d" % n, "mail": "u%d@%s.example" % (n, self.idp), **names}
        return self.expect(self.say("POST /Users", name, client, **names), status).json

    def get(self, thing, kind="Users"):
        return self.expect(self.http.get("/%s/%s" % (kind, thing if isinstance(thing, str) else thing["id"])), 200).json

    def found(self, path, text, client=None, **more):
        """The ids that a look-up finds; the answer is a ListResponse with numbers that fit."""
        answer = self.expect((client or self.http).find(path, text, **more), 200).json
        self.assertEqual((answer["totalResults"], answer["startIndex"], answer["itemsPerPage"]),
                         (len(answer["Resources"]), 1, len(answer["Resources"])))
        return [r["id"] for r in answer["Resources"]]

    def unchanged(self, place, answer, status, scim_type=None):
        """answer() is refused and leaves nothing: neither in the resource nor in the rows."""
        before, counts = self.expect(self.http.get(place), 200).json, self.ws.counts()
        self.expect(answer(), status, scim_type)
        self.assertEqual(self.http.get(place).json, before)
        after = self.ws.counts()
        counts["audit_seq"] = after["audit_seq"]  # a refusal that the worker decides is told
        self.assertEqual(after, counts)

    def plain(self, name, **more):
        return self.user(name, schemas=[USER], **more)


def timed(act):
    """(what act() gives, seconds)."""
    began = time.monotonic()
    return act(), time.monotonic() - began
