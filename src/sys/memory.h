/*
 * memory.h: what malloc may keep of what was freed. For the whole process; glibc's malloc, elsewhere
 * nothing happens.
 *
 * Left alone it keeps the peak of every thread for ever: it learns from a large block that was freed to
 * cut the next ones from the heap of the thread, and such a heap shrinks at its end only. One page of the
 * journal that took 60 MB so stayed in each of the workers that had ever answered one.
 */
#pragma once

/* Before the first thread. */
void memory_bound(void);

/* Now and then, from one thread: gives back what lies free between what is used, when it is much. */
void memory_give_back(void);
