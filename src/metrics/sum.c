/* sum.c: see sum.h. By the processor where it can (a restart reads tens of megabytes), else by a table of half bytes. */
#include "metrics/sum.h"

#include <string.h>

static uint32_t by_table(uint32_t sum, const unsigned char *bytes, size_t size)
{
	static const uint32_t table[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc,
		                            0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
		                            0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };
	for (size_t i = 0; i < size; i++) {
		sum ^= bytes[i];
		sum = sum >> 4 ^ table[sum & 15];
		sum = sum >> 4 ^ table[sum & 15];
	}
	return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_processor(uint32_t sum, const unsigned char *bytes, size_t size)
{
	uint64_t wide = sum, word;
	for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
		memcpy(&word, bytes, sizeof word);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	for (sum = (uint32_t)wide; size > 0; size--)
		sum = __builtin_ia32_crc32qi(sum, *bytes++);
	return sum;
}
#endif

uint32_t sum_more(uint32_t before, const void *bytes, size_t size)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_processor(~before, bytes, size);
#endif
	return ~by_table(~before, bytes, size);
}
