"""An ingest that trusts a proxy on this machine, so that a test can come from any address: X-Forwarded-For names it.
And the token endpoint as clients call it."""

import base64
import json
import re
import urllib.parse

from scimhttp import Client
from stack import free_port

NAME = "USHER_URL_INGEST_PROXIED"


def url(stack):
    """Started once for a run, by whoever needs it first."""
    stack.extra_ingest("proxied", free_port(), "--trusted-proxies 127.0.0.1/32,10.9.0.0/16")
    return stack.env[NAME]


def url_forwarded(stack):
    """The same, by the other header: Forwarded."""
    return stack.extra_ingest("forwarded", free_port(),
                              "--trusted-proxies 127.0.0.1/32,10.9.0.0/16 --proxy-header forwarded")


def came_from(address):
    return {"X-Forwarded-For": address}


def metric(base, name):
    """The value of a metric without labels."""
    http = Client(base, prefix="", check=False)
    text = http.get("/metrics").body.decode()
    http.close()
    return float(re.search(r"^%s (\S+)$" % re.escape(name), text, re.M).group(1))


class TokenClient:
    """Asks for access tokens; method 'basic' or 'post' (RFC 6749 section 2.3.1)."""

    def __init__(self, base, client_id=None, secret=None, method="post"):
        self.http, self.id, self.secret, self.method = Client(base, prefix="", check=False), client_id, secret, method

    def close(self):
        self.http.close()

    def send(self, form, headers=None, verb="POST"):
        body = form if isinstance(form, bytes) or form is None else urllib.parse.urlencode(form).encode()
        lines = {"Accept": "application/json"}
        if body is not None:
            lines["Content-Type"] = "application/x-www-form-urlencoded"
        lines.update(headers or {})
        return self.http.request(verb, "/oauth2/token", body, headers=lines)

    def ask(self, headers=None, **form):
        form = {"grant_type": "client_credentials", **form}
        lines = dict(headers or {})
        if self.method == "basic":
            pair = urllib.parse.quote(self.id, safe="") + ":" + urllib.parse.quote(self.secret, safe="")
            lines["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form.update(client_id=self.id, client_secret=self.secret)
        return self.send({k: v for k, v in form.items() if v is not None}, lines)

    def token(self, **form):
        answer = self.ask(**form)
        assert answer.status == 200, answer
        return json.loads(answer.body)["access_token"]
