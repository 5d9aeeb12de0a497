"""Runs the suites one after the other; `run` beside it says how to call it."""

import os
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
import stack as stacks  # noqa: E402
import suites  # noqa: E402
import pinned  # noqa: E402
from judge import Result, Skip, Verdict, judge, load  # noqa: E402


def take_stack():
    """(stack, whether it is ours to stop)"""
    env = os.environ.get("USHER_ENV")
    flavour = os.environ.get("FLAVOUR", "asan")
    if env:
        if os.path.basename(env) != "env":
            sys.exit("conformance: USHER_ENV is the path of a RUN_DIR/env, not %s" % env)
        found = stacks.Stack(os.path.dirname(os.path.abspath(env)), flavour=flavour, port=1)
        found.reload()
        return found, False
    # With a resource type and an extension of an operator's own, which the suites find by discovery. (No dateTime, no
    # decimal: scim2-tester cannot make up values of those.)
    for program in ("INGEST_ARGS", "WORKER_ARGS"):
        os.environ[program] = "%s --schema-dir %s" % (os.environ.get(program, ""), os.path.join(HERE, "schemas"))
    return stacks.temporary(flavour=flavour, name="usher-conformance").start(), True


def say(suite, key, verdict):
    for r, reason in verdict.expected:
        print("     %s\n        expected to fail: %s" % (r.check, reason))
    for r in verdict.failed:
        print("FAIL %s (%s) %s\n        %s" % (suite, key, r.check, r.detail))
    for r in verdict.skipped:
        print("     %s: left out%s" % (r.check, ": " + r.detail if r.detail else ""))
    print("%-4s %s (%s key): %d passed, %d failed, %d expected to fail, %d left out" %
          ("FAIL" if verdict.failed else "ok", suite, key, len(verdict.passed), len(verdict.failed),
           len(verdict.expected), len(verdict.skipped)), flush=True)


def run_suite(stack, suite, key, entries):
    """The verdict on one suite with a key of that dialect, in a new workspace; None if it cannot run here."""
    work = tempfile.mkdtemp(prefix="usher-conformance-")
    try:
        return judge(suite, key, suites.ALL[suite](stack.workspace(suite, dialect=key), key, work), entries)
    except (Skip, pinned.Unreachable) as why:
        print("skip %s: %s" % (suite, why), flush=True)
        return None
    except (pinned.InstallError, OSError) as e:
        verdict = Verdict()
        verdict.failed.append(Result("can be run", False, str(e)))
        return verdict
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main(words):
    unknown = [w for w in words if w not in suites.ALL]
    if unknown:
        sys.exit("conformance: no suite %s (there are %s)" % (", ".join(unknown), ", ".join(suites.ALL)))
    own = unittest.defaultTestLoader.loadTestsFromName("test_judge")
    if not unittest.TextTestRunner(stream=open(os.devnull, "w")).run(own).wasSuccessful():
        sys.exit("conformance: the judge does not judge: python3 %s/test_judge.py" % HERE)
    entries = load()
    stack, ours = take_stack()
    passed = failed = 0
    try:
        for suite in words or suites.ALL:
            for key in suites.KEYS[suite]:
                verdict = run_suite(stack, suite, key, entries)
                if verdict is None:
                    break
                say(suite, key, verdict)
                passed, failed = passed + len(verdict.passed), failed + len(verdict.failed)
    finally:
        stack.forget()
        if ours:
            stack.stop()
            if os.environ.get("KEEP"):
                print("conformance: the stack's folder is %s" % stack.run_dir)
            else:
                stacks.remove(stack)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
