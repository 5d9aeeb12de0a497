"""Apache Kafka with SASL and its StandardAuthorizer: the rights of ops/topics.md are enough for each program, and whoever
lacks one of them is told which. And SCRAM, where this librdkafka can do it or not."""

import http.client
import json
import os
import subprocess

import acls
import confluent_kafka
from kafkacase import KafkaCase
from scimhttp import USER
from stack import ROOT, free_port
from waiting import SILENCE, run, wait_for_end, wait_until

PAGE = os.path.join(ROOT, "ops", "topics.md")
SCRAM_SINCE = 0x020601ff


class Secured(KafkaCase):
    @classmethod
    def setUpClass(cls):
        cls.sasl = free_port()
        cls.settings = {"SASL_PORT": str(cls.sasl)}
        super().setUpClass()
        # Those of the stack come by the listener that may do everything: they have made the topics.
        for part in ("ingest", "worker"):
            cls.stack.local("stop", part)
        cls.bindings = acls.lines_of(PAGE)
        acls.add(cls.stack.kafka, cls.bindings)

    def words(self, user, mechanism="PLAIN"):
        return ["--kafka", "127.0.0.1:%d" % self.sasl, "--kafka.security.protocol=SASL_PLAINTEXT",
                "--kafka.sasl.mechanism=" + mechanism, "--kafka.sasl.username=" + user,
                "--kafka.sasl.password=%s-secret" % user]

    def begin(self, program, *more, mechanism="PLAIN"):
        """The program as its principal. Gives (process, path of its log)."""
        path = os.path.join(self.stack.run_dir, "log", "%s-%d.log" % (program, len(os.listdir(os.path.join(
            self.stack.run_dir, "log")))))
        with open(path, "wb") as log:
            process = subprocess.Popen(
                [os.path.join(self.stack.env["USHER_BIN"], "usher-" + program), "--config",
                 os.path.join(self.stack.run_dir, "conf", program), *self.words("usher-" + program, mechanism), *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})
        self.addCleanup(self.finish, process, program)
        return process, path

    def finish(self, process, program):
        if process.poll() is None:
            process.terminate()
        wait_for_end(process, program)

    def told(self, path):
        with open(path, errors="replace") as f:
            return f.read()

    def state(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def until_ready(self, port, path):
        wait_until(lambda: self.state(port)[0] == 200, "readiness", lambda: (self.state(port), self.told(path)[-500:]))

    def ctl(self, *words):
        return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), *words, *self.words("usherctl")],
                   env={**os.environ, **self.stack.env}, capture_output=True, text=True)

    def doctor(self):
        """(exit code, {(area, what, says)} of what is bad)."""
        done = self.ctl("doctor", "--json", "--ingest", "User:usher-ingest", "--worker", "User:usher-worker")
        self.assertTrue(done.stdout, done.stderr)
        checks = json.loads(done.stdout)["checks"]
        return done.returncode, {(c["area"], c["what"], c["says"]) for c in checks if c["state"] == "bad"}


class Rights(Secured):
    def test_what_is_documented_is_enough(self):
        """All that the programs do goes with these rights: the check at the start, writes, streams, archive, status and
        doctor."""
        ports = free_port(), free_port()
        _, worker = self.begin("worker", "--metrics-listen", "127.0.0.1:%d" % ports[0])
        self.until_ready(ports[0], worker)
        _, ingest = self.begin("ingest", "--listen", "127.0.0.1:%d" % ports[1])
        self.until_ready(ports[1], ingest)
        client = self.ws.open(url="http://127.0.0.1:%d" % ports[1])
        self.expect(client.post("/Users", {"schemas": [USER], "userName": "allowed"}), 201)
        self.assertIn("user.created", [c["action"] for c in self.followers.changes(self.ws.id)])
        wait_until(lambda: self.stack.sql("SELECT count(*) FROM audit_checkpoint WHERE workspace_id = %s", self.ws.id)[0][0],
                   "a signed head", self.stack.progress)
        self.assertIn("event=broker exactly_once=yes", self.told(worker))
        self.none_wrong([line for path in (worker, ingest) for line in self.told(path).splitlines()
                         if "AUTHORIZATION_FAILED" in line])
        status = self.ctl("status")
        self.assertEqual(status.returncode, 0, status.stdout + status.stderr)
        self.assertEqual(self.doctor(), (0, set()))
        self.assertEqual(self.ctl("doctor").stderr, "")

    def test_each_right_of_ingest_and_worker_is_missed_by_name(self):
        """Topics and groups; librdkafka cannot read the others."""
        wanted = [b for b in self.bindings if b[0] in (acls.TYPES["topic"], acls.TYPES["group"])
                  and b[3] in ("User:usher-ingest", "User:usher-worker")]
        names = {number: name for name, number in acls.OPERATIONS.items()}
        unseen = []
        for binding in wanted:
            kind, name, _, principal, operation = binding
            acls.remove(self.stack.kafka, binding)
            wait_until(lambda: self.doctor()[1], "the missing right to be told", silence=180)
            said = {says for area, _, says in self.doctor()[1] if area == "rights"}
            if not any(says.startswith("%s may not %s" % (principal, names[operation])) and name in says for says in said):
                unseen.append((binding, said))
            acls.add(self.stack.kafka, [binding])
        self.none_wrong([str(u) for u in unseen])
        wait_until(lambda: not [b for b in self.doctor()[1] if b[0] == "rights"], "all rights to be there again",
                   silence=180)

    def test_status_says_what_may_not_be_seen(self):
        mine = [b for b in self.bindings if b[3] == "User:usherctl" and b[0] == acls.TYPES["topic"]
                and b[2] == acls.PREFIXED]
        for binding in mine:
            acls.remove(self.stack.kafka, binding)
        try:
            seen = wait_until(lambda: (lambda d: d if "may NOT be seen" in d.stdout else None)(self.ctl("status")),
                              "status to tell", silence=180)
            self.assertEqual(seen.returncode, 1)
            self.assertNotIn("MISSING", seen.stdout)
            self.assertIn("may not be seen by this principal", " ".join(says for _, _, says in self.doctor()[1]))
        finally:
            acls.add(self.stack.kafka, mine)

    def test_a_worker_says_which_right_it_lacks(self):
        group, = (b for b in self.bindings if b[1] == "usher-selfcheck-" and b[4] == acls.OPERATIONS["Read"])
        acls.remove(self.stack.kafka, group)
        try:
            port = free_port()
            _, path = self.begin("worker", "--metrics-listen", "127.0.0.1:%d" % port)
            wait_until(lambda: "Group authorization failed" in self.told(path) and "Self-check" in self.told(path),
                       "the worker to say what it lacks", lambda: self.told(path)[-500:])
            self.assertNotEqual(self.state(port)[0], 200)
        finally:
            acls.add(self.stack.kafka, [group])


class Scram(Secured):
    def test_scram_works_or_is_said_to_be_the_cause(self):
        """librdkafka before 2.6.1 cannot do it with Apache Kafka 4, which answers "invalid credentials"."""
        port = free_port()
        _, path = self.begin("worker", "--metrics-listen", "127.0.0.1:%d" % port, mechanism="SCRAM-SHA-512")
        if confluent_kafka.libversion()[1] >= SCRAM_SINCE:
            self.until_ready(port, path)
            return
        wait_until(lambda: "SCRAM of librdkafka" in self.told(path) and "uthentication failed" in self.told(path),
                   "the cause", lambda: self.told(path)[-500:])
        self.assertEqual(self.state(port)[0], 503)
        self.assertLess(self.told(path).index("SCRAM of librdkafka"), self.told(path).index("uthentication failed"))
