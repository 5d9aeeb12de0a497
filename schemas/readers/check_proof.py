#!/usr/bin/env python3
"""Checks a proof of usher's audit (`usherctl audit prove`) without usher, database or network: the record stands in the
tree, and the root of the tree was signed. Standard library alone; the formats are C2SP tlog-proof, tlog-checkpoint and
signed-note, RFC 6962 and RFC 8032.

    check_proof.py FILE VKEY        prints the record; exit code 1: it is not proved
"""

import base64
import hashlib
import json
import sys

P, D = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19) % (2**255 - 19)
ORDER = 2**252 + 27742317777372353535851937790883648493


def add(a, b):
    """Points of the curve, in extended coordinates."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    out = (0, 1, 1, 0)
    while n > 0:
        out = add(out, point) if n & 1 else out
        point, n = add(point, point), n >> 1
    return out


def decode_point(octets):
    y = int.from_bytes(octets, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(key, text, signature):
    """Ed25519."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % ORDER
    left, right = times(s, BASE), add(decode_point(signature[:32]), times(h, decode_point(key)))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    node, last = hashlib.sha256(b"\0" + leaf).digest(), size - 1
    if not 0 <= index < size:
        raise ValueError("the tree has no such record")
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not index & 1 and index > 0:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ValueError("the path is too short")
    return node


def check(text, vkey):
    """Gives the record; ValueError: it is not proved."""
    head, note = text.split("\n\n", 1)
    lines, name_id_key = head.split("\n"), vkey.rsplit("+", 2)
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise ValueError("this is no proof of a record")
    record = base64.b64decode(lines[1][6:], validate=True)
    path = [base64.b64decode(line, validate=True) for line in lines[3:]]
    signed, signatures = note.split("\n\n", 1)
    origin, size, root = signed.split("\n")
    name, key = name_id_key[0], base64.b64decode(name_id_key[2], validate=True)
    if key[0] != 1 or hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != name_id_key[1]:
        raise ValueError("this is no public key")
    for line in signatures.splitlines():
        dash, who, octets = line.split(" ")
        octets = base64.b64decode(octets, validate=True)
        if dash != "\u2014" or who != name or octets[:4].hex() != name_id_key[1]:
            continue  # somebody else's
        if not is_signed(key[1:], (signed + "\n").encode(), octets[4:]):
            raise ValueError("the signature is wrong")
        if root_of(record, int(lines[2][6:]), int(size), path) != base64.b64decode(root, validate=True):
            raise ValueError("the record is not in this tree")
        return record
    raise ValueError("the key has not signed it")


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as f:
            print(json.dumps(json.loads(check(f.read(), sys.argv[2])), indent=1))
    except (ValueError, IndexError) as wrong:
        sys.exit("not proved: %s" % wrong)
