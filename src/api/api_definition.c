/* api_definition.c: definitions one by one, as people edit them. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "base/mem.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define SLICE 100u                       /* definitions read at once: 64 KiB each at most */
#define SLICE_ARENA_BYTES (16u << 20)
#define USERS_NAMED 5u                   /* of what uses something that is to be deleted */
#define CIRCLE_STEPS_MAX 2000u
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

void api_text_or_null(struct json_writer *json, const char *key, struct str text)
{
	json_key(json, key);
	if (text.len > 0)
		json_text(json, text);
	else
		json_null(json);
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

/* ---- references: of what is put ---- */

struct following {
	struct decision *d;
	const struct definition_changes *changes;
	const struct definition_change *from;
	enum err result;
	struct error *err;
};

/* Whether it will be there when all is done: what this command puts counts, what it deletes does not. */
static enum err will_be_there(struct following *following, const char *kind, struct str name)
{
	struct definition found;
	const struct definition_changes *changes = following->changes;
	for (size_t i = 0; i < changes->count; i++) {
		const struct definition_change *change = &changes->changes[i];
		if (str_is(change->kind, kind) && str_eq(change->name, name))
			return change->spec.len > 0 ? OK : ERR_NOT_FOUND;
	}
	return definition_get(following->d->conn, str_of(kind), name, following->d->arena, &found, NULL);
}

static void follow(void *context, const char *kind, const struct doc_node *name, struct str path)
{
	struct following *following = context;
	if (following->result != OK || resource_kind_find(api_kinds, str_of(kind)) == NULL)
		return;
	following->result = will_be_there(following, kind, name->text);
	if (following->result != ERR_NOT_FOUND)
		return;
	following->result = error_set(following->err, ERR_INVALID,
				      STR_FMT " \"" STR_FMT "\" names %s \"" STR_FMT
					      "\", which does not exist",
				      STR_ARG(following->from->kind), STR_ARG(following->from->name),
				      kind, STR_ARG(str_sub(name->text, 0, 63)));
	error_hint(following->err, "define the %s first", kind);
	error_field(following->err, "spec." STR_FMT, STR_ARG(path));
}

/* ---- circles: does a chain of `acyclic` fields lead back? ---- */

struct chain {
	struct arena arena; /* names; what is read is reset step by step, in another */
	struct str names[CIRCLE_STEPS_MAX]; /* what was seen; those from `next` on are not followed yet */
	size_t count, next;
};

static bool chain_add(struct chain *chain, struct str name)
{
	for (size_t i = 0; i < chain->count; i++) {
		if (str_eq(chain->names[i], name))
			return true;
	}
	if (chain->count == CIRCLE_STEPS_MAX)
		return false;
	chain->names[chain->count++] = arena_str(&chain->arena, name);
	return true;
}

static enum err chain_take(struct chain *chain, const struct resource_kind *kind, struct str start,
			   const struct doc_node *spec, struct error *err)
{
	const struct doc_node *targets = doc_get(spec, kind->acyclic);
	for (size_t i = 0; i < doc_count(targets); i++) {
		struct str name = doc_text(doc_at(targets, i), "");
		if (str_eq(name, start)) {
			error_set(err, ERR_INVALID, "%s \"" STR_FMT "\" would need itself: \"%s\" leads in "
				  "a circle", kind->name, STR_ARG(start), kind->acyclic);
			error_field(err, "spec.%s", kind->acyclic);
			return ERR_INVALID;
		}
		if (!chain_add(chain, name))
			return error_set(err, ERR_TOO_LARGE, "the chain of \"%s\" is longer than %u",
					 kind->acyclic, CIRCLE_STEPS_MAX);
	}
	return OK;
}

static enum err check_circle(struct decision *d, const struct resource_kind *kind, struct str start,
			     const struct doc_node *spec, struct error *err)
{
	struct chain *chain = mem_alloc(sizeof *chain);
	struct arena step;
	arena_init(&chain->arena, 0);
	arena_init(&step, SLICE_ARENA_BYTES);
	enum err r = chain_take(chain, kind, start, spec, err);
	while (r == OK && chain->next < chain->count) {
		arena_reset(&step);
		r = definition_spec(d->conn, kind->name, chain->names[chain->next++], &step, &spec, err);
		if (r == OK)
			r = chain_take(chain, kind, start, spec, err);
	}
	arena_finish(&step);
	arena_finish(&chain->arena);
	mem_free(chain);
	return r;
}

static enum err check_put(struct decision *d, const struct definition_changes *changes,
			  const struct definition_change *change, struct error *err)
{
	const struct resource_kind *kind = resource_kind_find(api_kinds, change->kind);
	struct following following = { d, changes, change, OK, err };
	const struct doc_node *spec;
	assert(kind != NULL);
	enum err r = doc_json_parse(change->spec, d->arena, DOC_LIMITS_DEFAULT, NULL, &spec, err);
	if (r != OK)
		return r;
	spec_references(kind->fields, spec, d->arena, follow, &following);
	if (following.result == OK && kind->acyclic != NULL)
		return check_circle(d, kind, change->name, spec, err);
	return following.result;
}

/* ---- references: to what is deleted ---- */

struct usage {
	const struct definition_changes *changes;
	const struct definition_change *gone;
	const struct definition *from;
	bool uses;
	size_t count;
	struct buf names;
	struct arena arena; /* of one definition */
};

static void see_reference(void *context, const char *kind, const struct doc_node *name, struct str path)
{
	struct usage *usage = context;
	(void)path;
	usage->uses = usage->uses ||
		      (str_is(usage->gone->kind, kind) && str_eq(usage->gone->name, name->text));
}

static bool goes_too(const struct usage *usage, const struct definition *definition)
{
	for (size_t i = 0; i < usage->changes->count; i++) {
		const struct definition_change *change = &usage->changes->changes[i];
		if (str_eq(change->kind, definition->kind) && str_eq(change->name, definition->name))
			return true;
	}
	return false;
}

static bool see_user(void *context, const struct definition *definition)
{
	struct usage *usage = context;
	const struct resource_kind *kind = resource_kind_find(api_kinds, definition->kind);
	arena_reset(&usage->arena);
	const struct doc_node *spec = api_spec_of(definition, &usage->arena);
	if (kind == NULL || spec == NULL || goes_too(usage, definition))
		return true;
	usage->uses = false;
	spec_references(kind->fields, spec, &usage->arena, see_reference, usage);
	if (!usage->uses)
		return true;
	if (usage->count++ < USERS_NAMED)
		buf_printf(&usage->names, "%s%s \"" STR_FMT "\"", usage->count > 1 ? ", " : "",
			   kind->name, STR_ARG(definition->name));
	return true;
}

static enum err check_delete(struct decision *d, const struct definition_changes *changes,
			     const struct definition_change *change, struct error *err)
{
	struct usage usage = { .changes = changes, .gone = change };
	buf_init(&usage.names, 1024);
	arena_init(&usage.arena, SLICE_ARENA_BYTES);
	enum err r = api_definitions(d->conn, STR_NONE, STR_NONE, see_user, &usage, err);
	if (r == OK && usage.count > 0) {
		r = error_set(err, ERR_CONFLICT, STR_FMT " \"" STR_FMT "\" is used by " STR_FMT "%s",
			      STR_ARG(change->kind), STR_ARG(change->name), STR_ARG(buf_str(&usage.names)),
			      usage.count > USERS_NAMED ? " and others" : "");
		error_hint(err, "change those first, so that they no longer name it");
	}
	arena_finish(&usage.arena);
	buf_finish(&usage.names);
	return r;
}

enum err api_definitions_decide(struct decision *d, const void *args, struct error *err)
{
	const struct definition_changes *changes = args;
	enum err r = definition_change_decide(d, changes, err);
	for (size_t i = 0; r == OK && i < changes->count; i++) {
		const struct definition_change *change = &changes->changes[i];
		r = change->spec.len > 0 ? check_put(d, changes, change, err)
					 : check_delete(d, changes, change, err);
	}
	return r;
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
