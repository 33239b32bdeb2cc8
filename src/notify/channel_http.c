/*
 * channel_http.c: one POST to a place that somebody chose, and what its answer means.
 *
 * Two clients, because one client has one egress policy: where an admin said to go may be in the
 * private network; where anybody may say to go is public, or on the allow list. When that list
 * changes, calls under way keep the client they began with, and the old one goes when they ended.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "notify/channel_priv.h"
#include "sys/child.h"
#include "sys/loop.h"
#include "wire/egress.h"
#include "wire/resolve.h"

#define SMTP_POLICY egress_policy_checks()
#define CLOSE_PATIENCE (5 * TIME_SECOND)
#define CLOSE_TURN (10 * TIME_MS)

struct channel_web {
	struct http_client *client;
	struct egress_policy policy;
	unsigned calls;
};

struct post_try {
	struct channel_web *web;
	const struct notify_page *message;
	struct http_call *call;
	channel_done_fn *done;
	void *context;
	char secret[512];
};

/* ---- one POST ---- */

static time_us retry_after(const struct http_answer *answer)
{
	int64_t seconds;
	struct str value = http_answer_field(answer, "retry-after");
	if (!str_int(value, 0, INT32_MAX, &seconds)) /* a date, or nothing: our own back-off does */
		return 0;
	time_us wait = seconds * TIME_SECOND;
	return wait < CHANNEL_RETRY_AFTER_MAX ? wait : CHANNEL_RETRY_AFTER_MAX;
}

static enum channel_end end_of_status(int status)
{
	if (status >= 200 && status < 300)
		return CHANNEL_SENT;
	if (status >= 500 || status == 408 || status == 429)
		return CHANNEL_RETRY;
	return CHANNEL_FAILED;
}

static const char *hint_of_status(int status)
{
	if (status >= 300 && status < 400)
		return "; it points elsewhere: set the address it points to";
	return "";
}

static struct channel_result judge(struct post_try *try, const struct http_answer *answer,
				   const struct error *err)
{
	struct str secret = str_of(try->secret);
	long long took = (long long)(answer->timings.total / TIME_MS);
	if (answer->status == 0 && err != NULL)
		return channel_result(channel_end_of(err->code), try->message, secret, "%s%s%s", err->text,
				      err->hint[0] != '\0' ? "; " : "", err->hint);
	enum channel_end end = end_of_status(answer->status);
	if (end == CHANNEL_SENT && err != NULL) /* the status came, the rest did not: it was taken */
		return channel_result(end, try->message, secret, "HTTP %d in %lld ms", answer->status, took);
	struct channel_result result =
		end == CHANNEL_SENT || answer->body.len == 0
			? channel_result(end, try->message, secret, "HTTP %d in %lld ms%s", answer->status,
					 took, hint_of_status(answer->status))
			: channel_result(end, try->message, secret, "HTTP %d in %lld ms%s: " STR_FMT,
					 answer->status, took, hint_of_status(answer->status),
					 STR_ARG(str_sub(answer->body, 0, 300)));
	if (end == CHANNEL_RETRY)
		result.retry_after = retry_after(answer);
	return result;
}

static void try_free(struct post_try *try)
{
	assert(try->web->calls > 0);
	try->web->calls--;
	explicit_bzero(try->secret, sizeof try->secret);
	mem_free(try);
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct post_try *try = context;
	channel_done_fn *done = try->done;
	void *done_context = try->context;
	struct channel_result result = judge(try, answer, err);
	try_free(try);
	done(done_context, &result);
}

enum err channel_post(struct channel_tools *tools, const struct notify_page *message,
		      const struct channel_post *post, channel_done_fn *done, void *context,
		      void **ret_try, struct error *err)
{
	struct post_try *try = mem_alloc(sizeof *try);
	*try = (struct post_try){ .web = post->trusted ? tools->trusted : tools->people,
				  .message = message, .done = done, .context = context };
	snprintf(try->secret, sizeof try->secret, STR_FMT, STR_ARG(post->secret));
	/* On a connection of its own: on a kept one that died meanwhile the library would say it all once
	 * more by itself, and nobody would know whether the first was taken. */
	struct http_ask ask = {
		.method = "POST", .fresh = true, .url = post->url, .fields = post->fields,
		.fields_count = post->fields_count, .body = post->body, .timeout = CHANNEL_HTTP_TIMEOUT,
		.connect_timeout = CHANNEL_CONNECT_TIMEOUT, .body_max_bytes = CHANNEL_ANSWER_BYTES_MAX,
	};
	try->web->calls++;
	enum err r = http_client_start(try->web->client, &ask, on_answer, try, &try->call, err);
	if (r != OK) {
		try_free(try);
		return r;
	}
	*ret_try = try;
	return OK;
}

void channel_post_cancel(void *context)
{
	struct post_try *try = context;
	http_call_cancel(&try->call);
	try_free(try);
}

/* ---- tools ---- */

static enum err web_create(const struct channel_tools *tools, struct egress_policy policy,
			   struct channel_web **ret_web, struct error *err)
{
	struct http_client_options options = { .policy = policy, .ca_file = tools->ca_file,
					       .user_agent = "Mainstay", .connections_max = 256 };
	struct http_client *client;
	enum err r = http_client_create(tools->loop, tools->clock, tools->resolve, &options, &client, err);
	if (r != OK)
		return r;
	*ret_web = mem_alloc(sizeof **ret_web);
	**ret_web = (struct channel_web){ .client = client, .policy = policy };
	return OK;
}

static void web_destroy(struct channel_web **web)
{
	if (*web == NULL)
		return;
	assert((*web)->calls == 0);
	http_client_destroy(&(*web)->client);
	mem_free(*web);
	*web = NULL;
}

static enum err start_child(void *context, struct loop *loop, const struct child_request *request,
			    void (*fn)(void *, const struct child_result *), void *fn_context,
			    void **ret_run, struct error *err)
{
	struct channel_tools *tools = context;
	struct child *child;
	enum err r = child_start(loop, tools->clock, request, fn, fn_context, &child, err);
	if (r == OK)
		*ret_run = child;
	return r;
}

static void kill_child(void *context, void *run)
{
	(void)context;
	child_kill(run);
}

static enum err open_clients(struct channel_tools *tools, struct error *err)
{
	struct egress_policy relay = SMTP_POLICY;
	enum err r = resolve_create(tools->loop, NULL, &tools->resolve, err);
	if (r == OK)
		r = web_create(tools, egress_policy_checks(), &tools->trusted, err);
	if (r == OK)
		r = web_create(tools, egress_policy_webhooks(), &tools->people, err);
	if (r != OK)
		return r;
	tools->smtp = smtp_client_create(tools->loop, tools->clock, tools->resolve, &relay, tools->ca_file);
	tools->smtp_slow = smtp_client_create(tools->loop, tools->clock, tools->resolve, &relay, tools->ca_file);
	return OK;
}

enum err channel_tools_open(const struct channel_tools_options *options,
			    struct channel_tools *ret_tools, struct error *err)
{
	static const struct notify_settings nothing_set;
	struct channel_tools *tools = ret_tools;
	*tools = (struct channel_tools){
		.loop = options->loop, .clock = options->clock, .settings = &nothing_set,
		.host = options->host != NULL ? options->host : "localhost",
		.instance = options->instance != NULL ? options->instance : "",
		.ca_file = options->ca_file, .command_directory = options->command_directory,
		.push = options->push, .push_context = options->push_context,
		.runner = { .start = start_child, .kill = kill_child, .context = tools },
	};
	if (options->runner != NULL)
		tools->runner = *options->runner;
	enum err r = open_clients(tools, err);
	if (r != OK)
		channel_tools_close(tools);
	return r;
}

void channel_tools_close(struct channel_tools *tools)
{
	for (time_us waited = 0; tools->runs > 0 && waited < CLOSE_PATIENCE; waited += CLOSE_TURN)
		loop_run_for(tools->loop, CLOSE_TURN);
	smtp_client_destroy(&tools->smtp);
	smtp_client_destroy(&tools->smtp_slow);
	web_destroy(&tools->retired);
	web_destroy(&tools->people);
	web_destroy(&tools->trusted);
	if (tools->resolve != NULL)
		resolve_destroy(&tools->resolve);
}

static bool same_allow(const struct egress_policy *policy, const struct notify_settings *settings)
{
	if (policy->allows != settings->webhook.allows)
		return false;
	for (unsigned i = 0; i < policy->allows; i++) {
		const struct address_range *a = &policy->allow[i], *b = &settings->webhook.allow[i];
		if (!address_eq(&a->base, &b->base) || a->bits != b->bits)
			return false;
	}
	return true;
}

void channel_tools_set(struct channel_tools *tools, const struct notify_settings *settings)
{
	assert(settings->webhook.allows <= NOTIFY_ALLOW_MAX);
	tools->settings = settings;
	if (tools->retired != NULL && tools->retired->calls == 0)
		web_destroy(&tools->retired);
	if (tools->retired != NULL || same_allow(&tools->people->policy, settings))
		return;
	struct egress_policy policy = egress_policy_webhooks();
	policy.allows = settings->webhook.allows;
	memcpy(policy.allow, settings->webhook.allow, policy.allows * sizeof policy.allow[0]);
	struct channel_web *web;
	if (web_create(tools, policy, &web, NULL) != OK)
		return; /* the next call tries again */
	tools->retired = tools->people;
	tools->people = web;
}
