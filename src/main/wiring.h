/* wiring.h: which function answers to which event. wiring.c is the table; reading it is reading the
 * product. */
#pragma once

#include "journal/world.h"

extern const struct wiring wiring;
