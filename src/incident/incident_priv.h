/* incident_priv.h: what the files of this room share. SQL stands in incident_store.c alone. */
#pragma once

#include "incident/incident.h"

enum err incident_unresolved_for(struct store_conn *conn, struct str service, struct str check,
				 struct arena *arena, int64_t *ret_incident, struct error *err);
enum err incident_as_of(struct store_conn *conn, int64_t id, int64_t seq, struct arena *arena,
			struct incident *ret_incident, struct error *err);
enum err incident_of_alert(struct store_conn *conn, int64_t alert, int64_t *ret_incident,
			   struct error *err);
