/* api_status_priv.h: between the snapshot and what its files are made of. */
#pragma once

#include "api/api_status.h"
#include "comms/comms_page.h"

enum status_view { STATUS_INDEX, STATUS_HISTORY, STATUS_INCIDENT };

#define STATUS_STALE_MARK "<!-- stale -->"

/* One HTML page; `incident` of STATUS_INCIDENT. Nothing when this build has no template. */
void api_status_html(const struct http_asset *page_template, const struct comms_page *page, enum status_view view,
		     const struct comms_page_incident *incident, struct arena *arena, struct buf *out);
