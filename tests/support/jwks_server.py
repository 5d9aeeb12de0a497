"""An https server that shows what a test wants: the other side of a jwks_uri. And keys and assertions, made by another
program (Authlib)."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
import uuid

from authlib.jose import JsonWebKey, JsonWebSignature
from waiting import SILENCE

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def make_certificate(folder):
    """For localhost and 127.0.0.1; who trusts it trusts this certificate alone."""
    cert, key = os.path.join(folder, "jwks.crt"), os.path.join(folder, "jwks.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=jwks", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1", "-keyout",
                    key, "-out", cert], check=True, capture_output=True)
    return cert, key


class JwksServer:
    """paths: path -> function(handler) that answers; posts: path -> function(handler, form, headers). Counts the requests of each path."""

    def __init__(self, folder):
        self.cert, key = make_certificate(folder)
        self.paths, self.posts, self.asked, self.lock = {}, {}, {}, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with outer.lock:
                    outer.asked[self.path] = outer.asked.get(self.path, 0) + 1
                answer = outer.paths.get(self.path)
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with outer.lock:
                    outer.asked[self.path] = outer.asked.get(self.path, 0) + 1
                answer = outer.posts.get(self.path)
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self, form, self.headers)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that goes away in the middle is a part of the tests

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path, host="localhost"):
        return "https://%s:%d%s" % (host, self.port, path)

    def show(self, path, content, status=200, headers=()):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()

        def answer(handler):
            handler.send_response(status)
            for name, value in headers:
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.paths[path] = answer
        return self.url(path)

    def hang(self, path):
        """Takes the request and never answers; gives the address, and an event that ends the waiting."""
        end = threading.Event()
        self.paths[path] = lambda handler: end.wait(SILENCE)
        return self.url(path), end

    def count(self, path):
        with self.lock:
            return self.asked.get(path, 0)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def new_key(kind="EC", kid=None, alg=None):
    options = {k: v for k, v in (("kid", kid), ("alg", alg)) if v is not None}
    size = "P-256" if kind == "EC" else 2048
    return JsonWebKey.generate_key(kind, size, options, is_private=True)


def public(*keys):
    return {"keys": [json.loads(k.as_json(is_private=False)) if hasattr(k, "as_json") else k for k in keys]}


def claims(client_id, audience, **more):
    """more: claims in place of the usual ones; None leaves one out."""
    now = int(time.time())
    usual = {"iss": client_id, "sub": client_id, "aud": audience, "exp": now + 60, "iat": now, "jti": uuid.uuid4().hex}
    return {k: v for k, v in {**usual, **more}.items() if v is not None}


def signed(key, what, alg="ES256", kid=None):
    header = {"alg": alg, **({"kid": kid} if kid else {})}
    return JsonWebSignature().serialize_compact(header, json.dumps(what), key).decode()


def _part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unsigned(what, alg="none"):
    return "%s.%s." % (_part({"alg": alg}), _part(what))


def signed_with_public_key(key, what):
    """HS256 with the public key's PEM as the secret: what a verifier accepts that lets the header choose."""
    text = "%s.%s" % (_part({"alg": "HS256"}), _part(what))
    return "%s.%s" % (text, _part(hmac.new(key.as_pem(is_private=False), text.encode(), hashlib.sha256).digest()))
