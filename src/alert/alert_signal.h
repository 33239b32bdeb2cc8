/*
 * alert_signal.h: one alert as another program tells of it, checked, before anybody decides about it.
 *
 * The label set is the identity. Its *fingerprint* is what Alertmanager and its clients print: FNV-1a
 * of 64 bits over the labels by name, each `name 0xFF value 0xFF`. Its *key*, 128 bits, is what memory
 * is searched by: quicker to make, and two label sets do not share one by accident.
 *
 * Owns: texts are borrowed from whoever read the message. Runs on: any thread.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"
#include "wire/alert_post.h"

#define ALERT_LABELS_MAX ALERT_POST_PAIRS_MAX
#define ALERT_NAME_BYTES_MAX 128u    /* of a label or an annotation */
#define ALERT_VALUE_BYTES_MAX 1024u  /* of a label */
#define ALERT_NOTE_BYTES_MAX 8192u   /* of an annotation, and of generatorURL */
#define ALERT_TEXTS_BYTES_MAX 32768u /* labels and annotations of one alert together */
#define ALERT_RESOLVE_TIMEOUT (5 * TIME_MINUTE) /* when a message does not say how long it counts */

struct alert_key {
	uint64_t a, b;
};

struct alert_signal {
	struct alert_key key;
	uint64_t notes;                   /* of annotations and generator: whether they changed */
	const struct alert_pair *labels;  /* by name, none twice, none empty */
	const struct alert_pair *annotations;
	size_t label_count, annotation_count;
	struct str generator;
	time_us starts, ends; /* both set: ends is when it is over unless it is told again */
};

/* Checks one alert and gives what Alertmanager would make of it: empty labels are left out, an absent
 * start is now or the end, an absent end is now + ALERT_RESOLVE_TIMEOUT. ERR_INVALID, in its words. */
enum err alert_signal_from(const struct alert_posted *posted, time_us now, struct arena *arena,
			   struct alert_signal *ret_signal, struct error *err);

/* The key of some pairs: for contracts whose identity is not the whole label set. */
struct alert_key alert_key_of(const struct alert_pair *pairs, size_t count);
uint64_t alert_fingerprint(const struct alert_pair *labels, size_t count);
struct str alert_cut(struct str text, size_t most); /* not inside a character */
bool alert_is_web(struct str url);                 /* http or https */
struct str alert_label(const struct alert_signal *signal, const char *name); /* empty: none */
struct str alert_annotation(const struct alert_signal *signal, const char *name);
