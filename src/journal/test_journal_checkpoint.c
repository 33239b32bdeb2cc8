/* test_journal_checkpoint.c: notes, keys, checkpoints and cosignatures, against vectors that other
 * programs made: the ones printed in the C2SP specification and in Go's sumdb/note, and ours made
 * with "openssl pkeyutl" and Python's hashlib. Ed25519 gives one signature per key and text, so
 * signing must reproduce them byte for byte. */
#include "base/check.h"

#include <string.h>

#include <sodium.h>

#include "base/random.h"
#include "journal/checkpoint.h"
#include "journal/note.h"
#include "journal/tree.h"

#define DASH "\xE2\x80\x94 "
#define GO_SIGNER "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define GO_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_OTHER "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define GO_TEXT                                                      \
	"If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n"
#define GO_LINE                                                                                 \
	DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq" \
	     "fqdngotpRZb6KE6RyyBwJnAM=\n"
#define GO_OTHER_LINE                                                                             \
	DASH "EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTG" \
	     "wnWLox33WWd1RvMc+QQ=\n"
#define SPEC_KEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define SPEC_NOTE                                                                               \
	"This is an example message.\n\n" DASH "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YE" \
	"q6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

#define LOG_SIGNER \
	"PRIVATE+KEY+journal.example/main+831c7379+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define LOG_KEY "journal.example/main+831c7379+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define WITNESS_SIGNER \
	"PRIVATE+KEY+witness.example/w1+20324abe+BCAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"
#define WITNESS_KEY "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
#define LOG_BODY "journal.example/main\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n"
#define LOG_LINE                                                                                \
	DASH "journal.example/main gxxzefwWu59vX1pN8BiwWqDd7OQ785SisC8s5rFf2Io3jJIdk5NP12YGfbC" \
	     "UqlbTWJkG8MfUfzAzvYh6UEzC24yVpAc=\n"
#define WITNESS_LINE                                                                             \
	DASH "witness.example/w1 IDJKvgAAAABlU/EAvpTg5zleHJENXSCpIrPVJiVrXMfwMli0oHSkMF+n3+jlao" \
	     "RLjbEmZclw/FAY99zl8ILuLEtJEMjMaszUGggpCQ==\n"
#define WITNESS_TIME (INT64_C(1700000000) * TIME_SECOND)
#define ROOT_OF_7 "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw="
#define ROOT_OF_0 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static struct note_key key_of(const char *text)
{
	struct error err;
	struct note_key key;
	CHECK_OK(note_key_parse(str_of(text), &key, &err));
	return key;
}

static struct note_signer signer_of(const char *text)
{
	struct error err;
	struct note_signer signer;
	CHECK_OK(note_signer_parse(str_of(text), &signer, &err));
	return signer;
}

static enum err verify(const char *text, const char *key_text, struct error *err)
{
	struct note note;
	struct note_key key = key_of(key_text);
	enum err result = note_parse(str_of(text), &note, err);
	return result != OK ? result : note_verify(&note, &key, NULL, err);
}

TEST(published_notes_verify_and_are_signed_again_byte_for_byte)
{
	struct error err;
	CHECK_OK(verify(SPEC_NOTE, SPEC_KEY, &err));
	CHECK_OK(verify(GO_TEXT "\n" GO_LINE, GO_KEY, &err));
	CHECK_OK(verify(GO_TEXT "\n" GO_LINE GO_OTHER_LINE, GO_KEY, &err));
	CHECK_OK(verify(GO_TEXT "\n" GO_LINE GO_OTHER_LINE, GO_OTHER, &err));
	CHECK_ERR(verify(GO_TEXT "\n" GO_LINE, GO_OTHER, &err), ERR_NOT_FOUND);
	CHECK_ERR(verify("Other text\n\n" GO_LINE, GO_KEY, &err), ERR_CORRUPT);
	CHECK_TEXT(err.text, "the signature of \"PeterNeumann\" does not verify");
	cleanup_note_signer struct note_signer signer = signer_of(GO_SIGNER);
	cleanup_buf struct buf buf;
	buf_init(&buf, 1000);
	note_signature_add(&buf, STR(GO_TEXT), &signer, TIME_NONE);
	CHECK_STR(buf_str(&buf), GO_LINE);
}

TEST(keys_print_as_they_were_read)
{
	static const char *const texts[] = { GO_KEY, GO_OTHER, SPEC_KEY, LOG_KEY, WITNESS_KEY };
	cleanup_buf struct buf buf;
	buf_init(&buf, 1000);
	for (unsigned i = 0; i < 5; i++) {
		struct note_key key = key_of(texts[i]);
		buf_reset(&buf);
		note_key_print(&key, &buf);
		CHECK_STR(buf_str(&buf), texts[i]);
	}
	static const char *const pairs[][2] = { { GO_SIGNER, GO_KEY }, { LOG_SIGNER, LOG_KEY },
						{ WITNESS_SIGNER, WITNESS_KEY } };
	for (unsigned i = 0; i < 3; i++) {
		cleanup_note_signer struct note_signer signer = signer_of(pairs[i][0]);
		buf_reset(&buf);
		note_signer_print(&signer, &buf);
		CHECK_STR(buf_str(&buf), pairs[i][0]);
		buf_reset(&buf);
		note_key_print(&signer.key, &buf);
		CHECK_STR(buf_str(&buf), pairs[i][1]);
	}
}

/* Every shortening and every change of one byte; the kind is inside the base64, so it is covered. */
static void check_no_mangling_parses(const char *text, bool private)
{
	char copy[200];
	size_t length = strlen(text);
	assert_true(length < sizeof copy);
	struct note_key key = { .name = "untouched" };
	struct note_signer signer = { .key = key };
	for (size_t i = 0; i <= length; i++)
		for (size_t j = i; j <= length; j++) {
			struct str part = str_sub(str_of(text), i, j);
			if (part.len == length)
				continue;
			if (private)
				CHECK_ERR(note_signer_parse(part, &signer, NULL), ERR_INVALID);
			else
				CHECK_ERR(note_key_parse(part, &key, NULL), ERR_INVALID);
		}
	for (size_t i = 0; i < length; i++) {
		memcpy(copy, text, length);
		copy[i]++;
		struct str changed = { copy, length };
		if (private)
			CHECK_ERR(note_signer_parse(changed, &signer, NULL), ERR_INVALID);
		else
			CHECK_ERR(note_key_parse(changed, &key, NULL), ERR_INVALID);
	}
	CHECK_TEXT(key.name, "untouched");
	CHECK_TEXT(signer.key.name, "untouched");
}

TEST(a_key_with_one_byte_changed_or_missing_is_refused)
{
	check_no_mangling_parses(GO_KEY, false);
	check_no_mangling_parses(WITNESS_KEY, false);
	check_no_mangling_parses(GO_SIGNER, true);
	struct note_key key;
	/* Right ids, but a key of the wrong length, and of a kind nobody knows. */
	CHECK_ERR(note_key_parse(STR("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy"
				     "10TWBADKEY=="), &key, NULL), ERR_INVALID);
	CHECK_ERR(note_key_parse(STR("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy"
				     "10TW"), &key, NULL), ERR_INVALID);
}

TEST(a_private_key_never_stands_in_an_error)
{
	struct error err;
	struct note_signer signer;
	CHECK_ERR(note_signer_parse(STR("PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7"
					"hfZx09iUvxdXHKDFz"), &signer, &err), ERR_INVALID);
	CHECK(strstr(err.text, "AYEKF") == NULL);
	CHECK(strstr(err.hint, "AYEKF") == NULL);
}

TEST(key_names_with_spaces_plus_or_control_characters_are_refused)
{
	static const struct str bad[] = {
		{ "", 0 }, { "a b", 3 }, { "a+b", 3 }, { "a\tb", 3 }, { "a\0b", 3 },
		{ "a\xC2\xA0", 3 }, { "a\xE2\x80\x83z", 5 }, { "\xE3\x80\x80", 3 }, { "\xFF", 1 },
	};
	unsigned char seed[32] = { 1 };
	struct note_signer signer;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_ERR(note_signer_init(&signer, bad[i], NOTE_ED25519, seed, NULL), ERR_INVALID);
	char longest[NOTE_NAME_MAX + 1];
	memset(longest, 'x', sizeof longest);
	CHECK_ERR(note_signer_init(&signer, (struct str){ longest, sizeof longest }, NOTE_ED25519, seed,
				   NULL), ERR_INVALID);
	struct error err;
	CHECK_OK(note_signer_init(&signer, (struct str){ longest, NOTE_NAME_MAX }, NOTE_ED25519, seed,
				  &err));
	note_signer_finish(&signer);
	CHECK_INT(signer.seed[0], 0);
	CHECK_INT(signer.secret_key[0], 0);
}

TEST(malformed_notes_are_refused)
{
	static const struct { struct str text; const char *what; } bad[] = {
		{ STR(""), "nothing" },
		{ STR("\n\n"), "no signature" },
		{ STR(GO_TEXT), "text alone" },
		{ STR(GO_TEXT GO_LINE), "no empty line" },
		{ STR(GO_TEXT "\n\n"), "an empty line at the end" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann x08go/ZJ"), "no last newline" },
		{ STR(GO_TEXT "\nPeterNeumann x08go/ZJ\n"), "no dash" },
		{ STR(GO_TEXT "\n-- PeterNeumann x08go/ZJ\n"), "another dash" },
		{ STR(GO_TEXT "\n" DASH " x08go/ZJ\n"), "no name" },
		{ STR(GO_TEXT "\n" DASH "Peter+Neumann x08go/ZJ\n"), "plus in a name" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann  x08go/ZJ\n"), "two blanks" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann x08goA==\n"), "an id without a signature" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann x08go/Z\n"), "no padding" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann x08go/ZJ \n"), "blank at the end" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann x08go_ZJ\n"), "url base64" },
		{ STR(GO_TEXT "\n" DASH "PeterNeumann x08go/Z=\n"), "bits left over" },
		{ STR(GO_TEXT "\n" GO_LINE "what is this\n"), "garbage after a signature" },
		{ STR("a\rb\n\n" GO_LINE), "carriage return" },
		{ STR("a\0b\n\n" GO_LINE), "NUL" },
		{ STR("a\xC0\x80\n\n" GO_LINE), "overlong UTF-8" },
	};
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct note note;
		if (note_parse(bad[i].text, &note, NULL) != ERR_INVALID)
			fail_msg("a note was accepted: %s", bad[i].what);
	}
}

TEST(a_note_with_too_many_signatures_is_refused)
{
	cleanup_buf struct buf buf;
	struct note note;
	buf_init(&buf, NOTE_BYTES_MAX + 1000);
	buf_adds(&buf, GO_TEXT "\n");
	for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
		buf_adds(&buf, GO_LINE);
	CHECK(note_parse(buf_str(&buf), &note, NULL) == OK);
	buf_adds(&buf, GO_LINE);
	CHECK_ERR(note_parse(buf_str(&buf), &note, NULL), ERR_TOO_LARGE);
	while (buf.used <= NOTE_BYTES_MAX)
		buf_adds(&buf, GO_LINE);
	CHECK_ERR(note_parse(buf_str(&buf), &note, NULL), ERR_TOO_LARGE);
}

TEST(one_bad_line_of_a_known_key_spoils_the_note_and_unknown_lines_do_not)
{
	struct error err;
	char spoiled[] = GO_TEXT "\n" GO_LINE GO_LINE;
	spoiled[sizeof spoiled - 12] ^= 1;
	CHECK_ERR(verify(spoiled, GO_KEY, &err), ERR_CORRUPT);
	CHECK_OK(verify(GO_TEXT "\n" GO_LINE DASH "PeterNeumann AAAAAAA=\n" DASH "x c74f20a3\n", GO_KEY,
			&err));
}

static struct checkpoint checkpoint_of_7(void)
{
	struct checkpoint checkpoint = { .origin = "journal.example/main", .size = 7 };
	size_t length;
	assert_int_equal(sodium_base642bin(checkpoint.root.bytes, 32, ROOT_OF_7, 44, NULL, &length,
					   NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	return checkpoint;
}

TEST(a_checkpoint_and_its_cosignature_equal_those_of_openssl)
{
	struct error err;
	struct checkpoint wanted = checkpoint_of_7(), found;
	cleanup_note_signer struct note_signer signer = signer_of(LOG_SIGNER);
	cleanup_note_signer struct note_signer witness = signer_of(WITNESS_SIGNER);
	cleanup_buf struct buf buf;
	buf_init(&buf, 4000);
	checkpoint_sign(&wanted, &signer, &buf);
	CHECK_STR(buf_str(&buf), LOG_BODY "\n" LOG_LINE);
	buf_reset(&buf);
	buf_adds(&buf, LOG_BODY "\n" LOG_LINE);
	CHECK_OK(checkpoint_cosign(STR(LOG_BODY "\n" LOG_LINE), &witness, WITNESS_TIME + 999999, &buf,
				   &err));
	CHECK_STR(buf_str(&buf), LOG_BODY "\n" LOG_LINE WITNESS_LINE);
	time_us at;
	CHECK_OK(checkpoint_open(buf_str(&buf), &signer.key, &found, &err));
	CHECK_TEXT(found.origin, wanted.origin);
	CHECK_INT(found.size, 7);
	CHECK(tree_hash_eq(&found.root, &wanted.root));
	CHECK_OK(checkpoint_cosigned(buf_str(&buf), &witness.key, &at, &err));
	CHECK_INT(at, WITNESS_TIME);
}

TEST(a_changed_checkpoint_is_caught)
{
	struct error err;
	struct checkpoint found = { .size = 99 };
	struct note_key key = key_of(LOG_KEY), witness = key_of(WITNESS_KEY);
	static const char good[] = LOG_BODY "\n" LOG_LINE WITNESS_LINE;
	time_us at = 5;
	for (size_t i = 0; i < sizeof good - 1; i++) {
		char bad[sizeof good];
		memcpy(bad, good, sizeof good);
		bad[i] ^= 1;
		struct str text = { bad, sizeof good - 1 };
		/* A change in one signature line is not the other's business. */
		bool log_ok = checkpoint_open(text, &key, &found, &err) == OK;
		bool witness_ok = checkpoint_cosigned(text, &witness, &at, &err) == OK;
		if (log_ok && witness_ok)
			fail_msg("a change of byte %zu went unseen", i);
		if (i < strlen(LOG_BODY))
			CHECK(!log_ok && !witness_ok);
	}
}

TEST(a_cosignature_at_another_time_does_not_verify)
{
	struct error err;
	struct note_key witness = key_of(WITNESS_KEY);
	time_us at;
	char text[] = LOG_BODY "\n" LOG_LINE WITNESS_LINE;
	char *stamp = strstr(text, "IDJKvgAAAABlU/EA");
	memcpy(stamp, "IDJKvgAAAABlU/EB", 16); /* the stamp's last byte */
	CHECK_ERR(checkpoint_cosigned(str_of(text), &witness, &at, &err), ERR_CORRUPT);
	memcpy(stamp, "IDJKvv////9lU/EA", 16); /* past the year 9999 */
	CHECK_ERR(checkpoint_cosigned(str_of(text), &witness, &at, &err), ERR_CORRUPT);
}

TEST(a_cosignature_from_after_the_year_9999_is_refused_although_it_is_signed)
{
	struct error err;
	cleanup_note_signer struct note_signer witness = signer_of(WITNESS_SIGNER);
	cleanup_buf struct buf buf;
	time_us at = 5;
	buf_init(&buf, 4000);
	buf_adds(&buf, LOG_BODY "\n");
	note_signature_add(&buf, STR(LOG_BODY), &witness, INT64_MAX);
	CHECK_ERR(checkpoint_cosigned(buf_str(&buf), &witness.key, &at, &err), ERR_CORRUPT);
	CHECK_INT(at, 5);
}

TEST(a_key_cannot_sign_for_another_origin)
{
	struct error err;
	struct checkpoint found;
	cleanup_note_signer struct note_signer other = signer_of(GO_SIGNER);
	cleanup_buf struct buf buf;
	buf_init(&buf, 4000);
	buf_adds(&buf, LOG_BODY "\n");
	note_signature_add(&buf, STR(LOG_BODY), &other, TIME_NONE);
	CHECK_ERR(checkpoint_open(buf_str(&buf), &other.key, &found, &err), ERR_CORRUPT);
	CHECK_TEXT(err.text, "the checkpoint of \"journal.example/main\" is signed by \"PeterNeumann\"");
}

TEST(malformed_checkpoint_bodies_are_refused)
{
	static const char *const bad[] = {
		"", "\n", "a\n", "a\n7\n", "a\n7\n" ROOT_OF_7, "\n7\n" ROOT_OF_7 "\n",
		"a\n07\n" ROOT_OF_7 "\n", "a\n00\n" ROOT_OF_0 "\n", "a\n+7\n" ROOT_OF_7 "\n",
		"a\n-7\n" ROOT_OF_7 "\n", "a\n-0\n" ROOT_OF_0 "\n", "a\n 7\n" ROOT_OF_7 "\n",
		"a\n7 \n" ROOT_OF_7 "\n", "a\n0x7\n" ROOT_OF_7 "\n", "a\n\n" ROOT_OF_7 "\n",
		"a\n4611686018427387904\n" ROOT_OF_7 "\n", "a\n18446744073709551623\n" ROOT_OF_7 "\n",
		"a\n7\nAAAA\n", "a\n7\n" ROOT_OF_7 "AAAA\n", "a\n7\n" ROOT_OF_7 " \n",
		"a\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIx=\n", /* bits left over */
		"a\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw\n",  /* no padding */
		"a\n7\n3bib5AOAnjJXUNPSY\xE3\x80\x80kpwpQreUKjS3fhIslZSnTIw=\n", /* no letters */
		"a\n7\n" ROOT_OF_7 "\n\n", "a\n7\n" ROOT_OF_7 "\nx\n\n", "a\n7\n" ROOT_OF_7 "\nx",
		"a\n0\n" ROOT_OF_7 "\n",
	};
	struct checkpoint checkpoint;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		if (checkpoint_body_parse(str_of(bad[i]), &checkpoint, NULL) != ERR_INVALID)
			fail_msg("a checkpoint was accepted: \"%s\"", bad[i]);
	struct error err;
	CHECK_OK(checkpoint_body_parse(STR("a\n0\n" ROOT_OF_0 "\n"), &checkpoint, &err));
	CHECK_OK(checkpoint_body_parse(STR("a b\n4611686018427387903\n" ROOT_OF_7 "\nx\ny\n"),
				       &checkpoint, &err));
	CHECK_INT(checkpoint.extension_lines, 2);
	CHECK_INT(checkpoint.size, TREE_SIZE_MAX);
}

TEST(a_checkpoint_follows_only_with_a_proof)
{
	struct tree tree;
	struct checkpoint at[4] = { 0 };
	struct error err;
	struct tree_hash nodes[TREE_LEVELS], leaf;
	tree_init(&tree);
	for (unsigned i = 0; i < 4; i++) {
		memcpy(at[i].origin, "a", 2);
		at[i].size = i;
		tree_root(&tree, &at[i].root);
		tree_leaf_hash((struct str){ "abcd" + i, 1 }, &leaf);
		tree_append(&tree, &leaf, nodes);
	}
	struct tree_proof none = { 0 }, two_to_three = { .count = 1, .hash = { { { 0 } } } };
	tree_leaf_hash(STR("c"), &two_to_three.hash[0]);
	CHECK_OK(checkpoint_follows(&at[0], &at[3], &none, &err));
	CHECK_OK(checkpoint_follows(&at[2], &at[2], &none, &err));
	CHECK_OK(checkpoint_follows(&at[2], &at[3], &two_to_three, &err));
	CHECK_ERR(checkpoint_follows(&at[2], &at[3], &none, &err), ERR_CONFLICT);
	CHECK_ERR(checkpoint_follows(&at[3], &at[2], &none, &err), ERR_CONFLICT);
	CHECK_TEXT(err.text, "the journal was cut: it had 3 events and has 2");
	struct checkpoint forked = at[2], foreign = at[3];
	forked.root.bytes[0] ^= 1;
	CHECK_ERR(checkpoint_follows(&at[2], &forked, &none, &err), ERR_CONFLICT);
	CHECK_TEXT(err.text, "the journal has two histories: two roots for 2 events");
	CHECK_ERR(checkpoint_follows(&forked, &at[3], &two_to_three, &err), ERR_CONFLICT);
	memcpy(foreign.origin, "b", 2);
	CHECK_ERR(checkpoint_follows(&at[2], &foreign, &two_to_three, &err), ERR_INVALID);
}

TESTS(RUN(published_notes_verify_and_are_signed_again_byte_for_byte),
      RUN(keys_print_as_they_were_read), RUN(a_key_with_one_byte_changed_or_missing_is_refused),
      RUN(a_private_key_never_stands_in_an_error),
      RUN(key_names_with_spaces_plus_or_control_characters_are_refused),
      RUN(malformed_notes_are_refused), RUN(a_note_with_too_many_signatures_is_refused),
      RUN(one_bad_line_of_a_known_key_spoils_the_note_and_unknown_lines_do_not),
      RUN(a_checkpoint_and_its_cosignature_equal_those_of_openssl),
      RUN(a_changed_checkpoint_is_caught), RUN(a_cosignature_at_another_time_does_not_verify),
      RUN(a_cosignature_from_after_the_year_9999_is_refused_although_it_is_signed),
      RUN(a_key_cannot_sign_for_another_origin), RUN(malformed_checkpoint_bodies_are_refused),
      RUN(a_checkpoint_follows_only_with_a_proof))
