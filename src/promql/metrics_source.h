/*
 * metrics_source.h: the series that are kept (src/metrics) as a source of PromQL.
 *
 * Nothing is copied: labels are laid out alike on both sides, and a series is lent for the call. The engine's readers'
 * lock is held while a selector reads, so a heavy selector delays who appends; it never delays another reader.
 */
#pragma once

#include "metrics/metrics.h"
#include "promql/promql.h"

/* Borrows the engine. Runs on: any thread, several at a time. */
struct promql_source metrics_source(struct metrics *metrics);

/* A matcher in the engine's words, for who lists series without a query; borrows `matcher`. */
struct metrics_matcher metrics_source_matcher(const struct promql_matcher *matcher);
