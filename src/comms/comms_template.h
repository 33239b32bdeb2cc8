/*
 * comms_template.h: words to begin with, for each audience and state, so that nobody starts from an empty box.
 *
 * The built-in ones hold until somebody defines an UpdateTemplate for the same audience and state. In a text
 * {service}, {since} and {next} stand for the service's name, the beginning, and the next update.
 */
#pragma once

#include "comms/comms.h"

#define COMMS_TEMPLATE "UpdateTemplate"
extern const struct spec_field comms_template_spec[];

struct comms_template_values {
	struct str service, since, next; /* next empty: its sentence is left out */
};

/* The text for this audience and state, filled in, in the arena; empty: there is none. */
enum err comms_template(struct store_conn *conn, enum comms_audience audience, struct str state,
			const struct comms_template_values *values, struct arena *arena, struct str *ret_text,
			struct error *err);
