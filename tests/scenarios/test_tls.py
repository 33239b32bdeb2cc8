"""HTTPS by Mainstay itself, a certificate that is replaced while it serves, and plain HTTP where others could listen."""
import os
import shutil
import signal
import socket
import ssl
import subprocess

from mainstay import BINARY, Scenario, wait_until
from peers import certificate


def received(connection):
    """All that comes until the other side ends."""
    said = b""
    try:
        while chunk := connection.recv(4096):
            said += chunk
    except OSError:
        pass
    return said


class Tls(Scenario):
    """Encryption is there by one option, renews itself, and is not left out by mistake."""

    takes = 12  # seconds, about: what takes long begins first

    def serial(self, address, trust):
        """The certificate that is served, as its bytes."""
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), 5) as plain:
            context = ssl.create_default_context(cafile=trust)
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                self.assertIn(secure.version(), ("TLSv1.2", "TLSv1.3"))
                return secure.getpeercert(binary_form=True)

    def refused(self, *arguments):
        """What the program says when it will not start like this."""
        done = subprocess.run([BINARY, "serve", "--data", self.folder / "refused", *arguments],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse((self.folder / "refused").exists(), "a refused start leaves no folder behind")
        return done.stderr

    def test_a_person_signs_in_over_https_and_a_plain_request_gets_nothing(self):
        cert, key = certificate(self.folder / "c")
        mainstay = self.mainstay("--tls-cert", cert, "--tls-key", key)
        self.assertTrue(any("listening on https://" in line for line in mainstay.lines), mainstay.log())
        client = mainstay.client(trust=cert)
        answer = client.request("POST", "session/link", {"token": mainstay.sign_in_link()})
        self.assertEqual(answer.status, 200, answer)
        cookie = answer.headers["Set-Cookie"]
        for word in ("Secure", "HttpOnly", "SameSite=Lax"):
            self.assertIn(word, cookie)
        self.assertEqual(client.get("session")["user"]["role"], "admin")
        with socket.create_connection(("127.0.0.1", client.port), 5) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertNotIn(b"200", received(plain), "no word of HTTP without TLS")

    def test_a_certificate_that_is_replaced_is_served_without_a_restart_and_a_bad_one_is_not(self):
        first, second = certificate(self.folder / "1"), certificate(self.folder / "2")
        cert, key = self.folder / "live.crt", self.folder / "live.key"
        shutil.copy(first[0], cert)
        shutil.copy(first[1], key)
        mainstay = self.mainstay("--tls-cert", cert, "--tls-key", key)
        before = self.serial(mainstay.address, first[0])
        pids = [pid for pid, _ in mainstay.members()]
        held = mainstay.client(trust=first[0]).connection()
        held.request("GET", "/healthz")
        self.assertEqual(held.getresponse().read() != b"", True)
        for new, old in ((second[1], key), (second[0], cert)):  # as certbot does: one file after the other
            shutil.copy(new, f"{old}.new")
            os.rename(f"{old}.new", old)
        after = wait_until(lambda: self.serial(mainstay.address, second[0]), 20, "the new certificate")
        self.assertNotEqual(before, after)
        held.request("GET", "/healthz")
        self.assertEqual(held.getresponse().status, 200, "a connection that was open goes on")
        held.close()
        cert.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        mainstay.process.send_signal(signal.SIGHUP)  # asks to look at once

        def told():
            self.assertEqual(self.serial(mainstay.address, second[0]), after)
            return any("certificate" in line and "could not" in line for line in mainstay.lines)
        wait_until(told, 10, "a word about the bad file")
        self.assertEqual([pid for pid, _ in mainstay.members()], pids)

    def test_plain_http_beyond_this_machine_is_refused_with_a_hint(self):
        said = self.refused("--listen", "0.0.0.0:0")
        self.assertIn("plain HTTP", said)
        for way in ("--tls-cert", "--public-url https://", "--insecure-http"):
            self.assertIn(way, said)
        self.assertIn("go together", self.refused("--listen", "127.0.0.1:0", "--tls-cert", "x.pem"))
        missing = subprocess.run([BINARY, "serve", "--data", self.folder / "d", "--listen", "127.0.0.1:0", "--tls-cert",
                                  self.folder / "no.crt", "--tls-key", self.folder / "no.key"],
                                 capture_output=True, text=True, timeout=20)
        self.assertEqual((missing.returncode, "no.crt" in missing.stderr), (2, True), missing.stderr)

    def test_behind_a_proxy_with_tls_cookies_are_secure_and_links_are_https(self):
        mainstay = self.mainstay("--public-url", "https://pager.example.org")
        self.assertTrue(any("sign in at https://pager.example.org/link#" in line for line in mainstay.lines),
                        mainstay.log())
        client = mainstay.client()
        answer = client.request("POST", "session/link", {"token": mainstay.sign_in_link()})
        self.assertIn("Secure", answer.headers["Set-Cookie"])
        self.assertEqual(client.get("session")["server"]["public_url"], "https://pager.example.org")

    def test_on_loopback_without_tls_the_cookie_is_not_secure_so_that_browsers_keep_it(self):
        mainstay = self.mainstay()
        answer = mainstay.client().request("POST", "session/link", {"token": mainstay.sign_in_link()})
        self.assertNotIn("Secure", answer.headers["Set-Cookie"])
        self.assertIn("HttpOnly", answer.headers["Set-Cookie"])
