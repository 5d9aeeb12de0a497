"""Every endpoint by every method with every kind of credential: each opens exactly its doors. What there is to knock
at comes from the running program (its OpenAPI document, which is held against the table of routes; its
ResourceTypes); who may is said here, one row each. A door without a row fails."""

import itertools
import uuid

from case import Case
from openapi import ApiClient
from scimhttp import GROUP, USER, Client, patch_op
from stack import ALL_SCOPES

SCOPES = ALL_SCOPES.split(",")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NOBODY = str(uuid.UUID(int=0x0197A6C251D47C3E9F0A2B1D6C1E7A10))
NEVER_NAMED = "0197a6c2-51d4-7c3e-9f0a-2b1d6c1e7a11"
API = {"api:users:read", "api:users:write", "api:rooms:read", "api:rooms:write"}
SCIM = {"scim:users:read", "scim:users:write", "scim:rooms:read", "scim:rooms:write"}
READ = {"scim:users:read", "scim:rooms:read"}
KEYS, OWNERS, BOTH_ROLES = "any key", "owners", "owners and administrators"

# (method, path): (who: a scope, a set of which one will do, KEYS, or a role; the answer to who may; its body)
USERS = {"schemas": [USER]}
ROOMS = {"schemas": [GROUP]}
MEMBERSHIPS = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:GroupMembership"]}
PATCH = patch_op({"op": "replace", "path": "displayName", "value": "x"})
SEARCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 0}
BULK = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}

SCIM_DOORS = {
    ("GET", "/"): (READ, 200, None), ("POST", "/.search"): (READ, 200, SEARCH), ("POST", "/Bulk"): (KEYS, 400, BULK),
    ("GET", "/ServiceProviderConfig"): (KEYS, 200, None), ("GET", "/ResourceTypes"): (KEYS, 200, None),
    ("GET", "/ResourceTypes/User"): (KEYS, 200, None), ("GET", "/Schemas"): (KEYS, 200, None),
    ("GET", "/Schemas/" + USER): (KEYS, 200, None),
    ("GET", "/AsyncResults/nonsense"): ({"scim:users:write", "scim:rooms:write"}, 404, None),
    **{door: row for path, what, body in (("/Users", "users", USERS), ("/Groups", "rooms", ROOMS),
                                          ("/GroupMemberships", "rooms", MEMBERSHIPS)) for door, row in {
        ("GET", path): ("scim:%s:read" % what, 200, None), ("POST", path): ("scim:%s:write" % what, 400, body),
        ("POST", path + "/.search"): ("scim:%s:read" % what, 200, SEARCH),
        ("GET", path + "/" + NOBODY): ("scim:%s:read" % what, 404, None),
        ("PUT", path + "/" + NOBODY): ("scim:%s:write" % what, 404 if body is MEMBERSHIPS else 400, body),
        ("PATCH", path + "/" + NOBODY): ("scim:%s:write" % what, 404, PATCH),
        ("DELETE", path + "/" + NOBODY): ("scim:%s:write" % what, 404, None)}.items()}}

A = "/api/v1"
UR, UW, RR, RW = sorted(API, key=lambda s: (s.split(":")[1] == "rooms", s.split(":")[2] == "write"))
API_DOORS = {
    ("GET", A + "/users"): (UR, 200, None), ("POST", A + "/users"): (UW, 400, {}),
    ("POST", A + "/users/import"): (UW, 400, {}), ("GET", A + "/users/{id}"): (UR, 404, None),
    ("PATCH", A + "/users/{id}"): (UW, 404, {"title": "x"}), ("DELETE", A + "/users/{id}"): (UW, 404, None),
    ("POST", A + "/users/{id}/deactivate"): (UW, 404, None),
    ("POST", A + "/users/{id}/reactivate"): (UW, 404, None), ("GET", A + "/users/{id}/rooms"): (RR, 404, None),
    ("POST", A + "/logins"): (UW, 404, {"user": NOBODY}), ("GET", A + "/seats"): (UR, 200, None),
    ("GET", A + "/rooms"): (RR, 200, None), ("POST", A + "/rooms"): (RW, 400, {}),
    ("GET", A + "/rooms/{id}"): (RR, 404, None), ("PATCH", A + "/rooms/{id}"): (RW, 404, {"externalId": "x"}),
    ("DELETE", A + "/rooms/{id}"): (RW, 404, None), ("GET", A + "/rooms/{room}/members"): (RR, 404, None),
    ("PUT", A + "/rooms/{room}/members/{user}"): (RW, 404, {}),
    ("DELETE", A + "/rooms/{room}/members/{user}"): (RW, 404, None), ("GET", A + "/operations/{txn}"): (API, 404, None),
    ("GET", A + "/workspace"): (API, 200, None), ("GET", A + "/activity"): (API, 200, None),
    ("GET", A + "/openapi.json"): (None, 200, None), ("GET", A + "/docs"): (None, 200, None),
    ("GET", A + "/admin/workspace"): (BOTH_ROLES, 200, None), ("PATCH", A + "/admin/workspace"): (BOTH_ROLES, 200, {}),
    ("GET", A + "/admin/keys"): (BOTH_ROLES, 200, None),
    ("POST", A + "/admin/keys"): (BOTH_ROLES, 400, {}), ("GET", A + "/admin/keys/{id}"): (BOTH_ROLES, 404, None),
    ("DELETE", A + "/admin/keys/{id}"): (BOTH_ROLES, 404, None),
    ("PATCH", A + "/admin/keys/{id}"): (BOTH_ROLES, 404, {"jwksUri": None}),
    ("POST", A + "/admin/keys/{id}/rotate"): (BOTH_ROLES, 404, None), ("GET", A + "/admin/owners"): (OWNERS, 200, None),
    ("POST", A + "/admin/owners"): (OWNERS, 400, {}),
    ("GET", A + "/admin/owners/{id}"): (OWNERS, 404, None), ("DELETE", A + "/admin/owners/{id}"): (OWNERS, 404, None),
    ("GET", A + "/admin/seats"): (BOTH_ROLES, 200, None),
    ("GET", A + "/admin/activity"): (BOTH_ROLES, 200, None),
    ("GET", A + "/admin/audit"): (OWNERS, 200, None),
    ("GET", A + "/admin/audit/export"): (OWNERS, 200, None),
    ("GET", A + "/admin/audit/follow"): (OWNERS, 200, None),
    ("GET", A + "/admin/audit/proof/{workspace}/audit/{seq}"): (OWNERS, 400, None),
    ("GET", A + "/admin/audit/proof/{instance}/{n}"): (OWNERS, 400, None),
    ("GET", A + "/admin/audit/proof/{txn}"): (OWNERS, 404, None),
    ("GET", A + "/admin/checkpoints"): (BOTH_ROLES, 200, None),
    ("GET", A + "/rooms/{room}/members/{user}/why"): (RR, 404, None),
    ("GET", A + "/admin/users"): (BOTH_ROLES, 200, None), ("GET", A + "/admin/users/{id}"): (BOTH_ROLES, 404, None),
    ("GET", A + "/admin/users/{id}/rooms"): (BOTH_ROLES, 404, None), ("GET", A + "/admin/rooms"): (BOTH_ROLES, 200, None),
    ("GET", A + "/admin/rooms/{id}"): (BOTH_ROLES, 404, None),
    ("GET", A + "/admin/rooms/{room}/members"): (BOTH_ROLES, 404, None),
    ("GET", A + "/admin/rooms/{room}/members/{user}/why"): (BOTH_ROLES, 404, None),
    ("GET", A + "/admin/keys/{id}/setup"): (BOTH_ROLES, 404, None),
    ("GET", A + "/admin/keys/{id}/dry-run"): (BOTH_ROLES, 404, None),
    ("GET", A + "/admin/changes"): (OWNERS, 200, None),
    ("GET", A + "/admin/sessions"): (BOTH_ROLES, 200, None),
    ("POST", A + "/admin/sessions/end-others"): (BOTH_ROLES, 200, None),
    ("DELETE", A + "/admin/sessions/{id}"): (BOTH_ROLES, 404, None),
    ("POST", A + "/admin/setup-links"): (BOTH_ROLES, 404, {"key": NOBODY}),
    ("POST", A + "/rooms/{room}/voice-token"): (RW, 404, {}),
    ("GET", A + "/admin/guards"): (BOTH_ROLES, 200, None),
    ("POST", A + "/admin/guards/{key}/release"): (BOTH_ROLES, 404, None),
    ("POST", A + "/admin/users/{id}/deactivate"): (OWNERS, 404, None),
    ("GET", A + "/admin/sign-in"): (OWNERS, 200, None), ("PATCH", A + "/admin/sign-in"): (OWNERS, 400, {}),
    ("DELETE", A + "/admin/sign-in"): (OWNERS, 204, None),
    ("GET", A + "/admin/deliveries"): (BOTH_ROLES, 200, None), ("POST", A + "/admin/deliveries"): (BOTH_ROLES, 400, {}),
    ("GET", A + "/admin/deliveries/{id}"): (BOTH_ROLES, 404, None),
    ("PATCH", A + "/admin/deliveries/{id}"): (BOTH_ROLES, 404, {"state": "paused"}),
    ("DELETE", A + "/admin/deliveries/{id}"): (BOTH_ROLES, 404, None),
    ("POST", A + "/admin/deliveries/{id}/rotate"): (BOTH_ROLES, 404, None),
    ("POST", A + "/admin/deliveries/{id}/test"): (BOTH_ROLES, 404, None),
    ("POST", A + "/admin/deliveries/{id}/replay"): (BOTH_ROLES, 404, {"after": 0}),
    ("GET", A + "/admin/deliveries/{id}/attempts"): (BOTH_ROLES, 404, None),
    ("GET", "/ssf/streams"): ({UR, UW}, 200, None),
    ("POST", "/ssf/streams"): (UW, 400, {"delivery": "none"}),
    ("PATCH", "/ssf/streams"): (UW, 404, {"stream_id": NOBODY}), ("PUT", "/ssf/streams"): (UW, 404, {"stream_id": NOBODY}),
    ("DELETE", "/ssf/streams"): (UW, 400, None), ("GET", "/ssf/status"): ({UR, UW}, 400, None),
    ("POST", "/ssf/status"): (UW, 404, {"stream_id": NOBODY, "status": "paused"}),
    ("POST", "/ssf/verify"): (UW, 404, {"stream_id": NOBODY}),
    **{("POST", "/ssf/subjects/" + what): (UW, 404, {"stream_id": NOBODY, "subject": {"format": "email", "email": "a@b.example"}})
       for what in ("add", "remove")},
    ("POST", "/ssf/poll/{stream}"): ({UR, UW}, 404, {}),
}
# What everybody may ask for, whoever he is: test_what_needs_no_credentials.
FOR_ALL = {"/oauth2/token", "/.well-known/ssf-configuration"}


class Caller:
    def __init__(self, name, token, scopes=(), role=None):
        self.name, self.token, self.scopes, self.role = name, token, set(scopes), role

    def may(self, who):
        if who in (OWNERS, BOTH_ROLES):
            return self.role == "owner" or (self.role == "administrator" and who == BOTH_ROLES)
        return self.role is None and (who == KEYS or bool(self.scopes & (who if isinstance(who, set) else {who})))


class Doors(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.callers = [Caller(s, cls.ws.key("only " + s.replace(":", " "), s)[0], [s]) for s in SCOPES]
        cls.callers += [Caller("all of SCIM", cls.ws.key("scim", ",".join(sorted(SCIM)))[0], SCIM),
                        Caller("all of the API", cls.ws.key("api", ",".join(sorted(API)))[0], API)]
        cls.callers += [Caller(role, cls.stack.ctl("owner", "create", "--workspace", cls.ws.id, "--name", role,
                                                   "--role", role)["token"], role=role)
                        for role in ("owner", "administrator")]
        cls.callers.append(Caller("an access token", cls.access_token("api:users:read scim:rooms:write"),
                                  ["api:users:read", "scim:rooms:write"]))
        cls.callers.append(Caller("nobody", None))

    @classmethod
    def access_token(cls, scope):
        client = Client(cls.stack.url, None, "", check=False)
        form = "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s" % (cls.ws.key_id, cls.ws.token,
                                                                                         scope.replace(" ", "+"))
        return client.post("/oauth2/token", form.encode(),
                           headers={"Content-Type": "application/x-www-form-urlencoded"}).json["access_token"]

    # ---- what must come out

    def wanted(self, caller, door, doors, admin):
        """(status, the missing scope or None)"""
        method, path = door
        row = doors.get(("GET" if method == "HEAD" else method, path))
        if row is not None and row[0] is None:
            return row[1], None
        if caller.token is None:
            return 401, None
        if (caller.role is not None) != admin:
            return 403, None
        if method == "OPTIONS":
            return 204, None
        if row is None:
            return 405, None
        if caller.may(row[0]):
            return row[1], None
        return 403, row[0]

    def knock(self, client, caller, door, doors, path, admin=False):
        method = door[0]
        row = doors.get(door)
        if path.endswith("/changes"):
            path += "?follow=false"  # or it would not end
        answer = client.request(method, path, row[2] if row else None)
        status, missing = self.wanted(caller, door, doors, admin)
        if answer.status != status:
            return "%s: %s %s: %r, not %s" % (caller.name, method, path, answer, status)
        challenge = answer.headers.get("www-authenticate", "")
        if isinstance(missing, (str, set)) and caller.role is None:
            names = set(challenge.partition('scope="')[2].rstrip('"').split())
            if 'error="insufficient_scope"' not in challenge or (
                names and names != ({missing} if isinstance(missing, str) else missing)):
                return "%s: %s %s lacks %s, but: %s" % (caller.name, method, path, missing, challenge)
        return None

    # ---- the tests

    def test_every_door_has_a_row(self):
        document = ApiClient(self.stack.url, None).get("/openapi.json").json
        live = {(m.upper(), p) for p, item in document["paths"].items() for m in item if p not in FOR_ALL}
        self.assertEqual(live, set(API_DOORS), "what the program offers, and the rows here")
        endpoints = {t["endpoint"] for t in self.http.get("/ResourceTypes").json["Resources"]} | {
            self.http.get("/ResourceTypes/GroupMembership").json["endpoint"]}  # which is not listed
        self.assertEqual(endpoints, {p[:-8] for _, p in SCIM_DOORS if p.endswith("/.search")} - {""})

    def fresh_token(self, caller):
        """There are more doors than an owner may knock at in a minute: another credential of the same role."""
        if caller.role is None:
            return caller.token
        return self.stack.ctl("owner", "create", "--workspace", self.ws.id, "--name", caller.role, "--role",
                              caller.role)["token"]

    def test_the_management_and_the_admin_api(self):
        """8 scopes and more x all endpoints x all methods; X6."""
        wrong = []
        for caller, method in itertools.product(self.callers, METHODS):
            client = ApiClient(self.stack.url, self.fresh_token(caller), prefix="")
            for path in sorted({p for _, p in API_DOORS}):
                real = path
                # What was refused is told there, also of somebody who was never anywhere.
                who = NEVER_NAMED if path.endswith("/why") else NOBODY
                for name in ("id", "room", "user", "key", "txn", "workspace", "instance", "seq", "n", "stream"):
                    real = real.replace("{%s}" % name, who)
                client.judged = method != "OPTIONS"
                wrong.append(self.knock(client, caller, (method, path), API_DOORS, real, path.startswith(A + "/admin")))
            client.close()
        self.none_wrong([w for w in wrong if w])

    def test_scim(self):
        wrong = []
        for caller in self.callers:
            for prefix in ("/scim/v2", "/w/%s/scim/v2" % self.ws.id):
                client = Client(self.stack.url, caller.token, prefix)
                for method, path in itertools.product(METHODS, sorted({p for _, p in SCIM_DOORS})):
                    client.check = method != "HEAD"
                    wrong.append(self.knock(client, caller, (method, path), SCIM_DOORS, path))
                client.close()
        self.none_wrong([w for w in wrong if w])

    def test_a_bulk_opens_no_door_that_its_operations_would_not(self):
        body = {**BULK, "Operations": [{"method": "DELETE", "path": "/%s/%s" % (what, NOBODY)}
                                       for what in ("Users", "Groups")]}
        for caller in self.callers:
            client = Client(self.stack.url, caller.token)
            with self.subTest(caller=caller.name):
                if caller.role is not None or caller.token is None:
                    self.expect(client.post("/Bulk", body), 401 if caller.token is None else 403)
                    continue
                answer = self.expect(client.post("/Bulk", body), 200)
                self.assertEqual([o["status"] for o in answer.json["Operations"]],
                                 ["404" if caller.may("scim:%s:write" % what) else "403"
                                  for what in ("users", "rooms")])
            client.close()

    def test_what_needs_no_credentials(self):
        client = Client(self.stack.url, None, "", check=False)
        for path in ("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json",
                     "/.well-known/oauth-authorization-server",
                     "/.well-known/oauth-protected-resource/scim/v2", "/.well-known/ssf-configuration"):
            self.assertEqual(client.get(path).status, 200, path)
            self.assertEqual(client.post(path, {}).status, 405, path)
        for path in ("/", "/api", "/api/v1x", "/scim", "/oauth2/authorize", "/portal/a/b/c/d"):
            self.assertIn(client.get(path).status, (401, 404), path)
