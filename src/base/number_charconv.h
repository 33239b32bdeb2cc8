/* number_charconv.h: the two things of number.c that C++ knows and C does not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NUMBER_SHORTEST_BYTES 32

/* "-1.25e+02": the fewest digits that read back the same, and of those the nearest. Finite; ends in NUL. */
void number_shortest(double value, char ret_text[NUMBER_SHORTEST_BYTES]);

/* The nearest double, several times as soon as strtod. `text`: digits as number.c has checked them, with no sign but -.
 * False: too large or too small to be one as it is. */
bool number_nearest(const char *text, size_t size, double *ret_value);

#ifdef __cplusplus
}
#endif
