/*
 * rule_test.h: unit tests of rules in the format of promtool: series in, times, what the rules and queries must give.
 */
#pragma once

#include "base/buf.h"
#include "promql/rule_file.h"
#include "wire/doc.h"

#define RULE_TEST_STEPS_MAX 1000000u /* evaluations of one test */
#define RULE_TEST_BYTES_MAX ((size_t)512 << 20) /* memory of one test */

struct rule_test {
	const struct doc_node *root;
	int64_t interval_ms; /* evaluation_interval */
	bool fuzzy;          /* numbers may differ in their last digit */
};

/* ERR_INVALID: the file is no test of rules. */
enum err rule_test_read(struct str text, const char *source, struct arena *arena, struct rule_test *ret_test,
			struct error *err);
/* The patterns of the rule files; `index` past the last: false. */
bool rule_test_file(const struct rule_test *test, size_t index, struct str *ret_pattern);
/* Runs every test whose name `wanted` matches (NULL: all). Failures are written out, one paragraph each. Returns how many there are. */
size_t rule_test_run(const struct rule_test *test, const struct rule_file *files, size_t file_count,
		     const struct promql_pattern *wanted, struct buf *out);
