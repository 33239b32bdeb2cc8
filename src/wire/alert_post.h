/*
 * alert_post.h: reads the body of `POST /api/v2/alerts` as Alertmanager's clients send it: a list of
 * {labels, annotations, startsAt, endsAt, generatorURL}.
 *
 * No tree is made: simdjson's on-demand walk gives one alert after another, because the same alerts
 * come again every minute and almost none of them is news. Unknown fields are passed over, as there;
 * null is as if the field were not sent. What is not JSON, or has another type, refuses the body.
 *
 * Owns: a reader owns its memory and is used by one thread at a time. Texts of an alert are valid
 * until the reader reads again or is destroyed; the arrays only during the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ALERT_POST_PAIRS_MAX 64 /* labels of one alert, and annotations */
#define ALERT_POST_WHY_BYTES 160
#define ALERT_POST_PADDING_BYTES 64 /* zero bytes that must follow the body */

struct alert_pair {
	struct str name, value;
};

struct alert_posted {
	const struct alert_pair *labels, *annotations;
	size_t label_count, annotation_count;
	bool crowded;              /* more pairs than fit: the rest was passed over */
	bool labelled;             /* `labels` was there */
	struct str starts, ends;   /* as sent; empty: not there */
	struct str generator;
};

struct alert_post_reader;
struct alert_post_reader *alert_post_reader_create(void); /* NULL: no memory */
void alert_post_reader_destroy(struct alert_post_reader **reader);

/* false: stop. */
typedef bool alert_posted_fn(void *context, const struct alert_posted *alert);

/* True when the whole body is a list of alerts and every one was taken; else ret_why says why not. */
bool alert_post_read(struct alert_post_reader *reader, struct str body, alert_posted_fn *take,
		     void *context, char ret_why[ALERT_POST_WHY_BYTES]);

#ifdef __cplusplus
}
#endif
