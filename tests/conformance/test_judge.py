#!/usr/bin/env python3
"""The judge is judged: what nobody expected fails, and so does an expectation that no longer holds."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from judge import Result, judge, load  # noqa: E402

ENTRIES = [{"suite": "s", "keys": ["rfc"], "check": "a (*): b [c]", "reason": "because"}]


class Judge(unittest.TestCase):
    def counts(self, results, key="rfc", suite="s"):
        v = judge(suite, key, results, ENTRIES)
        return len(v.passed), len(v.expected), len(v.skipped), len(v.failed)

    def test_expected_failure_is_no_failure(self):
        self.assertEqual(self.counts([Result("a (1): b [c]", False, ""), Result("a (2): b [c]", False, ""),
                                      Result("x", True, "")]), (1, 2, 0, 0))

    def test_other_failure_counts(self):
        self.assertEqual(self.counts([Result("a (1): b [c]", False, ""), Result("a (1): b c", False, "")]),
                         (0, 1, 0, 1))

    def test_expected_for_one_key_only(self):
        self.assertEqual(self.counts([Result("a (1): b [c]", False, "")], key="entra"), (0, 0, 0, 1))

    def test_expectation_that_passes_now(self):
        self.assertEqual(self.counts([Result("a (1): b [c]", True, "")]), (1, 0, 0, 1))

    def test_left_out_is_neither(self):
        self.assertEqual(self.counts([Result("y", None, "no sort"), Result("x", True, "")], suite="t"), (1, 0, 1, 0))

    def test_silence_is_a_failure(self):
        self.assertEqual(self.counts([], suite="t"), (0, 0, 0, 1))

    def test_the_list_itself(self):
        load()


if __name__ == "__main__":
    unittest.main()
