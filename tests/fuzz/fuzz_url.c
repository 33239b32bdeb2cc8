/*
 * fuzz_url.c: any bytes as path, query and form body. Asserts what url.h promises.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_decoded(const char *out, size_t length, size_t raw_length)
{
	assert(length <= raw_length);
	assert(strlen(out) == length);
	assert(str_is_utf8((struct str){ out, length }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	char *out = malloc(size + 1);
	size_t length;
	if (out == NULL)
		return 0;
	if (url_path_decode(text, out, &length, NULL) == OK) {
		check_decoded(out, length, size);
		assert(out[0] == '/');
		assert(strstr(out, "/../") == NULL);
	}
	struct str rest = text, name, value;
	while (url_query_next(&rest, &name, &value)) {
		if (url_decode(name, true, out, &length))
			check_decoded(out, length, name.len);
		if (url_decode(value, true, out, &length))
			check_decoded(out, length, value.len);
	}
	free(out);
	return 0;
}
