"""The contract: openapi.yaml, the table of endpoints and real answers say the same."""
import copy
import unittest

import openapi
from exercise import MAKERS, path_of, send
from openapi import Drift, Exchange, contract
from world import Shared, served, taken

STREAM = "event_stream"


class Tables(unittest.TestCase):
    """Without a server: what openapi.yaml promises and what api_table.c serves."""

    def setUp(self):
        self.operations, self.rows = contract().operations, served()

    def test_every_endpoint_of_the_table_stands_in_the_contract_under_the_same_address(self):
        self.assertGreater(len(self.rows), 20, "the table could not be read")
        for row in self.rows.values():
            with self.subTest(row.id):
                self.assertIn(row.id, self.operations)
                operation = self.operations[row.id]
                self.assertEqual((row.method, row.path), (operation.method, operation.path))

    def test_every_operation_of_the_contract_is_served(self):
        missing = sorted(set(self.operations) - set(self.rows))
        if missing:
            self.skipTest("not served yet: " + ", ".join(missing))

    def test_queue_and_permission_are_those_of_the_contract(self):
        for row in self.rows.values():
            with self.subTest(row.id):
                operation = self.operations[row.id]
                self.assertEqual(row.queue, operation.queue)
                own = "read" if operation.is_read or operation.permission == "none" else "self"
                wanted = {"none": own, "session": own}.get(operation.permission, operation.permission)
                self.assertEqual(row.permission, wanted)
                self.assertEqual("PUBLIC" in row.flags, operation.permission == "none")
                self.assertEqual(operation.about.get("security") == [], operation.permission == "none")

    def test_what_can_be_asked_as_of_earlier_is_told_to_clients(self):
        for row in self.rows.values():
            with self.subTest(row.id):
                self.assertEqual("AS_OF" in row.flags, "as_of" in self.operations[row.id].query_names())

    def test_the_server_takes_the_query_parameters_of_the_contract_and_no_others(self):
        table = taken()
        self.assertGreater(len(table), 10, "the table could not be read")
        for operation in self.operations.values():
            if operation.id == STREAM:
                continue
            with self.subTest(operation.id):
                params = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
                self.assertEqual(sorted(table.get(operation.id, {})), sorted(params))
                for name, (kind, words) in table.get(operation.id, {}).items():
                    if name == "cursor":  # opaque to clients; the server knows what it gave out
                        self.assertIn(kind, ("int", "name"))
                        continue
                    self.assertEqual((name, kind, words), (name, *self.kind_of(params[name])))

    @staticmethod
    def kind_of(parameter):
        """A parameter of the contract in the words of api_params.c."""
        schema = contract().resolve(parameter["schema"])
        if parameter["name"] == "limit":
            return "limit", []
        if schema["type"] == "array" and "enum" not in contract().resolve(schema["items"]):
            return "matchers", []
        if schema["type"] == "array":
            return "words", contract().resolve(schema["items"])["enum"]
        if "enum" in schema:
            return "word", schema["enum"]
        if schema.get("format") == "date-time":
            return "time", []
        if schema["type"] == "string" and "pattern" in schema:
            return "name", []
        return {"integer": "int", "boolean": "bool", "string": "text"}[schema["type"]], []

    def test_every_operation_has_an_example(self):
        self.assertEqual(sorted(set(self.operations) - {STREAM} - set(MAKERS)), [])

    def test_every_object_of_the_contract_says_which_fields_it_has(self):
        def walk(node, path):
            if isinstance(node, dict):
                self.assertEqual([key for key in node if " " in str(key)], [], f"{path}: a description needs quotes")
                if node.get("type") == "object":
                    self.assertIn("additionalProperties", node, path)
                    self.assertLessEqual(set(node.get("required", [])), set(node.get("properties", {})), path)
                for key, value in node.items():
                    walk(value, f"{path}.{key}")
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    walk(value, f"{path}[{index}]")
        walk(contract().document["components"]["schemas"], "schemas")


class Judge(unittest.TestCase):
    """The judge itself: each kind of drift is seen."""

    good = Exchange("GET", "/api/v1/mutes?as_of=3", {}, b"", 200, {"Content-Type": "application/json"},
                    b'{"items":[{"id":1,"kind":"all","name":null,"from":"2026-01-01T00:00:00Z","until":'
                    b'"2026-01-01T01:00:00Z","reason":"r","by":null}],"next":null}')

    def broken(self, says, **change):
        exchange = copy.copy(self.good)
        for name, value in change.items():
            setattr(exchange, name, value)
        with self.assertRaisesRegex(Drift, says):
            contract().check(exchange)

    def test_a_good_answer_passes(self):
        self.assertEqual(contract().check(self.good).id, "mute_list")

    def test_drift_in_an_answer_is_seen(self):
        good = self.good.answer
        self.broken("unexpected", answer=good.replace(b'"by":null', b'"by":null,"x":1'))
        self.broken("'by' is a required", answer=good.replace(b',"by":null', b""))
        self.broken("not of type 'integer'", answer=good.replace(b'"id":1', b'"id":"1"'))
        self.broken("does not match", answer=good.replace(b"00:00:00Z", b"00:00:00+00:00"))
        self.broken("not one of", answer=good.replace(b'"all"', b'"some"'))
        self.broken("occurs twice", answer=good.replace(b'"id":1', b'"id":1,"id":2'))
        self.broken("NaN is not JSON", answer=good.replace(b'"id":1', b'"id":NaN'))
        self.broken("not JSON", answer=b"{")

    def test_drift_around_an_answer_is_seen(self):
        csv = {"Content-Type": "text/csv"}
        self.broken("found text/plain", headers={"Content-Type": "text/plain"})
        self.broken("knows the statuses", status=201)
        self.broken("no such operation", target="/api/v1/nothing")
        self.broken("no such operation", method="PUT")
        self.broken("the body says status 404", status=400, headers={"Content-Type": openapi.PROBLEM}, answer=b"""
            {"type":"about:blank","title":"t","status":404,"detail":"d","request_id":"1-1"}""")
        self.broken("no fields", headers=csv, answer=b"id,colour\r\n1,red\r\n")
        self.broken("a row has 1 cells", headers=csv, answer=b"id,kind\r\n1\r\n")
        self.broken("promises an ETag", target="/api/v1/users/1", answer=b"""
            {"id":1,"name":"n","email":"e","role":"viewer","teams":[],"time_zone":null,"disabled":false,
             "has_password":true,"created_at":"2026-01-01T00:00:00Z","last_seen_at":null,"revision":1}""")

    def test_what_must_not_be_accepted_is_seen(self):
        made = {"method": "POST", "target": "/api/v1/mutes", "status": 201,
                "answer": b'{"id":1,"kind":"all","name":null,"from":"2026-01-01T00:00:00Z","until":'
                          b'"2026-01-01T01:00:00Z","reason":"r","by":null}'}
        self.broken("query parameter 'colour'", target="/api/v1/mutes?colour=red")
        self.broken("limit='0'", target="/api/v1/incidents?limit=0", answer=b'{"items":[],"next":null}')
        self.broken("a body the contract forbids", body=b'{"kind":"all","for":"1h"}', **made)
        self.broken("a body that is not JSON", body=b'{"kind":"all"', **made)


class Answers(Shared):
    """Each operation with a valid request, as an admin; the client judges the answer."""

    def exercise(self, name):
        operation, person = contract().operations[name], self.world.admin
        self.world.needs(name)
        request = MAKERS[name](self.world, person.client, person)
        answer = send(operation, request, person.client)
        self.assertEqual(answer.status, request.status, f"{operation.method} {path_of(operation, request)}: {answer}")
        if operation.is_read and "application/json" in operation.media_types():
            self.as_table(operation, request)

    def as_table(self, operation, request):
        """A list is CSV for who asks so; anything else stays what it is."""
        if "text/csv" in operation.media_types():
            request.headers["Accept"] = "text/csv"
            found = send(operation, request, self.admin).headers.get("Content-Type")
            self.assertTrue(found.startswith("text/csv"), found)


def example(name):
    def test(self):
        self.exercise(name)
    return test


for each in sorted(MAKERS):
    setattr(Answers, f"test_{each}_is_answered_as_promised", example(each))
