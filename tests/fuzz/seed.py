#!/usr/bin/python3
"""Makes the first inputs of the fuzz targets, tests/fuzz/corpus/<target>/case-*, out of the cases in tests/cases and
the examples in schemas/examples. What else lies in a corpus folder was put there by hand and stays. With --check it
writes nothing, and fails where a target would get none."""

import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TYPES, DIALECTS = ("User", "Group", "Probe"), ("rfc", "entra", "okta")
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
AT_MOST = 60  # of each target


def cases(*pattern):
    """(file, case) of those whose type a fuzz target knows."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "cases", *pattern))):
        with open(path) as f:
            found = json.load(f)
        for case in found if isinstance(found, list) else [found]:
            if case.get("type", "User") in TYPES:
                yield os.path.basename(path)[:-5], case


def kind(case):
    """The first byte of an input: tests/fuzz/fuzz.h says what it means."""
    return str(TYPES.index(case.get("type", "User")) + 3 * DIALECTS.index(case.get("dialect", "rfc")))


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def filters():
    for name, case in cases("filter", "*", "*.json"):
        for text in [case["filter"]] if "filter" in case else case["true"][::3] + case["false"][::9]:
            yield kind(case) + text


def paths():
    for _, case in cases("patch", "*.json"):
        for op in case.get("ops", ()):
            if isinstance(op, dict) and isinstance(op.get("path"), str):
                yield kind(case) + op["path"]


def patches():
    for _, case in cases("patch", "*.json"):
        yield kind(case) + compact({k: case[k] for k in ("doc", "ops", "body") if k in case})


def bodies():
    for _, case in cases("resource", "*", "*.json"):
        yield kind(case) + compact(case["body"])


def commands():
    for path in sorted(glob.glob(os.path.join(ROOT, "schemas", "examples", "*.json"))):
        name = os.path.basename(path)
        if name.startswith(("commands.", "replies.")):
            with open(path) as f:
                yield name[0] + compact(json.load(f)["value"])


def records():
    for path in sorted(glob.glob(os.path.join(ROOT, "schemas", "examples", "*.json"))):
        if os.path.basename(path).startswith(("audit.", "replies.")):
            with open(path) as f:
                yield compact(json.load(f)["value"])


def heads():
    for _, case in cases("sessions", "*.json"):
        for step in case["steps"]:
            line = re.sub(r"\$\{(\w+)\}", r"\1", step["request"]["line"]) if "request" in step else ""
            method, _, target = line.partition(" ")
            if target:
                yield "%s /scim/v2%s HTTP/1.1\nHost: usher.example\nAuthorization: Bearer x\n" % (
                    method, target.replace(" ", "%20").replace('"', "%22"))


def spread(found):
    """Not more than AT_MOST, each once, from all over the list."""
    found = list(dict.fromkeys(found))
    step = max(1, -(-len(found) // AT_MOST))
    return found[::step]


def write(target, texts):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(os.path.join(folder, "case-*")):
        os.remove(old)
    for n, text in enumerate(texts):
        with open(os.path.join(folder, "case-%02d" % n), "w") as f:
            f.write(text)


def main():
    for target, found in (("filter", filters()), ("path", paths()), ("patch", patches()), ("body", bodies()),
                          ("command", commands()), ("jscan", records()), ("http", heads())):
        texts = spread(found)
        if not texts:
            sys.exit("no inputs for %s" % target)
        if "--check" not in sys.argv:
            write(target, texts)
        print("%-8s %d inputs" % (target, len(texts)))


if __name__ == "__main__":
    main()
