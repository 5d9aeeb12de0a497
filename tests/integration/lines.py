"""What the runner prints of tests: a line for each as it ends, and below it what went wrong."""

import os
import re
import sys
import threading
import time
import traceback
import unittest


class Lines(unittest.TestResult):
    def __init__(self, label):
        super().__init__()
        self.label, self.bad, self.good = label, 0, 0
        self.began, self.subtests, self.told = time.monotonic(), [], False
        self.threads = []  # what ended threads of the test that runs
        threading.excepthook = self._thread_ended

    def startTest(self, test):
        super().startTest(test)
        self.began, self.subtests, self.told = time.monotonic(), [], False
        self.threads.clear()

    def stopTest(self, test):
        super().stopTest(test)
        if not self.told:  # a test of which some sub-tests failed ends without any other call
            self._bad(test, "%d sub-tests failed\n%s" % (len(self.subtests), "\n".join(self.subtests[:20])))

    def _thread_ended(self, told):
        self.threads.append("".join(traceback.format_exception(told.exc_type, told.exc_value, told.exc_traceback)))

    def addSuccess(self, test):
        if self.threads:  # a test whose thread ends early sees less than it says
            self._bad(test, "%d threads ended with an error\n%s" % (len(self.threads), self.threads[0]))
            return
        self.good += 1
        self._say("ok", test)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.subtests.append("%s: %s" % (subtest._subDescription(), "\n".join(short(err).splitlines()[:6])))

    def addFailure(self, test, err):
        self._bad(test, short(err))

    def addError(self, test, err):
        """A test that raises; a failed assertion in what it calls is told as briefly as its own."""
        is_assertion = issubclass(err[0], AssertionError)
        self._bad(test, short(err) if is_assertion else "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        self._bad(test, "skipped: " + reason)  # no test here may be skipped silently

    def _bad(self, test, text):
        self.bad += 1
        self._say("FAIL", test, text)

    def _say(self, word, test, text=""):
        self.told = True
        name = re.sub(r"^__main__\.|^test_", "", test.id())
        print("%-4s %-8s %s (%.1f s)" % (word, self.label, name, time.monotonic() - self.began))
        for line in text.rstrip().splitlines()[:60]:
            print("        " + line[:500])
        sys.stdout.flush()


def short(err):
    """The assertion, and the line of the test that made it."""
    ours = [f for f in traceback.extract_tb(err[2]) if os.path.basename(f.filename).startswith("test_")]
    where = "%s:%d" % (os.path.basename(ours[-1].filename), ours[-1].lineno) if ours else ""
    return "%s %s: %s" % (where, err[0].__name__, err[1])
