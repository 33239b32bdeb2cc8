/*
 * cli_priv.h: a client verb as rows: what it takes, what it asks, how the answer is shown.
 *
 *	mainstay incident ack 12 -o json
 *	         |        |   |  '- common inputs: settings.c
 *	         |        |   '---- its own inputs, checked, put into path, query or body
 *	         |        '-------- struct cli_action, in cli_incident.c
 *	         '----------------- struct verb, in cli.c
 *
 * To add a verb: 1. a file cli_<noun>.c with `const struct cli_action <noun>_actions[]`; 2. its
 * line below and a row in cli.c. An action that only asks and shows needs no function. Help,
 * completion, docs/cli.md and the test of every example follow from the row.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tz.h"
#include "cli/cli.h"
#include "wire/doc.h"

struct cli_call;
struct cli_http;
struct zones;

/* ---- what a verb takes ---- */

enum cli_type {
	CLI_TEXT,
	CLI_INT,
	CLI_BOOL,     /* yes or no */
	CLI_SWITCH,   /* takes no value */
	CLI_CHOICE,   /* one of `choices` */
	CLI_CHOICES,  /* several of them, "open,resolved"; a list in a body */
	CLI_TIME,     /* see cli_time_parse; becomes RFC 3339 */
	CLI_MOMENT,   /* a time, or a seq of the journal */
	CLI_DURATION, /* "2h" */
	CLI_PERSON,   /* "me", an id, an e-mail address or a name; becomes an id */
	CLI_KIND,     /* of a definition: "check", "checks" and "Check" are Check */
};

enum cli_place { CLI_OWN, CLI_PATH, CLI_QUERY, CLI_BODY }; /* OWN: the verb's code reads it */

#define CLI_REQUIRED 1u
#define CLI_MANY 2u /* may be given several times */
#define CLI_REST 4u /* of an argument: all words that follow, as one text */

struct cli_input {
	const char *name; /* "state" is --state; "ID" is an argument, by its place */
	enum cli_type type;
	enum cli_place place;
	const char *about; /* lower case, no full stop */
	unsigned flags;
	const char *key;     /* in path, query or body; "a.b" is a field of a map; NULL: the name, as a_b */
	const char *choices; /* "open|resolved" */
	const char *otherwise;
	const char *value; /* shown in help: "FILE"; NULL: by the type */
	char letter;       /* 'o' is -o; 0: none */
};

#define CLI_GIVEN_MAX 1200u
#define CLI_INPUTS_MAX 32u
#define CLI_KEY_BYTES 64u

struct cli_given {
	const struct cli_input *input;
	struct str text; /* checked, in the API's spelling */
};

struct cli_inputs {
	struct cli_given *rows; /* in the arena, in the order given, defaults last */
	size_t count;
	bool help; /* --help was among them */
};

extern const struct cli_input cli_common[]; /* every client verb takes these */

/* ---- how an answer is shown ---- */

enum cli_show {
	CLI_SHOW_TEXT,
	CLI_SHOW_STATE,  /* a word with its colour */
	CLI_SHOW_TIME,   /* local, with offset, and how long ago */
	CLI_SHOW_NUMBER, /* to the right */
	CLI_SHOW_MS,
	CLI_SHOW_PERCENT,
	CLI_SHOW_LINE,   /* the first line of a text */
	CLI_SHOW_JSON,
};

struct cli_column {
	const char *title; /* "OPENED"; NULL ends the columns */
	const char *path;  /* "acknowledged_by.name"; of a list "users.name": all of them */
	enum cli_show show;
};

/* One part of an answer: a table, the fields of one thing, or a sentence. */
struct cli_section {
	const char *title;                /* NULL: none */
	const char *items;                /* where the list is; NULL: the answer itself, or `text` */
	const struct cli_column *columns; /* NULL: `text` */
	const char *empty;                /* said for an empty list: what to do next; NULL: left out */
	const char *text;                 /* "{checks.up} up" */
	const char *when;                 /* only when this is there and not false, 0 or empty */
};

struct cli_screen {
	bool colour;
	unsigned width; /* in cells; 0: as wide as it gets */
	time_us now;
	const struct tz *zone; /* of the reader; NULL: UTC */
};

enum cli_format { CLI_TABLE, CLI_JSON, CLI_YAML, CLI_CSV };

/* ---- one verb, said once ---- */

struct cli_settings {
	struct str server; /* "http://127.0.0.1:8484", no slash at the end */
	struct str token;  /* empty: nobody is signed in */
	const char *ca_file;
	bool insecure_http, no_color;
	bool chosen; /* the format was asked for */
	enum cli_format format;
};

struct cli_call {
	const struct verb *verb;
	const struct cli_action *action;
	struct arena arena;
	struct buf out;
	struct cli_inputs inputs;
	struct cli_settings settings;
	struct cli_screen screen;
	struct zones *zones;
	struct cli_http *http; /* NULL until the first question */
};

typedef enum err cli_run(struct cli_call *call, struct error *err);

#define CLI_EXAMPLES_MAX 4

struct cli_action {
	const char *name;  /* "list"; "": the verb alone says it */
	const char *about; /* a sentence; NULL ends the actions */
	const char *method, *path; /* "/incidents/{id}", under /api/v1; NULL when `run` knows better */
	const struct cli_input *inputs;     /* ends without name; NULL: none */
	const struct cli_section *sections; /* ends in a row of zeros; NULL: none */
	const char *done;                   /* said after a change: "incident {id} is {incident.state}" */
	cli_run *run;                       /* NULL: cli_ask_and_show */
	bool pages;                         /* a list that comes page by page; takes --limit */
	const char *examples[CLI_EXAMPLES_MAX]; /* two or more; each works: a scenario runs them */
};

#define CLI_LIMIT \
	{ "limit", CLI_INT, CLI_OWN, "at most so many rows", .value = "N", .otherwise = "50" }
#define CLI_AS_OF \
	{ "as-of", CLI_MOMENT, CLI_QUERY, "as it was recorded by then: a time, or a seq" }

#define CLI_LIMIT_MAX 100000
#define CLI_PAGE_MAX 200
#define CLI_OUT_BYTES_MAX (64u << 20)
#define CLI_ARENA_BYTES (256u << 20)

/* cli_input.c: argv -> checked inputs. ERR_INVALID says which and what it may be. */
enum err cli_inputs_parse(const struct cli_action *action, const struct cli_screen *screen, int argc,
			  char **argv, struct arena *arena, struct cli_inputs *ret_inputs,
			  struct error *err);
bool cli_input_is_argument(const struct cli_input *input);
struct str cli_input_key(const struct cli_input *input, char ret_key[CLI_KEY_BYTES]);
unsigned cli_nearness(struct str word);
/* How far a word is from a name: str_distance, or 1 when one is the other's beginning (acknowledge and ack). */
unsigned cli_distance(struct str word, const char *name);
const char *cli_input_value(const struct cli_input *input); /* for help; NULL for switches */
/* By name; the empty run when it was not given. */
struct str cli_text(const struct cli_call *call, const char *name);
bool cli_switch(const struct cli_call *call, const char *name);
int64_t cli_int(const struct cli_call *call, const char *name, int64_t otherwise);
/* Walks those given several times; *at begins at 0. */
bool cli_next(const struct cli_call *call, const char *name, size_t *at, struct str *ret_text);
const struct cli_given *cli_given(const struct cli_inputs *inputs, const struct cli_input *input);

/* cli_request.c: inputs -> path and body. The path is under /api/v1 and has its query. */
struct str cli_request_path(struct cli_call *call, const char *pattern);
struct str cli_request_body(struct cli_call *call); /* empty when the action takes none */
/* Asks who the persons are. */
enum err cli_request_people(struct cli_call *call, struct error *err);
enum err cli_person(struct cli_call *call, struct str who, int64_t *ret_user, struct error *err);

/* cli_run.c: what most verbs are. */
enum err cli_ask_and_show(struct cli_call *call, struct error *err);
/* The answer as a tree; NULL for 204. */
enum err cli_ask(struct cli_call *call, const char *method, struct str path, struct str body,
		 const struct doc_node **ret_answer, struct error *err);
enum err cli_flush(struct cli_call *call, struct error *err);
void cli_note(const struct cli_call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* on stderr, only beside a table */

/* cli_time.c */
#define CLI_TIME_BYTES 96
void cli_time_print(const struct cli_screen *screen, time_us at, char ret_text[CLI_TIME_BYTES]);
/* RFC 3339; "now"; "2h" and "+2h" from now, "-7d" before; "18:00", the next time the clock shows it;
 * "2026-11-23" and "2026-11-23 09:00" in the reader's zone. */
bool cli_time_parse(const struct cli_screen *screen, struct str text, time_us *ret_at);

/* cli_text.c: text for a terminal. */
unsigned cli_text_width(struct str text); /* in cells */
/* What is shown of it: control characters and marks that turn the direction of text become U+FFFD,
 * line ends a blank: what comes from outside must not steer the reader's terminal. */
struct str cli_text_clean(struct arena *arena, struct str text);
struct str cli_text_cut(struct arena *arena, struct str text, unsigned width); /* ends in "…" */

/* cli_table.c */
const struct doc_node *cli_path(const struct doc_node *root, struct str path); /* NULL: not there */
void cli_table(const struct cli_screen *screen, const struct cli_column *columns,
	       const struct doc_node *items, struct arena *arena, struct buf *out);
void cli_fields(const struct cli_screen *screen, const struct cli_column *columns,
		const struct doc_node *thing, struct arena *arena, struct buf *out);
/* One cell as plain text. */
struct str cli_cell(const struct cli_screen *screen, const struct doc_node *root,
		    const struct cli_column *column, struct arena *arena);

/* cli_show.c */
void cli_show(struct cli_call *call, const struct cli_section *sections,
	      const struct doc_node *answer);
/* "{a.b}" from the answer, else from the inputs. */
struct str cli_fill(struct cli_call *call, const char *pattern, const struct doc_node *answer);
void cli_csv(const struct cli_column *columns, const struct doc_node *items, struct arena *arena,
	     struct buf *out);
void cli_colour(const struct cli_screen *screen, struct buf *out, const char *code, struct str text);

/* cli_tables of actions, one a noun */
extern const struct cli_action alert_actions[], apply_actions[], check_actions[], contact_actions[],
	delete_actions[], discover_actions[], events_actions[], explain_actions[], export_actions[],
	get_actions[], incident_actions[], journal_actions[], login_actions[], logout_actions[],
	maintenance_actions[], status_actions[], report_actions[], subscriber_actions[],
	mute_actions[], now_actions[], oncall_actions[], override_actions[], page_actions[], query_actions[],
	review_actions[], integration_actions[], schedule_actions[], secret_actions[], service_actions[], targets_actions[], token_actions[], user_actions[], watch_actions[],
	whoami_actions[];

/* cli_help.c: "mainstay incident ack ID [FLAG ...]" */
void cli_put_usage(const struct verb *verb, const struct cli_action *action, struct buf *out);
