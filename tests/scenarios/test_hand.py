"""Commands run in the hand: a lesser user behind walls, bounded in time, and back when it was killed."""
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

from mainstay import Mainstay, Scenario, wait_until
from peers import free_port
from steps import first_person

NOBODY = "65534"


class Hand(Scenario):
    """What a page may start on this machine, and what it may not."""

    def setUp(self):
        super().setUp()
        # Where nobody can look in: a checkout may lie in a home folder that others cannot enter.
        self.commands = pathlib.Path(tempfile.mkdtemp(prefix="commands-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.commands, ignore_errors=True)
        self.commands.chmod(0o755)

    def command(self, name, script, mode=0o755):
        path = self.commands / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(mode)

    def serve(self, *arguments):
        mainstay = self.mainstay("--commands", str(self.commands), *arguments,
                                 environment={"MAINSTAY_LOG_LEVEL": "info"})
        return mainstay, first_person(mainstay)

    def page(self, person, name):
        """Sends a test page through a command; gives a function that looks at the page."""
        contact = person.reach_by("command", {"command": name})
        page = person.client.post(f"contacts/{contact}/test")["id"]
        return lambda: next(row for row in person.client.items("pages") if row["id"] == page)

    def detail(self, look, state, seconds=20):
        """What the newest attempt says once the page has this state."""
        def attempted():
            page = look()
            return page["state"] == state and page["attempts"]
        return wait_until(attempted, seconds, f"a page that is {state}: {look()}")[-1]["detail"]

    def one(self, mainstay, word):
        """The pid of the one member whose command line contains the word."""
        found = [pid for pid, line in mainstay.members() if word in line]
        self.assertEqual(len(found), 1, mainstay.members())
        return found[0]

    def test_a_command_is_a_lesser_user_who_cannot_touch_the_data_folder(self):
        mainstay, ann = self.serve()
        walled = any("commands can be run" in line and "landlock=0" not in line for line in mainstay.lines)
        if walled:  # then not even open doors let it in
            self.folder.chmod(0o755)
            mainstay.data.chmod(0o777)
            for path in mainstay.data.iterdir():
                if stat.S_ISREG(path.stat().st_mode):
                    path.chmod(0o666)
        data = mainstay.data
        self.command("thief", f'grep -c \'"type":"test"\'\nid -u\n'
                     f'(cat {data}/journal.key) >/dev/null 2>&1 && echo READ || echo hidden\n'
                     f'(echo x >> {data}/mainstay.db) 2>/dev/null && echo WROTE || echo kept\n'
                     f'(echo x > {data}/planted) 2>/dev/null && echo PLANTED || echo closed\n'
                     f'(echo x > {self.commands}/planted) 2>/dev/null && echo PLANTED || echo shut\n'
                     f'kill -0 {self.one(mainstay, "mainstay: server")} 2>/dev/null && echo REACHED || echo apart\n'
                     'echo x > "$TMPDIR/note" && echo noted\nenv | grep -c MAINSTAY\nexit 0\n')
        said = self.detail(self.page(ann, "thief"), "sent")
        user = NOBODY if os.geteuid() == 0 else str(os.geteuid())
        if walled or os.geteuid() == 0:
            self.assertIn(f": 1 {user} hidden kept closed shut apart noted 0", said)
        self.assertFalse((data / "planted").exists())

    def test_a_command_that_hangs_ends_with_everything_it_started(self):
        mainstay, ann = self.serve()
        self.command("hang", "trap '' TERM\nsleep 300.25 &\nsleep 300.25\nsleep 300.25\n")
        look = self.page(ann, "hang")
        wait_until(lambda: [pid for pid, line in mainstay.members() if "sleep 300.25" in line], 10,
                   "the command to run")
        attempt = wait_until(lambda: look()["attempts"], 20, "the command to be ended")[-1]
        self.assertIn("still running after 10 s", attempt["detail"])
        self.assertEqual([line for _, line in mainstay.members() if "sleep 300.25" in line], [])

    def test_a_killed_hand_is_back_at_once_and_the_page_arrives(self):
        mainstay, ann = self.serve()
        self.command("second-try", 'mkdir "$TMPDIR/tried" && exec sleep 300.5\necho arrived\n')
        look = self.page(ann, "second-try")
        wait_until(lambda: [pid for pid, line in mainstay.members() if "sleep 300.5" in line], 10,
                   "the command to run")
        server = self.one(mainstay, "mainstay: server")
        killed = mainstay.kill9(only="mainstay: hand")
        self.assertEqual(len(killed), 1)
        wait_until(lambda: [pid for pid, line in mainstay.members() if "mainstay: hand" in line and pid not in killed], 5,
                   "another hand")
        self.assertEqual([line for _, line in mainstay.members() if "sleep 300.5" in line], [],
                         "what the killed hand ran does not outlive it")
        self.assertIn("arrived", self.detail(look, "sent"))
        self.assertIn("ended meanwhile", look()["attempts"][0]["detail"])
        self.assertEqual(self.one(mainstay, "mainstay: server"), server, "the server noticed nothing")

    def test_a_killed_server_comes_back_with_a_hand_that_works(self):
        mainstay, ann = self.serve("--listen", f"127.0.0.1:{free_port()}")
        self.command("fine", "echo arrived\n")
        hand = self.one(mainstay, "mainstay: hand")
        mainstay.kill9(only="mainstay: server")
        wait_until(lambda: ann.client.get("session"), 20, "the server to answer again")
        self.assertIn("arrived", self.detail(self.page(ann, "fine"), "sent"))
        self.assertNotEqual(self.one(mainstay, "mainstay: hand"), hand)

    def test_a_command_that_others_can_change_is_not_run(self):
        _, ann = self.serve()
        self.command("loose", "echo ran\n", mode=0o777)
        self.assertIn("can be changed by others", self.detail(self.page(ann, "loose"), "failed"))

    def test_a_folder_that_others_can_change_does_not_start(self):
        self.commands.chmod(0o777)
        with self.assertRaisesRegex(AssertionError, "(?s)can be changed by others.*chmod go-w"):
            self.serve()

    def test_nothing_of_it_is_left_when_the_server_ends(self):
        mainstay, ann = self.serve()
        self.command("note", 'setsid sleep 300.75 >/dev/null 2>&1 &\necho x > "$TMPDIR/note"; echo "$TMPDIR"\n')
        said = self.detail(self.page(ann, "note"), "sent")
        temp = pathlib.Path(said.rpartition(": ")[2])
        self.assertTrue(temp.is_dir() and str(temp).startswith("/tmp/mainstay-hand-"), said)
        mainstay.stop()
        self.assertFalse(temp.exists())
        found = subprocess.run(["ps", "-e", "-o", "args"], capture_output=True, text=True).stdout
        self.assertNotIn(str(mainstay.data), found)
        self.assertNotIn("sleep 300.75", found)

    def test_without_commands_there_is_no_hand(self):
        mainstay = self.mainstay()
        self.assertEqual([line for _, line in mainstay.members() if "mainstay: hand" in line], [])
        ann = first_person(mainstay)
        self.assertIn("without a directory of commands", self.detail(self.page(ann, "any"), "failed"))

    def doctor(self, *arguments):
        return subprocess.run([*Mainstay(self.folder / "m").binary, "doctor", "--data", str(self.folder / "none"), *arguments],
                              capture_output=True, text=True, timeout=60)

    def test_the_doctor_tries_the_hand_and_runs_nothing(self):
        ran = self.commands / "ran"
        self.command("wake", f"touch {ran}\n")
        said = self.doctor("--commands", str(self.commands)).stdout
        self.assertRegex(said, r"ok +hand +it starts, is behind its walls, and answers")
        self.assertRegex(said, r"ok +command +wake")
        self.assertFalse(ran.exists(), "the doctor ran a command")
        self.assertNotRegex(self.doctor().stdout, r"(ok|hm|WRONG) +hand ")

    def test_the_doctor_says_what_is_wrong_with_commands(self):
        self.command("open", "true\n", mode=0o777)
        done = self.doctor("--commands", str(self.commands))
        self.assertRegex(done.stdout, r"WRONG command +the command \"open\" can be changed by others")
        self.assertEqual(done.returncode, 1)
        self.commands.chmod(0o777)
        done = self.doctor("--commands", str(self.commands))
        self.assertRegex(done.stdout, r"WRONG commands +the folder of commands \".*\" can be changed by others")
