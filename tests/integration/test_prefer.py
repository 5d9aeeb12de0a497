"""The Prefer header (RFC 7240) on writes: rules Q1 and Q2. Asynchronous answers themselves are test_async's."""

from case import Case
from scimhttp import USER, patch_op, raw

NOBODY = "4f0a5b4a-0000-7000-8000-000000000000"


def rename(value):
    return patch_op({"op": "replace", "path": "displayName", "value": value})


class Return(Case):
    def prefer(self, path, prefer, body=None):
        return self.http.patch(path, body or rename(prefer), headers={"Prefer": prefer})

    def test_a_patch_answers_as_preferred_Q2(self):
        """Q2: 204 or 200 as the client likes it, and Preference-Applied says so."""
        user, room = "/Users/" + self.user("return")["id"], "/Groups/" + self.room("return")["id"]
        for path in (user, room):
            answer = self.expect(self.prefer(path, "return=minimal"), 204)
            self.assertEqual((answer.body, answer.headers["preference-applied"]), (b"", "return=minimal"))
            self.assertEqual(answer.headers["etag"], self.http.get(path).headers["etag"])
            answer = self.expect(self.prefer(path, "return=representation"), 200)
            self.assertEqual((answer.json["displayName"], answer.headers["preference-applied"]),
                             ("return=representation", "return=representation"))
        self.assertNotIn("preference-applied", self.expect(self.prefer(user, "x"), 200).headers)
        self.assertNotIn("preference-applied", self.expect(self.prefer(room, "x"), 204).headers)

    def test_who_asks_for_attributes_gets_them_P3(self):
        """P3: 200 with a body when attributes were asked for, whatever else is preferred."""
        path = "/Users/" + self.user("attributes")["id"]
        answer = self.expect(self.prefer(path + "?attributes=displayName", "return=minimal"), 200)
        self.assertNotIn("preference-applied", answer.headers)

    def test_other_methods_answer_as_ever_Q2(self):
        """Q2 steers PATCH alone: a POST and a PUT have their body, which clients take the id from."""
        answer = self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "post"},
                                            headers={"Prefer": "return=minimal"}), 201)
        self.assertNotIn("preference-applied", answer.headers)
        path = "/Users/" + answer.json["id"]
        self.assertEqual(self.expect(self.http.put(path, {"schemas": [USER], "userName": "put"},
                                                   headers={"Prefer": "return=minimal"}), 200).json["userName"], "put")
        self.expect(self.http.delete(path, headers={"Prefer": "return=representation"}), 204)

    def test_how_it_is_written_Q1(self):
        """Q1: lists, letter case, quoted values, unknown ones, the first of duplicates, several lines."""
        path = "/Users/" + self.user("grammar")["id"]
        for text, status in (("RETURN=Minimal", 204), ('return="minimal"', 204),
                             ("foo, bar=1; x=2, return = minimal ;y", 204),
                             ("return=minimal, return=representation", 204),
                             ("return=representation, return=minimal", 200), ("return=nothing", 200), ("return", 200),
                             ('x="return=minimal"', 200), ("return minimal", 200),
                             (", ,", 200), ('"', 200)):
            self.expect(self.prefer(path, text), status)
        body = b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"lines"}]}'
        head = (
            "PATCH /scim/v2%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\nPrefer: wait=5\r\nprefer: return=minimal\r\n"
                "Connection: close\r\n\r\n" % (path, self.ws.token, len(body))).encode()
        answers = raw(self.http.host, self.http.port, head + body)
        self.assertEqual([a.status for a in answers], [204])

    def test_errors_are_errors(self):
        for prefer in ("return=minimal", "respond-async", "respond-async, wait=1"):
            answer = self.expect(self.http.patch("/Users/" + NOBODY, rename("x"), headers={"Prefer": prefer}), 404)
            self.assertTrue(answer.json["detail"])
            self.assertNotIn("preference-applied", answer.headers)


if __name__ == "__main__":
    import unittest
    unittest.main()
