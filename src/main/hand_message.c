/* hand_message.c: see hand_message.h. To add a field: a member there, a row here. */
#include "main/hand_message.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define LENGTH_BYTES 4u
#define HEAD_BYTES 10u /* version, kind, id */
#define FIELDS_MAX 7u

enum field_type { FIELD_NONE, FIELD_NUMBER, FIELD_TEXT };

struct field {
	enum field_type type;
	const char *name;
	size_t offset;
	int64_t least, most; /* of the number, or of the text's bytes */
};

#define NUMBER(member, least, most) \
	{ FIELD_NUMBER, #member, offsetof(struct hand_message, member), least, most }
#define TEXT(member, least, most) \
	{ FIELD_TEXT, #member, offsetof(struct hand_message, member), least, most }

static const struct field fields[HAND_KIND_END][FIELDS_MAX + 1] = {
	[HAND_RUN] = { NUMBER(timeout, TIME_MS, HAND_TIMEOUT_MAX), TEXT(name, 1, HAND_NAME_BYTES_MAX),
		       TEXT(input, 0, HAND_INPUT_BYTES_MAX) },
	[HAND_RESULT] = { NUMBER(end, 0, 3), NUMBER(exit_code, 0, 255), NUMBER(number, 0, 64),
			  NUMBER(cut, 0, 1), NUMBER(took, 0, 2 * TIME_HOUR),
			  TEXT(out, 0, HAND_OUTPUT_BYTES_MAX), TEXT(errors, 0, HAND_OUTPUT_BYTES_MAX) },
	[HAND_PLUGIN] = { NUMBER(timeout, TIME_MS, HAND_TIMEOUT_MAX), TEXT(name, 1, HAND_NAME_BYTES_MAX),
			  TEXT(args, 0, HAND_ARGS_BYTES_MAX) },
	[HAND_REFUSED] = { NUMBER(reason, 1, ERR_COUNT - 1), TEXT(text, 1, HAND_TEXT_BYTES_MAX) },
};

/* The largest of each kind fits. */
_Static_assert(LENGTH_BYTES + HEAD_BYTES + 8 + 4 + HAND_NAME_BYTES_MAX + 4 + HAND_INPUT_BYTES_MAX <=
		       HAND_MESSAGE_BYTES_MAX, "a run");
_Static_assert(LENGTH_BYTES + HEAD_BYTES + 5 * 8 + 2 * (4 + HAND_OUTPUT_BYTES_MAX) <=
		       HAND_MESSAGE_BYTES_MAX, "a result");

/* ---- writing ---- */

static void add_number(struct buf *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_addc(out, (char)(value >> (8 * i) & 0xFF));
}

static void add_field(struct buf *out, const struct hand_message *message, const struct field *field)
{
	const char *at = (const char *)message + field->offset;
	if (field->type == FIELD_NUMBER) {
		int64_t value = *(const int64_t *)at;
		assert(value >= field->least && value <= field->most);
		add_number(out, (uint64_t)value, 8);
		return;
	}
	struct str text = *(const struct str *)at;
	assert(text.len >= (size_t)field->least && text.len <= (size_t)field->most);
	add_number(out, text.len, 4);
	buf_add(out, text);
}

static size_t size_of(const struct hand_message *message)
{
	size_t size = HEAD_BYTES;
	for (const struct field *f = fields[message->kind]; f->type != FIELD_NONE; f++) {
		const char *at = (const char *)message + f->offset;
		size += f->type == FIELD_NUMBER ? 8 : 4 + ((const struct str *)at)->len;
	}
	return size;
}

void hand_message_write(const struct hand_message *message, struct buf *out)
{
	assert(message->kind >= HAND_RUN && message->kind < HAND_KIND_END);
	size_t size = size_of(message);
	assert(size + LENGTH_BYTES <= HAND_MESSAGE_BYTES_MAX);
	add_number(out, size, LENGTH_BYTES);
	buf_addc(out, HAND_VERSION);
	buf_addc(out, (char)message->kind);
	add_number(out, message->id, 8);
	for (const struct field *f = fields[message->kind]; f->type != FIELD_NONE; f++)
		add_field(out, message, f);
}

/* ---- reading ---- */

static bool take_number(struct str *bytes, unsigned count, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (bytes->len < count)
		return false;
	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t)(unsigned char)bytes->ptr[i] << (8 * i);
	*bytes = str_sub(*bytes, count, bytes->len);
	*ret_value = value;
	return true;
}

static enum err take_field(struct str *bytes, struct hand_message *message, const struct field *field,
			   struct error *err)
{
	char *at = (char *)message + field->offset;
	uint64_t value;
	if (!take_number(bytes, field->type == FIELD_NUMBER ? 8 : 4, &value))
		return error_set(err, ERR_CORRUPT, "a message ends before its \"%s\"", field->name);
	if (value < (uint64_t)field->least || value > (uint64_t)field->most)
		return error_set(err, ERR_CORRUPT, "\"%s\" of a message is out of its range", field->name);
	if (field->type == FIELD_NUMBER) {
		*(int64_t *)at = (int64_t)value;
		return OK;
	}
	if (value > bytes->len)
		return error_set(err, ERR_CORRUPT, "a message ends within its \"%s\"", field->name);
	*(struct str *)at = str_sub(*bytes, 0, value);
	*bytes = str_sub(*bytes, value, bytes->len);
	return OK;
}

static enum err read_body(struct str body, struct hand_message *message, struct error *err)
{
	uint64_t version, kind;
	if (!take_number(&body, 1, &version) || !take_number(&body, 1, &kind) ||
	    !take_number(&body, 8, &message->id))
		return error_set(err, ERR_CORRUPT, "a message is shorter than its head");
	if (version != HAND_VERSION)
		return error_set(err, ERR_CORRUPT, "a message has version %u, and this is %u",
				 (unsigned)version, HAND_VERSION);
	if (kind < HAND_RUN || kind >= HAND_KIND_END)
		return error_set(err, ERR_CORRUPT, "there is no message of kind %u", (unsigned)kind);
	message->kind = (enum hand_kind)kind;
	for (const struct field *f = fields[kind]; f->type != FIELD_NONE; f++) {
		enum err r = take_field(&body, message, f, err);
		if (r != OK)
			return r;
	}
	if (body.len > 0)
		return error_set(err, ERR_CORRUPT, "a message is longer than its fields");
	return OK;
}

enum err hand_message_read(struct str bytes, struct hand_message *ret_message, size_t *ret_used,
			   struct error *err)
{
	struct hand_message message = { 0 };
	uint64_t length;
	size_t all = bytes.len;
	if (!take_number(&bytes, LENGTH_BYTES, &length)) {
		*ret_used = 0;
		return OK;
	}
	if (length < HEAD_BYTES || length > HAND_MESSAGE_BYTES_MAX - LENGTH_BYTES)
		return error_set(err, ERR_CORRUPT, "a message says that it has %llu bytes",
				 (unsigned long long)length);
	if (length > bytes.len) {
		*ret_used = 0;
		return OK;
	}
	enum err r = read_body(str_sub(bytes, 0, length), &message, err);
	if (r != OK)
		return r;
	assert(LENGTH_BYTES + length <= all);
	*ret_message = message;
	*ret_used = LENGTH_BYTES + length;
	return OK;
}
