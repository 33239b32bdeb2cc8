/* doc.c: see doc.h. */
#include "wire/doc.h"

#include <assert.h>

const char *doc_kind_words(enum doc_kind kind)
{
	static const char *const words[] = { "nothing",  "true or false", "a whole number",
					     "a number", "text",          "a list", "a map" };
	assert(kind <= DOC_MAP);
	return words[kind];
}

bool doc_is(const struct doc_node *node, enum doc_kind kind)
{
	return node != NULL && node->kind == kind;
}

size_t doc_count(const struct doc_node *node)
{
	return doc_is(node, DOC_LIST) || doc_is(node, DOC_MAP) ? node->count : 0;
}

static const struct doc_entry *find_sorted(const struct doc_node *map, struct str key)
{
	size_t low = 0, high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct doc_entry *entry = &map->map.entries[map->map.order[middle]];
		int order = str_cmp(key, entry->key);
		if (order == 0)
			return entry;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct doc_entry *doc_find(const struct doc_node *map, struct str key)
{
	if (!doc_is(map, DOC_MAP))
		return NULL;
	if (map->map.order != NULL)
		return find_sorted(map, key);
	for (size_t i = 0; i < map->count; i++) {
		if (str_eq(map->map.entries[i].key, key))
			return &map->map.entries[i];
	}
	return NULL;
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key)
{
	assert(key != NULL);
	const struct doc_entry *entry = doc_find(map, str_of(key));
	return entry != NULL ? &entry->value : NULL;
}

const struct doc_node *doc_at(const struct doc_node *list, size_t index)
{
	return doc_is(list, DOC_LIST) && index < list->count ? &list->items[index] : NULL;
}

const struct doc_entry *doc_entry_at(const struct doc_node *map, size_t index)
{
	return doc_is(map, DOC_MAP) && index < map->count ? &map->map.entries[index] : NULL;
}

bool doc_bool(const struct doc_node *node, bool otherwise)
{
	return doc_is(node, DOC_BOOL) ? node->truth : otherwise;
}

int64_t doc_int(const struct doc_node *node, int64_t otherwise)
{
	return doc_is(node, DOC_INT) ? node->integer : otherwise;
}

double doc_real(const struct doc_node *node, double otherwise)
{
	if (doc_is(node, DOC_INT))
		return (double)node->integer;
	return doc_is(node, DOC_REAL) ? node->real : otherwise;
}

struct str doc_text(const struct doc_node *node, const char *otherwise)
{
	return doc_is(node, DOC_TEXT) ? node->text : str_of(otherwise);
}

bool doc_spelling(const struct doc_node *node, struct str *ret_text)
{
	if (node == NULL || node->kind == DOC_LIST || node->kind == DOC_MAP)
		return false;
	if (node->kind != DOC_TEXT && node->text.len == 0)
		return false;
	*ret_text = node->text;
	return true;
}

static bool maps_equal(const struct doc_node *a, const struct doc_node *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct doc_entry *other = doc_find(b, a->map.entries[i].key);
		if (other == NULL || !doc_equal(&a->map.entries[i].value, &other->value))
			return false;
	}
	return true;
}

static bool lists_equal(const struct doc_node *a, const struct doc_node *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!doc_equal(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

/* Recursion is bounded: no tree is deeper than DOC_DEPTH_MAX. */
bool doc_equal(const struct doc_node *a, const struct doc_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count)
		return false;
	switch (a->kind) {
	case DOC_NULL:
		return true;
	case DOC_BOOL:
		return a->truth == b->truth;
	case DOC_INT:
		return a->integer == b->integer;
	case DOC_REAL:
		return a->real == b->real;
	case DOC_TEXT:
		return str_eq(a->text, b->text);
	case DOC_LIST:
		return lists_equal(a, b);
	case DOC_MAP:
		return maps_equal(a, b);
	}
	return false;
}
