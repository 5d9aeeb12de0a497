"""Who takes part: usher (this clone, or another), plain SQL, Ory Polis. Each has a method for every case that it can do; it gives a dictionary
with rate, answered, p50_us, p99_us, errors, and missing: acknowledged changes that its store does not have."""

import itertools
import json
import os
import shutil
import subprocess
import time

import tools
from fill import Filler
from processes import Processes
from stack import ROOT, Stack, free_port

USERS, LISTED, TEAMS = 130000, 20000, 200  # in rooms at most the first 100,000; what is read are the first 20,000
ROOMS = {10: (2, 1000), 10000: (3, 2), 100000: (4, 1)}  # size: (kind, how many)
BULK = 1000
COMPILING = 0.15  # so little is no warming up any more
POLIS = "@boxyhq/saml-jackson@26.2.0"


class Pairs:
    """Each of the users into each of the rooms, once."""

    def __init__(self, rooms, users):
        self.rest = ((room, user) for user in users for room in rooms)

    def add(self, load, conns, seconds, expect=204):
        """What is not sent in that time is for the next one."""
        taken = list(itertools.islice(self.rest, int(seconds * 5000)))
        if not taken:
            raise tools.BenchError("all members are there already: fewer rounds or seconds would do")
        found = load.add_members(taken, conns, seconds, expect)
        self.rest = itertools.chain(taken[found["answered"] + found["errors"]:], self.rest)
        return found


class Contestant:
    def archived(self):
        """How many records stand in its archive; of one that has none, none."""
        return 0


class Usher(Contestant):
    def __init__(self, name, run_dir, kafka, root=ROOT, **environment):
        self.name = name
        # No flags of the tests: a state of before does not know them all.
        self.stack = Stack(run_dir, kafka=kafka, flavour="release", root=root, **{"WORKER_ARGS": "", **environment})
        shutil.rmtree(run_dir, ignore_errors=True)
        self.stack.start()
        self.processes = Processes(ingest=self.stack.pid("INGEST"), worker=self.stack.pid("WORKER"), kafka=self.stack.pid("BROKER"),
                                   postgres=self.stack.pid("POSTGRES"))
        self.memory = {"before": self.processes.memory_mb()}
        self.tags, self.toggled, self.bulks = itertools.count(), 0, 0
        self.made = self._load("made")

    def _load(self, name):
        workspace = self.stack.workspace(name, rate=100000000)
        load = tools.Load(self.stack.port, workspace.token, self.stack.run_dir)
        load.workspace = workspace
        return load

    def fill(self):
        """For all cases but creates."""
        self.crowd, self.listed, self.toggles = self._load("crowd"), self._load("listed"), self._load("toggles")
        filler = Filler(self.crowd.workspace)
        self.ids = filler.users(USERS)
        self.rooms = {size: filler.rooms(kind, count, size) for size, (kind, count) in ROOMS.items()}
        self.toggled_ids = Filler(self.toggles.workspace).users(LISTED)
        Filler(self.listed.workspace).users(LISTED, TEAMS)
        self.read_ids = self.crowd.file("ids", self.ids[:LISTED])
        self.names = self.crowd.file("names", ("u%d@example.com" % n for n in range(1, LISTED + 1)))
        self.pairs = {size: Pairs(rooms, self.ids[100000:]) for size, rooms in self.rooms.items()}
        filler.vacuum()

    def stop(self):
        self.stack.stop()

    def archived(self):
        if self.stack.sql("SELECT to_regclass('audit_tree')")[0][0] is None:
            return 0  # a state of before the archive
        return int(self.stack.sql("SELECT coalesce(sum(size), 0) FROM audit_tree")[0][0])

    def warm(self, seconds, most):
        """So long, and on until Kafka's JVM spends little of its time on compiling, but no longer than most; gives the share.
        A fresh one spends more on that than on what it is asked for. At 4 in flight it is asked often."""
        began, share = time.monotonic(), 1
        while share > COMPILING and time.monotonic() - began < most:
            compiled, used = self.processes.compiled_us("kafka"), self.processes.used_us()["kafka"]
            self.made.create_users("warm%d" % next(self.tags), 4, seconds)
            share = (self.processes.compiled_us("kafka") - compiled) / max(1, self.processes.used_us()["kafka"] - used)
        return share

    def _counted(self, load, query, run):
        """run() beside what the query counts in the store before and afterwards."""
        before = self.stack.sql(query, load.workspace.id)[0][0]
        found = run()
        found["missing"] = found["answered"] - int(self.stack.sql(query, load.workspace.id)[0][0] - before)
        return found

    _USERS = "SELECT count(*) FROM users WHERE workspace_id = %s"

    def create(self, conns, seconds):
        tag = "c%d" % next(self.tags)
        return self._counted(self.made, self._USERS, lambda: self.made.create_users(tag, conns, seconds))

    def toggle(self, conns, seconds, **more):
        found = self._counted(self.toggles, "SELECT coalesce(sum(version), 0) FROM users WHERE workspace_id = %s",
                              lambda: self.toggles.toggle_users(self.toggled_ids, conns, seconds, self.toggled, **more))
        self.toggled += found["answered"] + found["errors"]
        return found

    def member(self, conns, seconds, size):
        return self._counted(self.crowd, "SELECT count(*) FROM members WHERE workspace_id = %s",
                             lambda: self.pairs[size].add(self.crowd, conns, seconds))

    def get(self, conns, seconds):
        return self.crowd.get_users(self.read_ids, conns, seconds)

    def find(self, conns, seconds):
        return self.crowd.find_users(self.names, conns, seconds)

    def list(self, conns, seconds):
        return self.listed.list_pages(LISTED, conns, seconds)

    def filter(self, conns, seconds):
        return self.listed.list_filtered('title eq "Team {1}" and active eq true', map(str, range(TEAMS)), conns, seconds)

    def bulk(self, conns, seconds):
        self.bulks += 1000000
        return self._counted(self.made, self._USERS, lambda: self.made.bulk(BULK, conns, seconds, self.bulks))

    def put(self, conns, seconds):
        return self.crowd.put_room(self.rooms[10000][0], self.ids[:10000], self.ids[USERS - 1], seconds)

    # ---- request to event

    def removals(self, largest, seconds):
        """Single removals, quiet and at half of the largest throughput (creates); and users who are in a thousand rooms."""
        found, rooms_before = {}, sum(count for _, count in ROOMS.values())
        room = self.crowd.fill_rooms("quiet", 1, self.ids[:400])[0]
        found["one member removed, quiet"] = self._removal(room, self.ids[100:400])
        room = self.crowd.fill_rooms("busy", 1, self.ids[:400])[0]
        rate = max(1, int(largest / 2))
        load = subprocess.Popen([os.path.join(tools.BUILT, "load"), "--port", str(self.stack.port), "--conns", "32", "--seconds", str(seconds),
                                 "--rate", str(rate), "--method", "POST", "--path", "/scim/v2/Users", "--expect", "201",
                                 "--header", "Authorization: Bearer " + self.made.token, "--body", tools.USER_BODY % ("busy", "busy")],
                                stdout=subprocess.PIPE, text=True)
        try:
            found["one member removed, beside %d creates/s" % rate] = self._removal(room, self.ids[100:400])
        finally:
            load.terminate()
            load.communicate()
        self.processes.settle()
        off = '{%s,"Operations":[{"op":"replace","path":"active","value":false}]}' % tools.PATCH_OP
        trials = [(u, "/scim/v2/Users/" + u, off) for u in self.ids[:5]]  # the two rooms above have them too
        found["user in 1,000 rooms deactivated"] = tools.removal(self.stack, self.crowd.token, self.crowd.dir, trials, rooms_before + 2, 500)
        return found

    def _removal(self, room, users):
        out = '{%s,"Operations":[{"op":"remove","path":"members[value eq \\"%%s\\"]"}]}' % tools.PATCH_OP
        return tools.removal(self.stack, self.crowd.token, self.crowd.dir, [(u, "/scim/v2/Groups/" + room, out % u) for u in users], 1, 10)


class Plain(Contestant):
    """One statement of plain SQL for each request, by pgbench."""

    name = "plain SQL"

    def __init__(self, stack):
        self.floor = tools.Floor(stack.env["USHER_PG"])
        self.processes = Processes(postgres=stack.pid("POSTGRES"))

    def stop(self):
        pass

    def create(self, conns, seconds):
        return self.floor.run("create", conns, seconds)

    def create_unshared(self, conns, seconds):
        return self.floor.run("create_unshared", conns, seconds)

    def toggle(self, conns, seconds):
        return self.floor.run("toggle", conns, seconds)

    def member(self, conns, seconds, size):
        first, last = {10: (1, 1000), 10000: (1002, 1002), 100000: (1003, 1003)}[size]
        return self.floor.run("member", conns, seconds, first=first, last=last)

    def get(self, conns, seconds):
        return self.floor.run("get", conns, seconds)

    def find(self, conns, seconds):
        return self.floor.run("find", conns, seconds)

    def list(self, conns, seconds):
        return self.floor.run("list", conns, seconds)

    def filter(self, conns, seconds):
        return self.floor.run("filter", conns, seconds)

    def bulk(self, conns, seconds):
        return self.floor.bulk(BULK, conns, seconds)

    def put(self, conns, seconds):
        return self.floor.run("put", conns, seconds)


class Polis(Contestant):
    """Ory Polis on the same PostgreSQL, in a database of its own."""

    name = "Polis"

    def __init__(self, stack, work_dir):
        self.dir, self.port, self.stack = work_dir, free_port(), stack
        self.package = self._fetch()
        self.store = tools.database(stack.env["USHER_PG"], "bench_polis")
        url = "postgres://%(user)s:%(password)s@%(host)s:%(port)s/%(dbname)s" % tools.parse_dsn(self.store)
        self.server = subprocess.Popen(["node", os.path.join(tools.HERE, "polis.js"), self.package, str(self.port), url], cwd=self.package,
                                       stdout=subprocess.PIPE, text=True)
        line = self.server.stdout.readline()
        if not line:
            raise tools.BenchError("Polis does not start")
        where = json.loads(line)
        self.load = tools.Load(self.port, where["secret"], work_dir, where["path"])
        self.processes = Processes(node=self.server.pid, postgres=stack.pid("POSTGRES"))
        self.tags, self.toggled = itertools.count(), 0
        self._fill()

    def _fetch(self):
        """The folder with the package: POLIS_DIR, or one that npm fills."""
        folder = os.environ.get("POLIS_DIR") or os.path.join(self.dir, "polis")
        if not os.path.isdir(os.path.join(folder, "node_modules", "@boxyhq", "saml-jackson")):
            if shutil.which("npm") is None:
                raise tools.BenchError("Polis is left out: there is no npm")
            os.makedirs(folder, exist_ok=True)
            got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, POLIS], capture_output=True, text=True)
            if got.returncode != 0:
                raise tools.BenchError("Polis is left out: npm cannot get %s: %s" % (POLIS, got.stderr[-300:]))
        return folder

    def _fill(self):
        """2,000 users, and 100 rooms without members: its own API is the only way in, and slow."""
        self.load.create_users("polis", 32, 120, requests=2000)
        self.ids = self.load.created("polis")
        self.names = self.load.file("polis.names", ("polis-%d@example.com" % n for n in range(len(self.ids))))
        self.ids_file = self.load.file("polis.ids", self.ids)
        rooms = self.load.fill_rooms("polis", 100, [])
        self.pairs = Pairs(rooms, self.ids)

    def stop(self):
        self.server.terminate()
        self.server.wait()

    def _counted(self, namespace, run):
        query = "SELECT count(*) FROM jackson_store WHERE namespace LIKE %s"
        before = tools.ask(self.store, query, namespace)
        found = run()
        found["missing"] = found["answered"] - (tools.ask(self.store, query, namespace) - before)
        return found

    def create(self, conns, seconds):
        return self._counted("dsync:users%", lambda: self.load.create_users("p%d" % next(self.tags), conns, seconds))

    def toggle(self, conns, seconds):
        found = self.load.toggle_users(self.ids, conns, seconds, self.toggled)
        self.toggled += found["answered"] + found["errors"]
        return found

    def member(self, conns, seconds, size):
        if size != 10:
            return None
        return self._counted("dsync:members%", lambda: self.pairs.add(self.load, conns, seconds, 200))

    def get(self, conns, seconds):
        return self.load.get_users(self.ids_file, conns, seconds)

    def find(self, conns, seconds):
        return self.load.find_users(self.names, conns, seconds)
