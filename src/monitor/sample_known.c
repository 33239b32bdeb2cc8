/* sample_known.c: see sample_known.h. Open addressing, at most three quarters full. */
#include "monitor/sample_known.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"

#define SIZE_MIN 1024u

static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof((struct sample_known *)0)->secret, "SipHash has this key");
static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(struct sample_key), "and gives 128 bits");

static void make_table(struct sample_known *known, uint32_t size)
{
	known->size = size;
	known->slots = mem_alloc(size * sizeof *known->slots);
}

void sample_known_init(struct sample_known *known, struct random *random, uint32_t count_max)
{
	*known = (struct sample_known){ .count_max = count_max };
	random_fill(random, known->secret, sizeof known->secret);
	make_table(known, SIZE_MIN);
}

void sample_known_finish(struct sample_known *known)
{
	mem_free(known->slots);
}

void sample_known_key(const struct sample_known *known, struct str labels, struct sample_key *ret_key)
{
	unsigned char out[sizeof *ret_key];
	crypto_shorthash_siphashx24(out, (const unsigned char *)labels.ptr, labels.len, known->secret);
	memcpy(ret_key, out, sizeof out);
}

static uint32_t slot_of(const struct sample_known *known, const struct sample_key *key)
{
	uint32_t at = (uint32_t)key->halves[0] & (known->size - 1);
	while (known->slots[at].reference != 0 && memcmp(&known->slots[at].key, key, sizeof *key) != 0)
		at = (at + 1) & (known->size - 1);
	return at;
}

bool sample_known_find(const struct sample_known *known, const struct sample_key *key, uint32_t *ret_reference)
{
	uint32_t at = slot_of(known, key);
	if (known->slots[at].reference == 0)
		return false;
	*ret_reference = known->slots[at].reference - 1;
	return true;
}

static void widen(struct sample_known *known)
{
	struct sample_known old = *known;
	make_table(known, old.size * 2);
	for (uint32_t i = 0; i < old.size; i++) {
		if (old.slots[i].reference != 0)
			known->slots[slot_of(known, &old.slots[i].key)] = old.slots[i];
	}
	sample_known_finish(&old);
}

void sample_known_add(struct sample_known *known, const struct sample_key *key, uint32_t reference)
{
	uint32_t at = slot_of(known, key);
	if (known->slots[at].reference != 0 || known->count == known->count_max)
		return;
	if ((known->count + 1) / 3 >= known->size / 4) {
		widen(known);
		at = slot_of(known, key);
	}
	known->slots[at] = (struct sample_slot){ *key, reference + 1 };
	known->count++;
}
