"""What metrics tell operators of all workspaces: seats, and credentials that expire. Other suites work on the same stack;
so each test makes what stands at the end of a list by itself."""

import re

import proxied
from case import Case
from scimhttp import USER, Client

FULL = "usher_seats_full_workspaces"
CREDENTIALS = "SELECT many, soonest / 1000000 FROM sight_credentials(20) WHERE kind = %s"


class Sight(Case):
    def setUp(self):
        self.url = self.stack.env["USHER_URL_WORKER"]

    def scrape(self):
        http = Client(self.url, prefix="", check=False)
        try:
            return http.get("/metrics").body.decode()
        finally:
            http.close()

    def named(self, name):
        """{id of a workspace: value} of a metric that has series of the fullest ones."""
        return {w: int(v) for w, v in re.findall(r'(?m)^%s\{workspace="([^"]*)",name="[^"]*"\} (\d+)$' % name, self.scrape())}

    def expires(self, table, kind, credential, words):
        """As if the credential had been made long ago, and the first of all to expire: it is told until it is revoked."""
        at = self.stack.sql("UPDATE %s SET created = now() - interval '40 days', expires = now() + interval '2 hours' "
                            "WHERE workspace_id = %%s AND id = %%s RETURNING floor(extract(epoch FROM expires))" % table,
                            self.ws.id, credential)[0][0]
        series = 'usher_expiring_timestamp_seconds{kind="%s"}' % kind
        self.wait_until(lambda: proxied.metric(self.url, series) == at, "the first that expires")
        self.assertGreaterEqual(proxied.metric(self.url, 'usher_expiring_credentials{kind="%s"}' % kind), 1)
        self.stack.ctl(*words, credential)
        self.wait_until(lambda: proxied.metric(self.url, series) != at, "it to be forgotten")

    def test_a_key_that_expires(self):
        made = self.stack.ctl("key", "create", workspace=self.ws.id, name="old", scopes="all", expires="30d")
        self.expires("keys", "key", made["key"]["id"], ("key", "revoke"))

    def test_an_owner_whose_credential_expires(self):
        self.stack.ctl("owner", "create", workspace=self.ws.id, name="Otto")  # the last owner may not be revoked
        made = self.stack.ctl("owner", "create", workspace=self.ws.id, name="Olga", expires="30d")
        self.expires("owners", "owner", made["owner"]["id"], ("owner", "revoke"))

    def test_one_that_was_made_for_a_short_time(self):
        """Whoever made it knew: it is counted apart, and no alert waits for it."""
        before = self.stack.sql(CREDENTIALS, "short")[0][0]
        key = self.stack.ctl("key", "create", workspace=self.ws.id, name="short", scopes="all", expires="1h")["key"]["id"]
        self.addCleanup(self.stack.ctl, "key", "revoke", key)
        self.stack.ctl("key", "create", workspace=self.ws.id, name="later", scopes="all", expires="21d")
        self.assertEqual(self.stack.sql("SELECT kind FROM sight_credentials(20) WHERE workspace = %s AND name = 'later'",
                                        self.ws.name), [])
        self.assertGreater(self.stack.sql(CREDENTIALS, "short")[0][0], 0, before)
        self.wait_until(lambda: proxied.metric(self.url, 'usher_expiring_credentials{kind="short"}') > 0, "the short one")

    def test_seats(self):
        """Of the fullest workspaces each has its series, as many as the setting says; full is more than 95 of 100."""
        ws = self.stack.workspace("sight", seats=100)
        self.addCleanup(ws.client.close)
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [{"method": "POST", "path": "/Users", "bulkId": str(i),
                                "data": {"schemas": [USER], "userName": "sight%d" % i}} for i in range(95)]}
        self.expect(ws.client.post("/Bulk", bulk), 200)
        full = "SELECT count(*) FROM workspaces WHERE workspace_id = %s AND seats_used * 100 > seats_limit * 95"
        state = "SELECT used, seats_limit FROM sight_seats(95, 1000) WHERE workspace_id = %s"
        self.assertEqual(self.stack.sql(full, ws.id), [(0,)])
        for i in range(95, 100):
            self.user("sight%d" % i, ws.client)
        self.assertEqual(self.stack.sql(state, ws.id), [(100, 100)])
        self.wait_until(lambda: self.named("usher_workspace_seats_used").get(ws.id) == 100, "the fullest workspace to be named")
        self.assertEqual(self.named("usher_workspace_seats_limit")[ws.id], 100)
        self.assertLessEqual(len(self.named("usher_workspace_seats_used")), 10)
        self.assertGreaterEqual(proxied.metric(self.url, FULL), 1)
        self.assertGreaterEqual(proxied.metric(self.url, "usher_seats_used"), 100)
        self.assertGreaterEqual(proxied.metric(self.url, "usher_seats_limit"), proxied.metric(self.url, "usher_seats_used"))
        self.stack.ctl("workspace", "set", ws.id, seats=200)
        self.wait_until(lambda: self.named("usher_workspace_seats_limit").get(ws.id) != 100, "the new limit")

    def test_the_share_that_is_full(self):
        """At 95 of 100 it is not, at 96 it is; one without a limit never is."""
        counted = self.stack.sql("SELECT (SELECT count(*) FROM workspaces WHERE seats_used * 100 > seats_limit * 95), "
                                 "(SELECT max(crowded) FROM sight_seats(95, 3)), (SELECT count(*) FROM sight_seats(95, 3)), "
                                 "(SELECT count(*) FROM sight_seats(95, 0))")[0]
        self.assertEqual(counted[0], counted[1])
        self.assertLessEqual(counted[2], 3)
        self.assertEqual(counted[3], 1)
        change = "UPDATE workspaces SET seats_used = %s, seats_limit = %s WHERE workspace_id = %s"
        for used, limit, due in ((95, 100, 0), (96, 100, 1), (1, 1, 1), (0, 0, 0), (5, None, 0)):
            with self.stack.connection.cursor() as c:  # what is not committed disturbs nobody
                c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                seen = []
                for values in ((0, None), (used, limit)):
                    c.execute(change, (*values, self.ws.id))
                    c.execute("SELECT max(crowded) FROM sight_seats(95, 3)")
                    seen.append(c.fetchone()[0])
            self.stack.connection.rollback()
            self.assertEqual(seen[1] - seen[0], due, (used, limit))
