/* func_math.c: functions of one number. See functions.h. */
#include <math.h>

#include "promql/functions.h"

/* Beyond this, sinh and cosh are half of exp to the last bit; Go takes them so, and they are infinite where exp is. */
#define HALF_EXP 21

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
MAP(map_cosh, fabs(v) > HALF_EXP ? exp(fabs(v)) / 2 : cosh(v))
MAP(map_sin, sin(v))
MAP(map_sinh, fabs(v) > HALF_EXP ? copysign(exp(fabs(v)) / 2, v) : sinh(v))
MAP(map_tan, tan(v))
MAP(map_tanh, tanh(v))
MAP(map_deg, v * 180 / M_PI)
MAP(map_rad, v * M_PI / 180)

/* As Go's Min and Max, unlike fmin and fmax: the infinity that wins against all numbers wins against NaN too, any other
 * NaN is handed on, and minus zero is less than zero. */
static double least(double a, double b)
{
	if (a == -INFINITY || b == -INFINITY)
		return -INFINITY;
	if (isnan(a) || isnan(b))
		return NAN;
	return a < b || (a == b && signbit(a)) ? a : b;
}

static double most(double a, double b)
{
	return -least(-a, -b);
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
