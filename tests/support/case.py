"""What the integration suites share: one stack for the whole run (RUN_DIR of the environment), readers of its streams,
small helpers."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import stream  # noqa: E402
from scimhttp import USER, GROUP  # noqa: E402
from stack import Stack  # noqa: E402
from waiting import wait_until  # noqa: E402

try:
    import contract
except ImportError:  # the schemas' own suite says so; the rest need not fail with it
    contract = None


def contract_faults(record):
    """What the published JSON Schemas have against a record; a list of sentences."""
    if contract is None:
        return []
    try:
        found = contract.validate(record.topic, record.headers, record.value)
    except Exception as trouble:  # noqa: BLE001 - whatever it raises is a finding
        found = [str(trouble).splitlines()[0]]
    return ["%s[%d]@%d: %s" % (record.topic, record.partition, record.offset, f) for f in (found or [])]


# Seconds that a busy machine may add to what usher promises to do by a certain time.
BUSY = 15

PUBLIC = (stream.MEMBERSHIP, stream.ROOMS, stream.AUDIT, stream.EVENTS)


class Followers:
    """Readers of the public topics: each reads from the topic's beginning, from when it is first asked for, and goes
    on reading."""

    def __init__(self, stack):
        self.stack, self._open = stack, {}

    def _of(self, topic):
        if topic not in self._open:
            self._open[topic] = stream.Follower(self.stack.kafka, topic)
        return self._open[topic]

    membership = property(lambda self: self._of(stream.MEMBERSHIP))
    rooms = property(lambda self: self._of(stream.ROOMS))
    audit = property(lambda self: self._of(stream.AUDIT))
    scim = property(lambda self: self._of(stream.EVENTS))

    def whole(self, topic):
        """All records of a topic, as stream.read_topic gives them. For the embedded broker, which forgets the first
        ones of a partition beyond 5 MB: so it must be read along from the start."""
        return sorted(self._of(topic).snapshot(), key=lambda r: (r.partition, r.offset))

    def settle(self, workspace):
        """Waits until the streams hold all that PostgreSQL has counted for a workspace."""
        query = "SELECT membership_seq, audit_seq, events_seq FROM workspaces WHERE workspace_id=%s"
        membership, audit, scim = self.stack.sql(query, workspace)[0]

        def last(records):
            return max((stream.seq_of(r) or 0 for r in records), default=0)

        self.membership.wait(lambda rs: last(rs) >= membership, "number %d" % membership, workspace)
        self.rooms.wait(lambda rs: last(rs) >= membership, "number %d" % membership, workspace)
        self.audit.wait(lambda rs: last(stream.changes_of(rs)) >= audit, "change %d" % audit, workspace)
        self.scim.wait(lambda rs: last(rs) >= scim, "number %d" % scim, workspace)

    def events(self, workspace):
        """The membership events of a workspace, all of them."""
        self.settle(workspace)
        return [r.value for r in self.membership.snapshot(workspace)]

    def changes(self, workspace):
        """The change records of a workspace, all of them."""
        self.settle(workspace)
        return [r.value for r in stream.changes_of(self.audit.snapshot(workspace))]

    def tokens(self, workspace):
        """The records of usher.events of a workspace, all of them."""
        self.settle(workspace)
        return self.scim.snapshot(workspace)

    def requests(self, workspace, enough, what):
        """Waits until enough(requests) is true, of the values of a workspace's request records; gives them. (They have
        no number that PostgreSQL counts.)"""
        def of(records):
            return [r.value for r in stream.requests_of(records)]

        return of(self.audit.wait(lambda rs: enough(of(rs)), what, workspace))

    def trouble(self):
        """What the published schemas have against any record of any workspace."""
        return [fault for topic in PUBLIC for r in self.whole(topic) for fault in contract_faults(r)]

    def close(self):
        for f in self._open.values():
            f.close()


_shared = {}


def shared_stack():
    if "stack" not in _shared:
        _shared["stack"] = Stack.attach(os.environ["RUN_DIR"])
    return _shared["stack"]


def shared_followers():
    if "followers" not in _shared:
        _shared["followers"] = Followers(shared_stack())
    return _shared["followers"]


def read_along():
    """From the start of the run."""
    for topic in PUBLIC:
        shared_followers().whole(topic)


def end_shared():
    if "followers" in _shared:
        _shared.pop("followers").close()
    if "stack" in _shared:
        _shared.pop("stack").forget()


class Case(unittest.TestCase):
    """Each suite gets one workspace of its own; tests that count things make further ones."""

    maxDiff = 4000
    dialect, flags = None, {}

    @classmethod
    def setUpClass(cls):
        cls.stack, cls.followers = shared_stack(), shared_followers()
        cls.real = cls.stack.kafka_kind == "real"
        cls.ws = cls.stack.workspace(cls.__name__.lower(), dialect=cls.dialect, **cls.flags)
        cls.http = cls.ws.client

    @classmethod
    def tearDownClass(cls):
        cls.http.close()

    def wait_until(self, condition, what):
        """While usher works (Stack.progress). Gives the condition's value."""
        return wait_until(condition, what, self.stack.progress)

    def none_wrong(self, wrong):
        if wrong:
            self.fail("%d faults\n  %s" % (len(wrong), "\n  ".join(wrong[:25])))

    def expect(self, answer, status, scim_type=None):
        self.assertEqual(answer.status, status, repr(answer))
        if status >= 400:
            self.assertEqual(answer.json.get("scimType"), scim_type, repr(answer))
        return answer

    # ---- shorthand for what every test needs

    def user(self, user_name, client=None, **more):
        return self.expect((client or self.http).post("/Users", {"schemas": [USER], "userName": user_name, **more}),
                           201).json

    def room(self, display_name, members=None, client=None, **more):
        body = {"schemas": [GROUP], "displayName": display_name, **more}
        if members is not None:
            body["members"] = [{"value": m} for m in members]
        return self.expect((client or self.http).post("/Groups", body), 201).json

    def members(self, room, client=None):
        return {m["value"] for m in self.expect((client or self.http).get("/Groups/" + room),
                                                200).json.get("members", [])}


__all__ = ["BUSY", "Case", "Followers", "contract_faults", "end_shared", "shared_followers", "shared_stack"]
