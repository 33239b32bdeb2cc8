/* scrape_pool.c: a job: what is found becomes targets, and what is not found any more leaves. See scrape_loop.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/scrape_loop_priv.h"

#define KEY_BYTES_MAX (2u << 20)
#define SCRATCH_BYTES_MAX ((size_t)16 << 20) /* of one target */

/* ---- opening ---- */

static void add_source(struct scrape_pool *pool, enum scrape_source_kind kind, size_t at)
{
	struct scrape_source *source = &pool->sources[pool->source_count++];
	*source = (struct scrape_source){ .pool = pool, .kind = kind, .at = at };
	scrape_source_open(source);
}

static void open_sources(struct scrape_pool *pool)
{
	const struct scrape_discovery *found = &pool->job->discovery;
	pool->sources = mem_alloc((1 + found->files.count + found->https.count + found->names.count) * sizeof *pool->sources);
	add_source(pool, SCRAPE_SOURCE_STATIC, 0);
	for (size_t i = 0; i < found->files.count; i++)
		add_source(pool, SCRAPE_SOURCE_FILES, i);
	for (size_t i = 0; i < found->https.count; i++)
		add_source(pool, SCRAPE_SOURCE_HTTP, i);
	for (size_t i = 0; i < found->names.count; i++)
		add_source(pool, SCRAPE_SOURCE_DNS, i);
}

void scrape_pool_open(struct scrape_pool *pool, struct scrape_loop *scrapes, const struct scrape_job *job)
{
	const struct scrape_loop_options *options = &scrapes->options;
	struct scrape_ask_tools tools = { options->loop, options->clock, options->resolve, options->ca_file,
					  scrapes->loaded->path, options->environment };
	*pool = (struct scrape_pool){ .scrapes = scrapes, .job = job };
	scrape_accept(job, pool->accept);
	arena_init(&pool->dropped_arena, 0);
	plan_init(&pool->late);
	if (scrape_client_create(&tools, &job->http, &pool->client, &pool->unable) != OK)
		scrape_tell(pool, pool->unable.text);
	else
		pool->unable.code = OK;
	open_sources(pool);
}

void scrape_pool_close(struct scrape_pool *pool)
{
	assert(pool->ones == NULL);
	for (size_t i = 0; i < pool->source_count; i++)
		scrape_source_close(&pool->sources[i]);
	mem_free(pool->sources);
	mem_free(pool->dropped);
	arena_finish(&pool->dropped_arena);
	plan_finish(&pool->late);
	scrape_client_destroy(&pool->client);
}

/* The targets of the same job before. Who was being asked is asked anew, by the new client. */
void scrape_pool_inherit(struct scrape_pool *pool, struct scrape_pool *before)
{
	struct scrape_loop *scrapes = pool->scrapes;
	pool->ones = before->ones;
	pool->count = before->count;
	pool->late = before->late;
	plan_init(&before->late);
	for (size_t i = 0; i < pool->source_count; i++)
		for (size_t j = 0; j < before->source_count; j++)
			scrape_source_inherit(&pool->sources[i], &before->sources[j]);
	if (pool->ones != NULL)
		pool->ones->link = &pool->ones;
	before->ones = NULL;
	for (struct scrape_one *one = pool->ones; one != NULL; one = one->next) {
		bool asked = one->call != NULL;
		scrape_one_hang_up(one);
		one->pool = pool;
		if (asked)
			scrape_one_schedule(one, clock_since_boot(scrapes->options.clock));
		if (one->book != NULL)
			scrape_book_adopt(one->book, pool->job, &one->target, scrapes->options.random);
	}
}

/* ---- targets ---- */

struct sync {
	struct scrape_pool *pool;
	struct arena scratch;
	struct scrape_one **known; /* sorted by key */
	size_t known_count;
	struct scrape_one *added; /* by `next` alone */
	struct scrape_one **gone; /* whose series another may go on with; sorted by labels */
	size_t gone_count;
	size_t added_count, found;
	struct buf key;
	bool told;
};

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct scrape_one *const *)a)->key, (*(struct scrape_one *const *)b)->key);
}

static int to_key(const void *key, const void *one)
{
	return strcmp(key, (*(struct scrape_one *const *)one)->key);
}

/* Two targets of the same job with the same labels and address are one. */
static const char *key_of(struct sync *sync, const struct scrape_target *target)
{
	buf_reset(&sync->key);
	buf_printf(&sync->key, STR_FMT "\n" STR_FMT "\n%lld/%lld\n", STR_ARG(sync->pool->job->name), STR_ARG(target->url),
		   (long long)target->interval_ms, (long long)target->timeout_ms);
	promql_labels_print(target->labels, &sync->key);
	return sync->key.bytes;
}

static void copy_target(const struct scrape_target *target, struct arena *arena, struct scrape_target *ret_target)
{
	*ret_target = *target;
	ret_target->url = arena_str(arena, target->url);
	promql_labels_copy(target->labels, arena, &ret_target->labels);
}

static void add_one(struct sync *sync, const struct scrape_target *target, const char *key)
{
	struct scrape_one *one = mem_alloc(sizeof *one);
	*one = (struct scrape_one){ .pool = sync->pool, .found = true, .key = mem_strdup(key) };
	arena_init(&one->arena, SCRATCH_BYTES_MAX);
	arena_init(&one->found_arena, SCRATCH_BYTES_MAX);
	copy_target(target, &one->arena, &one->target);
	promql_labels_copy(target->discovered, &one->found_arena, &one->target.discovered);
	one->next = sync->added;
	sync->added = one;
	sync->added_count++;
}

static void find_again(struct scrape_one *one, const struct scrape_target *target)
{
	one->found = true;
	if (promql_labels_equal(one->target.discovered, target->discovered))
		return;
	arena_reset(&one->found_arena);
	promql_labels_copy(target->discovered, &one->found_arena, &one->target.discovered);
}

static void add_dropped(struct scrape_pool *pool, struct promql_labels discovered)
{
	pool->dropped_total++;
	int64_t said = pool->job->limits.kept_dropped;
	size_t most = said > 0 && said < SCRAPE_DROPPED_SHOWN_MAX ? (size_t)said : SCRAPE_DROPPED_SHOWN_MAX;
	if (pool->dropped_count == most)
		return;
	if (pool->dropped == NULL)
		pool->dropped = mem_alloc(most * sizeof *pool->dropped);
	if (promql_labels_copy(discovered, &pool->dropped_arena, &pool->dropped[pool->dropped_count]))
		pool->dropped_count++;
}

static void tell_once(struct sync *sync, const char *what)
{
	if (!sync->told)
		scrape_tell(sync->pool, what);
	sync->told = true;
}

static void sync_address(struct sync *sync, const struct scrape_group *group, struct str address)
{
	struct scrape_target target;
	struct error err;
	arena_reset(&sync->scratch);
	enum scrape_fate fate = scrape_target_make(sync->pool->job, NULL, group, address, &sync->scratch, &target, &err);
	if (fate == SCRAPE_DROPPED)
		add_dropped(sync->pool, target.discovered);
	else if (fate == SCRAPE_REFUSED)
		tell_once(sync, err.text);
	else if (sync->found++ >= SCRAPE_TARGETS_MAX)
		tell_once(sync, "there are too many targets: some are left out");
	if (fate != SCRAPE_KEPT || sync->found > SCRAPE_TARGETS_MAX)
		return;
	const char *key = key_of(sync, &target);
	struct scrape_one **known = sync->known_count == 0 ? NULL : bsearch(key, sync->known, sync->known_count,
									      sizeof *sync->known, to_key);
	if (known != NULL)
		find_again(*known, &target);
	else
		add_one(sync, &target, key);
}

static void sync_groups(struct sync *sync, const struct scrape_groups *groups)
{
	for (size_t g = 0; g < groups->list.count; g++)
		for (size_t t = 0; t < groups->list.rows[g].targets.count; t++)
			sync_address(sync, &groups->list.rows[g], groups->list.rows[g].targets.rows[t]);
}

static void list_known(struct sync *sync)
{
	size_t count = 0;
	for (struct scrape_one *one = sync->pool->ones; one != NULL; one = one->next)
		count++;
	sync->known = mem_alloc((count + 1) * sizeof *sync->known);
	for (struct scrape_one *one = sync->pool->ones; one != NULL; one = one->next) {
		one->found = false;
		sync->known[sync->known_count++] = one;
	}
	qsort(sync->known, count, sizeof *sync->known, by_key);
}

/* Until each source has said something nobody leaves: after a reload they may still be found. */
static bool is_settled(const struct scrape_pool *pool)
{
	bool settled = true;
	for (size_t i = 0; i < pool->source_count; i++)
		settled = settled && pool->sources[i].answered;
	return settled;
}

/* ---- series go on ---- */

static int by_labels(const void *a, const void *b)
{
	return promql_labels_compare((*(struct scrape_one *const *)a)->target.labels,
				     (*(struct scrape_one *const *)b)->target.labels);
}

/* Those that leave, of all jobs, and those of this one that are not found, though they wait for a source. */
static void list_gone(struct sync *sync)
{
	struct scrape_loop *scrapes = sync->pool->scrapes;
	if (sync->added_count == 0)
		return;
	sync->gone = mem_alloc((scrapes->left_count + sync->known_count + 1) * sizeof *sync->gone);
	for (struct scrape_one *one = scrapes->left; one != NULL; one = one->left_next)
		sync->gone[sync->gone_count++] = one;
	for (size_t i = 0; i < sync->known_count; i++)
		if (!sync->known[i]->found && !sync->known[i]->leaving)
			sync->gone[sync->gone_count++] = sync->known[i];
	qsort(sync->gone, sync->gone_count, sizeof *sync->gone, by_labels);
}

/* The first with these labels whose series nobody has taken. */
static struct scrape_one *find_gone(const struct sync *sync, struct scrape_one *one)
{
	size_t low = 0, high = sync->gone_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_labels(&sync->gone[middle], &one) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < sync->gone_count && sync->gone[low]->handed && by_labels(&sync->gone[low], &one) == 0)
		low++;
	return low < sync->gone_count && by_labels(&sync->gone[low], &one) == 0 ? sync->gone[low] : NULL;
}

static void go_on(struct sync *sync, struct scrape_one *one)
{
	struct scrape_one *old = find_gone(sync, one);
	if (old == NULL)
		return;
	old->handed = true;
	one->book = old->book;
	one->generation = old->generation;
	one->last_ms = old->last_ms;
	one->aligned = 0; /* it has a grid of its own */
	one->health = old->health;
	one->scraped_at = old->scraped_at;
	one->duration_seconds = old->duration_seconds;
	one->counts = old->counts;
	memcpy(one->error, old->error, sizeof one->error);
	old->book = NULL;
	if (one->book != NULL)
		scrape_book_adopt(one->book, sync->pool->job, &one->target, sync->pool->scrapes->options.random);
}

/* In the order of their keys; what was found twice begins once. */
static void begin_added(struct sync *sync)
{
	struct scrape_pool *pool = sync->pool;
	struct scrape_one **added = mem_alloc((sync->added_count + 1) * sizeof *added);
	size_t count = 0;
	for (struct scrape_one *one = sync->added; one != NULL; one = one->next)
		added[count++] = one;
	qsort(added, count, sizeof *added, by_key);
	for (size_t i = count; i-- > 0;) {
		if (i > 0 && by_key(&added[i - 1], &added[i]) == 0) {
			scrape_one_destroy(added[i]);
			continue;
		}
		go_on(sync, added[i]);
		scrape_one_list(&pool->ones, added[i]);
		scrape_one_begin(added[i]);
	}
	for (size_t i = 0; i < sync->gone_count; i++)
		if (sync->gone[i]->handed)
			scrape_one_drop(pool->scrapes, sync->gone[i]);
	mem_free(added);
	mem_free(sync->gone);
}

static void come_and_go(struct sync *sync)
{
	struct scrape_pool *pool = sync->pool;
	bool settled = is_settled(pool);
	for (struct scrape_one *one = pool->ones; one != NULL; one = one->next) {
		if (one->found && one->leaving)
			scrape_one_begin(one);
		else if (!one->found && !one->leaving && settled)
			scrape_one_leave(one);
	}
	list_gone(sync);
	begin_added(sync);
	pool->count = 0;
	for (struct scrape_one *one = pool->ones; one != NULL; one = one->next)
		pool->count += !one->leaving;
}

void scrape_pool_sync(struct scrape_pool *pool)
{
	struct sync sync = { .pool = pool };
	arena_init(&sync.scratch, SCRATCH_BYTES_MAX);
	buf_init(&sync.key, KEY_BYTES_MAX);
	pthread_mutex_lock(&pool->scrapes->lock);
	list_known(&sync);
	pool->dropped_count = pool->dropped_total = 0;
	arena_reset(&pool->dropped_arena);
	for (size_t s = 0; s < pool->source_count; s++) {
		for (size_t p = 0; p < pool->sources[s].part_count; p++)
			sync_groups(&sync, &pool->sources[s].parts[p]->groups);
		pool->sources[s].changed = false;
	}
	come_and_go(&sync);
	pthread_mutex_unlock(&pool->scrapes->lock);
	mem_free(sync.known);
	buf_finish(&sync.key);
	arena_finish(&sync.scratch);
}

void scrape_pool_look(struct scrape_pool *pool)
{
	time_us now = clock_since_boot(pool->scrapes->options.clock);
	for (size_t i = 0; i < pool->source_count; i++)
		scrape_source_look(&pool->sources[i], now);
}
