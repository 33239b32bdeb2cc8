"""`mainstay doctor` finds what is wrong with a set-up and says what to do, beside a server as well as without one."""
import datetime
import json
import os
import subprocess

import postgres
from mainstay import Scenario, wait_until
from peers import Ntfy, Smtp, certificate
from steps import define, first_person, notifications, policy


class Doctor(Scenario):
    """One thing is wrong at a time; it is found by name, with advice."""

    def look(self, mainstay, *words, status=None):
        """{what: [(level, found)]} of all findings."""
        done = subprocess.run([*mainstay.binary, "doctor", "-o", "json", "--data", str(mainstay.data), *map(str, words)],
                              capture_output=True, text=True, timeout=60, env=os.environ | mainstay.environment)
        self.assertEqual(done.stderr, "")
        said = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if said["wrong"] else 0)
        if status is not None:
            self.assertEqual(done.returncode, status, said)
        found = {}
        for finding in said["findings"]:
            self.assertEqual(finding["advice"] is None, finding["level"] == "ok", finding)
            found.setdefault(finding["what"], []).append((finding["level"], finding["found"]))
        return found

    def is_found(self, found, what, level, words):
        self.assertTrue(any(row[0] == level and words in row[1] for row in found.get(what, [])),
                        f"wanted {level} {what} with {words!r}, found {found.get(what)}")

    def ready(self):
        """A house in which somebody can be woken tonight."""
        ntfy = self.peer(Ntfy())
        mainstay = self.mainstay()
        ann = first_person(mainstay)
        notifications(ann, ntfy=ntfy)
        contact = ann.reach_by("ntfy", {"topic": "ann"})
        bob = ann.client.post("users", {"name": "Bob", "email": "bob@example.org", "role": "responder"})
        ann.client.post(f"users/{bob['id']}/contacts", {"channel": "ntfy", "address": {"topic": "bob"}})
        policy(ann, "default", [{"user": ann.email}], [{"user": "bob@example.org"}],
               last_resort={"targets": [{"user": ann.email}]})
        return mainstay, ann, contact, ntfy

    def test_a_sound_house_is_sound_while_serving_and_when_stopped(self):
        mainstay, ann, _, _ = self.ready()
        for serving in (True, False):
            found = self.look(mainstay, status=0)
            self.is_found(found, "server", "ok", "one works" if serving else "none works")
            if postgres.ENGINE == "postgres":  # it examines its own pages
                self.is_found(found, "database", "ok", "leads" if serving else "where no server works")
            else:
                self.is_found(found, "store", "ok", "whole")
            self.is_found(found, "journal", "ok", "are what was recorded")
            self.is_found(found, "tonight", "ok", "always somebody")
            self.is_found(found, "reserve", "ok", "64 MiB")
            self.is_found(found, "fsync", found["fsync"][0][0], "ms")
            self.is_found(found, "backup", "doubtful", "none was ever made")
            if serving:
                self.assertEqual(ann.client.get("session")["user"]["id"], ann.id, "the server was not disturbed")
                mainstay.stop()

    def test_a_mail_relay_is_asked_as_far_as_signing_in_and_nothing_is_sent(self):
        mainstay, ann, _, _ = self.ready()
        self.is_found(self.look(mainstay), "mail relay", "doubtful", "none is set up")
        smtp = self.peer(Smtp(self.folder, user=("relay", "secret")))
        relay = {"host": "127.0.0.1", "port": smtp.port, "security": "none", "from": "mainstay@example.org",
                 "user": "relay", "password": "secret"}
        ann.client.put("settings/notifications", {"smtp": relay})
        found = self.look(mainstay, status=0)
        self.is_found(found, "mail relay", "ok", "lets us in")
        self.is_found(found, "mail relay", "doubtful", "unencrypted")
        ann.client.put("settings/notifications", {"smtp": relay | {"password": "wrong"}})
        self.is_found(self.look(mainstay, status=1), "mail relay", "wrong", "AUTH")
        ann.client.put("settings/notifications", {"smtp": relay | {"security": "starttls"}})
        self.is_found(self.look(mainstay, status=1), "mail relay", "wrong", "")
        smtp.stop()
        self.is_found(self.look(mainstay, status=1), "mail relay", "wrong", "could not")
        self.assertEqual(smtp.mails(), [])

    def test_the_address_people_use_is_judged_by_what_a_phone_can_reach(self):
        mainstay, _, _, _ = self.ready()
        self.is_found(self.look(mainstay), "public URL", "doubtful", "none is set")
        for url, level, words in [("http://127.0.0.1:8484", "wrong", "this machine itself"),
                                  ("http://192.168.17.4", "doubtful", "a private address"),
                                  ("http://192.168.17.4", "doubtful", "plain HTTP"),
                                  ("https://[fd00::7]:8443", "doubtful", "a private address"),
                                  ("https://169.254.1.1", "doubtful", "link-local"),
                                  ("https://nowhere.invalid", "wrong", "leads nowhere"),
                                  ("https://0.0.0.0", "wrong", "")]:
            with self.subTest(url):
                self.is_found(self.look(mainstay, "--public-url", url), "public URL", level, words)

    def test_certificates_that_end_or_do_not_fit_are_found(self):
        mainstay, _, _, _ = self.ready()
        mainstay.stop()
        good, soon = certificate(self.folder, days=90), certificate(self.folder, days=3)
        over = self.folder / "over.crt", good[1]
        subprocess.run(["openssl", "x509", "-in", good[0], "-signkey", good[1], "-out", over[0], "-days", "-1"],
                       check=True, capture_output=True)
        url = ["--public-url", "https://localhost"]
        self.is_found(self.look(mainstay, "--tls-cert", good[0], "--tls-key", good[1], *url), "certificate", "ok", "it ends in")
        self.is_found(self.look(mainstay, "--tls-cert", soon[0], "--tls-key", soon[1]), "certificate", "doubtful", "it ends in")
        self.is_found(self.look(mainstay, "--tls-cert", over[0], "--tls-key", over[1]), "certificate", "wrong", "it ended")
        self.is_found(self.look(mainstay, "--tls-cert", good[0], "--tls-key", soon[1]), "certificate", "wrong", "together")
        self.is_found(self.look(mainstay, "--tls-cert", good[0], "--tls-key", good[1], "--public-url", "https://example.org"),
                      "certificate", "wrong", "is not for")

    def test_time_series_that_were_set_aside_are_found(self):
        mainstay, _, _, _ = self.ready()
        mainstay.stop()
        self.is_found(self.look(mainstay), "metrics", "ok", "MiB of time series, none damaged")
        (mainstay.data / "metrics" / "00000001.seg.lost").write_bytes(b"x")
        self.is_found(self.look(mainstay), "metrics", "doubtful", "1 files of time series were damaged")

    def test_permissions_a_missing_key_and_a_damaged_record_are_found(self):
        mainstay, _, _, _ = self.ready()
        mainstay.stop()
        os.chmod(mainstay.data, 0o755)
        os.chmod(mainstay.data / "journal.key", 0o644)
        found = self.look(mainstay, status=1)
        self.is_found(found, "permissions", "wrong", "journal.key has mode 0644")
        self.is_found(found, "permissions", "wrong", "/. has mode 0755")
        os.chmod(mainstay.data, 0o700)
        os.rename(mainstay.data / "journal.key", self.folder / "kept.key")
        self.is_found(self.look(mainstay, status=1), "journal key", "wrong", "No such file")
        os.rename(self.folder / "kept.key", mainstay.data / "journal.key")
        if os.getuid() == 0:
            os.chown(mainstay.data / "journal.key", 65534, 65534)
            self.is_found(self.look(mainstay, status=1), "owner", "wrong", "belongs to user 65534")
            os.chown(mainstay.data / "journal.key", 0, 0)
        mainstay.change_behind("UPDATE event SET actor = actor + 1 WHERE seq = 2")
        self.is_found(self.look(mainstay, status=1), "journal", "wrong", "event 2 is not what was recorded")

    def test_a_night_with_nobody_and_people_who_were_never_reached_are_found(self):
        mainstay, ann, contact, ntfy = self.ready()
        begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=12)
        schedule = {"time_zone": "UTC", "layers": [{"start": begin.strftime("%Y-%m-%d"), "users": [ann.email],
                                                    "hand_over": begin.strftime("%H:%M")}]}
        define(ann, "Schedule", "nights", schedule)
        policy(ann, "nightly", [{"schedule": "nights"}])
        found = self.look(mainstay)
        self.is_found(found, "on call", "doubtful", 'nobody for "nights" from')
        self.is_found(found, "tonight", "wrong", 'policy "nightly": no step has anybody from')
        self.is_found(found, "on call", "doubtful", "no page has ever arrived")
        ann.client.post(f"contacts/{contact}/test")
        ntfy.wait_for(1)
        wait_until(lambda: ("ok", 'Admin for "nights", by a way that has worked') in
                   [(level, text.replace("Ann", "Admin")) for level, text in self.look(mainstay)["on call"]], 15,
                   "the test page to count")
        ann.client.delete(f"users/{ann.id}/contacts/{contact}")
        found = self.look(mainstay, status=1)
        self.is_found(found, "on call", "wrong", "cannot be woken")

    def test_an_old_backup_is_told_by_its_age(self):
        mainstay, ann, _, _ = self.ready()
        path = self.folder / "b.backup"
        subprocess.run([*mainstay.binary, "backup", "--data", mainstay.data, "--to", path], check=True, capture_output=True,
                       env=os.environ | mainstay.environment)
        self.is_found(self.look(mainstay), "backup", "ok", "without secrets")
        wait_until(lambda: not (mainstay.data / "backup.made").exists(), 40, "the server to record the backup")
        self.is_found(self.look(mainstay), "backup", "ok", "without secrets")
        mainstay.stop()
        for days, level in ((3, "doubtful"), (30, "wrong")):
            mainstay.change_behind(f"UPDATE backup_made SET made = made - {days} * 86400000000")
            self.is_found(self.look(mainstay), "backup", level, "old")
