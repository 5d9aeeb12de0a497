"""The OpenAPI document as a judge: every answer of /api/v1 must be one that it describes, to the last member and
header.

check(method, path, answer) gives a list of faults. Objects are taken as closed, though the document leaves them open
for clients of a later version: what an answer has and the document does not is a fault here. So is a value that a
list open for later versions (x-extensible-enum) does not name. Users may have
attributes of an operator's own."""

import json
import pathlib
import re

import jsonschema

import scimhttp

DOCUMENT = json.loads((pathlib.Path(__file__).resolve().parents[2] / "schemas" / "openapi.json").read_text())
OPEN = ("User", "UserList")
FREE = {"content-length", "date", "connection", "content-type", "cache-control", "pragma", "x-content-type-options",
        "referrer-policy", "allow", "content-security-policy", "transfer-encoding"}


def operations():
    """(method, path template, operation) of all."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def _closed(node, free=False):
    """References inlined; objects with named members have no others."""
    if isinstance(node, list):
        return [_closed(n, free) for n in node]
    if not isinstance(node, dict):
        return node
    free = free or node.get("$ref", "").rpartition("/")[2] in OPEN
    node = {k: _closed(v, free) if k != "properties" else {n: _closed(p, free) for n, p in v.items()}
            for k, v in resolve(node).items()}
    if "x-extensible-enum" in node:
        node["enum"] = node["x-extensible-enum"]
    if "properties" in node and not free:
        node.setdefault("additionalProperties", False)
    return node


def _pattern(template):
    return re.compile(re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(template)) + "$")


_patterns = [(method, _pattern(path), path, operation) for method, path, operation in operations()]
_schemas = {}


def find(method, path):
    """(template, operation) of a request; a template without {…} goes before one with. (None, None): none."""
    path = path.split("?")[0]
    fitting = [(p.count("{"), p, o) for m, pattern, p, o in _patterns if m == ("GET" if method == "HEAD" else method)
               and pattern.match(path)]
    return min(fitting, key=lambda f: f[0])[1:] if fitting else (None, None)


def _validator(key, schema):
    if key not in _schemas:
        _schemas[key] = jsonschema.Draft202012Validator(_closed(schema), format_checker=jsonschema.FormatChecker())
    return _schemas[key]


def check_problem(answer):
    """Any refusal, also where there is nothing at the path."""
    wrong = []
    if answer.headers.get("content-type") != "application/problem+json":
        wrong.append("content type %r" % answer.headers.get("content-type"))
    try:
        body = answer.json
    except ValueError:
        return wrong + ["no JSON: %r" % answer.body[:200]]
    wrong += ["%s: %s" % (e.json_path, e.message)
              for e in _validator("Problem", DOCUMENT["components"]["schemas"]["Problem"]).iter_errors(body)]
    if isinstance(body, dict) and body.get("status") != answer.status:
        wrong.append("status %s in the body" % body.get("status"))
    if answer.status == 401 and not answer.headers.get("www-authenticate", "").startswith("Bearer"):
        wrong.append("401 without WWW-Authenticate")
    if answer.status in (429, 503) and not answer.headers.get("retry-after", "").isdigit():
        wrong.append("%d without Retry-After" % answer.status)
    if answer.status == 405 and not answer.headers.get("allow"):
        wrong.append("405 without Allow")
    return wrong


def _check_headers(described, answer):
    wrong, known = [], {name.lower(): resolve(h) for name, h in described.get("headers", {}).items()}
    for name, value in answer.headers.items():
        if name not in known:
            if name not in FREE:
                wrong.append("header %s is not described" % name)
            continue
        schema = known[name].get("schema", {})
        if schema.get("pattern") and not re.search(schema["pattern"], value):
            wrong.append("header %s: %r" % (name, value))
    for name in ("location", "etag", "usher-txn"):
        if name in known and name not in answer.headers and answer.status < 300:
            wrong.append("header %s is missing" % name)
    return wrong


def check(method, path, answer):
    template, operation = find(method, path)
    wrong = check_problem(answer) if answer.status >= 400 and method != "HEAD" else []
    if template is None or answer.status == 405:  # of a method that is not there
        return wrong if answer.status in (401, 403, 404, 405, 429,
                                          503) else wrong + ["%d where there is nothing" % answer.status]
    described = operation["responses"].get(str(answer.status))
    if described is None:
        return wrong + ["status %d is not described" % answer.status]
    described = resolve(described)
    wrong += _check_headers(described, answer) if answer.status < 400 else []
    if method == "HEAD" or answer.status in (204, 304):
        return wrong + (["a body: %r" % answer.body[:100]] if answer.body else [])
    content = described.get("content", {})
    if not content and answer.status < 300:
        return wrong + (["a body: %r" % answer.body[:100]] if answer.body else [])
    if answer.headers.get("content-type") not in content:
        return wrong + ["content type %r" % answer.headers.get("content-type")]
    if answer.status < 300 and "json" in answer.headers["content-type"].replace("ndjson", ""):
        schema = content[answer.headers["content-type"]]["schema"]
        wrong += ["%s: %s" % (e.json_path, e.message) for e in _validator((method, template, answer.status),
                                                                          schema).iter_errors(answer.json)]
    return wrong


# ---- a client

JSON = "application/json"
MERGE = "application/merge-patch+json"


class ApiClient(scimhttp.Client):
    """Below `prefix`; every answer must pass check."""

    def __init__(self, url, token=None, prefix="/api/v1", headers=None, judged=True):
        super().__init__(url, token, prefix, headers, False)
        self.judged = judged

    def request(self, method, path, body=None, headers=None):
        kind = {"Accept": "*/*"} if body is None else {"Accept": "*/*", "Content-Type": JSON}
        answer = super().request(method, path, body, {**kind, **(headers or {})})
        if self.judged:
            wrong = check(method, self.prefix + path, answer)
            assert not wrong, "%s %s: %r: %s" % (method, path, answer, "; ".join(wrong))
        return answer

    def again(self):
        return ApiClient("http://%s:%d" % (self.host, self.port), self.token, self.prefix, self.extra, self.judged)


def problem(answer):
    """Its type, without what all begin with."""
    return answer.json["type"].removeprefix("urn:usher:problem:")
