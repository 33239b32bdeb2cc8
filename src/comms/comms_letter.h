/*
 * comms_letter.h: the same words twice, as text and as HTML that any mail program shows.
 *
 * Everything is escaped: what people typed stays words. Pure; texts live in the arena.
 */
#pragma once

#include "notify/notify_bulk.h"

struct comms_letter {
	struct str title;
	struct str text; /* lines as they are */
	struct str link_text, link;
	struct str foot_text, foot_link; /* small, at the end; may be empty */
};

/* Sets title, text and html of the message. */
void comms_letter_write(struct arena *arena, const struct comms_letter *letter, struct notify_bulk *bulk);
