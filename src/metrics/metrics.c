/* metrics.c: series and their samples in memory; see metrics.h. */
#include "metrics/metrics.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/metrics_priv.h"

#define HOUR_MS 3600000

static void begin(struct metrics *metrics)
{
	metrics->hour = INT64_MIN / HOUR_MS;
	metrics->series_new = 0;
	metrics->newest_ms = metrics->expired_ms = INT64_MIN;
	metrics->granule_free = INDEX_NONE;
	metrics->series = mem_alloc(SERIES_PAGES_MAX * sizeof *metrics->series);
	metrics->granules = mem_alloc(GRANULE_PAGES_MAX * sizeof *metrics->granules);
	seg_init(&metrics->segs);
}

static void end(struct metrics *metrics)
{
	for (uint32_t i = 0; i < metrics->late_count; i++)
		mem_free(metrics->lates[i]);
	for (uint32_t i = 0; i < SERIES_PAGES_MAX && metrics->series[i] != NULL; i++)
		page_give_back(metrics->series[i]);
	for (uint32_t i = 0; i < GRANULE_PAGES_MAX && metrics->granules[i] != NULL; i++)
		page_give_back(metrics->granules[i]);
	mem_free(metrics->series);
	mem_free(metrics->granules);
	mem_free(metrics->lates);
	mem_free(metrics->found.at);
	seg_finish(&metrics->segs);
	index_finish(&metrics->index);
}

void metrics_create(const struct metrics_options *options, struct random *random, struct metrics **ret_metrics)
{
	assert(options->series_max <= SERIES_PAGE * SERIES_PAGES_MAX);
	assert(options->late_ms_max >= 0);
	struct metrics *metrics = mem_alloc(sizeof *metrics);
	metrics->options = *options;
	index_init(&metrics->index, random);
	begin(metrics);
	atomic_flag_clear(&metrics->reads_ahead);
	pthread_rwlockattr_t kind; /* a dashboard must not keep scrapes out for ever */
	pthread_rwlockattr_init(&kind);
	pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	int made = pthread_rwlock_init(&metrics->lock, &kind);
	pthread_rwlockattr_destroy(&kind);
	assert(made == 0);
	*ret_metrics = metrics;
}

void metrics_empty(struct metrics *metrics)
{
	end(metrics);
	metrics->found = (struct seg_list){ NULL, 0, 0 };
	metrics->lates = NULL;
	metrics->late_count = metrics->granule_count = 0;
	metrics->series_expected = metrics->granules_expected = 0;
	metrics->bytes = 0;
	metrics->samples = 0;
	index_empty(&metrics->index);
	begin(metrics);
}

void metrics_destroy(struct metrics **metrics)
{
	struct metrics *gone = *metrics;
	if (gone == NULL)
		return;
	end(gone);
	pthread_rwlock_destroy(&gone->lock);
	mem_free(gone);
	*metrics = NULL;
}

/* ---- old samples ---- */

void metrics_forget_newest(struct metrics *metrics)
{
	for (uint32_t i = 0; i < metrics->index.series_count; i++)
		metrics_series_at(metrics, i)->newest = 0;
}

bool metrics_has_samples(struct metrics *metrics, uint32_t reference)
{
	const struct series *series = metrics_series_at(metrics, reference);
	const struct late *late = metrics_late(metrics, series);
	int64_t from_ms = metrics->expired_ms;
	if ((series->open.count > 0 && series->open.time_ms >= from_ms) ||
	    (late != NULL && late->count > 0 && late->times[late->count - 1] >= from_ms))
		return true;
	return seg_has_newer(&metrics->segs, reference, series->newest, from_ms);
}

bool metrics_close_segment(struct metrics *metrics)
{
	uint32_t count = metrics->index.series_count;
	uint32_t *heads = mem_alloc((count + 1) * sizeof *heads);
	for (uint32_t i = 0; i < count; i++)
		heads[i] = metrics_series_at(metrics, i)->newest;
	bool closed = seg_close_file(&metrics->segs, heads, count);
	if (closed)
		metrics_forget_newest(metrics);
	mem_free(heads);
	return closed;
}

void metrics_expire(struct metrics *metrics, int64_t before_ms)
{
	pthread_rwlock_wrlock(&metrics->lock);
	struct segs *segs = &metrics->segs;
	if (before_ms > metrics->expired_ms)
		metrics->expired_ms = before_ms;
	if (!segs->pinned && seg_open_is_before(segs, before_ms))
		metrics_close_segment(metrics);
	seg_expire(segs, before_ms);
	pthread_rwlock_unlock(&metrics->lock);
}

/* ---- names ---- */

static enum err check_labels(const struct metrics_label *labels, size_t count, struct error *err)
{
	if (count == 0 || count > METRICS_LABELS_MAX)
		return error_set(err, ERR_INVALID, "cannot keep a series of %zu labels: 1 to %u are allowed", count,
				 METRICS_LABELS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct str name = labels[i].name, value = labels[i].value;
		if (name.len == 0 || name.len > METRICS_TEXT_BYTES_MAX || !str_is_utf8(name))
			return error_set(err, ERR_INVALID, "cannot keep label %zu: its name is no text of 1 to %u bytes",
					 i + 1, METRICS_TEXT_BYTES_MAX);
		if (value.len == 0 || value.len > METRICS_TEXT_BYTES_MAX || !str_is_utf8(value))
			return error_set(err, ERR_INVALID, "cannot keep label \"%.*s\": its value is no text of 1 to %u bytes",
					 (int)(name.len < 80 ? name.len : 80), name.ptr, METRICS_TEXT_BYTES_MAX);
		if (i > 0 && str_cmp(labels[i - 1].name, name) >= 0)
			return error_set(err, ERR_INVALID, "cannot keep label \"%.*s\": it is there twice or out of order",
					 (int)(name.len < 80 ? name.len : 80), name.ptr);
	}
	return OK;
}

static struct str metric_name(const struct metrics_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(labels[i].name, METRICS_NAME))
			return labels[i].value;
	return STR("(no name)");
}

/* NULL: it has no series yet. */
static const struct pair *pair_of_name(const struct index *index, struct str name)
{
	uint32_t label = index_symbol(index, STR(METRICS_NAME)), value = index_symbol(index, name);
	return label == INDEX_NONE || value == INDEX_NONE ? NULL : index_pair(index, label, value);
}

void metrics_begin_hour(struct metrics *metrics)
{
	metrics->hour = metrics->newest_ms / HOUR_MS;
	metrics->series_new = 0;
	index_begin_hour(&metrics->index);
}

/* Which limit a new series meets, as the end of a sentence; false: none. */
static bool meets_limit(const struct metrics *metrics, struct str name, char *ret_text, size_t size)
{
	const struct metrics_options *limits = &metrics->options;
	const struct index *index = &metrics->index;
	const struct pair *pair = pair_of_name(index, name);
	uint32_t of_name = pair == NULL ? 0 : pair->count, new_of_name = pair == NULL ? 0 : pair->count - pair->before;
	uint32_t new_max = limits->series_new_max, name_new_max = limits->series_new_per_name_max;
	uint32_t there = index->series_count - index->gone_count;
	if (there >= limits->series_max)
		snprintf(ret_text, size, "there are %u, as many as series_max allows", there);
	else if (of_name >= limits->series_per_name_max)
		snprintf(ret_text, size, "it has %u, as many as series_per_name_max allows", of_name);
	else if (new_max > 0 && metrics->series_new >= new_max)
		snprintf(ret_text, size, "%u are new in this hour, as many as series_new_max allows", metrics->series_new);
	else if (name_new_max > 0 && new_of_name >= name_new_max)
		snprintf(ret_text, size, "it has %u new ones in this hour, as many as series_new_per_name_max allows", new_of_name);
	else if (metrics_held(metrics) >= limits->bytes_max || !index_has_room(index) ||
	         index->series_count >= SERIES_PAGE * SERIES_PAGES_MAX)
		snprintf(ret_text, size, "%zu bytes are used, as many as bytes_max allows", metrics_held(metrics));
	else
		return false;
	return true;
}

static enum err check_limits(struct metrics *metrics, const struct metrics_label *labels, size_t count,
			     struct error *err)
{
	char limit[128];
	struct str name = metric_name(labels, count);
	if (metrics->newest_ms / HOUR_MS != metrics->hour)
		metrics_begin_hour(metrics);
	if (!meets_limit(metrics, name, limit, sizeof limit)) {
		metrics->series_new++;
		return OK;
	}
	metrics->refused_series++;
	return error_set(err, ERR_LIMIT, "could not begin a series of \"%.*s\": %s", (int)(name.len < 80 ? name.len : 80),
			 name.ptr, limit);
}

struct series *metrics_new_series_at(struct metrics *metrics, uint32_t reference)
{
	uint32_t page = reference / SERIES_PAGE;
	if (metrics->series[page] == NULL)
		metrics->series[page] = page_take((page + 1) * SERIES_PAGE <= metrics->series_expected);
	struct series *series = metrics_series_at(metrics, reference);
	if (index_set(&metrics->index, reference)[0] == 0)
		return series; /* gone: its memory is not touched */
	metrics->bytes += sizeof(struct series);
	series->head = series->tail = INDEX_NONE;
	return series;
}

struct late *metrics_make_late(struct metrics *metrics, struct series *series)
{
	if (series->late == 0) {
		uint32_t number = metrics->late_count++;
		if ((number & (number - 1)) == 0) /* 0, 1, 2, 4 */
			metrics->lates = mem_realloc(metrics->lates, (number == 0 ? 1 : 2 * (size_t)number) * sizeof *metrics->lates);
		metrics->lates[number] = mem_alloc(sizeof **metrics->lates);
		metrics->bytes += sizeof *metrics->lates + sizeof **metrics->lates;
		series->late = (number + 1) & INT32_MAX;
	}
	return metrics_late(metrics, series);
}

static uint32_t new_series(struct metrics *metrics, const struct metrics_label *labels, size_t count)
{
	uint32_t reference = index_add(&metrics->index, labels, count);
	metrics_new_series_at(metrics, reference);
	return reference;
}

enum err metrics_series(struct metrics *metrics, const struct metrics_label *labels, size_t count,
			uint32_t *ret_reference, struct error *err)
{
	enum err result = check_labels(labels, count, err);
	if (result != OK)
		return result;
	pthread_rwlock_rdlock(&metrics->lock);
	uint32_t reference = index_find(&metrics->index, labels, count);
	pthread_rwlock_unlock(&metrics->lock);
	if (reference == INDEX_NONE) {
		pthread_rwlock_wrlock(&metrics->lock);
		reference = index_find(&metrics->index, labels, count); /* somebody may have been faster */
		if (reference == INDEX_NONE && (result = check_limits(metrics, labels, count, err)) == OK)
			reference = new_series(metrics, labels, count);
		pthread_rwlock_unlock(&metrics->lock);
	}
	if (result == OK)
		*ret_reference = reference;
	return result;
}

void metrics_figures(struct metrics *metrics, struct metrics_figures *ret_figures)
{
	pthread_rwlock_rdlock(&metrics->lock);
	const struct index *index = &metrics->index;
	*ret_figures = (struct metrics_figures){
		.series = index->series_count - index->gone_count, .symbols = index->symbol_count, .names = index->name_count,
		.pairs = index->pair_count - index->name_count, .series_new = metrics->series_new,
		.bytes = metrics_held(metrics), .sealed_bytes = metrics->segs.bytes, .samples = metrics->samples,
		.refused_series = metrics->refused_series, .newest_ms = metrics->newest_ms,
		.damaged = atomic_load(&metrics->segs.damaged),
	};
	pthread_rwlock_unlock(&metrics->lock);
}
