/*
 * select_ahead.c: two threads read samples, and one of them gives them.
 *
 * Candidates go in batches. The thread that was asked gives the next batch when it has been read, and else reads one too;
 * the second thread only reads. Series are given in the order of the candidates, so who takes them sees what one thread
 * would have given. The first one holds the readers' lock for both. One selection at a time has a second thread: crowds of
 * queries do not take all processors.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/select_priv.h"

#define CANDIDATES_LEAST 512u
#define BATCHES 8u
#define BATCH_SERIES_MAX 64u
#define BATCH_SAMPLES 16384u /* and one series more; a batch that has more waits with the rest until it is given */

struct batch {
	size_t next, end; /* candidates */
	bool is_read;
	size_t count;      /* series that are taken and have samples */
	uint32_t references[BATCH_SERIES_MAX];
	struct samples samples[BATCH_SERIES_MAX];
};

struct ahead {
	struct selection *selection;
	struct reader second;  /* of the second thread */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t next, each;     /* candidate; how many in a batch */
	size_t begun, given;   /* batches so far */
	bool unwanted;
	struct batch batches[BATCHES];
};

static size_t read_batch(struct selection *selection, struct reader *reader, struct batch *batch)
{
	size_t used = 0;
	batch->count = 0;
	while (batch->next < batch->end && used < BATCH_SAMPLES) {
		uint32_t reference = selection->references[batch->next++];
		struct samples *samples = &batch->samples[batch->count];
		if (!select_takes(selection, reference))
			continue;
		reader_read(reader, reference, samples);
		used += samples->used;
		batch->references[batch->count] = reference;
		batch->count += samples->used > 0;
	}
	return used;
}

static bool may_begin(const struct ahead *ahead)
{
	return ahead->next < ahead->selection->count && ahead->begun - ahead->given < BATCHES && !ahead->unwanted;
}

/* Under the lock, which it leaves meanwhile. */
static void read_next(struct ahead *ahead, struct reader *reader)
{
	struct batch *batch = &ahead->batches[ahead->begun++ % BATCHES];
	size_t left = ahead->selection->count - ahead->next;
	batch->next = ahead->next;
	batch->end = ahead->next += ahead->each < left ? ahead->each : left;
	batch->is_read = false;
	pthread_mutex_unlock(&ahead->lock);
	size_t samples = read_batch(ahead->selection, reader, batch);
	pthread_mutex_lock(&ahead->lock);
	batch->is_read = true;
	if (samples >= BATCH_SAMPLES && ahead->each > 1)
		ahead->each /= 2;
	else if (samples < BATCH_SAMPLES / 4 && ahead->each < BATCH_SERIES_MAX)
		ahead->each *= 2;
}

static void *read_beside(void *context)
{
	struct ahead *ahead = context;
	pthread_mutex_lock(&ahead->lock);
	while (ahead->next < ahead->selection->count && !ahead->unwanted) {
		if (may_begin(ahead))
			read_next(ahead, &ahead->second);
		else
			pthread_cond_wait(&ahead->changed, &ahead->lock);
		pthread_cond_signal(&ahead->changed);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

static bool give_batch(const struct metrics *metrics, struct batch *batch, metrics_take_fn *take, void *context)
{
	bool wanted = true;
	for (size_t i = 0; i < batch->count && wanted; i++) {
		struct samples *samples = &batch->samples[i];
		wanted = select_give(metrics, batch->references[i], samples, take, context);
		if (samples->size > BATCH_SAMPLES) { /* the next one in its place is hardly as long */
			samples_finish(samples);
			*samples = (struct samples){ .used = 0 };
		}
	}
	return wanted;
}

/* Under the lock, which it leaves meanwhile. */
static void give_next(struct ahead *ahead, metrics_take_fn *take, void *context)
{
	struct selection *selection = ahead->selection;
	struct batch *batch = &ahead->batches[ahead->given % BATCHES];
	pthread_mutex_unlock(&ahead->lock);
	bool wanted = give_batch(selection->reader.metrics, batch, take, context);
	while (wanted && batch->next < batch->end) {
		read_batch(selection, &selection->reader, batch);
		wanted = give_batch(selection->reader.metrics, batch, take, context);
	}
	pthread_mutex_lock(&ahead->lock);
	ahead->given++;
	ahead->unwanted = !wanted;
	pthread_cond_signal(&ahead->changed);
}

static void give_all(struct ahead *ahead, metrics_take_fn *take, void *context)
{
	pthread_mutex_lock(&ahead->lock);
	while (!ahead->unwanted && (ahead->given < ahead->begun || ahead->next < ahead->selection->count)) {
		if (ahead->given < ahead->begun && ahead->batches[ahead->given % BATCHES].is_read)
			give_next(ahead, take, context);
		else if (may_begin(ahead))
			read_next(ahead, &ahead->selection->reader);
		else
			pthread_cond_wait(&ahead->changed, &ahead->lock);
	}
	pthread_mutex_unlock(&ahead->lock);
}

static void finish(struct ahead *ahead)
{
	for (size_t i = 0; i < BATCHES; i++)
		for (size_t j = 0; j < BATCH_SERIES_MAX; j++)
			samples_finish(&ahead->batches[i].samples[j]);
	reader_finish(&ahead->second);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	mem_free(ahead);
}

bool select_ahead(struct selection *selection, metrics_take_fn *take, void *context)
{
	atomic_flag *busy = &selection->reader.metrics->reads_ahead;
	pthread_t thread;
	if (selection->count < CANDIDATES_LEAST || selection->reader.newest || atomic_flag_test_and_set(busy))
		return false;
	struct ahead *ahead = mem_alloc(sizeof *ahead);
	ahead->selection = selection;
	ahead->second = selection->reader;
	ahead->second.found = (struct seg_list){ NULL, 0, 0 }; /* each has its own */
	ahead->each = 8;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	bool begun = pthread_create(&thread, NULL, read_beside, ahead) == 0;
	if (begun) {
		give_all(ahead, take, context);
		pthread_join(thread, NULL);
	}
	finish(ahead);
	atomic_flag_clear(busy);
	return begun;
}
