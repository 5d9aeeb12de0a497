"""Runs the suites; `run` beside it says how to call it.

A stack (PostgreSQL, broker, worker, ingest) is started for each kind of broker. Its suites run in a few processes at once, because some wait most of their time (a rate
window takes a minute), then those that look at everything, alone. Each process prints a line per test as it ends."""

import collections
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
# PROCESSES take these one after the other, the long ones first, so that they end at about the same time. Some have stacks of their own.
PROCESSES = 6
TOGETHER = ("explain", "diff_patch", "custom", "paging", "limits", "retry", "etag_read", "schema_change", "members", "keys", "bulk", "diff_filter", "dialects_okta", "dialects_directories", "storage",
            "scopes", "isolation", "equivalence", "api_users", "api_members", "api_rooms", "tls", "throttle", "oauth", "dialects_entra", "dialects_entra_gallery", "dialects_governance",
            "dialects_together", "rules_cases", "rules_data", "rules_http", "scim", "bad_input", "entra_session", "okta_session", "preconditions", "prefer", "events", "search", "sort",
            "settings", "roles", "link", "guard", "readme")
# One after the other, in a process that has read all streams along: test_streams judges what all others wrote; test_seats and test_two add a second worker, which test_two ends; the rest stops and
# kills programs. All is judged once more before that, and on real Kafka after it: the embedded broker knows no transactions, so what is broken off there is seen twice.
ALONE = ("streams", "seats", "two", "whole", "admin", "async", "revocation", "idempotency", "outage")
# Only there, unless asked for by name: what Bulks leave behind where their ends are cut off.
LAST = ("bulk_alone", "whole")
# On both brokers: what the topics hold, in which order, and what happens while a program stands still or ends. All others judge HTTP, documents, plans and limits, which are decided in the
# programs and in PostgreSQL with the very same commands on the way; whichever broker carries them, so the one that starts at once is enough for them.
BROKER = {"streams", "events", "async", "members", "bulk", "entra_session", "okta_session", "seats", "admin", "revocation", "idempotency", "outage", "two", "whole", "bulk_alone"}
# Without any stack: the stream reader's own tests come first, since a judge that finds nothing would make all others worthless; so do those of the table of rules and of the documents' check.
FIRST = ("waiting", "stream", "coverage", "lint_docs", "contract")


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
            print("\n".join("        " + line[:500] for line in text.rstrip().splitlines()[:60]))
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
    """In a process of its own: tests on the stack of RUN_DIR; of the suites given, or else of those that come line by line, each when the one before has been told to be done."""
    import case
    if not suites:
        suites = map(str.strip, os.fdopen(os.dup(0)))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # for none of the programs that the tests start
    if os.environ.get("READ_ALONG"):
        case.read_along()
    result = Lines(label)
    for suite in suites:
        good, bad, began = result.good, result.bad, time.monotonic()
        name, _, only = suite.partition(".")
        tests = unittest.defaultTestLoader.loadTestsFromName("test_" + name)
        unittest.TestSuite(_own(tests, "test_" + name, only)).run(result)
        result._previousTestClass = None  # or the next suite would end this one's class and module a second time
        print("suite %s: %d passed, %d failed, %.0f s" % (suite, result.good - good, result.bad - bad, time.monotonic() - began), flush=True)
    case.end_shared()
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
    """A run_process in the background, which from begin() on is given the next of the suites (a deque) whenever it is done with one; its lines are passed on as they come."""

    def __init__(self, label, suites, env):
        self.passed = self.failed = 0
        self.suites, self.at, self.times = suites, None, {}
        self.child = subprocess.Popen([sys.executable, "-B", __file__, "--process", label], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def begin(self):
        try:
            self.at = self.suites.popleft()
            print(self.at, file=self.child.stdin, flush=True)
        except IndexError:
            self.at = None
            self.child.stdin.close()

    def _read(self):
        for line in self.child.stdout:
            done = re.match(r"suite (\S+): (\d+) passed, (\d+) failed, (\d+) s$", line)
            if done:
                self.passed, self.failed, self.times[done[1]] = self.passed + int(done[2]), self.failed + int(done[3]), int(done[4])
                self.begin()
            else:
                print(line, end="", flush=True)

    def wait(self):
        self.thread.join()
        code = self.child.wait()
        if self.at is not None or (code != 0 and self.failed == 0):
            self.failed += 1
            print("FAIL the process of suite %s ended with %d" % (self.at, code))
        return self.passed, self.failed


def run_suites(kind, together, alone, env):
    """(passed, failed, seconds of each suite)"""
    waiting, judging = collections.deque(together), collections.deque(alone)
    judges = [Process(kind, judging, dict(env, READ_ALONG="1" if kind == KINDS[0] else ""))] if alone else []
    passed, failed, times = 0, 0, {}
    for processes in ([Process(kind, waiting, env) for _ in range(min(PROCESSES, len(together)))], judges):
        for p in processes:
            p.begin()
        for p in processes:
            good, bad = p.wait()
            passed, failed = passed + good, failed + bad
            times.update(p.times)
    for suite in [*waiting, *judging]:
        failed += 1
        print("FAIL nobody was left to run suite %s" % suite)
    return passed, failed, times


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


def run_kind(kind, wanted, by_rule):
    """by_rule: a real broker is only for the suites that need one."""
    import stack as stacks
    given = os.environ.get("RUN_DIR")
    run_dir = given or tempfile.mkdtemp(prefix="usher-tests-%s-" % kind)
    stack = stacks.Stack(run_dir, kind, os.environ.get("FLAVOUR", "asan"))
    passed = failed = 0
    began = time.monotonic()
    # Suites let the broker stand still for longer than it counts as alive. Kafka 4.3 then drops the markers of the transactions that were open (KAFKA-20734, ops/kafka/kafka-local), and what was
    # broken off is committed with the next transaction: Kafka's fault, and not what they look at. (Brokers that die and come back: tests/crash.)
    os.environ["SESSION_MS"] = "120000"
    try:
        if given:
            stack.reload()
        else:
            stack.start()
            print("---- %s: the stack is up after %.0f s (%s)" % (kind, time.monotonic() - began, run_dir), flush=True)
        env = dict(os.environ, RUN_DIR=run_dir, KAFKA=kind, FLAVOUR=stack.flavour, BUILD="no")  # start() has built
        due = {s for s in suites_here() if _wants(wanted, s) and (s in BROKER or kind != "real" or not by_rule)}
        words = [[w for s in suites if s in due for w in _selected(wanted, s)] for suites in (TOGETHER, ALONE + (LAST if wanted or kind == "real" else ()))]
        passed, failed, times = run_suites(kind, *words, env)
        print("---- %s: seconds of each suite: %s" % (kind, ", ".join("%s %d" % t for t in sorted(times.items(), key=lambda t: -t[1]))))
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
        if name in ("waiting", "stream", "coverage", "lint_docs") or _wants(wanted, name):
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
    forgotten = set(suites_here()) - set(ALONE + LAST + TOGETHER + FIRST)
    assert not forgotten, "not listed here: %s" % forgotten
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed, failed = run_first(wanted)
    for kind in kinds if not wanted or set(w.partition(".")[0] for w in wanted) - set(FIRST) else ():
        ok, bad = run_kind(kind, wanted, not wanted or len(kinds) > 1)
        passed, failed = passed + ok, failed + bad
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 and passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
