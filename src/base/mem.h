/*
 * mem.h: heap memory that is there or ends the process.
 *
 * Mainstay is crash-only about memory: an allocation that fails ends the server, the supervisor
 * starts it again, and nothing that was answered 2xx is lost. What must not end the process is
 * bounded where it enters (request sizes, arena limits), so running out means the machine is out.
 */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));          /* zeroed */
void *mem_realloc(void *old, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
void mem_free(void *memory); /* accepts NULL */

/* `cleanup_free char *text = ...` frees at the end of the block; hand on with MEM_TAKE. */
void mem_free_pointer(void *pointer_to_pointer);
#define cleanup_free __attribute__((cleanup(mem_free_pointer)))

#define MEM_TAKE(pointer)                            \
	({                                           \
		__typeof__(pointer) taken = (pointer); \
		(pointer) = NULL;                    \
		taken;                               \
	})
