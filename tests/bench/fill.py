"""Workspaces full of users and rooms, written by SQL: each a copy of one that was made through the API, so that the rows are such as
usher itself writes, whatever the tables' columns are."""

import json

MARK = "mark0000mark"
TEXTS = ("text", "json", "jsonb")


def user_id(n):
    return "0190c5a4-0001-7000-8000-%012x" % n


def room_id(kind, n):
    return "0190c5a4-%04x-7000-8000-%012x" % (kind, n)


_ID = "('0190c5a4-%04x-7000-8000-' || lpad(to_hex(x.n), 12, '0'))::uuid"
USER = _ID % 1


class Filler:
    """Into one workspace (a stack.Workspace)."""

    def __init__(self, workspace):
        self.ws, self.stack = workspace, workspace.stack

    def _run(self, query, *values):
        with self.stack.connection.cursor() as c:
            c.execute(query, values or None)
        self.stack.connection.commit()

    def _copy(self, table, first, last, replaced, where, **values):
        """Rows first to last of a table, after the one that holds the mark; replaced: expressions for some columns; values: for marks."""
        columns = self.stack.sql("""SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
                                    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""", table)
        shown = []
        for name, kind in columns:
            expression = "t.%s::text" % name
            for mark, value in values.items():
                expression = "replace(%s, '%s%s', %s)" % (expression, mark, MARK, value)
            shown.append(replaced.get(name) or ("(%s)::%s" % (expression, kind) if kind in TEXTS else "t." + name))
        self._run("INSERT INTO %s SELECT %s FROM %s t, generate_series(%d, %d) AS x (n) WHERE t.workspace_id = '%s' AND %s"
                  % (table, ", ".join(shown), table, first, last, self.ws.id, where))

    def _make(self, path, body):
        return self.ws.client.post(path, body).json["id"]

    def users(self, count, teams=200, first=1):
        """Users u<n>@example.com with the title Team <n mod teams>. Gives their ids."""
        template = self._make("/Users", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "n%s@example.com" % MARK, "active": True,
            "name": {"givenName": "Ana", "familyName": "Bench"}, "title": "Team t%s" % MARK,
            "emails": [{"value": "n%s@example.com" % MARK, "type": "work", "primary": True}]})
        last = first + count - 1
        self._copy("users", first, last, {"id": USER}, "t.id = '%s'" % template, n="'u' || x.n", t="mod(x.n, %d)::text" % teams)
        self._copy("resource_keys", first, last, {"resource_id": USER}, "t.resource_id = '%s'" % template, n="'u' || x.n",
                   t="mod(x.n, %d)::text" % teams)
        self._run("UPDATE workspaces SET users_total = users_total + %s, seats_used = seats_used + %s WHERE workspace_id = %s",
                  count, count, self.ws.id)
        self.ws.client.delete("/Users/" + template)
        return [user_id(n) for n in range(first, last + 1)]

    def rooms(self, kind, count, size):
        """Rooms with the first size users each. Gives their ids."""
        template = self._make("/Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "n%s" % MARK})
        self._copy("rooms", 1, count, {"id": _ID % kind}, "t.id = '%s'" % template, n="'room %d of ' || x.n" % kind)
        self._run("INSERT INTO members (workspace_id, room_id, user_id, transmit, held) SELECT %%s, %s, %s, true, false "
                  "FROM generate_series(1, %%s) AS r (n), generate_series(1, %%s) AS x (n)"
                  % ((_ID % kind).replace("x.n", "r.n"), USER), self.ws.id, count, size)
        self._run("UPDATE workspaces SET rooms_total = rooms_total + %s WHERE workspace_id = %s", count, self.ws.id)
        self.ws.client.delete("/Groups/" + template)
        return [room_id(kind, n) for n in range(1, count + 1)]

    def analyze(self):
        self._run("ANALYZE")
