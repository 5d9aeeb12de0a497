"""What clients send beside the RFC's own form, and what becomes of it: taken for what it means, or refused, or said to be
stored nowhere. At the doors of SCIM and of the Management API, by single requests and in a Bulk."""

from apicase import ApiCase
from scimhttp import ENTERPRISE, GROUP, ROLE, USER, patch_op as patch_of

ACME = "urn:example:params:scim:schemas:extension:acme:2.0:User"
BLANK = {"no-break space": "\u00a0", "zero width space": "\u200b", "byte order mark": "\ufeff", "word joiner": "\u2060",
         "ideographic space": "\u3000", "Hangul filler": "\u3164", "Braille blank": "\u2800", "two of them": " \u200d\u2003"}


def patch_op(*operations):
    """Objects, or (op, path, value)."""
    return patch_of(*({"op": o[0], "path": o[1], "value": o[2]} if isinstance(o, tuple) else o for o in operations))


class Inputs(ApiCase):
    dialect, flags = "rfc", {"seats": 500}

    def number(self):
        Inputs.count = getattr(Inputs, "count", 0) + 1
        return Inputs.count

    def made(self, **more):
        return self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "in%d@inputs.example" % self.number(),
                                                     **more}), 201).json

    def strict(self):
        """A strict workspace of its own."""
        ws = self.stack.workspace("inputs-strict", seats=50)
        self.stack.ctl("workspace", "set", ws.id, strictness="strict")
        return ws.open()

    def recorded(self, method, path, body, **headers):
        """An answer, and its request record, which is known by a name of its own for the client."""
        agent = "inputs/%d" % self.number()
        answer = self.http.request(method, path, body, headers={"User-Agent": agent, **headers})

        def its(records):
            return [r for r in records if r["userAgent"] == agent and "bulk" not in r]

        return answer, its(self.followers.requests(self.ws.id, its, "the request's record"))[0]


class Schemas(Inputs):
    def test_S6_P1_B1_J5_left_out(self):
        """Left out of any message it is taken as given. What names another one, or none, is refused."""
        user, n = self.made(), self.number()
        at = "/Users/" + user["id"]
        self.expect(self.http.patch(at, {"Operations": [{"op": "replace", "value": {"displayName": "x%d" % n}}]}), 200)
        for path in ("/Users/.search", "/.search"):
            found = self.expect(self.http.post(path, {"filter": 'displayName eq "X%d"' % n}), 200)
            self.assertEqual(found.json["totalResults"], 1)
        bulk = self.http.post("/Bulk", {"Operations": [{"method": "PATCH", "path": at, "data": {"Operations": [
            {"op": "replace", "path": "title", "value": "t%d" % n}]}}]})
        self.assertEqual([o["status"] for o in self.expect(bulk, 200).json["Operations"]], ["200"])
        self.expect(self.http.post("/Users", {"userName": "left-out-%d" % n}), 201)
        self.expect(self.http.post("/Groups", {"displayName": "Left out %d" % n}), 201)
        before = self.http.get(at).json
        for schemas in (["urn:example:nothing"], [], None, 7):
            for path, body in (("/Users/.search", {}), ("/Groups/.search", {}), ("/.search", {}),
                               ("/Bulk", {"Operations": [{"method": "DELETE", "path": at}]}),
                               ("/Users", {"userName": "wrong"}), ("/Groups", {"displayName": "Wrong"})):
                self.expect(self.http.post(path, {"schemas": schemas, **body}), 400, "invalidSyntax")
            self.expect(self.http.patch(at, {"schemas": schemas, "Operations": [
                {"op": "replace", "path": "title", "value": "no"}]}), 400, "invalidSyntax")
        self.assertEqual(self.http.get("/Users/" + user["id"]).json, before)


class Forms(Inputs):
    def test_S3_lists_of_one(self):
        user = self.made(userName=["one-%d" % self.number()], active=["False"], title=["Dr"], name=[{"givenName": ["A"]}],
                         **{ENTERPRISE: [{"department": ["Ops"], "manager": ["m"]}]})
        self.assertEqual((user["active"], user["title"], user["name"], user[ENTERPRISE]),
                         (False, "Dr", {"givenName": "A"}, {"department": "Ops", "manager": {"value": "m"}}))
        for op, due in (({"op": "replace", "path": "active", "value": [True]}, ("active", True)),
                        ({"op": "replace", "value": [{"displayName": "X"}]}, ("displayName", "X")),
                        ({"op": "add", "path": "title", "value": ["Prof"]}, ("title", "Prof")),
                        ({"op": "add", "path": ENTERPRISE, "value": [{"department": "Air"}]},
                         (ENTERPRISE, {"department": "Air", "manager": {"value": "m"}}))):
            got = self.expect(self.http.patch("/Users/" + user["id"], patch_op(op)), 200).json
            self.assertEqual(got[due[0]], due[1])
        put = self.expect(self.http.put("/Users/" + user["id"], {"userName": [user["userName"]], "nickName": ["n"]}), 200)
        self.assertEqual(put.json["nickName"], "n")
        self.expect(self.http.patch("/Users/" + user["id"], patch_op({"op": "replace", "path": "active", "value": [
            True, False]})), 400, "invalidValue")
        self.expect(self.http.post("/Users", {"userName": ["a", "b"]}), 400, "invalidValue")
        # the same at the other door
        made = self.make_user("api-list-%d" % self.number(), displayName=["L"], active=["true"], department=["Ops"])
        self.assertEqual((made["displayName"], made["active"], made["department"]), ("L", True, "Ops"))
        self.assertEqual(self.ok(self.api.patch("/users/" + made["id"], {"title": ["T"]}))["title"], "T")
        self.problem(self.api.patch("/users/" + made["id"], {"title": ["T", "U"]}), 400, "invalid-value", "title")

    def test_J5_search(self):
        """Digits in a text, a text for a list, a list of one for a text."""
        room = self.expect(self.http.post("/Groups", {"displayName": "Search %d" % self.number()}), 201).json
        given = {"filter": ['id eq "%s"' % room["id"]], "startIndex": "1", "count": ["1"], "attributes": "displayName",
                 "sortOrder": ["ascending"]}
        got = self.expect(self.http.post("/Groups/.search", given), 200).json
        self.assertEqual(got["Resources"], [{"schemas": [GROUP], "id": room["id"], "displayName": room["displayName"]}])
        without = self.expect(self.http.post("/Groups/.search", {"filter": given["filter"],
                                                                 "excludedAttributes": "members,meta"}), 200).json
        self.assertEqual(set(without["Resources"][0]), {"schemas", "id", "displayName"})
        for bad in ({"count": "many"}, {"startIndex": "1.5"}, {"startIndex": [1, 2]}, {"count": True}):
            self.expect(self.http.post("/Groups/.search", bad), 400, "invalidValue")

    def test_strict_refuses_them(self):
        http = self.strict()
        user = self.expect(http.post("/Users", {"schemas": [USER], "userName": "s", "active": True}), 201).json
        at = "/Users/" + user["id"]
        for act in (lambda: http.post("/Users", {"userName": ["t"]}),
                    lambda: http.post("/Users", {"userName": "t", ENTERPRISE: [{"department": "x"}]}),
                    lambda: http.put(at, {"userName": "s", "title": ["x"]}),
                    lambda: http.patch(at, patch_op({"op": "replace", "path": "active", "value": [False]})),
                    lambda: http.post("/Users/.search", {"count": "5"})):
            self.expect(act(), 400, "invalidValue")
        for act in (lambda: http.post("/Users", {"userName": "t", "name.givenName": "x"}),
                    lambda: http.post("/Users", {"userName": "t", ENTERPRISE + ":department": "x"}),
                    lambda: http.put(at, {"userName": "s", ACME: {"badge": 7}}),
                    lambda: http.post("/Users/.search", {"attributes": "userName"})):
            self.expect(act(), 400, "invalidSyntax")
        self.assertEqual(http.get(at).json, user)
        self.expect(http.post("/Users/.search", {"count": 5, "attributes": ["userName"]}), 200)


class Blank(Inputs):
    def test_X4_names_that_show_nothing(self):
        user, room = self.made(), self.make_room("Seen %d" % self.number())
        for what, name in BLANK.items():
            with self.subTest(what):
                for act in (lambda: self.http.post("/Users", {"userName": name}),
                            lambda: self.http.post("/Groups", {"displayName": name}),
                            lambda: self.http.put("/Users/" + user["id"], {"userName": name}),
                            lambda: self.http.patch("/Users/" + user["id"], patch_op(("replace", "userName", name))),
                            lambda: self.http.patch("/Groups/" + room["id"], patch_op({
                                "op": "replace", "value": {"displayName": name}}))):
                    self.expect(act(), 400, "invalidValue")
                self.problem(self.api.post("/users", {"userName": name}), 400, "invalid-value", "userName")
                self.problem(self.api.post("/rooms", {"displayName": name}), 400, "invalid-value", "displayName")
                self.problem(self.api.patch("/rooms/" + room["id"], {"displayName": name}), 400, "invalid-value",
                             "displayName")
                imported = self.ok(self.api.post("/users/import", {"users": [{"userName": name}]}))
                self.assertEqual([r["status"] for r in imported["results"]], [400])
        self.assertEqual(self.made(userName="\u200bseen\u3000%d" % self.number())["active"], True)


class Flat(Inputs):
    def test_Q12_post_and_put(self):
        name = "flat-%d" % self.number()
        flat = {"userName": name, "name.givenName": "Ana", "name.familyName": "Berg", ENTERPRISE + ":department": "Ops",
                ENTERPRISE + ":manager.value": "m", 'emails[type eq "work"].value': "a@x.example", "costCenter": "7"}
        answer, record = self.recorded("POST", "/Users", flat)
        user = self.expect(answer, 201).json
        due = {"name": {"givenName": "Ana", "familyName": "Berg"}, "emails": [{"type": "work", "value": "a@x.example"}],
               ENTERPRISE: {"department": "Ops", "manager": {"value": "m"}, "costCenter": "7"}}
        self.assertEqual({k: user[k] for k in due}, due)
        self.assertEqual(user["schemas"], [USER, ENTERPRISE, ROLE])
        self.assertNotIn("usher-ignored", answer.headers)
        self.assertNotIn("ignored", record)
        put = self.expect(self.http.put("/Users/" + user["id"], {**flat, "name.givenName": "Eva"}), 200).json
        self.assertEqual((put["name"]["givenName"], put["emails"]), ("Eva", due["emails"]))
        # a PATCH without path comes to the same
        other = self.made()
        got = self.expect(self.http.patch("/Users/" + other["id"], patch_op({"op": "add", "value": {
            k: v for k, v in flat.items() if k != "userName"}})), 200).json
        self.assertEqual({k: got[k] for k in due}, due)
        self.expect(self.http.post("/Users", {"userName": name + "b", "name": {"givenName": "A"}, "name.givenName": "B"}),
                    400, "invalidSyntax")

    def test_the_management_api_refuses_names_it_does_not_know(self):
        for body in ({"name.givenName": "x"}, {ACME: {"a": 1}}, {"shoeSize": 9}):
            self.problem(self.api.post("/users", {"userName": "never", **body}), 400, "invalid-value", next(iter(body)))


class Ignored(Inputs):
    def test_0_13_an_unknown_extension(self):
        """Rule 0.13: stored nowhere, and said: to the client and in the audit."""
        body = {"schemas": [USER, ACME], "userName": "ign-%d" % self.number(), ACME: {"badge": 7}, "shoeSize": 9,
                ENTERPRISE: {"floor": "3", "department": "Ops"}}
        names = [ACME, "shoeSize", ENTERPRISE + ":floor"]
        answer, record = self.recorded("POST", "/Users", body)
        user = self.expect(answer, 201).json
        self.assertEqual((answer.headers["usher-ignored"], record["ignored"]), (", ".join(names), names))
        self.assertEqual((user["schemas"], user[ENTERPRISE]), ([USER, ENTERPRISE, ROLE], {"department": "Ops"}))
        put = self.http.put("/Users/" + user["id"], body)
        self.expect(put, 200)
        self.assertEqual(put.headers["usher-ignored"], ", ".join(names))
        late = self.http.post("/Users", {**body, "userName": "ign-%d" % self.number()},
                              headers={"Prefer": "respond-async"})
        self.expect(late, 202)
        self.assertEqual(late.headers["usher-ignored"], ", ".join(names))

    def test_0_13_nothing_to_say(self):
        """Rule 0.13: what usher sets itself, and what holds no data, is not told; nor is a refused request."""
        user = self.made(**{ACME: {}, "urn:example:b": None, "c": [], "meta": {"version": "x"}, "groups": [{"value": "x"}]})
        back = self.http.put("/Users/" + user["id"], user)
        self.expect(back, 200)
        self.assertNotIn("usher-ignored", back.headers)
        refused, record = self.recorded("POST", "/Users", {"userName": user["userName"], ACME: {"badge": 7}})
        self.expect(refused, 409, "uniqueness")
        self.assertNotIn("usher-ignored", refused.headers)
        self.assertEqual(record["ignored"], [ACME])

    def test_names_that_no_header_can_hold(self):
        given = {"a, b\r\nX-Evil: 1": 1, "\u00fc": 2, "c" * 300: 3}
        answer, record = self.recorded("POST", "/Users", {"userName": "ign-%d" % self.number(), **given})
        self.expect(answer, 201)
        self.assertEqual(answer.headers["usher-ignored"],
                         "a%2C%20b%0D%0AX-Evil:%201, %C3%BC, " + "c" * 200)
        self.assertNotIn("x-evil", answer.headers)
        self.assertEqual(record["ignored"], ["a, b\r\nX-Evil: 1", "\u00fc", "c" * 200])

    def test_bulk_names_those_of_all_operations(self):
        n = self.number()
        answer, record = self.recorded("POST", "/Bulk", {"Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a%d" % i, "data": {"userName": "bulk-%d-%d" % (n, i), **more}}
            for i, more in enumerate(({ACME: {"a": 1}}, {}, {ACME: {"a": 2}, "shoeSize": 9}))]})
        self.assertEqual([o["status"] for o in self.expect(answer, 200).json["Operations"]], ["201"] * 3)
        self.assertEqual(answer.headers["usher-ignored"], ACME + ", shoeSize")
        txn = record["txn"]
        self.assertEqual(record["ignored"], [ACME, "shoeSize"])
        records = self.followers.requests(self.ws.id, lambda rs: sum(r.get("bulk") == txn for r in rs) == 3, "operations")
        self.assertEqual([r.get("ignored") for r in records if r.get("bulk") == txn],
                         [[ACME], None, [ACME, "shoeSize"]])


class Held(Inputs):
    def test_C6_P33_read_and_written_back(self):
        """By PUT and by a PATCH of the whole list: who is held comes back on reactivation. The empty list, and a
        removal, mean the held one too."""
        for way, comes_back in (("put", True), ("patch", True), ("put empty", False), ("patch empty", False),
                                ("remove", False), ("remove all", False)):
            with self.subTest(way):
                ana, ben = self.made(), self.made()
                room = self.expect(self.http.post("/Groups", {"displayName": "Held %d" % self.number(), "members": [
                    {"value": ana["id"]}, {"value": ben["id"]}]}), 201).json
                self.active(ana, False)
                shown = self.expect(self.http.get("/Groups/" + room["id"]), 200).json
                self.assertEqual([m["value"] for m in shown["members"]], [ben["id"]])
                at = "/Groups/" + room["id"]
                if way == "put":
                    self.assertEqual(self.expect(self.http.put(at, shown), 200).json, shown)
                elif way == "patch":
                    self.expect(self.http.patch(at, patch_op(("replace", "members", shown["members"]))), 204)
                elif way == "put empty":
                    self.expect(self.http.put(at, {**shown, "members": []}), 200)
                elif way == "patch empty":
                    self.expect(self.http.patch(at, patch_op(("replace", "members", []))), 204)
                elif way == "remove":
                    self.expect(self.http.patch(at, patch_op(("remove", "members", [{"value": ana["id"]}]))), 204)
                else:
                    self.expect(self.http.patch(at, patch_op({"op": "remove", "path": "members"})), 204)
                self.active(ana, True)
                members = {m["value"] for m in self.http.get(at).json["members"]}
                self.assertEqual(ana["id"] in members, comes_back)
                self.assertEqual(ben["id"] in members, way in ("put", "patch", "remove"))

    def active(self, user, active):
        self.expect(self.http.patch("/Users/" + user["id"], patch_op(("replace", "active", active))), 200)

    def test_a_repeated_switch_leaves_the_version(self):
        """V2: (de)activation shows in the room, so its version rises, once. A repetition, at either door, changes
        nothing: a careful client's If-Match still holds."""
        user = self.made()
        room = self.expect(self.http.post("/Groups", {"displayName": "Switch %d" % self.number(), "members": [
            {"value": user["id"]}]}), 201).json
        at = "/Groups/" + room["id"]
        for active, door in ((False, "deactivate"), (True, "reactivate")):
            self.active(user, active)
            tag = self.http.get(at).headers["etag"]
            self.active(user, active)
            self.expect(self.http.put("/Users/" + user["id"], {"userName": user["userName"], "active": active}), 200)
            self.ok(self.api.post("/users/%s/%s" % (user["id"], door), {}))
            self.ok(self.api.patch("/users/" + user["id"], {"active": active}))
            self.assertEqual(self.http.get(at).headers["etag"], tag)
            self.expect(self.http.put(at, {"displayName": room["displayName"]}, headers={"If-Match": tag}), 200)
            self.expect(self.http.patch(at, patch_op(("add", "members", [{"value": user["id"]}])),
                                        headers={"If-Match": tag}), 204)
            self.assertEqual(self.http.get(at).headers["etag"], tag)


class Groups(Inputs):
    def test_Q46_a_put_of_groups_moves_nobody(self):
        """ConnId and others write a user's groups."""
        user = self.made()
        room = self.expect(self.http.post("/Groups", {"displayName": "Put %d" % self.number()}), 201).json
        answer = self.http.put("/Users/" + user["id"], {**user, "groups": [{"value": room["id"]}]})
        self.assertNotIn("groups", self.expect(answer, 200).json)
        self.assertNotIn("usher-ignored", answer.headers)
        self.assertEqual(self.http.get("/Groups/" + room["id"]).json["members"], [])
        self.expect(self.http.patch("/Users/" + user["id"], patch_op(("add", "groups", [{"value": room["id"]}]))), 400,
                    "mutability")
        self.assertEqual(self.http.get("/Users/" + user["id"]).json, user)
