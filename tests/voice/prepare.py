"""What the tests with a real LiveKit need: Debian packages, the server built from its Go module, the clients of PyPI."""

import os
import shutil
import signal
import subprocess

import pinned
import stack as stacks

HERE = os.path.dirname(os.path.abspath(__file__))


class TooSlow(Exception):
    pass


def ring(*_):
    raise TooSlow()


def prepare(seconds):
    """What is missing, or None."""
    if shutil.which("go") is None:
        return "there is no Go"
    subprocess.run([os.path.join(stacks.ROOT, "ops", "local", "deps.sh"), "voice"], check=True)
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        pinned.go_command("server", HERE, pins="livekit")
        pinned.python("clients", HERE)
    except pinned.Unreachable as why:
        return str(why)
    except TooSlow:
        return "LiveKit could not be built within %d s" % seconds
    finally:
        signal.alarm(0)
    return None
