"""Bounds of one resource, one PATCH and the members of one request (rule X5; ops/DESIGN.md, "Bounds"): each is refused
by name, in the form of its door, and leaves nothing behind."""

from apicase import ApiCase
from scimhttp import GROUP, USER, patch_op

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ASYNC = {"Prefer": "respond-async"}
TOO_MANY_VALUES = "an attribute has at most 1000 (max-values)"
TOO_LARGE = "a resource has at most 262144 (max-resource-bytes)"


def emails(count, first=0):
    return [{"value": "e%d@many.example" % i} for i in range(first, first + count)]


def roles(count, size=65500, first=0):
    """Each another one, of so many bytes."""
    return [{"value": ("%d." % i).ljust(size, "x")} for i in range(first, first + count)]


def user(name, **more):
    return {"schemas": [USER], "userName": name, **more}


def add(path, value):
    return patch_op({"op": "add", "path": path, "value": value})


class Bounds(ApiCase):
    def make(self, name, **more):
        return self.expect(self.http.post("/Users", user(name, **more)), 201).json

    def refused(self, answer, says, scim_type="invalidValue", status=400):
        self.expect(answer, status, scim_type)
        self.assertIn(says, answer.json["detail"])

    def unchanged(self, made):
        now = self.expect(self.http.get("/Users/" + made["id"]), 200).json
        self.assertEqual(now, made)

    def nobody(self, name):
        found = self.http.find("/Users", 'userName eq "%s"' % name).json
        self.assertEqual(found["totalResults"], 0)

    def test_X5_a_create_or_put_that_is_too_large(self):
        """100 roles of 65,500 bytes; 60,000 e-mails."""
        self.refused(self.http.post("/Users", user("roles", roles=roles(100))), TOO_LARGE)
        self.refused(self.http.post("/Users", user("emails", emails=emails(60000))), "'emails' would have 60000 values; "
                     + TOO_MANY_VALUES)
        self.refused(self.http.post("/Users", user("emails", emails=emails(1001))), TOO_MANY_VALUES)
        self.nobody("roles")
        self.nobody("emails")
        made = self.make("put")
        self.refused(self.http.put("/Users/" + made["id"], user("put", roles=roles(5))), TOO_LARGE)
        self.refused(self.http.put("/Users/" + made["id"], user("put", emails=emails(1001))), TOO_MANY_VALUES)
        self.unchanged(made)

    def test_X5_a_patch_that_makes_it_too_large(self):
        """Known at the door, or only when the document is: nothing is half done."""
        made = self.make("patched", roles=roles(3), emails=emails(999))
        uri = "/Users/" + made["id"]
        self.refused(self.http.patch(uri, add("roles", roles(100, first=100))), TOO_LARGE)
        self.refused(self.http.patch(uri, patch_op({"op": "replace", "path": "title", "value": "Lead"},
                                                   {"op": "add", "path": "roles", "value": roles(2, first=10)})), TOO_LARGE)
        self.refused(self.http.patch(uri, add("emails", emails(1001, 2000))), TOO_MANY_VALUES)
        self.refused(self.http.patch(uri, patch_op({"op": "replace", "path": "title", "value": "Lead"},
                                                   {"op": "add", "path": "emails", "value": emails(2, 2000)})),
                     "'emails' would have 1001 values; " + TOO_MANY_VALUES)
        self.refused(self.http.patch(uri, patch_op({"op": "add", "value": {"emails": emails(2, 2000)}})), TOO_MANY_VALUES)
        self.unchanged(made)
        refusals = [c["reason"] for c in self.followers.changes(self.ws.id) if c["target"]["id"] == made["id"]
                    and c["outcome"] == "refused"]
        self.assertEqual(refusals, ["invalid_value"] * 3)  # the others were known at the door
        grown = self.expect(self.http.patch(uri, add("emails", emails(1, 2000))), 200).json
        self.assertEqual(len(grown["emails"]), 1000)

    def test_X5_the_largest_user_is_made_patched_and_read(self):
        """256 KiB with 1,000 e-mails."""
        made = self.make("largest", emails=[dict(e, display="d" * 170) for e in emails(1000)])
        uri = "/Users/" + made["id"]
        self.expect(self.http.patch(uri, patch_op({"op": "replace", "path": 'emails[value eq "e7@many.example"].type',
                                                   "value": "home"})), 200)
        seen = self.expect(self.http.get(uri), 200).json
        self.assertEqual(seen["emails"][7]["type"], "home")
        found = self.http.find("/Users", 'emails.value eq "e999@many.example" and userName eq "largest"').json
        self.assertEqual(found["totalResults"], 1)
        self.expect(self.http.delete(uri), 204)

    def test_X5_the_management_api_says_it_in_its_form(self):
        self.problem(self.api.post("/users", {"userName": "plain", "emails": emails(1001)}), 400, "invalid-value", "emails")
        large = self.problem(self.api.post("/users", {"userName": "plain", "roles": roles(5)}), 400, "invalid-value")
        self.assertIn(TOO_LARGE, large.json["detail"])
        made = self.make_user("plain", emails=emails(999))
        for change in ({"emails": emails(1001)}, {"roles": roles(5)}, {"roles": roles(4)}):
            answer = self.problem(self.api.patch("/users/" + made["id"], change), 400, "invalid-value")
            self.assertRegex(answer.json["detail"], "max-values|max-resource-bytes")
        now = self.ok(self.api.get("/users/" + made["id"]))
        self.assertEqual((now["version"], len(now["emails"])), (made["version"], 999))

    def test_X5_operations_of_a_bulk_and_of_an_import(self):
        made = self.make("bulk", emails=emails(999))
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user("b1", emails=emails(1001))},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("b2")},
            {"method": "PATCH", "path": "/Users/" + made["id"], "data": add("emails", emails(2, 2000))},
            {"method": "POST", "path": "/Users", "bulkId": "c", "data": user("b3", roles=roles(5))}]
        got = self.expect(self.http.post("/Bulk", {"schemas": [BULK], "Operations": operations}), 200).json["Operations"]
        self.assertEqual([o["status"] for o in got], ["400", "201", "400", "400"])
        self.assertEqual([o["response"]["scimType"] for o in got if o["status"] == "400"], ["invalidValue"] * 3)
        self.assertIn(TOO_MANY_VALUES, got[2]["response"]["detail"])
        users = [{"userName": "i1", "emails": emails(1001)}, {"userName": "i2"}, {"userName": "i3", "roles": roles(5)}]
        got = self.ok(self.api.post("/users/import", {"users": users}))["results"]
        self.assertEqual([r["status"] for r in got], [400, 201, 400])
        self.assertIn(TOO_LARGE, got[2]["problem"]["detail"])

    def test_X5_the_outcome_of_an_asynchronous_request_tells(self):
        made = self.make("async", emails=emails(999))
        answer = self.http.patch("/Users/" + made["id"], add("emails", emails(2, 2000)), headers=ASYNC)
        self.assertEqual(answer.status, 202, repr(answer))
        txn = answer.headers["set-txn"]
        self.wait_until(lambda: self.api.get("/operations/" + txn).status == 200, "the outcome")
        done = self.ok(self.api.get("/operations/" + txn))
        self.assertEqual((done["status"], done["code"]), ("refused", "invalid-value"))
        self.assertIn(TOO_MANY_VALUES, done["detail"])
        self.unchanged(made)
        late = self.http.post("/Users", user("async2", emails=emails(1001)), headers=ASYNC)
        self.refused(late, TOO_MANY_VALUES)  # what is known at once is said at once

    def test_X5_members_of_one_request(self):
        """100,000 through every door."""
        ids = ["0190b3f2-0000-7000-8000-%012x" % i for i in range(100001)]
        members = [{"value": i} for i in ids]
        room = self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "Bounded"}), 201).json
        uri = "/Groups/" + room["id"]
        whole = {"schemas": [GROUP], "displayName": "Bounded2", "members": members}
        half = [{"op": "add", "path": "members", "value": members[:50001]},
                {"op": "remove", "path": "members", "value": members[50000:]}]
        for answer in (self.http.post("/Groups", whole), self.http.put(uri, whole),
                       self.http.patch(uri, add("members", members)), self.http.patch(uri, patch_op(*half))):
            self.expect(answer, 413)
            self.assertIn("at most 100000", answer.json["detail"])
        self.problem(self.api.post("/rooms", {"displayName": "Bounded2", "members": ids}), 413, "too-large")
        self.assertEqual(self.expect(self.http.get(uri), 200).json["meta"]["version"], room["meta"]["version"])

    def test_X5_work_of_one_patch(self):
        """441 operations over 440 values: known at the door, or told by the worker."""
        made = self.make("work", emails=emails(440))
        uri = "/Users/" + made["id"]
        each = [{"op": "replace", "path": 'emails[value eq "e%d@many.example"].type' % i, "value": "home"}
                for i in range(440)]
        set_first = [{"op": "replace", "path": "emails", "value": emails(440)}]
        for operations in (set_first + each, each):
            self.refused(self.http.patch(uri, patch_op(*operations)), "together they may look at 20000", "tooMany")
        self.refused(self.http.patch(uri, patch_op(*[{"op": "replace", "path": "title", "value": "t"}] * 1001)),
                     "at most 1000", "tooMany")
        self.unchanged(made)
        done = self.expect(self.http.patch(uri, patch_op(*each[:45])), 200).json
        self.assertEqual([e.get("type") for e in done["emails"][:46]], ["home"] * 45 + [None])
        room = self.expect(self.http.post("/Groups", {"schemas": [GROUP], "displayName": "Swept"}), 201).json
        sweeps = [{"op": "remove", "path": 'members[display co "%d"]' % i} for i in range(5)]
        self.refused(self.http.patch("/Groups/" + room["id"], patch_op(*sweeps)), "look at all members", "tooMany")
