"""The place of the workers in usher.commands is one that the log does not hold any more: they go on all the same."""

import os

import stream
from kafkacase import KafkaCase
from scimhttp import USER
from waiting import wait_until

GROUP = "usher-worker"


class OutOfRange(KafkaCase):
    def ends(self, partition):
        return tuple(map(int, self.admin("ends", stream.COMMANDS, partition).split()))

    def place(self, workspace):
        return stream.murmur2(workspace.id.encode()) % 12

    def commit(self, partition, offset):
        """As soon as the group has no members any more; a static one stays until its session has run out."""
        def done():
            try:
                self.admin("commit", GROUP, stream.COMMANDS, partition, offset)
            except AssertionError as trouble:
                return "" if "UNKNOWN_MEMBER_ID" in str(trouble) or "NON_EMPTY_GROUP" in str(trouble) else self.fail(
                    trouble)
            return True

        wait_until(done, "the group to be empty", lambda: os.times()[4] // 20)

    def works(self, workspace, name):
        self.expect(workspace.client.post("/Users", {"schemas": [USER], "userName": name}), 201)
        self.assertIn("user.created", [c["action"] for c in self.followers.changes(workspace.id)])

    def test_retention_passed_the_place(self):
        ws = self.stack.workspace("passed")
        partition = self.place(ws)
        self.works(ws, "before")
        self.stack.local("stop", "worker")
        for i in range(3):
            answer = ws.client.post("/Users", {"schemas": [USER], "userName": "gone%d" % i},
                                    headers={"Prefer": "respond-async"})
            self.assertEqual(answer.status, 202, repr(answer))
        self.admin("delete-records", stream.COMMANDS, partition, self.ends(partition)[1])
        self.stack.start()
        self.works(ws, "after")
        self.works(self.stack.workspace("another"), "after")
        self.assertEqual(self.metric("usher_worker_commands_gone_total"), 3)
        self.assertEqual(self.metric("usher_worker_out_of_range_total"), 1)
        self.assertTrue(self.logged("event=offset-out-of-range partition=%d" % partition))
        names = {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", ws.id)}
        self.assertEqual(names, {"before", "after"})

    def test_the_place_lies_behind_the_end(self):
        ws = self.stack.workspace("behind")
        partition = self.place(ws)
        self.works(ws, "before")
        self.stack.local("stop", "worker")
        self.commit(partition, self.ends(partition)[1] + 1000)
        answer = ws.client.post("/Users", {"schemas": [USER], "userName": "waits"}, headers={"Prefer": "respond-async"})
        self.assertEqual(answer.status, 202, repr(answer))
        self.stack.start()
        self.works(ws, "after")
        self.assertEqual(self.metric("usher_worker_out_of_range_total"), 1)
        self.assertEqual(self.metric("usher_worker_commands_gone_total"), 0)
        names = {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", ws.id)}
        self.assertEqual(names, {"before", "waits", "after"})  # what was in the log is not skipped
