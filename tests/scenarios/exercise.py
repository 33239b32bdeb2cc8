"""exercise.py: one valid request for every operation of openapi.yaml.

Each function makes what its request is about and returns the request; `who` is the client that will send
it. test_contract sends each as an admin; test_permissions as the least who may; an operation of openapi.yaml
without a function here is a failure, so a new endpoint cannot come without its example.
"""
import dataclasses
import itertools

import samples
from mainstay import wait_until
from world import Person, World, in_time

MAKERS = {}
numbers = itertools.count(1)
MATRIX = [["P1", "P2", "P3"], ["P2", "P3", "P4"], ["P3", "P4", "P5"]]


@dataclasses.dataclass
class Request:
    params: dict = dataclasses.field(default_factory=dict)
    query: str = ""
    body: object = None
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    client: object = None  # another one than `who`, when the request ends its own session
    keep: bool = True  # the same request may be sent again


def makes(name):
    def keep(function):
        MAKERS[name] = function
        return function
    return keep


def simple(name, **request):
    MAKERS[name] = lambda world, who, person: Request(**request)


def path_of(operation, request):
    path = operation.path
    for name, value in request.params.items():
        path = path.replace("{%s}" % name, str(value))
    assert "{" not in path, f"{operation.id}: {path} lacks a parameter"
    return path + ("?" + request.query if request.query else "")


def send(operation, request, who, **more):
    return (request.client or who).request(operation.method, path_of(operation, request), request.body,
                                           headers=request.headers, **more)


# ---- ways in ----

simple("alertmanager_alerts", query='active=true&filter=service%3D%22shop%22&filter=a%21%3D%22b%22')
simple("alertmanager_status")
simple("alertmanager_healthy")
simple("alertmanager_ready")


@makes("alertmanager_post")
def alertmanager_post(world: World, who, person: Person):
    return Request(body=[{"labels": {"alertname": "Exercise", "number": str(next(numbers))},
                          "annotations": {"summary": "an alert"}, "generatorURL": "http://prometheus.example.org/graph"}])


# ---- time series ----

for each in ("buildinfo", "flags", "runtimeinfo", "tsdb", "metadata"):
    simple(f"prometheus_{each}")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
for name, query in (("query", "query=1%2B1&time=1435781430.781"), ("labels", "match%5B%5D=up&limit=5"),
                    ("query_range", "query=vector(1)&start=0&end=60&step=15"), ("series", "match%5B%5D=up&start=0")):
    simple(f"prometheus_{name}", query=query)
    simple(f"prometheus_{name}_post", body=query.encode(), headers=FORM)
simple("prometheus_targets", query="state=any&scrapePool=node")
simple("own_metrics")
simple("probe", query="target=127.0.0.1:1&module=tcp_connect&debug=false")
simple("prometheus_label_values", params={"name": "job"}, query="start=2020-01-01T00:00:00Z")


@makes("prometheus_write")
def prometheus_write(world: World, who, person: Person):
    return Request(body=samples.body({"__name__": "exercise", "number": str(next(numbers))}), headers=samples.HEADERS, status=204)


# ---- the session and people ----

simple("session_get")
simple("user_list", query="q=a&limit=200")
simple("now_get")


@makes("session_create")
def session_create(world: World, who, person: Person):
    somebody = world.new_person("viewer")
    secret = f"a long secret {somebody.id}"
    somebody.client.put("session/password", {"password": secret})
    return Request(body={"email": somebody.email, "password": secret}, client=world.server.client())


@makes("session_delete")
def session_delete(world, who, person):
    return Request(status=204, client=world.again(person) if not who.token else None, keep=False)


@makes("session_link")
def session_link(world, who, person):
    somebody = world.new_person("viewer")
    link = world.admin.client.post(f"users/{somebody.id}/reset-link")["link"]
    return Request(body={"token": link.partition("#")[2]}, client=world.server.client(), keep=False)


@makes("session_password")
def session_password(world, who, person):
    somebody = world.new_person(person.role)
    return Request(body={"password": f"another secret {somebody.id}"}, status=204, client=somebody.client)


@makes("user_create")
def user_create(world, who, person):
    number = world.number()
    return Request(body={"name": f"New {number}", "email": f"new{number}@example.com", "role": "viewer"}, status=201,
                   keep=False)


@makes("user_get")
def user_get(world, who, person):
    return Request({"id": person.id})


@makes("user_update")
def user_update(world, who, person):
    return Request({"id": person.id}, body={"name": f"{person.name} {world.number()}", "time_zone": "Europe/Paris"})


@makes("user_invite")
@makes("user_reset_link")
def user_link(world, who, person):
    return Request({"id": world.new_person("viewer").id})


@makes("contact_list")
def contact_list(world, who, person):
    return Request({"id": person.id})


@makes("contact_create")
def contact_create(world, who, person):
    return Request({"id": person.id}, status=201,
                   body={"channel": "webhook", "address": {"url": "https://hooks.example.com/x"}, "label": "hook",
                         "order": 3, "delay": "1m", "urgency": "high", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


@makes("contact_update")
def contact_update(world, who, person):
    made = world.contact(person)
    return Request({"id": person.id, "contact": made["id"]}, body={"label": "renamed", "order": 2, "delay": "2m"})


@makes("contact_delete")
def contact_delete(world, who, person):
    return Request({"id": person.id, "contact": world.contact(person)["id"]}, status=204, keep=False)


@makes("contact_test")
def contact_test(world, who, person):
    return Request({"id": world.contact(person)["id"]}, status=202)


@makes("token_list")
def token_list(world, who, person):
    world.token(person.role, "read")
    return Request()


@makes("token_create")
def token_create(world, who, person):
    return Request(body={"name": "script", "scopes": ["read", "act"], "expires_at": in_time(hours=12)}, status=201)


@makes("token_delete")
def token_delete(world, who, person):
    return Request({"id": person.token("read").token_id}, status=204)


simple("ways_in_get")
simple("integration_list", query="limit=5")


@makes("integration_create")
def integration_create(world, who, person):
    return Request(body={"name": f"Program {world.number()}", "service": world.things()["Service"]}, status=201)


def integration(world):
    return world.admin.client.post("integrations", integration_create(world, None, None).body)


@makes("integration_rotate")
def integration_rotate(world, who, person):
    return Request({"id": integration(world)["integration"]["id"]})


@makes("integration_test")
def integration_test(world, who, person):
    return Request({"id": integration(world)["integration"]["id"]})


@makes("integration_delete")
def integration_delete(world, who, person):
    return Request({"id": integration(world)["integration"]["id"]}, status=204, keep=False)


@makes("enqueue")
def enqueue(world, who, person):
    return Request(body={"routing_key": integration(world)["routing_key"], "event_action": "trigger",
                         "dedup_key": f"exercise {world.number()}",
                         "payload": {"summary": "exercise", "source": "a test", "severity": "info"}}, status=202)


# ---- secrets ----

simple("secret_list", query="limit=5")


@makes("secret_put")
def secret_put(world, who, person):
    return Request({"name": f"secret-{world.number()}"}, body={"value": "postgres://u:p@h/d", "about": "a database"})


@makes("secret_delete")
def secret_delete(world, who, person):
    request = secret_put(world, None, None)
    world.admin.client.put(f"secrets/{request.params['name']}", request.body)
    return Request(request.params, status=204, keep=False)


# ---- incidents ----

simple("incident_list", query="state=open,acknowledged&priority=P4,P5&limit=5&q=incident&from=2020-01-01T00:00:00Z")
simple("page_list", query="state=queued,sent,failed&channel=browser&limit=5")
simple("alert_list", query="state=firing,resolved&limit=5")


@makes("incident_create")
def incident_create(world, who, person):
    return Request(body={"title": "by hand", "impact": "low", "urgency": "low", "visibility": "private"}, status=201)


@makes("incident_get")
@makes("incident_timeline")
def incident_read(world, who, person):
    made = world.incident()
    world.admin.client.post(f"incidents/{made['id']}/note", {"text": "seen"})
    world.admin.client.post(f"incidents/{made['id']}/resolve", {"reason": "over"})
    return Request({"id": made["id"]})


def act(name, **request):
    def make(world, who, person):
        return Request({"id": world.incident()["id"]}, keep=False, **request)
    MAKERS[name] = make


act("incident_acknowledge")
act("incident_resolve", body={"reason": "it was a cable"})
act("incident_note", body={"text": "a cable"})
act("incident_priority", body={"impact": "low", "urgency": "medium", "reason": "it is worse"})
act("incident_escalate")
act("incident_retitle", body={"title": "cable"})


@makes("incident_reopen")
def incident_reopen(world, who, person):
    made = world.incident()
    world.admin.client.post(f"incidents/{made['id']}/resolve")
    return Request({"id": made["id"]}, keep=False)


@makes("incident_undo")
def incident_undo(world, who, person):
    made = world.incident()
    done = who.post(f"incidents/{made['id']}/note", {"text": "wrong"})
    return Request({"id": made["id"]}, body={"seq": done["seq"]}, keep=False)


@makes("browser_page_ack")
def browser_page_ack(world, who, person):
    page = person.client.post(f"contacts/{world.contact(person)['id']}/test")
    return Request(body={"page": page["id"], "shown": True, "detail": "shown"}, status=204)


@makes("link_show")
@makes("link_acknowledge")
def link(world, who, person):
    return Request({"token": world.link(world.incident()["id"])})


# ---- telling people ----

UPDATE = {"audience": "customers", "state": "investigating", "text": "Since 14:02 UTC paying fails."}


def of_incident(name, **request):
    MAKERS[name] = lambda world, who, person: Request({"id": world.incident()["id"]}, **request)


of_incident("update_list")
of_incident("update_draft", query="audience=executives&state=identified")
of_incident("update_check", body=UPDATE)
of_incident("update_create", body=UPDATE | {"title": "Paying fails", "next_at": in_time(hours=1)}, status=201)


@makes("update_withdraw")
def update_withdraw(world, who, person):
    made = world.incident()
    update = who.post(f"incidents/{made['id']}/updates", UPDATE)
    return Request({"id": made["id"], "update": update["id"]}, keep=False)


@makes("update_edit")
def update_edit(world, who, person):
    made = world.incident()
    update = world.admin.client.post(f"incidents/{made['id']}/updates", UPDATE)
    return Request({"id": made["id"], "update": update["id"]}, body={"text": "Only by card.", "reason": "a slip"})


def maintenance_body(world):
    return {"title": "New disks", "text": "Slow.", "services": [world.things()["Service"]], "from": in_time(hours=2),
            "until": in_time(hours=3)}


def maintenance(world):
    return world.admin.client.post("maintenances", maintenance_body(world))


simple("maintenance_list", query="state=scheduled,in_progress&limit=5")
simple("component_list")
simple("status_list")


@makes("maintenance_create")
def maintenance_create(world, who, person):
    return Request(body=maintenance_body(world), status=201)


@makes("maintenance_get")
def maintenance_get(world, who, person):
    return Request({"id": maintenance(world)["id"]})


@makes("maintenance_update")
def maintenance_update(world, who, person):
    made = maintenance(world)
    return Request({"id": made["id"]}, body=maintenance_body(world) | {"title": "Newer disks"})


@makes("maintenance_move")
def maintenance_move(world, who, person):
    return Request({"id": maintenance(world)["id"]}, body={"to": "cancelled", "text": "not today"}, keep=False)


@makes("maintenance_note")
def maintenance_note(world, who, person):
    return Request({"id": maintenance(world)["id"]}, body={"text": "we have them"})


def override(world):
    return {"service": world.things()["Service"], "status": "partial_outage", "for": "1h", "reason": "we feel it"}


@makes("component_override")
def component_override(world, who, person):
    return Request(body=override(world), status=201)


@makes("component_release")
def component_release(world, who, person):
    return Request({"id": world.admin.client.post("component-overrides", override(world))["id"]}, status=204, keep=False)


def status_page(world):
    """A page with one incident on it; its address parts are read from its own JSON."""
    if not getattr(world, "status_incident", None):
        world.status_service = world.things()["Service"]
        world.define("StatusPage", "exercise", {"title": "Exercise", "automatic": "P5", "groups": [
            {"components": [{"service": world.status_service}]}]})
        world.incident(service=world.status_service)
        shown = lambda: (lambda got: got.status == 200 and got.json["incidents"])(  # noqa: E731
            world.admin.client.request("GET", "/status/exercise/api/v2/incidents.json"))
        world.status_incident = wait_until(shown, 20, "an incident on the status page")[0]["id"]
    return world.status_incident


def of_page(name, **params):
    def make(world, who, person):
        incident = status_page(world)
        return Request({"page": "exercise"} | ({"incident": incident} if name == "status_incident" else params))
    MAKERS[name] = make


of_page("status_page")
of_page("status_file", file="history.atom")
of_page("status_incident")
of_page("status_document", file="summary.json")
of_page("status_documents", kind="incidents", file="unresolved.json")
of_page("page_subscribe_form")
of_page("page_report_form")


@makes("page_subscribe_form_send")
def page_subscribe_form_send(world, who, person):
    status_page(world)
    return Request({"page": "exercise"}, body=b"email=somebody%40example.com", status=202, headers=dict(FORM))


@makes("page_report_form_send")
def page_report_form_send(world, who, person):
    status_page(world)
    return Request({"page": "exercise"}, body=b"text=It+hangs&severity=small&website=", status=201, headers=dict(FORM))


@makes("status_rate")
def status_rate(world, who, person):
    """The words of a person about the incident on the page; of those that come by themselves nobody is asked."""
    status_page(world)
    if not getattr(world, "status_update", None):
        incident = world.incident(service=world.status_service)["id"]
        world.admin.client.post(f"incidents/{incident}/updates", {"audience": "customers", "state": "investigating",
                                                                 "title": "Exercised", "text": "We look into it."})
        def shown():
            rows = world.admin.client.request("GET", "/status/exercise/api/v2/incidents.json").json["incidents"]
            return [(row["id"], row["incident_updates"][0]["id"]) for row in rows if row["name"] == "Exercised"]
        world.status_update = wait_until(shown, 30, "an update on the status page")[0]
    page_incident, update = world.status_update
    return Request({"page": "exercise", "incident": page_incident}, body=f"update={update}&act=helped".encode(), headers=dict(FORM))


# ---- what people outside say ----

simple("report_list", query="state=new,joined&limit=5")
simple("report_inbox")
simple("report_form")


def report(world):
    return world.admin.client.post("reports", {"text": f"it hangs {world.number()}", "severity": "small"})["id"]


@makes("report_create")
def report_create(world, who, person):
    return Request(body={"text": "it hangs", "severity": "stopped", "since": in_time(hours=-1)}, status=201, keep=False)


@makes("report_get")
def report_get(world, who, person):
    return Request({"id": report(world)})


@makes("report_accept")
def report_accept(world, who, person):
    return Request({"id": report(world)}, body={"title": "reported by people", "impact": "low", "urgency": "low"}, keep=False)


@makes("report_join")
def report_join(world, who, person):
    return Request({"id": report(world)}, body={"incident": world.incident()["id"]}, keep=False)


@makes("report_duplicate")
def report_duplicate(world, who, person):
    return Request({"id": report(world)}, body={"of": report(world)}, keep=False)


@makes("report_answer")
def report_answer(world, who, person):
    return Request({"id": report(world)}, body={"text": "please try again"}, keep=False)


@makes("report_reject")
def report_reject(world, who, person):
    return Request({"id": report(world)}, body={"reason": "not ours"}, keep=False)


@makes("report_undo")
def report_undo(world, who, person):
    number = report(world)
    done = who.post(f"reports/{number}/reject", {"reason": "a slip"})
    return Request({"id": number}, body={"seq": done["seq"]}, keep=False)


@makes("report_erase")
def report_erase(world, who, person):
    return Request({"id": report(world)})


@makes("incident_people")
def incident_people(world, who, person):
    return Request({"id": world.incident()["id"]})


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@makes("report_form_send")
def report_form_send(world, who, person):
    return Request(body=b"text=It+hangs&severity=small&website=", status=201, headers=dict(FORM))


@makes("report_link")
def report_link(world, who, person):
    return Request({"token": "1-00000000000000000000000000000000"}, status=404)


@makes("report_link_press")
def report_link_press(world, who, person):
    return Request({"token": "1-00000000000000000000000000000000"}, body=b"act=confirm", status=404, headers=dict(FORM))


# ---- who outside is told ----

simple("subscriber_list", query="state=active&q=example&limit=5")
simple("subscriber_counts")
simple("subscribe_form")


def subscriber(world):
    return world.admin.client.post("subscribers", {"address": f"sub{world.number()}@example.com"})["id"]


@makes("subscriber_create")
def subscriber_create(world, who, person):
    return Request(body={"address": f"sub{world.number()}@example.com", "agreed": True}, status=201, keep=False)


@makes("subscriber_import")
def subscriber_import(world, who, person):
    return Request(body={"csv": f"address\nsub{world.number()}@example.com\n", "agreed": False})


@makes("subscriber_get")
@makes("subscriber_ask")
def subscriber_get(world, who, person):
    return Request({"id": subscriber(world)})


@makes("subscriber_update")
def subscriber_update(world, who, person):
    return Request({"id": subscriber(world)}, body={"services": []})


@makes("subscriber_delete")
def subscriber_delete(world, who, person):
    return Request({"id": subscriber(world)}, status=204, keep=False)


@makes("subscriber_resume")
def subscriber_resume(world, who, person):
    return Request({"id": subscriber(world)}, status=409)


@makes("subscribe_form_send")
def subscribe_form_send(world, who, person):
    return Request(body=b"email=somebody%40example.com", status=202, headers=dict(FORM))


@makes("subscriber_link")
def subscriber_link(world, who, person):
    return Request({"token": "1-00000000000000000000000000000000"}, status=404)


@makes("subscriber_link_press")
def subscriber_link_press(world, who, person):
    return Request({"token": "1-00000000000000000000000000000000"}, body=b"act=leave", status=404, headers=dict(FORM))


# ---- checks and services ----

simple("check_list", query="state=up,down,unknown&bars=true&muted=false&limit=5&q=check")
# ---- reviews ----

simple("review_list", query="state=draft,published&priority=P4,P5&overdue=false&owner=1&limit=5&q=x")
simple("review_action_list", query="state=open,done&overdue=true&limit=5")
simple("review_trends", query="from=2020-01-01T00:00:00Z")


def reviewed(world):
    """An incident that is over, with a review."""
    made = world.incident()
    world.admin.client.post(f"incidents/{made['id']}/resolve", {"reason": "over"})
    world.admin.client.post("reviews", {"incident": made["id"]})
    return made["id"]


def of_review(name, **request):
    MAKERS[name] = lambda world, who, person: Request({"id": reviewed(world)}, **request)


of_review("review_get")
of_review("review_history")
of_review("review_export")
of_review("review_update", body={"owner": 0, "due_at": "2030-01-01T00:00:00Z"})
of_review("review_state", body={"state": "in_review", "reason": "read it"}, keep=False)
of_review("review_factor_create", status=201, body={"kind": "technical", "text": "the pool was small", "parent": 0})
of_review("review_action_create", status=201,
          body={"text": "enlarge the pool", "due_at": "2030-01-01T00:00:00Z", "link": "https://tickets.example.com/7"})


@makes("review_start")
def review_start(world, who, person):
    made = world.incident()
    world.admin.client.post(f"incidents/{made['id']}/resolve")
    return Request(body={"incident": made["id"]}, status=201, keep=False)


@makes("review_write")
def review_write(world, who, person):
    return Request({"id": reviewed(world), "section": "summary"}, body={"text": "It stood still."},
                   headers={"If-Match": '"0"'}, keep=False)


@makes("review_factor_update")
@makes("review_factor_delete")
def review_factor(world, who, person):
    number = reviewed(world)
    made = world.admin.client.post(f"reviews/{number}/factors", {"kind": "process", "text": "nobody looked"})
    return Request({"id": number, "factor": made["id"]}, body={"kind": "information", "text": "nothing showed it"})


MAKERS["review_factor_delete"] = lambda world, who, person: dataclasses.replace(
    review_factor(world, who, person), body=None, status=204, keep=False)


@makes("review_action_update")
def review_action_update(world, who, person):
    number = reviewed(world)
    made = world.admin.client.post(f"reviews/{number}/actions", {"text": "look at it"})
    return Request({"id": number, "action": made["id"]}, body={"state": "done", "link": ""})


simple("mute_list")
simple("service_list", query="q=service&limit=5")


def of_check(name, **request):
    MAKERS[name] = lambda world, who, person: Request({"name": world.things()["Check"]}, **request)


of_check("check_get")
of_check("check_series", query="step=hour")
of_check("check_results")
of_check("check_run")


@makes("check_pause")
def check_pause(world, who, person):
    name = f"paused{world.number()}"
    world.define("Check", name, world.check_spec())
    return Request({"name": name}, body={"reason": "maintenance"}, keep=False)


@makes("check_address")
def check_address(world, who, person):
    name = f"job{world.number()}"
    world.define("Check", name, {"kind": "heartbeat", "every": "1h"})
    return Request({"name": name}, status=201, keep=False)


def address_of(world):
    request = check_address(world, None, None)
    made = world.admin.client.post(f"checks/{request.params['name']}/address")
    return {"token": made["url"].rpartition("/")[2]}


@makes("beat")
def beat(world, who, person):
    return Request(address_of(world), keep=False)


@makes("beat_explain")
def beat_explain(world, who, person):
    return Request(address_of(world), status=405)


@makes("check_resume")
def check_resume(world, who, person):
    request = check_pause(world, who, person)
    world.admin.client.post(f"checks/{request.params['name']}/pause", request.body)
    return Request(request.params, keep=False)


@makes("check_test")
def check_test(world, who, person):
    return Request(body={"spec": world.check_spec()})


@makes("mute_create")
def mute_create(world, who, person):
    return Request(body={"kind": "check", "name": world.things()["Check"], "for": "15m", "reason": "a change"}, status=201)


@makes("mute_delete")
def mute_delete(world, who, person):
    made = world.admin.client.post("mutes", {"kind": "all", "for": "1h", "reason": "a change"})
    return Request({"id": made["id"]}, status=204, keep=False)


@makes("service_get")
def service_get(world, who, person):
    return Request({"name": world.things()["Service"]})


# ---- on call ----

@makes("on_call_get")
@makes("schedule_list")
def on_call(world, who, person):
    world.things()
    return Request()


def of_schedule(name, **request):
    MAKERS[name] = lambda world, who, person: Request({"name": world.things()["Schedule"]}, **request)


of_schedule("schedule_shifts", query="from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z")
of_schedule("override_list")
of_schedule("schedule_calendar")


@makes("override_create")
def override_create(world, who, person):
    return Request({"name": world.things()["Schedule"]}, status=201,
                   body={"user": person.id, "until": in_time(hours=3), "reason": "I take it"})


@makes("override_delete")
def override_delete(world, who, person):
    made = world.admin.client.post(f"schedules/{world.things()['Schedule']}/overrides",
                                   {"user": world.admin.id, "until": in_time(hours=2)})
    return Request({"id": made["id"]}, status=204, keep=False)


# ---- definitions ----

simple("kind_list")
simple("definition_list", params={"kind": "Service"}, query="limit=2&q=service")
simple("export", query="kind=Service")


@makes("definition_get")
def definition_get(world, who, person):
    return Request({"kind": "Service", "name": world.things()["Service"]})


@makes("definition_put")
def definition_put(world, who, person):
    return Request({"kind": "PriorityMatrix", "name": f"matrix{world.number()}"}, body={"spec": {"cells": MATRIX}},
                   status=201, keep=False)


@makes("definition_delete")
def definition_delete(world, who, person):
    name = f"short-lived{world.number()}"
    world.define("Service", name, {"about": "soon gone"})
    return Request({"kind": "Service", "name": name}, status=204, keep=False)


@makes("apply")
def apply(world, who, person):
    number = world.number()
    text = f"apiVersion: mainstay/v1\nkind: Service\nmetadata:\n  name: applied{number}\nspec:\n  about: by file\n"
    return Request(body={"set": f"set{number}", "files": [{"name": "a.yaml", "text": text}], "dry_run": False})


simple("discovery_get")


@makes("discovery_watch")
def discovery_watch(world, who, person):
    host, _, port = world.server.address.rpartition(":")
    return Request(body={"items": [{"address": host, "port": int(port)}]}, keep=False)


# ---- the record, settings, the system ----

simple("journal_list", query="kind=user.&limit=5&from=2020-01-01T00:00:00Z")
simple("journal_checkpoint")
simple("journal_proof", params={"seq": 1})
simple("settings_get")
simple("settings_notifications", body={"smtp": {"host": "127.0.0.1", "port": 2525, "security": "none",
                                                "from": "mainstay@example.com"}})
simple("openapi_get")
simple("healthz")
simple("readyz")
