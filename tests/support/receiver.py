"""A receiver of events over HTTP: the other side of a delivery. And what other people's libraries say of the signatures
(the packages standardwebhooks of PyPI and npm)."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import subprocess
import threading

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import pinned

PYTHON = """
import json, sys
from standardwebhooks import Webhook
for line in sys.stdin:
    m = json.loads(line)
    Webhook(m["secret"]).verify(m["body"], m["headers"])
    print("good")
"""
NODE = """
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
const { Webhook } = createRequire(process.argv[2] + "/")("standardwebhooks");
for await (const line of createInterface({ input: process.stdin })) {
  const m = JSON.parse(line);
  new Webhook(m.secret).verify(m.body, m.headers);
  console.log("good");
}
"""


class Message:
    def __init__(self, headers, body):
        self.headers, self.body = {k.lower(): v for k, v in headers.items()}, body
        self.id, self.json = self.headers.get("webhook-id"), json.loads(body)
        self.type = self.json.get("type")

    def signatures(self):
        return [s.split(",", 1) for s in self.headers["webhook-signature"].split(" ")]

    def signed(self):
        return ("%s.%s." % (self.id, self.headers["webhook-timestamp"])).encode() + self.body

    def is_signed_with(self, secret):
        """One of its signatures is made with this secret (whsec_) or the other half of this public key (whpk_)."""
        key = base64.b64decode(secret.split("_", 1)[1])
        if secret.startswith("whpk_"):
            for version, text in self.signatures():
                if version == "v1a":
                    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(text), self.signed())
                    return True
            return False
        made = base64.b64encode(hmac.new(key, self.signed(), hashlib.sha256).digest()).decode()
        return ["v1", made] in self.signatures()


class Receiver:
    """Answers each path as `answers` says: a function(n) of the number of the request from 0, which gives a status, or
    (status, headers, body), or None for no answer at all. Without one: 200. Keeps what has come."""

    def __init__(self):
        self.answers, self.came, self.lock, self.release = {}, {}, threading.Lock(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    came = outer.came.setdefault(self.path, [])
                    came.append(Message(dict(self.headers), body))
                    n = len(came) - 1
                answer = outer.answers.get(self.path, lambda n: 200)(n)
                if answer is None:
                    outer.release.wait()
                    self.close_connection = True
                    return
                status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # a sender that has no more patience is a part of the tests

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.server.server_address[1], path)

    def of(self, path):
        with self.lock:
            return list(self.came.get(path, []))

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def verified_by_others(secret, messages):
    """How many of the messages each library takes: {"python": n, "node": n}."""
    lines = "".join(json.dumps({"secret": secret, "body": m.body.decode(), "headers": m.headers}) + "\n" for m in messages)
    programs = {"python": [os.path.join(pinned.python("standardwebhooks"), "python"), "-c", PYTHON]}
    modules = pinned.node("standardwebhooks-node")
    script = os.path.join(modules, "verify.mjs")
    with open(script, "w") as f:
        f.write(NODE)
    programs["node"] = [shutil.which("node") or "node", script, modules]
    counts = {}
    for name, command in programs.items():
        done = subprocess.run(command, input=lines, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError("%s: %s" % (name, done.stderr[-1000:]))
        counts[name] = done.stdout.split().count("good")
    return counts
