/*
 * monitor_probe.h: what a kind of check is: a name and a way to look once.
 *
 * A probe gets a spec, looks, and says what it found. It knows no state, no schedule, no alert.
 * Runs on: the sense loop. Done is called exactly once, never inside start, never after cancel.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "monitor/check.h"
#include "monitor/monitor_spec.h"

struct child_result;
struct clock;
struct dial_result;
struct doc_node;
struct http_client;
struct loop;
struct ping;
struct resolve;
struct trust;

/* Runs programs of the folders of plugins; another process of lesser rights stands behind it. The answer
 * is given on `loop`, once; after `kill` too. */
struct probe_hand {
	void *context;
	enum err (*start)(void *context, struct loop *loop, const char *const *argv, time_us timeout,
	                  void (*fn)(void *fn_context, const struct child_result *result),
	                  void *fn_context, void **ret_run, struct error *err);
	void (*kill)(void *context, void *run);
};

/* What a check that waits to be called knows of the last calls. */
struct probe_beat { /* instants are by time since boot; what was before the boot is negative */
	time_us made;        /* since when there is an address to call */
	time_us listening;   /* since when this process hears calls */
	bool heard;          /* the others are set */
	bool was_well, runs; /* ok_at, started_at are set */
	time_us at;          /* the last call of any kind */
	time_us ok_at;       /* the last one that said all is well */
	time_us started_at;  /* of a run that has not ended yet */
	time_us took;        /* the last whole run; 0: not known */
	bool failed;         /* the last end was a failure */
	int exit_code;       /* of it; -1: not told */
	char said[200];      /* what came with it; may be empty */
};

struct probe_beats {
	void *context;
	/* False: there is no address yet that anybody could call. */
	bool (*find)(void *context, const char *check, struct probe_beat *ret_beat);
};

struct probe_secrets {
	void *context;
	/* The value, in the caller's buffer. False: there is no such secret. */
	bool (*find)(void *context, const char *name, struct buf *out);
};

/* Lets another server look, when this check is its share. */
struct probe_share {
	void *context;
	/* False: it is nobody else's. The spec is lent until the answer or `cancel`. `done` as of a kind's start. */
	bool (*start)(void *context, const struct check_spec *spec,
	              void (*done)(void *done_context, const struct check_result *result), void *done_context,
	              void **ret_run);
	void (*cancel)(void *run);
};

#define PROBE_SECRET_BYTES_MAX 4096u

/* Lent to every probe; outlives all of them. */
struct probe_tools {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct http_client *http;
	struct trust *trust;
	const struct egress_policy *policy;
	struct random *random;
	const struct probe_share *share;     /* may be NULL: all is looked at here; never asked for a dry run */
	struct ping *ping;                   /* the five may be NULL: then the kinds that need them say so */
	const struct probe_hand *hand;
	const struct probe_beats *beats;
	const struct probe_secrets *secrets;
};

/* How many of a lane look at once is bounded for each: slow programs never hold up the network. */
enum probe_lane { PROBE_NET, PROBE_HAND, PROBE_LANES };

/* `wall` and `boot` of the result are set by the caller of start. */
typedef void probe_done_fn(void *context, const struct check_result *result);

struct check_kind {
	const char *name;
	enum probe_lane lane;
	bool anywhere; /* any server may look in place of any other: it needs nothing but the network */
	/* Reads the kind's own fields into spec->own; NULL: it has none. ERR_INVALID. */
	enum err (*read)(const struct doc_node *doc, struct check_spec *spec, struct error *err);
	void (*forget)(void *own); /* frees it; NULL: mem_free is enough */
	/* What it looks at, for people; NULL: url, or host and port. */
	void (*target)(const struct check_spec *spec, char *ret_text, size_t size);
	/* ERR_INVALID and the like when it cannot even begin: no callback then. `ret_run` is for cancel. */
	enum err (*start)(const struct probe_tools *tools, const struct check_spec *spec,
	                  probe_done_fn *done, void *context, void **ret_run, struct error *err);
	void (*cancel)(void *run);
};

extern const struct check_kind check_http, check_tcp, check_tls, check_icmp, check_dns,
	check_command, check_heartbeat;

/* Every result is good and takes no time: for tests, and to read what a kind must do. */
extern const struct check_kind check_null;

extern const struct check_kind *const check_kinds[]; /* ends in NULL; without check_null */
/* What each is for stands in monitor_fields.c. */
const struct check_kind *check_kind_find(struct str name); /* NULL when there is none */

/* For probes: a bad result with this reason. */
void probe_fail(struct check_result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For probes: it could not look, and why. */
void probe_blind(struct check_result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For probes: a good result that is not well. */
void probe_warn(struct check_result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For probes: whom a connection reached, or tried last, and how long name and connection took. */
void probe_dialled(struct check_result *result, const struct dial_result *dialled);

/* For probes: what a certificate means for the result. */
void probe_certificate(struct check_result *result, const struct certificate *certificate,
                       time_us now);
