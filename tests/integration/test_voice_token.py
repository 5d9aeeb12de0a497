"""POST /api/v1/rooms/{room}/voice-token: who gets a token of the voice server, what stands in it, and what is on
record. (What LiveKit makes of such a token: tests/voice.)"""

import os
import time

from authlib.jose import jwt

from apicase import NOBODY, ApiCase
from stack import free_port

KEY, SECRET = "usher-test", "a secret of more than thirty-two characters"


class VoiceToken(ApiCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.stack.run_dir, "livekit.secret")
        with open(path, "w") as f:
            f.write(SECRET + "\n")
        url = cls.stack.extra_ingest(
            "voice", free_port(), "--livekit-url wss://voice.example --livekit-key %s --livekit-secret-file %s "
            "--livekit-room v/{workspace}/{room} --voice-token-seconds 30" % (KEY, path))
        cls.plain, cls.voice_url = cls.api, url
        cls.api = cls.open_api(cls, url=url)

    @classmethod
    def tearDownClass(cls):
        cls.plain.close()
        super().tearDownClass()

    def ask(self, room, body, api=None):
        return (api or self.api).post("/rooms/%s/voice-token" % (room if isinstance(room, str) else room["id"]), body)

    def claims(self, token):
        claims = jwt.decode(token, SECRET)
        claims.validate_nbf(time.time(), 0)
        return claims

    def join(self, name, room_name, transmit=True):
        user, room = self.make_user(name, displayName=name.upper()), self.make_room(room_name)
        self.ok(self.api.put("/rooms/%s/members/%s" % (room["id"], user["id"]), {"transmit": transmit}), 201)
        return user, room

    def test_a_member(self):
        user, room = self.join("vt1", "VT1")
        before = int(time.time())
        answer = self.ask(room, {"user": user["id"]})
        made = self.ok(answer)
        name = "v/%s/%s" % (self.ws.id, room["id"])
        self.assertEqual({k: made[k] for k in ("url", "room", "identity", "transmit")},
                         {"url": "wss://voice.example", "room": name, "identity": user["id"], "transmit": True})
        self.assertIn("no-store", answer.headers["cache-control"])
        claims = self.claims(made["token"])
        self.assertEqual((claims["iss"], claims["sub"], claims["name"]), (KEY, user["id"], "VT1"))
        self.assertEqual(claims["video"], {"room": name, "roomJoin": True, "canPublish": True, "canSubscribe": True,
                                           "canPublishData": True, "canUpdateOwnMetadata": False})
        self.assertEqual(claims["exp"] - claims["nbf"], 30)
        self.assertTrue(before - 1 <= claims["nbf"] <= time.time(), claims)
        seq = self.ok(self.api.get("/rooms/%s/members" % room["id"]))["seq"]
        self.assertEqual(claims["attributes"], {"usher.epoch": "1", "usher.seq": str(seq)})

    def test_may_not_transmit(self):
        user, room = self.join("vt2", "VT2", transmit=False)
        made = self.ok(self.ask(room, {"userName": "VT2"}))
        self.assertEqual((made["identity"], made["transmit"]), (user["id"], False))
        video = self.claims(made["token"])["video"]
        self.assertEqual((video["canPublish"], video["canPublishData"], video["canSubscribe"]), (False, False, True))

    def test_who_gets_none(self):
        user, room = self.join("vt3", "VT3")
        stranger = self.make_user("vt3-stranger")
        self.problem(self.ask(room, {"user": stranger["id"]}), 403, "forbidden")
        self.problem(self.ask(room, {"user": NOBODY}), 404, "not-found")
        self.problem(self.ask(room, {"userName": "vt3-nobody"}), 404, "not-found")
        self.problem(self.ask(NOBODY, {"user": user["id"]}), 404, "not-found")
        self.problem(self.ask("nonsense", {"user": user["id"]}), 404, "not-found")
        self.ok(self.api.post("/users/%s/deactivate" % user["id"]))
        held = self.problem(self.ask(room, {"user": user["id"]}), 409, "conflict")
        self.assertIn("held", held.json["detail"])
        self.ok(self.api.post("/users/%s/reactivate" % user["id"]))
        self.ok(self.ask(room, {"user": user["id"]}))
        self.ok(self.api.post("/users/%s/deactivate" % stranger["id"]))
        self.problem(self.ask(room, {"user": stranger["id"]}), 409, "conflict")
        self.ok(self.api.delete("/rooms/%s/members/%s" % (room["id"], user["id"])), 204)
        self.problem(self.ask(room, {"user": user["id"]}), 403, "forbidden")

    def test_bodies(self):
        user, room = self.join("vt4", "VT4")
        for body in ({}, {"user": user["id"], "userName": "vt4"}, {"user": 1}, {"user": ""}, {"name": "vt4"}):
            self.problem(self.ask(room, body), 400, "invalid-value")

    def test_another_workspace(self):
        """Neither a room nor a user of somebody else is there."""
        user, room = self.join("vt5", "VT5")
        api = self.open_api(self.stack.workspace("other"), url=self.voice_url)
        self.problem(self.ask(room, {"user": user["id"]}, api), 404, "not-found")
        own = self.make_room("Own", api)
        self.problem(self.ask(own, {"user": user["id"]}, api), 404, "not-found")
        api.close()

    def test_scope(self):
        user, room = self.join("vt6", "VT6")
        for scopes, status in (("api:rooms:read", 403), ("api:rooms:write", 200)):
            api = self.open_api(token=self.ws.key("vt6 " + scopes[-4:], scopes)[0], url=self.voice_url)
            self.assertEqual(self.ask(room, {"user": user["id"]}, api).status, status)
            api.close()

    def test_on_record(self):
        """The request record names room and user, also of a refusal, and never the token."""
        user, room = self.join("vt7", "VT7")
        stranger = self.make_user("vt7-stranger")
        made = self.ok(self.ask(room, {"userName": "vt7"}))
        self.problem(self.ask(room, {"user": stranger["id"]}), 403, "forbidden")

        def of(records):
            return [r for r in records if r["path"].endswith("/voice-token") and r.get("room") == room["id"]]
        found = of(self.followers.requests(self.ws.id, lambda rs: len(of(rs)) >= 2, "two records"))
        self.assertEqual([(r["user"], r["status"]) for r in found], [(user["id"], 200), (stranger["id"], 403)])
        self.assertNotIn(made["token"].split(".")[2], repr(found))

    def test_no_voice_server(self):
        user, room = self.join("vt8", "VT8")
        answer = self.problem(self.ask(room, {"user": user["id"]}, self.plain), 404, "not-found")
        self.assertIn("livekit-url", answer.json["detail"])
