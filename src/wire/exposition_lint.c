/* exposition_lint.c: what Prometheus' linter says of names, types and help texts, in its words. See exposition.h. */
#include "wire/exposition_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES 1024u
#define FINDINGS_EACH 32u /* more than there are rules */

static const struct unit {
	const char *name, *base;
} units[] = {
	{ "amperes", "amperes" },   { "bytes", "bytes" },      { "celsius", "celsius" },   { "grams", "grams" },
	{ "joules", "joules" },     { "kelvin", "kelvin" },    { "meters", "meters" },     { "metres", "metres" },
	{ "seconds", "seconds" },   { "volts", "volts" },      { "minutes", "seconds" },   { "hours", "seconds" },
	{ "days", "seconds" },      { "weeks", "seconds" },    { "kelvins", "kelvin" },    { "fahrenheit", "celsius" },
	{ "rankine", "celsius" },   { "inches", "meters" },    { "yards", "meters" },      { "miles", "meters" },
	{ "bits", "bytes" },        { "calories", "joules" },  { "pounds", "grams" },      { "ounces", "grams" },
};
static const char *const prefixes[] = { "",     "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo",
					"kibi", "mega", "mibi", "giga",  "gibi",  "tera",  "tebi", "peta", "pebi" };
static const char *const short_units[] = { "s",  "ms", "us", "ns", "sec", "b", "kb",
					   "mb", "gb", "tb", "pb", "m",   "h", "d" };
static const char *const types[] = { "counter", "gauge", "summary", "histogram", "gauge_histogram" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct lint {
	struct exposition_findings *findings;
	const struct exposition_text_family *family;
};

static void find(struct lint *lint, struct str text)
{
	lint->findings->rows[lint->findings->count++] = (struct exposition_finding){
		arena_str(lint->findings->arena, lint->family->name), text, lint->family->line
	};
}

static void find_words(struct lint *lint, const char *text)
{
	find(lint, str_of(text));
}

/* Whether "_word_" stands in the name, or "_word" at its end, in small letters. */
static bool has_word(struct str name, const char *word)
{
	size_t length = strlen(word);
	for (size_t i = 0; i + length < name.len; i++)
		if (name.ptr[i] == '_' && strncasecmp(name.ptr + i + 1, word, length) == 0 &&
		    (i + 1 + length == name.len || name.ptr[i + 1 + length] == '_'))
			return true;
	return false;
}

/* Among its words between underscores: a unit, with or without a prefix. */
static const struct unit *unit_of(struct str name, struct str *ret_word)
{
	struct str word, rest = name;
	for (bool more = true; more;) {
		more = str_cut(rest, '_', &word, &rest);
		for (size_t u = 0; u < COUNT(units); u++)
			for (size_t p = 0; p < COUNT(prefixes); p++) {
				size_t before = strlen(prefixes[p]);
				if (str_starts(word, str_of(prefixes[p])) &&
				    str_is(str_sub(word, before, word.len), units[u].name)) {
					*ret_word = word;
					return &units[u];
				}
			}
	}
	return NULL;
}

static void lint_unit(struct lint *lint)
{
	struct str word;
	const struct unit *unit = unit_of(lint->family->name, &word);
	if (unit != NULL && !str_is(word, unit->base))
		find(lint, arena_printf(lint->findings->arena, "use base unit \"%s\" instead of \"" STR_FMT "\"",
					unit->base, STR_ARG(word)));
	for (size_t i = 0; i < COUNT(short_units); i++)
		if (has_word(lint->family->name, short_units[i])) {
			find_words(lint, "metric names should not contain abbreviated units");
			break;
		}
}

static void lint_type(struct lint *lint)
{
	const struct exposition_text_family *f = lint->family;
	bool counter = f->type == EXPOSITION_COUNTER, untyped = f->type == EXPOSITION_UNKNOWN;
	bool histogram = f->type == EXPOSITION_HISTOGRAM, summary = f->type == EXPOSITION_SUMMARY;
	const struct row {
		bool wrong;
		const char *text;
	} rows[] = {
		{ counter && !str_ends(f->name, STR("_total")), "counter metrics should have \"_total\" suffix" },
		{ !counter && str_ends(f->name, STR("_total")), "non-counter metrics should not have \"_total\" suffix" },
		{ !histogram && str_ends(f->name, STR("_bucket")),
		  "non-histogram metrics should not have \"_bucket\" suffix" },
		{ !histogram && !summary && str_ends(f->name, STR("_count")),
		  "non-histogram and non-summary metrics should not have \"_count\" suffix" },
		{ !histogram && !summary && str_ends(f->name, STR("_sum")),
		  "non-histogram and non-summary metrics should not have \"_sum\" suffix" },
		{ !histogram && f->le, "non-histogram metrics should not have \"le\" label" },
		{ !summary && f->quantile, "non-summary metrics should not have \"quantile\" label" },
	};
	for (size_t i = 0; i < COUNT(rows) && !untyped; i++)
		if (rows[i].wrong)
			find_words(lint, rows[i].text);
	for (size_t i = 0; i < COUNT(types); i++)
		if (has_word(f->name, types[i]))
			find(lint, arena_printf(lint->findings->arena, "metric name should not include type '%s'", types[i]));
}

static void lint_letters(struct lint *lint)
{
	struct str name = lint->family->name;
	bool camel = false;
	for (size_t i = 0; i + 1 < name.len; i++)
		camel |= name.ptr[i] >= 'a' && name.ptr[i] <= 'z' && name.ptr[i + 1] >= 'A' && name.ptr[i + 1] <= 'Z';
	if (!lint->family->has_help)
		find_words(lint, "no help text");
	if (str_has(name, ':'))
		find_words(lint, "metric names should not contain ':'");
	if (camel)
		find_words(lint, "metric names should be written in 'snake_case' not 'camelCase'");
	if (lint->family->camel)
		find_words(lint, "label names should be written in 'snake_case' not 'camelCase'");
}

static int by_name(const void *a, const void *b)
{
	const struct exposition_finding *one = a, *two = b;
	int order = str_cmp(one->name, two->name);
	return order != 0 ? order : str_cmp(one->text, two->text);
}

static enum err take(void *context, const struct exposition_item *item, struct error *err)
{
	return exposition_text_take(context, item, err);
}

enum err exposition_lint(struct str text, struct arena *arena, struct exposition_findings *ret_findings,
			 struct error *err)
{
	struct exposition_options options = { .format = EXPOSITION_TEXT, .strict = true };
	struct exposition_text families;
	size_t count = 0;
	exposition_text_init(&families);
	enum err r = exposition_read(text, &options, take, &families, err);
	for (struct exposition_text_family *f = families.first; f != NULL; f = f->next)
		count++;
	*ret_findings = (struct exposition_findings){ .arena = arena };
	if (r == OK && count * FINDINGS_EACH * sizeof *ret_findings->rows > arena_room(arena) / 2)
		r = error_set(err, ERR_TOO_LARGE, "the text has too many metric names to be looked at");
	if (r == OK) {
		ret_findings->rows = arena_array(arena, struct exposition_finding, count * FINDINGS_EACH + 1);
		struct lint lint = { ret_findings, NULL };
		for (lint.family = families.first; lint.family != NULL; lint.family = lint.family->next) {
			if (lint.family->samples == 0)
				continue;
			lint_unit(&lint);
			lint_type(&lint);
			lint_letters(&lint);
		}
		qsort(ret_findings->rows, ret_findings->count, sizeof *ret_findings->rows, by_name);
	}
	exposition_text_finish(&families);
	return r;
}
