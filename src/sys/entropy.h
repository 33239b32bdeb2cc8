/* entropy.h: the system's random source (libsodium, getrandom), for secrets and production ids. */
#pragma once

#include "base/random.h"

void entropy_init(struct random *random); /* thread-safe source; ends the process if there is none */
