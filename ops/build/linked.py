"""What the programs are linked with: the libraries that the loader finds, and the Debian packages that they are from.
Used by sbom.py and image.py."""

import os
import re
import subprocess

PROGRAMS = ("usher-ingest", "usher-worker", "usher-livekit", "usherctl")


def said(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def libraries(programs):
    """Paths of the shared libraries of all programs together, the loader's own among them, as the loader names them."""
    found = set()
    for program in programs:
        for line in said("ldd", program).splitlines():
            path = re.search(r"(?:=> )?(/\S+) \(0x", line)
            if path is not None:
                found.add(path.group(1))
            elif "=> not found" in line:
                raise SystemExit("%s: %s" % (program, line.strip()))
    return sorted(found)


def spellings(path):
    """How dpkg may name the file: its list may have the folder as it was before /usr was merged."""
    real = os.path.realpath(path)
    return {path, real, re.sub(r"^/usr(?=/lib)", "", real), re.sub(r"^(?=/lib)", "/usr", path)}


def found_by(lines):
    """{name of a file: its package}, of the lines of dpkg-query --search. Where a package has moved another's file away
    (a diversion), lines before that say so; they name no owner."""
    by_name = {}
    for line in lines:
        owners_, _, name = line.rpartition(": ")
        if not owners_.startswith("diversion by "):
            by_name[name] = owners_.split(",")[0]
    return by_name


def owners(paths):
    """{path: the Debian package that has brought the file}. One question for all, because dpkg reads all its lists."""
    asked = sorted({name for path in paths for name in spellings(path)})
    done = subprocess.run(["dpkg-query", "--search", *asked], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    by_name = found_by(done.stdout.splitlines())
    found = {path: next((by_name[n] for n in sorted(spellings(path)) if n in by_name), None) for path in paths}
    missing = [path for path, package in found.items() if package is None]
    if missing:
        raise SystemExit("no Debian package has %s: build on a Debian, with its libraries" % ", ".join(missing))
    return found


def packages(paths, more=()):
    """[{name, version, architecture, source, status}] of the packages that the files are from, and of `more`, sorted.
    status: what dpkg knows of each."""
    rows, names = [], sorted(set(owners(paths).values()) | set(more))
    form = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n"
    for line, package in zip(said("dpkg-query", "-W", "-f", form, *names).splitlines(), names):
        name, version, architecture, source, source_version = line.split("\t")
        rows.append({"name": name, "version": version, "architecture": architecture, "source": source,
                     "source version": source_version, "status": said("dpkg-query", "--status", package)})
    return sorted(rows, key=lambda row: row["name"])


def release():
    """{"ID": "debian", "VERSION_ID": "12", …}"""
    with open("/etc/os-release", encoding="utf-8") as f:
        return dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', f.read()))


def when():
    """The time of what is built, in seconds: SOURCE_DATE_EPOCH, else that of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given) if given else int(said("git", "log", "-1", "--format=%ct"))
