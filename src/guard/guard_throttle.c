/* guard_throttle.c: see guard_throttle.h. A hash table of counters with a list from the last used to
 * the one that makes room. */
#include "guard/guard_throttle.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>

#include "base/mem.h"
#include "wire/address.h"

#define FREE_TRIES 3u
#define COUNT_MAX 1000u /* more would take longer to forget than anybody waits */
#define NONE UINT32_MAX
#define EMAIL_BYTES_MAX 254u

struct entry {
	uint64_t key;
	time_us since; /* from when the next forgetting is counted */
	time_us last;  /* when the last try began */
	unsigned count, waiting;
	bool known; /* a pair that signed in */
	uint32_t chain;        /* next of the same bucket */
	uint32_t newer, older; /* by last use */
};

struct guard_throttle {
	pthread_mutex_t lock;
	unsigned char secret[crypto_shorthash_KEYBYTES];
	struct entry *entries;
	uint32_t *buckets;
	uint32_t bucket_mask, size, used;
	uint32_t newest, oldest;
};

struct guard_throttle *guard_throttle_create(unsigned entries, struct random *random)
{
	assert(entries >= 2); /* a try needs two at once */
	struct guard_throttle *t = mem_alloc(sizeof *t);
	uint32_t buckets = 1;
	while (buckets < entries)
		buckets *= 2;
	pthread_mutex_init(&t->lock, NULL);
	random_fill(random, t->secret, sizeof t->secret);
	t->entries = mem_alloc(entries * sizeof *t->entries);
	t->buckets = mem_alloc(buckets * sizeof *t->buckets);
	for (uint32_t i = 0; i < buckets; i++)
		t->buckets[i] = NONE;
	t->bucket_mask = buckets - 1;
	t->size = entries;
	t->newest = t->oldest = NONE;
	return t;
}

void guard_throttle_destroy(struct guard_throttle **throttle)
{
	if (*throttle == NULL)
		return;
	pthread_mutex_destroy(&(*throttle)->lock);
	mem_free((*throttle)->entries);
	mem_free((*throttle)->buckets);
	mem_free(*throttle);
	*throttle = NULL;
}

/* ---- keys ---- */

static uint64_t key_of(const struct guard_throttle *t, char kind, const void *bytes, size_t size)
{
	unsigned char text[1 + EMAIL_BYTES_MAX];
	uint64_t key;
	size = size < EMAIL_BYTES_MAX ? size : EMAIL_BYTES_MAX;
	text[0] = (unsigned char)kind;
	memcpy(text + 1, bytes, size);
	crypto_shorthash((unsigned char *)&key, text, size + 1, t->secret);
	return key;
}

static uint64_t account_key(const struct guard_throttle *t, struct str email)
{
	char lower[EMAIL_BYTES_MAX];
	email = str_sub(str_trim(email), 0, sizeof lower);
	for (size_t i = 0; i < email.len; i++) {
		char c = email.ptr[i];
		lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return key_of(t, 'e', lower, email.len);
}

/* A customer is commonly given a whole /64, so its addresses are one. */
static uint64_t address_key(const struct guard_throttle *t, struct str text)
{
	struct address address, inner;
	if (!address_parse(text, &address))
		return key_of(t, 'x', text.len > 0 ? text.ptr : "", text.len);
	if (address.v6 && address_unwrap(&address, &inner))
		address = inner;
	return key_of(t, address.v6 ? '6' : '4', address.bytes, address.v6 ? 8 : 4);
}

/* ---- entries ---- */

static void list_remove(struct guard_throttle *t, uint32_t i)
{
	struct entry *e = &t->entries[i];
	if (e->newer != NONE)
		t->entries[e->newer].older = e->older;
	else
		t->newest = e->older;
	if (e->older != NONE)
		t->entries[e->older].newer = e->newer;
	else
		t->oldest = e->newer;
}

static void list_add(struct guard_throttle *t, uint32_t i)
{
	struct entry *e = &t->entries[i];
	e->newer = NONE;
	e->older = t->newest;
	if (t->newest != NONE)
		t->entries[t->newest].newer = i;
	else
		t->oldest = i;
	t->newest = i;
}

static uint32_t *bucket_of(struct guard_throttle *t, uint64_t key)
{
	return &t->buckets[key & t->bucket_mask];
}

static struct entry *find(struct guard_throttle *t, uint64_t key)
{
	for (uint32_t i = *bucket_of(t, key); i != NONE; i = t->entries[i].chain) {
		if (t->entries[i].key == key)
			return &t->entries[i];
	}
	return NULL;
}

static uint32_t make_room(struct guard_throttle *t)
{
	if (t->used < t->size)
		return t->used++;
	uint32_t i = t->oldest;
	uint32_t *link = bucket_of(t, t->entries[i].key);
	while (*link != i)
		link = &t->entries[*link].chain;
	*link = t->entries[i].chain;
	list_remove(t, i);
	return i;
}

static struct entry *use(struct guard_throttle *t, uint64_t key, time_us now)
{
	struct entry *e = find(t, key);
	uint32_t i;
	if (e != NULL) {
		i = (uint32_t)(e - t->entries);
		list_remove(t, i);
	} else {
		i = make_room(t);
		e = &t->entries[i];
		*e = (struct entry){ .key = key, .since = now, .chain = *bucket_of(t, key) };
		*bucket_of(t, key) = i;
	}
	list_add(t, i);
	return e;
}

/* ---- counting ---- */

static void forget(struct entry *e, time_us now)
{
	time_us steps = now > e->since ? (now - e->since) / GUARD_FORGET_ONE : 0;
	e->count = steps < e->count ? e->count - (unsigned)steps : 0;
	e->since = e->count > 0 ? e->since + steps * GUARD_FORGET_ONE : now;
}

static time_us wait_after(unsigned count)
{
	if (count < FREE_TRIES)
		return 0;
	unsigned doublings = count - FREE_TRIES;
	time_us wait = doublings < 6 ? TIME_SECOND << doublings : GUARD_WAIT_MAX;
	return wait < GUARD_WAIT_MAX ? wait : GUARD_WAIT_MAX;
}

static time_us count_up(struct entry *e, time_us now, time_us *ret_before)
{
	forget(e, now);
	time_us wait = e->last + wait_after(e->count) - now;
	*ret_before = e->last;
	e->last = now;
	e->count += e->count < COUNT_MAX;
	e->waiting++;
	return wait > 0 ? wait : 0;
}

static unsigned count_end(struct entry *e, bool right, time_us now)
{
	if (e == NULL)
		return 0; /* it made room meanwhile */
	forget(e, now);
	e->waiting -= e->waiting > 0;
	e->count -= right && e->count > 0;
	return e->count;
}

static bool is_full(struct guard_throttle *t, uint64_t key)
{
	const struct entry *e = find(t, key);
	return e != NULL && e->waiting >= GUARD_WAITING_MAX;
}

enum err guard_try_begin(struct guard_throttle *t, struct str email, struct str address,
			 time_us now, struct guard_try *ret_try, time_us *ret_wait, struct error *err)
{
	struct guard_try attempt = {
		.account = account_key(t, email),
		.address = address_key(t, address),
		.began = now,
	};
	uint64_t both[2] = { attempt.account, attempt.address };
	attempt.pair = key_of(t, 'p', both, sizeof both);
	time_us wait = 0;
	pthread_mutex_lock(&t->lock);
	struct entry *pair = find(t, attempt.pair);
	attempt.known = pair != NULL && pair->known;
	bool full = !attempt.known && (is_full(t, attempt.account) || is_full(t, attempt.address));
	if (attempt.known) {
		wait = count_up(use(t, attempt.pair, now), now, &attempt.before[0]);
	} else if (!full) {
		time_us by_account =
			count_up(use(t, attempt.account, now), now, &attempt.before[0]);
		time_us by_address =
			count_up(use(t, attempt.address, now), now, &attempt.before[1]);
		wait = by_account > by_address ? by_account : by_address;
	}
	pthread_mutex_unlock(&t->lock);
	if (full) {
		error_set(err, ERR_LIMIT, "too many tries to sign in wait already");
		error_hint(err, "try again in a minute; a link from an admin works at once");
		return ERR_LIMIT;
	}
	*ret_try = attempt;
	*ret_wait = wait;
	return OK;
}

unsigned guard_try_end(struct guard_throttle *t, const struct guard_try *attempt, bool right,
		       time_us now)
{
	unsigned failures;
	pthread_mutex_lock(&t->lock);
	if (attempt->known) {
		failures = count_end(find(t, attempt->pair), right, now);
	} else {
		count_end(find(t, attempt->address), right, now);
		failures = count_end(find(t, attempt->account), right, now);
	}
	if (right)
		use(t, attempt->pair, now)->known = true;
	pthread_mutex_unlock(&t->lock);
	return failures;
}

static void uncount(struct entry *e, time_us began, time_us before)
{
	if (e == NULL)
		return;
	e->waiting -= e->waiting > 0;
	e->count -= e->count > 0;
	if (e->last == began)
		e->last = before;
}

void guard_try_cancel(struct guard_throttle *t, const struct guard_try *attempt)
{
	pthread_mutex_lock(&t->lock);
	if (attempt->known) {
		uncount(find(t, attempt->pair), attempt->began, attempt->before[0]);
	} else {
		uncount(find(t, attempt->account), attempt->began, attempt->before[0]);
		uncount(find(t, attempt->address), attempt->began, attempt->before[1]);
	}
	pthread_mutex_unlock(&t->lock);
}

bool guard_try_is_news(unsigned failures)
{
	return failures > 0 && (failures & (failures - 1)) == 0;
}
