/* sim_referee.c: see sim_referee.h. */
#include "sim_referee.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

void referee_wrong(struct referee *referee, const char *format, ...)
{
	va_list args;
	if (referee->wrong[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(referee->wrong, sizeof referee->wrong, format, args);
	va_end(args);
}

static uint64_t mix(uint64_t hash, int64_t value)
{
	return (hash ^ (uint64_t)value) * UINT64_C(0x9E3779B97F4A7C15);
}

uint64_t referee_hash(const struct event *event)
{
	uint64_t hash = str_hash(event->json);
	hash = mix(mix(mix(hash, event->seq), event->event_time), event->recorded_time);
	return mix(mix(mix(hash, event->actor), event->kind), event->subject);
}

/* ---- people ---- */

static struct referee_person *person(struct referee *referee, int64_t id)
{
	for (size_t i = 0; i < referee->person_count; i++) {
		if (referee->people[i].id == id)
			return &referee->people[i];
	}
	assert(referee->person_count < REFEREE_PEOPLE_MAX);
	struct referee_person *made = &referee->people[referee->person_count++];
	made->id = id;
	return made;
}

static struct referee_contact *contact(struct referee *referee, int64_t id)
{
	for (size_t i = 0; i < referee->contact_count; i++) {
		if (referee->contacts[i].id == id)
			return &referee->contacts[i];
	}
	assert(referee->contact_count < REFEREE_CONTACTS_MAX);
	struct referee_contact *made = &referee->contacts[referee->contact_count++];
	made->id = id;
	return made;
}

static bool may_be_paged(struct str role, bool disabled)
{
	return !disabled && !str_is(role, "viewer") && !str_is(role, "auditor");
}

static void look_for_somebody(struct referee *referee, time_us boot)
{
	bool somebody = false;
	for (size_t i = 0; i < referee->contact_count; i++) {
		if (referee->contacts[i].there)
			somebody = somebody || person(referee, referee->contacts[i].user)->can_be_paged;
	}
	if (somebody && !referee->somebody)
		referee->somebody_since = boot;
	referee->somebody = somebody;
}

static void see_people(struct referee *referee, const struct event *event, time_us boot)
{
	const struct event_user_created *created = event->payload;
	const struct event_user_changed *changed = event->payload;
	const struct event_contact_put *put = event->payload;
	const struct event_contact_removed *removed = event->payload;
	if (event->kind == EVENT_USER_CREATED) {
		person(referee, created->user)->can_be_paged = may_be_paged(created->role, false);
	} else if (event->kind == EVENT_USER_CHANGED) {
		person(referee, changed->user)->can_be_paged =
			may_be_paged(changed->role, changed->disabled);
	} else if (event->kind == EVENT_CONTACT_PUT) {
		struct referee_contact *c = contact(referee, put->contact);
		*c = (struct referee_contact){ put->contact, put->user, put->delay, true };
	} else if (event->kind == EVENT_CONTACT_REMOVED) {
		contact(referee, removed->contact)->there = false;
	} else {
		return;
	}
	look_for_somebody(referee, boot);
}

/* ---- incidents ---- */

static const char *const state_names[] = { "not there", "open", "acknowledged", "resolved" };

static struct referee_incident *incident(struct referee *referee, int64_t id)
{
	static struct referee_incident nowhere;
	if (id <= 0 || id >= REFEREE_INCIDENTS_MAX) {
		referee_wrong(referee, "there is an incident %lld, which is no id", (long long)id);
		return &nowhere;
	}
	if ((size_t)id >= referee->incident_count)
		referee->incident_count = (size_t)id + 1;
	return &referee->incidents[id];
}

/* From one of the states in `from` (bits) to `to`. */
static void move(struct referee *referee, const struct event *event, int64_t id, unsigned from,
		 enum referee_state to, time_us boot)
{
	struct referee_incident *it = incident(referee, id);
	if ((from & (1u << it->state)) == 0)
		referee_wrong(referee, "event %lld: %s happened to incident %lld, which was %s",
			      (long long)event->seq, event_kinds[event->kind].name, (long long)id,
			      state_names[it->state]);
	if (to == REFEREE_OPEN && it->state != REFEREE_OPEN)
		it->owed_since = boot;
	if (to == REFEREE_RESOLVED)
		it->resolved_seq = it->over_seq = event->seq;
	it->state = to;
}

static void set_high(struct referee *referee, int64_t id, struct str urgency, bool by_person,
		     time_us boot)
{
	struct referee_incident *it = incident(referee, id);
	bool high = str_is(urgency, "high");
	if (high && !it->high)
		it->owed_since = boot;
	it->high = high;
	it->set_by_person = by_person || (it->set_by_person && !high); /* raised a little is not raised */
}

#define FROM_NONE (1u << REFEREE_NONE)
#define FROM_OPEN (1u << REFEREE_OPEN)
#define FROM_ACKNOWLEDGED (1u << REFEREE_ACKNOWLEDGED)
#define FROM_RESOLVED (1u << REFEREE_RESOLVED)
#define FROM_ANY (FROM_OPEN | FROM_ACKNOWLEDGED | FROM_RESOLVED)

static void see_undone(struct referee *referee, const struct event *event, time_us boot)
{
	const struct event_incident_undone *e = event->payload;
	enum referee_state to = str_is(e->state, "open")	   ? REFEREE_OPEN
				: str_is(e->state, "acknowledged") ? REFEREE_ACKNOWLEDGED
								   : REFEREE_RESOLVED;
	bool state_too = str_is(e->what, "acknowledged") || str_is(e->what, "resolved");
	struct referee_incident *it = incident(referee, e->incident);
	if (!state_too && it->state != to)
		referee_wrong(referee, "event %lld: taking back %.*s made incident %lld %s; it was %s",
			      (long long)event->seq, (int)e->what.len, e->what.ptr,
			      (long long)e->incident, state_names[to], state_names[it->state]);
	if (str_is(e->what, "acknowledged") && it->state != REFEREE_ACKNOWLEDGED)
		referee_wrong(referee, "event %lld: an acknowledgement of incident %lld was taken back, "
			      "which was %s", (long long)event->seq, (long long)e->incident,
			      state_names[it->state]);
	if (str_is(e->what, "resolved") && it->state != REFEREE_RESOLVED)
		referee_wrong(referee, "event %lld: the end of incident %lld was taken back, which was %s",
			      (long long)event->seq, (long long)e->incident, state_names[it->state]);
	if (state_too)
		move(referee, event, e->incident, FROM_ANY, to, boot);
	set_high(referee, e->incident, e->urgency, it->set_by_person, boot);
}

static void see_incidents(struct referee *referee, const struct event *event, time_us boot)
{
	const void *p = event->payload;
	switch (event->kind) {
	case EVENT_INCIDENT_OPENED: {
		const struct event_incident_opened *e = p;
		move(referee, event, e->incident, FROM_NONE, REFEREE_OPEN, boot);
		set_high(referee, e->incident, e->urgency, false, boot);
		break;
	}
	case EVENT_INCIDENT_ACKNOWLEDGED:
		move(referee, event, event->subject, FROM_OPEN | FROM_ACKNOWLEDGED,
		     REFEREE_ACKNOWLEDGED, boot);
		break;
	case EVENT_INCIDENT_ACK_LAPSED:
		move(referee, event, event->subject, FROM_ACKNOWLEDGED, REFEREE_OPEN, boot);
		break;
	case EVENT_INCIDENT_RESOLVED:
		move(referee, event, event->subject, FROM_OPEN | FROM_ACKNOWLEDGED, REFEREE_RESOLVED,
		     boot);
		break;
	case EVENT_INCIDENT_REOPENED:
		move(referee, event, event->subject, FROM_RESOLVED, REFEREE_OPEN, boot);
		break;
	case EVENT_INCIDENT_PRIORITY_SET: {
		const struct event_incident_priority_set *e = p;
		set_high(referee, e->incident, e->urgency, event->actor != 0, boot);
		break;
	}
	case EVENT_INCIDENT_UNDONE:
		see_undone(referee, event, boot);
		break;
	default:
		break;
	}
}

/* ---- pages ---- */

static struct referee_page *page(struct referee *referee, const struct event *event, int64_t id)
{
	static struct referee_page nowhere;
	if (id > 0 && (size_t)id < referee->page_count && referee->pages[id].seq > 0)
		return &referee->pages[id];
	referee_wrong(referee, "event %lld is about page %lld, which was never written",
		      (long long)event->seq, (long long)id);
	return &nowhere;
}

/* Or may have. A contact's delay can be changed while a page waits. */
static bool has_left(struct referee *referee, const struct referee_page *it, time_us now)
{
	time_us delay = contact(referee, it->contact)->delay;
	if (it->delay < delay)
		delay = it->delay;
	return it->taken || it->attempts > 0 || it->written + delay <= now;
}

/* Somebody is told that it is over only if something told them that it began. */
static void see_resolved_message(struct referee *referee, const struct event *event,
				 const struct event_page_created *e)
{
	for (size_t i = 1; i < referee->page_count; i++) {
		const struct referee_page *it = &referee->pages[i];
		if (it->seq > 0 && it->incident == e->incident && it->contact == e->contact &&
		    !it->is_resolved_message && has_left(referee, it, event->event_time))
			return;
	}
	referee_wrong(referee, "event %lld: contact %lld is told that incident %lld is over, and was never "
		      "told that it began", (long long)event->seq, (long long)e->contact,
		      (long long)e->incident);
}

static void see_page_created(struct referee *referee, const struct event *event, time_us boot)
{
	const struct event_page_created *e = event->payload;
	bool over = str_is(e->reason, "resolved");
	if (e->page <= 0 || e->page >= REFEREE_PAGES_MAX) {
		referee_wrong(referee, "there is a page %lld, which is no id", (long long)e->page);
		return;
	}
	if ((size_t)e->page >= referee->page_count)
		referee->page_count = (size_t)e->page + 1;
	struct referee_page *it = &referee->pages[e->page];
	if (it->seq > 0)
		referee_wrong(referee, "page %lld was written twice", (long long)e->page);
	*it = (struct referee_page){
		.incident = e->incident, .user = e->user, .contact = e->contact,
		.is_resolved_message = over, .seq = event->seq,
		.written = event->event_time, .delay = contact(referee, e->contact)->delay,
		.may_leave = boot + (over || e->incident == 0 ? 0 : contact(referee, e->contact)->delay),
	};
	if (e->incident == 0)
		return;
	struct referee_incident *about = incident(referee, e->incident);
	if (over != (about->state == REFEREE_RESOLVED))
		referee_wrong(referee, "event %lld: a page for the reason \"%.*s\" was written for incident "
			      "%lld, which is %s", (long long)event->seq, (int)e->reason.len, e->reason.ptr,
			      (long long)e->incident, state_names[about->state]);
	if (over)
		see_resolved_message(referee, event, e);
	else
		about->owed_since = boot;
}

/* A page ends once; but what was cancelled on its way may be found to have arrived. */
static void see_attempted(struct referee *referee, const struct event *event, time_us boot)
{
	const struct event_page_attempted *e = event->payload;
	struct referee_page *it = page(referee, event, e->page);
	bool arrived = it->cancelled && it->taken && str_is(e->state, "sent");
	if ((it->ended && !arrived) || e->attempt != it->attempts + 1)
		referee_wrong(referee, "event %lld: try %lld of page %lld, which has %s and was tried %d times",
			      (long long)event->seq, (long long)e->attempt, (long long)e->page,
			      it->ended ? "ended" : "not ended", it->attempts);
	if (str_is(e->state, "sent") && it->incident != 0 && !it->is_resolved_message)
		incident(referee, it->incident)->arrived_late = true;
	it->attempts++;
	it->with_channel = it->cancelled = false;
	it->may_leave = boot + e->retry_at - event->event_time;
	it->ended = !str_is(e->state, "retry");
}

static void see_pages(struct referee *referee, const struct event *event, time_us boot)
{
	const struct event_page_cancelled *cancelled = event->payload;
	if (event->kind == EVENT_PAGE_CREATED) {
		see_page_created(referee, event, boot);
	} else if (event->kind == EVENT_PAGE_ATTEMPTED) {
		see_attempted(referee, event, boot);
	} else if (event->kind == EVENT_PAGE_CANCELLED) {
		struct referee_page *it = page(referee, event, cancelled->page);
		if (it->ended)
			referee_wrong(referee, "event %lld: page %lld was cancelled after it had ended",
				      (long long)event->seq, (long long)cancelled->page);
		it->ended = it->cancelled = true;
	}
}

void referee_take(struct referee *referee, int64_t id)
{
	if (id > 0 && (size_t)id < referee->page_count)
		referee->pages[id].taken = referee->pages[id].with_channel = true;
}

void referee_begin_again(struct referee *referee, time_us wall, time_us boot)
{
	time_us seen = wall > referee->last_wall ? wall - referee->last_wall : 0;
	time_us lost = boot - referee->last_boot > seen ? boot - referee->last_boot - seen : 0;
	for (size_t i = 1; i < referee->page_count; i++) {
		referee->pages[i].with_channel = false;
		referee->pages[i].may_leave += lost;
	}
	for (size_t i = 1; i < referee->incident_count; i++)
		referee->incidents[i].owed_since += lost;
}

void referee_outbox(struct referee *referee, time_us boot)
{
	for (size_t i = 1; i < referee->page_count; i++) {
		const struct referee_page *it = &referee->pages[i];
		if (it->seq > 0 && !it->ended && !it->with_channel &&
		    boot - it->may_leave > REFEREE_LEAVE_MAX)
			referee_wrong(referee, "page %zu could have left %lld s ago and lies in the outbox", i,
				      (long long)((boot - it->may_leave) / TIME_SECOND));
	}
}

/* ---- all of it ---- */

void referee_see(struct referee *referee, const struct event *event, time_us boot)
{
	if (event->seq != referee->last_seq + 1)
		referee_wrong(referee, "event %lld follows event %lld", (long long)event->seq,
			      (long long)referee->last_seq);
	if (event->recorded_time <= referee->last_recorded)
		referee_wrong(referee, "event %lld was recorded at an earlier time than the one before it",
			      (long long)event->seq);
	assert(event->seq > 0 && event->seq < REFEREE_EVENTS_MAX);
	referee->hashes[event->seq] = referee_hash(event);
	referee->last_seq = event->seq;
	referee->last_recorded = event->recorded_time;
	referee->last_boot = boot;
	referee->last_wall = event->event_time;
	referee->kinds[event->kind]++;
	see_people(referee, event, boot);
	see_incidents(referee, event, boot);
	see_pages(referee, event, boot);
}

/* Whoever a try was made to reach is told that it is over, if the contact is still there. */
static void check_told(struct referee *referee, int64_t id)
{
	const struct referee_incident *it = &referee->incidents[id];
	for (size_t i = 1; i < referee->page_count; i++) {
		const struct referee_page *tried = &referee->pages[i];
		bool told = tried->seq == 0 || tried->incident != id || tried->attempts == 0 ||
			    tried->is_resolved_message || tried->seq > it->over_seq ||
			    !contact(referee, tried->contact)->there;
		for (size_t j = i + 1; j < referee->page_count && !told; j++) {
			const struct referee_page *over = &referee->pages[j];
			told = over->incident == id && over->contact == tried->contact &&
			       over->is_resolved_message && over->seq > it->over_seq;
		}
		if (!told)
			referee_wrong(referee, "contact %lld was paged for incident %lld and was not told that "
				      "it is over", (long long)tried->contact, (long long)id);
	}
}

void referee_batch(struct referee *referee, time_us boot)
{
	(void)boot;
	for (size_t id = 1; id < referee->incident_count; id++) {
		struct referee_incident *it = &referee->incidents[id];
		if (it->state == REFEREE_RESOLVED && (it->resolved_seq > 0 || it->arrived_late))
			check_told(referee, (int64_t)id);
		it->arrived_late = false;
		if (it->state == REFEREE_RESOLVED)
			it->resolved_seq = 0; /* once */
	}
}

void referee_silence(struct referee *referee, time_us boot)
{
	for (size_t id = 1; id < referee->incident_count; id++) {
		const struct referee_incident *it = &referee->incidents[id];
		time_us since = it->owed_since > referee->somebody_since ? it->owed_since
									 : referee->somebody_since;
		if (it->state != REFEREE_OPEN || !it->high || !referee->somebody)
			continue;
		if (boot - since > REFEREE_SILENCE_MAX)
			referee_wrong(referee, "incident %zu is open, urgent and unacknowledged, and nobody was "
				      "paged for %lld s", id, (long long)((boot - since) / TIME_SECOND));
	}
}
