/* api_check_view.c: a check as the API shows it: its row, its uptime, its results. */
#include <assert.h>
#include <stdio.h>

#include "alert/alert.h"
#include "api/api_defs.h"

#define BAR_DAYS 90
#define WEEK_DAYS 7
#define MONTH_DAYS 30

/* ---- what is known of one check ---- */

/* Its target and rules, from the spec. A stored one was checked; what is no longer understood is not
 * shown rather than refused. */
static void read_spec(struct api_check *check)
{
	struct check_spec spec;
	struct error unread;
	check->rules = (struct check_rules){ .fail_after = 1, .recover_after = 1 };
	if (monitor_spec_read(check->name, check->spec, &spec, &unread) != OK)
		return;
	monitor_spec_target(&spec, check->target, sizeof check->target);
	check->rules = spec.rules;
	check->paused_by_spec = spec.paused;
	monitor_spec_finish(&spec);
}

enum err api_check_view(struct api_call *call, const struct definition *definition,
			struct arena *arena, struct api_check *ret_check, struct error *err)
{
	struct monitor_state state;
	enum err r = monitor_state_get(call->conn, definition->name, arena, &state, err);
	if (r != OK)
		return r;
	struct api_check check = {
		.name = definition->name,
		.spec = api_spec_of(definition, arena),
		.state = state.state,
		.state_reason = state.reason,
		.since = state.since,
		.latency = state.latency,
		.manager = definition->manager,
		.revision = definition->revision,
	};
	check.display = doc_text(doc_get(check.spec, "display"), "");
	if (check.display.len == 0)
		check.display = check.name;
	check.kind = doc_text(doc_get(check.spec, "kind"), "");
	check.service = doc_text(doc_get(check.spec, "service"), "");
	read_spec(&check);
	if (check.paused_by_spec && !str_is(state.state, "paused")) {
		check.state = STR("paused");
		check.state_reason = STR("its definition says so");
		check.since = definition->updated;
	}
	r = alert_muted_until(call->conn, check.name, check.service, &check.muted_until, err);
	if (r != OK)
		return r;
	if (check.muted_until <= call->now)
		check.muted_until = TIME_NONE;
	*ret_check = check;
	return OK;
}

/* Results are samples and no part of the record, so they are not known as of an earlier time; nor is uptime. */
bool api_check_last(const struct api_call *call, struct str name, struct check_result *ret_result)
{
	const struct api_sense *sense = call->api->options.sense;
	return store_as_of_seq(call->conn) == 0 && sense != NULL && sense->last != NULL && sense->last(sense->context, name, ret_result);
}

/* ---- uptime ---- */

struct bar {
	uint32_t count, ok, degraded;
};

struct uptime {
	time_us first_day;                    /* of the bars */
	struct rollup_bucket day, week, month; /* sums; only up and down are used */
	struct bar bars[BAR_DAYS];
	size_t first; /* the first bar with results; BAR_DAYS: none */
};

static void add_time(struct rollup_bucket *sum, const struct rollup_bucket *bucket)
{
	sum->up += bucket->up;
	sum->down += bucket->down;
}

static bool see_hour(void *context, const struct rollup_bucket *bucket)
{
	struct uptime *uptime = context;
	add_time(&uptime->day, bucket);
	return true;
}

static bool see_day(void *context, const struct rollup_bucket *bucket)
{
	struct uptime *uptime = context;
	int64_t index = (bucket->start - uptime->first_day) / TIME_DAY;
	if (index < 0 || index >= BAR_DAYS)
		return true;
	if (index >= BAR_DAYS - WEEK_DAYS)
		add_time(&uptime->week, bucket);
	if (index >= BAR_DAYS - MONTH_DAYS)
		add_time(&uptime->month, bucket);
	uptime->bars[index] = (struct bar){ bucket->count, bucket->ok, bucket->degraded };
	if ((size_t)index < uptime->first)
		uptime->first = (size_t)index;
	return true;
}

static enum err read_uptime(struct api_call *call, struct str name, bool bars,
			    struct uptime *ret_uptime, struct error *err)
{
	time_us today = rollup_step_start(ROLLUP_DAY, call->now);
	time_us hour = rollup_step_start(ROLLUP_HOUR, call->now);
	time_us days = (bars ? BAR_DAYS : MONTH_DAYS) - 1;
	*ret_uptime = (struct uptime){ .first_day = today - (BAR_DAYS - 1) * TIME_DAY,
				       .first = BAR_DAYS };
	if (store_as_of_seq(call->conn) != 0)
		return OK;
	enum err r = monitor_buckets(call->conn, name, ROLLUP_HOUR, hour - TIME_DAY, call->now + 1,
				     see_hour, ret_uptime, err);
	if (r == OK)
		r = monitor_buckets(call->conn, name, ROLLUP_DAY, today - days * TIME_DAY,
				    call->now + 1, see_day, ret_uptime, err);
	return r;
}

/* Nothing watched is no uptime at all, and never 100 percent. */
static void write_percent(struct json_writer *json, const char *key, const struct rollup_bucket *sum)
{
	int ppm = rollup_uptime_ppm(sum, 1);
	assert(ppm <= 1000000);
	if (ppm < 0)
		json_field_null(json, key);
	else
		json_field_real(json, key, (double)ppm / 10000.0);
}

static void write_uptime(struct json_writer *json, const struct uptime *uptime)
{
	json_key(json, "uptime");
	json_map_begin(json);
	write_percent(json, "day", &uptime->day);
	write_percent(json, "week", &uptime->week);
	write_percent(json, "month", &uptime->month);
	json_map_end(json);
}

static void write_bars(struct json_writer *json, const struct uptime *uptime)
{
	json_key(json, "bars");
	json_list_begin(json);
	for (size_t i = uptime->first; i < BAR_DAYS; i++) {
		const struct bar *bar = &uptime->bars[i];
		json_map_begin(json);
		json_field_time(json, "start", uptime->first_day + (time_us)i * TIME_DAY);
		json_field_int(json, "up", bar->ok - bar->degraded);
		json_field_int(json, "down", bar->count - bar->ok);
		json_field_int(json, "total", bar->count);
		json_map_end(json);
	}
	json_list_end(json);
}

/* ---- the row ---- */

static void write_latency(struct json_writer *json, const char *key, time_us latency)
{
	if (latency > 0)
		json_field_real(json, key, (double)latency / (double)TIME_MS);
	else
		json_field_null(json, key);
}

/* Why it is not up; of what is up there is nothing to say. */
static struct str reason_of(const struct api_check *check, const struct check_result *last)
{
	if (str_is(check->state, "up") || str_is(check->state, "paused"))
		return STR_NONE;
	if (last != NULL && (!last->good || check->state_reason.len == 0))
		return str_of(last->reason);
	return check->state_reason;
}

enum err api_check_fields(struct api_call *call, const struct api_check *check, bool bars,
			  struct error *err)
{
	struct json_writer *json = &call->json;
	struct uptime *uptime = arena_new(&call->arena, struct uptime);
	struct check_result last;
	bool seen = api_check_last(call, check->name, &last);
	enum err r = read_uptime(call, check->name, bars, uptime, err);
	if (r != OK)
		return r;
	json_field_text(json, "name", check->name);
	json_field_text(json, "display", check->display);
	json_field_text(json, "kind", check->kind);
	json_field_cstr(json, "target", check->target);
	json_field_text_or_null(json, "service", check->service);
	json_field_text(json, "state", check->state);
	json_field_time(json, "since", check->since);
	json_field_time(json, "last_at", seen ? last.wall : TIME_NONE);
	write_latency(json, "last_latency_ms", seen ? last.latency : check->latency);
	json_field_text_or_null(json, "last_reason", reason_of(check, seen ? &last : NULL));
	json_field_time(json, "muted_until", check->muted_until);
	write_uptime(json, uptime);
	if (bars)
		write_bars(json, uptime);
	return OK;
}

enum err api_check_row(struct api_call *call, const struct api_check *check, bool bars,
		       struct error *err)
{
	json_map_begin(&call->json);
	enum err r = api_check_fields(call, check, bars, err);
	json_map_end(&call->json);
	return r;
}

/* ---- results ---- */

void api_certificate(struct api_call *call, const char *key, const struct check_result *result)
{
	struct json_writer *json = &call->json;
	json_key(json, key);
	if (result == NULL || !result->certificated) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	json_field_cstr(json, "subject", result->subject);
	json_field_cstr(json, "issuer", result->issuer);
	json_field_time(json, "not_after", result->not_after);
	json_field_int(json, "days", result->days_left);
	json_map_end(json);
}

/* What this one result says by itself, without those before it. */
static const char *state_of(const struct check_rules *rules, const struct check_result *result)
{
	bool slow = rules->latency_warn > 0 && result->latency > rules->latency_warn;
	bool near = rules->warn_days > 0 && result->certificated &&
		    result->days_left < rules->warn_days;
	if (result->blind)
		return "unknown";
	if (!result->good)
		return "down";
	return slow || near || result->warned ? "degraded" : "up";
}

static void write_timings(struct json_writer *json, const struct check_timings *timings)
{
	json_key(json, "timings");
	if (timings->total <= 0) {
		json_null(json);
		return;
	}
	json_map_begin(json);
	write_latency(json, "dns_ms", timings->dns);
	write_latency(json, "connect_ms", timings->connect);
	write_latency(json, "tls_ms", timings->tls);
	write_latency(json, "first_byte_ms", timings->first_byte);
	write_latency(json, "total_ms", timings->total);
	json_map_end(json);
}

void api_check_result(struct api_call *call, const struct check_rules *rules,
		      const struct check_result *result)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_time(json, "at", result->wall);
	json_field_cstr(json, "state", state_of(rules, result));
	write_latency(json, "latency_ms", result->latency);
	json_field_cstr(json, "reason", result->reason);
	json_key(json, "status");
	if (result->status > 0)
		json_int(json, result->status);
	else
		json_null(json);
	json_field_text_or_null(json, "address", str_of(result->address));
	json_field_text_or_null(json, "node", str_of(result->node));
	write_timings(json, &result->timings);
	api_certificate(call, "cert", result);
	json_key(json, "detail");
	if (result->detail != NULL)
		json_raw(json, str_of(result->detail));
	else
		json_null(json);
	json_map_end(json);
}
