"""Pages: by index (G2, G3), by cursor (RFC 9865: G4 to G11), under writes of others; cursors through a restart of
the ingest, and when they are too old, on a stack of their own, whose cursors live for a few seconds; there also
lists of an operator's own types."""

import os
import random
import threading
import time
import urllib.parse

import stack as stacks
from case import Case
from scimhttp import USER, statuses
from waiting import let_time_pass

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DEVICE = "urn:example:params:scim:schemas:2.0:Device"
LEASE = "urn:example:params:scim:schemas:extension:lease:2.0:Device"
UNRESERVED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Pages(Case):
    N = 23

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ids = [cls.make(i) for i in range(cls.N)]

    @classmethod
    def make(cls, i, client=None):
        made = (client or cls.http).post("/Users",
                                         {"schemas": [USER],
                                          "userName": "page%04d@%s.example" % (i, cls.__name__.lower()),
                                          "title": "T%d" % (i % 4)})
        assert made.status == 201, made
        return made.json["id"]

    def page(self, path="/Users", client=None, **q):
        return self.expect((client or self.http).get(path + "?" + urllib.parse.urlencode(q)), 200).json

    def refused(self, scim_type, client=None, status=400, path="/Users", **q):
        return self.expect((client or self.http).get(path + "?" + urllib.parse.urlencode(q)), status, scim_type)

    def walk(self, between=lambda page: None, path="/Users", key="nextCursor", cursor="", **q):
        """All pages behind a cursor; gives [page]."""
        pages = []
        while cursor is not None:
            pages.append(self.page(path, cursor=cursor, **q))
            # G5.
            self.assertLessEqual(set(pages[-1].get("nextCursor", "") + pages[-1].get("previousCursor", "")), UNRESERVED)
            self.assertEqual(pages[-1]["itemsPerPage"], len(pages[-1]["Resources"]))
            between(pages[-1])
            cursor = pages[-1].get(key)
            self.assertLess(len(pages), 500)
        return pages

    @staticmethod
    def seen(pages):
        return [r["id"] for p in pages for r in p["Resources"]]


class Index(Pages):
    def test_G2_G3_corners(self):
        n = self.N
        for q, expected in (({}, (n, 1, n)), ({"startIndex": 0}, (n, 1, n)),
                            ({"startIndex": -7, "count": 3}, (n, 1, 3)), ({"count": 0}, (n, 1, 0)),
                            ({"count": -5}, (n, 1, 0)),
                            ({"startIndex": n}, (n, n, 1)), ({"startIndex": n + 1}, (n, n + 1, 0)),
                            ({"startIndex": 99999, "count": 10}, (n, 99999, 0)), ({"count": 10 ** 12}, (n, 1, n)),
                            ({"count": 5, "startIndex": n - 4}, (n, n - 4, 5)),
                            ({"count": 5, "startIndex": n - 5}, (n, n - 5, 5)),
                            ({"startIndex": 5, "count": 0}, (n, 5, 0))):
            page = self.page(**q)
            self.assertEqual((page["totalResults"], page["startIndex"], page["itemsPerPage"]), expected, q)
            self.assertEqual(len(page["Resources"]), expected[2])
            self.assertNotIn("nextCursor", page)  # G8: index is the default
        for bad in ("1.5", "one", "1e3", "0x1", "1 ", "--1"):
            self.refused("invalidValue", count=bad)
            self.refused("invalidValue", startIndex=bad)

    def test_G3_stable_under_writes(self):
        """What is made while somebody pages comes at the end; what is changed keeps its place: nothing is missed,
        nothing comes twice."""
        seen, made = [], []
        for start in range(1, 100, 4):
            page = self.page(startIndex=start, count=4, filter='userName ew "index.example"')
            seen += [u["id"] for u in page["Resources"]]
            if not page["Resources"]:
                break
            if len(made) < 7:
                made.append(self.make(1000 + start))
                self.expect(self.http.patch("/Users/" + self.ids[start % self.N],
                                            {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                             "Operations": [
                    {"op": "replace", "path": "nickName", "value": "N%d" % start}]}), 200)
        self.assertEqual(seen, self.ids + made)
        for u in made:
            self.expect(self.http.delete("/Users/" + u), 204)

    def test_C4_itemsPerPage_with_filter(self):
        page = self.page(filter='title eq "T1"', startIndex=2, count=2)
        self.assertEqual((page["totalResults"], page["startIndex"], page["itemsPerPage"]), (6, 2, 2))
        self.assertEqual([u["id"] for u in page["Resources"]], self.ids[1::4][1:3])


class Cursors(Pages):
    def test_G4_G5_forward_and_back(self):
        for asked in ({}, {"sortBy": "title"}, {"sortBy": "title", "sortOrder": "descending"}, {"sortBy": "nickName"},
                      {"filter": "title pr"}):
            whole = [u["id"] for u in self.page(count=200, **asked)["Resources"]]
            for count in (1, 5, 22, 23, 24, 200):
                pages = self.walk(count=count, **asked)
                self.assertEqual(self.seen(pages), whole)
                self.assertEqual(len(pages), -(-self.N // count))
                self.assertEqual({p["totalResults"] for p in pages}, {self.N})
                self.assertNotIn("startIndex", pages[0])
                self.assertNotIn("previousCursor", pages[0])  # G5: never on the first page
                for p in pages[1:]:
                    self.assertIn("previousCursor", p)
                back, cursor = [], pages[-1].get("previousCursor")
                while cursor is not None:
                    page = self.page(cursor=cursor, count=count, **asked)
                    back, cursor = [u["id"] for u in page["Resources"]] + back, page.get("previousCursor")
                    self.assertIn("nextCursor", page)
                self.assertEqual(back, whole[:len(whole) - len(pages[-1]["Resources"])])

    def test_G4_there_and_back_again(self):
        first = self.page(cursor="", count=5)
        second = self.page(cursor=first["nextCursor"], count=5)
        again = self.page(cursor=second["previousCursor"], count=5)
        self.assertEqual([u["id"] for u in again["Resources"]], [u["id"] for u in first["Resources"]])
        self.assertNotIn("previousCursor", again)
        self.assertEqual(self.page(cursor=again["nextCursor"], count=5)["Resources"], second["Resources"])

    def test_G4_without_value(self):
        page = self.expect(self.http.get("/Users?cursor&count=2"), 200).json
        self.assertEqual([u["id"] for u in page["Resources"]], self.ids[:2])
        self.assertIn("nextCursor", page)
        self.assertNotIn("nextCursor", self.page(cursor="", filter='userName eq "none"'))  # G5: the end
        self.assertEqual(self.page(cursor="", count=0)["totalResults"], self.N)
        self.assertEqual(self.page(cursor="", count=-3)["itemsPerPage"], 0)
        next_page = self.page(cursor=page["nextCursor"])  # the size of the page is the cursor's where it is not said
        self.assertEqual([u["id"] for u in next_page["Resources"]], self.ids[2:4])

    def test_G7_refusals(self):
        page = self.page(cursor="", count=2, filter="title pr", sortBy="title")
        good = page["nextCursor"]
        same = dict(filter="title pr", sortBy="title")
        self.page(cursor=good, count=2, **same)
        for forged in ("x", "AAAA", good[:-1], good + "A", good[:-1] + ("A" if good[-1] != "A" else "B"),
                       "A" + good[1:], good.lower(), "!" * 50, "x" * 5000):
            self.refused("invalidCursor", cursor=forged, count=2, **same)
        for other in ({"filter": "title pr"}, {"sortBy": "title"}, dict(same, sortOrder="descending"),
                      dict(same, filter='title eq "T1"'), dict(same, attributes="userName"),
                      dict(same, excludedAttributes="title"), dict(same, sortBy="userName")):
            self.refused("invalidCursor", cursor=good, count=2, **other)
        self.refused("invalidCursor", path="/Groups", cursor=self.page(cursor="", count=2)["nextCursor"], count=2)
        self.refused("invalidCursor", path="/", cursor=self.page(cursor="", count=2)["nextCursor"], count=2)
        for count in (3, 1, 0, 200):
            self.refused("invalidCount", cursor=good, count=count, **same)
        self.refused("invalidCount", cursor="", count=201)
        self.refused("invalidCount", cursor=good, count=10 ** 10, **same)
        self.refused("invalidValue", cursor="", count="many")
        self.refused("invalidValue", cursor="", startIndex=1)  # G8

    def test_G10_another_key_another_workspace(self):
        """A cursor grants nothing and tells nothing: whoever else shows it gets what nonsense gets, to the letter;
        and scopes are checked on every page."""
        good = self.page(cursor="", count=2)["nextCursor"]
        nonsense = self.refused("invalidCursor", cursor="x", count=2).json
        other_key = self.ws.open(self.ws.key("second")[0])
        other_ws = self.stack.workspace("cursors-other")
        for client in (other_key, other_ws.client):
            self.assertEqual(self.refused("invalidCursor", client=client, cursor=good, count=2).json, nonsense)
        blind = self.ws.open(self.ws.key("blind", scopes="scim:rooms:read")[0])
        self.refused(None, client=blind, status=403, cursor=good, count=2)
        self.page(cursor=good, count=2)

    def test_G9_in_search(self):
        """`cursor` is a member of the body there, and the same cursors do for both."""
        seen, cursor = [], ""
        while cursor is not None:
            page = self.expect(self.http.post("/Users/.search",
                                              {"schemas": [SEARCH], "cursor": cursor, "count": 4, "sortBy": "title",
                                               "attributes": ["userName"]}), 200).json
            seen, cursor = seen + [u["id"] for u in page["Resources"]], page.get("nextCursor")
            if len(seen) == 8:
                same = self.page(cursor=cursor, count=4, sortBy="title", attributes="userName")
                other = self.expect(self.http.post("/Users/.search",
                                                   {"schemas": [SEARCH], "cursor": cursor, "count": 4,
                                                    "sortBy": "title", "attributes": ["userName"]}), 200).json
                self.assertEqual(same["Resources"], other["Resources"])
        self.assertEqual(seen, [u["id"] for u in self.page(sortBy="title", count=200)["Resources"]])
        self.expect(self.http.post("/Users/.search", {"schemas": [SEARCH], "cursor": "x"}), 400, "invalidCursor")
        self.expect(self.http.post("/Users/.search", {"schemas": [SEARCH], "cursor": "", "startIndex": 1}), 400,
                    "invalidValue")
        self.expect(self.http.post("/Users/.search", {"schemas": [SEARCH], "cursor": "", "count": 201}), 400,
                    "invalidCount")

    def test_G6_G11_totals_and_limits(self):
        """The total is always said; no page has more than is announced, and each costs a unit of the rate like any
        request."""
        pagination = self.http.get("/ServiceProviderConfig").json["pagination"]
        # D3, G8.
        self.assertEqual(pagination, {"cursor": True, "index": True, "defaultPaginationMethod": "index",
                                      "defaultPageSize": 100, "maxPageSize": 200, "cursorTimeout": 600})
        limited = self.stack.workspace("cursors-limited", rate=10)
        answers = [limited.client.get("/Users?cursor=&count=1") for _ in range(12)]
        self.assertEqual(statuses(answers), {200: 10, 429: 2})

    def test_X2_what_a_cursor_holds_cannot_be_read(self):
        import base64
        page = self.page(cursor="", count=3, sortBy="userName")
        raw = base64.urlsafe_b64decode(page["nextCursor"] + "===")
        self.assertNotIn(b"page", raw)
        self.assertNotIn(self.ids[2].replace("-", ""), raw.hex())


class Moving(Pages):
    """Under deletes and inserts of others, forward, back, sorted and not."""

    def test_G5_rows_that_go_and_come(self):
        for asked in ({}, {"sortBy": "userName"}, {"sortBy": "userName", "sortOrder": "descending"},
                      {"sortBy": "title"}):
            with self.subTest("G5 %s" % asked):
                extra = [self.make(2000 + i) for i in range(12)]
                whole = [u["id"] for u in self.page(count=200, **asked)["Resources"]]
                gone, come = [], []

                def between(page):
                    ids = [u["id"] for u in page["Resources"]]
                    mine = [u for u in extra if u not in gone]
                    if mine:  # the row that the cursor stands at, if it is one of ours, and another one
                        victims = ([ids[-1]] if ids and ids[-1] in mine
                                   else []) + [u for u in mine if not ids or u != ids[-1]][:1]
                        for u in victims:
                            self.expect(self.http.delete("/Users/" + u), 204)
                            gone.append(u)
                    come.append(self.make(3000 + len(come)))
                    extra.append(come[-1])

                seen = self.seen(self.walk(between, count=3, **asked))
                self.assertEqual(len(seen), len(set(seen)), "a row came twice")
                self.assertEqual([u for u in seen if u in whole], [u for u in whole if u in seen], "out of order")
                self.assertLessEqual(set(self.ids), set(seen), "a row that was there all the time is missing")
                for u in extra:
                    if u not in gone:
                        self.expect(self.http.delete("/Users/" + u), 204)

    def test_G5_beside_writers(self):
        """Threads make and delete while a reader walks: those that are there all the time come exactly once."""
        stop, trouble = threading.Event(), []

        def churn(n):
            client, i = self.http.again(), 0
            try:
                while not stop.is_set():
                    i += 1
                    made = self.make(10000 * (n + 1) + i, client)
                    if client.delete("/Users/" + made).status != 204:
                        trouble.append(made)
            except Exception as e:  # noqa: BLE001
                trouble.append(e)
            client.close()

        threads = [threading.Thread(target=churn, args=(n,)) for n in range(3)]
        for t in threads:
            t.start()
        try:
            for asked in ({}, {"sortBy": "userName"}, {"sortBy": "title", "sortOrder": "descending"},
                          {"filter": "active eq true", "sortBy": "userName"}) * 3:
                seen = self.seen(self.walk(count=4, **asked))
                self.assertEqual(len(seen), len(set(seen)))
                self.assertLessEqual(set(self.ids), set(seen))
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(trouble, [])

    def test_G5_pages_that_became_empty(self):
        """Where all behind a cursor, or all before it, has gone: an empty page, from which the way back leads to
        what is left."""
        ws = self.stack.workspace("cursors-empty")
        ids = [self.make(i, ws.client) for i in range(6)]
        first = self.page(client=ws.client, cursor="", count=3)
        second = self.page(client=ws.client, cursor=first["nextCursor"], count=3)
        self.assertNotIn("nextCursor", second)
        for u in ids[3:]:
            self.expect(ws.client.delete("/Users/" + u), 204)
        empty = self.page(client=ws.client, cursor=first["nextCursor"], count=3)
        self.assertEqual((empty["Resources"], "nextCursor" in empty), ([], False))
        left = self.page(client=ws.client, cursor=empty["previousCursor"], count=3)
        self.assertEqual([u["id"] for u in left["Resources"]], ids[:3])
        more = [self.make(10 + i, ws.client) for i in range(3)]
        page = self.page(client=ws.client, cursor=left["nextCursor"], count=3)
        self.assertEqual([u["id"] for u in page["Resources"]], more)
        for u in ids[:3]:
            self.expect(ws.client.delete("/Users/" + u), 204)
        before = self.page(client=ws.client, cursor=page["previousCursor"], count=3)
        self.assertEqual((before["Resources"], "previousCursor" in before), ([], False))
        self.assertEqual([u["id"] for u in self.page(client=ws.client, cursor=before["nextCursor"],
                                                     count=3)["Resources"]], more)


class Lifetime(Pages):
    """On a stack of its own: its cursors live for a few seconds, and it has types of an operator's own."""

    SECONDS = 10

    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-cursors",
                                     INGEST_ARGS="--cursor-seconds=%d" % cls.SECONDS, WORKER_ARGS=stacks.APPLY_ALONE,
                                     SCHEMA_DIR=os.path.join(stacks.ROOT, "tests", "cases", "schemas", "good"))
        cls.stack.start()
        cls.ws = cls.stack.workspace("lifetime")
        cls.http = cls.ws.client
        cls.ids = [cls.make(i) for i in range(5)]

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    # What a device is sorted by; None = no value.
    DEVICES = {
        "deviceName": lambda d: d["deviceName"].lower(), "serial": lambda d: d["serial"],
        "weight": lambda d: d.get("weight"), "channels": lambda d: d.get("channels"),
        "bought": lambda d: d.get("bought"), "online": lambda d: d.get("online"),
        "tags": lambda d: d.get("tags", [None])[0], "levels": lambda d: d.get("levels", [None])[0],
        "place.floor": lambda d: d.get("place", {}).get("floor"),
        "place.keys": lambda d: d.get("place", {}).get("keys", [None])[0],
        "interfaces": lambda d: next((i["value"] for i in d.get("interfaces", []) if i.get("primary")),
                                     d.get("interfaces", [{}])[0].get("value")),
        "interfaces.speed": lambda d: next((i.get("speed") for i in d.get("interfaces", []) if i.get("primary")),
                                           d.get("interfaces", [{}])[0].get("speed")),
        "interfaces.vlans": lambda d: next((i.get("vlans", [None])[0] for i in d.get("interfaces", [])
                                            if i.get("primary")), d.get("interfaces", [{}])[0].get("vlans", [None])[0]),
        "ends": lambda d: d.get(LEASE, {}).get("ends"), "externalId": lambda d: d.get("externalId"),
        "id": lambda d: d["id"],
    }

    def test_G1_G4_types_of_an_operators_own(self):
        """Sorted by every kind of attribute, in pages by cursor, with a filter, by .search, and together with all
        other types."""
        rng, devices = random.Random(9865), []
        for i in range(26):
            body = {"schemas": [DEVICE], "deviceName": "D%02d" % rng.randint(0, 9), "serial": "S-%d" % i,
                    "externalId": "x%d" % rng.randint(0, 5)}
            more = {"weight": rng.choice((0.1, 0.25, 1e-7, 12.5, 1e20, -3)), "channels": rng.randint(-5, 12),
                    "online": rng.choice((True, False)), "tags": rng.sample(["a", "b", "c"], 2),
                    "levels": rng.sample(range(-3, 9), 3),
                    "bought": rng.choice(("2026-01-02T03:04:05Z", "1969-12-31T23:59:59Z", "2030-01-01T00:00:00Z")),
                    "place": {"site": "A", "floor": rng.randint(-2, 3), "keys": rng.sample(["k1", "k2", "k3"], 2)},
                    "interfaces": [{"value": "i%02d" % (i * 7 % 26), "speed": rng.randint(1, 99),
                                    "vlans": rng.sample(range(9), 2)},
                                   {"value": "z%02d" % i, "speed": rng.randint(1, 99), "vlans": [5],
                                    "primary": rng.choice((True, False))}],
                    LEASE: {"contract": "C", "fee": rng.choice((1.5, 2, 10)),
                            "ends": rng.choice(("2027-05-01T00:00:00Z", "2027-04-01T00:00:00Z"))}}
            body.update({k: v for k, v in more.items() if rng.random() < 0.6})
            devices.append(self.expect(self.http.post("/Devices", body), 201).json)
        for by, key in self.DEVICES.items():
            for order in ("ascending", "descending"):
                due = [d["id"] for d in sorted(devices, key=lambda d: (key(d) is None, key(d) if key(d) is not None
                                                                       else 0, d["id"]), reverse=order == "descending")]
                with self.subTest("G1 %s %s" % (by, order)):
                    asked = {"sortBy": by, "sortOrder": order}
                    self.assertEqual([d["id"] for d in self.page("/Devices", count=200, **asked)["Resources"]], due)
                    self.assertEqual(self.seen(self.walk(path="/Devices", count=9, filter="serial pr", **asked)), due)
        found = self.expect(self.http.post("/Devices/.search",
                                           {"schemas": [SEARCH], "filter": 'channels gt 3 and place.floor ge 0',
                                            "sortBy": "weight", "attributes": ["serial"]}), 200).json
        self.assertEqual({d["id"] for d in found["Resources"]}, {d["id"] for d in devices if d.get("channels", 0) > 3
                                                                 and d.get("place", {}).get("floor", -1) >= 0})
        # A secret: its order would tell it.
        self.expect(self.http.post("/Devices/.search", {"schemas": [SEARCH], "sortBy": "pin"}), 400, "invalidValue")
        everything = self.seen(self.walk(path="", count=4))
        self.assertEqual(everything, sorted(self.ids + [d["id"] for d in devices]))
        # numbers of one type, texts of another under one name: an order all the same, and each comes once
        mixed = self.seen(self.walk(path="", count=4, sortBy="title", sortOrder="descending"))
        self.assertEqual(sorted(mixed), everything)
        self.assertEqual(mixed[-5:], [u["id"] for u in self.page(sortBy="title", sortOrder="descending")["Resources"]])
        self.assertEqual([r["id"]
                          for r in self.expect(self.http.find("", 'meta.resourceType eq "Device" and serial eq "S-3"'),
                                               200).json["Resources"]], [devices[3]["id"]])
        tag = self.expect(self.http.get("/Devices/" + devices[0]["id"]), 200)
        self.assertEqual(tag.headers["content-location"], tag.json["meta"]["location"])
        self.assertEqual(self.http.get("/Devices/" + devices[0]["id"],
                                       headers={"If-None-Match": tag.headers["etag"]}).status, 304)
        for d in devices:
            self.expect(self.http.delete("/Devices/" + d["id"]), 204)

    def test_G7_too_old(self):
        self.assertEqual(self.http.get("/ServiceProviderConfig").json["pagination"]["cursorTimeout"], self.SECONDS)
        cursor = self.page(cursor="", count=2)["nextCursor"]
        self.page(cursor=cursor, count=2)
        let_time_pass(self.SECONDS + 0.2, "so long a cursor lives")
        self.refused("expiredCursor", cursor=cursor, count=2)
        self.refused("invalidCursor", cursor=cursor, count=2, sortBy="title")  # of another query: no word about its age
        self.page(cursor="", count=2)

    def test_G10_after_a_restart_and_at_another_ingest(self):
        """The secret is the database's: cursors are good at every ingest, and after a restart."""
        cursor = self.page(cursor="", count=2, sortBy="title")["nextCursor"]
        due = self.page(cursor=cursor, count=2, sortBy="title")["Resources"]
        other = self.ws.open(url=self.stack.extra_ingest("second", stacks.free_port()))
        made = time.monotonic()
        cursor = self.page(cursor="", count=2, sortBy="title")["nextCursor"]
        self.assertEqual(self.page(client=other, cursor=cursor, count=2, sortBy="title")["Resources"][0]["id"],
                         due[0]["id"])
        other.close()
        for _ in range(5):  # the restart may take longer than a cursor lives
            cursor, made = self.page(cursor="", count=2, sortBy="title")["nextCursor"], time.monotonic()
            self.stack.signal("INGEST", 9)
            self.http.close()
            self.stack.start()
            if time.monotonic() - made < self.SECONDS - 0.5:
                break
        self.assertEqual(self.page(cursor=cursor, count=2, sortBy="title")["Resources"], due)
