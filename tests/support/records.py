"""Many records in the archive's tables, written by SQL: for measurements and tests about size. Half of them are requests,
half changes. They have no hashes and no heads."""

import datetime

KEY = "0188e9d0-5566-7778-899a-%012x"
RARE = KEY % 2
USER = "'01905c4b-1122-7334-9556-' || lpad(to_hex(%s), 12, '0')"
TXN = "'0193a1c2-4d5e-7f60-8a9b-' || lpad(to_hex(%s), 12, '0')"

# g is the number of the record of that tree and workspace, from 0. Each fifth request of a key in a hundred thousand is of one that is
# hardly ever used, and so is an address; one in twenty is refused, one in a hundred because of the rate. Half of the changes are seats
# alone, as of versions up to 0.3.0.
REQUESTS = """
INSERT INTO {table} (workspace_id, tree, n, at, event, seq, txn, actor_kind, actor_id, actor_name, method, path, status, error, detail, source,
    user_agent, rate_limited, duration_us, bytes)
SELECT x.w, 2, x.g, x.at, 'bench-1/' || x.g + 1, x.g + 1, x.txn, 'key', x.key, 'Entra', x.method, x.path, x.status,
    CASE WHEN x.status >= 400 THEN 'REFUSED' END, CASE WHEN x.status >= 400 THEN 'It was refused' END, x.source, 'bench/1.0', x.status = 429, 2710,
    convert_to('{{"kind":"request","workspace":"' || x.w || '","workspaceName":"bench","time":"' || rfc3339(x.at) || '","txn":"' || x.txn
        || '","traceparent":null,"instance":"bench-1","n":' || x.g + 1 || ',"key":{{"id":"' || x.key || '","name":"Entra","class":"scim"}},"method":"'
        || x.method || '","path":"' || x.path || '","query":null,"status":' || x.status || ',"error":null,"scimType":null,"rateLimited":'
        || (x.status = 429)::text || ',"durationUs":2710,"sourceIp":"' || x.source
        || '","userAgent":"bench/1.0","bytesIn":412,"bytesOut":498,"operations":1}}', 'UTF8')
FROM (SELECT w.id AS w, g, %(day)s::timestamptz + (g - w.first) * (interval '1 day' / w.rows) AS at, ({txn})::uuid AS txn,
          CASE WHEN g %% 100000 = 99999 THEN %(rare)s ELSE w.key END AS key,
          CASE WHEN g %% 3 = 0 THEN 'PATCH' ELSE 'POST' END AS method,
          '/scim/v2/Users' || CASE WHEN g %% 3 = 0 THEN '/' || {user} ELSE '' END AS path,
          CASE WHEN g %% 100 = 1 THEN 429 WHEN g %% 25 = 2 THEN 409 WHEN g %% 50000 = 3 THEN 503 ELSE 200 END AS status,
          CASE WHEN g %% 100000 = 4 THEN '198.51.100.7' ELSE '203.0.113.' || g %% 4 END AS source
      FROM ({workspaces}) w CROSS JOIN LATERAL generate_series(w.first, w.first + w.rows - 1) AS g) x"""
CHANGES = """
INSERT INTO {table} (workspace_id, tree, n, at, event, epoch, seq, txn, actor_kind, actor_id, actor_name, action, outcome, target_type, target_id,
    target_name, subject_id, subject_name, bytes)
SELECT x.w, 1, x.g, x.at, x.w || '/audit/' || x.g + 1, 1, x.g + 1, x.txn, 'key', x.key, 'Entra', x.action, 'applied', 'User', x.target, 'u' || x.target,
    x.subject, CASE WHEN x.subject IS NOT NULL THEN 'u' || x.subject END,
    convert_to('{{"kind":"change","workspace":"' || x.w || '","epoch":1,"seq":' || x.g + 1 || ',"time":"' || rfc3339(x.at) || '","txn":"' || x.txn
        || '","traceparent":null,"actor":{{"kind":"key","id":"' || x.key || '","name":"Entra"}},"action":"' || x.action
        || CASE x.action WHEN 'user.created' THEN '","seat":"taken' WHEN 'user.deleted' THEN '","seat":"freed' ELSE '' END || '","target":{{"type":"User","id":"' || x.target || '","name":"u' || x.target || '"}},"subject":null,"outcome":"applied","reason":null,'
        || '"changes":[{{"path":"userName","before":null,"after":"u' || x.target || '"}}]}}', 'UTF8')
FROM (SELECT w.id AS w, g, %(day)s::timestamptz + (g - w.first) * (interval '1 day' / w.rows) + interval '2 ms' AS at, ({txn})::uuid AS txn,
          CASE WHEN g %% 100000 = 99999 THEN %(rare)s ELSE w.key END AS key,
          CASE WHEN g %% 100000 = 5 THEN 'key.created' WHEN g %% 10000 = 6 THEN 'user.deleted' WHEN g %% 4 = 0 THEN 'member.added'
               WHEN g %% 2 = 0 THEN 'user.created' ELSE 'seat.taken' END AS action,
          ({user})::uuid AS target, CASE WHEN g %% 4 = 0 THEN ({user})::uuid END AS subject
      FROM ({workspaces}) w CROSS JOIN LATERAL generate_series(w.first, w.first + w.rows - 1) AS g) x"""
# Of each of two trees.
WORKSPACES = """
SELECT %(workspace)s::uuid AS id, %(key)s::uuid AS key, %(n)s::bigint * %(rows)s AS first, %(rows)s AS rows
UNION ALL SELECT ('0190c5a4-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, %(other)s::uuid, %(n)s::bigint * %(of_others)s, %(of_others)s
FROM generate_series(1, %(others)s) AS i"""


def fill_day(sql, day, n, rows, of_others, others, workspace, key):
    """The table of a day, the n-th from 0: rows requests and as many changes of the workspace, and of_others of each of so many
    others. sql(query, **values) carries out. Indexes are built when the table is attached, which is faster than row by row."""
    table = "audit_leaf_%s" % day.strftime("%Y%m%d")
    sql("DROP TABLE IF EXISTS %s" % table)
    sql("CREATE TABLE %s (LIKE audit_leaf INCLUDING ALL EXCLUDING INDEXES)" % table)
    for query in (REQUESTS, CHANGES):
        sql(query.format(table=table, workspaces=WORKSPACES, txn=TXN % "g / 2", user=USER % "g * 7919 %% 100000"), day=day, n=n,
            rows=rows, of_others=of_others, others=others, workspace=workspace, key=key, other=KEY % 1, rare=RARE)
    sql("ALTER TABLE %s OWNER TO usher_owner" % table)
    sql("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY" % table)
    sql("CREATE POLICY keeper ON %s TO usher_owner USING (true) WITH CHECK (true)" % table)
    sql("ALTER TABLE audit_leaf ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')"
        % (table, day.isoformat(), (day + datetime.timedelta(1)).isoformat()))
    return table
