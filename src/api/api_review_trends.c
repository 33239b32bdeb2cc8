/*
 * api_review_trends.c: what all reviews together show: what is owed, which factors come back, how long
 * it takes to acknowledge and to resolve, by month, week and service.
 *
 * A mean hides what it was made of, so each figure comes with its count, its median and, beside it,
 * every incident as a dot of its own. Definitions are those of the review (review_phase.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_handlers.h"
#include "api/api_review.h"

#define REVIEWS_LOOKED_AT 2000u
#define ACTIONS_LOOKED_AT 5000u
#define GROUPS_MAX 200u
#define NAME_BYTES 80

struct trends {
	struct review rows[REVIEWS_LOOKED_AT];
	size_t count;
	bool cut;
};

static bool add_review(void *context, const struct review *review)
{
	struct trends *trends = context;
	if (trends->count == REVIEWS_LOOKED_AT) {
		trends->cut = true;
		return false;
	}
	trends->rows[trends->count++] = *review;
	return true;
}

/* ---- what is owed ---- */

static void write_counts(struct api_call *call, const struct trends *trends)
{
	static const char *const states[] = { "draft", "in_review", "published", "waived", "waiting" };
	struct json_writer *json = &call->json;
	int64_t overdue = 0, in_time = 0;
	json_key(json, "reviews");
	json_map_begin(json);
	for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
		int64_t count = 0;
		for (size_t i = 0; i < trends->count; i++)
			count += str_is(trends->rows[i].state, states[s]);
		json_field_int(json, states[s], count);
	}
	for (size_t i = 0; i < trends->count; i++) {
		const struct review *review = &trends->rows[i];
		bool owed = str_is(review->state, "draft") || str_is(review->state, "in_review");
		overdue += owed && review->due < call->now;
		in_time += str_is(review->state, "published") && review->published <= review->due;
	}
	json_field_int(json, "overdue", overdue);
	json_field_int(json, "published_in_time", in_time);
	json_map_end(json);
}

struct action_counts {
	time_us now;
	int64_t open, overdue, closed, closed_in_time;
};

static bool count_action(void *context, const struct review_action *action)
{
	struct action_counts *counts = context;
	bool open = str_is(action->state, "open");
	counts->open += open;
	counts->overdue += open && action->due < counts->now;
	counts->closed += !open;
	counts->closed_in_time += !open && action->closed <= action->due;
	return true;
}

static enum err write_actions(struct api_call *call, const struct guard_sql *visible, struct error *err)
{
	struct action_counts counts = { .now = call->now };
	struct json_writer *json = &call->json;
	struct review_action_filter filter = {
		.service = api_query(call, "service"), .limit = ACTIONS_LOOKED_AT,
		.visible = str_of(visible->text), .visible_values = visible->values,
		.visible_count = visible->count,
	};
	enum err r = review_action_list(call->conn, &filter, &call->arena, count_action, &counts, err);
	json_key(json, "actions");
	json_map_begin(json);
	json_field_int(json, "open", counts.open);
	json_field_int(json, "overdue", counts.overdue);
	json_field_int(json, "closed", counts.closed);
	json_field_int(json, "closed_in_time", counts.closed_in_time);
	json_map_end(json);
	return r;
}

/* ---- factors ---- */

static bool write_factor(void *context, const struct review_factor_count *count)
{
	struct json_writer *json = context;
	json_map_begin(json);
	json_field_text(json, "kind", count->kind);
	json_field_int(json, "factors", count->factors);
	json_field_int(json, "reviews", count->reviews);
	json_map_end(json);
	return true;
}

/* ---- how long it took ---- */

typedef void name_fn(const struct review *review, char ret_name[NAME_BYTES]);

static void month_of(const struct review *review, char ret_name[NAME_BYTES])
{
	struct time_civil civil = time_civil_of(review->at[REVIEW_RESOLVED]);
	snprintf(ret_name, NAME_BYTES, "%04d-%02d", civil.year, civil.month);
}

/* The Monday it began with, by UTC. */
static void week_of(const struct review *review, char ret_name[NAME_BYTES])
{
	time_us at = review->at[REVIEW_RESOLVED];
	struct time_civil civil = time_civil_of(at - time_civil_of(at).weekday * TIME_DAY);
	snprintf(ret_name, NAME_BYTES, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
}

static void service_of(const struct review *review, char ret_name[NAME_BYTES])
{
	snprintf(ret_name, NAME_BYTES, STR_FMT, STR_ARG(review->service));
}

static time_us span_of(const struct review *review, enum review_phase to)
{
	time_us from = review->at[REVIEW_DETECTED], until = review->at[to];
	if (from == TIME_NONE || until == TIME_NONE)
		return -1;
	return until > from ? until - from : 0;
}

static int by_value(const void *left, const void *right)
{
	time_us a = *(const time_us *)left, b = *(const time_us *)right;
	return a < b ? -1 : a > b;
}

/* Count, mean and median of one span over the reviews of one group. */
static void write_span(struct api_call *call, const char *key, const struct trends *trends, name_fn *name_of,
		       const char *group, enum review_phase to)
{
	struct json_writer *json = &call->json;
	time_us *values = arena_array(&call->arena, time_us, trends->count + 1), sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < trends->count; i++) {
		char name[NAME_BYTES];
		time_us span = span_of(&trends->rows[i], to);
		name_of(&trends->rows[i], name);
		if (span < 0 || strcmp(name, group) != 0)
			continue;
		values[count++] = span;
		sum += span;
	}
	qsort(values, count, sizeof values[0], by_value);
	json_key(json, key);
	json_map_begin(json);
	json_field_int(json, "count", (int64_t)count);
	if (count == 0) {
		json_field_null(json, "mean_us");
		json_field_null(json, "median_us");
	} else {
		json_field_int(json, "mean_us", sum / (int64_t)count);
		json_field_int(json, "median_us", (values[(count - 1) / 2] + values[count / 2]) / 2);
	}
	json_map_end(json);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(left, right);
}

static void write_groups(struct api_call *call, const char *key, const struct trends *trends,
			 name_fn *name_of)
{
	char(*names)[NAME_BYTES] = arena_alloc(&call->arena, GROUPS_MAX * NAME_BYTES);
	struct json_writer *json = &call->json;
	size_t count = 0;
	for (size_t i = 0; i < trends->count && count < GROUPS_MAX; i++) {
		size_t k = 0;
		name_of(&trends->rows[i], names[count]);
		while (strcmp(names[k], names[count]) != 0)
			k++;
		count += k == count;
	}
	qsort(names, count, NAME_BYTES, by_name);
	json_key(json, key);
	json_list_begin(json);
	for (size_t i = 0; i < count; i++) {
		int64_t incidents = 0;
		for (size_t k = 0; k < trends->count; k++) {
			char name[NAME_BYTES];
			name_of(&trends->rows[k], name);
			incidents += strcmp(name, names[i]) == 0;
		}
		json_map_begin(json);
		json_field_cstr(json, "name", names[i]);
		json_field_int(json, "incidents", incidents);
		write_span(call, "acknowledge", trends, name_of, names[i], REVIEW_ACKNOWLEDGED);
		write_span(call, "resolve", trends, name_of, names[i], REVIEW_RESOLVED);
		json_map_end(json);
	}
	json_list_end(json);
}

static void write_dots(struct api_call *call, const struct trends *trends)
{
	json_key(&call->json, "incidents");
	json_list_begin(&call->json);
	for (size_t i = 0; i < trends->count; i++)
		api_review_row(call, &trends->rows[i]);
	json_list_end(&call->json);
}

enum err api_review_trends(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	struct trends *trends = arena_new(&call->arena, struct trends);
	struct guard_sql *visible = arena_new(&call->arena, struct guard_sql);
	guard_visible(&call->principal, "i", "? IN (i.opened_by, i.acknowledged_by)", visible);
	struct review_filter filter = {
		.service = api_query(call, "service"), .team = api_query(call, "team"),
		.limit = REVIEWS_LOOKED_AT + 1,
		.visible = str_of(visible->text), .visible_values = visible->values,
		.visible_count = visible->count,
	};
	time_parse(api_query(call, "from"), &filter.from);
	time_parse(api_query(call, "to"), &filter.to);
	enum err r = review_list(call->conn, &filter, &call->arena, add_review, trends, err);
	if (r != OK)
		return r;
	json_map_begin(json);
	write_counts(call, trends);
	r = write_actions(call, visible, err);
	json_key(json, "factors");
	json_list_begin(json);
	if (r == OK)
		r = review_factor_counts(call->conn, &filter, &call->arena, write_factor, json, err);
	json_list_end(json);
	write_groups(call, "months", trends, month_of);
	write_groups(call, "weeks", trends, week_of);
	write_groups(call, "services", trends, service_of);
	write_dots(call, trends);
	json_field_bool(json, "cut", trends->cut);
	json_map_end(json);
	return r;
}
