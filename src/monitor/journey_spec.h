/*
 * journey_spec.h: a journey as its definition says it: steps, what each takes out, and what stands for what.
 *
 *     {{name}}       what an earlier step took out, or a secret
 *     {{name|url}}   percent-encoded, for queries and forms
 *     {{name|json}}  as the inside of a JSON text
 */
#pragma once

#include "monitor/monitor_spec.h"
#include "wire/regex.h"

#define JOURNEY_STEPS_MAX 20u
#define JOURNEY_TAKES_MAX 5u
#define JOURNEY_SECRETS_MAX 10u
#define JOURNEY_VALUES_MAX (JOURNEY_STEPS_MAX * JOURNEY_TAKES_MAX + JOURNEY_SECRETS_MAX)
#define JOURNEY_VALUE_BYTES_MAX 4096u
#define JOURNEY_TEXT_BYTES_MAX 4000
#define JOURNEY_URL_BYTES_MAX 2000
#define JOURNEY_SENT_BYTES_MAX (64u << 10) /* of a body, filled in */

struct journey_take {
	char *name;
	char *json, *header;  /* one of the three is set */
	struct regex *regex;
};

struct journey_step {
	char *name, *method, *url, *body, *contains, *status_text;
	struct status_ranges status;
	struct http_ask_field fields[MONITOR_FIELDS_MAX];
	unsigned fields_count, redirects_max, takes_count;
	struct journey_take takes[JOURNEY_TAKES_MAX];
};

struct journey_secret {
	char *name, *secret; /* what steps call it, and what it is called */
};

struct journey_spec {
	struct journey_step steps[JOURNEY_STEPS_MAX];
	unsigned steps_count;
	struct journey_secret secrets[JOURNEY_SECRETS_MAX];
	unsigned secrets_count;
};

extern const struct spec_field journey_step_fields[];

/* What the rows cannot say: each name is known where it stands, patterns and paths can be read. */
void journey_rule(const struct doc_node *spec, struct spec_errors *errors);

enum err journey_read(const struct doc_node *doc, struct check_spec *spec, struct error *err);
void journey_forget(void *own);

struct journey_value {
	const char *name;
	char *value; /* heap */
	bool secret;
};

/* Appends the text with values filled in; false when it does not fit or a name is not known. */
bool journey_fill(const char *text, const struct journey_value *values, unsigned count, struct buf *out);
