/* func_time.c: the calendar in UTC, and the times of a query. See functions.h. */
#include <math.h>

#include "promql/functions.h"

#define DAY_SECONDS 86400
/* Go counts from the year -292277022399 on, without a sign: what is before it comes out at the other end of time. */
#define FIRST_SECOND (-9223371966579724800)

struct date {
	int64_t year, days; /* days since 1970 */
	int month, day, day_of_year, second;
};

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* What a double is as a whole number of seconds; without the undefined casts of C. */
static int64_t whole(double value)
{
	if (isnan(value) || value <= -9.2233720368547758e18 || value >= 9.2233720368547758e18)
		return INT64_MIN;
	return (int64_t)value;
}

/* Days from 1 March 0000 in eras of 400 years: the usual way without tables. */
static struct date date_of(double value)
{
	int64_t seconds = whole(value);
	struct date date = { .days = seconds / DAY_SECONDS, .second = (int)(seconds % DAY_SECONDS) };
	if (seconds < FIRST_SECOND) {
		date.days = (int64_t)((uint64_t)seconds / DAY_SECONDS);
		date.second = (int)((uint64_t)seconds % DAY_SECONDS);
	} else if (date.second < 0) {
		date.second += DAY_SECONDS;
		date.days--;
	}
	int64_t days = date.days + 719468, era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * of_year + 2) / 153;
	date.day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
	date.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	date.year = year_of_era + era * 400 + (date.month <= 2);
	date.day_of_year = date.day;
	for (int month = 1; month < date.month; month++)
		date.day_of_year += month_days(date.year, month);
	return date;
}

static int day_of_week(int64_t days)
{
	return (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

#define DATE(name, expression)                                \
	bool name(double v, const double *p, double *ret)     \
	{                                                     \
		(void)p;                                      \
		struct date date = date_of(v);                \
		*ret = (double)(expression);                  \
		return true;                                  \
	}

DATE(map_year, date.year)
DATE(map_month, date.month)
DATE(map_day_of_month, date.day)
DATE(map_day_of_week, day_of_week(date.days))
DATE(map_day_of_year, date.day_of_year)
DATE(map_days_in_month, month_days(date.year, date.month))
DATE(map_hour, date.second / 3600)
DATE(map_minute, date.second / 60 % 60)

/* Without an argument: of the time of evaluation. */
struct frame *call_date(struct eval *eval, const struct node *node, const struct grid *grid)
{
	const struct function *what = node->call.what;
	struct frame *frame;
	if (node->call.count > 0) {
		frame = eval_node(eval, node->call.arguments[0], grid);
		frame_only_floats(frame, grid);
	} else {
		frame = frame_new(eval, PROMQL_VECTOR);
		struct column *column = frame_add(eval, frame, grid, (struct promql_labels){ NULL, 0 });
		for (size_t i = 0; i < grid->count; i++) {
			column->there[i] = 1;
			column->values[i] = (double)grid_time(grid, i) / 1000;
		}
	}
	for (size_t c = 0; c < frame->count; c++) {
		struct column *column = &frame->columns[c];
		for (size_t i = 0; i < grid->count; i++)
			if (column->there[i])
				what->map(column->values[i], NULL, &column->values[i]);
		if (node->call.count > 0)
			column_drop_name(eval, column);
	}
	if (!eval->options->delayed_names)
		frame_merge(eval, frame, grid);
	return frame;
}

static struct frame *scalar_of(struct eval *eval, const struct grid *grid, double value)
{
	struct frame *frame = frame_new(eval, PROMQL_SCALAR);
	frame->scalar = eval_array(eval, double, grid->count);
	for (size_t i = 0; i < grid->count; i++)
		frame->scalar[i] = value;
	return frame;
}

struct frame *call_time(struct eval *eval, const struct node *node, const struct grid *grid)
{
	(void)node;
	struct frame *frame = scalar_of(eval, grid, 0);
	for (size_t i = 0; i < grid->count; i++)
		frame->scalar[i] = (double)grid_time(grid, i) / 1000;
	return frame;
}

struct frame *call_start(struct eval *eval, const struct node *node, const struct grid *grid)
{
	(void)node;
	return scalar_of(eval, grid, (double)eval->start_ms / 1000);
}

struct frame *call_end(struct eval *eval, const struct node *node, const struct grid *grid)
{
	(void)node;
	return scalar_of(eval, grid, (double)eval->end_ms / 1000);
}

struct frame *call_step(struct eval *eval, const struct node *node, const struct grid *grid)
{
	(void)node;
	return scalar_of(eval, grid, (double)eval->step_ms / 1000);
}

struct frame *call_range(struct eval *eval, const struct node *node, const struct grid *grid)
{
	(void)node;
	return scalar_of(eval, grid, (double)(eval->end_ms - eval->start_ms) / 1000);
}

/* Of a selector the time of its sample, of anything else that of evaluation. */
struct frame *call_timestamp(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct node *bare = node_bare(node->call.arguments[0]);
	struct frame *frame = bare->kind == NODE_SELECTOR ? eval_selector(eval, bare, grid, true)
							   : eval_node(eval, bare, grid);
	for (size_t c = 0; c < frame->count; c++) {
		for (size_t i = 0; i < grid->count && bare->kind != NODE_SELECTOR; i++) {
			frame->columns[c].there[i] = frame->columns[c].there[i] != CELL_EMPTY;
			frame->columns[c].values[i] = (double)grid_time(grid, i) / 1000;
		}
		column_drop_name(eval, &frame->columns[c]);
	}
	if (!eval->options->delayed_names)
		frame_merge(eval, frame, grid);
	return frame;
}
