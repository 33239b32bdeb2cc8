/*
 * form.h: the body of an HTML form, application/x-www-form-urlencoded, as names and values.
 *
 * Forms come from strangers, so everything is bounded: FORM_FIELDS_MAX fields, each name once, texts that
 * are valid UTF-8 without NUL. Line ends come as CR LF from browsers and are given as LF.
 *
 * Owns: texts live in the arena. Runs on: any thread. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define FORM_FIELDS_MAX 32u
#define FORM_NAME_BYTES_MAX 64u
#define FORM_BYTES_MAX (64u << 10)

struct form {
	struct {
		struct str name, value;
	} fields[FORM_FIELDS_MAX];
	size_t count;
};

/* ERR_INVALID for what is no form, ERR_TOO_LARGE past a limit; an empty body is a form without fields. */
enum err form_parse(struct str body, struct arena *arena, struct form *ret_form, struct error *err);

struct str form_get(const struct form *form, const char *name); /* empty when it is not there */
