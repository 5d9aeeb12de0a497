"""The life cycle that Microsoft Entra ID drives, replayed; every answer and every record of the streams
(idp-dialects, section on Entra)."""

from case import Case
from session import Replay, load


class EntraSession(Case):
    session, dialect, flags = load("entra"), "entra", {"seats": 20}

    def test_whole_session(self):
        replay = Replay(self.session, self.ws, self.ws.open(check=False))
        self.none_wrong(replay.play())
        self.none_wrong(replay.streams(self.followers))
