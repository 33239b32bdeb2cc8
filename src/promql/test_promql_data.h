/* test_promql_data.h: the files of tests/conformance, for the tests of this folder. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

#define DATA_PATH_BYTES 512
#define DATA_BYTES_MAX ((size_t)1 << 20)

static inline void data_path(const char *name, char ret_path[DATA_PATH_BYTES])
{
	const char *end = strstr(__FILE__, "src/promql/");
	snprintf(ret_path, DATA_PATH_BYTES, "%.*stests/conformance/%s", (int)(end - __FILE__), __FILE__, name);
}

static inline struct str data_read(const char *name, struct arena *arena)
{
	char path[DATA_PATH_BYTES];
	data_path(name, path);
	FILE *in = fopen(path, "rb");
	if (in == NULL)
		fail_msg("cannot open %s", path);
	char *text = arena_alloc(arena, DATA_BYTES_MAX);
	size_t length = fread(text, 1, DATA_BYTES_MAX - 1, in);
	fclose(in);
	text[length] = '\0';
	return (struct str){ text, length };
}
