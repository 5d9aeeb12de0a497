"""Managed means managed (setting managed-lock): what an identity provider manages is changed through SCIM alone."""

import signal
import threading

import doors
import stream
from apicase import ApiCase
from apihttp import ApiClient as Api
from scimhttp import USER, patch_op


class Managed(ApiCase):
    flags = {"managed_lock": "true"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner, cls.administrator = doors.admin(cls.ws), doors.admin(cls.ws, "administrator")
        cls.theirs = cls.ws.open(cls.ws.key("Entra", "scim:users:read,scim:users:write,scim:rooms:read,"
                                                     "scim:rooms:write")[0])

    @classmethod
    def tearDownClass(cls):
        for client in (cls.owner, cls.administrator, cls.theirs):
            client.close()
        super().tearDownClass()

    def refused(self, answer, by="Entra"):
        self.problem(answer, 409, "conflict")
        self.assertIn('is managed by the key "%s"' % by, answer.json["detail"])

    def test_AL09_each_door(self):
        """Every door of the Management API is shut for what the provider manages; SCIM is open."""
        user = self.user("theirs", self.theirs)["id"]
        other = self.user("other", self.theirs)["id"]
        room = self.room("Theirs", [user], self.theirs)["id"]
        for send in (lambda: self.api.patch("/users/" + user, {"title": "x"}),
                     lambda: self.api.delete("/users/" + user),
                     lambda: self.api.post("/users/%s/deactivate" % user), lambda: self.api.post(
                         "/users/%s/reactivate" % user),
                     lambda: self.api.patch("/rooms/" + room, {"displayName": "Mine"}),
                     lambda: self.api.delete("/rooms/" + room),
                     lambda: self.api.put("/rooms/%s/members/%s" % (room, other)),
                     lambda: self.api.delete("/rooms/%s/members/%s" % (room, user))):
            self.refused(send())
        self.assertEqual(self.members(room), {user})
        self.assertIs(self.ok(self.api.get("/rooms/" + room))["managed"], True)
        self.assertIs(self.ok(self.owner.get("/rooms/" + room))["managed"], True)
        self.expect(self.theirs.patch("/Users/" + user, patch_op({"op": "replace", "path": "title", "value": "t"})), 200)
        self.expect(self.theirs.patch("/Groups/" + room, patch_op({"op": "remove", "path": "members"})), 204)
        self.expect(self.theirs.delete("/Groups/" + room), 204)

    def test_AL20_no_local_accounts(self):
        """Accounts beside the provider's are made by a key with api:users:write alone; an operator gives out none."""
        others = "scim:users:write,scim:rooms:write,api:users:read,api:rooms:read,api:rooms:write"
        api = Api(self.stack.url, self.ws.key("no accounts", others)[0])
        self.addCleanup(api.close)
        for path, body in (("/users", {"userName": "local"}), ("/users/import", {"users": [{"userName": "local"}]})):
            self.assertEqual(api.post(path, body).status, 403, path)
        self.assertEqual(self.http.get('/Users?filter=userName eq "local"'.replace(" ", "%20")).json["totalResults"], 0)

    def test_what_is_not_the_providers(self):
        user = self.user("speaks", self.theirs)["id"]
        room = self.room("Speaks", [user], self.theirs)["id"]
        at = "/rooms/%s/members/%s" % (room, user)
        self.assertFalse(self.ok(self.api.put(at, {"transmit": False}))["transmit"])
        self.ok(self.api.post("/logins", {"user": user}))
        mine, ours = self.make_user("mine"), self.make_room("Ours")
        self.ok(self.api.put("/rooms/%s/members/%s" % (ours["id"], user)), 201)
        self.ok(self.api.delete("/rooms/%s/members/%s" % (ours["id"], user)), 204)
        self.ok(self.api.patch("/users/" + mine["id"], {"title": "x"}))
        renamed = self.ok(self.api.patch("/rooms/" + ours["id"], {"displayName": "Still ours"}))
        self.assertEqual((ours["managed"], renamed["managed"]), (False, False))
        self.assertEqual({r["id"]: r["managed"] for r in self.api.pages("/rooms") if r["id"] in (room, ours["id"])},
                         {room: True, ours["id"]: False})
        self.ok(self.api.delete("/users/" + mine["id"]), 204)
        self.ok(self.api.delete("/rooms/" + ours["id"]), 204)
        self.ws.set(managed_lock="false")
        self.ok(self.api.patch("/users/" + user, {"title": "now"}))
        self.ws.set(managed_lock="true")

    def test_an_emergency(self):
        """Owners alone, and the audit calls it so."""
        user = self.user("danger", self.theirs)["id"]
        self.assertEqual(self.administrator.post("/users/%s/deactivate" % user, {}).status, 403)
        self.assertEqual(self.owner.post("/users/%s/deactivate" % user, {}).status, 200)
        self.assertFalse(self.http.get("/Users/" + user).json["active"])
        record = [c for c in self.followers.changes(self.ws.id)
                  if c["action"] == "user.deactivated" and c["target"]["id"] == user][-1]
        self.assertEqual((record["reason"], record["actor"]["kind"]), ("emergency", "owner"))
        on = patch_op({"op": "replace", "path": "active", "value": True})
        self.assertTrue(self.expect(self.theirs.patch("/Users/" + user, on), 200).json["active"])
        self.assertEqual(self.owner.post("/users/%s/reactivate" % user, {}).status, 404)


class Races(ApiCase):
    """What becomes managed while the change is queued: the worker decides, by what is true then."""
    flags = {"link_by_email": "true"}

    def queued(self, jobs):
        """Sent one behind the other while the worker stands still."""
        answers = [None] * len(jobs)

        def send(i):
            answers[i] = jobs[i]()
        threads = [threading.Thread(target=send, args=(i,)) for i in range(len(jobs))]
        commands = stream.Follower(self.stack.kafka, stream.COMMANDS)
        # All that takes time comes before: the commands must not wait until their deadline.
        commands.read_to(stream.end_offsets(self.stack.kafka, stream.COMMANDS))
        known = len(commands.snapshot(self.ws.id))
        self.stack.signal("WORKER", signal.SIGSTOP)
        try:
            for n, t in enumerate(threads, 1):
                t.start()
                commands.wait(lambda rs, due=known + n: len(rs) >= due, "command %d" % n, self.ws.id)
        finally:
            self.stack.signal("WORKER", signal.SIGCONT)
            commands.close()
        for t in threads:
            t.join()
        return answers

    def test_taken_over_while_it_waits(self):
        self.ws.set(managed_lock="true")
        mine = self.make_user("ana", emails=[{"value": "ana@x.example"}])["id"]
        body = {"schemas": [USER], "userName": "ana@x", "emails": [{"value": "ana@x.example", "primary": True}]}
        api = self.open_api()
        linked, refused = self.queued([lambda: self.http.post("/Users", body),
                                       lambda: api.patch("/users/" + mine, {"title": "late"})])
        api.close()
        self.assertEqual(self.expect(linked, 201).json["id"], mine)
        self.problem(refused, 409, "conflict")
        self.assertNotIn("title", self.http.get("/Users/" + mine).json)
        self.ws.set(managed_lock="false")

    def test_locked_while_it_waits(self):
        user = self.user("late")["id"]
        owner, api = doors.admin(self.ws), self.open_api()
        set_, refused = self.queued([lambda: owner.patch("/workspace", {"managedLock": True}),
                                     lambda: api.delete("/users/" + user)])
        self.assertEqual(set_.status, 200)
        self.problem(refused, 409, "conflict")
        self.expect(self.http.get("/Users/" + user), 200)
        owner.close()
        api.close()
        self.ws.set(managed_lock="false")
