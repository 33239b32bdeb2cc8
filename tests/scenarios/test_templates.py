"""Templates of alerts: what Debian's promtool makes of them, and what we make of them."""
import itertools
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from mainstay import BINARY, TOP, Scenario

SNIPPETS = TOP / "tests/conformance/templates.txt"
TEST = """rule_files: [r.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  external_labels: {region: eu, a: "b c"}
  external_url: http://mon.example/pre
  input_series:
  - {series: 'm{foo="bar",x="y z"}', values: '5x10'}
  - {series: 'n{i="2"}', values: '7x10'}
  - {series: 'n{i="1"}', values: '9x10'}
  - {series: 'n{i="3"}', values: '8x10'}
  alert_rule_test:
  - {eval_time: 5m, alertname: T, exp_alerts: []}
"""
FLOATS = ["0.0", "1.0", "-1.5", "0.1", "123456.0", "1234567.0", "1e20", "1e21", "1e22", "1e-5", "2.5e-10", "1e100", "123456789.123",
          "999.95", "1e-310", "33554432.0", "0.00012345", "1e15", "-1e6", "3.0e-7"]
INTS = ["0", "1", "-1", "42", "255", "-1000000", "65", "8364", "9223372036854775807", "-9223372036854775808"]
TEXTS = ['""', '"a"', '"héllo wörld"', '"tab\\tnewline\\n"', '"\\x00\\xff"', '"quote \\" back \\\\ tick `"', '"日本"']
FLAGS = ["", "+", "-", "#", " ", "0", "8", "-8", "08", "+08", ".3", "8.3", "+.0", "#.3", "-+8.2", "#08.1", " 5", "012.4", "20"]
HUMANE = FLOATS + INTS[:7] + ['"NaN"', '"+Inf"', '"-Inf"', '"1.5"', "59.9", "60", "3600", "86399", "86400", "90061", "-90061",
                              "1023", "1024", "1025", "999", "1000", "999999", "0.9999", "0.001", "1e30", "1e-30", "1e27"]
UNESCAPE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def written():
    """Those of the file: (expand these, these do not parse)."""
    lines = [line for line in SNIPPETS.read_text().splitlines() if line and not line.startswith("#")]
    good = [line.replace("⏎", "\n") for line in lines if line[0] != "!"]
    bad = [line[1:].replace("⏎", "\n") for line in lines if line[0] == "!"]
    return good, bad


def generated():
    """Every verb with flags, and every function for numbers, over values of every kind."""
    snippets = []
    for values, verbs in ((FLOATS, "veEfFgGbxXqds"), (INTS, "vdboOxXcqUeTs"), (TEXTS, "vsqxXdT"), (["true", "false"], "vtd")):
        for verb, flag in itertools.product(verbs, FLAGS):
            pieces = " ".join(f'{{{{ printf "%{flag}{verb}|" {value} }}}}' for value in values)
            snippets.append(pieces)
    for function in ("humanize", "humanize1024", "humanizeDuration", "humanizePercentage"):
        snippets += [f"{{{{ {function} {value} }}}}" for value in HUMANE]
    snippets += [f"{{{{ humanizeTimestamp {value} }}}}" for value in HUMANE if "e" not in value or "e-" in value]
    operands = ["1", "-1", "1.5", '"a"', '"b"', "true", "nil", "$labels", "$value", "(index \"abc\" 0)", "(toTime 1)",
                "(safeHtml \"a\")", "(args 1)"]
    for function, one, two in itertools.product(("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "index", "slice"), operands, operands):
        if "toTime" in one and "toTime" in two:
            continue  # pointers, which are printed where they differ
        snippets.append(f"{{{{ {function} {one} {two} }}}}")
    for function, one in itertools.product(("not", "len", "html", "js", "urlquery", "print", "println", "humanize", "toTime", "title",
                                            "call", "value", "first", "args", "printf", "match", "parseDuration"), operands):
        snippets.append(f"{{{{ {function} {one} }}}}|")
    for one in operands:
        if one not in ("1", "-1", '(index "abc" 0)'):  # Go ranges over numbers since 1.24
            snippets.append(f"{{{{ range {one} }}}}y{{{{ else }}}}n{{{{ end }}}}")
        snippets += [f"{{{{ if {one} }}}}y{{{{ else }}}}n{{{{ end }}}}",
                     f"{{{{ with {one} }}}}{{{{ . }}}}{{{{ else }}}}n{{{{ end }}}}", f"{{{{ {one} | print 1 }}}}",
                     f"{{{{ $x := {one} }}}}{{{{ $x }}}}{{{{ $x.foo }}}}", f"{{{{ ({one}).foo }}}}"]
    return snippets


def rules(snippets):
    rows = "".join(f"      t{i:05}: {json.dumps(text, ensure_ascii=False)}\n" for i, text in enumerate(snippets))
    return f"groups:\n- name: g\n  rules:\n  - alert: T\n    expr: m\n    annotations:\n{rows}"


def unquoted(text):
    def one(found):
        escape = found.group(1)
        if escape[0] in "xuU":
            return chr(int(escape[1:], 16)) if escape[0] != "x" else chr(int(escape[1:], 16))
        return UNESCAPE[escape]
    return re.sub(r'\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)', one, text)


def annotations(said):
    """What was printed of the alert that nobody expected, by name."""
    return {name: unquoted(text) for name, text in re.findall(r'(t\d{5})="((?:[^"\\]|\\.)*)"', said)}


def run(*command, folder):
    done = subprocess.run([str(c) for c in command], capture_output=True, cwd=folder, timeout=240)
    return (done.stdout + done.stderr).decode("utf-8", "surrogateescape")


class Templates(Scenario):
    def expand(self, snippets):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "t.yml").write_text(TEST)
            (folder / "r.yml").write_text(rules(snippets))
            theirs = run("promtool", "test", "rules", "t.yml", folder=folder)
            ours = run(BINARY, "test", "rules", "t.yml", folder=folder)
        for said in (theirs, ours):
            self.assertIn("t00000", said, said[:2000])
        return annotations(theirs), annotations(ours)

    def compare(self, snippets):
        theirs, ours = self.expand(snippets)
        self.assertEqual(len(theirs), len(snippets))
        wrong = []
        for i, text in enumerate(snippets):
            name = f"t{i:05}"
            if theirs[name] != ours.get(name):
                wrong.append(f"{text!r}\n  promtool: {theirs[name]!r}\n  ours:     {ours.get(name)!r}")
        self.assertEqual([], wrong, f"{len(wrong)} of {len(snippets)} differ:\n" + "\n".join(wrong))

    def test_templates_by_hand_expand_as_with_promtool(self):
        self.compare(written()[0])

    def test_every_verb_and_function_expands_as_with_promtool(self):
        self.compare(generated())

    def test_what_does_not_parse_is_refused_in_the_words_of_promtool(self):
        bad = written()[1]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            wrong = []
            for begin in range(0, len(bad), 40):
                part = bad[begin:begin + 40]
                (folder / "r.yml").write_text(rules(part))
                theirs = dict(re.findall(r'annotation "(t\d{5})": (.*)', run("promtool", "check", "rules", "r.yml", folder=folder)))
                ours = dict(re.findall(r'r.yml:\d+:\d+: annotation "(t\d{5})": (.*)',
                                       run(BINARY, "check-config", "rules", "r.yml", folder=folder)))
                wrong += [f"{text!r}\n  promtool: {theirs.get(f't{i:05}')!r}\n  ours:     {ours.get(f't{i:05}')!r}"
                          for i, text in enumerate(part) if theirs.get(f"t{i:05}") != ours.get(f"t{i:05}")]
        self.assertEqual([], wrong, f"{len(wrong)} of {len(bad)} differ:\n" + "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
