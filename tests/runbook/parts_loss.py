"""What is backed up, restored and lost, while a reader of the streams runs."""

import json
import os
import signal
import subprocess

import machines
from parts_first import RUNBOOK, TOPICS

READER = "/usr/share/doc/usher-doc/schemas/readers/reader.py"
BACKED_UP = "/run/walk/backed-up.json"
LOST = "kafka-topics.sh --bootstrap-server k1:9093 --command-config admin.properties --delete --topic "


class Reader:
    """The reference reader of the package usher-doc, as a principal that may read two topics."""

    def __init__(self, walk, name):
        # A file for each: one of a part before may still write.
        self.path = "/run/walk/%s-%s.jsonl" % (name, os.urandom(3).hex())
        password = walk.quiet("cat ~/usher/reader.kafka").strip()
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                ["/usr/bin/python3", READER, "-b", "k1:9093", "-s", *sum((["-X", s] for s in (
                    "security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", "sasl.username=reader", "sasl.password=" + password)), [])],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        machines.until(lambda: self.told("ready"), "the reader to have read the snapshot")

    def lines(self):
        with open(self.path, encoding="utf-8") as f:
            text = f.read()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def told(self, do):
        return [line for line in self.lines() if line["do"] == do]

    def knows(self, name):
        """Has it heard of a room of this name? By an event, or as one that is there when it loads the whole."""
        return any(line.get("room", {}).get("name") == name or
                   name in (room["name"] for room in line.get("rooms", {}).values()) for line in self.lines())

    def end(self):
        """{room: names of members} of all workspaces that it holds at its end."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait() == 0, self.lines()[-3:]
        held = {}
        for line in self.told("whole"):
            if line["why"] == "end":
                held.update({room["name"]: sorted(room["members"]) for room in line["rooms"].values()})
        return held


def reader_may(walk):
    """A reader of the streams gets a user and rights"""
    walk.shell.block(TOPICS, "reader")


def scim(walk, words, body=None):
    more = " -d '%s'" % json.dumps(body) if body else ""
    told = walk.quiet("curl -fsS -H \"Authorization: Bearer $token\" -H 'Content-Type: application/scim+json' "
                      "https://scim.example.com/scim/v2%s%s" % (words, more))
    return json.loads(told) if told.strip() else None


def user(walk, name):
    name += "-%s@example.com" % os.urandom(3).hex()
    return scim(walk, "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name})["id"]


def room(walk, name, members):
    return scim(walk, "/Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
                                  "members": [{"value": m} for m in members]})["id"]


def rooms_there(walk):
    listed = scim(walk, "/Groups?count=100")["Resources"]
    return {r["displayName"]: sorted(m["value"] for m in r.get("members", [])) for r in listed}


def backup(walk):
    """Backup"""
    room(walk, "Dispatch " + os.urandom(3).hex(), [user(walk, name) for name in ("ben", "cleo")])
    machines.write(BACKED_UP, json.dumps(rooms_there(walk)))
    walk.say("a second key, that will be revoked behind the backup")
    walk.shell.run("usherctl key create --workspace acme --name second --scopes scim:users:read")
    walk.shell.block(RUNBOOK, "backup-role")
    walk.shell.block(RUNBOOK, "backup")
    walk.shell.run("ls -l usher.dump")


def refuses(walk, words):
    """A worker that is started now waits, and says why."""
    walk.shell.run("systemctl start usher-worker.service")
    machines.until(lambda: words in walk.quiet("cat /run/usher-units/usher-worker.log | tail -n 50"), "the worker to say: " + words)
    walk.shell.run("curl -sS http://10.0.0.5:9101/readyz; echo; systemctl stop usher-worker.service")


def restore(walk):
    """Restore to an older state, with a reader running"""
    reader = Reader(walk, "restore")
    walk.say("after the backup: rooms go, another one comes, and a key is revoked that the backup has")
    for each in scim(walk, "/Groups")["Resources"]:
        scim(walk, "/Groups/%s -X DELETE" % each["id"])
    late = "Too new " + os.urandom(3).hex()
    room(walk, late, [user(walk, "dora")])
    walk.shell.run("usherctl key revoke second --workspace acme")
    machines.until(lambda: reader.knows(late), "the reader to hear of it")
    walk.both(RUNBOOK, "stop")
    walk.shell.block(RUNBOOK, "drop-database")
    told = walk.shell.block(RUNBOOK, "restore-dump")
    assert "newest" in told, told
    refuses(walk, "PostgreSQL is older than the streams")
    told = walk.shell.block(RUNBOOK, "restore")
    assert "A new epoch has begun" in told, told
    walk.both(RUNBOOK, "start-again")
    there = rooms_there(walk)
    with open(BACKED_UP, encoding="utf-8") as f:
        assert there == json.load(f), there
    walk.say("the rooms are those of the backup; the key that was revoked behind it is dead again:")
    told = walk.shell.run("usherctl key list --workspace acme")
    assert "by usherctl restore" in told, told
    reached(walk, reader, there)


def reached(walk, reader, there):
    """The reader holds what is there."""
    number = "Told " + os.urandom(3).hex()
    room(walk, number, [])
    machines.until(lambda: reader.knows(number), "the reader to hear of a new room")
    epochs = sorted({line["epoch"] for line in reader.told("whole")})
    gaps, held = reader.told("gap"), reader.end()
    assert held == {**there, number: []}, (held, there)
    walk.say("the reader was told of the epochs %s, found %d gaps, and holds %d rooms, as PostgreSQL does" % (epochs, len(gaps), len(held)))


def stopped(walk, *topics):
    walk.both(RUNBOOK, "stop")
    for topic in topics:
        walk.say("%s is lost" % topic)
        walk.shell.run(LOST + topic)


def rooms_lost(walk):
    """The topic usher.rooms is lost"""
    reader, there = Reader(walk, "rooms"), rooms_there(walk)
    stopped(walk, "usher.rooms")
    told = walk.shell.block(RUNBOOK, "rooms-lost")
    assert "A new epoch has begun" in told, told
    walk.both(RUNBOOK, "start-again")
    again = Reader(walk, "rooms-again")
    reached(walk, reader, there)
    assert again.end().items() >= there.items()


def events_lost(walk):
    """The topic usher.events is lost"""
    there = rooms_there(walk)
    stopped(walk, "usher.events")
    walk.shell.block(RUNBOOK, "events-lost")
    walk.both(RUNBOOK, "start-again")
    reached(walk, Reader(walk, "events"), there)


def commands_lost(walk):
    """The topic usher.commands is lost"""
    there = rooms_there(walk)
    stopped(walk, "usher.commands")
    walk.shell.block(RUNBOOK, "commands-lost")
    walk.both(RUNBOOK, "start-again")
    reached(walk, Reader(walk, "commands"), there)


def groups_lost(walk):
    """The offsets of all groups are lost: nothing is to be done"""
    there = rooms_there(walk)
    walk.both(RUNBOOK, "stop")
    for group in ("usher-worker", "usher-worker-archive", "usher-worker-deliver"):
        walk.shell.run("kafka-consumer-groups.sh --bootstrap-server k1:9093 --command-config admin.properties --delete --group " + group)
    walk.both(RUNBOOK, "start-again")
    reached(walk, Reader(walk, "groups"), there)
    walk.shell.run("usherctl stream verify --config ~/usher/restore.conf && usherctl doctor")


PARTS = (reader_may, backup, restore, rooms_lost, events_lost, commands_lost, groups_lost)
