"""Memberships as resources (draft-zollner-scim-group-members): /GroupMemberships beside the other doors to the same
rows."""

import os
import urllib.parse

from apicase import NOBODY, ApiCase
from scimhttp import GROUP, USER, patch_op
from stack import free_port
from waiting import run

MEMBERSHIP = "urn:ietf:params:scim:schemas:core:2.0:GroupMembership"
OURS = "urn:ietf:params:scim:schemas:extension:usher:2.0:GroupMembership"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
AT = "/GroupMemberships"


def body_of(room, user, transmit=None):
    body = {"schemas": [MEMBERSHIP], "group": {"value": room}, "member": {"value": user}}
    return body if transmit is None else {**body, OURS: {"transmit": transmit}}


class Memberships(ApiCase):
    def make(self, room, user, transmit=None, client=None):
        return self.expect((client or self.http).post(AT, body_of(room, user, transmit)), 201).json

    @staticmethod
    def query(path, **asked):
        return path + "?" + urllib.parse.urlencode(asked)

    def pair(self, name, **more):
        return self.room(name)["id"], self.user(name.lower(), **more)["id"]

    def listed(self, text=None, client=None, **more):
        page = self.expect((client or self.http).get(self.query(AT, **more, **({"filter": text} if text else {}))),
                           200).json
        return [(m["group"]["value"], m["member"]["value"]) for m in page.get("Resources", [])]

    def test_GM01_announced(self):
        kind = self.expect(self.http.get("/ResourceTypes/GroupMembership"), 200).json
        self.assertEqual((kind["endpoint"], kind["schema"], kind["schemaExtensions"]),
                         (AT, MEMBERSHIP, [{"schema": OURS, "required": False}]))
        client = self.ws.open(url=self.stack.extra_ingest("listed", free_port(), "--membership-listed=true"))
        self.addCleanup(client.close)
        for http, listed in ((self.http, False), (client, True)):
            types = [t["name"] for t in http.get("/ResourceTypes").json["Resources"]]
            urns = [s["id"] for s in http.get("/Schemas").json["Resources"]]
            self.assertEqual(["GroupMembership" in types, MEMBERSHIP in urns, OURS in urns], [listed] * 3)
        schema = self.expect(self.http.get("/Schemas/" + MEMBERSHIP), 200).json
        self.assertEqual([(a["name"], a["required"], a["mutability"]) for a in schema["attributes"]],
                         [("group", True, "immutable"), ("member", True, "immutable")])
        self.assertEqual([s["name"] for s in schema["attributes"][1]["subAttributes"]],
                         ["value", "$ref", "type", "display"])
        self.assertEqual(self.http.get("/Schemas/" + OURS).json["attributes"][0]["name"], "transmit")

    def test_GM03_created(self):
        """GM03, and GM04: the whole of it, at the address that is told."""
        room, user = self.pair("Made")
        answer = self.expect(self.http.post(AT, body_of(room, user)), 201)
        made = answer.json
        base = self.stack.url + "/scim/v2"
        self.assertEqual(made["id"], "%s.%s" % (room, user))
        self.assertEqual(made["group"], {"value": room, "$ref": base + "/Groups/" + room, "display": "Made"})
        self.assertEqual(made["member"], {"value": user, "$ref": base + "/Users/" + user, "type": "User",
                                          "display": "made"})
        self.assertEqual((made[OURS], made["schemas"]), ({"transmit": True}, [MEMBERSHIP, OURS]))
        self.assertEqual((made["meta"]["resourceType"], made["meta"]["location"]),
                         ("GroupMembership", base + AT + "/" + made["id"]))
        self.assertEqual((answer.headers["location"], answer.headers["etag"]),
                         (made["meta"]["location"], made["meta"]["version"]))
        self.assertEqual(self.expect(self.http.get(AT + "/" + made["id"].upper()), 200).json, made)
        self.expect(self.http.post(AT, body_of(room, user)), 409, "uniqueness")
        only = self.expect(self.http.get(self.query(AT + "/" + made["id"], attributes="member.value")), 200).json
        self.assertEqual(set(only), {"schemas", "id", "member"})

    def test_GM03_refused(self):
        room, user = self.pair("Refused")
        for wrong in (body_of(NOBODY, user), body_of(room, NOBODY), body_of("x", user), body_of(room, "x"),
                      body_of(user, room), {"schemas": [MEMBERSHIP], "group": {"value": room}},
                      {"schemas": [MEMBERSHIP], "member": {"value": user}},
                      {**body_of(room, user), "member": {"value": user, "type": "Group"}},
                      {**body_of(room, user), "group": {"display": "Refused"}}):
            with self.subTest(repr(wrong)):
                self.expect(self.http.post(AT, wrong), 400, "invalidValue")
        self.expect(self.http.post(AT, {**body_of(room, user), OURS: {"transmit": 3}}), 400, "invalidValue")
        self.assertEqual(self.listed('group.value eq "%s"' % room), [])

    def test_GM04_not_there(self):
        room, user = self.pair("None")
        for name in ("%s.%s" % (room, user), "x", room, "%s.%s" % (NOBODY, NOBODY), "%s.x" % room):
            for answer in (self.http.get(AT + "/" + name), self.http.delete(AT + "/" + name),
                           self.http.patch(AT + "/" + name, patch_op({"op": "replace", "path": OURS + ":transmit",
                                                                      "value": True}))):
                self.expect(answer, 404)

    def test_GM02_only_transmit_changes(self):
        room, user = self.pair("Fixed")
        other, stranger = self.pair("Other")
        at = AT + "/" + self.make(room, user)["id"]

        def patched(*ops, status=200, kind=None):
            answer = self.expect(self.http.patch(at, patch_op(*ops)), status, kind)
            return answer.json.get(OURS)
        self.assertEqual(patched({"op": "replace", "path": OURS + ":transmit", "value": False}), {"transmit": False})
        self.assertEqual(patched({"op": "add", "value": {OURS: {"transmit": True}}}), {"transmit": True})
        for path in ("group", "member", "group.value", "member.value", "member.type"):
            value = {"value": other} if path == "group" else {"value": stranger} if path == "member" else stranger
            patched({"op": "replace", "path": path, "value": value}, status=400, kind="mutability")
        patched({"op": "remove", "path": OURS + ":transmit"}, status=400, kind="mutability")
        self.assertFalse(self.expect(self.http.put(at, body_of(room, user, False)), 200).json[OURS]["transmit"])
        self.assertFalse(self.expect(self.http.put(at, body_of(room, user)), 200).json[OURS]["transmit"])
        self.expect(self.http.put(at, body_of(other, user)), 400, "mutability")
        self.expect(self.http.put(at, body_of(room, stranger)), 400, "mutability")
        now = self.expect(self.http.get(at), 200).json
        self.assertGreater(now["meta"]["lastModified"], now["meta"]["created"])
        self.assertFalse(self.ok(self.api.get("/rooms/%s/members" % room))["items"][0]["transmit"])

    def test_versions(self):
        """ETags as of other resources (V2): what is there decides."""
        room, user = self.pair("Versions")
        made = self.make(room, user)
        at, tag = AT + "/" + made["id"], made["meta"]["version"]
        off = patch_op({"op": "replace", "path": OURS + ":transmit", "value": False})
        self.assertEqual(self.http.get(at, headers={"If-None-Match": tag}).status, 304)
        changed = self.expect(self.http.patch(at, off, headers={"If-Match": tag}), 200)
        self.assertNotEqual(changed.headers["etag"], tag)
        self.expect(self.http.patch(at, off, headers={"If-Match": tag}), 412)
        self.expect(self.http.delete(at, headers={"If-Match": tag}), 412)
        self.expect(self.http.delete(at, headers={"If-None-Match": "*"}), 412)
        self.expect(self.http.delete(at, headers={"If-Match": changed.headers["etag"]}), 204)
        again = self.make(room, user)
        self.assertEqual(self.http.get(at, headers={"If-None-Match": tag}).status, 200)
        self.assertNotEqual(again["meta"]["version"], tag)

    def test_GM05_deleted(self):
        room, user = self.pair("Gone")
        at = AT + "/" + self.make(room, user)["id"]
        self.expect(self.http.delete(at), 204)
        self.expect(self.http.delete(at), 404)
        self.expect(self.http.get(at), 404)
        self.assertEqual(self.members(room), set())

    def test_GM06_filters(self):
        """Every attribute can be asked for, whichever index leads there."""
        hall, ana = self.pair("Filter-Hall", displayName="Ana of Hall")
        loft, bob = self.pair("Filter-Loft")
        base = self.stack.url + "/scim/v2"
        one = self.make(hall, ana)
        self.make(hall, bob, False)
        self.make(loft, ana, False)
        both, of_ana = sorted([(hall, ana), (hall, bob)]), sorted([(hall, ana), (loft, ana)])
        here = '(group.value eq "%s" or group.value eq "%s")' % (hall, loft)
        for text, due in (
                ('group.value eq "%s"' % hall, both), ('group eq "%s"' % hall, both),
                ('group[value eq "%s"]' % hall, both), ('GROUP.VALUE eq "%s"' % hall, both),
                ('member.value eq "%s"' % ana, of_ana), ('member[value eq "%s" and type eq "user"]' % ana, of_ana),
                ('group.value eq "%s" and member.value eq "%s"' % (hall, ana), [(hall, ana)]),
                ('group.value eq "%s" and member.value ne "%s"' % (hall, ana), [(hall, bob)]),
                ('id eq "%s"' % one["id"], [(hall, ana)]), ('meta.location eq "%s"' % one["meta"]["location"],
                                                            [(hall, ana)]),
                ('id eq "%s" and group.value eq "%s"' % (one["id"], loft), []),
                ('group.$ref eq "%s/Groups/%s"' % (base, hall), both),
                ('member.$ref eq "%s/Users/%s" and %s' % (base, ana, here), of_ana),
                ('group.display eq "filter-hall"', both), ('member.display sw "ana of"', of_ana),
                (here + " and %s:transmit eq false" % OURS, sorted([(hall, bob), (loft, ana)])),
                (here + " and transmit eq true", [(hall, ana)]),
                (here + " and not (transmit eq true)", sorted([(hall, bob), (loft, ana)])),
                (here + ' and schemas eq "%s"' % MEMBERSHIP, sorted(both + [(loft, ana)])),
                (here + ' and meta.resourceType eq "GroupMembership" and meta.created pr and group pr and transmit pr',
                 sorted(both + [(loft, ana)])),
                (here + ' and externalId eq "x"', []), ('group.value eq "%s"' % NOBODY, []),
                ('group.value eq "x"', []), ('member.value eq "%s"' % hall, []),
                ('group.value eq "%s" and group.value eq "%s"' % (hall, loft), [])):
            with self.subTest(text):
                self.assertEqual(sorted(self.listed(text)), due)
                page = self.http.get(self.query(AT, filter=text, count=0)).json
                self.assertEqual(page["totalResults"], len(due))
                found = self.http.post(AT + "/.search", {"filter": text}).json
                self.assertEqual(found["totalResults"], len(due))
        self.expect(self.http.get(self.query(AT, filter='nickName eq "x"')), 400, "invalidFilter")
        self.expect(self.http.get(self.query(AT, sortBy="group.display")), 400, "invalidValue")

    def test_GM07_pages(self):
        """By index and by cursor, forward and back: each once, in one order."""
        ws = self.stack.workspace("membership-pages")
        users = [self.user("p%02d" % i, ws.client)["id"] for i in range(11)]
        rooms = [self.room("P%d" % i, users, ws.client)["id"] for i in range(2)]
        rooms.append(self.room("P2", users[:1], ws.client)["id"])
        every = sorted([(r, u) for r in rooms[:2] for u in users] + [(rooms[2], users[0])])
        for text in (None, 'group.value eq "%s"' % rooms[0], 'member.value eq "%s"' % users[0], "transmit eq true"):
            due = [m for m in every if text is None or "transmit" in text or m[0] in text or m[1] in text]
            asked = {"filter": text} if text else {}
            by_index = [m for i in range(1, len(due) + 1, 2)
                        for m in self.listed(client=ws.client, startIndex=i, count=2, **asked)]
            self.assertEqual(by_index, due)
            page = self.expect(ws.client.get(self.query(AT, cursor="", count=2, **asked)), 200).json
            pages = [page]
            while "nextCursor" in page:
                page = self.expect(ws.client.get(self.query(AT, cursor=page["nextCursor"], count=2, **asked)), 200).json
                pages.append(page)
            shown = [(m["group"]["value"], m["member"]["value"]) for p in pages for m in p["Resources"]]
            self.assertEqual((shown, {p["totalResults"] for p in pages}), (due, {len(due)}))
            back = self.expect(ws.client.get(self.query(AT, cursor=page["previousCursor"], count=2, **asked)), 200).json
            self.assertEqual(back["Resources"], pages[-2]["Resources"])

    def test_GM08_in_a_bulk(self):
        """Group, user and membership are made in one Bulk, the membership first. A membership has no name but its id."""
        def op(method, path, data=None, name=None):
            return {"method": method, "path": path, **({"data": data} if data else {}),
                    **({"bulkId": name} if name else {})}
        ops = [op("POST", AT, body_of("bulkId:g", "bulkId:u"), "m"),
               op("DELETE", AT + "/bulkId:m"),
               op("POST", "/Groups", {"schemas": [GROUP], "displayName": "Bulk"}, "g"),
               op("POST", "/Users", {"schemas": [USER], "userName": "bulk"}, "u"),
               op("POST", AT, body_of("bulkId:g", "bulkId:u"), "again"),
               op("POST", AT, body_of("bulkId:g", "bulkId:none"), "wrong")]
        done = self.expect(self.http.post("/Bulk", {"schemas": [BULK], "Operations": ops}), 200).json["Operations"]
        self.assertEqual([o["status"] for o in done], ["201", "400", "201", "201", "409", "409"])
        at = done[0]["location"][len(self.stack.url + "/scim/v2"):]
        made = self.expect(self.http.get(at), 200).json
        self.assertEqual(done[0]["location"], made["meta"]["location"])
        self.assertIn("by its id", done[1]["response"]["detail"])
        self.assertEqual((made["group"]["display"], made["member"]["display"], made[OURS]["transmit"]),
                         ("Bulk", "bulk", True))
        answer = self.http.post("/Bulk", {"schemas": [BULK], "Operations": [op("DELETE", at), op("DELETE", at)]},
                                headers={"Prefer": "respond-async"})
        self.assertEqual([o["status"] for o in self.expect(answer, 200).json["Operations"]], ["204", "404"])

    def shown(self, room, user):
        """What each door says: is he a member?"""
        at = self.http.get(AT + "/%s.%s" % (room, user)).status
        groups = self.http.get("/Users/" + user).json.get("groups", [])
        return [at == 200, (room, user) in self.listed('group.value eq "%s"' % room),
                (room, user) in self.listed('member.value eq "%s"' % user), user in self.members(room),
                room in [g["value"] for g in groups],
                user in [m["user"] for m in self.ok(self.api.get("/rooms/%s/members" % room))["items"]]]

    def test_GM09_consistent(self):
        """A member through whichever door is one at all doors. Who is inactive is held: no member, and none of them
        shows him."""
        room, user = self.pair("Doors")
        into = patch_op({"op": "add", "path": "members", "value": [{"value": user}]})
        out = patch_op({"op": "remove", "path": 'members[value eq "%s"]' % user})
        at, door = AT + "/%s.%s" % (room, user), "/rooms/%s/members/%s" % (room, user)
        adds = (lambda: self.make(room, user), lambda: self.http.patch("/Groups/" + room, into),
                lambda: self.api.put(door))
        takes = (lambda: self.http.delete(at), lambda: self.http.patch("/Groups/" + room, out),
                 lambda: self.api.delete(door))
        for add in adds:
            for take in takes:
                add()
                self.assertEqual(self.shown(room, user), [True] * 6)
                take()
                self.assertEqual(self.shown(room, user), [False] * 6)
        self.make(room, user)
        switch = "/users/%s/" % user
        self.ok(self.api.post(switch + "deactivate"))
        self.assertEqual(self.shown(room, user), [False] * 6)
        self.expect(self.http.post(AT, body_of(room, user)), 409, "uniqueness")
        self.ok(self.api.post(switch + "reactivate"))
        self.assertEqual(self.shown(room, user), [True] * 6)
        self.ok(self.api.post(switch + "deactivate"))
        self.expect(self.http.delete(at), 204)
        self.make(room, user, False)  # held at once
        self.assertEqual(self.shown(room, user), [False] * 6)
        self.ok(self.api.post(switch + "reactivate"))
        self.assertEqual(self.shown(room, user), [True] * 6)
        self.assertFalse(self.http.get(at).json[OURS]["transmit"])
        self.expect(self.http.delete("/Groups/" + room), 204)
        self.expect(self.http.get(at), 404)

    def config(self, *given):
        program = os.path.join(self.stack.env["USHER_BIN"], "usher-ingest")
        return run([program, "--check-config", "--pg=host=127.0.0.1", *given], capture_output=True, text=True,
                   env={"PATH": os.environ["PATH"]})

    def test_the_setting(self):
        """GM01: the name follows the draft, or there is none; the name of another type is refused."""
        for name in ("", "GroupMember", "A" * 40):
            self.assertEqual(self.config("--membership-type=" + name).stdout, "ok\n")
        for name in ("User", "group", "Group Member", "G1", "Schema.", "A" * 41):
            done = self.config("--membership-type=" + name)
            self.assertEqual((done.returncode, "membership-type" in done.stderr), (1, True), done.stderr)
        client = self.ws.open(url=self.stack.extra_ingest("member", free_port(), "--membership-type=GroupMember"))
        room, user = self.pair("Named")
        made = client.post("/GroupMembers", {"group": {"value": room}, "member": {"value": user}}).json
        self.assertEqual((made["schemas"][0], made["meta"]["resourceType"]),
                         (MEMBERSHIP.replace("GroupMembership", "GroupMember"), "GroupMember"))
        self.expect(client.get("/GroupMemberships"), 404)
        self.assertEqual(self.http.get(AT + "/" + made["id"]).json["group"]["value"], room)
        client.close()
        client = self.ws.open(url=self.stack.extra_ingest("no-members", free_port(), "--membership-type="))
        self.expect(client.get("/GroupMemberships"), 404)
        self.assertEqual([t["name"] for t in client.get("/ResourceTypes").json["Resources"]], ["User", "Group"])
        client.close()

    def test_scopes_and_tenants(self):
        """The scopes of rooms; and a membership of another workspace is none (promise 7)."""
        room, user = self.pair("Mine")
        made = self.make(room, user)
        users = self.ws.open(self.ws.key("users", "scim:users:read,scim:users:write")[0])
        self.assertEqual(users.get(AT).status, 403)
        other = self.stack.workspace("other-memberships")
        self.expect(other.client.get(AT + "/" + made["id"]), 404)
        self.expect(other.client.delete(AT + "/" + made["id"]), 404)
        self.expect(other.client.post(AT, body_of(room, user)), 400, "invalidValue")
        self.assertEqual(self.listed(client=other.client), [])
        self.assertEqual(self.http.get(self.query("/", filter='meta.resourceType eq "GroupMembership"')).json[
            "totalResults"], 0)

    def test_records(self):
        """The audit of the request names room and user; an asynchronous answer is not given."""
        room, user = self.pair("Recorded")
        answer = self.expect(self.http.post(AT, body_of(room, user), headers={"Prefer": "respond-async"}), 201)
        path = "/scim/v2" + AT + "/" + answer.json["id"]
        self.expect(self.http.delete(AT + "/" + answer.json["id"]), 204)
        found = self.followers.requests(self.ws.id, lambda rs: any(r["path"] == path for r in rs), "the DELETE")
        one = next(r for r in found if r["path"] == path and r["method"] == "DELETE")
        self.assertEqual((one.get("room"), one.get("user")), (room, user))
