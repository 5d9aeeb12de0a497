"""The place of the workers in usher.commands is one that the log does not hold any more: they go on all the same."""

import base64
import json
import threading

import stream
from kafkacase import KafkaCase
from scimhttp import GROUP as SCIM_GROUP, USER, patch_op
from waiting import wait_until

GROUP = "usher-worker"
ASYNC = {"Prefer": "respond-async"}
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class Offsets(KafkaCase):
    def place(self, workspace):
        return stream.murmur2(workspace.id.encode()) % 12

    def works(self, workspace, name):
        self.expect(workspace.client.post("/Users", {"schemas": [USER], "userName": name}), 201)
        self.assertIn("user.created", [c["action"] for c in self.followers.changes(workspace.id)])


class OutOfRange(Offsets):
    def ends(self, partition):
        return tuple(map(int, self.admin("ends", stream.COMMANDS, partition).split()))

    def commit(self, partition, offset):
        """As soon as the group has no members any more; a static one stays until its session has run out."""
        def done():
            try:
                self.admin("commit", GROUP, stream.COMMANDS, partition, offset)
            except AssertionError as trouble:
                return "" if "UNKNOWN_MEMBER_ID" in str(trouble) or "NON_EMPTY_GROUP" in str(trouble) else self.fail(
                    trouble)
            return True

        wait_until(done, "the group to be empty", silence=180)

    def stop_worker(self):
        self.stack.local("stop", "worker")

    def accepted(self, answer):
        """(txn, path of the outcome) of a 202."""
        self.assertEqual(answer.status, 202, repr(answer))
        return answer.headers["set-txn"], answer.headers["location"][len(self.stack.url):]

    def bare(self, workspace):
        client = workspace.open(check=False, prefix="")
        self.addCleanup(client.close)
        return client

    def outcome(self, bare, path):
        """What stands at the Location of a 202, once it says something: claims, or a BulkResponse."""
        last = []
        wait_until(lambda: last.append(bare.request("GET", path)) or last[-1].status != 202, "the outcome",
                   silence=180)
        self.assertEqual(last[-1].status, 200, repr(last[-1]))
        body = last[-1].body.decode()
        if body.startswith("{"):
            return json.loads(body)
        part = body.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def gaps(self, partition):
        """{when it was found: (requests that were lost, when all of them were told)}"""
        return {found: gap for found, *gap in self.stack.sql(
            "SELECT found, lost, settled FROM log_gaps WHERE partition = %s AND lost > 0", partition)}

    def lose(self, partition):
        """Whatever the partition of the commands holds now."""
        self.admin("delete-records", stream.COMMANDS, partition, self.ends(partition)[1])

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
        # All of it is told, so that no other test counts it.
        wait_until(lambda: self.stack.sql("SELECT 1 FROM log_gaps WHERE partition = %s AND lost = 3", partition),
                   "the three to be told", silence=180)

    def test_what_was_accepted_and_is_gone_is_told_as_failed(self):
        """Each of the requests that were answered 202 has an outcome, an event, an audit record and a number in a
        metric; and sending it again works."""
        ws = self.stack.workspace("lost")
        bare, partition = self.bare(ws), self.place(ws)
        self.works(ws, "before")
        old = self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "old"}), 201).json
        lost = self.metric("usher_worker_accepted_lost_total")
        before = self.gaps(partition)  # other tests' workspaces may be of the same partition
        self.stop_worker()
        gone = [self.accepted(ws.client.request(method, path, body, headers=ASYNC)) for method, path, body in (
            ("POST", "/Users", {"schemas": [USER], "userName": "new"}),
            ("PATCH", "/Users/" + old["id"], patch_op({"op": "replace", "path": "title", "value": "t"})),
            ("DELETE", "/Users/" + old["id"], None))]
        bulk = self.accepted(ws.client.post("/Bulk", {"schemas": [BULK], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "b%d" % i, "data": {"schemas": [USER], "userName": name}}
            for i, name in enumerate(("bulk", ""))]}, headers=ASYNC))
        self.lose(partition)
        kept = self.accepted(ws.client.post("/Users", {"schemas": [USER], "userName": "kept"}, headers=ASYNC))
        self.stack.start()
        self.works(ws, "after")

        users = "/Users/" + old["id"]
        for (txn, path), method, subject in zip(gone, ("POST", "PATCH", "DELETE"), ("/Users", users, users)):
            claims = self.outcome(bare, path)
            told = claims["events"][stream.ASYNC]
            self.assertEqual((claims["txn"], claims["sub_id"]["uri"]), (txn, subject))
            self.assertEqual((told["method"], told["status"], told["response"]["status"]), (method, "503", "503"))
            self.assertIn("nothing was changed, send it again", told["response"]["detail"])
            # The same stands on usher.events, once; and in the audit.
            self.assertEqual([r.value for r in self.followers.tokens(ws.id) if r.value["txn"] == txn], [claims])
            self.assertEqual([(c["action"], c["outcome"], c["reason"]) for c in self.followers.changes(ws.id)
                              if c["txn"] == txn], [("command.refused", "refused", "lost")])
        told = self.outcome(bare, bulk[1])
        self.assertEqual([o["status"] for o in told["Operations"]], ["503", "503"])
        # Counted when they are told.
        wait_until(lambda: self.metric("usher_worker_accepted_lost_total") == lost + 5, "five to be counted",
                   silence=180)
        self.assertTrue(self.logged("event=accepted-lost partition=%d requests=5" % partition))
        self.assertEqual(self.outcome(bare, kept[1])["events"][stream.ASYNC]["status"], "201")

        names = {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", ws.id)}
        self.assertEqual(names, {"before", "old", "kept", "after"})
        self.works(ws, "new")
        self.assertEqual([gap for found, gap in self.gaps(partition).items() if found not in before], [[5, None]])
        status = self.stack.ctl("status")["status"]
        self.assertIn({"partition": partition, "lost": 5, "settled": False},
                      [{k: g[k] for k in ("partition", "lost", "settled")} for g in status["gaps"]])

    def test_a_loss_of_which_no_record_is_left_is_not_pending_for_ever(self):
        """The audit is gone too: nobody knows the request any more but its sender, who asks."""
        ws = self.stack.workspace("unknown")
        bare, partition = self.bare(ws), self.place(ws)
        self.works(ws, "before")
        self.stop_worker()
        _, path = self.accepted(ws.client.post("/Users", {"schemas": [USER], "userName": "gone"}, headers=ASYNC))
        self.lose(partition)
        self.admin("delete-records", stream.AUDIT, partition,
                   int(self.admin("ends", stream.AUDIT, partition).split()[1]))
        self.stack.start()
        self.works(ws, "after")
        self.assertEqual(bare.request("GET", path).status, 202)
        # As if a day had gone by since.
        self.stack.sql("UPDATE log_gaps SET found = found - interval '1 day' WHERE partition = %s", partition)
        wait_until(lambda: not self.stack.sql("SELECT 1 FROM log_gaps WHERE settled IS NULL AND partition = %s",
                                              partition), "the gap to be settled", silence=180)
        # What is settled is all that was accepted up to a minute ago.
        self.stack.sql("UPDATE log_gaps SET settled = settled + interval '2 minutes' WHERE partition = %s", partition)
        answer = bare.request("GET", path)
        self.assertEqual(answer.status, 410, repr(answer))
        self.assertIn("lost before it was applied", answer.json["detail"])

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

    def test_the_check_at_the_start_leaves_no_group(self):
        """A group with places that mean nothing would be an alarm in whatever watches the lag of groups."""
        self.assertTrue(self.logged("event=broker exactly_once=yes"))
        self.assertEqual(sorted(self.admin("groups").split()), [GROUP, GROUP + "-archive", GROUP + "-deliver"])


class Forgotten(Offsets):
    """Kafka, or PostgreSQL, has forgotten how far the streams are."""

    def forget(self):
        """The group's offsets, as soon as it has no members any more."""
        def done():
            try:
                self.admin("forget", GROUP)
            except AssertionError as trouble:
                return "" if "NON_EMPTY_GROUP" in str(trouble) else self.fail(trouble)
            return True

        wait_until(done, "the group to be empty", silence=180)

    def numbers(self, topic, workspace):
        """As read_committed readers get them."""
        records = stream.of_workspace(stream.read_topic(self.stack.kafka, topic), workspace.id)
        return [stream.seq_of(r) for r in (stream.changes_of(records) if topic == stream.AUDIT else records)]

    def once_each(self, workspace, least):
        for topic in (stream.AUDIT, stream.MEMBERSHIP):
            numbers = self.numbers(topic, workspace)
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)), topic)
            self.assertGreaterEqual(len(numbers), least)

    def test_the_offsets_are_lost(self):
        """Kafka has forgotten where the group stands: nothing is emitted twice, and everything goes on."""
        ws = self.stack.workspace("forgotten")
        room = self.expect(ws.client.post("/Groups", {"schemas": [SCIM_GROUP], "displayName": "lost"}), 201).json
        for i in range(5):
            user = self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "lost%d" % i}), 201).json
            self.expect(ws.client.patch("/Groups/" + room["id"], patch_op(
                {"op": "add", "path": "members", "value": [{"value": user["id"]}]})), 204)
        self.followers.settle(ws.id)
        self.stack.local("stop", "worker")
        self.forget()
        self.stack.start()
        self.works(ws, "after")
        self.once_each(ws, 6)

    def test_the_offsets_are_lost_in_a_fall(self):
        """… and what PostgreSQL knows of it is older: the streams themselves tell which row was the last."""
        ws = self.stack.workspace("fall")
        room = self.expect(ws.client.post("/Groups", {"schemas": [SCIM_GROUP], "displayName": "fall"}), 201).json
        for i in range(5):
            user = self.expect(ws.client.post("/Users", {"schemas": [USER], "userName": "fall%d" % i}), 201).json
            self.expect(ws.client.patch("/Groups/" + room["id"], patch_op(
                {"op": "add", "path": "members", "value": [{"value": user["id"]}]})), 204)
        self.followers.settle(ws.id)
        self.stack.signal("WORKER")
        partition = self.place(ws)
        rows = self.stack.sql("SELECT count(*) FROM outbox WHERE partition = %s", partition)[0][0]
        self.assertGreater(rows, 5)
        # As if the mark had not been written since: its rows stand in the table and in the streams.
        self.stack.sql("UPDATE marks SET mark = 0, positions = '{}' WHERE partition = %s", partition)
        self.forget()
        self.stack.start()
        self.works(ws, "after")
        self.once_each(ws, 6)
        self.assertTrue(self.logged("event=place-found partition=%d" % partition))

    def says_older(self):
        try:
            status, text = self.worker_ready()
        except OSError:
            return False
        return status == 503 and "older than the streams" in text

    def test_postgresql_is_older_than_the_streams(self):
        """Whoever restored it without telling usher is told so, and nothing is emitted."""
        ws = self.stack.workspace("older")
        self.works(ws, "before")
        partition = self.place(ws)
        self.stack.local("stop", "worker")
        kept = self.stack.sql("SELECT number, at, encode(records, 'hex') FROM outbox WHERE partition = %s", partition)
        mark = self.stack.sql("SELECT mark FROM marks WHERE partition = %s", partition)[0][0]
        self.stack.sql("DELETE FROM outbox WHERE partition = %s", partition)
        self.stack.sql("UPDATE marks SET mark = 0 WHERE partition = %s", partition)
        start = threading.Thread(target=self.stack.start)  # ends when all is ready
        start.start()
        wait_until(self.says_older, "the reason", silence=60)
        self.stack.sql("UPDATE marks SET mark = %s WHERE partition = %s", mark, partition)
        for row in kept:
            self.stack.sql("INSERT INTO outbox (partition, number, at, records) VALUES (%s, %s, %s, decode(%s, 'hex'))",
                           partition, *row)
        start.join()
        self.works(ws, "after")
        self.once_each(ws, 0)
