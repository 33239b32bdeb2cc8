/* notify_lane.c: see notify_lane.h. */
#include "notify/notify_lane.h"

#include <assert.h>
#include <stddef.h>

#include "base/mem.h"

enum { HIGH, LOW, URGENCIES };

struct queue {
	struct lane_row *first, **last;
};

struct lane_line {
	struct lane_line *next;
	struct lane_person *person;
	int64_t contact;
	struct queue queues[URGENCIES];
	unsigned sending; /* taken, and the result is not stored yet */
	unsigned stored;  /* results, since it last had nothing to do */
	unsigned bundled; /* waiting ones that may go into a bundle */
};

struct lane_person {
	struct lane_person *next, *previous; /* the ring */
	int64_t user;
	struct lane_line *lines;
};

void lane_init(struct lane *lane, bool bundles)
{
	*lane = (struct lane){ .bundles = bundles };
}

static struct lane_person *find_person(struct lane *lane, int64_t user)
{
	struct lane_person *person = lane->turn;
	if (person == NULL)
		return NULL;
	do {
		if (person->user == user)
			return person;
		person = person->next;
	} while (person != lane->turn);
	return NULL;
}

/* A new one stands at the end of the round: just before whose turn it is. */
static struct lane_person *add_person(struct lane *lane, int64_t user)
{
	struct lane_person *person = mem_alloc(sizeof *person);
	person->user = user;
	if (lane->turn == NULL) {
		person->next = person->previous = person;
		lane->turn = person;
		return person;
	}
	person->next = lane->turn;
	person->previous = lane->turn->previous;
	person->previous->next = person;
	lane->turn->previous = person;
	return person;
}

static struct lane_line *find_line(struct lane_person *person, int64_t contact)
{
	struct lane_line *line = person->lines;
	while (line != NULL && line->contact != contact)
		line = line->next;
	if (line != NULL)
		return line;
	line = mem_alloc(sizeof *line);
	line->contact = contact;
	line->person = person;
	line->next = person->lines;
	for (int i = 0; i < URGENCIES; i++)
		line->queues[i].last = &line->queues[i].first;
	person->lines = line;
	return line;
}

static void remove_person(struct lane *lane, struct lane_person *person)
{
	assert(person->lines == NULL);
	if (lane->turn == person)
		lane->turn = person->next != person ? person->next : NULL;
	person->previous->next = person->next;
	person->next->previous = person->previous;
	mem_free(person);
}

/* Nothing waits and nothing is under way: forget the contact, and the person with their last one. */
static void settle(struct lane *lane, struct lane_line *line)
{
	struct lane_person *person = line->person;
	if (line->sending > 0 || line->queues[HIGH].first != NULL || line->queues[LOW].first != NULL)
		return;
	struct lane_line **link = &person->lines;
	while (*link != line)
		link = &(*link)->next;
	*link = line->next;
	mem_free(line);
	if (person->lines == NULL)
		remove_person(lane, person);
}

void lane_push(struct lane *lane, struct lane_row *row)
{
	struct lane_person *person = find_person(lane, row->user);
	if (person == NULL)
		person = add_person(lane, row->user);
	struct lane_line *line = find_line(person, row->contact);
	struct queue *queue = &line->queues[row->high ? HIGH : LOW];
	row->line = line;
	row->next = row->bundle = NULL;
	*queue->last = row;
	queue->last = &row->next;
	line->bundled += row->first ? 0 : 1;
	lane->waiting++;
}

static struct lane_row *unlink_row(struct lane *lane, struct lane_line *line, struct queue *queue,
				   struct lane_row **link)
{
	struct lane_row *row = *link;
	*link = row->next;
	if (row->next == NULL)
		queue->last = link;
	row->next = NULL;
	line->bundled -= row->first ? 0 : 1;
	lane->waiting--;
	return row;
}

/* What may be bundled joins the row, high urgency first, up to the limit. */
static void gather(struct lane *lane, struct lane_line *line, struct lane_row *row)
{
	struct lane_row **end = &row->bundle;
	unsigned count = 1;
	for (int i = 0; i < URGENCIES; i++) {
		struct lane_row **link = &line->queues[i].first;
		while (*link != NULL && count < LANE_BUNDLE_MAX) {
			if ((*link)->first) {
				link = &(*link)->next;
				continue;
			}
			struct lane_row *other = unlink_row(lane, line, &line->queues[i], link);
			*end = other;
			end = &other->bundle;
			count++;
		}
	}
}

static unsigned places(const struct lane_line *line)
{
	return line->stored < LANE_CONTACT_MAX - LANE_CONTACT_FIRST ? LANE_CONTACT_FIRST + line->stored
								    : LANE_CONTACT_MAX;
}

static struct lane_row *take_from(struct lane *lane, struct lane_line *line, int urgency)
{
	struct queue *queue = &line->queues[urgency];
	if (queue->first == NULL || line->sending >= places(line))
		return NULL;
	bool flood = lane->bundles && line->bundled > LANE_WAITING_MAX;
	struct lane_row *row = unlink_row(lane, line, queue, &queue->first);
	if (flood && !row->first)
		gather(lane, line, row);
	line->sending++;
	lane->sending++;
	return row;
}

static struct lane_row *take_urgency(struct lane *lane, int urgency)
{
	struct lane_person *person = lane->turn;
	do {
		for (struct lane_line *line = person->lines; line != NULL; line = line->next) {
			struct lane_row *row = take_from(lane, line, urgency);
			if (row != NULL) {
				lane->turn = person->next;
				return row;
			}
		}
		person = person->next;
	} while (person != lane->turn);
	return NULL;
}

struct lane_row *lane_take(struct lane *lane)
{
	struct lane_row *row = NULL;
	if (lane->waiting == 0 || lane->sending >= LANE_SENDING_MAX)
		return NULL;
	assert(lane->turn != NULL);
	for (int i = 0; i < URGENCIES && row == NULL; i++)
		row = take_urgency(lane, i);
	return row;
}

void lane_answered(struct lane *lane)
{
	assert(lane->sending > 0);
	lane->sending--;
}

void lane_settled(struct lane *lane, const struct lane_row *row, bool stored)
{
	struct lane_line *line = row->line;
	assert(line->sending > 0);
	line->sending--;
	line->stored += stored ? 1 : 0;
	settle(lane, line);
}

void lane_finish(struct lane *lane)
{
	assert(lane->sending == 0);
	while (lane->turn != NULL) {
		struct lane_line *line = lane->turn->lines;
		for (int i = 0; i < URGENCIES; i++) {
			line->queues[i].first = NULL;
			line->queues[i].last = &line->queues[i].first;
		}
		settle(lane, line);
	}
	lane->waiting = 0;
}
