"""soak.py: a day of work for one Mainstay, as fast or as slow as asked, and what it holds meanwhile.

A service that breaks and heals, people who read, write, err, undo and look on, pages that leave. Every answer is
looked at; memory and file descriptors of the server are sampled, and must stay what they were.
"""
import dataclasses
import http.client
import json
import pathlib
import random
import statistics
import threading
import time

import peers
from steps import fast_check, first_person, invite, notifications, policy, service

READERS = 4
SAMPLE_SECONDS = 0.5
FIFTH = 5  # the first fifth is warm-up: caches fill; of the rest the first and the last fifth are compared
KEPT_MAX = 500  # incidents that are open at most: more would be another test
LONG_SAMPLE_SECONDS = 5.0

READS = ("now", "incidents?limit=50", "incidents?state=open", "pages?limit=20", "alerts", "mutes", "users", "on-call",
         "schedules", "checks", "checks/web", "checks/web/series", "services", "journal?limit=20", "kinds",
         "definitions/Check", "session")
# What is refused, and how: (method, path, body, status).
BENT = (("GET", "/api/v1/incidents/999999999", None, 404), ("GET", "/api/v1/nowhere", None, 404),
        ("POST", "/api/v1/incidents", b'{"title": ', 400), ("POST", "/api/v1/incidents", b'{"titel": "x"}', 400),
        ("POST", "/api/v1/mutes", b"[]", 400), ("GET", "/l/" + "0" * 64, None, 404))
STATIC = ("/", "/healthz", "/readyz", "/api/v1/openapi.yaml")


@dataclasses.dataclass
class Sample:
    """What the server held at one moment."""

    requests: int
    anonymous_kib: int
    descriptors: int
    threads: int


def held(pid, requests):
    process = pathlib.Path("/proc") / str(pid)
    rows = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    return Sample(requests, int(rows["RssAnon"].split()[0]), len(list((process / "fd").iterdir())),
                  int(rows["Threads"]))


class Worker(threading.Thread):
    """One person with one connection that stays open."""

    def __init__(self, soak, person, seed):
        super().__init__(daemon=True)
        self.soak, self.person, self.random = soak, person, random.Random(seed)
        self.connection, self.done, self.trouble = None, 0, None
        self.open = []

    def run(self):
        try:
            while not self.soak.stop.is_set():
                self.act()
                if self.soak.pause_seconds:
                    self.soak.stop.wait(self.random.uniform(0, 2 * self.soak.pause_seconds))
        except Exception as error:  # told by who waits for the soak, on its thread
            self.trouble = error
            self.soak.stop.set()

    def ask(self, method, path, body=None, wanted=range(200, 300)):
        """One request; its answer is read to the end and must be as wanted."""
        if self.connection is None:
            self.connection = self.person.client.connection()
        headers = self.person.client.headers(method, {"Content-Type": "application/json"} if body else None)
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        text = answer.read()
        self.done += 1
        if answer.status not in wanted:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:300]!r}")
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return json.loads(text) if text and "json" in (answer.headers["Content-Type"] or "") else None

    def post(self, path, body, wanted=range(200, 300)):
        return self.ask("POST", f"/api/v1/{path}", json.dumps(body).encode(), wanted)

    def act(self):
        chance = self.random.random()
        if chance < 0.60:
            self.ask("GET", "/api/v1/" + self.random.choice(READS))
        elif chance < 0.70:
            self.ask("GET", self.random.choice(STATIC))
        elif chance < 0.78:
            method, path, body, status = self.random.choice(BENT)
            self.ask(method, path, body, (status,))
        elif chance < 0.785:
            self.look_on()
        else:
            self.write()

    def look_on(self):
        """Opens a live view and leaves."""
        stream = self.person.client.events()
        stream.wait()
        stream.close()
        self.done += 1

    def write(self):
        """Incidents come, are worked on, and go."""
        if len(self.open) < 3 or (len(self.open) < KEPT_MAX // READERS and self.random.random() < 0.05):
            self.open.append(self.post("incidents", {"title": f"soak {self.random.getrandbits(64):x}", "impact": "low",
                                                     "urgency": "low"})["id"])
            return
        incident = self.random.choice(self.open)
        chance = self.random.random()
        if chance < 0.6:
            self.post(f"incidents/{incident}/note", {"text": "n" * self.random.randrange(1, 2000)})
        elif chance < 0.8:
            self.post(f"incidents/{incident}/acknowledge", {})
        elif chance < 0.9:
            mute = self.post("mutes", {"kind": "service", "name": "web", "for": "15m", "reason": "soak"})
            self.ask("DELETE", f"/api/v1/mutes/{mute['id']}")
        else:
            self.open.remove(incident)
            self.post(f"incidents/{incident}/resolve", {})


class Soak:
    """The world, its people, and the samples."""

    def __init__(self, scenario, seed, pause_seconds=0.0):
        self.scenario, self.seed, self.pause_seconds = scenario, seed, pause_seconds
        self.stop = threading.Event()
        self.samples = []
        self.nginx = scenario.peer(peers.Nginx(scenario.folder))
        self.hook = scenario.peer(peers.Webhook())
        self.server = scenario.mainstay()
        ann = first_person(self.server)
        notifications(ann)
        ann.forget_browser()
        ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        policy(ann, "default", [{"user": ann.email}], delay="1h")
        service(ann, "web", "default")
        fast_check(ann, "web", self.nginx.url, service="web")
        self.people = [ann] + [invite(ann, self.server, f"P{number}") for number in range(1, READERS)]

    def server_pid(self):
        """The one that answers: it holds the most."""
        return max((pid for pid, _ in self.server.members()), key=lambda pid: held(pid, 0).threads)

    def flip(self):
        chance = random.Random(self.seed)
        while not self.stop.wait(chance.uniform(2, 6) + 10 * self.pause_seconds):
            self.nginx.serve(*((503, "broken") if self.nginx.status == 200 else (200, "well")))

    def run(self, requests=None, seconds=None, tell=None):
        """Until so many requests were answered or so much time is over."""
        workers = [Worker(self, person, self.seed + n) for n, person in enumerate(self.people)]
        flipper = threading.Thread(target=self.flip, daemon=True)
        pid, begun = self.server_pid(), time.monotonic()
        for thread in [*workers, flipper]:
            thread.start()
        try:
            while not self.stop.wait(SAMPLE_SECONDS if not tell else LONG_SAMPLE_SECONDS):
                done = sum(worker.done for worker in workers)
                self.samples.append(held(pid, done))
                if tell:
                    tell(self.samples[-1], time.monotonic() - begun)
                if (requests and done >= requests) or (seconds and time.monotonic() - begun >= seconds):
                    break
        finally:
            self.stop.set()
            for thread in [*workers, flipper]:
                thread.join(60)
        for worker in workers:
            if worker.trouble:
                raise worker.trouble
        assert pid == self.server_pid(), "the server is another process than at the beginning"

    def growth(self):
        """KiB and descriptors that came between the first fifth after the warm-up and the last."""
        rows = self.samples[len(self.samples) // FIFTH:]
        part = max(1, len(rows) // FIFTH)
        early, late = rows[:part], rows[-part:]

        def middle(samples, name):
            return statistics.median(getattr(sample, name) for sample in samples)
        return tuple(middle(late, name) - middle(early, name) for name in ("anonymous_kib", "descriptors"))

    def told(self):
        first, last = self.samples[len(self.samples) // FIFTH], self.samples[-1]
        kib, descriptors = self.growth()
        return (f"{last.requests} requests: {first.anonymous_kib} KiB and {first.descriptors} descriptors after the "
                f"warm-up, {last.anonymous_kib} KiB and {last.descriptors} at the end; "
                f"{kib:+.0f} KiB and {descriptors:+.0f} descriptors from the first fifth to the last")

