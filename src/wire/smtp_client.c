/*
 * smtp_client.c: see smtp_client.h.
 *
 * After a message libcurl says QUIT and waits for the answer, blocking the thread. So reading is
 * shut once QUIT has left: the wait ends at once. For that the descriptor must be known for sure,
 * and so one address is tried at a time (no race between two families).
 */
#include "wire/smtp_client.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/curl_loop.h"
#include "wire/mail.h"
#include "wire/resolve.h"

#define URL_BYTES 600
#define NAME_BYTES 256
#define SERVER_SILENCE_MAX_S 60L

struct smtp_client {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct egress_policy policy;
	struct curl_loop *curl;
	struct smtp_send *sends;
	char *ca_file;
};

struct smtp_send {
	struct smtp_client *client;
	struct smtp_send *next, **link;
	struct resolve_query *query;
	struct loop_timer *timer;
	CURL *easy;
	struct curl_job *job;
	struct curl_guard guard;
	struct curl_slist *to;
	smtp_fn *fn;
	void *context;
	struct address addresses[RESOLVE_ADDRESSES_MAX];
	unsigned count, tried;
	char *from, *user, *password, *message;
	size_t message_size, message_sent;
	enum smtp_security security;
	bool verify_off, only_sign_in;
	uint16_t port;
	time_us started, deadline;
	struct smtp_result result;
	struct error err;
	char step[12];
	char host[EGRESS_HOST_BYTES], hello[NAME_BYTES];
	char detail[CURL_ERROR_SIZE];
};

struct smtp_client *smtp_client_create(struct loop *loop, struct clock *clock,
                                       struct resolve *resolve, const struct egress_policy *policy,
                                       const char *ca_file)
{
	struct smtp_client *client = mem_alloc(sizeof *client);
	*client = (struct smtp_client){ .loop = loop, .clock = clock, .resolve = resolve,
	                                .policy = *policy };
	client->curl = curl_loop_create(loop, SMTP_CONNECTIONS_MAX, SMTP_CONNECTIONS_MAX);
	client->ca_file = ca_file != NULL ? mem_strdup(ca_file) : NULL;
	return client;
}

static void end_attempt(struct smtp_send *send)
{
	curl_loop_remove(send->client->curl, &send->job);
	if (send->easy != NULL)
		curl_easy_cleanup(send->easy);
	send->easy = NULL;
	curl_guard_finish(&send->guard);
}

static void wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	mem_free(*secret);
	*secret = NULL;
}

static void send_free(struct smtp_send *send)
{
	resolve_cancel(&send->query);
	end_attempt(send);
	*send->link = send->next;
	if (send->next != NULL)
		send->next->link = send->link;
	loop_timer_destroy(&send->timer);
	curl_slist_free_all(send->to);
	wipe(&send->password);
	mem_free(send->user);
	mem_free(send->from);
	mem_free(send->message);
	mem_free(send);
}

void smtp_client_destroy(struct smtp_client **client_pointer)
{
	struct smtp_client *client = *client_pointer;
	if (client == NULL)
		return;
	*client_pointer = NULL;
	while (client->sends != NULL)
		send_free(client->sends);
	curl_loop_destroy(&client->curl);
	mem_free(client->ca_file);
	mem_free(client);
}

static void finish(struct smtp_send *send)
{
	send->result.took = clock_since_boot(send->client->clock) - send->started;
	send->fn(send->context, &send->result, send->result.accepted ? NULL : &send->err);
	send_free(send);
}

static void on_early_end(void *context)
{
	finish(context);
}

/* What we say: only the verb is kept, and only verbs that are known (a line of an AUTH exchange is
 * none). */
static void note_command(struct smtp_send *send, struct str line)
{
	static const char *const verbs[] = { "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA",
	                                     "QUIT" };
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		size_t length = strlen(verbs[i]);
		if (line.len < length || strncasecmp(line.ptr, verbs[i], length) != 0)
			continue;
		if (line.len > length && !isspace((unsigned char)line.ptr[length]))
			continue;
		snprintf(send->step, sizeof send->step, "%s", verbs[i]);
		if (strcmp(verbs[i], "QUIT") == 0 && send->guard.fd >= 0)
			shutdown(send->guard.fd, SHUT_RD);
		return;
	}
}

static void note_reply(struct smtp_send *send, struct str line)
{
	int64_t code;
	line = str_trim(line);
	if (line.len < 3 || !str_int(str_sub(line, 0, 3), 200, 599, &code))
		return;
	if (line.len > 3 && line.ptr[3] == '-') /* more of this reply follows */
		return;
	if (send->result.count == SMTP_REPLIES_MAX)
		return;
	if (strcmp(send->step, "AUTH") == 0 && code < 400 && code >= 300)
		return; /* a challenge may carry what was said */
	struct smtp_reply *reply = &send->result.replies[send->result.count++];
	reply->code = (int)code;
	snprintf(reply->step, sizeof reply->step, "%s", send->step);
	struct str text = str_sub(line, 4, line.len);
	size_t length = 0;
	for (size_t i = 0; i < text.len && length + 1 < sizeof reply->text; i++)
		reply->text[length++] = (unsigned char)text.ptr[i] < ' ' ? '?' : text.ptr[i];
	reply->text[length] = '\0';
	if (strcmp(send->step, "DATA") == 0)
		snprintf(send->step, sizeof send->step, "%s", "message");
}

static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t size, void *context)
{
	(void)easy;
	struct str line = { bytes, size };
	if (type == CURLINFO_HEADER_OUT)
		note_command(context, line);
	else if (type == CURLINFO_HEADER_IN)
		note_reply(context, line);
	return 0;
}

static size_t give_message(char *into, size_t size, size_t count, void *context)
{
	struct smtp_send *send = context;
	size_t length = size * count, left = send->message_size - send->message_sent;
	if (length > left)
		length = left;
	memcpy(into, send->message + send->message_sent, length);
	send->message_sent += length;
	return length;
}

static size_t drop_bytes(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes, (void)context;
	return size * count;
}

static const struct smtp_reply *find_refusal(const struct smtp_send *send)
{
	for (unsigned i = send->result.count; i > 0; i--)
		if (send->result.replies[i - 1].code >= 400)
			return &send->result.replies[i - 1];
	return NULL;
}

static void explain(struct smtp_send *send, CURLcode code)
{
	const struct smtp_reply *refusal = find_refusal(send);
	if (send->guard.err.code != OK)
		send->err = send->guard.err;
	else if (refusal != NULL)
		error_set(&send->err, refusal->code >= 500 ? ERR_DENIED : ERR_UNAVAILABLE,
		          "could not send mail by \"%s\" port %u: at %s it answered %d %s", send->host,
		          send->port, refusal->step, refusal->code, refusal->text);
	else if (code == CURLE_OK)
		error_set(&send->err, ERR_UNAVAILABLE, "could not send mail by \"%s\" port %u: it did not say "
		          "that it took the message", send->host, send->port);
	else
		curl_explain(send->easy, code, send->host, send->port, send->detail, &send->err);
}

static bool was_accepted(const struct smtp_send *send)
{
	for (unsigned i = 0; i < send->result.count; i++)
		if (strcmp(send->result.replies[i].step, "message") == 0 && send->result.replies[i].code < 300)
			return true;
	return false;
}

static void begin_attempt(struct smtp_send *send);

static void on_transferred(void *context, CURLcode code)
{
	struct smtp_send *send = context;
	send->job = NULL;
	send->result.accepted = send->only_sign_in ? code == CURLE_OK : was_accepted(send);
	if (!send->result.accepted)
		explain(send, code);
	bool silent = send->result.count == 0 && send->guard.err.code == OK;
	if (!send->result.accepted && silent && send->tried < send->count &&
	    clock_since_boot(send->client->clock) < send->deadline) {
		end_attempt(send);
		begin_attempt(send);
		return;
	}
	finish(send);
}

static void set_security(struct smtp_send *send)
{
	CURL *easy = send->easy;
	long use = send->security == SMTP_STARTTLS ? CURLUSESSL_ALL
	         : send->security == SMTP_STARTTLS_IF_THERE ? CURLUSESSL_TRY : CURLUSESSL_NONE;
	curl_easy_setopt(easy, CURLOPT_USE_SSL, use);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, send->verify_off ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, send->verify_off ? 0L : 2L);
	if (send->client->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, send->client->ca_file);
	if (send->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, send->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, send->password);
	}
}

static void begin_attempt(struct smtp_send *send)
{
	char url[URL_BYTES];
	time_us left = send->deadline - clock_since_boot(send->client->clock);
	long left_ms = left > TIME_MS ? (long)(left / TIME_MS) : 1;
	unsigned shares = send->count - send->tried;
	CURL *easy = send->easy = curl_easy_init();
	assert(easy != NULL);
	send->guard = (struct curl_guard){ .policy = &send->client->policy, .fd = -1 };
	curl_guard_arm(&send->guard, easy, send->host, send->port, &send->addresses[send->tried++], 1);
	snprintf(send->step, sizeof send->step, "connect");
	send->message_sent = 0;
	snprintf(url, sizeof url, strchr(send->host, ':') != NULL ? "%s://[%s]:%u/%s" : "%s://%s:%u/%s",
	         send->security == SMTP_TLS ? "smtps" : "smtp", send->host, send->port, send->hello);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, left_ms / (long)shares + 1);
	curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, SERVER_SILENCE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, send->only_sign_in ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, send->from);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, send->to);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)send->message_size);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_message);
	curl_easy_setopt(easy, CURLOPT_READDATA, send);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_bytes);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, drop_bytes);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, send->detail);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, send);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	set_security(send);
	send->job = curl_loop_add(send->client->curl, easy, on_transferred, send);
}

static void on_resolved(void *context, const struct address *addresses, unsigned count,
                        const struct error *err)
{
	struct smtp_send *send = context;
	send->query = NULL;
	if (err != NULL) {
		send->err = *err;
	} else if (egress_check_all(&send->client->policy, send->host, addresses, count,
	                            &send->err) == OK) {
		memcpy(send->addresses, addresses, count * sizeof *addresses);
		send->count = count;
		begin_attempt(send);
		return;
	}
	finish(send);
}

static bool is_host(const char *text, size_t most)
{
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && strchr("-.:_", text[i]) == NULL)
			return false;
	return length > 0 && length <= most;
}

static enum err check_request(const struct smtp_request *request, struct error *err)
{
	if (!is_host(request->host, RESOLVE_NAME_MAX_BYTES) || request->port == 0)
		return error_set(err, ERR_INVALID, "cannot send mail by \"%.80s\" port %u: not a host and port",
		                 request->host, request->port);
	if (request->hello != NULL && !is_host(request->hello, NAME_BYTES - 1))
		return error_set(err, ERR_INVALID, "cannot greet a mail server as \"%.80s\"", request->hello);
	if ((request->user == NULL) != (request->password == NULL))
		return error_set(err, ERR_INVALID, "cannot sign in at \"%s\": user and password belong together",
		                 request->host);
	if (request->only_sign_in)
		return OK;
	if (request->from[0] != '\0' && !mail_is_address(str_of(request->from)))
		return error_set(err, ERR_INVALID, "cannot send mail from \"%.80s\": not an address",
		                 request->from);
	if (request->to_count == 0 || request->to_count > SMTP_RECIPIENTS_MAX)
		return error_set(err, ERR_INVALID, "cannot send mail to %u recipients", request->to_count);
	for (unsigned i = 0; i < request->to_count; i++)
		if (!mail_is_address(str_of(request->to[i])))
			return error_set(err, ERR_INVALID, "cannot send mail to \"%.80s\": not an address",
			                 request->to[i]);
	return OK;
}

static struct smtp_send *send_create(struct smtp_client *client, const struct smtp_request *request,
                                     smtp_fn *fn, void *context)
{
	struct smtp_send *send = mem_alloc(sizeof *send);
	*send = (struct smtp_send){ .client = client, .fn = fn, .context = context,
	                            .security = request->security, .verify_off = request->verify_off,
	                            .only_sign_in = request->only_sign_in,
	                            .port = request->port, .guard.fd = -1,
	                            .started = clock_since_boot(client->clock),
	                            .message_size = request->message.len,
	                            .next = client->sends, .link = &client->sends };
	send->deadline = send->started + request->timeout;
	snprintf(send->host, sizeof send->host, "%s", request->host);
	snprintf(send->hello, sizeof send->hello, "%s",
	         request->hello != NULL ? request->hello : "localhost");
	send->from = mem_strdup(request->from != NULL ? request->from : "");
	send->user = request->user != NULL ? mem_strdup(request->user) : NULL;
	send->password = request->password != NULL ? mem_strdup(request->password) : NULL;
	send->message = mem_alloc(request->message.len + 1);
	if (request->message.len > 0)
		memcpy(send->message, request->message.ptr, request->message.len);
	for (unsigned i = 0; i < request->to_count; i++)
		send->to = curl_slist_append(send->to, request->to[i]);
	if (send->next != NULL)
		send->next->link = &send->next;
	client->sends = send;
	send->timer = loop_timer_create(client->loop, on_early_end, send);
	return send;
}

enum err smtp_client_start(struct smtp_client *client, const struct smtp_request *request,
                           smtp_fn *fn, void *context, struct smtp_send **ret_send,
                           struct error *err)
{
	assert(request->timeout > 0 && request->timeout <= SMTP_TIMEOUT_MAX);
	assert(request->only_sign_in || request->message.len > 0);
	enum err result = check_request(request, err);
	if (result != OK)
		return result;
	struct smtp_send *send = send_create(client, request, fn, context);
	if (resolve_start(client->resolve, str_of(send->host), request->timeout, on_resolved, send,
	                  &send->query, &send->err) != OK)
		loop_timer_start(send->timer, 0);
	*ret_send = send;
	return OK;
}

void smtp_send_cancel(struct smtp_send **send)
{
	if (*send == NULL)
		return;
	send_free(*send);
	*send = NULL;
}
