/*
 * fuzz_backup.c: any bytes as a backup's manifest, its tail, and what was sealed in it. What is accepted
 * prints as it was read; a record never reaches beyond the bytes it came in.
 */
#include <string.h>

#include "fuzz.h"
#include "main/backup_manifest.h"
#include "main/backup_secrets.h"

static void try_manifest(struct str text)
{
	struct backup_manifest manifest;
	cleanup_buf struct buf again;
	buf_init(&again, BACKUP_MANIFEST_BYTES_MAX);
	if (backup_manifest_parse(text, NULL, &manifest, NULL) != OK)
		return;
	PROMISE(manifest.store.bytes > 0);
	PROMISE(manifest.left_out_count <= BACKUP_LEFT_OUT_MAX);
	if (manifest.key[0] != '\0')
		return; /* printing it again would need the private key */
	backup_manifest_print(&manifest, NULL, &again);
	PROMISE(str_eq(buf_str(&again), text));
}

static void try_tail(struct str text)
{
	char tail[BACKUP_TAIL_BYTES];
	unsigned char hash[BACKUP_HASH_BYTES];
	int64_t length;
	memset(tail, ' ', sizeof tail);
	memcpy(tail, text.ptr, text.len < sizeof tail ? text.len : sizeof tail);
	if (backup_tail_parse(tail, &length, hash))
		PROMISE(length > 0 && length <= (int64_t)BACKUP_MANIFEST_BYTES_MAX);
}

static void try_secrets(struct str bytes)
{
	struct secrets_record record;
	bool whole = true;
	size_t used = 0;
	while (secrets_parse(bytes, &whole, &used, &record, NULL) == OK && whole) {
		PROMISE(used > 0 && used <= bytes.len);
		PROMISE(record.count <= STORE_COPY_COLUMNS_MAX);
		for (size_t i = 0; i < record.count; i++) {
			struct str text = record.values[i].text;
			if (record.values[i].type >= STORE_TYPE_TEXT && text.len > 0)
				PROMISE(text.ptr >= bytes.ptr && text.ptr + text.len <= bytes.ptr + used);
		}
		bytes = str_sub(bytes, used, bytes.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	try_manifest(bytes);
	try_tail(bytes);
	try_secrets(bytes);
	return 0;
}
