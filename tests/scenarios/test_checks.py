"""Every kind of check against what it looks at in earnest: plugins, hosts, name servers, jobs, databases."""

import os
import pathlib
import shutil
import tempfile

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
        other = self.mainstay().signed_in()
        result = self.trial(other, kind="command", plugin="check_load")
        self.assertEqual(result["state"], "unknown")
        self.assertIn("--plugins", result["reason"])
