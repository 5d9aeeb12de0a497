"""The embedded SQL: PostgreSQL understands every statement, with the parameters that its comment tells; and what embeds
it refuses files that do not agree with themselves."""

import os
import tempfile
import unittest

import stack as stacks
from case import Case
from waiting import run

TOOL = os.path.join(stacks.ROOT, "build", "release", "tests", "integration", "prepare_statements")
EMBED = os.path.join(stacks.ROOT, "ops", "build", "embed_sql.py")
FOLDER = os.path.join(stacks.ROOT, "sql", "statements")


class Statements(Case):
    def test_each_can_be_prepared_with_the_parameters_of_its_comment(self):
        lines = run([TOOL, self.stack.env["USHER_PG"]], capture_output=True, text=True, check=True).stdout.splitlines()
        with open(os.path.join(stacks.ROOT, "build", "gen", "statements.h")) as f:
            self.assertEqual(len(lines), f.read().count("    SQL_") - 1)  # the last is their number
        self.assertGreater(len(lines), 100)
        for line in lines:
            name, told, found = line.split("\t")
            with self.subTest(name):
                self.assertEqual(found, told)

    def test_the_text_with_its_parts_can_be_pasted(self):
        """build/gen/sql has the statements as psql takes them: each prepared by its text there."""
        for subject in ("query", "unit_store", "read"):
            with open(os.path.join(stacks.ROOT, "build", "gen", "sql", subject + ".sql")) as f:
                texts = [t for t in f.read().split("-- name: ")[1:]]
            self.assertGreater(len(texts), 4)
            for number, text in enumerate(texts):
                self.stack.sql("PREPARE pasted_%s_%d AS %s" % (subject, number,
                                                               text.split("\n", 1)[1].replace("%", "%%")))

    def test_the_plans_of_small_functions_are_those_of_their_expressions(self):
        """micros, from_micros and rfc3339 are put in the place of their calls: no call is left in the plan."""
        rows = self.stack.sql(
            "EXPLAIN (VERBOSE, COSTS OFF) SELECT micros(created), rfc3339(modified), from_micros(version) FROM users")
        plan = "\n".join(r for r, in rows)
        self.assertIn("EXTRACT(epoch FROM created)", plan)
        for name in ("micros(", "rfc3339("):
            self.assertNotIn(name, plan)


class Embedding(unittest.TestCase):
    def embed(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.sql")
            with open(path, "w") as f:
                f.write(text)
            done = run(["/usr/bin/python3", "-B", EMBED, folder, "statements", path], capture_output=True, text=True)
            if done.returncode:
                return None, done.stderr
            with open(os.path.join(folder, "statements.c")) as f:
                return f.read(), done.stderr

    def test_what_does_not_agree_with_itself_is_refused(self):
        for text, complaint in (
                ("-- name: a\n-- $1 uuid: x\nSELECT 1;\n", "tells of 1 parameters"),
                ("-- name: a\nSELECT $1;\n", "tells of 0 parameters"),
                ("-- name: a\n-- $1 uuid: x\n-- $2 uuid: x\nSELECT $1, $3;\n", "tells of 2 parameters"),
                ("-- name: a\n-- $2 uuid: x\nSELECT $2;\n", "is not the next parameter"),
                ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n", "stands there twice"),
                ("-- name: a\n-- nothing\n", "has no text"),
                ("-- name: a\nSELECT {b};\n", "there is no part b"),
                ("-- part: b\n{b}\n-- name: a\nSELECT {b};\n", "takes in itself"),
                ("-- name: a\n-- parameters as b\nSELECT $1;\n", "has no parameters such as those of b"),
                ("SELECT 1;\n", "text before the first marker")):
            with self.subTest(text):
                made, err = self.embed(text)
                self.assertIsNone(made)
                self.assertIn(complaint, err)

    def test_each_migration_has_a_number_of_its_own(self):
        for names, good in ((("0001_a", "0002_b"), True), (("0001_a", "0001_b"), False), (("0001_a", "0003_b"), False)):
            with self.subTest(names), tempfile.TemporaryDirectory() as folder:
                paths = [os.path.join(folder, name + ".sql") for name in names]
                for path in paths:
                    with open(path, "w") as f:
                        f.write("SELECT 1;\n")
                done = run(["/usr/bin/python3", "-B", EMBED, folder, "migrations", *paths], capture_output=True, text=True)
                self.assertEqual((done.returncode == 0, "numbered" in done.stderr), (good, not good))

    def test_what_is_embedded(self):
        made, err = self.embed("-- about\n\n-- part: p\na,\nb\n\n-- name: one\n-- $1 double precision: x\n"
                               "SELECT {p}, '$2', '{}' -- $3\nWHERE x = \"q\\\" AND $1;\n-- name: two\n-- parameters as one\nSELECT $1;\n")
        self.assertEqual(err, "")
        self.assertIn(
            '{"x.one", 1, "double precision",\n    "SELECT a,\\n"\n    "b, \'$2\', \'{}\' -- $3\\n"\n    "WHERE x = \\"q\\\\\\" AND $1"}', made)
        self.assertIn('{"x.two", 1, "double precision",\n    "SELECT $1"}', made)
        self.assertIn('const char sql_part_x_p[] =\n    "a,\\n"\n    "b";', made)
