"""What the tests with a real LiveKit stand on: the server, built from its Go module; people with WebRTC clients; and
usher with its bridge, on Apache Kafka."""

import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support")]

from authlib.jose import jwt  # noqa: E402

import pinned  # noqa: E402
from scimhttp import Client  # noqa: E402
from stack import free_port, remove, temporary  # noqa: E402
from waiting import wait_until  # noqa: E402

KEY, SECRET = "usher", "a secret of more than thirty-two characters"
CONFIG = """
port: %(port)d
bind_addresses: ["127.0.0.1"]
rtc:
  tcp_port: %(tcp)d
  udp_port: %(udp)d
  use_external_ip: false
  node_ip: 127.0.0.1
keys:
  %(key)s: %(secret)s
room:
  auto_create: false
webhook:
  api_key: %(key)s
  urls: ["http://127.0.0.1:%(hook)d/webhook"]
logging:
  level: warn
"""


class LiveKit:
    """A LiveKit server with its own ports, which it keeps when it is started again."""

    def __init__(self, folder, program):
        self.folder, self.program, self.process = folder, program, None
        self.ports = dict(port=free_port(), tcp=free_port(), udp=free_port(), hook=free_port())
        self.config = os.path.join(folder, "livekit.yaml")
        with open(self.config, "w") as f:
            f.write(CONFIG % dict(self.ports, key=KEY, secret=SECRET))
        self.secret_file = os.path.join(folder, "livekit.secret")
        with open(self.secret_file, "w") as f:
            f.write(SECRET + "\n")

    @property
    def url(self):
        return "ws://127.0.0.1:%d" % self.ports["port"]

    def start(self):
        with open(os.path.join(self.folder, "livekit-server.log"), "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_until(self.answers, "LiveKit", lambda: self.process.poll())
        return self

    def answers(self):
        client = Client("http://127.0.0.1:%d" % self.ports["port"], prefix="", check=False)
        try:
            return client.request("GET", "/").status == 200
        except OSError:
            return False
        finally:
            client.close()

    def has_room(self, name):
        now = int(time.time())
        claims = {"iss": KEY, "nbf": now, "exp": now + 60, "video": {"roomList": True}}
        token = jwt.encode({"alg": "HS256"}, claims, SECRET)
        client = Client("http://127.0.0.1:%d" % self.ports["port"], token.decode(), prefix="", check=False)
        try:
            answer = client.request("POST", "/twirp/livekit.RoomService/ListRooms", {"names": [name]},
                                    {"Content-Type": "application/json"})
            return answer.status == 200 and bool(answer.json["rooms"])
        finally:
            client.close()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class People:
    """client.py, with all people in it."""

    def __init__(self, python):
        self.process = subprocess.Popen([python, "-B", os.path.join(HERE, "client.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.answers, self.n, self.lock = {}, 0, threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            with self.lock:
                self.answers[said["n"]] = said
                self.lock.notify_all()

    def tell(self, do, who, **more):
        """Gives the number of the answer."""
        with self.lock:
            self.n += 1
            n = self.n
        self.process.stdin.write(json.dumps({"n": n, "do": do, "who": who, **more}) + "\n")
        self.process.stdin.flush()
        return n

    def answer(self, n):
        return wait_until(lambda: self.answers.pop(n, None), "the clients' answer")

    def ask(self, do, who, **more):
        return self.answer(self.tell(do, who, **more))

    def heard(self, who, of):
        """(frames, when the last one came) that `who` has heard of an identity."""
        return tuple(self.ask("heard", who)["heard"].get(of, (0, 0.0)))

    def others(self, who):
        return self.ask("state", who).get("others", [])

    def connected(self, who):
        return self.ask("state", who).get("connected")

    def end(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


class Ground:
    def __init__(self, kafka="real", flavour="release"):
        program = pinned.go_command("server", HERE, pins="livekit")
        self.python = os.path.join(pinned.python("clients", HERE), "python")
        self.stack = temporary(kafka, flavour, "voice")
        self.livekit = LiveKit(self.stack.run_dir, program).start()
        self.stack.settings.update(LIVEKIT_URL=self.livekit.url, LIVEKIT_KEY=KEY,
                                   LIVEKIT_SECRET_FILE=self.livekit.secret_file,
                                   LIVEKIT_WEBHOOK="127.0.0.1:%d" % self.livekit.ports["hook"])
        try:
            self.stack.start()
        except BaseException:
            self.end()
            raise

    def new_people(self):
        return People(self.python)

    def metrics(self):
        return self.stack.env["USHER_URL_LIVEKIT"]

    def end(self):
        self.stack.stop()
        self.livekit.kill()
        if not os.environ.get("KEEP"):
            remove(self.stack)
