/* func_over.c: sum_over_time and those like it. A window is never empty. See functions.h. */
#include <math.h>
#include <string.h>

#include "promql/functions.h"
#include "promql/kahan.h"

bool over_sum(struct call *call, const struct window *window, double *ret)
{
	struct kahan sum = { 0 };
	(void)call;
	for (size_t i = 0; i < window->count; i++)
		kahan_add(&sum, window->values[i]);
	*ret = kahan_value(&sum);
	return true;
}

bool over_avg(struct call *call, const struct window *window, double *ret)
{
	struct kahan_mean mean = { .count = 0 };
	(void)call;
	for (size_t i = 0; i < window->count; i++)
		kahan_mean_add(&mean, window->values[i]);
	*ret = kahan_mean_value(&mean);
	return true;
}

/* Which sample is the smallest (or largest): any number before a NaN; of equals the first, or the last. */
static size_t extreme(const struct window *window, bool largest, bool last)
{
	size_t best = 0;
	for (size_t i = 1; i < window->count; i++) {
		double value = window->values[i], so_far = window->values[best];
		bool better = largest ? value > so_far : value < so_far;
		if (better || isnan(so_far) || (last && value == so_far))
			best = i;
	}
	return best;
}

bool over_min(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = window->values[extreme(window, false, false)];
	return true;
}

bool over_max(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = window->values[extreme(window, true, false)];
	return true;
}

bool over_count(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = (double)window->count;
	return true;
}

bool over_last(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = window->values[window->count - 1];
	return true;
}

bool over_first(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = window->values[0];
	return true;
}

bool over_present(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	(void)window;
	*ret = 1;
	return true;
}

static double variance(const struct window *window)
{
	struct kahan mean = { 0 }, squares = { 0 };
	for (size_t i = 0; i < window->count; i++) {
		double value = window->values[i], delta = value - (mean.sum + mean.lost);
		kahan_add(&mean, delta / (double)(i + 1));
		kahan_add(&squares, delta * (value - (mean.sum + mean.lost)));
	}
	return (squares.sum + squares.lost) / (double)window->count;
}

bool over_stdvar(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = variance(window);
	return true;
}

bool over_stddev(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = sqrt(variance(window));
	return true;
}

bool over_quantile(struct call *call, const struct window *window, double *ret)
{
	double q = call->parameters[0];
	if (!(q >= 0 && q <= 1)) {
		char text[40];
		snprintf(text, sizeof text, "%g", q);
		eval_note(call->eval, true, call->node->call.arguments[0],
			  "quantile value should be between 0 and 1, got %s", isnan(q) ? "NaN" : text);
	}
	memcpy(call->scratch, window->values, window->count * sizeof *call->scratch);
	*ret = quantile_of(q, call->scratch, window->count);
	return true;
}

bool over_mad(struct call *call, const struct window *window, double *ret)
{
	for (size_t i = 0; i < window->count; i++)
		if (isnan(window->values[i]))
			return *ret = NAN, true;
	memcpy(call->scratch, window->values, window->count * sizeof *call->scratch);
	double median = quantile_of(0.5, call->scratch, window->count);
	for (size_t i = 0; i < window->count; i++)
		call->scratch[i] = fabs(window->values[i] - median);
	*ret = quantile_of(0.5, call->scratch, window->count);
	return true;
}

bool over_smoothing(struct call *call, const struct window *window, double *ret)
{
	double factor = call->parameters[0], trend_factor = call->parameters[1];
	if (!(factor >= 0 && factor <= 1) || !(trend_factor >= 0 && trend_factor <= 1))
		eval_raise(call->eval, ERR_INVALID, "invalid %s factor. Expected: 0 <= factor <= 1, got: %f",
			   factor >= 0 && factor <= 1 ? "trend" : "smoothing",
			   factor >= 0 && factor <= 1 ? trend_factor : factor);
	if (window->count < 2)
		return false;
	double level = window->values[0], trend = window->values[1] - window->values[0], before = 0;
	for (size_t i = 1; i < window->count; i++) {
		if (i > 1)
			trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
		before = level;
		level = factor * window->values[i] + (1 - factor) * (level + trend);
	}
	*ret = level;
	return true;
}

bool over_ts_of_first(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = (double)window->times[0] / 1000;
	return true;
}

bool over_ts_of_last(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = (double)window->times[window->count - 1] / 1000;
	return true;
}

bool over_ts_of_min(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = (double)window->times[extreme(window, false, true)] / 1000;
	return true;
}

bool over_ts_of_max(struct call *call, const struct window *window, double *ret)
{
	(void)call;
	*ret = (double)window->times[extreme(window, true, true)] / 1000;
	return true;
}
