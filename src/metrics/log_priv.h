/* log_priv.h: the records of the log. */
#pragma once

#include "base/buf.h"
#include "metrics/log.h"
#include "metrics/metrics_priv.h"

#define LOG_HEADER "mainstay-wal/1\n"
#define LOG_HEADER_BYTES 16u
#define LOG_MARK 0x9e57a11du
#define LOG_RECORD_HEADER_BYTES 13u

enum { LOG_SERIES = 1, LOG_FRAME = 2 };

void log_put_series(struct buf *buf, const struct metrics *metrics, uint32_t reference);
void log_put_frame(struct buf *buf, const struct metrics_frame *frame);

/* Any bytes as a segment into the engine; adds to `told`. `ret_good`: where the last good record ends. */
void log_replay(struct str bytes, struct metrics *metrics, struct metrics_recovered *told, size_t *ret_good);
