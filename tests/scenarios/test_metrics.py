"""Time series: a real Prometheus remote-writes to us, promtool asks both; bodies by hand, limits, permissions, kill -9."""
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse

import samples
import test_disk as disk
from mainstay import BINARY, Scenario, wait_until
from peers import certificate, NodeExporter, RemoteWriter, VmAgent, VmAlert
from steps import declare, first_person
from world import in_time
SERVER = object()  # where the address of the server stands in what promtool is given


class Metrics(Scenario):
    def begin(self, *arguments, **more):
        self.server = self.mainstay(*arguments, **more)
        self.ann = first_person(self.server)
        self.reader, self.sender = self.token("read"), self.token("act")
        wait_until(lambda: self.reader.request("GET", "labels").status == 200, 10, "the time series to be read")

    def token(self, scope):
        secret = self.ann.client.post("tokens", {"name": f"may {scope}", "scopes": [scope],
                                                 "expires_at": in_time(days=1)})["secret"]
        client = self.server.client(token=secret)
        client.token = secret
        return client

    def write(self, body, status=204, headers=samples.HEADERS, client=None):
        answer = (client or self.sender).request("POST", "write", body, headers=headers)
        self.assertEqual(answer.status, status, answer)
        return answer

    def query(self, text, client=None, **more):
        parameters = urllib.parse.urlencode({"query": text, **more})
        return (client or self.reader).get(f"query?{parameters}")["data"]

    def values(self, text, **more):
        """{labels: value} of an instant query."""
        data = self.query(text, **more)
        self.assertEqual(data["resultType"], "vector")
        return {tuple(sorted(row["metric"].items())): row["value"][1] for row in data["result"]}

    def count(self, text, **more):
        return len(self.query(text, **more)["result"])


class FromPrometheus(Metrics):
    """What a Prometheus scrapes from itself and sends on is here as it is there."""

    def promtool(self, address, *arguments, token=None):
        """Of what it asks before the server's address and after; an address with a token goes as a password."""
        url = f"http://{'any:' + token + '@' if token else ''}{address}"
        done = subprocess.run(["promtool", "query", *[url if part is SERVER else part for part in arguments]],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done.stdout

    def ask_both(self, *arguments):
        here = self.promtool(self.server.address, *arguments, token=self.reader.token)
        there = self.promtool(f"127.0.0.1:{self.prometheus.port}", *arguments)
        return here, there

    def same(self, *arguments):
        here, there = self.ask_both(*arguments)
        self.assertTrue(there.strip(), f"{arguments} gave nothing")
        self.assertEqual(sorted(here.splitlines()), sorted(there.splitlines()), arguments)

    def test_what_prometheus_sends_is_asked_by_promtool_as_there(self):
        self.begin()
        self.prometheus = self.peer(RemoteWriter(self.folder, self.server.address, self.sender.token))
        wait_until(lambda: self.count('prometheus_build_info') > 0, 30, "the first samples")
        wait_until(lambda: float(next(iter(self.values("count_over_time(up[1m])").values()), 0)) >= 8, 40, "some scrapes")
        until = int(time.time())
        self.prometheus.wait_sent(until)
        at = ["--time", str(until)]
        for text in ("up", "prometheus_tsdb_head_series", "sum by (job) (prometheus_http_requests_total)", "1 + 1",
                     "{__name__=~\"go_memstats_.*\"}", "topk(3, prometheus_http_requests_total)", "absent(nothing)",
                     "histogram_quantile(0.9, sum by (le) (prometheus_http_request_duration_seconds_bucket))"):
            self.same("instant", *at, SERVER, text)
        span = ["--start", str(until - 8), "--end", str(until), "--step", "1s"]
        for text in ("up", "go_goroutines", "sum(go_goroutines) by (job)", "prometheus_engine_queries"):
            self.same("range", *span, SERVER, text)
        begin = ["--start", str(until - 60), "--end", str(until)]
        self.same("series", "--match", "up", "--match", "{quantile=~\".+\"}", *begin, SERVER)
        for label in ("__name__", "job", "le", "quantile"):
            self.same("labels", *begin, SERVER, label)
        self.metadata_arrived()

    def metadata_arrived(self):
        wait_until(lambda: "up" in self.reader.get("metadata?metric=up")["data"] or
                   "go_goroutines" in self.reader.get("metadata")["data"], 90, "metadata")
        found = self.reader.get("metadata?metric=go_goroutines")["data"]["go_goroutines"]
        self.assertEqual(found, [{"type": "gauge", "help": "Number of goroutines that currently exist.", "unit": ""}])


class ByHand(Metrics):
    def test_both_versions_are_kept_and_counted(self):
        self.begin()
        now = samples.now_ms()
        answer = self.write(samples.body({"__name__": "up", "job": "a"}, (now - 1000, 1.0), (now, 2.0)))
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Samples-Written"], "2")
        answer = self.write(samples.body_2([({"__name__": "up", "job": "a"}, [(now + 1000, 3.5)]),
                                            ({"__name__": "up", "job": "b"}, [(now, -1)])]), headers=samples.HEADERS_2)
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Samples-Written"], "2")
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Histograms-Written"], "0")
        self.assertEqual(self.values("up", time=(now + 1000) / 1000),
                         {(("__name__", "up"), ("job", "a")): "3.5", (("__name__", "up"), ("job", "b")): "-1"})

    def test_what_is_not_to_be_sent_again_is_400_and_the_rest_is_kept(self):
        self.begin()
        now = samples.now_ms()
        good = samples.series({"__name__": "good"}, (now, 1.0))
        self.write(samples.snappy(good))
        for message, why in ((samples.series({"job": "a"}, (now, 1.0)), "no __name__"),
                             (samples.series({"__name__": "good"}, (now, 2.0)), "another value is there"),
                             (samples.series({"__name__": "good"}, (now - 7200000, 2.0)), "older than samples may be")):
            other = samples.series({"__name__": "kept"}, (now, 1.0))
            answer = self.write(samples.snappy(message + other), 400)
            self.assertIn(why, answer.text)
            self.assertIn("1 of 2 samples were refused", answer.text)
            self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Samples-Written"], "1")
        self.assertEqual(self.count("kept"), 1)
        for body in (b"", b"no snappy", samples.snappy(b"\x0a\xff"), b"\xff\xff\xff\xff\x0f" + b"x" * 100):
            answer = self.write(body, 400)
            self.assertEqual(answer.text.count("\n"), 1)

    def test_other_types_and_codings_are_415_and_a_late_sample_is_kept(self):
        self.begin()
        now = samples.now_ms()
        for change in ({"Content-Type": "application/json"}, {"Content-Encoding": "gzip"},
                       {"Content-Type": "application/x-protobuf;proto=something.Else"}):
            self.write(samples.body({"__name__": "up"}), 415, headers=samples.HEADERS | change)
        self.write(samples.body({"__name__": "up"}, (now, 1.0)))
        self.write(samples.body({"__name__": "up"}, (now - 60000, 0.5)))
        self.assertEqual(list(self.values("up", time=now / 1000 - 30).values()), ["0.5"])

    def test_a_stale_marker_ends_a_series_and_numbers_are_written_as_prometheus_does(self):
        self.begin()
        now = samples.now_ms() // 1000 * 1000
        numbers = {"tiny": (1e-7, "1e-07"), "huge": (1e21, "1e+21"), "large": (123456789012345680000.0, "123456789012345680000"),
                   "nan": (float("nan"), "NaN"), "inf": (float("inf"), "+Inf"), "less": (float("-inf"), "-Inf"),
                   "zero": (-0.0, "-0"), "tenth": (0.1, "0.1"), "small": (0.000001, "0.000001")}
        for name, (value, text) in numbers.items():
            self.write(samples.body({"__name__": "number", "name": name}, (now, value)))
            self.assertEqual(list(self.values(f'number{{name="{name}"}}', time=now / 1000).values()), [text])
        self.write(samples.body({"__name__": "ends"}, (now, 1.0), (now + 500, samples.STALE)))
        self.assertEqual(self.count("ends", time=now / 1000), 1)
        self.assertEqual(self.count("ends", time=now / 1000 + 1), 0)
        raw = self.reader.request("GET", f"query?query=number%7Bname%3D%22tenth%22%7D&time={now / 1000 + 0.5}")
        self.assertIn(f'"value":[{now // 1000}.500,"0.1"]', raw.text)

    def test_native_histograms_are_left_out_and_that_is_said(self):
        self.begin()
        now = samples.now_ms()
        answer = self.write(samples.body_2([({"__name__": "h"}, [(now, 1.0)])], more=samples.field(3, b"")),
                            headers=samples.HEADERS_2)
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Histograms-Written"], "0")
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Samples-Written"], "1")
        self.assertEqual(self.count("h"), 1)


class Asking(Metrics):
    def begin(self, *arguments):
        super().begin(*arguments)
        self.now = samples.now_ms() // 1000 * 1000
        rows = [samples.series({"__name__": "requests_total", "job": job, "code": code},
                               *[(self.now - 60000 + i * 5000, float(i * step)) for i in range(13)])
                for job, code, step in (("a", "200", 10), ("a", "500", 1), ("b", "200", 5))]
        self.write(samples.snappy(b"".join(rows) + samples.metadata("requests", 1, "how \"many\"")))

    def refused(self, path, status, kind, text):
        answer = self.reader.request("GET", path)
        self.assertEqual((answer.status, answer.json["status"], answer.json["errorType"]), (status, "error", kind), answer)
        self.assertRegex(answer.json["error"], text)

    def test_a_query_over_time_by_address_and_by_form(self):
        self.begin()
        end = self.now / 1000
        parameters = {"query": "sum by (job) (rate(requests_total[30s]))", "start": end - 20, "end": end, "step": "10s"}
        data = self.reader.get("query_range?" + urllib.parse.urlencode(parameters))["data"]
        self.assertEqual(data["resultType"], "matrix")
        self.assertEqual([row["metric"] for row in data["result"]], [{"job": "a"}, {"job": "b"}])
        self.assertEqual([value for _, value in data["result"][1]["values"]], ["1", "1", "1"])
        self.assertEqual([at for at, _ in data["result"][1]["values"]], [end - 20, end - 10, end])
        by_form = self.reader.ok("POST", "query_range", urllib.parse.urlencode(parameters).encode(),
                                 headers={"Content-Type": "application/x-www-form-urlencoded"})["data"]
        self.assertEqual(by_form, data)

    def test_every_kind_of_answer(self):
        self.begin()
        at = self.now / 1000
        self.assertEqual(self.query("1.5", time=at), {"resultType": "scalar", "result": [at, "1.5"]})
        self.assertEqual(self.query('"a\\"b"', time=at), {"resultType": "string", "result": [at, 'a"b']})
        matrix = self.query('requests_total{code="500"}[12s]', time=at)
        self.assertEqual(matrix["resultType"], "matrix")
        self.assertEqual(matrix["result"][0]["values"], [[at - 10, "10"], [at - 5, "11"], [at, "12"]])
        self.assertEqual(self.query("nothing", time=at), {"resultType": "vector", "result": []})
        answer = self.reader.get(f"query?query=requests_total&time={at}&limit=2")
        self.assertEqual(len(answer["data"]["result"]), 2)
        self.assertEqual(answer["warnings"], ["results truncated due to limit"])
        answer = self.reader.get(f"query?query=rate(requests_total%5B30s%5D)%20%2B%20quantile(2%2Crequests_total)&time={at}")
        self.assertRegex(answer["warnings"][0], r"quantile value should be between 0 and 1.*\(1:\d+\)")
        answer = self.reader.get(f"query?query=rate(up%5B1m%5D)&time={at}")
        self.assertEqual(answer["data"]["result"], [])

    def test_what_is_wrong_is_said_as_prometheus_says_it(self):
        self.begin()
        self.refused("query?query=sum(", 400, "bad_data", r'^invalid parameter "query": 1:5: parse error')
        self.refused("query?query=", 400, "bad_data", r'^invalid parameter "query": ')
        self.refused("query?query=up&time=yesterday", 400, "bad_data",
                     r'^invalid parameter "time": cannot parse "yesterday" to a valid timestamp$')
        self.refused("query_range?query=up&start=10&end=5&step=1", 400, "bad_data",
                     r'^invalid parameter "end": end timestamp must not be before start time$')
        self.refused("query_range?query=up&start=0&end=5&step=0", 400, "bad_data", r'^invalid parameter "step": zero or negative')
        self.refused("query_range?query=up&start=0&end=5&step=x", 400, "bad_data", r'^invalid parameter "step": cannot parse "x"')
        self.refused("query_range?query=up&start=0&end=100000&step=1", 400, "bad_data", r"^exceeded maximum resolution of 11,000")
        self.refused("query_range?query=up%5B5m%5D&start=0&end=5&step=1", 400, "bad_data",
                     r'invalid expression type "range vector" for range query, must be Scalar or instant Vector')
        self.refused("query?query=requests_total%20%2B%20on()%20requests_total", 422, "execution",
                     "^found duplicate series for the match group")
        self.refused("series", 400, "bad_data", r"^no match\[\] parameter provided$")
        self.refused("series?match%5B%5D=rate(up%5B5m%5D)", 400, "bad_data", r'^invalid parameter "match\[\]"')
        self.refused("labels?start=b", 400, "bad_data", "^invalid parameter \"start\"")
        self.refused("query?query=up&limit=-1", 400, "bad_data", "limit")

    def test_series_labels_values_and_metadata(self):
        self.begin()
        self.assertEqual(self.reader.get("labels")["data"], ["__name__", "code", "job"])
        self.assertEqual(self.reader.get("label/code/values")["data"], ["200", "500"])
        self.assertEqual(self.reader.get("label/code/values?match%5B%5D=%7Bjob%3D%22b%22%7D")["data"], ["200"])
        self.assertEqual(self.reader.get("label/nothing/values")["data"], [])
        found = self.reader.get("series?match%5B%5D=%7Bjob%3D%22a%22%7D&match%5B%5D=%7Bcode%3D%22500%22%7D")["data"]
        self.assertEqual(found, [{"__name__": "requests_total", "code": code, "job": "a"} for code in ("200", "500")])
        self.assertEqual(self.reader.get("labels?end=1000")["data"], [])
        answer = self.reader.get("labels?limit=2")
        self.assertEqual((answer["data"], answer["warnings"]), (["__name__", "code"], ["results truncated due to limit"]))
        self.assertEqual(self.reader.get("metadata")["data"],
                         {"requests": [{"type": "counter", "help": 'how "many"', "unit": ""}]})
        self.assertEqual(self.reader.get("metadata?metric=nothing")["data"], {})

    def test_who_it_is_and_how_much_it_has(self):
        self.begin("--query-samples", "1234", "--metrics-keep", "30d")
        self.assertRegex(self.reader.get("status/buildinfo")["data"]["version"], r"^3\.\d+\.\d+$")
        flags = self.reader.get("status/flags")["data"]
        self.assertEqual((flags["query.max-samples"], flags["storage.tsdb.retention.time"]), ("1234", "30d"))
        tsdb = self.reader.get("status/tsdb")["data"]
        self.assertEqual(tsdb["headStats"]["numSeries"], 3)
        self.assertEqual(tsdb["seriesCountByMetricName"], [{"name": "requests_total", "value": 3}])
        self.assertIn({"name": "job=a", "value": 2}, tsdb["seriesCountByLabelValuePair"])
        self.assertEqual(self.reader.get("status/runtimeinfo")["data"]["timeSeriesCount"], 3)

    def test_limits_of_a_query(self):
        self.begin("--query-samples", "30", "--query-timeout", "100ms")
        self.refused("query?query=sum_over_time(requests_total%5B1h%5D)", 422, "execution", "samples")
        text = "count_over_time(vector(1)[100d:1ms])"
        self.refused("query?query=" + urllib.parse.quote(text), 422, "execution", "more steps than the 30 samples")
        self.assertEqual(self.query("1", timeout="1h")["result"][1], "1")


class Permissions(Metrics):
    def test_sending_needs_its_permission_and_asking_needs_to_be_signed_in(self):
        self.begin()
        nobody = self.server.client()
        self.write(samples.body({"__name__": "up"}), 403, client=self.reader)
        self.write(samples.body({"__name__": "up"}), 401, client=nobody)
        self.assertEqual(nobody.request("GET", "query?query=up").status, 401)
        self.assertEqual(nobody.request("GET", "label/job/values").status, 401)
        self.assertEqual(self.reader.get("labels")["data"], [])


class Lasting(Metrics):
    def test_samples_that_were_answered_survive_kill_9(self):
        self.begin("--metrics-sync", "0s")
        now = samples.now_ms()
        for i in range(20):
            self.write(samples.body({"__name__": "kept", "n": str(i % 4)}, (now + i, float(i))))
        self.server.kill9()
        self.server.start()
        wait_until(lambda: self.reader.request("GET", "labels").status == 200, 10, "the time series to be read")
        found = self.query("kept[1m]", time=now / 1000 + 1)["result"]
        self.assertEqual(sorted(float(v) for row in found for _, v in row["values"]), [float(i) for i in range(20)])

    def test_samples_are_there_after_a_clean_stop(self):
        self.begin("--metrics-sync", "1h")
        now = samples.now_ms()
        self.write(samples.body({"__name__": "kept"}, (now, 1.0)))
        self.server.restart()
        wait_until(lambda: self.reader.request("GET", "labels").status == 200, 10, "the time series to be read")
        self.assertEqual(self.count("kept", time=now / 1000), 1)


class SmallDisk(disk.Place, Metrics):
    """What is left of a disk is for pages: samples are refused first, and taken again when there is space."""

    MOUNT = ["-t", "tmpfs", "-o", "size=480m,mode=0700", "tmpfs"]

    def free_mib(self):
        found = os.statvfs(self.data)
        return found.f_bavail * found.f_frsize >> 20

    def fill_until(self, mib):
        with open(self.data / "ballast", "ab", buffering=0) as file:
            while self.free_mib() > mib:
                file.write(bytes(1 << 20))

    def test_samples_are_refused_while_the_disk_is_nearly_full_and_incidents_go_on(self):
        self.begin()
        body = samples.body({"__name__": "up"})
        self.write(body)
        self.fill_until(150)
        wait_until(lambda: self.sender.request("POST", "write", body, headers=samples.HEADERS).status == 503, 20, "a refusal")
        answer = self.write(body, 503)
        self.assertIn("nearly full", answer.text)
        self.assertIn("Retry-After", answer.headers)
        self.assertEqual(self.count("up"), 1)
        incident = declare(self.ann, "while the disk is nearly full")
        self.assertEqual(self.ann.client.get(f"incidents/{incident}")["state"], "open")
        self.assertIn("samples", [row["code"] for row in self.ann.client.get("now")["warnings"]])
        (self.data / "ballast").unlink()
        wait_until(lambda: self.sender.request("POST", "write", body, headers=samples.HEADERS).status == 204, 20, "samples again")
        self.assertNotIn("samples", [row["code"] for row in self.ann.client.get("now")["warnings"]])


class Crowd(Metrics):
    def test_an_acknowledgement_does_not_wait_for_queries_and_samples(self):
        self.begin("--query-timeout", "20s")
        now = samples.now_ms()
        self.write(samples.snappy(b"".join(samples.series({"__name__": "wide", "n": str(n)}, *[(now - i * 1000, 1.0) for i in range(60, 0, -1)])
                                           for n in range(2000))))
        slow = "query?" + urllib.parse.urlencode({"query": 'count(count_over_time(wide[1h:1s]) + on() group_left() vector(1))'})
        over = threading.Event()
        statuses = []

        def ask():
            while not over.is_set():
                statuses.append(self.server.client(token=self.reader.token).request("GET", slow, seconds=60).status)

        def send():
            while not over.is_set():
                client = self.server.client(token=self.sender.token)
                client.request("POST", "write", samples.body({"__name__": "busy", "n": str(threading.get_ident())}), headers=samples.HEADERS)

        crowd = [threading.Thread(target=ask) for _ in range(8)] + [threading.Thread(target=send) for _ in range(4)]
        for thread in crowd:
            thread.start()
        try:
            time.sleep(1)
            for number in range(5):
                incident = declare(self.ann, f"number {number}")
                self.ann.client.post(f"incidents/{incident}/acknowledge", {})
        finally:
            over.set()
            for thread in crowd:
                thread.join()
        self.assertEqual(self.server.client(token=self.reader.token).get(f"incidents/{incident}")["state"], "acknowledged")
        self.assertTrue(statuses)
        self.assertLessEqual(set(statuses), {200, 422, 503})

    def leave_queries_behind(self, connect):
        """Twelve, each of which takes many seconds, four at a time; then another one, which does not wait for them."""
        now = samples.now_ms()
        self.write(samples.snappy(b"".join(samples.series({"__name__": "wide", "n": str(n)}, *[(now - i * 60_000, float(i)) for i in range(60, 0, -1)])
                                           for n in range(500))))
        end = now // 1000
        slow = "query_range?" + urllib.parse.urlencode({"query": "quantile_over_time(.5, wide[1h:1s])", "start": end - 3600, "end": end, "step": 5})
        clients = [connect() for _ in range(12)]
        for client in clients:
            client.sendall(f"GET /api/v1/{slow} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.reader.token}\r\n\r\n".encode())
        time.sleep(1)
        self.assertEqual(select.select(clients, [], [], 0)[0], [], "one is answered already")
        begun = time.monotonic()
        for client in clients:
            client.close()
        self.assertEqual(self.count("wide"), 500)
        self.assertLess(time.monotonic() - begun, 3)

    def test_queries_whose_clients_have_gone_are_given_up(self):
        self.begin("--query-timeout", "100s")
        host, port = self.server.address.split(":")
        self.leave_queries_behind(lambda: socket.create_connection((host, int(port))))

    def test_queries_whose_clients_have_gone_are_given_up_also_by_tls(self):
        cert, key = certificate(self.folder / "c")
        self.begin("--query-timeout", "100s", environment={"MAINSTAY_TLS_CERT": str(cert), "MAINSTAY_TLS_KEY": str(key)})
        host, port = self.server.address.split(":")
        context = ssl.create_default_context(cafile=cert)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # no tickets are sent that a client would have to read

        def connect():
            return context.wrap_socket(socket.create_connection((host, int(port))), server_hostname="localhost")
        self.leave_queries_behind(connect)


class InATerminal(Metrics):
    def say(self, *arguments, status=0):
        done = subprocess.run([BINARY, "query", *arguments, "--server", f"http://{self.server.address}"], capture_output=True, text=True,
                              timeout=30, env=os.environ | {"MAINSTAY_TOKEN": self.reader.token, "HOME": str(self.folder)})
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout if status == 0 else done.stderr

    def test_mainstay_query_shows_an_instant_a_span_and_what_is_wrong(self):
        self.begin()
        now = samples.now_ms()
        self.write(samples.snappy(samples.series({"__name__": "up", "job": "a"}, *[(now - i * 10000, float(i)) for i in range(12, -1, -1)])))
        lines = self.say("up").splitlines()
        self.assertEqual(lines[0].split(), ["SERIES", "TIME", "VALUE"])
        self.assertRegex(lines[1], r'^up\{job="a"\} +.* 0$')
        self.assertEqual(self.say("sum(up)", "+", "1").splitlines()[1].split()[-1], "1")
        rows = self.say("up", "--from", "-1m", "--step", "20s").splitlines()
        self.assertEqual(len(rows), 5)
        self.assertFalse(rows[2].startswith("up"))
        self.assertEqual(json.loads(self.say("1 + 1", "-o", "json"))["data"]["result"][1], "2")
        self.assertEqual(len(self.say("up", "--from", "-1m", "--step", "20s", "-o", "csv").splitlines()), 5)
        self.assertIn("no series has a value", self.say("nothing"))
        self.assertIn("parse error", self.say("sum(", status=1))
        self.assertIn("--step need --from", self.say("up", "--step", "5s", status=2))


class FromVictoriaMetrics(Metrics):
    def test_vmagent_sends_and_vmalert_evaluates_and_pages(self):
        self.begin()
        exporter = self.peer(NodeExporter())
        self.peer(VmAgent(self.folder, exporter.port, self.server.address, self.sender.token))
        wait_until(lambda: self.values('up{job="node"}').get(
            (("__name__", "up"), ("instance", f"127.0.0.1:{exporter.port}"), ("job", "node"))) == "1", 30, "what vmagent scraped")
        self.assertEqual(self.count("node_load1"), 1)
        self.peer(VmAlert(self.folder, self.server.address, self.reader.token, self.sender.token))
        exporter.stop()
        wait_until(lambda: self.count('ALERTS{alertname="NodeExporterDown",alertstate="firing"}') == 1, 30, "the series of vmalert")
        alerts = wait_until(lambda: [row for row in self.ann.client.items("alerts") if row["state"] == "firing"], 30, "an alert")
        self.assertIn("nobody answers", json.dumps(alerts[0]))


if __name__ == "__main__":
    unittest.main()
