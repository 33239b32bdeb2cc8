/* api_report.c: reports of problems: taken from anybody, dealt with by responders. */
#include "api/api_report.h"

#include "api/api_handlers.h"
#include "api/api_incident_view.h"
#include "comms/comms_page.h"
#include "journal/journal.h"

#define SLICE 100u     /* rows read at once */
#define SCAN_MAX 5000u /* rows looked at for one page; a short page still has a `next` */
#define INBOX_LOOKS_BACK TIME_DAY
#define SUGGEST_WITHIN TIME_DAY
#define PEOPLE_SHOWN 50u

static const char *const severities[] = { "stopped", "hindered", "small", NULL };
static const char *const levels[] = { "high", "medium", "low", NULL };

/* ---- who may see one: whoever sees the incident it counts to ---- */

static bool sees(struct api_call *call, const struct report *report)
{
	struct incident incident;
	return report->incident == 0 || api_incident(call, report->incident, &incident, NULL) == OK;
}

static enum err find(struct api_call *call, int64_t id, struct report *ret_report, struct error *err)
{
	enum err r = report_get(call->conn, id, &call->arena, ret_report, err);
	if (r == OK && !sees(call, ret_report))
		r = error_set(err, ERR_NOT_FOUND, "there is no report %lld", (long long)id);
	return r;
}

/* ---- writing ---- */

/* The newest incident of the service that is open: what the report is most likely about. */
struct suggesting {
	struct incident incident;
	bool found;
};

static bool suggest(void *context, const struct incident *incident)
{
	struct suggesting *suggesting = context;
	*suggesting = (struct suggesting){ *incident, true };
	return false;
}

static void write_suggested(struct api_call *call, const struct report *report)
{
	struct suggesting suggesting = { .found = false };
	struct incident over;
	bool again = str_is(report->state, "new") && str_is(report->verdict, "not_fixed") &&
		     api_incident(call, report->verdict_of, &over, NULL) == OK;
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, NULL, "? IN (opened_by, acknowledged_by)", visible);
	struct incident_filter filter = {
		.service = report->service,
		.states = STR("open,acknowledged"),
		.limit = 1,
		.visible = str_of(visible->text),
		.visible_values = visible->values,
		.visible_count = visible->count,
	};
	json_key(&call->json, "suggested");
	if (again) {
		json_map_begin(&call->json);
		json_field_int(&call->json, "id", over.id);
		json_field_text(&call->json, "title", over.title);
		json_field_cstr(&call->json, "reason", "who sent it says that this is not fixed for them");
		json_map_end(&call->json);
		return;
	}
	bool asked = str_is(report->state, "new") && report->service.len > 0 &&
		     incident_list(call->conn, &filter, &call->arena, suggest, &suggesting, NULL) == OK;
	if (!asked || !suggesting.found) {
		json_null(&call->json);
		return;
	}
	char age[DURATION_TEXT_BYTES];
	time_us began = suggesting.incident.opened - report->received;
	duration_words(began < 0 ? -began : began, age);
	json_map_begin(&call->json);
	json_field_int(&call->json, "id", suggesting.incident.id);
	json_field_text(&call->json, "title", suggesting.incident.title);
	json_field_text(&call->json, "reason",
			arena_printf(&call->arena, "the same service; it began %s %s", age,
				     began > 0 ? "after the report came" : "before the report came"));
	json_map_end(&call->json);
}

static void write_proposed(struct api_call *call, const struct report *report)
{
	struct incident as = { .impact = report->impact, .urgency = report->urgency, .why = report->why };
	json_key(&call->json, "proposed");
	json_map_begin(&call->json);
	json_field_text(&call->json, "priority", report->priority);
	api_incident_why(call, &as);
	json_map_end(&call->json);
}

static enum err write_report(struct api_call *call, const struct report *report, struct error *err)
{
	struct json_writer *json = &call->json;
	struct str words = STR_NONE, title = STR_NONE, component = STR_NONE;
	struct incident other;
	enum err r = report_words(call->conn, report->id, &call->arena, &words, err);
	if (r == OK && report->page.len > 0)
		r = comms_page_words(call->conn, report->page, report->service, &call->arena, &title, &component, err);
	if (r != OK)
		return r;
	json_map_begin(json);
	json_field_int(json, "id", report->id);
	json_field_text(json, "state", report->state);
	json_field_text_or_null(json, "text", words);
	json_field_text_or_null(json, "service", report->service);
	json_field_text_or_null(json, "page", report->page);
	json_field_text_or_null(json, "page_title", title);
	json_field_text_or_null(json, "component", component);
	json_field_text(json, "severity", report->severity);
	write_proposed(call, report);
	json_field_time(json, "since", report->since);
	json_field_time(json, "received_at", report->received);
	json_field_text(json, "source", report->source);
	api_person(call, "by", report->user);
	json_field_bool(json, "wants_news", report->wants_news);
	json_field_bool(json, "confirmed", report->confirmed);
	json_field_id_or_null(json, "incident", report->incident);
	json_field_id_or_null(json, "duplicate_of", report->of);
	json_field_text_or_null(json, "reason", report->reason);
	api_person(call, "triaged_by", report->triaged_by);
	json_field_time(json, "triaged_at", report->triaged);
	json_field_text_or_null(json, "verdict", report->verdict);
	json_field_time(json, "verdict_at", report->verdict_at);
	json_field_id_or_null(json, "verdict_of",
			      api_incident(call, report->verdict_of, &other, NULL) == OK ? report->verdict_of : 0);
	json_field_text_or_null(json, "erased", report->erased);
	write_suggested(call, report);
	json_map_end(json);
	return OK;
}

/* ---- reading ---- */

struct listing {
	struct api_call *call;
	struct api_list list;
	struct error *err;
	enum err result;
	unsigned seen;
	int64_t looked_at;
};

static bool list_report(void *context, const struct report *report)
{
	struct listing *listing = context;
	listing->seen++;
	listing->looked_at = report->id;
	if (!sees(listing->call, report))
		return true;
	if (!api_list_row(&listing->list, report->id, STR_NONE))
		return false;
	listing->result = write_report(listing->call, report, listing->err);
	return listing->result == OK;
}

/* Rows that the caller may not see are passed over before they are counted. */
static bool goes_on(struct listing *listing, unsigned *scanned)
{
	*scanned += listing->seen;
	if (listing->list.more || listing->seen < SLICE || listing->result != OK)
		return false;
	if (*scanned < SCAN_MAX)
		return true;
	listing->list.more = true;
	listing->list.last_id = listing->looked_at;
	return false;
}

enum err api_report_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call, .err = err };
	struct incident incident;
	struct report_filter filter = {
		.states = api_query(call, "state"), .service = api_query(call, "service"), .limit = SLICE,
	};
	str_int(api_query(call, "incident"), 1, INT64_MAX, &filter.incident);
	enum err r = filter.incident > 0 ? api_incident(call, filter.incident, &incident, err) : OK;
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	unsigned scanned = 0;
	do {
		listing.seen = 0;
		r = report_list(call->conn, &filter, &call->arena, list_report, &listing, err);
		filter.before_id = listing.looked_at;
	} while (r == OK && goes_on(&listing, &scanned));
	api_list_end(call, &listing.list);
	return listing.result != OK ? listing.result : r;
}

enum err api_report_get(struct api_call *call, struct error *err)
{
	struct report report;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = find(call, id, &report, err);
	return r == OK ? write_report(call, &report, err) : r;
}

/* ---- the inbox at a glance ---- */

static bool write_surge(void *context, const struct report_surge *surge)
{
	struct api_call *call = context;
	struct incident incident;
	bool shown = surge->incident == 0 || api_incident(call, surge->incident, &incident, NULL) == OK;
	if (!shown)
		return true;
	json_map_begin(&call->json);
	json_field_text(&call->json, "service", surge->service);
	json_field_int(&call->json, "count", surge->count);
	json_field_time(&call->json, "at", surge->at);
	json_field_id_or_null(&call->json, "incident", surge->incident);
	json_map_end(&call->json);
	return true;
}

static bool write_drop(void *context, const struct report_drop *drop)
{
	struct api_call *call = context;
	json_map_begin(&call->json);
	json_field_text(&call->json, "reason", drop->reason);
	json_field_text_or_null(&call->json, "service", drop->service);
	json_field_int(&call->json, "count", drop->count);
	json_field_time(&call->json, "hour", drop->hour);
	json_field_time(&call->json, "last", drop->last);
	json_map_end(&call->json);
	return true;
}

struct counting {
	struct api_call *call;
	int64_t count;
};

static bool count_new(void *context, const struct report *report)
{
	((struct counting *)context)->count += sees(((struct counting *)context)->call, report);
	return true;
}

enum err api_report_inbox(struct api_call *call, struct error *err)
{
	struct counting counting = { .call = call };
	struct report_filter filter = { .states = STR("new"), .limit = REPORT_NEW_MAX };
	enum err r = report_list(call->conn, &filter, &call->arena, count_new, &counting, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_int(&call->json, "new", counting.count);
	json_field_int(&call->json, "new_max", REPORT_NEW_MAX);
	json_key(&call->json, "surges");
	json_list_begin(&call->json);
	r = report_surges(call->conn, call->now - INBOX_LOOKS_BACK, &call->arena, write_surge, call, err);
	json_list_end(&call->json);
	json_key(&call->json, "dropped");
	json_list_begin(&call->json);
	if (r == OK)
		r = report_drops(call->conn, call->now - INBOX_LOOKS_BACK, &call->arena, write_drop, call, err);
	json_list_end(&call->json);
	json_map_end(&call->json);
	return r;
}

enum err api_incident_people(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call, .err = err, .list = { .limit = PEOPLE_SHOWN } };
	struct report_count count;
	struct incident incident;
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_incident(call, id, &incident, err);
	if (r == OK)
		r = report_count_of(call->conn, id, &count, err);
	if (r != OK)
		return r;
	struct report_filter filter = { .incident = id, .limit = PEOPLE_SHOWN };
	json_map_begin(&call->json);
	json_field_int(&call->json, "people", count.people);
	json_field_int(&call->json, "fixed", count.fixed);
	json_field_int(&call->json, "not_fixed", count.not_fixed);
	json_key(&call->json, "items");
	json_list_begin(&call->json);
	r = report_list(call->conn, &filter, &call->arena, list_report, &listing, err);
	json_list_end(&call->json);
	json_map_end(&call->json);
	return listing.result != OK ? listing.result : r;
}

/* ---- taking one ---- */

enum err api_outside(struct api_call *call, struct error *err)
{
	time_us wait;
	enum guard_intake_end end = guard_intake_take(call->api->intake, str_of(call->request->peer),
						      clock_since_boot(call->api->options.clock), &wait);
	if (end == GUARD_INTAKE_TAKEN)
		return OK;
	error_set(err, ERR_LIMIT, end == GUARD_INTAKE_ADDRESS ? "too much was sent from your network in a short time"
							      : "too many people write at this moment");
	error_hint(err, "try again in %lld seconds", (long long)(wait / TIME_SECOND + 1));
	return ERR_LIMIT;
}

struct taking {
	int64_t report;
	bool dropped;
	api_handler *render;
};

static enum err render_taken(struct api_call *call, struct error *err)
{
	struct taking *taking = call->context;
	if (taking->dropped) {
		call->idempotency_key = STR_NONE; /* what was not taken is not answered as if it was */
		return OK;
	}
	return taking->render(call, err);
}

enum err api_report_take(struct api_call *call, struct report_receive *in, api_handler *render, struct error *err)
{
	struct taking taking = { .render = render };
	in->ret_report = &taking.report;
	in->ret_dropped = &taking.dropped;
	in->throttled = guard_intake_refused(call->api->intake);
	call->context = &taking;
	struct actor actor = in->user > 0 ? guard_actor(&call->principal) : ACTOR_SYSTEM;
	enum err r = api_change_as(call, actor, "report_create", report_receive_decide, in, render_taken, err);
	if (r != OK || !taking.dropped)
		return r;
	error_set(err, ERR_UNAVAILABLE, "your report was not taken: %u wait already", REPORT_NEW_MAX);
	error_hint(err, "try again later; the people who work on it can see that more came than they could take");
	return ERR_UNAVAILABLE;
}

static enum err write_taken(struct api_call *call, struct error *err)
{
	const struct taking *taking = call->context;
	(void)err;
	json_map_begin(&call->json);
	json_field_int(&call->json, "id", taking->report);
	json_map_end(&call->json);
	return OK;
}

static const struct spec_field create_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = REPORT_TEXT_BYTES_MAX,
	  .about = "What is wrong." },
	{ .name = "service", .type = SPEC_NAME, .about = "What it is about." },
	{ .name = "severity", .type = SPEC_CHOICE, .choices = severities, .otherwise = "hindered",
	  .about = "How bad it is." },
	{ .name = "since", .type = SPEC_TIME, .about = "Since when." },
	{ .name = "email", .type = SPEC_TEXT, .max = 254, .about = "To be told at, once it was confirmed." },
	{ .name = NULL },
};

/* By a program or the command line of somebody signed in, or by anybody's app. */
enum err api_report_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct str agent = STR_NONE;
	bool signed_in = call->signed_in && guard_may(&call->principal, PERMISSION_SELF);
	enum err r = api_body(call, create_fields, &body, err);
	if (r == OK && !signed_in)
		r = api_outside(call, err);
	if (r != OK)
		return r;
	http_request_header(call->request, "User-Agent", &agent);
	struct report_receive in = {
		.text = doc_text(doc_get(body, "text"), ""),
		.service = doc_text(doc_get(body, "service"), ""),
		.severity = doc_text(doc_get(body, "severity"), "hindered"),
		.email = doc_text(doc_get(body, "email"), ""),
		.source = str_starts(agent, STR("mainstay-cli")) ? STR("cli") : STR("api"),
		.user = signed_in ? call->principal.user : 0,
	};
	time_parse(doc_text(doc_get(body, "since"), ""), &in.since);
	call->status = 201;
	return api_report_take(call, &in, write_taken, err);
}

/* ---- dealing with one ---- */

struct act_row {
	const char *name;
	const struct spec_field *fields;
	decide_fn *decide;
	const char *reason; /* the field that is the act's reason */
	bool undoable;
};

struct acting {
	struct report_act act;
	const struct act_row *row;
};

static enum err write_action(struct api_call *call, struct error *err)
{
	const struct acting *acting = call->context;
	struct report report;
	enum err r = report_get(call->conn, acting->act.report, &call->arena, &report, err);
	if (r != OK)
		return r;
	bool undoable = acting->row->undoable && report.triaged_seq > 0;
	json_map_begin(&call->json);
	json_field_int(&call->json, "seq", report.triaged_seq);
	json_field_time(&call->json, "undo_until", undoable ? report.triaged + REPORT_UNDO_WITHIN : TIME_NONE);
	json_key(&call->json, "report");
	r = write_report(call, &report, err);
	json_map_end(&call->json);
	return r;
}

static enum err act(struct api_call *call, const struct act_row *row, struct error *err)
{
	struct acting acting = { .row = row };
	struct report report, of;
	struct incident incident;
	const struct doc_node *body;
	enum err r = api_id(call, 0, &acting.act.report, err);
	if (r == OK)
		r = find(call, acting.act.report, &report, err);
	if (r == OK)
		r = api_body(call, row->fields, &body, err);
	if (r != OK)
		return r;
	acting.act.incident = doc_int(doc_get(body, "incident"), 0);
	acting.act.of = doc_int(doc_get(body, "of"), 0);
	acting.act.reason = row->reason != NULL ? doc_text(doc_get(body, row->reason), "") : STR_NONE;
	acting.act.title = doc_text(doc_get(body, "title"), "");
	acting.act.impact = doc_text(doc_get(body, "impact"), "");
	acting.act.urgency = doc_text(doc_get(body, "urgency"), "");
	acting.act.seq = doc_int(doc_get(body, "seq"), 0);
	if (acting.act.incident > 0)
		r = api_incident(call, acting.act.incident, &incident, err);
	if (r == OK && acting.act.of > 0)
		r = find(call, acting.act.of, &of, err);
	if (r != OK)
		return r;
	call->context = &acting;
	return api_change(call, row->name, row->decide, &acting.act, write_action, err);
}

#define REASON(flags_, min_, about_) \
	{ .name = "reason", .type = SPEC_TEXT, .flags = flags_, .min = min_, .max = REPORT_REASON_BYTES_MAX, \
	  .about = about_ }

static const struct spec_field accept_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .max = INCIDENT_TITLE_BYTES_MAX, .about = "Of the incident." },
	{ .name = "impact", .type = SPEC_CHOICE, .choices = levels, .about = "As proposed when absent." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = levels, .about = "As proposed when absent." },
	{ .name = NULL },
};
static const struct spec_field join_fields[] = {
	{ .name = "incident", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .max = INT64_MAX,
	  .about = "The incident it counts to." },
	{ .name = NULL },
};
static const struct spec_field duplicate_fields[] = {
	{ .name = "of", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .max = INT64_MAX,
	  .about = "The report that says the same." },
	{ .name = NULL },
};
static const struct spec_field answer_fields[] = {
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = REPORT_REASON_BYTES_MAX,
	  .about = "What the sender is told." },
	{ .name = NULL },
};
static const struct spec_field reject_fields[] = { REASON(SPEC_REQUIRED, 1, "Why."), { .name = NULL } };
static const struct spec_field undo_fields[] = {
	{ .name = "seq", .type = SPEC_INT, .min = 1, .max = INT64_MAX,
	  .about = "What is taken back." },
	{ .name = NULL },
};
static const struct spec_field no_fields[] = { { .name = NULL } };

enum err api_report_accept(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_accept", accept_fields, report_accept_decide, NULL, false };
	return act(call, &row, err);
}

enum err api_report_join(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_join", join_fields, report_join_decide, NULL, true };
	return act(call, &row, err);
}

enum err api_report_duplicate(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_duplicate", duplicate_fields, report_duplicate_decide, NULL, true };
	return act(call, &row, err);
}

enum err api_report_answer(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_answer", answer_fields, report_answer_decide, "text", true };
	return act(call, &row, err);
}

enum err api_report_reject(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_reject", reject_fields, report_reject_decide, "reason", true };
	return act(call, &row, err);
}

enum err api_report_undo(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_undo", undo_fields, report_undo_decide, NULL, false };
	return act(call, &row, err);
}

enum err api_report_erase(struct api_call *call, struct error *err)
{
	static const struct act_row row = { "report_erase", no_fields, report_erase_decide, NULL, false };
	return act(call, &row, err);
}
