"""The same change through SCIM and through the Management API: the same rows, and record by record the same events,
but for ids, times, who did it and why."""

import concurrent.futures
import json
import random
import re

from apicase import ApiCase
from scimhttp import ENTERPRISE, GROUP, USER, patch_op

ROLE = "urn:ietf:params:scim:schemas:extension:usher:2.0:User"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*")
# The doors differ in these: reason and the account's origin.
REASONS = {"scim", "api"}


class Door:
    """One workspace, changed through one door. at() remembers ids by name."""

    def __init__(self, case, name):
        self.case, self.ids = case, {}
        self.ws = case.stack.workspace(name)


class Scim(Door):
    def create_user(self, **u):
        body = {"schemas": [USER], **{k: v for k, v in u.items() if k not in ("department", "editor")}}
        if "department" in u:
            body[ENTERPRISE] = {"department": u["department"]}
        if "editor" in u:
            body[ROLE] = {"editor": u["editor"]}
        self.ids[u["userName"]] = self.case.expect(self.ws.client.post("/Users", body), 201).json["id"]

    def change_user(self, name, *ops):
        self.case.expect(self.ws.client.patch("/Users/" + self.ids[name], patch_op(*ops)), 200)

    def patch_user(self, name, merge):
        ops = []
        for path, value in merge.items():
            path = {"department": ENTERPRISE + ":department", "editor": ROLE + ":editor"}.get(path, path)
            if isinstance(value, dict):
                ops += [{"op": "remove", "path": "%s.%s" % (path, k)} if v is None
                        else {"op": "replace", "path": "%s.%s" % (path, k), "value": v} for k, v in value.items()]
            else:
                ops.append({"op": "remove", "path": path} if value is None
                           else {"op": "replace", "path": path, "value": value})
        self.change_user(name, *ops)

    def activate(self, name, active):
        self.change_user(name, {"op": "replace", "path": "active", "value": active})

    def delete_user(self, name):
        self.case.expect(self.ws.client.delete("/Users/" + self.ids[name]), 204)

    def create_room(self, name, members):
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": self.ids[m]} for m in members]}
        self.ids[name] = self.case.expect(self.ws.client.post("/Groups", body), 201).json["id"]

    def rename_room(self, name, new):
        self.case.expect(self.ws.client.patch("/Groups/" + self.ids[name],
                                              patch_op({"op": "replace", "path": "displayName", "value": new})), 204)

    def add(self, room, user):
        self.case.expect(self.ws.client.patch("/Groups/" + self.ids[room],
                                              patch_op({"op": "add", "path": "members",
                                                        "value": [{"value": self.ids[user]}]})), 204)

    def remove(self, room, user):
        self.case.expect(self.ws.client.patch("/Groups/" + self.ids[room],
                                              patch_op({"op": "remove",
                                                        "path": 'members[value eq "%s"]' % self.ids[user]})), 204)

    def delete_room(self, name):
        self.case.expect(self.ws.client.delete("/Groups/" + self.ids[name]), 204)

    def refused(self, name):
        self.case.expect(self.ws.client.post("/Users", {"schemas": [USER], "userName": name}), 409, "uniqueness")


class Api(Door):
    def __init__(self, case, name):
        super().__init__(case, name)
        self.api = case.open_api(self.ws)

    def create_user(self, **u):
        self.ids[u["userName"]] = self.case.ok(self.api.post("/users", u), 201)["id"]

    def patch_user(self, name, merge):
        self.case.ok(self.api.patch("/users/" + self.ids[name], merge))

    def activate(self, name, active):
        self.case.ok(self.api.post("/users/%s/%s" % (self.ids[name], "reactivate" if active else "deactivate")))

    def delete_user(self, name):
        self.case.ok(self.api.delete("/users/" + self.ids[name]), 204)

    def create_room(self, name, members):
        self.ids[name] = self.case.ok(self.api.post("/rooms", {"displayName": name,
                                                               "members": [self.ids[m] for m in members]}), 201)["id"]

    def rename_room(self, name, new):
        self.case.ok(self.api.patch("/rooms/" + self.ids[name], {"displayName": new}))

    def add(self, room, user):
        self.case.assertIn(self.api.put("/rooms/%s/members/%s" % (self.ids[room], self.ids[user])).status, (200, 201))

    def remove(self, room, user):
        self.case.ok(self.api.delete("/rooms/%s/members/%s" % (self.ids[room], self.ids[user])), 204)

    def delete_room(self, name):
        self.case.ok(self.api.delete("/rooms/" + self.ids[name]), 204)

    def refused(self, name):
        self.case.problem(self.api.post("/users", {"userName": name}), 409, "uniqueness")


class Membership(Scim):
    """Members by /GroupMemberships, all else as Scim."""

    def add(self, room, user):
        body = {"group": {"value": self.ids[room]}, "member": {"value": self.ids[user]}}
        self.case.expect(self.ws.client.post("/GroupMemberships", body), 201)

    def remove(self, room, user):
        self.case.expect(self.ws.client.delete("/GroupMemberships/%s.%s" % (self.ids[room], self.ids[user])), 204)


def random_changes(seed, count, rooms, users):
    """Changes that all change something: who is in which room, who is active, what a room is called."""
    dice, members, inactive = random.Random(seed), set(), set()
    for number in range(count):
        room, user, kind = dice.choice(rooms), dice.choice(users), dice.random()
        if kind < 0.04:
            yield "rename_room", room, "%s, for the %dth time" % (room, number)
        elif kind < 0.12:
            yield "activate", user, user in inactive
            inactive ^= {user}
        else:
            yield "remove" if (room, user) in members else "add", room, user
            members ^= {(room, user)}


STEPS = [
    lambda d: d.create_user(userName="ana", displayName="Ana", externalId="x1",
                            name={"givenName": "A", "familyName": "B"}, department="Ops", editor=True,
                            emails=[{"value": "ana@x", "type": "work", "primary": True}]),
    lambda d: d.create_user(userName="bob"),
    lambda d: d.create_user(userName="cy", active=False),
    lambda d: d.refused("ANA"),
    lambda d: d.patch_user("ana", {"displayName": "Anna", "department": None,
                                   "name": {"familyName": None, "middleName": "M"}, "editor": False}),
    lambda d: d.patch_user("ana", {"displayName": "Anna"}),
    lambda d: d.patch_user("bob", {"userName": "rob", "emails": [{"value": "rob@x"}]}),
    lambda d: d.create_room("Hall", ["ana", "bob"]),
    lambda d: d.create_room("Attic", []),
    lambda d: d.add("Attic", "ana"),
    lambda d: d.add("Attic", "ana"),
    lambda d: d.add("Attic", "cy"),
    lambda d: d.rename_room("Attic", "Loft"),
    lambda d: d.activate("ana", False),
    lambda d: d.activate("ana", False),
    lambda d: d.activate("ana", True),
    lambda d: d.activate("cy", True),
    lambda d: d.remove("Attic", "cy"),
    lambda d: d.delete_user("bob"),
    lambda d: d.delete_room("Attic"),
    lambda d: d.delete_room("Hall"),
    lambda d: d.delete_user("ana"),
]


class Plain:
    """Texts without what must differ: ids become numbers in the order of their coming, times become "T"."""

    def __init__(self):
        self.seen = {}

    def text(self, text):
        text = TIME.sub("T", text)
        return UUID.sub(lambda m: "#%d" % self.seen.setdefault(m.group(0), len(self.seen)), text)

    def of(self, value):
        if isinstance(value, dict):
            return {k: "R" if k == "reason" and v in REASONS else self.of(v) for k, v in value.items()
                    if k not in ("actor", "iat", "jti", "aud")}
        if isinstance(value, list):
            return [self.of(v) for v in value]
        return self.text(value) if isinstance(value, str) else value


ROWS = {
    "users": "id, user_name, user_name_key, external_id, display_name, display_name_key, active, seat, doc, search, version",
        "rooms": "id, display_name, display_name_key, external_id, doc, search, version",
        "members": "room_id, user_id, transmit, held",
        "resource_keys": "type, path, key, resource_id, is_unique",
        "workspaces": "seats_used, membership_seq, audit_seq, events_seq"}


class Equivalence(ApiCase):
    def rows(self, door, plain):
        got = {}
        for table, columns in ROWS.items():
            found = self.stack.sql("SELECT %s FROM %s WHERE workspace_id=%%s ORDER BY 1, 2, 3" % (columns, table),
                                   door.ws.id)
            # (ids are made in one order at both doors, so that the rows' order is the same)
            got[table] = [plain.of(json.loads(json.dumps(row, default=str))) for row in found]
        return got

    def records(self, door, plain):
        membership = [plain.of(e) for e in self.followers.events(door.ws.id)]
        changes = [plain.of(c) for c in self.followers.changes(door.ws.id)
                   if c["action"] not in ("key.created", "workspace.created")]
        return membership, changes

    def test_step_by_step(self):
        doors = [Scim(self, "scim-door"), Api(self, "api-door")]
        plains = [Plain(), Plain()]
        for number, step in enumerate(STEPS):
            for door in doors:
                step(door)
            rows = [self.rows(d, p) for d, p in zip(doors, plains)]
            for table in ROWS:
                self.assertEqual(rows[0][table], rows[1][table], "after step %d: %s" % (number, table))
        streams = [self.records(d, p) for d, p in zip(doors, plains)]
        for kind, a, b in zip(("membership", "changes"), streams[0], streams[1]):
            self.assertGreater(len(a), 10)
            for i, (x, y) in enumerate(zip(a, b)):
                self.assertEqual(x, y, "%s record %d" % (kind, i))
            self.assertEqual(len(a), len(b))
        tokens = [self.claims(d, p) for d, p in zip(doors, plains)]
        self.assertGreater(len(tokens[0]), 10)
        for i, (x, y) in enumerate(zip(tokens[0], tokens[1])):
            self.assertEqual(x, y, "event %d" % i)
        self.assertEqual(len(tokens[0]), len(tokens[1]))

    def test_a_thousand_changes_through_three_doors(self):
        """Group.members, /GroupMemberships and the Management API: the same rows, and the same streams (GM09)."""
        rooms, users = ["Room %d" % i for i in range(6)], ["user%d" % i for i in range(20)]
        doors = [Scim(self, "by-members"), Membership(self, "by-memberships"), Api(self, "by-api")]
        changes = list(random_changes(20261130, 1000, rooms, users))
        self.assertGreater(min(sum(c[0] == kind for c in changes) for kind in ("add", "remove", "activate")), 50)

        def go(door):
            for name in users:
                door.create_user(userName=name)
            for name in rooms:
                door.create_room(name, [])
            for what, *given in changes:
                getattr(door, what)(*given)
        with concurrent.futures.ThreadPoolExecutor(len(doors)) as pool:
            for done in [pool.submit(go, door) for door in doors]:
                done.result()
        plains = [Plain() for _ in doors]
        rows = [self.rows(d, p) for d, p in zip(doors, plains)]
        for table in ROWS:
            self.assertEqual(rows[0][table], rows[1][table], table)
            self.assertEqual(rows[0][table], rows[2][table], table)
        streams = [self.records(d, p) for d, p in zip(doors, plains)]
        tokens = [self.claims(d, p) for d, p in zip(doors, plains)]
        for number in (1, 2):
            for kind, a, b in zip(("membership", "changes"), streams[0], streams[number]):
                self.assertGreater(len(a), 500)
                self.assertEqual([x for x, y in zip(a, b) if x != y][:3], [], kind)
                self.assertEqual(len(a), len(b))
            self.assertEqual(tokens[0], tokens[number])

    def claims(self, door, plain):
        return [plain.of(r.value) for r in self.followers.tokens(door.ws.id)]

    def test_who_and_why(self):
        """What does differ: the reason, and whose the account is."""
        scim, api = Scim(self, "why-scim"), Api(self, "why-api")
        for d in (scim, api):
            d.create_user(userName="u")
            d.create_room("r", ["u"])
        self.assertEqual([{e["reason"] for e in self.followers.events(d.ws.id)} for d in (scim, api)],
                         [{"scim"}, {"api"}])
        self.assertEqual([self.stack.sql("SELECT managed FROM users WHERE workspace_id=%s", d.ws.id)
                          for d in (scim, api)], [[(True,)], [(False,)]])
