/* fuzz_json.c: what is read as JSON prints and reads back; simdjson and our scanner agree. */
#include <string.h>

#include "fuzz.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"
#include "wire/doc_yaml.h"
#include "wire/json_scan.h"

#define PRINTED_BYTES_MAX (64u << 20)

static void read_back(const struct doc_node *root, struct arena *arena)
{
	cleanup_buf struct buf json, yaml;
	const struct doc_node *again = NULL;
	struct doc_limits limits = { .depth_max = 64, .nodes_max = DOC_NODES_DEFAULT,
				     .bytes_max = PRINTED_BYTES_MAX };
	buf_init(&json, PRINTED_BYTES_MAX);
	buf_init(&yaml, PRINTED_BYTES_MAX);
	doc_print_json(root, &json);
	PROMISE(doc_json_parse(buf_str(&json), arena, limits, NULL, &again, NULL) == OK);
	PROMISE(doc_equal(root, again));
	doc_print_yaml(root, &yaml);
	PROMISE(doc_yaml_parse(buf_str(&yaml), arena, limits, NULL, &again, NULL) == OK);
	PROMISE(doc_equal(root, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	cleanup_arena struct arena arena;
	struct error err = { 0 };
	struct json_flaw flaw;
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	enum err result = doc_json_parse(text, &arena, DOC_LIMITS_DEFAULT, NULL, &root, &err);
	bool sound = json_scan(text, &flaw);
	if (result == OK) {
		PROMISE(sound);
		read_back(root, &arena);
	} else if (result == ERR_INVALID) {
		PROMISE(!sound || strstr(err.text, "stands twice") != NULL);
	} else {
		PROMISE(result == ERR_TOO_LARGE);
	}
	return 0;
}
