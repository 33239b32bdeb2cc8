/* segments.c: who is on call over a span: see oncall_segments in oncall.h. */
#include <assert.h>
#include <string.h>

#include "oncall/oncall.h"

#define FIRST_SIZE 64u

/* The list while it grows. Old arrays stay in the arena: together no more than the last. */
struct growing {
	struct arena *arena;
	enum oncall_join join;
	struct oncall_segment *segments;
	struct oncall_gap *gaps;
	size_t segment_count, segment_size, gap_count, gap_size;
};

/* Doubles a full array; false at the limit of the list or of the arena. */
static bool make_room(struct arena *arena, void **array, size_t used, size_t *size, size_t item)
{
	if (used < *size)
		return true;
	size_t larger = *size > 0 ? *size * 2 : FIRST_SIZE;
	if (used >= ONCALL_SEGMENTS_MAX)
		return false;
	void *moved = arena_try(arena, larger * item);
	if (moved == NULL)
		return false;
	if (used > 0)
		memcpy(moved, *array, used * item);
	*array = moved;
	*size = larger;
	return true;
}

static bool same_people(const struct oncall_person *a, size_t a_count,
			const struct oncall_person *b, size_t b_count, enum oncall_join join)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (a[i].user != b[i].user || a[i].override != b[i].override ||
		    a[i].layer != b[i].layer)
			return false;
		if (join == ONCALL_JOIN_SHIFT && a[i].shift != b[i].shift)
			return false;
	}
	return true;
}

static bool add_gap(struct growing *list, time_us from, time_us until)
{
	struct oncall_gap *last = list->gap_count > 0 ? &list->gaps[list->gap_count - 1] : NULL;
	if (last != NULL && last->until == from) {
		last->until = until;
		return true;
	}
	void *gaps = list->gaps;
	if (!make_room(list->arena, &gaps, list->gap_count, &list->gap_size, sizeof *list->gaps))
		return false;
	list->gaps = gaps;
	list->gaps[list->gap_count++] = (struct oncall_gap){ from, until };
	return true;
}

static bool add_segment(struct growing *list, const struct oncall_answer *answer, time_us from,
			time_us until)
{
	assert(answer->count > 0);
	struct oncall_segment *last =
		list->segment_count > 0 ? &list->segments[list->segment_count - 1] : NULL;
	if (last != NULL && last->until == from &&
	    same_people(last->people, last->count, answer->people, answer->count, list->join)) {
		last->until = until;
		return true;
	}
	void *segments = list->segments;
	if (!make_room(list->arena, &segments, list->segment_count, &list->segment_size,
		       sizeof *list->segments))
		return false;
	list->segments = segments;
	size_t bytes = answer->count * sizeof answer->people[0];
	struct oncall_person *people = arena_try(list->arena, bytes);
	if (people == NULL)
		return false;
	memcpy(people, answer->people, bytes);
	list->segments[list->segment_count++] =
		(struct oncall_segment){ from, until, answer->count, people };
	return true;
}

static enum err too_large(struct error *err)
{
	error_set(err, ERR_TOO_LARGE, "cannot list so many shifts at once");
	error_hint(err, "ask for a shorter time");
	return ERR_TOO_LARGE;
}

enum err oncall_segments(const struct schedule *schedule, time_us from, time_us until,
			 enum oncall_join join, struct arena *arena, struct oncall_list *ret_list,
			 struct error *err)
{
	if (from >= until || from < SCHEDULE_TIME_MIN || until > SCHEDULE_TIME_MAX)
		return error_set(err, ERR_INVALID,
				 "cannot list shifts: the time must begin before it "
				 "ends, between 1971 and 2199");
	struct growing list = { .arena = arena, .join = join };
	struct oncall_answer answer;
	unsigned pieces = 0;
	for (time_us at = from; at < until; at = answer.until) {
		oncall_at(schedule, at, &answer);
		assert(answer.until > at);
		time_us end = answer.until < until ? answer.until : until;
		bool fits = ++pieces <= ONCALL_PIECES_MAX;
		if (fits)
			fits = answer.count > 0 ? add_segment(&list, &answer, at, end) :
						  add_gap(&list, at, end);
		if (!fits)
			return too_large(err);
	}
	*ret_list = (struct oncall_list){ from, until, list.segments, list.segment_count, list.gaps,
					  list.gap_count };
	return OK;
}

/* A list read from its start: what holds at `at`, and until when. */
static const struct oncall_segment *look(const struct oncall_list *list, time_us at, size_t *index,
					 time_us *until)
{
	while (*index < list->segment_count && list->segments[*index].until <= at)
		(*index)++;
	const struct oncall_segment *next =
		*index < list->segment_count ? &list->segments[*index] : NULL;
	bool now = next != NULL && next->from <= at;
	time_us change = next == NULL ? list->until : now ? next->until : next->from;
	if (change < *until)
		*until = change;
	return now ? next : NULL;
}

static bool same_users(const struct oncall_segment *a, const struct oncall_segment *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->people[i].user != b->people[i].user)
			return false;
	return true;
}

enum err oncall_differences(const struct oncall_list *a, const struct oncall_list *b,
			    struct arena *arena, struct oncall_gap **ret_differences,
			    size_t *ret_count, struct error *err)
{
	assert(a->from == b->from);
	assert(a->until == b->until);
	struct growing list = { .arena = arena };
	size_t in_a = 0, in_b = 0;
	time_us until;
	for (time_us at = a->from; at < a->until; at = until) {
		until = a->until;
		const struct oncall_segment *one = look(a, at, &in_a, &until);
		const struct oncall_segment *other = look(b, at, &in_b, &until);
		assert(until > at);
		if (!same_users(one, other) && !add_gap(&list, at, until))
			return too_large(err);
	}
	*ret_differences = list.gaps;
	*ret_count = list.gap_count;
	return OK;
}
