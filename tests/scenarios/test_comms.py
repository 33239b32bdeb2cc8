"""Telling people: an update that is owed, late, written, taken back, corrected; status pages, also without a store."""
import gzip
import http.client
import json
import re
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from jsonschema import Draft202012Validator

from mainstay import BINARY, TOP, Scenario, wait_until
from peers import Nginx, Ntfy
from steps import declare, define, fast_check, first_person, incident_for, invite, notifications, policy, service, timeline

TIME = {"type": "string", "format": "date-time"}
MAYBE_TIME = {"type": ["string", "null"]}
STATUSES = ["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"]


def thing(required, **properties):
    return {"type": "object", "required": required + list(properties), "properties": properties}


PAGE = thing([], id={"type": "string"}, name={"type": "string"}, url={"type": "string"}, time_zone={"type": "string"}, updated_at=TIME)
STATUS = thing([], indicator={"enum": ["none", "minor", "major", "critical", "maintenance"]}, description={"type": "string"})
COMPONENT = thing(["created_at", "updated_at", "position", "description", "showcase", "start_date", "group_id", "page_id",
                   "only_show_if_degraded"], id={"type": "string"}, name={"type": "string"}, status={"enum": STATUSES},
                  group={"type": "boolean"})
UPDATE = thing(["updated_at", "custom_tweet", "tweet_id", "deliver_notifications"], id={"type": "string"}, status={"type": "string"},
               body={"type": "string"}, incident_id={"type": "string"}, created_at=TIME, display_at=TIME,
               affected_components={"anyOf": [{"type": "null"}, {"type": "array", "items": thing(
                   [], code={"type": "string"}, name={"type": "string"}, old_status={"enum": STATUSES}, new_status={"enum": STATUSES})}]})
INCIDENT = thing(["monitoring_at", "page_id"], id={"type": "string"}, name={"type": "string"},
                 status={"enum": ["investigating", "identified", "monitoring", "resolved", "postmortem"]}, created_at=TIME,
                 updated_at=TIME, resolved_at=MAYBE_TIME, impact={"enum": ["none", "minor", "major", "critical"]},
                 shortlink={"type": "string"}, started_at=TIME, incident_updates={"type": "array", "items": UPDATE},
                 components={"type": "array", "items": COMPONENT})
MAINTENANCE = thing([], id={"type": "string"}, name={"type": "string"}, scheduled_for=TIME, scheduled_until=TIME,
                    status={"enum": ["scheduled", "in_progress", "verifying", "completed"]},
                    incident_updates={"type": "array", "items": UPDATE})
LIST = lambda of: {"type": "array", "items": of}  # noqa: E731
CONTRACT = {
    "status.json": thing([], page=PAGE, status=STATUS),
    "summary.json": thing([], page=PAGE, status=STATUS, components=LIST(COMPONENT), incidents=LIST(INCIDENT),
                          scheduled_maintenances=LIST(MAINTENANCE)),
    "components.json": thing([], page=PAGE, components=LIST(COMPONENT)),
    "incidents.json": thing([], page=PAGE, incidents=LIST(INCIDENT)),
    "incidents/unresolved.json": thing([], page=PAGE, incidents=LIST(INCIDENT)),
    "scheduled-maintenances.json": thing([], page=PAGE, scheduled_maintenances=LIST(MAINTENANCE)),
    "scheduled-maintenances/upcoming.json": thing([], page=PAGE, scheduled_maintenances=LIST(MAINTENANCE)),
    "scheduled-maintenances/active.json": thing([], page=PAGE, scheduled_maintenances=LIST(MAINTENANCE)),
}
FILES = ["", "/history", "/history.atom", "/history.rss"] + [f"/api/v2/{name}" for name in CONTRACT]


def fetch(url, **headers):
    """Status, headers and text of a plain GET, as somebody without account sends it."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read().decode()


class Telling(Scenario):
    def setting(self, *arguments, **page):
        """A service that customers use, on a public page, and somebody who is told by ntfy."""
        self.ntfy = self.peer(Ntfy())
        self.mainstay_ = mainstay = self.mainstay(*arguments)
        ann = first_person(mainstay)
        notifications(ann, ntfy=self.ntfy)
        ann.forget_browser()
        ann.reach_by("ntfy", {"topic": "ann"})
        policy(ann, "default", [{"user": ann.email}], rounds=1)
        service(ann, "shop", "default", display="Web shop", customers=True, impact="high")
        define(ann, "StatusPage", "main", {"title": "Acme", "groups": [{"title": "For customers", "components": [
            {"service": "shop", "name": "Shop <b>"}]}]} | page)
        return mainstay, ann

    def url(self, rest=""):
        return f"http://{self.mainstay_.address}/status/main{rest}"

    def json(self, name):
        status, headers, text = fetch(self.url(f"/api/v2/{name}"))
        self.assertEqual((200, "*"), (status, headers["Access-Control-Allow-Origin"]))
        found = json.loads(text)
        Draft202012Validator(CONTRACT[name]).validate(found)
        return found

    def until_shown(self, text, rest=""):
        return wait_until(lambda: (lambda got: text in got[2] and got)(fetch(self.url(rest))), 30, f"{text!r} on the page")

    def refused(self, status, person, method, path, body=None):
        self.assertEqual(status, person.client.request(method, path, body if method == "GET" else body or {}).status, path)

    def everything(self):
        return {rest: fetch(self.url(rest))[2] for rest in FILES}

    def test_news_reaches_the_public_page_after_ten_seconds_and_is_corrected_in_the_open(self):
        mainstay, ann = self.setting()
        self.until_shown("All Systems Operational")
        incident = declare(ann, "db-03 is on fire", service="shop")
        body = {"audience": "customers", "state": "investigating", "text": "**Paying** fails <script>alert(1)</script> since 14:02 UTC."}
        check = ann.client.post(f"incidents/{incident}/updates/check", body)
        self.assertEqual(["action", "next"], [hint["code"] for hint in check["hints"]])
        self.assertIn("<strong>Paying</strong>", check["html"])
        self.assertNotIn("<script", check["html"])
        update = ann.client.post(f"incidents/{incident}/updates", body)
        self.assertEqual("waiting", update["delivery"])
        self.assertNotIn("Paying", fetch(self.url())[2])
        _, headers, page = self.until_shown("<strong>Paying</strong>")
        self.assertIn("Problem with Web shop", page)
        self.assertIn("Shop &lt;b&gt;", page)
        self.assertNotIn("<script", page)
        self.assertNotIn("db-03", "".join(self.everything().values()))
        self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
        self.assertIn("public, max-age", headers["Cache-Control"])
        shown = self.json("incidents/unresolved.json")["incidents"][0]
        self.assertEqual(("investigating", "critical"), (shown["status"], shown["impact"]))
        self.assertEqual("major_outage", self.json("components.json")["components"][0]["status"])
        self.assertEqual("critical", self.json("status.json")["status"]["indicator"])
        self.assertIn("Paying", fetch(shown["shortlink"])[2])
        ann.client.post(f"incidents/{incident}/updates/{update['id']}/edit", {"text": "Paying *by card* fails.", "reason": "only cards"})
        self.until_shown("<em>by card</em>", f"/incidents/{shown['id']}")
        self.assertIn("(corrected)", fetch(shown["shortlink"])[2])
        said = [row["text"] for row in timeline(ann, incident)]
        self.assertTrue(any("<script>" in text for text in said), "the journal forgot what it said before")
        ann.client.post(f"incidents/{incident}/resolve")
        over = ann.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "resolved", "text": "Over. No data was lost."})
        self.assertEqual([{"service": "shop", "status": "operational"}], over["components"])
        self.until_shown("All Systems Operational")
        self.assertEqual("resolved", self.json("incidents.json")["incidents"][0]["status"])

    def test_an_update_that_is_taken_back_in_time_was_never_public(self):
        mainstay, ann = self.setting()
        incident = declare(ann, "a problem", service="shop")
        update = ann.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "investigating", "text": "nonsense"})
        back = ann.client.post(f"incidents/{incident}/updates/{update['id']}/withdraw")
        self.assertEqual("withdrawn", back["delivery"])
        self.refused(409, ann, "POST", f"incidents/{incident}/updates/{update['id']}/withdraw")
        other = ann.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "identified", "text": "sense"})
        self.until_shown("sense")
        self.assertNotIn("nonsense", "".join(self.everything().values()))
        self.refused(409, ann, "POST", f"incidents/{incident}/updates/{other['id']}/withdraw")

    def test_whoever_has_the_incident_is_reminded_and_told_when_an_update_is_late(self):
        mainstay, ann = self.setting()
        define(ann, "UpdateCadence", "default", {"P1": {"first": "12s", "public": "12s", "internal": "1h"}})
        incident = declare(ann, "slow", service="shop")
        ann.client.post(f"incidents/{incident}/acknowledge")
        wait_until(lambda: [m for m in self.ntfy.good() if b"due soon" in m.body], 30, "a reminder")
        wait_until(lambda: [m for m in self.ntfy.good() if b"is late" in m.body], 40, "that it is late")
        due = [row for row in ann.client.get("now")["updates_due"] if row["incident"] == incident]
        self.assertEqual([True, "public"], [due[0]["late"], due[0]["audience"]])
        self.assertIsNotNone(ann.client.get(f"incidents/{incident}")["updates_due"]["public"])
        ann.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "monitoring", "text": "It works again."})
        self.assertEqual([], [r for r in ann.client.get("now")["updates_due"] if r["incident"] == incident and r["audience"] == "public" and r["late"]])

    def test_feeds_parse_and_name_each_update_for_ever(self):
        mainstay, ann = self.setting()
        incident = declare(ann, "a problem", service="shop")
        ann.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "investigating", "text": "A < B & C"})
        self.until_shown("A &amp;lt; B &amp;amp;", "/history.atom")
        atom = xml.etree.ElementTree.fromstring(fetch(self.url("/history.atom"))[2])
        entry = atom.find("{http://www.w3.org/2005/Atom}entry")
        rss = xml.etree.ElementTree.fromstring(fetch(self.url("/feed.rss"))[2])
        guid = rss.find("channel/item/guid").text
        self.assertEqual(guid, entry.find("{http://www.w3.org/2005/Atom}id").text)
        _, headers, _ = fetch(self.url("/history.rss"))
        self.assertEqual(304, fetch(self.url("/history.rss"), **{"If-None-Match": headers["ETag"]})[0])

    def test_a_private_incident_and_news_for_those_inside_are_nowhere_on_a_page(self):
        mainstay, ann = self.setting(automatic="P5")
        hidden = declare(ann, "canarybird", service="shop", visibility="private")
        self.refused(409, ann, "POST", f"incidents/{hidden}/updates", {"audience": "customers", "state": "investigating", "text": "canarybird"})
        ann.client.post(f"incidents/{hidden}/updates", {"audience": "engineers", "state": "investigating", "text": "canarybird"})
        seen = declare(ann, "canarybird open", service="shop")
        ann.client.post(f"incidents/{seen}/updates", {"audience": "executives", "state": "investigating", "text": "canarybird"})
        self.until_shown("Problem with Shop")
        time.sleep(11)
        self.assertEqual(1, len(self.json("incidents.json")["incidents"]))
        for rest, text in self.everything().items():
            self.assertNotIn("canarybird", text, rest)
        bob = invite(ann, mainstay, "Bob")
        self.refused(404, bob, "GET", f"incidents/{hidden}/updates")

    def test_a_private_page_is_for_who_is_signed_in(self):
        mainstay, ann = self.setting(private=True)
        wait_until(lambda: ann.client.request("GET", "/status/main").status == 200, 30, "the page for who is signed in")
        for rest in FILES:
            self.assertEqual(404, fetch(self.url(rest))[0], rest)

    def test_planned_work_is_announced_mutes_and_ends(self):
        mainstay, ann = self.setting()
        at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))  # noqa: E731
        made = ann.client.post("maintenances", {"title": "New disks", "text": "Slow for an hour.", "services": ["shop"],
                                                "from": at(4), "until": at(3600)})
        self.assertEqual("scheduled", made["state"])
        wait_until(lambda: ann.client.get(f"maintenances/{made['id']}")["state"] == "in_progress", 30, "the work has begun")
        self.assertEqual(["shop"], [mute["name"] for mute in ann.client.get("mutes")["items"]])
        self.until_shown("New disks")
        wait_until(lambda: self.json("components.json")["components"][0]["status"] == "under_maintenance", 20, "under maintenance")
        self.assertEqual("New disks", self.json("scheduled-maintenances/active.json")["scheduled_maintenances"][0]["name"])
        self.assertEqual([made["id"]], [m["id"] for m in ann.client.get("now")["maintenances"]])
        ann.client.post(f"maintenances/{made['id']}/move", {"to": "verifying"})
        ann.client.post(f"maintenances/{made['id']}/move", {"to": "completed", "text": "All new."})
        self.assertEqual([], ann.client.get("mutes")["items"])
        self.refused(409, ann, "POST", f"maintenances/{made['id']}/move", {"to": "verifying"})
        wait_until(lambda: self.json("scheduled-maintenances.json")["scheduled_maintenances"][0]["status"] == "completed", 20, "completed")
        self.assertEqual("operational", self.json("components.json")["components"][0]["status"])

    def form(self, path, **fields):
        """What a browser without script sends, and the page it gets."""
        body = urllib.parse.urlencode(fields).encode() if fields else None
        answer = self.mainstay_.client().request("POST" if fields else "GET", path, body,
                                                 headers={"Content-Type": "application/x-www-form-urlencoded"} if fields else {})
        return answer.status, answer.body.decode()

    def test_readers_say_whether_an_update_helps_and_that_it_is_not_fixed_for_them(self):
        mainstay, ann = self.setting()
        incident = declare(ann, "db7 is full", service="shop")
        post = lambda state: ann.client.post(f"incidents/{incident}/updates", {  # noqa: E731
            "audience": "customers", "state": state, "title": "Payments", "text": f"{state}: we know what it is."})
        post("identified")
        page = self.until_shown("Does this help you?")[2]
        action = re.search(r'<form class="rate" method="post" action="(/status/main/incidents/[0-9a-z]{12})">', page)[1]
        update = re.search(r'name="update" value="([0-9a-z]{12})"', page)[1]
        rating = lambda: ann.client.get(f"incidents/{incident}/updates")["items"][-1]["rating"]  # noqa: E731
        self.assertEqual({"helped": 0, "unsure": 0}, rating())
        self.assertEqual(200, self.form(action)[0], "a GET counts nothing")
        for act in ("helped", "unsure", "helped"):
            self.assertIn("Thank you", self.form(action, update=update, act=act)[1])
        self.assertEqual({"helped": 2, "unsure": 1}, rating())
        self.assertEqual(404, self.form(action, update="000000000000", act="helped")[0])
        self.assertEqual(400, self.form(action, update=update, act="no")[0])
        self.assertEqual({"helped": 2, "unsure": 1}, rating())
        self.assertNotIn("Still broken", fetch(self.url(action[len("/status/main"):]))[2])
        post("resolved")
        ann.client.post(f"incidents/{incident}/resolve", {})
        page = self.until_shown("Still broken for me", action[len("/status/main"):])[2]
        path = re.search(r'href="(/status/main/report\?incident=[0-9a-z]{12})"', page)[1]
        status, form = self.form(path)
        self.assertEqual(200, status)
        self.assertIn("“Payments” is over", form)
        component = re.search(r'<option value="([0-9a-z]{12})" selected>Shop &lt;b&gt;<', form)[1]
        self.assertNotIn('value="shop"', form)
        hidden = re.search(r'name="incident" value="([0-9a-z]{12})"', form)[1]
        sent = {"text": "I still cannot pay", "severity": "stopped", "service": component, "incident": hidden}
        self.assertEqual(201, self.form("/status/main/report", **sent)[0])
        report = ann.client.get("reports")["items"][0]
        self.assertEqual(("new", "not_fixed", incident, "shop", "main", "Acme", "Shop <b>"),
                         tuple(report[key] for key in ("state", "verdict", "verdict_of", "service", "page", "page_title", "component")))
        self.assertEqual(incident, report["suggested"]["id"])
        self.assertEqual("resolved", ann.client.get(f"incidents/{incident}")["state"])
        ann.client.post(f"reports/{report['id']}/join", {"incident": incident})
        self.assertEqual(1, ann.client.get(f"incidents/{incident}/people")["not_fixed"])
        self.assertEqual(400, self.form("/status/main/report", text="x", severity="small", service="shop")[0], "its own ids only")

    def test_a_status_set_by_hand_outweighs_what_is_measured_and_ends(self):
        mainstay, ann = self.setting()
        made = ann.client.post("component-overrides", {"service": "shop", "status": "degraded_performance", "for": "1m", "reason": "we feel it"})
        self.until_shown("Degraded performance")
        self.assertNotIn("we feel it", "".join(self.everything().values()))
        ann.client.delete(f"component-overrides/{made['id']}")
        self.until_shown("All Systems Operational")

    def test_a_stopped_service_shows_on_the_page_by_itself(self):
        nginx = self.peer(Nginx(self.folder))
        mainstay, ann = self.setting(automatic="P2")
        fast_check(ann, "web", nginx.url, service="shop")
        wait_until(lambda: ann.client.get("checks/web")["state"] == "up", 20, "the check is up")
        nginx.stop()
        incident_for(ann, "shop")
        self.until_shown("There is a problem with Shop")
        self.assertEqual("major_outage", self.json("summary.json")["components"][0]["status"])
        nginx.start()
        self.until_shown("All Systems Operational")

    def test_the_public_address_serves_pages_and_nothing_else(self):
        mainstay, ann = self.setting("--status-listen", "127.0.0.1:0")
        public = next(line for line in mainstay.lines if "status pages on" in line).rpartition(" ")[2]
        wait_until(lambda: "All Systems Operational" in fetch(public + "/")[2], 30, "the home page")
        self.assertEqual("none", json.loads(fetch(public + "/api/v2/status.json")[2])["status"]["indicator"])
        for path in ("/api/v1/now", "/api/v1/session", "/incidents", "/readyz", "/templates/status.html", "/index.html"):
            self.assertEqual(404, fetch(public + path)[0], path)
        connection = http.client.HTTPConnection(public.removeprefix("http://"))
        connection.request("GET", "/", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        self.assertEqual("gzip", answer.headers["Content-Encoding"])
        self.assertIn("Acme", gzip.decompress(answer.read()).decode())

    def test_the_page_stands_while_the_store_is_dead_and_after_a_start_without_one(self):
        mainstay, ann = self.setting()
        incident = declare(ann, "a problem", service="shop")
        ann.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "investigating", "text": "We are on it."})
        self.until_shown("We are on it.")
        mainstay.stop()
        store = mainstay.data / "mainstay.db"
        kept = store.read_bytes()
        for name in ("mainstay.db-wal", "mainstay.db-shm"):
            (mainstay.data / name).unlink(missing_ok=True)
        store.write_bytes(b"this is no database" * 1000)
        mainstay.start()
        status, _, page = fetch(self.url())
        self.assertEqual(200, status)
        self.assertIn("We are on it.", page)
        self.assertIn("could not be renewed since", page)
        self.assertEqual("critical", json.loads(fetch(self.url("/api/v2/status.json"))[2])["status"]["indicator"])
        self.assertEqual(503, fetch(f"http://{mainstay.address}" + "/api/v1/now")[0])
        store.write_bytes(kept)
        wait_until(lambda: fetch(f"http://{mainstay.address}" + "/readyz")[0] == 200, 30, "everything works again")
        wait_until(lambda: "could not be renewed" not in fetch(self.url())[2], 30, "a fresh page")


class Figure(unittest.TestCase):
    def test_the_figure_of_the_status_page_beside_nginx_can_be_taken(self):
        done = subprocess.run([TOP / "bench/status", BINARY, "--short"], capture_output=True, text=True, timeout=180)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, "ratio|skipped")
