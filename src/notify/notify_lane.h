/*
 * notify_lane.h: who is next on one channel. Pure: no clock, no I/O.
 *
 *     lane --> person --> line (one contact) --> rows, high urgency and low
 *
 * Rules: high urgency before low; people take turns, whatever each has waiting; a channel has at most
 * LANE_SENDING_MAX sends under way and one contact at most LANE_CONTACT_MAX, so that one place that
 * hangs holds up nobody else. A send keeps its contact's place until its result is stored: what a
 * crash can repeat is never more than these. A contact begins with LANE_CONTACT_FIRST places and gets
 * one more with each result that was stored, so a server that dies again and again repeats little. The first page of an incident always leaves alone. When more
 * than LANE_WAITING_MAX others wait for one contact, they leave as one bundle: a flood becomes one
 * message, never silence.
 *
 * Rows belong to the caller, who embeds them; a row is in one lane at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LANE_SENDING_MAX 64u
#define LANE_CONTACT_MAX 8u
#define LANE_CONTACT_FIRST 2u
#define LANE_WAITING_MAX 10u
#define LANE_BUNDLE_MAX 500u

struct lane_line;
struct lane_person;

struct lane_row {
	int64_t user, contact;
	bool high;
	bool first; /* never bundled */
	struct lane_row *next;   /* the lane's own */
	struct lane_row *bundle; /* of a taken row: what it carries besides itself */
	struct lane_line *line;
};

struct lane {
	struct lane_person *turn; /* a ring; whose turn it is */
	unsigned waiting, sending;
	bool bundles;
};

void lane_init(struct lane *lane, bool bundles);
void lane_finish(struct lane *lane); /* forgets what waits; nothing may be sending */

void lane_push(struct lane *lane, struct lane_row *row);
/* The next to leave, with its bundle; NULL when nothing waits or may leave now. */
struct lane_row *lane_take(struct lane *lane);
/* The other side has answered what was taken: the channel has its place back. */
void lane_answered(struct lane *lane);
/* The result is stored, or cannot be for now and waits: the contact has its place back. Any row of the
 * bundle, or a copy of one, stands for it; once for each that was taken. */
void lane_settled(struct lane *lane, const struct lane_row *row, bool stored);
