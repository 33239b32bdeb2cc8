/* test_metrics_seg.c: sealed chunks are found by series and range; damage costs one record and is told. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "metrics/map_fault.h"
#include "metrics/test_metrics_data.h"

#define REFERENCES 7u
#define RECORDS 300u /* over five windows */
#define SPAN_MS (SEG_WINDOW_MS / 60)

/* What was put: record i is of reference i * 3 % REFERENCES, SPAN_MS long, and says its number in its second word. */
static uint32_t heads[REFERENCES];

static uint32_t reference_of(unsigned i)
{
	return i * 3 % REFERENCES;
}

static int64_t first_of(unsigned i)
{
	return START + i * SPAN_MS;
}

static bool put(struct segs *segs, unsigned i)
{
	uint64_t words[40] = { (uint64_t)first_of(i), i };
	uint32_t reference = reference_of(i);
	return seg_put(segs, first_of(i), reference, heads[reference], words, 130 + i * 7 % 2400, 1 + i % 240,
		       first_of(i) + SPAN_MS - 1, &heads[reference]);
}

static void fill(struct segs *segs, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		if (seg_is_past(segs, first_of(i))) {
			CHECK(seg_close_file(segs, heads, REFERENCES));
			memset(heads, 0, sizeof heads);
		}
		CHECK(put(segs, i));
	}
}

/* How many of the records are found for [from, to] of all series, newest first; each is right. */
static unsigned found(struct segs *segs, int64_t from_ms, int64_t to_ms)
{
	unsigned count = 0;
	for (uint32_t reference = 0; reference <= REFERENCES; reference++) {
		struct seg_list list = { NULL, 0, 0 };
		seg_list(segs, reference, reference < REFERENCES ? heads[reference] : 0, from_ms, to_ms, &list);
		for (size_t i = 0; i < list.count; i++) {
			const struct seg_record *record = list.at[i];
			unsigned number = (unsigned)record->words[1];
			CHECK(number < RECORDS && reference_of(number) == reference && record->reference == reference);
			CHECK((int64_t)record->words[0] == first_of(number) && record->count == 1 + number % 240);
			CHECK(record->last_ms >= from_ms && first_of(number) <= to_ms);
			CHECK(i == 0 || number < list.at[i - 1]->words[1]);
		}
		count += (unsigned)list.count;
		mem_free(list.at);
	}
	return count;
}

static unsigned all_found(struct segs *segs)
{
	return found(segs, INT64_MIN, INT64_MAX);
}

static void begin(struct segs *segs)
{
	memset(heads, 0, sizeof heads);
	seg_init(segs);
}

static void begin_in_folder(struct segs *segs)
{
	uint32_t lost;
	struct error err;
	begin(segs);
	CHECK_OK(seg_open(segs, folder, NULL, &lost, &err));
}

TEST(records_are_found_by_series_and_range_in_memory_and_in_a_folder)
{
	struct segs segs;
	fresh_folder();
	for (unsigned round = 0; round < 2; round++) {
		if (round == 0)
			begin(&segs);
		else
			begin_in_folder(&segs);
		fill(&segs, 0, RECORDS);
		CHECK_INT(all_found(&segs), RECORDS);
		for (unsigned i = 0; i < RECORDS; i += 11)
			for (unsigned length = 1; i + length <= RECORDS; length *= 3)
				CHECK_INT(found(&segs, first_of(i), first_of(i + length) - 1), length);
		CHECK_INT(found(&segs, INT64_MIN, START - 1), 0);
		CHECK(segs.count >= 5 && atomic_load(&segs.damaged) == 0);
		seg_finish(&segs);
	}
	remove_folder();
}

/* A folder with closed files, and an open one that a checkpoint knows. */
static struct seg_place filled_folder(struct copy *ret_copy)
{
	struct segs segs;
	fresh_folder();
	begin_in_folder(&segs);
	fill(&segs, 0, RECORDS);
	CHECK(seg_flush(&segs));
	struct seg_place place = seg_place(&segs);
	seg_finish(&segs);
	keep_files(ret_copy);
	return place;
}

static unsigned found_again(const struct seg_place *place, uint64_t *ret_damaged)
{
	struct segs segs;
	struct error err;
	uint32_t lost;
	seg_init(&segs);
	CHECK_OK(seg_open(&segs, folder, place, &lost, &err));
	unsigned count = all_found(&segs);
	*ret_damaged = atomic_load(&segs.damaged);
	seg_finish(&segs);
	return count;
}

TEST(a_bit_flipped_anywhere_costs_one_record_at_most_and_is_told)
{
	struct copy copy;
	uint64_t damaged;
	struct seg_place place = filled_folder(&copy);
	CHECK_INT(found_again(&place, &damaged), RECORDS);
	CHECK_INT(damaged, 0);
	for (unsigned file = 0; file < copy.count; file++)
		for (size_t at = file; at < copy.sizes[file]; at += at + 200 > copy.sizes[file] ? 1 : 149) {
			struct error err;
			char path[160];
			snprintf(path, sizeof path, "%s/%s", folder, copy.names[file]);
			copy.bytes[file][at] ^= (char)(1 << at % 8);
			CHECK_OK(file_write(path, (struct str){ copy.bytes[file], copy.sizes[file] }, 0600, &err));
			CHECK(found_again(&place, &damaged) >= RECORDS - 1);
			CHECK(damaged > 0);
			copy.bytes[file][at] ^= (char)(1 << at % 8);
			CHECK_OK(file_write(path, (struct str){ copy.bytes[file], copy.sizes[file] }, 0600, &err));
		}
	CHECK_INT(found_again(&place, &damaged), RECORDS);
	CHECK_INT(damaged, 0);
	forget_files(&copy);
	remove_folder();
}

TEST(a_file_cut_short_serves_what_is_left_and_one_taken_away_is_told)
{
	struct copy copy;
	uint64_t damaged;
	char path[96];
	struct seg_place place = filled_folder(&copy);
	path_to(place.number, "seg", path);
	CHECK_INT(truncate(path, (off_t)place.size - 100), 0);
	CHECK_INT(found_again(&place, &damaged), RECORDS - 1);
	CHECK(damaged > 0);
	restore_files(&copy);
	path_to(2, "seg", path);
	CHECK_INT(truncate(path, 5000), 0);
	unsigned left = found_again(&place, &damaged);
	CHECK(left > RECORDS * 3 / 4 && left < RECORDS && damaged > 0);
	CHECK_INT(unlink(path), 0);
	left = found_again(&place, &damaged);
	CHECK(left > RECORDS * 3 / 4 && left < RECORDS && damaged > 0);
	forget_files(&copy);
	remove_folder();
}

#define MANY 3000u

/* Large records of a series that all_found does not ask for, in the open file. */
static bool put_many(struct segs *segs, uint32_t *newest)
{
	uint64_t words[40] = { (uint64_t)first_of(RECORDS - 1), RECORDS - 1 };
	bool put = true;
	for (unsigned i = 0; i < MANY && put; i++)
		put = seg_put(segs, first_of(RECORDS - 1), REFERENCES + 1, *newest, words, 2400, 9, first_of(RECORDS - 1), newest);
	return put && seg_flush(segs);
}

static size_t chained(struct segs *segs, uint32_t newest)
{
	struct seg_list list = { NULL, 0, 0 };
	seg_list(segs, REFERENCES + 1, newest, INT64_MIN, INT64_MAX, &list);
	mem_free(list.at);
	return list.count;
}

/* What a bad sector under a map looks like, too: the kernel answers both with SIGBUS. */
TEST(pages_that_go_while_they_are_mapped_cost_what_was_on_them_and_are_told)
{
	struct segs segs;
	char path[96];
	uint32_t at = 0;
	fresh_folder();
	begin_in_folder(&segs);
	fill(&segs, 0, RECORDS);
	CHECK(seg_flush(&segs));
	CHECK_INT(all_found(&segs), RECORDS);
	uint64_t faults = map_fault_count();
	path_to(2, "seg", path);
	CHECK_INT(truncate(path, 4096), 0); /* its heads had been found to be right */
	unsigned left = all_found(&segs);
	CHECK(left > RECORDS * 3 / 4 && left < RECORDS);
	CHECK(map_fault_count() > faults && atomic_load(&segs.damaged) > 0);
	CHECK_INT(all_found(&segs), left);
	CHECK(put_many(&segs, &at));
	path_to(segs.last_number, "seg", path);
	faults = map_fault_count();
	CHECK_INT(truncate(path, 4096), 0);
	size_t on_first_page = chained(&segs, at);
	CHECK(on_first_page > 0 && on_first_page < 20);
	CHECK(map_fault_count() > faults);
	CHECK(put_many(&segs, &at)); /* the map grows, although it has empty pages */
	CHECK_INT(chained(&segs, at), MANY + on_first_page);
	CHECK_INT(all_found(&segs), left);
	seg_finish(&segs);
	remove_folder();
}

TEST(what_no_checkpoint_knows_is_cut_off_and_without_one_all_is_set_aside)
{
	struct copy copy;
	uint64_t damaged;
	struct seg_place place = filled_folder(&copy);
	struct segs segs;
	struct error err;
	uint32_t lost;
	seg_init(&segs);
	CHECK_OK(seg_open(&segs, folder, &place, &lost, &err));
	uint64_t words[40] = { (uint64_t)START, 1 };
	uint32_t at, newest = heads[0];
	CHECK(seg_put(&segs, first_of(RECORDS), 0, newest, words, 2000, 9, START + 1, &heads[0]));
	CHECK(seg_close_file(&segs, heads, REFERENCES));
	heads[0] = newest;
	CHECK(seg_put(&segs, first_of(RECORDS), 0, 0, words, 2000, 9, START + 1, &at));
	CHECK(seg_flush(&segs));
	seg_finish(&segs);
	CHECK_INT(found_again(&place, &damaged), RECORDS);
	CHECK_INT(damaged, 0);
	seg_init(&segs); /* closed sooner than before: its end is where a file's end is looked for */
	CHECK_OK(seg_open(&segs, folder, &place, &lost, &err));
	CHECK(seg_close_file(&segs, heads, REFERENCES));
	struct seg_place closed = seg_place(&segs);
	seg_finish(&segs);
	CHECK_INT(found_again(&closed, &damaged), RECORDS);
	CHECK_INT(damaged, 0);
	unsigned files = files_ending(".seg", false);
	seg_init(&segs);
	CHECK_OK(seg_open(&segs, folder, NULL, &lost, &err));
	CHECK_INT(lost, files);
	CHECK_INT(files_ending(".lost", false), files);
	seg_finish(&segs);
	forget_files(&copy);
	remove_folder();
}

TEST(files_go_when_all_in_them_is_expired_and_their_bytes_with_them)
{
	struct segs segs;
	fresh_folder();
	begin_in_folder(&segs);
	fill(&segs, 0, RECORDS);
	unsigned files = files_ending(".seg", false);
	size_t bytes = segs.bytes;
	CHECK_INT(seg_expire(&segs, START), 0);
	int64_t end = segs.files[0]->last_ms + 1;
	CHECK_INT(seg_expire(&segs, end - 1), 0);
	CHECK_INT(seg_expire(&segs, end), 1);
	CHECK_INT(files_ending(".seg", false), files - 1);
	CHECK(segs.bytes < bytes);
	CHECK_INT(found(&segs, INT64_MIN, end - 1), 0);
	CHECK_INT(found(&segs, end, INT64_MAX), RECORDS - (unsigned)((end - START) / SPAN_MS));
	CHECK_INT(seg_expire(&segs, INT64_MAX), files - 2); /* the open one stays */
	CHECK_INT(files_ending(".seg", false), 1);
	seg_finish(&segs);
	remove_folder();
}

TEST(a_disk_that_takes_no_more_refuses_the_record_and_takes_it_when_there_is_room)
{
	struct segs segs;
	struct rlimit old, small;
	unsigned i = 0;
	fresh_folder();
	begin_in_folder(&segs);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ 70000, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	uint64_t words[40] = { (uint64_t)START };
	uint32_t at, newest = 0;
	for (; seg_put(&segs, START, 0, newest, words, 40 * 64, 9, START + i, &at); i++)
		newest = at;
	CHECK(i > 100 && i < 1000);
	CHECK(!seg_put(&segs, START, 0, newest, words, 40 * 64, 9, START + i, &at));
	struct seg_list list = { NULL, 0, 0 };
	seg_list(&segs, 0, newest, INT64_MIN, INT64_MAX, &list);
	CHECK_INT(list.count, i);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(seg_put(&segs, START, 0, newest, words, 40 * 64, 9, START + i, &newest));
	list.count = 0;
	seg_list(&segs, 0, newest, INT64_MIN, INT64_MAX, &list);
	CHECK_INT(list.count, i + 1);
	CHECK_INT(atomic_load(&segs.damaged), 0);
	mem_free(list.at);
	seg_finish(&segs);
	remove_folder();
}

TESTS(RUN(records_are_found_by_series_and_range_in_memory_and_in_a_folder),
      RUN(a_bit_flipped_anywhere_costs_one_record_at_most_and_is_told),
      RUN(a_file_cut_short_serves_what_is_left_and_one_taken_away_is_told),
      RUN(pages_that_go_while_they_are_mapped_cost_what_was_on_them_and_are_told),
      RUN(what_no_checkpoint_knows_is_cut_off_and_without_one_all_is_set_aside),
      RUN(files_go_when_all_in_them_is_expired_and_their_bytes_with_them),
      RUN(a_disk_that_takes_no_more_refuses_the_record_and_takes_it_when_there_is_room))
