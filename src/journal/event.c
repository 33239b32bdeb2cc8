/* event.c: see event.h. One walk over the declared fields serves every kind. */
#include "journal/event.h"

#include <assert.h>
#include <string.h>

#include "journal/upcast.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"
#include "wire/json_writer.h"

bool event_kind_by_name(struct str name, enum event_kind *ret_kind)
{
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		if (str_is(name, event_kinds[kind].name)) {
			*ret_kind = (enum event_kind)kind;
			return true;
		}
	}
	return false;
}

static void encode_field(struct json_writer *json, const struct event_field *field,
			 const unsigned char *payload)
{
	const void *at = payload + field->offset;
	json_key(json, field->name);
	switch (field->type) {
	case EVENT_FIELD_ID:
	case EVENT_FIELD_INT:
	case EVENT_FIELD_TIME:
	case EVENT_FIELD_DURATION:
		json_int(json, *(const int64_t *)at);
		break;
	case EVENT_FIELD_BOOL:
		json_bool(json, *(const bool *)at);
		break;
	case EVENT_FIELD_TEXT:
		json_text(json, *(const struct str *)at);
		break;
	case EVENT_FIELD_JSON:
		if (((const struct str *)at)->len == 0)
			json_null(json);
		else
			json_raw(json, *(const struct str *)at);
		break;
	}
}

void event_encode(enum event_kind kind, const void *payload, struct buf *out)
{
	assert(kind < EVENT_KIND_COUNT);
	assert(payload != NULL);
	const struct event_kind_info *info = &event_kinds[kind];
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	for (size_t i = 0; i < info->field_count; i++)
		encode_field(&json, &info->fields[i], payload);
	json_map_end(&json);
	json_finish(&json);
}

static bool decode_field(const struct event_field *field, const struct doc_node *node,
			 struct arena *arena, unsigned char *payload)
{
	void *at = payload + field->offset;
	switch (field->type) {
	case EVENT_FIELD_ID:
	case EVENT_FIELD_INT:
	case EVENT_FIELD_TIME:
	case EVENT_FIELD_DURATION:
		*(int64_t *)at = doc_int(node, 0);
		return doc_is(node, DOC_INT);
	case EVENT_FIELD_BOOL:
		*(bool *)at = doc_bool(node, false);
		return doc_is(node, DOC_BOOL);
	case EVENT_FIELD_TEXT:
		*(struct str *)at = doc_text(node, "");
		return doc_is(node, DOC_TEXT);
	case EVENT_FIELD_JSON: {
		struct buf buf;
		buf_init(&buf, EVENT_PAYLOAD_BYTES_MAX);
		if (node != NULL && !doc_is(node, DOC_NULL))
			doc_print_json(node, &buf);
		*(struct str *)at = arena_str(arena, buf_str(&buf));
		bool whole = !buf.full;
		buf_finish(&buf);
		return whole && node != NULL;
	}
	}
	return false;
}

enum err event_decode(enum event_kind kind, int version, struct str json, struct arena *arena,
		      const void **ret_payload, struct error *err)
{
	assert(kind < EVENT_KIND_COUNT);
	const struct event_kind_info *info = &event_kinds[kind];
	const struct doc_node *root;
	if (version < 1 || version > info->version)
		return error_set(err, ERR_CORRUPT, "cannot read version %d of event \"%s\"", version,
				 info->name);
	enum err r = doc_json_parse(json, arena, DOC_LIMITS_DEFAULT, NULL, &root, err);
	if (r != OK)
		return error_set(err, ERR_CORRUPT, "cannot read event \"%s\"", info->name);
	root = upcast(kind, version, root, arena);
	unsigned char *payload = arena_alloc(arena, info->size);
	for (size_t i = 0; i < info->field_count; i++) {
		const struct event_field *field = &info->fields[i];
		if (!decode_field(field, doc_get(root, field->name), arena, payload))
			return error_set(err, ERR_CORRUPT, "event \"%s\" has no valid \"%s\"", info->name,
					 field->name);
	}
	*ret_payload = payload;
	return OK;
}
