"""GET /api/v1/admin/audit/export and usherctl audit export: the whole of a workspace's audit, sent while it is read. The
archive's rows are made by the tests (archive.fill), in a workspace whose next numbers follow them."""

import csv
import io
import json
import os
import socket
import urllib.parse
import uuid

import archive
from case import Case
from openapi import ApiClient, problem
from scimhttp import Broken, Reader
from waiting import run

MANY = 1300
LARGE = 10000  # of each tree: more than the buffers of a connection take


class Exports(Case):
    @classmethod
    def filled(cls, many):
        """(id of a workspace with so many changes and requests, an owner's client, his id)"""
        ws = str(uuid.uuid4())
        cls.stack.sql("INSERT INTO usher.workspaces (workspace_id, name, audit_seq) VALUES (%s, %s, %s)", ws, "x" + ws[:8], many)
        archive.fill(cls.stack.env["USHER_PG"], ws, many)
        return (ws, *cls.owner_of(ws))

    @classmethod
    def owner_of(cls, ws, role="owner"):
        made = cls.stack.ctl("owner", "create", "--workspace", cls.ws.id, "--name", role + uuid.uuid4().hex[:6], "--role", role)
        cls.stack.sql("UPDATE usher.owners SET workspace_id = %s WHERE id = %s", ws, made["owner"]["id"])
        return ApiClient(cls.stack.url, made["token"], "/api/v1/admin"), made["owner"]["id"]

    def trees(self, text):
        """What an export in NDJSON has of each tree: (lines, the end)."""
        found, lines = {}, []
        for line in text.splitlines():
            end = json.loads(line)
            if end["kind"] == "end":
                found[end["tree"]] = (lines, end)
                lines = []
            else:
                lines.append(line)
        self.assertEqual(lines, [], "behind the last end")
        return found

    def exported(self, ws):
        return [r for r in self.followers.audit.snapshot(ws) if '"audit.exported"' in r.text]


class Export(Exports):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.filled_ws, cls.owner, cls.owner_id = cls.filled(MANY)

    def export(self, query=""):
        answer = self.owner.get("/audit/export" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def check_ndjson(self, text):
        trees = self.trees(text)
        self.assertEqual(list(trees), ["changes", "requests"])
        for tree, (lines, end) in trees.items():
            stored = self.stack.sql("SELECT bytes FROM audit_leaf WHERE workspace_id = %s AND tree = %s AND n < %s ORDER BY n",
                                    self.filled_ws, archive.TREES[tree], end["size"])
            self.assertGreaterEqual(len(lines), MANY)
            self.assertEqual(lines, [bytes(b).decode() for b, in stored])
            self.assertEqual((end["records"], end["filtered"]), (len(lines), False))
            self.assertEqual(int(end["checkpoint"].split("\n")[1]), len(lines))
        end = trees["changes"][1]
        self.assertEqual((end["firstSeq"], end["lastSeq"], end["firstEpoch"]), (1, end["records"], 1))

    def test_ndjson_is_the_records(self):
        """Byte for byte, in the order of the trees; and an end that says from where to where, with a head to prove it."""
        answer = self.export()
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        self.assertIn("audit-%s.ndjson" % self.filled_ws, answer.headers["content-disposition"])
        self.check_ndjson(answer.body.decode())
        self.check_ndjson(self.ctl())

    def ctl(self, *words):
        program = os.path.join(self.stack.env["USHER_BIN"], "usherctl")
        done = run([program, "audit", "export", "--workspace", self.filled_ws, *words], env={**os.environ, **self.stack.env},
                   capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_csv(self):
        text = self.export("?format=csv&kind=requests&limited=true").body.decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual(len(rows), 1 + (MANY - 1) // 97 + 1)
        self.assertEqual((rows[0]["reason"], rows[0]["outcome"]), ("'=Rate \"limit\" exceeded", "429"))
        end = json.loads(rows[-1]["reason"])
        self.assertEqual((rows[-1]["kind"], end["records"], end["filtered"]), ("end", len(rows) - 1, True))

    def test_ocsf_without_seats(self):
        out = [json.loads(line) for line in
               self.export("?format=ocsf&kind=changes&seats=false&action=user.created").body.decode().splitlines()]
        self.assertEqual((len(out), {e["class_uid"] for e in out[:-1]}), (MANY // 2 + 1, {3001}))
        self.assertEqual(out[-1]["unmapped"]["records"], MANY // 2)

    def test_it_is_on_record_before_it_begins(self):
        self.export("?format=csv&kind=requests&status=429")
        self.ctl("--format", "ocsf", "--kind", "changes", "--action", "nothing")

        def told(who, **words):
            return [r["actor"] for r in map(lambda r: json.loads(r.text), self.exported(self.filled_ws))
                    if r["actor"]["kind"] == who and {c["path"]: c["to"] for c in r["changes"]} == words]

        self.wait_until(lambda: told("operator", format="ocsf", kind="changes", action="nothing"), "the operator's")
        self.assertEqual([a["id"] for a in told("owner", format="csv", kind="requests", status="429")], [self.owner_id])

    def test_who_may_and_what_is_wrong(self):
        """A refused one leaves no record of an export."""
        owner, owner_id = self.owner_of(self.filled_ws)
        for query, path in (("format=xml", "format"), ("colour=red", "colour"), ("limit=5", "limit"), ("seats=no", "seats"),
                            ("status=abc", "status")):
            answer = owner.get("/audit/export?" + query)
            self.assertEqual((answer.status, [e["path"] for e in answer.json["errors"]]), (400, [path]), query)
        self.assertEqual(self.owner_of(self.filled_ws, "administrator")[0].get("/audit/export").status, 403)
        self.assertEqual(owner.request("HEAD", "/audit/export?format=csv").status, 200)
        self.followers.settle(self.filled_ws)
        self.assertNotIn(owner_id, [json.loads(r.text)["actor"]["id"] for r in self.exported(self.filled_ws)])


class Bounds(Exports):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.large, cls.owner, cls.owner_id = cls.filled(LARGE)

    def begin(self, token=None):
        """An export whose answer nobody reads."""
        url = urllib.parse.urlsplit(self.stack.url)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(60)
        sock.connect((url.hostname, url.port))
        sock.sendall(b"GET /api/v1/admin/audit/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
                     % (token or self.owner.token).encode())
        self.assertEqual(sock.recv(12), b"HTTP/1.1 200")
        return sock

    def test_one_of_a_workspace_at_a_time(self):
        """A client that does not read holds its own export up, and nobody else's; one that has gone gives its place back."""
        sock = self.begin()
        second = self.owner.get("/audit/export")
        self.assertEqual((second.status, problem(second), second.headers["retry-after"]), (429, "rate-limited", "10"), second)
        self.assertIn("of this workspace runs already", second.json["detail"])
        other_ws, other, _ = self.filled(20)
        self.assertEqual(list(self.trees(other.get("/audit/export").body.decode())), ["changes", "requests"])
        sock.close()
        self.wait_until(lambda: self.owner.get("/audit/export?kind=changes&action=nothing").status == 200, "the place is free")

    def test_revoked_means_dead_in_the_middle_too(self):
        client, owner = self.owner_of(self.large)
        sock = self.begin(client.token)
        self.stack.sql("UPDATE usher.owners SET revoked = now(), revoked_by = 'test' WHERE id = %s", owner)
        reader = Reader(sock)
        reader.buffer = b"HTTP/1.1 200"
        with self.assertRaises(Broken):
            reader.answer("GET")
        sock.close()
