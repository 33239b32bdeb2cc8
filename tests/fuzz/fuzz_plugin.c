/* fuzz_plugin.c: any bytes as what a plugin printed; what is kept is bounded and makes valid JSON. */
#include <math.h>

#include "base/arena.h"
#include "fuzz.h"
#include "monitor/plugin_output.h"
#include "wire/doc_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plugin_output output;
	struct str text = { (const char *)data, size };
	cleanup_buf struct buf out;
	struct json_writer json;
	struct arena arena;
	const struct doc_node *doc;
	buf_init(&out, 1u << 20);
	arena_init(&arena, 16u << 20);
	plugin_output_read(text, &output);
	PROMISE(output.count <= PLUGIN_FIGURES_MAX && output.text.used < PLUGIN_LONG_BYTES_MAX);
	PROMISE(!output.text.full);
	for (unsigned i = 0; i < output.count; i++)
		PROMISE(isfinite(output.figures[i].value));
	json_init(&json, &out);
	plugin_figures_write(&output, &json);
	json_finish(&json);
	PROMISE(doc_json_parse(buf_str(&out), &arena, DOC_LIMITS_DEFAULT, NULL, &doc, NULL) == OK);
	plugin_output_finish(&output);
	arena_finish(&arena);
	return 0;
}
