"""The suites' programs: installed once, with pinned versions, into a folder of the user's cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"


class InstallError(Exception):
    pass


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "usher")


def _run(command, **kw):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **kw)
    if done.returncode != 0:
        raise InstallError("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout[-3000:]))


def _installed(name, pins, install):
    """The folder that holds what the file of pins asks for. A changed file gets a new folder; a folder that was not
    finished is made anew."""
    with open(os.path.join(HERE, pins), "rb") as f:
        text = f.read()
    os.makedirs(_cache(), exist_ok=True)
    folder = os.path.join(_cache(), "%s-%s" % (name, hashlib.sha256(text).hexdigest()[:12]))
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(folder, ".complete")
        if not os.path.exists(stamp):
            shutil.rmtree(folder, ignore_errors=True)
            print("conformance: installing %s" % name, file=sys.stderr, flush=True)
            os.makedirs(folder)
            install(folder)
            open(stamp, "w").close()
    return folder


def python(name):
    """The bin folder of a virtual environment with the packages of NAME.txt."""
    pins = name + ".txt"

    def install(folder):
        _run([PYTHON, "-m", "venv", folder])
        _run([os.path.join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps",
              "-r", os.path.join(HERE, pins)])

    return os.path.join(_installed(name, pins, install), "bin")


def node(name):
    """The folder with the commands of the npm packages in NAME.txt."""
    pins = name + ".txt"
    with open(os.path.join(HERE, pins)) as f:
        packages = f.read().split()

    def install(folder):
        _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", folder,
              *packages], cwd=folder)

    return os.path.join(_installed(name, pins, install), "node_modules", ".bin")
