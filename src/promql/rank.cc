/* rank.cc: see rank.h. */
#include "promql/rank.h"

#include <algorithm>
#include <cmath>

static bool is_before(double a, double b)
{
	return std::isnan(a) ? !std::isnan(b) : a < b;
}

void rank_pick(double *values, size_t count, size_t rank, double *ret_value, double *ret_next)
{
	std::nth_element(values, values + rank, values + count, is_before);
	*ret_value = *ret_next = values[rank];
	if (rank + 1 < count)
		*ret_next = *std::min_element(values + rank + 1, values + count, is_before);
}
