/*
 * test_resource_kinds.h: a small registry for the tests of this room, and an arena for each test.
 */
#pragma once

#include "base/check.h"
#include "resource/resource.h"

#include <string.h>

static const struct spec_field test_dependency = { .name = "service", .type = SPEC_NAME,
						   .refers = "Service", .about = "A service." };
static const struct spec_field test_member = { .name = "member", .type = SPEC_EMAIL,
					       .refers = "User", .about = "A person." };
static const struct spec_field test_team_rows[] = {
	{ .name = "display", .type = SPEC_TEXT, .about = "What people call it." },
	{ .name = "members", .type = SPEC_LIST, .item = &test_member, .otherwise = "[]",
	  .about = "Who is in it." },
	{ .name = NULL },
};
static const struct spec_field test_service_rows[] = {
	{ .name = "display", .type = SPEC_TEXT, .about = "What people call it." },
	{ .name = "tier", .type = SPEC_INT, .min = 1, .max = 4, .otherwise = "3", .about = "How dear." },
	{ .name = "team", .type = SPEC_NAME, .refers = "Team", .about = "Who answers." },
	{ .name = "depends_on", .type = SPEC_LIST, .item = &test_dependency, .about = "What it needs." },
	{ .name = NULL },
};
static const struct spec_field test_check_rows[] = {
	{ .name = "url", .type = SPEC_URL, .flags = SPEC_REQUIRED, .about = "What is asked." },
	{ .name = "interval", .type = SPEC_DURATION, .otherwise = "30s", .min = TIME_SECOND,
	  .about = "Time between runs." },
	{ .name = "service", .type = SPEC_NAME, .refers = "Service", .about = "What it watches." },
	{ .name = "token", .type = SPEC_TEXT, .flags = SPEC_SECRET, .about = "A secret." },
	{ .name = NULL },
};

static const struct resource_kind test_kinds[] = {
	{ .name = "Team", .about = "People who answer together.", .fields = test_team_rows },
	{ .name = "Service", .about = "What runs.", .fields = test_service_rows,
	  .acyclic = "depends_on" },
	{ .name = "Check", .about = "What is looked at.", .fields = test_check_rows },
	{ .name = NULL },
};

struct test_run {
	struct arena arena;
	struct spec_errors errors;
	struct error err;
	struct resource_list list;
	struct buf text;
};

static inline struct test_run *test_begin(void)
{
	static struct test_run run;
	memset(&run, 0, sizeof run);
	arena_init(&run.arena, 0);
	buf_init(&run.text, 1 << 20);
	spec_errors_init(&run.errors, &run.arena, NULL);
	return &run;
}

static inline void test_end(struct test_run *run)
{
	buf_finish(&run->text);
	arena_finish(&run->arena);
}

static inline enum err test_parse(struct test_run *run, const char *yaml)
{
	struct resource_file file = { STR("f.yaml"), str_of(yaml) };
	return resource_parse(test_kinds, &file, 1, &run->arena, &run->errors, &run->list,
			      &run->err);
}
