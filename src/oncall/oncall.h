/*
 * oncall.h: who is on call at an instant. The only answer there is (R11): the roster on a screen,
 * the pager, the calendar feed and the report of gaps all come from here, so they cannot disagree.
 *
 * How: every layer and override says who it means at an instant, and from when until when it says
 * the same; the narrowest of these is a *piece*. oncall_at returns the piece around an instant.
 * oncall_segments walks from piece to piece and joins equal neighbours.
 *
 * All intervals are half-open, UTC: a hand-over instant belongs to the incoming person.
 * Pure; any thread.
 */
#pragma once

#include "oncall/schedule.h"

/* At most one of each layer, one of each forced override, and one who takes it all. */
#define ONCALL_PEOPLE_MAX 32u
#define ONCALL_SEGMENTS_MAX 20000u /* of one list, and as many gaps */
#define ONCALL_PIECES_MAX 200000u  /* looked at for one list */

#define ONCALL_LAYER_NONE (-1)

struct oncall_person {
	int64_t user;
	int64_t override; /* the id of the override that puts them here, or 0 */
	int layer; /* index; of the replaced person's layer with an override, or LAYER_NONE */
	/* Which shift this is part of: the wall time at which its turn or window begins by the
	 * calendar, whatever overrides cut out of it. With an override, its start. */
	time_us shift;
};

/* Who, and from when until when at least. Ordered by user; each user once. */
struct oncall_answer {
	time_us from, until;
	size_t count; /* 0: nobody */
	struct oncall_person people[ONCALL_PEOPLE_MAX];
};

/* Outside of SCHEDULE_TIME_MIN .. MAX nobody is on call. `until` is always after `at`. */
void oncall_at(const struct schedule *schedule, time_us at, struct oncall_answer *ret_answer);

/* The same, asking again only when `answer` does not cover `at`. The answer belongs to one
 * schedule; begin with one that is all zero. When the schedule is replaced, zero it. */
void oncall_at_kept(const struct schedule *schedule, time_us at, struct oncall_answer *answer);

struct oncall_segment {
	time_us from, until;
	size_t count; /* 1 .. */
	const struct oncall_person *people;
};

struct oncall_gap {
	time_us from, until;
};

struct oncall_list {
	time_us from, until;
	const struct oncall_segment *segments; /* ascending, never touching when equal */
	size_t segment_count;
	const struct oncall_gap *gaps; /* ascending, never touching */
	size_t gap_count;
};

/* What ends a segment: other people or another source of them; or also the next shift of the same
 * person, as a calendar wants it. */
enum oncall_join { ONCALL_JOIN_PEOPLE, ONCALL_JOIN_SHIFT };

/* Everything in [from, until), in the arena. ERR_INVALID: not from < until within the years above.
 * ERR_TOO_LARGE: more segments than the limit: ask for less at a time. */
enum err oncall_segments(const struct schedule *schedule, time_us from, time_us until,
			 enum oncall_join join, struct arena *arena, struct oncall_list *ret_list,
			 struct error *err);

/* The intervals in which two lists of one window disagree about the people, in the arena: for "what
 * does this edit change", for new time zone data (R12), for an import. */
enum err oncall_differences(const struct oncall_list *a, const struct oncall_list *b,
			    struct arena *arena, struct oncall_gap **ret_differences,
			    size_t *ret_count, struct error *err);
