"""Errors of the system are not taken for errors of the data: nothing is dead-lettered, everything goes on afterwards."""

import json
import re

import stream
from kafkacase import KafkaCase
from scimhttp import USER

ASYNC = {"Prefer": "respond-async"}


class Trouble(KafkaCase):
    kafka = "embedded"

    def letters(self):
        return stream.read_topic(self.stack.kafka, stream.DEADLETTER)

    def names(self, ws):
        return {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", ws.id)}

    def accepted(self, ws, name):
        answer = ws.client.post("/Users", {"schemas": [USER], "userName": name}, headers=ASYNC)
        self.assertEqual(answer.status, 202, repr(answer))


class SystemErrors(Trouble):
    def test_a_type_changes_under_a_running_worker(self):
        ws = self.stack.workspace("altered")
        ids = [self.user("before%d" % i, ws.client)["id"] for i in range(12)]
        self.stack.sql("ALTER TABLE users ALTER COLUMN user_name TYPE varchar(2000)")
        self.stack.sql("ALTER TABLE workspaces ALTER COLUMN membership_seq TYPE int")
        try:
            for user in ids:
                self.expect(ws.client.patch("/Users/" + user, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                            "Operations": [{"op": "replace", "path": "title", "value": "x"}]}), 200)
            self.user("after", ws.client)
        finally:
            self.stack.sql("ALTER TABLE users ALTER COLUMN user_name TYPE text")
            self.stack.sql("ALTER TABLE workspaces ALTER COLUMN membership_seq TYPE bigint")
        self.user("back", ws.client)
        self.assertEqual(self.letters(), [])

    def test_a_column_is_missing_for_a_while(self):
        """The intake stops and says why; what was accepted is applied when it goes on. However often it is tried
        again meanwhile: the log has what PostgreSQL says once, one line when it stops, and one when it goes on."""
        ws = self.stack.workspace("missing")
        self.user("before", ws.client)
        tries, lines = len(self.tries()), len(self.log_lines(""))
        self.stack.sql("ALTER TABLE users RENAME COLUMN display_name TO nobody_knows")
        try:
            self.accepted(ws, "waits")
            status, text = self.wait_until(lambda: self.worker_ready() if self.worker_ready()[0] == 503 else None, "the worker not to be ready")
            self.assertIn("PostgreSQL", text)
            self.assertIn("display_name", text)
            self.wait_until(lambda: len(self.tries()) >= tries + 4, "the fourth try")
        finally:
            self.stack.sql("ALTER TABLE users RENAME COLUMN nobody_knows TO display_name")
        self.wait_until(lambda: self.names(ws) == {"before", "waits"}, "what was accepted to be applied")
        self.wait_until(lambda: self.worker_ready()[0] == 200, "the worker to be ready")
        told = [re.search(r"event=(\S+)", line).group(1) for line in self.log_lines("")[lines:]]
        self.assertEqual(told, ["db-refused", "intake-stops", "intake-goes-on"])
        self.assertEqual(self.letters(), [])

    def tries(self):
        """As PostgreSQL saw them."""
        return self.log_lines("display_name", "postgres")

    def test_a_schema_that_does_not_serve_this_version(self):
        """Neither program uses a newer schema that says it is made for newer programs alone."""
        self.newer_schema(999)
        try:
            self.stack.local("stop", "worker", check=False)
            self.wait_until(lambda: self.ingest_ready()[0] == 503, "the ingest not to be ready")
            self.assertIn("schema", self.ingest_ready()[1])
            self.assertTrue(self.logged("serves programs from 999 on", "ingest"))
        finally:
            self.own_schema()
        self.stack.start()
        self.wait_until(lambda: self.ingest_ready()[0] == 200, "the ingest to be ready")

    def test_a_newer_schema_that_serves_this_version(self):
        """Between usherctl migrate of the next version and its programs, those that run go on, and can be started."""
        ws = self.stack.workspace("served")
        told = len(self.log_lines("event=schema", "ingest"))
        self.newer_schema(1)
        try:
            self.stack.local("stop", "worker")
            self.stack.start()
            self.user("served", ws.client)
            self.wait_until(lambda: self.worker_ready()[0] == 200, "the worker to be ready")
            self.assertEqual(self.ingest_ready()[0], 200)
        finally:
            self.own_schema()
        self.assertEqual(len(self.log_lines("event=schema", "ingest")), told)

    def newer_schema(self, serves_from):
        self.before = self.stack.sql("SELECT serves_from FROM applied_functions")[0][0]
        self.stack.sql("INSERT INTO migrations (number, name) VALUES (999, 'tomorrow')")
        self.stack.sql("UPDATE applied_functions SET serves_from = %s, version = '99.0.0'", serves_from)

    def own_schema(self):
        self.stack.sql("DELETE FROM migrations WHERE number = 999")
        # Applied anew: the hash of the functions has not changed, and the version is this one's again.
        self.stack.sql("UPDATE applied_functions SET serves_from = %s, version = '0.0.1'", self.before)

    def test_a_command_that_takes_long(self):
        """Longer than a statement may take: alone and with more time it is applied."""
        ws = self.stack.workspace("slow")
        self.user("before", ws.client)
        self.stack.sql("CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS "
                       "$$ BEGIN IF NEW.user_name = 'sleeper' THEN PERFORM pg_sleep(12); END IF; RETURN NEW; END $$")
        self.stack.sql("CREATE TRIGGER sleeps BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION sleeps()")
        try:
            self.accepted(ws, "sleeper")
            self.wait_until(lambda: "sleeper" in self.names(ws), "the slow command")
        finally:
            self.stack.sql("DROP TRIGGER sleeps ON users")
            self.stack.sql("DROP FUNCTION sleeps")
        self.user("after", ws.client)
        self.assertEqual(self.letters(), [])


class NewerVersion(Trouble):
    def test_a_command_of_a_newer_version(self):
        """It is put off and its partition stands; others go on. A worker that knew it would go on from there."""
        ws = self.stack.workspace("newer")
        partition = stream.murmur2(ws.id.encode()) % 12
        self.user("before", ws.client)
        # Made now: one may belong to the partition that is going to stand.
        others = [self.stack.workspace("other") for _ in range(2)]
        sample = [r for r in stream.read_topic(self.stack.kafka, stream.COMMANDS) if r.key == ws.id][-1]
        path = self.stack.run_dir + "/newer"
        with open(path, "w") as f:
            json.dump(dict(sample.value, type="user.explode"), f)
        self.produce(stream.COMMANDS, partition, ws.id, path)
        self.accepted(ws, "behind")
        self.wait_until(lambda: self.worker_ready()[0] == 503, "the worker not to be ready")
        self.assertIn("newer version", self.worker_ready()[1])
        for other in others:
            if stream.murmur2(other.id.encode()) % 12 != partition:
                self.user("other", other.client)
        self.assertEqual(self.names(ws), {"before"})
        self.assertEqual(self.letters(), [])
