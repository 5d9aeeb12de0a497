"""A client that openapi-python-client has made of usher's OpenAPI document, imported as `usher_client`. One JSON line
for each check. USHER_URL and USHER_TOKEN say where; CLIENT is the folder of the package."""

import json
import os
import sys
import traceback

sys.path.insert(0, os.environ["CLIENT"])
from usher_client import AuthenticatedClient  # noqa: E402
from usher_client.api.rooms import create_room, list_members, put_member  # noqa: E402
from usher_client.api.users import create_user, list_users  # noqa: E402
from usher_client.models import Email, MemberPut, Problem, RoomCreate, UserCreate  # noqa: E402


class Checks:
    def __init__(self):
        self.client = AuthenticatedClient(os.environ["USHER_URL"], os.environ["USHER_TOKEN"])
        self.users, self.room = [], None

    def create_users(self):
        for i in range(5):
            name = "py%d@generated.example" % i
            made = create_user.sync(client=self.client,
                                    body=UserCreate(user_name=name, emails=[Email(value=name, type_="work")]))
            assert made.active and made.emails[0].value == name, made
            self.users.append(made)

    def user_name_is_taken(self):
        got = create_user.sync(client=self.client, body=UserCreate(user_name=self.users[0].user_name))
        assert isinstance(got, Problem) and got.type_ == "urn:usher:problem:uniqueness", got
        assert [e.path for e in got.errors] == ["userName"], got

    def find_by_active(self):
        for active in (True, False):
            got = list_users.sync(client=self.client, active=active, user_name=self.users[0].user_name)
            assert len(got.items) == int(active), got

    def make_room(self):
        self.room = create_room.sync(client=self.client, body=RoomCreate(display_name="Room of Python"))
        assert self.room.version == 1, self.room

    def put_members(self):
        for i, user in enumerate(self.users):
            got = put_member.sync_detailed(self.room.id, user.id, client=self.client,
                                           body=MemberPut(transmit=i % 2 == 0))
            assert (got.status_code, got.parsed.transmit) == (201, i % 2 == 0), got

    def page_members(self):
        found, more = {}, {}
        while True:
            page = list_members.sync(self.room.id, client=self.client, limit=2, **more)
            assert len(page.items) <= 2, page
            found.update((m.user, m.transmit) for m in page.items)
            if page.next_ is None:
                break
            more = {"cursor": page.next_}
        assert found == {u.id: i % 2 == 0 for i, u in enumerate(self.users)}, found


def main():
    checks = Checks()
    for name, body in (("create users", checks.create_users),
                       ("a userName that is taken", checks.user_name_is_taken),
                       ("find by active", checks.find_by_active), ("create a room", checks.make_room),
                       ("put members, who may transmit or not", checks.put_members),
                       ("page through the members", checks.page_members)):
        try:
            body()
            said = {"check": name, "ok": True}
        except Exception:
            said = {"check": name, "ok": False, "detail": traceback.format_exc()[-600:]}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
