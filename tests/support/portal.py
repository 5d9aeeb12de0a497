"""A browser as the portal sees one: it keeps the cookie, and says of each request where it comes from."""

import re

import scimhttp

JSON = "application/json"
COOKIE = re.compile(r"(usher-session|__Host-usher)=([^;]*); Path=/; HttpOnly; SameSite=Strict(; Secure)?(; Max-Age=0)?\Z")


class Browser(scimhttp.Client):
    """Without check: what must hold is said by the tests. `cookie` is what it would send back."""

    def __init__(self, url, cookie=None, agent="Mozilla/5.0 (tests)"):
        super().__init__(url, None, "", None, False)
        self.cookie, self.agent = cookie, agent

    def encode(self, method, path, body=None, headers=None):
        lines = {"Accept": JSON, "User-Agent": self.agent, "Sec-Fetch-Site": "same-origin", "Content-Type": JSON}
        if self.cookie:
            lines["Cookie"] = self.cookie
        lines.update(headers or {})
        return super().encode(method, path, body, lines)

    def request(self, method, path, body=None, headers=None):
        answer = super().request(method, path, body, headers)
        given = answer.headers.get("set-cookie")
        if given is not None:
            found = COOKIE.match(given)
            assert found, given
            self.cookie = "%s=%s" % found.groups()[:2] if found.group(2) else None
        return answer

    def sign_in(self, **secret):
        return self.post("/portal/session", secret)

    def again(self):
        return Browser("http://%s:%d" % (self.host, self.port), self.cookie, self.agent)


def secret_of(link):
    """What stands behind the # of a link."""
    return link.partition("#link=")[2]


def problem(answer):
    return answer.json["type"].removeprefix("urn:usher:problem:")
