/* api_prometheus_query.c: GET and POST query and query_range, as Prometheus 3 answers them. */
#include <sys/resource.h>

#include "api/api_handlers.h"
#include "api/api_prometheus.h"

#define BACKGROUND_NICE 10 /* of the threads that evaluate: pages go before queries */

/* When to give up: the time is over, nobody waits any more, or the server stops. */
struct deadline {
	const struct api *api;
	struct clock *clock;
	time_us at; /* since boot */
	struct http_exchange *exchange; /* NULL: it did not come by a connection */
};

static bool is_over(void *context)
{
	const struct deadline *deadline = context;
	return __atomic_load_n(&deadline->api->stopping, __ATOMIC_RELAXED) || clock_since_boot(deadline->clock) >= deadline->at ||
	       (deadline->exchange != NULL && http_exchange_is_gone(deadline->exchange));
}

/* What is the same for both. */
struct question {
	struct prom prom;
	struct promql_expr *expr;
	struct promql_options options;
	struct deadline deadline;
	struct arena arena;
	int64_t time_ms, start_ms, end_ms, step_ms;
	size_t limit;
};

/* ---- reading ---- */

static bool read_options(struct question *q, enum err *ret_result)
{
	struct prom *prom = &q->prom;
	struct str timeout = prom_param(prom, "timeout"), lookback = prom_param(prom, "lookback_delta");
	int64_t timeout_ms = prom->metrics->timeout / 1000, asked_ms;
	q->options = PROMQL_OPTIONS_DEFAULT;
	if (timeout.len > 0 && (!prom_span(timeout, &asked_ms) || asked_ms < 0)) {
		*ret_result = prom_fail(prom->call, PROM_BAD_DATA, "invalid parameter \"timeout\": cannot parse \"" STR_FMT
					"\" to a valid duration", STR_ARG(str_sub(timeout, 0, 100)));
		return false;
	}
	if (timeout.len > 0 && asked_ms < timeout_ms)
		timeout_ms = asked_ms;
	if (lookback.len > 0 && (!prom_span(lookback, &q->options.lookback_ms) || q->options.lookback_ms <= 0)) {
		*ret_result = prom_invalid(prom->call, "lookback_delta", "it is a duration, like 5m");
		return false;
	}
	q->deadline.api = prom->call->api;
	q->deadline.clock = prom->call->api->options.clock;
	q->deadline.exchange = prom->call->request->exchange;
	q->deadline.at = clock_since_boot(q->deadline.clock) + timeout_ms * 1000;
	q->options.samples_max = prom->metrics->samples_max;
	q->options.expired = is_over;
	q->options.expired_context = &q->deadline;
	return prom_limit(prom, "limit", &q->limit, ret_result);
}

static bool read_expr(struct question *q, enum err *ret_result)
{
	struct error err;
	struct str text = prom_param(&q->prom, "query");
	if (promql_parse(text, &q->arena, &q->expr, &err) == OK)
		return true;
	*ret_result = prom_invalid(q->prom.call, "query", err.text);
	return false;
}

static bool read_time(const struct question *q, const char *name, bool wanted, int64_t *time_ms, enum err *ret_result)
{
	struct str text = prom_param(&q->prom, name);
	if (text.len == 0 && !wanted)
		return true;
	if (prom_time(text, time_ms))
		return true;
	*ret_result = prom_fail(q->prom.call, PROM_BAD_DATA, "invalid parameter \"%s\": cannot parse \"" STR_FMT
				"\" to a valid timestamp", name, STR_ARG(str_sub(text, 0, 100)));
	return false;
}

static bool read_grid(struct question *q, enum err *ret_result)
{
	struct api_call *call = q->prom.call;
	struct str step = prom_param(&q->prom, "step");
	if (!read_time(q, "start", true, &q->start_ms, ret_result) || !read_time(q, "end", true, &q->end_ms, ret_result))
		return false;
	if (q->end_ms < q->start_ms)
		*ret_result = prom_invalid(call, "end", "end timestamp must not be before start time");
	else if (!prom_span(step, &q->step_ms))
		*ret_result = prom_fail(call, PROM_BAD_DATA, "invalid parameter \"step\": cannot parse \"" STR_FMT
					"\" to a valid duration", STR_ARG(str_sub(step, 0, 100)));
	else if (q->step_ms <= 0)
		*ret_result = prom_invalid(call, "step", "zero or negative query resolution step widths are not accepted. "
					   "Try a positive integer");
	else if ((q->end_ms - q->start_ms) / q->step_ms > PROMQL_STEPS_MAX)
		*ret_result = prom_fail(call, PROM_BAD_DATA, "exceeded maximum resolution of 11,000 points per timeseries. "
					"Try decreasing the query resolution (?step=XX)");
	else
		return true;
	return false;
}

/* ---- answering ---- */

static enum err refuse(struct api_call *call, enum err code, const struct error *err)
{
	switch (code) {
	case ERR_TIMEOUT:
		if (__atomic_load_n(&call->api->stopping, __ATOMIC_RELAXED))
			return prom_fail(call, PROM_UNAVAILABLE, "the server stops; ask again");
		return prom_fail(call, PROM_TIMEOUT, "query timed out in expression evaluation");
	case ERR_INVALID:
	case ERR_TOO_LARGE:
	case ERR_UNSUPPORTED:
		return prom_fail(call, PROM_EXECUTION, "%s", err->text);
	case ERR_UNAVAILABLE:
		return prom_fail(call, PROM_UNAVAILABLE, "%s", err->text);
	default:
		return prom_fail(call, PROM_INTERNAL, "%s", err->text);
	}
}

static void put_row(struct buf *out, const struct promql_row *row, bool matrix)
{
	buf_adds(out, "{\"metric\":");
	prom_put_labels(out, row->labels.pairs, row->labels.count);
	buf_adds(out, matrix ? ",\"values\":[" : ",\"value\":");
	for (size_t i = 0; i < row->count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		prom_put_sample(out, row->times[i], row->values[i]);
	}
	buf_adds(out, matrix ? "]}" : "}");
}

static void put_text(struct buf *out, int64_t time_ms, struct str text)
{
	buf_addc(out, '[');
	prom_put_time(out, time_ms);
	buf_addc(out, ',');
	json_quote(out, text);
	buf_addc(out, ']');
}

static enum err answer(struct question *q, const struct promql_answer *answer)
{
	static const char *const names[] = {
		[PROMQL_SCALAR] = "scalar", [PROMQL_VECTOR] = "vector", [PROMQL_MATRIX] = "matrix",
		[PROMQL_STRING] = "string",
	};
	bool listed = answer->type == PROMQL_MATRIX || answer->type == PROMQL_VECTOR;
	bool cut = listed && q->limit > 0 && answer->count > q->limit;
	size_t count = cut ? q->limit : answer->count;
	struct buf *out = prom_data(q->prom.call);
	buf_printf(out, "{\"resultType\":\"%s\",\"result\":", names[answer->type]);
	if (answer->type == PROMQL_STRING)
		put_text(out, q->time_ms, answer->text);
	else if (answer->type == PROMQL_SCALAR)
		prom_put_sample(out, answer->rows[0].times[0], answer->rows[0].values[0]);
	buf_adds(out, listed ? "[" : "");
	for (size_t i = 0; listed && i < count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		put_row(out, &answer->rows[i], answer->type == PROMQL_MATRIX);
	}
	buf_adds(out, listed ? "]}" : "}");
	return prom_end(q->prom.call, answer, cut ? "results truncated due to limit" : NULL);
}

static enum err evaluate(struct question *q, bool range)
{
	struct promql_source source = metrics_source(q->prom.metrics->metrics);
	struct promql_answer found;
	struct error err = { .code = OK };
	enum err r;
	setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE); /* of this thread: it does nothing else */
	if (range)
		r = promql_range(q->expr, &source, q->start_ms, q->end_ms, q->step_ms, &q->options, &q->arena, &found, &err);
	else
		r = promql_instant(q->expr, &source, q->time_ms, &q->options, &q->arena, &found, &err);
	return r == OK ? answer(q, &found) : refuse(q->prom.call, r, &err);
}

static enum err ask(struct question *q, bool range)
{
	enum err result = OK;
	enum promql_type type;
	if (range ? !read_grid(q, &result) : !read_time(q, "time", false, &q->time_ms, &result))
		return result;
	if (!read_options(q, &result) || !read_expr(q, &result))
		return result;
	type = promql_expr_type(q->expr);
	if (range && type != PROMQL_SCALAR && type != PROMQL_VECTOR)
		return prom_fail(q->prom.call, PROM_BAD_DATA, "invalid parameter \"query\": invalid expression type \"%s\" for "
				 "range query, must be Scalar or instant Vector", promql_type_words(type));
	return evaluate(q, range);
}

static enum err question(struct api_call *call, bool range, struct error *err)
{
	struct question q = { .expr = NULL };
	enum err result;
	if (!prom_begin(call, &q.prom, &result, err))
		return result;
	arena_init(&q.arena, PROM_ARENA_BYTES);
	q.time_ms = q.prom.now_ms;
	result = ask(&q, range);
	promql_expr_finish(q.expr);
	arena_finish(&q.arena);
	return result;
}

enum err api_prometheus_query(struct api_call *call, struct error *err)
{
	return question(call, false, err);
}

enum err api_prometheus_range(struct api_call *call, struct error *err)
{
	return question(call, true, err);
}
