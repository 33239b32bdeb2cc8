/*
 * resource.h: definitions as text: read from files, checked, printed again.
 *
 *	apiVersion: mainstay/v1
 *	kind: Check
 *	metadata:
 *	  name: web
 *	spec:
 *	  ...
 *
 * What a kind may say is one row of a registry that `main` puts together from the rooms; this room
 * knows no kind by name. To add a kind: 1. rows (`struct spec_field`) in its room; 2. one
 * `struct resource_kind` in the registry. Check, plan, export, GET /kinds and explain follow.
 *
 * Owns: everything read lives in the arena. Pure: no clock, no store, no files. Any thread.
 */
#pragma once

#include "wire/json_writer.h"
#include "wire/spec.h"

#define RESOURCE_API_VERSION "mainstay/v1"
#define RESOURCES_MAX 2000               /* in one apply */
#define RESOURCE_FILES_MAX 1000
#define RESOURCE_FILE_BYTES_MAX (1u << 20)
#define RESOURCE_SPEC_BYTES_MAX (64u << 10) /* of one canonical spec */
#define RESOURCE_ROOM_BYTES (1u << 20)      /* what the arena must have left before each step */

struct resource_kind {
	const char *name;  /* "Check"; NULL ends the registry */
	const char *about; /* one sentence, with a full stop */
	const struct spec_field *fields;
	spec_rule_fn *rule;  /* between fields; may be NULL */
	const char *acyclic; /* a field whose references must not lead back to the start; or NULL */
};

/* One definition as a file says it. */
struct resource {
	const struct resource_kind *kind;
	struct str name;
	struct str source; /* file */
	struct doc_place place;
	const struct doc_node *full; /* of the spec, with defaults and places */
	struct str spec;             /* canonical JSON of the spec */
};

struct resource_list {
	struct resource *items;
	size_t count;
};

struct resource_file {
	struct str name, text; /* the name is for people: "checks.yaml" */
};

const struct resource_kind *resource_kind_find(const struct resource_kind *kinds, struct str name);

/* Reads and checks all files, one after the other, each a stream of YAML documents (JSON is YAML).
 * Every mistake goes into `errors` ("file:line:column: ..."), up to its limit. ERR_INVALID when there
 * is one, ERR_TOO_LARGE (in err) when there is too much. Order: as in the files. */
enum err resource_parse(const struct resource_kind *kinds, const struct resource_file *files,
			size_t file_count, struct arena *arena, struct spec_errors *errors,
			struct resource_list *ret_list, struct error *err);

/* Checks one spec that came without a file (PUT of a definition). `errors` may carry a file or not. */
enum err resource_check(const struct resource_kind *kind, struct str name,
			const struct doc_node *spec, struct arena *arena,
			struct spec_errors *errors, const struct doc_node **ret_full,
			struct str *ret_spec);

/* One document that parses again, beginning with "---". Secrets are printed as "(secret)". */
void resource_print(const struct resource_kind *kind, struct str name, const struct doc_node *spec,
		    struct arena *arena, struct buf *buf);

/* A list of {kind, about, fields}: the answer of GET /kinds. */
void resource_kinds_describe(const struct resource_kind *kinds, struct json_writer *json);
/* For `mainstay explain KIND`. */
void resource_kind_explain(const struct resource_kind *kind, struct buf *buf);

/* Asserts that rows are sound and that every `refers` and `acyclic` names something. `others` are
 * kinds that references may name and that are not definitions ("User"); ends in NULL. */
void resource_kinds_assert(const struct resource_kind *kinds, const char *const *others);
