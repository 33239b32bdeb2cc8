"""What checks find as time series, and /probe: beside blackbox_exporter, and as a real Prometheus asks it."""
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from mainstay import wait_until
from peers import BlackboxExporter, Nginx, certificate, free_port
from test_metrics import Metrics
from test_scrape import Same


def figures(text):
    """{series: value} of an exposition."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and line[0] != "#"}


class Checks(Metrics):
    def begin_checks(self, *settings):
        self.web = self.peer(Nginx(self.folder))
        self.begin(*settings)


class Series(Checks):
    def look(self, name, **spec):
        self.ann.client.put(f"definitions/Check/{name}", {"spec": {"interval": "1s", "fail_after": 1, **spec}})

    def values_of(self, text):
        return {tuple(sorted(row["metric"].items())): row["value"][1] for row in self.query(text)["result"]}

    def test_what_a_check_finds_is_a_series_until_it_is_not_looked_at_any_more(self):
        self.begin_checks()
        self.ann.client.put("definitions/Service/shop", {"spec": {"display": "Shop"}})
        self.look("web", kind="http", service="shop", url=f"http://127.0.0.1:{self.web.port}/")
        self.look("gone", kind="tcp", host="127.0.0.1", port=free_port())
        about = {"job": "checks", "instance": "web", "kind": "http", "service": "shop"}
        row = tuple(sorted({"__name__": "probe_success", **about}.items()))
        wait_until(lambda: self.values_of("probe_success").get(row) == "1", 15, "the series of web")
        wait_until(lambda: list(self.values_of('probe_success{instance="gone"}').values()) == ["0"], 15, "the series of gone")
        self.assertEqual(["200"], list(self.values_of("probe_http_status_code").values()))
        phases = {dict(key)["phase"] for key in self.values_of("probe_http_duration_seconds")}
        self.assertEqual({"resolve", "connect", "tls", "processing", "transfer"}, phases)
        self.assertEqual({}, self.values_of("up"))
        self.assertEqual("gauge", self.reader.get("metadata?metric=probe_success")["data"]["probe_success"][0]["type"])
        self.ann.client.post("checks/web/pause", {"reason": "it is rebuilt"})
        wait_until(lambda: self.values_of('probe_success{instance="web"}') == {}, 15, "the series of web to end")
        self.ann.client.post("checks/web/resume", {})
        wait_until(lambda: self.values_of("probe_success").get(row) == "1", 15, "the series of web to go on")
        self.look("web", kind="http", url=f"http://127.0.0.1:{self.web.port}/")
        wait_until(lambda: [dict(key).get("service") for key in self.values_of('probe_success{instance="web"}')] == [None], 15,
                   "the series with the service to end")
        self.ann.client.delete("definitions/Check/gone")
        wait_until(lambda: self.values_of('probe_success{instance="gone"}') == {}, 15, "the series of gone to end")


def get(address, token=None, **query):
    """(status, text) of a probe."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}/probe?{urllib.parse.urlencode(query)}", headers=headers),
                                    timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Probe(Checks):
    def probe(self, target, module="http_2xx", **more):
        status, text = get(self.server.address, self.sender.token, target=target, module=module, **more)
        self.assertEqual(200, status, text)
        return figures(text)

    def test_a_target_is_found_as_blackbox_exporter_finds_it(self):
        self.begin_checks()
        cert, key = certificate(self.folder / "tls", days=30)
        box, tls = self.peer(BlackboxExporter(self.folder)), self.peer(Nginx(self.folder / "tls", tls=(cert, key)))
        for target in (self.web.url, f"127.0.0.1:{self.web.port}", "http://127.0.0.1:1/", tls.url):
            theirs = figures(get(f"127.0.0.1:{box.port}", target=target, module="http_2xx")[1])
            ours = self.probe(target)
            timed = {name for name in ours if "duration" in name or "dns_lookup" in name}
            more = {"probe_ssl_earliest_cert_expiry"} if target == tls.url else set()  # they forget a certificate they do not trust
            self.assertTrue(set(ours) - more <= set(theirs), (target, set(ours) - set(theirs)))
            for name in set(ours) - timed - more:
                if name != "probe_ip_protocol" or theirs["probe_http_status_code"]:  # they say 0 when nobody answers
                    self.assertEqual(theirs[name], ours[name], (target, name))
        self.web.status = 503
        self.web.stop()
        self.web.start()
        self.assertEqual((0, 503), tuple(self.probe(self.web.url)[name] for name in ("probe_success", "probe_http_status_code")))

    def test_modules_look_as_their_names_say(self):
        self.begin_checks()
        open_port, shut = f"127.0.0.1:{self.web.port}", f"127.0.0.1:{free_port()}"
        cert, key = certificate(self.folder / "tls", days=30)
        tls = self.peer(Nginx(self.folder / "tls", tls=(cert, key)))
        for target, module, good in ((open_port, "tcp_connect", 1), (shut, "tcp_connect", 0), (open_port, "ssh_banner", 0),
                                     (self.web.url, "http_post_2xx", 1), (f"127.0.0.1:{tls.port}", "tls_connect", 0)):
            found = self.probe(target, module)
            self.assertEqual(good, found["probe_success"], (target, module, found))
        ends = self.probe(f"127.0.0.1:{tls.port}", "tls_connect")["probe_ssl_earliest_cert_expiry"]
        self.assertAlmostEqual(time.time() + 30 * 86400, ends, delta=86400)
        status, text = get(self.server.address, self.sender.token, target=shut, module="tcp_connect", debug="true")
        self.assertIn("refused", text)
        self.assertIn("probe_success 0", text)

    def test_who_may_not_send_samples_looks_at_nothing_and_errors_say_what_to_do(self):
        self.begin_checks()
        for token, status in ((None, 401), (self.reader.token, 403)):
            self.assertEqual(status, get(self.server.address, token, target=self.web.url)[0])
        for query, words in (({"target": self.web.url, "module": "grpc"}, "modules are http_2xx"), ({}, "target parameter is missing"),
                             ({"target": "nobody", "module": "tcp_connect"}, "port"), ({"target": "a b", "module": "icmp"}, "host"),
                             ({"target": "http://u:p@h/"}, "url")):
            status, text = get(self.server.address, self.sender.token, **query)
            self.assertEqual(status // 100, 4, (query, text))
            self.assertIn(words, text)

    def test_a_prometheus_has_targets_probed_here_by_the_config_it_had(self):
        self.begin_checks()
        path = self.folder / "probing.yml"
        path.write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: blackbox
  metrics_path: /probe
  authorization: {{credentials: {self.sender.token}}}
  params: {{module: [http_2xx]}}
  static_configs: [{{targets: ['{self.web.url}', 'http://127.0.0.1:1/']}}]
  relabel_configs:
    - {{source_labels: [__address__], target_label: __param_target}}
    - {{source_labels: [__param_target], target_label: instance}}
    - {{target_label: __address__, replacement: '{self.server.address}'}}
""")
        there = self.peer(Same(self.folder, path))
        wait_until(lambda: {row["metric"]["instance"]: row["value"][1] for row in there.ask("query", query="probe_success")["result"]} ==
                   {self.web.url: "1", "http://127.0.0.1:1/": "0"}, 20, "a Prometheus to have both targets probed")
        self.assertEqual({"1"}, {row["value"][1] for row in there.ask("query", query="up")["result"]})


if __name__ == "__main__":
    unittest.main()
