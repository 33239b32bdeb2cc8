/*
 * pages.h: memory in pieces of 2 MiB that never move: what grows with the series.
 *
 * From the kernel, zero, and not there until it is touched: an engine takes what it uses. What is known to be filled soon
 * is taken as huge pages where the kernel has some: at a restart, a fault for each 4 KiB took a third of the time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PAGE_BYTES ((size_t)2 << 20)

void *page_take(bool is_huge);   /* or ends the process, as mem_alloc does */
void page_give_back(void *page); /* accepts NULL */

/* For a file that is read in one piece; at least a byte more. */
void *pages_take(size_t size);
void pages_give_back(void *pages, size_t size);
