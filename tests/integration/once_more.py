"""Tests that failed while other suites ran beside them run once more, alone.

Six processes and all programs share the processors there, and now and then a test fails by that alone. It gets one
more try when the others have ended. Both outcomes are printed, and the end of the run names each test that passed only
then: such a test counts on a quiet machine, and is to be mended.

Only a few get that try: many failures are no accident. And only of TOGETHER (plan.py): what judges the streams, kills
programs or reads along has the machine for itself already, and never runs twice."""

import re

FEW = 3
FAILED = re.compile(r"FAIL +\S+ +(\w+\.\w+\.test_\w+) \(")


def name_in(line):
    """The test of a line that says that it failed, as runner.py takes its name; None for any other line."""
    found = FAILED.match(line)
    return found and found[1]


def worth_it(red, failed):
    """Whether these tests get one more try. failed: all that was counted; where that is more than the tests, a process
    or the beginning of a class has failed, which no second try of a test would show."""
    return 0 < len(red) <= FEW and len(red) == failed


def mended(red, red_again, failed):
    """The tests of red that passed now. failed: all that was counted in the second run; where that is more than the
    tests that failed again, something else went wrong, and nothing is excused."""
    return sorted(set(red) - set(red_again)) if failed == len(red_again) else []
