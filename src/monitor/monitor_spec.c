/* monitor_spec.c: see monitor_spec.h. */
#include "monitor/monitor_spec.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "wire/doc.h"

static bool parse_range(struct str text, struct status_range *ret_range)
{
	struct str from_text, to_text;
	int64_t from, to;
	bool dash = str_cut(str_trim(text), '-', &from_text, &to_text);
	if (!str_int(from_text, 100, 599, &from))
		return false;
	to = from;
	if (dash && !str_int(to_text, from, 599, &to))
		return false;
	*ret_range = (struct status_range){ (uint16_t)from, (uint16_t)to };
	return true;
}

bool status_ranges_parse(struct str text, struct status_ranges *ret_ranges)
{
	struct status_ranges ranges = { .count = 0 };
	struct str part, rest = text;
	bool more = true;
	while (more) {
		more = str_cut(rest, ',', &part, &rest);
		if (ranges.count == MONITOR_RANGES_MAX || !parse_range(part, &ranges.rows[ranges.count++]))
			return false;
	}
	*ret_ranges = ranges;
	return true;
}

bool status_ranges_match(const struct status_ranges *ranges, int status)
{
	assert(ranges->count <= MONITOR_RANGES_MAX);
	for (unsigned i = 0; i < ranges->count; i++)
		if (status >= ranges->rows[i].from && status <= ranges->rows[i].to)
			return true;
	return false;
}

char *monitor_spec_text(const struct doc_node *node)
{
	struct str text = doc_text(node, "");
	if (!doc_is(node, DOC_TEXT))
		return NULL;
	char *copy = mem_alloc(text.len + 1);
	memcpy(copy, text.ptr, text.len);
	return copy;
}

time_us monitor_spec_duration(const struct doc_node *spec, const char *key, const char *otherwise)
{
	time_us duration = 0;
	if (!duration_parse(doc_text(doc_get(spec, key), otherwise), &duration))
		return -1;
	return duration;
}

static void read_fields(const struct doc_node *headers, struct check_spec *spec)
{
	for (size_t i = 0; i < doc_count(headers) && i < MONITOR_FIELDS_MAX; i++) {
		const struct doc_entry *entry = doc_entry_at(headers, i);
		char *name = mem_alloc(entry->key.len + 1);
		memcpy(name, entry->key.ptr, entry->key.len);
		char *value = monitor_spec_text(&entry->value);
		spec->fields[spec->fields_count++] = (struct http_ask_field){
			name, value != NULL ? value : mem_strdup("") };
	}
}

static void read_rules(const struct doc_node *doc, struct check_spec *spec)
{
	spec->interval = monitor_spec_duration(doc, "interval", "30s");
	spec->timeout = monitor_spec_duration(doc, "timeout", "5s");
	spec->paused = doc_bool(doc_get(doc, "paused"), false);
	spec->rules = (struct check_rules){
		.fail_after = (unsigned)doc_int(doc_get(doc, "fail_after"), 2),
		.recover_after = (unsigned)doc_int(doc_get(doc, "recover_after"), 2),
		.down_for = monitor_spec_duration(doc, "for", "0s"),
		.latency_warn = monitor_spec_duration(doc, "latency_warn", "0s"),
		.warn_days = (int)doc_int(doc_get(doc, "warn_days"), 21),
		.fail_days = (int)doc_int(doc_get(doc, "fail_days"), 7),
	};
}

static void read_target(const struct doc_node *doc, struct check_spec *spec)
{
	const struct doc_node *expect = doc_get(doc, "expect");
	spec->url = monitor_spec_text(doc_get(doc, "url"));
	spec->method = monitor_spec_text(doc_get(doc, "method"));
	spec->host = monitor_spec_text(doc_get(doc, "host"));
	spec->server_name = monitor_spec_text(doc_get(doc, "server_name"));
	spec->send = monitor_spec_text(doc_get(doc, "send"));
	spec->receive = monitor_spec_text(doc_get(doc, "receive"));
	spec->status_text = monitor_spec_text(doc_get(expect, "status"));
	spec->body_contains = monitor_spec_text(doc_get(expect, "body_contains"));
	spec->body_not_contains = monitor_spec_text(doc_get(expect, "body_not_contains"));
	spec->verify_off = !doc_bool(doc_get(doc, "verify"), true);
	spec->redirects_max = (unsigned)doc_int(doc_get(doc, "redirects"), MONITOR_REDIRECTS);
	int64_t port = doc_int(doc_get(doc, "port"), spec->kind == &check_tls ? 443 : 0);
	spec->port = port > 0 && port < 65536 ? (uint16_t)port : 0;
	if (spec->status_text == NULL)
		spec->status_text = mem_strdup("200-399");
	read_fields(doc_get(doc, "headers"), spec);
}

static bool rules_in_range(const struct check_spec *spec)
{
	const struct check_rules *rules = &spec->rules;
	return rules->fail_after >= 1 && rules->fail_after <= CHECK_COUNT_MAX &&
	       rules->recover_after >= 1 && rules->recover_after <= CHECK_COUNT_MAX &&
	       rules->down_for >= 0 && rules->latency_warn >= 0 && spec->interval >= MONITOR_INTERVAL_MIN &&
	       spec->interval <= MONITOR_INTERVAL_MAX && spec->timeout >= TIME_MS &&
	       spec->timeout <= MONITOR_TIMEOUT_MAX && spec->redirects_max <= HTTP_REDIRECTS_MAX;
}

static enum err check_spec_whole(const struct check_spec *spec, struct error *err)
{
	if (!rules_in_range(spec))
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": a number or duration is out of "
		                 "range", spec->name);
	if (spec->kind == &check_http && spec->url == NULL)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it has no url", spec->name);
	bool connects = spec->kind == &check_tcp || spec->kind == &check_tls;
	if (connects && (spec->host == NULL || spec->port == 0))
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it has no host or no port",
		                 spec->name);
	return OK;
}

enum err monitor_spec_read(struct str name, const struct doc_node *doc, struct check_spec *ret_spec,
                           struct error *err)
{
	struct check_spec spec = { .kind = check_kind_find(doc_text(doc_get(doc, "kind"), "")) };
	if (name.len == 0 || name.len >= MONITOR_NAME_BYTES)
		return error_set(err, ERR_INVALID, "cannot run a check with a name of %zu bytes", name.len);
	memcpy(spec.name, name.ptr, name.len);
	if (spec.kind == NULL)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": there is no kind \"" STR_FMT "\"",
		                 spec.name, STR_ARG(doc_text(doc_get(doc, "kind"), "")));
	read_target(doc, &spec);
	read_rules(doc, &spec);
	enum err result = check_spec_whole(&spec, err);
	if (result == OK && !status_ranges_parse(str_of(spec.status_text), &spec.status))
		result = error_set(err, ERR_INVALID, "cannot run the check \"%s\": cannot read the statuses "
		                   "\"%.100s\"", spec.name, spec.status_text);
	if (result == OK && spec.kind->read != NULL)
		result = spec.kind->read(doc, &spec, err);
	if (result == OK)
		*ret_spec = spec;
	else
		monitor_spec_finish(&spec);
	return result;
}

void monitor_spec_finish(struct check_spec *spec)
{
	char *texts[] = { spec->url, spec->method, spec->status_text, spec->body_contains,
	                  spec->body_not_contains, spec->host, spec->server_name, spec->send,
	                  spec->receive };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		mem_free(texts[i]);
	for (unsigned i = 0; i < spec->fields_count; i++) {
		mem_free((char *)spec->fields[i].name);
		mem_free((char *)spec->fields[i].value);
	}
	if (spec->kind != NULL && spec->kind->forget != NULL && spec->own != NULL)
		spec->kind->forget(spec->own);
	else
		mem_free(spec->own);
	*spec = (struct check_spec){ .kind = NULL };
}

void monitor_spec_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	if (spec->kind != NULL && spec->kind->target != NULL)
		spec->kind->target(spec, ret_text, size);
	else if (spec->url != NULL)
		snprintf(ret_text, size, "%s", spec->url);
	else if (spec->host != NULL)
		snprintf(ret_text, size, "%s:%u", spec->host, spec->port);
	else
		snprintf(ret_text, size, "%s", spec->name);
}
