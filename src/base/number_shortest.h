/* number_shortest.h: the one thing of number.c that C++ knows and C does not. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define NUMBER_SHORTEST_BYTES 32

/* "-1.25e+02": the fewest digits that read back the same, and of those the nearest. Finite; ends in NUL. */
void number_shortest(double value, char ret_text[NUMBER_SHORTEST_BYTES]);

#ifdef __cplusplus
}
#endif
