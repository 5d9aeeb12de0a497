"""API keys: what each scope opens, how refusals look, networks, rotation, lists."""

import datetime
import uuid
import zlib

import proxied
import stream
from case import Case
from scimhttp import GROUP, USER, Client, patch_op
from stack import ALL_SCOPES, ToolError
from waiting import let_time_pass_until

SCOPES = ALL_SCOPES.split(",")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def sealed(body):
    """A token with that beginning and the checksum that belongs to it."""
    crc, text = zlib.crc32(body.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        text = DIGITS[digit] + text
    return body + text


def unknown_token(prefix="ush_"):
    return sealed(prefix + (uuid.uuid4().hex + uuid.uuid4().hex)[:43])


def records_of(case, ws, key=None):
    """The request records of a workspace so far."""
    return [r.value for r in stream.requests_of(case.followers.audit.snapshot(ws))
            if key is None or (r.value.get("key") or {}).get("id") == key]


class Scopes(Case):
    def doors(self):
        """(method, path, body, the scope that opens it, status then)"""
        nobody = "/%s" % uuid.uuid4()
        user, room = {"schemas": [USER], "userName": "s%s" % uuid.uuid4().hex}, {"schemas": [GROUP],
                                                                                 "displayName": uuid.uuid4().hex}
        patch = patch_op({"op": "replace", "path": "displayName", "value": "x"})
        search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 0}
        for path, body, what in (("/Users", user, "users"), ("/Groups", room, "rooms")):
            read, write = "scim:%s:read" % what, "scim:%s:write" % what
            yield "GET", path + "?count=0", None, read, 200
            yield "GET", path + nobody, None, read, 404
            yield "POST", path + "/.search", search, read, 200
            yield "POST", path, body, write, 201
            yield "PUT", path + nobody, body, write, 404
            yield "PATCH", path + nobody, patch, write, 404
            yield "DELETE", path + nobody, None, write, 404

    def test_each_of_the_eight_opens_its_doors_and_no_other(self):
        """X6: 403 with the missing scope named, never 401."""
        for scope in SCOPES:
            client = self.ws.open(self.ws.key("only " + scope.replace(":", " "), scope)[0])
            for method, path, body, needed, status in self.doors():
                with self.subTest(scope=scope, door="%s %s" % (method, path)):
                    answer = client.request(method, path, body)
                    if needed == scope:
                        self.assertEqual(answer.status, status, answer)
                        continue
                    self.expect(answer, 403)
                    self.assertEqual(answer.headers["www-authenticate"],
                                     'Bearer realm="usher", error="insufficient_scope", scope="%s"' % needed)
                    self.assertIn(needed, answer.json["detail"])
            self.expect(client.get("/ServiceProviderConfig"), 200)  # any key may
            client.close()


class Refusals(Case):
    """Each test comes from an address of its own, so that none is slowed by another's wrong tokens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = proxied.url(cls.stack)

    def metadata(self):
        """RFC 9728 section 5.1."""
        return ', resource_metadata="%s/.well-known/oauth-protected-resource/scim/v2"' % self.url

    def dead(self, token, address, error=True):
        client = Client(self.url, token, headers=proxied.came_from(address))
        answer = self.expect(client.get("/Users?count=0"), 401)
        client.close()
        self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="usher"'
                         + (', error="invalid_token"' if error else "") + self.metadata())
        return answer.json["detail"]

    def test_without_a_token(self):
        """T5, Q43, E1: the scheme is named, a SCIM error body, no error code (RFC 6750 section 3)."""
        self.dead(None, "192.0.2.10", error=False)
        client = Client(self.url, headers={"Authorization": "Basic dTpw", **proxied.came_from("192.0.2.10")})
        self.assertEqual(self.expect(client.get("/Users"), 401).headers["www-authenticate"],
                         'Bearer realm="usher"' + self.metadata())

    def test_a_token_in_the_url_is_none(self):
        """X1."""
        client = Client(self.url, headers=proxied.came_from("192.0.2.11"))
        self.expect(client.get("/Users?count=0&access_token=" + self.ws.token), 401)
        self.followers.audit.wait(lambda rs: any(r.value and r.value.get("sourceIp") == "192.0.2.11" for r in rs),
                                  "its record")
        self.assertFalse([r for r in self.followers.audit.snapshot() if r.value and self.ws.token in str(r.value)])

    def test_wrong_tokens(self):
        """T5, X6, Q43: a wrong one, one of a wrong shape, one with a letter changed."""
        self.assertIn("not known", self.dead(unknown_token(), "192.0.2.12"))
        self.assertIn("not known", self.dead(unknown_token("uso_"), "192.0.2.12"))
        good = self.ws.token
        turned = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]
        self.assertIn("malformed", self.dead(turned, "192.0.2.12"))
        for wrong in ("x", "ust_" + "A" * 70, good + "0"):
            self.dead(wrong, "192.0.2.13")

    def test_a_mistyped_token_costs_no_look_up(self):
        """The checksum is judged before the database is asked."""
        asked = proxied.metric(self.url, "usher_gate_admit_seconds_count")
        self.dead(self.ws.token[:-1] + ("0" if self.ws.token[-1] != "0" else "1"), "192.0.2.14")
        self.assertEqual(proxied.metric(self.url, "usher_gate_admit_seconds_count"), asked)
        self.dead(unknown_token(), "192.0.2.14")
        self.assertEqual(proxied.metric(self.url, "usher_gate_admit_seconds_count"), asked + 1)

    def test_revoked_and_expired(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
        expiring, _ = self.ws.key("soon over", expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
        token, key = self.ws.key("to be revoked")
        self.stack.ctl("key", "revoke", key)
        self.assertIn("revoked", self.dead(token, "192.0.2.15"))
        let_time_pass_until(soon, "the key lives until then")
        self.assertIn("expired", self.dead(expiring, "192.0.2.15"))


class Networks(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = proxied.url(cls.stack)

    def status(self, token, headers, url=None):
        client = Client(url or self.url, token, headers=headers)
        try:
            return client.get("/Users?count=0").status
        finally:
            client.close()

    def test_a_key_is_bound_to_its_networks(self):
        """X6: the right key from the wrong place is 403, and the record says from where."""
        token, key = self.ws.key("bound", networks="203.0.113.0/24,2001:db8:7::/48")
        for address, due in (("203.0.113.9", 200), ("203.0.114.9", 403), ("2001:db8:7:1::5", 200),
                             ("2001:db8:8::5", 403), ("::ffff:203.0.113.1", 200)):
            with self.subTest(address):
                self.assertEqual(self.status(token, proxied.came_from(address)), due)
        self.followers.audit.wait(lambda _: len(records_of(self, self.ws.id, key)) >= 5, "the records", self.ws.id)
        told = [(r["sourceIp"], r["status"]) for r in records_of(self, self.ws.id, key)]
        self.assertIn(("203.0.114.9", 403), told)
        self.assertIn(("203.0.113.9", 200), told)
        self.assertIn(("2001:db8:7:1::5", 200), told)

    def test_the_source_cannot_be_forged(self):
        """Who is no proxy of ours is not believed; of several addresses the one that our proxy saw counts."""
        token, _ = self.ws.key("bound too", networks="203.0.113.0/24")
        # That ingest trusts nobody.
        self.assertEqual(self.status(token, proxied.came_from("203.0.113.9"), self.stack.url), 403)
        # The client wrote the first one.
        self.assertEqual(self.status(token, proxied.came_from("203.0.113.9, 198.51.100.1")), 403)
        self.assertEqual(self.status(token, proxied.came_from("198.51.100.1, 203.0.113.9")), 200)
        # Two proxies of ours.
        self.assertEqual(self.status(token, proxied.came_from("198.51.100.1, 203.0.113.9, 10.9.1.1")), 200)
        # The other header is the client's: nginx passes it on.
        self.assertEqual(self.status(token, {"Forwarded": "for=203.0.113.9"}), 403)
        self.assertEqual(self.status(token, {"Forwarded": "for=203.0.113.9", **proxied.came_from("198.51.100.1")}), 403)
        self.assertEqual(self.status(token, {"Forwarded": "for=198.51.100.1", **proxied.came_from("203.0.113.9")}), 200)

    def test_the_header_that_the_setting_names(self):
        token, _ = self.ws.key("bound three", networks="203.0.113.0/24")
        url = proxied.url_forwarded(self.stack)
        for forwarded, forwarded_for, due in (
                ('for=203.0.113.9;proto=https, for="[2001:db8::1]:4711"', None, 403),
                ('for="[2001:db8::1]:4711", for=203.0.113.9;proto=https', None, 200),
                ("for=198.51.100.1, for=203.0.113.9, for=10.9.1.1", None, 200),
                ("for=198.51.100.1", "203.0.113.9", 403), ("for=203.0.113.9", "198.51.100.1", 200),
                (None, "203.0.113.9", 403)):
            lines = {"Forwarded": forwarded, "X-Forwarded-For": forwarded_for}
            with self.subTest(lines):
                self.assertEqual(self.status(token, {k: v for k, v in lines.items() if v}, url), due)

    def test_wrong_networks_are_refused_by_the_tool(self):
        for wrong in ("203.0.113.7/24", "home", "203.0.113.0/33", ""):
            with self.subTest(wrong), self.assertRaises(ToolError) as caught:
                self.ws.key("wrong", networks=wrong)
            self.assertEqual(caught.exception.code, 2)


class Rotation(Case):
    def alive(self, token):
        client = Client(proxied.url(self.stack), token,
                        headers=proxied.came_from("192.0.2.%d" % (30 + zlib.crc32(self.id().encode()) % 60)))
        try:
            answer = client.get("/Users?count=0")
            self.assertIn(answer.status, (200, 401), answer)
            return answer.status == 200
        finally:
            client.close()

    def told(self, token):
        client = Client(proxied.url(self.stack), token, headers=proxied.came_from("192.0.2.29"))
        try:
            return self.expect(client.get("/Users?count=0"), 401).json["detail"]
        finally:
            client.close()

    def test_the_old_token_dies_at_once(self):
        old, key = self.ws.key("rotated")
        self.assertTrue(self.alive(old))
        made = self.stack.ctl("key", "rotate", key)
        self.assertEqual(made["key"]["id"], key)
        self.assertIsNone(made["key"]["oldTokenUntil"])
        self.assertFalse(self.alive(old))
        self.assertIn("rotated", self.told(old))
        self.assertTrue(self.alive(made["token"]))
        self.assertIn("key.rotated", [c["action"] for c in self.followers.changes(self.ws.id)
                                      if c["target"]["id"] == key])

    def test_with_an_overlap_both_are_good_until_it_ends(self):
        old, key = self.ws.key("overlapping")
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)
        made = self.stack.ctl("key", "rotate", key, overlap=until.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.assertTrue(self.alive(old) and self.alive(made["token"]))
        listed = next(k for k in self.stack.ctl("key", "list", "--workspace", self.ws.id)["keys"] if k["id"] == key)
        self.assertTrue(listed["oldTokenUntil"].startswith(until.strftime("%Y-%m-%dT%H:%M:%S")), listed)
        let_time_pass_until(until, "the overlap lasts until then")
        self.assertFalse(self.alive(old))
        self.assertIn("rotated", self.told(old))
        self.assertTrue(self.alive(made["token"]))

    def test_one_rate_for_both_tokens(self):
        old, key = self.ws.key("one rate", rate=4)
        new = self.stack.ctl("key", "rotate", key, overlap="1h")["token"]
        clients = [self.ws.open(t) for t in (old, new)]
        self.assertEqual([clients[i % 2].get("/Users?count=0").status for i in range(5)], [200] * 4 + [429])

    def test_rotated_again_only_the_last_one_before_overlaps(self):
        first, key = self.ws.key("twice")
        second = self.stack.ctl("key", "rotate", key, overlap="1h")["token"]
        third = self.stack.ctl("key", "rotate", key, overlap="1h")["token"]
        self.assertEqual([self.alive(t) for t in (first, second, third)], [False, True, True])
        self.assertIn("rotated", self.told(first))

    def test_revoked_all_its_tokens_are_dead(self):
        old, key = self.ws.key("revoked while it overlaps")
        new = self.stack.ctl("key", "rotate", key, overlap="1h")["token"]
        self.stack.ctl("key", "revoke", key)
        self.assertEqual([self.alive(t) for t in (old, new)], [False, False])
        self.assertIn("revoked", self.told(old))
        self.assertIn("revoked", self.told(new))
        with self.assertRaises(ToolError):
            self.stack.ctl("key", "rotate", key)
        self.assertEqual([self.alive(t) for t in (old, new)], [False, False])


class Batches(Case):
    SHOWN = ("n, workspace_id, key_id, key_name, scopes, dialect, state, granted, rate_limit, seats_used, seats_limit, "
             "require_email, kind, role, networks, expires, remaining, require_sso, sso_ready, strictness, lease, "
             "wait_ms, passwords")

    def test_who_it_is_does_not_depend_on_what_is_counted(self):
        """Batches of which nothing is to be counted are read by another function (gate_see): it must say the same of
        every credential, good or not, also when it sees many of them at once."""
        ws = self.stack.workspace("batches")
        self.stack.ctl("key", "revoke", ws.key("revoked")[1])

        def soon():
            return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)

        ws.key("expired", expires=soon().strftime("%Y-%m-%dT%H:%M:%SZ"))
        ws.key("elsewhere", "scim:users:read", networks="192.0.2.0/24,2001:db8::/32", rate=7, dialect="entra")
        self.stack.ctl("key", "rotate", ws.key("overlapping")[1], overlap="1h")
        key, until = ws.key("overlapped")[1], soon()
        self.stack.ctl("key", "rotate", key, overlap=until.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.stack.ctl("owner", "create", "--workspace", ws.id, name="somebody")
        let_time_pass_until(until, "one key has expired then, and an overlap has ended")
        hashes = [bytes(r[0]) for r in self.stack.sql(
            """SELECT token_hash FROM keys WHERE workspace_id = %(w)s
               UNION ALL SELECT old_token_hash FROM keys WHERE workspace_id = %(w)s AND old_token_hash IS NOT NULL
               UNION ALL SELECT token_hash FROM owners WHERE workspace_id = %(w)s""".replace("%(w)s", "'%s'" % ws.id))]
        hashes.append(b"?" * 32)
        counted = self.stack.sql("SELECT %s FROM gate_admit(%%s, array_fill(0, ARRAY[%%s])) ORDER BY n" % self.SHOWN,
                                 hashes, len(hashes))
        seen = self.stack.sql("SELECT %s FROM gate_see(%%s) ORDER BY n" % self.SHOWN, hashes)
        self.assertEqual(len(counted), len(hashes) - 1)  # one is nobody's
        self.assertEqual({r[6] for r in counted}, {"ok", "revoked", "expired", "rotated"})
        self.assertEqual({r[12] for r in counted}, {"key", "owner"})
        self.assertEqual(seen, counted)


class Lists(Case):
    def test_what_a_list_shows(self):
        """All that an owner must know of a key, and no token."""
        token, key = self.ws.key("shown", "scim:users:read,api:rooms:write", dialect="entra",
                                 networks="203.0.113.0/24,10.0.0.0/8", rate=77, expires="2030-01-31T00:00:00Z")
        revoked = self.ws.key("gone")[1]
        self.stack.ctl("key", "revoke", revoked)
        client = Client(proxied.url(self.stack), token, headers=proxied.came_from("203.0.113.1"))
        self.expect(client.get("/Users?count=0"), 200)
        listed = {k["id"]: k for k in self.stack.ctl("key", "list", "--workspace", self.ws.id)["keys"]}
        shown = listed[key]
        self.assertEqual({n: shown[n] for n in ("name", "dialect", "networks", "rate", "revoked", "oldTokenUntil",
                                                "prefix")},
                         {"name": "shown", "dialect": "entra", "networks": ["203.0.113.0/24", "10.0.0.0/8"], "rate": 77,
                          "revoked": None, "oldTokenUntil": None,
                          "prefix": token[:12]})
        self.assertEqual(sorted(shown["scopes"]), ["api:rooms:write", "scim:users:read"])
        self.assertTrue(shown["expires"].startswith("2030-01-31T00:00:00"))
        self.assertTrue(shown["createdBy"] and shown["created"] and shown["lastUsed"])
        self.assertTrue(listed[revoked]["revoked"] and listed[revoked]["revokedBy"])
        self.assertIsNone(listed[revoked]["lastUsed"])
        self.assertNotIn(token, str(listed))


class Owners(Case):
    """Credentials of people: another kind, of no use here."""

    def test_an_owner_s_credential_opens_no_scim(self):
        made = self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "Ines")
        self.assertTrue(made["token"].startswith("uso_"))
        client = self.ws.open(made["token"])
        for path in ("/Users?count=0", "/ServiceProviderConfig", "/Users/" + str(uuid.uuid4())):
            answer = self.expect(client.get(path), 403)
            self.assertIn("API key", answer.json["detail"])
        self.assertEqual(answer.headers["ratelimit-policy"], '"default";q=600;w=60')
        second = self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", "Ada", role="administrator")
        with self.assertRaises(ToolError):  # somebody must be left who can do everything
            self.stack.ctl("owner", "revoke", made["owner"]["id"])
        self.expect(client.get("/Users"), 403)
        self.stack.ctl("owner", "revoke", second["owner"]["id"])
        self.expect(self.ws.open(second["token"]).get("/Users"), 401)
        listed = {o["name"]: o for o in self.stack.ctl("owner", "list", "--workspace", self.ws.id)["owners"]}
        self.assertEqual((listed["Ines"]["role"], listed["Ines"]["revoked"]), ("owner", None))
        self.assertEqual(listed["Ada"]["role"], "administrator")
        self.assertTrue(listed["Ada"]["revoked"] and listed["Ines"]["lastUsed"])
        self.assertNotIn(made["token"], str(listed))
        actions = [c["action"] for c in self.followers.changes(self.ws.id)]
        self.assertEqual((actions.count("owner.created"), actions.count("owner.revoked")), (2, 1))
