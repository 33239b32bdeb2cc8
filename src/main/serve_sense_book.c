/* serve_sense_book.c: one entry a check, with its last results. See serve_sense_priv.h. */
#include "main/serve_sense_priv.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

#define RING_LEAST 8u

static struct entry **slot_of(struct serve_sense *s, struct str name)
{
	struct entry **slot = &s->table[str_hash(name) % BOOK_BUCKETS];
	while (*slot != NULL && !str_is(name, (*slot)->name))
		slot = &(*slot)->next;
	return slot;
}

struct entry *book_find(struct serve_sense *s, struct str name)
{
	return *slot_of(s, name);
}

struct entry *book_put(struct serve_sense *s, struct str name)
{
	assert(name.len > 0 && name.len < MONITOR_NAME_BYTES);
	struct entry **slot = slot_of(s, name);
	if (*slot != NULL)
		return *slot;
	struct entry *entry = mem_alloc(sizeof *entry);
	snprintf(entry->name, sizeof entry->name, STR_FMT, STR_ARG(name));
	pthread_mutex_lock(&s->lock);
	*slot = entry;
	s->count++;
	pthread_mutex_unlock(&s->lock);
	return entry;
}

static void entry_free(struct entry *entry)
{
	for (unsigned i = 0; i < entry->ring_count; i++)
		mem_free(entry->ring[(entry->ring_first + i) % entry->ring_size].reason);
	mem_free(entry->ring);
	mem_free(entry->detail);
	mem_free(entry);
}

void book_remove(struct serve_sense *s, struct str name)
{
	struct entry **slot = slot_of(s, name), *entry = *slot;
	if (entry == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	*slot = entry->next;
	s->count--;
	pthread_cond_broadcast(&s->changed); /* whoever waits for it finds it gone */
	pthread_mutex_unlock(&s->lock);
	entry_free(entry);
}

void book_finish(struct serve_sense *s)
{
	for (unsigned i = 0; i < BOOK_BUCKETS; i++) {
		while (s->table[i] != NULL) {
			struct entry *entry = s->table[i];
			s->table[i] = entry->next;
			entry_free(entry);
		}
	}
	s->count = 0;
}

/* ---- results ---- */

static unsigned ring_limit(const struct serve_sense *s)
{
	unsigned share = SERVE_SENSE_RESULTS_ALL_MAX / (s->count > 0 ? s->count : 1);
	if (share > SERVE_SENSE_RESULTS_MAX)
		return SERVE_SENSE_RESULTS_MAX;
	return share > RING_LEAST ? share : RING_LEAST;
}

/* Grows by doubling: most checks of a short life never need the whole ring. */
static void ring_grow(struct entry *entry, unsigned limit)
{
	unsigned size = entry->ring_size == 0 ? RING_LEAST : entry->ring_size * 2;
	if (size > limit)
		size = limit;
	struct book_result *ring = mem_alloc(size * sizeof *ring);
	for (unsigned i = 0; i < entry->ring_count; i++)
		ring[i] = entry->ring[(entry->ring_first + i) % entry->ring_size];
	mem_free(entry->ring);
	entry->ring = ring;
	entry->ring_size = size;
	entry->ring_first = 0;
}

static void ring_drop_oldest(struct entry *entry)
{
	assert(entry->ring_count > 0);
	mem_free(entry->ring[entry->ring_first].reason);
	entry->ring_first = (entry->ring_first + 1) % entry->ring_size;
	entry->ring_count--;
}

static struct book_result pack(const struct check_result *result)
{
	bool long_one = result->latency > UINT32_MAX;
	return (struct book_result){
		.wall = result->wall,
		.not_after = result->not_after,
		.reason = mem_strdup(result->reason),
		.latency_us = long_one ? UINT32_MAX : (uint32_t)result->latency,
		.days_left = result->days_left,
		.status = (int16_t)result->status,
		.good = result->good,
		.blind = result->blind,
		.warned = result->warned,
		.certificated = result->certificated,
	};
}

void book_add(struct serve_sense *s, struct entry *entry, const struct check_result *result)
{
	pthread_mutex_lock(&s->lock);
	unsigned limit = ring_limit(s);
	while (entry->ring_count >= limit)
		ring_drop_oldest(entry);
	if (entry->ring_count == entry->ring_size)
		ring_grow(entry, limit);
	assert(entry->ring_count < entry->ring_size);
	entry->ring[(entry->ring_first + entry->ring_count) % entry->ring_size] = pack(result);
	entry->ring_count++;
	mem_free(entry->detail);
	entry->detail = result->detail != NULL ? mem_strdup(result->detail) : NULL;
	entry->last = *result;
	entry->last.detail = entry->detail;
	entry->has_last = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

size_t book_results(const struct entry *entry, struct check_result *ret_results, size_t max)
{
	size_t count = entry->ring_count < max ? entry->ring_count : max;
	for (size_t i = 0; i < count; i++) {
		unsigned place = entry->ring_first + entry->ring_count - 1 - (unsigned)i;
		const struct book_result *kept = &entry->ring[place % entry->ring_size];
		ret_results[i] = (struct check_result){
			.wall = kept->wall,
			.good = kept->good,
			.blind = kept->blind,
			.warned = kept->warned,
			.latency = kept->latency_us,
			.status = kept->status,
			.certificated = kept->certificated,
			.days_left = kept->days_left,
			.not_after = kept->not_after,
		};
		snprintf(ret_results[i].reason, CHECK_REASON_BYTES, "%s", kept->reason);
	}
	return count;
}
