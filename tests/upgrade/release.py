"""What is upgraded from: the programs of a tag, of a commit, or in a folder.

Nothing: there is nothing to upgrade from, which is no failure of this version. Broken: there is, and it cannot be built."""

import os
import shutil
import subprocess

CACHE = os.environ.get("USHER_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "usher")
PROGRAM = os.path.join("build", "release", "bin", "usher-worker")


class Nothing(Exception):
    pass


class Broken(Exception):
    pass


def git(root, *words):
    done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def newest_tag(root):
    """Of the tags v* behind which this version stands: the last one that is not this very commit."""
    here = git(root, "rev-parse", "HEAD")
    for tag in (git(root, "tag", "--list", "v*", "--sort=-v:refname", "--merged", "HEAD") or "").split():
        if git(root, "rev-parse", tag + "^{commit}") != here:
            return tag
    return None


def chosen(root, wanted):
    """(folder of built programs, or None; commit, or None; how it is called)."""
    wanted = wanted or newest_tag(root)
    if not wanted:
        raise Nothing("this clone has no tag v* to upgrade from; UPGRADE_FROM=tag|commit|folder names one")
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted + "^{commit}")
    if commit == git(root, "rev-parse", "HEAD") and not git(root, "status", "--porcelain"):
        raise Nothing("%s is this very version" % wanted)
    if commit:
        return None, commit, wanted
    if not os.path.isdir(wanted):
        raise Nothing("%s is no tag, commit or folder here" % wanted)
    if not os.path.exists(os.path.join(wanted, PROGRAM)):
        raise Nothing("%s has no built programs (%s)" % (wanted, os.path.dirname(PROGRAM)))
    if os.path.realpath(wanted) == os.path.realpath(root):
        raise Nothing("%s is this very version" % wanted)
    return os.path.abspath(wanted), None, wanted


def release(root, wanted):
    """(folder of a clone with built programs, how it is called)."""
    folder, commit, name = chosen(root, wanted)
    if folder is None:
        folder = os.path.join(CACHE, "upgrade", commit[:12])
        if not os.path.exists(os.path.join(folder, "complete")):
            build(root, commit, folder)
    return folder, name


def build(root, commit, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    print("building the programs of %s in %s" % (commit[:12], folder), flush=True)
    archive = subprocess.Popen(["git", "-C", root, "archive", commit], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", folder], stdin=archive.stdout, check=True)
    if archive.wait() != 0:
        raise Broken("git archive of %s failed" % commit)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    with open(os.path.join(folder, "build.log"), "w") as log:
        code = subprocess.run(["make", "--no-print-directory", "-C", folder, "all"], env=env, stdout=log, stderr=log,
                              stdin=subprocess.DEVNULL).returncode
    if code != 0:
        raise Broken("the programs of %s could not be built, see %s/build.log" % (commit[:12], folder))
    open(os.path.join(folder, "complete"), "w").close()
