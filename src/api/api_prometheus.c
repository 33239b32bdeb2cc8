/* api_prometheus.c: see api_prometheus.h. */
#include "api/api_prometheus.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "promql/number.h"
#include "wire/url.h"

#define TIME_MS_MAX (INT64_MAX / 4)
#define ERROR_BYTES 2048

/* ---- parameters ---- */

static bool decode(struct str raw, struct arena *arena, struct str *ret_text)
{
	char *text = arena_alloc(arena, raw.len + 1);
	size_t length;
	if (!url_decode(raw, true, text, &length))
		return false;
	*ret_text = (struct str){ text, length };
	return str_is_utf8(*ret_text);
}

static bool is_form(const struct api_call *call)
{
	struct str type, name, rest;
	if (!http_request_header(call->request, "Content-Type", &type))
		return false;
	str_cut(type, ';', &name, &rest);
	return str_is(str_trim(name), "application/x-www-form-urlencoded");
}

/* Those of a form go before those of the address, as in Go's Form. */
static bool read_params(struct prom *prom)
{
	const struct http_request *request = prom->call->request;
	struct str rest = request->body, name, value;
	while (rest.len > 0 && url_query_next(&rest, &name, &value)) {
		if (prom->count == PROM_PARAMS_MAX)
			return false;
		struct http_field *field = &prom->params[prom->count++];
		if (!decode(name, &prom->call->arena, &field->name) || !decode(value, &prom->call->arena, &field->value))
			return false;
	}
	for (size_t i = 0; i < request->param_count; i++) {
		if (prom->count == PROM_PARAMS_MAX || !str_is_utf8(request->params[i].value))
			return false;
		prom->params[prom->count++] = request->params[i];
	}
	return true;
}

enum err api_metrics_hold(struct api_call *call, struct error *err)
{
	const struct api_metrics *metrics = call->api->options.metrics;
	if (metrics == NULL)
		return error_set(err, ERR_UNAVAILABLE, "there are no time series here");
	enum err r = metrics->begin(metrics->context, err);
	call->holds_metrics = r == OK;
	return r;
}

void api_metrics_let_go(struct api_call *call)
{
	if (call->holds_metrics)
		call->api->options.metrics->end(call->api->options.metrics->context);
	call->holds_metrics = false;
}

bool prom_begin(struct api_call *call, struct prom *ret_prom, enum err *ret_result, struct error *err)
{
	*ret_prom = (struct prom){ .call = call, .metrics = call->api->options.metrics, .now_ms = call->now / 1000 };
	call->out.limit = PROM_ANSWER_BYTES_MAX;
	if (api_metrics_hold(call, err) != OK) {
		*ret_result = prom_fail(call, PROM_UNAVAILABLE, "%s", err->text);
		return false;
	}
	if (call->request->body.len > 0 && !is_form(call)) {
		*ret_result = prom_fail(call, PROM_BAD_DATA, "the body is not sent as application/x-www-form-urlencoded");
		return false;
	}
	if (!read_params(ret_prom)) {
		*ret_result = prom_fail(call, PROM_BAD_DATA, "error parsing form values: they are UTF-8, and at most %u",
					PROM_PARAMS_MAX);
		return false;
	}
	/* From here on only series are read: the store is let go, so that a long query holds up no checkpoint of it. */
	store_read_end(call->conn);
	return true;
}

struct str prom_param(const struct prom *prom, const char *name)
{
	for (size_t i = 0; i < prom->count; i++)
		if (str_is(prom->params[i].name, name))
			return prom->params[i].value;
	return STR_NONE;
}

bool prom_time(struct str text, int64_t *ret_ms)
{
	double seconds;
	time_us at;
	if (promql_number_signed(text, &seconds) && isfinite(seconds) && fabs(seconds) < (double)TIME_MS_MAX / 1000) {
		*ret_ms = (int64_t)round(seconds * 1000);
		return true;
	}
	if (!time_parse(text, &at))
		return false;
	*ret_ms = at / 1000 - (at % 1000 < 0);
	return true;
}

bool prom_span(struct str text, int64_t *ret_ms)
{
	double seconds;
	if (promql_number_signed(text, &seconds)) {
		if (!isfinite(seconds) || fabs(seconds) >= (double)TIME_MS_MAX / 1000)
			return false;
		*ret_ms = (int64_t)(seconds * 1000);
		return true;
	}
	return promql_duration(text, ret_ms);
}

bool prom_limit(const struct prom *prom, const char *name, size_t *ret_limit, enum err *ret_result)
{
	struct str text = prom_param(prom, name);
	int64_t limit = 0;
	if (text.len > 0 && !str_int(text, 0, INT32_MAX, &limit)) {
		*ret_result = prom_invalid(prom->call, name, "it is a number, and not negative");
		return false;
	}
	*ret_limit = (size_t)limit;
	return true;
}

static bool time_param(const struct prom *prom, const char *name, int64_t *time_ms, enum err *ret_result)
{
	struct str text = prom_param(prom, name);
	if (text.len == 0 || prom_time(text, time_ms))
		return true;
	*ret_result = prom_fail(prom->call, PROM_BAD_DATA, "invalid parameter \"%s\": cannot parse \"" STR_FMT
				"\" to a valid timestamp", name, STR_ARG(str_sub(text, 0, 100)));
	return false;
}

bool prom_range(const struct prom *prom, int64_t *ret_from_ms, int64_t *ret_to_ms, enum err *ret_result)
{
	*ret_from_ms = INT64_MIN;
	*ret_to_ms = INT64_MAX;
	if (!time_param(prom, "start", ret_from_ms, ret_result) || !time_param(prom, "end", ret_to_ms, ret_result))
		return false;
	if (*ret_from_ms <= *ret_to_ms)
		return true;
	*ret_result = prom_invalid(prom->call, "end", "end timestamp must not be before start time");
	return false;
}

/* ---- match[] ---- */

static bool add_match(const struct prom *prom, struct str text, struct prom_matches *matches, enum err *ret_result)
{
	struct promql_expr *expr;
	struct error err;
	if (matches->count == PROM_MATCHES_MAX) {
		*ret_result = prom_invalid(prom->call, "match[]", "there are too many");
		return false;
	}
	if (promql_parse(text, &prom->call->arena, &expr, &err) != OK) {
		*ret_result = prom_invalid(prom->call, "match[]", err.text);
		return false;
	}
	matches->exprs[matches->count++] = expr;
	if (promql_expr_is_selector(expr))
		return true;
	*ret_result = prom_invalid(prom->call, "match[]", "it is no selector, like up{job=\"node\"}");
	return false;
}

bool prom_matches(const struct prom *prom, struct prom_matches *ret_matches, enum err *ret_result)
{
	ret_matches->count = 0;
	for (size_t i = 0; i < prom->count; i++)
		if (str_is(prom->params[i].name, "match[]") &&
		    !add_match(prom, prom->params[i].value, ret_matches, ret_result))
			return false;
	return true;
}

void prom_matches_finish(struct prom_matches *matches)
{
	for (size_t i = 0; i < matches->count; i++)
		promql_expr_finish(matches->exprs[i]);
}

struct each {
	struct metrics_scope scope;
	prom_list_fn *list;
	void *context;
	enum err result;
	struct error *err;
};

static void list_one(void *context, const struct promql_matcher *matchers, size_t count)
{
	struct each *each = context;
	struct metrics_matcher list[METRICS_MATCHERS_MAX];
	if (each->result != OK)
		return;
	if (count > METRICS_MATCHERS_MAX) {
		each->result = error_set(each->err, ERR_TOO_LARGE, "a selector has more than %u matchers",
					 METRICS_MATCHERS_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++)
		list[i] = metrics_source_matcher(&matchers[i]);
	each->scope.matchers = list;
	each->scope.count = count;
	each->result = each->list(each->context, &each->scope, each->err);
}

enum err prom_each_scope(const struct prom_matches *matches, int64_t from_ms, int64_t to_ms, size_t limit,
			 prom_list_fn *list, void *context, struct error *err)
{
	struct each each = { { NULL, 0, from_ms, to_ms, limit }, list, context, OK, err };
	if (matches->count == 0)
		return list(context, &each.scope, err);
	for (size_t i = 0; i < matches->count && each.result == OK; i++)
		promql_expr_selectors(matches->exprs[i], list_one, &each);
	return each.result;
}

/* ---- the envelope ---- */

static const struct {
	int status;
	const char *name;
} errors[] = {
	[PROM_BAD_DATA] = { 400, "bad_data" },	   [PROM_EXECUTION] = { 422, "execution" },
	[PROM_TIMEOUT] = { 503, "timeout" },	   [PROM_UNAVAILABLE] = { 503, "unavailable" },
	[PROM_INTERNAL] = { 500, "internal" },
};

enum err prom_fail(struct api_call *call, enum prom_error type, const char *format, ...)
{
	char text[ERROR_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buf_reset(&call->out);
	buf_printf(&call->out, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":", errors[type].name);
	json_quote(&call->out, str_of(text));
	buf_addc(&call->out, '}');
	call->status = errors[type].status;
	call->content_type = "application/json";
	if (call->status == 503)
		api_header(call, "Retry-After", "%d", 2);
	return OK;
}

enum err prom_invalid(struct api_call *call, const char *param, const char *why)
{
	return prom_fail(call, PROM_BAD_DATA, "invalid parameter \"%s\": %s", param, why);
}

struct buf *prom_data(struct api_call *call)
{
	buf_adds(&call->out, "{\"status\":\"success\",\"data\":");
	return &call->out;
}

static void put_texts(struct buf *out, const char *key, const struct str *texts, size_t count, const char *more)
{
	if (count == 0 && more == NULL)
		return;
	buf_printf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		json_quote(out, texts[i]);
	}
	buf_adds(out, count > 0 && more != NULL ? "," : "");
	if (more != NULL)
		json_quote(out, str_of(more));
	buf_addc(out, ']');
}

enum err prom_end(struct api_call *call, const struct promql_answer *notes, const char *more_warning)
{
	static const struct promql_answer none;
	if (notes == NULL)
		notes = &none;
	put_texts(&call->out, "warnings", notes->warnings, notes->warning_count, more_warning);
	put_texts(&call->out, "infos", notes->infos, notes->info_count, NULL);
	buf_addc(&call->out, '}');
	if (call->out.full)
		return prom_fail(call, PROM_EXECUTION, "the answer would be larger than %zu MB: ask for less time, fewer "
				 "series or a longer step", PROM_ANSWER_BYTES_MAX >> 20);
	call->content_type = "application/json";
	return OK;
}

/* ---- numbers and labels ---- */

void prom_put_time(struct buf *out, int64_t ms)
{
	if (ms > -1000 && ms < 0)
		buf_addc(out, '-');
	buf_add_int(out, ms / 1000);
	if (ms % 1000 != 0)
		buf_printf(out, ".%03d", abs((int)(ms % 1000)));
}

void prom_put_sample(struct buf *out, int64_t time_ms, double value)
{
	buf_addc(out, '[');
	prom_put_time(out, time_ms);
	buf_adds(out, ",\"");
	number_print(value, NUMBER_FORM_JSON, out);
	buf_adds(out, "\"]");
}

void prom_put_labels(struct buf *out, const struct promql_label *labels, size_t count)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		json_quote(out, labels[i].name);
		buf_addc(out, ':');
		json_quote(out, labels[i].value);
	}
	buf_addc(out, '}');
}
