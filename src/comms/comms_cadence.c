/*
 * comms_cadence.c: how often people are told, what is owed, and who is reminded of it.
 *
 * The cadence is the kind UpdateCadence, or what stands here: public first within five minutes, then
 * every twenty; inside every thirty; less for what matters less.
 */
#include <assert.h>

#include "catalog/catalog.h"
#include "comms/comms_priv.h"
#include "guard/guard.h"
#include "oncall/paging.h"
#include "resource/definition.h"

/* ---- the kind ---- */

#define FIELD(field, what)                                                                            \
	{ .name = field, .type = SPEC_DURATION, .max = 7 * TIME_DAY, .about = what }
static const struct spec_field row_fields[] = {
	FIELD("first", "The first update is owed this long after the incident began."),
	FIELD("public", "Customers are told at least this often; 0 is never."),
	FIELD("internal", "Those inside are told at least this often; 0 is never."),
	{ .name = NULL },
};
#define ROW(priority)                                                                                 \
	{ .name = priority, .type = SPEC_OBJECT, .fields = row_fields,                                \
	  .about = "How often people are told of a " priority "; as built in when absent." }
const struct spec_field comms_cadence_spec[] = {
	ROW("P1"), ROW("P2"), ROW("P3"), ROW("P4"), ROW("P5"), { .name = NULL },
};

static const struct {
	const char *priority;
	struct comms_cadence cadence;
} built_in[] = {
	{ "P1", { 5 * TIME_MINUTE, 20 * TIME_MINUTE, 30 * TIME_MINUTE } },
	{ "P2", { 15 * TIME_MINUTE, 30 * TIME_MINUTE, TIME_HOUR } },
	{ "P3", { TIME_HOUR, 4 * TIME_HOUR, 4 * TIME_HOUR } },
};

static void read_duration(const struct doc_node *row, const char *key, time_us *duration)
{
	struct str text = doc_text(doc_get(row, key), "");
	if (text.len > 0)
		duration_parse(text, duration);
}

enum err comms_cadence_get(struct store_conn *conn, struct str priority, struct arena *arena,
			   struct comms_cadence *ret_cadence, struct error *err)
{
	const struct doc_node *spec;
	struct comms_cadence cadence = { 0 };
	enum err r = definition_spec(conn, COMMS_CADENCE, STR("default"), arena, &spec, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
		if (str_is(priority, built_in[i].priority))
			cadence = built_in[i].cadence;
	}
	const struct doc_node *row = doc_get(spec, arena_cstr(arena, priority));
	read_duration(row, "first", &cadence.first);
	read_duration(row, "public", &cadence.public_every);
	read_duration(row, "internal", &cadence.internal_every);
	*ret_cadence = cadence;
	return OK;
}

/* ---- what is owed ---- */

enum err comms_due_after(struct decision *d, const struct incident *incident, enum comms_audience audience,
			 struct str state, time_us promised, time_us *ret_due, struct error *err)
{
	struct comms_cadence cadence;
	enum err r = comms_cadence_get(d->conn, incident->priority, d->arena, &cadence, err);
	if (r != OK)
		return r;
	time_us every = comms_is_public(audience) ? cadence.public_every : cadence.internal_every;
	*ret_due = promised != TIME_NONE		      ? promised
		   : str_is(state, "resolved") || every == 0 ? TIME_NONE
							      : d->now + every;
	return OK;
}

struct planning {
	const struct incident *incident;
	bool over;
	time_us first, every, now;
};

/* Whoever was told that it began is told that it is over; else by what was promised, or the cadence. */
static time_us due_for(const struct planning *p, const struct comms_update *last)
{
	bool said_over = last != NULL && str_is(last->state, "resolved");
	if (p->over)
		return last == NULL || said_over ? TIME_NONE : p->now + (p->first > 0 ? p->first : TIME_HOUR);
	if (last == NULL)
		return p->every > 0 ? p->incident->opened + (p->first > 0 ? p->first : p->every) : TIME_NONE;
	if (said_over)
		return p->every > 0 ? p->now + p->first : TIME_NONE;
	if (last->next_at != TIME_NONE)
		return last->next_at;
	return p->every > 0 ? last->posted + p->every : TIME_NONE;
}

/* Customers are owed news of a service they use, and of what they were told about before. */
static enum err plan(struct decision *d, const struct incident *incident, bool for_customers, time_us *ret_due,
		     struct error *err)
{
	struct comms_cadence cadence;
	struct catalog_service service;
	struct comms_update last;
	bool found = false;
	enum err r = comms_cadence_get(d->conn, incident->priority, d->arena, &cadence, err);
	if (r == OK)
		r = catalog_service_get(d->conn, incident->service, d->arena, &service, err);
	if (r == OK)
		r = comms_update_last(d->conn, incident->id, for_customers, d->arena, &found, &last, err);
	if (r != OK)
		return r;
	struct planning planning = {
		.incident = incident,
		.over = str_is(incident->state, "resolved"),
		.first = cadence.first,
		.every = for_customers ? cadence.public_every : cadence.internal_every,
		.now = d->now,
	};
	bool wanted = !for_customers || found || (service.customers && str_is(incident->visibility, "everyone"));
	*ret_due = wanted ? due_for(&planning, found ? &last : NULL) : TIME_NONE;
	return OK;
}

enum err comms_plan_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct incident incident;
	struct event_update_planned planned = { .incident = timer->of };
	enum err r = incident_get(d->conn, timer->of, d->arena, &incident, err);
	if (r == OK)
		r = plan(d, &incident, true, &planned.public_due, err);
	if (r == OK)
		r = plan(d, &incident, false, &planned.internal_due, err);
	if (r == OK)
		decision_emit(d, EVENT_UPDATE_PLANNED, timer->of, &planned);
	return r;
}

/* ---- who is reminded ---- */

time_us comms_watch_at(time_us due, int told)
{
	if (due == TIME_NONE || told >= 2)
		return TIME_NONE;
	return told == 0 ? due - COMMS_REMIND_BEFORE : due;
}

/* The one who has it; else who declared it. Of what nobody has, the escalation speaks. */
static int64_t whom_to_tell(const struct incident *incident)
{
	return incident->acknowledged_by != 0 ? incident->acknowledged_by : incident->opened_by;
}

static enum err tell(struct decision *d, const struct incident *incident, const struct event_update_reminded *e,
		     struct error *err)
{
	const char *whom = str_is(e->audience, "public") ? "Customers" : "Those inside";
	char span[DURATION_TEXT_BYTES];
	duration_words(e->late ? d->now - e->due : e->due - d->now, span);
	struct paging_note note = {
		.incident = incident->id,
		.user = e->user,
		.title = arena_printf(d->arena, "%s: " STR_FMT " " STR_FMT,
				      e->late ? "An update is late" : "An update is due soon",
				      STR_ARG(incident->priority), STR_ARG(incident->title)),
		.body = e->late ? arena_printf(d->arena, "%s have waited %s longer than they were told.\n", whom, span)
				: arena_printf(d->arena, "%s expect news in %s.\n", whom, span),
		.reason = e->late ? STR("update_late") : STR("update_due"),
	};
	return e->user != 0 ? paging_tell(d, &note, err) : OK;
}

static enum err watch(struct decision *d, const struct incident *incident, const char *audience, time_us due, int told,
		      struct error *err)
{
	time_us at = comms_watch_at(due, told);
	if (at == TIME_NONE || at > d->now)
		return OK;
	struct event_update_reminded reminded = {
		.incident = incident->id,
		.audience = str_of(audience),
		.due = due,
		.late = d->now >= due,
		.user = whom_to_tell(incident),
	};
	decision_emit(d, EVENT_UPDATE_REMINDED, incident->id, &reminded);
	return tell(d, incident, &reminded, err);
}

enum err comms_watch_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct incident incident;
	struct comms_owed owed;
	enum err r = incident_get(d->conn, timer->of, d->arena, &incident, err);
	if (r == OK)
		r = comms_owed_get(d->conn, timer->of, &owed, err);
	if (r == OK)
		r = watch(d, &incident, "public", owed.public_due, owed.public_told, err);
	if (r == OK)
		r = watch(d, &incident, "internal", owed.internal_due, owed.internal_told, err);
	return r;
}
