/*
 * review_phase.h: what an incident's events say about its course: when it began, was detected, was
 * taken, ended; how long each took; where nothing was recorded.
 *
 *     started -> detected -> paged -> acknowledged -> first update -> mitigated -> resolved
 *
 * Pure: it is fed events oldest first and reads no store and no clock, so the same events give the same
 * facts for ever. What people took back (incident.undone) counts as if it had not happened; what ended
 * and went on again has the moments of its last end and of its first beginning.
 *
 * Owns: nothing; texts borrow the events. Runs on: any thread.
 */
#pragma once

#include "journal/event.h"

enum review_phase {
	REVIEW_STARTED,
	REVIEW_DETECTED,
	REVIEW_PAGED,
	REVIEW_ACKNOWLEDGED,
	REVIEW_UPDATED,
	REVIEW_MITIGATED,
	REVIEW_RESOLVED,
	REVIEW_PHASE_COUNT
};

struct review_moment {
	time_us at;  /* TIME_NONE: it did not come to that */
	int64_t seq; /* the event that shows it */
};

struct review_phase_row {
	const char *name, *title, *means;
};
extern const struct review_phase_row review_phase_rows[REVIEW_PHASE_COUNT];

/* A length of time between two moments, with its definition for people. */
struct review_span_row {
	const char *name, *title, *means;
	enum review_phase from, to;
};
#define REVIEW_SPANS 7
extern const struct review_span_row review_span_rows[REVIEW_SPANS];
/* -1: one of its ends is missing. Never below zero: clocks of different witnesses differ a little. */
time_us review_span(const struct review_moment *moments, const struct review_span_row *row);

/* ---- who took part ---- */

enum review_part {
	REVIEW_DECLARED,
	REVIEW_WAS_PAGED,
	REVIEW_TOOK_IT,
	REVIEW_NOTED,
	REVIEW_PRIORITISED,
	REVIEW_ESCALATED,
	REVIEW_ENDED,
	REVIEW_REOPENED,
	REVIEW_TOLD, /* sent an update */
	REVIEW_PART_COUNT
};
extern const char *const review_part_names[REVIEW_PART_COUNT];

#define REVIEW_PEOPLE_MAX 200u
struct review_person {
	int64_t user;
	unsigned counts[REVIEW_PART_COUNT];
	int64_t first_seq;
	time_us first_at;
};

/* ---- where nothing was recorded ---- */

#define REVIEW_GAP_LEAST (10 * TIME_MINUTE)
#define REVIEW_GAPS_MAX 200u
struct review_gap {
	struct review_moment before, after;
};

/* ---- all of it ---- */

#define REVIEW_PAGES_MAX 4000u
#define REVIEW_UNDONE_MAX 200u
struct review_page_ref {
	int64_t page, user;
	bool alarms; /* false: it told that it is over, or reminded of the review */
};

struct review_facts {
	struct review_moment moments[REVIEW_PHASE_COUNT];
	struct review_person people[REVIEW_PEOPLE_MAX];
	size_t people_count;
	struct review_gap gaps[REVIEW_GAPS_MAX];
	size_t gap_count;
	int64_t events, pages_written, pages_arrived, pages_failed, alerts;
	int64_t up_to; /* the last event that was seen */
	/* while it is fed */
	struct review_page_ref pages[REVIEW_PAGES_MAX];
	size_t page_count;
	int64_t undone[REVIEW_UNDONE_MAX]; /* given before: what does not count */
	size_t undone_count;
	struct review_moment last, opened;
	bool over;
};

/* First every event to this, which finds what was taken back; then every one to review_see. */
void review_see_undone(struct review_facts *facts, const struct event *event);
/* Events of the incident, oldest first. `sent` says of a page.attempted that it left. */
void review_see(struct review_facts *facts, const struct event *event);
/* The trouble began before anybody knew: an alert's own beginning, and the event that told of it. */
void review_see_alert(struct review_facts *facts, time_us started, int64_t seq);

/* ---- days on which people work ---- */

/* The same time of day, so many days from Monday to Friday later, by UTC. */
time_us review_working_days(time_us from, unsigned days);
