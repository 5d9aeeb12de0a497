"""GET /api/v1/admin/activity and GET /api/v1/activity?step=…: what the requests of keys add up to, as the archive has
counted it."""

import datetime
import json
import uuid

from case import Case
from openapi import ApiClient, problem
from scimhttp import USER

HOUR = datetime.timedelta(hours=1)


def ago(**how):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**how)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Activity(Case):
    def owner_of(self, ws, role="owner"):
        made = self.stack.ctl("owner", "create", "--workspace", ws.id, "--name", role, "--role", role)
        return ApiClient(self.stack.url, made["token"], "/api/v1/admin"), made["owner"]["id"]

    def get(self, client, query=""):
        answer = client.get("/activity" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def counted(self, ws, key, many):
        """Waits until the archive has counted so many requests of a key."""
        self.wait_until(lambda: self.stack.sql("SELECT coalesce(sum(requests), 0)::int FROM activity_day WHERE workspace_id = %s"
                                               " AND key_id = %s", ws.id, key)[0][0] >= many, "%d requests" % many)

    def test_what_a_key_did(self):
        """Classes, those refused because of a rate apart, latency, bytes, addresses, first and last use and write."""
        ws = self.stack.workspace("activity")
        made = self.stack.ctl("key", "create", "--workspace", ws.id, "--name", "Entra", "--scopes", "all", "--rate", "5")
        http, key = ws.open(made["token"]), made["key"]["id"]
        for i in range(3):
            self.expect(http.post("/Users", {"schemas": [USER], "userName": "a%d" % i}), 201)
        refused = self.expect(http.post("/Users", {"schemas": [USER], "userName": "a0"}), 409, "uniqueness")
        self.expect(http.get("/Users?count=1"), 200)
        self.expect(http.get("/Users?count=1"), 429)
        self.counted(ws, key, 6)
        owner, owner_id = self.owner_of(ws)
        said = self.get(owner)
        self.assertEqual(said["step"], "hour")
        self.assertEqual({k["name"] for k in said["keys"]}, {"main", "Entra", "owner"})
        entra = next(k for k in said["keys"] if k["id"] == key)
        total = entra["total"]
        self.assertEqual([total[n] for n in ("requests", "operations", "writes", "ok", "redirected", "refused", "limited", "failed")],
                         [6, 6, 4, 4, 0, 1, 1, 0])
        self.assertEqual((entra["kind"], [s["source"] for s in entra["sources"]], entra["sources"][0]["requests"]),
                         ("key", ["127.0.0.1"], 6))
        self.assertLess(entra["firstUse"], entra["lastWrite"])
        self.assertLess(entra["lastWrite"], entra["lastUse"])
        self.assertGreater(total["bytesIn"], 200)
        self.assertEqual(sum(total["latency"]["counts"]), 6)
        self.assertLessEqual(total["latency"]["p50Us"], total["latency"]["p99Us"])
        self.assertEqual(len(said["latencyBoundsUs"]) + 1, len(total["latency"]["counts"]))
        self.assertEqual(sum(s["requests"] for s in entra["steps"]), 6)
        self.assertEqual((entra["cadence"]["bursts"], entra["cadence"]["everySeconds"]), (1, None))
        # What was refused, with the message that was sent back.
        first, second = said["refusals"]
        self.assertEqual((first["status"], first["code"]), (429, "rate-limited"))
        self.assertEqual((second["status"], second["code"], second["detail"], second["method"], second["path"]),
                         (409, "uniqueness", refused.json["detail"], "POST", "/scim/v2/Users"))
        self.assertEqual((second["key"], second["source"]), ({"id": key, "name": "Entra"}, "127.0.0.1"))
        # By minutes, of one key: the same.
        minutes = self.get(owner, "?step=minute&key=" + key)
        self.assertEqual([(k["id"], k["total"]["requests"]) for k in minutes["keys"]], [(key, 6)])
        self.assertEqual([f["id"] for f in minutes["refusals"]], [first["id"], second["id"]])
        # The key sees its own and nobody else's; administrators see what owners see.
        own = self.get(ApiClient(self.stack.url, ws.token), "?step=day")
        self.assertEqual(([k["name"] for k in own["keys"]], own["refusals"]), (["main"], []))
        self.assertEqual({k["name"] for k in self.get(self.owner_of(ws, "administrator")[0])["keys"]},
                         {"main", "Entra", "owner", "administrator"})
        # Revoked keys are shown where they were used, and not where they were not.
        self.stack.ctl("key", "revoke", key, "--workspace", ws.id)
        self.assertIn(key, [k["id"] for k in self.get(owner)["keys"]])
        self.assertNotIn(key, [k["id"] for k in self.get(owner, "?step=day&from=%s&to=%s" % (ago(days=30), ago(days=20)))["keys"]])

    def test_the_rhythm_of_an_identity_provider(self):
        """Bursts every 40 minutes, as Entra ID comes."""
        ws = self.stack.workspace("cadence")
        owner, _ = self.owner_of(ws)
        now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
        for burst in range(1, 11):
            for minute in range(3):
                self.fill(ws, "minute", now - 10 * HOUR + datetime.timedelta(minutes=40 * burst + minute))
        self.assertEqual(next(k for k in self.get(owner)["keys"] if k["id"] == ws.key_id)["cadence"],
                         {"bursts": 10, "everySeconds": 2400,
                          "newest": (now - 10 * HOUR + datetime.timedelta(minutes=400)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")})

    def fill(self, ws, table, first, steps=1, width="1 minute", key=None):
        self.stack.sql("INSERT INTO activity_" + table + " SELECT %s, %s, t, 1, 1, 0, 1, 0, 0, 0, 0, 0, array_fill(0::bigint, ARRAY[20]),"
                       " 0, 0, t, t, NULL FROM generate_series(0, %s - 1) AS n, LATERAL (SELECT %s::timestamptz + n * %s::interval AS t) x",
                       ws.id, key or ws.key_id, steps, first, width)

    def test_how_much_one_answer_has(self):
        """Steps of all keys together, and the time that it may reach over: what to do is said."""
        ws = self.stack.workspace("bound")
        owner, _ = self.owner_of(ws)
        for query, path in (("step=week", "step"), ("from=x", "from"), ("to=x", "to"), ("colour=red", "colour"), ("key=x", "key"),
                            ("from=%s&to=%s" % (ago(hours=1), ago(hours=2)), "from"),
                            ("step=minute&from=%s" % ago(hours=25), "from"), ("step=hour&from=%s" % ago(days=32), "from"),
                            ("step=day&from=%s" % ago(days=401), "from")):
            answer = owner.get("/activity?" + query)
            self.assertEqual((answer.status, problem(answer), [e["path"] for e in answer.json["errors"]]),
                             (400, "invalid-value", [path]), query)
        self.assertIn("31 days", owner.get("/activity?from=" + ago(days=32)).json["detail"])
        self.assertEqual(owner.get("/activity?key=" + str(uuid.uuid4())).status, 404)
        api = ApiClient(self.stack.url, ws.token)
        for query in ("step=hour&limit=5", "step=hour&key=" + ws.key_id, "step=week"):
            self.assertEqual(api.get("/activity?" + query).status, 400, query)
        # 35 keys of 744 hours each are more than 25,000 steps.
        day = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
        keys = [str(uuid.uuid4()) for _ in range(35)]
        for key in keys:
            self.stack.sql("INSERT INTO keys (workspace_id, id, name, token_hash, prefix, scopes, created_by) VALUES (%s, %s, %s,"
                           " sha256(convert_to(%s, 'UTF8')), 'ush_x', '{}', 'test')", ws.id, key, "k" + key, key)
            self.fill(ws, "hour", day - 740 * HOUR, 740, "1 hour", key)
        month = "?from=%s" % ago(hours=743)
        answer = owner.get("/activity" + month)
        self.assertEqual((answer.status, problem(answer)), (400, "too-many"), answer)
        self.assertIn("name a key", answer.json["detail"])
        one = self.get(owner, month + "&key=" + keys[0])
        self.assertEqual(one["keys"][0]["total"]["requests"], 740)
        self.assertEqual(len(self.get(owner, month + "&step=day")["keys"]), 37)

    def test_another_workspace_sees_nothing_of_it(self):
        ws, other = self.stack.workspace("mine"), self.stack.workspace("theirs")
        self.expect(ws.client.get("/Users/" + str(uuid.uuid4())), 404)
        self.counted(ws, ws.key_id, 1)
        owner, _ = self.owner_of(other)
        self.assertNotIn(ws.key_id, json.dumps(self.get(owner)))
        self.assertEqual(owner.get("/activity?key=" + ws.key_id).status, 404)
