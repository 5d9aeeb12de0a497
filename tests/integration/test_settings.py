"""The settings of a workspace, each through both doors: usherctl and the admin API; and what those do that have no
suite of their own."""

import os

import doors
from case import Case
from doors import change
from scimhttp import ENTERPRISE, USER
from stack import ToolError
from waiting import run

# name: flag, what a new workspace has, another value, what is refused
SETTINGS = {
    "seats": ("seats", None, 7, (-1, "many", 1.5)),
    "rate": ("rate", 100000, 50000, (0, None, "x")),  # (the tests' workspaces have a higher one)
    "seatMode": ("seat-mode", "on_provision", "on_first_login", ("never", 1)),
    "defaultRole": ("default-role", "viewer", "editor", ("king", None)),
    "defaultTransmit": ("default-transmit", True, False, ("maybe", 1)),
    "requireEmail": ("require-email", False, True, ("x", None)),
    "linkByEmail": ("link-by-email", False, True, ("x", 0)),
    "restoreRooms": ("restore-rooms", True, False, ("x",)),
    "uniqueRooms": ("unique-rooms", True, False, ("x",)),
    "requireSso": ("require-sso", False, True, ("x",)),
    "ssoReady": ("sso-ready", False, True, ("x",)),
    "managedLock": ("managed-lock", False, True, ("x",)),
    "strictness": ("strictness", "standard", "strict", ("lax", True)),
    "passwords": ("passwords", True, False, ("x", None)),
    "events": ("events", "notice", "full", ("loud",)),
    "guardMode": ("guard-mode", "off", "hold", ("on",)),
    "guardShare": ("guard-share", 20, 35, (0, 101, "x")),
    "guardWindow": ("guard-window", 3600, 600, (59, 604801)),
    "guardMin": ("guard-min", 10, 0, (-1, "x")),
    "auditDays": ("audit-days", 365, 30, (0, 36501, None, "x")),
}


def as_text(value):
    return {None: "none", True: "true", False: "false"}.get(value, str(value)) if not isinstance(
        value, int) or isinstance(value, bool) else str(value)


class Files(Case):
    def test_the_samples_are_accepted(self):
        """ops/*.conf: every setting of a program with its default (make check holds them against the tables)."""
        ops = os.path.join(os.path.dirname(__file__), "..", "..", "ops")
        for program in ("usher-ingest", "usher-worker", "usherctl", "usher-broker"):
            with self.subTest(program):
                command = [os.path.join(self.stack.env["USHER_BIN"], program), "--check-config",
                           "--config", os.path.join(ops, program + ".conf")]
                done = run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
                self.assertEqual((done.returncode, done.stdout), (0, "ok\n"), done.stderr)


class Doors(Case):
    def setUp(self):
        self.place = self.stack.workspace("settings")
        self.admin = doors.admin(self.place)

    def tearDown(self):
        self.admin.close()
        self.place.client.close()

    def by_tool(self):
        return next(w for w in self.stack.ctl("workspace", "list")["workspaces"] if w["id"] == self.place.id)

    def by_api(self):
        return self.expect(self.admin.get("/workspace"), 200).json

    def test_none_is_forgotten(self):
        shown = set(self.by_tool()) - {"id", "name", "seatsUsed", "created"}
        self.assertEqual(shown, set(SETTINGS))
        self.assertLessEqual(shown, set(self.by_api()))

    def test_each_through_both(self):
        for name, (flag, initial, other, _) in SETTINGS.items():
            with self.subTest(name):
                self.assertEqual((self.by_tool()[name], self.by_api()[name]), (initial, initial))
                self.assertEqual(self.place.set(**{flag.replace("-", "_"): as_text(other)})["workspace"][name], other)
                self.assertEqual((self.by_tool()[name], self.by_api()[name]), (other, other))
                self.assertEqual(self.expect(self.admin.patch("/workspace", {name: initial}), 200).json[name], initial)
                self.assertEqual((self.by_tool()[name], self.by_api()[name]), (initial, initial))
        changes = [v for v in self.followers.changes(self.place.id) if v["action"] == "settings.changed"]
        self.assertEqual([(c["path"], c["from"], c["to"]) for v in changes for c in v["changes"]],
                         [step for name, (_, initial, other, _) in SETTINGS.items()
                          for step in ((name, initial, other), (name, other, initial))])
        self.assertEqual([v["actor"]["kind"] for v in changes], ["operator", "owner"] * len(SETTINGS))

    def test_what_is_refused_changes_nothing(self):
        before = self.by_tool()
        for name, (flag, _, other, bad) in SETTINGS.items():
            for value in bad:
                with self.subTest(name, value=value):
                    if not (value is None and name == "seats"):
                        with self.assertRaises(ToolError):
                            self.place.set(**{flag.replace("-", "_"): as_text(value)})
                    answer = self.admin.patch("/workspace", {"uniqueRooms": False, name: value})
                    self.assertEqual(answer.status, 400, answer)
        self.assertEqual(self.admin.patch("/workspace", {"unheardOf": 1}).status, 400)
        self.assertEqual(self.by_tool(), before)

    def test_name(self):
        other = self.stack.workspace("taken")
        for give in (lambda n: self.place.set(name=n), lambda n: self.admin_name(n)):
            with self.assertRaises((ToolError, AssertionError)):
                give(other.name)
        self.assertEqual(self.place.set(name=self.place.name + " new")["workspace"]["name"], self.place.name + " new")
        self.assertEqual(self.admin_name(self.place.name), self.place.name)

    def admin_name(self, name):
        answer = self.admin.patch("/workspace", {"name": name})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["name"]


class Effects(Case):
    """Each under a workspace of its own, switched by the one door and switched back by the other."""

    def place(self, **flags):
        ws = self.stack.workspace("effect", **flags)
        owner = doors.admin(ws)
        self.addCleanup(owner.close)
        self.addCleanup(ws.client.close)
        return ws, owner

    def test_user_name_must_be_an_address(self):
        ws, owner = self.place(require_email="true")
        api = doors.api(ws)
        for bad in ("plain", "a b@x.example", "@x.example", "a@b@c"):
            self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": bad}), 400, "invalidValue")
            self.assertEqual(api.post("/users", {"userName": bad}).status, 400)
        made = self.user("a@x.example", ws.client)
        self.expect(ws.client.patch("/Users/" + made["id"], change(("replace", "userName", "b"))), 400, "invalidValue")
        self.expect(ws.client.put("/Users/" + made["id"], {"schemas": [USER], "userName": "b"}), 400, "invalidValue")
        self.assertEqual(ws.counts()["users"], 1)
        self.assertEqual(owner.patch("/workspace", {"requireEmail": False}).status, 200)
        self.user("plain", ws.client)
        ws.set(require_email="true")  # who is there stays, and may be changed otherwise
        plain = ws.client.find("/Users", 'userName eq "plain"').json["Resources"][0]
        self.expect(ws.client.patch("/Users/" + plain["id"], change(("replace", "title", "T"))), 200)

    def test_rooms_come_back_or_not(self):
        ws, owner = self.place()
        uid = self.user("a", ws.client)["id"]
        rid = self.room("R", [uid], ws.client)["id"]
        for restore in (True, False):
            self.assertEqual(owner.patch("/workspace", {"restoreRooms": restore}).status, 200)
            for active in (False, True):
                self.expect(ws.client.patch("/Users/" + uid, change(("replace", "active", active))), 200)
            self.assertEqual(self.members(rid, ws.client), {uid} if restore else set())

    def test_room_names(self):
        ws, owner = self.place()
        api = doors.api(ws)
        self.room("Same", client=ws.client)
        self.expect(ws.client.post("/Groups", {"displayName": "SAME"}), 409, "uniqueness")
        self.assertEqual(api.post("/rooms", {"displayName": "same"}).status, 409)
        self.assertEqual(owner.patch("/workspace", {"uniqueRooms": False}).status, 200)
        self.room("Same", client=ws.client)
        self.assertEqual(api.post("/rooms", {"displayName": "same"}).status, 201)

    def test_scim_waits_for_single_sign_on(self):
        ws, owner = self.place(require_sso="true")
        api = doors.api(ws)
        for path in ("/Users", "/Groups"):
            self.assertIn("single sign-on", self.expect(ws.client.get(path), 403).json["detail"].lower())
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "a"}), 403)
        self.assertEqual(api.post("/users", {"userName": "by-api"}).status, 201)
        self.assertEqual(owner.patch("/workspace", {"ssoReady": True}).status, 200)
        self.user("a", ws.client)
        ws.set(sso_ready="false")
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "b"}), 403)
        ws.set(require_sso="false")
        self.user("b", ws.client)

    def test_strict(self):
        ws, owner = self.place(strictness="strict")
        for body in ({"userName": "x", "shoeSize": 9}, {"userName": "x", "name": {"nick": "n"}},
                     {"userName": "x", ENTERPRISE: {"floor": 1}}):
            self.expect(ws.client.post("/Users", {"schemas": [USER], **body}), 400, "invalidSyntax")
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "x", "active": "True"}), 400,
                    "invalidValue")
        made = self.user("x", ws.client)
        place = "/Users/" + made["id"]
        self.expect(ws.client.put(place, {"schemas": [USER], "userName": "x", "shoeSize": 9}), 400, "invalidSyntax")
        self.expect(ws.client.patch(place, change(("replace", None, {"title": "T"}))), 400, "invalidPath")
        self.expect(ws.client.patch(place, change(("replace", "active", "False"))), 400, "invalidValue")
        self.assertEqual(self.expect(ws.client.get(place), 200).json, made)
        self.assertEqual(owner.patch("/workspace", {"strictness": "standard"}).status, 200)
        self.expect(ws.client.put(place, {"schemas": [USER], "userName": "x", "shoeSize": 9}), 200)
        self.expect(ws.client.patch(place, change(("replace", None, {"title": "T"}))), 200)
        self.assertIs(self.expect(ws.client.patch(place, change(("replace", "active", "False"))),
                                  200).json["active"], False)

    def test_transmit_of_new_members(self):
        """Who is in already keeps what he has; SCIM does not overwrite it."""
        ws, owner = self.place()
        api = doors.api(ws)
        a, b, c = (self.user(n, ws.client)["id"] for n in "abc")
        rid = self.room("R", [a], ws.client)["id"]
        self.assertEqual(owner.patch("/workspace", {"defaultTransmit": False}).status, 200)
        self.expect(ws.client.patch("/Groups/" + rid, change(("add", "members", [{"value": b}]))), 204)
        self.assertIn(api.request("PUT", "/rooms/%s/members/%s" % (rid, c), {"transmit": True}).status, (200, 201))
        self.expect(ws.client.patch("/Groups/" + rid, change(("add", "members", [{"value": a}, {"value": c}]))), 204)
        self.assertIn(api.request("PUT", "/rooms/%s/members/%s" % (rid, b), {}).status, (200, 201))
        self.assertEqual({m["user"]: m["transmit"] for m in api.get("/rooms/%s/members" % rid).json["items"]},
                         {a: True, b: False, c: True})
        self.assertIn(api.request("PUT", "/rooms/%s/members/%s" % (rid, a), {"transmit": False}).status, (200, 201))
        events = [(e["type"], e["user"]["id"], e["transmit"], e["reason"]) for e in self.followers.events(ws.id)
                  if "user" in e]
        self.assertEqual(events, [("usher.member.added", a, True, "scim"), ("usher.member.added", b, False, "scim"),
                                  ("usher.member.added", c, True, "api"),
                                  ("usher.member.transmit_changed", a, False, "api")])
