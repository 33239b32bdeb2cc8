/*
 * calendar_feed.h: the feed of a schedule now, with what vanished from it.
 *
 * Nothing is kept of what was published: the versioned tables know how the schedule was at each change,
 * so every feed is made by walking through them:
 *
 *     as it was before the first change --carry--> after it --carry--> ... --carry--> as it is
 *
 * each time for the window of now, and what vanished on the way is cancelled. A shift that was over when the
 * change came took place: it is not cancelled. SEQUENCE is the seq of the event that last made the entry
 * what it is, or of the person's own row when that is newer (another name): it never falls. Where the walk
 * begins moves on with time and with the changes; an entry that did not change then gets a higher SEQUENCE
 * once, and never a lower one.
 *
 * Changes of people between two changes of the schedule are seen together, as one.
 */
#pragma once

#include "oncall/calendar.h"
#include "oncall/paging.h"

/* The newest of them; what vanished by an older one is no longer told, only left out. */
#define CALENDAR_CHANGES_MAX 32u

struct calendar_feed {
	struct zones *zones;
	struct str schedule; /* its name */
	int64_t user;        /* only theirs; 0: everybody */
	time_us now;         /* by the wall */
};

/* In the arena, by start, then uid. The connection asks about now. ERR_NOT_FOUND: no such schedule;
 * else as calendar_events. */
enum err calendar_feed_events(struct store_conn *conn, const struct calendar_feed *feed,
			      struct arena *arena, struct calendar_event **ret_events, size_t *ret_count,
			      struct error *err);
