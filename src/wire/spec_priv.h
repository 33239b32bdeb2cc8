/*
 * spec_priv.h: what the files of spec share.
 */
#pragma once

#include "wire/spec.h"

/* Where a check stands: a list on the stack, made into text only for an error. */
struct spec_path {
	const struct spec_path *up;
	struct str key; /* a field or key; empty for an item */
	size_t index;   /* of an item */
};

/* One check, or one walk, over a tree. */
struct spec_run {
	struct arena *arena;
	struct spec_errors *errors;
};

/* "steps[1].delay": what stands below `base` when it is given. */
struct str spec_path_text(struct arena *arena, const char *base, const struct spec_path *at);

/* `"steps[1].delay" of Check "web" PREDICATE`, with the place of the node. */
void spec_wrong(struct spec_run *run, struct doc_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same without words before it. Ask spec_is_full first: it counts what is not kept. */
bool spec_is_full(struct spec_errors *errors);
void spec_report(struct spec_errors *errors, struct doc_place place, struct str path,
		 struct str text);

/* `Check "web"`, `"expect" of Check "web"`, `the request`. */
struct str spec_where(struct spec_run *run);

/* A value that is neither list, map nor object: refused, or one spelling of it. */
bool spec_scalar_check(struct spec_run *run, const struct spec_field *field,
		       const struct doc_node *node, struct doc_node *ret_node);

/* "a, b, c": what a SPEC_CHOICE can be. */
void spec_choices(const struct spec_field *field, struct buf *buf);

/* The bounds that hold for the row. */
void spec_bounds(const struct spec_field *field, int64_t *ret_min, int64_t *ret_max);
bool spec_is_bounded(const struct spec_field *field);
/* A bound as people write values of the type: "30s", "5". */
struct str spec_bound_text(struct arena *arena, const struct spec_field *field, int64_t bound);

/* The default as a node, not yet checked; false when the row has none. A default that cannot be
 * read is our mistake and is asserted. */
bool spec_default(struct arena *arena, const struct spec_field *field, struct doc_node *ret_node);

/* Does `only` hold among these siblings? *ret_found is what the other field says. */
bool spec_applies(const struct spec_field *rows, const struct spec_field *field,
		  const struct doc_node *object, struct str *ret_found);

/* The word of `words` that `text` is likely meant to be, or NULL. */
const char *spec_likely(struct str text, const char *const *words, size_t count);

/* Shapes (spec_shape.c). */
bool spec_is_graphic(struct str text); /* printable ASCII without blanks */
bool spec_is_host(struct str text);    /* a name, an IPv4 or an IPv6 address */
bool spec_is_authority(struct str text); /* host, host:port, [v6], [v6]:port */
bool spec_is_email(struct str text);
bool spec_is_zone(struct str text);
bool spec_is_date(struct str text);
bool spec_is_clock(struct str text, bool midnight_too); /* midnight_too: "24:00" */
bool spec_has_control(struct str text); /* other than newline, return and tab */
