"""kill -9 at random points: what was answered is recorded, what was recorded is sent, and it is soon there again.

Three people write without pause, a check flips, pages go out, and thirty times a process is killed. The
seed is printed; MAINSTAY_SEED repeats it.
"""
import collections
import datetime
import os
import random
import signal
import statistics
import threading
import time
import uuid

import postgres
from mainstay import BINARY, Scenario, wait_until
from peers import Nginx, Webhook, free_port
from steps import fast_check, first_person, invite, notifications, policy, service, verified

LONG = int(os.environ.get("MAINSTAY_KILL_ROUNDS") or 0)  # tools/kill-long: so many, and the receiver fails meanwhile
ROUNDS = LONG or (20 if postgres.ENGINE == "postgres" else 30)
TROUBLES = ((500,), ("reset",), ("close",), ("429 1",), ("slow 1",), (500, "reset"))
VERIFY_EVERY = 10
LIFE_SECONDS = (0.1, 1.9)  # how long a server lives before it is killed
READY_MS_MAX = 300         # the median of all kills of the server
SANITIZED_SLOWER = 4       # with sanitizers, on a machine that does other things: the promise is for a release
SLOWER_THAN_ORDINARY = 4   # than the first start, with nothing to recover and nobody who asks
WRITE_PAUSE_SECONDS = (0.02, 0.12)
SETTLE_SECONDS = 180 if LONG else 40  # after the last kill: everything that waits goes out, retries too
UNDER_WAY_MAX = 8          # LANE_CONTACT_MAX: sends to one contact whose results are not stored
LATE_SECONDS = 1           # a busy receiver notes what came later than it came
ANSWER_SECONDS_MAX = 60    # a person repeats a request that long


def in_seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Writer(threading.Thread):
    """A person who declares, writes notes and acknowledges, and repeats what was not answered."""

    def __init__(self, person, seed, stop):
        super().__init__(daemon=True)
        self.person, self.random, self.stop = person, random.Random(seed), stop
        self.declared, self.noted, self.acknowledged = {}, {}, set()  # what was answered 2xx
        self.trouble = None
        self.repeats = 0

    def run(self):
        try:
            while not self.stop.is_set():
                self.act()
                self.stop.wait(self.random.uniform(*WRITE_PAUSE_SECONDS))
        except Exception as error:  # told by the scenario, on its thread
            self.trouble = error

    def act(self):
        what = self.random.random()
        key = str(uuid.UUID(int=self.random.getrandbits(128)))
        if what < 0.4 or not self.declared:
            title = f"{self.person.name} {key}"
            self.declared[title] = self.ask("incidents", {"title": title}, key)["id"]
            return
        incident = self.random.choice(list(self.declared.values()))
        if what < 0.8:
            text = f"{self.person.name} {key}"
            self.noted[text] = incident, self.ask(f"incidents/{incident}/note", {"text": text}, key)["seq"]
        else:
            self.ask(f"incidents/{incident}/acknowledge", {}, key)
            self.acknowledged.add(incident)

    def ask(self, path, body, key):
        """The same request with the same key until it is answered: what a careful client does."""
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            try:
                answer = self.person.client.request("POST", path, body, headers={"Idempotency-Key": key},
                                                    seconds=10)
                if 200 <= answer.status < 300:
                    return answer.json
                if answer.status != 503:
                    raise AssertionError(f"POST {path}: {answer}")
            except OSError:
                pass
            except Exception as error:
                if type(error).__module__ != "http.client":
                    raise
            self.repeats += 1
            if time.monotonic() > end:
                raise AssertionError(f"POST {path} was not answered in {ANSWER_SECONDS_MAX} s")
            time.sleep(0.05)


class Kill(Scenario):
    """No moment is a bad moment to be killed."""

    takes = 50  # seconds, about: what takes long begins first

    def server_pid(self):
        """The server: a child of the supervisor that is not the one which runs commands."""
        for pid, _ in self.mainstay_.members():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    name, rest = file.read().split(")", 1)
                if int(rest.split()[1]) == self.mainstay_.process.pid and "hand" not in name:
                    return pid
            except (OSError, ValueError):
                continue
        raise LookupError("there is no server now")

    def ready(self):
        return self.mainstay_.client().request("GET", "/readyz", seconds=2).status == 200

    def kill_server(self):
        """kill -9 of the server; how many milliseconds until it is ready again."""
        old = wait_until(self.server_pid, 10, "a server to kill")
        begun = time.monotonic()
        os.kill(old, signal.SIGKILL)
        self.crashes.append(time.time())
        while True:
            try:
                if self.ready() and self.server_pid() != old:
                    return (time.monotonic() - begun) * 1000
            except Exception as error:
                if time.monotonic() - begun > 20:
                    raise AssertionError(f"not ready again: {error!r}\n{self.mainstay_.log()}") from error
            time.sleep(0.01)

    def kill_everything(self, only_supervisor):
        """The supervisor alone (its server must end with it), or all at once; then the service manager starts it."""
        if only_supervisor:
            self.mainstay_.process.kill()
            wait_until(lambda: len(self.mainstay_.members()) <= 1, 10, "the server to end with its supervisor")
            self.mainstay_._reap()
        else:
            self.mainstay_.kill9()
        self.crashes.append(time.time())

    def flip(self, stop, seed):
        """The watched service breaks and heals."""
        chance = random.Random(seed)
        while not stop.wait(chance.uniform(1.0, 2.5)):
            self.nginx.serve(*((503, "broken") if self.nginx.status == 200 else (200, "well")))

    def set_up_world(self):
        self.nginx, self.hook = self.peer(Nginx(self.folder)), self.peer(Webhook())
        # A port of its own: who starts it again finds nothing but the command line.
        begun = time.monotonic()
        self.mainstay_ = self.mainstay("--listen", f"127.0.0.1:{free_port()}")
        self.ordinary_ms = (time.monotonic() - begun) * 1000
        ann = first_person(self.mainstay_)
        notifications(ann)
        ann.forget_browser()
        ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        policy(ann, "default", [{"user": ann.email}], delay="1h")
        service(ann, "web", "default")
        fast_check(ann, "web", self.nginx.url, service="web")
        return [ann, invite(ann, self.mainstay_, "Bob"), invite(ann, self.mainstay_, "Cid")]

    def test_thirty_kills_lose_nothing_that_was_answered_and_no_page(self):
        seed = int(os.environ.get("MAINSTAY_SEED") or random.SystemRandom().getrandbits(32))
        chance = random.Random(seed)
        print(f"note test_kill: seed {seed}")
        people = self.set_up_world()
        self.crashes, took = [], []
        stop = threading.Event()
        writers = [Writer(person, seed + i, stop) for i, person in enumerate(people)]
        flipper = threading.Thread(target=self.flip, args=(stop, seed), daemon=True)
        for thread in [*writers, flipper]:
            thread.start()
        try:
            for number in range(1, ROUNDS + 1):
                if LONG and chance.random() < 0.5:
                    self.hook.behave(*chance.choice(TROUBLES))
                time.sleep(chance.uniform(*LIFE_SECONDS))
                if number % VERIFY_EVERY and chance.random() < 0.85:
                    took.append(self.kill_server())
                else:
                    self.kill_everything(only_supervisor=number % VERIFY_EVERY != 0)
                    if number % VERIFY_EVERY == 0:
                        verified(self.mainstay_)
                    self.mainstay_.start()
                self.assertEqual([w.trouble for w in writers], [None] * len(writers))
        finally:
            stop.set()
            for thread in [*writers, flipper]:
                thread.join(ANSWER_SECONDS_MAX + 20)
        self.assertEqual([w.trouble for w in writers], [None] * len(writers))
        print(f"note test_kill: ready again after {statistics.median(took):.0f} ms (median of {len(took)}), "
              f"{max(took):.0f} ms at most; {sum(len(w.declared) + len(w.noted) for w in writers)} changes "
              f"answered, {sum(w.repeats for w in writers)} requests repeated")
        self.check_records(people[0], writers)
        self.check_pages(people[0])
        self.mainstay_.stop()
        verified(self.mainstay_)
        sanitized = b"__asan_init" in BINARY.read_bytes()
        if postgres.ENGINE == "sqlite":  # the promise is for the embedded store
            # Where an ordinary start is slow, as on a machine with ten other things to do, this one may be as well.
            self.assertLess(statistics.median(took), max(READY_MS_MAX * (SANITIZED_SLOWER if sanitized else 1),
                                                         SLOWER_THAN_ORDINARY * self.ordinary_ms))

    def check_records(self, ann, writers):
        """Everything that was answered is there, once."""
        titles = collections.Counter()
        for row in ann.client.items("incidents?limit=200"):
            titles[row["title"]] += 1
        notes = {event["seq"]: event["payload"] for event in ann.client.items("journal?kind=incident.noted&limit=200")}
        texts = collections.Counter(payload["text"] for payload in notes.values())
        taken = {event["subject"] for event in ann.client.items("journal?kind=incident.acknowledged&limit=200")}
        for writer in writers:
            self.assertTrue(writer.declared and writer.noted and writer.acknowledged)
            for title in writer.declared:
                self.assertEqual(titles[title], 1, f"\"{title}\" was answered 2xx")
            for text, (incident, seq) in writer.noted.items():
                self.assertEqual((texts[text], notes[seq]["text"], notes[seq]["incident"]), (1, text, incident))
            for incident in writer.acknowledged:
                self.assertIn(f"incident/{incident}", taken)

    def check_pages(self, ann):
        """Every page reached the sink unless it was cancelled; it left once, and once more for each crash meanwhile."""
        last = "up" if self.nginx.status == 200 else "down"
        wait_until(lambda: ann.client.get("checks/web")["state"] == last, 15, f"the check to be {last}, as it stays")

        def settled():
            rows = ann.client.items("pages?state=queued,sending&limit=200")
            self.assertEqual(rows, [])
            return True
        wait_until(settled, SETTLE_SECONDS, "every page to leave or be cancelled")
        rows = {row["id"]: row for row in ann.client.items("pages?limit=200")}
        calls = collections.defaultdict(list)
        for call in self.hook.good():
            calls[call.json["page"]].append(call.at)
            self.assertEqual(rows[call.json["page"]]["incident"], call.json["incident"], "as it is in the record")
        self.assertEqual(self.hook.refused(), [])
        for number, row in rows.items():
            if row["state"] != "cancelled":
                self.assertEqual((row["state"], len(calls[number]) > 0), ("sent", True), row)
        recorded = {event["payload"]["page"]: in_seconds(event["recorded_time"])
                    for event in ann.client.items("journal?kind=page.attempted&limit=200")
                    if event["payload"]["state"] == "sent"}
        repeats = collections.Counter()  # by the crash that made it necessary
        for number, times in calls.items():
            # Exactly: what is recorded as sent never leaves again, and between two sends of one page lies a crash.
            self.assertLessEqual(max(times), recorded[number], f"page {number} left after it was recorded as sent")
            for first, second in zip(times, times[1:]):
                between = [at for at in self.crashes if first - LATE_SECONDS <= at <= second]
                self.assertTrue(between, f"page {number} went out twice without a crash: {times}")
                repeats[between[-1]] += 1
            died = [at for at in self.crashes if times[0] - LATE_SECONDS <= at <= recorded[number]]
            self.assertLessEqual(len(times), 1 + len(died), f"page {number}: {times}, crashes at {died}")
        print(f"note test_kill: {len(rows)} pages, {sum(repeats.values())} of them went out again over "
              f"{len(self.crashes)} crashes; {max(repeats.values(), default=0)} at most after one crash")
        # One contact: what one crash can repeat is what may be under way to it.
        self.assertLessEqual(max(repeats.values(), default=0), UNDER_WAY_MAX)
