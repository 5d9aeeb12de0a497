"""The readers in C and Python (schemas/readers), on real Kafka: through workers that die, a broker that goes and comes
back, a record that is missing, a new epoch and compaction. At the end what each has told is what the tables hold, and
each number was told once."""

import json
import os
import signal
import threading

import confluent_kafka
import confluent_kafka.admin
import readers
import stream
from case import Followers, contract_faults
from kafkacase import KafkaCase
from scimhttp import GROUP, USER, Broken, patch_op
from waiting import let_time_pass, wait_until

PARTITIONS = 12
TURNS = 120  # seconds, about, within which compaction must come by: it looks every 15 s


class Storm(threading.Thread):
    """One client that changes rooms and members, whatever the answers: what has become of it is in the tables."""

    def __init__(self, ws, number):
        super().__init__(daemon=True)
        self.ws, self.number, self.done, self.ending = ws, number, 0, threading.Event()
        self.client = ws.open(check=False)

    def send(self, method, path, body=None):
        """The answer's body; {} where there is none, or it is an error."""
        try:
            answer = self.client.request(method, path, body)
        except (Broken, OSError):
            return {}
        self.done += 1
        return answer.json if answer.status < 300 and answer.body else {}

    def turn(self, i):
        name = "%d-%d" % (self.number, i)
        user = self.send("POST", "/Users", {"schemas": [USER], "userName": "storm-" + name}).get("id")
        room = self.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Storm " + name,
                                             "members": [{"value": user}] if user else []}).get("id")
        if user is None or room is None:
            return
        for active in (False, True):
            self.send("PATCH", "/Users/" + user, patch_op({"op": "replace", "path": "active", "value": active}))
        self.send("PATCH", "/Groups/" + room, patch_op({"op": "replace", "path": "displayName", "value": "S " + name}))
        if i % 3 == 0:
            self.send("DELETE", "/Groups/" + room)
        elif i % 3 == 1:
            self.send("DELETE", "/Users/" + user)

    def run(self):
        i = 0
        while not self.ending.is_set():
            self.turn(i)
            i += 1

    def end(self):
        self.ending.set()
        self.join()
        self.client.close()


class Readers(KafkaCase):
    @classmethod
    def setUpClass(cls):
        readers.build()
        super().setUpClass()

    def reader(self, kind, topics="usher"):
        made = readers.Reader(kind, self.stack.kafka, self.stack.progress, topics)
        self.addCleanup(made.kill)
        return made

    def both(self, topics="usher"):
        return [self.reader(kind, topics) for kind in readers.KINDS]

    def tables(self, workspace):
        """The rooms of a workspace as PostgreSQL has them, in the readers' words; and the number at which they are."""
        rooms = {room: {"name": name, "members": {}} for room, name in self.stack.sql(
            "SELECT id::text, display_name FROM rooms WHERE workspace_id = %s", workspace.id)}
        for room, user, transmit in self.stack.sql(
                "SELECT room_id::text, user_id::text, transmit FROM members WHERE workspace_id = %s AND NOT held",
                workspace.id):
            rooms[room]["members"][user] = transmit
        # The newest generation is the row (sql/migrations/0009_generations.sql).
        epoch, seq = self.stack.sql("SELECT epoch, membership_seq FROM workspaces WHERE workspace_id = %s "
                                    "ORDER BY generation DESC LIMIT 1", workspace.id)[0]
        return rooms, [epoch, seq]

    def judge(self, running, *workspaces):
        """Waits until the readers have all, ends them, and holds them against the tables."""
        for ws in workspaces:
            rooms, number = self.tables(ws)
            for reader in running:
                reader.wait_for(ws.id, number)
                self.assertEqual(reader.told.workspaces[ws.id], rooms, reader.kind)
        for reader in running:
            self.assertEqual(reader.end(), 0, reader.kind)
            self.none_wrong(reader.told.wrong)
            self.assertEqual(reader.told.lines[-1], {"do": "end"})
            for ws in workspaces:
                self.assertEqual(reader.told.workspaces[ws.id], self.tables(ws)[0], reader.kind)

    def add(self, ws, room, user):
        return patch_op({"op": "add", "path": "members", "value": [{"value": user}]})

    def some_rooms(self, ws, names, users=3):
        """Rooms with the same members; gives the ids of both."""
        members = [self.user("u%d" % i, ws.client)["id"] for i in range(users)]
        return [self.room(name, members, ws.client)["id"] for name in names], members

    # ---- deaths

    def storms(self, workspaces):
        running = [Storm(ws, i) for ws in workspaces for i in range(2)]
        for storm in running:
            storm.start()
        return running

    def go_on(self, storms, turns, what):
        """Until so many more answers have come."""
        due = sum(s.done for s in storms) + turns
        wait_until(lambda: sum(s.done for s in storms) >= due, what, self.stack.progress)

    def settled(self, workspaces):
        for ws in workspaces:
            self.followers.settle(ws.id)

    def test_workers_that_die_in_a_storm(self):
        """Killed from outside, and where it hurts: when a Kafka transaction is filled and not ended, so that what a
        read_uncommitted reader has seen comes again."""
        workspaces = [self.stack.workspace("storm") for _ in range(3)]
        running = self.both()
        storms = self.storms(workspaces)
        self.go_on(storms, 60, "the storm to begin")
        for point in (None, "emit.before_commit", None, "emit.before_commit"):
            if point is None:
                self.stack.signal("WORKER")
            else:
                self.stack.local("stop", "worker")
                self.stack.local("start", check=False, USHER_FAILPOINT_WORKER=point + "=kill@8")
                self.stack.reload()
            wait_until(lambda: not self.stack.alive("WORKER"), "the worker to die", self.stack.progress)
            self.stack.start()
            self.go_on(storms, 60, "the storm to go on")
            running += self.both()  # they read their snapshot in the middle of it
        for storm in storms:
            storm.end()
        self.settled(workspaces)
        self.judge(running, *workspaces)
        for reader in running:
            self.assertEqual(reader.lines("gap"), [], reader.kind)
        seen = [r for r in stream.read_topic(self.stack.kafka, stream.MEMBERSHIP, stream.UNCOMMITTED)
                if stream.workspace_of(r) in [ws.id for ws in workspaces]]
        self.assertGreater(len(seen), len(stream.drop_seen(seen)), "nothing came twice: the deaths have proved nothing")
        for ws in workspaces:  # those that were there from the start have told each number
            for reader in running[:2]:
                told = [line["seq"] for line in reader.told.lines if line.get("workspace") == ws.id and "room" in line]
                self.assertEqual(told, list(range(1, self.tables(ws)[1][1] + 1)), reader.kind)

    @staticmethod
    def switched(ws, user, active):
        """Without Kafka an answer may be an error, or none at all."""
        try:
            return ws.client.patch("/Users/" + user, patch_op(
                {"op": "replace", "path": "active", "value": active})).status == 200
        except (Broken, OSError):
            return False

    def follow_anew(self):
        """The followers of the class have ended with the broker; other tests need them."""
        type(self).followers = Followers(self.stack)
        type(self).addClassCleanup(self.followers.close)

    def test_broker_that_goes_and_comes_back(self):
        ws = self.stack.workspace("broker")
        (room, *_), (user, *_) = self.some_rooms(ws, ["Before", "Other"])
        running = self.both()
        self.stack.local("stop", "broker")
        let_time_pass(2, "clients notice that there is no broker")
        wait_until(lambda: self.stack.local("start", check=False)[0] == 0, "the broker to be back", silence=180)
        self.stack.reload()
        self.follow_anew()
        for active in (False, True):
            wait_until(lambda: self.switched(ws, user, active), "usher to be back", self.stack.progress)
        self.expect(ws.client.delete("/Groups/" + room), 204)
        self.judge(running, ws)
        for reader in running:
            self.assertEqual((reader.lines("gap"), len(reader.lines("ready"))), ([], 1), reader.kind)

    # ---- topics that a test fills by itself, with records of usher's

    def make_topics(self):
        self.topics = "t%d" % (id(self) % 1000000)
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.stack.kafka})
        made = admin.create_topics([confluent_kafka.admin.NewTopic(self.topics + name, PARTITIONS, 1)
                                    for name in (".rooms", ".membership")])
        for future in made.values():
            future.result()
        self.producer = confluent_kafka.Producer({"bootstrap.servers": self.stack.kafka, "enable.idempotence": True})

    def copy(self, records):
        for r in records:
            self.producer.produce(r.topic.replace("usher", self.topics), r.text, r.key, r.partition,
                                  headers=list(r.headers.items()))
        self.producer.flush()

    def recorded(self, ws):
        """(records of usher.rooms, records of usher.membership) of the workspace, in order."""
        self.followers.settle(ws.id)
        return self.followers.rooms.snapshot(ws.id), self.followers.membership.snapshot(ws.id)

    def test_a_missing_record_is_noticed(self):
        """One is left out of usher.membership. The reader says between which numbers, reads that workspace anew, and
        leaves the others alone."""
        self.make_topics()
        ws, other = self.stack.workspace("gap"), self.stack.workspace("whole")
        for each in (ws, other):
            self.some_rooms(each, ["First"])
        begun = [self.recorded(each) for each in (ws, other)]
        for rooms, membership in begun:
            self.copy(rooms + membership)
        running = self.both(self.topics)
        for each in (ws, other):
            self.room("Second", client=each.client)
        for each, (rooms, membership) in zip((ws, other), begun):
            later = self.recorded(each)
            rooms, membership = later[0][len(rooms):], later[1][len(membership):]
            self.assertEqual(len(membership), 1)
            self.copy(rooms + membership)
        last = self.tables(ws)[1][1]
        for reader in running:
            reader.wait_for(ws.id, [1, last])
        user = self.user("late", ws.client)["id"]
        room = self.room("Third", [user], ws.client)["id"]
        self.expect(ws.client.delete("/Groups/" + room), 204)
        rooms, membership = (records[-4:] for records in self.recorded(ws))
        self.copy(rooms[:2] + [membership[0], *membership[2:]])  # its second record is missing; not all rooms are there
        for reader in running:
            reader.wait(lambda told: reader.lines("gap", workspace=ws.id), "the gap")
        self.copy(rooms[2:])
        self.judge(running, ws, other)
        for reader in running:
            self.assertEqual(reader.lines("gap"), [{"do": "gap", "workspace": ws.id, "after": [1, last + 1],
                                                    "got": [1, last + 3]}], reader.kind)
            self.assertEqual([line["workspace"] for line in reader.lines("whole", why="gap")], [ws.id], reader.kind)

    def test_a_place_that_retention_took_away(self):
        """The reader stands still while records come and go. When it goes on, its place is no longer there."""
        self.make_topics()
        ws = self.stack.workspace("retention")
        (room, *_), _ = self.some_rooms(ws, ["Kept"])
        rooms, membership = self.recorded(ws)
        self.copy(rooms + membership)
        for kind in readers.KINDS:
            reader = self.reader(kind, self.topics)
            os.kill(reader.process.pid, signal.SIGSTOP)
            for i in range(2):  # the first answers the question that it has asked already
                self.room("%s %d" % (kind, i), client=ws.client)
                before, (rooms, membership) = len(membership), self.recorded(ws)
                self.copy(rooms[before:] + membership[before:])
                let_time_pass(1, "the broker answers a question that was asked before")
            place = membership[0].partition
            end = self.admin("ends", self.topics + ".membership", place).split()[1]
            self.admin("delete-records", self.topics + ".membership", place, end)
            os.kill(reader.process.pid, signal.SIGCONT)
            reader.wait(lambda told: len(reader.lines("ready")) == 2, "a new start")
            self.judge([reader], ws)

    # ---- what a restore does

    def test_a_new_epoch(self):
        """What a restore does: the tables are older, the numbers go on beyond all that were given, usher.rooms is made
        anew, and the streams tell it. The next change is one of the new epoch."""
        ws, other = self.stack.workspace("epoch"), self.stack.workspace("other")
        (room, gone, *_), (user, *_) = self.some_rooms(ws, ["Stays", "Is too new"])
        self.some_rooms(other, ["Other"])
        for each in (ws, other):
            self.followers.settle(each.id)
        running = self.both()
        self.stack.local("stop", "worker")
        self.stack.sql("DELETE FROM members WHERE workspace_id = %s AND (room_id = %s OR user_id = %s)",
                       ws.id, gone, user)
        self.stack.sql("DELETE FROM rooms WHERE workspace_id = %s AND id = %s", ws.id, gone)
        before = self.tables(ws)[1]
        self.stack.sql("UPDATE workspaces SET epoch = 2, membership_seq = membership_seq + 1000 "
                       "WHERE workspace_id = %s", ws.id)
        held, (epoch, seq) = self.tables(ws)
        self.rebuild(ws, held, epoch, seq)
        self.tell(ws, epoch, seq, before)
        self.stack.start()
        self.expect(ws.client.patch("/Groups/" + room, self.add(ws, room, user)), 204)
        self.judge(running + self.both(), ws, other)
        for reader in running:
            self.assertEqual(reader.lines("gap"), [], reader.kind)
            self.assertEqual([(line["workspace"], line["seq"]) for line in
                              reader.lines("whole", why="usher.stream.epoch")], [(ws.id, seq)], reader.kind)
            self.assertEqual([(line["do"], line["epoch"], line["seq"]) for line in reader.told.lines
                              if line.get("room", {}) and line["workspace"] == ws.id],
                             [("usher.member.added", 2, seq + 1)], reader.kind)

    def example(self, name):
        with open(os.path.join("schemas", "examples", name + ".json"), encoding="utf-8") as f:
            return json.load(f)

    def write(self, topic, ws, key, headers, value):
        record = stream.Record(topic, stream.murmur2(ws.id.encode()) % PARTITIONS, 0, key, headers, value)
        self.assertEqual(contract_faults(record), [])
        producer = confluent_kafka.Producer({"bootstrap.servers": self.stack.kafka})
        producer.produce(topic, value and json.dumps(value), key, record.partition, headers=list(headers.items()))
        producer.flush()

    def rebuild(self, ws, held, epoch, seq):
        """usher.rooms from the tables: what there is, and tombstones of what there is no more."""
        states = {}
        for record in self.followers.rooms.snapshot(ws.id):
            states[record.key] = record
        for key, record in states.items():
            _, room, *user = key.split("/")
            there = room in held and (not user or user[0] in held[room]["members"])
            headers = dict(record.headers, **{"usher-seq": str(seq), "ce_sequence": str(seq), "usher-epoch": str(epoch),
                                              "ce_id": "%s/rooms/%d/%s" % (ws.id, seq, "/".join([room, *user]))})
            value = dict(record.value, epoch=epoch, seq=seq) if there and record.value else None
            self.write(stream.ROOMS, ws, key, headers, value)

    def tell(self, ws, epoch, seq, before):
        example = self.example("membership.epoch")
        value = dict(example["value"], workspace=ws.id, epoch=epoch, seq=seq,
                     previous={"epoch": before[0], "seq": before[1]})
        headers = dict(example["headers"], ce_id="%s/membership/%d" % (ws.id, seq), ce_source="/w/" + ws.id,
                       ce_subject="workspaces/" + ws.id, ce_sequence=str(seq))
        headers.update({"usher-seq": str(seq), "usher-epoch": str(epoch)})
        self.write(stream.MEMBERSHIP, ws, ws.id, headers, value)

    # ---- compaction

    def test_a_snapshot_of_what_compaction_has_left(self):
        """Of each key the last record is left, members perhaps before their room; and tombstones go, so that the
        highest number of a workspace may be missing: the next change then shows a gap, which is none of events."""
        ws, quiet = self.stack.workspace("compact"), self.stack.workspace("quiet")
        (room, *_), (user, *_) = self.some_rooms(ws, ["Compact", "Beside"])
        (doomed, *_), _ = self.some_rooms(quiet, ["Kept", "Doomed"])
        self.expect(quiet.client.delete("/Groups/" + doomed), 204)
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.stack.kafka})
        eager = confluent_kafka.admin.ConfigResource("topic", stream.ROOMS, set_config={
            "cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001",
            "delete.retention.ms": "100"})
        for future in admin.alter_configs([eager]).values():
            future.result()
        for turn in range(TURNS):
            for active in (False, True):
                self.expect(ws.client.patch("/Users/" + user, patch_op(
                    {"op": "replace", "path": "active", "value": active})), 200)
            self.expect(ws.client.patch("/Groups/" + room, patch_op(
                {"op": "replace", "path": "displayName", "value": "Compact %d" % turn})), 204)
            let_time_pass(1, "a segment ends by its age, and the cleaner comes by")
            left = stream.of_workspace(stream.read_topic(self.stack.kafka, stream.ROOMS), ws.id)
            if len(left) < self.tables(ws)[1][1] / 2:
                break
        else:
            self.fail("nothing was compacted: %d records for %s numbers" % (len(left), self.tables(ws)[1]))
        running = self.both()
        self.expect(ws.client.patch("/Groups/" + room, patch_op(
            {"op": "remove", "path": 'members[value eq "%s"]' % user})), 204)
        self.room("New", client=quiet.client)
        self.judge(running, ws, quiet)
