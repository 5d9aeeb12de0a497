"""Filters twice: in memory by diff_filter (schemas/filter_match on the representations that the store shows) and
through the API, where they are SQL. Thousands of random filters over users, rooms and resources of an operator's own
types must select the same (F1 to F7, F9 to F14): case rules per attribute, Unicode, value paths, ne, not and pr,
null, dates as instants, queries over all types, URN prefixes, emails.value, members.value, groups.value, meta.*,
schemas.

A failure names the seed; DIFF_SEED=… runs it again."""

import collections
import json
import re
import urllib.parse

from diff import DiffCase, SEED
from scimhttp import in_flight, patch_op

FILTERS, EACH, WIDTH = 5000, 40, 8


class Filters(DiffCase):
    tool = "diff_filter"

    def fill(self, name, ids=()):
        """EACH random resources of a type, some of them changed once or twice."""
        words = [SEED, "resources", name, EACH] + ([self.file(list(ids))] if ids else [])
        endpoint = self.endpoints[name]
        made = in_flight(WIDTH, [lambda c, b=body: self.expect(c.post(endpoint, b), 201)
                                 for body in self.lines(*words)], self.http)
        self.none_wrong([str(m) for m in made if isinstance(m, Exception)])
        found = [m.json["id"] for m in made]
        for n, resource in enumerate(found[::3]):
            for k in range(n % 3):
                self.http.patch("%s/%s" % (endpoint, resource),
                                patch_op({"op": "replace", "path": "externalId", "value": "Room0 %d" % k}))
        return found

    def shown(self, name):
        """All of a type with all that can be shown of them."""
        ask = {"count": 200, "attributes": ",".join(self.attributes(name))}
        page = self.expect(self.http.get("%s?%s" % (self.endpoints[name], urllib.parse.urlencode(ask))), 200).json
        self.assertEqual(len(page["Resources"]), page["totalResults"])
        # Where groups are shown, the version shown says that too; filters know the resource's own.
        for resource in page["Resources"]:
            resource["meta"]["version"] = re.sub(r'\.\w+"$', '"', resource["meta"]["version"])
        return page["Resources"]

    def attributes(self, name):
        """Names of all attributes and their parts: some are shown to who asks for them alone."""
        kind = self.http.get("/ResourceTypes/" + name).json
        yield from ("externalId", "meta")
        for urn in [kind["schema"]] + [e["schema"] for e in kind.get("schemaExtensions", ())]:
            for a in self.http.get("/Schemas/" + urn).json["attributes"]:
                yield "%s:%s" % (urn, a["name"])
                yield from ("%s:%s.%s" % (urn, a["name"], part["name"]) for part in a.get("subAttributes", ()))

    def test_memory_and_sql_agree(self):
        users = self.fill("User")
        self.fill("Group", users)
        for name in self.endpoints:
            if name not in ("User", "Group"):
                self.fill(name)
        store = {name: self.shown(name) for name in self.endpoints}
        self.assertGreater(sum(len(r.get("members", ())) for r in store["Group"]), 20)
        scripts = self.lines(SEED, "filters", FILTERS, self.file(store))
        counted = collections.Counter()

        endpoints = dict(self.endpoints, **{"": ""})  # "": the base URL itself, which lists all types (F9)
        everything = {name: store.get(name) or [r for rs in store.values() for r in rs] for name in endpoints}

        def job(script):
            return lambda client: client.find(endpoints[script["type"]], script["filter"], attributes="id", count=200)

        wrong = []
        for script, answer in zip(scripts, in_flight(WIDTH, [job(s) for s in scripts], self.http)):
            if isinstance(answer, Exception):
                wrong.append("%s %s: %s" % (script["type"], script["filter"], answer))
            elif "refused" in script:
                counted["refused"] += 1
                if answer.status != 400 or answer.json.get("scimType") != "invalidFilter":
                    wrong.append("%s %s: %r, in memory: %s" % (script["type"], script["filter"], answer,
                                                               script["refused"]))
            elif answer.status != 200:
                wrong.append("%s %s: %r" % (script["type"], script["filter"], answer))
            else:
                got, want = {r["id"] for r in answer.json["Resources"]}, set(script["match"])
                counted["some" if 0 < len(want) < len(everything[script["type"]]) else "all" if want else "none"] += 1
                if got != want:
                    one = sorted(got ^ want)[0]
                    wrong.append("%s %s: SQL %d, memory %d; %s one of them: %s" % (
                        script["type"], script["filter"], len(got), len(want), "only SQL" if one in got
                        else "only memory",
                                 json.dumps(next(r for r in everything[script["type"]] if r["id"] == one),
                                            ensure_ascii=False)))
        if wrong:
            self.fail("DIFF_SEED=%d: %d of %d differ\n%s" % (SEED, len(wrong), len(scripts), "\n".join(wrong[:10])))
        self.assertGreater(counted["some"], FILTERS / 4, counted)
        self.assertLess(counted["refused"], FILTERS / 3, counted)
