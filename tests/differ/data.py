"""data.py: random series for differ.py. Values are whole numbers of quarters, so that sums of them are exact in any order."""

STEP = 15000
COUNT = 200
BEGIN = 1_600_000_000_000
END = BEGIN + STEP * (COUNT - 1)
INF, NAN = float("inf"), float("nan")


class Data:
    def __init__(self, random):
        self.random, self.series = random, []
        for j, job in enumerate(("a", "b")):
            for i, instance in enumerate(("0", "1", "2")):
                labels = {"job": job, "instance": instance}
                self.add("rank_base", labels, [(BEGIN + k * STEP, (j * 3 + i + 1) / 64) for k in range(COUNT)])
                self.add("gauge", labels, self.walk())
                self.add("odd", labels, self.odd())
                self.add("few", labels, self.few())
                self.add("counter_total", dict(labels, mode="x"), self.counter(1_000_000))
                self.add("counter_total", dict(labels, mode="y"), self.counter(1_000_000))
                self.add("small_total", labels, self.counter(0))
                self.add("steady_total", labels, self.counter(1_000_000, resets=0))
            self.add("info", {"job": job, "team": "t" + job, "zone": "z"}, [(t, 1.0) for t in self.times()])
            self.histogram({"job": job})
        self.add("once", {"job": "a"}, [(BEGIN + 90_123, 3.5)])
        for instance in ("0", "1"):
            before = self.walk()[:60]
            self.add("gone", {"job": "a", "instance": instance}, before + [(before[-1][0] + STEP, "stale")])

    def add(self, name, labels, samples):
        self.series.append((dict(labels, __name__=name), samples))

    def times(self):
        """Not quite regular, and some scrapes were missed."""
        shift = self.random.randrange(0, 3000)
        regular = self.random.random() < 0.4
        for i in range(COUNT):
            if not regular and self.random.random() < 0.08:
                continue
            yield BEGIN + i * STEP + shift + (0 if regular else self.random.randrange(0, 900))

    def walk(self):
        value, out = float(self.random.randrange(-40, 200)), []
        for t in self.times():
            value += self.random.choice((0, 0, 0.25, 0.5, -0.25, -1, 2, -2))
            out.append((t, value))
        return out

    def odd(self):
        """What breaks arithmetic: not-a-number, the infinities, minus zero, staleness."""
        out = []
        for t in self.times():
            pick = self.random.random()
            value = (NAN if pick < 0.05 else INF if pick < 0.08 else -INF if pick < 0.11 else -0.0 if pick < 0.15 else
                     0.0 if pick < 0.2 else "stale" if pick < 0.25 else self.random.randrange(-20, 20) / 4)
            out.append((t, value))
        return out

    def few(self):
        value, out = 1.0, []
        for t in self.times():
            if self.random.random() < 0.1:
                value = float(self.random.randrange(0, 4))
            out.append((t, value))
        return out

    def counter(self, base, resets=0.02):
        value, out = float(base + self.random.randrange(0, 50)), []
        for t in self.times():
            if self.random.random() < resets:
                value = float(base)
            value += self.random.choice((0, 1, 1, 2, 5, 40))
            out.append((t, value))
        return out

    def histogram(self, labels):
        bounds = ["0.25", "0.5", "1", "2", "4", "+Inf"]
        counts, rows = [0] * len(bounds), []
        for t in [BEGIN + i * STEP for i in range(COUNT)]:
            if self.random.random() < 0.01:
                counts = [0] * len(bounds)
            for at in range(len(bounds)):
                counts[at] += self.random.choice((0, 0, 1, 3))
            rows.append((t, list(counts)))
        for at, bound in enumerate(bounds):
            self.add("lat_bucket", dict(labels, le=bound), [(t, float(sum(row[:at + 1]))) for t, row in rows])
        self.add("lat_count", labels, [(t, float(sum(row))) for t, row in rows])
