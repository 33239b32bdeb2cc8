/*
 * arena.h: memory by lifetime: many allocations, one reset.
 *
 * One arena per request, evaluation, batch or scrape. Nothing is freed alone. An arena has a limit
 * in bytes: the one who makes it knows how much the work may cost, and going past it is that
 * work's failure, not the process's. Not thread-safe; it belongs to whoever made it.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *block; /* newest first */
	size_t used_bytes;         /* handed out, over all blocks */
	size_t limit_bytes;
};

#define ARENA_LIMIT_DEFAULT_BYTES (64u << 20)

void arena_init(struct arena *arena, size_t limit_bytes); /* 0: the default limit */
void arena_finish(struct arena *arena);                   /* frees all */
void arena_reset(struct arena *arena);                    /* keeps the newest block for reuse */

#define cleanup_arena __attribute__((cleanup(arena_finish)))

/* Zeroed and aligned for any type. arena_alloc ends the process past the limit (a limit that can be
 * reached by input must be checked first: arena_room); arena_try returns NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_try(struct arena *arena, size_t size);
size_t arena_room(const struct arena *arena);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

/* Copies; results end in NUL, which the length does not count. */
struct str arena_str(struct arena *arena, struct str text);
char *arena_cstr(struct arena *arena, struct str text);
struct str arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
