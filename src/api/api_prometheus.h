/*
 * api_prometheus.h: what the handlers of Prometheus' HTTP API share: parameters of the address and of a form, times and
 * steps as its clients write them, and its envelope {status, data, errorType, error, warnings, infos}.
 *
 * What is refused before a handler runs (nobody signed in, may not, too many wait) is answered as everywhere else here.
 */
#pragma once

#include "api/api_metrics.h"
#include "api/api_priv.h"
#include "promql/metrics_source.h"
#include "promql/promql.h"

#define PROM_PARAMS_MAX 128u
#define PROM_MATCHES_MAX 32u /* match[] of one request */
#define PROM_ANSWER_BYTES_MAX ((size_t)128 << 20)
#define PROM_ARENA_BYTES ((size_t)512 << 20) /* of one query */

struct prom {
	struct api_call *call;
	const struct api_metrics *metrics;
	struct http_field params[PROM_PARAMS_MAX];
	size_t count;
	int64_t now_ms;
};

enum prom_error { PROM_BAD_DATA, PROM_EXECUTION, PROM_TIMEOUT, PROM_UNAVAILABLE, PROM_INTERNAL };

/* Reads the parameters of address and form and sees that series can be read. False: it is answered already, and the
 * handler returns *ret_result. */
bool prom_begin(struct api_call *call, struct prom *ret_prom, enum err *ret_result, struct error *err);

struct str prom_param(const struct prom *prom, const char *name); /* empty: not there */

/* The envelope of a failure; returns OK, for a handler to return. */
enum err prom_fail(struct api_call *call, enum prom_error type, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
enum err prom_invalid(struct api_call *call, const char *param, const char *why);

/* {"status":"success","data": ... , and the end of it with what is to be noted. */
struct buf *prom_data(struct api_call *call);
enum err prom_end(struct api_call *call, const struct promql_answer *notes, const char *more_warning);

/* A time: seconds since 1970 with a fraction, or RFC 3339. False: neither. */
bool prom_time(struct str text, int64_t *ret_ms);
/* A span: seconds, or 1h30m. */
bool prom_span(struct str text, int64_t *ret_ms);
/* Of the parameter `name`; 0 is none. False: it is answered. */
bool prom_limit(const struct prom *prom, const char *name, size_t *ret_limit, enum err *ret_result);
/* `start` and `end` of listings; all of time when they are not there. False: it is answered. */
bool prom_range(const struct prom *prom, int64_t *ret_from_ms, int64_t *ret_to_ms, enum err *ret_result);

/* ---- match[] ---- */

struct prom_matches {
	struct promql_expr *exprs[PROM_MATCHES_MAX];
	size_t count;
};

/* False: it is answered. In every case prom_matches_finish. */
bool prom_matches(const struct prom *prom, struct prom_matches *ret_matches, enum err *ret_result);
void prom_matches_finish(struct prom_matches *matches);

/* Calls `list` with what each selector takes in that time; without selectors once, with all. What it lists may come
 * from several. */
typedef enum err prom_list_fn(void *context, const struct metrics_scope *scope, struct error *err);
enum err prom_each_scope(const struct prom_matches *matches, int64_t from_ms, int64_t to_ms, size_t limit,
			 prom_list_fn *list, void *context, struct error *err);

/* ---- numbers and labels ---- */

void prom_put_time(struct buf *out, int64_t ms);                       /* 1435781430.781 */
void prom_put_sample(struct buf *out, int64_t time_ms, double value);  /* [1435781430.781,"1"] */
void prom_put_labels(struct buf *out, const struct promql_label *labels, size_t count);
