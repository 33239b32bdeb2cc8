/* verbs.h: machine verbs: what works with the server down, on the data folder itself. */
#pragma once

#include "base/err.h"
#include "cli/verb.h"

extern const struct verb machine_verbs[]; /* ends in a row without name */

/* Says it on standard error, with its hint. The exit status: 2 for a wrong command, else 1. */
int verb_complain(const struct error *err);
