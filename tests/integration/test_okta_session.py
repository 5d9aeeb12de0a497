"""The life cycle that Okta drives: spec test of twelve steps, catalogue app and integration wizard; every answer and
every stream record."""

import time

from case import Case
from session import Replay, load


class OktaSession(Case):
    session, dialect, flags = load("okta"), "okta", {"seats": 20}

    def test_whole_session(self):
        replay = Replay(self.session, self.ws, self.ws.open(check=False))
        self.none_wrong(replay.play())
        self.none_wrong(replay.streams(self.followers))


class SpecTest(Case):
    """Two of the twelve steps that are about time and credentials; the others are in the session."""

    def test_spec_step_10_groups_within_600_ms(self):
        """The quickest of several: what holds up one of them may be another suite."""
        took = []
        for _ in range(5):
            began = time.monotonic()
            self.expect(self.http.get("/Groups"), 200)
            took.append(time.monotonic() - began)
        self.assertLess(min(took), 0.6)

    def test_spec_step_11_wrong_authorization_is_a_scim_401(self):
        for token in (None, "wrong", "ush_" + "0" * 49, self.ws.token[:-1]
                      + ("a" if self.ws.token[-1] != "a" else "b")):
            client = self.ws.open(token=token or "x")
            client.token = token
            self.expect(client.find("/Users", 'userName eq "x"', startIndex=1, count=100), 401)
