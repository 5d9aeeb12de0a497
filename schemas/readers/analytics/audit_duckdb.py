#!/usr/bin/python3
"""usher.audit into a file of DuckDB, each record exactly once: an example to begin analytics with. ops/analytics.md
shows it in ten minutes. It needs the packages of duckdb.txt.

    audit_duckdb.py -b HOST:PORT FILE [-t usher] [-X NAME=VALUE]... [--follow]

-t: what the names of the topics begin with. -X: a setting of librdkafka (security.protocol, sasl.username ...).
--follow: goes on until SIGTERM or SIGINT. Without it the program reads what is there now and ends.

The next offset of each partition stands in the table `place` of the same file, and moves in the transaction that puts
the records in. So a kill at any moment leaves either both or neither, and the next start goes on from there: nothing is
missing and nothing comes twice. Kafka's consumer groups play no part.
It prints a line per transaction: the number of records. It ends with 1 when it cannot go on: when the topic no longer
holds the next record, for example, because the program stood still for longer than the topic keeps records.
"""

import argparse
import os
import signal
import sys

import duckdb
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 10000  # records of one transaction, at most
PATIENCE = 30  # seconds for the broker's answer
LOST_PLACE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)

# A record that Kafka refused left a stub with its number: a change of which the rest is in usher.deadletter.
PUT = """
INSERT INTO audit
SELECT coalesce(v->>'kind', 'change'), v->>'workspace', (v->>'epoch')::BIGINT, (v->>'seq')::BIGINT, v->>'instance',
       (v->>'n')::BIGINT, (v->>'supersedes')::BIGINT, (v->>'time')::TIMESTAMP, v->>'txn', v->>'action',
       coalesce(v->>'$.actor.kind', CASE WHEN v->>'$.key.id' IS NOT NULL THEN 'key' END),
       coalesce(v->>'$.actor.id', v->>'$.key.id'), coalesce(v->>'$.actor.name', v->>'$.key.name'),
       v->>'$.target.type', v->>'$.target.id', v->>'$.subject.id', v->>'outcome', v->>'reason', v->>'method',
       v->>'path', (v->>'status')::SMALLINT, (v->>'rateLimited')::BOOLEAN, (v->>'durationUs')::BIGINT, v->>'sourceIp',
       v->>'userAgent', v
FROM (SELECT unnest(?::VARCHAR[])::JSON AS v)
"""

stopping = False


class Fault(Exception):
    pass


def open_file(path):
    base = duckdb.connect(path)
    with open(os.path.join(HERE, "audit.sql")) as f:
        base.execute(f.read())
    return base


def consumer_of(options):
    """No group: partitions are assigned and no offsets are kept. The library wants a name for one all the same."""
    settings = dict(setting.split("=", 1) for setting in options.set)
    return Consumer({"group.id": "usher-analytics", "enable.auto.commit": False, "auto.offset.reset": "error",
                     "enable.partition.eof": True, "isolation.level": "read_committed",
                     "queued.max.messages.kbytes": 16384, "bootstrap.servers": options.bootstrap, **settings})


def partitions_of(consumer, topic):
    found = consumer.list_topics(topic, PATIENCE).topics[topic]
    if found.error or not found.partitions:
        raise Fault("%s: %s" % (topic, found.error or "no such topic"))
    return sorted(found.partitions)


def places(base, consumer, topic):
    """{partition: next offset}. One that is not in the file yet begins where the topic begins."""
    stored = dict(base.execute("SELECT partition, next FROM place").fetchall())
    found = {}
    for p in partitions_of(consumer, topic):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, p), PATIENCE)
        found[p] = stored.get(p, low)
        if found[p] < low or found[p] > high:
            raise Fault("%s, partition %d: the next record is %d, and the topic holds %d to %d. Records are missing, "
                        "or the topic was made anew: load a new file" % (topic, p, found[p], low, high))
    return found


def put(base, records):
    """The records and the places behind them, in one transaction."""
    base.execute("BEGIN")
    base.execute(PUT, [[record.value().decode() for record in records]])
    for partition, following in {r.partition(): r.offset() + 1 for r in records}.items():
        base.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", [partition, following])
    base.execute("COMMIT")
    print(len(records), flush=True)


def take(consumer):
    """(records, partitions whose end was reached) of what has come, at most a batch; waits for a second where nothing
    has. A partition ends where the first open transaction begins."""
    records, ended = [], set()
    for message in consumer.consume(BATCH, 1.0):
        error = message.error()
        if error is None:
            records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        elif error.fatal() or error.code() in LOST_PLACE:
            raise Fault("the topic no longer holds the next record: %s" % error)
    return records, ended


def run(options):
    base, consumer, topic = open_file(options.file), consumer_of(options), options.topics + ".audit"
    try:
        begin = places(base, consumer, topic)
        consumer.assign([TopicPartition(topic, p, at) for p, at in begin.items()])
        left = set(begin)
        while not stopping and (options.follow or left):
            records, ended = take(consumer)
            left -= ended
            if records:
                put(base, records)
    finally:
        consumer.close()
        base.close()


def stop(_number, _frame):
    global stopping
    stopping = True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("-b", dest="bootstrap", required=True, metavar="HOST:PORT")
    parser.add_argument("-t", dest="topics", default="usher", metavar="PREFIX")
    parser.add_argument("-X", dest="set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--follow", action="store_true")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        run(options)
    except (Fault, KafkaException, duckdb.Error) as e:
        sys.exit("audit_duckdb: %s" % e)


if __name__ == "__main__":
    main()
