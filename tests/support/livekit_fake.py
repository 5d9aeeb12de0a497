"""A LiveKit server for tests, as far as a bridge sees one: the calls of RoomService over HTTP, rooms and people in
memory, webhooks. It can be slow, refuse, be away, and lose everything; what tests/voice shows with a real one, this one
shows where things fail."""

import base64
import hashlib
import http.client
import http.server
import json
import socket
import threading
import time

from authlib.jose import jwt
from authlib.jose.errors import JoseError

KEY, SECRET = "usher-test", "a secret of more than thirty-two characters"


class Refusal(Exception):
    """(status, Twirp's code)"""


class FakeLiveKit:
    def __init__(self, webhook=None, port=0):
        """webhook: (host, port) of the bridge, or None."""
        self.webhook, self.lock = webhook, threading.Condition()
        self.rooms = {}      # name -> {"metadata", "people": {identity: participant}}
        self.calls = []      # (method, room or None, identity or None, moment)
        self.slow = {}       # room -> an Event that its calls wait for
        self.failing = {}    # room -> status
        self.secret = SECRET
        self.port, self.server, self.open = port, None, set()
        self.start()

    # ---- being there

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                outer.open.add(self.connection)

            def finish(self):
                outer.open.discard(self.connection)
                super().finish()

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, answer = outer.answer(self.path, self.headers, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a bridge that is killed in the middle is a part of the tests

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Connections break, and nobody listens. Rooms are lost, as with the real one."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
            for connection in list(self.open):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        with self.lock:
            self.rooms.clear()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    # ---- calls

    def answer(self, path, headers, body):
        method, asked = path.rsplit("/", 1)[1], json.loads(body)
        room, identity = asked.get("room", asked.get("name")), asked.get("identity")
        try:
            claims = jwt.decode(headers["Authorization"].partition("Bearer ")[2], self.secret)
            claims.validate(time.time(), 60)
        except (JoseError, ValueError):
            return 401, {"code": "unauthenticated", "msg": "invalid token"}
        with self.lock:
            self.calls.append((method, room, identity, time.monotonic()))
            self.lock.notify_all()
            waits, fails = self.slow.get(room), self.failing.get(room)
        if waits is not None:
            waits.wait()
        if fails is not None:
            return fails, {"code": "internal", "msg": "told to fail"}
        try:
            with self.lock:
                done = getattr(self, method)(asked, claims["video"])
                self.lock.notify_all()
                return 200, done
        except Refusal as refusal:
            status, code = refusal.args
            return status, {"code": code, "msg": code}

    def _room(self, name, grant):
        if not grant.get("roomAdmin") or grant.get("room") != name:
            raise Refusal(403, "permission_denied")
        if name not in self.rooms:
            raise Refusal(404, "not_found")
        return self.rooms[name]

    def _person(self, asked, grant):
        people = self._room(asked["room"], grant)["people"]
        if asked["identity"] not in people:
            raise Refusal(404, "not_found")
        return people[asked["identity"]]

    def ListRooms(self, asked, grant):
        if not grant.get("roomList"):
            raise Refusal(403, "permission_denied")
        names = asked.get("names")
        return {"rooms": [{"name": n, "metadata": r["metadata"], "numParticipants": len(r["people"])}
                          for n, r in self.rooms.items() if not names or n in names]}

    def CreateRoom(self, asked, grant):
        if not grant.get("roomCreate"):
            raise Refusal(403, "permission_denied")
        room = self.rooms.setdefault(asked["name"], {"metadata": asked.get("metadata", ""), "people": {}})
        return {"name": asked["name"], "metadata": room["metadata"]}

    def DeleteRoom(self, asked, grant):
        if asked["room"] not in self.rooms:
            raise Refusal(404, "not_found")
        del self.rooms[asked["room"]]
        return {}

    def ListParticipants(self, asked, grant):
        return {"participants": list(self._room(asked["room"], grant)["people"].values())}

    def RemoveParticipant(self, asked, grant):
        self._person(asked, grant)
        del self.rooms[asked["room"]]["people"][asked["identity"]]
        return {}

    def UpdateParticipant(self, asked, grant):
        person = self._person(asked, grant)
        given = asked["permission"]
        person["permission"] = {camel: True for snake, camel in (
            ("can_subscribe", "canSubscribe"), ("can_publish", "canPublish"), ("can_publish_data", "canPublishData"))
            if given.get(snake)}
        return person

    # ---- people

    def join(self, room, identity, transmit=True, kind=None, at=None, hook=True):
        """Somebody comes in, whoever it is: LiveKit lets in who has a token. at: (epoch, seq) of the token."""
        person = {"identity": identity, "state": "ACTIVE",
                  "permission": dict({"canSubscribe": True}, **({"canPublish": True, "canPublishData": True} if transmit
                                                                else {}))}
        if kind:
            person["kind"] = kind
        if at:
            person["attributes"] = {"usher.epoch": str(at[0]), "usher.seq": str(at[1])}
        with self.lock:
            self.rooms[room]["people"][identity] = person
        if hook:
            return self.hook({"event": "participant_joined", "room": {"name": room}, "participant": person})
        return None

    def hook(self, event, secret=None, body=None, authorization=True):
        """Sends a webhook; gives the status of its answer. body: another one than was signed."""
        text = json.dumps(event).encode()
        sum256 = base64.b64encode(hashlib.sha256(text).digest()).decode()
        now = int(time.time())
        token = jwt.encode({"alg": "HS256", "typ": "JWT"},
                           {"iss": KEY, "nbf": now, "exp": now + 300, "sha256": sum256}, secret or SECRET).decode()
        connection = http.client.HTTPConnection(*self.webhook)
        connection.request("POST", "/webhook", body or text, dict(
            {"Content-Type": "application/webhook+json"}, **({"Authorization": token} if authorization else {})))
        status = connection.getresponse().status
        connection.close()
        return status

    # ---- what tests ask

    def people(self, room):
        with self.lock:
            return {i: "canPublish" in p["permission"] for i, p in self.rooms.get(room, {"people": {}})["people"].items()}

    def called(self, method=None, room=None, since=0.0):
        with self.lock:
            return [c for c in self.calls if method in (None, c[0]) and room in (None, c[1]) and c[3] >= since]
