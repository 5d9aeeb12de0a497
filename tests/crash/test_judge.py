#!/usr/bin/python3
"""Tests of the judge: good histories pass, each kind of damage is found."""

import datetime
import os
import sys
import types
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]

import judge  # noqa: E402
import stream  # noqa: E402
from load import DONE, NOT_DONE, UNSURE, Frozen, Load, Loader, Room, User  # noqa: E402
from scimhttp import Answer  # noqa: E402
from stream import Record  # noqa: E402

W = types.SimpleNamespace(id="w1", token="t")


def loader():
    made = Loader(1, W, "http://127.0.0.1:1", [Room("shared", "Shared")], None, 0)
    user = User("u1", "ana")
    user.title, user.rooms = "chief", {"shared"}
    made.users["u1"], made.rooms["r1"] = user, Room("r1", "Dispatch")
    made.pairs["shared", "u1"] = 1
    made.answers = [("ua-0", "POST", 201)]
    return made


def load_of(*loaders):
    made = Load.__new__(Load)
    made.loaders, made.workspaces = list(loaders), [W]
    return made


def text(word):
    return len(word).to_bytes(4, "little") + word.encode() + b"\0"


def row(*names, txn="t1"):
    """Of the outbox (schemas/stream/row.h). names: (topic's number, ce_id)."""
    made = b"\1S" + text("w1") + text(txn) + text("") + bytes(8)
    for topic, ce_id in names:
        made += b"R" + bytes([topic]) + text("key") + text(ce_id) + text("type") + text("subject") + bytes(24) + text("{}")
    return made


class Sql:
    """A stack of which only sql() is used: rows by a word of the query."""

    def __init__(self, **rows):
        self.rows = dict(users=[("u1", "ana", True, "chief")], rooms=[("r1", "Dispatch"), ("shared", "Shared")],
                         members=[("shared", "u1", False)], seats=[(1, 1, 1, 1)],
                         addresses=[("w1", "u1", "a@x")], resource_keys=[("w1", "u1", "a@x")],
                         command_log=[("w1", "t1", False)], outbox=[(0, 1, row((0, "e1"), (3, "a1")))])
        self.rows.update(rows)

    def sql(self, query, *_):
        if "seats_used" in query:
            return self.rows["seats"]
        if "jsonb_array_elements" in query:
            return self.rows["addresses"]
        return next(rows for name, rows in self.rows.items() if "FROM usher." + name in query)


def event(seq=1, kind="usher.member.added", txn="t1"):
    value = {"type": kind, "workspace": "w1", "seq": seq, "txn": txn, "room": {"id": "shared"}, "user": {"id": "u1"}}
    return Record("usher.membership", 0, seq, "shared", {"ce_id": "e%d" % seq, "usher-txn": txn, "usher-row": "1"},
                  value)


def change(seq, action, name=None, txn="t1", **more):
    value = {"kind": "change", "workspace": "w1", "seq": seq, "txn": txn, "action": action, "outcome": "applied",
             "target": {"id": "u", "name": name}, **more}
    return Record("usher.audit", 0, seq, "w1", {"ce_id": "a%d" % seq, "usher-txn": txn, "usher-row": "1"},
                  value)


def request(n, user_agent, status, supersedes=None):
    value = {"kind": "request", "workspace": "w1", "instance": "i", "n": n, "userAgent": user_agent, "status": status}
    if supersedes:
        value["supersedes"] = supersedes
    return Record("usher.audit", 0, n, "w1", {}, value)


class Judge(unittest.TestCase):
    def found(self, wrong, word):
        self.assertTrue(any(word in sentence for sentence in wrong), "%r not found in %r" % (word, wrong))

    def test_good(self):
        load = load_of(loader())
        self.assertEqual(judge.check_objects(Sql(), load), [])
        self.assertEqual(judge.check_pairs(load, [event()]), [])
        self.assertEqual(judge.check_answers(load, [request(1, "ua-0", 201)]), [])
        self.assertEqual(judge.check_seats(Sql(), load, [change(1, "seat.taken")]), [])
        self.assertEqual(judge.check_log(Sql(), [change(1, "user.created")], [event()]), [])
        self.assertEqual(judge.check_keys(Sql()), [])

    def test_lost_write(self):
        self.found(judge.check_objects(Sql(users=[], members=[]), load_of(loader())), "acknowledged was")
        self.found(judge.check_objects(Sql(users=[("u1", "ana", True, "old")]), load_of(loader())), "acknowledged was")
        self.found(judge.check_objects(Sql(members=[]), load_of(loader())), "acknowledged was")
        self.found(judge.check_objects(Sql(rooms=[("r1", "Old"), ("shared", "Shared")]), load_of(loader())),
                   "acknowledged was")

    def test_resurrected(self):
        one = loader()
        one.gone = [("user", "u2")]
        self.found(judge.check_objects(Sql(users=[("u1", "ana", True, "chief"), ("u2", "ben", True, None)]),
                                       load_of(one)), "was deleted")

    def test_stranger(self):
        wrong = judge.check_objects(Sql(users=[("u1", "ana", True, "chief"), ("u9", "eve", True, None)]),
                                    load_of(loader()))
        self.found(wrong, "no client")

    def test_held_must_agree_with_active(self):
        self.found(judge.check_objects(Sql(members=[("shared", "u1", True)]), load_of(loader())), "held")

    def test_open_outcome_is_one_of_two(self):
        one = loader()
        user = one.users["u1"]
        one.freeze_user(user, dict(user.state(), active=False), "ua")
        self.assertEqual(judge.check_objects(Sql(), load_of(one)), [])
        self.assertEqual(judge.check_objects(Sql(users=[("u1", "ana", False, "chief")],
                                                 members=[("shared", "u1", True)]), load_of(one)), [])
        half = Sql(users=[("u1", "ana", False, "chief")], members=[])  # deactivated, and its room forgotten
        self.found(judge.check_objects(half, load_of(one)), "possible were")

    def test_open_creation(self):
        one = loader()
        one.frozen.append(Frozen("user", "ben", None, {"name": "ben", "title": None, "active": True,
                                                       "rooms": frozenset()}, "ua"))
        self.assertEqual(judge.check_objects(Sql(), load_of(one)), [])
        self.assertEqual(judge.check_objects(Sql(users=[("u1", "ana", True, "chief"), ("u2", "ben", True, None)]),
                                             load_of(one)), [])
        self.found(judge.check_objects(Sql(users=[("u1", "ana", True, "chief"), ("u2", "ben", True, "x")]),
                                       load_of(one)), "possible were")

    def test_doubled_and_lost_event(self):
        self.found(judge.check_pairs(load_of(loader()), [event(1), event(2)]), "2 events")
        self.found(judge.check_pairs(load_of(loader()), []), "0 events")

    def test_events_of_a_room_whose_fate_is_open(self):
        one = loader()
        one.maybe["shared", "u1"] = 1
        for events in ([event(1)], [event(1), event(2)]):
            self.assertEqual(judge.check_pairs(load_of(one), events), [])
        self.found(judge.check_pairs(load_of(one), [event(1), event(2), event(3)]), "3 events")

    def test_refused_but_done(self):
        one = loader()
        one.refused_names = ["ben"]
        self.found(judge.check_refused(load_of(one), [change(1, "user.created", "ben")]), "refused")

    def test_accepted_but_not_done_or_not_told(self):
        def outcome(status, seq=1, txn="t1"):
            claims = {"aud": ["w1"], "jti": "w1/events/%d" % seq, "txn": txn,
                      "events": {stream.ASYNC: {"method": "POST", "status": status}}}
            return Record(stream.EVENTS, 0, seq, "w1", {}, claims)

        one = loader()
        one.accepted = [("t1", "ana")]
        self.assertEqual(judge.check_accepted(Sql(), load_of(one), [outcome("201")]), [])
        self.found(judge.check_accepted(Sql(), load_of(one), []), "outcomes []")
        self.found(judge.check_accepted(Sql(), load_of(one), [outcome("201"), outcome("201", 2)]), "accepted as txn t1")
        self.found(judge.check_accepted(Sql(), load_of(one), [outcome("409")]), "accepted as txn t1")
        one.accepted = [("t1", "lost")]
        self.found(judge.check_accepted(Sql(), load_of(one), [outcome("201")]), "0 users")

    def test_answer_without_record_or_with_another_status(self):
        self.found(judge.check_answers(load_of(loader()), []), "no audit record")
        self.found(judge.check_answers(load_of(loader()), [request(1, "ua-0", 503)]), "audit says")
        taken_back = [request(1, "ua-0", 201), request(2, "ua-0", 503, supersedes=1)]
        self.found(judge.check_answers(load_of(loader()), taken_back), "audit says")
        self.found(judge.check_answers(load_of(loader()), [request(1, "ua-0", 201), request(2, "ua-0", 201)]),
                   "audit says")

    def test_keys_that_do_not_fit_the_documents(self):
        self.found(judge.check_keys(Sql(resource_keys=[])), "no key")
        self.found(judge.check_keys(Sql(resource_keys=[("w1", "u1", "a@x"), ("w1", "u2", "b@x")])), "a key says")
        self.found(judge.check_keys(Sql(addresses=[], resource_keys=[])), "nothing was checked")

    def test_seats(self):
        self.found(judge.check_seats(Sql(seats=[(2, None, 1, 2)]), load_of(loader()), []), "2 seats")
        for over in ([change(1, "seat.taken"), change(2, "seat.taken"), change(3, "seat.freed")],
                     [change(1, "user.created", seat="taken"), change(2, "user.login", seat="taken"),
                      change(3, "user.deleted", seat="freed")],
                     [change(1, "seat.taken"), change(2, "user.created", seat="taken"), change(3, "seat.freed")]):
            self.found(judge.check_seats(Sql(), load_of(loader()), over), "limit 1")
        self.assertEqual(judge.check_seats(Sql(), load_of(loader()), [
            change(1, "user.created", seat="taken"), change(2, "user.updated"), change(3, "user.deactivated", seat="freed"),
            change(4, "seat.refused"), change(5, "user.reactivated", seat="taken")]), [])
        self.found(judge.check_seats(Sql(), load_of(loader()), []), "adds up to 0")
        self.found(judge.check_seats(Sql(seats=[(1, None, 1, 2)]), load_of(loader()), [change(1, "seat.taken")]),
                   "2 should")
        recounted = change(3, "seats.recounted", changes=[{"path": "seatsUsed", "op": "replace", "from": 2, "to": 1}])
        self.assertEqual(judge.check_seats(Sql(), load_of(loader()), [recounted]), [])

    def test_log(self):
        audit = [change(1, "user.created")]
        self.found(judge.check_log(Sql(), audit, [event(1, txn="t1"), event(2, txn="ghost")]), "no command")
        self.found(judge.check_log(Sql(command_log=[("w1", "t1", True)]), audit, [event()]), "cancelled")
        self.found(judge.check_log(Sql(), audit, []), "no stream carries")
        self.found(judge.check_log(Sql(), audit, [event(), event(2)]), "no row")
        good = row((0, "e1"), (3, "a1"))
        self.found(judge.check_log(Sql(outbox=[(0, 2, good)]), audit, [event()]), "stands in 2")
        self.found(judge.check_log(Sql(outbox=[(0, 1, good), (0, 3, row())]), audit, [event()]), "missing")
        self.found(judge.check_log(Sql(outbox=[(0, 1, good), (0, 1, row())]), audit, [event()]), "twice")
        self.found(judge.check_log(Sql(outbox=[]), [], []), "nothing was checked")

    def test_log_over_midnight(self):
        """Yesterday's rows are dropped once they are emitted. What a lower row than all that are held carried is no fault,
        if it is of a day that is over."""
        audit = [change(1, "user.created")]
        audit[0].headers["usher-row"] = "2"
        held = Sql(outbox=[(0, 2, row((3, "a1")))])
        for day, wrong in (("2020-01-01", False), (None, True)):
            early = event()
            early.headers["ce_time"] = (day or datetime.datetime.now(datetime.timezone.utc).date().isoformat()) + "T10:00:00Z"
            self.assertEqual(bool(judge.check_log(held, audit, [early])), wrong, day)
        late = event()
        late.headers.update({"ce_time": "2020-01-01T10:00:00Z", "usher-row": "2"})
        self.found(judge.check_log(held, audit, [late]), "no row")


class Verdicts(unittest.TestCase):
    def test_what_an_answer_says(self):
        one = loader()
        deadline = Answer(503, [], b'{"detail":"Not done in time; nothing was changed"}')
        unknown = Answer(503, [], b'{"detail":"Not done in time; the outcome is not known"}')
        self.assertEqual(one.judge(Answer(201, [], b""), 201), DONE)
        self.assertEqual(one.judge(deadline, 201), NOT_DONE)
        self.assertEqual(one.judge(unknown, 201), UNSURE)
        self.assertEqual(one.judge(None, 201), UNSURE)
        self.assertEqual(one.judge(Answer(403, [], b""), 201, (403,)), NOT_DONE)
        self.assertEqual(one.faults, [])
        one.judge(Answer(404, [], b""), 201)
        self.assertEqual(len(one.faults), 1)


if __name__ == "__main__":
    unittest.main()
