/* metrics_list.c: names, values and series that there are, without reading samples; see metrics.h. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/select_priv.h"

/* Symbols that were seen, each once. */
struct listing {
	struct selection selection;
	const struct metrics_scope *scope;
	int64_t from_ms;
	uint8_t *seen; /* by symbol */
	uint32_t *symbols;
	size_t count, size;
};

static enum err check_scope(const struct metrics_scope *scope, struct error *err)
{
	if (scope->count > METRICS_MATCHERS_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot select by %zu matchers: %u are allowed", scope->count,
				 METRICS_MATCHERS_MAX);
	return OK;
}

static void begin(struct listing *listing, struct metrics *metrics, const struct metrics_scope *scope)
{
	*listing = (struct listing){ .selection = { .reader.metrics = metrics }, .scope = scope, .from_ms = scope->from_ms };
	pthread_rwlock_rdlock(&metrics->lock);
	if (listing->from_ms < metrics->expired_ms)
		listing->from_ms = metrics->expired_ms;
	listing->seen = mem_alloc(metrics->index.symbol_count);
	select_prepare(&listing->selection, scope->matchers, scope->count);
}

static void finish(struct listing *listing)
{
	pthread_rwlock_unlock(&listing->selection.reader.metrics->lock);
	select_finish(&listing->selection);
	mem_free(listing->seen);
	mem_free(listing->symbols);
}

/* Whether a chunk of the series meets the range. */
static bool is_within(struct listing *listing, uint32_t reference)
{
	struct metrics *metrics = listing->selection.reader.metrics;
	const struct series *series = metrics_series_at(metrics, reference);
	const struct late *late = metrics_late(metrics, series);
	int64_t from_ms = listing->from_ms, to_ms = listing->scope->to_ms;
	if (series->open.count > 0 && series->open.time_ms >= from_ms &&
	    (int64_t)metrics_granule(metrics, series->head)->words[0] <= to_ms)
		return true;
	for (uint32_t i = 0; late != NULL && i < late->count; i++)
		if (late->times[i] >= from_ms && late->times[i] <= to_ms)
			return true;
	listing->selection.reader.found.count = 0;
	seg_list(&metrics->segs, reference, series->newest, from_ms, to_ms, &listing->selection.reader.found);
	return listing->selection.reader.found.count > 0;
}

static void see(struct listing *listing, uint32_t symbol)
{
	if (listing->seen[symbol])
		return;
	listing->seen[symbol] = 1;
	if (listing->count == listing->size) {
		listing->size = listing->size * 2 + 64;
		listing->symbols = mem_realloc(listing->symbols, listing->size * sizeof *listing->symbols);
	}
	listing->symbols[listing->count++] = symbol;
}

static int by_text(const void *a, const void *b, void *context)
{
	return str_cmp(index_text(context, *(const uint32_t *)a), index_text(context, *(const uint32_t *)b));
}

/* Pairs of a name are listed newest first, and names often come in order: what came falling is sorted by being turned. */
static void sort_symbols(struct listing *listing, struct index *index)
{
	uint32_t *symbols = listing->symbols;
	size_t falling = 1;
	while (falling < listing->count && by_text(&symbols[falling - 1], &symbols[falling], index) > 0)
		falling++;
	if (falling < listing->count) {
		qsort_r(symbols, listing->count, sizeof *symbols, by_text, index);
		return;
	}
	for (size_t i = 0; i < listing->count / 2; i++) {
		uint32_t other = symbols[i];
		symbols[i] = symbols[listing->count - 1 - i];
		symbols[listing->count - 1 - i] = other;
	}
}

static void give_sorted(struct listing *listing, metrics_text_fn *take, void *context, bool *ret_more)
{
	struct index *index = &listing->selection.reader.metrics->index;
	size_t limit = listing->scope->limit, count = listing->count < limit ? listing->count : limit;
	sort_symbols(listing, index);
	*ret_more = listing->count > limit;
	for (size_t i = 0; i < count; i++)
		if (!take(context, index_text(index, listing->symbols[i])))
			return;
}

/* Without matchers: one series of each pair is enough. Mostly the last that got it shows it; else the posting says which to ask. */
static bool has_one(struct listing *listing, const struct pair *pair)
{
	if (is_within(listing, pair->last))
		return true;
	uint32_t *references = mem_alloc(pair->count * sizeof *references);
	bool has = false;
	index_posting(pair, references);
	for (uint32_t i = 0; i < pair->count && !has; i++)
		has = is_within(listing, references[i]);
	mem_free(references);
	return has;
}

enum err metrics_label_names(struct metrics *metrics, const struct metrics_scope *scope, metrics_text_fn *take,
			     void *context, bool *ret_more, struct error *err)
{
	struct listing listing;
	const struct index *index = &metrics->index;
	enum err result = check_scope(scope, err);
	if (result != OK)
		return result;
	begin(&listing, metrics, scope);
	if (scope->count > 0)
		select_candidates(&listing.selection);
	for (uint32_t i = 0; i < listing.selection.count; i++) {
		uint32_t reference = listing.selection.references[i], unseen = 0;
		const uint32_t *set = index_set(index, reference);
		for (uint32_t j = 0; j < set[0]; j++)
			unseen += !listing.seen[set[1 + 2 * j]];
		if (unseen == 0 || !select_takes(&listing.selection, reference) || !is_within(&listing, reference))
			continue;
		for (uint32_t j = 0; j < set[0]; j++)
			see(&listing, set[1 + 2 * j]);
	}
	for (uint32_t i = 0; i < index->pair_count && scope->count == 0; i++)
		if (index->pairs[i].value == 0 && has_one(&listing, &index->pairs[i]))
			see(&listing, index->pairs[i].name);
	give_sorted(&listing, take, context, ret_more);
	finish(&listing);
	return OK;
}

static void see_values(struct listing *listing, uint32_t name)
{
	const struct index *index = &listing->selection.reader.metrics->index;
	if (listing->scope->count == 0) {
		for (uint32_t at = index_pair(index, name, 0)->next; at != INDEX_NONE; at = index->pairs[at].next)
			if (has_one(listing, &index->pairs[at]))
				see(listing, index->pairs[at].value);
		return;
	}
	select_candidates(&listing->selection);
	for (uint32_t i = 0; i < listing->selection.count; i++) {
		uint32_t reference = listing->selection.references[i], value = index_value(index, reference, name);
		if (value != 0 && !listing->seen[value] && select_takes(&listing->selection, reference) &&
		    is_within(listing, reference))
			see(listing, value);
	}
}

enum err metrics_label_values(struct metrics *metrics, struct str name, const struct metrics_scope *scope,
			      metrics_text_fn *take, void *context, bool *ret_more, struct error *err)
{
	struct listing listing;
	enum err result = check_scope(scope, err);
	if (result != OK)
		return result;
	begin(&listing, metrics, scope);
	uint32_t symbol = index_symbol(&metrics->index, name);
	if (symbol != INDEX_NONE && index_pair(&metrics->index, symbol, 0) != NULL)
		see_values(&listing, symbol);
	give_sorted(&listing, take, context, ret_more);
	finish(&listing);
	return OK;
}

enum err metrics_list_series(struct metrics *metrics, const struct metrics_scope *scope, metrics_take_fn *take,
			     void *context, bool *ret_more, struct error *err)
{
	struct listing listing;
	const struct samples none = { .used = 0 };
	size_t given = 0;
	bool wanted = true;
	enum err result = check_scope(scope, err);
	if (result != OK)
		return result;
	begin(&listing, metrics, scope);
	*ret_more = false;
	select_candidates(&listing.selection);
	for (uint32_t i = 0; i < listing.selection.count && wanted && !*ret_more; i++) {
		uint32_t reference = listing.selection.references[i];
		if (!select_takes(&listing.selection, reference) || !is_within(&listing, reference))
			continue;
		*ret_more = given == scope->limit;
		if (given++ < scope->limit)
			wanted = select_give(metrics, reference, &none, take, context);
	}
	finish(&listing);
	return OK;
}

/* ---- the largest ---- */

struct ranked {
	uint32_t pair;
	uint64_t count;
};

static uint64_t bytes_of_values(const struct index *index, const struct pair *head)
{
	uint64_t bytes = 0;
	for (uint32_t at = head->next; at != INDEX_NONE; at = index->pairs[at].next)
		bytes += index_text(index, index->pairs[at].value).len;
	return bytes;
}

static uint64_t values_of(const struct index *index, const struct pair *head)
{
	uint64_t count = 0;
	for (uint32_t at = head->next; at != INDEX_NONE; at = index->pairs[at].next)
		count++;
	return count;
}

/* 0: it is not in this ranking. */
static uint64_t rank(const struct index *index, const struct pair *pair, enum metrics_ranking ranking, uint32_t name)
{
	bool is_head = pair->value == 0;
	switch (ranking) {
	case METRICS_SERIES_BY_NAME:
		return !is_head && pair->name == name ? pair->count : 0;
	case METRICS_VALUES_BY_LABEL:
		return is_head ? values_of(index, pair) : 0;
	case METRICS_BYTES_BY_LABEL:
		return is_head ? bytes_of_values(index, pair) : 0;
	default:
		return is_head ? 0 : pair->count;
	}
}

void metrics_ranked(struct metrics *metrics, enum metrics_ranking ranking, size_t limit, metrics_ranked_fn *take,
		    void *context)
{
	assert(limit <= METRICS_RANKED_MAX && ranking < METRICS_RANKING_COUNT);
	struct ranked best[METRICS_RANKED_MAX];
	size_t count = 0;
	pthread_rwlock_rdlock(&metrics->lock);
	const struct index *index = &metrics->index;
	uint32_t name = index_symbol(index, STR(METRICS_NAME));
	for (uint32_t i = 0; i < index->pair_count && limit > 0; i++) {
		struct ranked one = { i, rank(index, &index->pairs[i], ranking, name) };
		if (one.count == 0 || (count == limit && one.count <= best[count - 1].count))
			continue;
		size_t at = count < limit ? count++ : count - 1;
		for (; at > 0 && best[at - 1].count < one.count; at--)
			best[at] = best[at - 1];
		best[at] = one;
	}
	for (size_t i = 0; i < count; i++) {
		const struct pair *pair = &index->pairs[best[i].pair];
		bool by_name = ranking == METRICS_SERIES_BY_NAME;
		take(context, index_text(index, by_name ? pair->value : pair->name),
		     by_name ? STR_NONE : index_text(index, pair->value), best[i].count);
	}
	pthread_rwlock_unlock(&metrics->lock);
}
