/* serve_check_series.c: see serve_check_series.h. */
#include "main/serve_check_series.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "main/serve_samples.h"
#include "monitor/check_exposition.h"
#include "monitor/monitor.h"
#include "sys/entropy.h"

#define BUCKETS 4096u
#define BOOK_BYTES_MAX ((size_t)16 << 10)

/* One look on its way; without a text: an end. */
struct told {
	struct told *next;
	const struct check_kind *kind;
	char check[MONITOR_NAME_BYTES], service[MONITOR_NAME_BYTES];
	int64_t time_ms;
	struct buf text;
};

/* A check as a target. */
struct kept {
	struct kept *next;
	const struct check_kind *kind;
	char check[MONITOR_NAME_BYTES], service[MONITOR_NAME_BYTES];
	struct arena arena;
	struct scrape_target target;
	struct scrape_book *book;
	uint64_t generation;
};

struct serve_check_series {
	struct serve_samples samples;
	struct scrape_storage storage;
	struct scrape_job job;
	struct random random;
	struct kept *table[BUCKETS]; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t woken;
	struct told *first, **last;
	unsigned waiting;
	bool stopping, full;
};

/* ---- books ---- */

static struct kept **slot_of(struct serve_check_series *series, const char *check)
{
	struct kept **slot = &series->table[str_hash(str_of(check)) % BUCKETS];
	while (*slot != NULL && strcmp((*slot)->check, check) != 0)
		slot = &(*slot)->next;
	return slot;
}

static void kept_destroy(struct kept *kept)
{
	scrape_book_destroy(&kept->book);
	arena_finish(&kept->arena);
	mem_free(kept);
}

static struct promql_labels labels_of(struct kept *kept)
{
	struct promql_label rows[] = { /* sorted by name */
		{ STR("instance"), str_of(kept->check) },
		{ STR("job"), STR("checks") },
		{ STR("kind"), str_of(kept->kind->name) },
		{ STR("service"), str_of(kept->service) },
	};
	size_t count = sizeof rows / sizeof rows[0] - (kept->service[0] == '\0');
	struct promql_label *pairs = arena_array(&kept->arena, struct promql_label, count);
	memcpy(pairs, rows, count * sizeof *pairs);
	return (struct promql_labels){ pairs, count };
}

static struct kept *kept_create(const struct told *told)
{
	struct kept *kept = mem_alloc(sizeof *kept);
	*kept = (struct kept){ .kind = told->kind };
	memcpy(kept->check, told->check, sizeof kept->check);
	memcpy(kept->service, told->service, sizeof kept->service);
	arena_init(&kept->arena, BOOK_BYTES_MAX);
	kept->target.labels = labels_of(kept);
	return kept;
}

/* All it has ends, and it is gone. The storage was begun. */
static void end(struct serve_check_series *series, struct kept **slot, int64_t time_ms, uint64_t generation)
{
	struct kept *kept = *slot;
	if (kept == NULL)
		return;
	if (kept->book != NULL && kept->generation == generation)
		scrape_book_end(kept->book, time_ms, &series->storage.sink);
	*slot = kept->next;
	kept_destroy(kept);
}

static void take(struct serve_check_series *series, const struct told *told, uint64_t generation)
{
	struct kept **slot = slot_of(series, told->check);
	struct scrape_counts counts;
	struct error err;
	bool ends = told->text.used == 0;
	bool other = *slot != NULL && ((*slot)->kind != told->kind || strcmp((*slot)->service, told->service) != 0);
	if (ends || other)
		end(series, slot, told->time_ms, generation);
	if (ends)
		return;
	slot = slot_of(series, told->check);
	if (*slot == NULL)
		*slot = kept_create(told);
	struct kept *kept = *slot;
	if (kept->book != NULL && kept->generation != generation)
		scrape_book_destroy(&kept->book);
	if (kept->book == NULL)
		kept->book = scrape_book_create(&series->job, &kept->target, &series->random);
	kept->generation = generation;
	if (scrape_book_take(kept->book, buf_str(&told->text), EXPOSITION_TEXT, told->time_ms, 0, &series->storage.sink, &counts,
			     &err) != OK)
		log_write(LOG_WARNING, "could not keep what a check found as series", "check=%s reason=\"%s\"", told->check, err.text);
}

/* ---- the thread ---- */

static void told_free(struct told *told)
{
	buf_finish(&told->text);
	mem_free(told);
}

static struct told *next_told(struct serve_check_series *series)
{
	pthread_mutex_lock(&series->lock);
	while (series->first == NULL && !series->stopping)
		pthread_cond_wait(&series->woken, &series->lock);
	struct told *told = series->first;
	if (told != NULL) {
		series->first = told->next;
		series->waiting--;
		if (series->first == NULL) {
			series->last = &series->first;
			series->full = false;
		}
	}
	pthread_mutex_unlock(&series->lock);
	return told;
}

static void *run(void *context)
{
	struct serve_check_series *series = context;
	for (struct told *told; (told = next_told(series)) != NULL; told_free(told)) {
		uint64_t generation;
		if (!series->storage.begin(series->storage.sink.context, &generation))
			continue; /* nothing can be kept now, which is told elsewhere */
		take(series, told, generation);
		series->storage.end(series->storage.sink.context);
	}
	return NULL;
}

/* ---- from the sense loop ---- */

static void hand_over(struct serve_check_series *series, struct told *told)
{
	pthread_mutex_lock(&series->lock);
	bool full = series->waiting >= SERVE_CHECK_SERIES_WAITING_MAX, news = full && !series->full;
	if (full) {
		series->full = true;
	} else {
		*series->last = told;
		series->last = &told->next;
		series->waiting++;
		pthread_cond_signal(&series->woken);
	}
	pthread_mutex_unlock(&series->lock);
	if (news)
		log_write(LOG_WARNING, "series of checks have gaps: too many looks wait to be kept", "waiting=%u",
			  SERVE_CHECK_SERIES_WAITING_MAX);
	if (full)
		told_free(told);
}

static struct told *told_create(const char *check, const char *service, const struct check_kind *kind, time_us at)
{
	struct told *told = mem_alloc(sizeof *told);
	*told = (struct told){ .kind = kind, .time_ms = at / TIME_MS };
	snprintf(told->check, sizeof told->check, "%s", check);
	snprintf(told->service, sizeof told->service, "%s", service);
	buf_init(&told->text, CHECK_EXPOSITION_BYTES_MAX);
	return told;
}

void serve_check_series_look(struct serve_check_series *series, const char *check, const char *service,
			     const struct check_kind *kind, const struct check_result *result)
{
	if (series == NULL)
		return;
	struct told *told = told_create(check, service, kind, result->wall);
	check_exposition(kind, result, &told->text);
	hand_over(series, told);
}

void serve_check_series_end(struct serve_check_series *series, const char *check, time_us at)
{
	if (series != NULL)
		hand_over(series, told_create(check, "", NULL, at));
}

/* ---- a life ---- */

enum err serve_check_series_start(struct serve_metrics *metrics, struct clock *clock, struct serve_check_series **ret_series,
				  struct error *err)
{
	struct serve_check_series *series = mem_alloc(sizeof *series);
	series->samples = (struct serve_samples){ metrics, clock, 0 };
	series->storage = serve_samples_storage(&series->samples);
	series->job = (struct scrape_job){ .name = STR("checks"), .bare = true };
	series->last = &series->first;
	entropy_init(&series->random);
	pthread_mutex_init(&series->lock, NULL);
	pthread_cond_init(&series->woken, NULL);
	if (pthread_create(&series->thread, NULL, run, series) == 0) {
		*ret_series = series;
		return OK;
	}
	pthread_cond_destroy(&series->woken);
	pthread_mutex_destroy(&series->lock);
	mem_free(series);
	return error_set(err, ERR_UNAVAILABLE, "could not start the thread that keeps the series of checks");
}

void serve_check_series_stop(struct serve_check_series **pointer)
{
	struct serve_check_series *series = *pointer;
	if (series == NULL)
		return;
	*pointer = NULL;
	pthread_mutex_lock(&series->lock);
	series->stopping = true;
	pthread_cond_signal(&series->woken);
	pthread_mutex_unlock(&series->lock);
	pthread_join(series->thread, NULL);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct kept *kept = series->table[i], *next; kept != NULL; kept = next) {
			next = kept->next;
			kept_destroy(kept);
		}
	pthread_cond_destroy(&series->woken);
	pthread_mutex_destroy(&series->lock);
	mem_free(series);
}
