"""What is said of tests that failed beside others and run once more."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

import once_more  # noqa: E402

A, B = "door.Others.test_a", "tool.Output.test_b"


class OnceMore(unittest.TestCase):
    def test_which_line_names_a_test(self):
        self.assertEqual(once_more.name_in("FAIL embedded door.Others.test_a (4.0 s)\n"), A)
        for line in ("ok   embedded door.Others.test_a (4.0 s)", "        FAIL embedded door.Others.test_a (4.0 s)",
                     "FAIL embedded setUpClass (test_door.Others) (0.1 s)", "FAIL the process of suite door ended with 1",
                     "FAIL embedded WORKER has died"):
            self.assertIsNone(once_more.name_in(line), line)

    def test_few_and_nothing_else(self):
        self.assertTrue(once_more.worth_it([A, B], 2))
        self.assertFalse(once_more.worth_it([], 0))
        self.assertFalse(once_more.worth_it([A], 2), "something else failed as well")
        self.assertFalse(once_more.worth_it([A] * (once_more.FEW + 1), once_more.FEW + 1))

    def test_a_test_that_fails_again_has_failed(self):
        self.assertEqual(once_more.mended([A, B], [B], 1), [A])
        self.assertEqual(once_more.mended([A, B], [], 0), [A, B])
        self.assertEqual(once_more.mended([A], [A], 1), [])

    def test_what_fails_without_a_name_excuses_nothing(self):
        self.assertEqual(once_more.mended([A, B], [], 1), [])
        self.assertEqual(once_more.mended([A, B], [B], 2), [])


if __name__ == "__main__":
    unittest.main()
