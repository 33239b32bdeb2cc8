"""results.py: how every part of ./check says what happened, so that one reader counts them all.

`ok NAME`, `not ok NAME`, `skip NAME: reason`, each followed by indented lines about it.
"""
import contextlib
import io
import multiprocessing
import os
import sys
import time
import unittest

FILTER = os.environ.get("CHECK_FILTER", "")
SLOW = 20  # seconds from which on a result says how long it took
ENGINE = os.environ.get("MAINSTAY_ENGINE")  # of the store, where tests run on more than one


def wanted(name):
    """True if ./check was not given a filter, or this name contains it."""
    return FILTER.replace(" ", "_") in name.replace(" ", "_")


def say(status, name, text=""):
    """Prints one result; the text belongs to it and is indented."""
    print(f"{status} {name}")
    for line in text.rstrip().splitlines():
        print("  " + line)
    sys.stdout.flush()


class Result(unittest.TestResult):
    """Turns unittest's results into ours. A name reads `file: a sentence`."""

    def _name(self, test):
        if hasattr(test, "_testMethodName"):
            sentence = test._testMethodName.removeprefix("test_").replace("_", " ")
            return f"{type(test).__module__}{f' on {ENGINE}' if ENGINE else ''}: {sentence}"
        return str(test)

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        took = time.monotonic() - self.began
        say("ok", self._name(test), f"{took:.0f} s" if took >= SLOW else "")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        say("not ok", self._name(test), self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        say("not ok", self._name(test), self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        say("skip", f"{self._name(test)}: {reason}")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        say("not ok", self._name(test), "it was expected to fail and did not")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            text = (self.failures or self.errors)[-1][1]
            say("not ok", f"{self._name(test)} {subtest._subDescription()}", text)


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def run_folder(folder, *patterns, jobs=1):
    """Runs the unittest files of a folder, `jobs` tests at a time; returns the exit status."""
    sys.path.insert(0, folder)
    load = unittest.defaultTestLoader.discover
    found = [load(folder, pattern=pattern, top_level_dir=folder) for pattern in patterns]
    chosen = [t for t in each(found)
              if wanted(f"{type(t).__module__}: {getattr(t, '_testMethodName', t)}")]
    if jobs > 1 and len(chosen) > 1:
        return run_beside(chosen, jobs)
    result = Result()
    unittest.TestSuite(chosen).run(result)
    return 0 if result.wasSuccessful() else 1


def run_beside(tests, jobs):
    """Several tests at a time, each worker a process of its own. What takes long (`takes`, seconds) begins first.

    The classes of tests that share fixtures stay whole. A worker that dies fails the run.
    """
    classes = {}
    for test in tests:
        shares = "setUpClass" in vars(type(test)) or not hasattr(test, "_testMethodName")
        classes.setdefault(type(test) if shares else test, []).append(test)
    groups = sorted(classes.values(), key=lambda group: -getattr(group[0], "takes", 1))
    fork = multiprocessing.get_context("fork")
    next_one, ended, lock = fork.Value("i", 0), fork.Value("i", 0), fork.Lock()
    workers = [fork.Process(target=work, args=(groups, next_one, ended, lock))
               for _ in range(min(jobs, len(groups)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if ended.value != len(groups):
        say("not ok", "a worker died", f"{len(groups) - ended.value} of {len(groups)} groups of tests said nothing")
        return 1
    return 0 if all(worker.exitcode == 0 for worker in workers) else 1


def work(groups, next_one, ended, lock):
    """One worker: takes the next group until none is left; what a group prints stays together."""
    good = True
    while True:
        with next_one.get_lock():
            number = next_one.value
            next_one.value += 1
        if number >= len(groups):
            break
        printed, result = io.StringIO(), Result()
        with contextlib.redirect_stdout(printed):
            unittest.TestSuite(groups[number]).run(result)
        good = result.wasSuccessful() and good
        with lock:
            sys.stdout.write(printed.getvalue())
            sys.stdout.flush()
            ended.value += 1
    sys.exit(0 if good else 1)
