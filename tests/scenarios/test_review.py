"""Reviews: drafted from the journal when an incident ends, written by people, exported, owed until published."""
import datetime
import re

from mainstay import Scenario, wait_until
from peers import Nginx, Ntfy
from steps import declare, define, fast_check, first_person, incident_for, invite, notifications, policy, service

SECONDS = 15
PART = re.compile(r"<!-- mainstay:(\w+) (\d+) -->\n\n(.*?)\n\n<!-- /mainstay:\1 \2 -->", re.S)


def instant(text):
    return datetime.datetime.fromisoformat(text)


class Reviews(Scenario):
    takes = 15

    def setUp(self):
        super().setUp()
        self.ntfy = self.peer(Ntfy())
        self.server = self.mainstay()
        self.ann = first_person(self.server)
        notifications(self.ann, ntfy=self.ntfy)
        self.ann.reach_by("ntfy", {"topic": "ann"})

    def review(self, number, state="draft", person=None):
        """The review once it is in this state, whole."""
        def found():
            answer = (person or self.ann).client.request("GET", f"reviews/{number}")
            return answer.status == 200 and answer.json["review"]["state"] == state and answer.json
        return wait_until(found, SECONDS, f"a review of {number} that is {state}")

    def ended(self, title="the shop stands still", **more):
        number = declare(self.ann, title, impact="high", urgency="high", **more)
        self.ann.client.post(f"incidents/{number}/acknowledge")
        self.ann.client.post(f"incidents/{number}/resolve", {"reason": "restarted"})
        return number

    def event(self, seq):
        return self.ann.client.get(f"journal?as_of={seq}&limit=1")["items"][0]

    def test_a_real_outage_drafts_a_review_whose_moments_are_events_of_the_journal(self):
        nginx = self.peer(Nginx(self.folder))
        policy(self.ann, "default", [{"user": self.ann.email}])
        service(self.ann, "shop", "default")
        fast_check(self.ann, "web", nginx.url, service="shop")
        wait_until(lambda: self.ann.client.get("checks/web")["state"] == "up", SECONDS, "the check to be up")
        nginx.stop()
        opened = incident_for(self.ann, "shop")
        number = opened["id"]
        wait_until(lambda: any(p["state"] in ("sent", "delivered") for p in
                               self.ann.client.items(f"pages?incident={number}")), SECONDS, "a page to leave")
        self.ann.client.post(f"incidents/{number}/acknowledge")
        self.ann.client.post(f"incidents/{number}/note", {"text": "nginx is gone, I start it"})
        if opened["priority"] not in ("P1", "P2"):
            self.ann.client.post(f"incidents/{number}/priority", {"impact": "high", "urgency": "high", "reason": "all of it"})
        nginx.start()
        incident_for(self.ann, "shop", "resolved")
        found = self.review(number)

        phases = {p["phase"]: p for p in found["phases"]}
        kinds = {"started": "alert.batch", "detected": "incident.opened", "paged": "page.attempted",
                 "acknowledged": "incident.acknowledged", "mitigated": "incident.alert_ended",
                 "resolved": "incident.resolved"}
        for phase, kind in kinds.items():
            event = self.event(phases[phase]["seq"])
            self.assertEqual((event["seq"], event["kind"]), (phases[phase]["seq"], kind), phase)
            if phase != "started":  # which is when the check first failed, told by the alert's own event
                self.assertEqual(event["event_time"], phases[phase]["at"], phase)
        times = [instant(phases[p]["at"]) for p in ("started", "detected", "acknowledged", "resolved")]
        self.assertEqual(times, sorted(times))
        spans = {s["span"]: s["us"] for s in found["spans"]}
        self.assertEqual(spans["resolve"] / 1e6, (times[3] - times[1]).total_seconds())
        self.assertEqual(spans["detect"] / 1e6, (times[1] - times[0]).total_seconds())
        self.assertIsNone(spans["first_update"])

        mine = next(p for p in found["people"] if p["user"]["id"] == self.ann.id)
        self.assertLessEqual({"was paged", "took it", "wrote notes"}, {part["part"] for part in mine["parts"]})
        tried = [item["text"] for item in found["timeline"] if item["tried"]]
        self.assertIn("nginx is gone, I start it", tried)
        self.assertEqual([alert["check"] for alert in found["alerts"]], ["web"])
        self.assertGreaterEqual(found["paging"]["arrived"], 1)
        self.assertEqual(found["review"]["owner"]["id"], self.ann.id)

    def test_an_incident_that_goes_on_takes_its_review_back_and_keeps_peoples_words(self):
        number = self.ended()
        self.review(number)
        self.ann.client.put(f"reviews/{number}/sections/summary", {"text": "It stood still."})
        self.ann.client.post(f"incidents/{number}/reopen", {"reason": "it stands again"})
        self.review(number, "waiting")
        self.ann.client.post(f"incidents/{number}/note", {"text": "again"})
        done = self.ann.client.post(f"incidents/{number}/resolve", {"reason": "now"})
        again = self.review(number)
        self.assertEqual(again["sections"][0]["text"], "It stood still.")
        self.assertEqual(again["phases"][-1]["seq"], done["seq"])
        undone = self.ann.client.post(f"incidents/{number}/undo", {"seq": done["seq"]})["incident"]
        self.assertNotEqual(undone["state"], "resolved")
        self.review(number, "waiting")
        self.assertEqual(len(self.ann.client.items("reviews")), 1)

    def test_priorities_say_who_owes_a_review_and_a_manager_changes_which(self):
        owed = self.ended()
        low = declare(self.ann, "a scratch", impact="low", urgency="low")
        self.ann.client.post(f"incidents/{low}/resolve")
        self.review(owed)
        self.assertEqual([row["id"] for row in self.ann.client.items("reviews")], [owed])
        self.assertEqual(self.ann.client.request("GET", f"reviews/{low}").status, 404)
        self.ann.client.post("reviews", {"incident": low})  # one may be begun by hand
        self.review(low)
        define(self.ann, "ReviewPolicy", "default", {"priorities": ["P5"], "due_days": 2})
        another = declare(self.ann, "another scratch", impact="low", urgency="low")
        self.ann.client.post(f"incidents/{another}/resolve")
        self.review(another)
        free = self.ended("no longer owed")
        self.ann.client.post(f"incidents/{declare(self.ann, 'later', impact='low', urgency='low')}/resolve")
        wait_until(lambda: len(self.ann.client.items("reviews")) == 4, SECONDS, "what came after to be followed")
        self.assertEqual(self.ann.client.request("GET", f"reviews/{free}").status, 404)

    def test_of_two_who_write_the_same_part_the_second_is_told_and_loses_nothing(self):
        number = self.ended()
        self.review(number)
        bob = invite(self.ann, self.server, "Bob")
        path = f"reviews/{number}/sections/summary"
        seen = {"If-Match": '"0"'}
        first = bob.client.request("PUT", path, {"text": "Bob was here first."}, headers=seen)
        self.assertEqual(first.status, 200)
        second = self.ann.client.request("PUT", path, {"text": "Ann wrote, too."}, headers=seen)
        self.assertEqual(second.status, 412)
        self.assertIn("Bob", second.json["detail"])
        theirs = self.review(number)["sections"][0]
        self.assertEqual((theirs["text"], f'"{theirs["revision"]}"'), ("Bob was here first.", first.headers["ETag"]))
        both = self.ann.client.request("PUT", path, {"text": "Bob was here first. Ann wrote, too."},
                                       headers={"If-Match": first.headers["ETag"]})
        self.assertEqual(both.status, 200)
        other = bob.client.request("PUT", f"reviews/{number}/sections/impact", {"text": "Nobody."}, headers=seen)
        self.assertEqual(other.status, 200, "another part is nobody's conflict")

    def test_factors_form_a_tree_and_words_are_hinted_at(self):
        number = self.ended()
        self.review(number)
        path = f"reviews/{number}/factors"
        top = self.ann.client.post(path, {"kind": "technical", "text": "The pool was empty because Ann looked away."})
        why = self.ann.client.post(path, {"kind": "process", "text": "Nobody was told of its size.", "parent": top["id"]})
        refused = self.ann.client.request("PUT", f"{path}/{top['id']}", {"kind": "technical", "text": "x", "parent": why["id"]})
        self.assertEqual((refused.status, refused.json["errors"][0]["field"]), (400, "parent"))
        self.assertEqual(self.ann.client.request("DELETE", f"{path}/{top['id']}").status, 409)
        found = self.review(number)
        self.assertEqual([(f["id"], f["parent"]) for f in found["factors"]], [(top["id"], None), (why["id"], top["id"])])
        self.assertEqual([h["found"] for h in found["factors"][0]["hints"]], ["Ann"])
        self.assertEqual(self.ann.client.request("DELETE", f"{path}/{why['id']}").status, 204)

    def test_actions_live_on_after_the_review_is_published(self):
        number = self.ended()
        self.review(number)
        made = self.ann.client.post(f"reviews/{number}/actions", {"text": "watch the pool", "owner": self.ann.id,
                                                                  "due_at": "2020-01-01T00:00:00Z"})
        for link in ("javascript:alert(1)", "https://", "ftp://x.example", "https://x.example/ a"):
            answer = self.ann.client.request("PATCH", f"reviews/{number}/actions/{made['id']}", {"link": link})
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, "link"), link)
        self.ann.client.post(f"reviews/{number}/state", {"state": "in_review"})
        self.ann.client.post(f"reviews/{number}/state", {"state": "published"})
        found = self.review(number, "published")
        self.assertEqual(found["review"]["published_by"]["id"], self.ann.id)
        closed = self.ann.client.request("PUT", f"reviews/{number}/sections/summary", {"text": "late"})
        self.assertEqual(closed.status, 409)
        self.assertEqual([a["id"] for a in self.ann.client.items("review-actions?overdue=true")], [made["id"]])
        told = wait_until(lambda: [call for call in self.ntfy.good() if "Action due" in call.json.get("title", "")],
                          SECONDS, "the reminder of an action that is due")
        self.assertIn("watch the pool", told[0].json["title"])
        self.assertIn(f"/reviews/{number}", told[0].json["click"])
        done = self.ann.client.patch(f"reviews/{number}/actions/{made['id']}",
                                     {"state": "done", "link": "https://tickets.example.com/7"})
        self.assertEqual((done["state"], done["overdue"]), ("done", False))
        self.assertEqual(self.ann.client.items("review-actions?overdue=true"), [])
        self.ann.client.post(f"reviews/{number}/state", {"state": "draft", "reason": "we know more"})
        self.assertIsNone(self.review(number)["review"]["published_at"])
        kinds = [item["kind"] for item in self.ann.client.items(f"reviews/{number}/history")]
        self.assertEqual(kinds[0], "review.drafted")
        self.assertEqual(kinds.count("review.state_set"), 3)

    def test_the_export_holds_the_very_words_that_people_wrote(self):
        number = self.ended("a <b>title</b> | with *marks*")
        self.review(number)
        words = {"summary": "# A heading of mine\n\nIt *stood* still. <script>alert(1)</script>",
                 "went_well": "- one\n- two\n\n<!-- a remark -->", "lucky": "ends with blanks  "}
        for section, text in words.items():
            self.ann.client.put(f"reviews/{number}/sections/{section}", {"text": text})
        self.ann.client.post(f"reviews/{number}/factors", {"kind": "technical", "text": "one | two"})
        answer = self.ann.client.request("GET", f"reviews/{number}/export")
        self.assertEqual(answer.headers["Content-Type"], "text/markdown; charset=utf-8")
        self.assertEqual({section: text for section, _, text in PART.findall(answer.text)}, words)
        self.assertIn(r"a \<b\>title\</b\> \| with \*marks\*", answer.text.partition("\n")[0])
        self.assertIn("one \\| two", answer.text)
        html = self.ann.client.request("GET", f"reviews/{number}/export?format=html")
        self.assertEqual(html.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("<em>stood</em> still", html.text)
        self.assertIn("A heading of mine</h3>", html.text)
        for tag in ("<script", "<b>title", "<img", "<link", " src=", "mainstay:"):
            self.assertNotIn(tag, html.text)

    def test_reviews_of_private_incidents_are_as_private(self):
        number = self.ended("a secret", visibility="private")
        self.review(number)
        bob = invite(self.ann, self.server, "Bob")
        self.ann.client.post(f"reviews/{number}/actions", {"text": "tell nobody", "owner": self.ann.id})
        for path in (f"reviews/{number}", f"reviews/{number}/history", f"reviews/{number}/export"):
            self.assertEqual(bob.client.request("GET", path).status, 404, path)
        self.assertEqual(bob.client.items("reviews") + bob.client.items("review-actions"), [])
        self.assertEqual(bob.client.get("review-trends")["incidents"], [])
        self.assertEqual(bob.client.items("journal?kind=review."), [])
        given = self.ann.client.request("PATCH", f"reviews/{number}", {"owner": bob.id})
        self.assertEqual((given.status, given.json["errors"][0]["field"]), (400, "owner"))
        self.assertEqual(bob.client.request("POST", f"reviews/{number}/state", {"state": "published"}).status, 404)
