/* span.c: what "2*step()+5m" comes to. See ast.h. */
#include "promql/ast.h"

#include <math.h>

#define SPAN_SECONDS_MAX 9223372036.0 /* 2^63 ns, the bound of Prometheus */

static enum err combine(enum span_op op, double a, double b, double *ret, struct error *err)
{
	switch (op) {
	case SPAN_ADD:
		return *ret = a + b, OK;
	case SPAN_SUB:
		return *ret = a - b, OK;
	case SPAN_MUL:
		return *ret = a * b, OK;
	case SPAN_POW:
		return *ret = pow(a, b), OK;
	case SPAN_MIN_OF:
		return *ret = fmin(a, b), OK;
	case SPAN_MAX_OF:
		return *ret = fmax(a, b), OK;
	case SPAN_DIV:
		if (b == 0)
			return error_set(err, ERR_INVALID, "division by zero");
		return *ret = a / b, OK;
	case SPAN_MOD:
		if (b == 0)
			return error_set(err, ERR_INVALID, "modulo by zero");
		return *ret = fmod(a, b), OK;
	default:
		return error_set(err, ERR_INVALID, "not a duration");
	}
}

enum err span_seconds(const struct span_expr *expr, int64_t step_ms, int64_t range_ms, double *ret_seconds,
		      struct error *err)
{
	double a = 0, b = 0;
	enum err r = OK;
	switch (expr->op) {
	case SPAN_NUMBER:
		return *ret_seconds = expr->value, OK;
	case SPAN_STEP:
		return *ret_seconds = (double)step_ms / 1000, OK;
	case SPAN_RANGE:
		return *ret_seconds = (double)range_ms / 1000, OK;
	case SPAN_PLUS:
	case SPAN_MINUS:
		r = span_seconds(expr->lhs, step_ms, range_ms, &a, err);
		if (r == OK)
			*ret_seconds = expr->op == SPAN_MINUS ? -a : a;
		return r;
	default:
		r = span_seconds(expr->lhs, step_ms, range_ms, &a, err);
		if (r == OK)
			r = span_seconds(expr->rhs, step_ms, range_ms, &b, err);
		return r == OK ? combine(expr->op, a, b, ret_seconds, err) : r;
	}
}

enum err span_to_ms(double seconds, bool may_be_negative, int64_t *ret_ms, struct error *err)
{
	if (!(fabs(seconds) < SPAN_SECONDS_MAX))
		return error_set(err, ERR_INVALID, "duration out of range");
	int64_t ms = (int64_t)(seconds * 1000 + (seconds < 0 ? -1e-6 : 1e-6));
	if (ms <= 0 && !may_be_negative)
		return error_set(err, ERR_INVALID, "duration must be greater than 0");
	*ret_ms = ms;
	return OK;
}
