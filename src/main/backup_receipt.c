/*
 * backup_receipt.c: how the process that made a backup tells the server: DATA/backup.made, a file that
 * only whoever owns the folder can write. The server records it and removes it; told twice, it is
 * recorded once.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "main/backup.h"
#include "sys/file.h"

#define RECEIPT_BYTES_MAX 4096u
#define RECEIPT_NAME "backup.made"

static void path_of(const char *data, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%.1000s/" RECEIPT_NAME, data);
}

enum err backup_receipt_put(const char *data, const struct backup_made *made, struct error *err)
{
	char path[BACKUP_PATH_BYTES];
	const char *slash = strrchr(made->path, '/');
	cleanup_buf struct buf text;
	buf_init(&text, RECEIPT_BYTES_MAX);
	path_of(data, path, sizeof path);
	buf_printf(&text, "%lld %lld %lld %d %.255s\n", (long long)made->manifest.made,
		   (long long)made->manifest.events, (long long)made->bytes, made->manifest.sealed.bytes > 0,
		   slash != NULL ? slash + 1 : made->path);
	return file_write(path, buf_str(&text), 0600, err);
}

static bool receipt_read(struct str text, struct journal_backup *backup)
{
	struct str made, events, bytes, secrets, rest;
	int64_t sealed;
	bool read = str_cut(text, ' ', &made, &rest) && str_cut(rest, ' ', &events, &rest) &&
		    str_cut(rest, ' ', &bytes, &rest) && str_cut(rest, ' ', &secrets, &rest) &&
		    str_cut(rest, '\n', &backup->name, &rest) && str_int(made, 1, INT64_MAX, &backup->made) &&
		    str_int(events, 0, INT64_MAX, &backup->events) && str_int(bytes, 0, INT64_MAX, &backup->bytes) &&
		    str_int(secrets, 0, 1, &sealed) && str_is_utf8(backup->name);
	backup->secrets = read && sealed == 1;
	return read;
}

enum err backup_receipt_get(const char *data, struct arena *arena, bool *ret_found,
			    struct journal_backup *ret_backup, struct error *err)
{
	char path[BACKUP_PATH_BYTES];
	char *bytes;
	size_t size;
	struct journal_backup backup = { .made = 0 };
	path_of(data, path, sizeof path);
	enum err r = file_read(path, RECEIPT_BYTES_MAX, &bytes, &size, err);
	*ret_found = false;
	if (r != OK)
		return r == ERR_NOT_FOUND ? OK : r;
	if (receipt_read((struct str){ bytes, size }, &backup)) {
		backup.name = arena_str(arena, backup.name);
		*ret_backup = backup;
		*ret_found = true;
	} else {
		r = error_set(err, ERR_CORRUPT, "\"%.300s\" cannot be read", path);
	}
	mem_free(bytes);
	return r;
}

void backup_receipt_remove(const char *data)
{
	char path[BACKUP_PATH_BYTES];
	path_of(data, path, sizeof path);
	unlink(path);
}
