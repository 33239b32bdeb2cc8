/* cli_run.c: what most verbs are: put a question together, ask it, show the answer. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_http.h"
#include "wire/doc_json.h"

#define ANSWER_LIMITS ((struct doc_limits){ .depth_max = 64, .nodes_max = 5000000, \
					    .bytes_max = CLI_ANSWER_BYTES_MAX })

void cli_note(const struct cli_call *call, const char *format, ...)
{
	va_list args;
	if (call->settings.format != CLI_TABLE)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* A reader who left ("| head") is no failure of ours, a full disk is. */
enum err cli_flush(struct cli_call *call, struct error *err)
{
	size_t used = call->out.used;
	errno = 0;
	bool whole = !call->out.full;
	bool sent = (used == 0 || fwrite(call->out.bytes, 1, used, stdout) == used) && fflush(stdout) == 0;
	buf_reset(&call->out);
	if (!whole)
		return error_set(err, ERR_TOO_LARGE, "there is more to print than %u bytes",
				 CLI_OUT_BYTES_MAX);
	if (!sent && errno != EPIPE)
		return error_set(err, ERR_IO, "could not print: %s", strerror(errno));
	return OK;
}

static bool is_json(struct str type)
{
	return str_starts(type, STR("application/json"));
}

enum err cli_ask(struct cli_call *call, const char *method, struct str path, struct str body,
		 const struct doc_node **ret_answer, struct error *err)
{
	struct cli_ask ask = { .method = method, .path = path, .body = body };
	struct cli_answer answer;
	const struct doc_node *root = NULL;
	enum err r = cli_http_ask(call, &ask, &answer, err);
	if (r == OK && answer.status != 204) {
		r = is_json(answer.type) ? doc_json_parse(answer.body, &call->arena, ANSWER_LIMITS, NULL, &root, err)
					 : error_set(err, ERR_CORRUPT, "the server answered " STR_FMT
						     ", not JSON: is it Mainstay?", STR_ARG(answer.type));
	}
	if (r == OK)
		*ret_answer = root;
	return r;
}

/* ---- lists, page by page ---- */

struct pages {
	struct doc_node *items;
	size_t count, limit;
	struct str next;
};

static enum err ask_page(struct cli_call *call, struct str path, struct pages *pages, struct error *err)
{
	const struct doc_node *answer;
	size_t wanted = pages->limit - pages->count;
	struct buf whole;
	buf_init(&whole, 16384);
	buf_add(&whole, path);
	buf_printf(&whole, "%climit=%zu", str_has(path, '?') ? '&' : '?',
		   wanted < CLI_PAGE_MAX ? wanted : CLI_PAGE_MAX);
	if (pages->next.len > 0) {
		buf_adds(&whole, "&cursor=");
		buf_add(&whole, pages->next);
	}
	struct str kept = arena_str(&call->arena, buf_str(&whole));
	buf_finish(&whole);
	enum err r = cli_ask(call, "GET", kept, STR_NONE, &answer, err);
	if (r != OK)
		return r;
	const struct doc_node *items = doc_get(answer, "items");
	for (size_t i = 0; i < doc_count(items) && pages->count < pages->limit; i++)
		pages->items[pages->count++] = *doc_at(items, i);
	pages->next = doc_text(doc_get(answer, "next"), "");
	return OK;
}

/* The pages as one answer of the same shape. */
static const struct doc_node *join(struct cli_call *call, const struct pages *pages)
{
	struct doc_entry *entries = arena_array(&call->arena, struct doc_entry, 2);
	struct doc_node *root = arena_new(&call->arena, struct doc_node);
	entries[0] = (struct doc_entry){
		.key = STR("items"),
		.value = { .kind = DOC_LIST, .count = (uint32_t)pages->count, .items = pages->items },
	};
	entries[1] = (struct doc_entry){
		.key = STR("next"),
		.value = { .kind = pages->next.len > 0 ? DOC_TEXT : DOC_NULL, .text = pages->next },
	};
	*root = (struct doc_node){ .kind = DOC_MAP, .count = 2, .map = { entries, NULL } };
	return root;
}

static enum err ask_pages(struct cli_call *call, struct str path, const struct doc_node **ret_answer,
			  struct error *err)
{
	struct pages pages = { .limit = (size_t)cli_int(call, "limit", CLI_PAGE_MAX) };
	enum err r;
	if (pages.limit < 1 || pages.limit > CLI_LIMIT_MAX)
		return error_set(err, ERR_INVALID, "--limit is a number from 1 to %d", CLI_LIMIT_MAX);
	pages.items = arena_array(&call->arena, struct doc_node, pages.limit);
	do {
		size_t before = pages.count;
		r = ask_page(call, path, &pages, err);
		if (pages.count == before)
			break; /* a page without rows, whatever its cursor says */
	} while (r == OK && pages.next.len > 0 && pages.count < pages.limit);
	if (r != OK)
		return r;
	if (pages.next.len > 0)
		cli_note(call, "there are more than %zu: add --limit %zu", pages.limit, pages.limit * 4);
	*ret_answer = join(call, &pages);
	return OK;
}

/* ---- the whole ---- */

static void say_done(struct cli_call *call, const struct doc_node *answer)
{
	if (call->action->done != NULL && call->settings.format == CLI_TABLE)
		buf_printf(&call->out, STR_FMT "\n", STR_ARG(cli_fill(call, call->action->done, answer)));
}

/* YAML, notes, calendars: the text is the answer. */
static enum err ask_text(struct cli_call *call, struct str path, struct str body,
			 const struct doc_node **ret_answer, struct error *err)
{
	struct cli_ask ask = { .method = call->action->method, .path = path, .body = body };
	struct cli_answer answer;
	*ret_answer = NULL;
	enum err r = cli_http_ask(call, &ask, &answer, err);
	if (r != OK || answer.status == 204)
		return r;
	if (is_json(answer.type))
		return doc_json_parse(answer.body, &call->arena, ANSWER_LIMITS, NULL, ret_answer, err);
	buf_add(&call->out, answer.body);
	return OK;
}

enum err cli_ask_and_show(struct cli_call *call, struct error *err)
{
	const struct cli_action *action = call->action;
	const struct doc_node *answer = NULL;
	assert(action->method != NULL);
	assert(action->path != NULL);
	enum err r = cli_request_people(call, err);
	if (r != OK)
		return r;
	struct str path = cli_request_path(call, action->path);
	if (action->pages)
		r = ask_pages(call, path, &answer, err);
	else
		r = ask_text(call, path, cli_request_body(call), &answer, err);
	if (r != OK)
		return r;
	if (answer != NULL && (action->sections != NULL || call->settings.format != CLI_TABLE))
		cli_show(call, action->sections, answer);
	say_done(call, answer);
	return OK;
}
