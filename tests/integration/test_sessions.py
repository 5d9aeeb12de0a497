"""Sessions of the portal: how they begin and end, who may end them, what they open, and that no page of another site
can use them."""

import re
import time

import proxied
from case import Case
from openapi import ApiClient
from portal import Browser, problem, secret_of
from scimhttp import USER, Client
from test_keys import unknown_token

NOBODY = "0197a6c2-51d4-7c3e-9f0a-2b1d6c1e7a10"


class SessionCase(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner, cls.owner_id = cls.credential("Olga")
        cls.other, cls.other_id = cls.credential("Otto")
        cls.adam, cls.adam_id = cls.credential("Adam", "administrator")

    @classmethod
    def credential(cls, name, role="owner", ws=None, **flags):
        made = cls.stack.ctl("owner", "create", "--workspace", (ws or cls.ws).id, "--name", name, "--role", role, **flags)
        return made["token"], made["owner"]["id"]

    def browser(self, token=None, **more):
        b = Browser(self.stack.url, **more)
        if token is not None:
            answer = b.sign_in(token=token)
            self.assertEqual(answer.status, 201, answer)
        return b

    def refused(self, answer, status, kind):
        self.assertEqual((answer.status, problem(answer)), (status, kind), answer)
        return answer.json["detail"]

    def set_pass(self, what, *values):
        self.stack.sql("UPDATE passes SET %s RETURNING 1" % what, *values)


class Sessions(SessionCase):
    # ---- a life

    def test_a_token_becomes_a_cookie(self):
        b = self.browser()
        answer = b.sign_in(token=self.owner)
        self.assertEqual(answer.status, 201, answer)
        session = answer.json
        self.assertEqual(sorted(session), ["expiresAt", "id", "idleSeconds", "kind", "name", "scim", "workspace"])
        self.assertEqual((session["kind"], session["name"], session["idleSeconds"]), ("owner", "Olga", 1800))
        self.assertEqual(session["workspace"], {"id": self.ws.id, "name": self.ws.name})
        self.assertEqual(session["scim"], self.stack.url + "/scim/v2")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertRegex(b.cookie, r"^usher-session=uss_[0-9A-Za-z]{49}$")
        self.assertNotIn(b.cookie.partition("=")[2], answer.body.decode())
        shown = b.get("/portal/session").json
        self.assertEqual({**shown, "expiresAt": None}, {**session, "expiresAt": None})
        self.assertEqual(b.get("/api/v1/admin/keys").status, 200)
        hours = self.stack.sql("SELECT extract(epoch FROM expires - made) / 3600, token_hash FROM passes WHERE id=%s", session["id"])
        self.assertAlmostEqual(float(hours[0][0]), 8, 2)
        self.assertEqual(len(bytes(hours[0][1])), 32)
        b.close()

    def test_the_end(self):
        b = self.browser(self.owner)
        kept = b.again()
        answer = b.delete("/portal/session")
        self.assertEqual((answer.status, b.cookie), (204, None), answer)
        self.assertIn("Max-Age=0", answer.headers["set-cookie"])
        self.assertIn("ended", self.refused(kept.get("/portal/session"), 401, "unauthorized"))
        self.assertIn("ended", self.refused(kept.get("/api/v1/admin/keys"), 401, "unauthorized"))

    def test_it_dies_with_its_owner_at_the_next_request(self):
        token, oid = self.credential("Odo")
        b = self.browser(token)
        self.assertEqual(b.get("/api/v1/admin/keys").status, 200)
        self.stack.ctl("owner", "revoke", oid)
        self.refused(b.get("/api/v1/admin/keys"), 401, "unauthorized")
        self.refused(b.get("/portal/session"), 401, "unauthorized")

    def test_an_owner_who_expires(self):
        token, _ = self.credential("Soon", "administrator", expires="1h")
        answer = Browser(self.stack.url).sign_in(token=token)
        hours = self.stack.sql("SELECT extract(epoch FROM %s::timestamptz - now()) / 3600", answer.json["expiresAt"])
        self.assertLess(float(hours[0][0]), 1.01)

    def test_both_limits(self):
        for change, word in (("expires = now() - interval '1 second'", "over"),
                             ("seen = now() - interval '31 minutes'", "over")):
            b = self.browser(self.owner)
            sid = b.get("/portal/session").json["id"]
            self.set_pass(change + " WHERE id=%s", sid)
            self.assertIn(word, self.refused(b.get("/api/v1/admin/keys"), 401, "unauthorized"))

    def test_use_keeps_it_alive_without_a_write_each_time(self):
        b = self.browser(self.owner)
        sid = b.get("/portal/session").json["id"]
        seen = "SELECT seen FROM passes WHERE id=%s"
        first = self.stack.sql(seen, sid)
        for _ in range(5):
            self.assertEqual(b.get("/api/v1/admin/keys").status, 200)
        self.assertEqual(self.stack.sql(seen, sid), first)
        self.set_pass("seen = now() - interval '20 minutes' WHERE id=%s", sid)
        self.assertEqual(b.get("/api/v1/admin/keys").status, 200)
        self.assertEqual(self.stack.sql("SELECT now() - seen < interval '5 minutes' FROM passes WHERE id=%s", sid), [(True,)])

    def test_on_record(self):
        """Sign-in and sign-out stand in the audit under the owner's name, and nothing that opens a door does."""
        token, oid = self.credential("Rita")
        b = self.browser(token)
        cookie = b.cookie.partition("=")[2]
        made = b.post("/api/v1/admin/keys", {"name": "by cookie", "scopes": ["api:users:read"]})
        self.assertEqual(made.status, 201, made)
        b.delete("/portal/session")
        found = self.followers.requests(self.ws.id, lambda rs: any(
            r["method"] == "DELETE" and r["key"] and r["key"]["id"] == oid for r in rs), "the sign-out")
        mine = [(r["method"], r["path"], r["status"], r["key"]["name"], r["key"]["class"]) for r in found
                if r["key"] and r["key"]["id"] == oid]
        self.assertEqual(mine, [("POST", "/portal/session", 201, "Rita", "owner"),
                                ("POST", "/api/v1/admin/keys", 201, "Rita", "owner"),
                                ("DELETE", "/portal/session", 204, "Rita", "owner")])
        self.assertNotIn(cookie, repr(found))
        self.assertNotIn(token, repr(found))
        actor = [c["actor"] for c in self.followers.changes(self.ws.id) if c["target"]["id"] == made.json["key"]["id"]]
        self.assertEqual([(a["kind"], a["id"], a["name"]) for a in actor], [("owner", oid, "Rita")])

    # ---- what it opens

    def test_nothing_but_the_admin_api(self):
        b = self.browser(self.owner)
        for method, path in (("GET", "/scim/v2/Users"), ("POST", "/scim/v2/Users"), ("GET", "/scim/v2/ServiceProviderConfig"),
                             ("GET", "/api/v1/users"), ("POST", "/api/v1/rooms"), ("GET", "/api/v1/workspace")):
            self.assertEqual(b.request(method, path, {} if method == "POST" else None).status, 401, path)
        token = b.cookie.partition("=")[2]
        for prefix in ("/scim/v2", "/api/v1", "/api/v1/admin"):
            answer = Client(self.stack.url, token, prefix, check=False).get("/keys")
            self.assertEqual(answer.status, 401, answer)
            self.assertIn("session", answer.json["detail"])

    def test_roles(self):
        b = self.browser(self.adam)
        self.assertEqual(b.get("/portal/session").json["kind"], "administrator")
        self.assertEqual(b.get("/api/v1/admin/keys").status, 200)
        self.refused(b.get("/api/v1/admin/owners"), 403, "forbidden")

    def test_a_token_goes_before_the_cookie(self):
        b = self.browser(self.adam)
        as_owner = b.get("/api/v1/admin/owners", headers={"Authorization": "Bearer " + self.owner})
        self.assertEqual(as_owner.status, 200, as_owner)

    def test_who_cannot_sign_in(self):
        key, _ = self.ws.key("no owner")
        link = self.stack.ctl("portal", "link", "--workspace", self.ws.id)["link"]
        session = self.browser(self.owner).cookie.partition("=")[2]
        gone, oid = self.credential("Gone")
        self.stack.ctl("owner", "revoke", oid)
        for body, status in (({"token": key}, 401), ({"token": self.owner[:-1]}, 401), ({"token": "x"}, 401),
                             ({"token": secret_of(link)}, 401), ({"link": self.owner}, 401), ({"token": session}, 401),
                             ({"link": session}, 401), ({"token": gone}, 401), ({}, 400), ({"token": 7}, 400), ([], 400),
                             ({"token": self.owner, "link": secret_of(link)}, 400)):
            b = Browser(self.stack.url)
            answer = b.post("/portal/session", body)
            self.assertEqual((answer.status, b.cookie), (status, None), (body, answer))
        self.assertEqual(Browser(self.stack.url).post("/portal/session", b"token=x", headers={
            "Content-Type": "application/x-www-form-urlencoded"}).status, 415)

    def test_a_new_id_each_time(self):
        """Who sends a session along (fixation) gets another one, and the one that was sent is nobody's."""
        planted = "usher-session=uss_" + "0" * 49
        b = Browser(self.stack.url, planted)
        self.assertEqual(b.sign_in(token=self.owner).status, 201)
        self.assertNotEqual(b.cookie, planted)
        self.refused(Browser(self.stack.url, planted).get("/portal/session"), 401, "unauthorized")

    # ---- other sites

    def test_changes_from_elsewhere(self):
        b = self.browser(self.owner)
        origin = "http://%s:%d" % (b.host, b.port)
        make = {"name": "k", "scopes": ["api:users:read"]}
        for headers, status in (
                ({}, 201), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
                ({"Sec-Fetch-Site": "none"}, 403), ({"Sec-Fetch-Site": None}, 403),
                ({"Sec-Fetch-Site": None, "Origin": origin}, 201), ({"Sec-Fetch-Site": None, "Origin": "null"}, 403),
                ({"Sec-Fetch-Site": None, "Origin": "https://evil.example"}, 403),
                ({"Sec-Fetch-Site": None, "Origin": origin + ".evil.example"}, 403),
                ({"Sec-Fetch-Site": "cross-site", "Origin": origin}, 403),
                ({"Content-Type": "text/plain"}, 415), ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
                ({"Content-Type": "multipart/form-data; boundary=json"}, 415), ({"Content-Type": None}, 415)):
            answer = b.post("/api/v1/admin/keys", make, headers=headers)
            self.assertEqual(answer.status, status, (headers, answer))
        self.assertEqual(b.delete("/portal/session", headers={"Sec-Fetch-Site": "cross-site"}).status, 403)
        self.assertEqual(b.get("/portal/session").status, 200)

    def test_reads_from_elsewhere(self):
        b = self.browser(self.owner)
        for site, status in (("same-origin", 200), ("none", 200), (None, 200), ("cross-site", 403), ("same-site", 403)):
            self.assertEqual(b.get("/api/v1/admin/keys", headers={"Sec-Fetch-Site": site}).status, status, site)
        self.assertNotIn("access-control-allow-origin", b.get("/api/v1/admin/keys").headers)

    def test_nobody_is_signed_in_from_elsewhere(self):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": None, "Origin": "https://evil.example"}):
            b = Browser(self.stack.url)
            self.assertEqual(b.post("/portal/session", {"token": self.owner}, headers=headers).status, 403)
            self.assertIsNone(b.cookie)

    def test_only_over_tls_or_on_this_machine(self):
        b = Browser(self.stack.url)
        answer = b.post("/portal/session", {"token": self.owner}, headers={"Host": "usher.example.com"})
        self.assertIn("public-url", self.refused(answer, 403, "forbidden"))
        good = self.browser(self.owner)
        self.assertEqual(good.get("/portal/session", headers={"Host": "usher.example.com"}).status, 401)

    # ---- the list

    def sessions(self, client):
        return client.get("/api/v1/admin/sessions?limit=200").json["items"]

    def test_the_list_and_ending_one(self):
        ws = self.stack.workspace("list")
        olga, adam = self.credential("Olga", ws=ws)[0], self.credential("Adam", "administrator", ws=ws)[0]
        mine, too, his = self.browser(olga), self.browser(olga, agent="Phone <b>"), self.browser(adam)
        of = {b: b.get("/portal/session").json["id"] for b in (mine, too, his)}
        self.assertEqual([s["id"] for s in self.sessions(mine)], [of[mine], of[too], of[his]])
        self.assertEqual([s["id"] for s in self.sessions(his)], [of[his]])
        self.assertEqual({(s["userAgent"], s["way"], s["kind"], s["source"]) for s in self.sessions(his)},
                         {("Mozilla/5.0 (tests)", "token", "session", "127.0.0.1")})
        self.refused(his.delete("/api/v1/admin/sessions/" + of[mine]), 404, "not-found")
        self.refused(mine.delete("/api/v1/admin/sessions/" + NOBODY), 404, "not-found")
        self.assertEqual(mine.delete("/api/v1/admin/sessions/" + of[his]).status, 204)
        self.refused(his.get("/portal/session"), 401, "unauthorized")
        self.assertEqual(mine.post("/api/v1/admin/sessions/end-others", None).json, {"ended": 1})
        self.refused(too.get("/portal/session"), 401, "unauthorized")
        self.assertEqual([s["id"] for s in self.sessions(mine)], [of[mine]])
        api = ApiClient(self.stack.url, olga, "/api/v1/admin")
        self.assertEqual(len(api.get("/sessions").json["items"]), 1)
        self.assertEqual(api.post("/sessions/end-others", None).json, {"ended": 1})
        self.refused(mine.get("/portal/session"), 401, "unauthorized")

    def test_another_workspace(self):
        ws = self.stack.workspace("stranger")
        stranger = self.browser(self.credential("Sam", ws=ws)[0])
        b = self.browser(self.owner)
        sid = b.get("/portal/session").json["id"]
        self.refused(stranger.delete("/api/v1/admin/sessions/" + sid), 404, "not-found")
        self.assertEqual(len(self.sessions(stranger)), 1)
        self.assertEqual(stranger.post("/api/v1/admin/sessions/end-others", None).json, {"ended": 0})
        self.assertEqual(b.get("/portal/session").status, 200)

    def test_so_many_at_once(self):
        """One more ends the one that was used longest ago (sessions-per-owner); a neighbour keeps his."""
        token = self.credential("Many")[0]
        neighbour = self.browser(self.other)
        first, kept = self.browser(token), [self.browser(token) for _ in range(19)]
        self.assertEqual(first.get("/portal/session").status, 200)
        self.set_pass("seen = seen - interval '5 minutes' WHERE id=%s", kept[0].get("/portal/session").json["id"])
        last = self.browser(token)
        self.refused(kept[0].get("/portal/session"), 401, "unauthorized")
        for b in (first, last, neighbour, *kept[1:]):
            self.assertEqual(b.get("/portal/session").status, 200)


class Links(SessionCase):
    def setup_link(self, client, **body):
        return client.post("/api/v1/admin/setup-links", body)

    def test_a_sign_in_link_works_once(self):
        made = self.stack.ctl("portal", "link", "--workspace", self.ws.id, "--owner", self.owner_id)
        self.assertTrue(made["link"].startswith("http"), made)
        secret = secret_of(made["link"])
        b = Browser(self.stack.url)
        answer = b.sign_in(link=secret)
        self.assertEqual((answer.status, answer.json["kind"], answer.json["name"]), (201, "owner", "Olga"), answer)
        self.assertEqual(b.get("/api/v1/admin/owners").status, 200)
        second = Browser(self.stack.url)
        self.refused(second.sign_in(link=secret), 401, "unauthorized")
        self.assertIsNone(second.cookie)

    def test_a_set_up_link_opens_one_key_and_nothing_else(self):
        token, kid = self.ws.key("Entra", dialect="entra")
        other = self.ws.key("Other")[1]
        api = ApiClient(self.stack.url, self.adam, "/api/v1/admin")
        made = api.post("/setup-links", {"key": kid, "dialect": "google"}).json
        self.assertEqual((made["key"], made["dialect"]), ({"id": kid, "name": "Entra"}, "google"))
        self.assertRegex(made["link"], "^" + re.escape(self.stack.url) + r"/portal#link=usl_[0-9A-Za-z]{49}$")
        b = Browser(self.stack.url)
        answer = b.sign_in(link=secret_of(made["link"]))
        self.assertEqual((answer.status, answer.json["kind"], answer.json["key"]["id"], answer.json["dialect"]),
                         (201, "setup", kid, "google"), answer)
        self.assertNotIn("token", answer.json)
        self.assertEqual(b.get("/portal/session").json["key"]["name"], "Entra")
        for method, path in (("GET", "/keys"), ("GET", "/keys/" + kid), ("GET", "/keys/" + other), ("GET", "/workspace"),
                             ("GET", "/seats"), ("GET", "/audit"), ("GET", "/owners"), ("GET", "/sessions"), ("GET", "/guards"),
                             ("POST", "/setup-links"), ("POST", "/keys"), ("POST", "/keys/%s/rotate" % kid),
                             ("DELETE", "/keys/" + kid), ("PATCH", "/workspace"), ("POST", "/sessions/end-others")):
            answer = b.request(method, "/api/v1/admin" + path, {} if method in ("POST", "PATCH") else None)
            self.assertIn("set-up", self.refused(answer, 403, "forbidden"))
        self.refused(Browser(self.stack.url).sign_in(link=secret_of(made["link"])), 401, "unauthorized")

    def test_the_set_up(self):
        """The guest makes a token, which is shown once and kills the one before, and sees what arrives with it."""
        old, kid = self.ws.key("to set up", dialect="entra")
        admin = ApiClient(self.stack.url, self.adam, "/api/v1/admin")
        b = Browser(self.stack.url)
        b.sign_in(link=secret_of(admin.post("/setup-links", {"key": kid}).json["link"]))
        first = b.get("/portal/setup").json
        self.assertEqual((first["key"]["id"], first["dialect"], first["scim"]), (kid, "entra", self.stack.url + "/scim/v2"))
        self.assertEqual([s["seen"] for s in first["steps"]], [None] * 7)
        self.assertEqual((b.get("/portal/setup", headers={"Sec-Fetch-Site": "cross-site"}).status,
                          b.post("/portal/setup/token", {}, headers={"Sec-Fetch-Site": "cross-site"}).status), (403, 403))
        made = b.post("/portal/setup/token", {})
        self.assertEqual((made.status, made.json["key"]["id"], made.headers["cache-control"]), (200, kid, "no-store"), made)
        token = made.json["token"]
        self.assertEqual(self.ws.open(old).get("/Users").status, 401)
        scim = self.ws.open(token)
        self.expect(scim.get("/Users?filter=userName%20eq%20%22x%22"), 200)
        ana = self.user("ana@setup.example", scim)["id"]
        self.expect(scim.post("/Users", {"schemas": [USER]}), 400, "invalidValue")
        self.room("Set up", [ana], scim)
        seen = self.wait_until(lambda: (lambda s: s if s["steps"][6]["seen"] and s["refused"] else None)(
            b.get("/portal/setup").json), "the archive to have it")
        self.assertEqual([s["step"] for s in seen["steps"] if s["seen"]],
                         ["reached", "tested", "userCreated", "roomCreated", "memberAdded"])
        self.assertEqual([(x["method"], x["path"], x["status"]) for x in seen["refusals"]],
                         [("POST", "/scim/v2/Users", 400), ("GET", "/scim/v2/Users", 401)])  # the old token too
        self.assertIn("userName", seen["refusals"][0]["detail"])
        self.assertEqual(admin.get("/keys/%s/setup" % kid).json["steps"], seen["steps"])
        self.refused(self.browser(self.owner).get("/portal/setup"), 403, "forbidden")
        self.refused(self.browser(self.owner).post("/portal/setup/token", {}), 403, "forbidden")
        self.assertNotIn(token, repr([r.value for r in self.followers.audit.snapshot(self.ws.id)]))
        actor = [c["actor"]["name"] for c in self.followers.changes(self.ws.id)
                 if c["target"]["id"] == kid and c["action"] == "key.rotated"]
        self.assertEqual(actor, ["Adam (set-up link)"])

    def test_it_dies_with_key_owner_and_withdrawal(self):
        for kill in ("key", "owner", "withdrawn", "old"):
            token, oid = self.credential("Lea")
            kid = self.ws.key("short " + kill)[1]
            api = ApiClient(self.stack.url, token, "/api/v1/admin")
            unused, used = (api.post("/setup-links", {"key": kid}).json for _ in range(2))
            b = Browser(self.stack.url)
            self.assertEqual(b.sign_in(link=secret_of(used["link"])).status, 201)
            if kill == "key":
                self.stack.ctl("key", "revoke", kid)
            elif kill == "owner":
                self.stack.ctl("owner", "revoke", oid)
            elif kill == "withdrawn":
                for s in api.get("/sessions").json["items"]:
                    self.assertEqual(s["key"]["id"] if s["owner"]["id"] == oid else kid, kid)
                    if s["owner"]["id"] == oid:
                        self.assertEqual(api.delete("/sessions/" + s["id"]).status, 204)
            else:
                self.set_pass("expires = now() - interval '1 second' WHERE owner_id=%s", oid)
            with self.subTest(kill=kill):
                self.refused(b.get("/portal/session"), 401, "unauthorized")
                self.refused(Browser(self.stack.url).sign_in(link=secret_of(unused["link"])), 401, "unauthorized")

    def test_what_a_link_needs(self):
        b = self.browser(self.owner)
        stranger = self.stack.workspace("elsewhere").key("theirs")[1]
        dead = self.ws.key("dead")[1]
        self.stack.ctl("key", "revoke", dead)
        kid = self.ws.key("alive")[1]
        for body, status, kind in (({"key": NOBODY}, 404, "not-found"), ({"key": stranger}, 404, "not-found"),
                                   ({"key": dead}, 409, "conflict"), ({"key": "x"}, 400, "invalid-value"),
                                   ({}, 400, "invalid-value"), ({"key": kid, "dialect": "<b>"}, 400, "invalid-value"),
                                   ({"key": kid, "more": 1}, 400, "invalid-value")):
            self.refused(self.setup_link(b, **body), status, kind)

    def test_so_many_links(self):
        """links-per-workspace: 409, and a neighbour makes his."""
        ws, neighbour = self.stack.workspace("links"), self.stack.workspace("links")
        made = {}
        for w in (ws, neighbour):
            token, oid = self.credential("Olga", ws=w)
            made[w] = ApiClient(self.stack.url, token, "/api/v1/admin"), w.key("k")[1], oid
        api, kid, oid = made[ws]
        self.stack.sql("INSERT INTO passes (workspace_id, id, kind, token_hash, owner_id, way, expires) SELECT %s, gen_random_uuid(), 'link', "
                       "sha256(n::text::bytea), %s, 'admin', now() + interval '1 hour' FROM generate_series(1, 100) n RETURNING 1", ws.id, oid)
        self.refused(api.post("/setup-links", {"key": kid}), 409, "conflict")
        api, kid, _ = made[neighbour]
        self.assertEqual(api.post("/setup-links", {"key": kid}).status, 201)

    def test_no_secret_in_records_and_logs(self):
        kid = self.ws.key("secret")[1]
        b = self.browser(self.owner)
        link = self.setup_link(b, key=kid).json["link"]
        secret = secret_of(link)
        answer = Browser(self.stack.url).get("/scim/v2/" + secret + "?x=" + secret)
        self.assertEqual(answer.status, 401, answer)
        guest = Browser(self.stack.url)
        guest.sign_in(link=secret)
        cookie = guest.cookie.partition("=")[2]
        self.followers.requests(self.ws.id, lambda rs: any("set-up link" in (r["key"] or {}).get("name", "") for r in rs), "the visit")
        records = repr([r.value for r in self.followers.audit.snapshot()])
        with open(self.stack.run_dir + "/log/ingest.log", encoding="utf-8", errors="replace") as log:
            text = records + log.read()
        for word in (secret, cookie):
            self.assertNotIn(word, text)


class Guessing(SessionCase):
    def test_wrong_secrets_count_like_wrong_tokens(self):
        """From the sixth on they wait, and beyond the limit the source is refused."""
        url = proxied.url(self.stack)
        bodies = [{"token": unknown_token("uso_")}, {"link": unknown_token("usl_")}, {"token": "x"}]
        took = []
        for n in range(9):
            b = Browser(url)
            began = time.monotonic()
            answer = b.request("POST", "/portal/session", bodies[n % 3], proxied.came_from("192.0.2.210"))
            took.append(time.monotonic() - began)
            self.assertEqual(answer.status, 401, answer)
        for seconds, least in zip(took[5:], (0.1, 0.2, 0.4, 0.8)):
            self.assertGreaterEqual(seconds, least)
        guessed = Browser(url, "usher-session=" + unknown_token("uss_"))
        began = time.monotonic()
        self.assertEqual(guessed.request("GET", "/portal/session", None, proxied.came_from("192.0.2.210")).status, 401)
        self.assertGreaterEqual(time.monotonic() - began, 1)


class People(SessionCase):
    """What the admin API shows of people and rooms is what the Management API shows, with those who are held."""

    def test_as_the_management_api_shows_them(self):
        api, admin = ApiClient(self.stack.url, self.ws.token), ApiClient(self.stack.url, self.adam, "/api/v1/admin")
        ana = api.post("/users", {"userName": "ana@example.com"}).json["id"]
        ben = api.post("/users", {"userName": "ben@example.com"}).json["id"]
        room = api.post("/rooms", {"displayName": "Dispatch", "members": [ana, ben]}).json["id"]
        api.post("/users/%s/deactivate" % ben, {})
        for path in ("/users", "/users?userName=ANA@example.com", "/users/" + ana, "/rooms", "/rooms/" + room,
                     "/rooms?displayName=Dispatch"):
            self.assertEqual(admin.get(path).json, api.get(path).json, path)
        self.assertEqual([m["user"] for m in api.get("/rooms/%s/members" % room).json["items"]], [ana])
        self.assertEqual(sorted((m["user"], m["held"]) for m in admin.get("/rooms/%s/members" % room).json["items"]),
                         sorted([(ana, False), (ben, True)]))
        self.assertEqual([(r["room"], r["held"]) for r in admin.get("/users/%s/rooms" % ben).json["items"]], [(room, True)])
        self.assertEqual(api.get("/users/%s/rooms" % ben).json["items"], [])
        first = admin.get("/users?limit=1").json
        self.assertEqual(len(admin.get("/users?limit=5&cursor=" + first["next"]).json["items"]), 1)
        why = admin.get("/rooms/%s/members/%s/why" % (room, ana)).json
        self.assertEqual(why["member"], api.get("/rooms/%s/members/%s/why" % (room, ana)).json["member"])
        b = self.browser(self.owner)
        self.assertEqual(b.get("/api/v1/admin/users/" + ana).json["userName"], "ana@example.com")
        self.assertEqual(b.delete("/api/v1/admin/users/" + ana).status, 405)
