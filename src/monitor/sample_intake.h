/*
 * sample_intake.h: what other programs send of samples, into the series that are kept.
 *
 *	body --snappy--> message --remote_write--> series and samples
 *	    labels known by their bytes --> reference              (the usual way: nothing is looked into)
 *	    else: read, sorted, checked --> metrics_series --> reference, and known from then on
 *	rows --> one frame (or slices of it) --> append, which the owner of the log gives
 *
 * A message is read whole before its first sample is kept, so one that is damaged changes nothing. Of one that is sound
 * every good sample is kept also when others are refused, as Prometheus does.
 *
 * Owns: a table from bytes of labels to references, and what was told about metric families. Neither is stored: the
 * first is filled by the next message, senders repeat the second each minute. Runs on: any thread.
 */
#pragma once

#include "base/random.h"
#include "metrics/metrics.h"
#include "wire/remote_write.h"

#define SAMPLE_INTAKE_KNOWN_MAX 8000000u   /* series known by their bytes; others are looked up each time */
#define SAMPLE_INTAKE_FAMILIES_MAX 100000u /* of metrics, with help and unit */
#define SAMPLE_INTAKE_HELP_BYTES_MAX 1024u
#define SAMPLE_INTAKE_AHEAD_MS 600000      /* how far ahead of this machine's clock a sender's may be, as Prometheus has it */

struct sample_intake;

struct sample_intake_options {
	struct metrics *metrics;
	struct random *random; /* the key of the table; not kept */
	/* metrics_log_append of the log that is open now. ERR_UNAVAILABLE: nothing can be kept. */
	enum err (*append)(void *context, const struct metrics_frame *frame, struct metrics_tally *ret_tally,
			   struct error *err);
	void *append_context;
};

void sample_intake_create(const struct sample_intake_options *options, struct sample_intake **ret_intake);
void sample_intake_destroy(struct sample_intake **intake); /* accepts NULL, leaves NULL */

struct sample_intake_told {
	size_t samples; /* that are kept now; those that were there already count */
	size_t refused; /* and will be again */
	struct remote_write_counts sent;
};

/* One body; samples later than now_ms and SAMPLE_INTAKE_AHEAD_MS are refused: one of them would make what all others
 * send too old. `ret_told` is set in every case. ERR_INVALID, ERR_TOO_LARGE: sending it again is no use; some of it may be
 * kept. ERR_UNAVAILABLE: send it again. */
enum err sample_intake_take(struct sample_intake *intake, struct str body, enum remote_write_version version,
			    int64_t now_ms, struct sample_intake_told *ret_told, struct error *err);

/* ---- what is known of metric families ---- */

struct sample_family {
	struct str name, help, unit;
	const char *type;
};

/* What a target says of a family when it is scraped; empty texts and a NULL type leave what is known. */
void sample_intake_describe(struct sample_intake *intake, const struct sample_family *told);

/* False: the rest is not wanted. Under the intake's lock. */
typedef bool sample_family_fn(void *context, const struct sample_family *family);
/* By name; `name` empty: all of them. */
void sample_intake_families(struct sample_intake *intake, struct str name, sample_family_fn *take, void *context);

struct sample_intake_figures {
	uint64_t messages, samples, refused, histograms, exemplars, damaged;
	uint32_t known, families;
};
void sample_intake_figures(struct sample_intake *intake, struct sample_intake_figures *ret_figures);
