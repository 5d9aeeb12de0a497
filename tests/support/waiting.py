"""Waiting in tests.

A wait is bounded by silence, not by time. It goes on while something moves, however slowly, and fails when nothing has
moved for SILENCE seconds. The failure says what was waited for and what was seen last. So a busy machine makes a test
slow, not red, and a program that hangs is still found. Where something moves for ever and leads nowhere (a log that
tells of every refusal), MOST seconds are the end, so that the rest of a run is still seen.

    wait_until(condition, what, progress)   until condition() is true; gives what it gave
    run(command, …)                         runs a program to its end; gives what subprocess.run gives
    wait_for_end(process, what)             the same of one that has been started; gives its exit code
    let_time_pass(seconds, because)         the one way to sleep: for tests that are about time itself
    let_time_pass_until(moment, because)    the same with an end that is known
    Watch(what)                             for whoever waits in another way: saw(value) fails after silence

test_waiting.py tests all of it.
"""

import datetime
import os
import subprocess
import time

SILENCE = 60.0  # seconds
MOST = 1200.0   # seconds
PAUSE = 0.02    # seconds between two looks
LOOK = 1.0      # seconds between two looks at a program that runs


class Silence(AssertionError):
    """Nothing has moved for too long."""


class Watch:
    """Knows how long a value has stood still."""

    def __init__(self, what, silence=None, most=None):
        self.what, self.silence, self.most = what, SILENCE if silence is None else silence, most
        self.began = self.since = time.monotonic()
        self.seen = None

    def saw(self, value):
        """To be called again and again with whatever moves while there is progress."""
        now = time.monotonic()
        if value != self.seen:
            self.seen, self.since = value, now
        if self.most is not None and now - self.began > self.most:
            raise Silence("waited %.0f s for %s, although something moves; seen last: %.500s"
                          % (now - self.began, self.what, self.seen))
        if now - self.since > self.silence:
            raise Silence("waited %.0f s for %s; nothing has moved for %.0f s; seen last: %.500s"
                          % (now - self.began, self.what, now - self.since, self.seen))


def wait_until(condition, what, progress=None, silence=None, pause=PAUSE):
    """Gives the first true value of condition(). Meanwhile the value of progress() must move; without progress, the
    values of condition() that are not true yet."""
    watch = Watch(what, silence, MOST)
    while True:
        value = condition()
        if value:
            return value
        watch.saw(progress() if progress else value)
        time.sleep(pause)


def wait_for_end(process, what):
    """Gives the exit code of a subprocess.Popen that should end by itself."""
    wait_until(lambda: process.poll() is not None, "the end of " + what, lambda: processor_time(process.pid))
    return process.returncode


def let_time_pass(seconds, because):
    """Where no condition can be waited for, since what is tested is what time does. The reason is for the reader."""
    assert because
    time.sleep(max(0.0, seconds))


def let_time_pass_until(moment, because):
    """Until a moment (an aware datetime) is surely over by every clock of this machine."""
    let_time_pass((moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds() + 0.3, because)


def _times():
    """{pid: (parent's pid, processor time in ticks, its children's that have ended too)} of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended meanwhile
            found[int(name)] = int(fields[1]), sum(map(int, fields[11:15]))
    return found


def processor_time(pid):
    """What a process and all that it has started have used, in tenths of a second. (A program that only waits uses a
    little too, but hardly a tenth in SILENCE seconds.)"""
    times, used = _times(), 0
    for each in times:
        line = each
        while line in times and line != pid:
            line = times[line][0]
        used += times[each][1] if line == pid else 0
    return used * 10 // os.sysconf("SC_CLK_TCK")


def run(command, capture_output=False, check=False, silence=None, **how):
    """As subprocess.run. The program is killed when it has used no processor time for the span of silence."""
    if capture_output:
        how["stdout"] = how["stderr"] = subprocess.PIPE
    watch = Watch("the end of %s" % " ".join(map(str, command))[:300], silence)
    with subprocess.Popen(command, **how) as child:
        while True:
            try:
                out, err = child.communicate(timeout=min(LOOK, watch.silence / 4))
                break
            except subprocess.TimeoutExpired:
                try:
                    watch.saw(processor_time(child.pid))
                except Silence:
                    child.kill()
                    raise
            except BaseException:
                child.kill()
                raise
    if check and child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, command, out, err)
    return subprocess.CompletedProcess(command, child.returncode, out, err)
