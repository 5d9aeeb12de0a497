"""A client of the Management API: scimhttp's, with a check that every answer of /api/v1 must pass."""

import json
import re

import scimhttp

JSON = "application/json"
PROBLEM = "application/problem+json"
MERGE_PATCH = "application/merge-patch+json"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def problem_faults(answer, body):
    wrong, h = [], answer.headers
    if h.get("content-type") != PROBLEM:
        wrong.append("content type %r" % h.get("content-type"))
    if not isinstance(body, dict) or set(body) - {"type", "title", "status", "detail", "instance", "errors"}:
        return wrong + ["no problem: %r" % body]
    if not re.match(r"urn:usher:problem:[a-z]+(-[a-z]+)*\Z", body.get("type", "")):
        wrong.append("type %r" % body.get("type"))
    if body.get("status") != answer.status or not body.get("title") or not body.get("detail"):
        wrong.append("status, title or detail: %r" % body)
    if not re.match(r"urn:uuid:[-0-9a-f]{36}\Z", body.get("instance", "")):
        wrong.append("instance %r" % body.get("instance"))
    for e in body.get("errors", []):
        if set(e) != {"path"} or not e["path"]:
            wrong.append("errors %r" % body["errors"])
    if answer.status == 401 and not h.get("www-authenticate", "").startswith("Bearer"):
        wrong.append("401 without WWW-Authenticate")
    if answer.status in (429, 503) and not h.get("retry-after", "").isdigit():
        wrong.append("%d without Retry-After" % answer.status)
    if answer.status == 405 and not h.get("allow"):
        wrong.append("405 without Allow")
    return wrong


def check_answer(answer, write):
    """What every answer of /api/v1 must hold to, whatever was asked. Gives a list of faults."""
    wrong, h = [], answer.headers
    for name in ("content-type", "content-length", "etag", "location", "retry-after", "usher-txn"):
        if sum(1 for n, _ in answer.header_list if n.lower() == name) > 1:
            wrong.append("header %s twice" % name)
    if write and answer.status not in (401, 404, 405) and not UUID.match(h.get("usher-txn", "")):
        wrong.append("a write without Usher-Txn: %r" % h.get("usher-txn"))
    if not write and "usher-txn" in h:
        wrong.append("a read with Usher-Txn")
    if answer.status in (204, 304):
        if "content-type" in h:
            wrong.append("%d with a content type" % answer.status)
        return wrong
    try:
        body = json.loads(answer.body)
    except ValueError:
        return wrong + ["the body is no JSON: %r" % answer.body[:200]]
    if answer.status >= 400:
        return wrong + problem_faults(answer, body)
    if h.get("content-type") != JSON:
        wrong.append("content type %r" % h.get("content-type"))
    if "version" in body and h.get("etag") != 'W/"%d"' % body["version"]:
        wrong.append("ETag %r, version %r" % (h.get("etag"), body["version"]))
    if answer.status == 201 and not h.get("location"):
        wrong.append("201 without Location")
    return wrong


class ApiClient(scimhttp.Client):
    """As Client, below /api/v1."""

    def __init__(self, url, token=None, headers=None, check=True, prefix="/api/v1"):
        super().__init__(url, token, prefix, headers, check)

    def encode(self, method, path, body=None, headers=None):
        given = dict(headers or {})
        if body is not None:
            given.setdefault("Content-Type", MERGE_PATCH if method == "PATCH" else JSON)
        given.setdefault("Accept", JSON)
        return super().encode(method, path, body, given)

    def request(self, method, path, body=None, headers=None):
        check, self.check = self.check, False
        try:
            answer = super().request(method, path, body, headers)
        finally:
            self.check = check
        if check and method not in ("HEAD", "OPTIONS"):
            wrong = check_answer(answer, method != "GET")
            assert not wrong, "%s %s: %r: %s" % (method, path, answer, "; ".join(wrong))
        return answer

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, body, **kw)

    def pages(self, path, **parameters):
        """All of a list, page by page."""
        got, cursor, n = [], None, 0
        while True:
            query = dict(parameters, **({"cursor": cursor} if cursor else {}))
            text = "&".join("%s=%s" % (k, scimhttp.urllib.parse.quote(str(v))) for k, v in query.items())
            answer = self.get(path + ("?" + text if text else ""))
            assert answer.status == 200, repr(answer)
            got += answer.json["items"]
            cursor, n = answer.json["next"], n + 1
            if cursor is None:
                return got
            assert n < 1000, "a list without end"

    def again(self):
        return ApiClient("http://%s:%d" % (self.host, self.port), self.token, self.extra, self.check, self.prefix)
