"""What the suites share: running a program, and making results of what it says."""

import json
import os
import subprocess

from judge import Result
from waiting import run


def short(text, limit=400):
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[:limit] + "…"


def numbered(results):
    """Checks of one name get a number behind it from the second on."""
    seen, out = {}, []
    for r in results:
        n = seen[r.check] = seen.get(r.check, 0) + 1
        out.append(r if n == 1 else r._replace(check="%s #%d" % (r.check, n)))
    return out


def run_quietly(command, **how):
    """As long as it takes: the program is ended if it does nothing any more."""
    return run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **how)


def json_lines(command, env, stdin=subprocess.DEVNULL, cwd=None):
    """A program of ours in a suite's environment, which prints one JSON object per check."""
    done = run(command, env=dict(os.environ, **env), stdin=stdin, cwd=cwd, capture_output=True, text=True)
    results = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            results.append(Result(said["check"], said["ok"], short(said.get("detail") or "")))
    if done.returncode != 0:
        results.append(Result("the program ends well", False,
                              "exit %d: %s" % (done.returncode, short(done.stderr[-1500:], 1500))))
    return numbered(results)
