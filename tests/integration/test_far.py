"""usherctl from afar: the commands that ask PostgreSQL and Kafka, and over the admin API with an owner's token, answer
alike; a login is kept where its owner alone can read it; what cannot be done from afar says so."""

import base64
import datetime
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import tempfile
import uuid

import doors
from case import Case
from receiver import Receiver
from scimhttp import GROUP, USER
from waiting import run, wait_for_end

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SECRET = re.compile(r"(ush_|uso_|whsec_|whpk_)[A-Za-z0-9+/=_-]+")
FORMS = ("table", "json", "jsonl")


def vkey(name, key=b"k" * 32):
    """A public key as C2SP writes it, of somebody else."""
    signed = b"\x01" + key
    return "%s+%s+%s" % (name, hashlib.sha256(name.encode() + b"\n" + signed).hexdigest()[:8], base64.b64encode(signed).decode())


def plain(text):
    """Without what is new each time."""
    for pattern, word in ((SECRET, "SECRET"), (ID, "ID"), (TIME, "TIME")):
        text = pattern.sub(word, text)
    return text


class Far(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.stack.ctl("owner", "create", workspace=cls.ws.id, name="Olga")["token"]
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        super().tearDownClass()

    def program(self, words, **env):
        clean = {"PATH": os.environ["PATH"], "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", ""), "HOME": self.folder.name}
        with tempfile.TemporaryFile("w+", dir=self.folder.name) as typed:
            typed.write(env.pop("stdin", ""))
            typed.seek(0)
            return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), *words], capture_output=True, text=True,
                       stdin=typed, env={**clean, **env})

    def near(self, *words):
        return self.program([*words, "--workspace", self.ws.id] if self.names_workspace(words) else list(words),
                            USHER_PG=self.stack.env["USHER_PG"], USHER_KAFKA=self.stack.kafka)

    def far(self, *words, **env):
        return self.program(words, **{"USHER_URL": self.stack.url, "USHER_OWNER_TOKEN": self.token, **env})

    @staticmethod
    def names_workspace(words):
        return words[0] not in ("workspace", "status")

    def good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.args)
        return done.stdout

    def same(self, *words, exactly=True):
        """Near and far, in each form."""
        for form in FORMS:
            with self.subTest(" ".join(words), form=form):
                texts = [self.good(way(*words, "-o", form)) for way in (self.near, self.far)]
                self.assertEqual(*[t if exactly else plain(t) for t in texts])
        return texts[0]

    def both(self, *words):
        """What each has made, new ids and secrets apart."""
        texts = [self.good(way(*[w.format(way=name) for w in words], "-o", "json")) for way, name in (
            (self.near, "near"), (self.far, "far"))]
        self.assertEqual(*[plain(t.replace("-far", "-near")) for t in texts])
        return [json.loads(t) for t in texts]

    def client(self, token=None):
        """A new connection: one that was idle for long, on a busy machine, may have been closed."""
        client = self.ws.open(token)
        self.addCleanup(client.close)
        return client

    # ---- lists

    def test_what_is_shown(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        http = self.client()
        user = self.expect(http.post("/Users", {"schemas": [USER], "userName": "far@example.com"}), 201).json["id"]
        room = self.expect(http.post("/Groups", {"schemas": [GROUP], "displayName": "Far", "members": [{"value": user}]}),
                           201).json["id"]
        self.stack.ctl("key", "create", workspace=self.ws.id, name="shown", scopes="scim:users:read,api:rooms:read", expires="30d",
                       networks="203.0.113.0/24,2001:db8::/32", rate="7", dialect="okta", dry_run="yes")
        self.stack.ctl("key", "rotate", "shown", workspace=self.ws.id, overlap="24h")
        dead = self.stack.ctl("key", "create", workspace=self.ws.id, name="dead", scopes="all")["key"]["id"]
        self.stack.ctl("key", "revoke", dead)
        made = self.stack.ctl("delivery", "create", workspace=self.ws.id, name="shown", endpoint=receiver.url("/x"),
                              events="usher.member.added", state="paused")["delivery"]["id"]
        self.addCleanup(self.stack.ctl, "delivery", "revoke", made)
        self.same("key", "list", exactly=False)  # the last use of the suite's own key moves
        self.same("owner", "list", exactly=False)
        self.same("guard", "list", exactly=False)
        self.same("sign-in", "show")
        self.same("delivery", "list")
        self.same("delivery", "show", "shown")
        self.same("delivery", "attempts", made)
        self.same("workspace", "show", self.ws.id)
        self.same("workspace", "show", self.ws.name)
        self.assertIn("In the room since", self.good(self.far("why", room, user)))
        self.wait_until(lambda: "member.added" in self.good(self.near("why", room, user)), "the change in the archive")
        self.wait_until(lambda: "-> 201" in self.good(self.near("why", room, user)), "the request in the archive")
        self.wait_until(lambda: json.loads(self.good(self.near("why", room, user, "-o", "json")))["why"]["proof"], "a signed head")
        self.same("why", room, user, exactly=False)

    def test_a_key_list_says_the_same_to_the_letter(self):
        """In a workspace that nobody uses, so that not even a time moves."""
        ws = self.stack.workspace("quiet")
        self.addCleanup(ws.client.close)
        token = self.stack.ctl("owner", "create", workspace=ws.id, name="O")["token"]
        self.stack.ctl("key", "create", workspace=ws.id, name="k", scopes="all", networks="203.0.113.0/24", expires="30d")
        for form in FORMS:
            near = self.program(["key", "list", "--workspace", ws.id, "-o", form], USHER_PG=self.stack.env["USHER_PG"])
            far = self.program(["key", "list", "-o", form], USHER_URL=self.stack.url, USHER_OWNER_TOKEN=token)
            self.assertEqual(self.good(near), self.good(far))

    def test_more_than_a_page(self):
        ws = self.stack.workspace("many")
        self.addCleanup(ws.client.close)
        token = self.stack.ctl("owner", "create", workspace=ws.id, name="O")["token"]
        self.stack.sql("INSERT INTO usher.keys (workspace_id, id, name, prefix, token_hash, scopes, dialect, created, created_by) "
                       "SELECT workspace_id, gen_random_uuid(), 'k' || n, prefix, sha256(n::text::bytea), scopes, dialect, "
                       "created + n * interval '1 millisecond', created_by FROM usher.keys, generate_series(1, 450) AS n "
                       "WHERE workspace_id = %s AND name = (SELECT min(name) FROM usher.keys WHERE workspace_id = %s)", ws.id, ws.id)
        far = self.program(["key", "list", "-o", "jsonl"], USHER_URL=self.stack.url, USHER_OWNER_TOKEN=token)
        near = self.program(["key", "list", "-o", "jsonl", "--workspace", ws.id], USHER_PG=self.stack.env["USHER_PG"])
        lines = [sorted(json.loads(line)["id"] for line in self.good(done).splitlines()) for done in (near, far)]
        self.assertGreater(len(lines[0]), 450)
        self.assertEqual(*lines)

    # ---- changes

    def test_keys(self):
        near, far = self.both("key", "create", "--name", "k-{way}", "--scopes", "scim:users:read", "--rate", "50", "--networks",
                              "127.0.0.0/8,2001:db8::/32", "--dialect", "entra")
        self.assertNotEqual(near["token"], far["token"])
        self.assertEqual(self.client(far["token"]).get("/Users").status, 200)
        self.both("key", "set", "k-{way}", "--dry-run", "yes")
        rotated = self.both("key", "rotate", "k-{way}")[1]
        self.assertEqual(self.client(far["token"]).get("/Users").status, 401)
        self.assertEqual(self.client(rotated["token"]).get("/Users").status, 200)
        self.assertIsNotNone(self.both("key", "rotate", "k-{way}", "--overlap", "1h")[1]["key"]["oldTokenUntil"])
        self.both("key", "revoke", "k-{way}")
        self.assertEqual(self.client(rotated["token"]).get("/Users").status, 401)

    def test_owners(self):
        self.both("owner", "create", "--name", "o-{way}", "--role", "administrator", "--expires", "30d")
        self.both("owner", "revoke", "o-{way}")

    def test_deliveries(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        made = self.both("delivery", "create", "--name", "d-{way}", "--endpoint", receiver.url("/d"), "--events", "usher.member.added")[1]
        self.assertTrue(made["secret"])
        self.both("delivery", "create", "--name", "e-{way}", "--endpoint", receiver.url("/e"), "--signature", "ed25519", "--state", "paused")
        self.both("delivery", "set", "d-{way}", "--state", "paused")
        self.both("delivery", "set", "d-{way}", "--state", "enabled")
        self.both("delivery", "rotate", "d-{way}", "--overlap", "2h")
        self.both("delivery", "test", "d-{way}")
        self.wait_until(lambda: len(receiver.of("/d")) >= 2, "a test message of each")
        self.both("delivery", "replay", "d-{way}", "--after", "0")
        self.both("delivery", "replay", "d-{way}", "--since", "1h")
        for name in "de":
            self.both("delivery", "revoke", name + "-{way}")

    def test_settings_of_the_workspace(self):
        for way, seats in ((self.near, "70"), (self.far, "71")):
            shown = json.loads(self.good(way("workspace", "set", self.ws.name, "--seats", seats, "--default-role", "viewer", "-o", "json")))
            self.assertEqual(shown["workspace"]["seats"], int(seats))
        self.same("workspace", "show", self.ws.id)
        issuer = ("sign-in", "set", "--issuer", "https://idp.example.com", "--client-id", "usher", "--people", "ida@example.com=Olga")
        self.assertEqual(self.good(self.near(*issuer)), self.good(self.far(*issuer)))
        secret = os.path.join(self.folder.name, "secret")
        with open(secret, "w", encoding="utf-8") as f:
            f.write("the-secret-of-the-provider\n")
        self.good(self.far("sign-in", "set", "--secret-file", secret))
        self.same("sign-in", "show")
        self.assertIn("with a secret", self.good(self.near("sign-in", "show")))
        self.assertEqual(self.good(self.near("sign-in", "off")), self.good(self.far("sign-in", "off")))

    # ---- audit

    def test_audit(self):
        key = self.stack.ctl("key", "create", workspace=self.ws.id, name="audited", scopes="all")["key"]["id"]
        found = ("audit", "search", "--kind", "changes", "--target", key)
        self.wait_until(lambda: "key.created" in self.good(self.near(*found)), "the record in the archive")
        self.same(*found)
        until = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.same("audit", "search", "--kind", "changes", "--to", until, "--limit", "3")
        for form in ("ndjson", "csv", "ocsf"):
            words = ("audit", "export", "--kind", "changes", "--target", key, "--format", form)
            # what is signed is exported, and each export is a record itself
            self.wait_until(lambda w=words: key in self.good(self.near(*w)), "the record in a signed head")
            near, far = [[line for line in self.good(way(*words)).splitlines() if key in line] for way in (self.near, self.far)]
            self.assertTrue(near)
            self.assertEqual(near, far)
        record = json.loads(self.good(self.far(*found, "-o", "json")))["records"][0]["id"]
        self.wait_until(lambda: self.near("audit", "prove", record).returncode == 0, "a signed head")
        near, far = [self.good(way("audit", "prove", record)) for way in (self.near, self.far)]
        self.assertEqual(near.splitlines()[0], far.splitlines()[0])
        self.assertIn("proof", json.loads(self.good(self.far("audit", "prove", record, "-o", "json"))))

    def test_activity(self):
        self.expect(self.client().get("/Users"), 200)

        def counted():
            keys = json.loads(self.good(self.far("activity", "-o", "json")))["activity"]["keys"]
            return any(k["total"]["requests"] > 0 for k in keys)

        self.wait_until(counted, "the requests to be counted")
        self.assertRegex(self.good(self.far("activity", "--step", "minute")), r"\d+ requests, \d+ writes: [1-9]\d* good")
        self.assertEqual(self.far("activity", "--step", "year").returncode, 1)

    def test_status(self):
        said = json.loads(self.good(self.far("status", "-o", "json")))["status"]
        self.assertEqual((said["ready"], said["workspace"], said["ok"]), (True, self.ws.name, True))
        self.assertIn("ingest      ready", self.good(self.far("status")))

    # ---- refusals

    # ---- the audit

    def archived(self, ws):
        """Until all changes are in the archive and signed."""
        done = ("SELECT t.size >= w.audit_seq AND t.size = t.signed_size FROM audit_tree t JOIN workspaces w USING (workspace_id) "
                "WHERE t.workspace_id = %s AND t.tree = 1")
        self.wait_until(lambda: self.stack.sql(done, ws.id) == [(True,)], "the archive to be signed")

    def owned(self, name):
        """A workspace of its own with a change or two; gives it and a way to ask from afar."""
        ws = self.stack.workspace(name)
        self.addCleanup(ws.client.close)
        token = self.stack.ctl("owner", "create", workspace=ws.id, name="O")["token"]
        for i in range(3):
            self.user("%s%d" % (name, i), ws.client)
        self.archived(ws)
        return ws, lambda *words: self.program(words, USHER_URL=self.stack.url, USHER_OWNER_TOKEN=token)

    def keys_of(self, ws):
        """Public keys as somebody keeps them elsewhere, and the newest heads."""
        owner = doors.admin(ws, "owner")
        heads = owner.get("/checkpoints").json["checkpoints"]
        owner.close()
        return ",".join(sorted({k for head in heads for k in head["keys"]})), {h["tree"]: h["note"] for h in heads}

    def test_audit_verify(self):
        ws, far = self.owned("verified")
        keys, notes = self.keys_of(ws)
        kept = os.path.join(self.folder.name, "kept.note")
        with open(kept, "w", encoding="utf-8") as f:
            f.write(notes["changes"])
        near = json.loads(self.good(self.program(["audit", "verify", ws.id, "-o", "json"], USHER_PG=self.stack.env["USHER_PG"])))["audit"]
        done = far("audit", "verify", ws.name, "--key", keys, "--checkpoint", kept, "-o", "json")
        told = json.loads(self.good(done))["audit"]
        self.assertEqual((told["faults"], told["keys"]), ([], "given"))
        changes, requests = told["trees"]
        self.assertEqual((changes["tree"], requests["tree"]), ("changes", "requests"))
        self.assertGreaterEqual(changes["size"], near["trees"][0]["signed"])  # what no head has yet is not exported
        for tree in told["trees"]:
            self.assertEqual((tree["hashed"], tree["byHash"], tree["checkpoints"]), (tree["size"], 0, 1), tree)
        self.assertEqual((changes["firstSeq"], changes["lastSeq"]), (1, changes["size"]))
        text = self.good(far("audit", "verify", ws.id))
        self.assertIn("The key came from the service itself: give --key", text)
        self.assertIn("Nothing is wrong.", text)

    def test_audit_verify_finds_what_was_done(self):
        ws, far = self.owned("damaged")
        keys, notes = self.keys_of(ws)
        kept = os.path.join(self.folder.name, "damaged.note")
        with open(kept, "w", encoding="utf-8") as f:
            f.write(notes["changes"])
        told = lambda *words: (lambda d: (d.returncode, json.loads(d.stdout)["audit"]["faults"] if d.stdout else d.stderr))(  # noqa: E731
            far("audit", "verify", ws.id, "--key", keys, "-o", "json", *words))
        n, before = self.stack.sql("SELECT n, bytes FROM audit_leaf WHERE workspace_id = %s AND tree = 1 AND action = 'user.created' "
                                   "ORDER BY n LIMIT 1", ws.id)[0]
        before = bytes(before)
        self.assertGreater(n, 0)
        edit = "UPDATE audit_leaf SET bytes = %%s WHERE workspace_id = %%s AND tree = 1 AND n = %d" % n
        self.stack.sql(edit, before.replace(b"damaged0", b"changed0"), ws.id)
        code, faults = told()
        self.assertEqual((code, faults), (1, ["changes: the checkpoint was signed over other records than are there now"]))
        code, faults = told("--checkpoint", kept)
        self.assertIn("changes: the checkpoint that was given is no prefix: its first", str(faults))
        self.stack.sql(edit, before, ws.id)
        self.assertEqual(told("--checkpoint", kept), (0, []))
        # Another key than the one that signs.
        wrong = far("audit", "verify", ws.id, "--key", vkey("other"))
        self.assertEqual(wrong.returncode, 1, wrong.stdout)
        self.assertIn("is not signed with a key that is trusted", wrong.stdout)
        # One that is gone from the middle; others of before, whose time was over.
        self.stack.sql("CREATE TEMP TABLE far_kept AS SELECT * FROM audit_leaf WHERE workspace_id = %s AND tree = 1 AND n <= %s", ws.id, n)
        self.addCleanup(self.stack.sql, "INSERT INTO audit_leaf SELECT * FROM far_kept; DROP TABLE far_kept")
        self.stack.sql("DELETE FROM audit_leaf WHERE workspace_id = %s AND tree = 1 AND n = %s", ws.id, n)
        code, faults = told()
        self.assertEqual(code, 1)
        self.assertIn("changes: 1 records between the first and the last are gone: who sees the database can say which", faults)
        self.stack.sql("DELETE FROM audit_leaf WHERE workspace_id = %s AND tree = 1 AND n < %s", ws.id, n)
        code, faults = told("--checkpoint", kept)
        self.assertEqual((code, faults), (0, []))
        changes = json.loads(self.good(far("audit", "verify", ws.id, "--key", keys, "-o", "json")))["audit"]["trees"][0]
        self.assertEqual((changes["byHash"], changes["hashed"]), (n + 1, changes["size"] - n - 1))

    def test_audit_follow(self):
        """From now on, each record once, in the order of the tree; its own looks are left out."""
        ws, _ = self.owned("followed")
        token = self.stack.ctl("owner", "create", workspace=ws.id, name="F")["token"]
        self.archived(ws)
        path = os.path.join(self.folder.name, "followed")
        clean = {"PATH": os.environ["PATH"], "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", ""), "HOME": self.folder.name}
        with open(path, "w") as out:
            process = subprocess.Popen([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "audit", "follow", "-o", "jsonl"], stdout=out,
                                       stderr=subprocess.STDOUT, env={**clean, "USHER_URL": self.stack.url, "USHER_OWNER_TOKEN": token})
        try:
            looks = "SELECT count(*) FROM audit_leaf WHERE workspace_id = %s AND path = '/api/v1/admin/audit/follow'"
            self.wait_until(lambda: self.stack.sql(looks, ws.id)[0][0] > 0, "the first look")
            made = [self.user("seen%d" % i, ws.client)["id"] for i in range(5)]

            def lines():
                with open(path, encoding="utf-8") as f:
                    return [json.loads(line) for line in f.read().splitlines()]

            def created():
                return [r["target"]["id"] for r in lines() if r.get("action") == "user.created"]

            self.wait_until(lambda: len(created()) >= 5, "five changes")
            self.wait_until(lambda: len([r for r in lines() if r.get("method") == "POST"]) >= 5, "five requests")
            self.assertEqual(created(), made)
            self.assertEqual([r for r in lines() if r.get("path") == "/api/v1/admin/audit/follow"], [])
        finally:
            process.send_signal(signal.SIGINT)
            code = wait_for_end(process, "usherctl, which Ctrl-C ends")
        self.assertEqual(code, -signal.SIGINT)

    def test_what_follows_is_ones_own(self):
        """The whole of both trees from their beginnings, in pages, is what the archive has of this workspace alone."""
        ws, _ = self.owned("pages")
        owner = doors.admin(ws, "owner")
        self.addCleanup(owner.close)
        due = self.stack.sql("SELECT event FROM audit_leaf WHERE workspace_id = %s AND tree = 1 ORDER BY n", ws.id)
        seen, at = [], {"changes": 0, "requests": 0}
        while True:
            page = self.expect(owner.get("/audit/follow?limit=2&kind=changes&changes=%(changes)d&requests=%(requests)d" % at), 200).json
            self.assertLessEqual(len(page["items"]), 2)
            seen += [i["id"] for i in page["items"] if i["tree"] == "changes"]
            at = {k: page[k] for k in at}
            if not page["more"]:
                break
        self.assertEqual(seen[:len(due)], [event for event, in due])
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual({event.split("/")[0] for event in seen}, {ws.id})
        some = self.expect(owner.get("/audit/follow?changes=0&requests=0&action=user.created"), 200).json["items"]
        self.assertEqual({i["record"]["action"] for i in some}, {"user.created"})
        for wrong in ("changes=-2", "requests=x", "limit=201", "acton=user.created"):
            self.assertEqual(owner.get("/audit/follow?" + wrong).status, 400, wrong)

    def test_the_same_exit_codes(self):
        last = self.stack.sql("SELECT id::text FROM usher.owners WHERE workspace_id = %s AND revoked IS NULL AND role = 'owner'", self.ws.id)
        for code, words in ((1, ("key", "revoke", "nobody")), (1, ("owner", "revoke", "nobody")), (1, ("delivery", "show", "nobody")),
                            (1, ("delivery", "revoke", str(uuid.uuid4()))), (1, ("workspace", "show", "no such workspace")),
                            (2, ("key", "create", "--name", "x", "--scopes", "nonsense")), (2, ("key", "create", "--name", "x")),
                            (2, ("workspace", "set", self.ws.id)), (2, ("delivery", "replay", "x")), (2, ("key", "lst"))):
            with self.subTest(words):
                near, far = self.near(*words), self.far(*words)
                self.assertEqual((near.returncode, far.returncode), (code, code), (near.stderr, far.stderr))
                self.assertEqual((near.stdout, far.stdout), ("", ""))
                self.assertTrue(near.stderr and far.stderr)
        self.assertEqual(len(last), 1, "this owner is the last one")
        for way in (self.near, self.far):
            done = way("owner", "revoke", "Olga")
            self.assertEqual(done.returncode, 1)
            self.assertIn("last owner", done.stderr)

    def test_another_workspace(self):
        other = self.stack.workspace("other")
        self.addCleanup(other.client.close)
        done = self.far("key", "list", "--workspace", other.id)
        self.assertEqual(done.returncode, 1)
        self.assertIn('this token is for "%s"' % self.ws.name, done.stderr)

    def test_what_is_not_reached(self):
        done = self.far("key", "list", USHER_URL="http://127.0.0.1:1")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("cannot be reached", done.stderr)
        done = self.far("key", "list", USHER_OWNER_TOKEN=self.token[:-1] + ("A" if self.token[-1] != "A" else "B"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("does not take the token", done.stderr)

    def test_each_command_of_the_table(self):
        """What can be done from afar asks no PostgreSQL, and what cannot says what it needs."""
        table = json.loads(self.program(["help", "--json"]).stdout)["commands"]
        self.assertEqual({c["reach"] for c in table}, {"near", "far", "both", "anywhere"})
        for c in table:
            operands = ["x"] * len(re.findall(r" [A-Z]+(?:\|[A-Za-z]+)*(?= |$)", re.sub(r"--\S+ \S+|\[.*?\]", "", c["usage"], flags=re.S)))
            words = [w for w in (c["noun"], c["name"]) if w] + operands
            help_ = self.program(["help", *words[:2]]).stdout
            if c["reach"] == "near":
                done = self.far(*words)
                self.assertEqual(done.returncode, 2, (words, done.stderr))
                self.assertTrue("needs PostgreSQL" in done.stderr or "usage" in done.stderr, (words, done.stderr))
                self.assertIn("It needs PostgreSQL, and for changes Kafka.", help_)
            elif c["reach"] == "both":
                self.assertIn("or a login (usherctl login).", help_)
        done = self.far("workspace", "list")
        self.assertEqual(done.returncode, 2)
        self.assertIn("workspace list needs PostgreSQL", done.stderr)

    # ---- login

    def test_login(self):
        config = os.path.join(self.folder.name, "config-" + uuid.uuid4().hex[:6])
        file = os.path.join(config, "usher", "logins.json")

        def ctl(*words, **env):
            return self.program(words, XDG_CONFIG_HOME=config, **env)

        self.assertEqual(ctl("login", "http://scim.example.com", stdin=self.token).returncode, 2)
        self.assertEqual(ctl("login", self.stack.url, stdin="nonsense\n").returncode, 2)
        wrong = ctl("login", self.stack.url, stdin=self.token[:-1] + ("A" if self.token[-1] != "A" else "B") + "\n")
        self.assertIn(wrong.returncode, (1, 2), wrong.stderr)
        self.assertFalse(os.path.exists(file), "only what opens the door is kept")
        self.assertIn(self.ws.name, self.good(ctl("login", self.stack.url + "/", stdin=self.token + "\n")))
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(file)).st_mode), 0o700)
        self.assertIn("Olga", self.good(ctl("owner", "list")))
        self.assertIn("Olga", self.good(ctl("owner", "list", USHER_URL=self.stack.url)))
        self.assertNotIn(self.token, ctl("owner", "list", "-o", "json").stdout)
        # PostgreSQL that is configured comes first, unless --far is given
        self.assertEqual(ctl("owner", "list", USHER_PG=self.stack.env["USHER_PG"]).returncode, 2, "--workspace is needed near")
        self.good(ctl("owner", "list", "--far", USHER_PG=self.stack.env["USHER_PG"]))
        os.chmod(file, 0o640)
        done = ctl("owner", "list")
        self.assertEqual(done.returncode, 2)
        self.assertIn("others can read it", done.stderr)
        os.chmod(file, 0o600)
        self.assertIn(self.stack.url, self.good(ctl("logout")))
        with open(file, encoding="utf-8") as f:
            self.assertNotIn(self.token, f.read())
        self.assertEqual(ctl("logout").returncode, 1)
        self.assertEqual(ctl("owner", "list", "--far").returncode, 2)
