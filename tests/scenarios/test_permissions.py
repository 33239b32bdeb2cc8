"""Permissions: who may do what, for every operation, role and credential; what ends, ends at once."""
import itertools
import time
import unittest

from exercise import MAKERS, Request, path_of, send
from openapi import contract
from world import ROLES, SCOPES, Shared, holders, in_time, wait_until

NOWHERE = 999_999_999
BY_ITSELF = ("user.sign_in_failed", "page.", "escalation.", "check.changed", "update.planned",
             "update.published", "update.reminded", "maintenance.reminded")  # what goes on meanwhile
# Addresses below one's own person: somebody else's are another question (test_what_is_ones_own).
OWN = ("user_update", "contact_list", "contact_create", "contact_update", "contact_delete")
# They end the session that asks, or look at the whole machine; each has a test of its own below.
NOT_IN_MATRIX = ("session_delete", "discovery_get", "event_stream")
# Changes of what is one's own: the role does not matter, the scope of a token does.
SCOPE_OF_OWN = {"token_create": "admin", "session_password": None, "session_delete": None}


def harmless(operation, person_id):
    """A request that nobody could be granted: about nothing, with a body that says nothing."""
    values = {"id": person_id if operation.id in OWN else NOWHERE, "contact": NOWHERE, "factor": NOWHERE, "action": NOWHERE,
              "section": "summary", "name": "no-such-thing", "kind": "Service", "seq": NOWHERE, "token": "no-such-token",
              "update": NOWHERE, "page": "no-such-page", "file": "no-such-file", "incident": "no-such-incident"}
    params = {p["name"]: values[p["name"]] for p in operation.parameters if p["in"] == "path"}
    return Request(params, body={"no_such_field": 1} if "requestBody" in operation.about else None)


class Matrix(Shared):
    def operations(self):
        for name in sorted(self.world.rows):
            if name not in NOT_IN_MATRIX:
                yield contract().operations[name]

    def expect(self, operation, client, person_id, allowed, who):
        answer = send(operation, harmless(operation, person_id), client)
        found = answer.status not in (401, 403)
        if found != allowed:
            self.fail(f"{operation.id} ({operation.permission}) as {who}: wanted "
                      f"{'allowed' if allowed else 'refused'}, found {answer}")
        if not allowed:
            self.assertEqual(answer.status, 401 if who == "nobody" else 403, f"{operation.id} as {who}")
            said = answer.json  # clients of Alertmanager get a text
            self.assertTrue(said if isinstance(said, str) else said.get("hint"),
                            f"{operation.id} as {who}: {answer} says not what to do")
        if not operation.is_read and operation.id != "user_update":
            self.assertGreaterEqual(answer.status, 400, f"{operation.id} as {who} took a body that says nothing")

    def test_each_role_may_exactly_what_the_contract_says(self):
        for role in ROLES:
            self.world.person(role)
        before = self.world.journal_size(BY_ITSELF)
        for operation in self.operations():
            for role in ROLES:
                person = self.world.person(role)
                allowed = role in holders(operation)[0]
                self.expect(operation, person.client, person.id, allowed, role)
        self.assertEqual(self.world.journal_size(BY_ITSELF), before, "requests about nothing were recorded")

    def test_each_scope_of_a_token_may_exactly_what_role_and_scope_allow(self):
        self.world.needs("token_create")
        for role, scope in itertools.product(ROLES, SCOPES):
            self.world.token(role, scope)
        before = self.world.journal_size(BY_ITSELF)
        for operation in self.operations():
            for role, scope in itertools.product(ROLES, SCOPES):
                roles, least = holders(operation)
                allowed = role in roles and SCOPES.index(scope) >= SCOPES.index(least)
                self.expect(operation, self.world.token(role, scope), self.world.person(role).id, allowed,
                            f"{role} by a token of scope {scope}")
        self.assertEqual(self.world.journal_size(BY_ITSELF), before, "requests about nothing were recorded")

    def test_nobody_may_only_come_in(self):
        nobody = self.server.client()
        before = self.world.journal_size(BY_ITSELF)
        for operation in self.operations():
            # A program of this machine may tell of alerts and read figures: test_alerts says from where it may not.
            free = operation.permission == "none" or operation.id in ("alertmanager_post", "own_metrics")
            self.expect(operation, nobody, NOWHERE, free, "nobody")
        self.assertEqual(self.world.journal_size(BY_ITSELF), before)
        for name in ("discovery_get", "session_delete"):
            if name in self.world.rows:
                self.expect(contract().operations[name], nobody, NOWHERE, False, "nobody")
        with self.assertRaisesRegex(AssertionError, "401"):
            nobody.events()

    def test_a_bad_credential_is_not_taken_for_nobody_or_somebody(self):
        for header in ("Bearer mst_" + "0" * 64, "Bearer ", "Bearer x", "Basic YWRtaW46YWRtaW4=", "bearer"):
            answer = self.server.client().request("GET", "users", headers={"Authorization": header})
            self.assertEqual(answer.status, 401, header)
            self.assertIn("WWW-Authenticate", answer.headers)
        for cookie in ("mss_" + "0" * 64, "x", "", "mst_" + "0" * 64):
            answer = self.server.client().request("GET", "users", headers={"Cookie": f"mainstay_session={cookie}"})
            self.assertEqual(answer.status, 401, cookie)
        token = self.world.token("viewer", "read").token
        answer = self.server.client().request("GET", "users", headers={"Cookie": f"mainstay_session={token}"})
        self.assertEqual(answer.status, 401, "a token was taken as a session")
        session = self.world.person("viewer").client.cookies["mainstay_session"]
        answer = self.server.client().request("GET", "users", headers={"Authorization": f"Bearer {session}"})
        self.assertEqual(answer.status, 401, "a session was taken as a token")

    def test_a_change_by_cookie_needs_the_token_of_that_session(self):
        person, other = self.world.person("admin"), self.world.person("manager")
        before = self.world.tables()
        for operation in self.operations():
            if operation.is_read or "NO_CSRF" in self.world.rows[operation.id].flags:
                continue
            for csrf in ("", "0" * 64, other.client.csrf, person.client.csrf[:-1]):
                request = harmless(operation, person.id)
                request.headers = {"X-Mainstay-CSRF": csrf}
                answer = send(operation, request, person.client)
                self.assertEqual(answer.status, 403, f"{operation.id} with CSRF {csrf!r}: {answer}")
        answer = person.client.request("POST", "incidents", {"title": "forged"}, headers={"X-Mainstay-CSRF": ""})
        self.assertEqual(answer.status, 403)
        self.assertEqual(self.world.tables(), before)


class Least(Shared):
    """With a valid request: the least who may can, whoever is just below cannot, and then nothing happens."""

    def least(self, operation):
        """The least role and the one just below."""
        return {"none": ("viewer", None), "session": ("viewer", None), "read": ("viewer", None),
                "respond": ("responder", "viewer"), "samples": ("responder", "viewer"), "manage": ("manager", "responder"),
                "admin": ("admin", "manager")}[operation.permission]

    def try_one(self, operation, person, client, allowed, who):
        request = MAKERS[operation.id](self.world, client, person) if allowed else self.prepared(operation, person)
        if request is None or (request.client and not allowed):
            return
        before = None if allowed else self.world.tables()
        answer = send(operation, request, client)
        wanted = request.status if allowed else 403
        self.assertEqual(answer.status, wanted, f"{operation.id} ({operation.permission}) as {who}: {answer}")
        if not allowed:
            self.assertEqual(self.world.tables(), before, f"{operation.id} as {who} was refused and changed something")

    def prepared(self, operation, person):
        """The request is made by somebody who may, and sent by somebody who may not."""
        if operation.id in ("incident_undo", "report_undo"):
            return None  # one's own within ten seconds: whoever may not act has nothing to undo
        return MAKERS[operation.id](self.world, self.admin, person)

    def exercise(self, name):
        operation = contract().operations[name]
        self.world.needs(name)
        role, below = self.least(operation)
        person = self.world.person(role)
        self.try_one(operation, person, person.client, True, role)
        if operation.permission == "none":
            return
        scope = SCOPE_OF_OWN.get(name, holders(operation)[1])
        if scope is not None:
            self.try_one(operation, person, person.token(scope), True, f"{role} by a token of scope {scope}")
        if below is not None:
            self.try_one(operation, self.world.person(below), self.world.person(below).client, False, below)
        if scope in SCOPES[1:]:
            under = SCOPES[SCOPES.index(scope) - 1]
            self.try_one(operation, person, person.token(under), False, f"{role} by a token of scope {under}")
        if operation.permission in ("respond", "samples", "manage", "admin"):
            auditor = self.world.person("auditor")
            self.try_one(operation, auditor, auditor.client, False, "auditor")


def least(name):
    def test(self):
        self.exercise(name)
    return test


for each in sorted(set(MAKERS) - {"healthz", "readyz", "openapi_get", "link_show", "link_acknowledge", "report_create",
                                 "report_form", "report_form_send", "report_link", "report_link_press",
                                 "subscribe_form", "subscribe_form_send", "page_subscribe_form", "page_subscribe_form_send",
                                 "page_report_form", "page_report_form_send", "status_rate", "subscriber_link", "subscriber_link_press"}):
    setattr(Least, f"test_{each}_by_the_least_who_may", least(each))


class Ends(Shared):
    """What was taken away is gone at the next request, and for what waits in the queue."""

    def refused(self, client, path="users", status=401):
        answer = client.request("GET", path)
        self.assertEqual(answer.status, status, answer)

    def test_a_revoked_and_an_ended_token_are_nobody(self):
        person = self.world.new_person("responder")
        revoked, short = person.token("act"), person.token("act", seconds=2)
        revoked.get("users")
        person.client.delete(f"tokens/{revoked.token_id}")
        self.refused(revoked)
        wait_until(lambda: short.request("GET", "users").status == 401, 6, "the token to end")
        answer = short.request("POST", "incidents", {"title": "x"})
        self.assertEqual(answer.status, 401)

    def test_a_disabled_person_is_out_by_every_way(self):
        person = self.world.new_person("manager")
        token, again = person.token("manage"), self.world.again(person)
        person.client.put("session/password", {"password": "a good long secret"})
        self.admin.patch(f"users/{person.id}", {"disabled": True})
        for client in (person.client, token, again):
            self.refused(client)
        entrance = self.server.client()
        answer = entrance.request("POST", "session", {"email": person.email, "password": "a good long secret"})
        self.assertEqual(answer.status, 401)
        answer = self.admin.request("POST", f"users/{person.id}/reset-link")
        self.assertIn(answer.status, (200, 409))
        if answer.status == 200:
            link = answer.json["link"].partition("#")[2]
            self.assertEqual(entrance.request("POST", "session/link", {"token": link}).status, 401)

    def test_a_link_in_a_page_is_worth_what_its_owner_may_do_today(self):
        gone, lesser = self.world.new_person("responder"), self.world.new_person("responder")
        incident = self.world.incident(title="known to those who were paged")["id"]
        links = [self.world.link(incident, person.id) for person in (gone, lesser)]
        self.assertTrue(all(links), "a person was not paged")
        self.admin.patch(f"users/{gone.id}", {"disabled": True})
        self.admin.patch(f"users/{lesser.id}", {"role": "viewer"})
        nobody = self.server.client()
        for method in ("GET", "POST"):
            answer = nobody.request(method, f"/l/{links[0]}")
            self.assertEqual(answer.status, 404)
            self.assertNotIn("known to those", answer.text)
        self.assertEqual(nobody.request("POST", f"/l/{links[1]}").status, 403)
        self.assertEqual(self.admin.get(f"incidents/{incident}")["state"], "open")

    def test_a_lesser_role_counts_at_once_for_sessions_and_tokens(self):
        person = self.world.new_person("manager")
        token = person.token("manage")
        self.world.incident(token)
        self.admin.patch(f"users/{person.id}", {"role": "viewer"})
        for client in (person.client, token):
            self.assertEqual(client.request("POST", "incidents", {"title": "x"}).status, 403)
            self.refused(client, status=200)

    def test_a_password_elsewhere_ends_other_sessions_and_signing_out_ends_this_one(self):
        person = self.world.new_person("viewer")
        person.client.put("session/password", {"password": "a good long secret"})
        other = self.server.client()
        other.sign_in_with_password(person.email, "a good long secret")
        other.put("session/password", {"current": "a good long secret", "password": "an even longer secret"})
        self.refused(person.client)
        self.refused(other, status=200)
        cookie = dict(other.cookies)
        other.delete("session")
        other.cookies = cookie
        self.refused(other)

    def test_a_link_works_once_and_a_newer_one_ends_it(self):
        person = self.world.new_person("viewer")
        first, second = (self.admin.post(f"users/{person.id}/reset-link")["link"].partition("#")[2] for _ in range(2))
        use = self.server.client()
        self.assertEqual(use.request("POST", "session/link", {"token": first}).status, 401)
        use.sign_in(second)
        self.assertEqual(self.server.client().request("POST", "session/link", {"token": second}).status, 401)

    def test_a_wrong_password_waits_longer_and_longer_but_never_locks(self):
        person = self.world.new_person("viewer")
        person.client.put("session/password", {"password": "a good long secret"})
        statuses, begun = [], time.monotonic()
        for number in range(12):
            answer = self.server.client().request("POST", "session", {"email": person.email, "password": f"no {number}"})
            statuses.append(answer.status)
            if answer.status == 429:
                break
        self.assertEqual(set(statuses), {401, 429}, statuses)
        self.assertIn("Retry-After", answer.headers)
        self.assertLess(time.monotonic() - begun, 15)


class Own(Shared):
    """What is one's own is nobody else's, whatever the role says elsewhere."""

    def refused(self, client, method, path, body=None, statuses=(403,)):
        before = self.world.tables()
        answer = client.request(method, path, body)
        self.assertIn(answer.status, statuses, f"{method} {path}: {answer}")
        self.assertEqual(self.world.tables(), before)

    def test_nobody_changes_somebody_else_without_the_right(self):
        self.world.needs("user_update", "contact_create", "token_delete")
        victim = self.world.new_person("viewer")
        contact = self.world.contact(victim)
        token = victim.token("read")
        for role in ("viewer", "responder", "manager", "auditor"):
            client = self.world.person(role).client
            self.refused(client, "PATCH", f"users/{victim.id}", {"name": "changed"})
            self.refused(client, "PATCH", f"users/{victim.id}", {"disabled": True})
            self.refused(client, "POST", f"users/{victim.id}/contacts", {"channel": "browser", "address": {}})
            self.refused(client, "PATCH", f"users/{victim.id}/contacts/{contact['id']}", {"label": "x"}, (403, 404))
            self.refused(client, "DELETE", f"users/{victim.id}/contacts/{contact['id']}", None, (403, 404))
            self.refused(client, "POST", f"contacts/{contact['id']}/test", None, (403, 404))
            self.refused(client, "DELETE", f"tokens/{token.token_id}", None, (403, 404))
            self.refused(client, "GET", f"tokens?user={victim.id}")
            self.refused(client, "GET", f"users/{victim.id}/contacts", None, (200,) if role == "manager" else (403,))
        token.get("users")

    def test_nobody_gives_themselves_a_role_or_comes_back_from_being_disabled(self):
        for role in ("viewer", "responder", "manager", "auditor"):
            person = self.world.new_person(role)
            for change in ({"role": "admin"}, {"name": "fine", "role": "admin"}, {"disabled": False},
                           {"email": "other@example.com"}):
                self.refused(person.client, "PATCH", f"users/{person.id}", change, (403, 200))
                self.assertEqual(person.client.get("session")["user"]["role"], role)
                self.assertEqual(person.client.get("session")["user"]["email"], person.email)

    def test_there_is_always_an_admin(self):
        for other in self.admin.items("users"):
            if other["role"] == "admin" and other["id"] != self.world.admin.id:
                self.admin.patch(f"users/{other['id']}", {"role": "viewer"})
        for change in ({"role": "viewer"}, {"disabled": True}):
            self.refused(self.admin, "PATCH", f"users/{self.world.admin.id}", change, (409,))

    def test_a_token_makes_no_stronger_or_longer_one_and_sets_no_password(self):
        person = self.world.new_person("admin")
        act, whole = person.token("act"), person.token("admin", hours=1)
        body = {"name": "more", "scopes": ["admin"], "expires_at": in_time(minutes=30)}
        self.refused(act, "POST", "tokens", body)
        self.refused(whole, "POST", "tokens", body | {"expires_at": in_time(days=2)}, (400,))
        whole.post("tokens", body)
        for token in (act, whole):
            self.refused(token, "PUT", "session/password", {"password": "a good long secret"})
            self.refused(token, "DELETE", "session")

    def test_an_override_for_somebody_else_needs_manage(self):
        self.world.needs("override_create", "definition_put")
        path = f"schedules/{self.world.things()['Schedule']}/overrides"
        self.refused(self.world.person("responder").client, "POST", path,
                     {"user": self.world.admin.id, "until": in_time(hours=1)})


if __name__ == "__main__":
    unittest.main()
