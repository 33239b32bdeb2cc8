"""Rule files and their tests on this machine: the verbs, beside Debian's promtool where it can read the file."""
import subprocess
import unittest

from mainstay import BINARY, TOP, Scenario

DATA = TOP / "tests/conformance"
# What promtool 2.42 cannot load or judges by older rules: newer fields, no interval.
NEWER = {"unittest.yml", "rules_run_fuzzy.yml", "rules_run_no_fuzzy.yml", "rules_run_extrafields.yml",
         "no-test-group-interval.yml", "features.yml"}
TESTS = ["at-modifier-test.yml", "bad-input-series.yml", "bad-promql.yml", "bad-rules-error-test.yml",
         "bad-rules-syntax-test.yml", "failing.yml", "long-period.yml", "negative-offset-test.yml"]


def status(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=DATA / "promtool", timeout=120)
    return done.returncode, done.stdout + done.stderr


class Rules(Scenario):
    def test_tests_of_rules_end_as_with_promtool(self):
        for name in TESTS:
            ours, said = status(BINARY, "test", "rules", name)
            theirs, _ = status("promtool", "test", "rules", name)
            self.assertEqual((name, theirs != 0), (name, ours != 0), said)
        ours, said = status(BINARY, "test", "rules", "--run", "correct", "rules_run_fuzzy.yml")
        self.assertEqual(0, ours, said)
        self.assertIn("SUCCESS", said)
        self.assertEqual(1, status(BINARY, "test", "rules", "--run", "wrong", "rules_run_fuzzy.yml")[0])
        self.assertEqual(1, status(BINARY, "test", "rules", "nothing-there.yml")[0])
        self.assertEqual(2, status(BINARY, "test", "rules")[0])

    def test_rule_files_are_right_or_wrong_as_with_promtool(self):
        files = [f for folder in ("promtool", "rules") for f in sorted((DATA / folder).glob("*.y*ml"))
                 if "groups:" in f.read_text() and f.name not in NEWER]
        self.assertGreater(len(files), 20)
        for file in files:
            ours, said = status(BINARY, "check-config", "rules", file)
            theirs, _ = status("promtool", "check", "rules", "--lint=none", file)
            self.assertEqual((file.name, theirs != 0), (file.name, ours != 0), said)
        ours, said = status(BINARY, "check-config", "rules", "rules_duplicates.yml")
        self.assertEqual(0, ours)
        self.assertIn("2 duplicate rule(s) found", said)


if __name__ == "__main__":
    unittest.main()
