"""A Mumble server whose rooms are usher's (schemas/readers/mumble.py behind reader.py): the same contract on another
voice server, shown with clients on Mumble's own protocol."""

import hashlib
import hmac
import os
import subprocess
import tempfile

from apihttp import ApiClient
from kafkacase import KafkaCase
from mumble import COMMENT, Client, Server
from scimhttp import patch_op
from stack import ROOT
from waiting import wait_until

READERS = os.path.join(ROOT, "schemas", "readers")
JOIN = b"a secret with which people join"


class Mumble(KafkaCase):
    kafka = "embedded"

    @classmethod
    def setUpClass(cls):
        done = subprocess.run([os.path.join(ROOT, "ops", "local", "deps.sh"), "mumble"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stdout)
        super().setUpClass()
        cls.folder = tempfile.mkdtemp(prefix="mumble-", dir=cls.stack.run_dir)
        os.chmod(cls.stack.run_dir, 0o755)  # the server drops to a user of its own
        os.chmod(cls.folder, 0o777)
        cls.server = Server(cls.folder)
        cls.addClassCleanup(cls.server.kill)
        cls.server.start()
        with open(os.path.join(cls.folder, "join.secret"), "wb") as f:
            f.write(JOIN)
        cls.start_bridge()
        cls.addClassCleanup(lambda: cls.end_bridge())
        wait_until(cls.guarded, "the bridge to guard the entrance")

    @classmethod
    def guarded(cls):
        """Before that Mumble lets everybody in as a guest, and the bridge disconnects them when it comes."""
        client = Client(cls.server.port, "nobody", "x")
        client.close()
        return client.refused

    @classmethod
    def start_bridge(cls):
        log = open(os.path.join(cls.folder, "bridge.log"), "ab")
        python = ["/usr/bin/python3", "-B"]
        cls.reader = subprocess.Popen(python + [os.path.join(READERS, "reader.py"), "-b", cls.stack.kafka],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        cls.bridge = subprocess.Popen(
            python + [os.path.join(READERS, "mumble.py"), "--ice", "127.0.0.1:%d" % cls.server.ice_port,
                      "--ice-secret", cls.server.secret, "--join-secret", os.path.join(cls.folder, "join.secret")],
            stdin=cls.reader.stdout, stdout=log, stderr=log)
        log.close()

    @classmethod
    def end_bridge(cls):
        for program in (cls.bridge, cls.reader):
            program.kill()
            program.wait()

    # ---- people

    def password(self, user):
        return hmac.new(JOIN, user.encode(), hashlib.sha256).hexdigest()

    def join(self, user, password=None):
        client = Client(self.server.port, user, password or self.password(user))
        self.addCleanup(client.close)
        return client

    def joined(self, user):
        """As soon as the bridge knows him."""
        return wait_until(lambda: next((c for c in [self.join(user)] if not c.gone), None), "%s to be let in" % user)

    def member(self, name, *rooms):
        user = self.user(name)["id"]
        for room in rooms:
            self.expect(self.http.patch("/Groups/" + room, patch_op({"op": "add", "path": "members",
                                                                     "value": [{"value": user}]})), 204)
        return user

    def set_active(self, user, active):
        change = patch_op({"op": "replace", "path": "active", "value": active})
        self.expect(self.http.patch("/Users/" + user, change), 200)

    def enter(self, client, name):
        """Into the channel of a room, as soon as he may."""
        def inside():
            number = next((n for n, called in client.channels.items() if called == name), None)
            if number is not None and client.channel() != number:
                client.move(number)
            return number is not None and client.channel() == number
        wait_until(inside, "somebody in " + name, pause=0.5)

    def out(self, client):
        wait_until(lambda: client.channel() == 0 or client.gone, "somebody to be out")

    def hears(self, listener, speaker):
        before = listener.heard.get(speaker.session, 0)

        def heard():
            speaker.speak()
            return listener.heard.get(speaker.session, 0) >= before + 20
        wait_until(heard, "a voice")

    def silent(self, listener, speaker):
        """Twenty frames in a row of which none comes, once the bridge has done its part; her comment, which she
        changes behind them, shows that they are past."""
        def silence():
            before = listener.heard.get(speaker.session, 0)
            speaker.speak(20)
            mark = "after %d" % speaker.sequence
            speaker.comment(mark)
            wait_until(lambda: listener.users[speaker.session].get(COMMENT) == mark.encode(), "what came behind them")
            return listener.heard.get(speaker.session, 0) == before
        wait_until(silence, "silence")

    def scene(self, name):
        room = self.room(name)["id"]
        ana, ben = self.member(name + "-ana", room), self.member(name + "-ben", room)
        a, b = self.joined(ana), self.joined(ben)
        self.enter(a, name)
        self.enter(b, name)
        self.hears(b, a)
        return room, ana, a, b

    def test_a_member_is_removed(self):
        room, ana, a, b = self.scene("Removed")
        other = self.room("Elsewhere", [ana])["id"]
        self.assertTrue(other)
        remove = patch_op({"op": "remove", "path": 'members[value eq "%s"]' % ana})
        self.expect(self.http.patch("/Groups/" + room, remove), 204)
        self.out(a)
        self.assertFalse(a.gone, "she is a member of another room")
        denied, number = a.denied, b.channel()
        a.move(number)
        wait_until(lambda: a.denied > denied, "a refusal")
        self.assertEqual(a.channel(), 0)

    def test_a_user_is_deactivated(self):
        room, ana, a, b = self.scene("Deactivated")
        self.set_active(ana, False)
        wait_until(lambda: a.gone, "her to be disconnected")
        self.assertTrue(self.join(ana).refused, "the authenticator refuses her")
        self.set_active(ana, True)
        again = self.joined(ana)
        self.enter(again, "Deactivated")
        self.hears(b, again)

    def test_transmit_is_taken_and_given(self):
        room, ana, a, b = self.scene("Transmit")
        api = ApiClient(self.stack.url, self.ws.token)
        self.addCleanup(api.close)
        path = "/rooms/%s/members/%s" % (room, ana)
        self.assertEqual(api.put(path, {"transmit": False}).status, 200)
        self.silent(b, a)
        self.assertEqual(a.channel(), b.channel())
        self.assertEqual(api.put(path, {"transmit": True}).status, 200)
        self.hears(b, a)

    def test_strangers(self):
        room, ana, a, b = self.scene("Strangers")
        for name, password in (("stranger", "x"), (ana, "a wrong password"), ("SuperUser", "x"), ("", "")):
            self.assertTrue(self.join(name, password).gone, name)
        never = self.user("in-no-room")["id"]
        self.assertTrue(self.join(never).gone)

    def test_the_server_is_killed_and_the_bridge_is_killed(self):
        room, ana, a, b = self.scene("Deaths")
        self.server.kill()
        remove = patch_op({"op": "remove", "path": 'members[value eq "%s"]' % ana})
        self.expect(self.http.patch("/Groups/" + room, remove), 204)
        self.server.start()
        self.wait_refused(ana)
        self.end_bridge()
        cleo = self.member("deaths-cleo", room)
        self.start_bridge()
        wait_until(self.guarded, "the bridge to guard the entrance")
        self.enter(self.joined(cleo), "Deaths")

    def wait_refused(self, user):
        wait_until(lambda: self.join(user).gone, "%s to be refused" % user)
