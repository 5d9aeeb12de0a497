"""What a worker decides, on PostgreSQL: the cases of tests/cases/apply, which `make check` runs in memory, must come
out the same here. In a database of its own, beside the stack's, made and migrated for it."""

import glob
import os
import subprocess
import urllib.parse

import psycopg2

from case import Case
from stack import ROOT
from waiting import run

DATABASE = "usher_apply_cases"
PROGRAM = os.path.join("tests", "integration", "apply_cases")


class ApplyCases(Case):
    def setUp(self):
        self.statement('DROP DATABASE IF EXISTS %s' % DATABASE)
        self.statement('CREATE DATABASE %s' % DATABASE)
        self.addCleanup(self.statement, 'DROP DATABASE %s WITH (FORCE)' % DATABASE)
        parts = urllib.parse.urlsplit(self.stack.env["USHER_PG"])
        self.uri = urllib.parse.urlunsplit(parts._replace(path="/" + DATABASE))

    def statement(self, text):
        connection = psycopg2.connect(self.stack.env["USHER_PG"])
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text)
        connection.close()

    def test_as_in_memory(self):
        program = os.path.join("build", "release", PROGRAM)
        subprocess.run(["make", "-s", "-C", ROOT, program], check=True, stdout=subprocess.DEVNULL)
        migrate = [os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "--pg", self.uri, "migrate"]
        done = run(migrate, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        files = sorted(glob.glob(os.path.join("tests", "cases", "apply", "*.json"), root_dir=ROOT))
        done = run([program, self.uri, *files], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^[1-9][0-9]{2,} cases, 0 failed$")
