"""Patches twice: applied in memory by diff_patch (a C program that uses schemas/patch alone) and through the API.
Thousands of random operations of all kinds on random resources, also of an operator's own types, must be answered
alike and leave the same behind (P1 to P38, S4, S7, S8).

A failure names the seed; DIFF_SEED=… runs it again."""

import collections
import json

from diff import DiffCase, SEED
from scimhttp import in_flight

RESOURCES, STEPS, USERS, WIDTH = 240, 8, 12, 8
MASK = "0190c5a4-0000-7000-8000-00000000000a"  # stands for the id that the server gives


class Differs(AssertionError):
    pass


class Patches(DiffCase):
    tool = "diff_patch"

    def scripts(self):
        users = [self.user("member-%d" % n, **({"displayName": "Member %d" % n} if n % 2 else {}))
                 for n in range(USERS)]
        known = self.file({"base": self.stack.url + "/scim/v2",
                           "users": [{"id": u["id"], "display": u.get("displayName", u["userName"])} for u in users]})
        return self.lines(SEED, RESOURCES, STEPS, known)

    def asked_for(self):
        """{URN: names of attributes, and "name.part" of parts} that are shown to who asks for them, or has just
        written them, alone."""
        found = {}
        for schema in self.http.get("/Schemas").json["Resources"]:
            names = found.setdefault(schema["id"], set())
            for a in schema["attributes"]:
                names |= {a["name"]} if a["returned"] == "request" else set()
                names |= {"%s.%s" % (a["name"], part["name"]) for part in a.get("subAttributes", ())
                          if part["returned"] == "request"}
        return found

    def test_memory_and_api_agree(self):
        counted = collections.Counter()
        asked_for = self.asked_for()
        scripts = self.scripts()
        for dialect in ("rfc", "entra", "okta"):
            client = self.ws.open(self.ws.key(dialect, dialect=dialect)[0])
            players = [Player(s, self.endpoints[s["type"]], asked_for) for s in scripts if s["dialect"] == dialect]
            for player, result in zip(players, in_flight(WIDTH, [p.play for p in players], client)):
                if isinstance(result, Exception):
                    self.fail("DIFF_SEED=%d: %s: %s" % (SEED, type(result).__name__, result))
                counted.update(player.counted)
        self.assertGreater(counted["operations"], 3000, counted)
        self.assertGreater(counted["changed"], 400, counted)
        self.assertGreater(counted["no change"], 50, counted)
        for scim_type in ("mutability", "noTarget", "invalidValue", "invalidPath", "invalidFilter"):
            self.assertGreater(counted[scim_type], 5, counted)


class Player:
    """Carries out one script and compares after each step."""

    def __init__(self, script, endpoint, asked_for):
        self.script, self.endpoint, self.done, self.counted = script, endpoint, [], collections.Counter()
        self.asked_for = asked_for

    def differs(self, what, got, want):
        raise Differs("%s\n  script: %s\n  got  %s\n  want %s" % (what, json.dumps({"type": self.script["type"],
                                                                                    "dialect": self.script["dialect"],
                      "create": self.script["create"], "patches": self.done}, ensure_ascii=False), json.dumps(
                          got, ensure_ascii=False), json.dumps(want, ensure_ascii=False)))

    def without(self, part, names):
        """Without what an answer to a write may show more than a GET."""
        def cut(name, value):
            if isinstance(value, list):
                return [v for v in (cut(name, v) for v in value) if v != {}]
            return {k: v for k, v in value.items() if "%s.%s" % (name, k) not in names} if isinstance(
                value, dict) else value
        left = {k: self.without(v, self.asked_for[k]) if k in self.asked_for else cut(k, v) for k, v in part.items()
                if k not in names}
        return {k: v for k, v in left.items() if v not in ({}, [])}

    def compare(self, what, shown, want, members):
        got = {k: v for k, v in shown.items() if k not in ("id", "meta", "members", "groups")}
        if got != want:
            self.differs(what, got, want)
        if {m["value"] for m in shown.get("members", [])} != set(members):
            self.differs(what + ": members", sorted(m["value"] for m in shown.get("members", [])), sorted(members))

    def written(self, shown):
        return self.without(shown, self.asked_for[self.script["create"]["schemas"][0]])

    def get(self):
        answer = self.client.get(self.path)
        if answer.status != 200:
            self.differs("GET", repr(answer), 200)
        return answer.json

    def play(self, client):
        self.client = client
        created = self.client.post(self.endpoint, self.script["create"])
        if created.status != 201:
            self.differs("POST", repr(created), 201)
        self.path, self.id = self.endpoint + "/" + created.json["id"], created.json["id"]
        self.compare("POST", self.written(created.json), self.script["resource"], self.script["members"])
        before = self.get()
        for step in self.script["steps"]:
            before = self.step(step, before)

    def step(self, step, before):
        body = json.loads(json.dumps(step["patch"]).replace(MASK, self.id))
        self.done.append(body)
        answer = self.client.patch(self.path, body)
        want = (step["status"], step["scimType"])
        got = (200 if answer.status == 204 else answer.status, answer.json.get("scimType", "") if answer.status >= 400
               else "")
        if got != want:
            self.differs("PATCH: %s" % step["detail"], repr(answer), want)
        after = self.get()
        self.compare("after the PATCH", after, step["resource"], step["members"])
        if answer.status == 200:
            self.compare("in the answer", self.written(answer.json), step["resource"], step["members"])
        # P8: what changes nothing leaves version and time alone, and so does what is refused.
        same = before["meta"] == after["meta"]
        if same == step["changed"]:
            self.differs("meta", after["meta"], "another one" if step["changed"] else before["meta"])
        self.counted["operations"] += len(body["Operations"])
        self.counted[step["scimType"] or ("changed" if step["changed"] else "no change")] += 1
        return after

