"""The judgement after the load has stopped: streams against PostgreSQL (tests/support/stream.py), and both against what
the clients were told."""

import collections
import datetime

import archived
import outbox
import stream
from waiting import wait_until


def settle(stack):
    """Waits until no command waits any more: each that stands in the log of commands and can be read has been claimed,
    and no other comes. (A new owner of a partition may take some seconds to begin.)"""
    def waiting():
        commands = stream.read_topic(stack.kafka, stream.COMMANDS)
        claimed = {txn for txn, in stack.sql("SELECT txn::text FROM usher.command_log")}
        return len(commands), {r.value["txn"] for r in commands if isinstance(r.value, dict)
                               and "txn" in r.value} - claimed

    seen = [waiting()]

    def settled():
        seen.append(waiting())
        return not seen[-1][1] and seen[-2] == seen[-1]

    wait_until(settled, "all commands to be claimed", lambda: seen[-1])


def judge(stack, load, killed=None):
    """Everything that must be true now. Gives the list of what is wrong."""
    settle(stack)
    acknowledged = [a for loader in load.loaders for a in loader.acknowledged]
    wrong = stream.verify(stack.kafka, stack.connection, partitions=int(stack.env.get("USHER_PARTITIONS", "12")),
                          acknowledged=acknowledged, killed=killed)
    audit = stream.read_topic(stack.kafka, stream.AUDIT)
    membership, events = (stream.read_topic(stack.kafka, t) for t in (stream.MEMBERSHIP, stream.EVENTS))
    for loader in load.loaders:
        wrong += ["%s: %s" % (loader.name, fault) for fault in loader.faults[:5]]
    wrong += check_objects(stack, load) + check_pairs(load, membership) + check_refused(load, audit)
    wrong += check_accepted(stack, load, events)
    wrong += check_archive(stack, audit)
    wrong += check_answers(load, audit) + check_seats(stack, load, audit) + check_log(
        stack, audit, membership + events) + check_keys(stack) + check_totals(stack) + check_rows(stack)
    return wrong


# ---------------------------------------------------------------- the archive

def check_archive(stack, audit):
    """Rows, hashes and signed heads are those of the topic, whatever died."""
    wait_until(lambda: archived.caught_up(stack, audit), "the archive to catch up",
               lambda: stack.sql("SELECT sum(next) FROM usher.audit_offset"))
    troubles = stack.sql("SELECT workspace_id::text, stopped, refused FROM usher.audit_tree"
                         " WHERE stopped IS NOT NULL OR refused IS NOT NULL")
    aside = stack.sql("SELECT partition, place FROM usher.audit_aside")
    return (archived.faults(stack, audit) + ["the archive has a fault: %r" % (t,) for t in troubles]
            + ["the archive has put aside %r" % (a,) for a in aside])


# ---------------------------------------------------------------- state

def stored_users(stack, workspace):
    rows = stack.sql("SELECT id::text, user_name, active, doc->>'title' FROM usher.users WHERE workspace_id = %s",
                     workspace)
    users = {uid: {"id": uid, "name": name, "title": title, "active": active, "rooms": set()}
             for uid, name, active, title in rows}
    wrong = []
    for room, uid, held in stack.sql(
        "SELECT room_id::text, user_id::text, held FROM usher.members WHERE workspace_id = %s", workspace):
        users[uid]["rooms"].add(room)
        if held == users[uid]["active"]:
            wrong.append("user %s: active %s but held %s in room %s" % (uid, users[uid]["active"], held, room))
    return users, wrong


def same(stored, state, ignore):
    """Is the stored object in this state? (None: gone.)"""
    if stored is None or state is None:
        return stored is None and state is None
    for name, value in state.items():
        have = stored[name]
        if name == "rooms":
            have, value = set(have) - ignore, set(value) - ignore
        if have != value:
            return False
    return True


def check_objects(stack, load):
    """Each object is in the state that its client was last told, or, where the answer left it open, in one of two."""
    wrong, known = [], collections.defaultdict(set)
    for workspace in load.workspaces:
        users, trouble = stored_users(stack, workspace.id)
        rooms = {rid: {"id": rid, "name": name}
                 for rid, name in stack.sql("SELECT id::text, display_name FROM usher.rooms WHERE workspace_id = %s",
                                            workspace.id)}
        wrong += trouble
        by_name = {u["name"]: u for u in users.values()}
        by_room_name = {r["name"]: r for r in rooms.values()}
        for loader in (x for x in load.loaders if x.workspace is workspace):
            for user in loader.users.values():
                if not same(users.get(user.id), user.state(), loader.lost_rooms):
                    wrong.append("user %s is %s, acknowledged was %s" % (user.id, users.get(user.id), user.state()))
            for room in loader.rooms.values():
                if not same(rooms.get(room.id), {"id": room.id, "name": room.name}, set()):
                    wrong.append("room %s is %s, acknowledged was %r" % (room.id, rooms.get(room.id), room.name))
            for kind, gone in loader.gone:
                if gone in (users if kind == "user" else rooms):
                    wrong.append("%s %s was deleted and is there" % (kind, gone))
            for frozen in loader.frozen:
                if frozen.before is None:
                    have = (by_name if frozen.kind == "user" else by_room_name).get(frozen.name)
                else:
                    have = (users if frozen.kind == "user" else rooms).get(frozen.before["id"])
                ignore = loader.lost_rooms | {gone for kind, gone in loader.gone if kind == "room"}  # deleted since
                if not same(have, frozen.before, ignore) and not same(have, frozen.after, ignore):
                    wrong.append("%s %s (%s) is %s, possible were %s and %s"
                                 % (frozen.kind, frozen.name, frozen.user_agent, have, frozen.before, frozen.after))
                if have:
                    known[workspace.id].add(have["id"])
            known[workspace.id] |= set(loader.users) | set(loader.rooms) | {r.id for r in loader.shared}
        strangers = (set(users) | set(rooms)) - known[workspace.id]
        if strangers:
            wrong.append("objects that no client made or was told of: %s" % sorted(strangers)[:5])
    return wrong


def check_pairs(load, membership):
    """member.added events per room and user: as many as the acknowledged changes make, not one more."""
    have, wrong = collections.Counter(), []
    for r in membership:
        if r.value["type"] == "usher.member.added":
            have[r.value["room"]["id"], r.value["user"]["id"]] += 1
    for loader in load.loaders:
        doubtful = {f.before["id"] for f in loader.frozen if f.kind == "user" and f.before}
        for (room, user), due in loader.pairs.items():
            most = due + loader.maybe.get((room, user), 0) + (user in doubtful or room in loader.lost_rooms)
            if not due <= have[room, user] <= most:
                wrong.append("member.added of %s in room %s: %d events, %d acknowledged" % (user, room,
                                                                                            have[room, user], due))
    return wrong


def check_refused(load, audit):
    """What was answered as not done did not happen: refused names were never created."""
    refused = {name for loader in load.loaders for name in loader.refused_names}
    return ["user %s was refused and created all the same" % r.value["target"]["name"] for r in stream.changes_of(audit)
            if r.value["action"] == "user.created" and r.value["outcome"] == "applied"
            and (r.value.get("target") or {}).get("name") in refused]


def check_rows(stack):
    """What no constraint makes sure of: an id stands once, a userName is given once, members and logins are of those who
    are there."""
    wrong = []
    for what, query in (
        ("users that stand twice", "SELECT id::text FROM users GROUP BY workspace_id, id HAVING count(*) > 1"),
        ("rooms that stand twice", "SELECT id::text FROM rooms GROUP BY workspace_id, id HAVING count(*) > 1"),
        ("userNames given twice",
         "SELECT user_name_key FROM users GROUP BY workspace_id, user_name_key HAVING count(*) > 1"),
        ("members of no room", "SELECT room_id::text FROM members m WHERE NOT EXISTS (SELECT FROM rooms r WHERE "
                               "r.workspace_id = m.workspace_id AND r.id = m.room_id)"),
        ("members who are no user", "SELECT user_id::text FROM members m WHERE NOT EXISTS (SELECT FROM users u WHERE "
                                    "u.workspace_id = m.workspace_id AND u.id = m.user_id)"),
        ("logins of no user", "SELECT user_id::text FROM logins l WHERE NOT EXISTS (SELECT FROM users u WHERE "
                              "u.workspace_id = l.workspace_id AND u.id = l.user_id)"),
    ):
        rows = stack.sql(query)
        if rows:
            wrong.append("%s: %s" % (what, [row for (row,) in rows[:5]]))
    return wrong


def check_keys(stack):
    """Rows of resource_keys are what the documents say, no more and no less: e-mail addresses of users (search has
    them folded)."""
    due = set(stack.sql("""SELECT DISTINCT u.workspace_id::text, u.id::text, e.v->>'value' FROM usher.users u
        CROSS JOIN LATERAL jsonb_array_elements(u.search->'emails') AS e (v) WHERE jsonb_typeof(u.search->'emails') = 'array'"""))
    have = set(
        stack.sql(
            "SELECT workspace_id::text, resource_id::text, key FROM usher.resource_keys WHERE type = 'User' AND path = 'emails.value'"))
    wrong = ["user %s of %s has the address %s and no key says so" % (u, w, key) for w, u, key in sorted(due - have)]
    wrong += ["a key says that user %s of %s has the address %s" % (u, w, key) for w, u, key in sorted(have - due)]
    return wrong[:20] if due else ["no user has an e-mail address: nothing was checked"]


def check_accepted(stack, load, events):
    """What was accepted with 202 was done, once, and one outcome says so (rules Q3, Q5, Q11a)."""
    wrong, outcomes = [], collections.defaultdict(list)
    for r in events:
        kind, payload = stream.event_of(r)
        if kind == stream.ASYNC:
            outcomes[r.value["txn"]].append(payload["status"])
    for workspace in load.workspaces:
        names = collections.Counter(user["name"] for user in stored_users(stack, workspace.id)[0].values())
        for loader in (x for x in load.loaders if x.workspace is workspace):
            for txn, name in loader.accepted:
                if outcomes[txn] != ["201"] or names[name] != 1:
                    wrong.append("%s was accepted as txn %s: outcomes %s, %d users" % (name, txn, outcomes[txn],
                                                                                       names[name]))
    return wrong


# ---------------------------------------------------------------- audit

def check_answers(load, audit):
    """No answer without its audit record, and the record that stands has the status that the client got (promise 5)."""
    records = collections.defaultdict(list)
    for r in stream.requests_of(audit):
        records[r.value.get("userAgent")].append(r.value)
    wrong = []
    for loader in load.loaders:
        for user_agent, method, status in loader.answers:
            if status is None:
                continue
            found = records.get(user_agent, [])
            taken_back = {(v["instance"], v["supersedes"]) for v in found if v.get("supersedes")}
            standing = [v["status"] for v in found if (v["instance"], v["n"]) not in taken_back]
            if not standing:
                wrong.append("answer %s to %s %s has no audit record" % (status, method, user_agent))
            elif status not in standing or (method != "GET" and len(standing) > 1):
                wrong.append("%s %s was answered %s, the audit says %s" % (method, user_agent, status, standing))
    return wrong[:20]


def check_seats(stack, load, audit):
    """seats_used is the number of users with a seat: of the active ones, where that takes one; and the history never
    went over the limit (promise 3)."""
    wrong = []
    for workspace in load.workspaces:
        used, limit, seated, due = stack.sql(
            "SELECT seats_used, seats_limit, count(u.id) FILTER (WHERE u.seat), count(u.id) FILTER (WHERE u.active AND (seat_mode = 'on_provision' OR l.user_id IS NOT NULL))"
            " FROM usher.workspaces w LEFT JOIN usher.users u ON u.workspace_id = w.workspace_id LEFT JOIN usher.logins l ON l.workspace_id = u.workspace_id AND l.user_id = u.id"
            " WHERE w.workspace_id = %s GROUP BY w.workspace_id, w.seats_used, w.seats_limit", workspace.id)[0]
        if (used, used) != (seated, due):
            wrong.append("workspace %s counts %d seats, %d users have one, %d should" % (workspace.id, used,
                                                                                         seated, due))
        taken, highest = 0, 0
        changes = [r.value for r in stream.of_workspace(stream.changes_of(audit), workspace.id)]
        for v in sorted(changes, key=lambda v: v["seq"]):
            if v["action"] == "seats.recounted":
                taken = v["changes"][0]["to"]
            taken += stream.seats_by(v)
            highest = max(highest, taken)
        if taken != used:
            wrong.append("workspace %s: the audit adds up to %d seats, %d are used" % (workspace.id, taken, used))
        if limit is not None and max(highest, used) > limit:
            wrong.append("workspace %s: %d seats taken, limit %d" % (workspace.id, highest, limit))
    return wrong


def check_totals(stack):
    """What lists call their total is what there is."""
    rows = stack.sql(
        "SELECT w.workspace_id::text, w.users_total, (SELECT count(*) FROM usher.users u WHERE u.workspace_id = w.workspace_id), w.rooms_total,"
                     " (SELECT count(*) FROM usher.rooms r WHERE r.workspace_id = w.workspace_id) FROM usher.workspaces w")
    return ["workspace %s counts %d users and %d rooms, there are %d and %d" % (w, users, rooms, has_users, has_rooms)
            for w, users, has_users, rooms, has_rooms in rows if (users, rooms) != (has_users, has_rooms)]


def check_log(stack, audit, events):
    """What the streams carry is what the outbox holds, each record once and under the number of its row: nothing of a
    cancelled or unknown command, nothing that is in no row, and no row that is missing. Rows of a day that is over are
    dropped once they are emitted (sql/functions/outbox_days.sql): over midnight, the first that are held are higher."""
    wrong, held, carried, numbers = [], {}, {}, collections.defaultdict(set)
    log = {(w, t): cancelled for w, t, cancelled in
           stack.sql("SELECT workspace_id::text, txn::text, outcome IS NULL FROM usher.command_log")}
    for partition, number, records in stack.sql("SELECT partition, number, records FROM usher.outbox"):
        if number in numbers[partition]:
            wrong.append("row %d of partition %d stands twice in the outbox" % (number, partition))
        numbers[partition].add(number)
        held.update({(item.topic, item.ce_id): (str(number), item) for item in outbox.items(records)
                     if item.topic != stream.ROOMS})
    for partition, have in numbers.items():
        if len(have) != max(have) - min(have) + 1:
            wrong.append("rows of partition %d are missing in the outbox" % partition)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()

    def dropped(record):
        row, first = int(record.headers.get("usher-row", 0)), min(numbers[record.partition], default=1 << 62)
        return record.headers.get("ce_time", today)[:10] < today and row < first

    for r in events + stream.changes_of(audit):
        key, name = (stream.workspace_of(r), r.headers.get("usher-txn")), (r.topic, r.headers.get("ce_id"))
        carried[name] = r
        if key not in log:
            wrong.append("events of txn %s, which is no command" % (key,))
        elif log[key]:
            wrong.append("events of txn %s, which was cancelled" % (key,))
        elif name not in held and not dropped(r):
            wrong.append("%s %s stands in no row of the outbox" % name)
        elif name in held and r.headers.get("usher-row") != held[name][0]:
            wrong.append("%s %s says row %s, it stands in %s" % (*name, r.headers.get("usher-row"), held[name][0]))
    wrong += ["%s %s is in the outbox, and no stream carries it" % name for name in held if name not in carried]
    return wrong[:20] if held else ["the outbox is empty: nothing was checked"]
