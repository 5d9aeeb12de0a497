"""Bulk over HTTP (RFC 7644 section 3.7, rules B1 to B7)."""

import json
import socket

from case import Case
from scimhttp import ENTERPRISE, GROUP, USER, in_flight, patch_op

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
NOBODY = "4f0a5b4a-0000-7000-8000-000000000000"


def post_user(bulk_id, user_name, **more):
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id,
            "data": {"schemas": [USER], "userName": user_name, **more}}


def post_room(bulk_id, name, *members):
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id,
            "data": {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members]}}


def patch(path, *operations, **more):
    return {"method": "PATCH", "path": path, "data": patch_op(*operations), **more}


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


class BulkCase(Case):
    flags = {"rate": 100000}

    def send(self, *operations, client=None, headers=None, **more):
        return (client or self.http).post("/Bulk", {"schemas": [BULK], **more, "Operations": list(operations)},
                                          headers=headers)

    def bulk(self, *operations, client=None, **more):
        """The results, each held against what every result must be (rule B2)."""
        answer = self.expect(self.send(*operations, client=client, **more), 200)
        self.assertEqual(answer.json["schemas"], [RESPONSE])
        for r in answer.json["Operations"]:
            self.assertIsInstance(r["status"], str, r)
            good = r["status"].startswith("2")
            self.assertEqual("response" in r, not good, r)
            if not good:
                self.assertEqual((r["response"]["schemas"], r["response"]["status"]), ([ERROR], r["status"]))
            self.assertEqual("location" in r, good or r["method"] != "POST", r)
        return answer.json["Operations"]

    def made(self, result):
        """The id that a result names; the resource is there."""
        self.assertEqual(result["status"], "201", result)
        path = result["location"].split("/scim/v2", 1)[1]
        answer = self.expect(self.http.get(path), 200)
        self.assertEqual((answer.json["meta"]["location"], answer.json["meta"]["version"]),
                         (result["location"], result["version"]))
        return answer.json["id"]


class Operations(BulkCase):
    def test_each_method_B1_B2(self):
        """B1, B2: one result for each operation, in order, with its version, location and status."""
        a, b, c = (self.user("m-%s" % n) for n in "abc")
        results = self.bulk(
            post_user("x", "m-x"),
            {"method": "PUT", "path": "/Users/" + a["id"],
             "data": {"schemas": [USER], "userName": "m-a", "displayName": "A"}},
            patch("/Users/" + b["id"], replace("displayName", "B")),
            {"method": "DELETE", "path": "/Users/" + c["id"]},
            {"method": "delete", "path": "Users/" + NOBODY, "bulkId": "mine"},
        )
        self.assertEqual([(r["method"], r["status"]) for r in results],
                         [("POST", "201"), ("PUT", "200"), ("PATCH", "200"), ("DELETE", "204"), ("DELETE", "404")])
        self.assertEqual([r.get("bulkId") for r in results], ["x", None, None, None, "mine"])
        self.assertEqual([r.get("version") for r in results], ['W/"1"', 'W/"2"', 'W/"2"', None, None])
        self.made(results[0])
        self.assertEqual([r["location"] for r in results[1:4]], [u["meta"]["location"] for u in (a, b, c)])
        self.assertTrue(results[4]["location"].endswith("/Users/" + NOBODY))
        self.assertEqual(self.http.get("/Users/" + a["id"]).json["displayName"], "A")
        self.assertEqual(self.http.get("/Users/" + c["id"]).status, 404)

    def test_one_fails_the_others_do_not_B3_B7(self):
        """B3, B7: without failOnErrors all others are done; each is atomic by itself."""
        a = self.user("c-a", displayName="before")
        results = self.bulk(
            post_user("1", "c-1"),
            post_user("2", "c-1"),
            {"method": "POST", "path": "/Users", "bulkId": "3", "data": {"schemas": [USER]}},
            patch("/Users/" + a["id"], replace("displayName", "after"), replace("userName", "c-1")),
            {"method": "GET", "path": "/Users"},
            {"method": "POST", "path": "/Users/" + a["id"], "bulkId": "4", "data": {}},
            {"method": "POST", "path": "/Ghosts", "bulkId": "5", "data": {}},
            {"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": "c-5"}},
            {"method": "PUT", "path": "/Users/" + a["id"]},
            {"method": "PUT", "path": "/Users/" + NOBODY, "data": {"schemas": [USER], "userName": "c-6"}},
            patch("/Users/" + NOBODY, replace("displayName", "x")),
            post_user("7", "c-7"),
        )
        self.assertEqual([r["status"] for r in results], ["201", "409", "400", "409", "400", "405", "404", "400", "400",
                                                          "404", "404", "201"])
        self.assertEqual([r.get("response", {}).get("scimType") for r in results[:4]],
                         [None, "uniqueness", "invalidValue", "uniqueness"])
        self.assertEqual(self.http.get("/Users/" + a["id"]).json["displayName"], "before")

    def test_same_resource_in_order_B7(self):
        a = self.user("s-a")
        results = self.bulk(*[patch("/Users/" + a["id"], replace("displayName", "v%d" % i)) for i in range(50)])
        self.assertEqual([r["version"] for r in results], ['W/"%d"' % (i + 2) for i in range(50)])
        self.assertEqual(self.http.get("/Users/" + a["id"]).json["displayName"], "v49")

    def test_version_is_a_precondition_V2(self):
        """B1, V2: `version` is If-Match; existence is asked for first."""
        a = self.user("v-a")
        path = "/Users/" + a["id"]
        results = self.bulk(
            patch(path, replace("displayName", "one"), version='W/"9"'),
            patch(path, replace("displayName", "two"), version='W/"1"'),
            patch(path, replace("displayName", "three"), version='W/"1"'),
            {"method": "DELETE", "path": path, "version": "nonsense"},
            {"method": "DELETE", "path": "/Users/" + NOBODY, "version": 'W/"1"'},
            {"method": "DELETE", "path": path, "version": 'W/"1", W/"2"'},
        )
        self.assertEqual([r["status"] for r in results], ["412", "200", "412", "412", "404", "204"])

    def test_paths_as_they_come(self):
        """Relative to the base, with or without a slash, with the base's path, and as a whole URL."""
        a = self.user("p-a")
        for i, path in enumerate(("/Users/" + a["id"], "Users/" + a["id"], "/scim/v2/Users/" + a["id"],
                                  a["meta"]["location"])):
            self.assertEqual(self.bulk(patch(path, replace("displayName", str(i))))[0]["status"], "200", path)
        for path in ("http://elsewhere.example/scim/v2/Users/" + a["id"], "/Users/" + a["id"] + "?attributes=id",
                     "/Users/ x"):
            self.assertEqual(self.bulk({"method": "DELETE", "path": path})[0]["status"], "400", path)

    def test_rooms_answer_as_alone(self):
        """ops/DESIGN.md, "Decided points": a room's PATCH is 204."""
        room = self.room("r-a")
        result = self.bulk(patch("/Groups/" + room["id"], replace("displayName", "r-b")))[0]
        self.assertEqual((result["status"], result["version"]), ("204", 'W/"2"'))


class References(BulkCase):
    def test_in_any_order_B4(self):
        """B4: the room comes first, its members later; a PATCH and a DELETE by path."""
        results = self.bulk(
            post_room("g", "any order", "bulkId:a", "bulkId:b"),
            patch("/Groups/bulkId:g", {"op": "remove", "path": 'members[value eq "bulkId:a"]'}),
            {"method": "DELETE", "path": "/Users/bulkId:c"},
            post_user("a", "o-a"),
            post_user("b", "o-b", **{"schemas": [USER, ENTERPRISE], ENTERPRISE: {"manager": {"value": "bulkId:a"}}}),
            post_user("c", "o-c"),
        )
        self.assertEqual([r["status"] for r in results], ["201", "204", "204", "201", "201", "201"])
        a, b = (r["location"].rsplit("/", 1)[1] for r in results[3:5])
        self.assertEqual(self.members(results[0]["location"].rsplit("/", 1)[1]), {b})
        self.assertEqual(self.http.get("/Users/" + b).json[ENTERPRISE]["manager"]["value"], a)
        self.assertEqual(self.http.find("/Users", 'userName eq "o-c"').json["totalResults"], 0)

    def test_to_what_failed_or_never_was_B4(self):
        """B4: an operation that refers to a failed or unknown bulkId is 409, whether it failed here or at the
        worker; and so on from one to the next."""
        self.user("f-taken")
        results = self.bulk(
            post_room("g", "failed", "bulkId:taken"),
            post_user("taken", "f-taken"),
            post_room("h", "invalid", "bulkId:invalid"),
            post_user("invalid", ""),
            patch("/Groups/bulkId:g", replace("displayName", "x")),
            post_room("i", "unknown", "bulkId:ghost"),
            {"method": "DELETE", "path": "/Users/bulkId:ghost"},
            post_room("j", "fine"),
        )
        self.assertEqual([r["status"] for r in results], ["409", "409", "409", "400", "409", "409", "409", "201"])
        for i, name in ((0, "taken"), (2, "invalid"), (4, "g"), (5, "ghost"), (6, "ghost")):
            self.assertIn(name, results[i]["response"]["detail"])
            self.assertNotIn("scimType", results[i]["response"])
        self.assertEqual(self.http.find("/Groups",
                                        'displayName eq "failed" or displayName eq "invalid" or displayName eq "unknown"').json["totalResults"], 0)

    def test_circles_B5(self):
        """B5: users that refer to each other are made and linked; rooms that do are refused, as the RFC allows."""

        def report(bulk_id, manager):
            return post_user(bulk_id, "k-" + bulk_id,
                             **{"schemas": [USER, ENTERPRISE], ENTERPRISE: {"manager": {"value": "bulkId:" + manager}}})

        results = self.bulk(report("a", "b"), report("b", "c"), report("c", "a"), report("d", "d"))
        ids = [self.made(r) for r in results]
        for who, manager in ((0, 1), (1, 2), (2, 0), (3, 3)):
            self.assertEqual(self.http.get("/Users/" + ids[who]).json[ENTERPRISE]["manager"]["value"], ids[manager])
        results = self.bulk(post_room("g", "round", "bulkId:h"), post_room("h", "about", "bulkId:g"),
                            post_room("i", "beside"))
        self.assertEqual([r["status"] for r in results], ["409", "409", "201"])
        self.assertIn("circle", results[0]["response"]["detail"])

    def test_text_that_only_looks_like_one(self):
        result = self.bulk(post_user("a", "l-a", displayName="see bulkId:a", nickName="bulkid:a"))[0]
        user = self.http.get("/Users/" + self.made(result)).json
        self.assertEqual((user["displayName"], user["nickName"]), ("see bulkId:a", "bulkid:a"))

    def test_names_need_not_be_plain(self):
        """A bulkId is any text of 64 bytes."""
        for name in ("a b", "é", "x" * 64, '"quoted"', "a/b", "a:b"):
            results = self.bulk(post_user(name, "n-%s" % name), post_room("g", "n-%s" % name, "bulkId:" + name))
            self.assertEqual([r["status"] for r in results], ["201", "201"], name)
            self.assertEqual(results[0]["bulkId"], name)


class FailOnErrors(BulkCase):
    def run_with(self, limit, *good):
        """Operations that succeed (True), fail at the ingest (None) or at the worker (False)."""
        ws = self.stack.workspace("foe", rate=100000)
        http = ws.client
        self.user("taken", client=http)
        makers = {True: lambda i: post_user(str(i), "u%d" % i), False: lambda i: post_user(str(i), "taken"),
                  None: lambda i: post_user(str(i), "")}
        results = self.bulk(*[makers[g](i) for i, g in enumerate(good)], client=http, failOnErrors=limit)
        names = {u["userName"] for u in http.get("/Users").json["Resources"]} - {"taken"}
        shown = {int(r["bulkId"]): r["status"] for r in results}
        self.assertEqual(list(shown), sorted(shown), "in the order of the request")
        self.assertEqual(names, {"u%d" % i for i, s in shown.items() if s == "201"}, "done is what is shown as done")
        records = self.followers.requests(ws.id, lambda rs: any(r["path"].endswith("/Bulk") for r in rs),
                                          "the Bulk's record")
        told = [r for r in records if r.get("bulk")]
        self.assertEqual(sorted(str(r["status"]) for r in told), sorted(shown.values()),
                         "what was not done has no record")
        return "".join({"201": "+", "409": "w", "400": "i"}[shown[i]] if i in shown else "." for i in range(len(good)))

    def test_stops_after_so_many_B3(self):
        """B3: whoever finds the error; later operations are neither done nor in the answer."""
        t, w, i = True, False, None
        self.assertEqual(self.run_with(1, t, t, t), "+++")
        self.assertEqual(self.run_with(1, t, w, t, t), "+w..")
        self.assertEqual(self.run_with(1, t, i, t, t), "+i..")
        self.assertEqual(self.run_with(1, w, i, t), "w..")
        self.assertEqual(self.run_with(1, i, w, t), "i..")
        self.assertEqual(self.run_with(2, w, i, t, w), "wi..")
        self.assertEqual(self.run_with(2, i, t, w, t, t), "i+w..")
        self.assertEqual(self.run_with(3, i, w, t, i, t, t), "iw+i..")
        self.assertEqual(self.run_with(3, w, w, t, t), "ww++")

    def test_not_a_number_of_errors(self):
        for wrong in (0, -1, "0", "one", "1.0", 1.5, True, [], [1, 2]):
            self.expect(self.send(post_user("a", "never"), failOnErrors=wrong), 400, "invalidValue")
        self.bulk(post_user("a", "foe-null"), failOnErrors=None)

    def test_two_at_once_do_not_stop_each_other(self):
        bad = [post_user("x", "")]
        results = in_flight(2,
                            [lambda c, i=i: self.send(*(bad if i else []),
                                                      *[post_user(str(k), "par-%d-%d" % (i, k)) for k in range(20)],
                                                      client=c, failOnErrors=1) for i in range(2)],
                            self.http)
        self.assertEqual(sorted(len(r.json["Operations"]) for r in results), [1, 20])


class Envelope(BulkCase):
    def test_what_is_no_bulk_request_B1(self):
        """B1: nothing of it is done, and the answer says what is wrong with it."""
        good = post_user("a", "never")
        for body, kind in (
                ({}, "invalidSyntax"), ({"schemas": [], "Operations": [good]}, "invalidSyntax"),
                ({"schemas": [RESPONSE], "Operations": [good]}, "invalidSyntax"),
                ({"schemas": [BULK]}, "invalidSyntax"), ({"schemas": [BULK], "Operations": []}, "invalidSyntax"),
                ({"schemas": [BULK], "Operations": good}, "invalidSyntax"),
                ({"schemas": [BULK], "Operations": [good, 7]}, "invalidSyntax"),
                ({"schemas": [BULK], "Operations": [good, {"path": "/Users"}]}, "invalidSyntax"),
                ({"schemas": [BULK], "Operations": [good, {"method": 7}]}, "invalidSyntax"),
                ({"schemas": [BULK], "Operations": [good, {"method": "PUT", "path": 7}]}, "invalidSyntax"),
                ({"schemas": [BULK], "Operations": [good, post_user("a", "never2")]}, "invalidValue"),
                ({"schemas": [BULK], "Operations": [good, post_user("y" * 65, "never3")]}, "invalidValue")):
            answer = self.expect(self.http.post("/Bulk", body), 400, kind)
            self.assertGreater(len(answer.json["detail"]), 10)
        for text in (b"", b"{", b"[]", b'{"schemas":["' + BULK.encode() + b'"],"Operations":[],"operations":[]}'):
            self.expect(self.http.post("/Bulk", text), 400, "invalidSyntax")
        self.expect(self.http.post("/Bulk", b"{}", headers={"Content-Type": "text/plain"}), 415)
        self.assertEqual(self.http.find("/Users", 'userName sw "never"').json["totalResults"], 0)

    def test_other_methods_E(self):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = self.expect(self.http.request(method, "/Bulk", {} if method != "GET" else None), 405)
            self.assertIn("POST", answer.headers["allow"])

    def test_names_in_any_case_S1(self):
        answer = self.expect(self.http.post("/Bulk",
                                            {"SCHEMAS": [BULK],
                                             "operations": [
                                                 {"METHOD": "post", "Path": "/users", "bulkid": "q",
                                                  "DATA": {"schemas": [USER], "username": "any-case"}}]}), 200)
        self.assertEqual([(r["method"], r["bulkId"], r["status"]) for r in answer.json["Operations"]],
                         [("POST", "q", "201")])

    def test_limits_are_announced_and_held_B6(self):
        """B6, D2: 413, and the answer names the limit."""
        told = self.http.get("/ServiceProviderConfig").json["bulk"]
        self.assertEqual(told, {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1048576})
        answer = self.expect(self.send(*[{"method": "DELETE", "path": "/Users/" + NOBODY}] * 1001), 413)
        self.assertIn("maxOperations (1000)", answer.json["detail"])
        padded = json.dumps({"schemas": [BULK], "Operations": [post_user("a", "padded")]}).encode()
        self.expect(self.http.post("/Bulk", padded + b" " * (1048576 - len(padded))), 200)
        answer = self.expect(self.http.post("/Bulk", padded + b" " * (1048577 - len(padded))), 413)
        self.assertIn("maxPayloadSize (1048576 bytes)", answer.json["detail"])
        chunk = b"%x\r\n%s\r\n" % (65536, b" " * 65536)
        head = (
            "POST /scim/v2/Bulk HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n"
                % (self.http.host, self.http.port, self.ws.token)).encode()
        with socket.create_connection((self.http.host, self.http.port), 10) as s:  # without a Content-Length
            s.sendall(head + chunk * 17 + b"0\r\n\r\n")
            self.assertIn(b"413", s.recv(4096).split(b"\r\n")[0])

    def test_the_length_alone_is_enough_B6(self):
        """B6: refused before the body comes."""
        head = (
            "POST /scim/v2/Bulk HTTP/1.1\r\nHost: %s:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/scim+json\r\nContent-Length: 1048577\r\n\r\n"
                % (self.http.host, self.http.port, self.ws.token)).encode()
        with socket.create_connection((self.http.host, self.http.port), 10) as s:
            s.sendall(head)
            self.assertIn(b"413", s.recv(4096).split(b"\r\n")[0])


class Rights(BulkCase):
    def test_each_operation_by_its_own_scope_B7(self):
        """B7: a key that may write users only makes them, and nothing else."""
        token, _ = self.ws.key("users", scopes="scim:users:write")
        results = self.bulk(post_user("a", "sc-a"), post_room("g", "sc-g", "bulkId:a"), client=self.ws.open(token))
        self.assertEqual([r["status"] for r in results], ["201", "403"])
        self.assertIn("scim:rooms:write", results[1]["response"]["detail"])
        token, _ = self.ws.key("readers", scopes="scim:users:read,scim:rooms:read")
        results = self.bulk(post_user("b", "sc-b"), {"method": "DELETE", "path": "/Users/" + NOBODY},
                            client=self.ws.open(token))
        self.assertEqual([r["status"] for r in results], ["403", "403"])

    def test_dialect_of_the_key(self):
        """Q03: what Entra sends in a PATCH is understood inside of a Bulk under its key."""
        a = self.user("d-a")
        token, _ = self.ws.key("entra", dialect="entra")
        self.assertEqual(self.bulk(patch("/Users/" + a["id"], {"op": "Replace", "path": "active", "value": "False"}),
                                   client=self.ws.open(token))[0]["status"], "200")
        self.assertFalse(self.http.get("/Users/" + a["id"]).json["active"])

    def test_seats(self):
        """Never over the limit, and a seat that is freed earlier in the Bulk is there for what follows."""
        ws = self.stack.workspace("bulk-seats", rate=100000, seats=3)
        first = self.user("seat-0", client=ws.client)
        results = self.bulk(*[post_user(str(i), "seat-%d" % i) for i in range(1, 6)], client=ws.client)
        self.assertEqual([r["status"] for r in results], ["201", "201", "403", "403", "403"])
        results = self.bulk({"method": "DELETE", "path": "/Users/" + first["id"]}, post_user("x", "seat-x"),
                            client=ws.client)
        self.assertEqual([r["status"] for r in results], ["204", "201"])
        self.assertEqual(ws.counts()["seats"], 3)

    def test_nobody_knows_the_caller(self):
        self.expect(self.send(post_user("a", "x"), client=self.ws.open("ush_nonsense")), 401)


class Rate(BulkCase):
    def test_one_unit_for_each_operation(self):
        """A Bulk of n costs n; it goes through whole or not at all; more than the limit ever allows is 413."""
        ws = self.stack.workspace("bulk-rate", rate=20)
        gone = {"method": "DELETE", "path": "/Users/" + NOBODY}
        answer = self.expect(self.send(*[gone] * 21, client=ws.client), 413)  # cost one
        self.assertIn("rate limit", answer.json["detail"])
        self.assertEqual(len(self.bulk(*[gone] * 15, client=ws.client)), 15)
        # Four are left, one of which it took.
        answer = self.expect(self.send(post_user("a", "r-a"), *[gone] * 5, client=ws.client), 429)
        self.assertGreater(int(answer.headers["retry-after"]), 50)
        self.assertEqual(len(self.bulk(*[gone] * 3, client=ws.client)), 3)
        self.expect(ws.client.get("/Users?count=0"), 429)  # 1 + 15 + 1 + 3
        self.assertEqual(ws.counts()["users"], 0)


class Records(BulkCase):
    def test_each_operation_has_its_own(self):
        """B7: own txn, status and path; the Bulk's own has as many operations as it cost. All are there before the
        answer is."""
        ws = self.stack.workspace("bulk-audit", rate=100000)
        results = self.bulk(post_room("g", "x", "bulkId:a"), post_user("a", "a"),
                            {"method": "DELETE", "path": "/Users/" + NOBODY}, {"method": "GET", "path": "/Users"},
                            client=ws.client)
        mine = self.followers.requests(ws.id, lambda rs: sum(r["path"].startswith("/scim/v2/") for r in rs) >= 5,
                                       "five records")
        parent = [r for r in mine if r["path"] == "/scim/v2/Bulk"]
        self.assertEqual([(r["status"], r["operations"], "bulk" in r) for r in parent], [(200, 4, False)])
        parts = [r for r in mine if r.get("bulk")]
        self.assertEqual({r["bulk"] for r in parts}, {parent[0]["txn"]})
        self.assertEqual(len({r["txn"] for r in parts}), 4)
        self.assertEqual([(r["method"], str(r["status"]), r["operations"]) for r in parts],
                         [(r["method"], r["status"], 1) for r in results])
        self.assertEqual(parts[2]["path"], "/scim/v2/Users/" + NOBODY)
        self.assertLess(max(r["n"] for r in parts), parent[0]["n"])
        changed = {c["txn"] for c in self.followers.changes(ws.id)}
        self.assertLessEqual({r["txn"] for r in parts[:2]}, changed)


if __name__ == "__main__":
    import unittest
    unittest.main()
