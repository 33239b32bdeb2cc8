"""Scraping: the same prometheus.yml here and in Debian's Prometheus, real exporters, what stops, what changes, our own figures."""
import base64
import gzip
import http.server
import json
import os
import signal
import socket
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

    def __init__(self, body="a 1\n", wanted=None, tls=None, folded=False, groups=None, moved="/metrics"):
        self.body, self.wanted, self.folded, self.groups = body, wanted, folded, groups
        self.asked, self.hosts, self.lines = [], [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(dict(self.headers))
                outer.lines.append(self.headers.items())
                outer.hosts.append(self.headers.get_all("Host"))
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", moved)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                good = outer.wanted is None or outer.welcomes(self.headers.get("Authorization"))
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

    def welcomes(self, authorization):
        return authorization == self.wanted

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class TokenServer:
    """Gives "t1", "t2" ... to who knows the secret; keeps who asked, with what in Authorization, and the form."""

    def __init__(self, secret="s3cret", tls=None, form_only=False, status=200, delay=0):
        self.secret, self.form_only, self.status, self.delay = secret, form_only, status, delay
        self.asked, self.valid = [], set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = sorted(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                signed = self.headers.get("Authorization")
                outer.asked.append((self.headers["User-Agent"].split("/")[0].lower(), signed, form))
                time.sleep(outer.delay)
                by_field = signed == "Basic " + base64.b64encode(f"an+id:{outer.secret}".encode()).decode()
                known = ("client_secret", outer.secret) in form if outer.form_only else by_field
                status = outer.status if known else 401
                body = {"error": "invalid_client", "error_description": f"{outer.secret} {signed} {form}"}
                if status == 200:
                    body = {"access_token": f"t0ken{len(outer.asked)}", "token_type": "bearer", "expires_in": 3600}
                    outer.valid.add("Bearer " + body["access_token"])
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}/token"

    start, stop = Target.start, Target.stop


class Guarded(Target):
    """Answers who has a token that the server still knows."""

    def __init__(self, tokens, **more):
        super().__init__(wanted=tokens, **more)

    def welcomes(self, authorization):
        return authorization in self.wanted.valid


class Proxy:
    """An HTTP proxy that knows `names`; keeps who asked, the request line, and the fields that say who he is."""

    def __init__(self, names=(), wanted=None):
        self.names, self.wanted, self.asked = dict(names), wanted, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self):
                fields = {name: self.headers[name] for name in ("Proxy-Authorization", "X-Way", "Authorization") if name in self.headers}
                outer.asked.append((self.headers.get("User-Agent", "").split("/")[0].lower(), f"{self.command} {self.path}", fields))
                if outer.wanted in (None, self.headers.get("Proxy-Authorization")):
                    return True
                self.send_error(407, "proxy-s3cret")
                return False

            def reach(self, authority):
                host, port = outer.names.get(authority, authority).split(":")
                return socket.create_connection((host, int(port)), 5)

            def do_GET(self):
                if not self.take():
                    return
                url = urllib.parse.urlsplit(self.path)
                with self.reach(url.netloc) as there:
                    lines = [f"{self.command} {url.path} HTTP/1.1"] + [f"{k}: {v}" for k, v in self.headers.items() if not k.startswith("Proxy-")]
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    there.sendall("\r\n".join(lines + ["Connection: close", "", ""]).encode() + body)
                    while data := there.recv(65536):
                        self.wfile.write(data)
                self.close_connection = True

            do_POST = do_GET

            def do_CONNECT(self):
                if not self.take():
                    return
                with self.reach(self.path) as there:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=self.copy, args=(there, self.connection), daemon=True)
                    back.start()
                    self.copy(self.connection, there)
                    back.join(5)
                self.close_connection = True

            def copy(self, here, there):
                try:
                    while data := here.recv(65536):
                        there.sendall(data)
                    there.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.socket.close()


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


    def test_the_same_questions_reach_proxies_and_what_is_behind_them(self):
        cert, key = certificate(self.folder / "one", name="one.example.org")
        plain, secure, tokens = self.peer(Target()), self.peer(Target(tls=(cert, key), wanted="Bearer s3cret")), self.peer(TokenServer())
        guarded = self.peer(Guarded(tokens))
        names = {"inside.example.org:9100": plain.address, "one.example.org:9443": secure.address, "tokens.example.org": tokens.url.split("/")[2]}
        proxy = self.peer(Proxy(names, "Basic " + base64.b64encode(b"ann:proxy-s3cret").decode()))
        by = f"proxy_url: 'http://ann:proxy-s3cret@{proxy.address}'"
        self.scrape(f"""
- {{job_name: plain, {by}, static_configs: [{{targets: ['inside.example.org:9100']}}]}}
- job_name: secure
  scheme: https
  {by}
  proxy_connect_header: {{X-Way: [out]}}
  authorization: {{credentials: s3cret}}
  tls_config: {{ca_file: '{cert}'}}
  static_configs: [{{targets: ['one.example.org:9443']}}]
- job_name: named
  scheme: https
  {by}
  authorization: {{credentials: s3cret}}
  tls_config: {{ca_file: '{cert}', server_name: one.example.org}}
  static_configs: [{{targets: ['{secure.address}']}}]
- job_name: misnamed
  scheme: https
  {by}
  authorization: {{credentials: s3cret}}
  tls_config: {{ca_file: '{cert}', server_name: two.example.org}}
  static_configs: [{{targets: ['{secure.address}']}}]
- job_name: token
  oauth2: {{client_id: an id, client_secret: s3cret, token_url: 'http://tokens.example.org/token', {by}}}
  static_configs: [{{targets: ['{guarded.address}']}}]
- {{job_name: stranger, proxy_url: 'http://{proxy.address}', scheme: https, static_configs: [{{targets: ['inside.example.org:9100']}}]}}
""")
        self.there = self.peer(Same(self.folder, self.path))
        for job, up in (("plain", "1"), ("secure", "1"), ("named", "1"), ("misnamed", "0"), ("token", "1"), ("stranger", "0")):
            self.same(f'{{job="{job}"}}', 6 if up == "1" else 5)
            self.assertEqual(self.values(f'up{{job="{job}"}}').popitem()[1], up, job)
        here, there = ({json.dumps(row[1:], sort_keys=True) for row in proxy.asked if row[0].startswith(who)} for who in ("mainstay", "prometheus"))
        # Go names itself nowhere in CONNECT.
        there |= {json.dumps(row[1:], sort_keys=True) for row in proxy.asked if row[0] == "" or row[0].startswith("go-")}
        self.assertEqual(here, there)
        self.assertIn("407", self.why("stranger"))
        for told in (json.dumps(self.targets()), self.server.log(10000)):
            self.assertNotIn("s3cret", str(told))

    def test_the_same_questions_reach_token_servers(self):
        plain, form = self.peer(TokenServer()), self.peer(TokenServer(form_only=True))
        one, two = self.peer(Guarded(plain)), self.peer(Guarded(form))
        params = "client_id: an id, client_secret: s3cret, scopes: [read, all], endpoint_params: {audience: 'a b', x: '&='}"
        self.scrape(f"""
- {{job_name: field, oauth2: {{{params}, token_url: '{plain.url}'}}, static_configs: [{{targets: ['{one.address}']}}]}}
- {{job_name: form, oauth2: {{{params}, token_url: '{form.url}'}}, static_configs: [{{targets: ['{two.address}']}}]}}
""")
        self.there = self.peer(Same(self.folder, self.path))
        for job in ("field", "form"):
            self.same(f'{{job="{job}"}}', 6)
            self.assertEqual(self.values(f'up{{job="{job}"}}').popitem()[1], "1")
        for server, times in ((plain, 1), (form, 2)):
            here, there = ([row[1:] for row in server.asked if row[0] == who] for who in ("mainstay", "prometheus"))
            self.assertEqual(here, there)
            self.assertEqual(len(here), times)


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

    def test_fields_of_a_job_reach_targets_and_who_finds_them_and_are_nowhere_else(self):
        target = self.peer(Target())
        finder = self.peer(Target(groups=[{"targets": [target.address]}]))
        elsewhere = self.peer(Target())
        mover = self.peer(Target(moved=f"http://localhost:{elsewhere.address.split(':')[1]}/metrics"))
        (self.folder / "field").write_text("f1le-v4lue\n")
        headers = "http_headers: {X-Tenant: {values: [shop, zrh]}, Private-Token: {secrets: [s3cret], files: [field]}}"
        self.scrape(f"""
- job_name: found
  {headers}
  http_sd_configs: [{{url: 'http://{finder.address}/x', refresh_interval: 1s, {headers}}}]
- {{job_name: moved, metrics_path: /moved, {headers}, static_configs: [{{targets: ['{mover.address}']}}]}}
""")
        self.wait_health({("found", target.address): "up", ("moved", mover.address): "up"})
        wanted = [("X-Tenant", "shop"), ("X-Tenant", "zrh"), ("Private-Token", "s3cret"), ("Private-Token", "f1le-v4lue")]
        for asked, seen in ((target, wanted), (finder, wanted), (mover, wanted), (elsewhere, [])):
            self.assertEqual([line for line in asked.lines[-1] if line[0] in ("X-Tenant", "Private-Token")], seen)
        self.assertIn(("X-Prometheus-Refresh-Interval-Seconds", "1"), finder.lines[-1])
        self.assertIn(("X-Prometheus-Scrape-Timeout-Seconds", "1"), target.lines[-1])
        (self.folder / "field").write_text("n3w")
        wait_until(lambda: ("Private-Token", "n3w") in target.lines[-1], 10, "the file to be read again")
        (self.folder / "field").unlink()
        self.wait_health({("found", target.address): "down", ("moved", mover.address): "down"})
        self.assertIn("field", self.why("found"))
        for told in (json.dumps(self.targets()), self.server.log(10000)):
            for secret in ("s3cret", "f1le-v4lue", "n3w"):
                self.assertNotIn(secret, str(told))

    def test_a_token_is_fetched_once_for_a_job_and_anew_when_it_or_the_secret_is_no_good_any_more(self):
        cert, key = certificate(self.folder / "tokens")
        tokens = self.peer(TokenServer(tls=(cert, key), delay=0.5))
        targets = [self.peer(Guarded(tokens)) for _ in range(5)]
        finder = self.peer(Guarded(tokens, groups=[{"targets": [targets[0].address]}]))
        (self.folder / "secret").write_text("s3cret\n")
        oauth2 = (f"oauth2: {{client_id: an id, client_secret_file: secret, token_url: '{tokens.url}', "
                  f"tls_config: {{ca_file: '{cert}', server_name: 127.0.0.1}}}}")
        names = ", ".join(f"'{target.address}'" for target in targets)
        self.scrape(f"""
- {{job_name: many, {oauth2}, static_configs: [{{targets: [{names}]}}]}}
- {{job_name: found, http_sd_configs: [{{url: 'http://{finder.address}/x', refresh_interval: 1s, {oauth2}}}], relabel_configs: [{{action: drop, source_labels: [job]}}]}}
""")
        up = {("many", target.address): "up" for target in targets}
        self.wait_health(up)
        wait_until(lambda: len(self.targets()["droppedTargets"]) == 1, 10, "the target that http_sd finds")
        self.assertEqual(len(tokens.asked), 2)  # one for each way of asking
        tokens.valid.clear()
        self.wait_health({one: "down" for one in up})
        self.assertIn("401", self.why("many"))
        self.wait_health(up, 25)
        asked, tokens.secret = len(tokens.asked), "0ther"
        (self.folder / "secret").write_text("0ther\n")
        wait_until(lambda: len(tokens.asked) > asked, 10, "the other secret to be sent")
        self.wait_health(up)
        asked = len(tokens.asked)
        tokens.status, tokens.delay = 503, 0  # two questions within a second
        (self.folder / "secret").write_text("wr0ng\n")
        self.wait_health({one: "down" for one in up})
        wait_until(lambda: "HTTP status 401, invalid_client" in self.why("many"), 15, f"the reason, found {self.why('many')}")
        tokens.secret = "wr0ng"
        wait_until(lambda: "HTTP status 503" in self.why("many"), 15, f"the other reason, found {self.why('many')}")
        self.assertLess(len(tokens.asked) - asked, 30)
        tokens.stop()
        wait_until(lambda: "could not connect" in self.why("many"), 15, f"the third reason, found {self.why('many')}")
        for told in (json.dumps(self.targets()), self.server.log(10000)):
            for secret in ("s3cret", "0ther", "wr0ng", "t0ken"):
                self.assertNotIn(secret, str(told))

    def test_no_proxy_and_the_environment_say_who_is_asked_straight(self):
        target = self.peer(Target())
        port = target.address.split(":")[1]
        proxy = self.peer(Proxy({"inside.example.org:9100": target.address}))
        finder = self.peer(Target(groups=[{"targets": ["inside.example.org:9100"]}]))
        proxy.names["finder.example.org"] = finder.address
        self.scrape("")
        self.server.stop()
        self.server.environment |= {"HTTP_PROXY": proxy.address, "no_proxy": "localhost"}
        self.write_jobs(f"""
- {{job_name: spared, proxy_url: 'http://{proxy.address}', no_proxy: 'example.net, 10.0.0.0/8', static_configs: [{{targets: ['localhost:{port}']}}]}}
- {{job_name: all, proxy_url: 'http://{proxy.address}', static_configs: [{{targets: ['{target.address}']}}]}}
- {{job_name: environment, proxy_from_environment: true, static_configs: [{{targets: ['inside.example.org:9100', '{target.address}']}}]}}
- {{job_name: found, proxy_url: 'http://{proxy.address}', http_sd_configs: [{{url: 'http://finder.example.org/x', proxy_url: 'http://{proxy.address}', refresh_interval: 1s}}]}}
""")
        self.server.start()
        self.wait_health({("spared", f"localhost:{port}"): "up", ("all", target.address): "up", ("environment", "inside.example.org:9100"): "up",
                          ("environment", target.address): "up", ("found", "inside.example.org:9100"): "up"})
        self.assertEqual({row[1] for row in proxy.asked}, {f"GET http://{target.address}/metrics", "GET http://inside.example.org:9100/metrics",
                                                           "GET http://finder.example.org/x"})

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
        self.assertIs(self.reader.get("status/runtimeinfo")["data"]["reloadConfigSuccess"], False)
        self.write_jobs(f"- {{job_name: j, static_configs: [{{targets: ['{one.address}', '{two.address}']}}]}}\n")
        self.wait_health({("j", one.address): "up", ("j", two.address): "up"})
        self.assertFalse(any(w["code"] == "scrape" for w in self.ann.client.get("now")["warnings"]))
        self.assertIs(self.reader.get("status/runtimeinfo")["data"]["reloadConfigSuccess"], True)
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
