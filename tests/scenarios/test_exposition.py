"""What programs say of themselves, looked at by `check-config metrics`, beside Debian's promtool."""
import random
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from mainstay import BINARY, TOP, Scenario

DATA = TOP / "tests/conformance"
SEED = 20261130
MUTATIONS = 60


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=120, **more)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def ours(text):
    """(status, findings without their places)"""
    status, said = run(BINARY, "check-config", "metrics", input=text)
    return status, {re.sub(r"^stdin:\d+: ", "", line) for line in said.splitlines()}


def theirs(text):
    status, said = run("promtool", "check", "metrics", input=text)
    return status, set(said.splitlines())


def lint_cases():
    """Texts about names, types and labels that the suites do not have, a type each."""
    names = ("x_minutes", "x_kilobytes", "x_kb", "thermometers", "x_kilometers_total", "a_gauge", "gauge", "x_histogram_y",
             "x_gauge_histogram", "xY", "a:b", "x_bucket", "x_count", "x_sum", "x_total", "x_MS", "x_kelvins", "x_h_y", "m")
    for kind in ("counter", "gauge", "untyped", "summary", "histogram", None):
        yield "".join(f"# HELP {name} h\n" + (f"# TYPE {name} {kind}\n" if kind else "") +
                      f'{name}{{le="1",quantile="0.5",aB="c"}} 1\n' for name in names).encode()


class Exposition(Scenario):
    def held(self, name, text):
        status, found = ours(text)
        wanted, findings = theirs(text)
        self.assertEqual((name, wanted), (name, status), (findings, found, text[:500]))
        if wanted != 1:
            self.assertEqual((name, findings), (name, found))

    def test_the_linter_finds_what_promtool_finds(self):
        files = [f for f in sorted((DATA / "text").rglob("*")) if f.is_file()] + [DATA / "promtool/metrics-test.prom"]
        for file in files:
            self.held(file.name, file.read_bytes())
        for text in lint_cases():
            self.held(text[:60].decode(), text)

    def test_a_bent_text_is_right_or_wrong_as_with_promtool(self):
        """Seeds of the suite with bytes replaced, put in and taken out."""
        dice = random.Random(SEED)
        seeds = [f.read_bytes() for f in sorted((DATA / "text/fuzz").iterdir()) if "error" not in f.name]
        letters = b'{}",= \t\n\\#abn_01.eE+-:xTYPEHL'
        for i in range(MUTATIONS):
            text = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(1, 4)):
                at = dice.randrange(len(text))
                kind = dice.randrange(3)
                if kind == 0:
                    text[at] = dice.choice(letters)
                elif kind == 1:
                    text.insert(at, dice.choice(letters))
                elif len(text) > 1:
                    del text[at]
            self.held(f"mutation {i}", bytes(text))

    def test_the_place_of_what_is_wrong_is_told_by_file_and_line(self):
        with tempfile.TemporaryDirectory() as folder:
            wrong, habit, good = (Path(folder) / n for n in ("wrong.prom", "habit.prom", "good.prom"))
            wrong.write_text("# TYPE a gauge\na{b='c'} 1\n")
            habit.write_text("# HELP a_ms h\n# TYPE a_ms gauge\na_ms 1\nb 2\n")
            good.write_text("# HELP a h\n# TYPE a gauge\na 1\n")
            status, said = run(BINARY, "check-config", "metrics", wrong, habit, good)
            self.assertEqual(1, status)
            self.assertIn(f"{wrong}:2: expected '\"' at the start of the value of label \"b\"", said)
            self.assertIn(f"{habit}:1: a_ms metric names should not contain abbreviated units", said)
            self.assertIn(f"{habit}:4: b no help text", said)
            self.assertNotIn("good.prom", said)
            self.assertEqual(3, run(BINARY, "check-config", "metrics", habit)[0])
            self.assertEqual(0, run(BINARY, "check-config", "metrics", good)[0])
            self.assertEqual(1, run(BINARY, "check-config", "metrics", Path(folder) / "none")[0])
            self.assertEqual(2, run(BINARY, "check-config", "metrics", "--wrong")[0])
            status, said = run(BINARY, "check-config", "metrics", "--openmetrics", good)
            self.assertEqual((1, f"{good}:3: the text ends without # EOF\n"), (status, said))


if __name__ == "__main__":
    unittest.main()
