"""The life cycles that other software drives: Keycloak with an outgoing extension, authentik, scimgateway. Every answer
and every stream record (tests/cases/sessions)."""

from case import Case
from session import Replay, load


class Sessions(Case):
    flags = {"seats": 20}

    def replay(self, name):
        session = load(name)
        ws = self.stack.workspace("session-" + name, dialect=session["dialect"], seats=20)
        replay = Replay(session, ws, ws.open(check=False))
        self.none_wrong(replay.play())
        self.none_wrong(replay.streams(self.followers))

    def test_keycloak(self):
        self.replay("keycloak")

    def test_authentik(self):
        self.replay("authentik")

    def test_scimgateway(self):
        self.replay("scimgateway")
