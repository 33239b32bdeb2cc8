/*
 * tz_read.c: TZif bytes into a zone. The bytes are a stranger's: nothing is believed before it was
 * checked against what is left, and no count is multiplied before it is known to be small.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/tz_priv.h"

#define HEADER_BYTES 44u

/* A reader over the bytes; once it ran out it gives zeros and remembers. */
struct reader {
	const unsigned char *at;
	size_t left;
	bool short_of;
};

struct header {
	char version;
	uint32_t isut, isstd, leap, transitions, types, chars;
};

static const unsigned char *take(struct reader *reader, size_t size)
{
	if (reader->short_of || size > reader->left) {
		reader->short_of = true;
		return NULL;
	}
	const unsigned char *bytes = reader->at;
	reader->at += size;
	reader->left -= size;
	return bytes;
}

static uint32_t be32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static int64_t be64(const unsigned char *bytes)
{
	return (int64_t)((uint64_t)be32(bytes) << 32 | be32(bytes + 4));
}

static enum err bad(struct error *err, const char *what)
{
	error_set(err, ERR_INVALID, "cannot read the time zone data: %s", what);
	error_hint(err, "install the tzdata package again");
	return ERR_INVALID;
}

static enum err read_header(struct reader *reader, struct header *ret_header, struct error *err)
{
	const unsigned char *bytes = take(reader, HEADER_BYTES);
	if (bytes == NULL || memcmp(bytes, "TZif", 4) != 0)
		return bad(err, "it does not begin as a TZif file does");
	if (bytes[4] != 0 && (bytes[4] < '2' || bytes[4] > '4'))
		return bad(err, "its version is not one of 1 to 4");
	struct header header = {
		.version = (char)bytes[4],
		.isut = be32(bytes + 20),
		.isstd = be32(bytes + 24),
		.leap = be32(bytes + 28),
		.transitions = be32(bytes + 32),
		.types = be32(bytes + 36),
		.chars = be32(bytes + 40),
	};
	if (header.transitions > TZ_TRANSITIONS_MAX || header.types > TZ_TYPES_MAX ||
	    header.chars > TZ_BYTES_MAX || header.leap > TZ_TRANSITIONS_MAX ||
	    header.isut > TZ_TYPES_MAX || header.isstd > TZ_TYPES_MAX)
		return error_set(err, ERR_TOO_LARGE,
				 "cannot read the time zone data: it counts more "
				 "transitions or types than any zone has");
	*ret_header = header;
	return OK;
}

static size_t block_bytes(const struct header *header, size_t time_bytes)
{
	return header->transitions * (time_bytes + 1) + header->types * 6 + header->chars +
	       header->leap * (time_bytes + 4) + header->isstd + header->isut;
}

static int64_t clamp_second(int64_t second)
{
	if (second < TZ_SECOND_MIN)
		return TZ_SECOND_MIN;
	return second > TZ_SECOND_MAX ? TZ_SECOND_MAX : second;
}

static enum err fill_transitions(struct tz *tz, const unsigned char *times,
				 const unsigned char *types, size_t time_bytes, struct error *err)
{
	int64_t before = 0;
	for (size_t i = 0; i < tz->transition_count; i++) {
		const unsigned char *bytes = times + i * time_bytes;
		int64_t at = time_bytes == 8 ? be64(bytes) : (int32_t)be32(bytes);
		if (i > 0 && at <= before)
			return bad(err, "its transitions are not in order");
		if (types[i] >= tz->type_count)
			return bad(err, "a transition leads to a type that is not there");
		before = at;
		tz->at_s[i] = clamp_second(at);
		tz->type_at[i] = types[i];
	}
	return OK;
}

static bool offset_is_allowed(int32_t offset_s)
{
	return offset_s > -TZ_OFFSET_S_MAX && offset_s < TZ_OFFSET_S_MAX;
}

static enum err fill_types(struct tz *tz, const unsigned char *types, const unsigned char *chars,
			   size_t char_count, struct error *err)
{
	for (size_t i = 0; i < tz->type_count; i++) {
		const unsigned char *bytes = types + i * 6;
		struct tz_type *type = &tz->types[i];
		type->offset_s = (int32_t)be32(bytes);
		type->dst = bytes[4] == 1;
		if (!offset_is_allowed(type->offset_s) || bytes[4] > 1)
			return bad(err, "an offset is beyond 26 hours, or a flag is not one");
		size_t from = bytes[5], length = 0;
		while (from + length < char_count && chars[from + length] != '\0')
			length++;
		if (from + length >= char_count || length >= TZ_ABBREVIATION_BYTES)
			return bad(err, "an abbreviation has no end");
		memcpy(type->abbreviation, chars + from, length);
	}
	return OK;
}

/* The footer is a POSIX TZ string between two newlines; an empty one says "nothing known". */
static enum err read_footer(struct reader *reader, struct tz_rule *ret_rule, struct error *err)
{
	if (reader->left < 2 || reader->at[0] != '\n')
		return bad(err, "the footer is missing");
	const unsigned char *end = memchr(reader->at + 1, '\n', reader->left - 1);
	if (end == NULL)
		return bad(err, "the footer has no end");
	struct str text = { (const char *)reader->at + 1, (size_t)(end - reader->at) - 1 };
	if (text.len == 0)
		return OK;
	if (!tz_rule_parse(text, ret_rule))
		return bad(err, "the footer is not a POSIX time zone");
	return OK;
}

static struct tz *tz_allocate(const struct header *header)
{
	assert(header->transitions <= TZ_TRANSITIONS_MAX);
	assert(header->types <= TZ_TYPES_MAX);
	struct tz *tz = mem_alloc(sizeof *tz);
	tz->transition_count = header->transitions;
	tz->type_count = header->types;
	tz->at_s = mem_alloc(sizeof *tz->at_s * (header->transitions + 1));
	tz->type_at = mem_alloc(sizeof *tz->type_at * (header->transitions + 1));
	tz->types = mem_alloc(sizeof *tz->types * header->types);
	return tz;
}

static enum err read_block(struct reader *reader, const struct header *header, size_t time_bytes,
			   struct tz **ret_tz, struct error *err)
{
	if (header->leap > 0) {
		error_set(err, ERR_UNSUPPORTED,
			  "cannot use time zone data that counts leap seconds");
		error_hint(err, "name the zone without \"right/\"");
		return ERR_UNSUPPORTED;
	}
	if (header->types == 0 || header->chars == 0)
		return bad(err, "it has no type");
	if ((header->isut != 0 && header->isut != header->types) ||
	    (header->isstd != 0 && header->isstd != header->types))
		return bad(err, "its counts contradict each other");
	const unsigned char *times = take(reader, header->transitions * time_bytes);
	const unsigned char *type_at = take(reader, header->transitions);
	const unsigned char *types = take(reader, header->types * 6);
	const unsigned char *chars = take(reader, header->chars);
	take(reader, header->isstd + header->isut); /* meant for compilers of zones, not for us */
	if (reader->short_of)
		return bad(err, "it ends too early");
	struct tz *tz = tz_allocate(header);
	enum err failed = fill_transitions(tz, times, type_at, time_bytes, err);
	if (failed == OK)
		failed = fill_types(tz, types, chars, header->chars, err);
	if (failed == OK)
		*ret_tz = tz;
	else
		tz_destroy(&tz);
	return failed;
}

static enum err read_all(struct reader *reader, struct tz **ret_tz, struct error *err)
{
	struct header header = { 0 };
	enum err failed = read_header(reader, &header, err);
	if (failed != OK)
		return failed;
	if (header.version == 0)
		return read_block(reader, &header, 4, ret_tz, err);
	if (take(reader, block_bytes(&header, 4)) == NULL)
		return bad(err, "it ends too early");
	struct tz *tz;
	failed = read_header(reader, &header, err);
	if (failed == OK && header.version == 0)
		failed = bad(err, "its two headers contradict each other");
	if (failed == OK)
		failed = read_block(reader, &header, 8, &tz, err);
	if (failed != OK)
		return failed;
	failed = read_footer(reader, &tz->rule, err);
	if (failed == OK)
		*ret_tz = tz;
	else
		tz_destroy(&tz);
	return failed;
}

enum err tz_create(struct str bytes, struct tz **ret_tz, struct error *err)
{
	if (bytes.len > TZ_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE,
				 "cannot read the time zone data: %zu bytes are "
				 "more than any zone has",
				 bytes.len);
	struct reader reader = { (const unsigned char *)bytes.ptr, bytes.len, false };
	struct tz *tz = NULL;
	enum err failed = read_all(&reader, &tz, err);
	if (failed != OK)
		return failed;
	assert(tz != NULL);
	assert(tz->type_count > 0);
	*ret_tz = tz;
	return OK;
}

void tz_destroy(struct tz **tz)
{
	if (*tz == NULL)
		return;
	mem_free((*tz)->at_s);
	mem_free((*tz)->type_at);
	mem_free((*tz)->types);
	mem_free(*tz);
	*tz = NULL;
}
