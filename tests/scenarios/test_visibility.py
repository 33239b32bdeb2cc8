"""The canary: what is closed to somebody does not exist for them, in no answer, count, stream, file or error."""
import contextlib
import json
import secrets
import time

from exercise import send
from mainstay import Scenario, Timeout
from openapi import contract
from peers import Ntfy, Smtp, Webhook
from steps import declare, define, first_person, invite, link_in, notifications, path_of, policy, verified
from test_permissions import harmless
from world import Shared, wait_until

STREAM_SECONDS = 5


class Canary(Shared):
    """A private and a team incident, each with words nobody else uses; outsiders look everywhere."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        world = cls.world
        world.needs("user_create", "definition_put")
        cls.word = "canary" + secrets.token_hex(8)
        cls.insider, cls.outsider = world.new_person("responder"), world.new_person("responder")
        cls.manager, cls.viewer, cls.auditor = (world.new_person(r) for r in ("manager", "viewer", "auditor"))
        world.define("Team", "closed", {"members": [cls.insider.email]})
        world.define("Service", "vault", {"display": "The vault"})
        # What is before and after, so that a hole in a list of ids or a count would show.
        cls.open_before = world.incident(cls.outsider.client, title="open for all, before")
        cls.private = cls.make("private", {"visibility": "private", "service": "vault"})
        cls.team = cls.make("team", {"visibility": "team", "team": "closed"})
        cls.open_after = world.incident(cls.outsider.client, title="open for all, after")
        cls.closed = (cls.private, cls.team)

    @classmethod
    def make(cls, name, more):
        """An incident with the word in everything a person can write into one."""
        client = cls.insider.client
        made = cls.world.incident(client, title=f"{cls.word} {name}", impact="high", urgency="high", **more)
        path = f"incidents/{made['id']}"
        client.post(f"{path}/acknowledge")
        client.post(f"{path}/note", {"text": f"a note with {cls.word}"})
        update = client.post(f"{path}/updates", {"audience": "engineers", "state": "identified", "text": f"found: {cls.word}"})
        client.post(f"{path}/updates/{update['id']}/edit", {"text": f"corrected: {cls.word}"})
        client.post(f"{path}/retitle", {"title": f"{cls.word} {name} again"})
        client.post(f"{path}/priority", {"impact": "high", "urgency": "medium", "reason": f"since {cls.word}"})
        client.post(f"{path}/resolve", {"reason": f"over, {cls.word}"})
        client.post(f"{path}/reopen", {"reason": f"again, {cls.word}"})
        client.post(f"{path}/escalate")
        client.post(f"{path}/acknowledge")
        made["seqs"] = [row["seq"] for row in client.items(f"{path}/timeline?limit=200")]
        made["pages"] = [row["id"] for row in client.items(f"pages?incident={made['id']}&limit=200")]
        return made

    # ---- looking ----

    def clean(self, what, text):
        """Neither the word nor a name of a closed incident."""
        self.assertNotIn(self.word, text, f"the canary sings in {what}")
        for made in self.closed:
            for name in (f'"incident/{made["id"]}"', f'"incident":{made["id"]},', f'"incident":{made["id"]}}}',
                         f"/incidents/{made['id']}\""):
                self.assertNotIn(name, text.replace(" ", ""), f"{what} names a closed incident")

    def look(self, client, path, headers=None):
        answer = client.request("GET", path, headers=headers)
        text = "\n".join([answer.body.decode(), *(f"{name}: {value}" for name, value in answer.headers.items())])
        self.clean(f"GET {path}", text)
        return answer

    def paths(self):
        """Every GET of the contract, about what is open, what is closed and what is not there."""
        closed = [made["id"] for made in self.closed]
        for operation in contract().operations.values():
            if not operation.is_read or operation.id not in self.world.rows or operation.id == "event_stream":
                continue
            names = [p["name"] for p in operation.parameters if p["in"] == "path"]
            if "kind" in names and "name" not in names:
                yield from (operation.path.replace("{kind}", kind) for kind in ("Service", "Team", "PriorityMatrix"))
            elif "name" in names:
                yield operation.path.replace("{kind}", "Service").replace("{name}", "vault")
            elif "seq" in names:
                yield from (operation.path.replace("{seq}", str(made["seqs"][0])) for made in self.closed)
            elif "id" in names and "/users/" in operation.path:
                yield operation.path.replace("{id}", str(self.outsider.id))
            elif "id" in names:
                yield from (operation.path.replace("{id}", str(number)) for number in closed)
            elif "token" in names:
                yield operation.path.replace("{token}", "no-such-token")
            else:
                yield operation.path

    def searches(self):
        closed = [made["id"] for made in self.closed]
        yield from (f"incidents?q={self.word}", "incidents?limit=1", "incidents?state=open,acknowledged&limit=200",
                    "incidents?team=closed", "incidents?service=vault", "incidents?priority=P1,P2",
                    f"incidents?cursor={closed[1] + 1}", f"incidents?cursor={closed[0] + 1}&limit=1",
                    "journal?kind=incident.&limit=200", "journal?kind=escalation.&limit=200",
                    "journal?kind=page.&limit=200", f"journal?actor={self.insider.id}&limit=200",
                    f"users?q={self.word}", f"services?q={self.word}", "services/vault", "services", "alerts?limit=200",
                    f"pages?user={self.insider.id}&limit=200", "pages?limit=200")
        for made in self.closed:
            yield from (f"pages?incident={made['id']}", f"alerts?incident={made['id']}",
                        f"journal?subject=incident/{made['id']}", f"incidents/{made['id']}?as_of={made['seqs'][-1]}",
                        f"incidents?as_of={made['seqs'][-1]}", f"pages?as_of={made['seqs'][-1]}",
                        f"journal?as_of={made['seqs'][-1]}&limit=200")

    def others(self):
        return (self.outsider.client, self.viewer.client, self.manager.client, self.outsider.token("act"))

    def test_no_get_of_an_outsider_knows_of_a_closed_incident(self):
        for client in self.others():
            for path in self.paths():
                self.look(client, path)
            for path in self.searches():
                self.look(client, path)

    def test_no_file_of_an_outsider_knows_of_a_closed_incident(self):
        for path in ("incidents", "pages", "alerts", "journal", "services", "users", "checks"):
            answer = self.look(self.outsider.client, f"{path}?limit=200", {"Accept": "text/csv"})
            self.assertEqual(answer.status, 200)
            for made in self.closed:
                for line in answer.text.splitlines():
                    self.assertFalse(path == "incidents" and line.startswith(f"{made['id']},"), line)
        for kind in ("", "?kind=Service", "?kind=Team"):
            self.look(self.outsider.client, f"export{kind}")

    def test_a_list_has_no_row_for_what_is_closed_and_no_cursor_that_names_it(self):
        closed = {made["id"] for made in self.closed}
        seqs = {seq for made in self.closed for seq in made["seqs"]}
        pages = {page for made in self.closed for page in made["pages"]}
        client = self.outsider.client
        for size in (1, 2, 3):
            for path, hidden, key in ((f"incidents?limit={size}", closed, "id"), (f"journal?limit={size}", seqs, "seq"),
                                      (f"pages?limit={size}", pages, "id")):
                cursor = None
                for _ in range(400):
                    page = client.get(path + (f"&cursor={cursor}" if cursor else ""))
                    self.assertFalse({row[key] for row in page["items"]} & hidden, f"{path} shows what is closed")
                    cursor = page["next"]
                    if cursor is None:
                        break
                    if key == "id":
                        self.assertNotIn(int(cursor), hidden, f"{path}: the cursor names what is closed")

    def test_counts_do_not_count_what_is_closed(self):
        service = self.outsider.client.get("services/vault")
        self.assertEqual((service["incidents_open"], service["worst_priority"], service["incidents"]), (0, None, []))
        row = [row for row in self.outsider.client.items("services") if row["name"] == "vault"][0]
        self.assertEqual((row["incidents_open"], row["worst_priority"]), (0, None))
        mine = self.insider.client.get("services/vault")
        self.assertEqual((mine["incidents_open"], len(mine["incidents"])), (1, 1))
        now = self.outsider.client.get("now")
        self.assertFalse({row["id"] for row in now["incidents"]} & {made["id"] for made in self.closed})
        self.assertTrue({row["id"] for row in now["incidents"]} >= {self.open_before["id"], self.open_after["id"]})

    def test_an_outsider_cannot_act_on_it_and_is_told_that_there_is_nothing(self):
        clients, before = self.others(), self.world.tables()
        there_is_none = self.outsider.client.request("POST", "incidents/999999/note", {"text": "x"})
        for client in clients:
            for made in self.closed:
                for act, body in (("acknowledge", None), ("resolve", {}), ("reopen", {}), ("note", {"text": "x"}),
                                  ("priority", {"impact": "low", "urgency": "low", "reason": "x"}), ("escalate", None),
                                  ("retitle", {"title": "x"}), ("undo", {"seq": made["seqs"][-1]})):
                    answer = client.request("POST", f"incidents/{made['id']}/{act}", body)
                    self.assertIn(answer.status, (404, 403), answer)
                    if answer.status == 403:
                        self.assertIs(client, self.viewer.client, "whoever may act is told 403 for what is closed")
                    else:
                        wanted = there_is_none.json["detail"].replace("999999", str(made["id"]))
                        self.assertEqual(answer.json["detail"], wanted, "it is told apart from what is not there")
                    self.clean(f"POST {act}", answer.text)
        self.assertEqual(self.world.tables(), before)

    def test_problems_of_an_outsider_do_not_quote_what_is_closed(self):
        for operation in contract().operations.values():
            if operation.is_read or operation.id not in self.world.rows or operation.id == "session_delete":
                continue
            request = harmless(operation, self.outsider.id)
            for made in self.closed:
                if "id" in request.params:
                    request.params["id"] = made["id"]
                answer = send(operation, request, self.outsider.client)
                self.clean(operation.id, answer.text)

    def test_the_stream_of_an_outsider_is_silent_about_it_and_that_of_a_member_is_not(self):
        stream, inside = self.outsider.client.events(), self.insider.client.events()
        made = [self.make("private", {"visibility": "private"}), self.make("team", {"visibility": "team", "team": "closed"})]
        last = self.world.incident(self.outsider.client, title="the last one")
        inside.wait(lambda event: f'"incident/{last["id"]}"' in event["data"])
        stream.wait(lambda event: f'"incident/{last["id"]}"' in event["data"])
        end = time.monotonic() + STREAM_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(Timeout):
                stream.wait(seconds=max(0.01, end - time.monotonic()))
        self.assertTrue(stream.thread.is_alive(), "the stream ended")
        for event in stream.seen:
            self.clean("the stream", event["data"])
        for one in made:
            self.assertFalse({int(event["id"]) for event in stream.seen} & set(one["seqs"]))
            self.assertFalse([event for event in stream.seen if f'"incident/{one["id"]}"' in event["data"]])
            self.assertTrue([event for event in inside.seen if f'"incident/{one["id"]}"' in event["data"]])
        stream.close()
        inside.close()

    def test_a_stream_that_resumes_is_silent_about_it_as_well(self):
        """What was missed is read from the journal, not from what was said."""
        resumed = self.outsider.client.events(last_id=self.private["seqs"][0] - 1)
        last = self.world.incident(self.outsider.client)
        resumed.wait(lambda event: f'"incident/{last["id"]}"' in event["data"])
        for event in resumed.seen:
            self.clean("the resumed stream", event["data"])
        resumed.close()

    def test_members_see_what_is_theirs_and_an_auditor_what_roles_allow(self):
        for made in self.closed:
            found = self.insider.client.get(f"incidents/{made['id']}")
            self.assertIn(self.word, found["title"])
            texts = [row["text"] for row in self.insider.client.items(f"incidents/{made['id']}/timeline")]
            self.assertTrue(any(f"a note with {self.word}" in text for text in texts))
        self.assertEqual({row["id"] for row in self.insider.client.items(f"incidents?q={self.word}")},
                         {made["id"] for made in self.closed})
        for client, private, team in ((self.auditor.client, 404, 200), (self.admin, 404, 200)):
            self.assertEqual(client.request("GET", f"incidents/{self.private['id']}").status, private)
            self.assertEqual(client.request("GET", f"incidents/{self.team['id']}").status, team)

    def test_leaving_the_team_closes_the_door_at_once(self):
        person = self.world.new_person("responder")
        self.world.define("Team", "brief", {"members": [self.insider.email, person.email]})
        made = self.world.incident(self.insider.client, visibility="team", team="brief", title="brief matter")
        path = f"incidents/{made['id']}"
        self.assertEqual(person.client.request("GET", path).status, 200)
        stream = person.client.events()
        stream.wait()
        self.world.define("Team", "brief", {"members": [self.insider.email]})
        self.assertEqual(person.client.request("GET", path).status, 404)
        self.insider.client.post(f"{path}/note", {"text": "unheard"})
        wait_until(lambda: not stream.thread.is_alive(), 5, "the stream to end, to be opened anew")
        self.assertFalse([event for event in stream.seen if event["event"] == "incident.noted"])
        stream.close()

    def test_an_alert_joins_no_incident_that_is_closed(self):
        """Else a closed incident would swallow the alerts of a service for everybody else."""
        port = int(self.server.address.rpartition(":")[2])
        self.world.define("Service", "swallowed", {})
        closed = self.world.incident(self.insider.client, visibility="private", service="swallowed")
        self.world.define("Check", "gone", {"kind": "http", "url": f"http://127.0.0.1:{port}/no-such-file.txt",
                                            "service": "swallowed", "interval": "1s", "fail_after": 1})
        found = wait_until(lambda: [row for row in self.outsider.client.items("incidents?service=swallowed")
                                    if row["alerts_firing"] > 0], 20, "an incident that everybody sees")
        self.assertNotEqual(found[0]["id"], closed["id"])
        self.assertEqual(self.insider.client.get(f"incidents/{closed['id']}")["alerts"], [])

    def test_somebody_in_many_teams_can_list_what_they_see(self):
        """The predicate grows with the teams of the reader."""
        person = self.world.new_person("responder")
        for number in range(70):
            self.world.define("Team", f"many{number:02}", {"members": [person.email]})
        for name in ("many00", "many40"):
            self.world.incident(visibility="team", team=name, title=f"of {name}")
        for path in ("incidents", "now", "journal", "pages", "alerts", "services", "session"):
            person.client.get(path)
        found = {row["team"] for row in person.client.items("incidents?limit=200")}
        self.assertTrue({"many00", "many40"} <= found, found)


class Woken(Scenario):
    """Somebody must always be woken; what reaches people who may not know of it says only that something waits."""

    def setUp(self):
        super().setUp()
        self.word = "canary" + secrets.token_hex(8)
        self.ntfy = self.peer(Ntfy())
        self.smtp = self.peer(Smtp(self.folder))
        self.server = self.mainstay("--public-url", "http://pager.example.org")
        self.ann = first_person(self.server)
        notifications(self.ann, smtp=self.smtp, ntfy=self.ntfy)
        define(self.ann, "Team", "vault", {"members": ["mia@example.org"], "manager": "lea@example.org"})
        self.opener = self.reached(invite(self.ann, self.server, "Olga"))
        self.lead = self.reached(invite(self.ann, self.server, "Lea"))
        self.member = self.reached(invite(self.ann, self.server, "Mia"))
        self.boss = self.reached(invite(self.ann, self.server, "Max", role="manager"))
        self.stranger = self.reached(invite(self.ann, self.server, "Sam"))
        self.ann.forget_browser()

    def reached(self, person):
        """By every way that leaves this machine, and by a browser that listens."""
        person.hook = self.peer(Webhook())
        person.reach_by("ntfy", {"topic": person.name.lower()})
        person.reach_by("email", {"to": person.email})
        person.reach_by("webhook", {"url": person.hook.url}, secret=person.hook.secret)
        person.stream = person.client.events()
        self.addCleanup(person.stream.close)
        return person

    def got(self, person):
        """All that has left to this person, as text."""
        mails = [f"{mail}\n{mail.get_body().get_content()}" for mail in self.smtp.mails(to=person.email)]
        sent = [call.body.decode() for call in self.ntfy.good() if call.json["topic"] == person.name.lower()]
        return mails, sent, [call.body.decode() for call in person.hook.good()]

    def all_ways(self, person, seconds=20):
        """Waits until a page has come by each way."""
        return wait_until(lambda: all(self.got(person)) and self.got(person), seconds, f"{person.name} to be reached by every way")

    def test_of_a_private_incident_strangers_hear_only_that_something_waits_until_they_take_it(self):
        incident = declare(self.opener, f"{self.word} salaries", visibility="private", urgency="high")
        ways = self.all_ways(self.boss)
        for text in sum(ways, []):
            self.assertNotIn(self.word, text)
            self.assertIn("Something closed to you waits", text)
        # Who declared it is told what it is; who is no manager is not woken at all while one is there.
        self.assertIn(self.word, "".join(sum(self.all_ways(self.opener), [])))
        for person in (self.stranger, self.member, self.lead):
            self.assertEqual(self.got(person), ([], [], []), f"{person.name} was woken for what is closed to them")
        # The browser rings without a name, and the row behind it says no more.
        rung = self.boss.stream.wait(lambda event: event["event"] == "page.queued")
        self.assertNotIn(str(incident), json.loads(rung["data"])["subject"])
        rows = self.boss.client.items(f"pages?user={self.boss.id}")
        self.assertTrue(rows)
        self.assertEqual({row["incident"] for row in rows}, {None})
        self.assertNotIn(self.word, json.dumps(rows))
        self.assertEqual(self.boss.client.items(f"pages?incident={incident}"), [])
        # The link lets them take it, and only then they may read it.
        link = path_of(link_in(ways[1][0]))
        self.assertNotIn(self.word, self.boss.client.request("GET", link).text)
        self.assertEqual(self.boss.client.request("GET", f"incidents/{incident}").status, 404)
        self.assertIn(self.word, self.boss.client.request("POST", link).text)
        found = self.boss.client.get(f"incidents/{incident}")
        self.assertIn(self.word, found["title"])
        self.assertIn(incident, [row["id"] for row in self.boss.client.items("incidents")])
        # Ann was woken as well and did not take it: the end says no more than the beginning.
        self.opener.client.post(f"incidents/{incident}/resolve", {})
        for person in (self.stranger, self.member, self.lead):
            self.assertNotIn(self.word, "".join(sum(self.got(person), [])))
        self.assertEqual(self.ann.client.request("GET", f"incidents/{incident}").status, 404)

    def test_who_stands_outside_hears_of_the_end_without_a_title(self):
        incident = declare(self.opener, f"{self.word} salaries", visibility="private", urgency="high")
        self.all_ways(self.boss)
        self.opener.client.post(f"incidents/{incident}/resolve", {})
        over = wait_until(lambda: [text for text in sum(self.got(self.boss), []) if "Resolved" in text], 20, "the end")
        self.assertNotIn(self.word, "".join(over))

    def test_a_private_incident_of_a_team_wakes_its_manager_who_may_then_read_it(self):
        incident = declare(self.opener, f"{self.word} a leak", visibility="private", urgency="high", team="vault")
        self.assertIn(self.word, "".join(sum(self.all_ways(self.lead), [])))
        self.assertIn(self.word, self.lead.client.get(f"incidents/{incident}")["title"])
        self.lead.stream.wait(lambda event: event["event"] == "page.queued" and f"incident/{incident}" in event["data"])
        for person in (self.member, self.boss, self.stranger, self.opener):
            self.assertEqual(self.got(person), ([], [], []), f"{person.name} was paged")
            if person is not self.opener:
                self.assertEqual(person.client.request("GET", f"incidents/{incident}").status, 404)
        verified(stopped(self.server))

    def test_an_incident_of_a_team_wakes_the_team_and_nobody_else(self):
        declare(self.lead, f"{self.word} ours", visibility="team", urgency="high", team="vault")
        for person in (self.lead, self.member):
            self.assertIn(self.word, "".join(sum(self.all_ways(person), [])))
        for person in (self.boss, self.stranger, self.opener):
            self.assertEqual(self.got(person), ([], [], []), f"{person.name} was paged")

    def test_whoever_a_policy_names_takes_part_and_reads_it(self):
        policy(self.ann, "default", [{"user": self.stranger.email}], delay="1h")
        incident = declare(self.opener, f"{self.word} named", visibility="private", urgency="high")
        self.assertIn(self.word, "".join(sum(self.all_ways(self.stranger), [])))
        self.assertIn(self.word, self.stranger.client.get(f"incidents/{incident}")["title"])
        timeline = self.stranger.client.items(f"incidents/{incident}/timeline")
        self.assertTrue(timeline)
        self.assertEqual(self.got(self.boss), ([], [], []))


def stopped(server):
    server.stop()
    return server
