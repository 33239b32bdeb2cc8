"""peers.py: what stands around Mainstay in a scenario: a real nginx, a real SMTP server with a mailbox,
and receivers of ntfy and webhook calls that are stricter than life and fail in every documented way.

Each has start() and stop(), listens on a free port of loopback, and keeps what arrived.
"""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.request

from mainstay import TOP, Timeout, wait_until

START_SECONDS_MAX = 20
BODY_BYTES_MAX = 1 << 20
SKEW_SECONDS_MAX = 300  # how old a signed call may be


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder, days=30, name="localhost"):
    """(certificate, key) files, self-signed, that end in `days` (0: they end at once)."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / f"{name}-{days}.crt", folder / f"{name}-{days}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", cert, "-days", str(days), "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


class Process:
    """A peer that is a program of its own; ended by its process group."""

    process = None

    def spawn(self, command, **more):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **more)

    def stop(self):
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
        except ProcessLookupError:
            self.process.wait(5)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None


class Nginx(Process):
    """The service that is watched. It can be stopped, started again on its port, and made to misbehave."""

    def __init__(self, folder, body="all is well", tls=None):
        self.folder = pathlib.Path(folder) / "nginx"
        self.port = free_port()
        self.tls = tls  # (certificate, key)
        self.status, self.body = 200, body
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/"

    def configuration(self):
        tls = f"ssl_certificate {self.tls[0]}; ssl_certificate_key {self.tls[1]};" if self.tls else ""
        temp = "".join(f"{kind}_temp_path {self.folder};" for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (f"{'user root;' if os.getuid() == 0 else ''} daemon off; worker_processes 1; "
                f"pid {self.folder}/pid; error_log {self.folder}/error.log;\n"
                "events { worker_connections 256; }\n"
                f"http {{ access_log {self.folder}/access.log; {temp}\n"
                f"  server {{ listen 127.0.0.1:{self.port}{' ssl' if self.tls else ''}; {tls}\n"
                f"    default_type text/plain; location / {{ return {self.status} \"{self.body}\"; }} }} }}\n")

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "nginx.conf").write_text(self.configuration())
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.spawn([program, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, START_SECONDS_MAX, "nginx to answer")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("nginx ended: " + (self.folder / "error.log").read_text())
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def serve(self, status, body):
        """Answers differently from now on."""
        self.status, self.body = status, body
        (self.folder / "nginx.conf").write_text(self.configuration())
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.workers() and not self.workers() & before, 10, "nginx to take its new settings")

    def workers(self):
        pid = self.process.pid
        return set(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def requests(self):
        """The lines of its access log."""
        return (self.folder / "access.log").read_text().splitlines()


class Smtp(Process):
    """A real SMTP server with a mailbox. See smtp_server.py for its modes."""

    def __init__(self, folder, tls=None, user=None, port=None):
        self.folder = pathlib.Path(folder) / "smtp"
        self.options = (["--tls", *tls] if tls else []) + (["--user", *user] if user else [])
        self.options += ["--port", str(port)] if port else []
        self.port = port

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        # Debian's python: the server comes from Debian's package, whatever python runs the scenario.
        with open(self.folder / "errors", "ab") as errors:
            self.spawn(["/usr/bin/python3", TOP / "tests/scenarios/smtp_server.py", self.folder, *self.options],
                       stdout=subprocess.PIPE, stderr=errors, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError("the SMTP server ended: " + (self.folder / "errors").read_text())
        self.port = int(line.split()[-1])

    def mode(self, mode):
        (self.folder / "mode.new").write_text(mode)
        os.rename(self.folder / "mode.new", self.folder / "mode")

    def mails(self, to=None):
        """The messages delivered so far, parsed, oldest first."""
        found = []
        for path in sorted((self.folder / "Maildir" / "new").glob("*"), key=lambda p: p.stat().st_mtime_ns):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if to is None or to in message["X-RcptTo"]:
                found.append(message)
        return found

    def wait_for_mail(self, count=1, seconds=20, to=None):
        return wait_until(lambda: len(self.mails(to)) >= count and self.mails(to), seconds, f"{count} mails")


class Call:
    """One request that arrived at a receiver."""

    def __init__(self, method, path, headers, body, answered):
        self.at = time.time()
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.answered = answered  # the status it was given, or the mischief done to it
        self.wrong = None  # why the receiver refused it

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.method} {self.path} {self.answered} {self.wrong or ''} {self.body[:200]!r}>"


class Receiver:
    """An HTTP server of our own, small enough to do to a connection what a library would not.

    `behave(...)` says what happens to the next calls; when the list is empty, calls are judged:

      500            an error               "429 7"        too many, Retry-After: 7 seconds
      "hang"         never answer           "reset"        TCP reset after reading the request
      "close"        close without a word   "cut"          close in the middle of the answer's body
      "slow 3"       a good answer, drop by drop over 3 seconds
      "silent ok"    accept the call, then reset: the sender cannot know
      "redirect URL" 302                    "garbage"      an answer that is not HTTP
      "accept"       judge this one (to put a good one between bad ones)
    """

    def __init__(self):
        self.calls = []  # all, also the refused
        self.plan = []
        self.lock = threading.Lock()
        self.listener = None
        self.open = set()
        self.closing = threading.Event()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def stop(self):
        self.closing.set()
        if self.listener is None:
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self.listener = None

    def behave(self, *plan):
        with self.lock:
            self.plan = list(plan)

    def good(self):
        """The calls that were taken: these reached the person."""
        with self.lock:
            return [call for call in self.calls if call.wrong is None and call.answered in (200, "silent ok")]

    def refused(self):
        """The calls whose sender did something wrong. HEAD is how discovery asks a port what it speaks: no sender."""
        with self.lock:
            return [call for call in self.calls if call.wrong is not None and call.method != "HEAD"]

    def wait_for(self, count=1, seconds=20):
        try:
            return wait_until(lambda: len(self.good()) >= count and self.good(), seconds, f"{count} calls")
        except Timeout as error:
            raise Timeout(f"{error}; all calls: {self.calls}") from None

    def judge(self, call):
        """(why it is refused or None, status, answer as an object). A subclass knows its protocol."""
        raise NotImplementedError

    def _accept(self):
        while not self.closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(30)
        try:
            with connection.makefile("rb") as stream:
                while self._one(connection, stream):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def _one(self, connection, stream):
        """Reads one request and deals with it; False ends the connection."""
        line = stream.readline(8192)
        if not line:
            return False
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers = email.message_from_bytes(b"".join(iter(lambda: stream.readline(8192), b"\r\n")))
        if (headers["Expect"] or "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = read_body(stream, headers)
        with self.lock:
            probed = method == "HEAD"  # discovery, also that of another Mainstay: no call to misbehave at
            todo = str(self.plan.pop(0)) if self.plan and not probed else "accept"
            call = Call(method, path, headers, body, todo)
            self.calls.append(call)
        return self._behave(connection, call, *todo.split(" ", 1))

    def _behave(self, connection, call, what, value=""):
        if what in ("accept", "slow", "silent", "cut"):
            with self.lock:
                call.wrong, status, answer = self.judge(call)
                call.answered = status if what in ("accept", "slow") else call.answered
        if what == "accept":
            connection.sendall(http_answer(status, json.dumps(answer)))
            return True
        if what == "slow":
            drip(connection, http_answer(status, json.dumps(answer)), float(value), self.closing)
            return True
        if what == "cut":
            call.answered = "cut"
            connection.sendall(http_answer(200, json.dumps(answer))[:-5])
        elif what in ("reset", "silent"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif what == "hang":
            self.closing.wait(3600)
        elif what == "garbage":
            connection.sendall(b"\x16\x03\x01 not HTTP at all\r\n\r\n")
        elif what == "redirect":
            call.answered = 302
            connection.sendall(http_answer(302, "", f"Location: {value}\r\n"))
            return True
        elif what.isdigit():
            call.answered = int(what)
            more = f"Retry-After: {value}\r\n" if value else ""
            connection.sendall(http_answer(int(what), json.dumps({"error": f"told to answer {what}"}), more))
            return True
        elif what != "close":
            raise AssertionError(f"no receiver behaves like \"{what}\"")
        return False


def read_body(stream, headers):
    """The body, by its length or its chunks; never more than the limit."""
    if (headers["Transfer-Encoding"] or "").lower() == "chunked":
        body = b""
        while True:
            size = int(stream.readline(64).split(b";")[0], 16)
            if size == 0:
                stream.readline(8192)
                return body
            if len(body) + size > BODY_BYTES_MAX:
                raise ValueError("the body is too large")
            body += stream.read(size)
            stream.readline(8)
    size = int(headers["Content-Length"] or 0)
    if size > BODY_BYTES_MAX:
        raise ValueError("the body is too large")
    return stream.read(size)


def http_answer(status, body, more=""):
    body = body.encode()
    return (f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def drip(connection, data, seconds, closing):
    """Sends byte by byte, so that a reader with a limit per byte, not per answer, waits for ever."""
    for byte in data:
        connection.sendall(bytes([byte]))
        if closing.wait(seconds / len(data)):
            return


def object_without_twins(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key stands twice")
    return dict(pairs)


class Ntfy(Receiver):
    """An ntfy server as its manual describes publishing as JSON, and refusing what the manual lacks.

    Limits: topic of 64 of [A-Za-z0-9_-], message 4,096 bytes, priority 1 to 5, three actions.
    """

    FIELDS = {"topic": str, "message": str, "title": str, "tags": list, "priority": int, "actions": list,
              "click": str, "attach": str, "markdown": bool, "icon": str, "filename": str, "delay": str,
              "email": str, "call": str, "sequence_id": str}
    ACTIONS = {"view": {"url"}, "http": {"url", "method", "headers", "body"}, "broadcast": {"intent", "extras"}}

    def __init__(self, token=None):
        super().__init__()
        self.token = token

    def judge(self, call):
        if self.token and call.headers["Authorization"] != f"Bearer {self.token}":
            return "no such token", 401, {"code": 40101, "http": 401, "error": "unauthorized"}
        wrong = self.complaint(call)
        if wrong:
            return wrong, 400, {"code": 40000, "http": 400, "error": wrong}
        said = call.json
        number = base64.b32encode(os.urandom(8)).decode()[:12]
        return None, 200, {"id": number, "time": int(time.time()), "event": "message"} | said

    def complaint(self, call):
        if (call.method not in ("POST", "PUT")) or call.path != "/":
            return "publishing as JSON is a POST to /"
        try:
            said = json.loads(call.body.decode(), object_pairs_hook=object_without_twins)
        except ValueError as error:
            return f"not JSON: {error}"
        if not isinstance(said, dict):
            return "not an object"
        for name, value in said.items():
            if name not in self.FIELDS:
                return f"unknown field \"{name}\""
            if type(value) is not self.FIELDS[name]:
                return f"\"{name}\" is of the wrong type"
        return self.complaint_of_values(said)

    def complaint_of_values(self, said):
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", said.get("topic", "")):
            return "the topic is invalid"
        if not 1 <= said.get("priority", 3) <= 5:
            return "the priority is not 1 to 5"
        if len(said.get("message", "").encode()) > 4096:
            return "the message is longer than 4096 bytes"
        if "\n" in said.get("title", ""):
            return "the title has two lines"
        if not re.fullmatch(r"(https?|mailto|geo|tel):\S+", said.get("click", "http://x")):
            return "click is not a link"
        actions = said.get("actions", [])
        if len(actions) > 3:
            return "more than three actions"
        for action in actions:
            known = self.ACTIONS.get(action.get("action"))
            if known is None or not action.get("label") or set(action) - known - {"action", "label", "clear"}:
                return f"the action {action} is invalid"
        return None


class Webhook(Receiver):
    """A receiver of signed calls as standardwebhooks.com describes them.

    webhook-id, webhook-timestamp (seconds) and webhook-signature: a list of `v1,BASE64` where the bytes
    are HMAC-SHA256 of `id.timestamp.body`. The secret is `whsec_BASE64`.
    """

    def __init__(self, secret=None):
        super().__init__()
        self.secret = secret or "whsec_" + base64.b64encode(os.urandom(32)).decode()

    def judge(self, call):
        wrong = self.complaint(call)
        return wrong, 401 if wrong else 200, {"error": wrong} if wrong else {}

    def complaint(self, call):
        if call.method != "POST":
            return "not a POST"
        if (call.headers["Content-Type"] or "").split(";")[0].strip() != "application/json":
            return f"the content type is {call.headers['Content-Type']}"
        number, stamp = call.headers["webhook-id"] or "", call.headers["webhook-timestamp"] or ""
        if not number or "." in number:
            return "webhook-id is missing or has a dot"
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > SKEW_SECONDS_MAX:
            return f"webhook-timestamp \"{stamp}\" is not about now"
        wanted = sign(self.secret, number, stamp, call.body)
        given = (call.headers["webhook-signature"] or "").split(" ")
        if not any(hmac.compare_digest(wanted, one) for one in given):
            return "the signature is wrong"
        try:
            json.loads(call.body.decode(), object_pairs_hook=object_without_twins)
        except ValueError as error:
            return f"not JSON: {error}"
        return None


class NodeExporter(Process):
    """What a Prometheus scrapes; stopped, its `up` becomes 0."""

    def __init__(self):
        self.port = free_port()

    def start(self):
        self.spawn(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{self.port}",
                    "--collector.disable-defaults", "--collector.loadavg"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None,
                   START_SECONDS_MAX, "node_exporter to answer")


class BlackboxExporter(Process):
    """Debian's, with one module: is that address answered with 2xx."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "blackbox"
        self.port = free_port()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "blackbox.yml").write_text("modules: {http_2xx: {prober: http, timeout: 900ms}}\n")
        self.spawn(["prometheus-blackbox-exporter", f"--config.file={self.folder}/blackbox.yml",
                    f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None,
                   START_SECONDS_MAX, "blackbox_exporter to answer")


class Prometheus(Process):
    """A real Prometheus with one rule: the exporter is down. It sends what it finds to one Alertmanager."""

    def __init__(self, folder, target_port, alertmanager, token=None, resend="1s"):
        self.folder = pathlib.Path(folder) / "prometheus"
        self.port = free_port()
        self.target_port, self.alertmanager, self.token, self.resend = target_port, alertmanager, token, resend

    def configuration(self):
        token = f", authorization: {{credentials: {self.token}}}" if self.token else ""
        return ("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
                "rule_files: [rules.yml]\n"
                f"scrape_configs: [{{job_name: node, static_configs: [{{targets: ['127.0.0.1:{self.target_port}']}}]}}]\n"
                f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{self.alertmanager}']}}]{token}}}]}}\n")

    RULES = """
groups:
  - name: node
    rules:
      - alert: NodeExporterDown
        expr: up{job="node"} == 0
        labels: {severity: critical, service: shop}
        annotations:
          summary: 'nobody answers at {{ $labels.instance }}'
          runbook_url: https://runbooks.example.org/node-exporter
"""

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(self.configuration())
        (self.folder / "rules.yml").write_text(self.RULES)
        with open(self.folder / "log", "ab") as log:
            self.spawn(["prometheus", f"--config.file={self.folder}/prometheus.yml",
                        f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}",
                        f"--rules.alert.resend-delay={self.resend}"], stdout=log, stderr=log)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None,
                   START_SECONDS_MAX, "Prometheus to answer")


class RemoteWriter(Process):
    """A real Prometheus that scrapes itself each second and sends what it has by remote write."""

    def __init__(self, folder, address, token):
        self.folder = pathlib.Path(folder) / "writer"
        self.port = free_port()
        self.address, self.token = address, token

    def configuration(self):
        return ("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                f"scrape_configs: [{{job_name: prometheus, static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]}}]\n"
                f"remote_write: [{{url: 'http://{self.address}/api/v1/write', authorization: {{credentials: {self.token}}}, "
                "queue_config: {batch_send_deadline: 500ms}, metadata_config: {send_interval: 2s}}]\n")

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(self.configuration())
        with open(self.folder / "log", "ab") as log:
            self.spawn(["prometheus", f"--config.file={self.folder}/prometheus.yml", "--query.lookback-delta=299999ms",
                        f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
                       stdout=log, stderr=log)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None,
                   START_SECONDS_MAX, "Prometheus to answer")

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name):
                    return float(line.rpartition(" ")[2])
        return None

    def wait_sent(self, until, seconds=30):
        """Until everything that was scraped by then has been sent."""
        wait_until(lambda: (self.metric("prometheus_remote_storage_queue_highest_sent_timestamp_seconds") or 0) > until,
                   seconds, "Prometheus to send what it scraped")


class VmAgent(Process):
    """vmagent of VictoriaMetrics: scrapes one exporter each second and sends it on."""

    def __init__(self, folder, target_port, address, token):
        self.folder = pathlib.Path(folder) / "vmagent"
        self.port = free_port()
        self.target_port, self.address, self.token = target_port, address, token

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs: [{{job_name: node, static_configs: [{{targets: ['127.0.0.1:{self.target_port}']}}]}}]\n")
        with open(self.folder / "log", "ab") as log:
            self.spawn(["vmagent", f"-promscrape.config={self.folder}/prometheus.yml", f"-remoteWrite.tmpDataPath={self.folder}/data",
                        f"-remoteWrite.url=http://{self.address}/api/v1/write", f"-remoteWrite.bearerToken={self.token}",
                        f"-httpListenAddr=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None,
                   START_SECONDS_MAX, "vmagent to answer")


class VmAlert(Process):
    """vmalert of VictoriaMetrics: asks us, writes its series to us, and sends us its alerts."""

    def __init__(self, folder, address, reads, acts):
        self.folder = pathlib.Path(folder) / "vmalert"
        self.port = free_port()
        self.address, self.reads, self.acts = address, reads, acts

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rules.yml").write_text(Prometheus.RULES)
        here = f"http://{self.address}"
        with open(self.folder / "log", "ab") as log:
            self.spawn(["vmalert", f"-rule={self.folder}/rules.yml", "-evaluationInterval=1s", f"-datasource.url={here}",
                        f"-datasource.bearerToken={self.reads}", "-datasource.queryStep=1s", f"-notifier.url={here}",
                        f"-notifier.bearerToken={self.acts}", f"-remoteWrite.url={here}", f"-remoteWrite.bearerToken={self.acts}",
                        "-remoteWrite.flushInterval=500ms", f"-httpListenAddr=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None,
                   START_SECONDS_MAX, "vmalert to answer")


def sign(secret, number, stamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
