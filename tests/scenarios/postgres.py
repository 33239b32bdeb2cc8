"""postgres.py: a real PostgreSQL in a folder of its own, as a peer and as the second engine of a scenario.

MAINSTAY_ENGINE=postgres runs every scenario's servers on it: each gets a database of its own in one
cluster, whose address `run` hands over in MAINSTAY_TEST_POSTGRES, or which is started when it is asked for.
"""
import atexit
import functools
import itertools
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = TOP / "tools" / "test-postgres"
ENGINE = os.environ.get("MAINSTAY_ENGINE", "sqlite")
numbers = itertools.count(1)


def psql(url, *statements):
    """Runs them; the lines that came out."""
    words = [word for statement in statements for word in ("-c", statement)]
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url, *words], capture_output=True, text=True,
                          timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"psql {statements}: {done.stderr}")
    return done.stdout.splitlines()


class Postgres:
    """A cluster. Without fsync unless a setting says otherwise; stop("immediate") is a crash of it."""

    def __init__(self, folder, *settings):
        self.folder, self.settings = pathlib.Path(folder) / "postgres", settings
        self.url = None
        self.running = False

    def start(self):
        if self.url is None:
            for parent in (self.folder.parent, *self.folder.parent.parents):  # its own user must get there
                if parent.owner() == "root" and parent.stat().st_mode & 0o77 == 0:
                    parent.chmod(0o711)
            self.url = subprocess.run([TOOL, "start", self.folder, *self.settings], check=True, capture_output=True,
                                      text=True).stdout.strip()
        elif not self.running:
            subprocess.run([TOOL, "again", self.folder], check=True)
        self.running = True

    def stop(self, mode="immediate"):
        if self.running:
            subprocess.run([TOOL, "stop", self.folder, mode], check=True)
        self.running = False

    def database(self):
        return make_database(self.url)


def make_database(url):
    """A new, empty database of the cluster; its URL."""
    name = f"m{os.getpid()}_{next(numbers)}"
    psql(url, f"CREATE DATABASE {name}")
    return url.rpartition("/")[0] + "/" + name


@functools.cache
def cluster():
    """The URL of the cluster that all scenarios share."""
    if "MAINSTAY_TEST_POSTGRES" in os.environ:
        return os.environ["MAINSTAY_TEST_POSTGRES"]
    folder = tempfile.mkdtemp(prefix="pg-")
    peer = Postgres(folder)
    peer.start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(peer.stop)
    return peer.url


def copy(url, path):
    """What stands in the database, as a file of SQLite: the checks of tests and auditors read one format."""
    columns = {}
    for line in psql(url, "SELECT table_name, column_name, data_type FROM information_schema.columns "
                          "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"):
        table, column, kind = line.split("|")
        columns.setdefault(table, []).append((column, kind))
    lines = iter(psql(url, "BEGIN ISOLATION LEVEL REPEATABLE READ",
                      *(text for table in columns for text in
                        (f"SELECT row_to_json(t) FROM {table} t", f"SELECT '--{table}'"))))
    pathlib.Path(path).unlink(missing_ok=True)
    with sqlite3.connect(path) as store:
        for table, rows in columns.items():
            store.execute(f'CREATE TABLE "{table}" ({", ".join(f"{name}" for name, _ in rows)})')
            marks = ", ".join("?" for _ in rows)
            for line in iter(lambda: next(lines), f"--{table}"):
                found = json.loads(line)
                values = [bytes.fromhex(found[name][2:]) if kind == "bytea" and found[name] is not None
                          else found[name] for name, kind in rows]
                store.execute(f'INSERT INTO "{table}" VALUES ({marks})', values)
    store.close()
