"""Subscribers: asked first, told of each update once, gone with one click; their mail never holds up a page."""
import calendar
import json
import re
import time
import urllib.parse

from mainstay import Scenario, wait_until
from peers import Smtp, Webhook
from steps import declare, define, first_person, invite, notifications

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LINK = re.compile(r"https?://[^\s\"<>]+(/s/[0-9]+-[0-9a-f]{32})")


def body(**fields):
    return urllib.parse.urlencode(fields).encode()


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


class Subscribers(Scenario):
    def setUp(self):
        super().setUp()
        self.smtp = self.peer(Smtp(self.folder))
        self.server = self.mainstay()
        self.ann = first_person(self.server)
        self.ann.forget_browser()
        notifications(self.ann, self.smtp)
        for name, display in (("shop", "The shop"), ("search", "The search")):
            define(self.ann, "Service", name, {"display": display, "tier": 1, "customers": True})
        self.nobody = self.server.client()

    def subscribe(self, address, status=202, **more):
        answer = self.nobody.request("POST", "/subscribe", body(email=address, **more), headers=FORM)
        self.assertEqual(answer.status, status, answer)
        return answer.body.decode()

    def mails(self, address, subject=""):
        return [m for m in self.smtp.mails(address) if subject in m["Subject"]]

    def wait_mail(self, address, subject, count=1):
        return wait_until(lambda: len(self.mails(address, subject)) >= count and self.mails(address, subject), 60,
                          f"{count} mails to {address} about {subject!r}")

    def confirmed(self, address, **more):
        self.subscribe(address, **more)
        link = LINK.search(text_of(self.wait_mail(address, "Do you want")[0]))[1]
        self.assertEqual(self.press(link, act="confirm").status, 200)
        return link

    def press(self, link, **fields):
        return self.nobody.request("POST", link, body(**fields), headers=FORM)

    def update(self, incident, state, text, *services, **more):
        return self.ann.client.post(f"incidents/{incident}/updates", {
            "audience": "customers", "state": state, "title": "Payments", "text": text,
            "components": [{"service": name, "status": "partial_outage"} for name in services]} | more)

    def test_a_mail_asks_first_and_a_scanner_that_opens_the_link_subscribes_nobody(self):
        page = self.nobody.request("GET", "/subscribe").body.decode()
        self.assertIn("The shop", page)
        self.subscribe("eve@example.net")
        mail = self.wait_mail("eve@example.net", "Do you want")[0]
        self.assertNotIn("List-Unsubscribe", mail)
        link = LINK.search(text_of(mail))[1]
        for method in ("GET", "GET"):
            self.assertEqual(self.nobody.request(method, link).status, 200)
        self.assertEqual(self.ann.client.get("subscribers/counts")["active"], 0)
        self.press(link, act="confirm")
        self.press(link, act="confirm")
        self.assertEqual(self.ann.client.get("subscribers/counts")["active"], 1)

    def test_who_is_subscribed_is_nobodys_business(self):
        self.confirmed("eve@example.net")
        self.assertEqual(self.subscribe("EVE@example.net"), self.subscribe("new@example.net"))
        self.wait_mail("new@example.net", "Do you want")
        self.assertEqual(len(self.mails("eve@example.net")) + len(self.mails("EVE@example.net")), 1)

    def test_an_update_is_sent_once_to_each_whom_it_concerns(self):
        self.confirmed("all@example.net")
        self.confirmed("shop@example.net", **{"service.shop": "1"})
        self.confirmed("search@example.net", **{"service.search": "1"})
        self.subscribe("silent@example.net")
        incident = declare(self.ann, "vault-7 is full", service="shop")
        self.update(incident, "identified", "Paying fails for **some** & we know why.", "shop")
        mail = self.wait_mail("shop@example.net", "Identified: ")[0]
        self.wait_mail("all@example.net", "Identified: ")
        self.assertIn("Affected: The shop", text_of(mail))
        self.assertNotIn("vault-7", mail.as_string())
        self.assertIn("&amp; we know why", mail.get_body(("html",)).get_content())
        self.update(incident, "resolved", "Paying works again for everybody.", "shop")
        self.wait_mail("shop@example.net", "Resolved: ")
        self.wait_mail("all@example.net", "Resolved: ")
        wait_until(lambda: self.ann.client.get("subscribers/counts")["mails_waiting"] == 0, 30)
        for address, count in (("all@example.net", 3), ("shop@example.net", 3), ("search@example.net", 1),
                               ("silent@example.net", 1)):
            self.assertEqual(len(self.mails(address)), count, address)
        self.server.kill9()
        self.server.start()
        self.update(declare(self.ann, "again"), "investigating", "We are looking into it.", "search")
        self.wait_mail("search@example.net", "Investigating: ")
        self.assertEqual(len(self.mails("all@example.net", "Identified")), 1, "told twice after a crash")

    def test_the_one_click_of_a_mail_program_leaves_and_a_scanners_get_does_not(self):
        link = self.confirmed("eve@example.net")
        incident = declare(self.ann, "x")
        self.update(incident, "investigating", "We are looking into it.")
        mail = self.wait_mail("eve@example.net", "Investigating: ")[0]
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        one_click = re.fullmatch(r"<https?://[^/]+(/s/[^>]+)>", mail["List-Unsubscribe"])[1]
        self.assertEqual(one_click, link)
        for _ in range(3):
            self.assertEqual(self.nobody.request("GET", one_click).status, 200)
        self.assertEqual(self.ann.client.get("subscribers/counts")["active"], 1)
        answer = self.nobody.request("POST", one_click, b"List-Unsubscribe=One-Click", headers=FORM)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.nobody.request("POST", one_click, b"List-Unsubscribe=One-Click", headers=FORM).status, 404)
        self.assertEqual(self.ann.client.get("subscribers")["items"], [])
        self.update(incident, "resolved", "It is over, everything works again.")
        wait_until(lambda: [e for e in self.ann.client.items("journal?kind=subscriber.told&limit=200")][1:], 40)
        self.assertEqual(len(self.mails("eve@example.net")), 2)

    def test_an_address_that_refuses_three_times_is_suspended_and_shown(self):
        self.ann.client.post("subscribers", {"address": "gone@example.net", "agreed": True})
        self.smtp.mode("reject-rcpt")
        incident = declare(self.ann, "x")
        for state in ("investigating", "identified", "monitoring"):
            self.update(incident, state, f"{state}: we are working on it.")
        row = wait_until(lambda: self.ann.client.get("subscribers?state=suspended")["items"], 60)[0]
        self.assertEqual((row["address"], row["refusals"]), ("gone@example.net", 3))
        self.assertNotIn("gone@example.net", json.dumps(list(self.ann.client.items("journal?limit=200"))))
        self.smtp.mode("accept")
        self.ann.client.post(f"subscribers/{row['id']}/resume", {})
        self.update(incident, "resolved", "It is over, everything works again.")
        self.wait_mail("gone@example.net", "Resolved: ")

    def test_a_webhook_gets_each_update_as_json(self):
        hook = self.peer(Webhook())
        self.ann.client.post("subscribers", {"channel": "webhook", "address": hook.url, "services": ["shop"]})
        self.update(declare(self.ann, "x"), "identified", "Paying fails.", "shop")
        told = wait_until(lambda: [c.json for c in hook.calls if c.method == "POST"], 40)[0]
        self.assertEqual((told["type"], told["state"], told["text"]), ("update", "identified", "Paying fails."))
        self.assertEqual(told["components"], [{"service": "shop", "status": "partial_outage"}])

    def plan(self, seconds, **more):
        at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))  # noqa: E731
        return self.ann.client.post("maintenances", {"title": "New disks", "text": "Slow for an hour.", "services": ["shop"],
                                                     "from": at(seconds), "until": at(seconds + 3600)} | more)

    def until_told(self, count):
        """So many notices have gone through the list, and nothing waits in the slow lane."""
        def done():
            told = [e for e in self.ann.client.items("journal?kind=subscriber.notified&limit=200")]
            return len(told) >= count and self.ann.client.get("subscribers/counts")["mails_waiting"] == 0 and told
        return wait_until(done, 60, f"{count} notices told")

    def titles(self, address):
        return [m["Subject"] for m in self.smtp.mails(address) if "New disks" in m["Subject"]]

    def test_a_mail_says_times_in_the_zone_and_language_of_its_page(self):
        define(self.ann, "StatusPage", "tokyo", {"title": "Acme", "time_zone": "Asia/Tokyo", "language": "de",
                                                 "groups": [{"components": [{"service": "shop"}]}]})
        for address, page in (("here@example.net", {}), ("there@example.net", {"page": "tokyo"})):
            self.ann.client.post("subscribers", {"address": address, "services": ["shop"], "agreed": True} | page)
        made = self.plan(7200)
        begins = calendar.timegm(time.strptime(made["from"][:19], "%Y-%m-%dT%H:%M:%S"))
        for address, ahead, zone in (("here@example.net", 0, "UTC"), ("there@example.net", 9, "JST")):
            at = time.gmtime(begins + ahead * 3600)
            self.assertRegex(text_of(self.wait_mail(address, "Planned work: ")[0]),
                             rf"From {at.tm_mday}\.? \w+ {at.tm_year}, {at.tm_hour:02}:{at.tm_min:02} {zone}\n")
        self.update(declare(self.ann, "x", service="shop"), "investigating", "We look into it.", "shop", next_at=made["from"])
        told = text_of(self.wait_mail("there@example.net", "Investigating")[0])
        self.assertRegex(told, r"The next news comes by \d+\. \w+ \d{4}, \d\d:\d\d JST\.")

    def test_planned_work_is_told_when_it_is_announced_changes_has_news_begins_and_ends(self):
        hook = self.peer(Webhook())
        for address, services in (("all@example.net", []), ("shop@example.net", ["shop"]), ("search@example.net", ["search"])):
            self.ann.client.post("subscribers", {"address": address, "services": services, "agreed": True})
        self.ann.client.post("subscribers", {"channel": "webhook", "address": hook.url, "services": ["shop"]})
        made = self.plan(7200)
        path = f"maintenances/{made['id']}"
        mail = text_of(self.wait_mail("shop@example.net", "Planned work: New disks")[0])
        for words in ("On: The shop", "From ", "Slow for an hour."):
            self.assertIn(words, mail)
        same = {key: made[key] for key in ("title", "text", "services", "from", "until")}
        self.ann.client.request("PUT", path, same | {"mute": False})
        self.ann.client.request("PUT", path, same | {"text": "Slow for two hours."})
        self.assertIn("two hours", text_of(self.wait_mail("shop@example.net", "Planned work changed: New disks")[0]))
        self.ann.client.post(f"{path}/note", {"text": "The disks are here."})
        self.assertIn("The disks are here.", text_of(self.wait_mail("shop@example.net", "News of planned work: ")[0]))
        for to in ("in_progress", "verifying", "completed"):
            self.ann.client.post(f"{path}/move", {"to": to, "text": f"It is {to}."})
        self.until_told(6)
        titles = ["Planned work", "Planned work changed", "News of planned work", "Planned work has begun",
                  "Planned work is being verified", "Planned work is complete"]
        for address in ("all@example.net", "shop@example.net"):
            self.assertEqual(self.titles(address), [f"{title}: New disks" for title in titles], address)
        self.assertEqual(self.titles("search@example.net"), [])
        posted = [c.json for c in hook.calls if c.method == "POST"]
        self.assertEqual([p["what"] for p in posted], ["announced", "changed", "noted", "in_progress", "verifying", "completed"])
        self.assertEqual({(p["type"], p["title"], *p["services"]) for p in posted}, {("maintenance", "New disks", "shop")})
        self.server.kill9()
        self.server.start()
        self.plan(7200, title="New disks again", services=["search"])
        wait_until(lambda: self.titles("search@example.net"), 40, "told after a crash")
        self.assertEqual(len(self.titles("shop@example.net")), 6, "told twice after a crash")

    def test_work_that_is_cancelled_before_a_mail_left_was_never_announced(self):
        self.ann.client.post("subscribers", {"address": "all@example.net", "agreed": True})
        early = self.plan(7200)
        self.ann.client.post(f"maintenances/{early['id']}/move", {"to": "cancelled"})
        self.smtp.mode("busy")
        made = self.plan(7200)
        wait_until(lambda: self.ann.client.get("subscribers/counts")["mails_waiting"], 40, "the announcement waits in the slow lane")
        self.ann.client.post(f"maintenances/{made['id']}/move", {"to": "cancelled"})
        self.until_told(2)
        self.smtp.mode("accept")
        told = self.plan(7200)
        self.wait_mail("all@example.net", "Planned work: New disks")
        self.ann.client.post(f"maintenances/{told['id']}/move", {"to": "cancelled", "text": "They did not arrive."})
        self.assertIn("They did not arrive.", text_of(self.wait_mail("all@example.net", "Planned work is cancelled: ")[0]))
        self.until_told(4)
        self.assertEqual(self.titles("all@example.net"), ["Planned work: New disks", "Planned work is cancelled: New disks"])

    def test_work_that_is_not_public_or_begins_at_once_is_told_as_it_should_be(self):
        self.ann.client.post("subscribers", {"address": "all@example.net", "agreed": True})
        self.plan(7200, public=False)
        self.plan(1)
        self.until_told(1)
        self.assertEqual(self.titles("all@example.net"), ["Planned work has begun: New disks"])

    def pages(self):
        """Two public pages and a private one; "shop" stands on both public ones under different names."""
        for name, title, private, components in (
                ("acme", "Acme", False, [{"service": "shop", "name": "Buying"}]),
                ("beta", "Beta", False, [{"service": "shop", "name": "Basket"}, {"service": "search", "name": "Finding"}]),
                ("inner", "Inner", True, [{"service": "search"}])):
            define(self.ann, "StatusPage", name, {"title": title, "private": private, "groups": [{"components": components}]})

    def form_of(self, path, status=200):
        answer = self.nobody.request("GET", path)
        self.assertEqual(answer.status, status, answer)
        return answer.body.decode()

    def test_the_form_of_a_page_offers_its_components_only_and_its_subscribers_hear_of_them_in_its_words(self):
        self.pages()
        both = self.form_of("/subscribe")
        self.assertIn('href="/status/acme/subscribe"', both)
        self.assertIn('href="/status/beta/subscribe"', both)
        self.assertNotIn("Inner", both)
        self.form_of("/status/inner/subscribe", 404)
        self.form_of("/status/none/subscribe", 404)
        self.assertNotIn("Finding", self.form_of("/status/acme/subscribe"))
        form = self.form_of("/status/beta/subscribe")
        self.assertNotIn("shop", form, "the page's own names only")
        finding = re.search(r'name="(service\.[0-9a-z]{12})" value="1"> <span>Finding<', form)[1]
        for page, address, more in (("acme", "a@example.net", {}), ("beta", "b@example.net", {finding: "1"}),
                                    ("acme", "both@example.net", {}), ("beta", "both@example.net", {})):
            answer = self.nobody.request("POST", f"/status/{page}/subscribe", body(email=address, **more), headers=FORM)
            self.assertEqual(answer.status, 202, answer)
        self.assertIn("planned work of Acme", text_of(self.wait_mail("a@example.net", "Do you want")[0]))
        for mail in self.wait_mail("a@example.net", "Do you want") + self.wait_mail("b@example.net", "Do you want") \
                + self.wait_mail("both@example.net", "Do you want", 2):
            self.assertEqual(self.press(LINK.search(text_of(mail))[1], act="confirm").status, 200)
        rows = {(r["address"], r["page"]): r["services"] for r in self.ann.client.get("subscribers")["items"]}
        self.assertEqual(rows, {("a@example.net", "acme"): [], ("b@example.net", "beta"): ["search"],
                                ("both@example.net", "acme"): [], ("both@example.net", "beta"): []})
        self.update(declare(self.ann, "x"), "identified", "Paying fails.", "shop", "search")
        words = {address: text_of(self.wait_mail(address, "Identified: ")[0]) for address in ("a@example.net", "b@example.net")}
        self.assertIn("Affected: Buying\n", words["a@example.net"].replace("\r", ""))
        self.assertNotIn("Finding", words["a@example.net"])
        self.assertIn("You asked for news of Acme.", words["a@example.net"])
        self.wait_mail("both@example.net", "Identified: ")
        self.plan(7200, services=["search"])
        self.until_told(1)
        self.assertEqual(self.titles("a@example.net"), [])
        self.assertEqual(self.titles("b@example.net") + self.titles("both@example.net"), 2 * ["Planned work: New disks"])
        self.assertEqual(len(self.mails("both@example.net", "Identified: ")), 1, "told once, though subscribed twice")

    def test_where_one_page_is_public_the_short_address_is_its_form(self):
        define(self.ann, "StatusPage", "acme", {"title": "Acme", "groups": [{"components": [{"service": "shop", "name": "Buying"}]}]})
        self.assertIn('action="/status/acme/subscribe"', self.form_of("/subscribe"))
        self.subscribe("eve@example.net")
        self.wait_mail("eve@example.net", "Do you want")
        self.assertEqual([r["page"] for r in self.ann.client.get("subscribers")["items"]], ["acme"])
        wrong = self.ann.client.request("POST", "subscribers", {"address": "x@example.net", "page": "acme", "services": ["search"]})
        self.assertEqual(wrong.status, 400, wrong)

    def test_the_manager_imports_searches_removes_and_responders_see_numbers_only(self):
        done = self.ann.client.post("subscribers/import", {"csv": "address,services\na@example.net\nb@example.net,shop\na@example.net\n",
                                                           "agreed": True})
        self.assertEqual(done, {"added": 2, "known": 1})
        wrong = self.ann.client.request("POST", "subscribers/import", {"csv": "c@example.net\nnobody,nothing\n"})
        self.assertEqual(wrong.status, 400)
        self.assertEqual([r["services"] for r in self.ann.client.get("subscribers?q=B@example")["items"]], [["shop"]])
        bob = invite(self.ann, self.server, "Bob")
        self.assertEqual(bob.client.get("subscribers/counts")["active"], 2)
        self.assertEqual(bob.client.request("GET", "subscribers").status, 403)
        first = self.ann.client.get("subscribers")["items"][0]
        self.ann.client.delete(f"subscribers/{first['id']}")
        self.assertEqual(self.ann.client.request("GET", f"subscribers/{first['id']}").status, 404)

    def test_a_page_leaves_while_hundreds_of_mails_wait(self):
        lines = "".join(f"s{n}@example.net\n" for n in range(300))
        self.ann.client.post("subscribers/import", {"csv": lines, "agreed": True})
        self.ann.reach_by("email", {"to": "ann@example.org"})
        self.update(declare(self.ann, "low", impact="low", urgency="low"), "investigating", "We are looking into it.")
        wait_until(lambda: len(self.mails("s0@example.net")) == 1, 40)
        declare(self.ann, "the house burns", impact="high", urgency="high")
        wait_until(lambda: [m for m in self.smtp.mails("ann@example.org") if "burns" in m["Subject"]], 20)
        self.assertGreater(self.ann.client.get("subscribers/counts")["mails_waiting"], 20, "the slow lane was not slow")
