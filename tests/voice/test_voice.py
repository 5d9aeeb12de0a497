"""usher, its bridge, a real LiveKit and real clients. What is told of a room is what its people hear."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]

from authlib.jose import jwt  # noqa: E402

import proxied  # noqa: E402
from apihttp import ApiClient  # noqa: E402
from ground import KEY, SECRET, Ground  # noqa: E402
from scimhttp import USER, Broken, patch_op  # noqa: E402
from waiting import wait_until  # noqa: E402

SILENT = 1.0  # seconds without a loud frame, where 100 come in each


class Voice(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.ground = Ground(os.environ.get("KAFKA", "real"), os.environ.get("FLAVOUR", "release"))
        cls.addClassCleanup(cls.ground.end)
        cls.stack, cls.livekit = cls.ground.stack, cls.ground.livekit

    def setUp(self):
        self.people = self.ground.new_people()
        self.addCleanup(self.people.end)
        self.ws = self.stack.workspace("voice")
        self.scim = self.ws.client
        self.api = ApiClient(self.stack.url, self.ws.token)
        self.addCleanup(self.api.close)
        self.addCleanup(self.scim.close)
        self.names = {}

    # ---- usher

    def made(self, answer, *statuses):
        self.assertIn(answer.status, statuses or (200, 201, 204), repr(answer))
        return answer.json if answer.body else None

    def room(self, name="Dispatch"):
        room = self.made(self.api.post("/rooms", {"displayName": name}))["id"]
        return room

    def user(self, name):
        self.names[name] = self.made(self.scim.post("/Users", {"schemas": [USER], "userName": name}))["id"]
        return self.names[name]

    def put(self, room, name, transmit=True):
        user = self.names.get(name) or self.user(name)
        self.made(self.api.put("/rooms/%s/members/%s" % (room, user), {"transmit": transmit}))
        return user

    def take_out(self, room, name):
        self.made(self.api.delete("/rooms/%s/members/%s" % (room, self.names[name])), 204)

    def set_active(self, name, active):
        self.made(self.scim.patch("/Users/" + self.names[name],
                                  patch_op({"op": "replace", "path": "active", "value": active})), 200)

    def serves(self):
        """Are changes taken?"""
        try:
            return self.api.post("/rooms", {"displayName": "Again %s" % time.monotonic()}).status == 201
        except (Broken, OSError):
            return False

    def token(self, room, name):
        return self.made(self.api.post("/rooms/%s/voice-token" % room, {"user": self.names[name]}), 200)["token"]

    # ---- people

    def who(self, name):
        return "%s %s" % (self.ws.name, name)

    def join(self, room, name, token=None):
        """With usher's word, once the bridge has made the room. (A client of this library that was refused once hears
        nothing afterwards.)"""
        token = token or self.token(room, name)
        wait_until(lambda: self.livekit.has_room(room), "the room at LiveKit")
        wait_until(lambda: self.people.ask("join", self.who(name), url=self.livekit.url, token=token)["ok"],
                   "%s to join" % name)
        return token

    def speak(self, name):
        answer = self.people.ask("speak", self.who(name))
        self.assertTrue(answer["ok"], answer)

    def frames(self, listener, speaker):
        return self.people.heard(self.who(listener), self.names[speaker])

    def hears(self, listener, speaker):
        """A second of his voice."""
        begin = self.frames(listener, speaker)[0]
        wait_until(lambda: self.frames(listener, speaker)[0] >= begin + 100, "%s to hear %s" % (listener, speaker),
                   lambda: self.frames(listener, speaker))

    def silent(self, listener, speaker):
        """Until nothing of him was heard for a while; gives when the last frame came."""
        wait_until(lambda: time.monotonic() - self.frames(listener, speaker)[1] > SILENT,
                   "%s to hear no more of %s" % (listener, speaker))
        return self.frames(listener, speaker)[1]

    def in_room(self, listener, *names):
        due = sorted(self.names[n] for n in names)
        wait_until(lambda: self.people.others(self.who(listener)) == due, "%s to be with %s" % (listener, due),
                   lambda: self.people.others(self.who(listener)))

    def outside(self, listener, identity, token):
        """Somebody with a good token of LiveKit comes, and is not there a moment later; nobody has heard him."""
        who = self.who(identity)
        if self.people.ask("join", who, url=self.livekit.url, token=token)["ok"]:
            self.people.ask("speak", who)
            wait_until(lambda: not self.people.connected(who), "%s to be thrown out" % identity)
            self.people.ask("leave", who)
        wait_until(lambda: identity not in self.people.others(self.who(listener)), "%s to see nobody" % listener)

    def scene(self):
        """A room in which Ana speaks, and Ben hears her; gives room and Ana's token."""
        room = self.room()
        self.put(room, "ana")
        self.put(room, "ben")
        self.join(room, "ben")
        token = self.join(room, "ana")
        self.speak("ana")
        self.hears("ben", "ana")
        return room, token


class Scenes(Voice):
    def test_a_deactivated_user_is_not_heard_any_more(self):
        room, token = self.scene()
        self.set_active("ana", False)
        self.silent("ben", "ana")
        self.in_room("ben")
        self.outside("ben", self.names["ana"], token)
        self.assertEqual(self.api.post("/rooms/%s/voice-token" % room, {"user": self.names["ana"]}).status, 409)
        self.set_active("ana", True)
        self.join(room, "ana")
        self.speak("ana")
        self.hears("ben", "ana")

    def test_a_member_is_removed(self):
        room, token = self.scene()
        self.take_out(room, "ana")
        self.silent("ben", "ana")
        self.in_room("ben")
        self.outside("ben", self.names["ana"], token)
        self.assertEqual(self.api.post("/rooms/%s/voice-token" % room, {"user": self.names["ana"]}).status, 403)

    def test_transmit_is_taken_and_given(self):
        room, _ = self.scene()
        self.put(room, "ana", transmit=False)
        self.silent("ben", "ana")
        self.in_room("ben", "ana")
        before = self.frames("ben", "ana")[0]
        self.people.ask("hush", self.who("ana"))
        self.assertFalse(self.people.ask("speak", self.who("ana"))["ok"], "she may not publish")
        self.assertEqual(self.frames("ben", "ana")[0], before)
        self.put(room, "ana", transmit=True)
        wait_until(lambda: self.people.ask("speak", self.who("ana"))["ok"], "Ana to publish")
        self.hears("ben", "ana")

    def test_the_permission_of_an_old_token(self):
        """It lets her speak again, until the guard has seen it."""
        room, token = self.scene()
        self.put(room, "ana", transmit=False)
        self.silent("ben", "ana")
        self.people.ask("leave", self.who("ana"))
        self.join(room, "ana", token)
        corrected = 'usher_livekit_guard_total{does="permission"}'
        wait_until(lambda: proxied.metric(self.ground.metrics(), corrected) >= 1, "the guard")
        self.people.ask("speak", self.who("ana"))
        self.silent("ben", "ana")
        self.in_room("ben", "ana")

    def test_a_stranger(self):
        """Signed with the right key, by somebody else than usher."""
        room, _ = self.scene()
        now = int(time.time())
        token = jwt.encode({"alg": "HS256"}, {
            "iss": KEY, "sub": "stranger", "nbf": now, "exp": now + 60,
            "video": {"room": room, "roomJoin": True, "canPublish": True, "canSubscribe": True}}, SECRET).decode()
        self.outside("ben", "stranger", token)
        self.in_room("ben", "ana")
        self.hears("ben", "ana")

    def test_a_room_is_deleted(self):
        room, token = self.scene()
        self.made(self.api.delete("/rooms/%s" % room), 204)
        wait_until(lambda: not self.people.connected(self.who("ben")), "Ben to be out")
        self.assertFalse(self.people.ask("join", self.who("ana"), url=self.livekit.url, token=token)["ok"])


class Deaths(Voice):
    def test_the_bridge_is_killed(self):
        room, token = self.scene()
        self.stack.signal("LIVEKIT")
        self.set_active("ana", False)
        self.put(room, "cleo", transmit=False)
        self.hears("ben", "ana")  # there is nobody to take her out
        self.stack.start()
        self.silent("ben", "ana")
        self.in_room("ben")
        self.outside("ben", self.names["ana"], token)
        self.join(room, "cleo")
        self.in_room("ben", "cleo")

    def test_livekit_is_killed(self):
        room, token = self.scene()
        self.livekit.kill()
        self.take_out(room, "ana")
        other = self.room("Made meanwhile")
        self.put(other, "cleo")
        self.livekit.start()
        self.people.ask("leave", self.who("ben"))
        self.join(room, "ben")
        self.join(other, "cleo")
        self.outside("ben", self.names["ana"], token)

    def test_kafka_is_killed(self):
        """Nothing can be changed meanwhile; the guard goes on with what it knows, and what comes after is done."""
        room, token = self.scene()
        self.take_out(room, "ana")
        self.in_room("ben")
        self.stack.signal("BROKER")
        self.outside("ben", self.names["ana"], token)
        self.stack.start()
        wait_until(lambda: self.serves(), "usher to serve again")
        self.put(room, "ana")
        self.join(room, "ana")
        self.speak("ana")
        self.hears("ben", "ana")
        self.set_active("ana", False)
        self.silent("ben", "ana")
        self.in_room("ben")
