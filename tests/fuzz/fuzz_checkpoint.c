/*
 * fuzz_checkpoint.c: any bytes as a signed note, a checkpoint body, a key and a proof. What is
 * accepted must print as it was read, and no proof made of chance may hold.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "journal/checkpoint.h"
#include "journal/note.h"
#include "journal/tree_verify.h"

#define KEY "journal.example/main+831c7379+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define WITNESS "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
#define BODY "journal.example/main\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct note_key known(const char *text)
{
	struct note_key key;
	enum err result = note_key_parse(str_of(text), &key, NULL);
	assert(result == OK);
	return key;
}

/* The keys of these notes are public only: what verifies must be the one body they signed. */
static void check_note(struct str text)
{
	struct note_key key = known(KEY), witness = known(WITNESS);
	struct checkpoint checkpoint;
	struct note note;
	time_us at;
	if (note_parse(text, &note, NULL) != OK)
		return;
	assert(note.text.ptr == text.ptr && note.signatures.len > 0);
	assert(note.text.len + 1 + note.signatures.len == text.len);
	assert(note.text.ptr[note.text.len - 1] == '\n' && note.text.ptr[note.text.len] == '\n');
	if (checkpoint_open(text, &key, &checkpoint, NULL) == OK)
		assert(str_is(note.text, BODY));
	if (checkpoint_cosigned(text, &witness, &at, NULL) == OK)
		assert(str_is(note.text, BODY));
}

static void check_body(struct str text)
{
	struct checkpoint checkpoint;
	struct buf again;
	if (checkpoint_body_parse(text, &checkpoint, NULL) != OK)
		return;
	buf_init(&again, CHECKPOINT_BODY_MAX);
	checkpoint_body_print(&checkpoint, &again);
	assert(!again.full && str_starts(text, buf_str(&again)));
	assert((again.used == text.len) == (checkpoint.extension_lines == 0));
	buf_finish(&again);
}

static void check_keys(struct str text)
{
	struct note_key key;
	struct note_signer signer;
	struct buf again;
	buf_init(&again, 1000);
	if (note_key_parse(text, &key, NULL) == OK) {
		note_key_print(&key, &again);
		assert(str_eq(buf_str(&again), text));
	}
	buf_reset(&again);
	if (note_signer_parse(text, &signer, NULL) == OK) {
		note_signer_print(&signer, &again);
		assert(str_eq(buf_str(&again), text));
	}
	buf_finish(&again);
}

/* Sizes and hashes from the input, against a root that nobody can hit. */
static void check_proof(const uint8_t *bytes, size_t size)
{
	static const struct tree_hash root = { { 0x5A, 0xA5 } };
	struct tree_hash hashes[TREE_PROOF_MAX + 1] = { 0 };
	uint64_t numbers[2];
	if (size < sizeof numbers)
		return;
	memcpy(numbers, bytes, sizeof numbers);
	size_t rest = size - sizeof numbers;
	rest = rest < sizeof hashes ? rest : sizeof hashes;
	memcpy(hashes, bytes + sizeof numbers, rest);
	unsigned count = (unsigned)(rest / TREE_HASH_BYTES);
	if (count == 0)
		return;
	assert(!tree_verify_inclusion(&hashes[0], numbers[0], numbers[1], &root, hashes + 1,
				      count - 1) ||
	       tree_hash_eq(&hashes[0], &root));
	if (numbers[0] != 0)
		assert(!tree_verify_consistency(numbers[0], &hashes[0], numbers[1], &root,
						hashes + 1, count - 1) ||
		       tree_hash_eq(&hashes[0], &root));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct str text = { (const char *)bytes, size };
	check_note(text);
	check_body(text);
	check_keys(text);
	check_proof(bytes, size);
	return 0;
}
