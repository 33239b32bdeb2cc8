/* scrape_ask.c: see scrape_ask.h. */
#include "monitor/scrape_ask.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/scrape_files.h"
#include "sys/file.h"

#define FIELDS_MAX 4u
#define CONNECTIONS_MAX 4096u /* of one job: no fewer than are asked at once, or they would wait inside their timeout */

struct scrape_client {
	const struct scrape_http *http;
	const char *config_path;
	struct http_client *client;
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

static enum err open_client(struct scrape_client *client, const struct scrape_ask_tools *tools, struct error *err)
{
	const struct scrape_tls *said = client->http->tls;
	struct http_tls tls = { .ca_pem = NULL };
	struct http_client_options options = { .policy = egress_policy_checks(), .ca_file = tools->ca_file,
					       .connections_max = CONNECTIONS_MAX };
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
	return r == OK ? http_client_create(tools->loop, tools->clock, tools->resolve, &options, &client->client, err) : r;
}

static enum err refuse_unable(const struct scrape_http *http, struct error *err)
{
	const char *what = http->oauth2 != NULL ? "oauth2" : http->proxy_url.len > 0 ? "proxy_url" :
			   http->proxy_from_environment ? "proxy_from_environment" : http->headers != NULL ? "http_headers" : NULL;
	return what == NULL ? OK : error_set(err, ERR_UNSUPPORTED, "cannot ask with \"%s\": Mainstay does not do that", what);
}

enum err scrape_client_create(const struct scrape_ask_tools *tools, const struct scrape_http *http,
			      struct scrape_client **ret_client, struct error *err)
{
	if (refuse_unable(http, err) != OK)
		return ERR_UNSUPPORTED;
	struct scrape_client *client = mem_alloc(sizeof *client);
	*client = (struct scrape_client){ .http = http, .config_path = tools->config_path, .cert_memory = -1, .key_memory = -1 };
	arena_init(&client->arena, 0);
	enum err r = open_client(client, tools, err);
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
	http_client_destroy(&client->client);
	if (client->cert_memory >= 0)
		close(client->cert_memory);
	if (client->key_memory >= 0)
		close(client->key_memory);
	arena_finish(&client->arena);
	mem_free(client);
}

/* ---- signing in ---- */

/* A secret, or the trimmed content of its file. */
static enum err secret_of(const struct scrape_client *client, struct str text, struct str file, struct arena *arena,
			  struct str *ret_text, struct error *err)
{
	char *bytes;
	size_t size;
	*ret_text = text;
	if (file.len == 0)
		return OK;
	enum err r = file_read(scrape_file_path(arena, client->config_path, file), SCRAPE_SECRET_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	*ret_text = arena_str(arena, str_trim((struct str){ bytes, size }));
	sodium_memzero(bytes, size);
	mem_free(bytes);
	return OK;
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

/* ---- asking ---- */

enum err scrape_client_ask(struct scrape_client *client, const struct scrape_ask *ask, http_fn *fn, void *context,
			   struct http_call **ret_call, struct error *err)
{
	cleanup_arena struct arena arena;
	struct http_ask_field fields[FIELDS_MAX];
	const char *secret = NULL;
	char seconds[32];
	bool verify_off = client->http->tls != NULL && client->http->tls->insecure_skip_verify;
	time_us timeout = ask->timeout_ms * TIME_MS < HTTP_TIMEOUT_MAX ? ask->timeout_ms * TIME_MS : HTTP_TIMEOUT_MAX;
	bool own_limit = ask->body_bytes_max > 0 && ask->body_bytes_max < SCRAPE_BODY_BYTES_MAX;
	struct http_ask http = { .url = ask->url, .fields = fields, .timeout = timeout, .verify_off = verify_off,
				 .body_max_bytes = own_limit ? (size_t)ask->body_bytes_max : SCRAPE_BODY_BYTES_MAX,
				 .redirects_max = client->http->follow_redirects ? HTTP_REDIRECTS_MAX : 0,
				 .unfold = ask->unfold };
	arena_init(&arena, 0);
	enum err r = authorization(client, &arena, &secret, err);
	if (r != OK)
		return r;
	fields[http.fields_count++] = (struct http_ask_field){ "Accept", ask->accept };
	if (ask->timeout_field != NULL) {
		snprintf(seconds, sizeof seconds, "%g", (double)ask->timeout_ms / 1000);
		fields[http.fields_count++] = (struct http_ask_field){ ask->timeout_field, seconds };
	}
	if (secret != NULL)
		fields[http.fields_count++] = (struct http_ask_field){ "Authorization", secret };
	return http_client_start(client->client, &http, fn, context, ret_call, err);
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
