"""results.py: how every part of ./check says what happened, so that one reader counts them all.

`ok NAME`, `not ok NAME`, `skip NAME: reason`, each followed by indented lines about it.
"""
import os
import sys
import unittest

FILTER = os.environ.get("CHECK_FILTER", "")


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
            return f"{type(test).__module__}: {sentence}"
        return str(test)

    def addSuccess(self, test):
        say("ok", self._name(test))

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


def run_folder(folder, pattern):
    """Runs the unittest files of a folder; returns the exit status."""
    sys.path.insert(0, folder)
    found = unittest.defaultTestLoader.discover(folder, pattern=pattern, top_level_dir=folder)
    chosen = [t for t in each(found)
              if wanted(f"{type(t).__module__}: {getattr(t, '_testMethodName', t)}")]
    result = Result()
    unittest.TestSuite(chosen).run(result)
    return 0 if result.wasSuccessful() else 1
