/* fuzz_scrape.c: any bytes as a prometheus.yml, and what it leads to: targets and series; as a file of targets, too. */
#include "base/arena.h"
#include "fuzz.h"
#include "monitor/scrape_files.h"
#include "monitor/scrape_target.h"

struct context {
	const struct scrape_job *job;
	const struct scrape_target *target;
};

static void check_labels(struct promql_labels labels)
{
	for (size_t i = 0; i < labels.count; i++) {
		PROMISE(labels.pairs[i].name.len > 0 && labels.pairs[i].value.len > 0);
		PROMISE(i == 0 || str_cmp(labels.pairs[i - 1].name, labels.pairs[i].name) < 0);
	}
}

static enum err take(void *data, const struct exposition_item *item, struct error *err)
{
	struct context *context = data;
	struct promql_labels labels;
	struct arena arena;
	arena_init(&arena, 0);
	if (item->kind == EXPOSITION_SAMPLE &&
	    scrape_sample_labels(context->job, context->target, item, &arena, &labels, err) == SCRAPE_KEPT)
		check_labels(labels);
	arena_finish(&arena);
	return OK;
}

static void make_targets(const struct scrape_job *job, const struct scrape_group *group)
{
	static const struct exposition_options options = { .format = EXPOSITION_TEXT };
	struct scrape_target target;
	struct error err;
	struct arena arena;
	for (size_t i = 0; i < group->targets.count; i++) {
		arena_init(&arena, 0);
		struct context context = { job, &target };
		if (scrape_target_make(job, NULL, group, group->targets.rows[i], &arena, &target, &err) == SCRAPE_KEPT) {
			check_labels(target.labels);
			exposition_read(STR("m{job=\"x\",a=\"b\"} 1\nn 2\n"), &options, take, &context, &err);
		}
		arena_finish(&arena);
	}
}

/* `room`: of the arena. A small one is soon full: that is a complaint, and nothing else. */
static void read_all(struct str text, size_t room)
{
	struct scrape_config config;
	struct scrape_groups groups;
	struct error err;
	struct arena arena;
	arena_init(&arena, room);
	struct troubles troubles = { .arena = &arena, .source = "p" }, others = { .arena = &arena, .source = "t" };
	enum err r = scrape_config_read(text, &arena, &config, &troubles);
	PROMISE((r == OK) == (troubles.count == 0));
	for (size_t j = 0; r == OK && j < config.jobs.count; j++)
		for (size_t g = 0; g < config.jobs.rows[j].discovery.groups.count; g++)
			make_targets(&config.jobs.rows[j], &config.jobs.rows[j].discovery.groups.rows[g]);
	scrape_config_finish(&config);
	r = scrape_groups_read(text, text.len % 2 == 0, &arena, &groups, &others);
	PROMISE((r == OK) == (others.count == 0));
	if (r == OK)
		scrape_groups_label(&groups, &arena, "__meta_url", STR("http://h/"), &err);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	read_all(text, 512u << 20);
	read_all(text, 4096 + str_hash(text) % (size * 64 + 4096));
	return 0;
}
