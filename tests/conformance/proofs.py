"""What others make of the audit: Go's sumdb/note and tlog check its trees and proofs, and the published schemas of OCSF
its events."""

import glob
import json
import os
import shutil
import subprocess

import pinned
from programs import json_lines, run_quietly

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ENOUGH, EVERY = 10007, 7  # records of each tree; every seventh with its proofs


def _program(name):
    """A C program of the tests, built."""
    path = os.path.join("build", "release", "tests", "integration", name)
    subprocess.run(["make", "-s", "--no-print-directory", path], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return os.path.join(ROOT, path)


def _saved(work, name, text):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def proof(workspace, key, work):
    folder = shutil.copytree(os.path.join(HERE, "oracle"), os.path.join(work, "oracle"))
    oracle = pinned.go_build(folder)
    made = run_quietly([_program("audit_fill"), workspace.id, str(ENOUGH), str(EVERY)])
    with open(_saved(work, "lines", made.stdout)) as f:
        return json_lines([oracle], {}, stdin=f)


def _records():
    """The examples of the contract, and one of each class that they do not have."""
    for path in sorted(glob.glob(os.path.join(ROOT, "schemas", "examples", "audit.*.json"))):
        with open(path) as f:
            found = json.load(f)
        if found["headers"]["ce_type"].startswith("usher.audit."):
            yield found["headers"]["ce_id"], found["value"]
    with open(os.path.join(ROOT, "schemas", "examples", "audit.change-user-updated.json")) as f:
        change = json.load(f)["value"]
    for action in ("user.created", "user.deactivated", "user.reactivated", "user.deleted", "seat.taken", "user.login"):
        yield "w/audit/1", dict(change, action=action)
    with open(os.path.join(ROOT, "schemas", "examples", "audit.change-member-removed.json")) as f:
        change = json.load(f)["value"]
    for action in ("member.added", "member.held", "room.renamed", "room.deleted"):
        yield "w/audit/1", dict(change, action=action)


def ocsf(workspace, key, work):
    lines = "".join(json.dumps({"event": event, "record": record}) + "\n" for event, record in _records())
    made = run_quietly(["sh", "-c", '"$0" < "$1"', _program("ocsf_lines"), _saved(work, "records", lines)])
    python = os.path.join(pinned.python("ocsf"), "python")
    with open(_saved(work, "events", made.stdout)) as f:
        return json_lines([python, "-B", os.path.join(HERE, "ocsf_run.py")], {}, stdin=f)
