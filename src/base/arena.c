/* arena.c: see arena.h. */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BLOCK_BYTES_MIN 4096u
#define BLOCK_BYTES_MAX (1u << 20)

struct arena_block {
	struct arena_block *older;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t limit_bytes)
{
	*arena = (struct arena){
		.limit_bytes = limit_bytes > 0 ? limit_bytes : ARENA_LIMIT_DEFAULT_BYTES,
	};
}

static void free_from(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *older = block->older;
		mem_free(block);
		block = older;
	}
}

void arena_finish(struct arena *arena)
{
	free_from(arena->block);
	arena->block = NULL;
	arena->used_bytes = 0;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->block;
	arena->used_bytes = 0;
	if (kept == NULL)
		return;
	free_from(kept->older);
	kept->older = NULL;
	kept->used = 0;
}

size_t arena_room(const struct arena *arena)
{
	return arena->limit_bytes - arena->used_bytes;
}

static struct arena_block *block_add(struct arena *arena, size_t size)
{
	size_t want = arena->block != NULL ? arena->block->size * 2 : BLOCK_BYTES_MIN;
	if (want > BLOCK_BYTES_MAX)
		want = BLOCK_BYTES_MAX;
	if (want < size)
		want = size;
	struct arena_block *block = mem_realloc(NULL, sizeof *block + want);
	*block = (struct arena_block){ .older = arena->block, .size = want };
	arena->block = block;
	return block;
}

void *arena_try(struct arena *arena, size_t size)
{
	assert(arena->limit_bytes > 0);
	size_t step = alignof(max_align_t);
	if (size > SIZE_MAX - step)
		return NULL;
	size_t rounded = (size + step - 1) / step * step;
	if (rounded == 0)
		rounded = step;
	if (rounded > arena_room(arena))
		return NULL;
	struct arena_block *block = arena->block;
	if (block == NULL || block->size - block->used < rounded)
		block = block_add(arena, rounded);
	void *memory = block->bytes + block->used;
	block->used += rounded;
	arena->used_bytes += rounded;
	return memset(memory, 0, rounded);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *memory = arena_try(arena, size);
	if (memory == NULL) {
		fprintf(stderr, "mainstay: arena limit of %zu bytes reached by %zu more\n",
			arena->limit_bytes, size);
		abort();
	}
	return memory;
}

char *arena_cstr(struct arena *arena, struct str text)
{
	char *copy = arena_alloc(arena, text.len + 1);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

struct str arena_str(struct arena *arena, struct str text)
{
	return (struct str){ arena_cstr(arena, text), text.len };
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	char *text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return (struct str){ text, (size_t)length };
}
