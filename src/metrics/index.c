/* index.c: see index.h. */
#include "metrics/index.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/pages.h"

#define TEXT_PAGE_BYTES ((uint32_t)PAGE_BYTES)
#define TEXT_PAGES_MAX 2047u
#define SET_PAGE_WORDS ((uint32_t)(PAGE_BYTES / sizeof(uint32_t)))
#define SET_PAGES_MAX 8191u
#define SLOTS_LEAST 64u

static_assert(crypto_shorthash_KEYBYTES == INDEX_HASH_KEY_BYTES, "the hash is SipHash");

static uint64_t hash(const struct index *index, const void *bytes, size_t size)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t value;
	crypto_shorthash(out, bytes, size, index->key);
	memcpy(&value, out, sizeof value);
	return value;
}

/* Room for one more; grows by a half, so that little lies idle. */
static void *grow(struct index *index, void *old, uint32_t count, uint32_t *size, size_t each)
{
	if (count < *size)
		return old;
	uint32_t wanted = *size < 64 ? 64 : *size + *size / 2;
	index->bytes += (wanted - *size) * each;
	*size = wanted;
	return mem_realloc(old, wanted * each);
}

typedef uint64_t hash_of_fn(const struct index *index, uint32_t number);

static void slots_put(struct slots *slots, uint64_t at, uint32_t number)
{
	uint32_t mask = slots->size - 1, i = (uint32_t)at & mask;
	while (slots->at[i] != 0)
		i = (i + 1) & mask;
	slots->at[i] = number + 1;
	slots->used++;
}

static void slots_add(struct index *index, struct slots *slots, uint32_t number, hash_of_fn *hash_of)
{
	if (slots->used >= slots->size / 5 * 4) {
		struct slots old = *slots;
		slots->size = old.size == 0 ? SLOTS_LEAST : old.size * 2;
		slots->used = 0;
		slots->at = mem_alloc(slots->size * sizeof *slots->at);
		index->bytes += (slots->size - old.size) * sizeof *slots->at;
		for (uint32_t i = 0; i < old.size; i++)
			if (old.at[i] != 0)
				slots_put(slots, hash_of(index, old.at[i] - 1), old.at[i] - 1);
		mem_free(old.at);
	}
	slots_put(slots, hash_of(index, number), number);
}

/* ---- texts ---- */

struct str index_text(const struct index *index, uint32_t symbol)
{
	assert(symbol < index->symbol_count);
	uint32_t at = index->text_at[symbol];
	const char *place = index->texts[at / TEXT_PAGE_BYTES] + at % TEXT_PAGE_BYTES;
	uint16_t length;
	memcpy(&length, place, sizeof length);
	return (struct str){ place + sizeof length, length };
}

static uint64_t symbol_hash(const struct index *index, uint32_t symbol)
{
	struct str text = index_text(index, symbol);
	return hash(index, text.ptr, text.len);
}

uint32_t index_symbol(const struct index *index, struct str text)
{
	const struct slots *slots = &index->symbol_slots;
	if (text.len == 0)
		return 0;
	uint32_t mask = slots->size - 1;
	if (slots->size == 0)
		return INDEX_NONE;
	for (uint32_t i = (uint32_t)hash(index, text.ptr, text.len) & mask; slots->at[i] != 0; i = (i + 1) & mask)
		if (str_eq(index_text(index, slots->at[i] - 1), text))
			return slots->at[i] - 1;
	return INDEX_NONE;
}

static uint32_t new_symbol(struct index *index, struct str text)
{
	uint16_t length = (uint16_t)text.len;
	uint32_t size = (uint32_t)(sizeof length + text.len), in_page = index->text_used % TEXT_PAGE_BYTES;
	if (in_page == 0 || in_page + size > TEXT_PAGE_BYTES) {
		index->text_used = (index->text_used + TEXT_PAGE_BYTES - 1) / TEXT_PAGE_BYTES * TEXT_PAGE_BYTES;
		index->texts[index->text_used / TEXT_PAGE_BYTES] = page_take(false);
	}
	char *place = index->texts[index->text_used / TEXT_PAGE_BYTES] + index->text_used % TEXT_PAGE_BYTES;
	memcpy(place, &length, sizeof length);
	if (length > 0)
		memcpy(place + sizeof length, text.ptr, length);
	uint32_t symbol = index->symbol_count;
	index->text_at = grow(index, index->text_at, symbol, &index->symbol_size, sizeof *index->text_at);
	index->text_at[symbol] = index->text_used;
	index->text_used += size;
	index->bytes += size;
	index->symbol_count++;
	if (length > 0)
		slots_add(index, &index->symbol_slots, symbol, symbol_hash);
	return symbol;
}

static uint32_t intern(struct index *index, struct str text)
{
	uint32_t symbol = index_symbol(index, text);
	return symbol != INDEX_NONE ? symbol : new_symbol(index, text);
}

/* ---- sets ---- */

const uint32_t *index_set(const struct index *index, uint32_t reference)
{
	assert(reference < index->series_count);
	uint32_t at = index->set_of[reference];
	return index->sets[at / SET_PAGE_WORDS] + at % SET_PAGE_WORDS;
}

static size_t set_bytes(const uint32_t *set)
{
	return (1 + 2 * (size_t)set[0]) * sizeof *set;
}

static uint64_t series_hash(const struct index *index, uint32_t reference)
{
	const uint32_t *set = index_set(index, reference);
	return hash(index, set, set_bytes(set));
}

uint32_t index_find(const struct index *index, const struct metrics_label *labels, size_t count)
{
	assert(count <= METRICS_LABELS_MAX);
	uint32_t set[1 + 2 * METRICS_LABELS_MAX] = { (uint32_t)count };
	for (size_t i = 0; i < count; i++) {
		set[1 + 2 * i] = index_symbol(index, labels[i].name);
		set[2 + 2 * i] = index_symbol(index, labels[i].value);
		if (set[1 + 2 * i] == INDEX_NONE || set[2 + 2 * i] == INDEX_NONE)
			return INDEX_NONE;
	}
	const struct slots *slots = &index->series_slots;
	uint32_t mask = slots->size - 1;
	if (slots->size == 0)
		return INDEX_NONE;
	for (uint32_t i = (uint32_t)hash(index, set, set_bytes(set)) & mask; slots->at[i] != 0; i = (i + 1) & mask) {
		const uint32_t *other = index_set(index, slots->at[i] - 1);
		if (other[0] == count && memcmp(other, set, set_bytes(set)) == 0)
			return slots->at[i] - 1;
	}
	return INDEX_NONE;
}

uint32_t index_value(const struct index *index, uint32_t reference, uint32_t name)
{
	const uint32_t *set = index_set(index, reference);
	for (uint32_t i = 0; i < set[0]; i++)
		if (set[1 + 2 * i] == name)
			return set[2 + 2 * i];
	return 0;
}

static uint32_t *new_set(struct index *index, uint32_t words)
{
	uint32_t in_page = index->set_used % SET_PAGE_WORDS;
	if (in_page == 0 || in_page + words > SET_PAGE_WORDS) {
		index->set_used = (index->set_used + SET_PAGE_WORDS - 1) / SET_PAGE_WORDS * SET_PAGE_WORDS;
		index->sets[index->set_used / SET_PAGE_WORDS] = page_take(index->set_used + SET_PAGE_WORDS <= index->set_expected);
	}
	uint32_t reference = index->series_count;
	index->set_of = grow(index, index->set_of, reference, &index->series_size, sizeof *index->set_of);
	index->set_of[reference] = index->set_used;
	uint32_t *set = index->sets[index->set_used / SET_PAGE_WORDS] + index->set_used % SET_PAGE_WORDS;
	index->set_used += words;
	index->bytes += words * sizeof(uint32_t);
	index->series_count++;
	return set;
}

/* ---- postings ---- */

static uint64_t pair_hash(const struct index *index, uint32_t number)
{
	uint32_t both[2] = { index->pairs[number].name, index->pairs[number].value };
	return hash(index, both, sizeof both);
}

static uint32_t find_pair(const struct index *index, uint32_t name, uint32_t value)
{
	uint32_t both[2] = { name, value }, mask = index->pair_slots.size - 1;
	const uint32_t *at = index->pair_slots.at;
	if (index->pair_slots.size == 0)
		return INDEX_NONE;
	for (uint32_t i = (uint32_t)hash(index, both, sizeof both) & mask; at[i] != 0; i = (i + 1) & mask) {
		const struct pair *pair = &index->pairs[at[i] - 1];
		if (pair->name == name && pair->value == value)
			return at[i] - 1;
	}
	return INDEX_NONE;
}

const struct pair *index_pair(const struct index *index, uint32_t name, uint32_t value)
{
	uint32_t found = find_pair(index, name, value);
	return found == INDEX_NONE ? NULL : &index->pairs[found];
}

static void put_run(struct index *index, struct pair *pair, uint32_t number)
{
	for (;;) {
		if (pair->used == pair->size) {
			uint32_t size = pair->size < 8 ? 8 : pair->size + pair->size / 2;
			pair->runs = mem_realloc(pair->runs, size);
			index->bytes += size - pair->size;
			pair->size = size;
		}
		pair->runs[pair->used++] = (uint8_t)(number < 128 ? number : number | 128);
		if (number < 128)
			return;
		number >>= 7;
	}
}

/* A gap and whether a length follows; references stay below 2^31 (METRICS' series_max). */
static void carry(struct index *index, struct pair *pair, uint32_t reference)
{
	if (pair->count++ == 0) {
		pair->first = pair->last = reference;
		return;
	}
	assert(reference > pair->last);
	if (reference == pair->last + 1) {
		pair->last = reference;
		return;
	}
	bool longer = pair->last > pair->first;
	put_run(index, pair, (pair->first - pair->closed_end) << 1 | longer);
	if (longer)
		put_run(index, pair, pair->last - pair->first);
	pair->closed_end = pair->last + 1;
	pair->first = pair->last = reference;
}

static uint32_t get_run(const uint8_t **at)
{
	uint32_t number = 0;
	for (unsigned shift = 0;; shift += 7) {
		uint8_t byte = *(*at)++;
		number |= (uint32_t)(byte & 127) << shift;
		if (byte < 128)
			return number;
	}
}

/* The runs of a posting, one after the other. */
struct runs {
	const struct pair *pair;
	const uint8_t *at;
	uint32_t next;
	bool ended;
};

static bool next_run(struct runs *runs, uint32_t *ret_first, uint32_t *ret_last)
{
	const struct pair *pair = runs->pair;
	if (runs->at == NULL || runs->at == pair->runs + pair->used) { /* the open one */
		*ret_first = pair->first;
		*ret_last = pair->last;
		bool had = runs->ended || pair->count == 0;
		runs->ended = true;
		return !had;
	}
	uint32_t gap = get_run(&runs->at), more = (gap & 1) != 0 ? get_run(&runs->at) : 0;
	*ret_first = runs->next + (gap >> 1);
	*ret_last = *ret_first + more;
	runs->next = *ret_last + 1;
	return true;
}

void index_posting(const struct pair *pair, uint32_t *ret_references)
{
	struct runs runs = { .pair = pair, .at = pair->runs };
	uint32_t first, last;
	for (size_t done = 0; next_run(&runs, &first, &last);)
		for (uint32_t i = first; i <= last; i++)
			ret_references[done++] = i;
}

void index_mark(const struct pair *pair, uint64_t *bits)
{
	struct runs runs = { .pair = pair, .at = pair->runs };
	uint32_t first, last;
	while (next_run(&runs, &first, &last))
		for (uint32_t i = first; i <= last; i++)
			bits[i / 64] |= UINT64_C(1) << i % 64;
}

static uint32_t pair_number(struct index *index, uint32_t name, uint32_t value)
{
	uint32_t found = find_pair(index, name, value);
	if (found != INDEX_NONE)
		return found;
	uint32_t number = index->pair_count, head = value == 0 ? INDEX_NONE : find_pair(index, name, 0);
	index->pairs = grow(index, index->pairs, number, &index->pair_size, sizeof *index->pairs);
	index->pairs[number] = (struct pair){ .name = name, .value = value, .next = INDEX_NONE };
	index->pair_count++;
	index->name_count += value == 0;
	if (head != INDEX_NONE) {
		index->pairs[number].next = index->pairs[head].next;
		index->pairs[head].next = number;
	}
	slots_add(index, &index->pair_slots, number, pair_hash);
	return number;
}

/* ---- the whole ---- */

void index_init(struct index *index, struct random *random)
{
	random_fill(random, index->key, sizeof index->key);
	index_empty(index);
}

void index_empty(struct index *index)
{
	struct index fresh = { .symbol_count = 0 };
	memcpy(fresh.key, index->key, sizeof fresh.key);
	*index = fresh;
	index->texts = mem_alloc((TEXT_PAGES_MAX + 1) * sizeof *index->texts);
	index->sets = mem_alloc((SET_PAGES_MAX + 1) * sizeof *index->sets);
	new_symbol(index, STR_NONE);
}

void index_finish(struct index *index)
{
	for (uint32_t i = 0; i <= TEXT_PAGES_MAX && index->texts[i] != NULL; i++)
		page_give_back(index->texts[i]);
	for (uint32_t i = 0; i <= SET_PAGES_MAX && index->sets[i] != NULL; i++)
		page_give_back(index->sets[i]);
	for (uint32_t i = 0; i < index->pair_count; i++)
		mem_free(index->pairs[i].runs);
	mem_free(index->texts);
	mem_free(index->text_at);
	mem_free(index->sets);
	mem_free(index->set_of);
	mem_free(index->pairs);
	mem_free(index->symbol_slots.at);
	mem_free(index->series_slots.at);
	mem_free(index->pair_slots.at);
}

void index_begin_hour(struct index *index)
{
	uint32_t name = index_symbol(index, STR(METRICS_NAME));
	const struct pair *head = name == INDEX_NONE ? NULL : index_pair(index, name, 0);
	for (uint32_t at = head == NULL ? INDEX_NONE : head->next; at != INDEX_NONE; at = index->pairs[at].next)
		index->pairs[at].before = index->pairs[at].count;
}

bool index_has_room(const struct index *index)
{
	return index->text_used / TEXT_PAGE_BYTES + 2 < TEXT_PAGES_MAX && index->set_used / SET_PAGE_WORDS + 2 < SET_PAGES_MAX;
}

static struct pair *carrier(struct index *index, uint32_t place, uint32_t name, uint32_t value)
{
	uint32_t number = index->recent[place];
	if (number >= index->pair_count || index->pairs[number].name != name || index->pairs[number].value != value)
		number = index->recent[place] = pair_number(index, name, value);
	return &index->pairs[number];
}

uint32_t index_add_set(struct index *index, const uint32_t *set)
{
	uint32_t reference = index->series_count;
	memcpy(new_set(index, 1 + 2 * set[0]), set, set_bytes(set));
	for (uint32_t i = 0; i < set[0]; i++) {
		carry(index, carrier(index, 2 * i, set[1 + 2 * i], 0), reference);
		carry(index, carrier(index, 2 * i + 1, set[1 + 2 * i], set[2 + 2 * i]), reference);
	}
	if (set[0] == 0)
		index->gone_count++;
	else
		slots_add(index, &index->series_slots, reference, series_hash);
	return reference;
}

uint32_t index_add(struct index *index, const struct metrics_label *labels, size_t count)
{
	assert(index_has_room(index));
	uint32_t set[1 + 2 * METRICS_LABELS_MAX] = { (uint32_t)count };
	for (size_t i = 0; i < count; i++) {
		set[1 + 2 * i] = intern(index, labels[i].name);
		set[2 + 2 * i] = intern(index, labels[i].value);
	}
	return index_add_set(index, set);
}

void index_add_symbol(struct index *index, struct str text)
{
	new_symbol(index, text);
}

static void slots_reserve(struct index *index, struct slots *slots, uint32_t count)
{
	assert(slots->used == 0);
	uint32_t size = SLOTS_LEAST;
	while (size / 5 * 4 <= count)
		size *= 2;
	mem_free(slots->at);
	index->bytes += (size - slots->size) * sizeof *slots->at;
	slots->at = mem_alloc(size * sizeof *slots->at);
	slots->size = size;
}

void index_reserve(struct index *index, uint32_t symbols, uint32_t series, uint32_t pairs, uint32_t set_words)
{
	index->set_expected = set_words;
	slots_reserve(index, &index->symbol_slots, symbols);
	slots_reserve(index, &index->series_slots, series);
	slots_reserve(index, &index->pair_slots, pairs);
}
