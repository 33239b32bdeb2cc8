/* scrape_target_verbs.c: what a prometheus.yml scrapes, and what becomes of what is scraped. See scrape_verbs.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/scrape_files.h"
#include "main/scrape_verbs.h"
#include "main/verbs.h"
#include "monitor/scrape_target.h"
#include "sys/file.h"
#include "wire/json_writer.h"

#define ARENA_BYTES ((size_t)1 << 30)
#define LINE_BYTES_MAX (4u << 20)
#define EXPOSITION_BYTES_MAX ((size_t)256 << 20)

struct listing {
	const char *path, *job_name, *exposition_path;
	struct arena arena;   /* as long as the listing */
	struct arena scratch; /* of one target, or of one sample */
	struct scrape_config config;
	const struct scrape_job *job;
	struct str exposition; /* what each target says; with it the series are printed, not the targets */
	const struct scrape_target *target;
	bool wrong;
};

static void complain(struct listing *listing, struct str text)
{
	fprintf(stderr, STR_FMT "\n", STR_ARG(text));
	listing->wrong = true;
}

/* ---- one target ---- */

static void write_labels(struct json_writer *json, const char *key, struct promql_labels labels)
{
	json_key(json, key);
	json_map_begin(json);
	for (size_t i = 0; i < labels.count; i++) {
		json_key_str(json, labels.pairs[i].name);
		json_text(json, labels.pairs[i].value);
	}
	json_map_end(json);
}

static void print_target(const struct listing *listing, enum scrape_fate fate, const struct scrape_target *target,
			 const struct error *err)
{
	static const char *const fates[] = { [SCRAPE_KEPT] = "kept", [SCRAPE_DROPPED] = "dropped", [SCRAPE_REFUSED] = "refused" };
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, LINE_BYTES_MAX);
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_text(&json, "job", listing->job->name);
	json_field_cstr(&json, "fate", fates[fate]);
	if (fate == SCRAPE_KEPT) {
		json_field_text(&json, "url", target->url);
		json_field_int(&json, "interval_ms", target->interval_ms);
		json_field_int(&json, "timeout_ms", target->timeout_ms);
		write_labels(&json, "labels", target->labels);
	} else if (fate == SCRAPE_REFUSED) {
		json_field_cstr(&json, "why", err->text);
	}
	write_labels(&json, "discovered", target->discovered);
	json_map_end(&json);
	json_finish(&json);
	printf("%s\n", buf.bytes);
}

/* ---- what it says ---- */

static enum err print_sample(void *context, const struct exposition_item *item, struct error *err)
{
	struct listing *listing = context;
	struct promql_labels labels;
	if (item->kind != EXPOSITION_SAMPLE)
		return OK;
	cleanup_arena struct arena arena;
	cleanup_buf struct buf buf;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&buf, LINE_BYTES_MAX);
	enum scrape_fate fate = scrape_sample_labels(listing->job, listing->target, item, &arena, &labels, err);
	if (fate == SCRAPE_REFUSED)
		return err->code;
	if (fate == SCRAPE_KEPT) {
		promql_labels_print_series(labels, &buf);
		printf("%s\n", buf.bytes);
	}
	return OK;
}

static void print_exposition(struct listing *listing, const struct scrape_target *target)
{
	struct exposition_options options = { .format = EXPOSITION_TEXT };
	struct error err;
	if (str_ends(str_trim(listing->exposition), STR("# EOF")))
		options.format = EXPOSITION_OPENMETRICS;
	listing->target = target;
	if (exposition_read(listing->exposition, &options, print_sample, listing, &err) != OK)
		complain(listing, arena_printf(&listing->arena, "%s: %s", listing->exposition_path, err.text));
}

/* ---- all of them ---- */

static void list_group(struct listing *listing, const struct scrape_group *group)
{
	for (size_t i = 0; i < group->targets.count; i++) {
		struct scrape_target target;
		struct error err;
		arena_reset(&listing->scratch);
		enum scrape_fate fate = scrape_target_make(listing->job, NULL, group, group->targets.rows[i],
							   &listing->scratch, &target, &err);
		listing->wrong |= fate == SCRAPE_REFUSED;
		if (listing->exposition_path == NULL)
			print_target(listing, fate, &target, &err);
		else if (fate == SCRAPE_KEPT)
			print_exposition(listing, &target);
	}
}

static void list_file(void *context, const char *path)
{
	struct listing *listing = context;
	struct scrape_groups groups;
	struct troubles troubles;
	if (scrape_files_groups(path, &listing->arena, &groups, &troubles) != OK)
		complain(listing, troubles.rows[0]);
	else
		for (size_t i = 0; i < groups.list.count; i++)
			list_group(listing, &groups.list.rows[i]);
}

static void list_job(struct listing *listing)
{
	const struct scrape_discovery *discovery = &listing->job->discovery;
	for (size_t i = 0; i < discovery->groups.count; i++)
		list_group(listing, &discovery->groups.rows[i]);
	for (size_t i = 0; i < discovery->files.count; i++)
		for (size_t f = 0; f < discovery->files.rows[i].files.count; f++)
			scrape_files_each(listing->path, discovery->files.rows[i].files.rows[f], list_file, listing);
	if (discovery->https.count + discovery->names.count > 0)
		fprintf(stderr, "the targets that job \"" STR_FMT "\" finds over the network are not listed\n",
			STR_ARG(listing->job->name));
}

static enum err load(struct listing *listing, struct error *err)
{
	struct troubles troubles;
	if (listing->exposition_path != NULL) {
		char *bytes;
		size_t size;
		enum err r = file_read(listing->exposition_path, EXPOSITION_BYTES_MAX, &bytes, &size, err);
		if (r != OK)
			return r;
		listing->exposition = arena_str(&listing->arena, (struct str){ bytes, size });
		mem_free(bytes);
	}
	enum err r = scrape_files_load(listing->path, &listing->arena, &listing->config, &troubles);
	return r == OK ? OK : error_set(err, r, STR_FMT, STR_ARG(troubles.rows[0]));
}

static void list_jobs(struct listing *listing)
{
	size_t found = 0;
	for (size_t i = 0; i < listing->config.jobs.count; i++) {
		listing->job = &listing->config.jobs.rows[i];
		if (listing->job_name != NULL && !str_is(listing->job->name, listing->job_name))
			continue;
		list_job(listing);
		found++;
	}
	if (listing->job_name != NULL && found == 0)
		complain(listing, arena_printf(&listing->arena, "there is no job \"%s\" in %s", listing->job_name, listing->path));
}

int run_check_targets(const struct verb *verb, int argc, char **argv)
{
	struct listing listing = { .job_name = NULL };
	struct error err;
	argc--, argv++;
	for (; argc > 2 && argv[0][0] == '-'; argc -= 2, argv += 2) {
		if (strcmp(argv[0], "--job") == 0)
			listing.job_name = argv[1];
		else if (strcmp(argv[0], "--exposition") == 0)
			listing.exposition_path = argv[1];
		else
			break;
	}
	if (argc != 1 || argv[0][0] == '-') {
		fprintf(stderr, "usage: mainstay %s\n", verb->usage);
		return 2;
	}
	listing.path = argv[0];
	arena_init(&listing.arena, ARENA_BYTES);
	arena_init(&listing.scratch, ARENA_BYTES);
	enum err r = load(&listing, &err);
	if (r == OK)
		list_jobs(&listing);
	scrape_config_finish(&listing.config);
	arena_finish(&listing.scratch);
	arena_finish(&listing.arena);
	return r != OK ? verb_complain(&err) : listing.wrong;
}
