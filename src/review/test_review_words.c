/* test_review_words.c: which words are hinted at, and which are left alone. */
#include "base/check.h"
#include "review/review.h"

static const struct str names[] = { { "Ann", 3 }, { "Bob Stone", 9 } };

static const struct {
	const char *text;
	const char *found; /* the first hint; NULL: none */
} cases[] = {
	{ "The pool was too small for the evening.", NULL },
	{ "Ann acknowledged and Bob Stone restarted the queue.", NULL },
	{ "It broke because Ann pressed the button.", "Ann" },
	{ "Because of the disk it stopped. Ann restarted it.", NULL },
	{ "The annual report failed.", NULL },
	{ "It stopped because\nBob Stone was there.", NULL }, /* another sentence: a line of its own */
	{ "Caused by bob stone", "bob stone" },
	{ "The operator Should Have looked.", "Should Have" },
	{ "Root cause: human error.", "human error" },
	{ "We failed to see it", "failed to" },
	{ "shoulder have", NULL },
	{ "", NULL },
};

TEST(names_in_sentences_of_cause_and_words_of_blame_are_hinted_at)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct review_hint hints[REVIEW_HINTS_MAX];
		size_t count = review_hints(str_of(cases[i].text), names, 2, &arena, hints);
		if ((count > 0) != (cases[i].found != NULL))
			fail_msg("\"%s\": wanted %s, found %zu hints", cases[i].text,
				 cases[i].found != NULL ? cases[i].found : "none", count);
		if (count > 0)
			CHECK_STR(hints[0].found, cases[i].found);
	}
}

TESTS(RUN(names_in_sentences_of_cause_and_words_of_blame_are_hinted_at))
