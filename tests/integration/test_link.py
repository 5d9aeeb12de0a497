"""An account that is not the identity provider's is taken over by a create through SCIM with its e-mail address:
setting link-by-email."""

import doors
import stream
from case import Case
from doors import change
from scimhttp import ENTERPRISE, ROLE, USER, in_flight, statuses


class Link(Case):
    def setUp(self):
        self.ws = self.stack.workspace("link", link_by_email="true")
        self.http, self.api = self.ws.client, doors.api(self.ws)

    def tearDown(self):
        self.http.close()
        self.api.close()

    def unmanaged(self, **body):
        answer = self.api.post("/users", body)
        self.assertEqual(answer.status, 201, answer)
        self.assertIs(answer.json["managed"], False)
        return answer.json["id"]

    def create(self, name, mail=None, **more):
        body = {"schemas": [USER], "userName": name, **more}
        if mail:
            body["emails"] = [{"value": mail, "primary": True, "type": "work"}]
        return self.http.post("/Users", body)

    def managed(self, uid):
        return self.stack.sql("SELECT managed FROM users WHERE workspace_id=%s AND id=%s", self.ws.id, uid)[0][0]

    def test_keeps_id_rooms_and_seat(self):
        uid = self.unmanaged(userName="old", emails=[{"value": "Ana@X.example"}], title="Old", externalId="mine",
                             editor=True)
        rid = self.room("R", [uid], self.http)["id"]
        answer = self.expect(self.create("ana", "ana@x.EXAMPLE", externalId="idp-1",
                                         **{ENTERPRISE: {"department": "D"}}), 201)
        made = answer.json
        self.assertEqual((made["id"], made["userName"], made["externalId"]), (uid, "ana", "idp-1"))
        self.assertTrue(answer.headers["location"].endswith("/Users/" + uid))
        self.assertNotIn("title", made)  # replaced, as by a PUT …
        self.assertIs(made[ROLE]["editor"], True)  # … which leaves the role alone
        shown = self.expect(self.http.get("/Users/" + uid), 200).json
        self.assertEqual([g["value"] for g in shown["groups"]], [rid])
        self.assertEqual(self.ws.counts()["users"], 1)
        self.assertEqual(doors.seats(self.ws)[:2], (1, 1))
        self.assertIs(self.managed(uid), True)
        self.assertIs(self.api.get("/users/" + uid).json["managed"], True)
        told = [(v["action"], v.get("seat")) for v in self.followers.changes(self.ws.id)
                if (v["target"] or {}).get("id") == uid]
        self.assertEqual(told, [("user.created", "taken"), ("user.linked", None)])
        tokens = [stream.event_of(r)[0].rpartition("event:")[2] for r in self.followers.tokens(self.ws.id)
                  if r.value["sub_id"]["uri"].endswith(uid)]
        self.assertEqual(tokens, ["prov:create:notice", "prov:put:notice"])
        # Nobody left.
        self.assertEqual([e["type"] for e in self.followers.events(self.ws.id)],
                         ["usher.room.created", "usher.member.added"])

    def test_once(self):
        """Managed from then on: the same create is a duplicate, another one with that address a user of its own."""
        uid = self.unmanaged(userName="b@x.example")
        self.assertEqual(self.expect(self.create("b@x.example"), 201).json["id"], uid)
        self.expect(self.create("b@x.example"), 409, "uniqueness")
        other = self.expect(self.create("b2", "b@x.example"), 201).json["id"]
        self.assertNotEqual(other, uid)

    def test_unchanged_document_is_linked_too(self):
        uid = self.unmanaged(userName="same@x.example")
        before = self.http.get("/Users/" + uid).json
        made = self.expect(self.create("same@x.example"), 201).json
        self.assertEqual((made["id"], self.managed(uid)), (uid, True))
        self.assertNotEqual(made["meta"]["version"], before["meta"]["version"])

    def test_only_the_main_address(self):
        self.unmanaged(userName="c", emails=[{"value": "main@x.example", "primary": True},
                                             {"value": "second@x.example"}])
        self.expect(self.create("c1", "second@x.example"), 201)
        self.assertEqual(self.ws.counts()["users"], 2)
        self.expect(self.create("c2", "main@x.example"), 201)
        self.assertEqual(self.ws.counts()["users"], 2)

    def test_the_name_of_a_third_is_a_conflict(self):
        uid = self.unmanaged(userName="d@x.example")
        self.user("third", self.http)
        before = self.http.get("/Users/" + uid).json
        self.expect(self.create("third", "d@x.example"), 409, "uniqueness")
        self.assertEqual((self.http.get("/Users/" + uid).json, self.managed(uid)), (before, False))

    def test_not_through_the_api_not_when_managed_not_when_off(self):
        self.unmanaged(userName="e", emails=[{"value": "e@x.example"}])
        self.unmanaged(userName="e2", emails=[{"value": "e@x.example"}])  # the API never takes over
        self.user("f", self.http, emails=[{"value": "f@x.example"}])
        self.expect(self.create("f2", "f@x.example"), 201)  # the provider's own
        self.ws.set(link_by_email="false")
        self.expect(self.create("e3", "e@x.example"), 201)
        self.assertEqual(self.ws.counts()["users"], 5)

    def test_never_across_workspaces(self):
        other = self.stack.workspace("link2", link_by_email="true")
        uid = self.unmanaged(userName="g@x.example")
        made = self.user("g@x.example", other.client)
        self.assertNotEqual(made["id"], uid)
        self.assertIs(self.managed(uid), False)
        other.client.close()

    def test_of_several_the_oldest(self):
        ids = [self.unmanaged(userName="h%d" % i, emails=[{"value": "h@x.example"}]) for i in range(3)]
        self.assertEqual([self.expect(self.create("idp-h%d" % i, "h@x.example"), 201).json["id"]
                          for i in range(3)], ids)

    def test_full_seats_do_not_stop_who_has_one(self):
        ws = self.stack.workspace("linkseats", link_by_email="true", seats=1)
        api = doors.api(ws)
        uid = api.post("/users", {"userName": "s@x.example"}).json["id"]
        self.assertEqual(self.user("s@x.example", ws.client)["id"], uid)
        off = api.post("/users", {"userName": "off@x.example", "active": False}).json["id"]
        body = {"schemas": [USER], "userName": "off@x.example", "active": True}
        self.expect(ws.client.post("/Users", body), 403)  # but who has none takes one
        self.assertIs(ws.client.get("/Users/" + off).json["active"], False)
        ws.set(seats=2)
        self.assertEqual(self.expect(ws.client.post("/Users", body), 201).json["active"], True)
        self.assertEqual(doors.seats(ws)[:2], (2, 2))
        for client in (api, ws.client):
            client.close()

    def test_many_at_once(self):
        """In one batch: an account is taken over by one; who changes his address meanwhile is found by the new one."""
        ids = [self.unmanaged(userName="n%d" % i, emails=[{"value": "n%d@x.example" % i}]) for i in range(8)]
        jobs = [lambda c, i=i, k=k: c.post("/Users", {"schemas": [USER], "userName": "idp-%d-%d" % (i, k),
                                                      "emails": [{"value": "n%d@x.example" % i, "primary": True}]})
                for k in range(3) for i in range(8)]
        results = in_flight(24, jobs, self.http)
        self.assertEqual(statuses(results), {201: 24})
        made = [r.json["id"] for r in results]
        self.assertTrue(set(ids) <= set(made))
        self.assertEqual(len(set(made)), 24)
        self.expect(self.http.patch("/Users/" + self.unmanaged(userName="move"),
                                    change(("add", "emails", [{"value": "moved@x.example"}]))), 200)
        self.assertEqual(self.expect(self.create("moved", "moved@x.example"), 201).json["userName"], "moved")
        self.assertEqual(self.ws.counts()["users"], 25)
