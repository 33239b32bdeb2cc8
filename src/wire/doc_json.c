/* doc_json.c: see doc_json.h. simdjson knows the grammar, json_scan finds the place of a mistake;
 * what is grammar to neither (duplicates, sizes) is looked at here and in the builder. */
#include "wire/doc_json.h"

#include <assert.h>
#include <string.h>

#include "base/bytes8.h"
#include "wire/doc_build.h"
#include "wire/json_scan.h"
#include "wire/json_simdjson.h"

struct reader {
	struct str text;
	struct doc_build build;
	struct error *err;
	enum err result; /* why the walk was stopped */
	size_t at;       /* offset that `place` belongs to; only moves forward */
	struct doc_place place;
};

/* Walks on to the offset, counting lines, and columns in characters. */
static struct doc_place place_at(struct reader *reader, size_t offset)
{
	assert(offset <= reader->text.len);
	if (offset < reader->at) { /* only for a flaw before what simdjson had seen */
		reader->at = 0;
		reader->place = (struct doc_place){ 1, 1 };
	}
	for (; reader->at < offset; reader->at++) {
		const char *here = reader->text.ptr + reader->at;
		while (offset - reader->at > 8 && bytes8_is_ascii(bytes8_at(here)) && !bytes8_has(bytes8_at(here), '\n')) {
			here += 8;
			reader->at += 8;
			reader->place.column += 8;
		}
		unsigned char byte = (unsigned char)reader->text.ptr[reader->at];
		if (byte == '\n') {
			reader->place.line++;
			reader->place.column = 1;
		} else if ((byte & 0xC0) != 0x80) {
			reader->place.column++;
		}
	}
	return reader->place;
}

static enum err explain(struct reader *reader)
{
	const char *source = reader->build.source;
	struct json_flaw flaw;
	if (json_scan(reader->text, &flaw)) /* the fuzz target would show it: the two disagree */
		return doc_fail(reader->err, ERR_INVALID, source, (struct doc_place){ 1, 1 },
				"the text could not be read as JSON");
	return doc_fail(reader->err, ERR_INVALID, source, place_at(reader, flaw.offset), "%s",
			flaw.why);
}

/* Two things simdjson lets through, at least in some versions. */
static bool text_is_allowed(struct str text)
{
	return !str_has(text, '\0') && str_is_utf8(text);
}

static enum err take_leaf(struct reader *reader, const struct json_token *token,
			  struct doc_place place)
{
	struct doc_node node = { .line = place.line, .column = place.column };
	switch (token->kind) {
	case JSON_BOOL:
		node.kind = DOC_BOOL;
		node.truth = token->truth;
		break;
	case JSON_INT:
		node.kind = DOC_INT;
		node.integer = token->integer;
		break;
	case JSON_REAL:
		node.kind = DOC_REAL;
		node.real = token->real;
		break;
	case JSON_TEXT:
		node.kind = DOC_TEXT;
		node.text = (struct str){ token->text, token->text_len };
		break;
	default:
		assert(token->kind == JSON_NULL);
		node.kind = DOC_NULL;
	}
	return doc_build_add(&reader->build, node, reader->err);
}

static enum err take(struct reader *reader, const struct json_token *token)
{
	if (token->kind == JSON_LIST_END || token->kind == JSON_MAP_END)
		return doc_build_close(&reader->build, reader->err);
	struct doc_place place = place_at(reader, token->offset);
	if (token->kind == JSON_LIST_BEGIN)
		return doc_build_open(&reader->build, DOC_LIST, place, reader->err);
	if (token->kind == JSON_MAP_BEGIN)
		return doc_build_open(&reader->build, DOC_MAP, place, reader->err);
	if (token->kind == JSON_KEY || token->kind == JSON_TEXT) {
		struct str text = { token->text, token->text_len };
		if (!text_is_allowed(text))
			return explain(reader);
		if (token->kind == JSON_KEY)
			return doc_build_key(&reader->build, text, place, reader->err);
	}
	return take_leaf(reader, token, place);
}

static bool take_token(void *context, const struct json_token *token)
{
	struct reader *reader = context;
	reader->result = take(reader, token);
	return reader->result == OK;
}

static enum err read_text(struct reader *reader)
{
	struct str text = reader->text;
	struct doc_place start = { 1, 1 };
	if (text.len > reader->build.limits.bytes_max)
		return doc_fail(reader->err, ERR_TOO_LARGE, reader->build.source, start,
				"the text has %zu bytes; at most %zu are taken", text.len,
				reader->build.limits.bytes_max);
	struct str begin = str_trim(text);
	struct json_flaw flaw;
	bool bare = begin.len > 0 && begin.ptr[0] != '[' && begin.ptr[0] != '{';
	if (bare && !json_scan(text, &flaw))
		return explain(reader);
	switch (json_walk(text.ptr, text.len, bare, take_token, reader)) {
	case JSON_WALKED:
		return OK;
	case JSON_STOPPED:
		return reader->result;
	case JSON_REFUSED:
		return explain(reader);
	case JSON_FAILED:
		break;
	}
	return doc_fail(reader->err, ERR_UNAVAILABLE, reader->build.source, start,
			"the JSON could not be read: no memory");
}

enum err doc_json_parse(struct str text, struct arena *arena, struct doc_limits limits,
			const char *source, const struct doc_node **ret_root, struct error *err)
{
	struct reader reader = { .text = text, .err = err, .place = { 1, 1 } };
	assert(limits.bytes_max < UINT32_MAX);
	doc_build_init(&reader.build, arena, limits, source);
	enum err result = read_text(&reader);
	if (result == OK) {
		assert(reader.build.root != NULL);
		*ret_root = reader.build.root;
	}
	doc_build_finish(&reader.build);
	return result;
}
