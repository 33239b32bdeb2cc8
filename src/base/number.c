/* number.c: see number.h. The process runs in the C locale, so strtod reads a point. */
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number_charconv.h"

#define DIGITS_BYTES 512u
#define EXACT_DIGITS_MAX 15 /* 10^15 < 2^53: the digits are a double without rounding */
#define EXACT_POWER_MAX 22  /* so is 10^22, and one division or product of two doubles rounds once */
#define EXPONENT_MAX 99999  /* further digits change nothing */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What a decimal number says, as one whole number and a power of ten. */
struct decimal {
	bool minus, exact; /* exact: `digits` holds them all */
	uint64_t digits;
	int power;
};

static size_t take_digits(struct str text, size_t at, int power_each, struct decimal *decimal)
{
	for (; at < text.len && is_digit(text.ptr[at]); at++) {
		if (decimal->digits >= UINT64_C(100000000000000))
			decimal->exact = false;
		else
			decimal->digits = decimal->digits * 10 + (uint64_t)(text.ptr[at] - '0');
		decimal->power += power_each;
	}
	return at;
}

/* "e-05" at `at`; false: it begins one and does not end it. */
static bool take_exponent(struct str text, size_t *at, struct decimal *decimal)
{
	int exponent = 0;
	if (*at >= text.len || (text.ptr[*at] != 'e' && text.ptr[*at] != 'E'))
		return true;
	size_t i = *at + 1;
	bool minus = i < text.len && text.ptr[i] == '-';
	i += i < text.len && (minus || text.ptr[i] == '+');
	size_t begun = i;
	for (; i < text.len && is_digit(text.ptr[i]); i++)
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (text.ptr[i] - '0');
	decimal->power += minus ? -exponent : exponent;
	*at = i;
	return i > begun;
}

static bool scan(struct str text, struct decimal *decimal)
{
	size_t at = 0;
	*decimal = (struct decimal){ .exact = true, .minus = text.len > 0 && text.ptr[0] == '-' };
	at += decimal->minus || (text.len > 0 && text.ptr[0] == '+');
	size_t whole = at;
	at = take_digits(text, at, 0, decimal);
	size_t count = at - whole;
	if (at < text.len && text.ptr[at] == '.') {
		size_t fraction = ++at;
		at = take_digits(text, at, -1, decimal);
		count += at - fraction;
	}
	return count > 0 && take_exponent(text, &at, decimal) && at == text.len;
}

/* What is past the ends is strtod's: it gives zero, or the smallest there are. */
static bool read_nearest(struct str text, double *ret_value)
{
	char copy[DIGITS_BYTES];
	if (text.len >= sizeof copy)
		return false;
	bool plus = text.ptr[0] == '+';
	if (number_nearest(text.ptr + plus, text.len - plus, ret_value))
		return true;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	*ret_value = strtod(copy, NULL);
	return !isinf(*ret_value);
}

static bool by_word(struct str text, double *ret_value)
{
	bool sign = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
	struct str word = str_sub(text, sign, text.len);
	if (!sign && word.len == 3 && strncasecmp(word.ptr, "nan", 3) == 0)
		*ret_value = NAN;
	else if ((word.len == 3 && strncasecmp(word.ptr, "inf", 3) == 0) ||
		 (word.len == 8 && strncasecmp(word.ptr, "infinity", 8) == 0))
		*ret_value = text.ptr[0] == '-' ? -INFINITY : INFINITY;
	else
		return false;
	return true;
}

bool number_read(struct str text, double *ret_value)
{
	static const double tens[EXACT_POWER_MAX + 1] = {
		1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
	};
	struct decimal decimal;
	double value;
	if (!scan(text, &decimal))
		return by_word(text, ret_value);
	if (!decimal.exact || decimal.power > EXACT_POWER_MAX || decimal.power < -EXACT_POWER_MAX) {
		if (!read_nearest(text, &value))
			return false;
		*ret_value = value;
		return true;
	}
	value = (double)decimal.digits;
	value = decimal.power < 0 ? value / tens[-decimal.power] : value * tens[decimal.power];
	*ret_value = decimal.minus ? -value : value;
	return true;
}

/* Its digits; ret_exponent: of the first one. */
static size_t shortest(double value, char *digits, int *ret_exponent)
{
	char text[NUMBER_SHORTEST_BYTES];
	number_shortest(value, text);
	char *e = strchr(text, 'e');
	*ret_exponent = (int)strtol(e + 1, NULL, 10);
	size_t used = 0;
	for (char *c = text; c < e; c++)
		if (is_digit(*c))
			digits[used++] = *c;
	while (used > 1 && digits[used - 1] == '0')
		used--;
	return used;
}

static void print_plain(const char *digits, size_t count, int exponent, struct buf *buf)
{
	if (exponent < 0) {
		buf_adds(buf, "0.");
		for (int i = -1; i > exponent; i--)
			buf_addc(buf, '0');
		buf_add(buf, (struct str){ digits, count });
		return;
	}
	for (size_t i = 0; i < count || i <= (size_t)exponent; i++) {
		if (i == (size_t)exponent + 1)
			buf_addc(buf, '.');
		buf_addc(buf, i < count ? digits[i] : '0');
	}
}

static void print_scientific(const char *digits, size_t count, int exponent, struct buf *buf)
{
	buf_addc(buf, digits[0]);
	if (count > 1)
		buf_addc(buf, '.');
	buf_add(buf, (struct str){ digits + 1, count - 1 });
	buf_printf(buf, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

void number_print(double value, enum number_form form, struct buf *buf)
{
	char digits[40];
	int exponent;
	if (isnan(value) || isinf(value)) {
		buf_adds(buf, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (signbit(value))
		buf_addc(buf, '-');
	if (value == 0) {
		buf_addc(buf, '0');
		return;
	}
	size_t count = shortest(fabs(value), digits, &exponent);
	int least = form == NUMBER_FORM_G ? -4 : -6, most = form == NUMBER_FORM_G ? 6 : 21;
	if (form != NUMBER_FORM_F && (exponent < least || exponent >= most))
		print_scientific(digits, count, exponent, buf);
	else
		print_plain(digits, count, exponent, buf);
}
