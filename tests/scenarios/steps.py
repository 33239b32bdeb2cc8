"""steps.py: what people do in more than one scenario: sign in, invite, give contacts, define, press links.

Everything here is a request that a browser or a script would send.
"""
import contextlib
import os
import re
import sqlite3
import subprocess

from mainstay import TOP, wait_until

LINK = re.compile(r"https?://[^\s\"<>]+/l/[0-9a-f]+")


class Person:
    """Somebody with an account, signed in."""

    def __init__(self, client, user):
        self.client, self.user = client, user
        self.id, self.name, self.email = user["id"], user["name"], user["email"]

    def reach_by(self, channel, address, **more):
        """Adds a contact; gives its id."""
        return self.client.post(f"users/{self.id}/contacts", {"channel": channel, "address": address} | more)["id"]

    def forget_browser(self):
        """Removes the contact everybody begins with, where a scenario counts pages."""
        for contact in self.client.items(f"users/{self.id}/contacts"):
            if contact["channel"] == "browser":
                self.client.delete(f"users/{self.id}/contacts/{contact['id']}")


def first_person(mainstay, name="Ann"):
    """The first user, signed in by the printed link, with a name."""
    client = mainstay.signed_in()
    me = client.get("session")["user"]
    return Person(client, client.patch(f"users/{me['id']}", {"name": name}))


def invite(admin, mainstay, name, role="responder"):
    """A new person, signed in by the link of their invitation."""
    user = admin.client.post("users", {"name": name, "email": f"{name.lower()}@example.org", "role": role})
    link = admin.client.post(f"users/{user['id']}/invite")["link"]
    client = mainstay.client()
    client.sign_in(link.partition("#")[2])
    return Person(client, user)


def notifications(admin, smtp=None, ntfy=None):
    """How pages leave: the relay, the ntfy server; webhooks may reach this machine."""
    change = {"webhook": {"allow": ["127.0.0.0/8"]}}
    if smtp is not None:
        change["smtp"] = {"host": "127.0.0.1", "port": smtp.port, "security": "none",
                          "from": "mainstay@example.org"}
    if ntfy is not None:
        change["ntfy"] = {"server": ntfy.url.rstrip("/")}
    return admin.client.put("settings/notifications", change)


def define(person, kind, name, spec):
    return person.client.put(f"definitions/{kind}/{name}", {"spec": spec})


def policy(person, name, *steps, delay="10s", **more):
    """An escalation policy; a step is a list of targets, ten seconds the shortest it may wait."""
    return define(person, "EscalationPolicy", name,
                  {"steps": [{"delay": delay, "targets": list(targets)} for targets in steps]} | more)


def service(person, name, policy_name, **more):
    return define(person, "Service", name, {"escalation_policy": policy_name} | more)


def fast_check(person, name, url, **more):
    """A check that notices at once."""
    return define(person, "Check", name, {"kind": "http", "url": url, "interval": "1s", "timeout": "1s",
                                          "fail_after": 1, "recover_after": 1} | more)


def declare(person, title, **more):
    """Declares an incident; gives its id."""
    return person.client.post("incidents", {"title": title} | more)["id"]


def incident_for(person, service_name, state="open", seconds=15):
    """The newest incident of a service once it is in this state, with everything about it."""
    def found():
        rows = person.client.get(f"incidents?service={service_name}")["items"]
        return rows and rows[0]["state"] == state and person.client.get(f"incidents/{rows[0]['id']}")
    return wait_until(found, seconds, f"an incident of {service_name} that is {state}")


def timeline(person, incident):
    return person.client.items(f"incidents/{incident}/timeline")


def pages(person, incident, **wanted):
    """The pages of an incident, oldest first, that have these values."""
    rows = person.client.items(f"pages?incident={incident}")
    return [page for page in reversed(rows) if all(page[key] == value for key, value in wanted.items())]


def paged(person, incident):
    """Who was paged, oldest first: names."""
    return [page["user"]["name"] for page in pages(person, incident)]


def link_in(text):
    found = LINK.search(text)
    if not found:
        raise AssertionError(f"there is no link in {text!r}")
    return found[0]


def path_of(link):
    """`/l/TOKEN` of a link."""
    return link[link.index("/l/"):]


def verb(mainstay, *words):
    """Runs a verb of the program on the data folder; gives what it printed."""
    done = subprocess.run([*mainstay.binary, *words, "--data", str(mainstay.data)], capture_output=True, text=True,
                          timeout=60, env=os.environ | mainstay.environment)
    if done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def alert_rows(mainstay):
    """{table: rows} of the alerts of a stopped server, and what they were before."""
    versioned = [f"{name}{half}" for name in ("alert", "alert_joined") for half in ("", "_h")]
    with contextlib.closing(sqlite3.connect(mainstay.stored())) as store:
        return {name: store.execute(f"SELECT * FROM {name} ORDER BY 1, {'from_seq' if name in versioned else 2}").fetchall()
                for name in (*versioned, "alert_text")}


def alerts_rebuilt(mainstay):
    """What the journal of a stopped server makes of its alerts must be what was kept; gives the rows."""
    kept = alert_rows(mainstay)
    verb(mainstay, "journal", "rebuild")
    made = alert_rows(mainstay)
    if made != kept:
        raise AssertionError(f"kept {kept}\nrebuilt {made}")
    return kept


def verified(mainstay):
    """Both checkers must believe the stopped journal, and in the same root. Gives the count of events."""
    said = verb(mainstay, "journal", "verify")
    found = re.fullmatch(r"ok: (\d+) events, root ([0-9a-f]{64})\n", said)
    if not found:
        raise AssertionError(f"journal verify said {said!r}")
    note = mainstay.folder / "checkpoint"
    note.write_text(verb(mainstay, "journal", "checkpoint"))
    key = verb(mainstay, "journal", "key").strip()
    apart = subprocess.run([TOP / "tools/verify-journal", mainstay.stored(), "--key", key,
                            "--checkpoint", note], capture_output=True, text=True, timeout=60)
    if apart.returncode != 0 or f"root {found[2]}" not in apart.stdout or \
            not apart.stdout.startswith(f"all of {found[1]} events"):
        raise AssertionError(f"the two checkers do not agree: {said!r}, {apart.stdout!r}, {apart.stderr!r}")
    return int(found[1])
