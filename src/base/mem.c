/* mem.c: see mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *there_or_end(void *memory, size_t size)
{
	if (memory == NULL) {
		fprintf(stderr, "mainstay: could not get %zu bytes of memory\n", size);
		abort();
	}
	return memory;
}

void *mem_alloc(size_t size)
{
	return there_or_end(calloc(1, size > 0 ? size : 1), size);
}

void *mem_realloc(void *old, size_t size)
{
	return there_or_end(realloc(old, size > 0 ? size : 1), size);
}

char *mem_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(mem_alloc(size), text, size);
}

void mem_free(void *memory)
{
	free(memory);
}

void mem_free_pointer(void *pointer_to_pointer)
{
	void *memory;
	memcpy(&memory, pointer_to_pointer, sizeof memory);
	free(memory);
}
