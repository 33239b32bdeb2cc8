"""Subscribers: asked first, told of each update once, gone with one click; their mail never holds up a page."""
import json
import re
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

    def update(self, incident, state, text, *services):
        return self.ann.client.post(f"incidents/{incident}/updates", {
            "audience": "customers", "state": state, "title": "Payments", "text": text,
            "components": [{"service": name, "status": "partial_outage"} for name in services]})

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
        incident = declare(self.ann, "db7 is full", service="shop")
        self.update(incident, "identified", "Paying fails for **some** & we know why.", "shop")
        mail = self.wait_mail("shop@example.net", "Identified: ")[0]
        self.wait_mail("all@example.net", "Identified: ")
        self.assertIn("Affected: The shop", text_of(mail))
        self.assertNotIn("db7", mail.as_string())
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
