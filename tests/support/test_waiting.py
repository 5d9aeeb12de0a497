"""The waits of waiting.py and topics.py: they go on while something moves, end after silence, and say what was seen.

Their clock is the test's own: it is put forward where the test means that time passes. So nothing here depends on how
fast the machine is, and minutes take no time."""

import itertools
import os
import re
import subprocess
import sys
import time
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import topics  # noqa: E402
import waiting  # noqa: E402
from waiting import SILENCE, Silence, let_time_pass, wait_until  # noqa: E402

NEARLY = 0.9 * SILENCE  # seconds


class Clock:
    """In the place of the module `time` within waiting.py."""

    def __init__(self, test):
        self.now = 1000.0
        self.began = self.now
        replaced = mock.patch.object(waiting, "time", self)
        replaced.start()
        test.addCleanup(replaced.stop)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def moves(self, value, seconds=NEARLY):
        """Puts the clock forward whenever the value is another one than last time."""
        if value != getattr(self, "last", None):
            self.now += seconds
        self.last = value
        return value

    @property
    def passed(self):
        return self.now - self.began


class Case(unittest.TestCase):
    def setUp(self):
        self.clock = Clock(self)
        for module, name in ((waiting, "LOOK"), (topics, "LOOK")):
            replaced = mock.patch.object(module, name, 0.02)
            replaced.start()
            self.addCleanup(replaced.stop)


class Until(Case):
    def test_gives_the_value(self):
        self.assertEqual(wait_until(lambda: [7], "a list"), [7])

    def test_silence_ends_it_and_is_told(self):
        with self.assertRaisesRegex(Silence, "for the moon; nothing has moved for 60 s; seen last: 5 of 9"):
            wait_until(lambda: False, "the moon", lambda: "5 of 9")
        self.assertTrue(SILENCE < self.clock.passed < SILENCE + 1)

    def test_progress_keeps_it_going(self):
        """Ten times the span of silence, and each step takes nearly all of it."""
        steps = itertools.count()
        wait_until(lambda: self.clock.passed > 10 * SILENCE, "the end", lambda: self.clock.moves(next(steps)))

    def test_what_is_not_true_yet_is_progress_too(self):
        """A condition may give something that moves and counts as false until it is enough."""
        class Count(int):
            def __bool__(self):
                return self >= 12

        steps = itertools.count()
        self.assertEqual(wait_until(lambda: self.clock.moves(Count(next(steps))), "twelve"), 12)
        self.assertGreater(self.clock.passed, 10 * SILENCE)

    def test_progress_that_stops_ends_it(self):
        steps = itertools.chain(range(10), itertools.repeat(10))
        with self.assertRaisesRegex(Silence, "seen last: 10"):
            wait_until(lambda: False, "more", lambda: self.clock.moves(next(steps)))
        self.assertTrue(10 * NEARLY < self.clock.passed < 12 * SILENCE)

    def test_what_moves_for_ever_ends_it_too(self):
        steps = itertools.count()
        with self.assertRaisesRegex(Silence, "for a miracle, although something moves; seen last: "):
            wait_until(lambda: False, "a miracle", lambda: self.clock.moves(next(steps)))
        self.assertTrue(waiting.MOST < self.clock.passed < waiting.MOST + 2 * SILENCE)

    def test_time_passes_for_a_reason_only(self):
        let_time_pass(7, "the test says so")
        self.assertEqual(self.clock.passed, 7)
        with self.assertRaises(AssertionError):
            let_time_pass(7, "")


class Programs(Case):
    def setUp(self):
        super().setUp()
        real = waiting.processor_time
        replaced = mock.patch.object(waiting, "processor_time", lambda pid: self.looked(real(pid)))
        replaced.start()
        self.addCleanup(replaced.stop)

    def looked(self, used):
        return used

    def test_as_subprocess_run(self):
        done = waiting.run(["sh", "-c", "echo out; sleep 0.1; echo oops >&2; exit 3"], capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "oops\n", 3))
        with self.assertRaises(subprocess.CalledProcessError):
            waiting.run(["false"], check=True)

    def test_a_program_that_hangs_is_killed(self):
        def looked(used):
            self.clock.now += 20
            return used

        self.looked = looked
        with self.assertRaisesRegex(Silence, "for the end of sleep 1000"):
            waiting.run(["sleep", "1000"])

    def test_a_program_that_works_may_take_its_time(self):
        """Nearly the span of silence passes for each tenth of a second of processor time that it uses; or that a
        program uses which it has started and waits for."""
        work = "import time\nwhile time.process_time() < 0.5: pass\nprint('done')"
        alone = [sys.executable, "-c", work]
        for command in (alone, ["sh", "-c", '"$@"; true', "sh", *alone]):
            self.looked, before = self.clock.moves, self.clock.passed
            done = waiting.run(command, capture_output=True, text=True)
            self.assertEqual(done.stdout, "done\n")
            self.assertGreater(self.clock.passed - before, 2 * SILENCE)


def line(offset, partition=0):
    return ('{"topic":"t","partition":%d,"offset":%d,"headers":[],"key":"k","payload":"{\\"workspace\\":\\"w%d\\"}"}'
            % (partition, offset, offset % 2))


def echo(*lines):
    return "printf '%s\\n' " + " ".join("'%s'" % each for each in lines) + "; "


HANG = "exec sleep 1000"
END = "% Reached end of topic t [0] at offset 3"


class Reading(Case):
    """Shell scripts in the place of kcat."""

    def scripts(self, *scripts):
        scripts = iter(scripts)
        replaced = mock.patch.object(topics, "kcat", lambda *arguments: ["sh", "-c", next(scripts)])
        replaced.start()
        self.addCleanup(replaced.stop)


class Topic(Reading):
    """read_topic asks for the ends first and then reads up to them."""

    def offsets(self, script):
        self.scripts("echo '%s' >&2; echo '%% Reached end of topic t [1] at offset 0' >&2" % END, script)
        return [(r.partition, r.offset) for r in topics.read_topic("nowhere", "t")]

    def test_up_to_the_ends_and_no_further(self):
        """A topic that is written all the time is read to where it ended at the start; the reader is then stopped."""
        self.assertEqual(self.offsets(echo(*map(line, range(5)), line(0, 1)) + HANG), [(0, 0), (0, 1), (0, 2)])

    def test_an_end_that_holds_no_record(self):
        """The last offsets may be marks of transactions: then the reader says that it has reached the end."""
        self.assertEqual(self.offsets(echo(line(0)) + "echo '%s' >&2; " % END + HANG), [(0, 0)])

    def test_a_reader_that_dies(self):
        with self.assertRaisesRegex(topics.StreamError, "no broker here"):
            self.offsets("echo no broker here >&2; exit 1")
        self.scripts("echo no such topic >&2; exit 1")
        with self.assertRaisesRegex(topics.StreamError, "no such topic"):
            topics.read_topic("nowhere", "t")

    def test_silence(self):
        self.scripts(echo(line(0)) + HANG)
        follower = topics.Follower("nowhere", "t")
        self.addCleanup(follower.close)
        follower.read_to({0: 1})
        real = follower._changed.wait

        def wait(seconds):
            self.clock.now += 20
            return real(seconds)

        with mock.patch.object(follower._changed, "wait", wait):
            with self.assertRaisesRegex(Silence, r"partition 0 of 't' up to offset 3.*seen last: \(1, {0: 1}\)"):
                follower.read_to({0: 3})


class Following(Reading):
    def follow(self, script):
        self.scripts(script)
        follower = topics.Follower("nowhere", "t")
        self.addCleanup(follower.close)
        return follower

    def test_slowly(self):
        """Nearly the span of silence passes before each record that is seen to come."""
        slow = "for i in 1 2 3 4 5; do " + echo(line(1)) + "sleep 0.1; done; " + HANG
        records = self.follow(slow).wait(lambda rs: self.clock.moves(len(rs)) >= 5, "five")
        self.assertEqual(len(records), 5)

    def test_silence(self):
        def enough(records):
            self.clock.now += 20 if records else 0
            return len(records) >= 2

        with self.assertRaisesRegex(Silence, r"two records of t; nothing has moved .* have 1 records, the last"):
            self.follow(echo(line(1)) + HANG).wait(enough, "two records")

    def test_of_one_workspace(self):
        follower = self.follow(echo(*map(line, range(5))) + HANG)
        records = follower.wait(lambda rs: len(rs) >= 2, "two", workspace="w1")
        self.assertEqual([r.offset for r in records], [1, 3])
        self.assertEqual(len(follower.wait(lambda rs: len(rs) >= 5, "all")), 5)

    def test_a_reader_that_dies(self):
        with self.assertRaisesRegex(topics.StreamError, "t: the reader has ended: oh"):
            self.follow(echo(line(1), "oh")).wait(lambda rs: len(rs) >= 2, "two")

    def test_a_costly_question_is_not_asked_for_each_record(self):
        """Between two questions as much time passes as a question takes, so at least half of it is for reading."""
        asked = []

        def enough(records):
            began = time.monotonic()
            time.sleep(0.015)
            asked.append((began, time.monotonic()))
            return len(records) >= 40

        script = "i=0; while [ $i -lt 40 ]; do " + echo(line(1)) + "sleep 0.01; i=$((i + 1)); done; " + HANG
        self.follow(script).wait(enough, "all")
        for (began, ended), (again, _) in zip(asked, asked[1:]):
            self.assertGreaterEqual(again - ended, min(topics.LOOK, ended - began))


class NoOther(unittest.TestCase):
    """Nobody else in tests/ sleeps or waits for a fixed time, and no clock counts as progress. (Benchmarks, fuzzing and the attacks of
    tests/neighbour have their time.)"""

    FIXED = re.compile(r"\b(time\.)?sleep\(|\btimeout=\d|\.(join|wait)\(\d|\btimeout \d|time\.monotonic\(\) \+|\bos\.times\b")
    MAY = {"support/waiting.py", "support/topics.py", "support/test_waiting.py"}

    def test_none(self):
        root, found = os.path.dirname(os.path.dirname(os.path.abspath(__file__))), []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in ("bench", "fuzz", "neighbour", "__pycache__")]
            for path in (os.path.join(folder, name) for name in names if name.endswith(".py") or name == "run"):
                with open(path) as f:
                    where = os.path.relpath(path, root)
                    found += ["%s:%d: %s" % (where, n, line.strip()) for n, line in enumerate(f, 1)
                              if self.FIXED.search(line) and where not in self.MAY]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
