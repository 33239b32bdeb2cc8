"""The thread from end to end: a new user watches a real nginx, is paged about it, acknowledges, and reads how it went."""
import re

from mainstay import Client, Scenario, wait_until
from peers import Nginx, Ntfy, Smtp, Webhook
from steps import (Person, first_person, incident_for, invite, link_in, notifications, pages, path_of, timeline,
                   verified)

NOTICE_SECONDS = 15


class Thread(Scenario):
    """What a person does between the first start and the end of their first incident."""

    takes = 12  # seconds, about: what takes long begins first

    def watched(self, person, port):
        """The row of what listens on this port, as discovery shows it."""
        rows = person.client.get("discovery")["items"]
        return next(row for row in rows if row["port"] == port)

    def first_click(self, ann, nginx):
        """Discovery lists the real nginx; one click watches it. Gives the names of check and service."""
        self.assertTrue(ann.client.get("now")["first_run"])
        row = self.watched(ann, nginx.port)
        self.assertEqual((row["process"], row["guess"], row["protocol"], row["watched"]),
                         ("nginx", "nginx", "http", False))
        made = ann.client.post("discovery/watch", {"items": [{"address": row["address"], "port": nginx.port}]})
        kinds = {one["kind"]: one["name"] for one in made["created"]}
        self.assertLessEqual({"Check", "Service", "Schedule", "EscalationPolicy"}, set(kinds))
        self.assertTrue(self.watched(ann, nginx.port)["watched"])
        self.assertFalse(ann.client.get("now")["first_run"])
        on_call = ann.client.get("on-call")["items"]
        self.assertEqual([(one["schedule"], one["user"]["id"]) for one in on_call], [(kinds["Schedule"], ann.id)])
        wait_until(lambda: ann.client.get(f"checks/{kinds['Check']}")["state"] == "up", NOTICE_SECONDS, "the check to be up")
        return kinds["Check"], kinds["Service"]

    def hurry(self, ann, check):
        """The check as it is, but every second: a scenario has less time than a night."""
        answer = ann.client.request("GET", f"definitions/Check/{check}")
        spec = answer.json["spec"] | {"interval": "1s", "timeout": "1s"}
        ann.client.put(f"definitions/Check/{check}", {"spec": spec}, headers={"If-Match": answer.headers["ETag"]})

    def add_bob(self, ann, mainstay):
        """A second person, paged by the same step; by mail too, which everybody has from their account."""
        bob = invite(ann, mainstay, "Bob")
        bob.reach_by("ntfy", {"topic": "bob"})
        found = ann.client.request("GET", "definitions/EscalationPolicy/default")
        spec = found.json["spec"]
        spec["steps"][0]["targets"].append({"user": bob.email})
        ann.client.put("definitions/EscalationPolicy/default", {"spec": spec},
                       headers={"If-Match": found.headers["ETag"]})
        return bob

    def every_page(self, smtp, ntfy, hook):
        """The links of Ann's pages, and Bob's, once all have arrived, each a good page."""
        mail = smtp.wait_for_mail(to="ann@")[0]
        call = hook.wait_for()[0]
        pushes = ntfy.wait_for(2)
        self.assertEqual((hook.refused(), ntfy.refused()), ([], []))
        first_line = mail["Subject"]
        self.assertRegex(first_line, r"^P\d .+: .+, since \d\d:\d\d \w+$")
        self.assertIn("Acknowledge", mail.get_content())
        self.assertEqual(call.json["title"], first_line)
        self.assertEqual((call.json["urgency"], call.json["reason"]), ("high", "step"))
        by_topic = {push.json["topic"]: push.json for push in pushes}
        self.assertEqual(set(by_topic), {"ann", "bob"})
        self.assertEqual((by_topic["ann"]["priority"], by_topic["ann"]["title"]), (5, first_line))
        button = by_topic["ann"]["actions"][0]
        self.assertEqual((button["action"], button["method"]), ("http", "POST"))
        links = [link_in(mail.get_content()), call.json["link"], by_topic["ann"]["click"], button["url"]]
        return links, by_topic["bob"]["click"]

    def robots_press(self, mainstay, person, incident, links):
        """Mail scanners and previews fetch every link, and nothing in the record moves."""
        robot = Client(mainstay.address)

        def standing():
            row = person.client.get(f"incidents/{incident}")
            return row["state"], row["acknowledged_by"], row["escalation"], \
                person.client.get("journal?limit=1&kind=incident.")["items"], \
                person.client.get("journal?limit=1&kind=escalation.")["items"], \
                person.client.get("journal?limit=1&kind=user.")["items"]
        before = standing()
        for link in links:
            self.assertTrue(link.startswith(f"http://{mainstay.address}/l/"), link)
            for headers in ({}, {"User-Agent": "Slackbot-LinkExpanding 1.0"}, {"Accept": "*/*", "Range": "bytes=0-9"}):
                for method in ("GET", "HEAD"):
                    answer = robot.request(method, path_of(link), headers=headers)
                    self.assertIn(answer.status, (200, 206))
                    self.assertEqual(answer.headers["Content-Type"].split(";")[0], "text/html")
            shown = robot.request("GET", path_of(link)).text
            self.assertIn('<form method="post">', shown)
            self.assertRegex(re.sub(r"<[^>]+>", " ", shown), r"Acknowledge\s+as (Ann|Bob)")
        self.assertEqual(robot.cookies, {})
        self.assertEqual(standing(), before)

    def press_button(self, mainstay, link):
        """A person presses the button of the page: a form without script. Gives the page that follows."""
        answer = Client(mainstay.address).request("POST", path_of(link), b"",
                                                  {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 200, answer)
        return answer.text

    def incident_opens(self, ann, check, service, began_up):
        """Down -> alert -> incident, with a priority that says why."""
        wait_until(lambda: ann.client.get(f"checks/{check}")["state"] == "down", NOTICE_SECONDS, "the check to be down")
        incident = incident_for(ann, service)
        why = incident["why"]
        row, column = why["cell"]
        self.assertEqual(why["matrix"]["cells"][row][column], incident["priority"])
        self.assertEqual((why["matrix"]["impacts"][row], why["matrix"]["urgencies"][column]),
                         (incident["impact"], incident["urgency"]))
        self.assertEqual(incident["urgency"], "high")
        self.assertIn(f"\"{check}\" is down", why["urgency_reason"])
        self.assertTrue(why["impact_reason"])
        self.assertEqual([(alert["check"], alert["state"]) for alert in incident["alerts"]], [(check, "firing")])
        self.assertIn("refused", incident["title"])
        return incident["id"]

    def every_delivery_is_shown(self, ann, incident):
        """Each page has its steps: when, what the other side said, how long it took."""
        def all_ended():
            rows = [page for page in pages(ann, incident) if page["channel"] != "browser"]
            return len(rows) >= 5 and all(page["state"] == "sent" for page in rows) and rows
        rows = wait_until(all_ended, 20, "every page to be sent")
        self.assertEqual(sorted(page["channel"] for page in rows), ["email", "email", "ntfy", "ntfy", "webhook"])
        for page in rows:
            attempt = page["attempts"][-1]
            self.assertEqual(attempt["state"], "sent")
            self.assertIn("250" if page["channel"] == "email" else "HTTP 200", attempt["detail"])
            self.assertGreaterEqual(attempt["duration_ms"], 0)
            self.assertNotIn("/l/", page["text"])

    def timeline_tells(self, ann, incident):
        """Every step, in order, each a sentence."""
        items = timeline(ann, incident)
        seqs = [item["seq"] for item in items]
        self.assertEqual(seqs, sorted(set(seqs)))
        self.assertEqual([item["recorded_at"] for item in items], sorted(item["recorded_at"] for item in items))
        for item in items:
            self.assertRegex(item["text"], r"^\S.*\S$")
        story = ["incident.opened", "escalation.moved", "page.created", "incident.alert_joined", "page.attempted",
                 "incident.acknowledged", "escalation.moved", "incident.alert_ended", "incident.resolved",
                 "escalation.moved", "page.created", "page.attempted"]
        told = iter(item["kind"] for item in items)
        missing = [kind for kind in story if kind not in told]  # each is looked for after the one before
        self.assertEqual(missing, [], [item["kind"] for item in items])
        taken = next(item for item in items if item["kind"] == "incident.acknowledged")
        self.assertIn(ann.name, taken["text"])
        self.assertEqual(taken["details"]["via"], "link")

    def test_a_new_user_watches_nginx_is_paged_acknowledges_and_reads_every_step(self):
        nginx, smtp, ntfy, hook = (self.peer(one) for one in
                                   (Nginx(self.folder), Smtp(self.folder), Ntfy(), Webhook()))
        mainstay = self.mainstay()
        ann = first_person(mainstay)
        check, service = self.first_click(ann, nginx)
        notifications(ann, smtp, ntfy)
        ann.reach_by("email", {"to": "ann@example.org"})
        ann.reach_by("webhook", {"url": hook.url}, secret=hook.secret)
        ann.reach_by("ntfy", {"topic": "ann"})
        bob = self.add_bob(ann, mainstay)
        self.hurry(ann, check)
        ring = ann.client.events()

        nginx.stop()
        incident = self.incident_opens(ann, check, service, True)
        rang = ring.wait(lambda event: event["event"] == "page.queued" and f'"user":{ann.id}' in event["data"])
        ring.close()
        self.assertTrue(rang["data"])
        links, bobs = self.every_page(smtp, ntfy, hook)
        self.every_delivery_is_shown(ann, incident)
        self.assertEqual(ann.client.get("now")["incidents"][0]["id"], incident)

        self.robots_press(mainstay, ann, incident, [*links, bobs])
        self.assertIn("Ann has it", self.press_button(mainstay, links[0]))
        row = ann.client.get(f"incidents/{incident}")
        self.assertEqual((row["state"], row["acknowledged_by"]), ("acknowledged", {"id": ann.id, "name": "Ann"}))
        self.assertEqual(row["escalation"]["state"], "waiting")
        for said in (Client(mainstay.address).request("GET", path_of(bobs)).text, self.press_button(mainstay, bobs)):
            self.assertIn("Ann has it", said)
            self.assertNotIn("<form", said)
        self.assertEqual(ann.client.get(f"incidents/{incident}")["acknowledged_by"]["name"], "Ann")

        nginx.start()
        over = incident_for(ann, service, "resolved")
        self.assertEqual((over["id"], over["escalation"]["state"]), (incident, "stopped"))
        self.assertEqual(over["alerts"][0]["state"], "resolved")
        mail = smtp.wait_for_mail(2, to="ann@")[1]
        self.assertRegex(mail["Subject"], r"^Resolved: P\d ")
        self.assertEqual(hook.wait_for(2)[1].json["reason"], "resolved")
        last = ntfy.wait_for(4)[2:]
        self.assertEqual({(push.json["topic"], push.json["priority"]) for push in last}, {("ann", 3), ("bob", 3)})
        self.assertEqual((hook.refused(), ntfy.refused()), ([], []))
        answer = Client(mainstay.address).request("POST", path_of(links[0]))
        self.assertEqual((answer.status, "over" in answer.text), (409, True))
        wait_until(lambda: all(page["state"] == "sent" for page in pages(ann, incident) if page["channel"] != "browser"),
                   20, "the last pages to be sent")
        self.timeline_tells(ann, incident)
        self.assertIsInstance(bob, Person)
        mainstay.stop()
        self.assertGreater(verified(mainstay), 40)
        self.nothing_secret_is_in_the_record(mainstay, [*links, bobs])

    def nothing_secret_is_in_the_record(self, mainstay, links):
        """Whoever reads the record, a log or a copy of it cannot acknowledge with it."""
        tokens = {path_of(link).removeprefix("/l/") for link in links}
        self.assertGreaterEqual(len(tokens), 2)
        kept = b"".join(path.read_bytes() for path in {mainstay.stored(), *mainstay.data.glob("mainstay.db*")})
        for token in tokens:
            self.assertNotIn(token, mainstay.log(10000))
            self.assertFalse(re.search(token.encode(), kept), "the token of a link stands in the store")
