/* verbs.h: machine verbs: what works with the server down, on the data folder itself. */
#pragma once

#include "cli/verb.h"

extern const struct verb machine_verbs[]; /* ends in a row without name */
