"""What the benchmark measures with: our load generator, pgbench, the removal reader; each gives a dictionary of the same words."""

import glob
import json
import os
import random
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
    """The load generator against one workspace."""

    def __init__(self, port, token, work_dir):
        self.port, self.token, self.dir = port, token, work_dir

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
        return self.run(conns, seconds, "POST", "/scim/v2/Users", body, 201, save=self.file("users." + tag), **more)

    def created(self, tag):
        with open(self.file("users." + tag)) as f:
            return f.read().split()

    def get_users(self, ids, conns, seconds):
        return self.run(conns, seconds, "GET", "/scim/v2/Users/{1}", ids=ids, order="random")

    def find_users(self, tag, count, conns, seconds):
        names = self.file("names", ("%s-%d" % (tag, k) for k in range(count)))
        text = urllib.parse.quote('userName eq "NAME@example.com"').replace("NAME", "{1}")
        return self.run(conns, seconds, "GET", "/scim/v2/Users?filter=" + text, ids=names, order="random")

    def patch_users(self, ids, conns, seconds):
        body = '{%s,"Operations":[{"op":"replace","path":"title","value":"Engineer {n}"}]}' % PATCH_OP
        return self.run(conns, seconds, "PATCH", "/scim/v2/Users/{1}", body, ids=ids, order="random")

    def create_teams(self, count, teams):
        """count users with one of so many titles each."""
        lines = self.file("teams", ("%d\tTeam %d" % (k, k % teams) for k in range(count)))
        body = (USER_BODY % ("t", "t")).replace("{n}", "{1}").replace('"active":true', '"active":true,"title":"{2}"')
        made = self.run(64, 300, "POST", "/scim/v2/Users", body, 201, ids=lines, order="seq")
        if made["answered"] != count:
            raise BenchError("only %d of %d users could be made" % (made["answered"], count))

    def list_pages(self, count, conns, seconds):
        """Pages of 200 anywhere in a list of count users."""
        starts = self.file("starts", (str(k) for k in range(1, count, 200)))
        return self.run(conns, seconds, "GET", "/scim/v2/Users?count=200&startIndex={1}", ids=starts, order="random")

    def list_filtered(self, teams, conns, seconds):
        names = self.file("titles", (str(k) for k in range(teams)))
        text = urllib.parse.quote('title eq "Team NUMBER" and active eq true').replace("NUMBER", "{1}")
        return self.run(conns, seconds, "GET", "/scim/v2/Users?count=200&filter=" + text, ids=names, order="random")

    def put_room(self, room, members, extra, seconds):
        """The whole room again and again: with one member more, without, with … So each request has one change, and carries all."""
        lines = self.file("puts", (u for _ in range(20000) for u in (extra, members[0])))  # whoever is listed twice is a member once
        body = self.file("put.json")
        with open(body, "w") as f:
            f.write('{%s,"displayName":"bench %s","members":[%s,{"value":"{1}"}]}' % (GROUP, room, ",".join('{"value":"%s"}' % u for u in members)))
        return self.run(1, seconds, "PUT", "/scim/v2/Groups/" + room, None, 200, ids=lines, order="seq", **{"body-file": body})

    def bulk(self, operations, conns, seconds):
        """Bulks of so many creates. The rate is of creates, the times are of requests."""
        body = self.file("bulk.json")
        with open(body, "w") as f:
            f.write('{%s,"Operations":[%s]}' % (BULK, ",".join(
                '{"method":"POST","path":"/Users","bulkId":"b%d","data":%s}' % (k, USER_BODY.replace("%s", "bulk%d" % k)) for k in range(operations))))
        found = self.run(conns, seconds, "POST", "/scim/v2/Bulk", None, 200, first=1000000 * conns, **{"body-file": body})
        found["rate"] *= operations
        return found

    def supports_bulk(self):
        return json.loads(self._send("GET", "/scim/v2/ServiceProviderConfig", None, "200"))["bulk"]["supported"]

    def count(self, path):
        return json.loads(self._send("GET", path, None, "200"))["totalResults"]

    def fill_rooms(self, tag, count, members):
        """count rooms with the same members; each is one POST, or for very large ones a POST and PATCHes. Gives their ids."""
        head, rest = members[:10000], members[10000:]
        listed = ",".join('{"value":"%s"}' % u for u in head)
        # The template of the generator is bounded; a large room is made by a request of its own.
        if len(head) <= 400:
            body = '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"%s {n}","members":[%s]}' % (tag, listed)
            made = self.run(16, 60, "POST", "/scim/v2/Groups", body, 201, requests=count, save=self.file("rooms." + tag))
            if made["errors"]:
                raise BenchError("rooms cannot be made: %s" % made)
            with open(self.file("rooms." + tag)) as f:
                return f.read().split()
        return [self._large_room("%s %d" % (tag, k), listed, rest) for k in range(count)]

    def _large_room(self, name, listed, rest):
        body = '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"%s","members":[%s]}' % (name, listed)
        room = json.loads(self._send("POST", "/scim/v2/Groups", body, "201"))["id"]
        for at in range(0, len(rest), 10000):
            values = ",".join('{"value":"%s"}' % u for u in rest[at:at + 10000])
            self._send("PATCH", "/scim/v2/Groups/" + room,
                       '{%s,"Operations":[{"op":"add","path":"members","value":[%s]}]}' % (PATCH_OP, values), "204")
        return room

    def _send(self, method, path, body, expect):
        run = subprocess.run(["curl", "-s", "-X", method, "-H", "Authorization: Bearer " + self.token, "-H", "Expect:",
                              *(["-H", "Content-Type: application/scim+json", "--data-binary", "@-"] if body is not None else []), "-w", "\n%{http_code}",
                              "http://127.0.0.1:%d%s" % (self.port, path)], input=body, capture_output=True, text=True, timeout=120)
        answer, _, status = run.stdout.rpartition("\n")
        if status != expect:
            raise BenchError("%s %s answered %s: %s" % (method, path, status, answer[:300]))
        return answer

    def add_members(self, rooms, users, conns, seconds, limit=200000):
        """One member more per request; each pair of room and user once. users: such as are in none of the rooms."""
        pairs = min(limit, len(rooms) * len(users))
        step = len(users)
        order = random.Random(1).sample(range(len(rooms) * step), pairs)
        lines = self.file("pairs", ("%s\t%s" % (rooms[k // step], users[k % step]) for k in order))
        body = '{%s,"Operations":[{"op":"add","path":"members","value":[{"value":"{2}"}]}]}' % PATCH_OP
        return self.run(conns, seconds, "PATCH", "/scim/v2/Groups/{1}", body, 204, ids=lines, order="seq")


def removal(stack, token, work_dir, trials, events, gap_ms):
    """trials: [(user, path, body)]. Time from the request to the event, for both ways of reading."""
    path = os.path.join(work_dir, "trials")
    with open(path, "w") as f:
        f.writelines("%s\t%s\t%s\n" % t for t in trials)
    return run_json([os.path.join(BUILT, "removal"), "--brokers", stack.kafka, "--port", str(stack.port), "--token", token,
                     "--trials", path, "--events", str(events), "--gap-ms", str(gap_ms)], 120)


class Floor:
    """Plain SQL on the same PostgreSQL: what a service without a log could do at best."""

    def __init__(self, pg_uri):
        parts = {k: v for k, v in parse_dsn(pg_uri).items() if k != "options"}
        admin = psycopg2.connect(make_dsn(**parts))
        admin.autocommit = True
        with admin.cursor() as c:
            c.execute("DROP DATABASE IF EXISTS bench_floor")
            c.execute("CREATE DATABASE bench_floor")
        admin.close()
        self.dsn = make_dsn(**dict(parts, dbname="bench_floor"))
        with psycopg2.connect(self.dsn) as connection, connection.cursor() as c, open(os.path.join(HERE, "floor", "schema.sql")) as f:
            c.execute(f.read())

    def bulk(self, rows, clients, seconds):
        """The rate is of rows, the times are of statements."""
        found = self.run("bulk", clients, seconds)
        found["rate"] *= rows
        return found

    def run(self, case, clients, seconds):
        sampling = ["--sampling-rate=0.05"] if case in ("get", "find") else []
        logs = tempfile.mkdtemp(prefix="pgbench-")
        try:
            command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(max(1, int(seconds))),
                       "-f", os.path.join(HERE, "floor", case + ".sql"), "-l", "--log-prefix=" + os.path.join(logs, "t"), *sampling, self.dsn]
            run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
            rate = [line for line in run.stdout.splitlines() if line.startswith("tps = ")]
            if run.returncode != 0 or not rate:
                raise BenchError("pgbench %s: %s" % (case, run.stderr[-800:]))
            times = []
            for name in glob.glob(os.path.join(logs, "t.*")):
                with open(name) as f:
                    times += [int(line.split()[2]) for line in f]
        finally:
            shutil.rmtree(logs, ignore_errors=True)
        times.sort()
        pick = lambda p: times[int((len(times) - 1) * p)] if times else 0
        return {"rate": float(rate[0].split()[2]), "p50_us": pick(0.5), "p99_us": pick(0.99), "errors": 0}


def resident_mb(pid):
    """Memory of a process: (now, at its highest), MB."""
    found = {}
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM"):
                found[name] = int(value.split()[0]) // 1024
    return found.get("VmRSS", 0), found.get("VmHWM", 0)
