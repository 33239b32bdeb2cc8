/* exposition_names.c: texts that were seen, found by hash and then by their bytes. */
#include "wire/exposition_priv.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_SIZE 64u

void exposition_names_init(struct exposition_names *names, struct arena *arena)
{
	*names = (struct exposition_names){ .arena = arena };
}

void exposition_names_finish(struct exposition_names *names)
{
	mem_free(names->rows);
	*names = (struct exposition_names){ .arena = names->arena };
}

void exposition_names_clear(struct exposition_names *names)
{
	if (names->count > 0)
		memset(names->rows, 0, names->size * sizeof *names->rows);
	names->count = 0;
}

/* Sizes are powers of two. A row without text pointer is free. */
static struct exposition_name_row *find(const struct exposition_names *names, struct str text, uint64_t hash)
{
	size_t at = hash & (names->size - 1);
	while (names->rows[at].text.ptr != NULL &&
	       (names->rows[at].hash != hash || !str_eq(names->rows[at].text, text)))
		at = (at + 1) & (names->size - 1);
	return &names->rows[at];
}

static void grow(struct exposition_names *names)
{
	struct exposition_names old = *names;
	names->size = old.size > 0 ? old.size * 2 : FIRST_SIZE;
	names->rows = mem_alloc(names->size * sizeof *names->rows);
	for (size_t i = 0; i < old.size; i++)
		if (old.rows[i].text.ptr != NULL)
			*find(names, old.rows[i].text, old.rows[i].hash) = old.rows[i];
	mem_free(old.rows);
}

void **exposition_names_put(struct exposition_names *names, struct str text)
{
	uint64_t hash = str_hash(text);
	hash ^= hash >> 32;
	if (names->count * 2 >= names->size)
		grow(names);
	struct exposition_name_row *row = find(names, text, hash);
	if (row->text.ptr == NULL) {
		char *copy = arena_try(names->arena, text.len + 1);
		if (copy == NULL)
			return NULL;
		if (text.len > 0)
			memcpy(copy, text.ptr, text.len);
		*row = (struct exposition_name_row){ .text = { copy, text.len }, .hash = hash };
		names->count++;
	}
	return &row->value;
}

void *exposition_names_get(const struct exposition_names *names, struct str text)
{
	uint64_t hash = str_hash(text);
	hash ^= hash >> 32;
	return names->size > 0 ? find(names, text, hash)->value : NULL;
}
