/* spec_scalar.c: checks of texts, numbers, durations ... and what is said about them. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "wire/doc_json.h"
#include "wire/doc_scalar.h"
#include "wire/spec_priv.h"

#define URL_BYTES_MAX 2048
#define SHOWN_BYTES_MAX 60

/* One row a type: its name in descriptions, what it is in a sentence. */
static const struct {
	const char *name, *words;
} types[SPEC_TYPE_COUNT] = {
	[SPEC_TEXT] = { "text", "text" },
	[SPEC_NAME] = { "name", "a name: small letters, digits and inner dashes, at most 63" },
	[SPEC_INT] = { "int", "a whole number" },
	[SPEC_REAL] = { "real", "a number" },
	[SPEC_BOOL] = { "bool", "true or false" },
	[SPEC_DURATION] = { "duration", "a duration like \"30s\" or \"1h30m\"" },
	[SPEC_TIME] = { "time", "a time like \"2026-11-23T09:00:00Z\"" },
	[SPEC_DATE] = { "date", "a date like \"2026-11-23\"" },
	[SPEC_CLOCK] = { "clock", "a time of day like \"09:00\"" },
	[SPEC_ZONE] = { "zone", "a time zone like \"Europe/Zurich\" or \"UTC\"" },
	[SPEC_URL] = { "url", "an address like \"https://example.org/path\"" },
	[SPEC_HOST] = { "host", "a host name or an IP address" },
	[SPEC_PORT] = { "port", "a port, 1 to 65535" },
	[SPEC_EMAIL] = { "email", "an e-mail address" },
	[SPEC_CHOICE] = { "choice", "one of the words it can be" },
	[SPEC_LIST] = { "list", "a list" },
	[SPEC_MAP] = { "map", "a map of keys and values" },
	[SPEC_OBJECT] = { "object", "a map of keys and values" },
	[SPEC_ANY] = { "any", "a value" },
};

const char *spec_type_name(enum spec_type type)
{
	assert(type < SPEC_TYPE_COUNT);
	return types[type].name;
}

bool spec_is_bounded(const struct spec_field *field)
{
	return field->min != 0 || field->max != 0;
}

void spec_bounds(const struct spec_field *field, int64_t *ret_min, int64_t *ret_max)
{
	int64_t min = INT64_MIN, max = INT64_MAX;
	bool counted = field->type == SPEC_LIST || field->type == SPEC_MAP;
	if (field->type == SPEC_TEXT || counted) {
		min = 0;
		max = counted ? SPEC_ITEMS_MAX : SPEC_TEXT_BYTES_MAX;
	} else if (field->type == SPEC_PORT) {
		min = 1;
		max = 65535;
	} else if (field->type == SPEC_DURATION) {
		min = 0;
	}
	if (spec_is_bounded(field)) {
		min = field->min;
		if (field->max != 0 || field->min <= 0)
			max = field->max;
	}
	*ret_min = min;
	*ret_max = max;
}

struct str spec_bound_text(struct arena *arena, const struct spec_field *field, int64_t bound)
{
	if (field->type != SPEC_DURATION)
		return arena_printf(arena, "%lld", (long long)bound);
	char text[DURATION_TEXT_BYTES];
	duration_format(bound, text);
	return arena_str(arena, str_of(text));
}

static bool within(struct spec_run *run, const struct spec_field *field, struct doc_place place,
		   double value)
{
	int64_t min, max;
	spec_bounds(field, &min, &max);
	if (value >= (double)min && value <= (double)max)
		return true;
	const char *unit = field->unit != NULL ? field->unit : "";
	const char *blank = field->unit != NULL ? " " : "";
	struct str low = spec_bound_text(run->arena, field, min);
	struct str high = max == INT64_MAX ? STR_NONE : spec_bound_text(run->arena, field, max);
	if (max == INT64_MAX)
		spec_wrong(run, place, "must be at least " STR_FMT "%s%s", STR_ARG(low), blank,
			   unit);
	else if (min == INT64_MIN)
		spec_wrong(run, place, "must be at most " STR_FMT "%s%s", STR_ARG(high), blank,
			   unit);
	else
		spec_wrong(run, place, "must be from " STR_FMT " to " STR_FMT "%s%s", STR_ARG(low),
			   STR_ARG(high), blank, unit);
	return false;
}

static bool is_word_of(struct str text, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (str_is(text, words[i]))
			return true;
	}
	return false;
}

/* What a complaint may repeat of the value. */
static struct str shown(const struct spec_field *field, struct str text)
{
	return (field->flags & SPEC_SECRET) != 0 ? STR("(secret)")
						 : str_sub(text, 0, SHOWN_BYTES_MAX);
}

static bool check_url(struct spec_run *run, const struct spec_field *field, struct str text,
		      struct doc_place place)
{
	static const char *const web[] = { "http", "https", NULL };
	const char *const *schemes = field->choices != NULL ? field->choices : web;
	struct str scheme, rest;
	bool sound = text.len <= URL_BYTES_MAX && spec_is_graphic(text) &&
		     str_cut(text, ':', &scheme, &rest) && str_starts(rest, STR("//"));
	if (!sound) {
		spec_wrong(run, place, "must be %s", types[SPEC_URL].words);
		return false;
	}
	if (!is_word_of(scheme, schemes)) {
		struct str found = shown(field, scheme);
		spec_wrong(run, place, "must begin with %s://, not " STR_FMT "://", schemes[0],
			   STR_ARG(found));
		return false;
	}
	rest = str_sub(rest, 2, rest.len);
	size_t end = 0;
	while (end < rest.len && strchr("/?#", rest.ptr[end]) == NULL)
		end++;
	struct str authority = str_sub(rest, 0, end);
	if (str_has(authority, '@')) {
		spec_wrong(run, place, "must not hold a user or password; it would be shown with the "
				       "address");
		return false;
	}
	if (spec_is_authority(authority))
		return true;
	spec_wrong(run, place, "must be %s; the host or port is not one", types[SPEC_URL].words);
	return false;
}

static bool check_text(struct spec_run *run, const struct spec_field *field, struct str text,
		       struct doc_place place)
{
	int64_t min, max;
	spec_bounds(field, &min, &max);
	if (spec_has_control(text))
		spec_wrong(run, place, "must not contain control characters");
	else if (text.len == 0 && min > 0)
		spec_wrong(run, place, "must not be empty");
	else if ((int64_t)text.len < min)
		spec_wrong(run, place, "must have at least %lld bytes", (long long)min);
	else if ((int64_t)text.len > max)
		spec_wrong(run, place, "may have at most %lld bytes, not %zu", (long long)max,
			   text.len);
	else
		return true;
	return false;
}

void spec_choices(const struct spec_field *field, struct buf *buf)
{
	for (size_t i = 0; field->choices[i] != NULL; i++)
		buf_printf(buf, "%s%s", i > 0 ? ", " : "", field->choices[i]);
}

static bool check_choice(struct spec_run *run, const struct spec_field *field, struct str text,
			 struct doc_place place)
{
	size_t count = 0;
	assert(field->choices != NULL);
	if (is_word_of(text, field->choices))
		return true;
	cleanup_buf struct buf words;
	buf_init(&words, ERROR_TEXT_BYTES / 2);
	spec_choices(field, &words);
	while (field->choices[count] != NULL)
		count++;
	bool secret = (field->flags & SPEC_SECRET) != 0;
	const char *meant = secret ? NULL : spec_likely(text, field->choices, count);
	struct str found = shown(field, text);
	if (meant != NULL)
		spec_wrong(run, place, "is \"" STR_FMT "\"; did you mean \"%s\"? It can be %s",
			   STR_ARG(found), meant, words.bytes);
	else
		spec_wrong(run, place, "is \"" STR_FMT "\"; it can be %s", STR_ARG(found),
			   words.bytes);
	return false;
}

static bool check_zone(struct spec_run *run, const struct spec_field *field, struct str text,
		       struct doc_place place)
{
	const struct spec_errors *errors = run->errors;
	if (spec_is_zone(text) &&
	    (errors->zone_known == NULL || errors->zone_known(errors->zone_context, text)))
		return true;
	struct str found = shown(field, text);
	spec_wrong(run, place, "must be %s; \"" STR_FMT "\" is not known", types[SPEC_ZONE].words,
		   STR_ARG(found));
	return false;
}

/* The types whose texts either have the shape or not. */
static bool has_shape(const struct spec_field *field, struct str text)
{
	switch (field->type) {
	case SPEC_NAME:
		return str_is_name(text);
	case SPEC_DATE:
		return spec_is_date(text);
	case SPEC_CLOCK:
		return spec_is_clock(text, field->max == TIME_DAY);
	case SPEC_HOST:
		return spec_is_host(text);
	default:
		assert(field->type == SPEC_EMAIL);
		return spec_is_email(text);
	}
}

static bool shape_wrong(struct spec_run *run, const struct spec_field *field, struct str text,
			struct doc_place place)
{
	struct str found = shown(field, text);
	spec_wrong(run, place, "must be %s, not \"" STR_FMT "\"", types[field->type].words,
		   STR_ARG(found));
	return false;
}

static bool check_duration(struct spec_run *run, const struct spec_field *field,
			   struct doc_node *node)
{
	struct doc_place place = { node->line, node->column };
	char text[DURATION_TEXT_BYTES];
	time_us duration;
	if (!duration_parse(node->text, &duration))
		return shape_wrong(run, field, node->text, place);
	if (!within(run, field, place, (double)duration))
		return false;
	duration_format(duration, text);
	node->text = arena_str(run->arena, str_of(text));
	return true;
}

static bool check_time(struct spec_run *run, const struct spec_field *field, struct doc_node *node)
{
	char text[TIME_TEXT_BYTES];
	time_us at;
	if (!time_parse(node->text, &at))
		return shape_wrong(run, field, node->text,
				   (struct doc_place){ node->line, node->column });
	time_format(at, text);
	node->text = arena_str(run->arena, str_of(text));
	return true;
}

static bool check_text_like(struct spec_run *run, const struct spec_field *field,
			    struct doc_node *node)
{
	struct doc_place place = { node->line, node->column };
	switch (field->type) {
	case SPEC_TEXT:
		return check_text(run, field, node->text, place);
	case SPEC_CHOICE:
		return check_choice(run, field, node->text, place);
	case SPEC_URL:
		return check_url(run, field, node->text, place);
	case SPEC_ZONE:
		return check_zone(run, field, node->text, place);
	case SPEC_DURATION:
		return check_duration(run, field, node);
	case SPEC_TIME:
		return check_time(run, field, node);
	default:
		return has_shape(field, node->text) || shape_wrong(run, field, node->text, place);
	}
}

static bool wrong_kind(struct spec_run *run, const struct spec_field *field,
		       const struct doc_node *node)
{
	struct doc_place place = { node->line, node->column };
	bool scalar = node->kind == DOC_INT || node->kind == DOC_REAL || node->kind == DOC_BOOL;
	bool quotes = scalar && field->type <= SPEC_CHOICE && field->type != SPEC_INT &&
		      field->type != SPEC_REAL && field->type != SPEC_BOOL &&
		      field->type != SPEC_PORT;
	spec_wrong(run, place, "must be %s, not %s%s", types[field->type].words,
		   doc_kind_words(node->kind), quotes ? "; put it in quotes" : "");
	return false;
}

static bool check_number(struct spec_run *run, const struct spec_field *field,
			 struct doc_node *node)
{
	struct doc_place place = { node->line, node->column };
	node->text = STR_NONE; /* 0x10 and 16 mean the same */
	if (node->kind == DOC_INT && field->type == SPEC_REAL) {
		node->kind = DOC_REAL;
		node->real = (double)node->integer;
	}
	if (node->kind != (field->type == SPEC_REAL ? DOC_REAL : DOC_INT))
		return wrong_kind(run, field, node);
	if (node->kind == DOC_REAL)
		return within(run, field, place, node->real);
	int64_t min, max;
	spec_bounds(field, &min, &max); /* exact, where a double would round */
	if (node->integer >= min && node->integer <= max)
		return true;
	return within(run, field, place, node->integer < min ? -INFINITY : INFINITY);
}

bool spec_scalar_check(struct spec_run *run, const struct spec_field *field,
		       const struct doc_node *node, struct doc_node *ret_node)
{
	*ret_node = *node;
	switch (field->type) {
	case SPEC_ANY:
		return true;
	case SPEC_INT:
	case SPEC_REAL:
	case SPEC_PORT:
		return check_number(run, field, ret_node);
	case SPEC_BOOL:
		ret_node->text = STR_NONE;
		return node->kind == DOC_BOOL || wrong_kind(run, field, node);
	case SPEC_DURATION: /* 0 needs no unit */
		if (node->kind == DOC_INT && node->integer == 0) {
			ret_node->kind = DOC_TEXT;
			ret_node->text = STR("0");
			return check_duration(run, field, ret_node);
		}
		break;
	case SPEC_LIST:
	case SPEC_MAP:
		return wrong_kind(run, field, node);
	default:
		break;
	}
	if (node->kind != DOC_TEXT)
		return wrong_kind(run, field, node);
	return check_text_like(run, field, ret_node);
}

bool spec_default(struct arena *arena, const struct spec_field *field, struct doc_node *ret_node)
{
	struct doc_node node = { .kind = DOC_TEXT, .text = str_of(field->otherwise) };
	if (field->otherwise == NULL)
		return false;
	switch (field->type) {
	case SPEC_INT:
	case SPEC_REAL:
	case SPEC_PORT:
	case SPEC_BOOL:
		doc_scalar_resolve(node.text, &node);
		break;
	case SPEC_LIST:
	case SPEC_MAP:
	case SPEC_OBJECT:
	case SPEC_ANY: {
		const struct doc_node *root = NULL;
		enum err result = doc_json_parse(node.text, arena, DOC_LIMITS_DEFAULT, NULL, &root,
						 NULL);
		assert(result == OK);
		node = *root;
		break;
	}
	default:
		break;
	}
	*ret_node = node;
	return true;
}
