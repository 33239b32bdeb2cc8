"""Requests that are sent again: with an Idempotency-Key the second is the first, and nothing happens twice."""
import threading

from world import Shared


class Repeats(Shared):
    def post(self, client, key, body=None, path="incidents"):
        return client.request("POST", path, body or {"title": "once", "impact": "low", "urgency": "low"}, headers={"Idempotency-Key": key})

    def size(self):
        return self.world.journal_size(("page.", "escalation.", "check.", "user.", "token.", "contact."))

    def test_a_repeat_gets_the_first_answer_and_makes_nothing(self):
        first = self.post(self.admin, "key-1")
        before = self.size()
        again = self.post(self.admin, "key-1")
        self.assertEqual((again.status, again.body), (201, first.body))
        self.assertEqual(again.headers.get("Idempotency-Replayed"), "true")
        self.assertIsNone(first.headers.get("Idempotency-Replayed"))
        self.assertEqual(self.size(), before)

    def test_a_key_stands_for_one_request(self):
        self.post(self.admin, "key-2")
        before = self.size()
        other = self.post(self.admin, "key-2", {"title": "another"})
        self.assertEqual(other.status, 409)
        self.assertEqual(self.post(self.admin, "key-2", path="mutes", body={"kind": "all", "for": "1h", "reason": "x"}).status, 409)
        self.assertEqual(self.size(), before)

    def test_a_key_is_of_one_person(self):
        first = self.post(self.admin, "key-3")
        other = self.post(self.world.person("responder").client, "key-3")
        self.assertEqual(other.status, 201)
        self.assertNotEqual(first.json["id"], other.json["id"])

    def test_a_refused_request_leaves_its_key_free(self):
        refused = self.post(self.admin, "key-4", {"title": "x", "service": "no-such-service"})
        self.assertEqual(refused.status, 400)
        self.assertEqual(self.post(self.admin, "key-4").status, 201)

    def test_a_key_outlives_a_crash(self):
        first = self.post(self.admin, "key-5")
        self.server.kill9()
        self.server.start()
        again = self.post(self.admin, "key-5")
        self.assertEqual((again.status, again.body), (201, first.body))

    def test_many_at_once_with_one_key_are_one(self):
        clients = [self.world.again(self.world.admin) for _ in range(6)]
        answers = []

        def go(client):
            answers.append(self.post(client, "key-6"))
        threads = [threading.Thread(target=go, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({answer.status for answer in answers}, {201})
        self.assertEqual(len({answer.json["id"] for answer in answers}), 1)

    def test_what_somebody_may_no_longer_do_is_not_replayed(self):
        person = self.world.new_person("responder")
        self.assertEqual(self.post(person.client, "key-7").status, 201)
        self.admin.patch(f"users/{person.id}", {"role": "viewer"})
        self.assertEqual(self.post(person.client, "key-7").status, 403)

    def test_secrets_are_not_kept_for_a_repeat(self):
        person = self.world.new_person("viewer")
        first = self.post(self.admin, "key-8", path=f"users/{person.id}/reset-link").json["link"]
        again = self.post(self.admin, "key-8", path=f"users/{person.id}/reset-link").json["link"]
        self.assertNotEqual(first, again)
        with self.world.database() as store:
            kept = "\n".join(row[0] for row in store.execute("SELECT body FROM idempotency"))
        self.assertNotIn("msl_", kept)
        self.assertNotIn("mst_", kept)

    def test_a_key_that_is_none_is_refused(self):
        for key in ("", "k" * 201):
            self.assertEqual(self.post(self.admin, key).status, 400, key)

    def test_a_put_repeats_by_itself_and_keeps_its_promises(self):
        path = f"definitions/Service/service{self.world.number()}"
        tags = [self.admin.request("PUT", path, {"spec": {"about": "x"}}, headers={"Idempotency-Key": "key-10"}).headers["ETag"]
                for _ in range(2)]
        self.assertEqual(self.admin.request("GET", path).headers["ETag"], tags[1])

    def test_actions_repeat_as_well(self):
        made = self.world.incident()
        path = f"incidents/{made['id']}/note"
        first = self.post(self.admin, "key-9", {"text": "said once"}, path)
        again = self.post(self.admin, "key-9", {"text": "said once"}, path)
        self.assertEqual(first.body, again.body)
        notes = [row for row in self.admin.items(f"incidents/{made['id']}/timeline") if row["kind"] == "incident.noted"]
        self.assertEqual(len(notes), 1)
