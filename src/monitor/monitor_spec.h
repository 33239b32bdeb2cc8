/*
 * monitor_spec.h: what a definition of kind Check may say, and the same as values for the probes.
 *
 * To add a check kind: 1. a file check_NAME.c that exports `const struct check_kind check_NAME`
 * (monitor_probe.h), with `read` for its own fields; 2. its row in kinds[] of monitor_fields.c; 3. rows
 * for its fields there, with `.only = "kind=NAME"`, and what it cannot do without in needs[].
 */
#pragma once

#include "base/err.h"
#include "monitor/check.h"
#include "wire/http_client.h"
#include "wire/spec.h"

struct check_kind;
struct doc_node;

#define MONITOR_NAME_BYTES 64
#define MONITOR_RANGES_MAX 16
#define MONITOR_FIELDS_MAX 20
#define MONITOR_ARGS_MAX 63
#define MONITOR_EVERY_MIN TIME_SECOND
#define MONITOR_EVERY_MAX (366 * TIME_DAY)
#define MONITOR_INTERVAL_MIN TIME_SECOND
#define MONITOR_INTERVAL_MAX TIME_DAY
#define MONITOR_TIMEOUT_MAX TIME_MINUTE
#define MONITOR_REDIRECTS 5
#define MONITOR_SQL_BYTES_MAX 4000
#define MONITOR_SQL_ROWS_MAX 10000

extern const struct spec_field monitor_check_fields[];
void monitor_check_rule(const struct doc_node *spec, struct spec_errors *errors);

struct status_range {
	uint16_t from, to;
};

struct status_ranges {
	struct status_range rows[MONITOR_RANGES_MAX];
	unsigned count;
};

/* "200-399,404"; numbers 100..599. */
bool status_ranges_parse(struct str text, struct status_ranges *ret_ranges);
bool status_ranges_match(const struct status_ranges *ranges, int status);

/* One check, ready to run. Texts are its own (heap); NULL where the spec is silent. */
struct check_spec {
	const struct check_kind *kind;
	char name[MONITOR_NAME_BYTES];
	char *url, *method;                        /* http */
	char *status_text;                         /* as written, for sentences */
	struct status_ranges status;
	char *body_contains, *body_not_contains;
	struct http_ask_field fields[MONITOR_FIELDS_MAX];
	unsigned fields_count;
	unsigned redirects_max;
	char *host, *server_name;                  /* tcp, tls */
	uint16_t port;
	char *send, *receive;                      /* tcp */
	bool verify_off;                           /* http, tls */
	void *own;                                 /* of the kind, made by its `read` */
	time_us interval, timeout;
	struct check_rules rules;
	bool paused;
};

/* From a document that passed spec_check (the full one, defaults filled in; missing ones are filled here
 * all the same). What the rows cannot say is checked here: ERR_INVALID. */
enum err monitor_spec_read(struct str name, const struct doc_node *spec, struct check_spec *ret_spec,
                           struct error *err);
void monitor_spec_finish(struct check_spec *spec);

/* For `read` of kinds: a copy of the text (heap), NULL when it is absent; a duration of the document. */
char *monitor_spec_text(const struct doc_node *node);
time_us monitor_spec_duration(const struct doc_node *spec, const char *key, const char *otherwise);

/* "https://example.org/", "db.example.org:5432": what the check looks at, for people. */
void monitor_spec_target(const struct check_spec *spec, char *ret_text, size_t size);
