/*
 * doctor_people.c: who would be woken tonight, and could they be? See doctor.c. The question is asked of
 * readiness.h for every policy that a service uses, and of every schedule, for the next 24 hours.
 */
#include <string.h>

#include "guard/guard.h"
#include "main/doctor_priv.h"
#include "notify/notify.h"
#include "oncall/paging.h"
#include "oncall/readiness.h"
#include "resource/definition.h"
#include "sys/zone.h"

#define TONIGHT TIME_DAY
#define PEOPLE_MAX 1000u
#define POLICIES_MAX 500u
#define TEXT_BYTES 340

struct night {
	struct doctor *d;
	struct zones *zones;
	unsigned policies;
};

/* ---- can they be woken ---- */

struct ways {
	struct doctor *d;
	bool wakes, tested; /* there is a contact that wakes; a page by it has arrived */
};

static bool see_page(void *context, const struct notify_row *row)
{
	bool *seen = context;
	(void)row;
	*seen = true;
	return false;
}

static bool has_arrived(struct doctor *d, int64_t contact)
{
	struct notify_filter filter = { .contact = contact, .state = STR("sent,delivered"), .limit = 1 };
	bool seen = false;
	return notify_list(d->conn, &filter, d->arena, see_page, &seen, NULL) == OK && seen;
}

static bool see_contact(void *context, const struct paging_contact *contact)
{
	struct ways *ways = context;
	bool wakes = !str_is(contact->channel, "browser") && !str_is(contact->urgency, "low");
	if (wakes) {
		ways->wakes = true;
		ways->tested = ways->tested || has_arrived(ways->d, contact->id);
	}
	return true;
}

static struct ways ways_of(struct doctor *d, int64_t user)
{
	struct ways ways = { .d = d };
	paging_contacts(d->conn, user, d->arena, see_contact, &ways, NULL);
	return ways;
}

/* ---- what readiness asks ---- */

static const struct schedule *find_schedule(void *context, struct str name)
{
	struct night *night = context;
	struct schedule *schedule = NULL;
	enum err r = paging_schedule(night->d->conn, night->zones, name, night->d->arena, &schedule, NULL);
	return r == OK ? schedule : NULL;
}

static bool may_be_paged(const struct guard_user *user)
{
	return !user->disabled && user->role != ROLE_VIEWER && user->role != ROLE_AUDITOR;
}

static size_t members_of(struct night *night, struct str team, int64_t *ret_users, size_t max)
{
	struct guard_member *members;
	size_t count, found = 0;
	if (guard_team_members(night->d->conn, night->d->arena, team, &members, &count, NULL) != OK)
		return 0;
	for (size_t i = 0; i < count && found < max; i++) {
		if (members[i].user != 0)
			ret_users[found++] = members[i].user;
	}
	return found;
}

static size_t resolve(void *context, const struct escalation_target *target, time_us now, int64_t *ret_users, size_t max)
{
	struct night *night = context;
	struct guard_user user;
	(void)now;
	if (target->kind == ESCALATION_TEAM)
		return members_of(night, target->name, ret_users, max);
	if (target->kind != ESCALATION_USER || max == 0 ||
	    guard_user_by_id(night->d->conn, night->d->arena, target->user, &user, NULL) != OK || !may_be_paged(&user))
		return 0;
	ret_users[0] = target->user;
	return 1;
}

static bool is_wakeable(void *context, int64_t user)
{
	struct night *night = context;
	return ways_of(night->d, user).wakes;
}

/* ---- every policy ---- */

static const char *advice_for(enum readiness_kind kind)
{
	switch (kind) {
	case READINESS_NO_SCHEDULE:
		return "make the schedule, or name another in the policy";
	case READINESS_GAP:
	case READINESS_STEP_EMPTY:
	case READINESS_ALL_EMPTY:
		return "fill the gap: On-call, the schedule, Take it for a while";
	case READINESS_NOT_WAKEABLE:
		return "they add ntfy, e-mail, a webhook or a command under Settings, Contacts";
	case READINESS_LAST_EMPTY:
		return "give the policy a team or people of last resort; without, everybody is paged in the end";
	case READINESS_ONE_PERSON:
		return "add somebody else to a later step";
	case READINESS_CUT:
		return "mend the first ones, and look again";
	}
	return "see the policy";
}

/* A policy without a last resort delays: the machine's own end of all ends is to page everybody. */
static enum doctor_level level_of(const struct readiness_finding *finding)
{
	return finding->severe && finding->kind != READINESS_LAST_EMPTY ? DOCTOR_WRONG : DOCTOR_DOUBT;
}

static void tell(struct night *night, struct str policy, const struct readiness_finding *finding)
{
	struct guard_user user = { .name = STR("somebody") };
	char text[READINESS_TEXT_BYTES];
	if (finding->user != 0)
		guard_user_by_id(night->d->conn, night->d->arena, finding->user, &user, NULL);
	readiness_text(finding, user.name, text);
	doctor_say(night->d, level_of(finding), "tonight", advice_for(finding->kind),
		   "policy \"" STR_FMT "\": %s", STR_ARG(policy), text);
}

static void look_at_policy(struct night *night, struct str name)
{
	struct doctor *d = night->d;
	struct escalation_policy policy;
	struct readiness_source source = { find_schedule, resolve, is_wakeable, night };
	struct readiness_finding *findings;
	size_t count;
	bool built_in;
	struct error err;
	enum err r = paging_policy(d->conn, name, d->arena, &policy, &built_in, &err);
	if (r == OK)
		r = readiness_check(&policy, &source, d->now, d->now + TONIGHT, d->arena, &findings, &count, &err);
	if (r != OK) {
		doctor_say(d, DOCTOR_WRONG, "tonight", "see the policy and its schedules", "policy \"" STR_FMT "\": %s",
			   STR_ARG(name), err.text);
		return;
	}
	for (size_t i = 0; i < count; i++)
		tell(night, name, &findings[i]);
	if (count == 0)
		doctor_good(d, "tonight", "policy \"" STR_FMT "\": there is always somebody who can be woken", STR_ARG(name));
}

static bool see_policy(void *context, const struct definition *definition)
{
	struct night *night = context;
	night->policies++;
	look_at_policy(night, arena_str(night->d->arena, definition->name));
	return true;
}

/* ---- every schedule: is the first one on call reachable by a way that has worked? ---- */

static void look_at_person(struct doctor *d, struct str schedule, int64_t id)
{
	struct guard_user user;
	if (guard_user_by_id(d->conn, d->arena, id, &user, NULL) != OK)
		return;
	struct ways ways = ways_of(d, id);
	if (ways.wakes && ways.tested)
		doctor_good(d, "on call", STR_FMT " for \"" STR_FMT "\", by a way that has worked", STR_ARG(user.name),
			    STR_ARG(schedule));
	else if (ways.wakes)
		doctor_say(d, DOCTOR_DOUBT, "on call", "Settings, Contacts, Send me a test page",
			   STR_FMT " for \"" STR_FMT "\": no page has ever arrived by a way that wakes them", STR_ARG(user.name),
			   STR_ARG(schedule));
	else
		doctor_say(d, DOCTOR_WRONG, "on call", "they add ntfy, e-mail, a webhook or a command under Settings, Contacts",
			   STR_FMT " for \"" STR_FMT "\" cannot be woken", STR_ARG(user.name), STR_ARG(schedule));
}

static bool see_schedule(void *context, const struct definition *definition)
{
	struct night *night = context;
	struct doctor *d = night->d;
	struct str name = arena_str(d->arena, definition->name);
	struct oncall_list list;
	const struct schedule *schedule = find_schedule(night, name);
	if (schedule == NULL ||
	    oncall_segments(schedule, d->now, d->now + TONIGHT, ONCALL_JOIN_PEOPLE, d->arena, &list, NULL) != OK)
		return true;
	for (size_t i = 0; i < list.gap_count; i++) {
		char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
		time_format(list.gaps[i].from / TIME_MINUTE * TIME_MINUTE, from);
		time_format(list.gaps[i].until / TIME_MINUTE * TIME_MINUTE, until);
		doctor_say(d, DOCTOR_DOUBT, "on call", "On-call, the schedule, Take it for a while",
			   "nobody for \"" STR_FMT "\" from %s until %s", STR_ARG(name), from, until);
	}
	for (size_t i = 0; i < list.segment_count && i < 3; i++)
		look_at_person(d, name, list.segments[i].people[0].user);
	return true;
}

void doctor_on_call(struct doctor *d)
{
	struct night night = { .d = d, .zones = zones_create(NULL) };
	struct error err;
	enum err r = definition_list(d->conn, STR("EscalationPolicy"), STR_NONE, STR_NONE, POLICIES_MAX, d->arena, see_policy,
				     &night, &err);
	if (r == OK)
		r = definition_list(d->conn, STR("Schedule"), STR_NONE, STR_NONE, POLICIES_MAX, d->arena, see_schedule, &night,
				    &err);
	if (r != OK)
		doctor_say(d, DOCTOR_WRONG, "tonight", "run mainstay journal rebuild", "%s", err.text);
	else if (night.policies == 0)
		doctor_say(d, DOCTOR_DOUBT, "tonight", "watch something on the page Now, or make an EscalationPolicy",
			   "there is no escalation policy: urgent incidents page everybody at once");
	zones_destroy(&night.zones);
}

/* ---- everybody ---- */

void doctor_people(struct doctor *d)
{
	struct guard_user *users;
	struct error err;
	size_t count, able = 0;
	if (guard_users(d->conn, d->arena, 0, PEOPLE_MAX, &users, &count, &err) != OK) {
		doctor_say(d, DOCTOR_WRONG, "people", "run mainstay journal rebuild", "%s", err.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!may_be_paged(&users[i]))
			continue;
		if (ways_of(d, users[i].id).wakes)
			able++;
		else
			doctor_say(d, DOCTOR_DOUBT, "cannot be woken", "ntfy, e-mail, a webhook or a command under Settings, Contacts",
				   STR_FMT, STR_ARG(users[i].email));
	}
	if (able > 0)
		doctor_good(d, "can be woken", "%zu people", able);
	else
		doctor_say(d, DOCTOR_WRONG, "can be woken", "ntfy, e-mail, a webhook or a command under Settings, Contacts",
			   "nobody at all");
}
