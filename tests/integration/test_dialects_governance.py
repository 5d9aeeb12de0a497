"""PingFederate, Keycloak's provisioning extension with authentik beside it, and SailPoint: PUT by default, whole
groups re-sent, strict readers of answers."""

import json

from dialects import Idp, timed
from scimhttp import ENTERPRISE, GROUP, LIST, ROLE, USER, in_flight, patch_op, statuses


class Ping(Idp):
    idp, dialect = "governance", "rfc"

    def made(self, active=True, **names):
        return self.new("ping create", active=active, **names)

    def put(self, made, active):
        return self.expect(self.say("PUT /Users/" + made["id"], "ping put", id=made["id"], mail=made["userName"],
                                    active=active), 200).json

    def test_Q01_look_up_by_any_attribute(self):
        """userName, or whatever the filter expression is set to."""
        made = self.made(mail="oka@ping.example")
        for text in ('userName eq "oka@ping.example"', 'userName eq "oka@ping.example" and active eq true',
                     'userName sw "oka@p" and name.familyName eq "brand"'):
            self.assertEqual(self.found("/Users", text), [made["id"]])
        self.assertEqual(self.found("/Users", 'userName eq "nobody@ping.example"'), [])

    def test_Q29_disabled_users_are_provisioned(self):
        seats = self.ws.counts()["seats"]
        made = self.made(active=False)
        self.assertEqual((self.get(made)["active"], self.ws.counts()["seats"]), (False, seats))

    def test_Q20_put_with_the_id(self):
        """C5, C6: users are never patched; off and on by PUT, the rooms come back, and memberships do not drop."""
        made = self.made()
        room = self.room("Ping put", [made["id"]])["id"]
        for active, members in ((True, {made["id"]}), (False, set()), (True, {made["id"]})):
            put = self.put(made, active)
            self.assertEqual((put["id"], put["active"], self.members(room)), (made["id"], active, members))
        other = dict(self.body("ping put", id="7b1c9a40-0000-4000-8000-00000000dead", mail=made["userName"],
                               active=True))
        self.assertEqual(self.expect(self.http.put("/Users/" + made["id"], other), 200).json["id"], made["id"])

    def test_Q30_deprovisioned_by_deletion(self):
        made = self.made()
        self.put(made, False)
        self.expect(self.say("DELETE /Users/" + made["id"]), 204)
        self.expect(self.say("GET /Users/" + made["id"]), 404)
        self.assertNotEqual(self.made(mail=made["userName"])["id"], made["id"])

    def test_groups_are_listed_and_matched_by_the_client(self):
        """No look-up: page by page through all, each once."""
        ws = self.stack.workspace("ping-groups")
        client = ws.open(headers=self.headers)
        made = in_flight(8, [lambda c, i=i: c.post("/Groups", {"schemas": [GROUP], "displayName": "Ping %d" % i})
                             for i in range(60)], client)
        self.assertEqual(statuses(made), {201: 60})
        seen, start = [], 1
        while start <= 60:
            page = self.expect(self.say("GET /Groups?startIndex=%d&count=25" % start, client=client), 200).json
            self.assertEqual(page["totalResults"], 60)
            seen += [g["displayName"] for g in page["Resources"]]
            start += page["itemsPerPage"]
        self.assertEqual(sorted(seen), sorted("Ping %d" % i for i in range(60)))
        client.close()

    def test_Q19_group_put_keeps_who_is_in_it(self):
        a, b = self.made()["id"], self.made()["id"]
        group = self.expect(self.say("POST /Groups", "ping group", room="Ping group", a=a), 201).json
        with self.told() as told:
            self.expect(self.say("PUT /Groups/" + group["id"], "ping group", room="Ping group", a=b), 200)
        self.assertEqual(sorted(e[:2] for e in told.events), sorted([("member.removed", a), ("member.added", b)]))


class Keycloak(Idp):
    idp, dialect = "governance", "rfc"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Its content type is a setting.
        cls.http = cls.ws.open(headers={"Accept": "application/json", "Content-Type": "application/json"})

    def made(self, **names):
        return self.new("keycloak create", **names)

    def test_Q32_Q39_Q41_created_without_look_up(self):
        """What it reads of the answer is there (id, userName, displayName, active), within its 5 s; the retried POST
        is 409 and makes no second one. Rule 0.1."""
        answer, took = timed(lambda: self.say("POST /Users", "keycloak create", mail="suri@kc.example", ext="kc-6f"))
        made = self.expect(answer, 201).json
        self.assertEqual((made["userName"], made["displayName"], made["active"], made["emails"]),
                         ("suri@kc.example", "Suri N", True, [{"value": "suri@kc.example"}]))
        self.assertLess(took, 5)
        self.expect(self.say("POST /Users", "keycloak create", mail="suri@kc.example", ext="kc-6f"), 409, "uniqueness")
        self.assertEqual(self.found("/Users", 'externalId eq "kc-6f"'), [made["id"]])

    def test_Q20_put(self):
        made = self.made()
        put = self.expect(self.say("PUT /Users/" + made["id"], "keycloak put", id=made["id"], mail=made["userName"],
                                   ext=made["externalId"]), 200).json
        self.assertEqual((put["displayName"], put["name"], put["meta"]["location"]),
                         ("Suri Nand", {"givenName": "Suri", "familyName": "N"}, made["meta"]["location"]))

    def test_Q09_patch_with_active_as_text(self):
        """Lower-case text; three replaces, of which the userName may change."""
        made = self.made()
        for active in ("false", "true"):
            self.expect(self.say("PATCH /Users/" + made["id"], "keycloak patch", active=active,
                                 mail=made["userName"]), 200)
            self.assertIs(self.get(made)["active"], active == "true")
        self.expect(self.say("PATCH /Users/" + made["id"], "keycloak patch", active="true", mail="renamed-"
                             + made["userName"]), 200)
        self.assertEqual((self.get(made)["userName"], self.found("/Users", 'userName eq "%s"' % made["userName"])),
                         ("renamed-" + made["userName"], []))

    def group(self, a):
        n = self.number()
        return self.expect(self.say("POST /Groups", "keycloak group", ext="kcg-%d" % n, room="Room Bern %d" % n, a=a),
                           201).json

    def test_Q18_Q21_Q34_whole_group_patched_each_time(self):
        """Each membership change re-sends all: only the difference is told, the same name is no rename."""
        a, b, c = (self.made()["id"] for _ in range(3))
        group = self.group(a)
        names = {"room": group["displayName"], "ext": group["externalId"]}
        for one, two, due in ((a, b, [("member.added", b)]), (a, b, []),
                              (b, c, [("member.removed", a), ("member.added", c)])):
            before = self.get(group, "Groups")
            with self.told() as told:
                self.expect(self.say("PATCH /Groups/" + group["id"], "keycloak group patch", a=one, b=two,
                                     **names), 204)
            self.assertEqual(sorted(e[:2] for e in told.events), sorted(due))
            self.assertEqual(self.members(group["id"]), {one, two})
            if not due:
                self.assertEqual((self.get(group, "Groups"), told.changes), (before, []))

    def test_Q19_whole_group_put(self):
        """With relative $ref, which is ours to say: ignored."""
        a, b = (self.made()["id"] for _ in range(2))
        group = self.group(a)
        with self.told() as told:
            put = self.expect(self.say("PUT /Groups/" + group["id"], "keycloak group put", id=group["id"],
                                       ext=group["externalId"], room=group["displayName"], a=a, b=b), 200).json
        self.assertEqual(told.events, [("member.added", b, group["id"], "scim")])
        self.assertEqual({m["$ref"] for m in put["members"]},
                         {"%s/scim/v2/Users/%s" % (self.stack.url, u) for u in (a, b)})

    def test_Q17_emptied(self):
        """P22: remove without a list, or with null, is meant: all of them; an empty list is not (P27)."""
        a = self.made()["id"]
        for body in ("keycloak group emptied", "keycloak group emptied by null"):
            group = self.group(a)
            with self.told() as told:
                self.expect(self.say("PATCH /Groups/" + group["id"], body), 204)
            self.assertEqual((told.events, self.members(group["id"])),
                             ([("member.removed", a, group["id"], "scim")], set()))
            self.expect(self.say("PATCH /Groups/" + group["id"], body), 204)
        group = self.group(a)
        self.expect(self.http.patch("/Groups/" + group["id"],
                                    patch_op({"op": "remove", "path": "members", "value": []})), 204)
        self.assertEqual(self.members(group["id"]), {a})

    def test_Q27_Q29_user_without_address_created_inactive(self):
        body = dict(self.body("keycloak create", mail="bare", ext="bare"), active=False)
        del body["emails"]
        made = self.expect(self.http.post("/Users", body), 201).json
        self.assertEqual((made["active"], "emails" in made), (False, False))

    def test_Q30_deleted(self):
        made = self.made()
        self.expect(self.say("DELETE /Users/" + made["id"]), 204)
        self.expect(self.say("PUT /Users/" + made["id"], "keycloak put", id=made["id"], mail=made["userName"],
                             ext="x"), 404)
        self.assertEqual(self.found("/Users", 'userName eq "%s"' % made["userName"]), [])

    def test_import_reads_one_page(self):
        answer = self.expect(self.say("GET /Users"), 200).json
        self.assertEqual((answer["schemas"], answer["itemsPerPage"]), ([LIST], len(answer["Resources"])))

    def test_authentik(self):
        """A false 404 would make it drop its link; members left out when it means none stay (C6)."""
        made = self.made()
        # Rule 0.2: right after.
        self.expect(self.say("PUT /Users/" + made["id"], "keycloak put", id=made["id"], mail=made["userName"],
                             ext=made["externalId"]), 200)
        group = self.group(made["id"])
        with self.told() as told:
            self.expect(self.say("PUT /Groups/" + group["id"], "authentik group put", room=group["displayName"],
                                 ext=group["externalId"]), 200)
        self.assertEqual((told.events, self.members(group["id"])), ([], {made["id"]}))
        self.assertTrue(self.expect(self.say("GET /ServiceProviderConfig"), 200).json["patch"]["supported"])


class SailPoint(Idp):
    idp, dialect = "governance", "rfc"

    def made(self, **names):
        return self.new("sailpoint create", **names)

    def test_Q11_add_without_path(self):
        """P10: how it disables and enables."""
        made = self.made()
        for body, active, action in (("sailpoint disable", False, "user.deactivated"),
                                     ("sailpoint enable", True, "user.reactivated")):
            with self.told() as told:
                self.expect(self.say("PATCH /Users/" + made["id"], body), 200)
            self.assertIs(self.get(made)["active"], active)
            self.assertIn(action, told.actions)
        now = self.get(made)
        self.assertEqual({k: v for k, v in now.items() if k != "meta"}, {k: v for k, v in made.items() if k != "meta"})

    def test_replace_of_a_complex_attribute_merges(self):
        """P32."""
        made = self.made()
        self.expect(self.say("PATCH /Users/" + made["id"], "sailpoint replace name"), 200)
        self.assertEqual(self.get(made)["name"], {"givenName": "Anna", "familyName": "Ruiz", "formatted": "Ana Ruiz"})

    def test_Q46_groups_through_the_user(self):
        """400 mutability by PATCH, ignored by PUT; the room stays as it is. P39."""
        made, room = self.made(), self.room("Auditors")["id"]
        for body in ("sailpoint groups by patch", "sailpoint groups out by patch"):
            self.unchanged("/Users/" + made["id"], lambda b=body: self.say("PATCH /Users/" + made["id"], b, group=room),
                           400, "mutability")
        with self.told() as told:
            put = self.expect(self.say("PUT /Users/" + made["id"], "sailpoint put with groups", id=made["id"],
                                       mail=made["userName"], group=room), 200).json
        self.assertEqual(("groups" in put, told.events, self.members(room)), (False, [], set()))

    def test_strict_reading_of_answers(self):
        """Every attribute of an answer is one that /Schemas knows, of the type it says, without null."""
        schemas = {s["id"]: s["attributes"] for s in self.expect(self.say("GET /Schemas"), 200).json["Resources"]}
        made = self.made()
        room = self.room("Strict", [made["id"]])
        for answer, schema in ((self.get(made), USER), (self.get(room, "Groups"), GROUP)):
            known = {a["name"]: a for a in schemas[schema]}
            for name, value in answer.items():
                if name in ("schemas", "id", "externalId", "meta"):
                    continue
                attributes, value = (schemas[name],
                                     value) if name.startswith("urn:") else ([known[name]], {name: value})
                self._fits({a["name"]: a for a in attributes}, value)
        self.assertEqual(set(answer["meta"]), {"resourceType", "created", "lastModified", "location", "version"})

    def _fits(self, attributes, value):
        kinds = {"string": str, "boolean": bool, "complex": dict, "reference": str, "dateTime": str, "integer": int}
        for name, v in value.items():
            a = attributes[name]
            for one in v if a["multiValued"] else [v]:
                self.assertIsInstance(one, kinds[a["type"]], (name, v))
                if a["type"] == "complex":
                    self._fits({s["name"]: s for s in a["subAttributes"]}, one)

    def test_Q41_Q42_limits(self):
        """A full aggregation by pages runs into the limit: told with Retry-After, in the SCIM error's form."""
        ws = self.stack.workspace("sailpoint", rate=6)
        client = ws.open(headers=self.headers)
        answers = [timed(lambda: client.get("/Users?startIndex=1&count=50")) for _ in range(8)]
        self.assertEqual([a.status for a, _ in answers], [200] * 6 + [429] * 2)
        self.assertLess(max(t for _, t in answers), 5)
        self.assertTrue(all(1 <= int(a.headers["retry-after"]) <= 61 for a, _ in answers[6:]))
        client.close()

    def test_Q30_deleted(self):
        made = self.made()
        self.expect(self.say("DELETE /Users/" + made["id"]), 204)
        self.expect(self.say("GET /Users/" + made["id"]), 404)

    def test_extension_in_and_out(self):
        """S7: data under its URN, the URN in schemas; and both gone together."""
        made = self.made()
        self.assertEqual((made["schemas"], made[ENTERPRISE]), ([USER, ENTERPRISE, ROLE], {"department": "Audit"}))
        body = json.dumps(patch_op({"op": "remove", "path": ENTERPRISE + ":department"})).encode()
        self.expect(self.http.patch("/Users/" + made["id"], body), 200)
        now = self.get(made)
        self.assertEqual((now["schemas"], ENTERPRISE in now), ([USER, ROLE], False))
