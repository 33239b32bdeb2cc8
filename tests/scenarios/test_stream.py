"""The event stream: what is committed is told to everybody who may know, at once, in order, and again after a gap."""
import json
import statistics
import threading
import time

from world import Shared, wait_until

STREAMS = 7
CHANGES = 25
P95_MS_MAX = 300
ROUNDS = 3  # a machine that does much else gets another chance


class Stream(Shared):
    def open(self, client=None, **more):
        stream = (client or self.admin).events(**more)
        self.addCleanup(stream.close)
        return stream

    @staticmethod
    def about(incident):
        return lambda event: f'"incident/{incident}"' in event["data"]

    def test_the_first_event_says_where_the_stream_stands(self):
        seq = self.world.last_seq()
        hello = self.open().wait()
        self.assertEqual(hello["event"], "hello")
        self.assertGreaterEqual(json.loads(hello["data"])["seq"], seq)

    def test_a_stream_resumes_after_the_last_seen_without_a_hole_or_a_repeat(self):
        stream = self.open()
        stream.wait()
        seen = stream.wait(self.about(self.world.incident()["id"]))
        stream.close()
        made = [self.world.incident()["id"] for _ in range(5)]
        again = self.open(last_id=seen["id"])
        again.wait(self.about(made[-1]))
        last = self.world.incident()
        again.wait(lambda event: self.about(last["id"])(event) and event["event"] == "incident.opened")
        told = [int(event["id"]) for event in again.seen if event["event"] not in ("hello", "page.queued")]
        self.assertEqual(told, sorted(set(told)), "not in order, or twice")
        wanted = [row["seq"] for row in self.admin.items("journal?limit=200") if int(seen["id"]) < row["seq"] <= told[-1]]
        self.assertEqual(sorted(wanted), told, "there is a hole")

    def test_streams_that_resume_while_much_is_written_miss_nothing(self):
        """Between what is read from the journal and what comes live there is no gap and no overlap."""
        made, stop = self.world.incident(), threading.Event()
        clients = [self.world.again(self.world.admin) for _ in range(2)]

        def write(client):
            while not stop.is_set():
                client.post(f"incidents/{made['id']}/note", {"text": "much"})
        threads = [threading.Thread(target=write, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        try:
            streams = []
            for _ in range(12):
                streams.append(self.open(last_id=self.world.last_seq() - 5))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        last = self.world.incident()
        rows = [row["seq"] for row in self.admin.items("journal?limit=200")]
        for stream in streams:
            stream.wait(lambda event: self.about(last["id"])(event) and event["event"] == "incident.opened")
            hello, told = int(stream.seen[0]["id"]), [int(event["id"]) for event in stream.seen[1:] if event["event"] != "page.queued"]
            self.assertEqual(stream.seen[0]["event"], "hello")
            self.assertEqual(told, sorted(row for row in rows if hello < row <= told[-1]))

    def test_a_stream_that_was_away_for_long_or_knows_the_future_starts_anew(self):
        for last_id in ("999999999", "-1", "x", "99999999999999999999"):
            stream = self.open(last_id=last_id)
            self.assertEqual(stream.wait()["event"], "reset", last_id)
            stream.wait(self.about(self.world.incident()["id"]))

    def test_a_page_rings_for_whom_it_is(self):
        person = self.world.new_person("responder")
        stream = self.open(person.client)
        contact = self.world.contact(person)
        page = person.client.post(f"contacts/{contact['id']}/test")
        ring = stream.wait(lambda event: event["event"] == "page.queued")
        self.assertEqual(json.loads(ring["data"])["user"], person.id)
        self.assertTrue(page["id"])

    def test_a_token_reads_the_stream_and_its_end_ends_it(self):
        person = self.world.new_person("responder")
        token = person.token("read")
        stream = self.open(token)
        stream.wait()
        person.client.delete(f"tokens/{token.token_id}")
        wait_until(lambda: not stream.thread.is_alive(), 5, "the stream to end")
        self.assertEqual(token.request("GET", "users").status, 401)

    def test_the_stream_of_a_disabled_person_ends(self):
        person = self.world.new_person("responder")
        stream = self.open(person.client)
        stream.wait()
        self.admin.patch(f"users/{person.id}", {"disabled": True})
        wait_until(lambda: not stream.thread.is_alive(), 5, "the stream to end")

    def test_seven_streams_see_each_change_at_once(self):
        """Seven tabs, one change after the other: from the moment of asking to the moment of hearing."""
        streams = [self.open(self.world.again(self.world.admin)) for _ in range(STREAMS)]
        for stream in streams:
            stream.wait()
        for _ in range(ROUNDS):
            times = [t for _ in range(CHANGES) for t in self.change(streams)]
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"note test_stream: {STREAMS} streams, {CHANGES} changes: median {statistics.median(times):.0f} ms, "
                  f"p95 {p95:.0f} ms, most {max(times):.0f} ms")
            if p95 < P95_MS_MAX:
                return
        self.fail(f"p95 was never below {P95_MS_MAX} ms")

    def change(self, streams):
        """Milliseconds until each stream has told of one change."""
        begun, times = time.monotonic(), []
        made = self.world.incident()
        for stream in streams:
            stream.wait(lambda event: self.about(made["id"])(event) and event["event"] == "incident.opened")
            times.append((time.monotonic() - begun) * 1000)
        return times

    def test_a_stream_that_is_opened_and_dropped_many_times_leaves_nothing_behind(self):
        for _ in range(60):
            stream = self.admin.events()
            stream.wait()
            stream.close()
        self.open().wait()
        self.admin.get("now")
