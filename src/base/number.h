/*
 * number.h: doubles as texts of machines have them: read exactly, printed with the fewest digits.
 *
 * Most numbers of an exposition have few digits; those are read without strtod, to the same bits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* The whole text: 12, -1.5e-3, .5, 1., +Inf, infinity, NaN. False: no number, beyond a double, or longer than 511
 * bytes. No hexadecimal digits, no underscores, no blanks: as Prometheus reads what it scrapes. */
bool number_read(struct str text, double *ret_value);

/* The shortest digits that give the same double again. `g`: an exponent below 1e-4 and from 1e6 on, as Go's
 * Sprint; `f`: never an exponent; `json`: an exponent below 1e-6 and from 1e21 on. */
enum number_form { NUMBER_FORM_G, NUMBER_FORM_F, NUMBER_FORM_JSON };
void number_print(double value, enum number_form form, struct buf *buf);
