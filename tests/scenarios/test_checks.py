"""Every kind of check against what it looks at in earnest: plugins, hosts, name servers, jobs, databases."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from mainstay import BINARY, Scenario, wait_until

PLUGINS = "/usr/lib/nagios/plugins"


class Checks(Scenario):
    def trial(self, client, **spec):
        """What "Try it now" says of a spec that is not saved."""
        return client.post("checks/test", {"spec": {"timeout": "10s", **spec}})

    def define(self, client, name, **spec):
        if spec["kind"] != "heartbeat":
            spec |= {"fail_after": 1, "recover_after": 1}
        return client.put(f"definitions/Check/{name}", {"spec": {"interval": "1s", **spec}})

    def state(self, client, name, *wanted, within=30):
        return wait_until(lambda: (c := client.get(f"checks/{name}"))["state"] in wanted and c, within,
                          lambda: f"{name}: {client.get(f'/checks/{name}')}, wanted {wanted}")


class Command(Checks):
    def plugin_folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="plugins-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        return folder

    def plugin(self, folder, name, script):
        path = folder / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def test_plugins_of_debian_say_how_the_machine_is(self):
        if not os.path.exists(f"{PLUGINS}/check_disk"):
            self.skipTest("monitoring-plugins-basic is not installed")
        mainstay = self.mainstay("--plugins", PLUGINS)
        admin = mainstay.signed_in()
        disk = self.trial(admin, kind="command", plugin="check_disk", args=["-w", "0%", "-c", "0%", "-p", "/"])
        self.assertEqual(disk["state"], "up", disk)
        self.assertIn("DISK OK", disk["reason"])
        figure = disk["detail"]["plugin"]["figures"][0]
        self.assertEqual(figure["label"], "/")
        self.assertGreater(figure["max"], figure["value"])
        load = self.trial(admin, kind="command", plugin="check_load", args=["-w", "0,0,0", "-c", "0,0,0"])
        self.assertEqual(load["state"], "down", load)
        self.assertEqual([f["label"] for f in load["detail"]["plugin"]["figures"]], ["load1", "load5", "load15"])
        self.assertEqual(load["detail"]["plugin"]["exit_code"], 2)
        # One program with many names: check_ftp is check_tcp, and goes by the name it is called.
        host, port = mainstay.address.split(":")
        web = self.trial(admin, kind="command", plugin="check_http",
                         args=["-I", host, "-p", port, "-u", "/readyz", "-s", "ready"])
        self.assertIn(web["state"], ("up", "down"), web)
        self.assertIn("HTTP", web["reason"])

    def test_the_exit_status_is_the_state_and_a_plugin_that_breaks_the_contract_is_unknown(self):
        folder = self.plugin_folder()
        for code in range(6):
            self.plugin(folder, f"exit{code}", f"echo 'exit {code} | n={code};1;2'\nexit {code}\n")
        self.plugin(folder, "crash", "kill -SEGV $$\n")
        self.plugin(folder, "silent", "exit 0\n")
        self.plugin(folder, "slow", "sleep 30\n")
        self.plugin(folder, "flood", "echo 'OK | a=1'; yes long | head -c 1000000\n")
        self.plugin(folder, "args", 'echo "$# $1 $2"\n')
        mainstay = self.mainstay("--plugins", str(folder))
        admin = mainstay.signed_in()
        states = [self.trial(admin, kind="command", plugin=f"exit{code}")["state"] for code in range(6)]
        self.assertEqual(states, ["up", "degraded", "down", "unknown", "unknown", "unknown"])
        for name in "crash", "silent", "no_such":
            result = self.trial(admin, kind="command", plugin=name)
            self.assertEqual(result["state"], "unknown", result)
        self.assertIn("no_such", result["reason"])
        slow = self.trial(admin, kind="command", plugin="slow", timeout="500ms")
        self.assertEqual((slow["state"], slow["latency_ms"]), ("down", None), slow)
        self.assertIn("still running", slow["reason"])
        flood = self.trial(admin, kind="command", plugin="flood")
        self.assertEqual((flood["state"], flood["detail"]["plugin"]["cut"]), ("up", True))
        self.assertLess(len(flood["detail"]["plugin"]["output"]), 8193)
        # No shell reads the arguments.
        result = self.trial(admin, kind="command", plugin="args", args=["$(id); x", "two words"])
        self.assertEqual(result["reason"], "2 $(id); x two words")

    def test_a_plugin_is_held_back_as_commands_are_and_paths_are_refused(self):
        folder, outside = self.plugin_folder(), self.plugin_folder()
        self.plugin(outside, "stray", "echo stray\n")
        (folder / "out").symlink_to(outside / "stray")
        self.plugin(folder, "real", "echo called as ${0##*/}\n")
        (folder / "alias").symlink_to("real")
        self.plugin(folder, "open", "echo x\n")
        (folder / "open").chmod(0o777)
        self.plugin(folder, "steal", 'cat "$1" 2>/dev/null || echo shut\nexit 0\n')
        mainstay = self.mainstay("--plugins", str(folder))
        admin = mainstay.signed_in()
        self.assertEqual(self.trial(admin, kind="command", plugin="alias")["reason"], "called as alias")
        for name in "out", "open", "../real", "/bin/true":
            result = self.trial(admin, kind="command", plugin=name)
            self.assertEqual(result["state"], "unknown", (name, result))
        key = str(pathlib.Path(mainstay.data) / "journal.key")
        self.assertEqual(self.trial(admin, kind="command", plugin="steal", args=[key])["reason"], "shut")

    def test_a_defined_plugin_goes_down_and_up_and_without_a_folder_it_is_said_what_to_do(self):
        folder = self.plugin_folder()
        self.plugin(folder, "flag", f"[ -e {folder}/bad ] && {{ echo 'it is bad'; exit 2; }}\necho fine\n")
        mainstay = self.mainstay("--plugins", str(folder))
        admin = mainstay.signed_in()
        self.define(admin, "flag", kind="command", plugin="flag")
        self.state(admin, "flag", "up")
        (folder / "bad").touch()
        self.assertEqual(self.state(admin, "flag", "down")["last_reason"], "it is bad")
        (folder / "bad").unlink()
        self.state(admin, "flag", "up")
        other = self.mainstay(name="without").signed_in()
        result = self.trial(other, kind="command", plugin="check_load")
        self.assertEqual(result["state"], "unknown")
        self.assertIn("--plugins", result["reason"])


class Heartbeat(Checks):
    def call(self, client, address, method="POST", query="", body=None):
        path = "/hb/" + address["url"].rpartition("/")[2] + query
        return client.request(method, path, body=body, headers={"Content-Type": "text/plain"} if body else None)

    def heartbeat(self, admin, name="nightly", **spec):
        self.define(admin, name, kind="heartbeat", **({"every": "2s", "grace": "1s"} | spec))
        return admin.post(f"checks/{name}/address")

    def test_a_job_that_stops_calling_goes_down_and_comes_back_with_its_next_call(self):
        mainstay = self.mainstay()
        admin, job = mainstay.signed_in(), mainstay.client()
        address = self.heartbeat(admin)
        self.assertIn("curl", address["command"])
        self.assertIn(address["url"], address["command"])
        self.assertEqual(self.call(job, address).status, 200)
        self.state(admin, "nightly", "up")
        down = self.state(admin, "nightly", "down")
        self.assertIn("ago; it should call every 2", down["last_reason"])
        self.assertEqual(self.call(job, address, body=b"all files copied").status, 200)
        self.state(admin, "nightly", "up", within=8)
        newest = admin.get("checks/nightly/results")["items"][0]
        self.assertEqual(newest["detail"]["heartbeat"]["said"], "all files copied")

    def test_a_get_changes_nothing_and_says_what_to_do(self):
        mainstay = self.mainstay()
        admin, job = mainstay.signed_in(), mainstay.client()
        address = self.heartbeat(admin, every="1h", grace="1h")
        for method in "GET", "HEAD":
            answer = self.call(job, address, method)
            self.assertEqual(answer.status, 405)
        self.assertIn("POST", self.call(job, address, "GET").text)
        result = admin.post("checks/nightly/run")
        self.assertEqual(result["state"], "unknown")
        self.assertIn("first call", result["reason"])

    def test_a_job_says_that_it_begins_and_how_it_ended(self):
        mainstay = self.mainstay()
        admin, job = mainstay.signed_in(), mainstay.client()
        address = self.heartbeat(admin, every="1h")
        self.assertEqual(self.call(job, address, query="?state=start").status, 200)
        self.assertEqual(self.call(job, address, query="?exit=3", body=b"disk is full\nlong story").status, 200)
        down = self.state(admin, "nightly", "down")
        self.assertIn("(exit 3): disk is full", down["last_reason"])
        self.call(job, address, query="?state=start")
        self.call(job, address, query="?exit=0")
        self.state(admin, "nightly", "up")
        for wrong in "?state=perhaps", "?exit=300", "?exit=x":
            self.assertEqual(self.call(mainstay.client(contract=None), address, query=wrong).status, 400)
        self.assertEqual(self.call(job, address, query="?state=ok", body=b"x" * 20000).status, 413)

    def test_a_new_address_replaces_the_old_one_and_is_shown_once(self):
        mainstay = self.mainstay()
        admin, job = mainstay.signed_in(), mainstay.client()
        old = self.heartbeat(admin, every="1h")
        new = admin.post("checks/nightly/address")
        self.assertEqual(self.call(job, old).status, 404)
        self.assertEqual(self.call(job, new).status, 200)
        secret = new["url"].rpartition("/")[2].encode()
        stored = b"".join(path.read_bytes() for path in pathlib.Path(mainstay.data).glob("mainstay.db*"))
        self.assertNotIn(secret, stored)
        self.assertFalse(any(secret.decode() in line for line in mainstay.lines))
        admin.put("definitions/Check/web", {"spec": {"kind": "tcp", "host": "127.0.0.1", "port": 1}})
        self.assertEqual(admin.request("POST", "checks/web/address", {}).status, 409)
        admin.delete("definitions/Check/nightly")
        self.assertEqual(self.call(job, new).status, 404)

    def test_what_was_heard_survives_a_crash_and_the_time_mainstay_was_away_misses_nobody(self):
        mainstay = self.mainstay()
        admin, job = mainstay.signed_in(), mainstay.client()
        address = self.heartbeat(admin, every="3s", grace="3s")
        self.assertEqual(self.call(job, address, body=b"before the crash").status, 200)
        self.state(admin, "nightly", "up")
        mainstay.kill9()
        time.sleep(7)
        mainstay.start()
        newest = wait_until(lambda: admin.get("checks/nightly/results")["items"], 15)[-1]
        self.assertEqual(newest["state"], "up", newest)
        self.assertEqual(newest["state"], "up")
        self.state(admin, "nightly", "down")
        self.assertEqual(self.call(job, address).status, 200)
        self.state(admin, "nightly", "up")


def can_make_networks():
    made = subprocess.run(["ip", "netns", "add", "mainstay-probe"], capture_output=True)
    subprocess.run(["ip", "netns", "del", "mainstay-probe"], capture_output=True)
    return made.returncode == 0


class Hosts(Checks):
    """A network of its own: two ends of one cable; ours has the addresses .1, the other .2."""

    def network(self):
        if os.geteuid() != 0 or not shutil.which("ip") or not can_make_networks():
            self.skipTest("this machine lets nobody make a network namespace")
        here, there = f"ms-a{os.getpid()}", f"ms-b{os.getpid()}"
        for name in here, there:
            self.run_command("ip", "netns", "add", name)
            self.addCleanup(subprocess.run, ["ip", "netns", "del", name], capture_output=True)
        self.run_command("ip", "link", "add", "cable", "netns", here, "type", "veth", "peer", "name", "cable", "netns",
                         there)
        for number, name in (1, here), (2, there):
            inside = ["ip", "-n", name]
            self.run_command(*inside, "link", "set", "lo", "up")
            self.run_command(*inside, "link", "set", "cable", "up")
            self.run_command(*inside, "address", "add", f"10.99.0.{number}/24", "dev", "cable")
            self.run_command(*inside, "address", "add", f"fd00:99::{number}/64", "dev", "cable", "nodad")
        return here, there

    def run_command(self, *command):
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, (command, done.stderr))
        return done.stdout

    def mainstay_within(self, namespace, *prefix, name="within"):
        """The client speaks through a socket of its own in the namespace, so the verb is asked there."""
        data = self.folder / name
        command = ["ip", "netns", "exec", namespace, *prefix, str(BINARY), "serve", "--data", str(data),
                   "--listen", "127.0.0.1:8484"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        self.addCleanup(self.end, process, reader)
        link = wait_until(lambda: next((m for m in (re.search(r"link#(msl_\w+)", line) for line in lines) if m), None),
                          30, lambda: f"a server in the namespace: {lines}")
        return Within(self, namespace, link.group(1))

    def end(self, process, reader):
        process.terminate()
        process.wait(30)
        reader.join(10)
        process.stdout.close()

    def test_hosts_are_pinged_over_both_families_and_loss_is_judged(self):
        here, there = self.network()
        server = self.mainstay_within(here)
        for host in "10.99.0.2", "fd00:99::2":
            found = server.trial(kind="icmp", host=host)
            self.assertEqual((found["state"], found["detail"]["packets"]["received"]), ("up", 4), found)
        found = server.trial(kind="icmp", host="10.99.0.9", timeout="2s")
        self.assertEqual(found["state"], "down", found)
        self.run_command("ip", "netns", "exec", there, "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
        found = server.trial(kind="icmp", host="10.99.0.2", timeout="1500ms")
        self.assertEqual(found["state"], "down", found)
        self.assertIn("none of 4 packets came back", found["reason"])

    def test_datagram_sockets_are_used_where_the_kernel_lets_us_and_without_any_right_it_is_said(self):
        here, _ = self.network()
        drop = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", "--"]
        nobody = self.mainstay_within(here, *drop, name="none")
        found = nobody.trial(kind="icmp", host="10.99.0.2")
        self.assertEqual(found["state"], "unknown", found)
        self.assertIn("ping_group_range", found["reason"])
        self.run_command("ip", "netns", "exec", here, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        for host in "10.99.0.2", "fd00:99::2":
            found = nobody.trial(kind="icmp", host=host)
            self.assertEqual((found["state"], found["detail"]["packets"]["received"]), ("up", 4), found)


class Within:
    """Asks a server inside a network namespace, by curl there."""

    def __init__(self, test, namespace, link):
        self.test, self.namespace = test, namespace
        self.jar = test.folder / f"jar-{link[:12]}"
        signed = self.ask("POST", "session/link", {"token": link})
        self.csrf = signed["csrf"]

    def ask(self, method, path, body):
        headers = ["-H", "Content-Type: application/json"]
        if hasattr(self, "csrf"):
            headers += ["-H", f"X-Mainstay-CSRF: {self.csrf}"]
        out = self.test.run_command("ip", "netns", "exec", self.namespace, "curl", "-sS", "-m", "30", "-X", method,
                                    "-b", self.jar, "-c", self.jar, *headers, "-d", json.dumps(body),
                                    f"http://127.0.0.1:8484/api/v1/{path}")
        return json.loads(out)

    def trial(self, **spec):
        return self.ask("POST", "checks/test", {"spec": {"timeout": "5s", **spec}})


class Names(Checks):
    def server(self, answers):
        """A name server: what it answers for a name as A records; others are NXDOMAIN."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        self.addCleanup(sock.close)

        def serve():
            while True:
                try:
                    query, sender = sock.recvfrom(2048)
                except OSError:
                    return
                end = query.index(b"\0", 12) + 5
                labels, at = [], 12
                while query[at]:
                    labels.append(query[at + 1:at + 1 + query[at]].decode())
                    at += 1 + query[at]
                found = answers.get(".".join(labels), [])
                head = query[:2] + (b"\x81\x80" if found else b"\x81\x83") + b"\0\1" + bytes([0, len(found)]) + b"\0" * 4
                records = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(a) for a in found)
                sock.sendto(head + query[12:end] + records, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return sock.getsockname()[1]

    def test_answers_are_held_against_what_is_expected(self):
        answers = {"shop.test": ["192.0.2.7", "192.0.2.8"]}
        port = self.server(answers)
        admin = self.mainstay().signed_in()
        asked = {"kind": "dns", "resolver": "127.0.0.1", "port": port, "query": "shop.test"}
        found = self.trial(admin, **asked)
        self.assertEqual((found["state"], found["detail"]["dns"]["answers"]), ("up", ["192.0.2.7", "192.0.2.8"]), found)
        self.assertEqual(self.trial(admin, **asked, answers=["192.0.2.8"])["state"], "up")
        found = self.trial(admin, **asked, answers=["192.0.2.8"], match="exact")
        self.assertEqual(found["state"], "down")
        self.assertIn("192.0.2.7", found["reason"])
        self.assertEqual(self.trial(admin, **asked, answers=["192.0.2.9"])["state"], "down")
        gone = asked | {"query": "gone.test"}
        self.assertIn("NXDOMAIN", self.trial(admin, **gone)["reason"])
        self.assertEqual(self.trial(admin, **gone, code="NXDOMAIN")["state"], "up")
        self.define(admin, "name", **asked, answers=["192.0.2.7"])
        self.state(admin, "name", "up")
        answers["shop.test"] = ["192.0.2.66"]
        self.assertIn("192.0.2.7", self.state(admin, "name", "down")["last_reason"])
