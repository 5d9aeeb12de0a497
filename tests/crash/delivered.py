"""Workers that deliver events over HTTP die, or stand still, in the middle of it. What the receivers got is held
against the streams: whoever drops an id that he has seen has each stream whole and in its order; and what came twice
was the same.

The worker of the stack does not deliver in this group: other workers do, that have no other role."""

import json
import os
import signal
import threading

import signals
import stream
from faults import Failed, Missed, process_state
from receiver import Receiver
from scimhttp import GROUP, USER, Broken, patch_op
from waiting import let_time_pass, wait_until

ALONE = "--roles apply,archive --deliver-http"
# One has room for four of the six endpoints. With room for all, the one that hears of a change first takes them all, and
# it is luck when two hold some.
DELIVER = ("--roles deliver --deliver-http --deliver-networks 127.0.0.0/8 --deliver-retries 1,1,2 --deliver-seconds 2"
           " --deliver-connections 4")
SLOW = 0.02  # seconds of an answer, so that at any time something is under way
HOOKS = 5


class Changes(threading.Thread):
    """One change after the other, whatever becomes of each: users are made, and put into a room."""

    def __init__(self, workspace):
        super().__init__(daemon=True, name="changes")
        self.workspace, self.n, self.ends = workspace, 0, threading.Event()
        self.room = workspace.client.post("/Groups", {"schemas": [GROUP], "displayName": "all"}).json["id"]

    def change(self, client):
        self.n += 1
        made = client.post("/Users", {"schemas": [USER], "userName": "u%d@example.com" % self.n})
        if made.status == 201:
            client.patch("/Groups/" + self.room, patch_op({"op": "add", "path": "members",
                                                           "value": [{"value": made.json["id"]}]}))

    def run(self):
        client = self.workspace.open()
        while not self.ends.is_set():
            try:
                self.change(client)
            except (Broken, OSError):
                client.close()
            let_time_pass(0.02, "the changes are to go on for as long as the fault takes")
        client.close()

    def end(self):
        self.ends.set()
        self.join()


class Town:
    """A workspace with webhooks and a stream that is pushed to, all of receivers that take everything."""

    def __init__(self, ground):
        self.ground, self.stack = ground, ground.stack
        self.w = self.stack.workspace("delivered")
        self.hooks, self.push = Receiver(), signals.PushReceiver()
        for i in range(HOOKS):
            self.hooks.answers["/%d" % i] = lambda n: (let_time_pass(SLOW, "a receiver takes its time"), 200)[1]
            self.stack.ctl("delivery", "create", workspace=self.w.id, name="hook %d" % i,
                           endpoint=self.hooks.url("/%d" % i))
        self.push.answer = lambda n, token: (let_time_pass(SLOW, "a receiver takes its time"), 202)[1]
        token, _ = self.w.key("receiver", "api:users:read,api:users:write")
        ssf = signals.Transmitter(self.stack.url, token)
        made = ssf.create(events_requested=[signals.SCIM + kind for kind in ("create:notice", "create:full")],
                          delivery={"method": signals.PUSH, "endpoint_url": self.push.url()})
        ssf.close()
        if made.status != 201:
            raise Failed("the stream of signals was not made: %r" % made)
        self.changes = Changes(self.w)

    def close(self):
        self.changes.end()
        self.hooks.close()
        self.push.close()
        self.stack.sql("DELETE FROM deliveries WHERE workspace_id = %s", self.w.id)

    # ---- workers

    def worker(self, name, failpoint=None):
        """One more worker, that delivers. Gives its pid, and how its log is called."""
        before = os.environ.pop("USHER_FAILPOINT_WORKER", None)
        if failpoint:
            os.environ["USHER_FAILPOINT_WORKER"] = failpoint
        try:
            self.stack.local("extra-worker", name, WORKER_ARGS=DELIVER, check=failpoint is None)
        finally:
            os.environ.pop("USHER_FAILPOINT_WORKER", None)
            if before is not None:
                os.environ["USHER_FAILPOINT_WORKER"] = before
        with open(os.path.join(self.stack.run_dir, "pid", "worker-" + name)) as f:
            return int(f.read().split()[0])

    def stop(self, *names):
        self.ground.local("stop", *("worker-" + name for name in names))

    def holders(self):
        """{who delivers: how many endpoints it holds just now}"""
        return dict(self.stack.sql("SELECT holder, count(*) FROM delivery_progress WHERE workspace_id = %s "
                                   "AND held_until > now() GROUP BY holder", self.w.id))

    # ---- what has come

    def came(self):
        """{receiver: [(id of the record, what came)]} in the order in which it came."""
        found = {path: [(m.id, m.body) for m in self.hooks.of(path)] for path in self.hooks.answers}
        tokens = [signals.jwt.decode(t, options={"verify_signature": False}) for _, t in self.push.all()]
        found["the stream"] = [(c["jti"].rsplit("/", 2)[0], json.dumps(c, sort_keys=True)) for c in tokens]
        return found

    def taken(self):
        return min(map(len, self.came().values()))

    def again(self):
        """How many have come more than once."""
        return sum(len(came) - len({i for i, _ in came}) for came in self.came().values())

    def caught_up(self):
        def waiting():
            return self.stack.sql("SELECT coalesce(sum(h.newest - p.cursor), 0) FROM delivery_progress p JOIN delivery_heads h "
                                  "USING (workspace_id) WHERE p.workspace_id = %s", self.w.id)[0][0]
        wait_until(lambda: waiting() == 0 and self.all_taken(), "all messages to be delivered",
                   lambda: (waiting(), sum(map(len, self.came().values()))))

    def all_taken(self):
        """The records of both topics are in the log: nothing is still on its way there."""
        self.wanted = {}
        for topic in (stream.MEMBERSHIP, stream.EVENTS):
            records = stream.of_workspace(stream.read_topic(self.stack.kafka, topic), self.w.id)
            self.wanted[topic] = [(r.headers["ce_id"], r.headers["ce_type"]) for r in records]
        kept = self.stack.sql("SELECT count(*) FROM delivery_log WHERE workspace_id = %s", self.w.id)[0][0]
        return kept == sum(map(len, self.wanted.values()))

    def judge(self):
        """Gives how many messages came more than once."""
        self.changes.end()
        self.caught_up()
        again = 0
        for name, came in self.came().items():
            again += self.judge_one(name, came)
        return again

    def judge_one(self, name, came):
        first = dict(reversed(came))  # of each id what came first
        ids = list(dict.fromkeys(i for i, _ in came))
        for i, what in came:
            if what != first[i]:
                raise Failed("%s: %s came twice, with other contents" % (name, i))
        for topic, records in self.wanted.items():
            wanted = [i for i, kind in records
                      if name != "the stream" or kind.startswith(signals.SCIM + "create:")]
            have = [i for i in ids if i in set(wanted)]
            if have != wanted:
                lacks = [i for i in wanted if i not in ids]
                raise Failed("%s: of %s it lacks %s, or has another order: %s" % (name, topic, lacks[:5], have[:20]))
        if len(ids) != sum(len([1 for _, kind in records if name != "the stream" or kind.startswith(
                signals.SCIM + "create:")]) for records in self.wanted.values()):
            raise Failed("%s got what is in no stream" % name)
        return len(came) - len(ids)

    def never_back(self):
        """A message that comes again comes at once, before any other one."""
        for name, came in self.came().items():
            place = {i: n for n, i in enumerate(dict.fromkeys(i for i, _ in came))}
            places = [place[i] for i, _ in came]
            if places != sorted(places):
                raise Failed("%s: a message came again behind later ones: %s" % (name, places))


def in_town(scenario):
    def run(ground):
        with ground.quiet():
            town = Town(ground)
            try:
                scenario(ground, town)
            finally:
                town.close()
        ground.works()
    return run


# ---------------------------------------------------------------- the faults

@in_town
def killed_before_settling(ground, town):
    """The receivers have answered, and PostgreSQL does not know it: the same messages come again, and no others."""
    town.changes.start()
    wait_until(lambda: town.changes.n >= 20, "changes that nobody delivers yet")
    for passes in (6, 9, 12, 15):
        pid = town.worker("killed", "deliver.before_settle=kill@%d" % passes)
        wait_until(lambda p=pid: process_state(p) is None, "deliver.before_settle to be reached", town.stack.progress)
        if not ground.logged("worker-killed", 0, "name=deliver.before_settle"):
            raise Failed("the worker ended, but not at deliver.before_settle")
        before = town.taken()
        town.worker("after")
        wait_until(lambda b=before: town.taken() > b, "messages that go on", town.stack.progress)
        if town.again():
            break
        town.stop("after")  # it died behind a settlement that told of no answer
    else:
        town.worker("after")
    again = town.judge()
    town.never_back()
    town.stop("after")
    if again == 0:
        raise Missed("nothing was in the middle when the worker died")


def two_of_them(town):
    """Gives the pid of one that is to be hurt: both hold some of the endpoints."""
    pid = town.worker("one")
    town.worker("two")
    town.changes.start()
    wait_until(lambda: len(town.holders()) == 2, "both to deliver", town.stack.progress, pause=0.005)
    return pid


@in_town
def one_of_two_killed(ground, town):
    """The other takes over what it held, when its time is over."""
    pid = two_of_them(town)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: process_state(pid) is None, "one to die")
    before = town.taken()
    wait_until(lambda: town.taken() > before, "what it held to go on", town.stack.progress)
    town.judge()
    town.never_back()
    town.stop("two")


@in_town
def one_of_two_stands_still(ground, town):
    """The other takes over what it held; when it goes on it finds that, and sends nothing of what is done by now."""
    pid = two_of_them(town)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: process_state(pid) == "T", "one to stand still")
    before = town.taken()
    wait_until(lambda: town.taken() > before + 5, "what it held to go on", town.stack.progress)
    os.kill(pid, signal.SIGCONT)
    now = town.changes.n
    wait_until(lambda: town.changes.n > now + 20, "changes while both are there")
    town.judge()
    town.never_back()
    town.stop("one", "two")
