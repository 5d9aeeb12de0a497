"""The role: true, false, or absent on creation = as the workspace is set; absent or null on update = unchanged.
Through SCIM and the API."""

import doors
from case import Case
from doors import change
from scimhttp import ROLE, USER


class Roles(Case):
    def setUp(self):
        self.ws = self.stack.workspace("roles")
        self.http, self.api = self.ws.client, doors.api(self.ws)

    def tearDown(self):
        self.http.close()
        self.api.close()

    def stored(self, uid):
        return self.stack.sql("SELECT doc->%s->>'editor' FROM users WHERE workspace_id=%s AND id=%s", ROLE, self.ws.id,
                              uid)[0][0]

    def test_on_creation(self):
        for default, other in (("viewer", "editor"), ("editor", "viewer")):
            self.ws.set(default_role=default)
            for given, editor in (({}, default == "editor"), ({ROLE: {"editor": True}}, True),
                                  ({ROLE: {"editor": False}}, False), ({ROLE: {"editor": None}}, default == "editor"),
                                  ({ROLE: None}, default == "editor"), ({ROLE: {}}, default == "editor")):
                with self.subTest(default, given=given):
                    made = self.user("s-%s-%d" % (default,
                                                  len(self.stack.sql("SELECT 1 FROM users WHERE workspace_id=%s",
                                                                     self.ws.id))), **given)
                    self.assertIs(made[ROLE]["editor"], editor)
                    self.assertIn(ROLE, made["schemas"])
                    self.assertEqual(self.expect(self.http.get("/Users/" + made["id"]), 200).json, made)
            for given, editor in (({}, default == "editor"), ({"editor": True}, True), ({"editor": False}, False),
                                  ({"editor": None}, default == "editor")):
                with self.subTest(default, api=given):
                    answer = self.api.post("/users", {"userName": "a-%s-%s" % (default, given), **given})
                    self.assertEqual((answer.status, answer.json["editor"]), (201, editor), answer)

    def test_unchanged_where_nothing_is_said(self):
        """Also by a PUT that says null, and whatever the workspace's default has become."""
        for editor in (True, False):
            uid = self.user("keep-%s" % editor, **{ROLE: {"editor": editor}})["id"]
            self.ws.set(default_role="viewer" if editor else "editor")
            place, put = "/Users/" + uid, {"schemas": [USER], "userName": "keep-%s" % editor}
            ways = [lambda: self.http.put(place, put), lambda: self.http.put(place, {**put, ROLE: {"editor": None}}),
                    lambda: self.http.put(place, {**put, ROLE: None}),
                       lambda: self.http.put(place, {**put, ROLE: {}}),
                    lambda: self.http.patch(place, change(("replace", "title", "T"))),
                       lambda: self.api.patch("/users/" + uid, {"title": "U"})]
            for i, act in enumerate(ways):
                with self.subTest(editor=editor, way=i):
                    answer = act()
                    self.assertEqual(answer.status, 200, answer)
                    self.assertEqual(self.stored(uid), "true" if editor else "false")

    def test_taken_away_where_a_patch_says_so(self):
        """P21: what is removed is gone, and the answer shows it. Without a role one is a viewer."""
        uid = self.user("less", **{ROLE: {"editor": True}})["id"]
        place = "/Users/" + uid
        for i, act in enumerate((lambda: self.http.patch(place, change(("remove", ROLE + ":editor"))),
                                 lambda: self.http.patch(place, change(("replace", ROLE + ":editor", None))),
                                 lambda: self.http.patch(place, change(("remove", ROLE))),
                                 lambda: self.http.patch(place, change(("replace", None, {ROLE: {"editor": None}}))),
                                 lambda: self.api.patch("/users/" + uid, {"editor": None}))):
            with self.subTest(i):
                self.expect(self.http.patch(place, change(("add", ROLE + ":editor", True))), 200)
                self.assertEqual(act().status, 200)
                self.assertIsNone(self.stored(uid))
                self.assertNotIn(ROLE, self.expect(self.http.get(place), 200).json)
                self.assertIs(self.api.get("/users/" + uid).json["editor"], False)

    def test_changed_where_it_is_said(self):
        uid = self.user("change")["id"]
        place, put = "/Users/" + uid, {"schemas": [USER], "userName": "change"}
        for i, (editor, act) in enumerate(((True, lambda: self.http.put(place, {**put, ROLE: {"editor": True}})),
                                           (False,
                                            lambda: self.http.patch(place,
                                                                    change(("replace", ROLE + ":editor", False)))),
                                              (True,
                                               lambda: self.http.patch(
                                                   place, change(("add", None, {ROLE: {"editor": "True"}})))),
                                           (False, lambda: self.api.patch("/users/" + uid, {"editor": False})),
                                              (True, lambda: self.api.patch("/users/" + uid, {"editor": True})))):
            with self.subTest(i):
                self.assertEqual(act().status, 200)
                self.assertEqual(self.stored(uid), "true" if editor else "false")
        told = [c["to"] for v in self.followers.changes(self.ws.id) for c in v["changes"] if c["path"] == ROLE
                + ":editor"]
        self.assertEqual(told, [False, True, False, True, False, True])

    def test_found_by_role(self):
        self.user("e", **{ROLE: {"editor": True}})
        self.user("v")
        for editor, name in ((True, "e"), (False, "v")):
            found = self.http.find("/Users", "%s:editor eq %s" % (ROLE, str(editor).lower())).json
            self.assertEqual([u["userName"] for u in found["Resources"]], [name])
