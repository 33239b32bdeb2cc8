/*
 * troubles.h: all that is wrong in one file of somebody else's format, each with its place, for people.
 *
 *	struct troubles troubles = { .arena = &arena, .source = "rules.yml" };
 *	troubles_add(&troubles, node->line, node->column, "unknown key \"%s\"", ...);    "rules.yml:4:11: unknown key ..."
 *
 * For what is described by rows of `spec`, see spec.h, which has complaints of its own. Owns: the arena owns the texts.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define TROUBLES_MAX 50u

struct troubles {
	struct arena *arena;
	const char *source; /* name of the file */
	struct str rows[TROUBLES_MAX];
	size_t count; /* also beyond the rows */
};

void troubles_add(struct troubles *troubles, uint32_t line, uint32_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void troubles_add_list(struct troubles *troubles, uint32_t line, uint32_t column, const char *format, va_list arguments);
/* A finished sentence, as of an error that names the file itself. */
void troubles_add_text(struct troubles *troubles, struct str text);
