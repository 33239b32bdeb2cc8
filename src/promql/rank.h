/* rank.h: what would stand where, if values were sorted. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The value of that rank (from 0, below count), and the next one if there is one, else the same. What is no number comes
 * first. The values change their order. In linear time, whatever they are. */
void rank_pick(double *values, size_t count, size_t rank, double *ret_value, double *ret_next);

#ifdef __cplusplus
}
#endif
