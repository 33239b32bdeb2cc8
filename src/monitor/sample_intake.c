/* sample_intake.c: see sample_intake.h. */
#include "monitor/sample_intake.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "metrics/log.h"
#include "monitor/sample_known.h"
#include "wire/snappy_block.h"

#define REFERENCE_NONE UINT32_MAX

struct family {
	struct sample_family is; /* texts in one allocation, `name` first */
};

struct sample_intake {
	struct sample_intake_options options;
	pthread_rwlock_t known_lock;
	struct sample_known known;
	uint32_t *references; /* by number in `known` */
	uint32_t reference_room;
	pthread_mutex_t lock; /* of what follows */
	struct message *idle; /* their memory is used again */
	unsigned idle_count;
	struct family *families; /* sorted by name */
	size_t family_count, family_size;
	struct sample_intake_figures figures;
};

void sample_intake_create(const struct sample_intake_options *options, struct sample_intake **ret_intake)
{
	struct sample_intake *intake = mem_alloc(sizeof *intake);
	intake->options = *options;
	pthread_rwlock_init(&intake->known_lock, NULL);
	pthread_mutex_init(&intake->lock, NULL);
	sample_known_init(&intake->known, options->random, SAMPLE_INTAKE_KNOWN_MAX);
	*ret_intake = intake;
}

/* ---- one message ---- */

struct row_series {
	struct hash hash;
	struct str labels; /* in the message; ptr NULL: in `texts` */
	size_t text_at;
	uint32_t reference;
	bool is_new; /* to the table */
};

struct message {
	struct message *next; /* idle */
	struct sample_intake *intake;
	struct buf bytes;
	struct buf texts; /* labels that were put together, and are borrowed for the call only */
	uint32_t known_next;
	struct row_series *series;
	size_t series_count, series_size, new_count;
	uint32_t *series_of; /* by row */
	double *values;
	int64_t *times;
	size_t count, size;
	int64_t newest_ms; /* later samples are refused */
	size_t refused; /* rows */
	struct error why;   /* of the first that was */
};

#define IDLE_MAX 4u
#define IDLE_BYTES_MAX ((size_t)4 << 20) /* of one; larger ones are not kept */

/* Under the lock. */
static struct message *take_idle(struct sample_intake *intake)
{
	struct message *message = intake->idle;
	intake->idle = message->next;
	intake->idle_count--;
	return message;
}

static void free_message(struct message *message)
{
	buf_finish(&message->bytes);
	buf_finish(&message->texts);
	mem_free(message->series);
	mem_free(message->series_of);
	mem_free(message->values);
	mem_free(message->times);
	mem_free(message);
}

static struct message *begin_message(struct sample_intake *intake)
{
	struct message *message = NULL;
	pthread_mutex_lock(&intake->lock);
	if (intake->idle != NULL)
		message = take_idle(intake);
	pthread_mutex_unlock(&intake->lock);
	if (message == NULL) {
		message = mem_alloc(sizeof *message);
		message->intake = intake;
		buf_init(&message->bytes, REMOTE_WRITE_BYTES_MAX);
		buf_init(&message->texts, REMOTE_WRITE_UNFOLDED_BYTES_MAX);
	}
	return message;
}

static void end_message(struct message *message)
{
	struct sample_intake *intake = message->intake;
	size_t bytes = message->bytes.size + message->texts.size + message->series_size * sizeof *message->series +
		       message->size * (sizeof *message->series_of + sizeof *message->values + sizeof *message->times);
	bool keep = false;
	pthread_mutex_lock(&intake->lock);
	if (bytes <= IDLE_BYTES_MAX && intake->idle_count < IDLE_MAX) {
		keep = true;
		message->next = intake->idle;
		intake->idle = message;
		intake->idle_count++;
	}
	pthread_mutex_unlock(&intake->lock);
	if (!keep)
		free_message(message);
}

static void take_series(void *context, struct str labels)
{
	struct message *message = context;
	struct sample_intake *intake = message->intake;
	if (message->series_count == message->series_size) {
		message->series_size = message->series_size * 2 + 512;
		message->series = mem_realloc(message->series, message->series_size * sizeof *message->series);
	}
	struct row_series *series = &message->series[message->series_count++];
	*series = (struct row_series){ .labels = labels, .reference = REFERENCE_NONE };
	series->hash = sample_known_hash(&intake->known, labels);
	uint32_t number = sample_known_find(&intake->known, series->hash, &message->known_next);
	series->is_new = number == SAMPLE_KNOWN_NONE;
	if (!series->is_new)
		series->reference = intake->references[number];
	message->new_count += series->is_new;
	bool inside = labels.ptr >= message->bytes.bytes && labels.ptr < message->bytes.bytes + message->bytes.used;
	if (!series->is_new || inside || labels.len == 0)
		return;
	series->labels.ptr = NULL;
	series->text_at = message->texts.used;
	buf_add(&message->texts, labels);
	assert(!message->texts.full);
}

static void take_sample(void *context, int64_t time_ms, double value)
{
	struct message *message = context;
	assert(message->series_count > 0);
	if (message->count == message->size) {
		message->size = message->size * 2 + 1024;
		message->series_of = mem_realloc(message->series_of, message->size * sizeof *message->series_of);
		message->values = mem_realloc(message->values, message->size * sizeof *message->values);
		message->times = mem_realloc(message->times, message->size * sizeof *message->times);
	}
	message->series_of[message->count] = (uint32_t)(message->series_count - 1);
	message->values[message->count] = value;
	message->times[message->count++] = time_ms;
}

/* ---- families ---- */

static size_t family_place(const struct sample_intake *intake, struct str name)
{
	size_t low = 0, high = intake->family_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (str_cmp(intake->families[middle].is.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct sample_family family_copy(const struct remote_write_metadata *told)
{
	struct str help = str_sub(told->help, 0, SAMPLE_INTAKE_HELP_BYTES_MAX);
	struct str unit = str_sub(told->unit, 0, SAMPLE_INTAKE_HELP_BYTES_MAX);
	char *texts = mem_alloc(told->family.len + help.len + unit.len + 1);
	memcpy(texts, told->family.ptr, told->family.len);
	struct sample_family copy = { { texts, told->family.len }, { texts + told->family.len, help.len },
				      { texts + told->family.len + help.len, unit.len }, told->type };
	if (help.len > 0)
		memcpy((char *)copy.help.ptr, help.ptr, help.len);
	if (unit.len > 0)
		memcpy((char *)copy.unit.ptr, unit.ptr, unit.len);
	return copy;
}

static bool is_told(const struct sample_family *family, const struct remote_write_metadata *told)
{
	return strcmp(family->type, told->type) == 0 &&
	       str_eq(family->help, str_sub(told->help, 0, SAMPLE_INTAKE_HELP_BYTES_MAX)) &&
	       str_eq(family->unit, str_sub(told->unit, 0, SAMPLE_INTAKE_HELP_BYTES_MAX));
}

/* Under the lock. */
static void put_family(struct sample_intake *intake, const struct remote_write_metadata *told)
{
	size_t at = family_place(intake, told->family);
	bool there = at < intake->family_count && str_eq(intake->families[at].is.name, told->family);
	if (there && !is_told(&intake->families[at].is, told)) {
		char *old = (char *)intake->families[at].is.name.ptr;
		intake->families[at].is = family_copy(told);
		mem_free(old); /* what is told may borrow from it */
	} else if (!there && intake->family_count < SAMPLE_INTAKE_FAMILIES_MAX) {
		if (intake->family_count == intake->family_size) {
			intake->family_size = intake->family_size * 2 + 256;
			intake->families = mem_realloc(intake->families, intake->family_size * sizeof *intake->families);
		}
		memmove(&intake->families[at + 1], &intake->families[at],
			(intake->family_count - at) * sizeof *intake->families);
		intake->families[at].is = family_copy(told);
		intake->family_count++;
	}
}

static bool is_family(struct str name, struct str help)
{
	return name.len > 0 && name.len <= METRICS_TEXT_BYTES_MAX && str_is_utf8(name) && str_is_utf8(help);
}

static void take_metadata(void *context, const struct remote_write_metadata *told)
{
	struct message *message = context;
	struct sample_intake *intake = message->intake;
	if (!is_family(told->family, told->help))
		return;
	pthread_mutex_lock(&intake->lock);
	put_family(intake, told);
	pthread_mutex_unlock(&intake->lock);
}

void sample_intake_describe(struct sample_intake *intake, const struct sample_family *told)
{
	if (!is_family(told->name, told->help))
		return;
	pthread_mutex_lock(&intake->lock);
	size_t at = family_place(intake, told->name);
	bool there = at < intake->family_count && str_eq(intake->families[at].is.name, told->name);
	const struct sample_family *is = there ? &intake->families[at].is : NULL;
	struct remote_write_metadata whole = {
		.family = told->name,
		.type = told->type != NULL ? told->type : is != NULL ? is->type : "unknown",
		.help = told->help.len > 0 || is == NULL ? told->help : is->help,
		.unit = told->unit.len > 0 || is == NULL ? told->unit : is->unit,
	};
	put_family(intake, &whole);
	pthread_mutex_unlock(&intake->lock);
}

void sample_intake_families(struct sample_intake *intake, struct str name, sample_family_fn *take, void *context)
{
	pthread_mutex_lock(&intake->lock);
	size_t at = name.len > 0 ? family_place(intake, name) : 0;
	for (; at < intake->family_count; at++) {
		const struct sample_family *family = &intake->families[at].is;
		if ((name.len > 0 && !str_eq(family->name, name)) || !take(context, family))
			break;
	}
	pthread_mutex_unlock(&intake->lock);
}

/* ---- labels that were not known ---- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct metrics_label *)a)->name, ((const struct metrics_label *)b)->name);
}

/* Sorted, without the empty ones, each name once, and with the name of the metric. */
static enum err tidy(struct metrics_label *labels, size_t *count, struct error *err)
{
	size_t kept = 0;
	bool named = false;
	for (size_t i = 0; i < *count; i++) {
		if (labels[i].name.len == 0)
			return error_set(err, ERR_INVALID, "a series has a label without a name");
		if (!str_is_utf8(labels[i].name) || !str_is_utf8(labels[i].value))
			return error_set(err, ERR_INVALID, "a series has a label that is not UTF-8");
		named = named || (str_is(labels[i].name, METRICS_NAME) && labels[i].value.len > 0);
		if (labels[i].value.len > 0)
			labels[kept++] = labels[i];
	}
	*count = kept;
	if (!named)
		return error_set(err, ERR_INVALID, "a series has no " METRICS_NAME);
	qsort(labels, kept, sizeof *labels, by_name);
	for (size_t i = 1; i < kept; i++)
		if (str_eq(labels[i - 1].name, labels[i].name))
			return error_set(err, ERR_INVALID, "a series has the label \"" STR_FMT "\" twice",
					 STR_ARG(str_sub(labels[i].name, 0, 100)));
	return OK;
}

static enum err name_series(struct message *message, struct row_series *series, struct error *err)
{
	static_assert(sizeof(struct metrics_label) == sizeof(struct remote_write_label), "two texts each");
	struct remote_write_label read[REMOTE_WRITE_LABELS_MAX];
	struct metrics_label labels[REMOTE_WRITE_LABELS_MAX];
	struct str text = series->labels;
	size_t count;
	if (text.ptr == NULL && text.len > 0)
		text.ptr = message->texts.bytes + series->text_at;
	enum err r = remote_write_labels(text, read, &count, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++)
		labels[i] = (struct metrics_label){ read[i].name, read[i].value };
	r = tidy(labels, &count, err);
	return r == OK ? metrics_series(message->intake->options.metrics, labels, count, &series->reference, err) : r;
}

/* Another message may have done so in the meantime. */
static void know(struct sample_intake *intake, const struct row_series *series)
{
	uint32_t next = 0, number = sample_known_find(&intake->known, series->hash, &next);
	if (number != SAMPLE_KNOWN_NONE || (number = sample_known_add(&intake->known, series->hash)) == SAMPLE_KNOWN_NONE)
		return;
	if (number >= intake->reference_room) {
		intake->reference_room = number + number / 2 + 512;
		intake->references = mem_realloc(intake->references, intake->reference_room * sizeof *intake->references);
	}
	intake->references[number] = series->reference;
}

/* A refusal is the series' own; the rest goes on. */
static void name_all(struct message *message)
{
	size_t made = 0;
	for (size_t i = 0; i < message->series_count && message->new_count > 0; i++) {
		struct row_series *series = &message->series[i];
		struct error err = { .code = OK };
		if (!series->is_new)
			continue;
		if (name_series(message, series, &err) == OK)
			made++;
		else if (message->why.code == OK)
			message->why = err;
	}
	if (made == 0)
		return;
	pthread_rwlock_wrlock(&message->intake->known_lock);
	for (size_t i = 0; i < message->series_count; i++)
		if (message->series[i].is_new && message->series[i].reference != REFERENCE_NONE)
			know(message->intake, &message->series[i]);
	pthread_rwlock_unlock(&message->intake->known_lock);
}

/* ---- rows into frames ---- */

/* What the log says of one row in words; the first of its kind is named. */
static void tell_fate(struct message *message, enum metrics_fate fate, const struct metrics_frame *frame, size_t row)
{
	static const char *const words[METRICS_FATE_COUNT] = {
		[METRICS_DUPLICATE] = "another value is there already at that time",
		[METRICS_TOO_OLD] = "it is older than samples may be",
		[METRICS_NO_ROOM] = "there is no memory left for samples",
	};
	if (message->why.code != OK)
		return;
	error_set(&message->why, ERR_INVALID, "a sample of %lld was refused, because %s", (long long)frame->times[row],
		  words[fate]);
}

static enum err append(struct message *message, const struct metrics_frame *frame, struct sample_intake_told *told,
		       struct error *err)
{
	static const enum metrics_fate refusals[] = { METRICS_NO_ROOM, METRICS_DUPLICATE, METRICS_TOO_OLD };
	struct metrics_tally tally = { 0 };
	const struct sample_intake_options *options = &message->intake->options;
	enum err r = options->append(options->append_context, frame, &tally, err);
	if (r != OK)
		return r;
	told->samples += tally.counts[METRICS_APPENDED] + tally.counts[METRICS_LATE] + tally.counts[METRICS_SAME];
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		message->refused += tally.counts[refusals[i]];
		if (tally.counts[refusals[i]] > 0)
			tell_fate(message, refusals[i], frame, tally.first[refusals[i]]);
	}
	if (tally.counts[METRICS_NO_ROOM] > 0)
		return error_set(err, ERR_UNAVAILABLE, "there is no memory left for samples");
	return OK;
}

static void refuse_ahead(struct message *message, int64_t time_ms)
{
	message->refused++;
	if (message->why.code == OK)
		error_set(&message->why, ERR_INVALID, "a sample of %lld was refused, because it is more than %d minutes ahead of "
			  "this server's clock", (long long)time_ms, SAMPLE_INTAKE_AHEAD_MS / 60000);
}

/* In place: rows without a series fall out and those of times to come, `series_of` becomes references. */
static size_t to_references(struct message *message)
{
	size_t kept = 0;
	for (size_t i = 0; i < message->count; i++) {
		uint32_t reference = message->series[message->series_of[i]].reference;
		if (reference == REFERENCE_NONE) {
			message->refused++;
			continue;
		}
		if (message->times[i] > message->newest_ms) {
			refuse_ahead(message, message->times[i]);
			continue;
		}
		message->series_of[kept] = reference;
		message->values[kept] = message->values[i];
		message->times[kept++] = message->times[i];
	}
	return kept;
}

static enum err append_all(struct message *message, struct sample_intake_told *told, struct error *err)
{
	size_t count = to_references(message);
	for (size_t at = 0; at < count; at += METRICS_LOG_ROWS_MAX) {
		struct metrics_frame frame = { message->series_of + at, message->values + at, message->times + at, 0,
					       count - at < METRICS_LOG_ROWS_MAX ? count - at : METRICS_LOG_ROWS_MAX };
		enum err r = append(message, &frame, told, err);
		if (r != OK)
			return r;
	}
	return OK;
}

static enum err read_message(struct message *message, enum remote_write_version version,
			     struct sample_intake_told *told, struct error *err)
{
	struct remote_write_sink sink = { message, take_series, take_sample, take_metadata };
	pthread_rwlock_rdlock(&message->intake->known_lock);
	enum err r = remote_write_read(buf_str(&message->bytes), version, &sink, &told->sent, err);
	pthread_rwlock_unlock(&message->intake->known_lock);
	return r;
}

static void count(struct sample_intake *intake, const struct sample_intake_told *told, bool damaged)
{
	pthread_mutex_lock(&intake->lock);
	intake->figures.messages++;
	intake->figures.damaged += damaged;
	intake->figures.samples += told->samples;
	intake->figures.refused += told->refused;
	intake->figures.histograms += told->sent.histograms;
	intake->figures.exemplars += told->sent.exemplars;
	pthread_mutex_unlock(&intake->lock);
}

static enum err take(struct message *message, enum remote_write_version version, struct sample_intake_told *told,
		     struct error *err)
{
	enum err r = read_message(message, version, told, err);
	if (r != OK)
		return r;
	name_all(message);
	r = append_all(message, told, err);
	told->refused = message->refused;
	if (r != OK || message->refused == 0)
		return r;
	return error_set(err, ERR_INVALID, "%zu of %zu samples were refused, the others are kept: %s", message->refused,
			 message->count, message->why.text);
}

enum err sample_intake_take(struct sample_intake *intake, struct str body, enum remote_write_version version,
			    int64_t now_ms, struct sample_intake_told *ret_told, struct error *err)
{
	struct message *message = begin_message(intake);
	*ret_told = (struct sample_intake_told){ 0 };
	message->newest_ms = now_ms + SAMPLE_INTAKE_AHEAD_MS;
	message->why.code = OK;
	message->series_count = message->new_count = message->count = message->refused = 0;
	buf_reset(&message->texts);
	enum err r = snappy_block_unpack(body, &message->bytes, err);
	if (r == OK)
		r = take(message, version, ret_told, err);
	end_message(message);
	count(intake, ret_told, r == ERR_INVALID && ret_told->refused == 0);
	return r;
}

void sample_intake_destroy(struct sample_intake **intake)
{
	struct sample_intake *gone = *intake;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->family_count; i++)
		mem_free((char *)gone->families[i].is.name.ptr);
	mem_free(gone->families);
	while (gone->idle != NULL)
		free_message(take_idle(gone));
	sample_known_finish(&gone->known);
	mem_free(gone->references);
	pthread_rwlock_destroy(&gone->known_lock);
	pthread_mutex_destroy(&gone->lock);
	mem_free(gone);
	*intake = NULL;
}

void sample_intake_figures(struct sample_intake *intake, struct sample_intake_figures *ret_figures)
{
	pthread_rwlock_rdlock(&intake->known_lock);
	pthread_mutex_lock(&intake->lock);
	*ret_figures = intake->figures;
	ret_figures->known = intake->known.count;
	ret_figures->families = (uint32_t)intake->family_count;
	pthread_mutex_unlock(&intake->lock);
	pthread_rwlock_unlock(&intake->known_lock);
}
