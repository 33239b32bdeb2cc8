/* scrape_verbs.c: see scrape_verbs.h. What is found, and the exit status, follow promtool, whose place they take in scripts. */
#include "main/scrape_verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "main/verbs.h"
#include "sys/file.h"
#include "wire/exposition.h"

#define METRICS_BYTES_MAX ((size_t)256 << 20)
#define ARENA_BYTES ((size_t)1 << 30)
#define EXIT_LINT 3 /* right, but not as it should be: promtool's number */

static int usage(const struct verb *verb)
{
	fprintf(stderr, "usage: mainstay %s\n", verb->usage);
	return 2;
}

/* ---- metrics ---- */

/* A refusal begins with "line 3: ": said as the place in the file. */
static void tell_refusal(const char *name, const struct error *err)
{
	unsigned line;
	int length = 0;
	if (sscanf(err->text, "line %u: %n", &line, &length) == 1 && length > 0)
		fprintf(stderr, "%s:%u: %s\n", name, line, err->text + length);
	else
		fprintf(stderr, "%s: %s\n", name, err->text);
}

static int look_at_metrics(const char *name, struct str text, bool openmetrics)
{
	cleanup_arena struct arena arena;
	struct exposition_findings findings = { .count = 0 };
	struct error err;
	arena_init(&arena, ARENA_BYTES);
	enum err r = openmetrics ? exposition_read_strict(text, EXPOSITION_OPENMETRICS, NULL, NULL, &err) :
				   exposition_lint(text, &arena, &findings, &err);
	if (r != OK) {
		tell_refusal(name, &err);
		return 1;
	}
	for (size_t i = 0; i < findings.count; i++)
		fprintf(stderr, "%s:%u: " STR_FMT " " STR_FMT "\n", name, findings.rows[i].line,
			STR_ARG(findings.rows[i].name), STR_ARG(findings.rows[i].text));
	return findings.count > 0 ? EXIT_LINT : 0;
}

static int check_metrics_file(const char *name, bool openmetrics)
{
	char *bytes;
	size_t size;
	struct error err;
	bool input = strcmp(name, "-") == 0;
	if (file_read(input ? "/dev/stdin" : name, METRICS_BYTES_MAX, &bytes, &size, &err) != OK) {
		fprintf(stderr, "%s: %s\n", name, err.text);
		return 1;
	}
	int status = look_at_metrics(input ? "stdin" : name, (struct str){ bytes, size }, openmetrics);
	mem_free(bytes);
	return status;
}

/* A file that is wrong weighs more than one that could be better. */
static int worse(int one, int other)
{
	return one == 1 || other == 1 ? 1 : one > other ? one : other;
}

int run_check_metrics(const struct verb *verb, int argc, char **argv)
{
	bool openmetrics = false;
	int status = 0;
	if (argc < 1)
		return usage(verb);
	argc--, argv++;
	for (; argc > 0 && argv[0][0] == '-' && argv[0][1] != '\0'; argc--, argv++) {
		if (strcmp(argv[0], "--openmetrics") != 0)
			return usage(verb);
		openmetrics = true;
	}
	if (argc == 0)
		return check_metrics_file("-", openmetrics);
	for (int i = 0; i < argc; i++)
		status = worse(status, check_metrics_file(argv[i], openmetrics));
	return status;
}
