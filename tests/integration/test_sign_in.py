"""Signing in to the portal by an OpenID provider: who gets in and who does not, whatever provider, browser and people on
the way try."""

import http.client
import itertools
import os
import re
import threading
import urllib.parse

import proxied
from jwks_server import new_key
from portal import Browser, problem
from provider import CLIENT, SECRET, Provider
from stack import free_port
from test_sessions import SessionCase
from waiting import wait_until

ADDRESSES = ("198.19.%d.%d" % (n // 250, n % 250 + 1) for n in itertools.count())
FLOW = re.compile(r"usher-oidc=([A-Za-z0-9_-]+); Path=/; HttpOnly; SameSite=Lax; Max-Age=600\Z")


class Answer:
    def __init__(self, answer):
        self.status, self.body = answer.status, answer.read().decode()
        self.location = answer.getheader("Location")
        self.cookies = answer.msg.get_all("Set-Cookie") or []
        self.policy = answer.getheader("Content-Security-Policy")

    @property
    def reason(self):
        found = re.search(r'url=/portal\?signin=(\w+)"', self.body)
        return found and found.group(1)


class SignIn(SessionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(cls.stack.run_dir, "idp-%d" % os.getpid())
        os.makedirs(folder, exist_ok=True)
        cls.folder, cls.idp = folder, Provider(folder)
        cls.url = cls.stack.extra_ingest("sign-in-%d" % os.getpid(), free_port(), "--trusted-proxies 127.0.0.1/32 "
                                         "--jwks-networks 127.0.0.0/8 --jwks-ms 20000 --jwks-ca " + cls.idp.cert)
        cls.shut = proxied.url(cls.stack)
        cls.secret_file = os.path.join(folder, "secret")
        with open(cls.secret_file, "w") as f:
            f.write(SECRET + "\n")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.idp.close()

    def setUp(self):
        super().setUp()
        self.idp.claims, self.idp.metadata, self.idp.refuse, self.idp.once = {}, {}, None, True
        self.idp.token_status = 200
        self.stack.ctl("sign-in", "set", "--workspace", self.ws.id, "--issuer", self.idp.issuer, "--client-id", CLIENT,
                       "--secret-file", self.secret_file,
                       "--people", "Ana@Example.com=%s,sub:s-adam=%s" % (self.owner_id, self.adam_id))

    # ---- a browser that goes where it is sent

    def get(self, path, url=None, cookie=None, source=None):
        parts = urllib.parse.urlsplit(url or self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        try:
            connection.request("GET", path, headers={
                "Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
                **proxied.came_from(source or next(ADDRESSES)), **({"Cookie": cookie} if cookie else {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def begin(self, named=None):
        """(where the browser is sent, its cookie)"""
        answer = self.get("/portal/oidc/start?" + urllib.parse.urlencode({"workspace": named or self.ws.name}))
        self.assertEqual(answer.status, 303, answer.body)
        [cookie] = answer.cookies
        self.assertRegex(cookie, FLOW)
        return answer.location, cookie.partition(";")[0]

    def back(self, brought, cookie, url=None):
        return self.get("/portal/oidc/callback?" + urllib.parse.urlencode(brought), url, cookie)

    def sign_in(self, **who):
        location, cookie = self.begin()
        return self.back(self.idp.authorize(location, **who), cookie)

    def gets_in(self, answer):
        """The session's cookie."""
        self.assertEqual((answer.status, answer.location), (303, "/portal"), answer.body)
        session, flow = answer.cookies
        self.assertRegex(session, r"^usher-session=uss_[0-9A-Za-z]{49}; Path=/; HttpOnly; SameSite=Strict$")
        self.assertRegex(flow, r"^usher-oidc=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0$")
        return session.partition(";")[0]

    def stays_out(self, answer, status, reason, word):
        self.assertEqual((answer.status, answer.reason), (status, reason), answer.body)
        self.assertIn(word, answer.body)
        self.assertEqual(answer.policy, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
        self.assertTrue(all("usher-session" not in c for c in answer.cookies), answer.cookies)

    # ---- who gets in

    def test_by_address_and_by_subject(self):
        b = Browser(self.url, self.gets_in(self.sign_in(email="ana@example.COM", email_verified=True)))
        session = b.get("/portal/session").json
        self.assertEqual((session["kind"], session["name"], session["workspace"]["id"]), ("owner", "Olga", self.ws.id))
        self.assertEqual(b.get("/api/v1/admin/audit").status, 200)
        listed = [s for s in b.get("/api/v1/admin/sessions").json["items"] if s["id"] == session["id"]]
        self.assertEqual([s["way"] for s in listed], ["oidc"])
        b = Browser(self.url, self.gets_in(self.sign_in(sub="s-adam")))
        self.assertEqual(b.get("/portal/session").json["kind"], "administrator")
        self.refused(b.get("/api/v1/admin/audit"), 403, "forbidden")

    def test_the_way_there(self):
        location, cookie = self.begin(self.ws.id)
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
        self.assertEqual({k: asked[k] for k in ("tenant", "response_type", "client_id", "redirect_uri", "scope",
                                                "code_challenge_method")},
                         {"tenant": "1", "response_type": "code", "client_id": CLIENT, "scope": "openid email",
                          "redirect_uri": self.url + "/portal/oidc/callback", "code_challenge_method": "S256"})
        for name in ("state", "nonce", "code_challenge"):
            self.assertRegex(asked[name], r"^[A-Za-z0-9_-]{43}$")
            self.assertNotIn(asked[name], cookie)
        other = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.begin()[0]).query))
        self.assertTrue(all(asked[n] != other[n] for n in ("state", "nonce", "code_challenge")))

    def test_how_the_client_authenticates(self):
        who = {"sub": "s-adam"}
        self.gets_in(self.sign_in(**who))
        self.assertIn("Authorization", self.idp.forms[-1][1])
        self.assertNotIn("client_secret", self.idp.forms[-1][0])
        with self.another_provider({"token_endpoint_auth_methods_supported": ["client_secret_post"]}) as idp:
            location, cookie = self.begin()
            self.gets_in(self.back(idp.authorize(location, **who), cookie))
            self.assertEqual(idp.forms[-1][0]["client_secret"], SECRET)
            self.assertNotIn("Authorization", idp.forms[-1][1])

    def another_provider(self, metadata):
        """One whose metadata nobody has fetched yet."""
        test, idp = self, self.idp
        idp.count_of_issuers = getattr(idp, "count_of_issuers", 0) + 1
        issuer, old = "%s%d" % (idp.url("/idp"), idp.count_of_issuers), idp.issuer

        class Moved:
            def __enter__(self):
                idp.issuer, idp.metadata = issuer, metadata
                for name in ("/.well-known/openid-configuration", "/jwks"):
                    idp.paths[issuer[len(idp.url("")):] + name] = idp.paths["/idp" + name]
                idp.posts[issuer[len(idp.url("")):] + "/token"] = idp.posts["/idp/token"]
                test.stack.ctl("sign-in", "set", "--workspace", test.ws.id, "--issuer", issuer, "--secret-file", test.secret_file)
                return idp

            def __exit__(self, *_):
                idp.issuer, idp.metadata = old, {}

        return Moved()

    def test_keys_rotate(self):
        self.gets_in(self.sign_in(sub="s-adam"))
        before = self.idp.count("/idp/jwks")
        self.gets_in(self.sign_in(sub="s-adam"))
        self.assertEqual(self.idp.count("/idp/jwks"), before)
        self.idp.key = new_key("EC", "second", "ES256")
        self.idp.shown = [self.idp.key]
        self.gets_in(self.sign_in(sub="s-adam"))
        self.assertEqual(self.idp.count("/idp/jwks"), before + 1)

    # ---- who does not

    def test_people_who_are_not_on_the_list(self):
        self.stays_out(self.sign_in(sub="somebody", email="eve@example.com", email_verified=True), 403, "unknown", "list")
        self.stays_out(self.sign_in(sub="somebody"), 403, "unknown", "list")
        for verified in (False, None, "false", 1):
            self.stays_out(self.sign_in(sub="x", email="ana@example.com", email_verified=verified), 403, "unverified", "verified")
        self.stays_out(self.sign_in(sub="ana@example.com"), 403, "unknown", "list")

    def test_tokens_that_are_not_good(self):
        for claims, word in (({"iss": "https://evil.example"}, "issuer"), ({"aud": "other"}, "aud"), ({"aud": None}, "aud"),
                             ({"aud": [CLIENT, "other"]}, "aud"), ({"azp": "other"}, "azp"), ({"exp": 1000}, "expired"),
                             ({"exp": None}, "exp"), ({"iat": 4000000000}, "not good yet"), ({"nonce": "x"}, "nonce"),
                             ({"nonce": None}, "nonce"), ({"iat": 1000000000}, "too long ago"), ({"sub": None}, "sub"),
                             ({"sub": ""}, "sub")):
            self.idp.claims = claims
            self.stays_out(self.sign_in(email="ana@example.com", email_verified=True), 401, "refused", word)
        self.idp.claims = {"aud": [CLIENT, "other"], "azp": CLIENT}
        self.gets_in(self.sign_in(sub="s-adam"))

    def test_a_token_that_somebody_else_has_signed(self):
        key, self.idp.key = self.idp.key, new_key("RSA", self.idp.key.kid, "RS256")
        self.addCleanup(setattr, self.idp, "key", key)
        self.stays_out(self.sign_in(sub="s-adam"), 401, "refused", "keys")

    def test_a_state_that_is_not_this_browsers(self):
        location, cookie = self.begin()
        brought = self.idp.authorize(location, sub="s-adam")
        for what, with_cookie in ((brought, None), (brought, "usher-oidc=AAAA"), (brought, cookie[:-4] + "AAAA"),
                                  ({**brought, "state": "x"}, cookie), ({**brought, "state": ""}, cookie),
                                  ({k: v for k, v in brought.items() if k != "state"}, cookie),
                                  (brought, self.begin()[1])):
            self.stays_out(self.back(what, with_cookie), 401, "state", "sign-in" if with_cookie else "begun")
        self.gets_in(self.back(brought, cookie))

    def test_an_answer_of_another_provider(self):
        location, cookie = self.begin()
        brought = self.idp.authorize(location, sub="s-adam")
        for iss in ({"iss": "https://evil.example"}, {}):
            self.stays_out(self.back({**{k: v for k, v in brought.items() if k != "iss"}, **iss}, cookie), 401, "state", "another")
        self.stack.ctl("sign-in", "set", "--workspace", self.ws.id, "--client-id", "renamed")
        self.stays_out(self.back(brought, cookie), 401, "state", "changed meanwhile")

    def test_a_code_is_good_once(self):
        location, cookie = self.begin()
        brought = self.idp.authorize(location, sub="s-adam")
        self.gets_in(self.back(brought, cookie))
        self.stays_out(self.back(brought, cookie), 401, "refused", "exchanged")
        self.idp.once = False  # a provider that does not care
        location, cookie = self.begin()
        brought = self.idp.authorize(location, sub="s-adam")
        self.gets_in(self.back(brought, cookie))
        self.stays_out(self.back(brought, cookie), 401, "state", "used before")

    def test_a_provider_that_refuses(self):
        self.idp.refuse = "access_denied"
        self.stays_out(self.sign_in(), 403, "refused", "access_denied")
        self.idp.refuse = "<script>alert(1)</script>"
        answer = self.sign_in()
        self.stays_out(answer, 403, "refused", "an error")
        self.assertNotIn("<script", answer.body)

    def test_nobody_signs_in_so(self):
        answer = self.get("/portal/oidc/start?workspace=no-such-workspace")
        self.stays_out(answer, 404, "off", "No workspace")
        self.stack.ctl("sign-in", "off", "--workspace", self.ws.id)
        answer = self.get("/portal/oidc/start?workspace=" + self.ws.name)
        self.stays_out(answer, 404, "off", "No workspace")
        self.stays_out(self.get("/portal/oidc/start"), 400, "off", "workspace")

    def test_a_revoked_owner_stays_out(self):
        token, oid = self.credential("Rob")
        self.stack.ctl("sign-in", "set", "--workspace", self.ws.id, "--people", "sub:rob=" + oid)
        cookie = self.gets_in(self.sign_in(sub="rob"))
        self.stack.ctl("owner", "revoke", oid)
        self.refused(Browser(self.url, cookie).get("/portal/session"), 401, "unauthorized")
        self.stays_out(self.sign_in(sub="rob"), 401, "refused", "revoked")

    # ---- providers that are away, or inside

    def test_an_address_inside_is_not_asked(self):
        before = self.idp.count("/idp/.well-known/openid-configuration")
        answer = self.get("/portal/oidc/start?workspace=" + self.ws.name, self.shut)
        self.stays_out(answer, 503, "provider", "not a public one")
        self.assertEqual(self.idp.count("/idp/.well-known/openid-configuration"), before)

    def test_metadata_that_is_not_good(self):
        for metadata, word in (({"issuer": "https://evil.example"}, "another issuer"), ({"token_endpoint": None}, "lacks"),
                               ({"jwks_uri": "http://localhost/jwks"}, "lacks"),
                               ({"authorization_endpoint": "javascript:alert(1)"}, "lacks")):
            with self.another_provider(metadata):
                self.stays_out(self.get("/portal/oidc/start?workspace=" + self.ws.name), 503, "provider", word)

    def test_a_provider_without_tokens(self):
        self.idp.token_status = 500
        self.stays_out(self.sign_in(sub="s-adam"), 401, "refused", "status")

    # ---- what is on record, and what is not

    def test_on_record(self):
        location, cookie = self.begin()
        brought = self.idp.authorize(location, sub="s-adam")
        session = self.gets_in(self.back(brought, cookie))
        def signed_in(records):
            return [r for r in records if r["path"] == "/portal/oidc/callback" and r["status"] == 303 and r["key"]["id"] == self.adam_id]

        found = self.followers.requests(self.ws.id, lambda rs: signed_in(rs), "the sign-in")
        self.assertEqual({r["query"] for r in signed_in(found)}, {"?&?&?"})
        text = str(found)
        for secret in (brought["code"], brought["state"], session.partition("=")[2], cookie.partition("=")[2], SECRET):
            self.assertNotIn(secret, text)
        changes = [r for r in self.followers.changes(self.ws.id) if r["action"] == "settings.changed"]
        self.assertIn("signIn.issuer", str(changes))
        self.assertNotIn(SECRET, str(changes))

    # ---- the settings

    def test_settings_by_the_api(self):
        b = self.browser(self.owner)
        path = "/api/v1/admin/sign-in"
        shown = b.get(path).json
        self.assertEqual(shown, {"issuer": self.idp.issuer, "clientId": CLIENT, "hasSecret": True,
                                 "redirectUri": self.stack.url + "/portal/oidc/callback", "people": [
                                     {"email": "ana@example.com", "owner": {"id": self.owner_id, "name": "Olga", "role": "owner", "revoked": False}},
                                     {"subject": "s-adam", "owner": {"id": self.adam_id, "name": "Adam", "role": "administrator", "revoked": False}}]})
        people = [{"email": "NEW@example.com", "owner": self.other_id}]
        answer = b.patch(path, {"people": people})
        self.assertEqual((answer.status, answer.json["people"][0]["email"], answer.json["hasSecret"]), (200, "new@example.com", True), answer)
        self.assertEqual(b.delete(path).status, 204)
        self.assertEqual(b.get(path).json["issuer"], None)
        answer = b.patch(path, {"issuer": "https://idp.example.com", "clientId": "c"})
        self.assertEqual((answer.status, answer.json["hasSecret"], answer.json["people"]), (200, False, []), answer)
        answer = b.patch(path, {"clientSecret": "hush"})
        self.assertEqual((answer.status, answer.json["hasSecret"]), (200, True), answer)
        self.assertNotIn("hush", answer.body.decode())
        stored = self.stack.sql("SELECT doc::text || secret FROM sign_in WHERE workspace_id=%s", self.ws.id)
        self.assertNotIn("hush", stored[0][0])

    def test_settings_that_are_refused(self):
        b, path = self.browser(self.owner), "/api/v1/admin/sign-in"
        for body, where in (({"issuer": "http://idp.example.com"}, "issuer"), ({"issuer": "https://a@b/"}, "issuer"),
                            ({"issuer": "https://idp.example.com"}, "clientSecret"), ({"clientId": ""}, "clientId"),
                            ({"clientSecret": ""}, "clientSecret"), ({"people": {}}, "people"), ({"other": 1}, "other"),
                            ({"people": [{"email": "ana", "owner": self.owner_id}]}, "people"),
                            ({"people": [{"email": "a@b.c", "owner": self.ws.id}]}, "people"),
                            ({"people": [{"email": "a@b.c", "subject": "x", "owner": self.owner_id}]}, "people"),
                            ({"people": [{"email": "a@b.c", "owner": self.owner_id}, {"email": "A@b.c", "owner": self.adam_id}]}, "people"),
                            ({}, None)):
            answer = b.patch(path, body)
            self.assertEqual((answer.status, problem(answer)), (400, "invalid-value"), (body, answer))
            if where:
                self.assertEqual(answer.json["errors"][0]["path"], where, body)
        self.refused(self.browser(self.adam).get(path), 403, "forbidden")
        self.refused(self.browser(self.adam).patch(path, {"people": []}), 403, "forbidden")

    def test_an_owner_of_another_workspace(self):
        other = self.stack.workspace()
        _, oid = self.credential("Olaf", ws=other)
        answer = self.browser(self.owner).patch("/api/v1/admin/sign-in", {"people": [{"email": "a@b.c", "owner": oid}]})
        self.refused(answer, 400, "invalid-value")

    # ---- bounds

    def test_a_provider_that_hangs(self):
        """Of one workspace eight codes are exchanged at once, the next is told to come back; a neighbour notices nothing."""
        neighbour = self.stack.workspace()
        _, oid = self.credential("Nora", ws=neighbour)
        self.stack.ctl("sign-in", "set", "--workspace", neighbour.id, "--issuer", self.idp.issuer, "--client-id", CLIENT,
                       "--secret-file", self.secret_file, "--people", "sub:nora=" + oid)
        issuer, hangs = self.idp.url("/slow"), threading.Event()
        self.idp.show("/slow/.well-known/openid-configuration", {**self.idp.document(), "issuer": issuer, "token_endpoint": issuer + "/token"})
        arrived = []

        def hang(handler, form, headers):
            arrived.append(form)
            wait_until(hangs.is_set, "the end of the test")
            handler.send_error(500)

        self.idp.posts["/slow/token"] = hang
        self.stack.ctl("sign-in", "set", "--workspace", self.ws.id, "--issuer", issuer, "--secret-file", self.secret_file)
        flows = [self.begin() for _ in range(9)]
        queries = [dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(where).query)) for where, _ in flows]
        answers = []
        threads = [threading.Thread(target=lambda q=q, c=c: answers.append(self.back({"code": "x", "state": q["state"], "iss": issuer}, c)))
                   for q, (_, c) in zip(queries, flows)]
        try:
            for t in threads[:8]:
                t.start()
            wait_until(lambda: len(arrived) == 8 or answers, "eight codes to arrive")
            if len(arrived) == 8 and not answers:
                threads[8].start()
                wait_until(lambda: answers, "the ninth to be refused")
                self.stays_out(answers[0], 503, "busy", "too much is asked")
            location, cookie = self.begin(neighbour.name)
            self.gets_in(self.back(self.idp.authorize(location, sub="nora"), cookie))
        finally:
            hangs.set()
            for t in threads:
                if t.ident is not None:
                    t.join()
        self.assertEqual(sorted(a.status for a in answers)[:8], [401] * 8)
