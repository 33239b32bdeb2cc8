/* test_journal_world.c: commands, events, wires, timers, followers, rebuild, proof. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "journal/journal.h"
#include "journal/tree_verify.h"
#include "journal/world.h"
#include "journal/writer.h"
#include "store/test_store.h"

/* A room of its own for these tests: notes of incidents are kept in a versioned table, each
 * opened incident makes a note by a NOW row, and a timer resolves it. */

static const struct store_table note_table = {
	.name = "note",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "incident {id} NOT NULL", "text {text} NOT NULL", "count {int} NOT NULL" },
};

static const struct store_table seen_table = {
	.name = "seen",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "seq {id} NOT NULL" },
};

static enum err apply_note(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_noted *e = event->payload;
	int64_t count;
	enum err r = store_one_int(a->conn, "SELECT count FROM note WHERE incident = ?",
				   STORE_VALUES(STORE_INT(e->incident)), 0, &count, err);
	if (r != OK)
		return r;
	return store_put(a->conn, &note_table, event->seq,
			 STORE_VALUES(STORE_INT(e->incident), STORE_TEXT(e->text), STORE_INT(count + 1)),
			 err);
}

static enum err apply_opened(struct apply *a, const struct event *event, struct error *err)
{
	return timer_set(a, "test.resolve", event->subject, event->event_time + TIME_MINUTE,
			 TIMER_ELAPSED, err);
}

static enum err apply_resolved(struct apply *a, const struct event *event, struct error *err)
{
	return timer_clear(a, "test.resolve", event->subject, err);
}

static bool crash_in_now, fail_in_now;

static enum err note_what_opened(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_incident_opened *e = event->payload;
	if (crash_in_now)
		abort();
	if (fail_in_now)
		return error_set(err, ERR_INVALID, "planted");
	struct event_incident_noted note = { .incident = e->incident, .text = e->title };
	decision_emit(d, EVENT_INCIDENT_NOTED, e->incident, &note);
	return OK;
}

static enum err resolve_when_due(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)err;
	struct event_incident_resolved resolved = {
		.incident = timer->of, .via = STR("recovery"), .reason = STR("time"),
	};
	decision_emit(d, EVENT_INCIDENT_RESOLVED, timer->of, &resolved);
	return OK;
}

static enum err ignore_timer(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)d, (void)timer, (void)err;
	return OK;
}

static int after_failures;
static int64_t after_fails_for; /* this incident, always */

static enum err see(struct apply *a, const struct event *event, struct error *err)
{
	if (event->subject == after_fails_for)
		return error_set(err, ERR_INVALID, "planted");
	if (after_failures > 0) {
		after_failures--;
		return error_set(err, ERR_INVALID, "planted");
	}
	return store_put(a->conn, &seen_table, 0, STORE_VALUES(STORE_INT(event->seq)), err);
}

static const struct store_table *tables[16];
static const struct wire_apply applies[] = {
	{ EVENT_INCIDENT_NOTED, apply_note },
	{ EVENT_INCIDENT_OPENED, apply_opened },
	{ EVENT_INCIDENT_RESOLVED, apply_resolved },
	{ EVENT_CLOCK_STEPPED, journal_apply_clock_stepped },
	{ EVENT_TIMER_PARKED, journal_apply_timer_parked },
	{ 0 },
};
static const struct wire_now nows[] = { { EVENT_INCIDENT_OPENED, "note_what_opened", note_what_opened },
					{ 0 } };
static const struct wire_after afters[] = { { EVENT_INCIDENT_NOTED, "seer", see }, { 0 } };
static const struct wire_timer timers[] = { { "test.resolve", resolve_when_due }, { 0 } };
static const struct wire_timer lazy_timers[] = { { "test.resolve", ignore_timer }, { 0 } };
static struct wiring wiring = { tables, applies, nows, afters, timers };

struct fixture {
	struct store *store;
	struct clock clock;
	struct random random;
	struct flight *flight;
	struct world *world;
	struct store_conn *reader;
};

static const char *scratch(const char *name)
{
	static char path[64];
	snprintf(path, sizeof path, "/tmp/mainstay-test-%d-%s", (int)getpid(), name);
	return path;
}

static void open_world(struct fixture *f, const char *path, const char *flight_path)
{
	struct error err;
	size_t count = 0;
	for (; journal_tables[count] != NULL; count++)
		tables[count] = journal_tables[count];
	tables[count++] = &note_table;
	tables[count++] = &seen_table;
	tables[count] = NULL;
	time_us start;
	CHECK(time_parse(STR("2026-03-08T02:00:00Z"), &start));
	clock_manual(&f->clock, start);
	random_seeded(&f->random, 7);
	test_store_open(path, &f->store);
	CHECK_OK(flight_open(flight_path, true, &f->flight, &err));
	struct world_options options = {
		.name = "test",
		.store = f->store,
		.clock = &f->clock,
		.random = &f->random,
		.wiring = &wiring,
		.flight = f->flight,
	};
	CHECK_OK(world_open(&options, &f->world, &err));
}

static void close_world(struct fixture *f)
{
	world_close(&f->world);
	flight_close(&f->flight);
	store_close(&f->store);
}

static enum err decide_open(struct decision *d, const void *args, struct error *err)
{
	const char *title = args;
	if (title[0] == '\0')
		return error_set(err, ERR_INVALID, "an incident has a title");
	int64_t id = decision_new_id(d, "incident");
	struct event_incident_opened opened = {
		.incident = id, .title = str_of(title), .impact = STR("high"), .urgency = STR("high"),
		.priority = STR("P1"), .why = STR("{}"), .visibility = STR("everyone"),
		.source = STR("person"),
	};
	decision_emit(d, EVENT_INCIDENT_OPENED, id, &opened);
	return OK;
}

static enum err open_incident(struct fixture *f, const char *title)
{
	struct command command = { .name = "open", .decide = decide_open, .args = title };
	struct command *batch[] = { &command };
	world_run(f->world, batch, 1);
	return command.result;
}

static int64_t count_of(struct fixture *f, const char *sql)
{
	struct error err;
	struct store_conn *conn;
	int64_t count;
	CHECK_OK(store_connect(f->store, true, &conn, &err));
	CHECK_OK(store_one_int(conn, sql, STORE_NO_VALUES, 0, &count, &err));
	store_disconnect(&conn);
	return count;
}

TEST(an_event_is_applied_and_sets_off_what_listens_in_one_commit)
{
	struct fixture f;
	const char *path = scratch("apply");
	open_world(&f, path, NULL);
	CHECK_INT(open_incident(&f, "web is down"), OK);
	CHECK_INT(world_last_seq(f.world), 2);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM note WHERE incident = 1"), 1);
	close_world(&f);
	unlink(path);
}

TEST(a_refused_command_leaves_nothing_and_others_of_its_batch_are_kept)
{
	struct fixture f;
	const char *path = scratch("refuse");
	open_world(&f, path, NULL);
	struct command bad = { .name = "open", .decide = decide_open, .args = "" };
	struct command good = { .name = "open", .decide = decide_open, .args = "x" };
	struct command *batch[] = { &bad, &good };
	world_run(f.world, batch, 2);
	CHECK_INT(bad.result, ERR_INVALID);
	CHECK_TEXT(bad.error.text, "an incident has a title");
	CHECK_INT(good.result, OK);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event"), 2);
	close_world(&f);
	unlink(path);
}

TEST(a_timer_fires_when_due_and_moves_with_a_step_of_the_wall)
{
	struct fixture f;
	const char *path = scratch("timer");
	open_world(&f, path, NULL);
	open_incident(&f, "x");
	CHECK(!world_run_timers(f.world));
	clock_step(&f.clock, -TIME_HOUR);
	open_incident(&f, "y"); /* the next batch notices the step */
	clock_advance(&f.clock, 59 * TIME_SECOND);
	CHECK(!world_run_timers(f.world));
	clock_advance(&f.clock, TIME_SECOND);
	CHECK(world_run_timers(f.world));
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event WHERE kind = 'incident.resolved'"), 2);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM timer"), 0);
	close_world(&f);
	unlink(path);
}

TEST(a_timer_whose_rule_does_not_move_it_is_set_aside)
{
	struct fixture f;
	const char *path = scratch("lazy");
	wiring.timers = lazy_timers;
	open_world(&f, path, NULL);
	open_incident(&f, "x");
	clock_advance(&f.clock, TIME_MINUTE);
	CHECK(world_run_timers(f.world));
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event WHERE kind = 'timer.parked'"), 1);
	CHECK(!world_run_timers(f.world));
	close_world(&f);
	unlink(path);
	wiring.timers = timers;
}

TEST(recorded_time_rises_even_when_the_wall_goes_back)
{
	struct fixture f;
	const char *path = scratch("rising");
	open_world(&f, path, NULL);
	for (int i = 0; i < 10; i++) {
		open_incident(&f, "x");
		clock_step(&f.clock, -TIME_MINUTE);
	}
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event a JOIN event b ON b.seq = a.seq + 1 "
			       "WHERE b.recorded_time <= a.recorded_time"),
		  0);
	close_world(&f);
	unlink(path);
}

TEST(a_rebuild_makes_the_same_tables_and_their_history)
{
	struct fixture f;
	struct error err;
	const char *path = scratch("rebuild");
	const char *sum = "SELECT sum(incident * 31 + count * 7 + from_seq * 3 + to_seq) + 1000 * count(*) FROM "
			  "(SELECT incident, count, from_seq, 0 AS to_seq FROM note UNION ALL "
			  "SELECT incident, count, from_seq, to_seq FROM note_h) AS all_notes";
	open_world(&f, path, NULL);
	for (int i = 0; i < 30; i++)
		open_incident(&f, "x");
	clock_advance(&f.clock, TIME_MINUTE);
	while (world_run_timers(f.world))
		;
	int64_t before = count_of(&f, sum);
	CHECK(before > 0);
	CHECK_OK(world_rebuild(f.world, NULL, NULL, &err));
	CHECK_INT(count_of(&f, sum), before);
	close_world(&f);
	unlink(path);
}

TEST(a_follower_sees_every_event_once_also_after_it_failed)
{
	struct fixture f;
	const char *path = scratch("follow");
	open_world(&f, path, NULL);
	for (int i = 0; i < 5; i++)
		open_incident(&f, "x");
	after_failures = 2;
	for (int i = 0; i < 20; i++)
		world_run_followers(f.world);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM seen"), 5);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event WHERE kind = 'wire.parked'"), 0);
	close_world(&f);
	unlink(path);
}

TEST(a_follower_that_fails_three_times_leaves_the_event_out_and_says_so)
{
	struct fixture f;
	const char *path = scratch("follow3");
	open_world(&f, path, NULL);
	open_incident(&f, "x");
	open_incident(&f, "y");
	after_fails_for = 1;
	for (int i = 0; i < 20; i++)
		world_run_followers(f.world);
	after_fails_for = 0;
	CHECK_INT(count_of(&f, "SELECT count(*) FROM seen"), 1);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event WHERE kind = 'wire.parked'"), 1);
	close_world(&f);
	unlink(path);
}

TEST(a_follower_steps_over_what_is_not_its_own_and_writes_nothing)
{
	struct fixture f;
	const char *path = scratch("follow-over");
	open_world(&f, path, NULL);
	open_incident(&f, "x"); /* 1: opened, 2: noted, which is its own */
	while (world_run_followers(f.world))
		;
	clock_advance(&f.clock, TIME_HOUR);
	CHECK(world_run_timers(f.world)); /* 3: resolved */
	CHECK(!world_run_followers(f.world));
	CHECK_INT(count_of(&f, "SELECT seq FROM cursor WHERE name = 'seer'"), 2);
	close_world(&f);
	open_world(&f, path, NULL);
	open_incident(&f, "y");
	while (world_run_followers(f.world))
		;
	CHECK_INT(count_of(&f, "SELECT count(*) FROM seen"), 2);
	close_world(&f);
	unlink(path);
}

TEST(a_wire_that_refuses_is_left_out_and_the_command_stands)
{
	struct fixture f;
	const char *path = scratch("planted");
	fail_in_now = true;
	open_world(&f, path, NULL);
	CHECK_INT(open_incident(&f, "x"), OK);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event WHERE kind = 'wire.parked'"), 1);
	fail_in_now = false;
	close_world(&f);
	unlink(path);
}

static void crash_once(const char *path, const char *flight_path)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct fixture f;
		crash_in_now = true;
		open_world(&f, path, flight_path);
		open_incident(&f, "x");
		_exit(0);
	}
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status));
}

TEST(a_wire_that_ends_the_process_twice_is_left_out_the_third_time)
{
	struct fixture f;
	char flight_path[80];
	const char *path = scratch("crash");
	snprintf(flight_path, sizeof flight_path, "%s-flight", path);
	crash_once(path, flight_path);
	crash_once(path, flight_path);
	crash_in_now = true;
	open_world(&f, path, flight_path);
	CHECK_INT(open_incident(&f, "x"), OK);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM event WHERE kind = 'wire.parked'"), 1);
	crash_in_now = false;
	close_world(&f);
	unlink(path);
	unlink(flight_path);
}

TEST(the_journal_verifies_and_a_changed_byte_is_found)
{
	struct fixture f;
	struct error err;
	struct tree_hash root;
	int64_t size;
	const char *path = scratch("verify");
	open_world(&f, path, NULL);
	for (int i = 0; i < 20; i++)
		open_incident(&f, "x");
	struct store_conn *conn;
	CHECK_OK(store_connect(f.store, false, &conn, &err));
	CHECK_OK(journal_verify(conn, NULL, NULL, &size, &root, &err));
	CHECK_INT(size, 40);
	CHECK_OK(store_exec(conn, "UPDATE event SET payload = replace(payload, 'P1', 'P2') WHERE seq = 7",
			    STORE_NO_VALUES, &err));
	CHECK_ERR(journal_verify(conn, NULL, NULL, &size, &root, &err), ERR_CORRUPT);
	CHECK_TEXT(err.text, "event 7 is not what was recorded");
	CHECK_OK(store_exec(conn, "UPDATE event SET payload = replace(payload, 'P2', 'P1') WHERE seq = 7",
			    STORE_NO_VALUES, &err));
	CHECK_OK(store_exec(conn, "DELETE FROM event WHERE seq = 12", STORE_NO_VALUES, &err));
	CHECK_ERR(journal_verify(conn, NULL, NULL, &size, &root, &err), ERR_CORRUPT);
	CHECK_TEXT(err.text, "event 12 is missing from the journal");
	store_disconnect(&conn);
	close_world(&f);
	unlink(path);
}

TEST(the_same_seed_gives_the_same_root)
{
	struct tree_hash roots[2];
	for (int round = 0; round < 2; round++) {
		struct fixture f;
		struct error err;
		int64_t size;
		const char *path = scratch("root");
		open_world(&f, path, NULL);
		for (int i = 0; i < 10; i++)
			open_incident(&f, "x");
		struct store_conn *conn;
		CHECK_OK(store_connect(f.store, true, &conn, &err));
		CHECK_OK(journal_verify(conn, NULL, NULL, &size, &roots[round], &err));
		store_disconnect(&conn);
		close_world(&f);
		unlink(path);
	}
	CHECK(tree_hash_eq(&roots[0], &roots[1]));
}

TEST(a_world_that_is_opened_again_goes_on_where_it_was)
{
	struct fixture f;
	struct error err;
	struct tree_hash root;
	int64_t size;
	const char *path = scratch("again");
	for (int i = 0; i < 3; i++) {
		open_world(&f, path, NULL);
		open_incident(&f, "x");
		close_world(&f);
	}
	open_world(&f, path, NULL);
	struct store_conn *conn;
	CHECK_OK(store_connect(f.store, true, &conn, &err));
	CHECK_OK(journal_verify(conn, NULL, NULL, &size, &root, &err));
	CHECK_INT(size, 6);
	CHECK_INT(count_of(&f, "SELECT max(incident) FROM note"), 3);
	store_disconnect(&conn);
	close_world(&f);
	unlink(path);
}

static void *submit_many(void *context)
{
	struct writer *writer = context;
	for (int i = 0; i < 50; i++) {
		struct command command = { .name = "open", .decide = decide_open, .args = "x" };
		struct error err;
		CHECK_OK(writer_run(writer, &command, &err));
		CHECK(command.seq > 0);
	}
	return NULL;
}

TEST(many_threads_share_the_writer_and_each_gets_its_answer_after_commit)
{
	struct fixture f;
	struct error err;
	struct writer *writer;
	pthread_t threads[8];
	const char *path = scratch("many");
	open_world(&f, path, NULL);
	CHECK_OK(writer_start(f.world, &writer, &err));
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, submit_many, writer);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	writer_stop(&writer);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM note"), 400);
	CHECK_INT(count_of(&f, "SELECT count(*) FROM seen"), 400);
	close_world(&f);
	unlink(path);
}

TESTS(RUN(an_event_is_applied_and_sets_off_what_listens_in_one_commit),
      RUN(a_refused_command_leaves_nothing_and_others_of_its_batch_are_kept),
      RUN(a_timer_fires_when_due_and_moves_with_a_step_of_the_wall),
      RUN(a_timer_whose_rule_does_not_move_it_is_set_aside),
      RUN(recorded_time_rises_even_when_the_wall_goes_back),
      RUN(a_rebuild_makes_the_same_tables_and_their_history),
      RUN(a_follower_sees_every_event_once_also_after_it_failed),
      RUN(a_follower_that_fails_three_times_leaves_the_event_out_and_says_so),
      RUN(a_follower_steps_over_what_is_not_its_own_and_writes_nothing),
      RUN(a_wire_that_refuses_is_left_out_and_the_command_stands),
      RUN(a_wire_that_ends_the_process_twice_is_left_out_the_third_time),
      RUN(the_journal_verifies_and_a_changed_byte_is_found), RUN(the_same_seed_gives_the_same_root),
      RUN(a_world_that_is_opened_again_goes_on_where_it_was),
      RUN(many_threads_share_the_writer_and_each_gets_its_answer_after_commit))
