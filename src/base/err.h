/*
 * err.h: what went wrong, in a code for programs and a sentence for people.
 *
 * Functions return `enum err`; the details are in one `struct error` whose text is a finished
 * sentence: lower case, no full stop, what was tried and what was in the way, names in quotes.
 * "could not" may work later, "cannot" never will. Outputs (`ret_x`) are untouched on failure.
 *
 * Every function accepts `err == NULL` when the caller needs the code only.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err {
	OK = 0,
	ERR_INVALID,         /* the input breaks a rule it could have known */
	ERR_UNAUTHENTICATED, /* nobody is signed in */
	ERR_DENIED,          /* somebody is, and may not */
	ERR_NOT_FOUND,
	ERR_CONFLICT,        /* the state of the thing does not allow it */
	ERR_PRECONDITION,    /* the caller's version is not the current one */
	ERR_TOO_LARGE,
	ERR_LIMIT,           /* too often or too many; later it may work */
	ERR_UNAVAILABLE,     /* nothing can be stored or reached now; later it may work */
	ERR_TIMEOUT,
	ERR_IO,
	ERR_CORRUPT,         /* stored bytes are not what was written */
	ERR_UNSUPPORTED,     /* this build, kernel or peer cannot do it */
	ERR_CANCELLED,
	ERR_COUNT
};

#define ERROR_TEXT_BYTES 512
#define ERROR_HINT_BYTES 256
#define ERROR_FIELD_BYTES 96

struct error {
	enum err code;
	char text[ERROR_TEXT_BYTES];   /* finished sentence; cut with "..." when longer */
	char hint[ERROR_HINT_BYTES];   /* what to do next; may be empty */
	char field[ERROR_FIELD_BYTES]; /* which input, as a path like "spec.interval"; may be empty */
};

/* Sets code and text (hint and field are emptied) and returns the code, so that a failure reads
 * `return error_set(err, ERR_INVALID, "...")`. The code must not be OK. */
enum err error_set(struct error *err, enum err code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds what to do next. Keeps the code. */
void error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names the input at fault. */
void error_field(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "what was being done: " before the text, for a caller who knows more than the callee. */
void error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A short lower-case name, "not found"; never NULL. */
const char *err_name(enum err code);
