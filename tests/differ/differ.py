#!/usr/bin/python3
"""
differ.py ANSWER [COUNT [SEED]]: random expressions over random series, answered by src/promql and by Debian's Prometheus 2.42.
differ.py ANSWER edges: every function of a number and every operator where numbers end, to the sign of a zero.

Half of them as they are, with `version_2` on our side; the other half with the rules of version 3 on ours, and on the other a range
that is a millisecond shorter, which is the same. What is not drawn, and why: expressions.py. The seed is printed; a difference is
shrunk as far as it stays one and printed with both answers. The status is 1 if there was one.
"""
import itertools
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import data
import expressions
import other

EXACT, LOOSE = 1e-9, 2e-4 # the shim makes a range of 15 s a millisecond shorter, and a rate with it
SHOWN_MAX = 10


class Ours:
    def __init__(self, binary, series):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for labels, samples in series:
            pairs = ", ".join(f'{n}="{v}"' for n, v in labels.items())
            self.process.stdin.write(f"S {{{pairs}}}\n")
            self.process.stdin.writelines(f"P {t} {v if v == 'stale' else repr(v)}\n" for t, v in samples)

    def ask(self, start, end, step, version, expression):
        self.process.stdin.write(f"Q {start} {end} {step} v{version} {expression}\n")
        self.process.stdin.flush()
        kind, rows = self.line(), {}
        if kind.startswith("error "):
            assert self.line() == "."
            return "error", kind[6:]
        while (line := self.line()) != ".":
            labels, _, samples = line.partition("\t")
            numbers = samples.split()
            key = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)))
            rows[key] = [(int(t), float(v)) for t, v in zip(numbers[::2], numbers[1::2])]
        return {"instant vector": "vector", "range vector": "matrix"}.get(kind, kind), rows

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the program that answers has ended")
        return line.rstrip("\n")

    def stop(self):
        self.process.stdin.close()
        if self.process.wait(60) != 0:
            raise RuntimeError("the program that answers failed")


def near(a, b, share, least):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if a == b:
        return True
    if math.isinf(a) or math.isinf(b):
        return False
    return abs(a - b) <= share * max(abs(a), abs(b)) + least


def agree(ours, theirs, share, least):
    if ours[0] != theirs[0]:
        return False
    if ours[0] == "error":
        return True
    return ours[1].keys() == theirs[1].keys() and all(
        len(row) == len(theirs[1][key]) and all(t == u and near(v, w, share, least) for (t, v), (u, w) in zip(row, theirs[1][key]))
        for key, row in ours[1].items())


class Run:
    def __init__(self, binary, seed):
        self.random = random.Random(seed)
        series = data.Data(self.random).series
        self.folder = tempfile.TemporaryDirectory(prefix="differ-")
        self.theirs = other.Other(self.folder.name)
        self.theirs.fill(series)
        self.ours = Ours(binary, series)
        self.asked = self.refused = self.empty = self.points = 0

    def stop(self):
        self.theirs.stop()
        self.ours.stop()
        self.folder.cleanup()

    def when(self):
        start = data.BEGIN - 60_000 + self.random.randrange(0, data.END - data.BEGIN + 400_000)
        start -= start % self.random.choice((1, 1000, 15000))
        if self.random.random() < 0.6:
            return start, start, 0
        step = self.random.choice((15_000, 60_000, 37_000, 1_000, 300_000))
        return start, start + step * self.random.randrange(0, 25), step

    def both(self, node, when, shim):
        version = 3 if shim else 2
        return self.ours.ask(*when, version, node.text(False)), self.theirs.ask(*when, node.text(shim))

    def differs(self, node, when, shim):
        ours, theirs = self.both(node, when, shim)
        self.seen = ours
        rough = shim and node.any(lambda part: part.rough)
        if agree(ours, theirs, LOOSE if rough else EXACT, 1e-3 if rough else 1e-9):
            return None
        # How far a rate is believed beyond its samples jumps at a distance, and the millisecond may lie across it. Where no sample
        # stands at the very start of a window, the range as it is gives the same as ours.
        if rough and agree(ours, self.theirs.ask(*when, node.text(False)), EXACT, 1e-9):
            return None
        return ours, theirs

    def shrink(self, node, when, shim):
        """A part that differs alone, or the whole with one part in the place of its parent, or at one time, as long as there is one."""
        smaller = True
        while smaller:
            smaller = False
            if when[2] and self.differs(node, (when[0], when[0], when[2]), shim):
                when = (when[0], when[0], when[2])
            for child in candidates(node):
                if len(child.text(False)) < len(node.text(False)) and self.differs(child, when, shim):
                    node, smaller = child, True
                    break
        return node, when

    def one(self):
        shim = self.random.random() < 0.5
        when = self.when()
        node = expressions.Draw(self.random, data.BEGIN, data.END, shim).expression()
        found = self.differs(node, when, shim)
        self.asked += 1
        self.refused += self.seen[0] == "error"
        if self.seen[0] != "error":
            self.empty += not self.seen[1]
            self.points += sum(len(row) for row in self.seen[1].values())
        if not found:
            return None
        node, when = self.shrink(node, when, shim)
        ours, theirs = self.differs(node, when, shim)
        return f"{node.text(False)}\n  at {when}, rules of version {3 if shim else 2}\n{first_difference(ours, theirs)}"


def candidates(node):
    """Its parts that are expressions, then the same with a grandchild in the place of a child of its kind."""
    for child in node.children():
        if child.kind != expressions.MATRIX:
            yield child
    for at, child in enumerate(node.parts):
        if isinstance(child, expressions.Node):
            for smaller in candidates(child):
                if smaller.kind == child.kind or child.kind == expressions.VECTOR == smaller.kind:
                    yield expressions.Node(node.kind, node.parts[:at] + (smaller,) + node.parts[at + 1:], node.exact, node.finite, node.labels,
                                           node.unique, node.rough)


# Without numbers below the normal ones: of these Go 1.19 has wrong logarithms.
EDGES = ["0", "(-1 * 0)", "1", "-1", "0.5", "-0.5", "Inf", "-Inf", "NaN", "1e308", "-1e308", "710", "709.9", "-745.2", "1e19", "-1e19", "2.5", "-2.5",
         "1e15", "3", "-3", "1000000.5"]


def edges():
    for function in (*expressions.MATHS, *expressions.DATES, "round"):
        yield from (f"{function}(vector({a}))" for a in EDGES)
    for a, b in itertools.product(EDGES, EDGES):
        yield from (f"vector({a}) {operator} vector({b})" for operator in ("+", "-", "*", "/", "%", "^", "==", "!=", "<", ">= bool", "atan2"))
        yield from (f"{function}(vector({a}), {b})" for function in ("clamp_min", "clamp_max", "round"))
        yield f"clamp(vector({a}), {b}, 1)"


def run_edges(binary):
    run, wrong, count = Run(binary, 1), 0, 0
    try:
        for text in edges():
            # One through it tells the zeros apart.
            for asked in (text, f"1 / ({text})"):
                ours, theirs = (side.ask(*when) for side, when in ((run.ours, (data.BEGIN, data.BEGIN, 0, 3, asked)),
                                                                   (run.theirs, (data.BEGIN, data.BEGIN, 0, asked))))
                count += 1
                if not agree(ours, theirs, 1e-12, 0):
                    wrong += 1
                    print(f"{asked}\n{first_difference(ours, theirs)}", flush=True)
    finally:
        run.stop()
    print(f"{count} expressions, {wrong} differ")
    return 1 if wrong else 0


def first_difference(ours, theirs):
    """The row and the point where they differ most plainly; of errors and missing rows all."""
    if ours[0] != theirs[0] or ours[0] == "error":
        return f"  ours:   {str(ours)[:600]}\n  theirs: {str(theirs)[:600]}"
    for key in sorted(ours[1].keys() | theirs[1].keys()):
        mine, other_row = ours[1].get(key), theirs[1].get(key)
        if mine is None or other_row is None or len(mine) != len(other_row):
            return f"  {dict(key)}\n  ours:   {str(mine)[:600]}\n  theirs: {str(other_row)[:600]}"
    far = max(((abs(v - w) / (abs(v) + abs(w)) if math.isfinite(v - w) and v != w else 0 if v == w or (v != v and w != w) else math.inf, str(key), t, v, w)
               for key in ours[1] for (t, v), (_, w) in zip(ours[1][key], theirs[1][key])), key=lambda point: point[0])
    return f"  {far[1]} at {far[2]}\n  ours:   {far[3]!r}\n  theirs: {far[4]!r}"


def main():
    binary = sys.argv[1]
    if sys.argv[2:3] == ["edges"]:
        return run_edges(binary)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}", flush=True)
    run, wrong = Run(binary, seed), []
    try:
        for _ in range(count):
            found = run.one()
            if found:
                print(found, flush=True)
                wrong.append(found)
            if len(wrong) == SHOWN_MAX:
                break
    finally:
        run.stop()
    print(f"{run.asked} expressions, {run.points} points, {run.empty} empty, {run.refused} refused by both, {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    sys.exit(main())
