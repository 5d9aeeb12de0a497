#!/usr/bin/python3
"""The judge of the neighbours: a victim that notices too much is found, and one that does not is not accused."""

import importlib.machinery
import importlib.util
import os
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def load_run():
    loader = importlib.machinery.SourceFileLoader("neighbour_run", os.path.join(HERE, "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("neighbour_run", loader))
    loader.exec_module(module)
    return module


neighbour = load_run()
ATTACK = neighbour.ATTACKS["creates"]
QUIET = {("apart", "read"): {"n": 50, "p50": 3.0, "p99": 20.0, "bad": []}}
REACHED = {"201": 1000}


def under(**changes):
    return {("apart", "read"): dict(QUIET["apart", "read"], **changes)}


class Faults(unittest.TestCase):
    def test_none(self):
        self.assertEqual(neighbour.faults(QUIET, under(), REACHED, ATTACK), [])
        self.assertEqual(neighbour.faults(QUIET, under(p99=160.0), REACHED, ATTACK), [])

    def test_late(self):
        wrong = neighbour.faults(QUIET, under(p99=161.0), REACHED, ATTACK)
        self.assertRegex(wrong[0], "apart read: p99 161 ms, at most 160")

    def test_refused(self):
        self.assertRegex(neighbour.faults(QUIET, under(bad=[503]), REACHED, ATTACK)[0], r"answers \[503\]")

    def test_nothing_measured(self):
        self.assertRegex(neighbour.faults(QUIET, under(n=0), REACHED, ATTACK)[0], "nothing was measured")

    def test_an_attack_that_was_none(self):
        self.assertRegex(neighbour.faults(QUIET, under(), {"401": 7}, ATTACK)[0], "has not reached")
        self.assertRegex(neighbour.faults(QUIET, under(), {}, ATTACK)[0], "has not reached")


class Summary(unittest.TestCase):
    def test_percentiles_and_errors(self):
        notes = [{"at": i, "kind": "read", "ms": float(i), "status": 200} for i in range(100)]
        notes += [{"at": 0, "kind": "write", "ms": 9.0, "status": 503},
                  {"at": 0, "kind": "write", "ms": 8.0, "status": neighbour.BROKEN}]
        self.assertEqual(neighbour.summary(notes, "read"), {"n": 100, "p50": 50.0, "p99": 99.0, "bad": []})
        self.assertEqual(neighbour.summary(notes, "write"), {"n": 2, "p50": 9.0, "p99": 9.0, "bad": [503, neighbour.BROKEN]})
        self.assertEqual(neighbour.summary([], "read"), {"n": 0, "p50": 0.0, "p99": 0.0, "bad": []})


if __name__ == "__main__":
    unittest.main()
