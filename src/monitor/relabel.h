/*
 * relabel.h: Prometheus' rules that rewrite labels: which targets are scraped, how they are called, which series are kept.
 * Pure.
 *
 *     values of source_labels, joined by separator --regex, over the whole value--> action
 *
 *     replace      sets target_label to replacement, both with $1 of the match; empty: takes it away
 *     keep, drop   the whole set goes on only if it matches, or only if not
 *     keepequal, dropequal   the same by comparing with target_label
 *     hashmod      sets target_label to the MD5 of the value, modulo modulus
 *     lowercase, uppercase   sets target_label to the value in those letters
 *     labelmap     names that match give their value to the name that replacement makes
 *     labeldrop, labelkeep   takes away the labels whose names match, or do not
 *
 * Owns: a rule owns its pattern; a set borrows texts and puts what it makes into its arena.
 */
#pragma once

#include "base/arena.h"
#include "promql/label.h"
#include "promql/pattern.h"

enum relabel_action {
	RELABEL_REPLACE,
	RELABEL_KEEP,
	RELABEL_DROP,
	RELABEL_HASHMOD,
	RELABEL_LABELMAP,
	RELABEL_LABELDROP,
	RELABEL_LABELKEEP,
	RELABEL_LOWERCASE,
	RELABEL_UPPERCASE,
	RELABEL_KEEPEQUAL,
	RELABEL_DROPEQUAL,
	RELABEL_ACTION_COUNT
};

extern const char *const relabel_action_names[RELABEL_ACTION_COUNT + 1]; /* ends in NULL */

struct relabel_rule {
	enum relabel_action action;
	const struct str *sources;
	size_t source_count;
	struct str separator, target, replacement;
	uint64_t modulus;
	struct promql_pattern *pattern;
};

/* A set of labels that changes: sorted by name, none twice, no value empty. */
struct relabel_set {
	struct arena *arena;
	struct promql_label *pairs;
	size_t count, room;
	bool full; /* the arena had no room for what a rule makes: the set means nothing any more */
};

void relabel_set_init(struct relabel_set *set, struct arena *arena);
struct str relabel_set_get(const struct relabel_set *set, struct str name); /* empty: not there */
void relabel_set_put(struct relabel_set *set, struct str name, struct str value); /* empty value: takes it away */
struct promql_labels relabel_set_labels(const struct relabel_set *set); /* borrowed until it changes */

/* False: the set is dropped (or full), and what is left of it means nothing. */
bool relabel_apply(const struct relabel_rule *rules, size_t count, struct relabel_set *set);
