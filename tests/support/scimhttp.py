"""A small HTTP/1.1 client that hides nothing: keep-alive, exact bytes where wanted, and a check that every answer
must pass."""

import json
import select
import socket
import threading
import urllib.parse

from waiting import SILENCE

SCIM_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ROLE = "urn:ietf:params:scim:schemas:extension:usher:2.0:User"


class Broken(Exception):
    """The connection ended before a whole answer was there."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.header_list, self.body = status, headers, body
        self.headers = {}
        for name, value in headers:
            self.headers.setdefault(name.lower(), value)

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<%d %s>" % (self.status, self.body[:300].decode(errors="replace"))


class Reader:
    """Reads answers from a socket, one after the other."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def _more(self):
        chunk = self.sock.recv(65536)
        if not chunk:
            raise Broken("closed after %r" % self.buffer[-200:])
        self.buffer += chunk

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _bytes(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def answer(self, method="GET"):
        status_line = self._line().decode("latin-1")
        version, status = status_line.split(" ", 2)[:2]
        if not version.startswith("HTTP/1."):
            raise Broken("no HTTP: %r" % status_line)
        headers = []
        while True:
            line = self._line().decode("latin-1")
            if not line:
                break
            name, value = line.split(":", 1)
            headers.append((name, value.strip()))
        status, lower = int(status), {n.lower(): v for n, v in headers}
        if status == 100:
            return self.answer(method)
        body = b""
        if method != "HEAD" and status not in (204, 304):
            if lower.get("transfer-encoding", "").lower() == "chunked":
                while True:
                    size = int(self._line().split(b";")[0], 16)
                    if size == 0:
                        self._line()
                        break
                    body += self._bytes(size)
                    self._line()
            elif "content-length" in lower:
                body = self._bytes(int(lower["content-length"]))
        return Answer(status, headers, body)


def check_answer(answer, scim=True):
    """What every answer of the SCIM interface must hold to, whatever was asked (scim-rules T3-T6, E1, V1). Gives a
    list of faults. scim: it is one of that interface, where 204 has a content type."""
    wrong, h = [], answer.headers
    for name in ("content-type", "content-length", "etag", "location", "retry-after"):
        if sum(1 for n, _ in answer.header_list if n.lower() == name) > 1:
            wrong.append("header %s twice" % name)
    if answer.status in (202, 204):
        if h.get("content-length", "0") != "0":
            wrong.append("%d with a length" % answer.status)
        if h.get("content-type") != (SCIM_TYPE if answer.status == 204 and scim else None):
            wrong.append("%d with the content type %r" % (answer.status, h.get("content-type")))
        return wrong
    if answer.status == 304:
        return wrong
    if h.get("content-type") != SCIM_TYPE:
        wrong.append("content type %r" % h.get("content-type"))
    try:
        body = answer.json
    except ValueError:
        return wrong + ["the body is no JSON: %r" % answer.body[:200]]
    if answer.status >= 400:
        if body.get("schemas") != [ERROR] or body.get("status") != str(answer.status):
            wrong.append("no SCIM error body: %r" % body)
        if not isinstance(body.get("detail"), str) or not body["detail"]:
            wrong.append("no detail")
        if set(body) - {"schemas", "status", "scimType", "detail"}:
            wrong.append("unknown members of an error: %r" % sorted(body))
        if answer.status == 401 and not h.get("www-authenticate", "").startswith("Bearer"):
            wrong.append("401 without WWW-Authenticate")
        if answer.status in (429, 503) and not h.get("retry-after", "").isdigit():
            wrong.append("%d without Retry-After" % answer.status)
        if answer.status == 405 and not h.get("allow"):
            wrong.append("405 without Allow")
        return wrong
    meta = body.get("meta", {})
    if "version" in meta and h.get("etag") != meta["version"]:
        wrong.append("ETag %r, meta.version %r" % (h.get("etag"), meta["version"]))
    if "location" in meta and h.get("content-location", meta["location"]) != meta["location"]:
        wrong.append("Content-Location %r, meta.location %r" % (h.get("content-location"), meta["location"]))
    if answer.status == 201 and (not h.get("location") or "meta" in body and h["location"] != meta.get("location")):
        wrong.append("Location %r, meta.location %r" % (h.get("location"), meta.get("location")))
    return wrong


class Client:
    """One kept-alive connection under one token. check=True: every answer must pass check_answer."""

    def __init__(self, url, token=None, prefix="/scim/v2", headers=None, check=True):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.prefix, self.token, self.check = parts.hostname, parts.port, prefix, token, check
        self.extra, self._sock, self._reader = dict(headers or {}), None, None

    def close(self):
        if self._sock:
            self._sock.close()
        self._sock = None

    def _close_if_ended(self):
        """Between two requests a server may close a connection that was idle for long. Nothing was sent on it then."""
        if self._sock is None:
            return
        try:
            # A socket with a time limit waits in recv, whatever its flags say; so it is asked before.
            if select.select([self._sock], [], [], 0)[0] and self._sock.recv(1, socket.MSG_PEEK) == b"":
                self.close()
        except OSError:
            self.close()

    def encode(self, method, path, body=None, headers=None):
        lines = {"Host": "%s:%d" % (self.host, self.port), "Accept": SCIM_TYPE}
        if self.token:
            lines["Authorization"] = "Bearer " + self.token
        if body is not None:
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            lines["Content-Type"] = SCIM_TYPE
            lines["Content-Length"] = str(len(body))
        elif method in ("POST", "PUT", "PATCH"):
            lines["Content-Length"] = "0"
        lines.update(self.extra)
        lines.update(headers or {})
        head = "%s %s HTTP/1.1\r\n" % (method, self.prefix + path)
        head += "".join("%s: %s\r\n" % (n, v) for n, v in lines.items() if v is not None) + "\r\n"
        return head.encode() + (body or b"")

    def request(self, method, path, body=None, headers=None):
        wire = self.encode(method, path, body, headers)
        self._close_if_ended()
        for attempt in (1, 2):
            fresh = self._sock is None
            if fresh:
                self._sock = socket.create_connection((self.host, self.port), SILENCE)
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._reader = Reader(self._sock)
            try:
                try:
                    self._sock.sendall(wire)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the server has answered before it had read all, and closed
                answer = self._reader.answer(method)
                break
            except (Broken, ConnectionError) as trouble:
                unread = not self._reader.buffer
                self.close()
                # A connection that the server closed between two requests; only a read may be sent again without doubt.
                if fresh or attempt == 2 or not unread or method != "GET":
                    raise Broken(str(trouble)) from None
            except OSError:
                self.close()
                raise
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        if self.check:
            wrong = check_answer(answer, not self.prefix.startswith("/api"))
            assert not wrong, "%s %s: %r: %s" % (method, path, answer, "; ".join(wrong))
        return answer

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body, **kw):
        return self.request("POST", path, body, **kw)

    def put(self, path, body, **kw):
        return self.request("PUT", path, body, **kw)

    def patch(self, path, body, **kw):
        return self.request("PATCH", path, body, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def find(self, path, filter_text, **parameters):
        """A list request with a filter, encoded as clients encode it."""
        parameters["filter"] = filter_text
        return self.get(path + "?" + urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote))

    def again(self):
        """Another connection with the same settings."""
        return Client("http://%s:%d" % (self.host, self.port), self.token, self.prefix, self.extra, self.check)


def plain(resource):
    """A user without the role, which everybody gets who is made without one (test_roles looks at it)."""
    out = {k: v for k, v in resource.items() if k != ROLE}
    if "schemas" in out:
        out["schemas"] = [s for s in out["schemas"] if s != ROLE]
    return out


def patch_op(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def raw(host, port, wire, answers=1):
    """Sends exact bytes on a connection of its own. Gives the answers that come: as many as are asked for, or fewer if
    the server closes before. (Whoever asks for one more than is due sees in that the server has closed.)"""
    got = []
    with socket.create_connection((host, port), SILENCE) as sock:
        reader = Reader(sock)
        try:
            sock.sendall(wire)
            while len(got) < answers:
                got.append(reader.answer())
        except (Broken, ConnectionError):
            pass
    return got


def in_flight(width, jobs, client):
    """Runs jobs (functions of a client) with `width` threads, each with a connection of its own. Gives the results
    in the jobs' order; an exception is a result too. client: a Client, or a list of them to be spread over."""
    results, cursor, lock = [None] * len(jobs), iter(range(len(jobs))), threading.Lock()
    clients = client if isinstance(client, list) else [client]
    start = threading.Barrier(min(width, len(jobs)))

    def work(number):
        own = clients[number % len(clients)].again()
        start.wait()
        while True:
            with lock:
                job = next(cursor, None)
            if job is None:
                break
            try:
                results[job] = jobs[job](own)
            except Exception as trouble:  # noqa: BLE001 - the test looks at it
                results[job] = trouble
        own.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(min(width, len(jobs)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def statuses(results):
    """{status: how often}; exceptions count under their name."""
    count = {}
    for r in results:
        key = r.status if isinstance(r, Answer) else type(r).__name__ + ": " + str(r)
        count[key] = count.get(key, 0) + 1
    return count
