/* journey_spec.c: see journey_spec.h. */
#include "monitor/journey_spec.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "wire/doc.h"
#include "wire/doc_path.h"
#include "wire/json_writer.h"
#include "wire/url.h"

/* ---- the rows ---- */

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", NULL };
static const struct spec_field header_value = { .type = SPEC_TEXT, .min = 0, .max = 2048 };

static const struct spec_field take_fields[] = {
	{ .name = "name", .type = SPEC_NAME, .flags = SPEC_REQUIRED,
	  .about = "What later steps call it: {{name}}." },
	{ .name = "json", .type = SPEC_TEXT, .min = 1, .max = DOC_PATH_BYTES_MAX,
	  .about = "The path of a value in a JSON answer: $.items[0].id." },
	{ .name = "regex", .type = SPEC_TEXT, .min = 1, .max = REGEX_PATTERN_BYTES_MAX,
	  .about = "A regular expression (RE2) on the body; its first group is taken." },
	{ .name = "header", .type = SPEC_TEXT, .min = 1, .max = 100, .about = "A header field of the answer." },
	{ .name = NULL },
};
static const struct spec_field take_item = { .type = SPEC_OBJECT, .fields = take_fields };

const struct spec_field journey_step_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 60,
	  .about = "What people call the step: Sign in." },
	{ .name = "method", .type = SPEC_CHOICE, .choices = methods, .otherwise = "GET",
	  .about = "How it is asked." },
	{ .name = "url", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = JOURNEY_URL_BYTES_MAX,
	  .about = "What is asked; {{name}} stands for what an earlier step took." },
	{ .name = "headers", .type = SPEC_MAP, .item = &header_value, .max = MONITOR_FIELDS_MAX,
	  .about = "Header fields to send." },
	{ .name = "body", .type = SPEC_TEXT, .min = 1, .max = JOURNEY_TEXT_BYTES_MAX,
	  .about = "What is sent: a form like user=a&token={{csrf|url}}, or JSON." },
	{ .name = "status", .type = SPEC_TEXT, .otherwise = "200-399", .min = 3, .max = 120,
	  .about = "HTTP statuses that are good, after redirects." },
	{ .name = "contains", .type = SPEC_TEXT, .min = 1, .max = 1024,
	  .about = "Text that must stand in the first MiB of the answer." },
	{ .name = "redirects", .type = SPEC_INT, .otherwise = "5", .min = 0, .max = HTTP_REDIRECTS_MAX,
	  .about = "How many redirects are followed; 0 takes the redirect as answer." },
	{ .name = "take", .type = SPEC_LIST, .item = &take_item, .max = JOURNEY_TAKES_MAX,
	  .about = "What is taken out of the answer for later steps." },
	{ .name = NULL },
};

/* ---- {{name}} ---- */

struct hole {
	struct str before, name, filter, after;
};

/* False: there is none; `before` is the whole text then. */
static bool next_hole(struct str text, struct hole *ret_hole)
{
	const char *begin = text.len > 0 ? memmem(text.ptr, text.len, "{{", 2) : NULL;
	ret_hole->before = text;
	if (begin == NULL)
		return false;
	size_t at = (size_t)(begin - text.ptr) + 2;
	const char *end = memmem(text.ptr + at, text.len - at, "}}", 2);
	if (end == NULL)
		return false;
	struct str inner = str_sub(text, at, (size_t)(end - text.ptr));
	ret_hole->before = str_sub(text, 0, at - 2);
	ret_hole->after = str_sub(text, (size_t)(end - text.ptr) + 2, text.len);
	if (!str_cut(inner, '|', &ret_hole->name, &ret_hole->filter))
		ret_hole->filter = STR_NONE;
	ret_hole->name = str_trim(ret_hole->name);
	ret_hole->filter = str_trim(ret_hole->filter);
	return true;
}

static bool filter_is_known(struct str filter)
{
	return filter.len == 0 || str_is(filter, "url") || str_is(filter, "json");
}

/* A JSON text without its quotes. */
static void add_json(struct buf *out, struct str value)
{
	struct json_writer json;
	cleanup_buf struct buf quoted;
	buf_init(&quoted, 6 * JOURNEY_VALUE_BYTES_MAX + 16);
	json_init(&json, &quoted);
	json_text(&json, value);
	json_finish(&json);
	struct str text = str_trim(buf_str(&quoted));
	buf_add(out, text.len >= 2 ? str_sub(text, 1, text.len - 1) : STR_NONE);
}

bool journey_fill(const char *text, const struct journey_value *values, unsigned count, struct buf *out)
{
	struct hole hole = { .after = str_of(text) };
	struct str rest = str_of(text);
	while (next_hole(rest, &hole)) {
		unsigned i = 0;
		while (i < count && !str_is(hole.name, values[i].name))
			i++;
		if (i == count)
			return false;
		buf_add(out, hole.before);
		if (str_is(hole.filter, "url"))
			url_encode(out, str_of(values[i].value));
		else if (str_is(hole.filter, "json"))
			add_json(out, str_of(values[i].value));
		else
			buf_adds(out, values[i].value);
		rest = hole.after;
	}
	buf_add(out, rest);
	return !out->full;
}

/* ---- what the rows cannot say ---- */

struct known {
	struct str names[JOURNEY_VALUES_MAX];
	unsigned count;
	struct spec_errors *errors;
};

static bool is_known(const struct known *known, struct str name)
{
	for (unsigned i = 0; i < known->count; i++)
		if (str_eq(known->names[i], name))
			return true;
	return false;
}

static void learn(struct known *known, struct str name, const struct doc_node *node, const char *path)
{
	if (is_known(known, name))
		spec_error(known->errors, node, path, "\"" STR_FMT "\" is taken twice", STR_ARG(name));
	else if (known->count < JOURNEY_VALUES_MAX)
		known->names[known->count++] = name;
}

static void check_text(struct known *known, const struct doc_node *node, size_t step, const char *field)
{
	char path[64];
	struct hole hole;
	struct str rest = doc_text(node, "");
	snprintf(path, sizeof path, "steps[%zu].%s", step, field);
	while (next_hole(rest, &hole)) {
		if (!is_known(known, hole.name))
			spec_error(known->errors, node, path, "nothing before this step is called \"" STR_FMT "\"",
			           STR_ARG(str_sub(hole.name, 0, 63)));
		if (!filter_is_known(hole.filter))
			spec_error(known->errors, node, path, "after | stands url or json");
		rest = hole.after;
	}
}

static void check_take(struct known *known, const struct doc_node *take, size_t step, size_t number)
{
	char path[64], why[REGEX_WHY_BYTES];
	struct str pattern = doc_text(doc_get(take, "regex"), ""), json = doc_text(doc_get(take, "json"), "");
	unsigned ways = (doc_get(take, "regex") != NULL) + (doc_get(take, "json") != NULL) +
	                (doc_get(take, "header") != NULL);
	snprintf(path, sizeof path, "steps[%zu].take[%zu]", step, number);
	if (ways != 1)
		spec_error(known->errors, take, path, "one of json, regex and header says where it is");
	if (json.len > 0 && !doc_path_check(json))
		spec_error(known->errors, take, path, "cannot read the path \"" STR_FMT "\"; write it as $.items[0].id",
		           STR_ARG(json));
	if (pattern.len > 0) {
		struct regex *regex = regex_create(pattern, why);
		if (regex == NULL)
			spec_error(known->errors, take, path, "cannot read the regular expression: %s", why);
		regex_destroy(&regex);
	}
	learn(known, doc_text(doc_get(take, "name"), ""), take, path);
}

static void check_one_step(struct known *known, const struct doc_node *step, size_t number)
{
	struct status_ranges ranges;
	char path[64];
	struct str url = doc_text(doc_get(step, "url"), "");
	const struct doc_node *headers = doc_get(step, "headers"), *takes = doc_get(step, "take");
	snprintf(path, sizeof path, "steps[%zu].url", number);
	if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")) && !str_starts(url, STR("{{")))
		spec_error(known->errors, doc_get(step, "url"), path, "an address begins with http:// or https://");
	check_text(known, doc_get(step, "url"), number, "url");
	check_text(known, doc_get(step, "body"), number, "body");
	check_text(known, doc_get(step, "contains"), number, "contains");
	for (size_t i = 0; i < doc_count(headers); i++)
		check_text(known, &doc_entry_at(headers, i)->value, number, "headers");
	snprintf(path, sizeof path, "steps[%zu].status", number);
	if (!status_ranges_parse(doc_text(doc_get(step, "status"), "200-399"), &ranges))
		spec_error(known->errors, doc_get(step, "status"), path, "cannot read the statuses; write them as 200-399,404");
	for (size_t i = 0; i < doc_count(takes); i++)
		check_take(known, doc_at(takes, i), number, i);
}

void journey_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	struct known known = { .errors = errors };
	const struct doc_node *secrets = doc_get(spec, "secrets"), *steps = doc_get(spec, "steps");
	for (size_t i = 0; i < doc_count(secrets); i++)
		learn(&known, doc_entry_at(secrets, i)->key, secrets, "secrets");
	for (size_t i = 0; i < doc_count(steps); i++)
		check_one_step(&known, doc_at(steps, i), i);
}

/* ---- reading ---- */

static char *copy_key(struct str key)
{
	char *copy = mem_alloc(key.len + 1);
	memcpy(copy, key.ptr, key.len);
	return copy;
}

static bool read_take(const struct doc_node *doc, struct journey_take *take)
{
	char why[REGEX_WHY_BYTES];
	*take = (struct journey_take){
		.name = monitor_spec_text(doc_get(doc, "name")), .json = monitor_spec_text(doc_get(doc, "json")),
		.header = monitor_spec_text(doc_get(doc, "header")),
	};
	if (doc_get(doc, "regex") != NULL)
		take->regex = regex_create(doc_text(doc_get(doc, "regex"), ""), why);
	return take->name != NULL && (take->json != NULL || take->header != NULL || take->regex != NULL);
}

static bool read_step(const struct doc_node *doc, struct journey_step *step)
{
	const struct doc_node *headers = doc_get(doc, "headers"), *takes = doc_get(doc, "take");
	bool good = true;
	*step = (struct journey_step){
		.name = monitor_spec_text(doc_get(doc, "name")), .method = monitor_spec_text(doc_get(doc, "method")),
		.url = monitor_spec_text(doc_get(doc, "url")), .body = monitor_spec_text(doc_get(doc, "body")),
		.contains = monitor_spec_text(doc_get(doc, "contains")),
		.status_text = monitor_spec_text(doc_get(doc, "status")),
		.redirects_max = (unsigned)doc_int(doc_get(doc, "redirects"), MONITOR_REDIRECTS),
	};
	if (step->method == NULL)
		step->method = mem_strdup("GET");
	if (step->status_text == NULL)
		step->status_text = mem_strdup("200-399");
	for (size_t i = 0; i < doc_count(headers) && i < MONITOR_FIELDS_MAX; i++) {
		const struct doc_entry *entry = doc_entry_at(headers, i);
		char *value = monitor_spec_text(&entry->value);
		step->fields[step->fields_count++] = (struct http_ask_field){
			copy_key(entry->key), value != NULL ? value : mem_strdup("") };
	}
	for (size_t i = 0; i < doc_count(takes) && i < JOURNEY_TAKES_MAX; i++)
		good = read_take(doc_at(takes, i), &step->takes[step->takes_count++]) && good;
	return good && step->name != NULL && step->url != NULL && step->redirects_max <= HTTP_REDIRECTS_MAX &&
	       status_ranges_parse(str_of(step->status_text), &step->status);
}

enum err journey_read(const struct doc_node *doc, struct check_spec *spec, struct error *err)
{
	struct journey_spec *own = spec->own = mem_alloc(sizeof *own);
	const struct doc_node *steps = doc_get(doc, "steps"), *secrets = doc_get(doc, "secrets");
	bool good = doc_count(steps) > 0;
	for (size_t i = 0; i < doc_count(steps) && i < JOURNEY_STEPS_MAX; i++)
		good = read_step(doc_at(steps, i), &own->steps[own->steps_count++]) && good;
	for (size_t i = 0; i < doc_count(secrets) && i < JOURNEY_SECRETS_MAX; i++) {
		const struct doc_entry *entry = doc_entry_at(secrets, i);
		struct journey_secret *secret = &own->secrets[own->secrets_count++];
		*secret = (struct journey_secret){ copy_key(entry->key), monitor_spec_text(&entry->value) };
		good = good && secret->secret != NULL;
	}
	return good ? OK : error_set(err, ERR_INVALID, "cannot run the check \"%s\": a step of the journey is not whole",
	                             spec->name);
}

static void forget_step(struct journey_step *step)
{
	char *texts[] = { step->name, step->method, step->url, step->body, step->contains, step->status_text };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		mem_free(texts[i]);
	for (unsigned i = 0; i < step->fields_count; i++) {
		mem_free((char *)step->fields[i].name);
		mem_free((char *)step->fields[i].value);
	}
	for (unsigned i = 0; i < step->takes_count; i++) {
		mem_free(step->takes[i].name);
		mem_free(step->takes[i].json);
		mem_free(step->takes[i].header);
		regex_destroy(&step->takes[i].regex);
	}
}

void journey_forget(void *context)
{
	struct journey_spec *own = context;
	for (unsigned i = 0; i < own->steps_count; i++)
		forget_step(&own->steps[i]);
	for (unsigned i = 0; i < own->secrets_count; i++) {
		mem_free(own->secrets[i].name);
		mem_free(own->secrets[i].secret);
	}
	mem_free(own);
}
