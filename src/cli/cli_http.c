/* cli_http.c: see cli_http.h. */
#include "cli/cli_http.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/version.h"
#include "cli/cli_settings.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/doc_json.h"
#include "wire/resolve.h"

#define USER_AGENT "mainstay-cli/" MAINSTAY_VERSION
#define PROBLEM_FIELDS_MAX 20u

struct cli_http {
	struct loop *loop;
	struct clock clock;
	struct resolve *resolve;
	struct http_client *client;
};

struct waiting {
	struct cli_call *call;
	struct cli_answer answer;
	struct error err;
	bool done, stopped;
	cli_piece_fn *piece;
	void *context;
};

/* Where to go is the choice of the person who runs this, not of a stranger. */
static struct egress_policy anywhere(void)
{
	return (struct egress_policy){ .allow_loopback = true, .allow_private = true,
				       .allow_link_local = true };
}

void cli_http_destroy(struct cli_http **http)
{
	if (*http == NULL)
		return;
	http_client_destroy(&(*http)->client);
	resolve_destroy(&(*http)->resolve);
	loop_destroy(&(*http)->loop);
	mem_free(*http);
	*http = NULL;
}

static enum err create(struct cli_call *call, struct error *err)
{
	struct cli_http *http = mem_alloc(sizeof *http);
	struct http_client_options options = { .policy = anywhere(), .ca_file = call->settings.ca_file,
					       .user_agent = USER_AGENT, .connections_max = 4 };
	clock_system(&http->clock);
	http->loop = loop_create();
	enum err r = resolve_create(http->loop, NULL, &http->resolve, err);
	if (r == OK)
		r = http_client_create(http->loop, &http->clock, http->resolve, &options, &http->client, err);
	if (r == OK)
		call->http = http;
	else
		cli_http_destroy(&http);
	return r;
}

/* ---- what went wrong ---- */

static enum err unreachable(struct cli_call *call, struct error *err)
{
	struct str server = call->settings.server;
	char why[ERROR_TEXT_BYTES];
	bool trust = err->code == ERR_DENIED;
	snprintf(why, sizeof why, "%s", err->text);
	error_set(err, ERR_UNAVAILABLE, "cannot reach the server at " STR_FMT ": %.300s", STR_ARG(server), why);
	if (trust)
		error_hint(err, "name the authority of its certificate with --ca-file FILE");
	else if (cli_server_is_private(server) && str_starts(server, STR("http://")))
		error_hint(err, "start it there (mainstay serve), or name another with --server URL or "
				"MAINSTAY_SERVER");
	else
		error_hint(err, "look whether the address is right (--server URL, MAINSTAY_SERVER), and "
				"whether it runs: GET /healthz");
	return ERR_UNAVAILABLE;
}

static void add_fields(struct arena *arena, const struct doc_node *problem, struct error *err)
{
	const struct doc_node *list = doc_get(problem, "errors");
	for (size_t i = 0; i < doc_count(list) && i < PROBLEM_FIELDS_MAX; i++) {
		struct str field = doc_text(doc_get(doc_at(list, i), "field"), "");
		struct str detail = doc_text(doc_get(doc_at(list, i), "detail"), "");
		size_t used = strlen(err->text);
		if (strstr(err->text, arena_cstr(arena, detail)) == NULL)
			snprintf(err->text + used, sizeof err->text - used, "\n  " STR_FMT ": " STR_FMT,
				 STR_ARG(cli_text_clean(arena, field)), STR_ARG(cli_text_clean(arena, detail)));
	}
}

static enum err not_signed_in(struct cli_call *call, struct str detail, struct error *err)
{
	if (call->settings.token.len > 0) {
		error_set(err, ERR_UNAUTHENTICATED, STR_FMT, STR_ARG(detail));
		error_hint(err, "the token is over or revoked; sign in again: mainstay login --server " STR_FMT,
			   STR_ARG(call->settings.server));
	} else {
		error_set(err, ERR_UNAUTHENTICATED, "nobody is signed in at " STR_FMT,
			  STR_ARG(call->settings.server));
		error_hint(err, "sign in: mainstay login --server " STR_FMT,
			   STR_ARG(call->settings.server));
	}
	return ERR_UNAUTHENTICATED;
}

/* RFC 9457: `detail` is a sentence, `hint` says what to do. */
static enum err problem(struct cli_call *call, const struct cli_ask *ask,
			const struct cli_answer *answer, struct error *err)
{
	const struct doc_node *root = NULL;
	struct arena *arena = &call->arena;
	if (doc_json_parse(answer->body, arena, DOC_LIMITS_DEFAULT, NULL, &root, NULL) != OK)
		root = NULL;
	struct str detail = cli_text_clean(arena, doc_text(doc_get(root, "detail"), ""));
	struct str hint = cli_text_clean(arena, doc_text(doc_get(root, "hint"), ""));
	if (detail.len == 0) /* as Prometheus says it, to a query */
		detail = cli_text_clean(arena, doc_text(doc_get(root, "error"), ""));
	if (detail.len == 0)
		detail = arena_printf(arena, "the server answered %d to %s " STR_FMT, answer->status,
				      ask->method, STR_ARG(ask->path));
	if (answer->status == 401 && !ask->anonymous)
		return not_signed_in(call, detail, err);
	enum err code = answer->status == 401 ? ERR_UNAUTHENTICATED : ERR_CONFLICT;
	error_set(err, code, STR_FMT, STR_ARG(detail));
	add_fields(arena, root, err);
	error_hint(err, STR_FMT, STR_ARG(hint));
	if (root == NULL && answer->status == 404)
		error_hint(err, "is this a Mainstay server? " STR_FMT, STR_ARG(call->settings.server));
	return code;
}

/* ---- asking ---- */

static struct str set_cookie(const struct http_answer *answer)
{
	struct str value, rest;
	str_cut(http_answer_field(answer, "Set-Cookie"), ';', &value, &rest);
	return value;
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct waiting *waiting = context;
	struct arena *arena = &waiting->call->arena;
	waiting->done = true;
	waiting->answer.status = answer->status;
	waiting->answer.type = arena_str(arena, http_answer_field(answer, "Content-Type"));
	waiting->answer.etag = arena_str(arena, http_answer_field(answer, "ETag"));
	waiting->answer.cookie = arena_str(arena, set_cookie(answer));
	if (arena_room(arena) > answer->body.len + 4096)
		waiting->answer.body = arena_str(arena, answer->body);
	if (err != NULL)
		waiting->err = *err;
	else if (answer->body_cut || waiting->answer.body.len < answer->body.len)
		error_set(&waiting->err, ERR_TOO_LARGE, "the answer is larger than %u bytes",
			  CLI_ANSWER_BYTES_MAX);
	loop_stop(waiting->call->http->loop);
}

static void on_piece(void *context, struct str bytes)
{
	struct waiting *waiting = context;
	if (waiting->stopped || waiting->piece(waiting->context, bytes))
		return;
	waiting->stopped = true;
	loop_stop(waiting->call->http->loop);
}

static unsigned make_fields(struct cli_call *call, const struct cli_ask *ask,
			    struct http_ask_field *ret_fields)
{
	unsigned count = 0;
	struct arena *arena = &call->arena;
	if (!ask->anonymous && call->settings.token.len > 0)
		ret_fields[count++] = (struct http_ask_field){
			"Authorization",
			arena_printf(arena, "Bearer " STR_FMT, STR_ARG(call->settings.token)).ptr,
		};
	if (ask->body.len > 0)
		ret_fields[count++] = (struct http_ask_field){ "Content-Type", "application/json" };
	if (ask->accept != NULL)
		ret_fields[count++] = (struct http_ask_field){ "Accept", ask->accept };
	for (unsigned i = 0; i < ask->more_count; i++)
		ret_fields[count++] = ask->more[i];
	assert(count <= CLI_FIELDS_MAX);
	return count;
}

/* A token or a password in plain text is read by everybody on the way. */
static enum err check_secrecy(struct cli_call *call, const struct cli_ask *ask, struct error *err)
{
	bool secret = ask->anonymous ? ask->body.len > 0 : call->settings.token.len > 0;
	if (!secret || call->settings.insecure_http || cli_server_is_private(call->settings.server))
		return OK;
	error_set(err, ERR_INVALID, "a secret would be sent to " STR_FMT " without TLS",
		  STR_ARG(call->settings.server));
	error_hint(err, "use https://, or say --insecure-http if you know who is on the way");
	return ERR_INVALID;
}

static enum err begin(struct cli_call *call, const struct cli_ask *ask, time_us timeout,
		      struct waiting *waiting, struct http_call **ret_call, struct error *err)
{
	struct http_ask_field fields[CLI_FIELDS_MAX + 1];
	struct str url = arena_printf(&call->arena, STR_FMT "/api/v1" STR_FMT,
				      STR_ARG(call->settings.server), STR_ARG(ask->path));
	struct http_ask request = {
		.method = ask->method, .url = url.ptr, .fields = fields, .body = ask->body,
		.timeout = timeout, .connect_timeout = CLI_CONNECT_WAIT_MAX,
		.body_max_bytes = CLI_ANSWER_BYTES_MAX,
		.piece = waiting->piece != NULL ? on_piece : NULL,
	};
	enum err r = check_secrecy(call, ask, err);
	if (r == OK && call->http == NULL)
		r = create(call, err);
	if (r != OK)
		return r;
	request.fields_count = make_fields(call, ask, fields);
	return http_client_start(call->http->client, &request, on_answer, waiting, ret_call, err);
}

enum err cli_http_ask(struct cli_call *call, const struct cli_ask *ask, struct cli_answer *ret_answer,
		      struct error *err)
{
	struct waiting waiting = { .call = call };
	struct http_call *http_call;
	enum err r = begin(call, ask, CLI_WAIT_MAX, &waiting, &http_call, err);
	if (r != OK)
		return r;
	while (!waiting.done)
		loop_run(call->http->loop); /* ends: the call has its time */
	if (waiting.err.code != OK) {
		*err = waiting.err;
		return err->code == ERR_TOO_LARGE ? ERR_TOO_LARGE : unreachable(call, err);
	}
	if (waiting.answer.status < 200 || waiting.answer.status > 299)
		return problem(call, ask, &waiting.answer, err);
	*ret_answer = waiting.answer;
	return OK;
}

enum err cli_http_follow(struct cli_call *call, const struct cli_ask *ask, time_us longest,
			 cli_piece_fn *piece, void *context, bool *ret_stopped, struct error *err)
{
	struct waiting waiting = { .call = call, .piece = piece, .context = context };
	struct http_call *http_call;
	assert(longest > 0);
	time_us time = longest < HTTP_TIMEOUT_MAX ? longest : HTTP_TIMEOUT_MAX;
	enum err r = begin(call, ask, time, &waiting, &http_call, err);
	if (r != OK)
		return r;
	while (!waiting.done && !waiting.stopped)
		loop_run(call->http->loop);
	if (!waiting.done)
		http_call_cancel(&http_call);
	bool answered = waiting.answer.status >= 200 && waiting.answer.status <= 299;
	if (waiting.done && waiting.answer.status == 0) {
		*err = waiting.err;
		return unreachable(call, err);
	}
	if (waiting.done && !answered)
		return problem(call, ask, &waiting.answer, err);
	*ret_stopped = waiting.stopped;
	return OK;
}
