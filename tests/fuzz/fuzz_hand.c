/* fuzz_hand.c: any bytes as messages between server and hand. What is accepted writes back to the same
 * bytes, and nothing is read beyond its end. */
#include <string.h>

#include "fuzz.h"
#include "main/hand_message.h"

#define MESSAGES_MAX 1000

static bool is_within(struct str part, struct str whole)
{
	return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void write_back(const struct hand_message *message, struct str bytes)
{
	cleanup_buf struct buf again;
	buf_init(&again, HAND_MESSAGE_BYTES_MAX);
	hand_message_write(message, &again);
	PROMISE(!again.full && str_eq(buf_str(&again), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		struct hand_message message;
		struct error err = { 0 };
		size_t used = 0;
		enum err result = hand_message_read(rest, &message, &used, &err);
		PROMISE(result == OK || (result == ERR_CORRUPT && err.text[0] != '\0'));
		if (result != OK || used == 0) {
			PROMISE(result != OK || rest.len < HAND_MESSAGE_BYTES_MAX);
			return 0;
		}
		PROMISE(used <= rest.len);
		struct str bytes = str_sub(rest, 0, used);
		PROMISE(is_within(message.name, bytes) && is_within(message.input, bytes));
		PROMISE(is_within(message.out, bytes) && is_within(message.errors, bytes));
		PROMISE(is_within(message.text, bytes) && is_within(message.args, bytes));
		write_back(&message, bytes);
		rest = str_sub(rest, used, rest.len);
	}
	return 0;
}
