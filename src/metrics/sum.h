/* sum.h: crc32c, the sum that guards what is on the disk. Owns nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* `before` is that of what comes before, 0 for nothing. */
uint32_t sum_more(uint32_t before, const void *bytes, size_t size);
