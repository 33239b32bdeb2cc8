/* test_monitor_samples.c: what other programs send is kept, each good sample of it, and what is not is told. */
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "monitor/sample_intake.h"
#include "wire/test_remote_write.h"

#define NOW_MS INT64_C(2000000000)

struct world {
	struct metrics *metrics;
	struct sample_intake *intake;
	struct sample_intake_told told;
	struct error err;
	bool full;
};

static enum err append(void *context, const struct metrics_frame *frame, struct metrics_tally *tally, struct error *err)
{
	struct world *world = context;
	if (world->full)
		return error_set(err, ERR_UNAVAILABLE, "could not keep samples: the disk is full");
	metrics_append(world->metrics, frame, tally);
	return OK;
}

static void begin(struct world *world, uint32_t series_max)
{
	struct metrics_options options = METRICS_OPTIONS_DEFAULT;
	struct random random;
	*world = (struct world){ .full = false };
	options.series_max = series_max;
	options.late_ms_max = 1000;
	random_seeded(&random, 3);
	metrics_create(&options, &random, &world->metrics);
	struct sample_intake_options intake = { world->metrics, &random, append, world };
	sample_intake_create(&intake, &world->intake);
}

static void end(struct world *world)
{
	sample_intake_destroy(&world->intake);
	metrics_destroy(&world->metrics);
}

static enum err send_message(struct world *world, const struct buf *message, enum remote_write_version version)
{
	char *block;
	size_t size;
	snappy_block_pack(buf_str(message), &block, &size);
	enum err r = sample_intake_take(world->intake, (struct str){ block, size }, version, NOW_MS,
				       &world->told, &world->err);
	mem_free(block);
	return r;
}

/* One sample of one series. */
static enum err send(struct world *world, const char *labels, int64_t time_ms, double value)
{
	struct buf message;
	buf_init(&message, WRITTEN_BYTES_MAX);
	put_series(&message, labels, time_ms, value);
	enum err r = send_message(world, &message, REMOTE_WRITE_1);
	buf_finish(&message);
	return r;
}

static void is_kept(struct world *world, const char *labels, int64_t time_ms, double value)
{
	if (send(world, labels, time_ms, value) != OK)
		fail_msg("%s at %lld: %s", labels, (long long)time_ms, world->err.text);
	CHECK_INT(world->told.samples, 1);
}

static void is_refused(struct world *world, const char *labels, int64_t time_ms, double value, const char *why)
{
	CHECK_INT(send(world, labels, time_ms, value), ERR_INVALID);
	CHECK_INT(world->told.refused, 1);
	if (strstr(world->err.text, why) == NULL)
		fail_msg("wanted \"%s\" in \"%s\"", why, world->err.text);
}

static struct metrics_figures figures(struct world *world)
{
	struct metrics_figures figures;
	metrics_figures(world->metrics, &figures);
	return figures;
}

TEST(samples_are_kept_and_the_order_of_labels_makes_no_second_series)
{
	struct world world;
	begin(&world, 100);
	is_kept(&world, "__name__=up,job=a", 1000, 1);
	is_kept(&world, "job=a,__name__=up", 2000, 1);
	is_kept(&world, "job=a,none=,__name__=up", 3000, 1);
	is_kept(&world, "__name__=up,job=a", 4000, 1);
	CHECK_INT(figures(&world).series, 1);
	CHECK_INT(figures(&world).samples, 4);
	end(&world);
}

TEST(the_same_sample_again_is_fine_another_value_or_an_old_one_is_not)
{
	struct world world;
	begin(&world, 100);
	is_kept(&world, "__name__=up", 10000, 1);
	is_kept(&world, "__name__=up", 10000, 1);
	is_refused(&world, "__name__=up", 10000, 2, "another value is there");
	is_kept(&world, "__name__=up", 9500, 2);
	is_refused(&world, "__name__=up", 8000, 2, "older than samples may be");
	CHECK_INT(figures(&world).samples, 2);
	end(&world);
}

TEST(labels_that_cannot_be_are_refused_and_the_rest_of_the_message_is_kept)
{
	struct world world;
	struct buf message;
	begin(&world, 100);
	is_refused(&world, "job=a", 1, 1, "has no __name__");
	is_refused(&world, "__name__=up,a=1,a=2", 1, 1, "the label \"a\" twice");
	is_refused(&world, "__name__=up,=2", 1, 1, "without a name");
	is_refused(&world, "__name__=up,a=\xff", 1, 1, "not UTF-8");
	buf_init(&message, WRITTEN_BYTES_MAX);
	put_series(&message, "__name__=up,a=1", 1000, 1);
	put_series(&message, "a=2", 1000, 1);
	put_series(&message, "__name__=up,a=3", 1000, 1);
	CHECK_INT(send_message(&world, &message, REMOTE_WRITE_1), ERR_INVALID);
	CHECK_TEXT(world.err.text, "1 of 3 samples were refused, the others are kept: a series has no __name__");
	CHECK_INT(world.told.samples, 2);
	CHECK_INT(figures(&world).series, 2);
	buf_finish(&message);
	end(&world);
}

TEST(at_a_limit_new_series_are_refused_and_known_ones_flow_on)
{
	struct world world;
	begin(&world, 1);
	is_kept(&world, "__name__=up", 1000, 1);
	is_refused(&world, "__name__=down", 1000, 1, "down");
	is_kept(&world, "__name__=up", 2000, 1);
	end(&world);
}

TEST(when_nothing_can_be_kept_it_is_said_so_that_it_is_sent_again)
{
	struct world world;
	begin(&world, 100);
	world.full = true;
	CHECK_INT(send(&world, "__name__=up", 1000, 1), ERR_UNAVAILABLE);
	CHECK_INT(world.told.samples, 0);
	world.full = false;
	is_kept(&world, "__name__=up", 1000, 1);
	end(&world);
}

TEST(a_damaged_message_changes_nothing)
{
	struct world world;
	struct buf message;
	begin(&world, 100);
	buf_init(&message, WRITTEN_BYTES_MAX);
	put_series(&message, "__name__=up", 1000, 1);
	buf_addc(&message, 0x0a);
	CHECK_INT(send_message(&world, &message, REMOTE_WRITE_1), ERR_INVALID);
	CHECK_INT(figures(&world).series, 0);
	CHECK_INT(sample_intake_take(world.intake, STR("no snappy"), REMOTE_WRITE_1, NOW_MS, &world.told, &world.err),
		  ERR_INVALID);
	buf_finish(&message);
	end(&world);
}

TEST(a_sender_whose_clock_is_ahead_makes_nobody_elses_samples_too_old)
{
	struct world world;
	begin(&world, 100);
	is_kept(&world, "__name__=up,job=right", NOW_MS, 1);
	is_kept(&world, "__name__=up,job=nearly", NOW_MS + SAMPLE_INTAKE_AHEAD_MS, 1);
	is_refused(&world, "__name__=up,job=wrong", NOW_MS + SAMPLE_INTAKE_AHEAD_MS + 1, 1,
		   "a sample of 2000600001 was refused, because it is more than 10 minutes ahead of this server's clock");
	is_refused(&world, "__name__=up,job=wrong", INT64_MAX, 1, "ahead of this server's clock");
	is_kept(&world, "__name__=up,job=right", NOW_MS + SAMPLE_INTAKE_AHEAD_MS - 999, 2);
	end(&world);
}

TEST(both_versions_name_the_same_series)
{
	static const char *const symbols[] = { "", "__name__", "up", "job", "a" };
	struct world world;
	struct buf message;
	begin(&world, 100);
	is_kept(&world, "__name__=up,job=a", 1000, 1);
	buf_init(&message, WRITTEN_BYTES_MAX);
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
		put_field(&message, 4, str_of(symbols[i]));
	put_series_2(&message, "\1\2\3\4", 4, 2000, 2);
	put_series_2(&message, "\3\4\1\2", 4, 3000, 3);
	if (send_message(&world, &message, REMOTE_WRITE_2) != OK)
		fail_msg("%s", world.err.text);
	CHECK_INT(world.told.samples, 2);
	CHECK_INT(figures(&world).series, 1);
	buf_finish(&message);
	end(&world);
}

TEST(ten_thousand_series_are_known_by_their_bytes)
{
	struct world world;
	struct sample_intake_figures intake;
	begin(&world, 20000);
	for (int round = 1; round <= 3; round++) {
		struct buf message;
		char labels[100];
		buf_init(&message, WRITTEN_BYTES_MAX);
		for (int i = 0; i < 10000; i++) {
			snprintf(labels, sizeof labels, "__name__=up,instance=host-%d", i);
			put_series(&message, labels, round * 1000, i);
		}
		if (send_message(&world, &message, REMOTE_WRITE_1) != OK)
			fail_msg("%s", world.err.text);
		buf_finish(&message);
	}
	sample_intake_figures(world.intake, &intake);
	CHECK_INT(intake.known, 10000);
	CHECK_INT(intake.samples, 30000);
	CHECK_INT(figures(&world).series, 10000);
	CHECK_INT(figures(&world).samples, 30000);
	end(&world);
}

static bool see_family(void *context, const struct sample_family *family)
{
	buf_printf(context, STR_FMT " %s " STR_FMT ";", STR_ARG(family->name), family->type, STR_ARG(family->help));
	return true;
}

static void tell_family(struct buf *message, const char *name, unsigned type, const char *help)
{
	struct buf metadata;
	buf_init(&metadata, 65536);
	put_number(&metadata, 1, type);
	put_field(&metadata, 2, str_of(name));
	put_field(&metadata, 4, str_of(help));
	put_field(message, 3, buf_str(&metadata));
	buf_finish(&metadata);
}

TEST(what_is_told_of_families_is_the_newest_by_name)
{
	struct world world;
	struct buf message, seen;
	begin(&world, 100);
	buf_init(&message, WRITTEN_BYTES_MAX);
	buf_init(&seen, 65536);
	tell_family(&message, "up", 2, "is it up");
	tell_family(&message, "a", 1, "first");
	tell_family(&message, "up", 2, "whether it is up");
	CHECK_INT(send_message(&world, &message, REMOTE_WRITE_1), OK);
	sample_intake_families(world.intake, STR_NONE, see_family, &seen);
	CHECK_STR(buf_str(&seen), "a counter first;up gauge whether it is up;");
	buf_reset(&seen);
	sample_intake_families(world.intake, STR("up"), see_family, &seen);
	CHECK_STR(buf_str(&seen), "up gauge whether it is up;");
	buf_finish(&message);
	buf_finish(&seen);
	end(&world);
}

TESTS(RUN(samples_are_kept_and_the_order_of_labels_makes_no_second_series),
      RUN(the_same_sample_again_is_fine_another_value_or_an_old_one_is_not),
      RUN(labels_that_cannot_be_are_refused_and_the_rest_of_the_message_is_kept),
      RUN(at_a_limit_new_series_are_refused_and_known_ones_flow_on),
      RUN(when_nothing_can_be_kept_it_is_said_so_that_it_is_sent_again), RUN(a_damaged_message_changes_nothing),
      RUN(a_sender_whose_clock_is_ahead_makes_nobody_elses_samples_too_old),
      RUN(both_versions_name_the_same_series), RUN(ten_thousand_series_are_known_by_their_bytes),
      RUN(what_is_told_of_families_is_the_newest_by_name))
