/* backup_manifest.c: see backup_manifest.h. */
#include "main/backup_manifest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#define HEX_BYTES (2 * BACKUP_HASH_BYTES + 1)
#define NO_KEY "none"

/* ---- printing ---- */

static void part_print(struct buf *out, const char *word, const struct backup_part *part)
{
	char hex[HEX_BYTES];
	sodium_bin2hex(hex, sizeof hex, part->hash, sizeof part->hash);
	buf_printf(out, "%s %lld %s\n", word, (long long)part->bytes, hex);
}

static void body_print(const struct backup_manifest *m, struct buf *out)
{
	char made[TIME_TEXT_BYTES], root[HEX_BYTES];
	time_format(m->made, made);
	sodium_bin2hex(root, sizeof root, m->root.bytes, sizeof m->root.bytes);
	buf_printf(out, BACKUP_MAGIC "\nversion %s\nmade %s\nname %s\norigin %s\nkey %s\n", m->version, made,
		   m->name, m->origin, m->key[0] != '\0' ? m->key : NO_KEY);
	buf_printf(out, "events %lld\nroot %s\n", (long long)m->events, root);
	part_print(out, "store", &m->store);
	if (m->sealed.bytes > 0)
		part_print(out, "sealed", &m->sealed);
	for (unsigned i = 0; i < m->left_out_count; i++)
		buf_printf(out, "left-out %s %lld\n", m->left_out[i].table, (long long)m->left_out[i].rows);
}

void backup_manifest_print(const struct backup_manifest *manifest, const struct note_signer *signer,
			   struct buf *out)
{
	assert((signer == NULL) == (manifest->key[0] == '\0'));
	cleanup_buf struct buf body;
	buf_init(&body, BACKUP_MANIFEST_BYTES_MAX);
	body_print(manifest, &body);
	assert(!body.full);
	buf_add(out, buf_str(&body));
	if (signer == NULL)
		return;
	buf_addc(out, '\n');
	note_signature_add(out, buf_str(&body), signer, TIME_NONE);
}

/* ---- reading ---- */

/* The rest of a line that begins with `word` and a blank; false leaves everything as it was. */
static bool take(struct str *rest, const char *word, struct str *ret_value)
{
	struct str line, after, first, value;
	if (!str_cut(*rest, '\n', &line, &after) || !str_cut(line, ' ', &first, &value) ||
	    !str_is(first, word))
		return false;
	*rest = after;
	*ret_value = value;
	return true;
}

static bool is_plain(struct str text)
{
	bool plain = text.len > 0 && str_is_utf8(text);
	for (size_t i = 0; plain && i < text.len; i++)
		plain = (unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7F;
	return plain;
}

static bool take_text(struct str *rest, const char *word, char *ret_text, size_t size)
{
	struct str value;
	if (!take(rest, word, &value) || !is_plain(value) || value.len >= size)
		return false;
	memcpy(ret_text, value.ptr, value.len);
	ret_text[value.len] = '\0';
	return true;
}

static bool hash_read(struct str hex, unsigned char *ret_hash)
{
	size_t length = 0;
	return hex.len == HEX_BYTES - 1 &&
	       sodium_hex2bin(ret_hash, BACKUP_HASH_BYTES, hex.ptr, hex.len, NULL, &length, NULL) == 0 &&
	       length == BACKUP_HASH_BYTES;
}

static bool take_part(struct str *rest, const char *word, struct backup_part *part)
{
	struct str value, bytes, hash;
	return take(rest, word, &value) && str_cut(value, ' ', &bytes, &hash) &&
	       str_int(bytes, 1, INT64_MAX / 4, &part->bytes) && hash_read(hash, part->hash);
}

static bool take_left_out(struct str *rest, struct backup_manifest *m)
{
	struct str value, table, rows;
	struct backup_left_out *row = &m->left_out[m->left_out_count];
	if (m->left_out_count == BACKUP_LEFT_OUT_MAX || !take(rest, "left-out", &value) ||
	    !str_cut(value, ' ', &table, &rows) || !is_plain(table) || table.len >= sizeof row->table ||
	    !str_int(rows, 0, INT64_MAX, &row->rows))
		return false;
	memcpy(row->table, table.ptr, table.len);
	row->table[table.len] = '\0';
	m->left_out_count++;
	return true;
}

static bool body_read(struct str body, struct backup_manifest *m)
{
	struct str magic, value, rest;
	if (!str_cut(body, '\n', &magic, &rest) || !str_is(magic, BACKUP_MAGIC) ||
	    !take_text(&rest, "version", m->version, sizeof m->version) || !take(&rest, "made", &value) ||
	    !time_parse(value, &m->made) || !take_text(&rest, "name", m->name, sizeof m->name) ||
	    !take_text(&rest, "origin", m->origin, sizeof m->origin) ||
	    !take_text(&rest, "key", m->key, sizeof m->key))
		return false;
	if (strcmp(m->key, NO_KEY) == 0)
		m->key[0] = '\0';
	if (!take(&rest, "events", &value) || !str_int(value, 0, (int64_t)TREE_SIZE_MAX, &m->events) ||
	    !take(&rest, "root", &value) || !hash_read(value, m->root.bytes) ||
	    !take_part(&rest, "store", &m->store))
		return false;
	take_part(&rest, "sealed", &m->sealed);
	while (take_left_out(&rest, m))
		;
	return rest.len == 0;
}

/* One text for one meaning: leading zeros, other offsets of time and capital hex are refused here. */
static bool prints_the_same(const struct backup_manifest *m, struct str body)
{
	cleanup_buf struct buf again;
	buf_init(&again, BACKUP_MANIFEST_BYTES_MAX);
	body_print(m, &again);
	return !again.full && str_eq(buf_str(&again), body);
}

static enum err signature_check(const struct note *note, const struct backup_manifest *m,
				const struct note_key *expected, struct error *err)
{
	struct note_key key;
	enum err r = note_key_parse(str_of(m->key), &key, err);
	if (r == OK)
		r = note_verify(note, &key, NULL, err);
	if (r != OK) {
		error_set(err, ERR_CORRUPT, "the backup's manifest was changed after it was signed");
		return ERR_CORRUPT;
	}
	if (expected == NULL || (strcmp(expected->name, key.name) == 0 &&
				 memcmp(expected->public_key, key.public_key, sizeof key.public_key) == 0))
		return OK;
	return error_set(err, ERR_DENIED, "the backup is signed by \"%.80s\" with another key", key.name);
}

enum err backup_manifest_parse(struct str text, const struct note_key *expected,
			       struct backup_manifest *ret_manifest, struct error *err)
{
	struct backup_manifest manifest = { .made = 0 };
	struct note note = { .text = text };
	bool has_note = note_parse(text, &note, NULL) == OK;
	struct str body = has_note ? note.text : text;
	if (text.len > BACKUP_MANIFEST_BYTES_MAX || !body_read(body, &manifest) ||
	    !prints_the_same(&manifest, body) || has_note != (manifest.key[0] != '\0'))
		return error_set(err, ERR_INVALID, "the backup's manifest cannot be read");
	if (!has_note && expected != NULL)
		return error_set(err, ERR_DENIED, "the backup is not signed");
	enum err r = has_note ? signature_check(&note, &manifest, expected, err) : OK;
	if (r == OK)
		*ret_manifest = manifest;
	return r;
}

/* ---- the tail ---- */

void backup_tail_print(struct str manifest, char ret_tail[BACKUP_TAIL_BYTES + 1])
{
	unsigned char hash[BACKUP_HASH_BYTES];
	char hex[HEX_BYTES];
	assert(manifest.len <= BACKUP_MANIFEST_BYTES_MAX);
	crypto_hash_sha256(hash, (const unsigned char *)manifest.ptr, manifest.len);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	int length = snprintf(ret_tail, BACKUP_TAIL_BYTES + 1, BACKUP_MAGIC " %010zu %s\n", manifest.len, hex);
	assert(length == BACKUP_TAIL_BYTES);
}

bool backup_tail_parse(const char tail[BACKUP_TAIL_BYTES], int64_t *ret_manifest_bytes,
		       unsigned char ret_hash[BACKUP_HASH_BYTES])
{
	struct str text = { tail, BACKUP_TAIL_BYTES }, magic, bytes, hash, rest;
	return str_cut(text, ' ', &magic, &rest) && str_is(magic, BACKUP_MAGIC) &&
	       str_cut(rest, ' ', &bytes, &rest) && bytes.len == 10 &&
	       str_int(bytes, 1, BACKUP_MANIFEST_BYTES_MAX, ret_manifest_bytes) &&
	       str_cut(rest, '\n', &hash, &rest) && rest.len == 0 && hash_read(hash, ret_hash);
}
