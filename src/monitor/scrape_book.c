/* scrape_book.c: see scrape_book.h. */
#include "monitor/scrape_book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/sample_known.h"

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

/* A series, by the number that its bytes are known by. */
struct entry {
	uint32_t round; /* when it was seen last */
	uint32_t reference;
	bool dropped;   /* by relabelling: known, and nothing is kept */
	bool live;      /* a stale marker is owed when it has no sample any more */
	bool will_live; /* the same, if this scrape counts */
};

struct scrape_book {
	const struct scrape_job *job;
	const struct scrape_target *target;
	struct sample_known known;
	struct entry *entries; /* known.count of them */
	size_t entry_room;
	uint64_t *comments; /* the lines that begin with #, one after the other, as they were hashed and read last */
	size_t comment_count, comment_room;
	uint32_t round;
	uint64_t taken; /* scrapes that counted */
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
	struct hash hash;    /* of the line's series */
	uint32_t number;     /* the same, or SAMPLE_KNOWN_NONE */
	uint32_t next;       /* which is looked at first */
	size_t comment;      /* how many were met */
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
	sample_known_init(&book->known, random, SERIES_MAX);
	arena_init(&book->arena, LINE_ARENA_BYTES);
	return book;
}

void scrape_book_destroy(struct scrape_book **book)
{
	if (*book == NULL)
		return;
	arena_finish(&(*book)->arena);
	sample_known_finish(&(*book)->known);
	mem_free((*book)->entries);
	mem_free((*book)->comments);
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
	book->carried = mem_realloc(book->carried, (live + book->known.count + 1) * sizeof *book->carried);
	for (size_t i = 0; i < book->known.count; i++)
		if (book->entries[i].live)
			book->carried[live++] = book->entries[i].reference;
	book->carried_count = live;
	sample_known_finish(&book->known);
	sample_known_init(&book->known, random, SERIES_MAX);
	book->comment_count = 0;
	book->job = job;
	book->target = target;
}

size_t scrape_book_series(const struct scrape_book *book)
{
	return book->known.count;
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

/* ---- what is known of before ---- */

static void add_entry(struct scrape_book *book, struct hash hash, uint32_t reference, bool dropped)
{
	uint32_t number = sample_known_add(&book->known, hash);
	assert(number != SAMPLE_KNOWN_NONE);
	if (number >= book->entry_room) {
		book->entry_room = number + number / 2 + FIRST_SIZE;
		book->entries = mem_realloc(book->entries, book->entry_room * sizeof *book->entries);
	}
	book->entries[number] = (struct entry){ .round = book->round, .reference = reference, .dropped = dropped };
}

/* Those that were not in this scrape are forgotten. */
static void forget_others(struct scrape_book *book)
{
	size_t kept = 0;
	bool *keep = mem_alloc(book->known.count);
	for (size_t i = 0; i < book->known.count; i++) {
		keep[i] = book->entries[i].round == book->round;
		if (keep[i])
			book->entries[kept++] = book->entries[i];
	}
	sample_known_keep(&book->known, keep);
	mem_free(keep);
}

static bool is_known(void *context, struct str series)
{
	struct taking *taking = context;
	const struct sample_known *known = &taking->book->known;
	taking->hash = sample_known_hash(known, series);
	taking->number = sample_known_find(known, taking->hash, &taking->next);
	return taking->number != SAMPLE_KNOWN_NONE;
}

/* Help and type are the same in nearly every scrape: what was read in this place before needs no reading. */
static bool is_known_comment(void *context, struct str line)
{
	struct taking *taking = context;
	struct scrape_book *book = taking->book;
	uint64_t hash = sample_known_hash(&book->known, line).halves[0];
	size_t at = taking->comment++;
	if (at < book->comment_count && book->comments[at] == hash)
		return !taking->describes;
	if (at >= book->comment_room) {
		book->comment_room = at + at / 2 + FIRST_SIZE;
		book->comments = mem_realloc(book->comments, book->comment_room * sizeof *book->comments);
	}
	book->comments[at] = hash;
	book->comment_count = at + 1; /* what followed stood elsewhere */
	return false;
}

/* ---- one sample ---- */

/* Labels, relabelling, limits, a reference. Not known afterwards: there is no room for it. */
static enum err meet(struct taking *taking, const struct exposition_item *item, struct error *err)
{
	struct scrape_book *book = taking->book;
	struct promql_labels labels;
	uint32_t reference = 0;
	arena_reset(&book->arena);
	enum scrape_fate fate = scrape_sample_labels(book->job, book->target, item, &book->arena, &labels, err);
	if (fate == SCRAPE_REFUSED)
		return err->code;
	if (fate == SCRAPE_KEPT) {
		enum err r = book->known.count < SERIES_MAX ? taking->sink->series(taking->sink->context, labels, &reference, err) :
							ERR_LIMIT;
		if (r == ERR_LIMIT) {
			taking->counts.refused++;
			return OK;
		}
		if (r != OK)
			return r;
		taking->counts.added++;
	}
	if (book->known.count < SERIES_MAX)
		add_entry(book, taking->hash, reference, fate == SCRAPE_DROPPED);
	taking->number = sample_known_find(&book->known, taking->hash, &taking->next);
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
	if (item->kind != EXPOSITION_SAMPLE) {
		if (taking->describes)
			taking->sink->describe(taking->sink->context, item);
		return OK;
	}
	taking->counts.scraped++;
	if (!item->known) /* also what the reader did not ask about, or not by the bytes that it found */
		is_known(taking, item->series);
	bool known = taking->number != SAMPLE_KNOWN_NONE;
	if (is_over(taking))
		return count_only(taking, item, known ? &book->entries[taking->number] : NULL, err);
	if (!known) {
		enum err r = meet(taking, item, err);
		if (r != OK || taking->number == SAMPLE_KNOWN_NONE)
			return r;
	}
	struct entry *entry = &book->entries[taking->number];
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
	for (size_t i = 0; i < book->known.count; i++) {
		struct entry *entry = &book->entries[i];
		bool here = counts && entry->round == book->round;
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
	struct exposition_options options = { .format = format, .known = is_known, .known_comment = is_known_comment };
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
		book->rows = book->comment_count = 0; /* none of it counts */
	taking.counts.stale = end_series(book, r == OK, time_ms, &forget);
	if (forget)
		forget_others(book);
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
