"""Rows of the outbox, read with the words of schemas/stream/row.h."""

import collections

NONE = 0xFFFFFFFF
TOPICS = ("usher.membership", "usher.rooms", "usher.events", "usher.audit")

Item = collections.namedtuple("Item", "topic workspace txn ce_id")


class Reader:
    def __init__(self, row):
        self.row, self.at = row, 0

    def number(self, n):
        self.at += n
        return int.from_bytes(self.row[self.at - n:self.at], "little")

    def text(self):
        n = self.number(4)
        if n == NONE:
            return None
        self.at += n + 1
        return self.row[self.at - n - 1:self.at - 1].decode(errors="replace")


def items(row):
    """Its records, without the dead letters."""
    r, found, workspace, txn = Reader(bytes(row)), [], None, None
    if r.number(1) != 1:
        raise ValueError("a row of another version")
    while r.at < len(r.row):
        kind = chr(r.number(1))
        if kind == "S":
            workspace, txn, _ = r.text(), r.text(), r.text()
            r.number(8)
        elif kind == "R":
            topic = TOPICS[r.number(1)]
            _, ce_id, _, _ = r.text(), r.text(), r.text(), r.text()
            r.number(24)
            r.text()
            found.append(Item(topic, workspace, txn, ce_id))
        else:
            r.number(8)
            for _ in range(5):
                r.text()
            r.number(16)
    return found
