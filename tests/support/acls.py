"""Kafka's ACLs, as kafka-acls.sh sets them, which is in no package of this house: the two requests are written by hand."""

import re
import socket
import struct

import pages

TYPES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
OPERATIONS = {"All": 2, "Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8, "DescribeConfigs": 10}
LITERAL, PREFIXED = 3, 4
ALLOW = 3
CREATE_ACLS, DELETE_ACLS, VERSION = 30, 31, 1


def lines_of(page):
    """The bindings of the lines of ops/topics.md: (type, name, pattern, principal, operation)."""
    return [binding for line in pages.block(page, "acls").splitlines() if line.startswith("--add")
            for binding in bindings_of(line)]


def bindings_of(line):
    flags = re.findall(r"--([a-z-]+) (?!-)(\S+)", line)
    pattern = PREFIXED if ("resource-pattern-type", "prefixed") in flags else LITERAL
    principal, = (value for name, value in flags if name == "allow-principal")
    return [(TYPES[kind], name, pattern, principal, OPERATIONS[operation]) for kind, name in flags if kind in TYPES
            for flag, operation in flags if flag == "operation"]


def _text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def _request(bootstrap, key, body):
    host, port = bootstrap.split(",")[0].rsplit(":", 1)
    head = struct.pack(">hhi", key, VERSION, 1) + _text("usher-tests")
    with socket.create_connection((host, int(port)), 30) as s:
        s.sendall(struct.pack(">i", len(head + body)) + head + body)
        with s.makefile("rb") as answer:
            size, = struct.unpack(">i", answer.read(4))
            return answer.read(size)[8:]  # behind the correlation id and the throttle time


def _errors(rest):
    """Of the array that both answers begin with: an error code and a text for each."""
    count, = struct.unpack(">i", rest[:4])
    code, = struct.unpack(">h", rest[4:6]) if count else (0,)
    return count, code


def add(bootstrap, bindings):
    body = struct.pack(">i", len(bindings))
    for kind, name, pattern, principal, operation in bindings:
        body += struct.pack(">b", kind) + _text(name) + struct.pack(">b", pattern) + _text(principal) + _text("*")
        body += struct.pack(">bb", operation, ALLOW)
    count, code = _errors(_request(bootstrap, CREATE_ACLS, body))
    assert (count, code) == (len(bindings), 0), (count, code)


def remove(bootstrap, binding):
    kind, name, pattern, principal, operation = binding
    body = struct.pack(">i", 1) + struct.pack(">b", kind) + _text(name) + struct.pack(">b", pattern) + _text(principal)
    body += _text("*") + struct.pack(">bb", operation, ALLOW)
    count, code = _errors(_request(bootstrap, DELETE_ACLS, body))
    assert (count, code) == (1, 0), (count, code)
