#!/usr/bin/env python3
"""The examples of the contract against its JSON Schemas and header rules, the AsyncAPI document against the files
that it names, and the judge against damage.

That the examples are what the programs write is shown by test_record.c and test_command.c."""

import copy
import fnmatch
import json
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import contract  # noqa: E402

EXAMPLES = sorted((ROOT / "schemas" / "examples").glob("*.json"))
# Every type that the contract knows must have an example.
COMMANDS = json.loads((ROOT / "schemas" / "json" / "command.json").read_text(
    encoding="utf-8"))["properties"]["type"]["enum"]


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


class Examples(unittest.TestCase):
    def test_each_is_valid(self):
        self.assertGreater(len(EXAMPLES), 25)
        for path in EXAMPLES:
            with self.subTest(path.name):
                e = load(path)
                contract.validate(e["topic"], e["headers"], e["value"])

    def test_every_type_has_one(self):
        shown = {load(p)["headers"]["ce_type"] for p in EXAMPLES}
        self.assertEqual(shown, set(contract.TYPES) | {"usher.deadletter", "usher.audit.checkpoint"} | {"usher.command." + c for c in COMMANDS})

    def test_tombstones_are_shown(self):
        tombstones = {load(p)["headers"]["ce_type"] for p in EXAMPLES if load(p)["value"] is None}
        self.assertEqual(tombstones, {"usher.room.state", "usher.member.state"})


class Judge(unittest.TestCase):
    """A judge that finds nothing wrong with anything would pass all of the above."""

    def damaged(self, name, damage):
        e = copy.deepcopy(load(ROOT / "schemas" / "examples" / (name + ".json")))
        damage(e)
        with self.assertRaises(contract.ContractError, msg=name):
            contract.validate(e["topic"], e["headers"], e["value"])

    def test_each_header_counts(self):
        for path in EXAMPLES:
            for header in load(path)["headers"]:
                if header == "traceparent":
                    continue
                with self.subTest(path.name + " " + header):
                    self.damaged(path.stem, lambda e: e["headers"].pop(header))
                    if header not in ("ce_subject", "usher-error-detail"):
                        self.damaged(path.stem, lambda e: e["headers"].update({header: "x"}))

    def test_each_member_counts(self):
        for path in EXAMPLES:
            if path.stem.startswith(("deadletter", "checkpoints")):
                continue
            for member in load(path)["value"] or {}:
                if member in ("traceparent", "members", "supersedes", "doc", "created", "modified", "bulk", "needs",
                              "cleared", "ifMatch", "ifNoneMatch", "async", "requests", "room", "user", "prefix",
                              "ignored", "seat"):
                    continue  # may be absent
                if path.stem == "commands.request-refused" and member == "resourceType":
                    continue  # a path need not name one
                if path.stem == "replies.refused" and member == "path":
                    continue  # not every refusal is about one attribute
                with self.subTest(path.name + " " + member):
                    self.damaged(path.stem, lambda e: e["value"].pop(member))

    def test_unknown_member_float_and_header(self):
        self.damaged("membership.member-added", lambda e: e["value"].update(extra=1))
        self.damaged("membership.member-added", lambda e: e["headers"].update({"x-extra": "1"}))
        self.damaged("audit.change-user-updated", lambda e: e["value"].update(seq=1.5))
        self.damaged("events.create-full", lambda e: e["value"].update(iat=1.5))
        self.damaged("membership.member-added", lambda e: e["headers"].update({"usher-row": "0"}))
        self.damaged("audit.request", lambda e: e["headers"].update({"usher-row": "7"}))  # no worker writes it

    def test_headers_and_value_must_agree(self):
        other = "018f3b6e-0000-7000-8000-000000000000"
        for name in ("membership.member-added", "audit.change-member-removed", "rooms.member"):
            self.damaged(name, lambda e: e["value"].update(seq=7))
            self.damaged(name, lambda e: e["value"].update(workspace=other))
        self.damaged("membership.member-added", lambda e: e["value"].update(txn=other))
        for claims in ({"aud": [other]}, {"jti": other + "/events/513"}, {"txn": other}, {"iat": 1},
                       {"sub_id": {"format": "scim", "uri": "/Users/" + other}}):
            self.damaged("events.patch-notice", lambda e: e["value"].update(claims))
        self.damaged("membership.member-added", lambda e: e["value"]["user"].update(id=other))
        self.damaged("membership.member-added", lambda e: e["value"].update(type="usher.member.removed"))
        self.damaged("audit.request", lambda e: e["value"].update(n=1))

    def test_wrong_home(self):
        self.damaged("membership.member-added", lambda e: e.update(topic="usher.audit"))
        self.damaged("rooms.member", lambda e: e.update(topic="usher.membership"))
        self.damaged("membership.member-added", lambda e: e.update(value=None))
        self.damaged("membership.member-added", lambda e: e.update(value="{not json"))

    def test_kinds_of_member(self):
        self.damaged("membership.room-created", lambda e: e["value"].update({"from": "x"}))
        self.damaged("membership.room-renamed", lambda e: e["value"].pop("from"))
        self.damaged("membership.member-removed", lambda e: e["value"].update(reason="because"))
        self.damaged("audit.change-member-removed", lambda e: e["value"].update(action="member.exploded"))
        self.damaged("audit.change-command-refused", lambda e: e["value"].update(reason=None))
        self.damaged("audit.change-command-refused", lambda e: e["value"].update(outcome="applied"))
        self.damaged("audit.request-unknown-credential",
                     lambda e: e["value"].update(key={"id": contract.NIL, "name": "x", "class": "scim"}))
        self.damaged("commands.user-patch", lambda e: e["value"].update(resource={}))

    def test_kinds_of_event(self):
        """K1, K3, Y1, Y3: exactly one event, of its own payload; no sub, no exp; no secret."""
        def payload(e):
            return next(iter(e["value"]["events"].values()))

        notice, full, refused = "events.patch-notice", "events.create-full", "events.async-refused"
        self.damaged(notice, lambda e: payload(e).update(data={}))
        self.damaged(notice, lambda e: payload(e).pop("attributes"))
        self.damaged(full, lambda e: payload(e).update(attributes=["userName"]))
        self.damaged(full, lambda e: payload(e)["data"].update(password="x"))
        self.damaged(notice, lambda e: e["value"]["events"].update({"urn:ietf:params:scim:event:prov:delete": {}}))
        self.damaged(notice, lambda e: e["value"].update(events={"urn:ietf:params:scim:event:prov:delete": {}}))
        self.damaged(notice, lambda e: e["value"].update(sub=e["value"]["sub_id"]["uri"]))
        self.damaged(notice, lambda e: e["value"].update(exp=e["value"]["iat"] + 60))
        self.damaged(notice, lambda e: e["value"]["sub_id"].pop("uri"))
        self.damaged(refused, lambda e: payload(e).update(status=409))
        self.damaged(refused, lambda e: payload(e).update(status="201"))
        self.damaged(refused, lambda e: payload(e).pop("response"))
        self.damaged("events.async", lambda e: payload(e).update(status="409"))
        self.damaged("events.async", lambda e: payload(e).pop("method"))
        self.damaged("commands.key-create", lambda e: e["value"]["resource"].update(tokenHash="00"))


class AsyncApi(unittest.TestCase):
    document = ROOT / "schemas" / "asyncapi.json"

    def refs(self, node):
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for v in node.values():
                yield from self.refs(v)
        elif isinstance(node, list):
            for v in node:
                yield from self.refs(v)

    def test_every_reference_leads_somewhere(self):
        doc = load(self.document)
        self.assertEqual(doc["asyncapi"], "3.0.0")
        found = list(self.refs(doc))
        self.assertGreater(len(found), 20)
        for ref in found:
            file, _, pointer = ref.partition("#")
            target = load(self.document.parent / file) if file else doc
            for part in filter(None, pointer.split("/")):
                self.assertIn(part, target, ref)
                target = target[part]

    def test_examples_are_those_of_the_message(self):
        """The parser holds an example against the schema of its message; here, against the message's name."""
        for name, message in load(self.document)["components"]["messages"].items():
            for example in message["examples"]:
                shown = load(self.document.parent / example["payload"]["$ref"].partition("#")[0])
                self.assertEqual(example["headers"]["$ref"].partition("#")[0],
                                 example["payload"]["$ref"].partition("#")[0])
                self.assertTrue(fnmatch.fnmatch(shown["headers"]["ce_type"], message["name"]), name)

    def unnamed(self, node, where):
        """Places of objects, choices and enumerations without a name that generators can give to their models."""
        if isinstance(node, list):
            for i, one in enumerate(node):
                yield from self.unnamed(one, "%s/%d" % (where, i))
        if not isinstance(node, dict):
            return
        rule = where.rpartition("/")[2] in ("if", "then", "else", "not") or "/allOf/" in where
        model = "enum" in node or isinstance(node.get("properties"), dict) and "properties" != where.rpartition("/")[2]
        if model and not rule and "x-parser-schema-id" not in node:
            yield where
        for name, one in node.items():
            yield from self.unnamed(one, "%s/%s" % (where, name))

    def test_every_model_has_a_name(self):
        """A generator would call it after its place, or AnonymousSchema_17; with a $id, HttpsColonSlashSlash…"""
        names = []
        for path in [self.document, *sorted((ROOT / "schemas" / "json").glob("*.json"))]:
            self.assertEqual(list(self.unnamed(load(path), path.stem)), [])
            text = path.read_text(encoding="utf-8")
            self.assertNotIn('"$id"', text, path.name)
            names += re.findall(r'"x-parser-schema-id": "([A-Z][A-Za-z]+)"', text)
            self.assertEqual(text.count("x-parser-schema-id"), len(re.findall(r'-schema-id": "[A-Z][A-Za-z]+"', text)))
        self.assertGreater(len(names), 60)
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_every_topic_and_type_is_in_it(self):
        doc = load(self.document)
        topics = {c["address"] for c in doc["channels"].values()}
        self.assertEqual(topics,
                         {"usher." + t for t in "commands replies membership rooms events audit checkpoints deadletter".split()})
        text = json.dumps(doc)
        for name in contract.TYPES:
            self.assertIn('"%s"' % name, text)

    def test_readme_names_every_type(self):
        text = (ROOT / "schemas" / "README.md").read_text(encoding="utf-8")
        for name in list(contract.TYPES) + sorted((contract.DEADLETTER - contract.COMMON)
                                                  | contract.DEADLETTER_MORE) + ["usher.deadletter", "usher.audit.checkpoint"]:
            self.assertIn("`%s`" % name, text, name)


if __name__ == "__main__":
    unittest.main()
