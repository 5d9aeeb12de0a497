"""The faults: each a function of a Ground (a stack under load) that makes the fault happen, proves that it happened,
and returns when usher works again. Raises Missed when the fault was not reached, Failed when usher did not do what
it must, Silence when nothing moves any more."""

import contextlib
import json
import os
import re
import signal
import tempfile
import threading

import stream
from scimhttp import GROUP, USER, patch_op
from stack import free_port
from waiting import run, wait_until

MOST_ANSWERS = 20000  # within which a failpoint must be reached: many times what it takes


class Failed(Exception):
    pass


class Missed(Failed):
    """The fault did not happen, so the scenario has shown nothing."""


def process_state(pid):
    """One letter as in ps, or None for a process that is gone or waits to be reaped."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            state = f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None
    return None if state in "ZX" else state


class Ground:
    """A stack with load on it, and the hands to hurt it."""

    def __init__(self, stack, load):
        self.stack, self.load, self.killed_ingests, self.extra = stack, load, [], 0

    def local(self, *words, failpoint=None, check=True):
        """usher-local; failpoint: (program, text) to arm in what it starts."""
        name = "USHER_FAILPOINT_" + failpoint[0] if failpoint else None
        if name:
            os.environ[name] = failpoint[1]
        try:
            code, text = self.stack.local(*words, check=check)
        finally:
            if name:
                del os.environ[name]
        self.stack.reload()
        return code, text

    def kill(self, program):
        pid = self.stack.pid(program)
        self.stack.signal(program)
        if program.startswith("INGEST"):
            self.killed_ingests.append(pid)
        wait_until(lambda: process_state(pid) is None, "%s to die" % program)

    def log_size(self, name):
        path = os.path.join(self.stack.run_dir, "log", name + ".log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def logged(self, name, since, text):
        with open(os.path.join(self.stack.run_dir, "log", name + ".log"), "rb") as f:
            f.seek(since)
            return text.encode() in f.read()

    @contextlib.contextmanager
    def quiet(self):
        """No load meanwhile: a topic that is written all the time has no end to read to."""
        for loader in self.load.loaders:
            loader.paused.set()
        for loader in self.load.loaders:
            loader.idle.wait()
        try:
            yield
        finally:
            for loader in self.load.loaders:
                loader.paused.clear()

    def works(self, more=40):
        self.load.works(more)

    def arm(self, part, point, action, passes):
        """Starts the part (worker, ingest; it must not run) with the failpoint. Gives its pid and the place in its
        log where that life begins."""
        since = self.log_size(part)
        self.local("start", failpoint=(part.upper(), "%s=%s@%d" % (point, action, passes)), check=False)
        with open(os.path.join(self.stack.run_dir, "pid", part)) as f:
            return int(f.read().split()[0]), since

    def wait(self, condition, what):
        """While changes are acknowledged, but not for ever: within so many requests, or it has been missed."""
        answered = self.load.answered()

        def met():
            if self.load.answered() > answered + MOST_ANSWERS:
                raise Missed("waited for %s for %d requests" % (what, MOST_ANSWERS))
            return condition()

        wait_until(met, what, self.load.done)

    def assigned(self, name):
        """The partitions that a worker has been given since its log began."""
        with open(os.path.join(self.stack.run_dir, "log", name + ".log"), errors="replace") as f:
            return set(re.findall(r"event=assigned partition=(\d+)", f.read()))

    def reached(self, part, point, pid, since, states):
        """Waits until the process is in one of the states, and that because of the failpoint."""
        self.wait(lambda: process_state(pid) in states, "%s to be reached" % point)
        if not self.logged(part, since, "name=" + point):
            raise Failed("%s ended, but not at %s" % (part, point))


# ---------------------------------------------------------------- kill -9 at a failpoint

def dies_at(ground, part, point, passes):
    """The part ends by SIGKILL at the named place under load. It is not started again here: the next scenario does
    that, armed anew."""
    pid, since = ground.arm(part, point, "kill", passes)
    if part == "ingest":
        ground.killed_ingests.append(pid)
    ground.reached(part, point, pid, since, (None,))


def back_to_work(ground):
    ground.local("start")
    ground.works()


# ---------------------------------------------------------------- zombies

def takes_over(ground, zombie):
    """Another worker takes the partitions of the stopped one; then that one goes on and must find itself fenced."""
    ground.extra += 1
    name = "z%d" % ground.extra
    ground.local("extra-worker", name)
    partitions = int(ground.stack.env.get("USHER_PARTITIONS", "12"))
    try:
        ground.wait(lambda: len(ground.assigned("worker-" + name)) == partitions, "all partitions to be taken over")
        ground.works()
        if process_state(zombie) != "T":
            raise Missed("the zombie was not stopped while the other took over")
        since = ground.log_size("worker")
    finally:
        os.kill(zombie, signal.SIGCONT)  # even where that failed: the next scenario starts it, and it must answer
    ground.works(60)
    ground.wait(lambda: ground.logged("worker", since, "event=assigned"), "the zombie to be one of the group again")
    ground.local("stop", "worker-" + name)
    ground.local("start")
    ground.works()


def zombie_anywhere(ground):
    zombie = ground.stack.pid("WORKER")
    os.kill(zombie, signal.SIGSTOP)
    wait_until(lambda: process_state(zombie) == "T", "the worker to stand still")
    takes_over(ground, zombie)


def zombie_at(ground, point, passes):
    ground.local("stop", "worker")
    zombie, since = ground.arm("worker", point, "stop", passes)
    ground.reached("worker", point, zombie, since, ("T",))
    takes_over(ground, zombie)


# ---------------------------------------------------------------- what usher stands on

def survives(ground, programs, fault):
    """The fault, a start of what is missing, and the very same processes at work again."""
    before = {p: ground.stack.pid(p) for p in programs}
    failed = ground.load.failed()
    fault()
    wait_until(lambda: ground.load.failed() > failed, "clients to feel it", ground.load.answered)
    ground.local("start")
    for program, pid in before.items():
        if process_state(pid) is None:
            raise Failed("%s did not survive" % program.lower())
    ground.works(60)


def kafka_killed(ground):
    survives(ground, ("INGEST", "WORKER"), lambda: ground.kill("BROKER"))


def stops_in_order(ground, part):
    """Under load: to the end of its own way, not torn off."""
    since = ground.log_size(part)
    ground.local("stop", part)
    if not ground.logged(part, since, "event=stopped"):
        raise Failed("%s did not end in order" % part)


def postgres_killed(ground):
    def kill():
        ground.stack.forget()
        ground.kill("POSTGRES")
    survives(ground, ("INGEST", "WORKER"), kill)


def archive_built_anew(ground):
    """All of it is deleted, and read from the topic once more, while the load goes on: each leaf, hash and head is what
    it was. (And the head that is published fits, or nothing would be signed.)"""
    stack = ground.stack
    hashes = "SELECT workspace_id::text, tree, level, index, hash FROM usher.audit_node WHERE level > 0"
    ground.local("stop", "worker")
    before = {row[:4]: bytes(row[4]) for row in stack.sql(hashes)}
    for table in ("leaf", "hashes", "tree", "checkpoint", "offset"):
        stack.sql("DELETE FROM usher.audit_" + table)
    ground.local("start")
    ground.works(60)

    def anew():
        return {row[:4]: bytes(row[4]) for row in stack.sql(hashes)}

    ground.wait(lambda: before.keys() <= anew().keys(), "the archive to be built anew")
    after = anew()
    if not before or any(after.get(place) != h for place, h in before.items()):
        raise Failed("a second archive differs: %d of %d hashes" % (
            sum(after.get(place) != h for place, h in before.items()), len(before)))
    ground.wait(lambda: stack.sql("SELECT count(*) FROM usher.audit_checkpoint")[0][0] > 0, "a signed head")


def two_and_two(ground, make_load):
    """Two ingests and two workers under load; a worker and an ingest are killed."""
    url = ground.stack.extra_ingest("second", free_port())
    ground.stack.extra_worker("second")
    second = make_load([url, ground.stack.url]).start()
    try:
        second.works(60)
        ground.works()
        ground.kill("WORKER")
        ground.works(60)
        second.works(60)
        ground.local("start")
        ground.works(60)
        ground.kill("INGEST_SECOND")
        ground.works(60)
    finally:
        second.stop()
        ground.load.loaders += second.loaders
        ground.load.workspaces += second.workspaces
        ground.local("stop", "worker-second", "ingest-second")
    ground.works()


# ---------------------------------------------------------------- what should not be in the log of commands

def commands_of(ground, workspace):
    """The records of the workspace's commands."""
    return [r for r in stream.read_topic(ground.stack.kafka, stream.COMMANDS) if r.key == workspace]


def produce_again(ground, command):
    produce(ground, stream.COMMANDS, command.partition, command.key, command.headers, command.text.encode())


def produce(ground, topic, partition, key, headers, payload):
    with tempfile.NamedTemporaryFile(suffix=".command") as f:
        f.write(payload)
        f.flush()
        command = ["kcat", "-P", "-b", ground.stack.kafka, "-t", topic, "-p",
                   str(partition)] + (["-k", key] if key else [])
        for name, value in headers.items():
            command += ["-H", "%s=%s" % (name, value)]
        run(command + [f.name], check=True)


def repeated_command(ground):
    """A captured command, produced again by hand: it is answered from what is stored and has no second effect, not even
    after its user was deleted."""
    w = ground.stack.workspace("crash-repeat")
    made = w.client.post("/Users", {"schemas": [USER], "userName": "again@example.com"})
    create = [c for c in commands_of(ground, w.id) if c.value["type"] == "user.create"][-1]
    txn = create.value["txn"]
    before = w.counts()
    for _ in range(2):
        produce_again(ground, create)
    w.client.patch("/Users/" + made.json["id"], patch_op({"op": "replace", "path": "title", "value": "after"}))
    after = w.counts()
    if (after["users"], after["seats"], after["audit_seq"]) != (before["users"], before["seats"],
                                                                before["audit_seq"] + 1):
        raise Failed("a repeated command changed something: %s, then %s" % (before, after))
    w.client.delete("/Users/" + made.json["id"])
    produce_again(ground, create)
    other = w.client.post("/Users", {"schemas": [USER], "userName": "other@example.com"})
    if w.client.get("/Users/" + made.json["id"]).status != 404 or other.status != 201 or w.counts()["users"] != 1:
        raise Failed("a repeated create brought a deleted user back")
    replies = [r for r in stream.read_topic(ground.stack.kafka, stream.REPLIES) if r.headers.get("usher-txn") == txn]
    if len(replies) < 4:
        raise Failed("the repeated commands got %d replies, 4 were due" % len(replies))


def repeated_over_a_crash(ground):
    """The worker dies between the two commits, and the same command comes twice more behind it: one event; and the
    client, who waited until the deadline, is told the outcome that is stored, not a 503."""
    w = ground.stack.workspace("crash-twice")
    user = w.client.post("/Users", {"schemas": [USER], "userName": "twice@example.com"}).json["id"]
    room = w.client.post("/Groups", {"schemas": [GROUP], "displayName": "Twice"}).json["id"]

    def added():
        return [r for r in stream.of_workspace(stream.read_topic(ground.stack.kafka, stream.MEMBERSHIP), w.id)
                if r.value["type"] == "usher.member.added"]
    ground.local("stop", "worker")
    pid, since = ground.arm("worker", "worker.after_pg_commit", "kill", 1)
    answers = []
    add = patch_op({"op": "add", "path": "members", "value": [{"value": user}]})
    asking = threading.Thread(target=lambda: answers.append(w.client.patch("/Groups/" + room, add)))
    asking.start()
    ground.reached("worker", "worker.after_pg_commit", pid, since, (None,))
    command = [c for c in commands_of(ground, w.id) if c.value["type"] == "room.patch"][-1]
    for _ in range(2):
        produce_again(ground, command)
    asking.join()
    if not answers or answers[0].status != 204:
        raise Failed("the change was committed, the client was told %r" % answers)
    ground.local("start")
    wait_until(added, "the event after the restart", ground.stack.progress)
    w.client.patch("/Users/" + user, patch_op({"op": "replace", "path": "title", "value": "behind the repeated ones"}))
    if len(added()) != 1:
        raise Failed("the member was added by %d events" % len(added()))


def poison(ground):
    """What cannot be decoded goes to usher.deadletter with the reason, and the partition goes on."""
    w = ground.stack.workspace("crash-poison")
    sample = commands_of(ground, w.id)[-1]
    known = len(stream.read_topic(ground.stack.kafka, stream.DEADLETTER))
    poisons = [os.urandom(100) + b"\xff\x00{", b"{}", b"[1,2", b'{"v":0,"type":"user.create"}',
               json.dumps(dict(sample.value, type=7)).encode()]
    for payload in poisons:
        produce(ground, stream.COMMANDS, sample.partition, w.id, {}, payload)
    answer = w.client.post("/Users", {"schemas": [USER], "userName": "after-poison@example.com"})
    if answer.status != 201:
        raise Failed("after poison the partition answers %r" % answer)

    def letters():
        return stream.read_topic(ground.stack.kafka, stream.DEADLETTER)[known:]

    wait_until(lambda: len(letters()) >= len(poisons), "%d dead letters" % len(poisons), lambda: len(letters()))
    dead = letters()
    if len(dead) != len(poisons):
        raise Failed("%d poison messages, %d dead letters" % (len(poisons), len(dead)))
    for r, payload in zip(sorted(dead, key=lambda r: int(r.headers["usher-origin-offset"])), poisons):
        told = {"usher-error-detail", "usher-error", "usher-origin-topic", "usher-origin-partition",
                "usher-origin-offset"} - set(r.headers)
        if told or r.headers["usher-origin-partition"] != str(sample.partition):
            raise Failed("a dead letter without %s: %s" % (told, r.headers))
        if payload.startswith(b"{") and r.value != json.loads(payload):
            raise Failed("the dead letter %r is not the poison %r" % (r.value, payload))
