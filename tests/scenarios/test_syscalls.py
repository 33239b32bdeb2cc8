"""Every call to the file system that an append makes fails once, and once it is the last thing the process did.

`user reset-link` on a stopped Mainstay appends one event and ends, so its calls can be counted: strace counts them
in a run where nothing happens, and then breaks the first, the second, the third... of each kind.
"""
import collections
import os
import re
import shutil
import subprocess

from mainstay import BINARY, Scenario
from steps import verified

CALLS = ("openat", "pread64", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "mmap")
CALL = re.compile(r"^(?:\d+ +)?(\w+)\(")
INJECTED = re.compile(r"\(INJECTED\)|killed by SIGKILL")
SECONDS_MAX = 60
AGAIN_EVERY = 6  # of so many broken folders one is used again
# A process that is traced cannot look for leaks as well; one that is killed has no time to.
ENVIRONMENT = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}


class Append(Scenario):
    """One append: whole or not at all, and what was answered is there."""

    def setUp(self):
        super().setUp()
        if shutil.which("strace") is None or self.trace(["true"], "getpid").returncode != 0:
            self.skipTest("strace cannot trace here")
        mainstay = self.mainstay()
        mainstay.signed_in()
        mainstay.stop()
        self.before = verified(mainstay)
        self.pristine = mainstay.data
        (self.pristine / "reserve").unlink()  # 64 MiB that nobody needs to copy

    def trace(self, command, calls, fault=None, paths=()):
        """Runs a command under strace; what it did stands in the file `trace`."""
        options = ["-f", "-qq", "-o", str(self.folder / "trace"), "-e", f"trace={calls}"]
        options += [part for path in paths for part in ("-P", str(path))]
        options += ["-e", f"inject={fault}"] if fault else []
        return subprocess.run(["strace", *options, *command], capture_output=True, text=True, env=ENVIRONMENT,
                              timeout=SECONDS_MAX)

    def append(self, name, fault=None):
        """Appends to a fresh copy. Gives the copy, what the verb answered, and what it did."""
        data = self.folder / name
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.pristine, data)
        paths = [data / file for file in ("mainstay.db", "mainstay.db-wal", "mainstay.db-shm", "flight", "journal.key")]
        done = self.trace([BINARY, "user", "reset-link", "admin@localhost", "--data", str(data)], ",".join(CALLS),
                          fault, [data, *paths])
        return data, done, (self.folder / "trace").read_text()

    def events(self, data):
        """How many events a data folder holds; the record must verify."""
        done = subprocess.run([BINARY, "journal", "verify", "--data", str(data)], capture_output=True, text=True,
                              timeout=SECONDS_MAX)
        found = re.fullmatch(r"ok: (\d+) events, root [0-9a-f]{64}\n", done.stdout)
        self.assertTrue(found, f"journal verify said {done.stdout!r} {done.stderr!r}")
        return int(found[1])

    def fail_each(self, fault):
        """Injects the fault at each call; gives what became of the appends."""
        data, done, trace = self.append("whole")
        self.assertEqual((done.returncode, self.events(data)), (0, self.before + 1), done.stderr)
        counts = collections.Counter(found[1] for line in trace.splitlines() if (found := CALL.match(line)))
        self.assertGreater(counts["pwrite64"] + counts["fdatasync"], 10, "the append was seen")
        became = collections.Counter()
        for call, count in sorted(counts.items()):
            for number in range(1, count + 1):
                with self.subTest(call=call, number=number):
                    data, done, trace = self.append("broken", f"{call}:{fault}:when={number}")
                    self.assertTrue(INJECTED.search(trace), "the fault was there")
                    self.assertNotRegex(done.stderr, "AddressSanitizer|runtime error|Assertion")
                    after = self.events(data)
                    self.assertIn(after, (self.before, self.before + 1), "whole or not at all")
                    if done.returncode == 0:
                        self.assertEqual(after, self.before + 1, "what was answered is there")
                        self.assertIn("/link#", done.stdout)
                    became[("answered" if done.returncode == 0 else "refused", after - self.before)] += 1
                    if number % AGAIN_EVERY == 1:
                        self.assertEqual(self.append_again(data), after + 1, "it works once the fault is gone")
        return became

    def append_again(self, data):
        done = subprocess.run([BINARY, "user", "reset-link", "admin@localhost", "--data", str(data)],
                              capture_output=True, text=True, timeout=SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.events(data)

    def told(self, fault, became):
        rows = ", ".join(f"{count} {said} with {kept} stored" for (said, kept), count in sorted(became.items()))
        print(f"note test_syscalls: {fault} at each of {sum(became.values())} calls: {rows}")

    def test_an_append_whose_every_call_fails_once_is_whole_or_refused(self):
        became = self.fail_each("error=EIO")
        self.told("EIO", became)
        self.assertGreater(became[("refused", 0)], 0, "some faults must be noticed")

    def test_an_append_that_is_killed_at_each_call_is_whole_or_not_there(self):
        became = self.fail_each("signal=SIGKILL")
        self.told("SIGKILL", became)
        self.assertGreater(became[("refused", 0)], 0)
        self.assertGreater(became[("refused", 1)], 0, "after COMMIT a kill loses nothing")
