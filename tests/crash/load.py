"""Load that knows what must be true: clients that change users and rooms, remember every answer, and keep a model of
their own objects.

Each client owns its users and some rooms, and has one request in flight; rooms that all clients of a workspace share
are filled by each with its own users. So the model of an object is never in doubt, but where an answer leaves it
open (a broken connection, a 503 that does not say that nothing was changed): then the object is frozen, with both
states that it may have, and touched no more."""

import random
import threading
import time

from scimhttp import GROUP, USER, Answer, Broken, Client, check_answer, patch_op
from waiting import let_time_pass, wait_until

DONE, NOT_DONE, UNSURE = "done", "not done", "unsure"
NOT_SENT = Answer(0, [], b"")  # there was no connection to send it on


class User:
    def __init__(self, uid, name):
        self.id, self.name, self.title, self.active, self.rooms = uid, name, None, True, set()

    def state(self):
        return {"id": self.id, "name": self.name, "title": self.title, "active": self.active,
                "rooms": frozenset(self.rooms)}


class Room:
    def __init__(self, rid, name):
        self.id, self.name = rid, name


class Frozen:
    """An object after an answer that left its state open; before and after: states, None = does not exist."""

    def __init__(self, kind, name, before, after, user_agent):
        self.kind, self.name, self.before, self.after, self.user_agent = kind, name, before, after, user_agent


class Loader(threading.Thread):
    MOST_USERS, MOST_ROOMS = 10, 4

    def __init__(self, number, workspace, url, shared, renames, pace):
        super().__init__(daemon=True, name="client-%d" % number)
        self.workspace, self.shared, self.renames, self.pace = workspace, shared, renames, pace
        self.client = Client(url, workspace.token, check=False)
        self.random, self.tag = random.Random(number), "c%d-%d" % (number, int(time.time() * 1000) % 10000000)
        self.stopping, self.paused, self.idle = threading.Event(), threading.Event(), threading.Event()
        self.users, self.rooms, self.gone, self.frozen = {}, {}, [], []
        self.answers = []       # (user agent, method, status or None)
        self.faults = []        # sentences
        self.acknowledged = []  # (action, target id, subject id or None)
        self.refused_names = [] # of users that were answered as not created
        self.accepted = []      # (txn, user name) of what was promised with 202
        self.pairs = {}         # (room, user) -> number of member.added events due
        self.lost_rooms = set() # rooms whose fate is open: their members are not judged
        # (room, user) -> number of member.added events that there are if such a room has survived.
        self.maybe = {}
        self.counts = {DONE: 0, NOT_DONE: 0, UNSURE: 0, "seats": 0, "deadline": 0}
        self.made = 0

    # ---- one request

    def send(self, method, path, body=None, headers=None):
        user_agent = "usher-crash/%s-%d" % (self.tag, len(self.answers))
        try:
            answer = self.client.request(method, path, body, headers={"User-Agent": user_agent, **(headers or {})})
        except ConnectionRefusedError:
            self.answers.append((user_agent, method, None))
            return NOT_SENT, user_agent
        except (Broken, OSError, ValueError, AssertionError):
            self.client.close()
            self.answers.append((user_agent, method, None))
            return None, user_agent
        self.answers.append((user_agent, method, answer.status))
        for wrong in check_answer(answer):
            self.faults.append("%s %s: %r: %s" % (method, path, answer, wrong))
        return answer, user_agent

    def judge(self, answer, expected, allowed=()):
        """What an answer says about the change that was asked for."""
        if answer is None:
            verdict = UNSURE
        elif answer is NOT_SENT:
            verdict = NOT_DONE
        elif answer.status == expected:
            verdict = DONE
        elif answer.status == 503:
            verdict = NOT_DONE if b"othing was changed" in answer.body else UNSURE
            self.counts["deadline"] += verdict == NOT_DONE
        elif answer.status in allowed or answer.status == 429:
            verdict = NOT_DONE
            self.counts["seats"] += answer.status == 403
        else:
            self.faults.append("unexpected answer %r" % answer)
            verdict = UNSURE
        self.counts[verdict] += 1
        if verdict != DONE:
            let_time_pass(0.2 if verdict == UNSURE else 0.05, "a client that is refused does not come back at once")
        return verdict

    def write(self, method, path, body, expected, allowed=()):
        answer, user_agent = self.send(method, path, body)
        return self.judge(answer, expected, allowed), answer, user_agent

    # ---- what a change does to the model

    def added(self, user, room):
        self.pairs[room, user.id] = self.pairs.get((room, user.id), 0) + 1
        self.acknowledged.append(("member.added", room, user.id))

    def freeze_user(self, user, after, user_agent):
        del self.users[user.id]
        self.frozen.append(Frozen("user", user.name, user.state(), after, user_agent))

    # ---- operations

    def create_user(self):
        self.made += 1
        name = "%s-%d@example.com" % (self.tag, self.made)
        verdict, answer, ua = self.write("POST", "/Users", {"schemas": [USER], "userName": name, "active": True,
                                                            "emails": [{"value": name, "primary": True}]}, 201, (403,))
        if verdict == DONE:
            user = User(answer.json["id"], name)
            self.users[user.id] = user
            self.acknowledged.append(("user.created", user.id, None))
        elif verdict == NOT_DONE:
            self.refused_names.append(name)
        else:
            self.frozen.append(Frozen("user", name, None, {"name": name, "title": None, "active": True,
                                                           "rooms": frozenset()}, ua))

    def create_later(self):
        """Asynchronously: 202 means that it will be done, and told once. Inactive, so that no seat can be wanting."""
        self.made += 1
        name = "%s-%d-later@example.com" % (self.tag, self.made)
        answer, ua = self.send("POST", "/Users", {"schemas": [USER], "userName": name, "active": False},
                               {"Prefer": "respond-async"})
        verdict = self.judge(answer, 202)
        if verdict == DONE:
            self.accepted.append((answer.headers.get("set-txn"), name))
        if verdict == NOT_DONE:
            self.refused_names.append(name)
        else:
            self.frozen.append(Frozen("user", name, None, {"name": name, "title": None, "active": False,
                                                           "rooms": frozenset()}, ua))

    def patch_user(self, user, operation, change, allowed=()):
        """change(user) puts the model into the state that a success means."""
        verdict, answer, ua = self.write("PATCH", "/Users/" + user.id, patch_op(operation), 200, allowed)
        after = User(user.id, user.name)
        after.title, after.active, after.rooms = user.title, user.active, set(user.rooms)
        change(after)
        if verdict == DONE:
            self.users[user.id] = after
            if after.active and not user.active:
                for room in after.rooms - self.lost_rooms:
                    self.added(after, room)
                for room in after.rooms & self.lost_rooms:
                    self.maybe[room, user.id] = self.maybe.get((room, user.id), 0) + 1
                self.acknowledged.append(("user.reactivated", user.id, None))
            if user.active and not after.active:
                self.acknowledged.append(("user.deactivated", user.id, None))
                self.acknowledged.extend(("member.removed", room, user.id) for room in user.rooms - self.lost_rooms)
        elif verdict == UNSURE:
            self.freeze_user(user, after.state(), ua)

    def retitle(self, user):
        """And another address, so that what users are looked up by changes too."""
        title = "title %d" % len(self.answers)
        value = {"title": title, "emails": [{"value": "%d-%s" % (len(self.answers), user.name), "primary": True}]}
        self.patch_user(user, {"op": "replace", "value": value}, lambda u: setattr(u, "title", title))

    def set_active(self, user):
        new = not user.active
        self.patch_user(user, {"op": "replace", "path": "active", "value": new},
                        lambda u: setattr(u, "active", new), (403,))

    def delete_user(self, user):
        verdict, _, ua = self.write("DELETE", "/Users/" + user.id, None, 204)
        if verdict == DONE:
            del self.users[user.id]
            self.gone.append(("user", user.id))
            self.acknowledged.append(("user.deleted", user.id, None))
        elif verdict == UNSURE:
            self.freeze_user(user, None, ua)

    def change_member(self, user, room, add):
        if add:
            operation = {"op": "add", "path": "members", "value": [{"value": user.id}]}
        else:
            operation = {"op": "remove", "path": 'members[value eq "%s"]' % user.id}
        verdict, _, ua = self.write("PATCH", "/Groups/" + room, patch_op(operation), 204)
        after = user.state()
        after["rooms"] = frozenset(user.rooms | {room} if add else user.rooms - {room})
        if verdict == UNSURE:
            self.freeze_user(user, after, ua)
        elif verdict == DONE:
            user.rooms = set(after["rooms"])
            if add and user.active:
                self.added(user, room)
            elif user.active:
                self.acknowledged.append(("member.removed", room, user.id))

    def create_room(self):
        self.made += 1
        name = "room %s-%d" % (self.tag, self.made)
        verdict, answer, ua = self.write("POST", "/Groups", {"schemas": [GROUP], "displayName": name}, 201)
        if verdict == DONE:
            self.rooms[answer.json["id"]] = Room(answer.json["id"], name)
            self.acknowledged.append(("room.created", answer.json["id"], None))
        elif verdict == UNSURE:
            self.frozen.append(Frozen("room", name, None, {"name": name}, ua))

    def rename_room(self, room):
        self.made += 1
        name = "room %s-%d" % (self.tag, self.made)
        verdict, _, ua = self.write("PATCH", "/Groups/" + room.id,
                                    patch_op({"op": "replace", "path": "displayName", "value": name}), 204)
        if verdict == DONE:
            room.name = name
            self.acknowledged.append(("room.renamed", room.id, None))
        elif verdict == UNSURE:
            self.freeze_room(room, {"id": room.id, "name": name}, ua)

    def delete_room(self, room):
        verdict, _, ua = self.write("DELETE", "/Groups/" + room.id, None, 204)
        if verdict == DONE:
            del self.rooms[room.id]
            self.gone.append(("room", room.id))
            self.acknowledged.append(("room.deleted", room.id, None))
            for user in self.users.values():
                if room.id in user.rooms and user.active:
                    self.acknowledged.append(("member.removed", room.id, user.id))
                user.rooms.discard(room.id)
        elif verdict == UNSURE:
            self.freeze_room(room, None, ua)

    def freeze_room(self, room, after, user_agent):
        self.rooms.pop(room.id, None)
        if self.renames is room:
            self.renames = None
        self.frozen.append(Frozen("room", room.name, {"id": room.id, "name": room.name}, after, user_agent))
        self.lost_rooms.add(room.id)

    def look(self, user):
        """Read your writes."""
        answer, _ = self.send("GET", "/Users/" + user.id)
        if answer is None or answer is NOT_SENT or answer.status == 503:
            return
        if answer.status != 200:
            self.faults.append("user %s was acknowledged and is answered %r" % (user.id, answer))
            return
        body = answer.json
        seen = (body.get("userName"), body.get("title"), body.get("active"),
                {g["value"] for g in body.get("groups", [])} - self.lost_rooms)
        due = (user.name, user.title, user.active, (user.rooms if user.active else set()) - self.lost_rooms)
        if seen != due:
            self.faults.append("user %s read %r, acknowledged was %r" % (user.id, seen, due))

    # ---- the mix

    def step(self):
        pick, r = self.random.random(), self.random
        user = r.choice(list(self.users.values())) if self.users else None
        if user is None or pick < (0.16 if len(self.users) < self.MOST_USERS else 0.02):
            self.create_user()
        elif pick < 0.18:
            self.create_later()
        elif pick < 0.30:
            self.retitle(user)
        elif pick < 0.56:
            room = r.choice([x.id for x in self.shared if x.id not in self.lost_rooms] + list(self.rooms))
            self.change_member(user, room, room not in user.rooms)
        elif pick < 0.70:
            if user.rooms - self.lost_rooms:
                self.change_member(user, r.choice(sorted(user.rooms - self.lost_rooms)), False)
        elif pick < 0.78:
            self.set_active(user)
        elif pick < 0.82:
            self.delete_user(user)
        elif pick < 0.86:
            if len(self.rooms) < self.MOST_ROOMS:
                self.create_room()
            else:
                self.delete_room(r.choice(list(self.rooms.values())))
        elif pick < 0.90:
            mine = list(self.rooms.values()) + ([self.renames] if self.renames else [])
            if mine:
                self.rename_room(r.choice(mine))
        else:
            self.look(user)

    def run(self):
        while not self.stopping.is_set():
            if self.paused.is_set():
                self.idle.set()
                let_time_pass(0.02, "a pause ends at any time")
                continue
            self.idle.clear()
            try:
                self.step()
            except Exception as trouble:  # a fault of the test itself must not pass for silence
                self.faults.append("client failed: %r" % trouble)
            let_time_pass(self.random.random() * self.pace, "clients have a pace")
        self.idle.set()
        self.client.close()


class Load:
    """Clients over several workspaces and ingests."""

    def __init__(self, stack, urls, clients=16, seats=18, pace=0.02):
        self.stack = stack
        self.workspaces = [stack.workspace("crash", rate=1000000) for _ in range(3)]
        self.limited = stack.workspace("crash-seats", rate=1000000, seats=seats)
        self.workspaces.append(self.limited)
        self.seats, self.loaders = {self.limited.id: seats}, []
        rooms = {w.id: [self._room(w, k) for k in range(3)] for w in self.workspaces}
        for k in range(clients):
            workspace = self.workspaces[k % len(self.workspaces)]
            shared = rooms[workspace.id]
            renames = shared[k // len(self.workspaces)] if k // len(self.workspaces) < len(shared) else None
            self.loaders.append(Loader(k, workspace, urls[k % len(urls)], shared, renames, pace))
        self.shared = [(w, room) for w in self.workspaces for room in rooms[w.id]]

    def _room(self, workspace, number):
        answer = workspace.client.post("/Groups", {"schemas": [GROUP], "displayName": "Shared %d" % number})
        assert answer.status == 201, answer
        return Room(answer.json["id"], "Shared %d" % number)

    def start(self):
        for loader in self.loaders:
            loader.start()
        return self

    def done(self):
        return sum(loader.counts[DONE] for loader in self.loaders)

    def count(self, what):
        return sum(loader.counts[what] for loader in self.loaders)

    def answered(self):
        """Requests that have come to an end, whatever that was."""
        return sum(len(loader.answers) for loader in self.loaders)

    def failed(self):
        """Changes that could not be decided in time, or whose fate is not known."""
        return self.count("deadline") + self.count(UNSURE)

    def works(self, more):
        """Waits until that many changes more have been acknowledged."""
        due = self.done() + more
        wait_until(lambda: self.done() >= due, "%d changes to be acknowledged" % more, self.done)

    def stop(self):
        """Each client ends after the answer that it waits for."""
        for loader in self.loaders:
            loader.stopping.set()
        for loader in self.loaders:
            loader.join()
