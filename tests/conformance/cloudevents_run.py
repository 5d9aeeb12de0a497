"""Records as the Python SDK of CloudEvents sees them. Reads them from standard input, one JSON object each, as
contracts.py writes them, and prints one JSON line for each topic and kind of record. Runs in the environment of
cloudevents.txt."""

import collections
import json
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat


def faults(record):
    headers, text = record["headers"], record["text"]
    message = KafkaMessage(headers={k: v.encode() for k, v in headers.items()}, key=(record["key"] or "").encode(),
                           value=(text or "").encode())
    try:
        event = from_kafka(message, JSONFormat())
    except Exception as wrong:
        return ["%s: %s: %r" % (record["name"], type(wrong).__name__, str(wrong)[:300])]
    due = {"id": event.get_id(), "type": event.get_type(), "source": event.get_source(),
           "subject": event.get_subject(), "specversion": event.get_specversion()}
    wrong = ["%s: %s is %r" % (record["name"], k, v) for k, v in due.items() if v != headers["ce_" + k]]
    if event.get_time().isoformat()[:19] != headers["ce_time"][:19] or event.get_time().utcoffset().total_seconds():
        wrong.append("%s: the time is %s" % (record["name"], event.get_time()))
    if event.get_datacontenttype() != headers["content-type"]:
        wrong.append("%s: the content type is %s" % (record["name"], event.get_datacontenttype()))
    if record["numbered"] and event.get_extension("sequence") != headers["usher-seq"]:
        wrong.append("%s: the sequence is %r" % (record["name"], event.get_extension("sequence")))
    if text and record["json"] and event.get_data() != json.loads(text):
        wrong.append("%s: the data are %r" % (record["name"], event.get_data()))
    return wrong


def main():
    found, seen = collections.defaultdict(list), collections.Counter()
    for line in sys.stdin:
        record = json.loads(line)
        seen[record["group"]] += 1
        found[record["group"]] += faults(record)
    for group in sorted(seen):
        print(json.dumps({"check": "%s (Python)" % group, "ok": not found[group],
                          "detail": "; ".join(found[group][:3]) or "%d records" % seen[group]}))


if __name__ == "__main__":
    main()
