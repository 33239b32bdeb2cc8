"""planted.py: a small tree of sources with something wrong in it, for the tests of the checkers."""
import pathlib
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


class Planted(unittest.TestCase):
    """Each test gets a folder of its own that looks enough like the project."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.top = pathlib.Path(holder.name)

    def plant(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def check(self, tool, *arguments):
        """(status, what it said) of tools/<tool> over the planted tree."""
        done = subprocess.run([TOP / "tools" / tool, self.top, *arguments], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def sees(self, tool, *wanted):
        """The checker refuses the tree and says each of these."""
        status, said = self.check(tool)
        self.assertEqual(status, 1, said)
        for piece in wanted:
            self.assertIn(piece, said)

    def accepts(self, tool):
        status, said = self.check(tool)
        self.assertEqual(status, 0, said)
        return said
