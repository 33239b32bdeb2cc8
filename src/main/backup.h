/*
 * backup.h: one moment of a house in one file, and back: backup_manifest.h says what the file is.
 *
 *     backup:   store connection --one read transaction--> FILE.part-xxxx --hash, seal, sign, fsync--> FILE
 *     restore:  FILE --every hash, the database, every event--> DIR.part-xxxx --new epoch--> DIR
 *
 * The source is a store connection that reads one moment, of whatever engine; the copy is always a
 * SQLite database, made by inserting rows (store_copy.h says why). Nothing appears under its final
 * name before it is whole; what is there is never overwritten. Memory does not grow with the house.
 *
 * These run in a process of their own, beside the server or without it, on the caller's thread.
 */
#pragma once

#include "base/arena.h"
#include "journal/copies.h"
#include "main/backup_manifest.h"
#include "store/store_table.h"

#define BACKUP_PATH_BYTES 1024

/* `doing`: "copied events"; told now and then. */
typedef void backup_progress_fn(const char *doing, int64_t done, int64_t total);

/* ---- making one ---- */

struct backup_source {
	struct store *store;
	const struct store_table *const *tables; /* NULL-terminated */
	const char *name;                        /* of the installation */
	const struct note_signer *signer;        /* the journal's; NULL: nobody signs */
	int64_t bytes_expected;                  /* how large the files of the store are; a database says it itself */
	time_us now;
};

struct backup_options {
	const char *to;        /* a file that is not there yet, or a folder */
	struct str passphrase; /* empty: secrets stay here */
	backup_progress_fn *progress;
};

struct backup_made {
	char path[BACKUP_PATH_BYTES];
	int64_t bytes;
	struct backup_manifest manifest;
};

/* ERR_CONFLICT: `to` is there already. ERR_UNAVAILABLE: no space. */
enum err backup_make(const struct backup_source *source, const struct backup_options *options,
		     struct backup_made *ret_made, struct error *err);

/* What was made is told to the server through a file in the data folder, because only its writer
 * records events: it takes it up within seconds, or when it starts. */
enum err backup_receipt_put(const char *data, const struct backup_made *made, struct error *err);
/* ret_found false: there is none. The texts live in the arena. */
enum err backup_receipt_get(const char *data, struct arena *arena, bool *ret_found,
			    struct journal_backup *ret_backup, struct error *err);
void backup_receipt_remove(const char *data);

/* ---- believing one ---- */

struct archive {
	int fd;
	char path[BACKUP_PATH_BYTES];
	int64_t bytes;
	struct backup_manifest manifest;
};

/* Reads tail and manifest, and checks that they describe this file. `key` may be NULL. */
enum err archive_open(const char *path, const struct note_key *key, struct archive *ret_archive,
		      struct error *err);
void archive_close(struct archive *archive);
#define cleanup_archive __attribute__((cleanup(archive_close)))

/* Every byte against its hash, the database's own structure, every event against the root. */
enum err archive_verify(const struct archive *archive, backup_progress_fn *progress, struct error *err);

/* ---- bringing it back ---- */

struct restore_options {
	const char *data;      /* not there yet, or an empty folder */
	struct str passphrase; /* for the sealed part; empty: it is left out */
	backup_progress_fn *progress;
};

struct restored {
	char origin[NOTE_NAME_MAX + 1]; /* from now on */
	char key[BACKUP_KEY_BYTES];     /* the public one */
	bool with_secrets;
	int64_t secrets;                /* rows of the vault that came back */
	size_t cancelled;               /* pages that had waited */
};

/* The archive was verified. ERR_DENIED: the passphrase is wrong; ERR_CONFLICT: data is not empty. On
 * failure nothing is left behind. */
enum err restore(const struct archive *archive, const struct restore_options *options,
		 struct restored *ret_restored, struct error *err);
