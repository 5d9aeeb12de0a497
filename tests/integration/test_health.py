"""What /readyz of the worker says, that it is true, and that the worker ends when it is told to, whatever hangs."""

import contextlib
import os
import signal
import subprocess
import threading
import time

import proxied
from kafkacase import KafkaCase
from scimhttp import USER, Client, in_flight
from stack import free_port
from waiting import let_time_pass, wait_for_end, wait_until

ENDS = 30  # seconds, from SIGTERM


def body(name, **more):
    return {"schemas": [USER], "userName": name, **more}


class Health(KafkaCase):
    settings = {"WORKER_ARGS": "--unemitted-seconds 2 --stuck-seconds 3 --emit-queue-bytes 1048576"}

    def not_ready(self, reason):
        def seen():
            status, text = self.worker_ready()
            return text if status == 503 and reason in text else ""

        return wait_until(seen, "the worker not to be ready: " + reason, silence=60)

    def is_ready(self):
        wait_until(lambda: self.worker_ready()[0] == 200, "the worker to be ready", lambda: self.worker_ready()[1])

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
