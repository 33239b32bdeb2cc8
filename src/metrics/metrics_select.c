/* metrics_select.c: which series, and their samples; see metrics.h. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/select_priv.h"

static bool ask(struct asked *asked, const struct index *index, uint32_t value)
{
	if (asked->matcher->match != METRICS_TAKES)
		return (value == asked->value) == (asked->matcher->match == METRICS_EQUAL);
	if (asked->answers[value] == 0)
		asked->answers[value] = asked->matcher->takes(asked->matcher->context, index_text(index, value)) ? 2 : 1;
	return asked->answers[value] == 2;
}

void select_prepare(struct selection *selection, const struct metrics_matcher *matchers, size_t count)
{
	const struct index *index = &selection->metrics->index;
	for (size_t i = 0; i < count; i++) {
		struct asked *asked = &selection->asked[i];
		*asked = (struct asked){ &matchers[i], index_symbol(index, matchers[i].name), 0, NULL };
		if (matchers[i].match == METRICS_TAKES)
			asked->answers = mem_alloc(index->symbol_count);
		else
			asked->value = index_symbol(index, matchers[i].value);
	}
	selection->asked_count = count;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

/* All series whose value of that label the matcher takes; it does not take the empty one. */
static void gather(struct selection *selection, struct asked *asked)
{
	const struct index *index = &selection->metrics->index;
	const struct pair *head = asked->name == INDEX_NONE ? NULL : index_pair(index, asked->name, 0);
	if (head == NULL)
		return;
	selection->references = mem_alloc((size_t)head->count * sizeof *selection->references);
	bool sorted = true;
	for (uint32_t at = head->next; at != INDEX_NONE; at = index->pairs[at].next) {
		const struct pair *pair = &index->pairs[at];
		if (!ask(asked, index, pair->value))
			continue;
		sorted = sorted && selection->count == 0;
		index_posting(pair, selection->references + selection->count);
		selection->count += pair->count;
	}
	if (!sorted)
		qsort(selection->references, selection->count, sizeof *selection->references, by_number);
}

/* Where to look: the shortest posting of an equal sign; else what the first matcher that wants a value takes;
 * else everywhere. */
void select_candidates(struct selection *selection)
{
	const struct index *index = &selection->metrics->index;
	const struct pair *least = NULL;
	struct asked *wants = NULL;
	for (size_t i = 0; i < selection->asked_count; i++) {
		struct asked *asked = &selection->asked[i];
		if (asked->matcher->match == METRICS_EQUAL && asked->matcher->value.len > 0) {
			const struct pair *pair = asked->name == INDEX_NONE || asked->value == INDEX_NONE
			                                  ? NULL : index_pair(index, asked->name, asked->value);
			if (pair == NULL)
				return;
			if (least == NULL || pair->count < least->count)
				least = pair;
		} else if (wants == NULL && !ask(asked, index, 0)) {
			wants = asked;
		}
	}
	if (least == NULL && wants != NULL) {
		gather(selection, wants);
		return;
	}
	selection->count = least != NULL ? least->count : index->series_count;
	if (selection->count == 0)
		return;
	selection->references = mem_alloc((size_t)selection->count * sizeof *selection->references);
	if (least != NULL)
		index_posting(least, selection->references);
	else
		for (uint32_t i = 0; i < selection->count; i++)
			selection->references[i] = i;
}

bool select_takes(struct selection *selection, uint32_t reference)
{
	const struct index *index = &selection->metrics->index;
	for (size_t i = 0; i < selection->asked_count; i++) {
		struct asked *asked = &selection->asked[i];
		uint32_t value = asked->name == INDEX_NONE ? 0 : index_value(index, reference, asked->name);
		if (!ask(asked, index, value))
			return false;
	}
	return true;
}

/* ---- samples ---- */

static void add_samples(struct selection *selection, const int64_t *times, const uint64_t *values, size_t count,
			int64_t from_ms, int64_t to_ms)
{
	if (selection->used + count > selection->size) {
		selection->size = selection->size * 2 + CHUNK_SAMPLES_MAX;
		selection->times = mem_realloc(selection->times, selection->size * sizeof *selection->times);
		selection->values = mem_realloc(selection->values, selection->size * sizeof *selection->values);
	}
	for (size_t i = 0; i < count; i++) {
		if (times[i] < from_ms || times[i] > to_ms)
			continue;
		size_t at = selection->used++;
		if (at > 0 && selection->times[at - 1] >= times[i])
			selection->rising = false;
		selection->times[at] = times[i];
		memcpy(&selection->values[at], &values[i], sizeof *values);
	}
}

static void add_chunk(struct selection *selection, const uint64_t *words, size_t bits, size_t count,
		      int64_t from_ms, int64_t to_ms)
{
	int64_t times[CHUNK_SAMPLES_MAX];
	uint64_t values[CHUNK_SAMPLES_MAX];
	if (chunk_read(words, bits, count, times, values, NULL))
		add_samples(selection, times, values, count, from_ms, to_ms);
	else /* its sum was right: whoever wrote it was wrong */
		atomic_fetch_add(&selection->metrics->segs.damaged, 1);
}

struct sample {
	int64_t time_ms;
	double value;
};

static int by_time(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;
	return (left->time_ms > right->time_ms) - (left->time_ms < right->time_ms);
}

/* Late chunks lie between the others. */
static void sort_samples(struct selection *selection)
{
	struct sample *samples = mem_alloc(selection->used * sizeof *samples);
	for (size_t i = 0; i < selection->used; i++)
		samples[i] = (struct sample){ selection->times[i], selection->values[i] };
	qsort(samples, selection->used, sizeof *samples, by_time);
	size_t used = 0;
	for (size_t i = 0; i < selection->used; i++) {
		if (used > 0 && samples[i].time_ms == selection->times[used - 1])
			continue; /* sealed, and the disk took no more */
		selection->times[used] = samples[i].time_ms;
		selection->values[used++] = samples[i].value;
	}
	selection->used = used;
	mem_free(samples);
}

/* Mostly it is the last of the open chunk, and what writes that knows it: nothing is read. */
static bool knows_newest(struct selection *selection, const struct series *series, int64_t from_ms, int64_t to_ms)
{
	const struct chunk *open = &series->open;
	uint64_t value;
	if (!selection->newest || open->count == 0 || open->time_ms < from_ms || open->time_ms > to_ms ||
	    !chunk_last_value(open, &value))
		return false;
	add_samples(selection, &open->time_ms, &value, 1, from_ms, to_ms);
	return true;
}

static void read_series(struct selection *selection, uint32_t reference, int64_t from_ms, int64_t to_ms)
{
	struct metrics *metrics = selection->metrics;
	const struct series *series = metrics_series_at(metrics, reference);
	uint64_t words[CHUNK_WORDS_MAX];
	selection->used = 0;
	selection->rising = true;
	selection->found.count = 0;
	if (knows_newest(selection, series, from_ms, to_ms))
		return;
	seg_list(&metrics->segs, reference, series->newest, from_ms, to_ms, &selection->found);
	for (size_t i = selection->found.count; i-- > 0;) { /* the oldest first */
		const struct seg_record *record = selection->found.at[i];
		add_chunk(selection, record->words, record->bits, record->count, from_ms, to_ms);
	}
	if (series->open.count > 0 && series->open.time_ms >= from_ms) {
		size_t bits = metrics_open_words(metrics, series, words);
		if ((int64_t)words[0] <= to_ms)
			add_chunk(selection, words, bits, series->open.count, from_ms, to_ms);
	}
	const struct late *late = metrics_late(metrics, series);
	if (late != NULL)
		add_samples(selection, late->times, late->values, late->count, from_ms, to_ms);
	if (!selection->rising)
		sort_samples(selection);
}

bool select_give(struct selection *selection, uint32_t reference, metrics_take_fn *take, void *context)
{
	const struct index *index = &selection->metrics->index;
	const uint32_t *set = index_set(index, reference);
	struct metrics_label labels[METRICS_LABELS_MAX];
	for (uint32_t i = 0; i < set[0]; i++)
		labels[i] = (struct metrics_label){ index_text(index, set[1 + 2 * i]), index_text(index, set[2 + 2 * i]) };
	struct metrics_view view = { reference, labels, set[0], selection->times, selection->values, selection->used };
	return take(context, &view);
}

void select_finish(struct selection *selection)
{
	for (size_t i = 0; i < selection->asked_count; i++)
		mem_free(selection->asked[i].answers);
	mem_free(selection->references);
	mem_free(selection->found.at);
	mem_free(selection->times);
	mem_free(selection->values);
}

static enum err select_all(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			   int64_t from_ms, int64_t to_ms, bool newest, metrics_take_fn *take, void *context,
			   struct error *err)
{
	if (count > METRICS_MATCHERS_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot select by %zu matchers: %u are allowed", count,
				 METRICS_MATCHERS_MAX);
	struct selection selection = { .metrics = metrics, .newest = newest };
	pthread_rwlock_rdlock(&metrics->lock);
	if (from_ms < metrics->expired_ms)
		from_ms = metrics->expired_ms;
	select_prepare(&selection, matchers, count);
	select_candidates(&selection);
	bool wanted = true;
	for (uint32_t i = 0; i < selection.count && wanted; i++) {
		uint32_t reference = selection.references[i];
		if (!select_takes(&selection, reference))
			continue;
		read_series(&selection, reference, from_ms, to_ms);
		if (selection.used > 0)
			wanted = select_give(&selection, reference, take, context);
	}
	pthread_rwlock_unlock(&metrics->lock);
	select_finish(&selection);
	return OK;
}

enum err metrics_select(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			int64_t from_ms, int64_t to_ms, metrics_take_fn *take, void *context, struct error *err)
{
	return select_all(metrics, matchers, count, from_ms, to_ms, false, take, context, err);
}

enum err metrics_select_newest(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			       int64_t from_ms, int64_t to_ms, metrics_take_fn *take, void *context, struct error *err)
{
	return select_all(metrics, matchers, count, from_ms, to_ms, true, take, context, err);
}
