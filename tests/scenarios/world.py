"""world.py: a Mainstay with people of every role, their tokens, and things to work on, made by its API alone.

    class Paging(Shared):
        def test_...(self):
            ann = self.world.person("responder")
            ann.client.post("incidents", {"title": "x"})

`Shared` keeps one server for all tests of a class; what a test makes, it makes anew, so order does not matter.
"""
import contextlib
import dataclasses
import datetime
import hashlib
import itertools
import pathlib
import re
import shutil
import sqlite3
import tempfile
import unittest

import openapi
from mainstay import BINARY, Client, Mainstay, Scenario, wait_until

TABLE = openapi.TOP / "src" / "api" / "api_table.c"
PARAMS = openapi.TOP / "src" / "api" / "api_params.c"
ROLES = ("viewer", "responder", "manager", "admin", "auditor")
SCOPES = ("read", "act", "manage", "admin")
# Which roles and, at least, which scope of a token each x-permission needs (docs/permissions.md).
HOLDERS = {
    "session": (ROLES, "read"),
    "read": (ROLES, "read"),
    "respond": (("responder", "manager", "admin"), "act"),
    "samples": (("responder", "manager", "admin"), "act"),
    "manage": (("manager", "admin"), "manage"),
    "admin": (("admin",), "admin"),
}


def holders(operation):
    """(roles, least scope of a token) that may do this; what is one's own needs no role to change it."""
    roles, least = HOLDERS.get(operation.permission, (ROLES, "read"))
    return roles, "act" if operation.permission == "session" and not operation.is_read else least


# Work tables: they say when somebody was last seen, not what is true.
NOISE = {"integration_seen", "user_seen", "token_use", "session", "counter", "cursor"}
# What Mainstay does by itself meanwhile: pages leave, timers run, checks look. Of the journal only what
# people did is compared.
BY_ITSELF = {"leader", "leader_past", "node", "page", "page_h", "page_attempt", "outbox", "bulk", "bulk_count", "timer", "check_state", "check_state_h", "check_rollup",
             "comms_owed", "comms_owed_h", "comms_update", "comms_update_h", "maintenance", "maintenance_h", "maintenance_note",
             "review", "review_h", "subscriber_told", "subscriber_notice"}

ROW = re.compile(r'\{ "(?P<method>[A-Z]+)", (?P<v>V )?"(?P<path>[^"]+)", "(?P<id>\w+)", (?P<handler>\w+), '
                 r"HTTP_QUEUE_(?P<queue>\w+), PERMISSION_(?P<permission>\w+), (?P<flags>[A-Z_| 0]+), (?P<limit>\w+) \}")


@dataclasses.dataclass
class Row:
    """One row of api_table.c."""

    method: str
    path: str
    id: str
    queue: str
    permission: str
    flags: list
    limit: str


def served():
    """What the server answers at all: operationId -> Row, read from its own table."""
    text = re.sub(r"\s+", " ", TABLE.read_text())
    rows = {}
    for found in ROW.finditer(text):
        path = ("/api/v1" if found["v"] else "") + found["path"]
        flags = [flag.removeprefix("API_") for flag in re.findall(r"API_\w+", found["flags"])]
        rows[found["id"]] = Row(found["method"], path, found["id"], found["queue"].lower(),
                                found["permission"].lower(), flags, found["limit"])
    return rows


def taken():
    """What may stand behind the "?" of a request: operationId -> {name: (type, words)}, from api_params.c."""
    text = re.sub(r"\s+", " ", PARAMS.read_text())
    for name, row in re.findall(r"#define (\w+) (\{ .*? \})(?= #define| static)", text):
        text = re.sub(rf"(?<=[{{,] ){name}(?=[ ,])", lambda _: row, text)
    rows = {}
    for operation, params in re.findall(r'\{ "(\w+)", \{ ((?:\{ "[\w\[\]]+", PARAM_\w+, (?:NULL|"[^"]*") \},? ?)+)\} \}', text):
        found = re.findall(r'\{ "([\w\[\]]+)", PARAM_(\w+), (?:NULL|"([^"]*)") \}', params)
        rows[operation] = {name: (kind.lower(), words.split()) for name, kind, words in found}
    return rows


def in_time(**more):
    """A time from now on, as the API writes it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**more)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclasses.dataclass
class Person:
    id: int
    name: str
    email: str
    role: str
    client: Client

    def token(self, scope, **ends):
        """A client with a token of this person."""
        made = self.client.post("tokens", {"name": f"{scope} of {self.name}", "scopes": [scope],
                                           "expires_at": in_time(**ends or {"days": 1})})
        client = Client(f"{self.client.host}:{self.client.port}", token=made["secret"])
        client.token_id = made["token"]["id"]
        return client


class World:
    def __init__(self, server):
        self.server = server
        self.numbers = itertools.count(1)
        self.roles = {}
        self.tokens = {}
        self.rows = served()
        client = server.signed_in()
        me = client.get("session")["user"]
        self.admin = Person(me["id"], me["name"], me["email"], "admin", client)
        self.base = None

    def needs(self, *operations):
        """Skips the test when the server does not have these yet."""
        missing = [name for name in operations if name not in self.rows]
        if missing:
            raise unittest.SkipTest(f"not served yet: {', '.join(missing)}")

    def number(self):
        return next(self.numbers)

    def new_person(self, role):
        """Somebody new who has just used their invitation."""
        self.needs("user_create", "user_invite")
        number = self.number()
        made = self.admin.client.post("users", {"name": f"{role.title()} {number}", "role": role,
                                                "email": f"{role}{number}@example.com"})
        link = self.admin.client.post(f"users/{made['id']}/invite")["link"]
        client = self.server.client()
        client.sign_in(link.partition("#")[2])
        return Person(made["id"], made["name"], made["email"], role, client)

    def person(self, role):
        """The one of this role: the same each time."""
        if role not in self.roles:
            self.roles[role] = self.admin if role == "admin" else self.new_person(role)
        return self.roles[role]

    def token(self, role, scope):
        """The token of that person with that scope: the same each time."""
        self.needs("token_create")
        if (role, scope) not in self.tokens:
            self.tokens[role, scope] = self.person(role).token(scope)
        return self.tokens[role, scope]

    def again(self, person):
        """The same person in another browser."""
        link = self.admin.client.post(f"users/{person.id}/reset-link")["link"]
        client = self.server.client()
        client.sign_in(link.partition("#")[2])
        return client

    # ---- things ----

    def define(self, kind, name, spec, client=None):
        self.needs("definition_put")
        return (client or self.admin.client).put(f"definitions/{kind}/{name}", {"spec": spec})

    def things(self):
        """A team, a service, a check that is up, a schedule and a policy; made once."""
        if self.base is None:
            number = self.number()
            names = {"Team": f"team{number}", "Service": f"service{number}", "Check": f"check{number}",
                     "Schedule": f"schedule{number}", "EscalationPolicy": f"policy{number}"}
            member = self.person("responder").email
            self.define("Team", names["Team"], {"members": [member]})
            self.define("Schedule", names["Schedule"],
                        {"time_zone": "Europe/Paris", "layers": [{"start": "2026-01-05", "users": [member]}]})
            self.define("EscalationPolicy", names["EscalationPolicy"],
                        {"steps": [{"delay": "5m", "targets": [{"schedule": names["Schedule"]}]}]})
            self.define("Service", names["Service"],
                        {"team": names["Team"], "escalation_policy": names["EscalationPolicy"]})
            self.define("Check", names["Check"], self.check_spec(names["Service"]))
            self.base = names
        return self.base

    def check_spec(self, service=None):
        """A check that is up: it looks at the server itself."""
        host, _, port = self.server.address.rpartition(":")
        spec = {"kind": "tcp", "host": host, "port": int(port), "interval": "1h"}
        return spec | ({"service": service} if service else {})

    def incident(self, client=None, **more):
        body = {"title": f"incident {self.number()}", "impact": "low", "urgency": "low"} | more
        return (client or self.admin.client).post("incidents", body)

    def contact(self, person, client=None):
        body = {"channel": "browser", "address": {}, "label": f"browser {self.number()}"}
        return (client or person.client).post(f"users/{person.id}/contacts", body)

    def last_seq(self):
        return self.admin.client.get("journal?limit=1")["items"][0]["seq"]

    # ---- from outside the API ----

    def database(self):
        """The store, opened by another reader, which sees what was committed."""
        path = self.server.stored()
        return contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10))

    def tables(self, but=()):
        """{table: fingerprint of all its rows}, without what only notes that somebody was there."""
        found = {}
        with self.database() as store:
            names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            store.execute("BEGIN")
            for name in sorted(set(names) - NOISE - BY_ITSELF - set(but)):
                digest, by = hashlib.sha256(), "WHERE actor <> 0" if name == "event" else ""
                for row in store.execute(f'SELECT * FROM "{name}" {by} ORDER BY 1, 2'):
                    digest.update(repr(row).encode())
                found[name] = digest.hexdigest()
        return found

    def journal_size(self, but=("user.sign_in_failed",)):
        """Events but for those of kinds that begin so."""
        with self.database() as store:
            kinds = [row[0] for row in store.execute("SELECT kind FROM event")]
        return sum(not kind.startswith(tuple(but)) for kind in kinds)

    def link(self, incident, user=None):
        """The token of the link in a page of this incident, as whoever was paged has it."""
        with self.database() as store:
            rows = store.execute("SELECT link FROM outbox WHERE incident = ? AND link <> '' AND user_id = ifnull(?, user_id)",
                                 (incident, user)).fetchall()
        return rows[-1][0].rpartition("/")[2] if rows else None

    def rss_bytes(self):
        """Memory of the process that serves: the last of the session."""
        pid = self.server.members()[-1][0]
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


class Shared(Scenario):
    """One server and one world for all tests of the class."""

    arguments = ()
    environment = {}

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="s-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.server = Mainstay(folder / "mainstay", cls.arguments, environment=cls.environment, binary=BINARY)
        cls.addClassCleanup(cls.end)
        cls.server.start()
        cls.world = World(cls.server)

    @classmethod
    def end(cls):
        try:
            cls.server.stop()
        finally:
            if cls.server.process is not None:
                cls.server.kill9()

    def setUp(self):
        super().setUp()
        self.servers.append(self.server)

    def tearDown(self):
        """A defect is told with the test that made it show, not when the class ends."""
        self.server.check_log()
        if self.server.process.poll() is not None:
            self.fail(f"mainstay ended with status {self.server.process.returncode}")

    @property
    def admin(self):
        return self.world.admin.client


__all__ = ["HOLDERS", "ROLES", "SCOPES", "Person", "Shared", "World", "holders", "in_time", "served", "taken", "wait_until"]
