#!/usr/bin/python3
"""Who is in which room, kept up to date from Kafka: the example of a reader of usher's streams, to begin a bridge to a
voice server with. It does what "4. Sequence numbers" in ../README.md says, and needs Debian's python3-confluent-kafka.

    reader.py -b HOST:PORT [-t usher] [-X NAME=VALUE]... [-s]

-t: what the names of the topics begin with. -X: a setting of librdkafka (security.protocol, sasl.username ...). -s:
tell at the end, too, what is held.
Prints one JSON object per line:

    {"do":"start"}                                      forget everything you hold
    {"do":"whole","why":...,"workspace":...,"epoch":...,"seq":...,"rooms":{room:{"name":...,"members":{user:transmit}}}}
                                                        this is all of the workspace: replace what you hold of it. why:
                                                        start, end (-s), gap, or the ce_type that made it necessary
    {"do":"ready","workspaces":n}                       the snapshot is read; changes follow
    {"do":"usher.member.removed",...}                   a change: the event of usher.membership, its type as "do"
    {"do":"gap","workspace":...,"after":[epoch,seq],"got":[epoch,seq]}
                                                        numbers are missing; "whole" of the workspace follows
    {"do":"end"}                                        it was told to end (SIGTERM, SIGINT)

It keeps nothing on disk: whoever starts it again gets everything anew. It ends with 1 when it cannot go on.
"""

import argparse
import json
import signal
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

PATIENCE = 30  # seconds in which usher.rooms must tell what usher.membership has told already
WAITED_FOR = ("gap", "usher.stream.epoch")
LOST_PLACE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
GONE = {"usher.room.created": False, "usher.room.renamed": False, "usher.room.deleted": True,
        "usher.member.added": False, "usher.member.removed": True, "usher.member.transmit_changed": False}

stopping = False


def say(do, **more):
    print(json.dumps({"do": do, **more}, separators=(",", ":"), ensure_ascii=False), flush=True)


# ---------------------------------------------------------------- what is held

class Workspace:
    """Its rooms, true at the number (epoch, seq)."""

    def __init__(self):
        self.number, self.rooms = (1, 0), {}

    def put(self, room, user, value):
        """What usher.rooms says of a room or a member; None: gone. A member may be told before its room: of each key
        compaction leaves only the last record."""
        if user is None and value is None:
            self.rooms.pop(room, None)
        elif value is None:
            self.rooms.get(room, {"members": {}})["members"].pop(user, None)
        else:
            held = self.rooms.setdefault(room, {"name": None, "members": {}})
            if user is None:
                held["name"] = value["name"]
            else:
                held["members"][user] = value["transmit"]

    def apply(self, event):
        """An event of usher.membership. Each says how things are now, so it is put and not added."""
        room, user = event["room"]["id"], event.get("user", {}).get("id")
        told = {"name": event["room"]["name"], "transmit": event.get("transmit")}
        self.put(room, user, None if GONE[event["type"]] else told)

    def say(self, why, workspace):
        say("whole", why=why, workspace=workspace, epoch=self.number[0], seq=self.number[1], rooms=self.rooms)


# ---------------------------------------------------------------- Kafka

class Reader:
    def __init__(self, options):
        self.rooms, self.membership = options.topics + ".rooms", options.topics + ".membership"
        self.settings = dict(setting.split("=", 1) for setting in options.set)
        self.settings["bootstrap.servers"] = options.bootstrap
        self.workspaces = {}

    def consumer(self, isolation="read_uncommitted"):
        """No group: partitions are assigned and no offsets are kept. The library wants a name for one all the same."""
        return Consumer({"group.id": "usher-reader", "enable.auto.commit": False, "auto.offset.reset": "error",
                         "enable.partition.eof": True, "isolation.level": isolation,
                         "queued.max.messages.kbytes": 16384, **self.settings})

    def partitions(self, consumer, topic):
        found = consumer.list_topics(topic, 30).topics[topic]
        if found.error or not found.partitions:
            raise KafkaException(found.error)
        return sorted(found.partitions)

    def ends(self, consumer, topic, partitions):
        return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 30)[1] for p in partitions}

    def decided_ends(self):
        """Up to where usher.membership is decided: for a consumer that is read_committed a partition ends where the
        first open transaction begins."""
        consumer = self.consumer("read_committed")
        try:
            return self.ends(consumer, self.membership, self.partitions(consumer, self.membership))
        finally:
            consumer.close()

    # ---- the snapshot

    def snapshot(self, only=None, partition=None):
        """Folds usher.rooms from its beginning to the end that it has now; of one workspace only its partition."""
        consumer, found = self.consumer(), {}
        try:
            places = self.partitions(consumer, self.rooms) if partition is None else [partition]
            ends = self.ends(consumer, self.rooms, places)
            missing = {p for p in places if ends[p] > 0}
            consumer.assign([TopicPartition(self.rooms, p, OFFSET_BEGINNING) for p in missing])
            while missing and not stopping:
                message = consumer.poll(0.2)
                if message is None or message.partition() not in missing:
                    continue
                # The last offset may be a transaction's marker, which no record has. So the end is reached by whatever
                # comes first: a record behind it, or that the partition has ended there.
                if message.offset() >= ends[message.partition()]:
                    missing.remove(message.partition())
                elif not message.error():
                    self.fold(found, message, only)
                elif message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
        finally:
            consumer.close()
        return found

    @staticmethod
    def fold(found, message, only):
        workspace, room, user = (message.key().decode().split("/") + [None])[:3]
        if only not in (None, workspace):
            return
        headers = dict(message.headers())
        number = int(headers.get("usher-epoch", 1)), int(headers["usher-seq"])
        held = found.setdefault(workspace, Workspace())
        if number < held.number:  # a transaction was broken off and done again
            return
        held.number = number
        held.put(room, user, json.loads(message.value()) if message.value() else None)

    def reload(self, workspace, partition, number, why):
        """One workspace anew. After a gap, and with a new epoch, usher.rooms must tell at least the number that showed it:
        that record may still be on its way. What a stub or a kind of event nobody knows has done may stand there under
        no number."""
        until = time.monotonic() + PATIENCE
        while not stopping:
            held = self.snapshot(workspace, partition).get(workspace, Workspace())
            if not stopping and (held.number >= number or why not in WAITED_FOR):
                held.number = max(held.number, number)
                self.workspaces[workspace] = held
                held.say(why, workspace)
                return
            if time.monotonic() > until:
                sys.exit("reader: %s does not tell number %s of %s" % (self.rooms, number, workspace))
            time.sleep(0.1)

    # ---- the changes

    def follow(self, offsets):
        """Until the end, or until the place is lost: then everything begins anew."""
        consumer = self.consumer()
        try:
            consumer.assign([TopicPartition(self.membership, p, offset) for p, offset in offsets.items()])
            while not stopping:
                message = consumer.poll(0.2)
                if message is None:
                    continue
                if not message.error():
                    self.take(message)
                elif message.error().code() in LOST_PLACE:
                    return
                elif message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
        finally:
            consumer.close()

    def take(self, message):
        value, kind = json.loads(message.value()), dict(message.headers())["ce_type"].decode()
        workspace, number = value["workspace"], (value.get("epoch", 1), value["seq"])
        held = self.workspaces.setdefault(workspace, Workspace())
        if number <= held.number:  # in the snapshot; or a transaction was broken off and done again
            return
        if kind == "usher.stream.epoch":
            self.reload(workspace, message.partition(), number, kind)
        elif number != (held.number[0], held.number[1] + 1):
            say("gap", workspace=workspace, after=held.number, got=number)
            self.reload(workspace, message.partition(), number, "gap")
        elif kind not in GONE:  # usher.stream.stub, or of a newer version: what it has changed is not known
            self.reload(workspace, message.partition(), number, kind)
        else:
            held.number = number
            held.apply(value)
            say(value.pop("type"), **value)

    def run(self):
        while not stopping:
            # In this order. What is decided in usher.membership by now is in usher.rooms before the end it has then.
            offsets = self.decided_ends()
            self.workspaces = self.snapshot()
            if stopping:
                break
            say("start")
            for workspace, held in self.workspaces.items():
                held.say("start", workspace)
            say("ready", workspaces=len(self.workspaces))
            self.follow(offsets)


def main():
    arguments = argparse.ArgumentParser(description="Follows usher's rooms.")
    arguments.add_argument("-b", dest="bootstrap", required=True, metavar="HOST:PORT")
    arguments.add_argument("-t", dest="topics", default="usher", help="what the names of the topics begin with")
    arguments.add_argument("-X", dest="set", action="append", default=[], metavar="NAME=VALUE")
    arguments.add_argument("-s", dest="state", action="store_true", help="tell at the end, too, what is held")
    options = arguments.parse_args()

    def stop(*_):
        global stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    reader = Reader(options)
    try:
        reader.run()
        if options.state:
            for workspace, held in reader.workspaces.items():
                held.say("end", workspace)
        say("end")
    except KafkaException as trouble:
        sys.exit("reader: %s" % trouble)
    except BrokenPipeError:  # nobody reads what it says
        sys.exit(1)


if __name__ == "__main__":
    main()
