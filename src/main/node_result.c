/* node_result.c: a look and its result as JSON between servers. See node_look.h. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "main/node_look.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

void node_look_write(struct str check, int64_t revision, struct buf *out)
{
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	json_field_text(&json, "check", check);
	json_field_int(&json, "revision", revision);
	json_map_end(&json);
	json_finish(&json);
}

static void write_timings(const struct check_timings *timings, struct json_writer *json)
{
	json_key(json, "timings");
	json_map_begin(json);
	json_field_int(json, "dns", timings->dns);
	json_field_int(json, "connect", timings->connect);
	json_field_int(json, "tls", timings->tls);
	json_field_int(json, "first_byte", timings->first_byte);
	json_field_int(json, "total", timings->total);
	json_map_end(json);
}

static void write_certificate(const struct check_result *result, struct json_writer *json)
{
	json_key(json, "certificate");
	json_map_begin(json);
	json_field_int(json, "days_left", result->days_left);
	json_field_int(json, "not_after", result->not_after);
	json_field_cstr(json, "subject", result->subject);
	json_field_cstr(json, "issuer", result->issuer);
	json_map_end(json);
}

void node_result_write(const struct check_result *result, struct buf *out)
{
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	json_field_bool(&json, "good", result->good);
	json_field_bool(&json, "blind", result->blind);
	json_field_bool(&json, "warned", result->warned);
	json_field_int(&json, "latency", result->latency);
	json_field_int(&json, "status", result->status);
	json_field_cstr(&json, "address", result->address);
	json_field_cstr(&json, "reason", result->reason);
	json_field_cstr(&json, "detail", result->detail);
	write_timings(&result->timings, &json);
	if (result->certificated)
		write_certificate(result, &json);
	json_map_end(&json);
	json_finish(&json);
}

static void take(const struct doc_node *map, const char *key, char *out, size_t size)
{
	snprintf(out, size, STR_FMT, STR_ARG(doc_text(doc_get(map, key), "")));
}

static time_us span(const struct doc_node *map, const char *key)
{
	int64_t value = doc_int(doc_get(map, key), 0);
	return value < 0 ? 0 : value > MONITOR_TIMEOUT_MAX * 2 ? MONITOR_TIMEOUT_MAX * 2 : value;
}

static void read_certificate(const struct doc_node *map, struct check_result *result)
{
	result->certificated = doc_is(map, DOC_MAP);
	result->days_left = (int)doc_int(doc_get(map, "days_left"), 0);
	result->not_after = doc_int(doc_get(map, "not_after"), 0);
	take(map, "subject", result->subject, sizeof result->subject);
	take(map, "issuer", result->issuer, sizeof result->issuer);
}

/* It goes into answers as it is, so it must be what it says. */
static const char *read_detail(struct str text, struct arena *arena)
{
	const struct doc_node *doc;
	struct error err;
	bool good = text.len <= CHECK_DETAIL_BYTES_MAX &&
		    doc_json_parse(text, arena, DOC_LIMITS_DEFAULT, NULL, &doc, &err) == OK && doc_is(doc, DOC_MAP);
	return good ? arena_str(arena, text).ptr : NULL;
}

enum err node_result_read(struct str text, struct arena *arena, struct check_result *ret_result, struct error *err)
{
	const struct doc_node *doc;
	enum err r = doc_json_parse(text, arena, DOC_LIMITS_DEFAULT, NULL, &doc, err);
	if (r != OK)
		return r;
	const struct doc_node *timings = doc_get(doc, "timings"), *detail = doc_get(doc, "detail");
	struct check_result result = {
		.good = doc_bool(doc_get(doc, "good"), false),
		.blind = doc_bool(doc_get(doc, "blind"), false),
		.warned = doc_bool(doc_get(doc, "warned"), false),
		.latency = span(doc, "latency"),
		.status = (int)doc_int(doc_get(doc, "status"), 0),
		.timings = { span(timings, "dns"), span(timings, "connect"), span(timings, "tls"),
			     span(timings, "first_byte"), span(timings, "total") },
	};
	if (!doc_is(doc_get(doc, "good"), DOC_BOOL) || !doc_is(doc_get(doc, "reason"), DOC_TEXT))
		return error_set(err, ERR_INVALID, "it is no result of a look");
	result.good = result.good && !result.blind;
	take(doc, "address", result.address, sizeof result.address);
	take(doc, "reason", result.reason, sizeof result.reason);
	read_certificate(doc_get(doc, "certificate"), &result);
	if (doc_is(detail, DOC_TEXT))
		result.detail = read_detail(doc_text(detail, ""), arena);
	*ret_result = result;
	return OK;
}
