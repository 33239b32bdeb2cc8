/* rule_verbs.c: see rule_verbs.h. What is printed, and the exit status, follow promtool, whose place they take in scripts. */
#include "main/rule_verbs.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "main/verbs.h"
#include "promql/rule_test.h"
#include "sys/file.h"

#define FILES_MAX 1000u
#define ARENA_BYTES ((size_t)1 << 30)
#define REPORT_BYTES (4u << 20)

struct options {
	bool ignore_unknown;
	const char *run; /* only tests whose name matches */
	char **files;
	int count;
};

static int usage(const struct verb *verb)
{
	fprintf(stderr, "usage: mainstay %s\n", verb->usage);
	return 2;
}

static bool read_options(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){ .run = NULL };
	while (argc > 0 && argv[0][0] == '-') {
		if (strcmp(argv[0], "--ignore-unknown-fields") == 0) {
			ret->ignore_unknown = true;
		} else if (strcmp(argv[0], "--run") == 0 && argc > 1) {
			ret->run = argv[1];
			argc--, argv++;
		} else {
			return false;
		}
		argc--, argv++;
	}
	ret->files = argv;
	ret->count = argc;
	return argc > 0;
}

/* ---- one rule file ---- */

static enum err load_rules(const char *path, bool ignore_unknown, struct arena *arena, struct rule_file *ret_file,
			   struct troubles *troubles)
{
	char *bytes;
	size_t size;
	struct error err;
	*ret_file = (struct rule_file){ .count = 0 };
	*troubles = (struct troubles){ .arena = arena, .source = path };
	enum err r = file_read(path, RULE_FILE_BYTES_MAX, &bytes, &size, &err);
	if (r != OK) {
		troubles_add_text(troubles, str_of(err.text));
		return r;
	}
	struct str text = arena_str(arena, (struct str){ bytes, size }); /* expressions keep looking at it */
	mem_free(bytes);
	return rule_file_read(text, ignore_unknown, arena, ret_file, troubles);
}

static void tell_troubles(const struct troubles *troubles)
{
	for (size_t i = 0; i < troubles->count && i < TROUBLES_MAX; i++)
		fprintf(stderr, "    " STR_FMT "\n", STR_ARG(troubles->rows[i]));
	if (troubles->count > TROUBLES_MAX)
		fprintf(stderr, "    and %zu more\n", troubles->count - TROUBLES_MAX);
}

/* A second rule with the name and labels of another overwrites what that one gives: said, but no failure. */
static int by_name(const void *a, const void *b)
{
	return str_cmp((*(const struct rule *const *)a)->name, (*(const struct rule *const *)b)->name);
}

static void tell_duplicates(const struct rule_file *file)
{
	const struct rule **rules = mem_alloc((file->rule_count + 1) * sizeof *rules);
	size_t used = 0, again = 0;
	for (size_t g = 0; g < file->count; g++)
		for (size_t i = 0; i < file->groups[g].count; i++)
			rules[used++] = &file->groups[g].rules[i];
	qsort(rules, used, sizeof *rules, by_name);
	for (size_t i = 1; i < used; i++)
		for (size_t j = i; j-- > 0 && str_eq(rules[j]->name, rules[i]->name);)
			if (rule_is_again(rules[j], rules[i])) {
				printf("  line %u: \"" STR_FMT "\" again, with the same labels as in line %u\n",
				       rules[i]->line, STR_ARG(rules[i]->name), rules[j]->line);
				again++;
				break;
			}
	if (again > 0)
		printf("  %zu duplicate rule(s) found: one overwrites what the other gives\n", again);
	mem_free(rules);
}

static bool check_file(const char *path, const struct options *options)
{
	cleanup_arena struct arena arena;
	struct rule_file file;
	struct troubles troubles;
	arena_init(&arena, ARENA_BYTES);
	printf("Checking %s\n", path);
	bool good = load_rules(path, options->ignore_unknown, &arena, &file, &troubles) == OK;
	if (good) {
		tell_duplicates(&file);
		printf("  SUCCESS: %zu rules found\n", file.rule_count);
	} else {
		fflush(stdout);
		fprintf(stderr, "  FAILED:\n");
		tell_troubles(&troubles);
	}
	rule_file_finish(&file);
	return good;
}

bool check_rule_file(const char *path)
{
	struct options options = { .count = 1 };
	return check_file(path, &options);
}

int run_check_rules(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	bool good = true;
	if (argc < 1 || !read_options(argc - 1, argv + 1, &options) || options.run != NULL)
		return usage(verb);
	for (int i = 0; i < options.count; i++)
		good &= check_file(options.files[i], &options);
	return good ? 0 : 1;
}

/* ---- one test file ---- */

struct rules {
	struct rule_file *files;
	size_t count;
};

/* Relative patterns are relative to the test file. */
static enum err load_pattern(const char *test_path, struct str pattern, const struct options *options,
			     struct arena *arena, struct rules *rules, struct error *err)
{
	const char *slash = strrchr(test_path, '/');
	bool absolute = pattern.len > 0 && pattern.ptr[0] == '/';
	struct str whole = arena_printf(arena, "%.*s" STR_FMT,
					absolute || slash == NULL ? 0 : (int)(slash + 1 - test_path), test_path,
					STR_ARG(pattern));
	glob_t found;
	enum err r = OK;
	if (glob(whole.ptr, 0, NULL, &found) != 0)
		return error_set(err, ERR_NOT_FOUND, "there is no rule file \"%s\"", whole.ptr);
	for (size_t i = 0; i < found.gl_pathc && r == OK; i++) {
		struct troubles troubles;
		if (rules->count == FILES_MAX) {
			r = error_set(err, ERR_TOO_LARGE, "more than %u rule files", FILES_MAX);
			break;
		}
		r = load_rules(arena_printf(arena, "%s", found.gl_pathv[i]).ptr, options->ignore_unknown, arena,
			       &rules->files[rules->count++], &troubles);
		if (r != OK)
			error_set(err, r, STR_FMT, STR_ARG(troubles.rows[0]));
	}
	globfree(&found);
	return r;
}

static enum err prepare(const char *path, const struct options *options, struct arena *arena, struct rule_test *test,
			struct rules *rules, struct error *err)
{
	char *bytes;
	size_t size;
	struct str pattern;
	enum err r = file_read(path, RULE_FILE_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	struct str text = arena_str(arena, (struct str){ bytes, size });
	mem_free(bytes);
	r = rule_test_read(text, path, arena, test, err);
	for (size_t i = 0; r == OK && rule_test_file(test, i, &pattern); i++)
		r = load_pattern(path, pattern, options, arena, rules, err);
	return r;
}

static bool test_file(const char *path, const struct options *options, const struct promql_pattern *wanted)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf report;
	struct rule_test test;
	struct rules rules = { .count = 0 };
	struct error err;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&report, REPORT_BYTES);
	rules.files = arena_array(&arena, struct rule_file, FILES_MAX);
	printf("Unit Testing:  %s\n", path);
	size_t failures = 1;
	if (prepare(path, options, &arena, &test, &rules, &err) == OK)
		failures = rule_test_run(&test, rules.files, rules.count, wanted, &report);
	else
		buf_printf(&report, "    %s\n", err.text);
	fflush(stdout);
	if (failures > 0)
		fprintf(stderr, "  FAILED:\n%s", report.bytes);
	else
		printf("  SUCCESS\n");
	for (size_t i = 0; i < rules.count; i++)
		rule_file_finish(&rules.files[i]);
	return failures == 0;
}

int run_test_rules(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	struct promql_pattern *wanted = NULL;
	struct error err;
	bool good = true;
	if (argc < 1 || !read_options(argc - 1, argv + 1, &options))
		return usage(verb);
	/* As promtool's --run: found anywhere in the name. */
	if (options.run != NULL) {
		char around[1024];
		snprintf(around, sizeof around, ".*(?:%s).*", options.run);
		if (promql_pattern_create(str_of(around), &wanted, &err) != OK)
			return verb_complain(&err);
	}
	for (int i = 0; i < options.count; i++)
		good &= test_file(options.files[i], &options, wanted);
	promql_pattern_destroy(&wanted);
	return good ? 0 : 1;
}
