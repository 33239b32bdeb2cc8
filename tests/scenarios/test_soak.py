"""Many requests of every kind: what the server holds does not grow.

In ./check this is short: every answer is as it should be, no descriptor stays, and the leak checker speaks at the end.
Memory is judged by tools/soak, which runs a release build for long enough: until every reading connection has filled
its cache, after some 40,000 requests, memory is expected to grow.
"""
import os
import random

from mainstay import Scenario
from soak import Soak
from steps import verified

REQUESTS = int(os.environ.get("MAINSTAY_SOAK_REQUESTS") or 8000)
SECONDS = float(os.environ.get("MAINSTAY_SOAK_SECONDS") or 0)
LONG = bool(SECONDS) or REQUESTS >= 250000  # the warm-up, a fifth of it, is then long enough
GROWTH_KIB_MAX = 4 << 10  # what three allocators' free lists may differ; 10 bytes a request would be more
DESCRIPTORS_MAX = 6       # live views and checks come and go


class Held(Scenario):
    """A day of work."""

    takes = 25

    def test_many_requests_leave_memory_and_descriptors_as_they_were(self):
        seed = int(os.environ.get("MAINSTAY_SEED") or random.SystemRandom().getrandbits(32))
        print(f"note test_soak: seed {seed}")
        soak = Soak(self, seed, pause_seconds=0.2 if SECONDS else 0.0)
        soak.run(requests=None if SECONDS else REQUESTS, seconds=SECONDS or None,
                 tell=Teller() if LONG else None)
        print(f"note test_soak: {soak.told()}")
        kib, descriptors = soak.growth()
        if LONG:
            self.assertLess(kib, GROWTH_KIB_MAX, "memory grew")
        self.assertLessEqual(abs(descriptors), DESCRIPTORS_MAX, "descriptors grew")
        soak.server.stop()
        verified(soak.server)


class Teller:
    """A line a minute, for who waits for a long one."""

    def __init__(self):
        self.next = 0.0

    def __call__(self, sample, seconds):
        if seconds >= self.next:
            self.next = seconds + 60
            with open("/dev/stderr", "w", encoding="utf-8") as terminal:
                print(f"{seconds:8.0f} s  {sample.requests:9d} requests  {sample.anonymous_kib:8d} KiB  "
                      f"{sample.descriptors:4d} descriptors", file=terminal)
