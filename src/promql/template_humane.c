/*
 * template_humane.c: the functions of Prometheus that make numbers, durations and times readable, and read them.
 */
#include <math.h>
#include <stdio.h>

#include "promql/number.h"
#include "promql/template_priv.h"

static bool complain(struct buf *failure, const char *what)
{
	buf_adds(failure, what);
	return false;
}

/* ---- numbers for people ---- */

/* The number, or the text or duration read as one. */
static bool number_of(const struct template_value *value, double *ret_number, struct buf *failure)
{
	switch (value->type) {
	case TEMPLATE_FLOAT:
		*ret_number = value->real;
		return true;
	case TEMPLATE_INT:
	case TEMPLATE_INT64:
		*ret_number = (double)value->number;
		return true;
	case TEMPLATE_DURATION:
		*ret_number = (double)(value->number / 1000000000) + (double)(value->number % 1000000000) / 1e9;
		return true;
	case TEMPLATE_STRING:
		break;
	default:
		buf_printf(failure, "can't convert %s to float", template_type_name(value->type));
		return false;
	}
	enum err r = template_float_read(value->text, ret_number);
	if (r == OK)
		return true;
	buf_adds(failure, "strconv.ParseFloat: parsing ");
	promql_quote(value->text, failure);
	buf_adds(failure, r == ERR_TOO_LARGE ? ": value out of range" : ": invalid syntax");
	return false;
}

static bool give_number(struct template_run *run, double number, const char *before, const char *after,
			struct template_value *ret)
{
	cleanup_buf struct buf out;
	struct template_value value = template_real_value(number);
	buf_init(&out, 128);
	buf_adds(&out, before);
	template_sprintf(STR("%.4g"), &value, 1, &out);
	buf_adds(&out, after);
	return template_take(run, &out, ret);
}

static const char *const large[] = { "", "k", "M", "G", "T", "P", "E", "Z", "Y" };
static const char *const large_1024[] = { "", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi" };
static const char *const small[] = { "", "m", "u", "n", "p", "f", "a", "z", "y" };
#define PREFIXES 9u

static const char *scale_down(double *number, double by, const char *const *prefixes)
{
	size_t i = 0;
	for (; i + 1 < PREFIXES && fabs(*number) >= by; i++)
		*number /= by;
	return prefixes[i];
}

static const char *scale_up(double *number)
{
	size_t i = 0;
	for (; i + 1 < PREFIXES && fabs(*number) < 1; i++)
		*number *= 1000;
	return small[i];
}

bool template_humanize(struct template_run *run, struct template_value *args, size_t count,
		       struct template_value *ret, struct buf *failure)
{
	double number;
	const char *prefix = "";
	(void)count;
	if (!number_of(&args[0], &number, failure))
		return false;
	if (number != 0 && isfinite(number))
		prefix = fabs(number) >= 1 ? scale_down(&number, 1000, large) : scale_up(&number);
	return give_number(run, number, "", prefix, ret);
}

bool template_humanize_1024(struct template_run *run, struct template_value *args, size_t count,
			    struct template_value *ret, struct buf *failure)
{
	double number;
	const char *prefix = "";
	(void)count;
	if (!number_of(&args[0], &number, failure))
		return false;
	if (fabs(number) > 1 && isfinite(number))
		prefix = scale_down(&number, 1024, large_1024);
	return give_number(run, number, "", prefix, ret);
}

bool template_humanize_percentage(struct template_run *run, struct template_value *args, size_t count,
				  struct template_value *ret, struct buf *failure)
{
	double number;
	(void)count;
	return number_of(&args[0], &number, failure) && give_number(run, number * 100, "", "%", ret);
}

/* What a conversion to int64 gives in Go on amd64. */
static int64_t whole_of(double number)
{
	return number >= -9.2233720368547758e18 && number < 9.2233720368547758e18 ? (int64_t)number : INT64_MIN;
}

bool template_humanize_duration(struct template_run *run, struct template_value *args, size_t count,
				struct template_value *ret, struct buf *failure)
{
	double number;
	(void)count;
	if (!number_of(&args[0], &number, failure))
		return false;
	if (!isfinite(number))
		return give_number(run, number, "", "", ret);
	if (fabs(number) < 1) {
		const char *prefix = number == 0 ? "" : scale_up(&number);
		char unit[4];
		snprintf(unit, sizeof unit, "%ss", prefix);
		return give_number(run, number, "", unit, ret);
	}
	const char *sign = number < 0 ? "-" : "";
	int64_t left = whole_of(fabs(number)), seconds = left % 60, minutes = left / 60 % 60, hours = left / 3600 % 24,
		days = left / 86400;
	if (days == 0 && hours == 0 && minutes == 0)
		return give_number(run, fabs(number), sign, "s", ret);
	cleanup_buf struct buf out;
	buf_init(&out, 128);
	buf_adds(&out, sign);
	if (days != 0)
		buf_printf(&out, "%lldd ", (long long)days);
	if (days != 0 || hours != 0)
		buf_printf(&out, "%lldh ", (long long)hours);
	buf_printf(&out, "%lldm %llds", (long long)minutes, (long long)seconds);
	return template_take(run, &out, ret);
}

/* ---- times ---- */

static bool time_of(double number, int64_t *ret_ns, struct buf *failure)
{
	struct template_value value = template_real_value(number);
	double ns = number * 1e9;
	if (!isfinite(number))
		return complain(failure, "value is NaN or Inf");
	if (ns > 9.2233720368547758e18 || ns < -9.2233720368547758e18) {
		template_print(&value, failure);
		buf_adds(failure, " cannot be represented as a nanoseconds timestamp since it overflows int64");
		return false;
	}
	*ret_ns = whole_of(ns) / 1000000 * 1000000;
	return true;
}

bool template_humanize_timestamp(struct template_run *run, struct template_value *args, size_t count,
				 struct template_value *ret, struct buf *failure)
{
	cleanup_buf struct buf out;
	double number;
	int64_t ns;
	(void)count;
	buf_init(&out, 128);
	if (!number_of(&args[0], &number, failure))
		return false;
	if (!isfinite(number))
		return give_number(run, number, "", "", ret);
	if (!time_of(number, &ns, failure))
		return false;
	template_print_time(ns, &out);
	return template_take(run, &out, ret);
}

bool template_to_time(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		      struct buf *failure)
{
	double number;
	int64_t ns;
	(void)run, (void)count;
	if (!number_of(&args[0], &number, failure) || !time_of(number, &ns, failure))
		return false;
	*ret = (struct template_value){ .type = TEMPLATE_TIME_AT, .number = ns };
	return true;
}

bool template_to_duration(struct template_run *run, struct template_value *args, size_t count,
			  struct template_value *ret, struct buf *failure)
{
	struct template_value value;
	double number;
	(void)run, (void)count;
	if (!number_of(&args[0], &number, failure))
		return false;
	if (!isfinite(number))
		return complain(failure, "value is NaN or Inf");
	if (fabs(number * 1e9) > 9.2233720368547758e18) {
		value = template_real_value(number);
		template_print(&value, failure);
		return complain(failure, " cannot be represented as a nanoseconds duration since it overflows int64");
	}
	*ret = (struct template_value){ .type = TEMPLATE_DURATION_AT, .number = whole_of(number * 1e9) };
	return true;
}

bool template_parse_duration(struct template_run *run, struct template_value *args, size_t count,
			     struct template_value *ret, struct buf *failure)
{
	struct str text = args[0].text;
	int64_t ms = 0;
	(void)run, (void)count;
	if (text.len == 0)
		return complain(failure, "empty duration string");
	if (!str_is(text, "0") && !promql_duration(text, &ms)) {
		buf_adds(failure, "not a valid duration string: ");
		promql_quote(text, failure);
		return false;
	}
	*ret = template_real_value((double)(ms * 1000000) / 1e9);
	return true;
}

bool template_now(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	(void)args, (void)count, (void)failure;
	*ret = template_real_value((double)run->scope->time_ms / 1000);
	return true;
}
