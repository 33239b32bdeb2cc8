"""Who is paged next: steps, rounds, empty steps, overrides, mutes, and what stops a page or lets it go on."""
import datetime
import time

from mainstay import Scenario, wait_until
from peers import Nginx, Ntfy, Webhook
from steps import (declare, define, fast_check, first_person, incident_for, invite, notifications, paged, pages, policy,
                   service, timeline)

STEP_SECONDS = 10  # the shortest a policy may say
SOON_SECONDS = 4   # what comes at once, on a busy machine


def in_hours(hours):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Escalation(Scenario):
    """Ann is asked first, Bob next."""

    takes = 20  # seconds, about: what takes long begins first

    def setUp(self):
        super().setUp()
        self.ntfy = self.peer(Ntfy())
        self.server = self.mainstay()
        self.ann = first_person(self.server)
        notifications(self.ann, ntfy=self.ntfy)
        self.bob = invite(self.ann, self.server, "Bob")
        for person in (self.ann, self.bob):
            person.forget_browser()
            for contact in person.client.items(f"users/{person.id}/contacts"):
                person.client.delete(f"users/{person.id}/contacts/{contact['id']}")
            person.reach_by("ntfy", {"topic": person.name.lower()})

    def ann_then_bob(self, name="default", **more):
        policy(self.ann, name, [{"user": self.ann.email}], [{"user": self.bob.email}], **more)

    def wait_paged(self, incident, names, seconds=SOON_SECONDS):
        wait_until(lambda: paged(self.ann, incident) == names or self.fail(f"paged {paged(self.ann, incident)}"),
                   seconds, f"{names} to be paged")

    def moves(self, incident):
        return [item for item in timeline(self.ann, incident) if item["kind"] == "escalation.moved"]

    def test_the_next_step_then_the_next_round_are_paged_unless_somebody_answered_or_took_it_back(self):
        self.ann_then_bob()
        alone = declare(self.ann, "nobody answers")
        answered = declare(self.ann, "somebody answers")
        undone = declare(self.ann, "somebody answered by mistake")
        for incident in (alone, answered, undone):
            self.wait_paged(incident, ["Ann"])
        self.ann.client.post(f"incidents/{answered}/acknowledge")
        did = self.ann.client.post(f"incidents/{undone}/acknowledge")
        row = self.ann.client.post(f"incidents/{undone}/undo", {"seq": did["seq"]})["incident"]
        self.assertEqual((row["state"], row["acknowledged_by"]), ("open", None))
        self.assertIsNotNone(row["next_page_at"])

        self.wait_paged(alone, ["Ann", "Bob"], STEP_SECONDS + SOON_SECONDS)
        self.wait_paged(undone, ["Ann", "Bob"])
        self.wait_paged(alone, ["Ann", "Bob", "Ann"], STEP_SECONDS + SOON_SECONDS)
        state = self.ann.client.get(f"incidents/{alone}")["escalation"]
        self.assertEqual((state["state"], state["round"], state["step"], state["rounds"]), ("running", 2, 1, 3))
        self.assertEqual(paged(self.ann, answered), ["Ann"])
        self.assertEqual(self.ann.client.get(f"incidents/{answered}")["escalation"]["state"], "waiting")

        first, second, third = self.moves(alone)[:3]
        self.assertEqual([(one["details"]["round"], one["details"]["step"]) for one in (first, second, third)],
                         [(1, 1), (1, 2), (2, 1)])
        for earlier, later in ((first, second), (second, third)):
            gap = datetime.datetime.fromisoformat(later["at"]) - datetime.datetime.fromisoformat(earlier["at"])
            self.assertGreaterEqual(gap.total_seconds(), STEP_SECONDS - 0.01, "people have their whole time to answer")
        late = self.ann.client.request("POST", f"incidents/{undone}/undo", {"seq": did["seq"]})
        self.assertEqual(late.status, 409, late)

    def test_a_step_with_nobody_is_passed_at_once_and_the_timeline_says_so(self):
        define(self.ann, "Schedule", "never", {"layers": [
            {"start": "2026-01-05", "users": ["left@example.org"]}]})
        policy(self.ann, "default", [{"schedule": "never"}], [{"user": self.bob.email}])
        incident = declare(self.ann, "step one is empty")
        self.wait_paged(incident, ["Bob"])
        self.assertIn("Nobody is at step 1; it was passed.", self.moves(incident)[0]["text"])

    def test_a_policy_of_nobody_at_all_pages_everybody_rather_than_nobody(self):
        gone = invite(self.ann, self.server, "Cid")
        policy(self.ann, "default", [{"user": gone.email}])
        self.ann.client.patch(f"users/{gone.id}", {"disabled": True})
        incident = declare(self.ann, "nobody is left")
        wait_until(lambda: set(paged(self.ann, incident)) == {"Ann", "Bob"}, SOON_SECONDS, "everybody to be paged")
        self.assertTrue(self.ann.client.get(f"incidents/{incident}")["escalation"]["last_resort"])

    def test_who_takes_it_until_a_time_is_paged_instead_and_when_that_ends_not_any_more(self):
        define(self.ann, "Schedule", "web", {"layers": [{"start": "2026-01-05", "users": [self.ann.email]}]})
        policy(self.ann, "default", [{"schedule": "web"}])
        taken = self.bob.client.post("schedules/web/overrides", {"user": self.bob.id, "until": in_hours(3),
                                                                 "reason": "Ann is on a plane"})
        self.assertEqual(self.ann.client.get("on-call")["items"][0]["user"]["name"], "Bob")
        self.wait_paged(declare(self.ann, "while Bob has it"), ["Bob"])
        self.bob.client.delete(f"overrides/{taken['id']}")
        self.assertEqual(self.ann.client.get("on-call")["items"][0]["user"]["name"], "Ann")
        self.wait_paged(declare(self.ann, "Ann has it again"), ["Ann"])

    def test_a_mute_holds_pages_back_is_seen_and_when_it_ends_they_come(self):
        nginx = self.peer(Nginx(self.folder))
        self.ann_then_bob()
        service(self.ann, "web", "default")
        fast_check(self.ann, "web", nginx.url, service="web")
        wait_until(lambda: self.ann.client.get("checks/web")["state"] == "up", 10, "the check to be up")
        short = self.ann.client.request("POST", "mutes", {"kind": "service", "name": "web", "for": "1m", "reason": "x"})
        self.assertEqual(short.status, 400, short)
        mute = self.ann.client.post("mutes", {"kind": "service", "name": "web", "for": "15m",
                                              "reason": "new network card"})
        self.assertEqual(self.ann.client.get("now")["mutes"][0]["reason"], "new network card")
        nginx.stop()
        row = wait_until(lambda: next(iter(self.ann.client.get("checks?state=down")["items"]), None), 10, "it to be down")
        self.assertIsNotNone(row["muted_until"])
        alert = wait_until(lambda: self.ann.client.get("alerts?state=firing")["items"], 5, "the alert")[0]
        self.assertIsNone(alert["incident"])
        self.assertEqual((self.ann.client.items("incidents"), self.ntfy.good()), ([], []))
        self.ann.client.delete(f"mutes/{mute['id']}")
        incident = incident_for(self.ann, "web")
        self.wait_paged(incident["id"], ["Ann"])
        self.assertEqual(self.ann.client.get("now")["mutes"], [])

    def test_escalate_now_pages_the_next_step_without_waiting(self):
        self.ann_then_bob()
        incident = declare(self.ann, "this is too big for one")
        self.wait_paged(incident, ["Ann"])
        self.bob.client.post(f"incidents/{incident}/escalate")
        self.wait_paged(incident, ["Ann", "Bob"], 2)
        self.assertIn("step 2", pages(self.ann, incident)[1]["text"])

    def test_low_urgency_leaves_the_contacts_for_high_urgency_alone(self):
        low, high = self.peer(Webhook()), self.peer(Webhook())
        contact = self.ann.client.items(f"users/{self.ann.id}/contacts")[0]
        self.ann.client.delete(f"users/{self.ann.id}/contacts/{contact['id']}")
        self.ann.reach_by("webhook", {"url": low.url}, secret=low.secret, urgency="low")
        self.ann.reach_by("webhook", {"url": high.url}, secret=high.secret, urgency="high")
        policy(self.ann, "default", [{"user": self.ann.email}])
        quiet = declare(self.ann, "it can wait", urgency="low")
        self.assertEqual(low.wait_for()[0].json["incident"], quiet)
        loud = declare(self.ann, "it cannot wait", urgency="high")
        self.assertEqual(high.wait_for()[0].json["incident"], loud)
        self.assertEqual([call.json["incident"] for call in low.good()], [quiet])
        self.ann.client.post(f"incidents/{quiet}/priority", {"impact": "high", "urgency": "high", "reason": "it grows"})
        wait_until(lambda: [call.json["incident"] for call in high.good()] == [loud, quiet], SOON_SECONDS,
                   "the page that wakes")

    def test_a_page_that_waits_for_its_delay_does_not_go_out_once_somebody_has_it(self):
        self.ann.reach_by("ntfy", {"topic": "ann-later"}, delay="3s")
        self.ann_then_bob()
        incident = declare(self.ann, "one push, then another if it is not seen")
        wait_until(lambda: "sent" in [page["state"] for page in pages(self.ann, incident)], 10, "the first push")
        self.ann.client.post(f"incidents/{incident}/acknowledge")
        time.sleep(4)
        self.assertEqual([push.json["topic"] for push in self.ntfy.good()], ["ann"])
        states = [page["state"] for page in pages(self.ann, incident)]
        self.assertEqual(sorted(states), ["cancelled", "sent"])
