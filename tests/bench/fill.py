"""Workspaces full of users and rooms, written by SQL: each a copy of one that was made through the API, so that the rows are such as
usher itself writes, whatever the tables' columns are."""

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
        # A version before may answer otherwise than this one's tests ask.
        self.client = workspace.open(check=False)

    def _run(self, query, *values):
        with self.stack.connection.cursor() as c:
            c.execute(query, values or None)
        self.stack.connection.commit()

    def _columns(self, table, replaced, marks):
        """What is selected of a table's row t: replaced, expressions for some columns; marks, expressions for texts within its values."""
        columns = self.stack.sql("""SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
                                    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""", table)
        shown = []
        for name, kind in columns:
            expression = "t.%s::text" % name
            for mark, value in marks.items():
                expression = "replace(%s, '%s', %s)" % (expression, mark, value)
            shown.append(replaced.get(name) or ("(%s)::%s" % (expression, kind) if kind in TEXTS else "t." + name))
        return ", ".join(shown)

    def _copy(self, table, first, last, replaced, where, **marks):
        """Rows first to last, after the one that holds the mark."""
        shown = self._columns(table, replaced, {mark + MARK: value for mark, value in marks.items()})
        self._run("INSERT INTO %s SELECT %s FROM %s t, generate_series(%d, %d) AS x (n) WHERE t.workspace_id = '%s' AND %s"
                  % (table, shown, table, first, last, self.ws.id, where))

    def _make(self, path, body):
        return self.client.post(path, body).json["id"]

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
        assert self.client.delete("/Users/" + template).status == 204
        return [user_id(n) for n in range(first, last + 1)]

    def rooms(self, kind, count, size):
        """Rooms with the first size users each. Gives their ids."""
        template = self._make("/Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "n%s" % MARK})
        self._copy("rooms", 1, count, {"id": _ID % kind}, "t.id = '%s'" % template, n="'room %d of ' || x.n" % kind)
        self._run("INSERT INTO members (workspace_id, room_id, user_id, transmit, held) SELECT %%s, %s, %s, true, false "
                  "FROM generate_series(1, %%s) AS r (n), generate_series(1, %%s) AS x (n)"
                  % ((_ID % kind).replace("x.n", "r.n"), USER), self.ws.id, count, size)
        self._run("UPDATE workspaces SET rooms_total = rooms_total + %s WHERE workspace_id = %s", count, self.ws.id)
        assert self.client.delete("/Groups/" + template).status == 204
        return [room_id(kind, n) for n in range(1, count + 1)]

    def beside(self, workspaces, users):
        """Other workspaces, with so many users in all of them: copies of this one's first."""
        each = users // workspaces
        other = "('0190c5a5-0000-7000-8000-' || lpad(to_hex(w.n), 12, '0'))::uuid"
        source = "generate_series(1, %d) AS w (n), generate_series(1, %d) AS x (n)" % (workspaces, each)
        self._run("INSERT INTO workspaces SELECT %s FROM (SELECT * FROM workspaces WHERE workspace_id = '%s' ORDER BY generation DESC LIMIT 1) t, "
                  "generate_series(1, %d) AS w (n)"
                  % (self._columns("workspaces", {"workspace_id": other, "name": "'beside ' || w.n", "users_total": str(each), "rooms_total": "0",
                                                  "seats_used": str(each)}, {}), self.ws.id, workspaces))
        for table, column in (("users", "id"), ("resource_keys", "resource_id")):
            shown = self._columns(table, {"workspace_id": other, column: USER}, {"u1@": "'u' || x.n || '@'"})
            self._run("INSERT INTO %s SELECT %s FROM (SELECT * FROM %s WHERE workspace_id = '%s' AND %s = '%s') t, %s"
                      % (table, shown, table, self.ws.id, column, user_id(1), source))

    def vacuum(self):
        """As autovacuum would do a while later, in the middle of what is measured."""
        self.stack.connection.commit()
        self.stack.connection.autocommit = True
        with self.stack.connection.cursor() as c:
            c.execute("VACUUM ANALYZE")
        self.stack.forget()
