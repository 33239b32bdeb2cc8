"""openapi.py: openapi.yaml as a judge of real exchanges.

`Contract.check(exchange)` fails when what went over the wire is not what openapi.yaml says: an address, a
status, a media type, a field, a format nobody was told of. The harness' Client asks it about every
answer of every scenario, so the server cannot drift away from its contract unnoticed.

It also reads the request of every answer 2xx: what the contract forbids must not be accepted.
"""
import csv
import dataclasses
import functools
import io
import json
import pathlib
import re
import urllib.parse

import fastjsonschema
import jsonschema
import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMAS = "#/components/schemas/"
NEWER = {"prefixItems", "unevaluatedProperties", "unevaluatedItems", "dependentRequired", "dependentSchemas", "$dynamicRef", "$defs"}
METHODS = ("get", "put", "post", "patch", "delete")
PROBLEM = "application/problem+json"
REFUSED_AT_THE_DOOR = (400, 408, 413, 414, 431, 503)  # what no endpoint is asked about, pages for people included


class Drift(AssertionError):
    """The server and openapi.yaml say different things."""


@dataclasses.dataclass
class Exchange:
    """One request and its answer, as they were on the wire."""

    method: str
    target: str  # path and query
    sent: dict = dataclasses.field(default_factory=dict)  # request headers
    body: bytes = b""
    status: int = 0
    headers: object = None  # of the answer; lookup ignores case
    answer: bytes = b""


@dataclasses.dataclass
class Operation:
    id: str
    method: str
    path: str  # "/api/v1/incidents/{id}"
    about: dict  # what the document says
    parameters: list

    @property
    def permission(self):
        return self.about["x-permission"]

    @property
    def queue(self):
        return self.about["x-queue"]

    @property
    def is_read(self):
        return self.method == "GET"

    def parameter(self, place, name):
        for parameter in self.parameters:
            if parameter["in"] == place and parameter["name"] == name:
                return parameter
        return None

    def query_names(self):
        return [p["name"] for p in self.parameters if p["in"] == "query"]

    def media_types(self, status="200"):
        return list(self.about["responses"].get(status, {}).get("content", {}))


def unique(pairs):
    """A JSON object whose keys are there once; readers would disagree about another."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key occurs twice: {[key for key, _ in pairs]}")
    return found


def without_null(value):
    if isinstance(value, dict):
        return {key: without_null(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_null(part) for part in value]
    return value


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def strict_json(text):
    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse_constant)


class Contract:
    def __init__(self, text):
        self.document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.components = self.document["components"]
        self.operations = {}  # by operationId
        self.validators = {}
        self.answered = {}  # operationId -> {status: how often}: what a run has shown
        self.patterns = []  # (regular expression, path template), the most literal first
        for path, item in self.document["paths"].items():
            self._read_path(path, item)
        self.patterns.sort(key=lambda row: (row[1].count("{"), row[1]))

    def _read_path(self, path, item):
        base = item.get("servers", self.document["servers"])[0]["url"]
        for method in METHODS:
            if method not in item:
                continue
            base_here = item[method].get("servers", [{"url": base}])[0]["url"]
            whole = base_here.rstrip("/") + path
            listed = item.get("parameters", []) + item[method].get("parameters", [])
            one = Operation(item[method]["operationId"], method.upper(), whole, item[method],
                            [self.resolve(parameter) for parameter in listed])
            assert one.id not in self.operations, f"operationId {one.id} is there twice"
            self.operations[one.id] = one
            pattern = re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part)
                                          for part in whole.split("/")))
            if whole not in [known for _, known in self.patterns]:
                self.patterns.append((pattern, whole))

    def resolve(self, node):
        """Follows `$ref`, which only ever points into this document."""
        while "$ref" in node:
            place = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            node = place
        return node

    def find(self, method, path):
        """The operation of a request, and the path it belongs to; (None, None) for neither."""
        for pattern, template in self.patterns:
            if pattern.fullmatch(path):
                for one in self.operations.values():
                    if one.path == template and one.method == method:
                        return one, template
                return None, template
        return None, None

    # ---- schemas ----

    @functools.cached_property
    def quick(self):
        """Judges {name of a schema: value} with yes or no; the schemas it knows. Compiled once, for all of them."""
        names = [name for name in self.components["schemas"] if self.is_plain({"$ref": SCHEMAS + name}, set())]
        whole = {"properties": {name: {"$ref": SCHEMAS + name} for name in names}, "components": self.components}
        return fastjsonschema.compile(whole, use_default=False), set(names)

    def is_plain(self, node, seen):
        """True if a judge of an older draft reads the schema, and all that it names, as it is meant."""
        if isinstance(node, list):
            return all(self.is_plain(part, seen) for part in node)
        if not isinstance(node, dict):
            return True
        if "$ref" in node and node["$ref"] not in seen:
            seen.add(node["$ref"])
            if not self.is_plain(self.resolve(node), seen):
                return False
        return NEWER.isdisjoint(node) and all(self.is_plain(part, seen) for part in node.values())

    def is_surely_right(self, schema, value):
        judge, names = self.quick
        name = schema.get("$ref", "").removeprefix(SCHEMAS)
        if name not in names:
            return False
        try:
            judge({name: value})
        except fastjsonschema.JsonSchemaException:
            return False
        return True

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            jsonschema.Draft202012Validator.check_schema(schema)
            whole = dict(schema, components=self.components)
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        return self.validators[key]

    def complaints(self, schema, value):
        """What is wrong with a value, as lines; none when it is as the schema says."""
        if self.is_surely_right(schema, value):
            return []
        found = []
        for error in self.validator(schema).iter_errors(value):
            error = jsonschema.exceptions.best_match([error]) or error
            where = ".".join(str(part) for part in error.absolute_path) or "(whole)"
            found.append(f"{where}: {error.message[:300]}")
        return found

    # ---- the exchange ----

    def check(self, exchange):
        """Raises Drift, or counts the answer as shown."""
        target = urllib.parse.urlsplit(exchange.target)
        path = urllib.parse.unquote(target.path)
        method = "GET" if exchange.method == "HEAD" else exchange.method
        operation, template = self.find(method, path)
        try:
            if operation is None:
                self._check_unknown(exchange, template)
                return None
            self._check_answer(operation, exchange)
            if 200 <= exchange.status < 300:
                self._check_accepted(operation, exchange, target.query)
        except Drift as drift:
            name = operation.id if operation else "no operation"
            raise Drift(f"{exchange.method} {exchange.target} ({name}) answered {exchange.status}: {drift}\n"
                        f"sent: {exchange.body[:300]!r}\nfound: {exchange.answer[:800]!r}") from None
        counts = self.answered.setdefault(operation.id, {})
        counts[exchange.status] = counts.get(exchange.status, 0) + 1
        return operation

    def _check_unknown(self, exchange, template):
        if 200 <= exchange.status < 300:
            raise Drift("openapi.yaml knows no such operation")
        wanted = (405,) if template else (404,)
        if exchange.status not in wanted + (400, 413, 414, 431, 501):
            raise Drift(f"wanted {wanted}: openapi.yaml knows no such operation")
        self._check_content({"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}, exchange)

    def _check_answer(self, operation, exchange):
        responses = operation.about["responses"]
        response = responses.get(str(exchange.status))
        if response is None:
            if exchange.status < 400:
                raise Drift(f"the contract knows the statuses {sorted(responses)}")
            response = responses.get("default", self.components["responses"]["Problem"])
            if exchange.status in REFUSED_AT_THE_DOOR and exchange.headers.get("Content-Type") == PROBLEM:
                response = self.components["responses"]["Problem"]
        self._check_content(self.resolve(response), exchange)
        self._check_headers(self.resolve(response), exchange)

    def _check_headers(self, response, exchange):
        if "ETag" in response.get("headers", {}):
            etag = exchange.headers.get("ETag")
            if etag is None or not re.fullmatch(r'"\d+"', etag):
                raise Drift(f"the contract promises an ETag; found {etag!r}")

    def _check_content(self, response, exchange):
        content = response.get("content", {})
        said = exchange.headers.get("Content-Type")
        media = said.partition(";")[0].strip().lower() if said else None
        if not content:
            if exchange.answer or said:
                raise Drift(f"the contract promises no body; found {said}")
            return
        if media not in content:
            raise Drift(f"the contract knows {list(content)}; found {said}")
        if exchange.method == "HEAD":
            if exchange.answer:
                raise Drift("an answer to HEAD has no body")
            return
        if media == "text/csv":
            self._check_csv(content, exchange)
        elif media.endswith("json"):
            self._check_json(content[media]["schema"], exchange)
        else:
            self._check_text(exchange)

    def _check_json(self, schema, exchange):
        try:
            value = strict_json(exchange.answer.decode())
        except ValueError as error:
            raise Drift(f"the body is not JSON: {error}") from None
        found = self.complaints(schema, value)
        if found:
            raise Drift("; ".join(found[:5]))
        if exchange.headers.get("Content-Type") == PROBLEM:
            self._check_problem(value, exchange)

    @staticmethod
    def _check_problem(value, exchange):
        if value["status"] != exchange.status:
            raise Drift(f"the body says status {value['status']}")
        if not value["detail"] or re.search(r"(?<!\.\.)\.$", value["detail"]):
            raise Drift(f"detail is a sentence without a full stop; found {value['detail']!r}")
        if exchange.status in (429, 503) and not exchange.headers.get("Retry-After"):
            raise Drift("it does not say when to try again")

    def _check_csv(self, content, exchange):
        """Columns are named as the fields of the items; every row has all of them."""
        try:
            rows = list(csv.reader(io.StringIO(exchange.answer.decode(), newline=""), strict=True))
        except (ValueError, csv.Error) as error:
            raise Drift(f"the body is not CSV: {error}") from None
        listing = self.resolve(content["application/json"]["schema"])
        item = self.resolve(self.resolve(listing["properties"]["items"])["items"])
        unknown = set(rows[0] if rows else []) - set(item["properties"]) - {""}
        if unknown:
            raise Drift(f"columns that are no fields: {sorted(unknown)}")
        for row in rows[1:]:
            if len(row) != len(rows[0]):
                raise Drift(f"a row has {len(row)} cells, the head {len(rows[0])}: {row}")

    @staticmethod
    def _check_text(exchange):
        try:
            exchange.answer.decode()
        except ValueError:
            raise Drift("the body is not UTF-8") from None

    # ---- what was accepted ----

    def _check_accepted(self, operation, exchange, query):
        """A server that takes what the contract forbids has another contract."""
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            parameter = operation.parameter("query", name)
            if parameter is None and operation.about.get("x-other-parameters") == "ignored":
                continue  # as the program does that it stands for
            if parameter is None:
                raise Drift(f"it took the query parameter {name!r}, which the contract does not know")
            found = self.parameter_complaints(parameter, value)
            if found:
                raise Drift(f"it took {name}={value!r}: {found[0]}")
        wanted = operation.about.get("requestBody")
        if wanted is None or (not exchange.body and not wanted["required"]):
            return
        if "application/x-protobuf" in wanted["content"]:
            return
        if "application/x-www-form-urlencoded" in wanted["content"]:  # what a page's form sends
            urllib.parse.parse_qsl(exchange.body.decode(), keep_blank_values=True, strict_parsing=bool(exchange.body))
            return
        try:
            value = strict_json(exchange.body.decode())
        except ValueError as error:
            raise Drift(f"it took a body that is not JSON: {error}") from None
        found = self.request_complaints(wanted["content"]["application/json"]["schema"], value)
        if found:
            raise Drift(f"it took a body the contract forbids: {'; '.join(found[:3])}")

    def request_complaints(self, schema, body):
        """In a request null is as absent; both readings of it must be wrong."""
        return self.complaints(schema, body) and self.complaints(schema, without_null(body))

    def parameter_complaints(self, parameter, text):
        schema = self.resolve(parameter["schema"])
        if schema.get("type") == "array":
            return [line for part in text.split(",") for line in self.complaints(schema["items"], part)]
        if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
            return self.complaints(schema, int(text))
        if schema.get("type") == "boolean" and text in ("true", "false"):
            return []
        return self.complaints(schema, text)

    def check_notice(self, event):
        """One event of the stream; `hello` and `reset` are notices as well."""
        found = self.complaints({"$ref": "#/components/schemas/EventNotice"}, strict_json(event["data"]))
        notice = json.loads(event["data"])
        if found:
            raise Drift(f"event {event}: {'; '.join(found)}")
        if notice["kind"] != event["event"]:
            raise Drift(f"event {event}: its name and its kind differ")


@functools.cache
def contract():
    """The contract of this tree, read once."""
    return Contract((TOP / "openapi.yaml").read_bytes())
