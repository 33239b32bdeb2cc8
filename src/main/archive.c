/* archive.c: is a file a backup, whole and unchanged? See backup.h. */
#include "main/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/mem.h"
#include "journal/journal.h"
#include "main/backup_file.h"

static enum err not_a_backup(const char *path, struct error *err)
{
	error_set(err, ERR_CORRUPT, "\"%.300s\" is no backup of Mainstay, or its end is missing", path);
	error_hint(err, "a copy that broke off looks like this: compare its size with the original");
	return ERR_CORRUPT;
}

static enum err read_at(const struct archive *a, int64_t offset, void *bytes, size_t size, struct error *err)
{
	ssize_t count = pread(a->fd, bytes, size, (off_t)offset);
	if (count < 0)
		return error_set(err, ERR_IO, "could not read \"%.300s\": %s", a->path, strerror(errno));
	return (size_t)count == size ? OK : not_a_backup(a->path, err);
}

static enum err manifest_read(struct archive *a, const struct note_key *key, struct error *err)
{
	char tail[BACKUP_TAIL_BYTES];
	unsigned char wanted[BACKUP_HASH_BYTES], found[BACKUP_HASH_BYTES];
	int64_t length;
	if (a->bytes < BACKUP_TAIL_BYTES)
		return not_a_backup(a->path, err);
	enum err r = read_at(a, a->bytes - BACKUP_TAIL_BYTES, tail, sizeof tail, err);
	if (r != OK)
		return r;
	if (!backup_tail_parse(tail, &length, wanted) || length > a->bytes - BACKUP_TAIL_BYTES)
		return not_a_backup(a->path, err);
	char *text = mem_alloc((size_t)length);
	r = read_at(a, a->bytes - BACKUP_TAIL_BYTES - length, text, (size_t)length, err);
	if (r == OK) {
		crypto_hash_sha256(found, (const unsigned char *)text, (size_t)length);
		if (memcmp(found, wanted, sizeof found) != 0)
			r = error_set(err, ERR_CORRUPT, "the backup's manifest is damaged");
	}
	if (r == OK)
		r = backup_manifest_parse((struct str){ text, (size_t)length }, key, &a->manifest, err);
	mem_free(text);
	if (r == OK && a->manifest.store.bytes + a->manifest.sealed.bytes + length + BACKUP_TAIL_BYTES != a->bytes)
		r = error_set(err, ERR_CORRUPT, "\"%.300s\" is not as long as its manifest says", a->path);
	return r;
}

enum err archive_open(const char *path, const struct note_key *key, struct archive *ret_archive,
		      struct error *err)
{
	struct archive archive = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct stat st;
	snprintf(archive.path, sizeof archive.path, "%.1000s", path);
	if (archive.fd < 0)
		return error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "could not open \"%.300s\": %s", path,
				 strerror(errno));
	enum err r = OK;
	if (fstat(archive.fd, &st) != 0 || !S_ISREG(st.st_mode))
		r = error_set(err, ERR_INVALID, "\"%.300s\" is not a file", path);
	archive.bytes = r == OK ? (int64_t)st.st_size : 0;
	if (r == OK)
		r = manifest_read(&archive, key, err);
	if (r != OK) {
		archive_close(&archive);
		return r;
	}
	*ret_archive = archive;
	return OK;
}

void archive_close(struct archive *archive)
{
	if (archive->fd >= 0)
		close(archive->fd);
	archive->fd = -1;
}

/* ---- every byte ---- */

static enum err part_check(const struct archive *a, const char *what, int64_t offset, const struct backup_part *part,
			   backup_progress_fn *progress, struct error *err)
{
	struct backup_part found;
	enum err r = backup_file_hash(a->fd, offset, part->bytes, progress, "hashed bytes", &found, err);
	if (r == OK && memcmp(found.hash, part->hash, sizeof found.hash) != 0)
		r = error_set(err, ERR_CORRUPT, "the %s of the backup is not what was written", what);
	return r;
}

struct telling {
	backup_progress_fn *progress;
};

static void tell(void *context, int64_t done, int64_t total)
{
	const struct telling *telling = context;
	telling->progress("verified events", done, total);
}

static enum err journal_check(const struct archive *a, struct store_conn *conn, backup_progress_fn *progress,
			      struct error *err)
{
	struct telling telling = { progress };
	struct tree_hash root;
	int64_t events;
	enum err r = store_examine(conn, err);
	if (r == OK)
		r = journal_verify(conn, tell, &telling, &events, &root, err);
	if (r == OK && (events != a->manifest.events || !tree_hash_eq(&root, &a->manifest.root)))
		r = error_set(err, ERR_CORRUPT, "the journal in the backup is not the one its manifest names");
	return r;
}

static enum err store_check(const struct archive *a, backup_progress_fn *progress, struct error *err)
{
	struct store *store;
	struct store_conn *conn;
	enum err r = store_open("sqlite", &(struct store_options){ .path = a->path, .immutable = true }, &store, err);
	if (r != OK)
		return r;
	r = store_connect(store, true, &conn, err);
	if (r == OK) {
		r = journal_check(a, conn, progress, err);
		store_disconnect(&conn);
	}
	store_close(&store);
	return r;
}

enum err archive_verify(const struct archive *a, backup_progress_fn *progress, struct error *err)
{
	const struct backup_manifest *m = &a->manifest;
	enum err r = part_check(a, "store", 0, &m->store, progress, err);
	if (r == OK && m->sealed.bytes > 0)
		r = part_check(a, "sealed part", m->store.bytes, &m->sealed, progress, err);
	return r == OK ? store_check(a, progress, err) : r;
}
