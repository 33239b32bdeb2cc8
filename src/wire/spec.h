/*
 * spec.h: what a kind of definition may say, as rows; and the one check that reads the rows.
 *
 * A Check, a Schedule, a Team, a request body: each is a table of `struct spec_field`. The parser,
 * the errors, the defaults, `GET /kinds`, `mainstay explain` and the editor's form come from it.
 *
 * To add a field: 1. add a row; 2. read it from the full document with doc_get. That is all.
 *
 *	static const char *const methods[] = { "GET", "HEAD", "POST", NULL };
 *	static const struct spec_field user = { .name = "user", .type = SPEC_EMAIL };
 *	const struct spec_field check_spec[] = {
 *		{ .name = "url", .type = SPEC_URL, .flags = SPEC_REQUIRED, .only = "kind=http",
 *		  .about = "What is asked." },
 *		{ .name = "interval", .type = SPEC_DURATION, .otherwise = "30s",
 *		  .min = 1 * TIME_SECOND, .max = TIME_DAY, .about = "Time between two runs." },
 *		{ .name = "method", .type = SPEC_CHOICE, .choices = methods, .otherwise = "GET", ... },
 *		{ .name = "users", .type = SPEC_LIST, .item = &user, .max = 100, ... },
 *		{ .name = NULL },
 *	};
 *
 * Owns: rows are constant; documents and sentences live in the arena. Runs on: any thread.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "wire/doc_build.h"

enum spec_type {
	SPEC_TEXT,     /* min..max bytes of UTF-8; 0..4096 without bounds */
	SPEC_NAME,     /* the name of a definition (str_is_name) */
	SPEC_INT,      /* min..max */
	SPEC_REAL,     /* min..max, whole bounds; a whole number is taken too */
	SPEC_BOOL,
	SPEC_DURATION, /* "1m30s", or 0; min..max in microseconds */
	SPEC_TIME,     /* RFC 3339 "2026-11-23T09:00:00Z" */
	SPEC_DATE,     /* "2026-11-23" */
	SPEC_CLOCK,    /* "09:00", "23:59:30"; "24:00" only where max is TIME_DAY */
	SPEC_ZONE,     /* "Europe/Zurich", "UTC" */
	SPEC_URL,      /* absolute, without a password; http or https unless `choices` says else */
	SPEC_HOST,     /* a host name, an IPv4 or an IPv6 address */
	SPEC_PORT,     /* 1..65535 */
	SPEC_EMAIL,
	SPEC_CHOICE,   /* one of `choices` */
	SPEC_LIST,     /* of `item`; min..max items; at most 1000 without bounds */
	SPEC_MAP,      /* keys are free texts of 1..256 bytes, values as `item`; min..max entries */
	SPEC_OBJECT,   /* with its own `fields` */
	SPEC_ANY,      /* any value, kept as it is: for what another room understands */
	SPEC_TYPE_COUNT
};

#define SPEC_REQUIRED 1u
#define SPEC_SECRET 2u /* never printed, exported or searched; spec_secret_paths names it */
#define SPEC_UNIQUE 4u /* of a list: no item twice */

#define SPEC_TEXT_BYTES_MAX 4096
#define SPEC_ITEMS_MAX 1000

struct spec_errors;
struct spec_path;

/* Rules between fields. Gets the full document (defaults filled, places kept) of one object that
 * has no error by itself, and reports with spec_error. */
typedef void spec_rule_fn(const struct doc_node *object, struct spec_errors *errors);

struct spec_field {
	const char *name; /* NULL ends the rows */
	enum spec_type type;
	unsigned flags;
	const char *otherwise; /* the default, as it would stand in a file; JSON for LIST, MAP, OBJECT.
				* NULL: absent stays absent */
	int64_t min, max;      /* both 0: as the type says; max 0 with min > 0: no upper bound */
	const char *unit;      /* for people: "ms", "%"; NULL when there is none */
	const char *const *choices; /* ends in NULL */
	const char *const *choices_about; /* a sentence for each of them, or NULL */
	const char *only;           /* "kind=http|tls": only when that earlier sibling says so */
	const char *refers;         /* a kind: the text is the name of such a definition */
	const struct spec_field *item;   /* LIST and MAP */
	const struct spec_field *fields; /* OBJECT; ends in a row without name */
	spec_rule_fn *rule;              /* OBJECT; may be NULL */
	const char *about;               /* one sentence for people, with a full stop */
};

struct spec_error {
	struct doc_place place;
	struct str source; /* file; empty for request bodies */
	struct str path;   /* "spec.steps[1].delay" */
	struct str text;   /* a finished sentence, lower case, no full stop */
};

#define SPEC_ERRORS_MAX 20

/* Collects; the caller prints them together, so that a file is corrected in one go. */
struct spec_errors {
	struct arena *arena;
	const char *source;  /* file of what is being checked; NULL for request bodies */
	const char *subject; /* "Check \"web\"", for sentences; NULL: "the request" */
	const char *base;    /* what every path begins with: "spec"; NULL: nothing */
	bool (*zone_known)(void *context, struct str zone); /* NULL: only the shape is checked */
	void *zone_context;
	size_t count, dropped; /* dropped: how many more there were */
	struct spec_error rows[SPEC_ERRORS_MAX];
	const struct spec_path *at; /* where the check stands; spec_check's own */
};

void spec_errors_init(struct spec_errors *errors, struct arena *arena, const char *source);

/* For rules: reports about a node (NULL: no place). `path` leads there from the object under check,
 * "steps[1].delay"; NULL is the object itself. The subject is put before the sentence. */
void spec_error(struct spec_errors *errors, const struct doc_node *node, const char *path,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "checks.yaml:4:3: unknown key ..."; for request bodies the sentence alone. No newline. */
void spec_error_print(const struct spec_error *error, struct buf *buf);

/* The first error as a struct error, for callers who return one: text, field and "and 3 more". */
enum err spec_errors_result(const struct spec_errors *errors, struct error *err);

/* Checks everything against the rows and collects what is wrong. OK when nothing was added to
 * `errors`, else ERR_INVALID. Either output may be NULL.
 * full: defaults filled in, for the room that works with it. canonical: in the order of the rows,
 * what equals its default left out, durations and times in one spelling: equal meaning, equal
 * bytes; for the record, for plans and for export. */
enum err spec_check(const struct spec_field *rows, spec_rule_fn *rule, const struct doc_node *node,
		    struct arena *arena, struct spec_errors *errors,
		    const struct doc_node **ret_full, const struct doc_node **ret_canonical);

/* Asserts that the rows themselves are sound (defaults that pass their own check, sentences,
 * choices). For the unit test of each kind. */
void spec_rows_assert(const struct spec_field *rows);

/* Calls `see` for every text whose row has `refers`: kind, name, place. */
typedef void spec_refer_fn(void *context, const char *kind, const struct doc_node *name,
			   struct str path);
void spec_references(const struct spec_field *rows, const struct doc_node *node,
		     struct arena *arena, spec_refer_fn *see, void *context);

/* A copy in which every secret is the text "(secret)". */
const struct doc_node *spec_mask(const struct spec_field *rows, const struct doc_node *node,
				 struct arena *arena);

const char *spec_type_name(enum spec_type type); /* "duration" */

struct json_writer;
/* One JSON list of fields: {name, type, required, default, min, max, unit, values, about, ...};
 * nested ones under `item` and `fields`. Bounds of durations are texts. */
void spec_describe(const struct spec_field *rows, struct json_writer *json);
/* For `mainstay explain KIND`: one paragraph a field. */
void spec_explain(const struct spec_field *rows, struct buf *buf);
