/* monitor_spec.c: see monitor_spec.h. */
#include "monitor/monitor_spec.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"

#define BODY_TEXT_BYTES_MAX 1024

const struct check_kind *const check_kinds[] = { &check_http, &check_tcp, &check_tls, NULL };

const struct check_kind *check_kind_find(struct str name)
{
	for (size_t i = 0; check_kinds[i] != NULL; i++)
		if (str_is(name, check_kinds[i]->name))
			return check_kinds[i];
	return NULL;
}

static const char *const kind_names[] = { "http", "tcp", "tls", NULL };
static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS", NULL };
static const char *const urgencies[] = { "high", "low", NULL };

static const struct spec_field header_value = { .type = SPEC_TEXT, .min = 0, .max = 2048 };

static const struct spec_field expect_fields[] = {
	{ .name = "status", .type = SPEC_TEXT, .otherwise = "200-399", .min = 3, .max = 120,
	  .about = "HTTP statuses that are good, as numbers and ranges: 200-399,404." },
	{ .name = "body_contains", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX,
	  .about = "Text that must stand in the first MiB of the answer." },
	{ .name = "body_not_contains", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX,
	  .about = "Text that must not stand there." },
	{ .name = NULL },
};

const struct spec_field monitor_check_fields[] = {
	{ .name = "kind", .type = SPEC_CHOICE, .flags = SPEC_REQUIRED, .choices = kind_names,
	  .about = "What is done: an HTTP request, a TCP connection, or a TLS handshake." },
	{ .name = "service", .type = SPEC_NAME, .refers = "Service",
	  .about = "The service whose health this is." },
	{ .name = "display", .type = SPEC_TEXT, .min = 1, .max = 120,
	  .about = "How people call it; the name when absent." },
	{ .name = "url", .type = SPEC_URL, .only = "kind=http", .about = "What is asked." },
	{ .name = "method", .type = SPEC_CHOICE, .choices = methods, .otherwise = "GET",
	  .only = "kind=http", .about = "How it is asked." },
	{ .name = "headers", .type = SPEC_MAP, .item = &header_value, .max = MONITOR_FIELDS_MAX,
	  .only = "kind=http", .about = "Header fields to send." },
	{ .name = "redirects", .type = SPEC_INT, .otherwise = "5", .min = 0, .max = HTTP_REDIRECTS_MAX,
	  .only = "kind=http", .about = "How many redirects are followed; 0 takes the redirect as answer." },
	{ .name = "host", .type = SPEC_HOST, .only = "kind=tcp|tls",
	  .about = "The host to connect to." },
	{ .name = "port", .type = SPEC_PORT, .only = "kind=tcp|tls", .about = "The port to connect to; 443 "
	  "for tls when absent." },
	{ .name = "send", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX, .only = "kind=tcp",
	  .about = "Text to send once connected." },
	{ .name = "receive", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX, .only = "kind=tcp",
	  .about = "Text that must come back within the first 16 KiB." },
	{ .name = "server_name", .type = SPEC_HOST, .only = "kind=tls",
	  .about = "The name the certificate must be for; the host when absent." },
	{ .name = "verify", .type = SPEC_BOOL, .otherwise = "true", .only = "kind=http|tls",
	  .about = "Whether a certificate that cannot be trusted is a failure." },
	{ .name = "expect", .type = SPEC_OBJECT, .fields = expect_fields, .only = "kind=http",
	  .about = "What a good answer looks like." },
	{ .name = "interval", .type = SPEC_DURATION, .otherwise = "30s", .min = MONITOR_INTERVAL_MIN,
	  .max = MONITOR_INTERVAL_MAX, .about = "Time between two tries." },
	{ .name = "timeout", .type = SPEC_DURATION, .otherwise = "5s", .min = 100 * TIME_MS,
	  .max = MONITOR_TIMEOUT_MAX, .about = "How long one try may take." },
	{ .name = "fail_after", .type = SPEC_INT, .otherwise = "2", .min = 1, .max = CHECK_COUNT_MAX,
	  .about = "Failures in a row before it is down." },
	{ .name = "for", .type = SPEC_DURATION, .otherwise = "0s", .max = TIME_DAY,
	  .about = "And for at least so long." },
	{ .name = "recover_after", .type = SPEC_INT, .otherwise = "2", .min = 1, .max = CHECK_COUNT_MAX,
	  .about = "Good results in a row before it is up again." },
	{ .name = "latency_warn", .type = SPEC_DURATION, .min = TIME_MS, .max = MONITOR_TIMEOUT_MAX,
	  .about = "Slower than this is degraded." },
	{ .name = "warn_days", .type = SPEC_INT, .otherwise = "21", .min = 0, .max = 365,
	  .only = "kind=http|tls", .unit = "days",
	  .about = "A certificate with fewer days left is degraded; 0 turns it off." },
	{ .name = "fail_days", .type = SPEC_INT, .otherwise = "7", .min = 0, .max = 365,
	  .only = "kind=http|tls", .unit = "days",
	  .about = "A certificate with fewer days left is a failure; 0 turns it off." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = urgencies, .otherwise = "high",
	  .about = "Whether a person may be woken." },
	{ .name = "paused", .type = SPEC_BOOL, .otherwise = "false", .about = "Do not run it." },
	{ .name = NULL },
};

void monitor_check_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	struct str kind = doc_text(doc_get(spec, "kind"), "");
	struct status_ranges ranges;
	const struct doc_node *status = doc_get(doc_get(spec, "expect"), "status");
	if (str_is(kind, "http") && doc_get(spec, "url") == NULL)
		spec_error(errors, NULL, "url", "an http check needs \"url\"");
	if (!str_is(kind, "http") && doc_get(spec, "host") == NULL)
		spec_error(errors, NULL, "host", "a " STR_FMT " check needs \"host\"", STR_ARG(kind));
	if (str_is(kind, "tcp") && doc_get(spec, "port") == NULL)
		spec_error(errors, NULL, "port", "a tcp check needs \"port\"");
	if (status != NULL && !status_ranges_parse(doc_text(status, ""), &ranges))
		spec_error(errors, status, "expect.status", "cannot read the statuses \"" STR_FMT
		           "\"; write them as 200-399,404", STR_ARG(doc_text(status, "")));
}

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

static char *copy_text(const struct doc_node *node)
{
	struct str text = doc_text(node, "");
	if (!doc_is(node, DOC_TEXT))
		return NULL;
	char *copy = mem_alloc(text.len + 1);
	memcpy(copy, text.ptr, text.len);
	return copy;
}

static time_us read_duration(const struct doc_node *spec, const char *key, const char *otherwise)
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
		char *value = copy_text(&entry->value);
		spec->fields[spec->fields_count++] = (struct http_ask_field){
			name, value != NULL ? value : mem_strdup("") };
	}
}

static void read_rules(const struct doc_node *doc, struct check_spec *spec)
{
	spec->interval = read_duration(doc, "interval", "30s");
	spec->timeout = read_duration(doc, "timeout", "5s");
	spec->paused = doc_bool(doc_get(doc, "paused"), false);
	spec->rules = (struct check_rules){
		.fail_after = (unsigned)doc_int(doc_get(doc, "fail_after"), 2),
		.recover_after = (unsigned)doc_int(doc_get(doc, "recover_after"), 2),
		.down_for = read_duration(doc, "for", "0s"),
		.latency_warn = read_duration(doc, "latency_warn", "0s"),
		.warn_days = (int)doc_int(doc_get(doc, "warn_days"), 21),
		.fail_days = (int)doc_int(doc_get(doc, "fail_days"), 7),
	};
}

static void read_target(const struct doc_node *doc, struct check_spec *spec)
{
	const struct doc_node *expect = doc_get(doc, "expect");
	spec->url = copy_text(doc_get(doc, "url"));
	spec->method = copy_text(doc_get(doc, "method"));
	spec->host = copy_text(doc_get(doc, "host"));
	spec->server_name = copy_text(doc_get(doc, "server_name"));
	spec->send = copy_text(doc_get(doc, "send"));
	spec->receive = copy_text(doc_get(doc, "receive"));
	spec->status_text = copy_text(doc_get(expect, "status"));
	spec->body_contains = copy_text(doc_get(expect, "body_contains"));
	spec->body_not_contains = copy_text(doc_get(expect, "body_not_contains"));
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
	if (spec->kind != &check_http && (spec->host == NULL || spec->port == 0))
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
	*spec = (struct check_spec){ .kind = NULL };
}

void monitor_spec_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	if (spec->url != NULL)
		snprintf(ret_text, size, "%s", spec->url);
	else if (spec->host != NULL)
		snprintf(ret_text, size, "%s:%u", spec->host, spec->port);
	else
		snprintf(ret_text, size, "%s", spec->name);
}
