/* exposition_priv.h: what the files of the exposition formats share. */
#pragma once

#include "base/arena.h"
#include "wire/exposition.h"

/* ---- one line ---- */

struct exposition {
	struct exposition_options options;
	exposition_take_fn *take;
	void *context;
	uint32_t line;
	bool ended;          /* "# EOF" was read */
	struct buf pending;  /* the beginning of a line whose end has not come */
	char *scratch;       /* texts that had escapes; as long as the longest line that had some */
	size_t scratch_used, scratch_size;
	struct exposition_label labels[EXPOSITION_LABELS_MAX], exemplar_labels[EXPOSITION_LABELS_MAX];
};

/* A line, and how far it was read. */
struct cursor {
	struct exposition *of;
	const char *at, *end;
};

enum err exposition_refuse(const struct exposition *exposition, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "name{labels} value ..." whole. */
enum err exposition_sample_read(struct cursor *cursor, struct exposition_item *item, struct error *err);
/* A name as it stands in metadata, quoted or not; empty: there is none. */
enum err exposition_name_take(struct cursor *cursor, struct str *ret_name, struct error *err);
/* The text without its escapes. `quotes`: \" is one of them. */
enum err exposition_unescape(struct exposition *exposition, struct str text, bool quotes, struct str *ret_text,
			     struct error *err);

static inline bool exposition_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool exposition_is_metric_name(struct str name);
bool exposition_is_label_name(struct str name);

/* ---- a set of texts, each with a number (exposition_names.c) ---- */

struct exposition_names {
	struct arena *arena; /* holds the texts */
	struct exposition_name_row {
		struct str text;
		uint64_t hash;
		void *value;
	} *rows; /* heap */
	size_t count, size;
};

void exposition_names_init(struct exposition_names *names, struct arena *arena);
void exposition_names_finish(struct exposition_names *names);
void exposition_names_clear(struct exposition_names *names);
/* The place of its value, NULL in it when the text is new; NULL: the arena has no room. */
void **exposition_names_put(struct exposition_names *names, struct str text);
void *exposition_names_get(const struct exposition_names *names, struct str text); /* NULL: not there */

/* ---- what must hold between lines ---- */

/* The text format, and what its linter asks about (exposition_text.c). */
struct exposition_text_family {
	struct str name;
	enum exposition_type type;
	bool has_type, has_help, le, quantile, camel; /* the last three: labels that were seen */
	uint32_t line;
	size_t samples;
	struct exposition_text_family *next; /* in the order of the text */
};

struct exposition_text {
	struct arena arena;
	struct exposition_names names;
	struct exposition_text_family *first, **last;
};

void exposition_text_init(struct exposition_text *text);
void exposition_text_finish(struct exposition_text *text);
enum err exposition_text_take(struct exposition_text *text, const struct exposition_item *item, struct error *err);

/* OpenMetrics (exposition_openmetrics.c). */
struct exposition_openmetrics;
struct exposition_openmetrics *exposition_openmetrics_create(void);
void exposition_openmetrics_destroy(struct exposition_openmetrics **check);
enum err exposition_openmetrics_take(struct exposition_openmetrics *check, const struct exposition_item *item,
				     struct error *err);
