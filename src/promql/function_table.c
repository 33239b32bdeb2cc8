/* function_table.c: every function of the language, one row each. See function.h. */
#include <string.h>

#include "promql/functions.h"

#define S PROMQL_SCALAR
#define V PROMQL_VECTOR
#define M PROMQL_MATRIX
#define T PROMQL_STRING
#define EXPERIMENTAL FUNCTION_EXPERIMENTAL
#define KEEPS FUNCTION_KEEPS_NAME
#define OF_TIME FUNCTION_OF_TIME

#define OVER(name, fn) { name, V, { M }, 0, 0, .over = fn }
#define OVER_EXPERIMENTAL(name, fn) { name, V, { M }, 0, EXPERIMENTAL, .over = fn }
#define MAP(name, fn) { name, V, { V }, 0, 0, .map = fn }
#define DATE(name, fn) { name, V, { V }, 1, OF_TIME, .map = fn, .call = call_date }
#define NATIVE(name) { name, V, { V }, 0, FUNCTION_OF_HISTOGRAM, .call = call_nothing }

/* In the order of the alphabet: function_find looks by halves. */
static const struct function functions[] = {
	MAP("abs", map_abs),
	{ "absent", V, { V }, 0, 0, .call = call_absent },
	{ "absent_over_time", V, { M }, 0, 0, .call = call_absent_over_time },
	MAP("acos", map_acos),
	MAP("acosh", map_acosh),
	MAP("asin", map_asin),
	MAP("asinh", map_asinh),
	MAP("atan", map_atan),
	MAP("atanh", map_atanh),
	OVER("avg_over_time", over_avg),
	MAP("ceil", map_ceil),
	OVER("changes", over_changes),
	{ "clamp", V, { V, S, S }, 0, 0, .map = map_clamp },
	{ "clamp_max", V, { V, S }, 0, 0, .map = map_clamp_max },
	{ "clamp_min", V, { V, S }, 0, 0, .map = map_clamp_min },
	MAP("cos", map_cos),
	MAP("cosh", map_cosh),
	{ "count_over_time", V, { M }, 0, FUNCTION_COUNTS, .over = over_count },
	DATE("day_of_month", map_day_of_month),
	DATE("day_of_week", map_day_of_week),
	DATE("day_of_year", map_day_of_year),
	DATE("days_in_month", map_days_in_month),
	MAP("deg", map_deg),
	OVER("delta", over_delta),
	OVER("deriv", over_deriv),
	{ "double_exponential_smoothing", V, { M, S, S }, 0, EXPERIMENTAL, .over = over_smoothing },
	{ "end", S, { PROMQL_NONE }, 0, EXPERIMENTAL | OF_TIME, .call = call_end },
	MAP("exp", map_exp),
	{ "first_over_time", V, { M }, 0, KEEPS, .over = over_first },
	MAP("floor", map_floor),
	NATIVE("histogram_avg"),
	NATIVE("histogram_count"),
	{ "histogram_fraction", V, { S, S, V }, 0, 0, .call = call_histogram_fraction },
	{ "histogram_quantile", V, { S, V }, 0, 0, .call = call_histogram_quantile },
	{ "histogram_quantiles", V, { V, T, S, S }, -1, EXPERIMENTAL, .call = call_histogram_quantiles },
	NATIVE("histogram_stddev"),
	NATIVE("histogram_stdvar"),
	NATIVE("histogram_sum"),
	DATE("hour", map_hour),
	OVER("idelta", over_idelta),
	OVER("increase", over_increase),
	{ "info", V, { V, V }, 1, EXPERIMENTAL | FUNCTION_UNKNOWN, .call = call_nothing },
	OVER("irate", over_irate),
	{ "label_join", V, { V, T, T, T }, -1, KEEPS, .call = call_label_join },
	{ "label_replace", V, { V, T, T, T, T }, 0, KEEPS, .call = call_label_replace },
	{ "last_over_time", V, { M }, 0, KEEPS, .over = over_last },
	MAP("ln", map_ln),
	MAP("log10", map_log10),
	MAP("log2", map_log2),
	OVER_EXPERIMENTAL("mad_over_time", over_mad),
	{ "max_of", S, { S, S }, 0, EXPERIMENTAL, .call = call_min_of },
	OVER("max_over_time", over_max),
	{ "min_of", S, { S, S }, 0, EXPERIMENTAL, .call = call_min_of },
	OVER("min_over_time", over_min),
	DATE("minute", map_minute),
	DATE("month", map_month),
	{ "pi", S, { PROMQL_NONE }, 0, 0, .call = call_pi },
	{ "predict_linear", V, { M, S }, 0, OF_TIME, .over = over_predict_linear },
	{ "present_over_time", V, { M }, 0, FUNCTION_COUNTS, .over = over_present },
	{ "quantile_over_time", V, { S, M }, 0, 0, .over = over_quantile },
	MAP("rad", map_rad),
	{ "range", S, { PROMQL_NONE }, 0, EXPERIMENTAL | OF_TIME, .call = call_range },
	OVER("rate", over_rate),
	OVER("resets", over_resets),
	{ "round", V, { V, S }, 1, 0, .map = map_round },
	{ "scalar", S, { V }, 0, 0, .call = call_scalar },
	MAP("sgn", map_sgn),
	MAP("sin", map_sin),
	MAP("sinh", map_sinh),
	{ "sort", V, { V }, 0, KEEPS, .call = call_sort },
	{ "sort_by_label", V, { V, T }, -1, EXPERIMENTAL | KEEPS, .call = call_sort_by_label },
	{ "sort_by_label_desc", V, { V, T }, -1, EXPERIMENTAL | KEEPS, .call = call_sort_by_label },
	{ "sort_desc", V, { V }, 0, KEEPS, .call = call_sort },
	MAP("sqrt", map_sqrt),
	{ "start", S, { PROMQL_NONE }, 0, EXPERIMENTAL | OF_TIME, .call = call_start },
	{ "start_timestamp", V, { V }, 0, EXPERIMENTAL | OF_TIME | FUNCTION_UNKNOWN, .call = call_nothing },
	OVER("stddev_over_time", over_stddev),
	OVER("stdvar_over_time", over_stdvar),
	{ "step", S, { PROMQL_NONE }, 0, EXPERIMENTAL | OF_TIME, .call = call_step },
	OVER("sum_over_time", over_sum),
	MAP("tan", map_tan),
	MAP("tanh", map_tanh),
	{ "time", S, { PROMQL_NONE }, 0, OF_TIME, .call = call_time },
	{ "timestamp", V, { V }, 0, OF_TIME, .call = call_timestamp },
	OVER_EXPERIMENTAL("ts_of_first_over_time", over_ts_of_first),
	OVER_EXPERIMENTAL("ts_of_last_over_time", over_ts_of_last),
	OVER_EXPERIMENTAL("ts_of_max_over_time", over_ts_of_max),
	OVER_EXPERIMENTAL("ts_of_min_over_time", over_ts_of_min),
	{ "vector", V, { S }, 0, 0, .call = call_vector },
	DATE("year", map_year),
};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

const struct function *function_find(struct str name)
{
	size_t low = 0, high = FUNCTIONS;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = str_cmp(name, str_of(functions[middle].name));
		if (order == 0)
			return &functions[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t function_argument_count(const struct function *function)
{
	size_t count = 0;
	while (count < FUNCTION_ARGUMENTS_MAX && function->arguments[count] != PROMQL_NONE)
		count++;
	return count;
}
