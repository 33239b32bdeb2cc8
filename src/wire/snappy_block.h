/*
 * snappy_block.h: the block format of snappy, over libsnappy: what remote write is packed in.
 *
 * A block says first how long it will be. That is believed only within the caller's limit, before any memory is taken.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* `bytes` holds what it was packed from, and nothing else. ERR_INVALID: no such block; ERR_TOO_LARGE: the limit of `bytes`. */
enum err snappy_block_unpack(struct str block, struct buf *bytes, struct error *err);
/* For tests and senders. */
void snappy_block_pack(struct str bytes, char **ret_block, size_t *ret_size);
