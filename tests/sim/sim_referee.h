/*
 * sim_referee.h: what must be true, written a second time and much smaller.
 *
 * The referee sees every committed event once, in order, and keeps the least it needs to say "this
 * must not be": the states of incidents, who was paged and when, what became of each page. It shares
 * no code with the rooms. It never asks the store: what it believes is compared with the tables.
 *
 * Time: `boot` is time that really passed, whatever the wall showed.
 */
#pragma once

#include "journal/event.h"

#define REFEREE_INCIDENTS_MAX 4096u
#define REFEREE_PAGES_MAX 65536u
#define REFEREE_PEOPLE_MAX 64u
#define REFEREE_CONTACTS_MAX 1024u
#define REFEREE_EVENTS_MAX 262144u
#define REFEREE_SILENCE_MAX (15 * TIME_MINUTE)
#define REFEREE_LEAVE_MAX TIME_MINUTE /* the sender looks every half a minute at least */

enum referee_state { REFEREE_NONE, REFEREE_OPEN, REFEREE_ACKNOWLEDGED, REFEREE_RESOLVED };

struct referee_incident {
	enum referee_state state;
	bool high;
	bool set_by_person;  /* a person has chosen the urgency since it was opened */
	time_us owed_since;  /* boot: a page must be written within REFEREE_SILENCE_MAX of this */
	int64_t resolved_seq;
	int64_t over_seq; /* of the last end; resolved_seq is forgotten once it was judged */
	bool arrived_late;
};

struct referee_page {
	int64_t incident, user, contact;
	bool is_resolved_message, ended, cancelled;
	bool taken;        /* by a channel, ever */
	bool with_channel; /* now */
	int attempts;
	time_us written, delay; /* written: by the wall; delay: of the contact, then */
	time_us may_leave;      /* boot */
	int64_t seq;
};

struct referee_person {
	int64_t id;
	bool can_be_paged;
};

struct referee_contact {
	int64_t id, user;
	time_us delay;
	bool there;
};

struct referee {
	struct referee_incident incidents[REFEREE_INCIDENTS_MAX]; /* by id */
	size_t incident_count; /* one past the highest id */
	struct referee_page pages[REFEREE_PAGES_MAX];
	size_t page_count;
	struct referee_person people[REFEREE_PEOPLE_MAX];
	size_t person_count;
	struct referee_contact contacts[REFEREE_CONTACTS_MAX];
	size_t contact_count;
	uint64_t hashes[REFEREE_EVENTS_MAX]; /* by seq: what an event said when it was told */
	int64_t last_seq;
	time_us last_recorded;
	time_us last_boot, last_wall; /* of the last event */
	bool somebody;           /* anybody who can be paged has a contact */
	time_us somebody_since;  /* boot */
	size_t kinds[EVENT_KIND_COUNT];
	char wrong[512]; /* the first thing that must not be; empty: nothing */
};

/* One committed event. */
void referee_see(struct referee *referee, const struct event *event, time_us boot);
/* After all events of one commit. */
void referee_batch(struct referee *referee, time_us boot);
/* When everything that is due was done: nobody waits too long. */
void referee_silence(struct referee *referee, time_us boot);
/* Nothing that may leave is left lying. */
void referee_outbox(struct referee *referee, time_us boot);
/* A channel takes a page from the outbox. */
void referee_take(struct referee *referee, int64_t page);
/* The server begins again: what channels had is lost. And when the clock has lost time meanwhile, nobody
 * can know how long nothing ran: what waits goes on from the last event. */
void referee_begin_again(struct referee *referee, time_us wall, time_us boot);

uint64_t referee_hash(const struct event *event);
void referee_wrong(struct referee *referee, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
