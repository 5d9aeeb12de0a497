"""The systemd units: well formed, with a sandbox that systemd-analyze judges well, and with what the programs need of a
service manager. Needs no running systemd."""

import configparser
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(ROOT, "ops", "systemd")
WORST = 1.5  # of systemd-analyze security; 10 is no sandbox at all


class Many(dict):
    """Keys of units may stand several times."""

    def __setitem__(self, key, value):
        if key in self and isinstance(value, list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def read(name):
    parser = configparser.RawConfigParser(dict_type=Many, strict=False)
    parser.optionxform = str
    parser.read(os.path.join(UNITS, name))
    return parser


def services():
    return sorted(n for n in os.listdir(UNITS) if n.endswith(".service"))


class Units(unittest.TestCase):
    def install(self, folder):
        """As `make install` does it; gives the folder of the units."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
        subprocess.run(["make", "-s", "install-units", "DESTDIR=" + folder, "PREFIX=/usr"], cwd=ROOT, check=True, env=env)
        units = os.path.join(folder, "usr", "lib", "systemd", "system")
        self.assertEqual(sorted(os.listdir(units)), sorted(os.listdir(UNITS)))
        for name in services():
            with open(os.path.join(units, name), encoding="utf-8") as f:
                self.assertIn("\nExecStart=/usr/bin/usher-", f.read())
        return units

    def test_the_sandbox(self):
        self.assertEqual(services(), ["usher-ingest.service", "usher-livekit.service", "usher-worker.service"])
        with tempfile.TemporaryDirectory() as folder:
            units = self.install(folder)
            for name in services():
                done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                       os.path.join(units, name)], capture_output=True, text=True, check=False)
                level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
                self.assertIsNotNone(level, done.stdout + done.stderr)
                self.assertLessEqual(float(level.group(1)), WORST, done.stdout)
                print("%s: exposure %s" % (name, level.group(1)))

    def test_what_the_programs_need(self):
        for name in services():
            program = name[:-len(".service")]
            service = read(name)["Service"]
            self.assertEqual(service["Type"], "notify")
            self.assertGreater(int(service["WatchdogSec"]), 0)
            self.assertRegex(service["ExecStart"], r"^@bindir@/%s --config %%d/\w+\.conf$" % program)
            # the configuration is judged before the program of before is gone
            self.assertEqual(service["ExecStartPre"], service["ExecStart"] + " --check-config")
            self.assertIn(service["LoadCredential"].split(":")[0], service["ExecStart"])
            self.assertEqual(service["RestartPreventExitStatus"], "2")
        # from SIGTERM to the end: drain-seconds at most, and what is under way (ops/DESIGN.md, "Bounds")
        self.assertGreaterEqual(int(read("usher-ingest.service")["Service"]["TimeoutStopSec"]), 20 + 28)
        self.assertGreaterEqual(int(read("usher-worker.service")["Service"]["TimeoutStopSec"]), 25)

    def test_all_belong_together(self):
        for name in services() + ["usher-ingest.socket"]:
            self.assertEqual(read(name)["Unit"]["PartOf"], "usher.target", name)
        self.assertEqual(read("usher-ingest.socket")["Socket"]["ListenStream"], "127.0.0.1:8080")


if __name__ == "__main__":
    unittest.main()
