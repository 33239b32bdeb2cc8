/*
 * checkpoint.h: "this journal, at this size, has this root", signed (c2sp.org/tlog-checkpoint).
 *
 *     example.com/journal                             <- origin: which journal, and which epoch
 *     20852163                                        <- size: leaves
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    <- root, base64
 *
 *     — example.com/journal Az3grlgtzPICa5OS8npV...   <- the journal's key, named as the origin
 *     — witness.example.com/w1 jWbPPwAAAABkGFDLE...   <- witnesses (cosignature/v1), any number
 *
 * A checkpoint that left the house can never be taken back: a later one of the same origin must
 * follow from it (checkpoint_follows), and two roots for one origin and size are proof of forgery.
 * So the caller stores a checkpoint before it gives it away, and takes a new origin after a
 * restore.
 *
 * The printed body has no extension lines; those of others are accepted, counted, and covered by
 * the signature. No clock, any thread.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/note.h"
#include "journal/tree.h"

#define CHECKPOINT_BODY_MAX (NOTE_NAME_MAX + 1 + 20 + 1 + 44 + 1)

struct checkpoint {
	char origin[NOTE_NAME_MAX + 1]; /* also the name of the key that signs */
	uint64_t size;                  /* 0..TREE_SIZE_MAX */
	struct tree_hash root;
	unsigned extension_lines; /* how many there were; none is ever printed */
};

/* The body, without signatures. The origin must be a key name (note.h). */
void checkpoint_body_print(const struct checkpoint *checkpoint, struct buf *out);

/* Strict: three lines or more, no leading zero, a root of 32 bytes in canonical base64, and the
 * root of the empty tree with size 0. What it says is to be believed only from checkpoint_open. */
enum err checkpoint_body_parse(struct str body, struct checkpoint *ret_checkpoint,
			       struct error *err);

/* The whole note, appended. The signer is of kind NOTE_ED25519 and named as the origin. */
void checkpoint_sign(const struct checkpoint *checkpoint, const struct note_signer *signer,
		     struct buf *out);

/* Parses and verifies with the journal's key: ERR_INVALID (form), ERR_NOT_FOUND (not signed by that
 * key), ERR_CORRUPT (signature fails, or the origin is another's). */
enum err checkpoint_open(struct str note, const struct note_key *key,
			 struct checkpoint *ret_checkpoint, struct error *err);

/* A witness's line for a note it has opened and found to follow; appended to `out`. The signer is
 * of kind NOTE_COSIGNATURE. */
enum err checkpoint_cosign(struct str note, const struct note_signer *witness, time_us at,
			   struct buf *out, struct error *err);

/* When this witness saw the checkpoint; errors as of note_verify. Whether that time is acceptable
 * is for the caller, who has the clock. */
enum err checkpoint_cosigned(struct str note, const struct note_key *witness, time_us *ret_at,
			     struct error *err);

/* May `next` stand after `before`? ERR_INVALID: another origin. ERR_CONFLICT: the journal was cut
 * or rewritten (smaller, two roots for one size, or a proof that does not hold). */
enum err checkpoint_follows(const struct checkpoint *before, const struct checkpoint *next,
			    const struct tree_proof *proof, struct error *err);
