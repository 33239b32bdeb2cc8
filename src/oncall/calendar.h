/*
 * calendar.h: shifts as an iCalendar feed (RFC 5545) that people subscribe to.
 *
 * One VEVENT per computed shift, in UTC: no recurrence, so no calendar program can compute it
 * differently from the pager. The uid of a shift is made of schedule, layer, person and the wall
 * time at which the shift begins by the calendar: an override that cuts it shorter changes the
 * event and does not make another one. What vanishes is kept as cancelled, so that it vanishes from
 * the phone too.
 *
 * How a feed is made: calendar_events (fresh) -> calendar_carry (with what was published before), once for
 * each change there was (calendar_feed.h) -> calendar_write.
 *
 * Owns: everything is in the arena given. Pure; any thread.
 */
#pragma once

#include "base/buf.h"
#include "oncall/oncall.h"

#define CALENDAR_UID_BYTES 192u
#define CALENDAR_EVENTS_MAX 10000u
#define CALENDAR_BYTES_MAX (8u << 20)
#define CALENDAR_PAST (15 * TIME_DAY)    /* of a feed, and how long a cancelled event is kept */
#define CALENDAR_AHEAD (180 * TIME_DAY)
#define CALENDAR_LINE_BYTES 75u          /* RFC 5545 3.1, without the line end */

struct calendar_event {
	char uid[CALENDAR_UID_BYTES];
	int64_t user;          /* whose shift it is */
	time_us from, until;   /* half-open */
	struct str summary;    /* any UTF-8; escaped and folded when written */
	uint32_t sequence;     /* grows with every change */
	time_us changed; /* LAST-MODIFIED and DTSTAMP: so that an unchanged feed has equal bytes */
	bool cancelled;
};

struct calendar_source {
	const struct schedule *schedule;
	int64_t user; /* only theirs; 0: everybody */
	/* The name of a person for the summary; may be empty. */
	struct str (*user_name)(void *context, int64_t user);
	void *context;
};

/* Every shift that touches [from, until), whole: also what lies outside of the window, so that an
 * event stays the same while the window moves on. By start, then uid. ERR_TOO_LARGE: more than
 * CALENDAR_EVENTS_MAX; else as oncall_segments. */
enum err calendar_events(const struct calendar_source *source, time_us from, time_us until,
			 time_us now, struct arena *arena, struct calendar_event **ret_events,
			 size_t *ret_count, struct error *err);

/* Merges `fresh` with what was `published`: equal events keep sequence and time of change; changed
 * ones count up; those that are gone are kept as cancelled until CALENDAR_PAST after their end;
 * those that ended before `window_from` are not cancelled, they are simply over. What changed or is
 * gone gets `sequence`, or one more than it had when that is not higher. Both ordered as above. */
enum err calendar_carry(const struct calendar_event *published, size_t published_count,
			const struct calendar_event *fresh, size_t fresh_count, uint32_t sequence,
			time_us window_from, time_us now, struct arena *arena, struct calendar_event **ret_events,
			size_t *ret_count, struct error *err);

struct calendar_head {
	struct str name;      /* shown by the calendar program */
	struct str time_zone; /* IANA; a hint for display */
};

/* Adds the whole calendar. ERR_TOO_LARGE: it did not fit the limit of `buf`, whose content is then
 * of no use. Bytes that are not UTF-8 become '?', control characters blanks. */
enum err calendar_write(const struct calendar_head *head, const struct calendar_event *events,
			size_t count, struct buf *buf, struct error *err);
