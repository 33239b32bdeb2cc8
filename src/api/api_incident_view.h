/* api_incident_view.h: parts of an incident as JSON, keys included, for the files that answer with one. */
#pragma once

#include "api/api_priv.h"
#include "incident/incident.h"

/* The fields of a row, into the open map. */
void api_incident_fields(struct api_call *call, const struct incident *incident);
/* "why", "alerts" and "escalation". */
void api_incident_why(struct api_call *call, const struct incident *incident);
enum err api_incident_alerts(struct api_call *call, int64_t incident, struct error *err);
enum err api_incident_escalation(struct api_call *call, const struct incident *incident,
				 struct error *err);

/* The whole incident whose id is *(const int64_t *)call->context, as GET /incidents/{id} answers it. */
enum err api_incident_whole(struct api_call *call, struct error *err);
