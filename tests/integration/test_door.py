"""The door of the ingest: what is read before a client is admitted, and what many or slow clients may take."""

import json
import socket
import urllib.parse

import doors
from case import Case
from proxied import metric
from scimhttp import SCIM_TYPE, USER, Broken, Reader
from stack import free_port
from test_keys import unknown_token
from waiting import SILENCE

UNASKED = 65536
MIB = 1024 * 1024


class Door:
    """A request of which every byte is sent when the test says so."""

    def __init__(self, test, token, path="/scim/v2/Users", method="POST", url=None, source=None, **headers):
        at = urllib.parse.urlsplit(url or test.stack.url)
        self.sock = socket.create_connection((at.hostname, at.port), SILENCE, source and (source, 0))
        test.addCleanup(self.sock.close)
        self.reader = Reader(self.sock)
        lines = {"Host": at.netloc, "Content-Type": SCIM_TYPE}
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


class Values(Case):
    """How many values a body may have, and who waits while it is counted."""

    def test_values_in_a_body(self):
        """200,000 single values, and as many objects and arrays. One more is refused before anything is built."""
        head = b'{"schemas":["%s"],"userName":"%s","unknown":[' % (USER.encode(), b"%s")
        for name, value, fits in ((b"single", b"1", 200000 - 2), (b"objects", b"{}", 200000 - 3)):
            for n, status in ((fits, 201), (fits + 1, 400)):
                body = head % name + b",".join([value] * n) + b"]}"
                answer = self.expect(self.http.post("/Users", body), status, "invalidSyntax" if status == 400 else None)
                if status == 400:
                    self.assertIn("more than 200000 values", answer.json["detail"])

    def test_a_room_of_many_members(self):
        """So many values are enough for 100,000 members: here it is the name that is missing."""
        members = [{"value": "00000000-0000-7000-8000-%012x" % i} for i in range(100000)]
        answer = self.expect(self.http.post("/Groups", {"members": members}), 400, "invalidValue")
        self.assertIn("displayName", answer.json["detail"])

    def test_a_large_body_with_an_idempotency_key(self):
        """Such a request goes to the database between two visits to the threads for large bodies."""
        api = doors.api(self.ws)
        self.addCleanup(api.close)
        users = [self.user("member%d" % i)["id"] for i in range(3)]
        body = json.dumps({"displayName": "keyed", "members": [{"value": u} for u in users]}).encode()
        body += b" " * (2 * UNASKED)
        json_type = {"Content-Type": "application/json", "Idempotency-Key": "one"}
        first = api.request("POST", "/rooms", body, headers=json_type)
        self.assertEqual(first.status, 201, first)
        again = api.request("POST", "/rooms", body, headers=json_type)
        self.assertEqual((again.status, again.body), (201, first.body))
        other = api.request("POST", "/rooms", body + b" ", headers=json_type)
        self.assertEqual(other.status, 422, other)

    def test_a_large_search_and_a_large_bulk(self):
        """What reads, and what has a thread of its own."""
        self.user("found")
        search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": 'userName eq "found"'}
        pad = b" " * (2 * UNASKED)
        found = self.expect(self.http.post("/Users/.search", json.dumps(search).encode() + pad), 200)
        self.assertEqual(found.json["totalResults"], 1)
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [{"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "inbulk"}}]}
        done = self.expect(self.http.post("/Bulk", json.dumps(bulk).encode() + pad), 200)
        self.assertEqual(done.json["Operations"][0]["status"], "201")

    def test_a_large_delete_and_a_large_put(self):
        """Existence is asked before the command, where it is asked at all."""
        uid = self.user("shrinks")["id"]
        self.expect(self.http.put("/Users/" + uid, large_user("shrinks", 2 * UNASKED)), 200)
        wanted = {"Prefer": "respond-async"}
        none = "/Users/00000000-0000-7000-8000-00000000dead"
        self.expect(self.http.put(none, large_user("nobody", 2 * UNASKED), headers=wanted), 404)
        self.expect(self.http.request("DELETE", none, b" " * (2 * UNASKED)), 404)
        self.expect(self.http.request("DELETE", "/Users/" + uid, b" " * (2 * UNASKED)), 204)


class Memory(Case):
    """An ingest of its own with little memory for bodies: 16 MiB, of which a workspace gets 8 (one largest body)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = cls.stack.extra_ingest("little", free_port(), "--body-memory 16777216")

    def door(self, ws, size, **headers):
        return Door(self, ws.token, Content_Length=size, Expect="100-continue", url=self.url, **headers)

    def held(self):
        return metric(self.url, "usher_body_bytes")

    def invited(self, door):
        self.assertEqual(door.status_line(), b"HTTP/1.1 100 Continue")
        door.status_line()

    def refused(self, answer):
        self.expect(answer, 503)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertIn("memory for request bodies is full", answer.json["detail"])

    def test_the_memory_for_bodies(self):
        """Two workspaces fill it; a third one gets 503 for what is large, and is served with what is small. What is
        done, refused or broken off gives its room back at once."""
        others = [self.stack.workspace("mem%d" % i) for i in range(2)]
        open_doors = [self.door(ws, 7 * MIB) for ws in others]
        for door in open_doors:
            self.invited(door)
        self.assertEqual(self.held(), 14 * MIB)
        self.refused(self.door(others[0], 2 * MIB).answer())  # its own share
        self.refused(self.door(self.ws, 3 * MIB).answer())  # what all have
        small = self.ws.open(url=self.url)
        self.addCleanup(small.close)
        self.expect(small.post("/Users", {"schemas": [USER], "userName": "small"}), 201)
        open_doors[0].sock.close()
        open_doors[1].send(b"x" * (7 * MIB))
        self.expect(open_doors[1].answer(), 400, "invalidSyntax")
        self.wait_until(lambda: self.held() == 0, "the room to be given back")
        self.expect(small.post("/Users", large_user("large", 7 * MIB)), 201)
        self.wait_until(lambda: self.held() == 0, "the room to be given back")

    def test_chunks_are_counted_as_they_come(self):
        first = self.door(self.stack.workspace("memchunk"), 7 * MIB)
        self.invited(first)
        second = self.door(self.stack.workspace("memchunk"), 7 * MIB)
        self.invited(second)
        body = large_user("chunked", 4 * MIB)
        door = Door(self, self.ws.token, url=self.url, Transfer_Encoding="chunked")
        for at in range(0, len(body), MIB):
            door.chunk(body[at:at + MIB])
        door.send(b"0\r\n\r\n")
        self.refused(door.answer())
