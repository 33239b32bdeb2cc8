/*
 * event.h: one thing that happened, as a struct and as the JSON that is stored.
 *
 * The kinds come from kinds.def: `struct event_incident_opened` and its siblings are made from it.
 * Stored bytes are never rewritten; an older version is brought up by upcast.c when it is read.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "journal/journal_kinds.gen.h"

enum event_class { EVENT_RECORD, EVENT_SIGNAL };

enum event_field_type {
	EVENT_FIELD_ID,
	EVENT_FIELD_INT,
	EVENT_FIELD_TIME,
	EVENT_FIELD_DURATION,
	EVENT_FIELD_BOOL,
	EVENT_FIELD_TEXT,
	EVENT_FIELD_JSON, /* a whole JSON value as text; empty is null */
};

struct event_field {
	const char *name;
	enum event_field_type type;
	size_t offset;
};

struct event_kind_info {
	const char *name; /* "incident.opened" */
	int version;
	enum event_class class;
	const char *needs; /* the permission, in guard's words */
	const char *about;
	const struct event_field *fields;
	size_t field_count, size; /* of the payload struct */
};

extern const struct event_kind_info event_kinds[EVENT_KIND_COUNT];

#define EVENT_PAYLOAD_BYTES_MAX (256u << 10)

struct event {
	int64_t seq;            /* 1 is the first; no gaps */
	time_us event_time;     /* when it happened, by the wall */
	time_us recorded_time;  /* when it was recorded; strictly rising */
	int64_t actor;          /* the user who did it; 0 Mainstay itself */
	enum event_kind kind;
	int64_t subject;        /* whose story it belongs to; see docs/events.md */
	const void *payload;    /* struct event_<kind>; NULL when it was lawfully erased */
	struct str json;        /* the payload as stored */
	const void *memo;       /* what the room that emitted it would read of the payload, while its batch
				 * lasts, in the batch's arena; NULL: it has to be read */
};

bool event_kind_by_name(struct str name, enum event_kind *ret_kind);

/* Appends the payload as JSON, fields in declared order. */
void event_encode(enum event_kind kind, const void *payload, struct buf *out);

/* Texts of the payload live in the arena. ERR_CORRUPT when the JSON is not what this kind, at this
 * or an older version, can say. */
enum err event_decode(enum event_kind kind, int version, struct str json, struct arena *arena,
		      const void **ret_payload, struct error *err);
