"""Lists and single reads: pages without holes, earlier times, ETags, tables for spreadsheets."""
import csv
import io
import threading
import time

from openapi import contract
from peers import free_port
from world import Shared, in_time, wait_until

FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "=HYPERLINK(\"http://x\",\"y\")"]
PLAIN = ['quoted "text"', "a,b", "semi;colon", "line one\nline two", "ümläut 🔥", "'quoted", "x=1"]


class Paging(Shared):
    @staticmethod
    def key(row, name):
        return row.get("metadata", row)[name]

    def walk(self, client, path, key, size, between=lambda: None):
        """The keys of all pages; something happens between them."""
        found, cursor = [], None
        for _ in range(500):
            page = client.get(f"{path}limit={size}" + (f"&cursor={cursor}" if cursor else ""))
            self.assertLessEqual(len(page["items"]), size)
            found += [self.key(row, key) for row in page["items"]]
            if page["next"] is None:
                return found
            self.assertTrue(page["items"], f"{path}: an empty page in the middle")
            cursor = page["next"]
            between()
        self.fail(f"{path} has no last page")

    def test_pages_have_no_hole_and_no_repeat_while_rows_are_added(self):
        number = iter(range(10_000))
        for _ in range(12):
            self.world.incident()

        def more():
            self.world.incident()
            self.world.define("Service", f"late{next(number):04}", {})
            self.world.new_person("viewer")
        for index in range(12):
            self.world.define("Service", f"early{index:02}", {})
            self.world.new_person("viewer")
        for path, key in (("incidents?", "id"), ("journal?", "seq"), ("pages?", "id"), ("users?", "id"), ("services?", "name"),
                          ("definitions/Service?", "name"), ("incidents?state=open&", "id"), ("journal?kind=incident.&", "seq")):
            with self.subTest(path):
                whole = [self.key(row, key) for row in self.admin.items(f"{path}limit=200")]
                found = self.walk(self.admin, path, key, 5, more)
                self.assertEqual(len(found), len(set(found)), "a row came twice")
                self.assertEqual([row for row in whole if row not in found], [], "a row was passed over")
                self.assertEqual(found, sorted(found, reverse=key != "name" and path != "users?"), "not in order")

    def test_pages_are_whole_while_many_write_at_once(self):
        made, stop = [], threading.Event()
        clients = [self.world.again(self.world.admin) for _ in range(3)]

        def write(client):
            while not stop.is_set() and len(made) < 200:
                made.append(self.world.incident(client)["id"])
        before = {self.world.incident()["id"] for _ in range(30)}
        threads = [threading.Thread(target=write, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                found = self.walk(self.admin, "incidents?", "id", 7)
                self.assertEqual(len(found), len(set(found)))
                self.assertTrue(before <= set(found))
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_any_size_of_page_gives_the_same_list(self):
        for _ in range(7):
            self.world.incident()
        whole = self.walk(self.admin, "incidents?", "id", 200)
        for size in (1, 2, 3, len(whole) - 1, len(whole), len(whole) + 1):
            self.assertEqual(self.walk(self.admin, "incidents?", "id", size), whole)

    def test_a_timeline_reads_forward_page_by_page(self):
        made = self.world.incident()
        for number in range(9):
            self.admin.post(f"incidents/{made['id']}/note", {"text": f"note {number}"})
        found = self.walk(self.admin, f"incidents/{made['id']}/timeline?", "seq", 4)
        self.assertEqual(found, sorted(set(found)))
        notes = [row["text"] for row in self.admin.items(f"incidents/{made['id']}/timeline?limit=3") if row["kind"] == "incident.noted"]
        self.assertEqual(notes, [f"note {number}" for number in range(9)])

    def test_a_filter_holds_on_every_page(self):
        for number in range(8):
            made = self.world.incident(title=f"needle {number}" if number % 2 else f"straw {number}")
            if number % 4 == 1:
                self.admin.post(f"incidents/{made['id']}/resolve")
        for path in ("incidents?q=needle&", "incidents?state=resolved&q=needle&", "incidents?q=NEEDLE&state=open,resolved&"):
            cursor, found = None, []
            while True:
                page = self.admin.get(f"{path}limit=1" + (f"&cursor={cursor}" if cursor else ""))
                found += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
            self.assertEqual(len(found), {"incidents?state=resolved&q=needle&": 2}.get(path, 4))
            self.assertTrue(all("needle" in row["title"] for row in found))

    def test_a_cursor_that_was_not_given_out_is_refused_or_ends_somewhere(self):
        for cursor in ("%00", "-1", "1e9", "x" * 200, "%F0%9F%94%A5", "99999999999999999999"):
            for path in ("incidents", "journal", "services", "users", "pages"):
                self.assertIn(self.admin.request("GET", f"{path}?cursor={cursor}").status, (200, 400))
        self.assertEqual(self.admin.request("GET", "incidents?cursor=not-a-number").status, 400)


class Earlier(Shared):
    def test_an_incident_is_shown_as_it_was_at_a_seq_and_at_a_time(self):
        made = self.world.incident(title="first name")
        path = f"incidents/{made['id']}"
        opened = self.admin.items(f"{path}/timeline")[-1]["seq"]
        time.sleep(1.1)
        moment = in_time()
        time.sleep(1.1)
        self.admin.post(f"{path}/retitle", {"title": "second name"})
        done = self.admin.post(f"{path}/resolve", {"reason": "over"})
        for when in (str(opened), moment):
            then = self.admin.get(f"{path}?as_of={when}")
            self.assertEqual((then["title"], then["state"], then["resolved_at"]), ("first name", "open", None))
            self.assertEqual([row["title"] for row in self.admin.items(f"incidents?as_of={when}")][0], "first name")
            self.assertFalse([row for row in self.admin.items(f"{path}/timeline?as_of={when}") if row["kind"] == "incident.retitled"])
        for when in (str(done["seq"]), in_time(seconds=5)):
            then = self.admin.get(f"{path}?as_of={when}")
            self.assertEqual((then["title"], then["state"]), ("second name", "resolved"))

    def test_what_was_not_there_yet_is_not_there(self):
        before = self.world.last_seq()
        made = self.world.incident()
        self.assertEqual(self.admin.request("GET", f"incidents/{made['id']}?as_of={before}").status, 404)
        self.assertNotIn(made["id"], [row["id"] for row in self.admin.items(f"incidents?as_of={before}")])
        name = f"service{self.world.number()}"
        self.world.define("Service", name, {})
        self.assertEqual(self.admin.request("GET", f"definitions/Service/{name}?as_of={before}").status, 404)
        self.assertNotIn(name, [row["metadata"]["name"] for row in self.admin.items(f"definitions/Service?as_of={before}")])
        self.assertLessEqual(self.admin.get(f"journal?as_of={before}&limit=1")["items"][0]["seq"], before)

    def test_a_definition_is_shown_as_it_was(self):
        name = f"service{self.world.number()}"
        first = self.world.define("Service", name, {"about": "one"})
        between = self.world.last_seq()
        self.world.define("Service", name, {"about": "two"})
        self.admin.delete(f"definitions/Service/{name}")
        then = self.admin.get(f"definitions/Service/{name}?as_of={between}")
        self.assertEqual((then["spec"]["about"], then["metadata"]["revision"]), ("one", first["metadata"]["revision"]))
        self.assertEqual(self.admin.request("GET", f"definitions/Service/{name}").status, 404)

    def test_a_list_that_cannot_look_back_says_so_and_nonsense_is_refused(self):
        for operation in contract().operations.values():
            if operation.path.count("{") or not operation.is_read or operation.id == "event_stream" or operation.permission == "none":
                continue
            answer = self.admin.request("GET", f"{operation.path}?as_of=3")
            wanted = 200 if "as_of" in operation.query_names() else 400
            self.assertEqual(answer.status, wanted, f"{operation.id}: {answer}")
        for when in ("yesterday", "0", "-1", "2026-13-01T00:00:00Z", "", "1.5"):
            self.assertEqual(self.admin.request("GET", f"incidents?as_of={when}").status, 400, when)

    # What is noted beside the record and not part of it; and words about how long ago something was.
    NOT_RECORDED = ("last_seen_at", "last_used_at", "last_at", "last_latency_ms", "uptime", "bars", "next_at", "cert",
                    "heard_at", "events", "refused_at", "refused")

    def lists_that_look_back(self, incident, schedule, person, service):
        for operation in contract().operations.values():
            if not operation.is_read or "as_of" not in operation.query_names() or operation.id == "journal_list":
                continue
            path = operation.path.replace("/api/v1/", "")
            if operation.id.endswith("_list"):
                number = incident["id"] if path.startswith(("incidents/", "reviews/")) else person.id
                yield path.replace("{kind}", "Service").replace("{id}", str(number)).replace("{name}", schedule)
        yield f"users/{person.id}"
        yield f"checks/{service}"
        yield f"services/{service}"

    def recorded(self, value):
        if isinstance(value, list):
            return [self.recorded(row) for row in value]
        if isinstance(value, dict):
            return {key: self.recorded(part) for key, part in value.items() if key not in self.NOT_RECORDED}
        return value

    def look(self, path, **query):
        more = "&".join(f"{name}={value}" for name, value in query.items())
        body = self.admin.get(f"{path}?{more}" if more else path)
        return self.recorded(body["items"] if "items" in body else [body])

    def token(self, name):
        return self.admin.post("tokens", {"name": name, "scopes": ["read"], "expires_at": in_time(hours=1)})

    def change_everything(self, name, schedule, person, incident):
        self.admin.post(f"incidents/{self.world.incident(service=name)['id']}/retitle", {"title": "changed"})
        self.world.define("Service", name, {"display": "another name"})
        self.world.define("Service", f"{name}x", {})
        self.admin.post(f"checks/{name}/resume", {})
        self.admin.delete(f"integrations/{self.admin.items('integrations')[0]['id']}")
        self.world.define("Schedule", schedule, {"time_zone": "UTC", "layers": [{"start": "2026-01-05", "users": [person.email]}]})
        self.admin.post(f"schedules/{schedule}/overrides", {"user": person.id, "until": in_time(hours=2)})
        self.admin.patch(f"users/{person.id}", {"name": "Somebody Else", "role": "manager"})
        self.admin.post("users", {"name": "New", "email": f"new{self.world.number()}@example.org", "role": "viewer"})
        contact = self.world.contact(person)
        self.admin.post("mutes", {"kind": "service", "name": name, "for": "1h", "reason": "later"})
        person.client.delete(f"users/{person.id}/contacts/{contact['id']}")
        self.admin.delete(f"tokens/{self.admin.items('tokens')[0]['id']}")
        self.token("second")
        self.admin.post(f"incidents/{incident['id']}/updates", {"audience": "engineers", "state": "identified", "text": "It is known."})
        self.admin.post("reports", {"text": "it hangs", "severity": "small"})
        self.admin.post("maintenances", {"title": "Move", "services": [name], "from": in_time(days=1), "until": in_time(days=2)})
        self.admin.post("component-overrides", {"service": name, "status": "degraded_performance", "for": "1h", "reason": "as seen"})
        self.admin.post(f"incidents/{incident['id']}/resolve", {"reason": "over"})
        self.admin.post("reviews", {"incident": incident["id"]})
        self.admin.post(f"reviews/{incident['id']}/actions", {"text": "look at it"})
        self.world.contact(person)

    def test_every_list_as_of_an_event_is_what_it_answered_then(self):
        person = self.world.new_person("responder")
        name, schedule = f"then{self.world.number()}", f"then{self.world.number()}"
        self.world.define("Service", name, {})
        self.world.define("Schedule", schedule, {"time_zone": "Europe/Paris", "layers": [{"start": "2026-01-05", "users": [person.email]}]})
        incident = self.world.incident(service=name)
        self.world.define("Check", name, {"kind": "tcp", "host": "127.0.0.1", "port": free_port(), "service": name})
        self.admin.post(f"checks/{name}/pause", {"reason": "not yet"})
        self.admin.post("integrations", {"name": "a pager", "service": name})
        self.admin.post("mutes", {"kind": "service", "name": name, "for": "1h", "reason": "now"})
        self.token("first")
        paths = list(self.lists_that_look_back(incident, schedule, person, name))
        self.assertGreaterEqual(len(paths), 10, paths)

        def taken():  # at one event, not over several
            before = self.world.last_seq()
            answers = {path: self.look(path) for path in paths}
            self.assertEqual(self.world.last_seq(), before)
            return before, answers
        seq, then = wait_until(taken, 20, "a moment in which nothing happens")
        self.change_everything(name, schedule, person, incident)
        for path in paths:
            self.assertEqual(self.look(path, as_of=seq), then[path], f"{path} as of event {seq}")
        changed = [path for path in paths if self.look(path) != then[path]]
        self.assertEqual(sorted(set(paths) - set(changed)), ["alerts"], "a list that nothing changed proves nothing")

    def test_a_token_that_was_revoked_is_shown_as_of_then_and_opens_nothing_again(self):
        made = self.token("for the night")
        seq = self.world.last_seq()
        self.admin.delete(f"tokens/{made['token']['id']}")
        named = lambda query: [row["id"] for row in self.admin.items(f"tokens{query}") if row["id"] == made["token"]["id"]]
        self.assertEqual((named(""), named(f"?as_of={seq}"), named(f"?as_of={seq - 1}")), ([], [made["token"]["id"]], []))
        bearer = {"Authorization": f"Bearer {made['secret']}"}
        bare = self.world.server.client()
        for path in ("tokens", f"tokens?as_of={seq}", f"incidents?as_of={seq}"):
            self.assertEqual(bare.request("GET", path, headers=bearer).status, 401, path)
        # Whose they are is asked of today's permission.
        person = self.world.new_person("responder")
        self.assertEqual(person.client.request("GET", f"tokens?user={self.world.admin.id}&as_of={seq}").status, 403)

    def test_permission_is_todays_whatever_time_is_asked_about(self):
        """A team that somebody left shows them nothing, also not what they could see then."""
        insider, person = self.world.new_person("responder"), self.world.new_person("responder")
        self.world.define("Team", "then", {"members": [insider.email, person.email]})
        made = self.world.incident(insider.client, visibility="team", team="then")
        seq = self.world.last_seq()
        person.client.get(f"incidents/{made['id']}?as_of={seq}")
        self.world.define("Team", "then", {"members": [insider.email]})
        self.assertEqual(person.client.request("GET", f"incidents/{made['id']}?as_of={seq}").status, 404)
        self.assertNotIn(made["id"], [row["id"] for row in person.client.items(f"incidents?as_of={seq}")])
        self.assertFalse(person.client.items(f"journal?as_of={seq}&subject=incident/{made['id']}"))
        self.assertFalse(person.client.items(f"pages?as_of={seq}&incident={made['id']}"))


class Revisions(Shared):
    def etag(self, path):
        return self.admin.request("GET", path).headers["ETag"]

    def test_a_definition_changes_only_for_who_saw_the_last_one(self):
        name = f"definitions/Service/service{self.world.number()}"
        made = self.admin.request("PUT", name, {"spec": {"about": "one"}})
        first = made.headers["ETag"]
        self.assertEqual((made.status, first), (201, f'"{made.json["metadata"]["revision"]}"'))
        self.assertEqual(self.etag(name), first)
        second = self.admin.request("PUT", name, {"spec": {"about": "two"}}, headers={"If-Match": first})
        self.assertEqual(second.status, 200)
        self.assertNotEqual(second.headers["ETag"], first)
        for method, body in (("PUT", {"spec": {"about": "three"}}), ("DELETE", None)):
            late = self.admin.request(method, name, body, headers={"If-Match": first})
            self.assertEqual(late.status, 412, late)
        self.assertEqual(self.admin.get(name)["spec"]["about"], "two")
        self.assertEqual(self.admin.request("DELETE", name, headers={"If-Match": second.headers["ETag"]}).status, 204)

    def test_what_is_no_revision_is_refused(self):
        name = f"definitions/Service/service{self.world.number()}"
        self.admin.put(name, {"spec": {}})
        for value in ("1", '"x"', '"-1"', 'W/"1"', '""', '"1", "2"', '"99999999999999999999"', '"999999999"'):
            answer = self.admin.request("PUT", name, {"spec": {"about": "x"}}, headers={"If-Match": value})
            self.assertEqual(answer.status, 412, f"{value}: {answer}")
        self.assertNotIn("about", self.admin.get(name)["spec"])

    def test_of_two_who_edit_at_once_one_is_told(self):
        name = f"definitions/Service/service{self.world.number()}"
        self.admin.put(name, {"spec": {}})
        tag, statuses = self.etag(name), []
        clients = [self.world.again(self.world.admin) for _ in range(4)]

        def edit(number):
            answer = clients[number].request("PUT", name, {"spec": {"about": f"by {number}"}}, headers={"If-Match": tag})
            statuses.append(answer.status)
        threads = [threading.Thread(target=edit, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200, 412, 412, 412])

    def test_a_person_changes_only_for_who_saw_the_last_one(self):
        person = self.world.new_person("viewer")
        path = f"users/{person.id}"
        tag = self.etag(path)
        self.admin.patch(path, {"name": "One"}, headers={"If-Match": tag})
        self.assertEqual(self.admin.request("PATCH", path, {"name": "Two"}, headers={"If-Match": tag}).status, 412)
        self.assertEqual(self.admin.get(path)["name"], "One")


class Tables(Shared):
    def rows(self, path):
        answer = self.admin.request("GET", path, headers={"Accept": "text/csv"})
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/csv"))
        self.assertNotIn(b"\n\n", answer.body.replace(b"\r\n", b"\n"))
        return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))

    def test_a_cell_is_text_and_never_a_program(self):
        for text in FORMULAS + PLAIN:
            answer = self.admin.request("POST", "incidents", {"title": text, "impact": "low", "urgency": "low"})
            if answer.status != 201:
                self.assertEqual(answer.status, 400, text)  # what is no title is none in a table either
                continue
            title = answer.json["title"]
            row = [row for row in self.rows("incidents?limit=200") if row["id"] == str(answer.json["id"])][0]
            if title[0] in "=+-@\t\r":
                self.assertEqual(row["title"], "'" + title)
            else:
                self.assertEqual(row["title"], title)

    def test_no_cell_of_any_table_begins_as_a_program(self):
        person = self.admin.post("users", {"name": "=cmd|' /C calc'!A0", "email": "x@example.com", "role": "viewer"})
        self.admin.post("mutes", {"kind": "all", "for": "15m", "reason": "@SUM(1)"})
        self.world.define("Service", f"service{self.world.number()}", {"display": "=1+1", "about": "+1"})
        self.admin.post(f"users/{person['id']}/contacts", {"channel": "email", "address": {"to": "x@example.com"}, "label": "=1"})
        for operation in contract().operations.values():
            if operation.path.count("{") or "text/csv" not in operation.media_types():
                continue
            for row in self.rows(operation.path):
                for cell in row.values():
                    self.assertFalse(cell[:1] and cell[0] in "=+@\t\r", f"{operation.id}: {cell!r}")
                    self.assertFalse(cell.startswith("-") and not cell[1:].replace(".", "").isdigit(), f"{operation.id}: {cell!r}")

    def test_a_table_has_the_rows_and_fields_of_the_list(self):
        for _ in range(3):
            self.world.incident()
        for path in ("incidents", "users", "journal", "pages"):
            items, rows = self.admin.get(f"{path}?limit=3")["items"], self.rows(f"{path}?limit=3")
            self.assertEqual(len(rows), len(items), path)
            self.assertEqual(list(rows[0]), list(items[0]), path)

    def test_a_table_that_is_not_whole_says_where_it_goes_on(self):
        """CSV has no place for `next`: it stands in a header."""
        for _ in range(4):
            self.world.incident()
        answer = self.admin.request("GET", "incidents?limit=2", headers={"Accept": "text/csv"})
        self.assertEqual(answer.headers["X-Mainstay-Next"], self.admin.get("incidents?limit=2")["next"])
        whole = self.admin.request("GET", "users?limit=200", headers={"Accept": "text/csv"})
        self.assertNotIn("X-Mainstay-Next", whole.headers)
