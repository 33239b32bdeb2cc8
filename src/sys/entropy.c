/* entropy.c: see entropy.h. */
#include "sys/entropy.h"

#include <assert.h>
#include <sodium.h>

static void fill_system(struct random *random, void *bytes, size_t size)
{
	(void)random;
	randombytes_buf(bytes, size);
}

void entropy_init(struct random *random)
{
	int ready = sodium_init();
	assert(ready >= 0);
	*random = (struct random){ .fill = fill_system };
}
