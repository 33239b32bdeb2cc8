"""The manual: the commands of docs/install.md do what the page says."""
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


class Install(Scenario):
    def test_every_command_of_the_first_hour_works_as_it_stands(self):
        mainstay = self.mainstay()
        person = first_person(mainstay)  # parts 1 to 4 happen in a browser: tests/browser
        person.client.put("session/password", {"password": PASSWORD})
        person.reach_by("email", {"to": "ann@example.org"})
        (mainstay.folder / "build").mkdir()
        (mainstay.folder / "build" / "mainstay").symlink_to(BINARY)
        port = mainstay.address.rpartition(":")[2]
        found = blocks("install.md")
        self.assertGreater(len(found), 3, "the blocks could not be read")
        for stopped, text in found:
            if stopped:
                mainstay.stop()
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text.replace("8484", port)],
                                  cwd=mainstay.folder, input=PASSWORD + "\n", capture_output=True, text=True,
                                  timeout=SECONDS_MAX,
                                  env=os.environ | {"HOME": str(mainstay.folder), "MAINSTAY_SERVER": f"http://{mainstay.address}"})
            self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}{done.stderr}")
            if "timeline" in text:
                self.assertIn("looked, all is well", done.stdout)
            if stopped:
                self.assertIn("ok: ", done.stdout)
