"""Reports: people outside say that something is wrong, are asked, answered, told when it is fixed, and forgotten."""
import re
import sqlite3
import urllib.parse

from mainstay import Scenario, wait_until
from peers import Smtp
from steps import declare, define, first_person, incident_for, invite, notifications, verb

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LINK = re.compile(r"https?://[^\s\"<>]+(/r/[0-9]+-[0-9a-f]{32})")


def body(**fields):
    return urllib.parse.urlencode(fields).encode()


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


class Reports(Scenario):
    def setUp(self):
        super().setUp()
        self.smtp = self.peer(Smtp(self.folder))
        self.server = self.mainstay()
        self.ann = first_person(self.server)
        self.ann.forget_browser()
        notifications(self.ann, self.smtp)
        define(self.ann, "Service", "shop", {"display": "The shop", "tier": 1, "customers": True})
        define(self.ann, "Service", "ledger", {"display": "The ledger", "tier": 1})
        self.nobody = self.server.client()

    def send(self, status=201, **more):
        fields = {"text": "The basket hangs", "service": "shop", "severity": "stopped", "ago": "hour"} | more
        answer = self.nobody.request("POST", "/report", body(**fields), headers=FORM)
        self.assertEqual(answer.status, status, answer)
        return answer.body.decode()

    def newest(self):
        return self.ann.client.get("reports")["items"][0]

    def press(self, link, act, status=200):
        answer = self.nobody.request("POST", link, body(act=act), headers=FORM)
        self.assertEqual(answer.status, status, answer)
        return answer.body.decode()

    def mail_to(self, address, subject):
        def found():
            return [m for m in self.smtp.mails(address) if subject in m["Subject"]]
        return wait_until(found, 40, f"a mail to {address} about {subject!r}")[-1]

    def confirmed(self, address):
        """A report whose sender pressed the button; gives its row and the link."""
        self.send(email=address)
        link = LINK.search(text_of(self.mail_to(address, "Do you want to be told")))[1]
        self.press(link, "confirm")
        return self.newest(), link

    def vault(self, sql):
        with sqlite3.connect(f"file:{self.server.data}/mainstay.db?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    # ---- the form ----

    def test_the_form_needs_no_script_and_names_only_what_customers_use(self):
        page = self.nobody.request("GET", "/report").body.decode()
        self.assertIn("The shop", page)
        self.assertNotIn("edger", page)
        self.assertNotIn("<script", page)
        self.assertIn("Thank you", self.send(text="Es hängt <b>\"& so\"</b>"))
        row = self.newest()
        self.assertEqual((row["state"], row["text"], row["service"], row["source"]),
                         ("new", "Es hängt <b>\"& so\"</b>", "shop", "form"))
        self.assertEqual(row["proposed"]["priority"], "P1")
        self.assertEqual(row["proposed"]["why"]["cell"], [0, 0])
        self.assertIn("tier 1", row["proposed"]["why"]["impact_reason"])

    def test_what_is_wrong_with_a_form_is_said_beside_what_was_written(self):
        for fields, words in (({"text": " "}, "say in a few words"), ({"email": "nobody"}, "no e-mail address"),
                              ({"service": "ledger"}, "no service of that name"), ({"severity": "x"}, "how bad")):
            page = self.send(400, **{"text": "<i>kept</i>"} | fields)
            self.assertIn(words, page)
            self.assertNotIn("<i>kept", page)
            if "text" not in fields:
                self.assertIn("&lt;i&gt;kept&lt;/i&gt;", page)
        for raw in (b"text=%", b"text=a&text=b", b"text=%00", b"&".join(b"f%d=1" % i for i in range(40))):
            self.assertEqual(self.nobody.request("POST", "/report", raw, headers=FORM).status, 400, raw)
        self.assertEqual(self.ann.client.get("reports")["items"], [])

    def test_a_machine_that_fills_the_hidden_field_is_thanked_and_nothing_is_kept(self):
        self.assertIn("Thank you", self.send(website="http://spam.example"))
        self.assertEqual(self.ann.client.get("reports")["items"], [])

    def test_one_network_is_slowed_down_and_told_so(self):
        for _ in range(10):
            self.send()
        self.assertIn("too much was sent from your network", self.send(429))
        refused = self.nobody.request("POST", "reports", {"text": "x"})
        self.assertEqual(refused.status, 429)
        self.assertEqual(self.ann.client.request("POST", "reports", {"text": "x"}).status, 201, "who is signed in is not")

    # ---- dealing with them ----

    def test_a_report_is_accepted_joined_marked_answered_rejected_and_taken_back(self):
        bob = invite(self.ann, self.server, "Bob")
        ids = [bob.client.post("reports", {"text": f"hangs {n}", "service": "shop"})["id"] for n in range(5)]
        made = bob.client.post(f"reports/{ids[0]}/accept", {})["report"]
        incident = self.ann.client.get(f"incidents/{made['incident']}")
        self.assertEqual((made["state"], incident["service"], incident["priority"]), ("accepted", "shop", "P3"))
        self.assertNotIn("hangs", incident["title"], "the sender's words got into the record")
        self.assertEqual(bob.client.get(f"reports/{ids[1]}")["suggested"]["id"], made["incident"])
        joined = bob.client.post(f"reports/{ids[1]}/join", {"incident": made["incident"]})
        self.assertEqual(self.ann.client.get(f"incidents/{made['incident']}/people")["people"], 2)
        self.assertEqual(self.ann.client.request("POST", f"reports/{ids[1]}/undo", {"seq": joined["seq"]}).status, 403)
        self.assertEqual(bob.client.post(f"reports/{ids[1]}/undo", {})["report"]["state"], "new")
        bob.client.post(f"reports/{ids[1]}/duplicate", {"of": ids[0]})
        self.assertEqual(self.ann.client.get(f"incidents/{made['incident']}/people")["people"], 2)
        bob.client.post(f"reports/{ids[2]}/answer", {"text": "please empty the cache"})
        bob.client.post(f"reports/{ids[3]}/reject", {"reason": "spam"})
        for number in ids[:4]:
            self.assertEqual(bob.client.request("POST", f"reports/{number}/reject", {"reason": "x"}).status, 409)
        self.assertEqual(bob.client.get("reports/inbox")["new"], 1)

    def test_three_of_one_service_at_once_are_proposed_and_page_nobody(self):
        for _ in range(3):
            self.send()
        self.assertEqual([(s["service"], s["count"], s["incident"]) for s in self.ann.client.get("reports/inbox")["surges"]],
                         [("shop", 3, None)])
        self.assertEqual(self.ann.client.get("incidents")["items"], [])

    def test_where_a_manager_says_so_several_open_an_incident_and_count_to_it(self):
        define(self.ann, "ReportRule", "default", {"count": 2, "within": "10m", "then": "open"})
        self.send(severity="small")
        self.assertEqual(self.ann.client.get("incidents")["items"], [])
        self.send(severity="stopped")
        incident = incident_for(self.ann, "shop")
        self.assertEqual(incident["priority"], "P1")
        self.assertIn("2 people report", incident["title"])
        self.assertEqual(self.ann.client.get(f"incidents/{incident['id']}/people")["people"], 2)

    # ---- being told ----

    def test_who_asked_is_told_when_it_is_fixed_and_says_that_it_is_not(self):
        define(self.ann, "ReportRule", "default", {"reopen_after": 1})
        row, link = self.confirmed("eve@example.net")
        self.send(email="silent@example.net")  # never presses the button
        silent = self.newest()
        incident = self.ann.client.post(f"reports/{row['id']}/accept", {})["report"]["incident"]
        self.ann.client.post(f"reports/{silent['id']}/join", {"incident": incident})
        self.ann.client.post(f"incidents/{incident}/resolve", {"reason": "host vault-7 was full"})
        mail = self.mail_to("eve@example.net", "Fixed")
        self.assertNotIn("vault-7", mail.as_string())
        self.assertNotIn("basket", mail.as_string(), "what was typed into the form was mailed")
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertTrue(mail["List-Unsubscribe"].endswith(link + ">"), mail["List-Unsubscribe"])
        self.assertIn("html", mail.get_body(("html",)).get_content())
        for _ in range(3):  # a mail scanner
            self.assertIn("Is it fixed for you?", self.nobody.request("GET", link).body.decode())
        self.assertIsNone(self.ann.client.get(f"reports/{row['id']}")["verdict"])
        self.press(link, "not_fixed")
        people = self.ann.client.get(f"incidents/{incident}/people")
        self.assertEqual((people["people"], people["not_fixed"], people["fixed"]), (2, 1, 0))
        self.assertEqual(self.ann.client.get(f"incidents/{incident}")["state"], "open")
        self.assertEqual([m["Subject"] for m in self.smtp.mails("silent@example.net")],
                         ["Do you want to be told about a problem that was reported?"])

    def test_an_answer_is_mailed_when_it_can_no_longer_be_taken_back(self):
        row, _ = self.confirmed("eve@example.net")
        done = self.ann.client.post(f"reports/{row['id']}/answer", {"text": "a slip"})
        self.ann.client.post(f"reports/{row['id']}/undo", {"seq": done["seq"]})
        self.ann.client.post(f"reports/{row['id']}/answer", {"text": "Empty the cache & reload <now>"})
        mail = self.mail_to("eve@example.net", "An answer")
        self.assertIn("Empty the cache & reload <now>", text_of(mail))
        self.assertIn("reload &lt;now&gt;", mail.get_body(("html",)).get_content())
        self.assertEqual(len([m for m in self.smtp.mails("eve@example.net") if "answer" in m["Subject"]]), 1)

    def test_nobody_is_flooded_with_questions_and_a_cut_link_is_known_to_nobody(self):
        for _ in range(5):
            self.send(email="victim@example.net")
        self.mail_to("victim@example.net", "Do you want")
        wait_until(lambda: self.vault("SELECT count(*) FROM bulk") == [(0,)], 30)
        self.assertEqual(len(self.smtp.mails("victim@example.net")), 3)
        for token in ("1", "1-", "1-" + "0" * 32, "x-" + "0" * 32, "1-" + "0" * 31, "999-" + "a" * 32):
            self.assertEqual(self.nobody.request("GET", "/r/" + token).status, 404, token)
            self.assertEqual(self.nobody.request("POST", "/r/" + token, body(act="confirm"), headers=FORM).status, 404)

    # ---- being forgotten ----

    def test_what_was_written_stands_in_no_event_and_is_erased_when_asked(self):
        row, link = self.confirmed("secret.person@example.net")
        journal = self.server_text()
        self.assertNotIn("secret.person", journal)
        self.assertNotIn("basket", journal)
        answer = self.nobody.request("POST", link, b"List-Unsubscribe=One-Click", headers=FORM)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.nobody.request("GET", link).status, 404)
        self.assertEqual(self.vault("SELECT email, secret FROM report_private"), [("", "")])
        self.ann.client.post(f"reports/{row['id']}/erase", {})
        self.assertEqual(self.vault("SELECT count(*) FROM report_private"), [(0,)])
        after = self.ann.client.get(f"reports/{row['id']}")
        self.assertEqual((after["text"], after["erased"], after["confirmed"]), (None, "all", False))

    def server_text(self):
        return "\n".join(str(row) for row in self.ann.client.items("journal?limit=200"))

    def test_a_report_that_counts_to_a_closed_incident_is_seen_by_those_who_see_that(self):
        bob = invite(self.ann, self.server, "Bob")
        incident = declare(self.ann, "private", visibility="private")
        self.send()
        number = self.newest()["id"]
        self.assertEqual(bob.client.get(f"reports/{number}")["id"], number)
        self.ann.client.post(f"reports/{number}/join", {"incident": incident})
        self.assertEqual(bob.client.request("GET", f"reports/{number}").status, 404)
        self.assertEqual(bob.client.get("reports")["items"], [])
        self.assertEqual(bob.client.request("GET", f"incidents/{incident}/people").status, 404)
        self.assertEqual([e for e in bob.client.items("journal?kind=report.&limit=200")], [])
        self.assertEqual(self.ann.client.get("reports")["items"][0]["incident"], incident)

    def test_a_rebuild_makes_the_same_reports_and_keeps_what_people_wrote(self):
        self.send()
        self.send()
        self.ann.client.post(f"reports/{self.newest()['id']}/reject", {"reason": "spam"})
        before = self.ann.client.get("reports")["items"]
        self.server.stop()
        verb(self.server, "journal", "rebuild")
        self.server.start()
        self.assertEqual(self.ann.client.get("reports")["items"], before)
