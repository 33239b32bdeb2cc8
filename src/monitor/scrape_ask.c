/* scrape_ask.c: see scrape_ask.h. */
#include "monitor/scrape_ask.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/scrape_files.h"
#include "monitor/scrape_token.h"
#include "sys/clock.h"
#include "sys/loop.h"

#define FIELDS_OWN 4u /* Accept, a time, what signs in, the type of a form */
#define CONNECTIONS_MAX 4096u /* of one job: no fewer than are asked at once, or they would wait inside their timeout */

struct scrape_client {
	const struct scrape_http *http;
	const char *config_path;
	struct loop *loop;
	struct clock *clock;
	struct http_client *client;
	struct scrape_token *token; /* NULL: no oauth2 */
	struct scrape_call *calls;
	struct arena arena;          /* of paths, as long as the client */
	int cert_memory, key_memory; /* -1: none */
};

/* ---- who we are ---- */

/* A text as a file that lies in memory only. */
static enum err put_in_memory(struct str text, int *ret_fd, const char **ret_path, struct arena *arena, struct error *err)
{
	int fd = memfd_create("certificate", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len) {
		enum err r = error_set(err, ERR_UNAVAILABLE, "could not keep a certificate in memory: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret_fd = fd;
	*ret_path = arena_printf(arena, "/proc/self/fd/%d", fd).ptr;
	return OK;
}

static enum err take_pem(struct scrape_client *client, struct str text, struct str file, int *fd, const char **ret_path,
			 struct error *err)
{
	if (text.len > 0)
		return put_in_memory(text, fd, ret_path, &client->arena, err);
	if (file.len > 0)
		*ret_path = scrape_file_path(&client->arena, client->config_path, file);
	return OK;
}

static unsigned version_of(struct str text)
{
	return text.len == 5 ? 10 + (unsigned)(text.ptr[4] - '0') : 0; /* "TLS12" */
}

/* Capitals first, as others look. */
static const char *of_environment(const struct scrape_ask_tools *tools, const char *capitals, const char *small)
{
	const char *text = tools->environment != NULL ? tools->environment(capitals) : NULL;
	if (tools->environment != NULL && (text == NULL || text[0] == '\0'))
		text = tools->environment(small);
	return text;
}

static void take_connect_header(struct scrape_client *client, struct http_proxy *proxy)
{
	const struct scrape_proxy *said = &client->http->proxy;
	size_t count = 0;
	for (size_t i = 0; i < said->connect_header.count; i++)
		count += said->connect_header.rows[i].values.count;
	struct http_ask_field *fields = arena_array(&client->arena, struct http_ask_field, count + 1);
	for (size_t i = 0; i < said->connect_header.count; i++)
		for (size_t v = 0; v < said->connect_header.rows[i].values.count; v++)
			fields[proxy->fields_count++] = (struct http_ask_field){
				arena_cstr(&client->arena, said->connect_header.rows[i].name),
				arena_cstr(&client->arena, said->connect_header.rows[i].values.rows[v]) };
	proxy->fields = fields;
}

/* With proxy_url alone everything goes by it, also what runs on this machine; as in Prometheus. */
static bool said_proxy(struct scrape_client *client, const struct scrape_ask_tools *tools, struct http_proxy *ret_proxy)
{
	const struct scrape_proxy *said = &client->http->proxy;
	*ret_proxy = (struct http_proxy){ .http_url = NULL };
	if (said->from_environment) {
		const char *none = of_environment(tools, "NO_PROXY", "no_proxy");
		ret_proxy->http_url = of_environment(tools, "HTTP_PROXY", "http_proxy");
		ret_proxy->https_url = of_environment(tools, "HTTPS_PROXY", "https_proxy");
		ret_proxy->no_proxy = none != NULL ? none : "";
	} else if (said->url.len > 0) {
		ret_proxy->http_url = ret_proxy->https_url = arena_cstr(&client->arena, said->url);
		ret_proxy->no_proxy = said->no_proxy.len > 0 ? arena_cstr(&client->arena, said->no_proxy) : NULL;
	} else {
		return false;
	}
	take_connect_header(client, ret_proxy);
	return true;
}

static enum err open_client(struct scrape_client *client, const struct scrape_ask_tools *tools, struct error *err)
{
	const struct scrape_tls *said = client->http->tls;
	struct http_tls tls = { .ca_pem = NULL };
	struct http_proxy proxy;
	struct http_client_options options = { .policy = egress_policy_checks(), .ca_file = tools->ca_file,
					       .connections_max = CONNECTIONS_MAX, .idle_max = CONNECTIONS_MAX };
	enum err r = OK;
	if (said != NULL) {
		r = take_pem(client, said->cert, said->cert_file, &client->cert_memory, &tls.cert_file, err);
		if (r == OK)
			r = take_pem(client, said->key, said->key_file, &client->key_memory, &tls.key_file, err);
		if (said->ca.len > 0)
			tls.ca_pem = arena_cstr(&client->arena, said->ca);
		if (said->ca_file.len > 0)
			options.ca_file = scrape_file_path(&client->arena, client->config_path, said->ca_file);
		if (said->server_name.len > 0)
			tls.server_name = arena_cstr(&client->arena, said->server_name);
		tls.min_version = version_of(said->min_version);
		tls.max_version = version_of(said->max_version);
		options.tls = &tls;
	}
	if (said_proxy(client, tools, &proxy))
		options.proxy = &proxy;
	return r == OK ? http_client_create(tools->loop, tools->clock, tools->resolve, &options, &client->client, err) : r;
}

static enum err open_token(struct scrape_client *client, const struct scrape_ask_tools *tools, struct error *err)
{
	const struct scrape_oauth2 *oauth2 = client->http->oauth2;
	enum err r = oauth2 != NULL ? scrape_token_create(tools, oauth2, &client->token, err) : OK;
	if (r != OK)
		error_prefix(err, "oauth2");
	return r;
}

enum err scrape_client_create(const struct scrape_ask_tools *tools, const struct scrape_http *http,
			      struct scrape_client **ret_client, struct error *err)
{
	struct scrape_client *client = mem_alloc(sizeof *client);
	*client = (struct scrape_client){ .http = http, .config_path = tools->config_path, .loop = tools->loop,
					  .clock = tools->clock, .cert_memory = -1, .key_memory = -1 };
	arena_init(&client->arena, 0);
	enum err r = open_client(client, tools, err);
	if (r == OK)
		r = open_token(client, tools, err);
	if (r == OK)
		*ret_client = client;
	else
		scrape_client_destroy(&client);
	return r;
}

void scrape_client_destroy(struct scrape_client **pointer)
{
	struct scrape_client *client = *pointer;
	if (client == NULL)
		return;
	*pointer = NULL;
	for (struct scrape_call *call; (call = client->calls) != NULL;)
		scrape_call_cancel(&call);
	scrape_token_destroy(&client->token);
	http_client_destroy(&client->client);
	if (client->cert_memory >= 0)
		close(client->cert_memory);
	if (client->key_memory >= 0)
		close(client->key_memory);
	arena_finish(&client->arena);
	mem_free(client);
}

/* ---- signing in ---- */

static enum err secret_of(const struct scrape_client *client, struct str text, struct str file, struct arena *arena,
			  struct str *ret_text, struct error *err)
{
	return scrape_file_secret(client->config_path, text, file, arena, ret_text, err);
}

static enum err basic(const struct scrape_client *client, struct arena *arena, const char **ret_value, struct error *err)
{
	const struct scrape_basic_auth *auth = client->http->basic_auth;
	struct str name, password;
	enum err r = secret_of(client, auth->username, auth->username_file, arena, &name, err);
	if (r == OK)
		r = secret_of(client, auth->password, auth->password_file, arena, &password, err);
	if (r != OK)
		return r;
	struct str both = arena_printf(arena, STR_FMT ":" STR_FMT, STR_ARG(name), STR_ARG(password));
	size_t room = sodium_base64_encoded_len(both.len, sodium_base64_VARIANT_ORIGINAL);
	char *code = arena_alloc(arena, room);
	sodium_bin2base64(code, room, (const unsigned char *)both.ptr, both.len, sodium_base64_VARIANT_ORIGINAL);
	*ret_value = arena_printf(arena, "Basic %s", code).ptr;
	return OK;
}

static enum err authorization(const struct scrape_client *client, struct arena *arena, const char **ret_value,
			      struct error *err)
{
	const struct scrape_http *http = client->http;
	const struct scrape_authorization *auth = http->authorization;
	struct str type = STR("Bearer"), secret;
	if (http->basic_auth != NULL)
		return basic(client, arena, ret_value, err);
	if (auth == NULL && http->bearer_token.len == 0 && http->bearer_token_file.len == 0)
		return OK;
	if (auth != NULL && auth->type.len > 0)
		type = str_trim(auth->type);
	enum err r = auth != NULL ? secret_of(client, auth->credentials, auth->credentials_file, arena, &secret, err)
				  : secret_of(client, http->bearer_token, http->bearer_token_file, arena, &secret, err);
	if (r == OK)
		*ret_value = arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(type), STR_ARG(secret)).ptr;
	return r;
}

/* ---- fields ---- */

static bool is_named(struct str name, const char *field)
{
	return name.len == strlen(field) && strncasecmp(name.ptr, field, name.len) == 0;
}

struct fields {
	struct http_ask_field *rows;
	unsigned count;
};

static size_t lines_of(const struct scrape_http *http)
{
	size_t lines = 0;
	for (size_t i = 0; i < http->headers.count; i++) {
		const struct scrape_header *header = &http->headers.rows[i];
		lines += header->values.count + header->secrets.count + header->files.count;
	}
	return lines;
}

static void add_field(struct fields *fields, const char *name, const char *value)
{
	fields->rows[fields->count++] = (struct http_ask_field){ name, value };
}

static enum err add_header(const struct scrape_client *client, const struct scrape_header *header, struct arena *arena,
			   struct fields *fields, struct error *err)
{
	const char *name = arena_cstr(arena, header->name);
	struct str text;
	enum err r = OK;
	for (size_t i = 0; i < header->values.count; i++)
		add_field(fields, name, arena_cstr(arena, header->values.rows[i]));
	for (size_t i = 0; i < header->secrets.count; i++)
		add_field(fields, name, arena_cstr(arena, header->secrets.rows[i]));
	for (size_t i = 0; i < header->files.count && r == OK; i++) {
		r = secret_of(client, STR_NONE, header->files.rows[i], arena, &text, err);
		if (r == OK)
			add_field(fields, name, arena_cstr(arena, text));
	}
	return r;
}

/* Beside what the request says itself, as in Prometheus: a second Accept is a second line. These two are the library's
 * business, and Prometheus does not send them either. */
static enum err add_headers(const struct scrape_client *client, struct arena *arena, struct fields *fields, struct error *err)
{
	enum err r = OK;
	for (size_t i = 0; i < client->http->headers.count && r == OK; i++) {
		const struct scrape_header *header = &client->http->headers.rows[i];
		bool ours = is_named(header->name, "Transfer-Encoding") || is_named(header->name, "Trailer");
		if (!ours)
			r = add_header(client, header, arena, fields, err);
	}
	return r;
}

static enum err collect_fields(const struct scrape_client *client, const struct scrape_ask *ask, const char *sign_in,
			       struct arena *arena, struct fields *ret_fields, struct error *err)
{
	struct fields fields = { arena_array(arena, struct http_ask_field, FIELDS_OWN + lines_of(client->http)), 0 };
	enum err r = sign_in != NULL ? OK : authorization(client, arena, &sign_in, err);
	add_field(&fields, "Accept", ask->accept);
	if (ask->time_field != NULL)
		add_field(&fields, ask->time_field, arena_printf(arena, "%.15g", (double)ask->time_field_ms / 1000).ptr);
	if (sign_in != NULL)
		add_field(&fields, "Authorization", sign_in);
	if (ask->form.len > 0)
		add_field(&fields, "Content-Type", "application/x-www-form-urlencoded");
	if (r == OK)
		r = add_headers(client, arena, &fields, err);
	*ret_fields = fields;
	return r;
}

/* ---- asking ---- */

/* What is asked, and what is needed to ask it later. */
struct scrape_call {
	struct scrape_client *client;
	struct scrape_call *next, **link; /* of the client */
	struct http_call *http;           /* NULL: it waits for a token */
	struct scrape_token_wait wait;
	struct loop_timer *timer;         /* of the wait */
	time_us deadline;
	struct arena arena;
	struct scrape_ask ask;
	uint64_t number; /* of the token */
	http_fn *fn;
	void *context;
};

static struct scrape_call *call_create(struct scrape_client *client, const struct scrape_ask *ask, http_fn *fn, void *context)
{
	struct scrape_call *call = mem_alloc(sizeof *call);
	time_us timeout = ask->timeout_ms * TIME_MS < HTTP_TIMEOUT_MAX ? ask->timeout_ms * TIME_MS : HTTP_TIMEOUT_MAX;
	*call = (struct scrape_call){ .client = client, .next = client->calls, .link = &client->calls, .ask = *ask,
				      .deadline = clock_since_boot(client->clock) + timeout, .fn = fn, .context = context };
	if (call->next != NULL)
		call->next->link = &call->next;
	client->calls = call;
	arena_init(&call->arena, 0);
	return call;
}

void scrape_call_cancel(struct scrape_call **pointer)
{
	struct scrape_call *call = *pointer;
	if (call == NULL)
		return;
	*pointer = NULL;
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	scrape_token_leave(&call->wait);
	http_call_cancel(&call->http);
	loop_timer_destroy(&call->timer);
	arena_finish(&call->arena);
	mem_free(call);
}

static void finish(struct scrape_call *call, const struct http_answer *answer, const struct error *err)
{
	http_fn *fn = call->fn;
	void *context = call->context;
	scrape_call_cancel(&call);
	fn(context, answer, err);
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct scrape_call *call = context;
	call->http = NULL;
	if (call->client->token != NULL && err == NULL && answer->status == 401)
		scrape_token_refused(call->client->token, call->number);
	finish(call, answer, err);
}

static void fail(struct scrape_call *call, const struct error *err)
{
	finish(call, &(struct http_answer){ .url = "" }, err);
}

/* `sign_in`: what the token says; NULL: what the config says. */
static enum err send_request(struct scrape_call *call, const char *sign_in, struct error *err)
{
	cleanup_arena struct arena arena;
	const struct scrape_client *client = call->client;
	const struct scrape_ask *ask = &call->ask;
	struct fields fields;
	time_us left = call->deadline - clock_since_boot(client->clock);
	bool own_limit = ask->body_bytes_max > 0 && ask->body_bytes_max < SCRAPE_BODY_BYTES_MAX;
	arena_init(&arena, 0);
	enum err r = collect_fields(client, ask, sign_in, &arena, &fields, err);
	if (r != OK)
		return r;
	struct http_ask http = { .method = ask->form.len > 0 ? "POST" : NULL, .url = ask->url, .body = ask->form,
				 .fields = fields.rows, .fields_count = fields.count, .fields_stay = true,
				 .timeout = left > TIME_MS ? left : TIME_MS,
				 .verify_off = client->http->tls != NULL && client->http->tls->insecure_skip_verify,
				 .body_max_bytes = own_limit ? (size_t)ask->body_bytes_max : SCRAPE_BODY_BYTES_MAX,
				 .redirects_max = client->http->follow_redirects ? HTTP_REDIRECTS_MAX : 0, .unfold = ask->unfold };
	return http_client_start(client->client, &http, on_answer, call, &call->http, err);
}

static void on_token(void *context, const char *field, uint64_t number, const struct error *failed)
{
	struct scrape_call *call = context;
	struct error err;
	loop_timer_stop(call->timer);
	call->number = number;
	if (field == NULL)
		fail(call, failed);
	else if (send_request(call, field, &err) != OK)
		fail(call, &err);
}

static void on_late(void *context)
{
	struct scrape_call *call = context;
	struct error err;
	error_set(&err, ERR_TIMEOUT, "no token: \"token_url\" did not answer in time");
	fail(call, &err);
}

/* Asked when the token has come; the texts are the caller's, so they are copied. */
static void wait_for_token(struct scrape_call *call)
{
	struct scrape_ask *ask = &call->ask;
	const char *field = ask->time_field;
	ask->url = arena_cstr(&call->arena, str_of(ask->url));
	ask->accept = arena_cstr(&call->arena, str_of(ask->accept));
	ask->time_field = field != NULL ? arena_cstr(&call->arena, str_of(field)) : NULL;
	call->timer = loop_timer_create(call->client->loop, on_late, call);
	loop_timer_start(call->timer, call->deadline - clock_since_boot(call->client->clock));
}

static enum err ask_with_token(struct scrape_call *call, struct error *err)
{
	const char *field;
	call->wait = (struct scrape_token_wait){ .fn = on_token, .context = call };
	enum err r = scrape_token_want(call->client->token, &call->wait, &field, &call->number, err);
	if (r == OK && field != NULL)
		return send_request(call, field, err);
	if (r == OK)
		wait_for_token(call);
	return r;
}

enum err scrape_client_ask(struct scrape_client *client, const struct scrape_ask *ask, http_fn *fn, void *context,
			   struct scrape_call **ret_call, struct error *err)
{
	struct scrape_call *call = call_create(client, ask, fn, context);
	enum err r = client->token != NULL ? ask_with_token(call, err) : send_request(call, ask->sign_in, err);
	if (r == OK)
		*ret_call = call;
	else
		scrape_call_cancel(&call);
	return r;
}

/* ---- formats ---- */

static const struct {
	const char *name, *accept;
	enum exposition_format format;
	bool escapes; /* names it may write as they are */
} formats[] = {
	{ "OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0", EXPOSITION_OPENMETRICS, true },
	{ "OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1", EXPOSITION_OPENMETRICS, false },
	{ "PrometheusText1.0.0", "text/plain;version=1.0.0", EXPOSITION_TEXT, true },
	{ "PrometheusText0.0.4", "text/plain;version=0.0.4", EXPOSITION_TEXT, false },
};
#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

/* The binary format is left out: nobody reads it here, and whoever has it has text too. */
static bool format_by_name(struct str name, size_t *ret_at)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (str_is(name, formats[i].name)) {
			*ret_at = i;
			return true;
		}
	return false;
}

void scrape_accept(const struct scrape_job *job, char ret_text[SCRAPE_ACCEPT_BYTES])
{
	size_t weight = job->protocols.count > 0 ? job->protocols.count : FORMAT_COUNT, used = 0, at;
	bool legacy = str_is(job->validation, "legacy");
	struct str escaping = job->escaping.len > 0 ? job->escaping : legacy ? STR("underscores") : STR("allow-utf-8");
	for (size_t i = 0, count = weight; i < count; i++, weight--) {
		at = i;
		if (job->protocols.count > 0 && !format_by_name(job->protocols.rows[i], &at))
			continue;
		used += (size_t)snprintf(ret_text + used, SCRAPE_ACCEPT_BYTES - used, "%s%s" STR_FMT ";q=0.%zu,", formats[at].accept,
					 formats[at].escapes ? ";escaping=" : "", STR_ARG(formats[at].escapes ? escaping : STR_NONE),
					 weight + 1);
	}
	snprintf(ret_text + used, SCRAPE_ACCEPT_BYTES - used, "*/*;q=0.1");
}

enum err scrape_format(const struct scrape_job *job, struct str content_type, enum exposition_format *ret_format,
		       struct error *err)
{
	size_t at;
	if (exposition_format_of(content_type, ret_format))
		return OK;
	if (format_by_name(job->fallback_protocol, &at)) {
		*ret_format = formats[at].format;
		return OK;
	}
	return error_set(err, ERR_UNSUPPORTED, "cannot read Content-Type \"" STR_FMT "\", and the job has no "
			 "fallback_scrape_protocol", STR_ARG(str_sub(content_type, 0, 100)));
}
