/*
 * backup_manifest.h: what a backup says about itself, as text that people can read. Pure.
 *
 * A backup is one file:
 *
 *     a SQLite database   the store at one moment: sqlite3 opens the file as it is
 *     the sealed part     secrets under a passphrase (backup_seal.h); only if there was one
 *     the manifest        these lines, signed as a note by the journal's key:
 *
 *         mainstay-backup/1
 *         version 0.1.0
 *         made 2026-11-29T20:55:00.123456Z
 *         name production
 *         origin mainstay/production/journal/1
 *         key mainstay/production/journal/1+0c1d2e3f+AZ...      <- "none": not signed
 *         events 48211
 *         root 5f0c...
 *         store 12345678 9a1b...                                <- bytes, SHA-256
 *         sealed 4321 77aa...                                   <- only if there is one
 *         left-out password 3                                   <- only if there is none: table, rows
 *
 *         — mainstay/production/journal/1 DB0eP...
 *
 *     the tail            one line of BACKUP_TAIL_BYTES: where the manifest begins, and its SHA-256
 *
 * Strict both ways: what is read here would be printed the same, byte for byte.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "journal/note.h"
#include "journal/tree.h"

#define BACKUP_MAGIC "mainstay-backup/1"
#define BACKUP_MANIFEST_BYTES_MAX (64u << 10)
#define BACKUP_TAIL_BYTES 94
#define BACKUP_HASH_BYTES 32
#define BACKUP_LEFT_OUT_MAX 64u
#define BACKUP_WORD_BYTES 64
#define BACKUP_KEY_BYTES (NOTE_NAME_MAX + 128)

struct backup_part {
	int64_t bytes;
	unsigned char hash[BACKUP_HASH_BYTES];
};

struct backup_left_out {
	char table[BACKUP_WORD_BYTES];
	int64_t rows;
};

struct backup_manifest {
	char version[BACKUP_WORD_BYTES];
	time_us made;
	char name[NOTE_NAME_MAX + 1], origin[NOTE_NAME_MAX + 1];
	char key[BACKUP_KEY_BYTES]; /* of the journal, as text; empty: nobody signed */
	int64_t events;
	struct tree_hash root;
	struct backup_part store, sealed; /* sealed.bytes 0: there is none */
	struct backup_left_out left_out[BACKUP_LEFT_OUT_MAX];
	unsigned left_out_count;
};

/* The whole manifest; signer NULL: unsigned, and manifest.key is empty. */
void backup_manifest_print(const struct backup_manifest *manifest, const struct note_signer *signer,
			   struct buf *out);

/* ERR_INVALID: not a manifest. ERR_CORRUPT: the signature is not right. ERR_DENIED: `expected` (may be
 * NULL: the key it names itself) is not the key that signed. */
enum err backup_manifest_parse(struct str text, const struct note_key *expected,
			       struct backup_manifest *ret_manifest, struct error *err);

void backup_tail_print(struct str manifest, char ret_tail[BACKUP_TAIL_BYTES + 1]);
bool backup_tail_parse(const char tail[BACKUP_TAIL_BYTES], int64_t *ret_manifest_bytes,
		       unsigned char ret_hash[BACKUP_HASH_BYTES]);
