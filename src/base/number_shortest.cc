/* number_shortest.cc: see number_shortest.h. */
#include "base/number_shortest.h"

#include <charconv>

void number_shortest(double value, char ret_text[NUMBER_SHORTEST_BYTES])
{
	*std::to_chars(ret_text, ret_text + NUMBER_SHORTEST_BYTES - 1, value, std::chars_format::scientific).ptr = '\0';
}
