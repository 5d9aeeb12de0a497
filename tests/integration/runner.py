"""Runs the suites that plan.py names; `run` beside it says how to call it.

For each kind of broker a stack is started (PostgreSQL, broker, worker, ingest). Its suites run in processes of their
own, which print a line per test as it ends. At the end the seconds of each suite, the slowest first."""

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

import once_more  # noqa: E402
import plan  # noqa: E402
from lines import Lines  # noqa: E402


# ---------------------------------------------------------------- in a process of its own

def run_process(label, suites):
    """The suites given; or else those that come line by line, each when the one before has been told to be done. They
    run on the stack of RUN_DIR."""
    import case
    if not suites:
        suites = map(str.strip, os.fdopen(os.dup(0)))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # for none of the programs that the tests start
    if os.environ.get("READ_ALONG"):
        case.read_along()
    result = Lines(label)
    for suite in suites:
        good, bad, began = result.good, result.bad, time.monotonic()
        run_suite(suite, result)
        took = time.monotonic() - began
        numbers = suite, result.good - good, result.bad - bad, took
        print("suite %s: %d passed, %d failed, %.0f s" % numbers, flush=True)
    case.end_shared()
    return 0 if result.bad == 0 else 1


def run_suite(suite, result):
    name, _, part = suite.partition(".")
    module = "test_" + name
    tests = unittest.defaultTestLoader.loadTestsFromName(module)
    unittest.TestSuite(t for t in flat(tests) if is_own(t, module) and part in t.id()).run(result)
    result._previousTestClass = None  # or the next suite would end this one's class and module a second time


def flat(tests):
    for t in tests:
        if isinstance(t, unittest.TestSuite):
            yield from flat(t)
        else:
            yield t


def is_own(test, module):
    """Not of a base class that the suite imports from another suite: that is run there."""
    home = type(test).__module__
    return home == module or not home.startswith("test_")


class Process:
    """A run_process in the background. From begin() on it is given the next of the suites (a deque) whenever it is done
    with one; its lines are passed on as they come."""

    def __init__(self, label, suites, env):
        self.passed = self.failed = 0
        self.suites, self.at, self.times, self.red = suites, None, {}, []
        self.child = subprocess.Popen([sys.executable, "-B", __file__, "--process", label], env=env, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
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
                self.passed, self.failed = self.passed + int(done[2]), self.failed + int(done[3])
                self.times[done[1]] = int(done[4])
                self.begin()
            else:
                self.red += filter(None, [once_more.name_in(line)])
                print(line, end="", flush=True)

    def wait(self):
        self.thread.join()
        code = self.child.wait()
        if self.at is not None or (code != 0 and self.failed == 0):
            self.failed += 1
            print("FAIL the process of suite %s ended with %d" % (self.at, code))
        return self.passed, self.failed


# ---------------------------------------------------------------- on a stack

def run_suites(kind, together, alone, own, env):
    """(passed, failed, {suite: seconds})"""
    waiting, judging, apart = collections.deque(together), collections.deque(alone), collections.deque(own)

    def processes(many, suites):
        return [Process(kind, suites, env) for _ in range(min(many, len(suites)))]

    # The process of those that run alone is there from the start: it reads the streams along.
    read_along = dict(env, READ_ALONG="1" if kind == "embedded" else "")
    judges = [Process(kind, judging, read_along)] if alone else []
    times, others = {}, processes(plan.PROCESSES, waiting)
    passed, failed = run_group(others, times)
    mended = run_once_more(kind, [name for p in others for name in p.red], failed, env)
    passed, failed = passed + mended, failed - mended
    for good, bad in run_group(judges, times), run_group(processes(plan.OWN_PROCESSES, apart), times):
        passed, failed = passed + good, failed + bad
    for suite in [*waiting, *judging, *apart]:
        failed += 1
        print("FAIL nobody was left to run suite %s" % suite)
    return passed, failed, times


def run_group(processes, times):
    """Lets them take their suites until none is left: (passed, failed); notes the seconds of each suite."""
    for p in processes:
        p.begin()
    counts = [p.wait() for p in processes]
    for p in processes:
        times.update(p.times)
    return sum(good for good, _ in counts), sum(bad for _, bad in counts)


def run_once_more(kind, red, failed, env):
    """How many of these tests pass when nothing runs beside them (once_more.py)."""
    if not once_more.worth_it(red, failed):
        return 0
    print("---- %s: once more, alone: %s" % (kind, ", ".join(red)), flush=True)
    process = Process(kind, collections.deque(red), env)
    process.begin()
    failed_again = process.wait()[1]
    mended = once_more.mended(red, process.red, failed_again)
    for name in mended:
        print("ALONE %s %s passed only when it ran alone" % (kind, name), flush=True)
    return len(mended)


def print_times(kind, times):
    print("---- %s: seconds of each suite" % kind)
    for suite, seconds in sorted(times.items(), key=lambda t: -t[1]):
        print("%9d  %s" % (seconds, suite))


def logs_of(run_dir):
    for path in sorted(glob.glob(os.path.join(run_dir, "log", "*.log"))):
        with open(path, errors="replace") as f:
            yield os.path.basename(path), f.read()


def print_ends_of_logs(run_dir):
    for name, text in logs_of(run_dir):
        if text:
            print("---- end of %s" % name)
            print("\n".join(text.splitlines()[-25:]))


def sanitizer_findings(run_dir):
    finding = re.compile(r"ERROR: \w+Sanitizer.*|runtime error:.*|WARNING: ThreadSanitizer.*")
    return ["%s: %s" % (name, m.group(0)) for name, text in logs_of(run_dir) for m in finding.finditer(text)]


def run_kind(kind, wanted, all_kinds):
    """Everything on one broker: (passed, failed)."""
    import stack as stacks
    given = os.environ.get("RUN_DIR")
    run_dir = given or tempfile.mkdtemp(prefix="usher-tests-%s-" % kind)
    stack = stacks.Stack(run_dir, kind, os.environ.get("FLAVOUR", "asan"))
    passed = failed = 0
    began = time.monotonic()
    # Suites let the broker stand still for longer than it counts as alive. Kafka 4.3 then drops the markers of the
    # transactions that were open (KAFKA-20734, ops/kafka/kafka-local), and what was broken off is committed with the
    # next transaction. That is Kafka's fault, and not what they look at. (Brokers that die and come back: tests/crash.)
    os.environ["SESSION_MS"] = "120000"
    try:
        if given:
            stack.reload()
        else:
            stack.start()
            print("---- %s: the stack is up after %.0f s (%s)" % (kind, time.monotonic() - began, run_dir), flush=True)
        env = dict(os.environ, RUN_DIR=run_dir, KAFKA=kind, FLAVOUR=stack.flavour, BUILD="no")  # start() has built
        passed, failed, times = run_suites(kind, *plan.on_stack(kind, wanted, all_kinds), env)
        print_times(kind, times)
        good, bad = judge_end(kind, stack, given)
        passed, failed = passed + good, failed + bad
    except Exception as trouble:  # noqa: BLE001 - told, counted, and the other kind still runs
        failed += 1
        print("FAIL %-8s %s" % (kind, trouble))
        traceback.print_exc()
    finally:
        if not given:
            if failed:
                print_ends_of_logs(run_dir)
            stack.stop()
            if failed or os.environ.get("KEEP"):
                print("---- kept: %s" % run_dir)
            else:
                shutil.rmtree(run_dir, ignore_errors=True)
    print("---- %s: %d passed, %d failed, %.0f s" % (kind, passed, failed, time.monotonic() - began), flush=True)
    return passed, failed


def judge_end(kind, stack, given):
    """All programs must be there still, and end well: (passed, failed)."""
    stack.reload()  # a suite that kills a program starts another in its place
    faults = ["%s has died" % name for name in ("INGEST", "WORKER", "BROKER", "POSTGRES") if not stack.alive(name)]
    if not given:
        code, text = stack.stop()
        if code != 0 or "killed" in text:
            faults.append("stop ended with %s: %s" % (code, text.strip()[-300:]))
        faults += sanitizer_findings(stack.run_dir)
        if not faults:
            print("ok   %-8s everything stopped in order, no sanitizer has complained" % kind)
    for fault in faults:
        print("FAIL %-8s %s" % (kind, fault))
    return (1 if not given and not faults else 0), len(faults)


def run_first(wanted):
    result, times = Lines("first"), {}
    for suite in plan.first(wanted):
        began = time.monotonic()
        run_suite(suite, result)
        times[suite] = time.monotonic() - began
    print_times("first", times)
    return result.good, result.bad


def main(words):
    if words[:1] == ["--process"]:
        return run_process(words[1], words[2:])
    kinds = [w for w in words if w in plan.KINDS] or list(plan.KINDS)
    wanted = [w.removeprefix("test_") for w in words if w not in plan.KINDS]
    unknown = [w for w in wanted if plan.name_of(w) not in plan.suites_here()]
    if unknown:
        print("no such suite: %s; there are %s" % (", ".join(unknown), ", ".join(plan.suites_here())), file=sys.stderr)
        return 2
    assert not plan.forgotten(), "not named in plan.py: %s" % plan.forgotten()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed, failed = run_first(wanted) if wanted or "embedded" in kinds else (0, 0)  # make test runs each kind by itself
    for kind in kinds if not wanted or {plan.name_of(w) for w in wanted} - set(plan.FIRST) else ():
        good, bad = run_kind(kind, wanted, not wanted or len(kinds) > 1)
        passed, failed = passed + good, failed + bad
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 and passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
