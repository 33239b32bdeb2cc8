/* test_notify_help.h: a world with this room in it, and pages in its outbox. For test files only. */
#pragma once

#include <unistd.h>

#include "base/check.h"
#include "journal/journal.h"
#include "notify/notify_channel.h"
#include "notify/notify_priv.h"
#include "notify/notify_settings.h"
#include "sys/loop.h"
#include "wire/doc_json.h"
#include "store/test_store.h"

extern apply_fn journal_apply_clock_stepped, journal_apply_timer_parked;

static const struct wire_apply help_applies[] = {
	{ EVENT_PAGE_CREATED, notify_apply_created },
	{ EVENT_PAGE_ATTEMPTED, notify_apply_attempted },
	{ EVENT_PAGE_CANCELLED, notify_apply_cancelled },
	{ EVENT_CLOCK_STEPPED, journal_apply_clock_stepped },
	{ EVENT_TIMER_PARKED, journal_apply_timer_parked },
	{ 0 },
};
static const struct wire_now help_nows[] = {
	{ EVENT_CLOCK_STEPPED, "notify_on_clock_stepped", notify_on_clock_stepped },
	{ 0 },
};
static const struct wire_after help_afters[] = { { 0 } };
static const struct wire_timer help_timers[] = { { 0 } };
static const struct store_table *help_tables[32];
static const struct wiring help_wiring = { help_tables, help_applies, help_nows, help_afters,
					   help_timers };

struct help {
	char path[64];
	struct store *store;
	struct clock clock;
	struct random random;
	struct world *world;
	struct store_conn *conn; /* a reader's */
	struct arena arena;
	struct error err; /* of the last command */
};

static inline void help_open(struct help *h, const char *name)
{
	struct error err;
	size_t count = 0;
	time_us start;
	for (const struct store_table *const *t = journal_tables; *t != NULL; t++)
		help_tables[count++] = *t;
	for (const struct store_table *const *t = notify_tables; *t != NULL; t++)
		help_tables[count++] = *t;
	snprintf(h->path, sizeof h->path, "/tmp/mainstay-test-%d-%s", (int)getpid(), name);
	CHECK(time_parse(STR("2026-03-08T02:00:00Z"), &start));
	clock_manual(&h->clock, start);
	random_seeded(&h->random, 7);
	arena_init(&h->arena, 0);
	test_store_open(h->path, &h->store);
	struct world_options options = { .name = "test", .store = h->store, .clock = &h->clock,
					 .random = &h->random, .wiring = &help_wiring };
	CHECK_OK(world_open(&options, &h->world, &err));
	CHECK_OK(store_connect(h->store, true, &h->conn, &err));
}

static inline void help_close(struct help *h)
{
	char path[80];
	store_disconnect(&h->conn);
	world_close(&h->world);
	store_close(&h->store);
	arena_finish(&h->arena);
	unlink(h->path);
	snprintf(path, sizeof path, "%s-wal", h->path);
	unlink(path);
	snprintf(path, sizeof path, "%s-shm", h->path);
	unlink(path);
}

static inline enum err help_run(struct help *h, decide_fn *decide, const void *args)
{
	struct command command = { .name = "test", .decide = decide, .args = args };
	struct command *batch[] = { &command };
	world_run(h->world, batch, 1);
	h->err = command.error;
	return command.result;
}

static inline enum err help_decide_page(struct decision *d, const void *args, struct error *err)
{
	struct notify_page page = *(const struct notify_page *)args;
	(void)err;
	page.title = page.title.len > 0 ? page.title : STR("P1 web is down");
	page.body = page.body.len > 0 ? page.body : STR("Acknowledge to take it.\n");
	page.urgency = page.urgency.len > 0 ? page.urgency : STR("high");
	page.reason = page.reason.len > 0 ? page.reason : STR("step");
	page.not_before = page.not_before != TIME_NONE ? page.not_before : d->now;
	notify_page(d, &page, NULL);
	return OK;
}

static inline void help_page(struct help *h, struct notify_page page)
{
	CHECK_INT(help_run(h, help_decide_page, &page), OK);
}

static inline enum err help_decide_cancel(struct decision *d, const void *args, struct error *err)
{
	return notify_cancel(d, *(const int64_t *)args, "acknowledged", err);
}

static inline bool help_keep_row(void *context, const struct notify_row *row)
{
	*(struct notify_row *)context = *row;
	return true;
}

/* The page with this id, as the reader sees it. */
static inline struct notify_row help_row(struct help *h, int64_t id)
{
	struct notify_row row = { 0 };
	struct error err;
	struct notify_filter filter = { .before_id = id + 1, .limit = 1 };
	CHECK_OK(notify_list(h->conn, &filter, &h->arena, help_keep_row, &row, &err));
	CHECK_INT(row.id, id);
	return row;
}

static inline int64_t help_count(struct help *h, const char *sql)
{
	int64_t count;
	struct error err;
	CHECK_OK(store_one_int(h->conn, sql, STORE_NO_VALUES, 0, &count, &err));
	return count;
}

static inline enum err help_set(struct help *h, const char *json)
{
	const struct doc_node *doc;
	struct error err;
	CHECK_OK(doc_json_parse(str_of(json), &h->arena, DOC_LIMITS_DEFAULT, NULL, &doc, &err));
	struct notify_settings_change change = { doc };
	return help_run(h, notify_settings_decide, &change);
}
