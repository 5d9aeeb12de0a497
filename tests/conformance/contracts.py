"""What others make of the streams and of the document about them: AsyncAPI's parser, a generator of models, and the
SDKs of CloudEvents for Python and JavaScript, which read all topics of a run."""

import json
import os
import shutil
import subprocess

import topics
import pinned
from judge import Result
from openapi import ApiClient
from programs import json_lines
from scimhttp import GROUP, USER, patch_op

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NUMBERED = (topics.MEMBERSHIP, topics.ROOMS, topics.EVENTS, topics.AUDIT)
TOPICS = (*NUMBERED, topics.COMMANDS, topics.REPLIES, topics.DEADLETTER)


def _node(program, packages, work, words=(), stdin=subprocess.DEVNULL):
    """A program of ours that imports packages: Node looks for them beside the file."""
    modules = pinned.node(packages)
    os.symlink(modules, os.path.join(work, "node_modules"))
    shutil.copy(os.path.join(HERE, program), work)
    return json_lines(["node", os.path.join(work, program), *words], {}, stdin=stdin)


def asyncapi(workspace, key, work):
    return _node("asyncapi_run.mjs", "asyncapi", work, [os.path.join(ROOT, "schemas", "asyncapi.json")])


# ---- CloudEvents

def _expect(answer, *statuses):
    assert answer.status in statuses, repr(answer)
    return answer


def _change_something(workspace):
    """One of each kind of change, so that each topic has records: events and tombstones too."""
    scim, api = workspace.client, ApiClient(workspace.stack.url, workspace.token)
    user = _expect(scim.post("/Users", {"schemas": [USER], "userName": "cloud@events.example"}), 201).json["id"]
    room = _expect(scim.post("/Groups", {"schemas": [GROUP], "displayName": "Clouds",
                                         "members": [{"value": user}]}), 201).json["id"]
    _expect(api.put("/rooms/%s/members/%s" % (room, user), {"transmit": False}), 200)
    _expect(scim.patch("/Groups/" + room, patch_op({"op": "replace", "path": "displayName", "value": "Sky"})), 204)
    _expect(scim.patch("/Users/" + user, patch_op({"op": "replace", "path": "active", "value": False})), 200)
    _expect(scim.post("/Users", {"schemas": [USER], "userName": "CLOUD@events.example"}), 409)
    _expect(scim.post("/Users", {"schemas": [USER], "userName": "later@events.example"},
                      headers={"Prefer": "respond-async"}), 202)
    _expect(scim.delete("/Groups/" + room), 204)
    _expect(scim.delete("/Users/" + user), 204)
    api.close()


def _put_aside(workspace):
    """Puts a record into the log that is no command, which a worker sets aside."""
    subprocess.run(["kcat", "-P", "-b", workspace.stack.env["USHER_KAFKA"], "-t", topics.COMMANDS, "-p", "0",
                    "-k", workspace.id], input=b"no command", check=True)


def _wait(workspace, topic, enough, what, of=None):
    follower = topics.Follower(workspace.stack.env["USHER_KAFKA"], topic)
    try:
        follower.wait(lambda records: any(map(enough, records)), what, of)
    finally:
        follower.close()


def _records(workspace):
    """All that the topics hold, as the two programs read it. Two kinds of records are no events, and have no headers:
    replies to one ingest that go out together as lines, and what _put_aside has put into the log."""
    for topic in TOPICS:
        for r in topics.read_topic(workspace.stack.env["USHER_KAFKA"], topic):
            if topic in (topics.COMMANDS, topics.REPLIES) and not r.headers:
                continue
            yield {"group": topic + (", tombstones" if r.text is None else ""), "key": r.key, "headers": r.headers,
                   "text": r.text, "name": "%s/%d/%d" % r[:3], "numbered": topic in NUMBERED,
                   "json": r.headers.get("content-type") == "application/json"}


def cloudevents(workspace, key, work):
    _change_something(workspace)
    _put_aside(workspace)
    _wait(workspace, topics.DEADLETTER, lambda r: True, "a record that was set aside")
    _wait(workspace, topics.ROOMS, lambda r: r.value is None and r.headers["ce_subject"].count("/") == 1,
          "the tombstone of the room", workspace.id)
    for topic, last in ((topics.EVENTS, "urn:ietf:params:scim:event:prov:delete"), (topics.AUDIT, "usher.audit.change")):
        _wait(workspace, topic, lambda r, last=last: r.headers["ce_type"] == last, last, workspace.id)
    path, seen = os.path.join(work, "records"), set()
    with open(path, "w") as f:
        for record in _records(workspace):
            seen.add(record["group"])
            f.write(json.dumps(record) + "\n")
    missing = {*TOPICS, topics.ROOMS + ", tombstones"} - seen
    results = [Result("every topic has records", not missing, ", ".join(sorted(missing)))]
    python = os.path.join(pinned.python("cloudevents"), "python")
    with open(path) as f:
        results += json_lines([python, "-B", os.path.join(HERE, "cloudevents_run.py")], {}, stdin=f)
    with open(path) as f:
        results += _node("cloudevents_run.mjs", "cloudevents-node", work, stdin=f)
    return results
