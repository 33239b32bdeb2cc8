/* number_charconv.cc: see number_charconv.h. */
#include "base/number_charconv.h"

#include <charconv>

void number_shortest(double value, char ret_text[NUMBER_SHORTEST_BYTES])
{
	*std::to_chars(ret_text, ret_text + NUMBER_SHORTEST_BYTES - 1, value, std::chars_format::scientific).ptr = '\0';
}

bool number_nearest(const char *text, size_t size, double *ret_value)
{
	auto read = std::from_chars(text, text + size, *ret_value);
	return read.ec == std::errc() && read.ptr == text + size;
}
