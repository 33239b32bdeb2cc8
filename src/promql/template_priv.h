/*
 * template_priv.h: what the files of templates share: the tree, values as Go has them, one expansion.
 *
 * A value has one of a few types of Go, because error texts, %T and comparisons speak of them. `boxed` says that it lies in
 * an "interface {}": errors about its fields name that type.
 */
#pragma once

#include "promql/rune.h"
#include "promql/template.h"

/* ---- the tree ---- */

enum template_node_kind {
	NODE_TEXT, NODE_ACTION, NODE_IF, NODE_RANGE, NODE_WITH, NODE_TEMPLATE, NODE_BREAK, NODE_CONTINUE, NODE_LIST,
	NODE_END, NODE_ELSE, /* only while parsing */
	NODE_PIPE, NODE_COMMAND, NODE_FIELD, NODE_VARIABLE, NODE_CHAIN, NODE_IDENTIFIER, NODE_DOT, NODE_NIL, NODE_BOOL,
	NODE_NUMBER, NODE_STRING,
};

struct template_function;

struct template_node {
	enum template_node_kind kind;
	uint32_t at;                     /* byte in the text */
	struct template_node *next;      /* in a list, of the commands of a pipe, of the arguments of a command */
	struct template_node *first, *last;
	struct template_node *pipe, *list, *otherwise; /* of if, range, with; pipe also of an action and a template; of a
							* chain, pipe is what its fields are taken of */
	struct template_node *variables; /* of a pipe: what it declares or assigns */
	bool assigns;
	struct str text;                 /* as written; of a template its name */
	struct str value;                /* of a string what it says */
	const struct str *fields;        /* of a field, variable (its name first), chain */
	size_t field_count;
	const struct template_function *function;
	bool truth, whole, fraction;     /* of a number: fits an int; reads as a float */
	int64_t number;
	double real;
};

struct template_tree {
	struct str name;
	struct template_node *root;
	struct template_tree *next;
};

struct template {
	struct str name, text; /* the text with the variables before it */
	struct template_tree *trees;
};

/* ---- tokens ---- */

enum template_token_kind {
	TOKEN_ERROR, TOKEN_EOF, TOKEN_TEXT, TOKEN_LEFT, TOKEN_RIGHT, TOKEN_SPACE, TOKEN_ASSIGN, TOKEN_DECLARE, TOKEN_PIPE,
	TOKEN_STRING, TOKEN_CHARACTER, TOKEN_NUMBER, TOKEN_COMPLEX, TOKEN_VARIABLE, TOKEN_FIELD, TOKEN_IDENTIFIER,
	TOKEN_BOOL, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_OTHER,
	TOKEN_KEYWORD, /* those after it print in angle brackets */
	TOKEN_DOT, TOKEN_BLOCK, TOKEN_BREAK, TOKEN_CONTINUE, TOKEN_DEFINE, TOKEN_ELSE, TOKEN_END, TOKEN_IF, TOKEN_NIL,
	TOKEN_RANGE, TOKEN_TEMPLATE, TOKEN_WITH,
};

struct template_token {
	enum template_token_kind kind;
	uint32_t at;
	struct str text;
};

/* All tokens; the last is TOKEN_EOF or TOKEN_ERROR. False: the arena has no room. */
bool template_lex(struct str text, struct arena *arena, struct template_token **ret_tokens, size_t *ret_count);
unsigned template_line(struct str text, size_t at); /* 1 for the first */
/* The text between quotes, or back quotes, or a character. False: its escapes are wrong. */
bool template_unquote(struct str text, struct arena *arena, struct str *ret_text);
/* A node as Go prints it in its errors. */
void template_node_print(const struct template_node *node, struct buf *buf);

/* ---- values ---- */

enum template_type {
	TEMPLATE_NOTHING, /* there is no value: it prints as <no value> */
	TEMPLATE_NIL,     /* an interface {} that holds nothing */
	TEMPLATE_BOOL,
	TEMPLATE_INT,
	TEMPLATE_INT64,
	TEMPLATE_BYTE,
	TEMPLATE_FLOAT,
	TEMPLATE_STRING,
	TEMPLATE_HTML,    /* a string of type template.HTML */
	TEMPLATE_LABELS,  /* map[string]string */
	TEMPLATE_ARGS,    /* map[string]interface {} */
	TEMPLATE_RESULT,  /* of a query: []*template.sample */
	TEMPLATE_SAMPLE,  /* *template.sample */
	TEMPLATE_TIME,
	TEMPLATE_TIME_AT, /* *time.Time */
	TEMPLATE_DURATION,
	TEMPLATE_DURATION_AT,
	TEMPLATE_MONTH,
	TEMPLATE_WEEKDAY,
	TEMPLATE_DATA,    /* what a template begins with: . */
};

enum template_kind { KIND_NONE, KIND_BOOL, KIND_INT, KIND_UINT, KIND_FLOAT, KIND_STRING, KIND_MAP, KIND_LIST, KIND_POINTER,
		     KIND_STRUCT };

struct template_sample {
	struct promql_labels labels;
	double value;
};

struct template_arg;

struct template_value {
	enum template_type type;
	bool boxed;
	union {
		bool truth;
		int64_t number; /* all whole numbers; times and durations in nanoseconds */
		double real;
		struct str text;
		struct promql_labels labels;
		struct {
			const struct template_arg *rows;
			size_t count;
			unsigned depth; /* of maps inside each other: printing goes as deep */
		} args;
		struct {
			const struct template_sample *const *rows;
			size_t count, room; /* room: Go's capacity */
		} result;
		const struct template_sample *sample;
		const struct template_scope *scope; /* of TEMPLATE_DATA */
	};
};

struct template_arg {
	struct str name;
	struct template_value value;
};

enum template_kind template_kind_of(const struct template_value *value);
const char *template_type_name(enum template_type type);
const char *template_type_words(const struct template_value *value); /* "interface {}" of a boxed one */
bool template_truth(const struct template_value *value);
struct template_value template_text_value(struct str text);
struct template_value template_real_value(double value);
struct template_value template_int_value(int64_t value);
struct template_value template_bool_value(bool value);

/* ---- one expansion ---- */

struct template_variable {
	struct str name;
	struct template_value value;
};

#define TEMPLATE_VARIABLES_MAX 1000u
#define TEMPLATE_MAPS_MAX 50u /* inside each other */

struct template_run {
	const struct template *template;
	const struct template_scope *scope;
	const struct template_tree *tree; /* that runs */
	const struct template_node *node; /* that an error is about */
	struct arena arena;
	struct buf out;
	struct template_variable *variables;
	size_t variable_first, variable_count; /* those before the first belong to who called this template */
	unsigned calls, depth, queries;
	uint64_t steps;
	enum err code; /* OK until it failed */
	struct buf failure;
};

/* All of these return false, and then the run has failed. */
bool template_fail(struct template_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool template_fail_limit(struct template_run *run, enum err code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool template_spend(struct template_run *run, size_t bytes); /* a step, and work on so many bytes */
void *template_alloc(struct template_run *run, size_t size); /* NULL: failed */
/* What was written into a buffer of the run, as a text that lasts; empties the buffer. */
bool template_take(struct template_run *run, struct buf *buf, struct template_value *ret_value);

struct template_variable *template_variable_find(struct template_run *run, struct str name);
bool template_eval_pipe(struct template_run *run, const struct template_value *dot, const struct template_node *pipe,
			struct template_value *ret_value);
/* A command of a function, field, chain or variable with its arguments; `final` comes out of the pipe, or is NULL. */
bool template_eval_command(struct template_run *run, const struct template_value *dot, const struct template_node *command,
			   const struct template_value *final, struct template_value *ret_value);
/* Any term as an interface {}. */
bool template_eval_term(struct template_run *run, const struct template_value *dot, const struct template_node *node,
			struct template_value *ret_value);

/* ---- functions ---- */

enum template_want { WANT_ANY, WANT_VALUE, WANT_STRING, WANT_SAMPLE, WANT_RESULT, WANT_DURATION, WANT_TIME };

#define TEMPLATE_FIXED_MAX 3u

typedef bool template_fn(struct template_run *run, struct template_value *args, size_t count,
			 struct template_value *ret_value, struct buf *failure);

/* A function writes what is wrong into `failure` and returns false; the caller says of what. */
struct template_function {
	const char *name;
	template_fn *fn;
	enum template_want fixed[TEMPLATE_FIXED_MAX];
	unsigned fixed_count;
	bool variadic; /* and any number more, of the kind after the last fixed one */
	enum template_want rest;
};

extern const struct template_function template_builtins[], template_prometheus[]; /* end in a row without a name */
const struct template_function *template_function_find(struct str name);
/* Methods of times, durations, months and days. */
const struct template_function *template_method_find(enum template_type type, struct str name);

/* ---- template_humane.c ---- */
template_fn template_humanize;
template_fn template_humanize_1024;
template_fn template_humanize_percentage;
template_fn template_humanize_duration;
template_fn template_humanize_timestamp;
template_fn template_to_time;
template_fn template_to_duration;
template_fn template_parse_duration;
template_fn template_now;

/* ---- printing ---- */

void template_print(const struct template_value *value, struct buf *buf); /* %v */
void template_print_action(const struct template_value *value, struct buf *buf);
void template_sprint(const struct template_value *args, size_t count, bool line, struct buf *buf);
void template_sprintf(struct str format, const struct template_value *args, size_t count, struct buf *buf);
/* As strconv.ParseFloat: ERR_INVALID: no number; ERR_TOO_LARGE: beyond a double. */
enum err template_float_read(struct str text, double *ret_number);
void template_print_time(int64_t ns, struct buf *buf);
void template_print_duration(int64_t ns, struct buf *buf);
const char *template_month_name(int64_t month);
const char *template_weekday_name(int64_t day);
/* True: this type prints itself, by a method String. */
bool template_stringer(const struct template_value *value, struct buf *buf);

void template_title(struct str text, struct buf *buf);
void template_upper(struct str text, struct buf *buf);
void template_lower(struct str text, struct buf *buf);
void template_html(struct str text, struct buf *buf);
void template_js(struct str text, struct buf *buf);
void template_urlquery(struct str text, struct buf *buf);
