"""The manual: the commands of docs/install.md, planner.md and api.md do what the pages say."""
import os
import re
import subprocess

from mainstay import BINARY, TOP, Scenario
from steps import first_person

PASSWORD = "a long sentence nobody guesses"
BLOCK = re.compile(r"(<!-- stopped -->\n)?^```sh\n(.*?)^```$", re.M | re.S)
SECONDS_MAX = 120


def blocks(name):
    """[(the server is stopped, commands)] of a page."""
    return [(bool(found[1]), found[2]) for found in BLOCK.finditer((TOP / "docs" / name).read_text())]


class Manual(Scenario):
    takes = 20

    def setUp(self):
        super().setUp()
        self.server = mainstay = self.mainstay()
        person = first_person(mainstay)  # parts 1 to 4 happen in a browser: tests/browser
        person.client.put("session/password", {"password": PASSWORD})
        person.reach_by("email", {"to": "ann@example.org"})
        (mainstay.folder / "build").mkdir()
        (mainstay.folder / "build" / "mainstay").symlink_to(BINARY)

    def read(self, text):
        """What the commands print; they must all work."""
        port = self.server.address.rpartition(":")[2]
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text.replace("8484", port)],
                              cwd=self.server.folder, input=PASSWORD + "\n", capture_output=True, text=True,
                              timeout=SECONDS_MAX, env=os.environ | {"HOME": str(self.server.folder),
                                                                     "MAINSTAY_SERVER": f"http://{self.server.address}"})
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_every_command_of_the_first_hour_works_as_it_stands(self):
        found = blocks("install.md")
        self.assertGreater(len(found), 3, "the blocks could not be read")
        for stopped, text in found:
            if stopped:
                self.server.stop()
            said = self.read(text)
            if "timeline" in text:
                self.assertIn("looked, all is well", said)
            if stopped:
                self.assertIn("ok: ", said)

    def test_every_command_of_the_planner_and_of_the_api_works_as_it_stands(self):
        """A page is one shell: what its first block sets, the next ones use."""
        for page in ("planner.md", "api.md"):
            texts = [text for _, text in blocks(page)]
            self.assertGreater(len(texts), 2, page)
            said = self.read("\n".join(texts))
            if page == "planner.md":
                self.assertIn("Bob", said)
