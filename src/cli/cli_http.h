/*
 * cli_http.h: one question to the server, and wait for its answer.
 *
 * The loop runs only inside these functions: to its caller it is a plain blocking call.
 * ERR_UNAVAILABLE: the server cannot be reached (which one, and what to look at). ERR_UNAUTHENTICATED:
 * nobody is signed in. ERR_INVALID: it must not be asked like this. ERR_CONFLICT: it refused; the
 * sentence and the hint are the server's.
 */
#pragma once

#include "cli/cli_priv.h"
#include "wire/http_client.h"

#define CLI_FIELDS_MAX 8u
#define CLI_ANSWER_BYTES_MAX (64u << 20)
#define CLI_WAIT_MAX (2 * TIME_MINUTE)
#define CLI_CONNECT_WAIT_MAX (10 * TIME_SECOND)

struct cli_ask {
	const char *method;
	struct str path; /* under /api/v1, with its query */
	struct str body; /* JSON; empty: none */
	const char *accept; /* NULL: anything */
	bool anonymous;     /* without the token */
	struct http_ask_field more[CLI_FIELDS_MAX / 2];
	unsigned more_count;
};

struct cli_answer {
	int status;
	struct str type, etag, cookie; /* cookie: "name=value" of the first Set-Cookie */
	struct str body;
};

enum err cli_http_ask(struct cli_call *call, const struct cli_ask *ask, struct cli_answer *ret_answer,
		      struct error *err);
void cli_http_destroy(struct cli_http **http);

/* Gives each piece of an endless answer to `piece`, until it returns false, the connection ends or
 * `longest` is over. OK in all three cases; *ret_stopped tells the first. */
typedef bool cli_piece_fn(void *context, struct str bytes);
enum err cli_http_follow(struct cli_call *call, const struct cli_ask *ask, time_us longest,
			 cli_piece_fn *piece, void *context, bool *ret_stopped, struct error *err);
