"""./check, ./run and what they stand on, over a tiny project that passes, fails, dies, hangs and skips."""
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from planted import TOP, Planted

MESON = """project('tiny', 'c', default_options: ['c_std=gnu17'])
cmocka = dependency('cmocka')
foreach name : [%s]
  test(name, executable('test_' + name, 'src/base/test_' + name + '.c', dependencies: cmocka),
    suite: 'base', timeout: 3)
endforeach
"""
HEAD = """#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#define TEST(name) static void name(void **state)
"""
MAIN = """
int main(void)
{
	const struct CMUnitTest all[] = { cmocka_unit_test(%s), cmocka_unit_test(%s) };
	return cmocka_run_group_tests(all, NULL, NULL);
}
"""
FINE = "TEST(%s)\n{\n\t(void)state;\n}\n"
TESTS = {
    "good": (FINE % "the_sun_rises", FINE % "water_is_wet"),
    "bad": (FINE % "the_moon_rises", 'TEST(a_stone_floats)\n{\n\t(void)state;\n\tfail_msg("wanted %d, found %d", 7, 8);\n}\n'),
    "dead": (FINE % "a_fish_swims",
             "TEST(a_fish_flies)\n{\n\tvolatile char *volatile p = malloc(4);\n\t(void)state;\n\tp[4] = 1;\n\tfree((void *)p);\n}\n"),
    "skip": (FINE % "a_cow_grazes", "TEST(a_cow_needs_namespaces)\n{\n\t(void)state;\n\tskip();\n}\n"),
    "slow": (FINE % "a_snail_starts", "TEST(a_snail_arrives)\n{\n\t(void)state;\n\tsleep(600);\n}\n"),
}


def names(body):
    return tuple(part.split("(")[1].split(")")[0] for part in body)


class Commands(Planted):
    def tiny(self, *chosen):
        """The real ./check and tools over a project with these tests only."""
        shutil.copytree(TOP / "tools", self.top / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(TOP / "check", self.top / "check")
        self.plant("docs/architecture.md", "<!-- floors: -->\n      0  base   x\n<!-- -->\n")
        self.plant("meson_options.txt", "option('tests', type: 'boolean', value: false)\n")
        (self.top / "tests" / "tools").mkdir(parents=True)
        (self.top / "tests" / "scenarios").mkdir()
        shutil.copy(TOP / "tests" / "scenarios" / "run", self.top / "tests" / "scenarios")
        keep = ", ".join(f"'base_{name}'" for name in chosen)
        self.plant("meson.build", MESON % keep)
        for name in chosen:
            body = TESTS[name]
            self.plant(f"src/base/test_base_{name}.c", HEAD + "\n".join(body) + MAIN % names(body))

    def start(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if k not in ("CHECK_FILTER", "TMPDIR")}
        return subprocess.Popen([self.top / "check", "--no-install", *arguments], env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def run_check(self, *arguments):
        """(status, lines) of ./check over the tiny project."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said.splitlines()

    def test_check_counts_functions_and_shows_why_one_failed(self):
        self.tiny("good", "bad", "dead", "skip", "slow")
        status, lines = self.run_check("unit")
        said = "\n".join(lines)
        self.assertEqual(status, 1, said)
        self.assertEqual(lines[-1], "6 passed, 3 failed, 1 skipped", said)
        self.assertIn("not ok base_bad: a stone floats", said)
        self.assertIn("wanted 7, found 8", said)
        self.assertIn("not ok base_dead: the program itself", said)
        self.assertIn("heap-buffer-overflow", said)
        self.assertIn("not ok base_slow: the program itself", said)
        self.assertIn("skip base_skip: a cow needs namespaces", said)

        status, lines = self.run_check("water is wet")
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"), "\n".join(lines))

    def test_check_says_when_it_does_not_build(self):
        self.tiny("good")
        with open(self.top / "src" / "base" / "test_base_good.c", "a") as file:
            file.write("int broken(void) { return nothing_of_that_name; }\n")
        status, lines = self.run_check()
        self.assertEqual((status, lines[-1]), (1, "5 passed, 1 failed"), "\n".join(lines))
        self.assertIn("nothing_of_that_name", "\n".join(lines))

    def test_check_ends_what_it_started_when_it_is_interrupted(self):
        self.tiny("slow")
        process = self.start("unit")
        found = wait_for(lambda: children(self.top / "build-check" / "test_base_slow"), 60)
        self.assertTrue(found, "the slow test was not started")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertNotEqual(process.returncode, 0)
        self.assertTrue(wait_for(lambda: not children(self.top / "build-check" / "test_base_slow"), 10))


def children(program):
    """Processes that run this very program."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "exe") == str(program.resolve()):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for(condition, seconds):
    """What the condition gives once it is true; None if it never was."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return None


class Steps(Planted):
    def steps(self, script, **more):
        text = f'set -euo pipefail\nSTEP_LOG="{self.top}/log"\n. "{TOP}/tools/steps.sh"\n{script}'
        return subprocess.Popen(["bash", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, **more)

    def test_a_failing_step_shows_the_end_of_its_log_and_a_next_step(self):
        process = self.steps('step "baking" sh -c "echo the oven is cold; exit 3" || '
                             'fail "the bread is not baked" "light the oven"')
        said, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(said, r"baking +failed after")
        self.assertIn("the oven is cold", said)
        self.assertIn("mainstay: the bread is not baked\n          light the oven", said)

    def test_a_step_that_is_interrupted_ends_with_all_its_children(self):
        mark = self.top / "pid"
        process = self.steps('trap "echo tidied up" EXIT\n'
                             f'step "sleeping" sh -c "sleep 600 & echo \\$! >{mark}; wait"')
        child = int(wait_for(lambda: mark.exists() and mark.read_text().strip(), 10))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=10)
        self.assertEqual((process.returncode, said.splitlines()[-1]), (143, "tidied up"))
        self.assertTrue(wait_for(lambda: not pathlib.Path(f"/proc/{child}/exe").exists(), 10))

    def test_times_read_well(self):
        said, _ = self.steps("took 40; echo; took 12345; echo; took 184000").communicate(timeout=10)
        self.assertEqual(said.splitlines(), ["0.0 s", "12 s", "3 min 4 s"])


class Packages(Planted):
    def setUp(self):
        super().setUp()
        shutil.copytree(TOP / "tools", self.top / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        self.plant("tools/packages", "# head\n[run]\nbash  # there\nno-such-thing  # not there\n"
                   "other-bash command=bash service=x  # not needed\n[test]\nno-such-peer # later\n")
        os.chmod(self.top, 0o755)

    @unittest.skipUnless(shutil.which("dpkg-query"), "this is not a Debian machine")
    def test_only_what_is_missing_in_the_named_sections_is_listed(self):
        said = subprocess.run([self.top / "tools" / "install-packages", "--list", "run"],
                              capture_output=True, text=True, check=True)
        self.assertEqual(said.stdout, "no-such-thing\n")

    @unittest.skipUnless(shutil.which("apt-get"), "this is not a Debian machine")
    def test_without_root_it_says_the_line_to_type(self):
        command = [self.top / "tools" / "install-packages", "run", "test"]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
        if "sudo" in done.stdout:
            self.skipTest("this machine lets nobody become root")
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install -y --no-install-recommends no-such-thing no-such-peer", done.stderr)

    def test_every_package_says_why(self):
        for number, line in enumerate((TOP / "tools" / "packages").read_text().splitlines(), 1):
            if line and line[0] not in "#[":
                self.assertRegex(line, r"^[a-z0-9.+-]+( (command|service)=\S+)* +# \S", f"line {number}")
