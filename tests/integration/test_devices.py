"""Devices of RFC 9944, an operator's own resource types out of ops/rfc9944, end to end. On a stack of its own."""

import os
import urllib.parse

import case
import stack as stacks
from case import Case
from scimhttp import patch_op

SCHEMAS = os.path.join(stacks.ROOT, "ops", "rfc9944")
CORE, EXT = "urn:ietf:params:scim:schemas:core:2.0:", "urn:ietf:params:scim:schemas:extension:%s:2.0:Device"
BLE, DPP, MAB, FDO, ZIGBEE, APPS = (EXT % name for name in ("ble", "dpp", "ethernet-mab", "fido-device-onboard",
                                                             "zigbee", "endpointAppsExt"))
# What each kind of device carries, and which of it nobody is shown.
KINDS = {
    BLE: ({"versionSupport": ["5.3"], "deviceMacAddress": "2C:54:91:88:C9:E2", "isRandom": False, "irk": "c2VjcmV0",
           "pairingMethods": ["urn:ietf:params:scim:schemas:extension:pairingNull:2.0:Device"]}, "irk"),
    DPP: ({"dppVersion": 2, "bootstrappingMethod": ["QR"], "bootstrapKey": "MDkwEwYHKoZIzj0=",
           "deviceMacAddress": "2C:54:91:88:C9:F2", "classChannel": ["81/1", "115/36"], "serialNumber": "4774LH2b4044"},
          "bootstrapKey"),
    MAB: ({"deviceMacAddress": "2C:54:91:88:C9:E3"}, None),
    FDO: ({"fdoVoucher": "eyJ2b3VjaGVyIjoxfQ=="}, "fdoVoucher"),
    ZIGBEE: ({"versionSupport": ["3.0"], "deviceEui64Address": "50:32:5F:FF:FE:E7:67:28"}, None),
}


class Devices(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-devices",
                                     SCHEMA_DIR=SCHEMAS, WORKER_ARGS=stacks.APPLY_ALONE)
        cls.stack.start()
        cls.followers = case.Followers(cls.stack)
        cls.ws = cls.stack.workspace("devices")
        cls.http = cls.ws.client

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        cls.followers.close()
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    def make(self, kind, more=None, **changes):
        body = {"schemas": [CORE + "Device", kind], "displayName": "A device", "active": True,
                "mudUrl": "https://example.com/lightbulbs/colour/v1", kind: {**KINDS[kind][0], **changes}}
        return self.expect(self.http.post("/Devices", {**body, **(more or {})}), 201).json

    def found(self, path, text):
        answer = self.http.get(path + "?" + urllib.parse.urlencode({"filter": text}))
        return [r["id"] for r in self.expect(answer, 200).json.get("Resources", [])]

    def test_announced(self):
        kind = self.expect(self.http.get("/ResourceTypes/Device"), 200).json
        self.assertEqual((kind["endpoint"], kind["schema"]), ("/Devices", CORE + "Device"))
        self.assertEqual({e["schema"] for e in kind["schemaExtensions"]}, {*KINDS, APPS})
        for urn in (CORE + "Device", CORE + "EndpointApp", *KINDS, APPS):
            self.expect(self.http.get("/Schemas/" + urn), 200)

    def test_each_kind(self):
        """Created, read, looked up, changed, deleted; its secret is in no answer and in no record."""
        for number, (kind, (data, secret)) in enumerate(KINDS.items()):
            with self.subTest(kind):
                made = self.make(kind)
                shown = {k: v for k, v in data.items() if k != secret}
                self.assertEqual(made.get(kind), shown or None)
                self.assertEqual(self.expect(self.http.get("/Devices/" + made["id"]), 200).json, made)
                for name in ("deviceMacAddress", "deviceEui64Address"):
                    if name in data:
                        self.assertEqual(self.found("/Devices", '%s:%s eq "%s"' % (kind, name, data[name].lower())),
                                         [made["id"]])
                        again = {"schemas": [CORE + "Device", kind], "active": True, kind: {**data, name: data[name]}}
                        self.expect(self.http.post("/Devices", again), 409, "uniqueness")
                off = patch_op({"op": "replace", "path": "active", "value": False})
                self.assertFalse(self.expect(self.http.patch("/Devices/" + made["id"], off), 200).json["active"])
                self.assertIn(made["id"], self.found("/Devices", "active eq false"))
                if secret is not None:
                    self.expect(self.http.get("/Devices?" + urllib.parse.urlencode(
                        {"filter": '%s:%s eq "x"' % (kind, secret)})), 400, "invalidFilter")
                self.expect(self.http.delete("/Devices/" + made["id"]), 204)
                self.expect(self.http.get("/Devices/" + made["id"]), 404)
        records = repr(self.followers.changes(self.ws.id)) + repr([t.value for t in self.followers.tokens(self.ws.id)])
        for data, secret in KINDS.values():
            if secret is not None:
                self.assertNotIn(data[secret], records)

    def test_required(self):
        for kind, (data, _) in KINDS.items():
            for name in [n for n in data if n not in ("isRandom", "irk", "bootstrappingMethod", "classChannel",
                                                      "serialNumber") and (kind != DPP or n != "deviceMacAddress")]:
                with self.subTest("%s without %s" % (kind, name)):
                    left = {k: v for k, v in data.items() if k != name} or {"x": 1}
                    body = {"schemas": [CORE + "Device", kind], "active": True, kind: {**left, "isRandom": True}}
                    if left != {"x": 1}:
                        self.expect(self.http.post("/Devices", body), 400, "invalidValue")
        self.expect(self.http.post("/Devices", {"schemas": [CORE + "Device"], "displayName": "no active"}), 400,
                    "invalidValue")

    def test_applications(self):
        """An EndpointApp and the device that it may use, in one Bulk; the type of an application is not changed."""
        ops = [{"method": "POST", "path": "/Devices", "bulkId": "d", "data": {
                    "schemas": [CORE + "Device", ZIGBEE, APPS], "displayName": "Monitor", "active": True,
                    ZIGBEE: {"versionSupport": ["3.0"], "deviceEui64Address": "50:32:5F:FF:FE:E7:67:29"},
                    APPS: {"applications": [{"value": "bulkId:a"}],
                           "telemetryEnterpriseEndpoint": "https://example.com/telemetry"}}},
               {"method": "POST", "path": "/EndpointApps", "bulkId": "a", "data": {
                    "schemas": [CORE + "EndpointApp"], "applicationType": "telemetry", "applicationName": "Hears",
                    "certificateInfo": {"rootCA": "MIIB", "subjectName": "hears.example.com"}, "clientToken": "mine"}}]
        done = self.expect(self.http.post("/Bulk", {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": ops}), 200).json["Operations"]
        self.assertEqual([o["status"] for o in done], ["201", "201"])
        device, app = (self.http.get(o["location"][len(self.stack.url + "/scim/v2"):]).json for o in done)
        self.assertEqual(device[APPS]["applications"], [{"value": app["id"]}])
        self.assertNotIn("clientToken", app)
        self.assertEqual(self.found("/Devices", '%s:applications.value eq "%s"' % (APPS, app["id"])), [device["id"]])
        other = patch_op({"op": "replace", "path": "applicationType", "value": "deviceControl"})
        self.expect(self.http.patch("/EndpointApps/" + app["id"], other), 400, "mutability")
        self.assertEqual(sorted(c["action"] for c in self.followers.changes(self.ws.id)
                                if c["target"].get("id") in (device["id"], app["id"])),
                         ["command.refused"] + ["resource.created"] * 2)
