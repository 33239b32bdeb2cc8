/* doctor.h: looks at a set-up and says what is wrong with it, what that means, and what to do. */
#pragma once

#include "base/err.h"

#include "cli/verb.h"

int run_doctor(const struct verb *verb, int argc, char **argv); /* exit status: 0 well, 1 something is wrong, 2 usage */

struct hand_place;
/* Starts a hand for this folder and asks it something; nothing is run. OK: it answered from behind its walls. */
enum err doctor_try_hand(const struct hand_place *place, struct error *err);
