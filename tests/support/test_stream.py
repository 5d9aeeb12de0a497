#!/usr/bin/env python3
"""The judge is judged: good streams pass every check, and each way of damaging them is found by the check that is
there for it."""

import base64
import copy
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import jws  # noqa: E402
import stream  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: E402

W, V = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"
ROOM, ANA, BEN = "room-1", "ana", "ben"
TIME = "2026-11-22T10:15:30.123456Z"


class World:
    """Writes streams as a faultless usher would."""

    def __init__(self):
        self.membership, self.rooms, self.audit, self.seq, self.audit_seq, self.n = [], [], [], {}, {}, 0

    def _headers(self, workspace, name, seq, kind, subject, txn):
        return {"ce_specversion": "1.0", "ce_id": "%s/%s/%d" % (workspace, name, seq), "ce_type": kind,
                "ce_source": "/w/" + workspace,
                "ce_subject": subject, "ce_time": TIME, "content-type": "application/json", "usher-txn": txn,
                "usher-seq": str(seq), "ce_sequence": str(seq), "usher-epoch": "1"}

    def change(self, workspace, kind, room, name, user=None, transmit=True, old=None):
        seq = self.seq[workspace] = self.seq.get(workspace, 0) + 1
        audit_seq = self.audit_seq[workspace] = self.audit_seq.get(workspace, 0) + 1
        txn, partition = "txn-%s-%d" % (workspace, seq), stream.murmur2(workspace.encode()) % 12
        value = {"type": kind, "workspace": workspace, "seq": seq, "time": TIME, "txn": txn,
                 "room": {"id": room, "name": name}}
        subject = "rooms/" + room
        if user:
            value.update(user={"id": user, "userName": user}, transmit=transmit, reason="scim")
            subject += "/members/" + user
        if old:
            value["from"] = old
        headers = self._headers(workspace, "membership", seq, kind, subject, txn)
        self.membership.append(stream.Record(stream.MEMBERSHIP, partition, len(self.membership), room, headers, value))
        gone = kind.endswith(("removed", "deleted"))
        state = {"workspace": workspace, "room": room, "seq": seq}
        state.update({"user": user, "userName": user, "transmit": transmit} if user else {"name": name})
        key = "/".join([workspace, room] + ([user] if user else []))
        self.rooms.append(stream.Record(stream.ROOMS, partition, len(self.rooms), key, headers,
                                        None if gone else state))
        audit = {"kind": "change", "workspace": workspace, "seq": audit_seq, "time": TIME, "txn": txn,
                 "action": stream.MEMBER_ACTIONS[kind],
                 "target": {"type": "Room", "id": room, "name": name},
                 "subject": {"type": "User", "id": user, "name": user} if user else None,
                 "outcome": "applied", "reason": None, "changes": []}
        headers = self._headers(workspace, "audit", audit_seq, "usher.audit.change", subject, txn)
        self.audit.append(stream.Record(stream.AUDIT, partition, len(self.audit), workspace, headers, audit))
        self.n += 1
        request = {"kind": "request", "workspace": workspace, "instance": "ingest-1", "n": self.n, "time": TIME,
                   "txn": txn, "status": 204}
        headers = self._headers(workspace, "request", self.n, "usher.audit.request", "x", txn)
        del headers["usher-seq"], headers["ce_sequence"], headers["usher-epoch"]
        self.audit.append(stream.Record(stream.AUDIT, partition, len(self.audit), workspace, headers, request))

    @property
    def changes(self):
        return stream.changes_of(self.audit)


def good():
    w = World()
    w.change(W, "usher.room.created", ROOM, "Dispatch")
    w.change(W, "usher.member.added", ROOM, "Dispatch", ANA)
    w.change(V, "usher.room.created", "room-9", "Other")
    w.change(W, "usher.member.added", ROOM, "Dispatch", BEN)
    w.change(W, "usher.room.renamed", ROOM, "Control", old="Dispatch")
    w.change(W, "usher.member.removed", ROOM, "Control", ANA)
    w.change(W, "usher.member.added", ROOM, "Control", ANA)
    w.change(V, "usher.room.deleted", "room-9", "Other")
    return w


STATE = {W: {ROOM: {"name": "Control", "members": {ANA: True, BEN: True}}}}


def copy_of(record, **members):
    return copy.deepcopy(record)._replace(**members)


class Good(unittest.TestCase):
    def test_a_good_stream_passes_all_checks(self):
        w = good()
        folded, trouble = stream.fold(w.membership)
        viewed, more = stream.rooms_view(w.rooms)
        wrong = (stream.check_sequence(w.membership) + stream.check_sequence(w.changes)
                 + stream.check_ids_unique(w.membership + w.audit)
                 + stream.check_headers(w.membership + w.rooms + w.audit, 12) + trouble + more
                 + stream.check_state(folded, STATE, "fold", "truth")
                 + stream.check_state(viewed, STATE, "rooms", "truth")
                 + stream.check_audited(w.membership, w.audit) + stream.check_requests(w.audit)
                 + stream.check_acknowledged(w.audit, [("member.added", ROOM, ANA)] * 2,
                                             [("member.added", ROOM, "zoe")])
                 + stream.check_against_counters(w.membership, w.seq) + stream.check_repeats(w.membership)
                 + stream.check_same(w.membership, stream.drop_seen(w.membership)))
        self.assertEqual(wrong, [])

    def test_an_aborted_transaction_is_invisible_to_the_rule(self):
        w = good()
        loose = w.membership[:4] + [copy_of(r, offset=90) for r in w.membership[3:4]] + w.membership[4:]
        self.assertEqual(stream.check_repeats(loose), [])
        self.assertEqual(stream.check_same(w.membership, stream.drop_seen(loose)), [])


class Damage(unittest.TestCase):
    def found(self, wrong, word):
        self.assertTrue(any(word in sentence for sentence in wrong), "%r not found in %r" % (word, wrong))

    def test_lost_write_in_the_middle(self):
        w = good()
        self.found(stream.check_sequence(w.membership[:3] + w.membership[4:]), "missing")
        self.found(stream.check_sequence(w.changes[:1] + w.changes[2:]), "missing")

    def test_lost_write_at_the_start(self):
        self.found(stream.check_sequence(good().membership[1:]), "missing")

    def test_lost_write_at_the_end(self):
        w = good()
        cut = w.membership[:6]
        # The numbers alone cannot show it, the counters and the state can.
        self.assertEqual(stream.check_sequence(cut), [])
        self.found(stream.check_against_counters(cut, w.seq), "counted to")
        self.found(stream.check_state(stream.fold(cut)[0], STATE, "fold", "SQL"), ANA)

    def test_acknowledged_change_that_is_not_there(self):
        w = good()
        self.found(stream.check_acknowledged(w.audit, [("member.added", ROOM, "zoe")]), "lost")
        self.found(stream.check_acknowledged(w.audit, [("member.added", ROOM, BEN)] * 2), "lost")

    def test_refused_change_that_happened(self):
        self.found(stream.check_acknowledged(good().audit, [], [("member.added", ROOM, BEN)]), "although refused")

    def test_duplicate(self):
        w = good()
        double = w.membership[:2] + [copy_of(w.membership[1], offset=50)] + w.membership[2:]
        self.found(stream.check_sequence(double), "twice")
        self.found(stream.check_ids_unique(double), "2 times")
        self.found(stream.fold(double)[1], "member already")
        self.found(stream.check_audited(double, w.audit), "2 events but 1")

    def test_duplicate_of_the_first_record(self):
        w = good()
        self.found(stream.check_sequence([w.membership[0]] + w.membership), "twice")

    def test_duplicate_under_a_new_number(self):
        w = good()
        w.change(W, "usher.member.added", ROOM, "Control", ANA)
        self.assertEqual(stream.check_sequence(w.membership), [])
        self.found(stream.fold(w.membership)[1], "member already")

    def test_reorder(self):
        w = good()
        w.membership[3], w.membership[4] = w.membership[4], w.membership[3]
        self.found(stream.check_sequence(w.membership), "comes after")

    def test_reordered_state_topic(self):
        w = good()
        w.rooms[5], w.rooms[6] = w.rooms[6], w.rooms[5]
        viewed, wrong = stream.rooms_view(w.rooms)
        self.found(wrong, "goes back")
        self.found(stream.check_state(viewed, STATE, "rooms", "SQL"), ANA)

    def test_aborted_read(self):
        """A reader that is shown an aborted record as if it were committed sees it twice."""
        w = good()
        seen = w.membership[:4] + [copy_of(w.membership[3], offset=90)] + w.membership[4:]
        self.found(stream.check_sequence(seen), "twice")

    def test_aborted_record_that_was_never_true(self):
        w = good()
        ghost = copy_of(w.membership[4], offset=90)
        ghost.value["room"]["name"] = "Ghost"
        self.found(stream.check_repeats(w.membership + [ghost]), "another content")
        event = told()[0]
        self.found(stream.check_repeats([event, event._replace(text=event.text + " ")]), "another content")
        loose = w.membership[:4] + [ghost] + w.membership[4:]
        self.found(stream.check_same(w.membership, stream.drop_seen(loose)), "differs")

    def test_aborted_record_that_never_comes_again(self):
        w = good()
        more = copy.deepcopy(w)
        more.change(W, "usher.member.removed", ROOM, "Control", ANA)
        self.found(stream.check_same(w.membership, stream.drop_seen(more.membership)), "read_uncommitted by seq")

    def test_gap_under_the_uncommitted_rule(self):
        w = good()
        self.found(stream.check_sequence(stream.drop_seen(w.membership[:3] + w.membership[4:])), "missing")

    def test_no_number(self):
        w = good()
        del w.membership[2].value["seq"], w.membership[2].headers["usher-seq"]
        self.found(stream.check_sequence(w.membership), "no sequence number")

    def test_room_deleted_with_members(self):
        w = good()
        w.change(W, "usher.room.deleted", ROOM, "Control")
        self.found(stream.fold(w.membership)[1], "with 2 members")
        self.found(stream.rooms_view(w.rooms)[1], "room that is gone")

    def test_missing_tombstone(self):
        w = good()
        w.rooms = [r for r in w.rooms if r.value is not None]
        self.found(stream.check_state(stream.rooms_view(w.rooms)[0], STATE, "rooms", "SQL"), "only in rooms")

    def test_wrong_transmit(self):
        w = good()
        w.membership[3].value["transmit"] = False
        self.found(stream.check_state(stream.fold(w.membership)[0], STATE, "fold", "SQL"), BEN)

    def test_event_without_audit_and_audit_without_event(self):
        w = good()
        self.found(stream.check_audited(w.membership, w.audit[2:]), "1 events but 0")
        self.found(stream.check_audited(w.membership[:-1], w.audit), "0 events but 1")

    def test_request_numbers(self):
        w = good()
        self.found(stream.check_requests([r for r in w.audit if r.value.get("n") != 3]), "missing")
        self.found(stream.check_requests(w.audit + [w.audit[1]]), "twice")
        self.found(stream.check_requests([r for r in w.audit if r.value.get("n") != 3], {"ingest-1": 2}), "missing")
        self.assertEqual(stream.check_requests([r for r in w.audit if r.value.get("n") != 7], {"ingest-1": 2}), [])

    def test_headers(self):
        for name, value, word in (("ce_type", "x", "ce_type"), ("ce_source", "/w/other", "ce_source"),
                                  ("usher-seq", "77", "usher-seq"), ("ce_sequence", "77", "ce_sequence"),
                                  ("usher-epoch", "", "usher-epoch"),
                                  ("usher-txn", "x", "usher-txn"), ("ce_time", "x", "ce_time"), ("ce_id", "x", "ce_id"),
                                  ("ce_subject", "x", "ce_subject"), ("ce_specversion", "0.3", "ce_specversion")):
            w = good()
            w.membership[1].headers[name] = value
            self.found(stream.check_headers(w.membership), word)
        w = good()
        del w.rooms[-1].headers["ce_time"]  # a tombstone
        self.found(stream.check_headers(w.rooms), "ce_time is missing")

    def test_wrong_partition_and_key(self):
        w = good()
        w.membership[1] = w.membership[1]._replace(partition=(w.membership[1].partition + 1) % 12)
        self.found(stream.check_headers(w.membership, 12), "belongs into")
        w = good()
        w.membership[1] = w.membership[1]._replace(key="other")
        self.found(stream.check_headers(w.membership), "not the room")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A faultless signer, which is not ours."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        n = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": base64url(n.x.to_bytes(32, "big")),
                    "y": base64url(n.y.to_bytes(32, "big"))}
        self.jwk["kid"] = jws.thumbprint(self.jwk)

    def sign(self, claims, **header):
        header = {"alg": "ES256", "typ": "secevent+jwt", "kid": self.jwk["kid"], **header}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


SIGNER = Signer()


def event(seq, kind, uri, payload=None, txn=None, workspace=W):
    """A record of usher.events."""
    kind = kind if kind.startswith("urn:") else stream.PROV + kind
    claims = {"iss": "urn:x", "aud": [workspace], "iat": 1, "jti": "%s/events/%d" % (workspace, seq), "txn": txn
              or "txn-%s-%d" % (workspace, seq),
              "sub_id": {"format": "scim", "uri": uri}, "events": {kind: payload or {}}}
    headers = {"ce_specversion": "1.0", "ce_id": claims["jti"], "ce_type": kind, "ce_source": "/w/" + workspace,
               "ce_subject": "x", "ce_time": TIME,
               "content-type": "application/json", "usher-txn": claims["txn"], "usher-seq": str(seq),
               "ce_sequence": str(seq), "usher-epoch": "1"}
    return stream.Record(stream.EVENTS, stream.murmur2(workspace.encode()) % 12, seq, workspace, headers, claims,
                         json.dumps(claims))


def told():
    """The events of what good() does in workspace W."""
    kinds = ["create:notice", "patch:notice", "patch:notice", "patch:notice", "patch:notice", "patch:notice"]
    return [event(i, kind, "/Groups/" + ROOM) for i, kind in enumerate(kinds, 1)]


class Events(unittest.TestCase):
    def found(self, wrong, word):
        self.assertTrue(any(word in sentence for sentence in wrong), "%r not found in %r" % (word, wrong))

    def of_w(self):
        return [r for r in good().audit if stream.workspace_of(r) == W]

    def test_good_events_pass(self):
        events = told()
        self.assertEqual(stream.check_sequence(events) + stream.check_outcomes(events) + stream.check_headers(events, 12)
                         + stream.check_told(events, self.of_w(), {W: "notice"})
                         + stream.check_against_counters(events, {W: 6}), [])

    def test_a_parsed_event(self):
        line = {"topic": stream.EVENTS, "partition": 0, "offset": 1, "headers": [], "key": W, "payload": told()[0].text}
        self.assertEqual(stream.parse_line(json.dumps(line)).value, told()[0].value)
        line["payload"] = "no.json"
        self.assertIn("unreadable", stream.parse_line(json.dumps(line)).value)

    def test_lost_and_doubled_events(self):
        events, audit = told(), self.of_w()
        self.found(stream.check_sequence(events[:2] + events[3:]), "missing")
        self.found(stream.check_sequence(events[:2] + events[1:]), "twice")
        self.found(stream.check_told(events[:-1], audit, {W: "notice"}), "0 events, 1 changes")
        self.found(stream.check_told(events + [event(7, "delete", "/Groups/" + ROOM)], audit, {W: "notice"}),
                   "1 events, 0 changes")
        self.found(stream.check_told(events, audit, {W: "off"}), "1 events, 0 changes")
        self.found(stream.check_against_counters(events, {W: 7}), "counted to 7")

    def test_two_outcomes(self):
        twice = [event(i, stream.ASYNC, "/Users", txn="t") for i in (1, 2)]
        self.found(stream.check_outcomes(twice), "2 outcomes of txn t")

    def test_bad_signatures(self):
        claims, keys = told()[0].value, jws.KeySet([SIGNER.jwk])
        good_one = SIGNER.sign(claims)
        self.assertEqual(keys.verify(good_one), claims)
        head, body, signature = good_one.split(".")
        another = SIGNER.sign({**claims, "iat": 2}).split(".")
        for token, word in ((".".join((head, another[1], signature)), "signature"),
                            (".".join((head, body, another[2])), "signature"),
                            (SIGNER.sign(claims, alg="none"), "header"),
                            (SIGNER.sign(claims, typ="JWT"), "header"),
                            (SIGNER.sign(claims, kid="x"), "not published"), (head + "." + body, "parts"),
                            (good_one + "=", "padding"),
                            (".".join((head, body, signature[:-4])), "bytes")):
            with self.assertRaisesRegex(jws.TokenError, word):
                keys.verify(token)
        with self.assertRaisesRegex(jws.TokenError, "not published"):
            jws.KeySet([Signer().jwk]).verify(good_one)
        with self.assertRaises(jws.TokenError):
            jws.KeySet([{**SIGNER.jwk, "kid": "mine"}])


class Reading(unittest.TestCase):
    def test_murmur2_as_kafka_computes_it(self):
        for text, hashed in (("21", -973932308), ("foobar", -790332482), ("abc", 479470107),
                             ("a-little-bit-long-string", -985981536)):
            self.assertEqual(stream.murmur2(text.encode()), hashed & 0x7FFFFFFF)

    def test_parse_line(self):
        line = {"topic": "t", "partition": 3, "offset": 9, "headers": ["usher-seq", "7", "ce_type", "x"], "key": "k",
                "payload": '{"seq":7}'}
        r = stream.parse_line(json.dumps(line))
        self.assertEqual((r.partition, r.offset, r.key, r.headers, r.value),
                         (3, 9, "k", {"usher-seq": "7", "ce_type": "x"}, {"seq": 7}))
        line["payload"] = None
        self.assertIsNone(stream.parse_line(json.dumps(line)).value)


if __name__ == "__main__":
    unittest.main()
