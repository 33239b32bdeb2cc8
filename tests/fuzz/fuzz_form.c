/*
 * fuzz_form.c: any bytes as the body of an HTML form. Asserts what form.h promises.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena;
	struct form form = { .count = 0 };
	struct error err = { .code = OK };
	arena_init(&arena, 4u << 20);
	enum err r = form_parse((struct str){ (const char *)data, size }, &arena, &form, &err);
	if (r != OK) {
		assert(form.count == 0);
		assert(err.text[0] != '\0');
		return 0;
	}
	size_t bytes = 0;
	assert(form.count <= FORM_FIELDS_MAX);
	for (size_t i = 0; i < form.count; i++) {
		struct str name = form.fields[i].name, value = form.fields[i].value;
		bytes += name.len + value.len;
		assert(str_is_utf8(name) && str_is_utf8(value));
		assert(name.ptr[name.len] == '\0' && value.ptr[value.len] == '\0');
		assert(str_eq(form_get(&form, name.ptr), value)); /* so each name is there once */
	}
	assert(bytes <= size);
	return 0;
}
