/*
 * scrape_book.h: what is known of one target's series between two scrapes, and what one scrape gives to be stored. No I/O.
 *
 *     body --lines--> a series that is known: its reference      ------+
 *                     a new one: labels, relabelling, a reference -----+--> one frame --> sink
 *                     known from the scrape before and not here: stale +
 *                     up, scrape_duration_seconds, ... ----------------+
 *
 * A line whose series was seen before costs a hash of its bytes and a look-up: its labels are not read again. Only the
 * keyed hash is kept (under a secret of the book), 36 bytes a series.
 *
 * A scrape counts whole or not at all: a line that cannot be read, or a limit that is broken, gives `up` 0 and ends every
 * series of the target. A series that the sink has no room for is left out and counted, and the others go on.
 *
 * Owns: the book copies nothing of job and target, which must outlive it. Runs on: any one thread. Clock: none.
 */
#pragma once

#include "base/random.h"
#include "monitor/scrape_target.h"

#define SCRAPE_DESCRIBE_EVERY 64u
#define SCRAPE_STALE_BITS UINT64_C(0x7ff0000000000002) /* the NaN that says "this series ended here" */

struct scrape_frame {
	const uint32_t *references;
	const double *values;
	const int64_t *times; /* one each */
	int64_t time_ms;      /* of the scrape */
	size_t count;
};

/* Where series are kept. */
struct scrape_sink {
	void *context;
	/* The reference of the series with these labels, made when it is new. ERR_LIMIT: there is no room for another. */
	enum err (*series)(void *context, struct promql_labels labels, uint32_t *ret_reference, struct error *err);
	/* Applied in one go, row by row: a row of a time that its series has already, with another value, is refused. */
	void (*append)(void *context, const struct scrape_frame *frame);
	/* What a target says of a metric family: type, help, unit. Told at its first scrape that counts and at each
	 * SCRAPE_DESCRIBE_EVERY-th from then on. May be NULL. */
	void (*describe)(void *context, const struct exposition_item *item);
	/* The series has a sample of that time or after it, of another who brings it now: then its end is not told. May be NULL. */
	bool (*goes_on)(void *context, uint32_t reference, int64_t time_ms);
};

struct scrape_counts {
	size_t scraped; /* samples in the body */
	size_t kept;    /* after metric relabelling */
	size_t added;   /* series that were not known */
	size_t refused; /* series that the sink had no room for */
	size_t stale;   /* series that ended */
};

struct scrape_book;

struct scrape_book *scrape_book_create(const struct scrape_job *job, const struct scrape_target *target,
				       struct random *random);
void scrape_book_destroy(struct scrape_book **book); /* accepts NULL, leaves NULL */

/* The same target under a job that was read anew: every line is looked at again, and what is not brought any more ends. */
void scrape_book_adopt(struct scrape_book *book, const struct scrape_job *job, const struct scrape_target *target,
		       struct random *random);

/* What the target answered. Whatever is returned, the frame was appended; an error says why `up` is 0 in it: ERR_INVALID,
 * ERR_TOO_LARGE, or ERR_LIMIT for the limits of the job. */
enum err scrape_book_take(struct scrape_book *book, struct str body, enum exposition_format format, int64_t time_ms,
			  double duration_seconds, const struct scrape_sink *sink, struct scrape_counts *ret_counts,
			  struct error *err);
/* Nobody answered, or nothing that can be read. */
void scrape_book_fail(struct scrape_book *book, int64_t time_ms, double duration_seconds, const struct scrape_sink *sink);
/* The target is gone: all its series end, those about the scrape too. */
void scrape_book_end(struct scrape_book *book, int64_t time_ms, const struct scrape_sink *sink);
size_t scrape_book_series(const struct scrape_book *book); /* that are known */
