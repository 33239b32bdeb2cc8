/* pages.c: see pages.h. */
#include "metrics/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>


static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* At a multiple of a page: what lies around is given back. */
static void *map_huge(size_t size)
{
	char *memory = map(size + PAGE_BYTES);
	if (memory == NULL)
		return NULL;
	size_t before = (size_t)(-(uintptr_t)memory & (PAGE_BYTES - 1));
	if (before > 0)
		munmap(memory, before);
	munmap(memory + before + size, PAGE_BYTES - before);
	madvise(memory + before, size, MADV_HUGEPAGE); /* without: small pages, and slower */
	return memory + before;
}

void *page_take(bool is_huge)
{
	void *page = is_huge ? map_huge(PAGE_BYTES) : map(PAGE_BYTES);
	if (page == NULL)
		abort();
	return page;
}

void page_give_back(void *page)
{
	if (page != NULL)
		munmap(page, PAGE_BYTES);
}

static size_t whole(size_t size)
{
	return (size / PAGE_BYTES + 1) * PAGE_BYTES;
}

void *pages_take(size_t size)
{
	void *pages = size < PAGE_BYTES ? map(whole(size)) : map_huge(whole(size));
	if (pages == NULL)
		abort();
	return pages;
}

void pages_give_back(void *pages, size_t size)
{
	if (pages != NULL)
		munmap(pages, whole(size));
}
