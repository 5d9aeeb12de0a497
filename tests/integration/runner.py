"""Runs the suites; `run` beside it says how to call it.

A stack (PostgreSQL, broker, worker, ingest) is started for each kind of broker. Its suites run in a few processes at once, because some wait most of their time (a rate
window takes a minute), then those that look at everything, alone. Each process prints a line per test as it ends."""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(os.path.dirname(HERE), "support")
sys.path[:0] = [HERE, SUPPORT]
KINDS = ("embedded", "real")
# Processes side by side, then one after the other: test_streams judges what all others wrote, test_outage stops programs, test_two adds a worker and an ingest, test_custom and test_schema_change have stacks of their own.
TOGETHER = (("retry", "dialects_together", "rules_data"), ("limits", "storage", "bulk", "dialects_directories"), ("entra_session", "okta_session", "scim", "dialects_governance"),
            ("bad_input", "members", "preconditions", "prefer", "events"), ("dialects_entra", "dialects_entra_gallery", "dialects_okta"), ("diff_filter", "diff_patch"), ("rules_cases", "rules_http"),
            ("search", "sort", "etag_read"), ("paging",), ("keys", "oauth", "throttle", "tls"))
ALONE = ("explain", "admin", "streams", "async", "revocation", "outage", "two", "bulk_alone", "custom", "schema_change")
# The rate is PostgreSQL's alone, as are documents and unique values: once is enough, whichever broker stands beside.
ONCE = {s: "embedded" for s in ("retry", "custom", "schema_change", "diff_filter", "diff_patch", "explain", "paging", "search", "sort", "etag_read")}
# Without any stack: the stream reader's own tests come first, since a judge that finds nothing would make all others worthless; so do those of the table of rules.
FIRST = ("stream", "coverage", "contract")


class Lines(unittest.TestResult):
    """A line per test; what went wrong below it."""

    def __init__(self, label):
        super().__init__()
        self.label, self.bad, self.good = label, 0, 0

    def startTest(self, test):
        super().startTest(test)
        self.began, self.subtests, self.told = time.monotonic(), [], False

    def _name(self, test):
        return re.sub(r"^__main__\.|^test_", "", test.id())

    def _say(self, word, test, text=""):
        print("%-4s %-8s %s (%.1f s)" % (word, self.label, self._name(test), time.monotonic() - getattr(self, "began", time.monotonic())))
        if text:
            print("\n".join("        " + line for line in text.rstrip().splitlines()[:60]))
        sys.stdout.flush()

    def addSuccess(self, test):
        self.good += 1
        self.told = True
        self._say("ok", test)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.subtests.append("%s: %s" % (subtest._subDescription(), "\n".join(_short(err).splitlines()[:6])))

    def stopTest(self, test):
        super().stopTest(test)
        if not self.told:  # a test of which some sub-tests failed ends without any other call
            self._bad(test, "%d sub-tests failed\n%s" % (len(self.subtests), "\n".join(self.subtests[:20])))

    def _bad(self, test, text):
        self.bad += 1
        self.told = True
        self._say("FAIL", test, text)

    def addFailure(self, test, err):
        self._bad(test, _short(err))

    def addError(self, test, err):
        self._bad(test, _short(err) if issubclass(err[0], AssertionError) else "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        self._bad(test, "skipped: " + reason)  # no test here may be skipped silently


def _short(err):
    """The assertion and the line of the test that made it."""
    lines = traceback.extract_tb(err[2])
    ours = [f for f in lines if os.path.basename(f.filename).startswith("test_")]
    where = "%s:%d" % (os.path.basename(ours[-1].filename), ours[-1].lineno) if ours else ""
    return "%s %s: %s" % (where, err[0].__name__, err[1])


def suites_here():
    return sorted(os.path.basename(p)[5:-3] for p in glob.glob(os.path.join(HERE, "test_*.py")))


def run_process(label, suites):
    """In a process of its own: the suites' tests on the stack of RUN_DIR."""
    import case
    result = Lines(label)
    for suite in suites:
        name, _, only = suite.partition(".")
        tests = unittest.defaultTestLoader.loadTestsFromName("test_" + name)
        unittest.TestSuite(_own(tests, "test_" + name, only)).run(result)
    case.end_shared()
    print("%d passed, %d failed" % (result.good, result.bad))
    return 0 if result.bad == 0 else 1


def _flat(tests):
    for t in tests:
        if isinstance(t, unittest.TestSuite):
            yield from _flat(t)
        else:
            yield t


def _own(tests, module, only=""):
    """The tests that belong to the suite itself: a base class that it imports from another suite is not run again."""
    for t in _flat(tests):
        home = type(t).__module__
        if (home == module or not home.startswith("test_")) and only in t.id():
            yield t


class Process:
    """A run_process in the background; its lines are passed on as they come."""

    def __init__(self, label, suites, env):
        self.passed = self.failed = 0
        self.child = subprocess.Popen([sys.executable, "-B", __file__, "--process", label, *suites], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        for line in self.child.stdout:
            total = re.match(r"(\d+) passed, (\d+) failed$", line)
            if total:
                self.passed, self.failed = int(total.group(1)), int(total.group(2))
            else:
                print(line, end="", flush=True)

    def wait(self):
        self.thread.join()
        if self.child.wait() != 0 and self.failed == 0:
            self.failed = 1
        return self.passed, self.failed


def tails(run_dir):
    for path in sorted(glob.glob(os.path.join(run_dir, "log", "*.log"))):
        with open(path, errors="replace") as f:
            lines = f.read().splitlines()
        if lines:
            print("---- end of %s" % os.path.basename(path))
            print("\n".join(lines[-25:]))


def sanitizer_findings(run_dir):
    found = []
    for path in glob.glob(os.path.join(run_dir, "log", "*.log")):
        with open(path, errors="replace") as f:
            text = f.read()
        for m in re.finditer(r"ERROR: \w+Sanitizer.*|runtime error:.*|WARNING: ThreadSanitizer.*", text):
            found.append("%s: %s" % (os.path.basename(path), m.group(0)))
    return found


def run_kind(kind, wanted):
    import stack as stacks
    given = os.environ.get("RUN_DIR")
    run_dir = given or tempfile.mkdtemp(prefix="usher-tests-%s-" % kind)
    stack = stacks.Stack(run_dir, kind, os.environ.get("FLAVOUR", "asan"))
    passed = failed = 0
    began = time.monotonic()
    try:
        if given:
            stack.reload()
        else:
            stack.start()
            print("---- %s: the stack is up after %.0f s (%s)" % (kind, time.monotonic() - began, run_dir), flush=True)
        env = dict(os.environ, RUN_DIR=run_dir, KAFKA=kind, FLAVOUR=stack.flavour)
        rounds = [[[s for s in group if _wants(wanted, s) and ONCE.get(s, kind) == kind] for group in TOGETHER]] + [[[s]] for s in ALONE if _wants(wanted, s)]
        for groups in rounds:
            processes = [Process(kind, [w for s in group for w in _selected(wanted, s)], env) for group in groups if group]
            for p in processes:
                ok, bad = p.wait()
                passed, failed = passed + ok, failed + bad
        stack.reload()  # a suite that kills a program starts another in its place
        for name in ("INGEST", "WORKER", "BROKER", "POSTGRES"):
            if not stack.alive(name):
                failed += 1
                print("FAIL %-8s %s has died" % (kind, name))
        if not given:
            code, text = stack.stop()
            findings = sanitizer_findings(run_dir)
            for f in findings + ([] if code == 0 and "killed" not in text else ["stop ended with %s: %s" % (code, text.strip()[-300:])]):
                failed += 1
                print("FAIL %-8s %s" % (kind, f))
            if not findings and code == 0:
                passed += 1
                print("ok   %-8s everything stopped in order, no sanitizer has complained" % kind)
    except Exception as trouble:  # noqa: BLE001 - told, counted, and the other kind still runs
        failed += 1
        print("FAIL %-8s %s" % (kind, trouble))
        traceback.print_exc()
    finally:
        if not given:
            if failed:
                tails(run_dir)
            stack.stop()
            if failed or os.environ.get("KEEP"):
                print("---- kept: %s" % run_dir)
            else:
                shutil.rmtree(run_dir, ignore_errors=True)
    print("---- %s: %d passed, %d failed, %.0f s" % (kind, passed, failed, time.monotonic() - began), flush=True)
    return passed, failed


def _wants(wanted, suite):
    return not wanted or any(w.partition(".")[0] == suite for w in wanted)


def _selected(wanted, suite):
    """"members.test_100" selects tests of a suite by a part of their name."""
    return [w for w in wanted if w.partition(".")[0] == suite] or [suite]


def run_first(wanted):
    result = Lines("first")
    for name in FIRST:
        if name in ("stream", "coverage") or _wants(wanted, name):
            unittest.TestSuite(_own(unittest.defaultTestLoader.loadTestsFromName("test_" + name), "test_" + name)).run(result)
    return result.good, result.bad


def main(words):
    if words[:1] == ["--process"]:
        return run_process(words[1], words[2:])
    kinds = [w for w in words if w in KINDS] or list(KINDS)
    wanted = [w.removeprefix("test_") for w in words if w not in KINDS]
    unknown = [w for w in wanted if w.partition(".")[0] not in suites_here()]
    if unknown:
        print("no such suite: %s; there are %s" % (", ".join(unknown), ", ".join(suites_here())), file=sys.stderr)
        return 2
    listed = set(ALONE) | {s for g in TOGETHER for s in g} | set(FIRST) - {"stream", "coverage"}
    assert listed == set(suites_here()), "suites and plan differ: %s" % (listed ^ set(suites_here()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed, failed = run_first(wanted)
    for kind in kinds if not wanted or set(w.partition(".")[0] for w in wanted) - set(FIRST) else ():
        ok, bad = run_kind(kind, wanted)
        passed, failed = passed + ok, failed + bad
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 and passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
