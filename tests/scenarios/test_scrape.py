"""Scraping: the same prometheus.yml here and in Debian's Prometheus, real exporters, what stops, what changes, our own figures."""
import base64
import gzip
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse
import urllib.request

from mainstay import BINARY, wait_until
from peers import BlackboxExporter, Nginx, NodeExporter, Prometheus, certificate
from test_metrics import Metrics


class Same(Prometheus):
    """A Prometheus by the same file as ours."""

    def __init__(self, folder, path):
        super().__init__(folder, 0, "")
        self.path = path

    def configuration(self):
        return self.path.read_text()

    def ask(self, path, **query):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]


class Target:
    """Says `body` to who signs in as `wanted` says; keeps what it was asked."""

    def __init__(self, body="a 1\n", wanted=None, tls=None, folded=False, groups=None):
        self.body, self.wanted, self.folded, self.groups, self.asked, self.hosts = body, wanted, folded, groups, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(dict(self.headers))
                outer.hosts.append(self.headers.get_all("Host"))
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/metrics")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                good = outer.wanted is None or self.headers.get("Authorization") == outer.wanted
                body = json.dumps(outer.groups).encode() if outer.groups is not None else outer.body.encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Type", "application/json" if outer.groups is not None else "text/plain; version=0.0.4")
                if outer.folded and "gzip" in self.headers.get("Accept-Encoding", ""):
                    body = gzip.compress(body)
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls[:2])
            if len(tls) > 2:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(tls[2])
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Scraping(Metrics):
    maxDiff = None

    def scrape(self, jobs, interval="1s"):
        self.path = self.folder / "prometheus.yml"
        self.write_jobs(jobs, interval)
        self.begin("--scrape-config", self.path)

    def write_jobs(self, jobs, interval="1s"):
        self.path.write_text(f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\nscrape_configs:\n{jobs}")

    def targets(self, **query):
        return self.reader.get("targets?" + urllib.parse.urlencode(query))["data"]

    def why(self, job):
        return next(t["lastError"] for t in self.targets()["activeTargets"] if t["scrapePool"] == job)

    def health(self):
        return {(t["scrapePool"], t["labels"].get("instance")): t["health"] for t in self.targets()["activeTargets"]}

    def wait_health(self, wanted, seconds=15):
        wait_until(lambda: self.health() == wanted, seconds, f"{wanted}, found {self.health()}")

    def names_here(self, matcher):
        return {tuple(sorted(row["metric"].items())) for row in self.query(matcher)["result"]}


class BesideAPrometheus(Scraping):
    def begin_both(self):
        node, web, box = self.peer(NodeExporter()), self.peer(Nginx(self.folder)), self.peer(BlackboxExporter(self.folder))
        self.node, self.box = node, box
        self.itself = self.peer(Prometheus(self.folder / "scraped", node.port, "127.0.0.1:1"))
        self.scrape(f"""
- job_name: node
  static_configs: [{{targets: ['127.0.0.1:{node.port}'], labels: {{site: zrh}}}}]
- job_name: probe
  metrics_path: /probe
  params: {{module: [http_2xx]}}
  static_configs: [{{targets: ['http://127.0.0.1:{web.port}/', 'http://127.0.0.1:1/']}}]
  relabel_configs:
    - {{source_labels: [__address__], target_label: __param_target}}
    - {{source_labels: [__param_target], target_label: instance}}
    - {{target_label: __address__, replacement: '127.0.0.1:{box.port}'}}
- job_name: prometheus
  static_configs: [{{targets: ['127.0.0.1:{self.itself.port}']}}]
- job_name: dropped
  static_configs: [{{targets: ['127.0.0.1:2']}}]
  relabel_configs: [{{source_labels: [job], regex: dropped, action: drop}}]
""")
        self.there = self.peer(Same(self.folder, self.path))

    def names_there(self, matcher):
        return {tuple(sorted(row["metric"].items())) for row in self.there.ask("query", query=matcher)["result"]}

    def same(self, matcher, least):
        def equal():
            here, there = self.names_here(matcher), self.names_there(matcher)
            return len(there) >= least and here == there
        try:
            wait_until(equal, 20, matcher)
        except AssertionError:
            here, there = self.names_here(matcher), self.names_there(matcher)
            self.fail(f"{matcher}: only here {sorted(here - there)[:5]}, only there {sorted(there - here)[:5]} of {len(there)}")

    def test_the_same_targets_give_the_same_series_and_end_alike(self):
        self.begin_both()
        for job, least in (("node", 10), ("probe", 20), ("prometheus", 300)):
            self.same(f'{{job="{job}"}}', least)
        mine, theirs = self.targets(), self.there.ask("targets")
        part = ("discoveredLabels", "labels", "scrapePool", "scrapeUrl", "health", "scrapeInterval", "scrapeTimeout", "lastError")
        rows = [sorted(json.dumps({k: t[k] for k in part}, sort_keys=True) for t in data["activeTargets"]) for data in (mine, theirs)]
        self.assertEqual(*rows)
        self.assertEqual([t["discoveredLabels"] for t in mine["droppedTargets"]], [t["discoveredLabels"] for t in theirs["droppedTargets"]])
        help_here, help_there = self.reader.get("metadata?metric=node_load1")["data"], self.there.ask("metadata", metric="node_load1")
        self.assertEqual(help_here, help_there)
        self.node.stop()
        for ask in (lambda q: self.query(q)["result"], lambda q: self.there.ask("query", query=q)["result"]):
            wait_until(lambda: [row["value"][1] for row in ask('up{job="node"}')] == ["0"], 10, "up to be 0")
            wait_until(lambda: ask("node_load1") == [], 10, "the series to end")
        self.same('{job="node"}', 4)
        self.assertIn("connect", self.why("node"))


class Asking(Scraping):
    def test_who_wants_a_password_or_a_token_gets_it_and_nobody_else_sees_it(self):
        by_name = self.peer(Target(wanted="Basic " + base64.b64encode(b"ann:s3cret pass").decode()))
        by_token = self.peer(Target(wanted="Bearer from-a-file"))
        (self.folder / "token").write_text("from-a-file\n")
        self.scrape(f"""
- {{job_name: name, basic_auth: {{username: ann, password: s3cret pass}}, static_configs: [{{targets: ['{by_name.address}']}}]}}
- {{job_name: token, authorization: {{credentials_file: token}}, static_configs: [{{targets: ['{by_token.address}']}}]}}
- {{job_name: none, static_configs: [{{targets: ['{by_name.address}']}}]}}
""")
        self.wait_health({("name", by_name.address): "up", ("token", by_token.address): "up", ("none", by_name.address): "down"})
        for told in (json.dumps(self.targets()), self.server.log(10000)):
            self.assertNotIn("s3cret", str(told))
            self.assertNotIn("from-a-file", str(told))
        (self.folder / "token").write_text("another\n")  # read at each scrape
        wait_until(lambda: self.health()["token", by_token.address] == "down", 10, "the other token to be sent")

    def test_certificates_are_checked_and_shown_as_the_job_says(self):
        cert, key = certificate(self.folder / "one", name="one.example.org")
        own_cert, own_key = certificate(self.folder / "own", name="client")
        plain = self.peer(Target(tls=(cert, key)))
        both = self.peer(Target(tls=(cert, key, own_cert)))
        text = "".join(f"      {line}\n" for line in own_key.read_text().splitlines())
        self.scrape(f"""
- {{job_name: untrusted, scheme: https, static_configs: [{{targets: ['{plain.address}']}}]}}
- {{job_name: named, scheme: https, tls_config: {{ca_file: '{cert}', server_name: one.example.org}}, static_configs: [{{targets: ['{plain.address}']}}]}}
- {{job_name: moved, scheme: https, metrics_path: /moved, tls_config: {{ca_file: '{cert}', server_name: one.example.org}}, static_configs: [{{targets: ['{plain.address}']}}]}}
- {{job_name: misnamed, scheme: https, tls_config: {{ca_file: '{cert}', server_name: two.example.org}}, static_configs: [{{targets: ['{plain.address}']}}]}}
- {{job_name: address, scheme: https, tls_config: {{server_name: 127.0.0.7, insecure_skip_verify: true}}, static_configs: [{{targets: ['{plain.address}']}}]}}
- {{job_name: blind, scheme: https, tls_config: {{insecure_skip_verify: true}}, static_configs: [{{targets: ['{plain.address}']}}]}}
- {{job_name: stranger, scheme: https, tls_config: {{insecure_skip_verify: true}}, static_configs: [{{targets: ['{both.address}']}}]}}
- job_name: guest
  scheme: https
  tls_config:
    ca_file: '{cert}'
    server_name: one.example.org
    cert_file: '{own_cert}'
    key: |
{text}
  static_configs: [{{targets: ['{both.address}']}}]
""")
        self.wait_health({("untrusted", plain.address): "down", ("named", plain.address): "up", ("moved", plain.address): "up", ("misnamed", plain.address): "down",
                          ("address", plain.address): "up", ("blind", plain.address): "up", ("stranger", both.address): "down", ("guest", both.address): "up"})
        self.assertEqual([[plain.address]], [host for i, host in enumerate(plain.hosts) if host not in plain.hosts[:i]])

    def test_a_series_that_cannot_be_kept_is_told_and_what_was_dropped_is_counted(self):
        target = self.peer(Target('a{x="' + "y" * 70000 + '"} 1\nb 2\n'))
        self.scrape(f"""
- {{job_name: j, static_configs: [{{targets: ['{target.address}']}}]}}
- {{job_name: none, static_configs: [{{targets: ['h:1', 'h:2']}}], keep_dropped_targets: 1, relabel_configs: [{{action: drop}}]}}
""")
        self.wait_health({("j", target.address): "up"})
        wait_until(lambda: "their series cannot be kept" in str(self.server.log(10000)), 15, "the log to say so")
        with urllib.request.urlopen(f"http://{self.server.address}/metrics", timeout=10) as answer:
            figures = dict(line.split() for line in answer.read().decode().splitlines() if line.startswith("mainstay_scrape_series_refused_total "))
        self.assertGreater(float(figures["mainstay_scrape_series_refused_total"]), 0)
        found = self.targets(state="Dropped")
        self.assertEqual(([], 1), (found["activeTargets"], len(found["droppedTargets"])))
        self.assertEqual({"j": 0, "none": 2}, found["droppedTargetCounts"])
        self.assertEqual({"state": "loaded", "error": ""}, found["scrapeConfig"])
        self.path.write_text("scrape_configs: 7\n")
        wait_until(lambda: self.targets()["scrapeConfig"]["state"] == "refused", 15, "the file to be refused")
        self.assertIn("prometheus.yml:1", self.targets()["scrapeConfig"]["error"])

    def test_a_body_is_unfolded_and_its_limit_counts_unfolded(self):
        target = self.peer(Target(body="".join(f'a{{n="{i}"}} {i}\n' for i in range(2000)), folded=True))
        self.scrape(f"""
- {{job_name: all, static_configs: [{{targets: ['{target.address}']}}]}}
- {{job_name: little, body_size_limit: 10KB, static_configs: [{{targets: ['{target.address}']}}]}}
- {{job_name: few, sample_limit: 1999, static_configs: [{{targets: ['{target.address}']}}]}}
""")
        self.wait_health({("all", target.address): "up", ("little", target.address): "down", ("few", target.address): "down"})
        self.assertEqual(self.count('a{job="all"}'), 2000)
        for job, why in (("little", "body_size_limit"), ("few", "sample_limit 1999")):
            wait_until(lambda: why in self.why(job), 15, f"{job} to be down for {why}, last {self.why(job)}")
        self.assertEqual(self.values('up{job="few"}').popitem()[1], "0")


class Changing(Scraping):
    def test_a_changed_certificate_of_a_discovery_and_a_changed_file_beside_the_config_are_seen(self):
        cert, key = certificate(self.folder / "one", name="one.example.org")
        other, _ = certificate(self.folder / "two", name="two.example.org")
        target, more = self.peer(Target()), self.peer(Target())
        found = self.peer(Target(tls=(cert, key), groups=[{"targets": [target.address]}]))
        ca = self.folder / "ca.pem"
        ca.write_text(other.read_text())
        (self.folder / "more1.yml").write_text("scrape_configs: [{job_name: more, static_configs: 7}]\n")
        self.path = self.folder / "prometheus.yml"
        self.path.write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_config_files: ['more*.yml']
scrape_configs:
- job_name: j
  http_sd_configs: [{{url: 'https://{found.address}/', tls_config: {{ca_file: ca.pem, server_name: one.example.org}}}}]
""")
        self.begin("--scrape-config", self.path)
        wait_until(lambda: self.targets()["scrapeConfig"]["state"] == "refused", 15, "the file beside it to be refused")
        (self.folder / "more1.yml").write_text(f"scrape_configs: [{{job_name: more, static_configs: [{{targets: ['{more.address}']}}]}}]\n")
        self.wait_health({("more", more.address): "up"})
        ca.write_text(cert.read_text())
        self.wait_health({("more", more.address): "up", ("j", target.address): "up"})

    def test_a_changed_file_is_carried_out_and_a_wrong_one_is_refused_and_told(self):
        one, two = self.peer(Target()), self.peer(Target("b 2\n"))
        self.scrape(f"- {{job_name: j, static_configs: [{{targets: ['{one.address}']}}]}}\n")
        self.wait_health({("j", one.address): "up"})
        self.write_jobs("- {job_name: j, static_configs: [{targets: 7}]}\n")
        os.kill(self.server.process.pid, signal.SIGHUP)
        wait_until(lambda: any(w["code"] == "scrape" for w in self.ann.client.get("now")["warnings"]), 15, "the warning")
        self.assertEqual(self.health(), {("j", one.address): "up"})
        self.write_jobs(f"- {{job_name: j, static_configs: [{{targets: ['{one.address}', '{two.address}']}}]}}\n")
        self.wait_health({("j", one.address): "up", ("j", two.address): "up"})
        self.assertFalse(any(w["code"] == "scrape" for w in self.ann.client.get("now")["warnings"]))
        self.write_jobs(f"- {{job_name: j, static_configs: [{{targets: ['{two.address}']}}]}}\n")
        self.wait_health({("j", two.address): "up"})
        wait_until(lambda: self.count("a") == 0 and self.count("up") == 1, 10, "the series of who is gone to end")

    def test_targets_of_files_and_of_http_come_and_go(self):
        one, two = self.peer(Target()), self.peer(Target("b 2\n"))
        finder = self.peer(Target(groups=[{"targets": [one.address], "labels": {"from": "http"}}]))
        (self.folder / "t.json").write_text(json.dumps([{"targets": [one.address]}]))
        self.scrape(f"""
- {{job_name: files, file_sd_configs: [{{files: ['t*.json']}}]}}
- {{job_name: http, http_sd_configs: [{{url: 'http://{finder.address}/x', refresh_interval: 1s}}]}}
""")
        self.wait_health({("files", one.address): "up", ("http", one.address): "up"})
        self.assertEqual(self.count('up{from="http"}'), 1)
        (self.folder / "t.json").write_text(json.dumps([{"targets": [two.address]}]))
        finder.groups = [{"targets": [two.address]}]
        self.wait_health({("files", two.address): "up", ("http", two.address): "up"}, 25)
        (self.folder / "t.json").write_text("[{")  # half written: what it said before stands
        finder.groups = {"no": "list"}
        time.sleep(6)
        self.assertEqual(self.health(), {("files", two.address): "up", ("http", two.address): "up"})

    def test_after_a_restart_a_series_goes_on(self):
        one = self.peer(Target())
        self.scrape(f"- {{job_name: j, static_configs: [{{targets: ['{one.address}']}}]}}\n")
        wait_until(lambda: self.count("a") == 1, 15, "the first sample")
        self.server.restart()
        wait_until(lambda: self.reader.request("GET", "labels").status == 200, 10, "the series")
        wait_until(lambda: self.health() == {("j", one.address): "up"}, 15, "it to be asked again")
        self.assertEqual(self.count("a"), 1)


class Own(Scraping):
    def figures(self, accept="*/*"):
        request = urllib.request.Request(f"http://{self.server.address}/metrics", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers["Content-Type"], answer.read()

    def test_our_own_figures_are_right_to_promtool_and_to_our_own_reader_and_can_be_scraped(self):
        self.scrape("")
        self.write_jobs(f"- {{job_name: self, static_configs: [{{targets: ['{self.server.address}']}}]}}\n")
        self.wait_health({("self", self.server.address): "up"})
        wait_until(lambda: self.count("mainstay_build_info") == 1, 10, "our own series")
        for accept, kind, more in (("text/plain", "text/plain; version=0.0.4", []),
                                   ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", ["--openmetrics"])):
            found, body = self.figures(accept)
            self.assertTrue(found.startswith(kind), found)
            if not more:
                done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, timeout=30)
                self.assertEqual((done.returncode, done.stderr + done.stdout), (0, b""), body)
            done = subprocess.run([BINARY, "check-config", "metrics", *more], input=body, capture_output=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        begun = {line for _ in range(20) for line in self.figures()[1].splitlines() if line.startswith(b"process_start_time_seconds ")}
        self.assertEqual(len(begun), 1, begun)


if __name__ == "__main__":
    unittest.main()
