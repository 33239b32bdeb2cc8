/* func_math.c: functions of one number. See functions.h. */
#include <math.h>

#include "promql/functions.h"

/* One line a function: name, and what becomes of v. */
#define MAP(name, expression)                                                      \
	bool name(double v, const double *p, double *ret)                          \
	{                                                                          \
		(void)p;                                                           \
		*ret = (expression);                                               \
		return true;                                                       \
	}

MAP(map_abs, fabs(v))
MAP(map_ceil, ceil(v))
MAP(map_floor, floor(v))
MAP(map_exp, exp(v))
MAP(map_ln, log(v))
MAP(map_log2, log2(v))
MAP(map_log10, log10(v))
MAP(map_sqrt, sqrt(v))
MAP(map_sgn, v < 0 ? -1 : v > 0 ? 1 : v)
MAP(map_acos, acos(v))
MAP(map_acosh, acosh(v))
MAP(map_asin, asin(v))
MAP(map_asinh, asinh(v))
MAP(map_atan, atan(v))
MAP(map_atanh, atanh(v))
MAP(map_cos, cos(v))
MAP(map_cosh, cosh(v))
MAP(map_sin, sin(v))
MAP(map_sinh, sinh(v))
MAP(map_tan, tan(v))
MAP(map_tanh, tanh(v))
MAP(map_deg, v * 180 / M_PI)
MAP(map_rad, v * M_PI / 180)

/* Unlike fmin and fmax these hand a NaN on, as Go's do. */
static double least(double a, double b)
{
	return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
}

static double most(double a, double b)
{
	return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

MAP(map_clamp_min, most(p[0], v))
MAP(map_clamp_max, least(p[0], v))

bool map_clamp(double v, const double *p, double *ret)
{
	if (p[1] < p[0])
		return false;
	*ret = most(p[0], least(p[1], v));
	return true;
}

/* By the inverse: 1/0.1 is exact where 0.1 is not. */
MAP(map_round, floor(v * (1 / p[0]) + 0.5) / (1 / p[0]))
