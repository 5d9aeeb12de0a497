"""Records that Kafka refuses for ever: a stub with their number, a dead letter, and what follows goes out."""

import hashlib
import json

import stream
from case import contract_faults
from kafkacase import KafkaCase
from scimhttp import USER, in_flight, patch_op
from waiting import wait_until

LARGE = "x" * 30000  # as a value, too large for a topic that takes 20,000 bytes


class Refused(KafkaCase):
    def setUp(self):
        self.admin("config", stream.AUDIT, "max.message.bytes", 20000)
        self.admin("config", stream.DEADLETTER, "max.message.bytes", 1048588)

    def letters(self, workspace):
        return [r for r in stream.read_topic(self.stack.kafka, stream.DEADLETTER)
                if r.headers.get("usher-record", "").startswith(workspace)]

    def changes(self, workspace):
        """The numbered records of usher.audit, stubs too, by number."""
        due = self.stack.sql("SELECT audit_seq FROM workspaces WHERE workspace_id = %s", workspace)[0][0]

        def numbered(records):
            return {stream.seq_of(r): r for r in records if r.value.get("kind") != "request"}

        records = self.followers.audit.wait(lambda rs: due in numbered(rs), "number %d" % due, workspace)
        found = numbered(records)
        self.assertEqual(sorted(found), list(range(1, due + 1)))
        self.assertEqual(len([r for r in records if r.value.get("kind") != "request"]), due)
        return found

    def refused(self, workspace):
        """The one stub of the workspace."""
        stubs = [r for r in self.changes(workspace).values() if r.headers["ce_type"] == "usher.stream.stub"]
        self.assertEqual(len(stubs), 1, stubs)
        self.assertEqual(contract_faults(stubs[0]), [])
        return stubs[0]

    def test_a_stub_and_a_dead_letter(self):
        ws, other = self.stack.workspace("large"), self.stack.workspace("other")
        before = self.metric("usher_emit_refused_total")
        user = self.user("large", ws.client)["id"]
        self.expect(ws.client.patch("/Users/" + user,
                                    patch_op({"op": "replace", "path": "title", "value": LARGE})), 200)
        member = self.user("other", other.client)["id"]
        self.room("Other", [member], other.client)
        events = self.followers.events(other.id)  # those of another workspace go out
        self.assertEqual([e["type"] for e in events], ["usher.room.created", "usher.member.added"])
        self.expect(ws.client.patch("/Users/" + user,
                                    patch_op({"op": "replace", "path": "nickName", "value": "short"})), 200)
        stub = self.refused(ws.id)
        self.assertEqual(stub.value["type"], "usher.audit.change")
        self.assertEqual(stub.value["reason"], "RECORD_REFUSED")
        letter, = self.letters(ws.id)
        self.assertEqual(contract_faults(letter), [])
        whole = json.loads(letter.text)
        self.assertEqual((whole["seq"], whole["txn"]), (stub.value["seq"], stub.value["txn"]))
        self.assertEqual(whole["changes"][0]["to"], LARGE)
        self.assertEqual(self.metric("usher_emit_refused_total"), before + 1)

    def test_the_guilty_one_alone(self):
        """Kafka refuses a batch as a whole; those that were in it with the large record go out as they are."""
        ws = self.stack.workspace("crowd")
        users = [self.user("crowd%d" % i, ws.client)["id"] for i in range(40)]

        def change(i):
            title = LARGE if i == 20 else "t" * 2000
            return lambda c: c.patch("/Users/" + users[i], patch_op({"op": "replace", "path": "title", "value": title}))

        for answer in in_flight(40, [change(i) for i in range(40)], ws.client):
            self.expect(answer, 200)
        self.assertIsNotNone(self.refused(ws.id))

    def test_where_the_dead_letter_is_refused_too(self):
        ws = self.stack.workspace("letter")
        self.admin("config", stream.DEADLETTER, "max.message.bytes", 2000)
        self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "letter", "title": LARGE}), 201)
        self.assertIsNotNone(self.refused(ws.id))
        self.assertEqual(self.letters(ws.id), [])
        self.user("behind", ws.client)
        self.changes(ws.id)

    def test_poison_that_is_larger_than_a_dead_letter(self):
        """Of a command of up to 16 MiB as much as fits, with length and hash of the whole."""
        ws = self.stack.workspace("poison")
        value = b'{"v":1,"txn":"' + b"x" * 3000000 + b'"}'
        partition = stream.murmur2(ws.id.encode()) % 12
        path = self.stack.run_dir + "/poison"
        with open(path, "wb") as f:
            f.write(value)
        self.produce(stream.COMMANDS, partition, ws.id, path)
        self.user("behind", ws.client)
        self.changes(ws.id)
        dead = [r for r in stream.read_topic(self.stack.kafka, stream.DEADLETTER) if r.key == ws.id]
        self.assertEqual(len(dead), 1)
        headers = dead[0].headers
        self.assertEqual((headers["usher-bytes"], headers["usher-sha256"]),
                         (str(len(value)), hashlib.sha256(value).hexdigest()))
        self.assertTrue(value.decode().startswith(dead[0].text))
        self.assertGreater(len(dead[0].text), 1000000)

    def test_the_worker_says_which_topic_is_too_small(self):
        """It works, and is not ready."""
        reason = "topic %s has max.message.bytes=20000" % stream.AUDIT
        wait_until(lambda: reason in self.worker_ready()[1], "the reason", silence=60)
        self.assertEqual(self.worker_ready()[0], 503)
        self.assertTrue(self.logged("topic-too-small"))
        self.user("works", self.ws.client)
