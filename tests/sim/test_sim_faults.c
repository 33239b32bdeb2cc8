/*
 * test_sim_faults.c: a fault at every write point.
 *
 * One story (a check breaks, the page goes out, somebody takes it, the check recovers) runs again and
 * again; each time the next write, sync, truncate or delete fails, in each way it can. Whoever was
 * refused tries again, as clients do. Then the power goes: what was answered is there, the record
 * verifies, a rebuild makes the same rows, and the story came to its end.
 */
#include "guard/guard.h"
#include "incident/incident.h"
#include "sim_test.h"

#define TRIES_MAX 4
#define POINTS_MAX 2000
#define INCIDENT 1

struct point {
	enum vfs_fault_failure failure;
	uint64_t nth;
	enum disk_crash crash;
	bool lies; /* planted: the disk says that it synced */
};

static struct sim *sim; /* a new one for each fault */

static enum err try_act(decide_fn *decide)
{
	struct incident_act act = { .incident = INCIDENT, .user = 1, .via = STR("ui") };
	return sim_do(sim, 1, decide, &act, NULL);
}

static enum err try_break(void)
{
	return sim_check_is(sim, "a", "down");
}

static enum err try_acknowledge(void)
{
	return try_act(incident_acknowledge_decide);
}

static enum err try_recover(void)
{
	return sim_check_is(sim, "a", "up");
}

static bool again(enum err (*what)(void))
{
	enum err r = what();
	for (int i = 0; i < TRIES_MAX && r == ERR_UNAVAILABLE; i++)
		r = what();
	return r == OK;
}

static bool tell_story(void)
{
	bool told = again(try_break);
	sim_pass(sim, 2 * TIME_MINUTE);
	told = again(try_acknowledge) && told;
	sim_pass(sim, TIME_MINUTE);
	told = again(try_recover) && told;
	sim_pass(sim, TIME_MINUTE);
	return told;
}

static void check_end(void)
{
	int64_t resolved = 0, attempts = 0;
	store_one_int(sim->reader, "SELECT count(*) FROM incident WHERE id = 1 AND state = 'resolved'",
		      STORE_NO_VALUES, 0, &resolved, &sim->err);
	store_one_int(sim->reader, "SELECT count(*) FROM page_attempt", STORE_NO_VALUES, 0, &attempts,
		      &sim->err);
	if (resolved != 1 || attempts == 0)
		sim_wrong(sim, "the incident is %sover and %lld tries were made to page somebody",
			  resolved == 1 ? "" : "not ", (long long)attempts);
}

static void set_up(void)
{
	int64_t id;
	struct guard_user_create ann = { STR("ann@example.com"), STR("Ann"), ROLE_ADMIN, &id };
	tap_reset();
	sim = sim_open(&(struct sim_options){ .seed = 3 });
	sim->act = "the story";
	if (sim_do(sim, 0, guard_decide_user_create, &ann, NULL) != OK ||
	    sim_define(sim, "Check", "a",
		       "{\"kind\":\"tcp\",\"host\":\"shop.example.com\",\"port\":443}") != OK)
		sim_wrong(sim, "the story has no beginning: %s", sim->err.text);
}

/* True when the nth write was reached, and so failed. */
static bool strike(const struct point *point, struct found *found)
{
	set_up();
	vfs_fault_lie(sim->disk, point->lies);
	vfs_fault_plan(sim->disk, VFS_FAULT_CHANGE, point->nth, point->failure, false);
	uint64_t before = vfs_fault_count(sim->disk, VFS_FAULT_CHANGE);
	if (!tell_story())
		sim_wrong(sim, "the story did not come to its end: %s", sim->err.text);
	bool struck = vfs_fault_count(sim->disk, VFS_FAULT_CHANGE) - before >= point->nth;
	sim_power_cut(sim, point->crash);
	sim_settle(sim);
	sim_check_tables(sim);
	sim_check_record(sim);
	sim_check_rebuild(sim);
	if (sim_is_well(sim))
		check_end();
	snprintf(found->story, sizeof found->story, "%s", sim->story);
	sim_close(&sim);
	return struck;
}

/* A process of its own for all the writes, not one for each: copying the memory would take longer than
 * the story. `size` is the write that fails, so that an assert's place in the story is known. */
static void strike_each(const void *args, struct found *found)
{
	const enum vfs_fault_failure *failure = args;
	found->flag = true;
	while (found->flag && found->story[0] == '\0' && found->size < POINTS_MAX) {
		uint64_t nth = (uint64_t)++found->size;
		found->flag = strike(&(struct point){ *failure, nth, (enum disk_crash)(nth % 3), false }, found);
	}
}

static void strike_everywhere(enum vfs_fault_failure failure)
{
	struct found *found = found_make();
	bool over = found_run(strike_each, &failure, found);
	if (!over || found->story[0] != '\0')
		fail_msg("with fault %lld: %s", (long long)found->size,
			 over ? found->story : "the server ended");
	CHECK(found->size > 20); /* there is that much to fail */
	CHECK(!found->flag);
	found_free(found);
}

TEST(every_write_may_fail)
{
	strike_everywhere(VFS_FAULT_EIO);
}

TEST(the_disk_may_be_full_at_every_write)
{
	strike_everywhere(VFS_FAULT_ENOSPC);
}

TEST(the_power_may_go_at_every_write)
{
	strike_everywhere(VFS_FAULT_POWER_OFF);
}

TEST(a_disk_that_lies_does_not_pass)
{
	struct found *found = found_make();
	strike(&(struct point){ VFS_FAULT_EIO, POINTS_MAX, DISK_CRASH_DROP, true }, found);
	CHECK(strstr(found->story, "was answered") != NULL);
	found_free(found);
}

TESTS(RUN(every_write_may_fail), RUN(the_disk_may_be_full_at_every_write),
      RUN(the_power_may_go_at_every_write), RUN(a_disk_that_lies_does_not_pass))
