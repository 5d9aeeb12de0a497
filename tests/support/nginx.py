"""nginx in front of ingests, with the lines of ops/network.md."""

import os
import shutil
import signal
import subprocess

import pages
import stack as stacks
from waiting import wait_until


def lines_of_the_page():
    return pages.block(os.path.join(stacks.ROOT, "ops", "network.md"), "proxy")


class Nginx:
    """In front of two ingests; `folder` is its own. It is started by start()."""

    def __init__(self, folder, port, backends, master=False):
        """backends: the two ports. master: with a process that reload() can tell to begin with other lines."""
        self.folder, self.port, self.backends, self.master, self.process = folder, port, backends, master, None
        self.path = os.path.join(folder, "nginx.conf")
        self.errors = os.path.join(folder, "error.log")

    def write(self, out=()):
        """out: ports of ingests that get nothing."""
        lines = lines_of_the_page()
        for documented, real in zip(("10.0.0.5:8080", "10.0.0.6:8080"), self.backends):
            assert "server %s max_fails=0;" % documented in lines, lines
            lines = lines.replace(documented + " max_fails=0", "127.0.0.1:%d max_fails=0%s" % (
                real, " down" if real in out else ""))
        lines = lines.replace("listen 443 ssl;", "listen 127.0.0.1:%d;" % self.port)
        lines = "\n".join(line for line in lines.splitlines() if "ssl_certificate" not in line)
        # Without reload one process: a worker of its own would outlive a master that is killed.
        with open(self.path, "w") as f:
            f.write("daemon off; master_process %s; worker_processes 1; pid %s/pid; error_log %s;\nevents {}\nhttp {\n"
                    "access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u;"
                    " scgi_temp_path %s/s;\n%s\n}\n" % (("on" if self.master else "off", self.folder, self.errors)
                                                        + (self.folder,) * 5 + (lines,)))
        return self.path

    def start(self):
        os.chmod(self.folder, 0o755)
        self.write()
        self.process = subprocess.Popen([shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-c", self.path, "-e",
                                         self.errors], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        return self.process

    def workers(self):
        found = set()
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/%s/stat" % name) as f:
                        fields = f.read().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if fields[1] == str(self.process.pid) and fields[0] not in "ZX":
                    found.add(int(name))
        return found

    def reload(self, out=()):
        """Other lines, and nobody works by the old ones any more."""
        before = self.workers()
        self.write(out)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.workers() and not self.workers() & before, "nginx to take its new lines")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def complaints(self):
        with open(self.errors, errors="replace") as f:
            return f.read()[:1500]
