/* doctor.h: looks at a set-up and says what is wrong with it, what that means, and what to do. */
#pragma once

#include "cli/verb.h"

int run_doctor(const struct verb *verb, int argc, char **argv); /* exit status: 0 well, 1 something is wrong, 2 usage */
