"""A judge of usher's streams that knows nothing of usher's code: it judges with the words of schemas/README.md alone.

Judging:    check_*(...) -> list of sentences, one for each thing that is wrong; an empty list means that all is well.
Everything: verify(kafka, pg, ...) waits until the streams have caught up with PostgreSQL and runs every check.

topics.py reads. The checks have their own tests (test_stream.py), which damage good streams and demand that the damage
is found.
"""

import collections

from topics import AUDIT, EVENTS, MEMBERSHIP, ROOMS, UNCOMMITTED, read_topic, workspace_of
from topics import COMMANDS, COMMITTED, DEADLETTER, REPLIES, Follower, Record, StreamError, end_offsets, parse_line  # noqa: F401
from waiting import Silence, wait_until

NIL = "00000000-0000-0000-0000-000000000000"

# ---------------------------------------------------------------- small helpers

def murmur2(data):
    """Kafka's own hash of keys, positive, as its Java client computes it."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    for i in range(0, len(data) & ~3, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        h = ((h * m) & mask) ^ ((k ^ (k >> 24)) * m & mask)
    tail = data[len(data) & ~3:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return (h ^ (h >> 15)) & 0x7FFFFFFF


def seq_of(record):
    if record.value is not None and "seq" in record.value:
        return record.value["seq"]
    text = record.value.get("jti", "").rpartition("/events/")[2] if record.topic == EVENTS else record.headers.get(
        "usher-seq", "")
    return int(text) if text.isdigit() else None


def changes_of(audit):
    return [r for r in audit if r.value and r.value.get("kind") == "change"]


def requests_of(audit):
    return [r for r in audit if r.value and r.value.get("kind") == "request"]


def seats_by(change):
    """What a change record adds to the seats that are taken: 1, -1 or 0. It says so in the member `seat`, or in its action:
    versions up to 0.3.0 wrote a record of its own for each seat."""
    return {"taken": 1, "freed": -1}.get(change.get("seat") or change["action"].removeprefix("seat."), 0)


def of_workspace(records, workspace):
    return [r for r in records if workspace_of(r) == workspace]


def _where(record):
    return "%s[%d]@%d" % (record.topic, record.partition, record.offset)


# ---------------------------------------------------------------- checks of sequence numbers

def check_sequence(records, what="stream", begun=()):
    """read_committed: per workspace 1, 2, 3 … without gap, double or disorder. For membership, or the change records
    of audit. begun: (workspace, seq) behind which the log begins."""
    wrong, last = [], collections.defaultdict(int, begun)
    for r in records:
        workspace, seq = workspace_of(r), seq_of(r)
        if seq is None:
            wrong.append("%s: %s has no sequence number" % (what, _where(r)))
            continue
        if seq == last[workspace]:
            wrong.append("%s: %s of %s comes twice (%s)" % (what, seq, workspace, _where(r)))
        elif seq < last[workspace]:
            wrong.append("%s: %s of %s comes after %s (%s)" % (what, seq, workspace, last[workspace], _where(r)))
        elif seq > last[workspace] + 1:
            wrong.append("%s: of %s %s to %s are missing (%s)" % (what, workspace, last[workspace] + 1, seq - 1,
                                                                  _where(r)))
        last[workspace] = max(last[workspace], seq)
    return wrong


def drop_seen(records):
    """read_uncommitted with the rule of the contract: drop whatever is not greater than the last one seen of that
    workspace."""
    kept, last = [], collections.defaultdict(int)
    for r in records:
        seq = seq_of(r)
        if seq is not None and seq > last[workspace_of(r)]:
            last[workspace_of(r)] = seq
            kept.append(r)
    return kept


def check_same(committed, kept, what="stream"):
    """Both ways of reading must give the same events, byte for byte of meaning, in the same order per workspace."""
    wrong, a, b = [], collections.defaultdict(list), collections.defaultdict(list)
    for r in committed:
        a[workspace_of(r)].append(r)
    for r in kept:
        b[workspace_of(r)].append(r)
    for workspace in sorted(set(a) | set(b), key=str):
        left, right = a[workspace], b[workspace]
        if len(left) != len(right):
            wrong.append("%s of %s: %d records read_committed, %d read_uncommitted by seq" % (what, workspace,
                                                                                              len(left), len(right)))
        for x, y in zip(left, right):
            if (x.key, x.headers, x.value) != (y.key, y.headers, y.value):
                wrong.append("%s of %s: seq %s differs between the two ways of reading" % (what, workspace, seq_of(x)))
    return wrong


def check_repeats(uncommitted, what="stream"):
    """read_uncommitted: what comes again with the same number must be the same, byte for byte (key, headers, value)."""
    wrong, first = [], {}
    for r in uncommitted:
        known = first.setdefault((workspace_of(r), seq_of(r)), r)
        if (known.key, known.headers, known.value, known.text) != (r.key, r.headers, r.value, r.text):
            wrong.append("%s: %s repeats seq %s with another content" % (what, _where(r), seq_of(r)))
    return wrong


def check_against_counters(records, counters, what="stream"):
    """The last number of each workspace must be the one that PostgreSQL counted to. counters: {workspace: number}."""
    last = collections.defaultdict(int)
    for r in records:
        last[workspace_of(r)] = max(last[workspace_of(r)], seq_of(r) or 0)
    return ["%s of %s ends at %d, PostgreSQL counted to %d" % (what, w, last.get(w, 0), n)
            for w, n in sorted(counters.items()) if last.get(w, 0) != n]


# ---------------------------------------------------------------- checks of form

def check_headers(records, partitions=None):
    """CloudEvents headers on every record, in agreement with the value; partition by workspace."""
    wrong = []
    for r in records:
        h, v, where = r.headers, r.value or {}, _where(r)
        workspace = workspace_of(r)
        change = r.topic in (MEMBERSHIP, EVENTS) or v.get("kind") == "change"
        for name in ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type",
                     "usher-txn"):
            if not h.get(name):
                wrong.append("%s: header %s is missing" % (where, name))
        if h.get("ce_specversion") not in (None, "1.0"):
            wrong.append("%s: ce_specversion %s" % (where, h["ce_specversion"]))
        if (change or r.topic == ROOMS) and h.get("usher-seq") != str(seq_of(r)):
            wrong.append("%s: usher-seq %s, value says %s" % (where, h.get("usher-seq"), seq_of(r)))
        if h.get("ce_sequence") != h.get("usher-seq"):
            wrong.append("%s: ce_sequence %s, usher-seq %s" % (where, h.get("ce_sequence"), h.get("usher-seq")))
        if (change or r.topic == ROOMS) and not h.get("usher-epoch"):
            wrong.append("%s: header usher-epoch is missing" % where)
        if workspace and h.get("ce_source") != "/w/" + workspace:
            wrong.append("%s: ce_source %s, workspace %s" % (where, h.get("ce_source"), workspace))
        for header, member in (("usher-txn", "txn"), ("ce_time", "time")):
            if r.topic != EVENTS and member in v and h.get(header) != v[member]:
                wrong.append("%s: %s is %s, value says %s" % (where, header, h.get(header), v[member]))
        if r.topic == MEMBERSHIP:
            if h.get("ce_type") != v.get("type"):
                wrong.append("%s: ce_type %s, value says %s" % (where, h.get("ce_type"), v.get("type")))
            if h.get("ce_id") != "%s/membership/%s" % (workspace, seq_of(r)):
                wrong.append("%s: ce_id %s" % (where, h.get("ce_id")))
            if r.key != v.get("room", {}).get("id"):
                wrong.append("%s: key %s is not the room" % (where, r.key))
            subject = "rooms/%s" % r.key + ("/members/%s" % v["user"]["id"] if "user" in v else "")
            if h.get("ce_subject") != subject:
                wrong.append("%s: ce_subject %s, should be %s" % (where, h.get("ce_subject"), subject))
        if partitions:
            due = murmur2((workspace or NIL).encode()) % partitions
            if r.partition != due:
                wrong.append("%s: workspace %s belongs into partition %d" % (where, workspace, due))
    return wrong


def check_ids_unique(records):
    """ce_id names a record once and for all (read_committed). The compacted topic carries the ids of the events that
    caused its records."""
    count = collections.Counter((r.topic, r.headers.get("ce_id")) for r in records if r.topic != ROOMS)
    return ["%s: ce_id %s %d times" % (topic, ce_id, n) for (topic, ce_id), n in count.items() if n > 1]


# ---------------------------------------------------------------- events

ASYNC = "urn:ietf:params:scim:event:misc:asyncresp"
PROV = "urn:ietf:params:scim:event:prov:"


def event_of(record):
    """(type, payload) of a token's one event."""
    return next(iter(record.value["events"].items()))


def check_outcomes(events):
    """At most one outcome for each txn (Q5, Q6, Q11)."""
    count = collections.Counter(r.value["txn"] for r in events if r.headers.get("ce_type") == ASYNC)
    return ["%d outcomes of txn %s" % (n, txn) for txn, n in count.items() if n > 1]


# What the audit calls it, and the event that tells it. Members of rooms are told as a patch of the Group.
AUDITED = {"user.created": "create", "room.created": "create", "resource.created": "create", "user.deleted": "delete",
           "room.deleted": "delete",
           "resource.deleted": "delete", "user.deactivated": "deactivate", "user.reactivated": "activate"}
CHANGED = {"user.updated", "user.linked", "room.updated", "room.renamed", "resource.updated", "member.added",
           "member.removed"}
FOLLOWS = {"user_deactivated", "user_reactivated", "user_deleted", "room_deleted", "held"}


def check_told(events, audit, modes):
    """Every change of the audit has its event under the same txn, and every event its change. modes: {workspace:
    events_mode}; a workspace that has changed it is left out."""
    due, have = collections.Counter(), collections.Counter()
    switched = {r.value["workspace"] for r in changes_of(audit)
                if r.value["action"] == "settings.changed" and any(c["path"] == "events" for c in r.value["changes"])}
    for r in changes_of(audit):
        v = r.value
        if v["outcome"] != "applied" or v["workspace"] in switched or modes.get(v["workspace"]) == "off":
            continue
        where = (v["workspace"], v["txn"], (v.get("target") or {}).get("id"))
        if v["action"] in AUDITED:
            due[where + (AUDITED[v["action"]],)] = 1
            if v["action"] in ("user.deactivated", "user.reactivated"):
                due[where + ("change",)] = 1
        elif v["action"] in CHANGED and v["reason"] not in FOLLOWS:
            due[where + ("change",)] = 1
    for r in events:
        kind = r.headers.get("ce_type", "")
        if kind.startswith(PROV) and workspace_of(r) not in switched:
            name = kind[len(PROV):].split(":")[0]
            have[workspace_of(r), r.headers.get("usher-txn"), r.value["sub_id"]["uri"].rpartition("/")[2],
                 "change" if name in ("put", "patch") else name] += 1
    for where in [w for w in due if w[3] == "change" and w[:3] + ("create",) in due]:
        del due[where]  # a room's first members are told by its creation
    return ["%d events, %d changes in the audit for %s" % (have[w], due[w], w)
            for w in sorted(set(due) | set(have), key=str) if have[w] != due[w]][:20]


# ---------------------------------------------------------------- state

def fold(membership):
    """What the events add up to: ({workspace: {room: {"name", "members": {user: transmit}}}}, wrong)."""
    state, wrong = collections.defaultdict(dict), []

    def complain(r, text):
        wrong.append("fold: seq %s (%s) of room %s: %s" % (seq_of(r), r.value["type"], r.value["room"]["id"], text))

    for r in membership:
        v, rooms = r.value, state[r.value["workspace"]]
        kind, room_id = v["type"], v["room"]["id"]
        room, user = rooms.get(room_id), v.get("user", {}).get("id")
        if kind == "usher.room.created":
            if room is not None:
                complain(r, "exists already")
            rooms[room_id] = {"name": v["room"]["name"], "members": {}}
            continue
        if room is None:
            complain(r, "does not exist")
            continue
        if kind == "usher.room.renamed":
            if v.get("from") != room["name"]:
                complain(r, "renamed from %r, but its name was %r" % (v.get("from"), room["name"]))
            room["name"] = v["room"]["name"]
        elif kind == "usher.room.deleted":
            if room["members"]:
                complain(r, "deleted with %d members" % len(room["members"]))
            del rooms[room_id]
        elif kind == "usher.member.added":
            if user in room["members"]:
                complain(r, "%s is a member already" % user)
            room["members"][user] = v["transmit"]
        elif kind == "usher.member.removed":
            if user not in room["members"]:
                complain(r, "%s is no member" % user)
            room["members"].pop(user, None)
        elif kind == "usher.member.transmit_changed":
            if room["members"].get(user) == v["transmit"]:
                complain(r, "transmit of %s was %s before" % (user, v["transmit"]))
            room["members"][user] = v["transmit"]
        else:
            complain(r, "unknown type")
    return dict(state), wrong


def rooms_view(rooms):
    """What a reader of the compacted topic holds at its end: the last record of each key. ({workspace: …} as fold
    gives it, wrong)."""
    latest, wrong = {}, []
    for r in rooms:
        before = latest.get(r.key)
        if before is not None and (seq_of(r) or 0) < (seq_of(before) or 0):
            wrong.append("usher.rooms: key %s goes back from seq %s to %s" % (r.key, seq_of(before), seq_of(r)))
        latest[r.key] = r
    state = collections.defaultdict(dict)
    live = [r for r in latest.values() if r.value is not None]
    for r in live:
        parts = [r.value["workspace"], r.value["room"]] + ([r.value["user"]] if "user" in r.value else [])
        if r.key != "/".join(parts):
            wrong.append("usher.rooms: key %s of a record about %s" % (r.key, "/".join(parts)))
        if "user" not in r.value:
            state[r.value["workspace"]][r.value["room"]] = {"name": r.value["name"], "members": {}}
    for r in live:
        if "user" in r.value:
            room = state[r.value["workspace"]].get(r.value["room"])
            if room is None:
                wrong.append("usher.rooms: member %s of a room that is gone" % r.key)
            else:
                room["members"][r.value["user"]] = r.value["transmit"]
    return dict(state), wrong


def sql_state(connection):
    """The same from PostgreSQL; connection: psycopg2, of a superuser. Members that are held (inactive users) are no
    members."""
    state = collections.defaultdict(dict)
    with connection.cursor() as c:
        c.execute("SELECT workspace_id::text, id::text, display_name FROM usher.rooms")
        for workspace, room, name in c.fetchall():
            state[workspace][room] = {"name": name, "members": {}}
        c.execute("SELECT workspace_id::text, room_id::text, user_id::text, transmit FROM usher.members WHERE NOT held")
        for workspace, room, user, transmit in c.fetchall():
            state[workspace].setdefault(room, {"name": None, "members": {}})["members"][user] = transmit
    connection.rollback()
    return dict(state)


def check_state(a, b, name_a, name_b):
    """Are two states (as fold gives them) the same?"""
    wrong = []
    for workspace in sorted(set(a) | set(b)):
        left, right = a.get(workspace, {}), b.get(workspace, {})
        for room in sorted(set(left) | set(right)):
            if room not in left or room not in right:
                wrong.append("room %s is only in %s" % (room, name_a if room in left else name_b))
                continue
            x, y = left[room], right[room]
            if x["name"] != y["name"]:
                wrong.append("room %s is %r in %s, %r in %s" % (room, x["name"], name_a, y["name"], name_b))
            for user in sorted(set(x["members"]) | set(y["members"])):
                if x["members"].get(user) != y["members"].get(user):
                    wrong.append("member %s of room %s: transmit %s in %s, %s in %s"
                                 % (user, room, x["members"].get(user), name_a, y["members"].get(user), name_b))
    return wrong


# ---------------------------------------------------------------- audit

MEMBER_ACTIONS = {"usher.member.added": "member.added", "usher.member.removed": "member.removed",
                  "usher.member.transmit_changed": "member.transmit_changed", "usher.room.created": "room.created",
                  "usher.room.renamed": "room.renamed", "usher.room.deleted": "room.deleted"}


def check_audited(membership, audit):
    """Each membership event has exactly one change record of the same txn, action, room and user, and the other way
    round. (Only a held membership that is taken off is a change without event: its user was no member.)"""
    def of_event(v):
        return (v["workspace"], v["txn"], MEMBER_ACTIONS.get(v["type"]), v["room"]["id"], v.get("user", {}).get("id"))

    def of_change(v):
        subject = v.get("subject") or {}
        return (v["workspace"], v["txn"], v["action"], (v.get("target") or {}).get("id"), subject.get("id"))

    events = collections.Counter(of_event(r.value) for r in membership)
    changes = collections.Counter(of_change(r.value) for r in changes_of(audit)
                                  if r.value["action"] in MEMBER_ACTIONS.values() and r.value["outcome"] == "applied"
                                  and r.value["reason"] != "held")
    wrong = []
    for what in sorted(set(events) | set(changes), key=str):
        if events[what] != changes[what]:
            wrong.append("%d events but %d audit changes for %s" % (events[what], changes[what], what))
    return wrong


def check_requests(audit, killed=None):
    """Request records: n of each instance is 1, 2, 3 … each once. killed: {instance: numbers that may be missing
    among its last ones}."""
    wrong, seen = [], collections.defaultdict(list)
    for r in requests_of(audit):
        seen[r.value["instance"]].append(r.value["n"])
    for instance, numbers in sorted(seen.items()):
        twice = [n for n, count in collections.Counter(numbers).items() if count > 1]
        if twice:
            wrong.append("requests of %s: %s twice" % (instance, sorted(twice)[:5]))
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        slack = (killed or {}).get(instance, 0)
        bad = [n for n in missing if n <= max(numbers) - slack]
        if bad:
            wrong.append("requests of %s: %s are missing" % (instance, bad[:5]))
    return wrong


def check_acknowledged(audit, acknowledged, refused=()):
    """acknowledged: (action, target id, subject id or None) of every change that a 2xx promised; as often as it was
    promised it must be there. refused: the same of changes that were answered as not done; they must not be there at
    all."""
    have = collections.Counter()
    for r in changes_of(audit):
        v = r.value
        if v["outcome"] == "applied":
            have[(v["action"], (v.get("target") or {}).get("id"), (v.get("subject") or {}).get("id"))] += 1
    wrong = []
    for what, times in sorted(collections.Counter(tuple(a) for a in acknowledged).items(), key=str):
        if have[what] < times:
            wrong.append("lost: %s was acknowledged %d times and is there %d times" % (what, times, have[what]))
    for what in sorted(set(tuple(r) for r in refused), key=str):
        if have[what]:
            wrong.append("done although refused: %s" % (what,))
    return wrong


# ---------------------------------------------------------------- all of it

def counters(connection):
    """{workspace: (membership_seq, audit_seq, events_seq)} as PostgreSQL has counted."""
    with connection.cursor() as c:
        c.execute("SELECT workspace_id::text, membership_seq, audit_seq, events_seq FROM usher.workspaces")
        found = {w: numbers for w, *numbers in c.fetchall()}
    connection.rollback()
    return found


def events_modes(connection):
    with connection.cursor() as c:
        c.execute("SELECT workspace_id::text, events_mode FROM usher.workspaces")
        found = dict(c.fetchall())
    connection.rollback()
    return found


def read_settled(read, connection):
    """Reads membership, rooms, audit and events until they hold all that PostgreSQL has counted, or stand still without
    that. Nobody may be writing. read: gives all committed records of a topic. Gives the four and what is missing."""
    found = []

    def missing():
        want = counters(connection)
        found[:] = map(read, (MEMBERSHIP, ROOMS, AUDIT, EVENTS))
        membership, rooms, audit, events = found
        due = [{w: n[i] for w, n in want.items()} for i in range(3)]
        return (check_against_counters(membership, due[0], MEMBERSHIP) + check_against_counters(rooms, due[0], ROOMS)
                + check_against_counters(changes_of(audit), due[1], AUDIT)
                + check_against_counters(events, due[2], EVENTS))

    behind = []

    def settled():
        behind[:] = missing()
        return not behind

    try:
        wait_until(settled, "the streams to hold what PostgreSQL has", lambda: [len(records) for records in found])
    except Silence:
        pass  # what is missing says it better
    return (*found, behind)


def filled(connection):
    """Workspaces whose first changes a test has put into the archive, and no log has (support/archive.py): how many."""
    with connection.cursor() as c:
        c.execute("SELECT workspace_id::text, count(*) FROM usher.audit_leaf WHERE tree = 2 AND event LIKE 'fill-1/%' GROUP BY 1")
        found = c.fetchall()
    connection.rollback()
    return found


def verify(kafka, connection, partitions=None, acknowledged=(), refused=(), killed=None, uncommitted=True,
           contract=None,
           read=None):
    """Every check at once; gives the list of what is wrong. contract: a record's faults. read: gives the records of a
    topic that somebody has read along."""
    membership, rooms, audit, events, wrong = read_settled(read or (lambda topic: read_topic(kafka, topic)), connection)
    changes = changes_of(audit)
    wrong = list(wrong)
    wrong += check_sequence(membership, MEMBERSHIP) + check_sequence(events, EVENTS)
    wrong += check_sequence(changes, AUDIT, filled(connection))
    wrong += check_headers(membership + rooms + audit + events,
                           partitions) + check_ids_unique(membership + audit + events)
    wrong += check_outcomes(events) + check_told(events, audit, events_modes(connection))
    folded, trouble = fold(membership)
    viewed, more = rooms_view(rooms)
    stored = sql_state(connection)
    wrong += trouble + more + check_state(folded, stored, "the events",
                                          "SQL") + check_state(viewed, stored, ROOMS, "SQL")
    wrong += check_audited(membership, audit) + check_requests(audit, killed) + check_acknowledged(audit, acknowledged,
                                                                                                   refused)
    if uncommitted:
        loose, loose_audit = read_topic(kafka, MEMBERSHIP,
                                        UNCOMMITTED), changes_of(read_topic(kafka, AUDIT, UNCOMMITTED))
        wrong += check_repeats(loose, MEMBERSHIP) + check_repeats(loose_audit, AUDIT)
        wrong += check_same(membership, drop_seen(loose),
                            MEMBERSHIP) + check_same(changes, drop_seen(loose_audit), AUDIT)
        loose = read_topic(kafka, EVENTS, UNCOMMITTED)
        wrong += check_repeats(loose, EVENTS) + check_same(events, drop_seen(loose), EVENTS)
    if contract:
        for r in membership + rooms + audit + events:
            wrong += contract(r)
    return wrong
