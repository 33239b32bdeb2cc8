/*
 * exposition_openmetrics.c: what OpenMetrics forbids between lines.
 *
 *     family   from its first metadata or sample to the next family; its name, and those of its parts, come once
 *     group    the samples of a family with the same labels, but for le, quantile and the name of a state set: together,
 *              their times never fall, all with a time or none
 *
 * What a family is worth as a whole (histograms) is looked at when it ends.
 */
#include "wire/exposition_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"

#define NAMES_BYTES_MAX ((size_t)256 << 20)
#define GROUPS_BYTES_MAX ((size_t)256 << 20)
#define KEY_BYTES_MAX (4u << 20)
#define SUFFIXES_MAX 5

/* The names of the samples that a family may have. */
static const char *const suffixes[EXPOSITION_TYPE_COUNT][SUFFIXES_MAX] = {
	[EXPOSITION_UNKNOWN] = { "" },
	[EXPOSITION_COUNTER] = { "_total", "_created" },
	[EXPOSITION_GAUGE] = { "" },
	[EXPOSITION_HISTOGRAM] = { "_count", "_sum", "_bucket", "_created" },
	[EXPOSITION_GAUGEHISTOGRAM] = { "_gcount", "_gsum", "_bucket" },
	[EXPOSITION_SUMMARY] = { "", "_count", "_sum", "_created" },
	[EXPOSITION_INFO] = { "_info" },
	[EXPOSITION_STATESET] = { "" },
};

/* One histogram: a group at one time. */
struct histogram {
	bool any, bucket, count, sum, gsum, negative_bound, negative_gsum;
	double bound, value, total;
};

struct exposition_openmetrics {
	struct arena names_arena, groups_arena;
	struct exposition_names names;  /* of all families and their parts */
	struct exposition_names groups; /* of this family */
	struct exposition_names series; /* of this group */
	bool begun;
	struct buf name;
	enum exposition_type type;
	bool has_type, has_help, has_unit;
	struct buf unit;
	size_t samples;
	bool in_group, group_has_time;
	double group_time;
	struct buf group, key; /* the group's labels; what was made of a sample last */
	struct histogram histogram;
	uint32_t line;
};

struct exposition_openmetrics *exposition_openmetrics_create(void)
{
	struct exposition_openmetrics *check = mem_alloc(sizeof *check);
	arena_init(&check->names_arena, NAMES_BYTES_MAX);
	arena_init(&check->groups_arena, GROUPS_BYTES_MAX);
	exposition_names_init(&check->names, &check->names_arena);
	exposition_names_init(&check->groups, &check->groups_arena);
	exposition_names_init(&check->series, &check->groups_arena);
	buf_init(&check->name, KEY_BYTES_MAX);
	buf_init(&check->unit, KEY_BYTES_MAX);
	buf_init(&check->group, KEY_BYTES_MAX);
	buf_init(&check->key, KEY_BYTES_MAX);
	return check;
}

void exposition_openmetrics_destroy(struct exposition_openmetrics **check)
{
	if (*check == NULL)
		return;
	exposition_names_finish(&(*check)->names);
	exposition_names_finish(&(*check)->groups);
	exposition_names_finish(&(*check)->series);
	arena_finish(&(*check)->names_arena);
	arena_finish(&(*check)->groups_arena);
	buf_finish(&(*check)->name);
	buf_finish(&(*check)->unit);
	buf_finish(&(*check)->group);
	buf_finish(&(*check)->key);
	mem_free(*check);
	*check = NULL;
}

static enum err refuse(const struct exposition_openmetrics *check, const char *what, struct error *err)
{
	return error_set(err, ERR_INVALID, "line %u: %s: \"" STR_FMT "\"", check->line, what,
			 STR_ARG(buf_str(&check->name)));
}

static enum err no_room(const struct exposition_openmetrics *check, struct error *err)
{
	return error_set(err, ERR_TOO_LARGE, "line %u: there is no room for so many series", check->line);
}

/* ---- a histogram, when it is whole ---- */

static enum err histogram_end(struct exposition_openmetrics *check, struct error *err)
{
	const struct histogram *h = &check->histogram;
	if (!h->any)
		return OK;
	if (!h->bucket || !isinf(h->bound) || h->bound < 0)
		return refuse(check, "the bucket le=\"+Inf\" is missing", err);
	if (h->count && h->total != h->value)
		return refuse(check, "the count differs from the bucket le=\"+Inf\"", err);
	if ((h->sum || h->gsum) && !h->count)
		return refuse(check, "there is a sum and no count", err);
	if (!h->sum && !h->gsum && h->count)
		return refuse(check, "there is a count and no sum", err);
	if (h->negative_bound && h->sum)
		return refuse(check, "a sum beside buckets below 0", err);
	if (!h->negative_bound && h->negative_gsum)
		return refuse(check, "a sum below 0 without buckets below 0", err);
	return OK;
}

static enum err histogram_take(struct exposition_openmetrics *check, const struct exposition_item *item,
			       struct str suffix, struct error *err)
{
	struct histogram *h = &check->histogram;
	double bound;
	h->any = true;
	if (str_is(suffix, "_bucket")) {
		for (size_t i = 0; i < item->count; i++)
			if (str_is(item->labels[i].name, "le") && number_read(item->labels[i].value, &bound)) {
				if (h->bucket && !(bound > h->bound))
					return refuse(check, "buckets are out of order", err);
				if (item->value < h->value)
					return refuse(check, "a bucket holds less than the one before it", err);
				h->negative_bound |= bound < 0;
				h->bound = bound;
				h->value = item->value;
				h->bucket = true;
			}
	} else if (str_is(suffix, "_count") || str_is(suffix, "_gcount")) {
		h->count = true;
		h->total = item->value;
	} else if (str_is(suffix, "_sum")) {
		h->sum = true;
	} else if (str_is(suffix, "_gsum")) {
		h->gsum = true;
		h->negative_gsum |= item->value < 0;
	}
	return OK;
}

static bool is_histogram(const struct exposition_openmetrics *check)
{
	return check->type == EXPOSITION_HISTOGRAM || check->type == EXPOSITION_GAUGEHISTOGRAM;
}

/* ---- families ---- */

/* The family's own name counts too, whatever its samples are called. */
static enum err claim_names(struct exposition_openmetrics *check, struct error *err)
{
	struct buf *key = &check->key;
	bool plain = false;
	for (size_t i = 0; i < SUFFIXES_MAX; i++) {
		const char *suffix = suffixes[check->type][i];
		if (suffix == NULL && plain)
			break;
		plain |= suffix == NULL || suffix[0] == '\0';
		buf_reset(key);
		buf_add(key, buf_str(&check->name));
		buf_adds(key, suffix != NULL ? suffix : "");
		void **place = exposition_names_put(&check->names, buf_str(key));
		if (place == NULL)
			return no_room(check, err);
		if (*place != NULL)
			return error_set(err, ERR_INVALID, "line %u: the metric name \"" STR_FMT "\" is taken by an earlier family",
					 check->line, STR_ARG(buf_str(key)));
		*place = check;
	}
	return OK;
}

static enum err family_end(struct exposition_openmetrics *check, struct error *err)
{
	if (!check->begun)
		return OK;
	struct str name = buf_str(&check->name), unit = buf_str(&check->unit);
	if (unit.len > 0 && (name.len <= unit.len || !str_ends(name, unit) || name.ptr[name.len - unit.len - 1] != '_'))
		return refuse(check, "the metric name does not end in its unit", err);
	if (unit.len > 0 && (check->type == EXPOSITION_INFO || check->type == EXPOSITION_STATESET))
		return refuse(check, "an info or state set has no unit", err);
	enum err r = is_histogram(check) ? histogram_end(check, err) : OK;
	return r != OK ? r : claim_names(check, err);
}

static enum err family_begin(struct exposition_openmetrics *check, const struct exposition_item *item, struct error *err)
{
	enum err r = family_end(check, err);
	check->line = item->line;
	check->begun = true;
	buf_reset(&check->name);
	buf_add(&check->name, item->name);
	buf_reset(&check->unit);
	check->type = EXPOSITION_UNKNOWN;
	check->has_type = check->has_help = check->has_unit = check->in_group = false;
	check->samples = 0;
	check->histogram = (struct histogram){ .any = false };
	exposition_names_clear(&check->groups);
	exposition_names_clear(&check->series);
	arena_reset(&check->groups_arena);
	return r;
}

static enum err take_metadata(struct exposition_openmetrics *check, const struct exposition_item *item, struct error *err)
{
	bool same = check->begun && str_eq(item->name, buf_str(&check->name));
	enum err r = same ? OK : family_begin(check, item, err);
	if (r != OK)
		return r;
	check->line = item->line;
	if (check->samples > 0)
		return refuse(check, "metadata after the samples", err);
	bool *has = item->kind == EXPOSITION_TYPE ? &check->has_type :
		    item->kind == EXPOSITION_HELP ? &check->has_help : &check->has_unit;
	if (*has)
		return refuse(check, "the same metadata a second time", err);
	*has = true;
	if (item->kind == EXPOSITION_TYPE)
		check->type = item->type;
	if (item->kind == EXPOSITION_UNIT)
		buf_add(&check->unit, item->text);
	return OK;
}

/* ---- groups ---- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct exposition_label *)a)->name, ((const struct exposition_label *)b)->name);
}

/* The labels in one order, as a text: `without` is left out. */
static void make_key(struct exposition_openmetrics *check, const struct exposition_item *item, struct str without)
{
	struct exposition_label labels[EXPOSITION_LABELS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < item->count; i++)
		if (!str_eq(item->labels[i].name, without))
			labels[count++] = item->labels[i];
	qsort(labels, count, sizeof *labels, by_name);
	buf_reset(&check->key);
	for (size_t i = 0; i < count; i++) {
		buf_printf(&check->key, "%zu,%zu:", labels[i].name.len, labels[i].value.len);
		buf_add(&check->key, labels[i].name);
		buf_add(&check->key, labels[i].value);
	}
}

static void make_group_key(struct exposition_openmetrics *check, const struct exposition_item *item, struct str suffix)
{
	static const struct exposition_item nothing = { .kind = EXPOSITION_SAMPLE };
	struct str without = STR_NONE;
	if (check->type == EXPOSITION_SUMMARY && suffix.len == 0)
		without = STR("quantile");
	else if (check->type == EXPOSITION_STATESET)
		without = buf_str(&check->name);
	else if (is_histogram(check) && str_is(suffix, "_bucket"))
		without = STR("le");
	make_key(check, check->type == EXPOSITION_INFO ? &nothing : item, without);
}

/* Another group, or another time of it, ends the histogram that was open. */
static enum err enter_group(struct exposition_openmetrics *check, const struct exposition_item *item, struct str suffix,
			    bool *ret_again, struct error *err)
{
	make_group_key(check, item, suffix);
	bool same = check->in_group && str_eq(buf_str(&check->key), buf_str(&check->group));
	bool same_time = check->group_has_time == item->has_time &&
			 (!item->has_time || check->group_time == item->time_seconds);
	void **place = exposition_names_put(&check->groups, buf_str(&check->key));
	if (place == NULL)
		return no_room(check, err);
	if (!same && *place != NULL)
		return refuse(check, "the samples of a group do not stand together", err);
	*place = check;
	if (same && check->group_has_time != item->has_time)
		return refuse(check, "some samples of a group have a timestamp and some have none", err);
	if (same && item->has_time && item->time_seconds < check->group_time && check->type != EXPOSITION_INFO)
		return refuse(check, "timestamps go back within a group", err);
	if (!same) {
		exposition_names_clear(&check->series);
		buf_reset(&check->group);
		buf_add(&check->group, buf_str(&check->key));
	}
	if (is_histogram(check) && (!same || !same_time)) {
		enum err r = histogram_end(check, err);
		check->histogram = (struct histogram){ .any = false };
		if (r != OK)
			return r;
	}
	make_key(check, item, STR_NONE);
	buf_add(&check->key, item->name);
	place = exposition_names_put(&check->series, buf_str(&check->key));
	if (place == NULL)
		return no_room(check, err);
	if (*place != NULL && !item->has_time)
		return refuse(check, "the same series twice without timestamps", err);
	/* At one time it may come again: its clock was finer than what is written. */
	*ret_again = *place != NULL && same && same_time;
	*place = check;
	check->in_group = true;
	check->group_has_time = item->has_time;
	check->group_time = item->time_seconds;
	return OK;
}

/* ---- one sample ---- */

static bool belongs(const struct exposition_openmetrics *check, struct str name, struct str *ret_suffix)
{
	struct str family = buf_str(&check->name);
	if (!check->begun || !str_starts(name, family))
		return false;
	*ret_suffix = str_sub(name, family.len, name.len);
	for (size_t i = 0; i < SUFFIXES_MAX && suffixes[check->type][i] != NULL; i++)
		if (str_is(*ret_suffix, suffixes[check->type][i]))
			return true;
	return false;
}

static bool label_of(const struct exposition_item *item, struct str name, struct str *ret_value)
{
	for (size_t i = 0; i < item->count; i++)
		if (str_eq(item->labels[i].name, name)) {
			*ret_value = item->labels[i].value;
			return true;
		}
	return false;
}

/* A number, and infinity in its one spelling. */
static bool is_bound(struct str text, double *ret_bound)
{
	return number_read(text, ret_bound) && !isnan(*ret_bound) &&
	       (!isinf(*ret_bound) || *ret_bound < 0 || str_is(text, "+Inf"));
}

static enum err check_labels(const struct exposition_openmetrics *check, const struct exposition_item *item,
			     struct str suffix, struct error *err)
{
	struct str value = STR_NONE;
	double bound;
	if (check->type == EXPOSITION_STATESET && !label_of(item, buf_str(&check->name), &value))
		return refuse(check, "a sample of a state set lacks the label of its state", err);
	if (str_is(suffix, "_bucket") && (!label_of(item, STR("le"), &value) || !is_bound(value, &bound)))
		return refuse(check, "a bucket needs a label le that is a number", err);
	if (check->type == EXPOSITION_SUMMARY && suffix.len == 0 &&
	    (!label_of(item, STR("quantile"), &value) || !is_bound(value, &bound) || !(bound >= 0 && bound <= 1)))
		return refuse(check, "a quantile needs a label quantile from 0 to 1", err);
	return OK;
}

static enum err check_value(const struct exposition_openmetrics *check, const struct exposition_item *item,
			    struct str suffix, struct error *err)
{
	bool bucket = str_is(suffix, "_bucket"), gsum = str_is(suffix, "_gsum");
	bool count = str_is(suffix, "_count") || str_is(suffix, "_gcount");
	bool counts = bucket || count || str_is(suffix, "_total") || str_is(suffix, "_sum");
	double v = item->value;
	if (check->type == EXPOSITION_STATESET && v != 0 && v != 1)
		return refuse(check, "a state is 0 or 1", err);
	if (check->type == EXPOSITION_INFO && v != 1)
		return refuse(check, "an info is 1", err);
	if (check->type == EXPOSITION_SUMMARY && suffix.len == 0 && v < 0)
		return refuse(check, "a quantile is not below 0", err);
	if ((counts || gsum) && isnan(v))
		return refuse(check, "what counts cannot be NaN", err);
	if (counts && v < 0)
		return refuse(check, "what counts cannot be below 0", err);
	if ((bucket || count) && !isinf(v) && v != floor(v))
		return refuse(check, "a bucket and a count are whole numbers", err);
	return OK;
}

static size_t characters(struct str text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0u) != 0x80u;
	return count;
}

static enum err check_exemplar(const struct exposition_openmetrics *check, const struct exposition_item *item,
			       struct str suffix, struct error *err)
{
	size_t length = 0;
	if (!item->has_exemplar)
		return OK;
	if (!(is_histogram(check) && str_is(suffix, "_bucket")) &&
	    !(check->type == EXPOSITION_COUNTER && str_is(suffix, "_total")))
		return refuse(check, "only buckets and totals have exemplars", err);
	for (size_t i = 0; i < item->exemplar.count; i++)
		length += characters(item->exemplar.labels[i].name) + characters(item->exemplar.labels[i].value);
	if (length > EXPOSITION_EXEMPLAR_CHARACTERS_MAX)
		return refuse(check, "the labels of an exemplar are longer than 128 characters", err);
	return OK;
}

static enum err take_sample(struct exposition_openmetrics *check, const struct exposition_item *item, struct error *err)
{
	struct str suffix = STR_NONE;
	bool again = false;
	enum err r = OK;
	if (!belongs(check, item->name, &suffix)) {
		r = family_begin(check, item, err);
		suffix = STR_NONE;
	}
	if (r != OK)
		return r;
	check->line = item->line;
	check->samples++;
	r = check_labels(check, item, suffix, err);
	if (r == OK)
		r = enter_group(check, item, suffix, &again, err);
	if (r == OK)
		r = check_value(check, item, suffix, err);
	if (r == OK)
		r = check_exemplar(check, item, suffix, err);
	if (r == OK && is_histogram(check) && !again)
		r = histogram_take(check, item, suffix, err);
	return r;
}

enum err exposition_openmetrics_take(struct exposition_openmetrics *check, const struct exposition_item *item,
				     struct error *err)
{
	switch (item->kind) {
	case EXPOSITION_EOF:
		return family_end(check, err);
	case EXPOSITION_SAMPLE:
		return take_sample(check, item, err);
	default:
		return take_metadata(check, item, err);
	}
}
