/*
 * series_text.h: a series with its values in one line, as the unit tests of rules write it:
 *
 *	up{job="a"} 1 0+10x3 _ _x2 stale -1 {{schema:0 count:3}}x2
 *
 * "a+bxn" is n+1 values from a on, each b more; "axn" is a n+1 times; "_" is none, "_xn" none n times. Native
 * histograms are recognised, not read: what they hold is somebody else's.
 */
#pragma once

#include "promql/promql.h"

#define SERIES_TEXT_VALUES_MAX 1000000u

enum series_value_kind { SERIES_GAP, SERIES_NUMBER, SERIES_HISTOGRAM };

struct series_value {
	enum series_value_kind kind;
	double number; /* also what marks a series as stale */
};

struct series_text {
	struct promql_labels labels;
	const struct series_value *values;
	size_t count;
};

/* ERR_INVALID with "1:7: parse error: ..." */
enum err series_text_parse(struct str text, struct arena *arena, struct series_text *ret_series, struct error *err);
/* The labels alone, up{job="a"} or {job="a"}; ret_rest is what follows. */
enum err series_text_labels(struct str text, struct arena *arena, struct promql_labels *ret_labels,
			    struct str *ret_rest, struct error *err);
/* The values alone. `base` is where they stand in the line, for errors. */
enum err series_text_values(struct str text, size_t base, struct arena *arena, struct series_text *series,
			    struct error *err);
