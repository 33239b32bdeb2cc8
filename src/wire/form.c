/* form.c: see form.h. */
#include "wire/form.h"

#include <assert.h>

#include "wire/url.h"

static enum err decode(struct str raw, struct arena *arena, struct str *ret_text, struct error *err)
{
	char *out = arena_alloc(arena, raw.len + 1);
	size_t length, kept = 0;
	if (!url_decode(raw, true, out, &length))
		return error_set(err, ERR_INVALID, "the form holds what is no text");
	for (size_t i = 0; i < length; i++) {
		if (out[i] == '\r' && i + 1 < length && out[i + 1] == '\n')
			continue;
		out[kept++] = out[i];
	}
	out[kept] = '\0';
	*ret_text = (struct str){ out, kept };
	return OK;
}

static enum err add(struct form *form, struct str name, struct str value, struct arena *arena,
		    struct error *err)
{
	if (form->count == FORM_FIELDS_MAX)
		return error_set(err, ERR_TOO_LARGE, "the form has more than %u fields", FORM_FIELDS_MAX);
	if (name.len == 0 || name.len > FORM_NAME_BYTES_MAX)
		return error_set(err, ERR_INVALID, "a field of the form has no name, or a very long one");
	struct str *field = &form->fields[form->count].name;
	enum err r = decode(name, arena, field, err);
	for (size_t i = 0; r == OK && i < form->count; i++) {
		if (str_eq(form->fields[i].name, *field))
			r = error_set(err, ERR_INVALID, "a field of the form is there twice");
	}
	if (r == OK)
		r = decode(value, arena, &form->fields[form->count].value, err);
	if (r == OK)
		form->count++;
	return r;
}

enum err form_parse(struct str body, struct arena *arena, struct form *ret_form, struct error *err)
{
	struct form form = { .count = 0 };
	struct str name, value;
	if (body.len > FORM_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "the form is longer than %u bytes", FORM_BYTES_MAX);
	while (url_query_next(&body, &name, &value)) {
		enum err r = add(&form, name, value, arena, err);
		if (r != OK)
			return r;
	}
	assert(form.count <= FORM_FIELDS_MAX);
	*ret_form = form;
	return OK;
}

struct str form_get(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++) {
		if (str_is(form->fields[i].name, name))
			return form->fields[i].value;
	}
	return STR_NONE;
}
