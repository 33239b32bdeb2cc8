"""PostgreSQL as the store: moving there and back, servers that stand by, a database that goes away.

Real servers, a real PostgreSQL, and a relay that cuts one server off from it.
"""
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

from mainstay import Scenario, wait_until
from peers import Nginx, Webhook, free_port
from postgres import Postgres, make_database, psql
from steps import declare, fast_check, first_person, incident_for, notifications, policy, service, verb, verified
from test_kill import Writer
from world import in_time

TAKE_OVER_SECONDS_MAX = 10
NOISE_SECONDS = 8  # what a loaded machine adds to starting a program with sanitizers


def script_token(person):
    return person.client.post("tokens", {"name": "script", "scopes": ["read", "act"], "expires_at": in_time(days=1)})["secret"]


class Relay(threading.Thread):
    """Stands between a server and its database; `cut` drops what passes and lets nobody in."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.is_cut, self.ended = target, False, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = {}

    def url(self, url):
        return re.sub(r":\d+/", f":{self.port}/", url)

    def run(self):
        while not self.ended:
            sockets = [self.listener, *self.pairs]
            for ready in select.select(sockets, [], [], 0.1)[0]:
                if ready is self.listener:
                    ours, theirs = ready.accept()[0], socket.create_connection(("127.0.0.1", self.target))
                    self.pairs[ours], self.pairs[theirs] = theirs, ours
                elif ready in self.pairs:
                    self.carry(ready)

    def carry(self, ready):
        try:
            data = ready.recv(65536)
            if data and not self.is_cut:
                self.pairs[ready].sendall(data)
        except OSError:
            data = b""
        if not data:
            other = self.pairs.pop(ready)
            self.pairs.pop(other, None)
            ready.close()
            other.close()

    def start(self):
        super().start()
        return self

    def stop(self):
        self.ended = True
        self.join(5)
        for one in [self.listener, *self.pairs]:
            one.close()


class Move(Scenario):
    """mainstay migrate."""

    def setUp(self):
        super().setUp()
        self.database = self.peer(Postgres(self.folder))

    def migrate(self, mainstay, source, target):
        return subprocess.run([*mainstay.binary, "migrate", "--from", str(source), "--to", str(target)],
                              capture_output=True, text=True, timeout=120)

    def test_everything_moves_to_postgres_and_back_and_the_root_is_the_same(self):
        mainstay = self.mainstay()
        mainstay.environment.pop("MAINSTAY_STORE", None)
        ann = first_person(mainstay)
        token = script_token(ann)
        incidents = [declare(ann, f"number {number}") for number in range(5)]
        url, home = self.database.database(), mainstay.data
        refused = self.migrate(mainstay, home, url)
        self.assertEqual((refused.returncode, "another Mainstay works in" in refused.stderr), (1, True), refused.stderr)
        mainstay.stop()
        before = verb(mainstay, "journal", "verify")
        moved = self.migrate(mainstay, home, url)
        self.assertEqual(moved.returncode, 0, moved.stderr)
        root = re.search(r"root ([0-9a-f]{64})", moved.stdout)[1]
        self.assertIn(root, before)
        again = self.migrate(mainstay, home, url)
        self.assertEqual((again.returncode, "is not empty" in again.stderr), (1, True), again.stderr)

        mainstay.environment["MAINSTAY_STORE"] = url
        mainstay.start()
        script = mainstay.client(token=token)
        self.assertEqual({row["id"] for row in script.items("incidents")}, set(incidents))
        more = script.post("incidents", {"title": "made on PostgreSQL"})["id"]
        refused = self.migrate(mainstay, url, self.folder / "home")
        self.assertEqual((refused.returncode, "another Mainstay leads" in refused.stderr), (1, True), refused.stderr)
        mainstay.stop()
        verb(mainstay, "journal", "rebuild")
        doctor = subprocess.run([*mainstay.binary, "doctor", "--data", str(home)], capture_output=True, text=True,
                                timeout=60, env=os.environ | mainstay.environment)
        self.assertRegex(doctor.stdout, r"ok    database +postgres://mainstay@127")
        self.assertRegex(doctor.stdout, r"ok    journal +\d+ events")
        verified(mainstay)

        back = self.migrate(mainstay, url, self.folder / "home")
        self.assertEqual(back.returncode, 0, back.stderr)
        (self.folder / "home" / "journal.key").write_bytes((home / "journal.key").read_bytes())
        mainstay.environment["MAINSTAY_STORE"] = ""
        del mainstay.environment["MAINSTAY_STORE"]
        mainstay.data = self.folder / "home"
        mainstay.start()
        self.assertEqual({row["id"] for row in mainstay.client(token=token).items("incidents")}, {*incidents, more})

    def test_a_backup_of_a_database_that_serves_comes_back_in_a_folder(self):
        url, home, file = self.database.database(), self.folder / "restored", self.folder / "house.backup"
        mainstay = self.mainstay(environment={"MAINSTAY_STORE": url})
        ann = first_person(mainstay)
        ann.client.put("session/password", {"password": "a long enough password"})
        incidents = {declare(ann, f"number {number}") for number in range(5)}
        read, write = os.pipe()
        os.write(write, b"correct horse battery staple\n" * 2)
        os.close(write)

        def run(*words):
            return subprocess.run([*mainstay.binary, *map(str, words)], capture_output=True, text=True, timeout=120,
                                  pass_fds=[read], env=os.environ | mainstay.environment)

        made = run("backup", "--data", mainstay.data, "--to", file, "--with-key", "--passphrase-fd", read)
        self.assertEqual(made.returncode, 0, made.stderr)
        looked = run("backup", "--verify", file)
        self.assertRegex(looked.stdout, r"ok: a whole backup of .* events")
        doctor = run("doctor", "--data", mainstay.data)
        self.assertRegex(doctor.stdout, r"ok    database +postgres://mainstay@127\S+, where server \S+ leads")
        self.assertRegex(doctor.stdout, r"ok    backup +the last is")
        mainstay.stop()

        back = run("restore", file, "--data", home, "--passphrase-fd", read)
        os.close(read)
        self.assertEqual(back.returncode, 0, back.stderr)
        del mainstay.environment["MAINSTAY_STORE"]
        mainstay.data = home
        mainstay.start()
        client = mainstay.client()
        client.post("session", {"email": ann.email, "password": "a long enough password"})
        self.assertEqual({row["id"] for row in client.items("incidents")}, incidents)
        mainstay.stop()
        verified(mainstay)

    def test_a_password_in_the_address_is_shown_nowhere(self):
        url = self.database.database().replace("mainstay@", "mainstay:hunter2@")
        mainstay = self.mainstay("--store", url)
        client = mainstay.signed_in()
        shown = client.get("settings")
        self.assertNotIn("hunter2", str(shown))
        self.assertNotIn("hunter2", "".join(line for _, line in mainstay.members()))
        self.assertNotIn("hunter2", mainstay.log(1000))

    def test_a_database_that_is_not_there_is_told_in_one_sentence(self):
        with self.assertRaises(AssertionError) as caught:
            self.mainstay("--store", "postgres://mainstay:hunter2@127.0.0.1:1/none")
        self.servers.clear()
        self.assertIn("could not connect to PostgreSQL", str(caught.exception))
        self.assertNotIn("hunter2", str(caught.exception))


class TwoServers(Scenario):
    """One leads, one stands by; the leader dies, hangs, or is cut off."""

    takes = 60

    def setUp(self):
        super().setUp()
        self.database = self.peer(Postgres(self.folder))
        self.url = self.database.database()
        self.relay = Relay(int(self.url.rpartition(":")[2].partition("/")[0])).start()
        self.addCleanup(self.relay.stop)
        self.nginx, self.hook = self.peer(Nginx(self.folder)), self.peer(Webhook())
        self.port = free_port()
        self.first = self.mainstay("--listen", f"127.0.0.1:{free_port()}", name="first",
                                   environment={"MAINSTAY_STORE": self.relay.url(self.url)})
        self.ann = first_person(self.first)
        notifications(self.ann)
        self.ann.forget_browser()
        self.ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        policy(self.ann, "default", [{"user": self.ann.email}], delay="1h")
        service(self.ann, "web", "default")
        self.token = script_token(self.ann)

    def second(self):
        """Another server with the same key, started while the first leads."""
        from mainstay import BINARY, Mainstay
        server = Mainstay(self.folder / "second", environment={"MAINSTAY_STORE": self.url}, binary=BINARY)
        server.data.mkdir(parents=True, mode=0o700)
        (server.data / "journal.key").write_bytes((self.first.data / "journal.key").read_bytes())
        (server.data / "journal.key").chmod(0o600)
        self.servers.append(server)
        self.addCleanup(self._finish, server)
        self.starting = threading.Thread(target=server.start, args=(120,), daemon=True)
        self.starting.start()
        wait_until(lambda: "standing by" in server.log(), 30, "the second to stand by")
        return server

    def taken_over(self, second, begun):
        wait_until(lambda: second.address, 60, "the second to serve")
        took = time.monotonic() - begun
        self.starting.join(10)
        self.assertLess(took, TAKE_OVER_SECONDS_MAX + NOISE_SECONDS)
        print(f"note test_postgres: taken over in {took:.1f} s")

    def server_pid(self, mainstay):
        return max(pid for pid, line in mainstay.members() if "server" in line)

    def the_page_goes_out_once_more_at_most(self, second, title="web is down"):
        ann = second.client(token=self.token)
        calls = wait_until(lambda: self.hook.good(), 30, "a page")
        counted = {}
        for call in calls:
            counted[call.json["page"]] = counted.get(call.json["page"], 0) + 1
        self.assertLessEqual(max(counted.values()), 2)
        return ann

    def test_a_leader_that_is_killed_is_replaced(self):
        second = self.second()
        told = declare(self.ann, "told to the first")
        begun = time.monotonic()
        self.first.kill9()
        self.taken_over(second, begun)
        script = second.client(token=self.token)
        self.assertIn(told, {row["id"] for row in script.items("incidents")})
        second.stop()
        verified(second)

    def test_a_leader_that_hangs_and_wakes_neither_commits_nor_sends(self):
        second = self.second()
        pids = [pid for pid, _ in self.first.members()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        self.taken_over(second, begun)
        script = second.client(token=self.token)
        script.post("incidents", {"title": "page after the take-over", "service": "web"})
        wait_until(self.hook.good, 30, "the page of the second")
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        # It finds out, begins anew and stands by; whatever it is told until then is refused.
        for _ in range(20):
            try:
                answer = self.first.client().request("POST", "session", {"email": "a@b", "password": "x"}, seconds=5)
                self.assertIn(answer.status, (401, 503))
            except OSError:
                pass
            time.sleep(0.1)
        wait_until(lambda: "standing by" in self.first.log(), 30, "the first to stand by")
        time.sleep(2)
        pages = [call.json["page"] for call in self.hook.good()]
        self.assertEqual(len(pages), len(set(pages)), "a page went out twice")
        self.assertEqual(psql(self.url, "SELECT count(*) FROM (SELECT page FROM page GROUP BY page HAVING count(*) > 1) t"),
                         ["0"])
        self.first.stop()
        second.stop()
        verified(second)

    def test_a_leader_that_is_cut_off_from_the_database_is_replaced(self):
        second = self.second()
        begun = time.monotonic()
        self.relay.is_cut = True
        self.taken_over(second, begun)
        script = second.client(token=self.token)
        script.post("incidents", {"title": "told to the second"})
        self.relay.is_cut = False
        wait_until(lambda: "standing by" in self.first.log(), 60, "the first to stand by")
        self.first.stop()
        second.stop()
        verified(second)


class Restarts(Scenario):
    """PostgreSQL crashes in mid-load, with fsync as in production."""

    takes = 40

    def test_a_database_that_crashes_under_load_loses_nothing_that_was_answered(self):
        database = self.peer(Postgres(self.folder, "fsync=on"))
        mainstay = self.mainstay(environment={"MAINSTAY_STORE": database.database()})
        ann = first_person(mainstay)
        stop = threading.Event()
        writers = [Writer(ann, seed, stop) for seed in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(4):
            time.sleep(2)
            database.stop("immediate")
            time.sleep(0.5)
            database.start()
        time.sleep(2)
        stop.set()
        for writer in writers:
            writer.join(60)
        self.assertEqual([writer.trouble for writer in writers], [None] * len(writers))
        titles = [row["title"] for row in ann.client.items("incidents?limit=200")]
        self.assertEqual(len(titles), len(set(titles)), "a request that was repeated by its key counted twice")
        for writer in writers:
            self.assertTrue(writer.declared)
            self.assertLessEqual(set(writer.declared), set(titles))
        mainstay.stop()
        verified(mainstay)
