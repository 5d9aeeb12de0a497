"""Access tokens for OAuth 2.0 clients (RFC 6749 section 4.4): client_id is a key's id, client_secret its token."""

import base64
import datetime
import json
import urllib.parse

import proxied
from case import Case
from scimhttp import USER, Client
from stack import ALL_SCOPES
from waiting import let_time_pass_until


class OAuth(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = proxied.url(cls.stack)

    def ask(self, method="post", secret=None, client_id=None, address=None, **form):
        client = proxied.TokenClient(self.url, client_id or self.ws.key_id, secret or self.ws.token, method)
        try:
            return client.ask(headers=proxied.came_from(address) if address else None, **form)
        finally:
            client.close()

    def send(self, *args, **kw):
        client = proxied.TokenClient(self.url)
        try:
            return client.send(*args, **kw)
        finally:
            client.close()

    def refused(self, answer, status, error):
        """RFC 6749 section 5.2."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(answer.headers["pragma"], "no-cache")
        self.assertEqual(answer.json["error"], error, answer)
        self.assertRegex(answer.json["error_description"], r"^[\x20-\x21\x23-\x5b\x5d-\x7e]+$")
        if status == 401:
            self.assertTrue(answer.headers["www-authenticate"].startswith("Basic "))
        return answer

    def test_both_ways_to_authenticate(self):
        """Form and header; the form is what Entra ID sends."""
        for method in ("post", "basic"):
            with self.subTest(method):
                answer = self.ask(method)
                self.assertEqual(answer.status, 200, answer)
                given = answer.json
                self.assertEqual((given["token_type"], given["expires_in"]), ("Bearer", 3600))
                self.assertEqual(sorted(given["scope"].split()), sorted(ALL_SCOPES.split(",")))
                self.assertEqual(answer.headers["content-type"], "application/json")
                self.assertEqual(answer.headers["cache-control"], "no-store")
                self.assertEqual(answer.headers["pragma"], "no-cache")
                client = self.ws.open(given["access_token"])
                self.expect(client.post("/Users", {"schemas": [USER], "userName": "by %s" % method}), 201)
                # Any instance knows it.
                self.expect(self.ws.open(given["access_token"], url=self.url).get("/Users?count=0"), 200)
                client.close()

    def test_what_is_done_with_it_is_done_by_the_key(self):
        token = json.loads(self.ask().body)["access_token"]
        made = self.expect(self.ws.open(token).post("/Users", {"schemas": [USER], "userName": "whose"}), 201).json["id"]
        change = next(c for c in self.followers.changes(self.ws.id) if c["action"] == "user.created"
                      and c["target"]["id"] == made)
        self.assertEqual(change["actor"]["id"], self.ws.key_id)

    def test_a_subset_of_the_scopes(self):
        secret, key = self.ws.key("narrow", "scim:users:read,scim:users:write")
        given = self.ask(secret=secret, client_id=key, scope="scim:users:read").json
        self.assertEqual(given["scope"], "scim:users:read")
        client = self.ws.open(given["access_token"])
        self.expect(client.get("/Users?count=0"), 200)
        answer = self.expect(client.post("/Users", {"schemas": [USER], "userName": "x"}), 403)
        self.assertIn('error="insufficient_scope", scope="scim:users:write"', answer.headers["www-authenticate"])
        self.assertEqual(self.ask(secret=secret, client_id=key, scope="").json["scope"],
                         "scim:users:read scim:users:write")
        for wrong in ("scim:rooms:read", "scim:users:read scim:rooms:read", "everything", "openid"):
            with self.subTest(wrong):
                self.refused(self.ask(secret=secret, client_id=key, scope=wrong), 400, "invalid_scope")

    def test_wrong_clients(self):
        """401 invalid_client, with the scheme named."""
        other, other_id = self.ws.key("another")
        owner = self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "Ines")["token"]
        access = self.ask().json["access_token"]
        for n, (method, secret, client_id) in enumerate((("post", other, self.ws.key_id),
                                                         ("basic", other, self.ws.key_id),
                                                         ("basic", self.ws.token[:-1] + "0", None),
                                                         ("post", self.ws.token, "nobody"), ("post", owner, None),
                                                         ("basic", access, None))):
            with self.subTest(method=method, n=n):
                self.refused(self.ask(method, secret, client_id, address="192.0.2.%d" % (100 + n)), 401,
                             "invalid_client")
        self.assertEqual(self.ask(secret=other, client_id=other_id.upper()).status, 200)

    def test_malformed_requests(self):
        both = {"grant_type": "client_credentials", "client_id": self.ws.key_id, "client_secret": self.ws.token}
        text = urllib.parse.urlencode(both).encode()
        basic = {"Authorization": "Basic "
                 + base64.b64encode(("%s:%s" % (self.ws.key_id, self.ws.token)).encode()).decode()}
        here = proxied.came_from("192.0.2.120")
        self.refused(self.send({**both, "grant_type": "password"}), 400, "unsupported_grant_type")
        self.refused(self.send({k: v for k, v in both.items() if k != "grant_type"}), 400, "invalid_request")
        self.refused(self.send(text + b"&grant_type=client_credentials"), 400, "invalid_request")  # twice
        self.refused(self.send(text + b"&x=%zz"), 400, "invalid_request")
        self.refused(self.send(text, {"Content-Type": "application/json"}), 400, "invalid_request")
        self.refused(self.send(text, basic), 400, "invalid_request")  # two ways at once
        self.refused(self.send({"grant_type": "client_credentials", "client_id": "somebody"}, basic), 400,
                     "invalid_request")
        self.refused(self.send({"grant_type": "client_credentials"}, here), 401, "invalid_client")
        self.refused(self.send({"grant_type": "client_credentials"}, {"Authorization": "Basic !!!", **here}), 401,
                     "invalid_client")
        self.refused(self.send({"grant_type": "client_credentials"},
                               {"Authorization": "Bearer " + self.ws.token, **here}), 401, "invalid_client")
        self.refused(self.send(b"a=" + b"b" * 20000), 413, "invalid_request")
        for verb in ("GET", "PUT", "DELETE"):
            answer = self.refused(self.send(None, verb=verb), 405, "invalid_request")
            self.assertEqual(answer.headers["allow"], "POST")
        self.assertEqual(self.send({**both, "unknown": "x"}).status, 200)  # what is not known is ignored
        self.assertEqual(self.send({"grant_type": "client_credentials", "client_id": self.ws.key_id},
                                   basic).status, 200)

    def test_it_dies_with_its_key(self):
        """Promise 4 holds for access tokens: revoked, expired, rotated."""
        secret, key = self.ws.key("mortal")
        token = self.ask(secret=secret, client_id=key).json["access_token"]
        client = self.ws.open(token)
        self.expect(client.get("/Users?count=0"), 200)
        self.stack.ctl("key", "revoke", key)
        self.assertIn('error="invalid_token"', self.expect(client.get("/Users?count=0"),
                                                           401).headers["www-authenticate"])
        self.refused(self.ask(secret=secret, client_id=key), 401, "invalid_client")

    def test_it_lives_no_longer_than_its_key(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)
        secret, key = self.ws.key("short", expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
        given = self.ask(secret=secret, client_id=key).json
        self.assertLessEqual(given["expires_in"], 5)
        client = self.ws.open(given["access_token"])
        self.expect(client.get("/Users?count=0"), 200)
        let_time_pass_until(soon, "the key lives until then")
        self.expect(client.get("/Users?count=0"), 401)

    def test_rotated(self):
        """Dead at once; with an overlap as long as the token that it was asked for with."""
        secret, key = self.ws.key("turning")
        first = self.ask(secret=secret, client_id=key).json["access_token"]
        second_secret = self.stack.ctl("key", "rotate", key, overlap="1h")["token"]
        self.expect(self.ws.open(first).get("/Users?count=0"), 200)
        second = self.ask(secret=second_secret, client_id=key).json["access_token"]
        self.stack.ctl("key", "rotate", key)
        for dead in (first, second):
            self.expect(self.ws.open(dead).get("/Users?count=0"), 401)

    def test_it_cannot_be_made_or_changed(self):
        """Every bit is sealed: scopes, expiry, key."""
        secret, key = self.ws.key("sealed", "scim:users:read")
        token = self.ask(secret=secret, client_id=key).json["access_token"]
        content = bytearray(base64.urlsafe_b64decode(token[4:] + "=" * (-len(token[4:]) % 4)))
        for n, at in enumerate((0, 31, 32, 33, 40, 41, len(content) - 1)):
            forged = bytearray(content)
            forged[at] ^= 1
            text = "ust_" + base64.urlsafe_b64encode(bytes(forged)).decode().rstrip("=")
            client = Client(self.url, text, headers=proxied.came_from("192.0.2.%d" % (130 + n)))
            self.expect(client.get("/Users?count=0"), 401)

    def test_networks_and_rate_are_the_key_s(self):
        secret, key = self.ws.key("limits", networks="203.0.113.0/24", rate=3)
        self.refused(self.ask(secret=secret, client_id=key, address="198.51.100.1"), 400, "unauthorized_client")
        given = self.ask(secret=secret, client_id=key, address="203.0.113.5")
        self.assertEqual(given.headers["ratelimit-policy"], '"default";q=3;w=60')
        token = given.json["access_token"]
        outside = Client(self.url, token, headers=proxied.came_from("198.51.100.1"))
        self.expect(outside.get("/Users?count=0"), 403)
        answer = self.refused(self.ask(secret=secret, client_id=key, address="203.0.113.5"), 429,
                              "temporarily_unavailable")
        self.assertTrue(1 <= int(answer.headers["retry-after"]) <= 61)
        self.assertRegex(answer.headers["ratelimit"], r'^"default";r=0;t=\d+$')

    def test_on_record_without_secrets(self):
        secret, key = self.ws.key("recorded")
        token = self.ask(secret=secret, client_id=key).json["access_token"]
        self.send(("grant_type=client_credentials&client_id=%s&client_secret=%s" % (key, secret)).encode())

        def ours(records):
            return [r.value for r in records if r.value and (r.value.get("key") or {}).get("id") == key
                    and r.value.get("path") == "/oauth2/token"]

        self.followers.audit.wait(lambda rs: len(ours(rs)) >= 2, "the records of two requests for a token")
        self.assertEqual([(r["method"], r["status"]) for r in ours(self.followers.audit.snapshot())],
                         [("POST", 200)] * 2)
        everything = str([r.value for r in self.followers.audit.snapshot()])
        self.assertNotIn(secret, everything)
        self.assertNotIn(token, everything)

    def test_discovery_tells_of_it(self):
        schemes = {s["type"]: s for s in self.expect(self.http.get("/ServiceProviderConfig"),
                                                     200).json["authenticationSchemes"]}
        self.assertEqual(set(schemes), {"oauthbearertoken", "oauth2"})
        self.assertIn("/oauth2/token", schemes["oauth2"]["description"])
