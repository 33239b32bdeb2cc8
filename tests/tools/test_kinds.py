"""What is made from src/journal/kinds.def and kept in the repository says what it says."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]


class Kinds(unittest.TestCase):
    def make(self, text):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "kinds.def").write_text(text, encoding="utf-8")
        names = ["kinds.def", "out.h", "out.c", "events.md", "schema.json"]
        done = subprocess.run([sys.executable, TOP / "tools/gen-kinds", *[folder / n for n in names]],
                              capture_output=True, text=True)
        return folder, done

    def test_the_manual_and_the_schema_are_in_step(self):
        folder, done = self.make((TOP / "src/journal/kinds.def").read_text(encoding="utf-8"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for made, kept in (("events.md", "docs/events.md"), ("schema.json", "docs/events.schema.json")):
            self.assertEqual((folder / made).read_text(), (TOP / kept).read_text(),
                             f"{kept} is old; make it anew: tools/gen-kinds src/journal/kinds.def "
                             "/dev/null /dev/null docs/events.md docs/events.schema.json")

    def test_every_field_of_the_schema_is_required(self):
        schema = json.loads((TOP / "docs/events.schema.json").read_text())
        for name, kind in schema["$defs"].items():
            self.assertEqual(set(kind["required"]), set(kind["properties"]), name)

    def test_a_line_that_is_no_kind_is_told_with_its_place(self):
        _, done = self.make("kind broken\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("kinds.def:1: a kind reads", done.stderr)

    def test_two_kinds_of_one_name_are_told(self):
        block = "kind a.b v1 record needs=read decides=x applies=-\n  About.\n"
        _, done = self.make(block + block)
        self.assertIn('already a kind "a.b"', done.stderr)


if __name__ == "__main__":
    unittest.main()
