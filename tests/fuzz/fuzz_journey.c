/*
 * fuzz_journey.c: any bytes as header lines that set cookies, as a path into a document, and as a text with holes: a
 * jar keeps its bounds and gives nothing that could begin another header field.
 */
#include <string.h>

#include "fuzz.h"
#include "monitor/journey_spec.h"
#include "wire/cookie_jar.h"
#include "wire/doc_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cookie_jar jar;
	struct str text = { (const char *)data, size };
	struct journey_value value = { .name = "a", .value = (char[]){ "x\"& y" } };
	char whole[4097] = "";
	cleanup_buf struct buf out, filled;
	buf_init(&out, 1u << 20);
	buf_init(&filled, 1u << 20);
	cookie_jar_init(&jar);
	cookie_jar_take(&jar, STR("shop.example.org"), STR("/a/b"), true, text, 1700000000 * TIME_SECOND);
	cookie_jar_take(&jar, STR("127.0.0.1"), STR("/"), false, text, 1700000000 * TIME_SECOND);
	PROMISE(jar.count <= COOKIES_MAX);
	cookie_jar_print(&jar, STR("shop.example.org"), STR("/a/b/c"), true, &out);
	cookie_jar_print(&jar, STR("127.0.0.1"), STR("/"), false, &out);
	for (size_t i = 0; i < out.used; i++)
		PROMISE((unsigned char)out.bytes[i] >= ' ' && out.bytes[i] != 0x7F);
	cookie_jar_finish(&jar);
	PROMISE(doc_path_check(text) || doc_path_find(NULL, text) == NULL);
	memcpy(whole, data, size < sizeof whole ? size : sizeof whole - 1);
	journey_fill(whole, &value, 1, &filled);
	return 0;
}
