/*
 * protobuf.h: the encoding of protocol buffers, walked field by field, nothing copied.
 *
 *	struct protobuf at = protobuf_of(message);
 *	struct protobuf_field field;
 *	while (protobuf_next(&at, &field))
 *		if (field.number == 1 && field.kind == PROTOBUF_BYTES) ...
 *	if (at.broken) ...
 *
 * Bounds itself: a length beyond the end, a varint of more than ten bytes, a group and field 0 make it `broken`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum protobuf_kind { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };

struct protobuf {
	const uint8_t *at, *end;
	bool broken;
};

struct protobuf_field {
	uint32_t number;
	enum protobuf_kind kind;
	uint64_t value;   /* of all but BYTES */
	struct str bytes; /* of BYTES */
};

static inline struct protobuf protobuf_of(struct str message)
{
	const uint8_t *at = (const uint8_t *)message.ptr;
	return (struct protobuf){ at, at == NULL ? at : at + message.len, false };
}

bool protobuf_varint_slow(struct protobuf *at, uint64_t *ret_value);

/* False: broken. */
static inline bool protobuf_varint(struct protobuf *at, uint64_t *ret_value)
{
	if (at->at == at->end || *at->at >= 0x80)
		return protobuf_varint_slow(at, ret_value);
	*ret_value = *at->at++;
	return true;
}

bool protobuf_next(struct protobuf *at, struct protobuf_field *ret); /* false: the end, or broken */

static inline bool protobuf_is(const struct protobuf_field *field, uint32_t number, enum protobuf_kind kind)
{
	return field->number == number && field->kind == kind;
}
