/* api_check.c: checks: the list, one of them, its pictures, and what people do to it. */
#include <assert.h>
#include <string.h>

#include "alert/alert.h"
#include "base/mem.h"
#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "incident/incident.h"
#include "wire/doc_print.h"

#define ROW_ARENA_BYTES (16u << 20)
#define RESULTS_MAX 100
#define POINTS_MAX 2000
#define REASON_BYTES_MAX 500

/* ---- the list ---- */

static const char *const states[] = { "up", "down", "degraded", "unknown", "paused" };
#define STATES (sizeof states / sizeof states[0])

struct filter {
	bool by_state, wanted[STATES];
	bool by_mute, muted;
	struct str service, words;
};

struct listing {
	struct api_call *call;
	struct api_list list;
	struct filter filter;
	bool bars;
	struct arena arena; /* of one row */
	enum err result;
	struct error *err;
};

static enum err read_states(struct str text, struct filter *filter, struct error *err)
{
	struct str word, rest = text;
	while (rest.len > 0) {
		size_t i = 0;
		str_cut(rest, ',', &word, &rest);
		while (i < STATES && !str_is(word, states[i]))
			i++;
		if (i == STATES) {
			error_set(err, ERR_INVALID,
				  "state is one or several of up, down, degraded, unknown and paused");
			error_field(err, "state");
			return ERR_INVALID;
		}
		filter->by_state = filter->wanted[i] = true;
	}
	return OK;
}

static enum err read_bool(struct api_call *call, const char *name, bool *ret_given, bool *ret_value,
			  struct error *err)
{
	struct str text = api_query(call, name);
	*ret_given = text.len > 0;
	*ret_value = str_is(text, "true") || str_is(text, "1");
	if (!*ret_given || *ret_value || str_is(text, "false") || str_is(text, "0"))
		return OK;
	error_set(err, ERR_INVALID, "%s is true or false", name);
	error_field(err, "%s", name);
	return ERR_INVALID;
}

static enum err read_filter(struct listing *listing, struct error *err)
{
	struct api_call *call = listing->call;
	struct filter *filter = &listing->filter;
	bool given;
	filter->service = api_query(call, "service");
	filter->words = api_query(call, "q");
	enum err r = read_states(api_query(call, "state"), filter, err);
	if (r == OK)
		r = read_bool(call, "muted", &filter->by_mute, &filter->muted, err);
	if (r == OK)
		r = read_bool(call, "bars", &given, &listing->bars, err);
	return r;
}

static bool passes(const struct filter *filter, const struct api_check *check)
{
	bool state = !filter->by_state;
	for (size_t i = 0; i < STATES && !state; i++)
		state = filter->wanted[i] && str_is(check->state, states[i]);
	return state && (!filter->by_mute || filter->muted == (check->muted_until != TIME_NONE)) &&
	       (filter->service.len == 0 || str_eq(filter->service, check->service)) &&
	       api_words_occur(filter->words, check->name, check->display);
}

static bool list_check(void *context, const struct definition *definition)
{
	struct listing *listing = context;
	struct api_call *call = listing->call;
	struct api_check check;
	arena_reset(&listing->arena);
	listing->result = api_check_view(call, definition, &listing->arena, &check, listing->err);
	if (listing->result != OK || !passes(&listing->filter, &check))
		return listing->result == OK;
	if (!api_list_row(&listing->list, 0, arena_str(&call->arena, check.name)))
		return false;
	listing->result = api_check_row(call, &check, listing->bars, listing->err);
	return listing->result == OK;
}

enum err api_check_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call, .err = err };
	enum err r = read_filter(&listing, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	arena_init(&listing.arena, ROW_ARENA_BYTES);
	r = api_definitions(call->conn, STR(MONITOR_CHECK), listing.list.after, list_check, &listing, err);
	arena_finish(&listing.arena);
	api_list_end(call, &listing.list);
	return r == OK ? listing.result : r;
}

/* ---- one ---- */

static enum err find(struct api_call *call, struct api_check *ret_check, struct error *err)
{
	struct definition definition;
	enum err r = definition_get(call->conn, STR(MONITOR_CHECK), call->params[0], &call->arena,
				    &definition, err);
	return r == OK ? api_check_view(call, &definition, &call->arena, ret_check, err) : r;
}

struct firing {
	struct api_call *call;
	bool written;
};

static bool write_alert(void *context, const struct alert *alert)
{
	struct firing *firing = context;
	struct incident incident;
	if (alert->incident != 0 && api_incident(firing->call, alert->incident, &incident, NULL) != OK)
		return true; /* of what the caller may not know */
	api_alert_row(firing->call, alert);
	firing->written = true;
	return false;
}

static enum err write_firing(struct api_call *call, struct str check, struct error *err)
{
	struct firing firing = { .call = call };
	struct alert_filter filter = { .states = STR("firing"), .check = check, .limit = 10 };
	json_key(&call->json, "alert");
	enum err r = alert_list(call->conn, &filter, &call->arena, write_alert, &firing, err);
	if (!firing.written)
		json_null(&call->json);
	return r;
}

enum err api_check_get(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	const struct api_sense *sense = call->api->options.sense;
	struct api_check check;
	struct check_result last;
	enum err r = find(call, &check, err);
	if (r != OK)
		return r;
	bool paused = str_is(check.state, "paused");
	bool seen = api_check_last(call, check.name, &last);
	bool planned = !paused && store_as_of_seq(call->conn) == 0 && sense != NULL && sense->next_at != NULL;
	api_etag(call, check.revision);
	json_map_begin(json);
	r = api_check_fields(call, &check, true, err);
	if (r != OK)
		return r;
	json_key(json, "spec");
	doc_write_json(spec_mask(monitor_check_fields, check.spec, &call->arena), json);
	json_field_int(json, "revision", check.revision);
	json_field_text(json, "manager", check.manager);
	json_field_text_or_null(json, "paused_reason", paused ? check.state_reason : STR_NONE);
	r = write_firing(call, check.name, err);
	json_field_time(json, "next_at", planned ? sense->next_at(sense->context, check.name)
						 : TIME_NONE);
	api_certificate(call, "cert", seen ? &last : NULL);
	json_map_end(json);
	return r;
}

/* ---- pictures ---- */

static enum err read_time(struct api_call *call, const char *name, time_us otherwise,
			  time_us *ret_at, struct error *err)
{
	struct str text = api_query(call, name);
	*ret_at = otherwise;
	if (text.len == 0 || (time_parse(text, ret_at) && *ret_at > 0))
		return OK;
	error_set(err, ERR_INVALID, "%s is a time like 2026-03-08T03:12:00Z", name);
	error_field(err, "%s", name);
	return ERR_INVALID;
}

static const char *const steps[] = { "minute", "hour", "day" };

/* The finest one that fits, when none is asked for. */
static enum err read_step(struct api_call *call, time_us span, enum rollup_step *ret_step,
			  struct error *err)
{
	struct str text = api_query(call, "step");
	for (int i = 0; i < ROLLUP_STEP_COUNT; i++) {
		bool fits = span / rollup_step_length((enum rollup_step)i) < POINTS_MAX;
		if (text.len > 0 ? !str_is(text, steps[i]) : !fits)
			continue;
		if (!fits) {
			error_set(err, ERR_INVALID, "that would be more than %d points", POINTS_MAX);
			error_hint(err, "ask for a shorter time or a longer step");
			error_field(err, "step");
			return ERR_INVALID;
		}
		*ret_step = (enum rollup_step)i;
		return OK;
	}
	error_set(err, ERR_INVALID, text.len > 0 ? "step is minute, hour or day"
						 : "that is longer than can be shown");
	error_field(err, text.len > 0 ? "step" : "from");
	return ERR_INVALID;
}

static void write_ms(struct json_writer *json, const char *key, time_us latency, bool known)
{
	if (known)
		json_field_real(json, key, (double)latency / (double)TIME_MS);
	else
		json_field_null(json, key);
}

static bool write_point(void *context, const struct rollup_bucket *bucket)
{
	struct json_writer *json = context;
	bool known = bucket->latency_count > 0;
	json_map_begin(json);
	json_field_time(json, "at", bucket->start);
	json_field_int(json, "count", bucket->count);
	json_field_int(json, "ok", bucket->ok);
	write_ms(json, "latency_min", bucket->latency_min, known);
	write_ms(json, "latency_avg", known ? bucket->latency_sum / bucket->latency_count : 0, known);
	write_ms(json, "latency_max", bucket->latency_max, known);
	json_map_end(json);
	return true;
}

enum err api_check_series(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct definition definition;
	enum rollup_step step;
	time_us from, to;
	enum err r = definition_get(call->conn, STR(MONITOR_CHECK), call->params[0], &call->arena,
				    &definition, err);
	if (r == OK)
		r = read_time(call, "to", call->now, &to, err);
	if (r == OK)
		r = read_time(call, "from", to - TIME_DAY, &from, err);
	if (r == OK && from >= to) {
		error_set(err, ERR_INVALID, "from is not before to");
		error_field(err, "from");
		r = ERR_INVALID;
	}
	if (r == OK)
		r = read_step(call, to - from, &step, err);
	if (r != OK)
		return r;
	json_map_begin(json);
	json_field_time(json, "from", from);
	json_field_time(json, "to", to);
	json_field_cstr(json, "step", steps[step]);
	json_key(json, "points");
	json_list_begin(json);
	r = monitor_buckets(call->conn, definition.name, step,
			    from > 0 ? rollup_step_start(step, from) : 0, to, write_point, json, err);
	json_list_end(json);
	json_map_end(json);
	return r;
}

enum err api_check_results(struct api_call *call, struct error *err)
{
	const struct api_sense *sense = call->api->options.sense;
	struct api_check check;
	struct api_list list;
	enum err r = find(call, &check, err);
	if (r == OK)
		r = api_list_begin(call, &list, err);
	if (r != OK)
		return r;
	struct check_result *results = arena_array(&call->arena, struct check_result, RESULTS_MAX);
	size_t count = 0;
	if (sense != NULL && sense->results != NULL)
		count = sense->results(sense->context, check.name, results, RESULTS_MAX);
	char *detail = count > 0 && sense->detail != NULL ? sense->detail(sense->context, check.name) : NULL;
	for (size_t i = 0; i < count; i++) {
		results[i].detail = i == 0 ? detail : NULL;
		api_check_result(call, &check.rules, &results[i]);
	}
	mem_free(detail);
	api_list_end(call, &list);
	return OK;
}

/* ---- looking now ---- */

static enum err no_sense(struct error *err)
{
	error_set(err, ERR_UNAVAILABLE, "could not look: no checks run in this process");
	error_hint(err, "ask the server that runs them");
	return ERR_UNAVAILABLE;
}

/* A result whose detail is ours. */
static void write_taken(struct api_call *call, const struct check_rules *rules,
			struct check_result *result)
{
	api_check_result(call, rules, result);
	mem_free((char *)result->detail);
}

enum err api_check_run(struct api_call *call, struct error *err)
{
	const struct api_sense *sense = call->api->options.sense;
	struct api_check check;
	struct check_result result;
	enum err r = find(call, &check, err);
	if (r == OK && (sense == NULL || sense->run == NULL))
		r = no_sense(err);
	if (r == OK)
		r = sense->run(sense->context, check.name, &result, err);
	if (r == OK)
		write_taken(call, &check.rules, &result);
	return r;
}

static const struct spec_field test_fields[] = {
	{ .name = "spec", .type = SPEC_ANY, .flags = SPEC_REQUIRED,
	  .about = "The spec of a Check; see GET /kinds." },
	{ .name = NULL },
};

static enum err read_trial(struct api_call *call, struct check_spec *ret_spec, struct error *err)
{
	struct spec_errors *errors = arena_new(&call->arena, struct spec_errors);
	const struct doc_node *body, *full;
	enum err r = api_body(call, test_fields, &body, err);
	if (r != OK)
		return r;
	spec_errors_init(errors, &call->arena, NULL);
	errors->base = "spec";
	errors->subject = "the check";
	if (spec_check(monitor_check_fields, monitor_check_rule, doc_get(call->body, "spec"),
		       &call->arena, errors, &full, NULL) != OK)
		return spec_errors_result(errors, err);
	return monitor_spec_read(STR("trial"), full, ret_spec, err);
}

enum err api_check_test(struct api_call *call, struct error *err)
{
	const struct api_sense *sense = call->api->options.sense;
	struct check_spec spec;
	struct check_result result;
	if (sense == NULL || sense->probe == NULL)
		return no_sense(err);
	enum err r = read_trial(call, &spec, err);
	if (r != OK)
		return r;
	struct check_rules rules = spec.rules;
	r = sense->probe(sense->context, &spec, &result, err);
	if (r == OK)
		write_taken(call, &rules, &result);
	return r;
}

/* ---- pausing ---- */

static enum err write_this(struct api_call *call, struct error *err)
{
	struct api_check check;
	enum err r = find(call, &check, err);
	return r == OK ? api_check_row(call, &check, false, err) : r;
}

static const struct spec_field pause_fields[] = {
	{ .name = "reason", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1,
	  .max = REASON_BYTES_MAX, .about = "Why, for everybody to read." },
	{ .name = NULL },
};

enum err api_check_pause(struct api_call *call, struct error *err)
{
	const struct doc_node *body;
	struct monitor_pause pause = { .check = call->params[0] };
	enum err r = api_body(call, pause_fields, &body, err);
	if (r != OK)
		return r;
	pause.reason = doc_text(doc_get(body, "reason"), "");
	return api_change(call, "check_pause", monitor_pause_decide, &pause, write_this, err);
}

enum err api_check_resume(struct api_call *call, struct error *err)
{
	struct monitor_pause resume = { .check = call->params[0] };
	struct api_check check;
	enum err r = find(call, &check, err);
	if (r == OK && check.paused_by_spec) {
		error_set(err, ERR_CONFLICT, "check \"" STR_FMT "\" is paused by its definition",
			  STR_ARG(check.name));
		error_hint(err, "change the definition: set \"paused\" to false");
		r = ERR_CONFLICT;
	}
	if (r != OK)
		return r;
	return api_change(call, "check_resume", monitor_resume_decide, &resume, write_this, err);
}
