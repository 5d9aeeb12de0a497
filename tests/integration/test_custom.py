"""Resource types and extensions of an operator's own, end to end: stored, filtered, patched, audited like any other;
unique values and preconditions under concurrency, for all types. On a stack of its own, which reads
tests/cases/schemas/good."""

import os
import signal
import threading

import case
import stack as stacks
import stream
from case import Case
from scimhttp import GROUP, USER, in_flight, patch_op

SCHEMAS = os.path.join(stacks.ROOT, "tests", "cases", "schemas", "good")
DEVICE = "urn:example:params:scim:schemas:2.0:Device"
LEASE = "urn:example:params:scim:schemas:extension:lease:2.0:Device"
SITE = "urn:example:params:scim:schemas:2.0:Site"
SAFETY = "urn:example:params:scim:schemas:extension:safety:2.0:Site"
BADGE = "urn:example:params:scim:schemas:extension:badge:2.0:User"
own = {}


def setUpModule():
    given = os.environ.get("CUSTOM_RUN_DIR")  # one that runs already, with these schemas
    if given:
        own["stack"] = stacks.Stack(given, os.environ.get("KAFKA", "embedded"), os.environ.get("FLAVOUR", "asan"),
                                    port=1)
        own["stack"].reload()
    else:
        own["stack"] = stacks.temporary(os.environ.get("KAFKA", "embedded"), os.environ.get("FLAVOUR", "asan"),
                                        "usher-custom", SCHEMA_DIR=SCHEMAS, WORKER_ARGS=stacks.APPLY_ALONE)
        own["stack"].start()
    own["followers"] = case.Followers(own["stack"])


def tearDownModule():
    own["followers"].close()
    if os.environ.get("CUSTOM_RUN_DIR"):
        own["stack"].forget()
        return
    code, text = own["stack"].stop()
    stacks.remove(own["stack"])
    assert code == 0, text


class Custom(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack, cls.followers = own["stack"], own["followers"]
        cls.ws = cls.stack.workspace(cls.__name__.lower())
        cls.http = cls.ws.client
        cls.made = 0

    def serial(self):
        type(self).made += 1
        return "S-%s-%d" % (type(self).__name__, self.made)

    def device(self, **more):
        body = {"schemas": [DEVICE], "deviceName": "Radio", "serial": self.serial(), **more}
        return self.expect(self.http.post("/Devices", body), 201).json

    def keys(self, *resources, path=None):
        """What resource_keys has of these resources: (type, path, key, id, unique?)."""
        rows = self.stack.sql(
            "SELECT type, path, key, resource_id::text, is_unique FROM resource_keys WHERE workspace_id = %s",
            self.ws.id)
        return {r for r in rows if path in (None, r[1]) and r[3] in {made["id"] for made in resources}}

    def holders(self, path, key):
        return [r
                for r, in self.stack.sql(
                    "SELECT resource_id::text FROM resource_keys WHERE workspace_id = %s AND path = %s AND key = %s",
                    self.ws.id, path, key)]

    def held(self, jobs):
        """Sends jobs (functions of a client) while the worker stands still, so that one batch has them all. Each is
        sent when the command of the one before stands in the log, so they are in this order."""
        answers = [None] * len(jobs)

        def send(i):
            own_client = self.http.again()
            answers[i] = jobs[i](own_client)
            own_client.close()

        threads = [threading.Thread(target=send, args=(i,)) for i in range(len(jobs))]
        commands = stream.Follower(self.stack.kafka, stream.COMMANDS)
        self.stack.signal("WORKER", signal.SIGSTOP)
        try:
            commands.read_to(stream.end_offsets(self.stack.kafka, stream.COMMANDS))
            known = len(commands.snapshot(self.ws.id))
            for n, t in enumerate(threads, 1):
                t.start()
                commands.wait(lambda rs, due=known + n: len(rs) >= due, "command %d" % n, self.ws.id)
        finally:
            self.stack.signal("WORKER", signal.SIGCONT)
            commands.close()
        for t in threads:
            t.join()
        return answers


class Life(Custom):
    def test_from_creation_to_deletion(self):
        body = {"schemas": [DEVICE, LEASE], "externalId": "ext-1", "deviceName": "Radio 7", "serial": "Life-1",
                "assetTag": "Tag-Ä", "weight": 1.5, "channels": 16,
                "online": True, "bought": "2026-01-02T03:04:05Z", "certificate": "aGVsbG8=", "tags": ["a", "b"],
                "place": {"site": "North", "floor": 3},
                "interfaces": [{"value": "aa:bb", "type": "lan", "primary": True}], LEASE: {"contract": "C-1"}}
        answer = self.expect(self.http.post("/Devices", body), 201)
        made = answer.json
        self.assertEqual(answer.headers["location"], "%s/scim/v2/Devices/%s" % (self.stack.url, made["id"]))
        self.assertEqual(answer.headers["etag"], made["meta"]["version"])
        self.assertEqual((made["meta"]["resourceType"], made["meta"]["location"]),
                         ("Device", answer.headers["location"]))
        self.assertEqual({k: v for k, v in made.items() if k not in ("id", "meta", "schemas")},
                         {k: v for k, v in body.items() if k != "schemas"})
        self.assertEqual(set(made["schemas"]), {DEVICE, LEASE})
        self.assertEqual(self.expect(self.http.get("/Devices/" + made["id"]), 200).json, made)

        patched = self.expect(self.http.patch("/Devices/" + made["id"], patch_op(
            {"op": "replace", "path": "place.floor", "value": 4}, {"op": "add", "path": "tags", "value": ["c"]},
            {"op": "remove", "path": 'interfaces[type eq "lan"]'},
            {"op": "replace", "path": LEASE + ":contract", "value": "C-2"})), 200).json
        self.assertEqual((patched["place"]["floor"], set(patched["tags"]), patched[LEASE]["contract"]),
                         (4, {"a", "b", "c"}, "C-2"))
        self.assertNotIn("interfaces", patched)
        self.assertNotEqual(patched["meta"]["version"], made["meta"]["version"])

        put = self.expect(self.http.put("/Devices/" + made["id"],
                                        {"schemas": [DEVICE], "deviceName": "Radio 8", "serial": "Life-1"}), 200).json
        self.assertEqual((put["deviceName"], put["meta"]["created"]), ("Radio 8", made["meta"]["created"]))
        self.assertFalse({"tags", "place", "assetTag", LEASE} & set(put))
        for query, hits in (('serial eq "Life-1"', 1), ('serial eq "life-1"', 0), ('deviceName eq "RADIO 8"', 1),
                            ('assetTag eq "tag-ä"', 0)):
            self.assertEqual(self.expect(self.http.find("/Devices", query), 200).json["totalResults"], hits, query)

        self.expect(self.http.delete("/Devices/" + made["id"]), 204)
        self.expect(self.http.get("/Devices/" + made["id"]), 404)
        self.expect(self.http.patch("/Devices/" + made["id"],
                                    patch_op({"op": "add", "path": "tags", "value": ["x"]})), 404)
        self.expect(self.http.put("/Devices/" + made["id"],
                                  {"schemas": [DEVICE], "deviceName": "x", "serial": "Life-1"}), 404)
        self.expect(self.http.delete("/Devices/" + made["id"]), 404)
        self.assertEqual(self.keys(made), set())
        self.device(serial="Life-1")  # free again

        changes = [c for c in self.followers.changes(self.ws.id) if (c["target"] or {}).get("id") == made["id"]]
        self.assertEqual([c["action"] for c in changes if c["outcome"] == "applied"],
                         ["resource.created", "resource.updated", "resource.updated", "resource.deleted"])
        self.assertEqual({c["target"]["type"] for c in changes}, {"Device"})
        self.assertIn({"path": "place.floor", "op": "replace", "from": 3, "to": 4}, changes[1]["changes"])

    def test_nothing_changed_leaves_version_and_time(self):
        """P8: a PATCH and a PUT that change nothing leave lastModified, version and the streams alone."""
        made = self.device(tags=["a"], weight=2.5)
        before = self.ws.counts()
        body = {"schemas": [DEVICE], "deviceName": "Radio", "serial": made["serial"], "tags": ["a"], "weight": 2.5}
        self.assertEqual(self.expect(self.http.put("/Devices/" + made["id"], body), 200).json, made)
        self.assertEqual(self.expect(self.http.patch("/Devices/" + made["id"],
                                                     patch_op({"op": "replace", "path": "weight", "value": 2.5},
                                                                                         {"op": "add", "path": "tags", "value": ["a"]})), 200).json, made)
        self.assertEqual(self.ws.counts(), before)

    def test_secrets_are_kept_and_never_told(self):
        """returned never and writeOnly: stored, in no answer, no audit record; still a change."""
        made = self.device(pin="8765-secret", puk="puk-secret")
        put = self.expect(self.http.patch("/Devices/" + made["id"],
                                          patch_op({"op": "replace", "path": "pin", "value": "4321-secret"})), 200).json
        self.assertNotEqual(put["meta"]["version"], made["meta"]["version"])
        for answer in (made, put, self.http.get("/Devices/" + made["id"]).json,
                       self.http.get("/Devices/%s?attributes=pin,puk,serial" % made["id"]).json):
            self.assertNotIn("secret", repr(answer))
        self.assertEqual(self.stack.sql("SELECT doc->>'pin', doc->>'puk' FROM resources WHERE id = %s", made["id"]),
                         [("4321-secret", "puk-secret")])
        self.assertNotIn("secret", repr(self.followers.changes(self.ws.id)))

    def test_what_is_immutable_stays(self):
        made = self.device(origin={"maker": "M", "year": 1999})
        other = {"schemas": [DEVICE], "deviceName": "Radio", "serial": "another",
                 "origin": {"maker": "M", "year": 1999}}
        self.expect(self.http.put("/Devices/" + made["id"], other), 400, "mutability")
        self.expect(self.http.patch("/Devices/" + made["id"],
                                    patch_op({"op": "replace", "path": "serial", "value": "another"})), 400,
                    "mutability")
        self.assertEqual(self.expect(self.http.get("/Devices/" + made["id"]), 200).json, made)

    def test_what_is_required_is_asked_for(self):
        self.expect(self.http.post("/Devices", {"schemas": [DEVICE], "deviceName": "x"}), 400, "invalidValue")
        # Its extension is required.
        self.expect(self.http.post("/Sites", {"schemas": [SITE], "title": "x"}), 400, "invalidValue")
        site = self.expect(self.http.post("/Sites", {"schemas": [SITE, SAFETY], "title": "x", SAFETY: {"officer": "y"},
                                                     "secretCode": "z"}), 201).json
        self.assertNotIn("secretCode", site)
        self.expect(self.http.patch("/Sites/" + site["id"], patch_op({"op": "remove", "path": "title"})), 400,
                    "mutability")

    def test_one_type_s_ids_are_not_another_s(self):
        device = self.device()
        user = self.user("types@custom.example")
        for path in ("/Sites/" + device["id"], "/Users/" + device["id"], "/Groups/" + device["id"],
                     "/Devices/" + user["id"]):
            self.expect(self.http.get(path), 404)
            self.expect(self.http.patch(path, patch_op({"op": "replace", "path": "externalId", "value": "x"})), 404)
            self.expect(self.http.delete(path), 404)

    def test_other_workspaces_see_nothing(self):
        made = self.device(assetTag="Shared")
        other = self.stack.workspace("custom-other").client
        self.expect(other.get("/Devices/" + made["id"]), 404)
        self.expect(other.delete("/Devices/" + made["id"]), 404)
        self.assertEqual(self.expect(other.get("/Devices"), 200).json["totalResults"], 0)
        self.expect(other.post("/Devices", {"schemas": [DEVICE], "deviceName": "x", "serial": made["serial"],
                                            "assetTag": "Shared"}), 201)

    def test_an_extension_of_users(self):
        user = self.user("badge@custom.example", **{BADGE: {"badgeNumber": "B-1", "clearance": 3, "pin": "0000",
                                                            "doors": [{"value": "east"}]}})
        self.assertEqual(user[BADGE], {"badgeNumber": "B-1", "clearance": 3, "doors": [{"value": "east"}]})
        self.assertEqual(self.expect(self.http.find("/Users", BADGE + ':badgeNumber eq "B-1"'),
                                     200).json["totalResults"], 1)
        again = self.http.post("/Users", {"schemas": [USER, BADGE], "userName": "badge2@custom.example",
                                          BADGE: {"badgeNumber": "B-1"}})
        self.expect(again, 409, "uniqueness")
        self.assertIn("badgeNumber", again.json["detail"])
        self.expect(self.http.delete("/Users/" + user["id"]), 204)
        self.assertEqual(self.keys(user), set())


class Keys(Custom):
    """resource_keys follows the documents; unique values have one holder (409 uniqueness, C3)."""

    def test_rows_follow_documents(self):
        a = self.device(assetTag="Tag-1", callSign="Alpha", aliases=["One", "Two", "one"])
        unique = {("Device", "serial", a["serial"], a["id"], True), ("Device", "assetTag", "tag-1", a["id"], True),
                  ("Device", "aliases", "one", a["id"], True), ("Device", "aliases", "two", a["id"], True)}
        self.assertEqual(self.keys(a), unique | {("Device", "callSign", "alpha", a["id"], False)})
        b = self.device(callSign="ALPHA")  # looked up, not unique
        self.assertEqual({r[3] for r in self.keys(a, b, path="callSign")}, {a["id"], b["id"]})
        self.expect(self.http.patch("/Devices/" + a["id"],
                                    patch_op({"op": "replace", "path": "aliases", "value": ["Two", "Three"]},
                                                                     {"op": "remove", "path": "assetTag"})), 200)
        self.assertEqual({r[2] for r in self.keys(a, path="aliases")}, {"two", "three"})
        self.assertEqual(self.keys(a, path="assetTag"), set())
        for made in (a, b):
            self.expect(self.http.delete("/Devices/" + made["id"]), 204)
        self.assertEqual(self.keys(a, b), set())

    def test_addresses_of_users(self):
        user = self.user("keys@custom.example", emails=[{"value": "A@x.example", "type": "work"},
                                                        {"value": "a@X.example", "type": "home"}])
        self.assertEqual({r[2:4] for r in self.keys(user)}, {("a@x.example", user["id"])})
        self.expect(self.http.patch("/Users/" + user["id"],
                                    patch_op({"op": "replace", "path": 'emails[type eq "home"].value',
                                              "value": "b@x.example"})), 200)
        self.assertEqual({r[2] for r in self.keys(user)}, {"a@x.example", "b@x.example"})
        self.expect(self.http.delete("/Users/" + user["id"]), 204)
        self.assertEqual(self.keys(user), set())

    def test_taken_values_are_refused_by_name(self):
        a, b = self.device(assetTag="T-a", aliases=["n-a", "m-a"], port=7), self.device(assetTag="T-b")
        for field, body in (("serial", {"serial": a["serial"]}), ("assetTag", {"assetTag": "t-A"}),
                            ("aliases", {"aliases": ["free", "M-A"]}), ("port", {"port": 7})):
            whole = {"schemas": [DEVICE], "deviceName": "x", "serial": self.serial(), **body}
            refused = [self.http.post("/Devices", whole)]
            if field != "serial":  # (which cannot be changed)
                refused.append(self.http.put("/Devices/" + b["id"], {**whole, "serial": b["serial"]}))
                refused.append(self.http.patch("/Devices/" + b["id"],
                                               patch_op({"op": "replace", "path": field, "value": body[field]})))
            for answer in refused:
                self.expect(answer, 409, "uniqueness")
                self.assertIn(field, answer.json["detail"])
        self.assertEqual(self.expect(self.http.get("/Devices/" + b["id"]), 200).json, b)
        # Its own.
        self.expect(self.http.patch("/Devices/" + a["id"],
                                    patch_op({"op": "replace", "path": "assetTag", "value": "T-A"})), 200)
        for made in (a, b):
            self.expect(self.http.delete("/Devices/" + made["id"]), 204)

    def test_eight_at_once_one_wins(self):
        """Races: of 8 creates with one unique value at once, one is made; side by side in the log, and in one batch."""
        for way in (lambda jobs: in_flight(8, jobs, self.http), lambda jobs: self.held(jobs)):
            tag = self.serial()
            jobs = [lambda c, i=i, tag=tag: c.post("/Devices",
                                                   {"schemas": [DEVICE], "deviceName": "x",
                                                    "serial": "%s-%d" % (tag, i), "assetTag": tag}) for i in range(8)]
            answers = way(jobs)
            self.assertEqual(sorted(a.status for a in answers), [201] + [409] * 7, answers)
            self.assertEqual({a.json.get("scimType") for a in answers if a.status == 409}, {"uniqueness"})
            self.assertEqual(self.holders("assetTag", tag.lower()), [a.json["id"] for a in answers if a.status == 201])

    def test_eight_users_with_one_name_or_badge(self):
        for body in ({"userName": "race@custom.example"}, {BADGE: {"badgeNumber": "race"}}):
            jobs = [lambda c, i=i, body=body: c.post("/Users",
                                                     {"schemas": [USER], "userName": "race-%d@custom.example" % i,
                                                      **body}) for i in range(8)]
            self.assertEqual(sorted(a.status for a in in_flight(8, jobs, self.http)), [201] + [409] * 7)

    def test_values_change_hands_within_a_batch(self):
        """Two devices swap their tags by way of a third value, and a deleted one's value is taken: all in one
        transaction."""
        a, b, c = (self.device(assetTag=t) for t in ("swap-a", "swap-b", "swap-c"))

        def retag(made, tag):
            return lambda client: client.patch("/Devices/" + made["id"],
                                               patch_op({"op": "replace", "path": "assetTag", "value": tag}))

        answers = self.held([retag(a, "swap-x"), retag(b, "swap-a"), retag(a, "swap-b"),
                             lambda client: client.delete("/Devices/" + c["id"]),
                             lambda client: client.post("/Devices", {"schemas": [DEVICE], "deviceName": "x",
                                                                     "serial": self.serial(), "assetTag": "swap-c"}),
                             retag(b, "swap-c")])
        self.assertEqual([x.status for x in answers], [200, 200, 200, 204, 201, 409], answers)
        self.assertEqual([self.holders("assetTag", "swap-" + x) for x in "abcx"],
                         [[b["id"]], [a["id"]], [answers[4].json["id"]], []])

    def test_made_and_gone_within_a_batch(self):
        tag = self.serial()
        body = {"schemas": [DEVICE], "deviceName": "x", "serial": tag, "assetTag": tag}
        made = self.device(assetTag=tag)
        path = "/Devices/" + made["id"]
        answers = self.held([lambda c: c.patch(path, patch_op({"op": "remove", "path": "assetTag"})),
                             lambda c: c.post("/Devices", body),
                             lambda c: c.delete(path), lambda c: c.post("/Devices", dict(body, serial=tag + "+"))])
        self.assertEqual([a.status for a in answers], [200, 201, 204, 409], answers)
        self.assertEqual(self.holders("assetTag", tag.lower()), [answers[1].json["id"]])


class Preconditions(Custom):
    """V2: If-Match and If-None-Match are decided where the change is decided, so that no two writers win."""

    def resources(self):
        """(path, PATCH operation of a number, PUT body of a number) of each kind."""
        user, room, device = self.user("v2-%s@custom.example" % self.serial()), self.room(
            "V2 " + self.serial()), self.device()
        return [("/Users/" + user["id"], lambda i: {"op": "replace", "path": "title", "value": "t%s" % i},
                 lambda i: {"schemas": [USER], "userName": user["userName"], "title": "p%s" % i}),
                ("/Groups/" + room["id"], lambda i: {"op": "replace", "path": "displayName",
                                                     "value": "V2 %s %s" % (room["id"], i)},
                 lambda i: {"schemas": [GROUP], "displayName": "V2 p %s %s" % (room["id"], i)}),
                ("/Devices/" + device["id"], lambda i: {"op": "replace", "path": "callSign", "value": "c%s" % i},
                 lambda i: {"schemas": [DEVICE], "deviceName": "p%s" % i, "serial": device["serial"]})]

    def version(self, path):
        return self.expect(self.http.get(path), 200).json["meta"]["version"]

    def test_of_writers_with_one_version_one_wins(self):
        for path, operation, body in self.resources():
            for way in (lambda jobs: in_flight(6, jobs, self.http), lambda jobs: self.held(jobs)):
                version = self.version(path)
                jobs = [lambda c, i=i, v=version: c.patch(path + "?attributes=id",
                                                          patch_op(operation("%s-%d" % (v, i))),
                                                          headers={"If-Match": v}) for i in range(6)]
                answers = way(jobs)
                self.assertEqual(sorted(a.status for a in answers), [200] + [412] * 5, (path, answers))
                self.assertNotEqual(self.version(path), version)

    def test_another_version_changes_nothing(self):
        for path, operation, body in self.resources():
            before, counts = self.expect(self.http.get(path), 200).json, self.ws.counts()
            for wanted in ('W/"999"', '"999"', 'W/"0", W/"998"', "nonsense"):
                for answer in (self.http.patch(path, patch_op(operation("x")), headers={"If-Match": wanted}),
                               self.http.put(path, body("x"), headers={"If-Match": wanted}),
                               self.http.delete(path, headers={"If-Match": wanted})):
                    self.expect(answer, 412)
            for unwanted in ("*", before["meta"]["version"], 'W/"77", ' + before["meta"]["version"]):
                for answer in (self.http.patch(path, patch_op(operation("x")), headers={"If-None-Match": unwanted}),
                               self.http.put(path, body("x"), headers={"If-None-Match": unwanted}),
                               self.http.delete(path, headers={"If-None-Match": unwanted})):
                    self.expect(answer, 412)
            self.assertEqual(self.expect(self.http.get(path), 200).json, before)
            after = self.ws.counts()
            self.assertEqual({k: v for k, v in after.items() if k != "audit_seq"},
                             {k: v for k, v in counts.items() if k != "audit_seq"})

    def test_the_right_version_is_taken(self):
        for path, operation, body in self.resources():
            for wanted in ("{v}", '"x", {v}', "*"):
                version = self.version(path)
                self.expect(self.http.patch(path + "?attributes=id", patch_op(operation(wanted)),
                                            headers={"If-Match": wanted.format(v=version)}), 200)
                self.assertNotEqual(self.version(path), version)
            self.expect(self.http.put(path, body("y"), headers={"If-Match": self.version(path)}), 200)
            self.expect(self.http.patch(path + "?attributes=id", patch_op(operation("z")),
                                        headers={"If-None-Match": 'W/"999"'}), 200)
            self.expect(self.http.delete(path, headers={"If-Match": self.version(path)}), 204)
            self.expect(self.http.delete(path, headers={"If-Match": "*"}), 404)  # existence comes first
            self.expect(self.http.put(path, body("y"), headers={"If-Match": 'W/"1"'}), 404)

    def test_nothing_to_change_still_asks_for_the_version(self):
        made = self.device(callSign="same")
        same = patch_op({"op": "replace", "path": "callSign", "value": "same"})
        self.expect(self.http.patch("/Devices/" + made["id"], same, headers={"If-Match": 'W/"999"'}), 412)
        self.assertEqual(self.expect(self.http.patch("/Devices/" + made["id"], same,
                                                     headers={"If-Match": made["meta"]["version"]}), 200).json, made)


class InBulk(Custom):
    @staticmethod
    def site(title, **more):
        return {"schemas": [SITE, SAFETY], "title": title, SAFETY: {"officer": "y"}, **more}

    def test_operations_on_own_types_B4_V2(self):
        """B1, B4, V2: made, referred to, changed at a version and deleted in one Bulk; a circle of references is
        resolved (B5); by the scopes of users (B7)."""
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "PATCH", "path": "/Sites/bulkId:s", "version": 'W/"1"',
             "data": patch_op({"op": "replace", "path": "title", "value": "Changed"})},
            {"method": "DELETE", "path": "/Sites/bulkId:s", "version": 'W/"1"'},
            {"method": "POST", "path": "/Sites", "bulkId": "s", "data": self.site("Bulk", externalId="bulkId:t")},
            {"method": "POST", "path": "/Sites", "bulkId": "t", "data": self.site("Bulk", externalId="bulkId:s")},
            {"method": "POST", "path": "/Sites", "bulkId": "u", "data": {"schemas": [SITE]}}]}
        results = self.expect(self.http.post("/Bulk", bulk), 200).json["Operations"]
        self.assertEqual([r["status"] for r in results], ["200", "412", "201", "201", "400"])
        s, t = (r["location"].rsplit("/", 1)[1] for r in results[2:4])
        self.assertEqual([self.http.get("/Sites/" + i).json["externalId"] for i in (s, t)], [t, s])
        token, _ = self.ws.key("rooms", scopes="scim:rooms:read,scim:rooms:write")
        results = self.ws.open(token).post("/Bulk", bulk).json["Operations"]
        self.assertEqual({r["status"] for r in results[2:4]}, {"403"})

    def test_without_waiting_Q3(self):
        """Q3: 202 for a resource of an own type too, and it comes."""
        answer = self.expect(self.http.post("/Sites", self.site("Later"), headers={"Prefer": "respond-async"}), 202)
        self.assertTrue(answer.headers["set-txn"])
        self.wait_until(lambda: self.http.find("/Sites", 'title eq "Later"').json["totalResults"] == 1, "the site")


class Streams(Custom):
    def test_all_records_keep_the_contract(self):
        for i in range(3):
            made = self.device(weight=0.25 + i)
            self.http.patch("/Devices/" + made["id"], patch_op({"op": "replace", "path": "weight", "value": 9.75}))
            self.http.delete("/Devices/" + made["id"])
        self.followers.settle(self.ws.id)
        self.none_wrong(self.followers.trouble())

    def test_events(self):
        """K and Y rules for own types: told like any other, decimals too; what is writeOnly or never returned in no
        event, whatever the workspace tells."""
        ws = self.stack.workspace("own-events", events="full")
        self.addCleanup(ws.client.close)
        made = self.expect(ws.client.post("/Devices", {"schemas": [DEVICE], "deviceName": "Radio",
                                                       "serial": self.serial(), "weight": 0.25, "pin": "8765-secret",
                                                       "puk": "puk-secret"}), 201).json
        uri = "/Devices/" + made["id"]
        self.expect(ws.client.patch(uri, patch_op({"op": "replace", "path": "weight", "value": 1.5},
                                                  {"op": "replace", "path": "pin", "value": "4321-secret"})), 200)
        self.expect(ws.client.patch(uri, patch_op({"op": "replace", "path": "pin", "value": "1111-secret"})), 200)
        self.expect(ws.client.delete(uri), 204)
        records = self.followers.tokens(ws.id)
        self.none_wrong(stream.check_sequence(records))
        self.assertNotIn("secret", repr([r.value for r in records]))
        self.assertEqual({(r.value["sub_id"]["uri"], r.headers["ce_subject"]) for r in records},
                         {(uri, "resources/" + made["id"])})
        told = [(kind[len(stream.PROV):], payload) for kind, payload in map(stream.event_of, records)]
        self.assertEqual([kind for kind, _ in told], ["create:full", "patch:full", "patch:notice", "delete"])
        self.assertEqual((told[0][1]["data"]["id"], told[0][1]["data"]["weight"]), (made["id"], 0.25))
        self.assertEqual(told[1][1]["data"]["Operations"], [{"op": "replace", "path": "weight", "value": 1.5}])
        self.assertEqual(told[2][1]["attributes"], ["pin"])
