/* backup_seal.c: see backup_seal.h. */
#include "main/backup_seal.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define MAGIC "mainstay-seal/1\n"
#define MAGIC_BYTES 16u
#define PASSES 3u
#define MEMORY_KIB (128u << 10)
#define PASSES_MAX 16u             /* of a file from elsewhere: it must not cost what it likes */
#define MEMORY_KIB_MAX (1024u << 10)
#define SALT_AT 24u
#define SEALED_BYTES (SEAL_PIECE_BYTES + crypto_secretstream_xchacha20poly1305_ABYTES)

static void put_u32(unsigned char *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static enum err derive(struct str passphrase, const unsigned char *head, unsigned char *ret_key,
		       struct error *err)
{
	uint32_t passes = get_u32(head + MAGIC_BYTES), kib = get_u32(head + MAGIC_BYTES + 4);
	if (passes == 0 || passes > PASSES_MAX || kib < 8 || kib > MEMORY_KIB_MAX)
		return error_set(err, ERR_CORRUPT, "the sealed part asks for more than it may");
	if (crypto_pwhash(ret_key, crypto_secretstream_xchacha20poly1305_KEYBYTES, passphrase.ptr,
			  passphrase.len, head + SALT_AT, passes, (size_t)kib << 10,
			  crypto_pwhash_ALG_ARGON2ID13) == 0)
		return OK;
	return error_set(err, ERR_UNAVAILABLE, "could not get %u MiB of memory for the passphrase", kib >> 10);
}

/* ---- sealing ---- */

static size_t characters(struct str text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
	return count;
}

enum err seal_begin(struct seal_writer *writer, struct str passphrase, seal_bytes_fn *out, void *context,
		    struct error *err)
{
	unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	unsigned char header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	*writer = (struct seal_writer){ .out = out, .context = context, .first = true };
	if (characters(passphrase) < SEAL_PASSPHRASE_CHARACTERS_MIN)
		return error_set(err, ERR_INVALID, "a passphrase has at least %u characters",
				 SEAL_PASSPHRASE_CHARACTERS_MIN);
	memcpy(writer->head, MAGIC, MAGIC_BYTES);
	put_u32(writer->head + MAGIC_BYTES, PASSES);
	put_u32(writer->head + MAGIC_BYTES + 4, MEMORY_KIB);
	randombytes_buf(writer->head + SALT_AT, crypto_pwhash_SALTBYTES);
	enum err r = derive(passphrase, writer->head, key, err);
	if (r != OK)
		return r;
	crypto_secretstream_xchacha20poly1305_init_push(&writer->state, header, key);
	sodium_memzero(key, sizeof key);
	r = out(context, writer->head, sizeof writer->head, err);
	return r == OK ? out(context, header, sizeof header, err) : r;
}

static enum err push(struct seal_writer *writer, bool last, struct error *err)
{
	unsigned char *sealed = mem_alloc(SEALED_BYTES);
	unsigned long long length = 0;
	crypto_secretstream_xchacha20poly1305_push(
		&writer->state, sealed, &length, writer->piece, writer->used, writer->first ? writer->head : NULL,
		writer->first ? sizeof writer->head : 0, last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
	writer->first = false;
	writer->used = 0;
	enum err r = writer->out(writer->context, sealed, (size_t)length, err);
	mem_free(sealed);
	return r;
}

enum err seal_add(struct seal_writer *writer, const void *bytes, size_t size, struct error *err)
{
	const unsigned char *from = bytes;
	enum err r = OK;
	while (r == OK && size > 0) {
		size_t room = SEAL_PIECE_BYTES - writer->used, take = size < room ? size : room;
		memcpy(writer->piece + writer->used, from, take);
		writer->used += take;
		from += take;
		size -= take;
		if (writer->used == SEAL_PIECE_BYTES)
			r = push(writer, false, err);
	}
	return r;
}

enum err seal_end(struct seal_writer *writer, struct error *err)
{
	enum err r = push(writer, true, err);
	sodium_memzero(writer, sizeof *writer);
	return r;
}

/* ---- opening ---- */

static enum err read_all(int fd, int64_t offset, unsigned char *bytes, size_t size, struct error *err)
{
	size_t done = 0;
	while (done < size) {
		ssize_t count = pread(fd, bytes + done, size - done, (off_t)(offset + (int64_t)done));
		if (count <= 0)
			return error_set(err, ERR_IO, "could not read the sealed part");
		done += (size_t)count;
	}
	return OK;
}

struct opening {
	crypto_secretstream_xchacha20poly1305_state state;
	unsigned char head[SEAL_HEAD_BYTES], sealed[SEALED_BYTES], plain[SEAL_PIECE_BYTES];
};

static enum err open_head(struct opening *o, int fd, int64_t offset, struct str passphrase, struct error *err)
{
	unsigned char key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
	enum err r = read_all(fd, offset, o->head, sizeof o->head, err);
	if (r != OK)
		return r;
	if (memcmp(o->head, MAGIC, MAGIC_BYTES) != 0)
		return error_set(err, ERR_CORRUPT, "the sealed part is not one");
	r = derive(passphrase, o->head, key, err);
	if (r != OK)
		return r;
	int made = crypto_secretstream_xchacha20poly1305_init_pull(&o->state, o->head + 40, key);
	sodium_memzero(key, sizeof key);
	return made == 0 ? OK : error_set(err, ERR_CORRUPT, "the sealed part is not one");
}

/* Nobody can tell a wrong passphrase from a changed first piece; from the second on it is a change. */
static enum err open_piece(struct opening *o, bool first, size_t size, unsigned long long *ret_length,
			   unsigned char *ret_tag, struct error *err)
{
	if (crypto_secretstream_xchacha20poly1305_pull(&o->state, o->plain, ret_length, ret_tag, o->sealed, size,
						       first ? o->head : NULL, first ? 40 : 0) == 0)
		return OK;
	if (first)
		return error_set(err, ERR_DENIED, "the passphrase is not the one this backup was sealed with");
	return error_set(err, ERR_CORRUPT, "the sealed part is not what was sealed");
}

static enum err open_pieces(struct opening *o, int fd, int64_t at, int64_t end, seal_bytes_fn *piece,
			    void *context, struct error *err)
{
	bool first = true;
	unsigned char tag = 0;
	enum err r = OK;
	while (r == OK && at < end && tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
		size_t size = end - at < (int64_t)SEALED_BYTES ? (size_t)(end - at) : SEALED_BYTES;
		unsigned long long length = 0;
		if (size < crypto_secretstream_xchacha20poly1305_ABYTES)
			break;
		r = read_all(fd, at, o->sealed, size, err);
		if (r == OK)
			r = open_piece(o, first, size, &length, &tag, err);
		if (r == OK)
			r = piece(context, o->plain, (size_t)length, err);
		first = false;
		at += (int64_t)size;
	}
	if (r == OK && (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL || at != end))
		r = error_set(err, ERR_CORRUPT, "the sealed part is cut off");
	return r;
}

enum err seal_open(int fd, int64_t offset, int64_t bytes, struct str passphrase, seal_bytes_fn *piece,
		   void *context, struct error *err)
{
	if (bytes < (int64_t)SEAL_HEAD_BYTES)
		return error_set(err, ERR_CORRUPT, "the sealed part is cut off");
	struct opening *opening = mem_alloc(sizeof *opening);
	enum err r = open_head(opening, fd, offset, passphrase, err);
	if (r == OK)
		r = open_pieces(opening, fd, offset + (int64_t)SEAL_HEAD_BYTES, offset + bytes, piece, context, err);
	sodium_memzero(opening, sizeof *opening);
	mem_free(opening);
	return r;
}
