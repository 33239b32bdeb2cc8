/*
 * api_discovery.c: what listens on this host, and how one click makes it watched.
 *
 * To watch something is one command: its Service and Checks, and where there is nothing of the kind
 * yet a Schedule, an EscalationPolicy and a Team "default" with the caller alone. So the first click
 * ends in a page that reaches somebody.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "monitor/monitor_discovery.h"
#include "oncall/paging.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define DEFAULT "default"
#define ITEMS_MAX 200u
#define CHANGES_MAX (2 * ITEMS_MAX + 3)
#define TARGETS_MAX 20000u
#define ITEM_BYTES_MAX (16u << 10)
#define ROW_ARENA_BYTES (16u << 20)
#define ENDPOINT_BYTES 300
#define NAMES_TRIED 9
#define SEEN_WITHIN (2 * TIME_MINUTE) /* who clicks has just seen the list: one click must not ask all again */

/* ---- where a check looks: "host:port" ---- */

static struct str same_host(struct str host)
{
	bool own = str_is(host, "localhost") || str_is(host, "::1") || str_starts(host, STR("127."));
	return own ? STR("127.0.0.1") : host;
}

/* Empty when the spec does not say. */
static struct str endpoint_of(const struct doc_node *spec, struct arena *arena)
{
	struct egress_policy policy = egress_policy_checks();
	struct egress_target target;
	struct error unread;
	struct str url = doc_text(doc_get(spec, "url"), "");
	struct str host = doc_text(doc_get(spec, "host"), "");
	int64_t port = doc_int(doc_get(spec, "port"), 443);
	if (url.len > 0 && egress_check_url(&policy, url, &target, &unread) == OK) {
		host = arena_str(arena, str_of(target.host));
		port = target.port;
	}
	if (host.len == 0)
		return STR_NONE;
	return arena_printf(arena, STR_FMT ":%lld", STR_ARG(same_host(host)), (long long)port);
}

struct targets {
	struct arena *arena;
	struct str *rows;
	size_t count;
	struct arena scratch; /* of one definition */
};

static bool add_target(void *context, const struct definition *definition)
{
	struct targets *targets = context;
	arena_reset(&targets->scratch);
	struct str endpoint = endpoint_of(api_spec_of(definition, &targets->scratch), &targets->scratch);
	if (endpoint.len > 0)
		targets->rows[targets->count++] = arena_str(targets->arena, endpoint);
	return targets->count < TARGETS_MAX;
}

static enum err read_targets(struct api_call *call, struct targets *targets, struct error *err)
{
	*targets = (struct targets){ .arena = &call->arena };
	targets->rows = arena_array(&call->arena, struct str, TARGETS_MAX);
	arena_init(&targets->scratch, ROW_ARENA_BYTES);
	enum err r = api_definitions(call->conn, STR(MONITOR_CHECK), STR_NONE, add_target, targets, err);
	arena_finish(&targets->scratch);
	return r;
}

static bool is_watched(const struct targets *targets, struct str endpoint)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (str_eq(targets->rows[i], endpoint))
			return true;
	}
	return false;
}

/* ---- what listens ---- */

static enum err discover(struct api_call *call, time_us age_max, struct discovery **ret_discovery,
			 struct error *err)
{
	const struct api_sense *sense = call->api->options.sense;
	struct discovery *discovery = arena_new(&call->arena, struct discovery);
	if (sense == NULL || sense->discover == NULL) {
		error_set(err, ERR_UNAVAILABLE, "could not look: no checks run in this process");
		error_hint(err, "ask the server that runs them");
		return ERR_UNAVAILABLE;
	}
	enum err r = sense->discover(sense->context, age_max, discovery, err);
	if (r == OK)
		*ret_discovery = discovery;
	return r;
}

/* The room's own words about an item, as a tree: {process, ..., suggested: {service, checks}}. */
static const struct doc_node *item_doc(struct api_call *call, const struct discovered *item)
{
	cleanup_buf struct buf buf;
	struct json_writer json;
	const struct doc_node *doc;
	buf_init(&buf, ITEM_BYTES_MAX);
	json_init(&json, &buf);
	discovery_write_open(item, &json);
	json_map_end(&json);
	json_finish(&json);
	assert(!buf.full);
	if (doc_json_parse(buf_str(&buf), &call->arena, DOC_LIMITS_DEFAULT, NULL, &doc, NULL) != OK)
		return NULL;
	return doc;
}

static const struct doc_node *suggested_check(const struct doc_node *doc)
{
	return doc_at(doc_get(doc_get(doc, "suggested"), "checks"), 0);
}

static void write_item(struct api_call *call, const struct discovered *item,
		       const struct targets *targets)
{
	struct json_writer *json = &call->json;
	const struct doc_node *doc = item_doc(call, item);
	struct str endpoint = endpoint_of(doc_get(suggested_check(doc), "spec"), &call->arena);
	if (doc == NULL)
		return;
	json_map_begin(json);
	json_field_text_or_null(json, "process", doc_text(doc_get(doc, "process"), ""));
	json_key(json, "pid");
	if (item->pid > 0)
		json_int(json, item->pid);
	else
		json_null(json);
	json_field_text(json, "address", doc_text(doc_get(doc, "address"), ""));
	json_field_int(json, "port", item->port);
	json_field_text(json, "protocol", doc_text(doc_get(doc, "protocol"), "tcp"));
	json_field_text_or_null(json, "guess", doc_text(doc_get(doc, "guess"), ""));
	json_key(json, "suggested");
	doc_write_json(doc_get(doc, "suggested"), json);
	json_field_bool(json, "watched", is_watched(targets, endpoint));
	json_map_end(json);
}

enum err api_discovery_get(struct api_call *call, struct error *err)
{
	struct discovery *discovery;
	struct targets targets;
	enum err r = discover(call, 0, &discovery, err);
	if (r == OK)
		r = read_targets(call, &targets, err);
	if (r != OK)
		return r;
	json_map_begin(&call->json);
	json_field_time(&call->json, "scanned_at", call->now);
	json_key(&call->json, "items");
	json_list_begin(&call->json);
	for (unsigned i = 0; i < discovery->count; i++)
		write_item(call, &discovery->items[i], &targets);
	json_list_end(&call->json);
	json_map_end(&call->json);
	return OK;
}

/* ---- watching ---- */

static const struct spec_field item_fields[] = {
	{ .name = "address", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 64,
	  .about = "The address it listens on, as GET /discovery says." },
	{ .name = "port", .type = SPEC_PORT, .flags = SPEC_REQUIRED, .about = "Its port." },
	{ .name = NULL },
};
static const struct spec_field item_field = { .name = "item", .type = SPEC_OBJECT,
					      .fields = item_fields, .about = "A listener." };
static const struct spec_field watch_fields[] = {
	{ .name = "items", .type = SPEC_LIST, .item = &item_field, .flags = SPEC_REQUIRED, .min = 1,
	  .max = ITEMS_MAX, .about = "What is to be watched." },
	{ .name = NULL },
};

/* What will be made. */
struct making {
	struct api_call *call;
	struct definition_change rows[CHANGES_MAX];
	struct definition_changes changes;
	struct targets targets;
};

static bool is_made(const struct making *making, const char *kind, struct str name)
{
	for (size_t i = 0; i < making->changes.count; i++) {
		if (str_is(making->rows[i].kind, kind) && str_eq(making->rows[i].name, name))
			return true;
	}
	return false;
}

static bool is_there(const struct making *making, const char *kind, struct str name)
{
	struct definition found;
	return is_made(making, kind, name) ||
	       definition_get(making->call->conn, str_of(kind), name, &making->call->arena, &found,
			      NULL) == OK;
}

static enum err make(struct making *making, const char *kind, struct str name,
		     const struct doc_node *spec, struct error *err)
{
	struct api_call *call = making->call;
	struct spec_errors *errors = arena_new(&call->arena, struct spec_errors);
	const struct doc_node *full;
	struct str canonical;
	spec_errors_init(errors, &call->arena, NULL);
	if (resource_check(resource_kind_find(api_kinds, str_of(kind)), name, spec, &call->arena, errors,
			   &full, &canonical) != OK)
		return spec_errors_result(errors, err);
	assert(making->changes.count < CHANGES_MAX);
	making->rows[making->changes.count++] = (struct definition_change){
		.kind = str_of(kind),
		.name = name,
		.spec = canonical,
		.manager = STR(DEFINITION_PEOPLE),
		.expect_revision = 0,
	};
	return OK;
}

/* From JSON that is made here. */
static enum err make_json(struct making *making, const char *kind, struct str name, struct str json,
			  struct error *err)
{
	const struct doc_node *spec;
	enum err r = doc_json_parse(json, &making->call->arena, DOC_LIMITS_DEFAULT, NULL, &spec, err);
	return r == OK ? make(making, kind, name, spec, err) : r;
}

static struct str quoted(struct arena *arena, struct str text)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, 4096);
	json_quote(&buf, text);
	return arena_str(arena, buf_str(&buf));
}

/* "web", or "web-2" when there is one that looks elsewhere. */
static struct str free_name(struct making *making, struct str wanted)
{
	struct str name = wanted;
	for (int i = 2; is_there(making, MONITOR_CHECK, name) && i <= NAMES_TRIED; i++)
		name = arena_printf(&making->call->arena, STR_FMT "-%d", STR_ARG(str_sub(wanted, 0, 60)), i);
	return name;
}

static enum err make_service(struct making *making, struct str name, struct str guess,
			     struct error *err)
{
	struct arena *arena = &making->call->arena;
	bool team = is_there(making, "Team", STR(DEFAULT));
	if (is_there(making, "Service", name))
		return OK;
	struct str display = guess.len > 0 ? guess : name;
	return make_json(making, "Service", name,
			 arena_printf(arena, "{\"display\":" STR_FMT "%s}",
				      STR_ARG(quoted(arena, display)),
				      team ? ",\"team\":\"" DEFAULT "\"" : ""),
			 err);
}

static enum err make_watch(struct making *making, const struct discovered *item, struct error *err)
{
	const struct doc_node *doc = item_doc(making->call, item);
	const struct doc_node *check = suggested_check(doc);
	struct str endpoint = endpoint_of(doc_get(check, "spec"), &making->call->arena);
	if (check == NULL || is_watched(&making->targets, endpoint))
		return OK; /* a second click changes nothing */
	enum err r = make_service(making, doc_text(doc_get(doc_get(doc, "suggested"), "service"), ""),
				  doc_text(doc_get(doc, "guess"), ""), err);
	if (r == OK)
		r = make(making, MONITOR_CHECK, free_name(making, doc_text(doc_get(check, "name"), "")),
			 doc_get(check, "spec"), err);
	if (r == OK && making->targets.count < TARGETS_MAX)
		making->targets.rows[making->targets.count++] = endpoint;
	return r;
}

/* ---- who is paged, when nobody said so yet ---- */

static bool see_any(void *context, const struct definition *definition)
{
	(void)definition;
	*(bool *)context = true;
	return false;
}

static enum err any(struct api_call *call, const char *kind, bool *ret_any, struct error *err)
{
	*ret_any = false;
	return api_definitions(call->conn, str_of(kind), STR_NONE, see_any, ret_any, err);
}

static enum err make_team(struct making *making, struct error *err)
{
	struct arena *arena = &making->call->arena;
	struct str email = quoted(arena, making->call->principal.email);
	return make_json(making, "Team", STR(DEFAULT),
			 arena_printf(arena, "{\"members\":[" STR_FMT "],\"manager\":" STR_FMT "}",
				      STR_ARG(email), STR_ARG(email)),
			 err);
}

/* The first turn began on a Monday that is over in every zone, so it is the caller's now. */
static enum err make_schedule(struct making *making, struct error *err)
{
	struct api_call *call = making->call;
	struct guard_user user;
	struct str zone = STR("UTC");
	enum err r = guard_user_by_id(call->conn, &call->arena, call->principal.user, &user, err);
	if (r != OK)
		return r;
	if (user.time_zone.len > 0)
		zone = user.time_zone;
	struct time_civil today = time_civil_of(call->now);
	struct time_civil start = time_civil_of(call->now - (today.weekday + 7) * TIME_DAY);
	return make_json(making, PAGING_SCHEDULE, STR(DEFAULT),
			 arena_printf(&call->arena,
				      "{\"time_zone\":" STR_FMT ",\"layers\":[{\"name\":\"main\","
				      "\"rotation\":{\"every\":1,\"unit\":\"week\"},"
				      "\"start\":\"%04d-%02d-%02d\",\"users\":[" STR_FMT "]}]}",
				      STR_ARG(quoted(&call->arena, zone)), start.year, start.month,
				      start.day, STR_ARG(quoted(&call->arena, user.email))),
			 err);
}

/* A schedule of another name is the team's own affair: then the caller is paged by name. */
static enum err make_policy(struct making *making, struct error *err)
{
	struct arena *arena = &making->call->arena;
	bool scheduled = is_there(making, PAGING_SCHEDULE, STR(DEFAULT));
	bool team = is_there(making, "Team", STR(DEFAULT));
	struct str target =
		scheduled ? STR("{\"schedule\":\"" DEFAULT "\"}")
			  : arena_printf(arena, "{\"user\":" STR_FMT "}",
					 STR_ARG(quoted(arena, making->call->principal.email)));
	return make_json(making, PAGING_POLICY, STR(DEFAULT),
			 arena_printf(arena, "{%s\"steps\":[{\"targets\":[" STR_FMT "]}]}",
				      team ? "\"team\":\"" DEFAULT "\"," : "", STR_ARG(target)),
			 err);
}

static enum err make_defaults(struct making *making, struct error *err)
{
	static const struct {
		const char *kind;
		enum err (*make)(struct making *making, struct error *err);
	} rows[] = { { "Team", make_team },
		     { PAGING_SCHEDULE, make_schedule },
		     { PAGING_POLICY, make_policy } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool found;
		enum err r = any(making->call, rows[i].kind, &found, err);
		if (r == OK && !found)
			r = rows[i].make(making, err);
		if (r != OK)
			return r;
	}
	return OK;
}

/* ---- the request ---- */

static const struct discovered *find_item(const struct discovery *discovery, struct str address,
					  int64_t port)
{
	char text[ADDRESS_TEXT_BYTES];
	for (unsigned i = 0; i < discovery->count; i++) {
		address_format(&discovery->items[i].address, text);
		if (discovery->items[i].port == port && str_is(address, text))
			return &discovery->items[i];
	}
	return NULL;
}

static enum err make_items(struct making *making, const struct discovery *discovery,
			   const struct doc_node *items, struct error *err)
{
	enum err r = OK;
	for (size_t i = 0; r == OK && i < doc_count(items); i++) {
		struct str address = doc_text(doc_get(doc_at(items, i), "address"), "");
		int64_t port = doc_int(doc_get(doc_at(items, i), "port"), 0);
		const struct discovered *item = find_item(discovery, address, port);
		if (item != NULL) {
			r = make_watch(making, item, err);
			continue;
		}
		error_set(err, ERR_CONFLICT, "nothing listens on " STR_FMT " port %lld any more",
			  STR_ARG(address), (long long)port);
		error_hint(err, "look again at what listens");
		error_field(err, "items[%zu]", i);
		r = ERR_CONFLICT;
	}
	return r;
}

static enum err write_made(struct api_call *call, struct error *err)
{
	const struct making *making = call->context;
	struct json_writer *json = &call->json;
	(void)err;
	json_map_begin(json);
	json_key(json, "created");
	json_list_begin(json);
	for (size_t i = 0; i < making->changes.count; i++) {
		json_map_begin(json);
		json_field_text(json, "kind", making->rows[i].kind);
		json_field_text(json, "name", making->rows[i].name);
		json_map_end(json);
	}
	json_list_end(json);
	json_map_end(json);
	return OK;
}

enum err api_discovery_watch(struct api_call *call, struct error *err)
{
	struct making *making = arena_new(&call->arena, struct making);
	const struct doc_node *body;
	struct discovery *discovery;
	making->call = call;
	making->changes.changes = making->rows;
	enum err r = api_body(call, watch_fields, &body, err);
	if (r == OK)
		r = discover(call, SEEN_WITHIN, &discovery, err);
	if (r == OK)
		r = read_targets(call, &making->targets, err);
	if (r == OK)
		r = make_defaults(making, err);
	if (r == OK)
		r = make_items(making, discovery, doc_get(body, "items"), err);
	if (r != OK)
		return r;
	call->context = making;
	return api_change(call, "discovery_watch", api_definitions_decide, &making->changes, write_made,
			  err);
}
