/* test_review_phase.c: what events say about an incident's course, as tables of cases. */
#include "base/check.h"
#include "review/review_phase.h"

#include <string.h>

/* One event of a case: minutes after the beginning, who, and the one field that counts. */
struct row {
	int minute;
	enum event_kind kind;
	int64_t actor;
	int64_t number;   /* user, page, firing or undone seq, by the kind */
	const char *word; /* reason of a page, state of a try */
};

static const time_us midnight = 20000 * TIME_DAY;

static const void *payload_of(const struct row *row, struct arena *arena)
{
	void *payload = arena_alloc(arena, event_kinds[row->kind].size);
	switch (row->kind) {
	case EVENT_INCIDENT_ACKNOWLEDGED:
		((struct event_incident_acknowledged *)payload)->user = row->number;
		break;
	case EVENT_INCIDENT_ALERT_ENDED:
		((struct event_incident_alert_ended *)payload)->firing = row->number;
		break;
	case EVENT_INCIDENT_UNDONE:
		((struct event_incident_undone *)payload)->undone = row->number;
		break;
	case EVENT_PAGE_CREATED: {
		struct event_page_created *page = payload;
		page->page = row->number;
		page->user = 7;
		page->reason = str_of(row->word);
		break;
	}
	case EVENT_PAGE_ATTEMPTED: {
		struct event_page_attempted *attempted = payload;
		attempted->page = row->number;
		attempted->state = str_of(row->word);
		break;
	}
	default:
		break;
	}
	return payload;
}

#define ROWS_MAX 12

/* The seq of a row is its place, from 1. */
static void feed(const struct row *rows, struct review_facts *facts, struct arena *arena)
{
	memset(facts, 0, sizeof *facts);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < ROWS_MAX && (i == 0 || rows[i].minute > 0 || rows[i].kind != 0); i++) {
			struct event event = {
				.seq = i + 1,
				.event_time = midnight + rows[i].minute * TIME_MINUTE,
				.kind = rows[i].kind,
				.actor = rows[i].actor,
				.payload = payload_of(&rows[i], arena),
			};
			if (pass == 0)
				review_see_undone(facts, &event);
			else
				review_see(facts, &event);
		}
	}
}

#define OPENED EVENT_INCIDENT_OPENED
#define JOINED EVENT_INCIDENT_ALERT_JOINED
#define ENDED EVENT_INCIDENT_ALERT_ENDED
#define TAKEN EVENT_INCIDENT_ACKNOWLEDGED
#define RESOLVED EVENT_INCIDENT_RESOLVED
#define REOPENED EVENT_INCIDENT_REOPENED
#define UNDONE EVENT_INCIDENT_UNDONE
#define NOTED EVENT_INCIDENT_NOTED
#define PAGE EVENT_PAGE_CREATED
#define TRY EVENT_PAGE_ATTEMPTED

/* Wanted: the seq of started, detected, paged, acknowledged, first update, mitigated, resolved. */
static const struct phase_case {
	const char *name;
	struct row rows[ROWS_MAX];
	int64_t wanted[REVIEW_PHASE_COUNT];
} phase_cases[] = {
	{ "the whole way",
	  { { 0, OPENED }, { 0, JOINED }, { 0, PAGE, 0, 1, "step" }, { 1, TRY, 0, 1, "sent" },
	    { 3, TAKEN, 7, 7 }, { 20, ENDED, 0, 0 }, { 20, RESOLVED } },
	  { 1, 1, 4, 5, 0, 6, 7 } },
	{ "a page that was refused has not reached anybody",
	  { { 0, OPENED }, { 0, PAGE, 0, 1, "step" }, { 1, TRY, 0, 1, "retry" }, { 2, TRY, 0, 1, "failed" } },
	  { 1, 1, 0, 0, 0, 0, 0 } },
	{ "the first page counts, not the first that is delivered",
	  { { 0, OPENED }, { 0, PAGE, 0, 1, "step" }, { 0, PAGE, 0, 2, "step" }, { 1, TRY, 0, 2, "sent" },
	    { 2, TRY, 0, 1, "delivered" } },
	  { 1, 1, 4, 0, 0, 0, 0 } },
	{ "a page that tells the end is no alarm",
	  { { 0, OPENED }, { 1, PAGE, 0, 1, "resolved" }, { 1, TRY, 0, 1, "sent" } },
	  { 1, 1, 0, 0, 0, 0, 0 } },
	{ "an acknowledgement that was taken back did not happen",
	  { { 0, OPENED }, { 1, TAKEN, 7, 7 }, { 1, UNDONE, 7, 2 }, { 9, TAKEN, 8, 8 } },
	  { 1, 1, 0, 4, 0, 0, 0 } },
	{ "a resolve that was taken back did not happen",
	  { { 0, OPENED }, { 1, RESOLVED, 7 }, { 1, UNDONE, 7, 2 } },
	  { 1, 1, 0, 0, 0, 0, 0 } },
	{ "what went on ended the last time",
	  { { 0, OPENED }, { 5, RESOLVED, 7 }, { 6, REOPENED, 7 }, { 30, RESOLVED, 7 } },
	  { 1, 1, 0, 0, 0, 0, 4 } },
	{ "it is mitigated when the last alert ends, for the last time",
	  { { 0, OPENED }, { 0, JOINED }, { 2, ENDED, 0, 0 }, { 3, JOINED }, { 4, ENDED, 0, 1 },
	    { 8, ENDED, 0, 0 } },
	  { 1, 1, 0, 0, 0, 6, 0 } },
};

TEST(each_moment_of_an_incident_is_the_event_that_shows_it)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct review_facts *facts = arena_new(&arena, struct review_facts);
	for (size_t c = 0; c < sizeof phase_cases / sizeof phase_cases[0]; c++) {
		feed(phase_cases[c].rows, facts, &arena);
		for (int i = 0; i < REVIEW_PHASE_COUNT; i++) {
			if (facts->moments[i].seq != phase_cases[c].wanted[i])
				fail_msg("%s: %s: wanted event %lld, found %lld", phase_cases[c].name,
					 review_phase_rows[i].name, (long long)phase_cases[c].wanted[i],
					 (long long)facts->moments[i].seq);
		}
	}
}

static const struct gap_case {
	const char *name;
	struct row rows[ROWS_MAX];
	int64_t gaps, first_after; /* how many, and the seq after which the first begins */
} gap_cases[] = {
	{ "ten minutes are none", { { 0, OPENED }, { 10, NOTED, 7 } }, 0, 0 },
	{ "eleven are", { { 0, OPENED }, { 11, NOTED, 7 } }, 1, 1 },
	{ "two of three", { { 0, OPENED }, { 11, NOTED, 7 }, { 15, NOTED, 7 }, { 40, RESOLVED, 7 } }, 2, 1 },
	{ "after the end it may be quiet", { { 0, OPENED }, { 5, RESOLVED, 7 }, { 90, NOTED, 7 } }, 0, 0 },
	{ "while it was over it may be quiet",
	  { { 0, OPENED }, { 5, RESOLVED, 7 }, { 90, REOPENED, 7 }, { 120, NOTED, 7 } }, 1, 3 },
};

TEST(a_gap_is_more_than_ten_minutes_of_nothing_while_it_lasted)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct review_facts *facts = arena_new(&arena, struct review_facts);
	for (size_t c = 0; c < sizeof gap_cases / sizeof gap_cases[0]; c++) {
		feed(gap_cases[c].rows, facts, &arena);
		int64_t first = facts->gap_count > 0 ? facts->gaps[0].before.seq : 0;
		if ((int64_t)facts->gap_count != gap_cases[c].gaps || first != gap_cases[c].first_after)
			fail_msg("%s: wanted %lld after %lld, found %zu after %lld", gap_cases[c].name,
				 (long long)gap_cases[c].gaps, (long long)gap_cases[c].first_after,
				 facts->gap_count, (long long)first);
	}
}

TEST(the_trouble_began_with_the_alert_that_opened_it_and_not_with_one_that_came_later)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct review_facts *facts = arena_new(&arena, struct review_facts);
	static const struct row rows[ROWS_MAX] = { { 5, OPENED }, { 5, JOINED } };
	feed(rows, facts, &arena);
	review_see_alert(facts, midnight + 9 * TIME_MINUTE, 40);
	CHECK_INT(facts->moments[REVIEW_STARTED].seq, 1);
	review_see_alert(facts, midnight + 3 * TIME_MINUTE, 41);
	CHECK_INT(facts->moments[REVIEW_STARTED].seq, 41);
	review_see_alert(facts, midnight + 4 * TIME_MINUTE, 42);
	CHECK_INT(facts->moments[REVIEW_STARTED].at, midnight + 3 * TIME_MINUTE);
}

TEST(a_span_is_missing_when_one_of_its_ends_is_and_never_below_zero)
{
	struct review_moment moments[REVIEW_PHASE_COUNT] = {
		[REVIEW_STARTED] = { midnight, 1 },
		[REVIEW_DETECTED] = { midnight + 30 * TIME_SECOND, 2 },
		[REVIEW_PAGED] = { midnight + 29 * TIME_SECOND, 3 },
		[REVIEW_RESOLVED] = { midnight + TIME_HOUR, 4 },
	};
	static const time_us wanted[REVIEW_SPANS] = { 30 * TIME_SECOND, 0, -1, -1, -1,
						      TIME_HOUR - 30 * TIME_SECOND, TIME_HOUR };
	for (size_t i = 0; i < REVIEW_SPANS; i++)
		CHECK_INT(review_span(moments, &review_span_rows[i]), wanted[i]);
}

TEST(people_are_counted_by_what_they_did)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct review_facts *facts = arena_new(&arena, struct review_facts);
	static const struct row rows[ROWS_MAX] = { { 0, OPENED, 9 }, { 1, PAGE, 0, 1, "step" }, { 2, TAKEN, 8, 8 },
						   { 3, NOTED, 8 }, { 4, NOTED, 8 }, { 5, RESOLVED, 9 } };
	feed(rows, facts, &arena);
	CHECK_INT(facts->people_count, 3);
	CHECK_INT(facts->people[0].user, 9);
	CHECK_INT(facts->people[0].counts[REVIEW_ENDED], 1);
	CHECK_INT(facts->people[1].counts[REVIEW_WAS_PAGED], 1);
	CHECK_INT(facts->people[2].counts[REVIEW_NOTED], 2);
}

TEST(working_days_skip_the_weekend)
{
	static const struct {
		const char *from, *until;
		unsigned days;
	} cases[] = {
		{ "2026-11-23T10:00:00Z", "2026-11-30T10:00:00Z", 5 }, /* Monday to Monday */
		{ "2026-11-27T23:59:59Z", "2026-11-30T23:59:59Z", 1 }, /* Friday to Monday */
		{ "2026-11-28T08:00:00Z", "2026-11-30T08:00:00Z", 1 }, /* Saturday to Monday */
		{ "2026-11-29T08:00:00Z", "2026-12-04T08:00:00Z", 5 }, /* Sunday to Friday */
		{ "2026-11-25T08:00:00Z", "2026-11-25T08:00:00Z", 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		time_us from, until;
		CHECK(time_parse(str_of(cases[i].from), &from));
		CHECK(time_parse(str_of(cases[i].until), &until));
		CHECK_INT(review_working_days(from, cases[i].days), until);
	}
}

TESTS(RUN(each_moment_of_an_incident_is_the_event_that_shows_it),
      RUN(a_gap_is_more_than_ten_minutes_of_nothing_while_it_lasted),
      RUN(the_trouble_began_with_the_alert_that_opened_it_and_not_with_one_that_came_later),
      RUN(a_span_is_missing_when_one_of_its_ends_is_and_never_below_zero),
      RUN(people_are_counted_by_what_they_did), RUN(working_days_skip_the_weekend))
