"""Other people's programs and packages: installed once, with pinned versions, into a folder of the user's cache.
What is pinned stands in a folder of the repository: tests/conformance, where no other is named.

InstallError: a program cannot be installed, though its registry answers. Unreachable: the registry does not answer,
or the program that asks it is not on this machine."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys

PINS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance")
PYTHON = "/usr/bin/python3"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class InstallError(Exception):
    pass


class Unreachable(Exception):
    """Says what is missing."""


# What npm, pip, go and Maven say of a registry that they cannot reach.
SILENT = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "name resolution", "Name or service not",
          "Connection refused", "Failed to establish a new connection", "Network is unreachable", "no such host",
          "i/o timeout", "connection refused", "Unknown host", "Connect timed out", "Could not transfer artifact")


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "usher")


def _quiet(command, **kw):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **kw)


def _run(command, **kw):
    if shutil.which(command[0]) is None:
        raise Unreachable("%s is not installed" % command[0])
    done = _quiet(command, **kw)
    if done.returncode == 0:
        return
    said = next((words for words in SILENT if words in done.stdout), None)
    if said is not None:
        raise Unreachable("%s cannot reach its registry (%s)" % (os.path.basename(command[0]), said))
    raise InstallError("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout[-3000:]))


def _installed(name, pins, install):
    """The folder that holds what the file of pins asks for. A changed file gets a new folder; a folder that was not
    finished is made anew."""
    with open(pins, "rb") as f:
        text = f.read()
    os.makedirs(_cache(), exist_ok=True)
    folder = os.path.join(_cache(), "%s-%s" % (name, hashlib.sha256(text).hexdigest()[:12]))
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(folder, ".complete")
        if not os.path.exists(stamp):
            shutil.rmtree(folder, ignore_errors=True)
            print("installing %s" % name, file=sys.stderr, flush=True)
            os.makedirs(folder)
            install(folder)
            open(stamp, "w").close()
    return folder


def python(name, folder=PINS):
    """The bin folder of a virtual environment with the packages of NAME.txt."""
    pins = os.path.join(folder, name + ".txt")

    def install(folder):
        _run([PYTHON, "-m", "venv", folder])
        _run([os.path.join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps",
              "-r", pins])

    return os.path.join(_installed(name, pins, install), "bin")


def node(name):
    """The folder node_modules with the npm packages in NAME.txt; their commands are in .bin there."""
    pins = os.path.join(PINS, name + ".txt")
    with open(pins) as f:
        packages = f.read().split()

    def install(folder):
        _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", folder,
              *packages], cwd=folder)

    return os.path.join(_installed(name, pins, install), "node_modules")


def go_command(name, folder=PINS, pins=None):
    """The path of a command of Go, of the one package in NAME.txt, or in PINS.txt where that is called otherwise."""
    pins = os.path.join(folder, (pins or name) + ".txt")
    with open(pins) as f:
        package = f.read().strip()

    def install(made):
        _run(["go", "install", package], env=dict(os.environ, GOBIN=made, GOFLAGS="-p=1"))

    return os.path.join(_installed(os.path.basename(pins)[:-4], pins, install), name)


def go_module(name, folder=PINS):
    """The folder with the files of the one module in NAME.txt, for its data alone; it may not be written to."""
    with open(os.path.join(folder, name + ".txt")) as f:
        done = _quiet(["go", "mod", "download", "-json", f.read().strip()], cwd="/")
    if done.returncode != 0:
        raise Unreachable("go mod download %s: %s" % (name, done.stdout[-300:]))
    return json.loads(done.stdout)["Dir"]


def go_build(folder):
    """Builds the program in a folder, whose go.mod names what it needs."""
    _run(["go", "build", "-mod=mod", "-p", "1", "-o", "program", "."], cwd=folder)
    return os.path.join(folder, "program")


def jars(folder):
    """The folder with the jars that FOLDER/pom.xml asks for."""
    pins = os.path.join(folder, "pom.xml")

    def install(made):
        _run(["mvn", "-q", "-B", "-f", pins, COPY, "-DoutputDirectory=" + os.path.join(made, "lib")])

    return os.path.join(_installed("maven", pins, install), "lib")


def javac(name, classes):
    """Compiles the programs of NAME into the folder classes; gives the class path."""
    home = os.path.join(PINS, name)
    path = os.path.join(jars(home), "*")
    sources = sorted(f for f in os.listdir(home) if f.endswith(".java"))
    if shutil.which("javac") is None:
        raise Unreachable("javac is not installed")
    done = _quiet(["javac", "-nowarn", "-cp", path, "-d", classes, *sources], cwd=home)
    if done.returncode != 0:
        raise InstallError(done.stdout[-3000:])
    return classes + ":" + path
