/* note.c: see note.h. */
#include "journal/note.h"

#include <assert.h>
#include <inttypes.h>

#include <sodium.h>

#define DASH "\xE2\x80\x94 " /* em dash, space: how a signature line begins */
#define PRIVATE "PRIVATE+KEY+"
#define KEY_BYTES 33 /* kind, then public key or seed */
#define STAMP_BYTES 8
#define KEY_TEXT_MAX (sizeof PRIVATE + NOTE_NAME_MAX + 1 + 8 + 1 + 44)

/* What a signature line holds, decoded. */
struct line {
	struct str name;
	unsigned char id[4];
	unsigned char signature[NOTE_SIGNATURE_BYTES_MAX];
	size_t length;
};

/* Control characters of ASCII; a note may hold newlines, a name not even those. */
static bool has_control(struct str text, bool newlines_allowed)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 && !(newlines_allowed && text.ptr[i] == '\n'))
			return true;
	return false;
}

/* White space of Unicode beyond ASCII, as it stands in UTF-8. */
static bool has_space(struct str text)
{
	static const char *const spaces[] = {
		" ", "\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9",
		"\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80",
	};
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		if (memmem(text.ptr, text.len, spaces[i], strlen(spaces[i])) != NULL)
			return true;
	for (size_t i = 0; i + 2 < text.len; i++) /* U+2000..U+200A */
		if (memcmp(text.ptr + i, "\xE2\x80", 2) == 0 &&
		    (unsigned char)text.ptr[i + 2] >= 0x80 &&
		    (unsigned char)text.ptr[i + 2] <= 0x8A)
			return true;
	return false;
}

static bool is_key_name(struct str name)
{
	return name.len >= 1 && name.len <= NOTE_NAME_MAX &&
	       !str_has(name, '+') && !has_control(name, false) &&
	       !has_space(name) && str_is_utf8(name);
}

/* libsodium 1.0.18 takes some bytes above 0x7F for digits: found by fuzzing. So we look first. */
static bool has_base64_letters_only(struct str text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/=";
	for (size_t i = 0; i < text.len; i++)
		if (memchr(letters, text.ptr[i], sizeof letters - 1) == NULL)
			return false;
	return true;
}

bool note_base64_read(struct str text, unsigned char *ret_bytes, size_t size, size_t *ret_length)
{
	return text.len > 0 && has_base64_letters_only(text) &&
	       sodium_base642bin(ret_bytes, size, text.ptr, text.len, NULL, ret_length, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0;
}

static void base64_add(struct buf *out, const unsigned char *bytes, size_t length)
{
	char text[sodium_base64_ENCODED_LEN(4 + STAMP_BYTES + crypto_sign_BYTES,
					    sodium_base64_VARIANT_ORIGINAL)];
	assert(length <= 4 + STAMP_BYTES + crypto_sign_BYTES);
	sodium_bin2base64(text, sizeof text, bytes, length, sodium_base64_VARIANT_ORIGINAL);
	buf_adds(out, text);
	sodium_memzero(text, sizeof text); /* it may have been a seed */
}

static void key_id(struct note_key *key)
{
	unsigned char hash[crypto_hash_sha256_BYTES], kind = (unsigned char)key->kind;
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)key->name, strlen(key->name));
	crypto_hash_sha256_update(&state, (const unsigned char *)"\n", 1);
	crypto_hash_sha256_update(&state, &kind, 1);
	crypto_hash_sha256_update(&state, key->public_key, sizeof key->public_key);
	crypto_hash_sha256_final(&state, hash);
	memcpy(key->id, hash, sizeof key->id);
}

static enum err key_name_set(struct note_key *key, struct str name, struct error *err)
{
	if (!is_key_name(name)) {
		error_set(err, ERR_INVALID, "the key name is not one");
		error_hint(err, "use 1 to %d bytes without spaces and '+', "
			   "like example.com/journal", NOTE_NAME_MAX);
		return ERR_INVALID;
	}
	memcpy(key->name, name.ptr, name.len);
	key->name[name.len] = '\0';
	return OK;
}

enum err note_signer_init(struct note_signer *ret_signer, struct str name, enum note_kind kind,
			  const unsigned char seed[NOTE_SEED_BYTES], struct error *err)
{
	assert(kind == NOTE_ED25519 || kind == NOTE_COSIGNATURE);
	struct note_signer signer = { .key.kind = kind };
	enum err result = key_name_set(&signer.key, name, err);
	if (result != OK)
		return result;
	memcpy(signer.seed, seed, NOTE_SEED_BYTES);
	crypto_sign_seed_keypair(signer.key.public_key, signer.secret_key, seed);
	key_id(&signer.key);
	*ret_signer = signer;
	note_signer_finish(&signer);
	return OK;
}

void note_signer_finish(struct note_signer *signer)
{
	sodium_memzero(signer, sizeof *signer);
}

static void key_print(const struct note_key *key, const unsigned char bytes[32], struct buf *out)
{
	unsigned char whole[KEY_BYTES] = { (unsigned char)key->kind };
	memcpy(whole + 1, bytes, 32);
	buf_printf(out, "%s+%02x%02x%02x%02x+", key->name, key->id[0], key->id[1], key->id[2],
		   key->id[3]);
	base64_add(out, whole, sizeof whole);
	sodium_memzero(whole, sizeof whole);
}

void note_key_print(const struct note_key *key, struct buf *out)
{
	assert(key->name[0] != '\0');
	key_print(key, key->public_key, out);
}

void note_signer_print(const struct note_signer *signer, struct buf *out)
{
	assert(signer->key.name[0] != '\0');
	buf_adds(out, PRIVATE);
	key_print(&signer->key, signer->seed, out);
}

/* "name+id+base64": the base64 may hold '+', name and id may not. */
static bool key_split(struct str text, struct str *ret_name, struct str *ret_id,
		      unsigned char ret_bytes[KEY_BYTES])
{
	struct str rest, base64;
	size_t length;
	return text.len <= KEY_TEXT_MAX && str_cut(text, '+', ret_name, &rest) &&
	       str_cut(rest, '+', ret_id, &base64) &&
	       note_base64_read(base64, ret_bytes, KEY_BYTES, &length) && length == KEY_BYTES &&
	       (ret_bytes[0] == NOTE_ED25519 || ret_bytes[0] == NOTE_COSIGNATURE);
}

static bool id_is(const struct note_key *key, struct str text)
{
	char wanted[9];
	sodium_bin2hex(wanted, sizeof wanted, key->id, sizeof key->id);
	return str_is(text, wanted);
}

static enum err id_wrong(struct error *err)
{
	error_set(err, ERR_INVALID, "the key's id does not belong to its name and bytes");
	error_hint(err, "copy the whole line again; it was cut or changed");
	return ERR_INVALID;
}

static enum err key_wrong(struct error *err, const char *form)
{
	error_set(err, ERR_INVALID, "the key is not of the form \"%s\"", form);
	error_hint(err, "only Ed25519 keys are known: kind 1 for journals, 4 for witnesses");
	return ERR_INVALID;
}

enum err note_key_parse(struct str text, struct note_key *ret_key, struct error *err)
{
	struct str name, id;
	unsigned char bytes[KEY_BYTES];
	if (!key_split(text, &name, &id, bytes))
		return key_wrong(err, "name+id+base64");
	struct note_key key = { .kind = bytes[0] };
	enum err result = key_name_set(&key, name, err);
	if (result != OK)
		return result;
	memcpy(key.public_key, bytes + 1, sizeof key.public_key);
	key_id(&key);
	if (!id_is(&key, id))
		return id_wrong(err);
	*ret_key = key;
	return OK;
}

enum err note_signer_parse(struct str text, struct note_signer *ret_signer, struct error *err)
{
	struct str name, id;
	unsigned char bytes[KEY_BYTES];
	if (!str_starts(text, STR(PRIVATE)) ||
	    !key_split(str_sub(text, strlen(PRIVATE), text.len), &name, &id, bytes))
		return key_wrong(err, PRIVATE "name+id+base64");
	struct note_signer signer;
	enum err result = note_signer_init(&signer, name, bytes[0], bytes + 1, err);
	sodium_memzero(bytes, sizeof bytes);
	if (result != OK)
		return result;
	if (id_is(&signer.key, id))
		*ret_signer = signer;
	else
		result = id_wrong(err);
	note_signer_finish(&signer);
	return result;
}

/* One signature line without its newline. */
static bool line_parse(struct str text, struct line *ret_line)
{
	struct str base64;
	unsigned char bytes[4 + NOTE_SIGNATURE_BYTES_MAX];
	size_t length;
	if (!str_starts(text, STR(DASH)) ||
	    !str_cut(str_sub(text, strlen(DASH), text.len), ' ', &ret_line->name, &base64) ||
	    !is_key_name(ret_line->name) ||
	    !note_base64_read(base64, bytes, sizeof bytes, &length) ||
	    length <= 4)
		return false;
	memcpy(ret_line->id, bytes, 4);
	ret_line->length = length - 4;
	memcpy(ret_line->signature, bytes + 4, ret_line->length);
	return true;
}

static enum err lines_check(struct str lines, struct error *err)
{
	struct str text;
	struct line line;
	for (unsigned count = 1; lines.len > 0; count++) {
		if (count > NOTE_SIGNATURES_MAX)
			return error_set(err, ERR_TOO_LARGE, "the note has more than %d signatures",
					 NOTE_SIGNATURES_MAX);
		str_cut(lines, '\n', &text, &lines);
		if (!line_parse(text, &line))
			return error_set(err, ERR_INVALID,
					 "signature line %u of the note is malformed", count);
	}
	return OK;
}

enum err note_parse(struct str whole, struct note *ret_note, struct error *err)
{
	if (whole.len > NOTE_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "the note is longer than %u bytes",
				 NOTE_BYTES_MAX);
	if (!str_is_utf8(whole) || has_control(whole, true))
		return error_set(err, ERR_INVALID, "the note is not plain UTF-8 text");
	size_t split = whole.len; /* where the signatures begin: after the last empty line */
	while (split >= 2 && memcmp(whole.ptr + split - 2, "\n\n", 2) != 0)
		split--;
	if (split < 2 || split == whole.len || whole.ptr[whole.len - 1] != '\n')
		return error_set(err, ERR_INVALID,
				 "the note is not text, an empty line and signature lines");
	struct note note = { .text = str_sub(whole, 0, split - 1),
			     .signatures = str_sub(whole, split, whole.len) };
	enum err result = lines_check(note.signatures, err);
	if (result == OK)
		*ret_note = note;
	return result;
}

/* What a signature is over: the text, and for a cosignature what it says and when before it. */
static void signed_message(struct buf *message, enum note_kind kind, uint64_t seconds,
			   struct str text)
{
	buf_init(message, NOTE_BYTES_MAX + 64);
	if (kind == NOTE_COSIGNATURE)
		buf_printf(message, "cosignature/v1\ntime %" PRIu64 "\n", seconds);
	buf_add(message, text);
	assert(!message->full);
}

static void stamp_write(unsigned char bytes[STAMP_BYTES], uint64_t seconds)
{
	for (int i = STAMP_BYTES - 1; i >= 0; i--, seconds >>= 8)
		bytes[i] = (unsigned char)seconds;
}

static uint64_t stamp_read(const unsigned char bytes[STAMP_BYTES])
{
	uint64_t seconds = 0;
	for (int i = 0; i < STAMP_BYTES; i++)
		seconds = seconds << 8 | bytes[i];
	return seconds;
}

void note_signature_add(struct buf *out, struct str text, const struct note_signer *signer,
			time_us at)
{
	assert(text.len > 0 && text.ptr[text.len - 1] == '\n');
	assert(at >= 0);
	uint64_t seconds = (uint64_t)(at / TIME_SECOND);
	unsigned char bytes[4 + STAMP_BYTES + crypto_sign_BYTES];
	size_t stamp = signer->key.kind == NOTE_COSIGNATURE ? STAMP_BYTES : 0;
	cleanup_buf struct buf message;
	signed_message(&message, signer->key.kind, seconds, text);
	memcpy(bytes, signer->key.id, 4);
	if (stamp > 0)
		stamp_write(bytes + 4, seconds);
	crypto_sign_detached(bytes + 4 + stamp, NULL, (const unsigned char *)message.bytes,
			     message.used, signer->secret_key);
	buf_printf(out, DASH "%s ", signer->key.name);
	base64_add(out, bytes, 4 + stamp + crypto_sign_BYTES);
	buf_addc(out, '\n');
}

static bool line_verifies(const struct line *line, const struct note_key *key, struct str text,
			  time_us *ret_at)
{
	size_t stamp = key->kind == NOTE_COSIGNATURE ? STAMP_BYTES : 0;
	if (line->length != stamp + crypto_sign_BYTES)
		return false;
	uint64_t seconds = stamp > 0 ? stamp_read(line->signature) : 0;
	if (seconds > (uint64_t)(TIME_MAX / TIME_SECOND))
		return false;
	cleanup_buf struct buf message;
	signed_message(&message, key->kind, seconds, text);
	*ret_at = (time_us)seconds * TIME_SECOND;
	return crypto_sign_verify_detached(line->signature + stamp,
					   (const unsigned char *)message.bytes, message.used,
					   key->public_key) == 0;
}

enum err note_verify(const struct note *note, const struct note_key *key, time_us *ret_at,
		     struct error *err)
{
	struct str lines = note->signatures, text;
	time_us latest = TIME_NONE;
	bool found = false;
	while (lines.len > 0) {
		struct line line;
		time_us at;
		str_cut(lines, '\n', &text, &lines);
		bool well_formed = line_parse(text, &line);
		assert(well_formed); /* note_parse saw to it */
		if (!str_is(line.name, key->name) || memcmp(line.id, key->id, 4) != 0)
			continue;
		if (!line_verifies(&line, key, note->text, &at))
			return error_set(err, ERR_CORRUPT,
					 "the signature of \"%s\" does not verify", key->name);
		found = true;
		latest = at > latest ? at : latest;
	}
	if (!found)
		return error_set(err, ERR_NOT_FOUND, "the note is not signed by \"%s\"", key->name);
	if (ret_at != NULL)
		*ret_at = latest;
	return OK;
}
