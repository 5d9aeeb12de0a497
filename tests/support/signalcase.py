"""The case of the suites about streams of signals: a workspace, a key for its receiver, and what these do."""

import jsonschema

from case import Case
from scimhttp import USER, patch_op
from signals import CHANGED, DISABLED, ENABLED, PURGED, PUSH, REVOKED, SCIM, STREAM, PushReceiver, Transmitter, event_of

ALL = [DISABLED, ENABLED, PURGED, CHANGED, REVOKED] + [SCIM + k for k in (
    "create:notice", "put:notice", "patch:notice", "delete", "activate", "deactivate")]
SCOPES = "api:users:read,api:users:write"


class Signals(Case):
    def setUp(self):
        self.ws = self.stack.workspace("signals")
        self.addCleanup(self.ws.client.close)
        self.token, self.key = self.ws.key("receiver", SCOPES)
        self.ssf = self.transmitter(self.token)
        self.receiver = PushReceiver()
        self.addCleanup(self.receiver.close)

    def transmitter(self, token, path=""):
        made = Transmitter(self.stack.url, token, path)
        self.addCleanup(made.close)
        return made

    # ---- what the tests do

    def stream(self, ssf=None, events=ALL, **members):
        shown = self.expect((ssf or self.ssf).create(events_requested=events, **members), 201).json
        jsonschema.validate(shown, STREAM)
        self.addCleanup(self.forget, ssf or self.ssf, shown["stream_id"])
        return shown

    @staticmethod
    def forget(ssf, uid):
        ssf.close()  # the connection may have been idle for too long
        ssf.delete(uid)

    def pushed(self, ssf=None, path="/push", events=ALL, header=None, **members):
        delivery = {"method": PUSH, "endpoint_url": self.receiver.url(path)}
        if header:
            delivery["authorization_header"] = header
        return self.stream(ssf, events, delivery=delivery, **members)

    def user(self, name, **more):
        return self.expect(self.ws.client.post("/Users", {"schemas": [USER], "userName": name, **more}), 201).json["id"]

    def set_active(self, user, active):
        self.expect(self.ws.client.patch("/Users/" + user, patch_op({"op": "replace", "path": "active", "value": active})),
                    200)

    def verify(self, stream, ssf=None, **members):
        """Asks as often as it must: not more than once in min_verification_interval."""
        said = []

        def asked():
            said.append((ssf or self.ssf).verify(stream["stream_id"], **members))
            return said[-1].status != 429

        self.wait_until(asked, "a verification that is not too early")
        self.expect(said[-1], 204)

    def tokens(self, n, stream, path="/push", alg="RS256", **kw):
        """The claims of the first tokens that were pushed, all judged."""
        self.wait_until(lambda: len(self.receiver.all(path)) >= n, "%d tokens" % n)
        return [self.ssf.judged(token, stream, alg) for _, token in self.receiver.all(path)]

    def polled(self, stream, ssf=None, **members):
        answer = self.expect((ssf or self.ssf).poll(stream, **{"returnImmediately": True, **members}), 200).json
        claims = {jti: (ssf or self.ssf).judged(token, stream, stream["signing_alg"]) for jti, token in answer["sets"].items()}
        self.assertEqual([c["jti"] for c in claims.values()], list(claims))
        return list(claims.values()), answer["moreAvailable"]

    def polled_until(self, n, stream):
        """Waits until so many tokens wait, and acknowledges none."""
        self.wait_until(lambda: len(self.polled(stream)[0]) >= n, "%d tokens to be polled" % n)
        return self.polled(stream)[0]

    def shown(self, stream):
        return self.stack.ctl("delivery", "show", stream["stream_id"])["delivery"]

    def attempts(self, stream):
        """The newest first."""
        return self.stack.ctl("delivery", "attempts", stream["stream_id"])["attempts"]

    def kinds(self, claims):
        return sorted(event_of(c) for c in claims)
