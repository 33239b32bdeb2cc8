/*
 * exposition.h: what a program says of itself in lines: Prometheus' text format (0.0.4, and 1.0.0 with names in quotes)
 * and OpenMetrics 1.0.
 *
 *     # TYPE http_requests_total counter            EXPOSITION_TYPE
 *     http_requests_total{code="200"} 1027 139506   EXPOSITION_SAMPLE: series, labels, value, time
 *     # EOF                                         EXPOSITION_EOF (OpenMetrics)
 *
 * Bytes come in pieces of any size; each line that is whole is read where it lies and handed out as one item. Nothing
 * is allocated for a line but room that the next one uses again, so memory is bounded by the longest line.
 *
 * Two readers are here. The plain one takes what Prometheus takes when it scrapes. The strict one refuses in addition
 * what the formats forbid between lines: families that are torn apart, histograms that do not add up, metadata that
 * comes twice or too late.
 *
 * Every refusal begins with its place, "line 3: ". Owns: items are borrowed until the callback returns. Runs on: any
 * one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define EXPOSITION_LINE_BYTES_MAX (1u << 20)
#define EXPOSITION_LABELS_MAX 256u
#define EXPOSITION_EXEMPLAR_CHARACTERS_MAX 128u /* names and values of its labels together, OpenMetrics' own limit */

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

enum exposition_type {
	EXPOSITION_UNKNOWN, /* "untyped" in text */
	EXPOSITION_COUNTER,
	EXPOSITION_GAUGE,
	EXPOSITION_HISTOGRAM,
	EXPOSITION_GAUGEHISTOGRAM,
	EXPOSITION_SUMMARY,
	EXPOSITION_INFO,
	EXPOSITION_STATESET,
	EXPOSITION_TYPE_COUNT
};

enum exposition_kind { EXPOSITION_TYPE, EXPOSITION_HELP, EXPOSITION_UNIT, EXPOSITION_SAMPLE, EXPOSITION_EOF };

struct exposition_label {
	struct str name, value; /* unescaped, the value is UTF-8 */
};

struct exposition_exemplar {
	const struct exposition_label *labels;
	size_t count;
	double value;
	bool has_time;
	double time_seconds;
};

struct exposition_item {
	enum exposition_kind kind;
	uint32_t line; /* 1-based */
	struct str name;
	enum exposition_type type; /* of EXPOSITION_TYPE */
	struct str text;           /* of HELP and UNIT, unescaped */
	/* The rest of EXPOSITION_SAMPLE. */
	struct str series; /* name and labels as they were written: the same bytes, the same series */
	bool known;        /* `known` said so: the labels were not read, and name is empty */
	const struct exposition_label *labels; /* in the order of the text, without the name; no name twice */
	size_t count;
	double value;
	bool has_time;
	int64_t time_ms;     /* rounded, and within int64 */
	double time_seconds; /* as OpenMetrics writes it */
	bool has_exemplar;
	struct exposition_exemplar exemplar;
};

/* Whatever it returns but OK ends the reading with that code. */
typedef enum err exposition_take_fn(void *context, const struct exposition_item *item, struct error *err);

struct exposition_options {
	enum exposition_format format;
	bool strict;     /* of one line: escapes, blanks and the last newline as the format has them */
	bool plain_names; /* 0.0.4 to the letter: a name in quotes is refused */
	size_t line_bytes_max; /* 0: EXPOSITION_LINE_BYTES_MAX */
	/* For who reads the same series again and again: true leaves its labels unread. May be NULL. */
	bool (*known)(void *context, struct str series);
	/* The same for a line that begins with #, but for OpenMetrics' end: true leaves it unread. May be NULL. */
	bool (*known_comment)(void *context, struct str line);
};

struct exposition;

struct exposition *exposition_create(const struct exposition_options *options, exposition_take_fn *take, void *context);
void exposition_destroy(struct exposition **exposition); /* accepts NULL, leaves NULL */

/* ERR_INVALID or ERR_TOO_LARGE, or what `take` said; after an error nothing more may be fed. */
enum err exposition_feed(struct exposition *exposition, struct str bytes, struct error *err);
/* After the last piece: the last line needs no newline (unless strict text), OpenMetrics needs its end. */
enum err exposition_end(struct exposition *exposition, struct error *err);
uint32_t exposition_line(const struct exposition *exposition); /* the one that was read last */

/* A whole text at once, by the plain reader. */
enum err exposition_read(struct str text, const struct exposition_options *options, exposition_take_fn *take,
			 void *context, struct error *err);
/* A whole text, by every rule of its format. `take` may be NULL. */
enum err exposition_read_strict(struct str text, enum exposition_format format, exposition_take_fn *take, void *context,
				struct error *err);

/* One item as a line that reads back as the same item. The end is "# EOF". */
void exposition_print(const struct exposition_item *item, enum exposition_format format, struct buf *buf);

const char *exposition_type_name(enum exposition_type type); /* OpenMetrics' word */
/* The format that a Content-Type names; false: none of them, or not one that is known. */
bool exposition_format_of(struct str content_type, enum exposition_format *ret_format);

/* What Prometheus' linter finds in a text that is right by itself: each finding once, by name and then by words. */
struct exposition_finding {
	struct str name, text;
	uint32_t line; /* where the family begins */
};
struct exposition_findings {
	struct arena *arena;
	struct exposition_finding *rows;
	size_t count;
};
struct arena;
enum err exposition_lint(struct str text, struct arena *arena, struct exposition_findings *ret_findings,
			 struct error *err);
