/*
 * monitor_probe.h: what a kind of check is: a name and a way to look once.
 *
 * A probe gets a spec, looks, and says what it found. It knows no state, no schedule, no alert.
 * Runs on: the sense loop. Done is called exactly once, never inside start, never after cancel.
 */
#pragma once

#include "base/err.h"
#include "monitor/check.h"
#include "monitor/monitor_spec.h"

struct clock;
struct http_client;
struct loop;
struct resolve;
struct trust;

/* Lent to every probe; outlives all of them. */
struct probe_tools {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct http_client *http;
	struct trust *trust;
	const struct egress_policy *policy;
};

/* `wall` and `boot` of the result are set by the caller of start. */
typedef void probe_done_fn(void *context, const struct check_result *result);

struct check_kind {
	const char *name;
	const char *about;
	/* ERR_INVALID and the like when it cannot even begin: no callback then. `ret_run` is for cancel. */
	enum err (*start)(const struct probe_tools *tools, const struct check_spec *spec,
	                  probe_done_fn *done, void *context, void **ret_run, struct error *err);
	void (*cancel)(void *run);
};

extern const struct check_kind check_http, check_tcp, check_tls;

/* Every result is good and takes no time: for tests, and to read what a kind must do. */
extern const struct check_kind check_null;

extern const struct check_kind *const check_kinds[]; /* ends in NULL; without check_null */
const struct check_kind *check_kind_find(struct str name); /* NULL when there is none */

/* For probes: a bad result with this reason. */
void probe_fail(struct check_result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For probes: what a certificate means for the result. */
void probe_certificate(struct check_result *result, const struct certificate *certificate,
                       time_us now);
