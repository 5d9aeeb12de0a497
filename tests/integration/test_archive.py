"""The archive: what PostgreSQL has of usher.audit, and what is signed."""

import json
import os
import tempfile

import archived
import contract
import stream
from case import Case
from openapi import ApiClient
from scimhttp import GROUP, USER, Client, patch_op
from waiting import run

CHECKPOINTS = "usher.checkpoints"


class Archive(Case):
    """On the stack of all suites, while they run."""

    def records(self, workspace):
        self.followers.settle(workspace)
        return sorted(self.followers.audit.snapshot(workspace), key=lambda r: r.offset)

    def size(self, workspace, tree):
        rows = self.stack.sql("SELECT size FROM audit_tree WHERE workspace_id = %s AND tree = %s", workspace, tree)
        return rows[0][0] if rows else 0

    def test_records_become_leaves(self):
        """Byte for byte, in their order, and the hashes that they make."""
        ws = self.stack.workspace("archive")
        for i in range(11):
            self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "leaf%d" % i}), 201)
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "LEAF1"}), 409, "uniqueness")
        self.followers.requests(ws.id, lambda rs: len(rs) == 12, "12 requests")
        records = self.records(ws.id)
        self.wait_until(lambda: self.size(ws.id, 1) + self.size(ws.id, 2) >= len(records), "the archive")
        self.none_wrong(archived.faults(self.stack, records, whole=False))
        first, size, seq = self.stack.sql(
            "SELECT first_seq, size, seq FROM audit_tree WHERE workspace_id = %s AND tree = 1", ws.id)[0]
        self.assertEqual((first, seq), (1, size))

    def test_what_is_searched_for_stands_in_columns(self):
        ws = self.stack.workspace("columns")
        made = ws.client.post("/Users", {"schemas": [USER], "userName": "found"}, headers={"User-Agent": "searcher/1"})
        self.expect(made, 201)
        self.expect(ws.client.get("/Groups/01900000-0000-7000-8000-000000000000"), 404)
        self.wait_until(lambda: self.size(ws.id, 2) == 2, "two requests")
        request, refused = self.stack.sql(
            "SELECT method, path, status, source, user_agent, actor_kind, actor_id::text, actor_name, rate_limited,"
            " error, target_id::text, txn::text FROM audit_leaf WHERE workspace_id = %s AND tree = 2 ORDER BY n", ws.id)
        self.assertEqual(request[:11], ("POST", "/scim/v2/Users", 201, "127.0.0.1", "searcher/1", "key", ws.key_id, "main",
                                        False, None, None))
        self.assertEqual((refused[2], refused[9], refused[10]), (404, "NOT_FOUND", "01900000-0000-7000-8000-000000000000"))
        created = ("SELECT actor_id::text, target_type, target_id::text, target_name, outcome FROM audit_leaf"
                   " WHERE workspace_id = %s AND txn = %s AND action = 'user.created'", ws.id, request[11])
        self.wait_until(lambda: self.stack.sql(*created), "the change, which comes in a batch of its own")
        self.assertEqual(self.stack.sql(*created), [(ws.key_id, "User", made.json["id"], "found", "applied")])

    def test_a_tree_knows_its_partition(self):
        """Who has the partition signs the tree; so it must be right after many batches too."""
        ws = self.stack.workspace("partition")
        for i in range(6):
            self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "p%d" % i}), 201)
            self.wait_until(lambda: self.size(ws.id, 2) > i, "a batch")
        of = stream.murmur2(ws.id.encode()) % self.stack.sql("SELECT count(*)::int FROM audit_offset")[0][0]
        for table in ("audit_tree", "audit_due"):
            found = self.stack.sql("SELECT DISTINCT partition FROM %s WHERE workspace_id = '%s'" % (table, ws.id))
            self.assertLessEqual(set(found), {(of,)}, table)

    def test_strangers_are_the_operator_s(self):
        """Requests of unknown credentials belong to no workspace."""
        http = Client(self.stack.url, "ush_nobodyknowsthis")
        before = self.size(archived.NIL, 2)
        self.expect(http.get("/Users"), 401)
        http.close()
        self.wait_until(lambda: self.size(archived.NIL, 2) > before, "a stranger's request")

    def test_sums(self):
        """Requests, writes, refusals and the last use of a key, by minute, hour and day."""
        ws = self.stack.workspace("sums")
        token, key = ws.key("second")
        http = ws.open(token)
        for i in range(3):
            self.expect(http.post("/Users", {"schemas": [USER], "userName": "sum%d" % i}), 201)
        self.expect(http.post("/Users", {"schemas": [USER], "userName": "sum0"}), 409, "uniqueness")
        self.expect(http.get("/Users?count=1"), 200)
        self.expect(http.post("/Users/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                                                 "count": 1}), 200)
        self.wait_until(lambda: self.size(ws.id, 2) == 6, "six requests")
        for table in ("minute", "hour", "day"):
            sums = self.stack.sql(
                "SELECT sum(requests)::int, sum(operations)::int, sum(writes)::int, sum(ok)::int, sum(refused)::int,"
                " sum(limited)::int, sum(failed)::int, sum((SELECT sum(x) FROM unnest(latency) x))::int,"
                " max(last_write) < max(last_use), min(first_use) < max(last_use) FROM activity_%s"
                " WHERE workspace_id = '%s' AND key_id = '%s'" % (table, ws.id, key))
            self.assertEqual(sums, [(6, 6, 4, 5, 1, 0, 0, 6, True, True)], table)
        self.assertEqual(self.stack.sql("SELECT source, requests FROM activity_source WHERE workspace_id = %s", ws.id),
                         [("127.0.0.1", 6)])

    def test_heads_are_signed_and_published(self):
        ws = self.stack.workspace("heads")
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "head"}), 201)

        def signed():
            return self.stack.sql("SELECT count(*) FROM audit_tree WHERE workspace_id = %s AND signed_size = size", ws.id)[0][0]

        self.wait_until(lambda: signed() == 2, "two signed heads")
        stored = {note for (note,) in self.stack.sql("SELECT note FROM audit_checkpoint WHERE workspace_id = %s", ws.id)}
        # A head is stored, published, and then noted as signed; and a newer one may be under way.
        def heads():
            found = [r for r in stream.read_topic(self.stack.kafka, CHECKPOINTS) if r.key.startswith(ws.id)]
            return found if stored <= {r.text for r in found} else None

        published = self.wait_until(heads, "all stored heads on the topic")
        for r in published:
            contract.validate(r.topic, r.headers, r.text)
            self.assertTrue(r.text.startswith("usher/audit/%s\n" % r.key), r.text)
        self.none_wrong(archived.faults(self.stack, self.records(ws.id), whole=False))

    def ctl(self, *words):
        program = os.path.join(self.stack.env["USHER_BIN"], "usherctl")
        return run([program, *words], env={**os.environ, **self.stack.env}, capture_output=True, text=True)

    def test_what_the_role_made_is_proved(self):
        """From the request to the proof, with rows that nobody but the archive has made: verify, prove, check, why."""
        ws = self.stack.workspace("endtoend")
        user = self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "eve"}), 201).json["id"]
        room = self.expect(ws.client.post("/Groups", {"schemas": [GROUP], "displayName": "Ops", "members": [{"value": user}]}),
                           201).json["id"]
        self.expect(ws.client.patch("/Groups/" + room, patch_op({"op": "remove", "path": 'members[value eq "%s"]' % user})), 204)

        def why():
            return json.loads(self.ctl("why", room, user, "--workspace", ws.id, "--json").stdout)["why"]

        self.wait_until(lambda: why()["proof"] and why()["request"], "the removal, signed, and its request")
        said = why()
        self.assertEqual((said["member"], said["through"], said["because"]["record"]["action"],
                          said["request"]["record"]["method"]), (False, "group push", "member.removed", "PATCH"))
        heads = self.stack.sql("SELECT note FROM audit_checkpoint WHERE workspace_id = %s AND tree = 1 ORDER BY size DESC LIMIT 1", ws.id)
        verified = json.loads(self.ctl("audit", "verify", ws.id, "--json").stdout)["audit"]
        self.assertEqual((verified["faults"], [t["byHash"] for t in verified["trees"]]), ([], [0, 0]))
        self.assertGreaterEqual(verified["trees"][0]["hashed"], 5)
        proof = self.ctl("audit", "prove", said["because"]["id"])
        self.assertEqual(proof.returncode, 0, proof.stderr)
        made = self.stack.ctl("owner", "create", "--workspace", ws.id, "--name", "Olga")
        keys = ApiClient(self.stack.url, made["token"], "/api/v1/admin").get("/checkpoints").json["checkpoints"][0]["keys"]
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("proof", proof.stdout), ("note", heads[0][0])):
                with open(os.path.join(folder, name), "w") as f:
                    f.write(text)
            done = self.ctl("audit", "check", os.path.join(folder, "proof"), "--key", ",".join(keys))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1]), said["because"]["record"])
            done = self.ctl("audit", "verify", ws.id, "--checkpoint", os.path.join(folder, "note"))
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_operator_s_trees_are_verified(self):
        http = Client(self.stack.url, "ush_nobodyknowsthiseither")
        self.expect(http.get("/Users"), 401)
        http.close()
        self.wait_until(lambda: self.stack.sql("SELECT 1 FROM audit_tree WHERE workspace_id = %s AND signed_size > 0", archived.NIL),
                        "a head of the operator's")
        done = self.ctl("audit", "verify", "operator", "--json")
        said = json.loads(done.stdout)["audit"]
        self.assertEqual(said["faults"], [], done.stderr)
        self.assertGreater(said["trees"][1]["hashed"], 0)

    def test_the_streams_are_whole(self):
        """usherctl stream verify, beside other suites that write: nothing is missing of a workspace that is quiet."""
        ws = self.stack.workspace("whole")
        for i in range(5):
            self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "whole%d" % i}), 201)
        users = [u["id"] for u in self.expect(ws.client.get("/Users"), 200).json["Resources"]]
        rooms = [self.room(name, users[:n], ws.client)["id"] for n, name in ((5, "a"), (3, "b"), (2, "c"))]
        self.expect(ws.client.delete("/Groups/" + rooms[1]), 204)
        self.followers.settle(ws.id)
        done = self.ctl("stream", "verify", "--workspace", ws.id, "--json")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        said = json.loads(done.stdout)["streams"]["workspaces"][0]
        if self.real or said["snapshot"] is not None:  # the trial broker forgets what is more than 5 MB
            self.assertEqual(said["snapshot"], {"rooms": 2, "members": 7, "unproved": 0, "missing": 0, "old": 0, "leftOver": 0,
                                                "untold": 0, "different": 0, "first": []})
        topics = {t["topic"]: t for t in said["topics"]}
        audit = topics["usher.audit"]
        self.assertEqual((audit["firstSeq"], audit["missing"], audit["again"]), (1, 0, 0))
        self.assertEqual(audit["lastSeq"], self.stack.sql("SELECT audit_seq FROM workspaces WHERE workspace_id = %s", ws.id)[0][0])
        self.assertEqual(audit["records"], audit["lastSeq"])
        # A number that PostgreSQL has given out and that no topic has.
        lost = self.stack.workspace("lost")
        self.stack.sql("UPDATE workspaces SET audit_seq = audit_seq + 3 WHERE workspace_id = %s", lost.id)
        self.addCleanup(self.stack.sql, "UPDATE workspaces SET audit_seq = audit_seq - 3 WHERE workspace_id = %s", lost.id)
        done = self.ctl("stream", "verify", "--workspace", lost.id)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("usher.audit       NOT complete from 1/1 to", done.stdout)
        self.assertIn("; 3 MISSING:", done.stdout)
