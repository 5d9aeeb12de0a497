"""Users of the Management API: created, read, found, changed, deactivated, deleted, imported; logins and seats;
operations and activity."""


from apicase import NOBODY, ApiCase
from apihttp import JSON
from scimhttp import in_flight, statuses


class Users(ApiCase):
    def test_created_read_and_shown(self):
        given = {"userName": "ada@example.com", "displayName": "Ada", "externalId": "x-1",
                 "name": {"givenName": "Ada", "familyName": "L"},
                 "emails": [{"value": "ada@example.com", "type": "work", "primary": True}], "department": "Ops",
                 "editor": True}
        made = self.api.post("/users", given)
        user = self.ok(made, 201)
        self.assertEqual({k: user[k] for k in given}, given)
        self.assertEqual((user["active"], user["managed"], user["seat"], user["version"]), (True, False, True, 1))
        self.assertEqual(made.headers["location"], "%s/api/v1/users/%s" % (self.stack.url, user["id"]))
        self.assertEqual(self.ok(self.api.get("/users/" + user["id"])), user)
        # the same user at the other door
        scim = self.http.get("/Users/" + user["id"]).json
        self.assertEqual((scim["userName"], scim["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]),
                         ("ada@example.com", {"department": "Ops"}))
        # what was read can be sent again
        self.assertEqual(self.ok(self.api.patch("/users/" + user["id"], user)), user)

    def test_what_scim_made_is_managed(self):
        user = self.user("managed")
        self.assertTrue(self.ok(self.api.get("/users/" + user["id"]))["managed"])

    def test_merge_patch(self):
        """RFC 7396: null removes, an object changes its parts, a list is replaced; what is not named stays."""
        u = self.make_user("merge", displayName="M", department="A", name={"givenName": "G", "familyName": "F"},
                           emails=[{"value": "a@x"}, {"value": "b@x"}])
        got = self.ok(self.api.patch("/users/" + u["id"],
                                     {"department": None, "name": {"familyName": None, "middleName": "N"},
                                      "emails": [{"value": "c@x"}]}))
        self.assertNotIn("department", got)
        self.assertEqual((got["name"], got["emails"], got["displayName"], got["version"]),
                         ({"givenName": "G", "middleName": "N"}, [{"value": "c@x"}], "M", 2))
        same = self.api.patch("/users/" + u["id"], {"displayName": "M"}, headers={"Content-Type": JSON})
        self.assertEqual(self.ok(same)["version"], 2)  # nothing has changed: no new version
        self.assertEqual(self.ok(self.api.patch("/users/" + u["id"], {}))["version"], 2)

    def test_preconditions(self):
        u = self.make_user("etag")
        self.problem(self.api.patch("/users/" + u["id"], {"title": "x"}, headers={"If-Match": 'W/"9"'}), 412,
                     "precondition")
        got = self.api.patch("/users/" + u["id"], {"title": "x"}, headers={"If-Match": 'W/"1"'})
        self.assertEqual(self.ok(got)["version"], 2)
        self.assertEqual(self.api.get("/users/" + u["id"], headers={"If-None-Match": got.headers["etag"]}).status, 304)
        self.problem(self.api.delete("/users/" + u["id"], headers={"If-Match": 'W/"1"'}), 412, "precondition")
        self.assertEqual(self.api.delete("/users/" + u["id"], headers={"If-Match": got.headers["etag"]}).status, 204)

    def test_deactivate_and_reactivate(self):
        u, room = self.make_user("twice"), self.make_room("Twice")
        self.ok(self.api.put("/rooms/%s/members/%s" % (room["id"], u["id"])), 201)
        for version in (2, 2):
            got = self.ok(self.api.post("/users/%s/deactivate" % u["id"]))
            self.assertEqual((got["active"], got["seat"], got["version"]), (False, False, version))
        self.assertEqual(self.ok(self.api.get("/rooms/%s/members" % room["id"]))["items"], [])
        for version in (3, 3):
            got = self.ok(self.api.post("/users/%s/reactivate" % u["id"]))
            self.assertEqual((got["active"], got["seat"], got["version"]), (True, True, version))
        self.assertEqual([m["user"] for m in self.ok(self.api.get("/rooms/%s/members" % room["id"]))["items"]],
                         [u["id"]])
        self.problem(self.api.post("/users/%s/deactivate" % NOBODY), 404, "not-found")

    def test_deleted_is_gone(self):
        u = self.make_user("gone")
        self.assertEqual(self.api.delete("/users/" + u["id"]).status, 204)
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/reactivate"), ("GET", "/rooms")):
            self.problem(self.api.request(method, "/users/%s%s" % (u["id"], path), {} if method == "PATCH" else None),
                         404, "not-found")
        self.make_user("gone")

    def test_lists(self):
        ws = self.stack.workspace("lists")
        api = self.open_api(ws)
        ids = [self.make_user("l%02d" % i, api, department="D%d" % (i % 2), active=i % 3 > 0,
                              externalId="e%d" % (i // 2))["id"] for i in range(12)]
        for limit in (1, 5, 12, 200):
            self.assertEqual([u["id"] for u in api.pages("/users", limit=limit)], ids)
        self.assertEqual([u["id"] for u in api.pages("/users")], ids)
        self.assertEqual([u["userName"] for u in api.pages("/users", userName="L03")], ["l03"])
        self.assertEqual([u["userName"] for u in api.pages("/users", externalId="e3", limit=1)], ["l06", "l07"])
        self.assertEqual(len(api.pages("/users", active="false")), 4)
        self.assertEqual(len(api.pages("/users", filter='department eq "d1"')), 6)
        self.assertEqual([u["userName"] for u in api.pages("/users", filter='userName eq "l01" or userName eq "l03"',
                                                           active="true")], ["l01"])
        self.assertEqual(api.pages("/users", email="nobody@x"), [])
        api.close()

    def test_a_cursor_is_good_for_its_list_alone(self):
        ws = self.stack.workspace("cursor")
        api, other = self.open_api(ws), self.open_api(ws, ws.key("other")[0])
        for i in range(3):
            self.make_user("c%d" % i, api)
            self.make_room("c%d" % i, api)
        cursor = self.ok(api.get("/users?limit=1"))["next"]
        self.assertEqual(self.ok(api.get("/users?limit=2&cursor=" + cursor))["next"], None)
        for client, path in ((api, "/rooms?limit=1&cursor="), (api, "/users?userName=c1&cursor="),
                             (other, "/users?limit=1&cursor="), (self.api, "/users?limit=1&cursor="),
                             (api, "/activity?cursor="), (api, "/users?cursor=x")):
            self.problem(client.get(path + cursor), 400, "invalid-cursor")
        self.problem(api.get("/users?cursor=" + cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")), 400,
                     "invalid-cursor")
        api.close(), other.close()

    def test_conflicts(self):
        self.make_user("Taken")
        self.problem(self.api.post("/users", {"userName": "tAKEN"}), 409, "uniqueness", "userName")
        other = self.make_user("other")
        self.problem(self.api.patch("/users/" + other["id"], {"userName": "TAKEN"}), 409, "uniqueness", "userName")
        self.assertEqual(self.ok(self.api.get("/users/" + other["id"])), other)

    def test_rooms_of_a_user(self):
        u = self.make_user("rooms")
        rooms = sorted(self.make_room("Of %d" % i, members=[u["id"]])["id"] for i in range(5))
        got = self.api.pages("/users/%s/rooms" % u["id"], limit=2)
        self.assertEqual([r["room"] for r in got], rooms)
        self.assertEqual({r["transmit"] for r in got}, {True})
        self.assertEqual(self.ok(self.api.get("/users/%s/rooms" % u["id"]))["user"], u["id"])


class Bad(ApiCase):
    def test_bad_input(self):
        """Each is refused as a problem of its own, and leaves nothing behind."""
        u, room = self.make_user("good"), self.make_room("good")
        one, member = "/users/" + u["id"], "/rooms/%s/members/%s" % (room["id"], u["id"])
        rows = [
            ("POST", "/users", b"", 400, "invalid-syntax", None), ("POST", "/users", b"{", 400, "invalid-syntax", None),
            ("POST", "/users", [], 400, "invalid-syntax", None),
            ("POST", "/users", b'{"userName":"a","userName":"b"}', 400, "invalid-syntax", None),
            ("POST", "/users", b'{"userName":"\xff"}', 400, "invalid-syntax", None),
            ("POST", "/users", {}, 400, "invalid-value", "userName"),
            ("POST", "/users", {"userName": ""}, 400, "invalid-value", "userName"),
            ("POST", "/users", {"userName": 3}, 400, "invalid-value", "userName"),
            ("POST", "/users", {"userName": "n", "username": "n"}, 400, "invalid-syntax", None),
            ("POST", "/users", {"userName": "n", "colour": "red"}, 400, "invalid-value", "colour"),
            ("POST", "/users", {"userName": "n", "password": "x"}, 400, "invalid-value", "password"),
            ("POST", "/users", {"userName": "n", "active": "perhaps"}, 400, "invalid-value", "active"),
            ("PATCH", one, {"userName": None}, 400, None, None),
            ("PATCH", one, {"nope": 1}, 400, "invalid-value", "nope"),
            ("PATCH", one, {"name": {"nope": 1}}, 400, "invalid-value", "nope"),
            ("PATCH", one, [], 400, "invalid-syntax", None),
            ("GET", "/users?limit=0", None, 400, "invalid-value", "limit"),
            ("GET", "/users?limit=201", None, 400, "invalid-value", "limit"),
            ("GET", "/users?limit=x", None, 400, "invalid-value", "limit"),
            ("GET", "/users?active=1", None, 400, "invalid-value", "active"),
            ("GET", "/users?filter=userName", None, 400, "invalid-filter", None),
            ("GET", "/users?filter=userName%20pr)%20or%20(userName%20pr&active=true", None, 400,
             "invalid-filter", None),
            ("GET", "/activity?limit=0", None, 400, "invalid-value", "limit"),
            ("GET", "/rooms/%s/members?cursor=x" % room["id"], None, 400, "invalid-cursor", None),
            ("POST", "/rooms", {}, 400, "invalid-value", "displayName"),
            ("POST", "/rooms", {"displayName": "n", "members": [NOBODY]}, 400, "invalid-value", None),
            ("POST", "/rooms", {"displayName": "n", "members": "x"}, 400, None, None),
            ("PATCH", "/rooms/" + room["id"], {"members": []}, 400, "invalid-value", "members"),
            ("PUT", member, {"transmit": "yes"}, 400, "invalid-value", "transmit"),
            ("PUT", member, {"role": 1}, 400, "invalid-value", "role"),
            ("PUT", member, b"x", 400, "invalid-syntax", None),
            ("PUT", "/rooms/%s/members/%s" % (room["id"], NOBODY), None, 404, "not-found", None),
            ("PUT", "/rooms/%s/members/%s" % (NOBODY, u["id"]), None, 404, "not-found", None),
            ("PUT", "/rooms/x/members/" + u["id"], None, 404, "not-found", None),
            ("PUT", "/rooms/%s/members/x" % room["id"], None, 404, "not-found", None),
            ("DELETE", member, None, 404, "not-found", None),
            ("POST", "/logins", {}, 400, "invalid-value", "user"),
            ("POST", "/logins", {"user": 1}, 400, "invalid-value", "user"),
            ("POST", "/logins", {"user": u["id"], "userName": "good"}, 400, "invalid-value", None),
            ("POST", "/logins", {"user": u["id"], "at": "now"}, 400, "invalid-value", "at"),
            ("POST", "/logins", {"user": u["id"], "x": 1}, 400, "invalid-value", "x"),
            ("POST", "/logins", {"user": NOBODY}, 404, "not-found", None),
            ("POST", "/logins", {"user": "x"}, 404, "not-found", None),
            ("POST", "/logins", {"userName": "nobody"}, 404, "not-found", None),
            ("POST", "/users/import", {}, 400, "invalid-value", "users"),
            ("POST", "/users/import", {"users": []}, 400, "invalid-value", "users"),
            ("POST", "/users/import", {"users": [{}], "x": 1}, 400, "invalid-value", "x"),
            ("POST", "/users/import", {"users": [{"userName": "n"}] * 1001}, 413, "too-large", None),
            ("GET", "/operations/" + NOBODY, None, 404, "not-found", None),
            ("GET", "/operations/x", None, 404, "not-found", None),
            ("GET", "/users/" + NOBODY, None, 404, "not-found", None),
            ("GET", "/users/x", None, 404, "not-found", None), ("GET", "/nothing", None, 404, "not-found", None),
            ("GET", "/users/x/y", None, 404, "not-found", None),
            ("GET", "/../v2", None, 400, "bad-request", None), ("GET", "/users?x=%00", None, 400, "bad-request", None),
            ("GET", "/users?x=%zz", None, 400, "bad-request", None),
            ("PUT", "/users", {}, 405, "method", None), ("POST", "/users/" + u["id"], {}, 405, "method", None),
            ("DELETE", "/workspace", None, 405, "method", None), ("GET", "/logins", None, 405, "method", None),
        ]
        before, wrong = self.ws.counts(), []
        for method, path, body, status, name, at in rows:
            try:
                got = self.api.request(method, path, body)
            except AssertionError as fault:
                wrong.append(str(fault))
                continue
            ok = got.status == status and (name is None or got.json["type"] == "urn:usher:problem:" + name)
            if not ok or at is not None and got.json.get("errors") != [{"path": at}]:
                wrong.append("%s %s %r: %r" % (method, path, str(body)[:60], got))
        after = self.ws.counts()
        before.pop("audit_seq"), after.pop("audit_seq")  # refusals are on record
        self.assertEqual(after, before)
        self.none_wrong(wrong)

    def test_media_types_and_sizes(self):
        for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/scim+json"},
                        {"Content-Type": None}, {"Content-Type": JSON, "Content-Encoding": "gzip"},
                        {"Content-Type": "application/merge-patch+json"}):
            self.problem(self.api.post("/users", {"userName": "media"}, headers=headers), 415, "media-type")
        self.ok(self.api.post("/users", {"userName": "media"},
                              headers={"Content-Type": "application/json; charset=utf-8"}), 201)
        big = {"userName": "big", "title": "x" * (20 << 20)}
        self.problem(self.api.post("/users", big), 413, "too-large")
        self.assertEqual(self.api.get("/users?" + "x" * 20000).status, 414)

    def test_who_are_you(self):
        """Nothing is said before it is known who asks; every refusal is a problem."""
        for token in (None, "x", "ush_" + "a" * 49):
            for path in ("/users", "/nothing", "/users/x/y/z"):
                client = self.open_api()
                client.token = token
                self.problem(client.get(path), 401, "unauthorized")
                client.close()

    def test_options(self):
        got = self.api.request("OPTIONS", "/users/" + NOBODY)
        self.assertEqual((got.status, got.headers["allow"]), (204, "GET, HEAD, PATCH, DELETE, OPTIONS"))
        self.assertEqual(self.api.request("HEAD", "/users").status, 200)


class Logins(ApiCase):
    def test_a_login_takes_the_seat_or_is_refused(self):
        ws = self.stack.workspace("jit", seats=1, seat_mode="on_first_login")
        api = self.open_api(ws)
        a, b = self.make_user("a", api, externalId="ea"), self.make_user("b", api, externalId="same")
        self.make_user("c", api, externalId="same")
        self.assertFalse(a["seat"])
        self.assertEqual(self.ok(api.get("/seats")), {"mode": "on_first_login", "limit": 1, "used": 0})
        self.assertEqual(self.ok(api.post("/logins", {"userName": "A", "at": "2026-01-02T03:04:05Z"})),
                         {"user": a["id"], "seat": True, "first": True})
        for who in ({"user": a["id"]}, {"userName": "a"}, {"externalId": "ea"}):
            self.assertEqual(self.ok(api.post("/logins", who)), {"user": a["id"], "seat": True, "first": False})
        self.assertTrue(self.ok(api.get("/users/" + a["id"]))["seat"])
        refused = self.problem(api.post("/logins", {"user": b["id"]}), 403, "seats")
        self.assertIn("1 of 1", refused.json["detail"])
        self.problem(api.post("/logins", {"externalId": "same"}), 409, "conflict", "externalId")
        self.ok(api.post("/users/%s/deactivate" % a["id"]))
        self.problem(api.post("/logins", {"user": a["id"]}), 403, "forbidden")
        self.assertEqual(self.ok(api.get("/seats"))["used"], 0)
        self.assertTrue(self.ok(api.post("/logins", {"user": b["id"]}))["first"])
        self.problem(api.post("/users/%s/reactivate" % a["id"]), 403, "seats")  # who has logged in once takes one again
        self.assertEqual([(r[0], r[1])
                          for r in self.stack.sql(
                              "SELECT times, first_at < last_at FROM logins WHERE workspace_id=%s AND user_id=%s",
                              ws.id, a["id"])], [(4, True)])
        api.close()

    def test_many_first_logins_for_the_last_seats(self):
        ws = self.stack.workspace("race", seats=3, seat_mode="on_first_login")
        api = self.open_api(ws)
        users = [self.make_user("u%d" % i, api)["id"] for i in range(10)]
        got = in_flight(8, [lambda c, u=u: c.post("/logins", {"user": u}) for u in users for _ in (1, 2)], api)
        self.assertEqual(set(statuses(got)), {200, 403})
        self.assertEqual(sum(1 for g in got if g.status == 200 and g.json["first"]), 3)
        self.assertEqual(self.ok(api.get("/seats")), {"mode": "on_first_login", "limit": 3, "used": 3})
        api.close()


class Import(ApiCase):
    def test_each_has_an_outcome_of_its_own(self):
        self.make_user("here")
        users = [{"userName": "i1"}, {"userName": "HERE"}, {"userName": "i2", "department": "D"}, {"colour": 1},
                 {"userName": "I1"}, 3, {"userName": "i3", "active": False}]
        got = self.api.post("/users/import", {"users": users})
        results = self.ok(got)["results"]
        self.assertEqual([r["status"] for r in results], [201, 409, 201, 400, 409, 400, 201])
        self.assertEqual([r["problem"]["type"].rsplit(":", 1)[1] for r in results if "problem" in r],
                         ["uniqueness", "invalid-value", "uniqueness", "invalid-syntax"])
        self.assertEqual([r["problem"].get("errors") for r in results if "problem" in r],
                         [[{"path": "userName"}], [{"path": "colour"}], [{"path": "userName"}], None])
        for r, given in zip(results, users):
            if r["status"] == 201:
                made = self.ok(self.api.get("/users/" + r["id"]))
                self.assertEqual({k: made[k] for k in given}, given)
                self.assertEqual((r["version"], r["location"]), (1, "%s/api/v1/users/%s" % (self.stack.url, r["id"])))
                self.assertEqual(self.ok(self.api.get("/operations/" + r["txn"]))["status"], "applied")
        self.assertEqual(self.ok(self.api.get("/operations/" + results[1]["txn"]))["code"], "uniqueness")

    def test_a_thousand_cost_a_thousand_units(self):
        ws = self.stack.workspace("many", rate=1500)
        api = self.open_api(ws)
        got = api.post("/users/import", {"users": [{"userName": "u%d" % i} for i in range(1000)]})
        self.assertEqual({r["status"] for r in self.ok(got)["results"]}, {201})
        self.assertIn("r=500;", got.headers["ratelimit"])
        self.problem(api.post("/users/import", {"users": [{"userName": "v%d" % i} for i in range(600)]}), 429,
                     "rate-limited")
        self.assertEqual(ws.counts()["users"], 1000)
        api.close()


class Reports(ApiCase):
    def test_operations_and_activity(self):
        ws = self.stack.workspace("reports")
        api = self.open_api(ws)
        made = api.post("/users", {"userName": "r"})
        refused = api.post("/users", {"userName": "R"})
        op = self.ok(api.get("/operations/" + made.headers["usher-txn"]))
        self.assertEqual((op["type"], op["status"], op["id"]), ("user.create", "applied", made.json["id"]))
        op = self.ok(api.get("/operations/" + refused.headers["usher-txn"]))
        self.assertEqual((op["status"], op["code"], op["detail"]), ("refused", "uniqueness", refused.json["detail"]))
        self.problem(self.api.get("/operations/" + made.headers["usher-txn"]), 404, "not-found")  # another workspace's
        for i in range(7):
            self.make_room("r%d" % i, api)
        for limit in (3, 200):
            all_of_it = api.pages("/activity", limit=limit)
            self.assertEqual([a["txn"] for a in all_of_it], sorted((a["txn"] for a in all_of_it), reverse=True))
            self.assertEqual([a["type"] for a in all_of_it][:8], ["room.create"] * 7 + ["user.create"])
            self.assertEqual([a["status"] for a in all_of_it][:9], ["applied"] * 7 + ["refused", "applied"])
        api.close()

    def test_a_cancelled_operation(self):
        self.stack.sql("INSERT INTO command_log (workspace_id, txn, type) VALUES (%s, %s, 'cancelled')", self.ws.id,
                       NOBODY)
        op = self.ok(self.api.get("/operations/" + NOBODY))
        self.assertEqual((op["status"], op["type"], op["id"]), ("cancelled", None, None))

    def test_workspace_and_seats(self):
        ws = self.stack.workspace("told", seats=7)
        api = self.open_api(ws)
        self.make_user("one", api)
        got = self.ok(api.get("/workspace"))
        self.assertEqual((got["id"], got["name"], got["seats"], got["seatsUsed"], got["seatMode"], got["rate"]),
                         (ws.id, ws.name, 7, 1, "on_provision", 100000))
        self.assertEqual(self.ok(api.get("/seats")), {"mode": "on_provision", "limit": 7, "used": 1})
        api.close()

    def test_on_record_as_api(self):
        u = self.make_user("audited")
        changes = [c for c in self.followers.changes(self.ws.id) if c["target"]["id"] == u["id"]
                   and c["action"] == "user.created"]
        self.assertEqual(len(changes), 1)

        def of_the_same_txn(requests):
            return [r for r in requests if r["txn"] == changes[0]["txn"]]

        requests = of_the_same_txn(self.followers.requests(self.ws.id, of_the_same_txn, "the request's record"))
        self.assertEqual([(r["key"]["class"], r["path"], r["status"]) for r in requests],
                         [("api", "/api/v1/users", 201)])



class Isolation(ApiCase):
    """Two workspaces with equal names in them: what one says of its things says nothing in the other."""

    def fill(self, api):
        user = self.make_user("same@example.com", api, externalId="same", displayName="Same")
        room = self.make_room("Same", api, externalId="same", members=[user["id"]])
        return {"user": user["id"], "room": room["id"],
                "txn": api.post("/logins", {"user": user["id"]}).headers["usher-txn"]}

    def state(self, ws):
        return [self.stack.sql("SELECT to_json(x)::text FROM %s x WHERE workspace_id=%%s ORDER BY 1" % t, ws.id)
                for t in ("users", "rooms", "members", "logins")]

    def test_every_door_with_the_others_ids(self):
        ours, theirs = self.stack.workspace("ours"), self.stack.workspace("theirs")
        api, other = self.open_api(ours), self.open_api(theirs)
        mine, foreign = self.fill(api), self.fill(other)
        rows = [("GET", "/users/{user}", None), ("PATCH", "/users/{user}", {"title": "x"}),
                ("DELETE", "/users/{user}", None), ("POST", "/users/{user}/deactivate", None),
                ("POST", "/users/{user}/reactivate", None), ("GET", "/users/{user}/rooms", None),
                ("GET", "/rooms/{room}", None), ("PATCH", "/rooms/{room}", {"displayName": "x"}),
                ("DELETE", "/rooms/{room}", None), ("GET", "/rooms/{room}/members", None),
                ("PUT", "/rooms/{room}/members/{user}", None), ("DELETE", "/rooms/{room}/members/{user}", None),
                ("GET", "/operations/{txn}", None)]
        before = self.state(theirs)
        for method, path, body in rows:
            with self.subTest("%s %s" % (method, path)):
                self.problem(api.request(method, path.format(**foreign), body), 404, "not-found")
        for room, user in ((mine["room"], foreign["user"]), (foreign["room"], mine["user"])):
            for method in ("PUT", "DELETE"):
                self.problem(api.request(method, "/rooms/%s/members/%s" % (room, user)), 404, "not-found")
        self.problem(api.post("/logins", {"user": foreign["user"]}), 404, "not-found")
        self.problem(api.post("/rooms", {"displayName": "New", "members": [foreign["user"]]}), 400, "invalid-value")
        # equal names are one's own
        self.assertEqual([u["id"] for u in api.pages("/users", userName="same@example.com")], [mine["user"]])
        self.assertEqual([u["id"] for u in api.pages("/users", externalId="same")], [mine["user"]])
        self.assertEqual([r["id"] for r in api.pages("/rooms", displayName="Same")], [mine["room"]])
        for who in ({"userName": "same@example.com"}, {"externalId": "same"}):
            self.assertEqual(self.ok(api.post("/logins", who))["user"], mine["user"])
        self.assertNotIn(foreign["txn"], [a["txn"] for a in api.pages("/activity")])
        self.assertEqual((self.ok(api.get("/workspace"))["id"], self.ok(api.get("/seats"))["used"]), (ours.id, 1))
        self.assertEqual(self.state(theirs), before)
        api.close(), other.close()

    def test_cursors_of_the_other(self):
        ours, theirs = self.stack.workspace("ours"), self.stack.workspace("theirs")
        api, other = self.open_api(ours), self.open_api(theirs)
        mine, foreign = self.fill(api), self.fill(other)
        for a, ids in ((api, mine), (other, foreign)):
            second = self.make_user("second", a)["id"]
            self.ok(a.put("/rooms/%s/members/%s" % (ids["room"], second)), 201)
            self.make_room("Second", a, members=[ids["user"]])
        for path in ("/users", "/rooms", "/rooms/{room}/members", "/users/{user}/rooms", "/activity"):
            cursor = self.ok(other.get(path.format(**foreign) + "?limit=1"))["next"]
            self.assertTrue(cursor, path)
            self.problem(api.get(path.format(**mine) + "?limit=1&cursor=" + cursor), 400, "invalid-cursor")
            self.ok(other.get(path.format(**foreign) + "?limit=1&cursor=" + cursor))
        api.close(), other.close()
