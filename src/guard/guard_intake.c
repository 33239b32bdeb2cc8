/* guard_intake.c: see guard_intake.h. Each bucket is one time: when it would be full again. */
#include "guard/guard_intake.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>

#include "base/mem.h"
#include "wire/address.h"

struct slot {
	uint64_t key;
	time_us full; /* when all of the burst is there again */
};

struct guard_intake {
	pthread_mutex_t lock;
	struct guard_intake_rule rule;
	unsigned char secret[crypto_shorthash_KEYBYTES];
	struct slot all, slots[GUARD_INTAKE_SLOTS];
	uint64_t refused;
};

struct guard_intake *guard_intake_create(const struct guard_intake_rule *rule, struct random *random)
{
	struct guard_intake *intake = mem_alloc(sizeof *intake);
	assert(rule->burst > 0 && rule->every > 0);
	assert(rule->all_burst > 0 && rule->all_every > 0);
	intake->rule = *rule;
	pthread_mutex_init(&intake->lock, NULL);
	random_fill(random, intake->secret, sizeof intake->secret);
	return intake;
}

void guard_intake_destroy(struct guard_intake **intake)
{
	if (*intake == NULL)
		return;
	pthread_mutex_destroy(&(*intake)->lock);
	mem_free(*intake);
	*intake = NULL;
}

/* A customer is commonly given a whole /64, so its addresses are one. */
static uint64_t key_of(const struct guard_intake *intake, struct str text)
{
	struct address address, inner;
	uint64_t key;
	unsigned char bytes[17] = { 'x' };
	size_t size = 1;
	if (address_parse(text, &address)) {
		if (address.v6 && address_unwrap(&address, &inner))
			address = inner;
		bytes[0] = address.v6 ? '6' : '4';
		size += address.v6 ? 8 : 4;
		memcpy(bytes + 1, address.bytes, size - 1);
	}
	crypto_shorthash((unsigned char *)&key, bytes, size, intake->secret);
	return key;
}

/* How long until there is room for one more; 0 when there is. */
static time_us wait_of(const struct slot *slot, unsigned burst, time_us every, time_us now)
{
	time_us room = slot->full - (time_us)(burst - 1) * every;
	return room > now ? room - now : 0;
}

static void take(struct slot *slot, time_us every, time_us now)
{
	slot->full = (slot->full > now ? slot->full : now) + every;
}

enum guard_intake_end guard_intake_take(struct guard_intake *intake, struct str address, time_us now,
					time_us *ret_wait)
{
	const struct guard_intake_rule *rule = &intake->rule;
	uint64_t key = key_of(intake, address);
	pthread_mutex_lock(&intake->lock);
	struct slot *slot = &intake->slots[key % GUARD_INTAKE_SLOTS];
	if (slot->key != key)
		*slot = (struct slot){ .key = key };
	enum guard_intake_end end = GUARD_INTAKE_TAKEN;
	time_us wait = wait_of(slot, rule->burst, rule->every, now);
	if (wait > 0) {
		end = GUARD_INTAKE_ADDRESS;
	} else {
		wait = wait_of(&intake->all, rule->all_burst, rule->all_every, now);
		if (wait > 0) {
			end = GUARD_INTAKE_ALL;
			intake->refused++;
		}
	}
	if (end == GUARD_INTAKE_TAKEN) {
		take(slot, rule->every, now);
		take(&intake->all, rule->all_every, now);
	} else {
		*ret_wait = wait;
	}
	pthread_mutex_unlock(&intake->lock);
	return end;
}

uint64_t guard_intake_refused(struct guard_intake *intake)
{
	pthread_mutex_lock(&intake->lock);
	uint64_t refused = intake->refused;
	intake->refused = 0;
	pthread_mutex_unlock(&intake->lock);
	return refused;
}
