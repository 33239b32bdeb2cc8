/* alert_signal.c: see alert_signal.h. */
#include "alert/alert_signal.h"

#include <assert.h>
#include <string.h>

/* ---- the key: multiply and fold, 16 bytes at a time ---- */

#define K0 UINT64_C(0xa0761d6478bd642f)
#define K1 UINT64_C(0xe7037ed1a0b428db)
#define K2 UINT64_C(0x8ebc6af09c88c6e3)
#define K3 UINT64_C(0x589965cc75374cc3)

static uint64_t fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The length goes in first, so that "ab" "c" and "a" "bc" differ. */
static void absorb(struct alert_key *key, struct str text)
{
	uint64_t word[2];
	key->a = fold(key->a ^ K0, text.len ^ K1);
	key->b = fold(key->b ^ K2, text.len ^ K3);
	for (size_t at = 0; at < text.len; at += sizeof word) {
		size_t size = text.len - at < sizeof word ? text.len - at : sizeof word;
		if (size < sizeof word)
			word[0] = word[1] = 0;
		memcpy(word, text.ptr + at, size);
		key->a = fold(word[0] ^ key->a, word[1] ^ K1);
		key->b = fold(word[0] ^ K2, word[1] ^ key->b);
	}
}

struct alert_key alert_key_of(const struct alert_pair *pairs, size_t count)
{
	struct alert_key key = { K0, K3 };
	for (size_t i = 0; i < count; i++) {
		absorb(&key, pairs[i].name);
		absorb(&key, pairs[i].value);
	}
	return key;
}

/* ---- the fingerprint: what clients of Alertmanager know ---- */

static uint64_t fnv(uint64_t hash, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
	return (hash ^ 0xFF) * UINT64_C(1099511628211);
}

uint64_t alert_fingerprint(const struct alert_pair *labels, size_t count)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < count; i++)
		hash = fnv(fnv(hash, labels[i].name), labels[i].value);
	return hash;
}

/* ---- checking ---- */

static bool is_label_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.len > 0;
}

static enum err check_pairs(const struct alert_pair *pairs, size_t count, size_t value_max,
			    const char *what, size_t *bytes, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct str name = pairs[i].name;
		*bytes += name.len + pairs[i].value.len;
		if (!is_label_name(name))
			return error_set(err, ERR_INVALID, "invalid %s: invalid name \"" STR_FMT "\"", what,
					 STR_ARG(str_sub(name, 0, 40)));
		if (name.len > ALERT_NAME_BYTES_MAX)
			return error_set(err, ERR_INVALID, "invalid %s: a name is longer than %u bytes",
					 what, ALERT_NAME_BYTES_MAX);
		if (pairs[i].value.len > value_max)
			return error_set(err, ERR_INVALID,
					 "invalid %s: the value of \"" STR_FMT "\" is longer than %zu bytes",
					 what, STR_ARG(name), value_max);
		if (str_has(pairs[i].value, '\0'))
			return error_set(err, ERR_INVALID, "invalid %s: the value of \"" STR_FMT
					 "\" holds a NUL", what, STR_ARG(name));
	}
	return OK;
}

/* Copies what is not empty, by name. Clients send maps that are sorted already, so this rarely moves
 * anything. */
static const struct alert_pair *sorted(const struct alert_pair *pairs, size_t *count, bool keep_empty,
				       struct arena *arena)
{
	struct alert_pair *out = arena_array(arena, struct alert_pair, *count > 0 ? *count : 1);
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++) {
		size_t at = kept;
		if (pairs[i].value.len == 0 && !keep_empty)
			continue;
		while (at > 0 && str_cmp(out[at - 1].name, pairs[i].name) > 0)
			at--;
		if (at > 0 && str_eq(out[at - 1].name, pairs[i].name) && str_eq(out[at - 1].value, pairs[i].value))
			continue; /* vmalert says alertname twice */
		memmove(out + at + 1, out + at, (kept - at) * sizeof *out);
		out[at] = pairs[i];
		kept++;
	}
	*count = kept;
	return out;
}

static enum err check_twice(const struct alert_pair *pairs, size_t count, const char *what,
			    struct error *err)
{
	for (size_t i = 1; i < count; i++) {
		if (str_eq(pairs[i - 1].name, pairs[i].name))
			return error_set(err, ERR_INVALID, "invalid %s: \"" STR_FMT "\" is there twice",
					 what, STR_ARG(pairs[i].name));
	}
	return OK;
}

static enum err read_times(const struct alert_posted *posted, time_us now, struct alert_signal *signal,
			   struct error *err)
{
	time_us starts = TIME_NONE, ends = TIME_NONE;
	if (posted->starts.len > 0 && !time_parse(posted->starts, &starts))
		return error_set(err, ERR_INVALID, "startsAt is not a time like 2026-03-08T03:12:00Z");
	if (posted->ends.len > 0 && !time_parse(posted->ends, &ends))
		return error_set(err, ERR_INVALID, "endsAt is not a time like 2026-03-08T03:12:00Z");
	if (starts == TIME_MIN) /* how a Go program writes that there is none */
		starts = TIME_NONE;
	if (ends == TIME_MIN)
		ends = TIME_NONE;
	if (starts == TIME_NONE)
		starts = ends != TIME_NONE && ends < now ? ends : now;
	if (ends == TIME_NONE)
		ends = now + ALERT_RESOLVE_TIMEOUT;
	if (ends < starts)
		return error_set(err, ERR_INVALID, "start time must be before end time");
	signal->starts = starts;
	signal->ends = ends;
	return OK;
}

static enum err check_posted(const struct alert_posted *posted, struct error *err)
{
	size_t bytes = posted->generator.len;
	if (!posted->labelled)
		return error_set(err, ERR_INVALID, "labels in body is required");
	if (posted->crowded)
		return error_set(err, ERR_INVALID, "more than %u labels or annotations", ALERT_LABELS_MAX);
	enum err r = check_pairs(posted->labels, posted->label_count, ALERT_VALUE_BYTES_MAX, "label set",
				 &bytes, err);
	if (r == OK)
		r = check_pairs(posted->annotations, posted->annotation_count, ALERT_NOTE_BYTES_MAX,
				"annotations", &bytes, err);
	if (r == OK && (bytes > ALERT_TEXTS_BYTES_MAX || posted->generator.len > ALERT_NOTE_BYTES_MAX))
		r = error_set(err, ERR_INVALID, "labels, annotations and generatorURL are longer than %u bytes",
			      ALERT_TEXTS_BYTES_MAX);
	return r;
}

enum err alert_signal_from(const struct alert_posted *posted, time_us now, struct arena *arena,
			   struct alert_signal *ret_signal, struct error *err)
{
	struct alert_signal signal = { .label_count = posted->label_count,
				       .annotation_count = posted->annotation_count,
				       .generator = posted->generator };
	enum err r = check_posted(posted, err);
	if (r != OK)
		return r;
	signal.labels = sorted(posted->labels, &signal.label_count, false, arena);
	signal.annotations = sorted(posted->annotations, &signal.annotation_count, true, arena);
	if (signal.label_count == 0)
		return error_set(err, ERR_INVALID, "at least one label pair required");
	r = check_twice(signal.labels, signal.label_count, "label set", err);
	if (r == OK)
		r = check_twice(signal.annotations, signal.annotation_count, "annotations", err);
	if (r == OK)
		r = read_times(posted, now, &signal, err);
	if (r != OK)
		return r;
	signal.key = alert_key_of(signal.labels, signal.label_count);
	struct alert_key notes = alert_key_of(signal.annotations, signal.annotation_count);
	absorb(&notes, signal.generator);
	signal.notes = notes.a;
	*ret_signal = signal;
	return OK;
}

static struct str find(const struct alert_pair *pairs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is(pairs[i].name, name))
			return pairs[i].value;
	}
	return STR_NONE;
}

struct str alert_label(const struct alert_signal *signal, const char *name)
{
	return find(signal->labels, signal->label_count, name);
}

struct str alert_annotation(const struct alert_signal *signal, const char *name)
{
	return find(signal->annotations, signal->annotation_count, name);
}

struct str alert_cut(struct str text, size_t most)
{
	if (text.len <= most)
		return text;
	while (most > 0 && ((unsigned char)text.ptr[most] & 0xC0) == 0x80)
		most--;
	return str_sub(text, 0, most);
}

bool alert_is_web(struct str url)
{
	return str_starts(url, STR("https://")) || str_starts(url, STR("http://"));
}
