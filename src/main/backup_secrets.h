/*
 * backup_secrets.h: what is sealed in a backup, as bytes: records one after the other. Pure.
 *
 *     kind 1, length 4 (big-endian), that many bytes
 *       'B'  which backup this belongs to: its root, 32 bytes; always the first
 *       'K'  the journal's private key as text
 *       'R'  a row of the vault: length of the table's name 1, name, number of values 1, values:
 *            type 1 (0 null, 1 int, 2 real, 3 text, 4 bytes), then 8 bytes or length 4 and bytes
 */
#pragma once

#include "base/buf.h"
#include "journal/tree.h"
#include "store/store_copy.h"

#define SECRETS_RECORD_BYTES_MAX (1u << 20)

struct secrets_record {
	char kind; /* 'B', 'K' or 'R' */
	struct str bytes; /* of 'B' and 'K' */
	struct str table;
	struct store_value values[STORE_COPY_COLUMNS_MAX];
	size_t count;
};

void secrets_print(char kind, struct str bytes, struct buf *out);
/* `out` becomes full when the row is larger than a record may be. */
void secrets_print_row(const char *table, const struct store_value *values, size_t count, struct buf *out);

/* The next record of `bytes`; *ret_used is its length. ret_whole false: more bytes are needed. Texts are
 * borrowed from the bytes. ERR_CORRUPT: no record looks like this. */
enum err secrets_parse(struct str bytes, bool *ret_whole, size_t *ret_used,
		       struct secrets_record *ret_record, struct error *err);
