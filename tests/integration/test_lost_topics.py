"""Topics and groups that are lost, of those that no epoch is needed for: what ops/runbook.md ("What was lost") says is
done, and everything goes on, nothing twice. And an archive that hangs gives up its partitions. On real Kafka."""

import os

import archived
import confluent_kafka.admin
import stream
from kafkacase import KafkaCase
from receiver import Receiver
from scimhttp import USER
from waiting import wait_until

CHECKPOINTS = "usher.checkpoints"
GROUPS = ("usher-worker-archive", "usher-worker-deliver")


class LostCase(KafkaCase):
    def create(self, ws, name):
        return self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": name}), 201).json["id"]

    def delete_topic(self, name):
        client = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.stack.kafka})
        client.delete_topics([name])[name].result()
        wait_until(lambda: name not in client.list_topics().topics, "%s to be gone" % name,
                   silence=180)

    def forget(self, group):
        """As soon as the group has no members any more."""
        def done():
            try:
                self.admin("forget", group)
            except AssertionError as trouble:
                if "GROUP_ID_NOT_FOUND" in str(trouble):
                    return True  # Kafka has forgotten it by itself
                return "" if "NON_EMPTY_GROUP" in str(trouble) else self.fail(trouble)
            return True

        wait_until(done, "the group to be empty", silence=180)

    def once_each(self, ws):
        """What readers of the streams have: each number once, up to the last one."""
        for topic, counter in ((stream.AUDIT, "audit_seq"), (stream.EVENTS, "events_seq")):
            records = stream.of_workspace(stream.read_topic(self.stack.kafka, topic), ws.id)
            numbers = [stream.seq_of(r) for r in (stream.changes_of(records) if topic == stream.AUDIT else records)]
            due = self.stack.sql("SELECT %s FROM workspaces WHERE workspace_id = %%s" % counter, ws.id)[0][0]
            self.assertEqual(numbers, list(range(1, due + 1)), topic)

    def head_on_topic(self, ws):
        return [r for r in stream.read_topic(self.stack.kafka, CHECKPOINTS) if r.key == ws.id + "/changes"]


class Lost(LostCase):
    def test_usher_commands(self):
        """What was accepted and not applied is told as failed. The topic is made anew by the worker."""
        ws = self.stack.workspace("commands")
        self.create(ws, "before")
        self.followers.settle(ws.id)
        self.stack.local("stop", "worker")
        txns = []
        for i in range(2):
            answer = ws.client.post("/Users", {"schemas": [USER], "userName": "gone%d" % i},
                                    headers={"Prefer": "respond-async"})
            self.assertEqual(answer.status, 202, answer)
            txns.append(answer.headers["set-txn"])
        self.stack.local("stop", "ingest")
        self.delete_topic(stream.COMMANDS)
        self.forget("usher-worker")
        self.stack.start()
        self.create(ws, "after")
        told = wait_until(lambda: [c for c in self.followers.changes(ws.id) if c["txn"] in txns and c["reason"] == "lost"],
                          "what was accepted to be told", self.stack.progress)
        self.wait_until(lambda: len([c for c in self.followers.changes(ws.id) if c["txn"] in txns]) == 2, "both")
        self.assertEqual({c["action"] for c in told}, {"command.refused"})
        names = {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", ws.id)}
        self.assertEqual(names, {"before", "after"})
        self.create(ws, "gone0")
        self.followers.settle(ws.id)
        self.once_each(ws)

    def test_usher_checkpoints(self):
        """The worker makes it anew; a head is there again when the tree has grown."""
        ws = self.stack.workspace("heads")
        self.create(ws, "before")
        wait_until(lambda: self.head_on_topic(ws), "a signed head", self.stack.progress)
        self.stack.local("stop", "worker")
        self.delete_topic(CHECKPOINTS)
        self.stack.start()
        self.create(ws, "after")
        wait_until(lambda: self.head_on_topic(ws), "a signed head on the new topic", self.stack.progress)
        self.assertEqual(self.stack.sql("SELECT stopped, refused FROM audit_tree WHERE workspace_id = %s AND tree = 1",
                                        ws.id), [(None, None)])

    def test_usher_replies(self):
        """A worker that starts makes it anew, and the ingests are restarted."""
        ws = self.stack.workspace("replies")
        self.create(ws, "before")
        self.stack.local("stop", "worker")
        self.delete_topic(stream.REPLIES)
        self.stack.start()
        self.stack.stop_part("ingest")
        self.create(ws, "after")

    def test_the_groups_of_archive_and_deliveries(self):
        """Their places stand in PostgreSQL: nothing is archived twice, no endpoint gets a message twice, none is missing."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        ws = self.stack.workspace("groups")
        self.stack.ctl("delivery", "create", workspace=ws.id, name="d", endpoint=receiver.url("/groups"), events="usher.*")
        self.create(ws, "before")
        room = self.room("Before", [], ws.client)["id"]
        wait_until(lambda: self.messages(receiver, room), "the first messages", self.stack.progress)
        self.stack.local("stop", "worker")
        for group in GROUPS:
            self.forget(group)
        self.stack.start()
        second = self.room("After", [], ws.client)["id"]
        wait_until(lambda: self.messages(receiver, second), "the messages behind it", self.stack.progress)
        self.assertEqual([len(self.messages(receiver, r)) for r in (room, second)], [1, 1])
        self.followers.settle(ws.id)
        audit = stream.read_topic(self.stack.kafka, stream.AUDIT)
        wait_until(lambda: archived.caught_up(self.stack, audit), "the archive to catch up", self.stack.progress)
        mine = [r for r in audit if r.value.get("workspace") == ws.id]
        have = self.stack.sql("SELECT count(*) FROM audit_leaf WHERE workspace_id = %s AND tree = 1", ws.id)[0][0]
        self.assertEqual(have, len(stream.changes_of(mine)))
        self.none_wrong(archived.faults(self.stack, audit))

    @staticmethod
    def messages(receiver, room):
        """Of the room's creation."""
        return [m for m in receiver.of("/groups") if m.type == "usher.room.created" and room in m.body.decode()]


class Hangs(LostCase):
    # So long that it is over only when the test is.
    failpoint = "archive.before_commit=sleep:600000@1"

    def test_an_archive_that_hangs_gives_up_its_partitions(self):
        """Its heartbeats go on, so Kafka takes it for alive; after a minute another has its partitions all the same."""
        self.stack.local("stop", "worker")
        self.stack.local("start", USHER_FAILPOINT_WORKER=self.failpoint)
        self.stack.reload()
        ws = self.stack.workspace("hangs")
        self.create(ws, "one")
        wait_until(lambda: self.logged("name=archive.before_commit"), "the archive to hang", self.stack.progress)
        self.stack.extra_worker("second")
        self.create(ws, "two")  # the workers work on
        wait_until(lambda: self.archived(ws), "the other one to archive it", silence=180)
        os.kill(self.stack.pid("WORKER"), 9)

    def archived(self, ws):
        due = self.stack.sql("SELECT audit_seq FROM workspaces WHERE workspace_id = %s", ws.id)[0][0]
        return self.stack.sql("SELECT count(*) FROM audit_leaf WHERE workspace_id = %s AND tree = 1", ws.id)[0][0] == due
