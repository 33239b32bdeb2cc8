"""The harness itself, on a small program that keeps Mainstay's promises about starting, and breaks them when asked."""
import http.client
import os
import sys
import time

from mainstay import Mainstay, Scenario, Timeout, wait_until

# Prints the two lines, holds a session, counts POSTs in a file, streams events. Its child stands for
# the members of the process tree. BREAK in the environment says what to do wrong.
PROGRAM = r'''
import http.server, json, os, pathlib, signal, socketserver, subprocess, sys, threading, time
broken = os.environ.get("BREAK", "")
data = pathlib.Path(sys.argv[sys.argv.index("--data") + 1])
listen = sys.argv[sys.argv.index("--listen") + 1]
data.mkdir(exist_ok=True)
if broken == "early":
    print("mainstay: cannot open the data folder")
    sys.exit(3)
if broken == "mute":
    time.sleep(600)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "the-hand"])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def say(self, status, value, *headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers: self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/api/v1/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            last = int(self.headers.get("Last-Event-ID", 0))
            for seq in range(last + 1, last + 4):
                self.wfile.write(b": beat\n\nid: %d\nevent: check.down\ndata: {\"seq\":\ndata: %d}\n\n" % (seq, seq))
            time.sleep(600)
        elif self.path.startswith("/api/v1/list"):
            start = int(self.path.partition("cursor=")[2] or 0)
            self.say(200, {"items": list(range(start, start + 3)), "next": str(start + 3) if start < 6 else None})
        else:
            self.say(200, {"count": len((data / "posts").read_text()) if (data / "posts").exists() else 0})
    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/v1/session/link":
            good = said["token"] == "first-link"
            self.say(200 if good else 401, {"csrf": "c1", "user": {}}, ("Set-Cookie", "mainstay_session=s1; HttpOnly"))
        elif self.headers.get("Cookie") != "mainstay_session=s1" or self.headers.get("X-Mainstay-CSRF") != "c1":
            self.say(403, {"title": "no"})
        else:
            with open(data / "posts", "a") as file:
                file.write("x"); file.flush(); os.fsync(file.fileno())
            self.say(200, {})

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
host, _, port = listen.rpartition(":")
server = Server((host, int(port)), Handler)
print(f"mainstay: sign in at http://{host}:{server.server_port}/link#first-link", flush=True)
print(f"mainstay: listening on http://{host}:{server.server_port}", flush=True)
def stop(*_):
    if broken == "stuck": return
    if broken == "leak": print("==7==ERROR: LeakSanitizer: detected memory leaks", flush=True)
    child.kill(); child.wait()
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
server.serve_forever()
'''


class Harness(Scenario):
    def program(self, broken=""):
        path = self.folder / "program.py"
        path.write_text(PROGRAM)
        server = Mainstay(self.folder / "m", binary=[sys.executable, path], environment={"BREAK": broken})
        self.addCleanup(lambda: server.process and server.kill9())
        return server

    def test_it_starts_signs_in_and_stops(self):
        server = self.program().start()
        client = server.signed_in()
        client.post("note")
        self.assertEqual(client.get("count")["count"], 1)
        self.assertEqual(client.items("list?x=1"), list(range(9)))
        server.stop()
        self.assertEqual(server.members() if server.process else [], [])

    def test_a_client_without_the_csrf_header_or_with_a_wrong_link_is_told_so(self):
        server = self.program().start()
        with self.assertRaisesRegex(AssertionError, "wanted 2xx, found <403"):
            server.client().post("note")
        with self.assertRaisesRegex(AssertionError, "wanted 2xx, found <401"):
            server.client().sign_in("second-link")

    def test_kill9_ends_the_whole_tree_and_a_restart_keeps_port_and_data(self):
        server = self.program().start()
        server.signed_in().post("note")
        address, members = server.address, server.members()
        self.assertEqual(len(members), 2, members)
        self.assertEqual(len(server.kill9()), 2)
        for pid, _ in members:
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5, f"process {pid} to be gone")
        with self.assertRaises(OSError):
            server.client().get("count", seconds=1)
        server.start()
        self.assertEqual(server.address, address)
        self.assertEqual(server.signed_in().get("count")["count"], 1)
        server.stop()

    def test_kill9_of_one_member_leaves_the_others(self):
        server = self.program().start()
        self.assertEqual(len(server.kill9(only="the-hand")), 1)
        wait_until(lambda: len(server.members()) == 1, 5, "one member to be left")
        self.assertEqual(server.client().get("count")["count"], 0)

    def test_a_program_that_ends_early_or_never_listens_is_told_with_its_words(self):
        with self.assertRaisesRegex(AssertionError, "(?s)status 3 before it listened.*cannot open the data folder"):
            self.program("early").start()
        with self.assertRaisesRegex(Timeout, "mainstay to listen"):
            self.program("mute").start(seconds=0.5)

    def test_a_program_that_does_not_stop_or_leaks_is_a_failure(self):
        server = self.program("stuck").start()
        with self.assertRaisesRegex(Timeout, "did not stop"):
            server.stop(seconds=0.5)
        server = self.program("leak").start()
        with self.assertRaisesRegex(AssertionError, "LeakSanitizer"):
            server.stop()

    def test_events_arrive_in_order_and_resume_after_the_last_seen(self):
        server = self.program().start()
        client = server.client()
        with_id = client.events()
        event = with_id.wait(lambda e: e["id"] == "2")
        self.assertEqual((event["event"], event["data"]), ("check.down", '{"seq":\n2}'))
        with self.assertRaises(Timeout):
            with_id.wait(lambda e: e["id"] == "9", seconds=0.3)
        self.assertEqual([e["id"] for e in with_id.seen], ["1", "2", "3"])
        self.assertEqual(with_id.comments, 3)
        with_id.close()
        again = client.events(last_id=3)
        self.assertEqual(again.wait()["id"], "4")
        again.close()

    def test_a_stream_that_ends_is_told(self):
        server = self.program().start()
        stream = server.client().events()
        stream.wait(lambda e: e["id"] == "3")
        server.kill9()
        with self.assertRaisesRegex(Timeout, "the stream ended"):
            stream.wait(seconds=5)
        stream.close()

    def test_wait_until_tells_what_it_waited_for_and_what_it_saw_last(self):
        begun = time.monotonic()
        with self.assertRaisesRegex(Timeout, "waited 0.2 s for rain; last: 0"):
            wait_until(lambda: 0, 0.2, "rain")
        self.assertLess(time.monotonic() - begun, 2)

        def down():
            raise http.client.RemoteDisconnected("gone")
        with self.assertRaisesRegex(Timeout, "gone"):
            wait_until(down, 0.1)
