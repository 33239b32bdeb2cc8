/* api_definition.c: definitions one by one, as people edit them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define SLICE 100u                       /* definitions read at once: 64 KiB each at most */
#define SLICE_ARENA_BYTES (16u << 20)
#define WORDS_MAX 16u

/* ---- reading ---- */

struct slice {
	definition_each_fn *each;
	void *context;
	unsigned count;
	bool stopped;
	char kind[64], name[64]; /* the last one */
};

static bool slice_one(void *context, const struct definition *definition)
{
	struct slice *slice = context;
	slice->count++;
	snprintf(slice->kind, sizeof slice->kind, STR_FMT, STR_ARG(definition->kind));
	snprintf(slice->name, sizeof slice->name, STR_FMT, STR_ARG(definition->name));
	slice->stopped = !slice->each(slice->context, definition);
	return !slice->stopped;
}

enum err api_definitions(struct store_conn *conn, struct str kind, struct str after,
			 definition_each_fn *each, void *context, struct error *err)
{
	cleanup_arena struct arena arena;
	struct slice slice = { .each = each, .context = context };
	enum err r;
	arena_init(&arena, SLICE_ARENA_BYTES);
	snprintf(slice.name, sizeof slice.name, STR_FMT, STR_ARG(after));
	do {
		slice.count = 0;
		arena_reset(&arena);
		r = definition_list(conn, kind, str_of(slice.kind), str_of(slice.name), SLICE, &arena,
				    slice_one, &slice, err);
	} while (r == OK && !slice.stopped && slice.count == SLICE);
	return r;
}

const struct doc_node *api_spec_of(const struct definition *definition, struct arena *arena)
{
	const struct doc_node *spec;
	struct error unread;
	if (doc_json_parse(definition->spec, arena, DOC_LIMITS_DEFAULT, NULL, &spec, &unread) != OK)
		return NULL;
	return spec;
}

static bool occurs(struct str word, struct str text)
{
	for (size_t i = 0; i + word.len <= text.len; i++) {
		size_t at = 0;
		while (at < word.len && tolower((unsigned char)text.ptr[i + at]) ==
						tolower((unsigned char)word.ptr[at]))
			at++;
		if (at == word.len)
			return true;
	}
	return false;
}

bool api_words_occur(struct str words, struct str one, struct str other)
{
	struct str word, rest = words;
	for (unsigned i = 0; rest.len > 0 && i < WORDS_MAX; i++) {
		str_cut(rest, ' ', &word, &rest);
		if (word.len > 0 && !occurs(word, one) && !occurs(word, other))
			return false;
	}
	return true;
}

/* ---- writing ---- */

static void write_definition(struct api_call *call, const struct resource_kind *kind,
			     const struct definition *definition, struct arena *arena)
{
	struct json_writer *json = &call->json;
	const struct doc_node *spec = api_spec_of(definition, arena);
	json_map_begin(json);
	json_field_cstr(json, "apiVersion", RESOURCE_API_VERSION);
	json_field_cstr(json, "kind", kind->name);
	json_key(json, "metadata");
	json_map_begin(json);
	json_field_text(json, "name", definition->name);
	json_field_text(json, "manager", definition->manager);
	json_field_int(json, "revision", definition->revision);
	json_field_time(json, "updated_at", definition->updated);
	api_person(call, "updated_by", definition->updated_by);
	json_map_end(json);
	json_key(json, "spec");
	if (spec != NULL) {
		doc_write_json(spec_mask(kind->fields, spec, arena), json);
	} else {
		json_map_begin(json);
		json_map_end(json);
	}
	json_map_end(json);
}

struct listing {
	struct api_call *call;
	struct api_list list;
	const struct resource_kind *kind;
	struct str words;
	struct arena arena; /* of one row */
};

static bool list_one(void *context, const struct definition *definition)
{
	struct listing *listing = context;
	arena_reset(&listing->arena);
	const struct doc_node *spec = api_spec_of(definition, &listing->arena);
	if (!api_words_occur(listing->words, definition->name, doc_text(doc_get(spec, "display"), "")))
		return true;
	if (!api_list_row(&listing->list, 0, arena_str(&listing->call->arena, definition->name)))
		return false;
	write_definition(listing->call, listing->kind, definition, &listing->arena);
	return true;
}

enum err api_definition_list(struct api_call *call, struct error *err)
{
	struct listing listing = { .call = call, .words = api_query(call, "q") };
	enum err r = api_kind(call, 0, &listing.kind, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	arena_init(&listing.arena, SLICE_ARENA_BYTES);
	r = api_definitions(call->conn, str_of(listing.kind->name), listing.list.after, list_one,
			    &listing, err);
	arena_finish(&listing.arena);
	api_list_end(call, &listing.list);
	return r;
}

static enum err write_one(struct api_call *call, struct error *err)
{
	const struct resource_kind *kind;
	struct definition definition;
	enum err r = api_kind(call, 0, &kind, err);
	if (r == OK)
		r = definition_get(call->conn, str_of(kind->name), call->params[1], &call->arena,
				   &definition, err);
	if (r != OK)
		return r;
	api_etag(call, definition.revision);
	write_definition(call, kind, &definition, &call->arena);
	return OK;
}

enum err api_definition_get(struct api_call *call, struct error *err)
{
	return write_one(call, err);
}

/* ---- changes ---- */

static const struct spec_field put_fields[] = {
	{ .name = "spec", .type = SPEC_ANY, .flags = SPEC_REQUIRED,
	  .about = "What the definition says; see GET /kinds." },
	{ .name = NULL },
};

static bool zone_known(void *context, struct str zone)
{
	const struct tz *tz;
	return zones_find(context, zone, &tz, NULL) == OK;
}

static enum err check_spec(struct api_call *call, const struct resource_kind *kind,
			   const struct doc_node *spec, struct str *ret_spec, struct error *err)
{
	const struct doc_node *full;
	struct spec_errors *errors = arena_new(&call->arena, struct spec_errors);
	spec_errors_init(errors, &call->arena, NULL);
	errors->zone_known = call->api->options.zones != NULL ? zone_known : NULL;
	errors->zone_context = call->api->options.zones;
	if (resource_check(kind, call->params[1], spec, &call->arena, errors, &full, ret_spec) == OK)
		return OK;
	return spec_errors_result(errors, err);
}

/* Created when this command made its first revision. */
static enum err write_put(struct api_call *call, struct error *err)
{
	struct definition definition;
	bool existed = *(const bool *)call->context;
	enum err r = definition_get(call->conn, call->params[0], call->params[1], &call->arena,
				    &definition, err);
	if (r != OK)
		return r;
	call->status = existed ? 200 : 201;
	return write_one(call, err);
}

struct putting {
	struct definition_changes changes;
	bool *existed;
};

static enum err decide_put(struct decision *d, const void *args, struct error *err)
{
	const struct putting *putting = args;
	const struct definition_change *change = putting->changes.changes;
	struct definition before;
	enum err r = definition_get(d->conn, change->kind, change->name, d->arena, &before, NULL);
	if (r != OK && r != ERR_NOT_FOUND)
		return error_set(err, r, "could not read the definition");
	*putting->existed = r == OK;
	return api_definitions_decide(d, &putting->changes, err);
}

enum err api_definition_put(struct api_call *call, struct error *err)
{
	struct definition_change change = { .manager = STR(DEFINITION_PEOPLE) };
	struct putting putting = { { &change, 1 }, &(bool){ false } };
	const struct resource_kind *kind;
	const struct doc_node *body;
	enum err r = api_kind(call, 0, &kind, err);
	if (r == OK && !str_is_name(call->params[1]))
		r = error_set(err, ERR_INVALID, "\"" STR_FMT "\" cannot be a name: small letters, digits and "
			      "inner dashes, at most 63", STR_ARG(str_sub(call->params[1], 0, 63)));
	if (r == OK)
		r = api_if_match(call, &change.expect_revision, err);
	if (r == OK)
		r = api_body(call, put_fields, &body, err);
	if (r == OK)
		r = check_spec(call, kind, doc_get(call->body, "spec"), &change.spec, err);
	if (r != OK)
		return r;
	change.kind = str_of(kind->name);
	change.name = call->params[1];
	call->context = putting.existed;
	return api_change(call, "definition_put", decide_put, &putting, write_put, err);
}

enum err api_definition_delete(struct api_call *call, struct error *err)
{
	struct definition_change change = { 0 };
	struct definition_changes changes = { &change, 1 };
	const struct resource_kind *kind;
	enum err r = api_kind(call, 0, &kind, err);
	if (r == OK)
		r = api_if_match(call, &change.expect_revision, err);
	if (r != OK)
		return r;
	change.kind = str_of(kind->name);
	change.name = call->params[1];
	r = api_change(call, "definition_delete", api_definitions_decide, &changes, NULL, err);
	if (r == OK)
		call->status = 204;
	return r;
}
