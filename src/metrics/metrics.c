/* metrics.c: series and their samples in memory; see metrics.h. */
#include "metrics/metrics.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/metrics_priv.h"

void metrics_create(const struct metrics_options *options, struct random *random, struct metrics **ret_metrics)
{
	assert(options->series_max <= SERIES_PAGE * SERIES_PAGES_MAX);
	assert(options->late_ms_max >= 0);
	struct metrics *metrics = mem_alloc(sizeof *metrics);
	metrics->options = *options;
	metrics->newest_ms = INT64_MIN;
	metrics->granule_free = INDEX_NONE;
	metrics->series = mem_alloc(SERIES_PAGES_MAX * sizeof *metrics->series);
	metrics->granules = mem_alloc(GRANULE_PAGES_MAX * sizeof *metrics->granules);
	index_init(&metrics->index, random);
	pthread_rwlockattr_t kind; /* a dashboard must not keep scrapes out for ever */
	pthread_rwlockattr_init(&kind);
	pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	int made = pthread_rwlock_init(&metrics->lock, &kind);
	pthread_rwlockattr_destroy(&kind);
	assert(made == 0);
	*ret_metrics = metrics;
}

void metrics_destroy(struct metrics **metrics)
{
	struct metrics *gone = *metrics;
	if (gone == NULL)
		return;
	for (uint32_t i = 0; i < gone->index.series_count; i++) {
		struct series *series = metrics_series_at(gone, i);
		mem_free(series->late);
		for (struct sealed *sealed = series->sealed, *older; sealed != NULL; sealed = older) {
			older = sealed->older;
			mem_free(sealed);
		}
	}
	for (uint32_t i = 0; i < SERIES_PAGES_MAX && gone->series[i] != NULL; i++)
		mem_free(gone->series[i]);
	for (uint32_t i = 0; i < GRANULE_PAGES_MAX && gone->granules[i] != NULL; i++)
		mem_free(gone->granules[i]);
	mem_free(gone->series);
	mem_free(gone->granules);
	index_finish(&gone->index);
	pthread_rwlock_destroy(&gone->lock);
	mem_free(gone);
	*metrics = NULL;
}

static size_t held(const struct metrics *metrics)
{
	return metrics->bytes + metrics->index.bytes;
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

static uint32_t series_of_name(const struct index *index, struct str name)
{
	uint32_t label = index_symbol(index, STR(METRICS_NAME)), value = index_symbol(index, name);
	const struct pair *pair = label == INDEX_NONE || value == INDEX_NONE ? NULL : index_pair(index, label, value);
	return pair == NULL ? 0 : pair->count;
}

static enum err check_limits(struct metrics *metrics, const struct metrics_label *labels, size_t count,
			     struct error *err)
{
	const struct metrics_options *limits = &metrics->options;
	struct str name = metric_name(labels, count);
	int shown = (int)(name.len < 80 ? name.len : 80);
	enum err result = OK;
	if (metrics->index.series_count >= limits->series_max)
		result = error_set(err, ERR_LIMIT, "could not begin a series of \"%.*s\": there are %u, as many as series_max allows",
				   shown, name.ptr, metrics->index.series_count);
	else if (series_of_name(&metrics->index, name) >= limits->series_per_name_max)
		result = error_set(err, ERR_LIMIT, "could not begin a series of \"%.*s\": it has %u, as many as series_per_name_max allows",
				   shown, name.ptr, limits->series_per_name_max);
	else if (held(metrics) >= limits->bytes_max || !index_has_room(&metrics->index))
		result = error_set(err, ERR_LIMIT, "could not begin a series of \"%.*s\": %zu bytes are used, as many as bytes_max allows",
				   shown, name.ptr, held(metrics));
	metrics->refused_series += result != OK;
	return result;
}

static uint32_t new_series(struct metrics *metrics, const struct metrics_label *labels, size_t count)
{
	uint32_t reference = index_add(&metrics->index, labels, count), page = reference / SERIES_PAGE;
	if (metrics->series[page] == NULL) {
		metrics->series[page] = mem_alloc(SERIES_PAGE * sizeof(struct series));
		metrics->bytes += SERIES_PAGE * sizeof(struct series);
	}
	struct series *series = metrics_series_at(metrics, reference);
	series->head = series->tail = INDEX_NONE;
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
		.series = index->series_count, .symbols = index->symbol_count, .pairs = index->pair_count,
		.bytes = held(metrics), .sealed_bytes = metrics->sealed_bytes, .samples = metrics->samples,
		.refused_series = metrics->refused_series, .newest_ms = metrics->newest_ms,
	};
	pthread_rwlock_unlock(&metrics->lock);
}
