/* scrape_loop.c: targets by the clock: asked, answered, kept. See scrape_loop.h. */
#include "monitor/scrape_loop_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"

#define ALIGN_MAX (2 * TIME_MS)  /* how far beside its grid a scrape gets the grid's time: dull times take fewer bits */
#define ALIGN_PART 100           /* and at most this part of its interval */
#define LEAVE_INTERVALS 2        /* after which a target is gone */
#define LEAVE_EXTRA_PART 10      /* and this part of one */
#define RUNNING_MIN 64u          /* asked at once, however few files may be open */
#define LOADED_BYTES_MAX ((size_t)256 << 20)

/* ---- configs ---- */

enum err scrape_loaded_read(const char *path, struct scrape_loaded **ret_loaded, struct error *err)
{
	struct scrape_loaded *loaded = mem_alloc(sizeof *loaded);
	struct troubles troubles;
	arena_init(&loaded->arena, LOADED_BYTES_MAX);
	loaded->path = mem_strdup(path);
	enum err r = scrape_files_load(loaded->path, &loaded->arena, &loaded->config, &troubles);
	if (r != OK) {
		error_set(err, r, STR_FMT, STR_ARG(troubles.rows[0]));
		scrape_loaded_destroy(&loaded);
		return r;
	}
	*ret_loaded = loaded;
	return OK;
}

void scrape_loaded_destroy(struct scrape_loaded **loaded)
{
	if (*loaded == NULL)
		return;
	scrape_config_finish(&(*loaded)->config);
	arena_finish(&(*loaded)->arena);
	mem_free((*loaded)->path);
	mem_free(*loaded);
	*loaded = NULL;
}

/* ---- when ---- */

static time_us now_of(const struct scrape_loop *scrapes)
{
	return clock_since_boot(scrapes->options.clock);
}

static void rearm(struct scrape_loop *scrapes)
{
	struct plan_item *first = plan_peek(&scrapes->plan);
	time_us now = now_of(scrapes);
	if (first == NULL)
		loop_timer_stop(scrapes->timer);
	else
		loop_timer_start(scrapes->timer, first->due > now ? first->due - now : 0);
}

void scrape_tell(struct scrape_pool *pool, const char *what)
{
	const struct scrape_loop_options *options = &pool->scrapes->options;
	if (options->tell != NULL)
		options->tell(options->context, pool->job->name, what);
}

static time_us interval_of(const struct scrape_one *one)
{
	return one->target.interval_ms * TIME_MS;
}

/* ---- lists ---- */

void scrape_one_list(struct scrape_one **list, struct scrape_one *one)
{
	one->next = *list;
	one->link = list;
	if (one->next != NULL)
		one->next->link = &one->next;
	*list = one;
}

static void unlist(struct scrape_one *one)
{
	*one->link = one->next;
	if (one->next != NULL)
		one->next->link = one->link;
	one->link = NULL;
	one->next = NULL;
}

static void put_leaving(struct scrape_loop *scrapes, struct scrape_one *one)
{
	one->leaving = true;
	one->left_next = NULL;
	one->left_link = scrapes->left_end;
	*scrapes->left_end = one;
	scrapes->left_end = &one->left_next;
	scrapes->left_count++;
}

static void take_leaving(struct scrape_loop *scrapes, struct scrape_one *one)
{
	if (!one->leaving)
		return;
	one->leaving = false;
	*one->left_link = one->left_next;
	if (one->left_next != NULL)
		one->left_next->left_link = one->left_link;
	else
		scrapes->left_end = one->left_link;
	scrapes->left_count--;
}

/* ---- a target comes, leaves, is gone ---- */

static void unschedule(struct scrape_loop *scrapes, struct scrape_one *one)
{
	plan_remove(one->late ? &one->pool->late : &scrapes->plan, &one->item);
	scrapes->late_count -= one->late;
	one->late = false;
}

void scrape_one_schedule(struct scrape_one *one, time_us due)
{
	struct scrape_loop *scrapes = one->pool->scrapes;
	unschedule(scrapes, one);
	plan_put(&scrapes->plan, &one->item, due);
	rearm(scrapes);
}

void scrape_one_begin(struct scrape_one *one)
{
	struct scrape_loop *scrapes = one->pool->scrapes;
	take_leaving(scrapes, one);
	scrape_one_schedule(one, plan_next(str_of(one->key), interval_of(one), now_of(scrapes)));
}

static void ended(struct scrape_one *one)
{
	one->call = NULL;
	one->pool->running--;
	one->pool->scrapes->running--;
}

void scrape_one_hang_up(struct scrape_one *one)
{
	one->missed = 0;
	if (one->call == NULL)
		return;
	scrape_call_cancel(&one->call);
	ended(one);
}

/* It may be found again, here, by another job or by another server, which takes up to an interval to ask it first: so its
 * series end after two, and a bit. */
void scrape_one_leave(struct scrape_one *one)
{
	struct scrape_loop *scrapes = one->pool->scrapes;
	scrape_one_hang_up(one);
	put_leaving(scrapes, one);
	scrape_one_schedule(one, now_of(scrapes) + LEAVE_INTERVALS * interval_of(one) + interval_of(one) / LEAVE_EXTRA_PART);
}

void scrape_one_drop(struct scrape_loop *scrapes, struct scrape_one *one)
{
	if (one->pool != NULL)
		scrape_one_hang_up(one);
	unschedule(scrapes, one);
	take_leaving(scrapes, one);
	unlist(one);
	scrape_one_destroy(one);
}

void scrape_one_destroy(struct scrape_one *one)
{
	assert(one->call == NULL);
	scrape_book_destroy(&one->book);
	arena_finish(&one->arena);
	arena_finish(&one->found_arena);
	mem_free(one->key);
	mem_free(one);
}

/* ---- what an answer is worth ---- */

/* Of a scrape: on the grid when it is near enough, so that times of a series are equally far apart. */
static int64_t time_of_scrape(struct scrape_one *one, time_us late)
{
	time_us wall = clock_wall(one->pool->scrapes->options.clock), interval = interval_of(one), grid = wall - late;
	time_us most = interval / ALIGN_PART < ALIGN_MAX ? interval / ALIGN_PART : ALIGN_MAX;
	time_us rounds = one->aligned != 0 ? (grid - one->aligned + interval / 2) / interval : 0;
	time_us expected = one->aligned + rounds * interval;
	bool near = one->aligned != 0 && grid - expected >= -most && grid - expected <= most;
	one->aligned = near ? expected : grid; /* the wall was set: the grid begins there anew */
	return (wall - one->aligned >= -most && wall - one->aligned <= most ? one->aligned : wall) / TIME_MS;
}

/* The book of this generation. */
static struct scrape_book *book_of(struct scrape_one *one, uint64_t generation)
{
	if (one->book != NULL && one->generation != generation)
		scrape_book_destroy(&one->book);
	if (one->book == NULL)
		one->book = scrape_book_create(one->pool->job, &one->target, one->pool->scrapes->options.random);
	one->generation = generation;
	return one->book;
}

static void note(struct scrape_one *one, bool kept, double duration, double parsed, const struct scrape_counts *counts,
		 const struct error *err)
{
	struct scrape_loop *scrapes = one->pool->scrapes;
	pthread_mutex_lock(&scrapes->lock);
	one->health = err == NULL ? SCRAPE_HEALTH_UP : SCRAPE_HEALTH_DOWN;
	snprintf(one->error, sizeof one->error, "%s", err != NULL ? err->text : "");
	if (err == NULL && !kept) {
		one->health = SCRAPE_HEALTH_UNKNOWN;
		snprintf(one->error, sizeof one->error, "samples cannot be kept now");
	}
	one->scraped_at = one->time_ms * TIME_MS;
	one->duration_seconds = duration;
	one->counts = *counts;
	scrapes->figures.scrapes++;
	scrapes->figures.failures += err != NULL;
	scrapes->figures.samples += err == NULL ? counts->kept : 0;
	scrapes->figures.refused += counts->refused;
	scrapes->figures.parse_seconds += parsed;
	pthread_mutex_unlock(&scrapes->lock);
	one->last_ms = one->time_ms;
}

/* `body` NULL: it failed before, and `err` says how. */
static void keep(struct scrape_one *one, const struct str *body, enum exposition_format format, double duration,
		 struct error *err)
{
	const struct scrape_storage *storage = &one->pool->scrapes->options.storage;
	struct scrape_counts counts = { 0 };
	struct error wrong = { .code = OK };
	uint64_t generation;
	time_us begun = now_of(one->pool->scrapes);
	bool kept = storage->begin(storage->sink.context, &generation);
	if (kept) {
		struct scrape_book *book = book_of(one, generation);
		if (body == NULL)
			scrape_book_fail(book, one->time_ms, duration, &storage->sink);
		else if (scrape_book_take(book, *body, format, one->time_ms, duration, &storage->sink, &counts, &wrong) != OK)
			err = &wrong;
		storage->end(storage->sink.context);
	}
	note(one, kept, duration, (double)(now_of(one->pool->scrapes) - begun) / TIME_SECOND, &counts, err);
}

static enum err judge(const struct scrape_one *one, const struct http_answer *answer, enum exposition_format *ret_format,
		      struct error *err)
{
	const struct scrape_job *job = one->pool->job;
	if (answer->status != 200)
		return error_set(err, ERR_UNAVAILABLE, "the target answered with HTTP status %d", answer->status);
	if (answer->body_cut)
		return error_set(err, ERR_TOO_LARGE, job->limits.body_bytes > 0 ? "the body is larger than body_size_limit %lld"
									       : "the body is larger than %lld bytes",
				 job->limits.body_bytes > 0 ? (long long)job->limits.body_bytes : (long long)SCRAPE_BODY_BYTES_MAX);
	return scrape_format(job, http_answer_field(answer, "Content-Type"), ret_format, err);
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *failed)
{
	struct scrape_one *one = context;
	struct scrape_loop *scrapes = one->pool->scrapes;
	struct error err = failed != NULL ? *failed : (struct error){ .code = OK };
	enum exposition_format format = EXPOSITION_TEXT;
	double duration = (double)(now_of(scrapes) - one->asked_at) / TIME_SECOND;
	ended(one);
	if (failed == NULL)
		judge(one, answer, &format, &err);
	keep(one, err.code == OK ? &answer->body : NULL, format, duration, err.code == OK ? NULL : &err);
	if (one->missed != 0)
		scrape_one_schedule(one, one->missed);
	one->missed = 0;
	if (scrapes->late_count > 0) /* now somebody may be asked */
		loop_timer_start(scrapes->timer, 0);
	else
		rearm(scrapes);
}

/* ---- asking ---- */

static enum err ask(struct scrape_one *one, struct error *err)
{
	struct scrape_pool *pool = one->pool;
	const struct scrape_job *job = pool->job;
	struct scrape_ask request = {
		.url = one->target.url.ptr,
		.accept = pool->accept,
		.time_field = "X-Prometheus-Scrape-Timeout-Seconds",
		.time_field_ms = one->target.timeout_ms,
		.timeout_ms = one->target.timeout_ms,
		.body_bytes_max = job->limits.body_bytes,
		.unfold = job->enable_compression,
	};
	if (job->limits.targets > 0 && pool->count > (size_t)job->limits.targets)
		return error_set(err, ERR_LIMIT, "the job has %zu targets, more than target_limit %lld", pool->count,
				 (long long)job->limits.targets);
	if (pool->unable.code != OK) {
		*err = pool->unable;
		return err->code;
	}
	return scrape_client_ask(pool->client, &request, on_answer, one, &one->call, err);
}

static void scrape(struct scrape_one *one, time_us now)
{
	struct scrape_loop *scrapes = one->pool->scrapes;
	struct error err = { .code = OK };
	time_us due = one->item.due;
	scrape_one_schedule(one, plan_next(str_of(one->key), interval_of(one), now));
	if (one->call != NULL) { /* its time is not up yet: asked again as soon as it is */
		one->missed = due;
		return;
	}
	one->time_ms = time_of_scrape(one, now > due ? now - due : 0);
	one->asked_at = now;
	if (ask(one, &err) != OK) {
		keep(one, NULL, EXPOSITION_TEXT, 0, &err);
		return;
	}
	scrapes->running++;
	one->pool->running++;
}

/* All it had ends, at the time it would have had next. */
static void end(struct scrape_loop *scrapes, struct scrape_one *one)
{
	const struct scrape_storage *storage = &scrapes->options.storage;
	uint64_t generation;
	if (one->book != NULL && storage->begin(storage->sink.context, &generation)) {
		if (generation == one->generation)
			scrape_book_end(one->book, one->last_ms + one->target.interval_ms, &storage->sink);
		storage->end(storage->sink.context);
	}
	pthread_mutex_lock(&scrapes->lock);
	scrape_one_drop(scrapes, one);
	pthread_mutex_unlock(&scrapes->lock);
}

void scrape_loop_trim(struct scrape_loop *scrapes)
{
	while (scrapes->left_count > SCRAPE_LEAVING_MAX)
		end(scrapes, scrapes->left);
}

/* ---- whose turn it is ---- */

static unsigned share_of(const struct scrape_loop *scrapes)
{
	unsigned share = scrapes->running_max / (unsigned)scrapes->pool_count;
	return share > 0 ? share : 1;
}

/* Kept free for jobs that do not use their share now. */
static size_t kept_free(const struct scrape_loop *scrapes)
{
	size_t free = 0, share = share_of(scrapes);
	for (size_t i = 0; i < scrapes->pool_count; i++) {
		const struct scrape_pool *pool = &scrapes->pools[i];
		size_t most = pool->count < share ? pool->count : share;
		free += pool->running < most ? most - pool->running : 0;
	}
	return free;
}

static bool may_ask(const struct scrape_pool *pool)
{
	const struct scrape_loop *scrapes = pool->scrapes;
	if (scrapes->running >= scrapes->running_max)
		return false;
	return pool->running < share_of(scrapes) || scrapes->running + kept_free(scrapes) < scrapes->running_max;
}

static void wait_for_turn(struct scrape_loop *scrapes, struct scrape_one *one)
{
	time_us due = one->item.due;
	plan_remove(&scrapes->plan, &one->item);
	plan_put(&one->pool->late, &one->item, due);
	one->late = true;
	scrapes->late_count++;
}

/* One of each job after the other. */
static void ask_late(struct scrape_loop *scrapes, time_us now)
{
	for (bool any = true; any && scrapes->late_count > 0;) {
		size_t from = scrapes->turn;
		any = false;
		for (size_t i = 0; i < scrapes->pool_count; i++) {
			size_t at = (from + i) % scrapes->pool_count;
			struct plan_item *first = plan_peek(&scrapes->pools[at].late);
			if (first == NULL || !may_ask(&scrapes->pools[at]))
				continue;
			scrape((struct scrape_one *)first, now);
			scrapes->turn = at + 1;
			any = true;
		}
	}
}

static void on_due(void *context)
{
	struct scrape_loop *scrapes = context;
	time_us now = now_of(scrapes);
	for (struct plan_item *first; (first = plan_peek(&scrapes->plan)) != NULL && first->due <= now;) {
		struct scrape_one *one = (struct scrape_one *)first;
		if (one->leaving)
			end(scrapes, one);
		else if (one->call == NULL && (one->pool->late.count > 0 || !may_ask(one->pool)))
			wait_for_turn(scrapes, one);
		else
			scrape(one, now);
	}
	ask_late(scrapes, now);
	rearm(scrapes);
}

static void on_changes(void *context)
{
	struct scrape_loop *scrapes = context;
	for (size_t i = 0; i < scrapes->pool_count; i++)
		scrape_pool_look(&scrapes->pools[i]);
	loop_timer_start(scrapes->changes, SCRAPE_CHANGES_EVERY);
}

/* ---- a life ---- */

/* Each that is asked is an open file, and the server needs others. */
static unsigned most_at_once(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / 2 >= SCRAPE_RUNNING_MAX)
		return SCRAPE_RUNNING_MAX;
	return files.rlim_cur / 2 > RUNNING_MIN ? (unsigned)(files.rlim_cur / 2) : RUNNING_MIN;
}

void scrape_loop_create(const struct scrape_loop_options *options, struct scrape_loop **ret_scrapes)
{
	struct scrape_loop *scrapes = mem_alloc(sizeof *scrapes);
	scrapes->options = *options;
	scrapes->policy = egress_policy_checks();
	pthread_mutex_init(&scrapes->lock, NULL);
	plan_init(&scrapes->plan);
	scrapes->left_end = &scrapes->left;
	scrapes->running_max = options->running_max > 0 ? options->running_max : most_at_once();
	scrapes->timer = loop_timer_create(options->loop, on_due, scrapes);
	scrapes->changes = loop_timer_create(options->loop, on_changes, scrapes);
	loop_timer_start(scrapes->changes, SCRAPE_CHANGES_EVERY);
	*ret_scrapes = scrapes;
}

static void destroy_ones(struct scrape_loop *scrapes, struct scrape_one *ones)
{
	for (struct scrape_one *next; ones != NULL; ones = next) {
		next = ones->next;
		scrape_one_drop(scrapes, ones);
	}
}

void scrape_loop_destroy(struct scrape_loop **pointer)
{
	struct scrape_loop *scrapes = *pointer;
	if (scrapes == NULL)
		return;
	*pointer = NULL;
	for (size_t i = 0; i < scrapes->pool_count; i++) {
		destroy_ones(scrapes, scrapes->pools[i].ones);
		scrapes->pools[i].ones = NULL;
		scrape_pool_close(&scrapes->pools[i]);
	}
	destroy_ones(scrapes, scrapes->orphans);
	mem_free(scrapes->pools);
	loop_timer_destroy(&scrapes->timer);
	loop_timer_destroy(&scrapes->changes);
	plan_finish(&scrapes->plan);
	scrape_loaded_destroy(&scrapes->loaded);
	pthread_mutex_destroy(&scrapes->lock);
	mem_free(scrapes);
}

static struct scrape_pool *pool_of(struct scrape_pool *pools, size_t count, struct str job)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(pools[i].job->name, job))
			return &pools[i];
	return NULL;
}

/* What no job of the new config took over leaves. */
static void orphan(struct scrape_loop *scrapes, struct scrape_pool *pool)
{
	while (pool->ones != NULL) {
		struct scrape_one *one = pool->ones;
		if (!one->leaving)
			scrape_one_leave(one);
		unlist(one);
		one->pool = NULL;
		scrape_one_list(&scrapes->orphans, one);
	}
}

/* A job that comes back within an interval finds its targets again. */
static void adopt_orphans(struct scrape_loop *scrapes, struct scrape_pool *pool)
{
	struct str name = pool->job->name;
	for (struct scrape_one *one = scrapes->orphans, *next; one != NULL; one = next) {
		next = one->next;
		if (!str_starts(str_of(one->key), name) || one->key[name.len] != '\n')
			continue;
		unlist(one);
		one->pool = pool;
		scrape_one_list(&pool->ones, one);
		if (one->book != NULL)
			scrape_book_adopt(one->book, pool->job, &one->target, scrapes->options.random);
	}
}

void scrape_loop_load(struct scrape_loop *scrapes, struct scrape_loaded *loaded)
{
	struct scrape_pool *old = scrapes->pools;
	size_t old_count = scrapes->pool_count, count = loaded->config.jobs.count;
	struct scrape_loaded *before = scrapes->loaded;
	struct scrape_pool *pools = mem_alloc((count + 1) * sizeof *pools);
	pthread_mutex_lock(&scrapes->lock);
	scrapes->loaded = loaded;
	for (size_t i = 0; i < count; i++) {
		scrape_pool_open(&pools[i], scrapes, &loaded->config.jobs.rows[i]);
		struct scrape_pool *same = pool_of(old, old_count, pools[i].job->name);
		if (same != NULL)
			scrape_pool_inherit(&pools[i], same);
		adopt_orphans(scrapes, &pools[i]);
	}
	for (size_t i = 0; i < old_count; i++) {
		orphan(scrapes, &old[i]);
		scrape_pool_close(&old[i]);
	}
	scrapes->pools = pools;
	scrapes->pool_count = count;
	pthread_mutex_unlock(&scrapes->lock);
	mem_free(old);
	scrape_loaded_destroy(&before);
	for (size_t i = 0; i < count; i++) {
		scrape_pool_sync(&pools[i]);
		scrape_pool_look(&pools[i]);
	}
	scrape_loop_trim(scrapes);
}

/* ---- looking on ---- */

static void see_pool(const struct scrape_pool *pool, scrape_see_fn *see, void *context)
{
	for (const struct scrape_one *one = pool->ones; one != NULL; one = one->next) {
		struct scrape_seen seen = { pool->job->name, &one->target, false, one->health, one->error, one->scraped_at,
					    one->duration_seconds, one->counts };
		if (!one->leaving)
			see(context, &seen);
	}
	for (size_t i = 0; i < pool->dropped_count; i++) {
		struct scrape_target target = { .discovered = pool->dropped[i] };
		struct scrape_seen seen = { .job = pool->job->name, .target = &target, .dropped = true, .error = "" };
		see(context, &seen);
	}
}

void scrape_loop_see(struct scrape_loop *scrapes, scrape_see_fn *see, void *context)
{
	pthread_mutex_lock(&scrapes->lock);
	for (size_t i = 0; i < scrapes->pool_count; i++)
		see_pool(&scrapes->pools[i], see, context);
	pthread_mutex_unlock(&scrapes->lock);
}

void scrape_loop_jobs(struct scrape_loop *scrapes, scrape_job_fn *see, void *context)
{
	pthread_mutex_lock(&scrapes->lock);
	for (size_t i = 0; i < scrapes->pool_count; i++)
		see(context, scrapes->pools[i].job->name, scrapes->pools[i].dropped_total);
	pthread_mutex_unlock(&scrapes->lock);
}

void scrape_loop_figures(struct scrape_loop *scrapes, struct scrape_figures *ret_figures)
{
	pthread_mutex_lock(&scrapes->lock);
	struct scrape_figures figures = scrapes->figures;
	figures.jobs = (uint32_t)scrapes->pool_count;
	for (size_t i = 0; i < scrapes->pool_count; i++)
		for (const struct scrape_one *one = scrapes->pools[i].ones; one != NULL; one = one->next) {
			figures.targets += !one->leaving;
			figures.up += !one->leaving && one->health == SCRAPE_HEALTH_UP;
			figures.down += !one->leaving && one->health == SCRAPE_HEALTH_DOWN;
		}
	pthread_mutex_unlock(&scrapes->lock);
	*ret_figures = figures;
}
