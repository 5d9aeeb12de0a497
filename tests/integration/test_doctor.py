"""usherctl doctor finds each kind of trouble, says what to do, and is content where nothing is wrong. On a stack of its
own, which it spoils."""

import contextlib
import datetime
import json
import os
import re

import confluent_kafka
import confluent_kafka.admin
import psycopg2
import stream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafkacase import KafkaCase
from scimhttp import USER
from stack import free_port
from waiting import run, wait_until


def certificate(path, days):
    """A self-signed one that is good for so many days from now on; negative: it has run out."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    end = datetime.datetime.utcnow() + datetime.timedelta(days=days, hours=1)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(end - datetime.timedelta(days=400))
            .not_valid_after(end).sign(key, hashes.SHA256()))
    with open(path, "wb") as f:
        f.write(cert.public_bytes(serialization.Encoding.PEM))
    return path


class Doctor(KafkaCase):
    def run_it(self, *words, form="--json", **env):
        return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "doctor", *([form] if form else []), *words],
                   env={**os.environ, **self.stack.env, **env}, capture_output=True, text=True)

    def checks(self, *words, **env):
        """(exit code, what was looked at)."""
        done = self.run_it("--settings", self.settings_file(), *words, **env)
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)["checks"]

    def settings_file(self, *lines):
        path = os.path.join(self.stack.run_dir, "doctor.conf")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        os.chmod(path, 0o600)
        return path

    def found(self, state, what, says, *words, **env):
        """Exactly this of what is not right; gives the exit code. The other lines say that all is well."""
        code, checks = self.checks(*words, **env)
        wrong = [c for c in checks if c["state"] != "ok"]
        mine = [c for c in wrong if c["state"] == state and c["what"] == what and re.search(says, c["says"])]
        self.assertTrue(mine, "%s %s %s: %s" % (state, what, says, wrong))
        for check in wrong:
            self.assertTrue(check["todo"], check)
        return code

    @contextlib.contextmanager
    def changed(self, there, back):
        self.stack.sql(there)
        try:
            yield
        finally:
            self.stack.sql(back)

    def test_a_good_one(self):
        self.user("good", self.ws.client)
        self.followers.settle(self.ws.id)
        code, checks = self.checks()
        self.assertEqual((code, [c for c in checks if c["state"] == "bad"]), (0, []), checks)
        self.assertGreater(len(checks), 25)
        self.assertEqual({c["area"] for c in checks}, {"versions", "clocks", "postgres", "disk", "workers", "archive", "kafka",
                                                       "topics", "rights", "lag", "files", "seats", "credentials"})
        self.assertEqual({c["what"] for c in checks if c["area"] == "topics"},
                         {stream.COMMANDS, stream.REPLIES, stream.MEMBERSHIP, stream.ROOMS, stream.EVENTS, stream.AUDIT,
                          "usher.checkpoints", stream.DEADLETTER})

    def test_its_forms(self):
        table, lines = self.run_it(form=None), self.run_it("-o", "jsonl", form=None)
        self.assertEqual((table.returncode, lines.returncode), (0, 0), table.stdout)
        checks = [json.loads(line) for line in lines.stdout.splitlines()]
        self.assertEqual({tuple(sorted(c)) for c in checks}, {("area", "says", "state", "todo", "what")})
        self.assertEqual(len(re.findall("^(?:ok|warn|bad) ", table.stdout, re.M)), len(checks))
        self.assertRegex(table.stdout, r"\d+ ok, \d+ to be looked at, 0 wrong\n$")

    def test_topics(self):
        for topic, key, value, state, says in (
                (stream.AUDIT, "max.message.bytes", 20000, "bad", "max.message.bytes=20000, 1048588 are needed"),
                (stream.ROOMS, "cleanup.policy", "delete", "bad", "cleanup.policy=delete, it must be compact"),
                (stream.EVENTS, "cleanup.policy", "compact", "bad", "cleanup.policy=compact, it must be delete"),
                (stream.MEMBERSHIP, "retention.ms", 1000000, "warn", "retention.ms=1000000, meant are 2592000000"),
                (stream.COMMANDS, "unclean.leader.election.enable", "true", "bad", "unclean.leader.election")):
            with self.subTest(topic, key=key):
                due = {"max.message.bytes": 16842752 if topic == stream.COMMANDS else 1048588}
                if topic == stream.ROOMS:
                    due["cleanup.policy"] = "compact"
                else:
                    due["retention.ms"] = {stream.COMMANDS: 604800000}.get(topic, 2592000000)
                words = [w for pair in {**due, key: value}.items() for w in pair]
                self.admin("config", topic, *words)
                try:
                    code = wait_until(lambda: self.seen(state, topic, says), "the setting to be seen", silence=60)
                    self.assertEqual(code - 1, 1 if state == "bad" else 0)
                finally:
                    self.admin("config", topic, *[w for pair in due.items() for w in pair])

    def seen(self, state, what, says):
        """The exit code + 1 where it is said; Kafka needs a moment to tell a new setting."""
        code, checks = self.checks()
        return (code + 1) * any(c["state"] == state and c["what"] == what and says in c["says"] for c in checks)

    def test_a_topic_is_missing_and_other_partitions(self):
        client = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.stack.kafka})
        client.delete_topics([stream.DEADLETTER])[stream.DEADLETTER].result()
        try:
            self.assertEqual(wait_until(lambda: self.seen("bad", stream.DEADLETTER, "is missing"), "it to be missing",
                                        silence=60) - 1, 1)
        finally:
            self.stack.local("stop", "worker")
            self.stack.start()
        self.assertEqual(self.found("bad", stream.AUDIT, "12 partitions, the setting says 6", "--partitions", "6"), 1)

    def test_no_worker(self):
        self.stack.local("stop", "worker")
        try:
            for i in range(3):
                answer = self.ws.client.post("/Users", {"schemas": [USER], "userName": "waits%d" % i},
                                             headers={"Prefer": "respond-async"})
                self.assertEqual(answer.status, 202, answer)
            self.assertEqual(self.found("bad", "running", "^0$"), 1)
            lag, = (c["says"] for c in self.checks()[1] if (c["area"], c["what"]) == ("lag", "workers"))
            self.assertEqual(lag, "3 records of usher.commands wait")
        finally:
            self.stack.start()

    def test_postgresql(self):
        database = self.stack.sql("SELECT current_database()")[0][0]
        with self.changed('ALTER DATABASE "%s" SET synchronous_commit = off' % database,
                          'ALTER DATABASE "%s" RESET synchronous_commit' % database):
            self.assertEqual(self.found("bad", "durable", "synchronous_commit off"), 1)
        with self.changed('ALTER DATABASE "%s" SET default_transaction_read_only = on' % database,
                          'SET transaction_read_only = off; ALTER DATABASE "%s" RESET default_transaction_read_only' % database):
            self.assertEqual(self.found("bad", "reachable", "session is read-only"), 3)
        with self.changed("SELECT pg_create_physical_replication_slot('forgotten', true)",
                          "SELECT pg_drop_replication_slot('forgotten')"):
            self.assertEqual(self.found("warn", "replication slot", "forgotten: nobody reads it"), 0)

    def session(self):
        """One beside the others, to the stack's database."""
        connection = psycopg2.connect(self.stack.env["USHER_PG"], options="-c search_path=usher")
        self.addCleanup(connection.close)
        return connection

    def test_an_old_transaction(self):
        """One that keeps old versions of rows, and who it is; an idle session without a transaction is none."""
        other = self.session()
        with other.cursor() as c:
            c.execute("SET application_name = 'forgetful'; SELECT pg_backend_pid()")
            pid = c.fetchone()[0]
            other.commit()
            other.set_session(isolation_level="REPEATABLE READ")
            c.execute("SELECT 1")
        says = r"one is open for \d+ s \(forgetful, pid %d\)" % pid
        wait_until(lambda: [c for c in self.checks("--transaction-seconds", "1")[1] if re.search(says, c["says"])],
                   "the transaction to be old", silence=60)
        self.assertEqual(self.found("warn", "old transactions", says, "--transaction-seconds", "1"), 0)
        self.assertIn(("ok", "old transactions"), [(c["state"], c["what"]) for c in self.checks()[1]])  # not for five minutes yet
        other.rollback()
        self.assertNotIn("forgetful", str(self.checks("--transaction-seconds", "1")[1]))
        self.assertEqual(self.run_it("--transaction-seconds", "0").returncode, 2)

    def test_a_prepared_transaction(self):
        """What somebody else's coordinator has left."""
        self.configure("max_prepared_transactions", 5)
        other = self.session()
        with other.cursor() as c:
            c.execute("BEGIN; CREATE TABLE left_open (n int); PREPARE TRANSACTION 'left open'")
        try:
            self.assertEqual(self.found("warn", "prepared transactions", "^1$"), 0)
        finally:
            other.rollback()
            other.autocommit = True
            with other.cursor() as c:
                c.execute("ROLLBACK PREPARED 'left open'")

    def configure(self, name, value):
        """A setting that PostgreSQL reads at its start."""
        other = self.session()
        other.autocommit = True
        with other.cursor() as c:
            c.execute("ALTER SYSTEM SET %s = %s" % (name, value))
        other.close()
        self.stack.forget()
        self.stack.local("stop", "postgres")
        self.stack.start()

    def test_a_transaction_of_kafka_that_hangs(self):
        """Somebody's producer, whose transaction stays open; readers stand behind it."""
        producer = confluent_kafka.Producer({"bootstrap.servers": self.stack.kafka, "transactional.id": "hangs",
                                             "transaction.timeout.ms": 600000})
        producer.init_transactions()
        producer.begin_transaction()
        producer.produce(stream.AUDIT, b"{}", partition=3)
        producer.flush()
        try:
            self.assertEqual(self.found("bad", "hanging transactions", "^1 partitions of usher.audit have stood still for 12 s"), 1)
        finally:
            producer.abort_transaction()
        self.assertIn(("ok", "hanging transactions"), [(c["state"], c["what"]) for c in self.checks()[1]])

    @contextlib.contextmanager
    def replica(self):
        """A stand-by of the stack's PostgreSQL; gives its connection."""
        home = os.path.join(os.path.realpath(os.path.join(self.stack.run_dir, "pg")), "replica")
        owner, port = os.stat(os.path.dirname(home)), free_port()
        server = self.stack.sql("SELECT current_setting('data_directory')")[0][0]
        bin_dir = os.path.dirname(os.readlink("/proc/%d/exe" % self.stack.pid("POSTGRES")))

        def as_owner():
            if os.getuid() == 0:
                os.setgid(owner.st_gid)
                os.setuid(owner.st_uid)

        def pg(program, *words):
            return run([os.path.join(bin_dir, program), *words], preexec_fn=as_owner, cwd="/", capture_output=True, text=True)

        with open(os.path.join(server, "pg_hba.conf"), "a") as f:
            f.write("host replication all 127.0.0.1/32 scram-sha-256\n")
        self.stack.sql("SELECT pg_reload_conf()")
        source = re.sub("/usher$", "/postgres", self.stack.env["USHER_PG"])
        done = pg("pg_basebackup", "-d", source + "?application_name=second", "-D", home, "-R", "-X", "stream", "-c", "fast")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(home, "usher.conf"), "a") as f:
            f.write("port = %d\n" % port)
        done = pg("pg_ctl", "-D", home, "-l", os.path.join(home, "log"), "-w", "start")
        try:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            connection = psycopg2.connect(re.sub(r":\d+/", ":%d/" % port, self.stack.env["USHER_PG"]))
            connection.autocommit = True
            yield connection
            connection.close()
        finally:
            pg("pg_ctl", "-D", home, "-m", "immediate", "stop")

    def test_a_replica_that_is_behind(self):
        with self.replica() as second, second.cursor() as c:
            def told(state):
                return [x for x in self.checks()[1] if (x["what"], x["state"]) == ("replica", state) and x["says"].startswith("second ")]

            wait_until(lambda: told("ok"), "the replica to follow", silence=60)
            c.execute("SELECT pg_wal_replay_pause()")
            for _ in range(70):
                self.stack.sql("SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))")
            wait_until(lambda: told("warn"), "the replica to be behind", silence=60)
            self.assertEqual(self.found("warn", "replica", r"second \(127.0.0.1, streaming, async\) is (6|7|8)\d MB of WAL behind"), 0)
            c.execute("SELECT pg_wal_replay_resume()")
            wait_until(lambda: told("ok"), "it to have replayed", silence=60)

    def test_a_synchronous_replica_that_is_away(self):
        """Its name is in the setting, and no commit ends."""
        self.addCleanup(self.synchronous, "")
        self.synchronous("second")
        self.assertEqual(self.found("bad", "synchronous replica", "synchronous_standby_names is second, and none"), 1)
        self.synchronous("")
        self.assertNotIn("synchronous replica", str(self.checks()[1]))

    def synchronous(self, names):
        other = self.session()
        other.autocommit = True
        with other.cursor() as c:
            c.execute("ALTER SYSTEM SET synchronous_standby_names = '%s'" % names)
            c.execute("SELECT pg_reload_conf()")

            def read():
                c.execute("SHOW synchronous_standby_names")
                return c.fetchone()[0] == names

            wait_until(read, "the setting to be read", silence=60)

    def test_seats_and_credentials(self):
        ws = self.stack.workspace("full", seats=1)
        self.user("only", ws.client)
        self.assertEqual(self.found("warn", "full workspaces", r"^1 have more than 95 %% of their seats taken; the fullest: %s \(1 of 1\)"
                                    % re.escape(ws.name)), 0)
        self.stack.ctl("workspace", "set", ws.id, seats=10)
        key = self.stack.ctl("key", "create", workspace=ws.id, name="soon", scopes="all", expires="30d")["key"]["id"]
        self.stack.ctl("key", "create", workspace=ws.id, name="brief", scopes="all", expires="1d")
        short, = (c for c in self.checks()[1] if c["what"] == "made for a short time")
        self.assertRegex(short["says"], r"^1 within 20 days; the first on \d{4}-\d\d-\d\d: brief of %s$" % re.escape(ws.name))
        self.assertEqual(short["state"], "ok")
        self.stack.sql("UPDATE keys SET created = created - interval '15 days', expires = expires - interval '15 days' WHERE id = %s", key)
        self.assertEqual(self.found("warn", "keys", r"^1 within 20 days; the first on .*: soon of %s$" % re.escape(ws.name)), 0)
        self.stack.ctl("key", "revoke", key)
        keys, = (c for c in self.checks()[1] if (c["area"], c["what"]) == ("credentials", "keys"))
        self.assertEqual((keys["state"], keys["says"]), ("ok", "none expires within 20 days"))

    def test_the_schema(self):
        hashed = self.stack.sql("SELECT hash FROM applied_functions")[0][0]
        with self.changed("UPDATE applied_functions SET hash = 'another'", "UPDATE applied_functions SET hash = '%s'" % hashed):
            self.assertEqual(self.found("bad", "schema", "with other functions"), 1)
        with self.changed("INSERT INTO migrations (number, name) VALUES (999, 'tomorrow')",
                          "DELETE FROM migrations WHERE number = 999"):
            self.assertEqual(self.found("warn", "schema", "newer than this usherctl"), 0)

    def test_what_was_begun_or_has_stopped(self):
        with self.changed("INSERT INTO new_epochs VALUES (gen_random_uuid(), 0, 2, 'restore', 1, '{0,0,0}', '{1,1,1}')",
                          "DELETE FROM new_epochs"):
            self.assertEqual(self.found("bad", "half-begun epoch", "^1$"), 1)
        with self.changed("INSERT INTO outbox (partition, number, at, records) SELECT 5000, 1000000, now() - interval '1 hour', ''",
                          "DELETE FROM outbox WHERE number = 1000000"):
            self.assertEqual(self.found("bad", "outbox", "1 rows .* the oldest for 36"), 1)

    def test_files(self):
        folder = self.stack.run_dir
        good, soon, over = (certificate(os.path.join(folder, name), days)
                            for name, days in (("good.crt", 100), ("soon.crt", 5), ("over.crt", -3)))
        key = os.path.join(folder, "open.key")
        with open(key, "w") as f:
            f.write("secret")

        def look(*lines):
            done = self.run_it("--settings", self.settings_file(*lines))
            return done.returncode, [(c["state"], c["what"], c["says"]) for c in json.loads(done.stdout)["checks"]
                                     if c["area"] == "files" and not c["says"].startswith(self.stack.run_dir + "/doctor.conf")]

        os.chmod(key, 0o640)
        self.assertEqual(look("tls-cert = " + good, "  tls-key=%s  " % key, "# tls-cert = /none"),
                         (0, [("ok", "certificate", good + " is good for 100 days"), ("ok", "secret", key + " has mode 0640")]))
        os.chmod(key, 0o644)
        self.assertEqual(look("audit-key = " + key), (1, [("bad", "secret", key + " has mode 0644")]))
        self.assertEqual(look("tls-cert = " + soon), (0, [("warn", "certificate", soon + " is good for 5 days")]))
        self.assertEqual(look("tls-cert = " + over), (1, [("bad", "certificate", over + " has run out, 2 days ago")]))
        self.assertEqual(look("kafka.ssl.ca.location = " + key)[1][0][:2], ("bad", "certificate"))
        self.assertEqual(look("signing-key = /no/such/file")[1], [("bad", "missing", "/no/such/file: No such file or directory")])
        done = self.run_it("--settings", "/no/such/settings")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/settings", done.stdout)

    def test_what_cannot_be_reached(self):
        wrong = re.sub("//([^:]*):[^@]*@", r"//\1:wrong@", self.stack.env["USHER_PG"])
        self.assertEqual(self.found("bad", "reachable", "password authentication failed", USHER_PG=wrong), 3)
        self.assertEqual(self.found("bad", "reachable", "127.0.0.1:1: .*Connection refused", USHER_KAFKA="127.0.0.1:1"), 3)

    def test_scram(self):
        code, checks = self.checks("--kafka.sasl.mechanism=SCRAM-SHA-512", "--kafka.sasl.username=u",
                                   "--kafka.sasl.password=p")
        state, = (c["state"] for c in checks if c["what"] == "librdkafka")
        self.assertEqual(state, "bad" if confluent_kafka.libversion()[1] < 0x020601ff else "ok")
