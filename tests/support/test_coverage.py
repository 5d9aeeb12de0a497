"""The table of rules: what counts as naming a rule and what does not. (A check that finds too much would let rules
without a test pass.)"""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import coverage  # noqa: E402


class Words(unittest.TestCase):
    def test_whole_words_alone(self):
        for text, due in (("P1 and P10.", {"P1", "P10"}), ("P10", {"P10"}), ("test_Q01_Q02_look_up", {"Q01", "Q02"}),
                          ("(F14!)", {"F14"}), ("F14's", {"F14"}), ("T3-T6", set()),
                          ("S3cret", set()), ("E-19", set()), ("xP1", set()), ("P1x", set()), ('W/"V1"', set()),
                          ("1.P1", set()), ("Q10a", {"Q10a"}), ("p1", set()), ("P100", set()),
                          ("rule 0.1, Rule 0.13", {"0.1", "0.13"}), ("0.1 s", set()), ("rule 0.130", set()),
                          ("C1, C2; S4", {"C1", "C2", "S4"}), ("#D1", set()), ("F4.2", set()),
                          ("AL02, test_IO15_x", {"AL02", "IO15"}), ("AL2", set()), ("GM01a", set()), ("XX01", set())):
            self.assertEqual(coverage.words(text), due, text)


class Files(unittest.TestCase):
    def of(self, kind, text):
        with tempfile.NamedTemporaryFile("w", suffix="." + kind, encoding="utf-8") as f:
            f.write(text)
            f.flush()
            found = {}
            for test, said in {"py": coverage.in_python, "c": coverage.in_c, "json": coverage.in_json}[kind](f.name):
                for rule in coverage.words(said):
                    found.setdefault(rule, set()).add(test)
            return found

    def test_python(self):
        text = '"""A1."""\nX = "A2"  # A3\n\n\nclass K:\n    """A4."""\n\n    def test_A5_x(self):\n        """A6."""\n        y = "A7"\n        # A8\n        with self.subTest("A9 z"):\n' \
               '            pass\n\n    def help_A10(self):\n        """A11."""\n'
        self.assertEqual(self.of("py", text), {"A1": {""}, "A3": {""}, "A4": {"K"}, "A5": {"K.test_A5_x"},
                                               "A6": {"K.test_A5_x"}, "A8": {"K.test_A5_x"}, "A9": {"K.test_A5_x"},
                                               "A11": {"K"}})

    def test_c(self):
        text = '/* A1 */\n#include "A2"\nstatic int x; // A3\n\n/* A4 */\nstatic void test_A5(void **state) {\n    f("/* A6 */", \'"\'); /* A7 */\n}\n/* A8 */\nint y;\n'
        self.assertEqual(self.of("c", text), {"A1": {""}, "A3": {""}, "A4": {"test_A5"}, "A5": {"test_A5"},
                                              "A7": {"test_A5"}, "A8": {""}})

    def test_json(self):
        text = '{"why": "A1", "cases": [{"name": "A2 x", "doc": {"title": "A3", "name": {"givenName": "A4"}}}, {"step": "s", "shows": ["A5", "A6"], "body": "A7"}]}'
        self.assertEqual(self.of("json", text), {"A1": {""}, "A2": {"A2 x"}, "A5": {"s"}, "A6": {"s"}})


class Faults(unittest.TestCase):
    RULES = {"P1": "x", "Q01": "y"}

    def faults(self, found, exceptions=(), unknown=None):
        return coverage.faults(self.RULES, {"P1": {}, "Q01": {}, **found}, unknown or {}, [("never", list(exceptions))])

    def test_each_kind(self):
        named = {"P1": {"schemas/test_x.c": [""]}, "Q01": {"integration/test_x.py": [""]}}
        self.assertEqual(self.faults(named), [])
        self.assertIn("rule P1", self.faults({"Q01": named["Q01"]})[0])
        self.assertEqual(self.faults({"Q01": named["Q01"]}, [("P1", "no")]), [])
        self.assertIn("P1, but schemas/test_x.c", self.faults(named, [("P1", "no")])[0])
        self.assertIn("P9, which is no rule", self.faults(named, [("P9", "no")])[0])
        self.assertIn("needs an integration test", self.faults({**named, "Q01": {"cases/x.json": ["n"]}})[0])
        self.assertIn("names P77", self.faults(named, unknown={"P77": "tests/integration/test_x.py"})[0])

    def test_clauses(self):
        """What is met needs a test, what is not has none, and each row says how usher stands."""
        found = {"AL01": {"integration/test_x.py": ["t"]}, "AL02": {}}

        def faults(*rows):
            return coverage.clause_faults([("IPSIE", list(rows))], found)

        self.assertEqual(faults(("AL01", "x", "met"), ("AL02", "y", "deviates: because")), [])
        self.assertEqual(faults(("AL01", "x", "met with `--a b`, the default"), ("AL02", "y", "not yet")), [])
        self.assertEqual(faults(("AL01", "x", "deviates: in part")), [])
        self.assertIn("AL02 (y) is met and named by no test", faults(("AL02", "y", "met: so"))[0])
        self.assertIn("AL01 is not met yet, but", faults(("AL01", "x", "not yet"))[0])
        for text in ("mostly", "met with a switch", "deviates"):
            self.assertIn("says not how usher stands", faults(("AL01", "x", text))[0])

    def test_clauses_are_counted(self):
        rows = [("AL01", "x", "met"), ("AL02", "y", "met with `--a b`"), ("AL03", "z", "not yet")]
        text = coverage.profiles([("IPSIE", rows)], {c: {} for c, _, _ in rows})
        self.assertIn("| IPSIE | 3 | 1 | 1 | 0 | 1 |", text)

    def test_code_cites_rules(self):
        """Comments of the program: each rule that one names exists, and there are many."""
        rules = {r for _, group in coverage.ruled(coverage.RULES) for r, _ in group}
        rules |= {row[0] for _, group in coverage.claused(coverage.PROFILES) for row in group}
        self.assertGreater(len(coverage.cited()), 50)
        self.assertEqual(set(coverage.cited()) - rules, set())


if __name__ == "__main__":
    unittest.main()
