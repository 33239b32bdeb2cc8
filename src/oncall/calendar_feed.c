/* calendar_feed.c: see calendar_feed.h. */
#include "oncall/calendar_feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "journal/journal.h"
#include "resource/definition.h"

#define SEQS_MAX (2 * (CALENDAR_CHANGES_MAX + 1))

/* Somebody as they are today: a name has no history in a calendar. */
struct person {
	int64_t id;
	struct str name;
	int64_t seq; /* of their row; 0: there is no such account */
	struct person *next;
};

struct walk {
	struct store_conn *conn;
	const struct calendar_feed *feed;
	struct arena *arena;   /* of the caller: people */
	struct arena work;     /* of one step */
	struct arena kept[2];  /* what is published, before and after a step, by turns */
	unsigned turn;
	struct person *people;
	struct calendar_event *events;
	size_t count;
};

/* ---- people ---- */

static struct person *find_person(struct walk *walk, int64_t id)
{
	for (struct person *person = walk->people; person != NULL; person = person->next)
		if (person->id == id)
			return person;
	struct guard_user user = { 0 };
	int64_t then = store_as_of_seq(walk->conn);
	store_as_of(walk->conn, 0);
	bool found = guard_user_by_id(walk->conn, walk->arena, id, &user, NULL) == OK;
	store_as_of(walk->conn, then);
	struct person *person = arena_new(walk->arena, struct person);
	*person = (struct person){ id, found ? user.name : STR_NONE, found ? user.revision : 0,
				   walk->people };
	walk->people = person;
	return person;
}

static struct str name_of(void *context, int64_t user)
{
	return find_person(context, user)->name;
}

/* ---- when ---- */

static bool see_time(void *context, const struct event *event)
{
	*(time_us *)context = event->recorded_time;
	return false;
}

static enum err time_of(struct walk *walk, int64_t seq, time_us *ret_at, struct error *err)
{
	struct journal_filter filter = { .up_to_seq = seq, .newest_first = true, .limit = 1 };
	*ret_at = walk->feed->now;
	return journal_read(walk->conn, &filter, walk->arena, see_time, ret_at, err);
}

static bool see_seq(void *context, const struct event *event)
{
	*(int64_t *)context = event->seq;
	return false;
}

/* Layers name people by their mail address: an account that is made or changed may move a shift. */
static enum err last_of_people(struct walk *walk, int64_t *ret_seq, struct error *err)
{
	static const char *const kinds[] = { "user.created", "user.changed", "user.profile_changed", NULL };
	struct journal_filter filter = { .newest_first = true, .kinds = kinds, .limit = 1 };
	*ret_seq = 0;
	return journal_read(walk->conn, &filter, walk->arena, see_seq, ret_seq, err);
}

static int newest_first(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
	return one == other ? 0 : one > other ? -1 : 1;
}

/* The changes of the schedule and its overrides, newest first, each once. */
static enum err find_changes(struct walk *walk, int64_t ret_seqs[SEQS_MAX], size_t *ret_count,
			     struct error *err)
{
	struct str name = walk->feed->schedule;
	size_t made = 0, overridden = 0, count = 0;
	enum err r = definition_seqs(walk->conn, PAGING_SCHEDULE, name, ret_seqs, SEQS_MAX / 2, &made, err);
	if (r == OK)
		r = paging_override_seqs(walk->conn, name, ret_seqs + made, SEQS_MAX / 2, &overridden, err);
	if (r != OK)
		return r;
	qsort(ret_seqs, made + overridden, sizeof *ret_seqs, newest_first);
	for (size_t i = 0; i < made + overridden; i++)
		if (count == 0 || ret_seqs[count - 1] != ret_seqs[i])
			ret_seqs[count++] = ret_seqs[i];
	*ret_count = count < CALENDAR_CHANGES_MAX ? count : CALENDAR_CHANGES_MAX;
	return OK;
}

/* ---- steps ---- */

/* As the schedule was then. What could not be shown then was not published: no shifts. */
static enum err shifts_then(struct walk *walk, int64_t seq, time_us at, struct calendar_event **ret_events,
			    size_t *ret_count, struct error *err)
{
	const struct calendar_feed *feed = walk->feed;
	struct calendar_source source = { .user = feed->user, .user_name = name_of, .context = walk };
	struct schedule *schedule;
	store_as_of(walk->conn, seq);
	enum err r = paging_schedule(walk->conn, feed->zones, feed->schedule, &walk->work, &schedule, err);
	if (r == OK) {
		source.schedule = schedule;
		r = calendar_events(&source, feed->now - CALENDAR_PAST, feed->now + CALENDAR_AHEAD, at,
				    &walk->work, ret_events, ret_count, err);
	}
	store_as_of(walk->conn, 0);
	if (seq == 0 || (r != ERR_NOT_FOUND && r != ERR_INVALID && r != ERR_TOO_LARGE))
		return r;
	*ret_events = NULL;
	*ret_count = 0;
	return OK;
}

/* `seq` 0: as it is. What changed from the step before carries `sequence`. */
static enum err step(struct walk *walk, int64_t seq, int64_t sequence, int64_t time_seq, struct error *err)
{
	struct arena *kept = &walk->kept[walk->turn ^= 1];
	struct calendar_event *fresh, *carried;
	size_t count;
	time_us at;
	uint32_t number = (uint32_t)(sequence & INT32_MAX); /* RFC 5545: 31 bits */
	arena_reset(&walk->work);
	arena_reset(kept);
	enum err r = time_of(walk, time_seq, &at, err);
	if (r == OK)
		r = shifts_then(walk, seq, at, &fresh, &count, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++)
		fresh[i].sequence = number;
	r = calendar_carry(walk->events, walk->count, fresh, count, number, at, at, kept, &carried, &count,
			   err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++)
		carried[i].summary = arena_str(kept, carried[i].summary);
	walk->events = carried;
	walk->count = count;
	return OK;
}

/* Before each change too, when something lies between: people may have changed there. */
static enum err walk_through(struct walk *walk, struct error *err)
{
	int64_t seqs[SEQS_MAX], people, since;
	size_t count;
	time_us first = walk->feed->now - CALENDAR_PAST - CALENDAR_AHEAD; /* what was published then is over */
	enum err r = find_changes(walk, seqs, &count, err);
	if (r == OK)
		r = last_of_people(walk, &people, err);
	if (r == OK)
		r = journal_seq_at(walk->conn, first, &since, err);
	while (count > 1 && seqs[count - 1] <= since)
		count--;
	int64_t before = count > 0 && seqs[count - 1] <= since ? seqs[count - 1] - 1 : 0;
	for (size_t i = count; r == OK && i-- > 0;) {
		if (seqs[i] - 1 > before)
			r = step(walk, seqs[i] - 1, seqs[i] - 1, seqs[i], err);
		if (r == OK)
			r = step(walk, seqs[i], seqs[i], seqs[i], err);
		before = seqs[i];
	}
	if (r != OK)
		return r;
	return step(walk, 0, people > before ? people : before, people > before ? people : before, err);
}

/* ---- the feed ---- */

/* Into the caller's arena; who has another name since then has newer shifts. */
static enum err hand_over(struct walk *walk, struct calendar_event **ret_events, struct error *err)
{
	struct calendar_event *events = arena_array(walk->arena, struct calendar_event, walk->count + 1);
	for (size_t i = 0; i < walk->count; i++) {
		const struct person *person = find_person(walk, walk->events[i].user);
		events[i] = walk->events[i];
		events[i].summary = arena_str(walk->arena, events[i].summary);
		if ((uint32_t)(person->seq & INT32_MAX) <= events[i].sequence)
			continue;
		events[i].sequence = (uint32_t)(person->seq & INT32_MAX);
		enum err r = time_of(walk, person->seq, &events[i].changed, err);
		if (r != OK)
			return r;
	}
	*ret_events = events;
	return OK;
}

enum err calendar_feed_events(struct store_conn *conn, const struct calendar_feed *feed,
			      struct arena *arena, struct calendar_event **ret_events, size_t *ret_count,
			      struct error *err)
{
	assert(store_as_of_seq(conn) == 0);
	assert(feed->now > 0);
	struct walk walk = { .conn = conn, .feed = feed, .arena = arena };
	arena_init(&walk.work, 0);
	arena_init(&walk.kept[0], 0);
	arena_init(&walk.kept[1], 0);
	enum err r = walk_through(&walk, err);
	if (r == OK)
		r = hand_over(&walk, ret_events, err);
	if (r == OK)
		*ret_count = walk.count;
	arena_finish(&walk.work);
	arena_finish(&walk.kept[0]);
	arena_finish(&walk.kept[1]);
	return r;
}
