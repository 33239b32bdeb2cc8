"""The peers themselves: what a scenario trusts must be true, and a sink that accepts anything proves nothing."""
import base64
import http.client
import json
import smtplib
import socket
import ssl
import time
import urllib.error
import urllib.request

from mainstay import Scenario, wait_until
from peers import Nginx, Ntfy, Smtp, Webhook, certificate, sign


def post(url, body, headers=None, seconds=5):
    """(status, headers, body); connection troubles are raised."""
    request = urllib.request.Request(url, data=body, method="POST",
                                     headers={"Content-Type": "application/json"} | (headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class NginxPeer(Scenario):
    def test_nginx_answers_changes_its_mind_stops_and_comes_back_on_its_port(self):
        nginx = self.peer(Nginx(self.folder))
        with urllib.request.urlopen(nginx.url, timeout=5) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b"all is well"))
        nginx.serve(503, "on fire")
        self.assertEqual(post(nginx.url, b"x")[0], 503)
        wait_until(lambda: len(nginx.requests()) == 2, 5, "two lines in the log")
        nginx.stop()
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", nginx.port), 1)
        nginx.start()
        self.assertEqual(post(nginx.url, b"x")[0], 503)

    def test_nginx_serves_a_certificate_that_ends_when_told(self):
        cert, key = certificate(self.folder, days=3)
        nginx = self.peer(Nginx(self.folder, tls=(cert, key)))
        trusting = ssl.create_default_context(cafile=cert)
        with socket.create_connection(("127.0.0.1", nginx.port), 5) as plain:
            with trusting.wrap_socket(plain, server_hostname="localhost") as secure:
                ends = ssl.cert_time_to_seconds(secure.getpeercert()["notAfter"])
        self.assertAlmostEqual((ends - time.time()) / 86400, 3, delta=0.1)


class SmtpPeer(Scenario):
    def send(self, smtp, to="ann@example.org", **login):
        with smtplib.SMTP("127.0.0.1", smtp.port, timeout=5) as client:
            if smtp.options[:1] == ["--tls"]:
                client.starttls(context=ssl.create_default_context(cafile=smtp.options[1]))
            if login:
                client.login(**login)
            client.sendmail("mainstay@example.org", [to], "Subject: P1 web is down\r\n\r\nsince 03:12\r\n")

    def test_a_mail_is_delivered_to_the_mailbox(self):
        smtp = self.peer(Smtp(self.folder))
        self.send(smtp)
        self.send(smtp, to="bob@example.org")
        mail = smtp.wait_for_mail(to="ann@")[0]
        self.assertEqual((mail["Subject"], mail.get_content().strip()), ("P1 web is down", "since 03:12"))
        self.assertEqual((len(smtp.mails()), len(smtp.mails(to="ann@"))), (2, 1))

    def test_refusals_carry_the_code_that_says_whether_to_try_again(self):
        smtp = self.peer(Smtp(self.folder))
        for mode, code in (("busy", 451), ("reject-data", 554)):
            smtp.mode(mode)
            with self.assertRaises(smtplib.SMTPDataError) as caught:
                self.send(smtp)
            self.assertEqual(caught.exception.smtp_code, code)
        smtp.mode("reject-rcpt")
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.send(smtp)
        self.assertEqual(smtp.mails(), [])
        smtp.mode("accept")
        self.send(smtp)
        self.assertEqual(len(smtp.mails()), 1)

    def test_a_dropped_connection_leaves_the_sender_in_doubt_and_the_mail_delivered(self):
        smtp = self.peer(Smtp(self.folder))
        smtp.mode("drop")
        with self.assertRaises((smtplib.SMTPServerDisconnected, OSError)):
            self.send(smtp)
        self.assertEqual(len(smtp.wait_for_mail()), 1)

    def test_a_hanging_server_hangs(self):
        smtp = self.peer(Smtp(self.folder))
        smtp.mode("hang")
        with smtplib.SMTP("127.0.0.1", smtp.port, timeout=1) as client:
            with self.assertRaises((TimeoutError, smtplib.SMTPServerDisconnected)):
                client.sendmail("a@example.org", ["b@example.org"], "Subject: x\r\n\r\n")
            client.close()

    def test_with_a_certificate_and_a_login_nothing_goes_without_them(self):
        smtp = self.peer(Smtp(self.folder, tls=certificate(self.folder), user=("page", "s3cret")))
        with smtplib.SMTP("127.0.0.1", smtp.port, timeout=5) as plain:
            self.assertEqual(plain.docmd("MAIL", "FROM:<a@example.org>")[0], 530)
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            self.send(smtp, user="page", password="guess")
        self.send(smtp, user="page", password="s3cret")
        self.assertEqual(len(smtp.mails()), 1)


class NtfyPeer(Scenario):
    def say(self, ntfy, headers=None, **fields):
        return post(ntfy.url, json.dumps({"topic": "oncall-ann"} | fields).encode(), headers)[0]

    def test_a_good_message_is_kept_and_answered_with_an_id(self):
        ntfy = self.peer(Ntfy())
        status, _, body = post(ntfy.url, json.dumps({
            "topic": "oncall", "title": "P1 web is down", "message": "since 03:12", "priority": 5,
            "tags": ["rotating_light"], "click": "https://m.example.org/l/x",
            "actions": [{"action": "view", "label": "Open", "url": "https://m.example.org"}]}).encode())
        self.assertEqual(status, 200, body)
        self.assertEqual(len(json.loads(body)["id"]), 12)
        self.assertEqual(ntfy.good()[0].json["priority"], 5)

    def test_each_mistake_of_the_sender_is_refused_and_named(self):
        ntfy = self.peer(Ntfy())
        for wrong, word in (({"topic": "a b"}, "topic"), ({"priority": 6}, "priority"), ({"priority": "5"}, "type"),
                            ({"message": "x" * 4097}, "4096"), ({"title": "a\nb"}, "two lines"),
                            ({"body": "x"}, "unknown"), ({"click": "javascript:x"}, "click"),
                            ({"actions": [{"action": "view"}]}, "invalid"),
                            ({"actions": [{"action": "view", "label": "a", "url": "http://x"}] * 4}, "three")):
            self.assertEqual(self.say(ntfy, **wrong), 400, wrong)
            self.assertIn(word, ntfy.refused()[-1].wrong)
        self.assertEqual(post(ntfy.url, b'{"topic":"a","topic":"b"}')[0], 400)
        self.assertEqual(post(ntfy.url, b"not json")[0], 400)
        self.assertEqual(ntfy.good(), [])

    def test_a_token_is_demanded_where_there_is_one(self):
        ntfy = self.peer(Ntfy(token="tk_1"))
        self.assertEqual(self.say(ntfy), 401)
        self.assertEqual(self.say(ntfy, {"Authorization": "Bearer tk_1"}), 200)


class WebhookPeer(Scenario):
    def call(self, hook, body=b'{"a":1}', seconds=5, **changed):
        stamp = changed.pop("stamp", str(int(time.time())))
        headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp,
                   "webhook-signature": sign(changed.pop("secret", hook.secret), "msg_1", stamp, body)}
        return post(hook.url, changed.pop("sent", body), headers | changed, seconds)

    def test_a_signed_call_is_taken(self):
        hook = self.peer(Webhook())
        self.assertEqual(self.call(hook)[0], 200)
        self.assertEqual(hook.wait_for()[0].json, {"a": 1})

    def test_a_known_signature_verifies(self):
        # The example of the Standard Webhooks specification.
        self.assertEqual(sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                              "1614265330", b'{"test": 2432232314}'),
                         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    def test_a_changed_body_a_wrong_key_an_old_stamp_and_a_wrong_type_are_refused(self):
        hook = self.peer(Webhook())
        other = "whsec_" + base64.b64encode(b"another key").decode()
        for changed in ({"sent": b'{"a":2}'}, {"secret": other}, {"stamp": "1614265330"},
                        {"Content-Type": "text/plain"}, {"body": b'{"a":1,"a":2}'}):
            self.assertEqual(self.call(hook, **changed)[0], 401, changed)
        self.assertEqual((len(hook.refused()), hook.good()), (5, []))

    def test_it_fails_as_told_and_then_recovers(self):
        hook = self.peer(Webhook())
        hook.behave(500, "429 7", "redirect http://127.0.0.1:1/")
        self.assertEqual(self.call(hook)[0], 500)
        status, headers, _ = self.call(hook)
        self.assertEqual((status, headers["Retry-After"]), (429, "7"))
        connection = http.client.HTTPConnection("127.0.0.1", hook.port, timeout=5)
        connection.request("POST", "/", b"{}")
        self.assertEqual(connection.getresponse().status, 302)
        connection.close()
        self.assertEqual(self.call(hook)[0], 200)
        self.assertEqual((len(hook.calls), len(hook.good())), (4, 1))

    def test_connections_are_reset_closed_and_cut_as_told(self):
        hook = self.peer(Webhook())
        hook.behave("reset", "close", "cut", "garbage", "silent ok")
        for trouble in (ConnectionResetError, http.client.RemoteDisconnected, http.client.IncompleteRead,
                        http.client.BadStatusLine, ConnectionResetError):
            with self.assertRaises((trouble, urllib.error.URLError)) as caught:
                self.call(hook)
            reason = getattr(caught.exception, "reason", caught.exception)
            self.assertIsInstance(reason, trouble)
        self.assertEqual([call.answered for call in hook.good()], ["silent ok"])

    def test_a_hanging_call_hangs_and_a_slow_one_is_slow(self):
        hook = self.peer(Webhook())
        hook.behave("hang", "slow 0.6")
        with self.assertRaises((TimeoutError, urllib.error.URLError)):
            self.call(hook, seconds=0.5)
        begun = time.monotonic()
        self.assertEqual(self.call(hook)[0], 200)
        self.assertGreater(time.monotonic() - begun, 0.5)

    def test_the_receiver_can_be_gone_and_stopping_it_leaves_no_thread_waiting(self):
        hook = self.peer(Webhook())
        hook.behave("hang")
        with self.assertRaises(OSError):
            self.call(hook, seconds=0.3)
        hook.stop()
        with self.assertRaises(OSError):
            self.call(hook, seconds=0.3)
        wait_until(lambda: not hook.open, 5, "the hanging call to end")
