/* test_base_memory.c: arenas, buffers, errors, chance. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"

TEST(an_arena_refuses_what_would_pass_its_limit)
{
	struct arena arena;
	arena_init(&arena, 1000);
	CHECK(arena_try(&arena, 900) != NULL);
	CHECK(arena_try(&arena, 200) == NULL);
	CHECK(arena_try(&arena, SIZE_MAX) == NULL);
	arena_reset(&arena);
	CHECK(arena_try(&arena, 900) != NULL);
	arena_finish(&arena);
}

TEST(arena_memory_is_zero_also_after_a_reset)
{
	struct arena arena;
	arena_init(&arena, 0);
	memset(arena_alloc(&arena, 64), 0xFF, 64);
	arena_reset(&arena);
	unsigned char *again = arena_alloc(&arena, 64);
	for (int i = 0; i < 64; i++)
		CHECK_INT(again[i], 0);
	arena_finish(&arena);
}

TEST(a_buffer_takes_every_whole_number)
{
	static const int64_t numbers[] = { 0, 7, -7, 10, 1234567890, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		cleanup_buf struct buf added, printed;
		buf_init(&added, 100);
		buf_init(&printed, 100);
		buf_add_int(&added, numbers[i]);
		buf_printf(&printed, "%lld", (long long)numbers[i]);
		CHECK_STR(buf_str(&added), printed.bytes);
	}
}

TEST(a_buffer_past_its_limit_says_so_and_keeps_what_fitted)
{
	struct buf buf;
	buf_init(&buf, 8);
	buf_adds(&buf, "12345");
	buf_adds(&buf, "6789");
	CHECK(buf.full);
	CHECK_STR(buf_str(&buf), "12345");
	buf_adds(&buf, "6");
	CHECK_STR(buf_str(&buf), "12345");
	buf_reset(&buf);
	buf_printf(&buf, "%d", 12345678);
	CHECK(!buf.full);
	cleanup_free char *taken = buf_take(&buf);
	CHECK_TEXT(taken, "12345678");
	CHECK(buf.bytes == NULL);
}

TEST(an_error_that_is_too_long_ends_in_dots)
{
	struct error err;
	char text[2000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	error_set(&err, ERR_INVALID, "%s", text);
	CHECK_INT(strlen(err.text), ERROR_TEXT_BYTES - 1);
	CHECK(str_ends(str_of(err.text), STR("...")));
	error_set(&err, ERR_IO, "could not write");
	error_prefix(&err, "journal");
	CHECK_TEXT(err.text, "journal: could not write");
	CHECK_INT(err.code, ERR_IO);
}

TEST(the_same_seed_gives_the_same_numbers)
{
	struct random a, b;
	random_seeded(&a, 5);
	random_seeded(&b, 5);
	for (int i = 0; i < 100; i++)
		CHECK_INT(random_below(&a, 1000), random_below(&b, 1000));
}

TESTS(RUN(an_arena_refuses_what_would_pass_its_limit),
      RUN(arena_memory_is_zero_also_after_a_reset),
      RUN(a_buffer_takes_every_whole_number), RUN(a_buffer_past_its_limit_says_so_and_keeps_what_fitted),
      RUN(an_error_that_is_too_long_ends_in_dots), RUN(the_same_seed_gives_the_same_numbers))
