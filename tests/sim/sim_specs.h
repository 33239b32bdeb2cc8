/* sim_specs.h: definitions by chance, each one that the product takes. */
#pragma once

#include "sim.h"

#define SIM_SPEC_BYTES 4096u

/* A spec of this kind. */
void sim_spec(struct sim *sim, const char *kind, char ret_spec[SIM_SPEC_BYTES]);
/* Any kind, with a name for it; returns the kind. */
const char *sim_spec_any(struct sim *sim, char ret_name[16], char ret_spec[SIM_SPEC_BYTES]);
