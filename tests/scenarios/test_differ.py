"""The language beside a real Prometheus: random expressions over random series, as tests/differ/differ.py draws and judges them."""
import subprocess
import sys
import unittest

from mainstay import BINARY, TOP, Scenario

DIFFER = TOP / "tests/differ/differ.py"
ANSWER = BINARY.parent / "tests/differ/promql_answer"
COUNT = 2000


class Differ(Scenario):
    def differ(self, what):
        done = subprocess.run([sys.executable, DIFFER, ANSWER, what], capture_output=True, text=True, timeout=300)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn(" 0 differ", done.stdout)
        return done.stdout

    def test_2000_random_expressions_are_answered_as_by_prometheus(self):
        self.assertIn(f"{COUNT} expressions", self.differ(str(COUNT)))

    def test_functions_and_operators_end_where_those_of_prometheus_end(self):
        self.differ("edges")


if __name__ == "__main__":
    unittest.main()
