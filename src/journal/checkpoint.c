/* checkpoint.c: see checkpoint.h. */
#include "journal/checkpoint.h"

#include <assert.h>
#include <inttypes.h>

#include <sodium.h>

#include "journal/tree_verify.h"

#define ROOT_TEXT_BYTES 44 /* base64 of 32 bytes */

static bool is_empty_tree(const struct tree_hash *root)
{
	struct tree tree;
	struct tree_hash empty;
	tree_init(&tree);
	tree_root(&tree, &empty);
	return tree_hash_eq(root, &empty);
}

void checkpoint_body_print(const struct checkpoint *checkpoint, struct buf *out)
{
	char root[ROOT_TEXT_BYTES + 1];
	assert(checkpoint->origin[0] != '\0');
	assert(checkpoint->size <= TREE_SIZE_MAX);
	sodium_bin2base64(root, sizeof root, checkpoint->root.bytes, TREE_HASH_BYTES,
			  sodium_base64_VARIANT_ORIGINAL);
	buf_printf(out, "%s\n%" PRIu64 "\n%s\n", checkpoint->origin, checkpoint->size, root);
}

static enum err origin_read(struct str line, struct checkpoint *checkpoint, struct error *err)
{
	if (line.len == 0 || line.len > NOTE_NAME_MAX)
		return error_set(err, ERR_INVALID, "the checkpoint's origin is not 1 to %d bytes",
				 NOTE_NAME_MAX);
	if (!str_is_utf8(line) || str_has(line, '\0'))
		return error_set(err, ERR_INVALID, "the checkpoint's origin is not UTF-8 text");
	memcpy(checkpoint->origin, line.ptr, line.len);
	checkpoint->origin[line.len] = '\0';
	return OK;
}

static enum err size_read(struct str line, struct checkpoint *checkpoint, struct error *err)
{
	int64_t size;
	bool leading_zero = line.len > 1 && line.ptr[0] == '0';
	if (leading_zero || str_starts(line, STR("-")) ||
	    !str_int(line, 0, (int64_t)TREE_SIZE_MAX, &size))
		return error_set(err, ERR_INVALID,
				 "the checkpoint's size is not a number of leaves");
	checkpoint->size = (uint64_t)size;
	return OK;
}

static enum err root_read(struct str line, struct checkpoint *checkpoint, struct error *err)
{
	size_t length;
	if (!note_base64_read(line, checkpoint->root.bytes, TREE_HASH_BYTES, &length) ||
	    length != TREE_HASH_BYTES)
		return error_set(err, ERR_INVALID,
				 "the checkpoint's root is not base64 of 32 bytes");
	if (checkpoint->size == 0 && !is_empty_tree(&checkpoint->root))
		return error_set(err, ERR_INVALID, "the checkpoint gives the empty journal a root "
				 "that is not the empty tree's");
	return OK;
}

static enum err extensions_read(struct str rest, struct checkpoint *checkpoint, struct error *err)
{
	struct str line;
	while (rest.len > 0) {
		if (!str_cut(rest, '\n', &line, &rest) || line.len == 0)
			return error_set(err, ERR_INVALID,
					 "the checkpoint has an empty or unfinished line");
		checkpoint->extension_lines++;
	}
	return OK;
}

enum err checkpoint_body_parse(struct str body, struct checkpoint *ret_checkpoint,
			       struct error *err)
{
	struct str origin, size, root, rest = body;
	struct checkpoint checkpoint = { .extension_lines = 0 };
	if (body.len > NOTE_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "the checkpoint is longer than %u bytes",
				 NOTE_BYTES_MAX);
	if (!str_cut(rest, '\n', &origin, &rest) || !str_cut(rest, '\n', &size, &rest) ||
	    !str_cut(rest, '\n', &root, &rest))
		return error_set(err, ERR_INVALID, "the checkpoint has fewer than three lines");
	enum err result = origin_read(origin, &checkpoint, err);
	if (result == OK)
		result = size_read(size, &checkpoint, err);
	if (result == OK)
		result = root_read(root, &checkpoint, err);
	if (result == OK)
		result = extensions_read(rest, &checkpoint, err);
	if (result == OK)
		*ret_checkpoint = checkpoint;
	return result;
}

void checkpoint_sign(const struct checkpoint *checkpoint, const struct note_signer *signer,
		     struct buf *out)
{
	assert(signer->key.kind == NOTE_ED25519);
	assert(strcmp(signer->key.name, checkpoint->origin) == 0);
	cleanup_buf struct buf body;
	buf_init(&body, CHECKPOINT_BODY_MAX);
	checkpoint_body_print(checkpoint, &body);
	assert(!body.full);
	buf_add(out, buf_str(&body));
	buf_addc(out, '\n');
	note_signature_add(out, buf_str(&body), signer, TIME_NONE);
}

enum err checkpoint_open(struct str text, const struct note_key *key,
			 struct checkpoint *ret_checkpoint, struct error *err)
{
	assert(key->kind == NOTE_ED25519);
	struct note note;
	struct checkpoint checkpoint;
	enum err result = note_parse(text, &note, err);
	if (result == OK)
		result = note_verify(&note, key, NULL, err); /* before a word of it is looked at */
	if (result == OK)
		result = checkpoint_body_parse(note.text, &checkpoint, err);
	if (result != OK)
		return result;
	/* A key speaks for its own journal only, or one house could sign another's history. */
	if (strcmp(checkpoint.origin, key->name) != 0)
		return error_set(err, ERR_CORRUPT, "the checkpoint of \"%s\" is signed by \"%s\"",
				 checkpoint.origin, key->name);
	*ret_checkpoint = checkpoint;
	return OK;
}

enum err checkpoint_cosign(struct str text, const struct note_signer *witness, time_us at,
			   struct buf *out, struct error *err)
{
	assert(witness->key.kind == NOTE_COSIGNATURE);
	struct note note;
	struct checkpoint checkpoint;
	enum err result = note_parse(text, &note, err);
	if (result == OK)
		result = checkpoint_body_parse(note.text, &checkpoint, err);
	if (result == OK)
		note_signature_add(out, note.text, witness, at);
	return result;
}

enum err checkpoint_cosigned(struct str text, const struct note_key *witness, time_us *ret_at,
			     struct error *err)
{
	assert(witness->kind == NOTE_COSIGNATURE);
	struct note note;
	struct checkpoint checkpoint;
	time_us at;
	enum err result = note_parse(text, &note, err);
	if (result == OK)
		result = note_verify(&note, witness, &at, err);
	if (result == OK)
		result = checkpoint_body_parse(note.text, &checkpoint, err);
	if (result == OK)
		*ret_at = at;
	return result;
}

enum err checkpoint_follows(const struct checkpoint *before, const struct checkpoint *next,
			    const struct tree_proof *proof, struct error *err)
{
	assert(proof->count <= TREE_PROOF_MAX);
	if (strcmp(before->origin, next->origin) != 0)
		return error_set(err, ERR_INVALID, "the checkpoint is of \"%s\", not of \"%s\"",
				 next->origin, before->origin);
	if (next->size < before->size)
		return error_set(err, ERR_CONFLICT, "the journal was cut: it had %" PRIu64
				 " events and has %" PRIu64, before->size, next->size);
	if (next->size == before->size && !tree_hash_eq(&before->root, &next->root))
		return error_set(err, ERR_CONFLICT, "the journal has two histories: two roots for %"
				 PRIu64 " events", next->size);
	if (!tree_verify_consistency(before->size, &before->root, next->size, &next->root,
				     proof->hash, proof->count))
		return error_set(err, ERR_CONFLICT, "the journal of %" PRIu64
				 " events is not shown to begin with that of %" PRIu64, next->size,
				 before->size);
	return OK;
}
