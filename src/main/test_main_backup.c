/* test_main_backup.c: the words of a backup: its manifest, its tail, what is sealed, and under which passphrase. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "main/backup.h"
#include "main/backup_seal.h"
#include "main/backup_secrets.h"

static struct error err; /* of the last call: CHECK_OK prints its sentence */

static struct note_signer signer_of(const char *name, unsigned char seed_byte)
{
	struct note_signer signer;
	unsigned char seed[NOTE_SEED_BYTES];
	memset(seed, seed_byte, sizeof seed);
	CHECK_OK(note_signer_init(&signer, str_of(name), NOTE_ED25519, seed, &err));
	return signer;
}

static struct backup_manifest manifest_of(const struct note_signer *signer)
{
	struct backup_manifest m = { .version = "0.1.0", .made = 1764449700123456, .name = "production",
				     .origin = "mainstay/production/journal/1", .events = 48211,
				     .store = { 4096, { 1 } } };
	cleanup_buf struct buf key;
	buf_init(&key, BACKUP_KEY_BYTES);
	if (signer != NULL) {
		note_key_print(&signer->key, &key);
		snprintf(m.key, sizeof m.key, "%s", key.bytes);
	}
	m.left_out[0] = (struct backup_left_out){ "password", 3 };
	m.left_out_count = 1;
	return m;
}

TEST(a_manifest_reads_as_it_was_printed_signed_or_not)
{
	struct note_signer signer = signer_of("mainstay/production/journal/1", 7);
	for (int is_signed = 0; is_signed < 2; is_signed++) {
		struct backup_manifest m = manifest_of(is_signed ? &signer : NULL), read;
		cleanup_buf struct buf text;
		buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
		backup_manifest_print(&m, is_signed ? &signer : NULL, &text);
		CHECK_OK(backup_manifest_parse(buf_str(&text), is_signed ? &signer.key : NULL, &read, &err));
		CHECK(read.made == m.made && read.events == m.events && read.left_out[0].rows == 3);
		CHECK(strcmp(read.name, "production") == 0 && read.sealed.bytes == 0);
	}
	note_signer_finish(&signer);
}

TEST(a_manifest_that_was_changed_in_any_byte_is_refused)
{
	struct note_signer signer = signer_of("mainstay/production/journal/1", 7);
	struct backup_manifest m = manifest_of(&signer), read;
	cleanup_buf struct buf text;
	buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
	backup_manifest_print(&m, &signer, &text);
	for (size_t i = 0; i < text.used; i++) {
		text.bytes[i] ^= 1;
		CHECK(backup_manifest_parse(buf_str(&text), NULL, &read, &err) != OK);
		text.bytes[i] ^= 1;
	}
	for (size_t i = 0; i < text.used; i++)
		CHECK(backup_manifest_parse((struct str){ text.bytes, i }, NULL, &read, &err) != OK);
	note_signer_finish(&signer);
}

TEST(a_manifest_of_another_key_or_of_nobody_is_refused_where_a_key_is_expected)
{
	struct note_signer ours = signer_of("mainstay/production/journal/1", 7);
	struct note_signer theirs = signer_of("mainstay/production/journal/1", 8);
	struct backup_manifest m = manifest_of(&theirs), bare = manifest_of(NULL), read;
	cleanup_buf struct buf text;
	buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
	backup_manifest_print(&m, &theirs, &text);
	CHECK_OK(backup_manifest_parse(buf_str(&text), NULL, &read, &err));
	CHECK_ERR(backup_manifest_parse(buf_str(&text), &ours.key, &read, &err), ERR_DENIED);
	buf_reset(&text);
	backup_manifest_print(&bare, NULL, &text);
	CHECK_ERR(backup_manifest_parse(buf_str(&text), &ours.key, &read, &err), ERR_DENIED);
	note_signer_finish(&ours);
	note_signer_finish(&theirs);
}

TEST(a_tail_says_where_the_manifest_begins_and_nothing_else_is_a_tail)
{
	char tail[BACKUP_TAIL_BYTES + 1];
	unsigned char hash[BACKUP_HASH_BYTES], wanted[BACKUP_HASH_BYTES];
	int64_t length;
	backup_tail_print(STR("a manifest\n"), tail);
	crypto_hash_sha256(wanted, (const unsigned char *)"a manifest\n", 11);
	CHECK(backup_tail_parse(tail, &length, hash));
	CHECK(length == 11);
	CHECK(memcmp(hash, wanted, sizeof hash) == 0);
	for (size_t i = 0; i < 28; i++) {
		tail[i] ^= 0x40;
		CHECK(!backup_tail_parse(tail, &length, hash));
		tail[i] ^= 0x40;
	}
}

TEST(a_secret_reads_as_it_was_printed_and_half_of_one_waits_for_more)
{
	struct secrets_record record;
	struct store_value row[] = { STORE_INT(-5), STORE_NULL, STORE_TEXT(STR("grüße")), STORE_BYTES(STR("a\0b")),
				     STORE_REAL(0.25) };
	cleanup_buf struct buf out;
	size_t used = 0;
	bool whole;
	buf_init(&out, SECRETS_RECORD_BYTES_MAX);
	secrets_print_row("password", row, 5, &out);
	for (size_t i = 0; i < out.used; i++) {
		CHECK_OK(secrets_parse((struct str){ out.bytes, i }, &whole, &used, &record, &err));
		CHECK(!whole);
	}
	CHECK_OK(secrets_parse(buf_str(&out), &whole, &used, &record, &err));
	CHECK(whole && used == out.used && record.count == 5 && str_is(record.table, "password"));
	CHECK(record.values[0].integer == -5 && record.values[1].type == STORE_TYPE_NULL);
	CHECK(str_eq(record.values[2].text, STR("grüße")) && str_eq(record.values[3].text, STR("a\0b")));
	CHECK(record.values[4].real == 0.25);
	out.bytes[0] = 'X';
	CHECK_ERR(secrets_parse(buf_str(&out), &whole, &used, &record, &err), ERR_CORRUPT);
}

/* ---- the seal ---- */

static enum err to_file(void *context, const unsigned char *bytes, size_t size, struct error *error)
{
	(void)error;
	CHECK(write(*(int *)context, bytes, size) == (ssize_t)size);
	return OK;
}

static enum err to_buf(void *context, const unsigned char *bytes, size_t size, struct error *error)
{
	(void)error;
	buf_add(context, (struct str){ (const char *)bytes, size });
	return OK;
}

static int sealed_file(size_t size, int64_t *ret_bytes)
{
	char path[] = "/tmp/mainstay-seal-XXXXXX", *plain = calloc(1, size + 1);
	struct seal_writer *writer = malloc(sizeof *writer);
	int fd = mkstemp(path);
	unlink(path);
	for (size_t i = 0; i < size; i++)
		plain[i] = (char)('a' + i % 26);
	CHECK_OK(seal_begin(writer, STR("a long passphrase"), to_file, &fd, &err));
	CHECK_OK(seal_add(writer, plain, size, &err));
	CHECK_OK(seal_end(writer, &err));
	*ret_bytes = lseek(fd, 0, SEEK_END);
	free(writer);
	free(plain);
	return fd;
}

TEST(what_was_sealed_opens_with_its_passphrase_alone_and_in_any_length)
{
	static const size_t sizes[] = { 0, 1, SEAL_PIECE_BYTES - 1, SEAL_PIECE_BYTES, 3 * SEAL_PIECE_BYTES + 5 };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		cleanup_buf struct buf opened;
		int64_t bytes;
		int fd = sealed_file(sizes[i], &bytes);
		buf_init(&opened, 1u << 20);
		CHECK_OK(seal_open(fd, 0, bytes, STR("a long passphrase"), to_buf, &opened, &err));
		CHECK(opened.used == sizes[i]);
		CHECK(opened.used == 0 || opened.bytes[opened.used - 1] == (char)('a' + (sizes[i] - 1) % 26));
		CHECK_ERR(seal_open(fd, 0, bytes, STR("a long passphrasf"), to_buf, &opened, &err), ERR_DENIED);
		close(fd);
	}
}

TEST(a_seal_that_was_cut_or_changed_is_refused)
{
	int64_t bytes;
	int fd = sealed_file(2 * SEAL_PIECE_BYTES, &bytes);
	static const int64_t places[] = { 0, 17, 30, 45, 64, 70000, 140000 };
	cleanup_buf struct buf opened;
	buf_init(&opened, 1u << 20);
	CHECK(seal_open(fd, 0, bytes - 1, STR("a long passphrase"), to_buf, &opened, &err) != OK);
	CHECK(seal_open(fd, 0, 64 + SEAL_PIECE_BYTES + 17, STR("a long passphrase"), to_buf, &opened, &err) != OK);
	CHECK(seal_open(fd, 0, 20, STR("a long passphrase"), to_buf, &opened, &err) != OK);
	for (size_t i = 0; i < sizeof places / sizeof places[0] && places[i] < bytes; i++) {
		char byte;
		CHECK(pread(fd, &byte, 1, places[i]) == 1);
		byte ^= 1;
		CHECK(pwrite(fd, &byte, 1, places[i]) == 1);
		CHECK(seal_open(fd, 0, bytes, STR("a long passphrase"), to_buf, &opened, &err) != OK);
		byte ^= 1;
		CHECK(pwrite(fd, &byte, 1, places[i]) == 1);
	}
	close(fd);
}

TEST(a_short_passphrase_is_refused_before_anything_is_written)
{
	struct seal_writer *writer = malloc(sizeof *writer);
	int fd = -1;
	CHECK_ERR(seal_begin(writer, STR("too short"), to_file, &fd, &err), ERR_INVALID);
	free(writer);
}

TESTS(RUN(a_manifest_reads_as_it_was_printed_signed_or_not),
      RUN(a_manifest_that_was_changed_in_any_byte_is_refused),
      RUN(a_manifest_of_another_key_or_of_nobody_is_refused_where_a_key_is_expected),
      RUN(a_tail_says_where_the_manifest_begins_and_nothing_else_is_a_tail),
      RUN(a_secret_reads_as_it_was_printed_and_half_of_one_waits_for_more),
      RUN(what_was_sealed_opens_with_its_passphrase_alone_and_in_any_length),
      RUN(a_seal_that_was_cut_or_changed_is_refused),
      RUN(a_short_passphrase_is_refused_before_anything_is_written))
