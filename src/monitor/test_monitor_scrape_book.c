/* test_monitor_scrape_book.c: what one scrape after the other gives to be stored. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "monitor/scrape_book.h"

#define SERIES_MAX 64u

/* A sink in memory: each series by what it is called, each frame as a text. */
struct store {
	char names[SERIES_MAX][160];
	unsigned count, room;
	struct buf text;
	unsigned frames, described;
};

static enum err find_series(void *context, struct promql_labels labels, uint32_t *ret_reference, struct error *err)
{
	struct store *store = context;
	struct buf buf;
	char name[160];
	buf_init(&buf, sizeof name);
	promql_labels_print_series(labels, &buf);
	snprintf(name, sizeof name, "%s", buf.bytes);
	buf_finish(&buf);
	unsigned at = 0;
	while (at < store->count && strcmp(store->names[at], name) != 0)
		at++;
	if (at == store->room)
		return error_set(err, ERR_LIMIT, "full");
	if (at == store->count)
		snprintf(store->names[store->count++], sizeof name, "%s", name);
	*ret_reference = at;
	return OK;
}

/* One line a row: name value @time; without the labels of the target, and without the time when it is the scrape's. */
static void append(void *context, const struct scrape_frame *frame)
{
	struct store *store = context;
	store->frames++;
	buf_reset(&store->text);
	for (size_t i = 0; i < frame->count; i++) {
		const char *name = store->names[frame->references[i]];
		uint64_t bits;
		memcpy(&bits, &frame->values[i], sizeof bits);
		CHECK(frame->references[i] < store->count);
		buf_printf(&store->text, "%.*s ", (int)strcspn(name, "{"), name);
		if (bits == SCRAPE_STALE_BITS)
			buf_adds(&store->text, "stale");
		else
			buf_printf(&store->text, "%g", frame->values[i]);
		if (frame->times[i] != frame->time_ms)
			buf_printf(&store->text, "@%lld", (long long)frame->times[i]);
		buf_addc(&store->text, ';');
	}
}

struct fixture {
	struct arena arena;
	struct scrape_config config;
	struct troubles troubles;
	struct scrape_target target;
	struct scrape_book *book;
	struct store store;
	struct scrape_sink sink;
	struct scrape_counts counts;
	struct error err;
	int64_t time_ms;
};

static struct fixture *begin(const char *more)
{
	struct fixture *f = calloc(1, sizeof *f);
	char text[2048];
	struct random random;
	arena_init(&f->arena, 0);
	random_seeded(&random, 7);
	snprintf(text, sizeof text, "scrape_configs:\n- job_name: j\n  static_configs: [{targets: ['h:1']}]\n%s", more);
	f->troubles = (struct troubles){ .arena = &f->arena, .source = "p" };
	CHECK_INT(scrape_config_read(str_of(text), &f->arena, &f->config, &f->troubles), OK);
	const struct scrape_job *job = &f->config.jobs.rows[0];
	CHECK_INT(scrape_target_make(job, NULL, &job->discovery.groups.rows[0], STR("h:1"), &f->arena, &f->target, &f->err),
		  SCRAPE_KEPT);
	f->book = scrape_book_create(job, &f->target, &random);
	f->store.room = SERIES_MAX;
	buf_init(&f->store.text, 1u << 20);
	f->sink = (struct scrape_sink){ &f->store, find_series, append };
	return f;
}

static void end(struct fixture *f)
{
	scrape_book_destroy(&f->book);
	scrape_config_finish(&f->config);
	arena_finish(&f->arena);
	buf_finish(&f->store.text);
	free(f);
}

static const char *scrape(struct fixture *f, const char *body)
{
	f->time_ms += 1000;
	f->err = (struct error){ .code = OK };
	scrape_book_take(f->book, str_of(body), EXPOSITION_TEXT, f->time_ms, 0.5, &f->sink, &f->counts, &f->err);
	return f->store.text.bytes;
}

TEST(a_scrape_is_one_frame_of_its_samples_and_of_what_it_was)
{
	struct fixture *f = begin("");
	CHECK_TEXT(scrape(f, "a 1\nb{x=\"y\"} 2\n"),
		   "a 1;b 2;up 1;scrape_duration_seconds 0.5;scrape_samples_scraped 2;scrape_samples_post_metric_relabeling 2;"
		   "scrape_series_added 2;");
	CHECK_INT(f->store.frames, 1);
	CHECK_TEXT(f->store.names[1], "b{instance=\"h:1\", job=\"j\", x=\"y\"}");
	CHECK_TEXT(scrape(f, "a 3\nb{x=\"y\"} 4\n"),
		   "a 3;b 4;up 1;scrape_duration_seconds 0.5;scrape_samples_scraped 2;scrape_samples_post_metric_relabeling 2;"
		   "scrape_series_added 0;");
	CHECK_INT(f->store.count, 7);
	end(f);
}

TEST(a_series_that_is_gone_ends_once_and_may_come_again)
{
	struct fixture *f = begin("");
	scrape(f, "a 1\nb 2\n");
	CHECK(strstr(scrape(f, "a 1\n"), "a 1;b stale;up 1;") != NULL);
	CHECK_INT(f->counts.stale, 1);
	CHECK_INT(scrape_book_series(f->book), 1);
	CHECK(strstr(scrape(f, "a 1\n"), "stale") == NULL);
	CHECK(strstr(scrape(f, "a 1\nb 5\n"), "a 1;b 5;up 1;") != NULL);
	CHECK_INT(f->counts.added, 1);
	end(f);
}

TEST(a_scrape_that_cannot_be_read_counts_nothing_and_ends_all)
{
	struct fixture *f = begin("");
	scrape(f, "a 1\nb 2\n");
	CHECK(strstr(scrape(f, "a 9\nnew 1\nb x\n"), "a stale;b stale;up 0;") != NULL);
	CHECK_TEXT(f->err.text, "line 3: expected a number as value, got \"x\"");
	CHECK(strstr(scrape(f, "a 9\nb x\n"), "stale") == NULL);
	CHECK(strstr(scrape(f, "a 1\n"), "a 1;up 1;") != NULL);
	f->time_ms += 1000;
	scrape_book_fail(f->book, f->time_ms, 10, &f->sink);
	CHECK_TEXT(f->store.text.bytes, "a stale;up 0;scrape_duration_seconds 10;scrape_samples_scraped 0;"
				  "scrape_samples_post_metric_relabeling 0;scrape_series_added 0;");
	end(f);
}

TEST(a_target_that_is_gone_ends_with_what_was_said_about_it)
{
	struct fixture *f = begin("");
	scrape(f, "a 1\n");
	scrape_book_end(f->book, 5000, &f->sink);
	CHECK_TEXT(f->store.text.bytes, "a stale;up stale;scrape_duration_seconds stale;scrape_samples_scraped stale;"
				  "scrape_samples_post_metric_relabeling stale;scrape_series_added stale;");
	end(f);
}

TEST(a_time_of_its_own_is_kept_and_owes_no_end_unless_told)
{
	struct fixture *f = begin("");
	CHECK(strstr(scrape(f, "a 1 77\nb 2\n"), "a 1@77;b 2;") != NULL);
	CHECK(strstr(scrape(f, "c 1\n"), "c 1;b stale;up") != NULL);
	end(f);
	f = begin("  track_timestamps_staleness: true\n");
	scrape(f, "a 1 77\n");
	CHECK(strstr(scrape(f, "c 1\n"), "c 1;a stale;up") != NULL);
	end(f);
	f = begin("  honor_timestamps: false\n");
	CHECK(strstr(scrape(f, "a 1 77\n"), "a 1;up") != NULL);
	end(f);
}

TEST(what_relabelling_drops_is_scraped_and_not_kept)
{
	struct fixture *f = begin("  metric_relabel_configs: [{source_labels: [__name__], regex: 'go_.*', action: drop}]\n");
	for (int i = 0; i < 2; i++)
		CHECK(strstr(scrape(f, "go_a 1\nm 1\n"), "m 1;up 1;scrape_duration_seconds 0.5;scrape_samples_scraped 2;"
							 "scrape_samples_post_metric_relabeling 1;") != NULL);
	CHECK(strstr(scrape(f, "m 1\n"), "stale") == NULL);
	end(f);
}

TEST(a_limit_that_is_broken_fails_the_scrape)
{
	struct fixture *f = begin("  sample_limit: 2\n  label_limit: 3\n  extra_scrape_metrics: true\n");
	scrape(f, "a 1\nb 1\n");
	CHECK(strstr(f->store.text.bytes, "scrape_timeout_seconds 10;scrape_sample_limit 2;scrape_body_size_bytes 8;") != NULL);
	CHECK(strstr(scrape(f, "a 1\nb 1\nc 1\n"), "a stale;b stale;up 0;") != NULL);
	CHECK_TEXT(f->err.text, "3 samples are more than sample_limit 2");
	CHECK_INT(f->err.code, ERR_LIMIT);
	CHECK(strstr(scrape(f, "a{x=\"1\"} 1\n"), "up 0;") != NULL);
	CHECK_TEXT(f->err.text, "the labels of a series are 4, more than label_limit 3");
	end(f);
}

TEST(samples_beyond_the_limit_are_counted_and_make_no_series)
{
	struct fixture *f = begin("  sample_limit: 2\n  metric_relabel_configs: [{source_labels: [__name__], regex: x, action: drop}]\n");
	CHECK(strstr(scrape(f, "a 1\nb 1\nc 1\nx 1\nd 1\n"), "up 0;scrape_duration_seconds 0.5;scrape_samples_scraped 5;"
							   "scrape_samples_post_metric_relabeling 4;") != NULL);
	CHECK_INT(f->store.count, 2 + 5);
	scrape(f, "a 1\nb 1\nx 1\n");
	CHECK_INT(f->err.code, OK);
	end(f);
}

TEST(series_without_room_are_left_out_and_the_others_go_on)
{
	struct fixture *f = begin("");
	scrape(f, "a 1\n");
	f->store.room = f->store.count;
	CHECK(strstr(scrape(f, "n1 1\na 2\nn2 1\n"), "a 2;up 1;") != NULL);
	CHECK_INT(f->counts.refused, 2);
	CHECK_INT(f->counts.kept, 1);
	end(f);
}

TEST(what_relabelling_makes_too_long_fails_the_scrape_and_not_the_process)
{
	char rules[1024], body[4096];
	size_t used = (size_t)snprintf(rules, sizeof rules, "  metric_relabel_configs:\n");
	for (int i = 0; i < 13; i++)
		used += (size_t)snprintf(rules + used, sizeof rules - used,
					 "  - {source_labels: [x], target_label: x, replacement: '$1$1'}\n");
	struct fixture *f = begin(rules);
	snprintf(body, sizeof body, "a{x=\"%02000d\"} 1\n", 1);
	CHECK(strstr(scrape(f, body), "up 0;") != NULL);
	CHECK_TEXT(f->err.text, "what relabelling makes of the labels is too long");
	end(f);
}

/* A sink that only numbers what it meets. */
static enum err number_series(void *context, struct promql_labels labels, uint32_t *ret_reference, struct error *err)
{
	(void)labels, (void)err;
	*ret_reference = (*(uint32_t *)context)++;
	return OK;
}

static void count_rows(void *context, const struct scrape_frame *frame)
{
	(void)context;
	CHECK(frame->count >= 1000);
}

TEST(many_series_that_come_and_go_are_all_told_apart)
{
	struct fixture *f = begin("");
	char *body = calloc(1, 1 << 20);
	uint32_t met = 0;
	f->sink = (struct scrape_sink){ &met, number_series, count_rows };
	for (int round = 0; round < 4; round++) {
		size_t used = 0;
		for (int i = round * 500; i < round * 500 + 1000; i++)
			used += (size_t)snprintf(body + used, (1 << 20) - used, "m{i=\"%d\"} 1\n", i);
		CHECK_INT(scrape_book_take(f->book, (struct str){ body, used }, EXPOSITION_TEXT, ++f->time_ms, 0, &f->sink,
					   &f->counts, &f->err), OK);
		CHECK_INT(f->counts.kept, 1000);
		CHECK_INT(f->counts.added, round == 0 ? 1000 : 500);
		CHECK_INT(f->counts.stale, round == 0 ? 0 : 500);
		CHECK_INT(scrape_book_series(f->book), 1000);
	}
	CHECK_INT(met, 2500 + 5);
	free(body);
	end(f);
}

static bool goes_on(void *context, uint32_t reference, int64_t time_ms)
{
	struct store *store = context;
	return time_ms == 5000 && strncmp(store->names[reference], "b{", 2) == 0;
}

TEST(a_series_that_another_brings_meanwhile_does_not_end_with_its_target)
{
	struct fixture *f = begin("");
	scrape(f, "a 1\nb 2\n");
	f->sink.goes_on = goes_on;
	scrape_book_end(f->book, 5000, &f->sink);
	CHECK_TEXT(f->store.text.bytes, "a stale;up stale;scrape_duration_seconds stale;scrape_samples_scraped stale;"
					"scrape_samples_post_metric_relabeling stale;scrape_series_added stale;");
	end(f);
}

static void describe(void *context, const struct exposition_item *item)
{
	(void)item;
	((struct store *)context)->described++;
}

TEST(what_a_target_says_of_its_metrics_is_told_at_the_first_scrape_that_counts)
{
	struct fixture *f = begin("");
	f->sink.describe = describe;
	scrape_book_fail(f->book, 500, 0.5, &f->sink);
	scrape(f, "# HELP a x\na 1\n");
	CHECK_INT(f->store.described, 1);
	for (unsigned i = 1; i < SCRAPE_DESCRIBE_EVERY; i++)
		scrape(f, "# HELP a x\na 1\n");
	CHECK_INT(f->store.described, 1);
	scrape(f, "# HELP a x\na 1\n");
	CHECK_INT(f->store.described, 2);
	end(f);
}

TEST(a_comment_is_read_again_when_it_is_another_one)
{
	struct fixture *f = begin("");
	const char *bad = "# TYPE a gauge\n# TYPE b thing\na 1\nb 2\n";
	CHECK(strstr(scrape(f, "# TYPE a gauge\n# TYPE b gauge\na 1\nb 2\n"), "a 1;b 2;up 1;") != NULL);
	CHECK(strstr(scrape(f, bad), "up 0;") != NULL);
	CHECK(strstr(scrape(f, bad), "up 0;") != NULL); /* that it was met once makes it no better */
	CHECK(strstr(scrape(f, "# TYPE b gauge\n# TYPE a gauge\n# EOF\na 1\nb 2\n"), "a 1;b 2;up 1;") != NULL);
	end(f);
}

TEST(series_are_told_apart_in_any_order_and_however_odd_their_lines_are)
{
	struct fixture *f = begin("");
	const char *bodies[] = {
		"a 1\na{x=\"}\"} 2\na{x=\"}} 9\"} 3\na {y=\"1\"} 4\n\tb\t5\na_ 6\n",
		"a_ 6\n\tb\t5\na {y=\"1\"} 4\na{x=\"}} 9\"} 3\na{x=\"}\"} 2\na 1\n",
		"a{x=\"}\"} 2\na 1\na_ 6\na{x=\"}} 9\"} 3\n\tb\t5\na {y=\"1\"} 4\n",
	};
	scrape(f, bodies[0]);
	for (unsigned i = 0; i < 3; i++) {
		scrape(f, bodies[i]);
		CHECK_INT(f->counts.added + f->counts.stale, 0);
		CHECK_INT(f->counts.kept, 6);
	}
	CHECK(strstr(scrape(f, "a{x=\"}\"} 2}\n"), "up 0;") != NULL);
	CHECK(strstr(scrape(f, "a 1 }\n"), "up 0;") != NULL);
	end(f);
}

TESTS(RUN(a_comment_is_read_again_when_it_is_another_one),
      RUN(series_are_told_apart_in_any_order_and_however_odd_their_lines_are),
      RUN(samples_beyond_the_limit_are_counted_and_make_no_series), RUN(what_a_target_says_of_its_metrics_is_told_at_the_first_scrape_that_counts),
      RUN(a_series_that_another_brings_meanwhile_does_not_end_with_its_target),
      RUN(a_scrape_is_one_frame_of_its_samples_and_of_what_it_was), RUN(a_series_that_is_gone_ends_once_and_may_come_again),
      RUN(a_scrape_that_cannot_be_read_counts_nothing_and_ends_all), RUN(a_target_that_is_gone_ends_with_what_was_said_about_it),
      RUN(a_time_of_its_own_is_kept_and_owes_no_end_unless_told), RUN(what_relabelling_drops_is_scraped_and_not_kept),
      RUN(a_limit_that_is_broken_fails_the_scrape), RUN(series_without_room_are_left_out_and_the_others_go_on),
      RUN(what_relabelling_makes_too_long_fails_the_scrape_and_not_the_process),
      RUN(many_series_that_come_and_go_are_all_told_apart))
