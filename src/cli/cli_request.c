/* cli_request.c: inputs -> the path, the query and the body of a request. */
#include <assert.h>
#include <string.h>

#include "cli/cli_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"
#include "wire/url.h"

#define PATH_BYTES_MAX 8192u
#define BODY_BYTES_MAX (8u << 20)

static const struct cli_given *by_key(const struct cli_call *call, struct str key)
{
	char name[CLI_KEY_BYTES];
	for (size_t i = 0; i < call->inputs.count; i++) {
		const struct cli_given *given = &call->inputs.rows[i];
		if (given->input->place != CLI_OWN && str_eq(cli_input_key(given->input, name), key))
			return given;
	}
	return NULL;
}

static void put_query(struct cli_call *call, struct buf *out)
{
	char name[CLI_KEY_BYTES];
	bool first = true;
	for (size_t i = 0; i < call->inputs.count; i++) {
		const struct cli_given *given = &call->inputs.rows[i];
		if (given->input->place != CLI_QUERY)
			continue;
		buf_addc(out, first ? '?' : '&');
		buf_add(out, cli_input_key(given->input, name));
		buf_addc(out, '=');
		url_encode(out, given->text);
		first = false;
	}
}

struct str cli_request_path(struct cli_call *call, const char *pattern)
{
	cleanup_buf struct buf out;
	struct str rest = str_of(pattern), text, key;
	buf_init(&out, PATH_BYTES_MAX);
	while (str_cut(rest, '{', &text, &rest)) {
		buf_add(&out, text);
		str_cut(rest, '}', &key, &rest);
		const struct cli_given *given = by_key(call, key);
		assert(given != NULL);
		url_encode(&out, given->text);
	}
	buf_add(&out, text);
	put_query(call, &out);
	return arena_str(&call->arena, buf_str(&out));
}

/* ---- bodies ---- */

static void put_words(struct json_writer *json, struct str words)
{
	struct str one;
	json_list_begin(json);
	while (words.len > 0) {
		str_cut(words, ',', &one, &words);
		json_text(json, one);
	}
	json_list_end(json);
}

static void put_value(struct json_writer *json, const struct cli_given *given)
{
	switch (given->input->type) {
	case CLI_INT:
	case CLI_PERSON:
		json_raw(json, given->text); /* checked: digits only */
		break;
	case CLI_SWITCH:
		json_bool(json, true);
		break;
	case CLI_BOOL:
		json_bool(json, str_is(given->text, "true"));
		break;
	case CLI_CHOICES:
		put_words(json, given->text);
		break;
	default:
		json_text(json, given->text);
	}
}

static void put_all(struct cli_call *call, struct json_writer *json, const struct cli_input *row)
{
	json_list_begin(json);
	for (size_t i = 0; i < call->inputs.count; i++) {
		if (call->inputs.rows[i].input == row)
			put_value(json, &call->inputs.rows[i]);
	}
	json_list_end(json);
}

/* "address.to" and "address.url" stand next to each other and make one map. */
static void put_row(struct cli_call *call, struct json_writer *json, const struct cli_input *row,
		    struct str *group)
{
	char name[CLI_KEY_BYTES];
	struct str key = cli_input_key(row, name), map, field;
	const struct cli_given *given = cli_given(&call->inputs, row);
	bool inside = str_cut(key, '.', &map, &field);
	if (group->len > 0 && (!inside || !str_eq(map, *group))) {
		json_map_end(json);
		*group = STR_NONE;
	}
	if (inside && group->len == 0) {
		json_key_str(json, map);
		json_map_begin(json);
		*group = arena_str(&call->arena, map);
	}
	if (given == NULL)
		return;
	json_key_str(json, inside ? field : key);
	if (row->flags & CLI_MANY)
		put_all(call, json, row);
	else
		put_value(json, given);
}

struct str cli_request_body(struct cli_call *call)
{
	cleanup_buf struct buf out;
	struct json_writer json;
	struct str group = STR_NONE;
	unsigned rows = 0;
	buf_init(&out, BODY_BYTES_MAX);
	json_init(&json, &out);
	json_map_begin(&json);
	for (const struct cli_input *row = call->action->inputs; row != NULL && row->name != NULL; row++) {
		if (row->place != CLI_BODY)
			continue;
		put_row(call, &json, row, &group);
		rows++;
	}
	if (group.len > 0)
		json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
	return rows > 0 ? arena_str(&call->arena, buf_str(&out)) : STR_NONE;
}

/* ---- people ---- */

static bool is_person(const struct doc_node *user, struct str who)
{
	return str_eq(doc_text(doc_get(user, "email"), ""), who) ||
	       str_eq(doc_text(doc_get(user, "name"), ""), who);
}

static enum err find_person(struct cli_call *call, struct str who, int64_t *ret_user, struct error *err)
{
	cleanup_buf struct buf path;
	const struct doc_node *answer;
	unsigned found = 0;
	buf_init(&path, PATH_BYTES_MAX);
	buf_adds(&path, "/users?limit=200&q=");
	url_encode(&path, who);
	enum err r = cli_ask(call, "GET", buf_str(&path), STR_NONE, &answer, err);
	if (r != OK)
		return r;
	const struct doc_node *items = doc_get(answer, "items");
	for (size_t i = 0; i < doc_count(items); i++) {
		if (!is_person(doc_at(items, i), who))
			continue;
		*ret_user = doc_int(doc_get(doc_at(items, i), "id"), 0);
		found++;
	}
	if (found == 1)
		return OK;
	error_set(err, ERR_NOT_FOUND, found == 0 ? "there is nobody called \"" STR_FMT "\""
						 : "several people are called \"" STR_FMT "\"",
		  STR_ARG(who));
	error_hint(err, "give the e-mail address or the id: mainstay user list");
	return ERR_NOT_FOUND;
}

enum err cli_person(struct cli_call *call, struct str who, int64_t *ret_user, struct error *err)
{
	const struct doc_node *answer;
	if (str_int(who, 1, INT64_MAX, ret_user))
		return OK;
	if (!str_is(who, "me"))
		return find_person(call, who, ret_user, err);
	enum err r = cli_ask(call, "GET", STR("/session"), STR_NONE, &answer, err);
	if (r == OK)
		*ret_user = doc_int(cli_path(answer, STR("user.id")), 0);
	return r;
}

enum err cli_request_people(struct cli_call *call, struct error *err)
{
	enum err r = OK;
	for (size_t i = 0; i < call->inputs.count && r == OK; i++) {
		struct cli_given *given = &call->inputs.rows[i];
		int64_t user = 0;
		if (given->input->type != CLI_PERSON)
			continue;
		r = cli_person(call, given->text, &user, err);
		given->text = arena_printf(&call->arena, "%lld", (long long)user);
	}
	return r;
}
