"""The admin API while the broker stands still, which nobody else may feel."""

import signal

from scimhttp import Broken
from test_admin import AdminCase


class Outage(AdminCase):
    def test_revoked_while_the_log_is_away(self):
        """Dead when the answer leaves, whatever that says."""
        ws, owner, oid = self.fresh()
        token, key = self.key("dies in an outage", "scim:users:read", client=owner)
        self.expect(ws.open(token).get("/Users?count=0"), 200)
        self.stack.signal("BROKER", signal.SIGSTOP)
        try:
            try:
                answer = owner.delete("/keys/" + key)
                self.is_problem(answer, 503, "unavailable")
                self.assertIn("revoked from now on", answer.json["detail"])
            except Broken:
                pass
            query = "SELECT revoked FROM keys WHERE workspace_id=%s AND id=%s"
            self.assertIsNotNone(self.stack.sql(query, ws.id, key)[0][0])
        finally:
            self.stack.signal("BROKER", signal.SIGCONT)
        self.expect(ws.open(token).get("/Users?count=0"), 401)

        def revoked():
            answer = owner.delete("/keys/" + key)
            return answer.status == 204
        self.wait_until(revoked, "the revocation to be recorded")
        self.assertIn(("key.revoked", "owner", oid), self.actions(ws.id, key))
