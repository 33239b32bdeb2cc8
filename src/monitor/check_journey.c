/*
 * check_journey.c: HTTP requests one after the other, as a person goes: cookies are kept, and what one answer says
 * may be sent with the next.
 *
 *     fill in -> ask -> cookies -> redirect? ask again -> judge -> take out -> next step, until one fails
 *
 * Redirects are followed here and not by the client, because cookies are set on the way (a sign-in is a redirect).
 * Each request passes the guard. The step that failed is named in the reason; where each one's time went is the
 * detail, which shows addresses as the definition says them, never filled in: they may hold secrets.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "base/arena.h"
#include "base/mem.h"
#include "monitor/journey_spec.h"
#include "monitor/monitor_probe.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/cookie_jar.h"
#include "wire/doc_json.h"
#include "wire/doc_path.h"
#include "wire/doc_print.h"
#include "wire/http_client.h"
#include "wire/json_writer.h"
#include "wire/url.h"

#define BODY_SEEN_BYTES (1u << 20)
#define JSON_ARENA_BYTES (16u << 20)
#define URL_SHOWN_BYTES 300u
#define WHY_BYTES 200u
#define WHOLE_WHY_BYTES 1024u /* before it is cut: part of a secret would not be found */

struct walked {
	time_us from, took; /* since the journey began */
	int status;
	unsigned redirects;
	bool done, good;
	char why[WHY_BYTES];
};

struct journey_run {
	const struct probe_tools *tools;
	const struct check_spec *spec;
	const struct journey_spec *own;
	struct http_call *call;
	struct loop_timer *timer; /* the first step begins after start has returned */
	probe_done_fn *done;
	void *context;
	time_us started;
	unsigned step, redirects_left;
	struct walked walked[JOURNEY_STEPS_MAX];
	struct cookie_jar jar;
	struct journey_value values[JOURNEY_VALUES_MAX];
	unsigned values_count;
	const char *method;
	bool strange; /* a redirect led to another origin: what was meant for the first is not sent */
	struct buf url, body;
	struct error blind; /* code OK: it can look */
	char address[ADDRESS_TEXT_BYTES];
};

/* ---- values ---- */

static void add_value(struct journey_run *run, const char *name, struct str value, bool secret)
{
	char *copy = mem_alloc(value.len + 1);
	memcpy(copy, value.ptr, value.len);
	run->values[run->values_count++] = (struct journey_value){ name, copy, secret };
}

static bool repeats(struct str text, struct str value)
{
	return value.len > 0 && text.len >= value.len && memmem(text.ptr, text.len, value.ptr, value.len) != NULL;
}

/* Whatever the other side, or an error about an address, says: a secret is not shown. */
static void hide_secrets(const struct journey_run *run, char text[WHOLE_WHY_BYTES])
{
	cleanup_buf struct buf encoded;
	buf_init(&encoded, 3 * JOURNEY_VALUE_BYTES_MAX + 1);
	for (unsigned i = 0; i < run->values_count; i++) {
		struct str value = str_of(run->values[i].value);
		buf_reset(&encoded);
		url_encode(&encoded, value);
		if (run->values[i].secret && (repeats(str_of(text), value) || repeats(str_of(text), buf_str(&encoded))))
			snprintf(text, WHOLE_WHY_BYTES, "what came back repeats a secret");
	}
}

static enum err open_secrets(struct journey_run *run, struct error *err)
{
	const struct probe_secrets *secrets = run->tools->secrets;
	enum err r = OK;
	for (unsigned i = 0; r == OK && i < run->own->secrets_count; i++) {
		cleanup_buf struct buf value;
		buf_init(&value, PROBE_SECRET_BYTES_MAX);
		if (secrets == NULL)
			return error_set(err, ERR_UNAVAILABLE, "there are no secrets here");
		r = secrets->find(secrets->context, run->own->secrets[i].secret, &value, err);
		if (r == OK)
			add_value(run, run->own->secrets[i].name, buf_str(&value), true);
		if (value.size > 0)
			sodium_memzero(value.bytes, value.size);
	}
	return r;
}

static void run_free(struct journey_run *run)
{
	http_call_cancel(&run->call);
	loop_timer_destroy(&run->timer);
	cookie_jar_finish(&run->jar);
	for (unsigned i = 0; i < run->values_count; i++) {
		sodium_memzero(run->values[i].value, strlen(run->values[i].value));
		mem_free(run->values[i].value);
	}
	if (run->body.size > 0)
		sodium_memzero(run->body.bytes, run->body.size);
	buf_finish(&run->url);
	buf_finish(&run->body);
	mem_free(run);
}

/* ---- what the page shows ---- */

static void write_ms(struct json_writer *json, const char *key, time_us time)
{
	json_field_real(json, key, (double)time / TIME_MS);
}

static void write_step(struct json_writer *json, const struct journey_step *step, const struct walked *walked)
{
	struct str url = str_sub(str_of(step->url), 0, URL_SHOWN_BYTES);
	while (url.len > 0 && !str_is_utf8(url))
		url.len--;
	json_map_begin(json);
	json_field_cstr(json, "name", step->name);
	json_field_cstr(json, "method", step->method);
	json_field_text(json, "url", url);
	json_field_cstr(json, "state", !walked->done ? "not_reached" : walked->good ? "passed" : "failed");
	json_key(json, "status");
	if (walked->status > 0)
		json_int(json, walked->status);
	else
		json_null(json);
	json_field_int(json, "redirects", walked->redirects);
	write_ms(json, "from_ms", walked->from);
	write_ms(json, "took_ms", walked->took);
	json_field_text_or_null(json, "reason", str_of(walked->why));
	json_map_end(json);
}

static void write_detail(const struct journey_run *run, struct buf *out)
{
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	json_key(&json, "journey");
	json_map_begin(&json);
	json_key(&json, "steps");
	json_list_begin(&json);
	for (unsigned i = 0; i < run->own->steps_count; i++)
		write_step(&json, &run->own->steps[i], &run->walked[i]);
	json_list_end(&json);
	json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
}

/* ---- the end ---- */

static void finish(struct journey_run *run)
{
	struct check_result result = { .good = true };
	cleanup_buf struct buf detail;
	const struct walked *last = &run->walked[run->step < run->own->steps_count ? run->step : run->step - 1];
	buf_init(&detail, CHECK_DETAIL_BYTES_MAX);
	result.timings.total = clock_since_boot(run->tools->clock) - run->started;
	result.status = last->status;
	snprintf(result.address, sizeof result.address, "%s", run->address);
	if (run->step < run->own->steps_count) {
		probe_fail(&result, "step %u \"%.60s\": %.170s", run->step + 1, run->own->steps[run->step].name, last->why);
	} else {
		result.latency = result.timings.total;
		snprintf(result.reason, sizeof result.reason, "all %u steps passed", run->own->steps_count);
	}
	write_detail(run, &detail);
	result.detail = detail.full ? NULL : detail.bytes;
	run->done(run->context, &result);
	run_free(run);
}

static void end_step(struct journey_run *run)
{
	struct walked *walked = &run->walked[run->step];
	walked->took = clock_since_boot(run->tools->clock) - run->started - walked->from;
	walked->done = true;
}

__attribute__((format(printf, 2, 3))) static void fail(struct journey_run *run, const char *format, ...)
{
	struct walked *walked = &run->walked[run->step];
	char whole[WHOLE_WHY_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(whole, sizeof whole, format, args);
	va_end(args);
	hide_secrets(run, whole);
	snprintf(walked->why, sizeof walked->why, "%.*s", (int)sizeof walked->why - 1, whole);
	end_step(run);
	finish(run);
}

/* ---- taking out ---- */

static bool text_of(const struct doc_node *node, struct buf *out)
{
	if (doc_is(node, DOC_MAP) || doc_is(node, DOC_LIST) || node == NULL || doc_is(node, DOC_NULL))
		return false;
	if (doc_is(node, DOC_TEXT))
		buf_add(out, doc_text(node, ""));
	else
		doc_print_json(node, out);
	return true;
}

static bool take_json(const struct http_answer *answer, const char *path, struct buf *out)
{
	cleanup_arena struct arena arena;
	const struct doc_node *root;
	arena_init(&arena, JSON_ARENA_BYTES);
	return doc_json_parse(answer->body, &arena, DOC_LIMITS_DEFAULT, NULL, &root, NULL) == OK &&
	       text_of(doc_path_find(root, str_of(path)), out);
}

static bool take_one(const struct http_answer *answer, const struct journey_take *take, struct buf *out)
{
	struct str found = STR_NONE;
	if (take->json != NULL)
		return take_json(answer, take->json, out);
	bool there = take->regex != NULL ? regex_find(take->regex, answer->body, &found)
	                                 : (found = http_answer_field(answer, take->header)).len > 0;
	buf_add(out, found);
	return there;
}

/* A value that could not be sent on as text is none. */
static bool take_all(struct journey_run *run, const struct journey_step *step, const struct http_answer *answer)
{
	for (unsigned i = 0; i < step->takes_count; i++) {
		cleanup_buf struct buf value;
		buf_init(&value, JOURNEY_VALUE_BYTES_MAX);
		if (!take_one(answer, &step->takes[i], &value)) {
			fail(run, "nothing in the answer to take as \"%s\"", step->takes[i].name);
			return false;
		}
		struct str text = buf_str(&value);
		if (value.full || !str_is_utf8(text) || str_has(text, '\0')) {
			fail(run, "what is to be taken as \"%s\" is no text of at most 4 KiB", step->takes[i].name);
			return false;
		}
		add_value(run, step->takes[i].name, text, false);
	}
	return true;
}

/* ---- judging ---- */

static bool contains(struct journey_run *run, const struct journey_step *step, struct str body)
{
	cleanup_buf struct buf wanted;
	buf_init(&wanted, JOURNEY_SENT_BYTES_MAX);
	return journey_fill(step->contains, run->values, run->values_count, &wanted) && wanted.used > 0 &&
	       body.len > 0 && memmem(body.ptr, body.len, wanted.bytes, wanted.used) != NULL;
}

static void begin_step(struct journey_run *run);

static void judge(struct journey_run *run, const struct http_answer *answer)
{
	const struct journey_step *step = &run->own->steps[run->step];
	if (!status_ranges_match(&step->status, answer->status)) {
		fail(run, "status %d, wanted %s", answer->status, step->status_text);
		return;
	}
	if (step->contains != NULL && !contains(run, step, answer->body)) {
		fail(run, "the answer does not contain \"%.100s\"%s", step->contains,
		     answer->body_cut ? " in its first MiB" : "");
		return;
	}
	if (!take_all(run, step, answer))
		return;
	run->walked[run->step].good = true;
	end_step(run);
	if (++run->step == run->own->steps_count)
		finish(run);
	else
		begin_step(run);
}

/* ---- asking ---- */

static void ask(struct journey_run *run);

static struct str path_of(const char *url)
{
	struct str text = str_of(url), path, rest;
	const char *host = strstr(url, "://");
	const char *slash = host != NULL ? strchr(host + 3, '/') : NULL;
	if (slash == NULL)
		return STR("/");
	text = str_of(slash);
	if (str_cut(text, '?', &path, &rest))
		text = path;
	return text;
}

static bool same_origin(const char *a, const char *b)
{
	const char *path_a = strstr(a, "://"), *path_b = strstr(b, "://");
	if (path_a == NULL || path_b == NULL)
		return false;
	size_t length_a = (size_t)(path_a - a) + 3 + strcspn(path_a + 3, "/?"),
	       length_b = (size_t)(path_b - b) + 3 + strcspn(path_b + 3, "/?");
	return length_a == length_b && strncasecmp(a, b, length_a) == 0;
}

/* RFC 9110 15.4: a form is not sent again, but by 307 and 308; never to another origin. */
static void follow(struct journey_run *run, const struct http_answer *answer)
{
	int status = answer->status;
	bool elsewhere = !same_origin(answer->url, answer->redirect);
	run->redirects_left--;
	run->walked[run->step].redirects++;
	run->strange = run->strange || elsewhere;
	bool get = strcmp(run->method, "HEAD") != 0 && (status == 303 || elsewhere ||
	           ((status == 301 || status == 302) && strcmp(run->method, "POST") == 0));
	if (get) {
		run->method = "GET";
		buf_reset(&run->body);
	}
	buf_reset(&run->url);
	buf_adds(&run->url, answer->redirect);
	ask(run);
}

static void keep_cookies(struct journey_run *run, const struct http_answer *answer)
{
	struct egress_target target;
	if (egress_check_url(run->tools->policy, str_of(answer->url), &target, NULL) == OK)
		cookie_jar_take(&run->jar, str_of(target.host), path_of(target.url), target.https, answer->headers,
		                clock_wall(run->tools->clock));
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct journey_run *run = context;
	struct walked *walked = &run->walked[run->step];
	run->call = NULL;
	walked->status = answer->status;
	snprintf(run->address, sizeof run->address, "%s", answer->address);
	if (err != NULL) {
		fail(run, "%s", err->text);
		return;
	}
	keep_cookies(run, answer);
	if (answer->redirect == NULL || run->own->steps[run->step].redirects_max == 0)
		judge(run, answer);
	else if (run->redirects_left == 0)
		fail(run, "more than %u redirects", run->own->steps[run->step].redirects_max);
	else
		follow(run, answer);
}

struct fields {
	struct http_ask_field rows[MONITOR_FIELDS_MAX + 2];
	struct buf values[MONITOR_FIELDS_MAX];
	struct buf cookie;
	unsigned count, filled;
};

static bool has_field(const struct journey_step *step, const char *name)
{
	for (unsigned i = 0; i < step->fields_count; i++)
		if (strcasecmp(step->fields[i].name, name) == 0)
			return true;
	return false;
}

static bool gather_fields(struct journey_run *run, const struct journey_step *step,
                          const struct egress_target *target, struct fields *fields)
{
	bool good = true;
	for (unsigned i = 0; !run->strange && i < step->fields_count; i++) {
		struct buf *value = &fields->values[fields->filled++];
		buf_init(value, JOURNEY_SENT_BYTES_MAX);
		good = journey_fill(step->fields[i].value, run->values, run->values_count, value) && good;
		fields->rows[fields->count++] =
			(struct http_ask_field){ step->fields[i].name, value->used > 0 ? value->bytes : "" };
	}
	buf_init(&fields->cookie, COOKIES_MAX * (COOKIE_BYTES_MAX + 4));
	cookie_jar_print(&run->jar, str_of(target->host), path_of(target->url), target->https, &fields->cookie);
	if (fields->cookie.used > 0)
		fields->rows[fields->count++] = (struct http_ask_field){ "Cookie", fields->cookie.bytes };
	if (run->body.used > 0 && !has_field(step, "Content-Type"))
		fields->rows[fields->count++] = (struct http_ask_field){
			"Content-Type", strchr("{[", run->body.bytes[0]) != NULL ? "application/json"
			                                                       : "application/x-www-form-urlencoded" };
	return good;
}

static void fields_finish(struct fields *fields)
{
	for (unsigned i = 0; i < fields->filled; i++) {
		if (fields->values[i].size > 0)
			sodium_memzero(fields->values[i].bytes, fields->values[i].size);
		buf_finish(&fields->values[i]);
	}
	buf_finish(&fields->cookie);
}

/* What cannot be read as an address is quoted by the guard, and cut: of what was filled in, or came with a
 * redirect, nothing is said then, because part of a secret would not be found in it. An address that may not be
 * reached is told: it is a number, whole. */
static void fail_address(struct journey_run *run, const struct error *err)
{
	bool written = strcmp(run->url.bytes, run->own->steps[run->step].url) == 0;
	if (written || err->code == ERR_DENIED)
		fail(run, "%s", err->text);
	else
		fail(run, "its address, filled in or redirected to, cannot be called");
}

static void ask(struct journey_run *run)
{
	const struct journey_step *step = &run->own->steps[run->step];
	time_us left = run->spec->timeout - (clock_since_boot(run->tools->clock) - run->started);
	struct egress_target target;
	struct error err;
	struct fields fields = { .count = 0 };
	if (left < TIME_MS) {
		fail(run, "the time of the journey was over");
		return;
	}
	if (egress_check_url(run->tools->policy, buf_str(&run->url), &target, &err) != OK) {
		fail_address(run, &err);
		return;
	}
	bool good = gather_fields(run, step, &target, &fields);
	struct http_ask request = {
		.method = run->method, .url = run->url.bytes, .fields = fields.rows, .fields_count = fields.count,
		.body = buf_str(&run->body), .timeout = left, .body_max_bytes = BODY_SEEN_BYTES,
		.verify_off = run->spec->verify_off, .fresh = true,
	};
	enum err r = good ? http_client_start(run->tools->http, &request, on_answer, run, &run->call, &err)
	                  : error_set(&err, ERR_TOO_LARGE, "a header field, filled in, is too long");
	fields_finish(&fields);
	if (r != OK)
		fail(run, "%s", err.text);
}

static void begin_step(struct journey_run *run)
{
	const struct journey_step *step = &run->own->steps[run->step];
	run->walked[run->step].from = clock_since_boot(run->tools->clock) - run->started;
	run->redirects_left = step->redirects_max;
	run->method = step->method;
	run->strange = false;
	buf_reset(&run->url);
	buf_reset(&run->body);
	bool good = journey_fill(step->url, run->values, run->values_count, &run->url);
	if (good && step->body != NULL)
		good = journey_fill(step->body, run->values, run->values_count, &run->body);
	if (good)
		ask(run);
	else
		fail(run, "its address or body, filled in, is too long");
}

static void on_begin(void *context)
{
	struct journey_run *run = context;
	struct check_result result = { .good = false };
	loop_timer_destroy(&run->timer);
	if (run->blind.code == OK) {
		begin_step(run);
		return;
	}
	bool hinted = run->blind.hint[0] != '\0';
	probe_blind(&result, "%.150s%s%.90s", run->blind.text, hinted ? "; " : "", run->blind.hint);
	run->done(run->context, &result);
	run_free(run);
}

/* ---- life ---- */

static enum err journey_start(const struct probe_tools *tools, const struct check_spec *spec, probe_done_fn *done,
                              void *context, void **ret_run, struct error *err)
{
	(void)err;
	struct journey_run *run = mem_alloc(sizeof *run);
	run->tools = tools;
	run->spec = spec;
	run->own = spec->own;
	run->done = done;
	run->context = context;
	run->started = clock_since_boot(tools->clock);
	cookie_jar_init(&run->jar);
	buf_init(&run->url, 2 * JOURNEY_URL_BYTES_MAX);
	buf_init(&run->body, JOURNEY_SENT_BYTES_MAX);
	run->blind.code = OK;
	open_secrets(run, &run->blind);
	run->timer = loop_timer_create(tools->loop, on_begin, run);
	loop_timer_start(run->timer, 0);
	*ret_run = run;
	return OK;
}

static void journey_cancel(void *context)
{
	run_free(context);
}

static void journey_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	const struct journey_spec *own = spec->own;
	snprintf(ret_text, size, "%u steps from %.200s", own->steps_count, own->steps[0].url);
}

const struct check_kind check_journey = {
	.name = "journey",
	.read = journey_read,
	.forget = journey_forget,
	.target = journey_target,
	.start = journey_start,
	.cancel = journey_cancel,
};
