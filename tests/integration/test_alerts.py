"""The alerts for Prometheus: promtool finds them well formed, each fires where it should and stays quiet where it should,
and each metric in them exists."""

import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(ROOT, "ops", "prometheus", "usher.rules.yml")
CASES = os.path.join(ROOT, "tests", "cases", "alerts", "usher.test.yml")


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def promtool(*words):
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)


class Alerts(unittest.TestCase):
    def test_well_formed(self):
        done = promtool("check", "rules", RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_fires_and_stays_quiet(self):
        names = re.findall(r"- alert: (\w+)", text_of(RULES))
        self.assertGreater(len(names), 10)
        cases = text_of(CASES)
        for name in names:
            for kind in ("fires", "stays quiet"):
                self.assertIn("- name: %s %s\n" % (name, kind), cases)
        done = promtool("test", "rules", CASES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_cases_can_fail(self):
        """An alert that never fires is found."""
        with tempfile.TemporaryDirectory() as folder:
            rules, cases = os.path.join(folder, "rules.yml"), os.path.join(folder, "cases.yml")
            with open(rules, "w", encoding="utf-8") as f:
                f.write(text_of(RULES).replace("usher_emit_oldest_seconds > 30", "usher_emit_oldest_seconds > 1e9"))
            with open(cases, "w", encoding="utf-8") as f:
                f.write(re.sub(r"- \S+usher\.rules\.yml", "- rules.yml", text_of(CASES)))
            done = promtool("test", "rules", cases)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("UsherNotEmitted", done.stdout + done.stderr)

    def test_each_metric_exists(self):
        known = set(re.findall(r"(?m)^\| `((?:usher|process)_\w+)`", text_of(os.path.join(ROOT, "ops", "metrics.md"))))
        named = set(re.findall(r"\b(?:usher|process)_\w+", text_of(RULES)))
        self.assertGreater(len(named), 10)
        self.assertEqual(named - known, set())


if __name__ == "__main__":
    unittest.main()
