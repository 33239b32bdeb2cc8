/* api_prometheus_series.c: which series, labels and metric families there are, as clients of Prometheus ask. */
#include <stdlib.h>
#include <string.h>

#include "api/api_handlers.h"
#include "api/api_prometheus.h"
#include "api/api_text_set.h"
#include "base/mem.h"

#define SERIES_MAX 1000000u /* of one answer */
#define TRUNCATED "results truncated due to limit"

/* ---- labels and their values ---- */

struct listing {
	struct prom prom;
	struct prom_matches matches;
	int64_t from_ms, to_ms;
	size_t limit;
	struct str label; /* whose values */
	struct text_set texts;
};

static bool see_text(void *context, struct str text)
{
	struct listing *listing = context;
	text_set_add(&listing->texts, text);
	return !listing->texts.full;
}

static enum err list_names(void *context, const struct metrics_scope *scope, struct error *err)
{
	struct listing *listing = context;
	bool more = false;
	enum err r = metrics_label_names(listing->prom.metrics->metrics, scope, see_text, listing, &more, err);
	listing->texts.full = listing->texts.full || more;
	return r;
}

static enum err list_values(void *context, const struct metrics_scope *scope, struct error *err)
{
	struct listing *listing = context;
	bool more = false;
	enum err r = metrics_label_values(listing->prom.metrics->metrics, listing->label, scope, see_text, listing, &more, err);
	listing->texts.full = listing->texts.full || more;
	return r;
}

static enum err too_many(struct api_call *call)
{
	return prom_fail(call, PROM_EXECUTION, "there are more than %u: ask with match[] or for less time", SERIES_MAX);
}

static enum err put_texts(struct listing *listing)
{
	struct text_set *texts = &listing->texts;
	bool cut = listing->limit > 0 && texts->count > listing->limit;
	size_t count = cut ? listing->limit : texts->count;
	text_set_sort(texts);
	struct buf *out = prom_data(listing->prom.call);
	buf_addc(out, '[');
	for (size_t i = 0; i < count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		json_quote(out, texts->rows[i]);
	}
	buf_addc(out, ']');
	return prom_end(listing->prom.call, NULL, cut ? TRUNCATED : NULL);
}

static enum err list_texts(struct listing *listing, prom_list_fn *list)
{
	struct api_call *call = listing->prom.call;
	enum err result = OK;
	struct error err = { .code = OK };
	if (!prom_limit(&listing->prom, "limit", &listing->limit, &result) ||
	    !prom_range(&listing->prom, &listing->from_ms, &listing->to_ms, &result) ||
	    !prom_matches(&listing->prom, &listing->matches, &result))
		return result;
	result = prom_each_scope(&listing->matches, listing->from_ms, listing->to_ms, TEXT_SET_MAX, list, listing, &err);
	if (result != OK)
		return prom_fail(call, PROM_EXECUTION, "%s", err.text);
	return listing->texts.full ? too_many(call) : put_texts(listing);
}

static enum err labels(struct api_call *call, struct str label, prom_list_fn *list, struct error *err)
{
	struct listing *listing = arena_new(&call->arena, struct listing);
	enum err result;
	listing->label = label;
	if (!prom_begin(call, &listing->prom, &result, err))
		return result;
	text_set_init(&listing->texts, PROM_ARENA_BYTES);
	result = list_texts(listing, list);
	prom_matches_finish(&listing->matches);
	text_set_finish(&listing->texts);
	return result;
}

enum err api_prometheus_labels(struct api_call *call, struct error *err)
{
	return labels(call, STR_NONE, list_names, err);
}

enum err api_prometheus_values(struct api_call *call, struct error *err)
{
	if (!str_is_utf8(call->params[0]))
		return prom_fail(call, PROM_BAD_DATA, "invalid label name: it is not UTF-8");
	return labels(call, call->params[0], list_values, err);
}

/* ---- series ---- */

struct found {
	struct promql_labels labels;
};

struct series_listing {
	struct prom prom;
	struct prom_matches matches;
	int64_t from_ms, to_ms;
	size_t limit;
	struct arena arena;
	struct found *list;
	size_t count, size;
	bool full;
};

static bool see_series(void *context, const struct metrics_view *view)
{
	struct series_listing *listing = context;
	struct promql_labels seen = { (const struct promql_label *)view->labels, view->label_count }, copy;
	if (listing->count == SERIES_MAX || !promql_labels_copy(seen, &listing->arena, &copy)) {
		listing->full = true;
		return false;
	}
	if (listing->count == listing->size) {
		listing->size = listing->size * 2 + 256;
		listing->list = mem_realloc(listing->list, listing->size * sizeof *listing->list);
	}
	listing->list[listing->count++].labels = copy;
	return true;
}

static enum err list_taken(void *context, const struct metrics_scope *scope, struct error *err)
{
	struct series_listing *listing = context;
	bool more = false;
	enum err r = metrics_list_series(listing->prom.metrics->metrics, scope, see_series, listing, &more, err);
	listing->full = listing->full || more;
	return r;
}

static int by_labels(const void *a, const void *b)
{
	return promql_labels_compare(((const struct found *)a)->labels, ((const struct found *)b)->labels);
}

static enum err put_series(struct series_listing *listing)
{
	struct api_call *call = listing->prom.call;
	struct buf *out = prom_data(call);
	size_t put = 0;
	bool cut = false;
	if (listing->count > 0)
		qsort(listing->list, listing->count, sizeof *listing->list, by_labels);
	buf_addc(out, '[');
	for (size_t i = 0; i < listing->count && !cut; i++) {
		struct promql_labels labels = listing->list[i].labels;
		if (i > 0 && promql_labels_equal(labels, listing->list[i - 1].labels))
			continue; /* more than one selector took it */
		cut = listing->limit > 0 && put == listing->limit;
		if (cut)
			break;
		buf_adds(out, put++ > 0 ? "," : "");
		prom_put_labels(out, labels.pairs, labels.count);
	}
	buf_addc(out, ']');
	return prom_end(call, NULL, cut ? TRUNCATED : NULL);
}

static enum err list_series(struct series_listing *listing)
{
	struct api_call *call = listing->prom.call;
	enum err result = OK;
	struct error err = { .code = OK };
	if (!prom_matches(&listing->prom, &listing->matches, &result))
		return result;
	if (listing->matches.count == 0)
		return prom_fail(call, PROM_BAD_DATA, "no match[] parameter provided");
	if (!prom_limit(&listing->prom, "limit", &listing->limit, &result) ||
	    !prom_range(&listing->prom, &listing->from_ms, &listing->to_ms, &result))
		return result;
	result = prom_each_scope(&listing->matches, listing->from_ms, listing->to_ms, SERIES_MAX, list_taken, listing, &err);
	if (result != OK)
		return prom_fail(call, PROM_EXECUTION, "%s", err.text);
	return listing->full ? too_many(call) : put_series(listing);
}

enum err api_prometheus_series(struct api_call *call, struct error *err)
{
	struct series_listing *listing = arena_new(&call->arena, struct series_listing);
	enum err result;
	if (!prom_begin(call, &listing->prom, &result, err))
		return result;
	arena_init(&listing->arena, PROM_ARENA_BYTES);
	result = list_series(listing);
	prom_matches_finish(&listing->matches);
	arena_finish(&listing->arena);
	mem_free(listing->list);
	return result;
}

/* ---- metric families ---- */

struct families {
	struct buf *out;
	size_t count, limit;
};

static bool see_family(void *context, const struct sample_family *family)
{
	struct families *families = context;
	struct buf *out = families->out;
	if (families->limit > 0 && families->count == families->limit)
		return false;
	buf_adds(out, families->count++ > 0 ? "," : "");
	json_quote(out, family->name);
	buf_printf(out, ":[{\"type\":\"%s\",\"help\":", family->type);
	json_quote(out, family->help);
	buf_adds(out, ",\"unit\":");
	json_quote(out, family->unit);
	buf_adds(out, "}]");
	return true;
}

enum err api_prometheus_metadata(struct api_call *call, struct error *err)
{
	struct prom *prom = arena_new(&call->arena, struct prom);
	struct families families = { .count = 0 };
	enum err result;
	size_t each; /* a family is told once, so a limit of one or more cuts nothing */
	if (!prom_begin(call, prom, &result, err) || !prom_limit(prom, "limit", &families.limit, &result) ||
	    !prom_limit(prom, "limit_per_metric", &each, &result))
		return result;
	families.out = prom_data(call);
	buf_addc(families.out, '{');
	sample_intake_families(prom->metrics->intake, prom_param(prom, "metric"), see_family, &families);
	buf_addc(families.out, '}');
	return prom_end(call, NULL, NULL);
}
