/*
 * number.h: numbers and spans of time as PromQL writes them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/str.h"

/* 12, 0x1f, 0755 (octal), 1_000, .5, 1e3, inf, nan; no sign. False: no number, or beyond a double. */
bool promql_number(struct str text, double *ret_value);
/* With a sign, and as label values have it: "1.5", "+Inf", "0x1p-2". */
bool promql_number_signed(struct str text, double *ret_value);
/* 1h30m, 5ms, 2w; units from large to small, each once. False: none, or beyond 2^63 ns. */
bool promql_duration(struct str text, int64_t *ret_ms);
void promql_duration_print(int64_t ms, struct buf *buf);
