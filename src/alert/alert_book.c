/* alert_book.c: see alert_book.h. Open addressing over an array of rows; freed rows are used again. */
#include "alert/alert_book.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "alert/alert_priv.h"
#include "base/mem.h"

#define ROWS_START 1024u
#define NOBODY UINT32_MAX

enum row_state { ROW_FREE, ROW_PENDING, ROW_LIVE, ROW_LEAVING };

struct row {
	struct alert_key key;
	int64_t alert;
	uint64_t notes;   /* as last told */
	char *texts;      /* NULL: as recorded */
	time_us started;
	time_us ends;     /* since boot */
	time_us updated;  /* by the wall */
	time_us lease;
	uint32_t next;    /* in the list of free or of unsettled rows */
	uint8_t state;
};

struct alert_book {
	pthread_mutex_t lock;
	struct row *rows;
	uint32_t rows_used, rows_size, free; /* free: the first of a list */
	uint32_t *slots;                     /* index + 1 of a row; 0: empty */
	uint32_t slot_mask;
	uint32_t unsettled;
	size_t count, texts_bytes;
	time_us next_over; /* no row is over before it */
};

struct alert_book *alert_book_create(void)
{
	struct alert_book *book = mem_alloc(sizeof *book);
	pthread_mutex_init(&book->lock, NULL);
	book->rows_size = ROWS_START;
	book->rows = mem_alloc(book->rows_size * sizeof *book->rows);
	book->slot_mask = 2 * ROWS_START - 1;
	book->slots = mem_alloc((book->slot_mask + 1) * sizeof *book->slots);
	book->free = book->unsettled = NOBODY;
	book->next_over = INT64_MAX;
	return book;
}

void alert_book_destroy(struct alert_book **book)
{
	if (*book == NULL)
		return;
	for (uint32_t i = 0; i < (*book)->rows_used; i++)
		mem_free((*book)->rows[i].texts);
	pthread_mutex_destroy(&(*book)->lock);
	mem_free((*book)->rows);
	mem_free((*book)->slots);
	mem_free(*book);
	*book = NULL;
}

/* ---- the table ---- */

static uint32_t home(const struct alert_book *book, struct alert_key key)
{
	return (uint32_t)(key.a ^ key.b >> 32) & book->slot_mask;
}

/* The row with this key that is not leaving. */
static struct row *find(const struct alert_book *book, struct alert_key key)
{
	for (uint32_t at = home(book, key); book->slots[at] != 0; at = (at + 1) & book->slot_mask) {
		struct row *row = &book->rows[book->slots[at] - 1];
		if (row->key.a == key.a && row->key.b == key.b && row->state != ROW_LEAVING)
			return row;
	}
	return NULL;
}

static void put_slot(struct alert_book *book, uint32_t index)
{
	uint32_t at = home(book, book->rows[index].key);
	while (book->slots[at] != 0)
		at = (at + 1) & book->slot_mask;
	book->slots[at] = index + 1;
}

/* Takes the slot out and moves back what had to stand behind it. */
static void remove_slot(struct alert_book *book, uint32_t index)
{
	uint32_t at = home(book, book->rows[index].key);
	while (book->slots[at] != index + 1)
		at = (at + 1) & book->slot_mask;
	for (uint32_t next = (at + 1) & book->slot_mask; book->slots[next] != 0;
	     next = (next + 1) & book->slot_mask) {
		uint32_t wanted = home(book, book->rows[book->slots[next] - 1].key);
		if (((next - wanted) & book->slot_mask) < ((next - at) & book->slot_mask))
			continue;
		book->slots[at] = book->slots[next];
		at = next;
	}
	book->slots[at] = 0;
}

static void grow(struct alert_book *book)
{
	book->rows_size *= 2;
	book->rows = mem_realloc(book->rows, book->rows_size * sizeof *book->rows);
	mem_free(book->slots);
	book->slot_mask = 2 * book->rows_size - 1;
	book->slots = mem_alloc(((size_t)book->slot_mask + 1) * sizeof *book->slots);
	for (uint32_t i = 0; i < book->rows_used; i++) {
		if (book->rows[i].state != ROW_FREE)
			put_slot(book, i);
	}
}

static uint32_t take_row(struct alert_book *book)
{
	uint32_t index = book->free;
	if (index != NOBODY) {
		book->free = book->rows[index].next;
		return index;
	}
	if (book->rows_used == book->rows_size)
		grow(book);
	return book->rows_used++;
}

static void free_row(struct alert_book *book, uint32_t index)
{
	struct row *row = &book->rows[index];
	remove_slot(book, index);
	if (row->texts != NULL)
		book->texts_bytes -= strlen(row->texts) + 1;
	mem_free(row->texts);
	*row = (struct row){ .state = ROW_FREE, .next = book->free };
	book->free = index;
	book->count--;
}

/* ---- told again ---- */

static void keep_texts(struct alert_book *book, struct row *row, const struct alert_signal *signal)
{
	if (row->texts != NULL)
		book->texts_bytes -= strlen(row->texts) + 1;
	mem_free(row->texts);
	row->texts = alert_texts_json(signal);
	book->texts_bytes += strlen(row->texts) + 1;
	row->notes = signal->notes;
}

static void touch(struct alert_book *book, struct row *row, const struct alert_signal *signal,
		  struct alert_instant at)
{
	row->lease = signal->ends - at.wall;
	row->ends = at.boot + row->lease;
	row->updated = at.wall;
	if (signal->starts < row->started)
		row->started = signal->starts;
	if (row->ends < book->next_over)
		book->next_over = row->ends;
	if (signal->notes != row->notes)
		keep_texts(book, row, signal);
}

bool alert_book_refresh(struct alert_book *book, const struct alert_signal *signals, size_t count,
			struct alert_instant at)
{
	bool all = true;
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < count && all; i++) {
		const struct row *row = find(book, signals[i].key);
		all = row != NULL && row->state == ROW_LIVE && signals[i].ends > at.wall;
	}
	for (size_t i = 0; i < count && all; i++)
		touch(book, find(book, signals[i].key), &signals[i], at);
	pthread_mutex_unlock(&book->lock);
	return all;
}

void alert_book_touch(struct alert_book *book, const struct alert_signal *signal,
		      struct alert_instant at)
{
	pthread_mutex_lock(&book->lock);
	struct row *row = find(book, signal->key);
	if (row != NULL)
		touch(book, row, signal, at);
	pthread_mutex_unlock(&book->lock);
}

/* ---- the writer ---- */

bool alert_book_find(struct alert_book *book, struct alert_key key, int64_t *ret_alert)
{
	pthread_mutex_lock(&book->lock);
	const struct row *row = find(book, key);
	if (row != NULL)
		*ret_alert = row->alert;
	pthread_mutex_unlock(&book->lock);
	return row != NULL;
}

static void note_unsettled(struct alert_book *book, uint32_t index)
{
	book->rows[index].next = book->unsettled;
	book->unsettled = index;
}

bool alert_book_add(struct alert_book *book, const struct alert_alive *alive, struct alert_instant at)
{
	pthread_mutex_lock(&book->lock);
	bool fits = book->count < ALERT_BOOK_MAX;
	if (fits) {
		uint32_t index = take_row(book);
		book->rows[index] = (struct row){
			.key = alive->key,
			.alert = alive->alert,
			.notes = alive->notes,
			.started = alive->started,
			.ends = at.boot + (alive->ends - at.wall),
			.updated = at.wall,
			.lease = alive->lease,
			.state = ROW_PENDING,
		};
		put_slot(book, index);
		note_unsettled(book, index);
		book->count++;
		if (book->rows[index].ends < book->next_over)
			book->next_over = book->rows[index].ends;
	}
	pthread_mutex_unlock(&book->lock);
	return fits;
}

/* One that is itself not stored yet stays on the list once; settling then lets go of it either way. */
bool alert_book_leave(struct alert_book *book, struct alert_key key)
{
	pthread_mutex_lock(&book->lock);
	struct row *row = find(book, key);
	if (row != NULL) {
		bool listed = row->state == ROW_PENDING;
		row->state = ROW_LEAVING;
		if (listed)
			row->alert = 0;
		else
			note_unsettled(book, (uint32_t)(row - book->rows));
	}
	pthread_mutex_unlock(&book->lock);
	return row != NULL;
}

bool alert_book_is_over(struct alert_book *book, struct alert_key key, time_us boot)
{
	pthread_mutex_lock(&book->lock);
	const struct row *row = find(book, key);
	bool over = row != NULL && row->state == ROW_LIVE && row->ends <= boot;
	pthread_mutex_unlock(&book->lock);
	return over;
}

void alert_book_settle(struct alert_book *book, bool stored)
{
	pthread_mutex_lock(&book->lock);
	for (uint32_t index = book->unsettled, next; index != NOBODY; index = next) {
		struct row *row = &book->rows[index];
		next = row->next;
		bool was_stored = row->alert != 0 && row->state == ROW_LEAVING;
		bool goes = row->state == ROW_LEAVING ? stored || !was_stored : !stored;
		if (goes)
			free_row(book, index);
		else
			row->state = ROW_LIVE;
	}
	book->unsettled = NOBODY;
	pthread_mutex_unlock(&book->lock);
}

/* ---- time ---- */

static struct alert_alive alive_of(const struct row *row)
{
	return (struct alert_alive){ row->alert, row->key, row->notes, row->started, row->lease, row->ends };
}

size_t alert_book_over(struct alert_book *book, time_us boot, struct alert_alive *ret_alive, size_t max)
{
	size_t count = 0;
	pthread_mutex_lock(&book->lock);
	if (book->next_over <= boot) {
		time_us next = INT64_MAX;
		for (uint32_t i = 0; i < book->rows_used; i++) {
			const struct row *row = &book->rows[i];
			if (row->state == ROW_FREE)
				continue;
			if (row->ends < next)
				next = row->ends;
			if (row->state == ROW_LIVE && row->ends <= boot && count < max)
				ret_alive[count++] = alive_of(row);
		}
		book->next_over = next;
	}
	pthread_mutex_unlock(&book->lock);
	return count;
}

void alert_book_spare(struct alert_book *book, struct alert_instant at)
{
	pthread_mutex_lock(&book->lock);
	for (uint32_t i = 0; i < book->rows_used; i++) {
		struct row *row = &book->rows[i];
		if (row->state == ROW_FREE)
			continue;
		time_us spare = row->lease < ALERT_SPARE_LEAST ? ALERT_SPARE_LEAST
			      : row->lease > ALERT_SPARE_MOST  ? ALERT_SPARE_MOST : row->lease;
		if (row->ends < at.boot + spare)
			row->ends = at.boot + spare;
	}
	pthread_mutex_unlock(&book->lock);
}

/* ---- reading ---- */

bool alert_book_life(struct alert_book *book, struct alert_key key, struct alert_instant at,
		     struct arena *arena, struct alert_life *ret_life)
{
	pthread_mutex_lock(&book->lock);
	const struct row *row = find(book, key);
	if (row != NULL)
		*ret_life = (struct alert_life){
			.ends = at.wall + (row->ends - at.boot),
			.updated = row->updated,
			.started = row->started,
			.texts = row->texts != NULL ? arena_str(arena, str_of(row->texts)) : STR_NONE,
		};
	pthread_mutex_unlock(&book->lock);
	return row != NULL;
}

size_t alert_book_count(struct alert_book *book)
{
	pthread_mutex_lock(&book->lock);
	size_t count = book->count;
	pthread_mutex_unlock(&book->lock);
	return count;
}

size_t alert_book_bytes(struct alert_book *book)
{
	pthread_mutex_lock(&book->lock);
	size_t bytes = book->rows_size * sizeof *book->rows +
		       ((size_t)book->slot_mask + 1) * sizeof *book->slots + book->texts_bytes;
	pthread_mutex_unlock(&book->lock);
	return bytes;
}
