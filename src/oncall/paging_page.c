/*
 * paging_page.c: what a page says, and by which contacts it goes.
 *
 * The first line must do on a lock screen at 3 a.m.: priority, what is broken for whom, since when.
 */
#include <assert.h>
#include <string.h>

#include "oncall/paging_priv.h"

struct contacts {
	struct paging_contact rows[64];
	size_t count;
};

static bool add_contact(void *context, const struct paging_contact *contact)
{
	struct contacts *contacts = context;
	contacts->rows[contacts->count++] = *contact;
	return contacts->count < sizeof contacts->rows / sizeof contacts->rows[0];
}

/* "03:12" on the wall of the reader, with its zone's name; UTC when they have none. */
static struct str wall_time(struct decision *d, const struct guard_user *user, time_us at)
{
	const struct paging_room *room = world_room(d->world, "oncall");
	const struct tz *tz;
	time_us wall = at;
	const char *name = "UTC";
	if (user->time_zone.len > 0 && zones_find(room->zones, user->time_zone, &tz, NULL) == OK) {
		struct tz_local local = tz_local_of(tz, at);
		wall = tz_wall_of(tz, at);
		name = arena_cstr(d->arena, str_of(local.abbreviation));
	}
	struct time_civil civil = time_civil_of(wall);
	return arena_printf(d->arena, "%02d:%02d %s", civil.hour, civil.minute, name);
}

static const char *opening_words(enum escalation_reason why)
{
	switch (why) {
	case ESCALATION_BY_ASK:
		return "Still on it? ";
	case ESCALATION_BY_REMINDER:
		return "Nobody yet: ";
	case ESCALATION_BY_RESUME:
		return "Needs somebody again: ";
	case ESCALATION_BY_LAST_RESORT:
		return "NOBODY HAS ANSWERED: ";
	case ESCALATION_BY_STEP:
	case ESCALATION_BY_PERSON:
	case ESCALATION_BY_URGENCY:
		return "";
	}
	return "";
}

static const char *reason_word(enum escalation_reason why)
{
	static const char *const words[] = {
		[ESCALATION_BY_STEP] = "step",	     [ESCALATION_BY_REMINDER] = "reminder",
		[ESCALATION_BY_ASK] = "ask",	     [ESCALATION_BY_RESUME] = "resumed",
		[ESCALATION_BY_LAST_RESORT] = "last_resort", [ESCALATION_BY_PERSON] = "escalated",
		[ESCALATION_BY_URGENCY] = "urgency",
	};
	return words[why];
}

static struct str title_of(struct decision *d, const struct paging_message *m,
			   const struct guard_user *user)
{
	return arena_printf(d->arena, "%s" STR_FMT " " STR_FMT ", since " STR_FMT,
			    opening_words(m->why), STR_ARG(m->incident->priority),
			    STR_ARG(m->outside ? STR(PAGING_CLOSED_TITLE) : m->incident->title),
			    STR_ARG(wall_time(d, user, m->incident->opened)));
}

/* Short enough for a lock screen: how long, for which service, what to do. */
static struct str body_of(struct decision *d, const struct paging_message *m)
{
	const struct paging_case *c = m->incident;
	char age[DURATION_TEXT_BYTES];
	if (m->outside)
		return STR(PAGING_CLOSED_BODY);
	time_us open_for = d->now - c->opened;
	struct str since = STR_NONE, service = STR_NONE;
	duration_words(open_for, age);
	if (open_for >= TIME_MINUTE)
		since = arena_printf(d->arena, "Open for %s. ", age);
	if (c->service.len > 0)
		service = arena_printf(d->arena, "Service: " STR_FMT ". ", STR_ARG(c->service));
	return arena_printf(d->arena, STR_FMT STR_FMT "%s\nIncident %lld, round %u, step %u.\n",
			    STR_ARG(since), STR_ARG(service),
			    m->why == ESCALATION_BY_ASK
				    ? "Acknowledge again to keep it, or others are paged."
				    : "Acknowledge to take it.",
			    (long long)c->incident, m->round, m->step + 1);
}

static struct str make_link(struct decision *d, int64_t incident, int64_t user)
{
	const struct paging_room *room = world_room(d->world, "oncall");
	char token[PAGING_LINK_BYTES];
	random_hex(d->random, (PAGING_LINK_BYTES - 1) / 2, token);
	struct link_row *row = arena_new(d->arena, struct link_row);
	row->incident = incident;
	row->user = user;
	link_hash(str_of(token), row->hash);
	decision_work(d, link_put, row);
	return arena_printf(d->arena, "%s" PAGING_LINK_PATH "%s", room->public_url, token);
}

static bool is_meant(const struct paging_contact *contact, bool high)
{
	return str_is(contact->urgency, "all") || str_is(contact->urgency, high ? "high" : "low");
}

static enum err send_by(struct decision *d, const struct paging_contact *contact,
			struct notify_page *page, struct error *err)
{
	page->contact = contact->id;
	page->channel = contact->channel;
	page->address = contact->address;
	page->not_before = d->now + contact->delay;
	enum err r = contact_secret(d->conn, contact->id, d->arena, &page->secret, err);
	if (r == OK)
		notify_page(d, page, NULL);
	return r;
}

/* Somebody whose contacts are all for the other urgency is reached by all of them: a page that
 * nobody gets helps nobody. */
static enum err send_by_all(struct decision *d, const struct contacts *contacts, bool high,
			    struct notify_page *page, struct error *err)
{
	size_t sent = 0;
	for (int any = 0; any < 2 && sent == 0; any++) {
		for (size_t i = 0; i < contacts->count; i++) {
			if (!any && !is_meant(&contacts->rows[i], high))
				continue;
			enum err r = send_by(d, &contacts->rows[i], page, err);
			if (r != OK)
				return r;
			sent++;
		}
	}
	return OK;
}

enum err page_person(struct decision *d, const struct paging_message *m, struct error *err)
{
	struct contacts *contacts = arena_new(d->arena, struct contacts);
	struct guard_user user;
	enum err r = guard_user_by_id(d->conn, d->arena, m->user, &user, err);
	if (r == OK)
		r = paging_contacts(d->conn, m->user, d->arena, add_contact, contacts, err);
	if (r == ERR_NOT_FOUND)
		return OK;
	if (r != OK)
		return r;
	struct notify_page page = {
		.incident = m->incident->incident,
		.user = m->user,
		.urgency = m->high ? STR("high") : STR("low"),
		.title = title_of(d, m, &user),
		.body = body_of(d, m),
		.reason = str_of(reason_word(m->why)),
		.link = make_link(d, m->incident->incident, m->user),
	};
	return send_by_all(d, contacts, m->high, &page, err);
}

enum err paging_tell(struct decision *d, const struct paging_note *note, struct error *err)
{
	const struct paging_room *room = world_room(d->world, "oncall");
	struct contacts *contacts = arena_new(d->arena, struct contacts);
	struct guard_user user;
	enum err r = guard_user_by_id(d->conn, d->arena, note->user, &user, err);
	if (r == OK)
		r = paging_contacts(d->conn, note->user, d->arena, add_contact, contacts, err);
	if (r == ERR_NOT_FOUND || (r == OK && user.disabled))
		return OK;
	if (r != OK)
		return r;
	struct str path = note->path.len > 0 ? note->path
			: arena_printf(d->arena, "/incidents/%lld", (long long)note->incident);
	struct notify_page page = {
		.incident = note->incident,
		.user = note->user,
		.urgency = STR("low"),
		.title = note->title,
		.body = note->body,
		.reason = note->reason,
		.link = arena_printf(d->arena, "%s" STR_FMT, room->public_url, STR_ARG(path)),
	};
	return send_by_all(d, contacts, false, &page, err);
}

/* ---- it is over ---- */

struct reached {
	struct notify_row rows[256];
	size_t count;
};

static bool was_tried(const struct notify_row *row)
{
	return row->attempts > 0 || !str_is(row->state, "queued");
}

/* One row of each contact that a page left by, or tried to; else one that may just be leaving. */
static bool add_reached(void *context, const struct notify_row *row)
{
	struct reached *reached = context;
	size_t i = 0;
	if (str_is(row->reason, "resolved") || (str_is(row->state, "cancelled") && row->attempts == 0))
		return true;
	while (i < reached->count && reached->rows[i].contact != row->contact)
		i++;
	if (i < reached->count && was_tried(&reached->rows[i]))
		return true;
	reached->rows[i] = *row;
	reached->count = i == reached->count ? i + 1 : reached->count;
	return reached->count < sizeof reached->rows / sizeof reached->rows[0];
}

/* A page that still waits for its contact's delay has told nobody anything. */
static bool is_held_back(const struct decision *d, const struct notify_row *row,
			 const struct paging_contact *contact)
{
	return !was_tried(row) && row->created + contact->delay > d->now;
}

static enum err tell_over(struct decision *d, const struct paging_case *incident, const struct notify_row *row,
			  struct paging_contact *contact, const char *how, struct error *err)
{
	char lasted[DURATION_TEXT_BYTES];
	bool sees;
	enum err r = paging_sees(d->conn, d->arena, incident->incident, row->user, &sees, err);
	if (r != OK)
		return r;
	duration_words(d->now - incident->opened, lasted);
	struct notify_page page = {
		.incident = incident->incident,
		.user = row->user,
		.urgency = STR("low"),
		.title = arena_printf(d->arena, "Resolved: " STR_FMT " " STR_FMT, STR_ARG(incident->priority),
				      STR_ARG(sees ? incident->title : STR(PAGING_CLOSED_TITLE))),
		.body = arena_printf(d->arena, "It lasted %s. %s\n", lasted, how),
		.reason = STR("resolved"),
	};
	contact->delay = 0;
	return send_by(d, contact, &page, err);
}

enum err page_resolved(struct decision *d, const struct paging_case *incident, const char *how,
		       struct error *err)
{
	struct reached *reached = arena_new(d->arena, struct reached);
	struct notify_filter filter = { .incident = incident->incident, .limit = 1000 };
	enum err r = notify_list(d->conn, &filter, d->arena, add_reached, reached, err);
	for (size_t i = 0; r == OK && i < reached->count; i++) {
		struct paging_contact contact;
		r = contact_get(d->conn, reached->rows[i].contact, d->arena, &contact, err);
		if (r == ERR_NOT_FOUND || (r == OK && is_held_back(d, &reached->rows[i], &contact)))
			r = OK;
		else if (r == OK)
			r = tell_over(d, incident, &reached->rows[i], &contact, how, err);
	}
	return r;
}

/* ---- it arrived after it was over ---- */

struct late_arrival {
	int64_t page;
	struct notify_row row;
	bool told; /* after it was written, somebody has said by the same contact that it is over */
};

static bool find_row(void *context, const struct notify_row *row)
{
	struct late_arrival *late = context;
	if (row->id == late->page)
		late->row = *row;
	return row->id != late->page;
}

static bool find_told(void *context, const struct notify_row *row)
{
	struct late_arrival *late = context;
	if (row->contact == late->row.contact && str_is(row->reason, "resolved"))
		late->told = true;
	return row->id > late->page && !late->told;
}

/* A page that was on its way when its incident ended cannot be called back. If it arrives, its reader must
 * hear that it is over: else they get up for nothing. */
enum err page_arrived(struct decision *d, int64_t page, const struct paging_case *incident,
		      struct error *err)
{
	struct late_arrival late = { .page = page };
	struct notify_filter one = { .before_id = page + 1, .limit = 1 };
	struct notify_filter since = { .incident = incident->incident, .limit = 1000 };
	struct paging_contact contact;
	enum err r = notify_list(d->conn, &one, d->arena, find_row, &late, err);
	if (r == OK && late.row.id == page && !str_is(late.row.reason, "resolved"))
		r = notify_list(d->conn, &since, d->arena, find_told, &late, err);
	else
		return r;
	if (r != OK || late.told)
		return r;
	r = contact_get(d->conn, late.row.contact, d->arena, &contact, err);
	if (r == ERR_NOT_FOUND)
		return OK;
	return r == OK ? tell_over(d, incident, &late.row, &contact, "This page was on its way when it ended.",
				   err)
		       : r;
}
