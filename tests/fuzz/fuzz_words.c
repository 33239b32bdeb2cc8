/*
 * fuzz_words.c: any bytes as the small words that people and peers send: times, durations, numbers,
 * cookies, bearer tokens, status ranges. Asserts that what was read is written back as it was meant.
 */
#include <string.h>

#include "base/time.h"
#include "fuzz.h"
#include "guard/guard.h"
#include "monitor/monitor_spec.h"

static void check_time(struct str text)
{
	time_us at, back;
	char written[TIME_TEXT_BYTES];
	if (!time_parse(text, &at))
		return;
	time_format(at, written);
	PROMISE(time_parse(str_of(written), &back));
	PROMISE(back == at);
}

static void check_duration(struct str text)
{
	time_us duration, back;
	char written[DURATION_TEXT_BYTES];
	if (!duration_parse(text, &duration))
		return;
	duration_format(duration, written);
	PROMISE(duration_parse(str_of(written), &back));
	PROMISE(back == duration);
}

static void check_headers(struct str text)
{
	struct str value;
	if (guard_cookie_find(text, &value) && value.len > 0) {
		PROMISE(value.ptr >= text.ptr);
		PROMISE(value.ptr + value.len <= text.ptr + text.len);
	}
	if (guard_bearer_find(text, &value))
		PROMISE(value.len < text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct status_ranges ranges;
	int64_t number;
	check_time(text);
	check_duration(text);
	check_headers(text);
	if (status_ranges_parse(text, &ranges)) {
		PROMISE(ranges.count > 0);
		PROMISE(!status_ranges_match(&ranges, 99));
		PROMISE(!status_ranges_match(&ranges, 600));
	}
	if (str_int(text, -1000, 1000, &number))
		PROMISE(number >= -1000 && number <= 1000);
	return 0;
}
