"""What proves the audit: usherctl audit verify, prove and check, on an archive in a database of its own. A superuser
edits what he likes, in the table below: each way is found and named."""

import json
import os
import subprocess
import sys
import tempfile
import uuid

import archive
import stack as stacks
from case import Case
from test_migrate import Database

# As the programs' connections are (sql/db.c): plans for any value, and no table is read as a whole.
SESSION = """SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_sort = off;
    SET plan_cache_mode = force_generic_plan; """
MANY = 1300
SEALED = 1000  # a head that was kept elsewhere


def run_of(tree, leaf):
    """The n of the row in which the hashes are that the leaf completes."""
    return "(SELECT max(n) FROM audit_hashes WHERE tree = %d AND n <= %d)" % (tree, leaf)


def statement(name):
    """Its text, as the programs prepare it."""
    subject, _, what = name.partition(".")
    with open(os.path.join(stacks.ROOT, "build", "gen", "sql", subject + ".sql")) as f:
        return f.read().split("-- name: %s\n" % what)[1].partition(";")[0]


def edit_node(tree, level, index, h):
    leaf = (index + 1 << level) - 1
    return ("UPDATE audit_hashes SET hashes = overlay(hashes PLACING %s FROM "
            "(audit_hashes_before(%d) - audit_hashes_before(n) + %d)::int * 32 + 1) WHERE tree = %d AND n = %s"
            % (h, leaf, level, tree, run_of(tree, leaf)))


class Archive(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.db = Database(cls.stack, "proofs_%d" % os.getpid())
        cls.db.migrate()
        cls.ws = str(uuid.uuid4())
        cls.db.sql("INSERT INTO workspaces (workspace_id, name) VALUES (%s, 'filled')", cls.ws)
        cls.key = archive.fill(cls.db.uri, cls.ws, MANY)
        cls.folder = tempfile.TemporaryDirectory()
        cls.older = cls.file("older.note", cls.db.sql(
            "SELECT note FROM audit_checkpoint WHERE workspace_id = %s AND tree = 1 AND size = %s", cls.ws, SEALED)[0][0])

    @classmethod
    def tearDownClass(cls):
        cls.db.drop()
        cls.folder.cleanup()
        super().tearDownClass()

    @classmethod
    def file(cls, name, text):
        path = os.path.join(cls.folder.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def ctl(self, *words):
        return self.db.ctl("audit", *words)

    def verify(self, *words):
        """(what it says, its faults)"""
        done = self.ctl("verify", self.ws, "--json", *words)
        self.assertTrue(done.stdout, done.stderr)
        said = json.loads(done.stdout)["audit"]
        self.assertEqual(done.returncode == 0, not said["faults"], done.stderr)
        return said, said["faults"]


class Verify(Archive):
    def test_all_is_well(self):
        for words in ((), ("--key", self.key), ("--key", self.key, "--checkpoint", self.older)):
            said, faults = self.verify(*words)
            self.assertEqual(faults, [])
            self.assertEqual([(t["tree"], t["size"], t["hashed"], t["byHash"], t["checkpoints"]) for t in said["trees"]],
                             [("changes", MANY, MANY, 0, 3), ("requests", MANY, MANY, 0, 3)])
            self.assertEqual((said["trees"][0]["firstSeq"], said["trees"][0]["lastSeq"]), (1, MANY))
        text = self.ctl("verify", self.ws).stdout
        self.assertIn("Nothing is wrong.", text)
        self.assertIn("%d hashed again" % MANY, text)

    def test_another_key(self):
        other = "usher.example/audit+" + self.key.split("+")[1] + "+" + self.key.split("+")[2].replace("A", "B", 1)
        self.assertIn("--key", self.ctl("verify", self.ws, "--key", other).stderr)
        neumann = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        _, faults = self.verify("--key", neumann)
        self.assertEqual(len(faults), 6, faults)
        self.assertTrue(all("not as it was signed" in f for f in faults), faults)

    def test_what_the_retention_has_dropped(self):
        """The bytes are gone and the hashes stay: all proofs go on. The head over them is older than what is kept."""
        with self.edited("DELETE FROM audit_leaf WHERE tree = 1 AND n < 600",
                         "UPDATE audit_checkpoint SET at = now() - interval '400 days' WHERE tree = 1 AND size <= 1000"):
            said, faults = self.verify("--key", self.key)
            self.assertEqual(faults, [])
            self.assertEqual((said["trees"][0]["hashed"], said["trees"][0]["byHash"]), (MANY - 600, 600))
            self.assertEqual(self.prove_and_check("%s/audit/%d" % (self.ws, 601)).returncode, 0)
            self.assertIn("has no record", self.ctl("prove", "%s/audit/1" % self.ws).stderr)

    def test_the_retention_of_one_workspace(self):
        """audit-days of 30, beside a workspace that keeps them for ten years: its rows go in slices, and proofs go on. A day
        that nobody wants any more goes whole."""
        with self.edited("UPDATE audit_leaf SET at = at - interval '40 days' WHERE n < 1000",
                         "UPDATE audit_checkpoint SET at = now() - interval '40 days' WHERE size <= 1000"):
            self.db.sql("INSERT INTO workspaces (workspace_id, name, audit_days) VALUES (%s, 'longest', 3650)", str(uuid.uuid4()))
            self.db.sql("UPDATE workspaces SET audit_days = 30 WHERE workspace_id = %s", self.ws)
            slices = 0
            while self.db.sql("SELECT audit_keep(600)")[0][0] >= 600:
                slices += 1
            self.assertGreaterEqual(slices, 3)
            self.assertEqual(self.db.sql("SELECT tree, min(n), count(*) FROM audit_leaf GROUP BY tree ORDER BY tree"),
                             [(1, 1000, MANY - 1000), (2, 1000, MANY - 1000)])
            said, faults = self.verify("--key", self.key)
            self.assertEqual((faults, [t["byHash"] for t in said["trees"]]), ([], [1000, 1000]))
            self.assertEqual(self.prove_and_check("%s/audit/1001" % self.ws).returncode, 0)
            self.assertEqual(self.db.sql("SELECT audit_day(current_date - 20)"), [(True,)])
            there = "SELECT count(*) FROM pg_class WHERE relname = 'audit_leaf_' || to_char(current_date - 20, 'YYYYMMDD')"
            self.db.sql("SELECT audit_keep(600)")
            self.assertEqual(self.db.sql(there), [(1,)], "somebody wants it")
            self.db.sql("UPDATE workspaces SET audit_days = 10")
            self.db.sql("SELECT audit_keep(600)")
            self.assertEqual(self.db.sql(there), [(0,)])
            self.db.sql("UPDATE workspaces SET audit_days = 365")

    def test_old_heads_are_thinned(self):
        """The last of each hour stays after two days, the last of each day after 90, and the newest for ever; in slices, and the
        second time nothing is left to do. What is left proves what it did."""
        with self.edited():
            note = "SELECT workspace_id, tree, %s, root, note, %s FROM audit_checkpoint WHERE tree = 2 AND size = 500"
            add = "INSERT INTO audit_checkpoint (workspace_id, tree, size, root, note, at) " + note
            self.db.sql("DELETE FROM audit_checkpoint WHERE size < %s", MANY)
            midnight = "date_trunc('day', now(), 'UTC')"
            self.db.sql((add % ("100 + i", midnight + " - interval '3 days' + i * interval '10 minutes'")).replace(
                "FROM audit_checkpoint WHERE tree = 2 AND size = 500", "FROM (SELECT * FROM audit_checkpoint WHERE tree = 2) c, generate_series(0, 11) AS i"))
            self.db.sql((add % ("10 + i", midnight + " - interval '95 days' + i * interval '1 hour'")).replace(
                "FROM audit_checkpoint WHERE tree = 2 AND size = 500", "FROM (SELECT * FROM audit_checkpoint WHERE tree = 2 AND size >= 1000) c, generate_series(0, 9) AS i"))
            sizes = "SELECT size FROM audit_checkpoint WHERE tree = 2 ORDER BY size"
            self.assertEqual(len(self.db.sql(sizes)), 23)
            slices = 0
            while self.db.sql("SELECT audit_keep(5)")[0][0] >= 5:
                slices += 1
            self.assertGreaterEqual(slices, 4)
            self.assertEqual(self.db.sql(sizes), [(19,), (105,), (111,), (MANY,)])
            self.assertEqual(self.db.sql("SELECT audit_keep(5)")[0][0], 0)
            self.db.sql("DELETE FROM audit_checkpoint WHERE size < %s", MANY)  # their notes were copies
            self.assertEqual(self.verify("--key", self.key)[1], [])
            self.assertEqual(self.prove_and_check("%s/audit/%d" % (self.ws, 7)).returncode, 0)

    def prove_and_check(self, event):
        proof = self.ctl("prove", event, "--workspace", self.ws)
        self.assertEqual(proof.returncode, 0, proof.stderr)
        return self.ctl("check", self.file("proof", proof.stdout), "--key", self.key)

    def test_hashes_are_looked_up(self):
        """What the archive asks for with each batch, and what a proof is made of: a row for each hash is read, whatever the
        planner knows of the tables, and not all that there is."""
        wanted = sum(MANY >> level & 1 for level in range(62))
        for name, types, values, most in (
                ("archive.peaks", "uuid[]", "ARRAY['%s']::uuid[]" % self.ws, 2 * wanted),
                ("archive.peaks_at", "uuid, smallint, bigint", "'%s', 1, %d" % (self.ws, MANY), wanted),
                ("archive.leaf_hash", "uuid, smallint, bigint", "'%s', 1, 700" % self.ws, 1),
                ("audit.nodes", "uuid, smallint, smallint[], bigint[]", "'%s', 1, '{0,3,7}', '{700,9,4}'" % self.ws, 3)):
            with self.subTest(name):
                rows = self.db.sql(SESSION + "PREPARE s (%s) AS %s; EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE s (%s)"
                                   % (types, statement(name), values))
                reads = list(self.reads(rows[0][0][0]["Plan"], "audit_hashes"))
                self.assertEqual(sum(reads), most, rows)

    def reads(self, node, table):
        """Rows that were read of the table."""
        if node.get("Relation Name") == table:
            yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for child in node.get("Plans", ()):
            yield from self.reads(child, table)

    # ---- tampering: what a superuser does, and what is said of it

    TAMPERING = (
        ("the record of a change", ["UPDATE audit_leaf SET bytes = convert_to(replace(convert_from(bytes, 'UTF8'), "
                                    "'user.created', 'user.updated'), 'UTF8') WHERE tree = 1 AND n = 100"],
         "changes: record 100 ("),
        ("a column beside the record", ["UPDATE audit_leaf SET actor_name = 'Somebody' WHERE tree = 1 AND n = 7"],
         "changes: record 7 (%(ws)s/audit/8) was edited: its column actor_name"),
        ("the status of a request", ["UPDATE audit_leaf SET status = 200 WHERE tree = 2 AND n = 97"],
         "requests: record 97 (fill-1/98) was edited: its column status"),
        ("a record that is removed", ["DELETE FROM audit_leaf WHERE tree = 1 AND n = 1200"],
         "changes: record 1200 was removed"),
        ("a record that is removed with its hash",
         ["DELETE FROM audit_leaf WHERE tree = 1 AND n = 1200", "DELETE FROM audit_hashes WHERE tree = 1 AND n = " + run_of(1, 1200)],
         "changes: record 1200 and its hash were removed"),
        ("a record that is inserted",
         ["INSERT INTO audit_leaf (workspace_id, tree, n, at, bytes, event, seq) SELECT workspace_id, tree, n, at + interval '1 s', "
          "bytes, 'mine', seq FROM audit_leaf WHERE tree = 2 AND n = 5"], "requests: record 5 is there twice: mine"),
        ("a record that is appended", ["INSERT INTO audit_leaf (workspace_id, tree, n, at, bytes, event, seq) SELECT workspace_id, tree, "
                                       "%(many)d, at, bytes, 'mine', seq FROM audit_leaf WHERE tree = 2 AND n = 5"],
         "requests: 1 records stand behind the end"),
        ("a record and its hash", ["UPDATE audit_leaf SET bytes = bytes || '\\x20' WHERE tree = 1 AND n = 100",
                                   edit_node(1, 0, 100, "(SELECT sha256('\\x00' || bytes) FROM audit_leaf WHERE tree = 1 AND n = 100)")],
         "changes: node (1, 50) was edited"),
        ("a node", [edit_node(2, 3, 9, "sha256('x')")],
         "requests: node (3, 9) was edited"),
        ("hashes that are removed", ["DELETE FROM audit_hashes WHERE tree = 2 AND n = " + run_of(2, 79)],
         "requests: node (3, 9) is missing"),
        ("hashes that are cut", ["UPDATE audit_hashes SET hashes = substring(hashes FOR length(hashes) - 32) "
                                  "WHERE tree = 2 AND n = " + run_of(2, 86)], "requests: record 86 (fill-1/87) has no hash"),
        ("hashes that are inserted", ["INSERT INTO audit_hashes SELECT workspace_id, tree, 78, substring(hashes FOR 32) FROM audit_hashes "
                                      "WHERE tree = 2 AND n = " + run_of(2, 79)], "requests: node (3, 9) is missing"),
        ("hashes behind the end", ["INSERT INTO audit_hashes SELECT workspace_id, tree, %(many)d, substring(hashes FOR 64) FROM audit_hashes "
                                   "WHERE tree = 2 AND n = " + run_of(2, 79)], "requests: 2 nodes stand behind the end"),
        ("the root of a head", ["UPDATE audit_checkpoint SET root = sha256('x') WHERE tree = 1 AND size = 1000"],
         "changes: checkpoint 1000 was edited"),
        ("the text of a head", ["UPDATE audit_checkpoint SET note = replace(note, E'\\n1000\\n', E'\\n1001\\n') WHERE tree = 1 AND size = 1000"],
         "changes: checkpoint 1000 is not as it was signed"),
        ("the head of the other tree", ["UPDATE audit_checkpoint c SET note = o.note, root = o.root FROM audit_checkpoint o "
                                        "WHERE c.tree = 1 AND c.size = 1000 AND o.tree = 2 AND o.size = 1000"],
         "changes: checkpoint 1000 is of another tree"),
        ("the end of the tree", ["UPDATE audit_tree SET size = 1290 WHERE tree = 1"], "changes: 10 records stand behind the end"),
    )

    def edited(self, *statements):
        return Edited(self.db, [s % {"ws": self.ws, "many": MANY} for s in statements])

    def test_tampering(self):
        for what, statements, said in self.TAMPERING:
            with self.subTest(what), self.edited(*statements):
                _, faults = self.verify("--key", self.key)
                said = said % {"ws": self.ws}
                self.assertTrue(any(f.startswith(said) for f in faults), "%s: %s" % (what, faults))

    def test_all_that_is_left_is_consistent(self):
        """Somebody who has the signing key too cuts the tree back to 500 records and forgets the rest. Only who
        has kept a head elsewhere notices."""
        with self.edited("DELETE FROM audit_leaf WHERE n >= 500", "DELETE FROM audit_hashes WHERE n >= 500",
                         "UPDATE audit_hashes SET hashes = substring(hashes FOR (audit_hashes_before(500) - audit_hashes_before(n))::int * 32) "
                         "WHERE audit_hashes_before(n) + length(hashes) / 32 > audit_hashes_before(500)",
                         "DELETE FROM audit_checkpoint WHERE size > 500", "UPDATE audit_tree SET size = 500, signed_size = 500"):
            self.assertEqual(self.verify("--key", self.key)[1], [])
            _, faults = self.verify("--key", self.key, "--checkpoint", self.older)
            self.assertEqual(faults, ["changes: the checkpoint that was given has %d records, and the tree has fewer now" % SEALED])

    def test_a_head_that_is_no_prefix(self):
        """A head of other records of the same workspace, signed by the same key: one of the two was never true."""
        note = next(x["note"] for x in archive.lines(self.ws, SEALED)
                    if x["what"] == "checkpoint" and x["size"] == SEALED and x["tree"] == "changes")
        _, faults = self.verify("--key", self.key, "--checkpoint", self.file("other.note", note))
        self.assertEqual(faults, ["changes: the checkpoint that was given is no prefix: its first %d records were others" % SEALED])


class Edited:
    """Edits of a superuser, which are taken back."""

    TABLES = ("audit_leaf", "audit_hashes", "audit_checkpoint", "audit_tree")

    def __init__(self, db, statements):
        self.db, self.statements = db, statements

    def __enter__(self):
        for table in self.TABLES:
            self.db.sql("CREATE TABLE kept_%s AS SELECT * FROM %s" % (table, table))
        for statement in self.statements:
            self.db.sql(statement)

    def __exit__(self, *_):
        for table in self.TABLES:
            self.db.sql("TRUNCATE %s" % table)
            self.db.sql("INSERT INTO %s SELECT * FROM kept_%s" % (table, table))
            self.db.sql("DROP TABLE kept_%s" % table)


class Proofs(Archive):
    def prove(self, *words):
        done = self.ctl("prove", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check(self, text, key=None):
        """Without database and network: it is told of neither."""
        program = os.path.join(self.stack.env["USHER_BIN"], "usherctl")
        return subprocess.run([program, "audit", "check", self.file("proof", text), "--key", key or self.key],
                              env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)

    def test_a_proof_is_checked_without_database(self):
        for event in ("%s/audit/1" % self.ws, "%s/audit/%d" % (self.ws, MANY), "fill-1/98"):
            text = self.prove(event, "--workspace", self.ws)
            self.assertTrue(text.startswith("c2sp.org/tlog-proof@v1\nextra "))
            done = self.check(text)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("of %d in usher.example/audit/%s/" % (MANY, self.ws), done.stdout)
            record = json.loads(done.stdout.splitlines()[-1])
            self.assertEqual(record["workspace"], self.ws)

    def test_a_program_of_somebody_else(self):
        """schemas/readers/check_proof.py, which has nothing of ours: each kind of place in a tree, and what is damaged."""
        sys.path.insert(0, os.path.join(stacks.ROOT, "schemas", "readers"))
        import check_proof
        names = {}
        for tree, events in (("changes", ["%s/audit/%d" % (self.ws, n) for n in (1, 2, 1024, 1025, MANY - 1, MANY)]),
                             ("requests", ["fill-1/1", "fill-1/%d" % MANY])):
            for event in events:
                text = self.prove(event, "--workspace", self.ws)
                record = json.loads(check_proof.check(text, self.key))
                self.assertEqual(record["workspace"], self.ws)
                names[tree] = text
        text = names["changes"]
        for at in range(0, len(text), 97):
            with self.assertRaises(ValueError, msg="byte %d" % at):
                check_proof.check(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:], self.key)
        program = [sys.executable, check_proof.__file__, self.file("proof", text), self.key]
        self.assertEqual(json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)["seq"], MANY)

    def test_a_flipped_bit_is_refused(self):
        text = self.prove("%s/audit/137" % self.ws)
        for at in range(0, len(text), 41):
            flipped = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]
            self.assertNotEqual(self.check(flipped).returncode, 0, "byte %d" % at)
        neumann = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        self.assertIn("none of the signatures", self.check(text, neumann).stderr)

    def test_by_txn(self):
        """A request and its two changes bear one txn: which of them is asked for."""
        txn = "0193a1c2-4d5e-7f60-8a9b-000000000032"
        done = self.ctl("prove", txn, "--workspace", self.ws)
        self.assertEqual(done.returncode, 1)
        self.assertIn("4 records have the txn", done.stderr)
        self.assertIn("%s/audit/101" % self.ws, done.stderr)

    def test_what_is_not_there(self):
        self.assertIn("has no record", self.ctl("prove", "%s/audit/99999" % self.ws).stderr)
        self.assertIn("is no id of a record", self.ctl("prove", "nonsense", "--workspace", self.ws).stderr)


class Search(Archive):
    def search(self, *words):
        done = self.ctl("search", "--workspace", self.ws, "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["records"]

    def test_each_field(self):
        limited = 1 + (MANY - 1) // 97
        for words, many in ((("--kind", "changes"), MANY), (("--action", "seat.taken"), 3 * MANY // 4), (("--action", "seat.freed"), 0),
                            (("--status", "429"), limited), (("--status", "4xx"), limited), (("--limited", "true"), limited),
                            (("--source", "203.0.113.7"), 6), (("--path", "/scim/v2/Users"), MANY),
                            (("--path", "/scim/*"), MANY), (("--path", "/api/*"), 0), (("--method", "POST"), MANY),
                            (("--actor", "0188e9d0-5566-7778-899a-abbccddeeff0"), 2 * MANY),
                            (("--target", "01905c4b-1122-7334-9556-000000000010"), 1),
                            (("--subject", "01905c4b-1122-7334-9556-000000000010"), 0),
                            (("--txn", "0193a1c2-4d5e-7f60-8a9b-000000000032"), 4),
                            (("--kind", "requests", "--txn", "0193a1c2-4d5e-7f60-8a9b-000000000032"), 2),
                            (("--from", "2000-01-01T00:00:00Z", "--to", "2001-01-01T00:00:00Z"), 0)):
            found = self.search("--limit", "100000", *words)
            self.assertEqual(len(found), many, words)
            self.assertEqual(len({(r["tree"], r["index"]) for r in found}), many)

    def test_for_people(self):
        """One line each, which says what became of the seat."""
        done = self.ctl("search", "--workspace", self.ws, "--target", "01905c4b-1122-7334-9556-000000000010")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^\S+  17        user\.created         u16  by key Entra  seat taken\n$")
        done = self.ctl("search", "--workspace", self.ws, "--target", "01905c4b-1122-7334-9556-000000000012")
        self.assertRegex(done.stdout, r"^\S+  19        user\.created         u18  by key Entra\n$")

    def test_the_newest_first(self):
        found = self.search("--limit", "700")
        self.assertEqual(len(found), 700)
        times = [r["record"]["time"] for r in found]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_wrong_words(self):
        for words, said in ((("--status", "abc"), "403, or 4xx"), (("--actor", "x"), "is an id"), (("--from", "x"), "RFC 3339"),
                            (("--kind", "x"), "changes or requests"), (("--limited", "false"), "left out")):
            done = self.ctl("search", "--workspace", self.ws, *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(said, done.stderr)


class Why(Archive):
    """Who is not in: removed by a group push, or held; the change and the request behind it are told."""

    ROOM, USER, TXN = "01917d2e-0a1b-7c2d-8e3f-405162738495", "01905c4b-1122-7334-9556-778899aabbcc", str(uuid.uuid4())

    def change(self, n, action, reason=None, txn=None):
        record = {"kind": "change", "workspace": self.ws, "epoch": 1, "seq": n, "time": "2026-11-30T00:00:%02dZ" % (n % 60),
                  "txn": txn or self.TXN, "actor": {"kind": "key", "id": str(uuid.uuid4()), "name": "Entra"}, "action": action,
                  "target": {"type": "Room", "id": self.ROOM, "name": "Dispatch"},
                  "subject": {"type": "User", "id": self.USER, "name": "ana"}, "outcome": "applied", "reason": reason,
                  "changes": []}
        self.db.sql("INSERT INTO audit_leaf (workspace_id, tree, n, at, bytes, event, epoch, seq, txn, action, target_id, subject_id) "
                    "VALUES (%s, 1, %s, %s, convert_to(%s, 'UTF8'), %s, 1, %s, %s, %s, %s, %s)", self.ws, n, record["time"],
                    json.dumps(record), "%s/audit/%d" % (self.ws, n), n, record["txn"], action, self.ROOM, self.USER)

    def request(self, n, path):
        record = {"kind": "request", "workspace": self.ws, "instance": "i", "n": n, "time": "2026-11-30T00:00:59Z", "txn": self.TXN,
                  "key": {"id": str(uuid.uuid4()), "name": "Entra", "class": "scim"}, "method": "PATCH", "path": path,
                  "status": 204, "sourceIp": "203.0.113.7", "userAgent": "idp/1"}
        self.db.sql("INSERT INTO audit_leaf (workspace_id, tree, n, at, bytes, event, seq, txn, path) VALUES "
                    "(%s, 2, %s, %s, convert_to(%s, 'UTF8'), %s, %s, %s, %s)", self.ws, n, record["time"], json.dumps(record),
                    "i/%d" % n, n, self.TXN, path)

    def why(self, *more):
        done = self.db.ctl("why", self.ROOM, self.USER, "--workspace", self.ws, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_removed_by_a_group_push(self):
        self.assertIn("The archive has no record of it.", self.why())
        self.change(5001, "member.added", txn=str(uuid.uuid4()))
        self.change(5002, "member.removed")
        self.request(5003, "/scim/v2/Groups/" + self.ROOM)
        said = json.loads(self.why("--json"))["why"]
        self.assertEqual((said["member"], said["held"], said["through"], said["proof"]), (False, False, "group push", None))
        self.assertEqual((said["because"]["id"], said["because"]["record"]["action"]), ("%s/audit/5002" % self.ws, "member.removed"))
        self.assertEqual(said["request"]["record"]["sourceIp"], "203.0.113.7")
        self.assertEqual([p["record"]["seq"] for p in said["past"]], [5002, 5001])
        text = self.why()
        for part in ("Not in the room, which does not exist; there is no such user.", "member.removed, epoch 1 seq 5002, by key \"Entra\"",
                     "through a group push", "PATCH /scim/v2/Groups/%s -> 204" % self.ROOM, "from 203.0.113.7, idp/1", "not signed yet"):
            self.assertIn(part, text)
