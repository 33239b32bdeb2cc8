"""A disk that fills up under a running Mainstay: the reserve, the refusals, and everything back when there is space."""
import errno
import subprocess

from mainstay import Scenario, wait_until
from peers import Nginx, Ntfy, Smtp, Webhook
from steps import declare, fast_check, first_person, notifications, timeline, verified

DISK_MIB = 360  # room for the reserve of 64 MiB, which is laid aside only where more than 256 MiB are free
BALLAST_BLOCK = bytes(1 << 20)
TRIES_MAX = 12000  # a store takes some changes without growing


class Place(Scenario):
    """A data folder on a disk of its own."""

    MOUNT = ["-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0700", "tmpfs"]

    def setUp(self):
        super().setUp()
        data = self.folder / "mainstay" / "data"
        data.mkdir(parents=True, mode=0o700)
        mounted = subprocess.run(["mount", *self.mount_what(), data], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", data], check=True)
        self.data = data

    def mount_what(self):
        return self.MOUNT

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

    def watch(self, *ways):
        """nginx is watched; Ann is reached by these ways, which a start keeps in memory."""
        self.nginx, self.ntfy, self.hook = self.peer(Nginx(self.folder)), self.peer(Ntfy()), self.peer(Webhook())
        self.smtp = self.peer(Smtp(self.folder))
        self.server = self.mainstay()
        self.ann = first_person(self.server)
        notifications(self.ann, smtp=self.smtp, ntfy=self.ntfy)
        self.ann.forget_browser()
        if "webhook" in ways:
            self.ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        if "ntfy" in ways:
            self.ann.reach_by("ntfy", {"topic": "ann"})
        if "email" in ways:
            self.ann.reach_by("email", {"to": "ann@example.org"})
        self.ways = ways
        fast_check(self.ann, "web", self.nginx.url)
        wait_until(lambda: self.ann.client.get("checks/web")["state"] == "up", 20, "nginx to be seen")
        self.server.restart()
        wait_until(lambda: self.ann.client.get("checks/web")["state"] == "up", 20, "nginx to be seen again")

    def came(self):
        """What has arrived, for each way."""
        mails = [f"{mail['Subject']} {mail.get_body().get_content()}" for mail in self.smtp.mails(to="ann@example.org")]
        found = {"email": mails, "ntfy": [call.body.decode() for call in self.ntfy.good()],
                 "webhook": [call.body.decode() for call in self.hook.good()]}
        return [found[way] for way in self.ways]

    def check_paged_from_memory(self):
        """nginx stops, and every way brings word of it once, though nothing can be stored."""
        before = self.came()
        self.nginx.stop()

        def all_came():
            now = self.came()
            return all(len(texts) > len(then) for texts, then in zip(now, before)) and now
        for texts, then in zip(wait_until(all_came, 40, f"the last resort by {self.ways}"), before):
            self.assertEqual(len(texts), len(then) + 1, texts)
            self.assertIn("web is down", texts[-1])


class Disk(Place):
    """A full disk takes no promise back."""

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

    def test_a_check_that_breaks_while_the_disk_is_full_pages_from_memory_and_is_recorded_afterwards(self):
        self.watch("ntfy", "webhook")
        incident, kept = declare(self.ann, "the disk fills", urgency="low", impact="low"), []
        wait_until(lambda: all(self.came()), 20, "the pages of that incident")
        self.ann.client.post(f"incidents/{incident}/resolve", {})
        wait_until(lambda: all(len(texts) == 2 for texts in self.came()), 60, "the news that it is over")
        self.fill()
        self.write_until_refused(self.ann, incident, kept)
        self.fill()
        self.write_until_refused(self.ann, incident, kept)
        self.check_paged_from_memory()
        (self.data / "ballast").unlink()
        found = wait_until(lambda: self.ann.client.items("journal?kind=page.unrecorded"), 30, "the page in the journal")
        self.assertEqual(len(found), 1, "once for all its ways")
        sent = next(line for line in self.server.log(1000).splitlines() if "paged by the last resort" in line).split()[0]
        self.assertLess(sent, found[0]["recorded_time"], "it left before anything was stored of it")
        # What broke meanwhile is no longer only in memory.
        wait_until(lambda: any("web" in row["title"] for row in self.ann.client.items("incidents")), 30, "its incident")
        self.server.stop()
        verified(self.server)


class Lost(Place):
    """The disk goes away under the store: every write fails for good, until somebody starts it elsewhere."""

    IMAGE_MIB = 400

    def mount_what(self):
        image = self.folder / "disk.img"
        with open(image, "wb") as file:
            file.truncate(self.IMAGE_MIB << 20)
        made = subprocess.run(["mkfs.ext4", "-q", image], capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(f"a disk cannot be made here: {made.stderr.strip()}")
        return ["-o", "loop", image]

    def test_a_store_that_is_lost_still_pages_and_says_so(self):
        self.data.chmod(0o700)
        self.watch("email")  # who can be woken by nothing else is told by mail
        gone = subprocess.run(["mount", "-o", "remount,abort", self.data], capture_output=True, text=True)
        if gone.returncode != 0:
            self.skipTest(f"a disk cannot be taken away here: {gone.stderr.strip()}")
        refused = wait_until(lambda: (answer := self.ann.client.request("POST", "incidents", {"title": "x"})).status == 503 and answer,
                             20, "a change to be refused")
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        # What is refused writes nothing, and says nothing about the disk.
        self.assertEqual(self.ann.client.request("POST", "incidents/999999/acknowledge").status, 404)
        for _ in range(3):
            self.assertEqual(self.server.client().request("GET", "/readyz").status, 503)
        self.check_paged_from_memory()
        self.assertIn("Nothing can be stored", " ".join(warning["text"] for warning in self.ann.client.get("now")["warnings"]))
        self.assertEqual(self.server.client().request("GET", "/healthz").status, 200)
        self.server.kill9()
