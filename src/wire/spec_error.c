/* spec_error.c: how mistakes are collected and said. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "wire/spec_priv.h"

#define PATH_STEPS_MAX (2 * DOC_DEPTH_MAX)
#define PATH_BYTES_MAX 512

void spec_errors_init(struct spec_errors *errors, struct arena *arena, const char *source)
{
	*errors = (struct spec_errors){ .arena = arena, .source = source };
}

struct str spec_path_text(struct arena *arena, const char *base, const struct spec_path *at)
{
	const struct spec_path *steps[PATH_STEPS_MAX];
	size_t count = 0;
	for (; at != NULL && count < PATH_STEPS_MAX; at = at->up)
		steps[count++] = at;
	cleanup_buf struct buf buf;
	buf_init(&buf, PATH_BYTES_MAX);
	buf_adds(&buf, base != NULL ? base : "");
	while (count-- > 0) {
		if (steps[count]->key.len > 0) {
			buf_adds(&buf, buf.used > 0 ? "." : "");
			buf_add(&buf, str_sub(steps[count]->key, 0, 64));
		} else {
			buf_printf(&buf, "[%zu]", steps[count]->index);
		}
	}
	return arena_str(arena, buf_str(&buf));
}

void spec_report(struct spec_errors *errors, struct doc_place place, struct str path,
		 struct str text)
{
	assert(text.len > 0);
	assert(errors->count < SPEC_ERRORS_MAX);
	errors->rows[errors->count++] = (struct spec_error){
		.place = place,
		.source = str_of(errors->source),
		.path = path,
		.text = text,
	};
}

/* A report past the limit is only counted: hostile input must not fill the arena with sentences. */
bool spec_is_full(struct spec_errors *errors)
{
	if (errors->count < SPEC_ERRORS_MAX)
		return false;
	errors->dropped++;
	return true;
}

static const char *subject_of(const struct spec_errors *errors)
{
	return errors->subject != NULL ? errors->subject : "the request";
}

struct str spec_where(struct spec_run *run)
{
	struct str path = spec_path_text(run->arena, NULL, run->errors->at);
	if (path.len == 0)
		return str_of(subject_of(run->errors));
	return arena_printf(run->arena, "\"" STR_FMT "\" of %s", STR_ARG(path),
			    subject_of(run->errors));
}

void spec_wrong(struct spec_run *run, struct doc_place place, const char *format, ...)
{
	char predicate[ERROR_TEXT_BYTES];
	if (spec_is_full(run->errors))
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(predicate, sizeof predicate, format, args);
	va_end(args);
	struct str where = spec_where(run);
	spec_report(run->errors, place,
		    spec_path_text(run->arena, run->errors->base, run->errors->at),
		    arena_printf(run->arena, STR_FMT " %s", STR_ARG(where), predicate));
}

void spec_error(struct spec_errors *errors, const struct doc_node *node, const char *path,
		const char *format, ...)
{
	char sentence[ERROR_TEXT_BYTES];
	if (spec_is_full(errors))
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	struct spec_path at = { errors->at, str_of(path), 0 };
	struct doc_place place = { node != NULL ? node->line : 0, node != NULL ? node->column : 0 };
	struct str text = errors->subject != NULL
				  ? arena_printf(errors->arena, "%s: %s", errors->subject, sentence)
				  : arena_str(errors->arena, str_of(sentence));
	spec_report(errors, place,
		    spec_path_text(errors->arena, errors->base, path != NULL ? &at : errors->at),
		    text);
}

void spec_error_print(const struct spec_error *error, struct buf *buf)
{
	if (error->source.len > 0 && error->place.line > 0)
		buf_printf(buf, STR_FMT ":%u:%u: ", STR_ARG(error->source), error->place.line,
			   error->place.column);
	else if (error->source.len > 0)
		buf_printf(buf, STR_FMT ": ", STR_ARG(error->source));
	buf_add(buf, error->text);
}

enum err spec_errors_result(const struct spec_errors *errors, struct error *err)
{
	if (errors->count == 0)
		return OK;
	cleanup_buf struct buf buf;
	buf_init(&buf, ERROR_TEXT_BYTES);
	spec_error_print(&errors->rows[0], &buf);
	size_t more = errors->count + errors->dropped - 1;
	if (more > 0)
		error_set(err, ERR_INVALID, STR_FMT "; and %zu more", STR_ARG(buf_str(&buf)), more);
	else
		error_set(err, ERR_INVALID, STR_FMT, STR_ARG(buf_str(&buf)));
	error_field(err, STR_FMT, STR_ARG(errors->rows[0].path));
	return ERR_INVALID;
}
