/* memory.c: see memory.h and mallopt(3). */
#include "sys/memory.h"

#include <malloc.h>
#include <stddef.h>

#define MAPPED_FROM_BYTES (256 << 10) /* its own mapping, which ends with it; said once it is not learnt */
#define KEPT_AT_END_BYTES (1 << 20)   /* of each heap; a turn of it costs a system call */
#define HEAPS_MAX 16                  /* else eight for each core, and each has its leftovers */
#define FREE_MUCH_BYTES (8u << 20)    /* what lies between is only looked for past it */

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
		malloc_trim(KEPT_AT_END_BYTES);
}

#else

void memory_bound(void)
{
}

void memory_give_back(void)
{
}

#endif
