/*
 * rule_file.h: a rule file of Prometheus, read and checked: groups of recording and alerting rules.
 *
 * Everything that is wrong is collected, each with its place, so that a file is put right in one go. Templates in labels
 * and annotations of alerts are parsed with the rest: what does not parse is wrong.
 *
 * Owns: the arena owns texts; rule_file_finish frees what the expressions hold.
 */
#pragma once

#include "promql/promql.h"
#include "promql/template.h"
#include "wire/troubles.h"

#define RULE_FILE_BYTES_MAX (16u << 20)

struct rule_pair {
	struct str name, value;
	const struct template *template; /* of an alert, where the value is one; else NULL */
};

struct rule {
	bool alert;
	struct str name, text; /* text: the expression as written */
	struct promql_expr *expr;
	int64_t for_ms, keep_firing_ms;
	const struct rule_pair *labels, *annotations; /* those of the group are among the labels */
	size_t label_count, annotation_count;
	uint32_t line;
};

struct rule_group {
	struct str name;
	int64_t interval_ms, query_offset_ms; /* 0: what the caller has */
	int64_t limit;                        /* 0: none */
	struct rule *rules;
	size_t count;
};

struct rule_file {
	struct rule_group *groups;
	size_t count, rule_count;
};

/* OK when nothing is wrong; ERR_INVALID: see the troubles. Fields nobody knows are wrong unless they are to be ignored. */
enum err rule_file_read(struct str text, bool ignore_unknown, struct arena *arena, struct rule_file *ret_file,
			struct troubles *troubles);
void rule_file_finish(struct rule_file *file);

/* Whether b says again what a says: the same name and the same labels. */
bool rule_is_again(const struct rule *a, const struct rule *b);
