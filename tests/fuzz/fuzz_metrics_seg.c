/* fuzz_metrics_seg.c: any bytes as a file of sealed chunks, closed or open; and with the sums of its records made right. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "metrics/chunk.h"
#include "metrics/seg_priv.h"
#include "metrics/sum.h"

static char folder[64], path[96];

static void list(struct segs *segs, uint32_t reference, uint32_t newest)
{
	struct seg_list found = { NULL, 0, 0 };
	static int64_t times[CHUNK_SAMPLES_MAX];
	static uint64_t values[CHUNK_SAMPLES_MAX];
	seg_list(segs, reference, newest, INT64_MIN, INT64_MAX, &found);
	for (size_t i = 0; i < found.count; i++) {
		PROMISE(found.at[i]->reference == reference);
		chunk_read(found.at[i]->words, found.at[i]->bits, found.at[i]->count, times, values, NULL);
	}
	mem_free(found.at);
}

static void open_and_list(const struct seg_place *place, uint32_t newest)
{
	struct segs segs;
	uint32_t lost;
	seg_init(&segs);
	if (seg_open(&segs, folder, place, &lost, NULL) == OK)
		for (uint32_t reference = 0; reference < 5; reference++)
			list(&segs, reference, newest);
	seg_finish(&segs);
}

static void write_file(const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	PROMISE(fd >= 0 && (size == 0 || write(fd, bytes, size) == (ssize_t)size));
	close(fd);
}

static void as_file(const uint8_t *bytes, size_t size)
{
	struct seg_place closed = { .number = 2, .size = UINT64_MAX };
	struct seg_place open_place = { 1, size / 8 * 8, INT64_MIN, INT64_MAX, 0 };
	write_file(bytes, size);
	open_and_list(&closed, 0);
	open_and_list(&open_place, size > 0 ? bytes[0] % 64 : 0);
}

/* From the header on, each record as long as it says. */
static void mend(uint8_t *bytes, size_t size)
{
	for (size_t at = SEG_HEADER_BYTES; at + sizeof(struct seg_record) <= size;) {
		struct seg_record record;
		memcpy(&record, bytes + at, sizeof record);
		size_t words = (record.bits + 63u) / 64 * 8, whole = sizeof record + words;
		if (whole > size - at)
			break;
		record.sum = sum_more(0, bytes + at + 4, whole - 4);
		memcpy(bytes + at, &record.sum, 4);
		at += whole;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (folder[0] == '\0') {
		snprintf(folder, sizeof folder, "%s/fuzz-seg-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		PROMISE(mkdtemp(folder) != NULL);
		snprintf(path, sizeof path, "%s/00000001.seg", folder);
	}
	as_file(data, size);
	uint8_t *copy = mem_alloc(size + 1);
	memcpy(copy, data, size);
	mend(copy, size);
	as_file(copy, size);
	mem_free(copy);
	unlink(path);
	rmdir(folder);
	folder[0] = '\0';
	return 0;
}
