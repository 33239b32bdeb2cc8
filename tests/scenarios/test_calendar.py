"""The calendar of a schedule, read as a calendar program does: what changes is newer, what vanishes is cancelled."""
import datetime

from world import Shared, in_time


def unfold(text):
    return text.replace("\r\n ", "").split("\r\n")


class Event(dict):
    """The properties of one VEVENT, without those of its alarm."""

    def time(self, name):
        return datetime.datetime.strptime(self[name], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)

    @property
    def sequence(self):
        return int(self["SEQUENCE"])

    @property
    def told(self):
        """What a person sees of it."""
        return self["DTSTART"], self["DTEND"], self["SUMMARY"], self["STATUS"]


def read(text):
    found, inside = {}, []
    for line in unfold(text):
        name, _, value = line.partition(":")
        if name == "BEGIN":
            inside.append(value)
            event = Event() if value == "VEVENT" else event if "VEVENT" in inside else None
        elif name == "END":
            assert inside.pop() == value, line
            if value == "VEVENT":
                assert event["UID"] not in found, f"twice: {event}"
                found[event["UID"]] = event
        elif inside and inside[-1] == "VEVENT":
            assert name not in event, line
            event[name] = value
    assert not inside, inside
    return found


class Calendar(Shared):
    def setUp(self):
        super().setUp()
        self.bob, self.cleo = self.world.new_person("responder"), self.world.new_person("responder")
        self.ann = self.world.admin
        self.name = f"calendar{self.world.number()}"
        self.rotate(self.ann, self.bob)
        self.last = self.look()

    def rotate(self, *people):
        self.world.define("Schedule", self.name, {"time_zone": "UTC", "layers": [
            {"name": "main", "start": "2026-01-05", "users": [person.email for person in people]}]})

    def look(self, query=""):
        answer = self.admin.request("GET", f"schedules/{self.name}/calendar.ics{query}")
        self.assertEqual(answer.status, 200, answer)
        return read(answer.text)

    def next(self):
        """The feed after a change, held against the one before it: nothing is forgotten, and nothing changes unnoticed."""
        before, now = self.last, datetime.datetime.now(datetime.timezone.utc)
        self.last = self.look()
        for uid, was in before.items():
            if was.time("DTEND") <= now:
                continue
            self.assertTrue(uid in self.last, f"vanished without a word: {was}")
            event = self.last[uid]
            self.assertGreaterEqual(event.sequence, was.sequence, uid)
            if event.told != was.told:
                self.assertGreater(event.sequence, was.sequence, f"{was} became {event}")
                self.assertGreaterEqual(event["LAST-MODIFIED"], was["LAST-MODIFIED"])
        return self.last

    def of(self, person, feed, status):
        return {uid for uid, event in feed.items() if f"-{person.id}-" in uid and event["STATUS"] == status}

    def test_an_override_that_is_cancelled_is_published_as_cancelled(self):
        self.assertEqual({event["STATUS"] for event in self.last.values()}, {"CONFIRMED"})
        plain = {uid: event.told for uid, event in self.last.items()}
        made = self.admin.post(f"schedules/{self.name}/overrides",
                               {"user": self.cleo.id, "from": in_time(days=20), "until": in_time(days=20, hours=3)})
        with_it = self.next()
        uid, = [uid for uid in with_it if f"-o{made['id']}-" in uid]
        self.assertEqual(with_it[uid]["STATUS"], "CONFIRMED")
        rest = [uid for uid in with_it if uid not in plain and f"-o{made['id']}-" not in uid]
        self.assertEqual(len(rest), 1, "the shift that it cuts has a second part")
        self.admin.delete(f"overrides/{made['id']}")
        after = self.next()
        for gone in (uid, *rest):
            self.assertEqual(after[gone]["STATUS"], "CANCELLED")
            self.assertGreater(after[gone].sequence, with_it[gone].sequence)
            self.assertEqual(after[gone]["DTSTART"], with_it[gone]["DTSTART"])
        self.assertEqual({uid: after[uid].told for uid in plain}, plain)
        self.assertTrue(uid in self.look(f"?user={self.cleo.id}"), "who took it is told, too")
        self.admin.post("incidents", {"title": "of no matter", "impact": "low", "urgency": "low"})
        self.world.define("Service", f"other{self.world.number()}", {})
        self.assertEqual(self.next(), after, "what has nothing to do with the schedule changes nothing")

    def test_an_override_that_has_begun_ends_now(self):
        made = self.admin.post(f"schedules/{self.name}/overrides", {"user": self.cleo.id, "until": in_time(hours=3)})
        uid, = [uid for uid in self.next() if f"-o{made['id']}-" in uid]
        self.admin.delete(f"overrides/{made['id']}")
        after = self.look()
        self.assertEqual(after[uid]["STATUS"], "CONFIRMED", "it took place")
        self.assertLessEqual(after[uid].time("DTEND"), datetime.datetime.now(datetime.timezone.utc))
        self.assertGreater(after[uid].sequence, self.last[uid].sequence)

    def test_a_rotation_that_changes_cancels_the_shifts_that_vanish_and_brings_them_back(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        his = {uid for uid in self.of(self.bob, self.last, "CONFIRMED") if self.last[uid].time("DTEND") > now}
        over = self.of(self.bob, self.last, "CONFIRMED") - his
        self.assertGreater(len(his), 10)
        self.rotate(self.ann)
        without = self.next()
        self.assertEqual(self.of(self.bob, without, "CANCELLED"), his)
        self.assertFalse(over & self.of(self.bob, without, "CANCELLED"), "what took place is not cancelled")
        self.assertEqual(self.of(self.bob, without, "CONFIRMED") & his, set())
        self.rotate(self.ann, self.cleo)
        self.assertEqual(self.of(self.bob, self.next(), "CANCELLED"), his, "still, after another change")
        self.rotate(self.ann, self.bob)
        back = self.next()
        self.assertTrue(his <= self.of(self.bob, back, "CONFIRMED"))
        self.assertEqual(self.of(self.bob, back, "CANCELLED"), set())
        self.assertGreater(len(self.of(self.cleo, back, "CANCELLED")), 10)

    def test_a_schedule_that_is_deleted_and_made_again_knows_what_was_published(self):
        self.admin.delete(f"definitions/Schedule/{self.name}")
        self.assertEqual(self.admin.request("GET", f"schedules/{self.name}/calendar.ics").status, 404)
        self.rotate(self.bob)
        self.assertGreater(len(self.of(self.ann, self.next(), "CANCELLED")), 10)

    def test_another_name_or_address_of_a_person_is_noticed(self):
        anns = self.of(self.ann, self.last, "CONFIRMED")
        before = {uid: self.last[uid].sequence for uid in anns}
        self.admin.patch(f"users/{self.bob.id}", {"name": f"Robert {self.world.number()}"})
        renamed = self.next()
        self.assertTrue(all("Robert" in renamed[uid]["SUMMARY"] for uid in self.of(self.bob, renamed, "CONFIRMED")))
        self.assertEqual({uid: renamed[uid].sequence for uid in anns}, before, "of others nothing changed")
        self.admin.patch(f"users/{self.bob.id}", {"email": f"robert{self.world.number()}@example.com"})
        moved = self.next()
        self.assertEqual(len(self.of(self.bob, moved, "CONFIRMED")), 0, "the schedule names an address that is nobody's")
        self.assertGreater(len(self.of(self.bob, moved, "CANCELLED")), 10)
        self.rotate(self.ann)
        self.next()
