"""What goes on when something essential does not: a rule that ends the server, names that are not answered, a mail
relay that is gone, more requests than can be answered. Pages go out, and what is wrong is said on the first page.

A disk that is full and a store that is lost: test_disk.py. A wall clock that jumps: tests/sim.
"""
import concurrent.futures
import os
import shutil
import socket
import subprocess
import threading
import time

from mainstay import BINARY, Scenario, wait_until
from peers import Nginx, Smtp, Webhook, free_port
from steps import declare, fast_check, first_person, notifications, pages, policy, service, verb, verified

GDB_SECONDS_MAX = 60
ASKING = 120       # who ask for exports at once: 2 are made, 64 wait
ASKING_SECONDS = 4
ANSWER_SECONDS_MAX = 20


def warning(person, code):
    """The sentence of the first page about this, or None."""
    return next((row["text"] for row in person.client.get("now")["warnings"] if row["code"] == code), None)


class Degraded(Scenario):
    """Somebody is on call, and can be woken by a webhook."""

    def begin(self, *arguments, **more):
        self.hook = self.peer(Webhook())
        self.server = self.mainstay(*arguments, **more)
        self.ann = first_person(self.server)
        self.ann.forget_browser()
        notifications(self.ann)
        self.ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        policy(self.ann, "default", [{"user": self.ann.email}], delay="1h")
        service(self.ann, "web", "default")

    def paged(self, title, seconds=ANSWER_SECONDS_MAX):
        """Waits for a page whose title has these words."""
        return wait_until(lambda: any(title in call.json["title"] for call in self.hook.good()), seconds,
                          f"a page about {title}")


class Rule(Degraded):
    """A rule of the wiring with a defect that ends the process."""

    takes = 30

    def server_pid(self):
        return [pid for pid, line in self.server.members() if line.startswith("mainstay: server")][0]

    def plant(self, function):
        """Ends the server with SIGABRT when it comes to this function, as an assert would. Gives gdb."""
        words = ["-ex", "set breakpoint pending off", "-ex", f"break {function}", "-ex", "echo planted\\n",
                 "-ex", "continue", "-ex", "signal SIGABRT"]
        gdb = subprocess.Popen(["gdb", "-q", "-nx", "-batch", "-p", str(self.server_pid()), *words],
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder)
        self.addCleanup(gdb.stdout.close)
        self.addCleanup(lambda: gdb.poll() is None and gdb.kill())
        said = []
        for line in gdb.stdout:
            said.append(line)
            if line == "planted\n":
                break
        else:
            self.fail(f"gdb could not plant it: {said[-10:]}")
        drain = threading.Thread(target=gdb.stdout.read, daemon=True)
        drain.start()
        self.addCleanup(drain.join, 5)
        return gdb

    def crash(self):
        """Pauses the check with the defect in the way; the server must die of it and come back."""
        before, gdb = self.server_pid(), self.plant("alert_after_pause")
        try:
            self.ann.client.request("POST", "checks/odd/pause", {"reason": "to see"}, seconds=5)
        except OSError:
            pass
        except Exception as error:  # the connection ended without an answer
            if type(error).__module__ != "http.client":
                raise
        gdb.wait(GDB_SECONDS_MAX)
        wait_until(lambda: self.server_pid() != before and self.server.client().request("GET", "/readyz").status == 200,
                   ANSWER_SECONDS_MAX, "the server to come back")

    def test_a_rule_that_ends_the_server_twice_is_left_out_and_told_and_pages_go_on(self):
        if shutil.which("gdb") is None:
            self.skipTest("there is no gdb")
        # gdb stands in the way of the leak checker, and an abort is what an assert does.
        self.begin("--listen", f"127.0.0.1:{free_port()}",
                   environment={"ASAN_OPTIONS": "detect_leaks=0:handle_abort=0"})
        nginx, other = self.peer(Nginx(self.folder / "a")), self.peer(Nginx(self.folder / "b"))
        fast_check(self.ann, "odd", nginx.url, service="web")
        service(self.ann, "shop", "default")
        fast_check(self.ann, "well", other.url, service="shop")
        wait_until(lambda: self.ann.client.get("checks/odd")["state"] == "up", 10, "the first results")

        self.crash()
        self.assertIsNone(warning(self.ann, "parked"), "once is not enough")
        self.crash()
        self.ann.client.post("checks/odd/pause", {"reason": "to see"})
        wait_until(lambda: "alert_after_pause" in (warning(self.ann, "parked") or ""), 5, "it to be told")
        parked = self.ann.client.get("journal?kind=wire.parked")["items"]
        self.assertEqual([row["payload"]["row"] for row in parked], ["alert_after_pause"])
        self.assertTrue(self.ann.client.get("checks/odd")["paused_reason"], "what a person asked for was done all the same")
        other.stop()
        self.paged("shop")

        self.server.stop()
        self.assertIn("1 parked", verb(self.server, "journal", "retry"))
        verified(self.server)
        self.server.start()
        self.assertIsNone(warning(self.ann, "parked"))


class Names(Degraded):
    """Nobody answers when a name is asked for."""

    takes = 20

    def setUp(self):
        super().setUp()
        if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
            self.skipTest("a mount namespace cannot be made here")
        self.dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.dns.close)
        address = f"127.{os.getpid() % 200 + 20}.53.53"
        try:
            self.dns.bind((address, 53))  # it takes every question and never says a word
        except OSError as error:
            self.skipTest(f"port 53 of {address} cannot be had: {error}")
        (self.folder / "resolv.conf").write_text(f"nameserver {address}\n")
        self.namespace = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                          f"mount --bind {self.folder}/resolv.conf /etc/resolv.conf && exec \"$@\"", "sh", str(BINARY)]

    def test_checks_by_address_and_pages_go_on_when_no_name_is_answered(self):
        self.begin(binary=self.namespace)
        nginx = self.peer(Nginx(self.folder))
        fast_check(self.ann, "named", "http://web.example.org/", service="web", timeout="2s", interval="3s")
        service(self.ann, "shop", "default")
        fast_check(self.ann, "addressed", nginx.url, service="shop")
        named = wait_until(lambda: self.ann.client.get("checks/named")["state"] == "down" and
                           self.ann.client.get("checks/named"), 30, "the check by name to say something")
        self.assertRegex(named["last_reason"], "name|resolve|DNS", "it says that the name was not found, not that the service is down")
        self.assertGreater(len(self.dns.recv(512)), 12, "the question was asked")
        self.assertEqual(self.ann.client.get("checks/addressed")["state"], "up")
        nginx.serve(503, "broken")
        self.paged("shop")


class Relay(Degraded):
    """The mail relay is gone for a while."""

    takes = 15

    def test_a_relay_that_is_gone_delays_no_other_way_and_gets_the_mail_when_it_is_back(self):
        self.begin()
        relay = Smtp(self.folder, port=free_port())
        notifications(self.ann, smtp=relay)
        mail = self.ann.reach_by("email", {"to": "ann@example.org"})
        incident = declare(self.ann, "the relay is gone")
        self.paged("the relay is gone", 5)

        def tried():
            page = pages(self.ann, incident, contact=mail)[0]
            return page["state"] == "queued" and page["attempts"] and page
        page = wait_until(tried, 15, "a try that failed")
        self.assertIn("connect", page["attempts"][0]["detail"])
        self.peer(relay)
        wait_until(lambda: pages(self.ann, incident, contact=mail)[0]["state"] in ("sent", "delivered"), 40,
                   "the mail to leave")
        self.assertEqual(len(relay.mails()), 1)


class Overload(Degraded):
    """More is asked than can be answered: exports go first, then lists, then changes; pages never."""

    takes = 25

    def export(self, end):
        """Asks for the export until the time is over; gives the statuses."""
        statuses = []
        client = self.server.client()
        client.cookies, client.contract = self.ann.client.cookies, None
        while time.monotonic() < end:
            answer = client.request("GET", "export", seconds=60)
            statuses.append(answer.status)
            if answer.status == 503:
                assert int(answer.headers["Retry-After"]) >= 1, answer
        return statuses

    def test_exports_are_refused_first_and_said_to_be_and_pages_leave(self):
        self.begin()
        for number in range(40):
            service(self.ann, f"s{number}", "default")
        end = time.monotonic() + ASKING_SECONDS
        with concurrent.futures.ThreadPoolExecutor(ASKING) as pool:
            asked = [pool.submit(self.export, end) for _ in range(ASKING)]
            time.sleep(1)
            incident = declare(self.ann, "while everybody exports")
            self.ann.client.post(f"incidents/{incident}/note", {"text": "changes are taken"})
            self.assertEqual(self.ann.client.get(f"incidents/{incident}")["title"], "while everybody exports")
            self.paged("while everybody exports", 10)
            said = wait_until(lambda: warning(self.ann, "overload"), 10, "it to be told")
            self.assertRegex(said, r"refused in the last minute: \d+ exports and charts\.")
        statuses = [status for one in asked for status in one.result()]
        self.assertEqual(set(statuses), {200, 503})


