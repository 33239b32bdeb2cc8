/* test_monitor_check.c: the state machine, by stories and by chance. */
#include "base/check.h"
#include "base/random.h"
#include "monitor/check.h"

struct story {
	struct check_rules rules;
	struct check_state state;
	struct check_transition transition;
	time_us boot;
	bool moved;
};

static struct story story(unsigned fail_after, unsigned recover_after)
{
	return (struct story){
		.rules = { .fail_after = fail_after, .recover_after = recover_after },
		.boot = TIME_HOUR,
	};
}

static enum check_status feed(struct story *story, struct check_result result)
{
	story->boot += 30 * TIME_SECOND;
	result.boot = story->boot;
	result.wall = story->boot + 1000 * TIME_DAY;
	story->moved = check_step(&story->rules, &story->state, &result, &story->transition);
	return story->state.status;
}

static enum check_status good(struct story *story)
{
	return feed(story, (struct check_result){ .good = true, .latency = TIME_MS });
}

static enum check_status bad(struct story *story)
{
	return feed(story, (struct check_result){ .good = false, .reason = "refused" });
}

static enum check_status slow(struct story *story)
{
	return feed(story, (struct check_result){ .good = true, .latency = 3 * TIME_SECOND });
}

static enum check_status days(struct story *story, int left)
{
	return feed(story, (struct check_result){ .good = true, .certificated = true, .days_left = left });
}

static enum check_status blind(struct story *story)
{
	return feed(story, (struct check_result){ .blind = true, .reason = "no permission" });
}

static enum check_status warned(struct story *story)
{
	return feed(story, (struct check_result){ .good = true, .warned = true, .latency = TIME_MS });
}

TEST(who_cannot_look_says_unknown_and_never_down)
{
	struct story s = story(2, 2);
	CHECK_INT(blind(&s), CHECK_UNKNOWN);
	CHECK(!s.moved);
	CHECK_INT(good(&s), CHECK_UP);
	CHECK_INT(blind(&s), CHECK_UP);
	CHECK_INT(blind(&s), CHECK_UNKNOWN);
	CHECK(s.moved && s.transition.hard_to == CHECK_UNKNOWN);
	CHECK_TEXT(s.transition.reason, "no permission");
	for (int i = 0; i < 50; i++)
		CHECK_INT(blind(&s), CHECK_UNKNOWN);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(blind(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_DOWN);
}

TEST(what_is_down_stays_down_until_it_is_seen_good)
{
	struct story s = story(1, 2);
	CHECK_INT(bad(&s), CHECK_DOWN);
	for (int i = 0; i < 5; i++)
		CHECK_INT(blind(&s), CHECK_DOWN);
	CHECK_INT(good(&s), CHECK_RECOVERING);
	CHECK_INT(blind(&s), CHECK_RECOVERING);
	CHECK_INT(good(&s), CHECK_UP);
}

TEST(a_probe_that_warns_degrades_after_a_row)
{
	struct story s = story(2, 2);
	CHECK_INT(warned(&s), CHECK_UP);
	CHECK_INT(warned(&s), CHECK_DEGRADED);
	CHECK_INT(good(&s), CHECK_DEGRADED);
	CHECK_INT(good(&s), CHECK_UP);
}

TEST(down_needs_as_many_failures_in_a_row_as_asked)
{
	struct story s = story(3, 2);
	CHECK_INT(good(&s), CHECK_UP);
	CHECK(s.moved && s.transition.from == CHECK_UNKNOWN);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK(!s.moved);
	CHECK_INT(good(&s), CHECK_UP);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_DOWN);
	CHECK_INT(s.transition.bad, 3);
	CHECK_INT(s.transition.bad_since, s.boot - TIME_MINUTE);
	CHECK_TEXT(s.transition.reason, "refused");
	CHECK_INT(bad(&s), CHECK_DOWN);
	CHECK(!s.moved);
}

TEST(recovery_needs_its_own_row_and_a_relapse_is_the_same_outage)
{
	struct story s = story(1, 3);
	CHECK_INT(bad(&s), CHECK_DOWN);
	time_us began = s.boot;
	CHECK_INT(good(&s), CHECK_RECOVERING);
	CHECK_INT(good(&s), CHECK_RECOVERING);
	CHECK_INT(bad(&s), CHECK_DOWN);
	CHECK_INT(s.transition.from, CHECK_RECOVERING);
	CHECK(!check_transition_is_news(&s.transition));
	CHECK_TEXT(check_status_shown(&s.state), "down");
	CHECK_INT(s.transition.bad_since, began);
	CHECK_INT(good(&s), CHECK_RECOVERING);
	CHECK(!check_transition_is_news(&s.transition));
	CHECK_INT(good(&s), CHECK_RECOVERING);
	CHECK_INT(good(&s), CHECK_UP);
	CHECK_INT(s.transition.from, CHECK_RECOVERING);
	CHECK_INT(s.transition.hard_from, CHECK_DOWN);
	CHECK(check_transition_is_news(&s.transition));
	CHECK_INT(s.transition.bad_since, began);
}

TEST(down_waits_for_the_time_asked_even_with_enough_failures)
{
	struct story s = story(2, 1);
	s.rules.down_for = 2 * TIME_MINUTE;
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(bad(&s), CHECK_DOWN);
	CHECK_INT(s.boot - s.transition.bad_since, 2 * TIME_MINUTE);
}

TEST(one_setting_of_one_moves_at_once)
{
	struct story s = story(1, 1);
	CHECK_INT(bad(&s), CHECK_DOWN);
	CHECK_INT(s.transition.from, CHECK_UNKNOWN);
	CHECK_INT(good(&s), CHECK_UP);
	CHECK_INT(s.transition.from, CHECK_DOWN);
}

TEST(slowness_degrades_after_a_row_and_ends_after_a_row)
{
	struct story s = story(2, 2);
	s.rules.latency_warn = 2 * TIME_SECOND;
	CHECK_INT(slow(&s), CHECK_UP);
	CHECK_INT(slow(&s), CHECK_DEGRADED);
	CHECK_INT(good(&s), CHECK_DEGRADED);
	CHECK_INT(slow(&s), CHECK_DEGRADED);
	CHECK_INT(good(&s), CHECK_DEGRADED);
	CHECK_INT(good(&s), CHECK_UP);
	CHECK_INT(bad(&s), CHECK_FAILING);
	CHECK_INT(slow(&s), CHECK_UP);
}

TEST(a_certificate_near_its_end_degrades_at_once_and_a_renewed_one_ends_it)
{
	struct story s = story(3, 3);
	s.rules.latency_warn = 2 * TIME_SECOND;
	s.rules.warn_days = 21;
	CHECK_INT(days(&s, 22), CHECK_UP);
	CHECK_INT(days(&s, 21), CHECK_UP);
	CHECK_INT(days(&s, 20), CHECK_DEGRADED);
	CHECK_INT(days(&s, 19), CHECK_DEGRADED);
	CHECK_INT(days(&s, 90), CHECK_UP);
}

TEST(a_certificate_with_too_few_days_is_a_failure)
{
	struct check_rules rules = { .fail_after = 1, .recover_after = 1, .fail_days = 7 };
	struct check_result result = { .good = true, .certificated = true, .days_left = 7 };
	check_judge(&rules, &result);
	CHECK(result.good);
	result.days_left = 1;
	check_judge(&rules, &result);
	CHECK(!result.good);
	CHECK_TEXT(result.reason, "the certificate ends in 1 day");
}

TEST(pausing_forgets_and_ignores_until_resumed)
{
	struct story s = story(1, 1);
	bad(&s);
	CHECK(check_pause(&s.state, 5, 6, "planned work", &s.transition));
	CHECK_INT(s.transition.from, CHECK_DOWN);
	CHECK_TEXT(s.transition.reason, "planned work");
	CHECK(!check_pause(&s.state, 5, 6, "again", &s.transition));
	CHECK_INT(bad(&s), CHECK_PAUSED);
	CHECK(!s.moved);
	CHECK(check_resume(&s.state, 7, 8, "done", &s.transition));
	CHECK(!check_resume(&s.state, 7, 8, "done", &s.transition));
	CHECK_INT(s.state.status, CHECK_UNKNOWN);
	CHECK_INT(good(&s), CHECK_UP);
}

TEST(a_check_that_changes_all_the_time_flaps_and_calms_down)
{
	struct story s = story(1, 1);
	unsigned began = 0, ended = 0;
	for (int i = 0; i < 30 && began == 0; i++) {
		i % 2 ? bad(&s) : good(&s);
		began = s.moved && s.transition.flap_changed && s.transition.flapping ? (unsigned)i : 0;
	}
	CHECK(began >= 5 && began <= 8);
	for (unsigned i = 1; i < 40 && ended == 0; i++) {
		good(&s);
		ended = s.moved && s.transition.flap_changed && !s.transition.flapping ? i : 0;
	}
	CHECK(ended > 5);
	CHECK(!s.state.flapping);
}

TEST(the_weights_of_flapping_are_those_of_the_reference)
{
	struct check_state ring = { .flap_count = CHECK_FLAP_STATES, .flap_ring = 0x155555 };
	CHECK_INT(check_flap_percent(&ring), 100); /* twenty changes of twenty */
	ring.flap_ring = 1;                        /* the newest alone: 1.25 / 20 */
	CHECK_INT(check_flap_percent(&ring), 6);
	ring.flap_ring = 1u << 20;                 /* the oldest alone: 0.75 / 20 */
	CHECK_INT(check_flap_percent(&ring), 3);
	ring.flap_ring = 0;
	CHECK_INT(check_flap_percent(&ring), 0);
}

/* A second opinion: the rules told over the whole history instead of by counters. */
struct history {
	bool good[400];
	time_us boot[400];
	unsigned count;
};

static unsigned row(const struct history *history, bool wanted)
{
	unsigned length = 0;
	while (length < history->count && history->good[history->count - 1 - length] == wanted)
		length++;
	return length;
}

static void check_transition_allowed(const struct story *s, const struct history *history,
                                     enum check_status from, enum check_status to)
{
	unsigned goods = row(history, true), bads = row(history, false);
	bool from_down = from == CHECK_DOWN || from == CHECK_RECOVERING;
	if (to == CHECK_DOWN && !from_down) {
		CHECK(bads >= s->rules.fail_after);
		time_us since = history->boot[history->count - bads];
		CHECK(s->boot - since >= s->rules.down_for);
	}
	if (to == CHECK_FAILING)
		CHECK(bads > 0 && !from_down);
	if ((to == CHECK_UP || to == CHECK_DEGRADED) && from_down)
		CHECK(goods >= s->rules.recover_after);
	if (to == CHECK_UP || to == CHECK_DEGRADED)
		CHECK(goods > 0);
	if (to == CHECK_RECOVERING)
		CHECK(from_down && goods > 0);
	if (to == CHECK_DEGRADED)
		CHECK(s->rules.latency_warn > 0 || s->rules.warn_days > 0);
	CHECK(to != CHECK_UNKNOWN && to != CHECK_PAUSED);
}

/* And nothing is missed: conditions met mean the state is reached. */
static void check_nothing_missed(const struct story *s, const struct history *history)
{
	unsigned goods = row(history, true), bads = row(history, false);
	if (bads >= s->rules.fail_after &&
	    s->boot - history->boot[history->count - bads] >= s->rules.down_for)
		CHECK_INT(s->state.status, CHECK_DOWN);
	if (goods >= s->rules.recover_after)
		CHECK(s->state.status == CHECK_UP || s->state.status == CHECK_DEGRADED);
}

TEST(no_transition_without_its_conditions_and_none_missed_by_chance)
{
	struct random random;
	random_seeded(&random, 7);
	for (int round = 0; round < 300; round++) {
		struct story s = story(1 + (unsigned)random_below(&random, 4), 1 + (unsigned)random_below(&random, 4));
		s.rules.down_for = (time_us)random_below(&random, 5) * TIME_MINUTE;
		s.rules.latency_warn = random_below(&random, 2) ? 2 * TIME_SECOND : 0;
		s.rules.warn_days = random_below(&random, 2) ? 21 : 0;
		struct history history = { .count = 0 };
		uint64_t bad_share = random_below(&random, 100);
		for (int i = 0; i < 400; i++) {
			enum check_status from = s.state.status;
			struct check_result result = {
				.good = random_below(&random, 100) >= bad_share,
				.latency = random_below(&random, 3) ? TIME_MS : 3 * TIME_SECOND,
				.certificated = random_below(&random, 2),
				.days_left = (int)random_below(&random, 40),
			};
			history.good[history.count] = result.good;
			history.boot[history.count++] = s.boot + 30 * TIME_SECOND;
			enum check_status to = feed(&s, result);
			CHECK_INT(s.moved, from != to || (s.moved && s.transition.flap_changed));
			if (from != to)
				check_transition_allowed(&s, &history, from, to);
			check_nothing_missed(&s, &history);
		}
	}
}

TESTS(RUN(down_needs_as_many_failures_in_a_row_as_asked),
      RUN(recovery_needs_its_own_row_and_a_relapse_is_the_same_outage),
      RUN(down_waits_for_the_time_asked_even_with_enough_failures),
      RUN(one_setting_of_one_moves_at_once),
      RUN(who_cannot_look_says_unknown_and_never_down),
      RUN(what_is_down_stays_down_until_it_is_seen_good), RUN(a_probe_that_warns_degrades_after_a_row),
      RUN(slowness_degrades_after_a_row_and_ends_after_a_row),
      RUN(a_certificate_near_its_end_degrades_at_once_and_a_renewed_one_ends_it),
      RUN(a_certificate_with_too_few_days_is_a_failure),
      RUN(pausing_forgets_and_ignores_until_resumed),
      RUN(a_check_that_changes_all_the_time_flaps_and_calms_down),
      RUN(the_weights_of_flapping_are_those_of_the_reference),
      RUN(no_transition_without_its_conditions_and_none_missed_by_chance))
