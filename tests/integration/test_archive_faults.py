"""What goes wrong around the archive, and the way on: numbers that are missing, a record that comes twice with other bytes, an
archive that stands still, a key that is changed. On a stack of its own, which it spoils."""

import json
import os
import statistics
import subprocess
import tempfile
import time

import archived
import stream
from kafkacase import KafkaCase
from openapi import ApiClient
from scimhttp import USER
from waiting import run

CHECKPOINTS = "usher.checkpoints"


class ArchiveCase(KafkaCase):
    def create(self, ws, *names):
        return [self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": name}), 201).json["id"] for name in names]

    def tree(self, ws, tree=1):
        """(size, seq, stopped, refused, origin, signed_size)"""
        rows = self.stack.sql("SELECT size, seq, stopped, refused, origin, signed_size FROM audit_tree WHERE workspace_id = %s AND tree = %s",
                              ws.id, tree)
        return rows[0] if rows else (0, 0, None, None, 1, 0)

    def counted(self, ws):
        return self.stack.sql("SELECT audit_seq FROM workspaces WHERE workspace_id = %s", ws.id)[0][0]

    def asides(self, ws):
        return self.stack.sql("SELECT count(*) FROM audit_aside WHERE workspace_id = %s", ws.id)[0][0]

    def audit(self, *words):
        program = os.path.join(self.stack.env["USHER_BIN"], "usherctl")
        return run([program, "audit", *words], env={**os.environ, **self.stack.env}, capture_output=True, text=True)

    def verify(self, ws, *words):
        done = self.audit("verify", ws.id, "--json", *words)
        self.assertTrue(done.stdout, done.stderr)
        return json.loads(done.stdout)["audit"]

    def resume(self, ws, why="Kafka has lost them"):
        done = self.audit("resume", ws.id, "--tree", "changes", "--why", why, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["resumed"]

    def signed(self, ws):
        self.wait_until(lambda: (lambda t: t[1] == self.counted(ws) and t[5] == t[0])(self.tree(ws)), "a head of all changes of " + ws.id)
        return self.stack.sql("SELECT note FROM audit_checkpoint WHERE workspace_id = %s AND tree = 1 ORDER BY origin DESC, size DESC LIMIT 1",
                              ws.id)[0][0]


class WaysOn(ArchiveCase):
    def lose(self, ws, many):
        """Numbers that PostgreSQL has given out and that no topic has."""
        self.stack.sql("UPDATE workspaces SET audit_seq = audit_seq + %s WHERE workspace_id = %s", many, ws.id)

    def test_a_tree_that_has_stopped_goes_on(self):
        """Two gaps. What comes behind the first one is put aside; each gap is accepted for itself, and on record."""
        ws, beside = self.stack.workspace("gaps"), self.stack.workspace("beside")
        self.create(ws, "a1", "a2")
        self.signed(ws)
        self.lose(ws, 3)
        self.create(ws, "a3", "a4")
        self.lose(ws, 2)
        self.create(ws, "a5")
        self.wait_until(lambda: self.tree(ws)[2] and self.asides(ws) >= 3, "the tree to stop")
        self.wait_until(lambda: self.worker_ready()[0] == 503, "readiness to tell")
        self.assertIn("1 trees have stopped", self.worker_ready()[1])
        self.assertIn("the archive has stopped", " ".join(self.verify(ws)["faults"]))
        self.create(beside, "b1")
        self.signed(beside)  # all other trees go on
        wrong = self.audit("resume", beside.id, "--tree", "changes", "--why", "x")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("neither stopped nor been refused", wrong.stderr)
        size = self.tree(ws)[0]
        self.assertIn("came where", self.resume(ws, "the first gap")["stopped"])
        self.wait_until(lambda: self.tree(ws)[0] > size and self.tree(ws)[2], "the tree to stop at the second gap")
        self.resume(ws, "the second gap")
        self.wait_until(lambda: self.tree(ws)[2] is None and self.tree(ws)[1] == self.counted(ws), "the tree to go on")
        self.assertEqual(self.asides(ws), 0)
        self.create(ws, "a6")
        self.wait_until(lambda: self.tree(ws)[1] == self.counted(ws), "a new change")
        self.assertEqual([why for why, in self.stack.sql("SELECT why FROM audit_gap WHERE workspace_id = %s ORDER BY n", ws.id)],
                         ["the first gap", "the second gap"])
        self.assertEqual(self.tree(ws)[0], self.counted(ws) - 5)
        self.assertIn("/audit/%s/changes\n" % ws.id, self.signed(ws))  # under the same name
        self.assertEqual(self.verify(ws)["faults"], [])
        told = json.loads(self.audit("search", "--workspace", ws.id, "--action", "audit.resumed", "--json").stdout)["records"]
        self.assertEqual([next(c["to"] for c in r["record"]["changes"] if c["path"] == "why") for r in told],
                         ["the second gap", "the first gap"])
        self.wait_until(lambda: self.worker_ready()[0] == 200, "readiness")

    def test_a_tree_that_was_refused_is_signed_under_another_name(self):
        ws = self.stack.workspace("refused")
        self.create(ws, "r1", "r2")
        before = self.signed(ws)
        self.assertIn("/audit/%s/changes\n" % ws.id, before)
        record = next(r for r in stream.read_topic(self.stack.kafka, "usher.audit") if '"seq":2,' in r.text and r.key == ws.id)
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(record.text[:-1] + " }")
            f.flush()
            self.produce("usher.audit", record.partition, ws.id, f.name)
        self.wait_until(lambda: self.tree(ws)[3], "the tree to be refused")
        self.assertIn("came again with other bytes", self.tree(ws)[3])
        self.create(ws, "r3")
        self.wait_until(lambda: self.tree(ws)[1] == self.counted(ws), "a change, which is added and not signed")
        said = self.resume(ws, "an old producer has sent it again")
        self.assertEqual((said["origin"], said["stopped"]), (2, None))
        self.wait_until(lambda: self.tree(ws)[1] == self.counted(ws), "the decision on record")
        after = self.signed(ws)
        self.assertIn("/audit/%s/changes/2\n" % ws.id, after)
        self.wait_until(lambda: [r for r in stream.read_topic(self.stack.kafka, CHECKPOINTS)
                                 if r.key == ws.id + "/changes/2" and r.text == after], "the head on its topic")
        self.assertEqual(self.asides(ws), 1, "what came again stays aside")
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(before)
            f.flush()
            self.assertEqual(self.verify(ws, "--checkpoint", f.name)["faults"], [])  # it was no other history after all
        proof = self.audit("prove", "%s/audit/1" % ws.id)
        self.assertEqual(proof.returncode, 0, proof.stderr)
        self.assertIn("/changes/2\n", proof.stdout)

    def test_heads_of_an_origin_that_was_ended(self):
        """Records were edited and a head was published over those of before: verify tells of it, and does not call the tree wrong
        for ever."""
        ws = self.stack.workspace("ended")
        self.create(ws, "e1")
        kept = self.signed(ws)
        first = json.loads(bytes(self.stack.sql("SELECT bytes FROM audit_leaf WHERE workspace_id = %s AND tree = 1 AND n = 0", ws.id)[0][0]))
        edited = json.dumps({**first, "txn": "0193a1c2-4d5e-7f60-8a9b-000000000001"})
        size = self.tree(ws)[0]
        self.stack.sql("UPDATE audit_leaf SET bytes = convert_to(%s, 'UTF8'), txn = '0193a1c2-4d5e-7f60-8a9b-000000000001' WHERE workspace_id = %s"
                       " AND tree = 1 AND n = 0", edited, ws.id)
        self.hash_anew(ws, size)
        self.assertIn("signed over other records", " ".join(self.verify(ws)["faults"]))
        self.stack.sql("UPDATE audit_tree SET refused = 'the test' WHERE workspace_id = %s AND tree = 1", ws.id)
        self.resume(ws)
        self.wait_until(lambda: self.tree(ws)[1] == self.counted(ws), "the decision on record")
        self.signed(ws)
        said = self.verify(ws)
        self.assertEqual((said["faults"], said["trees"][0]["origin"]), ([], 2))
        self.assertGreaterEqual(said["trees"][0]["ended"], 1)
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(kept)
            f.flush()
            self.assertIn("no prefix", " ".join(self.verify(ws, "--checkpoint", f.name)["faults"]))

    def hash_anew(self, ws, size):
        """The hashes of the changes, as somebody computes them who can write into the database."""
        leaves = [bytes(b) for b, in self.stack.sql("SELECT bytes FROM audit_leaf WHERE workspace_id = %s AND tree = 1 AND n < %s ORDER BY n",
                                                    ws.id, size)]
        nodes = archived.nodes_of(leaves)
        hashes = b"".join(nodes[level, (leaf + 1 >> level) - 1] for leaf in range(size) for level in range(64) if not (leaf + 1) % (1 << level))
        self.stack.sql("DELETE FROM audit_hashes WHERE workspace_id = %s AND tree = 1", ws.id)
        self.stack.sql("INSERT INTO audit_hashes (workspace_id, tree, n, hashes) VALUES (%s, 1, 0, %s)", ws.id, hashes)


class Away(ArchiveCase):
    kafka = "embedded"

    def took(self, ws, tag, many=40):
        """Milliseconds of a create, the median."""
        times = []
        for i in range(many):
            began = time.monotonic()
            self.create(ws, "%s%d" % (tag, i))
            times.append((time.monotonic() - began) * 1000)
        return statistics.median(times)

    def test_an_archive_that_stands_still_slows_nobody(self):
        """Its tables are locked against it: creates are answered as before, and when it can go on it takes all of them."""
        ws = self.stack.workspace("slow")
        self.took(ws, "warm")
        quiet = self.took(ws, "quiet")
        before = self.tree(ws)
        with self.stack.connection.cursor() as c:
            c.execute("LOCK TABLE audit_leaf, audit_tree IN ACCESS EXCLUSIVE MODE")
            locked = self.took(ws, "locked")
            c.execute("SELECT seq FROM audit_tree WHERE workspace_id = %s AND tree = 1", (ws.id,))
            self.assertLessEqual(c.fetchone()[0], before[1] + 2 * 80 + 10, "it takes nothing meanwhile")
        self.stack.connection.rollback()
        self.assertLess(locked, 3 * quiet + 100, "milliseconds of a create; %.1f before" % quiet)
        self.wait_until(lambda: self.tree(ws)[1] == self.counted(ws), "the archive to catch up")
        self.wait_until(lambda: self.worker_ready()[0] == 200, "readiness")
        self.assertEqual(self.verify(ws)["faults"], [])


class Rotation(ArchiveCase):
    kafka = "embedded"

    def restart(self, *flags):
        before = os.environ.get("WORKER_ARGS", "")
        os.environ["WORKER_ARGS"] = " ".join((before, *flags))
        try:
            self.stack.stop_part("worker")
        finally:
            os.environ["WORKER_ARGS"] = before

    def test_the_key_is_changed(self):
        """The old one, then both, then the new one alone: whoever has either key can check every head of the time between."""
        old = os.path.join(self.stack.run_dir, "audit.pem")
        new = os.path.join(self.stack.run_dir, "new.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", new], check=True, capture_output=True)
        ws = self.stack.workspace("rotation")
        made = self.stack.ctl("owner", "create", "--workspace", ws.id, "--name", "Olga")
        owner = ApiClient(self.stack.url, made["token"], "/api/v1/admin")

        def keys():
            return owner.get("/checkpoints").json["checkpoints"][0]["keys"]

        def lines(note):
            return note.split("\n\n")[1].strip().split("\n")

        self.create(ws, "k1")
        first = self.signed(ws)
        old_key, = keys()
        self.assertEqual(len(lines(first)), 1)
        self.restart("--audit-key", new, "--audit-key-old", old)
        self.create(ws, "k2")
        both = self.signed(ws)
        self.assertEqual(len(lines(both)), 2)
        new_key, = (k for k in keys() if k != old_key)
        self.restart("--audit-key", new)
        self.create(ws, "k3")
        last = self.signed(ws)
        self.assertEqual(len(lines(last)), 1)
        self.assertNotEqual(lines(last)[0].split(" ")[2][:6], lines(first)[0].split(" ")[2][:6])
        self.assertEqual(self.verify(ws, "--key", "%s,%s" % (old_key, new_key))["faults"], [])
        notes = {"first": first, "both": both, "last": last}
        good = {}
        for key, text in (("old", old_key), ("new", new_key)):
            for name, note in notes.items():
                with tempfile.NamedTemporaryFile("w") as f:
                    f.write(note)
                    f.flush()
                    done = self.audit("verify", ws.id, "--key", text, "--checkpoint", f.name, "--json")
                    good[key, name] = "none of the signatures" not in done.stderr
        self.assertEqual(good, {("old", "first"): True, ("old", "both"): True, ("old", "last"): False,
                                ("new", "first"): False, ("new", "both"): True, ("new", "last"): True})
