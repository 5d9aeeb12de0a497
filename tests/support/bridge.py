"""usher-livekit for tests, started as a program."""

import os
import signal
import subprocess

import proxied
from livekit_fake import KEY, SECRET
from scimhttp import Client
from stack import free_port
from waiting import wait_for_end, wait_until


class Bridge:
    def __init__(self, folder, program, kafka, url, name="livekit", **settings):
        """settings: further ones, as probe_ms. workspace: only that one is served, as a project of its own."""
        self.hook_port, self.metrics_port = free_port(), free_port()
        self.program, self.log = program, os.path.join(folder, name + ".log")
        secret, projects = os.path.join(folder, name + ".secret"), os.path.join(folder, name + ".projects")
        with open(secret, "w") as f:
            f.write(SECRET + "\n")
        self.flags = ["--kafka", kafka, "--kafka.fetch.wait.max.ms", "5",
                      "--webhook-listen", "127.0.0.1:%d" % self.hook_port,
                      "--metrics-listen", "127.0.0.1:%d" % self.metrics_port]
        workspace = settings.pop("workspace", None)
        if workspace:
            with open(projects, "w") as f:
                f.write("%s %s %s %s\n" % (workspace, url, KEY, secret))
            self.flags += ["--livekit-projects", projects]
        else:
            self.flags += ["--livekit-url", url, "--livekit-key", KEY, "--livekit-secret-file", secret]
        for key, value in settings.items():
            self.flags += ["--" + key.replace("_", "-"), str(value)]
        self.process = None

    @property
    def hook(self):
        return ("127.0.0.1", self.hook_port)

    def start(self, ready=True, **env):
        """env: further variables of the environment."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, *self.flags], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, **env})
        if ready:
            self.wait_ready()
        return self

    def ready(self):
        """(status, text) of /readyz; (0, the reason) while nobody answers."""
        http = Client("http://127.0.0.1:%d" % self.metrics_port, prefix="", check=False)
        try:
            answer = http.get("/readyz")
            return answer.status, answer.body.decode().strip()
        except OSError as trouble:
            return 0, str(trouble)
        finally:
            http.close()

    def wait_ready(self):
        wait_until(lambda: self.process.poll() is not None or self.ready()[0] == 200, "the bridge to be ready",
                   self.ready)
        if self.process.poll() is not None:
            raise AssertionError("usher-livekit has ended: " + self.said()[-2000:])

    def metric(self, name):
        return proxied.metric("http://127.0.0.1:%d" % self.metrics_port, name)

    def said(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return wait_for_end(self.process, "usher-livekit")
