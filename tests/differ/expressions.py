"""
expressions.py: random expressions of PromQL as trees that can be shrunk.

What is drawn is what Prometheus 2.42 and 3 answer alike. Where an answer jumps (comparisons, rounding, ranks), only `exact` operands
stand: those whose value is the same to the last bit in both, whatever the order of summing. Left out, because 3.x means something
else, 2.42 has none or is wrong: stddev and stdvar of what is not finite, names behind atan2, matching of several to one
under a comparison that filters, the sign of a sum of zeros, durations as expressions, first_over_time, functions that are
experimental, timestamp() over a selector with @ and predict_linear() over one.
"""
import re
from dataclasses import dataclass, field

SCALAR, VECTOR, MATRIX = "scalar", "vector", "matrix"
LABELS = {"gauge": ("job", "instance"), "odd": ("job", "instance"), "few": ("job", "instance"),
          "counter_total": ("job", "instance", "mode"), "small_total": ("job", "instance"), "steady_total": ("job", "instance"), "lat_bucket": ("job", "le"),
          "info": ("job", "team", "zone"), "once": ("job",), "gone": ("job", "instance")}
FINITE = ("gauge", "few", "counter_total", "small_total", "steady_total", "info")
OVER = ("avg", "min", "max", "sum", "count", "last", "present", "stddev", "stdvar")
EXACT_OVER = ("min", "max", "sum", "count", "last", "present")
MATHS = ("ceil", "floor", "abs", "sgn", "exp", "ln", "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
         "tanh", "asinh", "acosh", "atanh", "deg", "rad")
RANKS = "rank_base"  # 1/64 to 6/64, one for each job and instance
STEEP = ("sin", "cos", "tan", "ln", "log2", "log10", "acos", "asin", "acosh", "atanh")
DATES = ("minute", "hour", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "month", "year")


# What gives no minus zero: a sum of these has the same sign in both.
PLAIN = re.compile(r"(?:\w+\()?(?:gauge|few|counter_total|small_total|steady_total|info|once|gone|lat_bucket)(?:\{[^}]*\})?(?:\[[^\]]*\])?"
                   r"(?: offset \S+| @ \S+)*\)?")


@dataclass
class Node:
    kind: str
    parts: tuple                       # texts and nodes, in their order
    exact: bool = True                 # the same bits on both sides
    finite: bool = True                # no infinity, no not-a-number
    labels: tuple = ()                 # that its series have, without the name
    unique: bool = True                # its series differ in these labels alone
    rough: bool = field(default=False) # a rate is inside: with the shim it differs by what a millisecond matters

    def text(self, shim):
        return "".join(part.text(shim) if isinstance(part, Node) else part(shim) if callable(part) else part for part in self.parts)

    def children(self):
        return [part for part in self.parts if isinstance(part, Node)]

    def any(self, test):
        return test(self) or any(child.any(test) for child in self.children())


def span(seconds):
    """A range; with the shim a millisecond less, which leaves out its start."""
    return lambda shim: f"{seconds * 1000 - 1}ms" if shim else f"{seconds}s"


class Draw:
    def __init__(self, random, begin, end, shim):
        self.random, self.begin, self.end, self.shim = random, begin, end, shim

    def pick(self, *options):
        return self.random.choice(options)

    def chance(self, share):
        return self.random.random() < share

    def too_rough(self, *nodes):
        """What makes of a small difference a great one is not done with a rate that the shim has changed."""
        return self.shim and any(node.rough for node in nodes)

    @staticmethod
    def odd_zero(*nodes):
        """A sum that may be zero with another sign: nothing is divided by it."""
        return any(node.any(lambda part: isinstance(part.parts[0], str) and part.parts[0].startswith(("sum", "avg")) and
                            not all(PLAIN.fullmatch(child.text(False)) for child in part.children())) for node in nodes)

    def unsafe(self, *nodes):
        """For a division or a power: a mean of nothing may be a little more than nothing on one side."""
        return self.too_rough(*nodes) or self.odd_zero(*nodes) or any(not node.exact and not node.finite for node in nodes)

    # ---- leaves ----

    def number(self):
        return self.pick("0", "1", "2", "-1", "0.5", "3", "10", "-2.5", "100", "1000000", "0x10", "7")

    def matchers(self, name):
        rows = []
        if "job" in LABELS[name] and self.chance(0.4):
            rows.append(self.pick('job="a"', 'job!="b"', 'job=~"a|b"', 'job=~".+"', 'job!~"a"', 'job="none"', 'job=~"[a-b]"'))
        if "instance" in LABELS[name] and self.chance(0.3):
            rows.append(self.pick('instance="1"', 'instance=~"0|2"', 'instance!=""', 'nothing=""', 'instance!~"[01]"'))
        return "{" + ",".join(rows) + "}" if rows else ""

    def modifiers(self):
        text = ""
        if self.chance(0.15):
            text += f" offset {self.pick('15s', '1m', '7m', '-1m', '90s')}"
        if self.chance(0.1):
            text += f" @ {self.pick('start()', 'end()', str((self.begin + self.random.randrange(self.end - self.begin)) / 1000))}"
        return text

    def selector(self, names=None):
        name = self.random.choice(names or ("gauge", "gauge", "odd", "few", "counter_total", "small_total", "info", "once", "gone", "lat_bucket"))
        return Node(VECTOR, (name + self.matchers(name) + self.modifiers(),), True, name != "odd", LABELS[name])

    def range(self, names=None):
        name = self.random.choice(names or ("gauge", "odd", "few", "counter_total", "small_total", "gone", "once"))
        return Node(MATRIX, (name + self.matchers(name) + "[", span(self.pick(15, 30, 60, 90, 300, 600)), "]" + self.modifiers()),
                    True, name != "odd", LABELS[name])

    def subquery(self, inner):
        step = self.pick("15s", "30s", "1m", "", "7s")
        return Node(MATRIX, (inner, "[", span(self.pick(60, 120, 300, 600)), f":{step}]" + self.modifiers()), inner.exact, inner.finite,
                    inner.labels, inner.unique, inner.rough)

    # ---- vectors ----

    def vector(self, depth, exact=False, finite=False):
        if depth <= 0:
            return self.selector(FINITE if finite else None)
        makers = [self.selector_of, self.over, self.over, self.rate, self.maths, self.aggregate, self.aggregate, self.aggregate, self.with_scalar,
                  self.with_scalar, self.between, self.between, self.sets, self.compare, self.compare, self.labelled, self.rank, self.clamp,
                  self.others, self.negated, self.joined, self.histogram, self.quantile, self.dates, self.counted, self.absent, self.atan2, self.unclear]
        for _ in range(30):
            node = self.random.choice(makers)(depth - 1)
            if node is not None and (node.exact or not exact) and (node.finite or not finite):
                return node
        return self.selector(FINITE if finite else None)

    def selector_of(self, depth):
        return self.selector()

    def any_range(self, depth, names=None):
        if depth > 0 and self.chance(0.4):
            inner = self.vector(depth - 1)
            if inner.unique:
                return self.subquery(inner)
        return self.range(names)

    def over(self, depth):
        name = self.random.choice(OVER)
        inner = self.any_range(depth)
        if name in ("stddev", "stdvar") and not inner.finite:
            return None
        return Node(VECTOR, (f"{name}_over_time(", inner, ")"), inner.exact and name in EXACT_OVER and (inner.finite or name != "sum"),
                    inner.finite, inner.labels, inner.unique, inner.rough)

    def rate(self, depth):
        name = self.pick("rate", "increase", "delta", "idelta", "irate", "deriv", "changes", "resets", "predict_linear", "quantile_over_time")
        counter = name in ("rate", "increase", "irate", "resets")
        # The two clamp at zero in another order, which version_2 knows; with the rules of version 3 a counter stands far from it, always.
        clamps = self.shim and name in ("rate", "increase")
        inner = self.range(("steady_total",) if clamps else ("counter_total", "small_total", "steady_total", "gauge") if counter else None)
        before, after = "", ")"
        if name == "predict_linear":
            after = f", {self.pick('60', '600', '-30')})"
        if name == "quantile_over_time":
            before = self.pick("0", "0.5", "0.9", "1", "-1", "2") + ", "
        if name in ("deriv", "predict_linear", "delta") and not inner.finite:
            return None
        if name == "predict_linear" and " @ " in str(inner.parts): # of a range query 2.42 answers the first step alone
            return None
        outside = before in ("-1, ", "2, ")
        return Node(VECTOR, (f"{name}({before}", inner, after), name in ("changes", "resets"), inner.finite and not outside, inner.labels, True,
                    name in ("rate", "increase", "delta"))

    def maths(self, depth):
        name = self.random.choice(MATHS)
        jumps = name in ("ceil", "floor", "sgn")
        inner = self.vector(depth, exact=jumps)
        if name in STEEP and not inner.exact: # of a great number, or near their end, the last bit decides
            return None
        if self.too_rough(inner) and name not in ("abs", "sqrt", "deg", "rad", "atan", "tanh", "asinh"):
            return None
        return Node(VECTOR, (f"{name}(", inner, ")"), inner.exact and (jumps or name == "abs"), inner.finite and name in ("abs", "sgn", "ceil", "floor"),
                    inner.labels, inner.unique, inner.rough)

    def by(self, inner):
        names = [n for n in ("job", "instance", "mode", "le", "team", "nothing") if n in inner.labels or self.chance(0.1)]
        self.random.shuffle(names)
        names = names[:self.random.randrange(0, 3)]
        word = self.pick("by", "by", "without")
        if self.chance(0.25):
            return "", ()
        kept = tuple(n for n in inner.labels if (n in names) == (word == "by"))
        return f" {word} ({', '.join(names)}) ", kept

    def aggregate(self, depth):
        name = self.pick("sum", "min", "max", "count", "avg", "group", "stddev", "stdvar")
        spread = name in ("stddev", "stdvar")
        inner = self.vector(depth, finite=spread)
        by, kept = self.by(inner)
        exact = name in ("count", "group") or (inner.exact and (name in ("min", "max") or (name == "sum" and inner.finite)))
        return Node(VECTOR, (f"{name}{by}(", inner, ")"), exact, inner.finite, kept, True, inner.rough and name not in ("count", "group"))

    def quantile(self, depth):
        inner = self.vector(depth)
        by, kept = self.by(inner)
        share = self.pick("0", "0.25", "0.5", "0.99", "1", "-0.5", "1.5")
        return Node(VECTOR, (f"quantile{by}({share}, ", inner, ")"), False, inner.finite and "0" <= share <= "1", kept, True, inner.rough)

    def counted(self, depth):
        inner = self.selector(("few", "info"))
        by, kept = self.by(inner)
        return Node(VECTOR, (f"count_values{by}(\"value\", ", inner, ")"), True, True, kept + ("value",))

    def rank(self, depth):
        # Of equal values either may be chosen, by the order of storage: here all differ.
        inner = Node(VECTOR, ("(", self.selector(("gauge", "few", "small_total")),
                              f" + on (job, instance) group_left () {RANKS})"), True, True, ("job", "instance"))
        by, _ = self.by(inner)
        return Node(VECTOR, (f"{self.pick('topk', 'bottomk')}{by}({self.pick('1', '2', '100', '0')}, ", inner, ")"), True, True, inner.labels)

    def with_scalar(self, depth):
        inner, operator = self.vector(depth), self.pick("+", "-", "*", "/", "%", "^")
        jumps = operator in ("%",)
        if jumps and not inner.exact:
            return None
        other = self.scalar(depth)
        if (jumps and not other.exact) or (operator in ("^", "/") and self.unsafe(inner, other)):
            return None
        parts = ("(", inner, f" {operator} ", other, ")") if self.chance(0.7) else ("(", other, f" {operator} ", inner, ")")
        return Node(VECTOR, parts, inner.exact and other.exact and operator in ("+", "-") and inner.finite and other.finite,
                    inner.finite and other.finite and operator in ("+", "-", "*"), inner.labels, inner.unique, inner.rough or other.rough)

    def compare(self, depth):
        inner, other = self.vector(depth, exact=True), self.scalar(depth)
        if not other.exact:
            return None
        operator = self.pick("==", "!=", "<", "<=", ">", ">=")
        word = " bool " if self.chance(0.4) else " "
        parts = ("(", inner, f" {operator}{word}", other, ")") if self.chance(0.7) else ("(", other, f" {operator}{word}", inner, ")")
        return Node(VECTOR, parts, True, inner.finite or word == " bool ", inner.labels, inner.unique)

    def pair(self, depth):
        """Two vectors that match one to one, and how."""
        left, right = self.vector(depth), self.vector(depth)
        common = tuple(n for n in left.labels if n in right.labels)
        if self.chance(0.4) and left.unique and right.unique and set(left.labels) == set(right.labels):
            return left, "", right, left.labels
        word = self.pick("on", "ignoring")
        if not common or word == "ignoring":
            keep = self.random.sample(("job", "instance"), self.random.randrange(0, 3))
            text = f" by ({', '.join(keep)}) "
            left = Node(VECTOR, (f"sum{text}(", left, ")"), left.exact and left.finite, left.finite, tuple(keep), True, left.rough)
            right = Node(VECTOR, (f"max{text}(", right, ")"), right.exact, right.finite, tuple(keep), True, right.rough)
            return left, self.pick("", f" on ({', '.join(keep)}) "), right, tuple(keep)
        keep = self.random.sample(common, self.random.randrange(1, len(common) + 1))
        text = ", ".join(keep)
        if set(left.labels) != set(keep) or not left.unique:
            left = Node(VECTOR, (f"max by ({text}) (", left, ")"), left.exact, left.finite, tuple(keep), True, left.rough)
        if set(right.labels) != set(keep) or not right.unique:
            right = Node(VECTOR, (f"min by ({text}) (", right, ")"), right.exact, right.finite, tuple(keep), True, right.rough)
        return left, f" on ({text}) ", right, tuple(keep)

    def between(self, depth):
        left, how, right, labels = self.pair(depth)
        rough = left.rough or right.rough
        if self.chance(0.35) and left.exact and right.exact:
            operator, word = self.pick("==", "!=", "<", ">", ">=", "<="), self.pick("", " bool")
            return Node(VECTOR, ("(", left, f" {operator}{word}{how} ", right, ")"), True, left.finite or word != "", labels, True, rough)
        operator = self.pick("+", "-", "*", "/", "^", "%")
        if operator == "%" and not (left.exact and right.exact):
            operator = "-"
        if operator in ("^", "/") and self.unsafe(left, right):
            operator = "*"
        both = left.finite and right.finite
        return Node(VECTOR, ("(", left, f" {operator}{how} ", right, ")"), left.exact and right.exact and operator in ("+", "-") and both,
                    both and operator in ("+", "-", "*"), labels, True, rough)

    def joined(self, depth):
        """Several to one, with labels taken from the one."""
        many, one = self.vector(depth), self.selector(("info",))
        if "job" not in many.labels or "team" in many.labels or not many.unique:
            return None
        take = self.pick("", "team", "team, zone", "zone")
        kept = many.labels + tuple(n for n in take.split(", ") if n)
        operator = self.pick("*", "+", "*" if self.unsafe(many, one) else "/")
        if self.chance(0.5):
            return Node(VECTOR, ("(", many, f" {operator} on (job) group_left ({take}) ", one, ")"), many.exact and many.finite and operator == "+",
                        many.finite, kept, True, many.rough)
        return Node(VECTOR, ("(", one, f" {operator} on (job) group_right ({take}) ", many, ")"), many.exact and many.finite and operator == "+",
                    many.finite and operator != "/", kept, True, many.rough)

    def unclear(self, depth):
        """Matching that is refused, wherever there is more than one."""
        left, right = self.selector(), self.selector()
        how = self.pick("on (job)", "on ()", "ignoring (instance)", "on (job) group_left ()", "on (instance) group_right ()", "on (job, instance)")
        return Node(VECTOR, ("(", left, f" {self.pick('+', '-', '*')} {how} ", right, ")"), False, False, (), False)

    def sets(self, depth):
        left, right = self.vector(depth), self.vector(depth)
        operator = self.pick("and", "or", "unless")
        how = self.pick("", "", " on (job)", " ignoring (instance)", " on ()", " on (job, instance)")
        labels = left.labels if operator != "or" else tuple(n for n in left.labels if n in right.labels)
        return Node(VECTOR, ("(", left, f" {operator}{how} ", right, ")"), left.exact and (right.exact or operator != "or"),
                    left.finite and (right.finite or operator != "or"), labels, operator != "or" and left.unique, left.rough or right.rough)

    def labelled(self, depth):
        inner = self.vector(depth)
        if self.chance(0.6):
            into = self.pick("new", "job2", "instance2")
            text = self.pick('"$1-x", "job", "(.*)"', '"v", "nothing", ""', '"${1}$1", "instance", "([0-9])"', '"$2", "job", "(a)|(b)"', '"", "job", "a"')
            return Node(VECTOR, ("label_replace(", inner, f', "{into}", {text})'), inner.exact, inner.finite, inner.labels, inner.unique, inner.rough)
        return Node(VECTOR, ("label_join(", inner, ', "both", "-", "job", "instance")'), inner.exact, inner.finite, inner.labels, inner.unique, inner.rough)

    def clamp(self, depth):
        inner = self.vector(depth)
        text = self.pick(("clamp(", ", 0, 10)"), ("clamp_min(", ", 1)"), ("clamp_max(", ", 2.5)"), ("clamp(", ", 5, 1)"))
        return Node(VECTOR, (text[0], inner, text[1]), inner.exact, inner.finite, inner.labels, inner.unique, inner.rough)

    def others(self, depth):
        inner = self.vector(depth, exact=True)
        name = self.pick("timestamp", "round", "sort", "sort_desc", "round2")
        if name == "timestamp": # of an offset beside an @ Prometheus loses the offset
            inner = self.selector()
            if inner.any(lambda part: " @ " in str(part.parts)):
                return None
        if name == "round2":
            return Node(VECTOR, ("round(", inner, f", {self.pick('0.5', '5', '2')})"), True, inner.finite, inner.labels, inner.unique)
        return Node(VECTOR, (f"{name}(", inner, ")"), name != "timestamp", inner.finite and name != "timestamp", inner.labels, inner.unique)

    def negated(self, depth):
        inner = self.vector(depth)
        return Node(VECTOR, ("-", inner) if inner.parts[0] == "(" else ("-(", inner, ")"), inner.exact, inner.finite, inner.labels, inner.unique, inner.rough)

    def dates(self, depth):
        if self.chance(0.3):
            return Node(VECTOR, (f"{self.random.choice(DATES)}()",))
        inner = self.selector(("gauge", "few", "counter_total"))
        scaled = Node(VECTOR, ("(", inner, " * 86400)"), True, True, inner.labels)
        return Node(VECTOR, (f"{self.random.choice(DATES)}(", scaled if self.chance(0.7) else inner, ")"), True, True, inner.labels)

    def absent(self, depth):
        if self.chance(0.5):
            return Node(VECTOR, ("absent(", self.selector(), ")"), True, True, (), True)
        return Node(VECTOR, ("absent_over_time(", self.range(), ")"), True, True, (), True)

    def atan2(self, depth):
        left, right = self.selector(FINITE), self.selector(FINITE)
        return Node(VECTOR, ("(sum by (job) (", left, ") atan2 sum by (job) (", right, "))"), False, left.finite and right.finite, ("job",), True,
                    left.rough or right.rough)

    def histogram(self, depth):
        quantile = self.pick("0", "0.1", "0.5", "0.9", "0.99", "1", "-1", "2")
        inner = self.selector(("lat_bucket",))
        if self.chance(0.5):
            inner = Node(VECTOR, (self.pick("sum by (le) (", "sum by (job, le) ("), inner, ")"), True, True, ("le",))
        return Node(VECTOR, (f"histogram_quantile({quantile}, ", inner, ")"), False, False, tuple(n for n in inner.labels if n != "le"), True)

    # ---- scalars ----

    def scalar(self, depth):
        if depth <= 0 or self.chance(0.6):
            return Node(SCALAR, (self.number(),))
        if self.chance(0.2):
            return Node(SCALAR, (self.pick("time()", "pi()", "Inf", "NaN", "-Inf"),), True, False)
        if self.chance(0.6):
            inner = self.vector(depth - 1)
            return Node(SCALAR, ("scalar(", inner, ")"), inner.exact, False, rough=inner.rough)
        left, right = self.scalar(depth - 1), self.scalar(depth - 1)
        operator = self.pick("+", "-", "*", "/", "%", "^", "== bool", "< bool")
        if not (left.exact and right.exact) and operator in ("%", "== bool", "< bool"):
            operator = "*"
        if operator in ("^", "/") and self.unsafe(left, right):
            operator = "+"
        return Node(SCALAR, ("(", left, f" {operator} ", right, ")"), left.exact and right.exact and operator in ("+", "-", "== bool", "< bool"), False,
                    rough=left.rough or right.rough)

    def expression(self):
        pick = self.random.random()
        if pick < 0.05:
            return self.scalar(3)
        if pick < 0.08:
            inner = self.scalar(2)
            return Node(VECTOR, ("vector(", inner, ")"), inner.exact, inner.finite, rough=inner.rough)
        return self.vector(self.random.randrange(1, 6))
