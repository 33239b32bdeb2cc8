/*
 * fuzz.h: what a fuzz target is. One file a parser, fuzz_NAME.c, one folder corpus/NAME, one row in
 * meson.build. libFuzzer runs it for minutes; replay.c runs it on its corpus in every test run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise: the input is what the fuzzer keeps. */
#define PROMISE(condition)                                                                    \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                              \
		}                                                                             \
	} while (0)
