"""OAuth clients that authenticate with a private key (private_key_jwt, RFC 7523): keys that are uploaded or fetched,
what is refused, each assertion once. test_ipsie.py goes through the life of users and groups with such a client."""

import json
import threading
import time
import uuid

import jwks_server
import proxied
from apihttp import ApiClient
from jwks_server import claims, new_key, public, signed
from scimhttp import Client
from signing import Clients
from stack import ToolError
from waiting import wait_until


class Scopes(Clients):
    def test_the_scope_scim_is_what_the_key_has_of_it(self):
        key = new_key()
        client_id = self.key(public(key), scopes="scim:users:read,api:users:read")
        audience = self.url + "/oauth2/token"
        for scope, due in (("scim", "scim"), ("scim api:users:read", "scim api:users:read"),
                           ("scim scim:users:read", "scim"), (None, "scim:users:read api:users:read")):
            form = {} if scope is None else {"scope": scope}
            answer = self.send(signed(key, claims(client_id, audience)), **form)
            self.assertEqual(answer.json["scope"], due, scope)
        scim = self.ws.open(self.given(self.send(signed(key, claims(client_id, audience)), scope="scim")), self.url)
        self.expect(scim.get("/Users?count=0"), 200)
        self.expect(scim.get("/Groups?count=0"), 403)
        scim.close()
        none = self.key(public(key), scopes="api:users:read")
        self.refused(self.send(signed(key, claims(none, audience)), scope="scim"), 400, "invalid_scope")
        self.refused(self.send(signed(key, claims(client_id, audience)), scope="SCIM"), 400, "invalid_scope")

    def test_documents_of_a_workspace(self):
        """RFC 8414 section 3.1 and RFC 9728 section 3.1: the well-known part goes between host and path (clause
        AL06)."""
        client = Client(self.url, None, "", check=False)
        for path in ("", "/w/" + self.ws.id, "/w/" + self.ws.name):
            server = client.get("/.well-known/oauth-authorization-server" + path).json
            self.assertEqual(server["issuer"], self.url + path)
            self.assertEqual(server["token_endpoint"], self.url + "/oauth2/token")
            resource = client.get("/.well-known/oauth-protected-resource" + path + "/scim/v2").json
            self.assertEqual(resource["resource"], self.url + path + "/scim/v2")
            self.assertEqual(resource["authorization_servers"], [self.url + path])
            self.assertNotIn("api:users:read", resource["scopes_supported"])
        challenge = client.get("/w/%s/scim/v2/Users" % self.ws.id).headers["www-authenticate"]
        self.assertIn('/oauth-protected-resource/w/%s/scim/v2"' % self.ws.id, challenge)
        api = client.get("/.well-known/oauth-protected-resource/api/v1").json
        self.assertNotIn("scim", api["scopes_supported"])
        self.assertNotIn("resource_metadata", client.get("/api/v1/admin/keys").headers["www-authenticate"])
        self.assertEqual(client.get("/.well-known/oauth-protected-resource/elsewhere").status, 404)
        client.close()


class Refusals(Clients):
    def test_a_table_of_assertions(self):
        """What is taken and what is not, with a reason for whoever writes the client."""
        key, wrong, now = new_key(kid="one"), new_key(kid="one"), int(time.time())
        rsa = new_key("RSA", kid="rsa")
        client_id, stranger = self.key(public(key, rsa)), self.key(public(wrong))
        token, here = self.url + "/oauth2/token", claims(client_id, self.url)

        def says(**more):
            return signed(key, claims(client_id, token, **more), kid="one")

        for name, assertion in (
                ("aud: the token endpoint", says()), ("aud: the issuer", says(aud=self.url)),
                ("aud: the workspace's issuer", says(aud="%s/w/%s" % (self.url, self.ws.id))),
                ("aud: by its name", says(aud="%s/w/%s" % (self.url, self.ws.name))),
                ("aud: a list", says(aud=["https://elsewhere.example", self.url])),
                ("without iat", says(iat=None)), ("nbf has come", says(nbf=now)),
                ("an hour", says(exp=now + 3600, iat=now)), ("expired within the skew", says(exp=now - 15)),
                ("without kid", signed(key, here)), ("RS256", signed(rsa, claims(client_id, token), "RS256", "rsa")),
                ("PS256", signed(rsa, claims(client_id, token), "PS256", "rsa"))):
            with self.subTest(name):
                self.given(self.send(assertion))
        forged = says().split(".")
        forged[1] = signed(key, claims(client_id, token, jti="other")).split(".")[1]
        for name, assertion, words in (
                ("wrong aud", says(aud="https://elsewhere.example/oauth2/token"), "aud"),
                ("aud with a slash more", says(aud=self.url + "/"), "aud"),
                ("no aud", says(aud=None), "aud"),
                ("another workspace's issuer", says(aud="%s/w/%s" % (self.url, uuid.uuid4())), "aud"),
                ("expired", says(exp=now - 60), "expired"), ("no exp", says(exp=None), "exp"),
                ("not yet valid", says(nbf=now + 300), "not good yet"),
                ("from the future", says(iat=now + 300, exp=now + 360), "not good yet"),
                ("too long lived", says(exp=now + 7200), "too long"),
                ("too long lived, begun long ago", says(iat=now - 7200), "too long"),
                ("no jti", says(jti=None), "jti"), ("a long jti", says(jti="x" * 257), "jti"),
                ("unsigned", jwks_server.unsigned(here), "must be signed"),
                ("unsigned, called ES256", jwks_server.unsigned(here, "ES256"), "signed"),
                ("HS256 with the public key", jwks_server.signed_with_public_key(key, here), "must be signed"),
                ("another key of that kid", signed(wrong, here, kid="one"), "signed"),
                ("unknown kid", signed(key, here, kid="two"), "signed"),
                ("a kid of another kind", signed(key, here, kid="rsa"), "signed"),
                ("other claims than were signed", ".".join(forged), "signed"),
                ("iss of somebody else", says(iss=stranger), "iss and sub"),
                ("sub of somebody else", says(sub=stranger), "iss and sub"),
                ("a name for an id", says(iss="me", sub="me"), "iss and sub"),
                ("somebody else altogether", says(iss=stranger, sub=stranger), "signed"),
                ("nobody", says(iss=str(uuid.uuid4()), sub=str(uuid.uuid4())), "iss and sub"),
                ("a key that is none", signed(key, claims("0188e9d0-5566-7778-899a-abbccddeeff0", token)), "signed"),
                ("a key without public keys", signed(key, claims(self.ws.key_id, token)), "signed"),
                ("no JWT", "x", "no signed JWT"), ("too long", "x" * 9000, "too long")):
            with self.subTest(name):
                self.refused(self.send(assertion), words=words)

    def test_forms_that_do_not_belong_together(self):
        key = new_key()
        client_id = self.key(public(key))

        def good():
            return signed(key, claims(client_id, self.url))

        self.refused(self.send(good(), client_secret=self.ws.token), 400, "invalid_request", "two ways")
        self.refused(self.send(good(), client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
                     400, "invalid_request")
        self.refused(self.send("", client_id=client_id), 400, "invalid_request")
        self.refused(self.send(good(), client_id=self.ws.key_id), words="different clients")
        self.refused(self.send(good(), grant_type="authorization_code"), 400, "unsupported_grant_type")
        self.given(self.send(good(), client_id=client_id.upper()))
        plain = proxied.TokenClient(self.url, self.ws.key_id, self.ws.token)
        self.assertEqual(plain.ask().status, 200)  # the token as the secret goes on
        plain.close()

    def test_once_whichever_ingest_is_asked(self):
        """Replays, also at the same moment at two ingests; also with another exp (clause AL33)."""
        key = new_key()
        client_id = self.key(public(key))
        both = [self.url, self.other]
        for n in range(8):
            assertion, answers = signed(key, claims(client_id, both)), []
            threads = [threading.Thread(target=lambda url=url: answers.append(self.send(assertion, url)))
                       for url in both for _ in range(2)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(sorted(a.status for a in answers), [200, 401, 401, 401], answers)
            for a in answers:
                if a.status == 401:
                    self.refused(a, words="used before")
        again = claims(client_id, both)
        self.given(self.send(signed(key, again)))
        self.refused(self.send(signed(key, {**again, "exp": again["exp"] + 5}), self.other), words="used before")
        second = self.key(public(key))  # what another client calls its assertions does not matter
        self.given(self.ask(second, key, jti=again["jti"]))

    def test_it_is_not_taken_where_the_request_is_refused(self):
        key = new_key()
        client_id = self.key(public(key))
        assertion = signed(key, claims(client_id, self.url))
        self.refused(self.send(assertion, scope="nothing"), 400, "invalid_scope")
        self.given(self.send(assertion))

    def test_dead_keys(self):
        """Revoked and expired; an access token dies with its key."""
        key = new_key()
        revoked, expired = self.key(public(key)), self.key(public(key), expires="1h")
        token = self.given(self.ask(revoked, key))
        scim = self.ws.open(token, self.url)
        self.expect(scim.get("/Users?count=0"), 200)
        self.stack.ctl("key", "revoke", revoked)
        self.stack.sql("UPDATE keys SET expires = now() - interval '1 s' WHERE id = %s RETURNING 1", expired)
        self.stack.connection.commit()
        self.expect(scim.get("/Users?count=0"), 401)
        scim.close()
        self.refused(self.ask(revoked, key), words="revoked")
        self.refused(self.ask(expired, key), words="expired")

    def test_networks_and_rate_are_the_key_s(self):
        key = new_key()
        self.refused(self.ask(self.key(public(key), networks="203.0.113.0/24"), key), 400, "unauthorized_client")
        slow = self.key(public(key), rate=2)
        self.given(self.ask(slow, key))
        self.refused(self.ask(slow, new_key()))  # whoever is not the client uses up nothing
        self.given(self.ask(slow, key))
        self.refused(self.ask(slow, key), 429, "temporarily_unavailable")

    def test_on_record_without_the_assertion(self):
        key = new_key()
        client_id = self.key(public(key))
        assertion = signed(key, claims(client_id, self.url))
        self.given(self.send(assertion))
        self.refused(self.send(assertion))

        def ours(records):
            return [r.value for r in records if r.value and (r.value.get("key") or {}).get("id") == client_id]

        self.followers.audit.wait(lambda rs: len(ours(rs)) >= 2, "the records of a token and of a replay")
        self.assertEqual([(r["path"], r["status"]) for r in ours(self.followers.audit.snapshot())],
                         [("/oauth2/token", 200), ("/oauth2/token", 401)])
        self.assertNotIn(assertion, str([r.value for r in self.followers.audit.snapshot()]))


class Commands(Clients):
    def test_set_shown_and_audited(self):
        """usherctl and the admin API: uploaded, an address in its place, none; both show it."""
        key = new_key(kid="one")
        client_id = self.key(public(key))
        listed = {k["id"]: k for k in self.stack.ctl("key", "list", workspace=self.ws.id)["keys"]}[client_id]
        self.assertEqual(listed["jwks"], public(key))
        self.assertIsNone(listed["jwksUri"])
        self.stack.ctl("key", "set", client_id, **{"jwks-uri": "https://idp.example.com/jwks.json"})
        owner = self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "Ines")["token"]
        admin = ApiClient(self.stack.url, owner, prefix="/api/v1/admin", check=False)
        shown = admin.get("/keys/" + client_id).json
        self.assertEqual((shown["jwks"], shown["jwksUri"]), (None, "https://idp.example.com/jwks.json"))
        changed = admin.patch("/keys/" + client_id, {"jwks": public(key)})
        self.assertEqual((changed.status, changed.json["jwks"], changed.json["jwksUri"]), (200, public(key), None))
        self.given(self.ask(client_id, key))
        self.assertEqual(admin.patch("/keys/" + client_id, {"jwks": None}).json["jwks"], None)
        self.refused(self.ask(client_id, key))
        made = admin.post("/keys", {"name": "made", "scopes": ["scim:users:read"], "jwks": public(key)})
        self.assertEqual((made.status, made.json["key"]["jwks"]), (201, public(key)))
        for body in ({}, {"jwks": {"keys": []}}, {"jwksUri": "http://idp.example.com/"}, {"jwksUri": 5}, {"name": "x"},
                     {"jwks": public(key), "jwksUri": "https://idp.example.com/"},
                     {"jwks": {"keys": [json.loads(key.as_json(is_private=True))]}}):
            self.assertEqual(admin.patch("/keys/" + client_id, body).status, 400, body)
        admin.close()
        actions = [(c["action"], [x["path"] for x in c["changes"]]) for c in self.followers.changes(self.ws.id)
                   if c["target"]["id"] == client_id]
        self.assertEqual(actions, [("key.created", []), ("key.changed", ["jwks", "jwksUri"]),
                                   ("key.changed", ["jwks", "jwksUri"]), ("key.changed", ["jwks"])])

    def test_usherctl_refuses(self):
        client_id = self.key()
        for flags in ({}, {"jwks": "/nowhere/x.json"}, {"jwks-uri": "ftp://x"},
                      {"jwks": "/dev/null"}, {"jwks": "x", "jwks-uri": "https://idp.example.com/"}):
            with self.assertRaises(ToolError):
                self.stack.ctl("key", "set", client_id, **flags)


class Fetched(Clients):
    def path(self):
        return "/%s.json" % uuid.uuid4().hex

    def metric(self, result):
        return proxied.metric(self.url, 'usher_client_keys_fetches_total{result="%s"}' % result)

    def test_fetched_once_and_kept(self):
        key, path = new_key(kid="one"), self.path()
        client_id = self.key(uri=self.server.show(path, public(key)))
        before = self.metric("fetched")
        for _ in range(4):
            self.given(self.ask(client_id, key, kid="one"))
        self.assertEqual(self.server.count(path), 1)
        self.assertEqual(self.metric("fetched") - before, 1)

    def test_rotation(self):
        """A key that is not known leads to the newer set at once; one that is not there any more is dead then
        (clause AL07)."""
        old, new, path = new_key(kid="old"), new_key(kid="new"), self.path()
        client_id = self.key(uri=self.server.show(path, public(old)))
        self.given(self.ask(client_id, old, kid="old"))
        self.server.show(path, public(new))
        self.given(self.ask(client_id, old, kid="old"))  # kept for some minutes
        self.given(self.ask(client_id, new, kid="new"))
        self.refused(self.ask(client_id, old, kid="old"))
        self.given(self.ask(client_id, new, kid="new"))

    def test_unknown_keys_lead_to_few_fetches(self):
        """Whoever makes up kids cannot make usher ask the provider each time."""
        key, path = new_key(kid="one"), self.path()
        client_id = self.key(uri=self.server.show(path, public(key)))
        for n in range(12):
            self.refused(self.ask(client_id, key, kid="made-up-%d" % n))
        self.assertLessEqual(self.server.count(path), 6)
        self.given(self.ask(client_id, key, kid="one"))

    def test_another_address_counts_at_once(self):
        first, second = new_key(), new_key()
        client_id = self.key(uri=self.server.show(self.path(), public(first)))
        self.given(self.ask(client_id, first))
        self.stack.ctl("key", "set", client_id, **{"jwks-uri": self.server.show(self.path(), public(second))})
        self.refused(self.ask(client_id, first))
        self.given(self.ask(client_id, second))

    def test_what_is_no_key_set(self):
        key = new_key()
        good, failed = json.dumps(public(key)).encode(), self.metric("failed")
        cases = [self.server.url("/nothing"), self.server.show(self.path(), good, 500),
                 self.server.show(self.path(), b"", 302, [("Location", self.server.show(self.path(), good))]),
                 self.server.show(self.path(), good + b" " * 70000), self.server.show(self.path(), b"[]"),
                 self.server.show(self.path(), {"keys": []}), "https://localhost:1/", "https://nobody.invalid/",
                 self.server.url("/x", host="127.0.0.2")]  # the certificate is for other names
        for uri in cases:
            with self.subTest(uri):
                answer = self.refused(self.ask(self.key(uri=uri), key), 503, "temporarily_unavailable", "fetched")
                self.assertIn("retry-after", answer.headers)
        self.assertEqual(self.metric("failed") - failed, len(cases))

    def test_no_private_address(self):
        """The ingest that allows nothing: however an address inside is spelled, it is not connected to."""
        key, path = new_key(), self.path()
        self.server.show(path, public(key))
        for host in ("localhost", "127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "[::1]",
                     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"):
            with self.subTest(host):
                client_id = self.key(uri=self.server.url(path, host=host))
                self.refused(self.ask(client_id, key, url=self.other), 503, "temporarily_unavailable")
        self.assertEqual(self.server.count(path), 0)

    def test_a_slow_provider_holds_up_nobody_else(self):
        """Requests of the slow one's clients wait; neighbours, with and without assertions, notice nothing."""
        key, path = new_key(), self.path()
        slow, end = self.server.hang(path)
        stuck = [self.key(uri=slow) for _ in range(3)]
        quick = self.key(public(key))
        token = self.given(self.ask(quick, key))
        neighbour = self.ws.open(token, self.url)
        done = []
        threads = [threading.Thread(target=lambda c=c: done.append(self.ask(c, key))) for c in stuck for _ in range(4)]
        for t in threads:
            t.start()
        wait_until(lambda: self.server.count(path) >= 3, "the slow provider to be asked", lambda: None)
        times = []
        while len(times) < 40 and not done:
            begin = time.monotonic()
            self.expect(neighbour.get("/Users?count=0"), 200)
            times.append(time.monotonic() - begin)
            if len(times) % 10 == 0:
                self.given(self.ask(quick, key))
        for t in threads:
            t.join()
        end.set()
        neighbour.close()
        self.assertGreaterEqual(len(times), 10, "the neighbour was held up")
        self.assertLess(sorted(times)[len(times) // 2], 0.5)
        self.assertEqual({a.status for a in done}, {503})
