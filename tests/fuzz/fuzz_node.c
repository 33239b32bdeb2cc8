/*
 * fuzz_node.c: what servers on one database say to each other: the seal of a request, which anybody can write,
 * and the result of a look.
 *
 *     first line   the value of Mainstay-Node: without the key it is never believed
 *     the rest     a result: what is read can be written, and read again
 */
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "fuzz.h"
#include "main/node_look.h"
#include "main/node_seal.h"

static void check_seal(struct str value)
{
	static const unsigned char key[NODE_SEAL_KEY_BYTES] = "a key that no corpus file knows.";
	struct http_field field = { STR(NODE_SEAL_FIELD), value };
	struct http_request request = { .method = STR("GET"), .target = STR("/"), .headers = &field, .header_count = 1 };
	struct node_seal seal;
	PROMISE(node_seal_read(key, &request, TIME_DAY, &seal) == NODE_SEAL_BAD);
}

static void check_result(struct str text)
{
	struct arena arena;
	struct error err;
	struct check_result first, second;
	cleanup_buf struct buf once;
	arena_init(&arena, 64u << 20);
	buf_init(&once, 1u << 20);
	if (node_result_read(text, &arena, &first, &err) == OK) {
		PROMISE(!(first.good && first.blind));
		node_result_write(&first, &once);
		PROMISE(!once.full);
		PROMISE(node_result_read(buf_str(&once), &arena, &second, &err) == OK);
		PROMISE(first.good == second.good && first.latency == second.latency);
		PROMISE((first.detail == NULL) == (second.detail == NULL));
	}
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str seal, result = STR_NONE;
	char *copy = mem_alloc(size + 1);
	memcpy(copy, data, size);
	str_cut((struct str){ copy, size }, '\n', &seal, &result);
	check_seal(seal);
	check_result(result);
	mem_free(copy);
	return 0;
}
