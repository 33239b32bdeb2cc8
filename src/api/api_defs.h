/*
 * api_defs.h: what the handlers of definitions, checks, services and discovery share.
 */
#pragma once

#include "api/api_priv.h"
#include "monitor/monitor.h"
#include "monitor/monitor_spec.h"
#include "resource/definition.h"
#include "resource/resource.h"

/* ---- api_kinds.c: every kind of definition; ends in a row without name ---- */

extern const struct resource_kind api_kinds[];

/* The kind of {kind} in a path. ERR_NOT_FOUND names those there are. */
enum err api_kind(struct api_call *call, unsigned param, const struct resource_kind **ret_kind,
		  struct error *err);

/* ---- api_definition.c ---- */

/* Calls `each` for every definition of a kind (empty: of every kind) after a name, in order, however
 * many there are: what it is given is gone after the call. */
enum err api_definitions(struct store_conn *conn, struct str kind, struct str after,
			 definition_each_fn *each, void *context, struct error *err);

/* The stored spec as a tree in the arena; NULL when it cannot be read. */
const struct doc_node *api_spec_of(const struct definition *definition, struct arena *arena);

/* Every word occurs in one of the two texts; capitals do not matter. */
bool api_words_occur(struct str words, struct str one, struct str other);


/* ---- api_reference.c ---- */

/* Puts and deletes of people: references must lead somewhere, and nothing that is used may go. */
decide_fn api_definitions_decide; /* struct definition_changes */

/* ---- api_check_view.c: a check as the API shows it ---- */

struct api_check {
	struct str name, display, kind, service; /* service: may be empty */
	struct str state;                        /* up, down, degraded, unknown or paused */
	struct str state_reason;
	time_us since, latency, muted_until; /* TIME_NONE, 0, TIME_NONE: none */
	bool paused_by_spec;
	char target[256];
	struct check_rules rules;
	const struct doc_node *spec;
	struct str manager;
	int64_t revision;
};

/* Texts are in the arena. */
enum err api_check_view(struct api_call *call, const struct definition *definition,
			struct arena *arena, struct api_check *ret_check, struct error *err);
/* The fields of a CheckRow, without the braces. */
enum err api_check_fields(struct api_call *call, const struct api_check *check, bool bars,
			  struct error *err);
enum err api_check_row(struct api_call *call, const struct api_check *check, bool bars,
		       struct error *err);
void api_check_result(struct api_call *call, const struct check_rules *rules,
		      const struct check_result *result);
/* Of the newest result; null when there is none, or without certificate. */
void api_certificate(struct api_call *call, const char *key, const struct check_result *result);
bool api_check_last(const struct api_call *call, struct str name, struct check_result *ret_result);

/* ---- api_check_brief.c: all checks at a glance, for counts ---- */

struct api_brief {
	struct str name, service, state;
};

struct api_briefs {
	struct api_brief *rows; /* by name */
	size_t count;
};

/* ERR_TOO_LARGE past SENSE_CHECKS_MAX. */
enum err api_briefs(struct api_call *call, struct api_briefs *ret_briefs, struct error *err);

/* The worst comes first: down, degraded, unknown, up, paused. */
int api_state_rank(struct str state);
