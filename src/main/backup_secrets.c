/* backup_secrets.c: see backup_secrets.h. */
#include "main/backup_secrets.h"

#include <assert.h>
#include <string.h>

#define HEAD_BYTES 5u

static void put_number(struct buf *out, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		buf_addc(out, (char)(value >> (8 * bytes)));
}

void secrets_print(char kind, struct str bytes, struct buf *out)
{
	buf_addc(out, kind);
	put_number(out, bytes.len, 4);
	buf_add(out, bytes);
}

static void put_value(struct buf *out, const struct store_value *value)
{
	uint64_t bits = 0;
	buf_addc(out, (char)value->type);
	switch (value->type) {
	case STORE_TYPE_NULL:
		return;
	case STORE_TYPE_INT:
		put_number(out, (uint64_t)value->integer, 8);
		return;
	case STORE_TYPE_REAL:
		memcpy(&bits, &value->real, sizeof bits);
		put_number(out, bits, 8);
		return;
	case STORE_TYPE_TEXT:
	case STORE_TYPE_BYTES:
		put_number(out, value->text.len, 4);
		buf_add(out, value->text);
		return;
	}
}

void secrets_print_row(const char *table, const struct store_value *values, size_t count, struct buf *out)
{
	cleanup_buf struct buf row;
	assert(strlen(table) < 256);
	assert(count <= STORE_COPY_COLUMNS_MAX);
	buf_init(&row, SECRETS_RECORD_BYTES_MAX);
	put_number(&row, strlen(table), 1);
	buf_adds(&row, table);
	put_number(&row, count, 1);
	for (size_t i = 0; i < count; i++)
		put_value(&row, &values[i]);
	out->full = out->full || row.full;
	secrets_print('R', buf_str(&row), out);
}

/* ---- reading ---- */

static bool take_number(struct str *rest, unsigned bytes, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (rest->len < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | (unsigned char)rest->ptr[i];
	*rest = str_sub(*rest, bytes, rest->len);
	*ret_value = value;
	return true;
}

static bool take_bytes(struct str *rest, uint64_t length, struct str *ret_bytes)
{
	if (length > rest->len)
		return false;
	*ret_bytes = str_sub(*rest, 0, (size_t)length);
	*rest = str_sub(*rest, (size_t)length, rest->len);
	return true;
}

static bool take_value(struct str *rest, struct store_value *ret_value)
{
	uint64_t type, number = 0;
	struct store_value value = STORE_NULL;
	if (!take_number(rest, 1, &type) || type > STORE_TYPE_BYTES)
		return false;
	value.type = (enum store_type)type;
	bool numeric = value.type == STORE_TYPE_INT || value.type == STORE_TYPE_REAL;
	bool textual = value.type == STORE_TYPE_TEXT || value.type == STORE_TYPE_BYTES;
	if ((numeric || textual) && !take_number(rest, numeric ? 8 : 4, &number))
		return false;
	if (textual && !take_bytes(rest, number, &value.text))
		return false;
	if (value.type == STORE_TYPE_INT)
		value.integer = (int64_t)number;
	if (value.type == STORE_TYPE_REAL)
		memcpy(&value.real, &number, sizeof value.real);
	*ret_value = value;
	return true;
}

static bool row_read(struct str bytes, struct secrets_record *record)
{
	uint64_t length, count;
	if (!take_number(&bytes, 1, &length) || !take_bytes(&bytes, length, &record->table) ||
	    !take_number(&bytes, 1, &count) || count > STORE_COPY_COLUMNS_MAX)
		return false;
	for (record->count = 0; record->count < count; record->count++) {
		if (!take_value(&bytes, &record->values[record->count]))
			return false;
	}
	return bytes.len == 0;
}

enum err secrets_parse(struct str bytes, bool *ret_whole, size_t *ret_used,
		       struct secrets_record *ret_record, struct error *err)
{
	struct secrets_record record = { .kind = '\0' };
	struct str rest = bytes;
	uint64_t kind, length;
	*ret_whole = false;
	if (!take_number(&rest, 1, &kind) || !take_number(&rest, 4, &length))
		return OK;
	record.kind = (char)kind;
	if (strchr("BKR", record.kind) == NULL || record.kind == '\0' || length > SECRETS_RECORD_BYTES_MAX)
		return error_set(err, ERR_CORRUPT, "the sealed part holds something unknown");
	if (!take_bytes(&rest, length, &record.bytes))
		return OK;
	if (record.kind == 'R' && !row_read(record.bytes, &record))
		return error_set(err, ERR_CORRUPT, "the sealed part holds a row that cannot be read");
	*ret_whole = true;
	*ret_used = HEAD_BYTES + (size_t)length;
	*ret_record = record;
	return OK;
}
