"""An operator's schemas change: usherctl schema check and reindex, programs started with other files; what is no
longer defined is kept and not shown. On a stack of its own."""

import json
import os
import shutil
import tempfile
import urllib.parse

import stack as stacks
from case import Case
from scimhttp import USER

GOOD = os.path.join(stacks.ROOT, "tests", "cases", "schemas", "good")
DEVICE = "urn:example:params:scim:schemas:2.0:Device"
BADGE = "urn:example:params:scim:schemas:extension:badge:2.0:User"
own = {}


def setUpModule():
    own["folder"] = tempfile.mkdtemp(prefix="usher-schemas-")
    own["stack"] = stacks.temporary(os.environ.get("KAFKA", "embedded"), os.environ.get("FLAVOUR", "asan"),
                                    "usher-schemas", SCHEMA_DIR=GOOD, WORKER_ARGS=stacks.APPLY_ALONE)
    own["stack"].start()


def tearDownModule():
    code, text = own["stack"].stop()
    stacks.remove(own["stack"])
    shutil.rmtree(own["folder"])
    assert code == 0, text


class SchemaChange(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = own["stack"]
        cls.ws = cls.stack.workspace("schemachange")
        cls.http = cls.ws.client

    def found(self, path, filter):
        return [r["id"] for r in self.expect(self.http.get(path + "?" + urllib.parse.urlencode({"filter": filter})),
                                             200).json["Resources"]]

    def change(self, edit):
        """Another folder: device.json as `edit` leaves it, and no extension of users."""
        with open(os.path.join(GOOD, "device.json")) as f:
            items = json.load(f)
        schema = next(i for i in items if i.get("id") == DEVICE)
        edit({a["name"]: a for a in schema["attributes"]})
        with open(os.path.join(own["folder"], "device.json"), "w") as f:
            json.dump(items, f)
        return own["folder"]

    def test_1_check(self):
        """D7: the types that there would be, or what is wrong, with file and attribute."""
        types = {t["name"]: t for t in self.stack.ctl("schema", "check", GOOD)["types"]}
        self.assertEqual(set(types), {"User", "Group", "Device", "Site"})
        self.assertEqual(types["Device"]["endpoint"], "/Devices")
        self.assertIn(BADGE, types["User"]["extensions"])
        wrong = os.path.join(own["folder"], "wrong")
        os.mkdir(wrong)
        with open(os.path.join(wrong, "x.json"), "w") as f:
            json.dump([{"id": "urn:example:X", "name": "X", "attributes": [{"name": "a", "type": "text"}]}], f)
        with self.assertRaises(stacks.ToolError) as refused:
            self.stack.ctl("schema", "check", wrong)
        self.assertIn("x.json: a: 'type' cannot be", refused.exception.err)
        shutil.rmtree(wrong)

    def test_2_change(self):
        """D8 S8 X3: looked up, unique, exact and secret by the new tables, also what was written by the old ones."""
        devices = [self.expect(self.http.post("/Devices", {"schemas": [DEVICE], "deviceName": "Radio",
                                                           "serial": "S-%d" % i, "assetTag": "Tag-%d" % i,
                                                           "remark": "hidden-%d" % i, "pin": "pin-%d" % i}), 201).json
                   for i in range(2)]
        user = self.expect(self.http.post("/Users", {"schemas": [USER, BADGE], "userName": "badge@x.example",
                                                     BADGE: {"badgeNumber": "B-1", "clearance": 3,
                                                             "pin": "secret-pin"}}), 201).json
        self.assertEqual(self.found("/Devices", 'assetTag eq "TAG-1"'), [devices[1]["id"]])
        self.assertEqual(self.found("/Users", '%s:badgeNumber eq "B-1"' % BADGE), [user["id"]])
        same = self.stack.ctl("schema", "reindex", GOOD)["reindex"]
        self.assertEqual((same["changed"], same["twice"], same["unknown"]), (0, 0, 0))
        self.assertGreaterEqual(same["documents"], 3)

        def edit(attrs):
            attrs["assetTag"]["caseExact"] = True
            attrs["deviceName"]["uniqueness"] = "server"
            attrs["remark"]["returned"] = "never"

        folder = self.change(edit)
        code, text = self.stack.stop()
        self.assertEqual(code, 0, text)
        self.stack.settings["SCHEMA_DIR"] = folder
        self.stack.start()
        self.ws.client = type(self).http = self.ws.open()
        told = self.stack.ctl("schema", "reindex", folder)["reindex"]
        self.assertEqual((told["changed"] >= 3, told["twice"], told["unknown"]), (True, 1, 0))

        self.assertEqual(self.found("/Devices", 'assetTag eq "TAG-1"'), [])
        self.assertEqual(self.found("/Devices", 'assetTag eq "Tag-1"'), [devices[1]["id"]])
        self.assertEqual(sorted(self.found("/Devices", 'deviceName eq "radio"')), sorted(d["id"] for d in devices))
        self.expect(self.http.post("/Devices", {"schemas": [DEVICE], "deviceName": "RADIO", "serial": "S-9"}), 409,
                    "uniqueness")
        self.expect(self.http.get("/Devices?filter=remark%20pr"), 400, "invalidFilter")
        self.assertNotIn("remark", self.expect(self.http.get("/Devices/" + devices[0]["id"] + "?attributes=remark"),
                                               200).json)
        rows = self.stack.sql("SELECT search::text FROM resources UNION ALL SELECT search::text FROM users")
        self.assertFalse([r for r, in rows if "hidden-" in r or "secret-pin" in r or "pin-" in r])

        # The extension is not defined any more: kept, and not shown, whatever is done beside it.
        got = self.expect(self.http.get("/Users/" + user["id"]), 200)
        self.assertEqual(got.json["userName"], "badge@x.example")
        self.assertNotIn(b"secret-pin", got.body)
        self.assertNotIn(b"B-1", got.body)
        self.expect(self.http.get("/Users?" + urllib.parse.urlencode({"filter": '%s:badgeNumber eq "B-1"' % BADGE})),
                    400, "invalidFilter")
        changed = self.expect(self.http.patch("/Users/" + user["id"],
                                              {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                                                       "Operations": [{"op": "add", "path": "title",
                                                                                       "value": "T"}]}), 200)
        self.assertNotIn(b"secret-pin", changed.body)
        self.assertIn("secret-pin", self.stack.sql("SELECT doc::text FROM users WHERE id = %s", user["id"])[0][0])
        self.expect(self.http.get("/Sites"), 404)
