/*
 * definition.h: what teams have defined, as it stands in the store: one row a definition.
 *
 * Every kind (Service, Check, Schedule, ...) is stored the same way: kind, name, canonical spec,
 * manager, revision. What a spec means is its room's business; rooms read it here.
 *
 * Runs on: decide and apply on the world's thread, reads on any connection.
 */
#pragma once

#include "journal/world.h"
#include "wire/doc.h"

#define DEFINITION_PEOPLE "people" /* the manager of what is edited by hand */
#define DEFINITION_SPEC_BYTES_MAX (64u << 10)
#define DEFINITION_CHANGES_MAX 2000u

struct definition {
	struct str kind, name;
	struct str spec; /* canonical JSON */
	struct str manager;
	int64_t revision; /* counts from 1 */
	time_us updated;
	int64_t updated_by; /* user; 0 Mainstay itself */
};

extern const struct store_table *const definition_tables[];

/* Texts live in the arena. ERR_NOT_FOUND names kind and name. */
enum err definition_get(struct store_conn *conn, struct str kind, struct str name,
			struct arena *arena, struct definition *ret_definition, struct error *err);

/* In order of kind and name, after the given ones (empty: from the start); kind empty: every kind.
 * `each` returns false to stop. */
typedef bool definition_each_fn(void *context, const struct definition *definition);
enum err definition_list(struct store_conn *conn, struct str kind, struct str after_kind,
			 struct str after_name, unsigned limit, struct arena *arena,
			 definition_each_fn *each, void *context, struct error *err);

/* The events that made, changed or deleted this definition, newest first, at most `max`. */
enum err definition_seqs(struct store_conn *conn, const char *kind, struct str name, int64_t *ret_seqs,
			 size_t max, size_t *ret_count, struct error *err);

/* The spec as a document in the arena; NULL when there is no such definition. */
enum err definition_spec(struct store_conn *conn, const char *kind, struct str name,
			 struct arena *arena, const struct doc_node **ret_spec, struct error *err);

/* One or many changes that stand or fall together. */
struct definition_change {
	struct str kind, name;
	struct str spec; /* canonical JSON; empty: delete */
	struct str manager;
	int64_t expect_revision; /* -1: any; 0: it must not exist; else the one that was seen */
};

struct definition_changes {
	const struct definition_change *changes;
	size_t count;
};

/* ERR_PRECONDITION when a revision is not the expected one, ERR_NOT_FOUND for a delete of nothing. A
 * put that changes neither spec nor manager emits nothing. */
enum err definition_change_decide(struct decision *d, const void *definition_changes,
				  struct error *err);

enum err definition_apply_put(struct apply *a, const struct event *event, struct error *err);
enum err definition_apply_deleted(struct apply *a, const struct event *event, struct error *err);
