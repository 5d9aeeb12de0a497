"""The door of the ingest: what is read before a client is admitted, and what many or slow clients may take."""

import json
import socket

from case import Case
from scimhttp import SCIM_TYPE, USER, Broken, Reader
from test_keys import unknown_token
from waiting import SILENCE

UNASKED = 65536
MIB = 1024 * 1024


class Door:
    """A request of which every byte is sent when the test says so."""

    def __init__(self, test, token, path="/scim/v2/Users", method="POST", **headers):
        stack = test.stack
        self.sock = socket.create_connection((stack.host, stack.port), SILENCE)
        test.addCleanup(self.sock.close)
        self.reader = Reader(self.sock)
        lines = {"Host": "%s:%d" % (stack.host, stack.port), "Content-Type": SCIM_TYPE}
        if token:
            lines["Authorization"] = "Bearer " + token
        lines.update({name.replace("_", "-"): str(value) for name, value in headers.items()})
        head = "%s %s HTTP/1.1\r\n" % (method, path)
        self.send((head + "".join("%s: %s\r\n" % line for line in lines.items()) + "\r\n").encode())

    def send(self, data):
        self.sock.sendall(data)

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def status_line(self):
        return self.reader._line()

    def answer(self):
        return self.reader.answer()

    def closed(self):
        """The server closes the connection, without another byte."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True


def large_user(name, size):
    """A user whose body has exactly so many bytes; what is too much stands in an attribute that nobody knows."""
    body = {"schemas": [USER], "userName": name, "unknown": []}
    text, left = json.dumps(body), size - len(json.dumps(body))
    pieces = []
    while left > 0:
        piece = min(left, 50000)
        if 0 < left - piece < 10:
            piece -= 10
        pieces.append('"' + "x" * (piece - 3) + '"')
        left -= piece
    text = text[:-2] + ",".join(pieces) + "]}"
    text += " " * (size - len(text))
    assert len(text) == size, (len(text), size)
    return text.encode()


def left(answer):
    return int(answer.headers["ratelimit"].split("r=")[1].split(";")[0])


class Admission(Case):
    """A body is read when its client is admitted, and not before."""

    def requests(self, ws, count):
        return self.followers.requests(ws.id, lambda rs: len(rs) >= count, "%d requests on record" % count)

    def test_a_nonsense_token_is_refused_at_the_headers(self):
        """No byte of the body is sent: the answer comes, and the connection closes."""
        for token in (None, "nonsense", unknown_token()):
            door = Door(self, token, Content_Length=6 * MIB)
            answer = self.expect(door.answer(), 401)
            self.assertEqual(answer.headers.get("connection", "").lower(), "close")
            self.assertTrue(door.closed())

    def test_so_is_whoever_may_not_write(self):
        """With one record, that says how many bytes were read."""
        ws = self.stack.workspace("doorweak")
        door = Door(self, ws.key("weak", "scim:users:read")[0], Content_Length=6 * MIB)
        self.expect(door.answer(), 403)
        self.expect(ws.client.get("/Users?count=0"), 200)
        requests = self.requests(ws, 2)
        self.assertEqual([(r["status"], r["bytesIn"]) for r in requests], [(403, 0), (200, 0)])

    def test_a_large_body_costs_one_unit_and_leaves_one_record(self):
        ws = self.stack.workspace("doorlarge", rate=50)
        before = left(self.expect(ws.client.get("/Users?count=0"), 200))
        body = large_user("large", 3 * UNASKED)
        door = Door(self, ws.token, Content_Length=len(body))
        door.send(body)
        answer = self.expect(door.answer(), 201)
        self.assertEqual(left(answer), before - 1)
        self.assertEqual(left(self.expect(ws.client.get("/Users?count=0"), 200)), before - 2)
        requests = self.requests(ws, 3)
        self.assertEqual([(r["status"], r["bytesIn"]) for r in requests], [(200, 0), (201, len(body)), (200, 0)])

    def test_the_connection_is_kept_behind_a_large_body(self):
        body = large_user("kept", UNASKED + 1)
        door = Door(self, self.ws.token, Content_Length=len(body))
        door.send(body + b"GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
                  % self.ws.token.encode())
        self.expect(door.answer(), 201)
        self.expect(door.answer(), 200)

    def test_the_rate_counts_at_the_headers(self):
        ws = self.stack.workspace("doorrate", rate=1)
        self.expect(ws.client.get("/Users?count=0"), 200)
        self.expect(Door(self, ws.token, Content_Length=6 * MIB).answer(), 429)

    def test_100_continue_is_for_those_who_are_admitted(self):
        """Whatever the size of the body."""
        for size in (200, 3 * UNASKED):
            body = large_user("expect%d" % size, size)
            door = Door(self, self.ws.token, Content_Length=size, Expect="100-continue")
            self.assertEqual(door.status_line(), b"HTTP/1.1 100 Continue")
            self.assertEqual(door.status_line(), b"")
            door.send(body)
            self.expect(door.answer(), 201)
            refused = Door(self, unknown_token(), Content_Length=size, Expect="100-continue")
            self.assertTrue(refused.status_line().startswith(b"HTTP/1.1 401 "))

    def test_chunks(self):
        """Up to the bound they are read, then the client must be admitted."""
        for size in (UNASKED - 1, UNASKED, UNASKED + 1, 5 * UNASKED):
            body = large_user("chunks%d" % size, size)
            door = Door(self, self.ws.token, Transfer_Encoding="chunked")
            for at in range(0, size, 10000):
                door.chunk(body[at:at + 10000])
            door.send(b"0\r\n\r\n")
            self.expect(door.answer(), 201)
            self.assertEqual(self.http.find("/Users", 'userName eq "chunks%d"' % size).json["totalResults"], 1)

    def test_chunks_of_a_nonsense_token(self):
        """A body that ends soon gets its answer; one that goes on and on is cut off."""
        door = Door(self, unknown_token(), Transfer_Encoding="chunked")
        for _ in range(10):
            door.chunk(b"x" * 10000)
        door.send(b"0\r\n\r\n")
        self.expect(door.answer(), 401)
        door = Door(self, unknown_token(), Transfer_Encoding="chunked")
        with self.assertRaises((ConnectionError, Broken)):
            for _ in range(17 * 16):
                door.chunk(b"x" * UNASKED)
            door.answer()

    def test_nothing_there(self):
        """A path that nobody serves is told so before its body."""
        door = Door(self, None, "/nothing", Content_Length=6 * MIB)
        self.assertEqual(door.answer().status, 404)
        self.assertTrue(door.closed())

    def test_revoked_while_the_body_comes(self):
        """Promise 4: the credential is asked for again when the body is there."""
        token, key = self.ws.key("short")
        body = large_user("revoked", 3 * UNASKED)
        door = Door(self, token, Content_Length=len(body), Expect="100-continue")
        self.assertEqual(door.status_line(), b"HTTP/1.1 100 Continue")
        self.assertEqual(door.status_line(), b"")
        door.send(body[:UNASKED])
        self.stack.ctl("key", "revoke", key)
        door.send(body[UNASKED:])
        self.expect(door.answer(), 401)
        self.assertEqual(self.http.find("/Users", 'userName eq "revoked"').json["totalResults"], 0)

    def test_broken_off(self):
        """Whoever goes while the body comes leaves nothing behind."""
        for sent in (0, 1000, 2 * UNASKED):
            door = Door(self, self.ws.token, Content_Length=3 * UNASKED)
            door.send(b"x" * sent)
            door.sock.close()
        self.expect(self.http.get("/Users?count=0"), 200)
