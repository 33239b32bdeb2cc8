/*
 * http_server_intake.c: what a request may look like, decided once, before anything reads it.
 *
 * Two readers that understand one request differently (we and a proxy) is how requests are smuggled,
 * so whatever RFC 9112 calls an error is one here. The library's 2021 version reads the header block
 * more kindly than that and shows us the result only; but it cuts the block in place, so the texts
 * it shows must lie in memory exactly as strict lines would: method, one space, target, one space,
 * version, CR LF, then name, colon, value, CR LF, without a gap up to the end. A folded line, a bare
 * LF, a NUL, a doubled space all leave a gap. What this cannot see is listed in docs/security.md.
 */
#include "wire/http_server_priv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "wire/url.h"

#define CRLF_BYTES 2
#define CONTENT_LENGTH_DIGITS_MAX 18

/* The header block as the library shows it. */
struct block {
	struct http_exchange *exchange;
	size_t texts_bytes, count;
	const char *next; /* where the next line must begin */
	bool gap, control;
	char *out; /* where the next copied or decoded text goes */
};

static bool is_token(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				    (c >= 'a' && c <= 'z');
		if (!alphanumeric && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return text.len > 0;
}

/* Visible characters, blank, tab; bytes over 0x7f are allowed (obs-text). */
static bool is_field_value(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static enum MHD_Result measure(void *context, enum MHD_ValueKind kind, const char *name,
			       size_t name_size, const char *value, size_t value_size)
{
	struct block *block = context;
	const char *colon = name + name_size;
	if (value == NULL)
		value = colon + 1; /* how newer versions show an empty value */
	if (name != block->next || value <= colon)
		block->gap = true;
	if (!is_field_value((struct str){ value, value_size }))
		block->control = true;
	block->next = value + value_size + CRLF_BYTES;
	block->texts_bytes += name_size + value_size + 2;
	block->count++;
	return MHD_YES;
}

static struct str copy(struct block *block, const char *text, size_t size)
{
	char *at = block->out;
	if (size > 0)
		memcpy(at, text, size);
	at[size] = '\0';
	block->out += size + 1;
	return (struct str){ at, size };
}

static enum MHD_Result take(void *context, enum MHD_ValueKind kind, const char *name,
			    size_t name_size, const char *value, size_t value_size)
{
	struct block *block = context;
	struct str trimmed = str_trim((struct str){ value, value_size });
	struct http_field *field = &block->exchange->fields[block->count++];
	field->name = copy(block, name, name_size);
	field->value = copy(block, trimmed.ptr, trimmed.len);
	return MHD_YES;
}

/* --- the request line --------------------------------------------------------------------- */

static bool block_is_whole(const struct block *block, const char *method)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		block->exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (info == NULL || block->gap)
		return false;
	return block->next + CRLF_BYTES == method + info->header_size;
}

static bool line_is_whole(const struct http_exchange *exchange, const char *method,
			  const char *version)
{
	const char *target = exchange->target_at;
	return target != NULL && method + strlen(method) + 1 == target &&
	       target + exchange->target_length + 1 == version;
}

static int check_line(struct http_exchange *exchange, const char *method, const char *version,
		      const char **ret_why)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT",
					       "PATCH", "DELETE", "OPTIONS" };
	*ret_why = "the request line is not METHOD, one space, target, one space, version";
	if (!line_is_whole(exchange, method, version) || !is_token(str_of(method)))
		return 400;
	*ret_why = "only HTTP/1.1 and HTTP/1.0 are spoken here";
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return 505;
	*ret_why = "the target is longer than 8 KiB";
	if (exchange->target_length > HTTP_TARGET_BYTES_MAX)
		return 414;
	struct http_request *request = &exchange->request;
	request->head = strcmp(method, "HEAD") == 0;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(method, methods[i]) == 0)
			request->method = str_of(request->head ? "GET" : methods[i]);
	*ret_why = "this method is not known here";
	return request->method.len > 0 ? 0 : 501;
}

/* --- headers ------------------------------------------------------------------------------ */

static int check_names(const struct http_exchange *exchange, const char **ret_why)
{
	*ret_why = "a header name holds a blank or another character it may not";
	for (size_t i = 0; i < exchange->request.header_count; i++)
		if (!is_token(exchange->fields[i].name))
			return 400;
	return 0;
}

static size_t count_of(const struct http_request *request, const char *name,
		       struct str *ret_first)
{
	size_t count = 0;
	for (size_t i = request->header_count; i-- > 0;) {
		if (strcasecmp(request->headers[i].name.ptr, name) == 0) {
			*ret_first = request->headers[i].value;
			count++;
		}
	}
	return count;
}

/* A name, an address or [address], and a port: enough to hold no surprise for who compares it. */
static bool is_host(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				    (c >= 'a' && c <= 'z');
		if (!alphanumeric && (c == '\0' || strchr("-._~:[]%", c) == NULL))
			return false;
	}
	return text.len > 0;
}

static int check_host(struct http_request *request, bool version_1_1, const char **ret_why)
{
	size_t count = count_of(request, "host", &request->host);
	*ret_why = "the request has no Host header";
	if (count == 0)
		return version_1_1 ? 400 : 0;
	*ret_why = "the request has more than one Host header";
	if (count > 1)
		return 400;
	*ret_why = "the Host header is not a host and a port";
	return is_host(request->host) ? 0 : 400;
}

/* How long the body is must be said once, in one way (RFC 9112, 6.3). */
static int check_length(const struct http_exchange *exchange, bool version_1_1,
			const char **ret_why)
{
	const struct http_request *request = &exchange->request;
	struct str length = STR_NONE, coding = STR_NONE;
	size_t lengths = count_of(request, "content-length", &length);
	size_t codings = count_of(request, "transfer-encoding", &coding);
	*ret_why = "the length of the body is said twice";
	if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0))
		return 400;
	*ret_why = "Transfer-Encoding does not exist in HTTP/1.0";
	if (codings > 0 && !version_1_1)
		return 400;
	*ret_why = "the only transfer coding spoken here is \"chunked\"";
	if (codings > 0 && (coding.len != 7 || strncasecmp(coding.ptr, "chunked", 7) != 0))
		return 501;
	*ret_why = "Content-Length is not a number of bytes";
	int64_t bytes = 0;
	if (lengths > 0 && (length.len == 0 || length.ptr[0] == '-' ||
			    length.len > CONTENT_LENGTH_DIGITS_MAX ||
			    !str_int(length, 0, INT64_MAX, &bytes)))
		return 400;
	struct str expect;
	*ret_why = "the only expectation met here is \"100-continue\"";
	if (count_of(request, "expect", &expect) > 0 &&
	    (expect.len != 12 || strncasecmp(expect.ptr, "100-continue", 12) != 0))
		return 417;
	return 0;
}

/* --- target and peer ---------------------------------------------------------------------- */

static int check_query(struct block *block, const char **ret_why)
{
	struct http_exchange *exchange = block->exchange;
	struct http_request *request = &exchange->request;
	struct http_field *params = exchange->fields + request->header_count;
	struct str rest = request->query, name, value;
	*ret_why = "the query holds a control character, a blank, a \"#\" or a byte over 0x7e";
	if (!url_query_is_clean(rest))
		return 400;
	while (url_query_next(&rest, &name, &value)) {
		*ret_why = "the query has more than 128 parameters";
		if (request->param_count == HTTP_PARAMS_MAX)
			return 400;
		struct http_field *param = &params[request->param_count++];
		*ret_why = "the query holds a broken escape, a NUL or text that is not UTF-8";
		if (!url_decode(name, true, block->out, &param->name.len))
			return 400;
		param->name.ptr = block->out;
		block->out += param->name.len + 1;
		if (!url_decode(value, true, block->out, &param->value.len))
			return 400;
		param->value.ptr = block->out;
		block->out += param->value.len + 1;
	}
	request->params = params;
	return 0;
}

static int check_target(struct block *block, const char **ret_why)
{
	struct http_request *request = &block->exchange->request;
	struct str path;
	size_t length;
	str_cut(request->target, '?', &path, &request->query);
	*ret_why = "the target must be a path that begins with \"/\", holds only what RFC 3986 "
		   "allows, no \".\" or \"..\" segment and no escaped \"/\"";
	if (url_path_decode(path, block->out, &length, NULL) != OK)
		return 400;
	request->path = (struct str){ block->out, length };
	block->out += length + 1;
	return check_query(block, ret_why);
}

static void note_peer(struct http_exchange *exchange)
{
	struct http_request *request = &exchange->request;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	request->tls = exchange->server->tls != NULL;
	if (info == NULL || info->client_addr == NULL)
		return;
	const struct sockaddr_in *v4 = (const void *)info->client_addr;
	const struct sockaddr_in6 *v6 = (const void *)info->client_addr;
	if (info->client_addr->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, request->peer, sizeof request->peer);
		request->peer_is_loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	} else if (info->client_addr->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, request->peer, sizeof request->peer);
		request->peer_is_loopback =
			IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
			(IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
	}
}

/* --- all of it ---------------------------------------------------------------------------- */

/* At most this many parameters will be taken from the target. */
static size_t params_max(struct str target)
{
	size_t count = 1;
	for (size_t i = 0; i < target.len; i++)
		count += target.ptr[i] == '&';
	return count < HTTP_PARAMS_MAX ? count : HTTP_PARAMS_MAX;
}

/* Copies headers into the exchange, after their count and the gaps between them were looked at. */
static int take_headers(struct block *block, const char *method, const char *version,
			const char **ret_why)
{
	struct http_exchange *exchange = block->exchange;
	block->next = version + strlen(version) + CRLF_BYTES;
	MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, measure, block);
	*ret_why = "the request has more than 64 headers";
	if (block->count > HTTP_HEADERS_MAX)
		return 431;
	*ret_why = "the header block holds a folded line, a bare line feed or a NUL";
	if (MHD_get_version()[0] == '0' && !block_is_whole(block, method))
		return 400;
	*ret_why = "a header value holds a control character";
	if (block->control)
		return 400;
	size_t params = params_max(exchange->request.target);
	/* Decoded path and query are never longer than the target; each text has its own NUL. */
	exchange->texts =
		mem_alloc(block->texts_bytes + exchange->target_length + 2 * params + 2);
	exchange->fields = mem_alloc((block->count + params) * sizeof *exchange->fields);
	block->out = exchange->texts;
	block->count = 0;
	MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, take, block);
	exchange->request.headers = exchange->fields;
	exchange->request.header_count = block->count;
	return 0;
}

int http_intake_check(struct http_exchange *exchange, const char *method, const char *version,
		      const char **ret_why)
{
	assert(exchange->state == HTTP_INTAKE);
	assert(exchange->texts == NULL);
	struct block block = { .exchange = exchange };
	note_peer(exchange);
	int status = check_line(exchange, method, version, ret_why);
	bool version_1_1 = strcmp(version, "HTTP/1.1") == 0;
	if (status == 0)
		status = take_headers(&block, method, version, ret_why);
	if (status == 0)
		status = check_names(exchange, ret_why);
	if (status == 0)
		status = check_host(&exchange->request, version_1_1, ret_why);
	if (status == 0)
		status = check_length(exchange, version_1_1, ret_why);
	if (status == 0)
		status = check_target(&block, ret_why);
	return status;
}
