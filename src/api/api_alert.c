/* api_alert.c: alerts, mutes and pages. */
#include "alert/alert.h"
#include "api/api_handlers.h"
#include "incident/incident.h"
#include "notify/notify.h"
#include "oncall/paging.h"

#define MUTES_MAX 1000u
#define SLICE 100u     /* rows read at once */
#define SCAN_MAX 5000u /* rows looked at for one page; a short page still has a `next` */

struct listing {
	struct api_call *call;
	struct api_list list;
	unsigned seen;     /* rows of this slice */
	int64_t looked_at; /* id of the last one, shown or not */
	bool of_incident;  /* one is asked for by its number: then even that a page came would tell */
};

/* Rows of incidents that the caller may not see are passed over before they are counted: neither a short
 * page nor a cursor tells of them. True: read another slice, below `looked_at`. */
static bool goes_on(struct listing *listing, unsigned *scanned)
{
	*scanned += listing->seen;
	if (listing->list.more || listing->seen < SLICE)
		return false;
	if (*scanned < SCAN_MAX)
		return true;
	listing->list.more = true;
	listing->list.last_id = listing->looked_at;
	return false;
}

/* ---- alerts ---- */

static bool list_alert(void *context, const struct alert *alert)
{
	struct listing *listing = context;
	struct incident incident;
	listing->seen++;
	listing->looked_at = alert->id;
	if (alert->incident != 0 && api_incident(listing->call, alert->incident, &incident, NULL) != OK)
		return true;
	if (!api_list_row(&listing->list, alert->id, STR_NONE))
		return false;
	api_alert_row(listing->call, alert);
	return true;
}

enum err api_alert_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct alert_filter filter = {
		.states = api_query(call, "state"),
		.check = api_query(call, "check"),
		.service = api_query(call, "service"),
	};
	str_int(api_query(call, "incident"), 1, INT64_MAX, &filter.incident);
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = SLICE;
	unsigned scanned = 0;
	do {
		listing.seen = 0;
		r = alert_list(call->conn, &filter, &call->arena, list_alert, &listing, err);
		filter.before_id = listing.looked_at;
	} while (r == OK && goes_on(&listing, &scanned));
	api_list_end(call, &listing.list);
	return r;
}

/* ---- mutes ---- */

void api_mute_row(struct api_call *call, const struct alert_mute *mute)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", mute->id);
	json_field_text(json, "kind", mute->kind);
	json_key(json, "name");
	if (mute->target.len > 0)
		json_text(json, mute->target);
	else
		json_null(json);
	json_field_text(json, "reason", mute->reason);
	api_person(call, "by", mute->by);
	json_field_time(json, "from", mute->started);
	json_field_time(json, "until", mute->until);
	json_map_end(json);
}

static bool list_mute(void *context, const struct alert_mute *mute)
{
	struct listing *listing = context;
	if (!api_list_row(&listing->list, mute->id, STR_NONE))
		return false;
	api_mute_row(listing->call, mute);
	return true;
}

enum err api_mute_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	listing.list.limit = MUTES_MAX; /* what holds is short; the whole history is in the journal */
	r = alert_list_mutes(call->conn, true, MUTES_MAX, &call->arena, list_mute, &listing, err);
	api_list_end(call, &listing.list);
	return r;
}

static const char *const mute_kinds[] = { "check", "service", "all", NULL };
static const struct spec_field mute_fields[] = {
	{ .name = "kind", .type = SPEC_CHOICE, .choices = mute_kinds, .flags = SPEC_REQUIRED,
	  .about = "What is muted." },
	{ .name = "name", .type = SPEC_NAME, .about = "The check or service." },
	{ .name = "for", .type = SPEC_DURATION, .flags = SPEC_REQUIRED, .min = ALERT_MUTE_LEAST,
	  .max = ALERT_MUTE_MOST, .about = "How long; it ends by itself." },
	{ .name = "reason", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = ALERT_REASON_BYTES_MAX, .about = "Why, for everybody to read." },
	{ .name = NULL },
};

struct muting {
	struct api_call *call;
	int64_t id;
};

static bool write_this(void *context, const struct alert_mute *mute)
{
	struct muting *muting = context;
	if (mute->id != muting->id)
		return true;
	api_mute_row(muting->call, mute);
	return false;
}

static enum err write_mute(struct api_call *call, struct error *err)
{
	struct muting muting = { call, *(const int64_t *)call->context };
	return alert_list_mutes(call->conn, true, MUTES_MAX, &call->arena, write_this, &muting, err);
}

enum err api_mute_create(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	int64_t id = 0;
	struct alert_mute_start start = { .ret_mute = &id };
	enum err r = api_body(call, mute_fields, &body, err);
	if (r != OK)
		return r;
	start.kind = doc_text(doc_get(body, "kind"), "");
	start.target = doc_text(doc_get(body, "name"), "");
	start.reason = doc_text(doc_get(body, "reason"), "");
	duration_parse(doc_text(doc_get(body, "for"), "0"), &start.duration);
	call->context = &id;
	call->status = 201;
	return api_change(call, "mute_create", alert_mute_start_decide, &start, write_mute, err);
}

enum err api_mute_delete(struct api_call *call, struct error *err)
{
	int64_t id;
	enum err r = api_id(call, 0, &id, err);
	if (r == OK)
		r = api_change(call, "mute_delete", alert_mute_end_decide, &id, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}

/* ---- pages ---- */

static bool write_try(void *context, const struct notify_try *try)
{
	struct json_writer *json = context;
	json_map_begin(json);
	json_field_time(json, "at", try->at);
	json_field_text(json, "state", str_is(try->state, "retry") ? STR("queued") : try->state);
	json_field_text(json, "detail", try->detail);
	json_field_int(json, "duration_ms", try->took / TIME_MS);
	json_map_end(json);
	return true;
}

/* A page to the reader about what is closed to them: that it came is theirs to know, and no more. */
static struct notify_row closed_row(const struct notify_row *row)
{
	struct notify_row closed = *row;
	closed.incident = 0;
	closed.title = STR(PAGING_CLOSED_TITLE);
	closed.body = STR("The link that came by mail or phone lets you take it.\n");
	return closed;
}

void api_page_row(struct api_call *call, const struct notify_row *row)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "id", row->id);
	json_field_id_or_null(json, "incident", row->incident);
	api_person(call, "user", row->user);
	json_field_id_or_null(json, "contact", row->contact);
	json_field_text(json, "channel", row->channel);
	json_field_text(json, "state", row->state);
	json_field_time(json, "created_at", row->created);
	json_field_text(json, "text", arena_printf(&call->arena, STR_FMT "\n" STR_FMT,
						   STR_ARG(row->title), STR_ARG(row->body)));
	json_key(json, "attempts");
	json_list_begin(json);
	notify_tries(call->conn, row->id, &call->arena, write_try, json, NULL);
	json_list_end(json);
	json_map_end(json);
}

static bool page_of_incident(void *context, const struct notify_row *row)
{
	api_page_row(context, row);
	return true;
}

enum err api_pages(struct api_call *call, const struct notify_filter *filter, struct error *err)
{
	json_list_begin(&call->json);
	enum err r = notify_list(call->conn, filter, &call->arena, page_of_incident, call, err);
	json_list_end(&call->json);
	return r;
}

static bool list_page(void *context, const struct notify_row *row)
{
	struct listing *listing = context;
	struct incident incident;
	listing->seen++;
	listing->looked_at = row->id;
	bool own = row->user == listing->call->principal.user;
	bool seen = row->incident != 0 &&
		    api_incident(listing->call, row->incident, &incident, NULL) == OK;
	if (!seen && (!own || listing->of_incident))
		return true;
	if (!api_list_row(&listing->list, row->id, STR_NONE))
		return false;
	struct notify_row closed = closed_row(row);
	api_page_row(listing->call, seen || row->incident == 0 ? row : &closed);
	return true;
}

enum err api_page_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call };
	struct notify_filter filter = {
		.state = api_query(call, "state"),
		.channel = api_query(call, "channel"),
	};
	str_int(api_query(call, "incident"), 1, INT64_MAX, &filter.incident);
	str_int(api_query(call, "user"), 1, INT64_MAX, &filter.user);
	listing.of_incident = filter.incident != 0;
	enum err r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	filter.before_id = listing.list.before_id;
	filter.limit = SLICE;
	unsigned scanned = 0;
	do {
		listing.seen = 0;
		r = notify_list(call->conn, &filter, &call->arena, list_page, &listing, err);
		filter.before_id = listing.looked_at;
	} while (r == OK && goes_on(&listing, &scanned));
	api_list_end(call, &listing.list);
	return r;
}
