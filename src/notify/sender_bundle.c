/*
 * sender_bundle.c: many waiting pages to one contact, written as one message.
 *
 * The first line is that of the most urgent, oldest page, for a lock screen; then how many more.
 */
#include <assert.h>

#include "base/buf.h"
#include "notify/sender_priv.h"

#define TITLES_SHOWN_MAX 30u

static unsigned count_of(const struct flight *first)
{
	unsigned count = 0;
	for (const struct lane_row *row = first->row.bundle; row != NULL; row = row->bundle)
		count++;
	return count;
}

static struct str titles_of(struct flight *first, unsigned others)
{
	cleanup_buf struct buf body;
	unsigned shown = 0;
	buf_init(&body, NOTIFY_BODY_BYTES_MAX + TITLES_SHOWN_MAX * (NOTIFY_TITLE_BYTES_MAX + 4) + 256);
	buf_add(&body, first->message.body);
	buf_printf(&body, "\nAnd %u more:\n", others);
	for (struct lane_row *row = first->row.bundle; row != NULL && shown < TITLES_SHOWN_MAX;
	     row = row->bundle, shown++) {
		struct flight *other = (struct flight *)row;
		buf_printf(&body, "- " STR_FMT "\n", STR_ARG(other->message.title));
	}
	if (others > shown)
		buf_printf(&body, "and %u that are not listed; see On-call.\n", others - shown);
	return arena_str(&first->arena, buf_str(&body));
}

struct notify_page bundle_write(struct flight *first)
{
	struct notify_page message = first->message;
	unsigned others = count_of(first);
	if (others == 0)
		return message;
	assert(first->channel->bundles);
	message.title = arena_printf(&first->arena, STR_FMT " and %u more", STR_ARG(message.title), others);
	message.body = titles_of(first, others);
	return message;
}
