"""usherctl as a tool: help, exit codes, forms of output, what asks first, what an error means; and what each program
says of a wrong configuration, and of a database or a broker that it cannot reach."""

import json
import os
import pty
import re
import subprocess
import threading
import urllib.parse

from case import Case
from waiting import run, wait_for_end

PROGRAMS = ("usher-ingest", "usher-worker", "usherctl")


class Tools(Case):
    def program(self, name, *words, **env):
        """With nothing of a stack in the environment but what is given."""
        clean = {"PATH": os.environ["PATH"], "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}
        return run([os.path.join(self.stack.env["USHER_BIN"], name), *words], capture_output=True, text=True,
                   env={**clean, **env})

    def ctl(self, *words, **env):
        return self.program("usherctl", *words, USHER_PG=self.stack.env["USHER_PG"], USHER_KAFKA=self.stack.kafka, **env)

    def elsewhere(self, **parts):
        """The stack's database with other parts of its URI."""
        uri = urllib.parse.urlsplit(self.stack.env["USHER_PG"])
        user, password, host, port = (parts.get(k, v) for k, v in (
            ("user", uri.username), ("password", uri.password), ("host", uri.hostname), ("port", uri.port)))
        return "postgresql://%s:%s@%s:%s/%s" % (user, password, host, port, parts.get("database", uri.path[1:]))


class Help(Tools):
    def commands(self):
        text = self.ctl("help").stdout
        return sorted(set(re.findall(r"(?m)^  usherctl ([a-z]+(?: [a-z]+)?)(?= |$)", text)))

    def test_each_command_has_help_of_its_own(self):
        commands = [c for c in self.commands() if c != "help"]
        self.assertGreater(len(commands), 24)
        for command in commands:
            words = command.split()
            with self.subTest(command):
                for asked in (self.ctl(*words, "--help"), self.ctl("help", *words), self.ctl("-h", *words)):
                    self.assertEqual((asked.returncode, asked.stderr), (0, ""))
                    self.assertIn("usherctl " + command, asked.stdout)
                    # the usage, and a sentence that says what it does
                    self.assertRegex(asked.stdout, r"(?m)^    [A-Z][^\n]+\.$")
                    self.assertIn("-o table|json|jsonl", asked.stdout)
                    self.assertNotIn("usherctl workspace list" if words[0] != "workspace" else "usherctl key", asked.stdout)

    def test_a_noun_shows_its_commands(self):
        text = self.ctl("key", "--help").stdout
        for verb in ("create", "set", "rotate", "list", "revoke"):
            self.assertIn("usherctl key " + verb, text)
        self.assertIn("--seats", self.ctl("workspace", "set", "--help").stdout)
        self.assertNotIn("--seats", text)

    def test_help_needs_nothing(self):
        done = self.program("usherctl", "key", "revoke", "--help", USHER_PG="nonsense=1")
        self.assertEqual(done.returncode, 0, done.stderr)
        unknown = self.ctl("help", "nonsense")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn('no command "nonsense"', unknown.stderr)

    def test_explain(self):
        for word, name in (("SEATS", "SEATS"), ("uniqueness", "UNIQUENESS"), ("429", "RATE_LIMITED"),
                           ("outcome_unknown", "OUTCOME_UNKNOWN")):
            self.assertIn(name + "  (HTTP", self.ctl("explain", word).stdout)
        self.assertEqual(self.ctl("explain", "nothing").returncode, 2)
        for error in json.loads(self.ctl("explain", "503", "--json").stdout)["errors"]:
            self.assertEqual(error["status"], 503)
            self.assertTrue(error["advice"], error)

    def test_every_error_is_explained(self):
        with open(os.path.join(self.stack.root, "schemas", "README.md"), encoding="utf-8") as f:
            names = re.findall(r"(?m)^\| `([A-Z_]+)` \| (?:OK|RETRY|REJECT|FATAL) ", f.read())
        self.assertGreater(len(names), 40)
        for name in names:
            done = self.ctl("explain", name)
            self.assertEqual(done.returncode, 0, name)
            self.assertEqual(len(done.stdout.rstrip().splitlines()), 3, done.stdout)


class Output(Tools):
    def test_forms(self):
        whole = json.loads(self.ctl("workspace", "list", "-o", "json").stdout)["workspaces"]
        lines = [json.loads(line) for line in self.ctl("-o", "jsonl", "workspace", "list").stdout.splitlines()]
        # Other suites make workspaces and users meanwhile; what a workspace was made with stays.
        listed = {w["id"]: w for w in lines}
        self.assertEqual([(w["id"], w["name"], w["created"], sorted(w)) for w in whole],
                         [(w["id"], w["name"], w["created"], sorted(listed[w["id"]])) for w in whole])
        self.assertEqual(len(listed), len(lines))
        self.assertGreater(len(lines), 1)
        self.assertIn("demo", self.ctl("workspace", "list", "-o", "table").stdout)
        one = self.ctl("status", "--output=jsonl").stdout.splitlines()
        self.assertEqual(len(one), 1)
        self.assertTrue(json.loads(one[0])["status"]["ok"])
        self.assertEqual(self.ctl("status", "-o", "xml").returncode, 2)

    def test_exit_codes(self):
        for code, words, env in (
                (0, ["status"], {}),
                (1, ["key", "list", "--workspace", "no such workspace"], {}),
                (2, ["key", "lst"], {}),
                (2, ["key", "list", "--wrkspace", "x"], {}),
                (2, ["status", "--deadline-ms", "soon"], {}),
                (3, ["workspace", "list", "--pg", self.elsewhere(port=1)], {}),
                (3, ["workspace", "create", "nowhere", "--kafka", "127.0.0.1:1"], {})):
            with self.subTest(words):
                done = self.ctl(*words, **env)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(bool(done.stderr), code != 0)

    def at_terminal(self, words, answer):
        """Runs usherctl at a terminal of its own; gives its exit code and what it showed."""
        master, slave = pty.openpty()
        process = subprocess.Popen([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), *words], stdin=slave,
                                   stdout=slave, stderr=slave, close_fds=True, env={**os.environ, **self.stack.env})
        os.close(slave)
        os.write(master, answer)
        shown = b""
        try:
            while chunk := os.read(master, 4096):
                shown += chunk
        except OSError:  # the other end was closed
            pass
        os.close(master)
        return wait_for_end(process, "usherctl"), shown.decode()

    def test_what_destroys_asks_people(self):
        ws = self.stack.workspace("asks")
        for answer, code, revoked in ((b"n\n", 1, False), (b"\n", 1, False), (b"y\n", 0, True)):
            key = ws.key("one")[1]
            got, shown = self.at_terminal(["key", "revoke", key], answer)
            self.assertEqual(got, code, shown)
            self.assertIn("Go on? [y/N]", shown)
            self.assertEqual("nothing was changed" in shown, not revoked)
        key = ws.key("two")[1]
        got, shown = self.at_terminal(["key", "revoke", key, "--yes"], b"")
        self.assertEqual(got, 0)
        self.assertNotIn("Go on?", shown)
        got, shown = self.at_terminal(["key", "list", "--workspace", ws.id], b"")
        self.assertNotIn("Go on?", shown)
        # a script is not asked
        self.assertEqual(self.ctl("key", "revoke", ws.key("three")[1]).returncode, 0)


class CheckConfig(Tools):
    """What each program says of a wrong setting before it runs."""

    GOOD = ("--pg", "postgresql://u@127.0.0.1/usher", "--kafka", "127.0.0.1:9092")

    def wrong(self, program, says, *words, **env):
        with self.subTest(program, words=words, env=env):
            done = self.program(program, "--check-config", *words, **env)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn(says, done.stderr)

    def test_good(self):
        for program in PROGRAMS:
            done = self.program(program, "--check-config", *self.GOOD)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "ok\n", ""))

    def test_wrong(self):
        for program in ("usher-ingest", "usher-worker"):
            self.wrong(program, "pg: the setting is missing")
            self.wrong(program, "pg: it names no database", "--pg", "")
            self.wrong(program, "pg: invalid connection option", "--pg", "hots=db")
            self.wrong(program, "pg: sslrootcert: cannot read /nonexistent/ca.pem", "--pg",
                       "host=db sslmode=verify-full sslrootcert=/nonexistent/ca.pem")
            self.wrong(program, "ssl.ca.location", *self.GOOD, "--kafka.security.protocol=ssl",
                       "--kafka.ssl.ca.location=/nonexistent/ca.pem")
            self.wrong(program, "sasl.username", *self.GOOD, "--kafka.security.protocol=sasl_plaintext",
                       "--kafka.sasl.mechanism=PLAIN")
            self.wrong(program, "is not host:port", *self.GOOD[:2], "--kafka", "k1:9092;k2:9092")
            self.wrong(program, "unexpected argument", *self.GOOD, "start")
            self.wrong(program, "USHER_DEADLINE is no setting of " + program, *self.GOOD, USHER_DEADLINE="3000")
            self.wrong(program, "log-level: \"verbose\" is not", *self.GOOD, "--log-level", "verbose")
            self.wrong(program, "cannot read /nonexistent.conf", "--config", "/nonexistent.conf")
            self.wrong(program, "partitions", *self.GOOD, "--partitions", "0")
        ingest, worker = "usher-ingest", "usher-worker"
        self.wrong(ingest, "listen: \"8080\" is not host:port", *self.GOOD, "--listen", "8080")
        self.wrong(ingest, "jwks-ca: cannot read /nonexistent/ca.pem", *self.GOOD, "--jwks-ca", "/nonexistent/ca.pem")
        self.wrong(ingest, "tls-cert: cannot read /nonexistent", *self.GOOD, "--tls-cert", "/nonexistent")
        self.wrong(ingest, "tls-cert and tls-key go together", *self.GOOD, "--tls-cert", "/dev/null")
        self.wrong(ingest, "/dev/null", *self.GOOD, "--signing-key", "/dev/null")
        self.wrong(ingest, "public-url", *self.GOOD, "--public-url", "scim.example.com")
        self.wrong(ingest, "trusted-proxies", *self.GOOD, "--trusted-proxies", "10.0.0.0/64")
        self.wrong(worker, "metrics-listen: \"9101\" is not host:port", *self.GOOD, "--metrics-listen", "9101")
        self.wrong(worker, "/dev/null", *self.GOOD, "--audit-key", "/dev/null")
        self.wrong(worker, "roles: 'aply' is none", *self.GOOD, "--roles", "aply")

    def test_scram_of_an_old_librdkafka_is_said_by_name(self):
        import confluent_kafka
        for program in PROGRAMS:
            done = self.program(program, "--check-config", *self.GOOD, "--kafka.sasl.mechanism=SCRAM-SHA-512",
                                "--kafka.sasl.username=u", "--kafka.sasl.password=p")
            self.assertEqual((done.returncode, done.stdout), (0, "ok\n"))
            old = confluent_kafka.libversion()[1] < 0x020601ff
            self.assertEqual("SCRAM of librdkafka" in done.stderr, old, done.stderr)


class Start(Tools):
    """What cannot be reached is said with its cause, at once."""

    def causes(self):
        return ((dict(password="wrong"), "password authentication failed for user"),
                (dict(database="nowhere"), "does not exist"),
                (dict(port=1), "Connection refused"),
                (dict(host="no.such.host.invalid"), "could not translate host name"))

    def test_migrate_says_the_cause(self):
        for parts, cause in self.causes():
            for words in (["migrate"], ["status"]):
                done = self.ctl(*words, "--pg", self.elsewhere(**parts))
                self.assertIn(cause, done.stderr + done.stdout)
                self.assertEqual(done.returncode, 3, done.stderr)

    def test_usherctl_says_why_kafka_is_not_there(self):
        done = self.ctl("workspace", "create", "x", "--kafka", "127.0.0.1:1")
        self.assertEqual(done.returncode, 3)
        self.assertIn("Connection refused", done.stderr)

    def first_lines(self, program, *words, until):
        """Runs a program that tries again for ever until its log has the text; gives the log."""
        command = [os.path.join(self.stack.env["USHER_BIN"], program), *words]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env={"PATH": os.environ["PATH"]})
        seen = ""
        timer = threading.Timer(60, process.terminate)  # it tries for ever, and logs each trouble once
        timer.start()
        for line in process.stderr:
            seen += line
            if until in line:
                break
        timer.cancel()
        process.terminate()
        seen += process.stderr.read()
        process.stderr.close()
        wait_for_end(process, program)
        return seen

    def test_programs_say_the_cause(self):
        for parts, cause in self.causes():
            for program in ("usher-worker", "usher-ingest"):
                with self.subTest(program, cause=cause):
                    more = ["--listen", "127.0.0.1:0"] if program == "usher-ingest" else []
                    self.assertIn(cause, self.first_lines(program, "--pg", self.elsewhere(**parts), "--kafka",
                                                          self.stack.kafka, *more, until=cause))

    def test_a_worker_says_why_kafka_is_not_there(self):
        seen = self.first_lines("usher-worker", "--config", os.path.join(self.stack.run_dir, "conf", "worker"), "--kafka",
                                "127.0.0.1:1", "--metrics-listen", "", until="event=start-waits")
        self.assertRegex(seen, "event=start-waits for=Kafka error=.*Connection refused")
