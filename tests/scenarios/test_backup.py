"""A house is backed up while it serves, and comes back in an empty place: who can sign in, what is sent, what is refused."""
import os
import re
import subprocess

from mainstay import Scenario, wait_until
from peers import Ntfy
from steps import declare, define, first_person, notifications, pages, policy, timeline, verb, verified

PASSWORD = "a long enough password"
PASSPHRASE = b"correct horse battery staple\n"
RECEIPT_SECONDS_MAX = 40  # the server looks for one every 15 s


class Backup(Scenario):
    """What `mainstay backup` and `mainstay restore` promise."""

    def run_verb(self, mainstay, *words, passphrase=None):
        """Runs a verb; a passphrase comes by a descriptor, so that nobody can read it in a list of processes."""
        more, fds, read = [], (), None
        if passphrase is not None:
            read, write = os.pipe()
            os.write(write, passphrase)
            os.close(write)
            more, fds = ["--passphrase-fd", str(read)], (read,)
        done = subprocess.run([*mainstay.binary, *map(str, words), *more], capture_output=True, text=True, timeout=120,
                              pass_fds=fds)
        if read is not None:
            os.close(read)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def backup(self, mainstay, name="house.backup", passphrase=None):
        path = self.folder / name
        done = self.run_verb(mainstay, "backup", "--data", mainstay.data, "--to", path,
                             *(["--with-key"] if passphrase else []), passphrase=passphrase)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def house(self):
        """Ann has a password, a contact with a secret, an open incident and a page that cannot leave."""
        ntfy = self.peer(Ntfy())
        mainstay = self.mainstay()
        ann = first_person(mainstay)
        ann.client.put("session/password", {"password": PASSWORD})
        notifications(ann, ntfy=ntfy)
        ann.forget_browser()
        ann.reach_by("ntfy", {"topic": "topic-of-ann"})
        policy(ann, "page-ann", [{"user": "admin@localhost"}])
        define(ann, "Service", "shop", {"escalation_policy": "page-ann"})
        return mainstay, ann, ntfy

    def restored(self, source, name="restored", passphrase=None, words=()):
        """A server on what came back; stopped when the test ends."""
        target = self.folder / name / "data"
        target.parent.mkdir()
        done = self.run_verb(self.servers[0], "restore", source, "--data", target, *words, passphrase=passphrase)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_with_the_key_everything_comes_back_and_the_old_password_signs_in(self):
        mainstay, ann, ntfy = self.house()
        incident = declare(ann, "the shop is slow", service="shop", urgency="high", impact="high")
        wait_until(lambda: pages(ann, incident, state="sent"), 15, "the first page, and that it was recorded as sent")
        before = timeline(ann, incident)
        path = self.backup(mainstay, passphrase=PASSPHRASE)
        found = wait_until(lambda: ann.client.get("settings")["backup"], RECEIPT_SECONDS_MAX, "the backup to be recorded")
        self.assertEqual((found["name"], found["bytes"], found["secrets"]), (path.name, path.stat().st_size, True))
        made, = ann.client.items("journal?kind=backup.made")
        self.assertRegex(made["text"], r"A backup was made of \d+ events, with secrets: ")
        mainstay.stop()
        key = verb(mainstay, "journal", "key").strip()
        self.assertEqual(self.run_verb(mainstay, "backup", "--verify", path, "--key", key).returncode, 0)

        said = self.restored(path, passphrase=PASSPHRASE)
        self.assertIn("journal: goes on as mainstay/production/journal/2.", said)
        new = self.mainstay(name="restored")
        self.assertIsNone(new.link, "Ann has her password, so no link is offered")
        stale = new.client()
        stale.cookies = dict(ann.client.cookies)
        self.assertEqual(stale.request("GET", "session").status, 401, "sessions ended")
        client = new.client()
        client.sign_in_with_password("admin@localhost", PASSWORD)
        self.assertEqual(client.items(f"incidents/{incident}/timeline")[:len(before)], before)
        self.assertEqual(client.get("settings")["notifications"]["ntfy"]["server"], ntfy.url.rstrip("/"))
        event = client.items("journal?kind=journal.restored")[0]
        self.assertIn("mainstay-epoch/1", event["payload"]["voucher"])
        self.assertEqual(event["payload"]["from"], "mainstay/production/journal/1")
        self.assertNotEqual(event["payload"]["origin"], event["payload"]["from"])
        self.assertRegex(event["text"], r"restored from a backup of \d+ events of mainstay/production/journal/1; it goes on as ")
        new.stop()
        verified(new)

    def test_without_the_key_no_secret_is_in_the_file_and_a_link_of_the_machine_signs_in(self):
        mainstay, ann, ntfy = self.house()
        hook = self.peer(Ntfy())
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        ann.client.post(f"users/{ann.id}/contacts", {"channel": "webhook", "address": {"url": hook.url}, "secret": secret})
        path = self.backup(mainstay)
        raw = path.read_bytes()
        for word in (secret.encode(), b"argon2id", ann.client.cookies["mainstay_session"].encode(),
                     (mainstay.data / "journal.key").read_bytes().strip()):
            self.assertNotIn(word, raw)
        said = self.restored(path)
        self.assertRegex(said, r"(?m)^ +1  passwords$")
        self.assertRegex(said, r"(?m)^ +1  secrets of contacts$")
        target = self.folder / "restored" / "data"
        made = self.run_verb(mainstay, "user", "reset-link", "admin@localhost", "--data", target)
        token = re.search(r"/link#(\S+)", made.stdout)[1]
        new = self.mainstay(name="restored")
        client = new.client()
        client.sign_in(token)
        self.assertEqual(client.get("services/shop")["name"], "shop")
        client.put("session/password", {"password": "another long password"})

    def test_what_waited_in_the_outbox_is_cancelled_and_what_is_open_is_paged_anew(self):
        mainstay, ann, ntfy = self.house()
        ntfy.behave(*[500] * 50)
        incident = declare(ann, "nobody hears", service="shop", urgency="high", impact="high")
        wait_until(lambda: len(pages(ann, incident, state="queued")[0]["attempts"]) >= 1, 15, "a page that failed and waits")
        waiting = [page["id"] for page in pages(ann, incident, state="queued")]
        path = self.backup(mainstay, passphrase=PASSPHRASE)
        mainstay.stop()
        ntfy.behave(200)
        said = self.restored(path, passphrase=PASSPHRASE)
        self.assertIn(f"pages: {len(waiting)} that waited are cancelled", said)
        self.assertEqual(ntfy.good(), [], "restoring sends nothing")
        new = self.mainstay(name="restored")
        client = new.client()
        client.sign_in_with_password("admin@localhost", PASSWORD)
        for page in waiting:
            row = next(row for row in client.items(f"pages?incident={incident}") if row["id"] == page)
            self.assertEqual(row["state"], "cancelled")
        fresh = wait_until(lambda: [row for row in client.items(f"pages?incident={incident}")
                                    if row["id"] not in waiting and row["state"] == "sent"], 30,
                           "the escalation to go on by itself")
        self.assertTrue(fresh)

    def test_damaged_truncated_and_foreign_files_are_refused_and_nothing_is_written(self):
        mainstay, _, _ = self.house()
        path = self.backup(mainstay, passphrase=PASSPHRASE)
        whole = path.read_bytes()
        size = len(whole)
        store = int(re.search(rb"\nstore (\d+) ", whole)[1])
        broken = {f"a bit at {at}": bytes([*whole[:at], whole[at] ^ 1, *whole[at + 1:]])
                  for at in (100, store - 1, store + 70, size - 400, size - 50)}
        broken |= {f"cut at {at}": whole[:at] for at in (0, store, size - 1)}
        broken |= {"longer": whole + b"x", "nothing of ours": b"hello " * 100, "shorter inside": whole[:4096] + whole[8192:]}
        target = self.folder / "never"
        for name, content in broken.items():
            with self.subTest(name):
                path = self.folder / "broken.backup"
                path.write_bytes(content)
                for words in (["backup", "--verify", path], ["restore", path, "--data", target, "--without-key"]):
                    done = self.run_verb(mainstay, *words)
                    self.assertEqual((done.returncode, done.stdout), (1, ""), f"{name}: {done.stderr}")
                    self.assertRegex(done.stderr, r"(?m)^mainstay: \S.{20,}")
                self.assertEqual([p for p in self.folder.iterdir() if p.name.startswith("never")], [])

    def test_a_wrong_passphrase_a_wrong_key_and_a_full_place_are_refused(self):
        mainstay, _, _ = self.house()
        path = self.backup(mainstay, passphrase=PASSPHRASE)
        target = self.folder / "never"
        done = self.run_verb(mainstay, "restore", path, "--data", target, passphrase=b"wrong horse battery\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the passphrase is not the one", done.stderr)
        other = self.mainstay(name="other")
        other.stop()
        foreign = verb(other, "journal", "key").strip()
        done = self.run_verb(mainstay, "restore", path, "--data", target, "--without-key", "--key", foreign)
        self.assertEqual(done.returncode, 1)
        self.assertIn("with another key", done.stderr)
        done = self.run_verb(mainstay, "restore", path, "--data", other.data, "--without-key")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not an empty folder", done.stderr)
        self.assertFalse(target.exists())
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertEqual(self.run_verb(mainstay, "restore", path, "--data", empty, "--without-key").returncode, 0)
        self.assertTrue((empty / "mainstay.db").exists())
        done = self.run_verb(mainstay, "backup", "--data", mainstay.data, "--to", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("overwrites nothing", done.stderr)
        done = self.run_verb(mainstay, "backup", "--data", mainstay.data, "--to", self.folder / "x", "--with-key",
                             passphrase=b"short\n")
        self.assertEqual(done.returncode, 2)

    def test_a_store_that_another_version_wrote_is_refused_with_what_to_do_and_the_server_makes_it_its_own(self):
        mainstay, ann, _ = self.house()
        declare(ann, "something", service="shop")
        mainstay.stop()
        mainstay.change_behind("ALTER TABLE incident DROP COLUMN from_seq; UPDATE table_made SET declared = 1 WHERE name = 'incident'")
        done = self.run_verb(mainstay, "backup", "--data", mainstay.data, "--to", self.folder / "old")
        self.assertEqual(done.returncode, 1)
        self.assertIn("last written by another version", done.stderr)
        self.assertIn("start the server of this one on it first", done.stderr)
        self.assertFalse((self.folder / "old").exists())
        mainstay.start()
        self.assertIn("something", [i["title"] for i in ann.client.items("incidents")])
        self.assertTrue(self.backup(mainstay).exists())

    def test_the_tables_that_came_back_are_what_the_journal_makes(self):
        mainstay, ann, ntfy = self.house()
        declare(ann, "something", service="shop")
        path = self.backup(mainstay)
        self.restored(path)
        target = self.folder / "restored" / "data"
        dump = ["sqlite3", target / "mainstay.db", ".dump incident incident_h account definition page page_h contact team"]
        before = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
        self.assertEqual(self.run_verb(mainstay, "journal", "rebuild", "--data", target).returncode, 0)
        after = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
        self.assertEqual(sorted(before.splitlines()), sorted(after.splitlines()))
        self.assertIn("something", after)

    def test_two_houses_from_one_backup_never_share_an_origin(self):
        mainstay, _, _ = self.house()
        path = self.backup(mainstay)
        origins = {re.search(r"goes on as (\S+)", self.restored(path, name=name))[1] for name in ("one", "two")}
        self.assertEqual(len(origins), 2)
        (self.folder / "one" / "data" / "journal.key").unlink()
        note = self.run_verb(mainstay, "journal", "checkpoint", "--data", self.folder / "one" / "data").stdout
        self.assertRegex(note.splitlines()[0], r"^mainstay/production/journal/1\.[0-9a-f]{8}$",
                         "a new key beside an old store opens a new epoch, too")
