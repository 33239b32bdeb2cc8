"""tools/results.py runs tests side by side: every one once, each told whole, and a worker that dies is a failure."""
import os
import subprocess
import sys
import unittest

from planted import TOP, Planted

TESTS = '''import os, time, unittest
class Some(unittest.TestCase):
    takes = 2
    def test_a_good_one(self):
        print("note from the good one")
    def test_a_bad_one(self):
        self.assertEqual(1, 2, "planted")
    def test_one_that_is_skipped(self):
        self.skipTest("planted")
class Shared(unittest.TestCase):
    count = 0
    @classmethod
    def setUpClass(cls):
        cls.where = os.getpid()
    def test_first(self):
        self.assertEqual(os.getpid(), self.where)
    def test_second(self):
        self.assertEqual(os.getpid(), self.where)
'''
DEADLY = '''import os, unittest
class Deadly(unittest.TestCase):
    def test_it_ends_its_worker(self):
        os._exit(0)
    def test_it_goes_on(self):
        pass
    def test_it_goes_on_and_on(self):
        pass
'''


class Beside(Planted):
    def run_beside(self, text):
        folder = self.top / "planted_tests"
        folder.mkdir()
        (folder / "test_some.py").write_text(text)
        program = f"import results, sys; sys.exit(results.run_folder({str(folder)!r}, 'test_*.py', jobs=2))"
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
                              env=os.environ | {"PYTHONPATH": str(TOP / "tools"), "CHECK_FILTER": ""})

    def test_every_test_is_run_once_and_one_failure_fails_the_run(self):
        done = self.run_beside(TESTS)
        lines = done.stdout.splitlines()
        self.assertEqual(done.returncode, 1, done.stderr)
        told = sorted(line.partition(":")[0] for line in lines if line.startswith(("ok ", "not ok ", "skip ")))
        self.assertEqual(told, ["not ok test_some"] + ["ok test_some"] * 3 + ["skip test_some"])
        self.assertIn("note from the good one", lines)
        at = next(i for i, line in enumerate(lines) if line.startswith("not ok"))
        self.assertTrue(any("planted" in line for line in lines[at + 1:at + 8]), "what belongs to it follows it")

    def test_a_worker_that_dies_fails_the_run_although_it_said_nothing(self):
        done = self.run_beside(DEADLY)
        self.assertNotEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
