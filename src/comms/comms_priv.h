/* comms_priv.h: what the files of this room share. SQL stands in the *_store.c alone. */
#pragma once

#include "comms/comms.h"
#include "incident/incident.h"

/* The newest that was not withdrawn, of customers or of those inside; ret_found false: there is none. */
enum err comms_update_last(struct store_conn *conn, int64_t incident, bool for_customers, struct arena *arena,
			   bool *ret_found, struct comms_update *ret_update, struct error *err);

/* When the next update is owed after one of this state, written now; TIME_NONE: none is. */
enum err comms_due_after(struct decision *d, const struct incident *incident, enum comms_audience audience,
			 struct str state, time_us promised, time_us *ret_due, struct error *err);

/* When somebody is told of what is owed at `due`, who was told `told` of it; TIME_NONE: no more. */
time_us comms_watch_at(time_us due, int told);
#define COMMS_REMIND_BEFORE (3 * TIME_MINUTE)
