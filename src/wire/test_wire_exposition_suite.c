/*
 * test_wire_exposition_suite.c: every case of the public suites in tests/conformance/openmetrics and
 * tests/conformance/text, counted. What is left out is named in `left_out`, and the test keeps that list true.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "wire/doc_json.h"
#include "wire/exposition.h"

#define PATH_BYTES 512
#define FILE_BYTES_MAX ((size_t)1 << 20)

static void data_path(const char *name, char ret_path[PATH_BYTES])
{
	const char *end = strstr(__FILE__, "src/wire/");
	snprintf(ret_path, PATH_BYTES, "%.*stests/conformance/%s", (int)(end - __FILE__), __FILE__, name);
}

static struct str data_read(const char *folder, const char *name, const char *file, struct arena *arena)
{
	char path[PATH_BYTES], whole[2 * PATH_BYTES];
	data_path(folder, path);
	snprintf(whole, sizeof whole, "%s/%s%s%s", path, name, file[0] != '\0' ? "/" : "", file);
	FILE *in = fopen(whole, "rb");
	if (in == NULL)
		fail_msg("cannot open %s", whole);
	char *text = arena_alloc(arena, FILE_BYTES_MAX);
	size_t length = fread(text, 1, FILE_BYTES_MAX, in);
	fclose(in);
	return (struct str){ text, length };
}

/* ---- printing, and reading what was printed ---- */

struct printer {
	struct buf buf;
	enum exposition_format format;
	size_t samples;
};

static enum err print(void *context, const struct exposition_item *item, struct error *err)
{
	struct printer *printer = context;
	(void)err;
	exposition_print(item, printer->format, &printer->buf);
	printer->samples += item->kind == EXPOSITION_SAMPLE;
	return OK;
}

/* What is printed says the same: it reads, and prints to the same bytes. */
static size_t check_round_trip(const char *name, struct str text, enum exposition_format format, bool strict)
{
	struct exposition_options options = { .format = format };
	struct printer once = { .format = format }, twice = { .format = format };
	struct error err;
	buf_init(&once.buf, FILE_BYTES_MAX);
	buf_init(&twice.buf, FILE_BYTES_MAX);
	if (exposition_read(text, &options, print, &once, &err) != OK)
		fail_msg("%s: wanted accepted, found: %s", name, err.text);
	enum err r = strict ? exposition_read_strict(buf_str(&once.buf), format, print, &twice, &err) :
			      exposition_read(buf_str(&once.buf), &options, print, &twice, &err);
	if (r != OK)
		fail_msg("%s: what was printed is refused: %s\n" STR_FMT, name, err.text, STR_ARG(buf_str(&once.buf)));
	if (!str_eq(buf_str(&once.buf), buf_str(&twice.buf)) || once.samples != twice.samples)
		fail_msg("%s: printed twice, it differs", name);
	buf_finish(&once.buf);
	buf_finish(&twice.buf);
	return once.samples;
}

/* Each of a folder is accepted or refused as `wanted` says; what is accepted is printed, what is refused has its line. */
static void check_verdicts(const char *folder, const char *file, enum exposition_format format,
			   bool (*wanted)(const char *name, struct arena *arena), size_t *ret_accepted, size_t *ret_refused)
{
	char path[PATH_BYTES];
	struct dirent **entries;
	*ret_accepted = *ret_refused = 0;
	data_path(folder, path);
	int count = scandir(path, &entries, NULL, alphasort);
	CHECK(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		cleanup_arena struct arena arena;
		struct error err;
		arena_init(&arena, 0);
		if (name[0] != '.') {
			struct str text = data_read(folder, name, file, &arena);
			enum err r = exposition_read_strict(text, format, NULL, NULL, &err);
			bool good = wanted(name, &arena);
			if (good != (r == OK))
				fail_msg("%s: wanted %s, found %s", name, good ? "accepted" : "refused",
					 r == OK ? "accepted" : err.text);
			if (r != OK && (r != ERR_INVALID || strncmp(err.text, "line ", 5) != 0))
				fail_msg("%s: refused without its line: %s", name, err.text);
			if (good)
				check_round_trip(name, text, format, format == EXPOSITION_OPENMETRICS);
			*(good ? ret_accepted : ret_refused) += 1;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%s: %zu accepted and printed, %zu refused\n", folder, *ret_accepted, *ret_refused);
}

/* ---- OpenMetrics ---- */

static bool should_parse(const char *name, struct arena *arena)
{
	const struct doc_node *root;
	struct error err;
	CHECK_OK(doc_json_parse(data_read("openmetrics", name, "test.json", arena), arena, DOC_LIMITS_DEFAULT, name, &root,
				&err));
	CHECK_STR(doc_text(doc_get(root, "type"), ""), "text");
	CHECK_STR(doc_text(doc_get(root, "file"), ""), "metrics");
	return doc_bool(doc_get(root, "shouldParse"), false);
}

TEST(every_case_of_the_openmetrics_suite_is_accepted_or_refused_as_it_says)
{
	size_t accepted, refused;
	check_verdicts("openmetrics", "metrics", EXPOSITION_OPENMETRICS, should_parse, &accepted, &refused);
	CHECK(accepted >= 29 && refused >= 103);
}

/* ---- text ---- */

static const struct text_case {
	const char *name;
	enum exposition_format format;
	bool strict; /* right by every rule, too */
	size_t samples;
} text_cases[] = {
	{ "text", EXPOSITION_TEXT, true, 248 },
	{ "alltypes.237mfs.prom.txt", EXPOSITION_TEXT, true, 1857 },
	{ "alltypes.237mfs.nometa.prom.txt", EXPOSITION_TEXT, true, 1857 },
	{ "1histogram.om.txt", EXPOSITION_OPENMETRICS, true, 42 },
	{ "alltypes.5mfs.om.txt", EXPOSITION_OPENMETRICS, false, 53 }, /* a histogram with a negative sum */
};

/* Not read, and why. */
static const struct left_out {
	const char *name, *why;
} left_out[] = {
	{ "json2", "a format of JSON that Prometheus has dropped" },
	{ "json2_bad", "the same, broken" },
	{ "protobuf", "protobuf: only native histograms need it" },
	{ "protobuf.gz", "the same, compressed" },
	{ "protobuf-multimessage", "protobuf" },
	{ "text.gz", "the file \"text\", compressed: undone before a parser sees it" },
};

TEST(every_text_of_the_suite_is_read_and_printed_or_named_as_left_out)
{
	char path[PATH_BYTES];
	struct dirent **entries;
	size_t read = 0, out = 0;
	data_path("text", path);
	int count = scandir(path, &entries, NULL, alphasort);
	CHECK(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		bool found = name[0] == '.' || strcmp(name, "fuzz") == 0;
		for (size_t c = 0; c < sizeof text_cases / sizeof text_cases[0]; c++)
			if (strcmp(text_cases[c].name, name) == 0) {
				cleanup_arena struct arena arena;
				arena_init(&arena, 0);
				struct str text = data_read("text", name, "", &arena);
				struct error err;
				size_t samples = check_round_trip(name, text, text_cases[c].format, text_cases[c].strict);
				printf("%s: %zu samples\n", name, samples);
				CHECK_INT(samples, text_cases[c].samples);
				CHECK_INT(exposition_read_strict(text, text_cases[c].format, NULL, NULL, &err) == OK,
					  text_cases[c].strict);
				found = true;
				read++;
			}
		for (size_t o = 0; o < sizeof left_out / sizeof left_out[0]; o++)
			if (strcmp(left_out[o].name, name) == 0) {
				printf("%s is left out: %s\n", name, left_out[o].why);
				found = true;
				out++;
			}
		if (!found)
			fail_msg("the file %s is neither read nor named", name);
		free(entries[i]);
	}
	free(entries);
	CHECK_INT(read, sizeof text_cases / sizeof text_cases[0]);
	CHECK_INT(out, sizeof left_out / sizeof left_out[0]);
}

static bool is_named_good(const char *name, struct arena *arena)
{
	(void)arena;
	return strstr(name, "error") == NULL;
}

TEST(every_seed_of_the_text_suite_is_accepted_or_refused_as_its_name_says)
{
	size_t accepted, refused;
	check_verdicts("text/fuzz", "", EXPOSITION_TEXT, is_named_good, &accepted, &refused);
	CHECK(accepted >= 6 && refused >= 20);
}

TESTS(RUN(every_case_of_the_openmetrics_suite_is_accepted_or_refused_as_it_says),
      RUN(every_text_of_the_suite_is_read_and_printed_or_named_as_left_out),
      RUN(every_seed_of_the_text_suite_is_accepted_or_refused_as_its_name_says))
