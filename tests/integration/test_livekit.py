"""usher-livekit against a server that speaks LiveKit's calls (livekit_fake): what follows what, the guard, and above all
what happens where LiveKit is slow, refuses, is away or has lost everything, where the bridge is killed, and where the
streams have a gap. What real clients hear is shown in tests/voice."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import confluent_kafka
from apicase import ApiCase
from bridge import Bridge
from case import BUSY
from livekit_fake import FakeLiveKit
from manager import Manager
from scimhttp import patch_op
from waiting import wait_until

QUICK = {"probe_ms": 200, "retry_max_ms": 400}


class Voice(ApiCase):
    """A fake LiveKit and a bridge that serves the workspace of the suite alone."""
    bridge_settings = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="livekit-", dir=self.stack.run_dir)
        self.livekit = FakeLiveKit()
        self.addCleanup(self.livekit.stop)
        self.place = self.stack.workspace("voice")
        self.api = self.open_api(self.place)
        self.addCleanup(self.api.close)
        self.bridge = self.make_bridge("livekit", **self.bridge_settings).start()
        self.livekit.webhook = self.bridge.hook

    def make_bridge(self, name, **settings):
        program = os.path.join(self.stack.env["USHER_BIN"], "usher-livekit")
        bridge = Bridge(self.folder, program, self.stack.kafka, self.livekit.url, name,
                        **{"workspace": self.place.id, **QUICK, **settings})
        self.addCleanup(bridge.kill)
        self.addCleanup(self.nothing_found, bridge)
        return bridge

    def nothing_found(self, bridge):
        self.assertNotIn("Sanitizer", bridge.said())

    def member(self, name, *rooms, transmit=True):
        user = self.make_user(name)["id"]
        for room in rooms:
            self.ok(self.api.put("/rooms/%s/members/%s" % (room, user), {"transmit": transmit}), 201)
        return user

    def new_room(self, name):
        room = self.make_room(name)["id"]
        self.see(lambda: room in self.livekit.rooms, "the room at LiveKit")
        return room

    def see(self, condition, what):
        return wait_until(condition, what, self.bridge.said)

    def inside(self, room, due):
        """{user: transmit} of who is in a room, at last."""
        self.see(lambda: self.livekit.people(room) == due, "%s in %s" % (due, room))

    def counted(self, metric, least):
        """A call is counted when its answer is there; who is inside is known a moment before."""
        self.see(lambda: self.bridge.metric(metric) >= least, "%s to be %d" % (metric, least))

    def caught_up(self, bridge=None):
        """The bridge has read all that has happened to the workspace: then a new room is there, and another one not."""
        room = self.make_room("Marker %s" % uuid.uuid4())["id"]
        self.see(lambda: room in self.livekit.rooms, "what has happened last")


class Told(Voice):
    def test_the_service_manager(self):
        """READY, STATUS, WATCHDOG out of the loop that follows, STOPPING."""
        manager = Manager(self.folder)
        bridge = self.make_bridge("watched").start(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="1000000")
        wait_until(lambda: "READY=1" in manager.hear() and "STATUS=ready" in manager.told, "READY", self.stack.progress)
        seen = manager.hear().count("WATCHDOG=1")
        wait_until(lambda: manager.hear().count("WATCHDOG=1") > seen + 2, "WATCHDOG")
        self.assertNotIn("STOPPING=1", manager.told)
        self.assertEqual(bridge.stop(), 0)
        self.assertIn("STOPPING=1", manager.hear())


class Following(Voice):
    def test_rooms_and_members(self):
        one, two = self.new_room("One"), self.new_room("Two")
        ana, ben = self.member("ana", one, two), self.member("ben", one, transmit=False)
        self.caught_up()
        for room in (one, two):
            self.livekit.join(room, ana)
        self.livekit.join(one, ben, transmit=False)
        self.inside(one, {ana: True, ben: False})
        self.ok(self.api.put("/rooms/%s/members/%s" % (one, ben), {"transmit": True}))
        self.inside(one, {ana: True, ben: True})
        self.ok(self.api.put("/rooms/%s/members/%s" % (one, ana), {"transmit": False}))
        self.inside(one, {ana: False, ben: True})
        self.ok(self.api.delete("/rooms/%s/members/%s" % (one, ana)), 204)
        self.inside(one, {ben: True})
        self.assertEqual(self.livekit.people(two), {ana: True})
        self.ok(self.api.delete("/rooms/%s" % one), 204)
        self.see(lambda: one not in self.livekit.rooms, "the room to go")
        self.assertIn(two, self.livekit.rooms)

    def test_a_deactivated_user_leaves_all_rooms(self):
        rooms = [self.new_room("R%d" % i) for i in range(5)]
        ana, ben = self.member("ana", *rooms), self.member("ben", *rooms)
        self.caught_up()
        for room in rooms:
            self.livekit.join(room, ana)
            self.livekit.join(room, ben)
        off = patch_op({"op": "replace", "path": "active", "value": False})
        self.expect(self.place.client.patch("/Users/" + ana, off), 200)
        for room in rooms:
            self.inside(room, {ben: True})
        self.counted('usher_livekit_calls_total{call="remove"}', 5)
        self.counted("usher_livekit_act_seconds_count", 5)

    def test_many_of_one_room(self):
        """More than may wait for one room: it is compared, and only who is inside is called for."""
        room = self.new_room("Many")
        members = [self.member("m%d" % i, room) for i in range(100)]
        inside = members[::30]
        self.caught_up()
        for user in inside:
            self.livekit.join(room, user)
        block = self.livekit.slow[room] = threading.Event()
        empty = patch_op({"op": "remove", "path": "members"})
        self.expect(self.place.client.patch("/Groups/" + room, empty), 204)
        self.caught_up()
        del self.livekit.slow[room]
        block.set()
        self.inside(room, {})
        self.counted("usher_livekit_overflowed_total", 1)
        self.assertLessEqual(len(self.livekit.called("RemoveParticipant", room)), 64 + 4 + len(inside))

    def test_only_its_workspace(self):
        other = self.open_api(self.stack.workspace("other"))
        theirs = self.make_room("Theirs", other)["id"]
        self.new_room("Ours")
        self.assertNotIn(theirs, self.livekit.rooms)
        other.close()


class Guard(Voice):
    def setUp(self):
        super().setUp()
        self.room = self.new_room("Guarded")
        self.ana, self.ben = self.member("ana", self.room), self.member("ben", self.room, transmit=False)
        self.caught_up()

    def number(self):
        seq = self.ok(self.api.get("/rooms/%s/members" % self.room))
        return seq["epoch"], seq["seq"]

    def test_who_may_not_come_in(self):
        epoch, seq = self.number()
        for identity, how in (("a stranger", {}), (str(uuid.uuid4()), {}), ("x" * 300, {}), ("old", {"at": (epoch, 1)})):
            self.assertEqual(self.livekit.join(self.room, identity, **how), 200)
            self.inside(self.room, {})
        self.ok(self.api.delete("/rooms/%s/members/%s" % (self.room, self.ana)), 204)
        self.assertEqual(self.livekit.join(self.room, self.ana, at=(epoch, seq)), 200)
        self.inside(self.room, {})
        self.counted('usher_livekit_guard_total{does="remove"}', 4)

    def test_who_may_stay(self):
        self.livekit.join(self.room, self.ana, at=self.number())
        self.livekit.join(self.room, "recorder", kind="EGRESS")
        self.livekit.join(self.room, "stranger")
        self.inside(self.room, {self.ana: True, "recorder": True})
        self.assertEqual(self.livekit.called("UpdateParticipant"), [])

    def test_a_permission_of_an_old_token(self):
        self.livekit.join(self.room, self.ben, transmit=True)
        self.inside(self.room, {self.ben: False})
        self.livekit.join(self.room, self.ana, transmit=False)
        self.inside(self.room, {self.ben: False, self.ana: True})
        self.assertEqual(self.bridge.metric('usher_livekit_guard_total{does="permission"}'), 2)

    def test_a_token_that_is_newer_than_the_table(self):
        """He is a member by now, and the event is still on its way."""
        epoch, seq = self.number()
        cleo = self.make_user("cleo")["id"]
        self.livekit.join(self.room, cleo, at=(epoch, seq + 1))
        self.livekit.join(self.room, "stranger", at=(epoch, seq))
        self.inside(self.room, {cleo: True})
        self.ok(self.api.put("/rooms/%s/members/%s" % (self.room, cleo), {"transmit": True}), 201)
        self.caught_up()
        self.inside(self.room, {cleo: True})
        self.assertEqual(self.livekit.called("RemoveParticipant", self.room)[0][2], "stranger")

    def test_webhooks_that_are_not_genuine(self):
        """Whoever could send one could throw people out."""
        self.livekit.join(self.room, self.ana, at=self.number(), hook=False)
        event = {"event": "participant_joined", "room": {"name": self.room}, "participant": {"identity": self.ana}}
        other = json.dumps(dict(event, id="x")).encode()
        for how, status in (({"secret": "another secret of thirty-two characters"}, 401), ({"body": other}, 401),
                            ({"authorization": False}, 401), ({"body": b"x" * 70000}, 413)):
            self.assertEqual(self.livekit.hook(event, **how), status)
        self.assertEqual(self.livekit.hook({"event": "participant_joined"}), 400)
        self.assertEqual(self.bridge.metric("usher_livekit_webhooks_refused_total"), 3)
        self.assertEqual(self.livekit.people(self.room), {self.ana: True})
        self.assertEqual(self.livekit.called("UpdateParticipant", self.room), [])

    def test_a_room_that_was_empty_for_long(self):
        """LiveKit ends it, and says so."""
        del self.livekit.rooms[self.room]
        self.assertEqual(self.livekit.hook({"event": "room_finished", "room": {"name": self.room}}), 200)
        self.see(lambda: self.room in self.livekit.rooms, "the room again")


class Trouble(Voice):
    bridge_settings = {"call_ms": 20000}

    def setUp(self):
        super().setUp()
        self.one, self.two = self.new_room("One"), self.new_room("Two")
        self.ana = self.member("ana", self.one, self.two)
        self.join_all()

    def join_all(self):
        self.caught_up()  # or the guard would throw her out: her tokens carry no number
        for room in (self.one, self.two):
            self.livekit.join(room, self.ana)

    def remove(self, room, user=None):
        self.ok(self.api.delete("/rooms/%s/members/%s" % (room, user or self.ana)), 204)

    def test_a_slow_room(self):
        """The others don't wait for it."""
        block = self.livekit.slow[self.one] = threading.Event()
        self.remove(self.one)
        began = time.monotonic()
        self.remove(self.two)
        self.inside(self.two, {})
        self.assertLess(time.monotonic() - began, BUSY)
        self.assertEqual(self.livekit.people(self.one), {self.ana: True})
        block.set()
        self.inside(self.one, {})

    def test_a_room_whose_calls_fail(self):
        self.livekit.failing[self.one] = 500
        self.remove(self.one)
        self.remove(self.two)
        self.inside(self.two, {})
        self.see(lambda: len(self.livekit.called("RemoveParticipant", self.one)) >= 4, "further tries")
        del self.livekit.failing[self.one]
        self.inside(self.one, {})
        times = [c[3] for c in self.livekit.called("RemoveParticipant", self.one)]
        self.assertGreaterEqual(times[3] - times[2], 0.35, "it waits longer each time, up to retry-max-ms")

    def test_who_is_not_there(self):
        """404 is what a removal wants."""
        self.livekit.RemoveParticipant({"room": self.one, "identity": self.ana}, {"roomAdmin": True, "room": self.one})
        self.remove(self.one)
        self.caught_up()
        self.see(lambda: self.bridge.metric("usher_livekit_waiting") == 0, "nothing to wait")
        self.counted("usher_livekit_absent_total", 1)
        self.assertEqual(len(self.livekit.called("RemoveParticipant", self.one)), 1)

    def test_livekit_goes_and_comes_back(self):
        """It has lost all rooms, and what changed meanwhile is made so."""
        self.livekit.stop()
        self.see(lambda: self.bridge.ready()[0] == 503, "the bridge to notice")
        self.assertIn(self.livekit.url, self.bridge.ready()[1])
        self.remove(self.one)
        self.ok(self.api.delete("/rooms/%s" % self.two), 204)
        three = self.make_room("Three")["id"]
        self.livekit.start()
        self.see(lambda: {self.one, three} <= set(self.livekit.rooms), "the rooms again")
        self.bridge.wait_ready()
        self.assertNotIn(self.two, self.livekit.rooms)
        self.livekit.join(self.one, self.ana)
        self.inside(self.one, {})

    def test_livekit_has_lost_its_rooms(self):
        """It was started anew so fast that no call has failed."""
        with self.livekit.lock:
            self.livekit.rooms.clear()
        self.see(lambda: {self.one, self.two} <= set(self.livekit.rooms), "the rooms again")

    def test_a_wrong_secret(self):
        self.livekit.secret = "quite another one of thirty-two characters"
        self.see(lambda: self.bridge.ready()[0] == 503, "the bridge to notice")
        self.assertIn("401", self.bridge.ready()[1])
        self.remove(self.one)
        self.livekit.secret = "a secret of more than thirty-two characters"
        self.inside(self.one, {})
        self.bridge.wait_ready()

    def test_the_bridge_is_killed(self):
        self.bridge.kill()
        self.remove(self.one)
        self.ok(self.api.put("/rooms/%s/members/%s" % (self.two, self.ana), {"transmit": False}))
        three = self.make_room("Three")["id"]
        self.livekit.join(self.two, "stranger", hook=False)
        self.bridge.start()
        self.inside(self.one, {})
        self.inside(self.two, {self.ana: False})
        self.assertIn(three, self.livekit.rooms)

    def test_it_ends_when_it_is_told_to(self):
        """Also while a call hangs."""
        self.livekit.slow[self.one] = threading.Event()
        self.remove(self.one)
        self.see(lambda: self.livekit.called("RemoveParticipant", self.one), "the call")
        began = time.monotonic()
        self.assertEqual(self.bridge.stop(), 0)
        self.assertLess(time.monotonic() - began, 5 + BUSY)
        self.livekit.slow[self.one].set()

    def test_two_bridges(self):
        """What they do twice is harmless, and one goes on without the other."""
        second = self.make_bridge("second").start()
        self.remove(self.one)
        self.inside(self.one, {})
        self.assertEqual(self.bridge.stop(), 0)
        self.remove(self.two)
        self.inside(self.two, {})
        self.livekit.webhook = second.hook
        self.livekit.join(self.two, self.ana)
        self.inside(self.two, {})


class Comparing(Voice):
    bridge_settings = {"reconcile_seconds": 5}

    def test_what_no_webhook_has_told(self):
        room = self.new_room("Compared")
        ana = self.member("ana", room, transmit=False)
        self.caught_up()
        self.livekit.join(room, "stranger", hook=False)
        self.livekit.join(room, ana, transmit=True, hook=False)
        self.inside(room, {ana: False})
        self.counted("usher_livekit_differences_total", 2)

    def test_rooms_that_are_not_ushers(self):
        """Those of others stay, whatever their names; one that usher made and that is gone goes."""
        mine = self.new_room("Mine")
        gone, foreign, ahead = (str(uuid.uuid4()) for _ in range(3))
        grant = {"roomCreate": True}
        self.livekit.CreateRoom({"name": "lobby"}, grant)
        self.livekit.CreateRoom({"name": foreign}, grant)
        self.livekit.CreateRoom({"name": gone, "metadata": "usher %s 1 1" % self.place.id}, grant)
        self.livekit.CreateRoom({"name": ahead, "metadata": "usher %s 1 999999" % self.place.id}, grant)
        self.see(lambda: gone not in self.livekit.rooms, "the old room to go")
        self.assertTrue({"lobby", foreign, ahead, mine} <= set(self.livekit.rooms))


class Numbers(ApiCase):
    """The streams by hand: a broker of its own, and records that usher would write."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.mkdtemp(prefix="numbers-", dir=cls.stack.run_dir)

    def setUp(self):
        path = os.path.join(self.folder, "bootstrap-%s" % self._testMethodName)
        broker = subprocess.Popen([os.path.join(self.stack.env["USHER_BIN"], "usher-broker"), "--partitions", "1",
                                   "--bootstrap-file", path], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.send_signal, signal.SIGTERM)
        wait_until(lambda: os.path.exists(path) and open(path).read().strip(), "the broker")
        with open(path) as f:
            self.kafka = f.read().strip()
        self.producer = confluent_kafka.Producer({"bootstrap.servers": self.kafka})
        self.w, self.room, self.ana, self.ben = (str(uuid.uuid4()) for _ in range(4))
        self.livekit = FakeLiveKit()
        self.addCleanup(self.livekit.stop)
        self.state(1, 1, None)
        self.state(1, 2, self.ana)
        self.state(1, 3, self.ben)
        self.event("usher.room.created", 1, 1, None)
        self.event("usher.member.added", 1, 2, self.ana)
        self.event("usher.member.added", 1, 3, self.ben)
        program = os.path.join(self.stack.env["USHER_BIN"], "usher-livekit")
        self.bridge = Bridge(self.folder, program, self.kafka, self.livekit.url, self._testMethodName, **QUICK)
        self.addCleanup(self.bridge.kill)
        self.addCleanup(lambda: self.assertNotIn("Sanitizer", self.bridge.said()))
        self.bridge.start()
        self.livekit.webhook = self.bridge.hook
        for user in (self.ana, self.ben):
            self.livekit.join(self.room, user)

    def put(self, topic, key, value, kind, epoch, seq):
        headers = [("ce_type", kind), ("usher-seq", str(seq)), ("usher-epoch", str(epoch))]
        self.producer.produce(topic, key=key, value=value if value is None else json.dumps(value), partition=0,
                              headers=headers)
        self.assertEqual(self.producer.flush(30), 0)

    def state(self, epoch, seq, user, gone=False, transmit=True):
        """A record of usher.rooms."""
        key = "/".join([self.w, self.room] + ([user] if user else []))
        value = {"workspace": self.w, "room": self.room, "epoch": epoch, "seq": seq,
                 **({"user": user, "userName": "u", "transmit": transmit} if user else {"name": "Dispatch"})}
        self.put("usher.rooms", key, None if gone else value, "usher.state", epoch, seq)

    def event(self, kind, epoch, seq, user, transmit=True, **more):
        """A record of usher.membership."""
        value = {"type": kind, "workspace": self.w, "epoch": epoch, "seq": seq, "time": "2026-11-22T10:15:30.123456Z",
                 "room": {"id": self.room, "name": "Dispatch"}, **more}
        if user:
            value.update(user={"id": user, "userName": "u"}, transmit=transmit)
        self.put("usher.membership", self.room, value, kind, epoch, seq)

    def inside(self, *due):
        wait_until(lambda: set(self.livekit.people(self.room)) == set(due), "%s inside" % (due,), self.bridge.said)

    def test_what_comes_twice_counts_once(self):
        """As after a Kafka transaction that was broken off: the second removal is of before he came again."""
        self.event("usher.member.removed", 1, 4, self.ana)
        self.inside(self.ben)
        self.event("usher.member.added", 1, 5, self.ana)
        self.event("usher.member.removed", 1, 4, self.ana)
        self.event("usher.member.removed", 1, 6, self.ben)
        self.inside()
        self.livekit.join(self.room, self.ana)
        self.livekit.join(self.room, self.ben)
        self.inside(self.ana)
        self.assertEqual(self.bridge.metric("usher_livekit_repeated_total"), 1)

    def test_a_gap(self):
        """The event of Ana's removal is lost; what usher.rooms holds is made so, also where it comes a little later."""
        self.event("usher.member.transmit_changed", 1, 5, self.ben, transmit=False)
        self.state(1, 4, self.ana, gone=True)
        wait_until(lambda: "event=gap" in self.bridge.said(), "the gap to be noticed")
        self.assertEqual(set(self.livekit.people(self.room)), {self.ana, self.ben})
        self.state(1, 5, self.ben, transmit=False)
        self.inside(self.ben)
        wait_until(lambda: self.livekit.people(self.room) == {self.ben: False}, "Ben's permission", self.bridge.said)
        self.assertEqual(self.bridge.metric("usher_livekit_reloads_total"), 1)
        self.event("usher.member.removed", 1, 6, self.ben)
        self.inside()

    def test_a_new_epoch(self):
        self.state(2, 10, self.ana, gone=True)
        self.event("usher.stream.epoch", 2, 10, None, previous={"epoch": 1, "seq": 3}, reason="restored")
        self.inside(self.ben)
        self.event("usher.member.removed", 2, 11, self.ben)
        self.inside()

    def test_a_stub_and_what_nobody_knows(self):
        for seq, kind in ((4, "usher.stream.stub"), (5, "usher.member.praised")):
            self.event(kind, 1, seq, None)
            wait_until(lambda n=seq: self.bridge.metric("usher_livekit_reloads_total") == n - 3, "the workspace anew")
        self.inside(self.ana, self.ben)
        self.event("usher.member.removed", 1, 6, self.ana)
        self.inside(self.ben)

    def test_what_is_not_ushers(self):
        self.producer.produce("usher.membership", value=b"no JSON", partition=0)
        self.producer.produce("usher.membership", value=None, partition=0)
        self.event("usher.member.removed", 1, 4, self.ana)
        self.inside(self.ben)
