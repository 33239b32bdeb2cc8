/* test_promql_suite.c: the suites of Prometheus, counted file by file. */
#include "promql/test_promql_data.h"
#include "promql/test_promql_script.h"

struct counted {
	const char *file;
	size_t total, passed, excluded;
};

/* What each file comes to. A case that stops passing, and one that starts, changes a number here. */
static const struct counted files[] = {
	{ "aggregators", 160, 154, 6 },
	{ "collision", 2, 2, 0 },
	{ "duration_expression", 59, 59, 0 },
	{ "extended_vectors", 169, 30, 139 },
	{ "fill-modifier", 46, 1, 45 },
	{ "functions", 431, 373, 58 },
	{ "histograms", 185, 94, 91 },
	{ "info", 53, 0, 53 },
	{ "limit", 37, 31, 6 },
	{ "literals", 25, 25, 0 },
	{ "name_label_dropping", 30, 30, 0 },
	{ "native_histograms", 522, 21, 501 },
	{ "operators", 214, 206, 8 },
	{ "staleness", 17, 17, 0 },
	{ "start_timestamps", 26, 2, 24 },
	{ "trig_functions", 19, 19, 0 },
	{ "type_and_unit", 58, 58, 0 },
};
#define FILES (sizeof files / sizeof files[0])

struct run {
	const char *file;
	struct counted counted;
	struct buf excluded; /* one line a case */
};

static void tell(void *context, const struct eval_command *command, enum verdict verdict, const char *why)
{
	struct run *run = context;
	run->counted.total++;
	run->counted.passed += verdict == VERDICT_PASSED;
	run->counted.excluded += verdict == VERDICT_EXCLUDED;
	if (verdict == VERDICT_EXCLUDED)
		buf_printf(&run->excluded, "%s:%zu: %s: " STR_FMT "\n", run->file, command->line, why,
			   STR_ARG(command->expr));
	if (verdict == VERDICT_FAILED)
		print_message("%s:%zu: " STR_FMT "\n    %s\n", run->file, command->line, STR_ARG(command->expr), why);
}

static void run_file(struct run *run, const char *file)
{
	char name[80];
	cleanup_arena struct arena arena;
	struct script script = { .tell = tell, .context = run, .delayed = true };
	snprintf(name, sizeof name, "promqltest/%s.test", file);
	arena_init(&arena, 0);
	run->file = file;
	run->counted = (struct counted){ .file = file };
	script_run(&script, data_read(name, &arena));
}

/* The list is kept true: MAINSTAY_WRITE=1 writes it anew. */
static bool excluded_as_written(const struct buf *found)
{
	char path[DATA_PATH_BYTES];
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	data_path("promql-excluded.txt", path);
	if (getenv("MAINSTAY_WRITE") != NULL) {
		FILE *out = fopen(path, "w");
		fwrite(found->bytes, 1, found->used, out);
		fclose(out);
		return true;
	}
	bool same = str_eq(buf_str(found), data_read("promql-excluded.txt", &arena));
	if (!same)
		print_message("tests/conformance/promql-excluded.txt does not say what is left out: MAINSTAY_WRITE=1 %s\n",
			      "writes it anew; look at what changed");
	return same;
}

TEST(every_case_of_the_suites_passes_or_is_left_out_by_name)
{
	struct run run = { .file = NULL };
	struct counted all = { .file = "all" };
	bool good = true;
	buf_init(&run.excluded, 4 << 20);
	const char *only = getenv("MAINSTAY_PROMQL_FILE");
	for (size_t i = 0; i < FILES; i++) {
		if (only != NULL && strcmp(only, files[i].file) != 0)
			continue;
		run_file(&run, files[i].file);
		size_t bad = run.counted.total - run.counted.passed - run.counted.excluded;
		print_message("%-20s %4zu evals: %4zu passed, %4zu left out, %zu failed\n", files[i].file,
			      run.counted.total, run.counted.passed, run.counted.excluded, bad);
		all.total += run.counted.total;
		all.passed += run.counted.passed;
		all.excluded += run.counted.excluded;
		good &= bad == 0 && run.counted.total == files[i].total && run.counted.passed == files[i].passed;
	}
	print_message("%-20s %4zu evals: %4zu passed, %4zu left out\n", "all", all.total, all.passed, all.excluded);
	if (only == NULL)
		good &= excluded_as_written(&run.excluded);
	buf_finish(&run.excluded);
	CHECK(good || only != NULL);
}

TESTS(RUN(every_case_of_the_suites_passes_or_is_left_out_by_name))
