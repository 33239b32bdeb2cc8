/*
 * replay.c: runs a fuzz target on every file of its corpus, and on mutations of each, without a
 * fuzzer: replay FOLDER ROUNDS. The mutations are the same in every run, so a failure repeats.
 * Any mistake ends in an abort or a sanitizer's report, with the bytes in replay-failure.bin.
 */
#include <assert.h>
#include <dirent.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "fuzz.h"

#define FILES_MAX 4096
#define FILE_BYTES_MAX (1u << 20)
#define EDITS_MAX 8
#define ROUNDS_MAX 1000000

/* What grammars are made of: a random byte alone seldom gets far. */
static const char *const pieces[] = { "[",    "]",   "{",  "}",  "\"",   ":",    ",", "\n", " ",
				      "-",    "&a",  "*a", "\\", "\\u0", "null", "1", "e",  ".",
				      "\x80", "- ",  "? ", "|",  "<<",   "#",    "'", "%",  "!!",
				      "\t",   "---", "=",  "(",  ")",    "/",    "+", "0x", "\xEF\xBB\xBF" };

static size_t read_file(const char *path, uint8_t *ret_bytes)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fprintf(stderr, "replay: could not open %s\n", path);
		exit(1);
	}
	size_t size = fread(ret_bytes, 1, FILE_BYTES_MAX, file);
	fclose(file);
	return size;
}

/* An exact copy on the heap, so that a sanitizer sees the first byte read past it. */
static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = mem_alloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(copy, bytes, size);
	copy = mem_realloc(copy, size);
	LLVMFuzzerTestOneInput(copy, size);
	mem_free(copy);
}

static size_t insert(uint8_t *bytes, size_t size, size_t at, const char *piece)
{
	size_t length = strlen(piece);
	if (size + length > FILE_BYTES_MAX)
		return size;
	memmove(bytes + at + length, bytes + at, size - at);
	memcpy(bytes + at, piece, length);
	return size + length;
}

static size_t edit(struct random *random, uint8_t *bytes, size_t size)
{
	size_t at = random_below(random, size + 1);
	size_t rest = size - at;
	size_t length = rest > 0 ? 1 + random_below(random, rest < 16 ? rest : 16) : 0;
	switch (random_below(random, 4)) {
	case 0: /* remove */
		memmove(bytes + at, bytes + at + length, rest - length);
		return size - length;
	case 1: /* change one byte */
		if (rest > 0)
			random_fill(random, bytes + at, 1);
		return size;
	case 2: { /* repeat a part */
		char part[17] = { 0 };
		memcpy(part, bytes + at, length);
		return insert(bytes, size, at, part);
	}
	default:
		return insert(bytes, size, at,
			      pieces[random_below(random, sizeof pieces / sizeof *pieces)]);
	}
}

static void keep_for_failure(const uint8_t *bytes, size_t size)
{
	FILE *file = fopen("replay-failure.bin", "wb");
	if (file == NULL)
		return;
	fwrite(bytes, 1, size, file);
	fclose(file);
}

static void mutate(struct random *random, const uint8_t *seed, size_t seed_size, long rounds)
{
	uint8_t *bytes = mem_alloc(FILE_BYTES_MAX);
	for (long round = 0; round < rounds; round++) {
		size_t size = seed_size;
		memcpy(bytes, seed, seed_size);
		for (uint64_t edits = 1 + random_below(random, EDITS_MAX); edits > 0; edits--)
			size = edit(random, bytes, size);
		keep_for_failure(bytes, size);
		run(bytes, size);
	}
	mem_free(bytes);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int count, char **args)
{
	if (count != 3) {
		fprintf(stderr, "usage: replay FOLDER ROUNDS\n");
		return 2;
	}
	struct dirent **files;
	long rounds = strtol(args[2], NULL, 10);
	int found = scandir(args[1], &files, visible, by_name);
	if (found <= 0 || found > FILES_MAX || rounds < 0 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "replay: no files in %s, or no sensible number of rounds\n", args[1]);
		return 1;
	}
	struct random random;
	random_seeded(&random, 1);
	uint8_t *bytes = mem_alloc(FILE_BYTES_MAX);
	for (int i = 0; i < found; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s", args[1], files[i]->d_name);
		size_t size = read_file(path, bytes);
		keep_for_failure(bytes, size);
		run(bytes, size);
		mutate(&random, bytes, size, rounds);
		free(files[i]);
	}
	free(files);
	mem_free(bytes);
	remove("replay-failure.bin");
	printf("replay: %d files, %ld mutations each: sound\n", found, rounds);
	return 0;
}
