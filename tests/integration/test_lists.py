"""Lists, sorts and large rooms stop nobody: they have threads and connections of their own, two at a time for each key,
and are cancelled in PostgreSQL when nobody wants them any more. With 100,000 users, on a stack of its own."""

import os
import threading
import urllib.parse

import proxied
import stack as stacks
from case import Case
from crowd import FILL, FILL_LARGE, LARGE, MANY, ROOMS, USERS, fill, uuid
from scimhttp import USER
from test_door import Door

ARGS = "--deadline-ms=12000 --list-ms=6000 --list-threads=4"
HALL, GUEST = uuid(4, 1), uuid(1, USERS)
# No index has it, and with ten e-mail addresses each it takes PostgreSQL longer than a list may take.
HEAVY = " or ".join('emails[value co "q%d" and type ew "q"]' % i for i in range(30))
SLOW_CROWD = """UPDATE users SET display_name_key = 'same', search = search || jsonb_build_object('emails', (
    SELECT jsonb_agg(jsonb_build_object('value', 'm' || i || '@x', 'type', 'work')) FROM generate_series(1, 10) i))
    WHERE workspace_id = %(w)s"""
SAME = 'displayName eq "same" and title co "qq"'


def path_of(text, **more):
    return "/Users?" + urllib.parse.urlencode({"filter": text, "attributes": "id", **more})


class Asked:
    """A request on a thread of its own, made again and again where it is told to."""

    def __init__(self, client, path, again=lambda: False):
        self.answers = []
        self.thread = threading.Thread(target=self._ask, args=(client, path, again))
        self.thread.start()

    def _ask(self, client, path, again):
        while not self.answers or again():
            self.answers.append(client.get(path))
        client.close()

    def wait(self):
        self.thread.join()
        return self.answers[-1]


class Lists(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-lists", INGEST_ARGS=ARGS,
                                     WORKER_ARGS=stacks.APPLY_ALONE)
        cls.stack.start()
        cls.ws, cls.other = cls.stack.workspace("crowd"), cls.stack.workspace("other")
        cls.http = cls.ws.client
        fill(cls.stack, cls.ws.id, *FILL[:4], *FILL_LARGE, SLOW_CROWD)
        cls.owner = cls.stack.ctl("owner", "create", "--workspace", cls.ws.id, "--name", "who revokes")["token"]
        for name in ("one", "two", "three"):
            cls.one = cls.other.client.post("/Users", {"schemas": [USER], "userName": name}).json["id"]

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        cls.other.client.close()
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    # ---- what PostgreSQL and the ingest say

    def backends(self, state="%"):
        return {row[0] for row in self.stack.sql("SELECT pid FROM pg_stat_activity WHERE application_name = "
                                                 "'usher-ingest list' AND state LIKE %s", state)}

    def running(self):
        return len(self.backends("active"))

    def metric(self, name):
        lines = self.ws.open(prefix="", check=False).get("/metrics").body.decode().splitlines()
        return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(name + " ")))

    def ended(self, reason):
        return self.metric('usher_lists_ended_total{reason="%s"}' % reason)

    def lists_run(self):
        return self.metric("usher_list_seconds_count")

    def heavy(self, token=None, url=None, again=lambda: False):
        return Asked(self.ws.open(token, url=url), path_of(HEAVY), again)

    def nothing_runs(self):
        self.wait_until(lambda: self.running() == 0 and self.metric("usher_lists_running") == 0, "no list to run")
        self.assertEqual(self.metric("usher_lists_waiting"), 0)
        self.wait_until(lambda: self.metric("usher_list_bytes") == 0, "the memory of lists to be given back")

    # ---- one tenant's lists, and everybody else

    def others_go_on(self):
        """Reads, look-ups, pages, a sort, a filter, writes and a revocation."""
        token, key = self.ws.key("short-lived")
        client, owner = self.other.open(), self.ws.open(self.owner, prefix="/api/v1/admin")
        for _ in range(10):
            self.expect(client.get("/Users/" + self.one), 200)
            self.assertEqual(self.expect(client.get(path_of('userName eq "one"')), 200).json["totalResults"], 1)
            self.expect(client.get("/Users?count=2"), 200)
            self.expect(client.get("/Users?sortBy=title"), 200)
            self.expect(client.get(path_of('title co "x"')), 200)
        self.expect(client.post("/Users", {"schemas": [USER], "userName": "while lists run"}), 201)
        self.assertEqual(owner.delete("/keys/" + key).status, 204)
        self.expect(self.ws.open(token).get("/Users?count=0"), 401)
        client.close()
        owner.close()

    def test_one_key_s_lists_stop_nobody(self):
        """Two run, the others wait, nobody else notices; what takes too long is cancelled and refused by name."""
        stop, before = threading.Event(), self.ended("time")
        asked = [self.heavy(again=lambda: not stop.is_set()) for _ in range(8)]
        self.wait_until(lambda: self.running() == 2, "two lists to run")
        self.assertEqual(self.metric("usher_lists_running"), 2)
        self.assertGreaterEqual(self.metric("usher_lists_waiting"), 1)
        pids = self.backends()
        self.others_go_on()
        most = 0
        while not all(a.answers for a in asked):
            most = max(most, self.running())
        stop.set()
        self.assertEqual(most, 2)
        for a in asked:
            a.wait()
        answers = [one for a in asked for one in a.answers]
        for one in answers:
            self.assertIn(one.status, (400, 429), one)
            self.assertEqual(one.json.get("scimType"), "tooMany" if one.status == 400 else None, one)
            self.assertEqual(one.headers.get("retry-after"), "1" if one.status == 429 else None, one)
        counts = [sum(one.status == status for one in answers) for status in (400, 429)]
        self.assertGreaterEqual(min(counts), 2)
        self.assertEqual(self.ended("time") - before, counts[0])
        self.nothing_runs()
        self.assertLessEqual(pids, self.backends(), "connections that were cancelled are good for the next list")
        self.expect(self.ws.client.get("/Users?count=2"), 200)

    def test_too_many_that_wait(self):
        """Over lists-waiting a list is refused at once."""
        url = self.stack.extra_ingest("few", stacks.free_port(), ARGS + " --lists-waiting=1 --lists-per-key=1")
        begun = [self.heavy(url=url)]
        self.wait_until(lambda: self.running() == 1, "a list to run")
        begun += [self.heavy(url=url) for _ in range(4)]
        self.wait_until(lambda: sum(bool(a.answers) for a in begun) >= 3, "three to be refused")
        self.assertEqual([a.wait().status for a in begun].count(429), 3)
        self.nothing_runs()

    # ---- lists that nobody wants any more

    def test_a_client_that_goes_takes_its_list_along(self):
        before = self.ended("gone")
        door = Door(self, self.ws.token, "/scim/v2" + path_of(HEAVY), "GET")
        self.wait_until(lambda: self.running() == 1, "the list to run")
        door.sock.close()
        self.wait_until(lambda: self.ended("gone") == before + 1, "the list to end with its client")
        self.nothing_runs()

    def revoked_while_it_runs(self, revoke, why="revoked"):
        token, key = self.ws.key("soon revoked")
        before = self.ended("revoked")
        asked = [self.heavy(token) for _ in range(3)]
        self.wait_until(lambda: self.running() == 2, "two lists to run")
        revoke(key)
        for a in asked:
            self.assertIn("has been " + why, self.expect(a.wait(), 401).json["detail"])
        self.assertEqual(self.ended("revoked"), before + 3)
        self.nothing_runs()

    def test_12_revoked_means_its_lists_too(self):
        """Those that run and those that wait; also where another ingest was told."""
        for url in (self.stack.url, proxied.url(self.stack)):
            client = self.ws.open(self.owner, url=url, prefix="/api/v1/admin")
            with self.subTest(url):
                self.revoked_while_it_runs(lambda key: self.assertEqual(client.delete("/keys/" + key).status, 204))
            client.close()
        self.revoked_while_it_runs(lambda key: self.stack.ctl("key", "revoke", key))

    def test_12_rotated_means_those_of_the_old_token(self):
        """At this ingest and at another."""
        for url in (self.stack.url, proxied.url(self.stack)):
            client = self.ws.open(self.owner, url=url, prefix="/api/v1/admin", check=False)
            with self.subTest(url):
                self.revoked_while_it_runs(
                    lambda key: self.assertEqual(client.request("POST", "/keys/%s/rotate" % key).status, 200),
                    "rotated")
            client.close()

    def test_12_with_an_overlap_they_go_on(self):
        token, key = self.ws.key("slowly rotated")
        before = self.ended("revoked")
        asked = self.heavy(token)
        self.wait_until(lambda: self.running() == 1, "the list to run")
        new = self.stack.ctl("key", "rotate", key, overlap="1h")["token"]
        with_new = self.heavy(new)
        for a in (asked, with_new):
            self.expect(a.wait(), 400, "tooMany")  # they have had all their time
        self.assertEqual(self.ended("revoked"), before)
        self.nothing_runs()

    # ---- large rooms

    def shown(self, path):
        return self.expect(self.ws.client.get(path), 200).json

    def test_a_room_of_100_000(self):
        """All of it, read in pieces; what is small stays on the short way."""
        begun = self.lists_run()
        for small in ("/Users/" + uuid(1, 7), "/Groups/" + uuid(2, 7), "/Groups/" + HALL + "?excludedAttributes=members"):
            self.expect(self.ws.client.get(small), 200)
        self.assertEqual(self.lists_run(), begun)
        everybody = ["0190c5a4-0001-7000-8000-%012x" % i for i in range(1, LARGE + 1)]
        room = self.shown("/Groups/" + HALL)
        self.assertEqual([m["value"] for m in room["members"]], everybody)
        self.assertEqual(self.lists_run(), begun + 1)
        found = self.shown("/Groups?" + urllib.parse.urlencode({"filter": 'displayName eq "hall 1"'}))["Resources"]
        self.assertEqual([r["members"] for r in found], [room["members"]])
        named = self.shown("/Groups/" + HALL + "?attributes=members.value,members.display")["members"]
        self.assertEqual([m["value"] for m in named], everybody)
        self.assertEqual(named[6]["display"], "Name 7")
        groups = self.shown("/Users/" + GUEST)["groups"]
        self.assertEqual([g["value"] for g in groups], [uuid(2, ROOMS)] + [uuid(4, i) for i in range(1, MANY + 1)])
        self.nothing_runs()

    def test_held_members_of_a_large_room_are_not_shown(self):
        self.stack.sql("UPDATE members SET held = true WHERE workspace_id = %s AND room_id = %s AND user_id > %s",
                       self.ws.id, HALL, uuid(1, 600))
        try:
            self.assertEqual(len(self.shown("/Groups/" + HALL)["members"]), 600)
        finally:
            self.stack.sql("UPDATE members SET held = false WHERE workspace_id = %s AND room_id = %s", self.ws.id, HALL)

    def test_a_write_shows_a_large_room(self):
        """The reply to a write goes the same way."""
        add = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
               "Operations": [{"op": "replace", "path": "externalId", "value": "h"}]}
        room = self.expect(self.ws.client.patch("/Groups/" + HALL + "?attributes=members", add), 200).json
        self.assertEqual(len(room["members"]), LARGE)

    def test_an_answer_that_is_too_large(self):
        """A quarter of list-memory is for one."""
        url = self.stack.extra_ingest("small", stacks.free_port(), ARGS + " --list-memory=4194304")
        client = self.ws.open(url=url)
        refused = self.expect(client.get("/Groups/" + HALL), 400, "tooMany")
        self.assertIn("more than 1048576 bytes", refused.json["detail"])
        self.expect(client.get("/Groups/" + uuid(2, 7)), 200)
        client.close()

    # ---- look-ups that find much

    def test_a_look_up_that_takes_long_goes_to_the_lists(self):
        begun = self.lists_run()
        page = self.shown(path_of('displayName eq "same"', count=100))
        self.assertEqual((page["totalResults"], len(page["Resources"])), (100000, 100))
        self.assertEqual(self.lists_run(), begun + 1, "it shows more than a short read does")
        for n in (2, 3):
            self.assertEqual(self.shown(path_of(SAME))["totalResults"], 0)
            self.assertEqual(self.lists_run(), begun + n, "it takes longer than a short read may")
