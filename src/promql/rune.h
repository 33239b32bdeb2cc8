/*
 * rune.h: the letters of a UTF-8 text, one by one, as Go walks over them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* The letter at `at`, which moves behind it; 0xfffd, and one byte, where the bytes are no UTF-8. at < text.len. */
uint32_t rune_next(struct str text, size_t *at);
void rune_put(uint32_t rune, struct buf *buf);
bool rune_is_print(uint32_t rune);

struct rune_range {
	uint32_t from, to;
};
bool rune_within(uint32_t rune, const struct rune_range *ranges, size_t count);
