"""The door of the ingest: what is read before a client is admitted, and what many or slow clients may take."""

import json
import resource
import select
import socket
import statistics
import threading
import time
import urllib.parse

import doors
from case import BUSY, Case
from proxied import metric
from scimhttp import SCIM_TYPE, USER, Broken, Reader
from stack import free_port
from test_keys import unknown_token
from waiting import SILENCE

UNASKED = 65536
MIB = 1024 * 1024


class Door:
    """A request of which every byte is sent when the test says so."""

    def __init__(self, test, token, path="/scim/v2/Users", method="POST", url=None, source=None, whole=True,
                 **headers):
        """source: the address to come from; whole: the head is sent whole."""
        at = urllib.parse.urlsplit(url or test.stack.url)
        self.sock = socket.create_connection((at.hostname, at.port), SILENCE, source and (source, 0))
        test.addCleanup(self.sock.close)
        self.reader = Reader(self.sock)
        lines = {"Host": at.netloc, "Content-Type": SCIM_TYPE}
        if token:
            lines["Authorization"] = "Bearer " + token
        lines.update({name.replace("_", "-"): str(value) for name, value in headers.items()})
        head = "%s %s HTTP/1.1\r\n" % (method, path)
        head += "".join("%s: %s\r\n" % line for line in lines.items())
        self.send((head + ("\r\n" if whole else "X-Slow: ")).encode())

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


class Others(Case):
    """An ingest with one gate thread and one for large bodies, which may take their time."""

    def test_nobody_waits_for_large_bodies(self):
        """Three clients send 6 MB that are wrong at the very end, again and again. Somebody else's reads do not take a
        part of the time that such a body takes.
        Where they wait, even the quickest take all of it. So the quickest fifth is looked at: other suites share this
        machine, and hold up any of them."""
        url = self.stack.extra_ingest("single", free_port(), "--gate-threads 1 --body-threads 1 --deadline-ms 60000")
        text = '"%s",' % ("y" * 28)
        body = ('{"schemas":["%s"],"userName":"x","unknown":[' % USER + text * (6 * MIB // len(text)) + "!").encode()
        victim, took = self.stack.workspace("others").open(url=url), []
        uid = self.user("reader", victim)["id"]
        done, bodies = threading.Event(), []

        def send(client):
            while not done.is_set():
                began = time.monotonic()
                bodies.append((client.post("/Users", body).status, time.monotonic() - began))
            client.close()

        threads = [threading.Thread(target=send, args=(self.ws.open(url=url),)) for _ in range(3)]
        for t in threads:
            t.start()
        while min(len(bodies) / 6, len(took) / 30) < 1 and any(t.is_alive() for t in threads):
            began = time.monotonic()
            self.expect(victim.get("/Users/" + uid), 200)
            took.append(time.monotonic() - began)
        done.set()
        for t in threads:
            t.join()
        victim.close()
        self.assertEqual({status for status, _ in bodies}, {400})
        read, whole = sorted(took)[len(took) // 5], statistics.median(t for _, t in bodies)
        self.assertLess(read, whole / 3, "%d reads, %d bodies" % (len(took), len(bodies)))


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

    def test_150_bodies_without_a_token(self):
        """8 MiB each: all are refused at the headers, and nothing of what they send all the same is kept."""
        senders = [Door(self, None, url=self.url, Content_Length=8 * MIB) for _ in range(150)]
        for door in senders:
            try:
                door.send(b"x" * MIB)
            except ConnectionError:
                pass  # refused already
        self.assertEqual(self.held(), 0)
        for door in senders:
            try:
                self.expect(door.answer(), 401)
            except (Broken, ConnectionError):
                pass  # what was sent behind the refusal may have taken the answer along
        self.wait_until(lambda: metric(self.url, "usher_http_connections") <= 2, "them to be gone")

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


def is_closed(sock):
    """Nothing is left to read, and the other side has closed."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    try:
        return bool(poll.poll(0)) and sock.recv(65536) == b""
    except ConnectionError:
        return True


class Connections(Case):
    """Two ingests of their own: one with few connections, one with little patience."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.narrow = cls.stack.extra_ingest("narrow", free_port(), "--max-connections 64 --max-connections-per-source 20 "
                                            "--trusted-proxies 127.0.0.9/32")
        cls.hasty = cls.stack.extra_ingest("hasty", free_port(), "--head-seconds 2 --body-seconds 2 --answer-seconds 2 "
                                           "--idle-seconds 2")

    def visit(self, source, url=None):
        """A connection that was served and is kept."""
        door = Door(self, None, "/healthz", "GET", url or self.narrow, source)
        self.assertEqual(door.answer().status, 200)
        return door

    def leave(self, doors_):
        for door in doors_:
            door.sock.close()
        self.wait_until(lambda: metric(self.narrow, "usher_http_connections") <= 1, "the connections to be gone")

    def test_connections_of_one_source(self):
        """The 21st is closed; another source, and a trusted proxy, come in; and so does the first when it has left."""
        refused = 'usher_http_closed_total{reason="source"}'
        before = metric(self.narrow, refused)
        visits = [self.visit("127.0.0.2") for _ in range(20)]
        with self.assertRaises((Broken, ConnectionError)):
            self.visit("127.0.0.2")
        self.assertEqual(metric(self.narrow, refused), before + 1)
        visits += [self.visit("127.0.0.3")] + [self.visit("127.0.0.9") for _ in range(25)]
        visits[0].sock.close()

        def in_again():
            try:
                return visits.append(self.visit("127.0.0.2")) is None
            except (Broken, ConnectionError):
                return False
        self.wait_until(in_again, "the source to come in again")
        self.leave(visits)

    def test_the_longest_idle_goes_first(self):
        """64 connections of many sources: a new one ends the one that was idle longest, and no other."""
        visits = [self.visit("127.0.1.%d" % (i // 16 + 1)) for i in range(64)]
        visits[0].send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")  # is not the longest idle one any more
        self.assertEqual(visits[0].answer().status, 200)
        last = self.visit("127.0.2.1")
        self.wait_until(lambda: is_closed(visits[1].sock), "the longest idle one to be closed")
        self.assertEqual([i for i in range(64) if is_closed(visits[i].sock)], [1])
        self.leave(visits + [last])

    def test_5120_connections_of_one_address(self):
        """512 of them stay, and another address gets in."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        at = urllib.parse.urlsplit(self.stack.url)
        socks = []
        for _ in range(5120):
            sock = socket.create_connection((at.hostname, at.port), SILENCE, ("127.0.0.5", 0))
            self.addCleanup(sock.close)
            socks.append(sock)
        self.visit("127.0.0.6", self.stack.url)
        self.wait_until(lambda: sum(1 for s in socks if not is_closed(s)) <= 512, "512 of them to be left")

    def drip(self, door, byte=b"x"):
        """A byte now and then; gives how long that lasted."""
        began = time.monotonic()
        try:
            while not select.select([door.sock], [], [], 0.2)[0]:
                door.send(byte)
        except ConnectionError:
            pass
        return time.monotonic() - began

    def closed_for(self, reason):
        return metric(self.hasty, 'usher_http_closed_total{reason="%s"}' % reason)

    def test_who_sends_too_slowly(self):
        """Head and body, although a byte comes now and then."""
        for reason, headers in (("head", {"whole": False}), ("body", {"Content_Length": 1000})):
            before = self.closed_for(reason)
            took = self.drip(Door(self, self.ws.token, url=self.hasty, **headers))
            self.assertGreaterEqual(took, 2)
            self.assertLess(took, 2 + 1 + BUSY)
            self.assertEqual(self.closed_for(reason), before + 1)

    def test_who_says_nothing(self):
        before = self.closed_for("idle")
        door = self.visit(None, self.hasty)
        door.sock.settimeout(2 + 1 + BUSY)
        self.assertTrue(door.closed())
        self.assertEqual(self.closed_for("idle"), before + 1)

    def test_who_takes_no_answer(self):
        """More answers are asked for than the buffers between the two hold, and nobody reads them."""
        before = self.closed_for("answer")
        door = Door(self, None, "/healthz", "GET", self.hasty)
        self.assertEqual(door.answer().status, 200)
        door.send(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        self.wait_until(lambda: self.closed_for("answer") == before + 1, "the connection to be closed")
