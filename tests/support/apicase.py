"""What the suites of the Management API share: a Case whose `api` is a client of /api/v1."""

import case
from apihttp import ApiClient

NOBODY = "0190b3f2-0000-7000-8000-00000000dead"


class ApiCase(case.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = ApiClient(cls.stack.url, cls.ws.token)

    @classmethod
    def tearDownClass(cls):
        cls.api.close()
        super().tearDownClass()

    def open_api(self, ws=None, token=None, url=None):
        return ApiClient(url or self.stack.url, token or (ws or self.ws).token)

    def problem(self, answer, status, name, path=None):
        self.assertEqual((answer.status, answer.json.get("type")), (status, "urn:usher:problem:" + name), repr(answer))
        if path is not None:
            self.assertEqual(answer.json.get("errors"), [{"path": path}], repr(answer))
        return answer

    def make_user(self, user_name, api=None, **more):
        answer = (api or self.api).post("/users", {"userName": user_name, **more})
        self.assertEqual(answer.status, 201, repr(answer))
        return answer.json

    def make_room(self, display_name, api=None, **more):
        answer = (api or self.api).post("/rooms", {"displayName": display_name, **more})
        self.assertEqual(answer.status, 201, repr(answer))
        return answer.json

    def ok(self, answer, status=200):
        self.assertEqual(answer.status, status, repr(answer))
        return answer.json if answer.body else None

    def events_after(self, act, ws=None):
        """What act() adds to the membership events of the workspace: [(type, user or None, transmit)]."""
        wid = (ws or self.ws).id
        before = len(self.followers.events(wid))
        act()
        return [(e["type"].split(".", 1)[1], e.get("user", {}).get("id"), e.get("transmit"))
                for e in self.followers.events(wid)[before:]]
