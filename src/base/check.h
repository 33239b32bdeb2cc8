/*
 * check.h: how a unit test says what it wants. For test files only.
 *
 * A failure reads: what was checked, wanted, found. Test functions are named as sentences with
 * underscores: TEST(a_silence_that_ends_does_not_resend) and listed in TESTS(...).
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define RUN(name) cmocka_unit_test(name)
#define TESTS(...)                                                          \
	int main(void)                                                      \
	{                                                                   \
		const struct CMUnitTest all[] = { __VA_ARGS__ };            \
		return cmocka_run_group_tests(all, NULL, NULL);             \
	}

#define CHECK(condition)                                                                  \
	do {                                                                              \
		if (!(condition))                                                         \
			fail_msg("%s:%d: wanted %s", __FILE__, __LINE__, #condition);      \
	} while (0)

#define CHECK_INT(found, wanted)                                                                \
	do {                                                                                    \
		long long found_ = (long long)(found), wanted_ = (long long)(wanted);           \
		if (found_ != wanted_)                                                          \
			fail_msg("%s:%d: %s: wanted %lld, found %lld", __FILE__, __LINE__, #found, \
				 wanted_, found_);                                              \
	} while (0)

#define CHECK_STR(found, wanted)                                                                 \
	do {                                                                                     \
		struct str found_ = (found);                                                     \
		const char *wanted_ = (wanted);                                                  \
		if (!str_is(found_, wanted_))                                                    \
			fail_msg("%s:%d: %s: wanted \"%s\", found \"" STR_FMT "\"", __FILE__,     \
				 __LINE__, #found, wanted_, STR_ARG(found_));                     \
	} while (0)

#define CHECK_TEXT(found, wanted) CHECK_STR(str_of(found), wanted)

/* `call` must be made with an error named `err`; a failure prints its sentence. */
#define CHECK_OK(call)                                                                            \
	do {                                                                                      \
		enum err result_ = (call);                                                        \
		if (result_ != OK)                                                                \
			fail_msg("%s:%d: %s: wanted ok, found %s: %s", __FILE__, __LINE__, #call, \
				 err_name(result_), err.text);                                    \
	} while (0)

#define CHECK_ERR(call, wanted)                                                               \
	do {                                                                                  \
		enum err result_ = (call);                                                    \
		if (result_ != (wanted))                                                      \
			fail_msg("%s:%d: %s: wanted %s, found %s", __FILE__, __LINE__, #call, \
				 err_name(wanted), err_name(result_));                        \
	} while (0)
