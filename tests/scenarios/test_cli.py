"""The command line against a real server: every example of every --help, exit statuses, terminals, streams."""
import csv
import fcntl
import http.server
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
import unittest

from mainstay import BINARY, TOP, Scenario, wait_until
from peers import free_port

EMAIL, PASSWORD = "me@example.org", "correct horse battery staple"
USUAL = "127.0.0.1:8484"  # what examples say; the server under test listens elsewhere
SECONDS_MAX = 60
SANITIZER = os.environ.get("ASAN_OPTIONS", "")

SHOP = """apiVersion: mainstay/v1
kind: Service
metadata:
  name: shop
spec:
  about: sells things
"""
WEB = """apiVersion: mainstay/v1
kind: Check
metadata:
  name: web
spec:
  kind: http
  url: http://%s/healthz
  service: shop
"""
NIGHTLY = """apiVersion: mainstay/v1
kind: Check
metadata:
  name: nightly-backup
spec:
  kind: heartbeat
  every: 1d
"""
DEFAULT = """apiVersion: mainstay/v1
kind: Schedule
metadata:
  name: default
spec:
  layers:
    - start: "2026-11-02"
      users: [me@example.org]
"""
# What must be so before an example works; the examples run in the order of the manual.
BEFORE = {
    "mainstay incident resolve 1": ["mainstay incident reopen 1"],
    "mainstay incident reopen 1": ["mainstay incident resolve 1"],
    "mainstay incident undo 1": ["mainstay incident ack 1"],
    "mainstay report undo 11": ["mainstay report reject 11 --reason slip"],
    "mainstay report undo 12": ["mainstay report reject 12 --reason slip"],
    "mainstay incident withdraw 1": ["mainstay incident update 1 --for executives --state identified Cause found"],
    "mainstay incident escalate 1": ["mainstay incident reopen 1"],
    "mainstay maintenance show 1": ["mainstay maintenance announce New cables --service shop --from +1d --until +25h"],
    "mainstay status release 3": ["mainstay status set shop --status degraded_performance --for 1h --reason again"],
    # What matters little owes no review: then one is begun by hand.
    "mainstay review start 4": ["mainstay incident declare --impact low --urgency low A small thing", "mainstay incident resolve 4"],
    "mainstay review start 5": ["mainstay incident declare --impact low --urgency low A smaller one", "mainstay incident resolve 5"],
    "mainstay review show 2": ["mainstay incident resolve 2", "mainstay review start 2"],
    "mainstay check pause web": ["mainstay check resume web"],
    "mainstay check resume web": ["mainstay check pause web --reason example"],
    "mainstay check address nightly-backup": ["mainstay apply -f nightly.yaml --set jobs"],
    "mainstay delete check old-web": ["mainstay apply -f old-web.yaml --set old"],
    "mainstay delete service old-shop": ["mainstay apply -f old-shop.yaml --set older"],
    "mainstay logout": ["mainstay login --email me@example.org --scope admin < password"],
    "mainstay whoami": ["mainstay login --email me@example.org --scope admin < password"],
}

# One value for each word of help that stands for one.
SAMPLES = {"WHEN": "now", "N": "5", "TEXT": "x", "NAME": "web", "WHO": "me", "ID": "1", "KIND": "check", "SEQ": "1",
           "INCIDENT": "1", "OF": "1", "ADDRESS": "me@example.org",
           "SUBJECT": "check/web", "SCHEDULE": "default", "ZONE": "UTC"}


class Said:
    def __init__(self, line, status, out, err):
        self.line, self.status, self.out, self.err = line, status, out, err

    def __repr__(self):
        return f"$ {self.line}\n(status {self.status})\n{self.out}{self.err}"


class Cli(Scenario):
    """A server, and a shell of a person who knows nothing of it yet."""

    def setUp(self):
        super().setUp()
        self.place = self.folder / "place"
        self.place.mkdir()
        binaries = self.folder / "bin"
        binaries.mkdir()
        (binaries / "mainstay").symlink_to(BINARY)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        self.environment = kept | {"HOME": str(self.place), "PATH": f"{binaries}:{os.environ['PATH']}",
                                   "TZ": "Europe/Zurich", "XDG_CONFIG_HOME": "", "NO_COLOR": "", "TERM": "xterm",
                                   "ASAN_OPTIONS": SANITIZER + ":detect_leaks=0"}  # half of what a short life costs

    def server(self):
        mainstay = self.mainstay("--admin", EMAIL)
        self.environment["MAINSTAY_SERVER"] = f"http://{mainstay.address}"
        person = mainstay.signed_in()
        person.put("session/password", {"password": PASSWORD})
        (self.place / "password").write_text(PASSWORD + "\n")
        return mainstay

    def signed_in(self, scope="admin"):
        mainstay = self.server()
        self.ok(f"mainstay login --email {EMAIL} --scope {scope} < password")
        return mainstay

    def say(self, line, given=None, **more):
        done = subprocess.run(["sh", "-c", line], cwd=self.place, env=self.environment | more, input=given,
                              stdin=None if given is not None else subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=SECONDS_MAX)
        self.assertNotRegex(done.stderr, r"Sanitizer|runtime error|Assertion", line)
        return Said(line, done.returncode, done.stdout, done.stderr)

    def ok(self, line, **more):
        said = self.say(line, **more)
        self.assertEqual(said.status, 0, said)
        return said

    def refused(self, line, status, pattern, **more):
        said = self.say(line, **more)
        self.assertEqual(said.status, status, said)
        self.assertRegex(said.err, pattern)
        return said

    def write(self, name, text):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def terminal(self, line, answers=(), width=200):
        """Runs the line on a terminal of its own; answers = [(what is asked, what is typed)]."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        process = subprocess.Popen(["sh", "-c", line], cwd=self.place, env=self.environment, stdin=slave,
                                   stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        seen, left, end = b"", list(answers), time.monotonic() + SECONDS_MAX
        try:
            while time.monotonic() < end:
                if not select.select([master], [], [], 0.2)[0]:
                    continue
                try:
                    piece = os.read(master, 65536)
                except OSError:  # the other side is closed
                    break
                seen += piece
                if left and left[0][0].encode() in seen:
                    time.sleep(0.2)  # the terminal's mode is set after the question
                    os.write(master, left.pop(0)[1].encode())
            return Said(line, process.wait(5), seen.decode(errors="replace"), "")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(master)


class Examples(Cli):
    def test_every_example_of_every_help_works(self):
        mainstay = self.signed_in()
        self.prepare(mainstay)
        manual = self.ok("mainstay help --markdown").out
        examples = re.findall(r"^\$ (.*)$", manual, re.M)
        self.assertGreater(len(examples), 100)
        failed = []
        for example in examples:
            for start, lines in BEFORE.items():
                for line in lines if example.startswith(start) else []:
                    self.say(line)  # it may be so already
            said = self.say(example.replace(USUAL, mainstay.address), ASAN_OPTIONS=SANITIZER)  # leaks are sought here
            if said.status != 0:
                failed.append(said)
        self.assertEqual(failed, [])

    def prepare(self, mainstay):
        self.write("mainstay/shop.yaml", SHOP)
        self.write("mainstay/web.yaml", WEB % mainstay.address)
        self.write("mainstay/on-call/default.yml", DEFAULT)
        self.write("nightly.yaml", NIGHTLY)
        self.write("shop-db.url", "postgres://watch:secret@db.example.org/shop\n")
        self.write("old-shop.yaml", SHOP.replace("name: shop", "name: old-shop"))
        self.write("old-web.yaml", (WEB % mainstay.address).replace("name: web", "name: old-web")
                   .replace("  service: shop\n", ""))
        self.ok("mainstay apply -f mainstay --set shop")
        self.ok("mainstay incident declare Something is wrong")
        for _ in range(12):
            self.ok("mainstay report send Something hangs")

    def test_every_verb_has_help_and_the_manual_is_what_the_program_says(self):
        manual = self.ok("mainstay help --markdown").out
        self.assertEqual((TOP / "docs/cli.md").read_text(), manual,
                         "make it anew: build/mainstay help --markdown > docs/cli.md")
        usages = re.findall(r"^```\n(mainstay .*)$", manual, re.M)
        self.assertGreater(len(usages), 60)
        overview = self.ok("mainstay --help").out
        for usage in usages:
            words = []
            for word in usage.split():
                if not re.fullmatch(r"[a-z][a-z-]*", word):
                    break
                words.append(word)
            said = self.ok(" ".join(words) + " --help").out
            self.assertIn(words[1], overview)
            self.assertTrue(said.startswith("mainstay " + words[1]), said)

    def test_every_flag_of_a_reading_verb_is_one_the_server_knows(self):
        mainstay = self.signed_in()
        self.prepare(mainstay)
        manual = self.ok("mainstay help --markdown").out
        tried = 0
        for block in re.findall(r"^```\n(mainstay [^`]*)```", manual, re.M):
            usage, *lines = block.splitlines()
            words = [word for word in usage.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
            if words[-1] not in ("list", "show", "timeline", "results", "shifts", "get", "oncall"):
                continue
            arguments = [SAMPLES[word] for word in re.findall(r"(?<= )[A-Z]+\b", usage) if word in SAMPLES]
            for flag, value in re.findall(r"^  --([a-z-]+) (\S+)", "\n".join(lines), re.M):
                given = SAMPLES.get(value, value.split("|")[0])
                said = self.say(" ".join([*words, *arguments, f"--{flag}", given]))
                tried += 1
                self.assertNotIn("parameter", said.err, said)
                self.assertIn(said.status, (0, 1), said)  # 1: there is no such thing
        self.assertGreater(tried, 30)

    def test_help_needs_no_server_and_no_home(self):
        self.environment["MAINSTAY_SERVER"] = "http://127.0.0.1:1"
        said = self.ok("env -u HOME mainstay incident list --help")
        self.assertIn("--state open|acknowledged|resolved", said.out)
        self.assertIn("mainstay incident list --state open,acknowledged\n", said.out)
        self.assertEqual(self.ok("mainstay --version").out, self.ok("mainstay version").out)


class Statuses(Cli):
    def test_a_server_that_cannot_be_reached_is_named_with_what_to_check(self):
        address = f"http://127.0.0.1:{free_port()}"
        said = self.refused(f"mainstay now --server {address}", 3, re.escape(address))
        self.assertIn("mainstay serve", said.err)
        self.assertEqual(said.out, "")

    def test_who_is_not_signed_in_is_told_how_to(self):
        mainstay = self.server()
        self.refused("mainstay incident list", 4, f"mainstay login --server http://{mainstay.address}")
        self.refused("mainstay now --token mst_wrong", 4, "sign in again")
        self.refused("mainstay logout", 4, "nobody is signed in")
        self.refused("echo wrong password | mainstay login --email me@example.org", 4, "password")
        self.assertFalse((self.place / ".config/mainstay/credentials.yaml").exists())

    def test_what_is_wrong_with_the_command_is_said_before_anybody_is_asked(self):
        self.environment["MAINSTAY_SERVER"] = f"http://127.0.0.1:{free_port()}"
        for line, pattern in [("mainstay incidnet", "did you mean mainstay incident"),
                              ("mainstay incident", "incident what"),
                              ("mainstay incident acj 1", "did you mean mainstay incident ack"),
                              ("mainstay incident acknowledge 1", "did you mean mainstay incident ack"),
                              ("mainstay incident ack", "ID is missing"),
                              ("mainstay incident ack one", "a whole number"),
                              ("mainstay incident list --limit 0", "from 1 to"),
                              ("mainstay incident list --stat open", "did you mean --state"),
                              ("mainstay now --server example.org", "looks like https"),
                              ("mainstay now --server http://192.0.2.1 --token x", "without TLS")]:
            self.refused(line, 2, pattern)

    def test_a_refusal_is_the_servers_sentence_and_its_hint(self):
        self.signed_in("read")
        self.refused("mainstay incident show 99", 1, "(?i)incident")
        said = self.refused("mainstay incident declare It is on fire", 1, "scope|may")
        self.assertEqual(said.out, "")
        self.refused("mainstay secret list --as-of 1", 2, "no flag")

    def test_a_token_comes_from_flag_file_environment_or_login(self):
        mainstay = self.signed_in()
        secret = self.ok("mainstay token create other --scope read").out.strip()
        self.ok("mainstay logout")
        self.refused("mainstay whoami", 4, "nobody is signed in")
        self.ok(f"mainstay whoami --token {secret}")
        self.ok("mainstay whoami", MAINSTAY_TOKEN=secret)
        self.write("token", secret + "\n")
        (self.place / "token").chmod(0o644)
        self.refused("mainstay whoami --token-file token", 1, "chmod 600")
        (self.place / "token").chmod(0o600)
        self.assertIn(EMAIL, self.ok("mainstay whoami --token-file token").out)
        self.write(".config/mainstay/cli.yaml", f"server: http://{mainstay.address}/\noutput: json\n")
        said = self.ok("mainstay whoami --token-file token", MAINSTAY_SERVER="")
        self.assertEqual(json.loads(said.out)["user"]["email"], EMAIL)

    def test_a_kept_token_is_closed_to_others_and_goes_to_its_own_server_only(self):
        self.signed_in()
        kept = self.place / ".config/mainstay/credentials.yaml"
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        seen = []

        class Stranger(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(dict(self.headers))
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        stranger = http.server.HTTPServer(("127.0.0.1", 0), Stranger)
        thread = threading.Thread(target=stranger.serve_forever, daemon=True)
        thread.start()
        try:
            said = self.say(f"mainstay now --server http://127.0.0.1:{stranger.server_port}")
        finally:
            stranger.shutdown()
            stranger.server_close()
            thread.join(5)
        self.assertEqual(said.status, 1, said)
        self.assertIn("is this a Mainstay server", said.err)
        self.assertRegex(seen[0]["User-Agent"], r"^mainstay-cli/\d")
        self.assertNotIn("Authorization", seen[0])

    def test_a_new_login_revokes_the_one_before_and_logout_the_last(self):
        self.signed_in()
        first = re.search(r'token: "(.*)"', (self.place / ".config/mainstay/credentials.yaml").read_text())[1]
        self.ok(f"mainstay login --email {EMAIL} --scope admin < password")
        self.refused(f"mainstay whoami --token {first}", 4, "sign in again")
        self.assertEqual(len(json.loads(self.ok("mainstay token list -o json").out)["items"]), 1)
        second = re.search(r'token: "(.*)"', (self.place / ".config/mainstay/credentials.yaml").read_text())[1]
        self.ok("mainstay logout")
        self.refused(f"mainstay whoami --token {second}", 4, "sign in again")
        self.assertNotIn("mst_", (self.place / ".config/mainstay/credentials.yaml").read_text())


class Shown(Cli):
    def test_json_csv_and_yaml_are_for_programs_and_tables_for_people(self):
        self.signed_in()
        self.ok("mainstay incident declare --impact high --urgency high \"Zahlung fällt aus\"")
        said = json.loads(self.ok("mainstay incident list -o json").out)
        self.assertEqual(said["items"][0]["title"], "Zahlung fällt aus")
        rows = list(csv.DictReader(io.StringIO(self.ok("mainstay incident list -o csv").out)))
        self.assertEqual((rows[0]["id"], rows[0]["state"], rows[0]["title"]), ("1", "open", "Zahlung fällt aus"))
        self.assertIn("title: Zahlung fällt aus", self.ok("mainstay incident show 1 -o yaml").out)
        table = self.ok("mainstay incident list").out.splitlines()
        self.assertRegex(table[0], r"^ID  STATE  PRIORITY  TITLE +SERVICE  OPENED +WHO$")
        self.assertRegex(table[1], r"^ 1  open   P1 +Zahlung fällt aus  - +\d{4}-\d\d-\d\d \d\d:\d\d \+0[12]:00 \(.*\)  -$")
        self.assertNotIn("\x1b", "".join(table))

    def test_lists_come_page_by_page_and_say_when_there_is_more(self):
        self.signed_in()
        for number in range(7):
            self.ok(f"mainstay incident declare number {number}")
        said = self.ok("mainstay incident list --limit 3")
        self.assertEqual(len(said.out.splitlines()), 4)
        self.assertIn("--limit 12", said.err)
        whole = json.loads(self.ok("mainstay journal list -o json --limit 1000").out)
        self.assertEqual(whole["next"], None)
        self.assertEqual([row["seq"] for row in whole["items"]], list(range(len(whole["items"]), 0, -1)))

    def test_a_terminal_gets_colours_and_is_not_overrun(self):
        self.signed_in()
        self.ok("mainstay incident declare " + "a very long title " * 8)
        said = self.terminal("mainstay incident list", width=100)
        self.assertEqual(said.status, 0, said)
        self.assertIn("\x1b[1;31mopen\x1b[0m", said.out)
        for line in said.out.splitlines():
            self.assertLessEqual(len(re.sub(r"\x1b\[[0-9;]*m", "", line)), 100, said)
        self.assertNotIn("\x1b", self.terminal("mainstay incident list --no-color").out)
        self.environment["NO_COLOR"] = "1"
        self.assertNotIn("\x1b", self.terminal("mainstay incident list").out)

    def test_a_title_cannot_steer_the_readers_terminal(self):
        mainstay = self.signed_in()
        person = mainstay.client()
        person.sign_in_with_password(EMAIL, PASSWORD)
        person.post("incidents", {"title": "a\u202eb\u009b2Jc"})
        for line in ("incident list", "incident show 1", "incident timeline 1", "now"):
            said = self.ok(f"mainstay {line}")
            self.assertNotRegex(said.out, "[\u202e\u009b\x1b]", said)
            self.assertIn("a\ufffdb\ufffd2Jc", said.out)

    def test_a_password_is_typed_without_echo_and_ctrl_c_leaves(self):
        self.server()
        said = self.terminal("mainstay login", [("e-mail: ", EMAIL + "\n"), ("password: ", PASSWORD + "x\x7f\n")])
        self.assertEqual(said.status, 0, said)
        self.assertNotIn("horse", said.out)
        self.assertIn("signed in at", said.out)
        said = self.terminal("mainstay login; stty -a", [("e-mail: ", EMAIL + "\n"), ("password: ", "abc\x03")])
        self.assertIn("no password was given", said.out)
        self.assertRegex(said.out, r"[^-]echo\b")  # the terminal is as it was


class Definitions(Cli):
    def test_mistakes_are_named_by_file_line_and_column_and_nothing_is_applied(self):
        self.signed_in()
        self.write("mainstay/shop.yaml", SHOP)
        self.write("mainstay/web.yaml", (WEB % "x.example").replace("  service:", "  intervall: 30s\n  service:"))
        said = self.refused("mainstay apply -f mainstay --set shop", 1, r"(?m)^mainstay/web.yaml:8:3: .*intervall.*interval")
        self.assertIn("nothing was applied: 1 mistake", said.err)
        self.assertEqual(json.loads(self.ok("mainstay get services -o json").out)["items"], [])

    def test_a_plan_is_shown_asked_about_and_carried_out_once(self):
        self.signed_in()
        self.write("mainstay/shop.yaml", SHOP)
        said = self.ok("mainstay apply -f mainstay/ --set shop --dry-run")
        self.assertIn("create Service shop (mainstay/shop.yaml:1)", said.out)
        self.assertIn("1 to create, 0 to update", said.out)
        said = self.terminal("mainstay apply -f mainstay --set shop", [("[y/N] ", "n\n")])
        self.assertEqual(said.status, 1, said)
        self.assertIn("nothing was applied", said.out)
        self.assertEqual(json.loads(self.ok("mainstay get services -o json").out)["items"], [])
        said = self.terminal("mainstay apply -f mainstay --set shop", [("[y/N] ", "y\n")])
        self.assertEqual(said.status, 0, said)
        self.assertIn("applied", said.out)
        said = self.ok("mainstay apply -f mainstay --set shop")
        self.assertIn("0 to create, 0 to update, 0 to delete, 1 unchanged", said.out)
        self.write("mainstay/shop.yaml", SHOP.replace("sells things", "sells bread"))
        said = self.ok("mainstay apply -f mainstay --set shop")
        self.assertRegex(said.out, r"(?m)^    -about: sells things$")
        self.assertRegex(said.out, r"(?m)^    \+about: sells bread$")
        exported = self.ok("mainstay export services").out
        self.write("again.yaml", exported)
        self.assertIn("1 unchanged", self.ok("mainstay apply -f again.yaml --set shop").out)

    def test_what_people_changed_is_refused_until_it_is_taken(self):
        mainstay = self.signed_in()
        self.write("shop.yaml", SHOP)
        self.ok("mainstay apply -f shop.yaml --set shop")
        person = mainstay.client()
        person.sign_in_with_password(EMAIL, PASSWORD)
        person.put("definitions/Service/shop", {"spec": {"about": "changed by hand"}})
        said = self.refused("mainstay apply -f shop.yaml --set shop", 1, "nothing was applied: 1 change was refused")
        self.assertIn("refused Service shop", said.out)
        self.assertIn("--take", said.err)
        self.ok("mainstay apply -f shop.yaml --set shop --take")
        self.assertIn("sells things", self.ok("mainstay get service shop").out)
        self.write("shop.yaml", SHOP.replace("name: shop", "name: store"))
        self.assertIn("delete Service shop", self.ok("mainstay apply -f shop.yaml --set shop --prune").out)


class Following(Cli):
    def test_events_are_followed_over_a_restart_and_none_is_said_twice(self):
        mainstay = self.signed_in()
        out = open(self.place / "events", "w+")
        follower = subprocess.Popen(["mainstay", "events", "--kind", "incident.", "-o", "json"], stdout=out,
                                    stderr=subprocess.DEVNULL, env=self.environment, cwd=self.place,
                                    stdin=subprocess.DEVNULL)
        try:
            def seen():
                return [json.loads(line) for line in (self.place / "events").read_text().splitlines()]
            time.sleep(1)
            self.ok("mainstay incident declare one")
            wait_until(lambda: len(seen()) == 1, 20, "the first event")
            mainstay.restart()
            self.ok("mainstay incident declare two")
            wait_until(lambda: len(seen()) >= 2, 20, "the second event")
            rows = seen()
            self.assertEqual([row["kind"] for row in rows], ["incident.opened"] * 2)
            self.assertEqual([row["subject"] for row in rows], ["incident/1", "incident/2"])
        finally:
            follower.terminate()
            follower.wait(10)
            out.close()


class Completion(Cli):
    def complete(self, *words):
        script = ('eval "$(mainstay completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mainstay; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", *words], env=self.environment, cwd=self.place,
                              capture_output=True, text=True, timeout=SECONDS_MAX)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_verbs_actions_flags_and_choices(self):
        self.assertEqual(self.complete("mainstay", "inc"), ["incident"])
        self.assertIn("serve", self.complete("mainstay", ""))
        self.assertEqual(self.complete("mainstay", "incident", "re"), ["resolve", "reopen"])
        self.assertEqual(self.complete("mainstay", "journal", "ver"), ["verify"])
        self.assertEqual(self.complete("mainstay", "journal", "pr"), ["prove", "proof"])
        self.assertEqual(self.complete("mainstay", "incident", "list", "--sta"), ["--state"])
        self.assertEqual(self.complete("mainstay", "mute", "add", "--ser"), ["--server"])
        self.assertEqual(self.complete("mainstay", "user", "create", "--role", "ma"), ["manager"])
        self.assertEqual(self.complete("mainstay", "now", "-o", "j"), ["json"])
        self.assertEqual(self.complete("mainstay", "apply", "--dry"), ["--dry-run"])

    def test_the_other_shells_take_their_scripts(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            script = self.ok(f"mainstay completion {shell}").out
            self.assertIn("incident", script)
            self.write(shell, script)
            try:
                done = subprocess.run([*check, self.place / shell], capture_output=True, text=True, timeout=30)
            except FileNotFoundError:
                continue  # not on this machine; the words are checked by the unit test
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)
        self.refused("mainstay completion cmd", 2, "usage: mainstay completion")


if __name__ == "__main__":
    unittest.main()
