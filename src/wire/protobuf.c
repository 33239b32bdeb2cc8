/* protobuf.c: see protobuf.h. */
#include "wire/protobuf.h"

#include <string.h>

#define VARINT_BYTES_MAX 10u
#define FIELD_NUMBER_MAX 536870911u /* 2^29 - 1 */

bool protobuf_varint_slow(struct protobuf *at, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < VARINT_BYTES_MAX && at->at < at->end; i++) {
		uint8_t byte = *at->at++;
		if (i == VARINT_BYTES_MAX - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*ret_value = value;
			return true;
		}
	}
	at->broken = true;
	return false;
}

static bool take_fixed(struct protobuf *at, size_t size, uint64_t *ret_value)
{
	uint64_t value = 0;
	if ((size_t)(at->end - at->at) < size)
		return false;
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)at->at[i] << (8 * i);
	at->at += size;
	*ret_value = value;
	return true;
}

static bool take_bytes(struct protobuf *at, struct str *ret_bytes)
{
	uint64_t size;
	if (!protobuf_varint(at, &size) || size > (uint64_t)(at->end - at->at))
		return false;
	*ret_bytes = (struct str){ (const char *)at->at, (size_t)size };
	at->at += size;
	return true;
}

bool protobuf_next(struct protobuf *at, struct protobuf_field *ret)
{
	uint64_t tag;
	if (at->broken || at->at == at->end || !protobuf_varint(at, &tag))
		return false;
	*ret = (struct protobuf_field){ .number = (uint32_t)(tag >> 3), .kind = (enum protobuf_kind)(tag & 7) };
	bool good = tag >> 3 >= 1 && tag >> 3 <= FIELD_NUMBER_MAX;
	switch (ret->kind) {
	case PROTOBUF_VARINT: good = good && protobuf_varint(at, &ret->value); break;
	case PROTOBUF_FIXED64: good = good && take_fixed(at, 8, &ret->value); break;
	case PROTOBUF_FIXED32: good = good && take_fixed(at, 4, &ret->value); break;
	case PROTOBUF_BYTES: good = good && take_bytes(at, &ret->bytes); break;
	default: good = false;
	}
	at->broken = !good;
	return good;
}
