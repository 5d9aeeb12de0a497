"""What a suite said, held against the list of failures that are meant to be (expected.json)."""

import json
import os
import re
from collections import namedtuple

EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")
MEMBERS = {"suite", "keys", "check", "reason"}

# ok: True, False, or None where the suite itself left the check out. The name is the same in every run, so that the
# list can name it.
Result = namedtuple("Result", "check ok detail")


class Skip(Exception):
    """The suite cannot run here; the text says why."""


class Verdict:
    """Of one suite with a key of one dialect. failed: what nobody expected, and expected failures that did not come
    (the list would rot otherwise)."""

    def __init__(self):
        self.passed, self.skipped, self.expected, self.failed = [], [], [], []


def load(path=EXPECTED):
    with open(path) as f:
        entries = json.load(f)
    for e in entries:
        if set(e) != MEMBERS or not e["reason"] or not e["keys"]:
            raise ValueError("%s: an entry has suite, keys, check and reason: %s" % (path, e))
    return entries


def _matches(pattern, name):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name, re.DOTALL) is not None


def judge(suite, key, results, entries):
    """`check` of an entry is a check's name; `*` stands for anything."""
    verdict = Verdict()
    mine = [e for e in entries if e["suite"] == suite and key in e["keys"]]
    used = set()
    for r in results:
        if r.ok is None:
            verdict.skipped.append(r)
        elif r.ok:
            verdict.passed.append(r)
        else:
            hit = next((i for i, e in enumerate(mine) if _matches(e["check"], r.check)), None)
            if hit is None:
                verdict.failed.append(r)
            else:
                used.add(hit)
                verdict.expected.append((r, mine[hit]["reason"]))
    for i, e in enumerate(mine):
        if i not in used:
            verdict.failed.append(Result(e["check"], False,
                                         "is on the list of expected failures and did not fail: take it off"))
    if not results:
        verdict.failed.append(Result(suite, False, "the suite said nothing"))
    return verdict
