/* doc_build.c: see doc_build.h. */
#include "wire/doc_build.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Below this a walk over the keys is as fast as a search, and needs no second array. */
#define SORTED_FROM_ENTRIES 9u

void doc_build_init(struct doc_build *build, struct arena *arena, struct doc_limits limits,
		    const char *source)
{
	assert(limits.depth_max >= 1 && limits.depth_max <= DOC_DEPTH_MAX);
	assert(limits.nodes_max < UINT32_MAX);
	build->arena = arena;
	build->limits = limits;
	build->source = source;
	build->depth = 0;
	build->pending = NULL;
	build->pending_count = build->pending_size = build->nodes = 0;
	build->root = NULL;
}

void doc_build_finish(struct doc_build *build)
{
	mem_free(build->pending);
	build->pending = NULL;
	build->pending_count = build->pending_size = 0;
}

enum err doc_fail(struct error *err, enum err code, const char *source, struct doc_place place,
		  const char *format, ...)
{
	char sentence[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	if (source != NULL)
		return error_set(err, code, "%s:%u:%u: %s", source, place.line, place.column,
				 sentence);
	if (place.line == 0)
		return error_set(err, code, "%s", sentence);
	return error_set(err, code, "line %u, column %u: %s", place.line, place.column, sentence);
}

void doc_fail_split(struct str text, const char *source, struct doc_place *ret_place,
		    struct str *ret_sentence)
{
	*ret_place = (struct doc_place){ 0, 0 };
	*ret_sentence = text;
	struct str rest = text, line, column;
	int64_t numbers[2];
	if (source == NULL || !str_starts(text, str_of(source)))
		return;
	rest = str_sub(text, strlen(source), text.len);
	if (!str_starts(rest, STR(":")))
		return;
	if (!str_cut(str_sub(rest, 1, rest.len), ':', &line, &rest) ||
	    !str_cut(rest, ':', &column, &rest) || !str_int(line, 0, UINT32_MAX, &numbers[0]) ||
	    !str_int(column, 0, UINT32_MAX, &numbers[1]))
		return;
	*ret_place = (struct doc_place){ (uint32_t)numbers[0], (uint32_t)numbers[1] };
	*ret_sentence = str_trim(rest);
}

static enum err out_of_memory(struct doc_build *build, struct doc_place place, struct error *err)
{
	return doc_fail(err, ERR_TOO_LARGE, build->source, place,
			"the document needs more than the %zu bytes of memory it may use",
			build->arena->limit_bytes);
}

enum err doc_build_charge(struct doc_build *build, size_t count, struct doc_place place,
			  struct error *err)
{
	if (count > build->limits.nodes_max - build->nodes)
		return doc_fail(err, ERR_TOO_LARGE, build->source, place,
				"the document has more than the %zu values it may have",
				build->limits.nodes_max);
	build->nodes += count;
	return OK;
}

static struct doc_frame *top(struct doc_build *build)
{
	assert(build->depth > 0);
	return &build->stack[build->depth - 1];
}

enum err doc_build_open(struct doc_build *build, enum doc_kind kind, struct doc_place place,
			struct error *err)
{
	assert(kind == DOC_LIST || kind == DOC_MAP);
	assert(build->root == NULL);
	if (build->depth == build->limits.depth_max)
		return doc_fail(err, ERR_TOO_LARGE, build->source, place,
				"lists and maps are more than %u deep", build->limits.depth_max);
	enum err result = doc_build_charge(build, 1, place, err);
	if (result != OK)
		return result;
	build->stack[build->depth++] =
		(struct doc_frame){ .kind = kind, .place = place, .first = build->pending_count };
	return OK;
}

enum err doc_build_key(struct doc_build *build, struct str key, struct doc_place place,
		       struct error *err)
{
	struct doc_frame *frame = top(build);
	assert(frame->kind == DOC_MAP);
	assert(!frame->has_key);
	if (arena_room(build->arena) < key.len + 64)
		return out_of_memory(build, place, err);
	frame->key = arena_str(build->arena, key);
	frame->key_place = place;
	frame->has_key = true;
	return OK;
}

/* The value is complete: it goes into the collection it stands in, or is the whole document. */
static enum err place_value(struct doc_build *build, struct doc_node node, struct error *err)
{
	if (build->depth == 0) {
		struct doc_node *root = arena_try(build->arena, sizeof *root);
		if (root == NULL)
			return out_of_memory(build, (struct doc_place){ node.line, node.column },
					     err);
		*root = node;
		build->root = root;
		return OK;
	}
	struct doc_frame *frame = top(build);
	assert(frame->kind == DOC_LIST || frame->has_key);
	if (build->pending_count == build->pending_size) {
		build->pending_size = build->pending_size > 0 ? build->pending_size * 2 : 32;
		build->pending = mem_realloc(build->pending,
					     build->pending_size * sizeof *build->pending);
	}
	build->pending[build->pending_count++] = (struct doc_entry){
		.key = frame->key,
		.line = frame->key_place.line,
		.column = frame->key_place.column,
		.value = node,
	};
	frame->has_key = false;
	return OK;
}

enum err doc_build_add(struct doc_build *build, struct doc_node node, struct error *err)
{
	assert(build->root == NULL);
	struct doc_place place = { node.line, node.column };
	enum err result = doc_build_charge(build, 1, place, err);
	if (result != OK)
		return result;
	if (node.kind == DOC_TEXT || node.text.len > 0) {
		if (arena_room(build->arena) < node.text.len + 64)
			return out_of_memory(build, place, err);
		node.text = arena_str(build->arena, node.text);
	}
	return place_value(build, node, err);
}

static int by_key(const void *a, const void *b, void *context)
{
	const struct doc_entry *entries = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = str_cmp(entries[left].key, entries[right].key);
	if (order != 0)
		return order;
	return left < right ? -1 : left > right; /* the later of two equal keys is the one at fault */
}

static enum err duplicate(struct doc_build *build, const struct doc_entry *first,
			  const struct doc_entry *second, struct error *err)
{
	struct doc_place place = { second->line, second->column };
	enum err result = doc_fail(err, ERR_INVALID, build->source, place,
				   "key \"" STR_FMT "\" stands twice in one map, first in line %u",
				   STR_ARG(str_sub(second->key, 0, 100)), first->line);
	error_hint(err, "remove one of the two");
	return result;
}

/* A sorted index instead of a hash table: nobody who chooses the keys can make it slow. */
static enum err sort_keys(struct doc_build *build, const struct doc_node *map,
			  const uint32_t **ret_order, struct error *err)
{
	struct doc_place place = { map->line, map->column };
	uint32_t *order = arena_try(build->arena, map->count * sizeof *order);
	if (order == NULL)
		return out_of_memory(build, place, err);
	const struct doc_entry *entries = map->map.entries;
	for (uint32_t i = 0; i < map->count; i++)
		order[i] = i;
	qsort_r(order, map->count, sizeof *order, by_key, (void *)entries);
	for (uint32_t i = 1; i < map->count; i++) {
		if (str_eq(entries[order[i - 1]].key, entries[order[i]].key))
			return duplicate(build, &entries[order[i - 1]], &entries[order[i]], err);
	}
	*ret_order = order;
	return OK;
}

static enum err compare_keys(struct doc_build *build, const struct doc_node *map, struct error *err)
{
	const struct doc_entry *entries = map->map.entries;
	for (uint32_t i = 1; i < map->count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (str_eq(entries[i].key, entries[j].key))
				return duplicate(build, &entries[j], &entries[i], err);
		}
	}
	return OK;
}

static enum err close_map(struct doc_build *build, struct doc_node *map, size_t first,
			  struct error *err)
{
	struct doc_entry *entries = arena_try(build->arena, map->count * sizeof *entries);
	if (entries == NULL)
		return out_of_memory(build, (struct doc_place){ map->line, map->column }, err);
	if (map->count > 0)
		memcpy(entries, build->pending + first, map->count * sizeof *entries);
	map->map.entries = entries;
	map->map.order = NULL;
	if (map->count < SORTED_FROM_ENTRIES)
		return compare_keys(build, map, err);
	return sort_keys(build, map, &map->map.order, err);
}

static enum err close_list(struct doc_build *build, struct doc_node *list, size_t first,
			   struct error *err)
{
	struct doc_node *items = arena_try(build->arena, list->count * sizeof *items);
	if (items == NULL)
		return out_of_memory(build, (struct doc_place){ list->line, list->column }, err);
	for (size_t i = 0; i < list->count; i++)
		items[i] = build->pending[first + i].value;
	list->items = items;
	return OK;
}

enum err doc_build_close(struct doc_build *build, struct error *err)
{
	struct doc_frame *frame = top(build);
	assert(!frame->has_key);
	struct doc_node node = {
		.kind = frame->kind,
		.line = frame->place.line,
		.column = frame->place.column,
		.count = (uint32_t)(build->pending_count - frame->first),
	};
	enum err result = node.kind == DOC_MAP ? close_map(build, &node, frame->first, err)
					       : close_list(build, &node, frame->first, err);
	if (result != OK)
		return result;
	build->pending_count = frame->first;
	build->depth--;
	return place_value(build, node, err);
}
