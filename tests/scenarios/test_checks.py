"""Every kind of check against what it looks at in earnest: plugins, hosts, name servers, jobs, databases."""

import os
import pathlib
import shutil
import tempfile
import time

from mainstay import Scenario, wait_until

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
