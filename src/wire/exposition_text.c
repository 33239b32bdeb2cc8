/*
 * exposition_text.c: what the text format forbids between lines: metadata that comes twice or after its samples, buckets
 * and quantiles that are no numbers. Families may be torn apart in it.
 */
#include "wire/exposition_priv.h"

#include "base/number.h"

#define TEXT_BYTES_MAX ((size_t)256 << 20)

void exposition_text_init(struct exposition_text *text)
{
	*text = (struct exposition_text){ .first = NULL };
	arena_init(&text->arena, TEXT_BYTES_MAX);
	exposition_names_init(&text->names, &text->arena);
	text->last = &text->first;
}

void exposition_text_finish(struct exposition_text *text)
{
	exposition_names_finish(&text->names);
	arena_finish(&text->arena);
}

static enum err no_room(const struct exposition_item *item, struct error *err)
{
	return error_set(err, ERR_TOO_LARGE, "line %u: the text has too many metric names", item->line);
}

/* The summary or histogram that "x_count" is a part of; NULL: no such family was declared. */
static struct exposition_text_family *whole_of(const struct exposition_text *text, struct str name)
{
	static const struct part {
		struct str suffix;
		bool summary;
	} parts[] = {
		{ { "_count", 6 }, true }, { { "_sum", 4 }, true }, { { "_bucket", 7 }, false },
	};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (name.len <= parts[i].suffix.len || !str_ends(name, parts[i].suffix))
			continue;
		struct exposition_text_family *family =
			exposition_names_get(&text->names, str_sub(name, 0, name.len - parts[i].suffix.len));
		if (family != NULL && (family->type == EXPOSITION_HISTOGRAM ||
				       (family->type == EXPOSITION_SUMMARY && parts[i].summary)))
			return family;
	}
	return NULL;
}

static struct exposition_text_family *family_of(struct exposition_text *text, const struct exposition_item *item)
{
	struct exposition_text_family *family = exposition_names_get(&text->names, item->name);
	if (family == NULL)
		family = whole_of(text, item->name);
	if (family != NULL)
		return family;
	void **place = exposition_names_put(&text->names, item->name);
	family = place != NULL ? arena_try(&text->arena, sizeof *family) : NULL;
	if (family == NULL)
		return NULL;
	struct str copy = { arena_try(&text->arena, item->name.len + 1), item->name.len };
	if (copy.ptr == NULL)
		return NULL;
	for (size_t i = 0; i < copy.len; i++)
		((char *)copy.ptr)[i] = item->name.ptr[i];
	*family = (struct exposition_text_family){ .name = copy, .line = item->line };
	*place = family;
	*text->last = family;
	text->last = &family->next;
	return family;
}

static enum err refuse(const struct exposition_item *item, const char *what, struct error *err)
{
	return error_set(err, ERR_INVALID, "line %u: %s \"" STR_FMT "\"", item->line, what, STR_ARG(item->name));
}

static bool is_camel(struct str name)
{
	for (size_t i = 0; i + 1 < name.len; i++)
		if (name.ptr[i] >= 'a' && name.ptr[i] <= 'z' && name.ptr[i + 1] >= 'A' && name.ptr[i + 1] <= 'Z')
			return true;
	return false;
}

static enum err take_sample(struct exposition_text_family *family, const struct exposition_item *item, struct error *err)
{
	double ignored;
	family->has_type = true; /* from now on it is late */
	family->samples++;
	for (size_t i = 0; i < item->count; i++) {
		const struct exposition_label *label = &item->labels[i];
		bool bound = family->type == EXPOSITION_HISTOGRAM && str_is(label->name, "le");
		bool part = family->type == EXPOSITION_SUMMARY && str_is(label->name, "quantile");
		if ((bound || part) && !number_read(label->value, &ignored))
			return error_set(err, ERR_INVALID,
					 "line %u: expected a number as value of label \"" STR_FMT "\", got \"" STR_FMT "\"",
					 item->line, STR_ARG(label->name), STR_ARG(label->value));
		family->le |= !bound && str_is(label->name, "le");
		family->quantile |= !part && str_is(label->name, "quantile");
		family->camel |= is_camel(label->name);
	}
	return OK;
}

enum err exposition_text_take(struct exposition_text *text, const struct exposition_item *item, struct error *err)
{
	struct exposition_text_family *family = item->kind != EXPOSITION_EOF ? family_of(text, item) : NULL;
	if (family == NULL)
		return item->kind == EXPOSITION_EOF ? OK : no_room(item, err);
	switch (item->kind) {
	case EXPOSITION_TYPE:
		if (family->has_type)
			return refuse(item, "a second TYPE line, or one after the samples, for metric", err);
		family->has_type = true;
		family->type = item->type;
		return OK;
	case EXPOSITION_HELP:
		if (family->has_help)
			return refuse(item, "a second HELP line for metric", err);
		family->has_help = true;
		return OK;
	case EXPOSITION_SAMPLE:
		return take_sample(family, item, err);
	default:
		return OK;
	}
}
