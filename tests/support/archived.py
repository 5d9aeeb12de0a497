"""Is the archive what the topic says? What usher.audit holds is hashed once more, here, and compared with rows, hashes
and signed heads in PostgreSQL. A second archive in a few lines, which shares nothing with the first."""

import base64
import collections
import hashlib

NIL = "00000000-0000-0000-0000-000000000000"
CHANGES, REQUESTS = 1, 2


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def nodes_of(leaves):
    """{(level, index): hash} of all complete subtrees."""
    nodes, level = {}, [leaf_hash(data) for data in leaves]
    number = 0
    while level:
        nodes.update({(number, i): h for i, h in enumerate(level)})
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        number += 1
    return nodes


def root_of(nodes, size):
    """Of the first leaves, so many."""
    root, at = None, size
    for level in range(size.bit_length()):
        if size >> level & 1:
            at -= 1 << level
            h = nodes[(level, at >> level)]
            root = h if root is None else node_hash(h, root)
    return root if root is not None else hashlib.sha256(b"").digest()


def trees_of(records):
    """{(workspace, tree): records} of the records of usher.audit, sorted by partition and offset."""
    trees = collections.defaultdict(list)
    for r in records:
        tree = REQUESTS if r.value.get("kind") == "request" else CHANGES
        trees[(r.value.get("workspace") or NIL, tree)].append(r)
    return trees


def caught_up(stack, records):
    """Has it taken all of these?"""
    ends = {}
    for r in records:
        ends[r.partition] = max(ends.get(r.partition, 0), r.offset + 1)
    places = dict(stack.sql("SELECT partition, next FROM audit_offset"))
    return all(places.get(p, 0) >= end for p, end in ends.items())


def faults(stack, records, whole=True):
    """All that differs, as sentences. whole: these are all records, so that there must be no other tree."""
    wrong, trees = [], trees_of(records)
    heads = {(w, t): size for w, t, size in stack.sql("SELECT workspace_id::text, tree, size FROM audit_tree")}
    if whole:
        wrong += ["%s/%d is a tree that no record belongs to" % key for key in heads if key not in trees and heads[key]]
    for (workspace, tree), mine in sorted(trees.items()):
        name, n = "%s/%d" % (workspace, tree), len(mine)
        if heads.get((workspace, tree)) != n:
            wrong.append("%s has size %s, the topic %d records" % (name, heads.get((workspace, tree)), n))
        rows = stack.sql("SELECT n, bytes, event FROM audit_leaf WHERE workspace_id = %s AND tree = %s ORDER BY n",
                         workspace, tree)
        if [r[0] for r in rows] != list(range(n)):
            wrong.append("%s has leaves %r" % (name, [r[0] for r in rows][:20]))
        for row, record in zip(rows, mine):
            if bytes(row[1]) != record.text.encode() or row[2] != record.headers["ce_id"]:
                wrong.append("%s: leaf %d is not the record at offset %d" % (name, row[0], record.offset))
        nodes = nodes_of([r.text.encode() for r in mine])
        stored = {(level, index): bytes(h) for level, index, h in stack.sql(
            "SELECT level, index, hash FROM audit_node WHERE workspace_id = %s AND tree = %s", workspace, tree)}
        if stored != nodes:
            wrong.append("%s: %d hashes are stored, %d are right" % (name, len(stored), len(nodes)))
        for size, root, note in stack.sql(
                "SELECT size, root, note FROM audit_checkpoint WHERE workspace_id = %s AND tree = %s", workspace, tree):
            lines = note.split("\n")
            if size > n or bytes(root) != root_of(nodes, size):
                wrong.append("%s: the head of size %d is another one" % (name, size))
            if lines[1:3] != [str(size), base64.b64encode(bytes(root)).decode()]:
                wrong.append("%s: the note of size %d says something else: %r" % (name, size, note))
    return wrong
