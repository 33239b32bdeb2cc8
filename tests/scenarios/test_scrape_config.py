"""prometheus.yml on this machine: `check-config config` beside Debian's promtool, relabelling beside Debian's Prometheus."""
import contextlib
import http.server
import json
import subprocess
import threading
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

from mainstay import BINARY, TOP, Scenario, wait_until
from peers import Prometheus

DATA = TOP / "tests/conformance/promtool"
CASES = Path(__file__).with_name("scrape_configs.txt")
# Right to promtool, refused by us by name: a discovery that is not here (promtool 2.42 wants a region and refuses it, too).
REFUSED = {"prometheus-aws-sd-empty-region.good.yml"}
CONFIGS = sorted(p for p in DATA.glob("*.yml") if p.name.split(".")[-2] in ("good", "bad") or p.name.startswith(("config_", "prometheus-config")))


def run(*command, cwd=None):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd, timeout=120)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def verdicts(said):
    """{file: good} of what `check config` printed of many files."""
    found, name = {}, None
    for line in said.splitlines():
        if line.startswith("Checking "):
            name = line.removeprefix("Checking ")
        elif name and "SUCCESS" in line:
            found.setdefault(name, True)
        elif name and "FAILED" in line:
            found[name] = False
    return found


EXPOSITION = """# TYPE requests_total counter
requests_total{code="200",job="own",path="/a"} 1
requests_total{code="500",path="/b",exported_job="there"} 2
temperature{Room="Kitchen",unit=""} 21.5
go_goroutines 7
label_many{a1="1",a2="2",b1="3"} 1
"""

JOBS = """
scrape_configs:
  - job_name: plain
    static_configs: [{targets: ['ADDRESS'], labels: {site: zrh, __tmp_note: x}}]
    metric_relabel_configs: [{regex: '__name__|job|instance|exported_job|path|code|site|a.', action: labelkeep}]
  - job_name: probed
    metrics_path: /m
    params: {module: [http_2xx, second]}
    file_sd_configs: [{files: ['targets.json', 'more*.yml']}]
    relabel_configs:
      - {source_labels: [__meta_filepath], regex: '.*/([a-z]+)\\.(json|yml)', target_label: from, replacement: '$2-$1'}
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance, regex: '([^:]+):.*', replacement: 'host-$1'}
      - {source_labels: [tier, zone], separator: '/', target_label: place, action: replace}
      - {source_labels: [zone], target_label: zone_upper, action: uppercase}
      - {source_labels: [Team], target_label: team, action: lowercase}
      - {regex: 'Team', action: labeldrop}
      - {source_labels: [instance, zone], modulus: 1000, target_label: shard, action: hashmod}
      - {regex: '__meta_(file.*)', action: labelmap, replacement: 'meta_$1'}
      - {source_labels: [tier], regex: 'test|', action: drop}
      - {target_label: __address__, replacement: 'ADDRESS'}
      - {source_labels: [from], target_label: '${1}_made', regex: '(json).*', replacement: 'yes'}
  - job_name: kept
    honor_labels: true
    static_configs: [{targets: ['ADDRESS', '127.0.0.1:1']}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __tmp_same, regex: '(.*):1', replacement: 'x'}
      - {source_labels: [__tmp_same], regex: 'x', action: drop}
      - {source_labels: [job], target_label: __tmp_job}
      - {source_labels: [__tmp_job], target_label: job, action: keepequal}
      - {source_labels: [__scheme__], target_label: job, action: dropequal}
    metric_relabel_configs:
      - {source_labels: [__name__], regex: 'go_.*', action: drop}
      - {source_labels: [__name__, code], regex: 'requests_total;(.).*', target_label: class, replacement: '${1}xx'}
      - {source_labels: [code], regex: '500', target_label: __name__, replacement: 'errors_total'}
      - {regex: 'a[0-9]', action: labeldrop}
      - {source_labels: [Room], target_label: room, action: lowercase}
"""


class Exporter:
    """Serves one exposition whatever is asked."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(EXPOSITION.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Relabelling(Prometheus):
    def __init__(self, folder, jobs):
        super().__init__(folder, 0, "")
        self.jobs = jobs

    def configuration(self):
        return "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" + self.jobs

    def ask(self, path, **query):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]


def labels(pairs):
    return tuple(sorted(pairs.items()))


class ScrapeConfig(Scenario):
    maxDiff = None

    def test_each_configuration_of_the_suite_is_right_or_wrong_as_its_name_says_and_as_with_promtool(self):
        self.assertGreater(len(CONFIGS), 12)
        for file in CONFIGS:
            ours, said = run(BINARY, "check-config", "config", file.name, cwd=DATA)
            theirs, _ = run("promtool", "check", "config", file.name, cwd=DATA)
            self.assertEqual((file.name, theirs), (file.name, ours), said)
            if ".good." in file.name and file.name not in REFUSED and "rules" not in file.name:
                self.assertEqual((file.name, 0), (file.name, ours), said)
            elif ".bad." in file.name or file.name in REFUSED:
                self.assertEqual((file.name, 1), (file.name, ours), said)
        said = run(BINARY, "check-config", "config", *REFUSED, cwd=DATA)[1]
        self.assertIn(':8:5: "ec2_sd_configs" is a discovery that is not here', said)
        for file in ("config_with_rule_files.yml", "config_with_tls_files.yml", "config_with_service_discovery_files.yml"):
            self.assertEqual((file, 0), (file, run(BINARY, "check-config", "config", "--syntax-only", file, cwd=DATA)[0]))

    def test_other_configurations_are_right_or_wrong_as_with_promtool(self):
        contrary, names = set(), []
        for number, line in enumerate(CASES.read_text().splitlines()):
            if line.startswith("#"):
                continue
            name = f"case{number:03}.yml"
            if line.startswith("ours: "):
                line = line.removeprefix("ours: ")
                contrary.add(name)
            (self.folder / name).write_text(line.replace("\\n", "\n").replace("\\t", "\t") + "\n")
            names.append(name)
        _, said = run(BINARY, "check-config", "config", *names, cwd=self.folder)
        _, told = run("promtool", "check", "config", *names, cwd=self.folder)
        ours, theirs = verdicts(said), verdicts(told)
        self.assertEqual(names, sorted(ours))
        self.assertEqual(names, sorted(theirs))
        self.assertEqual(contrary, {n for n in names if ours[n] != theirs[n]}, said)
        self.assertGreater(len(names), 120)

    def test_a_target_file_with_something_wrong_is_told_by_its_own_line(self):
        (self.folder / "p.yml").write_text("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml]}]}]\n")
        for text, wanted in (("- targets: [a]\n", 0), ("- targats: [a]\n", 1), ("- targets: ['http://a']\n", 1), ("x: 1\n", 1)):
            (self.folder / "t.yml").write_text(text)
            ours, said = run(BINARY, "check-config", "config", "p.yml", cwd=self.folder)
            self.assertEqual((text, wanted), (text, ours), said)
            self.assertEqual((text, wanted), (text, run("promtool", "check", "config", "p.yml", cwd=self.folder)[0]))
            self.assertTrue(wanted == 0 or "t.yml:1:" in said, said)

    def test_jobs_of_other_files_are_checked_and_a_secret_is_not_told(self):
        (self.folder / "p.yml").write_text("scrape_config_files: ['jobs*.yml']\nscrape_configs: [{job_name: a}]\n")
        (self.folder / "jobs1.yml").write_text("scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: [sesame]}\n")
        status, said = run(BINARY, "check-config", "config", "p.yml", cwd=self.folder)
        self.assertEqual(1, status)
        self.assertIn('jobs1.yml:2:3: the job "a" is there already', said)
        self.assertIn('jobs1.yml:3:39: "password" must be text, not a list', said)
        self.assertNotIn("sesame", said)

    def test_relabelling_leads_to_the_targets_and_series_that_prometheus_has(self):
        exporter = self.peer(Exporter())
        jobs = JOBS.replace("ADDRESS", exporter.address)
        theirs = Relabelling(self.folder, jobs)
        theirs.folder.mkdir(parents=True)
        (theirs.folder / "targets.json").write_text(json.dumps(
            [{"targets": ["a:1", "b:2"], "labels": {"tier": "1", "zone": "eu-west", "Team": "Blue"}},
             {"targets": ["c:3"], "labels": {"tier": "test"}}]))
        (theirs.folder / "more1.yml").write_text("- targets: [d:4]\n  labels: {tier: two, zone: us}\n- targets: [e:5]\n")
        (theirs.folder / "scraped.prom").write_text(EXPOSITION)
        self.peer(theirs)
        config = theirs.folder / "prometheus.yml"
        status, said = run(BINARY, "check-config", "targets", config)
        self.assertEqual(0, status, said)
        found = [json.loads(line) for line in said.splitlines()]
        kept = [t for t in found if t["fate"] == "kept"]
        wait_until(lambda: len(theirs.ask("/api/v1/targets")["activeTargets"]) == len(kept) and all(
            t["health"] == "up" for t in theirs.ask("/api/v1/targets")["activeTargets"]), 60, "Prometheus to scrape all")
        targets = theirs.ask("/api/v1/targets")
        self.assertEqual(sorted((t["scrapePool"], labels(t["labels"]), t["scrapeUrl"]) for t in targets["activeTargets"]),
                         sorted((t["job"], labels(t["labels"]), t["url"]) for t in kept))
        # Prometheus 2.42 relabels some of what it calls discovered in place: only what no rule touches can be compared.
        untouched = ("__address__", "__scheme__", "job")
        self.assertEqual(sorted([t["discoveredLabels"].get(n) for n in untouched] for t in targets["droppedTargets"]),
                         sorted([t["discovered"][n] for n in untouched] for t in found if t["fate"] == "dropped"))
        self.assertEqual((5, 3), (len(kept), len(found) - len(kept)))
        status, said = run(BINARY, "check-config", "targets", "--exposition", theirs.folder / "scraped.prom", config)
        self.assertEqual(0, status, said)
        series = [s for s in theirs.ask("/api/v1/series", **{"match[]": '{job=~".+"}'})
                  if s["__name__"] != "up" and not s["__name__"].startswith("scrape_")]
        ours = sorted(said.splitlines())
        self.assertEqual(sorted(self.written(s) for s in series), ours)
        self.assertGreater(len(ours), 20)

    @staticmethod
    def written(pairs):
        rest = ", ".join(f"{n}={json.dumps(v)}" for n, v in sorted(pairs.items()) if n != "__name__")
        return pairs["__name__"] + "{" + rest + "}"


if __name__ == "__main__":
    unittest.main()
