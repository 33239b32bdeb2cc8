/* api_report.h: what the handlers of reports and of the pages for people outside share. */
#pragma once

#include "api/api_priv.h"
#include "comms/comms_report.h"
#include "wire/form.h"

/* Passes what came in on to the room, within the limits for people outside. ret_report 0: it was not taken. */
enum err api_report_take(struct api_call *call, struct report_receive *in, api_handler *render, struct error *err);

/* How often people outside may write to us at all, by form or API. ERR_LIMIT with when to come back. */
enum err api_outside(struct api_call *call, struct error *err);

/* ---- pages without script (api_outside.c) ---- */

struct api_template_list;
struct api_face {
	const char *title, *text;
	struct str more; /* a second paragraph; may be empty */
	const struct api_template_list *links; /* path and words; NULL: none */
	/* Up to two buttons that POST `act` = value; NULL: no button. */
	struct {
		const char *value, *words;
	} buttons[3];
};
struct api_template_value;
enum err api_outside_page(struct api_call *call, int status, const char *name,
			  const struct api_template_value *values, size_t count);
enum err api_face_show(struct api_call *call, int status, const struct api_face *face);
enum err api_form_read(struct api_call *call, struct form *ret_form, struct error *err);
