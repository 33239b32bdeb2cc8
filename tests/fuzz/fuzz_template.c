/*
 * fuzz_template.c: any bytes as a template of an alert. What is refused says why; what is parsed expands, or fails with a text, within
 * its limits, and to the same again.
 */
#include <assert.h>
#include <string.h>

#include "promql/memory_source.h"
#include "promql/template.h"

#include "fuzz.h"

#define MEMORY_BYTES (64u << 20)
#define LOOKS_MAX 40u /* at the clock: some 40000 steps */

static bool soon(void *context)
{
	unsigned *left = context;
	return *left == 0 || (*left)-- == 0;
}

static const struct promql_label labels[] = {
	{ { "__name__", 8 }, { "m", 1 } }, { { "foo", 3 }, { "b\xc3\xa9r", 4 } }, { { "x", 1 }, { "<&\"'", 4 } },
};

static enum err expand(const struct template *template, const struct promql_source *source, struct arena *arena,
		       struct str *ret_text, struct error *err)
{
	unsigned left = LOOKS_MAX;
	struct promql_options options = PROMQL_OPTIONS_DEFAULT;
	options.samples_max = 20000;
	options.expired = soon;
	options.expired_context = &left;
	struct template_scope scope = {
		.labels = { labels, 3 }, .external_labels = { labels + 1, 1 }, .external_url = STR("http://a.example/b"),
		.value = 1.5, .time_ms = 60000, .source = source, .options = &options,
	};
	enum err r = template_expand(template, &scope, arena, ret_text, err);
	left = LOOKS_MAX;
	struct str shown = template_show(template, &scope, arena);
	PROMISE(r == OK ? str_eq(shown, *ret_text) : str_starts(shown, STR("<error expanding template: ")));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct template *template;
	struct error err = { .code = OK };
	struct str text = { (const char *)data, size }, first = STR_NONE;
	struct memory_source *memory = memory_source_create();
	struct promql_source source = memory_source_promql(memory);
	arena_init(&arena, MEMORY_BYTES);
	memory_source_put(memory, (struct promql_labels){ labels, 3 }, 60000, 1.5, NULL);
	memory_source_put(memory, (struct promql_labels){ labels, 2 }, 60000, 2.5, NULL);
	enum err r = template_parse(STR("A"), text, &arena, &template, &err);
	if (r != OK)
		PROMISE(err.code == r && (r == ERR_TOO_LARGE || strncmp(err.text, "template: __alert_A:", 20) == 0));
	else if (expand(template, &source, &arena, &first, &err) == OK)
		PROMISE(first.len <= TEMPLATE_OUT_BYTES_MAX);
	else
		PROMISE(err.code != OK && strncmp(err.text, "error executing template __alert_A: ", 36) == 0);
	memory_source_destroy(&memory);
	arena_finish(&arena);
	return 0;
}
