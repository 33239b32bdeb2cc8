/* test_comms_hint.c: what a draft is asked about, and what it is left in peace for. */
#include <string.h>

#include "base/check.h"
#include "comms/comms_hint.h"

static bool has(const struct comms_draft *draft, const char *code)
{
	struct comms_hint hints[COMMS_HINTS_MAX];
	size_t count = comms_hints(draft, hints);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(hints[i].code, code) == 0)
			return true;
	}
	return false;
}

static struct comms_draft draft_of(const char *text)
{
	return (struct comms_draft){ .audience = COMMS_CUSTOMERS, .state = STR("investigating"), .text = str_of(text),
				     .first = true };
}

TEST(a_good_update_is_left_in_peace)
{
	struct comms_hint hints[COMMS_HINTS_MAX];
	struct comms_draft draft = draft_of("Since 14:02 UTC some customers cannot pay in the Shop. We are restarting the "
					    "payment service. Next update: 14:30 UTC.");
	size_t count = comms_hints(&draft, hints);
	for (size_t i = 0; i < count; i++)
		fail_msg("wanted no hint, found %s: %s", hints[i].code, hints[i].text);
}

TEST(each_thing_that_is_missing_is_named)
{
	struct comms_draft draft = draft_of("We have a problem.");
	CHECK(has(&draft, "affected"));
	CHECK(has(&draft, "since"));
	CHECK(has(&draft, "action"));
	CHECK(has(&draft, "next"));
	draft.components = 1;
	draft.next_promised = true;
	draft.first = false;
	CHECK(!has(&draft, "affected"));
	CHECK(!has(&draft, "since"));
	CHECK(!has(&draft, "next"));
}

TEST(a_promise_of_the_end_is_pointed_out)
{
	static const char *const promises[] = { "It will be fixed by 15:00.", "ETA 10 minutes", "Should be back soon.",
						"Expected to be resolved within the hour" };
	for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
		struct comms_draft draft = draft_of(promises[i]);
		CHECK(has(&draft, "promise"));
	}
	struct comms_draft calm = draft_of("Metadata is unaffected. We will update again at 15:00.");
	CHECK(!has(&calm, "promise"));
}

TEST(names_of_machines_are_pointed_out_to_all_but_engineers)
{
	static const char *const hosts[] = { "db-03 is down", "we restart web12", "10.1.2.3 does not answer",
					     "see pay.prod.internal", "ip-10-0-1-7 failed", "(db-03.example.com)", "fe80::1 is gone" };
	static const char *const words[] = { "P1 since 14:02", "version v2 of 2026", "HTTP 500", "5 customers", "Shop-Wide",
					     "https://status.example.com", "at 14:02:33 UTC" };
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		struct comms_draft draft = draft_of(hosts[i]);
		if (!has(&draft, "host"))
			fail_msg("wanted a hint for \"%s\"", hosts[i]);
		draft.audience = COMMS_ENGINEERS;
		CHECK(!has(&draft, "host"));
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct comms_draft draft = draft_of(words[i]);
		if (has(&draft, "host"))
			fail_msg("wanted no hint for \"%s\"", words[i]);
	}
}

TEST(blame_and_big_words_are_pointed_out)
{
	struct comms_draft blame = draft_of("Human error: Bob forgot to renew it."), big = draft_of("There is an outage.");
	CHECK(has(&blame, "blame"));
	CHECK(has(&big, "outage"));
	big.major = true;
	CHECK(!has(&big, "outage"));
	struct comms_draft calm = draft_of("The default page is shown.");
	CHECK(!has(&calm, "blame"));
}

TEST(the_end_says_what_remains)
{
	struct comms_draft draft = draft_of("It is over.");
	draft.state = STR("resolved");
	CHECK(has(&draft, "rest"));
	CHECK(!has(&draft, "next"));
	draft.text = STR("It is over since 15:00. No data was lost.");
	CHECK(!has(&draft, "rest"));
}

TEST(hints_of_hostile_text_stay_within_their_bounds)
{
	static char text[20000];
	for (size_t i = 0; i < sizeof text - 1; i++)
		text[i] = "a-1.:\xc3\xa9 *0"[i * 7 % 10];
	struct comms_hint hints[COMMS_HINTS_MAX];
	struct comms_draft draft = draft_of(text);
	CHECK(comms_hints(&draft, hints) <= COMMS_HINTS_MAX);
	draft.text = STR_NONE;
	CHECK_INT(comms_hints(&draft, hints), 0);
}

TESTS(RUN(a_good_update_is_left_in_peace), RUN(each_thing_that_is_missing_is_named),
      RUN(a_promise_of_the_end_is_pointed_out), RUN(names_of_machines_are_pointed_out_to_all_but_engineers),
      RUN(blame_and_big_words_are_pointed_out), RUN(the_end_says_what_remains),
      RUN(hints_of_hostile_text_stay_within_their_bounds))
