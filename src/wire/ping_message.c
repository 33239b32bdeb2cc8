/* ping_message.c: see ping_message.h. */
#include "wire/ping_message.h"

#include <string.h>

#define ECHO_REPLY_4 0
#define ECHO_REQUEST_4 8
#define ECHO_REQUEST_6 128
#define ECHO_REPLY_6 129
#define HEAD_BYTES 8

static uint16_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (size % 2 != 0)
		sum += (uint32_t)bytes[size - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void ping_message_write(const struct ping_echo *echo, bool v6, uint8_t ret_bytes[PING_MESSAGE_BYTES])
{
	memset(ret_bytes, 0, PING_MESSAGE_BYTES);
	ret_bytes[0] = v6 ? ECHO_REQUEST_6 : ECHO_REQUEST_4;
	put_16(ret_bytes + 4, echo->id);
	put_16(ret_bytes + 6, echo->seq);
	memcpy(ret_bytes + HEAD_BYTES, echo->token, PING_TOKEN_BYTES);
	if (!v6)
		put_16(ret_bytes + 2, checksum(ret_bytes, PING_MESSAGE_BYTES));
}

static size_t header_size(const uint8_t *bytes, size_t size)
{
	if (size < 20 || bytes[0] >> 4 != 4)
		return SIZE_MAX;
	size_t length = (size_t)(bytes[0] & 15) * 4;
	return length >= 20 ? length : SIZE_MAX;
}

bool ping_message_read(const uint8_t *bytes, size_t size, bool v6, bool headed,
                       struct ping_echo *ret_echo)
{
	size_t skipped = headed ? header_size(bytes, size) : 0;
	if (skipped > size || size - skipped < HEAD_BYTES + PING_TOKEN_BYTES)
		return false;
	const uint8_t *at = bytes + skipped;
	if (at[0] != (v6 ? ECHO_REPLY_6 : ECHO_REPLY_4) || at[1] != 0)
		return false;
	ret_echo->id = (uint16_t)(at[4] << 8 | at[5]);
	ret_echo->seq = (uint16_t)(at[6] << 8 | at[7]);
	memcpy(ret_echo->token, at + HEAD_BYTES, PING_TOKEN_BYTES);
	return true;
}
