/*
 * test_metrics_data.h: a folder, an engine and samples that say themselves whether they are right, for tests only.
 *
 * The folder lies in memory where there is such a place: what is tested is what is written, not the disk.
 */
#pragma once

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "metrics/log_priv.h"
#include "sys/file.h"

#define START INT64_C(1700000000000)
#define SERIES 4u

static char folder[64];

static inline struct metrics *make(void)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	struct random random;
	struct metrics *metrics;
	options.series_max = 100000;
	random_seeded(&random, 5);
	metrics_create(&options, &random, &metrics);
	return metrics;
}

static inline void fresh_folder(void)
{
	struct stat status;
	bool in_memory = stat("/dev/shm", &status) == 0 && access("/dev/shm", W_OK) == 0;
	snprintf(folder, sizeof folder, "%s/test-metrics-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(folder) != NULL);
}

static inline void path_to(unsigned number, const char *kind, char ret_path[96])
{
	snprintf(ret_path, 96, "%s/%08u.%s", folder, number, kind);
}

/* How many files end so; with `remove` they are gone after. */
static inline unsigned files_ending(const char *end, bool remove)
{
	unsigned count = 0;
	DIR *dir = opendir(folder);
	CHECK(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.' || !str_ends(str_of(entry->d_name), str_of(end)))
			continue;
		count++;
		if (remove)
			CHECK_INT(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	}
	closedir(dir);
	return count;
}

static inline void remove_folder(void)
{
	files_ending("", true);
	CHECK_INT(rmdir(folder), 0);
}

/* What lies in the folder, to be put back after something was done to it. */
struct copy {
	char names[32][64];
	char *bytes[32];
	size_t sizes[32];
	unsigned count;
};

static inline void keep_files(struct copy *copy)
{
	struct error err;
	char path[160];
	DIR *dir = opendir(folder);
	CHECK(dir != NULL);
	copy->count = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		unsigned at = copy->count++;
		CHECK(at < 32);
		snprintf(copy->names[at], sizeof copy->names[at], "%.60s", entry->d_name);
		snprintf(path, sizeof path, "%s/%s", folder, copy->names[at]);
		CHECK_OK(file_read(path, 64u << 20, &copy->bytes[at], &copy->sizes[at], &err));
	}
	closedir(dir);
}

static inline void restore_files(const struct copy *copy)
{
	struct error err;
	char path[160];
	files_ending("", true);
	for (unsigned i = 0; i < copy->count; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, copy->names[i]);
		CHECK_OK(file_write(path, (struct str){ copy->bytes[i], copy->sizes[i] }, 0600, &err));
	}
}

static inline void forget_files(struct copy *copy)
{
	for (unsigned i = 0; i < copy->count; i++)
		mem_free(copy->bytes[i]);
}

static inline uint32_t named(struct metrics *metrics, unsigned i)
{
	char text[16];
	uint32_t reference = 0;
	struct error err;
	snprintf(text, sizeof text, "host-%u", i);
	struct metrics_label labels[] = { { STR("__name__"), STR("up") }, { STR("instance"), str_of(text) } };
	CHECK_OK(metrics_series(metrics, labels, 2, &reference, &err));
	return reference;
}

/* Frame i at START + i, series j with the value i * 10 + j. */
static inline enum err append_frame(struct metrics_log *log, struct metrics *metrics, unsigned i, struct error *err)
{
	uint32_t references[SERIES];
	double values[SERIES];
	struct metrics_tally tally;
	for (unsigned j = 0; j < SERIES; j++) {
		references[j] = named(metrics, SERIES - 1 - j); /* not in the order of the restart */
		values[j] = i * 10 + (SERIES - 1 - j);
	}
	struct metrics_frame frame = { references, values, NULL, START + i, SERIES };
	return metrics_log_append(log, &frame, &tally, err);
}

static inline bool check_one(void *context, const struct metrics_view *view)
{
	unsigned host = (unsigned)(view->labels[1].value.ptr[5] - '0');
	CHECK(host < SERIES);
	for (size_t i = 0; i < view->count; i++) {
		CHECK(view->values[i] == (double)(view->times[i] - START) * 10 + host);
		CHECK(i == 0 || view->times[i] > view->times[i - 1]);
	}
	*(size_t *)context += view->count;
	return true;
}

/* Every sample there is a right one; returns how many. */
static inline size_t samples(struct metrics *metrics)
{
	struct error err;
	size_t count = 0;
	CHECK_OK(metrics_select(metrics, NULL, 0, INT64_MIN, INT64_MAX, check_one, &count, &err));
	return count;
}
