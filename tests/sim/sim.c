/* sim.c: the life of a simulated world: opening, commands, time, crashes. See sim.h. */
#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/log.h"
#include "base/mem.h"
#include "guard/guard.h"
#include "journal/journal.h"
#include "monitor/monitor.h"
#include "notify/notify_priv.h"
#include "resource/definition.h"
#include "sim_tap.h"

#define DATABASE "sim.db"
#define REFEREE_BACKOFF_MAX (5 * TIME_MINUTE)
#define TRIES_MAX 4

bool sim_chance(struct sim *sim, unsigned percent)
{
	return random_below(&sim->dice, 100) < percent;
}

uint64_t sim_below(struct sim *sim, uint64_t bound)
{
	return random_below(&sim->dice, bound);
}

time_us sim_wall(struct sim *sim)
{
	return clock_wall(&sim->clock);
}

time_us sim_boot(struct sim *sim)
{
	return clock_since_boot(&sim->clock);
}

bool sim_is_well(const struct sim *sim)
{
	return sim->story[0] == '\0' && sim->referee->wrong[0] == '\0';
}

void sim_wrong(struct sim *sim, const char *format, ...)
{
	va_list args;
	char text[700], at[TIME_TEXT_BYTES];
	if (sim->story[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	time_format(sim_wall(sim), at);
	snprintf(sim->story, sizeof sim->story, "seed %llu, step %u (%s), %s, event %lld: %s",
		 (unsigned long long)sim->options.seed, sim->step, sim->act, at,
		 (long long)sim->referee->last_seq, text);
}

/* ---- opening ---- */

static void see(struct sim *sim, const struct event *event)
{
	char at[TIME_TEXT_BYTES];
	referee_see(sim->referee, event, sim_boot(sim));
	if (!sim->options.tell)
		return;
	time_format(event->event_time, at);
	printf("%lld %s by %lld %s %lld " STR_FMT "\n", (long long)event->seq, at, (long long)event->actor,
	       event_kinds[event->kind].name, (long long)event->subject, STR_ARG(event->json));
}

static void committed(void *context, const struct event *const *events, size_t count)
{
	struct sim *sim = context;
	sim->commits++;
	for (size_t i = 0; i < count; i++)
		see(sim, events[i]);
	referee_batch(sim->referee, sim_boot(sim));
}

static void tried(void *context, const struct error *failure)
{
	struct sim *sim = context;
	sim->store_failed = failure != NULL;
}

static void settle_alerts(const void *book, bool stored)
{
	alert_book_settle((struct alert_book *)book, stored);
}

static enum err open_world(struct sim *sim)
{
	struct store_options store = {
		.path = sim->options.path != NULL ? sim->options.path : DATABASE,
		.vfs = sim->disk != NULL ? sim->disk_name : NULL,
	};
	struct world_options options = {
		.rooms = sim->rooms,
		.name = "simulated",
		.clock = &sim->clock,
		.random = &sim->world_dice,
		.wiring = tap_wiring(),
		.committed = committed,
		.committed_context = sim,
		.tried = tried,
		.tried_context = sim,
	};
	sim->alerts = alert_book_create();
	sim->rooms[1] = (struct world_room){ ALERT_ROOM, sim->alerts, settle_alerts };
	enum err r = store_open("sqlite", &store, &sim->store, &sim->err);
	if (r == OK && sim->options.flight_path != NULL)
		r = flight_open(sim->options.flight_path, true, &sim->flight, &sim->err);
	options.store = sim->store;
	options.flight = sim->flight;
	if (r == OK)
		r = world_open(&options, &sim->world, &sim->err);
	if (r == OK)
		r = store_connect(sim->store, true, &sim->reader, &sim->err);
	if (r == OK)
		r = alert_book_load(sim->alerts, sim->reader, (struct alert_instant){ sim_wall(sim), sim_boot(sim) },
				    &sim->err);
	return r;
}

static void close_world(struct sim *sim)
{
	store_disconnect(&sim->reader);
	world_close(&sim->world);
	alert_book_destroy(&sim->alerts);
	flight_close(&sim->flight);
	store_close(&sim->store);
}

/* A power cut can strike while the world opens; then it opens again. */
static void open_until_it_is(struct sim *sim)
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		if (open_world(sim) == OK)
			return;
		close_world(sim);
		if (sim->disk != NULL)
			vfs_fault_crash(sim->disk, DISK_CRASH_DROP);
	}
	sim_wrong(sim, "the server does not start: %s", sim->err.text);
	fprintf(stderr, "%s\n", sim->story);
	abort();
}

static bool see_again(void *context, const struct event *event)
{
	struct sim *sim = context;
	see(sim, event);
	return true;
}

/* What was committed and told to nobody: the power went before the answer. */
static void catch_up(struct sim *sim)
{
	enum err r = OK;
	while (r == OK && sim->referee->last_seq < world_last_seq(sim->world)) {
		struct journal_filter filter = { .after_seq = sim->referee->last_seq, .limit = 500 };
		r = journal_read(sim->reader, &filter, &sim->arena, see_again, sim, &sim->err);
	}
	if (r != OK)
		sim_wrong(sim, "the journal cannot be read: %s", sim->err.text);
	referee_batch(sim->referee, sim_boot(sim));
}

static uint64_t runs; /* for the planted dice alone */

static void seed_all(struct sim *sim)
{
	static const char *const days[] = { "2026-03-07T20:00:00Z", "2026-03-28T22:30:00Z",
					    "2026-10-24T21:00:00Z", "2026-10-31T23:00:00Z",
					    "2026-04-04T12:00:00Z", "2026-07-01T08:00:00Z" };
	time_us start;
	random_seeded(&sim->dice, sim->options.seed * 3 + 1);
	random_seeded(&sim->world_dice, sim->options.seed * 3 + 2);
	random_seeded(&sim->disk_dice, sim->options.seed * 3 + 3);
	if (sim->options.plant == SIM_PLANT_OTHER_DICE)
		random_seeded(&sim->world_dice, ++runs);
	bool parsed = time_parse(str_of(days[sim_below(sim, sizeof days / sizeof days[0])]), &start);
	assert(parsed);
	clock_manual(&sim->clock, start + (time_us)sim_below(sim, 3600) * TIME_SECOND);
	clock_advance(&sim->clock, 0);
}

static void plant_in_tap(enum sim_plant plant)
{
	tap.impure = plant == SIM_PLANT_IMPURE;
	tap.unhistoric = plant == SIM_PLANT_UNHISTORIC;
	tap.endless = plant == SIM_PLANT_ENDLESS;
	if (plant == SIM_PLANT_NO_PAGE)
		tap.left_out = "paging_on_opened";
	if (plant == SIM_PLANT_NO_STOP)
		tap.left_out = "paging_on_resolved";
	if (plant == SIM_PLANT_LATE_PAGE || plant == SIM_PLANT_STRANGER)
		tap.stray = plant == SIM_PLANT_LATE_PAGE ? "step" : "resolved";
	if (plant == SIM_PLANT_OLD_OUTBOX)
		tap.left_out = "notify_on_clock_stepped";
	if (plant == SIM_PLANT_NO_LAPSE)
		tap.left_out = "incident_after_escalation";
}

struct sim *sim_open(const struct sim_options *options)
{
	struct sim *sim = mem_alloc(sizeof *sim);
	sim->options = *options;
	sim->act = "opening";
	sim->referee = mem_alloc(sizeof *sim->referee);
	arena_init(&sim->arena, 512u << 20);
	seed_all(sim);
	plant_in_tap(options->plant);
	for (int i = 0; i < SIM_CHECKS; i++)
		sim->reality[i] = "up";
	if (options->path == NULL) {
		snprintf(sim->disk_name, sizeof sim->disk_name, "sim-%p", (void *)sim);
		sim->disk = vfs_fault_create(sim->disk_name, &sim->disk_dice, &sim->clock);
	}
	sim->zones = zones_create(NULL);
	sim->oncall = (struct paging_room){ sim->zones, "https://mainstay.example.com" };
	sim->rooms[0] = (struct world_room){ "oncall", &sim->oncall };
	open_until_it_is(sim);
	catch_up(sim);
	return sim;
}

void sim_close(struct sim **sim)
{
	if (*sim == NULL)
		return;
	close_world(*sim);
	vfs_fault_destroy(&(*sim)->disk);
	zones_destroy(&(*sim)->zones);
	arena_finish(&(*sim)->arena);
	mem_free((*sim)->referee);
	mem_free(*sim);
	*sim = NULL;
}

/* ---- the server ends and begins ---- */

static void begin_again(struct sim *sim, int64_t tried)
{
	open_until_it_is(sim);
	referee_begin_again(sim->referee, sim_wall(sim), sim_boot(sim));
	sim->flight_count = 0; /* the channels' answers are lost with the process */
	sim->restarts++;
	sim_check_kept(sim, tried);
	catch_up(sim);
}

void sim_restart(struct sim *sim, time_us down, time_us back)
{
	close_world(sim);
	clock_advance(&sim->clock, down);
	clock_step(&sim->clock, -back);
	begin_again(sim, sim->referee->last_seq);
	sim_settle(sim);
}

void sim_power_cut(struct sim *sim, enum disk_crash mode)
{
	assert(sim->disk != NULL);
	int64_t tried = tap.tried_seq;
	vfs_fault_power_off(sim->disk);
	close_world(sim);
	vfs_fault_crash(sim->disk, mode);
	clock_advance(&sim->clock, (time_us)sim_below(sim, 120) * TIME_SECOND);
	sim->cuts++;
	begin_again(sim, tried);
}

/* The planned fault struck: was it the power? What is open may still answer from memory. */
static bool power_has_gone(struct sim *sim)
{
	struct error err;
	struct store_conn *conn;
	if (sim->disk == NULL || !vfs_fault_happened(sim->disk))
		return false;
	enum err r = store_connect(sim->store, true, &conn, &err);
	if (r == OK)
		store_disconnect(&conn);
	return r != OK;
}

static void after_failure(struct sim *sim)
{
	static const enum disk_crash modes[] = { DISK_CRASH_DROP, DISK_CRASH_KEEP, DISK_CRASH_TEAR };
	sim->faults++;
	if (power_has_gone(sim))
		sim_power_cut(sim, modes[sim_below(sim, 3)]);
	if (sim->disk != NULL)
		vfs_fault_plan(sim->disk, VFS_FAULT_CHANGE, 0, VFS_FAULT_EIO, false);
}

/* ---- commands ---- */

enum err sim_do(struct sim *sim, int64_t user, decide_fn *decide, const void *args, int64_t *ret_seq)
{
	struct command command = { .name = "simulated", .decide = decide, .args = args,
				   .actor = { .user = user } };
	struct command *batch[] = { &command };
	tap_transaction();
	world_run(sim->world, batch, 1);
	sim->err = command.error;
	if (command.result == OK && ret_seq != NULL)
		*ret_seq = command.seq;
	if (command.result == ERR_UNAVAILABLE)
		after_failure(sim);
	return command.result;
}

enum err sim_define(struct sim *sim, const char *kind, const char *name, const char *spec)
{
	struct definition_change change = {
		.kind = str_of(kind), .name = str_of(name), .spec = str_of(spec),
		.manager = STR(DEFINITION_PEOPLE), .expect_revision = -1,
	};
	struct definition_changes changes = { &change, 1 };
	return sim_do(sim, 0, definition_change_decide, &changes, NULL);
}

enum err sim_check_is(struct sim *sim, const char *check, const char *state)
{
	struct monitor_change change = {
		.check = str_of(check), .to = str_of(state), .from = STR("unknown"),
		.reason = str_is(str_of(state), "up") ? STR("200 in 12 ms") : STR("connection refused"),
		.latency = 12 * TIME_MS, .since = sim_wall(sim),
	};
	return sim_do(sim, 0, monitor_change_decide, &change, NULL);
}

/* ---- channels ---- */

struct due {
	struct sim *sim;
	size_t taken;
};

static bool is_in_flight(const struct sim *sim, int64_t page)
{
	for (size_t i = 0; i < sim->flight_count; i++) {
		if (sim->flights[i].page == page)
			return true;
	}
	return false;
}

static void take_page(void *context, const struct outbox_due *page)
{
	struct due *due = context;
	struct sim *sim = due->sim;
	if (sim->flight_count == SIM_FLIGHTS_MAX || is_in_flight(sim, page->page))
		return;
	time_us takes = sim_chance(sim, 80) ? (time_us)sim_below(sim, 900) * TIME_MS
					    : (time_us)sim_below(sim, 60) * TIME_SECOND;
	sim->flights[sim->flight_count++] =
		(struct sim_flight){ page->page, page->incident, sim_boot(sim) + takes };
	referee_take(sim->referee, page->page);
	due->taken++;
}

static void take_due_pages(struct sim *sim)
{
	struct due due = { sim, 0 };
	time_us next;
	enum err r = outbox_due(sim->reader, sim_wall(sim), SIM_OUTBOX_SLICE, take_page, &due, &next,
				&sim->err);
	if (r != OK && sim->disk == NULL)
		sim_wrong(sim, "the outbox cannot be read: %s", sim->err.text);
}

static void answer(struct sim *sim, const struct sim_flight *flight)
{
	unsigned good = sim->slow_channels ? 20 : 75;
	struct notify_attempt attempt = {
		.incident = flight->incident, .page = flight->page, .took = TIME_SECOND,
		.state = STR("delivered"), .detail = STR("250 taken"),
	};
	if (!sim_chance(sim, good)) {
		attempt.state = sim_chance(sim, 80) ? STR("retry") : STR("failed");
		attempt.detail = STR("connection refused");
		attempt.retry_at = sim_wall(sim) + (time_us)(1 + sim_below(sim, 120)) * TIME_SECOND;
	} else if (sim_chance(sim, 50)) {
		attempt.state = STR("sent");
	}
	enum err r = sim_do(sim, 0, notify_attempt_decide, &attempt, NULL);
	if (r != OK && r != ERR_CONFLICT && r != ERR_UNAVAILABLE)
		sim_wrong(sim, "a channel's answer was refused: %s", sim->err.text);
}

static void answer_due(struct sim *sim)
{
	for (size_t i = 0; i < sim->flight_count;) {
		struct sim_flight flight = sim->flights[i];
		if (flight.ends > sim_boot(sim)) {
			i++;
			continue;
		}
		sim->flights[i] = sim->flights[--sim->flight_count];
		answer(sim, &flight);
	}
}

/* ---- time ---- */

static bool run_timers(struct sim *sim)
{
	int64_t before = sim->referee->last_seq;
	sim->store_failed = false;
	tap_transaction();
	bool more = world_run_timers(sim->world);
	if (!sim->store_failed)
		return more || sim->referee->last_seq != before;
	after_failure(sim);
	clock_advance(&sim->clock, TIME_SECOND / 4); /* the writer waits before it tries again */
	return true;
}

static void drain_timers(struct sim *sim)
{
	unsigned rounds = 0;
	while (run_timers(sim) && sim_is_well(sim)) {
		if (++rounds > SIM_DRAIN_MAX)
			sim_wrong(sim, "timers never come to an end");
	}
}

/* A power cut on the way takes time, and in that time more becomes due. */
void sim_settle(struct sim *sim)
{
	unsigned cuts;
	if (power_has_gone(sim)) /* in what nobody waits for: moving the log */
		after_failure(sim);
	do {
		cuts = sim->cuts;
		drain_timers(sim);
		take_due_pages(sim);
		answer_due(sim);
	} while (cuts != sim->cuts && sim_is_well(sim));
	sim_check_light(sim);
	arena_reset(&sim->arena);
}

static time_us until_next(struct sim *sim, time_us most)
{
	time_us next = world_next_timer(sim->world);
	time_us wait = next != TIME_NONE ? next - sim_wall(sim) : most;
	for (size_t i = 0; i < sim->flight_count; i++) {
		if (sim->flights[i].ends - sim_boot(sim) < wait)
			wait = sim->flights[i].ends - sim_boot(sim);
	}
	return wait < TIME_MS ? TIME_MS : wait < most ? wait : most;
}

/* Awake, the writer and the sender wake when something is due, and the sender looks now and then. */
void sim_pass(struct sim *sim, time_us by)
{
	time_us end = sim_boot(sim) + by;
	sim_settle(sim);
	while (sim_is_well(sim) && sim_boot(sim) < end) {
		time_us left = end - sim_boot(sim);
		time_us look = 30 * TIME_SECOND;
		clock_advance(&sim->clock, until_next(sim, left < look ? left : look));
		sim_settle(sim);
	}
}

void sim_sleep(struct sim *sim, time_us by)
{
	clock_advance(&sim->clock, by);
	sim_settle(sim);
}

/* ---- a whole run ---- */

static time_us pause_between(struct sim *sim)
{
	uint64_t kind = sim_below(sim, 100);
	if (kind < 60)
		return (time_us)sim_below(sim, 8000) * TIME_MS;
	if (kind < 85)
		return (time_us)sim_below(sim, 120) * TIME_SECOND;
	if (kind < 97)
		return (time_us)sim_below(sim, 20 * 60) * TIME_SECOND;
	return (time_us)sim_below(sim, 90 * 60) * TIME_SECOND;
}

static void plant_in_store(struct sim *sim)
{
	static const char *const sql[SIM_PLANTS] = {
		[SIM_PLANT_TAMPER] = "UPDATE event SET payload = '{}' WHERE seq = 7",
		[SIM_PLANT_LOST_PAGE] =
			"DELETE FROM outbox WHERE page = (SELECT min(page) FROM outbox)",
		[SIM_PLANT_LATE_TIMER] = "UPDATE timer SET due = 1000000",
	};
	struct store_conn *conn;
	if (sql[sim->options.plant] == NULL)
		return;
	if (store_connect(sim->store, false, &conn, &sim->err) != OK)
		return;
	store_exec(conn, sql[sim->options.plant], STORE_NO_VALUES, &sim->err);
	store_disconnect(&conn);
	sim_check_light(sim);
}

bool sim_step(struct sim *sim)
{
	sim->step++;
	sim_sense(sim);
	sim_model_act(sim);
	if (sim->options.tell)
		printf("-- step %u: %s\n", sim->step, sim->act);
	sim_settle(sim);
	plant_in_store(sim);
	sim_pass(sim, pause_between(sim));
	if (sim_chance(sim, 10))
		sim_check_tables(sim);
	if (sim->options.plant == SIM_PLANT_LYING_DISK && sim->disk != NULL)
		vfs_fault_lie(sim->disk, true);
	return sim_is_well(sim);
}

#define RECENT 24 /* events */

bool sim_check_all(struct sim *sim)
{
	if (sim->disk != NULL)
		vfs_fault_plan(sim->disk, VFS_FAULT_CHANGE, 0, VFS_FAULT_EIO, false);
	sim_check_tables(sim);
	sim_check_record(sim);
	sim_check_rebuild(sim);
	int64_t last = world_last_seq(sim->world);
	if (last > 0)
		sim_check_as_of(sim, 1 + (int64_t)sim_below(sim, (uint64_t)last));
	if (last > RECENT) /* asked most, and spoiled when a row of now is changed behind its history */
		sim_check_as_of(sim, last - (int64_t)sim_below(sim, RECENT));
	if (sim->referee->wrong[0] != '\0')
		sim_wrong(sim, "%s", sim->referee->wrong);
	arena_reset(&sim->arena);
	return sim_is_well(sim);
}

bool sim_run(struct sim *sim, unsigned steps)
{
	sim_model_begin(sim);
	bool well = sim_is_well(sim);
	for (unsigned i = 0; i < steps && well; i++) {
		well = sim_step(sim);
		if (well && sim_chance(sim, 1))
			well = sim_check_all(sim);
	}
	well = sim_check_all(sim);
	return well;
}

void sim_root(struct sim *sim, int64_t *ret_size, struct tree_hash *ret_root)
{
	struct tree_reader reader = journal_tree_reader(sim->reader);
	*ret_size = world_last_seq(sim->world);
	if (tree_root_at(&reader, (uint64_t)*ret_size, ret_root, &sim->err) != OK)
		sim_wrong(sim, "the root cannot be computed: %s", sim->err.text);
}
