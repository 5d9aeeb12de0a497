"""What the differential suites share: a stack of their own with an operator's schemas, and the C programs that are
the other half."""

import json
import os
import shutil
import subprocess
import tempfile
from unittest import mock

from case import Case, shared_stack
from stack import ROOT, Stack
from waiting import run

# "": the built-in types alone.
SCHEMAS = os.environ.get("SCHEMA_DIR", os.path.join(ROOT, "tests", "cases", "schemas", "good"))
SEED = int(os.environ.get("DIFF_SEED", "20261122"))  # a failure names it


class DiffCase(Case):
    tool = None  # the program's name under tests/integration

    @classmethod
    def setUpClass(cls):
        with mock.patch.dict(os.environ, SCHEMA_DIR=SCHEMAS):
            cls.stack = Stack(tempfile.mkdtemp(prefix="usher-diff-"), "embedded", shared_stack().flavour)
            cls.addClassCleanup(cls.remove_stack)
            cls.stack.start()
        cls.program = os.path.join("build", "release", "tests", "integration", cls.tool)
        subprocess.run(["make", "-s", "-C", ROOT, cls.program], check=True, stdout=subprocess.DEVNULL)
        cls.ws = cls.stack.workspace(cls.tool)
        cls.http = cls.ws.client
        types = cls.http.get("/ResourceTypes").json["Resources"]
        cls.endpoints = {t["name"]: t["endpoint"] for t in types}

    @classmethod
    def remove_stack(cls):
        cls.stack.stop()
        shutil.rmtree(cls.stack.run_dir, ignore_errors=True)

    def lines(self, *words):
        """What the program prints, a JSON value a line."""
        command = [os.path.join(ROOT, self.program), *(["--schemas", SCHEMAS] if SCHEMAS else []),
                   *(str(w) for w in words)]
        done = run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, "%s: %s" % (" ".join(command), done.stderr))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def file(self, value):
        """A file with a JSON value; gives its path."""
        path = os.path.join(self.stack.run_dir, "%s.json" % self.id())
        with open(path, "w") as f:
            json.dump(value, f)
        return path


__all__ = ["DiffCase", "SEED"]
