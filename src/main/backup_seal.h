/*
 * backup_seal.h: bytes under a passphrase: argon2id, then libsodium's secretstream
 * (XChaCha20-Poly1305 in pieces: secretbox for what does not fit into memory).
 *
 *     "mainstay-seal/1\n"  16
 *     passes of argon2id    4   big-endian
 *     memory in KiB         4   big-endian
 *     salt                 16
 *     secretstream header  24
 *     pieces of SEAL_PIECE_BYTES + 17 bytes, the last one shorter or equal and marked as the last
 *
 * The first 40 bytes are bound to the first piece. A piece that is changed, left out, moved or
 * missing at the end is noticed before a byte of it is believed. Not thread-safe; one per use.
 */
#pragma once

#include <sodium.h>

#include "base/err.h"
#include "base/str.h"

#define SEAL_PIECE_BYTES 65536u
#define SEAL_HEAD_BYTES (40u + crypto_secretstream_xchacha20poly1305_HEADERBYTES)
#define SEAL_PASSPHRASE_CHARACTERS_MIN 10u

typedef enum err seal_bytes_fn(void *context, const unsigned char *bytes, size_t size, struct error *err);

struct seal_writer {
	crypto_secretstream_xchacha20poly1305_state state;
	seal_bytes_fn *out;
	void *context;
	unsigned char head[40];
	bool first;
	size_t used;
	unsigned char piece[SEAL_PIECE_BYTES];
};

/* ERR_INVALID: the passphrase is too short. Writes the head. */
enum err seal_begin(struct seal_writer *writer, struct str passphrase, seal_bytes_fn *out, void *context,
		    struct error *err);
enum err seal_add(struct seal_writer *writer, const void *bytes, size_t size, struct error *err);
enum err seal_end(struct seal_writer *writer, struct error *err); /* wipes the writer, also on failure */

/* Reads `bytes` at `offset` of the file and gives what was sealed, piece by piece. ERR_DENIED: the
 * passphrase is not the right one. ERR_CORRUPT: these are not the bytes that were sealed. */
enum err seal_open(int fd, int64_t offset, int64_t bytes, struct str passphrase, seal_bytes_fn *piece,
		   void *context, struct error *err);
