/* functions.h: the evaluators that function_table.c names, by the file they are in. Of this folder only. */
#pragma once

#include "promql/eval.h"

/* func_rate.c */
over_fn over_rate, over_increase, over_delta, over_irate, over_idelta, over_changes, over_resets, over_deriv,
	over_predict_linear;
/* func_over.c */
over_fn over_sum, over_avg, over_min, over_max, over_count, over_last, over_first, over_present, over_stddev,
	over_stdvar, over_quantile, over_mad, over_smoothing, over_ts_of_first, over_ts_of_last, over_ts_of_min,
	over_ts_of_max;
/* func_math.c */
map_fn map_abs, map_ceil, map_floor, map_exp, map_ln, map_log2, map_log10, map_sqrt, map_sgn, map_round, map_clamp,
	map_clamp_min, map_clamp_max, map_acos, map_acosh, map_asin, map_asinh, map_atan, map_atanh, map_cos, map_cosh,
	map_sin, map_sinh, map_tan, map_tanh, map_deg, map_rad;
/* func_time.c */
map_fn map_year, map_month, map_day_of_month, map_day_of_week, map_day_of_year, map_days_in_month, map_hour,
	map_minute;
call_fn call_date, call_time, call_timestamp, call_start, call_end, call_step, call_range;
/* func_vector.c */
call_fn call_scalar, call_vector, call_pi, call_absent, call_absent_over_time, call_sort, call_nothing, call_min_of;
/* func_label.c */
call_fn call_label_replace, call_label_join, call_sort_by_label;
/* func_histogram.c */
call_fn call_histogram_quantile, call_histogram_fraction, call_histogram_quantiles;
