"""A receiver of signals (OpenID SSF 1.0), built on other people's parts: PyJWT judges tokens by the published keys alone,
JSON Schemas judge claims and streams. And the client of the transmitter's endpoints."""

import http.server
import json
import threading
import urllib.parse

import jsonschema
import jwt

from scimhttp import Client

PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
SCIM = "urn:ietf:params:scim:event:prov:"
VERIFICATION, UPDATED = SSF + "verification", SSF + "stream-updated"
DISABLED, ENABLED = RISC + "account-disabled", RISC + "account-enabled"
PURGED, CHANGED = RISC + "account-purged", RISC + "identifier-changed"
REVOKED = CAEP + "session-revoked"

TEXT = {"type": "string", "minLength": 1}
SUBJECT = {"type": "object", "required": ["format"], "oneOf": [
    {"properties": {"format": {"const": "email"}, "email": TEXT}, "required": ["email"], "additionalProperties": False},
    {"properties": {"format": {"const": "iss_sub"}, "iss": TEXT, "sub": TEXT}, "required": ["iss", "sub"],
     "additionalProperties": False},
    {"properties": {"format": {"const": "opaque"}, "id": TEXT}, "required": ["id"], "additionalProperties": False},
    {"properties": {"format": {"const": "scim"}, "uri": TEXT}, "required": ["uri"]}]}
EVENTS = {
    VERIFICATION: {"type": "object", "properties": {"state": {"type": "string"}}, "additionalProperties": False},
    UPDATED: {"type": "object", "required": ["status"], "additionalProperties": False, "properties": {
        "status": {"enum": ["enabled", "paused", "disabled"]}, "reason": TEXT}},
    DISABLED: {"type": "object", "maxProperties": 0}, ENABLED: {"type": "object", "maxProperties": 0},
    PURGED: {"type": "object", "maxProperties": 0},
    CHANGED: {"type": "object", "properties": {"new-value": TEXT}, "additionalProperties": False},
    REVOKED: {"type": "object", "required": ["event_timestamp", "initiating_entity", "reason_admin"], "properties": {
        "event_timestamp": {"type": "integer"}, "initiating_entity": {"const": "admin"},
        "reason_admin": {"type": "object", "minProperties": 1, "additionalProperties": TEXT}}},
}
CLAIMS = {"type": "object", "required": ["iss", "aud", "iat", "jti", "txn", "sub_id", "events"],
          "properties": {"iss": TEXT, "iat": {"type": "integer"}, "jti": TEXT, "txn": TEXT, "sub_id": SUBJECT,
                         "aud": {"oneOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
                         "events": {"type": "object", "minProperties": 1, "maxProperties": 1}},
          "additionalProperties": False}  # so there is neither sub nor exp
STREAM = {"type": "object", "required": ["stream_id", "iss", "aud", "events_supported", "events_delivered", "delivery"],
          "properties": {"stream_id": TEXT, "iss": TEXT, "events_supported": {"type": "array", "minItems": 1},
                         "events_delivered": {"type": "array"}, "min_verification_interval": {"type": "integer"},
                         "delivery": {"type": "object", "required": ["method", "endpoint_url"],
                                      "properties": {"method": {"enum": [PUSH, POLL]}, "endpoint_url": TEXT},
                                      "additionalProperties": False}}}


def event_of(claims):
    return next(iter(claims["events"]))


class Transmitter:
    """The endpoints as the metadata name them, with a token. token None: without one."""

    def __init__(self, url, token, path=""):
        self.url, self.token = url, token
        self.client = Client(url, token, "", check=False)
        self.metadata = self.client.get("/.well-known/ssf-configuration" + path).json

    def close(self):
        self.client.close()

    def _path(self, name):
        return urllib.parse.urlsplit(self.metadata[name]).path

    def call(self, method, name, body=None, query="", raw=None, token=None):
        headers = {"Content-Type": "application/json"} if body is not None or raw is not None else {}
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        path = (self._path(name) if not name.startswith("/") else name) + query
        return self.client.request(method, path, raw if raw is not None else body, headers)

    def create(self, **members):
        return self.call("POST", "configuration_endpoint", members)

    def read(self, stream=None):
        return self.call("GET", "configuration_endpoint", query="" if stream is None else "?stream_id=" + stream)

    def update(self, stream, **members):
        return self.call("PATCH", "configuration_endpoint", {"stream_id": stream, **members})

    def replace(self, stream, **members):
        return self.call("PUT", "configuration_endpoint", {"stream_id": stream, **members})

    def delete(self, stream):
        return self.call("DELETE", "configuration_endpoint", query="?stream_id=" + stream)

    def status(self, stream):
        return self.call("GET", "status_endpoint", query="?stream_id=" + stream)

    def set_status(self, stream, status, **more):
        return self.call("POST", "status_endpoint", {"stream_id": stream, "status": status, **more})

    def verify(self, stream, **members):
        return self.call("POST", "verification_endpoint", {"stream_id": stream, **members})

    def add(self, stream, subject):
        return self.call("POST", "add_subject_endpoint", {"stream_id": stream, "subject": subject})

    def remove(self, stream, subject):
        return self.call("POST", "remove_subject_endpoint", {"stream_id": stream, "subject": subject})

    def poll(self, stream, **members):
        """stream: as it is shown; its URL is its own."""
        return self.call("POST", urllib.parse.urlsplit(stream["delivery"]["endpoint_url"]).path, members)

    def keys(self):
        answer = self.client.get(urllib.parse.urlsplit(self.metadata["jwks_uri"]).path)
        return {k["kid"]: jwt.PyJWK(k) for k in answer.json["keys"]}

    def judged(self, token, stream, alg="RS256"):
        """The claims of a token of this stream. Raises where anything of it is wrong."""
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["alg"]) == ("secevent+jwt", alg), header
        aud = stream["aud"]
        claims = jwt.decode(token, self.keys()[header["kid"]].key, algorithms=[alg], issuer=stream["iss"],
                            audience=aud if isinstance(aud, str) else aud[0], options={"verify_exp": False})
        assert claims["aud"] == aud, claims
        jsonschema.validate(claims, CLAIMS)
        kind = event_of(claims)
        assert kind in (VERIFICATION, UPDATED) or kind in stream["events_delivered"], claims
        if kind in EVENTS:
            jsonschema.validate(claims["events"][kind], EVENTS[kind])
        return claims


class PushReceiver:
    """Takes tokens. `answer`: a function(n, token) of the number of the request from 0, which gives a status, or
    (status, body), or None for no answer at all. Without one: 202."""

    def __init__(self, port=0):
        self.came, self.lock, self.answer, self.release = [], threading.Lock(), None, threading.Event()
        self.closed = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if outer.closed:  # a connection that was kept
                    self.close_connection = True
                    return
                token = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with outer.lock:
                    outer.came.append((self.path, dict(self.headers), token))
                    n = len(outer.came) - 1
                answer = outer.answer(n, token) if outer.answer else 202
                if answer is None:
                    outer.release.wait()
                    self.close_connection = True
                    return
                status, body = answer if isinstance(answer, tuple) else (answer, b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path="/push"):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def all(self, path="/push"):
        with self.lock:
            return [(headers, token) for p, headers, token in self.came if p == path]

    def close(self):
        self.closed = True
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def refusal(code, text=""):
    """The body of a 400 (RFC 8935 section 2.4)."""
    return 400, json.dumps({"err": code, "description": text}).encode()
