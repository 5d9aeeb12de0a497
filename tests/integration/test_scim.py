"""The SCIM interface as the RFCs and the decided points have it, for a plain client (dialect rfc)."""

import unittest

from case import Case
from scimhttp import ENTERPRISE, GROUP, LIST, USER, in_flight, patch_op, statuses

USHER = "urn:ietf:params:scim:schemas:extension:usher:2.0:User"


class Users(Case):
    def test_create_answers_the_whole_resource(self):
        body = {"schemas": [USER, ENTERPRISE, USHER], "userName": "ana@crud.example", "externalId": "X-1",
                "active": True,
                "name": {"givenName": "Ana", "familyName": "Ruiz"},
                "emails": [{"value": "ana@crud.example", "primary": True}],
                ENTERPRISE: {"costCenter": "77"}, USHER: {"editor": True}}
        a = self.expect(self.http.post("/Users", body), 201)
        made = a.json
        self.assertEqual(a.headers["location"], made["meta"]["location"])
        self.assertEqual(made["meta"]["location"], "%s/scim/v2/Users/%s" % (self.stack.url, made["id"]))
        self.assertEqual({k: v for k, v in made.items() if k not in ("id", "meta", "schemas")},
                         {k: v for k, v in body.items() if k != "schemas"})
        self.assertEqual(made["schemas"][0], USER)
        self.assertEqual(set(made["schemas"]), set(body["schemas"]))
        self.assertEqual(made["meta"]["created"], made["meta"]["lastModified"])
        self.assertEqual(self.expect(self.http.get("/Users/" + made["id"]), 200).json, made)

    def test_role_absent_on_put_is_unchanged(self):
        made = self.user("role2@crud.example", **{USHER: {"editor": True}})
        put = self.expect(self.http.put("/Users/" + made["id"], {"schemas": [USER], "userName": "role2@crud.example"}),
                          200).json
        self.assertEqual(put[USHER], {"editor": True})

    def test_put_replaces_and_keeps_what_must_be_kept(self):
        """C5, C6: omitted attributes are cleared, but for active, externalId and the role."""
        made = self.user("put@crud.example", externalId="keep", active=False, title="Boss", nickName="P",
                         emails=[{"value": "p@x.example"}])
        put = self.expect(self.http.put("/Users/" + made["id"], {"schemas": [USER], "userName": "put@crud.example",
                                                                 "title": "Chief", "nickName": None}), 200).json
        self.assertEqual((put["externalId"], put["active"], put["title"]), ("keep", False, "Chief"))
        self.assertFalse({"nickName", "emails"} & set(put))
        self.assertNotEqual(put["meta"]["version"], made["meta"]["version"])
        self.assertEqual(put["meta"]["created"], made["meta"]["created"])

    def test_put_of_the_same_changes_nothing(self):
        made = self.user("noop@crud.example", title="T")
        before = self.ws.counts()
        put = self.expect(self.http.put("/Users/" + made["id"], {"schemas": [USER], "userName": "noop@crud.example",
                                                                 "title": "T"}), 200).json
        self.assertEqual(put, made)
        patched = self.expect(self.http.patch("/Users/" + made["id"],
                                              patch_op({"op": "replace", "path": "title", "value": "T"})), 200).json
        self.assertEqual(patched, made)
        self.assertEqual(self.ws.counts(), before)  # no event, no audit change

    def test_unknown_ids(self):
        for unknown in ("0190b3f2-0000-7000-8000-000000000000", "nonsense", "1", "%20", "x" * 300,
                        "ffffffff-ffff-ffff-ffff-fffffffffffff"):
            self.expect(self.http.get("/Users/" + unknown), 404)
            self.expect(self.http.put("/Users/" + unknown, {"schemas": [USER], "userName": "never@crud.example"}), 404)
            self.expect(self.http.patch("/Users/" + unknown,
                                        patch_op({"op": "replace", "path": "title", "value": "x"})), 404)
            self.expect(self.http.delete("/Users/" + unknown), 404)
            self.expect(self.http.get("/Groups/" + unknown), 404)
            self.expect(self.http.delete("/Groups/" + unknown), 404)
        self.expect(self.http.find("/Users", 'userName eq "never@crud.example"'), 200)  # PUT never creates

    def test_deleted_is_gone_and_the_name_is_free(self):
        made = self.user("del@crud.example")
        self.assertEqual(self.expect(self.http.delete("/Users/" + made["id"]), 204).body, b"")
        self.expect(self.http.get("/Users/" + made["id"]), 404)
        self.expect(self.http.patch("/Users/" + made["id"],
                                    patch_op({"op": "replace", "path": "title", "value": "x"})), 404)
        self.expect(self.http.delete("/Users/" + made["id"]), 404)
        self.assertEqual(self.http.find("/Users", 'userName eq "del@crud.example"').json["totalResults"], 0)
        self.assertNotEqual(self.user("del@crud.example")["id"], made["id"])

    def test_duplicate_names_across_letter_case(self):
        """One meaning of "the same name": Unicode NFKC case folding, not ASCII and not the database's locale."""
        for first, second in (("Plain@dup.example", "pLAIN@DUP.example"), ("STRASSE@dup.example", "straße@dup.example"),
                              ("ÅSA@dup.example", "åsa@dup.example"), ("ΣΊΣΥΦΟΣ", "σίσυφος"),
                              ("ﬁn@dup.example", "FIN@dup.example"),
                              ("Ａda@dup.example", "ada@dup.example"), ("e\u0301lan@dup.example", "ÉLAN@dup.example"),
                              ("ДОМ", "дом")):
            with self.subTest(first):
                made = self.user(first)
                self.expect(self.http.post("/Users", {"schemas": [USER], "userName": second}), 409, "uniqueness")
                found = self.http.find("/Users", 'userName eq "%s"' % second).json
                self.assertEqual([u["id"] for u in found["Resources"]], [made["id"]])
                self.assertEqual(found["Resources"][0]["userName"], first)  # stored as it was given

    def test_rename_to_a_taken_name(self):
        self.user("taken@crud.example")
        other = self.user("other@crud.example")
        for answer in (self.http.patch("/Users/" + other["id"],
                                       patch_op({"op": "replace", "path": "userName", "value": "TAKEN@crud.example"})),
                       self.http.put("/Users/" + other["id"], {"schemas": [USER], "userName": "TAKEN@crud.example"})):
            self.expect(answer, 409, "uniqueness")
        same = self.expect(self.http.patch("/Users/" + other["id"],
                                           patch_op({"op": "replace", "path": "userName",
                                                     "value": "OTHER@crud.example"})), 200)
        self.assertEqual(same.json["userName"], "OTHER@crud.example")  # one's own name in other letters is free

    def test_password_is_never_shown(self):
        made = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "pw@crud.example",
                                                     "password": "S3cret-text"}), 201)
        self.assertNotIn(b"S3cret-text", made.body)
        self.assertNotIn("password", self.http.get("/Users/%s?attributes=password,userName" % made.json["id"]).json)
        self.expect(self.http.find("/Users", 'password eq "S3cret-text"'), 400, "invalidFilter")
        self.assertNotIn("S3cret-text", str(self.stack.sql("SELECT doc::text, search::text FROM users WHERE id=%s",
                                                           made.json["id"])))

    def test_attribute_names_in_any_case(self):
        made = self.expect(self.http.post("/Users", {"Schemas": [USER.lower()], "USERNAME": "case@crud.example",
                                                     "EMAILS": [{"VALUE": "c@x.example", "Type": "work"}]}), 201).json
        self.assertEqual((made["userName"], made["emails"]),
                         ("case@crud.example", [{"value": "c@x.example", "type": "work"}]))

    def test_patch_without_effect_of_an_earlier_operation(self):
        """P2: all or nothing."""
        made = self.user("atomic@crud.example", title="before")
        self.expect(self.http.patch("/Users/" + made["id"],
                                    patch_op({"op": "replace", "path": "title", "value": "after"},
                                             {"op": "remove", "path": "userName"})), 400, "mutability")
        self.expect(self.http.patch("/Users/" + made["id"],
                                    patch_op({"op": "replace", "path": "title", "value": "after"},
                                                                     {"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"})), 400, "noTarget")
        self.assertEqual(self.http.get("/Users/" + made["id"]).json, made)

    def test_primary_moves(self):
        """P7."""
        made = self.user("prim@crud.example", emails=[{"value": "a@x.example", "primary": True},
                                                      {"value": "b@x.example"}])
        new = self.expect(self.http.patch("/Users/" + made["id"],
                                          patch_op({"op": "add", "path": "emails",
                                                    "value": [{"value": "c@x.example", "primary": True}]})), 200).json
        self.assertEqual([e["value"] for e in new["emails"] if e.get("primary")], ["c@x.example"])
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "twoprim@crud.example",
                                              "emails": [{"value": "a", "primary": True},
                                                         {"value": "b", "primary": True}]}), 400, "invalidValue")

    def test_trailing_slash_and_unknown_parameters(self):
        self.assertEqual(self.expect(self.http.get("/Users/?count=0&whatever=1"), 200).json["schemas"], [LIST])

    def test_head_is_get_without_body(self):
        made = self.user("head@crud.example")
        a = self.ws.open(check=False).request("HEAD", "/Users/" + made["id"])
        self.assertEqual((a.status, a.body, a.headers["etag"]), (200, b"", made["meta"]["version"]))


class Lists(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ids = []
        for i in range(23):
            body = {"schemas": [USER], "userName": "user%02d@list.example" % i, "externalId": "ext-%d" % (i % 4),
                    "displayName": "User %d" % (i % 2)}
            made = cls.http.post("/Users", body)
            assert made.status == 201, made
            cls.ids.append(made.json["id"])

    def page(self, **q):
        return self.expect(self.http.get("/Users?" + "&".join("%s=%s" % p for p in q.items())), 200).json

    def test_pages_are_stable_and_complete(self):
        seen = []
        for start in range(1, 24, 5):
            page = self.page(startIndex=start, count=5)
            self.assertEqual((page["totalResults"], page["startIndex"], page["itemsPerPage"]),
                             (23, start, len(page["Resources"])))
            seen += [u["id"] for u in page["Resources"]]
        self.assertEqual(seen, self.ids)

    def test_corners_of_paging(self):
        """G2, G3."""
        for q, expected in (({}, (23, 1, 23)), ({"startIndex": 0}, (23, 1, 23)),
                            ({"startIndex": -7, "count": 3}, (23, 1, 3)), ({"count": 0}, (23, 1, 0)),
                            ({"count": -5}, (23, 1, 0)), ({"startIndex": 24}, (23, 24, 0)),
                            ({"startIndex": 100000, "count": 10}, (23, 100000, 0)),
                            ({"count": 100000}, (23, 1, 23)), ({"startIndex": 23, "count": 1}, (23, 23, 1))):
            page = self.page(**q)
            self.assertEqual((page["totalResults"], page["startIndex"], page["itemsPerPage"]), expected, q)
            self.assertEqual(len(page.get("Resources", [])), expected[2], q)
        for q in ("count=x", "startIndex=1.5", "count=1e2", "count=%31x"):
            self.expect(self.http.get("/Users?" + q), 400, "invalidValue")

    def test_a_page_holds_200_at_most(self):
        ws = self.stack.workspace("page200")
        made = in_flight(16, [lambda c, i=i: c.post("/Users", {"schemas": [USER], "userName": "u%d" % i})
                              for i in range(205)], ws.client)
        self.assertEqual(statuses(made), {201: 205})
        page = ws.client.get("/Users?count=500").json
        self.assertEqual((page["totalResults"], page["itemsPerPage"], len(page["Resources"])), (205, 200, 200))
        rest = ws.client.get("/Users?count=500&startIndex=201").json
        self.assertEqual((rest["totalResults"], rest["itemsPerPage"]), (205, 5))

    def find(self, text, **q):
        return [u["id"] for u in self.expect(self.http.find("/Users", text, **q), 200).json["Resources"]]

    def test_filters_of_look_ups(self):
        self.assertEqual(self.find('userName eq "user03@list.example"'), [self.ids[3]])
        self.assertEqual(self.find('USERNAME EQ "USER03@list.EXAMPLE"'), [self.ids[3]])
        self.assertEqual(self.find('%s:userName eq "user03@list.example"' % USER), [self.ids[3]])
        self.assertEqual(self.find('id eq "%s"' % self.ids[9]), [self.ids[9]])
        self.assertEqual(self.find('id eq "%s"' % self.ids[9].upper()), [])  # case-exact
        self.assertEqual(self.find('id eq "no id at all"'), [])
        self.assertEqual(self.find('externalId eq "ext-3"'), self.ids[3::4])
        self.assertEqual(self.find('externalId eq "EXT-3"'), [])
        self.assertEqual(self.find('displayName eq "user 1" and externalId eq "ext-3"'), self.ids[3::4])
        self.assertEqual(self.find('displayName eq "User 0" and externalId eq "ext-3"'), [])
        self.assertEqual(self.find('displayName eq "User 1" and externalId eq "ext-3" and id eq "%s"' % self.ids[7]),
                         [self.ids[7]])

    def test_filtered_pages(self):
        page = self.expect(self.http.find("/Users", 'externalId eq "ext-1"', startIndex=2, count=3), 200).json
        self.assertEqual((page["totalResults"], page["startIndex"], [u["id"] for u in page["Resources"]]),
                         (6, 2, self.ids[1::4][1:4]))

    def test_plus_and_percent_are_spaces(self):
        """T7."""
        for query in ("filter=userName+eq+%22user03@list.example%22",
                      "filter=userName%20eq%20%22user03%40list.example%22"):
            self.assertEqual(self.expect(self.http.get("/Users?" + query), 200).json["totalResults"], 1)

    def test_injection_is_text(self):
        for text in ("' OR '1'='1", "x\\\" or userName pr", "\\u0000", "%", "_", "'; DROP TABLE users; --", "{}",
                     "\\u00e9\\ud83d\\ude00"):
            a = self.http.find("/Users", 'userName eq "%s"' % text)
            self.assertIn(a.status, (200, 400), text)
            if a.status == 200:
                self.assertEqual(a.json["totalResults"], 0, text)

    def test_bad_filters(self):
        for text in ("userName", "userName eq", 'eq "x"', 'userName eq "x', 'userName equals "x"',
                     'userName eq "x" and', 'userName eq "x" nor id eq "y"',
                     "(", '(userName eq "x"', 'userName eq "x")', "userName eq x", "nonsense eq \"x\"",
                     "active gt true", "", " ", "userName eq 'x'",
                     'password eq "x"', "a" * 5000, "(" * 50 + 'userName eq "x"' + ")" * 50):
            self.expect(self.http.find("/Users", text), 400, "invalidFilter")


class Projection(Case):
    def test_attributes_and_excluded(self):
        """J1 to J3."""
        made = self.user("proj@proj.example", title="T", name={"givenName": "G", "familyName": "F"},
                         **{ENTERPRISE: {"department": "D", "division": "V"}})
        path = "/Users/" + made["id"]
        for query, expected in (("attributes=userName", {"userName"}), ("attributes=title,NAME", {"title", "name"}),
                                ("attributes=nonsense", set()),
                                ("attributes=meta", {"meta"}), ("attributes=%s:title" % USER, {"title"})):
            got = self.expect(self.http.get("%s?%s" % (path, query)), 200).json
            self.assertEqual(set(got) - {"id", "schemas"}, expected, query)
            self.assertEqual(got["id"], made["id"])
        self.assertEqual(self.http.get(path + "?attributes=name.givenName").json["name"], {"givenName": "G"})
        self.assertEqual(self.http.get("%s?attributes=%s:department" % (path, ENTERPRISE)).json[ENTERPRISE],
                         {"department": "D"})
        self.assertNotIn("title", self.http.get(path + "?excludedAttributes=title").json)
        self.assertEqual(self.http.get(path + "?excludedAttributes=id,schemas").json, self.http.get(path).json)
        self.assertEqual(self.http.get(path + "?excludedAttributes=name.givenName").json["name"], {"familyName": "F"})
        self.expect(self.http.get(path + "?attributes=title&excludedAttributes=name"), 400, "invalidValue")

    def test_lists_and_writes(self):
        made = self.expect(self.http.post("/Users?attributes=userName",
                                          {"schemas": [USER], "userName": "proj2@proj.example", "title": "T"}), 201)
        self.assertEqual(made.json["userName"], "proj2@proj.example")
        self.assertNotIn("title", made.json)
        found = self.http.find("/Users", 'userName eq "proj2@proj.example"', attributes="id").json["Resources"]
        self.assertEqual([set(u) for u in found], [{"id", "schemas"}])

    def test_room_patch_answers_a_body_only_where_attributes_were_asked(self):
        """P3, decided point: rooms 204, 200 where `attributes` was given."""
        room = self.room("proj room")
        add = patch_op({"op": "add", "path": "members", "value": [{"value": self.user("proj3@proj.example")["id"]}]})
        answer = self.expect(self.http.patch("/Groups/%s?attributes=displayName" % room["id"], add), 200)
        self.assertEqual(set(answer.json) - {"id", "schemas"}, {"displayName"})
        self.expect(self.http.patch("/Groups/" + room["id"], patch_op({"op": "remove", "path": "members"})), 204)


class Versions(Case):
    def test_version_moves_with_each_change_and_only_then(self):
        made = self.user("etag@v.example")
        seen = [made["meta"]["version"]]
        for title in ("a", "b", "a"):
            seen.append(self.expect(self.http.patch("/Users/" + made["id"],
                                                    patch_op({"op": "replace", "path": "title", "value": title})),
                                    200).json["meta"]["version"])
        self.assertEqual(len(set(seen)), 4)
        for _ in range(2):
            self.assertEqual(self.http.get("/Users/" + made["id"]).headers["etag"], seen[-1])
        self.assertEqual(self.http.find("/Users",
                                        'userName eq "etag@v.example"').json["Resources"][0]["meta"]["version"],
                         seen[-1])

    def test_last_modified_moves_with_the_version(self):
        made = self.user("mod@v.example")
        new = self.expect(self.http.patch("/Users/" + made["id"],
                                          patch_op({"op": "add", "path": "title", "value": "x"})), 200).json
        self.assertGreater(new["meta"]["lastModified"], made["meta"]["lastModified"])
        self.assertEqual(new["meta"]["created"], made["meta"]["created"])
        same = self.expect(self.http.patch("/Users/" + made["id"],
                                           patch_op({"op": "add", "path": "title", "value": "x"})), 200).json
        self.assertEqual(same["meta"], new["meta"])


class Prefixes(Case):
    def test_both_prefixes_show_the_same(self):
        made = self.user("prefix@p.example")
        for workspace in (self.ws.id, self.ws.name):
            other = self.ws.open(prefix="/w/%s/scim/v2" % workspace)
            got = self.expect(other.get("/Users/" + made["id"]), 200).json
            self.assertEqual((got["id"], got["userName"]), (made["id"], made["userName"]))
            self.assertEqual(self.expect(other.post("/Users", {"schemas": [USER], "userName": "p-%s" % workspace}),
                                         201).status, 201)
            location = got["meta"]["location"]
            self.assertTrue(location.startswith(self.stack.url))
            self.assertEqual(self.expect(self.ws.open(prefix="").get(location[len(self.stack.url):]), 200).json["id"],
                             made["id"])

    def test_a_prefix_of_another_workspace_is_404(self):
        stranger = self.stack.workspace("stranger")
        for workspace in (stranger.id, stranger.name, "0190b3f2-0000-7000-8000-000000000000", "nonsense"):
            other = self.ws.open(prefix="/w/%s/scim/v2" % workspace)
            self.expect(other.get("/Users"), 404)
            self.expect(other.post("/Users", {"schemas": [USER], "userName": "lost"}), 404)
            self.expect(other.get("/ServiceProviderConfig"), 404)
        self.assertEqual(stranger.counts()["users"], 0)

    def test_other_versions_and_paths(self):
        for prefix, status, scim_type in (("/scim/v1", 400, "invalidVers"), ("/scim/v3", 400, "invalidVers"),
                                          ("/scim", 404, None), ("", 404, None)):
            self.expect(self.ws.open(prefix=prefix).get("/Users"), status, scim_type)


class Tenancy(Case):
    """Promise 7: a tenant sees only itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.stack.workspace("tenant-b")

    def test_ids_of_another_workspace_are_404(self):
        theirs = self.expect(self.other.client.post("/Users", {"schemas": [USER], "userName": "b@tenant.example"}),
                             201).json["id"]
        room = self.expect(self.other.client.post("/Groups", {"schemas": [GROUP], "displayName": "B",
                                                              "members": [{"value": theirs}]}), 201).json["id"]
        before = self.other.counts()
        for place, thing in (("/Users/", theirs), ("/Groups/", room)):
            self.expect(self.http.get(place + thing), 404)
            self.expect(self.http.delete(place + thing), 404)
            body = {"schemas": [USER], "userName": "x"} if place == "/Users/" else {"schemas": [GROUP],
                                                                                    "displayName": "x"}
            self.expect(self.http.put(place + thing, body), 404)
            self.expect(self.http.patch(place + thing,
                                        patch_op({"op": "replace", "path": "externalId", "value": "stolen"})), 404)
            self.assertEqual(self.http.find(place[:-1], 'id eq "%s"' % thing).json["totalResults"], 0)
        mine = self.room("A")["id"]
        self.expect(self.http.patch("/Groups/" + mine,
                                    patch_op({"op": "add", "path": "members", "value": [{"value": theirs}]})), 400,
                    "invalidValue")
        self.assertEqual(self.http.find("/Groups", 'members.value eq "%s"' % theirs).json["totalResults"], 0)
        self.assertEqual(self.other.counts(), before)

    def test_the_same_names_in_two_workspaces(self):
        for ws in (self.ws, self.other):
            self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "same@tenant.example",
                                                  "externalId": "same"}), 201)
            self.expect(ws.client.post("/Groups", {"schemas": [GROUP], "displayName": "Same"}), 201)
        for text in ('userName eq "same@tenant.example"', 'externalId eq "same"'):
            self.assertEqual(self.http.find("/Users", text).json["totalResults"], 1)
        self.assertEqual(self.http.find("/Groups", 'displayName eq "same"').json["totalResults"], 1)


class Rooms(Case):
    def test_life(self):
        ana, ben = self.user("ana@rooms.example", displayName="Ana")["id"], self.user("ben@rooms.example")["id"]
        made = self.room("Dispatch", [ana, ben], externalId="R-1")
        base = self.stack.url + "/scim/v2/Users/"
        shown = {m["value"]: m for m in made["members"]}
        self.assertEqual(shown, {u: {"value": u, "type": "User", "$ref": base + u} for u in (ana, ben)})
        named = self.expect(self.http.get("/Groups/%s?attributes=members.value,members.display" % made["id"]),
                            200).json["members"]
        # J2: on request.
        self.assertEqual({m["value"]: m["display"] for m in named}, {ana: "Ana", ben: "ben@rooms.example"})
        self.assertEqual(self.http.get("/Groups/" + made["id"]).json, made)
        groups = self.http.get("/Users/" + ana).json["groups"]
        self.assertEqual(groups, [{"value": made["id"], "display": "Dispatch", "type": "direct", "$ref": self.stack.url
                                   + "/scim/v2/Groups/" + made["id"]}])
        for text in ('displayName eq "DISPATCH"', 'externalId eq "R-1"', 'id eq "%s"' % made["id"],
                     'members.value eq "%s"' % ana, 'members eq "%s"' % ben):
            self.assertEqual([g["id"] for g in self.http.find("/Groups", text).json["Resources"]], [made["id"]], text)
        put = self.expect(self.http.put("/Groups/" + made["id"],
                                        {"schemas": [GROUP], "displayName": "Dispatch", "members": []}), 200).json
        self.assertFalse(put.get("members"))
        self.assertEqual(put["externalId"], "R-1")
        self.expect(self.http.delete("/Groups/" + made["id"]), 204)
        self.expect(self.http.get("/Groups/" + made["id"]), 404)

    def test_names_are_unique_unless_the_workspace_allows(self):
        self.room("Twice")
        self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "tWICE"}), 409, "uniqueness")

    def test_nested_groups_are_refused(self):
        """S9, decided point."""
        inner = self.room("Inner")["id"]
        for member in ({"value": inner, "type": "Group"}, {"value": inner}):
            self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "Outer", "members": [member]}),
                        400, "invalidValue")

    def test_groups_cannot_be_changed_through_the_user(self):
        """P39, Q46."""
        user = self.user("g@rooms.example")
        self.expect(self.http.patch("/Users/" + user["id"],
                                    patch_op({"op": "add", "path": "groups", "value": [{"value": "x"}]})), 400,
                    "mutability")
        self.expect(self.http.put("/Users/" + user["id"], {"schemas": [USER], "userName": "g@rooms.example",
                                                           "groups": [{"value": "x"}]}), 200)


class Discovery(Case):
    def test_service_provider_config(self):
        """D2: says what is there, and no more."""
        config = self.expect(self.http.get("/ServiceProviderConfig"), 200).json
        self.assertEqual(config["schemas"], ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"])
        self.assertEqual((config["patch"], config["filter"]),
                         ({"supported": True}, {"supported": True, "maxResults": 200}))
        self.assertEqual(config["authenticationSchemes"][0]["type"], "oauthbearertoken")
        self.assertEqual(config["changePassword"], {"supported": False})
        for name in ("bulk", "sort", "etag"):
            self.assertIn("supported", config[name])
        if not config["bulk"]["supported"]:
            self.expect(self.http.post("/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                                                 "Operations": []}), 501)
        if config["etag"]["supported"]:
            made = self.user("cond@disc.example")
            self.expect(self.http.delete("/Users/" + made["id"], headers={"If-Match": 'W/"0"'}), 412)
        self.expect(self.http.get('/ServiceProviderConfig?filter=patch%20pr'), 200)

    def test_resource_types(self):
        types = self.expect(self.http.get("/ResourceTypes"), 200).json
        self.assertEqual((types["schemas"], types["totalResults"]), ([LIST], 2))
        by_name = {t["name"]: t for t in types["Resources"]}
        self.assertEqual((by_name["User"]["endpoint"], by_name["User"]["schema"]), ("/Users", USER))
        self.assertEqual((by_name["Group"]["endpoint"], by_name["Group"]["schema"]), ("/Groups", GROUP))
        self.assertIn({"schema": ENTERPRISE, "required": False}, by_name["User"]["schemaExtensions"])
        self.assertEqual(self.expect(self.http.get("/ResourceTypes/User"), 200).json, by_name["User"])
        self.expect(self.http.get("/ResourceTypes/Room"), 404)

    def test_schemas(self):
        schemas = self.expect(self.http.get("/Schemas"), 200).json
        by_id = {s["id"]: s for s in schemas["Resources"]}
        self.assertEqual(set(by_id), {USER, GROUP, ENTERPRISE, USHER})
        for urn, schema in by_id.items():
            self.assertEqual(self.expect(self.http.get("/Schemas/" + urn), 200).json, schema)
            self.assertEqual(schema["meta"]["location"], "%s/scim/v2/Schemas/%s" % (self.stack.url, urn))
            self._attributes(schema["attributes"])
        self.expect(self.http.get("/Schemas/urn:example:none"), 404)

    def _attributes(self, attributes):
        for a in attributes:
            self.assertFalse({"name", "type", "multiValued", "description", "required", "mutability",
                              "returned"} - set(a), a)
            self.assertNotIn(None, a.values())
            self._attributes(a.get("subAttributes", []))

    def test_a_filter_there_is_403(self):
        """D6."""
        for path in ("/Schemas", "/ResourceTypes"):
            self.expect(self.http.find(path, 'id eq "x"'), 403)

    def test_me_is_501(self):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            self.expect(self.http.request(method, "/Me", None if method in ("GET", "DELETE")
                                          else {"schemas": [USER]}), 501)


class Health(Case):
    def test_open_endpoints(self):
        http = self.ws.open(prefix="", check=False)
        http.token = None
        for path in ("/healthz", "/readyz"):
            self.assertEqual(http.get(path).status, 200)
        metrics = http.get("/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertTrue(metrics.headers["content-type"].startswith("text/plain"))
        self.assertRegex(metrics.body.decode(), r"(?m)^usher_\w+(\{.*\})? [0-9.e+]+$")
        self.assertNotIn(b"ush_", metrics.body)


if __name__ == "__main__":
    unittest.main()
