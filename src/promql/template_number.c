/* template_number.c: numbers as Go's fmt prints them, by verb and flags. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/template_print.h"

#define NUMBER_BYTES 1200u /* of a number with its digits, up to PRECISION_MAX of them */
#define PRECISION_MAX 800  /* digits after the point: no double has more that are not 0 */

/* ---- whole numbers ---- */

struct digits {
	char bytes[NUMBER_BYTES];
	size_t at;
};

static void put_before(struct digits *digits, char byte)
{
	if (digits->at > 0)
		digits->bytes[--digits->at] = byte;
}

void printer_base(struct printer *p, int64_t number, bool is_signed, unsigned base, uint32_t verb)
{
	static const char lower[] = "0123456789abcdefx", upper[] = "0123456789ABCDEFX";
	struct digits digits = { .at = NUMBER_BYTES };
	const char *letters = verb == 'X' ? upper : lower;
	bool negative = is_signed && number < 0, zero = p->zero;
	uint64_t left = negative ? 0 - (uint64_t)number : (uint64_t)number;
	long precision = 0;
	p->zero = false;
	if (p->has_precision && p->precision == 0 && left == 0) {
		printer_fill(p, p->has_width ? p->width : 0);
		p->zero = zero;
		return;
	}
	if (p->has_precision)
		precision = p->precision;
	else if (zero && !p->minus && p->has_width)
		precision = p->width - (negative || p->plus || p->space);
	do
		put_before(&digits, letters[left % base]);
	while ((left /= base) > 0);
	while (NUMBER_BYTES - digits.at < (size_t)(precision > 0 ? precision : 0) && digits.at > 4)
		put_before(&digits, '0');
	if (p->sharp && (base == 16 || base == 2)) {
		put_before(&digits, base == 16 ? letters[16] : 'b');
		put_before(&digits, '0');
	} else if (p->sharp && base == 8 && digits.bytes[digits.at] != '0') {
		put_before(&digits, '0');
	}
	if (verb == 'O') {
		put_before(&digits, 'o');
		put_before(&digits, '0');
	}
	if (negative || p->plus || p->space)
		put_before(&digits, negative ? '-' : p->plus ? '+' : ' ');
	printer_pad(p, (struct str){ digits.bytes + digits.at, NUMBER_BYTES - digits.at });
	p->zero = zero;
}

static void quote_rune(struct printer *p, uint32_t rune)
{
	cleanup_buf struct buf text, quoted;
	buf_init(&text, 16);
	buf_init(&quoted, 32);
	rune_put(rune, &text);
	if (rune == '\'' || rune == '"') {
		buf_adds(&quoted, rune == '"' ? "'\"'" : "'\\''");
	} else {
		if (p->plus)
			printer_quote_ascii(buf_str(&text), &quoted);
		else
			promql_quote(buf_str(&text), &quoted);
		quoted.bytes[0] = quoted.bytes[quoted.used - 1] = '\'';
	}
	printer_pad(p, buf_str(&quoted));
}

static void print_unicode(struct printer *p, int64_t number)
{
	cleanup_buf struct buf text;
	buf_init(&text, NUMBER_BYTES);
	int digits = p->has_precision && p->precision > 4 ? p->precision : 4;
	buf_printf(&text, "U+%0*" PRIX64, digits < PRECISION_MAX ? digits : PRECISION_MAX, (uint64_t)number);
	if (p->sharp && number >= 0 && number <= 0x10ffff && rune_is_print((uint32_t)number)) {
		buf_adds(&text, " '");
		rune_put((uint32_t)number, &text);
		buf_addc(&text, '\'');
	}
	bool zero = p->zero;
	p->zero = false;
	printer_pad(p, buf_str(&text));
	p->zero = zero;
}

void printer_whole(struct printer *p, const struct template_value *value, uint32_t verb)
{
	bool is_signed = value->type != TEMPLATE_BYTE;
	uint32_t rune = value->number >= 0 && value->number <= 0x10ffff ? (uint32_t)value->number : 0xfffd;
	cleanup_buf struct buf text;
	buf_init(&text, 16);
	switch (verb) {
	case 'v':
	case 'd':
		if (verb == 'v' && p->sharp_v && !is_signed)
			buf_printf(p->out, "0x%" PRIx64, (uint64_t)value->number);
		else
			printer_base(p, value->number, is_signed, 10, verb);
		break;
	case 'b':
		printer_base(p, value->number, is_signed, 2, verb);
		break;
	case 'o':
	case 'O':
		printer_base(p, value->number, is_signed, 8, verb);
		break;
	case 'x':
	case 'X':
		printer_base(p, value->number, is_signed, 16, verb);
		break;
	case 'c':
		rune_put(rune, &text);
		printer_pad(p, buf_str(&text));
		break;
	case 'q':
		quote_rune(p, rune);
		break;
	case 'U':
		print_unicode(p, value->number);
		break;
	default:
		printer_bad_verb(p, value, verb);
	}
}

/* ---- floats ---- */

/* The fewest digits that read back the same, as d.ddde+xx. */
static void shortest_scientific(double value, char *text, size_t size)
{
	for (int precision = 0; precision <= 16; precision++) {
		snprintf(text, size, "%.*e", precision, value);
		if (precision == 16 || strtod(text, NULL) == value)
			return;
	}
}

static int exponent_of(const char *scientific)
{
	const char *e = strchr(scientific, 'e');
	return e != NULL ? (int)strtol(e + 1, NULL, 10) : 0;
}

/* %g: without the zeros at its end, with an exponent where Go has one: the fewest digits count as 6. */
static void general(double value, int precision, char *text, size_t size)
{
	char scientific[NUMBER_BYTES];
	int wanted = precision == 0 ? 1 : precision, digits = 0;
	if (precision < 0)
		shortest_scientific(value, scientific, sizeof scientific);
	else
		snprintf(scientific, sizeof scientific, "%.*e", wanted - 1, value);
	int exponent = exponent_of(scientific);
	char *e = strchr(scientific, 'e'), *end = e;
	bool point = memchr(scientific, '.', (size_t)(e - scientific)) != NULL;
	while (point && end[-1] == '0')
		end--;
	end -= point && end[-1] == '.';
	for (char *c = scientific; c < end; c++)
		digits += *c >= '0' && *c <= '9';
	if (exponent < -4 || exponent >= (precision < 0 ? 6 : wanted)) {
		snprintf(text, size, "%.*s%s", (int)(end - scientific), scientific, e);
		return;
	}
	int after = digits - 1 - exponent;
	snprintf(text, size, "%.*f", after > 0 ? after : 0, value);
}

/* %b: the mantissa as a whole number and the power of 2. */
static void binary(double value, char *text, size_t size)
{
	int exponent;
	double mantissa = frexp(value, &exponent);
	if (value == 0)
		exponent = -1022 + 53 - 52; /* as the bits of 0 say */
	else if (exponent < -1021) /* a number below the normal ones keeps the smallest exponent */
		mantissa = ldexp(mantissa, exponent + 1021), exponent = -1021;
	snprintf(text, size, "%s%.0fp%+d", signbit(value) ? "-" : "", ldexp(fabs(mantissa), 53), exponent - 53);
}

/* %x: a mantissa that begins with 1, rounded to even, and two digits of exponent at least. */
static void hexadecimal(double value, int precision, char *text, size_t size)
{
	int exponent = 0;
	uint64_t mantissa = (uint64_t)ldexp(fabs(frexp(value, &exponent)), 53); /* 1 and 52 bits behind the point */
	exponent = mantissa == 0 ? 0 : exponent - 1;
	if (precision >= 0 && precision < 13) {
		unsigned cut = 52 - 4 * (unsigned)precision;
		uint64_t rest = mantissa & (((uint64_t)1 << cut) - 1), half = (uint64_t)1 << (cut - 1);
		mantissa >>= cut;
		mantissa += rest > half || (rest == half && (mantissa & 1) == 1);
		mantissa <<= cut;
		if (mantissa >> 53 == 1)
			mantissa >>= 1, exponent++;
	}
	char digits[20];
	snprintf(digits, sizeof digits, "%013" PRIx64, mantissa & (((uint64_t)1 << 52) - 1));
	int count = 13;
	while (precision < 0 && count > 0 && digits[count - 1] == '0')
		count--;
	count = precision >= 0 && precision < 13 ? precision : count;
	snprintf(text, size, "%s0x%d%s%.*s%0*dp%c%02d", signbit(value) ? "-" : "", (int)(mantissa >> 52),
		 count > 0 ? "." : "", count, digits, precision > 13 ? precision - 13 : 0, 0, exponent < 0 ? '-' : '+',
		 abs(exponent));
	if (precision <= 13) { /* the zeros of %0*d print at least one */
		char *p = strchr(text, 'p');
		memmove(p - 1, p, strlen(p) + 1);
	}
}

static void convert(double value, uint32_t verb, int precision, char *text, size_t size)
{
	if (isnan(value) || isinf(value))
		snprintf(text, size, "%s", isnan(value) ? "NaN" : value > 0 ? "Inf" : "-Inf");
	else if (verb == 'e' && precision < 0)
		shortest_scientific(value, text, size);
	else if (verb == 'e')
		snprintf(text, size, "%.*e", precision, value);
	else if (verb == 'f')
		snprintf(text, size, "%.*f", precision, value);
	else if (verb == 'b')
		binary(value, text, size);
	else if (verb == 'x')
		hexadecimal(value, precision, text, size);
	else
		general(value, precision, text, size);
}

/* "#": always a point, and for %g the zeros at the end stay. */
static void sharpen(const struct printer *p, uint32_t verb, char *text, size_t size)
{
	char head[NUMBER_BYTES], tail[16] = "";
	bool hex = verb == 'x' || verb == 'X';
	int digits = verb == 'g' || verb == 'x' ? (p->has_precision ? p->precision : 6) : 0;
	bool point = false, seen = false;
	char *cut = strpbrk(text, hex ? "p" : "ep");
	if (cut != NULL)
		snprintf(tail, sizeof tail, "%s", cut), *cut = '\0';
	size_t used = (size_t)snprintf(head, sizeof head, "%s", text);
	for (char *c = head + (head[0] == '-'); *c != '\0'; c++) {
		point |= *c == '.';
		seen |= *c != '0' && *c != '.';
		digits -= seen && *c != '.';
	}
	if (!point) {
		digits -= strcmp(head[0] == '-' ? head + 1 : head, "0") == 0;
		head[used++] = '.';
	}
	for (; digits > 0 && used + 20 < sizeof head; digits--)
		head[used++] = '0';
	head[used] = '\0';
	snprintf(text, size, "%.*s%s", (int)used, head, tail);
}

static void print_real(struct printer *p, double value, uint32_t verb, int precision)
{
	char text[NUMBER_BYTES + 32];
	bool upper = verb == 'E' || verb == 'G' || verb == 'X', finite = isfinite(value), zero = p->zero;
	uint32_t low = upper ? verb | 0x20 : verb == 'F' ? 'f' : verb == 'v' ? 'g' : verb;
	if (p->has_precision)
		precision = p->precision < PRECISION_MAX ? p->precision : PRECISION_MAX;
	convert(value, low, precision, text, sizeof text);
	if (p->sharp && finite && low != 'b')
		sharpen(p, verb == 'X' ? 'X' : low, text, sizeof text);
	for (char *c = text; upper && finite && *c != '\0'; c++)
		*c = *c >= 'a' && *c <= 'z' ? *c & ~0x20 : *c;
	bool negative = text[0] == '-', infinite = isinf(value);
	char sign = negative ? '-' : p->plus ? '+' : p->space ? ' ' : infinite ? '+' : '\0';
	struct str rest = str_of(text + negative);
	char whole[NUMBER_BYTES + 40];
	int used = snprintf(whole, sizeof whole, "%.*s%s", sign != '\0', &sign, rest.ptr);
	p->zero = zero && finite;
	if (sign != '\0' && p->zero && !p->minus && p->has_width && p->width > used) {
		buf_addc(p->out, sign);
		printer_fill(p, p->width - used);
		buf_add(p->out, rest);
	} else {
		printer_pad(p, (struct str){ whole, (size_t)used });
	}
	p->zero = zero;
}

void printer_float(struct printer *p, const struct template_value *value, uint32_t verb)
{
	if (verb < 0x80 && verb != 0 && strchr("vbgGxX", (int)verb) != NULL)
		print_real(p, value->real, verb, -1);
	else if (verb < 0x80 && verb != 0 && strchr("feEF", (int)verb) != NULL)
		print_real(p, value->real, verb, 6);
	else
		printer_bad_verb(p, value, verb);
}
