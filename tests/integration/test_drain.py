"""Restarts that nobody notices: an ingest that is to stop first says so, and goes on for a while; a socket that the
service manager holds; a rolling restart behind nginx; a worker that leaves its group hands over at once. What the
service manager is told. Stops programs, so it runs alone."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from case import BUSY, Case
from manager import Manager
from nginx import Nginx
from scimhttp import USER, Broken, Client
from stack import free_port
from waiting import SILENCE, wait_for_end, wait_until


class Programs(Case):
    """Programs that are started here, as a service manager starts them."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="usher-drain-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.processes = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def begin(self, program, *words, fd=None, **env):
        command = [os.path.join(self.stack.env["USHER_BIN"], "usher-" + program), "--config",
                   os.path.join(self.stack.run_dir, "conf", program), *words]
        log = open(os.path.join(self.stack.run_dir, "log", program + "-drain.log"), "ab")
        if fd is not None:  # as systemd does: descriptor 3, and the pid of the program itself
            command = ["/bin/bash", "-c", "exec env LISTEN_PID=$$ LISTEN_FDS=1 \"$@\" 3<&%d" % fd, "sh", *command]
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                   pass_fds=[fd] if fd is not None else [], env={"PATH": os.environ["PATH"], **env})
        log.close()
        self.processes.append(process)
        return process

    def ready(self, port):
        try:
            return self.get(port, "/readyz")[0]
        except OSError:
            return None

    def get(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("Connection")
        finally:
            connection.close()

    def until_ready(self, port):
        wait_until(lambda: self.ready(port) == 200, "the ingest to be ready", self.stack.progress)

    def ingest(self, port, *words, **more):
        process = self.begin("ingest", "--listen", "127.0.0.1:%d" % port, *words, **more)
        self.until_ready(port)
        return process


class Drain(Programs):
    def test_it_says_so_and_goes_on_and_then_closes(self):
        port = free_port()
        process = self.ingest(port, "--drain-seconds", "3")
        client = self.ws.open(url="http://127.0.0.1:%d" % port)
        self.assertIsNone(self.get(port, "/readyz")[2])
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        wait_until(lambda: self.ready(port) == 503, "/readyz to say 503")
        status, body, connection = self.get(port, "/readyz")
        self.assertEqual((status, connection), (503, "close"), body)
        self.assertIn('"stopping"', body)
        served = 0
        while time.monotonic() - began < 2:  # new connections and old ones, reads and writes
            answer = client.again().post("/Users", {"schemas": [USER], "userName": "late%d" % served})
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual(answer.headers.get("connection", answer.headers.get("Connection")), "close")
            served += 1
        self.assertGreater(served, 3)
        self.assertIsNone(process.poll())
        self.assertEqual(wait_for_end(process, "the ingest"), 0)
        self.assertGreaterEqual(time.monotonic() - began, 3)
        self.assertLess(time.monotonic() - began, 3 + BUSY)

    def test_a_second_signal_ends_the_wait(self):
        port = free_port()
        process = self.ingest(port, "--drain-seconds", "20")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: self.ready(port) == 503, "/readyz to say 503")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(wait_for_end(process, "the ingest"), 0)
        self.assertLess(time.monotonic() - began, 18)

    def test_a_socket_that_stays_open(self):
        """The next process takes those who came meanwhile: nobody is refused."""
        with socket.create_server(("127.0.0.1", 0), backlog=100) as door:
            port = door.getsockname()[1]
            first = self.begin("ingest", "--drain-seconds", "0", fd=door.fileno())
            self.until_ready(port)
            wrong, stop, done = [], threading.Event(), []

            def ask():
                while not stop.is_set():
                    client = self.ws.open(url="http://127.0.0.1:%d" % port)
                    try:
                        answer = client.get("/Users?count=0")
                        (done if answer.status == 200 else wrong).append(answer.status)
                    except (OSError, Broken) as trouble:
                        wrong.append(trouble)
                    finally:
                        client.close()

            askers = [threading.Thread(target=ask) for _ in range(4)]
            for t in askers:
                t.start()
            wait_until(lambda: len(done) > 20, "requests to be answered")
            first.send_signal(signal.SIGTERM)
            self.assertEqual(wait_for_end(first, "the first ingest"), 0)
            before = len(done)
            second = self.begin("ingest", "--drain-seconds", "0", fd=door.fileno())
            wait_until(lambda: len(done) > before + 20, "the second to answer", self.stack.progress)
            stop.set()
            for t in askers:
                t.join()
            self.assertEqual(wrong, [])
            second.send_signal(signal.SIGTERM)
            self.assertEqual(wait_for_end(second, "the second ingest"), 0)


class Told(Programs):
    """sd_notify: READY, STATUS, WATCHDOG, STOPPING, and in this order where there is one."""

    def programs(self):
        port = free_port()
        yield "ingest", ["--listen", "127.0.0.1:%d" % port, "--drain-seconds", "0"]
        yield "worker", ["--metrics-listen", ""]

    def test_the_service_manager(self):
        for program, words in self.programs():
            with self.subTest(program):
                manager = Manager(tempfile.mkdtemp(dir=self.folder))
                process = self.begin(program, *words, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="1000000")
                wait_until(lambda: "READY=1" in manager.hear() and "STATUS=ready" in manager.told, "READY",
                           self.stack.progress)
                seen = manager.hear().count("WATCHDOG=1")
                wait_until(lambda: manager.hear().count("WATCHDOG=1") > seen + 2, "WATCHDOG")
                self.assertNotIn("STOPPING=1", manager.told)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(wait_for_end(process, program), 0)
                self.assertIn("STOPPING=1", manager.hear())


class Rolling(Programs):
    """Two ingests behind nginx with the lines of ops/network.md, and clients that try nothing twice."""

    def test_no_request_fails(self):
        backends, front = [free_port(), free_port()], free_port()
        processes = [self.ingest(port, "--drain-seconds", "2") for port in backends]
        nginx = Nginx(self.folder, front, backends)
        self.processes.append(nginx.start())
        self.until_ready(front)
        wrong, answered, stop = [], [], threading.Event()

        def work(number):
            client = self.ws.open(url="http://127.0.0.1:%d" % front)
            for i in range(10 ** 9):
                if stop.is_set():
                    return
                try:
                    name = "roll%d-%d" % (number, i)
                    answer = client.post("/Users", {"schemas": [USER], "userName": name}) if i % 3 == 0 else client.get(
                        "/Users?count=1")
                    (answered if answer.status in (200, 201) else wrong).append(answer.status)
                except (OSError, http.client.HTTPException, Broken, AssertionError) as trouble:
                    wrong.append(repr(trouble))
                    client = client.again()
                    if len(wrong) > 100:
                        return

        workers = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for t in workers:
            t.start()
        wait_until(lambda: len(answered) > 50, "requests to be answered")
        for i, port in enumerate(backends):
            processes[i].send_signal(signal.SIGTERM)
            self.assertEqual(wait_for_end(processes[i], "an ingest"), 0)
            before = len(answered)
            wait_until(lambda: len(answered) > before + 20, "the other one to serve")
            processes[i] = self.ingest(port, "--drain-seconds", "2")
            before = len(answered)
            wait_until(lambda: len(answered) > before + 50, "both to serve")
        stop.set()
        for t in workers:
            t.join()
        self.assertEqual((len(wrong), wrong[:3]), (0, []), "%d answered; nginx: %s" % (len(answered), nginx.complaints()))
        print("rolled behind nginx: %d requests, 0 failed" % len(answered))


class HandOver(Programs):
    def test_a_worker_hands_over_within_a_second(self):
        """With static membership alone its partitions would stand until its session has timed out (6 s)."""
        if not self.real:
            return  # the trial broker takes a second and more for each rebalance, whatever a member says
        port = free_port()
        process = self.begin("worker", "--metrics-listen", "127.0.0.1:%d" % port)
        wait_until(lambda: self.ready(port) == 200, "the second worker to be ready", self.stack.progress)
        places = [self.stack.workspace("hand") for _ in range(12)]  # in partitions of both
        longest, stop = [0.0], threading.Event()
        wrong = []

        def write(ws, number):
            while not stop.is_set():
                began = time.monotonic()
                answer = ws.client.post("/Users", {"schemas": [USER], "userName": "h%d-%f" % (number, began)})
                longest[0] = max(longest[0], time.monotonic() - began)
                if answer.status != 201:
                    wrong.append(answer)

        writers = [threading.Thread(target=write, args=(ws, n)) for n, ws in enumerate(places)]
        for t in writers:
            t.start()
        wait_until(lambda: longest[0] > 0, "writes")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(wait_for_end(process, "the worker"), 0)
        self.wait_until(lambda: Client(self.stack.env["USHER_URL_WORKER"], prefix="", check=False).get("/readyz").status
                        == 200, "the worker that stays to be ready")
        stop.set()
        for t in writers:
            t.join()
        print("longest write while a worker left: %.2f s" % longest[0])
        self.assertEqual(wrong, [])
        self.assertLess(longest[0], 4)  # on a busy machine; alone it is below one second
