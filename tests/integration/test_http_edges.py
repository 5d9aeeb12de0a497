"""HTTP at its edges, as exact bytes on a socket: what two servers could read in two ways is refused; every answer is
usher's own, comes once, and is on record."""

import json
import os
import re
import socket
import ssl
import subprocess

import stream
from case import Case
from scimhttp import USER, check_answer
from stack import free_port
from waiting import SILENCE, run, wait_for_end, wait_until

# From 1.0 on the HTTP library itself refuses what is doubtful in a request line, before there is a request to record,
# and all extensions of chunks; at a NUL in the request line it closes without an answer.
NEWER = run(["pkg-config", "--atleast-version=1.0", "libmicrohttpd"]).returncode == 0


def exchange(sock, wire, pieces=None):
    """Sends the bytes, in pieces of so many; gives all that comes until the server closes."""
    got = b""
    try:
        for at in range(0, len(wire), pieces or len(wire)):
            sock.sendall(wire[at:at + (pieces or len(wire))])
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass  # it has closed already, after its answer
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                break
            got += more
    except (ConnectionResetError, ssl.SSLError):
        pass
    return got


class Answer:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()
        self.body = body
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:300])


def answers_in(got):
    """All answers of a text, by their lengths. What is no answer is an error: so a second head cannot hide."""
    found = []
    while got:
        head, sep, rest = got.partition(b"\r\n\r\n")
        assert sep and head.startswith(b"HTTP/1.1 "), "no answer: %r" % got[:300]
        length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        found.append(Answer(head, rest[:length[0]]))
        got = rest[length[0]:]
    return found


class Wire(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host = b"Host: %s:%d\r\n" % (cls.stack.host.encode(), cls.stack.port)
        cls.auth = b"Authorization: Bearer %s\r\n" % cls.ws.token.encode()
        cls.kind = b"Content-Type: application/scim+json\r\n"

    def connect(self):
        return socket.create_connection((self.stack.host, self.stack.port), SILENCE)

    def ask(self, wire, pieces=None):
        with self.connect() as sock:
            return answers_in(exchange(sock, wire, pieces))

    def get(self, target, *lines, version=b"HTTP/1.1", host=None, auth=None):
        """A GET; its last line asks to close, so that what comes ends."""
        return (b"GET %s %s\r\n" % (target, version) + (self.host if host is None else host)
                + (self.auth if auth is None else auth) + b"".join(lines) + b"Connection: close\r\n\r\n")

    def post(self, name, framing, rest):
        """A POST that makes a user of that name; framing are header lines, rest all that follows the head."""
        return b"POST /scim/v2/Users HTTP/1.1\r\n" + self.host + self.auth + self.kind + framing + b"\r\n" + rest

    def body(self, name):
        return json.dumps({"schemas": [USER], "userName": name}).encode()

    def known(self, name):
        return self.http.find("/Users", 'userName eq "%s"' % name).json["totalResults"]


class Refused(Wire):
    """One answer, 4xx or 505, in usher's form; the connection closes; nothing behind it is served; it is on record."""

    def tricks(self):
        """name -> (status, bytes). `@` stands for the target, which has the name in it, so that its record is found."""
        get, version, end = b"GET @ HTTP/1.1\r\n", b" HTTP/1.1\r\n", b"\r\n"
        usual = self.host + self.auth
        post = b"POST @ HTTP/1.1\r\n" + usual + self.kind
        body = self.body("trick@edges.example")
        length = b"Content-Length: %d\r\n" % len(body)
        chunked = b"Transfer-Encoding: chunked\r\n"
        whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        split = self.auth.replace(b"Authorization", b"Auth").replace(b"\r\n", b"\r\n orization\r\n")
        return {
            # ---- folded lines: 0.9.75 appends them to the name of the header
            "fold-authorization": (400, get + self.host + split + end),
            "fold-tab": (400, get + self.host + split.replace(b"\r\n ", b"\r\n\t") + end),
            "fold-encoding": (400, post + b"Transfer: chunked\r\n -Encoding\r\n" + end + whole),
            "fold-length": (400, post + b"Content: %d\r\n -Length\r\n" % len(body) + end + body),
            "fold-value": (400, get + usual + b"X-Long: a\r\n b\r\n" + end),
            "fold-empty": (400, get + usual + b"X-Long: a\r\n \r\n" + end),
            "fold-twice": (400, get + usual + b"X-Long: a\r\n b\r\n\tc\r\n" + end),
            "fold-first": (400, get + b" folded: a\r\n" + usual + end),
            # ---- NUL
            "nul-target": (400, get.replace(b" HTTP", b"\0/x HTTP") + usual + end),
            "nul-target-end": (400, get.replace(b" HTTP", b"\0 HTTP") + usual + end),
            "nul-query": (400, get.replace(b" HTTP", b"?a=\0b HTTP") + usual + end),
            "nul-value": (400, get + usual + b"X: a\0b\r\n" + end),
            "nul-value-end": (400, get + usual + b"X: a\0\r\n" + end),
            "nul-value-all": (400, get + usual + b"X:\0\r\n" + end),
            "nul-host": (400, get + b"Host: usher\0.evil.example\r\n" + self.auth + end),
            "nul-token": (400, get + self.host + self.auth.replace(b"\r\n", b"\0x\r\n") + end),
            "nul-name": (400, get + usual + b"X\0Y: a\r\n" + end),
            "nul-method": (400, b"GE\0T @" + version + usual + end),
            "nul-empty-line": (400, get + usual + b"\0\r\n" + end),
            "nul-length": (400, post + length.replace(b"\r\n", b"\0\r\n") + end + body),
            # ---- line ends
            "lf-request-line": (400, b"GET @ HTTP/1.1\n" + usual + end),
            "lf-header": (400, get + usual.replace(b"\r\n", b"\n", 1) + end),
            "lf-last-header": (400, get + usual[:-2] + b"\n" + end),
            "lf-empty-line": (400, get + usual + b"\n"),
            "lf-hides-header": (400, get + usual + b"X: b\nTransfer-Encoding: chunked\r\n" + end),
            "cr-value": (400, get + usual + b"X: a\rb\r\n" + end),
            "cr-name": (400, get + usual + b"X\rY: a\r\n" + end),
            "cr-target": (400, get.replace(b" HTTP", b"\r HTTP") + usual + end),
            "cr-twice": (400, get + usual + b"X: a\r\r\n" + end),
            # ---- names
            "name-blank": (400, get + usual + b"X : a\r\n" + end),
            "name-tab": (400, get + usual + b"X\t: a\r\n" + end),
            "name-blank-inside": (400, get + usual + b"X Y: a\r\n" + end),
            "name-empty": (400, get + usual + b": a\r\n" + end),
            "name-control": (400, get + usual + b"X\x01: a\r\n" + end),
            "name-utf8": (400, get + usual + b"X\xc3\xa9: a\r\n" + end),
            "name-none": (400, get + usual + b"nothing\r\n" + end),
            "blank-encoding": (400, post + b"Transfer-Encoding : chunked\r\n" + length + end + body),
            "value-control": (400, get + usual + b"X: \x1b[2J\r\n" + end),
            # ---- twice, or two framings
            "two-hosts": (400, get + usual + b"Host: other.example\r\n" + end),
            "two-lengths": (400, post + length + b"Content-Length: 3\r\n" + end + body),
            "one-length-twice": (400, post + length + length + end + body),
            "two-encodings": (400, post + chunked + chunked + end + whole),
            "length-and-chunked": (400, post + length + chunked + end + whole),
            "chunked-and-length": (400, post + chunked + length + end + whole),
            "two-tokens": (400, get + usual + b"Authorization: Bearer x\r\n" + end),
            "two-types": (400, post + self.kind + length + end + body),
            "encoding-unknown": (400, post + b"Transfer-Encoding: gzip, chunked\r\n" + end + whole),
            "encoding-identity": (400, post + b"Transfer-Encoding: identity\r\n" + end + body),
            "encoding-empty": (400, post + b"Transfer-Encoding:\r\n" + length + end + body),
            "encoding-twice-in-one": (400, post + b"Transfer-Encoding: chunked, chunked\r\n" + end + whole),
            "encoding-old": (400, b"POST @ HTTP/1.0\r\n" + usual + self.kind + chunked + end + whole),
            "length-word": (400, post + b"Content-Length: 5x\r\n" + end + body),
            "length-negative": (400, post + b"Content-Length: -5\r\n" + end + body),
            "length-signed": (400, post + b"Content-Length: +5\r\n" + end + body),
            "length-empty": (400, post + b"Content-Length:\r\n" + end + body),
            "length-hex": (400, post + b"Content-Length: 0x5\r\n" + end + body),
            "length-list": (400, post + b"Content-Length: 5, 5\r\n" + end + body),
            "length-huge": (413, post + b"Content-Length: 99999999999999999999999\r\n" + end + body),
            "length-large": (413, post + b"Content-Length: 99999999999\r\n" + end + body),
            # ---- the request line
            "no-host": (400, get + self.auth + end),
            "empty-host": (400, get + b"Host:\r\n" + self.auth + end),
            "bad-host": (400, get + b"Host: a/b\r\n" + self.auth + end),
            "old-without-host": (400, b"GET @ HTTP/1.0\r\n" + self.auth + end),
            "blank-target": (400, b"GET @?filter=a b" + version + usual + end),
            "two-blanks": (400, b"GET  @" + version + usual + end),
            "two-blanks-behind": (400, b"GET @  HTTP/1.1\r\n" + usual + end),
            "blank-at-the-end": (400, b"GET @ HTTP/1.1 \r\n" + usual + end),
            "tab-in-line": (400, b"GET @\tHTTP/1.1\r\n" + usual + end),
            "method-control": (400, b"G\x1bT @" + version + usual + end),
            "version-2": (505, b"GET @ HTTP/2.0\r\n" + usual + end),
            "version-1.2": (505, b"GET @ HTTP/1.2\r\n" + usual + end),
            "version-0.9": (505, b"GET @ HTTP/0.9\r\n" + usual + end),
            "version-lower": (400, b"GET @ http/1.1\r\n" + usual + end),
            "version-word": (400, b"GET @ HTTP/1.1x\r\n" + usual + end),
            "version-none": (400, b"GET @\r\n" + usual + end),
            "fragment": (400, b"GET @#x" + version + usual + end),
            "target-control": (400, b"GET @\x01" + version + usual + end),
            "target-nul": (400, b"GET @?a=%00" + version + usual + end),
            "target-and-bad-host": (400, b"GET http://other.example@" + version + b"Host: a/b\r\n" + self.auth + end),
            "target-without-host": (400, b"GET http://@" + version + usual + end),
            # ---- sizes
            "target-long": (414, b"GET @?a=" + b"a" * 20000 + version + usual + end),
            "target-endless": (414, b"GET @?a=" + b"a" * 70000 + version + usual + end),
            "header-long": (431, get + usual + b"X: " + b"a" * 20000 + b"\r\n" + end),
            "header-endless": (431, get + usual + b"X: " + b"a" * 70000 + b"\r\n" + end),
            "headers-many": (431, get + usual + b"".join(b"X-%d: a\r\n" % i for i in range(200)) + end),
            "headers-endless": (431, get + usual + b"".join(b"X-%d: a\r\n" % i for i in range(5000)) + end),
            # ---- bodies
            "chunk-word": (400, post + chunked + end + b"xyz\r\nabc\r\n0\r\n\r\n"),
            "chunk-empty": (400, post + chunked + end + b"\r\nabc\r\n0\r\n\r\n"),
            "chunk-negative": (400, post + chunked + end + b"-5\r\nabcde\r\n0\r\n\r\n"),
            "chunk-prefix": (400, post + chunked + end + b"0x5\r\nabcde\r\n0\r\n\r\n"),
            "chunk-huge": (413, post + chunked + end + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
            "chunk-too-long": (400, post + chunked + end + b"3\r\nabcde\r\n0\r\n\r\n"),
            "trailer-word": (400, post + chunked + end + whole[:-2] + b"nothing\r\n\r\n"),
        }

    # Refused at the request line: the record has no path, so this test cannot find it.
    NO_REQUEST = {"version-2", "version-0.9", "version-lower", "version-word", "version-none", "tab-in-line",
                  "blank-at-the-end", "target-endless", "nul-method"}

    if NEWER:
        NO_REQUEST |= {"nul-target", "nul-target-end", "nul-query", "lf-request-line", "cr-target", "blank-target",
                       "two-blanks", "two-blanks-behind"}
    CLOSED = {"nul-target", "nul-target-end", "nul-query", "nul-method"} if NEWER else set()

    def path(self, name):
        return "/scim/v2/Users/%s-%s" % (self.ws.id[-12:], name)

    def marked(self, name, wire):
        return wire.replace(b"@", self.path(name).encode(), 1)

    def check(self, name, status, answers):
        if name in self.CLOSED:
            self.assertEqual(answers, [])
            return
        self.assertEqual([a.status for a in answers], [status], "%s: %r" % (name, answers))
        self.assertEqual(answers[0].headers["connection"], "close")
        self.assertEqual(answers[0].headers["content-type"], "application/scim+json", answers)
        self.assertEqual(answers[0].json["status"], str(status))

    def test_each_is_refused_once_on_record_and_nothing_behind_is_served(self):
        smuggled, tricks = self.get(self.path("smuggled").encode()), self.tricks()
        for name, (status, wire) in tricks.items():
            with self.subTest(name):
                self.check(name, status, self.ask(self.marked(name, wire) + smuggled))
        self.assertEqual(self.known("trick@edges.example"), 0)
        due = {self.path(name): status for name, (status, _) in tricks.items() if name not in self.NO_REQUEST}

        def of(records):
            """path -> statuses; what is behind a name is what the trick has put into the target."""
            found = {}
            for r in stream.requests_of(records):
                path = r.value["path"]
                for known in due:
                    if re.search(re.escape(known) + "($|[^a-z0-9.-])", path):
                        found.setdefault(known, []).append((r.value["status"], r.value["sourceIp"]))
            return found

        records = self.followers.audit.wait(lambda rs: due.keys() <= of(rs).keys(), "a record of each")
        self.assertEqual(of(records), {path: [(status, "127.0.0.1")] for path, status in due.items()})
        self.assertNotIn(self.path("smuggled"), [r.value["path"] for r in stream.requests_of(records)])

    def test_in_the_form_of_the_path(self):
        """Problem details for the Management API and OAuth's own error, also where the library refuses."""
        for path, kind in ((b"/api/v1/users", "application/problem+json"), (b"/oauth2/token", "application/json"),
                           (b"/w/x/scim/v2/Users", "application/scim+json"), (b"/", "application/scim+json")):
            for line in (b"nothing\r\n", b"X: a\0b\r\n"):
                with self.subTest("%r %r" % (path, line)):
                    answers = self.ask(self.get(path, line))
                    self.assertEqual([(a.status, a.headers["content-type"]) for a in answers], [(400, kind)])

    def test_what_comes_behind_a_refusal_is_never_served(self):
        """A body is not read as a request, whichever side of the refusal it is on."""
        name = b"behind@edges.example"
        hidden = self.post(name, b"Content-Length: %d\r\n" % len(self.body(name.decode())), self.body(name.decode()))
        for first in (self.get(b"/scim/v2/Users", b"X: a\r\n b\r\n"), self.get(b"/scim/v2/Users", b"nothing\r\n"),
                      b"GET / HTTP/3.0\r\n\r\n", b"POST /scim/v2/Users HTTP/1.1\r\n" + self.host + self.auth
                      + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
            self.assertEqual(len(self.ask(first.replace(b"Connection: close\r\n", b"") + hidden)), 1)
        self.assertEqual(self.known(name.decode()), 0)

    def test_a_refusal_behind_good_requests(self):
        """Those before it are answered, then it is, and then the connection closes."""
        good = self.get(b"/scim/v2/Users?count=0").replace(b"Connection: close\r\n", b"")
        for bad in (self.get(b"/scim/v2/Users", b"nothing\r\n"), self.get(b"/scim/v2/Users", b"X: a\r\n b\r\n")):
            self.assertEqual([a.status for a in self.ask(good + good + bad + good)], [200, 200, 400])


class Understood(Wire):
    """What is unusual and has one meaning."""

    def test_blanks_around_values(self):
        body = self.body("blanks@edges.example")
        head = (b"POST /scim/v2/Users HTTP/1.1\r\nHost: \t%s \t \r\n" % self.host[6:-2]
                + self.auth[:-2] + b"  \r\nContent-Type:application/scim+json\t\r\nIf-None-Match:  \r\nX-Empty:\r\n")
        answers = self.ask(head + b"Content-Length: %d \t\r\nConnection: close \r\n\r\n" % len(body) + body)
        self.assertEqual([a.status for a in answers], [201], answers)
        self.assertNotIn(" ", answers[0].headers["location"])
        chunked = self.body("blanks.chunked@edges.example")
        answers = self.ask(head + b"Transfer-Encoding: chunked \r\nConnection: close\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                           % (len(chunked), chunked))
        self.assertEqual([a.status for a in answers], [201], answers)

    def test_large_heads_in_any_pieces(self):
        """Up to the bounds, whole or in pieces: the check of the head's layout must never be wrong about a good one."""
        many = b"".join(b"X-%d: %s\r\n" % (i, b"v" * (i * 3)) for i in range(90))
        cookie = b"Cookie: " + b"; ".join(b"c%d=%d" % (i, i) for i in range(900)) + b"\r\n"
        query = b"/scim/v2/Users?count=0&x=" + b"a%20&b=c&" * 1500
        for wire in (self.get(b"/scim/v2/Users?count=0"), self.get(b"/scim/v2/Users?count=0", many),
                     self.get(query), self.get(b"/scim/v2/Users?count=0", cookie),
                     self.get(b"/scim/v2/Users?count=0", b"X-Long: " + b"a" * 15000 + b"\r\n")):
            if wire.count(b"&") > 64:  # too many parameters, but a good head
                wire = wire.replace(b"&b=c&", b"_b_c_")
            for pieces in (None, 4000, 1460, 100):
                with self.subTest("%d bytes in pieces of %s" % (len(wire), pieces)):
                    self.assertEqual([a.status for a in self.ask(wire, pieces)], [200])
        small = self.get(b"/scim/v2/Users?count=0", b"X: y\r\n")
        self.assertEqual([a.status for a in self.ask(small, 1)], [200])

    def test_many_large_heads_on_one_connection(self):
        """The library moves what it has read ahead."""
        one = self.get(b"/scim/v2/Users?count=0", *(b"X-%d: %s\r\n" % (i, b"v" * 60) for i in range(50)))
        more = one.replace(b"Connection: close\r\n", b"")
        for pieces in (None, 1000, 333):
            self.assertEqual([a.status for a in self.ask(more * 20 + one, pieces)], [200] * 21)

    def test_targets(self):
        host = self.host[6:-2]
        for target, status in ((b"http://" + host + b"/scim/v2/Users?count=0", 200),
                               (b"HTTP://" + host + b"/scim/v2/Users?count=0", 200),
                               (b"//scim/v2/Users", 404), (b"/scim//v2/Users", 404), (b"/scim/v2/Users//", 404),
                               (b"/scim/v2/Users/%2f", 400), (b"/scim/v2/Users/%00", 400), (b"/scim/v2/%2e%2e/x", 400),
                               (b"/scim/v2/Users/%5c", 400), (b"/scim/v2/Users/%zz", 400), (b"*", 400), (b"scim", 400),
                               (b"ftp://" + host + b"/x", 400)):
            with self.subTest(target):
                self.assertEqual([a.status for a in self.ask(self.get(target))], [status])

    def test_empty_lines_before_the_request_line(self):
        """RFC 9112 section 2.2 asks for that."""
        self.assertEqual([a.status for a in self.ask(b"\r\n" + self.get(b"/scim/v2/Users?count=0"))], [200])

    def test_trailers_and_extensions_of_chunks_say_nothing(self):
        for n, rest in enumerate((b"%x;a=b\r\n%s\r\n0;c\r\n\r\n", b"%x\r\n%s\r\n0\r\nHost: evil.example\r\n\r\n",
                                  b"%x\r\n%s\r\n0\r\nContent-Length: 3\r\nAuthorization: Bearer x\r\n\r\n",
                                  b"00%x\r\n%s\r\n000\r\n\r\n")):
            body = self.body("chunks%d@edges.example" % n)
            framing = b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
            due = 400 if NEWER and b";" in rest else 201
            self.assertEqual([a.status for a in self.ask(self.post("", framing, rest % (len(body), body)))], [due])

    def test_old_http_without_host_is_for_probes(self):
        """/healthz, /readyz and /metrics, and nothing else; HTTP/1.1 needs its Host there too."""
        for path in (b"/healthz", b"/readyz", b"/metrics"):
            for version, lines, status in ((b"HTTP/1.0", b"", 200), (b"HTTP/1.0", self.host, 200),
                                           (b"HTTP/1.1", self.host + b"Connection: close\r\n", 200),
                                           (b"HTTP/1.1", b"Connection: close\r\n", 400)):
                with self.subTest("%r %r" % (path, lines)):
                    answers = self.ask(b"GET %s %s\r\n" % (path, version) + lines + b"\r\n")
                    self.assertEqual([a.status for a in answers], [status], answers)
        answers = self.ask(b"GET /scim/v2/Users?count=0 HTTP/1.0\r\n" + self.host + self.auth + b"\r\n")
        self.assertEqual([a.status for a in answers], [200])


class Encrypted(Refused):
    """The same with TLS of the ingest's own; and what that TLS takes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(cls.stack.run_dir, "tls-edges")
        os.makedirs(folder, exist_ok=True)
        cls.cert, key = os.path.join(folder, "it.crt"), os.path.join(folder, "it.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=edges",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cls.cert], check=True,
                       capture_output=True)
        cls.port = free_port()
        with open(os.path.join(cls.stack.run_dir, "log", "ingest-tls-edges.log"), "ab") as log:
            cls.process = subprocess.Popen([os.path.join(cls.stack.env["USHER_BIN"], "usher-ingest"), "--config",
                                            os.path.join(cls.stack.run_dir, "conf", "ingest"), "--listen",
                                            "127.0.0.1:%d" % cls.port, "--tls-cert", cls.cert, "--tls-key", key],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        cls.context = ssl.create_default_context(cafile=cls.cert)
        wait_until(cls.ready, "the ingest with TLS to be ready", cls.stack.progress)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.process.terminate()
        code = wait_for_end(cls.process, "the ingest with TLS")
        assert code == 0, "the ingest with TLS ended with %s" % code

    @classmethod
    def ready(cls):
        assert cls.process.poll() is None, "the ingest with TLS has ended"
        try:
            with socket.create_connection(("127.0.0.1", cls.port), SILENCE) as plain:
                with cls.context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                    got = exchange(sock, b"GET /readyz HTTP/1.0\r\n\r\n")
                    return [a.status for a in answers_in(got)] == [200]
        except OSError:
            return False

    def connect(self):
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), SILENCE),
                                        server_hostname="127.0.0.1")

    # Of TLS 1.2: without forward secrecy; with CBC.
    OLD = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-CCM", "AES128-SHA", "AES256-SHA", "AES128-SHA256",
           "CAMELLIA128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA256",
           "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA256")
    NEW = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305")
    TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")

    def chosen(self, port, *options):
        """The cipher that openssl and the server at the port agree on; None if on none."""
        it = run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-CAfile", self.cert, *options],
                 stdin=subprocess.DEVNULL, capture_output=True, text=True)
        found = re.search(r"^New, .*, Cipher is (\S+)$", it.stdout, re.M)
        self.assertTrue(found, it.stdout + it.stderr)
        return None if found.group(1) == "(NONE)" else found.group(1)

    def test_T1_X1_ciphers(self):
        """No static exchange of keys by RSA, no CBC. A server of openssl takes each of them, so this client can."""
        port = free_port()
        with subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", self.cert, "-key",
                               self.cert[:-3] + "key", "-quiet", "-cipher", "ALL:@SECLEVEL=0"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
            try:
                wait_until(lambda: self.listens(port), "openssl to listen", self.stack.progress)
                for cipher in self.OLD + self.NEW:
                    with self.subTest(cipher):
                        one = ("-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
                        self.assertEqual(self.chosen(port, *one), cipher)
                        self.assertEqual(self.chosen(self.port, *one), cipher if cipher in self.NEW else None)
            finally:
                other.terminate()
        for cipher in self.TLS13:
            self.assertEqual(self.chosen(self.port, "-tls1_3", "-ciphersuites", cipher), cipher)

    @staticmethod
    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False
