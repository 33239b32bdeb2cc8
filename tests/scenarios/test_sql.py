"""SQL checks against a real PostgreSQL that asks for passwords, and the named secrets they sign in with."""
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import postgres
from mainstay import wait_until
from peers import certificate
from test_checks import Checks as Base

PASSWORD = "pw-7Qx-never-shown"
STUCK = "SELECT count(*) AS stuck FROM orders WHERE state = 'stuck'"


def ask_for_passwords(peer):
    """All but the owner must know theirs."""
    (peer.folder / "cluster" / "pg_hba.conf").write_text(
        "host all mainstay 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    postgres.psql(peer.url, "SELECT pg_reload_conf()")


def speak_tls(peer, folder):
    for source, name in zip(certificate(folder), ("server.crt", "server.key")):
        target = peer.folder / "cluster" / name
        shutil.copy(source, target)
        shutil.chown(target, (peer.folder / "cluster").owner())
        target.chmod(0o600)
    postgres.psql(peer.url, "ALTER SYSTEM SET ssl = on")
    postgres.psql(peer.url, "SELECT pg_reload_conf()")


class Sql(Base):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="sql-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.cluster = postgres.Postgres(folder)
        cls.cluster.start()
        cls.addClassCleanup(cls.cluster.stop)
        postgres.psql(cls.cluster.url, f"CREATE ROLE watch LOGIN PASSWORD '{PASSWORD}'")
        ask_for_passwords(cls.cluster)

    def setUp(self):
        super().setUp()
        self.url = self.cluster.database()
        postgres.psql(self.url, "CREATE TABLE orders (id int PRIMARY KEY, state text)", "CREATE SEQUENCE n",
                      "INSERT INTO orders SELECT n, CASE WHEN n > 7 THEN 'stuck' ELSE 'done' END "
                      "FROM generate_series(1, 10) n", "GRANT ALL ON orders, n TO watch")
        self.place = self.url.rpartition("@")[2]
        self.secret = f"postgres://watch:{PASSWORD}@{self.place}"

    def server(self, **environment):
        mainstay = self.mainstay(environment=environment)
        admin = mainstay.signed_in()
        admin.put("secrets/shop-db", {"value": self.secret, "about": "the shop"})
        return mainstay, admin

    def ask(self, client, sql, secret="shop-db", **spec):
        return self.trial(client, kind="sql", secret=secret, sql=sql, **spec)

    def test_the_first_value_and_the_number_of_rows_decide(self):
        _, admin = self.server()
        found = self.ask(admin, STUCK, equals="3")
        self.assertEqual((found["state"], found["reason"], found["address"]), ("up", "3", "127.0.0.1"), found)
        self.assertGreater(found["timings"]["connect_ms"], 0)
        self.assertGreater(found["latency_ms"], 0)
        detail = found["detail"]["sql"]
        self.assertEqual((detail["server"], detail["column"], detail["value"], detail["rows"]),
                         (f"postgres://watch@{self.place}", "stuck", "3", 1))
        for spec, state, reason in (
                ({"below": 3}, "down", "3 is not below 3"), ({"below": 3.5, "above": 2}, "up", "3"),
                ({"above": 3}, "down", "3 is not above 3"), ({"equals": "4"}, "down", '"3" is not "4"')):
            found = self.ask(admin, STUCK, **spec)
            self.assertEqual((found["state"], found["reason"]), (state, reason), spec)
        rows = "SELECT id FROM orders ORDER BY id"
        self.assertEqual(self.ask(admin, rows, rows_min=10)["reason"], "10 rows")
        found = self.ask(admin, rows, rows_min=11)
        self.assertEqual((found["state"], found["reason"]), ("down", "10 rows, wanted 11 at least"))
        found = self.ask(admin, rows, rows_min=4)
        self.assertEqual((found["state"], found["detail"]["sql"]["more"]), ("up", True), found)
        self.assertEqual(self.ask(admin, "SELECT true", equals="true")["state"], "up")
        self.assertIn("NULL", self.ask(admin, "SELECT NULL::int", above=1)["reason"])
        self.assertIn("no row", self.ask(admin, "SELECT 1 WHERE false", above=0)["reason"])
        self.assertIn("is no number", self.ask(admin, "SELECT 'many'", above=0)["reason"])
        self.assertIn("does not exist", self.ask(admin, "SELECT * FROM nothing")["reason"])
        found = self.ask(admin, "SELECT 'ünï ''quoted'' \"text\"'")
        self.assertEqual(found["detail"]["sql"]["value"], "ünï 'quoted' \"text\"")

    def test_a_check_changes_nothing_waits_for_nobody_and_is_not_flooded(self):
        _, admin = self.server()
        for sql in ("WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone", "SELECT nextval('n')",
                    "SELECT 1; DELETE FROM orders", "SELECT 1 INTO copied",
                    "SELECT set_config('transaction_read_only', 'off', false)"):
            found = self.ask(admin, sql)
            self.assertEqual(found["state"], "down", (sql, found))
        for sql in "DELETE FROM orders", "COMMIT", "SET TRANSACTION READ WRITE", "selection", "COPY orders TO STDOUT":
            refused = admin.request("POST", "checks/test", {"spec": {"kind": "sql", "secret": "shop-db", "sql": sql}})
            self.assertEqual(refused.status, 400)
            self.assertIn("must begin with SELECT", refused.json["detail"])
        self.ask(admin, "SELECT lo_create(0)")  # PostgreSQL 15 lets it; it is never committed
        self.assertEqual(postgres.psql(self.url, "SELECT (SELECT count(*) FROM orders), count(*) "
                                                 "FROM pg_largeobject_metadata"), ["10|0"])
        begun = time.monotonic()
        found = self.ask(admin, "SELECT pg_sleep(60)", timeout="500ms")
        self.assertEqual((found["state"], found["reason"]), ("down", "the statement did not end in time"))
        self.assertLess(time.monotonic() - begun, 20)
        wait_until(lambda: postgres.psql(self.url, "SELECT count(*) FROM pg_stat_activity "
                                         "WHERE application_name = 'mainstay check'") == ["0"], 20)
        found = self.ask(admin, "SELECT repeat('x', 50000000)")
        self.assertEqual((found["state"], found["reason"]), ("down", "the answer is larger than 1 MiB"))
        found = self.ask(admin, "SELECT repeat('x', 300000)")
        self.assertEqual((found["state"], found["detail"]["sql"]["cut"]), ("up", True))
        self.assertLess(len(found["detail"]["sql"]["value"]), 201)

    def test_tls_is_spoken_and_held_against_the_authorities(self):
        peer = self.peer(postgres.Postgres(self.folder))
        ask_for_passwords(peer)
        speak_tls(peer, self.folder / "tls")
        postgres.psql(peer.url, f"CREATE ROLE watch LOGIN PASSWORD '{PASSWORD}'")
        url = f"postgres://watch:{PASSWORD}@{peer.url.rpartition('@')[2]}"
        admin = self.mainstay().signed_in()
        admin.put("secrets/tls", {"value": url + "?sslmode=require"})
        admin.put("secrets/strict", {"value": url + "?sslmode=verify-full"})
        used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        wait_until(lambda: self.ask(admin, used, "tls", equals="true")["state"] == "up", 10)
        for size in 10, 9000, 20000, 300000: # parts of records are left over at one of them
            found = self.ask(admin, f"SELECT repeat('x', {size})", "tls", rows_min=1)
            self.assertEqual(found["state"], "up", (size, found))
        found = self.ask(admin, used, "strict")
        self.assertEqual(found["state"], "down", found)
        self.assertIn("certificate verify failed", found["reason"])

    def test_a_database_that_goes_away_is_down_and_comes_back(self):
        peer = self.peer(postgres.Postgres(self.folder))
        admin = self.mainstay().signed_in()
        admin.put("secrets/shop-db", {"value": peer.url})
        self.define(admin, "shop", kind="sql", secret="shop-db", sql="SELECT 1", equals="1")
        self.state(admin, "shop", "up")
        peer.stop()
        self.assertIn("refused", self.state(admin, "shop", "down")["last_reason"])
        peer.start()
        self.state(admin, "shop", "up")

    def test_a_database_that_hangs_holds_up_no_other_check(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            held = []
            threading.Thread(target=self.hold, args=(listener, held), daemon=True).start()
            mainstay, admin = self.server()
            admin.put("secrets/tarpit", {"value": f"postgres://a:b@127.0.0.1:{listener.getsockname()[1]}/c"})
            for n in range(20):
                self.define(admin, f"slow-{n}", kind="sql", secret="tarpit", sql="SELECT 1", timeout="3s",
                            interval="3s")
            self.define(admin, "quick", kind="sql", secret="shop-db", sql="SELECT 1")
            slow = self.state(admin, "slow-7", "down")
            self.assertEqual(slow["last_reason"], "it let nobody in in time")
            for _ in range(5): # one that waited for a tarpit would take its three seconds
                found = admin.post("checks/quick/run")
                self.assertEqual(found["state"], "up")
                self.assertLess(found["latency_ms"], 1500)
            self.assertGreaterEqual(len(held), 20)

    @staticmethod
    def hold(listener, held):
        try:
            while True:
                held.append(listener.accept())
        except OSError:
            pass

    def test_a_secret_goes_in_and_never_comes_out(self):
        mainstay, admin = self.server()
        self.define(admin, "shop", kind="sql", secret="shop-db", sql="SELECT current_user", equals="watch")
        self.state(admin, "shop", "up")
        admin.put("secrets/wrong", {"value": self.secret.replace(PASSWORD, PASSWORD + "-not")})
        refused = self.ask(admin, "SELECT 1", "wrong")
        self.assertIn("password authentication failed", refused["reason"])
        # A server that repeats it.
        repeated = self.ask(admin, f"SELECT ('{PASSWORD}')::int")
        self.assertEqual(repeated["state"], "down")
        self.assertNotIn(PASSWORD, repr(repeated))
        listed = admin.get("secrets")["items"]
        self.assertEqual([(s["name"], s["about"], s["used_by"]) for s in listed],
                         [("shop-db", "the shop", ["shop"]), ("wrong", "", [])])
        paths = ("secrets", "checks", "checks/shop", "checks/shop/results", "definitions/Check", "journal", "now",
                 "settings", "export")
        said = "".join(admin.request("GET", path).text for path in paths)
        self.assertNotIn(PASSWORD, said)
        self.assertIn("secret: shop-db", said)
        mainstay.stop()
        self.assertNotIn(PASSWORD, mainstay.log(100000))
        store = mainstay.stored()
        for path in {store, *pathlib.Path(mainstay.data).rglob("*")}:
            if path.is_file():
                self.assertNotIn(PASSWORD.encode(), path.read_bytes(), path)

    def test_what_keeps_it_from_asking_is_unknown_and_says_what_to_do(self):
        _, admin = self.server()
        found = self.ask(admin, "SELECT 1", "nothing")
        self.assertEqual(found["state"], "unknown")
        self.assertIn("mainstay secret set nothing", found["reason"])
        for value, why in (("postgres://u:p@/d", "names no host"), ("mysql://u:p@h/d", "postgres://"),
                           ("postgres:///d?host=/run/postgresql&user=u", "names no host"),
                           (f"postgres://u:p@{self.place}?passfile=/etc/shadow", '"passfile"'),
                           (f"postgres://u:p@{self.place}?hostaddr=127.0.0.1", '"hostaddr"'),
                           (f"postgres://u:p@{self.place}?options=-cx%3D1", '"options"'),
                           ("postgres://u:p@a,b/d", "more than one host"), ("postgres://h/d", "lacks its user")):
            admin.put("secrets/bad", {"value": value})
            found = self.ask(admin, "SELECT 1", "bad")
            self.assertEqual(found["state"], "unknown", (value, found))
            self.assertIn(why, found["reason"], value)
        # What no check may reach, this one does not reach either.
        admin.put("secrets/bad", {"value": "postgres://u:p@169.254.169.254/d"})
        found = self.ask(admin, "SELECT 1", "bad")
        self.assertEqual(found["state"], "down")
        self.assertIn("169.254.169.254", found["reason"])

    def test_nothing_of_the_servers_own_environment_goes_to_the_checked_database(self):
        # The password of our own database happens to be the right one: it is not tried.
        mainstay, admin = self.server(PGPASSWORD=PASSWORD, PGSSLMODE="verify-full", PGSSLROOTCERT="/nothing",
                                      PGTARGETSESSIONATTRS="read-only", PGCONNECT_TIMEOUT="1", PGUSER="mainstay")
        admin.put("secrets/bare", {"value": f"postgres://watch@{self.place}"})
        found = self.ask(admin, "SELECT 1", "bare")
        self.assertEqual(found["state"], "down", found)
        self.assertIn("password authentication failed", found["reason"])
        self.assertEqual(self.ask(admin, "SELECT current_user", equals="watch")["state"], "up")
        mainstay.stop()
        for name, value in (("PGSERVICE", "house"), ("PGOPTIONS", "-c search_path=x")):
            other = self.mainstay(name=name.lower(), environment={name: value})
            admin = other.signed_in()
            admin.put("secrets/shop-db", {"value": self.secret})
            found = self.ask(admin, "SELECT 1")
            self.assertEqual(found["state"], "unknown", found)
            self.assertIn(f"sets {name}, which a check would take over", found["reason"])
            other.stop()

    def test_a_replaced_secret_is_used_at_the_next_look_and_a_used_one_stays(self):
        _, admin = self.server()
        admin.put("secrets/db", {"value": self.secret.replace(PASSWORD, "wrong")})
        self.define(admin, "shop", kind="sql", secret="db", sql=STUCK)
        self.state(admin, "shop", "down")
        admin.put("secrets/db", {"value": self.secret})
        self.state(admin, "shop", "up")
        refused = admin.request("DELETE", "secrets/db")
        self.assertEqual(refused.status, 409)
        self.assertIn('Check "shop"', refused.json["detail"])
        admin.delete("definitions/Check/shop")
        admin.delete("secrets/db")
        self.assertEqual(admin.request("DELETE", "secrets/db").status, 404)
        text = ("apiVersion: mainstay/v1\nkind: Check\nmetadata: {name: stuck}\nspec:\n  kind: sql\n  secret: shop-db\n"
                f"  sql: |\n    {STUCK}\n  below: 100\n  interval: 1s\n")
        file = {"name": "shop.yaml", "text": text}
        admin.post("apply", {"set": "shop", "files": [file]})
        self.state(admin, "stuck", "up")
        again = admin.post("apply", {"set": "shop", "files": [file]})
        self.assertEqual([c["action"] for c in again["changes"]], ["unchanged"] * len(again["changes"]))

    def test_a_restore_with_secrets_brings_them_under_its_own_key(self):
        if postgres.ENGINE != "sqlite":
            self.skipTest("a restore writes a folder")
        mainstay, admin = self.server()
        self.define(admin, "shop", kind="sql", secret="shop-db", sql=STUCK, equals="3")
        self.state(admin, "shop", "up")
        path, words = self.folder / "house.backup", self.folder / "words"
        words.write_text("a passphrase of the safe\n")
        for line in (["backup", "--data", mainstay.data, "--to", path, "--with-key"],
                     ["restore", path, "--data", self.folder / "restored" / "data"]):
            (self.folder / "restored").mkdir(exist_ok=True)
            with open(words) as fd:
                done = subprocess.run([*mainstay.binary, *map(str, line), "--passphrase-fd", str(fd.fileno())],
                                      capture_output=True, text=True, timeout=120, pass_fds=(fd.fileno(),))
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(PASSWORD.encode(), path.read_bytes())
        mainstay.stop()
        new = self.mainstay(name="restored")
        self.state(new.signed_in(), "shop", "up")


del Base  # its own tests run in its own file
