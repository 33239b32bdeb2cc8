"""Bad input: whatever is sent, the answer is a 4xx problem, nothing changes, and the process goes on.

Requests are made from openapi.yaml: a valid one for each operation, then bent until the contract forbids it. The
seed is printed; MAINSTAY_SEED repeats a run, MAINSTAY_REQUESTS says how many.
"""
import http.client
import json
import os
import random
import string
import time
import urllib.parse

import openapi
from exercise import MAKERS, path_of
from openapi import Exchange, contract
from test_permissions import BY_ITSELF
from world import Shared

SEED = int(os.environ.get("MAINSTAY_SEED", "20260308"))
REQUESTS = int(os.environ.get("MAINSTAY_REQUESTS", "10000"))
RSS_GROWTH_MAX = 200 << 20  # with sanitizers, which keep freed memory and dead stack frames for a while
ANSWER_SECONDS_MAX = 10
SMALL = 64 << 10
# A wrong password is answered slowly on purpose, a look at the machine is slow by itself.
RARE = {"session_create": 0.02, "discovery_get": 0.02, "session_password": 0.1, "discovery_watch": 0.2}
# What makes a session or an answer end; each is tested by itself.
NOT_SENT = {"session_delete", "event_stream"}


class Wire:
    """Requests on one connection that stays; every answer is judged by the contract."""

    def __init__(self, address, client=None):
        self.host, _, port = address.rpartition(":")
        self.port, self.client, self.connection = int(port), client, None

    def send(self, method, target, body=b"", headers=None):
        """(status, headers, body); the connection is opened anew when the server closed it."""
        sent = (self.client.headers(method) if self.client else {}) | (headers or {})
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS_MAX)
            try:
                self.connection.putrequest(method, target, skip_accept_encoding=True)
                for name, value in sent.items():
                    self.connection.putheader(name, value)
                if body or method not in ("GET", "HEAD", "DELETE"):
                    self.connection.putheader("Content-Length", str(len(body)))
                self.connection.endheaders(body or None)
                answer = self.connection.getresponse()
                found = Exchange(method, target, sent, body, answer.status, answer.headers, answer.read())
                if answer.will_close:
                    self.close()
                break
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                self.close()
                if fresh or attempt == 2:
                    raise
        contract().check(found)
        return found

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


# ---- bending a request ----

TEXTS = ["", "\0", "a\0b", "\ud800", "\u202e\u2066", "'; DROP TABLE event; --", "%00%n%s", "../../etc/passwd", "=1+1",
         "<script>alert(1)</script>", "\r\nX-Injected: 1", "a" * 300, "a" * 5000, "\U0001f525" * 90, "NULL", "-1", "{}",
         "2026-02-30T00:00:00Z", "9999999999999999999h", "1e999", "\x7f\x1b[31m"]
NUMBERS = [0, -1, 1.5, 2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63 - 1, 10 ** 40, -0.0, 1e308, 5e-324]


def junk(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind <= 2:
        return rng.choice(TEXTS)
    if kind == 3:
        return rng.choice([True, False, None])
    if kind == 4:
        return "".join(rng.choice(string.printable) for _ in range(rng.randrange(40)))
    if kind == 5:
        return rng.randrange(-10, 10 ** rng.randrange(1, 20))
    if kind == 6:
        return [junk(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["id", "name", "spec", "x", "", "__proto__", "\0"]): junk(rng, depth + 1) for _ in range(rng.randrange(4))}


def places(value, path=()):
    """Every path to something inside a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, path + (key,))


def bend(rng, value):
    """The value with one place replaced, removed, or with a key too many."""
    value = json.loads(json.dumps(value))
    path = rng.choice(list(places(value)))
    if not path:
        if isinstance(value, dict) and rng.random() < 0.7:
            return value | {rng.choice(["x", "ID", "admin", "", "\0", "constructor"]): junk(rng)}
        return junk(rng)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if rng.random() < 0.3:
        holder.pop(path[-1])
    else:
        holder[path[-1]] = junk(rng)
    return value


def bent_bytes(rng, text):
    """JSON text broken as bytes."""
    data = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] = rng.randrange(256)
        elif kind == 1:
            data[at:at] = rng.choice([b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"{", b"]", b",", b'"', b"\\u0000", b"\\ud800"])
        elif kind == 2:
            del data[at:at + rng.randrange(1, 8)]
        elif kind == 3:
            data += data[at:at + 20]
        else:
            data[at:at] = b'"x":1,'
    return bytes(data)


def deep(levels):
    return b'{"a":' * levels + b"1" + b"}" * levels


def raw_bodies(rng):
    """Bodies that no operation takes."""
    return rng.choice([
        b"not json", b"\0", b"\xff\xfe\x00", b"{", b"[]", b"null", b"1", b'"text"', b"{}{}", b'{"a":1,}', b"{'a':1}",
        b'{"a":NaN}', b'{"a":1e99999}', b'{"a":01}', b'{"title":"a","title":"b"}', b'{"\\u0074itle":"a","title":"b"}',
        b'{"title":"\\u0000"}', b'{"title":"\xc3\x28"}', b'{"title":"\\ud800"}', b"\xef\xbb\xbf{}x", deep(33), deep(1000),
        b"[" * 20000, b'{"a":"' + b"x" * 60000 + b'"}', b"// comment\n{}", b"a=1&b=2", b"<xml/>",
    ])


class Hostile(Shared):
    environment = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=1") + ":quarantine_size_mb=16:detect_stack_use_after_return=0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.requests = {}
        for name in sorted(set(MAKERS) & set(cls.world.rows) - NOT_SENT):
            cls.requests[name] = MAKERS[name](cls.world, cls.world.admin.client, cls.world.admin)
        for incident in cls.world.admin.client.items("incidents?state=open,acknowledged"):
            cls.world.admin.client.post(f"incidents/{incident['id']}/resolve")

    def choose(self, rng):
        while True:
            name = rng.choice(list(self.requests))
            if rng.random() < RARE.get(name, 1):
                return contract().operations[name], self.requests[name]

    def one(self, rng):
        """(operation, method, target, body, headers) that the contract forbids, or None."""
        operation, request = self.choose(rng)
        method, target = operation.method, path_of(operation, request)
        schema = operation.about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        wanted = operation.about.get("requestBody", {}).get("content")
        if wanted and "application/json" not in wanted:  # a form or a text: fuzz targets of their own
            return None
        if (operation.id.startswith("status_") and operation.id != "status_list") or operation.id.endswith("_form"):
            return None  # files and pages: they take any query, as a file server does
        body = b"" if request.body is None else json.dumps(request.body).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        what = rng.randrange(10)
        if schema and what < 5:
            value = bend(rng, request.body or {})
            body = json.dumps(value, ensure_ascii=rng.random() < 0.9).encode("utf-8", "surrogatepass")
        elif schema and what < 7:
            body = bent_bytes(rng, body or b"{}") if rng.random() < 0.5 else raw_bodies(rng)
        elif schema and what == 7:
            headers = {"Content-Type": rng.choice(["text/plain", "", "application/xml", "multipart/form-data; boundary=x"])}
            body = body or b"{}"
            return operation, method, target, body, headers
        elif what < 9 or schema:
            target = self.bent_target(rng, operation, request)
            if target is None:
                return None
            return operation, method, target, body, headers
        else:
            body, headers = raw_bodies(rng), {"Content-Type": "application/json"}
            if not operation.is_read:
                return None  # an operation without a body does not read it
            return operation, method, target, body, headers
        headers = {"Content-Type": "application/json"}
        if not self.forbidden(schema, body, operation):
            return None
        return operation, method, target, body, headers

    @staticmethod
    def forbidden(schema, body, operation):
        if not body:
            return operation.about["requestBody"]["required"]
        try:
            return bool(contract().request_complaints(schema, openapi.strict_json(body.decode())))
        except (ValueError, RecursionError):
            return True

    @staticmethod
    def bent_target(rng, operation, request):
        """An address with a parameter that it cannot have."""
        path = operation.path
        odd = [urllib.parse.quote(text.encode("utf-8", "surrogatepass"), safe="") for text in TEXTS if text not in ("", "..")]
        if request.params and rng.random() < 0.5:
            name = rng.choice(list(request.params))
            value = rng.choice([*odd, "0", "-1", "99999999999999999999", "1.0", "0x1", "%31%00", "UPPER", "-dash", "a" * 64, "+1",
                                "1;2", "%E2%80%AE"])
            text = urllib.parse.unquote(value, errors="surrogateescape")
            if not contract().parameter_complaints(operation.parameter("path", name), text):
                return None
            return path_of(operation, type(request)(request.params | {name: value}))
        path = path_of(operation, type(request)(request.params))
        names = operation.query_names()
        if "/l/" in path:
            return None  # links live among people, who add things to them
        if names and rng.random() < 0.7:
            name = rng.choice(names)
            parameter = operation.parameter("query", name)
            value = rng.choice(odd + ["0", "201", "-1", "true,false", "x,", ",", "2026-02-30T00:00:00Z", "yes", "[]"])
            text = urllib.parse.unquote(value, errors="surrogateescape")
            if name in ("cursor", "as_of", "q", "kind", "subject") or not contract().parameter_complaints(parameter, text):
                return None
            return f"{path}?{name}={value}"
        if operation.about.get("x-other-parameters") == "ignored":
            return None
        return path + "?" + rng.choice(["x=1", "limit=1&limit=2", "as_of", "=", "%00=1", "__proto__=1", "as_off=1"])

    def test_bent_requests_are_refused_and_change_nothing(self):
        rng, wire = random.Random(SEED), Wire(self.server.address, self.admin)
        self.addCleanup(wire.close)
        for _ in range(200):  # what is made once is made before memory is measured
            made = self.one(rng)
            if made:
                wire.send(*made[1:])
        before, rss, begun = self.world.tables(), self.world.rss_bytes(), time.monotonic()
        sent, slowest, statuses = 0, (0.0, None), {}
        while sent < REQUESTS:
            made = self.one(rng)
            if made is None:
                continue
            sent += 1
            operation, method, target, body, headers = made
            at = time.monotonic()
            try:
                answer = wire.send(method, target, body, headers)
            except AssertionError:
                raise
            except (OSError, http.client.HTTPException) as error:
                self.fail(f"seed {SEED}, request {sent}: {method} {target} {body[:200]!r}: no answer: {error!r}")
            slowest = max(slowest, (time.monotonic() - at, f"{method} {target}"), key=lambda pair: pair[0])
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if not 400 <= answer.status < 500:
                self.fail(f"seed {SEED}, request {sent}: {method} {target} {headers} {body[:500]!r}: wanted 4xx, found "
                          f"{answer.status} {answer.answer[:500]!r}")
            if sent % 2000 == 0:
                self.assertEqual(self.world.tables(), before, f"seed {SEED}: something changed before request {sent}")
        self.assertEqual(self.world.tables(), before, f"seed {SEED}: something changed")
        growth = self.world.rss_bytes() - rss
        print(f"note test_hostile: {sent} requests, seed {SEED}, {time.monotonic() - begun:.1f} s, answers "
              f"{dict(sorted(statuses.items()))}, memory grew by {growth >> 20} MiB, slowest {slowest[0] * 1000:.0f} ms {slowest[1]}")
        self.assertLess(growth, RSS_GROWTH_MAX)
        self.admin.get("session")

    def test_bent_requests_of_nobody_are_refused_before_they_are_read(self):
        rng, wire = random.Random(SEED + 1), Wire(self.server.address)
        self.addCleanup(wire.close)
        before, sent = self.world.tables(), 0
        while sent < REQUESTS // 20:
            made = self.one(rng)
            if made is None or made[0].permission == "none":
                continue
            answer = wire.send(*made[1:])
            sent += 1
            self.assertIn(answer.status, (400, 401, 404, 413), f"{made}: {answer}")
        self.assertEqual(self.world.tables(), before)

    def test_valid_requests_bent_within_the_contract_never_break_the_server(self):
        """What the contract allows may be done or refused, but is always understood."""
        rng, wire = random.Random(SEED + 2), Wire(self.server.address, self.admin)
        self.addCleanup(wire.close)
        names = [name for name in self.requests if contract().operations[name].about.get("requestBody")
                 and "application/json" in contract().operations[name].about["requestBody"]["content"]
                 and name not in ("user_update", "session_password", "session_create")]
        for _ in range(REQUESTS // 20):
            operation = contract().operations[rng.choice(names)]
            request = self.requests[operation.id]
            body = json.dumps(bend(rng, request.body or {})).encode()
            answer = wire.send(operation.method, path_of(operation, request), body, {"Content-Type": "application/json"})
            self.assertLess(answer.status, 500, f"seed {SEED}: {operation.id} {body!r}: {answer}")

    # ---- one by one ----

    def refused(self, body, status=400, path="incidents", method="POST", **headers):
        before = self.world.tables()
        wire = Wire(self.server.address, self.admin)
        answer = wire.send(method, f"/api/v1/{path}", body, {"Content-Type": "application/json"} | headers)
        wire.close()
        self.assertEqual(answer.status, status, f"{body[:100]!r}: {answer.answer!r}")
        self.assertEqual(self.world.tables(), before)
        return json.loads(answer.answer)

    def test_each_kind_of_bad_body_is_told_what_it_is(self):
        self.refused(b"title=x")
        self.refused(b'{"title":"a"')
        self.refused(b'{"title":"a"} trailing')
        self.refused(b'{"title":7}')
        self.refused(b'["title"]')
        self.refused(b'{"title":"a\xff"}')
        self.refused(b'{"title":"a\\u0000b"}')
        self.refused(b'{"title":"' + b"a" * 201 + b'"}')
        self.refused(b'{"title":"a","impact":1e400}')
        self.refused(b'{"title":"a","urgency":"urgent"}')
        self.assertIn("title", json.dumps(self.refused(b'{"title":"a","title":"b"}')))
        self.assertIn("titel", json.dumps(self.refused(b'{"titel":"a"}')))
        self.refused(b'{"title":' + b"[" * 40 + b"]" * 40 + b"}", 413)
        self.refused(b'{"title":"a"}', **{"Content-Type": "text/plain"})
        self.refused(b'{"title":"a"}', **{"Content-Type": ""})

    def test_a_body_over_the_limit_is_too_large_wherever_it_is_sent(self):
        large = b'{"title":"' + b"a" * SMALL + b'"}'
        self.refused(large, 413)
        self.refused(b" " * (SMALL + 1), 413)
        for path in ("session/link", "users", "mutes"):
            self.refused(large, 413, path)

    def test_a_get_with_a_body_is_refused(self):
        self.assertEqual(self.refused(b'{"title":"a"}', 413, "incidents", "GET")["status"], 413)

    def test_texts_come_back_as_they_were_or_not_at_all(self):
        """No byte that was taken is lost, cut or meant as something else."""
        for text in TEXTS:
            if "\ud800" in text or len(text.encode()) > 200 or not text.strip():
                continue
            answer = self.admin.request("POST", "incidents", {"title": text, "impact": "low", "urgency": "low"})
            self.assertIn(answer.status, (201, 400), answer)
            if answer.status == 201:
                self.assertEqual(answer.json["title"], text.strip(" \t\r\n"))
                self.assertEqual(self.admin.get(f"incidents/{answer.json['id']}")["title"], answer.json["title"])
                self.assertNotIn("X-Injected", answer.headers)
                self.admin.post(f"incidents/{answer.json['id']}/resolve")

    # ---- reading changes nothing ----

    def test_head_answers_as_get_without_a_body_and_neither_changes_anything(self):
        wire = Wire(self.server.address, self.admin)
        self.addCleanup(wire.close)
        before = self.world.tables()
        journal = self.world.journal_size(BY_ITSELF)
        for name, request in self.requests.items():
            operation = contract().operations[name]
            if not operation.is_read:
                continue
            target = path_of(operation, request)
            get, head = wire.send("GET", target), wire.send("HEAD", target)
            self.assertEqual((get.status, 200), (head.status, 200), target)
            self.assertEqual(get.headers["Content-Type"], head.headers["Content-Type"], target)
        self.assertEqual(self.world.tables(), before)
        self.assertEqual(self.world.journal_size(BY_ITSELF), journal)

    def test_reading_a_link_changes_nothing_whoever_does_it(self):
        incident = self.world.incident()
        token = self.world.link(incident["id"])
        nobody = Wire(self.server.address)
        self.addCleanup(nobody.close)
        before = self.world.tables()
        for agent in ("Mozilla/5.0", "Slackbot-LinkExpanding 1.0", "Microsoft Office Existence Discovery"):
            for method in ("GET", "HEAD", "GET"):
                answer = nobody.send(method, f"/l/{token}", b"", {"User-Agent": agent, "Purpose": "prefetch"})
                self.assertEqual(answer.status, 200)
        self.assertEqual(self.world.tables(), before)
        self.assertEqual(self.admin.get(f"incidents/{incident['id']}")["state"], "open")
        first = nobody.send("POST", f"/l/{token}", b"a=1", {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(first.status, 200)
        found = self.admin.get(f"incidents/{incident['id']}")
        self.assertEqual(found["state"], "acknowledged")
        again = nobody.send("POST", f"/l/{token}")
        self.assertEqual(again.status, 200)
        self.assertIn(found["acknowledged_by"]["name"], again.answer.decode())
        self.assertEqual(self.admin.get(f"incidents/{incident['id']}")["acknowledged_at"], found["acknowledged_at"])
        self.admin.post(f"incidents/{incident['id']}/resolve")
        for method in ("GET", "POST"):
            late = nobody.send(method, f"/l/{token}")
            self.assertNotEqual(self.admin.get(f"incidents/{incident['id']}")["state"], "acknowledged", late)

    def test_a_link_that_is_none_is_a_page_that_says_so(self):
        nobody = Wire(self.server.address)
        self.addCleanup(nobody.close)
        for token in ("0" * 32, "x", "%00", "..%2f..", "<script>", "a" * 300):
            for method in ("GET", "POST", "HEAD"):
                answer = nobody.send(method, "/l/" + urllib.parse.quote(token, safe="%"))
                self.assertIn(answer.status, (400, 404), token)
                self.assertNotIn(b"<script>", answer.answer)
