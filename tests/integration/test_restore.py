"""PostgreSQL is restored to an older dump while readers of the streams run, on real Kafka: nobody goes on blindly;
`usherctl restore` begins a new epoch, may be killed and run again; readers, the archive and deliveries come through."""

import json
import os
import subprocess
import tempfile

import confluent_kafka.admin
import readers
import stream
from case import contract_faults
from kafkacase import KafkaCase
from receiver import Receiver
from scimhttp import GROUP, USER, Client, patch_op
from stack import ROOT, free_port
from waiting import run, wait_for_end, wait_until

PARTITIONS = 12
NUMBERED = (stream.MEMBERSHIP, stream.EVENTS, stream.AUDIT)
COUNTERS = {stream.MEMBERSHIP: "membership_seq", stream.EVENTS: "events_seq", stream.AUDIT: "audit_seq"}
EPOCH = "usher.stream.epoch"
FAULTS = ("missing", "old", "leftOver", "untold", "different")
BUSY_ANSWER = "workers run"


class Restoring(KafkaCase):
    """What restoring takes, and what must hold afterwards."""

    @classmethod
    def setUpClass(cls):
        readers.build()
        super().setUpClass()
        cls.files = tempfile.TemporaryDirectory(prefix="usher-restore-")
        cls.addClassCleanup(cls.files.cleanup)

    # ---- tools of the operator

    def shell(self, program, *words):
        versions = sorted(os.listdir("/usr/lib/postgresql"), key=int)
        done = run([os.path.join("/usr/lib/postgresql", versions[-1], "bin", program), *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def dump(self):
        path = os.path.join(self.files.name, self.id())
        self.shell("pg_dump", "--format=custom", "--schema=usher", "--file=" + path, "--dbname=" + self.stack.env["USHER_PG"])
        return path

    def stop_programs(self):
        for name in ("worker", "ingest"):
            self.stack.local("stop", name)

    def load(self, path):
        """The database becomes what it was."""
        self.stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                       "AND datname = current_database() AND backend_type = 'client backend'")
        self.stack.sql("DROP SCHEMA usher CASCADE")
        self.stack.forget()
        self.shell("pg_restore", "--exit-on-error", "--dbname=" + self.stack.env["USHER_PG"], path)

    def tool(self, *words, failpoint=""):
        """usherctl; gives what it was."""
        env = dict(os.environ, **self.stack.env, USHER_FAILPOINT=failpoint)
        return run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), *words], env=env, capture_output=True, text=True)

    def refuses(self, reason, roles="apply,archive,deliver"):
        """A worker that is started now waits, and says why. Gives it, running."""
        port = free_port()
        worker = subprocess.Popen([os.path.join(self.stack.env["USHER_BIN"], "usher-worker"), "--pg", self.stack.env["USHER_PG"],
                                   "--kafka", self.stack.kafka, "--metrics-listen", "127.0.0.1:%d" % port, "--roles", roles,
                                   "--audit-key", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        self.addCleanup(lambda: worker.poll() is None and worker.kill())

        def says():
            try:
                status, text = self.ready("http://127.0.0.1:%d" % port)
            except OSError:
                return ""
            return text if status == 503 and reason in text else ""

        wait_until(says, "the worker to refuse: " + reason, silence=180)
        return worker

    def end(self, worker):
        worker.terminate()
        wait_for_end(worker, "the worker")

    def reopen(self, *workspaces):
        """The ingest is another process."""
        for ws in workspaces:
            ws.client.close()
            ws.client = ws.open()

    # ---- what is done before and afterwards

    def some_room(self, ws, name, *users):
        return self.room(name, list(users), ws.client)["id"]

    def some_users(self, ws, *names):
        return [self.user(name, ws.client)["id"] for name in names]

    def tables(self, workspace):
        """Its rooms as PostgreSQL has them, in the readers' words."""
        rooms = {room: {"name": name, "members": {}} for room, name in self.stack.sql(
            "SELECT id::text, display_name FROM rooms WHERE workspace_id = %s", workspace)}
        for room, user, transmit in self.stack.sql(
                "SELECT room_id::text, user_id::text, transmit FROM members WHERE workspace_id = %s AND NOT held", workspace):
            rooms[room]["members"][user] = transmit
        return rooms

    def counts(self, workspace):
        return self.stack.sql("SELECT epoch, membership_seq FROM workspaces WHERE workspace_id = %s", workspace)[0]

    def readers_equal(self, running, *workspaces):
        for reader in running:
            for ws in workspaces:
                reader.wait_for(ws.id, list(self.counts(ws.id)))
                self.assertEqual(reader.told.workspaces[ws.id], self.tables(ws.id), reader.kind)

    def by_epoch(self, topic, workspace):
        """{epoch: its records, as read_committed readers get them}; the records are good."""
        found = {}
        for r in stream.of_workspace(stream.read_topic(self.stack.kafka, topic), workspace):
            if "usher-epoch" in r.headers:
                self.assertEqual(contract_faults(r), [])
                found.setdefault(int(r.headers["usher-epoch"]), []).append(r)
        return found

    def numbers_hold(self, workspace, epoch):
        """In each numbered topic: gapless in each epoch, the last one begins with its record and goes beyond all before."""
        for topic in NUMBERED:
            epochs = self.by_epoch(topic, workspace)
            highest = 0
            for number, records in sorted(epochs.items()):
                seqs = [stream.seq_of(r) for r in records]
                self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))), (topic, number))
                self.assertGreater(seqs[0], highest, (topic, number))
                self.assertEqual([r.headers["ce_type"] == EPOCH for r in records], [number > 1] + [False] * (len(seqs) - 1))
                highest = seqs[-1]
            self.assertEqual(max(epochs), epoch, topic)

    def snapshot_holds(self, *workspaces):
        """usher.rooms, folded by key alone as after compaction, is what the tables have; its numbers are of the last epoch."""
        states = {}
        for r in stream.read_topic(self.stack.kafka, stream.ROOMS):
            states[r.key] = r
        for workspace in workspaces:
            rooms = {}
            for key, r in states.items():
                ws, room, *user = key.split("/")
                if ws != workspace or r.value is None:
                    continue
                held = rooms.setdefault(room, {"name": None, "members": {}})
                if user:
                    held["members"][user[0]] = r.value["transmit"]
                else:
                    held["name"] = r.value["name"]
            self.assertEqual(rooms, self.tables(workspace))

    def snapshot_told(self, workspace):
        """What `usherctl stream verify` says of its snapshot. (Whether its numbers are whole does not matter here: topics
        are lost on purpose.)"""
        done = self.tool("stream", "verify", "--workspace", workspace, "--json")
        return json.loads(done.stdout)["streams"]["workspaces"][0]["snapshot"], done

    def snapshot_agrees(self, *workspaces):
        """The tool, which knows nothing of the tables, finds nothing wrong, and as many rooms and members as they have."""
        for workspace in workspaces:
            said, done = self.snapshot_told(workspace)
            rooms = self.tables(workspace)
            self.assertEqual({fault: said[fault] for fault in FAULTS}, dict.fromkeys(FAULTS, 0), done.stdout + done.stderr)
            self.assertEqual((said["rooms"], said["members"], said["unproved"]),
                             (len(rooms), sum(len(r["members"]) for r in rooms.values()), 0))

    def snapshot_lacks(self, workspace):
        """The tool says so: all that the tables have."""
        said, done = self.snapshot_told(workspace)
        rooms = self.tables(workspace)
        missing = {"rooms/" + room for room in rooms} | {"rooms/%s/members/%s" % (room, user) for room in rooms
                                                         for user in rooms[room]["members"]}
        self.assertEqual(({f["subject"] for f in said["first"] if f["fault"] == "missing"}, said["missing"], done.returncode),
                         (missing, len(missing), 1), done.stderr)
        self.assertIn("%d rooms and members of the snapshot are not as the events say" % len(missing), done.stderr)

    def archive_catches_up(self, workspace):
        def there():
            wanted = self.stack.sql("SELECT epoch, audit_seq FROM workspaces WHERE workspace_id = %s", workspace)[0]
            found = self.stack.sql("SELECT epoch, seq, stopped, refused FROM audit_tree WHERE workspace_id = %s AND tree = 1",
                                   workspace)
            return found and found[0] == (*wanted, None, None)

        self.wait_until(there, "the archive to have all changes")


class Lost(Restoring):
    """Topics, ends of partitions and a group's offsets that are lost."""

    def delete_topic(self, name):
        client = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.stack.kafka})
        client.delete_topics([name])[name].result()
        wait_until(lambda: name not in client.list_topics().topics, "%s to be gone" % name,
                   silence=180)

    def lose_end(self, topic, partition):
        """All that the partition holds, and as if it had held more."""
        self.admin("config", topic, "cleanup.policy", "compact,delete")
        end = int(self.admin("ends", topic, partition).split()[1])
        self.admin("delete-records", topic, partition, end)
        self.stack.sql("UPDATE marks SET positions = positions || %s WHERE partition = %s",
                       '{"%s": %d}' % (topic, end + 7), partition)
        return end

    def forget_group(self):
        def done():
            try:
                self.admin("forget", "usher-worker")
            except AssertionError as trouble:
                return "" if "NON_EMPTY_GROUP" in str(trouble) else self.fail(trouble)
            return True

        wait_until(done, "the group to be empty", silence=180)

    def begun(self, name):
        ws = self.stack.workspace(name)
        users = self.some_users(ws, "u1", "u2")
        self.some_room(ws, "One", *users)
        self.expect(ws.client.delete("/Groups/" + self.some_room(ws, "Two", *users)), 204)
        self.followers.settle(ws.id)
        return ws, users

    def goes_on(self, ws, users, before):
        """Everything works, and readers that begin now have all of it."""
        self.stack.start()
        self.reopen(ws)
        self.some_room(ws, "Three after %d" % before, *users)
        running = [readers.Reader(kind, self.stack.kafka, self.stack.progress) for kind in readers.KINDS]
        for reader in running:
            self.addCleanup(reader.kill)
        self.some_room(ws, "Four after %d" % before, *users)
        self.assertGreater(self.counts(ws.id)[0], before)
        self.readers_equal(running, ws)
        for reader in running:
            self.assertEqual((reader.lines("gap"), reader.end()), ([], 0), reader.kind)
            self.none_wrong(reader.told.wrong)
        self.snapshot_holds(ws.id)
        self.snapshot_agrees(ws.id)

    def rebuilt(self, *words):
        done = self.tool(*words)
        self.assertEqual((done.returncode, "A new epoch has begun" in done.stdout), (0, True), done.stdout + done.stderr)

    def test_topics_are_lost(self):
        """The worker makes them anew, and does not go on before the command was run."""
        ws, users = self.begun("topics")
        for topics, *words in (((stream.ROOMS,), "rooms", "rebuild"),
                               ((stream.MEMBERSHIP, stream.EVENTS, stream.AUDIT), "restore")):
            epoch = self.counts(ws.id)[0]
            self.stack.local("stop", "worker")
            for topic in topics:
                self.delete_topic(topic)
            self.end(self.refuses("%s ends at 0 in partition" % topics[0]))
            if topics[0] == stream.ROOMS:
                self.snapshot_lacks(ws.id)
            self.rebuilt(*words)
            self.goes_on(ws, users, epoch)

    def test_the_end_of_a_partition_is_lost(self):
        ws, users = self.begun("end")
        epoch = self.counts(ws.id)[0]
        self.stack.local("stop", "worker")
        partition = stream.murmur2(ws.id.encode()) % PARTITIONS
        end = self.lose_end(stream.ROOMS, partition)
        self.end(self.refuses("usher.rooms ends at %d in partition %d, and went to %d" % (end, partition, end + 7)))
        self.snapshot_lacks(ws.id)
        self.rebuilt("rooms", "rebuild")
        self.goes_on(ws, users, epoch)

    def test_an_older_dump_and_no_offsets(self):
        """The group's offsets are gone too, so the streams themselves say that PostgreSQL is older."""
        ws, users = self.begun("offsets")
        epoch, old = self.counts(ws.id)[0], self.dump()
        self.some_room(ws, "Too new", *users)
        self.followers.settle(ws.id)
        self.stop_programs()
        self.load(old)
        self.forget_group()
        self.end(self.refuses("PostgreSQL is older than the streams"))
        self.rebuilt("restore")
        self.goes_on(ws, users, epoch)


class Restore(Restoring):
    def changes_afterwards(self, ws, room, gone, users):
        """What the dump does not have. Gives the workspace that came."""
        self.expect(ws.client.delete("/Groups/" + gone), 204)
        self.expect(ws.client.patch("/Groups/" + room, patch_op(
            {"op": "remove", "path": 'members[value eq "%s"]' % users[0]})), 204)
        self.some_room(ws, "Too new", *users)
        later = self.stack.workspace("later")
        self.some_room(later, "Later", *self.some_users(later, "l1", "l2"))
        return later

    def restore_with_kills(self):
        """Killed when it has decided, and between two rows; nobody starts meanwhile."""
        for failpoint in ("epoch.decided=kill", "epoch.row=kill@2"):
            self.assertEqual(self.tool("restore", failpoint=failpoint).returncode, -9, failpoint)
            self.end(self.refuses("A new epoch was begun"))
        left = self.stack.sql("SELECT count(*) FROM new_epochs")[0][0]
        self.assertGreater(left, 0)
        done = self.tool("restore")
        self.assertEqual((done.returncode, "%d workspaces" % left in done.stdout), (0, True), done.stdout + done.stderr)
        done = self.tool("restore")
        self.assertEqual((done.returncode, "nothing to do" in done.stdout), (0, True), done.stdout + done.stderr)

    def test_an_older_dump_while_readers_run(self):
        ws, other = self.stack.workspace("kept"), self.stack.workspace("other")
        receiver = Receiver()
        self.addCleanup(receiver.close)
        self.stack.ctl("delivery", "create", workspace=ws.id, name="d", endpoint=receiver.url("/a"), events="usher.*")
        users = self.some_users(ws, "u1", "u2", "u3")
        room, gone = self.some_room(ws, "Stays", *users), self.some_room(ws, "Goes", *users)
        self.some_room(other, "Other", *self.some_users(other, "o1"))
        token, key = ws.key("second")
        for each in (ws, other):
            self.followers.settle(each.id)
            self.archive_catches_up(each.id)
        old = self.dump()
        running = [readers.Reader(kind, self.stack.kafka, self.stack.progress) for kind in readers.KINDS]
        for reader in running:
            self.addCleanup(reader.kill)

        later = self.changes_afterwards(ws, room, gone, users)
        self.stack.ctl("key", "revoke", key)
        for each in (ws, other, later):
            self.followers.settle(each.id)
        self.readers_equal(running, ws, other, later)
        before = {each.id: self.counts(each.id) for each in (ws, other, later)}

        self.stop_programs()
        self.load(old)
        for roles in ("apply,archive,deliver", "archive", "deliver"):
            worker = self.refuses("PostgreSQL is older than the streams", roles)
            if roles.startswith("apply"):
                done = self.tool("restore")
                self.assertEqual((done.returncode, BUSY_ANSWER in done.stderr), (1, True), done.stderr)
            self.end(worker)
        self.restore_with_kills()
        self.stack.start()

        # The key that was revoked after the dump is dead again.
        with_key = Client(self.stack.url, token, check=False)
        self.addCleanup(with_key.close)
        self.assertEqual(with_key.get("/Users").status, 401)
        self.readers_equal(running, ws, other)
        for reader in running:
            reader.wait(lambda told: told.workspaces.get(later.id) == {}, "the workspace that is not there any more")
        self.reopen(ws)
        self.user("after", ws.client)
        self.expect(ws.client.delete("/Groups/" + room), 204)
        self.room("Again", [users[1]], ws.client)
        self.readers_equal(running, ws, other)
        for reader in running:
            self.assertEqual(reader.lines("gap"), [], reader.kind)
            told = {line["workspace"]: (line["epoch"], line["seq"]) for line in reader.lines("whole", why=EPOCH)}
            for workspace, (_, seq) in before.items():
                self.assertEqual(told[workspace][0], 2, reader.kind)
                self.assertGreater(told[workspace][1], seq, reader.kind)
            self.assertEqual(reader.end(), 0, reader.kind)
            self.none_wrong(reader.told.wrong)

        # What the archive has is committed, and with it all else that was in its Kafka transactions.
        self.archive_catches_up(ws.id)
        self.archive_catches_up(other.id)
        for workspace in before:
            self.numbers_hold(workspace, 2)
        self.snapshot_holds(*before)
        self.snapshot_agrees(ws.id, other.id)
        self.stack.ctl("audit", "verify", ws.id)
        # The endpoint has what came after it, and was told of the epoch.
        due = {"%s/membership/%d" % (ws.id, n) for n in range(1, self.counts(ws.id)[1] + 1)}
        made = {r.headers["ce_id"] for r in sum(self.by_epoch(stream.MEMBERSHIP, ws.id).values(), [])}
        self.wait_until(lambda: made <= {m.id for m in receiver.of("/a")}, "all messages")
        self.assertLessEqual(made, due)
        self.assertIn(EPOCH, {m.type for m in receiver.of("/a")})
