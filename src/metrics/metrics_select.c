/* metrics_select.c: which series, and their samples; see metrics.h. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/select_priv.h"

#define VALUES_SHARE 4u /* asking a value costs about what looking at as many candidates does */

static bool ask(struct asked *asked, const struct index *index, uint32_t value)
{
	if (asked->matcher->match != METRICS_TAKES)
		return (value == asked->value) == (asked->matcher->match == METRICS_EQUAL);
	uint8_t answer = atomic_load_explicit(&asked->answers[value], memory_order_relaxed);
	if (answer == 0) {
		answer = asked->matcher->takes(asked->matcher->context, index_text(index, value)) ? 2 : 1;
		atomic_store_explicit(&asked->answers[value], answer, memory_order_relaxed);
	}
	return answer == 2;
}

void select_prepare(struct selection *selection, const struct metrics_matcher *matchers, size_t count)
{
	const struct index *index = &selection->reader.metrics->index;
	for (size_t i = 0; i < count; i++) {
		struct asked *asked = &selection->asked[i];
		*asked = (struct asked){ .matcher = &matchers[i], .name = index_symbol(index, matchers[i].name) };
		if (matchers[i].match == METRICS_TAKES)
			asked->answers = mem_alloc(index->symbol_count);
		else
			asked->value = index_symbol(index, matchers[i].value);
	}
	selection->asked_count = count;
}

/* How many values the label has; not counted further than `most`. */
static uint32_t count_values(const struct index *index, const struct pair *head, uint32_t most)
{
	uint32_t count = 0;
	for (uint32_t at = head->next; at != INDEX_NONE && count < most; at = index->pairs[at].next)
		count++;
	return count;
}

/* Leaves the candidates whose value of that label the matcher takes; it does not take the empty one. Not worth it when there
 * are many values to be asked, beside few candidates. */
static void narrow(struct selection *selection, struct asked *asked)
{
	const struct index *index = &selection->reader.metrics->index;
	const struct pair *head = asked->name == INDEX_NONE ? NULL : index_pair(index, asked->name, 0);
	if (head == NULL) {
		selection->count = 0;
		return;
	}
	uint32_t most = selection->count / VALUES_SHARE;
	if (count_values(index, head, most + 1) > most)
		return;
	uint64_t *carriers = mem_alloc((index->series_count / 64 + 1) * sizeof *carriers);
	for (uint32_t at = head->next; at != INDEX_NONE; at = index->pairs[at].next)
		if (ask(asked, index, index->pairs[at].value))
			index_mark(&index->pairs[at], carriers);
	uint32_t left = 0;
	for (uint32_t i = 0; i < selection->count; i++) {
		uint32_t reference = selection->references[i];
		if ((carriers[reference / 64] >> reference % 64 & 1) != 0)
			selection->references[left++] = reference;
	}
	selection->count = left;
	asked->settled = true;
	mem_free(carriers);
}

/* The shortest posting of an equal sign, all series without one; NULL and 0: there is none. */
static void begin_candidates(struct selection *selection)
{
	const struct index *index = &selection->reader.metrics->index;
	const struct pair *least = NULL;
	struct asked *settled = NULL;
	for (size_t i = 0; i < selection->asked_count; i++) {
		struct asked *asked = &selection->asked[i];
		if (asked->matcher->match != METRICS_EQUAL || asked->matcher->value.len == 0)
			continue;
		const struct pair *pair = asked->name == INDEX_NONE || asked->value == INDEX_NONE
		                                  ? NULL : index_pair(index, asked->name, asked->value);
		if (pair == NULL)
			return;
		if (least == NULL || pair->count < least->count) {
			least = pair;
			settled = asked;
		}
	}
	selection->count = least != NULL ? least->count : index->series_count;
	if (selection->count == 0)
		return;
	selection->references = mem_alloc((size_t)selection->count * sizeof *selection->references);
	for (uint32_t i = 0; least == NULL && i < selection->count; i++)
		selection->references[i] = i;
	if (least == NULL)
		return;
	index_posting(least, selection->references);
	settled->settled = true;
}

void select_candidates(struct selection *selection)
{
	const struct index *index = &selection->reader.metrics->index;
	begin_candidates(selection);
	for (size_t i = 0; i < selection->asked_count && selection->count > 0; i++)
		if (selection->asked[i].matcher->match == METRICS_TAKES && !ask(&selection->asked[i], index, 0))
			narrow(selection, &selection->asked[i]);
}

bool select_takes(struct selection *selection, uint32_t reference)
{
	const struct index *index = &selection->reader.metrics->index;
	for (size_t i = 0; i < selection->asked_count; i++) {
		struct asked *asked = &selection->asked[i];
		if (asked->settled)
			continue;
		uint32_t value = asked->name == INDEX_NONE ? 0 : index_value(index, reference, asked->name);
		if (!ask(asked, index, value))
			return false;
	}
	return true;
}

bool select_give(const struct metrics *metrics, uint32_t reference, const struct samples *samples, metrics_take_fn *take,
		 void *context)
{
	const struct index *index = &metrics->index;
	const uint32_t *set = index_set(index, reference);
	struct metrics_label labels[METRICS_LABELS_MAX];
	for (uint32_t i = 0; i < set[0]; i++)
		labels[i] = (struct metrics_label){ index_text(index, set[1 + 2 * i]), index_text(index, set[2 + 2 * i]) };
	struct metrics_view view = { reference, labels, set[0], samples->times, samples->values, samples->used };
	return take(context, &view);
}

static void give_each(struct selection *selection, metrics_take_fn *take, void *context)
{
	struct samples samples = { .used = 0 };
	bool wanted = true;
	for (uint32_t i = 0; i < selection->count && wanted; i++) {
		uint32_t reference = selection->references[i];
		if (!select_takes(selection, reference))
			continue;
		reader_read(&selection->reader, reference, &samples);
		if (samples.used > 0)
			wanted = select_give(selection->reader.metrics, reference, &samples, take, context);
	}
	samples_finish(&samples);
}

void select_finish(struct selection *selection)
{
	for (size_t i = 0; i < selection->asked_count; i++)
		mem_free(selection->asked[i].answers);
	mem_free(selection->references);
	reader_finish(&selection->reader);
}

static enum err select_all(struct metrics *metrics, const struct metrics_matcher *matchers, size_t count,
			   int64_t from_ms, int64_t to_ms, bool newest, metrics_take_fn *take, void *context,
			   struct error *err)
{
	if (count > METRICS_MATCHERS_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot select by %zu matchers: %u are allowed", count,
				 METRICS_MATCHERS_MAX);
	pthread_rwlock_rdlock(&metrics->lock);
	if (from_ms < metrics->expired_ms)
		from_ms = metrics->expired_ms;
	struct selection selection = { .reader = { .metrics = metrics, .from_ms = from_ms, .to_ms = to_ms, .newest = newest } };
	select_prepare(&selection, matchers, count);
	select_candidates(&selection);
	if (!select_ahead(&selection, take, context))
		give_each(&selection, take, context);
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
