"""What processes use: processor time (user and system, children included, also those that have ended), and memory."""

import glob
import os
import time

TICK_US = 1000000 // os.sysconf("SC_CLK_TCK")
SETTLED = 0.1    # of a core, all processes together: so little is no work any more
SETTLE_MOST = 15  # seconds


def _stat(pid):
    """(parent, own ticks, ticks of children that have ended and were waited for)"""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def _tree(pid, stats):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        found += [p for p, s in stats.items() if s[0] == parent and p not in found]
    return found


def _all():
    stats = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stats[int(name)] = _stat(int(name))
            except (OSError, IndexError):
                pass  # it has ended meanwhile
    return stats


class Processes:
    """Named process trees: {"postgres": pid}. Who ends hands its time on to its parent, so none of it is missed."""

    def __init__(self, **pids):
        self.pids = {name: pid for name, pid in pids.items() if pid}

    def used_us(self):
        """Processor time since each began, microseconds by name."""
        stats = _all()
        return {name: TICK_US * sum(stats[p][1] + stats[p][2] for p in _tree(pid, stats) if p in stats)
                for name, pid in self.pids.items()}

    def compiled_us(self, name):
        """Of that, what the compilers of a JVM took; 0 where the process is none."""
        total = 0
        for task in glob.glob("/proc/%d/task/*" % self.pids[name]) if name in self.pids else ():
            try:
                with open(task + "/comm") as f:
                    compiles = "Compiler" in f.read()  # "C2 CompilerThre", "C1 CompilerThre"
                with open(task + "/schedstat") as f:
                    total += int(f.read().split()[0]) // 1000 if compiles else 0
            except OSError:
                pass  # it has ended meanwhile
        return total

    def settle(self, pause=0.2):
        """Waits until what is left of the work before is done."""
        give_up = time.monotonic() + SETTLE_MOST
        before = sum(self.used_us().values())
        while time.monotonic() < give_up:
            time.sleep(pause)
            now = sum(self.used_us().values())
            if now - before <= SETTLED * pause * 1e6:
                return
            before = now

    def idle_percent(self, seconds=3):
        """Of one core, all together, while nobody asks for anything."""
        self.settle()
        before = sum(self.used_us().values())
        time.sleep(seconds)
        return (sum(self.used_us().values()) - before) / (seconds * 1e4)

    def memory_mb(self):
        """By name: (now, the highest). Of one process each; PostgreSQL's would count shared memory many times."""
        found = {}
        for name, pid in self.pids.items():
            fields = {}
            with open("/proc/%d/status" % pid) as f:
                for line in f:
                    key, _, value = line.partition(":")
                    if key in ("VmRSS", "VmHWM"):
                        fields[key] = int(value.split()[0]) // 1024
            found[name] = (fields.get("VmRSS", 0), fields.get("VmHWM", 0))
        return found
