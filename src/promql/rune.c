/* rune.c: see rune.h. */
#include "promql/rune.h"

uint32_t rune_next(struct str text, size_t *at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)text.ptr[*at];
	unsigned count = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 :
			 (first & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t rune = first & (0xffu >> (count + (count > 1)));
	size_t from = (*at)++;
	if (count <= 1)
		return count == 1 ? first : 0xfffd;
	for (unsigned i = 1; i < count; i++) {
		uint8_t byte = from + i < text.len ? (uint8_t)text.ptr[from + i] : 0;
		if ((byte & 0xc0) != 0x80)
			return 0xfffd;
		rune = rune << 6 | (byte & 0x3f);
	}
	if (rune < least[count] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		return 0xfffd;
	*at = from + count;
	return rune;
}

void rune_put(uint32_t rune, struct buf *buf)
{
	if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		rune = 0xfffd;
	if (rune < 0x80) {
		buf_addc(buf, (char)rune);
		return;
	}
	unsigned more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
	static const uint8_t marks[] = { 0, 0xc0, 0xe0, 0xf0 };
	buf_addc(buf, (char)(marks[more] | rune >> (6 * more)));
	while (more-- > 0)
		buf_addc(buf, (char)(0x80 | (rune >> (6 * more) & 0x3f)));
}

bool rune_within(uint32_t rune, const struct rune_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rune >= ranges[i].from && rune <= ranges[i].to)
			return true;
	return false;
}

/* What Go does not print as it is: controls, blanks but the space, marks of format, private use. Of code points that no
 * version of Unicode has assigned it prints none either; here they count as letters. */
bool rune_is_print(uint32_t rune)
{
	static const struct rune_range hidden[] = {
		{ 0, 0x1f }, { 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f },
		{ 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
		{ 0x3000, 0x3000 }, { 0xd800, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
	};
	return !rune_within(rune, hidden, sizeof hidden / sizeof hidden[0]);
}
