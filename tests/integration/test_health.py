"""What /readyz of the worker says, that it is true, and that the worker ends when it is told to, whatever hangs."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time

import proxied
from case import BUSY
from kafkacase import KafkaCase
from scimhttp import USER, Client, in_flight, raw
from stack import free_port
from waiting import let_time_pass, run, wait_for_end, wait_until

ENDS = 30  # seconds, from SIGTERM
TRY_AGAIN = 75  # of sysexits.h: the service manager starts the worker again


def body(name, **more):
    return {"schemas": [USER], "userName": name, **more}


class Standing(KafkaCase):
    def children(self, pid):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open("/proc/%s/stat" % name) as f:
                    if f.read().rsplit(")", 1)[1].split()[1] == str(pid):
                        yield int(name)

    @contextlib.contextmanager
    def postgres_stands(self):
        """The whole of it: a server alone that stands still leaves its sessions working."""
        server = self.stack.pid("POSTGRES")
        stopped = [server, *self.children(server)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


class Health(Standing):
    settings = {"WORKER_ARGS": "--unemitted-seconds 2 --stuck-seconds 3 --emit-queue-bytes 1048576"}

    def not_ready(self, reason):
        def seen():
            status, text = self.worker_ready()
            return text if status == 503 and reason in text else ""

        return wait_until(seen, "the worker not to be ready: " + reason, silence=60)

    def is_ready(self):
        wait_until(lambda: self.worker_ready()[0] == 200, "the worker to be ready", lambda: self.worker_ready()[1])

    def ends_in_time(self):
        began = time.monotonic()
        os.kill(self.stack.pid("WORKER"), signal.SIGTERM)
        wait_until(lambda: not self.stack.alive("WORKER"), "the worker to end", silence=ENDS)
        self.assertLess(time.monotonic() - began, ENDS)

    def test_it_answers_before_kafka_is_there(self):
        port = free_port()
        program = os.path.join(self.stack.env["USHER_BIN"], "usher-worker")
        worker = subprocess.Popen([program, "--pg", self.stack.env["USHER_PG"], "--kafka", "127.0.0.1:1", "--metrics-listen", "127.0.0.1:%d" % port],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = "http://127.0.0.1:%d" % port

            def answers():
                try:
                    return self.ready(url)
                except OSError:
                    return None

            wait_until(lambda: (answers() or (0, ""))[1].startswith("Kafka"), "the reason", silence=60)
            self.assertEqual(self.ready(url)[0], 503)
            http = Client(url, prefix="", check=False)
            self.assertEqual(http.get("/healthz").status, 200)
            http.close()
            self.assertGreaterEqual(proxied.metric(url, "usher_worker_batches_total"), 0)
        finally:
            worker.terminate()
            wait_for_end(worker, "the worker")

    def test_postgresql_refuses_writes(self):
        database = self.stack.sql("SELECT current_database()")[0][0]
        self.stack.sql('ALTER DATABASE "%s" SET default_transaction_read_only = on' % database)
        self.stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'usher-worker%%'")
        try:
            self.not_ready("PostgreSQL")
        finally:
            self.stack.sql("SET transaction_read_only = off")
            self.stack.sql('ALTER DATABASE "%s" RESET default_transaction_read_only' % database)
        self.stack.start()
        self.is_ready()

    def test_kafka_takes_no_transaction(self):
        """The reason, the gauges, and a queue that is bounded by bytes."""
        os.environ["USHER_FAILPOINT_WORKER"] = "emit.before_commit=sleep:20000@3"
        try:
            self.stack.stop_part("worker")
        finally:
            del os.environ["USHER_FAILPOINT_WORKER"]
        ws = self.stack.workspace("queue")
        most, done = [0], threading.Event()

        def watch():
            while not done.is_set():
                most[0] = max(most[0], self.metric("usher_emit_queue_bytes"))
                let_time_pass(0.1, "the gauge is looked at again and again")

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            jobs = [lambda c, i=i: c.post("/Users", body("queue%d" % i, title="x" * 30000)) for i in range(120)]
            loader = threading.Thread(target=in_flight, args=(8, jobs, ws.client))
            loader.start()
            self.not_ready("Kafka transaction")
            self.assertGreater(self.metric("usher_emit_waiting_batches"), 0)
            wait_until(lambda: self.metric("usher_emit_oldest_seconds") >= 2, "the age of the oldest batch", silence=20)
            loader.join()
            self.is_ready()
        finally:
            done.set()
            watcher.join()
        self.assertGreater(most[0], 200000)
        # The batch that fills the queue goes in whole: at most the eight in flight, each with its records.
        self.assertLess(most[0], 1048576 + 8 * 131072)
        self.assertEqual(self.metric("usher_emit_waiting_batches"), 0)
        self.assertEqual(self.metric("usher_emit_queue_bytes"), 0)

    def test_the_lag_is_known(self):
        ws = self.stack.workspace("lag")
        self.stack.signal("WORKER", signal.SIGSTOP)
        for i in range(5):
            ws.client.post("/Users", body("lag%d" % i), headers={"Prefer": "respond-async"})
        self.stack.signal("WORKER", signal.SIGCONT)
        wait_until(lambda: self.metric("usher_worker_lag") == 0, "nothing to wait", silence=60)
        self.assertLess(abs(self.metric("usher_worker_clock_skew_milliseconds")), 1000)

    def test_sigterm_while_kafka_hangs(self):
        ws = self.stack.workspace("hangs")
        self.user("before", ws.client)
        self.stack.signal("BROKER", signal.SIGSTOP)
        try:
            ws.client.post("/Users", body("hangs"))
            self.ends_in_time()
        finally:
            self.stack.signal("BROKER", signal.SIGCONT)
        self.stack.start()
        self.is_ready()

    def test_sigterm_while_postgresql_hangs(self):
        ws = self.stack.workspace("stands")
        self.user("before", ws.client)
        with self.postgres_stands():
            ws.client.post("/Users", body("stands"))
            self.ends_in_time()
        self.stack.start()
        self.is_ready()
        self.user("after", ws.client)


class Stuck(Standing):
    """A worker that does not go on says so, and ends; the next one does what it has left. The broker does not
    matter."""

    kafka = "embedded"

    @contextlib.contextmanager
    def worker(self, failpoint, **flags):
        """Instead of the stack's own: one that stops at a failpoint. Gives its process and URL."""
        self.stack.signal("WORKER", signal.SIGTERM)
        wait_until(lambda: not self.stack.alive("WORKER"), "the worker to end", silence=ENDS)
        port = free_port()
        command = [os.path.join(self.stack.env["USHER_BIN"], "usher-worker"), "--config",
                   os.path.join(self.stack.run_dir, "conf", "worker"), "--metrics-listen", "127.0.0.1:%d" % port]
        for name, value in flags.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        with open(os.path.join(self.stack.run_dir, "log", "worker.log"), "ab") as log:
            process = subprocess.Popen(command, env=dict(os.environ, USHER_FAILPOINT=failpoint), stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL)
        url = "http://127.0.0.1:%d" % port
        try:
            wait_until(lambda: self.asked(url)[0] == 200, "the worker to be ready", silence=60)
            yield process, url
        finally:
            if process.poll() is None:
                process.terminate()
                wait_for_end(process, "the worker")
            self.stack.start()

    def asked(self, url):
        try:
            return self.ready(url)
        except OSError:
            return 0, ""

    def post(self, name):
        """A create that nobody waits for."""
        self.expect(self.http.post("/Users", body(name), headers={"Prefer": "respond-async"}), 202)

    def is_made(self, name):
        wait_until(lambda: self.http.find("/Users", 'userName eq "%s"' % name).json["totalResults"] == 1,
                   name + " to be made", silence=60)

    def test_a_loop_that_stands_ends_the_worker(self):
        """After watchdog-seconds, with the code that has the service manager start it again; not before."""
        with self.worker("worker.after_pg_commit=sleep:600000", watchdog_seconds=6) as (process, url):
            began = time.monotonic()
            self.post("watched")
            code = wait_for_end(process, "the worker, by itself")
            took = time.monotonic() - began
        self.assertEqual(code, TRY_AGAIN)
        self.assertTrue(5 < took < 6 + BUSY + 10, "ended after %.1f s" % took)
        self.assertTrue(self.logged("event=watchdog"))
        self.is_made("watched")

    def test_postgresql_that_stands_ends_the_worker(self):
        with self.worker("", watchdog_seconds=6) as (process, url):
            with self.postgres_stands():
                code = wait_for_end(process, "the worker, by itself")
            self.assertEqual(code, TRY_AGAIN)

    def test_a_partition_that_stands_is_told(self):
        """stuck-seconds: not ready while commands wait and nothing moves, ready again when it does. Without a watchdog
        the process stays."""
        with self.worker("worker.after_pg_commit=sleep:20000@1", stuck_seconds=2, watchdog_seconds=0) as (process, url):
            self.post("stands 1")
            self.post("stands 2")

            def told():
                status, text = self.asked(url)
                return status == 503 and text

            text = wait_until(told, "the worker not to be ready", silence=30)
            self.assertRegex(text, r"partition \d+ has not moved for \d+ s, and \d+ commands wait in it")
            wait_until(lambda: self.asked(url)[0] == 200, "the worker to be ready again", silence=60)
            self.assertIsNone(process.poll())
            self.is_made("stands 2")

    def test_no_control_byte_reaches_a_log(self):
        """Whatever a client or a record of Kafka holds: a reader's terminal gets text."""
        evil = b"\x1b[2J\x07\r\x7f\xc2\x9b31m"
        host = b"Host: %s:%d\r\nUser-Agent: %s\r\n" % (self.stack.host.encode(), self.stack.port, evil)
        auth = b"Authorization: Bearer %s\r\n" % self.ws.token.encode()
        for wire in (b"GE" + evil.replace(b"\r", b"") + b"T /scim/v2/Users HTTP/1.1\r\n" + host + auth + b"\r\n",
                     b"GET /scim/v2/" + evil + b" HTTP/1.1\r\n" + host + auth + b"\r\n",
                     b"GET /scim/v2/%1b%5b2J HTTP/1.1\r\n" + host + auth + b"\r\n",
                     b"GET /scim/v2/Users?" + evil + b" HTTP/1.1\r\n" + host + auth + b"\r\n",
                     b"GET /scim/v2/Users HTTP/1.1\r\n" + host + b"Authorization: Bearer " + evil + b"\r\n\r\n",
                     b"GET /scim/v2/Users HTTP/1.1\r\n" + host + auth + evil + b": x\r\n\r\n",
                     b"GET /" + evil + b" HTTP/" + evil + b"\r\n\r\n"):
            self.assertEqual([a.status for a in raw(self.stack.host, self.stack.port, wire)], [400])
        value = os.path.join(self.stack.run_dir, "evil")
        for n, text in enumerate((evil, b'{"v":1,"type":"user.create","txn":"\\u001b[2J\\u0007"}')):
            with open(value, "wb") as f:
                f.write(text)
            run(["kcat", "-P", "-b", self.stack.kafka, "-t", "usher.commands", "-p", str(n), "-k", b"k" + evil,
                 "-H", b"h=" + evil, value], check=True)
        wait_until(lambda: self.logged("event=deadletter partition=0") and self.logged("event=deadletter partition=1"),
                   "the dead letters", silence=60)
        wrong = []
        for name in ("ingest", "worker", "broker"):
            with open(os.path.join(self.stack.run_dir, "log", name + ".log"), "rb") as f:
                for line in f.read().split(b"\n"):
                    if re.search(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]", line):
                        wrong.append("%s: %r" % (name, line))
        self.none_wrong(wrong)
        self.assertTrue(self.logged("status=400", "ingest"))
