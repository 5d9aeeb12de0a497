"""The life of users and groups as a typed client sees it: scim2-client with the models it builds from /Schemas. One
JSON line per check.

Every request and every answer is validated by the library against the discovered schemas; beside that, every answer
is looked at on the wire. Runs in the environment of scim.txt; SCIM_URL, SCIM_TOKEN and SCIM_DIALECT say where and
with what kind of key. What the server does not announce is left out, and said so."""

import json
import os
import sys
import traceback
import uuid

from httpx2 import Client
from scim2_client import Me
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import BulkOperation, BulkRequest, Error, PatchOp, PatchOperation, ResourceType, ResponseParameters, Schema, SearchRequest


USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class LeftOut(Exception):
    """The server does not announce it."""


class Wire:
    """Looks at every answer; what is wrong with any of them fails the check that was running."""

    def __init__(self):
        self.wrong, self.last = [], None

    def __call__(self, response):
        response.read()
        self.last = response
        what = "%s %s -> %d" % (response.request.method, response.request.url.raw_path.decode(), response.status_code)
        if response.content and response.headers.get("content-type") != "application/scim+json":
            self.wrong.append("%s: content type %s" % (what, response.headers.get("content-type")))
        if response.status_code in (204, 304) and response.content:
            self.wrong.append("%s has a body" % what)
        if response.status_code == 401 and "www-authenticate" not in response.headers:
            self.wrong.append("%s without WWW-Authenticate" % what)
        if response.status_code >= 500 and response.status_code != 501:
            self.wrong.append(what)
        body = response.json() if response.content else {}
        if response.status_code >= 400 and body.get("status") != str(response.status_code):
            self.wrong.append("%s: status in the body is %r" % (what, body.get("status")))
        meta = body.get("meta") or {}
        if response.status_code == 201 and response.headers.get("location") != meta.get("location"):
            self.wrong.append("%s: Location %s, meta.location %s" % (what, response.headers.get("location"),
                                                                     meta.get("location")))
        if "location" in meta and response.headers.get("content-location") not in (None, meta["location"]):
            self.wrong.append("%s: Content-Location %s, meta.location %s" % (what, response.headers["content-location"],
                                                                             meta.get("location")))
        if "etag" in response.headers and meta and response.headers["etag"] != meta.get("version"):
            self.wrong.append("%s: ETag %s, meta.version %s" % (what, response.headers["etag"], meta.get("version")))

    def take(self):
        wrong, self.wrong = self.wrong, []
        return wrong


def unique(prefix):
    return "%s-%s@example.com" % (prefix, uuid.uuid4().hex[:12])


def equal(got, due, what=""):
    assert got == due, "%s: %r, due is %r" % (what, got, due)


class Life:
    """The checks run in the order in which they stand, each on what those before left."""

    def __init__(self, url, token, dialect):
        self.wire, self.dialect, self.url, self.failed = Wire(), dialect, url, 0
        self.http = Client(base_url=url, headers={"Authorization": "Bearer " + token},
                           event_hooks={"response": [self.wire]})
        self.scim = SyncSCIMClient(self.http, raise_scim_errors=False)

    def run(self):
        for name in [n for n in vars(type(self)) if n.startswith("check_")]:
            ok, detail = True, ""
            try:
                getattr(self, name)()
            except LeftOut as why:
                ok, detail = None, str(why)
            except Exception as e:  # the library's own complaints about an answer come as many types
                where = [f for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__][-1]
                last = self.wire.last
                detail = "line %d: %s: %s %s" % (where.lineno, type(e).__name__, e, e.__cause__ or "")
                if last is not None:
                    detail += " [last: %s %s -> %d %s]" % (last.request.method, last.request.url, last.status_code,
                                                           last.text[:300])
                ok = False
            wrong = self.wire.take()
            if wrong:
                ok, detail = False, "; ".join(wrong) + " " + detail
            print(json.dumps({"check": name[6:].replace("_", " "), "ok": ok, "detail": detail}), flush=True)

    # ---- helpers

    def refused(self, answer, status, scim_type=None):
        assert isinstance(answer, Error), "no error but %r" % (answer,)
        equal(answer.status, status, "status")
        if scim_type is not None:
            equal(answer.scim_type, scim_type, "scimType")
        assert answer.detail, "no detail"

    def patch(self, target, *operations, **kw):
        model = type(target)
        body = PatchOp[model](operations=[PatchOperation[model](**o) for o in operations])
        return self.scim.modify(model, target.id, body, **kw)

    def raw_patch(self, target, *operations):
        """Past the library's own checks of the request."""
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self.scim.modify(type(target), target.id, body, check_request_payload=False)

    def raw_create(self, body):
        return self.scim.create(self.User, body, check_request_payload=False, url="/Users")

    def names(self, found):
        return [r.user_name for r in found.resources or []]

    def find(self, model, text, **kw):
        return self.scim.query(model, query_parameters=SearchRequest[model](filter=text, **kw))

    def config(self):
        return self.scim.provider.config

    # ---- discovery

    def check_discover(self):
        self.scim.discover()
        self.User, self.Group = self.scim.get_resource_model("User"), self.scim.get_resource_model("Group")
        self.Enterprise = self.User.get_extension_model("EnterpriseUser")
        assert self.User and self.Group and self.Enterprise
        assert self.config().patch.supported and self.config().filter.supported and self.config().filter.max_results > 0

    def check_discover_events(self):
        events = self.http.get("/ServiceProviderConfig",
                               params={"attributes": "securityEvents"}).json()["securityEvents"]
        equal(set(events), {"asyncRequest", "eventUris"}, "members")
        assert events["asyncRequest"] in ("none", "request", "long") and all(u.startswith("urn:ietf:params:scim:event:")
                                                                             for u in events["eventUris"]), events

    def check_discover_one_by_one(self):
        for kind in (ResourceType, Schema):
            for listed in self.scim.query(kind).resources:
                equal(self.scim.query(kind, listed.id).model_dump(), listed.model_dump(), listed.id)
            self.refused(self.scim.query(kind, "urn:example:nothing"), 404)

    def check_discover_filter_is_forbidden(self):
        for kind in ("/Schemas", "/ResourceTypes"):
            self.refused(self.scim.query(url=kind + "?filter=id%20pr"), 403)

    # ---- users

    def full_user(self, name):
        user = self.User.model_validate({
            "schemas": [USER, ENTERPRISE], "userName": name, "externalId": "X-" + name, "displayName": "Ana Ito",
            "nickName": "Ana", "title": "Lead",
            "name": {"formatted": "Dr. Ana Bea Ito", "familyName": "Ito", "givenName": "Ana", "middleName": "Bea",
                     "honorificPrefix": "Dr."},
            "userType": "Employee", "preferredLanguage": "ja", "locale": "ja-JP", "timezone": "Asia/Tokyo",
            "active": True, "profileUrl": "https://example.com/ana",
            "emails": [{"value": name, "type": "work", "primary": True}, {"value": "home-" + name, "type": "home"}],
            "phoneNumbers": [{"value": "+81 3 1234 5678", "type": "work"}], "ims": [{"value": "ana", "type": "xmpp"}],
            "photos": [{"value": "https://example.com/ana.jpg", "type": "photo"}],
            "addresses": [{"streetAddress": "1-1", "locality": "Tokyo", "region": "13", "postalCode": "100-0001",
                           "country": "JP", "type": "work", "primary": True}],
            "entitlements": [{"value": "talk"}], "roles": [{"value": "speaker", "primary": True}],
            "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjEL"}],
            ENTERPRISE: {"employeeNumber": "701", "costCenter": "41", "organization": "U", "division": "V",
                         "department": "Voice", "manager": {"value": "0"}}})
        return user

    def check_user_create(self):
        self.sent = self.full_user(unique("ana"))
        self.ana = self.scim.create(self.sent)
        sent, got = self.sent.model_dump(), self.ana.model_dump()
        for member in sent:
            if member == "schemas":
                assert set(sent[member]) <= set(got[member]), got[member]
            else:
                equal(got.get(member), sent[member], member)
        assert self.ana.meta.created == self.ana.meta.last_modified and self.ana.meta.resource_type == "User" and self.ana.meta.version

    def check_user_query(self):
        equal(self.scim.query(self.User, self.ana.id).model_dump(), self.ana.model_dump())

    def check_user_create_least(self):
        bo = self.scim.create(self.User(user_name=unique("bo")))
        assert bo.active is True and bo.id != self.ana.id
        equal(self.scim.query(self.User, bo.id).user_name, bo.user_name)
        self.bo = bo

    def check_user_create_twice(self):
        self.refused(self.scim.create(self.User(user_name=self.ana.user_name.upper())), 409, "uniqueness")

    def check_user_create_without_name(self):
        self.refused(self.raw_create({"schemas": [USER], "displayName": "x"}), 400, "invalidValue")

    def check_user_create_ignores_read_only(self):
        body = {"schemas": [USER], "userName": unique("cy"), "id": "mine", "meta": {"version": "9"},
                "groups": [{"value": "x"}]}
        cy = self.raw_create(body)
        assert cy["id"] != "mine" and cy["meta"]["version"] != "9" and "groups" not in cy, cy
        self.scim.delete(self.User, cy["id"])

    def check_user_filter(self):
        mail = self.ana.emails[0].value
        for text in ('userName eq "%s"' % self.ana.user_name.upper(), 'externalId eq "%s"' % self.ana.external_id,
                     'id eq "%s"' % self.ana.id, 'emails.value eq "%s"' % mail,
                     'emails[type eq "work" and value eq "%s"]' % mail,
                     'name.familyName sw "it" and %s:employeeNumber eq "701"' % ENTERPRISE,
                     'title co "ea" and active eq true',
                     'meta.created ge "2020-01-01T00:00:00Z" and not (title eq "x") and userName sw "ana"',
                     'addresses[country eq "jp" and not (type eq "home")]',
                     '%s:manager.value eq "0"' % ENTERPRISE, 'schemas eq "%s"' % ENTERPRISE, 'nickName pr'):
            found = self.find(self.User, text)
            assert not isinstance(found, Error), (text, found)
            equal(self.names(found), [self.ana.user_name], text)
            equal(found.total_results, 1, text)
        for text in ('userName eq "nobody"', 'externalId eq "%s"' % self.ana.external_id.upper(),
                     'emails[type eq "home" and value eq "%s"]' % mail):
            equal(self.find(self.User, text).total_results, 0, text)

    def check_user_filter_that_is_none(self):
        for text in ('userName eq', 'userName xx "a"', 'userName eq "a" and', 'nothing eq "a"', 'active gt true',
                     'password eq "x"'):
            answer = self.scim.query(self.User, query_parameters={"filter": text}, check_request_payload=False)
            self.refused(answer, 400, "invalidFilter")

    def check_user_pages_by_index(self):
        self.crowd = [self.scim.create(self.User(user_name="crowd-%02d-%s" % (i, unique("c")),
                                                 display_name="Crowd %02d" % ((i * 7) % 12))) for i in range(12)]
        text, seen = 'userName sw "crowd-"', []
        for start in (1, 6, 11):
            page = self.find(self.User, text, start_index=start, count=5)
            equal((page.total_results, page.start_index, page.items_per_page), (12, start, min(5, 13 - start)), "page")
            seen += self.names(page)
        equal(sorted(seen), sorted(u.user_name for u in self.crowd), "all pages")
        past = self.find(self.User, text, start_index=100, count=5)
        equal((past.total_results, past.resources or []), (12, []), "past the end")
        none = self.find(self.User, text, count=0)
        equal((none.total_results, none.resources or []), (12, []), "count 0")

    def check_user_sort(self):
        if not self.config().sort.supported:
            raise LeftOut("sort is not announced")
        text = 'userName sw "crowd-"'
        up = [u.display_name for u in self.find(self.User, text, sort_by="displayName").resources]
        equal(up, sorted(u.display_name for u in self.crowd), "ascending")
        down = [u.display_name for u in self.find(self.User, text, sort_by="displayName",
                                                  sort_order="descending").resources]
        equal(down, list(reversed(up)), "descending")
        last = self.find(self.User, 'userName sw "crowd-" or userName eq "%s"' % self.bo.user_name,
                         sort_by="displayName").resources[-1]
        equal(last.id, self.bo.id, "no value comes last")
        by_mail = self.find(self.User, "id pr", sort_by="emails").resources
        equal(by_mail[0].id, self.ana.id, "sorted by the primary e-mail")

    def check_user_pages_by_cursor(self):
        pagination = self.config().pagination
        if not (pagination and pagination.cursor):
            raise LeftOut("cursors are not announced")
        kw = {"sort_by": "userName"} if self.config().sort.supported else {}
        text, seen, cursor, pages = 'userName sw "crowd-"', [], "", 0
        while cursor is not None:
            page = self.find(self.User, text, count=5, cursor=cursor, **kw)
            seen += self.names(page)
            assert page.total_results in (None, 12)
            cursor, pages = page.next_cursor, pages + 1
        equal((pages, sorted(seen)), (3, sorted(u.user_name for u in self.crowd)), "all pages")
        self.refused(self.find(self.User, text, count=5, cursor="forged"), 400, "invalidCursor")

    def check_user_attributes(self):
        self.scim.query(self.User, self.ana.id,
                        ResponseParameters[self.User](attributes=["userName", "name.familyName"]))
        some = self.wire.last.json()  # the library adds meta.version from the ETag
        equal((set(some), some["name"]), ({"schemas", "id", "userName", "name"}, {"familyName": "Ito"}), "attributes")
        rest = self.scim.query(self.User, self.ana.id,
                               ResponseParameters[self.User](excluded_attributes=["emails", "name.familyName",
                                                                                  "id"])).model_dump()
        assert "emails" not in rest and "familyName" not in rest["name"] and rest["id"] == self.ana.id and rest["name"]["givenName"] == "Ana", rest
        both = self.scim.query(self.User, self.ana.id, {"attributes": "userName", "excludedAttributes": "name"},
                               check_request_payload=False)
        self.refused(both, 400, "invalidValue")

    def check_user_read_unless_changed(self):
        if not self.config().etag.supported:
            raise LeftOut("ETags are not announced")
        self.ana = self.scim.query(self.User, self.ana.id)
        assert self.scim.query(self.ana) is self.ana and self.wire.last.status_code == 304, "no 304"

    def check_user_replace(self):
        new = self.full_user(self.ana.user_name)
        new.id, new.title, new.nick_name, new.emails = self.ana.id, "Head", None, new.emails[:1]
        new[self.Enterprise].department = "Radio"
        got = self.scim.replace(new)
        equal((got.title, got.nick_name, len(got.emails), got[self.Enterprise].department), ("Head", None, 1, "Radio"))
        assert got.meta.version != self.ana.meta.version and got.meta.created == self.ana.meta.created and got.meta.last_modified > self.ana.meta.last_modified
        equal(self.scim.query(self.User, self.ana.id).model_dump(), got.model_dump(), "read back")
        self.old, self.ana = self.ana, got

    def check_user_replace_of_an_old_version(self):
        if not self.config().etag.supported:
            raise LeftOut("ETags are not announced")
        self.old.title = "Lost"
        self.refused(self.scim.replace(self.old), 412)
        self.refused(self.scim.delete(self.old), 412)
        equal(self.scim.query(self.User, self.ana.id).title, "Head", "title")

    def check_user_replace_unknown(self):
        gone = self.full_user(unique("gone"))
        gone.id = str(uuid.uuid4())
        self.refused(self.scim.replace(gone), 404)

    def check_user_modify(self):
        got = self.patch(self.ana, {"op": "replace", "path": "title", "value": "Chief"},
                         {"op": "replace", "path": "name.givenName", "value": "Anna"},
                         {"op": "add", "path": "emails", "value": [{"value": "new@example.com", "type": "other"}]},
                         {"op": "replace", "path": 'emails[type eq "work"].value', "value": "work@example.com"},
                         {"op": "replace", "path": ENTERPRISE + ":department", "value": "Signals"},
                         {"op": "remove", "path": 'phoneNumbers[type eq "work"]'})
        equal((got.title, got.name.given_name, got.name.family_name, got[self.Enterprise].department,
               got.phone_numbers), ("Chief", "Anna", "Ito", "Signals", None))
        equal(sorted(e.value for e in got.emails), ["new@example.com", "work@example.com"], "e-mails")
        equal(self.scim.query(self.User, self.ana.id).model_dump(), got.model_dump(), "read back")
        self.ana = got

    def check_user_modify_moves_primary(self):
        got = self.patch(self.ana, {"op": "add", "path": "emails",
                                    "value": [{"value": "third@example.com", "type": "home", "primary": True}]})
        equal([e.value for e in got.emails if e.primary], ["third@example.com"], "primary")
        self.ana = got

    def check_user_modify_nothing(self):
        got = self.patch(self.ana, {"op": "replace", "path": "title", "value": "Chief"})
        equal((got.meta.version, got.meta.last_modified), (self.ana.meta.version, self.ana.meta.last_modified),
              "version")

    def check_user_modify_all_or_nothing(self):
        answer = self.raw_patch(self.ana, {"op": "replace", "path": "title", "value": "Half"},
                                {"op": "replace", "path": "nothing", "value": "x"})
        self.refused(answer, 400, "invalidPath")
        equal(self.scim.query(self.User, self.ana.id).model_dump(), self.ana.model_dump(), "unchanged")

    def check_user_modify_refusals(self):
        for operation, scim_type in (({"op": "replace", "path": "groups", "value": []}, "mutability"),
                                     ({"op": "remove", "path": "userName"}, "mutability"),
                                     ({"op": "remove"}, "noTarget"),
                                     ({"op": "replace", "path": "emails[type eq", "value": "x"},
                                      "invalidPath invalidFilter"),
                                     ({"op": "add", "path": "active", "value": "perhaps"}, "invalidValue"),
                                     ({"op": "replace", "path": "title"}, "invalidValue"),
                                     ({"op": "swap", "path": "title", "value": "x"}, "invalidSyntax invalidValue")):
            answer = self.raw_patch(self.ana, operation)
            self.refused(answer, 400)
            assert answer.scim_type in scim_type.split(), (operation, answer)

    def check_user_modify_no_target(self):
        operation = {"op": "replace", "path": 'ims[type eq "none"].value', "value": "x"}
        answer = self.raw_patch(self.ana, operation)
        if self.dialect == "entra":
            equal([i.value for i in answer.ims if i.type == "none"], ["x"], "made by a key of dialect entra")
        else:
            self.refused(answer, 400, "noTarget")

    def check_user_deactivate(self):
        got = self.patch(self.bo, {"op": "replace", "path": "active", "value": False})
        assert got.active is False and self.scim.query(self.User, self.bo.id).active is False
        equal(self.names(self.find(self.User, "active eq false")), [self.bo.user_name],
              "inactive users stay to be found")
        assert self.patch(self.bo, {"op": "replace", "value": {"active": True}}).active is True

    # ---- groups

    def check_group_create(self):
        self.room = self.scim.create(self.Group.model_validate({"displayName": unique("room"), "externalId": "R1",
                                                                "members": [{"value": self.ana.id}]}))
        equal([m.value for m in self.room.members], [self.ana.id], "members")
        equal(self.scim.query(self.Group, self.room.id).model_dump(), self.room.model_dump(), "read back")
        equal([g.value for g in self.scim.query(self.User, self.ana.id).groups], [self.room.id], "groups of the user")

    def check_group_create_twice(self):
        self.refused(self.scim.create(self.Group(display_name=self.room.display_name)), 409, "uniqueness")

    def check_group_filter(self):
        for text in ('displayName eq "%s"' % self.room.display_name.upper(), 'members.value eq "%s"' % self.ana.id,
                     'members[value eq "%s"]' % self.ana.id, 'externalId eq "R1"'):
            equal([g.id for g in self.find(self.Group, text).resources or []], [self.room.id], text)
        lean = self.find(self.Group, "id pr", excluded_attributes=["members"]).resources[0]
        equal(lean.members, None, "members left out")
        equal([u.id for u in self.find(self.User, 'groups.value eq "%s"' % self.room.id).resources or []],
              [self.ana.id], "users by group")

    def check_group_members(self):
        def members():
            return sorted(m.value for m in self.scim.query(self.Group, self.room.id).members or [])

        add, twice = {"op": "add", "path": "members", "value": [{"value": self.bo.id}]}, {
            "op": "add", "path": "members", "value": [{"value": self.ana.id}]}
        self.patch(self.room, add, twice)
        equal(members(), sorted([self.ana.id, self.bo.id]), "added")
        version = self.scim.query(self.Group, self.room.id).meta.version
        self.patch(self.room, add)
        equal(self.scim.query(self.Group, self.room.id).meta.version, version, "nothing changed")
        self.patch(self.room, {"op": "remove", "path": 'members[value eq "%s"]' % self.ana.id})
        equal(members(), [self.bo.id], "one removed")
        self.patch(self.room, {"op": "replace", "path": "members", "value": [{"value": self.ana.id}]})
        equal(members(), [self.ana.id], "replaced")
        self.patch(self.room, {"op": "remove", "path": "members"})
        equal(members(), [], "all removed")

    def check_group_modify_with_body(self):
        answer = self.scim.modify(self.Group, self.room.id,
                                  PatchOp[self.Group](operations=[PatchOperation[self.Group](
                                      op="replace", path="externalId", value="R2")]))
        assert answer is None or answer.external_id == "R2", answer
        equal(self.scim.query(self.Group, self.room.id).external_id, "R2", "read back")

    def check_group_unknown_member(self):
        self.refused(self.raw_patch(self.room, {"op": "add", "path": "members",
                                                "value": [{"value": str(uuid.uuid4())}]}), 400, "invalidValue")

    def check_group_replace(self):
        now = self.scim.query(self.Group, self.room.id)
        now.display_name, now.members = unique("hall"), [type(self.room.members[0])(value=self.ana.id),
                                                         type(self.room.members[0])(value=self.bo.id)]
        got = self.scim.replace(now)
        equal((got.display_name, sorted(m.value for m in got.members)),
              (now.display_name, sorted([self.ana.id, self.bo.id])))
        self.room = got

    def check_group_loses_deactivated_members(self):
        self.patch(self.bo, {"op": "replace", "path": "active", "value": False})
        equal([m.value for m in self.scim.query(self.Group, self.room.id).members], [self.ana.id], "while inactive")
        self.patch(self.bo, {"op": "replace", "path": "active", "value": True})
        equal(len(self.scim.query(self.Group, self.room.id).members), 2, "reactivated")

    # ---- search

    def search(self, target, text, **kw):
        request = SearchRequest(filter=text, **kw)
        answer = self.scim.search(target, request) if target else self.scim.search(request)
        if isinstance(answer, Error) and answer.status in (404, 405, 501):
            raise LeftOut(".search answers %d" % answer.status)
        assert not isinstance(answer, Error), answer
        return answer

    def check_search_users(self):
        found = self.search(self.User, 'userName eq "%s"' % self.ana.user_name, attributes=["userName"])
        equal([{k: v for k, v in r.model_dump().items() if k != "schemas"} for r in found.resources],
              [{"id": self.ana.id, "userName": self.ana.user_name}])

    def check_search_groups(self):
        found = self.search(self.Group, 'members.value eq "%s"' % self.ana.id, excluded_attributes=["members"], count=1)
        equal(([r.id for r in found.resources], found.resources[0].members), ([self.room.id], None))

    def check_search_everything(self):
        found = self.search(None, 'id eq "%s" or displayName eq "%s"' % (self.ana.id, self.room.display_name))
        equal(sorted(r.id for r in found.resources), sorted([self.ana.id, self.room.id]), "both kinds")
        equal([r.id for r in self.search(None, 'userName eq "%s"' % self.ana.user_name).resources], [self.ana.id],
              "an attribute of one kind")

    def check_query_everything(self):
        found = self.scim.query(query_parameters=SearchRequest(filter='meta.resourceType eq "Group"'))
        if isinstance(found, Error) and found.status in (404, 405, 501):
            raise LeftOut("the base URL answers %d" % found.status)
        equal([r.id for r in found.resources], [self.room.id])

    # ---- Bulk

    def need_bulk(self):
        if not self.config().bulk.supported:
            raise LeftOut("Bulk is not announced")

    def check_bulk(self):
        self.need_bulk()
        both = BulkRequest[self.User | self.Group]
        answer = self.scim.bulk(both(operations=[
            BulkOperation[self.Group](method="POST", path="/Groups", bulk_id="g",
                                      data=self.Group.model_validate({"displayName": unique("bulk"),
                                                                      "members": [{"value": "bulkId:u"}]})),
            BulkOperation[self.User](method="POST", path="/Users", bulk_id="u",
                                     data=self.User(user_name=unique("bulk"))),
            BulkOperation[self.User](method="PATCH", path="/Users/" + self.ana.id,
                                     data=PatchOp[self.User](operations=[PatchOperation[self.User](
                                         op="replace", path="title", value="Bulk")])),
            BulkOperation[self.User](method="POST", path="/Users", bulk_id="again",
                                     data=self.User(user_name=self.ana.user_name)),
            BulkOperation[self.User](method="DELETE", path="/Users/" + str(uuid.uuid4()))]))
        assert not isinstance(answer, Error), answer
        equal([o.status for o in answer.operations], [201, 201, 200, 409, 404], "statuses")
        equal([o.bulk_id for o in answer.operations][:2], ["g", "u"], "bulkIds")
        group, user = answer.operations[0].location.rsplit("/", 1)[1], answer.operations[1].location.rsplit("/", 1)[1]
        equal([m.value for m in self.scim.query(self.Group, group).members], [user], "the reference is resolved")
        equal(self.scim.query(self.User, self.ana.id).title, "Bulk", "patched")
        equal(answer.operations[3].response.scim_type, "uniqueness", "the error of one operation")

    def check_bulk_stops_at_errors(self):
        self.need_bulk()
        missing = [BulkOperation[self.User](method="DELETE", path="/Users/nobody") for _ in range(3)]
        answer = self.scim.bulk(BulkRequest[self.User](fail_on_errors=1, operations=missing))
        equal([(o.status, o.location) for o in answer.operations], [(404, self.url + "/Users/nobody")],
              "after the first error nothing more")

    def check_bulk_too_large(self):
        self.need_bulk()
        most = self.config().bulk.max_operations
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [{"method": "DELETE", "path": "/Users/x"}] * (most + 1)}
        self.refused(self.scim.bulk(body, check_request_payload=False, url="/Bulk"), 413)

    # ---- the rest

    def check_me(self):
        self.refused(self.scim.query(Me), 501)

    def check_unknown_places(self):
        self.refused(self.scim.query(url="/Nothing"), 404)
        self.refused(self.scim.query(self.User, str(uuid.uuid4())), 404)
        self.refused(self.scim.query(self.User, "no-uuid"), 404)

    def check_bad_token(self):
        with Client(base_url=self.url, headers={"Authorization": "Bearer ush_wrong"},
                    event_hooks={"response": [self.wire]}) as http:
            other = SyncSCIMClient(http, provider=self.scim.provider, raise_scim_errors=False)
            self.refused(other.query(self.User), 401)

    def check_delete(self):
        for one in (self.room, self.bo, self.ana):
            fresh = self.scim.query(type(one), one.id)
            assert self.scim.delete(fresh) is None
            self.refused(self.scim.query(type(one), one.id), 404)
            self.refused(self.scim.delete(type(one), one.id), 404)
            self.refused(self.raw_patch(one, {"op": "replace", "path": "externalId", "value": "x"}), 404)
        again = self.scim.create(self.User(user_name=self.ana.user_name))
        assert again.id != self.ana.id, "an id is never used twice"
        equal(self.find(self.User, 'userName eq "%s"' % self.ana.user_name).total_results, 1, "one of that name")


if __name__ == "__main__":
    Life(os.environ["SCIM_URL"], os.environ["SCIM_TOKEN"], os.environ["SCIM_DIALECT"]).run()
    sys.exit(0)
