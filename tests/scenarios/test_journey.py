"""Journeys: requests one after the other against a real nginx that lets nobody in without the steps before."""
import http.server
import threading
import time

from mainstay import wait_until
from peers import Nginx
from steps import define, first_person, incident_for, policy, timeline
from test_checks import Checks as Base

SIGN_IN = """
    location = /login {
      default_type text/html;
      if ($request_method = GET) {
        add_header Set-Cookie "visit=first; Path=/; HttpOnly";
        return 200 '<form><input type="hidden" name="csrf" value="t0k&en"></form>';
      }
      if ($cookie_visit != first) { return 403 "no visit"; }
      if ($arg_csrf != "t0k%26en") { return 403 "wrong token"; }
      add_header Set-Cookie "sid=s3ss; Path=/; HttpOnly" always;
      return 302 /welcome;
    }
    location = /welcome {
      if ($cookie_sid != s3ss) { return 401 "who are you"; }
      return 302 /account?from=welcome;
    }
    location = /account {
      default_type application/json;
      if ($cookie_sid != s3ss) { return 401 "who are you"; }
      return 200 '{"user":{"name":"Ann","orders":[{"id":41},{"id":42}]}}';
    }
    location = /orders/42 {
      if ($cookie_sid != s3ss) { return 401 "who are you"; }
      if ($http_x_user != Ann) { return 400 "whose"; }
      return 200 "order 42 is on its way to Ann";
    }
"""


class Shop(Nginx):
    def configuration(self):
        return super().configuration().replace("location / {", SIGN_IN + "    location / {")


class Journey(Base):
    def steps(self, shop):
        base = shop.url.rstrip("/")
        return [
            {"name": "Open the form", "url": f"{base}/login", "contains": "csrf",
             "take": [{"name": "csrf", "regex": 'name="csrf" value="([^"]+)"'}]},
            {"name": "Sign in", "method": "POST", "url": f"{base}/login?csrf={{{{csrf|url}}}}", "body": "user=ann",
             "take": [{"name": "order", "json": "$.user.orders[1].id"}, {"name": "who", "json": "$.user.name"}]},
            {"name": "See the order", "url": f"{base}/orders/{{{{order}}}}", "headers": {"X-User": "{{who}}"},
             "contains": "to {{who}}", "status": "200"},
        ]

    def test_a_person_signs_in_with_cookies_a_token_and_redirects(self):
        shop = self.peer(Shop(self.folder))
        admin = self.mainstay().signed_in()
        found = self.trial(admin, kind="journey", steps=self.steps(shop))
        self.assertEqual((found["state"], found["reason"]), ("up", "all 3 steps passed"), found)
        steps = found["detail"]["journey"]["steps"]
        self.assertEqual([(s["name"], s["state"], s["status"], s["redirects"]) for s in steps],
                         [("Open the form", "passed", 200, 0), ("Sign in", "passed", 200, 2),
                          ("See the order", "passed", 200, 0)])
        for before, after in zip(steps, steps[1:]):
            self.assertGreater(before["took_ms"], 0)
            self.assertGreaterEqual(after["from_ms"], before["from_ms"] + before["took_ms"] - 0.01)
        asked = [line.split('"')[1] for line in shop.requests()]
        self.assertEqual(asked, ["GET /login HTTP/1.1", "POST /login?csrf=t0k%26en HTTP/1.1", "GET /welcome HTTP/1.1",
                                 "GET /account?from=welcome HTTP/1.1", "GET /orders/42 HTTP/1.1"])
        # Nothing of one run is left for the next.
        found = self.trial(admin, kind="journey", steps=self.steps(shop)[2:] and [
            {"name": "Straight in", "url": shop.url + "account"}])
        self.assertEqual((found["state"], found["reason"]), ("down", 'step 1 "Straight in": status 401, wanted 200-399'))

    def test_the_step_that_fails_is_named_in_the_alert_and_the_others_are_not_reached(self):
        shop = self.peer(Shop(self.folder))
        mainstay = self.mainstay()
        ann = first_person(mainstay)
        policy(ann, "page-ann", [{"user": "admin@localhost"}])
        define(ann, "Service", "shop", {"escalation_policy": "page-ann"})
        steps = self.steps(shop)
        steps[1]["url"] = steps[1]["url"].replace("{{csrf|url}}", "stale")
        self.define(ann.client, "buy", kind="journey", service="shop", steps=steps)
        down = self.state(ann.client, "buy", "down")
        self.assertEqual(down["last_reason"], 'step 2 "Sign in": status 403, wanted 200-399')
        incident = incident_for(ann, "shop")
        self.assertIn('step 2 "Sign in"', repr(timeline(ann, incident["id"])))
        found = ann.client.get("checks/buy/results")["items"][0]["detail"]["journey"]["steps"]
        self.assertEqual([s["state"] for s in found], ["passed", "failed", "not_reached"])
        self.assertEqual(found[1]["reason"], "status 403, wanted 200-399")

    def test_what_cannot_be_taken_or_does_not_end_in_time_fails_its_step(self):
        shop = self.peer(Shop(self.folder))
        admin = self.mainstay().signed_in()
        base = shop.url.rstrip("/")
        for take, why in (({"regex": "nothing(x)"}, "nothing in the answer"), ({"json": "$.a"}, "nothing in the answer"),
                          ({"header": "X-None"}, "nothing in the answer")):
            found = self.trial(admin, kind="journey", steps=[
                {"name": "Take", "url": f"{base}/login", "take": [{"name": "x", **take}]}])
            self.assertEqual(found["state"], "down")
            self.assertIn(f'step 1 "Take": {why}', found["reason"])
        with Slow() as slow:
            steps = [{"name": f"Wait {n}", "url": slow.url} for n in range(5)]
            begun = time.monotonic()
            found = self.trial(admin, kind="journey", steps=steps, timeout="1s")
            self.assertEqual(found["state"], "down")
            self.assertRegex(found["reason"], '^step [1-4] "Wait [0-3]": ')
            self.assertLess(time.monotonic() - begun, 20)
            found = self.trial(admin, kind="journey", steps=[{"name": "Round", "url": slow.url + "loop", "redirects": 3}])
            self.assertEqual(found["reason"], 'step 1 "Round": more than 3 redirects')
            found = self.trial(admin, kind="journey", steps=[
                {"name": "Away", "url": slow.url + "metadata"}])
            self.assertEqual(found["state"], "down")
            self.assertIn("169.254.169.254", found["reason"])

    def test_a_secret_is_sent_where_it_is_meant_and_shown_nowhere(self):
        with Slow() as server:
            mainstay = self.mainstay()
            admin = mainstay.signed_in()
            secret = "p&ss word-9z"
            admin.put("secrets/shop-login", {"value": secret})
            steps = [{"name": "Sign in", "method": "POST", "url": server.url + "echo?p={{password|url}}",
                      "headers": {"Authorization": "Bearer {{password}}", "X-Token": "{{password}}"},
                      "body": "{\"p\": \"{{password|json}}\"}", "take": [{"name": "back", "regex": "(?s)(.*)"}]},
                     {"name": "Away", "url": server.other + "redirected"},
                     {"name": "Repeat", "url": "http://127.0.0.1:1/{{password|url}}"}]
            spec = {"kind": "journey", "steps": steps, "secrets": {"password": "shop-login"}}
            found = self.trial(admin, **spec)
            self.assertIn('step 3 "Repeat"', found["reason"])
            seen = server.seen[0]
            self.assertEqual((seen["path"], seen["body"]), ("/echo?p=p%26ss%20word-9z", '{"p": "p&ss word-9z"}'))
            self.assertEqual(seen["headers"]["Authorization"], f"Bearer {secret}")
            self.assertEqual(seen["headers"]["Content-Type"], "application/json")
            said = repr(found)
            for word in (secret, "p%26ss"):
                self.assertNotIn(word, said)
            # An address that cannot be read, and would be cut within the secret.
            bad = {"name": "Cut", "url": "http://127.0.0.1:{{port}}/" + 161 * "a" + "/{{password|url}}"}
            first = steps[0] | {"url": server.url + "echo", "body": "99999", "take": [{"name": "port", "regex": "(9+)"}]}
            found = self.trial(admin, **spec | {"steps": [first, bad]})
            self.assertEqual(found["reason"], 'step 2 "Cut": its address, filled in or redirected to, cannot be called')
            # A redirect to another origin gets no header that was meant for the first.
            steps[0] |= {"url": server.url + "elsewhere"}
            server.seen.clear()
            self.trial(admin, **spec)
            there = next(seen for seen in server.seen if seen["path"] == "/landed")
            self.assertNotIn("Authorization", there["headers"])
            self.assertNotIn("X-Token", there["headers"])
            self.assertEqual((there["method"], there["body"]), ("GET", ""))
            self.define(admin, "login", **spec)
            self.assertEqual(admin.get("secrets")["items"][0]["used_by"], ["login"])
            self.assertNotIn(secret, admin.request("GET", "export").text)
            self.assertNotIn(secret, mainstay.log(100000))

    def test_mistakes_are_told_where_they_are(self):
        admin = self.mainstay().signed_in()
        for steps, field, why in (
                ([{"name": "a", "url": "http://h/{{later}}"}], "spec.steps[0].url", 'called "later"'),
                ([{"name": "a", "url": "http://h/", "body": "{{p|y}}"}], "spec.steps[0].body", "after | stands"),
                ([{"name": "a", "url": "ftp://h/"}], "spec.steps[0].url", "http://"),
                ([{"name": "a", "url": "http://h/", "take": [{"name": "x"}]}], "spec.steps[0].take[0]", "one of"),
                ([{"name": "a", "url": "http://h/", "take": [{"name": "x", "regex": "("}]}], "spec.steps[0].take[0]", "missing )"),
                ([{"name": "a", "url": "http://h/", "take": [{"name": "x", "json": "a["}]}], "spec.steps[0].take[0]", "path"),
                ([{"name": "a", "url": "http://h/", "status": "9"}], "spec.steps[0].status", ""), ([], "spec.steps", "")):
            refused = admin.request("PUT", "definitions/Check/x", {"spec": {
                "kind": "journey", "steps": steps, "secrets": {"p": "shop-login"}}})
            self.assertEqual(refused.status, 400, steps)
            error = refused.json["errors"][0]
            self.assertEqual(error["field"], field, refused)
            self.assertIn(why, error["detail"])


class Slow:
    """A server that thinks for a while, runs in circles, leads away and remembers what it was sent."""

    def __enter__(self):
        self.seen, outer = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.do_GET()

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                outer.seen.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
                where = {"/loop": "/loop", "/metadata": "http://169.254.169.254/", "/elsewhere": outer.other + "landed"}
                if self.path == "/":
                    time.sleep(0.4)
                self.send_response(307 if self.path in where else 200)
                if self.path in where:
                    self.send_header("Location", where[self.path])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body.encode())
                except BrokenPipeError:
                    pass  # who asked had no more time

            def log_message(self, *words):
                pass

        self.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url, self.other = (f"http://127.0.0.1:{server.server_port}/" for server in self.servers)
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()


del Base
