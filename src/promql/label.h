/*
 * label.h: the labels of a series, and what is done with them.
 *
 * A set is sorted by name (bytes), has no name twice and no empty value: "empty" and "not there" are
 * the same to PromQL. Sets never change; whoever wants another one builds it.
 *
 * Owns: sets borrow; `promql_labels_copy` puts names and values into an arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define PROMQL_NAME "__name__"

struct promql_label {
	struct str name, value;
};

struct promql_labels {
	const struct promql_label *pairs;
	size_t count;
};

struct str promql_label_get(struct promql_labels labels, struct str name); /* empty: not there */
bool promql_labels_equal(struct promql_labels a, struct promql_labels b);
int promql_labels_compare(struct promql_labels a, struct promql_labels b);
uint64_t promql_labels_hash(struct promql_labels labels);
/* NULL pairs when the arena has no room; the same for all below that take one. */
bool promql_labels_copy(struct promql_labels labels, struct arena *arena, struct promql_labels *ret_labels);

/* {__name__="up", job="a"}, as Prometheus' errors have it. */
void promql_labels_print(struct promql_labels labels, struct buf *buf);
/* up{job="a"}, as people write it. */
void promql_labels_print_series(struct promql_labels labels, struct buf *buf);
/* In double quotes with Go's escapes, as its %q. */
void promql_quote(struct str text, struct buf *buf);
bool promql_is_label_name(struct str text);  /* letters, digits and _, no digit first */
bool promql_is_metric_name(struct str text); /* and : */
