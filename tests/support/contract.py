"""Is a record what the contract says (schemas/README.md, schemas/json)?

validate(topic, headers, value) raises ContractError, which names everything that is wrong. headers: a dict or a list
of pairs; value: parsed JSON, or the text, or None for a tombstone. Beyond the JSON Schema of the value it holds the
headers against the value: the same seq, time, txn and workspace must stand in both.
"""

import datetime
import json
import pathlib
import re

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "json"
NIL = "00000000-0000-0000-0000-000000000000"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
TRACEPARENT = "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"

# ce_type -> (topic, schema of the value). A record of another type does not belong there.
TYPES = {
    "usher.room.created": ("usher.membership", "membership-room"),
    "usher.room.renamed": ("usher.membership", "membership-room"),
    "usher.room.deleted": ("usher.membership", "membership-room"),
    "usher.member.added": ("usher.membership", "membership-member"),
    "usher.member.removed": ("usher.membership", "membership-member"),
    "usher.member.transmit_changed": ("usher.membership", "membership-member"),
    "usher.room.state": ("usher.rooms", "rooms-room"),
    "usher.member.state": ("usher.rooms", "rooms-member"),
    **{"urn:ietf:params:scim:event:" + name: ("usher.events", "event") for name in (
        "prov:create:full", "prov:create:notice", "prov:put:full", "prov:put:notice", "prov:patch:full",
        "prov:patch:notice",
        "prov:delete", "prov:activate", "prov:deactivate", "misc:asyncresp")},
    "usher.audit.request": ("usher.audit", "audit-request"),
    "usher.audit.change": ("usher.audit", "audit-change"),
    "usher.reply": ("usher.replies", "reply"),
    "usher.stream.stub": (("usher.membership", "usher.events", "usher.audit"), "stream-stub"),
    "usher.stream.epoch": (("usher.membership", "usher.events", "usher.audit"), "stream-epoch"),
}
COMMON = {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type", "usher-txn"}
DEADLETTER = (COMMON - {"usher-txn"}) | {"usher-error", "usher-error-detail", "usher-origin-topic",
                                         "usher-origin-partition", "usher-origin-offset"}
# Of a record that Kafka refused, and of a value that is cut: both or none.
DEADLETTER_PAIRS = (("usher-record-topic", "usher-record"), ("usher-bytes", "usher-sha256"))
DEADLETTER_MORE = {name for pair in DEADLETTER_PAIRS for name in pair} | {"usher-row"}
CHECKPOINT = COMMON - {"usher-txn"}
# About the stream itself; each numbered topic may have them.
OF_STREAM = ("usher.stream.stub", "usher.stream.epoch")


class ContractError(Exception):
    """A record breaks the contract; str() says how."""


def _inline(node, name, files):
    """Puts what a $ref names in its place, so that no resolver of files is needed. One schema names itself: a command
    that holds commands. That reference stays, and the validator follows it."""
    if isinstance(node, list):
        return [_inline(n, name, files) for n in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") == "#":
        return node
    out = {k: _inline(v, name, files) for k, v in node.items() if k not in ("$ref", "$defs", "$id")}
    if "$ref" in node:
        file, _, pointer = node["$ref"].partition("#")
        there = file or name
        target = files[there]
        for part in pointer.strip("/").split("/"):
            target = target[part]
        out = {**_inline(target, there, files), **out}
    return out


def _load():
    files = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in FOLDER.glob("*.json")}
    for content in files.values():
        jsonschema.Draft202012Validator.check_schema(content)
    return {name[:-5]: jsonschema.Draft202012Validator(_inline(content, name, files))
            for name, content in files.items()}


_validators = None


def schema_faults(schema, value):
    """What the JSON Schema of that name finds wrong with a value."""
    global _validators
    if _validators is None:
        _validators = _load()
    return ["%s: %s" % ("/".join(map(str, e.absolute_path)) or "value", e.message)
            for e in _validators[schema].iter_errors(value)]


def _floats(value):
    """But for documents' own values: an operator's decimal attributes."""
    if isinstance(value, dict):
        return any(_floats(v) for k, v in value.items() if k not in ("from", "to", "resource", "ops", "doc", "data"))
    if isinstance(value, list):
        return any(map(_floats, value))
    return isinstance(value, float)


def _expect(faults, headers, name, due):
    if headers.get(name) != due:
        faults.append("header %s is %r, not %r" % (name, headers.get(name), due))


def _match(faults, headers, name, pattern):
    if not re.fullmatch(pattern, headers.get(name) or ""):
        faults.append("header %s is %r" % (name, headers.get(name)))


def _of_worker(headers, numbered):
    """Does the record come out of a worker's outbox? Requests are recorded by ingests."""
    return numbered and headers.get("ce_type") != "usher.audit.request"


def _header_set(faults, headers, numbered):
    due = COMMON | ({"usher-seq", "ce_sequence"} if numbered else set())
    due |= {"usher-epoch"} if _of_worker(headers, numbered) else set()
    for name in sorted(due - headers.keys()):
        faults.append("header %s is missing" % name)
    more = {"traceparent"} | ({"usher-row"} if _of_worker(headers, numbered) else set())
    for name in sorted(headers.keys() - due - more):
        faults.append("header %s does not belong there" % name)
    _expect(faults, headers, "ce_specversion", "1.0")
    _expect(faults, headers, "content-type", "application/json")
    _match(faults, headers, "ce_time", TIME)
    _match(faults, headers, "usher-txn", UUID)
    _match(faults, headers, "ce_source", "/w/" + UUID)
    if numbered:
        _match(faults, headers, "usher-seq", "[1-9][0-9]*")
        _expect(faults, headers, "ce_sequence", headers.get("usher-seq"))
    if "usher-epoch" in headers:
        _match(faults, headers, "usher-epoch", "[1-9][0-9]*")
    if "traceparent" in headers:
        _match(faults, headers, "traceparent", TRACEPARENT)
    if "usher-row" in headers:
        _match(faults, headers, "usher-row", "[1-9][0-9]*")


def _event_subject(value, headers):
    """As the other streams name the resource; what never came to be is named by its command."""
    _, collection, *rest = value["sub_id"]["uri"].split("/")
    if not rest:
        return "commands/%s" % headers.get("usher-txn")
    return "%s/%s" % ({"Users": "users", "Groups": "rooms"}.get(collection, "resources"), rest[0])


def _event_agreement(faults, headers, claims):
    """A token is about its headers' event, workspace, time and number. Its txn is the header's, or that of the Bulk
    around it with an index."""
    if list(claims["events"]) != [headers.get("ce_type")]:
        faults.append("the token holds %s, ce_type is %r" % (list(claims["events"]), headers.get("ce_type")))
    _expect(faults, headers, "ce_source", "/w/%s" % claims["aud"][0])
    _expect(faults, headers, "ce_id", claims["jti"])
    _expect(faults, headers, "ce_subject", _event_subject(claims, headers))
    seconds = datetime.datetime.strptime(headers.get("ce_time", "")[:19],
                                         "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc).timestamp()
    if claims["iat"] != seconds:
        faults.append("iat is %s, ce_time %s" % (claims["iat"], headers.get("ce_time")))
    if ":" not in claims["txn"]:
        _expect(faults, headers, "usher-txn", claims["txn"])


def _agreement(faults, topic, headers, value):
    """The members that stand in value and headers alike."""
    of_stream = headers.get("ce_type") in OF_STREAM
    if topic == "usher.events" and not of_stream:
        if re.fullmatch(TIME, headers.get("ce_time") or ""):
            _event_agreement(faults, headers, value)
        return
    if "time" in value:
        _expect(faults, headers, "ce_time", value["time"])
    if "txn" in value:
        _expect(faults, headers, "usher-txn", value["txn"])
    if "workspace" in value:
        _expect(faults, headers, "ce_source", "/w/%s" % (value["workspace"] or NIL))
    if "usher-seq" in headers:
        _expect(faults, headers, "usher-seq", str(value.get("n" if value.get("kind") == "request" else "seq")))
    if "epoch" in value:
        _expect(faults, headers, "usher-epoch", str(value["epoch"]))
    if of_stream:
        return
    if topic == "usher.membership":
        _expect(faults, headers, "ce_type", value.get("type"))
        subject = "rooms/%s" % value["room"]["id"] + ("/members/%s" % value["user"]["id"] if "user" in value else "")
        _expect(faults, headers, "ce_subject", subject)
    elif topic == "usher.rooms":
        _expect(faults, headers, "ce_subject", "rooms/%s" % value["room"]
                + ("/members/%s" % value["user"] if "user" in value else ""))
    elif topic == "usher.audit":
        _expect(faults, headers, "ce_type", "usher.audit.%s" % value.get("kind"))
        if value.get("action") == "command.refused" and (value["outcome"], type(value["reason"])) != ("refused", str):
            faults.append("a refused command is %s, because of %r" % (value["outcome"], value["reason"]))
    elif topic == "usher.commands":
        _expect(faults, headers, "ce_type", "usher.command.%s" % value.get("type"))


def _identity(faults, topic, headers, value):
    """ce_id says stream and number, so that it is unique for ever."""
    workspace = (headers.get("ce_source") or "")[3:]
    seq = headers.get("usher-seq")
    if topic == "usher.membership":
        _expect(faults, headers, "ce_id", "%s/membership/%s" % (workspace, seq))
    elif topic == "usher.events":
        _expect(faults, headers, "ce_id", "%s/events/%s" % (workspace, seq))
    elif topic == "usher.rooms":
        subject = (headers.get("ce_subject") or "").replace("/members/", "/")[len("rooms/"):]
        _expect(faults, headers, "ce_id", "%s/rooms/%s/%s" % (workspace, seq, subject))
    elif topic == "usher.audit" and headers.get("ce_type") in ("usher.audit.change", *OF_STREAM):
        _expect(faults, headers, "ce_id", "%s/audit/%s" % (workspace, seq))
    elif topic == "usher.audit" and value is not None:
        _expect(faults, headers, "ce_id", "%s/%s" % (value.get("instance"), value.get("n")))
    elif topic == "usher.commands":
        _expect(faults, headers, "ce_id", headers.get("usher-txn"))
    elif topic == "usher.replies":
        _expect(faults, headers, "ce_id", "%s/reply" % headers.get("usher-txn"))


def _deadletter(headers):
    """The value is whatever came, so the headers are all there is to judge."""
    faults = ["header %s is missing" % name for name in sorted(DEADLETTER - headers.keys())]
    faults += ["header %s does not belong there" % name
               for name in sorted(headers.keys() - DEADLETTER - DEADLETTER_MORE)]
    faults += ["%s without %s, or the other way round" % pair for pair in DEADLETTER_PAIRS
               if len(headers.keys() & set(pair)) == 1]
    stood = "/".join(headers.get("usher-origin-" + part, "?") for part in ("topic", "partition", "offset"))
    _expect(faults, headers, "ce_specversion", "1.0")
    _expect(faults, headers, "ce_type", "usher.deadletter")
    _expect(faults, headers, "ce_id",
            "/".join([stood] + [headers[name] for name in ["usher-record"] if name in headers]))
    _expect(faults, headers, "ce_subject", stood)
    _match(faults, headers, "ce_source", "/deadletter")
    _match(faults, headers, "ce_time", TIME)
    _match(faults, headers, "usher-error", "[A-Z_]+")
    _match(faults, headers, "content-type", "application/octet-stream")
    for name, pattern in (("usher-record-topic", r"usher\.(membership|rooms|events|audit)"), ("usher-bytes", "[0-9]+"),
                          ("usher-sha256", "[0-9a-f]{64}")):
        if name in headers:
            _match(faults, headers, name, pattern)
    return faults


def _checkpoint(headers, value):
    """A signed head: the value is a text of lines. Whether it is well signed is for those who have the key."""
    faults = ["header %s is missing" % name for name in sorted(CHECKPOINT - headers.keys())]
    faults += ["header %s does not belong there" % name for name in sorted(headers.keys() - CHECKPOINT)]
    note = re.fullmatch(r"([^\s+]+/audit/(%s)/(changes|requests)(/[1-9][0-9]*)?)\n([1-9][0-9]*)\n[A-Za-z0-9+/]{43}=\n\n"
                        "(\u2014 [^\\s+]+ [A-Za-z0-9+/]+=*\n)+" % UUID, value or "")
    if note is None:
        return faults + ["the value is no checkpoint: %r" % value]
    _, workspace, tree, number, size, _ = note.groups()
    for name, wanted in (("ce_specversion", "1.0"), ("ce_type", "usher.audit.checkpoint"),
                         ("ce_id", "%s/%s%s/%s" % (workspace, tree, number or "", size)), ("ce_source", "/w/" + workspace),
                         ("ce_subject", "audit/" + tree), ("content-type", "text/plain; charset=utf-8")):
        _expect(faults, headers, name, wanted)
    _match(faults, headers, "ce_time", TIME)
    return faults


def _schema_of(topic, ce_type):
    if topic == "usher.commands" and (ce_type or "").startswith("usher.command."):
        return "command"
    home, schema = TYPES.get(ce_type, (None, None))
    return schema if topic in (home if isinstance(home, tuple) else (home,)) else None


def _parsed(value, faults):
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return json.loads(value)
    except ValueError as e:
        faults.append("the value is not JSON: %s" % e)
        return None


def faults_of(topic, headers, value):
    """Everything that is wrong with a record, as sentences."""
    headers = dict(headers or {})
    faults = []
    if topic == "usher.deadletter":
        return _deadletter(headers)
    if topic == "usher.checkpoints":
        return _checkpoint(headers, value)
    schema = _schema_of(topic, headers.get("ce_type"))
    if schema is None:
        return ["ce_type %r does not belong to %s" % (headers.get("ce_type"), topic)]
    _header_set(faults, headers, topic not in ("usher.commands", "usher.replies"))
    given = value
    value = _parsed(value, faults)
    if given is None and topic != "usher.rooms":
        faults.append("a tombstone does not belong to %s" % topic)
    if value is not None:
        wrong = schema_faults(schema, value)
        faults += wrong
        # (a full event has what its resource has)
        if topic not in ("usher.commands", "usher.events") and _floats(value):
            faults.append("the value holds a float")
        if not wrong:
            _agreement(faults, topic, headers, value)
    _identity(faults, topic, headers, value)
    return faults


def validate(topic, headers, value):
    faults = faults_of(topic, headers, value)
    if faults:
        raise ContractError("%s: %s" % (topic, "; ".join(faults)))
