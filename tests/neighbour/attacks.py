"""The worst that one tenant can do, one kind after the other. Each attack says what it sends, over how many
connections, and which answers prove that it has reached what it is aimed at."""

import itertools
import json
import socket
import urllib.parse

from scimhttp import GROUP, SCIM_TYPE, USER, patch_op

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class Attack:
    """requests(ground, number) gives (method, bytes) without end; number: of the thread."""

    def __init__(self, about, width, requests, proof, needs=()):
        self.about, self.width, self.requests, self.proof, self.needs = about, width, requests, proof, needs

    def thread(self, hammer, number):
        hammer.repeat(self.requests(hammer.ground, number))


class Sockets(Attack):
    """An attack that is not made of whole requests: body(hammer, number)."""

    def __init__(self, about, width, body, proof):
        super().__init__(about, width, None, proof)
        self.body = body

    def thread(self, hammer, number):
        self.body(hammer, number)


# ---- how to write a request

def wire(ground, method, path, body=None, token=None, prefix="/scim/v2", **headers):
    lines = ["%s %s%s HTTP/1.1" % (method, prefix, path), "Host: %s:%d" % (ground["host"], ground["port"]),
             "Authorization: Bearer " + (token or ground["token"])]
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items()]
    if body is not None:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines += ["Content-Type: " + SCIM_TYPE, "Content-Length: %d" % len(body)]
    return method, ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def find(ground, path, text, **more):
    parameters = urllib.parse.urlencode(dict(more, filter=text), quote_via=urllib.parse.quote)
    return wire(ground, "GET", path + "?" + parameters)


def fresh(number):
    """Names that no other thread and no other attack has."""
    return ("n%d-%d-%s" % (number, i, fresh.run) for i in itertools.count())


fresh.run = "%x" % (id(object()) & 0xffffff)


# ---- reads

def filters(ground, number):
    """Thirty terms on the values of a list, over all users, none of which is found."""
    for i in itertools.count():
        terms = ('emails[value co "%d-%d-%d" and type ew "q"]' % (number, i, k) for k in range(30))
        yield find(ground, "/Users", " or ".join(terms))


def titles(ground, number):
    for i in itertools.count():
        yield find(ground, "/Users", 'title co "%d-%d"' % (number, i), sortBy="title")


def pages(ground, number):
    for i in itertools.count():
        start = 1 + i * 997 % ground["users"]
        yield wire(ground, "GET", "/Users?sortBy=name.familyName&count=200&startIndex=%d" % start)


def large_rooms(ground, number):
    return itertools.repeat(wire(ground, "GET", "/Groups/" + ground["large_room"]))


def plain_reads(ground, number):
    return itertools.repeat(wire(ground, "GET", "/Users/" + ground["user_ids"][number]))


# ---- bodies

def bad_bodies(ground, number):
    """6 MB of JSON that turn out to be wrong at the very end."""
    values = ",".join('{"value":"%d@x"}' % i for i in range(300000))
    body = ('{"schemas":["%s"],"userName":"x","emails":[%s],}' % (USER, values)).encode()
    return itertools.repeat(wire(ground, "POST", "/Users", body))


def many_mails(ground, number):
    for name in fresh(number):
        mails = [{"value": "%d@%s" % (i, name)} for i in range(60000)]
        yield wire(ground, "POST", "/Users", {"schemas": [USER], "userName": name, "emails": mails})


def long_roles(ground, number):
    for name in fresh(number):
        roles = [{"value": "%d" % i + "r" * 65500} for i in range(100)]
        yield wire(ground, "POST", "/Users", {"schemas": [USER], "userName": name, "roles": roles})


def many_operations(ground, number):
    """441 operations over as many values as a user may have."""
    user = ground["full_users"][number % len(ground["full_users"])]
    for i in itertools.count():
        operations = [{"op": "replace", "path": 'emails[value eq "%d@full"].display' % k, "value": "%d" % (i + k)}
                      for k in range(441)]
        yield wire(ground, "PATCH", "/Users/" + user, patch_op(*operations))


# ---- much work for the worker

def creates(ground, number):
    for name in fresh(number):
        yield wire(ground, "POST", "/Users", {"schemas": [USER], "userName": name})


def accepted_creates(ground, number):
    for name in fresh(number):
        yield wire(ground, "POST", "/Users", {"schemas": [USER], "userName": name}, Prefer="respond-async")


def bulks(ground, number):
    for name in fresh(number):
        yield wire(ground, "POST", "/Bulk", {"schemas": [BULK], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "b%d" % i,
             "data": {"schemas": [USER], "userName": "%s-%d" % (name, i)}} for i in range(1000)]})


def room(ground, name, members):
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members]}


def put_rooms(ground, number):
    """A room filled, exchanged by halves, and emptied, again and again."""
    ids, rid = ground["user_ids"], ground["rooms"][number]
    half = len(ids) // 2
    sets = [room(ground, "room %d of attacker" % number, some) for some in (ids, ids[:half], ids[half:], [])]
    for body in itertools.cycle([wire(ground, "PUT", "/Groups/" + rid, s) for s in sets]):
        yield body


def toggles(ground, number):
    """A user who is in very many rooms goes and comes back."""
    user = ground["everywhere"][number]
    for active in itertools.cycle((False, True)):
        yield wire(ground, "PATCH", "/Users/" + user, patch_op({"op": "replace", "path": "active", "value": active}))


# ---- connections and credentials

def idle(hammer, number):
    """Five thousand connections of one address that say nothing."""
    kept = []
    while not hammer.stopping.wait(0.001 if len(kept) < 5000 else 0.1):
        try:
            if len(kept) < 5000:
                kept.append(hammer.connect("127.0.0.%d" % (20 + number)))
                hammer.count("connected")
        except OSError:
            hammer.count("refused")
            hammer.stopping.wait(0.05)


def nobodys_bodies(hammer, number):
    """8 MiB under no token at all, and never an end."""
    head = (b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ush_none\r\n"
            b"Content-Type: application/scim+json\r\nContent-Length: 8388608\r\n\r\n")
    while not hammer.stopping.is_set():
        try:
            with hammer.connect("127.0.0.3") as sock:
                sock.settimeout(0.5)
                sock.sendall(head)
                hammer.count("sent")
                for _ in range(127):
                    sock.sendall(b" " * 65536)
                while not hammer.stopping.is_set() and sock.recv(65536):
                    pass
        except (socket.timeout, OSError):
            hammer.count("closed")


def slow_readers(hammer, number):
    """Large answers that nobody takes."""
    _, text = wire(hammer.ground, "GET", "/Users?count=200")
    while not hammer.stopping.is_set():
        try:
            with hammer.connect("127.0.0.4") as sock:
                sock.sendall(text * 20)
                hammer.count("sent")
                hammer.stopping.wait(2)
        except OSError:
            hammer.count("closed")


def bad_tokens(ground, number):
    for i in itertools.count():
        yield wire(ground, "GET", "/Users", token="ush_%030d%06d" % (number, i))


def over_the_rate(ground, number):
    return itertools.repeat(wire(ground, "GET", "/Users?count=1", token=ground["slow_token"]))


ATTACKS = {
    "filters": Attack("filters of 30 terms over all users", 4, filters, ("200", "429", "503")),
    "titles": Attack("sorted filters without an index", 4, titles, ("200", "429", "503")),
    "pages": Attack("deep pages of a sorted list", 4, pages, ("200", "429", "503")),
    "large-rooms": Attack("GET of a large room", 4, large_rooms, ("200", "429", "503")),
    "reads": Attack("plain reads", 32, plain_reads, ("200",)),
    "bad-bodies": Attack("bodies of 6 MB that end in 400", 3, bad_bodies, ("400", "413", "429", "503")),
    "many-mails": Attack("60,000 e-mails in one create", 3, many_mails, ("400", "413")),
    "long-roles": Attack("6.5 MB in one user", 3, long_roles, ("400", "413")),
    "many-operations": Attack("PATCH of 441 operations over 440 values", 4, many_operations, ("200", "400", "413")),
    "creates": Attack("creates", 32, creates, ("201",)),
    "accepted": Attack("creates that are answered 202", 32, accepted_creates, ("202",)),
    "bulks": Attack("Bulks of 1,000 creates", 4, bulks, ("200",)),
    "put-rooms": Attack("PUT of large rooms", 2, put_rooms, ("200",)),
    "toggles": Attack("(de)activation of users in many rooms", 2, toggles, ("200",)),
    "idle": Sockets("5,000 connections that say nothing", 1, idle, ("connected",)),
    "nobodys-bodies": Sockets("8 MiB each without a token", 150, nobodys_bodies, ("sent",)),
    "slow-readers": Sockets("answers that nobody takes", 50, slow_readers, ("sent",)),
    "bad-tokens": Attack("wrong tokens", 16, bad_tokens, ("401", "429")),
    "over-the-rate": Attack("a key far over its rate", 16, over_the_rate, ("429",)),
}
