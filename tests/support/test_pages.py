"""The blocks of the operators' pages that `make runbook-test` runs: each is run there, and a shell can read it. So whoever
changes a page is told at once, and not only when the long test runs."""

import ast
import glob
import os
import subprocess
import tempfile
import unittest

import pages

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ("README.md", "runbook.md", "topics.md", "network.md", "workspaces.md")


def words_of_the_walk():
    """All texts in the code of the walk."""
    found = set()
    for path in glob.glob(os.path.join(ROOT, "tests", "runbook", "parts_*.py")):
        with open(path, encoding="utf-8") as f:
            found |= {node.value for node in ast.walk(ast.parse(f.read())) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


class Pages(unittest.TestCase):
    def test_each_block_is_run(self):
        words = words_of_the_walk()
        found = [(page, name) for page in PAGES for name in pages.blocks(os.path.join(ROOT, "ops", page))]
        self.assertGreater(len(found), 20)
        self.assertEqual([f for f in found if f[1] not in words], [])

    def test_a_shell_can_read_each(self):
        for page in PAGES:
            for name, text in pages.blocks(os.path.join(ROOT, "ops", page), "sh").items():
                done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), "%s, %s" % (page, name))

    def test_how_they_are_found(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md", delete=False) as f:
            self.addCleanup(os.unlink, f.name)
            f.write("a\n\n```sh one\nb\n  c\n```\n\n1. d\n\n   ```sql two\n   SELECT 1;\n   ```\n\n```sh\nno name\n```\n")
        self.assertEqual(pages.blocks(f.name), {"one": "b\n  c\n", "two": "SELECT 1;\n"})
        self.assertEqual(pages.blocks(f.name, "sql"), {"two": "SELECT 1;\n"})
        with open(f.name, "a", encoding="utf-8") as again:
            again.write("\n```sh one\ne\n```\n")
        with self.assertRaises(AssertionError):
            pages.blocks(f.name)


if __name__ == "__main__":
    unittest.main()
