"""A disk that fills up under a running Mainstay: the reserve, the refusals, and everything back when there is space."""
import errno
import subprocess

from mainstay import Scenario, wait_until
from steps import declare, first_person, timeline, verified

DISK_MIB = 360  # room for the reserve of 64 MiB, which is laid aside only where more than 256 MiB are free
BALLAST_BLOCK = bytes(1 << 20)
TRIES_MAX = 3000  # a store takes some changes without growing


class Disk(Scenario):
    """A full disk takes no promise back."""

    def setUp(self):
        super().setUp()
        data = self.folder / "mainstay" / "data"
        data.mkdir(parents=True, mode=0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0700", "tmpfs", data],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", data], check=True)
        self.data = data

    def fill(self):
        """Writes until not one byte more goes in."""
        ballast = self.data / "ballast"
        with open(ballast, "ab", buffering=0) as file:
            block = BALLAST_BLOCK
            while block:
                try:
                    if file.write(block) < len(block):
                        block = block[:len(block) // 2]
                except OSError as error:
                    self.assertEqual(error.errno, errno.ENOSPC)
                    block = block[:len(block) // 2]
        return ballast

    def write_until_refused(self, person, incident, kept):
        """Notes until one is refused; what was taken is added to `kept`."""
        for number in range(TRIES_MAX):
            text = f"note {len(kept)} " + "x" * 8000
            answer = person.client.request("POST", f"incidents/{incident}/note", {"text": text})
            if answer.status == 503:
                return answer
            self.assertEqual(answer.status, 200, answer)
            kept.append(text)
        self.fail(f"a full disk took {TRIES_MAX} notes")

    def warnings(self, person):
        return [warning["text"] for warning in person.client.get("now")["warnings"] if warning["code"] == "trouble"]

    def test_the_reserve_carries_on_then_changes_are_refused_and_nothing_promised_is_lost(self):
        mainstay = self.mainstay()
        ann = first_person(mainstay)
        reserve = self.data / "reserve"
        self.assertEqual((reserve.stat().st_size, reserve.stat().st_blocks * 512 >= 64 << 20), (64 << 20, True))
        incident, kept = declare(ann, "the disk fills"), []
        self.assertEqual(self.warnings(ann), [])
        pids = [pid for pid, _ in mainstay.members()]

        self.fill()
        while reserve.exists() and len(kept) < TRIES_MAX:  # the first that needs space takes it
            text = f"note {len(kept)} " + "y" * 8000
            answer = ann.client.request("POST", f"incidents/{incident}/note", {"text": text})
            self.assertEqual(answer.status, 200, "nobody is refused while the reserve is there")
            kept.append(text)
        self.assertFalse(reserve.exists(), "the reserve was given up")
        self.assertEqual(ann.client.request("POST", "incidents", {"title": "out of the reserve"}).status, 201)
        self.assertIn("The disk is full", self.warnings(ann)[0])

        self.fill()
        refused = self.write_until_refused(ann, incident, kept)
        self.assertEqual(refused.headers["Content-Type"].split(";")[0], "application/problem+json")
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertTrue(refused.json["hint"], refused)
        self.assertEqual(ann.client.request("POST", "incidents", {"title": "no"}).status, 503)
        self.assertEqual(ann.client.request("GET", "incidents").status, 200)
        self.assertIn("Nothing can be stored", self.warnings(ann)[0])
        self.assertEqual(mainstay.client().request("GET", "/healthz").status, 200)
        self.assertEqual([pid for pid, _ in mainstay.members()], pids, "nobody had to be started again")

        (self.data / "ballast").unlink()
        back = wait_until(lambda: declare(ann, "space again"), 5, "changes to be stored again")
        found = [item["details"]["text"] for item in timeline(ann, incident) if item["kind"] == "incident.noted"]
        self.assertEqual(found, kept, "every note that was taken is there, once, and no other")
        titles = [row["title"] for row in ann.client.items("incidents")]
        self.assertEqual(titles, ["space again", "out of the reserve", "the disk fills"])
        self.assertFalse(any("Nothing" in text for text in self.warnings(ann)))

        mainstay.restart()
        self.assertEqual(reserve.stat().st_size, 64 << 20, "a new reserve is laid aside")
        self.assertEqual(ann.client.get(f"incidents/{back}")["title"], "space again")
        self.assertEqual(self.warnings(ann), [])
        mainstay.stop()
        self.assertGreater(verified(mainstay), len(kept))
