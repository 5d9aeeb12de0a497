"""What an archive holds, made by audit_fill (a C program of the tests) without a log: rows for the tables, a key, and
proofs."""

import collections
import datetime
import io
import json
import os
import subprocess

import psycopg2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "build", "release", "tests", "integration", "audit_fill")
TREES = {"changes": 1, "requests": 2}
LEAF = ("tree", "n", "at", "bytes", "event", "epoch", "seq", "txn", "actor_kind", "actor_id", "actor_name", "action",
        "outcome", "reason", "target_type", "target_id", "target_name", "subject_id", "subject_name", "method", "path",
        "status", "error", "detail", "source", "user_agent", "rate_limited", "duration_us")


def lines(workspace, count, proofs=0):
    done = subprocess.run([PROGRAM, workspace, str(count), str(proofs)], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _leaf(line):
    """The columns of a record, as the archive fills them."""
    r, tree = json.loads(line["bytes"]), TREES[line["tree"]]
    row = {"tree": tree, "n": line["n"], "at": r["time"], "bytes": "\\x" + line["bytes"].encode().hex(),
           "txn": r["txn"], "rate_limited": "f"}
    if tree == 1:
        target, subject = r["target"] or {}, r["subject"] or {}
        row.update(event="%s/audit/%d" % (r["workspace"], r["seq"]), epoch=r["epoch"], seq=r["seq"],
                   actor_kind=r["actor"]["kind"], actor_id=r["actor"]["id"], actor_name=r["actor"]["name"],
                   action=r["action"], outcome=r["outcome"], reason=r["reason"], target_type=target.get("type"),
                   target_id=target.get("id"), target_name=target.get("name"), subject_id=subject.get("id"),
                   subject_name=subject.get("name"))
    else:
        error, key = r["error"] or {}, r["key"] or {}
        row.update(event="%s/%d" % (r["instance"], r["n"]), seq=r["n"], actor_kind="key", actor_id=key.get("id"),
                   actor_name=key.get("name"), method=r["method"], path=r["path"], status=r["status"],
                   error=error.get("code"), detail=error.get("detail"), source=r["sourceIp"],
                   user_agent=r["userAgent"], rate_limited="t" if r["rateLimited"] else "f",
                   duration_us=r["durationUs"], target_id=r.get("room"), subject_id=r.get("user"))
    return row


def _runs(nodes):
    """Hashes as the archive stores them: what the leaves of a batch complete, in that order. Batches here are of 1 to
    40 records."""
    hashes = collections.defaultdict(dict)
    for x in nodes:
        hashes[TREES[x["tree"]]][((x["index"] + 1 << x["level"]) - 1, x["level"])] = x["hash"]
    for tree, of_leaf in hashes.items():
        run = None
        for (leaf, level), h in sorted(of_leaf.items()):
            if run is not None and (level > 0 or leaf < run["n"] + run["n"] % 40 + 1):
                run["hashes"] += h
                continue
            if run is not None:
                yield run
            run = {"tree": tree, "n": leaf, "hashes": "\\x" + h}
        yield run


def _cell(value):
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _copy(cursor, table, columns, rows):
    text = io.StringIO("".join("\t".join(_cell(row.get(c)) for c in columns) + "\n" for row in rows))
    cursor.copy_expert("COPY usher.%s (%s) FROM STDIN" % (table, ", ".join(columns)), text)


def fill(uri, workspace, count):
    """Puts it into the database behind the libpq URI; gives the public key as people write it."""
    made = lines(workspace, count)
    of = {what: [x for x in made if x["what"] == what] for what in ("key", "leaf", "node", "checkpoint")}
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    connection = psycopg2.connect(uri)
    with connection, connection.cursor() as c:
        _copy(c, "audit_leaf", ("workspace_id", *LEAF), ({"workspace_id": workspace, **_leaf(x)} for x in of["leaf"]))
        _copy(c, "audit_hashes", ("workspace_id", "tree", "n", "hashes"),
              ({"workspace_id": workspace, **run} for run in _runs(of["node"])))
        _copy(c, "audit_checkpoint", ("workspace_id", "tree", "size", "root", "note", "at"),
              ({"workspace_id": workspace, "tree": TREES[x["tree"]], "size": x["size"], "root": "\\x" + x["root"],
                "note": x["note"], "at": now} for x in of["checkpoint"]))
        _copy(c, "audit_tree", ("workspace_id", "tree", "partition", "size", "first_seq", "epoch", "seq",
                                "signed_size"),
              ({"workspace_id": workspace, "tree": tree, "partition": 0, "size": count,
                "first_seq": 1 if tree == 1 else None, "epoch": 1 if tree == 1 else None, "seq": count,
                "signed_size": count} for tree in (1, 2)))
        c.execute("INSERT INTO usher.audit_keys (public_key) VALUES (%s) ON CONFLICT DO NOTHING", ("\\x" + of["key"][0]["public"],))
    connection.close()
    return of["key"][0]["vkey"]
