/*
 * tz_priv.h: how a zone is held. Only tz.c (asks it) and tz_read.c (makes it) include this.
 * All times here are seconds.
 */
#pragma once

#include "base/tz.h"

/* Beyond any instant of ours, and still in range as microseconds. */
#define TZ_SECOND_MIN (-(INT64_C(1) << 43))
#define TZ_SECOND_MAX (INT64_C(1) << 43)

#define TZ_ABBREVIATION_BYTES 32u
#define TZ_TYPES_MAX 256u

struct tz_type {
	int32_t offset_s;
	bool dst;
	char abbreviation[TZ_ABBREVIATION_BYTES];
};

/* The day of a year on which clocks change, as POSIX writes it. */
enum tz_day { TZ_DAY_JULIAN, TZ_DAY_ZERO, TZ_DAY_MONTH };

struct tz_rule_date {
	enum tz_day kind;
	int day;   /* JULIAN: 1..365, without 29 February. ZERO: 0..365. MONTH: 0 Sunday .. 6 */
	int month; /* 1..12 */
	int week;  /* 1..5, 5 is the last */
	int32_t time_s; /* wall time before the change; -167 h .. 167 h */
};

/* The footer: what holds after the last transition of the table. */
struct tz_rule {
	bool present;
	bool has_dst;
	struct tz_type standard, dst;
	struct tz_rule_date dst_starts, dst_ends;
};

struct tz {
	struct tz_rule rule;
	size_t transition_count, type_count;
	int64_t *at_s;     /* transition_count, strictly ascending but for clamped ends */
	uint8_t *type_at;  /* transition_count: the type that begins there */
	struct tz_type *types;
};

/* Parses a POSIX TZ string with the extensions of RFC 9636 3.3.1. False: it is not one. */
bool tz_rule_parse(struct str text, struct tz_rule *ret_rule);
