"""What the suite stands on: the attacker's workspace, filled by SQL, and two victims, of which one shares the
attacker's partition of the log."""

import json

import stream
from scimhttp import GROUP, USER

PARTITIONS = 12

USERS = """INSERT INTO users (workspace_id, id, user_name, user_name_key, active, seat, managed, doc, search, version, created, modified)
    SELECT %(w)s, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'u' || i, 'u' || i, true, false, true,
        json_build_object('schemas', json_build_array(%(user)s), 'userName', 'u' || i, 'title', 'Title ' || i, 'name', json_build_object('familyName', 'F' || i),
            'emails', json_build_array(json_build_object('value', 'm' || i || '@x', 'type', 'work'))),
        jsonb_build_object('username', 'u' || i, 'title', 'title ' || i, 'name', jsonb_build_object('familyname', 'f' || i),
            'emails', jsonb_build_array(jsonb_build_object('value', 'm' || i || '@x', 'type', 'work'))), 1, now(), now()
    FROM generate_series(1, %(users)s) i"""
ROOMS = """INSERT INTO rooms (workspace_id, id, display_name, display_name_key, doc, search, version, created, modified)
    SELECT %(w)s, ('0190c5a4-0002-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Room ' || i, 'room ' || i,
        json_build_object('schemas', json_build_array(%(group)s), 'displayName', 'Room ' || i), jsonb_build_object('displayname', 'room ' || i), 1, now(), now()
    FROM generate_series(0, %(rooms)s) i"""
EVERYBODY_IN_ROOM_0 = """INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
    SELECT %(w)s, '0190c5a4-0002-7000-8000-000000000000', ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, true, false
    FROM generate_series(1, %(users)s) i"""
USERS_1_AND_2_EVERYWHERE = """INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
    SELECT %(w)s, ('0190c5a4-0002-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(u), 12, '0'))::uuid, true, false
    FROM generate_series(1, %(rooms)s) i, generate_series(1, 2) u"""
MAILS_OF_ONE_USER = 440


def uuid(kind, n):
    return "0190c5a4-%04d-7000-8000-%012x" % (kind, n)


def made(answer):
    assert answer.status == 201, answer
    return answer.json["id"]


def victim(stack, shares):
    """A workspace whose partition is the one of `shares`, or another; with a user and a room."""
    def partition(w):
        return stream.murmur2(w.id.encode()) % PARTITIONS
    while True:
        ws = stack.workspace("victim", rate=1000000)
        if (partition(ws) == partition(shares[0])) == shares[1]:
            break
    ws.user = made(ws.client.post("/Users", {"schemas": [USER], "userName": "victim"}))
    ws.room = made(ws.client.post("/Groups", {"schemas": [GROUP], "displayName": "victim"}))
    return ws


def attacker(stack, sizes):
    """Gives the workspace and what attacks need to know of it."""
    ws = stack.workspace("attacker", rate=100000000)
    values = dict(w=ws.id, users=sizes["users"], rooms=sizes["rooms"], user=USER, group=GROUP)
    for statement in (USERS, ROOMS, EVERYBODY_IN_ROOM_0, USERS_1_AND_2_EVERYWHERE):
        with stack.connection.cursor() as c:
            c.execute(statement, values)
        stack.connection.commit()
    stack.connection.autocommit = True
    with stack.connection.cursor() as c:
        c.execute("ANALYZE users, rooms, members")
    full = [made(ws.client.post("/Users", {"schemas": [USER], "userName": "full %d" % k, "emails": [
        {"value": "%d@full" % i} for i in range(MAILS_OF_ONE_USER)]})) for k in range(4)]
    rooms = [made(ws.client.post("/Groups", {"schemas": [GROUP], "displayName": "room %d of attacker" % k}))
             for k in range(2)]
    slow = stack.workspace("slow", rate=600)
    return ws, {"host": stack.host, "port": stack.port, "token": ws.token, "slow_token": slow.token,
                "users": sizes["users"], "user_ids": [uuid(1, i) for i in range(3, 3 + sizes["members"])],
                "large_room": uuid(2, 0), "everywhere": [uuid(1, 1), uuid(1, 2)], "rooms": rooms, "full_users": full}


def write(ground, path):
    with open(path, "w") as f:
        json.dump(ground, f)
