/*
 * test_sim_cases.c: what the simulator found, each as a short story of its own.
 */
#include "alert/alert.h"
#include "comms/comms.h"
#include "guard/guard.h"
#include "incident/incident.h"
#include "journal/world_priv.h"
#include "monitor/monitor.h"
#include "notify/notify.h"
#include "resource/definition.h"
#include "sim_test.h"

#define ANN 1
#define BOB 2

static struct sim *begin(void)
{
	int64_t id;
	struct guard_user_create ann = { STR("ann@localhost"), STR("Ann"), ROLE_ADMIN, &id };
	struct guard_user_create bob = { STR("bob@localhost"), STR("Bob"), ROLE_RESPONDER, &id };
	tap_reset();
	log_init(found_quiet, NULL, LOG_INFO);
	struct sim *sim = sim_open(&(struct sim_options){ .seed = 5, .quiet_disk = true });
	CHECK_INT(sim_do(sim, 0, guard_decide_user_create, &ann, NULL), OK);
	CHECK_INT(sim_do(sim, 0, guard_decide_user_create, &bob, NULL), OK);
	return sim;
}

static void define(struct sim *sim, const char *kind, const char *name, const char *spec)
{
	if (sim_define(sim, kind, name, spec) != OK)
		fail_msg("%s \"%s\" was not taken: %s", kind, name, sim->err.text);
}

static void define_check(struct sim *sim, const char *name, const char *urgency)
{
	char spec[256];
	snprintf(spec, sizeof spec,
		 "{\"kind\":\"tcp\",\"host\":\"h.example.com\",\"port\":1,\"service\":\"shop\",\"urgency\":\"%s\"}",
		 urgency);
	define(sim, "Check", name, spec);
}

static enum err act(struct sim *sim, decide_fn *decide, int64_t incident, int64_t user, int64_t *seq)
{
	struct incident_act act = { .incident = incident, .user = user, .via = STR("ui"),
				    .text = STR("because") };
	return sim_do(sim, user, decide, &act, seq);
}

static enum err set_urgency(struct sim *sim, int64_t incident, const char *urgency, int64_t *seq)
{
	struct incident_act act = { .incident = incident, .user = ANN, .urgency = str_of(urgency) };
	return sim_do(sim, ANN, incident_priority_decide, &act, seq);
}

static enum err undo(struct sim *sim, int64_t incident, int64_t user, int64_t seq)
{
	struct incident_act act = { .incident = incident, .user = user, .seq = seq };
	return sim_do(sim, user, incident_undo_decide, &act, NULL);
}

static struct incident incident(struct sim *sim, int64_t id)
{
	struct incident found = { 0 };
	CHECK_INT(incident_get(sim->reader, id, &sim->arena, &found, &sim->err), OK);
	return found;
}

static int64_t count(struct sim *sim, const char *sql, int64_t value)
{
	int64_t found = 0;
	CHECK_INT(store_one_int(sim->reader, sql, STORE_VALUES(STORE_INT(value)), 0, &found, &sim->err), OK);
	return found;
}

static int64_t urgent_pages(struct sim *sim, int64_t id)
{
	return count(sim, "SELECT count(*) FROM page WHERE incident = ? AND urgency = 'high'", id);
}

/* Whatever the story was: the record, the tables and the pages agree. */
static void end(struct sim *sim)
{
	sim_settle(sim);
	if (!sim_check_all(sim))
		fail_msg("%s", sim->story);
	sim_close(&sim);
}

/* ---- taking back ---- */

TEST(a_note_taken_back_leaves_a_resolved_incident_resolved)
{
	struct sim *sim = begin();
	int64_t seq;
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	CHECK_INT(act(sim, incident_resolve_decide, 1, ANN, NULL), OK);
	CHECK_INT(act(sim, incident_note_decide, 1, ANN, &seq), OK);
	CHECK_INT(undo(sim, 1, ANN, seq), OK);
	CHECK_STR(incident(sim, 1).state, "resolved");
	CHECK(incident(sim, 1).resolved != TIME_NONE);
	end(sim);
}

TEST(what_others_did_since_is_not_taken_back)
{
	struct sim *sim = begin();
	int64_t ann, bob, priority;
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	CHECK_INT(act(sim, incident_acknowledge_decide, 1, ANN, &ann), OK);
	CHECK_INT(set_urgency(sim, 1, "low", &priority), OK);
	CHECK_INT(act(sim, incident_acknowledge_decide, 1, BOB, &bob), OK);
	CHECK_INT(undo(sim, 1, ANN, ann), ERR_CONFLICT);
	CHECK_INT(undo(sim, 1, ANN, priority), OK); /* the priority alone goes back */
	CHECK_STR(incident(sim, 1).state, "acknowledged");
	CHECK_INT(incident(sim, 1).acknowledged_by, BOB);
	CHECK_STR(incident(sim, 1).urgency, "high");
	CHECK_INT(undo(sim, 1, ANN, priority), ERR_CONFLICT); /* once */
	CHECK_INT(undo(sim, 1, BOB, bob), OK);
	CHECK_INT(incident(sim, 1).acknowledged_by, ANN);
	end(sim);
}

TEST(an_incident_that_recovered_is_not_opened_by_taking_back_an_old_acknowledgement)
{
	struct sim *sim = begin();
	int64_t seq;
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	CHECK_INT(act(sim, incident_acknowledge_decide, 1, ANN, &seq), OK);
	sim_check_is(sim, "web", "up");
	CHECK_STR(incident(sim, 1).state, "resolved");
	CHECK_INT(undo(sim, 1, ANN, seq), ERR_CONFLICT);
	end(sim);
}

/* ---- urgency ---- */

TEST(what_became_urgent_while_it_was_resolved_is_urgent_when_opened_again)
{
	struct sim *sim = begin();
	define_check(sim, "web", "low");
	sim_check_is(sim, "web", "down");
	CHECK_INT(act(sim, incident_resolve_decide, 1, ANN, NULL), OK);
	CHECK_INT(set_urgency(sim, 1, "high", NULL), OK);
	CHECK_INT(act(sim, incident_reopen_decide, 1, ANN, NULL), OK);
	CHECK(urgent_pages(sim, 1) > 0);
	sim_pass(sim, TIME_HOUR);
	end(sim);
}

TEST(a_slow_page_that_becomes_an_outage_wakes_somebody)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "degraded");
	CHECK_INT(urgent_pages(sim, 1), 0);
	sim_check_is(sim, "web", "down");
	CHECK_STR(incident(sim, 1).urgency, "high");
	CHECK(urgent_pages(sim, 1) > 0);
	end(sim);
}

TEST(an_urgent_check_that_joins_a_quiet_incident_wakes_somebody)
{
	struct sim *sim = begin();
	define_check(sim, "batch", "low");
	define_check(sim, "web", "high");
	sim_check_is(sim, "batch", "down");
	CHECK_INT(urgent_pages(sim, 1), 0);
	sim_check_is(sim, "web", "down");
	CHECK_INT(incident(sim, 1).firing, 2);
	CHECK(urgent_pages(sim, 1) > 0);
	end(sim);
}

TEST(what_gets_worse_after_people_ended_it_is_a_new_incident)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "degraded");
	CHECK_INT(act(sim, incident_resolve_decide, 1, ANN, NULL), OK);
	sim_check_is(sim, "web", "down");
	CHECK(urgent_pages(sim, 2) > 0);
	CHECK_INT(incident(sim, 1).firing, 0);
	CHECK_INT(incident(sim, 2).firing, 1);
	end(sim);
}

TEST(an_incident_is_open_again_when_more_people_are_asked_for)
{
	struct sim *sim = begin();
	int64_t id = 1;
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	CHECK_INT(act(sim, incident_acknowledge_decide, 1, ANN, NULL), OK);
	CHECK_INT(sim_do(sim, ANN, paging_escalate_decide, &id, NULL), OK);
	CHECK_STR(incident(sim, 1).state, "open");
	end(sim);
}

/* ---- people ---- */

static void remove_contacts(struct sim *sim, int64_t user)
{
	for (size_t i = 0; i < sim->referee->contact_count; i++) {
		struct paging_contact_ref ref = { sim->referee->contacts[i].id };
		if (sim->referee->contacts[i].user == user)
			CHECK_INT(sim_do(sim, user, paging_contact_remove_decide, &ref, NULL), OK);
	}
}

TEST(a_person_nobody_can_reach_is_passed_at_once)
{
	struct sim *sim = begin();
	define(sim, "EscalationPolicy", "default",
	       "{\"rounds\":3,\"steps\":[{\"delay\":\"3h\",\"targets\":[{\"user\":\"bob@localhost\"}]}]}");
	define_check(sim, "web", "high");
	remove_contacts(sim, BOB);
	sim_check_is(sim, "web", "down");
	CHECK(urgent_pages(sim, 1) > 0); /* Ann, by the last resort */
	sim_pass(sim, TIME_HOUR);
	end(sim);
}

TEST(contacts_that_are_gone_do_not_count)
{
	struct sim *sim = begin();
	struct paging_contact_put put = { .contact = { .user = BOB, .channel = STR("browser"),
						       .label = STR("one more"), .urgency = STR("all") } };
	for (int i = 0; i < 30; i++) {
		int64_t id;
		put.ret_contact = &id;
		CHECK_INT(sim_do(sim, BOB, paging_contact_put_decide, &put, NULL), OK);
		int64_t last = count(sim, "SELECT min(id) FROM contact WHERE user_id = ?", BOB);
		struct paging_contact_ref ref = { last };
		CHECK_INT(sim_do(sim, BOB, paging_contact_remove_decide, &ref, NULL), OK);
	}
	end(sim);
}

TEST(who_was_not_told_that_it_began_is_not_told_that_it_is_over)
{
	struct sim *sim = begin();
	int64_t id;
	struct paging_contact_put put = {
		.contact = { .user = BOB, .channel = STR("email"), .label = STR("mail"), .urgency = STR("all"),
			     .address = STR("bob@example.com"), .delay = 10 * TIME_MINUTE },
		.ret_contact = &id,
	};
	CHECK_INT(sim_do(sim, BOB, paging_contact_put_decide, &put, NULL), OK);
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	sim_pass(sim, TIME_MINUTE);
	sim_check_is(sim, "web", "up");
	CHECK_INT(count(sim, "SELECT count(*) FROM page WHERE reason = 'resolved' AND contact = ?", id), 0);
	CHECK_INT(count(sim, "SELECT count(*) FROM page WHERE reason = 'resolved' AND user_id = ?", BOB), 1);
	end(sim);
}

/* ---- a page that was on its way when it ended ---- */

static int64_t told_over(struct sim *sim, int64_t contact)
{
	return count(sim, "SELECT count(*) FROM page WHERE contact = ? AND reason = 'resolved'", contact);
}

/* Whoever's page waited for its contact's delay hears nothing of the end; but that page left already: the
 * delay was made longer since. */
static void a_page_arrives_after_the_end(struct sim *sim)
{
	int64_t id = 0;
	struct paging_contact_put put = {
		.contact = { .user = BOB, .channel = STR("email"), .label = STR("mail"), .urgency = STR("all"),
			     .address = STR("bob@example.com") },
		.ret_contact = &id,
	};
	CHECK_INT(sim_do(sim, BOB, paging_contact_put_decide, &put, NULL), OK);
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	sim_settle(sim); /* the channels have it */
	struct notify_attempt late = {
		.incident = 1, .page = count(sim, "SELECT max(id) FROM page WHERE contact = ?", id),
		.took = TIME_SECOND, .state = STR("sent"), .detail = STR("250 taken"),
	};
	put.contact.id = id;
	put.contact.delay = TIME_HOUR;
	CHECK_INT(sim_do(sim, BOB, paging_contact_put_decide, &put, NULL), OK);
	CHECK_INT(act(sim, incident_resolve_decide, 1, ANN, NULL), OK);
	CHECK_INT(told_over(sim, id), 0);
	CHECK_INT(sim_do(sim, 0, notify_attempt_decide, &late, NULL), OK);
}

TEST(a_page_that_arrives_after_the_end_is_followed_by_it_is_over)
{
	struct sim *sim = begin();
	a_page_arrives_after_the_end(sim);
	CHECK_INT(count(sim, "SELECT count(*) FROM page WHERE incident = ? AND reason = 'resolved'", 1), 3);
	end(sim);
}

TEST(the_referee_sees_a_page_that_arrived_after_the_end_and_was_followed_by_nothing)
{
	struct sim *sim = begin();
	tap.left_out = "paging_on_attempted";
	a_page_arrives_after_the_end(sim);
	CHECK(!sim_check_all(sim));
	CHECK(strstr(sim->story, "was not told that it is over") != NULL);
	sim_close(&sim);
}

/* ---- news that is owed ---- */

/* Two seconds before the reminder, which is written three minutes before the first update of a P2 is due. */
static struct sim *nearly_reminded(void)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	CHECK_STR(incident(sim, 1).priority, "P2");
	CHECK_INT(act(sim, incident_acknowledge_decide, 1, ANN, NULL), OK);
	sim_pass(sim, 12 * TIME_MINUTE - 2 * TIME_SECOND);
	CHECK_INT((int64_t)sim->referee->kinds[EVENT_UPDATE_REMINDED], 0);
	return sim;
}

static void end_reminded(struct sim *sim, int64_t times)
{
	sim_pass(sim, 10 * TIME_SECOND);
	CHECK_INT((int64_t)sim->referee->kinds[EVENT_UPDATE_REMINDED], times);
	end(sim);
}

TEST(who_has_an_incident_is_reminded_of_news)
{
	end_reminded(nearly_reminded(), 1);
}

TEST(nobody_is_reminded_of_news_between_an_end_and_the_new_plan)
{
	struct sim *sim = nearly_reminded();
	CHECK_INT(act(sim, incident_resolve_decide, 1, ANN, NULL), OK);
	CHECK_INT(set_urgency(sim, 1, "low", NULL), OK); /* is planned anew five seconds later */
	end_reminded(sim, 0);
}

TEST(news_for_others_does_not_bring_a_reminder_back_before_the_new_plan)
{
	struct sim *sim = nearly_reminded();
	struct comms_post post = {
		.incident = 1, .audience = COMMS_CUSTOMERS, .state = STR("resolved"), .title = STR("Problem with the shop"),
		.text = STR("It works again."), .next_at = TIME_NONE, .ret_update = &(int64_t){ 0 },
	};
	CHECK_INT(act(sim, incident_resolve_decide, 1, ANN, NULL), OK);
	CHECK_INT(set_urgency(sim, 1, "low", NULL), OK);
	CHECK_INT(sim_do(sim, ANN, comms_post_decide, &post, NULL), OK);
	end_reminded(sim, 0);
}

/* ---- clocks ---- */

TEST(a_wall_that_goes_back_in_a_quiet_hour_delays_nobody)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	sim_pass(sim, TIME_MINUTE);
	int64_t before = urgent_pages(sim, 1);
	clock_step(&sim->clock, -20 * TIME_HOUR);
	sim_pass(sim, 16 * TIME_MINUTE);
	CHECK(urgent_pages(sim, 1) > before);
	end(sim);
}

TEST(a_machine_that_forgot_the_time_pages_on_and_again_when_it_is_put_right)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	sim_pass(sim, TIME_MINUTE);
	sim_restart(sim, TIME_MINUTE, 300 * TIME_DAY);
	int64_t before = urgent_pages(sim, 1);
	sim_pass(sim, 16 * TIME_MINUTE);
	int64_t between = urgent_pages(sim, 1);
	CHECK(between > before);
	clock_step(&sim->clock, 300 * TIME_DAY);
	sim_pass(sim, 16 * TIME_MINUTE);
	CHECK(urgent_pages(sim, 1) > between);
	end(sim);
}

TEST(a_step_that_could_not_be_stored_is_noted_by_the_next_transaction)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	clock_step(&sim->clock, TIME_HOUR);
	vfs_fault_plan(sim->disk, VFS_FAULT_WRITE, 1, VFS_FAULT_EIO, false);
	CHECK_INT(act(sim, incident_note_decide, 1, ANN, NULL), ERR_UNAVAILABLE);
	CHECK_INT((int64_t)sim->referee->kinds[EVENT_CLOCK_STEPPED], 0);
	CHECK_INT(act(sim, incident_note_decide, 1, ANN, NULL), OK);
	CHECK_INT((int64_t)sim->referee->kinds[EVENT_CLOCK_STEPPED], 1);
	end(sim);
}

/* ---- much at once ---- */

#define MANY 1100

static void define_many(struct sim *sim)
{
	static struct definition_change changes[MANY];
	static char names[MANY][16];
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "m%d", i);
		changes[i] = (struct definition_change){
			.kind = STR("Check"), .name = str_of(names[i]), .manager = STR(DEFINITION_PEOPLE),
			.spec = STR("{\"kind\":\"tcp\",\"host\":\"h\",\"port\":1,\"service\":\"shop\"}"),
			.expect_revision = -1,
		};
	}
	struct definition_changes all = { changes, MANY };
	CHECK_INT(sim_do(sim, 0, definition_change_decide, &all, NULL), OK);
	for (int i = 0; i < MANY; i++)
		CHECK_INT(sim_check_is(sim, names[i], "down"), OK);
}

TEST(a_mute_lets_out_all_that_it_held_back_however_many)
{
	struct sim *sim = begin();
	int64_t mute = 0;
	struct alert_mute_start start = { .kind = STR("all"), .reason = STR("moving house"),
					  .duration = TIME_HOUR, .ret_mute = &mute };
	CHECK_INT(sim_do(sim, ANN, alert_mute_start_decide, &start, NULL), OK);
	define_many(sim);
	CHECK_INT(count(sim, "SELECT count(*) FROM incident WHERE id > ?", 0), 0);
	CHECK_INT(sim_do(sim, ANN, alert_mute_end_decide, &mute, NULL), OK);
	CHECK_INT(incident(sim, 1).firing, MANY);
	end(sim);
}

#define BATCH 6
#define PUTS 1500 /* BATCH times this is more than one transaction holds at ease */

TEST(what_many_commands_set_off_together_is_stored_in_as_many_transactions_as_it_takes)
{
	struct sim *sim = begin();
	struct command commands[BATCH], *batch[BATCH];
	struct definition_changes all[BATCH];
	struct definition_change *changes = arena_array(&sim->arena, struct definition_change, BATCH * PUTS);
	for (size_t i = 0; i < BATCH * PUTS; i++)
		changes[i] = (struct definition_change){
			.kind = STR("Service"), .name = arena_printf(&sim->arena, "s%zu", i),
			.spec = STR("{\"tier\":2}"), .manager = STR(DEFINITION_PEOPLE), .expect_revision = -1,
		};
	for (size_t i = 0; i < BATCH; i++) {
		all[i] = (struct definition_changes){ changes + i * PUTS, PUTS };
		commands[i] = (struct command){ .name = "apply", .decide = definition_change_decide,
						.args = &all[i] };
		batch[i] = &commands[i];
	}
	unsigned commits = sim->commits;
	world_run(sim->world, batch, BATCH);
	for (size_t i = 0; i < BATCH; i++)
		CHECK_INT(commands[i].result, OK);
	CHECK_INT(sim->commits - commits, 2);
	CHECK_INT(count(sim, "SELECT count(*) FROM definition WHERE revision = ?", 1), BATCH * PUTS);
	end(sim);
}

TEST(nothing_is_recorded_on_memory_that_could_not_be_read_again)
{
	struct sim *sim = begin();
	define_check(sim, "web", "high");
	sim_check_is(sim, "web", "down");
	sim->world->last_seq += 3; /* of a transaction that failed, and so did reading */
	sim->world->forgotten = true;
	CHECK_INT(act(sim, incident_note_decide, 1, ANN, NULL), OK);
	end(sim);
}

/* ---- what no seed reaches often ---- */

TEST(two_alerts_of_one_batch_that_differ_in_urgency_wake_somebody)
{
	struct sim *sim = begin();
	int64_t mute = 0;
	struct alert_mute_start start = { .kind = STR("service"), .target = STR("shop"),
					  .reason = STR("work"), .duration = TIME_HOUR, .ret_mute = &mute };
	define(sim, "Service", "shop", "{\"tier\":1}");
	define_check(sim, "web", "high");
	define_check(sim, "zeta", "low");
	CHECK_INT(sim_do(sim, ANN, alert_mute_start_decide, &start, NULL), OK);
	sim_check_is(sim, "web", "down"); /* the newest is let out first: the quiet one opens it */
	sim_check_is(sim, "zeta", "down");
	CHECK_INT(sim_do(sim, ANN, alert_mute_end_decide, &mute, NULL), OK);
	CHECK_STR(incident(sim, 1).urgency, "high");
	CHECK_INT(incident(sim, 1).firing, 2);
	CHECK(urgent_pages(sim, 1) > 0);
	end(sim);
}

TESTS(RUN(a_note_taken_back_leaves_a_resolved_incident_resolved),
      RUN(what_others_did_since_is_not_taken_back),
      RUN(an_incident_that_recovered_is_not_opened_by_taking_back_an_old_acknowledgement),
      RUN(what_became_urgent_while_it_was_resolved_is_urgent_when_opened_again),
      RUN(a_slow_page_that_becomes_an_outage_wakes_somebody),
      RUN(an_urgent_check_that_joins_a_quiet_incident_wakes_somebody),
      RUN(what_gets_worse_after_people_ended_it_is_a_new_incident),
      RUN(an_incident_is_open_again_when_more_people_are_asked_for),
      RUN(a_person_nobody_can_reach_is_passed_at_once), RUN(contacts_that_are_gone_do_not_count),
      RUN(who_was_not_told_that_it_began_is_not_told_that_it_is_over),
      RUN(a_page_that_arrives_after_the_end_is_followed_by_it_is_over),
      RUN(the_referee_sees_a_page_that_arrived_after_the_end_and_was_followed_by_nothing),
      RUN(nobody_is_reminded_of_news_between_an_end_and_the_new_plan),
      RUN(news_for_others_does_not_bring_a_reminder_back_before_the_new_plan),
      RUN(who_has_an_incident_is_reminded_of_news),
      RUN(a_wall_that_goes_back_in_a_quiet_hour_delays_nobody),
      RUN(a_machine_that_forgot_the_time_pages_on_and_again_when_it_is_put_right),
      RUN(a_step_that_could_not_be_stored_is_noted_by_the_next_transaction),
      RUN(a_mute_lets_out_all_that_it_held_back_however_many),
      RUN(what_many_commands_set_off_together_is_stored_in_as_many_transactions_as_it_takes),
      RUN(nothing_is_recorded_on_memory_that_could_not_be_read_again),
      RUN(two_alerts_of_one_batch_that_differ_in_urgency_wake_somebody))
