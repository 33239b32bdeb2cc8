/* str.c: see str.h. */
#include "base/str.h"

#include <ctype.h>
#include <string.h>

#include "base/bytes8.h"

#define DISTANCE_BYTES_MAX 64u

struct str str_of(const char *text)
{
	return text != NULL ? (struct str){ text, strlen(text) } : STR_NONE;
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

int str_cmp(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts(struct str text, struct str prefix)
{
	return text.len >= prefix.len && str_eq(str_sub(text, 0, prefix.len), prefix);
}

bool str_ends(struct str text, struct str suffix)
{
	return text.len >= suffix.len &&
	       str_eq(str_sub(text, text.len - suffix.len, text.len), suffix);
}

struct str str_sub(struct str text, size_t from, size_t to)
{
	if (to > text.len)
		to = text.len;
	if (from >= to)
		return STR_NONE;
	return (struct str){ text.ptr + from, to - from };
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct str str_trim(struct str text)
{
	while (text.len > 0 && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

bool str_has(struct str text, char byte)
{
	return text.len > 0 && memchr(text.ptr, byte, text.len) != NULL; /* the empty run may have no address */
}

bool str_cut(struct str text, char byte, struct str *ret_before, struct str *ret_after)
{
	const char *at = text.len > 0 ? memchr(text.ptr, byte, text.len) : NULL;
	if (at == NULL) {
		*ret_before = text;
		*ret_after = STR_NONE;
		return false;
	}
	size_t index = (size_t)(at - text.ptr);
	*ret_before = str_sub(text, 0, index);
	*ret_after = str_sub(text, index + 1, text.len);
	return true;
}

bool str_int(struct str text, int64_t min, int64_t max, int64_t *ret_value)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	size_t at = negative ? 1 : 0;
	if (at == text.len)
		return false;
	int64_t value = 0;
	for (; at < text.len; at++) {
		if (text.ptr[at] < '0' || text.ptr[at] > '9')
			return false;
		int digit = text.ptr[at] - '0';
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			return false; /* summed downwards: the lowest number has no positive twin */
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
		return false;
	if (value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

/* Bytes that follow a lead byte, and the range that the first of them must be in; 0 for no lead. */
static unsigned utf8_tail(unsigned char lead, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xBF;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 1;
	if (lead >= 0xE0 && lead <= 0xEF) {
		if (lead == 0xE0)
			*ret_low = 0xA0;
		if (lead == 0xED)
			*ret_high = 0x9F;
		return 2;
	}
	if (lead >= 0xF0 && lead <= 0xF4) {
		if (lead == 0xF0)
			*ret_low = 0x90;
		if (lead == 0xF4)
			*ret_high = 0x8F;
		return 3;
	}
	return 0;
}

bool str_is_utf8(struct str text)
{
	size_t at = 0;
	while (at < text.len) {
		if (text.len - at >= 8 && bytes8_is_ascii(bytes8_at(text.ptr + at))) {
			at += 8;
			continue;
		}
		unsigned char lead = (unsigned char)text.ptr[at++];
		if (lead < 0x80)
			continue;
		unsigned char low, high;
		unsigned tail = utf8_tail(lead, &low, &high);
		if (tail == 0 || text.len - at < tail)
			return false;
		for (unsigned i = 0; i < tail; i++) {
			unsigned char byte = (unsigned char)text.ptr[at++];
			if (byte < low || byte > high)
				return false;
			low = 0x80;
			high = 0xBF;
		}
	}
	return true;
}

uint64_t str_hash(struct str text)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.ptr[i]) * 1099511628211u;
	return hash;
}

bool str_is_name(struct str text)
{
	if (text.len == 0 || text.len > 63)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.ptr[i];
		bool word = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
		bool inner = (byte == '-' || byte == '.' || byte == '_') && i > 0 && i + 1 < text.len;
		if (!word && !inner)
			return false;
	}
	return true;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

unsigned str_distance(struct str a, struct str b)
{
	if (a.len > DISTANCE_BYTES_MAX || b.len > DISTANCE_BYTES_MAX)
		return DISTANCE_BYTES_MAX;
	unsigned row[DISTANCE_BYTES_MAX + 1][DISTANCE_BYTES_MAX + 1];
	for (unsigned i = 0; i <= a.len; i++)
		row[i][0] = i;
	for (unsigned j = 0; j <= b.len; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned replace = a.ptr[i - 1] != b.ptr[j - 1];
			row[i][j] = min3(row[i - 1][j] + 1, row[i][j - 1] + 1,
					 row[i - 1][j - 1] + replace);
			bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
				       a.ptr[i - 2] == b.ptr[j - 1];
			if (swapped && row[i - 2][j - 2] + 1 < row[i][j])
				row[i][j] = row[i - 2][j - 2] + 1;
		}
	}
	return row[a.len][b.len];
}
