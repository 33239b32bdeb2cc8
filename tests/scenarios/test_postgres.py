"""PostgreSQL as the store: moving there and back, servers that stand by, a database that goes away.

Real servers, a real PostgreSQL, and a relay that cuts one server off from it.
"""
import collections
import contextlib
import functools
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

from mainstay import BINARY, Mainstay, Scenario, wait_until
from peers import Nginx, Webhook, certificate, free_port
from postgres import Postgres, make_database, psql
from steps import Person, declare, fast_check, first_person, notifications, policy, service, verb, verified
from test_kill import UNDER_WAY_MAX, Writer, in_seconds
from world import in_time

TAKE_OVER_SECONDS_MAX = 10
STOP_SECONDS_MAX = 25


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

    def test_a_password_with_signs_of_an_address_is_shown_nowhere(self):
        url = self.database.database()
        coded = url.replace("mainstay@", "mainstay:hun%40ter2%2Fx@")
        mainstay = self.mainstay("--store", coded)
        doctor = subprocess.run([*mainstay.binary, "doctor", "--data", str(mainstay.data), "--store", coded],
                                capture_output=True, text=True, timeout=60)
        shown = (str(mainstay.signed_in().get("settings")) + "".join(line for _, line in mainstay.members()) +
                 mainstay.log(1000) + doctor.stdout + doctor.stderr)
        mainstay.stop()
        self.assertIn("postgres://mainstay@127.0.0.1", shown)
        # As it is: libpq would take a part of it for the host.
        raw = subprocess.run([*mainstay.binary, "serve", "--data", str(self.folder / "raw"), "--store",
                              url.replace("mainstay@", "mainstay:hun@ter2/x@")], capture_output=True, text=True, timeout=60)
        self.assertEqual((raw.returncode, "write @ as %40" in raw.stderr), (2, True), raw.stderr)
        for part in ("hun", "ter2"):
            self.assertNotIn(part, shown + raw.stdout + raw.stderr)

    def test_a_database_that_is_not_there_is_told_in_one_sentence(self):
        with self.assertRaises(AssertionError) as caught:
            self.mainstay("--store", "postgres://mainstay:hunter2@127.0.0.1:1/none")
        self.servers.clear()
        self.assertIn("could not connect to PostgreSQL", str(caught.exception))
        self.assertNotIn("hunter2", str(caught.exception))


class Servers(Scenario):
    """Several on one database: one leads, the others hand on to it and look for it."""

    secured = {}  # settings of each, as environment

    def setUp(self):
        super().setUp()
        self.database = self.peer(Postgres(self.folder))
        self.url = self.database.database()
        self.relay = Relay(int(self.url.rpartition(":")[2].partition("/")[0])).start()
        self.addCleanup(self.relay.stop)
        self.hook = self.peer(Webhook())
        self.first = self.mainstay("--listen", f"127.0.0.1:{free_port()}", name="first",
                                   environment={"MAINSTAY_STORE": self.relay.url(self.url)} | self.secured)
        self.ann = first_person(self.first)
        notifications(self.ann)
        self.ann.forget_browser()
        self.ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        policy(self.ann, "default", [{"user": self.ann.email}], delay="1h")
        service(self.ann, "web", "default")
        self.token = script_token(self.ann)

    def another(self, name="second", **more):
        """One more server with the same key, on the database itself; it stands by and serves."""
        environment = {"MAINSTAY_STORE": self.url} | self.secured | more
        server = Mainstay(self.folder / name, environment=environment, binary=BINARY)
        server.data.mkdir(parents=True, mode=0o700)
        (server.data / "journal.key").write_bytes((self.first.data / "journal.key").read_bytes())
        (server.data / "journal.key").chmod(0o600)
        self.servers.append(server)
        self.addCleanup(self._finish, server)
        server.start(60)
        self.assertIn("standing by", server.log())
        wait_until(lambda: self.leader_part(server)["ok"], 10, "it to know who leads")
        return server

    def stopped(self, server):
        """All of its processes hang from now on, until woken; at the latest by the end of the test."""
        pids = [pid for pid, _ in server.members()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.wake, pids)
        return pids

    @staticmethod
    def wake(pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @staticmethod
    def leader_part(server):
        parts = server.client().request("GET", "/readyz", seconds=5).json["parts"]
        return next(part for part in parts if part["name"] == "leader")

    def leads(self, server):
        return self.leader_part(server)["detail"].startswith("this server leads")

    def name(self, server):
        return re.search(r"this server leads: (\S+),", self.leader_part(server)["detail"])[1]


class OverTls(Servers):
    """What servers tell each other is encrypted, and only who is trusted hears it."""

    takes = 15

    @functools.cached_property
    def secured(self):
        cert, key = certificate(self.folder / "tls")
        return {"MAINSTAY_TLS_CERT": str(cert), "MAINSTAY_TLS_KEY": str(key), "MAINSTAY_CA_FILE": str(cert)}

    def test_servers_with_certificates_of_their_own_authority_hand_on_and_share_checks(self):
        nginx = self.peer(Nginx(self.folder))
        names = [f"web-{number}" for number in range(6)]
        for name in names:
            fast_check(self.ann, name, nginx.url, service="web")
        second = self.another()
        here = second.client(token=self.token)
        made = here.post("incidents", {"title": "told to the second"})["id"]
        self.assertEqual(self.first.client(token=self.token).get(f"incidents/{made}")["title"], "told to the second")

        def lookers():
            return {here.get(f"checks/{name}/results")["items"][0]["node"] for name in names}
        wait_until(lambda: len(lookers()) == 2, 20, "both to look")

    def test_a_server_that_does_not_trust_the_leader_tells_it_nothing(self):
        other, _ = certificate(self.folder / "other")
        client = self.another(MAINSTAY_CA_FILE=str(other)).client(token=self.token)
        refused = client.request("POST", "incidents", {"title": "not for strangers"})
        self.assertIn(refused.status, (502, 503), refused)
        titles = [row["title"] for row in self.first.client(token=self.token).get("incidents")["items"]]
        self.assertNotIn("not for strangers", titles)

    def test_a_file_without_authorities_is_refused_at_the_start(self):
        (self.folder / "none.pem").write_text("nothing\n")
        done = subprocess.run([BINARY, "serve", "--data", self.folder / "x", "--ca-file", self.folder / "none.pem"],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("none.pem", done.stderr)


class HandingOn(Servers):
    """What a server that does not lead answers."""

    takes = 25

    def test_what_is_asked_of_a_server_that_does_not_lead_is_answered_by_the_one_that_leads(self):
        second = self.another()
        here, there = second.client(token=self.token), self.first.client(token=self.token)
        made = here.post("incidents", {"title": "told to the second"}, headers={"Idempotency-Key": "k1"})["id"]
        again = there.post("incidents", {"title": "told to the second"}, headers={"Idempotency-Key": "k1"})["id"]
        self.assertEqual(made, again, "the key went with it")
        self.assertEqual(here.get(f"incidents/{made}")["title"], "told to the second")
        # A person with a browser: cookie, CSRF token and password as anywhere.
        self.ann.client.put("session/password", {"password": "a long enough password"})
        browser = second.client()
        browser.sign_in_with_password(self.ann.email, "a long enough password")
        browser.post(f"incidents/{made}/acknowledge")
        refused = browser.request("POST", f"incidents/{made}/resolve", {}, headers={"X-Mainstay-CSRF": "wrong"})
        self.assertEqual(refused.status, 403)
        # An edit that is based on what was there before.
        answer = browser.request("GET", "definitions/Service/web")
        edited = {"spec": answer.json["spec"] | {"about": "edited by way of the second"}}
        first = browser.request("PUT", "definitions/Service/web", edited, headers={"If-Match": answer.headers["ETag"]})
        late = browser.request("PUT", "definitions/Service/web", edited, headers={"If-Match": answer.headers["ETag"]})
        self.assertEqual((first.status, late.status), (200, 412), first)
        # Live views, files, what is not there, what is refused.
        stream = browser.events()
        told = there.post("incidents", {"title": "seen by the second"})["id"]
        stream.wait(lambda event: str(told) in event["data"], 10)
        stream.close()
        self.assertEqual(here.request("GET", "/").headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual([here.request("GET", path).status for path in ("nothing", "/healthz", "/readyz")], [404, 200, 200])
        self.assertEqual(second.client().request("GET", "incidents").status, 401)
        # What is announced is too much: refused before any of it is sent.
        announced = here.headers("POST", {"Content-Type": "application/json", "Content-Length": "3000000"})
        connection = here.connection()
        connection.request("POST", here.path("incidents"), headers=announced)
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()
        with contextlib.suppress(OSError):  # refused while it is sent: the answer may be lost, and nothing is kept
            here.request("POST", "incidents", {"title": "x" * 3_000_000})
        self.assertNotIn("xxx", here.request("GET", "incidents").text)

    def test_the_leader_is_told_whom_a_request_comes_from_and_believes_nobody_else(self):
        second = self.another()
        # The key of the house seals what a server says; anybody can write the header.
        for sealed in ("second 1 192.0.2.1 1 1 " + 64 * "0", "nonsense"):
            for server in (self.first, second):
                answer = server.client().request("GET", "now", headers={"Mainstay-Node": sealed})
                self.assertEqual(answer.status, 403)
            self.assertEqual(second.client(contract=None).request(
                "POST", "/node/look", {"check": "web", "revision": 1}, headers={"Mainstay-Node": sealed}).status, 403)
        self.assertEqual(second.client(contract=None).request("POST", "/node/look", {"check": "web", "revision": 1}).status,
                         403)
        # Alerts without a token are taken on loopback, on either server.
        alert = [{"labels": {"alertname": "Disk"}}]
        statuses = [server.client().request("POST", "/api/v2/alerts", alert).status for server in (self.first, second)]
        self.assertEqual(statuses, [200, 200])
        for headers in ({"X-Forwarded-For": "192.0.2.1"}, {"Origin": "http://evil.example"}):
            self.assertEqual(second.client().request("POST", "/api/v2/alerts", alert, headers=headers).status, 401)
        # Who guesses passwords by way of the second is slowed as the same address.
        guesses = [second.client().request("POST", "session", {"email": "x@example.org", "password": "wrong"}).status
                   for _ in range(12)]
        self.assertIn(429, guesses)
        self.assertEqual(self.first.client().request("POST", "session", {"email": "x@example.org", "password": "w"}).status, 429)

    def test_a_server_with_another_key_does_not_stand_by(self):
        # Everything it handed on would be refused: it says so and ends, instead of being ready.
        done = subprocess.run([*self.first.binary, "serve", "--data", str(self.folder / "stranger"), "--store", self.url,
                               "--listen", f"127.0.0.1:{free_port()}"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("signed by another key", done.stderr)
        self.assertIn("copy journal.key", done.stderr)
        self.assertNotIn("listening", done.stdout)

    def test_while_nobody_leads_a_change_is_refused_with_when_to_come_again(self):
        second = self.another()
        self.first.kill9()
        client, refused = second.client(token=self.token), 0
        end = time.monotonic() + 30
        while time.monotonic() < end:
            answer = client.request("POST", "incidents", {"title": "as soon as it can be"},
                                    headers={"Idempotency-Key": "soon"})
            if answer.status == 201:
                break
            self.assertEqual((answer.status, answer.headers["Retry-After"], answer.headers["Content-Type"]),
                             (503, "1", "application/problem+json"))
            refused += 1
            time.sleep(0.1)
        self.assertEqual(answer.status, 201)
        self.assertGreater(refused, 0)
        self.assertEqual([row["title"] for row in client.items("incidents")], ["as soon as it can be"])


class TakeOver(Servers):
    """The leader dies, hangs, or is cut off, while people write by way of the other."""

    takes = 50

    def taken_over(self, second, begun):
        wait_until(lambda: self.leads(second), 60, "the second to lead")
        took = time.monotonic() - begun
        print(f"note test_postgres: taken over in {took:.1f} s")
        self.assertLess(took, TAKE_OVER_SECONDS_MAX)

    def people(self, second):
        """Two who write through the second all the time; given up when the test says."""
        self.stop = threading.Event()
        writers = []
        for seed in range(2):
            script = Person(second.client(token=self.token), {"id": 0, "name": f"writer {seed}", "email": ""})
            writers.append(Writer(script, seed, self.stop))
            writers[-1].start()
        self.addCleanup(self.stop.set)
        return writers

    def nothing_answered_is_missing(self, second, writers):
        time.sleep(1)
        self.stop.set()
        for writer in writers:
            writer.join(60)
        self.assertEqual([writer.trouble for writer in writers], [None] * len(writers))
        script = second.client(token=self.token)
        titles = [row["title"] for row in script.items("incidents?limit=200")]
        self.assertEqual(len(titles), len(set(titles)), "a request that was repeated by its key counted twice")
        for writer in writers:
            self.assertTrue(writer.declared)
            self.assertLessEqual(set(writer.declared), set(titles))

    def page_by(self, server):
        server.client(token=self.token).post("incidents", {"title": "page after the take-over", "service": "web"})
        wait_until(self.hook.good, 30, "the page of the one that leads")

    def pages_out(self):
        return [call.json["page"] for call in self.hook.good()]

    def pages_went_out_once(self):
        """But for what was on its way when the leader was lost: whether that arrived it could not tell any more."""
        counts = collections.Counter(self.pages_out())
        self.assertLessEqual(max(counts.values()), 2)
        self.assertLessEqual(sum(count == 2 for count in counts.values()), UNDER_WAY_MAX)

    def ended(self, *servers):
        for server in servers:
            server.stop()
        verified(servers[-1])

    def test_a_leader_that_is_killed_is_replaced(self):
        second = self.another()
        writers = self.people(second)
        told = declare(self.ann, "told to the first")
        time.sleep(1)
        begun = time.monotonic()
        self.first.kill9()
        self.taken_over(second, begun)
        self.page_by(second)
        self.nothing_answered_is_missing(second, writers)
        self.assertIn(told, {row["id"] for row in second.client(token=self.token).items("incidents")})
        self.pages_went_out_once()
        self.ended(second)

    def test_a_leader_that_hangs_and_wakes_neither_commits_nor_sends(self):
        second = self.another()
        writers = self.people(second)
        time.sleep(1)
        pids = self.stopped(self.first)
        begun = time.monotonic()
        self.taken_over(second, begun)
        self.page_by(second)
        before = set(self.pages_out())
        self.wake(pids)
        # Whatever it is told before it has found out is refused; then it stands by, and hands on.
        key = 0
        for _ in range(30):
            key += 1
            try:
                answer = self.first.client(token=self.token).request(
                    "POST", "incidents", {"title": f"told to who woke {key}"}, headers={"Idempotency-Key": f"w{key}"}, seconds=5)
                self.assertIn(answer.status, (201, 503))
                if answer.status == 201:
                    self.assertIn(answer.json["id"], {row["id"] for row in
                                                      second.client(token=self.token).items("incidents?limit=200")})
            except OSError:
                pass
            time.sleep(0.1)
        wait_until(lambda: "standing by" in self.first.log(1000), 30, "the first to stand by")
        self.assertIn("another server leads by now", self.first.log(1000))
        wait_until(lambda: "hands on" in self.leader_part(self.first)["detail"], 30, "the first to hand on")
        self.nothing_answered_is_missing(second, writers)
        self.pages_went_out_once()
        counts = collections.Counter(self.pages_out())
        self.assertEqual({page for page in counts if page not in before and counts[page] > 1}, set(),
                         "who woke sent a page that the other sends")
        self.ended(self.first, second)

    def test_a_leader_that_is_cut_off_from_the_database_is_replaced(self):
        nginx = self.peer(Nginx(self.folder))
        fast_check(self.ann, "web-check", nginx.url, service="web")
        second = self.another()
        writers = self.people(second)
        time.sleep(1)
        begun = time.monotonic()
        self.relay.is_cut = True
        self.taken_over(second, begun)
        self.page_by(second)
        # Both see that it is down; the one that leads pages, the other not even by the last resort.
        nginx.stop()
        wait_until(lambda: any(row["service"] == "web" for row in
                               second.client(token=self.token).items("incidents?state=open&limit=200")), 30, "an incident")
        time.sleep(10)
        sent = {str(call.json.get("page")) for call in self.hook.good()}
        self.assertEqual(sent - set(psql(self.url, "SELECT id FROM page")), set())
        # It cannot know who leads; it answers no change as if it had been stored.
        try:
            answer = self.first.client(token=self.token).request("POST", "incidents", {"title": "lost"}, seconds=10)
            self.assertEqual(answer.status, 503)
        except OSError:
            pass
        self.relay.is_cut = False
        wait_until(lambda: "standing by" in self.first.log(1000), 60, "the first to stand by")
        wait_until(lambda: "hands on" in self.leader_part(self.first)["detail"], 30, "the first to hand on")
        self.nothing_answered_is_missing(second, writers)
        self.assertNotIn("lost", {row["title"] for row in second.client(token=self.token).items("incidents?limit=200")})
        self.pages_went_out_once()
        self.ended(self.first, second)

    def test_a_leader_that_is_cut_off_ends_all_the_same(self):
        self.relay.is_cut = True
        time.sleep(1)
        os.kill(self.first.process.pid, signal.SIGTERM)
        self.first.process.wait(STOP_SECONDS_MAX)
        self.assertIn("did not end in time and is killed", self.first.log(1000))
        self.relay.is_cut = False
        self.first.kill9()
        self.first.start(60)
        self.assertTrue(self.leads(self.first))


class Share(Servers):
    """Each server looks at its share of the checks; what one owes moves when it dies."""

    takes = 35

    def test_checks_are_shared_and_move_when_a_server_dies(self):
        nginx = self.peer(Nginx(self.folder))
        names = [f"web-{number}" for number in range(12)]
        for name in names:
            fast_check(self.ann, name, nginx.url, service="web")
        second = self.another()
        client = self.first.client(token=self.token)
        admin = self.ann.client

        def shares():
            rows = admin.get("settings")["servers"]["items"]
            return {row["name"]: row["checks"] for row in rows}

        def lookers():
            return {name: client.get(f"checks/{name}/results")["items"][0]["node"] for name in names}

        own = self.name(self.first)
        wait_until(lambda: len(shares()) == 2 and min(shares().values()) >= 1 and sum(shares().values()) == 12, 20,
                   "both to look")
        other = next(name for name in shares() if name != own)
        time.sleep(2.5)  # a round after both were seen: each was looked at by whose share it is
        print(f"note test_postgres: shares {sorted(shares().values())} of {len(names)}")
        owned = {name for name, node in lookers().items() if node == other}
        self.assertTrue(0 < len(owned) < len(names), owned)
        self.assertEqual(owned, {name for name, node in lookers().items() if node == other}, "a share stays what it is")
        # Each is looked at once a round, by one: nginx counts.
        before, begun = len(nginx.requests()), time.monotonic()
        time.sleep(5)
        rounds = (time.monotonic() - begun) / 1.0
        self.assertLess((len(nginx.requests()) - before) / len(names), rounds + 2)
        # It breaks: both see it, one incident is opened for each, by the one that leads.
        nginx.stop()
        wait_until(lambda: {row["state"] for row in client.items("checks")} == {"down"}, 30, "all to be down")
        nginx.start()
        wait_until(lambda: {row["state"] for row in client.items("checks")} == {"up"}, 30, "all to be up")
        # It dies; it hangs.
        second.kill9()
        begun = time.monotonic()
        wait_until(lambda: set(lookers().values()) == {None}, 30, "its checks to move")
        self.assertLess(time.monotonic() - begun, TAKE_OVER_SECONDS_MAX)
        second.start(60)
        wait_until(lambda: {name for name, node in lookers().items() if node} == owned, 30, "its checks to come back")
        begun = time.monotonic()
        pids = self.stopped(second)
        since = time.time()

        def all_lately():
            rows = [client.get(f"checks/{name}/results")["items"][0] for name in names]
            return all(row["node"] is None and in_seconds(row["at"]) > since for row in rows)

        wait_until(all_lately, 30, "its checks to move")
        took = time.monotonic() - begun
        print(f"note test_postgres: the checks of one that hangs moved in {took:.1f} s")
        self.assertLess(took, TAKE_OVER_SECONDS_MAX)
        self.assertEqual({row["state"] for row in client.items("checks")}, {"up"})
        self.wake(pids)
        second.stop()
        wait_until(lambda: other not in shares(), 10, "it to be seen no more, because it said so")


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
