/*
 * http_client.c: see http_client.h.
 *
 * One call is a chain of hops: check URL -> resolve -> guard -> transfer -> (redirect: again).
 *
 * The library's own verification reads the authorities for each connection. So it is off, and the
 * certificate is examined in the pre-request callback: after the handshake, before the first byte
 * of the request leaves. A connection without a TLS session there is never used for https.
 */
#include "wire/http_client.h"

#include <assert.h>
#include <ctype.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/curl_loop.h"
#include "wire/proxy.h"
#include "wire/resolve.h"

#define CONNECTIONS_DEFAULT 1024
#define IDLE_DEFAULT 64
#define HANDLES_IDLE_MAX 64
#define LARGE_BODY ((size_t)1 << 20) /* who expects more reads more at once */
#define LARGE_READ 114688L           /* seven times the usual, and less than what malloc asks the system for each time */
#define METHOD_BYTES 24

struct http_client {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct egress_policy policy;
	struct trust *trust;
	struct curl_loop *curl;
	struct http_call *calls;
	char *user_agent;
	char *cert_file, *key_file, *server_name; /* NULL: none */
	long versions; /* CURLOPT_SSLVERSION; 0: what is usual */
	struct proxy proxies[2]; /* of http and of https targets */
	char *no_proxy;          /* NULL: nobody is spared */
	struct curl_slist *connect_fields;
	CURL *handles[HANDLES_IDLE_MAX]; /* reset, to be used again */
	unsigned handle_count;
};

struct http_call {
	struct http_client *client;
	struct http_call *next, **link;
	struct resolve_query *query;
	struct loop_timer *timer; /* hands over what failed before a transfer began */
	CURL *easy;
	struct curl_job *job;
	struct curl_guard guard;
	struct curl_slist *fields;
	const struct proxy *proxy; /* of this hop; NULL: straight */
	struct curl_slist *past_proxy; /* where CONNECT leads when the URL is renamed */
	struct curl_slist host_field; /* before them, where the client has a server_name */
	char host_line[EGRESS_HOST_BYTES + 16];
	http_fn *fn;
	void *context;
	struct egress_target target;
	struct buf headers, body;
	struct str sent;  /* our copy of the request's body */
	char *raw_target; /* of the first hop; NULL: as the URL says */
	time_us started, hop_started, deadline, connect_timeout;
	unsigned redirects_max;
	bool verify_off, fresh, unfold, fields_stay;
	void (*piece)(void *context, struct str bytes);
	struct http_answer answer;
	struct error err;
	char method[METHOD_BYTES];
	char detail[CURL_ERROR_SIZE];
};

static char *copy_of(const char *text)
{
	return text != NULL && text[0] != '\0' ? mem_strdup(text) : NULL;
}

static void take_identity(struct http_client *client, const struct http_tls *tls)
{
	static const long least[] = { CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2,
				      CURL_SSLVERSION_TLSv1_3 };
	static const long most[] = { CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_2,
				     CURL_SSLVERSION_MAX_TLSv1_3 };
	assert(tls->min_version == 0 || (tls->min_version >= 10 && tls->min_version <= 13));
	assert(tls->max_version == 0 || (tls->max_version >= 10 && tls->max_version <= 13));
	client->cert_file = copy_of(tls->cert_file);
	client->key_file = copy_of(tls->key_file);
	client->server_name = copy_of(tls->server_name);
	client->versions = (tls->min_version > 0 ? least[tls->min_version - 10] : 0) |
			   (tls->max_version > 0 ? most[tls->max_version - 10] : 0);
}

static bool is_token(const char *text)
{
	if (text[0] == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && strchr("!#$%&'*+-.^_`|~", *text) == NULL)
			return false;
	return true;
}

static bool is_field_value(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F)
			return false;
	return true;
}

static enum err add_field(struct curl_slist **fields, const struct http_ask_field *field, struct error *err)
{
	cleanup_buf struct buf line;
	buf_init(&line, 16384);
	if (!is_token(field->name) || !is_field_value(field->value))
		return error_set(err, ERR_INVALID, "cannot send the header field \"%.60s\": its name or "
		                 "value has a forbidden character", field->name);
	/* The library's way to say "this field, empty". */
	buf_printf(&line, field->value[0] != '\0' ? "%s: %s" : "%s;", field->name, field->value);
	if (line.full)
		return error_set(err, ERR_INVALID, "cannot send the header field \"%.60s\": it is too long",
		                 field->name);
	*fields = curl_slist_append(*fields, line.bytes);
	return OK;
}

static enum err take_proxy(struct http_client *client, const struct http_proxy *proxy, struct error *err)
{
	const char *urls[] = { proxy->http_url, proxy->https_url };
	enum err r = OK;
	for (unsigned i = 0; i < 2 && r == OK; i++)
		if (urls[i] != NULL && urls[i][0] != '\0')
			r = proxy_read(&client->policy, str_of(urls[i]), &client->proxies[i], err);
	for (unsigned i = 0; i < proxy->fields_count && r == OK; i++)
		r = add_field(&client->connect_fields, &proxy->fields[i], err);
	client->no_proxy = proxy->no_proxy != NULL ? mem_strdup(proxy->no_proxy) : NULL;
	return r;
}

static const struct proxy *proxy_for(const struct http_client *client, const struct egress_target *target)
{
	const struct proxy *proxy = &client->proxies[target->https];
	bool spared = client->no_proxy != NULL && proxy_is_spared(str_of(client->no_proxy), target->host, target->port);
	return proxy->host[0] != '\0' && !spared ? proxy : NULL;
}

enum err http_client_create(struct loop *loop, struct clock *clock, struct resolve *resolve,
                            const struct http_client_options *options,
                            struct http_client **ret_client, struct error *err)
{
	struct trust *trust;
	bool by_text = options->tls != NULL && options->tls->ca_pem != NULL;
	enum err result = by_text ? trust_create_pem(str_of(options->tls->ca_pem), &trust, err)
				  : trust_create(options->ca_file, &trust, err);
	if (result != OK)
		return result;
	struct http_client *client = mem_alloc(sizeof *client);
	*client = (struct http_client){ .loop = loop, .clock = clock, .resolve = resolve,
	                                .policy = options->policy, .trust = trust };
	client->user_agent = mem_strdup(options->user_agent != NULL ? options->user_agent : "mainstay");
	if (options->tls != NULL)
		take_identity(client, options->tls);
	client->curl = curl_loop_create(loop, options->connections_max > 0 ? options->connections_max : CONNECTIONS_DEFAULT,
					options->idle_max > 0 ? options->idle_max : IDLE_DEFAULT);
	result = options->proxy != NULL ? take_proxy(client, options->proxy, err) : OK;
	if (result == OK)
		*ret_client = client;
	else
		http_client_destroy(&client);
	return result;
}

static CURL *take_handle(struct http_client *client)
{
	CURL *easy = client->handle_count > 0 ? client->handles[--client->handle_count] : curl_easy_init();
	assert(easy != NULL);
	return easy;
}

static void give_back(struct http_client *client, CURL *easy)
{
	if (client->handle_count == HANDLES_IDLE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	client->handles[client->handle_count++] = easy;
}

static void end_hop(struct http_call *call)
{
	resolve_cancel(&call->query);
	curl_loop_remove(call->client->curl, &call->job);
	if (call->easy != NULL)
		give_back(call->client, call->easy);
	call->easy = NULL;
	curl_slist_free_all(call->past_proxy);
	call->past_proxy = NULL;
	curl_guard_finish(&call->guard);
}

static void call_free(struct http_call *call)
{
	end_hop(call);
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	loop_timer_destroy(&call->timer);
	curl_slist_free_all(call->fields);
	buf_finish(&call->headers);
	buf_finish(&call->body);
	mem_free((char *)call->sent.ptr);
	mem_free(call->raw_target);
	mem_free(call);
}

void http_client_destroy(struct http_client **client_pointer)
{
	struct http_client *client = *client_pointer;
	if (client == NULL)
		return;
	*client_pointer = NULL;
	while (client->calls != NULL)
		call_free(client->calls);
	while (client->handle_count > 0)
		curl_easy_cleanup(client->handles[--client->handle_count]);
	curl_loop_destroy(&client->curl);
	trust_destroy(&client->trust);
	curl_slist_free_all(client->connect_fields);
	mem_free(client->no_proxy);
	mem_free(client->user_agent);
	mem_free(client->cert_file);
	mem_free(client->key_file);
	mem_free(client->server_name);
	mem_free(client);
}

static void finish(struct http_call *call)
{
	struct http_answer *answer = &call->answer;
	answer->headers = buf_str(&call->headers);
	answer->body = buf_str(&call->body);
	answer->url = call->target.url;
	answer->timings.total = clock_since_boot(call->client->clock) - call->started;
	call->fn(call->context, answer, call->err.code == OK ? NULL : &call->err);
	call_free(call);
}

static void on_early_end(void *context)
{
	finish(context);
}

static time_us time_left(const struct http_call *call)
{
	time_us left = call->deadline - clock_since_boot(call->client->clock);
	return left > TIME_MS ? left : TIME_MS;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct http_call *call = context;
	struct str line = { bytes, size * count };
	if (str_starts(line, STR("HTTP/"))) /* after "100 Continue" the real answer begins */
		buf_reset(&call->headers);
	buf_add(&call->headers, line);
	return size * count;
}

static bool answered_well(const struct http_call *call)
{
	long status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status <= 299;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct http_call *call = context;
	size_t length = size * count, fits = call->body.limit - call->body.used;
	if (call->piece != NULL && answered_well(call)) {
		call->piece(call->context, (struct str){ bytes, length });
		return length;
	}
	if (length <= fits) {
		buf_add(&call->body, (struct str){ bytes, length });
		return length;
	}
	buf_add(&call->body, (struct str){ bytes, fits });
	call->answer.body_cut = true;
	return 0;
}

static int before_request(void *context, char *ip, char *local_ip, int port, int local_port)
{
	(void)local_ip, (void)port, (void)local_port;
	struct http_call *call = context;
	snprintf(call->answer.address, sizeof call->answer.address, "%s", ip != NULL ? ip : "");
	if (!call->target.https)
		return CURL_PREREQFUNC_OK;
	struct curl_tlssessioninfo *tls = NULL;
	curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &tls);
	if (tls == NULL || tls->backend != CURLSSLBACKEND_GNUTLS || tls->internals == NULL)
		return CURL_PREREQFUNC_ABORT;
	const char *name = call->client->server_name != NULL ? call->client->server_name : call->target.host;
	call->answer.certificated = trust_examine(call->client->trust, tls->internals, name,
	                                          &call->answer.certificate);
	bool fine = call->answer.certificated && call->answer.certificate.trusted;
	return fine || call->verify_off ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static void set_method(struct http_call *call)
{
	CURL *easy = call->easy;
	bool head = strcmp(call->method, "HEAD") == 0, get = strcmp(call->method, "GET") == 0;
	if (head)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (call->sent.len > 0 || (!head && !get)) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->sent.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->sent.len > 0 ? call->sent.ptr : "");
	}
	if (!head)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void on_transferred(void *context, CURLcode code);

/* An address is verified by and no more: in a URL it would be where we go, and nobody greets by one (RFC 6066 3). */
static bool is_renamed(const struct http_call *call)
{
	struct address address;
	const char *name = call->client->server_name;
	return name != NULL && call->target.https && !address_parse(str_of(name), &address);
}

/* The library greets by the name in the URL: so the URL gets it, pinned to the addresses of the host, and a field says whom
 * we mean. A connection of its own, as another host may have the same name. */
static void rename_host(struct http_call *call)
{
	bool six = strchr(call->target.host, ':') != NULL;
	char *text = NULL;
	CURLU *url = curl_url();
	snprintf(call->host_line, sizeof call->host_line, six ? "Host: [%s]:%u" : "Host: %s:%u", call->target.host, call->target.port);
	call->host_field = (struct curl_slist){ call->host_line, call->fields };
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, &call->host_field);
	if (curl_url_set(url, CURLUPART_URL, call->target.url, 0) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_HOST, call->client->server_name, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
		curl_easy_setopt(call->easy, CURLOPT_URL, text);
	curl_free(text);
	curl_url_cleanup(url);
	call->fresh = true;
}

/* The library asks the environment for what is left open here. */
static void set_proxy(struct http_call *call)
{
	const struct http_client *client = call->client;
	const struct proxy *proxy = call->proxy;
	CURL *easy = call->easy;
	char text[2 * EGRESS_HOST_BYTES + 32];
	bool six = strchr(proxy->host, ':') != NULL, target_six = strchr(call->target.host, ':') != NULL;
	snprintf(text, sizeof text, six ? "http://[%s]:%u" : "http://%s:%u", proxy->host, proxy->port);
	curl_easy_setopt(easy, CURLOPT_PROXY, text);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (call->target.https) /* else the library sends them with every request */
		curl_easy_setopt(easy, CURLOPT_PROXYHEADER, client->connect_fields);
	if (proxy->user[0] != '\0' || proxy->password[0] != '\0') {
		curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, proxy->user);
		curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, proxy->password);
	}
	if (!is_renamed(call))
		return;
	snprintf(text, sizeof text, target_six ? "%s:%u:[%s]:%u" : "%s:%u:%s:%u", client->server_name, call->target.port,
		 call->target.host, call->target.port);
	call->past_proxy = curl_slist_append(NULL, text);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, call->past_proxy);
}

/* Our certificate, and the name we greet by. */
static void set_identity(struct http_call *call, const struct address *addresses, unsigned count)
{
	struct http_client *client = call->client;
	CURL *easy = call->easy;
	if (call->proxy != NULL)
		curl_guard_arm(&call->guard, easy, call->proxy->host, call->proxy->port, addresses, count);
	else
		curl_guard_arm(&call->guard, easy, is_renamed(call) ? client->server_name : call->target.host, call->target.port,
			       addresses, count);
	curl_easy_setopt(easy, CURLOPT_URL, call->target.url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->fields);
	if (is_renamed(call))
		rename_host(call);
	if (call->proxy != NULL)
		set_proxy(call);
	if (client->cert_file != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert_file);
	if (client->key_file != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
	if (client->versions != 0)
		curl_easy_setopt(easy, CURLOPT_SSLVERSION, client->versions);
}

static void begin_transfer(struct http_call *call, const struct address *addresses, unsigned count)
{
	struct http_client *client = call->client;
	long left_ms = (long)((time_left(call) + TIME_MS - 1) / TIME_MS);
	long connect_ms = (long)(call->connect_timeout / TIME_MS);
	CURL *easy = call->easy = take_handle(client);
	call->guard = (struct curl_guard){ .policy = &client->policy };
	set_identity(call, addresses, count);
	if (call->unfold)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, call->raw_target); /* NULL: of the URL */
	if (call->body.limit > LARGE_BODY)
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, LARGE_READ);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 && connect_ms < left_ms
	                                                  ? connect_ms : left_ms);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, call->fresh ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, call->fresh ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* a resumed session shows the certificate of before */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L); /* see the head of this file */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* else it is read all the same: 10 ms each time */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	set_method(call);
	call->job = curl_loop_add(client->curl, easy, on_transferred, call);
}

/* Whom the connection is made to. */
static const char *next_host(const struct http_call *call)
{
	return call->proxy != NULL ? call->proxy->host : call->target.host;
}

static void on_resolved(void *context, const struct address *addresses, unsigned count,
                        const struct error *err)
{
	struct http_call *call = context;
	call->query = NULL;
	call->answer.timings.dns = clock_since_boot(call->client->clock) - call->hop_started;
	if (err != NULL)
		call->err = *err;
	else if (egress_check_all(&call->client->policy, next_host(call), addresses, count,
	                          &call->err) == OK) {
		begin_transfer(call, addresses, count);
		return;
	}
	finish(call);
}

static enum err begin_hop(struct http_call *call, struct error *err)
{
	struct http_client *client = call->client;
	call->hop_started = clock_since_boot(client->clock);
	call->answer.timings = (struct http_timings){ .dns = 0 };
	call->answer.certificated = false;
	call->answer.body_cut = false;
	call->answer.status = 0;
	call->answer.address[0] = '\0';
	call->proxy = proxy_for(client, &call->target);
	return resolve_start(client->resolve, str_of(next_host(call)), time_left(call), on_resolved,
	                     call, &call->query, err);
}

static time_us between(curl_off_t from, curl_off_t to)
{
	return to > from ? to - from : 0;
}

static void take_figures(struct http_call *call)
{
	curl_off_t connect = 0, tls = 0, before = 0, first = 0;
	long status = 0;
	const char *ip = NULL; /* set also when the handshake failed, before any request */
	curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(call->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &before);
	curl_easy_getinfo(call->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->answer.status = (int)status;
	if (ip != NULL)
		snprintf(call->answer.address, sizeof call->answer.address, "%s", ip);
	call->answer.timings.connect = connect;
	call->answer.timings.tls = between(connect, tls);
	call->answer.timings.first_byte = between(before, first);
}

static bool same_origin(const struct egress_target *a, const struct egress_target *b)
{
	return a->https == b->https && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static bool is_secret_field(const struct http_call *call, const char *line)
{
	if (call->fields_stay)
		return strncasecmp(line, "accept:", 7) != 0 && strncasecmp(line, "expect:", 7) != 0;
	return strncasecmp(line, "authorization:", 14) == 0 || strncasecmp(line, "cookie:", 7) == 0 ||
	       strncasecmp(line, "proxy-authorization:", 20) == 0 ||
	       strncasecmp(line, "x-", 2) == 0; /* tokens of all makers live here */
}

/* RFC 9110 15.4: credentials were meant for the origin they were given for. */
static void drop_secret_fields(struct http_call *call)
{
	struct curl_slist *kept = NULL;
	for (struct curl_slist *field = call->fields; field != NULL; field = field->next) {
		if (!is_secret_field(call, field->data))
			kept = curl_slist_append(kept, field->data);
	}
	curl_slist_free_all(call->fields);
	call->fields = kept;
}

static void change_method(struct http_call *call, int status)
{
	bool get_after = status == 303 || ((status == 301 || status == 302) &&
	                                   strcmp(call->method, "POST") == 0);
	if (!get_after || strcmp(call->method, "HEAD") == 0)
		return;
	memcpy(call->method, "GET", 4);
	mem_free((char *)call->sent.ptr);
	call->sent = STR_NONE;
}

/* Where it is sent on to. "/path" is the host's that we meant, while the library resolves it to the name that we greeted by. */
static enum err next_target(const struct http_call *call, const char *next, struct egress_target *ret_target, struct error *err)
{
	if (!is_renamed(call))
		return egress_check_url(&call->client->policy, str_of(next), ret_target, err);
	cleanup_buf struct buf location;
	struct http_answer so_far = { .headers = buf_str(&call->headers) };
	char *text = NULL;
	CURLU *url = curl_url();
	buf_init(&location, EGRESS_URL_MAX_BYTES);
	buf_add(&location, http_answer_field(&so_far, "Location"));
	if (!location.full && location.used > 0 && curl_url_set(url, CURLUPART_URL, call->target.url, 0) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_URL, location.bytes, CURLU_URLENCODE) == CURLUE_OK)
		curl_url_get(url, CURLUPART_URL, &text, 0);
	enum err r = egress_check_url(&call->client->policy, str_of(text != NULL ? text : next), ret_target, err);
	curl_free(text);
	curl_url_cleanup(url);
	return r;
}

/* True when the call goes on with another hop. */
static bool follow_redirect(struct http_call *call)
{
	char *next = NULL;
	int status = call->answer.status;
	curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &next);
	if (status < 300 || status > 399 || next == NULL)
		return false;
	if (call->redirects_max == 0) {
		call->answer.redirect = next; /* the handle's, which lives until the answer was given */
		return false;
	}
	if (call->answer.redirects >= call->redirects_max) {
		error_set(&call->err, ERR_LIMIT, "cannot follow \"%.200s\": more than %u redirects",
		          call->target.url, call->redirects_max);
		return false;
	}
	struct egress_target target;
	if (next_target(call, next, &target, &call->err) != OK) {
		error_prefix(&call->err, "redirect from \"%.200s\"", call->target.host);
		return false;
	}
	if (!same_origin(&call->target, &target))
		drop_secret_fields(call);
	change_method(call, status);
	end_hop(call);
	call->target = target;
	mem_free(call->raw_target);
	call->raw_target = NULL;
	call->answer.redirects++;
	buf_reset(&call->headers);
	buf_reset(&call->body);
	return begin_hop(call, &call->err) == OK;
}

static void explain(struct http_call *call, CURLcode code)
{
	if (call->guard.err.code != OK) {
		call->err = call->guard.err;
		error_prefix(&call->err, "cannot call \"%s\"", call->target.host);
		return;
	}
	if (code == CURLE_ABORTED_BY_CALLBACK && call->answer.certificated) {
		error_set(&call->err, ERR_DENIED, "cannot trust \"%s\" port %u: %s", call->target.host,
		          call->target.port, call->answer.certificate.problem);
		return;
	}
	const struct proxy *proxy = code == CURLE_COULDNT_CONNECT ? call->proxy : NULL;
	curl_explain(call->easy, code, proxy != NULL ? proxy->host : call->target.host, proxy != NULL ? proxy->port : call->target.port, call->detail,
		     &call->err);
	if (call->proxy != NULL)
		error_prefix(&call->err, "by the proxy \"%s\"", call->proxy->host);
}

static void on_transferred(void *context, CURLcode code)
{
	struct http_call *call = context;
	call->job = NULL;
	take_figures(call);
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && call->answer.body_cut)) {
		explain(call, code);
	} else if (follow_redirect(call)) {
		return;
	}
	finish(call);
}

/* It stands in the request line between two blanks. */
static enum err take_target(struct http_call *call, const char *target, struct error *err)
{
	if (target == NULL)
		return OK;
	bool good = target[0] == '/';
	for (const char *byte = target; good && *byte != '\0'; byte++)
		good = (unsigned char)*byte > ' ' && *byte != 0x7F;
	if (!good)
		return error_set(err, ERR_INVALID, "cannot ask for a target that is no path, or has blanks or control characters");
	call->raw_target = mem_strdup(target);
	return OK;
}

static enum err take_fields(struct http_call *call, const struct http_ask *request,
                            struct error *err)
{
	if (request->fields_count > HTTP_FIELDS_MAX)
		return error_set(err, ERR_INVALID, "cannot send more than %d header fields", HTTP_FIELDS_MAX);
	/* Waiting for "100 Continue" would double the latency for nothing. */
	call->fields = curl_slist_append(NULL, "Expect:");
	for (unsigned i = 0; i < request->fields_count; i++) {
		enum err r = add_field(&call->fields, &request->fields[i], err);
		if (r != OK)
			return r;
	}
	return OK;
}

static enum err prepare(struct http_call *call, const struct http_ask *request,
                        struct error *err)
{
	const char *method = request->method != NULL ? request->method : "GET";
	if (!is_token(method) || strlen(method) >= METHOD_BYTES)
		return error_set(err, ERR_INVALID, "cannot use the HTTP method \"%.40s\"", method);
	memcpy(call->method, method, strlen(method) + 1);
	enum err result = egress_check_url(&call->client->policy, str_of(request->url), &call->target, err);
	if (result == OK)
		result = take_target(call, request->target, err);
	if (result == OK)
		result = take_fields(call, request, err);
	if (result == OK && request->body.len > 0) {
		char *copy = mem_alloc(request->body.len);
		memcpy(copy, request->body.ptr, request->body.len);
		call->sent = (struct str){ copy, request->body.len };
	}
	return result;
}

static struct http_call *call_create(struct http_client *client, const struct http_ask *request,
                                     http_fn *fn, void *context)
{
	struct http_call *call = mem_alloc(sizeof *call);
	*call = (struct http_call){
		.client = client, .fn = fn, .context = context,
		.started = clock_since_boot(client->clock),
		.connect_timeout = request->connect_timeout, .redirects_max = request->redirects_max,
		.verify_off = request->verify_off, .fresh = request->fresh, .unfold = request->unfold, .piece = request->piece,
		.fields_stay = request->fields_stay,
		.next = client->calls, .link = &client->calls,
	};
	call->deadline = call->started + request->timeout;
	buf_init(&call->headers, HTTP_ANSWER_HEADERS_MAX_BYTES);
	buf_init(&call->body, request->body_max_bytes > 0 ? request->body_max_bytes : 1);
	if (call->next != NULL)
		call->next->link = &call->next;
	client->calls = call;
	call->timer = loop_timer_create(client->loop, on_early_end, call);
	return call;
}

enum err http_client_start(struct http_client *client, const struct http_ask *request,
                           http_fn *fn, void *context, struct http_call **ret_call,
                           struct error *err)
{
	assert(request->timeout >= TIME_MS && request->timeout <= HTTP_TIMEOUT_MAX);
	assert(request->body_max_bytes <= HTTP_BODY_MAX_BYTES);
	assert(request->redirects_max <= HTTP_REDIRECTS_MAX);
	struct http_call *call = call_create(client, request, fn, context);
	enum err result = prepare(call, request, err);
	if (result != OK) {
		call_free(call);
		return result;
	}
	if (begin_hop(call, &call->err) != OK)
		loop_timer_start(call->timer, 0);
	*ret_call = call;
	return OK;
}

void http_call_cancel(struct http_call **call)
{
	if (*call == NULL)
		return;
	call_free(*call);
	*call = NULL;
}

struct str http_answer_field(const struct http_answer *answer, const char *name)
{
	struct str rest = answer->headers, line;
	size_t length = strlen(name);
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (line.len > length && line.ptr[length] == ':' && strncasecmp(line.ptr, name, length) == 0)
			return str_trim(str_sub(line, length + 1, line.len));
	}
	return STR_NONE;
}

struct trust *http_client_trust(struct http_client *client)
{
	return client->trust;
}

const struct egress_policy *http_client_policy(const struct http_client *client)
{
	return &client->policy;
}
