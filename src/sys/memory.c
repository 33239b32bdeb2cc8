/* memory.c: see memory.h and mallopt(3). */
#include "sys/memory.h"

#include <malloc.h>
#include <stddef.h>

/* Blocks of arenas come and go with every batch: a mapping for each made new alerts cost half as much again. */
#define MAPPED_FROM_BYTES (2 << 20) /* its own mapping, which ends with it; said once it is not learnt */
#define KEPT_AT_END_BYTES (8 << 20) /* of each heap until it is given back; a turn of it costs a system call */
#define HEAPS_MAX 16                /* else eight for each core, and each has its leftovers */
#define FREE_MUCH_BYTES (8u << 20)  /* less is left where it is */

#ifdef __GLIBC__

void memory_bound(void)
{
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_AT_END_BYTES);
	mallopt(M_ARENA_MAX, HEAPS_MAX);
}

void memory_give_back(void)
{
	if (mallinfo2().fordblks > FREE_MUCH_BYTES)
		malloc_trim(0);
}

#else

void memory_bound(void)
{
}

void memory_give_back(void)
{
}

#endif
