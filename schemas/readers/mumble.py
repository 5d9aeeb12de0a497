#!/usr/bin/python3
"""A Mumble server whose rooms are usher's: an example of a bridge, behind the reader beside it. It needs Debian's
python3-zeroc-ice and zeroc-ice-slice, and the slice file that comes with the server.

    reader.py -b HOST:PORT | mumble.py --ice 127.0.0.1:6502 --ice-secret FILE --join-secret FILE

Somebody joins with his user id as name. His password is the HMAC-SHA256 of it under the join secret, in hexadecimal.
Mumble stores nothing of him. A room is a channel, whose description is the room's id. The server's ini file needs ice,
icesecretread and icesecretwrite."""

import argparse
import glob
import hashlib
import hmac
import json
import os
import sys
import threading
import time

import Ice
from reader import GONE, Workspace

SLICES = glob.glob("/usr/share/mumble-server/*.ice") + glob.glob("/usr/share/slice/M*.ice")
FIRST_ID, REFUSED, UNKNOWN, ROOT = 1000, -1, -2, 0  # of the numbers of people; answers; the channel of nobody's room

# The file is called otherwise from 1.5 on, and so is the module in it.
Ice.loadSlice("", ["-I/usr/share/ice/slice", SLICES[0]])
Murmur = __import__(os.path.basename(SLICES[0])[:-len(".ice")])


class Table:
    """What the reader's lines say, by workspace; and the numbers that people have in Mumble."""

    def __init__(self):
        self.workspaces, self.numbers, self.lock, self.ready = {}, {}, threading.RLock(), False

    def take(self, line):
        """Gives the rooms in which something may have changed; None: in all of them."""
        do, held = line["do"], self.workspaces.setdefault(line.get("workspace"), Workspace())
        if do == "start":
            self.workspaces, self.ready = {}, False
        elif do == "whole":
            before, held.rooms = held.rooms, line["rooms"]
            return set(before) | set(held.rooms) if self.ready else set()
        elif do == "ready":
            self.ready = True
            return None
        elif do in GONE:
            held.apply(dict(line, type=do))
            return {line["room"]["id"]}
        return set()

    def rooms(self):
        return {room: told for held in self.workspaces.values() for room, told in held.rooms.items()}

    def knows(self, user):
        return any(user in told["members"] for told in self.rooms().values())

    def number(self, user):
        return self.numbers.setdefault(user, FIRST_ID + len(self.numbers))

    def user(self, number):
        return next((user for user, n in self.numbers.items() if n == number), None)


class Authenticator(Murmur.ServerAuthenticator):
    """Who comes in is who he says, and a member of some room. Everybody else is refused, guests too."""

    def __init__(self, table, secret):
        self.table, self.secret = table, secret

    def authenticate(self, name, password, certificates, certhash, certstrong, current=None):
        due = hmac.new(self.secret, name.encode(), hashlib.sha256).hexdigest()
        with self.table.lock:
            if self.table.ready and hmac.compare_digest(due, password) and self.table.knows(name):
                return self.table.number(name), name, []
        return REFUSED, "", []

    def nameToId(self, name, current=None):
        with self.table.lock:
            return self.table.number(name) if self.table.knows(name) else UNKNOWN

    def idToName(self, number, current=None):
        with self.table.lock:
            return self.table.user(number) or ""

    getInfo, idToTexture = lambda self, *_: (False, {}), lambda self, *_: b""  # nothing is told of anybody


class Moves(Murmur.ServerCallback):
    """mute belongs to the connection and not to the channel: it is set anew whenever somebody has moved."""

    def __init__(self, changed):
        self.changed = changed

    userConnected = userStateChanged = lambda self, *_: self.changed.set()
    userDisconnected = userTextMessage = channelCreated = channelRemoved = channelStateChanged = lambda self, *_: None


class Bridge:
    def __init__(self, options):
        self.table, self.changed, self.due = Table(), threading.Event(), set()
        self.ice = Ice.initialize(["--Ice.Default.EncodingVersion=1.0", "--Ice.ImplicitContext=Shared"])
        with open(options.ice_secret) as secret, open(options.join_secret, "rb") as join:
            self.ice.getImplicitContext().put("secret", secret.read().strip())
            authenticator = Authenticator(self.table, join.read().strip())
        meta = self.ice.stringToProxy("Meta:tcp -h %s -p %s" % tuple(options.ice.rsplit(":", 1)))
        adapter = self.ice.createObjectAdapterWithEndpoints("usher", "tcp -h 127.0.0.1")
        self.authenticator = Murmur.ServerAuthenticatorPrx.uncheckedCast(adapter.addWithUUID(authenticator))
        self.moves = Murmur.ServerCallbackPrx.uncheckedCast(adapter.addWithUUID(Moves(self.changed)))
        adapter.activate()
        self.meta, self.server, self.uptime = Murmur.MetaPrx.uncheckedCast(meta), None, 0

    def read(self):
        for line in sys.stdin:
            with self.table.lock:
                rooms = self.table.take(json.loads(line))
                self.due = None if rooms is None or self.due is None else self.due | rooms
            self.changed.set()
        os._exit(0)  # the reader has ended

    def connect(self):
        self.server = self.meta.getBootedServers()[0]
        self.server.setAuthenticator(self.authenticator)
        self.server.addCallback(self.moves)

    def settle(self, rooms):
        """Makes channels, entrances and people what the table says. rooms None: all of them."""
        with self.table.lock:  # copied: nobody may be moved out by what no entrance says yet, or he goes in again
            held = {room: dict(r, members=dict(r["members"])) for room, r in self.table.rooms().items()}
            entrances = {room: self.entrance(held[room]["members"]) for room in held if rooms is None or room in rooms}
        channels = {c.description: c for c in self.server.getChannels().values() if c.description}
        for room, entrance in entrances.items():
            if room not in channels:
                number = self.server.addChannel(held[room]["name"], ROOT)
                channels[room] = self.server.getChannelState(number)
                channels[room].description = room
            channels[room].name = held[room]["name"]
            self.server.setChannelState(channels[room])
            self.server.setACL(channels[room].id, *entrance, False)
        for room in set(channels) - set(held):
            self.server.removeChannel(channels[room].id)
        self.settle_people({c.id: held[room]["members"] for room, c in channels.items() if room in held})

    def entrance(self, members):
        """The ACL of a channel: nobody but the group member enters, nobody but the group transmit speaks."""
        enter = Murmur.PermissionEnter | Murmur.PermissionTextMessage
        speak = Murmur.PermissionSpeak | Murmur.PermissionWhisper
        rules = [("all", 0, enter | speak), ("member", enter, 0), ("transmit", speak, 0)]
        groups = {"member": list(members), "transmit": [u for u, transmit in members.items() if transmit]}
        return ([Murmur.ACL(True, False, False, -1, group, allow, deny) for group, allow, deny in rules],
                [Murmur.Group(name, False, False, False, [self.table.number(u) for u in users], [], [])
                 for name, users in groups.items()])

    def settle_people(self, members_of):
        """An ACL changes nothing for who is inside (1.3): whoever is no member any more is moved out, and whoever may
        not transmit is muted. Who is in no room at all is disconnected."""
        for session in self.server.getUsers():
            state = self.server.getState(session)  # anew: setState writes all of it, and he may have moved
            with self.table.lock:  # he may have come in since
                user, member = self.table.user(state.userid), self.table.knows(self.table.user(state.userid))
            if not member:
                self.server.kickUser(session, "no member of any room")
                continue
            stays = state.channel == ROOT or user in members_of.get(state.channel, {})
            silent = not (stays and members_of.get(state.channel, {}).get(user, False))
            if not stays or (state.mute, state.suppress) != (silent, silent):
                state.channel = state.channel if stays else ROOT
                state.mute = state.suppress = silent
                self.server.setState(state)

    def run(self):
        threading.Thread(target=self.read, daemon=True).start()
        while True:
            self.changed.wait(1)
            self.changed.clear()
            with self.table.lock:
                rooms, self.due, ready = self.due, set(), self.table.ready
            if not ready:
                continue
            try:
                if self.server is None or self.meta.getUptime() < self.uptime:  # it was started anew
                    self.connect()
                    rooms, self.due = None, set()
                self.uptime = self.meta.getUptime()
                self.settle(rooms)
            except Ice.Exception as trouble:  # the server is away, or was started anew: everything again, later
                print("mumble: %s" % type(trouble).__name__, file=sys.stderr, flush=True)
                self.server, self.due = None, None
                time.sleep(0.5)
                self.changed.set()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Keeps a Mumble server's channels equal to usher's rooms.")
    for name, what in (("--ice", "HOST:PORT"), ("--ice-secret", "FILE"), ("--join-secret", "FILE")):
        arguments.add_argument(name, required=True, metavar=what)
    Bridge(arguments.parse_args()).run()
