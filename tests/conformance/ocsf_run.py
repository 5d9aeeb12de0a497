"""The published schemas of OCSF 1.8.0 against events of an export, which come as lines on standard input. One JSON
line for each class and action, and one for what must be found wrong."""

import collections
import copy
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
validators = {}


def faults(event):
    uid = event["class_uid"]
    if uid not in validators:
        schema = schemas.get_class_schema(schemas.lookup_class_name_from_uid(uid))
        validators[uid] = jsonschema.Draft202012Validator(schema)
    return ["%s: %s" % ("/".join(map(str, e.path)), e.message) for e in validators[uid].iter_errors(event)]


def say(check, ok, detail=""):
    print(json.dumps({"check": check, "ok": ok, "detail": detail}))


def main():
    events = [json.loads(line) for line in sys.stdin]
    found, many = collections.defaultdict(list), collections.Counter()
    for event in events:
        what = event["unmapped"].get("action") or event.get("api", {}).get("operation", "end")
        name = "%d %s" % (event["class_uid"], what.split()[0])
        many[name] += 1
        found[name] += faults(event)
    for name in sorted(many):
        say("%s (%d)" % (name, many[name]), not found[name], "; ".join(found[name][:3]))
    classes = {e["class_uid"] for e in events}
    say("there are events of each class", {0, 3001, 3004, 3006, 6003} <= classes, str(sorted(classes)))
    # The judge judges: an unknown member and a missing one are faults.
    wrong = copy.deepcopy(events[0])
    wrong["surprise"] = 1
    say("an unknown member is found", bool(faults(wrong)))
    wrong = copy.deepcopy(events[0])
    del wrong["metadata"]
    say("a missing member is found", bool(faults(wrong)))


main()
