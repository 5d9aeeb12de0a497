"""Replays a recorded session (tests/cases/sessions/*.json, described in the README there) and compares every answer
with what it must be, and at the end every record of the streams with what the steps must have caused."""

import copy
import json
import os
import urllib.parse

import stream
from match import ANY_ORDER, fill, match
from scimhttp import ERROR, GROUP, LIST, USER, check_answer

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases", "sessions")


def load(name):
    with open(os.path.join(CASES, name + ".json")) as f:
        return json.load(f)


class Model:
    """What a resource of the session must look like now."""

    def __init__(self, name, kind, body):
        self.name, self.kind, self.body = name, kind, dict(body)
        self.members = []  # of a room: names of users
        self.version = self.created = None
        self.moved = False  # must the version differ from the one seen last?

    @property
    def label(self):
        return self.body["displayName"] if self.kind == "Group" else self.body["userName"]


class Replay:
    """One session in one workspace: play() walks through the steps, streams() then judges what the streams say of
    them."""

    def __init__(self, session, workspace, client):
        self.session, self.workspace, self.client, self.steps = session, workspace, client, session["steps"]
        self.names = {"base": workspace.stack.url + "/scim/v2", "workspace": workspace.id, "key": workspace.key_id}
        self.names.update(session.get("names", {}))
        self.models, self.events, self.changes, self.answers = {}, [], [], []

    # ---- playing

    def play(self):
        wrong = []
        for number, step in enumerate(self.steps, 1):
            label = "step %d (%s)" % (number, step["step"])
            wrong += ["%s: %s" % (label, w) for w in self._one(number, step)]
            if len(wrong) > 12:
                return wrong + ["… given up at step %d of %d" % (number, len(self.steps))]
        return wrong

    def _one(self, number, step):
        request, answer = fill(step["request"], self.names), step["answer"]
        method, path = request["line"].split(" ", 1)
        headers = dict(self.session.get("headers", {}), **request.get("headers", {}))
        got = self.client.request(method, urllib.parse.quote(path, safe="/?=&%+,:$"), request.get("body"),
                                  headers=headers)
        self.answers.append(got)
        self._learn(step)
        wrong = check_answer(got)
        if got.status != answer["status"]:
            wrong.insert(0, "%d instead of %d: %s" % (got.status, answer["status"], got.body[:400].decode()))
        else:
            wrong += self._body(answer, got)
            for name, value in answer.get("headers", {}).items() if not wrong else ():
                wrong += match(value, got.headers.get(name.lower()), self.names, "header " + name)
        self.events += [(number, self._event(text)) for text in step.get("membership", [])]
        self.changes += [(number, self._change(text)) for text in step.get("audit", [])]
        for name in step.get("gone", []):
            del self.models[name]
        return wrong

    def _learn(self, step):
        """Brings the models to the state that the step leaves behind."""
        if "new" in step:
            kind = "Group" if step["request"]["line"].startswith("POST /Groups") else "User"
            self.models[step["new"]] = Model(step["new"], kind, step.get("set", {}))
        else:
            for name, value in step.get("set", {}).items():
                self.models[step["of"]].body[name] = value
            for name in step.get("unset", []):
                del self.models[step["of"]].body[name]
            if step.get("set") or step.get("unset"):
                self.models[step["of"]].moved = True
        for room, members in step.get("members", {}).items():
            self.models[room].members = members
            self.models[room].moved = True

    def _due(self, name):
        """The whole representation of a resource as it must be now."""
        m = self.models[name]
        place = "Groups" if m.kind == "Group" else "Users"
        body = copy.deepcopy(m.body)
        body["schemas"] = [GROUP if m.kind == "Group" else USER] + [k for k in fill(list(body), self.names)
                                                                    if k.startswith("urn:")]
        body["id"] = "${%s}" % name
        body["meta"] = {"resourceType": m.kind, "created": m.created or "${*time}", "lastModified": "${*time}",
                        "location": "${base}/%s/${%s}" % (place, name), "version": "${*etag}"}
        if m.kind == "Group":
            body["members"] = [ANY_ORDER] + [{"value": "${%s}" % u, "$ref": "${base}/Users/${%s}" % u, "type": "User"}
                                             for u in m.members]
        rooms = [r for r in self.models.values() if m.kind == "User" and name in r.members]
        if rooms:
            body["groups"] = [ANY_ORDER] + [{"value": "${%s}" % r.name, "$ref": "${base}/Groups/${%s}" % r.name,
                                             "type": "direct",
                                             "display": r.label} for r in rooms]
        return body

    def _shown(self, want, have):
        """One resource in an answer. want: "ines", or {"is": "ines", "only": [...]} or {"is": …, "without": [...]}."""
        want = {"is": want} if isinstance(want, str) else want
        m, due = self.models[want["is"]], self._due(want["is"])
        if "only" in want:
            due = {k: v for k, v in due.items() if k in want["only"]}
        for name in want.get("without", []):
            due.pop(name, None)
        wrong = match(due, have, self.names, want["is"])
        if not wrong and "meta" in due:
            version, point, _ = have["meta"]["version"].strip('W/"').partition(".")
            # Behind the point stands which groups he has: they change without him.
            if (point != "") != ("groups" in due):
                wrong.append("%s: version %s" % (want["is"], have["meta"]["version"]))
            if m.version is not None and m.moved == (version == m.version):
                wrong.append("%s: version %s, was %s before" % (want["is"], version, m.version))
            m.version, m.created, m.moved = version, have["meta"]["created"], False
        return wrong

    def _body(self, answer, got):
        if "error" in answer:
            due = {"schemas": [ERROR], "status": str(answer["status"]), "detail": answer.get("detail", "${*text}")}
            if answer["error"]:
                due["scimType"] = answer["error"]
            return match(due, got.json, self.names)
        if "is" in answer:
            return self._shown(answer, got.json)
        if "list" in answer:
            shown, have = answer["list"], got.json
            due = {"schemas": [LIST], "totalResults": answer.get("total", len(shown)),
                   "startIndex": answer.get("startIndex", 1),
                   "itemsPerPage": len(shown)}
            if len(have.get("Resources", ())) != len(shown):
                return ["%d resources, expected %d: %s" % (len(have.get("Resources", ())), len(shown),
                                                           got.body[:300].decode())]
            wrong = match(due, {k: v for k, v in have.items() if k != "Resources"}, self.names)
            return wrong + [w for a, b in zip(shown, have["Resources"]) for w in self._shown(a, b)]
        if "body" in answer:
            return match(answer["body"], got.json, self.names)
        return ["a body where none was expected: %r" % got.body[:200]] if got.body else []

    # ---- expectations of the streams

    def _named(self, name):
        """A name with the same id also after the resource is gone: "user:ana" or "room:oslo" in the audit's words."""
        m = self.models[name]
        return {"type": "Room" if m.kind == "Group" else "User", "id": "${%s}" % name, "name": m.label}

    def _event(self, text):
        """"added ana oslo scim", "removed ana oslo user_deactivated", "created oslo", "renamed oslo from Old name",
        "deleted oslo"."""
        words = text.split()
        if words[0] in ("added", "removed"):
            user, room, reason = words[1:]
            return {"type": "usher.member." + words[0], "room": {"id": "${%s}" % room, "name": self.models[room].label},
                    "user": {"id": "${%s}" % user, "userName": self.models[user].label}, "transmit": True,
                    "reason": reason}
        event = {"type": "usher.room." + words[0],
                 "room": {"id": "${%s}" % words[1], "name": self.models[words[1]].label}, "reason": "scim"}
        if words[0] == "renamed":
            event["from"] = text.split(" from ", 1)[1]
        return event

    def _change(self, text):
        """"user.created ana", "user.updated ana: title, name.givenName", "user.created ana, seat taken" (what became of
        the seat stands before the paths), "member.added oslo ana" (room, then user; a reason may follow), "refused User uniqueness" (a command's target type and reason), "unknown oslo nobody" (a
        member that does not exist)."""
        text, colon, paths = text.partition(": ")
        text, comma, seat = text.partition(", seat ")
        words = text.split()
        if words[0] == "refused":
            return {"action": "command.refused", "outcome": "refused",
                    "target": {"type": words[1], "id": "${*uuid}", "name": None}, "reason": words[2]}
        if words[0] == "unknown":
            return {"action": "command.refused", "outcome": "refused", "target": self._named(words[1]),
                    "reason": "unknown_member",
                    "subject": {"type": "User", "id": "${%s}" % words[2], "name": None}}
        change = {"action": words[0], "target": self._named(words[1]), "subject": self._named(words[2])
                  if len(words) > 2 else None}
        if len(words) > 3:
            change["reason"] = words[3]
        if comma:
            change["seat"] = seat
        if colon:
            change["changes"] = [{"...": True, "path": p} for p in paths.split(", ")]
        return change

    # ---- judging the streams

    def streams(self, followers):
        wid = self.workspace.id
        followers.requests(wid, lambda rs: len(rs) >= len(self.steps), "request records")
        followers.settle(wid)
        audit, membership, rooms = (f.snapshot(wid) for f in (followers.audit, followers.membership, followers.rooms))
        requests = sorted((r.value for r in stream.requests_of(audit)), key=lambda v: v["n"])
        if len(requests) != len(self.steps):
            return ["%d request records for %d steps" % (len(requests), len(self.steps))]
        own = {r["txn"] for r in requests}
        # The workspace's own creation is none of the session's.
        changes = [r for r in stream.changes_of(audit) if r.value["txn"] in own]
        wrong = []
        for number, (step, got, request) in enumerate(zip(self.steps, self.answers, requests), 1):
            wrong += ["step %d (%s): %s" % (number, step["step"], w) for w in self._request_record(step, got, request)]
        wrong += self._compare("membership", self.events, membership, requests, lambda seq: {"epoch": 1, "seq": seq})
        wrong += self._compare("audit", self.changes, changes, requests,
                               lambda _: {"...": True, "epoch": 1, "kind": "change", "outcome": "applied"})
        for secret in self.session.get("never", []):
            wrong += ["%r stands in a record of %s" % (secret, r.topic) for r in audit + membership + rooms
                      if secret in json.dumps(r.value)]
        return wrong + self._states(membership, rooms)

    def _request_record(self, step, got, have):
        method, path = fill(step["request"], self.names)["line"].split(" ", 1)
        path, question, _ = path.partition("?")
        want = {"...": True, "kind": "request", "workspace": self.workspace.id, "method": method, "path": "/scim/v2"
                + path,
                "status": step["answer"]["status"], "scimType": step["answer"].get("error") or None,
                "rateLimited": False, "workspaceName": self.workspace.name,
                "key": {"id": "${key}", "name": "main", "class": "scim"}, "sourceIp": "127.0.0.1",
                "bytesOut": len(got.body),
                "userAgent": self.session.get("headers", {}).get("User-Agent"), "durationUs": "${*int}",
                "txn": "${*uuid}"}
        if want["userAgent"] is None:
            del want["userAgent"]
        wrong = match(want, have, self.names, "request record")
        if bool(question) != (have.get("query") is not None):
            wrong.append("request record: query is %r" % have.get("query"))
        return wrong

    def _compare(self, what, expected, have, requests, more):
        wrong = []
        if len(expected) != len(have):
            wrong.append("%s: %d records, expected %d; have %s" % (what, len(have), len(expected),
                                                                   [_kind(r.value) for r in have]))
        for place, ((number, due), record) in enumerate(zip(expected, self._in_order(expected, have)), 1):
            due = {"workspace": self.workspace.id, "time": "${*time}", "txn": requests[number - 1]["txn"],
                   "actor": {"kind": "key", "id": "${key}", "name": "main"}, **more(place), **due}
            faults = match(due, record.value, self.names, what)
            if "seat" in record.value and "seat" not in due:
                faults.append("seat %s" % record.value["seat"])
            wrong += ["%s %d, of step %d (%s): %s" % (what, place, number, self.steps[number - 1]["step"], w)
                      for w in faults]
        return wrong

    def _in_order(self, expected, have):
        """The contract gives no order to what one command tells of several rooms or users (all members of a deleted
        room, say): within a run of records of one step and one kind, each is put to the expectation that it is
        about. Numbers must ascend all the same."""
        have, at = list(have), 0
        while at < len(expected):
            end = at
            while end < len(expected) and expected[end][0] == expected[at][0] and _kind(expected[end][1]) == _kind(
                expected[at][1]):
                end += 1
            if end <= len(have) and end - at > 1:
                run = [r._replace(value=dict(r.value)) for r in have[at:end]]
                numbers = [r.value.pop("seq") for r in run]
                wanted = [fill({k: due[k] for k in ("room", "user", "target", "subject") if k in due}, self.names)
                          for _, due in expected[at:end]]
                run.sort(key=lambda r: next((i for i, w in enumerate(wanted)
                                             if all(r.value.get(k) == v for k, v in w.items())), len(wanted)))
                have[at:end] = [r._replace(value=dict(r.value, seq=n)) for r, n in zip(run, numbers)]
            at = end
        return have

    def _states(self, membership, rooms):
        """usher.rooms has one record for each event, with its number: the state that it left behind, or a tombstone."""
        wrong = []
        if [stream.seq_of(r) for r in rooms] != [stream.seq_of(r) for r in membership]:
            wrong.append("usher.rooms has the numbers %s" % [stream.seq_of(r) for r in rooms])
        for event, state in zip(membership, rooms):
            v, user = event.value, event.value.get("user")
            key = "/".join([self.workspace.id, v["room"]["id"]] + ([user["id"]] if user else []))
            due = None
            if v["type"] not in ("usher.member.removed", "usher.room.deleted"):
                due = {"workspace": self.workspace.id, "room": v["room"]["id"], "epoch": 1, "seq": v["seq"]}
                due.update({"user": user["id"], "userName": user["userName"], "transmit": v["transmit"]} if user
                           else {"name": v["room"]["name"]})
            if (state.key, state.value) != (key, due):
                wrong.append("usher.rooms, seq %s: %s -> %r, should be %s -> %r" % (v["seq"], state.key, state.value,
                                                                                    key, due))
        return wrong


def _kind(value):
    return value.get("action") or value.get("type")
