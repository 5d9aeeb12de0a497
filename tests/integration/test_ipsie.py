"""OpenID's IPSIE profile of the account lifecycle, levels AL1 and AL2, clause by clause (schemas/PROFILES.md), with a
client of other people (Authlib): it finds the token endpoint by itself, signs (private_key_jwt), and the provider shows its
public keys at a jwks_uri. The workspace is set as the profile asks. What is refused at the token endpoint: a table in
test_client_keys.py."""

import json
import uuid

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from jwks_server import new_key, public
from scimhttp import ENTERPRISE, GROUP, USER, Client, patch_op
from signing import Clients

METHODS = ["private_key_jwt", "client_secret_basic", "client_secret_post"]
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class Ipsie(Clients):
    flags = {"strictness": "interop", "seats": 2000}


    def name(self):
        return uuid.uuid4().hex[:12] + "@ipsie.example"

    def metadata(self):
        """As a client finds it that knows nothing but the address of the resource (RFC 9728, RFC 8414)."""
        client = Client(self.url, None, "", check=False)
        challenge = client.get("/scim/v2/Users").headers["www-authenticate"]
        path = challenge.split('resource_metadata="')[1].split('"')[0][len(self.url):]
        resource = client.get(path).json
        self.assertEqual(resource["resource"], self.url + "/scim/v2")
        server = client.get("/.well-known/oauth-authorization-server").json
        client.close()
        self.assertEqual(resource["authorization_servers"], [server["issuer"]])
        self.assertIn("scim", server["scopes_supported"])
        self.assertEqual(server["token_endpoint_auth_methods_supported"], METHODS)
        return server

    def token(self, kind="EC", alg="ES256", rate="ipsie"):
        """An access token of a new client, whose provider shows its keys."""
        key = new_key(kind, kid="one", alg=alg)
        uri = self.server.show("/ipsie/" + uuid.uuid4().hex, public(key))
        server = self.metadata()
        session = OAuth2Session(self.key(uri=uri, scopes="all", rate=rate), key, scope="scim",
                                token_endpoint_auth_method=PrivateKeyJWT(server["token_endpoint"], headers={"kid": "one"},
                                                                         alg=alg))
        return session.fetch_token(server["token_endpoint"], grant_type="client_credentials")

    def provider(self, **how):
        client = self.ws.open(self.token(**how)["access_token"], self.url)
        self.addCleanup(client.close)
        return client

    def found(self, scim, path, text):
        return [r["id"] for r in self.expect(scim.find(path, text), 200).json["Resources"]]


class Authorization(Ipsie):
    def test_AL02_AL03_AL05_AL06_AL07_a_token(self):
        for kind, alg in (("RSA", "RS256"), ("RSA", "PS256"), ("EC", "ES256")):
            with self.subTest(alg):
                token = self.token(kind, alg)
                self.assertEqual((token["scope"], token["token_type"]), ("scim", "Bearer"))
                scim = self.ws.open(token["access_token"], self.url)
                self.expect(scim.get("/Users?count=0"), 200)
                scim.close()
                outside = Client(self.url, token["access_token"], "/api/v1", check=False)
                self.assertEqual(outside.get("/users").status, 403)  # the key may, the scope "scim" may not
                outside.close()

    def test_AL33_tokens_expire(self):
        self.assertLessEqual(0 < self.token()["expires_in"] and self.token()["expires_in"], 3600)

    def test_AL10_AL11_rates(self):
        """The floor by the preset; and over a rate 429 with Retry-After, at each endpoint."""
        scim = self.provider()
        self.assertEqual(self.expect(scim.get("/Users?count=0"), 200).headers["ratelimit-policy"], '"default";q=1500;w=60')
        slow = self.provider(rate=2)  # the token was one of them
        self.expect(slow.get("/Users?count=0"), 200)
        for method, path in (("GET", "/Users"), ("GET", "/Groups"), ("GET", "/Users/" + str(uuid.uuid4())),
                             ("GET", "/ServiceProviderConfig"), ("GET", "/Schemas"), ("GET", "/ResourceTypes"),
                             ("POST", "/Users"), ("POST", "/Groups"), ("POST", "/Users/.search"), ("POST", "/Bulk"),
                             ("PATCH", "/Users/" + str(uuid.uuid4())), ("DELETE", "/Groups/" + str(uuid.uuid4()))):
            with self.subTest(method + " " + path):
                answer = self.expect(slow.request(method, path, {} if method in ("POST", "PATCH") else None), 429)
                self.assertGreater(int(answer.headers["retry-after"]), 0)

    def test_AL32_errors_say_nothing_of_the_inside(self):
        scim = self.provider()
        for method, path, body in (("GET", "/Users/" + str(uuid.uuid4()), None), ("POST", "/Users", b"{"),
                                   ("POST", "/Users", {"schemas": [USER]}), ("GET", "/Users?filter=x", None),
                                   ("GET", "/Nothing", None), ("PUT", "/Users", {}), ("GET", "/Users?cursor=x", None),
                                   ("POST", "/Users", {"schemas": [USER], "userName": "a\x00b"})):
            answer = scim.request(method, path, body)  # (its form is checked with each answer)
            self.assertGreaterEqual(answer.status, 400)
            self.assertNotRegex(answer.body.decode().lower(), r"postgres|kafka|select |\.c:|/usr|worker|exception|libpq")


class Users(Ipsie):
    def test_AL14_AL15_AL16_AL17_deprovisioning(self):
        """AL1: deactivated, out of all rooms and of its seat at once, back again, deleted, the name free."""
        scim = self.provider()
        name = self.name()
        made = self.user(name, scim)
        place, group = "/Users/" + made["id"], self.room(self.name(), [made["id"]], scim)["id"]
        self.assertEqual(self.expect(scim.get(place), 200).json["userName"], name)
        for active in (False, True):
            answer = scim.patch(place, patch_op({"op": "replace", "path": "active", "value": active}))
            self.assertIs(self.expect(answer, 200).json["active"], active)
            self.assertIs(self.expect(scim.get(place), 200).json["active"], active)
            self.assertEqual(self.members(group, scim), {made["id"]} if active else set())
            self.assertIs(self.stack.sql("SELECT seat FROM users WHERE id=%s", made["id"])[0][0], active)
        told = [(v["type"], v["reason"]) for v in self.followers.events(self.ws.id)
                if v.get("user", {}).get("id") == made["id"]]
        self.assertIn(("usher.member.removed", "user_deactivated"), told)
        self.expect(scim.delete(place), 204)
        self.expect(scim.get(place), 404)
        self.assertNotEqual(self.user(name, scim)["id"], made["id"])

    def test_AL18_filters(self):
        scim, name, external = self.provider(), self.name(), uuid.uuid4().hex
        work, home = self.name(), self.name()
        user = self.user(name, scim, externalId=external, emails=[{"value": work, "type": "work"},
                                                                  {"value": home, "type": "home"}])["id"]
        for text, due in (('username eq "%s"' % name, 1), ('userName eq "%s"' % name.upper(), 1),
                          ('externalId eq "%s"' % external, 1), ('externalId eq "%s"' % external.upper(), 0),
                          ('emails[value eq "%s"]' % work, 1), ('emails[value eq "%s"]' % home, 1),
                          ('emails[type eq "work" and value eq "%s"]' % work, 1),
                          ('emails[type eq "work" and value eq "%s"]' % home, 0)):
            with self.subTest(text):
                self.assertEqual(self.found(scim, "/Users", text), [user] * due)

    def test_AL13_AL19_AL22_AL34_provisioning(self):
        """Several attributes in one PATCH; and each change is on record, with who did it."""
        scim = self.provider()
        made = self.user(self.name(), scim, displayName="A", externalId="e-" + uuid.uuid4().hex)
        place, name = "/Users/" + made["id"], self.name()
        answer = scim.patch(place, patch_op({"op": "replace", "path": "userName", "value": name},
                                            {"op": "replace", "path": "displayName", "value": "B"},
                                            {"op": "add", "path": "title", "value": "T"},
                                            {"op": "replace", "path": "externalId", "value": "x-" + made["id"]},
                                            {"op": "add", "path": ENTERPRISE + ":department", "value": "Sales"}))
        shown = self.expect(answer, 200).json
        self.assertEqual((shown["userName"], shown["displayName"], shown["title"], shown["externalId"],
                          shown[ENTERPRISE]["department"]), (name, "B", "T", "x-" + made["id"], "Sales"))
        schema = {a["name"] for a in self.expect(scim.get("/Schemas/" + USER), 200).json["attributes"]}
        self.assertTrue({"userName", "displayName", "active"} <= schema)
        self.assertNotIn("password", schema)
        self.expect(scim.delete(place), 204)
        changes = [v for v in self.followers.changes(self.ws.id) if v["target"]["id"] == made["id"]]
        actions = [v["action"] for v in changes]
        for action in ("user.created", "user.updated", "user.deleted"):
            self.assertEqual(actions.count(action), 1, actions)
        self.assertEqual({v["actor"]["kind"] for v in changes}, {"key"})

    def test_AL25_all_users(self):
        """By cursors, a page after the other, also where a page is asked for that is larger than any."""
        scim = self.provider()
        made = {self.user(self.name(), scim)["id"] for _ in range(12)}
        seen, cursor = set(), ""
        while cursor is not None:
            page = self.expect(scim.get("/Users?count=5&cursor=" + cursor), 200).json
            self.assertLessEqual(len(page["Resources"]), 5)
            seen |= {r["id"] for r in page["Resources"]}
            cursor = page.get("nextCursor")
        self.assertTrue(made <= seen)
        self.assertLessEqual(self.expect(scim.get("/Users?count=100000"), 200).json["itemsPerPage"], 1000)

    def test_AL12_bulk(self):
        scim, name = self.provider(), self.name()
        done = self.expect(scim.post("/Bulk", {"schemas": [BULK], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": name}},
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "schemas": [GROUP], "displayName": self.name(), "members": [{"value": "bulkId:u"}]}}]}), 200).json
        self.assertEqual([o["status"] for o in done["Operations"]], ["201", "201"])
        user = self.found(scim, "/Users", 'userName eq "%s"' % name)[0]
        self.assertEqual(self.members(done["Operations"][1]["location"].rsplit("/", 1)[1], scim), {user})


class Groups(Ipsie):
    def test_AL21_AL26_AL28_AL29_groups_are_rooms(self):
        """Without members, by id and in the list; who is in a group is told to whoever acts on it."""
        scim, name = self.provider(), self.name()
        group = self.room(name, None, scim, externalId="g-" + name)
        self.assertEqual(group.get("members", []), [])
        self.assertEqual(self.expect(scim.get("/Groups/" + group["id"]), 200).json["externalId"], "g-" + name)
        listed = self.expect(scim.get("/Groups?excludedAttributes=members&count=200"), 200).json["Resources"]
        self.assertIn(group["id"], [g["id"] for g in listed])
        schema = {a["name"] for a in self.expect(scim.get("/Schemas/" + GROUP), 200).json["attributes"]}
        self.assertTrue({"displayName", "members"} <= schema)
        user = self.user(self.name(), scim)["id"]
        self.expect(scim.patch("/Groups/" + group["id"], patch_op({"op": "add", "path": "members", "value": [
            {"value": user}]})), 204)
        told = [v for v in self.followers.events(self.ws.id) if v["type"] == "usher.member.added"]
        self.assertIn((group["id"], user), [(v["room"]["id"], v["user"]["id"]) for v in told])

    def test_AL27_names_are_unique(self):
        scim, name = self.provider(), self.name()
        self.room(name, None, scim)
        other = self.room(self.name(), None, scim)["id"]
        self.expect(scim.post("/Groups", {"schemas": [GROUP], "displayName": name.upper()}), 409, "uniqueness")
        self.expect(scim.patch("/Groups/" + other, patch_op({"op": "replace", "path": "displayName", "value": name})), 409,
                    "uniqueness")

    def test_AL30_filters(self):
        scim, name, user = self.provider(), self.name(), None
        user = self.user(self.name(), scim)["id"]
        group = self.room(name, [user], scim, externalId="g-" + name)["id"]
        for text, due in (('displayName eq "%s"' % name, 1), ('externalId eq "g-%s"' % name, 1),
                          ('externalId eq "G-%s"' % name, 0), ('members[value eq "%s"]' % user, 1),
                          ('members[value eq "%s"]' % uuid.uuid4(), 0)):
            with self.subTest(text):
                self.assertEqual(self.found(scim, "/Groups", text), [group] * due)

    def test_AL31_many_operations_on_members(self):
        scim = self.provider()
        users = [self.user(self.name(), scim)["id"] for _ in range(60)]
        group = self.room(self.name(), users[:30], scim)["id"]
        steps = [{"op": "add", "path": "members", "value": [{"value": u}]} for u in users[30:]]
        steps += [{"op": "remove", "path": 'members[value eq "%s"]' % u} for u in users[:30]]
        self.expect(scim.patch("/Groups/" + group, patch_op(*steps)), 204)
        self.assertEqual(self.members(group, scim), set(users[30:]))
        self.assertNotIn("password", json.dumps(self.expect(scim.get("/Schemas"), 200).json))
