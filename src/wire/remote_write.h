/*
 * remote_write.h: the messages by which Prometheus and its kin hand on samples.
 *
 *	1.0  prometheus.WriteRequest: series with their labels as texts
 *	2.0  io.prometheus.write.v2.Request: a table of symbols, and series with numbers into it
 *
 * Both come out the same: series by series, the labels as *one run of bytes* in the encoding of 1.0. A sender writes
 * the same labels by the same bytes each time, so who knows the bytes need not look into them.
 *
 * Pure and bounded: a message is read twice and nothing of it is kept; what `struct remote_write_sink` is given is
 * borrowed for the call. Native histograms and exemplars are counted and left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define REMOTE_WRITE_BYTES_MAX ((size_t)32 << 20) /* of a message, unpacked */
#define REMOTE_WRITE_SERIES_MAX 1000000u          /* of a message */
#define REMOTE_WRITE_SAMPLES_MAX 1000000u
#define REMOTE_WRITE_SYMBOLS_MAX 1000000u
#define REMOTE_WRITE_LABELS_MAX 64u /* of a series */
#define REMOTE_WRITE_LABELS_BYTES_MAX (256u << 10)
#define REMOTE_WRITE_UNFOLDED_BYTES_MAX ((size_t)128 << 20) /* of the labels of a message: few symbols may make many */

enum remote_write_version { REMOTE_WRITE_1, REMOTE_WRITE_2 };

struct remote_write_metadata {
	struct str family, help, unit;
	const char *type; /* "counter", "gauge" ...: never NULL */
};

struct remote_write_label {
	struct str name, value;
};

struct remote_write_sink {
	void *context;
	void (*series)(void *context, struct str labels);
	void (*sample)(void *context, int64_t time_ms, double value); /* of the series before */
	void (*metadata)(void *context, const struct remote_write_metadata *metadata);
};

struct remote_write_counts {
	size_t series, samples, histograms, exemplars;
};

/* ERR_INVALID: it is no such message; ERR_TOO_LARGE: a limit. The sink may have been given some of it by then. */
enum err remote_write_read(struct str message, enum remote_write_version version, const struct remote_write_sink *sink,
			   struct remote_write_counts *ret_counts, struct error *err);

/* The labels in such a run of bytes, in its order; texts are borrowed from it. ERR_INVALID; ERR_TOO_LARGE. */
enum err remote_write_labels(struct str labels, struct remote_write_label ret_labels[REMOTE_WRITE_LABELS_MAX],
			     size_t *ret_count, struct error *err);
