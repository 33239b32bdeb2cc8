"""mainstay.py: starts the real binary and speaks to it as a person's browser or a script would.

Nothing here knows the inside of Mainstay: it starts a program, reads the two lines it prints, and uses
its HTTP API. Every wait has a limit, and everything a scenario started ends with it.
"""
import http.client
import http.cookies
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import openapi
import postgres

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("MAINSTAY_BINARY", TOP / "build-check" / "mainstay"))
START_SECONDS_MAX = 30  # sanitizers make it slow, a busy machine slower
STOP_SECONDS_MAX = 15
REQUEST_SECONDS_MAX = 30
LOG_LINES_SHOWN = 60
API_PATHS = ("/api/", "/l/", "/r/", "/s/", "/report", "/subscribe", "/v2/", "/healthz", "/readyz", "/-/")
BROKEN = re.compile(r"ERROR: (Address|Leak|Thread|Memory)Sanitizer|runtime error:|Assertion .* failed")


class Timeout(AssertionError):
    """A wait came to its end: what was waited for did not happen."""


def wait_until(condition, seconds=10, what=None):
    """Calls `condition` until it gives something true, and returns that.

    An exception of the condition counts as "not yet", and the last one is told when time is up.
    """
    end = time.monotonic() + seconds
    pause, last = 0.01, None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, AssertionError, LookupError, http.client.HTTPException) as error:
            last = error
        if time.monotonic() > end:
            raise Timeout(f"waited {seconds} s for {what or condition.__name__}; last: {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


class Answer:
    """What the server said to one request."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # http.client.HTTPMessage: lookup ignores case
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Client:
    """One browser, or one script with a token: keeps cookies, sends the CSRF header by itself.

    Every answer is held against openapi.yaml; `contract=None` is for programs that are not Mainstay.
    """

    def __init__(self, address, token=None, contract=openapi.contract, trust=None):
        self.contract = contract() if contract else None
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.token = token
        self.trust = trust  # a certificate file: HTTPS, and nothing else is trusted
        self.cookies = {}
        self.csrf = None

    def headers(self, method, more=None):
        sent = {}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.csrf and method not in ("GET", "HEAD"):
            sent["X-Mainstay-CSRF"] = self.csrf
        return sent | (more or {})

    def request(self, method, path, body=None, headers=None, seconds=REQUEST_SECONDS_MAX):
        """One request on a connection of its own. A dict or list is sent as JSON, bytes as they are."""
        sent = self.headers(method, headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = self.connection(seconds)
        try:
            connection.request(method, self.path(path), body=body, headers=sent)
            answer = connection.getresponse()
            self.remember(answer.headers)
            found = Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        self.judge(method, self.path(path), sent, body, found)
        return found

    def judge(self, method, target, sent, body, answer):
        """Fails when openapi.yaml says otherwise. The UI's own pages are not in it."""
        if self.contract and target.startswith(API_PATHS):
            self.contract.check(openapi.Exchange(method, target, sent, body or b"", answer.status,
                                                 answer.headers, answer.body))

    def connection(self, seconds=REQUEST_SECONDS_MAX):
        if self.trust is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        return http.client.HTTPSConnection(self.host, self.port, timeout=seconds,
                                           context=ssl.create_default_context(cafile=self.trust))

    @staticmethod
    def path(path):
        """`/l/x` and `/api/...` are taken as they are; `incidents` is short for `/api/v1/incidents`."""
        return path if path.startswith("/") else f"/api/v1/{path}"

    def remember(self, headers):
        for line in headers.get_all("Set-Cookie") or []:
            for name, cookie in http.cookies.SimpleCookie(line).items():
                if cookie.value and cookie["max-age"] != "0":
                    self.cookies[name] = cookie.value
                else:
                    self.cookies.pop(name, None)

    def ok(self, method, path, body=None, **more):
        """The request must be answered 2xx; gives the JSON, or None where there is no body."""
        answer = self.request(method, path, body, **more)
        if not 200 <= answer.status < 300:
            raise AssertionError(f"{method} {path}: wanted 2xx, found {answer}")
        return answer.json if answer.body else None

    def get(self, path, **more):
        return self.ok("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ok("POST", path, {} if body is None else body, **more)

    def put(self, path, body, **more):
        return self.ok("PUT", path, body, **more)

    def patch(self, path, body, **more):
        return self.ok("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.ok("DELETE", path, **more)

    def items(self, path):
        """All items of a list, page by page."""
        found, cursor = [], None
        for _ in range(1000):
            joint = "&" if "?" in path else "?"
            page = self.get(path if cursor is None else f"{path}{joint}cursor={cursor}")
            found += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return found
        raise AssertionError(f"{path} has no last page")

    def sign_in(self, link_token):
        """Uses a one-time link, as the page behind it does. Returns what the server says."""
        said = self.post("session/link", {"token": link_token})
        self.csrf = said["csrf"]
        return said

    def sign_in_with_password(self, email, password):
        said = self.post("session", {"email": email, "password": password})
        self.csrf = said["csrf"]
        return said

    def events(self, last_id=None, path="events"):
        return Events(self, path, last_id)


class Events:
    """A stream of server-sent events, read on a thread of its own until closed."""

    def __init__(self, client, path="events", last_id=None):
        headers = client.headers("GET", {"Accept": "text/event-stream"})
        if last_id is not None:
            headers["Last-Event-ID"] = str(last_id)
        self.connection = client.connection(60)
        self.connection.request("GET", client.path(path), headers=headers)
        self.socket = self.connection.sock  # taken now: an answer without an end takes it over
        self.answer = self.connection.getresponse()
        self.contract = client.contract
        if self.answer.status != 200:
            found = Answer(self.answer.status, self.answer.headers, self.answer.read())
            client.judge("GET", client.path(path), headers, None, found)
            raise AssertionError(f"{path}: wanted a stream, found {found}")
        self.arrived = queue.Queue()
        self.seen = []  # every event so far, as dicts with id, event, data
        self.comments = 0  # heartbeats
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {"id": None, "event": "message", "data": []}
        try:
            for raw in iter(self.answer.readline, b""):
                line = raw.decode().rstrip("\r\n")
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if field == "data":
                        event["data"].append(value)
                    elif field in event:
                        event[field] = value
                elif event["data"]:
                    self.arrived.put(event | {"data": "\n".join(event["data"])})
                    event = {"id": event["id"], "event": "message", "data": []}
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # closed, by us or by them
        self.arrived.put(None)

    def wait(self, wanted=lambda event: True, seconds=10):
        """The next event that is wanted; those passed over stay in `seen`."""
        end = time.monotonic() + seconds
        while True:
            try:
                event = self.arrived.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise Timeout(f"no such event in {seconds} s; seen: {self.seen[-5:]}") from None
            if event is None:
                self.arrived.put(None)
                raise Timeout(f"the stream ended; seen: {self.seen[-5:]}")
            self.seen.append(event)
            if self.contract:
                self.contract.check_notice(event)
            if wanted(event):
                return event

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(5)
        assert not self.thread.is_alive(), "the stream's reader did not end"
        self.answer.close()
        self.connection.close()


class Mainstay:
    """The real program on a folder of its own. It keeps its data over stop, kill and start."""

    def __init__(self, folder, arguments=(), environment=None, binary=BINARY):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.binary = [str(part) for part in (binary if isinstance(binary, (list, tuple)) else [binary])]
        self.promises = {} if binary == BINARY else {"contract": None}
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        if "MAINSTAY_TLS_CERT" in self.environment:  # then its clients speak HTTPS and trust nothing else
            self.promises["trust"] = self.environment["MAINSTAY_TLS_CERT"]
        self.process = None
        self.address = None  # "127.0.0.1:4711", once it listens
        self.link = None  # the one-time sign-in token it printed, if it printed one
        self.lines = []
        self.reader = None

    def start(self, seconds=START_SECONDS_MAX, port=0):
        """Starts it and waits until it listens. A restart keeps the port, as a service does."""
        assert self.process is None, "it runs already"
        if postgres.ENGINE == "postgres" and "MAINSTAY_STORE" not in self.environment and "--store" not in self.arguments:
            self.environment["MAINSTAY_STORE"] = postgres.make_database(postgres.cluster())
        port = port or (int(self.address.rpartition(":")[2]) if self.address else 0)
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [*self.binary, "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{port}",
                   *self.arguments]
        begun = len(self.lines)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True,
                                        env=os.environ | self.environment)
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        try:
            found = wait_until(lambda: self._listening(begun) or self._ended(), seconds, "mainstay to listen")
        except Timeout as error:
            self.kill9()
            raise Timeout(f"{error}\n{self.log()}") from None
        if found is True:
            status = self.process.returncode
            self.kill9()
            raise AssertionError(f"mainstay ended with status {status} before it listened\n{self.log()}")
        self.address = found
        return self

    def _read(self, stream):
        for raw in stream:
            self.lines.append(raw.decode(errors="replace").rstrip("\n"))
        stream.close()

    def _listening(self, begun):
        for line in self.lines[begun:]:
            link = re.search(r"mainstay: sign in at \S+/link#(\S+)", line)
            if link:
                self.link = link[1]
        for line in self.lines[begun:]:
            found = re.search(r"mainstay: listening on https?://([0-9.:\[\]a-z]+:\d+)", line)
            if found:
                return found[1]
        return None

    def _ended(self):
        return self.process.poll() is not None

    def sign_in_link(self, seconds=5):
        """The token of the newest one-time link it printed."""
        return wait_until(lambda: self._listening(0) and self.link, seconds, "a sign-in link")

    def client(self, **more):
        """A new browser. Another program than Mainstay is not held to Mainstay's contract."""
        return Client(self.address, **self.promises | more)

    def signed_in(self):
        """A client of the first user."""
        client = self.client()
        client.sign_in(self.sign_in_link())
        return client

    def members(self):
        """[(pid, command line)] of supervisor, hand, server and what they started.

        The session it leads, and all its descendants: the hand and each command have sessions of their own.
        """
        if not self.process:
            return []
        rows = {}  # pid: (parent, session)
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            state, parent, _, session = stat[stat.rindex(")") + 2:].split()[:4]
            if state != "Z":
                rows[int(entry.name)] = (int(parent), int(session))
        ours = {self.process.pid}
        for _ in range(len(rows)):  # a child may have a smaller number than its parent
            more = {pid for pid, (parent, session) in rows.items() if parent in ours or session == self.process.pid}
            if more <= ours:
                break
            ours |= more
        found = []
        for pid in ours & rows.keys():
            try:
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found.append((pid, line.strip()))
        return sorted(found)

    def kill9(self, only=None):
        """What a power cut does to it: nothing is flushed, nothing is said.

        `only` kills just the members whose command line contains it, and the rest goes on: the
        supervisor has to notice.
        """
        killed = []
        for pid, line in self.members():
            if only is None or only in line:
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                except ProcessLookupError:
                    continue
        if only is None:
            self._reap()
        return killed

    def stop(self, seconds=STOP_SECONDS_MAX):
        """Asks it to end; it must do so in time, with status 0, and with clean sanitizers."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise Timeout(f"mainstay did not stop in {seconds} s\n{self.log()}") from None
        wait_until(lambda: not self.members(), 2, "its children to end")
        self._reap()
        self.check_log()
        if status != 0:
            raise AssertionError(f"mainstay stopped with status {status}\n{self.log()}")

    def restart(self):
        self.stop()
        return self.start()

    def _reap(self):
        for pid, _ in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(5)
        self.reader.join(5)
        self.process = None

    def check_log(self):
        """Fails if a sanitizer or an assert spoke."""
        for line in self.lines:
            if BROKEN.search(line):
                raise AssertionError(f"mainstay broke: {line}\n{self.log(200)}")

    def stored(self):
        """The store as a file of SQLite, whichever engine keeps it; with PostgreSQL a copy of this moment."""
        if "MAINSTAY_STORE" not in self.environment:
            return self.data / "mainstay.db"
        path = self.folder / "copy.db"
        postgres.copy(self.environment["MAINSTAY_STORE"], path)
        return path

    def change_behind(self, sql):
        """Changes the store behind the server's back, as a stranger or a fault would."""
        if "MAINSTAY_STORE" in self.environment:
            postgres.psql(self.environment["MAINSTAY_STORE"], sql)
        else:
            subprocess.run(["sqlite3", self.data / "mainstay.db", sql], check=True)

    def log(self, lines=LOG_LINES_SHOWN):
        return "\n".join(["--- what mainstay printed:", *self.lines[-lines:]])


class Scenario(unittest.TestCase):
    """One test, one folder, its own servers; a failure shows what the program printed."""

    longMessage = True

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.servers = []
        self.addCleanup(self._show_logs)

    def mainstay(self, *arguments, name="mainstay", **more):
        """A started Mainstay that ends with the scenario, and must end well."""
        server = Mainstay(self.folder / name, arguments, **more)
        self.servers.append(server)
        self.addCleanup(self._finish, server)
        return server.start()

    def peer(self, peer):
        """Starts a peer that ends with the scenario."""
        self.addCleanup(peer.stop)
        peer.start()
        return peer

    def _finish(self, server):
        try:
            server.stop()
        finally:
            if server.process is not None:
                server.kill9()
        server.check_log()

    def _show_logs(self):
        outcome = getattr(self._outcome, "result", None)
        if outcome is None or not any(test is self for test, _ in outcome.failures + outcome.errors):
            return
        for server in self.servers:
            print(f"  {server.log()}".replace("\n", "\n  "))
