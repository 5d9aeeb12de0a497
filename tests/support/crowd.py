"""A workspace with many users, rooms and members, written by SQL: for tests about size."""

USERS, ROOMS, DEVICES, OF_ROOM = 100000, 2000, 20000, 50  # each user is in one room
LARGE, MANY = 100000, 10000  # members of the one large room; rooms of the last user besides


def uuid(kind, n):
    return "0190c5a4-%04d-7000-8000-%012x" % (kind, n)


FILL = (
    """INSERT INTO users (workspace_id, id, user_name, user_name_key, external_id, display_name, display_name_key, active, seat, managed, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'U' || i || '@x', 'u' || i || '@x', 'e' || i, 'Name ' || i, 'name ' || i, true, false, true,
              json_build_object('schemas', json_build_array('urn:ietf:params:scim:schemas:core:2.0:User'), 'userName', 'U' || i || '@x', 'title', 'T' || i,
                                'emails', json_build_array(json_build_object('value', 'M' || i || '@x', 'type', 'work'))),
              jsonb_build_object('username', 'u' || i || '@x', 'title', 't' || i, 'emails', jsonb_build_array(jsonb_build_object('value', 'm' || i || '@x', 'type', 'work'))), 1, now(), now()
       FROM generate_series(1, %(users)s) i""",
    """INSERT INTO resource_keys SELECT %(w)s, 'User', 'emails.value', 'm' || i || '@x', ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, false FROM generate_series(1, %(users)s) i""",
    """INSERT INTO rooms (workspace_id, id, display_name, display_name_key, external_id, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0002-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Room ' || i, 'room ' || i, 'r' || i,
              json_build_object('schemas', json_build_array('urn:ietf:params:scim:schemas:core:2.0:Group'), 'displayName', 'Room ' || i), jsonb_build_object('displayname', 'room ' || i), 1, now(), now()
       FROM generate_series(1, %(rooms)s) i""",
    """INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
       SELECT %(w)s, ('0190c5a4-0002-7000-8000-' || lpad(to_hex((i - 1) / %(of_room)s + 1), 12, '0'))::uuid, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, true, false
       FROM generate_series(1, %(users)s) i""",
    """INSERT INTO resources (workspace_id, id, type, external_id, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0003-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Device', 'd' || i,
              json_build_object('schemas', json_build_array('urn:example:params:scim:schemas:2.0:Device'), 'deviceName', 'D' || i, 'serial', 'S' || i, 'port', i),
              jsonb_build_object('devicename', 'd' || i, 'serial', 'S' || i, 'callsign', 'c' || i, 'port', i), 1, now(), now()
       FROM generate_series(1, %(devices)s) i""",
    """INSERT INTO resource_keys SELECT %(w)s, 'Device', k.path, k.key, ('0190c5a4-0003-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, k.uniq
       FROM generate_series(1, %(devices)s) i, LATERAL (VALUES ('serial', 'S' || i, true), ('callSign', 'c' || i, false), ('port', i::text, true)) AS k (path, key, uniq)""",
)

# A user in many rooms; and all others in the first of them.
FILL_MANY = (
    """INSERT INTO rooms (workspace_id, id, display_name, display_name_key, doc, search, version, created, modified)
       SELECT %(w)s, ('0190c5a4-0004-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Hall ' || i, 'hall ' || i,
              json_build_object('schemas', json_build_array('urn:ietf:params:scim:schemas:core:2.0:Group'), 'displayName', 'Hall ' || i), jsonb_build_object('displayname', 'hall ' || i), 1, now(), now()
       FROM generate_series(1, %(many)s) i""",
    """INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
       SELECT %(w)s, ('0190c5a4-0004-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, ('0190c5a4-0001-7000-8000-' || lpad(to_hex(%(users)s), 12, '0'))::uuid, true, false FROM generate_series(1, %(many)s) i""",
    """UPDATE workspaces SET users_total = %(users)s, rooms_total = %(rooms)s + %(many)s WHERE workspace_id = %(w)s""",
)
FILL_LARGE = (*FILL_MANY,
    """INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
       SELECT %(w)s, '0190c5a4-0004-7000-8000-000000000001', ('0190c5a4-0001-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, true, false FROM generate_series(1, %(users)s - 1) i""")


def fill(stack, workspace, *statements):
    """Each in a transaction of its own."""
    for statement in statements:
        with stack.connection.cursor() as c:
            c.execute(statement, {"w": workspace, "users": USERS, "rooms": ROOMS, "devices": DEVICES, "of_room": OF_ROOM,
                                  "many": MANY})
        stack.connection.commit()
