/* test_main_sense.c: a real listener goes away and comes back, and the world hears of it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/check.h"
#include "base/mem.h"
#include "journal/journal.h"
#include "main/serve_sense.h"
#include "monitor/monitor.h"
#include "monitor/monitor_discovery.h"
#include "monitor/monitor_spec.h"
#include "resource/definition.h"
#include "wire/doc_json.h"
#include "store/test_store.h"

#define PATIENCE (20 * TIME_SECOND)

extern apply_fn journal_apply_clock_stepped, journal_apply_timer_parked;

static atomic_bool disk_is_lost; /* nothing can be stored */
static atomic_uint refused;

static enum err apply_changed(struct apply *a, const struct event *event, struct error *err)
{
	if (!disk_is_lost)
		return monitor_apply_changed(a, event, err);
	refused++;
	return error_set(err, ERR_UNAVAILABLE, "planted");
}

static const struct wire_apply applies[] = {
	{ EVENT_DEFINITION_PUT, definition_apply_put },
	{ EVENT_DEFINITION_DELETED, definition_apply_deleted },
	{ EVENT_CHECK_CHANGED, apply_changed },
	{ EVENT_CHECK_PAUSED, monitor_apply_paused },
	{ EVENT_CHECK_RESUMED, monitor_apply_resumed },
	{ EVENT_MUTE_STARTED, alert_apply_mute_started },
	{ EVENT_MUTE_ENDED, alert_apply_mute_ended },
	{ EVENT_ALERT_BATCH, alert_apply_batch },
	{ EVENT_CLOCK_STEPPED, journal_apply_clock_stepped },
	{ EVENT_TIMER_PARKED, journal_apply_timer_parked },
	{ 0 },
};
static const struct wire_now nows[] = {
	{ EVENT_CHECK_CHANGED, "alert_from_check", alert_from_check },
	{ EVENT_DEFINITION_DELETED, "monitor_on_deleted", monitor_on_deleted },
	{ 0 },
};
static const struct wire_after afters[] = { { 0 } };
static const struct wire_timer timers[] = { { ALERT_MUTE_TIMER, alert_mute_due }, { 0 } };

struct lab {
	char path[64];
	const struct store_table *tables[32];
	struct wiring wiring;
	struct store *store;
	struct clock clock;
	struct random random;
	struct world *world;
	struct writer *writer;
	struct serve_sense *sense;
	struct store_conn *conn;
	struct arena arena;
	struct error err;
};

static void add_tables(struct lab *lab, const struct store_table *const *tables)
{
	size_t count = 0;
	while (lab->tables[count] != NULL)
		count++;
	for (; *tables != NULL; tables++)
		lab->tables[count++] = *tables;
}

static void on_committed(void *context, const struct event *const *events, size_t count)
{
	struct lab *lab = context;
	if (lab->sense != NULL)
		serve_sense_committed(lab->sense, events, count);
}

/* The world's listener has to know the sense: as in the server, it is started before commands come. */
static void start(struct lab *lab)
{
	struct error err;
	lab->wiring = (struct wiring){ lab->tables, applies, nows, afters, timers };
	test_store_open(lab->path, &lab->store);
	struct world_options options = {
		.name = "test", .store = lab->store, .clock = &lab->clock, .random = &lab->random,
		.wiring = &lab->wiring, .committed = on_committed, .committed_context = lab,
	};
	CHECK_OK(world_open(&options, &lab->world, &err));
	CHECK_OK(writer_start(lab->world, &lab->writer, &err));
	struct serve_sense_options sense = { lab->world, lab->writer, &lab->clock, NULL };
	CHECK_OK(serve_sense_start(&sense, &lab->sense, &err));
	CHECK_OK(store_connect(lab->store, true, &lab->conn, &err));
}

static void stop(struct lab *lab)
{
	store_disconnect(&lab->conn);
	serve_sense_stop(lab->sense);
	writer_stop(&lab->writer);
	serve_sense_destroy(&lab->sense);
	world_close(&lab->world);
	store_close(&lab->store);
}

static struct lab *lab_create(const char *name)
{
	struct lab *lab = mem_alloc(sizeof *lab);
	snprintf(lab->path, sizeof lab->path, "/tmp/mainstay-test-%d-%s", (int)getpid(), name);
	clock_system(&lab->clock);
	random_seeded(&lab->random, 7);
	arena_init(&lab->arena, 0);
	add_tables(lab, journal_tables);
	add_tables(lab, definition_tables);
	add_tables(lab, monitor_tables);
	add_tables(lab, alert_tables);
	start(lab);
	return lab;
}

static void lab_destroy(struct lab *lab)
{
	char beside[80];
	stop(lab);
	arena_finish(&lab->arena);
	unlink(lab->path);
	snprintf(beside, sizeof beside, "%s-wal", lab->path);
	unlink(beside);
	snprintf(beside, sizeof beside, "%s-shm", lab->path);
	unlink(beside);
	mem_free(lab);
}

static enum err command(struct lab *lab, decide_fn *decide, const void *args)
{
	struct command command = { .name = "test", .decide = decide, .args = args };
	return writer_run(lab->writer, &command, &lab->err);
}

static void define(struct lab *lab, const char *name, const char *spec)
{
	struct definition_change change = {
		.kind = STR("Check"), .name = str_of(name), .spec = str_of(spec),
		.manager = STR(DEFINITION_PEOPLE), .expect_revision = -1,
	};
	struct definition_changes changes = { &change, 1 };
	CHECK_INT(command(lab, definition_change_decide, &changes), OK);
}

static void define_tcp(struct lab *lab, const char *name, uint16_t port, const char *more)
{
	char spec[256];
	snprintf(spec, sizeof spec, "{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":%u,"
		 "\"interval\":\"1s\",\"timeout\":\"500ms\",\"fail_after\":2,\"recover_after\":1%s}",
		 port, more);
	define(lab, name, spec);
}

/* ---- a listener that comes and goes ---- */

static int listen_on(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(*port) };
	socklen_t size = sizeof at;
	int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	CHECK(listen(fd, 1024) == 0);
	getsockname(fd, (struct sockaddr *)&at, &size);
	*port = ntohs(at.sin_port);
	return fd;
}

/* ---- waiting ---- */

static void nap(void)
{
	struct timespec wait = { .tv_nsec = 20000000 };
	nanosleep(&wait, NULL);
}

static struct monitor_state state_of(struct lab *lab, const char *check)
{
	struct monitor_state state;
	struct error err;
	CHECK_OK(monitor_state_get(lab->conn, str_of(check), &lab->arena, &state, &err));
	return state;
}

static struct monitor_state wait_state(struct lab *lab, const char *check, const char *wanted)
{
	time_us until = clock_since_boot(&lab->clock) + PATIENCE;
	struct monitor_state state = state_of(lab, check);
	while (!str_is(state.state, wanted) && clock_since_boot(&lab->clock) < until) {
		nap();
		state = state_of(lab, check);
	}
	CHECK_STR(state.state, wanted);
	return state;
}

static int64_t count_of(struct lab *lab, const char *sql)
{
	struct error err;
	int64_t count;
	CHECK_OK(store_one_int(lab->conn, sql, STORE_NO_VALUES, 0, &count, &err));
	return count;
}

/* Until the loop has taken over what was committed. */
static bool wait_last(struct lab *lab, const char *check, struct check_result *ret_result)
{
	const struct api_sense *api = serve_sense_api(lab->sense);
	time_us until = clock_since_boot(&lab->clock) + PATIENCE;
	while (!api->last(api->context, str_of(check), ret_result)) {
		if (clock_since_boot(&lab->clock) > until)
			return false;
		nap();
	}
	return true;
}

static time_us first_bad(struct lab *lab, const char *check)
{
	const struct api_sense *api = serve_sense_api(lab->sense);
	struct check_result results[SERVE_SENSE_RESULTS_MAX];
	size_t count = api->results(api->context, str_of(check), results, SERVE_SENSE_RESULTS_MAX);
	for (size_t i = count; i > 0; i--) {
		if (!results[i - 1].good)
			return results[i - 1].wall;
	}
	fail_msg("wanted a bad result of \"%s\"", check);
	return TIME_NONE;
}

/* ---- the tests ---- */

TEST(a_listener_that_goes_away_is_down_and_one_that_comes_back_is_up)
{
	struct lab *lab = lab_create("sense");
	uint16_t port = 0;
	int fd = listen_on(&port);
	define_tcp(lab, "web", port, "");
	wait_state(lab, "web", "up");
	close(fd);
	struct monitor_state down = wait_state(lab, "web", "down");
	CHECK(down.reason.len > 0);
	/* It began with the first bad try, not with the one that decided. */
	time_us off = down.since - first_bad(lab, "web");
	CHECK(off > -100 * TIME_MS && off < 100 * TIME_MS);
	CHECK_INT(count_of(lab, "SELECT count(*) FROM alert WHERE state = 'firing'"), 1);
	fd = listen_on(&port);
	wait_state(lab, "web", "up");
	CHECK_INT(count_of(lab, "SELECT count(*) FROM alert WHERE state = 'firing'"), 0);
	CHECK_INT(count_of(lab, "SELECT count(*) FROM event WHERE kind = 'check.changed'"), 3);
	close(fd);
	lab_destroy(lab);
}

TEST(what_could_not_be_stored_is_told_again_until_it_is)
{
	struct lab *lab = lab_create("sense-lost");
	uint16_t port = 0;
	int fd = listen_on(&port);
	define_tcp(lab, "web", port, "");
	wait_state(lab, "web", "up");
	refused = 0;
	disk_is_lost = true;
	close(fd);
	time_us until = clock_since_boot(&lab->clock) + PATIENCE;
	while (refused < 2 && clock_since_boot(&lab->clock) < until)
		nap();
	CHECK(refused >= 2);
	CHECK_STR(state_of(lab, "web").state, "up");
	disk_is_lost = false;
	wait_state(lab, "web", "down");
	lab_destroy(lab);
}

TEST(a_restart_goes_on_from_the_state_that_was_stored)
{
	struct lab *lab = lab_create("sense-again");
	uint16_t port = 0;
	int fd = listen_on(&port);
	char spec[256];
	close(fd);
	snprintf(spec, sizeof spec, "{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":%u,"
		 "\"interval\":\"1s\",\"recover_after\":100}", port);
	define(lab, "web", spec);
	time_us since = wait_state(lab, "web", "down").since;
	stop(lab);
	fd = listen_on(&port);
	start(lab);
	struct check_result result;
	const struct api_sense *api = serve_sense_api(lab->sense);
	CHECK(wait_last(lab, "web", &result));
	for (int i = 0; i < 3; i++)
		CHECK_INT(api->run(api->context, STR("web"), &result, &lab->err), OK);
	CHECK(result.good);
	for (int i = 0; i < 10; i++)
		nap(); /* a command would be done by now */
	/* Good, but not good for long enough: that it was down is not forgotten. */
	CHECK_STR(state_of(lab, "web").state, "down");
	CHECK(state_of(lab, "web").since == since);
	close(fd);
	CHECK_INT(count_of(lab, "SELECT count(*) FROM event WHERE kind = 'check.changed'"), 1);
	/* The open buckets were given out at the end of the first life. */
	CHECK(count_of(lab, "SELECT count(*) FROM check_rollup WHERE results > 0") >= 3);
	lab_destroy(lab);
}

TEST(a_person_pauses_and_resumes_a_check)
{
	struct lab *lab = lab_create("sense-pause");
	const struct api_sense *api = serve_sense_api(lab->sense);
	struct check_result result;
	uint16_t port = 0;
	int fd = listen_on(&port);
	struct monitor_pause pause = { STR("web"), STR("moving house") };
	define_tcp(lab, "web", port, "");
	wait_state(lab, "web", "up");
	CHECK(api->next_at(api->context, STR("web")) > clock_wall(&lab->clock) - TIME_SECOND);
	CHECK_INT(command(lab, monitor_pause_decide, &pause), OK);
	time_us until = clock_since_boot(&lab->clock) + PATIENCE;
	while (api->next_at(api->context, STR("web")) != TIME_NONE &&
	       clock_since_boot(&lab->clock) < until)
		nap();
	CHECK_INT(api->run(api->context, STR("web"), &result, &lab->err), ERR_CONFLICT);
	CHECK_STR(state_of(lab, "web").state, "paused");
	CHECK_INT(command(lab, monitor_resume_decide, &pause), OK);
	wait_state(lab, "web", "up");
	close(fd);
	lab_destroy(lab);
}

TEST(a_check_that_is_deleted_is_looked_at_no_more)
{
	struct lab *lab = lab_create("sense-gone");
	const struct api_sense *api = serve_sense_api(lab->sense);
	struct check_result result;
	define_tcp(lab, "web", 1, "");
	CHECK(wait_last(lab, "web", &result));
	struct definition_change gone = { .kind = STR("Check"), .name = STR("web"),
					  .expect_revision = -1 };
	struct definition_changes changes = { &gone, 1 };
	CHECK_INT(command(lab, definition_change_decide, &changes), OK);
	time_us until = clock_since_boot(&lab->clock) + PATIENCE;
	while (api->last(api->context, STR("web"), &result) && clock_since_boot(&lab->clock) < until)
		nap();
	CHECK(!api->last(api->context, STR("web"), &result));
	CHECK_INT(api->run(api->context, STR("web"), &result, &lab->err), ERR_NOT_FOUND);
	lab_destroy(lab);
}

TEST(what_is_muted_is_out_of_the_figures)
{
	struct lab *lab = lab_create("sense-mute");
	struct alert_mute_start mute = { .kind = STR("service"), .target = STR("shop"),
					 .reason = STR("planned"), .duration = TIME_HOUR };
	struct definition_change service = {
		.kind = STR("Service"), .name = STR("shop"), .spec = STR("{}"),
		.manager = STR(DEFINITION_PEOPLE), .expect_revision = -1,
	};
	struct definition_changes changes = { &service, 1 };
	CHECK_INT(command(lab, definition_change_decide, &changes), OK);
	CHECK_INT(command(lab, alert_mute_start_decide, &mute), OK);
	define_tcp(lab, "web", 1, ",\"service\":\"shop\"");
	wait_state(lab, "web", "down");
	stop(lab);
	start(lab);
	CHECK(count_of(lab, "SELECT sum(excluded) FROM check_rollup WHERE step = 0") > 0);
	CHECK_INT(count_of(lab, "SELECT sum(down) FROM check_rollup WHERE step = 0"), 0);
	lab_destroy(lab);
}

TEST(a_spec_is_tried_without_being_defined)
{
	struct lab *lab = lab_create("sense-try");
	const struct api_sense *api = serve_sense_api(lab->sense);
	const struct doc_node *doc;
	struct check_spec spec;
	struct check_result result;
	struct error err;
	CHECK_OK(doc_json_parse(STR("{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":1}"),
				&lab->arena, DOC_LIMITS_DEFAULT, NULL, &doc, &err));
	CHECK_OK(monitor_spec_read(STR("trial"), doc, &spec, &err));
	CHECK_OK(api->probe(api->context, &spec, &result, &err));
	CHECK(!result.good);
	CHECK(result.wall > 0);
	CHECK(!api->last(api->context, STR("trial"), &result));
	lab_destroy(lab);
}

TEST(a_check_is_run_on_demand_and_remembers_its_results)
{
	struct lab *lab = lab_create("sense-run");
	const struct api_sense *api = serve_sense_api(lab->sense);
	struct check_result result, results[SERVE_SENSE_RESULTS_MAX];
	struct error err;
	define(lab, "slow", "{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":1,\"interval\":\"1h\"}");
	CHECK(wait_last(lab, "slow", &result));
	for (int i = 0; i < 110; i++)
		CHECK_OK(api->run(api->context, STR("slow"), &result, &err));
	size_t count = api->results(api->context, STR("slow"), results, SERVE_SENSE_RESULTS_MAX);
	CHECK_INT(count, SERVE_SENSE_RESULTS_MAX);
	CHECK(results[0].wall == result.wall);
	CHECK(results[0].wall > results[99].wall);
	CHECK_TEXT(results[0].reason, result.reason);
	lab_destroy(lab);
}

TEST(what_listens_on_this_host_is_found)
{
	struct lab *lab = lab_create("sense-find");
	const struct api_sense *api = serve_sense_api(lab->sense);
	struct discovery *discovery = mem_alloc(sizeof *discovery);
	struct error err;
	uint16_t port = 0;
	bool found = false;
	int fd = listen_on(&port);
	CHECK_OK(api->discover(api->context, 0, discovery, &err));
	for (unsigned i = 0; i < discovery->count; i++)
		found = found || discovery->items[i].port == port;
	CHECK(found || discovery->cut);
	/* Who has just seen it needs not wait for the same answer. */
	time_us before = clock_since_boot(&lab->clock);
	unsigned count = discovery->count;
	*discovery = (struct discovery){ .count = 0 };
	CHECK_OK(api->discover(api->context, TIME_MINUTE, discovery, &err));
	CHECK(clock_since_boot(&lab->clock) - before < 20 * TIME_MS);
	CHECK_INT(discovery->count, count);
	mem_free(discovery);
	close(fd);
	lab_destroy(lab);
}

TESTS(RUN(a_listener_that_goes_away_is_down_and_one_that_comes_back_is_up),
      RUN(what_could_not_be_stored_is_told_again_until_it_is),
      RUN(a_restart_goes_on_from_the_state_that_was_stored),
      RUN(a_person_pauses_and_resumes_a_check),
      RUN(a_check_that_is_deleted_is_looked_at_no_more),
      RUN(what_is_muted_is_out_of_the_figures),
      RUN(a_spec_is_tried_without_being_defined),
      RUN(a_check_is_run_on_demand_and_remembers_its_results),
      RUN(what_listens_on_this_host_is_found))
