"""The live view: server-sent events from the archive behind Last-Event-ID, then live; without a gap and nothing twice,
also over a worker's kill; it ends with the session, with the program, and takes no more viewers than it may."""

import json
import socket
import threading
import time

from case import BUSY, Case
from openapi import ApiClient
from portal import Browser
from waiting import SILENCE


class Viewer:
    """Reads a stream on a thread of its own. blocks: [(id, event, data)]"""

    def __init__(self, url, token=None, last=None, cookie=None, query=""):
        client = Browser(url, cookie)
        headers = {"Authorization": "Bearer " + token} if token else {}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.sock = socket.create_connection((client.host, client.port), SILENCE)
        self.sock.sendall(client.encode("GET", "/api/v1/admin/changes" + query, None, headers))
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        for line in iter(self.file.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self.blocks, self.comments, self.ended = [], 0, False
        self.body = b""
        if self.status == 200:
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()
        else:
            self.body = self.file.read(int(self.headers["content-length"]))

    def _text(self):
        while True:
            size = self.file.readline()
            if not size or int(size, 16) == 0:
                return
            chunk = self.file.read(int(size, 16))
            self.file.readline()
            yield chunk

    def _read(self):
        waiting = b""
        try:
            for chunk in self._text():
                waiting += chunk
                while b"\n\n" in waiting:
                    block, waiting = waiting.split(b"\n\n", 1)
                    self._take(block.decode())
        except OSError:
            pass
        self.ended = True

    def _take(self, block):
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if name == "":
                self.comments += 1
            fields[name] = value.removeprefix(" ")
        if "id" in fields or "data" in fields:
            self.blocks.append((fields.get("id"), fields.get("event"), json.loads(fields["data"]) if "data" in fields else None))

    def records(self):
        return [data for number, event, data in self.blocks if data is not None and event is None]

    def seqs(self):
        return [r["seq"] for r in self.records()]

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
        self.sock.close()


class ChangesCase(Case):
    def setUp(self):
        self.work = self.stack.workspace("changes")
        made = self.stack.ctl("owner", "create", "--workspace", self.work.id, "--name", "Olga")
        self.owner, self.owner_id = made["token"], made["owner"]["id"]
        self.api = ApiClient(self.stack.url, self.work.token)
        self.viewers = []

    def tearDown(self):
        for v in self.viewers:
            v.close()

    def watch(self, **more):
        token = more.pop("token", self.owner if "cookie" not in more else None)
        v = Viewer(self.stack.url, token, **more)
        self.viewers.append(v)
        return v

    def users(self, n, word="u"):
        return [self.api.post("/users", {"userName": "%s%d@example.com" % (word, i)}).json["id"] for i in range(n)]

    def newest(self):
        return self.stack.sql("SELECT audit_seq FROM workspaces WHERE workspace_id=%s", self.work.id)[0][0]

    def until(self, viewer, seq):
        self.wait_until(lambda: seq in viewer.seqs(), "change %d" % seq)

    def whole(self, viewer, first):
        """All changes from the first one on, each once, as they stand in the stream."""
        last = self.newest()
        self.until(viewer, last)
        self.assertEqual(viewer.seqs(), list(range(first, last + 1)))
        by_seq = {c["seq"]: c for c in self.followers.changes(self.work.id)}
        self.assertEqual(viewer.records(), [by_seq[s] for s in viewer.seqs()])


class Changes(ChangesCase):
    def test_from_the_archive_and_then_live(self):
        self.users(3)
        viewer = self.watch(last=0)
        self.assertEqual((viewer.status, viewer.headers["content-type"], viewer.headers["cache-control"]),
                         (200, "text/event-stream", "no-store"))
        self.until(viewer, 3)
        self.users(3, "live")
        self.whole(viewer, 1)
        middle = viewer.seqs()[2]
        again = self.watch(last=middle)
        self.users(1, "both")
        self.whole(again, middle + 1)
        self.whole(viewer, 1)

    def test_from_now_on(self):
        """Whoever comes without a number is told where he is, so that he can come back before anything has happened."""
        self.users(2)
        self.wait_until(lambda: self.stack.sql("SELECT seq FROM audit_tree WHERE workspace_id=%s AND tree=1", self.work.id)
                        == [(self.newest(),)], "the archive to have it")
        viewer = self.watch()
        self.wait_until(lambda: viewer.blocks, "the place")
        self.assertEqual(viewer.blocks, [(str(self.newest()), None, None)])
        viewer.close()
        first = self.newest() + 1
        self.users(1, "meanwhile")
        self.whole(self.watch(last=viewer.blocks[0][0]), first)

    def test_without_following_it_ends(self):
        self.users(2)
        self.wait_until(lambda: self.stack.sql("SELECT seq FROM audit_tree WHERE workspace_id=%s AND tree=1", self.work.id)
                        == [(self.newest(),)], "the archive to have it")
        viewer = self.watch(last=0, query="?follow=false")
        self.wait_until(lambda: viewer.ended, "the end")
        self.assertEqual(viewer.seqs(), list(range(1, self.newest() + 1)))

    def test_many_at_once_are_told_the_same(self):
        viewers = [self.watch(last=0) for _ in range(5)] + [self.watch(last=1) for _ in range(5)]
        self.users(300)
        for viewer in viewers[:5]:
            self.whole(viewer, 1)
        for viewer in viewers[5:]:
            self.whole(viewer, 2)

    def test_another_workspace_sees_nothing(self):
        other = self.stack.workspace("stranger")
        stranger = self.watch(token=self.stack.ctl("owner", "create", "--workspace", other.id, "--name", "Sam")["token"], last=0)
        mine = self.watch(last=0)
        self.users(2)
        self.whole(mine, 1)
        theirs = self.stack.sql("SELECT audit_seq FROM workspaces WHERE workspace_id=%s", other.id)[0][0]
        self.until(stranger, theirs)
        self.assertEqual({r["workspace"] for r in stranger.records()}, {other.id})

    def test_who_may(self):
        administrator = self.stack.ctl("owner", "create", "--workspace", self.work.id, "--name", "Adam", "--role", "administrator")["token"]
        for token, status in ((self.work.token, 403), (administrator, 403), ("uso_" + "0" * 49, 401)):
            self.assertEqual(self.watch(token=token).status, status)
        self.assertEqual(self.watch(last="x").status, 400)
        self.assertEqual(self.watch(last="-1").status, 400)

    def test_it_ends_with_the_session(self):
        b = Browser(self.stack.url)
        b.sign_in(token=self.owner)
        viewer, other = self.watch(cookie=b.cookie, last=0), self.watch(last=0)
        self.until(viewer, 1)
        b.delete("/portal/session")
        began = time.monotonic()
        self.wait_until(lambda: viewer.ended, "the end")
        self.assertLess(time.monotonic() - began, 3 + BUSY)
        self.assertEqual(viewer.blocks[-1][1:], ("end", {"reason": "session"}))
        self.assertFalse(other.ended)

    def test_it_ends_with_its_owner(self):
        self.stack.ctl("owner", "create", "--workspace", self.work.id, "--name", "Second")
        viewer = self.watch(last=0)
        self.until(viewer, 1)
        self.stack.ctl("owner", "revoke", self.owner_id)
        self.wait_until(lambda: viewer.ended, "the end")

    def test_it_says_that_it_is_there(self):
        viewer = self.watch(last=0)
        self.wait_until(lambda: viewer.comments, "a comment")

    def test_so_many_of_one_owner(self):
        """changes-per-owner: 429, and a neighbour watches. Who goes makes room."""
        viewers = [self.watch(last=0) for _ in range(10)]
        self.assertEqual({v.status for v in viewers}, {200})
        refused = self.watch(last=0)
        self.assertEqual((refused.status, json.loads(refused.body)["type"]), (429, "urn:usher:problem:rate-limited"))
        neighbour = self.stack.workspace("neighbour")
        token = self.stack.ctl("owner", "create", "--workspace", neighbour.id, "--name", "Nina")["token"]
        self.assertEqual(self.watch(token=token).status, 200)
        viewers[0].close()

        def has_room():
            v = self.watch(last=0)
            if v.status != 200:
                self.viewers.pop().close()
            return v.status == 200

        self.wait_until(has_room, "room")
