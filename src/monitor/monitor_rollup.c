/* monitor_rollup.c: see monitor_rollup.h. */
#include "monitor/monitor_rollup.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct rollup) <= 3072, "ten thousand checks must fit in 30 MB");

static const time_us lengths[ROLLUP_STEP_COUNT] = { TIME_MINUTE, TIME_HOUR, TIME_DAY };

time_us rollup_step_length(enum rollup_step step)
{
	assert(step < ROLLUP_STEP_COUNT);
	return lengths[step];
}

time_us rollup_step_start(enum rollup_step step, time_us at)
{
	assert(at >= 0);
	return at - at % rollup_step_length(step);
}

static unsigned slot_of(time_us latency)
{
	if (latency < ROLLUP_LEAST)
		return 0;
	unsigned octave = 63 - (unsigned)__builtin_clzll((uint64_t)latency);
	unsigned first = 7; /* 128 = 2^7 */
	unsigned part = (unsigned)((uint64_t)latency >> (octave - 3)) & (ROLLUP_PARTS - 1);
	unsigned slot = (octave - first) * ROLLUP_PARTS + part;
	return slot < ROLLUP_SLOTS ? slot : ROLLUP_SLOTS - 1;
}

/* The middle of a slot. */
static time_us slot_value(unsigned slot)
{
	time_us base = (time_us)ROLLUP_LEAST << (slot / ROLLUP_PARTS);
	time_us width = base / ROLLUP_PARTS;
	return base + width * (slot % ROLLUP_PARTS) + width / 2;
}

static bool is_empty(const struct rollup_bucket *bucket)
{
	return bucket->count == 0 && bucket->up == 0 && bucket->down == 0 && bucket->excluded == 0;
}

static void give(struct rollup *rollup, enum rollup_step step, rollup_row_fn *row, void *context)
{
	struct rollup_bucket *bucket = &rollup->open[step];
	if (!is_empty(bucket))
		row(context, step, bucket);
	memset(bucket, 0, sizeof *bucket);
}

/* The bucket of that instant, after the one before was given out. */
static struct rollup_bucket *open_at(struct rollup *rollup, enum rollup_step step, time_us at,
                                     rollup_row_fn *row, void *context)
{
	struct rollup_bucket *bucket = &rollup->open[step];
	time_us start = rollup_step_start(step, at);
	if (bucket->start != start) {
		give(rollup, step, row, context);
		bucket->start = start;
	}
	return bucket;
}

static void book(struct rollup *rollup, enum rollup_step step, time_us from, time_us to,
                 rollup_row_fn *row, void *context)
{
	while (from < to) { /* at most 2 days of minutes: ROLLUP_COVERS_MAX */
		struct rollup_bucket *bucket = open_at(rollup, step, from, row, context);
		time_us end = bucket->start + rollup_step_length(step);
		time_us length = (end < to ? end : to) - from;
		if (rollup->muted)
			bucket->excluded += length;
		else if (rollup->good)
			bucket->up += length;
		else
			bucket->down += length;
		from += length;
	}
}

/* Books what the last result says about the time up to `now`. */
static void book_until(struct rollup *rollup, time_us now, rollup_row_fn *row, void *context)
{
	time_us to = now < rollup->until ? now : rollup->until;
	if (rollup->from == 0 || to <= rollup->from)
		return;
	for (enum rollup_step step = 0; step < ROLLUP_STEP_COUNT; step++)
		book(rollup, step, rollup->from, to, row, context);
	rollup->from = to;
}

void rollup_init(struct rollup *rollup)
{
	memset(rollup, 0, sizeof *rollup);
}

static void count_sample(struct rollup_bucket *bucket, const struct rollup_sample *sample)
{
	bucket->count++;
	bucket->ok += sample->good;
	bucket->degraded += sample->good && sample->degraded;
	if (sample->latency <= 0)
		return;
	if (bucket->latency_count == 0 || sample->latency < bucket->latency_min)
		bucket->latency_min = sample->latency;
	if (sample->latency > bucket->latency_max)
		bucket->latency_max = sample->latency;
	bucket->latency_sum += sample->latency;
	bucket->latency_count++;
	bucket->slots[slot_of(sample->latency)]++;
}

void rollup_add(struct rollup *rollup, const struct rollup_sample *sample, rollup_row_fn *row,
                void *context)
{
	assert(sample->covers > 0 && sample->covers <= ROLLUP_COVERS_MAX);
	assert(sample->at > 0);
	time_us at = sample->at > rollup->from ? sample->at : rollup->from;
	book_until(rollup, at, row, context);
	for (enum rollup_step step = 0; step < ROLLUP_STEP_COUNT; step++)
		count_sample(open_at(rollup, step, at, row, context), sample);
	rollup->from = at;
	rollup->until = at + sample->covers;
	rollup->good = sample->good;
	rollup->muted = sample->muted;
}

void rollup_stop(struct rollup *rollup, time_us at, rollup_row_fn *row, void *context)
{
	book_until(rollup, at, row, context);
	rollup->from = rollup->until = 0;
}

void rollup_flush(struct rollup *rollup, time_us now, rollup_row_fn *row, void *context)
{
	book_until(rollup, now, row, context);
	for (enum rollup_step step = 0; step < ROLLUP_STEP_COUNT; step++)
		give(rollup, step, row, context);
}

void rollup_bucket_merge(struct rollup_bucket *into, const struct rollup_bucket *from)
{
	into->count += from->count;
	into->ok += from->ok;
	into->degraded += from->degraded;
	into->up += from->up;
	into->down += from->down;
	into->excluded += from->excluded;
	if (from->latency_count > 0 &&
	    (into->latency_count == 0 || from->latency_min < into->latency_min))
		into->latency_min = from->latency_min;
	if (from->latency_max > into->latency_max)
		into->latency_max = from->latency_max;
	into->latency_sum += from->latency_sum;
	into->latency_count += from->latency_count;
	for (unsigned i = 0; i < ROLLUP_SLOTS; i++)
		into->slots[i] += from->slots[i];
}

int rollup_uptime_ppm(const struct rollup_bucket *buckets, unsigned count)
{
	time_us up = 0, down = 0;
	for (unsigned i = 0; i < count; i++) {
		up += buckets[i].up;
		down += buckets[i].down;
	}
	if (up + down == 0)
		return -1;
	int ppm = (int)((double)up / (double)(up + down) * 1e6);
	/* A second of outage in a year must not read as 100 %. */
	return down > 0 && ppm == 1000000 ? 999999 : ppm;
}

time_us rollup_quantile(const struct rollup_bucket *bucket, unsigned percent)
{
	assert(percent >= 1 && percent <= 100);
	uint64_t rank = ((uint64_t)bucket->latency_count * percent + 99) / 100, seen = 0;
	if (bucket->latency_count == 0)
		return 0;
	for (unsigned slot = 0; slot < ROLLUP_SLOTS; slot++) {
		seen += bucket->slots[slot];
		if (seen < rank)
			continue;
		time_us value = slot_value(slot);
		if (value < bucket->latency_min)
			return bucket->latency_min;
		return value > bucket->latency_max ? bucket->latency_max : value;
	}
	return bucket->latency_max;
}

void rollup_slots_write(const struct rollup_bucket *bucket, struct buf *out)
{
	bool first = true;
	for (unsigned slot = 0; slot < ROLLUP_SLOTS; slot++) {
		if (bucket->slots[slot] == 0)
			continue;
		buf_printf(out, "%s%u:%u", first ? "" : " ", slot, bucket->slots[slot]);
		first = false;
	}
}

bool rollup_slots_read(struct str text, struct rollup_bucket *bucket)
{
	uint32_t slots[ROLLUP_SLOTS] = { 0 };
	int64_t slot, count, last = -1;
	struct str part, slot_text, count_text;
	while (text.len > 0) {
		str_cut(text, ' ', &part, &text);
		if (!str_cut(part, ':', &slot_text, &count_text) ||
		    !str_int(slot_text, last + 1, ROLLUP_SLOTS - 1, &slot) ||
		    !str_int(count_text, 1, UINT32_MAX, &count))
			return false;
		slots[slot] = (uint32_t)count;
		last = slot;
	}
	memcpy(bucket->slots, slots, sizeof slots);
	return true;
}
