"""If-Match and If-None-Match on writes (RFC 7644 section 3.14, RFC 9110 section 13, rules V1 and V2): decided where
the change is made."""

from case import Case
from scimhttp import GROUP, USER, in_flight, patch_op, raw, statuses

NOBODY = "4f0a5b4a-0000-7000-8000-000000000000"


def rename(value):
    return patch_op({"op": "replace", "path": "displayName", "value": value})


class Preconditions(Case):
    def each_write(self, kind):
        """(method, path, body, status when it is done) of each write on a fresh resource at version 2."""
        for method in ("PUT", "PATCH", "DELETE"):
            self.count = getattr(self, "count", 0) + 1
            name = "%s-%d" % (self.id().rsplit(".", 1)[1], self.count)
            thing = self.user(name) if kind == "Users" else self.room(name)
            path = "/%s/%s" % (kind, thing["id"])
            self.http.patch(path, rename(name + " second"))
            body = {"PUT": {"schemas": [USER], "userName": name, "displayName": "put"} if kind == "Users"
                    else {"schemas": [GROUP], "displayName": name + " put"},
                    "PATCH": rename(name + " patched"), "DELETE": None}[method]
            yield method, path, body, {"PUT": 200, "PATCH": 200 if kind == "Users" else 204, "DELETE": 204}[method]

    def test_the_version_must_be_there_V2(self):
        """V2: another version is 412 in SCIM's form, and nothing has changed; ours is done."""
        for kind in ("Users", "Groups"):
            for method, path, body, done in self.each_write(kind):
                with self.subTest(method=method, kind=kind):
                    before, counts = self.http.get(path), self.ws.counts()
                    self.assertEqual(before.headers["etag"], 'W/"2"')
                    for wrong in ('W/"1"', 'W/"3"', '"x"', "x", "", 'W/"2', 'W/"2-1"', '"*"', ',', 'W/"1", "7"'):
                        answer = self.expect(self.http.request(method, path, body, headers={"If-Match": wrong}), 412)
                        self.assertIn("version", answer.json["detail"])
                    self.assertEqual(self.http.get(path).json, before.json)
                    self.assertEqual({k: v for k, v in self.ws.counts().items() if k != "audit_seq"},
                                     {k: v for k, v in counts.items() if k != "audit_seq"})
                    answer = self.expect(self.http.request(method, path, body,
                                                           headers={"If-Match": 'W/"1", W/"2"'}), done)
                    if method != "DELETE":
                        self.assertEqual(answer.headers["etag"], 'W/"3"',
                                         "V1: every answer to a write has the ETag, rooms' 204 too")
                        self.assertEqual(self.http.get(path).json["meta"]["version"], 'W/"3"')

    def test_what_matches_V2(self):
        """V2: any version by *, weakly by the opaque part, in lists, in several lines."""
        path = "/Users/" + self.user("matches")["id"]
        for n, tag in enumerate(("*", ' W/"%d"', '"%d"', 'W/"99",\tW/"%d"', '"a,b", W/"%d" , "c"')):
            self.expect(self.http.patch(path, rename("v%d" % n),
                                        headers={"If-Match": tag % (n + 1) if "%" in tag else tag}), 200)
        body = b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"lines"}]}'
        head = (
            "PATCH /scim/v2%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\nIf-Match: W/\"1\"\r\nif-match: W/\"6\"\r\n"
                "Connection: close\r\n\r\n" % (path, self.ws.token, len(body))).encode()
        answers = raw(self.http.host, self.http.port, head + body)
        self.assertEqual([a.status for a in answers], [200])

    def test_none_must_be_there_V2(self):
        """V2: If-None-Match on a write: * and the present version are 412."""
        for method, path, body, done in self.each_write("Users"):
            for wrong in ("*", 'W/"2"', '"2"', 'W/"1", W/"2"'):
                self.expect(self.http.request(method, path, body, headers={"If-None-Match": wrong}), 412)
            self.expect(self.http.request(method, path, body,
                                          headers={"If-None-Match": 'W/"1", "other"', "If-Match": 'W/"2"'}), done)

    def test_existence_first_V2(self):
        """Nothing there is 404, whatever the precondition."""
        for kind in ("Users", "Groups"):
            body = {"schemas": [USER if kind == "Users" else GROUP], "userName": "x", "displayName": "x"}
            for path in ("/%s/%s" % (kind, NOBODY), "/%s/nonsense" % kind):
                for tag in ("*", 'W/"1"'):
                    self.expect(self.http.put(path, body, headers={"If-Match": tag}), 404)
                    self.expect(self.http.patch(path, rename("x"), headers={"If-Match": tag}), 404)
                    self.expect(self.http.delete(path, headers={"If-Match": tag}), 404)

    def test_before_anything_else_V2(self):
        """412 rather than what the change itself would have been refused for; but what is no request at all is 400."""
        a, _ = self.user("first-a"), self.user("first-b")
        path = "/Users/" + a["id"]
        self.expect(self.http.patch(path, patch_op({"op": "replace", "path": "userName", "value": "first-b"}),
                                    headers={"If-Match": 'W/"9"'}), 412)
        self.expect(self.http.patch(path, patch_op({"op": "replace", "path": "userName", "value": "first-b"}),
                                    headers={"If-Match": 'W/"1"'}), 409, "uniqueness")
        self.expect(self.http.patch(path, patch_op({"op": "explode"}), headers={"If-Match": 'W/"9"'}), 400,
                    "invalidSyntax")

    def test_a_change_of_nothing_V2(self):
        """P8, V2: with the right version success and the same version; with a wrong one 412 all the same."""
        path = "/Users/" + self.user("noop", displayName="same")["id"]
        self.assertEqual(self.expect(self.http.patch(path, rename("same"), headers={"If-Match": 'W/"1"'}),
                                     200).headers["etag"], 'W/"1"')
        self.expect(self.http.patch(path, rename("same"), headers={"If-Match": 'W/"2"'}), 412)

    def test_creating_has_no_version(self):
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "create-1"},
                                   headers={"If-None-Match": "*"}), 201)
        self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "create-2"},
                                   headers={"If-Match": 'W/"1"'}), 201)

    def test_one_of_many_wins_V2(self):
        """V2: of twenty who saw the same version exactly one is done, through however many hands it goes."""
        for kind, done in (("Users", 200), ("Groups", 204)):
            thing = self.user("race") if kind == "Users" else self.room("race")
            path = "/%s/%s" % (kind, thing["id"])
            for version in range(1, 4):
                results = in_flight(20,
                                    [lambda c, i=i: c.patch(path, rename("race %s %d %d" % (kind, version, i)),
                                                            headers={"If-Match": 'W/"%d"' % version})
                                     for i in range(20)], self.http)
                self.assertEqual(statuses(results), {done: 1, 412: 19})
                winner = [i for i, r in enumerate(results) if r.status == done]
                self.assertEqual(self.http.get(path).json["displayName"], "race %s %d %d" % (kind, version, winner[0]))

    def test_a_refusal_is_on_record(self):
        ws = self.stack.workspace("412")
        user = self.user("refused", client=ws.client)
        self.expect(ws.client.delete("/Users/" + user["id"], headers={"If-Match": 'W/"7"'}), 412)
        told = [(c["action"], c["reason"]) for c in self.followers.changes(ws.id) if c["outcome"] == "refused"]
        self.assertEqual(told, [("command.refused", "precondition")])
        self.followers.requests(ws.id, lambda rs: [r for r in rs if r["status"] == 412], "the request's record")


if __name__ == "__main__":
    import unittest
    unittest.main()
