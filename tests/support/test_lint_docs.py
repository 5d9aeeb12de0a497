"""The check of the documents (ops/build/lint_docs.py) finds what it is there for, and nothing else: a check that finds
nothing would let every link go stale."""

import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "ops", "build"))

import lint_docs  # noqa: E402

LONG = "x" * 121


class Lines(unittest.TestCase):
    def faults(self, text):
        return len(list(lint_docs.long_lines("a.md", text)))

    def test_prose(self):
        self.assertEqual(self.faults(LONG), 1)
        self.assertEqual(self.faults("ä" * 120), 0)

    def test_not_tables_and_code(self):
        self.assertEqual(self.faults("| %s |\n\n    %s\n\n```sh\n%s\n```\n" % (LONG, LONG, LONG)), 0)
        self.assertEqual(self.faults("```\n```\n" + LONG), 1)


class Links(unittest.TestCase):
    def faults(self, text):
        os.chdir(ROOT)
        return [f.split(" links to ")[1].partition(",")[0] for f in lint_docs.dead_links("tests/x.md", text)]

    def test_files_and_headings(self):
        good = "# One `two`: three!\n[a](README.md) [b](../README.md#try-it) [c](#one-two-three) [d](https://example.com/#x)"
        self.assertEqual(self.faults(good), [])
        self.assertEqual(self.faults("[a](none.md) [b](../README.md#none) [c](#none)"),
                         ["none.md", "../README.md#none", "#none"])

    def test_not_in_code(self):
        self.assertEqual(self.faults("`[a](none.md)`\n\n```\n[b](none.md)\n```\n"), [])

    def test_headings_that_stand_twice(self):
        self.assertEqual(list(lint_docs.anchors("# A\n## A\n# b_c §1\n")), ["a", "a-1", "b_c-1"])


class Citations(unittest.TestCase):
    def faults(self, name, text):
        known = ["sql/db.c", "sql/ask/read.h", "tests/sql/test_db.c"]
        return [f.split(" cites ")[1]
                for f in lint_docs.dead_citations(name, text, known, {os.path.basename(k) for k in known},
                                                  {"Promises"})]

    def test_paths(self):
        self.assertEqual(self.faults("x.md", "`sql/db.c`, `sql/*.c`, `sql/ask/*.h` and sql/ask/read.h."), [])
        self.assertEqual(self.faults("x.md", "`sql/nothing.c`"), ["sql/nothing.c, which does not exist"])
        self.assertEqual(self.faults("tests/x.md", "`sql/test_db.c`"), [])  # beside the page
        self.assertEqual(self.faults("x.sh", "# see sql/nothing.sql"), ["sql/nothing.sql, which does not exist"])

    def test_names_in_comments_of_c(self):
        self.assertEqual(self.faults("a.c", '/* as db.c and read.h */ #include "gone.h"\nf("gone.c");'), [])
        self.assertEqual(self.faults("a.c", "/* (gone.c) */"), ["gone.c, which does not exist"])

    def test_headings_across_lines(self):
        self.assertEqual(self.faults("a.c", '/* ops/DESIGN.md,\n * "Promises" */')[1:], [])
        self.assertIn('ops/DESIGN.md, "Prizes", which is no heading there',
                      self.faults("a.c", '/* ops/DESIGN.md,\n * "Prizes" */'))


if __name__ == "__main__":
    unittest.main()
