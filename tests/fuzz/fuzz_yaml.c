/* fuzz_yaml.c: what is read as YAML prints, as YAML and as JSON, and reads back as the same. */
#include "fuzz.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"
#include "wire/doc_yaml.h"

#define PRINTED_BYTES_MAX (64u << 20)
#define NODES_MAX 20000

static const struct doc_limits limits = { .depth_max = 64, .nodes_max = NODES_MAX,
					  .bytes_max = PRINTED_BYTES_MAX };

static void read_back(const struct doc_node *root)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf json, yaml;
	const struct doc_node *again = NULL;
	arena_init(&arena, 0);
	buf_init(&json, PRINTED_BYTES_MAX);
	buf_init(&yaml, PRINTED_BYTES_MAX);
	doc_print_yaml(root, &yaml);
	doc_print_json(root, &json);
	if (yaml.used > (4u << 20)) /* texts repeated by aliases: true, and slow to read */
		return;
	PROMISE(doc_yaml_parse(buf_str(&yaml), &arena, limits, NULL, &again, NULL) == OK);
	PROMISE(doc_equal(root, again));
	PROMISE(doc_json_parse(buf_str(&json), &arena, limits, NULL, &again, NULL) == OK);
	PROMISE(doc_equal(root, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena;
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	struct doc_yaml *yaml = doc_yaml_create((struct str){ (const char *)data, size }, &arena,
						limits, "f");
	while (doc_yaml_next(yaml, &root, NULL) == OK && root != NULL)
		read_back(root);
	doc_yaml_destroy(&yaml);
	return 0;
}
