/*
 * template_prometheus.c: the functions that Prometheus adds to Go's templates.
 *
 * To add one: a function of the type template_fn and a row at the end; its parameters are checked before it is called.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/number.h"
#include "promql/template_priv.h"

#define NIL_WORDS "runtime error: invalid memory address or nil pointer dereference"
#define PATTERN_BYTES_COST 100000u /* a compilation counts as work on so many bytes */

static bool complain(struct buf *failure, const char *what)
{
	buf_adds(failure, what);
	return false;
}

/* ---- queries ---- */

static bool keep_answer(struct template_run *run, const struct promql_answer *answer, struct template_value *ret)
{
	const struct template_sample **rows = template_alloc(run, (answer->count + 1) * sizeof *rows);
	struct template_sample *samples = template_alloc(run, (answer->count + 1) * sizeof *samples);
	if (rows == NULL || samples == NULL || !template_spend(run, answer->count * 64))
		return false;
	for (size_t i = 0; i < answer->count; i++) {
		samples[i] = (struct template_sample){ answer->rows[i].labels, answer->rows[i].values[0] };
		rows[i] = &samples[i];
	}
	*ret = (struct template_value){ .type = TEMPLATE_RESULT };
	ret->result.rows = rows;
	ret->result.count = ret->result.room = answer->count;
	return true;
}

static bool fn_query(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	const struct template_scope *scope = run->scope;
	struct promql_options options = scope->options != NULL ? *scope->options : PROMQL_OPTIONS_DEFAULT;
	struct promql_expr *expr = NULL;
	struct promql_answer answer;
	struct error err;
	(void)count;
	if (scope->source == NULL)
		return complain(failure, "there is nothing to ask here");
	if (run->queries++ == TEMPLATE_QUERIES_MAX)
		return template_fail_limit(run, ERR_TOO_LARGE, "it asks more than %u queries", TEMPLATE_QUERIES_MAX);
	struct str text = { template_alloc(run, args[0].text.len + 1), args[0].text.len };
	if (text.ptr == NULL)
		return false;
	memcpy((char *)text.ptr, args[0].text.len > 0 ? args[0].text.ptr : "", args[0].text.len);
	enum err r = promql_parse(text, &run->arena, &expr, &err);
	if (r == OK)
		r = promql_instant(expr, scope->source, scope->time_ms, &options, &run->arena, &answer, &err);
	if (r == OK && answer.type != PROMQL_VECTOR && answer.type != PROMQL_SCALAR)
		r = error_set(&err, ERR_INVALID, "rule result is not a vector or scalar");
	promql_expr_finish(expr);
	if (r != OK)
		return complain(failure, err.text);
	return keep_answer(run, &answer, ret);
}

static bool fn_first(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	(void)run, (void)count;
	if (args[0].type != TEMPLATE_RESULT || args[0].result.count == 0)
		return complain(failure, "first() called on vector with no elements");
	*ret = (struct template_value){ .type = TEMPLATE_SAMPLE, .sample = args[0].result.rows[0] };
	return true;
}

static bool fn_label(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	(void)run, (void)count;
	if (args[1].type != TEMPLATE_SAMPLE)
		return complain(failure, NIL_WORDS);
	*ret = template_text_value(promql_label_get(args[1].sample->labels, args[0].text));
	return true;
}

static bool fn_value(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	(void)run, (void)count;
	if (args[0].type != TEMPLATE_SAMPLE)
		return complain(failure, NIL_WORDS);
	*ret = template_real_value(args[0].sample->value);
	return true;
}

static bool fn_strvalue(struct template_run *run, struct template_value *args, size_t count,
			struct template_value *ret, struct buf *failure)
{
	(void)run, (void)count;
	if (args[0].type != TEMPLATE_SAMPLE)
		return complain(failure, NIL_WORDS);
	*ret = template_text_value(promql_label_get(args[0].sample->labels, STR("__value__")));
	return true;
}

struct keyed {
	struct str key;
	size_t place;
	const struct template_sample *sample;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = str_cmp(x->key, y->key);
	return order != 0 ? order : x->place < y->place ? -1 : 1;
}

static bool fn_sort_by_label(struct template_run *run, struct template_value *args, size_t count,
			     struct template_value *ret, struct buf *failure)
{
	size_t rows = args[1].type == TEMPLATE_RESULT ? args[1].result.count : 0;
	struct keyed *keyed = template_alloc(run, (rows + 1) * sizeof *keyed);
	const struct template_sample **sorted = template_alloc(run, (rows + 1) * sizeof *sorted);
	(void)count, (void)failure;
	if (keyed == NULL || sorted == NULL || !template_spend(run, rows * 256))
		return false;
	for (size_t i = 0; i < rows; i++) {
		const struct template_sample *sample = args[1].result.rows[i];
		keyed[i] = (struct keyed){ promql_label_get(sample->labels, args[0].text), i, sample };
	}
	qsort(keyed, rows, sizeof *keyed, by_key);
	for (size_t i = 0; i < rows; i++)
		sorted[i] = keyed[i].sample;
	*ret = args[1];
	ret->type = TEMPLATE_RESULT;
	ret->result.rows = sorted;
	ret->result.count = ret->result.room = rows;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct template_arg *)a)->name, ((const struct template_arg *)b)->name);
}

static bool fn_args(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		    struct buf *failure)
{
	struct template_arg *rows = template_alloc(run, (count + 1) * sizeof *rows);
	(void)failure;
	unsigned depth = 0;
	for (size_t i = 0; i < count && rows != NULL; i++) {
		char *name = template_alloc(run, 16);
		if (name == NULL)
			return false;
		rows[i].name = (struct str){ name, (size_t)snprintf(name, 16, "arg%zu", i) };
		rows[i].value = args[i];
		if (args[i].type == TEMPLATE_ARGS && args[i].args.depth > depth)
			depth = args[i].args.depth;
	}
	if (rows == NULL)
		return false;
	if (depth == TEMPLATE_MAPS_MAX)
		return template_fail_limit(run, ERR_TOO_LARGE, "more than %u maps inside each other", TEMPLATE_MAPS_MAX);
	qsort(rows, count, sizeof *rows, by_name); /* as a map of Go prints and ranges */
	*ret = (struct template_value){ .type = TEMPLATE_ARGS };
	ret->args.rows = rows;
	ret->args.count = count;
	ret->args.depth = depth + 1;
	return true;
}

/* ---- texts ---- */

static bool change(struct template_run *run, struct str text, void (*by)(struct str, struct buf *),
		   struct template_value *ret)
{
	cleanup_buf struct buf out;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	by(text, &out);
	return template_take(run, &out, ret);
}

static bool fn_title(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	(void)count, (void)failure;
	return change(run, args[0].text, template_title, ret);
}

static bool fn_to_upper(struct template_run *run, struct template_value *args, size_t count,
			struct template_value *ret, struct buf *failure)
{
	(void)count, (void)failure;
	return change(run, args[0].text, template_upper, ret);
}

static bool fn_to_lower(struct template_run *run, struct template_value *args, size_t count,
			struct template_value *ret, struct buf *failure)
{
	(void)count, (void)failure;
	return change(run, args[0].text, template_lower, ret);
}

static bool fn_safe_html(struct template_run *run, struct template_value *args, size_t count,
			 struct template_value *ret, struct buf *failure)
{
	(void)run, (void)count, (void)failure;
	*ret = (struct template_value){ .type = TEMPLATE_HTML, .text = args[0].text };
	return true;
}

static void add_link(struct str expr, const char *tab, struct buf *out)
{
	buf_adds(out, "/graph?g0.expr=");
	template_urlquery(expr, out);
	buf_printf(out, "&g0.tab=%s", tab);
}

static void graph_link(struct str expr, struct buf *out)
{
	add_link(expr, "0", out);
}

static void table_link(struct str expr, struct buf *out)
{
	add_link(expr, "1", out);
}

static bool fn_graph_link(struct template_run *run, struct template_value *args, size_t count,
			  struct template_value *ret, struct buf *failure)
{
	(void)count, (void)failure;
	return change(run, args[0].text, graph_link, ret);
}

static bool fn_table_link(struct template_run *run, struct template_value *args, size_t count,
			  struct template_value *ret, struct buf *failure)
{
	(void)count, (void)failure;
	return change(run, args[0].text, table_link, ret);
}

/* ---- regular expressions ---- */

static bool fn_match(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	struct str groups[PROMQL_PATTERN_GROUPS_MAX];
	struct promql_search *search;
	struct error err;
	(void)count;
	if (!template_spend(run, PATTERN_BYTES_COST + args[1].text.len * 4))
		return false;
	if (promql_search_create(args[0].text, &search, &err) != OK)
		return complain(failure, err.text);
	*ret = template_bool_value(promql_search_find(search, args[1].text, 0, groups));
	promql_search_destroy(&search);
	return true;
}

static bool is_name_byte(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct str group_named(const struct promql_search *search, struct str name, const struct str *groups)
{
	int64_t number = -1;
	if (!str_int(name, 0, PROMQL_PATTERN_GROUPS_MAX - 1, &number))
		number = promql_search_group(search, name);
	return number >= 0 ? groups[number] : STR_NONE;
}

/* Go's Expand: $1, $name, ${name}, $$; the name is as long as it can be. */
static void add_replacement(const struct promql_search *search, struct str with, const struct str *groups, struct buf *out)
{
	for (size_t at = 0; at < with.len && !out->full;) {
		size_t from = at + 1, braced = from < with.len && with.ptr[from] == '{', end = from + braced;
		while (end < with.len && is_name_byte(with.ptr[end]))
			end++;
		bool closed = !braced || (end < with.len && with.ptr[end] == '}');
		if (with.ptr[at] != '$') {
			buf_addc(out, with.ptr[at++]);
		} else if (from < with.len && with.ptr[from] == '$') {
			buf_addc(out, '$');
			at += 2;
		} else if (end == from + braced || !closed) {
			buf_addc(out, '$');
			at++;
		} else {
			buf_add(out, group_named(search, str_sub(with, from + braced, end), groups));
			at = end + braced;
		}
	}
}

/* An empty match right behind another match is none; the search goes on by a letter at least. As in Go. */
static bool replace_all(struct template_run *run, const struct promql_search *search, struct str with,
			struct str text, struct buf *out)
{
	struct str groups[PROMQL_PATTERN_GROUPS_MAX];
	size_t last = 0, from = 0;
	while (from <= text.len && promql_search_find(search, text, from, groups)) {
		size_t begin = (size_t)(groups[0].ptr - text.ptr), end = begin + groups[0].len, letter = from;
		if (out->full || !template_spend(run, end - from))
			return false;
		buf_add(out, str_sub(text, last, begin));
		if (end > last || begin == 0)
			add_replacement(search, with, groups, out);
		last = end;
		if (letter < text.len)
			rune_next(text, &letter);
		else
			letter++;
		from = letter > end ? letter : end;
	}
	buf_add(out, str_sub(text, last, text.len));
	return true;
}

static bool fn_re_replace_all(struct template_run *run, struct template_value *args, size_t count,
			      struct template_value *ret, struct buf *failure)
{
	cleanup_buf struct buf out;
	struct promql_search *search;
	struct error err;
	(void)count;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	if (!template_spend(run, PATTERN_BYTES_COST))
		return false;
	if (promql_search_create(args[0].text, &search, &err) != OK) {
		buf_printf(failure, "regexp: Compile(`" STR_FMT "`): %s", STR_ARG(args[0].text), err.text);
		return false;
	}
	struct str text = { args[2].text.len > 0 ? args[2].text.ptr : "", args[2].text.len };
	bool good = replace_all(run, search, args[1].text, text, &out);
	promql_search_destroy(&search);
	return (good || out.full) && template_take(run, &out, ret);
}

/* ---- hosts ---- */

/* Go's net.SplitHostPort: "host:port", "[::1]:port". */
static bool split_host(struct str text, struct str *ret_host, struct str *ret_port)
{
	struct str host;
	size_t colon = text.len, inside = 0, after = 0;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == ':')
			colon = i;
	if (colon == text.len)
		return false;
	if (text.ptr[0] == '[') {
		const char *close = memchr(text.ptr, ']', text.len);
		size_t end = close != NULL ? (size_t)(close - text.ptr) : text.len;
		if (close == NULL || end + 1 != colon)
			return false;
		host = str_sub(text, 1, end);
		inside = 1;
		after = end + 1;
	} else {
		host = str_sub(text, 0, colon);
		if (str_has(host, ':'))
			return false;
	}
	for (size_t i = inside; i < text.len; i++)
		if (text.ptr[i] == '[' || (text.ptr[i] == ']' && i >= after && (inside == 0 || i > after)))
			return false;
	*ret_host = host;
	*ret_port = str_sub(text, colon + 1, text.len);
	return true;
}

static bool is_address(struct str host)
{
	char text[64];
	struct in6_addr address;
	if (host.len == 0 || host.len >= sizeof text)
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static bool fn_strip_port(struct template_run *run, struct template_value *args, size_t count,
			  struct template_value *ret, struct buf *failure)
{
	struct str host, port;
	(void)run, (void)count, (void)failure;
	*ret = template_text_value(split_host(args[0].text, &host, &port) ? host : args[0].text);
	return true;
}

static bool fn_strip_domain(struct template_run *run, struct template_value *args, size_t count,
			    struct template_value *ret, struct buf *failure)
{
	struct str text = args[0].text, host = text, port = STR_NONE, first, rest;
	cleanup_buf struct buf out;
	(void)count, (void)failure;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	split_host(text, &host, &port);
	if (is_address(host)) {
		*ret = template_text_value(text);
		return true;
	}
	str_cut(host, '.', &first, &rest);
	buf_add(&out, first);
	if (port.len > 0) {
		buf_addc(&out, ':');
		buf_add(&out, port);
	}
	return template_take(run, &out, ret);
}

/* ---- where this server is ---- */

static bool fn_external_url(struct template_run *run, struct template_value *args, size_t count,
			    struct template_value *ret, struct buf *failure)
{
	(void)args, (void)count, (void)failure;
	*ret = template_text_value(run->scope->external_url);
	return true;
}

/* What follows the host. */
static bool fn_path_prefix(struct template_run *run, struct template_value *args, size_t count,
			   struct template_value *ret, struct buf *failure)
{
	struct str url = run->scope->external_url;
	const char *scheme = url.len > 0 ? memmem(url.ptr, url.len, "://", 3) : NULL;
	size_t from = scheme != NULL ? (size_t)(scheme - url.ptr) + 3 : 0, to;
	(void)args, (void)count, (void)failure;
	while (scheme != NULL && from < url.len && url.ptr[from] != '/' && url.ptr[from] != '?' && url.ptr[from] != '#')
		from++;
	for (to = from; to < url.len && url.ptr[to] != '?' && url.ptr[to] != '#';)
		to++;
	*ret = template_text_value(str_sub(url, from, to));
	return true;
}

const struct template_function template_prometheus[] = {
	{ "args", fn_args, { WANT_ANY }, 0, true, WANT_ANY },
	{ "externalURL", fn_external_url, { WANT_ANY }, 0 },
	{ "first", fn_first, { WANT_RESULT }, 1 },
	{ "graphLink", fn_graph_link, { WANT_STRING }, 1 },
	{ "humanize", template_humanize, { WANT_ANY }, 1 },
	{ "humanize1024", template_humanize_1024, { WANT_ANY }, 1 },
	{ "humanizeDuration", template_humanize_duration, { WANT_ANY }, 1 },
	{ "humanizePercentage", template_humanize_percentage, { WANT_ANY }, 1 },
	{ "humanizeTimestamp", template_humanize_timestamp, { WANT_ANY }, 1 },
	{ "label", fn_label, { WANT_STRING, WANT_SAMPLE }, 2 },
	{ "match", fn_match, { WANT_STRING, WANT_STRING }, 2 },
	{ "now", template_now, { WANT_ANY }, 0 },
	{ "parseDuration", template_parse_duration, { WANT_STRING }, 1 },
	{ "pathPrefix", fn_path_prefix, { WANT_ANY }, 0 },
	{ "query", fn_query, { WANT_STRING }, 1 },
	{ "reReplaceAll", fn_re_replace_all, { WANT_STRING, WANT_STRING, WANT_STRING }, 3 },
	{ "safeHtml", fn_safe_html, { WANT_STRING }, 1 },
	{ "sortByLabel", fn_sort_by_label, { WANT_STRING, WANT_RESULT }, 2 },
	{ "stripDomain", fn_strip_domain, { WANT_STRING }, 1 },
	{ "stripPort", fn_strip_port, { WANT_STRING }, 1 },
	{ "strvalue", fn_strvalue, { WANT_SAMPLE }, 1 },
	{ "tableLink", fn_table_link, { WANT_STRING }, 1 },
	{ "title", fn_title, { WANT_STRING }, 1 },
	{ "toDuration", template_to_duration, { WANT_ANY }, 1 },
	{ "toLower", fn_to_lower, { WANT_STRING }, 1 },
	{ "toTime", template_to_time, { WANT_ANY }, 1 },
	{ "toUpper", fn_to_upper, { WANT_STRING }, 1 },
	{ "value", fn_value, { WANT_SAMPLE }, 1 },
	{ NULL },
};
