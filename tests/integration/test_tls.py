"""TLS of the ingest itself: versions, certificates that change while it runs, wrong files."""

import http.client
import os
import signal
import socket
import ssl
import subprocess

import stream
from case import Case
from scimhttp import USER
from stack import free_port
from waiting import SILENCE, run, wait_for_end, wait_until


def make_pair(folder, name, host="localhost"):
    """A certificate for `host` and this machine's address, with its key."""
    cert, key = os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:%s,IP:127.0.0.1" % host, "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    return cert, key


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = os.path.join(cls.stack.run_dir, "tls")
        os.makedirs(cls.folder, exist_ok=True)
        cls.first, cls.second = make_pair(cls.folder, "first"), make_pair(cls.folder, "second")
        cls.cert, cls.key = os.path.join(cls.folder, "now.crt"), os.path.join(cls.folder, "now.key")
        cls.install(cls.first)
        cls.port = free_port()
        with open(os.path.join(cls.stack.run_dir, "log", "ingest-tls.log"), "ab") as log:
            cls.process = subprocess.Popen(cls.command("--listen", "127.0.0.1:%d" % cls.port, "--tls-cert", cls.cert,
                                                       "--tls-key", cls.key), stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        wait_until(cls.ready, "the ingest with TLS to be ready", cls.stack.progress)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.process.terminate()
        code = wait_for_end(cls.process, "the ingest with TLS")
        assert code == 0, "the ingest with TLS ended with %s" % code

    @classmethod
    def command(cls, *arguments):
        return [os.path.join(cls.stack.env["USHER_BIN"], "usher-ingest"), "--config",
                os.path.join(cls.stack.run_dir, "conf", "ingest"), *arguments]

    def run_ingest(self, *arguments):
        return run(self.command(*arguments), capture_output=True, text=True)

    @classmethod
    def install(cls, pair):
        for source, to in zip(pair, (cls.cert, cls.key)):
            with open(source) as f, open(to + ".part", "w") as out:
                out.write(f.read())
            os.replace(to + ".part", to)

    @classmethod
    def context(cls, ca=None, lowest=None, highest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(ca or cls.first[0])
        if lowest is not None:
            context.set_ciphers("ALL:@SECLEVEL=0")  # or the client would not even offer the old versions
            context.minimum_version, context.maximum_version = lowest, highest
        return context

    @classmethod
    def connect(cls, context):
        connection = http.client.HTTPSConnection("127.0.0.1", cls.port, context=context, timeout=SILENCE)
        connection.connect()
        return connection

    @classmethod
    def ready(cls):
        assert cls.process.poll() is None, "the ingest with TLS has ended"
        try:
            connection = cls.connect(cls.context())
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
            connection.close()
            return status == 200
        except OSError:
            return False

    def ask(self, connection, method, path, body=None):
        connection.request(method, path, body, {"Authorization": "Bearer " + self.ws.token,
                                                "Content-Type": "application/scim+json"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def test_tls_1_2_and_1_3_and_nothing_older(self):
        """Clause IO25. T1, X1."""
        v = ssl.TLSVersion
        for version, name in ((v.TLSv1_2, "TLSv1.2"), (v.TLSv1_3, "TLSv1.3")):
            connection = self.connect(self.context(lowest=version, highest=version))
            self.assertEqual(connection.sock.version(), name)
            self.assertEqual(self.ask(connection, "GET", "/scim/v2/Users?count=0")[0], 200)
            connection.close()
        for version in (v.TLSv1, v.TLSv1_1):
            with self.subTest(version):
                self.assertTrue(self.speaks(version), "this client could not do it anyway")
                with self.assertRaises(ssl.SSLError):
                    self.connect(self.context(lowest=version, highest=version))

    def speaks(self, version):
        """Would that client get through to a server that takes the old versions?"""
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(*self.first)
        server.set_ciphers("ALL:@SECLEVEL=0")
        server.minimum_version = ssl.TLSVersion.TLSv1
        ours, theirs, to, fro = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = [server.wrap_bio(to, fro, server_side=True),
                self.context(lowest=version, highest=version).wrap_bio(ours, theirs, server_hostname="localhost")]
        done = set()
        for _ in range(20):
            for n, end in enumerate(ends):
                try:
                    end.do_handshake()
                    done.add(n)
                except ssl.SSLWantReadError:
                    pass
            to.write(theirs.read())
            ours.write(fro.read())
        return done == {0, 1}

    def test_plain_http_is_told_to_speak_tls(self):
        """Once, in plain HTTP and in the form of the path; on record; and nothing is done."""
        for method, path, kind in (("GET", "/healthz", "application/scim+json"),
                                   ("POST", "/scim/v2/Users", "application/scim+json"),
                                   ("POST", "/api/v1/users", "application/problem+json"),
                                   ("POST", "/oauth2/token", "application/json")):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SILENCE)
            connection.request(method, path, '{"schemas":["%s"],"userName":"in the clear"}' % USER,
                               {"Authorization": "Bearer " + self.ws.token, "Content-Type": "application/scim+json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            self.assertEqual((answer.status, answer.headers["Content-Type"], answer.headers["Connection"]),
                             (400, kind, "close"), text)
            self.assertIn("must begin with https://", text)
            connection.close()
        found = self.expect(self.http.find("/Users", 'userName eq "in the clear"'), 200).json
        self.assertEqual(found["totalResults"], 0)

        def of(records):
            return {r.value["path"] for r in stream.requests_of(records) if "without TLS" in str(r.value["error"])}

        due = {"/healthz", "/scim/v2/Users", "/api/v1/users", "/oauth2/token"}
        self.followers.audit.wait(lambda rs: due <= of(rs), "a record of each")

    def test_what_is_neither(self):
        """Half a line, a byte that begins nothing, nothing at all: closed, and the next one is served."""
        for sent in (b"G", b"GET", b"\r\n", b"\x00\x01\x02", b"\x16\x03", b""):
            with socket.create_connection(("127.0.0.1", self.port), SILENCE) as sock:
                sock.sendall(sent)
                sock.shutdown(socket.SHUT_WR)
                got = b""
                while more := sock.recv(65536):
                    got += more
                self.assertEqual(got.startswith(b"HTTP/1.1 400 "), sent[:1] == b"G", (sent, got))
        connection = self.connect(self.context())
        self.assertEqual(self.ask(connection, "GET", "/scim/v2/Users?count=0")[0], 200)
        connection.close()

    def test_addresses_begin_with_https(self):
        connection = self.connect(self.context())
        status, headers, text = self.ask(connection, "POST", "/scim/v2/Users",
                                         '{"schemas":["%s"],"userName":"over tls"}' % USER)
        self.assertEqual(status, 201, text)
        self.assertTrue(headers["Location"].startswith("https://127.0.0.1:%d/scim/v2/Users/" % self.port),
                        headers["Location"])
        self.assertIn('"location":"https://', text)
        connection.close()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def accepts(self, ca):
        try:
            self.connect(self.context(ca)).close()
            return True
        except ssl.SSLCertVerificationError:
            return False

    def test_a_new_certificate_without_dropping_connections(self):
        old = self.connect(self.context())
        self.assertEqual(self.ask(old, "GET", "/scim/v2/Users?count=0")[0], 200)
        self.install(self.second)
        self.reload()
        self.wait_until(lambda: self.accepts(self.second[0]), "the new certificate")
        self.assertFalse(self.accepts(self.first[0]))
        old.auto_open = False  # http.client would open another one unasked
        self.assertEqual(self.ask(old, "GET", "/scim/v2/Users?count=0")[0], 200)
        # A file that is no certificate changes nothing.
        with open(self.cert, "w") as f:
            f.write("nonsense\n")
        self.reload()
        log = os.path.join(self.stack.run_dir, "log", "ingest-tls.log")

        def told():
            with open(log, errors="replace") as f:
                return "certificate-not-reloaded" in f.read()

        self.wait_until(told, "the log to say that it was not taken")
        self.assertTrue(self.accepts(self.second[0]))
        self.install(self.first)
        self.reload()
        self.wait_until(lambda: self.accepts(self.first[0]), "the first certificate again")
        self.assertEqual(self.ask(old, "GET", "/scim/v2/Users?count=0")[0], 200)
        old.close()

    def test_wrong_files_are_refused(self):
        """At start and by --check-config, with a reason that names the file."""
        nonsense = os.path.join(self.folder, "nonsense.pem")
        with open(nonsense, "w") as f:
            f.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        wrong = ((self.first[0], self.second[1], "key"), (os.path.join(self.folder, "missing.crt"), self.first[1],
                                                          "missing.crt"), (nonsense, self.first[1], "nonsense.pem"),
                 (self.first[0], nonsense, "nonsense.pem"), (self.first[0], "", "go together"),
                 ("", self.first[1], "go together"))
        for cert, key, named in wrong:
            for check in ((), ("--check-config",)):
                with self.subTest(cert=os.path.basename(cert), key=os.path.basename(key), check=check):
                    port = "127.0.0.1:%d" % free_port()
                    done = self.run_ingest("--listen", port, "--tls-cert", cert, "--tls-key", key, *check)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(named, done.stderr)
        good = self.run_ingest("--tls-cert", self.first[0], "--tls-key", self.first[1], "--check-config")
        self.assertEqual((good.returncode, good.stdout.strip()), (0, "ok"), good.stderr)
        proxies = self.run_ingest("--trusted-proxies", "10.0.0.1/8", "--check-config")
        self.assertEqual(proxies.returncode, 1)
        self.assertIn("10.0.0.1/8", proxies.stderr)
