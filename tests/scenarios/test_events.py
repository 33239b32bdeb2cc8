"""Events by the contract of PagerDuty's Events API v2: what comes in, what is answered, what is refused."""
import threading

from mainstay import Scenario, wait_until
from steps import alerts_rebuilt, define, first_person, incident_for, policy, timeline

URL = "/v2/enqueue"


class Events(Scenario):
    def house(self):
        mainstay = self.mainstay()
        ann = first_person(mainstay)
        policy(ann, "page-ann", [{"user": "admin@localhost"}])
        define(ann, "Service", "shop", {"escalation_policy": "page-ann"})
        made = ann.client.post("integrations", {"name": "Datadog", "service": "shop"})
        self.assertRegex(made["routing_key"], "^[0-9a-f]{32}$")
        return mainstay, ann, made

    def send(self, mainstay, key, action="trigger", status=202, **more):
        event = {"routing_key": key, "event_action": action, **more}
        if action == "trigger":
            event.setdefault("payload", {"summary": "disk of web1 is full", "source": "web1", "severity": "critical"})
        answer = mainstay.client().request("POST", URL, event)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def alerts(self, ann, state=None):
        return [a for a in ann.client.items("alerts" + (f"?state={state}" if state else "")) if a["source"] == "pagerduty"]

    def test_an_event_fires_pages_is_taken_and_ends(self):
        mainstay, ann, made = self.house()
        key = made["routing_key"]
        taken = self.send(mainstay, key, dedup_key="web1/disk", client="Datadog", client_url="https://dd.example.org/1",
                          links=[{"href": "https://wiki.example.org/disk", "text": "Runbook"}, {"href": "javascript:x"}],
                          images=[{"src": "https://dd.example.org/graph.png", "alt": "the last hour"}],
                          payload={"summary": "disk of web1 is full", "source": "web1", "severity": "critical",
                                   "component": "disk", "group": "web", "class": "capacity",
                                   "timestamp": "2026-03-08T03:12:00Z", "custom_details": {"free": 0, "mount": "/srv"}})
        self.assertEqual(taken, {"status": "success", "message": "Event processed", "dedup_key": "web1/disk"})
        incident = incident_for(ann, "shop")
        self.assertIn("disk of web1 is full", incident["title"])
        alert = self.alerts(ann, "firing")[0]
        self.assertEqual((alert["name"], alert["severity"], alert["service"], alert["incident"]),
                         ("capacity", "critical", "shop", incident["id"]))
        self.assertEqual(alert["generator_url"], "https://dd.example.org/1")
        notes = alert["annotations"]
        self.assertEqual(notes["link_00"], "https://wiki.example.org/disk Runbook")
        self.assertNotIn("link_01", notes)
        self.assertEqual(notes["image_00"], "https://dd.example.org/graph.png the last hour")
        self.assertEqual((notes["detail_00"], notes["detail_01"]), ("free: 0", "mount: /srv"))
        wait_until(lambda: ann.client.items(f"pages?incident={incident['id']}"), 15, "a page")
        # The same open key is the same alert, whatever else it says now.
        self.send(mainstay, key, dedup_key="web1/disk", payload={"summary": "still full", "source": "w", "severity": "info"})
        self.assertEqual(len(self.alerts(ann)), 1)
        self.send(mainstay, key, "acknowledge", dedup_key="web1/disk")
        now = ann.client.get(f"incidents/{incident['id']}")
        self.assertEqual((now["state"], now["acknowledged_by"]["id"]), ("acknowledged", ann.id))
        self.assertIn("took it by an event of another program", repr(timeline(ann, incident["id"])))
        self.send(mainstay, key, "acknowledge", dedup_key="web1/disk")
        self.send(mainstay, key, "resolve", dedup_key="web1/disk")
        self.assertEqual(ann.client.get(f"incidents/{incident['id']}")["state"], "resolved")
        self.assertEqual(self.alerts(ann, "firing"), [])
        # What is over, or was never heard of, is taken and does nothing; the same key again is a new episode.
        heard = lambda: [len(ann.client.items(f"journal?kind={kind}")) for kind in
                         ("alert.batch", "incident.acknowledged", "incident.resolved", "incident.opened")]
        before = heard()
        for action in "resolve", "acknowledge":
            for name in "web1/disk", "never":
                self.send(mainstay, key, action, dedup_key=name)
        self.assertEqual(heard(), before)
        self.send(mainstay, key, dedup_key="web1/disk")
        self.assertEqual(len(self.alerts(ann)), 2)
        mainstay.stop()
        self.assertEqual(len(alerts_rebuilt(mainstay)["alert_text"]), 2)

    def test_a_key_whose_incident_people_ended_fires_anew_and_what_fires_ends_with_its_integration(self):
        mainstay, ann, made = self.house()
        key = made["routing_key"]
        self.send(mainstay, key, dedup_key="web1/disk")
        first = incident_for(ann, "shop")["id"]
        ann.client.post(f"incidents/{first}/resolve", {})
        self.send(mainstay, key, dedup_key="web1/disk")
        second = incident_for(ann, "shop")["id"]
        self.assertNotEqual(second, first)
        wait_until(lambda: ann.client.items(f"pages?incident={second}"), 15, "a page of the second")
        self.assertEqual([alert["incident"] for alert in self.alerts(ann, "firing")], [second])
        self.send(mainstay, key, dedup_key="web1/disk")
        self.assertEqual(len(self.alerts(ann)), 2, "while it is open the same key is the same alert")
        ann.client.delete(f"integrations/{ann.client.items('integrations')[0]['id']}")
        self.assertEqual(self.alerts(ann, "firing"), [])
        self.assertEqual(ann.client.get(f"incidents/{second}")["state"], "resolved")

    def test_severities_are_urgencies_and_a_key_is_made_when_none_is_sent(self):
        mainstay, ann, made = self.house()
        wanted = {"critical": ("critical", "high"), "error": ("critical", "high"), "warning": ("warning", "medium"),
                  "info": ("warning", "low")}
        for severity, (level, urgency) in wanted.items():
            define(ann, "Service", severity, {"escalation_policy": "page-ann"})
            key = ann.client.post("integrations", {"name": severity, "service": severity})["routing_key"]
            payload = {"summary": severity, "source": "x", "severity": severity}
            first, second = (self.send(mainstay, key, payload=payload)["dedup_key"] for _ in range(2))
            self.assertRegex(first, "^[0-9a-f]{32}$")
            self.assertNotEqual(first, second)
            self.assertEqual(incident_for(ann, severity)["urgency"], urgency)
            self.assertEqual({a["severity"] for a in self.alerts(ann) if a["service"] == severity}, {level})

    def test_what_is_wrong_is_told_at_once_in_the_words_of_the_contract(self):
        mainstay, ann, made = self.house()
        key, good = made["routing_key"], {"summary": "s", "source": "s", "severity": "info"}
        client = mainstay.client()
        client.contract = None  # these are what it forbids
        for body, errors in (
                ({"routing_key": "short", "event_action": "trigger", "payload": good},
                 ["Length of 'routing_key' is incorrect (should be 32 characters)"]),
                ({"event_action": "explode"}, ["'event_action' is invalid (must be one of: 'trigger', 'acknowledge', 'resolve')",
                                               "'routing_key' is missing or blank", "'payload' is missing or blank"]),
                ({"routing_key": key, "event_action": "resolve"}, ["'dedup_key' is missing or blank"]),
                ({"routing_key": key, "event_action": "trigger", "payload": {"severity": "loud"}},
                 ["'payload.summary' is missing or blank", "'payload.source' is missing or blank",
                  "'payload.severity' is invalid (must be one of: 'critical', 'warning', 'error', 'info')"]),
                ({"routing_key": key, "event_action": "trigger", "payload": good | {"summary": "x" * 1025}},
                 ["'payload.summary' is too long (maximum is 1024 characters)"]),
                ({"routing_key": key, "event_action": "trigger", "payload": good, "links": "x"}, ["'links' is invalid (must be a list)"]),
                ({"routing_key": "0" * 32, "event_action": "trigger", "payload": good}, ["Invalid routing key"]),
                (b"{", ["Event is not a JSON object"]), (b"[]", ["Event is not a JSON object"]), (b"", ["Event is not a JSON object"])):
            answer = client.request("POST", URL, body, headers={"Content-Type": "application/json"})
            self.assertEqual((answer.status, answer.json["status"], answer.json["message"], answer.json["errors"]),
                             (400, "invalid event", "Event object is invalid", errors), body)
        big = {"routing_key": key, "event_action": "trigger", "payload": good | {"custom_details": "x" * 520000}}
        self.assertEqual(client.request("POST", URL, big).json["errors"], ["Event is larger than 512000 bytes"])
        self.assertEqual(self.alerts(ann), [])
        row = ann.client.get("integrations")["items"][0]
        self.assertEqual((row["events"], row["heard_at"]), (0, None))
        self.assertIn("'links' is invalid", row["refused"])
        self.assertIn("larger than", ann.client.get("ways-in")["pagerduty"]["refused"])
        self.assertEqual(client.request("POST", URL, b"{}", headers={"Content-Type": "text/plain"}).status, 400)
        self.assertIn("application/json", ann.client.get("ways-in")["pagerduty"]["refused"])
        self.send(mainstay, key, payload=good | {"custom_details": {"x" * 300: "y" * 200000, "list": [1, {"a": None}]},
                                                 "timestamp": "yesterday"})
        self.assertEqual(len(self.alerts(ann)), 1)

    def test_keys_are_shown_once_rotated_revoked_and_tested(self):
        mainstay, ann, made = self.house()
        key, number = made["routing_key"], made["integration"]["id"]
        for path in "integrations", "journal", "export", "ways-in":
            self.assertNotIn(key, ann.client.request("GET", path).text)
        self.assertNotIn(key.encode(), mainstay.stored().read_bytes())
        tested = ann.client.post(f"integrations/{number}/test")
        self.assertEqual(self.alerts(ann, "firing")[0]["labels"]["dedup_key"], tested["dedup_key"])
        self.assertEqual(incident_for(ann, "shop")["urgency"], "low")
        other = ann.client.post(f"integrations/{number}/rotate")["routing_key"]
        self.send(mainstay, key, status=400)
        self.send(mainstay, other, dedup_key="a")
        row = ann.client.get("integrations")["items"][0]
        self.assertEqual((row["name"], row["service"], row["events"], row["made_by"]["id"]), ("Datadog", "shop", 2, ann.id))
        ann.client.delete(f"integrations/{number}")
        self.send(mainstay, other, status=400)
        self.assertEqual(ann.client.get("integrations")["items"], [])
        refused = ann.client.request("POST", "integrations", {"name": "x", "service": "nothing"})
        self.assertEqual((refused.status, refused.json["errors"][0]["field"]), (400, "service"))

    def test_an_event_that_was_answered_survives_a_crash_and_does_not_end_by_itself(self):
        mainstay, ann, made = self.house()
        key = made["routing_key"]
        self.send(mainstay, key, dedup_key="kept")
        mainstay.kill9()
        mainstay.start(port=int(mainstay.address.rpartition(":")[2]))
        ann.client = mainstay.signed_in() if mainstay.link else ann.client
        self.assertEqual(len(self.alerts(ann, "firing")), 1)
        self.send(mainstay, key, dedup_key="kept")
        self.assertEqual(len(self.alerts(ann)), 1)
        self.send(mainstay, key, "resolve", dedup_key="kept")
        self.assertEqual(self.alerts(ann, "firing"), [])

    def test_a_program_that_went_wild_is_told_to_come_back_later(self):
        mainstay, ann, made = self.house()
        found = []

        def hammer():
            client = mainstay.client()
            for _ in range(120):
                found.append(client.request("POST", URL, {"routing_key": made["routing_key"], "event_action": "resolve",
                                                          "dedup_key": "x"}))
        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        late = [answer for answer in found if answer.status != 202]
        self.assertEqual({answer.status for answer in late}, {429})
        self.assertGreaterEqual(int(late[0].headers["Retry-After"]), 1)
        self.assertEqual(late[0].json["status"], "throttle exceeded")
        self.assertGreaterEqual(len(found) - len(late), 300)
