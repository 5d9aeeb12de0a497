"""A running usher for tests: started and stopped with the handles that everybody has (ops/local/usher-local,
RUN_DIR/env, usherctl)."""

import fcntl
import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile

import psycopg2

from scimhttp import Client
from waiting import run, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOCAL = os.path.join("ops", "local", "usher-local")
# All suites come from one address, and many of them with wrong tokens on purpose. What a source may send by default
# is tested in test_throttle.py, on an ingest of its own.
os.environ.setdefault("INGEST_SETTINGS", "max-unauthorized-per-source = 1000000")
# Receivers of the tests are on this machine, and nobody waits for minutes or days there. What is refused by default is
# tested in tests/ops/test_post.c.
os.environ.setdefault("WORKER_ARGS", "--deliver-http --deliver-networks 127.0.0.0/8 --deliver-retries 1,1,2 "
                      "--deliver-seconds 4 --deliver-give-up-seconds 6 --max-deliveries 120")
# Of a stack of their own, where neither archive nor deliveries are asked for: their consumers poll the embedded broker
# all the time, which is a tenth of a core for each stack.
APPLY_ALONE = "--roles apply"
ALL_SCOPES = ("scim:users:read,scim:users:write,scim:rooms:read,scim:rooms:write,"
              "api:users:read,api:users:write,api:rooms:read,api:rooms:write")


class ToolError(Exception):
    """usherctl or usher-local ended with an error."""

    def __init__(self, command, code, out, err):
        super().__init__("%s: exit %s\n%s%s" % (" ".join(command), code, out[-2000:], err[-2000:]))
        self.code, self.out, self.err = code, out, err


PORTS_GIVEN = set()


def free_port():
    """A port that nothing listens on. It lies below the range of outgoing connections, as those that usher-local
    takes: from that range the next connection of another process could get it before the server is there. It is
    given once."""
    while True:
        port = random.randrange(14000, 20000)
        if port in PORTS_GIVEN:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        PORTS_GIVEN.add(port)
        return port


def read_env(path):
    """The assignments of a shell file of plain NAME=value lines."""
    env = {}
    with open(path) as f:
        for line in f:
            for word in shlex.split(line, comments=True):
                name, equals, value = word.partition("=")
                if equals and name.isidentifier():
                    env[name] = value
    return env


class Workspace:
    """A workspace with one key of all scopes; further keys by key()."""

    def __init__(self, stack, wid, name, dialect):
        self.stack, self.id, self.name = stack, wid, name
        self.token, self.key_id = self.key("main", dialect=dialect)
        self.client = self.open()

    def key(self, name, scopes=ALL_SCOPES, **flags):
        """Gives (token, key id). Flags as usherctl has them: dialect, expires."""
        made = self.stack.ctl("key", "create", "--workspace", self.id, "--name", name, "--scopes", scopes, **flags)
        return made["token"], made["key"]["id"]

    def open(self, token=None, url=None, **kw):
        return Client(url or self.stack.url, token or self.token, **kw)

    def set(self, **flags):
        return self.stack.ctl("workspace", "set", self.id, **flags)

    def counts(self):
        """Rows and numbers that a refused request must leave alone."""
        queries = ("SELECT count(*) FROM users WHERE workspace_id=%s",
                   "SELECT count(*) FROM rooms WHERE workspace_id=%s",
                   "SELECT count(*) FROM members WHERE workspace_id=%s",
                   "SELECT count(*) FROM keys WHERE workspace_id=%s",
                   "SELECT seats_used FROM workspaces WHERE workspace_id=%s",
                   "SELECT membership_seq FROM workspaces WHERE workspace_id=%s",
                   "SELECT audit_seq FROM workspaces WHERE workspace_id=%s")
        names = ("users", "rooms", "members", "keys", "seats", "membership_seq", "audit_seq")
        return {name: self.stack.sql(q, self.id)[0][0] for name, q in zip(names, queries)}


class Stack:
    def __init__(self, run_dir, kafka="embedded", flavour="asan", port=None, root=ROOT, **settings):
        """root: the clone whose programs run. settings: further variables of usher-local, as SCHEMA_DIR."""
        self.root = root
        self.run_dir, self.kafka_kind, self.flavour, self.port = run_dir, kafka, flavour, port or free_port()
        self.settings = settings
        self.env, self._connection, self._names = {}, None, 0

    # ---- life

    @classmethod
    def attach(cls, run_dir):
        """A stack that somebody else started."""
        stack = cls(run_dir, kafka=os.environ.get("KAFKA", "embedded"), flavour=os.environ.get("FLAVOUR", "asan"),
                    port=1)
        stack.reload()
        return stack

    def local(self, *words, check=True, **settings):
        """usher-local; settings: further variables for it. Gives its exit code and what it said."""
        env = dict(os.environ, RUN_DIR=self.run_dir, PORT=str(self.port), FLAVOUR=self.flavour)
        env.pop("KAFKA", None)
        env.update(self.settings, **settings)
        if self.kafka_kind == "real":
            env["KAFKA"] = "real"
        command = [os.path.join(self.root, LOCAL), *words]
        # To a file, not a pipe: what it leaves running would keep a pipe open.
        os.makedirs(os.path.join(self.run_dir, "log"), exist_ok=True)
        path = os.path.join(self.run_dir, "log", "usher-local.%s.log" % words[0])
        with open(path, "wb") as log:
            code = run(command, env=env, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
        with open(path, errors="replace") as log:
            text = log.read()
        if check and code != 0:
            raise ToolError(command, code, text, "")
        return code, text

    def start(self):
        self.local("start")
        self.reload()
        return self

    def stop(self):
        self.forget()
        return self.local("stop", check=False)

    def reload(self):
        self.env = read_env(os.path.join(self.run_dir, "env"))
        self.url = self.env["USHER_URL"]
        self.host, port = self.url.split("://")[1].rsplit(":", 1)
        self.port = int(port.split("/")[0])
        self.kafka = self.env["USHER_KAFKA"]

    def stop_part(self, name):
        """As usher-local calls it: worker-two. Nothing happens where it does not run."""
        self.local("stop", name)
        self.start()  # brings RUN_DIR/env up to date

    def extra_worker(self, name):
        self.local("extra-worker", name)
        self.reload()

    def extra_ingest(self, name, port, arguments="", failpoint=""):
        """A second ingest on that port, perhaps with further arguments or a failpoint; gives its URL. One of that
        name that runs already, of this process or another, is taken as it is."""
        with open(os.path.join(self.run_dir, "extra.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.reload()
            known = ("INGEST_" + name).upper().replace("-", "_")
            if "USHER_PID_" + known not in self.env or not self.alive(known):
                self.local("extra-ingest", name, str(port), INGEST_ARGS=arguments, USHER_FAILPOINT_INGEST=failpoint)
                self.reload()
        return self.env["USHER_URL_" + known]

    # ---- processes

    def pid(self, program):
        """program: INGEST, WORKER, BROKER, POSTGRES …"""
        return int(self.env["USHER_PID_" + program])

    def _is_it(self, program, pid):
        """A pid may be a stranger's by now: it counts with the start time that usher-local has noted beside it."""
        for name in os.listdir(os.path.join(self.run_dir, "pid")):
            if name.upper().replace("-", "_") == program:
                try:
                    with open(os.path.join(self.run_dir, "pid", name)) as f, open("/proc/%d/stat" % pid) as stat:
                        return f.read().split() == [str(pid), stat.read().rsplit(")", 1)[1].split()[19]]
                except OSError:
                    return False
        return False

    def signal(self, program, number=signal.SIGKILL):
        pid = self.pid(program)
        if not self._is_it(program, pid):
            raise ProcessLookupError("%s (pid %d) has ended" % (program, pid))
        os.kill(pid, number)
        if number == signal.SIGSTOP:  # a thread on the other core goes on for a moment
            wait_until(lambda: set(self._thread_states(pid)) == {"T"}, "%s to stand still" % program, pause=0.001)

    @staticmethod
    def _thread_states(pid):
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/stat" % (pid, task)) as f:
                yield f.read().rsplit(")", 1)[1].split()[0]

    def alive(self, program):
        try:
            with open("/proc/%d/stat" % self.pid(program)) as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    # ---- tools

    def ctl(self, *words, **flags):
        """usherctl --json; flags: seats=5 -> --seats 5, seat_mode=x -> --seat-mode x, key=True -> --key."""
        command = [os.path.join(self.env["USHER_BIN"], "usherctl"), "--json", *words]
        for name, value in flags.items():
            if value is not None:
                command += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        done = run(command, env=dict(os.environ, **self.env), capture_output=True, text=True)
        if done.returncode != 0:
            raise ToolError(command, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def workspace(self, name=None, dialect=None, rate=100000, **flags):
        self._names += 1
        name = "%s-%d-%d" % (name or "t", os.getpid(), self._names)
        made = self.ctl("workspace", "create", name, rate=rate, **flags)
        return Workspace(self, made["workspace"]["id"], name, dialect)

    # ---- PostgreSQL, as superuser

    @property
    def connection(self):
        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(self.env["USHER_PG"], options="-c search_path=usher")
        return self._connection

    def sql(self, query, *values):
        with self.connection.cursor() as c:
            c.execute(query, values)
            rows = c.fetchall() if c.description else []
        self.connection.commit()
        return rows

    def progress(self):
        """What moves while usher works: the numbers of its records, and how much the programs have logged."""
        logs = os.path.join(self.run_dir, "log")
        logged = sum(os.path.getsize(os.path.join(logs, name)) for name in os.listdir(logs))
        counted = self.sql("SELECT sum(membership_seq + audit_seq + events_seq) FROM workspaces")[0][0]
        return {"numbers of records": counted, "bytes of logs": logged}

    def forget(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def temporary(kafka="embedded", flavour="asan", name="usher", **settings):
    """A stack in a folder of its own under the system's folder for temporary files."""
    return Stack(tempfile.mkdtemp(prefix="%s-%s-" % (name, kafka)), kafka, flavour, **settings)


def remove(stack):
    shutil.rmtree(stack.run_dir, ignore_errors=True)
