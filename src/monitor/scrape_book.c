/* scrape_book.c: see scrape_book.h. */
#include "monitor/scrape_book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

#define FIRST_SIZE 64u
#define SERIES_MAX (10u << 20) /* of one target; more are refused */
#define LINE_ARENA_BYTES ((size_t)16 << 20)

/* About the scrape itself. The last three only where extra_scrape_metrics says so. */
enum own { OWN_UP, OWN_DURATION, OWN_SCRAPED, OWN_KEPT, OWN_ADDED, OWN_TIMEOUT, OWN_LIMIT, OWN_BYTES, OWN_COUNT };

static const char *const own_names[OWN_COUNT] = {
	[OWN_UP] = "up",
	[OWN_DURATION] = "scrape_duration_seconds",
	[OWN_SCRAPED] = "scrape_samples_scraped",
	[OWN_KEPT] = "scrape_samples_post_metric_relabeling",
	[OWN_ADDED] = "scrape_series_added",
	[OWN_TIMEOUT] = "scrape_timeout_seconds",
	[OWN_LIMIT] = "scrape_sample_limit",
	[OWN_BYTES] = "scrape_body_size_bytes",
};

/* A series as its bytes were hashed. Free when round is 0. */
struct entry {
	uint64_t hash, round; /* round: when it was seen last */
	uint32_t reference;
	bool dropped;   /* by relabelling: known, and nothing is kept */
	bool live;      /* a stale marker is owed when it has no sample any more */
	bool will_live; /* the same, if this scrape counts */
};

struct scrape_book {
	const struct scrape_job *job;
	const struct scrape_target *target;
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct entry *entries;
	size_t count, size;
	uint64_t round, taken; /* taken: scrapes that counted */
	bool own_known[OWN_COUNT];
	uint32_t own[OWN_COUNT];
	struct arena arena; /* of one line */
	uint32_t *carried;  /* live before it was adopted, and neither brought nor ended since */
	size_t carried_count;
	/* The frame that is being made. */
	uint32_t *references;
	double *values;
	int64_t *times;
	size_t rows, room;
};

/* One reading of a body. */
struct taking {
	struct scrape_book *book;
	const struct scrape_sink *sink;
	struct entry *entry; /* of the line's series, when it was known */
	int64_t time_ms;
	bool describes;
	bool over; /* there are more samples than may be */
	struct scrape_counts counts;
};

struct scrape_book *scrape_book_create(const struct scrape_job *job, const struct scrape_target *target,
				       struct random *random)
{
	struct scrape_book *book = mem_alloc(sizeof *book);
	book->job = job;
	book->target = target;
	random_fill(random, book->key, sizeof book->key);
	arena_init(&book->arena, LINE_ARENA_BYTES);
	return book;
}

void scrape_book_destroy(struct scrape_book **book)
{
	if (*book == NULL)
		return;
	arena_finish(&(*book)->arena);
	mem_free((*book)->entries);
	mem_free((*book)->references);
	mem_free((*book)->values);
	mem_free((*book)->times);
	mem_free((*book)->carried);
	mem_free(*book);
	*book = NULL;
}

/* Old entries go: their lines may mean other series now. Those that are live wait as carried. */
void scrape_book_adopt(struct scrape_book *book, const struct scrape_job *job, const struct scrape_target *target,
		       struct random *random)
{
	size_t live = book->carried_count;
	book->carried = mem_realloc(book->carried, (live + book->count + 1) * sizeof *book->carried);
	for (size_t i = 0; i < book->size; i++)
		if (book->entries[i].round != 0 && book->entries[i].live)
			book->carried[live++] = book->entries[i].reference;
	book->carried_count = live;
	mem_free(book->entries);
	book->entries = NULL;
	book->count = book->size = 0;
	book->job = job;
	book->target = target;
	random_fill(random, book->key, sizeof book->key);
}

size_t scrape_book_series(const struct scrape_book *book)
{
	return book->count;
}

/* ---- the frame ---- */

static double stale(void)
{
	const uint64_t bits = SCRAPE_STALE_BITS;
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static void add_row(struct scrape_book *book, uint32_t reference, double value, int64_t time_ms)
{
	if (book->rows == book->room) {
		book->room = book->room > 0 ? book->room * 2 : FIRST_SIZE;
		book->references = mem_realloc(book->references, book->room * sizeof *book->references);
		book->values = mem_realloc(book->values, book->room * sizeof *book->values);
		book->times = mem_realloc(book->times, book->room * sizeof *book->times);
	}
	book->references[book->rows] = reference;
	book->values[book->rows] = value;
	book->times[book->rows++] = time_ms;
}

static void append(struct scrape_book *book, int64_t time_ms, const struct scrape_sink *sink)
{
	const struct scrape_frame frame = { book->references, book->values, book->times, time_ms, book->rows };
	if (book->rows > 0)
		sink->append(sink->context, &frame);
	book->rows = 0;
}

/* ---- series by hash ---- */

static struct entry *place_of(const struct scrape_book *book, uint64_t hash)
{
	size_t at = hash & (book->size - 1);
	while (book->entries[at].round != 0 && book->entries[at].hash != hash)
		at = (at + 1) & (book->size - 1);
	return &book->entries[at];
}

/* A table of that size with the entries for which `round` is at least `from`. */
static void rebuild(struct scrape_book *book, size_t size, uint64_t from)
{
	struct entry *old = book->entries;
	size_t old_size = book->size;
	book->entries = mem_alloc(size * sizeof *book->entries);
	book->size = size;
	book->count = 0;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].round != 0 && old[i].round >= from) {
			*place_of(book, old[i].hash) = old[i];
			book->count++;
		}
	mem_free(old);
}

static uint64_t hash_of(const struct scrape_book *book, struct str series)
{
	uint64_t hash;
	static_assert(sizeof hash == crypto_shorthash_BYTES, "one word");
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)series.ptr, series.len, book->key);
	return hash;
}

static struct entry *find(const struct scrape_book *book, uint64_t hash)
{
	struct entry *entry = book->size > 0 ? place_of(book, hash) : NULL;
	return entry != NULL && entry->round != 0 ? entry : NULL;
}

static struct entry *add(struct scrape_book *book, uint64_t hash)
{
	if (book->count * 2 >= book->size)
		rebuild(book, book->size > 0 ? book->size * 2 : FIRST_SIZE, 1);
	struct entry *entry = place_of(book, hash);
	book->count += entry->round == 0;
	*entry = (struct entry){ .hash = hash, .round = book->round };
	return entry;
}

/* ---- one sample ---- */

static bool is_known(void *context, struct str series)
{
	struct taking *taking = context;
	taking->entry = find(taking->book, hash_of(taking->book, series));
	return taking->entry != NULL;
}

/* Labels, relabelling, limits, a reference. ret_entry NULL: there is no room for it. */
static enum err meet(struct taking *taking, const struct exposition_item *item, struct entry **ret_entry, struct error *err)
{
	struct scrape_book *book = taking->book;
	struct promql_labels labels;
	uint32_t reference = 0;
	*ret_entry = NULL;
	arena_reset(&book->arena);
	enum scrape_fate fate = scrape_sample_labels(book->job, book->target, item, &book->arena, &labels, err);
	if (fate == SCRAPE_REFUSED)
		return err->code;
	if (fate == SCRAPE_KEPT) {
		enum err r = book->count < SERIES_MAX ? taking->sink->series(taking->sink->context, labels, &reference, err) :
							ERR_LIMIT;
		if (r == ERR_LIMIT) {
			taking->counts.refused++;
			return OK;
		}
		if (r != OK)
			return r;
		taking->counts.added++;
	}
	*ret_entry = add(book, hash_of(book, item->series));
	(*ret_entry)->reference = reference;
	(*ret_entry)->dropped = fate == SCRAPE_DROPPED;
	return OK;
}

static bool is_over(const struct taking *taking)
{
	int64_t most = taking->book->job->limits.samples;
	return most > 0 && taking->counts.kept >= (size_t)most;
}

/* Beyond sample_limit: so that the figures of the scrape say how many there are. No series is made. */
static enum err count_only(struct taking *taking, const struct exposition_item *item, const struct entry *entry,
			   struct error *err)
{
	struct scrape_book *book = taking->book;
	struct promql_labels labels;
	enum scrape_fate fate = entry != NULL && entry->dropped ? SCRAPE_DROPPED : SCRAPE_KEPT;
	arena_reset(&book->arena);
	if (entry == NULL)
		fate = scrape_sample_labels(book->job, book->target, item, &book->arena, &labels, err);
	if (fate == SCRAPE_REFUSED)
		return err->code;
	taking->counts.kept += fate == SCRAPE_KEPT;
	taking->over |= fate == SCRAPE_KEPT;
	return OK;
}

static enum err take_item(void *context, const struct exposition_item *item, struct error *err)
{
	struct taking *taking = context;
	struct scrape_book *book = taking->book;
	struct entry *entry = item->known ? taking->entry : NULL;
	if (item->kind != EXPOSITION_SAMPLE) {
		if (taking->describes)
			taking->sink->describe(taking->sink->context, item);
		return OK;
	}
	taking->counts.scraped++;
	if (is_over(taking))
		return count_only(taking, item, entry, err);
	if (entry == NULL) {
		enum err r = meet(taking, item, &entry, err);
		if (r != OK || entry == NULL)
			return r;
	}
	entry->round = book->round;
	if (entry->dropped)
		return OK;
	taking->counts.kept++;
	bool timed = item->has_time && book->job->honor_timestamps;
	entry->will_live = !timed || book->job->track_timestamps_staleness;
	add_row(book, entry->reference, item->value, timed ? item->time_ms : taking->time_ms);
	return OK;
}

/* ---- what ended, and the scrape itself ---- */

static int by_reference(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
	return one < two ? -1 : one > two;
}

/* Those of before an adoption that this frame does not have. */
static size_t end_carried(struct scrape_book *book, int64_t time_ms)
{
	size_t here = book->rows, ended = 0;
	if (book->carried_count == 0)
		return 0;
	uint32_t *brought = mem_alloc((here + 1) * sizeof *brought);
	if (here > 0)
		memcpy(brought, book->references, here * sizeof *brought);
	qsort(brought, here, sizeof *brought, by_reference);
	for (size_t i = 0; i < book->carried_count; i++)
		if (bsearch(&book->carried[i], brought, here, sizeof *brought, by_reference) == NULL) {
			add_row(book, book->carried[i], stale(), time_ms);
			ended++;
		}
	mem_free(brought);
	book->carried_count = 0;
	return ended;
}

/* When the scrape counts, those that it did not bring end; else all. */
static size_t end_series(struct scrape_book *book, bool counts, int64_t time_ms, bool *ret_forget)
{
	size_t ended = end_carried(book, time_ms);
	*ret_forget = false;
	for (size_t i = 0; i < book->size; i++) {
		struct entry *entry = &book->entries[i];
		bool here = counts && entry->round == book->round;
		if (entry->round == 0)
			continue;
		*ret_forget |= counts && !here;
		if (entry->live && !here) {
			add_row(book, entry->reference, stale(), time_ms);
			ended++;
		}
		entry->live = here && entry->will_live && !entry->dropped;
	}
	return ended;
}

static bool own_reference(struct scrape_book *book, enum own which, const struct scrape_sink *sink)
{
	struct relabel_set set;
	struct error err;
	if (book->own_known[which])
		return true;
	arena_reset(&book->arena);
	relabel_set_init(&set, &book->arena);
	for (size_t i = 0; i < book->target->labels.count; i++)
		relabel_set_put(&set, book->target->labels.pairs[i].name, book->target->labels.pairs[i].value);
	relabel_set_put(&set, STR(PROMQL_NAME), str_of(own_names[which]));
	book->own_known[which] = sink->series(sink->context, relabel_set_labels(&set), &book->own[which], &err) == OK;
	return book->own_known[which];
}

static void add_own(struct scrape_book *book, const struct taking *taking, bool up, double duration, size_t bytes)
{
	const double values[OWN_COUNT] = {
		[OWN_UP] = up,
		[OWN_DURATION] = duration,
		[OWN_SCRAPED] = (double)taking->counts.scraped,
		[OWN_KEPT] = (double)taking->counts.kept,
		[OWN_ADDED] = (double)taking->counts.added,
		[OWN_TIMEOUT] = (double)book->target->timeout_ms / 1000,
		[OWN_LIMIT] = (double)book->job->limits.samples,
		[OWN_BYTES] = up ? (double)bytes : -1,
	};
	enum own last = book->job->bare ? OWN_UP : book->job->extra_metrics ? OWN_COUNT : OWN_TIMEOUT;
	for (enum own i = OWN_UP; i < last; i++)
		if (own_reference(book, i, taking->sink))
			add_row(book, book->own[i], values[i], taking->time_ms);
}

enum err scrape_book_take(struct scrape_book *book, struct str body, enum exposition_format format, int64_t time_ms,
			  double duration_seconds, const struct scrape_sink *sink, struct scrape_counts *ret_counts,
			  struct error *err)
{
	struct exposition_options options = { .format = format, .known = is_known };
	struct taking taking = { .book = book, .sink = sink, .time_ms = time_ms };
	assert(book->rows == 0);
	bool forget;
	taking.describes = sink->describe != NULL && book->taken % SCRAPE_DESCRIBE_EVERY == 0;
	book->round++;
	enum err r = exposition_read(body, &options, take_item, &taking, err);
	if (r == OK && taking.over)
		r = error_set(err, ERR_LIMIT, "%zu samples are more than sample_limit %lld", taking.counts.kept,
			      (long long)book->job->limits.samples);
	book->taken += r == OK;
	if (r != OK)
		book->rows = 0; /* none of it counts */
	taking.counts.stale = end_series(book, r == OK, time_ms, &forget);
	if (forget)
		rebuild(book, book->size, book->round);
	add_own(book, &taking, r == OK, duration_seconds, body.len);
	append(book, time_ms, sink);
	*ret_counts = taking.counts;
	return r;
}

void scrape_book_fail(struct scrape_book *book, int64_t time_ms, double duration_seconds, const struct scrape_sink *sink)
{
	struct taking taking = { .book = book, .sink = sink, .time_ms = time_ms };
	assert(book->rows == 0);
	bool forget;
	book->round++;
	end_series(book, false, time_ms, &forget);
	add_own(book, &taking, false, duration_seconds, 0);
	append(book, time_ms, sink);
}

/* Of a target that moved elsewhere while this one was waited for. */
static void leave_out_what_goes_on(struct scrape_book *book, int64_t time_ms, const struct scrape_sink *sink)
{
	size_t kept = 0;
	for (size_t i = 0; i < book->rows; i++)
		if (sink->goes_on == NULL || !sink->goes_on(sink->context, book->references[i], time_ms)) {
			book->references[kept] = book->references[i];
			book->values[kept] = book->values[i];
			book->times[kept++] = book->times[i];
		}
	book->rows = kept;
}

void scrape_book_end(struct scrape_book *book, int64_t time_ms, const struct scrape_sink *sink)
{
	bool forget;
	assert(book->rows == 0);
	end_series(book, false, time_ms, &forget);
	for (enum own i = OWN_UP; i < OWN_COUNT; i++)
		if (book->own_known[i])
			add_row(book, book->own[i], stale(), time_ms);
	leave_out_what_goes_on(book, time_ms, sink);
	append(book, time_ms, sink);
}
