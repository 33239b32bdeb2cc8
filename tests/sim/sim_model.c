/*
 * sim_model.c: the outside: things that break, people who do what people do, a disk and a clock that
 * cannot be trusted. One row an act; how often it happens is its weight.
 *
 * Acts may be refused: people press what no longer applies. What must never come back is an answer
 * that only a broken server gives.
 */
#include <assert.h>
#include <string.h>

#include "alert/alert.h"
#include "guard/guard.h"
#include "incident/incident.h"
#include "monitor/monitor.h"
#include "resource/definition.h"
#include "sim.h"
#include "sim_specs.h"

#define PEOPLE_BEGIN 4
#define PEOPLE_MOST 9

static const char *const check_names[SIM_CHECKS] = { "c0", "c1", "c2", "c3", "c4", "c5" };

static const char *pick(struct sim *sim, const char *const *words, size_t count)
{
	return words[sim_below(sim, count)];
}
#define PICK(sim, ...)                                                                        \
	pick(sim, (const char *const[]){ __VA_ARGS__ },                                       \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static int64_t some_user(struct sim *sim)
{
	const struct referee *r = sim->referee;
	return r->person_count > 0 ? r->people[sim_below(sim, r->person_count)].id : 0;
}

/* Mostly one that goes on; now and then one that is long over. 0: there is none. */
static int64_t some_incident(struct sim *sim)
{
	const struct referee *r = sim->referee;
	if (r->incident_count < 2)
		return 0;
	for (int tries = 0; tries < 8; tries++) {
		int64_t id = 1 + (int64_t)sim_below(sim, r->incident_count - 1);
		if (r->incidents[id].state != REFEREE_RESOLVED || sim_chance(sim, 15))
			return id;
	}
	return (int64_t)r->incident_count - 1;
}

/* Refusals are part of life; these are not. */
static void must_be_an_answer(struct sim *sim, enum err result)
{
	if (result == ERR_IO || result == ERR_CORRUPT || result == ERR_UNSUPPORTED)
		sim_wrong(sim, "the server answered %s: %s", err_name(result), sim->err.text);
}

static void run(struct sim *sim, int64_t user, decide_fn *decide, const void *args)
{
	must_be_an_answer(sim, sim_do(sim, user, decide, args, NULL));
}

/* ---- what is watched ---- */

static void something_changes(struct sim *sim)
{
	size_t i = sim_below(sim, SIM_CHECKS);
	bool up = strcmp(sim->reality[i], "up") == 0;
	sim->reality[i] = up ? PICK(sim, "down", "down", "degraded") : PICK(sim, "up", "up", "down");
}

static void everything_breaks(struct sim *sim)
{
	for (size_t i = 0; i < SIM_CHECKS; i++)
		sim->reality[i] = sim_chance(sim, 80) ? "down" : sim->reality[i];
}

static void everything_recovers(struct sim *sim)
{
	for (size_t i = 0; i < SIM_CHECKS; i++)
		sim->reality[i] = "up";
}

void sim_sense(struct sim *sim)
{
	struct monitor_state state;
	for (size_t i = 0; i < SIM_CHECKS && sim_is_well(sim); i++) {
		struct str name = str_of(check_names[i]);
		if (monitor_state_get(sim->reader, name, &sim->arena, &state, &sim->err) != OK ||
		    str_is(state.state, "paused") || str_is(state.state, sim->reality[i]))
			continue;
		enum err r = sim_check_is(sim, check_names[i], sim->reality[i]);
		if (r != ERR_NOT_FOUND)
			must_be_an_answer(sim, r);
	}
}

static void pause_or_resume(struct sim *sim)
{
	struct monitor_pause pause = { STR_NONE, STR("we are working on it") };
	pause.check = str_of(check_names[sim_below(sim, SIM_CHECKS)]);
	run(sim, some_user(sim), sim_chance(sim, 40) ? monitor_pause_decide : monitor_resume_decide,
	    &pause);
}

/* ---- incidents ---- */

static void act_on(struct sim *sim, decide_fn *decide, struct incident_act *act, bool may_undo)
{
	int64_t seq = 0;
	act->incident = some_incident(sim);
	act->user = some_user(sim);
	if (act->incident == 0 || act->user == 0)
		return;
	enum err r = sim_do(sim, act->user, decide, act, &seq);
	must_be_an_answer(sim, r);
	if (r != OK || !may_undo)
		return;
	sim->last_act_seq = seq;
	sim->last_act_incident = act->incident;
	sim->last_act_user = act->user;
}

static void acknowledge(struct sim *sim)
{
	struct incident_act act = { .via = sim_chance(sim, 50) ? STR("ui") : STR("link") };
	act_on(sim, incident_acknowledge_decide, &act, true);
}

static void resolve(struct sim *sim)
{
	struct incident_act act = { .via = STR("ui"), .text = STR("it was the cable") };
	act_on(sim, incident_resolve_decide, &act, true);
}

static void reopen(struct sim *sim)
{
	struct incident_act act = { .text = STR("it is back") };
	act_on(sim, incident_reopen_decide, &act, false);
}

static void note(struct sim *sim)
{
	struct incident_act act = { .text = STR("looking at the disks") };
	act_on(sim, incident_note_decide, &act, true);
}

static void set_priority(struct sim *sim)
{
	struct incident_act act = { .text = STR("it is more than we thought") };
	if (sim_chance(sim, 70))
		act.urgency = str_of(PICK(sim, "high", "high", "medium", "low"));
	if (sim_chance(sim, 50))
		act.impact = str_of(PICK(sim, "high", "medium", "low"));
	act_on(sim, incident_priority_decide, &act, true);
}

static void retitle(struct sim *sim)
{
	struct incident_act act = { .text = STR("The shop takes no orders \xE2\x80\x94 checkout fails") };
	act_on(sim, incident_retitle_decide, &act, false);
}

static void undo(struct sim *sim)
{
	struct incident_act act = { .incident = sim->last_act_incident, .user = sim->last_act_user,
				    .seq = sim->last_act_seq };
	if (act.seq > 0)
		run(sim, act.user, incident_undo_decide, &act);
}

static void escalate(struct sim *sim)
{
	int64_t incident = some_incident(sim);
	if (incident > 0)
		run(sim, some_user(sim), paging_escalate_decide, &incident);
}

static void declare(struct sim *sim)
{
	struct incident_open open = { .title = STR("Customers cannot pay"), .source = STR("person") };
	if (sim_chance(sim, 60))
		open.service = str_of(PICK(sim, "s0", "s1", "s2", "s3"));
	if (sim_chance(sim, 30))
		open.urgency = str_of(PICK(sim, "high", "low"));
	run(sim, some_user(sim), incident_open_decide, &open);
}

/* ---- mutes ---- */

static void mute(struct sim *sim)
{
	static const time_us spans[] = { 15 * TIME_MINUTE, TIME_HOUR, 4 * TIME_HOUR };
	struct alert_mute_start start = {
		.kind = str_of(PICK(sim, "check", "check", "service", "all")),
		.reason = STR("planned work"),
		.duration = spans[sim_below(sim, 3)],
	};
	if (str_is(start.kind, "check"))
		start.target = str_of(check_names[sim_below(sim, SIM_CHECKS)]);
	else if (str_is(start.kind, "service"))
		start.target = str_of(PICK(sim, "s0", "s1", "s2", "s3"));
	run(sim, some_user(sim), alert_mute_start_decide, &start);
}

static void unmute(struct sim *sim)
{
	int64_t id = 1 + (int64_t)sim_below(sim, 1 + sim->referee->kinds[EVENT_MUTE_STARTED]);
	run(sim, some_user(sim), alert_mute_end_decide, &id);
}

/* ---- people ---- */

static void new_person(struct sim *sim)
{
	char email[40], name[40];
	unsigned number = (unsigned)sim->referee->person_count;
	int64_t id;
	if (number >= PEOPLE_MOST)
		return;
	snprintf(email, sizeof email, number == 1 ? "u%u@localhost" : "u%u@example.com", number);
	snprintf(name, sizeof name, "Person %u", number);
	struct guard_user_create create = {
		str_of(email), str_of(name),
		number == 0 ? ROLE_ADMIN : (enum role)(ROLE_VIEWER + sim_below(sim, 5)), &id,
	};
	run(sim, 0, guard_decide_user_create, &create);
}

static void change_person(struct sim *sim)
{
	bool disabled = sim_chance(sim, 40);
	enum role role = (enum role)(ROLE_VIEWER + sim_below(sim, 5));
	struct str zone = str_of(PICK(sim, "Europe/London", "Asia/Kolkata", "", "America/New_York"));
	struct guard_user_change change = { .user = some_user(sim) };
	if (sim_chance(sim, 50))
		change.disabled = &disabled;
	else if (sim_chance(sim, 50))
		change.role = &role;
	else
		change.time_zone = &zone;
	run(sim, 0, guard_decide_user_change, &change);
}

static void put_contact(struct sim *sim)
{
	static const time_us delays[] = { 0, 0, 0, TIME_MINUTE, 5 * TIME_MINUTE };
	struct paging_contact_put put = { .contact = {
		.user = some_user(sim),
		.channel = str_of(PICK(sim, "ntfy", "webhook", "browser", "email")),
		.label = STR("phone"),
		.address = STR("https://ntfy.example.com/mine"),
		.urgency = str_of(PICK(sim, "all", "all", "high", "low")),
		.delay = delays[sim_below(sim, 5)],
	} };
	if (str_is(put.contact.channel, "email"))
		put.contact.address = STR("me@example.org");
	if (sim_chance(sim, 30) && sim->referee->contact_count > 0)
		put.contact.id = 1 + (int64_t)sim_below(sim, sim->referee->contact_count);
	put.keep_secret = sim_chance(sim, 50);
	put.contact.secret = sim_chance(sim, 50) ? STR("s3cret") : STR_NONE;
	run(sim, put.contact.user, paging_contact_put_decide, &put);
}

static void remove_contact(struct sim *sim)
{
	struct paging_contact_ref ref = { 1 + (int64_t)sim_below(sim, sim->referee->contact_count + 1) };
	run(sim, some_user(sim), paging_contact_remove_decide, &ref);
}

/* Somebody leaves the house without a phone: all their contacts go at once. */
static void remove_contacts(struct sim *sim)
{
	int64_t user = some_user(sim);
	for (size_t i = 0; i < sim->referee->contact_count && sim_is_well(sim); i++) {
		struct paging_contact_ref ref = { sim->referee->contacts[i].id };
		if (sim->referee->contacts[i].user == user && sim->referee->contacts[i].there)
			run(sim, user, paging_contact_remove_decide, &ref);
	}
}

static void test_page(struct sim *sim)
{
	struct paging_contact_ref ref = { 1 + (int64_t)sim_below(sim, sim->referee->contact_count + 1) };
	run(sim, some_user(sim), paging_test_page_decide, &ref);
}

static void take_over(struct sim *sim)
{
	time_us from = sim_chance(sim, 50) ? 0 : sim_wall(sim) + (time_us)sim_below(sim, 7200) * TIME_SECOND;
	struct paging_override_put put = { .override = {
		.schedule = str_of(PICK(sim, "r0", "r1")),
		.user = some_user(sim),
		.replaces = sim_chance(sim, 40) ? some_user(sim) : 0,
		.from = from,
		.until = sim_wall(sim) + (time_us)(1 + sim_below(sim, 20)) * TIME_HOUR,
		.reason = STR("I take it"),
	} };
	run(sim, put.override.user, paging_override_put_decide, &put);
}

static void give_back(struct sim *sim)
{
	int64_t id = 1 + (int64_t)sim_below(sim, 1 + sim->referee->kinds[EVENT_OVERRIDE_PUT]);
	run(sim, some_user(sim), paging_override_cancel_decide, &id);
}

/* ---- definitions ---- */

static void put_definition(struct sim *sim)
{
	char spec[SIM_SPEC_BYTES], name[16];
	const char *kind = sim_spec_any(sim, name, spec);
	must_be_an_answer(sim, sim_define(sim, kind, name, spec));
}

static void delete_definition(struct sim *sim)
{
	char spec[SIM_SPEC_BYTES], name[16];
	const char *kind = sim_spec_any(sim, name, spec);
	must_be_an_answer(sim, sim_define(sim, kind, name, NULL));
}

/* ---- clock, disk, power ---- */

static void step_clock(struct sim *sim)
{
	static const time_us steps[] = { 2 * TIME_SECOND, -2 * TIME_SECOND, TIME_MINUTE, -TIME_MINUTE,
					 TIME_HOUR, -TIME_HOUR, 20 * TIME_HOUR, -20 * TIME_HOUR };
	clock_step(&sim->clock, steps[sim_below(sim, sizeof steps / sizeof steps[0])]);
	clock_advance(&sim->clock, (time_us)sim_below(sim, SIM_NEXT_MAX));
}

static void sleep_long(struct sim *sim)
{
	sim_sleep(sim, (time_us)(1 + sim_below(sim, 600)) * TIME_MINUTE);
}

/* Now and then on a machine that has forgotten what time it is. */
static void restart(struct sim *sim)
{
	time_us back = sim_chance(sim, 15) ? (time_us)sim_below(sim, 48) * TIME_HOUR : 0;
	sim_restart(sim, (time_us)sim_below(sim, 900) * TIME_SECOND, back);
}

static void cut_power(struct sim *sim)
{
	if (sim->disk != NULL && !sim->options.quiet_disk)
		sim_power_cut(sim, (enum disk_crash)sim_below(sim, 3));
}

static void plan_fault(struct sim *sim)
{
	static const enum vfs_fault_failure failures[] = { VFS_FAULT_EIO, VFS_FAULT_ENOSPC,
							   VFS_FAULT_SHORT, VFS_FAULT_POWER_OFF,
							   VFS_FAULT_POWER_OFF };
	if (sim->disk == NULL || sim->options.quiet_disk)
		return;
	vfs_fault_plan(sim->disk, VFS_FAULT_CHANGE, 1 + sim_below(sim, 40),
		       failures[sim_below(sim, 5)], false);
}

static void fill_disk(struct sim *sim)
{
	if (sim->disk == NULL || sim->options.quiet_disk)
		return;
	vfs_fault_capacity_set(sim->disk, vfs_fault_used_bytes(sim->disk) + sim_below(sim, 40000));
	for (int i = 0; i < 4 && sim_is_well(sim); i++)
		note(sim);
	vfs_fault_capacity_set(sim->disk, DISK_CAPACITY_ANY);
}

static void move_log(struct sim *sim)
{
	world_checkpoint(sim->world);
}

static void channels_fail(struct sim *sim)
{
	sim->slow_channels = !sim->slow_channels;
}

static void nothing(struct sim *sim)
{
	(void)sim;
}

static const struct act {
	const char *name;
	unsigned weight;
	void (*do_it)(struct sim *sim);
} acts[] = {
	{ "a thing changes", 22, something_changes },
	{ "everything breaks", 1, everything_breaks },
	{ "everything recovers", 2, everything_recovers },
	{ "pause or resume", 4, pause_or_resume },
	{ "acknowledge", 12, acknowledge },
	{ "resolve", 5, resolve },
	{ "reopen", 4, reopen },
	{ "note", 3, note },
	{ "priority", 6, set_priority },
	{ "retitle", 1, retitle },
	{ "undo", 8, undo },
	{ "escalate", 4, escalate },
	{ "declare", 3, declare },
	{ "mute", 3, mute },
	{ "unmute", 3, unmute },
	{ "a new person", 1, new_person },
	{ "a person changes", 2, change_person },
	{ "a contact", 3, put_contact },
	{ "a contact goes", 2, remove_contact },
	{ "all contacts go", 1, remove_contacts },
	{ "a test page", 1, test_page },
	{ "override", 3, take_over },
	{ "override ends", 1, give_back },
	{ "a definition", 4, put_definition },
	{ "a definition goes", 2, delete_definition },
	{ "the clock steps", 3, step_clock },
	{ "sleep", 2, sleep_long },
	{ "restart", 2, restart },
	{ "the power goes", 2, cut_power },
	{ "the disk will fail", 4, plan_fault },
	{ "the disk is full", 1, fill_disk },
	{ "the log is moved", 2, move_log },
	{ "channels", 2, channels_fail },
	{ "nothing", 10, nothing },
};

void sim_model_act(struct sim *sim)
{
	size_t count = sizeof acts / sizeof acts[0];
	uint64_t all = 0, at = 0;
	for (size_t i = 0; i < count; i++)
		all += acts[i].weight;
	uint64_t chosen = sim_below(sim, all);
	for (size_t i = 0; i < count; i++) {
		at += acts[i].weight;
		if (chosen >= at)
			continue;
		sim->act = acts[i].name;
		acts[i].do_it(sim);
		break;
	}
}

void sim_model_begin(struct sim *sim)
{
	char spec[SIM_SPEC_BYTES];
	sim->act = "beginning";
	for (int i = 0; i < PEOPLE_BEGIN; i++)
		new_person(sim);
	for (unsigned i = 0; i < SIM_CHECKS; i++) {
		sim_spec(sim, "Check", spec);
		must_be_an_answer(sim, sim_define(sim, "Check", check_names[i], spec));
	}
	for (unsigned i = 0; i < 6; i++)
		put_definition(sim);
	sim_settle(sim);
}
