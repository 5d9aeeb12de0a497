"""The walk-through of README.md: its commands are taken from the page and run as a reader runs them, one shell for all,
on a stack of their own that nobody has used before. A command that fails ends the shell."""

import os
import re
import subprocess
import unittest

import stack as stacks
from waiting import run

PAGE = os.path.join(stacks.ROOT, "README.md")


def commands(section):
    """The lines of the ```sh blocks below that heading."""
    with open(PAGE) as f:
        text = f.read()
    found = re.search(r"^## %s\n(.*?)^## " % re.escape(section), text, re.M | re.S)
    if found is None:
        raise AssertionError("README.md has no section '%s'" % section)
    return "".join(re.findall(r"^```sh\n(.*?)^```$", found[1], re.M | re.S))


class TryIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = stacks.temporary("embedded", os.environ.get("FLAVOUR", "asan"), "usher-readme").start()
        folder = os.path.join(cls.stack.run_dir, "reader")  # the folder that the reader works in: `.run` is below it
        os.makedirs(folder)
        os.symlink(cls.stack.run_dir, os.path.join(folder, ".run"))
        done = run(["bash", "-euo", "pipefail", "-c", commands("Try it")], cwd=folder, capture_output=True, text=True,
                   stdin=subprocess.DEVNULL)
        cls.code, cls.out, cls.err = done.returncode, done.stdout, done.stderr

    @classmethod
    def tearDownClass(cls):
        code, text = cls.stack.stop()
        stacks.remove(cls.stack)
        assert code == 0, text

    def test_every_command_works(self):
        self.assertEqual((self.code, self.err), (0, ""), self.out[-3000:])

    def test_the_room_has_its_member_until_she_is_deactivated(self):
        ana = re.search(r"^Ana has the id (\S+)$", self.out, re.M)[1]
        self.assertIn('"value": "%s"' % ana, self.out)
        self.assertRegex(self.out, r'(?m)^\{"type":"usher\.room\.created"')
        self.assertRegex(self.out, r'(?m)^\{"type":"usher\.member\.added".*%s' % ana)
        self.assertRegex(self.out, r'(?m)^false$')
        self.assertIn('"type": "usher.member.removed"', self.out)
        self.assertIn('"reason": "user_deactivated"', self.out)

    def test_the_asynchronous_request_is_told_its_outcome(self):
        self.assertIn('"urn:ietf:params:scim:event:misc:asyncresp"', self.out)
        self.assertIn('"status": "201"', self.out)

    def test_the_second_key_is_dead_and_the_readers_is_not(self):
        self.assertRegex(self.out, r"(?m)^before: 200$")
        self.assertRegex(self.out, r"(?m)^after: 401$")
        client = stacks.Client(self.stack.url, self.stack.env["USHER_TOKEN"])
        self.assertEqual(client.get("/Users").status, 200)
        self.assertEqual(client.get("/Users").json["totalResults"], 3)
        client.close()

    def test_the_owner_sees_both_keys(self):
        self.assertRegex(self.out, r"(?m)^demo$")
        self.assertRegex(self.out, r"(?m)^second$")
