/*
 * note.h: signed text that people and machines can read: C2SP signed notes (c2sp.org/signed-note).
 *
 *     text, one or more lines, each ending in a newline
 *                                                             <- an empty line
 *     — name base64(key id || signature)                      <- one line a signature
 *
 * Two kinds of signature: plain Ed25519 over the text (0x01), and Ed25519 cosignatures with a time
 * (0x04, c2sp.org/tlog-cosignature), by which a witness says what it saw and when.
 *
 * Keys are text too: "name+id+base64(kind || public key)", and with the seed for the one who signs:
 * "PRIVATE+KEY+name+id+base64(kind || seed)". The private form is a secret of the vault: it belongs
 * in a file of mode 0600, never in a log, an event or an error; `note_signer_finish` wipes it.
 *
 * Strict both ways: what is parsed here would be printed the same. No clock, no chance, any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#define NOTE_NAME_MAX 255         /* bytes of a key name */
#define NOTE_SEED_BYTES 32
#define NOTE_BYTES_MAX (256u << 10) /* a whole note */
#define NOTE_SIGNATURES_MAX 64
#define NOTE_SIGNATURE_BYTES_MAX 5120 /* decoded; room for kinds we do not know, like ML-DSA */

enum note_kind { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

/* A key that verifies. The pair of name and id says which line of a note is its own. */
struct note_key {
	enum note_kind kind;
	char name[NOTE_NAME_MAX + 1];
	unsigned char id[4]; /* SHA-256(name || 0x0A || kind || public key), its first 4 bytes */
	unsigned char public_key[32];
};

/* A key that signs: the caller's memory, wiped by note_signer_finish. */
struct note_signer {
	struct note_key key;
	unsigned char seed[NOTE_SEED_BYTES];
	unsigned char secret_key[64];
};

/* ERR_INVALID for a name that is empty, too long, not UTF-8, or holds a space, a control character
 * or '+'. The seed is 32 secret random bytes. */
enum err note_signer_init(struct note_signer *ret_signer, struct str name, enum note_kind kind,
			  const unsigned char seed[NOTE_SEED_BYTES], struct error *err);
void note_signer_finish(struct note_signer *signer);
#define cleanup_note_signer __attribute__((cleanup(note_signer_finish)))

/* The text forms, one line without its newline. Errors of parsing never quote a private key. */
enum err note_signer_parse(struct str text, struct note_signer *ret_signer, struct error *err);
void note_signer_print(const struct note_signer *signer, struct buf *out);
enum err note_key_parse(struct str text, struct note_key *ret_key, struct error *err);
void note_key_print(const struct note_key *key, struct buf *out);

/* A note taken apart; borrowed from the bytes it was parsed from. */
struct note {
	struct str text;       /* with its last newline */
	struct str signatures; /* the signature lines, each with its newline */
};

/* Checks the form only: the text means nothing until a known key's signature was verified. */
enum err note_parse(struct str whole, struct note *ret_note, struct error *err);

/* Appends one signature line over `text`. `at` is the time of a cosignature, rounded down to whole
 * seconds (1970 or later), and ignored by plain signatures. The text must end in a newline. */
void note_signature_add(struct buf *out, struct str text, const struct note_signer *signer,
			time_us at);

/* Every line of this key must verify. ERR_NOT_FOUND when the note has none, ERR_CORRUPT when one
 * fails. Sets *ret_at (may be NULL) to the time of a cosignature, the latest if there are several,
 * and to TIME_NONE for a plain signature. */
enum err note_verify(const struct note *note, const struct note_key *key, time_us *ret_at,
		     struct error *err);

/* Standard base64 with padding and nothing left over: one text for the same bytes. False when it is
 * not, or when it does not fit; the bytes may be overwritten then. */
bool note_base64_read(struct str text, unsigned char *ret_bytes, size_t size, size_t *ret_length);
