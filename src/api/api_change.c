/*
 * api_change.c: one change: decided, committed, answered once, also when it is asked for twice.
 *
 * The answer is rendered inside the transaction, and with an Idempotency-Key it is stored there, too.
 * So a client that lost the answer gets the same one again, and nothing happens a second time.
 */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "api/api_priv.h"

struct change {
	struct api_call *call;
	decide_fn *decide;
	const void *args;
	api_handler *render;
	struct idempotent row;
	bool replayed; /* somebody else's commit came first: its answer is in `row` */
};

static struct str request_hash(struct api_call *call)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	const struct http_request *request = call->request;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)request->method.ptr, request->method.len);
	crypto_hash_sha256_update(&state, (const unsigned char *)request->target.ptr, request->target.len);
	crypto_hash_sha256_update(&state, (const unsigned char *)request->body.ptr, request->body.len);
	crypto_hash_sha256_final(&state, hash);
	char *text = arena_alloc(&call->arena, 2 * sizeof hash + 1);
	sodium_bin2hex(text, 2 * sizeof hash + 1, hash, sizeof hash);
	return str_of(text);
}

/* Inside the transaction, before anything is decided: was this key used? */
static enum err decide(struct decision *d, const void *args, struct error *err)
{
	struct change *change = (struct change *)args;
	struct api_call *call = change->call;
	if (call->idempotency_key.len > 0) {
		struct str asked = change->row.request;
		enum err r = idempotent_find(d->conn, change->row.user, call->idempotency_key,
					     &call->arena, &change->replayed, &change->row, err);
		if (r != OK)
			return r;
		if (change->replayed && !str_eq(change->row.request, asked))
			return error_set(err, ERR_CONFLICT,
					 "this Idempotency-Key was used for another request");
		if (change->replayed)
			return OK;
	}
	return change->decide(d, change->args, err);
}

static enum err keep(struct store_conn *conn, const struct change *change, struct error *err)
{
	struct idempotent row = change->row;
	row.key = change->call->idempotency_key;
	row.status = change->call->status;
	row.body = buf_str(&change->call->out);
	row.at = change->call->now;
	return idempotent_keep(conn, &row, err);
}

static enum err answer(struct decision *d, struct command *command, struct error *err)
{
	struct change *change = (struct change *)command->args;
	struct api_call *call = change->call;
	if (change->replayed)
		return OK;
	struct store_conn *reader = call->conn;
	call->conn = d->conn;
	enum err r = OK;
	if (change->render != NULL) {
		r = change->render(call, err);
	} else {
		json_map_begin(&call->json);
		json_map_end(&call->json);
	}
	call->conn = reader;
	if (r == OK && call->idempotency_key.len > 0)
		r = keep(d->conn, change, err);
	return r == OK ? OK : ERR_UNAVAILABLE;
}

static void replay(struct api_call *call, const struct change *change)
{
	buf_reset(&call->out);
	buf_add(&call->out, change->row.body);
	call->status = change->row.status;
	api_header(call, "Idempotency-Replayed", "true");
}

enum err api_change_as(struct api_call *call, struct actor actor, const char *name,
		       decide_fn *decide_change, const void *args, api_handler *render,
		       struct error *err)
{
	struct change change = {
		.call = call, .decide = decide_change, .args = args, .render = render,
		.row = { .user = actor.user },
	};
	if (call->idempotency_key.len > 0)
		change.row.request = request_hash(call);
	struct command command = {
		.name = name,
		.decide = decide,
		.args = &change,
		.actor = actor,
		.answer = answer,
	};
	store_read_end(call->conn); /* a moment that is held while we wait keeps the log from beginning anew */
	enum err r = call->api->options.run(call->api->options.run_context, &command, err);
	if (r == OK && change.replayed)
		replay(call, &change);
	return r;
}

enum err api_change(struct api_call *call, const char *name, decide_fn *decide_change,
		    const void *args, api_handler *render, struct error *err)
{
	assert(call->signed_in);
	return api_change_as(call, guard_actor(&call->principal), name, decide_change, args, render, err);
}
