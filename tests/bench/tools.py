"""What the benchmark measures with: our load generator, pgbench, the removal reader; each gives a dictionary of the same words."""

import glob
import json
import os
import shutil
import subprocess
import tempfile
import urllib.parse

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILT = os.path.join(ROOT, "build", "release", "tests", "bench")
PATCH_OP = '"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]'
USER_BODY = ('{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s-{n}@example.com",'
             '"name":{"givenName":"Ana","familyName":"Bench"},"active":true,'
             '"emails":[{"value":"%s-{n}@example.com","type":"work","primary":true}]}')


GROUP = '"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]'
CONNECT = 0.03  # seconds: the time that pgbench runs for begins before its connections are there
BULK = '"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]'


class BenchError(Exception):
    pass


def run_json(command, timeout):
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if not run.stdout.strip():
        raise BenchError("%s: exit %d: %s" % (" ".join(command)[:300], run.returncode, run.stderr[-1000:]))
    result = json.loads(run.stdout)
    if run.stderr.strip():
        result["notes"] = run.stderr.strip()[-600:]
    return result


class Load:
    """The load generator against one workspace, or whatever speaks SCIM at that path."""

    def __init__(self, port, token, work_dir, base="/scim/v2"):
        self.port, self.token, self.dir, self.base = port, token, work_dir, base

    def file(self, name, lines=None):
        path = os.path.join(self.dir, name)
        if lines is not None:
            with open(path, "w") as f:
                f.writelines(line + "\n" for line in lines)
        return path

    def run(self, conns, seconds, method, path, body=None, expect=200, **more):
        command = [os.path.join(BUILT, "load"), "--port", str(self.port), "--conns", str(conns), "--seconds", str(seconds),
                   "--method", method, "--path", path, "--expect", str(expect), "--header", "Authorization: Bearer " + self.token]
        if body is not None:
            command += ["--body", body]
        for name, value in more.items():
            command += ["--" + name, str(value)]
        return run_json(command, seconds + 120)

    def create_users(self, tag, conns, seconds, **more):
        body = USER_BODY % (tag, tag)
        return self.run(conns, seconds, "POST", self.base + "/Users", body, 201, save=self.file("users." + tag), **more)

    def created(self, tag):
        with open(self.file("users." + tag)) as f:
            return f.read().split()

    def get_users(self, ids, conns, seconds):
        return self.run(conns, seconds, "GET", self.base + "/Users/{1}", ids=ids, order="random")

    def find_users(self, names, conns, seconds):
        text = urllib.parse.quote('userName eq "NAME"').replace("NAME", "{1}")
        return self.run(conns, seconds, "GET", self.base + "/Users?filter=" + text, ids=names, order="random")

    def toggle_users(self, ids, conns, seconds, first, **more):
        """All of them inactive, then all active again, and so on: each request is a change. first: how many were sent before."""
        lines = ("%s\t%s" % (ids[k % len(ids)], "true" if k // len(ids) % 2 else "false") for k in range(first, first + 200000))
        body = '{%s,"Operations":[{"op":"replace","path":"active","value":{2}}]}' % PATCH_OP
        return self.run(conns, seconds, "PATCH", self.base + "/Users/{1}", body, ids=self.file("toggles", lines), order="seq", **more)

    def list_pages(self, count, conns, seconds):
        """Pages of 200 anywhere in a list of count users."""
        starts = self.file("starts", (str(k) for k in range(1, count, 200)))
        return self.run(conns, seconds, "GET", self.base + "/Users?count=200&startIndex={1}", ids=starts, order="random")

    def list_filtered(self, filter_text, values, conns, seconds):
        """filter_text has {1} where a value belongs."""
        text = urllib.parse.quote(filter_text, safe="{}")
        return self.run(conns, seconds, "GET", self.base + "/Users?count=200&filter=" + text, ids=self.file("values", values), order="random")

    def page(self, query, conns, seconds):
        return self.run(conns, seconds, "GET", self.base + "/Users?" + urllib.parse.urlencode(query))

    def put_room(self, room, members, extra, seconds):
        """The whole room again and again: with one member more, without, with … So each request has one change, and carries all."""
        lines = self.file("puts", (u for _ in range(20000) for u in (extra, members[0])))  # whoever is listed twice is a member once
        body = self.file("put.json")
        with open(body, "w") as f:
            f.write('{%s,"displayName":"bench %s","members":[%s,{"value":"{1}"}]}' % (GROUP, room, ",".join('{"value":"%s"}' % u for u in members)))
        return self.run(1, seconds, "PUT", self.base + "/Groups/" + room, None, 200, ids=lines, order="seq", **{"body-file": body})

    def bulk(self, operations, conns, seconds, first):
        """Bulks of so many creates. The rate is of creates, the times are of requests. first: a number beyond all of bulks before."""
        body = self.file("bulk.json")
        with open(body, "w") as f:
            f.write('{%s,"Operations":[%s]}' % (BULK, ",".join(
                '{"method":"POST","path":"/Users","bulkId":"b%d","data":%s}' % (k, USER_BODY.replace("%s", "bulk%d" % k)) for k in range(operations))))
        found = self.run(conns, seconds, "POST", self.base + "/Bulk", None, 200, first=first, **{"body-file": body})
        found["rate"] *= operations
        found["answered"] *= operations
        return found

    def fill_rooms(self, tag, count, members):
        """count rooms with the same members, by one POST each. Gives their ids."""
        listed = ",".join('{"value":"%s"}' % u for u in members)
        return [json.loads(self._send("POST", self.base + "/Groups", '{%s,"displayName":"%s %d","members":[%s]}' % (GROUP, tag, k, listed), "201"))["id"]
                for k in range(count)]

    def _send(self, method, path, body, expect):
        run = subprocess.run(["curl", "-s", "-X", method, "-H", "Authorization: Bearer " + self.token, "-H", "Expect:",
                              *(["-H", "Content-Type: application/scim+json", "--data-binary", "@-"] if body is not None else []), "-w", "\n%{http_code}",
                              "http://127.0.0.1:%d%s" % (self.port, path)], input=body, capture_output=True, text=True, timeout=120)
        answer, _, status = run.stdout.rpartition("\n")
        if status != expect:
            raise BenchError("%s %s answered %s: %s" % (method, path, status, answer[:300]))
        return answer

    def add_members(self, pairs, conns, seconds, expect=204):
        """One member more per request: of each pair the user into the room."""
        lines = self.file("pairs", ("%s\t%s" % pair for pair in pairs))
        body = '{%s,"Operations":[{"op":"add","path":"members","value":[{"value":"{2}"}]}]}' % PATCH_OP
        return self.run(conns, seconds, "PATCH", self.base + "/Groups/{1}", body, expect, ids=lines, order="seq")


def removal(stack, token, work_dir, trials, events, gap_ms):
    """trials: [(user, path, body)]. Time from the request to the event, for both ways of reading."""
    path = os.path.join(work_dir, "trials")
    with open(path, "w") as f:
        f.writelines("%s\t%s\t%s\n" % t for t in trials)
    return run_json([os.path.join(BUILT, "removal"), "--brokers", stack.kafka, "--port", str(stack.port), "--token", token,
                     "--trials", path, "--events", str(events), "--gap-ms", str(gap_ms)], 120)


def database(pg_uri, name):
    """A new, empty database on that server; gives how to reach it."""
    parts = {k: v for k, v in parse_dsn(pg_uri).items() if k != "options"}
    admin = psycopg2.connect(make_dsn(**parts))
    admin.autocommit = True
    with admin.cursor() as c:
        c.execute("DROP DATABASE IF EXISTS " + name)
        c.execute("CREATE DATABASE " + name)
    admin.close()
    return make_dsn(**dict(parts, dbname=name))


def ask(dsn, query, *values):
    """One value."""
    with psycopg2.connect(dsn) as connection, connection.cursor() as c:
        c.execute(query, values)
        return c.fetchone()[0]


class Floor:
    """Plain SQL on the same PostgreSQL: what a service without a log could do at best."""

    def __init__(self, pg_uri):
        self.dsn = database(pg_uri, "bench_floor")
        with psycopg2.connect(self.dsn) as connection, connection.cursor() as c, open(os.path.join(HERE, "floor", "schema.sql")) as f:
            c.execute(f.read())

    def bulk(self, rows, clients, seconds):
        """The rate is of rows, the times are of statements."""
        found = self.run("bulk", clients, seconds)
        found["rate"] *= rows
        found["answered"] *= rows
        return found

    def run(self, case, clients, seconds, **variables):
        """variables: for the script, as first=1."""
        sampling = ["--sampling-rate=0.05"] if case in ("get", "find") else []
        logs = tempfile.mkdtemp(prefix="pgbench-")
        try:
            command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(max(2, round(seconds + clients * CONNECT))),
                       "-f", os.path.join(HERE, "floor", case + ".sql"), "-l", "--log-prefix=" + os.path.join(logs, "t"), *sampling,
                       *["-D%s=%s" % pair for pair in variables.items()], self.dsn]
            run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
            rate = [line for line in run.stdout.splitlines() if line.startswith("tps = ")]
            done = [line for line in run.stdout.splitlines() if line.startswith("number of transactions actually processed")]
            if run.returncode != 0 or not rate:
                raise BenchError("pgbench %s: %s" % (case, (run.stdout + run.stderr)[-800:]))
            times = []
            for name in glob.glob(os.path.join(logs, "t.*")):
                with open(name) as f:
                    times += [int(line.split()[2]) for line in f]
        finally:
            shutil.rmtree(logs, ignore_errors=True)
        times.sort()
        pick = lambda p: times[int((len(times) - 1) * p)] if times else 0
        return {"rate": float(rate[0].split()[2]), "p50_us": pick(0.5), "p99_us": pick(0.99), "errors": 0,
                "answered": int(done[0].split(":")[1].split("/")[0])}
