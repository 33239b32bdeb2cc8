/*
 * test_sim_wires.c: an assert in any row of the wiring still lets pages out.
 *
 * For each NOW row and each timer of the production wiring: a server whose row ends the process for one
 * thing (check "a", incident 1, mute 1, ...) is started three times on the same files. Twice it ends;
 * the third time it leaves the row out for that thing, says so in the record, and a check "b" that
 * breaks is paged for as ever.
 *
 * A new row of the wiring needs a row in `triggers` or `timer_triggers` below, if there is none that sets it off.
 */
#include "alert/alert.h"
#include "alert/alert_integration.h"
#include "comms/comms_maintenance.h"
#include "comms/comms_report.h"
#include "comms/comms_subscriber.h"
#include "guard/guard.h"
#include "incident/incident.h"
#include "main/wiring.h"
#include "monitor/monitor.h"
#include "notify/notify.h"
#include "notify/notify_bulk.h"
#include "review/review.h"
#include "sim_test.h"

#define ANN 1
#define INCIDENT 1

static const char *const check_spec =
	"{\"kind\":\"tcp\",\"host\":\"shop.example.com\",\"port\":443,\"urgency\":\"high\"}";

static int64_t one(struct sim *sim, const char *sql)
{
	int64_t value = 0;
	enum err r = store_one_int(sim->reader, sql, STORE_NO_VALUES, 0, &value, &sim->err);
	return r == OK ? value : -1;
}

/* ---- before: what must be there; it may be there already from the run before ---- */

static void begin(struct sim *sim)
{
	int64_t id;
	struct guard_user_create ann = { STR("ann@example.com"), STR("Ann"), ROLE_ADMIN, &id };
	if (sim->referee->kinds[EVENT_USER_CREATED] == 0)
		sim_do(sim, 0, guard_decide_user_create, &ann, NULL);
}

static void defined(struct sim *sim)
{
	sim_define(sim, "Check", "a", check_spec);
	sim_define(sim, "Check", "b", check_spec);
}

static void a_is_down(struct sim *sim)
{
	sim_check_is(sim, "a", "down");
}

static void a_is_down_and_resolved(struct sim *sim)
{
	struct incident_act act = { .incident = INCIDENT, .user = ANN, .via = STR("ui") };
	sim_check_is(sim, "a", "down");
	sim_do(sim, ANN, incident_resolve_decide, &act, NULL);
}

static void a_is_taken(struct sim *sim)
{
	struct incident_act act = { .incident = INCIDENT, .user = ANN, .via = STR("ui") };
	sim_check_is(sim, "a", "down");
	sim_do(sim, ANN, incident_acknowledge_decide, &act, NULL);
}

static void a_is_muted(struct sim *sim)
{
	struct alert_mute_start start = { .kind = STR("check"), .target = STR("a"), .reason = STR("work"),
					  .duration = TIME_HOUR };
	if (one(sim, "SELECT count(*) FROM mute") == 0)
		sim_do(sim, ANN, alert_mute_start_decide, &start, NULL);
	sim_check_is(sim, "a", "down");
}

static void nothing(struct sim *sim)
{
	(void)sim;
}

/* ---- the act that sets the row off ---- */

static void a_breaks(struct sim *sim)
{
	sim_check_is(sim, "a", "down");
}

static void a_recovers(struct sim *sim)
{
	sim_check_is(sim, "a", "up");
}

static void act_on_incident(struct sim *sim, decide_fn *decide)
{
	struct incident_act act = { .incident = INCIDENT, .user = ANN, .via = STR("ui"),
				    .urgency = STR("low") };
	act.seq = one(sim, "SELECT max(seq) FROM event WHERE kind = 'incident.acknowledged'");
	sim_do(sim, ANN, decide, &act, NULL);
}

static void acknowledge(struct sim *sim)
{
	act_on_incident(sim, incident_acknowledge_decide);
}

static void resolve(struct sim *sim)
{
	act_on_incident(sim, incident_resolve_decide);
}

static void reopen(struct sim *sim)
{
	act_on_incident(sim, incident_reopen_decide);
}

static void set_priority(struct sim *sim)
{
	act_on_incident(sim, incident_priority_decide);
}

static void undo(struct sim *sim)
{
	act_on_incident(sim, incident_undo_decide);
}

static void escalate(struct sim *sim)
{
	int64_t incident = INCIDENT;
	sim_do(sim, ANN, paging_escalate_decide, &incident, NULL);
}

static void unmute(struct sim *sim)
{
	int64_t mute = 1;
	sim_do(sim, ANN, alert_mute_end_decide, &mute, NULL);
}

static void pause_a(struct sim *sim)
{
	struct monitor_pause pause = { STR("a"), STR("work") };
	sim_do(sim, ANN, monitor_pause_decide, &pause, NULL);
}

static void delete_a(struct sim *sim)
{
	sim_define(sim, "Check", "a", NULL);
}

static void invite(struct sim *sim)
{
	struct guard_user_create bob = { STR("bob@example.com"), STR("Bob"), ROLE_RESPONDER, &(int64_t){ 0 } };
	sim_do(sim, 0, guard_decide_user_create, &bob, NULL);
}

static void test_page(struct sim *sim)
{
	struct paging_contact_ref ref = { 1 };
	sim_do(sim, ANN, paging_test_page_decide, &ref, NULL);
}

static void page_arrives(struct sim *sim)
{
	struct notify_attempt attempt = {
		.incident = INCIDENT, .took = TIME_SECOND, .state = STR("sent"), .detail = STR("250 taken"),
		.page = one(sim, "SELECT min(page) FROM outbox"),
	};
	sim_do(sim, 0, notify_attempt_decide, &attempt, NULL);
}

static void step_clock(struct sim *sim)
{
	clock_step(&sim->clock, -TIME_HOUR);
	world_run_timers(sim->world);
}

static void wait_for(struct sim *sim, time_us span)
{
	clock_advance(&sim->clock, span);
	for (int i = 0; i < 100 && world_run_timers(sim->world); i++)
		;
}

static void wait_for_timer(struct sim *sim)
{
	wait_for(sim, 2 * TIME_HOUR);
}

static void wait_a_month(struct sim *sim)
{
	wait_for(sim, 30 * TIME_DAY);
}

static void wait_a_year(struct sim *sim)
{
	wait_for(sim, 365 * TIME_DAY);
}

static void shop_is_there(struct sim *sim)
{
	sim_define(sim, "Service", "shop", "{\"tier\":1,\"customers\":true,\"impact\":\"high\"}");
}

static void shop_is_down(struct sim *sim)
{
	struct incident_open open = {
		.title = STR("The shop is closed"), .service = STR("shop"), .impact = STR("high"),
		.urgency = STR("high"), .source = STR("people"), .ret_incident = &(int64_t){ 0 },
	};
	shop_is_there(sim);
	if (one(sim, "SELECT count(*) FROM incident") == 0)
		sim_do(sim, ANN, incident_open_decide, &open, NULL);
}

/* ---- alerts of another program: two that come and go together ---- */

static void tell_two(struct sim *sim, bool over)
{
	static const char *const names[] = { "one", "two" };
	struct alert_signal signals[2];
	struct alert_post post = { .signals = signals, .count = 2, .source = "alertmanager",
				   .at = { sim_wall(sim), sim_boot(sim) } };
	char ends[TIME_TEXT_BYTES];
	time_format(sim_wall(sim) - TIME_SECOND, ends);
	for (size_t i = 0; i < 2; i++) {
		struct alert_pair *labels = arena_array(&sim->arena, struct alert_pair, 3);
		labels[0] = (struct alert_pair){ STR("alertname"), str_of(names[i]) };
		labels[1] = (struct alert_pair){ STR("service"), STR("shop") };
		labels[2] = (struct alert_pair){ STR("severity"), STR("critical") };
		struct alert_posted posted = {
			.labels = labels, .label_count = 3, .labelled = true,
			.starts = STR("2026-01-01T00:00:00Z"), .ends = over ? str_of(ends) : STR_NONE,
		};
		CHECK_INT(alert_signal_from(&posted, sim_wall(sim), &sim->arena, &signals[i], &sim->err), OK);
	}
	sim_do(sim, 0, alert_post_decide, &post, NULL);
}

static void two_fire(struct sim *sim)
{
	shop_is_there(sim);
	tell_two(sim, false);
}

static void two_are_over(struct sim *sim)
{
	tell_two(sim, true);
}

static void another_program_is_known(struct sim *sim)
{
	char key[GUARD_ROUTING_BYTES];
	struct alert_integration_make make = { STR("Datadog"), STR("shop"), &(int64_t){ 0 }, key };
	shop_is_there(sim);
	if (one(sim, "SELECT count(*) FROM integration") == 0)
		sim_do(sim, ANN, alert_integration_make_decide, &make, NULL);
}

static void revoke_its_key(struct sim *sim)
{
	struct alert_integration_revoke revoke = { 1 };
	sim_do(sim, ANN, alert_integration_revoke_decide, &revoke, NULL);
}

/* ---- people outside ---- */

static void receive(struct sim *sim)
{
	struct report_receive report = {
		.text = STR("I cannot pay"), .service = STR("shop"), .severity = STR("stopped"), .source = STR("form"),
		.email = STR("customer@example.org"), .since = TIME_NONE,
		.ret_report = &(int64_t){ 0 }, .ret_dropped = &(bool){ false },
	};
	sim_do(sim, 0, report_receive_decide, &report, NULL);
}

static void a_report_is_answered(struct sim *sim)
{
	struct report_act accept = { .report = 1 };
	struct report_sender_act confirm = { 1, REPORT_CONFIRM };
	struct incident_act act = { .incident = INCIDENT, .user = ANN, .via = STR("ui") };
	shop_is_there(sim);
	if (one(sim, "SELECT count(*) FROM report") > 0)
		return;
	receive(sim);
	sim_do(sim, 0, report_sender_decide, &confirm, NULL);
	sim_do(sim, ANN, report_accept_decide, &accept, NULL);
	sim_do(sim, ANN, incident_resolve_decide, &act, NULL);
}

static void a_report_is_there(struct sim *sim)
{
	shop_is_there(sim);
	if (one(sim, "SELECT count(*) FROM report") == 0)
		receive(sim);
}

static void say_not_fixed(struct sim *sim)
{
	struct report_sender_act act = { 1, REPORT_NOT_FIXED };
	sim_do(sim, 0, report_sender_decide, &act, NULL);
}

static void subscribe(struct sim *sim)
{
	struct subscriber_add add = { .channel = STR("email"), .address = STR("reader@example.org"),
				      .components = STR("[]"), .source = STR("form") };
	if (one(sim, "SELECT count(*) FROM subscriber") == 0)
		sim_do(sim, 0, subscriber_add_decide, &add, NULL);
}

/* The confirm mail comes back: the address is none. */
static void refuse_mail(struct sim *sim)
{
	struct notify_bulk_end end = {
		.state = STR("failed"), .detail = STR("550 nobody of that name"), .party = 1, .refused = true,
		.purpose = STR("confirm"),
	};
	store_one_int(sim->reader, "SELECT seq FROM bulk WHERE purpose = 'confirm'", STORE_NO_VALUES, 0, &end.seq,
		      &sim->err);
	sim_do(sim, 0, notify_bulk_end_decide, &end, NULL);
}

static void post_update(struct sim *sim)
{
	struct comms_post post = {
		.incident = INCIDENT, .audience = COMMS_CUSTOMERS, .state = STR("investigating"),
		.title = STR("Problem with the shop"), .text = STR("Since noon nobody can pay."), .next_at = TIME_NONE,
		.ret_update = &(int64_t){ 0 },
	};
	shop_is_down(sim);
	if (one(sim, "SELECT count(*) FROM comms_update") == 0)
		sim_do(sim, ANN, comms_post_decide, &post, NULL);
}

static void plan_work(struct sim *sim)
{
	struct comms_maintenance_put put = {
		.title = STR("New disks"), .text = STR("Receipts come later."), .services = STR("[\"shop\"]"),
		.from = sim_wall(sim) + 90 * TIME_MINUTE, .until = sim_wall(sim) + 3 * TIME_HOUR, .is_public = true,
		.ret_maintenance = &(int64_t){ 0 },
	};
	shop_is_there(sim);
	if (one(sim, "SELECT count(*) FROM maintenance") == 0)
		sim_do(sim, ANN, comms_maintenance_put_decide, &put, NULL);
}

static void set_status(struct sim *sim)
{
	struct comms_override_put put = { STR("shop"), STR("degraded_performance"), STR("we look into it"),
					  10 * TIME_MINUTE, &(int64_t){ 0 } };
	shop_is_there(sim);
	if (one(sim, "SELECT count(*) FROM component_override") == 0)
		sim_do(sim, ANN, comms_override_decide, &put, NULL);
}

/* ---- learning ---- */

static void a_review_is_begun(struct sim *sim)
{
	struct review_start start = { INCIDENT, ANN };
	if (one(sim, "SELECT count(*) FROM review") > 0)
		return;
	a_is_down_and_resolved(sim);
	sim_do(sim, ANN, review_start_decide, &start, NULL);
}

static void an_action_is_agreed(struct sim *sim)
{
	struct review_action_put put = {
		.action = { .incident = INCIDENT, .owner = ANN, .text = STR("alert on the disk"), .state = STR("open"),
			    .due = sim_wall(sim) + TIME_DAY },
		.ret_action = &(int64_t){ 0 },
	};
	a_review_is_begun(sim);
	if (one(sim, "SELECT count(*) FROM review_action") == 0)
		sim_do(sim, ANN, review_action_put_decide, &put, NULL);
}

static const struct trigger {
	enum event_kind kind;
	void (*before)(struct sim *sim);
	void (*act)(struct sim *sim);
} triggers[] = {
	{ EVENT_CHECK_CHANGED, nothing, a_breaks },
	{ EVENT_ALERT_BATCH, nothing, a_breaks },
	{ EVENT_INCIDENT_OPENED, nothing, a_breaks },
	{ EVENT_ESCALATION_MOVED, nothing, a_breaks },
	{ EVENT_INCIDENT_ALERT_ENDED, a_is_down, a_recovers },
	{ EVENT_INCIDENT_ACKNOWLEDGED, a_is_down, acknowledge },
	{ EVENT_INCIDENT_RESOLVED, a_is_down, resolve },
	{ EVENT_INCIDENT_REOPENED, a_is_down_and_resolved, reopen },
	{ EVENT_INCIDENT_PRIORITY_SET, a_is_down, set_priority },
	{ EVENT_INCIDENT_UNDONE, a_is_taken, undo },
	{ EVENT_ESCALATION_REQUESTED, a_is_down, escalate },
	{ EVENT_MUTE_ENDED, a_is_muted, unmute },
	{ EVENT_CHECK_PAUSED, a_is_down, pause_a },
	{ EVENT_DEFINITION_DELETED, a_is_down, delete_a },
	{ EVENT_USER_CREATED, nothing, invite },
	{ EVENT_PAGE_TESTED, nothing, test_page },
	{ EVENT_CLOCK_STEPPED, nothing, step_clock },
	{ EVENT_PAGE_ATTEMPTED, a_is_down, page_arrives },
	{ EVENT_INCIDENT_ALERTS_ENDED, two_fire, two_are_over },
	{ EVENT_INTEGRATION_REVOKED, another_program_is_known, revoke_its_key },
	{ EVENT_REPORT_RECEIVED, shop_is_there, receive },
	{ EVENT_REPORT_VERDICT, a_report_is_answered, say_not_fixed },
	{ EVENT_MAIL_REFUSED, subscribe, refuse_mail },
};

static const struct timer_trigger {
	const char *timer;
	struct trigger trigger;
} timer_triggers[] = {
	{ PAGING_TIMER, { .before = a_is_down, .act = wait_for_timer } },
	{ ALERT_MUTE_TIMER, { .before = a_is_muted, .act = wait_for_timer } },
	{ REVIEW_TIMER, { .before = a_review_is_begun, .act = wait_a_month } },
	{ REVIEW_ACTION_TIMER, { .before = an_action_is_agreed, .act = wait_a_month } },
	{ COMMS_PUBLISH_TIMER, { .before = post_update, .act = wait_for_timer } },
	{ COMMS_PLAN_TIMER, { .before = shop_is_down, .act = wait_for_timer } },
	{ COMMS_WATCH_TIMER, { .before = shop_is_down, .act = wait_for_timer } },
	{ COMMS_MAINTENANCE_TIMER, { .before = plan_work, .act = wait_for_timer } },
	{ COMMS_NOTICE_TIMER, { .before = plan_work, .act = wait_for_timer } },
	{ COMMS_RELEASE_TIMER, { .before = set_status, .act = wait_for_timer } },
	{ REPORT_KEEP_TIMER, { .before = a_report_is_there, .act = wait_a_year } },
	{ REPORT_CONFIRM_TIMER, { .before = a_report_is_there, .act = wait_a_month } },
	{ SUBSCRIBER_MAIL_TIMER, { .before = post_update, .act = wait_for_timer } },
	{ SUBSCRIBER_WORK_TIMER, { .before = plan_work, .act = wait_for_timer } },
	{ SUBSCRIBER_CONFIRM_TIMER, { .before = subscribe, .act = wait_a_month } },
};

static const struct trigger *trigger_for_timer(const char *timer)
{
	for (size_t i = 0; i < sizeof timer_triggers / sizeof timer_triggers[0]; i++) {
		if (strcmp(timer_triggers[i].timer, timer) == 0)
			return &timer_triggers[i].trigger;
	}
	return NULL;
}

static const struct trigger *trigger_for(enum event_kind kind)
{
	for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
		if (triggers[i].kind == kind)
			return &triggers[i];
	}
	return NULL;
}

/* ---- one start of the server ---- */

struct start {
	const char *row;
	const struct trigger *trigger;
	char path[64], flight[64];
};

static bool is_parked(struct sim *sim, const char *row)
{
	int64_t count = 0;
	enum err r = store_one_int(sim->reader,
				   "SELECT count(*) FROM event WHERE kind IN ('wire.parked', 'timer.parked') "
				   "AND instr(payload, ?) > 0",
				   STORE_VALUES(STORE_TEXT(str_of(row))), 0, &count, &sim->err);
	return r == OK && count > 0;
}

/* Check "b" breaks: its incident is paged for. */
static bool b_is_paged_for(struct sim *sim)
{
	int64_t before = one(sim, "SELECT count(*) FROM page");
	sim_check_is(sim, "b", "down");
	int64_t incident = one(sim, "SELECT max(id) FROM incident WHERE cause = 'b'");
	int64_t paged = 0;
	if (store_one_int(sim->reader, "SELECT count(*) FROM outbox WHERE incident = ?",
			  STORE_VALUES(STORE_INT(incident)), 0, &paged, &sim->err) != OK)
		return false;
	return incident > 0 && paged > 0 && one(sim, "SELECT count(*) FROM page") > before;
}

static void serve_once(const void *args, struct found *found)
{
	const struct start *start = args;
	tap_reset();
	struct sim *sim = sim_open(&(struct sim_options){ .seed = 1, .path = start->path,
							  .flight_path = start->flight });
	begin(sim);
	defined(sim);
	start->trigger->before(sim);
	tap.ends_in = start->row;
	tap.armed = true;
	start->trigger->act(sim);
	tap.armed = false;
	bool parked = is_parked(sim, start->row), paged = b_is_paged_for(sim);
	found->flag = parked && paged;
	snprintf(found->story, sizeof found->story, "it was %srecorded as left out, check b was %spaged for",
		 parked ? "" : "not ", paged ? "" : "not ");
	sim_close(&sim);
}

static void remove_files(const struct start *start)
{
	char path[80];
	unlink(start->path);
	unlink(start->flight);
	snprintf(path, sizeof path, "%s-wal", start->path);
	unlink(path);
	snprintf(path, sizeof path, "%s-shm", start->path);
	unlink(path);
}

static void check_row(const char *row, const struct trigger *trigger)
{
	struct found *found = found_make();
	struct start start = { .row = row, .trigger = trigger };
	snprintf(start.path, sizeof start.path, "/tmp/mainstay-wires-%d.db", (int)getpid());
	snprintf(start.flight, sizeof start.flight, "/tmp/mainstay-wires-%d.flight", (int)getpid());
	remove_files(&start);
	for (int i = 0; i < 2; i++) {
		if (found_run(serve_once, &start, found))
			fail_msg("%s did not run, so it could not end the server: %s", row, found->story);
	}
	bool over = found_run(serve_once, &start, found);
	if (!over || !found->flag)
		fail_msg("after %s had ended the server twice, %s", row,
			 over ? found->story : "it ended a third time");
	remove_files(&start);
	found_free(found);
}

TEST(an_assert_in_any_rule_still_lets_pages_out)
{
	size_t rows = 0;
	for (const struct wire_now *row = wiring.nows; row->now != NULL; row++, rows++) {
		const struct trigger *trigger = trigger_for(row->kind);
		if (trigger == NULL)
			fail_msg("nothing here sets off %s; see the top of this file", row->name);
		check_row(row->name, trigger);
	}
	CHECK(rows > 10);
}

TEST(an_assert_in_any_timer_still_lets_pages_out)
{
	size_t rows = 0;
	for (const struct wire_timer *row = wiring.timers; row->due != NULL; row++) {
		const struct trigger *trigger = trigger_for_timer(row->name);
		if (trigger == NULL)
			fail_msg("nothing here sets off the timer %s; see the top of this file", row->name);
		check_row(row->name, trigger);
		rows++;
	}
	CHECK(rows >= 2);
}

/* Two branches that each wire the same function make a row that runs twice. */
TEST(no_row_of_the_wiring_stands_twice)
{
	for (const struct wire_now *a = wiring.nows; a->now != NULL; a++) {
		for (const struct wire_now *b = a + 1; b->now != NULL; b++) {
			if (a->kind == b->kind && a->now == b->now)
				fail_msg("%s stands twice", a->name);
		}
	}
	for (const struct wire_apply *a = wiring.applies; a->apply != NULL; a++) {
		for (const struct wire_apply *b = a + 1; b->apply != NULL; b++) {
			if (a->kind == b->kind && a->apply == b->apply)
				fail_msg("an apply of %s stands twice", event_kinds[a->kind].name);
		}
	}
}

TESTS(RUN(no_row_of_the_wiring_stands_twice), RUN(an_assert_in_any_rule_still_lets_pages_out), RUN(an_assert_in_any_timer_still_lets_pages_out))
