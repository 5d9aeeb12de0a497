"""Reading usher's topics with kcat, which knows nothing of usher.

    read_topic(kafka, topic, isolation)    all records up to the ends that the partitions have now
    Follower(kafka, topic, isolation)      reads along; wait(enough, what) until enough is there
"""

import collections
import json
import re
import subprocess
import threading
import time

from waiting import LOOK, Watch, run

MEMBERSHIP, ROOMS, AUDIT, EVENTS = "usher.membership", "usher.rooms", "usher.audit", "usher.events"
COMMANDS, REPLIES, DEADLETTER = "usher.commands", "usher.replies", "usher.deadletter"
COMMITTED, UNCOMMITTED = "read_committed", "read_uncommitted"

# text is the payload as it came. value is the parsed JSON, or None for a tombstone.
Record = collections.namedtuple("Record", "topic partition offset key headers value text", defaults=(None,))


class StreamError(Exception):
    """A topic cannot be read."""


def kcat(kafka, topic, isolation, *more):
    """The command. It has a minute, not five seconds, to ask the broker which partitions there are. Its threads write
    no log, which could come in the middle of a line of the output."""
    return ["kcat", "-C", "-u", "-J", "-m", "60", "-b", kafka, "-t", topic, "-X", "isolation.level=" + isolation,
            "-X", "fetch.wait.max.ms=20", "-X", "topic.metadata.refresh.interval.ms=1000", "-X", "log.queue=true",
            *more]


def parse_line(line):
    """One line of `kcat -J`. Headers come as a list name, value, name, value."""
    envelope = json.loads(line)
    headers = envelope.get("headers") or {}
    if isinstance(headers, list):
        headers = dict(zip(headers[0::2], headers[1::2]))
    text, value = envelope.get("payload"), None
    if text:
        try:
            value = json.loads(text)
        except ValueError:
            value = {"unreadable": text}
    place = envelope["topic"], envelope["partition"], envelope["offset"]
    return Record(*place, envelope.get("key"), headers, value, text)


def workspace_of(record):
    """From the value, or (tombstones) from ce_source."""
    if record.topic == EVENTS and "aud" in record.value:
        return record.value["aud"][0]
    if record.value is not None:
        return record.value.get("workspace") if isinstance(record.value, dict) else None
    source = record.headers.get("ce_source", "")
    return source[3:] if source.startswith("/w/") else None


def _ends(text):
    """{partition: offset} of what kcat says when it has read all that there is."""
    said = re.findall(r"% Reached end of topic \S+ \[(\d+)\] at offset (\d+)", text)
    return {int(partition): int(offset) for partition, offset in said}


def _place(partition, offset):
    return ["-o", str(offset)] + (["-p", str(partition)] if partition is not None else [])


def end_offsets(kafka, topic, isolation=COMMITTED, partition=None, silence=None):
    """{partition: the offset that the next record will have}, of one partition or of all."""
    command = kcat(kafka, topic, isolation, "-e", *_place(partition, "end"))
    done = run(command, capture_output=True, text=True, errors="replace", silence=silence)
    ends = _ends(done.stderr)
    if done.returncode != 0 or not ends:
        raise StreamError("%s: cannot be read: %s" % (topic, done.stderr[-500:]))
    return ends


class Follower:
    """Reads a topic, or a partition of it, and goes on reading, in a thread."""

    def __init__(self, kafka, topic, isolation=COMMITTED, partition=None, offset="beginning"):
        self.topic = topic
        self._records, self._of, self._at = [], collections.defaultdict(list), {}
        self._told, self._changed = collections.deque(maxlen=20), threading.Condition()
        # One pipe for both outputs: "reached the end" must not be heard before the records that came before it.
        self._process = subprocess.Popen(kcat(kafka, topic, isolation, *_place(partition, offset)),
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            text = line.decode(errors="replace")
            record = parse_line(text) if text.startswith("{") else None
            with self._changed:
                if record is not None:
                    self._records.append(record)
                    self._of[workspace_of(record)].append(record)
                    self._at[record.partition] = record.offset + 1
                else:
                    self._told.append(text)
                    self._at.update(_ends(text))
                self._changed.notify_all()

    def snapshot(self, workspace=None):
        """What is there by now, of one workspace or of all."""
        with self._changed:
            return list(self._records if workspace is None else self._of[workspace])

    def _wait(self, look, watch):
        """Until look() is true. It gives (enough?, what was seen), and is not called for each record that comes: it may
        take as long as many of them."""
        while True:
            began = time.monotonic()
            with self._changed:
                before = len(self._records), dict(self._at)
            enough, seen = look()
            if enough:
                return
            if self._process.poll() is not None:
                self._thread.join()
                if before == (len(self._records), self._at):
                    raise StreamError("%s: the reader has ended: %s" % (self.topic, "".join(self._told)[-500:]))
            watch.saw(seen)
            time.sleep(min(LOOK, time.monotonic() - began))
            with self._changed:
                if before == (len(self._records), self._at):
                    self._changed.wait(min(LOOK, watch.silence / 4))

    def wait(self, enough, what="records", workspace=None, silence=None):
        """Until enough(records) is true, of one workspace or of all; gives them. Any record is progress."""
        found = []

        def look():
            found[:] = self.snapshot(workspace)
            count = len(self._records)
            return enough(found), "have %d records, the last %r" % (count, self._records[-1:])

        self._wait(look, Watch("%s of %s" % (what, self.topic), silence))
        return list(found)

    def read_to(self, ends, silence=None):
        """Until each partition has been read up to the offset given."""
        for partition, end in sorted(ends.items()):
            def look(partition=partition, end=end):
                with self._changed:
                    return self._at.get(partition, 0) >= end, (len(self._records), dict(self._at))

            self._wait(look, Watch("partition %d of %r up to offset %d" % (partition, self.topic, end), silence))

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        self._process.stdout.close()


def read_topic(kafka, topic, isolation=COMMITTED, partition=None, offset="beginning", silence=None):
    """All records of a topic, sorted by partition and offset, from the first to the end that each partition has now; or
    those of one partition from an offset on. Since the ends are known before, no time must pass to know that there is
    no more, and a topic that is written all the time has an end as well."""
    ends = end_offsets(kafka, topic, isolation, partition, silence)
    follower = Follower(kafka, topic, isolation, partition, offset)
    try:
        follower.read_to(ends, silence)
        records = follower.snapshot()
    finally:
        follower.close()
    return sorted((r for r in records if r.offset < ends.get(r.partition, 0)), key=lambda r: (r.partition, r.offset))
