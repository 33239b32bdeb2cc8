"""How pages leave, and what is shown when the other side refuses, hangs, asks for time or is gone."""
from mainstay import Scenario, wait_until
from peers import Ntfy, Smtp, Webhook
from steps import declare, first_person, notifications, pages, policy, timeline

FIRST_RETRY_SECONDS = 5
SECOND_RETRY_SECONDS = 15
HTTP_TIMEOUT_SECONDS = 15
SPARE_SECONDS = 8  # for a busy machine


class Delivery(Scenario):
    """A page is tried until it is taken or refused for good, and every try can be read."""

    takes = 22  # seconds, about: what takes long begins first

    def setUp(self):
        super().setUp()
        self.server = self.mainstay("--public-url", "http://pager.example.org")
        self.ann = first_person(self.server)
        self.ann.forget_browser()
        policy(self.ann, "default", [{"user": self.ann.email}], delay="1h")

    def hook(self, *plan):
        """A receiver that misbehaves as planned, and Ann's contact for it."""
        hook = self.peer(Webhook())
        hook.behave(*plan)
        hook.contact = self.ann.reach_by("webhook", {"url": hook.url}, secret=hook.secret)
        return hook

    def page_by(self, incident, contact, state, seconds):
        """The page of an incident by this contact, once it is in this state."""
        def found():
            page = pages(self.ann, incident, contact=contact)[0]
            self.assertEqual(page["state"], state, page)
            return page
        return wait_until(found, seconds, f"a page that is {state}")

    def check_tries(self, page, *wanted):
        """The tries: the state of each, and a word of what the other side said."""
        self.assertEqual([try_["state"] for try_ in page["attempts"]], [state for state, _ in wanted], page)
        for try_, (_, word) in zip(page["attempts"], wanted):
            self.assertIn(word, try_["detail"])

    def told(self, incident):
        """What the timeline says of the tries."""
        return [item["text"] for item in timeline(self.ann, incident) if item["kind"] == "page.attempted"]

    def test_webhooks_that_fail_hang_reset_or_ask_for_time_are_tried_again_and_every_try_is_shown(self):
        notifications(self.ann)
        failing, asking = self.hook(500, 500), self.hook("429 7")
        hanging, resetting = self.hook("hang"), self.hook("reset")
        cut, doubtful = self.hook("cut"), self.hook("garbage")
        elsewhere, well = self.hook("redirect http://127.0.0.1:1/"), self.hook()
        incident = declare(self.ann, "the receivers misbehave")

        self.page_by(incident, well.contact, "sent", SPARE_SECONDS)  # one that hangs holds up nobody
        page = self.page_by(incident, elsewhere.contact, "failed", SPARE_SECONDS)
        self.check_tries(page, ("failed", "302"))
        page = self.page_by(incident, cut.contact, "sent", SPARE_SECONDS)  # the status was 200: it was taken
        self.assertEqual(len(page["attempts"]), 1)
        page = self.page_by(incident, resetting.contact, "sent", FIRST_RETRY_SECONDS + SPARE_SECONDS)
        self.check_tries(page, ("queued", ""), ("sent", "200"))
        self.assertTrue(page["attempts"][0]["detail"])
        page = self.page_by(incident, doubtful.contact, "sent", SPARE_SECONDS)
        self.assertEqual(len(page["attempts"]), 2)
        page = self.page_by(incident, asking.contact, "sent", SPARE_SECONDS)
        self.check_tries(page, ("queued", "429"), ("sent", "200"))
        first, second = (call.at for call in asking.calls if call.method == "POST")
        self.assertGreaterEqual(second - first, 7, "the receiver had the time it asked for")
        page = self.page_by(incident, failing.contact, "sent", SECOND_RETRY_SECONDS + SPARE_SECONDS)
        self.check_tries(page, ("queued", "500"), ("queued", "500"), ("sent", "200"))
        page = self.page_by(incident, hanging.contact, "sent", HTTP_TIMEOUT_SECONDS + SPARE_SECONDS)
        self.assertEqual(len(page["attempts"]), 2)
        self.assertGreaterEqual(page["attempts"][0]["duration_ms"], HTTP_TIMEOUT_SECONDS * 1000 * 0.9)

        for sink in (failing, asking, hanging, resetting, doubtful, well):
            self.assertEqual((len(sink.good()), sink.refused()), (1, []))
        ids = {call.headers["webhook-id"] for call in failing.calls if call.method == "POST"}
        self.assertEqual(len(ids), 1, "a receiver can tell a repeat by its id")
        self.assertTrue(any("500" in text for text in self.told(incident)))
        row = next(one for one in self.ann.client.items(f"users/{self.ann.id}/contacts") if one["id"] == failing.contact)
        self.assertEqual((row["verified"], row["last_result"]["state"]), (True, "sent"))
        # Nobody is told where a signed link leads.
        self.assertFalse(any(call.json["link"] in text for call in well.good() for text in self.told(incident)))

    def test_a_page_that_was_under_way_when_somebody_took_the_incident_is_shown_as_sent(self):
        notifications(self.ann)
        slow = self.hook("slow 2")
        incident = declare(self.ann, "taken while the push is on its way")
        wait_until(lambda: slow.calls, SPARE_SECONDS, "the call to arrive")
        self.ann.client.post(f"incidents/{incident}/acknowledge")
        page = self.page_by(incident, slow.contact, "sent", SPARE_SECONDS)
        self.check_tries(page, ("sent", "200"))
        self.ann.client.post(f"incidents/{incident}/resolve")
        self.assertEqual(slow.wait_for(2)[1].json["reason"], "resolved")

    def test_a_relay_that_is_busy_is_asked_again_and_one_that_refuses_for_good_is_not(self):
        smtp = self.peer(Smtp(self.folder))
        notifications(self.ann, smtp)
        contact = self.ann.reach_by("email", {"to": "ann@example.org"})
        smtp.mode("busy")
        later = declare(self.ann, "the relay is busy")
        wait_until(lambda: pages(self.ann, later)[0]["attempts"], SPARE_SECONDS, "the first try")
        smtp.mode("accept")
        page = self.page_by(later, contact, "sent", FIRST_RETRY_SECONDS + SPARE_SECONDS)
        self.check_tries(page, ("queued", "451"), ("sent", "250"))
        self.assertEqual(len(smtp.mails()), 1)

        for mode, code in (("reject-data", "554"), ("reject-rcpt", "550")):
            smtp.mode(mode)
            never = declare(self.ann, f"the relay answers {code}")
            page = self.page_by(never, contact, "failed", SPARE_SECONDS)
            self.check_tries(page, ("failed", code))
            self.assertTrue(any("failed" in text and code in text for text in self.told(never)), self.told(never))
        self.assertEqual(len(smtp.mails()), 1)
        smtp.stop()
        gone = declare(self.ann, "the relay is gone")
        wait_until(lambda: pages(self.ann, gone)[0]["attempts"], SPARE_SECONDS, "the first try")
        self.assertIn("refused", pages(self.ann, gone)[0]["attempts"][0]["detail"])

    def test_every_contact_can_be_tried_and_says_what_became_of_it(self):
        smtp, ntfy, hook = self.peer(Smtp(self.folder)), self.peer(Ntfy(token="tk_1")), self.peer(Webhook())
        self.ann.client.put("settings/notifications", {
            "smtp": {"host": "127.0.0.1", "port": smtp.port, "security": "none", "from": "m@example.org"},
            "ntfy": {"server": ntfy.url.rstrip("/"), "token": "tk_1"}, "webhook": {"allow": ["127.0.0.0/8"]}})
        contacts = {"email": self.ann.reach_by("email", {"to": "ann@example.org"}),
                    "ntfy": self.ann.reach_by("ntfy", {"topic": "ann"}),
                    "webhook": self.ann.reach_by("webhook", {"url": hook.url}, secret=hook.secret),
                    "browser": self.ann.reach_by("browser", {})}
        ring = self.ann.client.events()
        for channel, contact in contacts.items():
            queued = self.ann.client.post(f"contacts/{contact}/test")
            self.assertEqual((queued["incident"], queued["channel"]), (None, channel))
            if channel == "browser":
                ring.wait(lambda event: event["event"] == "page.queued" and f'"user":{self.ann.id}' in event["data"])
                self.ann.client.post("browser-pages/ack", {"page": queued["id"]})

            def ended():
                rows = self.ann.client.items(f"users/{self.ann.id}/contacts")
                row = next(one for one in rows if one["id"] == contact)
                self.assertIn(row["last_result"]["state"], ("sent", "delivered"), row)
                self.assertTrue(row["verified"])
                return row["last_result"]
            self.assertTrue(wait_until(ended, SPARE_SECONDS, f"the test page by {channel}")["at"])
        ring.close()
        mail = smtp.wait_for_mail()[0]
        self.assertIn("test", mail["Subject"].lower())
        self.assertTrue(mail["Message-ID"].endswith("@pager.example.org>"), mail["Message-ID"])
        self.assertEqual((hook.good()[0].json["type"], ntfy.good()[0].json["topic"]), ("test", "ann"))
        self.assertEqual((hook.refused(), ntfy.refused()), ([], []))
        self.assertEqual(self.ann.client.items("incidents"), [])

    def test_what_cannot_work_fails_at_once_and_says_what_to_do(self):
        hook = self.peer(Webhook())
        lonely = {"webhook": self.ann.reach_by("webhook", {"url": hook.url}, secret=hook.secret),
                  "email": self.ann.reach_by("email", {"to": "ann@example.org"})}
        incident = declare(self.ann, "nothing is set up")
        page = self.page_by(incident, lonely["email"], "failed", SPARE_SECONDS)
        self.check_tries(page, ("failed", "Settings"))
        page = self.page_by(incident, lonely["webhook"], "failed", SPARE_SECONDS)
        self.assertEqual((len(page["attempts"]), hook.good()), (1, []), "nobody may send Mainstay into its own network")
        self.assertIn("nobody could be reached", self.server.log(1000))

    def test_ntfy_rings_for_high_urgency_and_is_quiet_for_low(self):
        ntfy = self.peer(Ntfy())
        notifications(self.ann, ntfy=ntfy)
        self.ann.reach_by("ntfy", {"topic": "ann"})
        declare(self.ann, "wakes", urgency="high")
        declare(self.ann, "waits", urgency="low")
        pushes = {push.json["priority"]: push.json for push in ntfy.wait_for(2)}
        self.assertEqual(sorted(pushes), [3, 5])
        self.assertIn("wakes", pushes[5]["title"])
        self.assertIn("waits", pushes[3]["title"])
