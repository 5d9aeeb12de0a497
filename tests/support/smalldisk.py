"""A disk that can be full: a folder of a stack's PostgreSQL on a small file system of its own. Where nothing may be mounted,
a library in PostgreSQL refuses to let its tables grow (no_room.c): the same error, from the same calls."""

import contextlib
import os
import shutil
import subprocess
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration", "no_room.c")
PIECE = 65536


def may_mount():
    """NO_MOUNT in the environment: as if not."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "none", folder], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return done.returncode == 0 and not os.environ.get("NO_MOUNT")


class Mounted:
    """The stack must not run meanwhile. what is put on it: a folder of the data, or all of it without the WAL."""
    is_mounted = True

    def __init__(self, stack, folder, megabytes):
        self.folder = os.path.join(os.path.realpath(os.path.join(stack.run_dir, "pg")), folder)
        self.ballast = os.path.join(self.folder, "ballast")
        before, owner = self.folder + ".before", os.stat(self.folder)
        os.rename(self.folder, before)
        os.mkdir(self.folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=0700,uid=%d,gid=%d" % (megabytes, owner.st_uid, owner.st_gid),
                        "usher-test", self.folder], check=True)
        subprocess.run(["cp", "-a", before + "/.", self.folder], check=True)
        wal = os.path.join(self.folder, "pg_wal")
        if os.path.isdir(wal):
            shutil.rmtree(wal)
            os.symlink(os.path.join(before, "pg_wal"), wal)

    def fill(self, free=0):
        """To the last byte, or with this share of it left free."""
        with open(self.ballast, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while f.write(bytes(PIECE)) == PIECE:
                pass
        fs = os.statvfs(self.folder)
        assert fs.f_bavail == 0, "it is not full"
        os.truncate(self.ballast, os.path.getsize(self.ballast) - int(free * fs.f_blocks * fs.f_frsize))

    def empty(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.ballast)

    def close(self):
        subprocess.run(["umount", "--lazy", self.folder], check=False)


class Refused:
    """Without a mount. The stack is to be started with its settings."""
    is_mounted = False

    def __init__(self, stack):
        self.flag = os.path.join(stack.run_dir, "no-room")
        library = os.path.join(stack.run_dir, "no_room.so")
        subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        os.chmod(library, 0o755)
        stack.settings.update(PG_PRELOAD=library, NO_ROOM_FLAG=self.flag)

    def fill(self, free=0):
        assert not free
        with open(self.flag, "w"):
            pass

    def empty(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.flag)

    close = empty
