/* func_rate.c: how fast something changes. See functions.h; the rules are numbered in Prometheus' functions.go. */
#include <math.h>

#include "promql/functions.h"
#include "promql/kahan.h"

/* A rate of something that is no counter is usually a mistake: said once a series. */
static void note_counter(struct call *call)
{
	static const char *const ends[] = { "_total", "_sum", "_count", "_bucket", NULL };
	if (call->noted)
		return;
	call->noted = true;
	struct str name = promql_label_get(call->series->labels, STR(PROMQL_NAME));
	struct str type = promql_label_get(call->series->labels, STR("__type__"));
	const struct node *where = call->node->call.arguments[0];
	if (name.len == 0)
		return;
	if (type.len > 0) {
		if (!str_is(type, "counter") && !str_is(type, "histogram"))
			eval_note(call->eval, false, where, "metric might not be a counter, __type__ label is not set to "
				  "\"counter\" or \"histogram\", got \"" STR_FMT "\": \"" STR_FMT "\"",
				  STR_ARG(type), STR_ARG(name));
		return;
	}
	for (size_t i = 0; ends[i] != NULL; i++)
		if (str_ends(name, str_of(ends[i])))
			return;
	eval_note(call->eval, false, where, "metric might not be a counter, name does not end in "
		  "_total/_sum/_count/_bucket: \"" STR_FMT "\"", STR_ARG(name));
}

/* The change between first and last sample, with resets of a counter made up for. */
static double change(const struct window *window, bool counter)
{
	double sum = window->values[window->count - 1] - window->values[0];
	for (size_t i = 1; i < window->count && counter && window->falls; i++)
		if (window->values[i] < window->values[i - 1])
			sum += window->values[i - 1];
	return sum;
}

struct edges { /* seconds from the samples to the ends of the window, as far as they are believed */
	double sampled, to_start, to_end;
};

static struct edges edges_of(const struct window *window, double sum, bool counter, bool version_2)
{
	const int64_t *times = window->times;
	size_t last = window->count - 1;
	struct edges edges = { (double)(times[last] - times[0]) / 1000, (double)(times[0] - window->start_ms) / 1000,
			       (double)(window->end_ms - times[last]) / 1000 };
	double mean = edges.sampled / (double)last, threshold = mean * 1.1, to_zero = edges.to_start;
	bool clamps = counter && sum > 0 && window->values[0] >= 0;
	if (clamps)
		to_zero = edges.sampled * (window->values[0] / sum);
	if (version_2 && clamps && to_zero < edges.to_start)
		edges.to_start = to_zero;
	if (edges.to_start >= threshold)
		edges.to_start = mean / 2;
	if (!version_2 && clamps && to_zero < edges.to_start)
		edges.to_start = to_zero; /* a counter was not below zero before its first sample */
	if (edges.to_end >= threshold)
		edges.to_end = mean / 2;
	return edges;
}

static bool extrapolated(struct call *call, const struct window *window, bool counter, bool per_second, double *ret)
{
	if (counter)
		note_counter(call);
	if (window->count < 2)
		return false;
	double sum = change(window, counter);
	struct edges edges = edges_of(window, sum, counter, call->eval->options->version_2);
	double factor = (edges.sampled + edges.to_start + edges.to_end) / edges.sampled;
	if (per_second)
		factor /= (double)(window->end_ms - window->start_ms) / 1000;
	*ret = sum * factor;
	return true;
}

bool over_rate(struct call *call, const struct window *window, double *ret)
{
	return extrapolated(call, window, true, true, ret);
}

bool over_increase(struct call *call, const struct window *window, double *ret)
{
	return extrapolated(call, window, true, false, ret);
}

bool over_delta(struct call *call, const struct window *window, double *ret)
{
	return extrapolated(call, window, false, false, ret);
}

static bool instant(const struct window *window, bool rate, double *ret)
{
	if (window->count < 2)
		return false;
	double last = window->values[window->count - 1], before = window->values[window->count - 2];
	int64_t ms = window->times[window->count - 1] - window->times[window->count - 2];
	if (ms == 0)
		return false;
	*ret = rate && last < before ? last : last - before;
	if (rate)
		*ret /= (double)ms / 1000;
	return true;
}

bool over_irate(struct call *call, const struct window *window, double *ret)
{
	note_counter(call);
	return instant(window, true, ret);
}

bool over_idelta(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	return instant(window, false, ret);
}

bool over_changes(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = 0;
	for (size_t i = 1; i < window->count; i++) {
		double a = window->values[i - 1], b = window->values[i];
		*ret += a != b && !(isnan(a) && isnan(b));
	}
	return true;
}

bool over_resets(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = 0;
	for (size_t i = 1; i < window->count; i++)
		*ret += window->values[i] < window->values[i - 1];
	return true;
}

/* ---- a straight line through the samples ---- */

struct line {
	double slope, at; /* at: its value at the time asked for */
};

static struct line line_through(const struct window *window, int64_t zero_ms)
{
	struct kahan x = { 0 }, y = { 0 }, xy = { 0 }, xx = { 0 };
	double n = (double)window->count, first = window->values[0];
	bool flat = true;
	for (size_t i = 0; i < window->count; i++) {
		double t = (double)(window->times[i] - zero_ms) / 1000, v = window->values[i];
		flat = flat && (i == 0 || v == first);
		kahan_add(&x, t);
		kahan_add(&y, v);
		kahan_add(&xy, t * v);
		kahan_add(&xx, t * t);
	}
	if (flat)
		return isinf(first) ? (struct line){ NAN, NAN } : (struct line){ 0, first };
	double sx = x.sum + x.lost, sy = y.sum + y.lost, sxy = xy.sum + xy.lost, sxx = xx.sum + xx.lost;
	double slope = (sxy - sx * sy / n) / (sxx - sx * sx / n);
	return (struct line){ slope, sy / n - slope * sx / n };
}

bool over_deriv(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	if (window->count < 2)
		return false;
	*ret = line_through(window, window->times[0]).slope;
	return true;
}

bool over_predict_linear(struct call *call, const struct window *window, double *ret)
{
	if (window->count < 2)
		return false;
	struct line line = line_through(window, window->at_ms);
	*ret = line.slope * call->parameters[0] + line.at;
	return true;
}
