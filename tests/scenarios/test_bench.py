"""test_bench.py: what measures keeps working: the short form of each, which asserts what is right and never a time."""
import subprocess

from mainstay import BINARY, TOP, Scenario

SECONDS_MAX = 240


class Bench(Scenario):
    def run_short(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_figures_of_remote_write_can_be_taken(self):
        self.assertIn("Mainstay 30000, Prometheus 30000, VictoriaMetrics 30000", self.run_short(TOP / "bench/write", "--short", BINARY.parent))

    def test_the_figures_of_scraping_can_be_taken_and_each_sample_is_right(self):
        said = self.run_short(TOP / "bench/scrape", "--short", BINARY.parent)
        self.assertRegex(said, r"each holds every sample that was served: Mainstay \d{4,}, Prometheus \d{4,}, VictoriaMetrics \d{4,}")

    def test_the_figures_of_a_crowd_can_be_taken(self):
        said = self.run_short(TOP / "bench/crowd", BINARY, "--short")
        for words in ("beside 10 heavy queries", "beside 10 queries of time series", "each first page accepted", "a change is seen"):
            self.assertIn(words, said)

    def test_the_figures_of_time_series_can_be_taken_and_each_sample_is_right(self):
        said = self.run_short(TOP / "bench/metrics", "--short", BINARY.parent)
        self.assertIn("every sample of 6 restarts was compared: right", said)

    def test_queries_answer_as_those_of_prometheus_do(self):
        said = self.run_short(TOP / "bench/query", "--short", BINARY.parent)
        self.assertIn("all 16 answers of Mainstay are those of Prometheus", said)
        self.assertRegex(said, r"VictoriaMetrics answers \d+ of 16 as Prometheus does")
