/*
 * test_sim.c: what must be true of the whole, over seeds; and that each of these checks can fail.
 *
 * A failure names its seed: tests/sim/sim SEED says the same again. Many more seeds: tools/sim-long.
 */
#include "sim_test.h"

#define SEEDS 180
#define STEPS 40
#define PLANT_SEEDS 30 /* within which a planted defect must be found */
#define PAGE_BYTES_MAX (64u << 10)

static bool seen[TAP_ROWS_MAX][EVENT_KIND_COUNT]; /* over all seeds: what the page is made of */

static void simulate(const void *args, struct found *found)
{
	const struct sim_options *options = args;
	tap_reset();
	struct sim *sim = sim_open(options); /* ends with the process: closing 200 of them takes time */
	sim_run(sim, STEPS);
	found_keep(sim, found);
	if (sim_is_well(sim))
		sim_root(sim, &found->size, &found->root);
}

static void gather(const struct found *found)
{
	for (size_t row = 0; row < TAP_ROWS_MAX; row++) {
		for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
			seen[row][kind] = seen[row][kind] || found->edges[row][kind];
	}
}

TEST(whatever_happens_outside_the_record_the_tables_and_the_pages_agree)
{
	struct found *found = found_make();
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_options options = { .seed = seed };
		bool over = found_run(simulate, &options, found);
		if (found->story[0] != '\0')
			fail_msg("%s", found->story);
		if (!over)
			fail_msg("seed %llu ended the server; again: tests/sim/sim %llu 1 %d",
				 (unsigned long long)seed, (unsigned long long)seed, STEPS);
		CHECK(found->depth <= WIRE_DEPTH_MAX);
		gather(found);
	}
	found_free(found);
}

TEST(the_same_seed_makes_the_same_journal)
{
	struct found *one = found_make(), *two = found_make();
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct sim_options options = { .seed = seed };
		CHECK(found_run(simulate, &options, one));
		CHECK(found_run(simulate, &options, two));
		CHECK_INT(one->size, two->size);
		CHECK(one->size > 0);
		CHECK(tree_hash_eq(&one->root, &two->root));
		options.plant = SIM_PLANT_OTHER_DICE;
		CHECK(found_run(simulate, &options, two));
		CHECK(!tree_hash_eq(&one->root, &two->root));
	}
	found_free(one);
	found_free(two);
}

/* ---- each check can fail ---- */

struct planted {
	enum sim_plant plant;
	const char *words; /* some of what must be said; NULL: the process ends */
};

/* The first story that a planted defect leads to; false: none within the seeds. */
static bool plant_is_found(const struct planted *planted, struct found *found)
{
	for (uint64_t seed = 1; seed <= PLANT_SEEDS; seed++) {
		struct sim_options options = { .seed = seed, .plant = planted->plant };
		bool over = found_run(simulate, &options, found);
		if (planted->words == NULL && !over && found->story[0] == '\0')
			return true;
		if (planted->words != NULL && strstr(found->story, planted->words) != NULL)
			return true;
	}
	return false;
}

static void check_plant(enum sim_plant plant, const char *words)
{
	struct found *found = found_make();
	if (!plant_is_found(&(struct planted){ plant, words }, found))
		fail_msg("a planted defect was not seen as \"%s\"; the last story: \"%s\"",
			 words != NULL ? words : "the end of the process", found->story);
	found_free(found);
}

TEST(a_changed_payload_is_seen)
{
	check_plant(SIM_PLANT_TAMPER, "the journal does not verify");
}

TEST(an_apply_that_does_more_than_a_rebuild_is_seen)
{
	check_plant(SIM_PLANT_IMPURE, "a rebuild makes other rows");
}

TEST(an_apply_that_goes_round_the_history_is_seen)
{
	check_plant(SIM_PLANT_UNHISTORIC, "it is not what a rebuild makes");
}

TEST(a_disk_that_lies_is_seen)
{
	check_plant(SIM_PLANT_LYING_DISK, "was answered, and after the crash");
}

TEST(an_incident_that_pages_nobody_is_seen)
{
	check_plant(SIM_PLANT_NO_PAGE, "and nobody was paged for");
}

TEST(a_page_for_what_is_over_is_seen)
{
	check_plant(SIM_PLANT_LATE_PAGE, "was written for incident");
}

TEST(somebody_who_hears_of_the_end_alone_is_seen)
{
	check_plant(SIM_PLANT_STRANGER, "was never told that it began");
}

TEST(somebody_who_is_not_told_that_it_is_over_is_seen)
{
	check_plant(SIM_PLANT_NO_STOP, "was not told that it is over");
}

TEST(a_page_that_vanishes_from_the_outbox_is_seen)
{
	check_plant(SIM_PLANT_LOST_PAGE, "stand in the outbox");
}

TEST(an_outbox_that_stays_behind_when_the_wall_goes_back_is_seen)
{
	check_plant(SIM_PLANT_OLD_OUTBOX, "and lies in the outbox");
}

TEST(a_timer_that_does_not_fire_is_seen)
{
	check_plant(SIM_PLANT_LATE_TIMER, "timers are due, and nothing fires them");
}

TEST(an_incident_that_does_not_hear_of_its_escalation_is_seen)
{
	check_plant(SIM_PLANT_NO_LAPSE, "and its escalation is");
}

TEST(a_rule_that_sets_itself_off_ends_at_once)
{
	check_plant(SIM_PLANT_ENDLESS, NULL);
}

/* ---- the page about the wiring ---- */

static void page_path(char path[256])
{
	const char *end = strstr(__FILE__, "tests/sim/");
	CHECK(end != NULL);
	snprintf(path, 256, "%.*sdocs/wiring.md", (int)(end - __FILE__), __FILE__);
}

TEST(the_page_about_the_wiring_says_what_ran)
{
	char path[256], stored[PAGE_BYTES_MAX];
	cleanup_buf struct buf made;
	buf_init(&made, PAGE_BYTES_MAX);
	tap_print(seen, &made);
	CHECK(!made.full);
	page_path(path);
	if (getenv("MAINSTAY_WRITE") != NULL) {
		FILE *out = fopen(path, "w");
		CHECK(out != NULL);
		fwrite(made.bytes, 1, made.used, out);
		fclose(out);
	}
	FILE *in = fopen(path, "r");
	CHECK(in != NULL);
	size_t size = fread(stored, 1, sizeof stored, in);
	fclose(in);
	if (!str_eq(buf_str(&made), (struct str){ stored, size }))
		fail_msg("docs/wiring.md is not what ran. If the change of the wiring is meant: cd build-dev && "
			 "MAINSTAY_WRITE=1 tests/sim/test_sim");
}

TEST(no_chain_of_rules_leads_back_and_none_is_too_long)
{
	enum event_kind kind = 0;
	unsigned longest = tap_longest(seen, &kind);
	if (longest == 0)
		fail_msg("a chain of rules leads from %s back to it", event_kinds[kind].name);
	CHECK(longest >= 4); /* check, alert, incident, escalation */
	CHECK(longest <= WIRE_DEPTH_MAX);
}

TEST(a_cycle_in_the_graph_would_be_seen)
{
	static bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT];
	enum event_kind kind = EVENT_KIND_COUNT;
	memcpy(edges, seen, sizeof edges);
	for (size_t row = 0; row < TAP_ROWS_MAX; row++) /* whatever pages now breaks a check */
		edges[row][EVENT_CHECK_CHANGED] = seen[row][EVENT_PAGE_CREATED];
	CHECK_INT(tap_longest(edges, &kind), 0);
	CHECK(kind < EVENT_KIND_COUNT);
}

TESTS(RUN(whatever_happens_outside_the_record_the_tables_and_the_pages_agree),
      RUN(the_same_seed_makes_the_same_journal), RUN(a_changed_payload_is_seen),
      RUN(an_apply_that_does_more_than_a_rebuild_is_seen),
      RUN(an_apply_that_goes_round_the_history_is_seen), RUN(a_disk_that_lies_is_seen),
      RUN(an_incident_that_pages_nobody_is_seen), RUN(a_page_for_what_is_over_is_seen),
      RUN(somebody_who_hears_of_the_end_alone_is_seen),
      RUN(somebody_who_is_not_told_that_it_is_over_is_seen),
      RUN(a_page_that_vanishes_from_the_outbox_is_seen),
      RUN(an_outbox_that_stays_behind_when_the_wall_goes_back_is_seen),
      RUN(a_timer_that_does_not_fire_is_seen),
      RUN(an_incident_that_does_not_hear_of_its_escalation_is_seen),
      RUN(a_rule_that_sets_itself_off_ends_at_once), RUN(the_page_about_the_wiring_says_what_ran),
      RUN(no_chain_of_rules_leads_back_and_none_is_too_long), RUN(a_cycle_in_the_graph_would_be_seen))
