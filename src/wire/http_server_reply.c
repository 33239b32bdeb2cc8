/* http_server_reply.c: from our response to libmicrohttpd's, with the headers every answer has. */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

#define PROBLEM_BYTES_MAX 4096
#define COMPRESS_LEVEL 4
#define GZIP_WINDOW (15 + 16) /* zlib: largest window, gzip header */

static const struct http_header always[] = {
	{ "Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; "
				     "frame-ancestors 'none'; object-src 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "no-store" },
};

static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 400, "Bad request" },
	{ 401, "Not signed in" },
	{ 403, "Not allowed" },
	{ 404, "Not found" },
	{ 405, "Method not allowed" },
	{ 406, "Not acceptable" },
	{ 408, "Too slow" },
	{ 409, "Conflict" },
	{ 411, "Length required" },
	{ 412, "Changed meanwhile" },
	{ 413, "Too large" },
	{ 414, "Address too long" },
	{ 415, "Media type not supported" },
	{ 417, "Expectation cannot be met" },
	{ 422, "Cannot be processed" },
	{ 428, "Precondition required" },
	{ 429, "Too many requests" },
	{ 431, "Header too large" },
	{ 500, "Internal error" },
	{ 501, "Not implemented" },
	{ 502, "Bad answer from behind" },
	{ 503, "Unavailable now" },
	{ 504, "Behind was too slow" },
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

/* A header value made from input may hold a line break; the library refuses it, and so do we. */
static void header_add(struct MHD_Response *reply, const char *name, const char *value)
{
	if (MHD_add_response_header(reply, name, value) != MHD_YES)
		log_write(LOG_WARNING, "left out a response header that cannot be sent", "name=%s",
			  name);
}

static bool sets(const struct http_response *response, const char *name)
{
	for (size_t i = 0; response != NULL && i < response->header_count; i++)
		if (strcasecmp(response->headers[i].name, name) == 0)
			return true;
	return false;
}

/* Adds what every answer has, save what the response sets itself. `response` may be NULL. */
void http_reply_secure(struct MHD_Response *reply, const struct http_response *response)
{
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		if (!sets(response, always[i].name) &&
		    MHD_get_response_header(reply, always[i].name) == NULL)
			header_add(reply, always[i].name, always[i].value);
}

/* Replaces the body by its gzip form. False, with nothing changed, when it did not get shorter. */
static bool compress_body(char **body, size_t *size)
{
	z_stream stream = { 0 };
	if (deflateInit2(&stream, COMPRESS_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	char *packed = mem_alloc(*size);
	stream.next_in = (Bytef *)*body;
	stream.avail_in = (uInt)*size;
	stream.next_out = (Bytef *)packed;
	stream.avail_out = (uInt)*size;
	bool shorter = deflate(&stream, Z_FINISH) == Z_STREAM_END;
	size_t packed_size = stream.total_out;
	deflateEnd(&stream);
	if (!shorter) {
		mem_free(packed);
		return false;
	}
	assert(packed_size <= *size);
	mem_free(*body);
	*body = packed;
	*size = packed_size;
	return true;
}

static struct MHD_Response *body_make(char *body, size_t size)
{
	if (size == 0) {
		mem_free(body);
		return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	}
	return MHD_create_response_from_buffer_with_free_callback(size, body, mem_free);
}

/* Without memory the process ends, here as in base/mem.h. */
static struct MHD_Response *there(struct MHD_Response *reply)
{
	assert(reply != NULL);
	return reply;
}

static struct MHD_Response *dynamic_make(const struct http_request *request,
					 const struct http_response *response)
{
	char *body = response->body;
	size_t size = response->body_bytes;
	bool packed = response->compress && size >= HTTP_COMPRESS_BYTES_MIN && size <= UINT32_MAX &&
		      http_accepts_gzip(request) && compress_body(&body, &size);
	struct MHD_Response *reply = there(body_make(body, size));
	if (response->content_type != NULL)
		header_add(reply, "Content-Type", response->content_type);
	if (packed)
		header_add(reply, "Content-Encoding", "gzip");
	if (response->compress)
		header_add(reply, "Vary", "Accept-Encoding");
	return reply;
}

struct MHD_Response *http_reply_make(const struct http_request *request,
				     const struct http_response *response, int *ret_status)
{
	struct MHD_Response *reply;
	assert(response->header_count <= HTTP_RESPONSE_HEADERS_MAX);
	if (response->asset != NULL) {
		assert(response->body == NULL);
		reply = there(http_static_reply(request, response->asset, ret_status));
	} else {
		assert(response->status >= 200 && response->status <= 599);
		reply = dynamic_make(request, response);
		*ret_status = response->status;
	}
	for (size_t i = 0; i < response->header_count; i++)
		header_add(reply, response->headers[i].name, response->headers[i].value);
	http_reply_secure(reply, response);
	return reply;
}

/* --- problem documents -------------------------------------------------------------------- */

static void add_json(struct buf *buf, const char *name, const char *text)
{
	buf_printf(buf, "\"%s\":\"", name);
	bool clean = str_is_utf8(str_of(text));
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			buf_printf(buf, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || (!clean && (unsigned char)*c >= 0x80))
			buf_addc(buf, '?');
		else
			buf_addc(buf, *c);
	}
	buf_addc(buf, '"');
}

struct MHD_Response *http_reply_problem(const struct http_request *request, int status,
					const char *detail, const char *hint)
{
	assert(status >= 400 && status <= 599);
	assert(detail != NULL);
	struct buf buf;
	buf_init(&buf, PROBLEM_BYTES_MAX);
	buf_printf(&buf, "{\"type\":\"about:blank\",\"status\":%d,", status);
	add_json(&buf, "title", title_of(status));
	buf_addc(&buf, ',');
	add_json(&buf, "detail", detail);
	if (hint != NULL) {
		buf_addc(&buf, ',');
		add_json(&buf, "hint", hint);
	}
	buf_addc(&buf, ',');
	add_json(&buf, "request_id", request->id);
	buf_adds(&buf, "}\n");
	assert(!buf.full);
	struct http_response response = {
		.status = status,
		.content_type = "application/problem+json",
		.body_bytes = buf.used,
	};
	response.body = buf_take(&buf);
	if (status == 503 || status == 429)
		http_response_header(&response, "Retry-After", "1");
	return http_reply_make(request, &response, &status);
}
