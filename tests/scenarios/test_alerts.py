"""Alerts of other programs: a real Prometheus with a rule on a stopped node_exporter, amtool, and hostile bodies."""
import collections
import datetime
import json
import pathlib
import subprocess

from mainstay import BINARY, TOP, Scenario, wait_until
from peers import NodeExporter, Prometheus, Webhook
from steps import alerts_rebuilt, first_person, incident_for, notifications, pages, policy, service, timeline, verified
from world import in_time

LATE_MAX = datetime.timedelta(seconds=2)  # on a busy machine, and a last refresh that was under way


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def instant(seconds):
    """A time from now on, as Prometheus writes it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Alerts(Scenario):
    def begin(self, *arguments):
        self.hook = self.peer(Webhook())
        self.server = self.mainstay(*arguments)
        self.ann = first_person(self.server)
        notifications(self.ann)
        self.ann.forget_browser()
        self.ann.reach_by("webhook", {"url": self.hook.url}, secret=self.hook.secret)
        policy(self.ann, "ops", [{"user": self.ann.email}])
        service(self.ann, "shop", "ops", display="The shop", tier=1)
        self.token = self.new_token("act")
        self.program = self.server.client(token=self.token)

    def new_token(self, scope):
        return self.ann.client.post("tokens", {"name": f"may {scope}", "scopes": [scope],
                                               "expires_at": in_time(days=1)})["secret"]

    def post(self, *alerts, status=200, client=None, **more):
        answer = (client or self.program).request("POST", "/api/v2/alerts", list(alerts), **more)
        self.assertEqual(answer.status, status, answer)
        return answer

    def alerts(self, query=""):
        return self.ann.client.items(f"alerts{query}")

    def events(self, kind):
        return self.ann.client.items(f"journal?kind={kind}")

    def active(self):
        return self.program.ok("GET", "/api/v2/alerts")


class FromPrometheus(Alerts):
    def prometheus(self, exporter, **more):
        return self.peer(Prometheus(self.folder, exporter.port, self.server.address, **more))

    def test_a_rule_of_prometheus_pages_refreshes_and_ends(self):
        self.begin()
        exporter = self.peer(NodeExporter())
        prometheus = self.prometheus(exporter)
        exporter.stop()
        incident = incident_for(self.ann, "shop", seconds=30)
        self.assertEqual(incident["title"], f"The shop: nobody answers at 127.0.0.1:{exporter.port}")
        self.assertEqual((incident["impact"], incident["urgency"]), ("high", "high"))
        page = self.hook.wait_for(1, 20)[0]
        self.assertIn("nobody answers", page.body.decode())
        alert = incident["alerts"][0]
        self.assertEqual(alert["runbook_url"], "https://runbooks.example.org/node-exporter")
        self.assertIn("/graph?", alert["generator_url"])
        self.assertEqual(alert["labels"]["instance"], f"127.0.0.1:{exporter.port}")
        self.assertEqual((alert["source"], alert["state"]), ("alertmanager", "firing"))

        before = len(self.ann.client.items("journal"))
        told = self.active()[0]["updatedAt"]
        wait_until(lambda: self.active()[0]["updatedAt"] > told, 15, "a refresh")
        self.assertEqual(len(self.ann.client.items("journal")), before, "a refresh is no news")

        exporter.start()
        ended = incident_for(self.ann, "shop", "resolved", 30)
        self.assertEqual(ended["resolve_reason"], "every alert has ended")
        self.assertEqual(self.active(), [])
        prometheus.stop()
        self.server.stop()
        verified(self.server)

    def test_a_prometheus_that_is_stopped_lets_its_alerts_end_when_it_promised(self):
        self.begin()
        exporter = self.peer(NodeExporter())
        prometheus = self.prometheus(exporter, token=self.token)
        exporter.stop()
        incident_for(self.ann, "shop", seconds=30)
        prometheus.stop()
        last = self.active()[0]
        ended = incident_for(self.ann, "shop", "resolved", 20)  # 4 times the second of its rules
        late = at(ended["alerts"][0]["resolved_at"]) - at(last["endsAt"])
        self.assertTrue(datetime.timedelta(0) <= late < LATE_MAX, f"it ended {late} after it was to")

    def test_a_restart_of_mainstay_ends_no_alert_whose_refreshes_it_may_have_missed(self):
        self.begin()
        self.post({"labels": {"alertname": "Slow", "service": "shop"}, "endsAt": instant(4)},
                  {"labels": {"alertname": "Fast", "service": "shop"}, "endsAt": instant(4)})
        incident_for(self.ann, "shop")
        self.server.kill9()
        self.server.start()
        self.program = self.server.client(token=self.token)
        ends = sorted(alert["endsAt"] for alert in self.active())
        self.assertEqual(len(ends), 2)
        self.assertGreater(ends[0], instant(200))
        self.post({"labels": {"alertname": "Fast", "service": "shop"}, "endsAt": instant(2)})  # it is told again
        wait_until(lambda: [a["labels"]["alertname"] for a in self.active()] == ["Slow"], 15, "Fast to end")
        self.post({"labels": {"alertname": "Slow", "service": "shop"}, "endsAt": instant(-1)})
        incident_for(self.ann, "shop", "resolved")


class OneBody(Alerts):
    def test_one_post_is_one_event_and_one_incident_for_each_service(self):
        self.begin()
        rows = [{"labels": {"alertname": "Full", "service": "shop", "disk": str(n)}} for n in range(40)]
        self.post(*rows, {"labels": {"alertname": "Other", "severity": "info"}})
        incident = incident_for(self.ann, "shop")
        self.assertEqual(incident["alerts_firing"], 40)
        self.assertEqual(len(self.events("alert.batch")), 1)
        self.assertEqual([e["text"] for e in timeline(self.ann, incident["id"]) if "joined" in e["text"]],
                         ["40 alerts joined; the first: Full"])
        self.assertEqual([a["labels"]["disk"] for a in self.alerts(f"?incident={incident['id']}&limit=100")],
                         [str(n) for n in reversed(range(40))])
        joined = [e["seq"] for e in self.events("incident.alerts_joined") if e["payload"]["incident"] == incident["id"]]
        other = [i for i in self.ann.client.items("incidents") if i["title"] == "Other"]
        self.assertEqual([(i["urgency"], i["service"]) for i in other], [("low", None)])
        self.post(*rows)
        self.post(*[row | {"endsAt": instant(-1)} for row in rows[:39]])
        self.assertEqual(self.ann.client.get(f"incidents/{incident['id']}")["alerts_firing"], 1)
        self.assertEqual(len(self.events("alert.batch")), 2)
        self.post(rows[39] | {"endsAt": instant(-1)})
        incident_for(self.ann, "shop", "resolved")
        then = f"?incident={incident['id']}&limit=100&as_of={joined[0]}"
        self.assertEqual({(a["state"], a["incident"]) for a in self.alerts(then)}, {("firing", incident["id"])})
        self.assertEqual(len(self.alerts(then)), 40)
        self.assertEqual(self.alerts(f"?incident={incident['id']}&limit=100&as_of={joined[0] - 1}"), [])
        self.post(rows[39])  # it comes back: another episode
        self.assertEqual(len(self.alerts("?state=firing")), 2)
        self.server.stop()
        verified(self.server)

    def test_alerts_of_many_services_in_one_post_are_each_with_their_own_also_where_one_is_muted(self):
        self.begin()
        known = [f"s{number}" for number in range(0, 60, 7)]
        for name in known:
            service(self.ann, name, "ops")
        self.ann.client.post("mutes", {"kind": "service", "name": "s14", "for": "15m", "reason": "moving"})
        self.post(*[{"labels": {"alertname": "Full", "service": f"s{number % 60}", "disk": str(number)}}
                    for number in range(120)])
        told = {alert["labels"]["disk"]: alert["labels"]["service"] for alert in self.active()}
        self.assertEqual(told, {str(number): f"s{number % 60}" for number in range(120)})
        counts = collections.Counter(alert["service"] for alert in self.ann.client.items("alerts?limit=200"))
        self.assertEqual(counts, {name: 2 for name in known} | {None: 120 - 2 * len(known)})
        self.assertEqual({i["service"] for i in self.ann.client.items("incidents?limit=200")}, {None, *known} - {"s14"})

    def test_what_is_kept_of_any_texts_is_what_a_rebuild_reads_of_the_journal(self):
        self.begin()
        texts = ["\x01\x1f\x7f\x85\u2028\ufeff\uffff", "\U0001f525 \u00e9e\u0301", '"\\/\b\f\n\r\t', "</script>&amp;{{ . }}",
                 "'; DROP TABLE alert; --", " a ", "\n", "x" * 1024, "\u00e9" * 512, "null", "1e999"]
        alerts = [{"labels": {"alertname": text, "service": "shop", "severity": text, "team": text, "n": str(n), "z": text},
                   "annotations": {"summary": text, "title": text, "b": text, "a": "", "runbook_url": f"https://x.org/{n}?{text}"},
                   "generatorURL": f"http://p:9090/{text}"} for n, text in enumerate(texts)]
        self.post(*alerts)
        self.post(*[alert | {"endsAt": instant(-1)} for alert in alerts[::2]])
        self.assertEqual(len(self.alerts("?state=resolved")), len(alerts[::2]))
        self.server.stop()
        kept = alerts_rebuilt(self.server)
        self.assertEqual((len(kept["alert"]), len(kept["alert_text"])), (len(alerts), len(alerts)))

    def test_bad_alerts_do_not_take_the_good_ones_with_them_and_errors_are_texts(self):
        self.begin()
        answer = self.post({"labels": {"alertname": "Good"}}, {"labels": {"1bad": "x"}}, {"labels": {}}, status=400)
        self.assertEqual(answer.json, 'invalid label set: invalid name "1bad" (alert 1); '
                                      'at least one label pair required (alert 2)')
        self.assertEqual([a["labels"] for a in self.active()], [{"alertname": "Good"}])
        for body in (b"", b"nope", b"{}", b"[1]", b'[{"labels":{"a":5}}]', b"[" * 5000):
            answer = self.program.request("POST", "/api/v2/alerts", body,
                                          headers={"Content-Type": "application/json"})
            self.assertEqual(answer.status, 400, body[:20])
            self.assertIsInstance(answer.json, str)
        long = {"labels": {"alertname": "Long", "text": "x" * 1025}}
        self.assertEqual(self.program.request("POST", "/api/v2/alerts", json.dumps([long]).encode(),
                                              headers={"Content-Type": "application/json"}).status, 400)
        many = json.dumps([{"labels": {"n": str(n)}} for n in range(5001)]).encode()
        self.assertEqual(self.program.request("POST", "/api/v2/alerts", many,
                                              headers={"Content-Type": "application/json"}).status, 413)

    def test_notes_that_change_with_each_refresh_are_shown_and_not_recorded(self):
        self.begin()
        for value in ("1", "2", "3"):
            self.post({"labels": {"alertname": "Load"}, "annotations": {"value": value}})
        self.assertEqual(self.active()[0]["annotations"], {"value": "3"})
        self.assertEqual(len(self.events("alert.batch")), 1)

    def test_a_muted_service_is_recorded_and_pages_when_the_mute_ends(self):
        self.begin()
        mute = self.ann.client.post("mutes", {"kind": "service", "name": "shop", "for": "15m", "reason": "moving"})
        self.post({"labels": {"alertname": "Quiet", "service": "shop"}})
        self.assertEqual([a["name"] for a in self.alerts("?state=firing")], ["Quiet"])
        self.assertEqual(self.ann.client.items("incidents"), [])
        self.ann.client.delete(f"mutes/{mute['id']}")
        incident_for(self.ann, "shop")


class WhoMayPost(Alerts):
    def test_without_a_token_only_a_program_of_this_machine_is_heard(self):
        self.begin()
        nobody = self.server.client()
        row = {"labels": {"alertname": "Local"}}
        self.post(row, client=nobody)
        for headers in ({"Host": "mainstay.example.org"}, {"Origin": "http://127.0.0.1"}, {"Via": "1.1 proxy"},
                        {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"},
                        {"Host": "localhost:" + self.server.address.rpartition(":")[2]}):
            self.post(row, client=nobody, status=401, headers=headers)
        for path in ("/api/v2/alerts", "/api/v2/status"):
            self.assertEqual(nobody.request("GET", path).status, 401)
        reader = self.server.client(token=self.new_token("read"))
        self.post(row, client=reader, status=403)

    def test_with_a_public_address_everybody_needs_a_token(self):
        self.begin("--public-url", "https://mainstay.example.org")
        row = {"labels": {"alertname": "Local"}}
        self.post(row, client=self.server.client(), status=401)
        self.post(row)


class Amtool(Alerts):
    def amtool(self, *words):
        config = pathlib.Path(self.folder) / "amtool-http.yml"
        config.write_text(f"authorization: {{credentials: {self.token}}}\n")
        done = subprocess.run(["amtool", f"--alertmanager.url=http://{self.server.address}",
                               f"--http.config.file={config}", *words], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def test_amtool_adds_and_finds_alerts(self):
        self.begin()
        self.amtool("alert", "add", "alertname=Disk", "service=shop", "--annotation=summary=it is full")
        self.amtool("alert", "add", "alertname=Other", "severity=info")
        incident_for(self.ann, "shop")
        found = json.loads(self.amtool("-o", "json", "alert", "query"))
        self.assertEqual(sorted(a["labels"]["alertname"] for a in found), ["Disk", "Other"])
        found = json.loads(self.amtool("-o", "json", "alert", "query", "alertname=Disk"))
        self.assertEqual([a["annotations"] for a in found], [{"summary": "it is full"}])
        self.assertIn("Disk", self.amtool("alert", "query"))
        self.amtool("alert", "add", "alertname=Disk", "service=shop", f"--end={instant(-1)}", f"--start={instant(-9)}")
        incident_for(self.ann, "shop", "resolved")


class Figures(Scenario):
    def test_the_short_form_of_the_figures_finds_the_same_alerts_on_both_sides(self):
        done = subprocess.run([TOP / "bench/alerts", "--short", BINARY.parent], capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("refresh: both hold what was sent: Mainstay 10000, Alertmanager 10000", done.stdout)
