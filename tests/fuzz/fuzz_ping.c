/* fuzz_ping.c: any bytes as what a socket for ICMP receives. */
#include "fuzz.h"
#include "wire/ping_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (unsigned i = 0; i < 4; i++) {
		struct ping_echo echo = { 0 };
		bool read = ping_message_read(data, size, i & 1, i & 2, &echo);
		PROMISE(!read || size >= 8 + PING_TOKEN_BYTES);
	}
	return 0;
}
