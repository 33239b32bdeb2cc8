/* number.c: see number.h. */
#include "promql/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS_BYTES 512u

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Without underscores, each of which must stand between digits. False: it does not, or too long. */
static bool without_underscores(struct str text, char *digits)
{
	size_t used = 0;
	if (text.len == 0 || text.len >= DIGITS_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '_') {
			bool after = i > 0 && (is_hex(text.ptr[i - 1]) || text.ptr[i - 1] == 'x');
			if (!after || i + 1 >= text.len || !is_hex(text.ptr[i + 1]))
				return false;
			continue;
		}
		digits[used++] = c;
	}
	digits[used] = '\0';
	return used > 0;
}

static bool is_octal(const char *digits)
{
	return digits[0] == '0' && digits[1] != '\0' && strspn(digits, "01234567") == strlen(digits);
}

static bool by_strtod(const char *digits, double *ret_value)
{
	char *end;
	double value = strtod(digits, &end);
	if (*end != '\0' || end == digits || isinf(value))
		return false;
	*ret_value = value;
	return true;
}

bool promql_number(struct str text, double *ret_value)
{
	char digits[DIGITS_BYTES];
	if (text.len == 3 && strncasecmp(text.ptr, "inf", 3) == 0)
		return *ret_value = INFINITY, true;
	if (text.len == 3 && strncasecmp(text.ptr, "nan", 3) == 0)
		return *ret_value = NAN, true;
	if (!without_underscores(text, digits) || (!is_digit(digits[0]) && digits[0] != '.'))
		return false;
	if (is_octal(digits)) {
		*ret_value = (double)strtoull(digits, NULL, 8);
		return true;
	}
	return by_strtod(digits, ret_value);
}

bool promql_number_signed(struct str text, double *ret_value)
{
	char copy[DIGITS_BYTES];
	if (text.len == 0 || text.len >= sizeof copy)
		return false;
	bool minus = text.ptr[0] == '-', sign = minus || text.ptr[0] == '+';
	struct str rest = str_sub(text, sign, text.len);
	double value;
	if (rest.len == 0 || is_digit(rest.ptr[0]) || rest.ptr[0] == '.') {
		if (rest.len == 0)
			return false;
		memcpy(copy, rest.ptr, rest.len);
		copy[rest.len] = '\0';
		if (!by_strtod(copy, &value))
			return false;
	} else if (rest.len == 8 && strncasecmp(rest.ptr, "infinity", 8) == 0) {
		value = INFINITY;
	} else if (!promql_number(rest, &value)) {
		return false;
	}
	*ret_value = minus ? -value : value;
	return true;
}

static const struct unit {
	const char *name;
	int64_t ms;
	bool whole; /* printed only when nothing smaller is left */
} units[] = {
	{ "y", 365LL * 86400000, true }, { "w", 7LL * 86400000, true }, { "d", 86400000, true },
	{ "h", 3600000, false },         { "m", 60000, false },         { "s", 1000, false },
	{ "ms", 1, false },
};
#define UNITS (sizeof units / sizeof units[0])
#define DURATION_MS_MAX (INT64_MAX / 1000000)

bool promql_duration(struct str text, int64_t *ret_ms)
{
	int64_t total = 0;
	size_t at = 0, next = 0;
	while (at < text.len) {
		size_t digits = at;
		int64_t count = 0;
		while (at < text.len && is_digit(text.ptr[at])) {
			count = count * 10 + (text.ptr[at++] - '0');
			if (count > DURATION_MS_MAX)
				return false;
		}
		size_t letters = at;
		while (at < text.len && !is_digit(text.ptr[at]))
			at++;
		struct str name = str_sub(text, letters, at);
		while (next < UNITS && !str_is(name, units[next].name))
			next++;
		if (letters == digits || next == UNITS || count > DURATION_MS_MAX / units[next].ms)
			return false;
		total += count * units[next++].ms;
		if (total > DURATION_MS_MAX)
			return false;
	}
	*ret_ms = total;
	return text.len > 0;
}

void promql_duration_print(int64_t ms, struct buf *buf)
{
	if (ms == 0) {
		buf_adds(buf, "0s");
		return;
	}
	if (ms < 0)
		buf_addc(buf, '-');
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	for (size_t i = 0; i < UNITS; i++) {
		uint64_t size = (uint64_t)units[i].ms;
		if (left < size || (units[i].whole && left % size != 0))
			continue;
		buf_printf(buf, "%llu%s", (unsigned long long)(left / size), units[i].name);
		left %= size;
	}
}
