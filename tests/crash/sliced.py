"""Faults in the middle of large commands: at each boundary between slices the worker is killed, or what it stands on.
What comes out must be what comes out of the same command without a fault. The stack has slices of three rows, and looks up four users in a
step before the decision."""

import os
import signal
import threading

import stream
from faults import Failed, process_state
from scimhttp import GROUP, USER, Answer, Broken, patch_op
from waiting import wait_until

ROWS = 3  # of a slice: seven members are three slices
STEP = 4  # users that are looked up at once: a PUT of such a room has several steps before it is decided
MANY = 7


class Subject:
    """A workspace with users, a room of seven, and a user in seven rooms; and one large command."""

    def __init__(self, ground, name):
        self.ground, self.w = ground, ground.stack.workspace("sliced-" + name)
        post = self.w.client.post
        self.users = [post("/Users", {"schemas": [USER], "userName": "u%d" % i}).json["id"]
                      for i in range(MANY + 4)]
        self.room = self.make_room("large", self.users[:MANY])
        self.small = [self.make_room("r%d" % i, self.users[:1]) for i in range(MANY)]
        self.answer, self.later = None, None
        self.again = False  # what was refused at its deadline is sent again

    def make_room(self, name, users):
        return self.w.client.post("/Groups", {"schemas": [GROUP], "displayName": name,
                                              "members": [{"value": u} for u in users]}).json["id"]

    def put(self):
        keep = self.users[:2] + self.users[MANY:]
        return self.w.client.put("/Groups/" + self.room, {"schemas": [GROUP], "displayName": "large, changed",
                                                          "members": [{"value": u} for u in keep]})

    def delete(self):
        answer = self.w.client.delete("/Groups/" + self.room)
        if answer.status == 204:
            self.shows_none(self.room)
        return answer

    def deactivate(self):
        answer = self.w.client.patch("/Users/" + self.users[0],
                                     patch_op({"op": "replace", "path": "active", "value": False}))
        if answer.status == 200:
            self.shows_nobody(self.users[0])
        return answer

    def shows_none(self, room):
        """From the answer on, whatever slices are still to be done."""
        get = self.w.client.get
        listed = [g["id"] for g in get("/Groups?count=200").json["Resources"]]
        shown = [g["value"] for u in self.users[:2] for g in get("/Users/" + u).json.get("groups", [])]
        if get("/Groups/" + room).status != 404 or room in listed + shown:
            raise Failed("a deleted room is shown")

    def shows_nobody(self, user):
        get = self.w.client.get
        found = get('/Groups?filter=members.value%20eq%20"' + user + '"').json["totalResults"]
        shown = [m["value"] for m in get("/Groups/" + self.room).json.get("members", [])]
        if get("/Users/" + user).json.get("groups") or found or user in shown:
            raise Failed("a deactivated user is shown in a room")

    def large(self, kind):
        try:
            self.answer = getattr(self, kind)()
            if self.again and self.answer.status == 503:
                self.answer = getattr(self, kind)()
        except Broken:  # its audit record did not reach Kafka: the connection is closed without an answer
            self.answer = Answer(503, [], b"")

    def follow(self):
        """A small command behind it, which must come after all of it."""
        self.later = self.w.client.post("/Groups", {"schemas": [GROUP], "displayName": "behind"})

    def both(self, kind):
        self.large(kind)
        self.follow()

    # ---- what others see of it

    def records(self, topic, told):
        return [told(r.value) for r in stream.of_workspace(stream.read_topic(self.ground.stack.kafka, topic), self.w.id)
                if r.value and r.value.get("kind") != "request"]

    def view(self):
        """The streams without ids, and the tables."""
        membership = self.records(stream.MEMBERSHIP, lambda v: (
            v["seq"], v["type"], v["room"]["name"], v.get("user", {}).get("userName"), v.get("transmit"), v["reason"]))
        audit = self.records(stream.AUDIT, lambda v: (
            v["seq"], v["action"], (v["target"] or {}).get("name"), (v["subject"] or {}).get("name"), v["outcome"],
            v.get("seat")))
        members = self.ground.stack.sql(
            "SELECT r.display_name, u.user_name, m.held FROM members m JOIN rooms r ON r.workspace_id = m.workspace_id "
            "AND r.id = m.room_id JOIN users u ON u.workspace_id = m.workspace_id AND u.id = m.user_id "
            "WHERE m.workspace_id = %s ORDER BY 1, 2", self.w.id)
        counts = self.w.counts()
        left = self.ground.stack.sql("SELECT count(*) FROM slices WHERE workspace_id = %s", self.w.id)
        names = [r[1:] for r in audit if not r[1].startswith(("key.", "workspace."))]
        return {"membership": sorted(r[1:] for r in membership), "audit": sorted(map(str, names)),
                "numbers": [r[0] for r in membership] == list(range(1, len(membership) + 1)),
                "members": members, "counts": counts, "left": left,
                "last": membership[-1][1:4] if membership else None}


def difference(name, wanted, seen):
    if not isinstance(wanted, list):
        return "" if wanted == seen else "%s is %s, not %s" % (name, seen, wanted)
    missing = [x for x in wanted if wanted.count(x) > seen.count(x)]
    more = [x for x in seen if seen.count(x) > wanted.count(x)]
    return "%s lacks %s, and has %s more" % (name, missing[:5], more[:5]) if missing or more else ""


def compare(plain, hurt, unknown):
    """The same, as soon as all of it is there. unknown: the answer may be that the outcome is not known."""
    wanted = plain.view()

    def same():
        return hurt.view() == wanted

    try:
        wait_until(same, "the same view as without a fault", hurt.ground.stack.progress)
    except Exception:
        seen = hurt.view()
        raise Failed("it differs: %s" % "; ".join(difference(k, wanted[k], seen[k]) for k in wanted)) from None
    told = [(s.answer.status, s.later.status) for s in (plain, hurt)]
    if told[0] != told[1] and not (unknown and told[1] == (503, told[0][1])):
        raise Failed("without a fault clients were told %s, with one %s" % tuple(told))
    if not wanted["numbers"] or wanted["left"] != [(0,)]:
        raise Failed("not even without a fault it is right: %s" % wanted)


def takes_writes(w):
    answer = w.client.post("/Groups", {"schemas": [GROUP], "displayName": "probe"})
    return answer.status in (201, 409)  # 409: one whose answer said that it is not known has been done


def with_fault(ground, kind, point, passes, action, fault=None):
    with ground.quiet():
        ground.local("start")
        plain, hurt = Subject(ground, "plain"), Subject(ground, "hurt")
        spare = ground.stack.workspace("sliced-spare")
        hurt.again = point.startswith("step.")  # not decided yet: a new worker may come too late, then nothing was done
        plain.both(kind)
        ground.local("stop", "worker")
        pid, since = ground.arm("worker", point, action, passes)
        asking = threading.Thread(target=hurt.large if fault else hurt.both, args=(kind,))
        asking.start()
        wait_until(lambda: process_state(pid) in (None, "T"), "%s to be reached" % point)
        if not ground.logged("worker", since, "name=" + point):
            raise Failed("the worker ended, but not at %s" % point)
        if fault:
            fault(pid)
        ground.local("start")
        asking.join()
        if fault:  # PostgreSQL or Kafka was away: what is asked for meanwhile may be refused
            hurt.w.client, spare.client = hurt.w.open(), spare.open()
            wait_until(lambda: takes_writes(spare), "writes to be taken again", ground.stack.progress)
            hurt.follow()
        compare(plain, hurt, unknown=bool(fault))
    ground.works()


def killed(ground, kind, point, passes):
    """kill -9 of the worker."""
    with_fault(ground, kind, point, passes, "kill")


def killed_under(ground, kind, program):
    """kill -9 of PostgreSQL or of Kafka between two slices."""
    def fault(pid):
        ground.stack.forget()
        ground.kill(program)
        os.kill(pid, signal.SIGCONT)
    with_fault(ground, kind, "slice.after_commit", 2, "stop", fault)
