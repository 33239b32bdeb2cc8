/* scrape_files.h: a prometheus.yml with the files it names, read from this machine. */
#pragma once

#include "monitor/scrape_config.h"

/* A path of the config, relative to its folder. */
const char *scrape_file_path(struct arena *arena, const char *config_path, struct str path);

#define SCRAPE_SECRET_BYTES_MAX 16384u
/* A secret that stands in the config, or the trimmed content of its file, now. */
enum err scrape_file_secret(const char *config_path, struct str text, struct str file, struct arena *arena, struct str *ret_text,
			    struct error *err);

/* The config and its scrape_config_files; troubles are complete. In any case scrape_config_finish frees. */
enum err scrape_files_load(const char *path, struct arena *arena, struct scrape_config *ret_config,
			   struct troubles *troubles);

/* Gives a label to each of the groups: where they come from. ERR_TOO_LARGE: the arena has no room. */
enum err scrape_groups_label(struct scrape_groups *groups, struct arena *arena, const char *name, struct str value,
			     struct error *err);

/* The groups of one file of file_sd_configs. */
enum err scrape_files_groups(const char *path, struct arena *arena, struct scrape_groups *ret_groups,
			     struct troubles *troubles);

/* Calls `see` for each file that a pattern of the config names; how many there were. */
typedef void scrape_file_fn(void *context, const char *path);
size_t scrape_files_each(const char *config_path, struct str pattern, scrape_file_fn *see, void *context);
