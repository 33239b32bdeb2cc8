/* definition_store.c: see definition.h. The only SQL about definitions. */
#include <assert.h>
#include <string.h>

#include "resource/definition.h"
#include "wire/doc_json.h"

static const struct store_table definition_table = {
	.name = "definition",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 2,
	.columns = { "kind {text} NOT NULL", "name {text} NOT NULL", "spec {text} NOT NULL",
		     "manager {text} NOT NULL", "revision {int} NOT NULL", "updated {int} NOT NULL",
		     "updated_by {id} NOT NULL" },
};

const struct store_table *const definition_tables[] = { &definition_table, NULL };

#define COLUMNS "kind, name, spec, manager, revision, updated, updated_by"

static struct definition read_row(struct store_rows *rows, struct arena *arena)
{
	return (struct definition){
		.kind = arena_str(arena, store_text(rows, 0)),
		.name = arena_str(arena, store_text(rows, 1)),
		.spec = arena_str(arena, store_text(rows, 2)),
		.manager = arena_str(arena, store_text(rows, 3)),
		.revision = store_int(rows, 4),
		.updated = store_int(rows, 5),
		.updated_by = store_int(rows, 6),
	};
}

enum err definition_get(struct store_conn *conn, struct str kind, struct str name,
			struct arena *arena, struct definition *ret_definition, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " COLUMNS " FROM {definition} WHERE kind = ? AND name = ?",
				 STORE_VALUES(STORE_TEXT(kind), STORE_TEXT(name)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	struct definition definition = { 0 };
	if (found)
		definition = read_row(rows, arena);
	r = store_done(&rows, err);
	if (r != OK)
		return r;
	if (!found)
		return error_set(err, ERR_NOT_FOUND, "there is no " STR_FMT " \"" STR_FMT "\"",
				 STR_ARG(kind), STR_ARG(name));
	*ret_definition = definition;
	return OK;
}

enum err definition_list(struct store_conn *conn, struct str kind, struct str after_kind,
			 struct str after_name, unsigned limit, struct arena *arena,
			 definition_each_fn *each, void *context, struct error *err)
{
	assert(limit > 0);
	struct store_rows *rows;
	enum err r;
	if (kind.len > 0)
		r = store_query(conn,
				"SELECT " COLUMNS " FROM {definition} WHERE kind = ? AND name > ? "
				"ORDER BY kind, name LIMIT ?",
				STORE_VALUES(STORE_TEXT(kind), STORE_TEXT(after_name), STORE_INT(limit)),
				&rows, err);
	else
		r = store_query(conn,
				"SELECT " COLUMNS " FROM {definition} WHERE kind > ? OR (kind = ? AND "
				"name > ?) ORDER BY kind, name LIMIT ?",
				STORE_VALUES(STORE_TEXT(after_kind), STORE_TEXT(after_kind),
					     STORE_TEXT(after_name), STORE_INT(limit)),
				&rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct definition definition = read_row(rows, arena);
		more = each(context, &definition);
	}
	return store_done(&rows, err);
}

/* Where one version ends another begins, or it was deleted. */
enum err definition_seqs(struct store_conn *conn, const char *kind, struct str name, int64_t *ret_seqs,
			 size_t max, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT from_seq AS seq FROM definition WHERE kind = ? AND name = ? UNION "
				 "SELECT from_seq FROM definition_h WHERE kind = ? AND name = ? UNION "
				 "SELECT to_seq FROM definition_h WHERE kind = ? AND name = ? ORDER BY seq DESC LIMIT ?",
				 STORE_VALUES(STORE_TEXT(str_of(kind)), STORE_TEXT(name), STORE_TEXT(str_of(kind)),
					      STORE_TEXT(name), STORE_TEXT(str_of(kind)), STORE_TEXT(name), STORE_INT(max)),
				 &rows, err);
	if (r != OK)
		return r;
	size_t count = 0;
	while (count < max && store_next(rows))
		ret_seqs[count++] = store_int(rows, 0);
	*ret_count = count;
	return store_done(&rows, err);
}

enum err definition_spec(struct store_conn *conn, const char *kind, struct str name,
			 struct arena *arena, const struct doc_node **ret_spec, struct error *err)
{
	struct definition definition;
	struct error absent;
	enum err r = definition_get(conn, str_of(kind), name, arena, &definition, &absent);
	if (r == ERR_NOT_FOUND) {
		*ret_spec = NULL;
		return OK;
	}
	if (r != OK) {
		if (err != NULL)
			*err = absent;
		return r;
	}
	return doc_json_parse(definition.spec, arena, DOC_LIMITS_DEFAULT, NULL, ret_spec, err);
}

enum err definition_apply_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_definition_put *e = event->payload;
	return store_put(a->conn, &definition_table, event->seq,
			 STORE_VALUES(STORE_TEXT(e->kind), STORE_TEXT(e->name), STORE_TEXT(e->spec),
				      STORE_TEXT(e->manager), STORE_INT(e->revision),
				      STORE_INT(event->recorded_time), STORE_INT(event->actor)),
			 err);
}

enum err definition_apply_deleted(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_definition_deleted *e = event->payload;
	return store_remove(a->conn, &definition_table, event->seq,
			    STORE_VALUES(STORE_TEXT(e->kind), STORE_TEXT(e->name)), err);
}
