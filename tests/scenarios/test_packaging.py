"""What is packaged: the manual page renders, the unit and the scripts are read by the programs that will read them."""
import json
import re
import shutil
import subprocess
import unittest

from mainstay import BINARY, TOP

PACKAGING = TOP / "packaging"


class Packaging(unittest.TestCase):
    """Every file of packaging/ is understood by its reader; running them for real is packaging/try-deb."""

    def run_ok(self, *words, **more):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done

    def test_the_manual_page_renders_without_a_warning_and_names_every_verb_and_setting(self):
        page = self.run_ok(BINARY, "help", "--man").stdout
        done = self.run_ok("groff", "-man", "-Tutf8", "-ww", "-rLL=100n", input=page)
        self.assertEqual(done.stderr, "")
        shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
        overview = self.run_ok(BINARY, "--help").stdout
        for verb in re.findall(r"(?m)^  ([a-z-]+) {2,}", overview):
            self.assertRegex(shown, rf"(?m)^ +{verb}$")
        for setting in json.loads(self.run_ok(BINARY, "check-config").stdout):
            self.assertIn(f"--{setting['name']}", shown)
        self.assertNotIn("\\", shown.replace("\\|", ""))

    def test_the_unit_is_what_systemd_understands(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", PACKAGING / "mainstay.service"], capture_output=True,
                              text=True, timeout=60)
        said = [line for line in done.stderr.splitlines() if "mainstay" in line and "not executable" not in line]
        self.assertEqual(said, [])
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", PACKAGING / "mainstay.service"],
                              capture_output=True, text=True, timeout=60)
        exposure = re.search(r"exposure level for mainstay\.service: ([0-9.]+)", done.stdout)
        self.assertTrue(exposure, done.stdout + done.stderr)
        self.assertLess(float(exposure[1]), 2.5, "the walls of the unit are thinner than they were")

    def test_the_scripts_of_the_package_and_its_builders_parse(self):
        for name in ("postinst", "prerm", "postrm"):
            self.run_ok("dash" if shutil.which("dash") else "sh", "-n", PACKAGING / "deb" / name)
            self.assertRegex((PACKAGING / "deb" / name).read_text(), r"^#!/bin/sh\n(#[^\n]*\n)+set -e\n")
        for path in (PACKAGING / "build-deb", PACKAGING / "try-deb", TOP / "tools/fresh-root"):
            self.run_ok("bash", "-n", path)

    def test_the_settings_of_the_package_are_settings(self):
        text = (PACKAGING / "mainstay.conf").read_text()
        said = json.loads(self.run_ok(BINARY, "check-config", "--config", PACKAGING / "mainstay.conf").stdout)
        values = {row["name"]: row for row in said}
        self.assertEqual((values["data"]["value"], values["data"]["source"]), ("/var/lib/mainstay/data", "file"))
        for name in re.findall(r"(?m)^# ?([a-z-]+) = ", text):
            self.assertIn(name, values, "an example that is no setting")

    def test_the_containerfile_is_made_of_instructions_and_installs_the_libraries_the_program_is_linked_with(self):
        text = (PACKAGING / "Containerfile").read_text().replace("\\\n", " ")
        steps = [line for line in text.splitlines() if line and not line.startswith("#")]
        for step in steps:
            self.assertRegex(step, r"^(FROM|COPY|WORKDIR|RUN|USER|VOLUME|EXPOSE|STOPSIGNAL|ENTRYPOINT|CMD) \S")
        self.assertEqual([s for s in steps if s.startswith("FROM ")][0].split()[1:], ["docker.io/library/debian:12", "AS", "build"])
        for name in ("ENTRYPOINT", "CMD"):
            self.assertIsInstance(json.loads(next(s for s in steps if s.startswith(name)).partition(" ")[2]), list)
        for step in steps:
            if step.startswith("RUN "):
                self.run_ok("sh", "-n", input=step[4:])
        needed = self.run_ok("readelf", "-d", BINARY).stdout
        names = [name for name in re.findall(r"Shared library: \[([^\]]+)\]", needed)
                 if not name.startswith(("libc.", "libm.", "libgcc_s", "libasan", "libubsan", "ld-linux"))]
        self.assertGreater(len(names), 8)
        for name in names:
            owner = self.run_ok("dpkg", "-S", f"*/{name}").stdout.split(":")[0]
            self.assertIn(f" {owner} ", text, f"the image lacks the package of {name}")
