/* api_update.h: what other handlers show of updates. */
#pragma once

#include "api/api_priv.h"

struct comms_update;
void api_update_row(struct api_call *call, const struct comms_update *update);
/* "updates_due": {public, internal} of an incident. */
enum err api_update_owed(struct api_call *call, int64_t incident, struct error *err);
/* "updates_due": [...] of GET /now. */
enum err api_update_now(struct api_call *call, struct error *err);
/* "maintenances": [...] of GET /now: those that run, and those within a day. */
enum err api_maintenance_now(struct api_call *call, struct error *err);
